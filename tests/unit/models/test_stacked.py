"""Weights are never negative, never rest on a learner's own rows, and come from later runs where there are several."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import pytest

import headway.models.stacked as stacked
from headway.evaluation.risk_model import told_apart
from headway.evaluation.rows import Rows
from headway.models.logistic import LOGISTIC
from headway.models.model import Fitted, Floats, Json, Matrix, Model
from headway.models.stacked import STACKED, FittedStack, Stacked, splits, weigh
from headway.models.training import log_odds

NAMES = ("learner", "told", "noise")
LEARNERS, TIMES = 150, 4


def planted(seed: int, runs: int = 1) -> tuple[Matrix, Floats]:
    """Rows of learners who come back several times with the same label; `told` is a weak, honest hint of it."""
    random = np.random.default_rng(seed)
    learner = np.tile(np.arange(LEARNERS), TIMES)
    label = (random.random(LEARNERS) < 0.4).astype(np.float64)[learner]
    told = label + random.normal(0, 1.0, len(learner))
    values = np.column_stack([learner, told, random.normal(size=len(learner))])
    eras = learner % runs if runs > 1 else None
    return Matrix(NAMES, values, groups=learner, eras=eras), label


@dataclass(frozen=True, slots=True)
class Remembered:
    """What each learner's label was."""

    known: dict[float, float]

    def risk(self, features: Matrix) -> Floats:
        """Almost certain of whoever was in training, nothing of others."""
        return np.array([self.known.get(who, 0.5) for who in features.column("learner")])

    def contributions(self, features: Matrix) -> Floats:
        """All in the column that names the learner."""
        found = np.zeros(features.values.shape)
        found[:, features.names.index("learner")] = log_odds(self.risk(features))
        return found

    def facts(self) -> dict[str, Json]:
        """Additive around an even chance."""
        return {"additive": True, "base_log_odds": 0.0}

    def state(self) -> dict[str, bytes]:
        """Not kept."""
        return {}


@dataclass(frozen=True, slots=True)
class Memory:
    """A model that cheats: it learns learners by heart."""

    name: str = "memory"
    summary: str = "Learns learners by heart"
    trivial: Literal[False] = False

    def fit(self, features: Matrix, labels: Floats, weights: Floats, seed: int) -> Fitted:
        """Every learner's label."""
        sure = np.where(labels == 1, 0.999, 0.001).tolist()
        return Remembered(dict(zip(features.column("learner").tolist(), sure, strict=True)))

    def restore(self, state: Mapping[str, bytes]) -> Fitted:
        """Not kept."""
        raise NotImplementedError


@pytest.fixture
def parts(monkeypatch: pytest.MonkeyPatch) -> dict[str, Model]:
    """A stack of plain logistic regression and of the model that learns learners by heart."""
    made: dict[str, Model] = {"logistic": LOGISTIC, "memory": Memory()}
    monkeypatch.setattr(stacked, "PARTS", made)
    return made


def fitted(rows: Matrix, labels: Floats) -> FittedStack:
    made = STACKED.fit(rows, labels, np.ones(len(labels)), seed=1)
    assert isinstance(made, FittedStack)
    return made


@pytest.mark.parametrize("runs", [1, 3])
def test_a_model_that_learns_learners_by_heart_is_not_trusted(parts: dict[str, Model], runs: int) -> None:
    rows, labels = planted(1, runs)
    honest = fitted(rows, labels)
    # It says nothing of held-out learners, so that it earns no more than the equal share that it began with.
    assert honest.weights["memory"] < 1 / len(parts)
    # The same rows as if each were somebody else: now the leak pays, which is what the groups prevent.
    leaking = fitted(replace(rows, groups=np.arange(len(rows)), eras=None), labels)
    assert leaking.weights["memory"] > honest.weights["memory"] + 0.1


@pytest.mark.parametrize("runs", [1, 2, 5])
def test_no_learner_is_on_both_sides_and_time_runs_forward(runs: int) -> None:
    rows, labels = planted(1, runs)
    assert rows.groups is not None
    shared = replace(rows, groups=np.where(rows.groups < 20, rows.groups % 10, rows.groups))
    assert shared.groups is not None
    made = splits(shared, labels, seed=1)
    assert len(made) == {1: stacked.FOLDS, 2: 1, 5: stacked.CUTS}[runs]
    for rest, out in made:
        assert not set(shared.groups[rest]) & set(shared.groups[out])
        assert not (rest & out).any()
        if shared.eras is not None:
            assert shared.eras[rest].max() < shared.eras[out].min()
    told = sum(out.astype(int) for _, out in made)
    assert isinstance(told, np.ndarray)
    assert told.max() == 1


def test_runs_without_both_classes_are_no_past_to_learn_weights_from() -> None:
    rows, labels = planted(1, 2)
    assert rows.eras is not None
    assert len(splits(rows, np.where(rows.eras == 0, 0.0, labels), seed=1)) == stacked.FOLDS


def test_weights_are_not_negative_and_find_the_part_that_tells() -> None:
    random = np.random.default_rng(1)
    truth = random.normal(0, 1.5, 3000)
    labels = (random.random(3000) < 1 / (1 + np.exp(-truth))).astype(np.float64)
    odds = np.column_stack([truth, random.normal(size=3000), -truth + random.normal(size=3000)])
    found = weigh(odds, labels, np.ones(3000))
    assert found.sum() == pytest.approx(1)
    assert (found >= 0).all()
    assert found[2] == 0
    assert found[0] > 0.6 > 0.2 > found[1]


def test_few_held_out_rows_leave_the_parts_equal(parts: dict[str, Model]) -> None:
    rows, _ = planted(1)
    few = np.arange(12)
    made = fitted(rows.rows(few), np.tile([0.0, 1.0], 6))
    assert made.weights == dict.fromkeys(parts, 0.5)


def test_a_library_that_is_not_there_leaves_its_part_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stacked, "find_spec", lambda name: None)
    assert list(stacked.installed()) == [name for name in stacked.PARTS if name not in stacked.OPTIONAL]
    assert Stacked().extra is None


def test_training_rows_say_whose_they_are_and_which_run_came_first() -> None:
    rows = Rows(
        Matrix(("a",), np.zeros((4, 1))),
        np.array([0.0, 1.0, 0.0, 1.0]),
        np.array(["x", "y", "x", "z"], dtype=object),
        np.array(["s/b/1", "s/b/1", "s/a/2", "s/c/0"], dtype=object),
        np.array([7, 7, 7, 7]),
        np.array([100, 100, 900, 500]),
    )
    told = told_apart(rows)
    assert told.groups is not None
    assert told.eras is not None
    assert told.groups.tolist() == [0, 1, 0, 2]
    assert told.eras.tolist() == [0, 0, 2, 1]
    assert told.rows(np.array([2, 3])).eras is not None
