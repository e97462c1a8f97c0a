"""Named protocols: published figures re-run from records and printed beside their reference, as published and honest.

A protocol is a class of one module of this package, added to `PROTOCOLS`. What all share is here: which data a figure
rests on, and how rows and summary look. A protocol must say in its notes what it assumed and what it could not test; it
never leaves out a test run silently.
"""

import typing
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

import numpy as np

from headway.domain.errors import InputError, NotEnoughData
from headway.domain.extensions import Extensions
from headway.domain.runs import RunId
from headway.domain.time import AsOf
from headway.evaluation.assess import METRICS, Measure, figures
from headway.evaluation.intervals import known
from headway.evaluation.paradigms import Bench
from headway.evaluation.risk_model import RiskModel, fit
from headway.evaluation.rows import Rows
from headway.features.as_of import Moment, Reading, moments_on_days, runs_with_activity
from headway.features.engine import Records
from headway.features.labels import Label
from headway.features.views import RECORDS_ONLY, STANDARD, view_of
from headway.models.model import Floats, Json, Matrix, Model

SOURCE: Final = "oulad"
MANY: Final = f"{SOURCE}/all"
"""Stands for the course of a model that scores runs of many courses."""

READINGS: Final[tuple[Reading, ...]] = ("as published", "honest")

Progress = Callable[[str], None]
Row = dict[str, Json]


@dataclass(frozen=True, slots=True)
class ProtocolResult:
    """What a protocol found.

    Attributes:
        rows: the shape of `assess.table`; `protocol` is "NAME/READING/DATA", `test` a run or the list of runs scored
            together.
        summary: one row per (protocol, model, day, metric): `figure` says over what, beside the published `reference`.
        notes: sentences: which runs and data were used, what was assumed, what could not be tested.
    """

    rows: list[Row]
    summary: list[Row]
    notes: list[str]

    @classmethod
    def joined(cls, parts: Iterable["ProtocolResult"]) -> "ProtocolResult":
        """All parts as one, in order."""
        several = list(parts)
        return cls(
            [row for part in several for row in part.rows],
            [row for part in several for row in part.summary],
            [note for part in several for note in part.notes],
        )


class Protocol(typing.Protocol):
    """A named way to measure, with the published figures it repeats."""

    @property
    def name(self) -> str:
        """The name users type."""
        ...

    @property
    def summary(self) -> str:
        """One line: task, split and measure."""
        ...

    @property
    def reference(self) -> dict[str, Json]:
        """Published figures: metric, then day (or "all"), then value."""
        ...

    def run(self, records: Records, models: Sequence[Model], measure: Measure, progress: Progress) -> ProtocolResult:
        """The figures of all readings and data that the records allow.

        Raises:
            NotEnoughData: the records hold no course run of the protocol's data set.
        """
        ...


PROTOCOLS: Extensions[Protocol] = Extensions("protocols", "headway.evaluation")


@dataclass(frozen=True, slots=True)
class Data:
    """Course runs and the view that their records allow.

    Attributes:
        name: how it is put beside a figure.
        view: the feature view's name.
        runs: the runs.
        has_clicks: whether the learners' activity in the materials is there.
    """

    name: Literal["with clicks", "records alone"]
    view: str
    runs: tuple[str, ...]
    has_clicks: bool

    def during(self, periods: Iterable[str]) -> tuple[str, ...]:
        """Its runs of these periods, such as 2014J."""
        wanted = set(periods)
        return tuple(run for run in self.runs if RunId.parse(run).run in wanted)

    def note(self) -> str:
        """One sentence: which runs, and what is known of them."""
        what = "clicks, assessments and registrations" if self.has_clicks else "assessments and registrations alone"
        return f"Data “{self.name}”: {len(self.runs)} course runs, {what} ({told(self.runs)})."


@dataclass(frozen=True, slots=True)
class Trial:
    """A protocol under one reading on some data."""

    protocol: str
    reading: Reading
    data: Data

    @property
    def label(self) -> str:
        """How the trial is called in rows."""
        return f"{self.protocol}/{self.reading}/{self.data.name}"

    def bench(self, records: Records) -> Bench:
        """Features and labels under the trial's reading."""
        kind = Clicked if self.reading == "as published" and self.data.has_clicks else Bench
        return kind(records, view_of(self.data.view), self.reading)

    def able(self, models: Sequence[Model]) -> list[Model]:
        """The models without rules that look at a feature which the data cannot give."""
        return [model for model in models if not model.trivial or _can_learn(model, view_of(self.data.view).features)]


class Clicked(Bench):
    """A bench that drops who has not clicked by the as-of time, as some published figures do."""

    def rows(self, moments: Sequence[Moment], target: Label, known_by: AsOf | None) -> Rows:
        """The labelled rows of those who clicked; arguments as in `Bench.rows`."""
        found = super().rows(moments, target, known_by)
        seen = sum(known_numbers(found.features, name) for name in ("interactions_total", "interactions_before_start"))
        return found.where(np.asarray(seen > 0, dtype=np.bool_))


@dataclass(frozen=True, slots=True)
class Said:
    """Risks for some rows, and what they were learned from.

    Attributes:
        test: the rows, with what became of them.
        risks: one a row.
        learned_from: the runs whose rows were used.
        rows_learned: how many rows, of the largest fit where there were several.
    """

    test: Rows
    risks: Floats
    learned_from: tuple[str, ...]
    rows_learned: int


def data_of(records: Records, *, clicks: bool = True) -> list[Data]:
    """The data that a figure can rest on: runs with clicks, where they are wanted, and all runs by their records alone.

    Raises:
        NotEnoughData: there is no enrolment in a run of the source.
    """
    enrolments = records.table("enrolments")
    found = records.collect(enrolments.filter(enrolments.source == SOURCE).select("run").distinct())["run"].to_pylist()
    if not found:
        raise NotEnoughData(
            f"No course run of {SOURCE!r} is known. Import the data set: headway import {SOURCE} FOLDER."
        )
    active = runs_with_activity(records) if clicks else set()
    clicked = tuple(sorted(active.intersection(found)))
    alone = Data("records alone", RECORDS_ONLY, tuple(sorted(found)), has_clicks=False)
    return [Data("with clicks", STANDARD, clicked, has_clicks=True), alone] if clicks else [alone]


def prepare(bench: Bench, runs: Sequence[str], days: Sequence[int], progress: Progress) -> None:
    """Computes the features of these days, a run at a time so that memory does not grow with the number of runs."""
    for run in runs:
        progress(f"{run}: features of {len(days)} days, {bench.reading}")
        bench.prepare(moments_on_days(bench.records, [run], days))


def fit_for_many(model: Model, rows: Rows, day: int, seed: int) -> RiskModel:
    """`risk_model.fit` for a model that scores many runs: calibrated on its whole past, not on one course's."""
    together = replace(rows, runs=np.full(len(rows), f"{MANY}/past", dtype=object))
    return fit(model, together, course=MANY, day=day, seed=seed)


def joined(parts: Sequence[Rows]) -> Rows:
    """The rows of all parts, in order; the parts have the same features."""
    features = Matrix(parts[0].features.names, np.concatenate([part.features.values for part in parts]))
    return Rows(
        features,
        np.concatenate([part.labels for part in parts]),
        np.concatenate([part.learners for part in parts]),
        np.concatenate([part.runs for part in parts]),
        np.concatenate([part.days for part in parts]),
        np.concatenate([part.instants for part in parts]),
    )


def measured(trial: Trial, model: Model, day: int, said: Said, measure: Measure) -> list[Row]:
    """A row for all tested rows together, then one for each run where there are several."""
    runs = sorted(set(said.test.runs))
    together = replace(measure, capacity=measure.capacity * len(runs))
    rows = [_about(trial, model, day, runs) | figures(said.test, said.risks, together)]
    for run in runs if len(runs) > 1 else []:
        of_run = np.asarray(said.test.runs == run, dtype=np.bool_)
        rows.append(_about(trial, model, day, [run]) | figures(said.test.where(of_run), said.risks[of_run], measure))
    end: Row = {"train": list(said.learned_from), "rows_learned": said.rows_learned, "note": None}
    return [row | end for row in rows]


def not_measured(trial: Trial, model: Model, day: int, test: Rows, why: str) -> Row:
    """The row of a test that could not be answered honestly."""
    nothing: Row = {name: {"value": None, "low": None, "high": None} for name in METRICS}
    counted: Row = {"n": len(test), "base_rate": known(float(test.labels.mean()))}
    about = _about(trial, model, day, sorted(set(test.runs)))
    return about | counted | nothing | {"at_capacity": None, "rows_learned": 0, "note": why}


def _about(trial: Trial, model: Model, day: int, tested: Sequence[str]) -> Row:
    return {
        "protocol": trial.label,
        "paradigm": "transfer",
        "model": model.name,
        "train": [],
        "test": list(tested) if len(tested) > 1 else tested[0],
        "day": day,
    }


def published(reference: dict[str, Json], metric: str, day: int) -> float | None:
    """The published figure of a metric on a day; None where none was published."""
    by_day = reference.get(metric)
    value = by_day.get(str(day)) if isinstance(by_day, dict) else None
    return float(value) if isinstance(value, int | float) else None


def summed(row: Row, metric: str, reference: float | None) -> Row:
    """A summary row: one metric of one row, beside the published figure."""
    found = row[metric]
    value: Row = found if isinstance(found, dict) else {"value": found, "low": None, "high": None}
    scored = row["test"]
    figure = f"{len(scored)} runs together" if isinstance(scored, list) else str(scored)
    return _summary(row, metric, figure) | value | {"sd": None, "n": row["n"], "reference": reference}


def averaged(rows: Sequence[Row], metric: str, reference: float | None) -> Row:
    """A summary row: mean and standard deviation (n - 1) of a metric over the rows that have it, each a test run."""
    values = [value for row in rows if (value := value_of(row, metric)) is not None]
    mean = float(np.mean(values)) if values else None
    spread = float(np.std(values, ddof=1)) if len(values) > 1 else None
    figure = f"mean of {len(values)} of {len(rows)} runs"
    numbers: Row = {"value": mean, "low": None, "high": None, "sd": spread}
    return _summary(rows[0], metric, figure) | numbers | {"n": sum(_count(row) for row in rows), "reference": reference}


def value_of(row: Row, metric: str) -> float | None:
    """A metric's value in a row; None where it was not measured."""
    found = row[metric]
    value = found["value"] if isinstance(found, dict) else found
    return float(value) if isinstance(value, int | float) else None


def known_numbers(features: Matrix, name: str) -> Floats:
    """A column with 0 where nothing is known."""
    return np.nan_to_num(features.column(name))


def sentences(text: str) -> list[str]:
    """The notes of a text: a line that ends a sentence ends a note."""
    notes = [""]
    for line in text.strip().splitlines():
        notes[-1] = f"{notes[-1]} {line}".strip()
        if line.endswith("."):
            notes.append("")
    return [note for note in notes if note]


def told(runs: Sequence[str]) -> str:
    """Run ids without their source, as notes name them."""
    return ", ".join(run.partition("/")[2].replace("/", " ") for run in runs) or "none"


def _summary(row: Row, metric: str, figure: str) -> Row:
    return {"protocol": row["protocol"], "model": row["model"], "day": row["day"], "metric": metric, "figure": figure}


def _count(row: Row) -> int:
    n = row["n"]
    return n if isinstance(n, int) and value_of(row, "auroc") is not None else 0


def _can_learn(rule: Model, names: tuple[str, ...]) -> bool:
    try:
        rule.fit(Matrix(names, np.zeros((2, len(names)))), np.array([0.0, 1.0]), np.ones(2), 0)
    except InputError:
        return False
    return True
