"""Contact: what to say to one learner or to several, and what became of it."""

from datetime import timedelta
from typing import Any, Final

from starlette.responses import Response

from headway.advising import messages
from headway.advising.messages import Letter, Message
from headway.domain.errors import Conflict, HeadwayError, InputError
from headway.flow import contact as flow
from headway.flow.caseload import task_for
from headway.flow.tasks import close_task, record_contact, reopen_task, show_task, undo_contact
from headway.governance.scopes import Role
from headway.web.address import slug
from headway.web.contact_view import (
    Approach,
    approaches,
    date_of,
    leaving,
    names_of_staff,
    outgoing,
    reply_to_of,
    written,
)
from headway.web.page import act, page
from headway.web.visit import Seen, Visit

WHO: Final[frozenset[Role]] = frozenset({"adviser", "tutor"})
OUTCOMES = ("reached", "no_answer", "replied", "meeting", "declined")
CODES = ("helped", "not_needed", "wrongly_flagged", "no_answer")
ASKED_NOT = "This learner asked not to be contacted on the basis of this. Speak to them only if they come to you."


@page("/learners/{learner}/contact", WHO, about="What do I say, and how do I log it?")
def contact(visit: Visit) -> Response:
    """The phone script, the message, and the outcome to save."""
    return _shown(visit, visit.learner("contact"), visit.query.get("channel", ""))


@act("/learners/{learner}/contact", WHO, about="saves what became of a contact")
def save_outcome(visit: Visit) -> Response:
    """Keeps the contact, and closes its task where a code is given."""
    seen = visit.learner("contact")
    approach = _approach(visit, seen)
    errors: dict[str, str] = {}
    try:
        follow_up = date_of(visit.field("follow_up_on"))
        if follow_up is not None and follow_up < visit.now.date():
            errors["follow_up_on"] = visit.words.gettext("The follow-up is in the past. Name a later day.")
    except InputError as wrong:
        errors["follow_up_on"] = str(wrong)
    if visit.field("outcome") not in OUTCOMES:
        errors["outcome"] = visit.words.gettext("Say what became of it.")
    if visit.field("code") not in ("", *CODES):
        errors["code"] = visit.words.gettext("Choose one of the closing codes.")
    if errors:
        return _shown(visit, seen, "phone", errors=errors, status=400)
    task = task_for(visit.app, visit.run.id, seen.learner, reason=approach.reason)
    note = visit.field("note") or None
    told = visit.field("channel") or "phone"
    record_contact(visit.app, task.id, told, visit.field("outcome"), note=note, follow_up_on=follow_up)
    if visit.field("code"):
        close_task(visit.app, task.id, visit.field("code"))
    return visit.redirect(_here(visit, seen) + "#contacts", visit.words.gettext("Saved. You can take it back below."))


@act("/learners/{learner}/contact/preview", WHO, about="shows a message as it will be received; changes nothing")
def preview(visit: Visit) -> Response:
    """The message as it would be received."""
    return _shown(visit, visit.learner("contact"), "message")


@act("/learners/{learner}/contact/send", WHO, about="writes a message to a learner")
def send(visit: Visit) -> Response:
    """Puts the message into the outbox, from which it can be taken back for 30 seconds."""
    seen = visit.learner("contact")
    approach = _approach(visit, seen)
    message, errors = _typed(visit, approach), _wrong_with(visit)
    if not messages.is_address(approach.email):
        raise Conflict("No mail address of this learner is known. Use the phone.")
    if errors:
        return _shown(visit, seen, "message", errors=errors, status=400)
    try:
        follow_up = date_of(visit.field("follow_up_on"))
        out = outgoing(approach, message, reply_to_of(visit))
        sent = flow.send(visit.app, visit.run.id, [out], follow_up_on=follow_up)
    except Conflict:
        raise
    except InputError as wrong:
        return _shown(visit, seen, "message", errors={"body": str(wrong)}, status=400)
    told = visit.words.gettext("It waits below, and can be taken back until it goes.")
    if sent.drafts:
        told = visit.words.gettext(
            "No mail server is set up here: nothing was sent, the message is kept as a draft below."
        )
    return visit.redirect(_here(visit, seen, "message") + "#outbox", told)


@act("/learners/{learner}/contact/undo", WHO, about="takes back a message that has not gone, or an outcome")
def undo(visit: Visit) -> Response:
    """Takes back a message with its contact, or a contact that was saved."""
    seen = visit.learner("contact")
    if notice := visit.field("notice"):
        _own_notice(visit, seen, notice)
        flow.take_back(visit.app, [notice])
        return visit.redirect(_here(visit, seen, "message"), visit.words.gettext("The message was taken back."))
    task, contacts = show_task(visit.app, visit.field("task"))
    if task.learner != seen.learner or task.run != visit.run.id:
        raise InputError("This contact is about somebody else.")
    if not any(each.id == visit.field("contact") and each.by == visit.app.actor for each in contacts):
        raise Conflict("Only who recorded a contact takes it back.")
    if not task.live:
        reopen_task(visit.app, task.id)
    undo_contact(visit.app, task.id, visit.field("contact"))
    return visit.redirect(_here(visit, seen), visit.words.gettext("The contact was taken back."))


@act("/learners/{learner}/contact/again", WHO, about="tries again to send a draft")
def send_again(visit: Visit) -> Response:
    """Puts a draft back into the outbox."""
    seen = visit.learner("contact")
    notice = visit.field("notice")
    _own_notice(visit, seen, notice)
    flow.try_again(visit.app, notice, _approach(visit, seen).zone)
    told = visit.words.gettext("It waits below, and can be taken back until it goes.")
    return visit.redirect(_here(visit, seen, "message") + "#outbox", told)


def _shown(
    visit: Visit, seen: Seen, channel: str, *, errors: dict[str, str] | None = None, status: int = 200
) -> Response:
    approach = _approach(visit, seen)
    reachable = messages.is_address(approach.email)
    tab = "message" if channel == "message" and reachable else "phone"
    message = _typed(visit, approach)
    with visit.app.store.read() as connection:
        past = flow.history(visit.app, visit.run.id, seen.learner)
        staff = names_of_staff(connection, [each.by for _, each in past])
    script = messages.script(
        approach.thing, course=visit.run.title, sender=visit.account.shown_as, offer=approach.offer
    )
    waiting = flow.messages_to(visit.app, seen.learner)
    context: dict[str, Any] = {
        "leaving": lambda instant: leaving(visit, instant),
        "urgent": any(each.state != "sent" for each in waiting),
        "seen": seen,
        "approach": approach,
        "tab": tab,
        "reachable": reachable,
        "message": message,
        "unfit": messages.unfit_words(f"{message.subject}\n{message.body}"),
        "reply_to": reply_to_of(visit),
        "sender": visit.app.settings.notifications.email_from,
        "server": bool(visit.app.settings.notifications.smtp_host),
        "script": script,
        "suggestions": messages.suggestions(approach.thing),
        "outbox": waiting,
        "history": past,
        "staff": staff,
        "errors": errors or {},
        "today": visit.now.date(),
        "in_a_week": visit.now.date() + timedelta(days=7),
        "here": _here(visit, seen),
        "to": f"/learners/{slug(seen.learner)}/contact",
        "given": {name: visit.field(name) for name in ("outcome", "follow_up_on", "code", "note", "channel")},
    }
    if visit.htmx and status == 200:
        return visit.part("contact.html", "preview", **context)
    return visit.render("contact.html", status, **context)


def _approach(visit: Visit, seen: Seen) -> Approach:
    """How the learner may be spoken to.

    Raises:
        Conflict: they asked not to be contacted, and did not call for help since.
    """
    if not flow.may_contact(visit.app, seen.learner) and not _calls_for_help(visit, seen):
        raise Conflict(visit.words.gettext(ASKED_NOT))
    return approaches(visit, [seen.learner])[0]


def _calls_for_help(visit: Visit, seen: Seen) -> bool:
    """Whether a task is open: after somebody asked not to be contacted, only a call for help opens one."""
    return any(task.live for task in flow.tasks_of(visit.app, visit.run.id, seen.learner))


def _typed(visit: Visit, approach: Approach) -> Message:
    """The message as it was typed; as we propose it where nothing was."""
    if "body" not in visit.form:
        return written(visit, Letter(), approach)
    subject = visit.field("subject")[: 2 * messages.SUBJECT_CHARACTERS]
    return Message(subject, visit.field("body").replace("\r\n", "\n"))


def _wrong_with(visit: Visit) -> dict[str, str]:
    """What is wrong with a message as it was typed, by field."""
    errors: dict[str, str] = {}
    try:
        messages.checked(Message(visit.field("subject") or " ", "."))
    except HeadwayError as wrong:
        errors["subject"] = str(wrong)
    try:
        messages.checked(Message("-", visit.field("body") or " "))
    except HeadwayError as wrong:
        errors["body"] = str(wrong)
    if not messages.is_address(reply_to_of(visit)):
        errors["reply_to"] = visit.words.gettext("Answers need one mail address to go to, such as ann@example.org.")
    return errors


def _own_notice(visit: Visit, seen: Seen, notice_id: str) -> None:
    """Passes where the message is to this learner and of this run.

    Raises:
        InputError: it is not.
    """
    for notice in flow.messages_to(visit.app, seen.learner):
        if notice.id == notice_id and notice.payload["run"] == visit.run.id:
            return
    raise InputError("There is no such message to this learner any more.")


def _here(visit: Visit, seen: Seen, channel: str = "") -> str:
    return visit.link(f"/learners/{slug(seen.learner)}/contact", channel=channel)
