"""From what is known now to tasks: rules are evaluated over a run's cohort, and tasks opened where nothing holds them.

Tasks, how each rule went, the notices that tell of them and the audit entry are written in one transaction.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from fnmatch import fnmatch
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from headway.advising import rule_queries, task_queries
from headway.advising.caseload import Candidate, caseload
from headway.advising.rule_queries import RuleState
from headway.advising.rules.configured import rules_of
from headway.advising.rules.opening import WEEK, Opened, Standing, admit
from headway.advising.rules.rule import Evidence, Hit, Needs, Read, Rule, Said, ScoredText
from headway.advising.tasks import Task
from headway.description.silence import Silence, silent_since
from headway.domain.errors import UnknownName
from headway.domain.time import AsOf
from headway.features.as_of import compute
from headway.features.definition import FEATURES
from headway.features.moments import Moment
from headway.features.views import FeatureView, view_with
from headway.flow.app import App
from headway.flow.notices import tell_of
from headway.flow.records import as_of_in, one_run
from headway.governance import audit
from headway.scoring import kept
from headway.store.database import lock

if TYPE_CHECKING:
    import sqlalchemy as sa
    from numpy.typing import NDArray

    from headway.lake.reading import Records

DAY: Final = "course_day"
"""A name that rules may read beside those of the features."""

FRESH: Final = timedelta(hours=36)
"""Predictions older than this are not acted on."""

TEXT_DAYS: Final = timedelta(days=7)
"""Texts written longer ago are not what somebody must read today."""


@dataclass(frozen=True, slots=True)
class OpenReport:
    """What came of the rules in a run.

    Attributes:
        run: the course run.
        as_of: the as-of time.
        learners: how many were enrolled; None where no rule looked.
        rules: what came of each rule.
        silence: the feed's silence, while which rules about silence are frozen.
        frozen: the rules that are.
        dry_run: whether nothing was written.
    """

    run: str
    as_of: AsOf
    learners: int | None
    rules: tuple[Opened, ...]
    silence: Silence | None
    frozen: tuple[str, ...]
    dry_run: bool = False

    @property
    def tasks(self) -> tuple[Task, ...]:
        """The tasks that were opened."""
        return tuple(task for opened in self.rules for task in opened.tasks)

    def as_json(self) -> dict[str, Any]:
        """The report as JSON-ready data but for its instants."""
        return {
            "run": self.run,
            "as_of": str(self.as_of),
            "learners": self.learners,
            "rules": {opened.rule: opened.counts() for opened in self.rules},
            "frozen": list(self.frozen),
            "feed_silent_since": None if self.silence is None else self.silence.since,
            "why_frozen": None if self.silence is None else self.silence.why,
            "tasks": [task.as_row() for task in self.tasks],
            "dry_run": self.dry_run,
        }


def rules_here(app: App) -> list[Rule]:
    """All rules of the home, those that are switched off among them.

    Raises:
        ConfigError: a rule of the settings cannot be used.
    """
    return rules_of(app.settings.rules, [*FEATURES.names(), DAY])


def rule_states(app: App, run: str | None = None) -> list[RuleState]:
    """How each rule last went in each run, or in one."""
    with app.store.read() as connection:
        return rule_queries.states(connection, run)


def open_tasks(
    app: App,
    run: str,
    as_of_text: str | None = None,
    *,
    rules: Sequence[str] = (),
    needs: Needs | None = None,
    dry_run: bool = False,
) -> OpenReport:
    """What came of a run's rules as of now, or as of a date; the tasks are open, and those who want to know are told.

    Doing it again opens nothing twice. While the run's feed is silent, rules that rest on silence are frozen.

    Args:
        app: where.
        run: an id or a glob that names one run.
        as_of_text: a date (its end, in the run's zone) or an instant; now where it is not said.
        rules: only these rules; all that are switched on where none is named.
        needs: only rules that need this.
        dry_run: write nothing.

    Raises:
        UnknownName: a run or rule is not known.
        ConfigError: a rule of the settings cannot be used.
    """
    run = one_run(app, run)
    chosen = _chosen(rules_here(app), run, rules, needs)
    as_of = AsOf.now(app.clock)
    if as_of_text is not None:
        with app.lake.open(None, [run], kinds=["course_runs"]) as records:
            as_of = as_of_in(records, run, as_of_text)
    with app.lake.open(as_of, [run]) as records:
        silence = silent_since(records, run, as_of)
        frozen = [rule for rule in chosen if silence is not None and rule.rests_on_silence]
        active = [rule for rule in chosen if rule not in frozen]
        evidence, learners = _evidence(app, records, run, as_of, active)
    found = [(rule, rule.decide(evidence)) for rule in active]
    now = app.clock.now()
    with app.store.read() if dry_run else app.store.begin() as connection:
        if not dry_run:
            lock(connection, f"rules {run}")
        standing = _standing(connection, run, now)
        opened = admit(_unread(connection, run, found), standing, run, as_of, now, app.settings.advising.capacity)
        report = OpenReport(
            run, as_of, learners, tuple(opened), silence, tuple(sorted(rule.name for rule in frozen)), dry_run
        )
        if not dry_run:
            _keep(app, connection, report, frozen, now)
    return report


def _chosen(rules: Sequence[Rule], run: str, names: Sequence[str], needs: Needs | None) -> list[Rule]:
    known = {rule.name for rule in rules}
    for name in names:
        if name not in known:
            raise UnknownName.of("rule", name, known)
    return [
        rule
        for rule in rules
        if (rule.name in names if names else rule.enabled)
        and (not rule.runs or any(fnmatch(run, pattern) for pattern in rule.runs))
        and (needs is None or needs in rule.needs)
    ]


def _evidence(
    app: App, records: "Records", run: str, as_of: AsOf, rules: Sequence[Rule]
) -> tuple[Evidence, int | None]:
    """What the rules need to see, and no more."""
    wanted = {need for rule in rules for need in rule.needs}
    reads = sorted({read for rule in rules for read in rule.reads})
    learners: list[str] = []
    columns: dict[Read, NDArray[np.float64]] = {}
    if reads:
        learners, columns = _columns(records, run, as_of, reads)
    evidence = Evidence(
        run=run,
        as_of=as_of,
        learners=learners,
        columns=columns,
        predictions=_predictions(app, run, as_of) if "predictions" in wanted else {},
        capacity=app.settings.advising.capacity,
        texts=_texts(records, run, as_of) if "texts" in wanted else (),
        engagement=app.settings.engagement,
    )
    return evidence, len(learners) if reads else None


def _columns(
    records: "Records", run: str, as_of: AsOf, reads: Sequence[Read]
) -> "tuple[list[str], dict[Read, NDArray[np.float64]]]":
    """Everyone enrolled, and the values read; NaN for who was not enrolled that many days ago."""
    features = tuple(sorted({read.feature for read in reads} - {DAY})) or ("interactions_total",)
    days = sorted({0, *(read.days_ago for read in reads)})
    times = {ago: AsOf(as_of.instant - timedelta(days=ago)) for ago in days}
    table = compute(_view(features), records, [Moment(run, time) for time in times.values()]).table
    at = np.asarray(table["as_of"].to_pylist(), dtype=object)
    who = np.asarray(table["learner"].to_pylist(), dtype=object)
    values = {name: table[name].to_numpy(zero_copy_only=False).astype(np.float64) for name in (*features, DAY)}
    now = at == as_of.instant
    learners = [str(learner) for learner in who[now]]
    place = {learner: row for row, learner in enumerate(learners)}
    columns = {}
    for read in reads:
        then = at == times[read.days_ago].instant
        column = np.full(len(learners), np.nan)
        rows = [
            (place[learner], row)
            for row, learner in zip(np.flatnonzero(then), who[then], strict=True)
            if learner in place
        ]
        if rows:
            to, source = (list(each) for each in zip(*rows, strict=True))
            column[to] = values[read.feature][source]
        columns[read] = column
    return learners, columns


@lru_cache(maxsize=16)
def _view(features: tuple[str, ...]) -> FeatureView:
    """The view of these features; its hash is made from their source code, which takes a while."""
    return view_with("rules", features)


def _predictions(app: App, run: str, as_of: AsOf) -> dict[str, Said]:
    """The newest predictions in the order of the list; none where they are too old to act on."""
    with app.store.read() as connection:
        found = kept.newest(connection, run, AsOf(as_of.instant - FRESH), as_of)
        if found is None:
            return {}
        said = kept.predictions_of(connection, found)
    candidates = [
        Candidate(one.learner, one.risk or 0.0, one.low or 0.0, one.high or 0.0, one.status, one.reasons)
        for one in said
    ]
    listed = caseload(candidates, app.settings.advising.capacity).entries
    return {
        entry.candidate.learner: Said(
            entry.candidate.risk, entry.order, found.id, entry.main_reason.text if entry.main_reason else None
        )
        for entry in listed
    }


def _texts(records: "Records", run: str, as_of: AsOf) -> list[ScoredText]:
    """The texts of the last days, each with how much it sounds like distress."""
    texts = records.table("texts")
    recent = texts.filter((texts.run == run) & (texts.occurred_at > as_of.instant - TEXT_DAYS))
    rows = records.collect(recent.select("id", "learner", "body")).to_pylist()
    return [ScoredText(row["learner"], row["id"].hex(), *_sounds(row["body"])) for row in rows]


@lru_cache(maxsize=20_000)
def _sounds(body: str) -> tuple[float, bool]:
    """The score of a text, and whether a person should read it. A text is looked at once, not every minute."""
    from headway.models.text.distress import distress
    from headway.models.text.words import words_of

    found = distress(words_of(body))
    return found.score, found.to_read


def _standing(connection: "sa.Connection", run: str, now: datetime) -> Standing:
    return Standing(
        tasks=task_queries.last_tasks(connection, run),
        contacts=task_queries.last_contacts(connection, run),
        not_to_contact=task_queries.not_to_contact(connection),
        opened=task_queries.opened_since(connection, run, now - WEEK),
    )


def _unread(
    connection: "sa.Connection", run: str, found: Sequence[tuple[Rule, Sequence[Hit]]]
) -> list[tuple[Rule, Sequence[Hit]]]:
    """Without the texts that an earlier task has asked somebody to read."""
    if not any(hit.records for _, hits in found for hit in hits):
        return list(found)
    asked = task_queries.records_asked_about(connection, run)
    return [(rule, [hit for hit in hits if not hit.records or hit.records - asked]) for rule, hits in found]


def _keep(app: App, connection: "sa.Connection", report: OpenReport, frozen: Sequence[Rule], now: datetime) -> None:
    opened = task_queries.add(connection, report.tasks)
    why = None if report.silence is None else report.silence.why
    told = [
        *(
            RuleState(report.run, one.rule, report.as_of.instant, now, "evaluated", None, one.counts())
            for one in report.rules
        ),
        *(RuleState(report.run, rule.name, report.as_of.instant, now, "frozen", why, {}) for rule in frozen),
    ]
    rule_queries.keep(connection, report.run, told, [rule.name for rule in rules_here(app) if rule.enabled])
    if opened:
        tell_of(app, connection, opened, now)
        counts = {one.rule: len(one.tasks) for one in report.rules if one.tasks}
        audit.record(
            connection, now, app.actor, "open_tasks", report.run, {"as_of": str(report.as_of), "opened": counts}
        )
