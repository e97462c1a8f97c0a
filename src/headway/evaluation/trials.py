"""What a protocol measures on: runs with the view that their records allow, under a reading.

The benches of the reading "as published" repeat what published figures left out; nothing but protocols may use them.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from headway.domain.errors import InputError, NotEnoughData
from headway.domain.runs import RunId
from headway.domain.time import AsOf
from headway.evaluation.paradigms import Bench
from headway.evaluation.risk_model import RiskModel, fit
from headway.evaluation.rows import Objects, Rows
from headway.features.as_of import Reading, compute, moments_on_days, runs_with_activity
from headway.features.engine import Records
from headway.features.labels import Label
from headway.features.moments import Moment
from headway.features.views import RECORDS_ONLY, STANDARD, view_of, view_with
from headway.models.model import Matrix, Model

SOURCE: Final = "oulad"
MANY: Final = f"{SOURCE}/all"
"""Stands for the course of a model that scores runs of many courses."""

MOMENTS_AT_ONCE: Final = 24
"""As-of times of course runs whose features are computed together: some 40,000 rows of a large data set."""

READINGS: Final[tuple[Reading, ...]] = ("as published", "honest")

Progress = Callable[[str], None]


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
        view = view_of(self.data.view)
        if self.reading == "honest":
            return Bench(records, view)
        if self.data.has_clicks:
            return Clicked(records, view, self.reading)
        return Started(records, view, self.reading, began=_began(records, self.data.runs))

    def able(self, models: Sequence[Model]) -> list[Model]:
        """The models without rules that look at a feature which the data cannot give."""
        return [model for model in models if not model.trivial or _can_learn(model, view_of(self.data.view).features)]


class Clicked(Bench):
    """A bench that drops who has not clicked by the as-of time, as some published figures do."""

    def rows(self, moments: Sequence[Moment], target: Label, known_by: AsOf | None) -> Rows:
        """The labelled rows of those who clicked; arguments as in `Bench.rows`."""
        found = super().rows(moments, target, known_by)
        columns = (found.features.column(name) for name in ("interactions_total", "interactions_before_start"))
        return found.where(np.asarray(sum(np.nan_to_num(column) for column in columns) > 0, dtype=np.bool_))


@dataclass(frozen=True)
class Started(Bench):
    """A bench that drops who left before the end of the first day: nearest to `Clicked` where there are no clicks.

    Attributes:
        began: enrolments (see `_enrolments`) in force at the end of the first day.
    """

    began: frozenset[str] = frozenset()

    def rows(self, moments: Sequence[Moment], target: Label, known_by: AsOf | None) -> Rows:
        """The labelled rows of those who began, or registered later; arguments as in `Bench.rows`."""
        found = super().rows(moments, target, known_by)
        began = np.isin(_enrolments(found.runs, found.learners), sorted(self.began))
        return found.where(np.asarray(began | (found.features.column(LEAD) < 0), dtype=np.bool_))


LEAD: Final = "registered_lead_days"


def _enrolments(runs: Objects, learners: Objects) -> NDArray[np.str_]:
    return np.asarray([f"{run} {learner}" for run, learner in zip(runs, learners, strict=True)], dtype=np.str_)


def _began(records: Records, runs: Sequence[str]) -> frozenset[str]:
    first = compute(view_with("first day", (LEAD,)), records, moments_on_days(records, runs, [0]))
    return frozenset(_enrolments(first.keys("run"), first.keys("learner")).tolist())


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


def prepare(bench: Bench, moments: Iterable[Moment], progress: Progress) -> None:
    """Computes the features of these moments, some runs at a time, so that memory does not grow with their number."""
    by_run: dict[str, list[Moment]] = {}
    for moment in moments:
        by_run.setdefault(moment.run, []).append(moment)
    batch: list[Moment] = []
    for run in sorted(by_run):
        if batch and len(batch) + len(by_run[run]) > MOMENTS_AT_ONCE:
            bench.prepare(batch)
            batch = []
        progress(f"{run}: features at {len(by_run[run])} as-of times, {bench.reading}")
        batch += by_run[run]
    if batch:
        bench.prepare(batch)


def fit_for_many(model: Model, rows: Rows, day: int, seed: int) -> RiskModel:
    """`risk_model.fit` for a model that scores many runs: calibrated on its whole past, not on one course's."""
    together = replace(rows, runs=np.full(len(rows), f"{MANY}/past", dtype=object))
    return fit(model, together, course=MANY, day=day, seed=seed)


def told(runs: Sequence[str]) -> str:
    """Run ids without their source, as notes name them."""
    return ", ".join(run.partition("/")[2].replace("/", " ") for run in runs) or "none"


def _can_learn(rule: Model, names: tuple[str, ...]) -> bool:
    try:
        rule.fit(Matrix(names, np.zeros((2, len(names)))), np.array([0.0, 1.0]), np.ones(2), 0)
    except InputError:
        return False
    return True
