"""What the records of each run hold, counted by the engine: one row per run and question, never one per event.

Every expression here is an aggregate by run or by something as small, so that memory does not grow with the log.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any, Final

import ibis

from headway.domain.records import KINDS
from headway.domain.vocabulary import ASSESSMENT_TYPES
from headway.features.cleaning import Cleaning, counts
from headway.features.engine import Records
from headway.features.sessions import stamped

if TYPE_CHECKING:
    import ibis.expr.types as ir

Row = dict[str, Any]

DELAYS: Final[tuple[tuple[str, int], ...]] = (
    ("1 minute", 60),
    ("1 hour", 3600),
    ("1 day", 86_400),
    ("1 week", 7 * 86_400),
    ("30 days", 30 * 86_400),
    ("1 year", 365 * 86_400),
)
"""Steps of the distribution of delays: up to so many seconds between what was done and its record."""

_NOTHING: Final[Row] = {}


@dataclass(frozen=True, slots=True)
class Counted:
    """Counts by run, as plain rows; a run without such records has no row.

    Attributes:
        course_runs: when and where each run takes place, as last announced.
        kinds: rows and the latest `recorded_at` by run and record kind.
        statements: shares, delays and scores of the statements.
        verbs: how often each verb occurs.
        unknown: of statements whose verb has no word here, the source's own words, the most frequent first.
        hours: statements with a time of day by local hour, 24 numbers.
        people: learners enrolled now, ever enrolled, seen in statements, and of each those missing in the other.
        results: scores, and results of activities that are not in the list.
        activities: assessments, and those without a due date.
        outcomes: learners whose outcome is known.
        cleaning: statements and learners by rule of `headway.features.cleaning`.
        active: learners with activity by local day.
        handed_in: work handed in by local day, as results tell it.
    """

    course_runs: Mapping[str, Row]
    kinds: Mapping[str, Mapping[str, Row]]
    statements: Mapping[str, Row]
    verbs: Mapping[str, Mapping[str, int]]
    unknown: Mapping[str, list[Row]]
    hours: Mapping[str, list[int]]
    people: Mapping[str, Row]
    results: Mapping[str, Row]
    activities: Mapping[str, Row]
    outcomes: Mapping[str, Row]
    cleaning: Mapping[str, Mapping[str, Row]]
    active: Mapping[str, Mapping[date, int]]
    handed_in: Mapping[str, Mapping[date, int]]


def counted(records: Records, cleaning: Cleaning) -> Counted:
    """The counts of all runs that the records hold."""
    folded = records.keep("quality_learners", _folded(records))
    shares, delays = _by_run(records, _statements(folded)), _by_run(records, _delays(records))
    return Counted(
        course_runs=_by_run(records, _course_runs(records)),
        kinds=_kinds(records),
        statements={run: row | delays[run] for run, row in shares.items()},
        verbs=_verbs(records),
        unknown=_unknown_verbs(records),
        hours=_hours(records),
        people=_by_run(records, _people(records, folded)),
        results=_by_run(records, _results(records)),
        activities=_by_run(records, _activities(records)),
        outcomes=_by_run(records, _outcomes(records)),
        cleaning=_cleaning(records, cleaning),
        active=_by_day(records, _active(records)),
        handed_in=_by_day(records, _handed_in(records)),
    )


def _by_run(records: Records, rows: "ir.Table") -> dict[str, Row]:
    return {row.pop("run"): row for row in records.collect(rows).to_pylist()}


def _by_day(records: Records, rows: "ir.Table") -> dict[str, dict[date, int]]:
    found: defaultdict[str, dict[date, int]] = defaultdict(dict)
    for row in records.collect(rows).to_pylist():
        found[row["run"]][row["on"]] = row["n"]
    return dict(found)


def _nested(rows: Iterable[Row], key: str) -> dict[str, dict[str, Row]]:
    found: defaultdict[str, dict[str, Row]] = defaultdict(dict)
    for row in rows:
        found[row.pop("run")][row.pop(key)] = row
    return dict(found)


def _latest(rows: "ir.Table", keys: list[str], by: list[str]) -> "ir.Table":
    """Of the rows with equal keys the one that comes last by some columns."""
    newest = ibis.window(group_by=keys, order_by=[ibis.desc(name) for name in by])
    ranked = rows.mutate(place=ibis.row_number().over(newest))
    return ranked.filter(ranked.place == 0).drop("place")


def _course_runs(records: Records) -> "ir.Table":
    runs = _latest(records.table("course_runs"), ["run"], ["recorded_at", "id"])
    return runs.select("run", "source", "title", "starts_on", "ends_on", "zone", "inferred")


def _kinds(records: Records) -> dict[str, dict[str, Row]]:
    rows = []
    for kind in KINDS:
        table = records.table(kind)
        told = table.group_by("run", "source").agg(rows=table.count(), recorded_at=table.recorded_at.max())
        rows += [{"kind": kind, **row} for row in records.collect(told).to_pylist()]
    return _nested(rows, "kind")


def _folded(records: Records) -> "ir.Table":
    """Sums about the statements of each learner in each run, from which those of the runs follow."""
    known = records.table("activities").select("run", object="activity").distinct().mutate(listed=ibis.literal(1))
    statements = records.table("statements").left_join(known, ["run", "object"], rname="known_{name}")
    delay_s = statements.recorded_at.delta(statements.occurred_at, unit="second")
    told = statements.mutate(delay_s=delay_s)
    typed = told.object_type.notnull() | told.listed.notnull()
    return told.group_by("run", "learner").agg(
        statements=told.count(),
        interactions=told.interactions.sum(),
        own=told.role.isnull().sum(),
        own_interactions=told.interactions.sum(where=told.role.isnull()).fill_null(0),
        with_object=told.object.notnull().sum(),
        with_type=typed.sum(),
        unlisted=(told.object.notnull() & ~typed).sum(),
        with_hour=told.hour.notnull().sum(),
        totals=(~stamped(told)).sum(),
        with_duration=told.duration_s.notnull().sum(),
        first_on=told.occurred_on.min(),
        last_on=told.occurred_on.max(),
        delay_most_s=told.delay_s.max(),
        scores=told.score.count(),
        score_low=told.score.min(),
        score_high=told.score.max(),
        scores_outside=(~told.score.between(0, 1)).sum().fill_null(0),
        **{f"within_{seconds}": (told.delay_s <= seconds).sum() for _, seconds in DELAYS},
    )


def _statements(folded: "ir.Table") -> "ir.Table":
    added = ["statements", "interactions", "with_object", "with_type", "unlisted", "with_hour", "totals"]
    added += ["with_duration", "scores", "scores_outside", *(f"within_{seconds}" for _, seconds in DELAYS)]
    return folded.group_by("run").agg(
        learners=folded.count(),
        active_learners=(folded.own_interactions > 0).sum(),
        late_learners=(folded.delay_most_s > 7 * 86_400).sum(),
        first_on=folded.first_on.min(),
        last_on=folded.last_on.max(),
        delay_most_s=folded.delay_most_s.max(),
        score_low=folded.score_low.min(),
        score_high=folded.score_high.max(),
        **{name: folded[name].sum().cast("int64") for name in added},
    )


def _delays(records: Records) -> "ir.Table":
    statements = records.table("statements")
    told = statements.select("run", delay_s=statements.recorded_at.delta(statements.occurred_at, unit="second"))
    return told.group_by("run").agg(
        delay_median_s=told.delay_s.approx_quantile(0.5), delay_p90_s=told.delay_s.approx_quantile(0.9)
    )


def _verbs(records: Records) -> dict[str, dict[str, int]]:
    statements = records.table("statements")
    told = statements.group_by("run", "verb").agg(n=statements.count())
    rows = records.collect(told.order_by("run", ibis.desc("n"), "verb")).to_pylist()
    return {run: {verb: row["n"] for verb, row in of.items()} for run, of in _nested(rows, "verb").items()}


def _unknown_verbs(records: Records, most: int = 20) -> dict[str, list[Row]]:
    statements = records.table("statements")
    # whose own word is "interacted" said just that: nothing was lost in translation
    unknown = statements.filter((statements.verb == "interacted") & (statements.event.fill_null("") != "interacted"))
    told = unknown.group_by("run", "event").agg(statements=unknown.count(), learners=unknown.learner.nunique())
    place = ibis.row_number().over(ibis.window(group_by="run", order_by=[ibis.desc("statements"), "event"]))
    ranked = told.mutate(place=place, all=told.statements.sum().over(ibis.window(group_by="run")))
    found: defaultdict[str, list[Row]] = defaultdict(list)
    top = ranked.filter(ranked.place < most).order_by("run", "place")
    for row in records.collect(top.drop("place")).to_pylist():
        found[row.pop("run")].append(row)
    return dict(found)


def _hours(records: Records) -> dict[str, list[int]]:
    statements = records.table("statements")
    timed = statements.filter(stamped(statements))
    rows = records.collect(timed.group_by("run", "hour").agg(n=timed.count())).to_pylist()
    found: defaultdict[str, list[int]] = defaultdict(lambda: [0] * 24)
    for row in rows:
        found[row["run"]][row["hour"] % 24] = row["n"]
    return dict(found)


def _people(records: Records, folded: "ir.Table") -> "ir.Table":
    enrolments = _latest(
        records.table("enrolments"), ["run", "learner"], ["valid_from", "recorded_at", "status"]
    ).select("run", "learner", "status")
    enrolled = enrolments.mutate(listed=ibis.literal(1))
    seen = folded.filter(folded.own > 0).select("run", "learner", acts="own", done="own_interactions")
    both = enrolled.outer_join(seen, ["run", "learner"], rname="seen_{name}")
    told = both.select(
        "status",
        run=ibis.coalesce(both.run, both.seen_run),
        learner=ibis.coalesce(both.learner, both.seen_learner),
        listed=both.listed.notnull(),
        acted=both.acts.notnull(),
        active=both.done.fill_null(0) > 0,
    )
    return told.group_by("run").agg(
        listed=told.listed.sum(),
        enrolled=(told.status == "enrolled").sum(),
        acted=told.acted.sum(),
        active=told.active.sum(),
        not_listed=(told.acted & ~told.listed).sum(),
        never_active=((told.status == "enrolled") & ~told.active).sum(),
    )


def _results(records: Records) -> "ir.Table":
    known = records.table("activities").select("run", "activity").distinct().mutate(known=ibis.literal(1))
    results = records.table("results").left_join(known, ["run", "activity"], rname="known_{name}")
    return results.group_by("run").agg(
        results=results.count(),
        learners=results.learner.nunique(),
        scores=results.score.count(),
        score_low=results.score.min(),
        score_high=results.score.max(),
        scores_outside=(~results.score.between(0, 1)).sum(),
        outside_learners=results.learner.nunique(where=~results.score.between(0, 1)),
        unlisted=results.known.isnull().sum(),
        unlisted_activities=results.activity.nunique(where=results.known.isnull()),
        unlisted_learners=results.learner.nunique(where=results.known.isnull()),
        undated=results.submitted_at.isnull().sum(),
    )


def _activities(records: Records) -> "ir.Table":
    latest = _latest(records.table("activities"), ["run", "activity"], ["recorded_at", "id"])
    assessed = latest.type.isin(ASSESSMENT_TYPES)
    return latest.group_by("run").agg(
        activities=latest.count(),
        assessments=assessed.sum(),
        no_due_date=(assessed & latest.due_on.isnull()).sum(),
        no_weight=(assessed & latest.weight.isnull()).sum(),
        other_type=(latest.type == "other").sum(),
    )


def _outcomes(records: Records) -> "ir.Table":
    outcomes = records.table("outcomes")
    return outcomes.group_by("run").agg(learners=outcomes.learner.nunique())


def _cleaning(records: Records, cleaning: Cleaning) -> dict[str, dict[str, Row]]:
    return _nested(counts(records, cleaning).to_pylist(), "reason")


def _active(records: Records) -> "ir.Table":
    statements = records.table("statements")
    active = statements.filter((statements.interactions > 0) & statements.role.isnull())
    return active.group_by("run", on="occurred_on").agg(n=active.learner.nunique())


def _handed_in(records: Records) -> "ir.Table":
    results = records.table("results")
    own = results.filter(results.submitted_on.notnull() & ~results.transferred)
    return own.group_by("run", on="submitted_on").agg(n=own.count())
