"""Checks that find leaks on purpose and find nothing where there is none."""

import numpy as np
import pytest

from headway.evaluation.rows import Rows, learner_folds
from headway.evaluation.suspicion import (
    PLANTED,
    dealt_anew,
    differing_cells,
    planted_is_seen,
    power,
    powers,
    shuffled,
    with_planted,
)
from headway.models.model import Floats, Matrix
from tests.unit.evaluation.test_risk_model import LOGISTIC, rows_of

ROWS = rows_of({"s/c/1": [14]}, learners=200)


def test_power_takes_the_better_direction_and_puts_absent_values_lowest() -> None:
    labels = np.array([0.0, 0, 1, 1])
    assert power(labels, np.array([1.0, 2, 3, 4])) == 1.0
    assert power(labels, np.array([4.0, 3, 2, 1])) == 1.0
    assert power(labels, np.array([5.0, 6, np.nan, np.nan])) == 1.0
    assert power(labels, np.full(4, np.nan)) == 0.5
    assert power(labels, np.array([1.0, np.inf, 1.0, np.inf])) == 0.5


def test_features_are_ranked_and_ordinary_ones_raise_no_suspicion() -> None:
    found = powers(ROWS)
    assert [each.name for each in found] == ["tells", "noise"]
    assert [each.why for each in found] == [None, None]
    assert found[0].power > found[1].power


def test_a_planted_leak_stands_first_and_says_why() -> None:
    first = powers(with_planted(ROWS, seed=3))[0]
    assert first.name == PLANTED
    assert first.why is not None
    assert planted_is_seen(ROWS, seed=3)


def test_a_strong_feature_that_does_not_grow_is_suspicious_and_one_that_grows_is_not() -> None:
    random = np.random.default_rng(1)
    labels = (random.random(400) < 0.4).astype(float)

    def rows(strength: float) -> Rows:
        values = (labels * strength + random.normal(size=400))[:, None]
        none = np.zeros(400, dtype=np.int64)
        who = np.array([f"l{n}" for n in range(400)], dtype=object)
        return Rows(Matrix(("x",), values), labels, who, np.full(400, "s/c/1", dtype=object), none, none)

    now = rows(1.7)
    assert powers(now, rows(1.7))[0].why is not None
    assert powers(now, rows(6.0))[0].why is None


def test_absence_that_tells_is_suspicious() -> None:
    values = np.where(ROWS.labels == 1, np.nan, 1.0)[:, None]
    filled = Rows(Matrix(("x",), values), ROWS.labels, ROWS.learners, ROWS.runs, ROWS.days, ROWS.instants)
    assert powers(filled)[0].absent == 1.0


def test_labels_dealt_anew_keep_their_number_and_a_learner_s_own() -> None:
    rows = rows_of({"s/c/1": [7, 14], "s/c/2": [7]})
    one, other = dealt_anew([rows, rows], seed=1)
    assert np.array_equal(one, other)
    for run in ("s/c/1", "s/c/2"):
        on_first = (rows.runs == run) & (rows.days == 7)
        assert one[on_first].sum() == rows.labels[on_first].sum()
    first_week, second_week = ((rows.runs == "s/c/1") & (rows.days == day) for day in (7, 14))
    assert np.array_equal(one[first_week], one[second_week])
    assert not np.array_equal(one, rows.labels)


def by_logistic(learn: Rows, labels: Floats, test: Rows) -> Floats:
    return LOGISTIC.fit(learn.features, labels, np.ones(len(learn)), 1).risk(test.features)


def test_an_honest_split_falls_to_chance_when_labels_are_dealt_anew() -> None:
    fold = learner_folds(ROWS.learners, ROWS.labels, 2, 1)
    found = shuffled(ROWS.where(fold == 0), ROWS.where(fold == 1), by_logistic, draws=6, seed=1)
    assert found.honest
    assert found.real > 0.7
    assert found.as_json()["honest"] is True


def test_a_model_that_has_met_the_learners_does_not_fall_to_chance() -> None:
    def by_heart(learn: Rows, labels: Floats, test: Rows) -> Floats:
        known = dict(zip(learn.learners, labels, strict=True))
        return np.array([known.get(who, 0.5) for who in test.learners])

    found = shuffled(ROWS, ROWS, by_heart, draws=3, seed=1)
    assert not found.honest
    assert min(found.drawn) == pytest.approx(1.0)


def test_differing_cells_are_counted_by_column() -> None:
    one = np.array([[1.0, np.nan], [2.0, 3.0]])
    assert differing_cells(one, one).tolist() == [0, 0]
    assert differing_cells(one, np.array([[1.0, 0.0], [2.5, 3.0]])).tolist() == [1, 1]
