"""What every registered forecast promises, whoever wrote it."""

import functools
import json

import numpy as np
import pytest

from headway.domain.errors import InputError, NotEnoughData
from headway.evaluation.metrics import mae, r2
from headway.models.forecast import FORECASTS, FittedForecast, Forecast
from headway.models.model import Floats, Matrix

NAMES = ("days", *(f"count_{i}" for i in range(3)), *(f"level_{i}" for i in range(3)), "constant")


def rows(n: int, seed: int) -> tuple[Matrix, Floats]:
    """Rows with heavy tails, gaps, a constant, and a number that follows from some of them."""
    random = np.random.default_rng(seed)
    days = np.floor(random.exponential(6.0, n))
    counts = np.floor(random.lognormal(1.0, 1.2, (n, 3)))
    levels = random.normal(size=(n, 3))
    values = 10 + 2 * levels[:, 0] - np.minimum(days, 14) / 2 + np.log1p(counts[:, 0]) + random.normal(size=n)
    told = np.column_stack([days, counts, levels, np.full(n, 3.0)])
    told[:, 1:-1][random.random((n, len(NAMES) - 2)) < 0.05] = np.nan
    return Matrix(NAMES, told), values


def fit(forecast: Forecast) -> FittedForecast:
    features, values = rows(600, seed=1)
    return forecast.fit(features, values, np.ones(600), seed=7)


@functools.cache
def fitted_once(name: str) -> FittedForecast:
    return fit(FORECASTS.get(name))


@pytest.fixture(params=FORECASTS.names())
def forecast(request: pytest.FixtureRequest) -> Forecast:
    return FORECASTS.get(str(request.param))


FRESH, FRESH_VALUES = rows(300, seed=2)


def test_the_forecasts_are_there() -> None:
    assert {"mean", "ridge", "boosting"} <= set(FORECASTS.names())
    assert [each.name for each in FORECASTS if each.trivial] == ["mean"]


def test_same_rows_and_seed_give_the_same_bytes_and_restore_them(forecast: Forecast) -> None:
    one = fitted_once(forecast.name)
    assert fit(forecast).state() == one.state()
    again = forecast.restore(one.state())
    assert np.array_equal(again.value(FRESH), one.value(FRESH))
    assert np.array_equal(again.contributions(FRESH), one.contributions(FRESH))
    assert again.facts() == one.facts()
    assert json.loads(json.dumps(one.facts(), allow_nan=False))


def test_a_row_alone_is_as_in_a_batch_and_column_order_is_irrelevant(forecast: Forecast) -> None:
    one = fitted_once(forecast.name)
    alone = np.concatenate([one.value(FRESH.rows(np.array([i]))) for i in range(20)])
    assert np.array_equal(alone, one.value(FRESH)[:20])
    shuffled = np.random.default_rng(0).permutation(len(NAMES))
    names = tuple(NAMES[i] for i in shuffled)
    features, values = rows(600, seed=1)
    turned = forecast.fit(Matrix(names, features.values[:, shuffled]), values, np.ones(600), seed=7)
    assert turned.state() == one.state()
    other = Matrix(names, FRESH.values[:, shuffled])
    assert np.array_equal(turned.value(other), one.value(FRESH))
    assert np.array_equal(turned.contributions(other), one.contributions(FRESH)[:, shuffled])


def test_contributions_and_base_are_the_value(forecast: Forecast) -> None:
    one = fitted_once(forecast.name)
    added, base = one.contributions(FRESH), one.facts()["base"]
    assert isinstance(base, float)
    assert (added[:, NAMES.index("constant")] == 0).all()
    assert np.allclose(base + added.sum(axis=1), one.value(FRESH), rtol=0, atol=1e-9)


def test_nothing_known_and_huge_values_give_a_finite_value(forecast: Forecast) -> None:
    odd = Matrix(NAMES, np.vstack([np.full(len(NAMES), np.nan), np.full(len(NAMES), 1e300)]))
    assert np.isfinite(fitted_once(forecast.name).value(odd)).all()


def test_it_learns_what_is_there_and_nothing_from_shuffled_values(forecast: Forecast) -> None:
    found = r2(FRESH_VALUES, fitted_once(forecast.name).value(FRESH))
    assert abs(found) < 0.05 if forecast.trivial else found > 0.6
    features, values = rows(600, seed=3)
    np.random.default_rng(0).shuffle(values)
    assert r2(FRESH_VALUES, forecast.fit(features, values, np.ones(600), seed=7).value(FRESH)) < 0.1


def test_only_ratios_of_weights_matter_and_they_do(forecast: Forecast) -> None:
    features, values = rows(600, seed=1)
    one = fitted_once(forecast.name)
    assert forecast.fit(features, values, np.full(600, 2.0), seed=7).state() == one.state()
    towards = forecast.fit(features, values, np.where(values > 10, 5.0, 1.0), seed=7)
    assert towards.value(FRESH).mean() > one.value(FRESH).mean() + 0.1


def test_equal_values_are_foretold(forecast: Forecast) -> None:
    features, _ = rows(60, seed=1)
    same = np.full(60, 4.25)
    assert mae(same, forecast.fit(features, same, np.ones(60), seed=1).value(features)) < 1e-9


@pytest.mark.parametrize(
    ("values", "weights"), [(np.full(50, np.nan), np.ones(50)), (np.ones(49), np.ones(50)), (np.ones(50), np.zeros(50))]
)
def test_unusable_values_and_weights_are_refused(forecast: Forecast, values: Floats, weights: Floats) -> None:
    with pytest.raises(InputError):
        forecast.fit(rows(50, seed=1)[0], values, weights, seed=1)


def test_no_rows_and_a_damaged_state_are_refused(forecast: Forecast) -> None:
    with pytest.raises(NotEnoughData):
        forecast.fit(Matrix(NAMES, np.zeros((0, len(NAMES)))), np.zeros(0), np.ones(0), seed=1)
    with pytest.raises(InputError, match="Train it again"):
        forecast.restore({})
