"""A silent feed told apart from silent learners: days without activity that learners alone would hardly make.

Method. Of each local day of a run we know how many learners did anything, `seen`. A *stretch* is an unbroken spell of
days on which nobody, or next to nobody, did. For each of its days the same weekdays nearest before and after the
stretch say how many learners were to be expected: their median. The stretch as a whole is then one draw from a negative
binomial law with the mean M of all that was expected and the variance M + a·M²; `a` is the spread of the run's other
days about their own expectation. That the days of a stretch share one draw is meant: holidays and reading weeks lower
many days together, so days must not count as independent witnesses. The chance of seeing so few is the law's lower
tail; a gap is reported where it is below `Limits.false_alarms` divided by the number of days looked at (Bonferroni), so
that a run without any gap is blamed with about that chance at most.

Numbers alone cannot tell a dead feed from a holiday on which really nobody worked. So a gap is `sure` only if work was
handed in meanwhile by another road, or if activity stops and resumes at its full level from one day to the next:
holidays taper, feeds break.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Final, Literal

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

Where = Literal["within", "start", "end"]


@dataclass(frozen=True, slots=True)
class Limits:
    """When days count as silent, and when their silence is not believed.

    Attributes:
        false_alarms: the chance of a wrong alarm in a run without gaps, at most.
        stray_share: a day is silent up to this share of the usual; late uploads of a few do not end a gap.
        least_spread: the least `a` (variance over squared mean beyond Poisson) ever assumed: days differ by 30% or so.
        sharp_share: activity at this share of the expected on both sides makes the edges of a gap sharp.
        sure_chance: a gap with sharp edges is sure below this chance.
        sure_hand_ins: so many hand-ins known from elsewhere show that people worked; one may be a wrong date.
        neighbours: same weekdays looked at on each side.
        reach_weeks: how far from the stretch they may lie.
    """

    false_alarms: float = 0.01
    stray_share: float = 0.02
    least_spread: float = 0.1
    sharp_share: float = 0.4
    sure_chance: float = 1e-5
    sure_hand_ins: int = 3
    neighbours: int = 3
    reach_weeks: int = 8


LIMITS: Final = Limits()


@dataclass(frozen=True, slots=True)
class Feed:
    """What arrived of a run, day by day.

    Attributes:
        first_on: the first local day that is judged.
        seen: learners who did anything, one number for each day from `first_on`.
        expected: how many the same weekdays near it let expect; NaN where there are none.
    """

    first_on: date
    seen: tuple[int, ...]
    expected: tuple[float, ...]

    def day(self, place: int) -> date:
        """The local day of a place in `seen`."""
        return self.first_on + timedelta(days=place)


@dataclass(frozen=True, slots=True)
class Gap:
    """Days on which a feed was probably silent.

    Attributes:
        first_on: its first local day.
        last_on: its last.
        expected: learners who would have been active, on average on a day.
        chance: how likely so little activity is in a feed that works.
        where: within the feed, or at its start or end.
        sharp: activity was near its full level on the days beside it.
        sure: see the module.
    """

    first_on: date
    last_on: date
    expected: float
    chance: float
    where: Where
    sharp: bool
    sure: bool

    @property
    def days(self) -> int:
        """How many days it lasted."""
        return (self.last_on - self.first_on).days + 1


def judged(
    counts: Mapping[date, int],
    first_on: date,
    last_on: date,
    handed_in_on: Mapping[date, int] | None = None,
    limits: Limits = LIMITS,
) -> tuple[Feed, tuple[Gap, ...]]:
    """The feed of a run between two local days, and its gaps in order of time.

    Args:
        counts: learners with activity by local day; days that are missing had none.
        first_on: the first day to judge.
        last_on: the last; days that are not over, or whose records are not to be expected yet, must not be judged.
        handed_in_on: work handed in by local day, known from elsewhere than the feed.
        limits: when silence is not believed.
    """
    size = max(0, (last_on - first_on).days + 1)
    seen = np.array([counts.get(first_on + timedelta(days=place), 0) for place in range(size)], dtype=np.float64)
    expected = np.array([_expected(seen, place, place, place, limits) for place in range(size)])
    silent = _silent(seen, limits)
    spread = _spread(seen[~silent], expected[~silent], limits)
    stretches = _stretches(silent)
    for begin, end in stretches:
        for place in range(begin, end + 1):
            expected[place] = _expected(seen, place, begin, end, limits)
    feed = Feed(first_on, tuple(int(number) for number in seen), tuple(float(number) for number in expected))
    gaps = [_gap(feed, begin, end, spread, handed_in_on or {}, limits) for begin, end in stretches]
    return feed, tuple(gap for gap in gaps if gap is not None)


def _silent(seen: "NDArray[np.float64]", limits: Limits) -> "NDArray[np.bool_]":
    """Which days had nobody, or next to nobody beside the busier same weekdays around them."""
    usual = np.zeros(len(seen))
    reach = 7 * 5
    for place in range(len(seen)):
        low = place - (min(place, reach) // 7) * 7
        usual[place] = np.quantile(seen[low : place + reach + 1 : 7], 0.75)
    return np.asarray((seen == 0) | (seen <= limits.stray_share * usual))


def _stretches(silent: "NDArray[np.bool_]") -> list[tuple[int, int]]:
    """First and last place of each unbroken spell."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], silent, [False]]).astype(np.int8)))
    return [(int(begin), int(end) - 1) for begin, end in zip(edges[::2], edges[1::2], strict=True)]


def _expected(seen: "NDArray[np.float64]", place: int, begin: int, end: int, limits: Limits) -> float:
    """The median of the same weekdays nearest to a stretch on both sides; of one side where the other has none."""
    weeks = range(1, limits.reach_weeks + (end - begin) // 7 + 2)
    before = [place - 7 * week for week in weeks if 0 <= place - 7 * week < begin][: limits.neighbours]
    after = [place + 7 * week for week in weeks if end < place + 7 * week < len(seen)][: limits.neighbours]
    near = [*before, *after]
    return float(np.median(seen[near])) if near else float("nan")


def _spread(seen: "NDArray[np.float64]", expected: "NDArray[np.float64]", limits: Limits) -> float:
    """How much days differ from their expectation beyond chance; by the median distance, which outliers move little."""
    usable = expected >= 1
    if usable.sum() < 7:
        return 1.0  # so little is known that nearly anything may be chance
    relative = np.abs(seen[usable] / expected[usable] - 1)
    scale = 1.4826 * float(np.median(relative))
    return max(limits.least_spread, scale**2 - float(np.median(1 / expected[usable])))


def _gap(
    feed: Feed, begin: int, end: int, spread: float, handed_in_on: Mapping[date, int], limits: Limits
) -> Gap | None:
    seen = np.array(feed.seen, dtype=np.float64)
    expected = np.array(feed.expected[begin : end + 1])
    known = ~np.isnan(expected)
    mean = float(expected[known].sum())
    if mean <= 0:
        return None
    chance = _lower_tail(float(seen[begin : end + 1][known].sum()), mean, spread)
    if chance >= limits.false_alarms / len(seen):
        return None
    where: Where = "start" if begin == 0 else "end" if end == len(seen) - 1 else "within"
    beside = [place for place in (begin - 1, end + 1) if 0 <= place < len(seen)]
    usual = [_expected(seen, place, begin, end, limits) for place in beside]
    sharp = all(seen[place] >= limits.sharp_share * one for place, one in zip(beside, usual, strict=True))
    handed_in = sum(handed_in_on.get(feed.day(place), 0) for place in range(begin, end + 1))
    worked = handed_in >= limits.sure_hand_ins
    sure = where == "within" and (worked or (sharp and chance < limits.sure_chance))
    return Gap(feed.day(begin), feed.day(end), mean / int(known.sum()), chance, where, sharp, sure)


def _lower_tail(total: float, mean: float, spread: float) -> float:
    """The chance of at most `total` under a negative binomial law with this mean and variance mean + spread·mean²."""
    from scipy.stats import nbinom

    size = 1 / spread
    return float(nbinom.cdf(total, size, size / (size + mean)))


def pooled(feeds: Sequence[Feed]) -> list[dict[date, int]]:
    """The feeds of several runs added up, in pieces of days without a break; only days with at least two of them."""
    total: dict[date, int] = {}
    running: dict[date, int] = {}
    for feed in feeds:
        for place, number in enumerate(feed.seen):
            day = feed.day(place)
            total[day] = total.get(day, 0) + number
            running[day] = running.get(day, 0) + 1
    days = sorted(day for day, number in running.items() if number > 1)
    pieces: list[dict[date, int]] = [{days[0]: total[days[0]]}] if days else []
    for before, day in pairwise(days):
        if (day - before).days > 1:
            pieces.append({})
        pieces[-1][day] = total[day]
    return pieces
