"""Small differences in the record, and which reasons survive them."""

from typing import Literal

import numpy as np
import pytest

from headway.explanation.reasons import families, reasons
from headway.explanation.stability import LEAST_STEADY, compared, jittered, steadiness, unsteady
from headway.models.model import Floats, Matrix
from tests.support.explaining import definitions, feature, matrix, past_of

NAMES = ("a", "b", "c")
FEATURES = [feature("a", "visits"), feature("b", "results"), feature("c", "forum")]


class Edge:
    """Says a lot of `a`, which is far from any line, and of `b`, which turns round at 0."""

    method: Literal["exact"] = "exact"
    base = 0.0

    def contributions(self, rows: Matrix) -> Floats:
        """Shape (rows, features)."""
        a, b = rows.values[:, 0], rows.values[:, 1]
        return np.column_stack([np.where(a > -2, 2.0, -2.0), np.where(b > 0, 1.0, -1.0), np.zeros(len(rows))])


def test_numbers_move_to_neighbours_and_what_is_not_known_stays() -> None:
    cohort = Matrix(NAMES, np.column_stack([np.arange(100.0), np.repeat([0.0, 1.0], 50), np.full(100, np.nan)]))
    row = Matrix(NAMES, np.array([[50.0, 0.0, np.nan]]))
    made = jittered(row, cohort, seed=1, times=400)
    assert len(made) == 400
    moved = made.values[:, 0]
    assert 0.4 < (moved != 50).mean() < 0.6
    assert moved.min() >= 45
    assert moved.max() <= 55
    assert set(made.values[:, 1]) == {0.0, 1.0}, "at least the next number that somebody has"
    assert np.isnan(made.values[:, 2]).all()


def test_a_row_is_moved_the_same_alone_and_among_others() -> None:
    cohort = matrix(50, NAMES)
    together = jittered(cohort, cohort, seed=1, times=10)
    alone = jittered(cohort.rows(np.array([3])), cohort, seed=1, times=10)
    assert np.array_equal(together.values[30:40], alone.values)


def test_the_order_of_columns_is_irrelevant() -> None:
    cohort = matrix(50, NAMES)
    turned = Matrix(NAMES[::-1], cohort.values[:, ::-1])
    one, other = jittered(cohort, cohort, 1), jittered(turned, turned, 1)
    assert np.array_equal(one.values, other.values[:, ::-1])


def test_in_a_past_only_today_moves() -> None:
    rows = past_of(matrix(20, NAMES))
    row = rows.rows(np.array([1]))
    made = jittered(row, rows, seed=1, times=5)
    assert made.history is not None
    assert row.history is not None
    assert np.array_equal(made.history.values[:, :-1], np.repeat(row.history.values[:, :-1], 5, axis=0))
    assert np.allclose(made.history.values[:, -1], made.values.astype(np.float32))


def test_a_reason_at_an_edge_is_withheld() -> None:
    cohort = matrix(200, NAMES)
    near = np.sort(cohort.values[:, 1])
    at_edge = float(near[near > 0][0])
    row = Matrix(NAMES, np.array([[0.0, at_edge, 0.0]]))
    found = families(FEATURES)
    (told,) = steadiness(Edge(), row, cohort, found, np.arange(3), seed=1)
    assert told.steady[0] == 1
    assert told.steady[1] < LEAST_STEADY
    assert told.turned[1] == pytest.approx(1 - told.steady[1])
    assert told.withheld.tolist()[:2] == [False, True]


def test_what_is_withheld_is_no_reason() -> None:
    cohort = matrix(200, NAMES)
    withheld = unsteady(Edge(), cohort, cohort, definitions(FEATURES))
    assert withheld.shape == (200, 3)
    assert 0 < withheld[:, 1].mean() < 0.3
    assert not withheld[:, 0][cohort.values[:, 0] > 0].any()
    told = reasons(cohort, Edge().contributions(cohort), definitions(FEATURES), {}, withheld=withheld)
    assert [any(reason.feature == "b" for reason in row) for row in told] == (~withheld[:, 1]).tolist()


def test_a_reason_that_drops_out_of_the_strongest_is_not_steady() -> None:
    net = np.ones(12)
    again = np.ones((4, 12))
    shares = np.full((4, 12), 0.08)
    shares[2:, 11] = 0.001
    told = compared(net, again, shares)
    assert told.steady[0] == 1
    assert told.steady[11] == 0, "eleventh and twelfth of equals are not among the ten strongest"
