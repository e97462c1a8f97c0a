"""What was set, handed in and marked, and what the plan of the course asked for."""

from typing import TYPE_CHECKING, Final

import ibis

from headway.features.known import ASSESSMENT_TYPES, Sources, days_between
from headway.features.relations.activity import acts, used
from headway.features.spans import NEVER, Spans, chained

if TYPE_CHECKING:
    import ibis.expr.types as ir

ON_TIME_DAYS: Final = 7
"""A material was opened on time if it was within this many days of its planned day."""


def hand_ins(sources: Sources) -> Spans:
    """See `headway.features.relations`."""
    plan = _plan(sources)
    keys = ["enrolment", "run_no", "activity"]
    everyone = sources.enrolled.select("enrolment", "run_no")
    announced = plan.join(everyone, "run_no").select(*keys, "step")
    given = sources.statements.filter(sources.statements.verb == "submitted").rename(activity="object")
    marked = sources.results.filter(~sources.results.transferred)
    none = {
        "handed_in_on": ibis.null("date"),
        "marked_on": ibis.null("date"),
        "score": ibis.null("float64"),
        "attempts": ibis.null("int32"),
    }
    columns = [*keys, "step", "plan_step", *none]
    log = announced.mutate(plan_step=announced.step, **none).select(*columns)
    log = log.union(
        given.mutate(**{**none, "plan_step": ibis.null("int32"), "handed_in_on": given.occurred_on}).select(*columns)
    )
    log = log.union(
        marked.mutate(
            plan_step=ibis.null("int32"),
            handed_in_on=none["handed_in_on"],
            marked_on=marked.submitted_on,
            attempts=marked.attempt,
        ).select(*columns)
    )
    log = log.group_by(*keys, "step").agg(
        plan_step=log.plan_step.max(),
        handed_in_on=log.handed_in_on.min(),
        marked_on=log.marked_on.min(),
        score=log.score.max(),
        attempts=log.attempts.max(),
    )
    running = {
        "plan_step": log.plan_step.max(),
        "handed_in_on": log.handed_in_on.min(),
        "marked_on": log.marked_on.min(),
        "score": log.score.max(),
        "attempts": log.attempts.max(),
    }
    spans = chained(log, ["enrolment", "activity"], running)
    spans = spans.join(plan.rename(plan_step="step"), ["run_no", "activity", "plan_step"])
    spans = spans.mutate(submitted_on=ibis.coalesce(spans.handed_in_on, spans.marked_on))
    rows = spans.select(
        "enrolment",
        "run_no",
        "from_step",
        "until_step",
        "type",
        "score",
        "order",
        "due_on",
        "submitted_on",
        "attempts",
        weight=spans.weight.fill_null(0.0),
        submitted=spans.submitted_on.notnull(),
        late_days=days_between(spans.submitted_on, spans.due_on),
        wait_share=days_between(spans.submitted_on, spans.opens_on)
        / days_between(spans.due_on, spans.opens_on).nullif(0).cast("float64"),
    )
    return Spans(
        rows,
        ages={"due_age_days": "due_on", "submitted_age_days": "submitted_on"},
        derived={"is_due": lambda h: h.due_age_days >= 0, "due_in_days": lambda h: -h.due_age_days},
        always=frozenset({"weight", "type", "order", "due_on", "submitted"}),
    )


def _plan(sources: Sources) -> "ir.Table":
    """The assessments of each run as they were announced, and announced anew, at each step."""
    told = sources.activities
    told = told.filter(told.type.isin(ASSESSMENT_TYPES) & told.due_on.notnull())
    latest = ibis.window(group_by=["run_no", "activity", "step"], order_by=[ibis.desc("recorded_at"), ibis.desc("id")])
    ranked = told.mutate(announced=ibis.row_number().over(latest))
    last = ranked.filter(ranked.announced == 0)
    order = ibis.dense_rank().over(ibis.window(group_by="run_no", order_by=["due_on", "activity"]))
    return last.select("run_no", "activity", "step", "type", "weight", "opens_on", "due_on", order=order)


def planned(sources: Sources) -> Spans:
    """See `headway.features.relations`."""
    plan = (
        plan_of(sources)
        .rename(object="activity")
        .join(used(sources).select("run_no", "object", "object_no"), ["run_no", "object"])
    )
    done = acts(sources)
    keys = ["enrolment", "run_no", "object_no"]
    opened = done.semi_join(plan, "object_no").group_by(*keys, "step").agg(first_on=done.occurred_on.min())
    told = opened.select(*keys).distinct().join(plan.drop("run_no", "object"), "object_no")
    log = opened.mutate(planned_on=ibis.null("date")).union(
        told.mutate(first_on=ibis.null("date")).select(*keys, "step", "first_on", planned_on="opens_on")
    )
    log = log.group_by(*keys, "step").agg(first_on=log.first_on.min(), planned_on=log.planned_on.min())
    spans = chained(
        log, ["enrolment", "object_no"], {"first_on": log.first_on.min(), "planned_on": log.planned_on.min()}
    )
    spans = spans.filter(spans.first_on.notnull() & spans.planned_on.notnull())
    return Spans(
        spans.select(
            "enrolment",
            "run_no",
            "from_step",
            "until_step",
            "planned_on",
            on_time=days_between(spans.first_on, spans.planned_on) < ON_TIME_DAYS,
        ),
        ages={"planned_age_days": "planned_on"},
        always=frozenset({"planned_on", "on_time"}),
    )


def plan_of(sources: Sources) -> "ir.Table":
    """The materials of each run with the day for which each was first planned, and the step at which it was."""
    told = sources.activities
    told = told.filter(~told.type.isin(ASSESSMENT_TYPES) & told.opens_on.notnull())
    first = ibis.window(group_by=["run_no", "activity"], order_by=["recorded_at", "id"])
    ranked = told.mutate(rank=ibis.row_number().over(first))
    return ranked.filter(ranked["rank"] == 0).select("run_no", "activity", "opens_on", "step")


def answers(sources: Sources) -> Spans:
    """See `headway.features.relations`. A response has no local day of its own: its age counts days of UTC."""
    rows = sources.keep("responded", sources.responses)
    return Spans(
        rows.select(
            "enrolment",
            "run_no",
            from_step="step",
            until_step=ibis.literal(NEVER, "int32"),
            answered_on=rows.occurred_at.date(),
            correct=rows.correct.fill_null(False),
            is_known=rows.correct.notnull(),
            attempt=rows.attempt.fill_null(1),
            hints=rows.hints.fill_null(0),
        ),
        ages={"age_days": "answered_on"},
        always=frozenset({"answered_on", "correct", "is_known", "attempt", "hints"}),
        made_of=rows,
    )
