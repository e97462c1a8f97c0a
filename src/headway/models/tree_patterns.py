"""What boosted trees add for each feature, worked out once for each way in which rows answer a tree's questions.

A small tree asks a dozen questions, and what it adds for a row depends on the answers alone. Rows share them: a few
hundred patterns of answers stand for thousands of rows, and between two scores of a running course, when a cohort has
moved a little, hardly one is new. So each tree is read (LightGBM's exact values) for new patterns only; the sum over
trees has the same order for a row alone and among others.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from threading import Lock
from typing import Final

import numpy as np
from numpy.typing import NDArray

from headway.models.model import Floats

MOST_SPLITS: Final = 14
"""Trees of more splits have too many patterns to be worth remembering."""

MOST_PATTERNS: Final = 4_096
"""Patterns that are remembered of a tree; beyond that it is learned again."""

AT_ONCE: Final = 1_024
"""Rows whose answers are held at once."""

ZERO: Final = float(np.float32(1e-35))
"""LightGBM takes what is nearer to 0 for 0."""

ABSENT_LEFT, ABSENT_IS_ZERO, ABSENT_IS_NAN = 2, 4, 8
"""Bits of LightGBM's `decision_type`."""

_LINE: Final = re.compile(r"^(split_feature|threshold|decision_type)=(.*)$", re.MULTILINE)

Read = Callable[[Floats, int], Floats]
"""What one tree adds for each feature, shape (rows, features or more), of rows and the tree's number."""


@dataclass
class _Tree:
    """One tree with the patterns that were met.

    Attributes:
        number: its place in the sum.
        first: its first split among all.
        features: the columns that it asks for, sorted.
        place: for each pattern its row in `added`; -1 where it was not met.
        added: what the tree adds for `features`, a row for each pattern.
    """

    number: int
    first: int
    splits: int
    features: NDArray[np.int64]
    place: NDArray[np.int16] = field(init=False)
    added: Floats = field(init=False)

    def __post_init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Remembers nothing."""
        self.place = np.full(1 << self.splits, -1, dtype=np.int16)
        self.added = np.zeros((0, len(self.features)))

    def of(self, patterns: NDArray[np.int16], values: Floats, read: Read) -> Floats:
        """What the tree adds for its features, shape (rows, features)."""
        rows = self.place[patterns]
        if (rows < 0).any():
            new, first = np.unique(patterns[rows < 0], return_index=True)
            if len(self.added) + len(new) > MOST_PATTERNS:
                self.forget()
                new, first = np.unique(patterns, return_index=True)
                unmet = np.arange(len(patterns))
            else:
                unmet = np.flatnonzero(rows < 0)
            found = read(values[unmet[first]], self.number)[:, self.features]
            self.place[new] = np.arange(len(self.added), len(self.added) + len(new))
            self.added = np.concatenate([self.added, found])
            rows = self.place[patterns]
        return self.added[rows]


class Patterns:
    """Some trees, and what each was found to add. Several threads may ask at the same time; they take turns."""

    def __init__(self, trees: list[_Tree], features: NDArray[np.int64], thresholds: Floats, kinds: NDArray[np.int64]):
        self._trees, self._turn = trees, Lock()
        self._features, self._thresholds = features, thresholds
        self._zero_is_absent = (kinds & ABSENT_IS_ZERO) > 0
        told = self._zero_is_absent | ((kinds & ABSENT_IS_NAN) > 0)
        # Where a split does not tell what becomes of an absent value, LightGBM takes it for 0.
        self._absent_left = np.where(told, (kinds & ABSENT_LEFT) > 0, thresholds >= 0)
        self._firsts = np.array([tree.first for tree in trees], dtype=np.int64)
        self._bits = np.concatenate([1 << np.arange(tree.splits) for tree in trees]).astype(np.int16)

    @classmethod
    def of(cls, text: str) -> "Patterns | None":
        """The trees of LightGBM's text, none of which asks for categories; None where one asks too many questions."""
        trees: list[_Tree] = []
        found: dict[str, list[str]] = {"split_feature": [], "threshold": [], "decision_type": []}
        number = -1
        for name, words in _LINE.findall(text):
            asked = words.split()
            if name == "split_feature":
                number += 1
                if len(asked) > MOST_SPLITS:
                    return None
                if asked:
                    features = np.unique(np.array(asked, dtype=np.int64))
                    trees.append(_Tree(number, len(found[name]), len(asked), features))
            found[name] += asked
        if not trees:
            return None
        features = np.array(found["split_feature"], dtype=np.int64)
        thresholds = np.array(found["threshold"], dtype=np.float64)
        return cls(trees, features, thresholds, np.array(found["decision_type"], dtype=np.int64))

    def added(self, values: Floats, read: Read) -> Floats:
        """What all trees add for each feature, shape of `values`; NaN where a value is absent."""
        found = np.zeros(values.shape)
        for first in range(0, len(values), AT_ONCE):
            rows = slice(first, first + AT_ONCE)
            with self._turn:
                for tree, patterns in zip(self._trees, self._patterns(values[rows]), strict=True):
                    found[rows, tree.features] += tree.of(patterns, values[rows], read)
        return found

    def _patterns(self, values: Floats) -> Iterator[NDArray[np.int16]]:
        """Of each tree the answers of all rows, one bit a split: whether they go left."""
        asked = values[:, self._features]
        left = (asked <= self._thresholds) | (np.isnan(values)[:, self._features] & self._absent_left)
        if self._zero_is_absent.any():
            left = np.where((np.abs(asked) <= ZERO) & self._zero_is_absent, self._absent_left, left)
        return iter(np.add.reduceat(left * self._bits, self._firsts, axis=1, dtype=np.int16).T)
