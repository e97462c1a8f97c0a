"""Labels: what a model learns to foresee, defined over what happened after the as-of time.

A label function receives `known.Later`, records already cut at the training cut-off, and returns one row per spine row
it can speak of: `row`, `value` (null where there is nothing to foresee), `evidence_at` (when the earliest thing it
rests on happened; null where it rests on an absence) and `resolved_at` (when the answer was known). The engine
refuses evidence from before the window and censors what is not yet resolved.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import ibis

from headway.domain.errors import UnknownName
from headway.features import known

if TYPE_CHECKING:
    import ibis.expr.types as ir


@dataclass(frozen=True, slots=True)
class Label:
    """A label's definition.

    Attributes:
        name: what users type.
        summary: what it says, in one line.
        binary: whether its values are 0 and 1, or numbers to be forecast.
        horizon_days: length of its window after the as-of time and action gap; None where the event itself ends it.
        whole_run: whether it is an outcome that becomes known for a whole run at once.
        stands_for: the outcome that a proxy stands for; None for an outcome.
        fails_when: for a proxy, when it is known to mislead.
        define: the function.
    """

    name: str
    summary: str
    binary: bool
    horizon_days: int | None
    whole_run: bool
    stands_for: str | None
    fails_when: str | None
    define: Callable[[known.Later], "ir.Table"] = field(compare=False)


def label(name: str) -> Label:
    """The label called `name`.

    Raises:
        UnknownName: there is none.
    """
    if name not in LABELS:
        raise UnknownName.of("label", name, LABELS)
    return LABELS[name]


def passes_assessment(due_in_days: int) -> Label:
    """A label on the assessment due `due_in_days` after the as-of day: 1 if its score reached `PASS_MARK`, else 0.

    Where several are due on that day, the one with the most weight counts. Resolved `MARKING_DAYS` after it was due,
    also for those who did not hand in, so that a fail is never known before a pass.
    """

    def define(later: known.Later) -> "ir.Table":
        plan = known.assessments(later.activities)
        plan = plan.filter(plan.type != "exam")
        spine = later.spine
        ahead = spine.join(plan, [spine.run == plan.run], rname="plan_{name}")
        ahead = ahead.filter(known.days_between(ahead.due_on, ahead.as_of_on) == due_in_days)
        heaviest = ibis.window(group_by="row", order_by=[ibis.desc("weight"), "activity"])
        ahead = ahead.mutate(rank=ibis.row_number().over(heaviest))
        ahead = ahead.filter(ahead["rank"] == 0)
        own = later.results.filter(~later.results.transferred)
        keys = ["run", "activity", "learner"]
        best = own.group_by(keys).agg(
            score=own.score.max(), happened_at=own.occurred_at.min(), released_at=own.recorded_at.max()
        )
        full = ahead.left_join(best, keys, rname="mine_{name}")
        # Whoever has already handed it in has nothing left to pass: no row.
        still_open = full.filter(full.happened_at.isnull() | (full.happened_at >= full.opens_at))
        marked_by = still_open.due_at + ibis.interval(days=MARKING_DAYS)
        return still_open.select(
            "row",
            value=(still_open.score.fill_null(0.0) >= PASS_MARK).cast("float64"),
            evidence_at=still_open.happened_at,
            resolved_at=ibis.greatest(marked_by, ibis.coalesce(still_open.released_at, marked_by)),
        )

    return Label(
        name=f"passes_assessment_due_in_{due_in_days}d",
        summary=f"Reaches 40% in the assessment due {due_in_days} days after the as-of day.",
        binary=True,
        horizon_days=due_in_days,
        whole_run=False,
        stands_for=None,
        fails_when=None,
        define=define,
    )


PASS_MARK: Final = 0.4
MARKING_DAYS: Final = 14


def _withdraws(later: known.Later) -> "ir.Table":
    spine = later.spine
    changes = later.enrolments
    same = [spine.run == changes.run, spine.learner == changes.learner]
    met = spine.left_join(changes, same, rname="change_{name}")
    left = met.status == "withdrawn"
    first = met.group_by("row", "opens_at", "closes_at").agg(
        left_at=met.valid_from.min(where=left & (met.valid_from >= met.opens_at)),
        gone_at=met.valid_from.max(where=left & (met.valid_from < met.opens_at)),
        back_at=met.valid_from.max(where=(met.status == "enrolled") & (met.valid_from < met.opens_at)),
    )
    # Who has gone by then, within the action gap or before word of it came, could no longer be helped: no row.
    in_time = first.filter(first.gone_at.isnull() | (first.gone_at < first.back_at).fill_null(False))
    happened = (in_time.left_at < in_time.closes_at).fill_null(False)
    return in_time.select(
        "row",
        value=happened.cast("float64"),
        evidence_at=ibis.ifelse(happened, in_time.left_at, None),
        resolved_at=in_time.closes_at,
    )


def _final(later: known.Later, value: Callable[["ir.Table"], "ir.Value"]) -> "ir.Table":
    spine = later.spine
    latest = ibis.window(group_by=["run", "learner"], order_by=[ibis.desc("recorded_at"), ibis.desc("id")])
    ranked = later.outcomes.mutate(rank=ibis.row_number().over(latest))
    last = ranked.filter(ranked["rank"] == 0)
    met = spine.join(last, ["run", "learner"], rname="outcome_{name}")
    if later.everyone:
        return met.select("row", value=value(met), evidence_at=met.occurred_at, resolved_at=met.recorded_at)
    # An outcome from within the action gap could no longer be changed: known, but nothing to foresee.
    ahead = met.occurred_at >= met.opens_at
    return met.select(
        "row",
        value=ibis.ifelse(ahead, value(met), None),
        evidence_at=ibis.ifelse(ahead, met.occurred_at, None),
        resolved_at=met.recorded_at,
    )


def _does_not_finish(later: known.Later) -> "ir.Table":
    return _final(later, lambda outcome: outcome.label.isin(["fail", "withdrawn"]).cast("float64"))


def _final_score(later: known.Later) -> "ir.Table":
    return _final(later, lambda outcome: outcome.final_score)


def _inactive(later: known.Later) -> "ir.Table":
    spine = later.spine
    acts = later.statements.filter(later.statements.interactions > 0)
    same = [
        spine.run == acts.run,
        spine.learner == acts.learner,
        acts.occurred_on > spine.opens_on,
        acts.occurred_on <= spine.closes_on,
    ]
    met = spine.left_join(acts, same, rname="act_{name}")
    counted = met.group_by("row", "opens_at", "closes_at").agg(
        acts=met.interactions.sum().fill_null(0), first_at=met.occurred_at.min()
    )
    return counted.select(
        "row",
        value=(counted.acts == 0).cast("float64"),
        evidence_at=counted.first_at,
        resolved_at=counted.closes_at,
    )


def _misses_next(later: known.Later) -> "ir.Table":
    plan = known.assessments(later.activities)
    plan = plan.filter(plan.type != "exam").select("run", "activity", "due_on", "due_at")
    spine = later.spine
    ahead = spine.join(plan, [spine.run == plan.run, plan.due_on > spine.opens_on], rname="plan_{name}")
    first = ibis.window(group_by="row", order_by=["due_on", "activity"])
    ahead = ahead.mutate(rank=ibis.row_number().over(first))
    ahead = ahead.filter(ahead["rank"] == 0).select("row", "run", "learner", "activity", "due_on", "due_at", "opens_at")
    full = ahead.left_join(_handed_in(later), ["run", "learner", "activity"], rname="mine_{name}")
    told = later.statements.filter(later.statements.verb == "submitted").select("run").distinct().mutate(told=True)
    full = full.left_join(told, "run", rname="told_{name}")
    # Whoever has already handed it in has nothing left to miss: no row.
    open_ones = full.filter(full.submitted_at.isnull() | (full.submitted_at >= full.opens_at))
    missed = (open_ones.submitted_on > open_ones.due_on).fill_null(True)
    # Where only marks tell who handed in, it is known once they are out.
    marked_by = open_ones.due_at + ibis.interval(days=MARKING_DAYS)
    return open_ones.select(
        "row",
        value=missed.cast("float64"),
        evidence_at=open_ones.submitted_at,
        resolved_at=ibis.ifelse(open_ones.told.fill_null(False), open_ones.due_at, marked_by),
    )


def _handed_in(later: known.Later) -> "ir.Table":
    """When each learner first handed in each assessment, told by statements or by results."""
    said = later.statements.filter(later.statements.verb == "submitted")
    marked = later.results.filter(~later.results.transferred & later.results.submitted_on.notnull())
    both = said.select("run", "learner", "occurred_at", "occurred_on", activity="object").union(
        marked.select("run", "learner", "occurred_at", "activity", occurred_on="submitted_on").select(
            "run", "learner", "occurred_at", "occurred_on", "activity"
        )
    )
    return both.group_by("run", "learner", "activity").agg(
        submitted_on=both.occurred_on.min(), submitted_at=both.occurred_at.min()
    )


LABELS: Final[dict[str, Label]] = {
    made.name: made
    for made in (
        Label(
            name="withdraws_within_14d",
            summary="Leaves the run in the 14 days after the as-of day.",
            binary=True,
            horizon_days=14,
            whole_run=False,
            stands_for=None,
            fails_when=None,
            define=_withdraws,
        ),
        Label(
            name="does_not_finish",
            summary="Ends the run with a fail or a withdrawal.",
            binary=True,
            horizon_days=None,
            whole_run=True,
            stands_for=None,
            fails_when=None,
            define=_does_not_finish,
        ),
        Label(
            name="inactive_next_week",
            summary="Does nothing in the course in the 7 days after the as-of day.",
            binary=True,
            horizon_days=7,
            whole_run=False,
            stands_for="does_not_finish",
            fails_when="Holidays and exam weeks, work done offline, learners who study in rare long sittings.",
            define=_inactive,
        ),
        Label(
            name="misses_next_assessment",
            summary="Has not handed in the next assessment by its due date.",
            binary=True,
            horizon_days=None,
            whole_run=False,
            stands_for="does_not_finish",
            fails_when="Extensions agreed with a tutor, assessments that do not count, substitution rules.",
            define=_misses_next,
        ),
        Label(
            name="final_score",
            summary="The final score, from 0 to 1.",
            binary=False,
            horizon_days=None,
            whole_run=True,
            stands_for=None,
            fails_when=None,
            define=_final_score,
        ),
    )
}
