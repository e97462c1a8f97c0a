"""Balanced weights, checks, and the encoding of state."""

import numpy as np
import pytest

from headway.domain.errors import InputError
from headway.models.state import array, decode, encode, numbers
from headway.models.training import balanced_weights, log_odds, sigmoid


def test_balanced_weights_give_both_classes_the_same_total() -> None:
    labels = np.array([1.0, 0.0, 0.0, 0.0, 0.0])
    weights = balanced_weights(labels)
    assert weights[labels == 1].sum() == pytest.approx(weights[labels == 0].sum())
    assert weights.mean() == pytest.approx(1.0)
    assert balanced_weights(np.ones(3)).tolist() == [1.0, 1.0, 1.0]
    assert balanced_weights(np.zeros(0)).shape == (0,)


def test_sigmoid_neither_overflows_nor_loses_the_log_odds() -> None:
    assert sigmoid(np.array([-1e4, 0.0, 1e4])).tolist() == [0.0, 0.5, 1.0]
    some = np.array([-30.0, -1.0, 0.3, 5.0])
    assert np.allclose(log_odds(sigmoid(some)), some)


def test_numbers_come_back_exactly() -> None:
    values = np.random.default_rng(1).normal(size=100) * 10.0 ** np.arange(-50, 50)
    kept = encode({"b": numbers(values), "a": None})
    assert kept.startswith(b'{"a":null,')
    assert np.array_equal(array(decode({"x": kept}, "x")["b"]), values)


def test_nan_is_not_kept_and_lists_are_not_objects() -> None:
    with pytest.raises(InputError, match="NaN"):
        encode({"a": float("nan")})
    with pytest.raises(InputError, match="not a JSON object"):
        decode({"x": b"[1]"}, "x")
