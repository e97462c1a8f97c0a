"""Contributions sum to what sets a learner apart, and agree with the library `shap` and with brute force."""

import itertools
import math
import warnings
from typing import Any

import numpy as np
import pytest

from headway.domain.errors import InputError
from headway.explanation.mixing import log_odds_of, mixed
from headway.explanation.shapley import Exact, Sampled, explainer, sampled
from headway.models.model import MODELS, Fitted, Floats, Matrix
from headway.models.tree_shapley import shapley
from tests.support.explaining import Curved, matrix, past_of

NAMES = ("a", "b", "c", "d")
CURVED = Curved(NAMES, (1.0, -0.5, 0.25, 0.0), meet=0.8)


def known(model: str, rows: int = 300) -> tuple[Fitted, Matrix]:
    """A model fitted on rows with gaps, and the rows."""
    features = matrix(rows, NAMES)
    values = features.values.copy()
    values[::7, 2] = np.nan
    signal = values[:, 0] - values[:, 1] * (values[:, 0] > 0)
    labels = (np.random.default_rng(3).random(rows) < 1 / (1 + np.exp(-signal))).astype(np.float64)
    rows_with_gaps = Matrix(NAMES, values)
    return MODELS.get(model).fit(rows_with_gaps, labels, np.ones(rows), 5), rows_with_gaps


@pytest.mark.parametrize("model", ["base-rate", "boosting", "forest", "logistic", "splines", "survival"])
def test_what_a_sum_adds_up_to(model: str) -> None:
    fitted, rows = known(model)
    explains = explainer(fitted, rows, seed=1)
    assert explains.method == "exact"
    told = explains.contributions(rows).sum(axis=1)
    assert np.allclose(told, log_odds_of(fitted, rows) - explains.base, atol=1e-6)


def test_sampled_values_sum_to_the_difference_from_the_background() -> None:
    rows = matrix(50, NAMES)
    explains = explainer(CURVED, rows, seed=1)
    assert isinstance(explains, Sampled)
    told = explains.contributions(rows.rows(np.arange(5)))
    assert np.allclose(told.sum(axis=1), CURVED.odds(rows)[:5] - explains.base, atol=1e-8)
    assert (told[:, 3] == 0).all(), "a feature that is not read adds nothing"
    assert np.array_equal(told, explainer(CURVED, rows, seed=1).contributions(rows.rows(np.arange(5))))


def brute(row: Matrix, background: Matrix) -> Floats:
    """Shapley values over all orders and the whole background."""
    added = np.zeros(len(NAMES))
    orders = list(itertools.permutations(range(len(NAMES))))
    places = np.arange(len(background))
    for order in orders:
        own = np.zeros((len(background), len(NAMES)), dtype=np.bool_)
        last = CURVED.odds(mixed(row, background, own, places, NAMES)).mean()
        for player in order:
            own[:, player] = True
            here = CURVED.odds(mixed(row, background, own, places, NAMES)).mean()
            added[player] += here - last
            last = here
    return added / len(orders)


def test_sampled_values_come_near_brute_force() -> None:
    background, row = matrix(20, NAMES), matrix(1, NAMES, seed=9)
    told = sampled(CURVED, background, seed=1, walks=4000).contributions(row)[0]
    assert np.allclose(told, brute(row, background), atol=0.08)


def test_sampled_values_are_those_of_the_kernel_explainer() -> None:
    shap: Any = pytest.importorskip("shap")
    background, row = matrix(20, NAMES), matrix(1, NAMES, seed=9)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        oracle = shap.KernelExplainer(lambda values: CURVED.odds(Matrix(NAMES, values)), background.values)
        wanted = np.asarray(oracle.shap_values(row.values, silent=True))[0]
    assert np.allclose(brute(row, background), wanted, atol=1e-6)


def test_a_feature_of_the_past_is_taken_away_as_a_whole() -> None:
    rows = past_of(matrix(40, NAMES))
    model = Curved(NAMES, (1.0, -0.5, 0.25, 0.0), wants_history=True)
    explains = explainer(model, rows, seed=1)
    row = rows.rows(np.array([1]))
    told = explains.contributions(row)[0]
    assert isinstance(explains, Sampled)
    nothing_own = np.zeros((len(explains.starts), len(explains.names)), dtype=np.bool_)
    base = model.odds(mixed(row, explains.donors, nothing_own, explains.starts, explains.names)).mean()
    assert told.sum() == pytest.approx(model.odds(row)[0] - base)
    assert row.history is not None
    of_a = row.values[0, 0] + row.history.values[0, :, 0].sum()
    assert np.sign(told[0]) == np.sign(of_a), "today and the days before are one player"


def test_steps_at_which_a_learner_was_not_enrolled_stay_so() -> None:
    rows = past_of(matrix(10, NAMES))
    first = rows.rows(np.array([0]))
    made = mixed(first, rows, np.zeros((4, 4), dtype=np.bool_), np.array([1, 2, 4, 5]), NAMES)
    assert made.history is not None
    assert first.history is not None
    assert np.array_equal(made.history.mask, np.repeat(first.history.mask, 4, axis=0))


@pytest.mark.parametrize("gaps", [False, True])
def test_forests_have_the_values_of_the_tree_explainer(gaps: bool) -> None:
    shap: Any = pytest.importorskip("shap")
    from sklearn.ensemble import RandomForestClassifier

    from headway.models.forest import Trees

    random = np.random.default_rng(4)
    values = random.normal(size=(200, 5)).astype(np.float32)
    labels = (values[:, 0] * values[:, 1] + values[:, 2] > 0).astype(np.int64)
    if gaps:
        values[random.random(values.shape) < 0.1] = np.nan
    grown = RandomForestClassifier(20, min_samples_leaf=4, random_state=1).fit(values, labels)
    trees = Trees.of(grown, np.asarray(~np.isnan(values).any(axis=0), dtype=np.bool_))
    told = shapley(trees, values[:40])
    wanted = np.asarray(shap.TreeExplainer(grown).shap_values(values[:40]))[..., 1]
    assert np.allclose(told, wanted, atol=1e-6)


def test_boosting_has_the_values_of_the_tree_explainer() -> None:
    shap: Any = pytest.importorskip("shap")
    fitted: Any
    fitted, rows = known("boosting")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        wanted = np.asarray(shap.TreeExplainer(fitted._booster).shap_values(rows.ordered(fitted.names)))
    assert np.allclose(fitted.contributions(rows), wanted, atol=1e-6)


def test_linear_values_are_coefficient_times_distance_from_the_mean() -> None:
    fitted, rows = known("logistic")
    assert isinstance(explainer(fitted, rows, 1), Exact)
    told = explainer(fitted, rows, 1).contributions(rows)
    slope = np.polyfit(rows.values[:, 0], told[:, 0], 1)[0]
    assert np.allclose(told[:, 0], slope * (rows.values[:, 0] - rows.values[:, 0].mean()), atol=1e-9)


def test_a_forest_kept_before_covers_were_says_nearly_the_same() -> None:
    from headway.models.state import packed, unpacked

    fitted, rows = known("forest")
    state = fitted.state()
    arrays = {name: each for name, each in unpacked(state, "forest.npz").items() if name != "cover"}
    older = MODELS.get("forest").restore(state | {"forest.npz": packed(arrays)})
    assert np.array_equal(older.risk(rows), fitted.risk(rows))
    assert np.abs(older.contributions(rows) - fitted.contributions(rows)).max() < 1e-6


def test_states_explain_themselves_by_their_channels() -> None:
    pytest.importorskip("hmmlearn")
    fitted, rows = known("hmm")
    told = fitted.contributions(rows)
    assert (np.abs(told).sum(axis=1) > 0).any()
    change = log_odds_of(fitted, rows) - told.sum(axis=1)
    assert np.allclose(change, change[0]), "without a past, all rows have the same base"
    assert math.isfinite(explainer(fitted, rows, 1).base)


def test_nothing_to_compare_with_is_refused() -> None:
    with pytest.raises(InputError, match="at least one row"):
        explainer(CURVED, matrix(0, NAMES), 1)
    with pytest.raises(InputError, match="one learner"):
        mixed(matrix(2, NAMES), matrix(2, NAMES), np.ones((1, 4), np.bool_), np.zeros(1, np.int64), NAMES)
