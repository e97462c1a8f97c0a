"""What every model asks of its rows before it learns or predicts, and the usual weights.

Promises that no model sees infinite values, labels other than 0 and 1, or a scale of weights that changes what is
learned. Models must not check these things in their own way.
"""

import numpy as np

from headway.domain.errors import InputError, NotEnoughData
from headway.models.model import Floats, Matrix


def balanced_weights(labels: Floats) -> Floats:
    """Weights that give both classes the same total and have mean 1, shape (rows,): n / (2 n_class).

    A label that all rows share gets weight 1.
    """
    positive = float(np.mean(labels)) if len(labels) else 0.0
    if positive in (0.0, 1.0):
        return np.ones(len(labels))
    return np.asarray(np.where(labels == 1, 0.5 / positive, 0.5 / (1 - positive)), dtype=np.float64)


def known_values(features: Matrix, names: tuple[str, ...]) -> Floats:
    """The values of `names`, shape (rows, len(names)), C order; NaN where absent.

    Raises:
        InputError: a feature is missing or a value is infinite.
    """
    values = np.ascontiguousarray(features.ordered(names))
    infinite = np.isinf(values)
    if infinite.any():
        bad = [names[i] for i in np.flatnonzero(infinite.any(axis=0))]
        raise InputError(
            f"Infinite values in {', '.join(bad)}. Give absent values as NaN and check for division by zero."
        )
    return values


def training_weights(features: Matrix, labels: Floats, weights: Floats, *, both_classes: bool = True) -> Floats:
    """The weights scaled to mean 1, so that only their ratios matter.

    Args:
        features: the training rows.
        labels: shape (rows,), 0 or 1.
        weights: shape (rows,), positive.
        both_classes: whether one class alone is too little.

    Raises:
        InputError: shapes differ, a label is not 0 or 1, a weight is not a positive number.
        NotEnoughData: no rows, or one class only.
    """
    if labels.shape != (len(features),) or weights.shape != (len(features),):
        raise InputError(
            f"{len(features)} rows, but labels {labels.shape} and weights {weights.shape}. Give one of each per row."
        )
    if not len(features):
        raise NotEnoughData("There are no training rows. Choose earlier runs, or a label that is already known.")
    if not np.isin(labels, (0.0, 1.0)).all():
        raise InputError("Labels must be 0 or 1. Leave out rows whose label is not known yet.")
    if not (np.isfinite(weights).all() and (weights > 0).all()):
        raise InputError("Weights must be positive numbers. Leave out the rows that should not count.")
    if both_classes and labels.min() == labels.max():
        raise NotEnoughData(f"All {len(labels)} training rows have the label {labels[0]:.0f}. Add runs that have both.")
    return np.asarray(weights / weights.mean(), dtype=np.float64)


def sigmoid(log_odds: Floats) -> Floats:
    """The probability for each log-odds, without overflow; every element by itself, so batches do not matter."""
    small = np.exp(-np.abs(log_odds))
    return np.asarray(np.where(log_odds >= 0, 1.0, small) / (1.0 + small), dtype=np.float64)


def log_odds(probability: Floats) -> Floats:
    """The log-odds of each probability, which must lie strictly between 0 and 1."""
    return np.asarray(np.log(probability) - np.log1p(-probability), dtype=np.float64)
