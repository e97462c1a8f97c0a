"""The settings follow the number of rows, the seed decides, and interactions are found."""

import numpy as np

from headway.evaluation.metrics import auroc
from headway.models.boosting import TREES, Boosting, Parameters
from headway.models.logistic import Logistic
from headway.models.model import Floats, Matrix


def crossed(n: int, seed: int) -> tuple[Matrix, Floats]:
    values = np.random.default_rng(seed).normal(size=(n, 4))
    return Matrix(("a", "b", "c", "d"), values), (values[:, 0] * values[:, 1] > 0).astype(np.float64)


def test_leaves_follow_the_number_of_rows() -> None:
    few, many = Parameters().settings(400, 100, 1), Parameters().settings(20_000, 4, 1)
    assert (few["num_leaves"], few["min_data_in_leaf"]) == (7, 10)
    assert (many["num_leaves"], many["min_data_in_leaf"]) == (15, 100)
    assert (few["feature_fraction"], many["feature_fraction"]) == (0.2, 1.0), "few features are all used"
    assert few["deterministic"]
    assert few["seed"] == 1


def test_the_seed_decides_and_nothing_else() -> None:
    rows, labels = crossed(300, 1)
    states = [Boosting().fit(rows, labels, np.ones(300), seed=seed).state()[TREES] for seed in (1, 1, 2)]
    assert states[0] == states[1] != states[2]


def test_it_finds_what_a_straight_line_cannot() -> None:
    rows, labels = crossed(800, 1)
    fresh, truth = crossed(800, 2)
    trees = Boosting().fit(rows, labels, np.ones(800), seed=1)
    line = Logistic().fit(rows, labels, np.ones(800), seed=1)
    assert auroc(truth, trees.risk(fresh)) > 0.85 > 0.6 > auroc(truth, line.risk(fresh))
    gain = trees.facts()["gain"]
    assert isinstance(gain, list)
    assert {str(told["feature"]) for told in gain[:2] if isinstance(told, dict)} == {"a", "b"}


def test_parameters_are_kept_with_the_model() -> None:
    rows, labels = crossed(300, 1)
    small = Boosting(Parameters(trees=5)).fit(rows, labels, np.ones(300), seed=1)
    assert small.facts()["trees"] == 5
    assert Boosting().restore(small.state()).facts()["parameters"] == small.facts()["parameters"]


def test_names_with_spaces_and_signs_are_fine() -> None:
    rows, labels = crossed(300, 1)
    named = Matrix(("a b", "ö:", "[c]", '"d"'), rows.values)
    one = Boosting(Parameters(trees=5)).fit(named, labels, np.ones(300), seed=1)
    assert np.array_equal(Boosting().restore(one.state()).risk(named), one.risk(named))
