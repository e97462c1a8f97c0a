"""What is known of an enrolment as a whole, and of the same learner in other runs."""

from typing import TYPE_CHECKING, Final

import ibis

from headway.features.known import Sources, days_between
from headway.features.relations.assessments import plan_of
from headway.features.spans import Spans, chained

if TYPE_CHECKING:
    import ibis.expr.types as ir


FACTS: Final = ("previous_attempts", "studied_credits")
"""Attributes that features may read; a sensitive one is never read, whatever its name."""


def facts(sources: Sources) -> "ir.Table":
    """See `headway.features.relations`."""
    told = sources.attributes.filter(~sources.attributes.sensitive & sources.attributes["name"].isin(FACTS))
    met = told.select("enrolment", "name", "value", "valid_from", "told_at", "id", known_step="step").join(
        sources.cursor, "enrolment"
    )
    met = met.filter(met.known_step <= met.step)
    latest = ibis.window(
        group_by=["row", "name"],
        order_by=[ibis.desc("valid_from"), ibis.desc("told_at"), ibis.desc("id")],
    )
    ranked = met.mutate(rank=ibis.row_number().over(latest))
    last = ranked.filter(ranked["rank"] == 0)
    values = {name: last.value.max(where=last["name"] == name).try_cast("float64") for name in FACTS}
    known = last.group_by("row").agg(**values)
    cursor = sources.cursor
    due = cursor.select("run_no", "step", "as_of_on").distinct()
    plan = plan_of(sources).rename(plan_step="step")
    met_plan = due.join(plan, "run_no")
    met_plan = met_plan.filter((met_plan.plan_step <= met_plan.step) & (met_plan.opens_on <= met_plan.as_of_on))
    planned = met_plan.group_by("run_no", "step").agg(planned_items=met_plan.count())
    spine = sources.spine.left_join(known, "row").drop("row_right")
    spine = spine.left_join(planned, ["run_no", "step"], rname="planned_{name}")
    return spine.select(
        "row",
        *FACTS,
        registered_lead_days=days_between(spine.starts_on, spine.registered_on),
        days_left=days_between(spine.ends_on, spine.as_of_on),
        run_days=days_between(spine.ends_on, spine.starts_on) + 1,
        planned_items=spine.planned_items.fill_null(0),
    )


def others(sources: Sources) -> Spans:
    """See `headway.features.relations`. Who leaves and comes back counts as having left."""
    changes, ends = sources.keep("elsewhere", sources.other_enrolments), sources.other_outcomes
    keys = ["enrolment", "run_no", "other_run"]
    none = {"withdrawn": ibis.null("int64"), "passed": ibis.null("int64"), "final_score": ibis.null("float64")}
    columns = [*keys, "step", *none]
    log = changes.mutate(**none | {"withdrawn": (changes.status == "withdrawn").cast("int64")}).select(*columns)
    log = log.union(
        ends.mutate(
            **none
            | {
                "withdrawn": (ends.label == "withdrawn").cast("int64"),
                "passed": ends.label.isin(["pass", "distinction"]).cast("int64"),
                "final_score": ends.final_score,
            }
        ).select(*columns)
    )
    log = log.group_by(*keys, "step").agg(**{name: log[name].max() for name in none})
    spans = chained(log, ["enrolment", "other_run"], {name: log[name].max() for name in none})
    return Spans(
        spans.select(
            "enrolment",
            "run_no",
            "from_step",
            "until_step",
            "final_score",
            ended=spans.passed.notnull(),
            withdrawn=(spans.withdrawn > 0).fill_null(False),
            passed=(spans.passed > 0).fill_null(False),
        ),
        always=frozenset({"ended", "withdrawn", "passed"}),
        made_of=changes,
    )
