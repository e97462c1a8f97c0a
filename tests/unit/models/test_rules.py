"""The rules give the shares that can be counted by hand."""

import numpy as np
import pytest

from headway.models.model import MODELS, Matrix
from headway.models.rules import RECENCY

DAYS = np.array([0.0, 2.0, 6.99, 7.0, 20.0, np.nan, 1.0, 3.0])
LABELS = np.array([0.0, 0.0, 1.0, 1.0, 1.0, 1.0, 0.0, 0.0])
ROWS = Matrix((RECENCY,), DAYS[:, None])


def test_seven_days_is_the_line_and_never_seen_lies_beyond_it() -> None:
    risk = MODELS.get("inactive-7-days").fit(ROWS, LABELS, np.ones(8), seed=0).risk(ROWS)
    assert risk[[3, 4, 5]].tolist() == pytest.approx([4 / 5] * 3)
    assert risk[[0, 1, 2, 6, 7]].tolist() == pytest.approx([2 / 7] * 5)
    assert len(set(risk.tolist())) == 2


def test_base_rate_is_the_smoothed_share_for_everyone() -> None:
    one = MODELS.get("base-rate").fit(ROWS, LABELS, np.ones(8), seed=0)
    assert one.risk(ROWS).tolist() == pytest.approx([5 / 10] * 8)
    assert not one.contributions(ROWS).any()


def test_weights_count_as_rows() -> None:
    risk = MODELS.get("base-rate").fit(ROWS, LABELS, np.where(LABELS == 1, 3.0, 1.0), seed=0).risk(ROWS)
    assert risk[0] == pytest.approx((8 * 0.75 + 1) / 10)


def test_a_side_without_rows_gets_an_even_chance() -> None:
    recent = Matrix((RECENCY,), np.ones((4, 1)))
    one = MODELS.get("inactive-7-days").fit(recent, np.array([0.0, 0.0, 0.0, 1.0]), np.ones(4), seed=0)
    assert one.risk(ROWS)[4] == pytest.approx(0.5)
