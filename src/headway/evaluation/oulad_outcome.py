"""The protocols `oulad-future` and `oulad-lopo`: who does not finish, foreseen in course runs not learned from.

Both compare with figures that keep who has already left and learn from labels nobody knew yet; see
docs/explanation/protocols.md. Nothing here decides what was known when: `Bench` does.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from headway.domain.errors import NotEnoughData
from headway.evaluation.assess import Measure, table
from headway.evaluation.paradigms import SPREAD_DAYS, Bench, Question
from headway.evaluation.protocols import (
    PROTOCOLS,
    ProtocolResult,
    Row,
    Said,
    averaged,
    measured,
    not_measured,
    published,
    sentences,
    summed,
    value_of,
)
from headway.evaluation.rows import Rows, refuse_shared_learners
from headway.evaluation.trials import READINGS, Progress, Trial, data_of, fit_for_many, prepare, told
from headway.features.as_of import Reading, moments_on_days
from headway.features.engine import Records
from headway.features.labels import label
from headway.models.model import Json, Model

TARGET: Final = "does_not_finish"
TRAIN_PERIODS: Final = ("2013B", "2013J", "2014B")
TEST_PERIODS: Final = ("2014J",)
FUTURE_DAYS: Final = (14, 28, 42, 56)
FOLD_DAY: Final = 56

READING_NOTES: Final = f"""
As published: who has already left is kept and labels count whenever they became known. With clicks, who has not
clicked by the as-of time is dropped; with records alone, who left before the end of the first day. Such figures
count as foreseen who had already gone.
Honest: only who is still enrolled is scored, and only labels known by the as-of time are learned from; past runs
are looked at on up to {len(SPREAD_DAYS)} days around the day (as published: on that day alone).
Under both readings a learner who is scored is in no training row, and a mark counts from when it was recorded as
known.
"""


@dataclass(frozen=True)
class Future:
    """Learn from 2013B, 2013J and 2014B; score 2014J at the end of some days."""

    days: tuple[int, ...] = FUTURE_DAYS
    name: str = "oulad-future"
    summary: str = "Does not finish; learned from 2013B, 2013J and 2014B, scored in 2014J on days 14, 28, 42 and 56."
    reference: dict[str, Json] = field(
        default_factory=lambda: {
            "auroc": {"14": 0.713, "28": 0.752, "42": 0.773, "56": 0.808},
            "auprc": {"14": 0.674, "28": 0.723, "42": 0.748, "56": 0.806},
        }
    )

    def run(self, records: Records, models: Sequence[Model], measure: Measure, progress: Progress) -> ProtocolResult:
        """The figures on each day, for the test runs together and for each alone; see `Protocol.run`."""
        parts = []
        for data in data_of(records):
            train, test = data.during(TRAIN_PERIODS), data.during(TEST_PERIODS)
            runs = f"learned from {told(train)}; scored {told(test)}"
            if not train or not test:
                parts.append(ProtocolResult([], [], [f"Data “{data.name}” cannot be tested: {runs}."]))
                continue
            parts.append(ProtocolResult([], [], [data.note(), f"Data “{data.name}”: {runs}."]))
            for reading in READINGS:
                parts += self._trial(Trial(self.name, reading, data), records, models, measure, progress)
        return ProtocolResult.joined([*parts, ProtocolResult([], [], sentences(READING_NOTES))])

    def _trial(
        self, trial: Trial, records: Records, models: Sequence[Model], measure: Measure, progress: Progress
    ) -> list[ProtocolResult]:
        bench = trial.bench(records)
        past = moments_on_days(records, trial.data.during(TRAIN_PERIODS), _past_days(self.days, trial.reading))
        prepare(bench, [*past, *moments_on_days(records, trial.data.during(TEST_PERIODS), self.days)], progress)
        parts = []
        for day in self.days:
            test, learn, why = _split(bench, trial, day)
            for model in trial.able(models):
                progress(f"{trial.label}, day {day}: {model.name}")
                parts.append(self._scored(trial, model, day, test, learn, why, measure))
        return parts

    def _scored(
        self, trial: Trial, model: Model, day: int, test: Rows, learn: Rows | None, why: str, measure: Measure
    ) -> ProtocolResult:
        if learn is None:
            rows = [not_measured(trial, model, day, test, why)]
        else:
            risks = fit_for_many(model, learn, day, measure.seed).predict(test.features).risks
            rows = measured(trial, model, day, Said(test, risks, tuple(sorted(set(learn.runs))), len(learn)), measure)
        summary = [summed(rows[0], metric, published(self.reference, metric, day)) for metric in ("auroc", "auprc")]
        return ProtocolResult(rows, summary, [])


def _split(bench: Bench, trial: Trial, day: int) -> tuple[Rows, Rows | None, str]:
    """The rows to be scored and those to learn from, or why there are none."""
    target = label(TARGET)
    scored = moments_on_days(bench.records, trial.data.during(TEST_PERIODS), [day])
    test = bench.rows(scored, target, None)
    known_by = min(moment.as_of for moment in scored) if trial.reading == "honest" else None
    days = _past_days((day,), trial.reading)
    past = moments_on_days(bench.records, trial.data.during(TRAIN_PERIODS), days, known_by)
    try:
        learn = bench.rows(
            [moment for moment in past if known_by is None or moment.as_of <= known_by], target, known_by
        )
    except NotEnoughData as wrong:
        return test, None, str(wrong)
    learn = learn.without(test.learners)
    refuse_shared_learners(learn, test)
    return test, learn, ""


def _spread(reading: Reading) -> tuple[int, ...]:
    return SPREAD_DAYS if reading == "honest" else (0,)


def _past_days(days: Sequence[int], reading: Reading) -> list[int]:
    return sorted({day + offset for day in days for offset in _spread(reading) if day + offset >= 0})


@dataclass(frozen=True)
class LeaveOneOut:
    """Each course run in turn is scored by a model that learned from the others."""

    name: str = "oulad-lopo"
    summary: str = f"Does not finish; each course run left out in turn, scored on day {FOLD_DAY}; mean AUROC over runs."
    reference: dict[str, Json] = field(
        default_factory=lambda: {"auroc": {str(FOLD_DAY): 0.804}, "sd": {str(FOLD_DAY): 0.087}}
    )

    def run(self, records: Records, models: Sequence[Model], measure: Measure, progress: Progress) -> ProtocolResult:
        """The figures of each fold and their mean; see `Protocol.run`."""
        parts = []
        for data in data_of(records):
            if len(data.runs) < 2:
                parts.append(
                    ProtocolResult([], [], [f"Data “{data.name}” cannot be tested: it holds {told(data.runs)}."])
                )
                continue
            parts.append(ProtocolResult([], [], [data.note()]))
            trials = [Trial(self.name, reading, data) for reading in READINGS]
            parts += [self._trial(trial, records, models, measure, progress) for trial in trials]
        sd = published(self.reference, "sd", FOLD_DAY)
        last = [
            f"The published mean has a standard deviation of {sd} over 22 folds (LightGBM).",
            *sentences(READING_NOTES),
        ]
        return ProtocolResult.joined([*parts, ProtocolResult([], [], last)])

    def _trial(
        self, trial: Trial, records: Records, models: Sequence[Model], measure: Measure, progress: Progress
    ) -> ProtocolResult:
        bench = trial.bench(records)
        able = trial.able(models)
        prepare(bench, moments_on_days(records, trial.data.runs, _past_days((FOLD_DAY,), trial.reading)), progress)
        questions = [
            Question(
                target=label(TARGET),
                train_runs=tuple(other for other in trial.data.runs if other != run),
                test_run=run,
                day=FOLD_DAY,
                seed=measure.seed,
                spread=_spread(trial.reading),
            )
            for run in trial.data.runs
        ]
        rows = table(bench, questions, ["transfer"], able, measure, trial.label, progress)
        reference = published(self.reference, "auroc", FOLD_DAY)
        by_model = [[row for row in rows if row["model"] == model.name] for model in able]
        return ProtocolResult(
            rows, [averaged(of, "auroc", reference, len(of)) for of in by_model], _untested(trial, rows)
        )


def _untested(trial: Trial, rows: Sequence[Row]) -> list[str]:
    missing = sorted({str(row["test"]) for row in rows if value_of(row, "auroc") is None})
    if not missing:
        return []
    left_out = f"{len(missing)} of {len(trial.data.runs)} folds are left out of the mean"
    return [f"{trial.label}: {left_out}, since no label of another run was known by then: {told(missing)}."]


FUTURE: Final = Future()
LEAVE_ONE_OUT: Final = LeaveOneOut()

PROTOCOLS.add(FUTURE.name, FUTURE)
PROTOCOLS.add(LEAVE_ONE_OUT.name, LEAVE_ONE_OUT)
