"""Labelled rows as models take them, and the only ways to split them: by learner, never by row."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headway.domain.errors import LeakageError
from headway.features.as_of import FeatureTable, TrainingSet
from headway.models.model import Floats, Matrix

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
    """

    features: Matrix
    labels: Floats
    learners: Objects
    runs: Objects
    days: NDArray[np.int64]
    instants: NDArray[np.int64]

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
        )

    def without(self, learners: Objects) -> "Rows":
        """The rows of all other learners."""
        return self.where(~np.isin(self.learners.astype(str), learners.astype(str)))


def matrix_of(features: FeatureTable) -> Matrix:
    """The feature values as models take them."""
    return Matrix(features.view.features, features.values())


def refuse_shared_learners(train: Rows, test: Rows) -> None:
    """Nothing, if no learner is in both.

    Raises:
        LeakageError: a learner is on both sides of the split.
    """
    shared = set(train.learners) & set(test.learners)
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
