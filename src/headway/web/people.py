"""Who is in a run: groups, and whether a learner is there, was erased, or never was."""

from collections.abc import Sequence
from typing import Final

import sqlalchemy as sa

from headway.domain.errors import Erased, UnknownName
from headway.domain.time import AsOf
from headway.flow.app import App
from headway.flow.records import hashed
from headway.store.tables import AUDIT, GROUP_MEMBERS

_MOST_AT_ONCE: Final = 500


def groups_of(connection: sa.Connection, run: str, learners: Sequence[str]) -> dict[str, str]:
    """The tutor group of each of some learners of a run who is in one."""
    found: dict[str, str] = {}
    for first in range(0, len(learners), _MOST_AT_ONCE):
        some = GROUP_MEMBERS.c.learner.in_(learners[first : first + _MOST_AT_ONCE])
        wanted = sa.select(GROUP_MEMBERS.c.learner, GROUP_MEMBERS.c.group_name).where(GROUP_MEMBERS.c.run == run, some)
        found |= {row.learner: row.group_name for row in connection.execute(wanted)}
    return found


def group_of(connection: sa.Connection, run: str, learner: str) -> str:
    """The tutor group of a learner in a run; empty where there is none."""
    wanted = sa.select(GROUP_MEMBERS.c.group_name)
    wanted = wanted.where(GROUP_MEMBERS.c.run == run, GROUP_MEMBERS.c.learner == learner)
    return connection.execute(wanted).scalar_one_or_none() or ""


def check_in_run(app: App, run: str, learner: str) -> None:
    """Passes where the learner is known in the run by now.

    Raises:
        Erased: they were, and were erased.
        UnknownName: they were never there.
    """
    if _enrolled(app, run, learner):
        return
    with app.store.read() as connection:
        erased = sa.select(AUDIT.c.id).where(AUDIT.c.subject == hashed(learner), AUDIT.c.action == "erase")
        if connection.execute(erased.limit(1)).first() is not None:
            raise Erased("What was here about this learner was erased.")
    raise UnknownName("Nobody of this id is in this course run.")


def _enrolled(app: App, run: str, learner: str) -> bool:
    with app.lake.open(AsOf.now(app.clock), [run], kinds=["enrolments"]) as records:
        table = records.table("enrolments")
        found = records.collect(table.filter(table.learner == learner).limit(1))
    return len(found) > 0
