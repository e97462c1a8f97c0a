"""Whether the server lives, whether it can take records, and its figures."""

from typing import Final

from fastapi import APIRouter
from pydantic import BaseModel
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from headway.domain.errors import HeadwayError, Unavailable
from headway.server.state import State, state_of

router: Final = APIRouter(tags=["health"])


class Health(BaseModel):
    """That the server answers."""

    status: str


class Readiness(BaseModel):
    """Whether records can be taken, and how far behind their way into the lake is."""

    status: str
    waiting: int
    oldest_waiting_s: float


@router.get("/healthz", summary="Whether the server lives", operation_id="healthz")
async def healthz() -> Health:
    """That the server answers; needs no key."""
    return Health(status="ok")


@router.get("/readyz", summary="Whether records can be taken", operation_id="readyz")
async def readyz(request: Request) -> Readiness:
    """Whether the inbox and the store can be used (503 where not), and how many records wait; needs no key."""
    return await run_in_threadpool(_ready, state_of(request))


@router.get("/metrics", summary="Figures for Prometheus", operation_id="metrics", response_class=Response)
async def metrics(request: Request) -> Response:
    """Latencies, counts, intake lag and queue depth in Prometheus' text format; needs no key and names nobody."""
    state = state_of(request)
    text = await run_in_threadpool(state.metrics.text, state.inbox, state.findable.now())
    return Response(text, media_type="text/plain; version=0.0.4; charset=utf-8")


def _ready(state: State) -> Readiness:
    try:
        state.app.store.revision()
        backlog = state.inbox.backlog()
    except HeadwayError as wrong:
        raise Unavailable("The database cannot be used just now. Records are refused until it is back.") from wrong
    age = 0.0 if backlog.oldest_us is None else max(0, state.findable.now() - backlog.oldest_us) / 1_000_000
    return Readiness(status="ready", waiting=backlog.waiting, oldest_waiting_s=round(age, 3))
