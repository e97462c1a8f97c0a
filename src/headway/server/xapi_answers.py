"""What a GET of statements is answered with: one or a page of them, with the data of attachments if wanted."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any, Final
from urllib.parse import urlencode
from uuid import UUID

import msgspec
from starlette.exceptions import HTTPException
from starlette.responses import Response

from headway.intake.entries import Kept
from headway.intake.words import wanted
from headway.intake.xapi.attachments import Part, attachment_part, write_multipart
from headway.intake.xapi.query import Query, accepted_languages, formatted
from headway.intake.xapi.refusal import Refused
from headway.server.findable import INDEX_AT_ONCE, instant_text
from headway.server.state import State
from headway.server.xapi_headers import THROUGH

PAGE_PARAMETER: Final = "page"
"""Our own parameter of `more` links: the place of the last statement, and up to which the whole answer goes."""

PAGE: Final = 100
LARGEST_PAGE: Final = 1_000
ATTACHED_BYTES: Final = 64 << 20
"""Data of attachments after which a page is full, whatever its limit."""

_MARK: Final = re.compile(r"([0-9]{1,18})-([0-9]{1,18})")
_ENCODE: Final = msgspec.json.Encoder().encode
_DECODE: Final = msgspec.json.Decoder().decode


def found(
    state: State, query: Query, mark: list[str] | None, parameters: dict[str, list[str]], languages: str | None
) -> Response:
    """The answer to a query.

    Args:
        state: where.
        query: what is asked.
        mark: the values of the parameter `page`.
        parameters: all others, for the `more` link.
        languages: the header Accept-Language.

    Raises:
        HTTPException: there is no such statement (404).
        Refused: the mark is not ours.
    """
    headers = {THROUGH: instant_text(state.findable.catch_up(INDEX_AT_ONCE))}
    accepted = accepted_languages(languages)
    if query.single:
        rows = [_single(state, query)]
        parts = _attached(state, rows)[0] if query.attachments else []
        body = _shown(rows[0], query, accepted)
    else:
        rows, parts, more = _several(state, query, mark, parameters)
        shown = b",".join(_shown(row, query, accepted) for row in rows)
        body = b'{"statements":[' + shown + b'],"more":' + _ENCODE(more) + b"}"
    if rows:
        headers["last-modified"] = _http_date(max(row.received_us for row in rows))
    kind = "application/json"
    if query.attachments:
        kind, body = write_multipart(body, parts)
    return Response(body, headers={**headers, "content-type": kind})


def _single(state: State, query: Query) -> Kept:
    text = query.statement_id or query.voided_statement_id
    assert text is not None
    row, voided = state.inbox.one(UUID(text).bytes)
    if row is None or voided != (query.voided_statement_id is not None):
        kind = "voided statement" if query.voided_statement_id else "statement"
        raise HTTPException(404, f"There is no {kind} of this id.")
    return row


def _several(
    state: State, query: Query, mark: list[str] | None, parameters: dict[str, list[str]]
) -> tuple[list[Kept], list[Part], str]:
    """A page of rows, the data of their attachments where wanted, and where the next page is."""
    after, upto = None, state.inbox.backlog().indexed
    if mark is not None:
        told = _MARK.fullmatch(mark[0])
        if told is None or len(mark) > 1:
            raise Refused("Communication 3.2.s3.b7", PAGE_PARAMETER, "is not this server's. Follow `more` as it is.")
        after, upto = int(told[1]), int(told[2])
    limit = min(query.limit or PAGE, LARGEST_PAGE)
    rows = state.inbox.find(wanted(query, limit + 1, after, upto))
    more, rows = len(rows) > limit, rows[:limit]
    parts: list[Part] = []
    if query.attachments:
        parts, fitting = _attached(state, rows)
        more, rows = more or fitting < len(rows), rows[:fitting]
    if not more:
        return rows, parts, ""
    page = {PAGE_PARAMETER: [f"{rows[-1].place}-{upto}"]}
    return rows, parts, f"/xapi/statements?{urlencode(parameters | page, doseq=True)}"


def _attached(state: State, rows: list[Kept]) -> tuple[list[Part], int]:
    """The data of the rows' attachments, each once, and how many rows these are: at least one, as many as fit."""
    parts: dict[str, Part] = {}
    size = 0
    for place, row in enumerate(rows):
        for header in _headers(_DECODE(row.body)) if b'"attachments"' in row.body else ():
            sha2 = header["sha2"].lower()
            content = None if sha2 in parts else state.inbox.attachment(bytes.fromhex(sha2))
            if content is not None:
                size += len(content)
                if size > ATTACHED_BYTES and place:
                    return list(parts.values()), place
                parts[sha2] = attachment_part(sha2, header["contentType"], content)
    return list(parts.values()), len(rows)


def _headers(statement: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield from statement.get("attachments", ())
    if statement["object"].get("objectType") == "SubStatement":
        yield from statement["object"].get("attachments", ())


def _shown(row: Kept, query: Query, accepted: tuple[str, ...]) -> bytes:
    if query.format == "exact":
        return row.body
    return _ENCODE(formatted(_DECODE(row.body), query.format, accepted))


def _http_date(us: int) -> str:
    return format_datetime(datetime.fromtimestamp(us / 1_000_000, UTC), usegmt=True)
