"""What one learner did in one run, as it was known at an as-of time: read from the lake, for that learner alone.

Nobody else's records are read, and nothing that became known later. A trail is made once and not changed; filters and
pages of it are cut from memory.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import reduce
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from headway.domain.time import AsOf
from headway.domain.vocabulary import ASSESSMENT_TYPES
from headway.features.definition import FEATURES, RELATIONS
from headway.features.script import by_learners
from headway.flow.app import App

_ACT: Final = (
    *("occurred_at", "occurred_on", "hour", "verb", "event", "object", "object_type"),
    *("interactions", "duration_s", "score", "success", "progress"),
)
_PLAN: Final = ("activity", "type", "title", "due_at", "due_on", "weight")
_RESULT: Final = ("activity", "attempt", "score", "submitted_at", "submitted_on", "transferred")

_VERBS: Final[dict[str, tuple[str, ...]]] = {
    "posts": ("posted", "replied"),
    "answers": ("answered",),
    "skills": ("answered",),
    "hand_ins": ("submitted", "started"),
    "videos": ("played", "paused", "seeked", "completed", "progressed"),
}
"""Of relations that rest on some acts only: their verbs."""

_NO_ACTS: Final = ("others", "facts")
_NAMED_TYPES: Final = ("forum", "content", "quiz", "homepage")


@dataclass(frozen=True, slots=True)
class Act:
    """One thing that a learner did, or a day's total of it.

    Attributes:
        at: when; the beginning of the local day where only the day is known.
        on: the local day.
        exact: whether the time of day is known.
        verb: a word of `headway.domain.vocabulary.VERBS`.
        event: the source's own word.
        object: what it was done to, as its source names it; empty where it is not known.
        title: its title, else the same as `object`.
        type: of what kind that is; empty where it is not known.
        times: how often.
        duration_s: for how long; None where it is not known.
        score: with which score, 0 to 1.
    """

    at: datetime
    on: date
    exact: bool
    verb: str
    event: str
    object: str
    title: str
    type: str
    times: int
    duration_s: float | None
    score: float | None


@dataclass(frozen=True, slots=True)
class HandIn:
    """One assessment of the plan and what a learner handed in for it.

    Attributes:
        activity: its id.
        title: its title, else its id.
        type: assignment, test or exam.
        due_at: when it is due; None where it has no date.
        due_on: the local day of that.
        weight: share of the final mark in percent.
        submitted_at: when it was handed in first; None where it was not.
        submitted_on: the local day of that.
        score: the best mark known, 0 to 1.
        attempts: how many are known.
        transferred: whether it was brought from an earlier run.
    """

    activity: str
    title: str
    type: str
    due_at: datetime | None
    due_on: date | None
    weight: float | None
    submitted_at: datetime | None
    submitted_on: date | None
    score: float | None
    attempts: int
    transferred: bool

    @property
    def days_late(self) -> int:
        """Days from the due date to the hand-in; negative when early, nought where one of both is not known."""
        if self.due_on is None or self.submitted_on is None:
            return 0
        return (self.submitted_on - self.due_on).days

    def state(self, today: date) -> str:
        """`handed in`, `late`, `transferred`, `missing` or `to come`."""
        if self.transferred:
            return "transferred"
        if self.submitted_on is not None:
            return "late" if self.days_late > 0 else "handed in"
        return "missing" if self.due_on is not None and self.due_on < today else "to come"


@dataclass(frozen=True, slots=True)
class Behind:
    """Which acts a filter keeps.

    Attributes:
        since: from this local day on; None for all.
        until: to this local day.
        verbs: these verbs; empty for all.
        types: acts on things of these types; empty for all.
        nothing: keeps none: what is told rests on no act.
    """

    since: date | None = None
    until: date | None = None
    verbs: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    nothing: bool = False


@dataclass(frozen=True, slots=True)
class Trail:
    """All that one learner did in one run, as it was known.

    Attributes:
        until: the as-of time.
        acts: the newest first, with `title` and `type` of what each was done to.
        hand_ins: those due first first.
    """

    until: AsOf
    acts: pa.Table
    hand_ins: tuple[HandIn, ...]

    def __len__(self) -> int:
        return int(self.acts.num_rows)

    def days(self) -> dict[date, int]:
        """How many things were done on each local day with any, oldest first; an act counts at least once."""
        # A source with totals of clicks counts none for a hand-in, and yet something was done.
        times = pc.max_element_wise(self.acts["interactions"], pa.scalar(1, pa.int64()))
        acts = pa.table({"on": self.acts["occurred_on"], "times": times})
        found = acts.group_by("on").aggregate([("times", "sum")]).sort_by("on")
        return dict(zip(found["on"].to_pylist(), found["times_sum"].to_pylist(), strict=True))

    def where(self, wanted: Behind) -> "Trail":
        """The trail of those acts that a filter keeps."""
        if wanted.nothing:
            return Trail(self.until, self.acts.slice(0, 0), self.hand_ins)
        masks = []
        if wanted.since is not None:
            masks.append(pc.greater_equal(self.acts["occurred_on"], pa.scalar(wanted.since)))
        if wanted.until is not None:
            masks.append(pc.less_equal(self.acts["occurred_on"], pa.scalar(wanted.until)))
        if wanted.verbs:
            masks.append(pc.is_in(self.acts["verb"], pa.array(wanted.verbs)))
        if wanted.types:
            masks.append(pc.is_in(self.acts["type"], pa.array(wanted.types)))
        if not masks:
            return self
        return Trail(self.until, self.acts.filter(reduce(pc.and_, masks)), self.hand_ins)

    def page(self, first: int, limit: int) -> list[Act]:
        """Some acts, the newest first."""
        return [_act(row) for row in self.acts.slice(first, limit).to_pylist()]


def trail_of(app: App, run: str, learner: str, until: AsOf) -> Trail:
    """What a learner did in a run, as it was known. Whoever calls this has looked at the scope."""
    with app.lake.open(until, [run], kinds=["statements", "results", "activities"]) as records:
        told = by_learners(records.table("statements"))
        acts = records.collect(told.filter(told.learner == learner).select(*_ACT, "recorded_at", "id"))
        marked = records.table("results")
        results = records.collect(marked.filter(marked.learner == learner).select(*_RESULT)).to_pylist()
        plan = records.table("activities").order_by("recorded_at", "id")
        announced = records.collect(plan.select(*_PLAN)).to_pylist()
    # What was announced last stands; of an activity announced anew only the newest row is left.
    known = {row["activity"]: row for row in announced}
    acts = acts.sort_by([("occurred_at", "descending"), ("recorded_at", "descending"), ("id", "ascending")])
    return Trail(until, _named(acts.select(list(_ACT)), known), _hand_ins(known, acts, results))


def behind(feature: str, day: date) -> Behind:
    """The acts that a feature counted, as of the end of a local day; all of them for a feature that is not known."""
    if feature not in FEATURES.names():
        return Behind(until=day)
    relations, windows = _rests_on(feature)
    if relations and relations <= set(_NO_ACTS):
        return Behind(nothing=True)
    # A number without a window looks back to the beginning, whatever else it is made of.
    span = max((each for each in windows if each), default=None) if windows and None not in windows else None
    since = None if span is None else date.fromordinal(day.toordinal() - span + 1)
    verbs = {verb for relation in relations for verb in _VERBS.get(relation, ())}
    partly = all(relation in _VERBS for relation in relations)
    kind = feature.partition("_")[0]
    types = (kind,) if "types" in relations and kind in _NAMED_TYPES else ()
    return Behind(since, day, tuple(sorted(verbs)) if partly else (), types)


def _rests_on(feature: str) -> tuple[set[str], set[int | None]]:
    """The relations that a feature reads, in the end, and the windows in which it does."""
    found = FEATURES.get(feature)
    relations = {read for read in found.reads if read in RELATIONS}
    if relations or found.window is not None:
        rest = [_rests_on(read) for read in found.reads if read not in RELATIONS and read in FEATURES.names()]
        return relations.union(*(each[0] for each in rest)), {found.window}
    rest = [_rests_on(read) for read in found.reads if read in FEATURES.names()]
    return set().union(*(each[0] for each in rest)), set().union(*(each[1] for each in rest))


def _named(acts: pa.Table, known: dict[str, dict[str, Any]]) -> pa.Table:
    """The acts with title and type of what each was done to, as it was announced; the statement's own word else."""
    objects = acts["object"].combine_chunks()
    distinct = objects.unique().to_pylist()
    place = pc.index_in(objects, pa.array(distinct, pa.string()))

    def told(field: str, other: Sequence[Any]) -> pa.Array:
        values = [(known.get(name) or {}).get(field) or last for name, last in zip(distinct, other, strict=True)]
        return pa.array(values, pa.string()).take(place)

    titles = told("title", [name or "" for name in distinct])
    types = pc.coalesce(told("type", [None] * len(distinct)), acts["object_type"].combine_chunks(), "")
    return acts.append_column("title", titles).append_column("type", types)


def _hand_ins(
    known: dict[str, dict[str, Any]], acts: pa.Table, results: Sequence[dict[str, Any]]
) -> tuple[HandIn, ...]:
    given = acts.filter(pc.equal(acts["verb"], "submitted")).to_pylist()
    found = [
        _hand_in(
            plan,
            [row for row in results if row["activity"] == name],
            [row for row in given if row["object"] == name],
        )
        for name, plan in known.items()
        if plan["type"] in ASSESSMENT_TYPES and (plan["due_on"] is not None or plan["weight"])
    ]
    return tuple(sorted(found, key=lambda each: (each.due_on or date.max, each.activity)))


def _hand_in(plan: dict[str, Any], results: Sequence[dict[str, Any]], given: Sequence[dict[str, Any]]) -> HandIn:
    """One assessment; the first hand-in counts and the best mark, as the features count them."""
    own = [row for row in results if not row["transferred"]]
    times = [(row["occurred_at"], row["occurred_on"]) for row in given]
    times += [(row["submitted_at"], row["submitted_on"]) for row in own if row["submitted_at"] is not None]
    first = min(times, default=(None, None))
    return HandIn(
        activity=plan["activity"],
        title=plan["title"] or plan["activity"],
        type=plan["type"],
        due_at=plan["due_at"],
        due_on=plan["due_on"],
        weight=plan["weight"],
        submitted_at=first[0],
        submitted_on=first[1],
        score=max((row["score"] for row in results if row["score"] is not None), default=None),
        attempts=max((row["attempt"] for row in own), default=len(given)),
        transferred=bool(results) and not own and not given,
    )


def _act(row: dict[str, Any]) -> Act:
    return Act(
        at=row["occurred_at"],
        on=row["occurred_on"],
        exact=row["hour"] is not None,
        verb=row["verb"],
        event=row["event"] or "",
        object=row["object"] or "",
        title=row["title"],
        type=row["type"],
        times=row["interactions"],
        duration_s=row["duration_s"],
        score=row["score"],
    )
