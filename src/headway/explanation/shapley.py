"""What each feature adds to a prediction: exact where the model is a sum, sampled Shapley values where it is not.

Promises that a row's contributions sum to its log-odds less the mean log-odds of the background (efficiency), seen on
the row's own steps where there is a history, and that the same row, background and seed give the same numbers. The
background is the cohort: contributions say what sets a learner apart from those who are enrolled at the same time.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from headway.domain.errors import InputError
from headway.explanation.mixing import AT_ONCE, log_odds_of, mixed, read_by
from headway.models.model import Fitted, Floats, Matrix

WALKS: Final = 64
"""Orders in which features are added for one learner: 32 and their reverses."""

FEWEST: Final = 2


class Explains(Protocol):
    """What says which feature adds how much to the log-odds of rows."""

    @property
    def method(self) -> Literal["exact", "sampled"]:
        """How it does."""
        ...

    @property
    def base(self) -> float:
        """The mean log-odds of the background."""
        ...

    def contributions(self, rows: Matrix) -> Floats:
        """Shape (rows, features), columns as in `rows`."""
        ...


@dataclass(frozen=True)
class Exact:
    """The model's own contributions less their mean over the background.

    For a linear model these are coefficient × (value - mean), for trees and curves their Shapley values likewise: the
    values of a sum of games are the sums of the values, and subtracting a constant from each keeps the row's sum.
    """

    fitted: Fitted
    background: Matrix
    own: Floats
    mean: Floats
    base: float
    method: Literal["exact"] = "exact"

    def contributions(self, rows: Matrix) -> Floats:
        """Shape (rows, features); a row's sum is its log-odds less `base`."""
        # Whole cohorts are explained against themselves: nothing is worked out twice.
        own = self.own if rows is self.background else self.fitted.contributions(rows)
        return np.asarray(own - self.mean, dtype=np.float64)


@dataclass(frozen=True)
class Sampled:
    """Shapley values by walks from a background row to the learner's, one feature after the other.

    Castro, Gómez & Tejada 2009 (doi:10.1016/j.cor.2008.04.004), each order with its reverse (Mitchell et al. 2022,
    https://jmlr.org/papers/v23/21-0439.html), which halves the variance where features add up. Each walk starts at
    another row of the background and ends at the learner, so that a row's sum is exactly its log-odds less `base`.
    With a history, a background row is seen on the steps at which the learner was enrolled; where it lacks some of
    them, the base of that learner is a little other than `base`.
    """

    fitted: Fitted
    donors: Matrix
    orders: NDArray[np.int64]
    starts: NDArray[np.int64]
    names: tuple[str, ...]
    base: float
    method: Literal["sampled"] = "sampled"

    def contributions(self, rows: Matrix) -> Floats:
        """Shape (rows, features); a feature that is only in the history has no column and must not be read."""
        found = np.zeros((len(rows), len(rows.names)))
        where = [rows.names.index(name) for name in self.names]
        for at in range(len(rows)):
            found[at, where] = self.walks(rows.rows(np.array([at]))).mean(axis=0)
        return found

    def walks(self, row: Matrix) -> Floats:
        """What each feature added on each walk to one row, shape (walks, names)."""
        size = len(self.names)
        # Along a walk, the features before a step are the learner's own: own[walk, step, feature].
        rank = np.argsort(self.orders, axis=1)
        own = rank[:, None, :] < np.arange(size + 1)[None, :, None]
        odds = self._asked(row, own.reshape(-1, size), np.repeat(self.starts, size + 1)).reshape(-1, size + 1)
        added = np.empty((len(self.orders), size))
        np.put_along_axis(added, self.orders, np.diff(odds, axis=1), axis=1)
        return added

    def _asked(self, row: Matrix, own: NDArray[np.bool_], starts: NDArray[np.int64]) -> Floats:
        parts = [
            log_odds_of(self.fitted, mixed(row, self.donors, own[part], starts[part], self.names))
            for part in _parts(len(own))
        ]
        return np.concatenate(parts)


def _parts(size: int) -> Iterator[slice]:
    for start in range(0, size, AT_ONCE):
        yield slice(start, start + AT_ONCE)


def is_sum(fitted: Fitted) -> bool:
    """Whether a model's own contributions and its base sum to its log-odds (its facts say `additive`)."""
    return fitted.facts().get("additive") is True


def explainer(fitted: Fitted, background: Matrix, seed: int, walks: int = WALKS) -> Explains:
    """What explains rows of a model against a background: exact for sums, sampled for all others.

    Args:
        fitted: the model, not calibrated.
        background: the cohort, with its history where the model reads one.
        seed: draws the walks.
        walks: how many, at least 2; an odd one is rounded up.

    Raises:
        InputError: no background, or fewer than 2 walks.
    """
    if not len(background) or walks < FEWEST:
        raise InputError("Explaining needs at least one row to compare with and two walks.")
    if is_sum(fitted):
        own = fitted.contributions(background)
        return Exact(fitted, background, own, own.mean(axis=0), float(log_odds_of(fitted, background).mean()))
    return sampled(fitted, background, seed, walks)


def sampled(fitted: Fitted, background: Matrix, seed: int, walks: int = WALKS) -> Sampled:
    """Sampled Shapley values for any model; see `explainer`.

    Features that only the history has are given to no column; a model that reads one is refused.

    Raises:
        InputError: the model reads a feature of the history that the rows themselves do not have.
    """
    names = read_by(fitted, background)
    if lost := [name for name in names if name not in background.names]:
        raise InputError(f"The history has {', '.join(lost)}, which the rows lack. Explain with the whole view.")
    random = np.random.default_rng([seed, 6])
    half = (walks + 1) // 2
    there = np.stack([random.permutation(len(names)) for _ in range(half)])
    orders = np.concatenate([there, there[:, ::-1]])
    drawn = np.concatenate([random.permutation(len(background)) for _ in range(half // len(background) + 1)])[:half]
    starts, place = np.unique(drawn, return_inverse=True)
    donors = background.rows(starts)
    odds = log_odds_of(fitted, donors)[place]
    return Sampled(fitted, donors, orders, np.concatenate([place, place]), names, float(odds.mean()))
