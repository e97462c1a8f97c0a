"""Preparation of columns, and agreement with scikit-learn."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from headway.domain.errors import NotEnoughData
from headway.models.logistic import Columns, Logistic, Parameters, signed_log
from headway.models.model import Floats, Matrix

RANDOM = np.random.default_rng(5)
VALUES: Floats = RANDOM.normal(size=(300, 3))
LABELS: Floats = (RANDOM.random(300) < 1 / (1 + np.exp(-VALUES[:, 0] + VALUES[:, 2]))).astype(np.float64)


def prepared(column: list[float]) -> tuple[Columns, Floats]:
    rows = Matrix(("x",), np.array(column)[:, None])
    columns = Columns.learn(rows, Parameters())
    return columns, columns.prepare(rows)


def test_agrees_with_scikit_learn_on_standardised_columns_that_share_the_penalty() -> None:
    one = Logistic(Parameters(c=0.3)).fit(Matrix(("a", "b", "c"), VALUES), LABELS, np.ones(300), seed=0)
    standard = (VALUES - VALUES.mean(axis=0)) / VALUES.std(axis=0)
    reference = LogisticRegression(C=0.1, tol=1e-8).fit(standard, LABELS).predict_proba(standard)[:, 1]
    assert np.allclose(one.risk(Matrix(("a", "b", "c"), VALUES)), reference, atol=1e-4)


def test_contribution_is_coefficient_times_distance_from_the_mean() -> None:
    rows = Matrix(("a", "b", "c"), VALUES)
    added = Logistic(Parameters(c=0.1)).fit(rows, LABELS, np.ones(300), seed=0).contributions(rows)
    assert np.allclose(added.mean(axis=0), 0, atol=1e-12)
    slope = (added[0] - added[1]) / (VALUES[0] - VALUES[1])
    assert slope[0] > 0.3 > abs(slope[1])
    assert slope[2] < -0.3


def test_absence_is_a_column_of_its_own_and_counts_with_its_feature() -> None:
    told = VALUES.copy()
    told[LABELS == 1, 1] = np.nan
    rows = Matrix(("a", "b", "c"), told)
    one = Logistic(Parameters(c=0.1)).fit(rows, LABELS, np.ones(300), seed=0)
    added = one.contributions(rows)[:, 1]
    assert added[LABELS == 1].min() > added[LABELS == 0].max()
    assert one.risk(rows)[LABELS == 1].min() > 0.5


def test_heavy_tails_go_on_a_log_scale_and_others_do_not() -> None:
    heavy, _ = prepared([0.0] * 20 + [1.0, 2.0, 50.0, 900.0])
    even, _ = prepared([float(i) for i in range(24)])
    signed, _ = prepared([-1.0] + [0.0] * 20 + [1.0, 2.0, 50.0, 900.0])
    assert [float(c.logged[0]) for c in (heavy, even, signed)] == [1.0, 0.0, 0.0]
    assert signed_log(np.array([-1.0, 0.0, np.e - 1])).tolist() == pytest.approx([-np.log(2), 0.0, 1.0])


def test_absent_values_take_the_median() -> None:
    columns, standard = prepared([1.0, 2.0, 9.0, float("nan")])
    assert columns.median[0] == 2.0
    assert standard[3, 0] == standard[1, 0]
    assert standard[3, 1] > 0 > standard[0, 1]


def test_constant_and_empty_columns_are_dropped() -> None:
    columns, standard = prepared([0.1] * 7)
    assert columns.scale[0] == 0
    assert not standard.any()
    columns, standard = prepared([float("nan")] * 7)
    assert not standard.any()
    assert columns.absent_scale[0] == 0


def test_unseen_values_are_cut_at_the_reach() -> None:
    columns, _ = prepared([float(i) for i in range(10)])
    far = columns.prepare(Matrix(("x",), np.array([[1e6], [-1e300]])))
    assert far[:, 0].tolist() == [5.0, -5.0]


def test_rows_that_do_not_vary_are_not_enough() -> None:
    with pytest.raises(NotEnoughData, match="varies"):
        Logistic().fit(Matrix(("x",), np.ones((4, 1))), np.array([0.0, 1.0, 0.0, 1.0]), np.ones(4), seed=0)


def test_a_weaker_penalty_gives_larger_contributions() -> None:
    rows = Matrix(("a", "b", "c"), VALUES)
    sizes = [
        np.abs(Logistic(Parameters(c=c)).fit(rows, LABELS, np.ones(300), seed=0).contributions(rows)).sum()
        for c in (0.001, 0.1, 10.0)
    ]
    assert sizes == sorted(sizes)
