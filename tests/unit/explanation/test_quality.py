"""Figures about a model's reasons over a cohort: what is straight agrees and lasts, what is drawn anew does not."""

import json

import numpy as np
import pytest

from headway.domain.errors import InputError
from headway.explanation.quality import quality
from headway.models.model import MODELS, Matrix
from tests.support.explaining import definitions, feature, matrix

NAMES = tuple("abcdefgh")
KNOWN = definitions([feature(name) for name in NAMES])
ROWS = matrix(200, NAMES)
LABELS = (ROWS.values[:, 0] - ROWS.values[:, 1] + 0.5 * ROWS.values[:, 2] > 0).astype(float)
STRAIGHT = MODELS.get("logistic").fit(ROWS, LABELS, np.ones(200), 1)


def test_a_straight_model_agrees_and_lasts() -> None:
    later = Matrix(NAMES, ROWS.values + np.random.default_rng(2).normal(0, 0.05, ROWS.values.shape))
    found = quality(STRAIGHT, later, KNOWN, (ROWS, range(200)), sample=15)
    assert found.learners == 15
    assert found.same_sign > 0.7
    assert found.overlap > 0.6
    assert found.rank_correlation > 0.6
    assert found.last_a_week is not None
    assert found.last_a_week > 0.9
    assert found.turned_in_a_week == 0
    assert 0 <= found.withheld < 0.3
    assert json.loads(json.dumps(found.as_json(), allow_nan=False))["learners"] == 15


def test_another_learner_has_other_reasons() -> None:
    found = quality(STRAIGHT, matrix(200, NAMES, seed=5), KNOWN, (ROWS, range(200)), sample=10)
    assert found.last_a_week is not None
    assert found.last_a_week < 0.8


def test_without_a_week_before_nothing_is_said_of_it() -> None:
    assert quality(STRAIGHT, ROWS, KNOWN, sample=3).last_a_week is None
    assert quality(STRAIGHT, ROWS, KNOWN, (ROWS, [-1] * 200), sample=3).last_a_week is None
    with pytest.raises(InputError):
        quality(STRAIGHT, ROWS.rows(np.zeros(200, dtype=np.bool_)), KNOWN)
