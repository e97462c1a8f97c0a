"""What learners did, by day, by object and by type of activity."""

from typing import TYPE_CHECKING

import ibis

from headway.features.known import Sources, days_between
from headway.features.spans import NEVER, Spans, chained, summed, with_start

if TYPE_CHECKING:
    import ibis.expr.types as ir


def acts(sources: Sources) -> "ir.Table":
    """What learners did, as it became known; objects are numbered and have their type, see `used`."""
    rows = sources.statements.filter(sources.statements.interactions > 0)
    things = used(sources).select("run_no", "object", "object_no", "type", "type_step")
    numbered = rows.left_join(things, ["run_no", "object"], rname="used_{name}")
    columns = ("enrolment", "run_no", "step", "occurred_on", "interactions", "object_no")
    # An act that does not say what it was about has a type once both it and the activity are known.
    untold = numbered.object_type.isnull()
    return sources.keep(
        "acts",
        numbered.select(
            *columns,
            type=ibis.coalesce(numbered.object_type, numbered.type),
            type_step=ibis.ifelse(untold, ibis.greatest(numbered.step, numbered.type_step), numbered.step),
        ),
    )


def used(sources: Sources) -> "ir.Table":
    """The objects of each run, numbered, with the type and the planned day by which each was first announced."""
    rows = sources.statements
    named = rows.filter((rows.interactions > 0) & rows.object.notnull()).select("run_no", "object").distinct()
    told = sources.activities
    first = ibis.window(group_by=["run_no", "activity"], order_by=["recorded_at", "id"])
    ranked = told.mutate(rank=ibis.row_number().over(first))
    first_told = ranked.filter(ranked["rank"] == 0)
    about = first_told.select("run_no", "type", object="activity", type_step="step")
    numbered = named.mutate(object_no=ibis.row_number().over(ibis.window(order_by=["run_no", "object"])).cast("int32"))
    typed = numbered.left_join(about, ["run_no", "object"], rname="typed_{name}")
    return sources.keep("used", typed.select("run_no", "object", "object_no", "type", "type_step"))


def days(sources: Sources) -> Spans:
    """See `headway.features.relations`."""
    done = acts(sources)
    daily = done.group_by("enrolment", "run_no", "occurred_on").agg(
        step=done.step.min(), last_step=done.step.max(), interactions=done.interactions.sum()
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
    changed = _changed_days(done, daily, ordered, mixed)
    told = with_start(at_once.select(*columns).union(changed.select(*columns)))
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


def objects(sources: Sources) -> Spans:
    """See `headway.features.relations`."""
    done = acts(sources)
    seen = done.filter(done.object_no.notnull())
    keys = ["enrolment", "object_no"]
    folded = seen.group_by(*keys, "run_no", "step").agg(first_on=seen.occurred_on.min(), last_on=seen.occurred_on.max())
    spans = chained(folded, keys, {"first_on": folded.first_on.min(), "last_on": folded.last_on.max()})
    return Spans(
        spans.drop("object_no"),
        ages={"first_age_days": "first_on", "last_age_days": "last_on"},
        always=frozenset({"first_on", "last_on"}),
    )


def types(sources: Sources) -> Spans:
    """See `headway.features.relations`."""
    done = acts(sources)
    typed = done.filter(done.type.notnull()).drop("step").rename(step="type_step")
    rows = with_start(summed(typed, ["enrolment", "type", "occurred_on"], "interactions"))
    rows = rows.mutate(course_day=days_between(rows.occurred_on, rows.starts_on)).drop("starts_on")
    return Spans(
        rows,
        ages={"age_days": "occurred_on"},
        always=frozenset({"type", "occurred_on", "interactions", "course_day"}),
    )
