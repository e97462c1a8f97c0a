"""Cleaning: which statements are probably no learner's work, each with a reason. Nothing is ever deleted.

Raw records stay as they came; cleaning is a filter applied when reading, so it can be undone by not applying it, and a
changed threshold takes effect at once. All rules and thresholds are here and nowhere else.

A rule is *as-of safe* where its verdict on a statement rests on that learner's statements of that run and local day
alone. `cleaned` applies these and no others, so that a feature as of an earlier day never depends on what came later.
The other rules look at the whole run (who was enrolled, who taught); they serve reports, by `flagged` and `counts`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import reduce
from typing import TYPE_CHECKING, Final

import ibis

from headway.domain.vocabulary import ROLES
from headway.features.engine import Records
from headway.features.sessions import stamped

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import pyarrow as pa

DAY: Final = ("run", "learner", "occurred_on")
"""What an as-of safe verdict may rest on: the statements of one learner, run and local day."""


@dataclass(frozen=True, slots=True)
class Cleaning:
    """The thresholds of the rules, each set so that a busy human being is not caught.

    Attributes:
        minute_statements: so many in one minute are more than two a second, held for the whole minute: no hand does it.
        hot_minutes: so many such minutes in a day; a burst of one minute may be a slow upload arriving at once.
        hour_statements: one each two seconds for a whole hour.
        regular_statements: distances on a day before regularity is judged; people fill in long quizzes, so hundreds.
        regular_share: the share of these distances that is near the middle one.
        regular_tolerance: how near, as a share of the middle distance; half a second is always near.
        waking_hours: hours of a local day with acts; people sleep at least three.
        duplicate_s: the same act on the same thing again so soon is a double click or a double delivery.
        delay_days: recorded so much later than done means a clock that was wrong by years; a delayed upload of a phone
            or a log that was brought over when a system was replaced stays below.
        early_days: done so long before the run began: the clock was wrong, or the run's dates are.
        late_days: done so long after the run ended.
    """

    minute_statements: int = 120
    hot_minutes: int = 3
    hour_statements: int = 1800
    regular_statements: int = 300
    regular_share: float = 0.9
    regular_tolerance: float = 0.05
    waking_hours: int = 22
    duplicate_s: float = 1.0
    delay_days: int = 3 * 365
    early_days: int = 2 * 365
    late_days: int = 2 * 365


DEFAULTS: Final = Cleaning()

StatementsRule = Callable[["ir.Table", Cleaning], "ir.Table"]
RecordsRule = Callable[[Records, Cleaning], "ir.Table"]


@dataclass(frozen=True, slots=True)
class Rule:
    """Why a statement may be no learner's work.

    Attributes:
        code: short, stable.
        sentence: what it says of a statement, for people.
        as_of_safe: whether its verdict rests on the learner's statements of that run and local day alone.
    """

    code: str
    sentence: str
    as_of_safe: bool


RULES: Final[tuple[Rule, ...]] = (
    Rule("automated", "A program did it: a crawler, a health check, a scheduled job.", as_of_safe=True),
    Rule("staff", "Someone who teaches or runs the course did it, in that role.", as_of_safe=True),
    Rule("inhuman_rate", "More acts than a hand can do, minute after minute, on that day.", as_of_safe=True),
    Rule("inhuman_regularity", "Hundreds of acts at almost the same distance on that day.", as_of_safe=True),
    Rule("round_the_clock", "Acts in nearly every hour of that day and night.", as_of_safe=True),
    Rule("duplicate", "The same act on the same thing within a second: clicked or delivered twice.", as_of_safe=True),
    Rule("clock_skew", "Recorded before it was done, or years after: a clock was wrong.", as_of_safe=True),
    Rule("far_from_run", "Done years before the course run began or after it ended.", as_of_safe=False),
    Rule("staff_unmarked", "Done by someone who taught in this run and is not enrolled in it.", as_of_safe=False),
    Rule(
        "test_account",
        "Done by someone who is enrolled and also taught in this run, or whose record says that it is for tests.",
        as_of_safe=False,
    ),
    Rule("orphan", "Done by someone of whom no enrolment in this run is known.", as_of_safe=False),
    Rule("unknown_object", "Done to something that is not in this run's list of activities.", as_of_safe=False),
)

TEST_ATTRIBUTES: Final = ("test_account", "is_test", "test_user")
"""Names of attributes with which a source may say that an account is for tests; a value such as `true` says yes."""

_YES: Final = ("true", "yes", "y", "1", "t")


def cleaned(statements: "ir.Table", cleaning: Cleaning = DEFAULTS) -> "ir.Table":
    """The statements that no as-of safe rule flags, with the same columns.

    Day totals pass all rules about rhythm: nothing is known of their times.
    """
    days = _inhuman_days(statements, cleaning).mutate(is_stamped=ibis.literal(True))
    kept = statements.mutate(is_stamped=stamped(statements)).anti_join(days, [*DAY, "is_stamped"])
    kept = kept.anti_join(_duplicates(statements, cleaning), "id")
    kept = kept.filter(kept.role.isnull() | ~kept.role.isin(ROLES))
    return kept.filter(~_skewed(kept, cleaning)).select(*statements.columns)


def flagged(records: Records, cleaning: Cleaning = DEFAULTS) -> "ir.Table":
    """One row (`id`, `reason`) for each statement and rule that flags it; a statement may have several reasons.

    The verdict on a statement by a rule that is not as-of safe may change as more becomes known.
    """
    return _flags(records, cleaning).select("id", "reason")


def counts(records: Records, cleaning: Cleaning = DEFAULTS) -> "pa.Table":
    """How much each rule flags: `run, reason, statements, learners`, by run and the most first."""
    found = _flags(records, cleaning)
    told = found.group_by("run", "reason").agg(statements=found.count(), learners=found.learner.nunique())
    return records.collect(told.order_by("run", ibis.desc("statements"), "reason"))


def _flags(records: Records, cleaning: Cleaning) -> "ir.Table":
    statements = records.table("statements")
    safe = [_named(rule(statements, cleaning), code) for code, rule in _SAFE.items()]
    days = _inhuman_days(statements, cleaning)
    of_days = statements.filter(stamped(statements)).join(days, list(DAY)).select("id", "run", "learner", "reason")
    other = [_named(rule(records, cleaning), code) for code, rule in _OTHERS.items()]
    return reduce(lambda one, more: one.union(more), [*safe, of_days, *other])


def _named(flags: "ir.Table", reason: str) -> "ir.Table":
    return flags.select("id", "run", "learner", reason=ibis.literal(reason))


def _automated(statements: "ir.Table", _: Cleaning) -> "ir.Table":
    return statements.filter(statements.role == "automated")


def _staff(statements: "ir.Table", _: Cleaning) -> "ir.Table":
    return statements.filter(statements.role == "instructor")


def _clock_skew(statements: "ir.Table", cleaning: Cleaning) -> "ir.Table":
    return statements.filter(_skewed(statements, cleaning))


def _skewed(statements: "ir.Table", cleaning: Cleaning) -> "ir.BooleanValue":
    delay_s = statements.recorded_at.delta(statements.occurred_at, unit="second")
    skewed: ir.BooleanValue = ~delay_s.between(0, cleaning.delay_days * 86_400)
    return skewed


def _duplicates(statements: "ir.Table", cleaning: Cleaning) -> "ir.Table":
    """All but the first of the same acts; where the object is not known, the source's own word must be the same.

    Logs that tell the minute alone put everything on its full minute: what falls on one cannot be judged and stays.
    """
    told = statements.occurred_at
    acts = statements.filter(stamped(statements) & (told != told.truncate("m")))
    acts = acts.select("id", "run", "learner", "occurred_at", "occurred_on", act=_act(acts))
    by_act = ibis.window(group_by="act", order_by=["occurred_at", "id"])
    spaced = acts.mutate(
        after_us=acts.occurred_at.delta(acts.occurred_at.lag().over(by_act), unit="microsecond"),
        before_on=acts.occurred_on.lag().over(by_act),
    )
    soon = (spaced.after_us <= cleaning.duplicate_s * 1e6) & (spaced.before_on == spaced.occurred_on)
    return spaced.filter(soon).select("id", "run", "learner")


def _act(statements: "ir.Table") -> "ir.IntegerValue":
    """What makes two statements the same act, in 64 bits: sorting by the words themselves takes twice as long.

    Two places in a recording are two acts, however soon they follow: dragging its slider makes many. Two answers too.
    """
    thing = ibis.coalesce(statements.object, statements.event, ibis.literal(""))
    answer = statements.success.cast("string").fill_null("")
    what = (statements.verb + "|" + answer + "|" + thing).hash()
    place = statements.position_s.fill_null(-1.0).hash() ^ (statements.score.fill_null(-1.0) + 0.5).hash()
    act: ir.IntegerValue = (statements.run + "|" + statements.learner).hash() ^ what ^ place
    return act


_SAFE: Final[dict[str, StatementsRule]] = {
    "automated": _automated,
    "staff": _staff,
    "duplicate": _duplicates,
    "clock_skew": _clock_skew,
}


def _inhuman_days(statements: "ir.Table", cleaning: Cleaning) -> "ir.Table":
    """The days (`DAY`, `reason`) whose rhythm no human being has; a day may have several reasons."""
    acts = statements.filter(stamped(statements)).select("id", *DAY, "occurred_at", "hour", "verb")
    fewest = min(cleaning.regular_statements, cleaning.minute_statements * cleaning.hot_minutes)
    daily = acts.group_by(*DAY).agg(acts=acts.count(), hours=acts.hour.nunique())
    awake = daily.filter(daily.hours >= cleaning.waking_hours).select(*DAY)
    busy = acts.semi_join(daily.filter(daily.acts >= fewest), list(DAY))
    return reduce(
        lambda one, more: one.union(more),
        [
            days.select(*DAY, reason=ibis.literal(reason))
            for reason, days in {
                "round_the_clock": awake,
                "inhuman_rate": _rapid(busy, cleaning),
                "inhuman_regularity": _regular(busy, cleaning),
            }.items()
        ],
    )


def _rapid(acts: "ir.Table", cleaning: Cleaning) -> "ir.Table":
    minutes = acts.mutate(minute=acts.occurred_at.truncate("m"))
    by_minute = minutes.group_by(*DAY, "minute").agg(acts=minutes.count())
    hours = by_minute.mutate(
        hour=by_minute.minute.truncate("h"), hot=(by_minute.acts >= cleaning.minute_statements).cast("int64")
    )
    by_hour = hours.group_by(*DAY, "hour").agg(acts=hours.acts.sum(), hot=hours.hot.sum())
    days = by_hour.group_by(*DAY).agg(most=by_hour.acts.max(), hot=by_hour.hot.sum())
    return days.filter((days.most >= cleaning.hour_statements) | (days.hot >= cleaning.hot_minutes)).select(*DAY)


def _regular(acts: "ir.Table", cleaning: Cleaning) -> "ir.Table":
    # A player reports its progress by itself at equal distances while someone watches.
    own = acts.filter(acts.verb != "progressed")
    before = own.occurred_at.lag().over(ibis.window(group_by=list(DAY), order_by=["occurred_at", "id"]))
    gaps = own.select(*DAY, gap_s=own.occurred_at.delta(before, unit="microsecond") / 1e6)
    gaps = gaps.filter(gaps.gap_s > 0)
    middle = gaps.group_by(*DAY).agg(middle_s=gaps.gap_s.median(), gaps=gaps.count())
    middle = middle.filter(middle.gaps >= cleaning.regular_statements)
    beside = gaps.join(middle, list(DAY))
    near_s = ibis.greatest(beside.middle_s * cleaning.regular_tolerance, ibis.literal(0.5))
    near = ((beside.gap_s - beside.middle_s).abs() <= near_s).cast("float64")
    days = beside.mutate(near=near).group_by(*DAY).agg(share=ibis._.near.mean())
    return days.filter(days.share >= cleaning.regular_share).select(*DAY)


def _far_from_run(records: Records, cleaning: Cleaning) -> "ir.Table":
    runs = records.table("course_runs")
    span = runs.group_by("run").agg(first_on=runs.starts_on.min(), last_on=runs.ends_on.max())
    beside = records.table("statements").join(span, "run")
    early = beside.first_on.delta(beside.occurred_on, unit="day") > cleaning.early_days
    late = beside.occurred_on.delta(beside.last_on, unit="day") > cleaning.late_days
    return beside.filter(early | late)


def _enrolled(records: Records) -> "ir.Table":
    enrolments = records.table("enrolments")
    return enrolments.filter(enrolments.status == "enrolled").select("run", "learner").distinct()


def _teaching(records: Records) -> "ir.Table":
    statements = records.table("statements")
    return statements.filter(statements.role == "instructor").select("run", "learner").distinct()


def _unmarked(records: Records) -> "ir.Table":
    statements = records.table("statements")
    return statements.filter(statements.role.isnull())


def _staff_unmarked(records: Records, _: Cleaning) -> "ir.Table":
    taught = _teaching(records).anti_join(_enrolled(records), ["run", "learner"])
    return _unmarked(records).semi_join(taught, ["run", "learner"])


def _test_account(records: Records, _: Cleaning) -> "ir.Table":
    attributes = records.table("attributes")
    said = attributes.filter(attributes["name"].isin(TEST_ATTRIBUTES) & attributes.value.lower().isin(_YES))
    both = _teaching(records).semi_join(_enrolled(records), ["run", "learner"])
    accounts = both.union(said.select("run", "learner")).distinct()
    return _unmarked(records).semi_join(accounts, ["run", "learner"])


def _orphan(records: Records, _: Cleaning) -> "ir.Table":
    known = _enrolled(records).union(_teaching(records))
    return _unmarked(records).anti_join(known, ["run", "learner"])


def _unknown_object(records: Records, _: Cleaning) -> "ir.Table":
    # Many logs come without a list of activities; then nothing is missing from it.
    activities = records.table("activities").select("run", object="activity").distinct()
    statements = records.table("statements")
    named = statements.filter(statements.object.notnull()).semi_join(activities, "run")
    return named.anti_join(activities, ["run", "object"])


_OTHERS: Final[dict[str, RecordsRule]] = {
    "far_from_run": _far_from_run,
    "staff_unmarked": _staff_unmarked,
    "test_account": _test_account,
    "orphan": _orphan,
    "unknown_object": _unknown_object,
}
