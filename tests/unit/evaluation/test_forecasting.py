"""Forecasts as they would have been deployed: intervals that hold, honest pasts, and figures beside the mean."""

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from headway.domain.errors import InputError, NotEnoughData
from headway.evaluation.assess import Measure
from headway.evaluation.forecasting import (
    LEVEL,
    ForecastModel,
    conformal_width,
    fit_forecast,
    forecast_table,
    forecasted,
    held_out_errors,
)
from headway.evaluation.paradigms import Bench, Paradigm, Question, training_rows
from headway.evaluation.rows import Rows
from headway.features.labels import label
from headway.features.views import view_with
from headway.models.forecast import FORECASTS, FittedForecast
from headway.models.forecast_ridge import Ridge
from headway.models.model import Floats, Matrix
from tests.support.memory import Memory
from tests.support.simulation import runs_of, simulated

OPTIONS = {"learners": "100", "runs": "3"}
VIEW = view_with("v", ("active_days_14d", "earned_share", "interactions_14d_percentile", "mean_score"))
FIRST, SECOND, CURRENT = runs_of(simulated(**OPTIONS))
RIDGE = FORECASTS.get("ridge")
MEASURE = Measure(bootstrap=50)


@pytest.fixture(scope="module")
def bench() -> Iterator[Bench]:
    with Memory(simulated(**OPTIONS)) as records:
        yield Bench(records, VIEW)


def question(target: str = "final_score", day: int = 42) -> Question:
    return Question(label(target), (FIRST, SECOND), CURRENT, day, seed=7)


def made(learners: int, seed: int) -> Rows:
    """Learners of one run, each on two days, with a number of which half is to be foreseen."""
    random = np.random.default_rng(seed)
    size = 2 * learners
    known = random.normal(size=size)
    names = np.repeat([f"l{seed}-{number}" for number in range(learners)], 2).astype(object)
    values: Floats = 5 + known + random.normal(size=size)
    features = Matrix(("a", "b"), np.column_stack([known, random.normal(size=size)]))
    runs = np.full(size, "s/c/1", dtype=object)
    return Rows(features, values, names, runs, np.tile([7, 14], learners), np.zeros(size, dtype=np.int64))


def test_the_width_is_the_quantile_that_covers_one_more() -> None:
    errors = np.arange(1.0, 20)
    assert conformal_width(errors, 0.9) == 18
    assert conformal_width(errors, 0.95) == 19
    assert conformal_width(errors[:8], 0.9) == math.inf
    with pytest.raises(InputError):
        conformal_width(errors, 1.0)


def test_intervals_cover_coming_learners_as_often_as_they_say() -> None:
    covered = []
    for seed in range(5):
        model = fit_forecast(RIDGE, made(150, seed), course="s/c", day=14, seed=7)
        fresh = made(400, seed + 50)
        said = model.predict(fresh.features)
        covered.append(((fresh.labels >= said.low) & (fresh.labels <= said.high)).mean())
    assert abs(float(np.mean(covered)) - LEVEL) < 0.03


def test_no_error_comes_from_a_fit_that_had_seen_the_learner() -> None:
    seen: list[frozenset[float]] = []

    class Watching(Ridge):
        def fit(self, features: Matrix, values: Floats, weights: Floats, seed: int) -> FittedForecast:
            seen.append(frozenset(features.column("a").tolist()))
            return Ridge.fit(self, features, values, weights, seed)

    rows = made(40, 1)
    wanted = np.asarray(rows.days == 14, dtype=np.bool_)
    errors = held_out_errors(Watching(), rows, wanted, seed=7)
    assert len(errors) == 40
    of_learner = {name: frozenset(rows.features.column("a")[rows.learners == name].tolist()) for name in rows.learners}
    for own in of_learner.values():
        assert sum(not (own & told) for told in seen) == 1
        assert all(own <= told or not own & told for told in seen)


def test_it_comes_back_from_its_state_and_stays_in_bounds() -> None:
    rows = made(100, 3)
    model = fit_forecast(RIDGE, rows, course="s/c", day=7, seed=7)
    again = ForecastModel.restore(model.state())
    far = Matrix(("a", "b"), np.full((1, 2), 40.0))
    for features in (rows.features, far):
        ours, theirs = model.predict(features), again.predict(features)
        assert np.array_equal(ours.values, theirs.values)
        assert np.array_equal(ours.low, theirs.low)
        assert rows.labels.min() <= ours.low.min() <= ours.high.max() <= rows.labels.max()
    few = fit_forecast(RIDGE, made(2, 3), course="s/c", day=7, seed=7)
    assert few.half_width == math.inf
    assert ForecastModel.restore(few.state()).half_width == math.inf


@pytest.fixture(scope="module")
def rows(bench: Bench) -> list[dict[str, Any]]:
    asked = [question(), question("days_to_next_activity", 49)]
    ways: list[Paradigm] = ["transfer", "in-situ", "post-hoc"]
    chosen = [FORECASTS.get("mean"), RIDGE]
    return [dict(row) for row in forecast_table(bench, asked, ways, chosen, MEASURE, "honest", lambda _: None)]


def told(rows: list[dict[str, Any]], target: str, paradigm: str, model: str) -> dict[str, Any]:
    (found,) = [row for row in rows if (row["label"], row["paradigm"], row["model"]) == (target, paradigm, model)]
    return found


def test_a_forecast_beats_the_mean_and_says_how_far_it_is_off(rows: list[dict[str, Any]]) -> None:
    for paradigm in ("transfer", "post-hoc"):
        ours, mean = (told(rows, "final_score", paradigm, name) for name in ("ridge", "mean"))
        assert ours["mae"]["value"] < mean["mae"]["value"]
        assert ours["r2"]["low"] <= ours["r2"]["value"] <= ours["r2"]["high"]
        assert ours["r2"]["value"] > 0.15
        assert abs(ours["rmse"]["value"] ** 2 - ours["mse"]["value"]) < 1e-9
        assert 0.7 < ours["interval"]["coverage"] <= 1
        assert ours["interval"]["width"] < mean["interval"]["width"]
        assert ours["n"] == mean["n"] > 50
        assert ours["note"] is None


def test_transfer_knows_finished_runs_and_in_situ_what_was_to_be_seen(rows: list[dict[str, Any]]) -> None:
    assert told(rows, "final_score", "transfer", "ridge")["train"] == sorted([FIRST, SECOND])
    unseen = told(rows, "final_score", "in-situ", "ridge")
    assert (unseen["n"], unseen["mae"]["value"]) == (0, None)
    assert "before the run is over" in unseen["note"]
    seen = told(rows, "days_to_next_activity", "in-situ", "ridge")
    assert seen["train"] == [CURRENT]
    assert seen["n"] > 50
    assert 1 <= seen["mean"] <= 28


def test_other_ways_to_train_are_refused_with_those_there_are(bench: Bench) -> None:
    with pytest.raises(NotEnoughData, match=r"transfer, .*in-situ or post-hoc"):
        forecasted(bench, question(), "blended", RIDGE)


def test_labels_that_were_not_known_teach_nothing(bench: Bench) -> None:
    early = replace(question(), train_runs=(CURRENT,), test_run=FIRST)
    with pytest.raises(NotEnoughData):
        training_rows(bench, early, "transfer")
