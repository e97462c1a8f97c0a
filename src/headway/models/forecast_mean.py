"""The rule that every forecast must beat: the mean of what was seen, for everybody."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from headway.models.forecast import FORECASTS, FittedForecast, forecast_weights
from headway.models.model import Floats, Json, Matrix
from headway.models.state import decode, encode

PART = "mean.json"


@dataclass(frozen=True, slots=True)
class FittedMean:
    """The mean."""

    mean: float

    def value(self, features: Matrix) -> Floats:
        """The mean, for each row."""
        return np.full(len(features), self.mean)

    def contributions(self, features: Matrix) -> Floats:
        """Nothing adds anything."""
        return np.zeros(features.values.shape)

    def facts(self) -> dict[str, Json]:
        """The mean."""
        return {"additive": True, "base": self.mean}

    def state(self) -> dict[str, bytes]:
        """The mean as JSON."""
        return {PART: encode({"mean": self.mean})}


@dataclass(frozen=True, slots=True)
class Mean:
    """The training rows' mean."""

    name: str = "mean"
    summary: str = "The mean of past learners, for everybody"
    trivial: Literal[True] = True

    def fit(self, features: Matrix, values: Floats, weights: Floats, seed: int) -> FittedForecast:
        """The weighted mean.

        Raises:
            NotEnoughData: no rows.
        """
        del seed  # nothing is drawn
        return FittedMean(float(np.average(values, weights=forecast_weights(features, values, weights))))

    def restore(self, state: Mapping[str, bytes]) -> FittedForecast:
        """The mean that was kept."""
        return FittedMean(float(decode(state, PART)["mean"]))


MEAN = FORECASTS.add("mean", Mean())
