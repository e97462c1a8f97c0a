"""How many learners came each day, and the days on which far more or fewer came than that weekday usually brings.

A day is compared with the same weekday of the four weeks before and after it, by a robust z-score (distance from the
median over the median absolute deviation, scaled as a standard deviation; Iglewicz and Hoaglin 1993). What explains a
day is what lies near it in time; nothing here says that one thing brought about another.
"""

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np

from headway.description.ground import Ground
from headway.description.groups import SMALLEST, told

if TYPE_CHECKING:
    from numpy.typing import NDArray

WEEKS_BESIDE: Final = 4
FEWEST_BESIDE: Final = 3
"""With fewer days of the same weekday to compare with, nothing is said of a day."""

UNUSUAL: Final = 3.0
PEAK_DAYS: Final = 3
"""A spike is the highest of the days around it."""

WORTH_TELLING: Final = 0.2
"""The least learners of a spike, as a share of the busiest day: late visitors of a course that is over make none."""

NEAR_DAYS: Final = 2
SAME_DIP_DAYS: Final = 7
"""Low days within a week of each other are one dip: a holiday has better days, too."""

MAD_TO_SD: Final = 1.4826
SILENT_FEED: Final = 10.0
"""No record of anyone on a day that usually brings so many learners is a gap in the feed rather than in the course."""

Why = Literal["due", "opens", "first days", "no records", "not known"]


@dataclass(frozen=True, slots=True)
class DayCount:
    """One day of the run; None where fewer than five learners came, or where nothing could be expected."""

    day: int
    on: date
    learners: int | None
    interactions: int | None
    expected: float | None


@dataclass(frozen=True, slots=True)
class Turn:
    """A spike, or a stretch with days far below.

    Attributes:
        kind: which of the two.
        from_on: its first date.
        until_on: its last date; the same for a spike.
        learners: how many came, on its highest or lowest day; None where hidden.
        expected: the median of the same weekday around it.
        z: robust z-score of that day.
        why: what lies near it.
        things: names of what was due or opened.
    """

    kind: Literal["spike", "dip"]
    from_on: date
    until_on: date
    learners: int | None
    expected: float
    z: float
    why: Why
    things: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Timeline:
    """The run day by day, from up to four weeks before its first day."""

    days: tuple[DayCount, ...]
    turns: tuple[Turn, ...]


def timeline(place: Ground, names: dict[str, str]) -> Timeline | None:
    """The run's days and their turns; None where there is no activity at all."""
    if place.active_until is None:
        return None
    _, day = place.active()
    first = min(0, int(day.min()))
    last = place.active_until
    size = last - first + 1
    learners = np.bincount(day - first, minlength=size)[:size]
    acts = place.days["interactions"].to_numpy(zero_copy_only=False)
    interactions = np.bincount(day - first, weights=acts, minlength=size)[:size]
    during = learners[-first:].astype(np.float64)
    expected, z = unusual(during)
    days = tuple(
        DayCount(
            day=first + index,
            on=place.date_of(first + index),
            learners=_whole(learners[index], learners[index]),
            interactions=_whole(interactions[index], learners[index]),
            expected=_known(expected[first + index]) if first + index >= 0 else None,
        )
        for index in range(size)
    )
    return Timeline(
        days,
        tuple(
            sorted(
                _spikes(place, during, expected, z, names) + _dips(place, during, expected, z),
                key=lambda turn: turn.from_on,
            )
        ),
    )


def unusual(counts: "NDArray[np.float64]") -> "tuple[NDArray[np.float64], NDArray[np.float64]]":
    """What each day's weekday usually brings, and the robust z-score of the day; NaN with too little beside it.

    The scale is never smaller than that of a Poisson count, so that calm weeks do not make each day remarkable.
    """
    size = len(counts)
    offsets = [7 * week for week in range(-WEEKS_BESIDE, WEEKS_BESIDE + 1) if week]
    beside = np.full((len(offsets), size), np.nan)
    for row, offset in enumerate(offsets):
        source = np.arange(size) + offset
        inside = (source >= 0) & (source < size)
        beside[row, inside] = counts[source[inside]]
    enough = np.isfinite(beside).sum(axis=0) >= FEWEST_BESIDE
    expected, z = np.full(size, np.nan), np.full(size, np.nan)
    if enough.any():
        expected[enough] = np.nanmedian(beside[:, enough], axis=0)
        deviation = np.nanmedian(np.abs(beside[:, enough] - expected[enough]), axis=0)
        scale = np.maximum(MAD_TO_SD * deviation, np.sqrt(np.maximum(expected[enough], 1.0)))
        z[enough] = (counts[enough] - expected[enough]) / scale
    return expected, z


def _spikes(
    place: Ground,
    counts: "NDArray[np.float64]",
    expected: "NDArray[np.float64]",
    z: "NDArray[np.float64]",
    names: dict[str, str],
) -> list[Turn]:
    turns: list[Turn] = []
    for day in np.flatnonzero((z >= UNUSUAL) & (counts >= max(SMALLEST, WORTH_TELLING * counts.max()))).tolist():
        around = counts[max(0, day - PEAK_DAYS) : day + PEAK_DAYS + 1]
        if counts[day] < around.max() or (
            turns and counts[day] == around.max() and day - place.day_of(turns[-1].from_on) <= PEAK_DAYS
        ):
            continue
        why, things = _explained(place, day, names)
        on = place.date_of(day)
        turns.append(Turn("spike", on, on, int(counts[day]), _round(expected[day]), _round(z[day]), why, things))
    return turns


def _dips(
    place: Ground, counts: "NDArray[np.float64]", expected: "NDArray[np.float64]", z: "NDArray[np.float64]"
) -> list[Turn]:
    turns: list[Turn] = []
    low = np.flatnonzero(z <= -UNUSUAL)
    for stretch in np.split(low, np.flatnonzero(np.diff(low) >= SAME_DIP_DAYS) + 1) if len(low) else []:
        deepest = int(stretch[np.argmin(z[stretch])])
        silent = bool((counts[stretch] == 0).all() and (expected[stretch] >= SILENT_FEED).all())
        learners = _whole(counts[deepest], int(counts[deepest]))
        turns.append(
            Turn(
                "dip",
                place.date_of(int(stretch[0])),
                place.date_of(int(stretch[-1])),
                learners,
                _round(expected[deepest]),
                _round(z[deepest]),
                "no records" if silent else "not known",
            )
        )
    return turns


def _explained(place: Ground, day: int, names: dict[str, str]) -> tuple[Why, tuple[str, ...]]:
    rows: list[dict[str, Any]] = place.activities.to_pylist()

    def near(column: str) -> tuple[str, ...]:
        dated = [row for row in rows if row[column] and abs(place.day_of(row[column]) - day) <= NEAR_DAYS]
        return tuple(names[row["activity"]] for row in dated)

    if due := near("due_on"):
        return "due", due
    if day <= NEAR_DAYS:
        return "first days", ()
    opening = near("opens_on")
    return ("opens", opening) if opening else ("not known", ())


def _whole(number: float, learners: int) -> int | None:
    known = told(number, int(learners))
    return None if known is None else int(known)


def _known(number: float) -> float | None:
    return _round(number) if np.isfinite(number) else None


def _round(number: float) -> float:
    return round(float(number), 2)
