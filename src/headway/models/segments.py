"""Learners who behave alike, as of one time: k-means, Ward and a mixture on standardised numbers.

The number of segments is chosen by what comes out again when other learners are drawn. Promises the same segments for
the same rows and seed, numbered from the largest. Nobody is put in a segment by a protected attribute: only the
features of `BEHAVIOUR` are looked at. Pure: names and plays are added elsewhere.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from headway.domain.errors import InputError, NotEnoughData
from headway.models.logistic import Columns, Parameters
from headway.models.model import Floats, Matrix

Method = Literal["kmeans", "ward", "mixture"]
Labels = NDArray[np.int64]

METHODS: Final[tuple[Method, ...]] = ("kmeans", "ward", "mixture")

BEHAVIOUR: Final = (
    "active_days_28d",
    "active_weeks",
    "days_since_last_activity",
    "forum_interactions_28d",
    "interactions_28d",
    "longest_gap_days",
    "mean_score",
    "minutes_28d",
    "objects_14d",
    "procrastination",
    "quiz_interactions_28d",
    "submitted_share",
    "video_minutes_28d",
    "weekend_share_28d",
)
"""What learners do and how it goes, one number for each quantity; nothing about who they are."""

FEWEST: Final = 2
MOST: Final = 8
DRAWS: Final = 20
AT_LEAST_STABLE: Final = 0.8
"""Mean adjusted Rand index over draws from which a number of segments counts as found again."""

MOST_ROWS: Final = 2_000
"""Stability is told on so many rows at most, for Ward's method compares each with each."""

REACH: Final = 3.0


@dataclass(frozen=True, slots=True)
class Space:
    """How rows become points: standardised numbers, heavy tails on a log scale, what is not known at the middle.

    Attributes:
        columns: the preparation.
    """

    columns: Columns

    @classmethod
    def of(cls, features: Matrix, names: Sequence[str] = BEHAVIOUR) -> "Space":
        """The space that suits these rows.

        Raises:
            NotEnoughData: none of the features is there and varies.
        """
        there = tuple(name for name in names if name in features.names)
        columns = Columns.learn(Matrix(there, features.ordered(there)), Parameters(reach=REACH))
        if not there or not (columns.scale > 0).any():
            raise NotEnoughData("No behaviour varies between these learners. Choose a later date.")
        return cls(columns)

    @property
    def names(self) -> tuple[str, ...]:
        """The features, in the order of the points' numbers."""
        return self.columns.names

    def points(self, features: Matrix) -> Floats:
        """Shape (rows, features)."""
        return np.ascontiguousarray(self.columns.prepare(features)[:, : len(self.names)])


@dataclass(frozen=True, slots=True)
class Segmented:
    """Rows in segments.

    Attributes:
        labels: shape (rows,): each row's segment, 0 the largest.
        centres: shape (segments, dimensions): the middle of each.
        stability: mean adjusted Rand index over draws of other rows; 1 where it always comes out again.
        again: shape (segments,): of each segment, the mean Jaccard similarity to the one most like it in each draw
            (Hennig 2007, doi:10.1016/j.csda.2006.11.025); below 0.6 it should not be relied on.
        tried: the stability of each number of segments that was tried.
    """

    labels: Labels
    centres: Floats
    stability: float
    again: Floats
    tried: dict[int, float]

    def nearest(self, points: Floats) -> Labels:
        """The segment whose middle is nearest to each point."""
        apart = ((points[:, None, :] - self.centres[None]) ** 2).sum(axis=2)
        return np.asarray(apart.argmin(axis=1), dtype=np.int64)


def segmented(points: Floats, method: Method, seed: int, number: int | None = None) -> Segmented:
    """Points in segments, as many as come out again, or as many as asked for.

    Of the numbers from 2 to 8 the largest whose stability is at least 0.8 is taken, else the most stable one: two
    segments nearly always come out again, and more tell more (Ben-Hur, Elisseeff & Guyon 2002).

    Args:
        points: shape (rows, dimensions), standardised.
        method: how.
        seed: of every draw.
        number: of segments; None to choose by stability.

    Raises:
        InputError: a number of segments below 2 or above the number of different points.
        NotEnoughData: fewer than 10 different points.
    """
    different = len(np.unique(points, axis=0))
    if different < 10:
        raise NotEnoughData(f"{different} different learners are too few for segments. Choose a later date.")
    if number is not None and not FEWEST <= number <= min(different, 50):
        raise InputError(f"{number} segments cannot be made of {different} learners. Choose 2 to {min(different, 50)}.")
    numbers = [number] if number else range(FEWEST, min(MOST, different // 5) + 1)
    tried: dict[int, float] = {}
    for each in numbers:
        tried[each] = stability(points, method, each, seed)[0]
    steady = [each for each, found in tried.items() if found >= AT_LEAST_STABLE]
    chosen = max(steady) if steady else max(tried, key=lambda each: (tried[each], -each))
    labels = _by_size(_clustered(points, method, chosen, seed))
    overall, again = stability(points, method, chosen, seed)
    return Segmented(labels, middles(points, labels), overall, again, tried)


def middles(points: Floats, labels: Labels) -> Floats:
    """The mean point of each segment, shape (segments, dimensions)."""
    return np.stack([points[labels == each].mean(axis=0) for each in range(int(labels.max()) + 1)])


def stability(points: Floats, method: Method, number: int, seed: int, draws: int = DRAWS) -> tuple[float, Floats]:
    """How far segments come out again when learners are drawn with replacement: overall, and of each segment.

    Each draw is segmented anew; the learners in it have two segments then, whose agreement is the adjusted Rand index,
    and for each first segment the best Jaccard similarity among the new ones.
    """
    random = np.random.default_rng([seed, number])
    if len(points) > MOST_ROWS:
        points = points[np.sort(random.choice(len(points), MOST_ROWS, replace=False))]
    first = _by_size(_clustered(points, method, number, seed))
    found: list[float] = []
    again: list[list[float]] = []
    for draw in range(draws):
        drawn = np.unique(random.integers(0, len(points), len(points)))
        second = _clustered(points[drawn], method, number, seed + draw + 1)
        found.append(adjusted_rand(first[drawn], second))
        table = _counts(first[drawn], second, number)
        union = table.sum(axis=1)[:, None] + table.sum(axis=0)[None] - table
        again.append((table / np.maximum(union, 1)).max(axis=1).tolist())
    return float(np.mean(found)), np.asarray(np.mean(again, axis=0), dtype=np.float64)


def adjusted_rand(one: NDArray[Any], other: NDArray[Any]) -> float:
    """The adjusted Rand index of two ways to put the same rows in groups (Hubert & Arabie 1985): 1 equal, 0 chance.

    >>> import numpy as np
    >>> adjusted_rand(np.array([0, 0, 1, 1]), np.array([5, 5, 3, 3]))
    1.0
    """
    first, second = (np.unique(each, return_inverse=True)[1].reshape(-1) for each in (one, other))
    table = _counts(first, second, int(max(first.max(initial=0), second.max(initial=0))) + 1)

    def pairs(counts: Floats) -> float:
        return float((counts * (counts - 1) / 2).sum())

    same, rows, columns = pairs(table), pairs(table.sum(axis=1)), pairs(table.sum(axis=0))
    expected = rows * columns / max(len(first) * (len(first) - 1) / 2, 1)
    most = (rows + columns) / 2
    return 1.0 if most == expected else (same - expected) / (most - expected)


def _counts(first: Labels, second: Labels, size: int) -> Floats:
    table = np.zeros((size, size))
    np.add.at(table, (first, second), 1.0)
    return table


def _by_size(labels: Labels) -> Labels:
    """The labels renamed from the largest segment on; of equals the one of the first row."""
    names, first, sizes = np.unique(labels, return_index=True, return_counts=True)
    order = np.lexsort((first, -sizes))
    rank = np.empty(len(names), dtype=np.int64)
    rank[order] = np.arange(len(names))
    return rank[np.searchsorted(names, labels)]


def _clustered(points: Floats, method: Method, number: int, seed: int) -> Labels:
    from sklearn.cluster import AgglomerativeClustering, KMeans
    from sklearn.mixture import GaussianMixture

    if method == "ward" and len(points) > MOST_ROWS:
        return _ward_of_many(points, number, seed)
    made: Any
    if method == "kmeans":
        made = KMeans(number, n_init=4, random_state=seed % 2**32)
    elif method == "ward":
        made = AgglomerativeClustering(number, linkage="ward")
    else:
        made = GaussianMixture(
            number, covariance_type="diag", reg_covar=0.05, n_init=2, max_iter=200, random_state=seed % 2**32
        )
    return np.asarray(made.fit_predict(points), dtype=np.int64)


def _ward_of_many(points: Floats, number: int, seed: int) -> Labels:
    """Ward's segments of a part of the rows, and for all others the nearest middle."""
    some = np.sort(np.random.default_rng([seed, 9]).choice(len(points), MOST_ROWS, replace=False))
    labels = _by_size(_clustered(points[some], "ward", number, seed))
    centres = middles(points[some], labels)
    return np.asarray(((points[:, None] - centres[None]) ** 2).sum(axis=2).argmin(axis=1), dtype=np.int64)
