"""Whether a run's feed is silent now: nothing has arrived for longer than is usual, so that silence says nothing.

Two tests, either is enough. By the clock: the silence is longer than twice the longest one of the four weeks before it
(of half a day at least, of two days where less than a week is known). By the day: the last days that are over had so
few active learners that it can hardly be chance (`quality_feed`). Neither tells a dead feed from a holiday on which
really nobody worked; both times it would be wrong to say of each learner that they stopped coming.
"""

import math
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Final

import ibis

from headway.description.quality_feed import judged
from headway.domain.time import AsOf, midnight
from headway.features.as_of import run_facts
from headway.features.engine import Records

if TYPE_CHECKING:
    import ibis.expr.types as ir

WEEKS: Final = timedelta(days=28)
LEAST: Final = timedelta(hours=12)
LITTLE_KNOWN: Final = timedelta(days=7)
LEAST_WHERE_LITTLE_IS_KNOWN: Final = timedelta(days=2)
TIMES: Final = 2


@dataclass(frozen=True, slots=True)
class Silence:
    """A feed that is silent now.

    Attributes:
        since: when the newest record came.
        usual: the longest silence that was usual; None where the number of active learners tells.
        why: one sentence.
    """

    since: datetime
    usual: timedelta | None
    why: str


def silent_since(records: Records, run: str, now: AsOf) -> Silence | None:
    """The silence of a run's feed; None where records arrive as usual, and where none ever came.

    Args:
        records: opened on the run, as they were known at `now`.
        run: the run's id.
        now: the as-of time.
    """
    facts = run_facts(records, run, now)
    if facts.ends_on < now.day(facts.zone) and not is_inferred(records, run):
        return None  # after its end a run is silent of itself
    statements = records.table("statements")
    statements = statements.filter(statements.run == run)
    arrivals = _arrivals(records, statements)
    if arrivals is None:
        return None
    newest, oldest, longest_s = arrivals
    known, silent = newest - oldest, now.instant - newest
    least = LEAST if known >= LITTLE_KNOWN else LEAST_WHERE_LITTLE_IS_KNOWN
    usual = max(least, TIMES * timedelta(seconds=longest_s))
    if silent > usual:
        told = f"No record since {newest:%Y-%m-%d %H:%M} UTC ({_span(silent)}); up to {_span(usual)} are usual."
        return Silence(newest, usual, told)
    return _by_day(records, statements, facts.starts_on, facts.zone, now, newest)


def is_inferred(records: Records, run: str) -> bool:
    """Whether nobody told when the run ends, so that its last event stands for its end."""
    told = records.table("course_runs")
    newest = told.filter(told.run == run).order_by(ibis.desc("recorded_at"), ibis.desc("id")).limit(1)
    return any(records.collect(newest.select("inferred"))["inferred"].to_pylist())


def _arrivals(records: Records, statements: "ir.Table") -> tuple[datetime, datetime, float] | None:
    """When the newest and the oldest record of the last four weeks came, and the longest time between two of them."""
    newest = records.collect(statements.agg(at=statements.recorded_at.max()))["at"].to_pylist()[0]
    if newest is None:
        return None
    at = statements.select(at="recorded_at")
    at = at.filter(at["at"] > ibis.timestamp((newest - WEEKS).isoformat())).distinct()
    later = ibis.window(order_by="at")
    told = at.mutate(gap=_seconds(at["at"]) - _seconds(at["at"].lag().over(later)))
    found = records.collect(told.agg(oldest=told["at"].min(), longest=told.gap.max())).to_pylist()[0]
    return newest, found["oldest"], float(found["longest"] or 0)


def _by_day(
    records: Records, statements: "ir.Table", starts_on: date, zone: str, now: AsOf, newest: datetime
) -> Silence | None:
    own = statements.filter((statements.interactions > 0) & statements.role.isnull())
    delay = _seconds(own.recorded_at) - _seconds(own.occurred_at)
    # Day totals are recorded when their day is over: that day is no delay.
    late = records.collect(own.agg(s=delay.quantile(0.9)))["s"].to_pylist()[0] or 0.0
    counts = own.group_by(on="occurred_on").agg(n=own.learner.nunique())
    seen = {row["on"]: row["n"] for row in records.collect(counts).to_pylist()}
    day = now.day(zone)
    if midnight(day + timedelta(days=1), zone) > now.instant:
        day -= timedelta(days=1)
    last_on = day - timedelta(days=max(0, math.ceil(late / 86_400) - 1))
    _, gaps = judged(seen, starts_on, last_on)
    gap = next((gap for gap in gaps if gap.where == "end"), None)
    if gap is None:
        return None
    told = f"Next to nobody was active from {gap.first_on} to {gap.last_on}; about {gap.expected:.0f} a day were usual."
    return Silence(newest, None, told)


def _span(time: timedelta) -> str:
    hours = time.total_seconds() / 3_600
    return f"{hours:.0f} hours" if hours < 72 else f"{hours / 24:.0f} days"


def _seconds(at: "ir.Value") -> "ir.Value":
    """Seconds since 1970: DuckDB gives fractions where Ibis expects whole ones."""
    return at.epoch_seconds().cast("float64")
