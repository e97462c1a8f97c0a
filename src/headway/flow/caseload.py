"""What people do with a caseload: put somebody on it by hand, and act on many at once. Each act is one transaction.

The audit names a task by its id and never a learner. Whoever calls this has looked at the scope. What was done to many
at once can be taken back for a while: the entry of the audit says what was before.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa

from headway.advising import task_queries, tasks
from headway.advising.task_queries import Wanted
from headway.advising.tasks import DUE_IN, Task, task_id
from headway.domain.errors import Conflict, InputError, UnknownName
from headway.flow.app import App
from headway.governance import audit
from headway.live_settings import ListSlug
from headway.store.tables import AUDIT

BY_HAND: Final = "by_hand"
"""The rule of tasks that a person opened."""

MOST_AT_ONCE: Final = 500
UNDO_FOR: Final = timedelta(minutes=10)
REASON_CHARACTERS: Final = 200
BULK: Final = {"snooze": "snooze_task", "assign": "assign_task", "close": "close_task", "raise": "raise_task"}
"""What can be done to many at once, and how the audit calls it of one task."""

_RANK: Final[dict[ListSlug, int]] = {"reach_out": 0, "check_in": 1, "keep_an_eye": 2}
_Change = Callable[[Task, datetime], Task]


@dataclass(frozen=True, slots=True)
class Done:
    """What was done to some learners at once.

    Attributes:
        id: the entry in the audit, by which it can be taken back.
        learners: how many it was done to.
        held: why it was not done to the others, each sentence with how many.
    """

    id: int
    learners: int
    held: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class _Step:
    """One task in an act on many: as the audit keeps it."""

    task: str
    version: int
    opened: bool
    snoozed_until: str | None
    assignee: str | None


def task_for(app: App, run: str, learner: str, *, reason: str, raised: bool = False) -> Task:
    """The learner's live task in the run, the most pressing where there are several; else a new one, opened by hand.

    Args:
        app: where; its actor is who opens it.
        run: the course run.
        learner: the pseudonym.
        reason: one sentence, for a new task.
        raised: whether somebody puts the learner on the list, and not only works with one who is there.

    Raises:
        Conflict: the learner asked not to be contacted, and no call for help is open.
    """
    now = app.clock.now()
    with app.store.begin() as connection:
        found = _live(connection, run, learner)
        return found[0] if found else _opened(connection, app, now, run, learner, reason, raised=raised)


def raise_learner(app: App, run: str, learner: str, reason: str) -> Done:
    """Puts a learner on the list by hand; it can be taken back.

    Raises:
        InputError: no reason, or a long one.
        Conflict: the learner has an open task already, or asked not to be contacted.
    """
    told = reason.strip()
    if not 3 <= len(told) <= REASON_CHARACTERS:
        raise InputError(f"Say in 3 to {REASON_CHARACTERS} characters why; colleagues and the learner may read it.")
    now = app.clock.now()
    with app.store.begin() as connection:
        if _live(connection, run, learner):
            raise Conflict("This learner is on the list already.")
        task = _opened(connection, app, now, run, learner, told, raised=True)
        step = _Step(task.id, task.version, True, None, None)
        return _kept(connection, app, now, "raise", run, [step], 1, {})


def act_on(
    app: App, run: str, reasons: Mapping[str, str], act: str, *, to: str | None = None, days: int = 7, code: str = ""
) -> Done:
    """What came of doing the same to several learners: to their open tasks, or to one opened for it.

    Args:
        app: where.
        run: the course run.
        reasons: the learners, with a sentence for those who need a task first.
        act: `snooze`, `assign` or `close`.
        to: whom to assign to; None for nobody.
        days: for how long to snooze.
        code: how to close.

    Raises:
        InputError: nobody or too many are named.
        UnknownName: no such act or closing code.
    """
    if not 0 < len(reasons) <= MOST_AT_ONCE:
        raise InputError(f"Choose at least one learner, and at most {MOST_AT_ONCE} at once.")
    change = _change(act, to, days, code)
    now = app.clock.now()
    held: dict[str, int] = {}
    steps: list[_Step] = []
    reached = 0
    with app.store.begin() as connection:
        silent = task_queries.not_to_contact(connection)
        for learner, reason in reasons.items():
            found = _live(connection, run, learner)
            if not found and learner in silent:
                held["asked not to be contacted"] = held.get("asked not to be contacted", 0) + 1
                continue
            made = not found
            todo = found or [_opened(connection, app, now, run, learner, reason, raised=False)]
            try:
                changed = [(task, change(task, now)) for task in todo]
            except Conflict:
                _take_back_new(connection, todo if made else [])
                held["were not contacted yet"] = held.get("were not contacted yet", 0) + 1
                continue
            for before, after in changed:
                task_queries.save(connection, after)
                audit.record(connection, now, app.actor, BULK[act], after.id, _told(act, to, days, code))
                steps.append(_step(before, after, made))
            reached += 1
        return _kept(connection, app, now, act, run, steps, reached, held)


def undo(app: App, done: int) -> int:
    """How many tasks are as they were before something was done to many; those changed since stay as they are.

    Raises:
        UnknownName: the actor did nothing of this number.
        Conflict: it was taken back before, or too long ago.
    """
    now = app.clock.now()
    with app.store.begin() as connection:
        at, detail = _entry(connection, app, done)
        again = sa.select(AUDIT.c.id).where(AUDIT.c.action == "undo", AUDIT.c.subject == f"audit {done}")
        if now - at > UNDO_FOR or connection.execute(again.limit(1)).first() is not None:
            raise Conflict("This can no longer be taken back. Open the learner to change it.")
        back = sum(_put_back(connection, detail["act"], _Step(*step), now) for step in detail["tasks"])
        audit.record(connection, now, app.actor, "undo", f"audit {done}", {"tasks": back})
    return back


def can_undo(app: App, done: int) -> bool:
    """Whether what was done can still be taken back by the actor."""
    with app.store.read() as connection:
        try:
            at, _ = _entry(connection, app, done)
        except UnknownName:
            return False
        again = sa.select(AUDIT.c.id).where(AUDIT.c.action == "undo", AUDIT.c.subject == f"audit {done}")
        return app.clock.now() - at <= UNDO_FOR and connection.execute(again.limit(1)).first() is None


def _change(act: str, to: str | None, days: int, code: str) -> _Change:
    changes: dict[str, _Change] = {
        "snooze": lambda task, now: tasks.snoozed(task, now + timedelta(days=days), now),
        "assign": lambda task, now: tasks.assigned(task, to, now),
        "close": lambda task, now: tasks.closed(task, code, now),
    }
    if act not in changes:
        raise UnknownName.of("act", act, changes)
    if act == "close":
        tasks.closing_code(code)
    return changes[act]


def _told(act: str, to: str | None, days: int, code: str) -> dict[str, Any]:
    told: dict[str, dict[str, Any]] = {"snooze": {"days": days}, "assign": {"to": to}, "close": {"code": code}}
    return told[act]


def _step(before: Task, after: Task, opened: bool) -> _Step:
    until = before.snoozed_until.isoformat() if before.snoozed_until else None
    return _Step(after.id, after.version, opened, until, before.assignee)


def _take_back_new(connection: sa.Connection, opened: Sequence[Task]) -> None:
    for task in opened:
        task_queries.remove(connection, task)


def _kept(
    connection: sa.Connection,
    app: App,
    now: datetime,
    act: str,
    run: str,
    steps: Sequence[_Step],
    learners: int,
    held: Mapping[str, int],
) -> Done:
    kept = [[step.task, step.version, step.opened, step.snoozed_until, step.assignee] for step in steps]
    told = {"act": act, "tasks": kept, "learners": learners, "held": dict(held)}
    return Done(audit.record(connection, now, app.actor, f"{act} many", run, told), learners, held)


def _entry(connection: sa.Connection, app: App, done: int) -> tuple[datetime, dict[str, Any]]:
    own = (AUDIT.c.id == done) & (AUDIT.c.actor == app.actor)
    named = AUDIT.c.action.in_([f"{act} many" for act in BULK])
    row = connection.execute(sa.select(AUDIT.c.at, AUDIT.c.detail).where(own & named)).one_or_none()
    if row is None:
        raise UnknownName("There is nothing of yours to take back here.")
    return row.at, row.detail


def _put_back(connection: sa.Connection, act: str, step: _Step, now: datetime) -> int:
    """1 where the task is as it was before, 0 where somebody has changed it since."""
    try:
        task = task_queries.get(connection, step.task)
    except UnknownName:
        return 0
    if task.version != step.version:
        return 0
    if step.opened:
        task_queries.remove(connection, task)
        return 1
    if act == "close":
        task = tasks.reopened(task, now, len(task_queries.contacts_of(connection, [task.id])))
    else:
        until = datetime.fromisoformat(step.snoozed_until) if step.snoozed_until else None
        task = tasks.put_back(task, now, until, step.assignee)
    task_queries.save(connection, task)
    return 1


def _opened(
    connection: sa.Connection, app: App, now: datetime, run: str, learner: str, reason: str, *, raised: bool
) -> Task:
    """A new task of a learner who has none."""
    if learner in task_queries.not_to_contact(connection):
        raise Conflict("This learner asked not to be contacted on the basis of this. Nothing was opened.")
    task = Task(
        id=task_id(run, learner, BY_HAND, now),
        run=run,
        learner=learner,
        rule=BY_HAND,
        list="reach_out" if raised else "keep_an_eye",
        reason=reason,
        as_of=now,
        opened_at=now,
        due_at=now + DUE_IN,
        changed_at=now,
        evidence={"by": app.actor, "raised": raised},
    )
    if not task_queries.add(connection, [task]):
        raise Conflict("Somebody else opened a task about this learner meanwhile. Open the page again.")
    audit.record(connection, now, app.actor, "open_task", task.id, {"rule": BY_HAND, "run": run})
    return task


def _live(connection: sa.Connection, run: str, learner: str) -> list[Task]:
    """The learner's live tasks in a run, the most pressing first."""
    found = task_queries.find(connection, Wanted(runs=[run], learner=learner))
    return sorted(found, key=lambda task: (_RANK[task.list], task.opened_at))
