"""The protocol `uci320`: the final grade and passing, foreseen at the start and after two periods of marks.

Nothing here decides what was known when: `Facts` does.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from headway.domain.errors import NotEnoughData
from headway.domain.time import AsOf
from headway.evaluation.assess import Measure
from headway.evaluation.facts import Facts
from headway.evaluation.intervals import bootstrap
from headway.evaluation.protocols import PROTOCOLS, Heading, ProtocolResult, Row, Said, measured, sentences, summed
from headway.evaluation.risk_model import fitted_on
from headway.evaluation.rows import Rows
from headway.evaluation.trials import Progress
from headway.evaluation.uci697 import stratified
from headway.features.as_of import run_facts
from headway.features.engine import Records
from headway.models.forecast import FORECASTS, Forecast
from headway.models.model import Floats, Json, Matrix, Model

RUNS: Final = {"math": "uci320/math/1", "portuguese": "uci320/portuguese/1"}
STAGES: Final = {"without G1 and G2": "2005-09-15", "with G1 and G2": "2006-03-31"}
END: Final = "2006-06-30"
GRADES: Final = 20.0
"""The data set's grades are of 20."""

FOLDS: Final = 10
REPEATS: Final = 2
KNOWN_LATE: Final = "absences"
RMSE: Final = {
    ("math", "with G1 and G2"): 1.75,
    ("portuguese", "with G1 and G2"): 1.32,
    ("math", "without G1 and G2"): 3.90,
    ("portuguese", "without G1 and G2"): 2.67,
}
"""Cortez and Silva (2008), ten-fold, the best of their methods; figures are unverified."""

NOTES: Final = f"""
The final grade G3 is of 20; passing is 10 or more. {REPEATS} times {FOLDS} folds by learner, by grade in equal shares.
The calendar is made up, the order is true: without G1 and G2 is the start of the year, with them the end of the second
period.
As published: all columns, those too that say who somebody is, and absences, which are counted at the end of the year.
Honest: without these.
AUROC is that of not passing. References are the root mean squared errors of Cortez and Silva (2008), unverified.
Who took both subjects is two learners, as in the data.
"""


@dataclass(frozen=True)
class Grades:
    """The final grade, and passing."""

    repeats: int = REPEATS
    name: str = "uci320"
    summary: str = "Final grade of 20 (RMSE) and passing (AUROC), with and without the two earlier grades; ten-fold."
    reference: dict[str, Json] = field(
        default_factory=lambda: {"rmse": {f"{run}, {stage}": value for (run, stage), value in RMSE.items()}}
    )

    def run(self, records: Records, models: Sequence[Model], measure: Measure, progress: Progress) -> ProtocolResult:
        """Errors of all forecasts and figures of all models, by subject, stage and reading; see `Protocol.run`."""
        parts = []
        for subject, run in RUNS.items():
            try:
                facts = Facts.of(records, run)
            except NotEnoughData:
                parts.append(ProtocolResult([], [], [f"{run} is not here and was left out."]))
                continue
            zone = run_facts(records, run).zone
            for stage, on in STAGES.items():
                for reading in ("as published", "honest"):
                    progress(f"{self.name}, {subject}, {stage}, {reading}")
                    asked = _features(facts, on, zone, published=reading == "as published")
                    heading = Heading(f"{self.name}/{reading}/{subject}, {stage}")
                    day = run_facts(records, run).course_day(AsOf.at(on, zone))
                    task = _Task(facts, asked, day, self.repeats, measure)
                    reference = RMSE[subject, stage] if reading == "as published" else None
                    parts += [_forecast(heading, forecast, task, reference) for forecast in FORECASTS]
                    parts += [_passing(heading, model, task) for model in models if not model.trivial]
        if not any(part.rows for part in parts):
            raise NotEnoughData("Neither subject of UCI 320 is known. Import it: headway import uci320 FOLDER.")
        return ProtocolResult.joined([*parts, ProtocolResult([], [], sentences(NOTES))])


@dataclass(frozen=True, slots=True)
class _Task:
    facts: Facts
    features: Matrix
    day: int
    repeats: int
    measure: Measure

    @property
    def grades(self) -> Floats:
        return np.asarray(self.facts.final_score * GRADES, dtype=np.float64)

    def folds(self, repeat: int) -> NDArray[np.int64]:
        """Each fold with grades of all kinds."""
        words = np.array([f"{grade:04.1f}" for grade in self.grades], dtype=object)
        return stratified(words, FOLDS, self.measure.seed + repeat)

    def rows(self, labels: Floats) -> Rows:
        n = len(labels)
        runs, days = np.full(n, self.facts.run, dtype=object), np.full(n, self.day, dtype=np.int64)
        return Rows(self.features, labels, self.facts.learners, runs, days, np.zeros(n, dtype=np.int64))


def _features(facts: Facts, on: str, zone: str, *, published: bool) -> Matrix:
    """What was known on the day; as published also what is counted at the end of the year."""
    known = facts.matrix(AsOf.at(on, zone), sensitive=published)
    if not published:
        return known
    late = facts.words(KNOWN_LATE, AsOf.at(END, zone))
    numbers = np.array([float(value) if value else np.nan for value in late])
    return Matrix((*known.names, KNOWN_LATE), np.column_stack([known.values, numbers]))


def _forecast(heading: Heading, forecast: Forecast, task: _Task, reference: float | None) -> ProtocolResult:
    """The errors of the final grade, the mean over repeats, with the interval of the first."""
    held_out = []
    for repeat in range(task.repeats):
        fold, values = task.folds(repeat), np.zeros(len(task.grades))
        for k in range(FOLDS):
            rest, out = fold != k, fold == k
            fitted = forecast.fit(task.features.rows(rest), task.grades[rest], np.ones(rest.sum()), task.measure.seed)
            values[out] = np.clip(fitted.value(task.features.rows(out)), 0, GRADES)
        held_out.append(values)
    draws = {"seed": task.measure.seed, "n": task.measure.bootstrap}
    found = bootstrap(("rmse", "mae", "r2"), task.grades, held_out[0], task.facts.learners, **draws)
    summary: list[Row] = []
    for metric, interval in found.items():
        every = [_error(metric, task.grades, values) for values in held_out]
        line: Row = {"protocol": heading.label, "model": forecast.name, "day": task.day, "metric": metric}
        line |= {"figure": f"mean of {task.repeats} repeats", **interval.as_json(), "value": float(np.mean(every))}
        line |= {"sd": float(np.std(every, ddof=1)) if len(every) > 1 else None, "n": len(task.grades)}
        summary.append({**line, "reference": reference if metric == "rmse" else None})
    return ProtocolResult([], summary, [])


def _error(metric: str, values: Floats, told: Floats) -> float:
    from headway.evaluation import metrics

    return float({"rmse": metrics.rmse, "mae": metrics.mae, "r2": metrics.r2}[metric](values, told))


def _passing(heading: Heading, model: Model, task: _Task) -> ProtocolResult:
    """Not passing, each learner held out."""
    rows = task.rows(np.asarray(task.facts.outcome != "pass", dtype=np.float64))
    fold, risks = task.folds(0), np.zeros(len(rows))
    for k in range(FOLDS):
        rest, out = np.asarray(fold != k, dtype=np.bool_), np.asarray(fold == k, dtype=np.bool_)
        risks[out] = fitted_on(model, rows.where(rest), task.measure.seed).risk(rows.features.rows(out))
    said = Said(rows, risks, (task.facts.run,), int(len(rows) * (FOLDS - 1) / FOLDS))
    found = measured(heading, model, task.day, said, task.measure, "post-hoc")
    return ProtocolResult(found, [summed(found[0], "auroc", None)], [])


GRADED: Final = Grades()

PROTOCOLS.add(GRADED.name, GRADED)
