"""Relations of what learners did, computed with folds of whole numbers rather than groups and windows of words.

They hold the same as those of the same names in `activity` and `assessments`, which say what they mean; `test_linear`
compares. Only how they are made may differ.
"""

from typing import TYPE_CHECKING, Final

import ibis

from headway.features.folding import Fold, Running
from headway.features.known import Sources, days_between
from headway.features.known_days import KnownDays
from headway.features.relations.assessments import ON_TIME_DAYS, plan_of
from headway.features.spans import Spans, chained, with_start

if TYPE_CHECKING:
    import ibis.expr.types as ir

_INTERACTIONS: Final = Running("interactions", "sum", "interactions")


def acts(sources: Sources) -> "ir.Table":
    """What learners did, as it became known, in whole numbers and days; for objects see `used`, for types `kinds`."""
    rows = sources.statements.filter(sources.statements.interactions > 0)
    things = used(sources).select("run_no", "object", "object_no", "type_no", "type_step")
    numbered = rows.left_join(things, ["run_no", "object"], rname="used_{name}")
    told = kinds(sources).select(object_type="type", told_no="type_no")
    numbered = numbered.left_join(told, "object_type", rname="told_{name}")
    # An act that does not say what it was about has a type once both it and the activity are known.
    untold = numbered.object_type.isnull()
    return sources.hold(
        "acts",
        numbered.select(
            *("enrolment", "run_no", "step", "occurred_on", "interactions", "object_no"),
            type_no=ibis.coalesce(numbered.told_no, numbered.type_no),
            type_step=ibis.ifelse(untold, ibis.greatest(numbered.step, numbered.type_step), numbered.step),
        ),
    )


def used(sources: Sources) -> "ir.Table":
    """The objects of each run, numbered, with the type by which each was first announced, and the step of that."""
    told = sources.activities
    first = ibis.window(group_by=["run_no", "activity"], order_by=["recorded_at", "id"])
    ranked = told.mutate(rank=ibis.row_number().over(first))
    first_told = ranked.filter(ranked["rank"] == 0)
    about = first_told.select("run_no", "type", object="activity", type_step="step").join(kinds(sources), "type")
    named = sources.objects
    numbered = named.mutate(object_no=ibis.row_number().over(ibis.window(order_by=["run_no", "object"])).cast("int32"))
    typed = numbered.left_join(about, ["run_no", "object"], rname="typed_{name}")
    return sources.keep("used", typed.select("run_no", "object", "object_no", "type_no", "type_step"))


def kinds(sources: Sources) -> "ir.Table":
    """The types of activity that are named anywhere in these runs, numbered."""
    named = sources.types
    return sources.keep(
        "kinds", named.mutate(type_no=ibis.row_number().over(ibis.window(order_by="type")).cast("int32"))
    )


def days(sources: Sources) -> Spans:
    """See `headway.features.relations`."""
    known = KnownDays("occurred_on", "step", "interactions")
    told = with_start(sources.fold("daily", acts(sources), known))
    return Spans(
        told.select(
            "enrolment",
            "run_no",
            "from_step",
            "until_step",
            "occurred_on",
            "interactions",
            course_day=days_between(told.occurred_on, told.starts_on),
            weekday=told.occurred_on.day_of_week.index(),
            gap_days=days_between(told.occurred_on, told.before_on) - 1,
            streak_days=days_between(told.occurred_on, told.spell_on) + 1,
        ),
        ages={"age_days": "occurred_on"},
        always=frozenset({"occurred_on", "interactions", "course_day", "weekday", "streak_days"}),
    )


def objects(sources: Sources) -> Spans:
    """See `headway.features.relations`."""
    days_of_use = (Running("first_on", "min", "occurred_on"), Running("last_on", "max", "occurred_on"))
    spans = sources.fold("used_until", acts(sources), Fold(("object_no",), "step", days_of_use))
    return Spans(
        spans.drop("object_no"),
        ages={"first_age_days": "first_on", "last_age_days": "last_on"},
        always=frozenset({"first_on", "last_on"}),
    )


def types(sources: Sources) -> Spans:
    """See `headway.features.relations`."""
    folded = sources.fold("by_type", acts(sources), Fold(("type_no", "occurred_on"), "type_step", (_INTERACTIONS,)))
    named = kinds(sources)
    rows = with_start(folded.join(named, "type_no"))
    rows = rows.mutate(course_day=days_between(rows.occurred_on, rows.starts_on)).drop("starts_on")
    return Spans(
        rows,
        ages={"age_days": "occurred_on"},
        always=frozenset({"type", "occurred_on", "interactions", "course_day"}),
        numbers={"type": "type_no"},
        words={"type": named},
        lean=folded,
    )


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
