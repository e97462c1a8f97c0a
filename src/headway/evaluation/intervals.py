"""How sure a figure is: bootstrap intervals by learner, and intervals of shares.

Promises that learners, not rows, are drawn again, and that two models are compared on the same draws. Intervals
describe which learners happened to be in the test; they say nothing about another course or year.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headway.domain.errors import InputError
from headway.evaluation.weighted import BINS, Ranked, check_names, measure
from headway.models.model import Floats

CELLS = 50_000
"""How many weights are held at a time: few enough to stay in the processor's cache."""


@dataclass(frozen=True, slots=True)
class Interval:
    """A figure with the range that its draws cover; NaN where it is undefined."""

    value: float
    low: float
    high: float

    def as_json(self) -> dict[str, float | None]:
        """The three numbers, null where undefined."""
        return {"value": known(self.value), "low": known(self.low), "high": known(self.high)}


def known(value: float) -> float | None:
    """The value, or None where it is not a finite number (JSON has no NaN)."""
    return float(value) if math.isfinite(value) else None


def bootstrap(
    names: tuple[str, ...],
    labels: Floats,
    risks: Floats,
    groups: NDArray[Any],
    *,
    seed: int,
    n: int = 1000,
    level: float = 0.95,
    capacity: float | None = None,
    bins: int = BINS,
) -> dict[str, Interval]:
    """Each metric with its percentile interval (Efron and Tibshirani 1993), drawing learners with all their rows.

    Drawing rows again adds noise to each bin, so that `ece` grows with it; its interval is moved back by that much.

    Args:
        names: metrics of `weighted.KERNELS`, such as "auroc", "auprc", "brier", "ece", "precision_at_capacity".
        labels: shape (rows,), 0 or 1.
        risks: shape (rows,).
        groups: shape (rows,), the learner of each row.
        seed: decides the draws.
        n: how many draws; with none the ends of the intervals are NaN.
        level: share of the draws inside the interval.
        capacity: how many rows can be contacted; the same share of the rows in each draw.
        bins: bins of the calibration error; they stay those of the whole test.

    Raises:
        UnknownName: no such metric.
        InputError: shapes differ, or labels that do not suit the metric.
    """
    ranked = Ranked.of(labels, risks, bins=bins, capacity=capacity)
    points = _points(names, ranked)
    if not n and len(groups) == len(ranked):
        return {name: Interval(points[name], math.nan, math.nan) for name in names}
    drawn = _drawn(names, [ranked], groups, n, seed)[0]
    if "ece" in drawn and np.isfinite(drawn["ece"]).any():
        drawn["ece"] = np.maximum(drawn["ece"] - (np.nanmean(drawn["ece"]) - points["ece"]), 0.0)
    return {name: _interval(points[name], drawn[name], level) for name in names}


def paired_difference(
    names: tuple[str, ...],
    labels: Floats,
    risks: Floats,
    others: Floats,
    groups: NDArray[Any],
    *,
    seed: int,
    n: int = 1000,
    level: float = 0.95,
    capacity: float | None = None,
    bins: int = BINS,
) -> dict[str, Interval]:
    """Each metric of `risks` less that of `others` on the same draws of the same rows; arguments as in `bootstrap`.

    Raises:
        UnknownName: no such metric.
        InputError: shapes differ, or labels that do not suit the metric.
    """
    both = [Ranked.of(labels, found, bins=bins, capacity=capacity) for found in (risks, others)]
    ours, theirs = (_points(names, ranked) for ranked in both)
    drawn, against = _drawn(names, both, groups, n, seed)
    return {name: _interval(ours[name] - theirs[name], drawn[name] - against[name], level) for name in names}


def paired_draws(
    name: str, labels: Floats, risks: Floats, others: Floats, groups: NDArray[Any], *, seed: int, n: int
) -> tuple[Interval, Floats]:
    """The difference of one metric as in `paired_difference`, and its draws, shape (n,), for a test.

    Raises:
        UnknownName: no such metric.
        InputError: shapes differ, or labels that do not suit the metric.
    """
    both = [Ranked.of(labels, found) for found in (risks, others)]
    ours, theirs = (_points((name,), ranked)[name] for ranked in both)
    if not n:
        return Interval(ours - theirs, math.nan, math.nan), np.zeros(0)
    drawn, against = (found[name] for found in _drawn((name,), both, groups, n, seed))
    return _interval(ours - theirs, drawn - against, 0.95), drawn - against


def jeffreys(successes: Floats, trials: Floats, level: float) -> tuple[Floats, Floats]:
    """Low and high end of the Jeffreys interval of each share (Brown, Cai and DasGupta 2001).

    The ends are quantiles of Beta(successes + 1/2, failures + 1/2); 0 where nothing and 1 where everything succeeded.

    Args:
        successes: how many succeeded; need not be whole.
        trials: out of how many; with none the interval is 0 to 1.
        level: the probability inside.
    """
    from scipy.special import betaincinv

    tail = (1 - level) / 2
    failures = trials - successes
    low = np.where(successes > 0, betaincinv(successes + 0.5, failures + 0.5, tail), 0.0)
    high = np.where(failures > 0, betaincinv(successes + 0.5, failures + 0.5, 1 - tail), 1.0)
    return np.asarray(low, dtype=np.float64), np.asarray(high, dtype=np.float64)


def _points(names: tuple[str, ...], ranked: Ranked) -> dict[str, float]:
    check_names(names, ranked.labels)
    return {name: float(found[0]) for name, found in measure(names, ranked, np.ones((1, len(ranked)))).items()}


def _drawn(
    names: tuple[str, ...], models: list[Ranked], groups: NDArray[Any], n: int, seed: int
) -> list[dict[str, Floats]]:
    """For each model, each metric in each draw, shape (n,)."""
    rows = len(models[0])
    if groups.shape != (rows,) or n < 1:
        raise InputError(f"{rows} rows, groups {groups.shape}, {n} draws. Give a group per row and at least one draw.")
    learners, of_row = np.unique(groups, return_inverse=True)
    if len(learners) < 2:
        return [{name: np.full(n, np.nan) for name in names} for _ in models]
    random = np.random.default_rng(seed)
    parts: list[list[dict[str, Floats]]] = [[] for _ in models]
    at_a_time = max(1, CELLS // rows)
    for start in range(0, n, at_a_time):
        times = _draw(random, min(at_a_time, n - start), len(learners))
        for ranked, part in zip(models, parts, strict=True):
            part.append(measure(names, ranked, np.take(times, of_row[ranked.order], axis=1)))
    return [{name: np.concatenate([found[name] for found in part]) for name in names} for part in parts]


def _draw(random: np.random.Generator, draws: int, learners: int) -> Floats:
    """How often each learner is drawn, shape (draws, learners); each row sums to the number of learners."""
    drawn = random.integers(0, learners, size=(draws, learners))
    drawn += np.arange(draws)[:, None] * learners
    return np.bincount(drawn.ravel(), minlength=draws * learners).reshape(draws, learners).astype(np.float64)


def _interval(value: float, drawn: Floats, level: float) -> Interval:
    defined = drawn[np.isfinite(drawn)]
    if not math.isfinite(value) or not len(defined):
        return Interval(value, math.nan, math.nan)
    low, high = np.quantile(defined, [(1 - level) / 2, (1 + level) / 2])
    return Interval(value, float(low), float(high))
