"""How much was done: interactions for each type and resource, days and time for each learner.

Time on task is told only where single acts are stamped (`headway.features.sessions` says how it is estimated). Where a
source gives day totals only, it is not known, and the description says so instead of guessing.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import ibis
import numpy as np

from headway.description.ground import Ground
from headway.description.groups import SMALLEST, Part, Spread, part, spread
from headway.description.names import from_id
from headway.features.sessions import CAP_MINUTES, GAP_MINUTES, sessions, stamped, time_on_task

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

MOSTLY: Final = 0.5
"""Time is told where at least so much of the activity is stamped."""


@dataclass(frozen=True, slots=True)
class TypeUse:
    """How one type of activity was used; `each` spreads over its users, `hours` is None where time is not known."""

    type: str
    interactions: int | None
    learners: Part
    each: Spread
    hours: float | None


@dataclass(frozen=True, slots=True)
class ResourceUse:
    """How one thing in the course was used; `each` is the mean number of interactions of its users."""

    activity: str
    name: str
    type: str
    interactions: int | None
    learners: Part
    each: float | None


@dataclass(frozen=True, slots=True)
class TimeOnTask:
    """How long learners were probably at it.

    Attributes:
        known: whether anything can be said.
        stamped_share: share of interactions that are single acts with a time of day.
        hours: total hours of each active learner.
        hours_a_week: the same, by the weeks in which the learner was active.
        sittings: sessions of each active learner.
        minutes_a_sitting: median length of a session; None where not known.
        gap_minutes: a longer pause ends a session.
        cap_minutes: the most that one act counts.
    """

    known: bool
    stamped_share: float | None
    hours: Spread
    hours_a_week: Spread
    sittings: Spread
    minutes_a_sitting: float | None
    gap_minutes: int = GAP_MINUTES
    cap_minutes: int = CAP_MINUTES


@dataclass(frozen=True, slots=True)
class Activity:
    """What was done in the whole run.

    Attributes:
        interactions: all of them; None where they are of fewer than five learners.
        came: who did anything at all, before the first day or after it.
        each: interactions of each learner, zero for who did nothing.
        active_days: days with activity of each learner.
        active_weeks: course weeks with activity of each learner.
        types: the most used first.
        resources: all of them, the most used first.
        time: time on task.
    """

    interactions: int | None
    came: Part
    each: Spread
    active_days: Spread
    active_weeks: Spread
    types: tuple[TypeUse, ...]
    resources: tuple[ResourceUse, ...]
    time: TimeOnTask


def activity(place: Ground, names: dict[str, str]) -> Activity | None:
    """What was done; None where no activity of anyone is known."""
    if place.active_until is None:
        return None
    who, _ = place.active()
    acts = place.days["interactions"].to_numpy(zero_copy_only=False).astype(np.float64)
    came = len(np.unique(who))
    time, hours_of_type = _time(place)
    return Activity(
        interactions=int(acts.sum()) if came >= SMALLEST else None,
        came=part(came, place.size),
        each=spread(np.bincount(who, weights=acts, minlength=place.size).astype(np.float64)),
        active_days=spread(np.bincount(who, minlength=place.size).astype(np.float64)),
        active_weeks=spread(active_weeks(place).sum(axis=1).astype(np.float64)),
        types=_types(place, hours_of_type),
        resources=_resources(place, names),
        time=time,
    )


def active_weeks(place: Ground) -> "NDArray[np.bool_]":
    """Whether each learner did anything in each course week, shape (learners, weeks)."""
    return days_by_week(place) > 0


def days_by_week(place: Ground) -> "NDArray[np.int64]":
    """On how many days of each course week each learner did something, shape (learners, weeks)."""
    who, day = place.active()
    during = day >= 0
    flat = np.bincount(who[during] * place.weeks + day[during] // 7, minlength=place.size * place.weeks)
    return np.asarray(flat.reshape(place.size, place.weeks))


def _types(place: Ground, hours: dict[str, float]) -> tuple[TypeUse, ...]:
    folded = place.folded.filter((place.folded.interactions > 0) & (place.folded.type != "other"))
    per_learner = folded.group_by("type", "who").agg(interactions=folded.interactions.sum())
    rows = place.records.collect(per_learner.order_by("type", "who"))
    types = np.asarray(rows["type"].to_pylist(), dtype=object)
    amount = rows["interactions"].to_numpy(zero_copy_only=False).astype(np.float64)
    used = []
    for each in sorted(set(types)):
        of_type = amount[types == each]
        small = len(of_type) < SMALLEST
        used.append(
            TypeUse(
                type=str(each),
                interactions=None if small else int(of_type.sum()),
                learners=part(len(of_type), place.size),
                each=spread(of_type),
                hours=None if small or each not in hours else round(hours[each], 1),
            )
        )
    return tuple(sorted(used, key=lambda use: (-(use.interactions or 0), use.type)))


def _resources(place: Ground, names: dict[str, str]) -> tuple[ResourceUse, ...]:
    folded = place.folded.filter(place.folded.object.notnull())
    per_thing = folded.group_by("object").agg(
        type=folded.type.max(), interactions=folded.interactions.sum(), learners=folded.who.nunique()
    )
    rows: pa.Table = place.records.collect(per_thing.order_by("object"))
    used = []
    for row in rows.to_pylist():
        small = row["learners"] < SMALLEST
        used.append(
            ResourceUse(
                activity=row["object"],
                name=names.get(row["object"]) or from_id(row["object"], row["type"]),
                type=row["type"],
                interactions=None if small else row["interactions"],
                learners=part(row["learners"], place.size),
                each=None if small else round(row["interactions"] / row["learners"], 1),
            )
        )
    return tuple(sorted(used, key=lambda use: (-(use.interactions or 0), use.activity)))


def _time(place: Ground) -> tuple[TimeOnTask, dict[str, float]]:
    acts = place.acts
    share = place.records.collect(
        acts.agg(all=acts.interactions.sum(), single=acts.interactions.sum(where=stamped(acts)))
    ).to_pylist()[0]
    stamped_share = round((share["single"] or 0) / share["all"], 4) if share["all"] else None
    if stamped_share is None or stamped_share < MOSTLY:
        return TimeOnTask(False, stamped_share, Spread(0), Spread(0), Spread(0), None), {}
    own = place.records.keep("described_sessions", sessions(acts))
    total = own.group_by("learner").agg(
        seconds=own.seconds.sum(),
        sittings=own.count(),
        weeks=own.occurred_on.delta(ibis.literal(place.about.starts_on), unit="day").floordiv(7).nunique(),
    )
    rows = place.records.collect(total.order_by("learner"))
    hours = rows["seconds"].to_numpy(zero_copy_only=False) / 3600
    middle = place.records.collect(own.agg(middle=own.seconds.median(), learners=own.learner.nunique())).to_pylist()[0]
    timed = time_on_task(acts)
    by_type = place.records.collect(
        timed.group_by("type").agg(seconds=timed.seconds.sum()).order_by("type")
    ).to_pylist()
    return (
        TimeOnTask(
            known=True,
            stamped_share=stamped_share,
            hours=spread(hours),
            hours_a_week=spread(hours / rows["weeks"].to_numpy(zero_copy_only=False)),
            sittings=spread(rows["sittings"].to_numpy(zero_copy_only=False).astype(np.float64)),
            minutes_a_sitting=round(middle["middle"] / 60, 1) if middle["learners"] >= SMALLEST else None,
        ),
        {row["type"]: row["seconds"] / 3600 for row in by_type if row["seconds"]},
    )
