"""Metrics under many weightings of the same rows at once: the engine of the point metrics and of the bootstrap.

Rows are sorted by risk once; each metric is then sums along rows, for a whole matrix of weights. Promises that tied
risks count in expectation over their orders, so that no metric depends on the order of rows. Undefined is NaN.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from headway.domain.errors import InputError, UnknownName
from headway.models.model import Floats

TINY = float(np.finfo(np.float64).eps)
BINS = 15


@dataclass(frozen=True)
class Ranked:
    """Rows in falling order of risk.

    Attributes:
        order: the row index at each place, shape (rows,).
        labels: labels (or true values) in that order.
        risks: risks (or predicted values) in that order.
        starts: the first place of each run of tied risks.
        bins: how many bins of equal mass the calibration error uses.
        share: the share of rows that capacity allows to contact.
    """

    order: NDArray[np.int64]
    labels: Floats
    risks: Floats
    starts: NDArray[np.int64]
    bins: int
    share: float

    @classmethod
    def of(cls, labels: Floats, risks: Floats, *, bins: int = BINS, capacity: float | None = None) -> "Ranked":
        """The rows, sorted.

        Args:
            labels: shape (rows,), 0 or 1; any numbers for the metrics of regression.
            risks: shape (rows,).
            bins: bins of the calibration error.
            capacity: how many rows can be contacted; all where None.

        Raises:
            InputError: no rows, shapes differ, a value is not a finite number, capacity below 0.
        """
        known, predicted = np.asarray(labels, dtype=np.float64), np.asarray(risks, dtype=np.float64)
        if known.ndim != 1 or known.shape != predicted.shape or not len(known):
            raise InputError(
                f"Labels {known.shape} and risks {predicted.shape}. Give one of each for at least one row."
            )
        if not (np.isfinite(known).all() and np.isfinite(predicted).all()):
            raise InputError("A label or risk is not a finite number. Leave out rows whose label is not known.")
        if bins < 1 or (capacity is not None and capacity < 0):
            raise InputError(
                f"Bins {bins} and capacity {capacity} cannot be used. Give at least one bin, and no less than 0."
            )
        order = np.argsort(-predicted, kind="stable")
        ranked = predicted[order]
        starts = np.flatnonzero(np.concatenate([[True], ranked[1:] < ranked[:-1]]))
        share = 1.0 if capacity is None else min(1.0, capacity / len(known))
        return cls(order, known[order], ranked, starts, bins, share)

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def has_ties(self) -> bool:
        """Whether any two risks are the same."""
        return len(self.starts) < len(self)

    @cached_property
    def bin_of_row(self) -> NDArray[np.int64]:
        """The bin of equal mass at each place, 0 for the lowest; tied risks share the bin of their middle rank."""
        ends = np.append(self.starts[1:], len(self))
        middle = len(self) - (self.starts + ends) / 2
        of_run = np.minimum((self.bins * middle / len(self)).astype(np.int64), self.bins - 1)
        return np.asarray(np.repeat(of_run, ends - self.starts), dtype=np.int64)

    def summed_gaps(self, gaps: Floats) -> Floats:
        """For each row of `gaps`, in ranked order, the sizes of its sums over bins, added up."""
        starts = np.flatnonzero(np.diff(self.bin_of_row, prepend=-1))
        return np.asarray(np.abs(np.add.reduceat(gaps, starts, axis=1)).sum(axis=1), dtype=np.float64)


class Weighing:
    """Weights for ranked rows, shape (weightings, rows) in ranked order, with the sums that metrics share."""

    def __init__(self, ranked: Ranked, weights: Floats) -> None:
        self.ranked = ranked
        self.weights = weights

    def mean(self, values: Floats) -> Floats:
        """The weighted mean of one value per ranked row, shape (weightings,)."""
        return _ratio(np.einsum("ij,j->i", self.weights, values), self.total)

    @cached_property
    def rows(self) -> Floats:
        """Weight of each run of ties."""
        return self._by_run(self.weights)

    @cached_property
    def positives(self) -> Floats:
        """Weight of the positives of each run of ties."""
        return self._by_run(self.weights * self.ranked.labels)

    @cached_property
    def flagged(self) -> Floats:
        """Weight of the rows with the risk of each run or more."""
        return np.cumsum(self.rows, axis=1)

    @cached_property
    def found(self) -> Floats:
        """Weight of the positives with the risk of each run or more."""
        return np.cumsum(self.positives, axis=1)

    @cached_property
    def total(self) -> Floats:
        """Weight of all rows, shape (weightings,)."""
        return np.asarray(self.weights.sum(axis=1), dtype=np.float64)

    @cached_property
    def total_positives(self) -> Floats:
        """Weight of all positives, shape (weightings,)."""
        return np.asarray(np.einsum("ij,j->i", self.weights, self.ranked.labels), dtype=np.float64)

    @cached_property
    def found_at_capacity(self) -> Floats:
        """Expected weight of positives among the share of rows with the highest risks."""
        room = self.ranked.share * self.total
        # The cut falls into the first run that would overfill the room; that run is taken in part.
        cut = np.minimum((self.flagged <= room[:, None]).sum(axis=1), self.rows.shape[1] - 1)[:, None]
        over, run, found, some = (
            np.take_along_axis(of, cut, axis=1)[:, 0] for of in (self.flagged, self.rows, self.found, self.positives)
        )
        return np.asarray(found - some * _ratio(np.maximum(over - room, 0.0), run, 0.0), dtype=np.float64)

    def _by_run(self, values: Floats) -> Floats:
        if not self.ranked.has_ties:
            return values
        return np.asarray(np.add.reduceat(values, self.ranked.starts, axis=1), dtype=np.float64)


Kernel = Callable[[Weighing], Floats]


def _ratio(above: Floats, below: Floats, otherwise: float = np.nan) -> Floats:
    found = np.divide(above, below, out=np.full(np.shape(above), otherwise), where=below > 0)
    return np.asarray(found, dtype=np.float64)


def _one_class(of: Weighing) -> NDArray[np.bool_]:
    return np.asarray((of.total_positives <= 0) | (of.total_positives >= of.total), dtype=np.bool_)


def _auroc(of: Weighing) -> Floats:
    above = of.flagged - of.found
    lost = np.einsum("ij,ij->i", of.positives, above)
    if of.ranked.has_ties:
        lost -= np.einsum("ij,ij->i", of.positives, of.rows - of.positives) / 2
    pairs = of.total_positives * (of.total - of.total_positives)
    return 1 - _ratio(lost, np.where(_one_class(of), 0.0, pairs))


def _auprc(of: Weighing) -> Floats:
    # A weighting may leave out every row down to a run; nothing is found there, so any divisor but 0 will do.
    precision = of.found / np.maximum(of.flagged, 1e-12)
    gained = np.einsum("ij,ij->i", of.positives, precision)
    return _ratio(gained, np.where(_one_class(of), 0.0, of.total_positives))


def _log_loss(of: Weighing) -> Floats:
    inner = np.clip(of.ranked.risks, TINY, 1 - TINY)
    return of.mean(-np.where(of.ranked.labels == 1, np.log(inner), np.log1p(-inner)))


def _ece(of: Weighing) -> Floats:
    return _ratio(of.ranked.summed_gaps(of.weights * (of.ranked.labels - of.ranked.risks)), of.total)


def _flagged(of: Weighing) -> Floats:
    return np.asarray(of.ranked.share * of.total, dtype=np.float64)


def _precision(of: Weighing) -> Floats:
    return _ratio(of.found_at_capacity, _flagged(of))


def _recall(of: Weighing) -> Floats:
    return _ratio(of.found_at_capacity, of.total_positives)


def _f1(of: Weighing) -> Floats:
    return _ratio(2 * of.found_at_capacity, np.where(of.total_positives > 0, _flagged(of) + of.total_positives, 0.0))


def _lift(of: Weighing) -> Floats:
    return _ratio(_precision(of) * of.total, of.total_positives)


def _mse(of: Weighing) -> Floats:
    return of.mean((of.ranked.labels - of.ranked.risks) ** 2)


def _r2(of: Weighing) -> Floats:
    away = of.ranked.labels - of.ranked.labels.mean()
    spread = of.mean(away**2) - of.mean(away) ** 2
    return 1 - _ratio(_mse(of), np.where(spread > TINY * np.mean(away**2), spread, 0.0))


KERNELS: dict[str, Kernel] = {
    "base_rate": lambda of: of.mean(of.ranked.labels),
    "auroc": _auroc,
    "auprc": _auprc,
    "brier": _mse,
    "log_loss": _log_loss,
    "ece": _ece,
    "precision_at_capacity": _precision,
    "recall_at_capacity": _recall,
    "f1_at_capacity": _f1,
    "lift_at_capacity": _lift,
    "mae": lambda of: of.mean(np.abs(of.ranked.labels - of.ranked.risks)),
    "mse": _mse,
    "rmse": lambda of: np.sqrt(_mse(of)),
    "r2": _r2,
}
"""Metrics by name; `headway.evaluation.metrics` says what each is."""

OF_NUMBERS = ("mae", "mse", "rmse", "r2")
"""Those that compare numbers, whose labels need not be 0 or 1."""


def check_names(names: tuple[str, ...], labels: Floats) -> None:
    """Nothing, where all names are metrics that suit the labels.

    Raises:
        UnknownName: one is not a metric.
        InputError: labels other than 0 and 1 for a metric of risks.
    """
    for name in names:
        if name not in KERNELS:
            raise UnknownName.of("metric", name, KERNELS)
    if any(name not in OF_NUMBERS for name in names) and not np.isin(labels, (0.0, 1.0)).all():
        raise InputError(f"Labels must be 0 or 1 for these metrics. Others: {', '.join(OF_NUMBERS)}.")


def measure(names: tuple[str, ...], ranked: Ranked, weights: Floats) -> dict[str, Floats]:
    """Each metric for each weighting, shape (weightings,); weights have shape (weightings, rows) in ranked order."""
    weighing = Weighing(ranked, weights)
    return {name: KERNELS[name](weighing) for name in names}
