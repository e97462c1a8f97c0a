"""How many learners are still there, week by week: Kaplan-Meier curves of a run and of the runs before it.

A learner's clock starts on the first day of the run, or on the day they joined where that is later. The event is
leaving: the withdrawal where the run knows withdrawals, else the last activity of who then stayed silent. Who had not
left by the end of what is described is censored there. Bands are pointwise 95% intervals on the log-log scale, from
Greenwood's variance (Kaplan and Meier 1958; Kalbfleisch and Prentice 2002, section 1.4), by `scipy.stats.ecdf`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

import ibis
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from headway.description.ground import FINISHED, Ground, judged_until, people, silent_days
from headway.description.groups import SMALLEST, Part, part
from headway.domain.time import AsOf
from headway.features.cleaning import cleaned
from headway.features.engine import Records
from headway.features.known import days_between

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from headway.features.moments import RunFacts

Event = Literal["withdrawal", "last activity"]

CONFIDENCE: Final = 0.95
FEWEST: Final = 20
"""With fewer learners no curve is drawn."""

LONG_DAYS: Final = 42
DIGITS: Final = 2
"""Whole percents: finer shares of a known number of learners would tell of each one who leaves."""


@dataclass(frozen=True, slots=True)
class StillThere:
    """The estimated share still there after so many whole days, with its band."""

    days: int
    share: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Curve:
    """One run's curve; it ends where fewer than five learners are still followed.

    Attributes:
        run: the run's id.
        learners: how many it rests on.
        left: for how many the event was seen.
        step_days: days between its points: 7, or 1 in runs of less than six weeks.
        points: from 0 days (everyone) on.
    """

    run: str
    learners: int
    left: Part
    step_days: int
    points: tuple[StillThere, ...]


@dataclass(frozen=True, slots=True)
class Retention:
    """The run's curve beside those of earlier runs of the same course.

    Attributes:
        event: what counts as leaving.
        silent_days: how long one must have been silent; None where the event is the withdrawal.
        this: the run's own curve.
        earlier: curves of earlier runs that know the same kind of event, in the order given.
        not_comparable: earlier runs without a curve: too few learners, or no such event known.
    """

    event: Event
    silent_days: int | None
    this: Curve
    earlier: tuple[Curve, ...]
    not_comparable: tuple[str, ...]


def retention(place: Ground, earlier_runs: Sequence[str]) -> Retention | None:
    """The curves; None with fewer than 20 learners, or where neither withdrawals nor activity are known."""
    withdrawals = bool(np.isfinite(place.left()).any())
    if place.size < FEWEST or not (withdrawals or place.active_until is not None):
        return None
    event: Event = "withdrawal" if withdrawals else "last activity"
    if event == "withdrawal":
        times, seen = withdrawal_times(place.learners, place.last_day)
    else:
        times, seen = silence_times(place.learners, place.last_seen(), judged_until(place))
    curves, without = [], []
    for run in earlier_runs:
        found = _earlier(place.records, run, place.as_of, event)
        curves += [found] if found else []
        without += [] if found else [run]
    silent = None if event == "withdrawal" else place.silent_days
    return Retention(event, silent, curve(place.about.run, times, seen), tuple(curves), tuple(without))


def withdrawal_times(learners: "pa.Table", last_day: int) -> "tuple[NDArray[np.float64], NDArray[np.bool_]]":
    """Days from each learner's start to their withdrawal, and whether it was seen; the rest are censored."""
    left = _floats(pc.fill_null(learners["left"].cast("float64"), np.inf))
    start = np.maximum(_floats(learners["joined"].cast("float64")), 0)
    seen = np.isfinite(left)
    return np.maximum(np.where(seen, left, last_day + 1) - start, 0), seen


def silence_times(
    learners: "pa.Table", last_seen: "NDArray[np.float64]", judged: int
) -> "tuple[NDArray[np.float64], NDArray[np.bool_]]":
    """Days from each learner's start to their last activity, and whether they then stayed silent long enough.

    Who finished is never counted as gone. Nobody is followed beyond day `judged`: silence after it says nothing.
    """
    start = np.maximum(_floats(learners["joined"].cast("float64")), 0)
    done = pc.fill_null(pc.is_in(learners["outcome"], value_set=pa.array(FINISHED)), False)
    finished = np.asarray(done.to_numpy(zero_copy_only=False), dtype=bool)
    horizon = judged + 1
    last = np.maximum(np.where(np.isfinite(last_seen), last_seen, start), start)
    seen = (last < horizon) & ~finished
    return np.maximum(np.where(seen, last, horizon) - start, 0), seen


def curve(run: str, times: "NDArray[np.float64]", seen: "NDArray[np.bool_]") -> Curve:
    """The Kaplan-Meier curve of times in days, told at the end of each week (of each day in short runs).

    Args:
        run: the run's id.
        times: days to the event or to the end of following.
        seen: whether it was the event.
    """
    from scipy.stats import CensoredData, ecdf

    followed = float(np.sort(times)[max(0, len(times) - SMALLEST)])
    step = 7 if followed >= LONG_DAYS else 1
    ends = np.arange(1, int(followed // step) + 1) * float(step)
    if seen.any() and len(ends):
        with np.errstate(divide="ignore", invalid="ignore"):
            survival = ecdf(CensoredData(uncensored=times[seen], right=times[~seen])).sf
            band = survival.confidence_interval(CONFIDENCE, method="log-log")
        # Whoever left on day 7 was there for the whole first week.
        share, low, high = (np.asarray(each.evaluate(ends - 0.5)) for each in (survival, band.low, band.high))
        whole = share >= 1
        low, high = np.where(whole | np.isnan(low), share, low), np.where(whole | np.isnan(high), share, high)
    else:
        share = low = high = np.ones(len(ends))
    points = [StillThere(0, 1.0, 1.0, 1.0)]
    points += [
        StillThere(int(days), *(round(float(number), DIGITS) for number in numbers))
        for days, *numbers in zip(ends, share, low, high, strict=True)
    ]
    return Curve(run, len(times), part(int(seen.sum()), len(times)), step, tuple(points))


def _earlier(records: Records, run: str, as_of: AsOf | None, event: Event) -> Curve | None:
    about, learners, last_day = people(records, run, as_of)
    if learners.num_rows < FEWEST or last_day < 0:
        return None
    if event == "withdrawal":
        times, seen = withdrawal_times(learners, last_day)
        return curve(run, times, seen) if seen.any() else None
    last_seen = _last_seen(records, about, learners, last_day)
    if not np.isfinite(last_seen).any():
        return None
    until = int(last_seen[np.isfinite(last_seen)].max())
    return curve(run, *silence_times(learners, last_seen, until - silent_days(about)))


def _last_seen(records: Records, about: "RunFacts", learners: "pa.Table", last_day: int) -> "NDArray[np.float64]":
    statements = cleaned(records.table("statements").filter(ibis._.run == about.run))
    day = days_between(statements.occurred_on, ibis.literal(about.starts_on))
    active = statements.mutate(day=day).filter((day >= 0) & (day <= last_day))
    active = active.filter((active.interactions > 0) | (active.verb == "submitted"))
    last = records.collect(active.group_by("learner").agg(day=active.day.max()))
    by_learner = dict(zip(last["learner"].to_pylist(), last["day"].to_pylist(), strict=True))
    return np.array([by_learner.get(each, -np.inf) for each in learners["learner"].to_pylist()], dtype=np.float64)


def _floats(column: "pa.ChunkedArray") -> "NDArray[np.float64]":
    return np.asarray(column.to_numpy(zero_copy_only=False), dtype=np.float64)
