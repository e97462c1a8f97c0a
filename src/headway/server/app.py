"""The application: routes, the gate before them, and what is open while it runs."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

from fastapi import FastAPI
from starlette.middleware.errors import ServerErrorMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from headway import __version__
from headway.flow.app import App
from headway.flow.intake import open_inbox
from headway.intake.words import same
from headway.server import health, records, tasks, v1, xapi
from headway.server.errors import EXPECTED, answer
from headway.server.findable import Findable
from headway.server.limits import Gate
from headway.server.log import LOG, facts
from headway.server.metrics import Metrics
from headway.server.oidc import Provider
from headway.server.openapi import document
from headway.server.scoring import ScoreJobs
from headway.server.state import State
from headway.server.telemetry import telemetry
from headway.settings import pseudonym_key
from headway.web.routes import not_a_page, routes, wants_page
from headway.web.site import Site

ROUTERS: Final = (health.router, xapi.router, records.router, v1.router, tasks.router)


def create_app(app: App, *, demo: bool = False) -> "Headway":
    """The ASGI application of one home.

    Args:
        app: the opened home; it must stay open for as long as the application runs.
        demo: whether it shows made-up people, so that roles may be tried out.
    """
    metrics, people = Metrics(), app.settings.server.oidc
    site = Site(app, demo)
    watched = telemetry(app.settings.server.telemetry)
    provider = None if people is None else Provider(people, pseudonym_key(app.settings), app.clock)

    @asynccontextmanager
    async def running(made: FastAPI) -> AsyncIterator[None]:
        with open_inbox(app, same) as inbox:
            findable = Findable(inbox, app.clock)
            jobs = ScoreJobs(app)
            made.state.headway = State(app, inbox, findable, metrics, provider)
            findable.start()
            jobs.start()
            try:
                yield
            finally:
                site.close()
                jobs.stop()
                findable.stop()
                watched.close()

    made = Headway(
        title="headway",
        version=__version__,
        lifespan=running,
        docs_url=None,
        redoc_url=None,
        telemetry=watched.config,
    )
    for router in ROUTERS:
        made.include_router(router)
    made.router.routes.extend(routes(site))
    made.site = site
    for error in (*EXPECTED, Exception):
        made.add_exception_handler(error, _told)
    limits = app.settings.server
    made.gate = Gate(
        made.inside, metrics, limits.open_requests, limits.max_body_mib << 20, float(limits.body_timeout_s)
    )
    return made


class Headway(FastAPI):
    """The application with the gate around all of it, and a short way to the door through which records come."""

    gate: Gate
    site: Site

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handles one request, or the beginning and end of the process."""
        if scope["type"] == "http":
            scope["app"] = self
            await self.gate(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)

    async def inside(self, scope: Scope, receive: Receive, send: Send) -> None:
        """What is behind the gate."""
        lane = _LANES.get((scope["method"], scope["path"]))
        if lane is None:
            await super().__call__(scope, receive, send)
            return
        scope["route"] = lane
        await ServerErrorMiddleware(lane, handler=_told)(scope, receive, send)

    def openapi(self) -> dict[str, Any]:
        """The OpenAPI document."""
        return document(self)


@dataclass(frozen=True, slots=True)
class _Lane:
    path: str
    handler: Callable[[Request], Awaitable[Response]]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            response = await self.handler(Request(scope, receive))
        except EXPECTED as error:
            response = await _told(Request(scope), error)
        await response(scope, receive, send)


_LANES: Final = {("POST", "/xapi/statements"): _Lane("/xapi/statements", xapi.post)}
"""Routes that are found at once: of what one statement costs, finding its route was the largest part."""


async def _told(request: Request, error: Exception) -> Response:
    status, headers, body = answer(error, request.state.request_id)
    if status >= 500:
        LOG.error("failed", extra=facts(request_id=request.state.request_id), exc_info=error)
    if wants_page(request):
        return await not_a_page(request.app.site, request, status)
    return Response(body, status, {"content-type": "application/json", **headers})
