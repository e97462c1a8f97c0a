"""The relations that features and labels read, made from records that `as_of` has already cut.

Features read (one or more rows for each spine row, named by `row`):

- `days`: one row per local day with activity: `age_days` (0 = the as-of day itself), `course_day`, `interactions`,
  `weekday` (0 = Monday), `gap_days` (days without activity before it, null for the first).
- `spells`: one row per unbroken spell of active days: `length_days`, `ends_age_days`.
- `objects`: one row per object used: `first_age_days`, `last_age_days`.
- `types`: one row per day and type of activity: `age_days`, `course_day`, `type`, `interactions`.
- `hand_ins`: one row per assessment of the run: `weight`, `type`, `due_in_days` (negative: past), `is_due`,
  `submitted` (bool), `late_days` (negative: early), `submitted_age_days`, `score` (0-1, known results only), `order`
  (by due date).
- `facts`: one row: `registered_lead_days`, `days_left`, `run_days`, `previous_attempts`, `studied_credits`.

Nothing here compares a record's time with an as-of time.
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
        ("as_of", INSTANT),
        ("as_of_on", pa.date32()),
        ("previous_as_of", INSTANT),
        ("previous_as_of_on", pa.date32()),
        ("step", pa.int64()),
        ("starts_on", pa.date32()),
        ("ends_on", pa.date32()),
        ("opens_on", pa.date32()),
        ("opens_at", INSTANT),
        ("closes_on", pa.date32()),
        ("closes_at", INSTANT),
    ]
)
MOMENTS_IBIS: Final = ibis.Schema.from_pyarrow(MOMENTS)

ASSESSMENT_TYPES: Final = ("assignment", "test", "exam", "quiz_assessment")

LATER_KINDS: Final = ("enrolments", "statements", "activities", "results", "outcomes")


@dataclass(frozen=True, slots=True)
class Sources:
    """What features are made of: the spine, and records beside the moments by which they were known."""

    spine: "ir.Table"
    statements: "ir.Table"
    typed_statements: "ir.Table"
    submissions: "ir.Table"
    activities: "ir.Table"
    results: "ir.Table"
    attributes: "ir.Table"


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


def risk_set(changes: "ir.Table", *, keep_departed: bool = False) -> "ir.Table":
    """Everyone whose latest known status is enrolled, with a row number that does not depend on the order of records.

    Args:
        changes: changes of status that were known and in force at each moment.
        keep_departed: also those who have left again, which an honest reading never does.
    """
    latest = ibis.window(
        group_by=["run", "learner", "as_of"],
        order_by=[ibis.desc("valid_from"), ibis.desc("recorded_at"), ibis.desc("status")],
    )
    everyone = ibis.window(group_by=["run", "learner", "as_of"])
    ranked = changes.mutate(
        rank=ibis.row_number().over(latest),
        registered_on=changes.valid_from_on.min(where=changes.status == "enrolled").over(everyone),
    )
    last = ranked.filter(ranked["rank"] == 0)
    enrolled = last.filter(last.registered_on.notnull()) if keep_departed else last.filter(last.status == "enrolled")
    numbered = enrolled.mutate(
        row=ibis.row_number().over(ibis.window(order_by=["run", "as_of", "learner"])),
        course_day=days_between(enrolled.as_of_on, enrolled.starts_on),
    )
    return numbered.select("row", "run", "learner", "registered_on", "course_day", *MOMENTS.names[1:])


def days_between(later: "ir.Value", earlier: "ir.Value") -> "ir.Value":
    """Whole days from `earlier` to `later`, both dates."""
    return later.delta(earlier, unit="day")


def with_type(statements: "ir.Table", activities: "ir.Table") -> "ir.Table":
    """Statements with the type of their object, recorded once both statement and activity are."""
    first = ibis.window(group_by=["run", "activity"], order_by=["recorded_at", "id"])
    ranked = activities.mutate(rank=ibis.row_number().over(first))
    types = ranked.filter(ranked["rank"] == 0).select("run", "activity", "type", typed_at="recorded_at")
    joined = statements.join(types, [statements.run == types.run, statements.object == types.activity])
    both = joined.select("run", "learner", "occurred_on", "interactions", "type", "recorded_at", "typed_at")
    return both.mutate(recorded_at=ibis.greatest(both.recorded_at, both.typed_at)).drop("typed_at")


def _history(spine: "ir.Table", folded: "ir.Table") -> "ir.Table":
    """Each spine row beside the folded records of its learner that were known by its moment."""
    same = [spine.run == folded.run, spine.learner == folded.learner, spine.step >= folded.step]
    return spine.select("row", "run", "learner", "step", "as_of_on", "starts_on").join(
        folded, same, rname="folded_{name}"
    )


def _days(sources: Sources) -> "ir.Table":
    active = sources.statements.filter(sources.statements.interactions > 0)
    folded = active.group_by("run", "learner", "step", "occurred_on").agg(interactions=active.interactions.sum())
    history = _history(sources.spine, folded)
    daily = history.group_by("row", "as_of_on", "starts_on", "occurred_on").agg(interactions=history.interactions.sum())
    before = daily.occurred_on.lag().over(ibis.window(group_by="row", order_by="occurred_on"))
    daily = daily.mutate(before_on=before)
    return daily.select(
        "row",
        "interactions",
        age_days=days_between(daily.as_of_on, daily.occurred_on),
        course_day=days_between(daily.occurred_on, daily.starts_on),
        weekday=daily.occurred_on.day_of_week.index(),
        gap_days=days_between(daily.occurred_on, daily.before_on) - 1,
    )


def _spells(sources: Sources) -> "ir.Table":
    active = sources.statements.filter(sources.statements.interactions > 0)
    folded = active.group_by("run", "learner", "occurred_on").agg(step=active.step.min())
    history = _history(sources.spine, folded)
    aged = history.select("row", age_days=days_between(history.as_of_on, history.occurred_on))
    # Consecutive days have consecutive ages and consecutive ranks, so their sum marks the spell.
    ranked = aged.mutate(rank=ibis.row_number().over(ibis.window(group_by="row", order_by="age_days")))
    marked = ranked.mutate(spell=ranked.age_days - ranked["rank"])
    return (
        marked.group_by("row", "spell")
        .agg(length_days=marked.count(), ends_age_days=marked.age_days.min())
        .drop("spell")
    )


def _objects(sources: Sources) -> "ir.Table":
    used = sources.statements.filter((sources.statements.interactions > 0) & sources.statements.object.notnull())
    folded = used.group_by("run", "learner", "object", "step").agg(
        first_on=used.occurred_on.min(), last_on=used.occurred_on.max()
    )
    history = _history(sources.spine, folded)
    of_object = history.group_by("row", "object", "as_of_on").agg(
        first_on=history.first_on.min(), last_on=history.last_on.max()
    )
    return of_object.select(
        "row",
        "object",
        first_age_days=days_between(of_object.as_of_on, of_object.first_on),
        last_age_days=days_between(of_object.as_of_on, of_object.last_on),
    )


def _types(sources: Sources) -> "ir.Table":
    active = sources.typed_statements.filter(sources.typed_statements.interactions > 0)
    folded = active.group_by("run", "learner", "step", "occurred_on", "type").agg(
        interactions=active.interactions.sum()
    )
    history = _history(sources.spine, folded)
    return history.select(
        "row",
        "type",
        "interactions",
        age_days=days_between(history.as_of_on, history.occurred_on),
        course_day=days_between(history.occurred_on, history.starts_on),
    )


def assessments(activities: "ir.Table") -> "ir.Table":
    """The assessments among activities as they were last announced; keeps all moment columns."""
    kept = activities.filter(activities.type.isin(ASSESSMENT_TYPES) & activities.due_on.notnull())
    keys = [name for name in ("run", "activity", "as_of") if name in kept.columns]
    latest = ibis.window(group_by=keys, order_by=[ibis.desc("recorded_at"), ibis.desc("id")])
    ranked = kept.mutate(announced=ibis.row_number().over(latest))
    return ranked.filter(ranked.announced == 0).drop("announced")


def _hand_ins(sources: Sources) -> "ir.Table":
    spine = sources.spine.select("row", "run", "learner", "as_of", "as_of_on")
    plan = assessments(sources.activities).select("run", "as_of", "activity", "type", "weight", "due_on")
    keys = ["run", "learner", "as_of", "activity"]
    submissions = (
        sources.submissions.rename(activity="object").group_by(keys).agg(handed_in_on=ibis._.occurred_on.min())
    )
    marked = sources.results.filter(~sources.results.transferred)
    results = marked.group_by(keys).agg(score=marked.score.max(), marked_on=marked.submitted_on.min())
    planned = spine.join(plan, ["run", "as_of"])
    full = planned.left_join(submissions, keys, rname="s_{name}").left_join(results, keys, rname="r_{name}")
    submitted_on = ibis.coalesce(full.handed_in_on, full.marked_on)
    dated = full.mutate(submitted_on=submitted_on)
    order = ibis.row_number().over(ibis.window(group_by="row", order_by=["due_on", "activity"]))
    dated = dated.mutate(order=order)
    return dated.select(
        "row",
        "activity",
        "type",
        "score",
        "order",
        weight=dated.weight.fill_null(0.0),
        due_in_days=days_between(dated.due_on, dated.as_of_on),
        is_due=dated.due_on <= dated.as_of_on,
        submitted=dated.submitted_on.notnull(),
        late_days=days_between(dated.submitted_on, dated.due_on),
        submitted_age_days=days_between(dated.as_of_on, dated.submitted_on),
    )


ONE_PER_ROW: Final = ("facts",)
"""Relations whose features are expressions rather than aggregates."""

FACTS: Final = ("previous_attempts", "studied_credits")
"""Attributes that features may read; a sensitive one is never read, whatever its name."""


def _facts(sources: Sources) -> "ir.Table":
    open_facts = sources.attributes.filter(~sources.attributes.sensitive)
    open_facts = open_facts.filter(open_facts.valid_from <= open_facts.as_of)
    latest = ibis.window(
        group_by=["run", "learner", "as_of", "name"],
        order_by=[ibis.desc("valid_from"), ibis.desc("recorded_at"), ibis.desc("id")],
    )
    ranked = open_facts.filter(open_facts["name"].isin(FACTS)).mutate(rank=ibis.row_number().over(latest))
    last = ranked.filter(ranked["rank"] == 0)
    values = {name: last.value.max(where=last["name"] == name).try_cast("float64") for name in FACTS}
    known = last.group_by("run", "learner", "as_of").agg(**values)
    spine = sources.spine.left_join(known, ["run", "learner", "as_of"])
    return spine.select(
        "row",
        *FACTS,
        registered_lead_days=days_between(spine.starts_on, spine.registered_on),
        days_left=days_between(spine.ends_on, spine.as_of_on),
        run_days=days_between(spine.ends_on, spine.starts_on) + 1,
    )


RELATIONS: Final[dict[str, Callable[[Sources], "ir.Table"]]] = {
    "days": _days,
    "spells": _spells,
    "objects": _objects,
    "types": _types,
    "hand_ins": _hand_ins,
    "facts": _facts,
}
