"""The relations that features and labels read, made from records that `as_of` has already cut.

Features read (one or more rows for each spine row, named by `row`):

- `days`: one row per local day with activity: `age_days` (0 = the as-of day itself), `course_day`, `interactions`,
  `weekday` (0 = Monday), `gap_days` (days without activity before it, null for the first), `streak_days` (active days
  in a row that end with it, itself included).
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
from typing import TYPE_CHECKING, Any, Final

import ibis
import pyarrow as pa

from headway.domain.records import INSTANT
from headway.features.spans import NEVER, Spans, chained, summed, with_start

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

EARLIER_KINDS: Final = ("enrolments", "statements", "activities", "results", "attributes")
"""What features and the risk set are made of."""

ASSESSMENT_TYPES: Final = ("assignment", "test", "exam", "quiz_assessment")

LATER_KINDS: Final = ("enrolments", "statements", "activities", "results", "outcomes")


@dataclass(frozen=True, slots=True)
class Sources:
    """What features are made of: the spine, and each record with the first step at which it was known.

    Attributes:
        enrolled: the enrolments of the spine, numbered: `enrolment`, `run`, `run_no`, `learner`.
        cursor: the spine: `row`, `enrolment`, `step`, `as_of_on`.
        spine: the spine with all columns of its moment.
        statements: of enrolments on the spine, with `enrolment`, `run_no` and `step`; so also submissions, results and
            attributes.
        activities: with `run_no` and `step`.
        keep: see `engine.Records.keep`; kept once under a name.
    """

    enrolled: "ir.Table"
    cursor: "ir.Table"
    spine: "ir.Table"
    statements: "ir.Table"
    submissions: "ir.Table"
    activities: "ir.Table"
    results: "ir.Table"
    attributes: "ir.Table"
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
    return numbered.select(*SPINE.names)


def days_between(later: "ir.Value", earlier: "ir.Value") -> "ir.Value":
    """Whole days from `earlier` to `later`, both dates."""
    return later.delta(earlier, unit="day")


def _acts(sources: Sources) -> "ir.Table":
    """What learners did, as it became known; objects are numbered, see `_used`."""
    acts = sources.statements.filter(sources.statements.interactions > 0)
    used = _used(sources).select("run_no", "object", "object_no")
    numbered = acts.left_join(used, ["run_no", "object"], rname="used_{name}")
    return sources.keep(
        "acts",
        numbered.select("enrolment", "run_no", "step", "occurred_on", "interactions", "object_no", "object_type"),
    )


def _used(sources: Sources) -> "ir.Table":
    """The objects of each run, numbered, with the type by which each was first announced and the step of that."""
    rows = sources.statements
    named = rows.filter((rows.interactions > 0) & rows.object.notnull()).select("run_no", "object").distinct()
    told = sources.activities
    first = ibis.window(group_by=["run_no", "activity"], order_by=["recorded_at", "id"])
    ranked = told.mutate(rank=ibis.row_number().over(first))
    types = ranked.filter(ranked["rank"] == 0).select("run_no", "type", object="activity", type_step="step")
    numbered = named.mutate(object_no=ibis.row_number().over(ibis.window(order_by=["run_no", "object"])).cast("int32"))
    typed = numbered.left_join(types, ["run_no", "object"], rname="typed_{name}")
    return sources.keep("used", typed.select("run_no", "object", "object_no", "type", "type_step"))


def _days(sources: Sources) -> Spans:
    acts = _acts(sources)
    daily = acts.group_by("enrolment", "run_no", "occurred_on").agg(
        step=acts.step.min(), last_step=acts.step.max(), interactions=acts.interactions.sum()
    )
    in_order = ibis.window(group_by="enrolment", order_by="occurred_on")
    daily = daily.mutate(
        before_on=daily.occurred_on.lag().over(in_order), overtaken=daily.step < daily.step.lag().over(in_order)
    )
    pause = days_between(daily.occurred_on, daily.before_on) > 1
    spell_on = ibis.ifelse(daily.before_on.isnull() | pause, daily.occurred_on, None)
    so_far = ibis.window(group_by="enrolment", order_by="occurred_on", rows=(None, 0))
    daily = daily.mutate(spell_on=spell_on.max().over(so_far))
    daily = sources.keep("daily", daily)
    mixed = daily.filter(daily.overtaken).select("enrolment").distinct()
    ordered = daily.anti_join(mixed, "enrolment")
    columns = ("enrolment", "run_no", "occurred_on", "before_on", "spell_on", "interactions", "from_step", "until_step")
    at_once = ordered.filter(ordered.step == ordered.last_step).mutate(
        from_step=ordered.step, until_step=ibis.literal(NEVER, "int32")
    )
    changed = _changed_days(acts, daily, ordered, mixed)
    days = with_start(at_once.select(*columns).union(changed.select(*columns)))
    return Spans(
        days.select(
            "enrolment",
            "run_no",
            "from_step",
            "until_step",
            "occurred_on",
            "interactions",
            course_day=days_between(days.occurred_on, days.starts_on),
            weekday=days.occurred_on.day_of_week.index(),
            gap_days=days_between(days.occurred_on, days.before_on) - 1,
            streak_days=days_between(days.occurred_on, days.spell_on) + 1,
        ),
        ages={"age_days": "occurred_on"},
        always=frozenset({"occurred_on", "interactions", "course_day", "weekday", "streak_days"}),
    )


def _changed_days(acts: "ir.Table", daily: "ir.Table", ordered: "ir.Table", mixed: "ir.Table") -> "ir.Table":
    """Days of which more became known later, and all days of enrolments in which a day became known after a later one.

    Only there is every pair of days looked at: a day counts as the one before, or prolongs a spell, once it is known.
    """
    keys = ["enrolment", "run_no", "occurred_on"]
    piecemeal = ordered.filter(ordered.step < ordered.last_step)
    wanted = piecemeal.select(*keys).union(daily.semi_join(mixed, "enrolment").select(*keys))
    pieces = acts.semi_join(wanted, keys).group_by(*keys, "step").agg(interactions=acts.interactions.sum())
    none = {"before_on": ibis.null("date"), "spell_on": ibis.null("date"), "interactions": ibis.literal(0, "int64")}
    told = pieces.mutate(before_on=none["before_on"], spell_on=none["spell_on"])
    settled = piecemeal.select(*keys, "step", "before_on", "spell_on").mutate(interactions=none["interactions"])
    pairs = _pairs(daily.semi_join(mixed, "enrolment")).mutate(interactions=none["interactions"])
    columns = (*keys, "step", "interactions", "before_on", "spell_on")
    log = told.select(*columns).union(settled.select(*columns)).union(pairs.select(*columns))
    log = log.group_by(*keys, "step").agg(
        interactions=log.interactions.sum(), before_on=log.before_on.max(), spell_on=log.spell_on.min()
    )
    running = {
        "interactions": log.interactions.sum(),
        "before_on": log.before_on.max(),
        "spell_on": log.spell_on.min(),
    }
    return chained(log, ["enrolment", "occurred_on"], running)


def _pairs(days: "ir.Table") -> "ir.Table":
    """Each day beside each earlier one, with the step at which both, and all days of the spell between, are known."""
    early = days.select(enrolment="enrolment", early_on="occurred_on", early_step="step", early_spell_on="spell_on")
    met = days.drop("before_on").join(
        early, [days.enrolment == early.enrolment, days.occurred_on >= early.early_on], rname="early_{name}"
    )
    back = ibis.window(group_by=["enrolment", "occurred_on"], order_by=ibis.desc("early_on"), rows=(None, 0))
    met = met.mutate(whole=met.early_step.max().over(back))
    earlier = met.filter(met.early_on < met.occurred_on)
    before = earlier.mutate(
        step=ibis.greatest(earlier.step, earlier.early_step),
        before_on=earlier.early_on,
        spell_on=ibis.null("date"),
    )
    one_spell = met.filter(met.early_spell_on == met.spell_on)
    spell = one_spell.mutate(step=one_spell.whole, before_on=ibis.null("date"), spell_on=one_spell.early_on)
    columns = ("enrolment", "run_no", "occurred_on", "step", "before_on", "spell_on")
    return before.select(*columns).union(spell.select(*columns))


def _objects(sources: Sources) -> Spans:
    acts = _acts(sources)
    used = acts.filter(acts.object_no.notnull())
    keys = ["enrolment", "object_no"]
    folded = used.group_by(*keys, "run_no", "step").agg(first_on=used.occurred_on.min(), last_on=used.occurred_on.max())
    spans = chained(folded, keys, {"first_on": folded.first_on.min(), "last_on": folded.last_on.max()})
    return Spans(
        spans.drop("object_no"),
        ages={"first_age_days": "first_on", "last_age_days": "last_on"},
        always=frozenset({"first_on", "last_on"}),
    )


def _types(sources: Sources) -> Spans:
    acts = _acts(sources)
    columns = ("enrolment", "run_no", "step", "occurred_on", "interactions", "type")
    told = acts.filter(acts.object_type.notnull()).rename(type="object_type").select(*columns)
    untold = acts.filter(acts.object_type.isnull())
    types = _used(sources).filter(ibis._.type.notnull()).select("object_no", "type", "type_step")
    # An act that does not say what it was about has a type once both it and the activity are known.
    met = untold.join(types, "object_no")
    met = told.union(met.mutate(step=ibis.greatest(met.step, met.type_step)).select(*columns))
    rows = with_start(summed(met, ["enrolment", "type", "occurred_on"], "interactions"))
    rows = rows.mutate(course_day=days_between(rows.occurred_on, rows.starts_on)).drop("starts_on")
    return Spans(
        rows,
        ages={"age_days": "occurred_on"},
        always=frozenset({"type", "occurred_on", "interactions", "course_day"}),
    )


def assessments(activities: "ir.Table") -> "ir.Table":
    """The assessments among activities as they were last announced; keeps all moment columns."""
    kept = activities.filter(activities.type.isin(ASSESSMENT_TYPES) & activities.due_on.notnull())
    keys = [name for name in ("run", "activity", "as_of") if name in kept.columns]
    latest = ibis.window(group_by=keys, order_by=[ibis.desc("recorded_at"), ibis.desc("id")])
    ranked = kept.mutate(announced=ibis.row_number().over(latest))
    return ranked.filter(ranked.announced == 0).drop("announced")


def _hand_ins(sources: Sources) -> Spans:
    plan = _plan(sources)
    keys = ["enrolment", "run_no", "activity"]
    everyone = sources.enrolled.select("enrolment", "run_no")
    announced = plan.join(everyone, "run_no").select(*keys, "step")
    given = sources.submissions.rename(activity="object")
    marked = sources.results.filter(~sources.results.transferred)
    none = {"handed_in_on": ibis.null("date"), "marked_on": ibis.null("date"), "score": ibis.null("float64")}
    columns = [*keys, "step", "plan_step", *none]
    log = announced.mutate(plan_step=announced.step, **none).select(*columns)
    log = log.union(
        given.mutate(**{**none, "plan_step": ibis.null("int32"), "handed_in_on": given.occurred_on}).select(*columns)
    )
    log = log.union(
        marked.mutate(
            plan_step=ibis.null("int32"), handed_in_on=none["handed_in_on"], marked_on=marked.submitted_on
        ).select(*columns)
    )
    log = log.group_by(*keys, "step").agg(
        plan_step=log.plan_step.max(),
        handed_in_on=log.handed_in_on.min(),
        marked_on=log.marked_on.min(),
        score=log.score.max(),
    )
    running = {
        "plan_step": log.plan_step.max(),
        "handed_in_on": log.handed_in_on.min(),
        "marked_on": log.marked_on.min(),
        "score": log.score.max(),
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
        weight=spans.weight.fill_null(0.0),
        submitted=spans.submitted_on.notnull(),
        late_days=days_between(spans.submitted_on, spans.due_on),
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
    return last.select("run_no", "activity", "step", "type", "weight", "due_on", order=order)


ONE_PER_ROW: Final = ("facts",)
"""Relations whose features are expressions rather than aggregates."""

FACTS: Final = ("previous_attempts", "studied_credits")
"""Attributes that features may read; a sensitive one is never read, whatever its name."""


def _facts(sources: Sources) -> "ir.Table":
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
    spine = sources.spine.left_join(known, "row")
    return spine.select(
        "row",
        *FACTS,
        registered_lead_days=days_between(spine.starts_on, spine.registered_on),
        days_left=days_between(spine.ends_on, spine.as_of_on),
        run_days=days_between(spine.ends_on, spine.starts_on) + 1,
    )


RELATIONS: Final[dict[str, Callable[[Sources], Any]]] = {
    "days": _days,
    "objects": _objects,
    "types": _types,
    "hand_ins": _hand_ins,
    "facts": _facts,
}
