"""A model with everything it needs to be used: calibration on the past of the course, and comparable past learners.

Promises that neither calibration nor ranges ever see a risk from a model that learned from the same learner. Whoever
predicts, in evaluation or in service, goes through `RiskModel.predict`; nobody else joins these three parts.
"""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from headway.evaluation import blending
from headway.evaluation import calibration as calibrations
from headway.evaluation.calibration import Calibration
from headway.evaluation.metrics import log_loss
from headway.evaluation.new_run import for_a_new_run, for_the_next_run, held_out_by_run
from headway.evaluation.ranges import Comparable, Withheld
from headway.evaluation.rows import Rows, learner_folds, refuse_shared_learners
from headway.models.model import MODELS, Fitted, Floats, Matrix, Model
from headway.models.state import decode, encode
from headway.models.training import balanced_weights

FOLDS: Final = 4
WORKERS: Final = 2
FEWEST_OF_A_CLASS: Final = 10
ENOUGH_OF_A_CLASS: Final = 40
"""With so many of either class in a course's past, the log-odds of its base rate are known (standard error at most
0.22) better than the next run will keep to them: the course is then calibrated by its own past alone."""
MANY_TO_COMPARE: Final = 200
"""With so many learners of the same course, a range compares with them alone."""
PART: Final = "risk-model.json"


@dataclass(frozen=True, slots=True)
class Predictions:
    """What a model says of some rows; one entry a row.

    Attributes:
        risks: calibrated, in [0, 1].
        low: lower end of the range of comparable past learners; NaN where there are none.
        high: upper end.
        comparable: how many past learners the range rests on.
        withheld: why it is too early to say, or None.
    """

    risks: Floats
    low: Floats
    high: Floats
    comparable: Floats
    withheld: list[Withheld | None]


@dataclass(frozen=True, slots=True)
class RiskModel:
    """A fitted model, its calibration and its comparable past learners."""

    method: str
    fitted: Fitted
    calibration: Calibration
    past: Comparable
    held_out_loss: float
    """Mean log loss of held-out risks on the calibration slice; methods are chosen by it."""

    def predict(self, features: Matrix) -> Predictions:
        """The calibrated risk of each row with its range."""
        risks = self.calibration.apply(self.fitted.risk(features))
        span = self.past.range(risks)
        return Predictions(risks, span.low, span.high, span.n, span.withheld())

    def contributions(self, features: Matrix) -> Floats:
        """What each feature adds to the log-odds before calibration, which keeps their order and sign."""
        return self.fitted.contributions(features)

    def state(self) -> dict[str, bytes]:
        """Everything `restore` needs, by file name."""
        own = {PART: encode({"method": self.method, "held_out_loss": self.held_out_loss})}
        return own | self.fitted.state() | calibrations.state(self.calibration) | self.past.state()

    @classmethod
    def restore(cls, state: Mapping[str, bytes]) -> "RiskModel":
        """The risk model that `state` came from; it predicts the same bits."""
        kept = decode(state, PART)
        method = str(kept["method"])
        return cls(
            method=method,
            fitted=blending.restored(MODELS.get(method), state),
            calibration=calibrations.restore(state),
            past=Comparable.restore(state),
            held_out_loss=float(kept["held_out_loss"]),
        )


def fit(model: Model, rows: Rows, *, course: str, day: int, seed: int, run: str | None = None) -> RiskModel:
    """`model` fitted on all rows, calibrated on the slice of the past that is most like what it will meet.

    The slice is the runs of the same course, else the latest run, each on its day nearest to `day`; for a run that was
    learned from itself, that run. Its risks come from fits that left its learners out, fold by fold, so that the final
    fit can use every row. A run that is none of those learned from will differ: see `new_run`. Where its course has no
    past, or too small a one, what whole runs left out ask for counts too.

    Args:
        model: the way to learn.
        rows: labelled rows whose labels were all known at the training cut-off.
        course: the course that will be scored (`source/course`).
        day: the course day that will be scored.
        seed: decides the folds and whatever the model draws.
        run: the run that will be scored; taken for a new one where None.

    Raises:
        NotEnoughData: the model cannot learn from these rows.
    """
    past = held_out_past(model, rows, course=course, day=day, seed=seed, new=run is None or run not in rows.runs)
    return assembled(model, fitted_on(model, rows, seed), rows, past, seed)


@dataclass(frozen=True, slots=True)
class HeldOutPast:
    """What fits that left them out say of past learners; arrays of shape (rows,).

    Attributes:
        by_learner: risks from fits without the row's learner, not calibrated; NaN where none was asked for or possible.
        by_run: risks from fits without its run and learner, likewise; None where the calibration does not ask for them.
        to_calibrate: the slice of the past that is most like what will be scored.
        to_compare: the learners that ranges compare with.
        new: whether the run that will be scored is none of those learned from.
    """

    by_learner: Floats
    by_run: Floats | None
    to_calibrate: NDArray[np.bool_]
    to_compare: NDArray[np.bool_]
    new: bool


def held_out_past(model: Model, rows: Rows, *, course: str, day: int, seed: int, new: bool) -> HeldOutPast:
    """What `model` says of past learners whom it has not learned from; arguments as in `fit`, `new` for a new run."""
    to_calibrate, to_compare = _calibration_slice(rows, course, day, new), _comparable(rows, course, day)
    by_learner = held_out(model, rows, to_calibrate | to_compare, seed)
    by_run, new = None, new and not model.trivial
    if new and not _well_known(rows.where(to_calibrate), course):
        by_run = held_out_by_run(rows, lambda rest, out: _told(model, rest, out, seed))
    return HeldOutPast(by_learner, by_run, to_calibrate, to_compare, new)


def assembled(model: Model, fitted: Fitted, rows: Rows, past: HeldOutPast, seed: int) -> RiskModel:
    """`fitted` with the calibration and the comparable learners that held-out risks of `rows` ask for."""
    told = past.to_calibrate & ~np.isnan(past.by_learner)
    chosen = calibration_of(model, rows.where(told), past.by_learner[told], seed)
    loss = log_loss(rows.labels[told], chosen.apply(past.by_learner[told]))
    if past.new:
        chosen = for_the_next_run(chosen) if past.by_run is None else for_a_new_run(chosen, rows, past.by_run)
    told = past.to_compare & ~np.isnan(past.by_learner)
    compared = Comparable.fit(chosen.apply(past.by_learner[told]), rows.labels[told], rows.learners[told])
    return RiskModel(model.name, fitted, chosen, compared, loss)


def fit_best(
    models: Sequence[Model], rows: Rows, *, course: str, day: int, seed: int, run: str | None = None
) -> RiskModel:
    """The fitted model with the least held-out loss on the past; of equals the first.

    Raises:
        NotEnoughData: no model can learn from these rows.
    """
    fitted = [fit(model, rows, course=course, day=day, seed=seed, run=run) for model in models]
    return min(fitted, key=lambda made: made.held_out_loss)


def calibration_of(model: Model, rows: Rows, risks: Floats, seed: int) -> Calibration:
    """The calibration of held-out risks of these rows; a rule stays as it is."""
    if model.trivial:
        return calibrations.fit("identity", risks, rows.labels)
    return calibrations.choose(risks, rows.labels, rows.learners, seed).calibration


def fitted_on(model: Model, rows: Rows, seed: int) -> Fitted:
    """The model fitted on the rows, with class weights where a class is rare, and not calibrated.

    A rule gets none: nothing would undo what they shift.
    """
    rows = rows.to_learn()
    weights = np.ones(len(rows)) if model.trivial else class_weights(rows.labels)
    return model.fit(told_apart(rows), rows.labels, weights if rows.weights is None else weights * rows.weights, seed)


def told_apart(rows: Rows) -> Matrix:
    """The features, with whom each row belongs to and its run's place in time: what a model may split by, not learn.

    A run's place is that of its latest as-of time, so that models of earlier runs can be tried on later ones.
    """
    ends = {run: int(rows.instants[rows.runs == run].max()) for run in sorted(set(rows.runs))}
    place = {run: era for era, run in enumerate(sorted(ends, key=lambda run: (ends[run], run)))}
    _, groups = np.unique(rows.learners.astype(str), return_inverse=True)
    eras = np.array([place[run] for run in rows.runs], dtype=np.int64)
    return replace(rows.features, groups=groups.astype(np.int64), eras=eras)


def class_weights(labels: Floats) -> Floats:
    """Balanced weights where a class is rare (under a fifth), else ones; calibration undoes what they shift."""
    rare = min(float(labels.mean()), 1 - float(labels.mean())) if len(labels) else 0.0
    return balanced_weights(labels) if rare < 0.2 else np.ones(len(labels))


def _calibration_slice(rows: Rows, course: str, day: int, new: bool) -> NDArray[np.bool_]:
    """The rows to calibrate on, each run on its nearest day, enough of both classes.

    For a new run all runs of its course; else the latest run, of the same course where there is one.
    """
    nearest, of_course = _nearest_days(rows, day), _of_course(rows, course)
    if new and _fewer_class(rows.labels[nearest & of_course]) >= FEWEST_OF_A_CLASS:
        return nearest & of_course
    other = {run: not of_course[rows.runs == run].any() for run in set(rows.runs)}
    latest = {run: int(rows.instants[rows.runs == run].max()) for run in other}
    for run in sorted(other, key=lambda run: (other[run], -latest[run], run)):
        chosen = np.asarray(nearest & (rows.runs == run), dtype=np.bool_)
        if _fewer_class(rows.labels[chosen]) >= FEWEST_OF_A_CLASS:
            return chosen
    return np.ones(len(rows), dtype=bool)


def _well_known(calibrated_on: Rows, course: str) -> bool:
    """Whether these rows are the past of that course, and enough of it."""
    return bool(_of_course(calibrated_on, course).all() and _fewer_class(calibrated_on.labels) >= ENOUGH_OF_A_CLASS)


def _fewer_class(labels: Floats) -> float:
    return min(float(labels.sum()), len(labels) - float(labels.sum()))


def _of_course(rows: Rows, course: str) -> NDArray[np.bool_]:
    return np.array([run.rsplit("/", 1)[0] == course for run in rows.runs], dtype=np.bool_)


def _nearest_days(rows: Rows, day: int) -> NDArray[np.bool_]:
    """The rows of each run on its day nearest to `day`."""
    chosen = np.zeros(len(rows), dtype=np.bool_)
    for run in set(rows.runs):
        of_run = rows.runs == run
        nearest = rows.days[of_run][np.argmin(np.abs(rows.days[of_run] - day))]
        chosen |= np.asarray(of_run & (rows.days == nearest), dtype=np.bool_)
    return chosen


def _comparable(rows: Rows, course: str, day: int) -> NDArray[np.bool_]:
    """The rows whose learners a range may compare with: each run on its nearest day, of the same course if many are."""
    chosen = _nearest_days(rows, day)
    same = chosen & _of_course(rows, course)
    return same if same.sum() >= MANY_TO_COMPARE else chosen


def held_out(model: Model, rows: Rows, wanted: NDArray[np.bool_], seed: int) -> Floats:
    """The risk of each wanted row from a fit without its learner; NaN elsewhere and where no such fit is possible."""
    fold = learner_folds(rows.learners, rows.labels, FOLDS, seed)
    risks = np.full(len(rows), np.nan)

    def tell(k: int) -> None:
        out = wanted & (fold == k)
        rest = rows.where(fold != k)
        if out.any() and 0 < rest.labels.sum() < len(rest):
            risks[out] = _told(model, rest, rows.where(out), seed)

    # The libraries compute without Python's lock, and no fold waits for another.
    with ThreadPoolExecutor(max_workers=WORKERS) as pool:
        list(pool.map(tell, range(FOLDS)))
    return risks


def _told(model: Model, rest: Rows, out: Rows, seed: int) -> Floats:
    """The risks of `out` from a fit on `rest`, not calibrated.

    Raises:
        LeakageError: a learner is in both.
    """
    if rest.further is not None:
        rest = replace(rest, further=rest.further.without(out.learners))
    refuse_shared_learners(rest, out)
    return fitted_on(model, rest, seed).risk(out.features)
