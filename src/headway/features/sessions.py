"""Sessions, and time on task: how long learners were probably at it, estimated from when they did things.

A log says when something was done and not for how long, so time on task is an estimate whose rules change the answer
(Kovanović, Gašević, Dawson, Joksimović, Baker and Hatala 2015, "Penetrating the black box of time-on-task estimation",
LAK '15, doi:10.1145/2723576.2723623; they compare 15 rules). The rules here, in one place:

- A statement lasts until the same learner's next one of the same session, at most `cap_minutes`.
- A source that measured a duration itself is believed, up to `STATED_CAP_S`; but not where a recording's `position_s`
  is known, since the duration then is what was watched of it so far and would count again and again.
- A session ends after `gap_minutes` without a statement, and with its local day. So a day's time depends on that day's
  statements alone: what happens later cannot change it.
- Nobody knows how long the last statement of a session lasted: it counts `LAST_S`.
- Day totals (`hour` unknown, or more than one interaction) have no time of day: they are in no session and have no
  seconds.

Others must not guess durations anew: read `seconds` from here. Clean statements first (`headway.features.cleaning`).
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import ibis

if TYPE_CHECKING:
    import ibis.expr.types as ir

GAP_MINUTES: Final = 30
"""The usual rule of web analytics; half an hour without a click is a pause."""

CAP_MINUTES: Final = 30
"""No single statement counts for longer, unless its source measured it."""

LAST_S: Final = 60.0
"""Seconds of the last statement of a session, whose end no log tells: about one page."""

STATED_CAP_S: Final = 4 * 3600.0
"""A measured duration beyond four hours is more likely a page left open."""

_BY_TIME: Final = ("occurred_at", "id")


def stamped(statements: "ir.Table") -> "ir.BooleanValue":
    """Whether each statement is a single act with a time of day, rather than a day's total."""
    return statements.hour.notnull() & (statements.interactions <= 1)


def time_on_task(
    statements: "ir.Table",
    gap_minutes: int = GAP_MINUTES,
    cap_minutes: int = CAP_MINUTES,
    last_seconds: float = LAST_S,
    of: Sequence[str] = ("run", "learner"),
) -> "ir.Table":
    """The statements with two more columns: `session` and `seconds`; both null for day totals.

    `session` numbers the sessions of a learner in a run from 1, in order of time. `seconds` is float64, never negative.
    Acts at the same instant share one time: all but the last of them have 0 seconds.

    Args:
        statements: records of that kind; further columns are kept.
        gap_minutes: a longer pause begins a new session.
        cap_minutes: the most that one statement without a measured duration may count.
        last_seconds: what the last statement of a session counts, within the cap.
        of: the columns that name whose statements they are.
    """
    one = (*of, "is_stamped")
    ordered = ibis.window(group_by=one, order_by=_BY_TIME)
    marked = statements.mutate(is_stamped=stamped(statements))
    beside = marked.mutate(
        before_s=_seconds(marked.occurred_at, marked.occurred_at.lag().over(ordered)),
        before_on=marked.occurred_on.lag().over(ordered),
        after_s=_seconds(marked.occurred_at.lead().over(ordered), marked.occurred_at),
        after_on=marked.occurred_on.lead().over(ordered),
    )
    gap_s = gap_minutes * 60.0
    begins = beside.before_s.isnull() | (beside.before_s > gap_s) | (beside.before_on != beside.occurred_on)
    ends = beside.after_s.isnull() | (beside.after_s > gap_s) | (beside.after_on != beside.occurred_on)
    counted = beside.mutate(begins=begins.cast("int64"), ends=ends)
    guessed = counted.ends.ifelse(ibis.literal(float(last_seconds)), counted.after_s)
    # NaN is greater than every number in DuckDB and in Spark, so that it is refused by the upper end.
    measured = (counted.duration_s >= 0) & (counted.duration_s <= 1e9) & counted.position_s.isnull()
    seconds = measured.fill_null(False).ifelse(
        ibis.least(counted.duration_s, ibis.literal(STATED_CAP_S)),
        ibis.least(guessed, ibis.literal(cap_minutes * 60.0)),
    )
    so_far = ibis.cumulative_window(group_by=one, order_by=_BY_TIME)
    numbered = counted.mutate(
        session=counted.is_stamped.ifelse(counted.begins.sum().over(so_far), None),
        seconds=counted.is_stamped.ifelse(seconds, None),
    )
    return numbered.select(*statements.columns, "session", "seconds")


def sessions(
    statements: "ir.Table",
    gap_minutes: int = GAP_MINUTES,
    cap_minutes: int = CAP_MINUTES,
    last_seconds: float = LAST_S,
    of: Sequence[str] = ("run", "learner"),
) -> "ir.Table":
    """One row per session: the columns of `of` and `session, begins_at, ends_at, occurred_on, seconds, statements`.

    `begins_at` and `ends_at` are the instants of its first and last statement. `seconds` is the sum of `time_on_task`,
    but no more than there was between those two instants and the longest duration that its source measured (or
    `last_seconds`): what a source measured may overlap.

    Args:
        statements: records of that kind.
        gap_minutes: see `time_on_task`.
        cap_minutes: see `time_on_task`.
        last_seconds: see `time_on_task`.
        of: see `time_on_task`.
    """
    timed = time_on_task(statements, gap_minutes, cap_minutes, last_seconds, of)
    timed = timed.filter(timed.session.notnull())
    # Only durations that were measured can exceed the time that passed before the next statement.
    days = {} if "occurred_on" in of else {"occurred_on": timed.occurred_on.min()}
    found = timed.group_by(*of, "session").agg(
        begins_at=timed.occurred_at.min(),
        ends_at=timed.occurred_at.max(),
        **days,
        counted_s=timed.seconds.sum(),
        longest_s=timed.seconds.max(where=timed.duration_s.notnull()),
        statements=timed.count(),
    )
    passed = _seconds(found.ends_at, found.begins_at)
    tail = ibis.greatest(found.longest_s.fill_null(0.0), ibis.literal(float(last_seconds)))
    return found.mutate(seconds=ibis.least(found.counted_s, passed + tail)).select(
        *of, "session", "begins_at", "ends_at", *days, "seconds", "statements"
    )


def _seconds(later: "ir.Value", earlier: "ir.Value") -> "ir.Value":
    return later.delta(earlier, unit="microsecond") / 1e6
