"""Curves bend where plain logistic regression cannot, are straight beyond the knots, and add up exactly."""

import numpy as np
import pytest

from headway.domain.errors import NotEnoughData
from headway.evaluation.metrics import auroc
from headway.models.logistic import Logistic
from headway.models.model import Floats, Matrix
from headway.models.splines import FittedSplines, Parameters, Splines, basis, knots_of, turned


def hollow(n: int, seed: int) -> tuple[Matrix, Floats]:
    """Rows where both ends of `a` are risky, and b is a count with few values."""
    random = np.random.default_rng(seed)
    a, b = random.normal(size=n), random.integers(0, 2, n).astype(np.float64)
    labels = (random.random(n) < 1 / (1 + np.exp(2 - 2 * a**2))).astype(np.float64)
    return Matrix(("a", "b"), np.column_stack([a, b])), labels


def test_it_finds_a_curve() -> None:
    rows, labels = hollow(800, 1)
    fresh, truth = hollow(800, 2)
    curve = Splines(Parameters(c=0.01, bend=0.5)).fit(rows, labels, np.ones(800), seed=1)
    line = Logistic().fit(rows, labels, np.ones(800), seed=1)
    assert auroc(truth, curve.risk(fresh)) > 0.75 > 0.6 > auroc(truth, line.risk(fresh))


def test_a_spline_is_straight_beyond_its_outer_knots_and_smooth_at_them() -> None:
    knots = np.array([-1.0, -0.4, 0.1, 0.5, 1.2])
    for outside in (np.linspace(1.2, 9.0, 50), np.linspace(-9.0, -1.0, 50)):
        for column in basis(outside, knots):
            assert np.abs(np.diff(column, 2)).max() < 1e-9
    fine = np.linspace(-2, 2, 4001)
    for column in basis(fine, knots):
        slope = np.diff(column) / np.diff(fine)
        assert np.abs(np.diff(slope)).max() < 0.02


def test_a_column_of_few_values_has_no_bends() -> None:
    assert knots_of(np.tile([0.0, 1.0], 50), Parameters().knots).tolist() == [0.0, 1.0]
    rows, labels = hollow(300, 1)
    fitted = Splines().fit(rows, labels, np.ones(300), seed=1)
    assert isinstance(fitted, FittedSplines)
    assert [len(curve) for curve in fitted.curves] == [5, 2]


def test_turned_columns_have_the_same_size_and_are_uncorrelated() -> None:
    columns = np.column_stack(basis(np.random.default_rng(1).normal(size=400), np.array([-1.0, -0.3, 0.2, 1.0])))
    made = columns @ turned(columns)
    assert np.allclose(made.T @ made / 400, np.eye(3), atol=1e-9)
    assert np.allclose(made.mean(axis=0), 0, atol=1e-9)


def test_heavier_penalties_on_bends_give_straighter_curves() -> None:
    rows, labels = hollow(600, 1)
    bends = []
    for bend in (0.05, 1.0):
        fitted = Splines(Parameters(bend=bend)).fit(rows, labels, np.ones(600), seed=1)
        along = Matrix(("a", "b"), np.column_stack([np.linspace(-2, 2, 41), np.zeros(41)]))
        bends.append(float(np.abs(np.diff(fitted.contributions(along)[:, 0], 2)).sum()))
    assert bends[0] < 0.2 * bends[1]


def test_columns_that_never_vary_are_not_enough() -> None:
    with pytest.raises(NotEnoughData, match="No feature varies"):
        Splines().fit(Matrix(("a",), np.ones((20, 1))), np.tile([0.0, 1.0], 10), np.ones(20), seed=1)
