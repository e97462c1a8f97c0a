"""What a caseload asks the store about tasks and contacts. Every function takes a connection and writes nothing."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa

from headway.advising.tasks import Contact
from headway.advising.worklist import TaskLine
from headway.store.tables import AUDIT, CONTACTS, TASKS

CLOSED_FOR: Final = timedelta(days=120)
"""Tasks closed longer ago are not told on a caseload."""

_MOST_AT_ONCE: Final = 500


def lines(connection: sa.Connection, run: str, now: datetime, by_hand: str) -> list[TaskLine]:
    """The open, contacted and lately closed tasks of a run; `by_hand` is the rule of those that people opened."""
    columns = [TASKS.c[name] for name in TaskLine._fields if name != "raised"]
    kept = TASKS.c.status.in_(("open", "contacted"))
    lately = (TASKS.c.status == "closed") & (TASKS.c.changed_at > now - CLOSED_FOR)
    rows = connection.execute(sa.select(*columns).where(TASKS.c.run == run, kept | lately)).all()
    hand = sa.select(TASKS.c.id, TASKS.c.evidence).where(TASKS.c.run == run, TASKS.c.rule == by_hand)
    raised = {row.id: str(row.evidence.get("by", "")) for row in connection.execute(hand) if row.evidence.get("raised")}
    return [TaskLine._make((*row, raised.get(row[0], ""))) for row in rows]


def mark(connection: sa.Connection, run: str) -> tuple[object, ...]:
    """What is another once any task of a run is another: how many there are, their versions, when one changed last."""
    told = sa.select(sa.func.count(), sa.func.sum(TASKS.c.version), sa.func.max(TASKS.c.changed_at))
    return tuple(connection.execute(told.where(TASKS.c.run == run)).one())


def reasons(connection: sa.Connection, task_ids: Sequence[str]) -> dict[str, str]:
    """The sentence of each of some tasks."""
    found: dict[str, str] = {}
    for first in range(0, len(task_ids), _MOST_AT_ONCE):
        some = TASKS.c.id.in_(task_ids[first : first + _MOST_AT_ONCE])
        rows = connection.execute(sa.select(TASKS.c.id, TASKS.c.reason).where(some))
        found |= {row.id: row.reason for row in rows}
    return found


def last_contact_of(connection: sa.Connection, run: str, learners: Sequence[str]) -> dict[str, Contact]:
    """The newest contact of each of some learners of a run."""
    found: dict[str, Contact] = {}
    for first in range(0, len(learners), _MOST_AT_ONCE):
        some = (TASKS.c.run == run) & TASKS.c.learner.in_(learners[first : first + _MOST_AT_ONCE])
        query = sa.select(TASKS.c.learner, CONTACTS).join_from(CONTACTS, TASKS).where(some).order_by(CONTACTS.c.at)
        for row in connection.execute(query).mappings():
            told = dict(row)
            learner = told.pop("learner")
            found[learner] = Contact(**told)
    return found


def contacted_by(connection: sa.Connection, by: str, since: datetime) -> int:
    """How many learners somebody has contacted since an instant."""
    query = (
        sa.select(sa.func.count(sa.distinct(TASKS.c.learner)))
        .select_from(CONTACTS.join(TASKS))
        .where(CONTACTS.c.at >= since, CONTACTS.c.by == by)
    )
    return int(connection.execute(query).scalar_one())


def closers(connection: sa.Connection, task_ids: Sequence[str]) -> dict[str, str]:
    """Who closed each of some tasks, as the audit names them."""
    found: dict[str, str] = {}
    for first in range(0, len(task_ids), _MOST_AT_ONCE):
        some = AUDIT.c.subject.in_(task_ids[first : first + _MOST_AT_ONCE]) & (AUDIT.c.action == "close_task")
        rows = connection.execute(sa.select(AUDIT.c.subject, AUDIT.c.actor).where(some).order_by(AUDIT.c.id))
        found |= {row.subject: row.actor for row in rows}
    return found
