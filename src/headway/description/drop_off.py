"""Where learners stop coming: the weeks, the pieces of work and the things after which more stop than is usual there.

A learner stopped on their last active day, if they then withdrew or stayed silent for long enough (`judged_until`),
and did not finish.

- A week is compared with the two weeks before and after it: of so many who were still coming, so many stopped. Where
  fewer than six whole weeks can be compared, shorter stretches of days stand for weeks.
- A piece of work is compared with the two before and after it: of so many who were still handing in when the one before
  was (of all who ever came, for the first), so many never handed in anything again. Work without a due date stands
  where half of it had come in; work that few hand in is for some learners only and is left out.
- A thing is compared with the weeks in which it was used: of all learner-days with it, so many were a learner's last,
  where other days of the same week let one expect fewer.

How far a point stands out is told as `chance`: how many points of its kind would stand out as far in a course without
any drop-off point (the predictive tail probability of a count, with Jeffreys' prior for the rate of the neighbours,
times the number of points compared). Weeks after the last piece of work are left out, since stopping then is finishing.
A drop-off point is a place to look at first; the record does not say why learners stop.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np

from headway.description.assessments import Handed, work_day
from headway.description.ground import Ground, judged_until
from headway.description.groups import SMALLEST, Part, part, tally
from headway.description.names import from_id
from headway.features.known import ASSESSMENT_TYPES

if TYPE_CHECKING:
    from numpy.typing import NDArray

MOST: Final = 2
NEIGHBOURS: Final = 2
CLEAR: Final = 0.05
"""A point is clear where chance alone would bring fewer than so many like it."""

FEWEST_LEARNERS: Final = 20
FEWEST_STEPS: Final = 4
WHOLE_WEEKS: Final = 6
SHORT_STEPS: Final = 6
SHORTEST_DAYS: Final = 2
FEWEST_STOPPED: Final = 10
FEWEST_WORK: Final = 3
FOR_ALL: Final = 0.3
"""Work that a smaller share of all learners hands in is optional, or for one group."""

TOGETHER: Final = (1, 2, 4, 8)
EVERYONE: Final = 0.8
"""A thing that so large a share of all learner-days touches is no place in the course."""


@dataclass(frozen=True, slots=True)
class DropOff:
    """A point after which unusually many stopped.

    Attributes:
        kind: a week, a piece of work, or any other thing.
        week: the week, or the one in which a stretch begins; of work its due week; of a thing the middle week of those
            who stopped there.
        activity: the id of the work or thing; None for a week.
        name: what it is called; of a week the names of what was due in it or, where nothing was, the week before.
        stopped: who stopped, of those who were still coming (week), still handing in (work) or used it (thing).
        expected: how many its neighbours let one expect; None where `stopped` is hidden.
        chance: how many points of its kind would by chance alone stand out as far; may be more than one.
        clear: whether that is fewer than 0.05.
        first_day: of a week or stretch, its first course day (0 is the first of the run); None for others.
        last_day: its last.
        due_before: of a week, whether its name says what was due the week before.
        first: whether it is the first piece of work, to which all who ever came are compared.
    """

    kind: Literal["week", "work", "thing"]
    week: int
    activity: str | None
    name: str
    stopped: Part
    expected: float | None
    chance: float
    clear: bool
    first_day: int | None = None
    last_day: int | None = None
    due_before: bool = False
    first: bool = False


@dataclass(frozen=True, slots=True)
class Stops:
    """Weeks (or shorter stretches) taken together: who stopped in them, and what their neighbours let one expect.

    Attributes:
        first_day: the first course day, 0 for the first of the run.
        last_day: the last.
        stopped: how many; None where hidden.
        expected: the sum over the weeks.
    """

    first_day: int
    last_day: int
    stopped: int | None
    expected: float


@dataclass(frozen=True, slots=True)
class DropOffs:
    """The clearest drop-off points, at most two.

    Attributes:
        points: the clearest first, clear or not; only points with at least five learners who stopped.
        never_came: who did nothing at all from the first day on.
        stopped: who stopped.
        step_days: how long the stretches are that were compared: 7, or fewer in short runs.
        weeks: these stretches in order, taken together until most of them can be told.
        too_thin: why nothing can be said; empty where it can.
    """

    points: tuple[DropOff, ...]
    never_came: Part
    stopped: Part
    step_days: int
    weeks: tuple[Stops, ...]
    too_thin: str


def drop_offs(place: Ground, names: dict[str, str], work: Sequence[Handed]) -> DropOffs:
    """The clearest points at which the run loses learners.

    Args:
        place: the run.
        names: what activities are called.
        work: who handed in what, in order of the due date (`headway.description.assessments.handed`).
    """
    if place.active_until is None:
        return DropOffs((), part(0, 0), part(0, 0), 7, (), "No activity of anyone is known.")
    seen = place.last_seen()
    stops = stopped(place)
    never, gone = part(int((~np.isfinite(seen)).sum()), place.size), part(int(stops.sum()), place.size)
    step, steps = compared(place, work)
    if place.size < FEWEST_LEARNERS:
        return DropOffs(
            (), never, gone, step, (), f"Fewer than {FEWEST_LEARNERS} learners: too few to tell a drop-off."
        )
    points = _work(place, work)
    weeks: tuple[Stops, ...] = ()
    if steps >= FEWEST_STEPS and int(stops.sum()) >= FEWEST_STOPPED:
        coming, left = by_step(seen, stops, step, steps)
        expected, tail = beside(coming, left)
        points += _weeks(place, names, step, coming, left, expected, tail)
        points += _things(place, names, seen, stops, step * steps)
        weeks = together(left, expected, step)
    too_thin = ""
    if not points:
        too_thin = "Too few days to compare, or too few learners who stopped, to name a drop-off point."
    return DropOffs(tuple(clearest(points)), never, gone, step, weeks, too_thin)


def stopped(place: Ground) -> "NDArray[np.bool_]":
    """Who came and then stopped: withdrew, or stayed silent long enough before the records end, and did not finish."""
    seen = place.last_seen()
    silent = seen <= judged_until(place)
    return np.asarray(np.isfinite(seen) & (silent | np.isfinite(place.left())) & ~place.finished())


def compared(place: Ground, work: Sequence[Handed]) -> tuple[int, int]:
    """How many days each compared stretch has, and how many such stretches there are.

    They end with the last due date, and early enough for silence to show. While work is ahead, nothing is over. Work of
    which no hand-in is recorded is done elsewhere and says nothing.
    """
    days = judged_until(place) + 1
    due = [place.day_of(one.due_on) for one in work if one.due_on and len(one.who)]
    ahead = any(place.day_of(one.due_on) > place.last_day for one in work if one.due_on)
    if due and not ahead:
        days = min(days, max(due) + 1)
    step = 7 if days >= 7 * WHOLE_WEEKS else max(SHORTEST_DAYS, days // SHORT_STEPS)
    return step, max(0, days // step)


def by_step(
    seen: "NDArray[np.float64]", stops: "NDArray[np.bool_]", step: int, steps: int
) -> "tuple[NDArray[np.int64], NDArray[np.int64]]":
    """For each stretch: who was still coming at its beginning, and who of them stopped in it."""
    at = np.where(np.isfinite(seen), seen, -1).astype(np.int64) // step
    came = at >= 0
    coming = np.array([int((came & ((at >= each) | ~stops)).sum()) for each in range(steps)])
    left = np.array([int((stops & (at == each)).sum()) for each in range(steps)])
    return coming, left


def together(left: "NDArray[np.int64]", expected: "NDArray[np.float64]", step: int) -> tuple[Stops, ...]:
    """Stops by one, two, four or eight stretches: the fewest with which at most a third has to be hidden."""
    for size in TOGETHER:
        found = []
        for first in range(0, len(left), size):
            count = int(left[first : first + size].sum())
            last = min(first + size, len(left))
            found.append(Stops(first * step, last * step - 1, count, _one(expected[first:last].sum())))
        counts = tally([each.stopped or 0 for each in found])
        if size == TOGETHER[-1] or counts.count(None) <= len(counts) / 3:
            break
    return tuple(replace(each, stopped=count) for each, count in zip(found, counts, strict=True))


def beside(coming: "NDArray[np.int64]", left: "NDArray[np.int64]") -> "tuple[NDArray[np.float64], NDArray[np.float64]]":
    """How many each place's neighbours let one expect to stop there, and the chance of at least as many as did.

    The rate of the neighbours, pooled, has the posterior Gamma(stops + 1/2, at risk) under Jeffreys' prior; the count
    is then negative binomial. So a neighbourhood without any stop does not make a single one remarkable.

    Args:
        coming: who could stop, place by place.
        left: who did.
    """
    from scipy.stats import nbinom

    size = len(coming)
    expected, tail = np.zeros(size), np.ones(size)
    for here in range(size):
        near = [other for other in range(max(0, here - NEIGHBOURS), min(size, here + NEIGHBOURS + 1)) if other != here]
        at_risk = float(coming[near].sum())
        if coming[here] and at_risk:
            stops = float(left[near].sum()) + 0.5
            expected[here] = stops / at_risk * coming[here]
            tail[here] = nbinom.sf(left[here] - 1, stops, at_risk / (at_risk + coming[here]))
    return expected, tail


def clearest(points: list[DropOff]) -> list[DropOff]:
    """At most two points that are not the same story: a point next to one that is already named adds little to it."""
    chosen: list[DropOff] = []
    for one in sorted(points, key=lambda each: (each.chance, each.kind, each.week, each.name)):
        if any(_near(one, other) for other in chosen):
            continue
        chosen.append(one)
        if len(chosen) == MOST:
            break
    return chosen


def _near(one: DropOff, other: DropOff) -> bool:
    if one.first_day is not None and other.first_day is not None and one.last_day is not None:
        return abs(one.first_day - other.first_day) <= one.last_day - one.first_day + 1
    return abs(one.week - other.week) <= 1


def _weeks(
    place: Ground,
    names: dict[str, str],
    step: int,
    coming: "NDArray[np.int64]",
    left: "NDArray[np.int64]",
    expected: "NDArray[np.float64]",
    tail: "NDArray[np.float64]",
) -> list[DropOff]:
    due: dict[int, list[str]] = {}
    for row in place.activities.to_pylist():
        if row["due_on"]:
            due.setdefault(place.day_of(row["due_on"]) // step, []).append(names[row["activity"]])
    found = []
    for at in np.flatnonzero((left >= SMALLEST) & (left > expected)).tolist():
        gone = part(int(left[at]), int(coming[at]))
        before = at not in due and at - 1 in due
        name = " and ".join(due.get(at - 1 if before else at, ()))
        point = _point("week", at * step // 7 + 1, None, name, gone, expected[at], tail[at] * len(left))
        found.append(replace(point, first_day=at * step, last_day=(at + 1) * step - 1, due_before=before))
    return found


def _work(place: Ground, work: Sequence[Handed]) -> list[DropOff]:
    """Pieces of work from which on learners hand in nothing any more."""
    days = [work_day(place, one) for one in work]
    for_all = FOR_ALL * place.size
    past = [at for at, one in enumerate(work) if len(one.who) >= for_all and days[at] <= place.last_day]
    if len(past) < FEWEST_WORK:
        return []
    last = np.where(np.isfinite(place.last_seen()), -1, -2)
    for at, which in enumerate(past):
        last[work[which].who] = np.maximum(last[work[which].who], at)
    # Who had left before a piece was due did not stop at it.
    there = place.left() > np.array([days[which] for which in past])[:, None]
    coming = np.array([int((there[at] & (last >= at - 1)).sum()) for at in range(len(past))])
    left = np.array([int((there[at] & (last == at - 1)).sum()) for at in range(len(past))])
    expected, tail = beside(coming, left)
    found = []
    for at in np.flatnonzero((left >= SMALLEST) & (left > expected)).tolist():
        one, gone = work[past[at]], part(int(left[at]), int(coming[at]))
        week = max(0, int(days[past[at]])) // 7 + 1
        point = _point("work", week, one.activity, one.name, gone, expected[at], tail[at] * len(past))
        found.append(replace(point, first=at == 0))
    return found


def _things(
    place: Ground, names: dict[str, str], seen: "NDArray[np.float64]", stops: "NDArray[np.bool_]", days: int
) -> list[DropOff]:
    """Things whose use is the last thing learners do, more often than other things of the same week."""
    from scipy.stats import poisson

    who, day = place.active()
    weeks = days // 7 + 1
    during = (day >= 0) & (day < days)
    who, day = who[during], day[during]
    last = stops[who] & (day == seen[who])
    days_of = np.bincount(day // 7, minlength=weeks)
    lasts = np.bincount(day // 7, weights=last, minlength=weeks)
    rate = np.divide(lasts, days_of, where=days_of > 0, out=np.zeros(weeks))
    folded = place.folded
    used = folded.filter(folded.object.notnull() & (folded.day >= 0) & (folded.day < days))
    used = used.filter(~used.type.isin(ASSESSMENT_TYPES)).group_by("object", "who", "day")
    rows = place.records.collect(used.agg(type=folded.type.max()).order_by("object", "who", "day"))
    named = {row: index for index, row in enumerate(sorted(set(rows["object"].to_pylist())))}
    thing = np.array([named[each] for each in rows["object"].to_pylist()], dtype=np.int64)
    users, on = rows["who"].to_numpy(zero_copy_only=False), rows["day"].to_numpy(zero_copy_only=False)
    final = stops[users] & (on == seen[users])
    count = np.bincount(thing, weights=final, minlength=len(named))
    expected = np.bincount(thing, weights=rate[on // 7], minlength=len(named))
    common = np.bincount(thing, minlength=len(named)) >= EVERYONE * len(day)
    tail = poisson.sf(count - 1, np.maximum(expected, 1e-12))
    found = []
    for each, index in named.items():
        if count[index] < SMALLEST or count[index] <= expected[index] or common[index]:
            continue
        mine = thing == index
        word = rows["type"][int(np.argmax(mine))].as_py()
        gone = part(int(count[index]), len(np.unique(users[mine])))
        week = int(np.median(on[mine & final]) // 7) + 1
        name = names.get(each) or from_id(each, word)
        found.append(_point("thing", week, each, name, gone, expected[index], tail[index] * len(named)))
    return found


def _point(
    kind: Literal["week", "work", "thing"],
    week: int,
    activity: str | None,
    name: str,
    gone: Part,
    expected: float,
    chance: float,
) -> DropOff:
    told = None if gone.hidden else _one(expected)
    return DropOff(kind, week, activity, name, gone, told, float(f"{chance:.2g}"), bool(chance < CLEAR))


def _one(number: Any) -> float:
    return round(float(number), 1)
