"""Rows, and splits by learner."""

from dataclasses import replace

import numpy as np
import pytest

from headway.domain.errors import LeakageError
from headway.evaluation.rows import Objects, Rows, joined, learner_folds, matrix_of, refuse_shared_learners
from headway.features.as_of import compute, labelled
from headway.features.labels import label
from headway.features.views import view_with
from headway.models.model import Floats, Matrix
from tests.support.memory import Memory
from tests.support.tiny import RUN, History, end_of, moment


def names(*learners: str) -> Objects:
    return np.array(learners, dtype=object)


def rows_of(*learners: str) -> Rows:
    n = len(learners)
    return Rows(
        features=Matrix(("x",), np.arange(float(n)).reshape(-1, 1)),
        labels=np.arange(n, dtype=np.float64) % 2,
        learners=names(*learners),
        runs=names(*(["s/c/r"] * n)),
        days=np.arange(n),
        instants=np.arange(n) * 10,
    )


def test_rows_of_a_training_set_keep_their_facts_apart_from_features() -> None:
    history = History().enrol("a").enrol("b").act("b", 9)
    with Memory(history.tables()) as records:
        features = compute(view_with("v", ("active_weeks",)), records, [moment(0), moment(8)])
        rows = Rows.of(labelled(features, label("inactive_next_week"), records, end_of(15)))
    assert rows.features.names == ("active_weeks",)
    assert rows.learners.tolist() == ["a", "b", "a", "b"]
    assert rows.labels.tolist() == [1, 1, 1, 0]
    assert set(rows.runs) == {RUN}
    assert rows.days.tolist() == [0, 0, 8, 8]
    assert rows.instants[0] == int(end_of(0).instant.timestamp() * 1e6)
    assert np.array_equal(rows.features.values, matrix_of(features).values)
    assert len(rows) == 4


def test_rows_are_chosen_together() -> None:
    kept = rows_of("a", "b", "a", "c").where(np.array([False, True, False, True]))
    assert (kept.learners.tolist(), kept.labels.tolist()) == (["b", "c"], [1, 1])
    assert (kept.days.tolist(), kept.instants.tolist(), kept.features.values.ravel().tolist()) == (
        [1, 3],
        [10, 30],
        [1, 3],
    )


def test_all_rows_of_a_learner_are_left_out() -> None:
    rows = rows_of("a", "b", "a", "c")
    assert rows.without(names("a", "x")).learners.tolist() == ["b", "c"]
    assert rows.without(names()).learners.tolist() == ["a", "b", "a", "c"]


def test_a_shared_learner_is_refused_by_name() -> None:
    refuse_shared_learners(rows_of("a", "b"), rows_of("c"))
    with pytest.raises(LeakageError, match="2 learners are on both sides of a split, b among them"):
        refuse_shared_learners(rows_of("a", "b", "c"), rows_of("c", "b", "b"))


def folds_of(learners: Objects, labels: Floats, seed: int = 3) -> list[int]:
    return [int(fold) for fold in learner_folds(learners, labels, 4, seed)]


def test_a_learner_is_in_one_fold_and_folds_are_even_in_both_classes() -> None:
    learners = names(*(f"l{n % 40}" for n in range(200)))
    labels = np.array([float(n % 40 < 8) for n in range(200)])
    fold = np.array(folds_of(learners, labels))
    assert set(fold) == {0, 1, 2, 3}
    for learner in set(learners):
        assert len(set(fold[learners == learner])) == 1
    of_positives = [len(set(learners[(fold == k) & (labels == 1)])) for k in range(4)]
    assert of_positives == [2, 2, 2, 2]
    assert [len(set(learners[fold == k])) for k in range(4)] == [10, 10, 10, 10]


def test_folds_follow_from_the_seed_and_not_from_the_order_of_rows() -> None:
    learners = names(*(f"l{n % 15}" for n in range(30)))
    labels = np.array([float(n % 5 == 0) for n in range(30)])
    fold = folds_of(learners, labels)
    assert folds_of(learners, labels) == fold
    assert folds_of(learners, labels, seed=4) != fold
    turned = folds_of(learners[::-1], labels[::-1])
    assert turned[::-1] == fold


def with_further() -> Rows:
    return replace(rows_of("a", "b", "a", "c"), further=replace(rows_of("c", "d"), runs=names("s/c/q", "s/c/q")))


def test_further_rows_are_learned_from_and_are_no_rows_of_their_own() -> None:
    rows = with_further()
    assert len(rows) == 4
    assert rows.to_learn().learners.tolist() == ["a", "b", "a", "c", "c", "d"]
    assert rows.to_learn().further is None
    assert rows.learned_runs() == ("s/c/q", "s/c/r")
    assert rows_of("a").to_learn().learners.tolist() == ["a"]


def test_further_rows_stay_when_rows_are_chosen_and_leave_with_their_learner() -> None:
    kept = with_further().where(np.array([True, False, False, False]))
    assert kept.to_learn().learners.tolist() == ["a", "c", "d"]
    assert with_further().without(names("c")).to_learn().learners.tolist() == ["a", "b", "a", "d"]
    both = joined([with_further(), rows_of("x")])
    assert both.learners.tolist() == ["a", "b", "a", "c", "x"]
    assert both.to_learn().learners.tolist() == ["a", "b", "a", "c", "x", "c", "d"]


def test_a_learner_of_the_further_rows_is_not_scored_either() -> None:
    with pytest.raises(LeakageError, match="d among them"):
        refuse_shared_learners(with_further(), rows_of("d"))
