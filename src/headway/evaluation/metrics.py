"""The metrics that headway prints, each with its formula and source.

Promises pure functions of labels and risks in which ties count in expectation over their orders, so that the order of
rows never matters. NaN where a metric is undefined (one class only), null in JSON. Others must not compute metrics.
"""

from dataclasses import dataclass

import numpy as np

from headway.domain.errors import InputError
from headway.evaluation.intervals import jeffreys
from headway.evaluation.weighted import BINS, Ranked, Weighing, check_names, measure
from headway.models.model import Floats


def auroc(labels: Floats, risks: Floats) -> float:
    """The chance that a positive has a higher risk than a negative, a tie counting half (Mann and Whitney 1947)."""
    return _one("auroc", labels, risks)


def auprc(labels: Floats, risks: Floats) -> float:
    """Average precision: the sum over thresholds of precision times gain in recall, without interpolation."""
    return _one("auprc", labels, risks)


def brier(labels: Floats, risks: Floats) -> float:
    """The mean squared distance of risk and label (Brier 1950)."""
    return _one("brier", labels, risks)


def log_loss(labels: Floats, risks: Floats) -> float:
    """The mean of -log of the probability given to what happened; risks are kept one rounding step from 0 and 1."""
    return _one("log_loss", labels, risks)


def ece(labels: Floats, risks: Floats, bins: int = BINS) -> float:
    """Expected calibration error: the mean over bins of equal mass of |share of positives - mean risk|, by rows.

    After Naeini, Cooper and Hauskrecht (2015). Tied risks share a bin. It is above 0 even for a perfect model; see
    `expected_ece`.
    """
    return _one("ece", labels, risks, bins=bins)


def mae(values: Floats, predicted: Floats) -> float:
    """The mean distance of prediction and value, in the values' unit."""
    return _one("mae", values, predicted)


def mse(values: Floats, predicted: Floats) -> float:
    """The mean squared distance of prediction and value."""
    return _one("mse", values, predicted)


def rmse(values: Floats, predicted: Floats) -> float:
    """The root of the mean squared distance, in the values' unit."""
    return _one("rmse", values, predicted)


def r2(values: Floats, predicted: Floats) -> float:
    """1 - (squared distances) / (squared distances from the mean); NaN where all values are the same."""
    return _one("r2", values, predicted)


@dataclass(frozen=True, slots=True)
class CalibrationFloor:
    """The calibration error that a perfect model would show by chance: its mean, and what 95% stay below."""

    mean: float
    high: float


def expected_ece(risks: Floats, *, seed: int, bins: int = BINS, draws: int = 200) -> CalibrationFloor:
    """The `ece` of a perfectly calibrated model with these risks and so many rows, by simulating labels.

    Args:
        risks: shape (rows,), in [0, 1].
        seed: decides the labels.
        bins: as in `ece`.
        draws: how many sets of labels.
    """
    ranked = Ranked.of(np.zeros(len(risks)), risks, bins=bins)
    random = np.random.default_rng(seed)
    found = np.zeros(draws)
    at_a_time = max(1, 100_000 // len(ranked))
    for start in range(0, draws, at_a_time):
        size = (min(at_a_time, draws - start), len(ranked))
        gaps = (random.random(size) < ranked.risks) - ranked.risks
        found[start : start + size[0]] = ranked.summed_gaps(gaps) / len(ranked)
    return CalibrationFloor(float(found.mean()), float(np.quantile(found, 0.95)))


@dataclass(frozen=True, slots=True)
class Confusion:
    """Numbers of rows by what was said and what happened."""

    flagged_positive: int
    flagged_negative: int
    unflagged_positive: int
    unflagged_negative: int

    @property
    def precision(self) -> float:
        """Share of positives among the flagged."""
        return _share(self.flagged_positive, self.flagged_positive + self.flagged_negative)

    @property
    def recall(self) -> float:
        """Share of flagged among the positives."""
        return _share(self.flagged_positive, self.flagged_positive + self.unflagged_positive)

    @property
    def specificity(self) -> float:
        """Share of unflagged among the negatives."""
        return _share(self.unflagged_negative, self.unflagged_negative + self.flagged_negative)

    @property
    def f1(self) -> float:
        """The harmonic mean of precision and recall."""
        wrong = self.flagged_negative + self.unflagged_positive
        return _share(2 * self.flagged_positive, 2 * self.flagged_positive + wrong)


def confusion(labels: Floats, risks: Floats, threshold: float) -> Confusion:
    """The confusion matrix when risks of `threshold` or more are flagged."""
    ranked = _ranked(labels, risks)
    flagged, positive = ranked.risks >= threshold, ranked.labels == 1
    return Confusion(
        flagged_positive=int((flagged & positive).sum()),
        flagged_negative=int((flagged & ~positive).sum()),
        unflagged_positive=int((~flagged & positive).sum()),
        unflagged_negative=int((~flagged & ~positive).sum()),
    )


@dataclass(frozen=True, slots=True)
class AtCapacity:
    """What contacting the `flagged` rows of highest risk would find.

    Attributes:
        flagged: how many rows are contacted.
        threshold: the lowest risk among them; NaN where none is.
        precision: share of positives among them.
        recall: share of all positives found.
        f1: harmonic mean of the two.
        lift: precision over base rate.
    """

    flagged: int
    threshold: float
    precision: float
    recall: float
    f1: float
    lift: float


def at_capacity(labels: Floats, risks: Floats, k: int) -> AtCapacity:
    """The metrics when the `k` rows of highest risk are contacted, all rows where there are fewer.

    Rows tied at the cut are taken in equal parts, which is the expectation over a drawing by lot.
    """
    ranked = _ranked(labels, risks, capacity=k)
    flagged = min(k, len(ranked))
    names = tuple(f"{name}_at_capacity" for name in ("precision", "recall", "f1", "lift"))
    found = [float(values[0]) for values in measure(names, ranked, _ones(ranked)).values()]
    threshold = float(ranked.risks[flagged - 1]) if flagged else float("nan")
    return AtCapacity(flagged, threshold, *found)


@dataclass(frozen=True, slots=True)
class Gains:
    """What contacting a growing share of rows finds; arrays of shape (points,).

    Attributes:
        contacted: share of rows contacted, from 0 to 1.
        found: share of the positives found.
        lift: found over contacted; NaN at 0.
    """

    contacted: Floats
    found: Floats
    lift: Floats


def gain_curve(labels: Floats, risks: Floats, points: int = 101) -> Gains:
    """The gain and lift curve at evenly spaced shares; between tied rows it is a straight line."""
    of = Weighing(ranked := _ranked(labels, risks), _ones(ranked))
    rows = np.append(0.0, of.flagged[0])
    positives = np.append(0.0, of.found[0])
    contacted = np.linspace(0.0, 1.0, points)
    if of.total_positives[0] == 0:
        nothing = np.full(points, np.nan)
        return Gains(contacted, nothing, nothing)
    found = np.interp(contacted, rows / of.total[0], positives / of.total_positives[0])
    lift = np.divide(found, contacted, out=np.full(points, np.nan), where=contacted > 0)
    return Gains(contacted, found, lift)


@dataclass(frozen=True, slots=True)
class CostOptimum:
    """The cheapest threshold, how many rows it flags and what that costs in all."""

    threshold: float
    flagged: int
    cost: float


def cost_optimal(labels: Floats, risks: Floats, *, cost_miss: float, cost_contact: float) -> CostOptimum:
    """The threshold with the least cost_miss x missed positives + cost_contact x contacts on these rows.

    For calibrated risks it comes near cost_contact / cost_miss (Elkan 2001). Of equal costs the fewest contacts win;
    where no contact is best, the threshold lies just above the highest risk.

    Raises:
        InputError: a cost is negative.
    """
    if cost_miss < 0 or cost_contact < 0:
        raise InputError(f"Costs {cost_miss} and {cost_contact} must not be negative.")
    of = Weighing(ranked := _ranked(labels, risks), _ones(ranked))
    missed = of.total_positives[0] - np.append(0.0, of.found[0])
    flagged = np.append(0.0, of.flagged[0])
    thresholds = np.append(np.nextafter(ranked.risks[0], np.inf), ranked.risks[ranked.starts])
    costs = cost_miss * missed + cost_contact * flagged
    best = int(np.argmin(costs))
    return CostOptimum(float(thresholds[best]), int(flagged[best]), float(costs[best]))


@dataclass(frozen=True, slots=True)
class ReliabilityBin:
    """Rows of similar risk: how many, their mean risk, the share of positives and its 95% Jeffreys interval."""

    n: int
    mean_risk: float
    observed: float
    low: float
    high: float


def reliability(labels: Floats, risks: Floats, bins: int = 10, *, tenths: bool = False) -> list[ReliabilityBin]:
    """The reliability table in rising order of risk, without empty bins.

    Args:
        labels: shape (rows,), 0 or 1.
        risks: shape (rows,), in [0, 1].
        bins: how many bins of equal mass, the same as in `ece`.
        tenths: bins are the tenths of the risk scale instead; `bins` is then not used.
    """
    ranked = _ranked(labels, risks, bins=bins)
    of_row = np.clip(ranked.risks * 10, 0, 9).astype(np.int64) if tenths else ranked.bin_of_row
    counted = np.bincount(of_row)
    rows = np.asarray(counted[counted > 0], dtype=np.float64)
    positives = np.asarray(np.bincount(of_row, weights=ranked.labels)[counted > 0], dtype=np.float64)
    risk = np.bincount(of_row, weights=ranked.risks)[counted > 0] / rows
    low, high = jeffreys(positives, rows, 0.95)
    found = zip(rows, risk, positives / rows, low, high, strict=True)
    return [ReliabilityBin(int(n), float(r), float(o), float(lo), float(hi)) for n, r, o, lo, hi in found]


def _ranked(labels: Floats, risks: Floats, *, bins: int = BINS, capacity: float | None = None) -> Ranked:
    ranked = Ranked.of(labels, risks, bins=bins, capacity=capacity)
    check_names(("auroc",), ranked.labels)
    return ranked


def _ones(ranked: Ranked) -> Floats:
    return np.ones((1, len(ranked)))


def _one(name: str, labels: Floats, risks: Floats, bins: int = BINS) -> float:
    ranked = Ranked.of(labels, risks, bins=bins)
    check_names((name,), ranked.labels)
    return float(measure((name,), ranked, _ones(ranked))[name][0])


def _share(part: int, whole: int) -> float:
    return part / whole if whole else float("nan")
