"""Weights of past rows towards the running cohort."""

import numpy as np
import pytest

from headway.evaluation.importance import MOST, towards
from headway.models.model import Matrix


def matrix(values: object) -> Matrix:
    return Matrix(("a", "b"), np.asarray(values, dtype=np.float64))


def test_rows_like_the_cohort_count_more() -> None:
    random = np.random.default_rng(3)
    past = matrix(random.normal(size=(800, 2)))
    cohort = matrix(random.normal([1.5, 0.0], size=(300, 2)))
    found = towards(past, cohort, 7)
    near, far = past.values[:, 0] > 1.0, past.values[:, 0] < -1.0
    assert found.weights[near].mean() > 1.5 * found.weights[far].mean()
    assert found.weights.mean() == pytest.approx(1.0)
    assert found.weights.max() / found.weights.min() <= MOST**2
    assert found.effective == pytest.approx(found.weights.sum() ** 2 / (found.weights**2).sum())
    assert 0 < found.effective < 800
    again = towards(past, cohort, 7)
    assert np.array_equal(again.weights, found.weights)


def test_a_cohort_like_the_past_changes_little() -> None:
    random = np.random.default_rng(5)
    found = towards(matrix(random.normal(size=(1000, 2))), matrix(random.normal(size=(1000, 2))), 7)
    assert found.effective > 950


def test_the_weighted_past_resembles_the_cohort_more() -> None:
    random = np.random.default_rng(4)
    past, cohort = matrix(random.normal(size=(2000, 2))), matrix(random.normal([0.0, 1.0], size=(500, 2)))
    weights = towards(past, cohort, 7).weights
    before = cohort.values[:, 1].mean() - past.values[:, 1].mean()
    after = cohort.values[:, 1].mean() - np.average(past.values[:, 1], weights=weights)
    assert 0 <= after < 0.8 * before


def test_columns_may_come_in_another_order_and_be_absent() -> None:
    random = np.random.default_rng(6)
    values = random.normal(size=(200, 2))
    values[::7, 1] = np.nan
    past, turned = matrix(values), Matrix(("b", "a"), values[:100, ::-1] + 1)
    straight = towards(past, matrix(values[:100] + 1), 7)
    assert np.array_equal(towards(past, turned, 7).weights, straight.weights)


def test_where_nothing_varies_all_count_the_same() -> None:
    found = towards(matrix(np.ones((20, 2))), matrix(np.ones((10, 2))), 7)
    assert found.weights.tolist() == [1.0] * 20
    assert found.effective == 20.0
