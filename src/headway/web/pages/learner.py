"""The learner page: what is going on with this person, how sure are we, what now?"""

from importlib.resources import files
from typing import Final

from markupsafe import Markup
from starlette.responses import Response

from headway.domain.errors import Pending
from headway.domain.time import AsOf
from headway.flow import learner as learners
from headway.flow.app import App
from headway.flow.learner import ASKED_WHY
from headway.flow.mastery import practised
from headway.flow.trail import Trail, trail_of
from headway.governance.scopes import Role
from headway.web.address import named, slug
from headway.web.learner_told import explanation_told
from headway.web.learner_trail import TrailView, reason_asked, trail_view
from headway.web.learner_view import (
    LearnerView,
    drawer,
    kinds,
    list_address,
    notes_told,
    outcomes,
    thread_told,
    view_of,
    views_told,
    weeks_told,
)
from headway.web.page import page
from headway.web.rendering import render
from headway.web.visit import Seen, Visit

LISTS: Final[frozenset[Role]] = frozenset({"adviser", "tutor", "data_scientist"})
"""Roles with lists of learners."""

ASKED: Final[frozenset[Role]] = frozenset({"instructor", "governance"})
"""Roles that say why before they see a learner."""

TRAIL_WAIT_S: Final = 0.05
"""For so long a page waits for a trail that is not at hand; the rest does not wait for it."""

PART_WAIT_S: Final = 0.5
"""A part that is asked for behind the page waits a little longer; it holds a thread, and there are few."""

AT_ONCE: Final = 1_000
"""Of a run with more learners, what changed is worked out only when somebody asks."""

VIEWS_SHOWN: Final = 6


@page("/learners/{learner}", LISTS | ASKED, about="What is going on with this person, how sure are we, what now?")
def learner_page(visit: Visit) -> Response:
    """The page about one learner, now or as it was at the end of an earlier day."""
    seen = let_in(visit, "learner")
    if isinstance(seen, Response):
        return seen
    view = view_of(visit, seen)
    views = views_told(view)
    query = {name: visit.query.get(name, "") for name in ("reason", "week", "from")}
    return visit.render(
        "learner.html",
        view=view,
        then=view.until.day(seen.run.zone),
        back=list_address(visit) if visit.role in LISTS else "",
        weeks=weeks_told(view),
        deeper_at_once=view.week is not None and view.week.score_run.learners <= AT_ONCE,
        trail=_trail(view, TRAIL_WAIT_S),
        trail_at=view.link("/trail", **query),
        trail_page=view.link("", **query),
        thread=thread_told(view),
        notes=notes_told(view),
        views=views[:VIEWS_SHOWN],
        more_views=len(views) > VIEWS_SHOWN,
        kinds=kinds(visit.words.gettext),
        outcomes=outcomes(visit.words.gettext),
    )


@page("/learners/{learner}/drawer", LISTS, about="Who is this, in one look beside the list?")
def drawer_page(visit: Visit) -> Response:
    """The drawer beside the list, whose address names the learner while it is open."""
    if visit.query.get("closed"):
        visit.headers["HX-Replace-Url"] = list_address(visit)
        return visit.part("learner_drawer.html", "drawer_content", drawer=None)
    seen = visit.learner("drawer")
    if not visit.htmx:
        return visit.redirect(visit.link("/caseload", learner=slug(seen.learner)))
    visit.headers["HX-Replace-Url"] = list_address(visit, learner=slug(seen.learner))
    return visit.part("learner_drawer.html", "drawer_content", drawer=drawer(visit, seen)["drawer"])


@page("/learners/{learner}/trail", LISTS | ASKED, about="What did they do, and when?")
def trail_page(visit: Visit) -> Response:
    """The trail's part of the page, for htmx when it was not at hand; anybody else is sent to the page."""
    seen = let_in(visit, "trail")
    if isinstance(seen, Response):
        return seen
    view = view_of(visit, seen)
    query = {name: visit.query.get(name, "") for name in ("reason", "week", "from")}
    page_at = view.link("", **query)
    if not visit.htmx:
        return visit.redirect(page_at)
    found = _trail(view, PART_WAIT_S)
    here = view.link("/trail", **query)
    return visit.part("learner_trail.html", "trail_content", trail=found, trail_at=here, trail_page=page_at)


@page("/learners/{learner}/explained", LISTS | ASKED, about="What changed since last week, and what if?")
def explained_page(visit: Visit) -> Response:
    """What changed and what-ifs: worked out once, kept, and told as soon as it is there."""
    seen = let_in(visit, "explanation")
    if isinstance(seen, Response):
        return seen
    view = view_of(visit, seen)
    told = explanation_told(view, PART_WAIT_S)
    if visit.htmx:
        return visit.part("learner_explained.html", "explained_content", view=view, told=told)
    return visit.render("learner_explained.html", view=view, told=told)


@page("/learners/{learner}/report.pdf", LISTS | ASKED, about="What do we look at together in a conversation?")
def report(visit: Visit) -> Response:
    """The report as PDF, meant to be looked at together with the learner."""
    from headway.reports.pdf import pdf_of

    seen = let_in(visit, "report")
    if isinstance(seen, Response):
        return seen
    view = view_of(visit, seen)
    trail = trail_view(view, *_read(visit.site.app, seen.run.id, seen.learner, AsOf(view.until.instant)))
    css = (files("headway.web") / "static" / "learner_report.css").read_text(encoding="utf-8")
    html = render(
        "learner_report.html",
        visit.words,
        css=Markup(css),  # noqa: S704 - our own file, not input
        view=view,
        trail=trail,
        thread=thread_told(view),
        does_not_know=view.does_not_know,
        made_at=visit.now,
        made_by=visit.account.shown_as,
        run=seen.run,
        csrf="",
    )
    named_as = f"learner-report-{seen.run.id.replace('/', '-')}.pdf"
    headers = {"Content-Disposition": f'inline; filename="{named_as}"', "Cache-Control": "no-store"}
    return Response(pdf_of(html), media_type="application/pdf", headers=headers)


def let_in(visit: Visit, what: str) -> Seen | Response:
    """The learner that the address names; who has to say why and did not is asked instead."""
    if visit.role not in ASKED or learners.said_why(visit.app, named(visit.params["learner"])):
        return visit.learner(what)
    seen = visit.learner(ASKED_WHY)
    return ask_why(visit, seen.learner)


def ask_why(visit: Visit, learner: str, why: str = "", wrong: str = "") -> Response:
    """The form that asks for a reason; the learner is not named on it."""
    as_of = visit.query.get("as_of", "") or visit.field("as_of")
    return visit.render("learner_why.html", 422 if wrong else 200, learner=learner, why=why, wrong=wrong, as_of=as_of)


def _trail(view: LearnerView, wait_s: float) -> TrailView | None:
    """The trail as the address asks for it; None while it is being read."""
    visit, seen = view.visit, view.seen
    # The events behind a reason are those that were known when the prediction was made.
    of_reason = reason_asked(view) is not None and view.week is not None
    cut = view.week.score_run.as_of if of_reason and view.week is not None else view.until
    moving = not of_reason and not view.past
    key = ("trail", seen.run.id, seen.learner, "now" if moving else str(cut))
    try:
        found = visit.worked_out(key, wait_s, _read, seen.run.id, seen.learner, cut)
    except Pending:
        return None
    return trail_view(view, *found)


def _read(app: App, run: str, learner: str, cut: AsOf) -> tuple[Trail, tuple[str, ...]]:
    return trail_of(app, run, learner, cut), practised(app, learner, run, cut)
