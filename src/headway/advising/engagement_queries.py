"""Engagement scores in the store. Every function takes a connection; `keep` a writing one."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa

from headway.advising.engagement import BACK, Engagement
from headway.store.tables import ENGAGEMENT, insert_many

_COLUMNS = [ENGAGEMENT.c[name] for name in ("run", "learner", "day_on", "score", "parts", "flag")]


def keep(connection: sa.Connection, run: str, day_on: date, scores: Sequence[Engagement], now: datetime) -> int:
    """How many scores of a run's day were kept, in the place of any that were there."""
    connection.execute(sa.delete(ENGAGEMENT).where((ENGAGEMENT.c.run == run) & (ENGAGEMENT.c.day_on == day_on)))
    rows = ({"run": run, "learner": one.learner, **one.as_row(), "computed_at": now} for one in scores)
    return insert_many(connection, ENGAGEMENT, rows)


def days_kept(connection: sa.Connection, run: str) -> list[date]:
    """The days of a run that have scores, the oldest first."""
    days = sa.select(ENGAGEMENT.c.day_on).where(ENGAGEMENT.c.run == run).distinct()
    return sorted(connection.execute(days).scalars())


def computed_at(connection: sa.Connection, run: str, day_on: date) -> datetime | None:
    """When a run's day was computed; None where it was not."""
    at = sa.func.max(ENGAGEMENT.c.computed_at, type_=ENGAGEMENT.c.computed_at.type)
    found = sa.select(at).where((ENGAGEMENT.c.run == run) & (ENGAGEMENT.c.day_on == day_on))
    return connection.execute(found).scalar_one_or_none()


def week_before(connection: sa.Connection, run: str, day_on: date) -> dict[str, list[tuple[date, float, str | None]]]:
    """Of each learner of a run: day, score and flag of the seven days before a day."""
    near = (ENGAGEMENT.c.day_on >= day_on - BACK) & (ENGAGEMENT.c.day_on < day_on)
    query = sa.select(*_COLUMNS).where((ENGAGEMENT.c.run == run) & near)
    found: defaultdict[str, list[tuple[date, float, str | None]]] = defaultdict(list)
    for row in connection.execute(query):
        found[row.learner].append((row.day_on, row.score, row.flag))
    return dict(found)


def history(
    connection: sa.Connection, run: str, last_on: date, days: int, learner: str | None = None
) -> list[Engagement]:
    """A run's scores of some days up to one, by day, then by learner; of one learner alone where named."""
    wanted: list[Any] = [ENGAGEMENT.c.run == run, ENGAGEMENT.c.day_on <= last_on]
    wanted.append(ENGAGEMENT.c.day_on > date.fromordinal(last_on.toordinal() - days))
    if learner is not None:
        wanted.append(ENGAGEMENT.c.learner == learner)
    query = sa.select(*_COLUMNS).where(*wanted).order_by(ENGAGEMENT.c.day_on, ENGAGEMENT.c.learner)
    return [Engagement(**row) for row in connection.execute(query).mappings()]
