"""A task: somebody may need contact, why, and what became of it. Pure: each act gives a new task or says why not.

open → contacted → closed with a code, or expired; what is over can be opened again. No other module changes a status.
A task speaks of what to do next, never of what a learner is.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any, Final, Literal, get_args
from uuid import NAMESPACE_URL, uuid5

from headway.advising.wording import ListName
from headway.domain.errors import Conflict, InputError, UnknownName
from headway.live_settings import ListSlug

Status = Literal["open", "contacted", "closed", "expired"]
ClosingCode = Literal["helped", "not_needed", "wrongly_flagged", "no_answer"]
Channel = Literal["phone", "email", "message", "meeting", "other"]
Outcome = Literal["reached", "replied", "meeting", "no_answer", "declined"]

LIVE: Final[tuple[Status, ...]] = ("open", "contacted")
LIST_NAMES: Final[dict[ListSlug, ListName]] = {
    "reach_out": "Reach out",
    "check_in": "Check in",
    "keep_an_eye": "Keep an eye",
}
ASKED_FOR_HELP: Final = "asked_for_help"
"""The rule of tasks that learners open themselves."""

DUE_IN: Final = timedelta(days=14)
"""After so long an open task says nothing of today any more; after a contact it has as long again."""

AFTER_SNOOZE: Final = timedelta(days=3)
LONGEST_SNOOZE: Final = timedelta(days=90)
NOTE_CHARACTERS: Final = 2_000


@dataclass(frozen=True, slots=True)
class Task:
    """One reason to look at one learner of one run.

    Attributes:
        id: its id; the same opening always has the same.
        run: the course run.
        learner: the pseudonym.
        rule: the rule that opened it.
        list: where it stands.
        reason: one sentence for people.
        evidence: what the rule saw, by name.
        as_of: the as-of time of what it saw.
        opened_at: when it was opened.
        status: open, contacted, closed or expired.
        closing_code: how a closed one ended.
        due_at: when it expires unless it is closed.
        snoozed_until: until when it is out of sight.
        assignee: whose it is; None for nobody's yet.
        changed_at: when it was last changed.
        version: how often it was changed.
    """

    id: str
    run: str
    learner: str
    rule: str
    list: ListSlug
    reason: str
    as_of: datetime
    opened_at: datetime
    due_at: datetime | None
    changed_at: datetime
    evidence: Mapping[str, Any] = field(default_factory=dict)
    status: Status = "open"
    closing_code: ClosingCode | None = None
    snoozed_until: datetime | None = None
    assignee: str | None = None
    version: int = 1

    @property
    def live(self) -> bool:
        """Whether it is not over."""
        return self.status in LIVE

    def as_row(self) -> dict[str, Any]:
        """The task as JSON-ready data but for its instants; the list by its name."""
        row = {name: getattr(self, name) for name in self.__slots__}
        return row | {"list": LIST_NAMES[self.list], "evidence": dict(self.evidence)}


@dataclass(frozen=True, slots=True)
class Contact:
    """What somebody did about a task."""

    id: str
    task_id: str
    at: datetime
    by: str
    channel: Channel
    outcome: Outcome
    note: str | None = None
    follow_up_on: date | None = None

    def as_row(self) -> dict[str, Any]:
        """The contact as JSON-ready data but for its dates."""
        return {name: getattr(self, name) for name in self.__slots__}


def task_id(run: str, learner: str, rule: str, opened_at: datetime) -> str:
    """The id of a task: two workers that open the same one give it the same id."""
    return str(uuid5(NAMESPACE_URL, f"headway/task/{run}/{learner}/{rule}/{opened_at.isoformat()}"))


def contact_of(
    task: Task,
    at: datetime,
    by: str,
    channel: str,
    outcome: str,
    note: str | None = None,
    follow_up_on: date | None = None,
) -> Contact:
    """A contact, checked.

    Raises:
        UnknownName: no such channel or outcome.
        InputError: the note is too long, or the follow-up is before the contact.
    """
    for what, word, known in (
        ("channel", channel, get_args(Channel)),
        ("outcome", outcome, get_args(Outcome)),
    ):
        if word not in known:
            raise UnknownName.of(what, word, known)
    if note is not None and len(note) > NOTE_CHARACTERS:
        raise InputError(f"A note has at most {NOTE_CHARACTERS} characters; this one has {len(note)}.")
    if follow_up_on is not None and follow_up_on < at.date():
        raise InputError(f"The follow-up on {follow_up_on} is before the contact on {at.date()}. Name a later day.")
    made = uuid5(NAMESPACE_URL, f"headway/contact/{task.id}/{at.isoformat()}/{by}/{task.version}")
    # The two words were just found among those that the types allow.
    return Contact(str(made), task.id, at, by, _channel(channel), _outcome(outcome), note or None, follow_up_on)


def _channel(word: str) -> Channel:
    return next(known for known in get_args(Channel) if known == word)


def _outcome(word: str) -> Outcome:
    return next(known for known in get_args(Outcome) if known == word)


def contacted(task: Task, contact: Contact) -> Task:
    """The task after a contact; it has time again, at least until two weeks after the follow-up.

    Raises:
        Conflict: it is over.
    """
    _must_live(task, "contact")
    wait = contact.at + DUE_IN
    if contact.follow_up_on is not None:
        wait += timedelta(days=(contact.follow_up_on - contact.at.date()).days)
    due = max(wait, task.due_at or wait)
    return _changed(task, contact.at, status="contacted", due_at=due, snoozed_until=None)


def contact_undone(task: Task, now: datetime, contacts_left: int) -> Task:
    """The task after a contact was taken back.

    Raises:
        Conflict: it was not contacted, or is over.
    """
    if task.status != "contacted":
        raise Conflict(f"The task {task.id} is {task.status}; only a contact of a contacted task can be taken back.")
    return _changed(task, now, status="contacted" if contacts_left else "open")


def closed(task: Task, code: str, now: datetime) -> Task:
    """The task, closed.

    Raises:
        UnknownName: no such closing code.
        Conflict: it is over, or `helped` or `no_answer` is said of somebody who was never contacted.
    """
    known = closing_code(code)
    _must_live(task, "close")
    if task.status == "open" and known in {"helped", "no_answer"}:
        raise Conflict(f"Nobody contacted the learner of task {task.id} yet: record the contact, then close it.")
    return _changed(task, now, status="closed", closing_code=known, snoozed_until=None)


def closing_code(word: str) -> ClosingCode:
    """The closing code of a name.

    Raises:
        UnknownName: there is none.
    """
    for known in get_args(ClosingCode):
        if known == word:
            code: ClosingCode = known
            return code
    raise UnknownName.of("closing code", word, get_args(ClosingCode))


def snoozed(task: Task, until: datetime, now: datetime) -> Task:
    """The task, out of sight until then; it does not expire before it was seen again.

    Raises:
        Conflict: it is over.
        InputError: until then is no time, or more than 90 days.
    """
    _must_live(task, "snooze")
    if not now < until <= now + LONGEST_SNOOZE:
        raise InputError("A task can be snoozed for up to 90 days from now. Name such a day.")
    due = None if task.due_at is None else max(task.due_at, until + AFTER_SNOOZE)
    return _changed(task, now, snoozed_until=until, due_at=due)


def assigned(task: Task, who: str | None, now: datetime) -> Task:
    """The task, somebody's or nobody's.

    Raises:
        Conflict: it is over.
    """
    _must_live(task, "assign")
    return _changed(task, now, assignee=who)


def put_back(task: Task, now: datetime, snoozed_until: datetime | None, assignee: str | None) -> Task:
    """The task as it stood before it was snoozed or assigned, when that is taken back.

    Raises:
        Conflict: it is over.
    """
    _must_live(task, "put back")
    return _changed(task, now, snoozed_until=snoozed_until, assignee=assignee)


def reopened(task: Task, now: datetime, contacts: int) -> Task:
    """The task as it was before it was over: contacted where somebody was, else open.

    Raises:
        Conflict: it is not over.
    """
    if task.live:
        raise Conflict(f"The task {task.id} is {task.status}: there is nothing to open again.")
    status: Status = "contacted" if contacts else "open"
    due = max(task.due_at, now + DUE_IN) if task.due_at else None
    return _changed(task, now, status=status, closing_code=None, due_at=due)


def expires(task: Task, now: datetime) -> bool:
    """Whether its time is up: nothing it says is of today any more."""
    asleep = task.snoozed_until is not None and task.snoozed_until > now
    return task.live and not asleep and task.due_at is not None and task.due_at <= now


def expired(task: Task, now: datetime) -> Task:
    """The task after its time.

    Raises:
        Conflict: its time is not up.
    """
    if not expires(task, now):
        raise Conflict(f"The task {task.id} is not due to expire.")
    return _changed(task, now, status="expired", snoozed_until=None)


def _must_live(task: Task, act: str) -> None:
    if not task.live:
        raise Conflict(f"The task {task.id} is {task.status}. To {act} it, open it again: headway task reopen.")


def _changed(task: Task, now: datetime, **changes: Any) -> Task:
    return replace(task, changed_at=now, version=task.version + 1, **changes)
