"""Exact Shapley values of decision trees, in numpy alone: which feature moved a row to its leaf.

The game is that of TreeSHAP (Lundberg et al. 2020, doi:10.1038/s42256-019-0138-9): a feature that is not told lets a
row go both ways, in proportion to the training rows that did. Each leaf is then a product of factors, one for each
feature on its path, and a product's Shapley value is the integral of a polynomial: Gauss-Legendre points are exact.
"""

from collections.abc import Iterator
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from headway.models.model import Floats

Rows = NDArray[np.bool_]


class Branches(Protocol):
    """The nodes of trees, one after the other; see `forest.Trees`."""

    @property
    def roots(self) -> NDArray[np.int32]:
        """Each tree's first node."""
        ...

    @property
    def feature(self) -> NDArray[np.int32]:
        """What a node asks for; -1 in a leaf."""
        ...

    @property
    def left(self) -> NDArray[np.int32]:
        """The next node to the left."""
        ...

    @property
    def right(self) -> NDArray[np.int32]:
        """The next node to the right."""
        ...

    @property
    def share(self) -> Floats:
        """What a leaf says."""
        ...

    @property
    def cover(self) -> Floats:
        """The weight of the training rows that came by."""
        ...

    def goes_left(self, values: NDArray[np.float32], node: int) -> Rows:
        """Which rows go left at a node."""
        ...


def shapley(trees: Branches, values: NDArray[np.float32]) -> Floats:
    """The mean over trees of each feature's Shapley value, shape (rows, features); base + row sum is the mean leaf."""
    found = np.zeros(values.shape)
    for root in trees.roots:
        for leaf, path in _leaves(trees, values, int(root), {}):
            _add(found, float(trees.share[leaf]), path)
    return found / len(trees.roots)


def _leaves(
    trees: Branches, values: NDArray[np.float32], node: int, path: dict[int, tuple[float, Rows]]
) -> Iterator[tuple[int, dict[int, tuple[float, Rows]]]]:
    """Each leaf below a node; by feature on its path, the share of training rows that pass and the rows that do."""
    feature = int(trees.feature[node])
    if feature < 0:
        yield node, path
        return
    goes_left = trees.goes_left(values, node)
    share, passes = path.get(feature, (1.0, np.ones(len(values), dtype=np.bool_)))
    for after, taken in ((int(trees.left[node]), goes_left), (int(trees.right[node]), ~goes_left)):
        part = float(trees.cover[after] / trees.cover[node])
        yield from _leaves(trees, values, after, path | {feature: (share * part, passes & taken)})


def _add(found: Floats, value: float, path: dict[int, tuple[float, Rows]]) -> None:
    """Adds the Shapley values of one leaf's product to the rows.

    With o = 1 where a row passes and z the share that does, feature i's value is
    value · (o_i - z_i) · ∫ Π_{j≠i} (t·o_j + (1 - t)·z_j) dt over t from 0 to 1.
    """
    if not path or value == 0:
        return
    features = sorted(path)
    passes = np.stack([path[feature][1] for feature in features], axis=1)
    shares = np.array([path[feature][0] for feature in features])
    # Rows with the same pattern share their values; there are far fewer patterns than rows.
    codes = np.zeros(len(passes), dtype=np.int64)
    for place in range(len(features)):
        codes += passes[:, place].astype(np.int64) << place
    _, first, of_row = np.unique(codes, return_index=True, return_inverse=True)
    own = passes[first].astype(np.float64)
    points, weights = np.polynomial.legendre.leggauss(len(features) // 2 + 1)
    summed = np.zeros(own.shape)
    for point, weight in zip((points + 1) / 2, weights / 2, strict=True):
        factors = point * own + (1 - point) * shares
        summed += weight * np.multiply.reduce(factors, axis=1)[:, None] / factors
    told = value * (own - shares) * summed
    for place, feature in enumerate(features):
        found[:, feature] += told[of_row.reshape(-1), place]
