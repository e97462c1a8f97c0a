"""What features and labels are made of: the spine, and records that `as_of` has already cut.

The relations that features read are made from `Sources` in `headway.features.relations`. Nothing here compares a
record's time with an as-of time.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import ibis
import pyarrow as pa

from headway.domain.records import INSTANT

if TYPE_CHECKING:
    import ibis.expr.types as ir

MOMENTS: Final = pa.schema(
    [
        ("run", pa.string()),
        ("run_no", pa.int32()),
        ("as_of", INSTANT),
        ("as_of_on", pa.date32()),
        ("previous_as_of", INSTANT),
        ("previous_as_of_on", pa.date32()),
        ("step", pa.int32()),
        ("starts_on", pa.date32()),
        ("ends_on", pa.date32()),
        ("opens_on", pa.date32()),
        ("opens_at", INSTANT),
        ("closes_on", pa.date32()),
        ("closes_at", INSTANT),
    ]
)
MOMENTS_IBIS: Final = ibis.Schema.from_pyarrow(MOMENTS)

SPINE: Final = pa.schema(
    [
        ("row", pa.int64()),
        ("run", pa.string()),
        ("learner", pa.string()),
        ("registered_on", pa.date32()),
        ("course_day", pa.int64()),
        *[MOMENTS.field(name) for name in MOMENTS.names[1:]],
    ]
)
SPINE_IBIS: Final = ibis.Schema.from_pyarrow(SPINE)

EARLIER_KINDS: Final = ("enrolments", "statements", "activities", "results", "responses", "attributes", "texts")
"""What features and the risk set are made of, beside what is known of the same learners in other runs."""

ELSEWHERE_KINDS: Final = ("enrolments", "outcomes")
"""What is looked at in a learner's other runs."""

ASSESSMENT_TYPES: Final = ("assignment", "test", "exam", "quiz_assessment")

LATER_KINDS: Final = ("enrolments", "statements", "activities", "results", "outcomes", "attributes")


@dataclass(frozen=True, slots=True)
class Sources:
    """What features are made of: the spine, and each record with the first step at which it was known.

    Attributes:
        enrolled: the enrolments of the spine, numbered: `enrolment`, `run`, `run_no`, `learner`.
        cursor: the spine: `row`, `enrolment`, `run_no`, `step`, `as_of_on`.
        spine: the spine with all columns of its moment.
        statements: the acts of enrolments on the spine, with `enrolment`, `run_no` and `step`; so also results,
            responses, attributes and texts.
        stamped: those of them that are a single act with a time of day.
        replies: what anyone wrote in answer to something in these runs, staff too; with `run_no` and `step`.
        activities: with `run_no` and `step`.
        other_enrolments: changes of status of the same learners in other runs, `other_run`, with `enrolment`.
        other_outcomes: their outcomes there.
        keep: see `engine.Records.keep`; kept once under a name.
    """

    enrolled: "ir.Table"
    cursor: "ir.Table"
    spine: "ir.Table"
    statements: "ir.Table"
    stamped: "ir.Table"
    replies: "ir.Table"
    activities: "ir.Table"
    results: "ir.Table"
    responses: "ir.Table"
    attributes: "ir.Table"
    texts: "ir.Table"
    other_enrolments: "ir.Table"
    other_outcomes: "ir.Table"
    keep: Callable[[str, "ir.Table"], "ir.Table"]


@dataclass(frozen=True, slots=True)
class Later:
    """What labels are made of: the spine with its windows (`opens_at` … `closes_at`), and records known at the cut-off.

    `everyone` is true only where a published figure that keeps those who already left is repeated.
    """

    spine: "ir.Table"
    everyone: bool
    enrolments: "ir.Table"
    statements: "ir.Table"
    activities: "ir.Table"
    results: "ir.Table"
    outcomes: "ir.Table"
    attributes: "ir.Table"


def risk_set(changes: "ir.Table", moments: "ir.Table", *, keep_departed: bool = False) -> "ir.Table":
    """Everyone whose latest known status is enrolled, with a row number that does not depend on the order of records.

    Args:
        changes: changes of status that were known and in force at each moment, each with its `turn`.
        moments: all columns of the moments.
        keep_departed: also those who have left again, which an honest reading never does.
    """
    at = ["run_no", "step", "learner"]
    last = changes.group_by(*at).agg(
        status=changes.status.argmax(changes.turn),
        registered_on=changes.valid_from_on.min(where=changes.status == "enrolled"),
    )
    enrolled = last.filter(last.registered_on.notnull() if keep_departed else last.status == "enrolled")
    there = enrolled.select(*at, "registered_on").join(moments, ["run_no", "step"])
    numbered = there.mutate(
        row=ibis.row_number().over(ibis.window(order_by=at)),
        course_day=days_between(there.as_of_on, there.starts_on),
    )
    return numbered.select(*SPINE.names)


def in_turn(changes: "ir.Table") -> "ir.Table":
    """Changes of status with their place, `turn`, among those of the same enrolment: the last that is known counts."""
    own = ibis.window(group_by=["run", "learner"], order_by=["valid_from", "recorded_at", "status"])
    return changes.mutate(turn=ibis.row_number().over(own))


def days_between(later: "ir.Value", earlier: "ir.Value") -> "ir.Value":
    """Whole days from `earlier` to `later`, both dates."""
    return later.delta(earlier, unit="day")


def assessments(activities: "ir.Table") -> "ir.Table":
    """The assessments among activities as they were last announced; keeps all moment columns."""
    kept = activities.filter(activities.type.isin(ASSESSMENT_TYPES) & activities.due_on.notnull())
    keys = [name for name in ("run", "activity", "as_of") if name in kept.columns]
    latest = ibis.window(group_by=keys, order_by=[ibis.desc("recorded_at"), ibis.desc("id")])
    ranked = kept.mutate(announced=ibis.row_number().over(latest))
    return ranked.filter(ranked.announced == 0).drop("announced")
