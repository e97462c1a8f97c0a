"""Records from webhooks: plain ones, Caliper and Canvas events.

What is no JSON of the right form is refused as a whole. What a record says is judged on its way into the lake: a bad
one goes to quarantine and takes no other with it.
"""

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import msgspec
from fastapi import APIRouter
from pydantic import BaseModel
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request

from headway.domain.errors import HeadwayError
from headway.intake import caliper as caliper_door
from headway.intake import canvas as canvas_door
from headway.intake import plain
from headway.intake.checked import Checked, Rejected
from headway.intake.entries import UNFIT, Entry, Parcel
from headway.server.findable import instant_text
from headway.server.limits import check_depth
from headway.server.state import state_of

router: Final = APIRouter(prefix="/v1", tags=["records"])

MOST_RECORDS: Final = plain.MOST_RECORDS
MOST_TOLD: Final = 20
LARGE_BYTES: Final = 256 << 10
_LINES: Final = ("application/x-ndjson", "application/jsonl", "application/x-jsonlines")
_DECODE: Final = msgspec.json.Decoder().decode
_ENCODE: Final = msgspec.json.Encoder().encode


class Unfit(BaseModel):
    """A record that went to quarantine."""

    place: int
    reason: str
    detail: str


class Accepted(BaseModel):
    """How many records are on the disk now, and which of the others went to quarantine, the first of them by place."""

    accepted: int
    quarantined: int
    unfit: list[Unfit]


@router.post("/records", status_code=202, summary="Keep plain records", operation_id="post_records")
async def records(request: Request) -> Accepted:
    """How many records are kept: one object, an array, `{"records": […]}`, or JSON lines."""
    return await _take(request, "records", "records/write")


@router.post("/caliper", status_code=202, summary="Keep Caliper events", operation_id="post_caliper")
async def caliper(request: Request) -> Accepted:
    """How many Caliper envelopes (or events without one) are kept."""
    return await _take(request, "caliper", "statements/write")


@router.post("/canvas", status_code=202, summary="Keep Canvas Live Events", operation_id="post_canvas")
async def canvas(request: Request) -> Accepted:
    """How many Canvas Live Events are kept: one object or an array."""
    return await _take(request, "canvas", "statements/write")


async def _take(request: Request, source: str, scope: str) -> Accepted:
    state = state_of(request)
    await state.key(request, scope)
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json" and not (source == "records" and kind in _LINES):
        raise HTTPException(415, f"Send application/json{f' or {_LINES[0]}' if source == 'records' else ''}.")
    body = await request.body()
    at = state.findable.now()
    read = partial(_lines if kind in _LINES else _document, body, source, at)
    taken = read() if len(body) < LARGE_BYTES else await run_in_threadpool(read)
    try:
        await state.inbox.keep_later(Parcel([*taken.entries, *(_unfit(source, at, each) for each in taken.rejected)]))
    except HeadwayError as wrong:
        state.metrics.refused.labels(type(wrong).__name__).inc()
        raise
    state.metrics.records.labels(source).inc(taken.accepted)
    told = [Unfit(place=each.place, reason=each.reason, detail=each.detail) for each in taken.rejected[:MOST_TOLD]]
    return Accepted(accepted=taken.accepted, quarantined=len(taken.rejected), unfit=told)


@dataclass(frozen=True, slots=True)
class _Taken:
    """What a body holds: the entries to be kept, of how many records they are, and what is not fit."""

    entries: list[Entry]
    accepted: int
    rejected: list[Rejected]


def _document(body: bytes, source: str, at: int) -> _Taken:
    """What a JSON document holds."""
    check_depth(body)
    try:
        document: Any = _DECODE(body)
    except (msgspec.MsgspecError, ValueError, RecursionError) as wrong:
        raise HTTPException(400, "The body is no sound JSON (RFC 8259). Mend it and send it again.") from wrong
    checked = _CHECKS[source](document)
    kept: list[Any] = checked.accepted
    if source != "records" and isinstance(document, dict) and "metadata" not in document and "data" in document:
        kept = [{**document, "data": kept}] if kept else []  # sent as one, known as one
    return _Taken(_entries(source, at, map(_ENCODE, kept)), len(checked.accepted), checked.rejected)


def _lines(body: bytes, source: str, at: int) -> _Taken:
    """What JSON lines hold. They are kept as they came."""
    lines = [line for each in body.split(b"\n") if (line := each.strip())]
    if len(lines) > MOST_RECORDS:
        raise HTTPException(413, f"{len(lines)} records are too many at once. Send at most {MOST_RECORDS}.")
    if not lines:
        plain.check([])
    rejected: dict[int, Rejected] = {}
    for place, line in enumerate(lines):
        if not plain.is_fit(line):
            record = _decoded(line)
            wrong = plain.fault(record)
            if wrong is not None:
                rejected[place] = Rejected(place, *wrong, raw=record)
    fit = (line for place, line in enumerate(lines) if place not in rejected) if rejected else lines
    return _Taken(_entries(source, at, fit), len(lines) - len(rejected), list(rejected.values()))


def _decoded(line: bytes) -> Any:
    """What a line says; an empty text, which is no record, where it is no JSON."""
    check_depth(line)
    try:
        return _DECODE(line)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return ""


def _entries(source: str, at: int, bodies: Iterable[bytes]) -> list[Entry]:
    if source != "records":
        return [Entry(source, at, None, body) for body in bodies]
    # When a record arrived is when it was known; the sender's clock does not tell.
    before = f'{{"received_at":"{instant_text(at)}","record":'.encode()
    return [Entry(source, at, None, b"%b%b}" % (before, body)) for body in bodies]


def _unfit(source: str, at: int, rejected: Rejected) -> Entry:
    """What stands for an unfit record on its way to quarantine: why, and a sum of it, since it may name a person."""
    sum_of = hashlib.sha256(_ENCODE(rejected.raw)).hexdigest()
    told = {"source": source, "place": rejected.place, "reason": rejected.reason, "detail": rejected.detail}
    return Entry(UNFIT, at, None, _ENCODE(told | {"sha256": sum_of}))


_CHECKS: Final[dict[str, Callable[[Any], Checked]]] = {
    "records": plain.check,
    "caliper": caliper_door.check,
    "canvas": canvas_door.check,
}
