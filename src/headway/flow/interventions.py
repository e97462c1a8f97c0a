"""What was done about learners of a run, and what came of it: contacts, how they ended, who did how much.

Every function is given the groups that may be seen and counts nobody else.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import sqlalchemy as sa

from headway.advising.catalogue import MINUTES, asks_to_retune
from headway.advising.tasks import Channel, ClosingCode, Outcome, Status
from headway.domain.errors import InputError
from headway.flow.app import App
from headway.governance import approvals
from headway.governance.approvals import PROPOSAL, Approval
from headway.store.tables import CONTACTS, GROUP_MEMBERS, TASKS

PROPOSAL_CHARACTERS: Final = 200


@dataclass(frozen=True, slots=True)
class Logged:
    """One contact, with the task that it was about."""

    at: datetime
    by: str
    channel: Channel
    outcome: Outcome
    learner: str
    reason: str
    status: Status
    code: ClosingCode | None


@dataclass(frozen=True, slots=True)
class Load:
    """How much one person did in a span of time."""

    by: str
    contacts: int
    minutes: int


@dataclass(frozen=True, slots=True)
class OfRule:
    """How the tasks of one rule ended.

    Attributes:
        rule: its name.
        opened: how many there were.
        closed: how many were closed by somebody.
        helped: of these, closed as helped.
        wrongly_flagged: of these, closed as wrongly flagged.
    """

    rule: str
    opened: int
    closed: int
    helped: int
    wrongly_flagged: int

    @property
    def retune(self) -> bool:
        """Whether whoever owns the rule should look at it."""
        return asks_to_retune(self.closed, self.wrongly_flagged)


@dataclass(frozen=True, slots=True)
class Tally:
    """What became of the tasks.

    Attributes:
        begun: tasks with at least one contact.
        ended: those of them that were closed with a code.
        learners: how many learners were contacted.
        rules: how the tasks of each rule ended, the most first.
    """

    begun: int
    ended: int
    learners: int
    rules: tuple[OfRule, ...]

    @property
    def closed(self) -> int:
        """How many tasks were closed by somebody."""
        return sum(each.closed for each in self.rules)

    @property
    def wrongly_flagged(self) -> int:
        """How many of them were closed as wrongly flagged."""
        return sum(each.wrongly_flagged for each in self.rules)

    @property
    def retune(self) -> bool:
        """Whether the share wrongly flagged asks for somebody to look at the rules."""
        return asks_to_retune(self.closed, self.wrongly_flagged)


def log(
    app: App, run: str, groups: Collection[str] | None, *, page: int = 1, size: int = 50
) -> tuple[list[Logged], int]:
    """The contacts of one page, the newest first, and how many there are in all.

    Args:
        app: where.
        run: the course run.
        groups: only learners of these groups; None for everybody.
        page: from 1; one beyond the end is the last.
        size: of a page.
    """
    scope = _scope(run, groups)
    rows = sa.select(
        CONTACTS.c.at,
        CONTACTS.c.by,
        CONTACTS.c.channel,
        CONTACTS.c.outcome,
        TASKS.c.learner,
        TASKS.c.reason,
        TASKS.c.status,
        TASKS.c.closing_code.label("code"),
    ).select_from(CONTACTS.join(TASKS, CONTACTS.c.task_id == TASKS.c.id))
    with app.store.read() as connection:
        counted = sa.select(sa.func.count()).select_from(CONTACTS.join(TASKS, CONTACTS.c.task_id == TASKS.c.id))
        total = int(connection.execute(counted.where(scope)).scalar_one())
        number = min(max(1, page), max(1, -(-total // size)))
        asked = rows.where(scope).order_by(CONTACTS.c.at.desc(), CONTACTS.c.id).limit(size).offset((number - 1) * size)
        return [Logged(**row) for row in connection.execute(asked).mappings()], total


def loads(app: App, run: str, groups: Collection[str] | None, since: datetime) -> list[Load]:
    """How much each person did since an instant, the most first."""
    query = (
        sa.select(CONTACTS.c.by, CONTACTS.c.channel, sa.func.count().label("number"))
        .select_from(CONTACTS.join(TASKS, CONTACTS.c.task_id == TASKS.c.id))
        .where(_scope(run, groups), CONTACTS.c.at >= since)
        .group_by(CONTACTS.c.by, CONTACTS.c.channel)
    )
    found: dict[str, Load] = {}
    with app.store.read() as connection:
        for row in connection.execute(query):
            before = found.get(row.by, Load(row.by, 0, 0))
            minutes = before.minutes + row.number * MINUTES[row.channel]
            found[row.by] = Load(row.by, before.contacts + row.number, minutes)
    return sorted(found.values(), key=lambda each: (-each.contacts, each.by))


def tally(app: App, run: str, groups: Collection[str] | None) -> Tally:
    """What became of the tasks of a run."""
    scope = _scope(run, groups)
    reached = sa.exists(sa.select(CONTACTS.c.id).where(CONTACTS.c.task_id == TASKS.c.id))
    begun = sa.select(sa.func.count()).select_from(TASKS).where(scope, reached)
    people = sa.select(sa.func.count(sa.distinct(TASKS.c.learner))).where(scope, reached)
    by_rule = (
        sa.select(TASKS.c.rule, TASKS.c.status, TASKS.c.closing_code, sa.func.count().label("number"))
        .where(scope)
        .group_by(TASKS.c.rule, TASKS.c.status, TASKS.c.closing_code)
    )
    found: dict[str, list[int]] = {}
    with app.store.read() as connection:
        counts = [
            connection.execute(each).scalar_one() for each in (begun, begun.where(TASKS.c.status == "closed"), people)
        ]
        for row in connection.execute(by_rule):
            own = found.setdefault(row.rule, [0, 0, 0, 0])
            own[0] += row.number
            own[1] += row.number if row.status == "closed" else 0
            own[2] += row.number if row.closing_code == "helped" else 0
            own[3] += row.number if row.closing_code == "wrongly_flagged" else 0
    rules = sorted(
        (OfRule(rule, *numbers) for rule, numbers in found.items()), key=lambda each: (-each.opened, each.rule)
    )
    return Tally(int(counts[0]), int(counts[1]), int(counts[2]), tuple(rules))


def propose(app: App, run: str, what: str, why: str) -> Approval:
    """What waits now for a decision: an intervention that somebody proposes for a run.

    Raises:
        InputError: it does not say what or why, or is long.
        Conflict: the same waits already.
    """
    told = " ".join(what.split())
    if not 3 <= len(told) <= PROPOSAL_CHARACTERS:
        raise InputError(f"Say in 3 to {PROPOSAL_CHARACTERS} characters what should be done.")
    with app.store.begin() as connection:
        return approvals.ask(connection, app.clock.now(), app.actor, PROPOSAL, f"{run}: {told}", why)


def _scope(run: str, groups: Collection[str] | None) -> sa.ColumnElement[bool]:
    """Tasks of the run about learners who may be seen."""
    if groups is None:
        return TASKS.c.run == run
    own = sa.select(GROUP_MEMBERS.c.learner).where(
        GROUP_MEMBERS.c.run == run, GROUP_MEMBERS.c.group_name.in_(sorted(groups))
    )
    return (TASKS.c.run == run) & TASKS.c.learner.in_(own)
