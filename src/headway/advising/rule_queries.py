"""How each rule last went in each run. Every function takes a connection; `keep` a writing one."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import sqlalchemy as sa

from headway.store.tables import RULE_STATES


@dataclass(frozen=True, slots=True)
class RuleState:
    """How a rule last went in a run.

    Attributes:
        run: the course run.
        rule: its name.
        as_of: the as-of time of what it saw.
        evaluated_at: when.
        state: evaluated, or frozen while the feed is silent.
        note: why it is frozen, or what it lacked.
        counts: whom it concerned, how many tasks it opened, and why no more.
    """

    run: str
    rule: str
    as_of: datetime
    evaluated_at: datetime
    state: Literal["evaluated", "frozen"]
    note: str | None
    counts: Mapping[str, int]

    def as_row(self) -> dict[str, Any]:
        """The state as JSON-ready data but for its instants."""
        return {name: getattr(self, name) for name in self.__slots__} | {"counts": dict(self.counts)}


def keep(connection: sa.Connection, run: str, states: Iterable[RuleState], known: Collection[str]) -> None:
    """Keeps how some rules of a run went this time; what is kept of rules that are not known any more goes."""
    rows = [state.as_row() for state in states]
    again = RULE_STATES.c.rule.in_([row["rule"] for row in rows]) | RULE_STATES.c.rule.not_in(list(known))
    connection.execute(sa.delete(RULE_STATES).where((RULE_STATES.c.run == run) & again))
    if rows:
        connection.execute(sa.insert(RULE_STATES), rows)


def forget_others(connection: sa.Connection, runs: Collection[str]) -> None:
    """Forgets how rules went in all but these runs: in a run that is over nothing is frozen any more."""
    connection.execute(sa.delete(RULE_STATES).where(RULE_STATES.c.run.not_in(list(runs))))


def states(connection: sa.Connection, run: str | None = None) -> list[RuleState]:
    """How the rules of a run, or of all, last went; by run and rule."""
    query = sa.select(RULE_STATES).order_by(RULE_STATES.c.run, RULE_STATES.c.rule)
    if run is not None:
        query = query.where(RULE_STATES.c.run == run)
    return [RuleState(**row) for row in connection.execute(query).mappings()]
