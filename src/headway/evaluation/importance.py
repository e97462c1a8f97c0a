"""Importance weights: past rows that look like the running cohort count more.

Where learners differ between runs but the relation of features and label does not, a fit on past rows weighed by the
ratio of both densities is a fit for the present (Shimodaira 2000, doi:10.1016/S0378-3758(00)00115-4; Sugiyama,
Krauledat and Müller 2007, JMLR 8:985-1005). Promises weights from features known at the as-of time alone: labels of
neither side are looked at.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from headway.domain.errors import NotEnoughData
from headway.models.logistic import LOGISTIC
from headway.models.model import Floats, Matrix, joined
from headway.models.training import balanced_weights

FLATTENED: Final = 0.5
"""Power of the density ratio: 1 is unbiased and unsteady, 0 leaves the rows alone (Shimodaira 2000, section 4)."""

MOST: Final = 5.0
"""No row counts more than so many times, or less than one over so many times, the usual one."""


@dataclass(frozen=True, slots=True)
class Weighed:
    """Weights of past rows.

    Attributes:
        weights: shape (rows,), of mean 1.
        effective: how many rows of weight 1 would say as much: (sum w)^2 / sum w^2 (Kish 1965).
    """

    weights: Floats
    effective: float


def towards(past: Matrix, cohort: Matrix, seed: int) -> Weighed:
    """How much each past row resembles the cohort, by a regularised classifier of cohort against past.

    With both sides given the same total, the classifier's odds estimate the ratio of densities (Bickel, Brückner and
    Scheffer 2009, JMLR 10:2137-2155).

    Args:
        past: the rows to be weighed.
        cohort: everyone enrolled in the running course at the as-of time, on the same features.
        seed: seeds the classifier.
    """
    both = joined([Matrix(past.names, past.values), Matrix(past.names, cohort.ordered(past.names))])
    now = np.concatenate([np.zeros(len(past)), np.ones(len(cohort))])
    try:
        told = LOGISTIC.fit(both, now, balanced_weights(now), seed).risk(Matrix(past.names, past.values))
    except NotEnoughData:
        # No column tells them apart: they are alike.
        return Weighed(np.ones(len(past)), float(len(past)))
    ratio = np.clip((told / (1 - told)) ** FLATTENED, 1 / MOST, MOST)
    weights = np.asarray(ratio / ratio.mean(), dtype=np.float64)
    return Weighed(weights, float(weights.sum() ** 2 / (weights**2).sum()))
