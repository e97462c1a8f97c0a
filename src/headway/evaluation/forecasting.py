"""Forecasts of numbers as they would have been deployed: fitted on the past, with an interval, and measured.

Intervals are split-conformal: the half-width is a quantile of absolute errors on past learners whom the fit behind each
error had not seen (Lei et al. 2018, doi:10.1080/01621459.2017.1307116; errors from folds by learner as in Vovk 2015,
doi:10.1007/s10472-013-9368-4). They hold where coming learners are like past ones, so coverage is always reported.
Promises that no error behind an interval comes from a fit that had seen the same learner.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from headway.domain.errors import InputError, NotEnoughData
from headway.evaluation.assess import Measure
from headway.evaluation.intervals import bootstrap, known
from headway.evaluation.paradigms import (
    CV_FOLDS,
    Bench,
    Paradigm,
    Question,
    asked,
    training_rows,
)
from headway.evaluation.rows import Rows, learner_folds, refuse_shared_learners
from headway.features.as_of import moments_on_days
from headway.models.forecast import FORECASTS, FittedForecast, Forecast
from headway.models.model import Floats, Json, Matrix
from headway.models.state import decode, encode

LEVEL: Final = 0.9
"""The share of learners whom an interval is made to cover."""

WAYS: Final = ("transfer", "transfer-same", "transfer-other", "in-situ")
"""The deployable ways to train that there are for numbers."""

FOLDS: Final = 4
FEWEST_ERRORS: Final = 30
OF_NUMBERS: Final = ("mae", "mse", "rmse", "r2")
PART: Final = "forecast-model.json"


@dataclass(frozen=True, slots=True)
class Values:
    """What a forecast says of some rows: the expected value, and the ends of its interval; one entry a row."""

    values: Floats
    low: Floats
    high: Floats


@dataclass(frozen=True, slots=True)
class ForecastModel:
    """A fitted forecast with its interval.

    Attributes:
        method: the forecast's name.
        fitted: the forecast.
        half_width: what is added and taken away; infinite with too few past learners.
        least: no value or end of an interval lies below the least value seen in training,
        most: nor above the greatest.
        level: the share of learners that the interval is made to cover.
        errors: how many past learners' errors it rests on.
    """

    method: str
    fitted: FittedForecast
    half_width: float
    least: float
    most: float
    level: float
    errors: int

    def predict(self, features: Matrix) -> Values:
        """The expected value of each row with its interval."""
        values = self.fitted.value(features)

        def kept(found: Floats) -> Floats:
            return np.asarray(np.clip(found, self.least, self.most), dtype=np.float64)

        return Values(kept(values), kept(values - self.half_width), kept(values + self.half_width))

    def contributions(self, features: Matrix) -> Floats:
        """What each feature adds to each row's value, before it is kept between the least and the greatest."""
        return self.fitted.contributions(features)

    def state(self) -> dict[str, bytes]:
        """Everything `restore` needs, by file name."""
        width = known(self.half_width)
        own: dict[str, Json] = {"method": self.method, "half_width": width, "least": self.least, "most": self.most}
        return {PART: encode(own | {"level": self.level, "errors": self.errors})} | self.fitted.state()

    @classmethod
    def restore(cls, state: Mapping[str, bytes]) -> "ForecastModel":
        """The forecast model that `state` came from; it predicts the same bits."""
        kept = decode(state, PART)
        width = math.inf if kept["half_width"] is None else float(kept["half_width"])
        method = str(kept["method"])
        fitted = FORECASTS.get(method).restore(state)
        ends = float(kept["least"]), float(kept["most"])
        return cls(method, fitted, width, *ends, float(kept["level"]), int(kept["errors"]))


def fit_forecast(
    forecast: Forecast, rows: Rows, *, course: str, day: int, seed: int, level: float = LEVEL
) -> ForecastModel:
    """`forecast` fitted on all rows, its interval on the slice of the past that is most like what it will meet.

    The slice is the latest run of the same course, else the latest run, on the day nearest to `day`; its errors come
    from fits that left its learners out, fold by fold.

    Args:
        forecast: the way to learn.
        rows: labelled rows whose labels were all known at the training cut-off.
        course: the course that will be scored (`source/course`).
        day: the course day that will be scored.
        seed: decides the folds and whatever the forecast draws.
        level: the share of learners whom intervals are to cover.

    Raises:
        NotEnoughData: no rows.
    """
    learned = rows.to_learn()
    fitted = forecast.fit(learned.features, learned.labels, np.ones(len(learned)), seed)
    errors = held_out_errors(forecast, rows, _like(rows, course, day), seed)
    ends = float(rows.labels.min()), float(rows.labels.max())
    return ForecastModel(forecast.name, fitted, conformal_width(errors, level), *ends, level, len(errors))


def held_out_errors(forecast: Forecast, rows: Rows, wanted: NDArray[np.bool_], seed: int) -> Floats:
    """The absolute errors of the wanted rows, each from a fit without its learner."""
    fold = learner_folds(rows.learners, rows.labels, FOLDS, seed)
    errors = np.full(len(rows), np.nan)
    for k in range(FOLDS):
        out = wanted & (fold == k)
        rest = rows.where(fold != k).without(rows.learners[out]).to_learn()
        if out.any() and len(rest):
            told = forecast.fit(rest.features, rest.labels, np.ones(len(rest)), seed).value(rows.features.rows(out))
            errors[out] = np.abs(told - rows.labels[out])
    return np.asarray(errors[np.isfinite(errors)], dtype=np.float64)


def conformal_width(errors: Floats, level: float) -> float:
    """The half-width that covers a new learner with probability `level` or more, infinite with too few errors.

    The ceil((n + 1) level)-th smallest of n absolute errors (Lei et al. 2018, theorem 2.2).

    Raises:
        InputError: a level that is not between 0 and 1.
    """
    if not 0 < level < 1:
        raise InputError(f"A level of {level} is not between 0 and 1.")
    place = math.ceil((len(errors) + 1) * level)
    return float(np.sort(errors)[place - 1]) if place <= len(errors) else math.inf


@dataclass(frozen=True, slots=True)
class Forecasted:
    """Forecasts for the rows that were asked for.

    Attributes:
        test: the rows, with what became of them.
        said: values and intervals.
        learned_from: the runs whose rows were used.
        rows_learned: how many rows.
    """

    test: Rows
    said: Values
    learned_from: tuple[str, ...]
    rows_learned: int


def forecasted(bench: Bench, question: Question, paradigm: Paradigm, forecast: Forecast) -> Forecasted:
    """What `forecast`, trained in this way, would have said, beside what became of the learners.

    Raises:
        NotEnoughData: nothing to learn from was known at the as-of time.
    """
    test = asked(bench, question)
    if paradigm == "post-hoc":
        return _post_hoc(bench, question, forecast, test)
    if paradigm not in WAYS:
        raise NotEnoughData(f"Numbers are not forecast the {paradigm} way. Choose {', '.join(WAYS)} or post-hoc.")
    if paradigm == "in-situ" and question.target.whole_run:
        raise NotEnoughData(f"{question.target.name!r} is not to be seen before the run is over, and has no proxy.")
    learn = training_rows(bench, question, paradigm)
    if paradigm != "in-situ":
        learn = learn.without(test.learners)
        refuse_shared_learners(learn, test)
    if not len(learn):
        raise NotEnoughData("All who could be learned from are to be scored themselves. Add runs to learn from.")
    trained = fit_forecast(forecast, learn, course=question.course, day=question.day, seed=question.seed)
    said = trained.predict(test.features)
    return Forecasted(test, said, learn.learned_runs(), len(learn.to_learn()))


def forecast_figures(test: Rows, said: Values, measure: Measure, level: float = LEVEL) -> dict[str, Json]:
    """Every figure of some forecasts: `n`, `mean`, errors with intervals by learner, coverage and width."""
    found = bootstrap(OF_NUMBERS, test.labels, said.values, test.learners, seed=measure.seed, n=measure.bootstrap)
    inside = (test.labels >= said.low) & (test.labels <= said.high)
    row: dict[str, Json] = {"n": len(test), "mean": known(float(test.labels.mean()))}
    row |= {name: dict(interval.as_json()) for name, interval in found.items()}
    width = known(float(np.mean(said.high - said.low)))
    row["interval"] = {"level": level, "coverage": known(float(inside.mean())), "width": width}
    return row


def forecast_table(
    bench: Bench,
    questions: Sequence[Question],
    paradigms: Sequence[Paradigm],
    forecasts: Sequence[Forecast],
    measure: Measure,
    protocol: str,
    progress: Callable[[str], None],
) -> list[dict[str, Json]]:
    """One row for each question, paradigm and forecast; what cannot be answered honestly says why in `note`."""
    rows = []
    for question in questions:
        for paradigm in paradigms:
            progress(f"{question.test_run}, day {question.day}: {paradigm}")
            rows += [_row(bench, question, paradigm, forecast, measure, protocol) for forecast in forecasts]
    return rows


def _row(
    bench: Bench, question: Question, paradigm: Paradigm, forecast: Forecast, measure: Measure, protocol: str
) -> dict[str, Json]:
    row: dict[str, Json] = {
        "protocol": protocol,
        "paradigm": paradigm,
        "model": forecast.name,
        "label": question.target.name,
        "train": list(question.train_runs),
        "test": question.test_run,
        "day": question.day,
    }
    try:
        found = forecasted(bench, question, paradigm, forecast)
    except NotEnoughData as why:
        nothing: dict[str, Json] = {name: {"value": None, "low": None, "high": None} for name in OF_NUMBERS}
        about: dict[str, Json] = {"n": 0, "mean": None, "interval": None, "rows_learned": 0, "note": str(why)}
        return row | about | nothing
    row["train"] = list(found.learned_from)
    return row | forecast_figures(found.test, found.said, measure) | {"rows_learned": found.rows_learned, "note": None}


def _post_hoc(bench: Bench, question: Question, forecast: Forecast, test: Rows) -> Forecasted:
    """Each learner's value from a fit without them; each fold's interval from the errors of the others."""
    moments = moments_on_days(bench.records, [question.test_run], question.past_days())
    learn = bench.rows(moments, question.target, None)
    learners, labels = (
        np.concatenate([getattr(part, name) for part in (learn, test)]) for name in ("learners", "labels")
    )
    fold = learner_folds(learners, labels, CV_FOLDS, question.seed)
    of_learn, of_test = fold[: len(learn)], fold[len(learn) :]
    values = np.full(len(test), np.nan)
    for k in range(CV_FOLDS):
        out = of_test == k
        if out.any():
            rest = learn.where(of_learn != k)
            refuse_shared_learners(rest, test.where(out))
            made = forecast.fit(rest.features, rest.labels, np.ones(len(rest)), question.seed)
            values[out] = np.clip(made.value(test.features.rows(out)), rest.labels.min(), rest.labels.max())
    errors = np.abs(values - test.labels)
    widths = np.array([conformal_width(errors[of_test != k], LEVEL) for k in range(CV_FOLDS)])[of_test]
    ends = float(learn.labels.min()), float(learn.labels.max())
    said = Values(values, np.clip(values - widths, *ends), np.clip(values + widths, *ends))
    return Forecasted(test, said, (question.test_run,), len(learn))


def _like(rows: Rows, course: str, day: int) -> NDArray[np.bool_]:
    """The rows whose errors make the interval: of the same course first, the latest run, the nearest day."""
    of_course = np.array([run.rsplit("/", 1)[0] == course for run in rows.runs], dtype=np.bool_)
    for candidates in (of_course, np.ones(len(rows), dtype=np.bool_)):
        runs = sorted(set(rows.runs[candidates]), key=lambda run: (-rows.instants[rows.runs == run].max(), run))
        for run in runs:
            on_days = rows.days[rows.runs == run]
            nearest = on_days[np.argmin(np.abs(on_days - day))]
            chosen = np.asarray((rows.runs == run) & (rows.days == nearest), dtype=np.bool_)
            if chosen.sum() >= FEWEST_ERRORS:
                return chosen
    return np.ones(len(rows), dtype=np.bool_)
