"""How many handed in each piece of work, how late, and how the marks are spread."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any, Final

import ibis
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from headway.description.ground import LEARNERS, Ground
from headway.description.groups import Part, Spread, part, spread, tally
from headway.description.names import from_id
from headway.features.known import ASSESSMENT_TYPES

if TYPE_CHECKING:
    from numpy.typing import NDArray

BINS: Final = 10


@dataclass(frozen=True, slots=True)
class HandIns:
    """One piece of work.

    Attributes:
        activity: its id.
        name: as people call it.
        type: its type.
        due_on: its due date; None where it has none.
        weight: share of the final mark in percent; None where not known.
        recorded: whether any hand-in or mark of it is known; without, nothing can be said of it.
        handed_in: of who was enrolled on the due date (of everyone, where there is none).
        late: of who handed in, after the due date; None without one.
        scores: best mark of each learner, 0 to 1.
        bins: how many marks in each tenth from 0 to 1, the last with 1; None where hidden (`groups.tally`).
    """

    activity: str
    name: str
    type: str
    due_on: date | None
    weight: float | None
    recorded: bool
    handed_in: Part
    late: Part | None
    scores: Spread
    bins: tuple[int | None, ...]


@dataclass(frozen=True, slots=True)
class Assessments:
    """All work that was due by the end of what is described, in order of the due date; and what is still ahead."""

    due: tuple[HandIns, ...]
    ahead: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Handed:
    """Who handed in one piece of work; arrays of one length, sorted by learner.

    Attributes:
        activity: its id.
        name: as people call it.
        type: its type.
        due_on: its due date; None where it has none.
        weight: share of the final mark in percent; None where not known.
        who: numbers of the learners who handed in or were marked.
        day: first course day on which; NaN where not known.
        score: best mark, 0 to 1; NaN where not marked.
    """

    activity: str
    name: str
    type: str
    due_on: date | None
    weight: float | None
    who: "NDArray[np.int64]"
    day: "NDArray[np.float64]"
    score: "NDArray[np.float64]"


def work_day(place: Ground, work: Handed) -> float:
    """The course day of a piece of work: its due date, else the day by which half had handed in; NaN without either."""
    if work.due_on:
        return float(place.day_of(work.due_on))
    days = work.day[np.isfinite(work.day)]
    return float(np.median(days)) if len(days) else np.nan


def handed(place: Ground, names: dict[str, str]) -> list[Handed]:
    """All work of the run, announced or handed in, in order of `work_day`; work without a day comes last."""
    found = _found(place)
    planned: dict[str, dict[str, Any]] = {
        row["activity"]: row
        for row in place.activities.to_pylist()
        if row["type"] in ASSESSMENT_TYPES or row["activity"] in found
    }
    for each in sorted(found.keys() - planned.keys()):
        planned[each] = {"activity": each, "type": "other", "due_on": None, "weight": None}
    nothing = {"who": np.empty(0), "day": np.empty(0), "score": np.empty(0)}
    work = []
    for each, row in planned.items():
        columns = found.get(each, nothing)
        name = names.get(each) or from_id(each, row["type"])
        told = (row["type"], row["due_on"], row["weight"])
        work.append(Handed(each, name, *told, columns["who"].astype(np.int64), columns["day"], columns["score"]))

    def order(one: Handed) -> tuple[bool, float, str, str]:
        day = work_day(place, one)
        return bool(np.isnan(day)), float(np.nan_to_num(day)), one.name, one.activity

    return sorted(work, key=order)


def assessments(place: Ground, work: Sequence[Handed]) -> Assessments | None:
    """The run's work; None where it has none that is known."""
    if not work:
        return None
    ahead = [one for one in work if one.due_on and place.day_of(one.due_on) > place.last_day]
    due = tuple(_hand_ins(place, one) for one in work if not (one.due_on and place.day_of(one.due_on) > place.last_day))
    return Assessments(due, tuple(one.name for one in ahead))


def _found(place: Ground) -> dict[str, dict[str, "NDArray[np.float64]"]]:
    """By activity: who handed in, on which first day, and their best mark (NaN where not marked)."""
    folded = place.folded.filter((place.folded.verb == "submitted") & place.folded.object.notnull())
    said = folded.group_by(activity=folded.object, who=folded.who).agg(day=folded.day.min())
    results = place.records.table("results").filter((ibis._.run == place.about.run) & ~ibis._.transferred)
    known = ibis.table(ibis.Schema.from_pyarrow(LEARNERS), name="described_learners").select("who", "learner")
    on = results.submitted_on.delta(ibis.literal(place.about.starts_on), unit="day")
    marked = results.mutate(day=on).join(known, "learner")
    marked = marked.filter(marked.day.isnull() | (marked.day <= place.last_day))
    best = marked.group_by("activity", "who").agg(day=marked.day.min(), score=marked.score.max())
    both = said.outer_join(best, ["activity", "who"], rname="r_{name}")
    rows = place.records.collect(
        both.select(
            activity=ibis.coalesce(both.activity, both.r_activity),
            who=ibis.coalesce(both.who, both.r_who),
            day=ibis.least(ibis.coalesce(both.day, both.r_day), ibis.coalesce(both.r_day, both.day)).cast("float64"),
            score=both.score.cast("float64"),
        ).order_by("activity", "who")
    )
    return {each: _columns(rows, each) for each in sorted(set(rows["activity"].to_pylist()))}


def _columns(rows: pa.Table, activity: str) -> dict[str, "NDArray[np.float64]"]:
    of_it = rows.filter(pc.equal(rows["activity"], activity))
    return {name: _floats(of_it[name]) for name in ("who", "day", "score")}


def _floats(column: pa.ChunkedArray) -> "NDArray[np.float64]":
    return np.asarray(column.cast(pa.float64()).to_numpy(zero_copy_only=False), dtype=np.float64)


def _hand_ins(place: Ground, work: Handed) -> HandIns:
    due_day = place.day_of(work.due_on) if work.due_on else None
    enrolled = place.joined() <= (place.last_day if due_day is None else due_day)
    if due_day is not None:
        enrolled &= place.left() > due_day
    there = enrolled[work.who]
    late = None
    if due_day is not None:
        dated = there & np.isfinite(work.day)
        late = part(int((work.day[dated] > due_day).sum()), int(dated.sum()))
    scores = work.score[np.isfinite(work.score)]
    # Rounded first: 0.6 times ten is a little less than six.
    tenths = np.floor(np.round(np.clip(scores, 0, 1) * BINS, 9)).astype(np.int64)
    counts = np.bincount(np.minimum(tenths, BINS - 1), minlength=BINS)
    return HandIns(
        activity=work.activity,
        name=work.name,
        type=work.type,
        due_on=work.due_on,
        weight=work.weight,
        recorded=len(work.who) > 0,
        handed_in=part(int(there.sum()), int(enrolled.sum())),
        late=late,
        scores=spread(scores),
        bins=tally(counts.tolist()),
    )
