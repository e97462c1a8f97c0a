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
        added: what the tree adds, a row for each of `features` and a column for each pattern.
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
        self.added = np.zeros((len(self.features), 0))

    def columns(self, patterns: NDArray[np.int16], values: Floats, read: Read) -> NDArray[np.int16]:
        """For each row the column of `added` that is its own, after reading the tree for patterns that are new."""
        own = self.place[patterns]
        if (own < 0).any():
            new, first = np.unique(patterns[own < 0], return_index=True)
            unmet = np.flatnonzero(own < 0)
            if self.added.shape[1] + len(new) > MOST_PATTERNS:
                self.forget()
                new, first = np.unique(patterns, return_index=True)
                unmet = np.arange(len(patterns))
            found = read(values[unmet[first]], self.number)[:, self.features]
            self.place[new] = np.arange(self.added.shape[1], self.added.shape[1] + len(new))
            self.added = np.concatenate([self.added, found.T], axis=1)
            own = self.place[patterns]
        return own


class Patterns:
    """Some trees, and what each was found to add. Several threads may ask at the same time; they take turns."""

    def __init__(self, trees: list[_Tree], features: NDArray[np.int64], thresholds: Floats, kinds: NDArray[np.int64]):
        self._trees, self._turn = trees, Lock()
        # Trees ask the same question again and again: it is answered once.
        asked, question = np.unique(
            np.stack([features.astype(np.float64), thresholds, kinds.astype(np.float64)]), axis=1, return_inverse=True
        )
        self._places = [  # of the first, second … split of each tree that has so many: which trees, and what they ask
            (np.array(at), question[[trees[tree].first + split for tree in at]])
            for split in range(max(tree.splits for tree in trees))
            for at in [[tree for tree in range(len(trees)) if trees[tree].splits > split]]
        ]
        self._features, self._thresholds = asked[0].astype(np.int64), asked[1][:, None]
        kinds = asked[2].astype(np.int64)[:, None]
        self._zero_is_absent = (kinds & ABSENT_IS_ZERO) > 0
        told = self._zero_is_absent | ((kinds & ABSENT_IS_NAN) > 0)
        # Where a split does not tell what becomes of an absent value, LightGBM takes it for 0.
        self._absent_left = np.where(told, (kinds & ABSENT_LEFT) > 0, self._thresholds >= 0)

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
        found = np.zeros(values.shape[::-1])
        for first in range(0, len(values), AT_ONCE):
            rows = values[first : first + AT_ONCE]
            sums = found[:, first : first + AT_ONCE]
            with self._turn:
                for tree, patterns in zip(self._trees, self._patterns(rows), strict=True):
                    own = tree.columns(patterns, rows, read)
                    for feature, added in zip(tree.features, tree.added, strict=True):
                        sums[feature] += added.take(own)
        return np.ascontiguousarray(found.T)

    def _patterns(self, values: Floats) -> Iterator[NDArray[np.int16]]:
        """Of each tree the answers of all rows, one bit a split: whether they go left."""
        columns = np.ascontiguousarray(values.T)
        asked = columns[self._features]
        left = (asked <= self._thresholds) | (np.isnan(columns)[self._features] & self._absent_left)
        if self._zero_is_absent.any():
            left = np.where((np.abs(asked) <= ZERO) & self._zero_is_absent, self._absent_left, left)
        found = np.zeros((len(self._trees), len(values)), dtype=np.int16)
        for split, (trees, questions) in enumerate(self._places):
            found[trees] |= left[questions] * np.int16(1 << split)
        return iter(found)
