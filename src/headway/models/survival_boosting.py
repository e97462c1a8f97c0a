"""Hazards of the coming weeks from gradient-boosted trees: each learner and week at risk is a row (LightGBM).

The week ahead is one more column, so that trees find by themselves how what is known as of a time fades. The same
promises as `headway.models.boosting`; a model of durations only, without a name among the risk models, where it would
be that very model.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np

from headway.domain.errors import InputError
from headway.models.boosting import BEST_SPLITS, THREADS, Parameters
from headway.models.model import Floats, Json, Matrix
from headway.models.state import decode, encode
from headway.models.training import known_values, sigmoid, training_weights

TREES: Final = "trees.txt"
PART: Final = "survival-boosting.json"
WEEKS: Final = 60


@dataclass(frozen=True)
class FittedHazardTrees:
    """Trees as LightGBM's own text; `weeks` is the last week ahead that was seen."""

    names: tuple[str, ...]
    trees: str
    weeks: int

    def hazards(self, features: Matrix, weeks: int) -> Floats:
        """The hazard of each of the coming weeks, shape (rows, weeks); weeks never seen are as the last."""
        if weeks < 1:
            raise InputError(f"{weeks} weeks ahead are none. Ask for at least one.")
        if not len(features):
            return np.zeros((0, weeks))
        values = np.repeat(known_values(features, self.names), weeks, axis=0)
        week = np.tile(np.minimum(np.arange(weeks), self.weeks - 1).astype(np.float64), len(features))
        raw = self._booster.predict(np.column_stack([values, week]), raw_score=True, num_threads=THREADS)
        return sigmoid(np.asarray(raw, dtype=np.float64)).reshape(len(features), weeks)

    def facts(self) -> dict[str, Json]:
        """The share of the gain that each feature brought, largest first."""
        gain = np.asarray(self._booster.feature_importance("gain"), dtype=np.float64)
        share = gain / max(float(gain.sum()), 1e-300)
        names = (*self.names, "week_ahead")
        told: list[Json] = [
            {"feature": names[i], "gain_share": float(share[i])} for i in np.argsort(-share, kind="stable")
        ]
        return {"additive": False, "weeks": self.weeks, "gain": told}

    def state(self) -> dict[str, bytes]:
        """LightGBM's text, and the names as JSON."""
        return {TREES: self.trees.encode(), PART: encode({"names": list(self.names), "weeks": self.weeks})}

    @cached_property
    def _booster(self) -> Any:
        import lightgbm

        return lightgbm.Booster(model_str=self.trees)


def grow_durations(
    features: Matrix, weeks: Floats, seen: Floats, weights: Floats, seed: int, parameters: Parameters | None = None
) -> FittedHazardTrees:
    """The grown hazards of the coming weeks; arguments as in `survival.fit_durations`.

    Raises:
        InputError: shapes differ.
        NotEnoughData: no rows, nobody who left, or nobody who stayed.
    """
    import lightgbm

    scaled = training_weights(features, seen, weights)
    names = tuple(sorted(features.names))
    values = known_values(features, names)
    at_risk = np.minimum(weeks, WEEKS).astype(np.int64)
    place = np.repeat(np.arange(len(features)), at_risk)
    week = np.arange(len(place)) - np.repeat(np.cumsum(at_risk) - at_risk, at_risk)
    event = (week == at_risk[place] - 1) & (seen[place] == 1) & (weeks[place] <= WEEKS)
    parameters = parameters or BEST_SPLITS
    settings = parameters.settings(len(place), len(names) + 1, seed)
    made = {
        "feature_pre_filter": False,
        "verbosity": -1,
        "max_bin": settings["max_bin"],
        "num_threads": THREADS,
    }
    rows = lightgbm.Dataset(
        np.column_stack([values[place], week.astype(np.float64)]),
        label=event.astype(np.float64),
        weight=scaled[place],
        feature_name=[f"c{i}" for i in range(len(names) + 1)],
        params=made,
    )
    grown = lightgbm.train(settings, rows, num_boost_round=parameters.trees)
    return FittedHazardTrees(names, grown.model_to_string(), int(max(at_risk.max(initial=1), 1)))


def restored(state: Mapping[str, bytes]) -> FittedHazardTrees:
    """The hazards that `FittedHazardTrees.state` wrote.

    Raises:
        InputError: a part of the state is missing.
    """
    kept = decode(state, PART)
    if TREES not in state:
        raise InputError(f"The stored state has no {TREES!r}. Train it again.")
    return FittedHazardTrees(tuple(kept["names"]), state[TREES].decode(), int(kept["weeks"]))
