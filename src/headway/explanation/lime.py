"""A second opinion on a prediction: a straight-line surrogate around one learner, and how far it agrees with the first.

LIME for tables after Ribeiro, Singh & Guestrin 2016 (doi:10.1145/2939672.2939778): numbers are cut at quartiles, rows
are drawn from the cohort's bins, and a weighted ridge regression says what being in the learner's own bin adds. It asks
the model only for risks, so that it shares no code with the contributions that it is compared with.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from headway.explanation.mixing import AT_ONCE, log_odds_of, mixed, read_by
from headway.explanation.reasons import Families
from headway.models.model import Fitted, Floats, Matrix

DRAWS: Final = 3_000
DRAWS_WITH_PAST: Final = 1_000
BINS: Final = 4
PENALTY: Final = 1.0
WIDTH: Final = 0.75
"""Kernel width for each square root of a feature, as in the paper's own code."""

TOP: Final = 5


@dataclass(frozen=True, slots=True)
class Surrogate:
    """The straight line around one row.

    Attributes:
        names: the features it speaks of.
        added: shape (names,): what being in the own bin adds to the log-odds, against the cohort's mix of bins.
        fit: weighted R² of the line on the rows drawn; near 1 it stands for the model there.
    """

    names: tuple[str, ...]
    added: Floats
    fit: float


@dataclass(frozen=True, slots=True)
class Agreement:
    """How far two explanations of one row agree, over families of features.

    Attributes:
        overlap: share of the strongest `TOP` of the one that are among the strongest of the other.
        same_sign: share of the strongest `TOP` of the first that point the same way in the second.
        rank_correlation: Spearman's correlation of what each family adds, over all families; None where constant.
    """

    overlap: float
    same_sign: float
    rank_correlation: float | None


def surrogate(fitted: Fitted, row: Matrix, cohort: Matrix, seed: int, draws: int | None = None) -> Surrogate:
    """The surrogate of a model around one row.

    Args:
        fitted: the model; asked for risks only.
        row: the learner, one row.
        cohort: whose numbers are drawn, with its history where the model reads one.
        seed: draws the rows.
        draws: how many rows; by default 3,000, or 1,000 with a history.
    """
    names = tuple(name for name in read_by(fitted, row) if name in row.names)
    size = draws or (DRAWS if row.history is None else DRAWS_WITH_PAST)
    random = np.random.default_rng([seed, 8])
    givers = random.integers(0, len(cohort), (size, len(names)))
    columns = [row.names.index(name) for name in names]
    in_bin = np.column_stack([_same_bin(cohort.values[:, at], float(row.values[0, at])) for at in columns])
    same = np.take_along_axis(in_bin, givers, axis=0)
    same[0] = True
    own = np.zeros(same.shape, dtype=np.bool_)
    own[0] = True
    odds = np.concatenate(
        [
            log_odds_of(
                fitted, mixed(row, cohort, own[start : start + AT_ONCE], givers[start : start + AT_ONCE], names)
            )
            for start in range(0, size, AT_ONCE)
        ]
    )
    near = _nearness(same)
    weights, fit = _ridge(same.astype(np.float64), odds, near)
    return Surrogate(names, weights * (1 - in_bin.mean(axis=0)), fit)


def agreement(first: Floats, second: Floats, top: int = TOP) -> Agreement:
    """How far two explanations agree.

    Args:
        first: shape (families,): what each adds.
        second: likewise, by the other.
        top: how many count as the strongest.
    """
    strongest, others = (np.argsort(-np.abs(each), kind="stable")[:top] for each in (first, second))
    shared = len(set(strongest.tolist()) & set(others.tolist())) / max(1, len(strongest))
    same = (first[strongest] > 0) == (second[strongest] > 0)
    return Agreement(shared, float(same.mean()) if len(same) else 1.0, _spearman(first, second))


def by_family(found: Surrogate, families: Families) -> Floats:
    """What each family adds by the surrogate, shape (families,)."""
    place = {name: at for at, name in enumerate(found.names)}
    added = [found.added[place[each.name]] if each.name in place else 0.0 for each in families.known]
    return np.asarray(families.net(np.array([added]))[0][0], dtype=np.float64)


def _same_bin(values: Floats, own: float) -> NDArray[np.bool_]:
    """Whether each value is in the same quarter of the cohort as one's own; what is not known is a bin of its own."""
    absent = np.isnan(values)
    if np.isnan(own):
        return np.asarray(absent)
    cuts = np.unique(np.quantile(values[~absent], np.arange(1, BINS) / BINS)) if (~absent).any() else np.empty(0)
    return np.asarray((np.searchsorted(cuts, values) == np.searchsorted(cuts, own)) & ~absent)


def _nearness(same: NDArray[np.bool_]) -> Floats:
    """The weight of each drawn row: less, the more features are in another bin than the learner's."""
    size = same.shape[1]
    apart = np.sqrt((~same).sum(axis=1))
    return np.asarray(np.sqrt(np.exp(-((apart / (WIDTH * np.sqrt(max(1, size)))) ** 2))), dtype=np.float64)


def _ridge(bins: Floats, odds: Floats, weights: Floats) -> tuple[Floats, float]:
    """Coefficients of the weighted ridge regression, and its weighted R²."""
    share = weights / weights.sum()
    middle, level = share @ bins, float(share @ odds)
    apart, rest = bins - middle, odds - level
    scaled = apart * weights[:, None]
    found = np.linalg.solve(apart.T @ scaled + PENALTY * np.eye(bins.shape[1]), scaled.T @ rest)
    left = float(weights @ (rest - apart @ found) ** 2)
    total = float(weights @ rest**2)
    return np.asarray(found, dtype=np.float64), 1.0 - left / total if total > 0 else 1.0


def _spearman(first: Floats, second: Floats) -> float | None:
    from scipy.stats import rankdata

    one, two = (rankdata(each) - (len(each) + 1) / 2 for each in (first, second))
    length = float(np.sqrt((one @ one) * (two @ two)))
    return float(one @ two) / length if length > 0 else None
