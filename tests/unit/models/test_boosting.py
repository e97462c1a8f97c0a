"""The settings follow the number of rows, the seed decides, and interactions are found."""

import re
from threading import Thread

import numpy as np
import pytest

from headway.evaluation.metrics import auroc
from headway.models import tree_patterns
from headway.models.boosting import TREES, Boosting, FittedBoosting, Parameters
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


def test_contributions_are_those_of_the_trees_whatever_was_asked_before() -> None:
    rows, labels = crossed(400, 1)
    rows.values[::7, 0] = np.nan
    rows.values[::5, 1] = 0.0
    made = Boosting(Parameters(trees=40)).fit(rows, labels, np.ones(400), seed=1)
    fresh, random = crossed(300, 3)[0], np.random.default_rng(4)
    near = Matrix(rows.names, rows.values + random.normal(0, 1e-4, rows.values.shape))
    on_edges = Matrix(rows.names, rows.values.copy())
    found = re.findall(r"^(?:split_feature|threshold)=(.*)$", made.state()[TREES].decode(), re.MULTILINE)
    for feature, threshold in zip(found[0].split(), found[1].split(), strict=True):
        on_edges.values[: len(found), int(feature)] = float(threshold)
        on_edges.values[len(found) : 2 * len(found), int(feature)] = np.nextafter(float(threshold), np.inf)
    absent = Matrix(rows.names, np.full((2, 4), np.nan))
    for asked in (rows, near, on_edges, fresh, absent, rows):
        alone = Boosting().restore(made.state())
        assert isinstance(alone, FittedBoosting)
        assert np.abs(made.contributions(asked) - alone._shares(asked.values)[:, :-1]).max() < 1e-12
        assert np.array_equal(made.contributions(asked), alone.contributions(asked)), "to the last bit"
        assert np.array_equal(made.contributions(asked.rows(np.array([1]))), alone.contributions(asked)[1:2])


def test_a_tree_is_read_for_new_patterns_of_answers_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    rows, labels = crossed(400, 1)
    made = Boosting(Parameters(trees=5)).fit(rows, labels, np.ones(400), seed=1)
    made.contributions(rows)
    asked: list[int] = []
    of_tree = FittedBoosting._of_tree

    def counted(self: FittedBoosting, values: Floats, tree: int) -> Floats:
        asked.append(len(values))
        return of_tree(self, values, tree)

    monkeypatch.setattr(FittedBoosting, "_of_tree", counted)
    moved = Matrix(rows.names, rows.values.copy())
    moved.values[3] = np.nan
    made.contributions(moved)
    made.contributions(rows)
    assert set(asked) <= {1}
    assert len(asked) <= 5


def test_what_is_remembered_of_a_tree_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    rows, labels = crossed(400, 1)
    made = Boosting(Parameters(trees=5)).fit(rows, labels, np.ones(400), seed=1)
    wanted = made.contributions(rows)
    monkeypatch.setattr(tree_patterns, "MOST_PATTERNS", 10)
    again = Boosting().restore(made.state())
    assert isinstance(again, FittedBoosting)
    told = [again.contributions(rows.rows(np.arange(first, first + 8))) for first in range(0, 400, 8)]
    assert np.array_equal(np.concatenate(told), wanted)
    assert again._patterns is not None
    assert max(len(tree.added) for tree in again._patterns._trees) <= 10


def test_trees_of_many_splits_are_read_row_by_row() -> None:
    rows, labels = crossed(4000, 1)
    made = Boosting(Parameters(trees=5, leaves=40, leaf_most=10)).fit(rows, labels, np.ones(4000), seed=1)
    assert isinstance(made, FittedBoosting)
    assert made._patterns is None
    assert np.array_equal(made.contributions(rows), made._shares(rows.values)[:, :-1])


def test_two_who_ask_at_once_take_turns_and_each_get_their_own() -> None:
    rows, labels = crossed(300, 1)
    made = Boosting().fit(rows, labels, np.ones(300), seed=1)
    assert isinstance(made, FittedBoosting)
    shared, alone = (tree_patterns.Patterns.of(made.trees) for _ in range(2))
    assert shared is not None
    assert alone is not None
    mine, yours = crossed(200, 2)[0].values, crossed(200, 3)[0].values
    told: list[Floats] = []
    other = Thread(target=lambda: told.append(shared.added(yours, made._of_tree)))

    def interrupted(values: Floats, tree: int) -> Floats:
        if other.ident is None:
            other.start()
            other.join(0.3)
            assert not told, "it came in between"
        return made._of_tree(values, tree)

    found = shared.added(mine, interrupted)
    other.join()
    assert np.array_equal(found, alone.added(mine, made._of_tree))
    assert np.array_equal(told[0], alone.added(yours, made._of_tree))
