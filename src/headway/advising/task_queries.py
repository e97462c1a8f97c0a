"""Tasks and contacts in the store. Every function takes a connection; those that write, a writing one.

Nobody else reads or writes these tables. A task is saved only over the version that was read.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

from headway.advising.rules.rule import RECORDS
from headway.advising.tasks import LIVE, Contact, Status, Task
from headway.domain.errors import Conflict, UnknownName
from headway.live_settings import ListSlug
from headway.store.tables import CONTACTS, ENGAGEMENT, JOBS, NO_CONTACT, NOTICES, TASKS

_COLUMNS: Final = tuple(each.name for each in fields(Task))
_MOST_AT_ONCE: Final = 500


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which tasks are asked for; None asks for all.

    Attributes:
        runs: these runs.
        statuses: these statuses.
        lists: these lists.
        learner: this learner.
        assignee: this person's, and nobody's yet.
        rule: this rule's.
        awake_at: leaves out those that are snoozed then.
    """

    runs: Sequence[str] | None = None
    statuses: Sequence[Status] | None = LIVE
    lists: Sequence[ListSlug] | None = None
    learner: str | None = None
    assignee: str | None = None
    rule: str | None = None
    awake_at: datetime | None = None

    def condition(self) -> sa.ColumnElement[bool]:
        """The same as SQL."""
        parts: list[sa.ColumnElement[bool]] = [sa.true()]
        for column, words in (
            (TASKS.c.run, self.runs),
            (TASKS.c.status, self.statuses),
            (TASKS.c.list, self.lists),
        ):
            if words is not None:
                parts.append(column.in_(list(words)))
        for column, word in ((TASKS.c.learner, self.learner), (TASKS.c.rule, self.rule)):
            if word is not None:
                parts.append(column == word)
        if self.assignee is not None:
            parts.append((TASKS.c.assignee == self.assignee) | TASKS.c.assignee.is_(None))
        if self.awake_at is not None:
            parts.append(TASKS.c.snoozed_until.is_(None) | (TASKS.c.snoozed_until <= self.awake_at))
        return sa.and_(*parts)


def add(connection: sa.Connection, tasks: Iterable[Task]) -> list[Task]:
    """Those of the tasks that were added: one whose learner and rule have a live one already is left out."""
    added = []
    make = _insert(connection)
    for task in tasks:
        row = {name: getattr(task, name) for name in _COLUMNS} | {"evidence": dict(task.evidence)}
        if connection.execute(make.values(**row).on_conflict_do_nothing()).rowcount == 1:
            added.append(task)
    return added


def _insert(connection: sa.Connection) -> Any:
    """An INSERT that knows ON CONFLICT, which both databases have, each in its own dialect."""
    if connection.dialect.name == "postgresql":
        from sqlalchemy.dialects import postgresql

        return postgresql.insert(TASKS)
    from sqlalchemy.dialects import sqlite

    return sqlite.insert(TASKS)


def get(connection: sa.Connection, task_id: str) -> Task:
    """The task with this id, or whose id alone begins so (8 characters or more).

    Raises:
        UnknownName: there is none, or several begin so.
    """
    same = TASKS.c.id == task_id
    if 8 <= len(task_id) < 36:
        same = TASKS.c.id.startswith(task_id, autoescape=True)
    found = connection.execute(sa.select(TASKS).where(same).limit(2)).mappings().all()
    if len(found) != 1:
        near = connection.execute(sa.select(TASKS.c.id).order_by(TASKS.c.opened_at.desc()).limit(20)).scalars()
        raise UnknownName.of("task", task_id, near)
    return _task(found[0])


def find(
    connection: sa.Connection,
    wanted: Wanted,
    limit: int | None = None,
    after: tuple[datetime, str] | None = None,
) -> list[Task]:
    """The tasks asked for, the oldest first.

    Args:
        connection: a reading one will do.
        wanted: which.
        limit: so many at most.
        after: only those after this opening instant and id, for the next page.
    """
    query = sa.select(TASKS).where(wanted.condition()).order_by(TASKS.c.opened_at, TASKS.c.id)
    if after is not None:
        at, id_ = after
        query = query.where((TASKS.c.opened_at > at) | ((TASKS.c.opened_at == at) & (TASKS.c.id > id_)))
    return [_task(row) for row in connection.execute(query.limit(limit)).mappings()]


def count(connection: sa.Connection, wanted: Wanted) -> int:
    """How many tasks are asked for."""
    found = connection.execute(sa.select(sa.func.count()).select_from(TASKS).where(wanted.condition()))
    return int(found.scalar_one())


def save(connection: sa.Connection, task: Task) -> None:
    """Keeps a changed task, over the version before it.

    Raises:
        Conflict: somebody else changed it meanwhile, or its learner has another live task of this rule.
    """
    before = (TASKS.c.id == task.id) & (TASKS.c.version == task.version - 1)
    values = {name: getattr(task, name) for name in _COLUMNS if name not in {"id", "evidence"}}
    try:
        changed = connection.execute(sa.update(TASKS).where(before).values(**values)).rowcount
    except sa.exc.IntegrityError as wrong:
        raise Conflict(
            f"The learner of task {task.id} has a newer task of the rule {task.rule}. Work with that one."
        ) from wrong
    if changed != 1:
        raise Conflict(f"Somebody else changed the task {task.id} meanwhile. Look at it again.")


def remove(connection: sa.Connection, task: Task) -> None:
    """Takes a task away that was opened by mistake, with nothing done about it.

    Raises:
        Conflict: somebody changed it meanwhile, or contacted the learner.
    """
    same = (TASKS.c.id == task.id) & (TASKS.c.version == task.version)
    if contacts_of(connection, [task.id]) or connection.execute(sa.delete(TASKS).where(same)).rowcount != 1:
        raise Conflict(f"Something was done about the task {task.id} meanwhile. Close it instead.")


def add_contact(connection: sa.Connection, contact: Contact) -> None:
    """Keeps a contact."""
    connection.execute(sa.insert(CONTACTS), contact.as_row())


def remove_contact(connection: sa.Connection, contact_id: str) -> bool:
    """Whether there was such a contact; it is gone."""
    return connection.execute(sa.delete(CONTACTS).where(CONTACTS.c.id == contact_id)).rowcount == 1


def contacts_of(connection: sa.Connection, task_ids: Sequence[str]) -> list[Contact]:
    """The contacts of some tasks, the oldest first."""
    found: list[Contact] = []
    for first in range(0, len(task_ids), _MOST_AT_ONCE):
        some = CONTACTS.c.task_id.in_(task_ids[first : first + _MOST_AT_ONCE])
        found += [Contact(**row) for row in connection.execute(sa.select(CONTACTS).where(some)).mappings()]
    return sorted(found, key=lambda contact: (contact.at, contact.id))


def follow_ups(connection: sa.Connection, wanted: Wanted) -> list[tuple[Task, Contact]]:
    """The tasks asked for whose newest contact names a day for a follow-up, by that day."""
    tasks = {task.id: task for task in find(connection, wanted)}
    newest = {contact.task_id: contact for contact in contacts_of(connection, list(tasks))}
    due = [(tasks[name], contact) for name, contact in newest.items() if contact.follow_up_on is not None]
    return sorted(due, key=lambda pair: (str(pair[1].follow_up_on), pair[0].id))


def last_contacts(connection: sa.Connection, run: str) -> dict[str, datetime]:
    """When each learner of a run was last contacted."""
    query = (
        sa.select(TASKS.c.learner, sa.func.max(CONTACTS.c.at, type_=CONTACTS.c.at.type).label("at"))
        .join_from(CONTACTS, TASKS, CONTACTS.c.task_id == TASKS.c.id)
        .where(TASKS.c.run == run)
        .group_by(TASKS.c.learner)
    )
    return {row.learner: row.at for row in connection.execute(query)}


def last_tasks(connection: sa.Connection, run: str) -> dict[tuple[str, str], tuple[datetime, ListSlug | None]]:
    """Of each learner and rule of a run: when the newest task last changed, and the list of the live one, if any."""
    columns = (TASKS.c.learner, TASKS.c.rule, TASKS.c.changed_at, TASKS.c.status, TASKS.c.list)
    found: dict[tuple[str, str], tuple[datetime, ListSlug | None]] = {}
    for row in connection.execute(sa.select(*columns).where(TASKS.c.run == run)):
        at, live = found.get((row.learner, row.rule), (row.changed_at, None))
        found[row.learner, row.rule] = (max(at, row.changed_at), row.list if row.status in LIVE else live)
    return found


def opened_since(connection: sa.Connection, run: str, since: datetime) -> list[tuple[str, ListSlug, datetime]]:
    """Rule, list and opening instant of the tasks of a run that were opened after an instant."""
    query = sa.select(TASKS.c.rule, TASKS.c.list, TASKS.c.opened_at).where(
        (TASKS.c.run == run) & (TASKS.c.opened_at > since)
    )
    return [(row.rule, row.list, row.opened_at) for row in connection.execute(query)]


def records_asked_about(connection: sa.Connection, run: str) -> set[str]:
    """The ids of the texts of a run that a task has asked somebody to read."""
    kept = connection.execute(sa.select(TASKS.c.evidence).where(TASKS.c.run == run)).scalars()
    return {record for evidence in kept for record in str(evidence.get(RECORDS) or "").split()}


def score_runs_cited(connection: sa.Connection) -> set[str]:
    """The score runs that tasks rest on."""
    kept = connection.execute(sa.select(TASKS.c.evidence)).scalars()
    return {str(evidence["score_run"]) for evidence in kept if evidence.get("score_run")}


def not_to_contact(connection: sa.Connection) -> set[str]:
    """Learners who asked not to be contacted on the basis of this."""
    return set(connection.execute(sa.select(NO_CONTACT.c.learner)).scalars())


def set_no_contact(connection: sa.Connection, learner: str, now: datetime, by: str, *, wanted: bool) -> bool:
    """Whether anything changed: keeps, or takes back, that a learner is not to be contacted."""
    known = connection.execute(sa.select(NO_CONTACT).where(NO_CONTACT.c.learner == learner)).first() is not None
    if known == wanted:
        return False
    if wanted:
        connection.execute(sa.insert(NO_CONTACT), {"learner": learner, "since": now, "recorded_by": by})
    else:
        connection.execute(sa.delete(NO_CONTACT).where(NO_CONTACT.c.learner == learner))
    return True


def erase(connection: sa.Connection, learner: str) -> int:
    """How many rows about a learner were removed: tasks, contacts, engagement, notices and jobs that name them.

    That somebody asked not to be contacted goes as well: nothing is held about them that could lead to a contact.
    """
    removed = 0
    own = sa.select(TASKS.c.id).where(TASKS.c.learner == learner).scalar_subquery()
    removed += connection.execute(sa.delete(CONTACTS).where(CONTACTS.c.task_id.in_(own))).rowcount
    for table in (TASKS, ENGAGEMENT, NO_CONTACT):
        removed += connection.execute(sa.delete(table).where(table.c.learner == learner)).rowcount
    for column in (NOTICES.c.payload, JOBS.c.request, JOBS.c.progress):
        named = sa.cast(column, sa.Text).contains(learner, autoescape=True)
        removed += connection.execute(sa.delete(column.table).where(named)).rowcount
    return removed


def _task(row: sa.RowMapping) -> Task:
    return Task(**{name: row[name] for name in _COLUMNS})
