"""The surrogate finds the sign and the order of a straight model, and agreement says how far two opinions agree."""

import numpy as np
import pytest

from headway.explanation.lime import agreement, by_family, surrogate
from headway.explanation.reasons import families
from headway.explanation.shapley import explainer
from headway.models.model import Matrix
from tests.support.explaining import Curved, feature, matrix

NAMES = ("a", "b", "c", "d")
STRAIGHT = Curved(NAMES, (2.0, -1.0, 0.3, 0.0))


def test_signs_and_order_on_a_straight_model() -> None:
    cohort = matrix(400, NAMES)
    row = Matrix(NAMES, np.array([[2.0, 2.0, 2.0, 2.0]]))
    found = surrogate(STRAIGHT, row, cohort, seed=1)
    added = dict(zip(found.names, found.added, strict=True))
    assert "d" not in added, "what the model does not read has no say"
    assert added["a"] > -added["b"] > 0
    assert added["c"] > 0
    assert found.fit > 0.5


def test_it_agrees_with_shapley_values_on_a_straight_model() -> None:
    cohort = matrix(400, NAMES)
    row = Matrix(NAMES, np.array([[1.5, -1.0, 0.0, 3.0]]))
    each = families([feature(name) for name in NAMES])
    net = each.net(explainer(STRAIGHT, cohort, 1).contributions(row))[0][0]
    found = agreement(net, by_family(surrogate(STRAIGHT, row, cohort, seed=1), each), top=2)
    assert found.overlap == 1
    assert found.same_sign == 1
    assert found.rank_correlation == pytest.approx(1, abs=0.21)


def test_the_same_seed_says_the_same_and_another_nearly() -> None:
    cohort, row = matrix(200, NAMES), matrix(1, NAMES, seed=5)
    first, again, other = (surrogate(STRAIGHT, row, cohort, seed=seed) for seed in (1, 1, 2))
    assert np.array_equal(first.added, again.added)
    assert not np.array_equal(first.added, other.added)
    assert np.allclose(first.added, other.added, atol=0.3)


def test_what_is_not_known_is_a_bin_of_its_own() -> None:
    values = matrix(300, NAMES).values
    values[::2, 0] = np.nan
    odds = Curved(NAMES, (0.0, 1.0, 0.0, 0.0))
    row = Matrix(NAMES, np.array([[np.nan, 1.0, 0.0, 0.0]]))
    found = surrogate(odds, row, Matrix(NAMES, values), seed=1)
    assert np.isfinite(found.added).all()


def test_agreement_counts_what_is_shared() -> None:
    one = np.array([3.0, -2.0, 1.0, 0.1, 0.0, 0.0])
    found = agreement(one, np.array([3.0, 2.0, 0.0, 0.2, 0.0, 1.0]), top=3)
    assert found.overlap == pytest.approx(2 / 3)
    assert found.same_sign == pytest.approx(1 / 3)
    assert agreement(one, np.zeros(6)).rank_correlation is None
    assert agreement(one, one).rank_correlation == pytest.approx(1)
