"""Messages that staff write to learners: written to the outbox with the contact that they are, taken back, tried again.

A message waits until the time to take it back is over and the learner's night too; `flow.notices.send_notices` sends
it. One that cannot be sent stays as a draft. Whoever calls this has looked at the scope. The audit holds no word of a
message and names learners by a hash.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, Final
from uuid import uuid4

import sqlalchemy as sa

from headway.advising import messages, task_queries, tasks
from headway.advising.messages import Message
from headway.advising.task_queries import Wanted
from headway.advising.tasks import Contact, Task
from headway.domain.errors import Conflict, InputError
from headway.flow.app import App
from headway.flow.caseload import task_for
from headway.flow.notices import CONTACT, never_contacted
from headway.flow.records import hashed
from headway.governance import audit
from headway.notifications import outbox
from headway.notifications.outbox import Notice, notice_of

MOST_AT_ONCE: Final = 200
"""So many receive a message in one go, at most: each is read in the preview before."""

NO_SERVER: Final = "No mail server is set up here, so nothing was sent."
REFUSED: Final = "This learner asked not to be contacted on the basis of this."


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message to one learner.

    Attributes:
        learner: the pseudonym.
        message: as it is received.
        reply_to: where answers go.
        zone: the learner's time zone.
        reason: why, for the task and the colleagues.
        about: what kind of thing the message speaks of.
    """

    learner: str
    message: Message
    reply_to: str
    zone: str
    reason: str
    about: str = "general"


@dataclass(frozen=True, slots=True)
class Sent:
    """Messages that were written together.

    Attributes:
        batch: what they have in common.
        notices: one for each learner.
        drafts: whether they are only kept, since no mail server is set up.
    """

    batch: str
    notices: tuple[Notice, ...]
    drafts: bool


def may_contact(app: App, learner: str) -> bool:
    """Whether the learner did not ask to be left alone."""
    with app.store.read() as connection:
        return learner not in task_queries.not_to_contact(connection)


def tasks_of(app: App, run: str, learner: str) -> list[Task]:
    """The tasks about a learner of a run, the oldest first."""
    with app.store.read() as connection:
        return task_queries.find(connection, Wanted([run], statuses=None, learner=learner))


def history(app: App, run: str, learner: str) -> list[tuple[Task, Contact]]:
    """The contacts with a learner in a run, the newest first."""
    with app.store.read() as connection:
        own = {task.id: task for task in task_queries.find(connection, Wanted([run], statuses=None, learner=learner))}
        found = task_queries.contacts_of(connection, list(own))
    return [(own[contact.task_id], contact) for contact in reversed(found)]


def messages_to(app: App, learner: str) -> list[Notice]:
    """The messages to a learner that are still in the outbox, the newest first: waiting, sent, and drafts."""
    with app.store.read() as connection:
        return outbox.written_to(connection, "email", learner, CONTACT)


def batch_of(app: App, batch: str) -> list[Notice]:
    """The messages that were written together."""
    with app.store.read() as connection:
        return outbox.with_fact(connection, CONTACT, "batch", batch)


def send(app: App, run: str, outgoing: Sequence[Outgoing], *, follow_up_on: date | None = None) -> Sent:
    """What was written to the outbox, with a contact for each learner, in one transaction.

    Args:
        app: where; its actor is who writes.
        run: the course run.
        outgoing: at most 200, none twice, all fit to be sent.
        follow_up_on: when to look again.

    Raises:
        InputError: a message is not fit to be sent, an address is none, or there are too many.
        Conflict: a learner asked not to be contacted; nothing is written to anybody then.
    """
    _check(outgoing)
    now, batch = app.clock.now(), str(uuid4())
    drafts = not app.settings.notifications.smtp_host
    with app.store.read() as connection:
        _none_refuses(connection, outgoing)
    # A task that is opened here and then not used is open to be worked with, as if it had been opened by hand.
    own = {} if drafts else {each.learner: task_for(app, run, each.learner, reason=each.reason) for each in outgoing}
    others = f"one of {len(outgoing)} (together: {batch[:8]})" if len(outgoing) > 1 else "to this learner alone"
    made: list[Notice] = []
    with app.store.begin() as connection:
        _none_refuses(connection, outgoing)
        for each in outgoing:
            payload = _payload(each, run, batch)
            if not drafts:
                note = f"Message, {others}. Why: {each.reason}"
                payload |= _contacted(connection, app, own[each.learner], note, now, follow_up_on)
            notice = notice_of("email", each.learner, CONTACT, payload, now)
            notice = replace(notice, next_at=messages.leaves_at(now, each.zone))
            made.append(replace(notice, state="dead", last_error=NO_SERVER) if drafts else notice)
        outbox.add(connection, made)
        told = {
            "run": run,
            "count": len(made),
            "draft": drafts,
            "learners": [hashed(each.learner) for each in outgoing],
        }
        told["why"] = [each.about for each in outgoing]
        audit.record(connection, now, app.actor, "message", batch, told)
    return Sent(batch, tuple(made), drafts)


def take_back(app: App, notice_ids: Sequence[str]) -> int:
    """How many messages were taken back with their contacts: those that wait, and drafts.

    Raises:
        UnknownName: there is no such message.
        Conflict: one is on its way already; then none is taken back.
    """
    now = app.clock.now()
    with app.store.begin() as connection:
        for notice_id in notice_ids:
            notice = outbox.take_back(connection, notice_id, now)
            never_contacted(connection, notice, now)
            told = {"batch": notice.payload["batch"], "learner": hashed(notice.address)}
            audit.record(connection, now, app.actor, "take_back_message", notice.id, told)
    return len(notice_ids)


def try_again(app: App, notice_id: str, zone: str) -> Notice:
    """The draft, to be sent once it could be taken back and it is day where the learner is.

    Raises:
        UnknownName: there is no such message.
        Conflict: it is no draft, no mail server is set up, or the learner asked not to be contacted.
    """
    now = app.clock.now()
    if not app.settings.notifications.smtp_host:
        raise Conflict(f"{NO_SERVER} Ask for notifications.smtp_host to be set, or send the text by other means.")
    with app.store.read() as connection:
        payload = outbox.get(connection, notice_id).payload
        if payload["learner"] in task_queries.not_to_contact(connection):
            raise Conflict(REFUSED)
    task = None if "contact" in payload else task_for(app, payload["run"], payload["learner"], reason=payload["reason"])
    with app.store.begin() as connection:
        notice = outbox.again(connection, notice_id, messages.leaves_at(now, zone))
        if task is not None:
            note = f"Message, to this learner alone. Why: {payload['reason']}"
            outbox.rewrite(connection, notice_id, payload | _contacted(connection, app, task, note, now, None))
        audit.record(connection, now, app.actor, "message", notice.id, {"again": True, "count": 1})
    return notice


def _check(outgoing: Sequence[Outgoing]) -> None:
    if not outgoing:
        raise InputError("There is nobody to write to. Choose at least one learner.")
    if len(outgoing) > MOST_AT_ONCE or len({each.learner for each in outgoing}) != len(outgoing):
        raise InputError(f"A message goes to at most {MOST_AT_ONCE} learners at once, and once to each.")
    for each in outgoing:
        messages.checked(each.message)
        if not messages.is_address(each.reply_to):
            raise InputError("Answers need one mail address to go to, such as ann@example.org.")


def _none_refuses(connection: sa.Connection, outgoing: Sequence[Outgoing]) -> None:
    refusing = task_queries.not_to_contact(connection)
    if any(each.learner in refusing for each in outgoing):
        raise Conflict(REFUSED if len(outgoing) == 1 else "One of them asked not to be contacted. Leave them out.")


def _payload(each: Outgoing, run: str, batch: str) -> dict[str, Any]:
    return {
        "subject": each.message.subject,
        "text": each.message.body,
        "reply_to": each.reply_to,
        "learner": each.learner,
        "run": run,
        "batch": batch,
        "reason": each.reason,
    }


def _contacted(
    connection: sa.Connection, app: App, task: Task, note: str, now: datetime, follow_up_on: date | None
) -> dict[str, str]:
    """The contact that a message is, as the message's payload names it; its note says why, and to how many."""
    current = task_queries.get(connection, task.id)
    told = note[: tasks.NOTE_CHARACTERS]
    made = tasks.contact_of(current, now, app.actor, "email", "no_answer", told, follow_up_on)
    task_queries.save(connection, tasks.contacted(current, made))
    task_queries.add_contact(connection, made)
    facts = {"channel": "email", "outcome": "no_answer", "contact": made.id}
    audit.record(connection, now, app.actor, "contact", task.id, facts)
    return {"contact": made.id, "task": task.id}
