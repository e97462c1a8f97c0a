"""What features and labels are made of: the spine, and records that `as_of` has already cut.

The relations that features read are made from `Sources` in `headway.features.relations`. Nothing here compares a
record's time with an as-of time.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

import ibis
import pyarrow as pa

from headway.domain.records import INSTANT
from headway.features.folding import Folding

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


class Sources(Protocol):
    """What features are made of: the spine, and each record with the first step at which it was known."""

    @property
    def enrolled(self) -> "ir.Table":
        """The enrolments of the spine, numbered: `enrolment`, `run`, `run_no`, `learner`."""
        ...

    @property
    def cursor(self) -> "ir.Table":
        """The spine: `row`, `enrolment`, `run_no`, `step`, `as_of_on`."""
        ...

    @property
    def spine(self) -> "ir.Table":
        """The spine with all columns of its moment."""
        ...

    @property
    def statements(self) -> "ir.Table":
        """The acts of enrolments on the spine, with `enrolment`, `run_no` and `step`; so also the four below."""
        ...

    @property
    def results(self) -> "ir.Table":
        """Marks."""
        ...

    @property
    def responses(self) -> "ir.Table":
        """Answers to items."""
        ...

    @property
    def attributes(self) -> "ir.Table":
        """What is known of learners themselves."""
        ...

    @property
    def texts(self) -> "ir.Table":
        """What they wrote."""
        ...

    @property
    def stamped(self) -> "ir.Table":
        """Those of `statements` that are a single act with a time of day."""
        ...

    @property
    def replies(self) -> "ir.Table":
        """What anyone wrote in answer to something in these runs, staff too; with `run_no` and `step`."""
        ...

    @property
    def activities(self) -> "ir.Table":
        """The activities of these runs, with `run_no` and `step`."""
        ...

    @property
    def objects(self) -> "ir.Table":
        """The names of all objects of acts in these runs, known or not: `run_no`, `object`; to number them."""
        ...

    @property
    def types(self) -> "ir.Table":
        """The names of all types of activity in these runs, known or not: `type`; to number them."""
        ...

    @property
    def other_enrolments(self) -> "ir.Table":
        """Changes of status of the same learners in other runs, `other_run`, with `enrolment`."""
        ...

    @property
    def other_outcomes(self) -> "ir.Table":
        """Their outcomes there."""
        ...

    def keep(self, name: str, expr: "ir.Table") -> "ir.Table":
        """See `engine.Records.keep`; kept once under a name."""
        ...

    def hold(self, name: str, expr: "ir.Table") -> "ir.Table":
        """See `engine.Records.hold`; held once under a name."""
        ...

    def fold(self, name: str, rows: "ir.Table", fold: Folding) -> "ir.Table":
        """What a fold makes of rows, kept once under `name`."""
        ...


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


def risk_set(changes: "ir.Table", *, keep_departed: bool = False) -> "ir.Table":
    """Everyone whose latest known status is enrolled, with a row number that does not depend on the order of records.

    Args:
        changes: changes of status that were known and in force at each moment, as `in_turn` numbers them.
        keep_departed: also those who have left again, which an honest reading never does.
    """
    at = ["run_no", "step", "learner_no"]
    enrolling = changes.status == "enrolled"
    last = changes.group_by(*at).agg(
        learner=changes.learner.arbitrary(),
        # The greatest turn, with what it says as its last binary digit: words at the greatest turn take far longer.
        last=(changes.turn * 2 + enrolling.cast("int64")).max(),
        registered_on=changes.valid_from_on.min(where=enrolling),
    )
    enrolled = last.filter(last.registered_on.notnull() if keep_departed else last["last"] % 2 == 1)
    return enrolled.select(
        "run_no", "step", "learner", "registered_on", row=ibis.row_number().over(ibis.window(order_by=at))
    )


def spine_of(at_risk: "ir.Table", moments: "ir.Table") -> "ir.Table":
    """The risk set with all columns of the moments."""
    there = at_risk.join(moments, ["run_no", "step"])
    return there.mutate(course_day=days_between(there.as_of_on, there.starts_on)).select(*SPINE.names)


def in_turn(changes: "ir.Table") -> "ir.Table":
    """Changes of status with their place, `turn`, among those of the same enrolment: the last that is known counts.

    Learners are numbered in their order (`learner_no`): each meets all moments, and numbers are sorted sooner.
    """
    own = ibis.window(group_by=["run", "learner"], order_by=["valid_from", "recorded_at", "status"])
    numbered = changes.mutate(turn=ibis.row_number().over(own))
    return numbered.mutate(learner_no=ibis.dense_rank().over(ibis.window(order_by="learner")))


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
