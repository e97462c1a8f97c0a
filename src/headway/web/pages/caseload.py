"""The caseload: whom to contact this week, and why. Staff act here on many; on one, beside it in the drawer."""

from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from starlette.responses import Response

from headway.advising.wording import SMOKE_ALARM
from headway.domain.errors import InputError, Pending
from headway.flow import caseload as acts
from headway.flow.records import hashed
from headway.governance.scopes import Role
from headway.web import caseload_files
from headway.web.address import named, slug
from headway.web.caseload_ask import SIZES, Ask
from headway.web.caseload_field import fold, folded
from headway.web.caseload_rows import Listing, enrolled_in
from headway.web.caseload_view import CaseloadView
from headway.web.learner_view import drawer
from headway.web.page import Nav, act, page
from headway.web.visit import Visit

READ: Final[frozenset[Role]] = frozenset({"adviser", "tutor", "data_scientist"})
WORK: Final[frozenset[Role]] = frozenset({"adviser", "tutor"})
FOUND: Final = 20
"""So many learners are offered to a search; more is a reason to type more."""

ENROLLED_WAIT_S: Final = 3.0


@dataclass(frozen=True, slots=True)
class Sort:
    """What the heads of the columns need."""

    ask: Ask

    @property
    def key(self) -> str:
        """The column sorted by."""
        return self.ask.sort

    @property
    def down(self) -> bool:
        """Whether the largest stands first."""
        return self.ask.down

    def to(self, key: str) -> str:
        """The address of the same list, sorted by a column."""
        return self.ask.sorted_by(key)


@page("/caseload", READ, nav=Nav("Caseload", 10), about="Whom should I contact this week, and why?")
def caseload(visit: Visit) -> Response:
    """The list; the drawer beside it where the address names a learner."""
    if not visit.runs and not visit.query.get("run"):
        return visit.render("caseload_none.html")
    ask = Ask.of(slug(visit.run.id), visit.query.multi_items())
    if visit.htmx:
        return _swapped(visit, ask)
    view = _view(visit, ask)
    beside = _beside(visit, ask)
    can_undo = bool(ask.done) and visit.role in WORK and acts.can_undo(visit.app, ask.done)
    return visit.render("caseload.html", can_undo=can_undo, **({"drawer": None} | _context(view) | beside))


def _swapped(visit: Visit, ask: Ask) -> Response:
    """The rows alone, and the one address of them; the drawer that is open stays open."""
    before = Ask.of_address(ask.run, visit.came_from)
    ask = replace(ask, learner=before.learner)
    view = _view(visit, ask)
    address = ask.address()
    stays = ask.only_typed(before) or address == before.address()
    visit.headers["HX-Replace-Url" if stays else "HX-Push-Url"] = address
    return visit.part("caseload.html", "rows", **_context(view))


def _view(visit: Visit, ask: Ask) -> CaseloadView:
    view = CaseloadView(visit, Listing(visit, ask))
    pages = view.listing.pages
    if pages.number != ask.page:
        view = CaseloadView(visit, Listing(visit, replace(ask, page=pages.number)))
    told = {"tab": ask.tab, "shown": len(view.rows), "page": pages.number}
    visit.audit("list", visit.run.id, told)
    return view


def _context(view: CaseloadView) -> dict[str, Any]:
    try:
        past, problem, pending = view.past, view.course_problem, False
    except Pending:
        past, problem, pending = None, False, True
    return {
        "view": view,
        "listing": view.listing,
        "ask": view.ask,
        "sort": Sort(view.ask),
        "sizes": SIZES,
        "most": acts.MOST_AT_ONCE,
        "past": past,
        "rate_pending": pending,
        "course_problem": problem,
        "may_act": view.visit.role in WORK,
        "smoke_alarm": SMOKE_ALARM,
    }


def _beside(visit: Visit, ask: Ask) -> dict[str, Any]:
    """The drawer of the learner whom the address names."""
    if not ask.learner:
        return {}
    own = replace(visit, params={**visit.params, "learner": ask.learner})
    return dict(drawer(visit, own.learner("drawer"), close_to=ask.to(learner="", page=ask.page)))


@page("/caseload/rate", READ, about="How often was such a list right?")
def rate(visit: Visit) -> Response:
    """The sentence on how such lists did before, for a page that was shown before it was known."""
    ask = Ask.of(slug(visit.run.id), [])
    if not visit.htmx:
        return visit.redirect(ask.address())
    return visit.part("caseload.html", "rate", **_context(CaseloadView(visit, Listing(visit, ask))))


@act("/caseload/act", WORK, about="snoozes, assigns or closes several learners' tasks at once")
def act_on_many(visit: Visit) -> Response:
    """Does the same to those who were chosen; the page that follows offers to take it back."""
    _ = visit.words.gettext
    back = Ask.of_address(slug(visit.run.id), visit.field("back"))
    chosen = list(dict.fromkeys(named(each) for each in visit.fields("learner")))
    if not chosen:
        raise InputError(_("Nobody was chosen. Tick the boxes of those whom you mean, then try again."))
    listing = Listing(visit, Ask.of(slug(visit.run.id), []))
    _needs_all(visit, listing, chosen)
    view = CaseloadView(visit, listing)
    field, unknown = listing.field, _("Worked with by hand.")
    reasons = {each: str(field.reason[field.place[each]]) or unknown for each in chosen}
    what, code, to = visit.field("act"), visit.field("code"), visit.field("to")
    if what == "close" and not code:
        raise InputError(_("Choose how these are closed: the answer shows later how often the list was wrong."))
    if what == "assign" and to not in view.assignees:
        raise InputError(_("Choose to whom these are assigned."))
    done = acts.act_on(visit.app, visit.run.id, reasons, what, to=to or None, code=code)
    return visit.redirect(back.but(done=done.id, page=back.page).address(), _told(visit, what, done))


def _told(visit: Visit, what: str, done: acts.Done) -> str:
    words = visit.words
    told = {
        "snooze": ("%(num)s learner snoozed for a week.", "%(num)s learners snoozed for a week."),
        "assign": ("%(num)s learner assigned.", "%(num)s learners assigned."),
        "close": ("%(num)s learner closed.", "%(num)s learners closed."),
        "raise": ("%(num)s learner added to the list.", "%(num)s learners added to the list."),
    }[what]
    sentences = [words.ngettext(*told, done.learners) % {"num": done.learners}]
    for why, number in done.held.items():
        sentences.append(
            words.gettext("Left out, %(number)s: %(why)s.") % {"number": number, "why": words.gettext(why)}
        )
    return " ".join(sentences)


def _needs_all(visit: Visit, listing: Listing, learners: list[str]) -> None:
    """Passes where all of some learners are in the visitor's scope; who is not is refused, and that is audited.

    Raises:
        NotPermitted: one of them may not be seen.
        InputError: one of them is on no list.
    """
    for learner in learners:
        at = listing.field.place.get(learner)
        group = visit.group_of(learner) if at is None else str(listing.field.group[at])
        if not visit.scope.sees(visit.run.id, learner, group):
            visit.audit("refuse", hashed(learner), {"what": "caseload"})
            visit.scope.needs(visit.run.id, learner, group)
        if at is None:
            raise InputError(visit.words.gettext("One of these learners is not on this list any more. Open it again."))


@act("/caseload/undo", WORK, about="takes back what was just done to several learners")
def undo(visit: Visit) -> Response:
    """Takes back what the visitor did last to several."""
    back = Ask.of_address(slug(visit.run.id), visit.field("back"))
    done = visit.field("done")
    tasks = acts.undo(visit.app, int(done) if done.isdecimal() else 0)
    words = visit.words
    told = words.ngettext("Taken back: %(num)s task is as before.", "Taken back: %(num)s tasks are as before.", tasks)
    return visit.redirect(back.but(page=back.page).address(), told % {"num": tasks})


@page("/caseload/add", WORK, about="How do I put somebody on the list whom it does not name?")
def add(visit: Visit) -> Response:
    """A search among all learners in scope, with or without a prediction."""
    return _adding(visit, visit.query.get("q", "").strip()[:80])


def _adding(
    visit: Visit, q: str, *, learner: str = "", reason: str = "", wrong: str = "", status: int = 200
) -> Response:
    listing = Listing(visit, Ask.of(slug(visit.run.id), []))
    hits = _named_so(visit, listing, fold(q)) if q else []
    return visit.render(
        "caseload_add.html",
        status,
        q=q,
        found=visit.shown(hits[:FOUND]),
        more=max(0, len(hits) - FOUND),
        on_list={each for each, case in listing.standing.cases.items() if case.tab != "closed"},
        silent=listing.standing.silent,
        learner=learner,
        reason=reason,
        errors={f"reason-{learner}": wrong} if wrong else {},
    )


def _named_so(visit: Visit, listing: Listing, wanted: str) -> list[str]:
    """The learners in scope in whose name or number something stands, by name; enrolled ones without a score too."""
    here = np.flatnonzero(listing.scoped)
    hits = here[listing.names.has(wanted, here)]
    found = [(listing.names.texts[at], str(listing.field.learners[at])) for at in hits.tolist()]
    if visit.scope.groups(visit.run.id) is None:
        people = visit.site.people() if visit.scope.named else {}
        known = enrolled_in(visit.site, visit.run.id, visit.as_of, visit.patience(ENROLLED_WAIT_S))
        rest = ((folded(people.get(each), each), each) for each in known if each not in listing.field.place)
        found += [(told, each) for told, each in rest if wanted in told]
    return [learner for _, learner in sorted(found)]


@act("/caseload/add", WORK, about="puts a learner on the list by hand")
def added(visit: Visit) -> Response:
    """Puts somebody on the list; their drawer is open on the page that follows."""
    own = replace(visit, params={**visit.params, "learner": visit.field("learner")})
    seen = own.learner("caseload")
    try:
        done = acts.raise_learner(visit.app, visit.run.id, seen.learner, visit.field("reason"))
    except InputError as wrong:
        told, name = visit.field("reason"), slug(seen.learner)
        return _adding(visit, visit.field("q"), learner=name, reason=told, wrong=str(wrong), status=422)
    to = Ask(slug(visit.run.id), learner=slug(seen.learner), done=done.id).address()
    return visit.redirect(to, _told(visit, "raise", done))


@page("/caseload/export", WORK, about="What do I take out of this list, and what for?")
def export(visit: Visit) -> Response:
    """Asks what the file is for."""
    return _exporting(visit, Ask.of(slug(visit.run.id), visit.query.multi_items()))


def _exporting(visit: Visit, ask: Ask, *, purpose: str = "", wrong: str = "", status: int = 200) -> Response:
    listing = Listing(visit, ask)
    errors = {"purpose": wrong} if wrong else {}
    return visit.render(
        "caseload_export.html", status, ask=ask, count=len(listing.chosen), purpose=purpose, errors=errors
    )


@act("/caseload/export", WORK, about="gives the list as a CSV file, for a purpose that is kept")
def exported(visit: Visit) -> Response:
    """The file; that it was taken, and what for, is audited."""
    ask = Ask.of_address(slug(visit.run.id), visit.field("back"))
    purpose = visit.field("purpose")
    try:
        caseload_files.check_purpose(purpose, visit.words)
    except InputError as wrong:
        return _exporting(visit, ask, purpose=purpose, wrong=str(wrong), status=422)
    view = CaseloadView(visit, Listing(visit, ask))
    told = {"purpose": purpose, "learners": len(view.everyone), "tab": ask.tab, "filtered": ask.filtered}
    visit.audit("export caseload", visit.run.id, told)
    return caseload_files.csv_answer(visit, view)


@page("/caseload/sheet.pdf", WORK, about="What do I take on paper to a talk?")
def sheet(visit: Visit) -> Response:
    """The list as it is asked for, to print; that it was made is audited."""
    view = CaseloadView(visit, Listing(visit, Ask.of(slug(visit.run.id), visit.query.multi_items())))
    answer = caseload_files.sheet_answer(visit, view)
    visit.audit("print caseload", visit.run.id, {"learners": min(len(view.listing.chosen), caseload_files.MOST_ROWS)})
    return answer
