"""Random forest (Breiman 2001, doi:10.1023/A:1010933404324), grown by scikit-learn and kept as plain arrays.

Promises the state, byte for byte, for the same rows and seed, and the risks of scikit-learn's own trees from numpy
alone. Absent values are split on like any other. Others must not pickle the trees.
"""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from headway.models.model import MODELS, Fitted, Floats, Json, Matrix
from headway.models.state import decode, encode, packed, unpacked
from headway.models.training import known_values, log_odds, training_weights
from headway.models.tree_shapley import shapley

TREES: Final = "forest.npz"
PART: Final = "forest.json"
EDGE: Final = 1e-4
"""Leaves may hold one class only; a forest's risk is kept this far from 0 and 1, so that log-odds exist."""

GROWING_THREADS: Final = 2
"""Trees are grown each from its own seed, so that the number of threads changes nothing."""

LARGEST: Final = float(np.finfo(np.float32).max)


@dataclass(frozen=True, slots=True)
class Parameters:
    """How to grow the trees.

    Attributes:
        trees: how many trees.
        leaf_share: least share of the rows in a leaf, kept between `leaf_least` and `leaf_most` rows.
        leaf_least: see above.
        leaf_most: see above.
        row_share: share of the rows drawn, with replacement, for each tree.
    """

    trees: int = 100
    leaf_share: float = 0.01
    leaf_least: int = 5
    leaf_most: int = 150
    row_share: float = 0.3


@dataclass(frozen=True, slots=True)
class Trees:
    """All nodes of all trees, one after the other; arrays of shape (nodes,) unless said otherwise.

    Attributes:
        roots: shape (trees,): each tree's first node.
        feature: what a node asks for; -1 in a leaf.
        threshold: values up to it go left.
        left: the next node; a leaf's own number in a leaf.
        right: see above.
        absent_left: whether an absent value goes left.
        share: the weighted share of positives among the training rows of the node.
        cover: the weight of these rows.
    """

    roots: NDArray[np.int32]
    feature: NDArray[np.int32]
    threshold: Floats
    left: NDArray[np.int32]
    right: NDArray[np.int32]
    absent_left: NDArray[np.bool_]
    share: Floats
    cover: Floats

    def goes_left(self, values: NDArray[np.float32], node: int) -> NDArray[np.bool_]:
        """Which rows go left at an inner node, shape (rows,)."""
        found = values[:, self.feature[node]]
        return np.asarray(np.where(np.isnan(found), self.absent_left[node], found <= self.threshold[node]), np.bool_)

    def walk(self, values: NDArray[np.float32], root: int) -> Iterator[tuple[NDArray[Any], NDArray[Any], NDArray[Any]]]:
        """For each step down one tree: which rows take it, from which node and to which."""
        rows = np.arange(len(values))
        node = np.full(len(values), root, dtype=np.int32)
        while True:
            inner = self.feature[node] >= 0
            rows, node = rows[inner], node[inner]
            if not len(rows):
                return
            found = values[rows, self.feature[node]]
            goes_left = np.where(np.isnan(found), self.absent_left[node], found <= self.threshold[node])
            after = np.where(goes_left, self.left[node], self.right[node])
            yield rows, node, after
            node = after

    def mean(self, values: NDArray[np.float32]) -> Floats:
        """The mean share of the leaves that each row falls into, shape (rows,)."""
        total = np.zeros(len(values))
        # One tree after the other, so that a row's sum has the same order alone and in a batch.
        for root in self.roots:
            leaf = np.full(len(values), root, dtype=np.int32)
            for rows, _, after in self.walk(values, int(root)):
                leaf[rows] = after
            total += self.share[leaf]
        return total / len(self.roots)

    def used(self, features: int) -> Floats:
        """The share of all splits that ask for each feature, shape (features,)."""
        asked = self.feature[self.feature >= 0]
        return np.bincount(asked, minlength=features) / max(len(asked), 1)

    @classmethod
    def of(cls, grown: Any, never_absent: NDArray[np.bool_]) -> "Trees":
        """The trees of a scikit-learn forest.

        Args:
            grown: the fitted forest.
            never_absent: features that no training row lacked; scikit-learn refuses such a row later, here it goes
                with the larger part of the training rows.
        """
        trees = [estimator.tree_ for estimator in grown.estimators_]
        starts = np.cumsum([0, *(tree.node_count for tree in trees)])[:-1]
        parts: dict[str, list[NDArray[Any]]] = {name: [] for name in cls.__slots__ if name != "roots"}
        for tree, start in zip(trees, starts, strict=True):
            own = np.arange(tree.node_count)
            leaf = tree.children_left < 0
            left, right = np.where(leaf, own, tree.children_left), np.where(leaf, own, tree.children_right)
            size = tree.weighted_n_node_samples
            blind = ~leaf & never_absent[np.where(leaf, 0, tree.feature)]
            kept_left = tree.missing_go_to_left.astype(bool) & ~leaf
            parts["feature"].append(np.where(leaf, -1, tree.feature).astype(np.int32))
            parts["threshold"].append(np.where(leaf, 0.0, tree.threshold))
            parts["left"].append((left + start).astype(np.int32))
            parts["right"].append((right + start).astype(np.int32))
            parts["absent_left"].append(np.where(blind, size[left] >= size[right], kept_left))
            parts["share"].append(tree.value[:, 0, 1])
            parts["cover"].append(size.astype(np.float64))
        return cls(roots=starts.astype(np.int32), **{name: np.concatenate(found) for name, found in parts.items()})


@dataclass(frozen=True, slots=True)
class FittedForest:
    """Trees, with the names that their feature numbers stand for."""

    names: tuple[str, ...]
    trees: Trees
    parameters: dict[str, Json]

    def risk(self, features: Matrix) -> Floats:
        """The mean over trees of the share of positives in the row's leaf, shape (rows,)."""
        return np.clip(self.trees.mean(_single(features, self.names)), EDGE, 1 - EDGE)

    def contributions(self, features: Matrix) -> Floats:
        """Exact on the log-odds scale; base + row sum is the log-odds.

        A forest adds up in probability, where these are the Shapley values of its trees (`tree_shapley`). Log-odds
        depend on the sum of these parts alone, so that their Aumann-Shapley shares (Aumann & Shapley 1974, on the
        straight line from none to all of every part) are the parts times one positive number a row: the change of
        log-odds divided by the change of probability.
        """
        found = np.zeros(features.values.shape)
        if len(features):
            parts = shapley(self.trees, _single(features, self.names))
            where = [features.names.index(name) for name in self.names]
            found[:, where] = parts * self._slope(self.risk(features), np.add.reduce(parts, axis=1))[:, None]
        return found

    def facts(self) -> dict[str, Json]:
        """Parameters, base, sizes and the share of the splits that ask for each feature, largest first."""
        used = self.trees.used(len(self.names))
        order = np.argsort(-used, kind="stable")
        told: list[Json] = [{"feature": self.names[i], "split_share": float(used[i])} for i in order]
        return {
            "additive": True,
            "base_log_odds": float(log_odds(self._base)[0]),
            "parameters": dict(self.parameters),
            "trees": len(self.trees.roots),
            "nodes": len(self.trees.feature),
            "splits": told,
        }

    def state(self) -> dict[str, bytes]:
        """The trees as arrays, and the names and parameters as JSON."""
        return {
            TREES: packed({name: getattr(self.trees, name) for name in Trees.__slots__}),
            PART: encode({"names": list(self.names), "parameters": self.parameters}),
        }

    @property
    def _base(self) -> Floats:
        """The mean share at the roots, shape (1,)."""
        mean = self.trees.share[self.trees.roots].sum() / len(self.trees.roots)
        return np.asarray(np.clip([mean], EDGE, 1 - EDGE), dtype=np.float64)

    def _slope(self, risk: Floats, change: Floats) -> Floats:
        """Log-odds for each unit of probability between the base and the row's risk."""
        base = self._base
        level = 1 / (base * (1 - base))
        told = np.abs(change) > 1e-9
        return np.where(told, (log_odds(risk) - log_odds(base)) / np.where(told, change, 1.0), level)


def _single(features: Matrix, names: tuple[str, ...]) -> NDArray[np.float32]:
    """The values in the precision that scikit-learn's trees compare in; what is too large for it is its largest."""
    return np.clip(known_values(features, names), -LARGEST, LARGEST).astype(np.float32)


@dataclass(frozen=True, slots=True)
class Forest:
    """Random forest with scikit-learn."""

    parameters: Parameters = Parameters()
    name: str = "forest"
    summary: str = "Random forest (scikit-learn)"
    trivial: Literal[False] = False
    extra: str | None = None

    def fit(self, features: Matrix, labels: Floats, weights: Floats, seed: int) -> Fitted:
        """The grown trees; only the ratios of the weights matter.

        Raises:
            NotEnoughData: no rows or one class.
        """
        from sklearn.ensemble import RandomForestClassifier

        scaled = training_weights(features, labels, weights)
        names = tuple(sorted(features.names))
        values = _single(features, names)
        asked = self.parameters
        leaf = int(np.clip(len(values) * asked.leaf_share, asked.leaf_least, asked.leaf_most))
        grown = RandomForestClassifier(
            n_estimators=asked.trees,
            min_samples_leaf=min(leaf, max(1, len(values) // 4)),
            max_features="sqrt",
            max_samples=max(1, round(len(values) * asked.row_share)),
            n_jobs=GROWING_THREADS,
            random_state=seed % 2**32,
        ).fit(values, labels.astype(np.int64), sample_weight=scaled)
        trees = Trees.of(grown, np.asarray(~np.isnan(values).any(axis=0), dtype=np.bool_))
        return FittedForest(names, trees, asdict(asked))

    def restore(self, state: Mapping[str, bytes]) -> Fitted:
        """The trees that the stored arrays describe.

        Raises:
            InputError: a part of the state is missing.
        """
        kept = decode(state, PART)
        arrays = unpacked(state, TREES)
        if "cover" not in arrays:
            arrays["cover"] = _cover(arrays)
        return FittedForest(tuple(kept["names"]), Trees(**arrays), kept["parameters"])


def _cover(arrays: Mapping[str, NDArray[Any]]) -> Floats:
    """The covers of a forest kept before covers were, from its shares: a node's share is the mean of its children's.

    Where both children say the same, as many rows are taken to have gone either way.
    """
    share, left, right = (arrays[name] for name in ("share", "left", "right"))
    apart = share[left] - share[right]
    told = np.abs(apart) > 1e-9
    to_left = np.clip(np.where(told, (share - share[right]) / np.where(told, apart, 1.0), 0.5), 1e-6, 1 - 1e-6)
    cover = np.ones(len(share))
    # Children stand after their parents.
    for node in np.flatnonzero(arrays["feature"] >= 0):
        cover[left[node]] = cover[node] * to_left[node]
        cover[right[node]] = cover[node] * (1 - to_left[node])
    return cover


FOREST: Final = Forest()
MODELS.add("forest", FOREST)
