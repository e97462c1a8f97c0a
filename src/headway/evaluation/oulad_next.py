"""The protocol `oulad-next`: passing the next assessment, foreseen 14 and 7 days before it is due.

A row is an enrolment and an assessment. It rests on registrations, hand-ins and marks alone, so that all course runs
can be tested. Nothing here decides what was known when: `Bench` does.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Final

import numpy as np

from headway.domain.errors import NotEnoughData
from headway.domain.runs import RunId
from headway.domain.time import AsOf
from headway.evaluation.assess import Measure
from headway.evaluation.paradigms import Bench
from headway.evaluation.protocols import (
    PROTOCOLS,
    ProtocolResult,
    Row,
    Said,
    averaged,
    measured,
    published,
    sentences,
    summed,
)
from headway.evaluation.rows import Rows, joined, refuse_shared_learners
from headway.evaluation.trials import READINGS, Data, Progress, Trial, data_of, fit_for_many, prepare, told
from headway.features import known
from headway.features.as_of import run_facts
from headway.features.engine import Records
from headway.features.labels import MARKING_DAYS, Label, passes_assessment
from headway.features.moments import Moment
from headway.models.model import Json, Model

DAYS_BEFORE: Final = (14, 7)
GROUPS: Final = 4
"""As published, course runs are left out in so many groups, not one by one: fewer fits, a little less to learn from."""

NOTES: Final = f"""
A row is an enrolment and an assessment that is not an exam; of several due on one day the one with the most weight
counts. Who has already handed it in has nothing left to pass and is no row. Not handed in counts as not passed.
Day -14 is the end of the day 14 days before the due date; assessments for which that lies before the first day of
the run are left out.
As published: who has already left is kept, unless that was before the end of the first day, and course runs are left
out in {GROUPS} groups, each scored by a model that learned from all others, later ones too.
Honest: only who is still enrolled is scored. All runs of a period are scored by a model that knew nothing after the
first moment scored in that period; a label is known {MARKING_DAYS} days after the due date, or when the mark came
if that was later.
Who has gone is easily foreseen, so base rates and figures of the two readings do not compare.
Under both readings a learner who is scored is in no training row. Figures at capacity are left out: the label is a
success.
"""


@dataclass(frozen=True)
class NextAssessment:
    """Passing the next assessment, foreseen some days before it is due."""

    days_before: tuple[int, ...] = DAYS_BEFORE
    name: str = "oulad-next"
    summary: str = "Passes the next assessment (40% or more), foreseen 14 and 7 days before it is due."
    reference: dict[str, Json] = field(
        default_factory=lambda: {"auroc": {"-14": 0.898}, "brier": {"-14": 0.128, "-7": 0.122}}
    )

    def run(self, records: Records, models: Sequence[Model], measure: Measure, progress: Progress) -> ProtocolResult:
        """The figures for all rows together, for each run, and their mean over runs; see `Protocol.run`."""
        parts = []
        for data in data_of(records, clicks=False):
            parts.append(ProtocolResult([], [], [data.note()]))
            for reading in READINGS:
                trial = Trial(self.name, reading, data)
                bench = trial.bench(records)
                for days_before in self.days_before:
                    asked = _Asked.of(bench, data, days_before, progress)
                    parts.append(self._asked(trial, asked, models, measure, progress))
        return ProtocolResult.joined([*parts, ProtocolResult([], [], sentences(NOTES))])

    def _asked(
        self, trial: Trial, asked: "_Asked", models: Sequence[Model], measure: Measure, progress: Progress
    ) -> ProtocolResult:
        day = -asked.days_before
        splits = list(asked.past_first() if trial.reading == "honest" else asked.left_out(GROUPS))
        rows: list[Row] = []
        summary: list[Row] = []
        for model in trial.able(models) if splits else []:
            progress(f"{trial.label}, day {day}: {model.name}, {len(splits)} fits")
            found = measured(trial, model, day, _said(model, splits, measure.seed), measure)
            rows += [row | {"at_capacity": None} for row in found]
            summary += self._summary(found, day, len(asked.moments))
        return ProtocolResult(rows, summary, [_tested(trial, asked, splits)])

    def _summary(self, rows: list[Row], day: int, runs: int) -> list[Row]:
        references = {metric: published(self.reference, metric, day) for metric in ("auroc", "brier")}
        together = [
            summed(rows[0], metric, references.get(metric)) for metric in ("auroc", "brier", "ece", "base_rate")
        ]
        return [*together, averaged(rows[1:] or rows, "auroc", references["auroc"], runs)]


@dataclass(frozen=True, slots=True)
class _Split:
    """Rows to be scored and rows to learn from, without a common learner."""

    test: Rows
    learn: Rows


@dataclass(frozen=True, slots=True)
class _Asked:
    """All rows of some course runs at so many days before each due date."""

    bench: Bench
    target: Label
    days_before: int
    moments: dict[str, list[Moment]]
    rows: Rows

    @classmethod
    def of(cls, bench: Bench, data: Data, days_before: int, progress: Progress) -> "_Asked":
        """The rows with what became of them, features computed first."""
        target = passes_assessment(days_before)
        moments = _moments(bench.records, data.runs, days_before)
        everything = [moment for of_run in moments.values() for moment in of_run]
        prepare(bench, everything, progress)
        return cls(bench, target, days_before, moments, bench.rows(everything, target, None))

    def left_out(self, groups: int) -> Iterator[_Split]:
        """Runs in turn, in groups, and all others."""
        runs = sorted(set(self.rows.runs))
        for k in range(min(groups, len(runs))):
            out = np.isin(self.rows.runs.astype(str), runs[k::groups])
            if not out.all():
                yield _split(self.rows.where(out), self.rows.where(~out))

    def past_first(self) -> Iterator[_Split]:
        """The runs of each period, and all that was known before the first of them was scored."""
        periods = sorted({RunId.parse(run).run for run in self.moments})
        for period in periods:
            runs = [run for run in self.moments if RunId.parse(run).run == period]
            test = self.rows.where(np.isin(self.rows.runs.astype(str), runs))
            known_by = min(moment.as_of for run in runs for moment in self.moments[run])
            others = [moment for run, of_run in self.moments.items() if run not in runs for moment in of_run]
            try:
                learn = self.bench.rows([past for past in others if past.as_of <= known_by], self.target, known_by)
            except NotEnoughData:
                continue
            yield _split(test, learn)


def _split(test: Rows, learn: Rows) -> _Split:
    kept = learn.without(test.learners)
    refuse_shared_learners(kept, test)
    return _Split(test, kept)


def _moments(records: Records, runs: Sequence[str], days_before: int) -> dict[str, list[Moment]]:
    """For each run, the ends of the days so many days before a due date of it, none before its first day."""
    plan = known.assessments(records.table("activities"))
    dated = records.collect(
        plan.filter(plan.type != "exam").select("run", "due_on").distinct().order_by("run", "due_on")
    )
    due: dict[str, list[date]] = {}
    for run, due_on in zip(dated["run"].to_pylist(), dated["due_on"].to_pylist(), strict=True):
        due.setdefault(run, []).append(due_on)
    found = {}
    for run in runs:
        about = run_facts(records, run)
        days = [due_on - timedelta(days=days_before) for due_on in due.get(run, [])]
        found[run] = [Moment(run, AsOf.at(day.isoformat(), about.zone)) for day in days if day >= about.starts_on]
    return {run: of_run for run, of_run in found.items() if of_run}


def _said(model: Model, splits: Sequence[_Split], seed: int) -> Said:
    """What one fit a split says of all tested rows."""
    risks = []
    for split in splits:
        # The days of the rows belong to their due dates: all are looked at alike, so all serve to calibrate.
        learn = replace(split.learn, days=np.zeros(len(split.learn), dtype=np.int64))
        risks.append(fit_for_many(model, learn, 0, seed).predict(split.test.features).risks)
    learned_from = tuple(sorted({run for split in splits for run in split.learn.runs}))
    most = max(len(split.learn) for split in splits)
    return Said(joined([split.test for split in splits]), np.concatenate(risks), learned_from, most)


def _tested(trial: Trial, asked: _Asked, splits: Sequence[_Split]) -> str:
    tested = {run for split in splits for run in split.test.runs}
    missing = sorted(set(asked.rows.runs) - tested)
    rows = sum(len(split.test) for split in splits)
    rest = f" Not tested, since no label was known by then: {told(missing)}." if missing else ""
    return (
        f"{trial.label}, {asked.days_before} days before: {rows} of {len(asked.rows)} rows in {len(tested)} of "
        f"{len(tested) + len(missing)} runs could be tested.{rest}"
    )


NEXT_ASSESSMENT: Final = NextAssessment()

PROTOCOLS.add(NEXT_ASSESSMENT.name, NEXT_ASSESSMENT)
