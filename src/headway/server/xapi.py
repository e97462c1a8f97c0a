"""The statements resource of xAPI 1.0.3 and 2.0 (Communication 2.1 and 2.8, IEEE 9274.1.1).

What the standard says about statements stands in `headway.intake.xapi`; here are only requests and answers. A request
is answered when its statements are on the disk.
"""

from typing import Any, Final
from urllib.parse import parse_qs

import msgspec
from fastapi import APIRouter
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from headway.domain.errors import HeadwayError
from headway.intake.entries import Entry, Parcel
from headway.intake.words import statement_id
from headway.intake.xapi import statement as statements
from headway.intake.xapi.attachments import Attachment, Part, is_multipart, match_attachments, read_multipart
from headway.intake.xapi.query import parse_query
from headway.intake.xapi.refusal import Refused
from headway.intake.xapi.versions import LATEST, latest
from headway.server.findable import instant_text
from headway.server.limits import check_depth
from headway.server.state import State, state_of
from headway.server.xapi_answers import PAGE_PARAMETER, found
from headway.server.xapi_headers import VERSION

router: Final = APIRouter(prefix="/xapi", tags=["xapi"])

Sound = tuple[list[dict[str, Any]], list[Attachment]]
"""Statements that are as the standard wants them, with the data of their attachments."""

AUTHORITY_HOME: Final = "https://headway.invalid/keys"
"""Home page of the accounts that stand for API keys as authority; `.invalid` is nobody's (RFC 2606)."""

LARGE_BYTES: Final = 256 << 10
"""Bodies from this size are checked beside the event loop, so that small ones need not wait for them."""

_ENCODE: Final = msgspec.json.Encoder().encode


@router.get("/about", summary="Versions of xAPI spoken here", operation_id="about")
async def about(request: Request) -> Response:
    """The versions of xAPI that are spoken; needs no key."""
    _check_no_parameters(request, "about")
    return _json(_ENCODE({"version": list(LATEST), "extensions": {}}))


@router.head("/about", include_in_schema=False)
async def head_about(request: Request) -> Response:
    """As GET, without the body."""
    return await about(request)


@router.post("/statements", summary="Keep statements", operation_id="post_statements")
async def post(request: Request) -> Response:
    """The ids of the statements, which are on the disk: one, or an array of them, all or none."""
    if "method" in request.query_params:
        from headway.server.xapi_alternate import unfolded

        method, request = await unfolded(request)
        return await {"GET": get, "PUT": put, "POST": post}[method](request)
    state = state_of(request)
    key = await state.key(request, "statements/write")
    version = _version(request)
    _check_no_parameters(request, "POST")
    body, parts = await _content(request)

    def read() -> Sound:
        check_depth(body)
        told = statements.parse(body, version)
        statements.validate_all(told, version)
        return told, match_attachments(told, parts, version)

    sound = read() if len(body) < LARGE_BYTES and not parts else await run_in_threadpool(read)
    ids = await _keep(state, key.id, sound, version)
    return _json(_ENCODE(ids))


@router.put("/statements", summary="Keep one statement under its id", operation_id="put_statement", status_code=204)
async def put(request: Request) -> Response:
    """Nothing, when the statement is on the disk under the id of the parameter `statementId`."""
    state = state_of(request)
    key = await state.key(request, "statements/write")
    version = _version(request)
    told = request.query_params.getlist("statementId")
    if len(told) != 1 or set(request.query_params) != {"statementId"}:
        raise Refused("Communication 2.1.1.s2.table1.row1", "statementId", "must be given once, and nothing else.")
    body, parts = await _content(request)
    check_depth(body)
    statement = statements.parse_one(body, version)
    wanted_id = parse_query({"statementId": told}, version).statement_id
    statement.setdefault("id", wanted_id)
    statements.validate(statement, version)
    if statement["id"].lower() != wanted_id:
        raise Refused("Communication 2.1.1.s3.b3", "$.id", "differs from the parameter statementId. Make them equal.")
    sound = [statement], match_attachments([statement], parts, version)
    await _keep(state, key.id, sound, version)
    return _json(b"", 204)


@router.get("/statements", summary="Read statements back", operation_id="get_statements")
async def get(request: Request) -> Response:
    """One statement by its id, or those that a query finds, newest first."""
    state = state_of(request)
    await state.key(request, "statements/read")
    version = _version(request)
    parameters = parse_qs(request.url.query, keep_blank_values=True)
    mark = parameters.pop(PAGE_PARAMETER, None)
    query = parse_query(parameters, version)
    return await run_in_threadpool(found, state, query, mark, parameters, request.headers.get("accept-language"))


@router.head("/statements", include_in_schema=False)
async def head(request: Request) -> Response:
    """As GET, without the body."""
    return await get(request)


def _version(request: Request) -> str:
    """The version of xAPI that a request speaks."""
    told = request.headers.get(VERSION)
    if told is None:
        raise Refused(
            "Communication 3.3.s3.b2", "X-Experience-API-Version", "is missing. Send this header: 1.0.3 or 2.0.0."
        )
    request.state.xapi_version = latest(told)
    return told


async def _content(request: Request) -> tuple[bytes, list[Part] | None]:
    """The JSON of a request, and the parts of its attachments where it has parts."""
    kind = request.headers.get("content-type", "")
    body = await request.body()
    if kind.partition(";")[0].strip().lower() == "application/json":
        return body, None
    if is_multipart(kind):
        return read_multipart(body, kind)
    raise Refused(
        "Communication 1.5.s1.b1", "Content-Type", "is neither application/json nor multipart/mixed. Send one of them."
    )


async def _keep(state: State, key: str, sound: Sound, version: str) -> list[str]:
    """The ids of sound statements, once they are durable with their attachments."""
    at = state.findable.now()
    stored = instant_text(at)
    authority = {"objectType": "Agent", "account": {"homePage": AUTHORITY_HOME, "name": key}}
    prepared = [statements.prepare(one, stored=stored, authority=authority, version=version) for one in sound[0]]
    attached = {bytes.fromhex(one.sha2): one.content for one in sound[1]}
    entries = [Entry("xapi", at, statement_id(one), _ENCODE(one)) for one in prepared]
    state.findable.begin(at)
    try:
        await state.inbox.keep_later(Parcel(entries, attached))
    except HeadwayError as wrong:
        state.metrics.refused.labels(type(wrong).__name__).inc()
        raise
    finally:
        state.findable.end(at)
    state.metrics.records.labels("xapi").inc(len(entries))
    return [one["id"] for one in prepared]


def _check_no_parameters(request: Request, of: str) -> None:
    for name in request.query_params:
        raise Refused("Communication 3.2.s3.b7", name, f"is no parameter of {of}.")


def _json(body: bytes, status: int = 200) -> Response:
    return Response(body, status, media_type="application/json" if body else None)
