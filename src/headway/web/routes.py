"""Where pages meet the web: each registered page becomes a route with a session, a scope, a token check and an answer.

What goes wrong becomes a page that says what happened and what to do. Every answer carries the security headers.
"""

import logging
from collections.abc import Awaitable, Callable
from contextlib import nullcontext
from dataclasses import replace
from typing import Final

import anyio
from anyio import CapacityLimiter
from sqlalchemy.exc import OperationalError
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData, Headers
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from headway.domain.errors import ConfigError, HeadwayError, NotAuthenticated, NotPermitted, Pending
from headway.governance import accounts
from headway.governance.accounts import Session
from headway.store.database import is_away
from headway.web.address import address
from headway.web.cookie import COOKIE
from headway.web.forms import from_here, is_token_for
from headway.web.packing import file_answer, packed
from headway.web.page import PAGES, Page
from headway.web.site import Site
from headway.web.visit import Visit

LOG: Final = logging.getLogger("headway.web")
MOST_FIELDS: Final = 3_000
LONGEST_ADDRESS: Final = 4_000
THREADS: Final = 8
RETRY_S: Final = 5
"""Seconds after which a browser may ask again for what could not be made without the database."""

SECURITY: Final = {
    "Content-Security-Policy": "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; "
    "object-src 'none'; img-src 'self' data:",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "X-Frame-Options": "DENY",
}
_FOREIGN: Final = "This form was not sent from a page of headway, or that page is too old. Open the page again."


def routes(site: Site) -> list[Route]:
    """A route for each page, and one for our own files."""
    limiter = CapacityLimiter(THREADS)
    files = Route("/static/{digest}/{name}", _static, methods=["GET"])
    return [files, *(Route(page.path, _endpoint(site, page, limiter), methods=[page.method]) for page in PAGES)]


def _endpoint(site: Site, page: Page, limiter: CapacityLimiter) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        form = FormData()
        if page.method == "POST":
            form = await request.form(max_fields=MOST_FIELDS)
        try:
            return await anyio.to_thread.run_sync(_finished, site, page, request, form, limiter=limiter)
        finally:
            await form.close()

    return endpoint


def _finished(site: Site, page: Page, request: Request, form: FormData) -> Response:
    return packed(secured(_answered(site, page, request, form), is_secure(site, request)), request)


def _answered(site: Site, page: Page, request: Request, form: FormData) -> Response:
    with site.app.store.one_state() if page.method == "GET" else nullcontext():
        return _answer(site, page, request, form)


def _answer(site: Site, page: Page, request: Request, form: FormData) -> Response:
    visit = visit_of(site, request, form)
    try:
        answer = _refused(visit, page, request) or page.handler(visit)
    except Pending:
        return visit.render("pending.html", 202 if visit.htmx else 200, again=str(request.url.path) + _query(request))
    except HeadwayError as error:
        if is_away(error):
            raise  # no page with a name on it can be made without the database
        return error_page(visit, error)
    if visit.notice and not visit.htmx and page.method == "GET":
        answer.delete_cookie("notice", path="/")
    return answer


def _refused(visit: Visit, page: Page, request: Request) -> Response | None:
    """The answer to a visitor who may not open the page; None where they may."""
    if page.method == "POST" and not _own_form(visit, request):
        return error_page(visit, NotPermitted(_FOREIGN))
    if not page.roles:
        return None
    if visit.session is None:
        back = request.url.path + _query(request) if page.method == "GET" else "/"
        to = address("/sign-in", {"next": back} if back != "/" else {})
        if visit.htmx:
            return Response(status_code=204, headers={"HX-Redirect": to})
        return RedirectResponse(to, 303)
    if visit.session.role not in page.roles:
        visit.audit("refuse", page.path, {"role": visit.session.role})
        return error_page(visit, NotPermitted("Your role does not open this page. Ask whoever gave you access."))
    return None


def _query(request: Request) -> str:
    return f"?{request.url.query}" if request.url.query else ""


def _own_form(visit: Visit, request: Request) -> bool:
    """Whether a form was sent by one of our pages: by its token, and by what the browser says of its origin."""
    return from_here(request) and is_token_for(visit.token, visit.form.get("csrf"))


def visit_of(site: Site, request: Request, form: FormData | None = None, *, known: bool = True) -> Visit:
    """The visit that a request is; where nobody shall be known, the database is not asked who comes."""
    now, token, headers = site.app.clock.now(), request.cookies.get(COOKIE, ""), request.headers
    return Visit(
        site=site,
        path=request.url.path,
        params=dict(request.path_params),
        query=request.query_params,
        form=form or FormData(),
        session=_session(site, token) if token and known else None,
        token=token,
        htmx=_asks_for_part(headers),
        cookies=request.cookies,
        target=headers.get("hx-target", ""),
        came_from=headers.get("hx-current-url", "")[:LONGEST_ADDRESS],
        request_id=getattr(request.state, "request_id", ""),
        now=now,
        secure=is_secure(site, request),
    )


def _asks_for_part(told: Headers) -> bool:
    """Whether htmx asks for a part of a page; going back, and what takes the place of the body, is a whole page."""
    whole = told.get("hx-request-type") == "full" or told.get("hx-history-restore-request") == "true"
    return told.get("hx-request") == "true" and not whole


def _session(site: Site, token: str) -> Session | None:
    now = site.app.clock.now()
    with site.app.store.read() as connection:
        found = accounts.session(connection, now, token)
    if found is None:
        return None
    if found[1]:
        with site.app.store.begin() as connection:
            accounts.seen(connection, now, token)
    return found[0]


def error_page(visit: Visit, error: HeadwayError) -> Response:
    """The page that says what went wrong and what to do."""
    status = error.http_status
    if status >= 500:
        LOG.error("failed", extra={"request_id": visit.request_id}, exc_info=error)
    told = "" if status == 500 else str(error)
    if isinstance(error, NotAuthenticated):
        visit = replace(visit, session=None)
    answer = _trouble(visit, status, told)
    if retry := getattr(error, "retry_after_s", None):
        answer.headers["Retry-After"] = str(retry)
    return answer


def _trouble(visit: Visit, status: int, told: str, again: str = "") -> Response:
    """A page that says what went wrong; to htmx a message beside what is there, so that nothing is lost."""
    if not visit.htmx:
        return visit.render("error.html", status, told=told, again=again)
    visit.headers |= {"HX-Retarget": "#trouble", "HX-Reswap": "innerHTML", "HX-Push-Url": "false"}
    return visit.part("error.html", "trouble", status, told=told)


async def not_a_page(site: Site, request: Request, status: int) -> Response:
    """The page for an address at which there is none, for what nobody expected, or without the database (503)."""

    def made() -> Response:
        try:
            answer = (
                _without_database(site, request) if status == 503 else _trouble(visit_of(site, request), status, "")
            )
        except (ConfigError, OperationalError) as error:
            if not is_away(error):
                raise
            answer = _without_database(site, request)
        return packed(secured(answer, is_secure(site, request)), request)

    return await run_in_threadpool(made)


def _without_database(site: Site, request: Request) -> Response:
    """The page for the time without a database: nobody is known on it, so it asks the database for nothing."""
    again = request.url.path + _query(request) if request.method == "GET" else "/"
    answer = _trouble(visit_of(site, request, known=False), 503, "", again)
    answer.headers["Retry-After"] = str(RETRY_S)
    return answer


def is_secure(site: Site, request: Request) -> bool:
    """Whether what is sent travels encrypted: to us, or to what stands in front of us and is named in the settings."""
    return request.url.scheme == "https" or site.app.settings.server.public_url.startswith("https://")


def wants_page(request: Request) -> bool:
    """Whether a person's browser asks, to be answered with a page and not with JSON."""
    programs = ("/v1", "/xapi", "/healthz", "/readyz", "/metrics", "/openapi")
    return "text/html" in request.headers.get("accept", "") and not request.url.path.startswith(programs)


def secured(answer: Response, encrypted: bool) -> Response:
    """The answer with the headers that every one carries."""
    for name, value in SECURITY.items():
        answer.headers.setdefault(name, value)
    if encrypted:
        answer.headers.setdefault("Strict-Transport-Security", "max-age=31536000")
    answer.headers.setdefault("Cache-Control", "no-store")
    return answer


async def _static(request: Request) -> Response:
    try:
        return secured(file_answer(request), request.url.scheme == "https")
    except HeadwayError as missing:
        raise HTTPException(404, "There is no such file.") from missing
