"""What is done about a learner on their page: snooze, notes, a challenge, and saying why one looks."""

from dataclasses import replace
from datetime import date
from typing import Final
from urllib.parse import urlsplit

from starlette.responses import Response

from headway.domain.errors import Conflict, InputError
from headway.flow import learner as learners
from headway.flow.learner import ASKED_WHY
from headway.governance.challenges import KINDS, due_on
from headway.governance.scopes import Role
from headway.web.address import slug
from headway.web.learner_view import LearnerView, kinds, list_address
from headway.web.page import act, page
from headway.web.pages.learner import ASKED, ask_why, let_in
from headway.web.visit import Seen, Visit

CONTACT: Final[frozenset[Role]] = frozenset({"adviser", "tutor"})
CHALLENGE: Final[frozenset[Role]] = frozenset({"adviser", "tutor", "instructor"})


@act("/learners/{learner}/why", ASKED, about="says why a learner is looked at")
def say_why(visit: Visit) -> Response:
    """Keeps the reason in the audit and shows the learner for an hour."""
    seen = visit.learner(ASKED_WHY)
    why = visit.field("why")
    try:
        learners.say_why(visit.app, seen.learner, why)
    except InputError as wrong:
        return ask_why(visit, seen.learner, why, str(wrong))
    as_of = visit.field("as_of")
    return visit.redirect(visit.link(f"/learners/{slug(seen.learner)}", as_of=as_of if _is_day(as_of) else ""))


@act("/learners/{learner}/snooze", CONTACT, about="puts a learner out of sight for a week")
def snooze(visit: Visit) -> Response:
    """Snoozes the learner's task, a new one where there is none."""
    _ = visit.words.gettext
    seen = visit.learner("snooze")
    learners.snooze(visit.app, seen.run.id, seen.learner, _("Snoozed by hand."))
    return visit.redirect(_back(visit, seen), _("%(name)s is snoozed for one week.") % {"name": seen.name})


@act("/learners/{learner}/wake", CONTACT, about="takes a snooze back")
def wake(visit: Visit) -> Response:
    """Takes a snooze back."""
    _ = visit.words.gettext
    seen = visit.learner("snooze")
    learners.wake(visit.app, seen.run.id, seen.learner)
    return visit.redirect(_back(visit, seen), _("%(name)s is no longer snoozed.") % {"name": seen.name})


@act("/learners/{learner}/notes", CONTACT, about="keeps a note about a learner")
def add_note(visit: Visit) -> Response:
    """Keeps a note."""
    _ = visit.words.gettext
    seen = visit.learner("note")
    learners.add_note(
        visit.app, seen.run.id, seen.learner, visit.field("text"), visible_to_learner=visit.field("visible") == "yes"
    )
    return visit.redirect(f"{_page(visit, seen)}#notes", _("Your note is kept."))


@act("/learners/{learner}/notes/{note}/erase", CONTACT, about="erases a note")
def erase_note(visit: Visit) -> Response:
    """Erases a note that the visitor wrote."""
    _ = visit.words.gettext
    seen = visit.learner("note")
    learners.erase_note(visit.app, seen.run.id, seen.learner, visit.params["note"])
    return visit.redirect(f"{_page(visit, seen)}#notes", _("The note is erased."))


@page("/learners/{learner}/challenge", CHALLENGE, about="What is wrong with this prediction?")
def challenge_page(visit: Visit) -> Response:
    """The form to challenge what was said last."""
    seen = let_in(visit, "challenge")
    if isinstance(seen, Response):
        return seen
    return _form(visit, seen, {})


@act("/learners/{learner}/challenge", CHALLENGE, about="challenges a prediction")
def challenge(visit: Visit) -> Response:
    """Keeps the challenge; the learner leaves the list meanwhile where that is wanted."""
    _ = visit.words.gettext
    seen = let_in(visit, "challenge")
    if isinstance(seen, Response):
        return seen
    view = LearnerView(visit, seen, visit.as_of)
    kind, text = visit.field("kind"), visit.field("text")
    if kind not in KINDS:
        return _form(visit, seen, {"kind": _("Choose what is wrong.")})
    asked = visit.field("score_run")
    week = next((week for week in view.weeks if week.score_run.id == asked), None)
    if week is None:
        raise Conflict("This prediction is not there any more. Open the page again.")
    try:
        made = learners.challenge(
            visit.app,
            seen.run.id,
            seen.learner,
            score_run_id=week.score_run.id,
            kind=kind,
            text=text,
            off_list=visit.field("off_list") == "yes",
            zone=seen.run.zone,
        )
    except InputError as wrong:
        return _form(visit, seen, {"text": str(wrong)})
    told = _("Your challenge is kept. An answer is due by %(day)s.") % {"day": visit.words.day_text(made.due_on)}
    return visit.redirect(_page(visit, seen), told)


def _form(visit: Visit, seen: Seen, wrong: dict[str, str]) -> Response:
    view = LearnerView(visit, seen, visit.as_of)
    if view.week is None:
        raise Conflict("Nothing was predicted of this learner yet, so there is nothing to challenge.")
    return visit.render(
        "learner_challenge.html",
        422 if wrong else 200,
        view=view,
        kinds=kinds(visit.words.gettext),
        chosen=visit.field("kind"),
        text=visit.field("text"),
        off_list=visit.field("off_list") == "yes",
        due_on=due_on(visit.now, seen.run.zone),
        wrong=wrong,
    )


def _page(visit: Visit, seen: Seen) -> str:
    return visit.link(f"/learners/{slug(seen.learner)}")


def _back(visit: Visit, seen: Seen) -> str:
    """Where a form leads: to the list from whose drawer it was sent, with the drawer open; else to the page."""
    place = urlsplit(visit.field("back"))
    if place.scheme or place.netloc or place.path != "/caseload":
        return _page(visit, seen)
    return list_address(replace(visit, came_from=visit.field("back")), learner=slug(seen.learner))


def _is_day(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False
