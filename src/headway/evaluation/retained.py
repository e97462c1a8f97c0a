"""Who of a run's learners is still there, week by week, as a whole and by groups: what `headway retention` tells.

Who counts as gone, and when, is decided in `headway.description.retention`, as for the description of a course. Of a
group of fewer than `SMALLEST_CELL` learners nothing is told, and of a larger one no smaller number.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal

import ibis
import numpy as np
from numpy.typing import NDArray

from headway.description.ground import ground, judged_until, people, silent_days
from headway.description.retention import Event, silence_times, withdrawal_times
from headway.domain.errors import InputError, NotEnoughData
from headway.domain.time import AsOf
from headway.evaluation.retention import Difference, Week, log_rank, weekly
from headway.features.engine import Records
from headway.models.model import Floats

Clock = Literal["own", "course"]

SMALLEST_CELL: Final = 10
MOST_GROUPS: Final = 20
DIGITS: Final = 2
"""Whole percents: finer shares of a known group would tell of each one who leaves."""


@dataclass(frozen=True, slots=True)
class GroupWeek:
    """A week of a group; numbers of 1 to 9 are hidden, and shares come in whole percents."""

    week: int
    at_risk: int
    left: int | None
    survival: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Group:
    """The learners who share a value of an attribute."""

    name: str
    learners: int
    weeks: tuple[GroupWeek, ...]


@dataclass(frozen=True, slots=True)
class Retained:
    """The weeks of a run.

    Attributes:
        run: the run's id.
        as_of: the as-of time; None for all that is known.
        event: what counts as leaving: the withdrawal where the run knows any, else the last activity before silence.
        silent_days: how long one must have been silent; None where the event is the withdrawal.
        clock: "own": weeks from the day on which each learner began; "course": course weeks.
        learners: who was enrolled when the run began, or joined since.
        left: for how many of them the event was seen.
        weeks: week by week.
        by: the attribute that makes the groups, if any.
        groups: the groups, by name.
        in_no_group: how many learners have no value, or one that fewer than 10 share.
        difference: whether the groups leave at different rates (log-rank); None with fewer than two.
    """

    run: str
    as_of: AsOf | None
    event: Event
    silent_days: int | None
    clock: Clock
    learners: int
    left: int
    weeks: tuple[Week, ...]
    by: str | None = None
    groups: tuple[Group, ...] = ()
    in_no_group: int = 0
    difference: Difference | None = None

    def as_json(self) -> dict[str, Any]:
        """All of it as JSON."""
        return asdict(self) | {"as_of": None if self.as_of is None else str(self.as_of)}


def retained(
    records: Records,
    run: str,
    as_of: AsOf | None = None,
    *,
    event: Event | None = None,
    clock: Clock = "own",
    by: str | None = None,
) -> Retained:
    """The weeks of a run.

    Args:
        records: already cut at `as_of`.
        run: the run's id.
        as_of: the as-of time; None for all that is known.
        event: what counts as leaving; see `Retained`.
        clock: whose weeks; in runs that each begins when they like, a learner's own.
        by: an attribute's name, to compare groups.

    Raises:
        UnknownName: the run is not known.
        NotEnoughData: nobody is enrolled, the run has not begun, or nothing tells who left.
        InputError: nobody has the attribute, or it has a value of its own for nearly everybody.
    """
    about, learners, last_day = people(records, run, as_of)
    if last_day < 0 or not learners.num_rows:
        raise NotEnoughData(f"{run} has not begun by then, or nobody is enrolled. Ask as of a later date.")
    withdrew = learners["left"].null_count < learners.num_rows
    chosen: Event = event or ("withdrawal" if withdrew else "last activity")
    silent = None
    if chosen == "withdrawal":
        if not withdrew:
            raise NotEnoughData(f"No withdrawal from {run} is known by then. Ask for the event silence.")
        times, seen = withdrawal_times(learners, last_day)
    else:
        place = ground(records, run, as_of)
        if place.active_until is None:
            raise NotEnoughData(f"No activity of {run} is known by then. Ask for the event withdrawal.")
        silent = silent_days(about)
        times, seen = silence_times(learners, place.last_seen(), max(judged_until(place), -1))
    began = np.maximum(learners["joined"].to_numpy(zero_copy_only=False).astype(np.float64), 0)
    entered = began if clock == "course" else None
    times = np.asarray(times + began if clock == "course" else times, dtype=np.float64)
    found = Retained(
        run=run,
        as_of=as_of,
        event=chosen,
        silent_days=silent,
        clock=clock,
        learners=len(times),
        left=int(seen.sum()),
        weeks=weekly(times, seen, entered),
    )
    if by is None:
        return found
    values = _values(records, run, by, learners["learner"].to_pylist())
    return _by(found, by, values, times, seen, entered)


def _by(
    found: Retained, by: str, values: Sequence[str], times: Floats, seen: NDArray[np.bool_], entered: Floats | None
) -> Retained:
    from dataclasses import replace

    names = np.array(values, dtype=str)
    known, counts = np.unique(names[names != ""], return_counts=True)
    told = [str(name) for name, count in zip(known, counts, strict=True) if count >= SMALLEST_CELL]
    if len(told) > MOST_GROUPS:
        raise InputError(f"{by!r} makes {len(told)} groups. Choose an attribute with at most {MOST_GROUPS} values.")
    inside = np.isin(names, told)
    groups = tuple(_group(name, times, seen, entered, names == name) for name in told)
    # With a clock of the course, who joined later is at risk later; the test is then of each one's own time.
    own = times if entered is None else times - entered
    difference = log_rank(own[inside], seen[inside], names[inside])
    return replace(found, by=by, groups=groups, in_no_group=int((~inside).sum()), difference=difference)


def _group(name: str, times: Floats, seen: NDArray[np.bool_], entered: Floats | None, own: NDArray[np.bool_]) -> Group:
    weeks = weekly(times[own], seen[own], None if entered is None else entered[own], fewest=SMALLEST_CELL)
    told = [
        GroupWeek(
            each.week,
            each.at_risk - each.at_risk % SMALLEST_CELL,
            None if 0 < each.left < SMALLEST_CELL else each.left,
            *(round(number, DIGITS) for number in (each.survival, each.low, each.high)),
        )
        for each in weeks
    ]
    return Group(name, int(own.sum()), tuple(told))


def _values(records: Records, run: str, by: str, learners: Sequence[str]) -> list[str]:
    """Each learner's value of the attribute, the latest known; empty where there is none."""
    told = records.table("attributes").filter(ibis._.run == run)
    names = set(records.collect(told.select("name").distinct())["name"].to_pylist())
    if by not in names:
        raise InputError(f"Nobody in {run} has the attribute {by!r}. Known: {', '.join(sorted(names)) or 'none'}.")
    latest = ibis.window(
        group_by="learner", order_by=[ibis.desc("valid_from"), ibis.desc("recorded_at"), ibis.desc("id")]
    )
    own = told.filter(told["name"] == by)
    ranked = own.mutate(rank=ibis.row_number().over(latest))
    rows = records.collect(ranked.filter(ranked["rank"] == 0).select("learner", "value"))
    of_learner = dict(zip(rows["learner"].to_pylist(), rows["value"].to_pylist(), strict=True))
    return [str(of_learner.get(learner) or "") for learner in learners]
