"""The three main patterns of engagement: learners grouped by the shape of their weeks, and named by plain rules.

Each learner is a row of course weeks: the number of that week's days with activity, as a square root, so that coming
at all weighs more than coming often, and the row brought to length one, so that the shape counts and not the amount
(who never came stays at zero). Rows are grouped by k-means with three centres. They are sorted by their values first,
so the groups depend on what learners did and neither on their ids nor on the order of records. The name of a group
follows from its numbers by `named`, rule by rule; a group is a way to read a course, not a label for a person.
"""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np

from headway.description.activity import days_by_week
from headway.description.ground import Ground, last_day_of
from headway.description.groups import SMALLEST, Part, part, tally

if TYPE_CHECKING:
    from numpy.typing import NDArray

GROUPS: Final = 3
FEWEST_LEARNERS: Final = 20
FEWEST_WEEKS: Final = 3
SEED: Final = 20150626
STARTS: Final = 10
HALVES: Final = 5
MOST_ROWS: Final = 20_000
"""With more learners the centres are learned from so many of them, spread evenly over all shapes."""

SOFT: Final = 0.6
"""Below this agreement between halves the borders of the groups are soft, and the description says so."""

DEADLINE_DAYS: Final = 3
RARELY: Final = 0.2
FEWEST_DAYS: Final = 2
FADING: Final = 0.5
RISING: Final = 1.5
AROUND_DEADLINES: Final = 1.6
STEADY_WEEKS: Final = 0.6

_BESIDE: Final = Part(None, None, None, "beside few")

Name = Literal[
    "hardly there",
    "busy early, then fading",
    "quiet at first, busy later",
    "busy in the middle",
    "only around deadlines",
    "steady to the end",
    "now and then",
]


@dataclass(frozen=True, slots=True)
class Shape:
    """The numbers that name a group.

    Attributes:
        weeks: how many weeks.
        weeks_active: share of weeks with any activity, mean over learners.
        days_a_week: days with activity in a week, mean over learners and weeks.
        early_days: days a week in the first third of the weeks.
        middle_days: days a week between them.
        late_days: days a week in the last third.
        late_to_early: the last divided by the first; None where nobody came in the first.
        near_deadlines: share of active days that lie within three days before a due date, divided by the share of all
            days that do; None without due dates.
    """

    weeks: int
    weeks_active: float
    days_a_week: float
    early_days: float
    middle_days: float
    late_days: float
    late_to_early: float | None
    near_deadlines: float | None


@dataclass(frozen=True, slots=True)
class Pattern:
    """One group.

    Attributes:
        name: what it is called, by `named` ("steady so far" while the run goes on); "…, more often" and the like where
            two groups have one name.
        learners: how many, of all.
        shape: the numbers behind the name; None where the group is too small to tell.
        weekly: days a week with activity, mean over its learners, week by week; empty where too small.
        finished: of those whose final result is known; None where no result is known yet.
        withdrew: of the group; None where the run knows no withdrawals.
    """

    name: str
    learners: Part
    shape: Shape | None
    weekly: tuple[float, ...]
    finished: Part | None
    withdrew: Part | None


@dataclass(frozen=True, slots=True)
class Patterns:
    """The groups, the largest first.

    Attributes:
        groups: three of them, or none where there is too little to tell groups apart.
        agreement: how alike the groups are when learned from random halves of the learners: the mean adjusted Rand
            index, 1 for the same groups, 0 for chance.
        soft: whether that agreement is low.
        too_thin: why there are no groups; empty where there are.
    """

    groups: tuple[Pattern, ...]
    agreement: float | None
    soft: bool
    too_thin: str


def patterns(place: Ground) -> Patterns:
    """The run's patterns of engagement; the same records give the same patterns in whatever order they come."""
    if place.active_until is None:
        return _nothing("No activity of anyone is known.")
    if place.size < FEWEST_LEARNERS:
        return _nothing(f"Fewer than {FEWEST_LEARNERS} learners: too few to tell patterns from single people.")
    whole_weeks = (last_day_of(place) + 1) // 7
    if whole_weeks < FEWEST_WEEKS:
        return _nothing(f"Fewer than {FEWEST_WEEKS} whole weeks with activity: too early to tell patterns.")
    days = days_by_week(place)[:, :whole_weeks]
    rows = shapes_of(days)
    if len(np.unique(rows, axis=0)) < GROUPS:
        return _nothing("All learners were active on the same days: there are no patterns to tell apart.")
    member, agreement = grouped(rows)
    shapes = [_shape(place, member == group, days[member == group]) for group in range(GROUPS)]
    called = _told_apart([_name(place, shape) for shape in shapes], shapes)
    found = [
        _pattern(place, called[group], member == group, shapes[group], days[member == group]) for group in range(GROUPS)
    ]
    sizes = np.bincount(member, minlength=GROUPS)
    order = sorted(range(GROUPS), key=lambda group: (-sizes[group], called[group]))
    told = tally(sizes.tolist())
    found = [
        one if told[group] is not None or one.learners.hidden else replace(one, learners=_BESIDE)
        for group, one in enumerate(found)
    ]
    return Patterns(tuple(found[group] for group in order), agreement, agreement < SOFT, "")


def shapes_of(days: "NDArray[np.int64]") -> "NDArray[np.float64]":
    """The shape of each learner's weeks: square roots of days, each row of length one; zero for who never came.

    Rounded, so that two learners with the same shape are the same row on every machine.
    """
    roots = np.sqrt(days)
    length = np.sqrt((roots**2).sum(axis=1, keepdims=True))
    return np.asarray(np.round(np.divide(roots, length, where=length > 0, out=np.zeros_like(roots)), 9))


def grouped(rows: "NDArray[np.float64]") -> tuple["NDArray[np.int64]", float]:
    """The group of each row, and the agreement between groups learned from halves of the rows.

    Args:
        rows: shape (learners, weeks), at least three different rows.
    """
    from sklearn.metrics import adjusted_rand_score

    order = np.lexsort(rows.T[::-1])
    ordered = rows[order]
    own = _fit(ordered).predict(ordered)
    rng = np.random.default_rng(SEED)
    scores = []
    for _ in range(HALVES):
        half = ordered[np.sort(rng.permutation(len(ordered))[: len(ordered) // 2])]
        if len(np.unique(half, axis=0)) >= GROUPS:
            scores.append(adjusted_rand_score(own, _fit(half).predict(ordered)))
    member = np.empty(len(rows), dtype=np.int64)
    member[order] = own
    return member, round(float(np.mean(scores)), 3) if scores else 0.0


def named(shape: Shape) -> Name:
    """The name that a group's numbers give it; the first rule that fits decides.

    1. active in fewer than a fifth of the weeks, or on fewer than two days in all: hardly there;
    2. between the first and the last third at least one and a half times as active as in either: busy in the middle;
    3. in the last third of the weeks at most half as active as in the first: busy early, then fading;
    4. at least 1.6 times as active in the three days before due dates as on other days, and active in fewer than 60%
       of the weeks: only around deadlines;
    5. in the last third at least one and a half times as active as in the first: quiet at first, busy later;
    6. active in at least 60% of the weeks: steady to the end; else: now and then.
    """
    if shape.weeks_active < RARELY or shape.days_a_week * shape.weeks < FEWEST_DAYS:
        return "hardly there"
    if shape.middle_days and shape.middle_days >= RISING * max(shape.early_days, shape.late_days):
        return "busy in the middle"
    if shape.late_to_early is not None and shape.late_to_early <= FADING:
        return "busy early, then fading"
    if (
        shape.near_deadlines is not None
        and shape.near_deadlines >= AROUND_DEADLINES
        and shape.weeks_active < STEADY_WEEKS
    ):
        return "only around deadlines"
    if shape.late_to_early is None or shape.late_to_early >= RISING:
        return "quiet at first, busy later"
    return "steady to the end" if shape.weeks_active >= STEADY_WEEKS else "now and then"


def _name(place: Ground, shape: Shape) -> str:
    """The group's name; while the run goes on, nobody is steady to its end."""
    name = named(shape)
    return "steady so far" if name == "steady to the end" and not place.over else name


def _fit(rows: "NDArray[np.float64]") -> Any:
    from sklearn.cluster import KMeans

    some = rows[np.linspace(0, len(rows) - 1, min(len(rows), MOST_ROWS)).round().astype(np.int64)]
    return KMeans(n_clusters=GROUPS, n_init=STARTS, random_state=SEED).fit(some)


def _nothing(why: str) -> Patterns:
    return Patterns((), None, soft=False, too_thin=why)


def _shape(place: Ground, members: "NDArray[np.bool_]", days: "NDArray[np.int64]") -> Shape:
    third = max(1, days.shape[1] // 3)
    early, late = float(days[:, :third].mean()), float(days[:, -third:].mean())
    return Shape(
        weeks=days.shape[1],
        weeks_active=round(float((days > 0).mean()), 3),
        days_a_week=round(float(days.mean()), 2),
        early_days=round(early, 2),
        middle_days=round(float(days[:, third:-third].mean()), 2),
        late_days=round(late, 2),
        late_to_early=round(late / early, 2) if early else None,
        near_deadlines=_near_deadlines(place, members),
    )


def _near_deadlines(place: Ground, members: "NDArray[np.bool_]") -> float | None:
    last = last_day_of(place)
    near = np.zeros(last + 1, dtype=bool)
    for due_on in place.activities["due_on"].drop_null().to_pylist():
        due = place.day_of(due_on)
        near[max(0, due - DEADLINE_DAYS) : max(0, due + 1)] = True
    if not near.any() or near.all():
        return None
    who, day = place.active()
    own = (day >= 0) & (day <= last) & members[who]
    if not own.any():
        return None
    return round(float(near[day[own]].mean() / near.mean()), 2)


def _told_apart(names: list[str], shapes: list[Shape]) -> list[str]:
    """The names, with how often added where groups would have the same one."""
    apart: list[str] = []
    for index, name in enumerate(names):
        same = sorted(shapes[other].days_a_week for other in range(len(names)) if names[other] == name)
        if len(same) == 1:
            apart.append(name)
            continue
        rank = same.index(shapes[index].days_a_week)
        words = ("less often", "more often") if len(same) == 2 else ("least often", "in between", "most often")
        apart.append(f"{name}, {words[rank]}")
    return apart


def _pattern(
    place: Ground, name: str, members: "NDArray[np.bool_]", shape: Shape, days: "NDArray[np.int64]"
) -> Pattern:
    size = int(members.sum())
    small = size < SMALLEST
    known = members & place.outcome_known()
    left = np.isfinite(place.left())
    complete = known.sum() == size
    return Pattern(
        name=name,
        learners=part(size, place.size),
        shape=None if small else shape,
        weekly=() if small else tuple(round(float(mean), 2) for mean in days.mean(axis=0)),
        finished=part(int((known & place.finished()).sum()), int(known.sum())) if complete else None,
        withdrew=part(int((members & left).sum()), size) if left.any() else None,
    )
