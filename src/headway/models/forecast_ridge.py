"""Ridge regression on prepared columns: the forecast whose every number can be read.

Features become columns as in `headway.models.logistic`. How strong the penalty is follows from the rows themselves by
generalised cross-validation (Golub, Heath and Wahba 1979, doi:10.1080/00401706.1979.10489751).
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Literal

import numpy as np

from headway.models.forecast import FORECASTS, FittedForecast, forecast_weights
from headway.models.logistic import Columns
from headway.models.logistic import Parameters as Preparation
from headway.models.model import Floats, Json, Matrix
from headway.models.state import array, decode, encode, numbers

PART = "ridge.json"


@dataclass(frozen=True, slots=True)
class Parameters:
    """How to fit.

    Attributes:
        least: the weakest penalty that is tried, in rows: a column with so many standard units of evidence is halved.
        most: the strongest.
        steps: how many are tried, evenly on a log scale.
    """

    least: float = 1.0
    most: float = 10_000.0
    steps: int = 25


@dataclass(frozen=True, slots=True)
class FittedRidge:
    """Coefficients on prepared columns; `offset` is the weighted mean of each prepared column in training."""

    columns: Columns
    coefficients: Floats
    offset: Floats
    base: float
    penalty: float
    parameters: dict[str, Json]

    def value(self, features: Matrix) -> Floats:
        """Base plus contributions, shape (rows,)."""
        return np.asarray(self.base + np.add.reduce(self._by_feature(features), axis=1), dtype=np.float64)

    def contributions(self, features: Matrix) -> Floats:
        """Exact: what each feature, with its absence, adds to the value."""
        found = np.zeros(features.values.shape)
        found[:, [features.names.index(name) for name in self.columns.names]] = self._by_feature(features)
        return found

    def facts(self) -> dict[str, Json]:
        """Parameters, base, penalty, and the coefficients per standard deviation, largest first."""
        size = len(self.columns.names)
        order = np.argsort(-np.abs(self.coefficients[:size]), kind="stable")
        told: list[Json] = [
            {"feature": self.columns.names[i], "coefficient": float(self.coefficients[i])} for i in order
        ]
        about: dict[str, Json] = {"additive": True, "base": self.base, "penalty": self.penalty}
        return about | {"parameters": dict(self.parameters), "coefficients": told}

    def state(self) -> dict[str, bytes]:
        """Preparation and coefficients as JSON."""
        kept: dict[str, Json] = {
            "columns": self.columns.as_json(),
            "coefficients": numbers(self.coefficients),
            "offset": numbers(self.offset),
            "base": self.base,
            "penalty": self.penalty,
            "parameters": self.parameters,
        }
        return {PART: encode(kept)}

    def _by_feature(self, features: Matrix) -> Floats:
        terms = (self.columns.prepare(features) - self.offset) * self.coefficients
        size = len(self.columns.names)
        return np.ascontiguousarray(terms[:, :size] + terms[:, size:])


@dataclass(frozen=True, slots=True)
class Ridge:
    """Least squares with an L2 penalty."""

    parameters: Parameters = field(default_factory=Parameters)
    name: str = "ridge"
    summary: str = "Ridge regression on standardised features"
    trivial: Literal[False] = False

    def fit(self, features: Matrix, values: Floats, weights: Floats, seed: int) -> FittedForecast:
        """The fitted regression.

        Raises:
            NotEnoughData: no rows.
        """
        del seed  # nothing is drawn
        scaled = forecast_weights(features, values, weights)
        columns = Columns.learn(features, Preparation())
        prepared = columns.prepare(features)
        offset, base = np.average(prepared, axis=0, weights=scaled), float(np.average(values, weights=scaled))
        root = np.sqrt(scaled)
        coefficients, penalty = _solved((prepared - offset) * root[:, None], (values - base) * root, self.parameters)
        return FittedRidge(columns, coefficients, offset, base, penalty, asdict(self.parameters))

    def restore(self, state: Mapping[str, bytes]) -> FittedForecast:
        """The regression with the stored numbers."""
        kept = decode(state, PART)
        return FittedRidge(
            Columns.of_json(kept["columns"]),
            array(kept["coefficients"]),
            array(kept["offset"]),
            float(kept["base"]),
            float(kept["penalty"]),
            kept["parameters"],
        )


def _solved(rows: Floats, values: Floats, parameters: Parameters) -> tuple[Floats, float]:
    """Coefficients under the penalty with the least generalised cross-validation error, and that penalty."""
    squares, turn = np.linalg.eigh(rows.T @ rows)
    squares = np.maximum(squares, 0.0)
    told = turn.T @ (rows.T @ values)
    total, size = float(values @ values), len(rows)
    best = (np.inf, np.zeros(rows.shape[1]), parameters.most)
    for penalty in np.geomspace(parameters.least, parameters.most, parameters.steps):
        turned = told / (squares + penalty)
        error = total - 2 * float(turned @ told) + float(turned**2 @ squares)
        freedom = 1 + float(np.sum(squares / (squares + penalty)))
        score = np.inf if freedom >= size else error / (size - freedom) ** 2
        if score < best[0]:
            best = (score, np.asarray(turn @ turned, dtype=np.float64), float(penalty))
    return best[1], best[2]


RIDGE = FORECASTS.add("ridge", Ridge())
