"""The exported trees are scikit-learn's, the contributions are exact, and absences go the way they were learned."""

import numpy as np
import pytest

from headway.models.forest import EDGE, Forest, Parameters, Trees
from headway.models.model import Floats, Matrix
from headway.models.training import log_odds

NAMES = ("a", "b", "c", "d")


def gapped(n: int, seed: int) -> tuple[Matrix, Floats]:
    """Rows where the absence of `c` tells, and `d` is never absent."""
    random = np.random.default_rng(seed)
    values = random.normal(size=(n, 4))
    labels = (random.random(n) < 1 / (1 + np.exp(-1.5 * values[:, 0] * values[:, 1]))).astype(np.float64)
    values[random.random(n) < 0.1, 1] = np.nan
    values[(labels == 1) & (random.random(n) < 0.6), 2] = np.nan
    return Matrix(NAMES, values), labels


def test_the_exported_trees_give_scikit_learns_probabilities() -> None:
    from sklearn.ensemble import RandomForestClassifier

    rows, labels = gapped(400, 1)
    fresh, _ = gapped(300, 2)
    grown = RandomForestClassifier(40, min_samples_leaf=5, random_state=3).fit(rows.values, labels)
    never_absent = np.asarray(~np.isnan(rows.values).any(axis=0), dtype=np.bool_)
    trees = Trees.of(grown, never_absent)
    singles = fresh.values.astype(np.float32)
    assert np.abs(trees.mean(singles) - grown.predict_proba(fresh.values)[:, 1]).max() < 1e-12


def test_contributions_are_exact_and_follow_each_path() -> None:
    rows, labels = gapped(400, 1)
    fitted = Forest(Parameters(trees=30)).fit(rows, labels, np.ones(400), seed=1)
    added, base = fitted.contributions(rows), fitted.facts()["base_log_odds"]
    assert isinstance(base, float)
    assert np.abs(base + added.sum(axis=1) - log_odds(fitted.risk(rows))).max() < 1e-9
    absent = np.isnan(rows.values[:, 2])
    assert added[absent, 2].mean() > 0.2 > 0 > added[~absent, 2].mean()
    assert np.abs(added[:, 3]).mean() < np.abs(added[:, 0]).mean()


def test_a_split_on_one_feature_is_that_features_alone() -> None:
    values = np.column_stack([np.tile([0.0, 1.0], 50), np.ones(100)])
    fitted = Forest(Parameters(trees=10)).fit(Matrix(("told", "same"), values), values[:, 0], np.ones(100), seed=1)
    added = fitted.contributions(Matrix(("same", "told"), values[:, ::-1]))
    assert (added[:, 0] == 0).all()
    assert (added[::2, 1] < -1).all()
    assert (added[1::2, 1] > 1).all()
    assert fitted.risk(Matrix(("told", "same"), values[:2])).tolist() == [EDGE, 1 - EDGE]


def test_an_absence_never_seen_goes_with_the_many() -> None:
    values = np.array([[0.0]] * 90 + [[1.0]] * 10)
    grown = Parameters(trees=20, leaf_least=1, row_share=1.0)
    fitted = Forest(grown).fit(Matrix(("a",), values), values[:, 0], np.ones(100), seed=1)
    few, many, unknown = fitted.risk(Matrix(("a",), np.array([[1.0], [0.0], [np.nan]])))
    assert unknown == pytest.approx(many)
    assert few > many
