"""What a forecast is: a model of a number (a final score, days to the next activity) rather than of a risk.

The same small interface as `headway.models.model`, with values in the label's own unit: no calibration, no log-odds.
Intervals are not a model's business: `headway.evaluation.forecasting` puts them around held-out errors.
"""

from collections.abc import Mapping
from typing import Protocol

import numpy as np

from headway.domain.errors import InputError, NotEnoughData
from headway.domain.extensions import Extensions
from headway.models.model import Floats, Json, Matrix


class FittedForecast(Protocol):
    """A forecast that has learned."""

    def value(self, features: Matrix) -> Floats:
        """The expected value of each row, shape (rows,), in the label's unit."""
        ...

    def contributions(self, features: Matrix) -> Floats:
        """What each feature adds to each row's value, shape (rows, len(features.names)), columns as in `features`.

        `facts()["base"]` and a row's contributions sum to its value.
        """
        ...

    def facts(self) -> dict[str, Json]:
        """What a model card should say about it: `base`, parameters, most telling features."""
        ...

    def state(self) -> dict[str, bytes]:
        """Everything `Forecast.restore` needs, as named byte strings (JSON or text)."""
        ...


class Forecast(Protocol):
    """A way to learn a number. Made once per module and registered in `FORECASTS`."""

    @property
    def name(self) -> str:
        """The name users type."""
        ...

    @property
    def summary(self) -> str:
        """One line: what it is."""
        ...

    @property
    def trivial(self) -> bool:
        """Whether it is a rule that others must beat."""
        ...

    def fit(self, features: Matrix, values: Floats, weights: Floats, seed: int) -> FittedForecast:
        """The fitted forecast; the same input and seed give the same state, byte for byte.

        Args:
            features: the training rows.
            values: shape (rows,), any finite numbers.
            weights: shape (rows,), positive; only their ratios matter.
            seed: seeds every random choice.

        Raises:
            NotEnoughData: no rows.
        """
        ...

    def restore(self, state: Mapping[str, bytes]) -> FittedForecast:
        """The fitted forecast that `state` came from."""
        ...


FORECASTS: Extensions[Forecast] = Extensions("forecasts", "headway.models")


def forecast_weights(features: Matrix, values: Floats, weights: Floats) -> Floats:
    """The weights scaled to mean 1, so that only their ratios matter.

    Raises:
        InputError: shapes differ, a value is not finite, a weight is not a positive number.
        NotEnoughData: no rows.
    """
    if values.shape != (len(features),) or weights.shape != (len(features),):
        raise InputError(
            f"{len(features)} rows, but values {values.shape} and weights {weights.shape}. Give one of each per row."
        )
    if not len(features):
        raise NotEnoughData("There are no training rows. Choose earlier runs, or a label that is already known.")
    if not np.isfinite(values).all():
        raise InputError("Values must be finite numbers. Leave out rows whose label is not known yet.")
    if not (np.isfinite(weights).all() and (weights > 0).all()):
        raise InputError("Weights must be positive numbers. Leave out the rows that should not count.")
    return np.asarray(weights / weights.mean(), dtype=np.float64)
