"""Drift: whether the risks told in a running course are spread as they were when the model was checked on the past.

The figure is the population stability index over bins of equal mass of the past (Siddiqi 2006), beside what chance
alone would give with so few learners (Yurdakul and Karlin 2018): a figure below that says nothing.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from headway.domain.errors import NotEnoughData
from headway.models.model import Floats

BINS: Final = 10
HALF: Final = 0.5
"""Added to every bin's count, so that an empty bin is no infinite shift."""

LEVEL: Final = 0.95


@dataclass(frozen=True, slots=True)
class Shift:
    """How far two spreads are apart.

    Attributes:
        psi: the population stability index, 0 for the same spread.
        by_chance: what it stays below in 95 of 100 draws from one spread.
        n: learners now.
        of_past: learners of the past.
        mean: mean now.
        past_mean: mean of the past.
    """

    psi: float
    by_chance: float
    n: int
    of_past: int
    mean: float
    past_mean: float

    @property
    def clear(self) -> bool:
        """Whether the shift is more than chance gives."""
        return self.psi > self.by_chance


def shift(past: Floats, now: Floats, past_weights: Floats | None = None, bins: int = BINS) -> Shift:
    """How far the values now are from those of the past.

    Args:
        past: shape (values,), finite.
        now: shape (learners,), finite.
        past_weights: how many learners have each value of the past; one each where None.
        bins: bins of equal mass of the past; fewer where values are tied.

    Raises:
        NotEnoughData: one side has fewer values than bins.
    """
    weights = np.ones(len(past)) if past_weights is None else past_weights
    if weights.sum() < bins or len(now) < bins:
        raise NotEnoughData(f"A shift is told from {bins} learners on, of the past and of now.")
    order = np.argsort(past, kind="stable")
    values, up_to = past[order], np.cumsum(weights[order]) / weights.sum()
    edges = np.unique(values[np.searchsorted(up_to, np.arange(1, bins) / bins)])
    before = np.bincount(np.searchsorted(edges, past), weights=weights, minlength=len(edges) + 1) + HALF
    today = np.bincount(np.searchsorted(edges, now), minlength=len(edges) + 1) + HALF
    expected, actual = before / before.sum(), today / today.sum()
    psi = float(((actual - expected) * np.log(actual / expected)).sum())
    return Shift(
        psi,
        _by_chance(len(edges), float(weights.sum()), len(now)),
        len(now),
        round(float(weights.sum())),
        float(now.mean()),
        float(np.average(past, weights=weights)),
    )


def _by_chance(freedom: int, past: float, now: int) -> float:
    """The index of two samples of one spread is about (1/past + 1/now) times a chi-square variable."""
    from scipy.special import chdtri

    return float((1 / past + 1 / now) * chdtri(freedom, 1 - LEVEL)) if freedom else 0.0
