"""The ways to train, each as it would have been deployed: which rows a model may learn from to score a run on a day.

- *transfer*: finished runs, of the same course or of others, whose labels were known at the as-of time.
- *in-situ*: the running course itself, with a label (or a proxy for it) that had been observed by the as-of time.
- *post-hoc*: other learners of the same finished run, in grouped folds. Not deployable; the optimistic reference.

A learner who is scored is in no training row of another run. In-situ training sees the same learners at earlier
times, as a running course does.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

import numpy as np

from headway.domain.errors import NotEnoughData
from headway.domain.time import AsOf
from headway.evaluation.risk_model import calibration_of, fit, fitted_on
from headway.evaluation.rows import Rows, learner_folds, refuse_shared_learners
from headway.features.as_of import FeatureTable, Moment, Reading, compute, labelled, moments_on_days
from headway.features.engine import Records
from headway.features.labels import Label, label
from headway.features.views import FeatureView
from headway.models.model import Floats, Model

Paradigm = Literal["transfer", "in-situ", "post-hoc"]
PARADIGMS: Final[tuple[Paradigm, ...]] = ("transfer", "in-situ", "post-hoc")
DEPLOYABLE: Final = ("transfer", "in-situ")

SPREAD_DAYS: Final = (-14, -7, 0, 7, 14)
"""Past runs are looked at on these days around the day to be scored: neighbouring weeks are more examples."""

PROXY: Final = "inactive_next_week"
"""What in-situ training observes where the label itself is known only after the run."""

CV_FOLDS: Final = 5


@dataclass(frozen=True)
class Bench:
    """Features and labels of some runs, each moment computed once.

    Attributes:
        records: what everything is computed from.
        view: the features.
        reading: "honest", or "as published" to repeat a figure that broke a rule.
        gap_days: the action gap.
    """

    records: Records
    view: FeatureView
    reading: Reading = "honest"
    gap_days: int = 0
    _tables: dict[Moment, FeatureTable] = field(default_factory=dict, init=False, repr=False)
    _rows: dict[tuple[object, ...], Rows] = field(default_factory=dict, init=False, repr=False)

    def prepare(self, moments: Sequence[Moment]) -> None:
        """Computes the features of these moments at once, unless they are there."""
        wanted = [moment for moment in sorted(set(moments)) if moment not in self._tables]
        if not wanted:
            return
        everything = compute(self.view, self.records, wanted, self.reading)
        runs, instants = everything.keys("run"), everything.keys("as_of")
        for moment in wanted:
            at_moment = (runs == moment.run) & (instants == moment.as_of.instant)
            self._tables[moment] = everything.rows(np.asarray(at_moment, dtype=np.bool_))

    def rows(self, moments: Sequence[Moment], target: Label, known_by: AsOf | None) -> Rows:
        """The labelled rows of these moments, with labels as they were known at `known_by`.

        Raises:
            NotEnoughData: no label was known by then.
        """
        asked_before = (tuple(sorted(set(moments))), target.name, known_by)
        if asked_before not in self._rows:
            self._rows[asked_before] = self._observed(moments, target, known_by)
        return self._rows[asked_before]

    def _observed(self, moments: Sequence[Moment], target: Label, known_by: AsOf | None) -> Rows:
        self.prepare(moments)
        tables = [self._tables[moment] for moment in sorted(set(moments)) if len(self._tables[moment])]
        if not tables:
            raise NotEnoughData("Nobody was enrolled at these as-of times. Choose later days or another run.")
        import pyarrow as pa

        together = FeatureTable(self.view, pa.concat_tables([table.table for table in tables]))
        observed = labelled(together, target, self.records, known_by, self.gap_days, self.reading)
        if not len(observed.features):
            why = "; ".join(f"{reason}: {n} rows" for reason, n in observed.censored.items())
            raise NotEnoughData(f"No label {target.name!r} was known by {known_by or 'now'} ({why}).")
        return Rows.of(observed)


@dataclass(frozen=True, slots=True)
class Question:
    """A run to be scored on a day, and what may be learned from.

    Attributes:
        target: the label.
        train_runs: past runs.
        test_run: the run to be scored.
        day: the course day at whose end it is scored.
        seed: seeds every random choice.
        spread: see `SPREAD_DAYS`.
        proxy: see `PROXY`.
        as_of: the as-of time, where it is another than the end of the day.
    """

    target: Label
    train_runs: tuple[str, ...]
    test_run: str
    day: int
    seed: int
    spread: tuple[int, ...] = SPREAD_DAYS
    proxy: str = PROXY
    as_of: AsOf | None = None

    @property
    def course(self) -> str:
        """The course that is scored, as `source/course`."""
        return self.test_run.rsplit("/", 1)[0]

    def past_days(self) -> list[int]:
        """The days on which past runs are looked at; none before the course begins."""
        return sorted({self.day + offset for offset in self.spread if self.day + offset >= 0})


@dataclass(frozen=True, slots=True)
class Answer:
    """Predictions for the rows that were asked for.

    Attributes:
        test: the rows, with what became of them.
        risks: calibrated, shape (rows,).
        learned_from: the runs whose rows were used.
        rows_learned: how many rows.
    """

    test: Rows
    risks: Floats
    learned_from: tuple[str, ...]
    rows_learned: int


def answer(bench: Bench, question: Question, paradigm: Paradigm, model: Model) -> Answer:
    """What `model`, trained in this way, would have said, beside what became of the learners.

    Raises:
        NotEnoughData: nothing to learn from was known at the as-of time.
    """
    test = asked(bench, question)
    if paradigm == "post-hoc":
        return _post_hoc(bench, question, model, test)
    learn = training_rows(bench, question, paradigm)
    if paradigm == "transfer":
        learn = learn.without(test.learners)
        refuse_shared_learners(learn, test)
    trained = fit(model, learn, course=question.course, day=question.day, seed=question.seed)
    return Answer(test, trained.predict(test.features).risks, tuple(sorted(set(learn.runs))), len(learn))


def asked(bench: Bench, question: Question) -> Rows:
    """The rows to be scored, labelled with all that is known by now."""
    return bench.rows(moments_on_days(bench.records, [question.test_run], [question.day]), question.target, None)


def training_rows(bench: Bench, question: Question, paradigm: Paradigm) -> Rows:
    """The rows a deployable paradigm may learn from at the question's as-of time.

    Raises:
        NotEnoughData: no label was known by then.
    """
    now = question.as_of or moments_on_days(bench.records, [question.test_run], [question.day])[0].as_of
    known_by = None if bench.reading == "as published" else now
    if paradigm == "transfer":
        past = moments_on_days(bench.records, question.train_runs, question.past_days(), known_by)
        return bench.rows(
            [moment for moment in past if known_by is None or moment.as_of <= known_by], question.target, known_by
        )
    observed = question.target if not question.target.whole_run else label(question.proxy)
    horizon = bench.gap_days + (7 if observed.horizon_days is None else observed.horizon_days)
    days = list(range(question.day - horizon, -1, -7))[: len(SPREAD_DAYS)]
    if not days:
        raise NotEnoughData(
            f"Day {question.day} is too early to have observed {observed.name!r} in the running course."
        )
    return bench.rows(moments_on_days(bench.records, [question.test_run], days), observed, now)


def _post_hoc(bench: Bench, question: Question, model: Model, test: Rows) -> Answer:
    """Each learner's risk from a fit without them; one calibration for all folds, on the labels themselves."""
    learn = bench.rows(moments_on_days(bench.records, [question.test_run], question.past_days()), question.target, None)
    learners, labels = (
        np.concatenate([getattr(part, name) for part in (learn, test)]) for name in ("learners", "labels")
    )
    fold = learner_folds(learners, labels, CV_FOLDS, question.seed)
    of_learn, of_test = fold[: len(learn)], fold[len(learn) :]
    risks = np.full(len(test), np.nan)
    for k in range(CV_FOLDS):
        out = of_test == k
        rest = learn.where(of_learn != k)
        if out.any():
            held_out = test.where(out)
            refuse_shared_learners(rest, held_out)
            risks[out] = fitted_on(model, rest, question.seed).risk(held_out.features)
    calibrated = calibration_of(model, test, risks, question.seed).apply(risks)
    return Answer(test, calibrated, (question.test_run,), len(learn))
