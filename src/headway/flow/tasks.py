"""What people do with tasks: look, contact, close, snooze, take back. Each act is one transaction with its audit entry.

The audit names a task by its id and never a learner, and holds no note: entries are never erased.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from headway.advising import rule_queries, task_queries, tasks
from headway.advising.rule_queries import RuleState
from headway.advising.task_queries import Wanted
from headway.advising.tasks import Contact, Task
from headway.domain.errors import InputError
from headway.domain.time import AsOf
from headway.flow.app import App
from headway.flow.records import hashed, one_run
from headway.governance import audit


@dataclass(frozen=True, slots=True)
class TaskList:
    """Tasks, and what a reader of them should know.

    Attributes:
        tasks: the oldest first.
        frozen: rules that are frozen in a run while its feed is silent.
    """

    tasks: tuple[Task, ...]
    frozen: tuple[RuleState, ...]

    @property
    def notes(self) -> list[str]:
        """One sentence for each run whose rules are frozen."""
        runs = sorted({state.run for state in self.frozen})
        why = {state.run: state.note or "" for state in self.frozen}
        return [f"{run}: data stopped. {why[run]} Rules about silence are frozen until records arrive." for run in runs]


def list_tasks(
    app: App,
    wanted: Wanted | None = None,
    *,
    limit: int | None = None,
    after: tuple[datetime, str] | None = None,
) -> TaskList:
    """The tasks asked for, live and awake ones by default, with the runs whose rules are frozen."""
    asked = wanted or Wanted(awake_at=app.clock.now())
    with app.store.read() as connection:
        found = task_queries.find(connection, asked, limit, after)
        states = rule_queries.states(connection)
    frozen = [state for state in states if state.state == "frozen" and (not asked.runs or state.run in asked.runs)]
    return TaskList(tuple(found), tuple(frozen))


def show_task(app: App, task_id: str) -> tuple[Task, list[Contact]]:
    """The task and its contacts; that it was looked at is audited.

    Raises:
        UnknownName: there is no such task.
    """
    with app.store.begin() as connection:
        task = task_queries.get(connection, task_id)
        found = task_queries.contacts_of(connection, [task.id])
        audit.record(connection, app.clock.now(), app.actor, "view", hashed(task.learner), {"task": task.id})
    return task, found


def record_contact(
    app: App,
    task_id: str,
    channel: str,
    outcome: str,
    *,
    note: str | None = None,
    follow_up_on: date | None = None,
    at: datetime | None = None,
) -> tuple[Task, Contact]:
    """The task after a contact, and the contact.

    Args:
        app: where.
        task_id: the task's id, or how it begins.
        channel: phone, email, message, meeting or other.
        outcome: reached, replied, meeting, no_answer or declined.
        note: for colleagues; it is erased with the learner.
        follow_up_on: when to look again.
        at: when it was; now where it is not said.

    Raises:
        UnknownName: no such task, channel or outcome.
        Conflict: the task is over, or somebody else changed it meanwhile.
        InputError: the contact is in the future, or does not fit otherwise.
    """
    now = app.clock.now()
    if at is not None and at > now:
        raise InputError(f"The contact at {at.isoformat()} is in the future. Record it when it was made.")
    with app.store.begin() as connection:
        task = task_queries.get(connection, task_id)
        made = tasks.contact_of(task, at or now, app.actor, channel, outcome, note, follow_up_on)
        changed = tasks.contacted(task, made)
        task_queries.save(connection, changed)
        task_queries.add_contact(connection, made)
        detail = {"channel": channel, "outcome": outcome, "contact": made.id}
        audit.record(connection, now, app.actor, "contact", task.id, detail)
    return changed, made


def undo_contact(app: App, task_id: str, contact_id: str | None = None) -> Task:
    """The task after one of its contacts, the newest unless named, was taken back.

    Raises:
        UnknownName: no such task.
        Conflict: the task was not contacted, or is over.
        InputError: the task has no such contact.
    """
    now = app.clock.now()
    with app.store.begin() as connection:
        task = task_queries.get(connection, task_id)
        made = task_queries.contacts_of(connection, [task.id])
        gone = [one for one in made if contact_id in (None, one.id)][-1:]
        if not gone:
            raise InputError(f"The task {task.id} has no such contact. See: headway task show {task.id}")
        changed = tasks.contact_undone(task, now, len(made) - 1)
        task_queries.remove_contact(connection, gone[0].id)
        task_queries.save(connection, changed)
        audit.record(connection, now, app.actor, "undo_contact", task.id, {"contact": gone[0].id})
    return changed


def close_task(app: App, task_id: str, code: str) -> Task:
    """The task, closed with `helped`, `not_needed`, `wrongly_flagged` or `no_answer`.

    Raises:
        UnknownName: no such task or code.
        Conflict: it is over, or nobody was contacted whom the code says was.
    """
    return _act(app, task_id, "close_task", lambda task, now, _: tasks.closed(task, code, now), {"code": code})


def snooze_task(app: App, task_id: str, until: datetime) -> Task:
    """The task, out of sight until then.

    Raises:
        UnknownName: no such task.
        Conflict: it is over.
        InputError: until then is in the past, or more than 90 days ahead.
    """
    told = {"until": until.isoformat()}
    return _act(app, task_id, "snooze_task", lambda task, now, _: tasks.snoozed(task, until, now), told)


def reopen_task(app: App, task_id: str) -> Task:
    """The task, open again, or contacted where somebody was.

    Raises:
        UnknownName: no such task.
        Conflict: it is not over, or the learner has a newer one of its rule.
    """

    def act(task: Task, now: datetime, connection: sa.Connection) -> Task:
        return tasks.reopened(task, now, len(task_queries.contacts_of(connection, [task.id])))

    return _act(app, task_id, "reopen_task", act, {})


def assign_task(app: App, task_id: str, who: str | None) -> Task:
    """The task, somebody's or nobody's.

    Raises:
        UnknownName: no such task.
        Conflict: it is over.
    """
    return _act(app, task_id, "assign_task", lambda task, now, _: tasks.assigned(task, who, now), {"to": who})


def set_no_contact(app: App, learner: str, *, wanted: bool = True) -> int:
    """How many tasks were closed because the learner asked not to be contacted; with `wanted=False`, none.

    From then on no rule but the one for calls for help opens a task about the learner.
    """
    now, closed = app.clock.now(), 0
    with app.store.begin() as connection:
        task_queries.set_no_contact(connection, learner, now, app.actor, wanted=wanted)
        if wanted:
            for task in task_queries.find(connection, Wanted(learner=learner)):
                task_queries.save(connection, tasks.closed(task, "not_needed", now))
                closed += 1
        action = "no_contact" if wanted else "contact_again"
        audit.record(connection, now, app.actor, action, hashed(learner), {"closed": closed})
    return closed


def expire_tasks(app: App) -> int:
    """How many tasks expired now."""
    now = app.clock.now()
    with app.store.begin() as connection:
        over = [task for task in task_queries.find(connection, Wanted()) if tasks.expires(task, now)]
        for task in over:
            task_queries.save(connection, tasks.expired(task, now))
        if over:
            audit.record(connection, now, app.actor, "expire_tasks", "tasks", {"expired": len(over)})
    return len(over)


def until_of(app: App, text: str) -> datetime:
    """The instant that a date (its end) or a span such as `3d` from now means.

    Raises:
        InputError: it is neither.
    """
    from headway.live_settings import span_of

    if text[-1:] in {"s", "m", "h", "d"}:
        try:
            span: timedelta = span_of(text)
        except ValueError as wrong:
            raise InputError(f"{wrong}. Or write a date.") from wrong
        return app.clock.now() + span
    return AsOf.at(text).instant


def runs_wanted(app: App, run: str | None) -> list[str] | None:
    """The run as a filter of tasks; None for all.

    Raises:
        UnknownName: there is no such run.
    """
    return None if run is None else [one_run(app, run)]


def _act(
    app: App,
    task_id: str,
    action: str,
    act: Callable[[Task, datetime, sa.Connection], Task],
    detail: dict[str, Any],
) -> Task:
    now = app.clock.now()
    with app.store.begin() as connection:
        task = task_queries.get(connection, task_id)
        changed = act(task, now, connection)
        task_queries.save(connection, changed)
        audit.record(connection, now, app.actor, action, task.id, detail)
    return changed
