"""How many learners are still there: Kaplan-Meier curves, cumulative hazards, and whether groups differ.

Times are days from each learner's own start, or course days of who joins later (`entered`). Promises estimators of
textbooks over whole days, each with its source, and that censored learners count for as long as they were followed.
"""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from headway.domain.errors import InputError
from headway.models.model import Floats

CONFIDENCE: Final = 0.95
WEEK: Final = 7


@dataclass(frozen=True, slots=True)
class Curve:
    """Estimates after each day on which somebody left; arrays of shape (days,).

    Attributes:
        at: the days, rising.
        at_risk: how many were there and followed just before each.
        left: how many left on it.
        survival: share still there after it (Kaplan and Meier 1958).
        low: lower end of its pointwise interval, on the log-log scale from Greenwood's variance.
        high: upper end (Kalbfleisch and Prentice 2002, section 1.4).
        cumulative: cumulative hazard (Nelson 1972; Aalen 1978).
    """

    at: Floats
    at_risk: Floats
    left: Floats
    survival: Floats
    low: Floats
    high: Floats
    cumulative: Floats

    def after(self, values: Floats, day: float, before: float) -> float:
        """One of the curve's arrays at the end of a day; `before` ahead of the first event."""
        place = int(np.searchsorted(self.at, day, side="right")) - 1
        return before if place < 0 else float(values[place])


@dataclass(frozen=True, slots=True)
class Week:
    """One week on the learners' clock.

    Attributes:
        week: 1 for days 0 to 6.
        at_risk: who was there and followed when it began; in course time also who joined since.
        left: how many left in it.
        survival: estimated share still there when it ends.
        low: lower end of the interval.
        high: upper end.
        hazard: the estimated chance of leaving in it for who was there when it began; None where nobody was.
        cumulative_hazard: the sum of the daily hazards until its end.
    """

    week: int
    at_risk: int
    left: int
    survival: float
    low: float
    high: float
    hazard: float | None
    cumulative_hazard: float


def kaplan_meier(
    times: Floats, seen: NDArray[np.bool_], entered: Floats | None = None, level: float = CONFIDENCE
) -> Curve:
    """The curve of times in days.

    Args:
        times: shape (learners,): days to the event or to the end of following.
        seen: shape (learners,): whether it was the event; who is censored on a day was at risk on it.
        entered: shape (learners,): from which day each was at risk; the first for all where None.
        level: the probability inside the intervals.

    Raises:
        InputError: shapes differ, or somebody who entered after the end.
    """
    began = np.full(times.shape, -np.inf) if entered is None else entered
    if times.ndim != 1 or seen.shape != times.shape or began.shape != times.shape or (began > times).any():
        raise InputError("Give one time, event and entry for each learner, and no entry after its time.")
    at = np.unique(times[seen])
    left = np.array([np.count_nonzero(seen & (times == day)) for day in at], dtype=np.float64)
    there = np.searchsorted(np.sort(began), at, side="right") - np.searchsorted(np.sort(times), at, side="left")
    at_risk = there.astype(np.float64)
    share = left / np.maximum(at_risk, 1)
    survival = np.asarray(np.cumprod(1 - share), dtype=np.float64)
    low, high = _log_log(survival, np.cumsum(_greenwood(left, at_risk)), level)
    return Curve(at, at_risk, left, survival, low, high, np.asarray(np.cumsum(share), dtype=np.float64))


def weekly(
    times: Floats, seen: NDArray[np.bool_], entered: Floats | None = None, *, fewest: int = 1
) -> tuple[Week, ...]:
    """The curve told at the end of each whole week in which at least `fewest` learners were at risk.

    Who leaves on day 7 was there for the whole first week.
    """
    curve = kaplan_meier(times, seen, entered)
    began = np.full(times.shape, -np.inf) if entered is None else entered
    weeks, before = [], 1.0
    for number in range(int(times.max(initial=0) // WEEK) + 1):
        first, last = number * WEEK, number * WEEK + WEEK - 1
        there = int(np.count_nonzero((times >= first) & (began <= last)))
        if there < max(fewest, 1):
            break
        survival = curve.after(curve.survival, last, 1.0)
        weeks.append(
            Week(
                week=number + 1,
                at_risk=there,
                left=int(np.count_nonzero(seen & (times >= first) & (times <= last))),
                survival=survival,
                low=curve.after(curve.low, last, 1.0),
                high=curve.after(curve.high, last, 1.0),
                hazard=1 - survival / before if before > 0 else None,
                cumulative_hazard=curve.after(curve.cumulative, last, 0.0),
            )
        )
        before = survival
    return tuple(weeks)


@dataclass(frozen=True, slots=True)
class Difference:
    """A log-rank test: the statistic, its degrees of freedom, and the chance of one as large without a difference."""

    statistic: float
    freedom: int
    p: float


def log_rank(times: Floats, seen: NDArray[np.bool_], groups: NDArray[Any]) -> Difference | None:
    """Whether groups of learners leave at different rates (Mantel 1966; Kalbfleisch and Prentice 2002, section 1.5).

    Returns None with fewer than two groups, or where nobody left.

    Args:
        times: see `kaplan_meier`.
        seen: see `kaplan_meier`.
        groups: shape (learners,): the group of each.
    """
    from scipy.stats import chi2

    names, of_row = np.unique(groups.astype(str), return_inverse=True)
    days = np.unique(times[seen])
    if len(names) < 2 or not len(days):
        return None
    own = np.eye(len(names))[of_row]
    at_risk = np.array([own[times >= day].sum(axis=0) for day in days])
    left = np.array([own[seen & (times == day)].sum(axis=0) for day in days])
    everyone, gone = at_risk.sum(axis=1), left.sum(axis=1)
    expected = at_risk * (gone / everyone)[:, None]
    share = at_risk / everyone[:, None]
    spread = gone * (everyone - gone) / np.maximum(everyone - 1, 1)
    variance = np.einsum("d,dg->g", spread, share)[:, None] * np.eye(len(names))
    variance -= np.einsum("d,dg,dh->gh", spread, share, share)
    excess = (left - expected).sum(axis=0)[:-1]
    statistic = float(excess @ np.linalg.pinv(variance[:-1, :-1]) @ excess)
    return Difference(statistic, len(names) - 1, float(chi2.sf(statistic, len(names) - 1)))


def concordances(times: Floats, seen: NDArray[np.bool_], risks: Floats, counts: Floats) -> Floats:
    """The chance that of two learners the one who left earlier had the higher risk, a tie counting half.

    Pairs count where it is known who left first: one left, and the other was followed longer, or as long without
    leaving (Harrell, Lee and Mark 1996, doi:10.1002/(SICI)1097-0258(19960229)15:4<361::AID-SIM168>3.0.CO;2-4).

    Args:
        times: shape (learners,).
        seen: shape (learners,).
        risks: shape (learners,): higher means sooner.
        counts: shape (draws, learners): how often each learner counts.

    Returns:
        One figure for each row of `counts`, NaN where no pair can be compared.
    """
    pairs, won = np.zeros(len(counts)), np.zeros(len(counts))
    # Some leavers at a time: memory grows with their number times that of the learners, never with its square.
    leavers = np.flatnonzero(seen)
    for start in range(0, len(leavers), 256):
        some = leavers[start : start + 256]
        later = times > times[some, None]
        later |= (times == times[some, None]) & ~seen
        higher = later * ((risks[some, None] > risks) + 0.5 * (risks[some, None] == risks))
        pairs += np.einsum("ds,ds->d", counts[:, some], counts @ later.T.astype(np.float64))
        won += np.einsum("ds,ds->d", counts[:, some], counts @ higher.T)
    return np.asarray(np.divide(won, pairs, out=np.full(len(counts), np.nan), where=pairs > 0), dtype=np.float64)


def brier_at(times: Floats, seen: NDArray[np.bool_], survival: Floats, day: float) -> float:
    """The mean squared distance of being still there after a day and its estimated chance, allowing for censoring.

    Who was lost before counts through those like them who were not: each learner is weighted by the inverse chance of
    having been followed so far (Graf, Schmoor, Sauerbrei and Schumacher 1999,
    doi:10.1002/(SICI)1097-0258(19990915/30)18:17/18<2529::AID-SIM274>3.0.CO;2-5). NaN where nobody is followed so long.

    Args:
        times: shape (learners,).
        seen: shape (learners,).
        survival: shape (learners,): the chance of being still there when the day is over.
        day: the day.
    """
    if not len(times) or (times <= day).all():
        return float("nan")
    # Who leaves on a day is followed through it, so that being lost comes after leaving.
    lost = kaplan_meier(times, ~seen)
    followed_until = np.array([lost.after(lost.survival, time - 0.5, 1.0) for time in times])
    gone, there = seen & (times <= day), times > day
    at_day = lost.after(lost.survival, day, 1.0)
    weights = np.where(gone, 1 / np.maximum(followed_until, 1e-12), np.where(there, 1 / max(at_day, 1e-12), 0.0))
    return float(np.mean(weights * (there - survival) ** 2))


def _greenwood(left: Floats, at_risk: Floats) -> Floats:
    """What each day adds to the variance of the log of the survival, over its square; infinite once all have left."""
    below = at_risk * (at_risk - left)
    return np.asarray(np.divide(left, below, out=np.full(left.shape, np.inf), where=below > 0), dtype=np.float64)


def _log_log(survival: Floats, variance: Floats, level: float) -> tuple[Floats, Floats]:
    from scipy.stats import norm

    inside = (survival > 0) & (survival < 1) & np.isfinite(variance)
    log = np.log(np.where(inside, survival, 0.5))
    reach = float(norm.ppf(0.5 + level / 2)) * np.sqrt(np.where(inside, variance, 0.0)) / log
    base = np.where(inside, survival, 0.5)
    ends = [np.where(inside, base ** np.exp(sign * reach), survival) for sign in (-1, 1)]
    return np.minimum(*ends), np.maximum(*ends)
