"""One learner as staff see them: predictions as they were kept, what people did, notes, and who looked.

Nothing here predicts anew but `headway.flow.explaining`. Whoever calls these has looked at the scope; what is past an
as-of time is left out where one is asked for.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Final
from uuid import uuid4

import sqlalchemy as sa

from headway.advising import task_queries
from headway.advising.task_queries import Wanted
from headway.advising.tasks import Contact, Task
from headway.domain.errors import Conflict, InputError, UnknownName
from headway.domain.time import AsOf, zone_of
from headway.flow.app import App
from headway.flow.caseload import task_for
from headway.flow.records import hashed
from headway.flow.tasks import close_task, snooze_task
from headway.governance import audit, challenges
from headway.governance.challenges import Challenge
from headway.scoring import kept
from headway.scoring.kept import ScoreRun
from headway.scoring.predict import Prediction
from headway.store.tables import ACCOUNTS, AUDIT, NOTES

SNOOZE: Final = timedelta(days=7)
REASON_GOOD: Final = timedelta(hours=1)
"""For so long a typed reason opens the pages of the learner for whom it was typed."""

LEAST_REASON: Final = 10
MOST_REASON: Final = 300
NOTE_CHARACTERS: Final = 2_000
MOST_VIEWS: Final = 100
ASKED_WHY: Final = "the question why"
"""What a visit looked at that did not get further than the question why."""


@dataclass(frozen=True, slots=True)
class Week:
    """What was said of a learner at one as-of time."""

    score_run: ScoreRun
    prediction: Prediction


@dataclass(frozen=True, slots=True)
class Thread:
    """What people did about a learner in a run.

    Attributes:
        tasks: all tasks, the oldest first.
        contacts: all contacts, the oldest first.
    """

    tasks: tuple[Task, ...]
    contacts: tuple[Contact, ...]

    @property
    def live(self) -> Task | None:
        """The task that is not over; the oldest where there are several."""
        return next((task for task in self.tasks if task.live), None)

    def snoozed_until(self, now: datetime) -> datetime | None:
        """Until when the learner is out of sight; None where they are not."""
        waits = [task.snoozed_until for task in self.tasks if task.live and task.snoozed_until is not None]
        return max((until for until in waits if until > now), default=None)


@dataclass(frozen=True, slots=True)
class Note:
    """What somebody wrote down about a learner."""

    id: str
    run: str
    learner: str
    at: datetime
    by: str
    text: str
    visible_to_learner: bool


@dataclass(frozen=True, slots=True)
class View:
    """That somebody looked at a learner on one day.

    Attributes:
        by: who, as the audit names them.
        last: when they did so last on that day.
    """

    by: str
    last: datetime


def weeks_of(app: App, run: str, learner: str, until: AsOf) -> tuple[Week, ...]:
    """What was predicted of a learner of a run, as it was kept: one for each as-of time, the oldest first."""
    with app.store.read() as connection:
        said = kept.of_learner(connection, learner)
        # Of several at one as-of time the last made stands, as it does for lists.
        newest = {each.as_of: each for each in kept.for_run(connection, run) if each.id in said}
    return tuple(Week(each, said[each.id]) for as_of, each in sorted(newest.items()) if as_of <= until)


def thread_of(app: App, run: str, learner: str, until: datetime | None = None) -> Thread:
    """The tasks and contacts about a learner of a run, up to an instant where one is named."""
    with app.store.read() as connection:
        tasks = task_queries.find(connection, Wanted(runs=[run], learner=learner, statuses=None))
        contacts = task_queries.contacts_of(connection, [task.id for task in tasks])
    if until is not None:
        tasks = [task for task in tasks if task.opened_at <= until]
        contacts = [contact for contact in contacts if contact.at <= until]
    return Thread(tuple(tasks), tuple(contacts))


def snooze(app: App, run: str, learner: str, reason: str) -> Task:
    """The learner's task, out of sight for a week; a new one where there is none.

    Args:
        app: where; its actor is who does it.
        run: the course run.
        learner: the pseudonym.
        reason: one sentence for a new task.

    Raises:
        Conflict: the learner asked not to be contacted.
    """
    task = task_for(app, run, learner, reason=reason)
    return snooze_task(app, task.id, app.clock.now() + SNOOZE)


def wake(app: App, run: str, learner: str) -> int:
    """How many snoozed tasks of a learner are in sight again."""
    now = app.clock.now()
    with app.store.begin() as connection:
        found = task_queries.find(connection, Wanted(runs=[run], learner=learner))
        asleep = [task for task in found if task.snoozed_until is not None and task.snoozed_until > now]
        for task in asleep:
            task_queries.save(connection, replace(task, snoozed_until=None, changed_at=now, version=task.version + 1))
            audit.record(connection, now, app.actor, "undo_snooze", task.id, {})
    return len(asleep)


def challenge(
    app: App, run: str, learner: str, *, score_run_id: str, kind: str, text: str, off_list: bool, zone: str
) -> Challenge:
    """The challenge of a prediction by a member of staff; the learner's live tasks are closed where that is wanted.

    Raises:
        UnknownName: no such kind.
        InputError: the text is missing or too long.
        Conflict: the same person challenged it before and was not answered yet.
    """
    now = app.clock.now()
    with app.store.begin() as connection:
        made = challenges.raise_(
            connection,
            now,
            run=run,
            learner=learner,
            score_run_id=score_run_id,
            kind=kind,
            text=text,
            by=app.actor,
            off_list=off_list,
            zone=zone,
        )
        live = task_queries.find(connection, Wanted(runs=[run], learner=learner)) if off_list else []
    for task in live:
        close_task(app, task.id, "not_needed" if kind == "already_handled" else "wrongly_flagged")
    return made


def challenges_of(app: App, run: str, learner: str, until: datetime | None = None) -> list[Challenge]:
    """The challenges about a learner of a run, the newest first; as they stood at an instant where one is named."""
    with app.store.read() as connection:
        found = challenges.of_learner(connection, learner, run)
    if until is None:
        return found
    return [_as_it_stood(each, until) for each in found if each.at <= until]


def _as_it_stood(found: Challenge, until: datetime) -> Challenge:
    if found.answered_at is None or found.answered_at <= until:
        return found
    return replace(found, answered_at=None, answered_by=None, outcome=None, answer=None)


def add_note(app: App, run: str, learner: str, text: str, *, visible_to_learner: bool) -> Note:
    """A note about a learner, kept. The audit says that there is one and not what it says.

    Raises:
        InputError: it is empty or too long.
    """
    said, now = text.strip(), app.clock.now()
    if not said or len(said) > NOTE_CHARACTERS:
        raise InputError(f"Write a note of at most {NOTE_CHARACTERS:,} characters; this one has {len(said):,}.")
    note = Note(str(uuid4()), run, learner, now, app.actor, said, visible_to_learner)
    with app.store.begin() as connection:
        connection.execute(sa.insert(NOTES), {name: getattr(note, name) for name in Note.__slots__})
        detail = {"note": note.id, "visible_to_learner": visible_to_learner}
        audit.record(connection, now, app.actor, "add note", hashed(learner), detail)
    return note


def notes_of(app: App, run: str, learner: str, *, for_learner: bool = False) -> list[Note]:
    """The notes about a learner of a run, the newest first; for the learner, only those meant to be seen by them."""
    wanted = sa.select(NOTES).where(NOTES.c.run == run, NOTES.c.learner == learner)
    if for_learner:
        wanted = wanted.where(NOTES.c.visible_to_learner)
    with app.store.read() as connection:
        rows = connection.execute(wanted.order_by(NOTES.c.at.desc(), NOTES.c.id)).mappings()
        return [Note(**{name: row[name] for name in Note.__slots__}) for row in rows]


def erase_note(app: App, run: str, learner: str, note_id: str) -> None:
    """Erases a note for good.

    Raises:
        UnknownName: the learner has no such note in the run.
        Conflict: somebody else wrote it.
    """
    now = app.clock.now()
    own = (NOTES.c.id == note_id) & (NOTES.c.run == run) & (NOTES.c.learner == learner)
    with app.store.begin() as connection:
        written_by = connection.execute(sa.select(NOTES.c.by).where(own)).scalar_one_or_none()
        if written_by is None:
            raise UnknownName("There is no such note.")
        if written_by != app.actor:
            raise Conflict("Only who wrote a note can erase it.")
        connection.execute(sa.delete(NOTES).where(own))
        audit.record(connection, now, app.actor, "erase note", hashed(learner), {"note": note_id})


def views_of(app: App, run: str, learner: str, zone: str) -> list[View]:
    """Who looked at a learner of a run, by local day, the last first."""
    wanted = sa.select(AUDIT.c.at, AUDIT.c.actor, AUDIT.c.detail)
    wanted = wanted.where(AUDIT.c.subject == hashed(learner), AUDIT.c.action == "view")
    with app.store.read() as connection:
        rows = connection.execute(wanted.order_by(AUDIT.c.id.desc()).limit(MOST_VIEWS)).all()
    found: dict[tuple[str, date], View] = {}
    for row in rows:
        if row.detail.get("run", run) != run or row.detail.get("what") == ASKED_WHY:
            continue
        key = row.actor, row.at.astimezone(zone_of(zone)).date()
        found.setdefault(key, View(row.actor, row.at))
    return list(found.values())


def say_why(app: App, learner: str, text: str) -> None:
    """Writes down why somebody looks at a learner who is none of theirs; the reason is kept in the audit for good.

    Raises:
        InputError: it is too short to say anything, or too long.
    """
    said = " ".join(text.split())
    if not LEAST_REASON <= len(said) <= MOST_REASON:
        raise InputError(f"Say why in {LEAST_REASON} to {MOST_REASON} characters.")
    with app.store.begin() as connection:
        audit.record(connection, app.clock.now(), app.actor, "say why", hashed(learner), {"why": said})


def said_why(app: App, learner: str) -> str:
    """The reason that the actor gave within the last hour; empty where there is none."""
    wanted = sa.select(AUDIT.c.at, AUDIT.c.detail).where(
        AUDIT.c.subject == hashed(learner), AUDIT.c.action == "say why", AUDIT.c.actor == app.actor
    )
    with app.store.read() as connection:
        row = connection.execute(wanted.order_by(AUDIT.c.id.desc()).limit(1)).one_or_none()
    good = row is not None and row.at > app.clock.now() - REASON_GOOD
    return str(row.detail["why"]) if row is not None and good else ""


def shown_as(app: App, actors: Sequence[str]) -> dict[str, str]:
    """How people call those whom the audit and the tasks name; one that has no account is called as it is there."""
    ids = {actor.removeprefix("account "): actor for actor in actors if actor.startswith("account ")}
    with app.store.read() as connection:
        known = sa.select(ACCOUNTS.c.id, ACCOUNTS.c.shown_as).where(ACCOUNTS.c.id.in_(list(ids)))
        names = {ids[row.id]: row.shown_as for row in connection.execute(known)} if ids else {}
    return {actor: names.get(actor, actor) for actor in actors}
