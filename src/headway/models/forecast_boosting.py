"""Gradient-boosted trees (LightGBM) for a number: the settings of `headway.models.boosting` with squared error.

Promises the same state, byte for byte, for the same rows and seed.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np

from headway.domain.errors import InputError
from headway.models.boosting import BEST_SPLITS, THREADS, Parameters
from headway.models.forecast import FORECASTS, FittedForecast, forecast_weights
from headway.models.model import Floats, Json, Matrix
from headway.models.state import decode, encode
from headway.models.training import known_values

TREES = "trees.txt"
PART = "forecast-boosting.json"


@dataclass(frozen=True)
class FittedTrees:
    """Trees as LightGBM's own text, with the names that its columns stand for."""

    names: tuple[str, ...]
    trees: str
    parameters: dict[str, Json]

    def value(self, features: Matrix) -> Floats:
        """The trees' sum, shape (rows,)."""
        if not len(features):
            return np.zeros(0)
        found = self._booster.predict(known_values(features, self.names), num_threads=THREADS)
        return np.asarray(found, dtype=np.float64)

    def contributions(self, features: Matrix) -> Floats:
        """Exact tree SHAP values (Lundberg et al. 2020)."""
        found = np.zeros(features.values.shape)
        if len(features):
            where = [features.names.index(name) for name in self.names]
            found[:, where] = self._shares(known_values(features, self.names))[:, :-1]
        return found

    def facts(self) -> dict[str, Json]:
        """Parameters, base and the share of the gain that each feature brought, largest first."""
        gain = np.asarray(self._booster.feature_importance("gain"), dtype=np.float64)
        share = gain / max(float(gain.sum()), 1e-300)
        told: list[Json] = [
            {"feature": self.names[i], "gain_share": float(share[i])} for i in np.argsort(-share, kind="stable")
        ]
        base = float(self._shares(np.full((1, len(self.names)), np.nan))[0, -1])
        return {"additive": True, "base": base, "parameters": dict(self.parameters), "gain": told}

    def state(self) -> dict[str, bytes]:
        """LightGBM's text, and the names and parameters as JSON."""
        kept = encode({"names": list(self.names), "parameters": self.parameters})
        return {TREES: self.trees.encode(), PART: kept}

    @cached_property
    def _booster(self) -> Any:
        import lightgbm

        return lightgbm.Booster(model_str=self.trees)

    def _shares(self, values: Floats) -> Floats:
        found = self._booster.predict(values, pred_contrib=True, num_threads=THREADS)
        return np.asarray(found, dtype=np.float64)


@dataclass(frozen=True, slots=True)
class BoostedForecast:
    """Gradient boosting of squared error with LightGBM."""

    parameters: Parameters = BEST_SPLITS
    name: str = "boosting"
    summary: str = "Gradient-boosted trees (LightGBM) on squared error"
    trivial: Literal[False] = False

    def fit(self, features: Matrix, values: Floats, weights: Floats, seed: int) -> FittedForecast:
        """The grown trees.

        Raises:
            NotEnoughData: no rows.
        """
        import lightgbm

        scaled = forecast_weights(features, values, weights)
        names = tuple(sorted(features.names))
        settings = self.parameters.settings(len(features), len(names), seed) | {"objective": "regression"}
        made = {
            "feature_pre_filter": False,
            "verbosity": -1,
            "max_bin": settings["max_bin"],
            "num_threads": THREADS,
        }
        columns = [f"c{i}" for i in range(len(names))]
        rows = lightgbm.Dataset(
            known_values(features, names), label=values, weight=scaled, feature_name=columns, params=made
        )
        grown = lightgbm.train(settings, rows, num_boost_round=self.parameters.trees)
        return FittedTrees(names, grown.model_to_string(), asdict(self.parameters))

    def restore(self, state: Mapping[str, bytes]) -> FittedForecast:
        """The trees that the stored text describes.

        Raises:
            InputError: a part of the state is missing.
        """
        kept = decode(state, PART)
        if TREES not in state:
            raise InputError(f"The stored state has no {TREES!r}. Train it again.")
        return FittedTrees(tuple(kept["names"]), state[TREES].decode(), kept["parameters"])


BOOSTED_FORECAST = FORECASTS.add("boosting", BoostedForecast())
