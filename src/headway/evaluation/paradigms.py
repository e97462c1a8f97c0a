"""The ways to train, each as it would have been deployed: which rows a model may learn from to score a run on a day.

- *transfer*: finished runs whose labels were known at the as-of time; *transfer-same* those of the same course,
  *transfer-other* those of other courses, *transfer-weighted* all, and rows like the running cohort's count more. Runs
  without a log are a further past for one that has a log (see `Rows.further`).
- *in-situ*: the running course itself, with a label (or a proxy for it) that had been observed by the as-of time.
- *blended*: transfer and in-situ together, with weights learned on past runs.
- *post-hoc*: other learners of the same finished run, in grouped folds. Not deployable; the optimistic reference.

A learner who is scored is in no training row of another run. In-situ training sees the same learners at earlier
times, as a running course does.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, Literal

import numpy as np

from headway.domain.errors import NotEnoughData
from headway.domain.time import AsOf
from headway.evaluation.blending import Blend, FittedBlend, Signal, Tried, learned
from headway.evaluation.histories import cells_at, from_cells
from headway.evaluation.importance import towards
from headway.evaluation.ranges import Comparable
from headway.evaluation.risk_model import (
    HeldOutPast,
    RiskModel,
    assembled,
    calibration_of,
    fit,
    fitted_on,
    held_out_past,
)
from headway.evaluation.rows import (
    Objects,
    Rows,
    joined,
    learner_folds,
    matrix_of,
    refuse_learners,
    refuse_shared_learners,
)
from headway.features.as_of import FeatureTable, Reading, compute, labelled, moments_on_days, runs_with_activity
from headway.features.engine import Records
from headway.features.labels import Label, label
from headway.features.logged import heard
from headway.features.moments import Moment
from headway.features.tensor import Cells
from headway.features.views import FeatureView
from headway.models.model import Floats, Json, Matrix, Model

Paradigm = Literal["transfer", "transfer-same", "transfer-other", "transfer-weighted", "in-situ", "blended", "post-hoc"]
PARADIGMS: Final[tuple[Paradigm, ...]] = ("transfer", "in-situ", "blended", "post-hoc")
"""The ways that an evaluation compares unless others are named."""

VARIANTS: Final[tuple[Paradigm, ...]] = ("transfer-same", "transfer-other", "transfer-weighted")
TRANSFERS: Final[tuple[Paradigm, ...]] = ("transfer", *VARIANTS)
DEPLOYABLE: Final[tuple[Paradigm, ...]] = (*TRANSFERS, "in-situ", "blended")

SPREAD_DAYS: Final = (-14, -7, 0, 7, 14)
"""Past runs are looked at on these days around the day to be scored: neighbouring weeks are more examples."""

PROXY: Final = "inactive_next_week"
"""What in-situ training observes where the label itself is known only after the run."""

MOST_FURTHER: Final = 40_000
"""At most so many rows of runs without a log are learned from, evenly drawn."""

MOST_FURTHER_RUNS: Final = 30
"""From at most so many of these runs, drawn too: the features of each have to be computed."""

CV_FOLDS: Final = 5


@dataclass(frozen=True)
class Bench:
    """Features and labels of some runs, each moment computed once.

    Attributes:
        records: what everything is computed from.
        view: the features.
        reading: "honest", or "as published" to repeat a figure that broke a rule.
        gap_days: the action gap.
        history: whether rows have their history too, for models that read it (see `histories.history_wanted`).
    """

    records: Records
    view: FeatureView
    reading: Reading = "honest"
    gap_days: int = 0
    history: bool = False
    _tables: dict[Moment, FeatureTable] = field(default_factory=dict, init=False, repr=False)
    _cells: dict[Moment, Cells] = field(default_factory=dict, init=False, repr=False)
    _rows: dict[tuple[object, ...], Rows] = field(default_factory=dict, init=False, repr=False)
    _logged: dict[AsOf | None, set[str]] = field(default_factory=dict, init=False, repr=False)

    def logged(self, known_by: AsOf | None) -> set[str]:
        """The runs of which any activity was known by then (None: by now)."""
        if known_by not in self._logged:
            self._logged[known_by] = runs_with_activity(self.records, known_by)
        return self._logged[known_by]

    def prepare(self, moments: Sequence[Moment]) -> None:
        """Computes the features of these moments at once, unless they are there."""
        wanted = [moment for moment in sorted(set(moments)) if moment not in self._tables]
        if not wanted:
            return
        everything = compute(self.view, self.records, wanted, self.reading)
        runs, instants = everything.keys("run"), everything.keys("as_of")
        for moment in wanted:
            at_moment = (runs == moment.run) & (instants == moment.as_of.instant)
            self._tables[moment] = heard(everything.rows(np.asarray(at_moment, dtype=np.bool_)))
        if self.history:
            self._cells.update(dict.fromkeys(wanted, cells_at(self.records, wanted, self.reading)))

    def rows(self, moments: Sequence[Moment], target: Label, known_by: AsOf | None) -> Rows:
        """The labelled rows of these moments, with labels as they were known at `known_by`.

        Raises:
            NotEnoughData: no label was known by then.
        """
        asked_before = (tuple(sorted(set(moments))), target.name, known_by)
        if asked_before not in self._rows:
            self._rows[asked_before] = self._observed(moments, target, known_by)
        return self._rows[asked_before]

    def cohort(self, moment: Moment) -> Matrix:
        """The features of everyone enrolled at a moment, whatever became of them."""
        self.prepare([moment])
        enrolled = matrix_of(self._tables[moment])
        return replace(enrolled, history=from_cells(self._cells, self._tables[moment])) if self.history else enrolled

    def _observed(self, moments: Sequence[Moment], target: Label, known_by: AsOf | None) -> Rows:
        if not moments:
            raise NotEnoughData("There is no earlier run to learn from: the run that is tested does not count as one.")
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
        rows = Rows.of(observed)
        if not self.history:
            return rows
        return replace(rows, features=replace(rows.features, history=from_cells(self._cells, observed.features)))


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
        past: the held-out past learners that ranges compare with; None where there are none, as in hindsight.
        raw: the risks before calibration, where one model gave them.
        about: what else a report should say of how it was learned: effective rows, weights of a blend.
    """

    test: Rows
    risks: Floats
    learned_from: tuple[str, ...]
    rows_learned: int
    past: Comparable | None = None
    raw: Floats | None = None
    about: dict[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Learned:
    """What a deployable paradigm has learned, ready to score anybody of the running course.

    Attributes:
        model: the fit with its calibration and the past learners that ranges compare with.
        learned_from: the runs whose rows were used.
        rows_learned: how many rows.
        about: see `Answer`.
    """

    model: RiskModel
    learned_from: tuple[str, ...]
    rows_learned: int
    about: dict[str, Json] = field(default_factory=dict)


def answer(bench: Bench, question: Question, paradigm: Paradigm, model: Model) -> Answer:
    """What `model`, trained in this way, would have said, beside what became of the learners.

    Raises:
        NotEnoughData: nothing to learn from was known at the as-of time.
    """
    test = asked(bench, question)
    if paradigm == "post-hoc":
        return _post_hoc(bench, question, model, test)
    made = learn(bench, question, paradigm, model, test.learners)
    raw = made.model.fitted.risk(test.features)
    risks = made.model.calibration.apply(raw)
    return Answer(test, risks, made.learned_from, made.rows_learned, made.model.past, raw, made.about)


def learn(bench: Bench, question: Question, paradigm: Paradigm, model: Model, scored: Objects) -> Learned:
    """What a deployable paradigm learns for a question, from nothing that became known after its as-of time.

    Args:
        bench: features and labels.
        question: what is asked.
        paradigm: one of `DEPLOYABLE`.
        model: the way to learn.
        scored: the learners who will be scored; they are in no training row of another run.

    Raises:
        NotEnoughData: nothing to learn from was known by then.
    """
    if paradigm == "blended":
        return _blended(bench, question, model, scored)
    rows = _rows_for(bench, question, paradigm, scored)
    about: dict[str, Json] = {}
    if paradigm == "transfer-weighted":
        weighed = towards(rows.features, bench.cohort(_now(bench, question)), question.seed)
        rows = replace(rows, weights=weighed.weights)
        about = {"effective_rows": weighed.effective}
    return _fitted(question, model, rows, about)


def asked(bench: Bench, question: Question) -> Rows:
    """The rows to be scored, labelled with all that is known by now."""
    return bench.rows(moments_on_days(bench.records, [question.test_run], [question.day]), question.target, None)


def training_rows(bench: Bench, question: Question, paradigm: Paradigm) -> Rows:
    """The rows a deployable paradigm may learn from at the question's as-of time.

    Raises:
        NotEnoughData: no label was known by then.
    """
    now = question.as_of or _now(bench, question).as_of
    if paradigm in TRANSFERS:
        known_by = None if bench.reading == "as published" else now
        return _past_rows(bench, question, _past_runs(question, paradigm), known_by)
    observed = question.target if not question.target.whole_run else label(question.proxy)
    horizon = bench.gap_days + (7 if observed.horizon_days is None else observed.horizon_days)
    days = list(range(question.day - horizon, -1, -7))[: len(SPREAD_DAYS)]
    if not days:
        raise NotEnoughData(
            f"Day {question.day} is too early to have observed {observed.name!r} in the running course."
        )
    return bench.rows(moments_on_days(bench.records, [question.test_run], days), observed, now)


def _past_rows(bench: Bench, question: Question, runs: tuple[str, ...], known_by: AsOf | None) -> Rows:
    """The rows of past runs; where the run to be scored has a log, those of runs without one are further rows."""

    def on_days(of: Sequence[str], days: Sequence[int]) -> Rows:
        past = moments_on_days(bench.records, of, days, known_by)
        then = [moment for moment in past if known_by is None or moment.as_of <= known_by]
        return bench.rows(then, question.target, known_by)

    alike, others = parted(runs, question.test_run, bench.logged(known_by))
    if not others:
        return on_days(alike, question.past_days())
    try:
        rows = on_days(alike, question.past_days())
    except NotEnoughData:
        return on_days(others, question.past_days())
    try:
        further = on_days(_some(others, MOST_FURTHER_RUNS, question.seed), question.past_days())
    except NotEnoughData:
        return rows
    return replace(rows, further=_drawn(further, MOST_FURTHER, question.seed))


def parted(runs: Sequence[str], test_run: str, logged: Collection[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The past runs that are like the run to be scored, and those that are not: they have no log and it has one.

    Where `test_run` is one of them, or none at all, the model is for no run in particular: for one with a log, if any
    past run has one. Of a run without a log less is known than of every past run, and all are alike to it.
    """
    in_general = not test_run or test_run in runs
    have = tuple(run for run in runs if run in logged)
    if not have or not (in_general or test_run in logged):
        return tuple(runs), ()
    return have, tuple(run for run in runs if run not in logged)


def _some(runs: Sequence[str], most: int, seed: int) -> tuple[str, ...]:
    """At most so many of the runs, drawn, in their order."""
    drawn = np.random.default_rng(seed).permutation(len(runs))[:most]
    return tuple(runs[at] for at in sorted(drawn.tolist()))


def _drawn(rows: Rows, most: int, seed: int) -> Rows:
    """At most so many of the rows, drawn evenly from all their runs."""
    drawn = np.zeros(len(rows), dtype=np.bool_)
    drawn[np.random.default_rng(seed).permutation(len(rows))[:most]] = True
    return rows.where(drawn)


def _past_runs(question: Question, paradigm: Paradigm) -> tuple[str, ...]:
    if paradigm not in {"transfer-same", "transfer-other"}:
        return question.train_runs
    wanted = paradigm == "transfer-same"
    runs = tuple(run for run in question.train_runs if (run.rsplit("/", 1)[0] == question.course) == wanted)
    if not runs:
        which = "the same course" if wanted else "another course"
        raise NotEnoughData(f"No run of {which} is among those to learn from. Name some with --train.")
    return runs


def _now(bench: Bench, question: Question) -> Moment:
    moment = moments_on_days(bench.records, [question.test_run], [question.day])[0]
    return moment if question.as_of is None else Moment(question.test_run, question.as_of)


def _rows_for(bench: Bench, question: Question, paradigm: Paradigm, scored: Objects) -> Rows:
    """The rows to learn from, without the learners who are scored where other runs are learned from."""
    rows = training_rows(bench, question, paradigm)
    if paradigm in TRANSFERS:
        rows = rows.without(scored)
        refuse_learners(rows, scored)
    return rows


def _fitted(question: Question, model: Model, rows: Rows, about: dict[str, Json]) -> Learned:
    made = fit(model, rows, course=question.course, day=question.day, seed=question.seed, run=question.test_run)
    return Learned(made, rows.learned_runs(), len(rows.to_learn()), about)


def _blended(bench: Bench, question: Question, model: Model, scored: Objects) -> Learned:
    """What past runs taught and what the running course shows, together; either alone where the other is not there."""
    try:
        own = _rows_for(bench, question, "in-situ", scored)
    except NotEnoughData:
        return replace(learn(bench, question, "transfer", model, scored), about={"blend": "transfer alone"})
    try:
        past = _rows_for(bench, question, "transfer", scored)
    except NotEnoughData:
        return _fitted(question, model, own, {"blend": "in-situ alone"})
    if not question.target.whole_run:
        # The running course shows the label itself: its rows are rows like all others.
        return _fitted(question, model, joined([past, own]), {"blend": "rows together"})
    return _stacked(bench, question, model, scored, past, own)


def _stacked(bench: Bench, question: Question, model: Model, scored: Objects, past: Rows, own: Rows) -> Learned:
    """Both log-odds weighed as past runs teach, calibrated like transfer; transfer alone where in-situ adds nothing."""
    seed = question.seed
    known = held_out_past(
        model, past, course=question.course, day=question.day, seed=seed, new=question.test_run not in past.runs
    )
    shown, runs = _shown(bench, question, model, past, scored)
    blend = learned(tried_in(past, known, shown, question.course))
    there = fitted_on(model, past, seed)
    about: dict[str, Json] = {"blend": {**blend.as_json(), "past_runs": runs, "run": question.test_run}}
    mixed = _mixed(known, blend, shown)
    if blend.in_situ == 0 or not (mixed.to_calibrate & ~np.isnan(mixed.by_learner)).any():
        about = about if runs else {"blend": "transfer alone"}
        made = assembled(model, there, past, known, seed)
        return Learned(made, past.learned_runs(), len(past.to_learn()), about)
    here = fitted_on(model, own, seed)
    signal = Signal.of(here.risk(bench.cohort(_now(bench, question))))
    made = assembled(model, FittedBlend(there, here, signal, blend), past, mixed, seed)
    return Learned(made, tuple(sorted({*past.learned_runs(), *own.runs})), len(past.to_learn()) + len(own), about)


def _mixed(known: HeldOutPast, blend: Blend, shown: Floats) -> HeldOutPast:
    """The held-out risks of past learners with what their own runs had shown by that day."""

    def with_shown(risks: Floats) -> Floats:
        return np.where(np.isnan(risks + shown), np.nan, blend.risks(risks, shown))

    by_run = None if known.by_run is None else with_shown(known.by_run)
    return replace(known, by_learner=with_shown(known.by_learner), by_run=by_run)


def tried_in(past: Rows, known: HeldOutPast, shown: Floats, course: str) -> list[Tried]:
    """Both parts, tried in past runs as they will be used, one entry a run.

    A model that has learned from earlier runs of the course that is scored is tried on these, on learners held out:
    with whole runs left out it would be tried as a stranger to the course, and in-situ learning would seem better than
    it is. For a course without a past, whole runs are left out; where there is one run alone, its learners are.
    """
    of_course = np.array([run.rsplit("/", 1)[0] == course for run in past.runs], dtype=np.bool_)
    by_run = np.full(len(past), np.nan) if known.by_run is None else known.by_run
    told = ~np.isnan(shown)
    for risks, rows in ((known.by_learner, of_course), (by_run, ~of_course), (known.by_learner, ~of_course)):
        which = np.asarray(told & rows & ~np.isnan(risks), dtype=np.bool_)
        if which.any():
            return [
                Tried(risks[of_run], shown[of_run], past.labels[of_run], past.learners[of_run])
                for run in sorted(set(past.runs[which]))
                if (of_run := np.asarray(which & (past.runs == run), dtype=np.bool_)).any()
            ]
    return []


def _shown(bench: Bench, question: Question, model: Model, past: Rows, scored: Objects) -> tuple[Floats, int]:
    """What each past run had itself shown of its learners on the day nearest to the question's, and in how many runs.

    NaN on other days and where a run had not shown anything yet. Its own labels taught nothing of it.
    """
    shown, runs = np.full(len(past), np.nan), 0
    for run in sorted(set(past.runs)):
        of_run = np.asarray(past.runs == run, dtype=np.bool_)
        days = past.days[of_run]
        day = int(days[np.argmin(np.abs(days - question.day))])
        then = replace(question, test_run=run, day=day, as_of=None)
        try:
            here = fitted_on(model, training_rows(bench, then, "in-situ").without(scored), question.seed)
        except NotEnoughData:
            continue
        which = np.asarray(of_run & (past.days == day), dtype=np.bool_)
        signal = Signal.of(here.risk(bench.cohort(_now(bench, then))))
        shown[which] = signal.apply(here.risk(past.features.rows(which)))
        runs += 1
    return shown, runs


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
