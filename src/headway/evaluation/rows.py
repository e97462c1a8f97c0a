"""Labelled rows as models take them, and the only ways to split them: by learner, never by row."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headway.domain.errors import LeakageError
from headway.features.as_of import FeatureTable, TrainingSet
from headway.models.model import Floats, Matrix
from headway.models.model import joined as matrices_joined

Objects = NDArray[np.object_]


@dataclass(frozen=True, slots=True)
class Rows:
    """Labelled rows; all arrays have one entry a row.

    Attributes:
        features: the values a model may see.
        labels: what was observed.
        learners: who; kept apart from the features.
        runs: in which run.
        days: on which course day.
        instants: as-of times, in microseconds since 1970.
        weights: how much each row counts when it is learned from (see `importance`); None where all count the same.
        further: rows that a fit learns from besides, and that are never held out, calibrated on or compared with.
    """

    features: Matrix
    labels: Floats
    learners: Objects
    runs: Objects
    days: NDArray[np.int64]
    instants: NDArray[np.int64]
    weights: Floats | None = None
    further: "Rows | None" = None

    def __len__(self) -> int:
        return len(self.features)

    @classmethod
    def of(cls, observed: TrainingSet) -> "Rows":
        """The rows of a training set."""
        table = observed.features.table
        return cls(
            features=matrix_of(observed.features),
            labels=observed.values,
            learners=observed.groups,
            runs=observed.features.keys("run"),
            days=np.asarray(table["course_day"].to_numpy(zero_copy_only=False), dtype=np.int64),
            instants=np.asarray(table["as_of"].cast("int64").to_numpy(zero_copy_only=False), dtype=np.int64),
        )

    def where(self, which: NDArray[np.bool_]) -> "Rows":
        """The rows that a mask names."""
        return Rows(
            self.features.rows(which),
            self.labels[which],
            self.learners[which],
            self.runs[which],
            self.days[which],
            self.instants[which],
            None if self.weights is None else self.weights[which],
            self.further,
        )

    def without(self, learners: Objects) -> "Rows":
        """The rows of all other learners, the further ones too."""
        kept = self.where(~np.isin(self.learners.astype(str), learners.astype(str)))
        return kept if self.further is None else replace(kept, further=self.further.without(learners))

    def to_learn(self) -> "Rows":
        """All rows that a fit learns from."""
        return self if self.further is None else joined([replace(self, further=None), self.further])

    def learned_runs(self) -> tuple[str, ...]:
        """The runs that a fit learns from, sorted."""
        return tuple(sorted(set(self.to_learn().runs)))


def joined(parts: Sequence[Rows]) -> Rows:
    """The rows of all parts, in order; the parts have the same features.

    Raises:
        InputError: no parts, or parts of different features.
    """
    weighed = any(part.weights is not None for part in parts)
    further = [part.further for part in parts if part.further is not None]
    weights = [np.ones(len(part)) if part.weights is None else part.weights for part in parts]
    return Rows(
        matrices_joined([part.features for part in parts]),
        np.concatenate([part.labels for part in parts]),
        np.concatenate([part.learners for part in parts]),
        np.concatenate([part.runs for part in parts]),
        np.concatenate([part.days for part in parts]),
        np.concatenate([part.instants for part in parts]),
        np.concatenate(weights) if weighed else None,
        joined(further) if further else None,
    )


def matrix_of(features: FeatureTable) -> Matrix:
    """The feature values as models take them."""
    return Matrix(features.view.features, features.values())


def refuse_shared_learners(train: Rows, test: Rows) -> None:
    """Nothing, if no learner is in both.

    Raises:
        LeakageError: a learner is on both sides of the split.
    """
    refuse_learners(train, test.learners)


def refuse_learners(train: Rows, scored: Objects) -> None:
    """Nothing, if none of the learners who are scored is learned from.

    Raises:
        LeakageError: a learner is on both sides of the split.
    """
    shared = set(train.to_learn().learners) & set(scored)
    if shared:
        raise LeakageError(
            f"{len(shared)} learners are on both sides of a split, {min(shared)} among them. "
            "Leave them out of training with Rows.without(test.learners)."
        )


def learner_folds(learners: NDArray[Any], labels: Floats, folds: int, seed: int) -> NDArray[np.int64]:
    """The fold of each row, 0 to folds - 1: all rows of a learner in one fold, learners dealt out by `seed`.

    Learners who were ever positive are dealt out evenly. Otherwise a fold with many of them leaves few to learn from,
    and risks of different folds stand in the wrong order.
    """
    different, of_row = np.unique(learners.astype(str), return_inverse=True)
    ever = np.zeros(len(different))
    np.maximum.at(ever, of_row, labels)
    shuffled = np.random.default_rng(seed).permutation(len(different))
    fold = np.empty(len(different), dtype=np.int64)
    fold[shuffled[np.argsort(ever[shuffled], kind="stable")]] = np.arange(len(different)) % folds
    return fold[of_row]
