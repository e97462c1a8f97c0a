"""Named protocols: published figures re-run from records and printed beside their reference, as published and honest.

A protocol is a class of one module of this package, added to `PROTOCOLS`. What all share is here: how rows and summary
look; which data a figure rests on is in `trials`. A protocol must say in its notes what it assumed and what it could
not test; it never leaves out a test run silently.
"""

import typing
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from headway.domain.extensions import Extensions
from headway.evaluation.assess import METRICS, Measure, figures
from headway.evaluation.intervals import known
from headway.evaluation.rows import Rows
from headway.evaluation.trials import Progress
from headway.features.engine import Records
from headway.models.model import Floats, Json, Model

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
        """Published figures: metric, then day, then value."""
        ...

    def run(self, records: Records, models: Sequence[Model], measure: Measure, progress: Progress) -> ProtocolResult:
        """The figures of all readings and data that the records allow.

        Raises:
            NotEnoughData: the records hold no course run of the protocol's data set.
        """
        ...


PROTOCOLS: Extensions[Protocol] = Extensions("protocols", "headway.evaluation")


class Named(typing.Protocol):
    """Whatever says how its rows are called, as "NAME/READING/DATA"."""

    @property
    def label(self) -> str:
        """The name."""
        ...


class Called(typing.Protocol):
    """Whatever has a name by which rows call it: a model of risks, or of another kind."""

    @property
    def name(self) -> str:
        """The name."""
        ...


@dataclass(frozen=True, slots=True)
class Heading:
    """A name for rows, and nothing else."""

    label: str


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


def measured(
    trial: Named, model: Called, day: int, said: Said, measure: Measure, paradigm: str = "transfer"
) -> list[Row]:
    """A row for all tested rows together, then one for each run where there are several."""
    runs = sorted(set(said.test.runs))
    together = replace(measure, capacity=measure.capacity * len(runs))
    rows = [_about(trial, model, day, runs) | figures(said.test, said.risks, together)]
    for run in runs if len(runs) > 1 else []:
        of_run = np.asarray(said.test.runs == run, dtype=np.bool_)
        rows.append(_about(trial, model, day, [run]) | figures(said.test.where(of_run), said.risks[of_run], measure))
    end: Row = {"train": list(said.learned_from), "rows_learned": said.rows_learned, "note": None}
    end |= {"paradigm": paradigm}
    return [row | end for row in rows]


def not_measured(trial: Named, model: Called, day: int, test: Rows, why: str) -> Row:
    """The row of a test that could not be answered honestly."""
    nothing: Row = {name: {"value": None, "low": None, "high": None} for name in METRICS}
    counted: Row = {"n": len(test), "base_rate": known(float(test.labels.mean()))}
    about = _about(trial, model, day, sorted(set(test.runs)))
    return about | counted | nothing | {"at_capacity": None, "rows_learned": 0, "note": why}


def _about(trial: Named, model: Called, day: int, tested: Sequence[str]) -> Row:
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


def averaged(rows: Sequence[Row], metric: str, reference: float | None, runs: int) -> Row:
    """A summary row: mean and standard deviation (n - 1) of a metric over those of `runs` test runs that have it."""
    values = [value for row in rows if (value := value_of(row, metric)) is not None]
    mean = float(np.mean(values)) if values else None
    spread = float(np.std(values, ddof=1)) if len(values) > 1 else None
    figure = f"mean of {len(values)} of {runs} runs"
    numbers: Row = {"value": mean, "low": None, "high": None, "sd": spread}
    return _summary(rows[0], metric, figure) | numbers | {"n": sum(_count(row) for row in rows), "reference": reference}


def value_of(row: Row, metric: str) -> float | None:
    """A metric's value in a row; None where it was not measured."""
    found = row[metric]
    value = found["value"] if isinstance(found, dict) else found
    return float(value) if isinstance(value, int | float) else None


def sentences(text: str) -> list[str]:
    """The notes of a text: a line that ends a sentence ends a note."""
    notes = [""]
    for line in text.strip().splitlines():
        notes[-1] = f"{notes[-1]} {line}".strip()
        if line.endswith("."):
            notes.append("")
    return [note for note in notes if note]


def _summary(row: Row, metric: str, figure: str) -> Row:
    return {"protocol": row["protocol"], "model": row["model"], "day": row["day"], "metric": metric, "figure": figure}


def _count(row: Row) -> int:
    n = row["n"]
    return n if isinstance(n, int) and value_of(row, "auroc") is not None else 0
