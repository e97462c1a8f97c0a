"""Gradient-boosted trees (LightGBM), set for hundreds to tens of thousands of rows, the same on every run.

Promises the same state, byte for byte, for the same rows and seed: columns are sorted, threads and the order of work
are fixed, and the fitted model is always the one read back from its own text. Others must not change its settings.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from typing import Any, ClassVar, Final, Literal

import numpy as np

from headway.domain.errors import InputError
from headway.models.model import MODELS, Fitted, Floats, Json, Matrix, Model
from headway.models.space import Range, chosen
from headway.models.state import decode, encode
from headway.models.training import known_values, sigmoid, training_weights
from headway.models.tree_patterns import Patterns

THREADS: Final = 1
"""In every call of LightGBM, here and wherever else it is used. Folds are fitted at the same time, and LightGBM keeps
the number for the whole process: where one call asks for two while another makes room for one, that one writes beyond
its room, and the process ends. A second thread would gain little: small trees wait at thousands of barriers."""

TREES = "trees.txt"
PART = "boosting.json"


@dataclass(frozen=True, slots=True)
class Parameters:
    """How to grow the trees; the sizes of leaves follow the number of rows.

    Attributes:
        trees: how many trees.
        learning_rate: how much each adds.
        leaves: leaves of a tree with many rows.
        leaves_few_rows: leaves where there are fewer than `few_rows`.
        few_rows: see above.
        leaf_share: least share of the rows in a leaf, kept between `leaf_least` and `leaf_most` rows.
        leaf_least: see above.
        leaf_most: see above.
        feature_share: share of the features that each tree may use, though not fewer than `least_features`.
        least_features: see above.
        random_splits: whether a split tries one threshold of each feature, drawn, instead of the best of all (extremely
            randomised trees: Geurts, Ernst and Wehenkel 2006, doi:10.1007/s10994-006-6226-1). What is learned from one
            or two runs carries over better to another.
        row_share: share of the rows that each tree sees.
        l2: penalty on leaf values.
    """

    trees: int = 300
    learning_rate: float = 0.03
    leaves: int = 15
    leaves_few_rows: int = 7
    few_rows: int = 3000
    leaf_share: float = 0.01
    leaf_least: int = 10
    leaf_most: int = 100
    feature_share: float = 0.2
    least_features: int = 16
    random_splits: bool = True
    row_share: float = 0.8
    l2: float = 10.0

    def settings(self, rows: int, features: int, seed: int) -> dict[str, Any]:
        """LightGBM's settings for this many rows and features."""
        return {
            "objective": "binary",
            "learning_rate": self.learning_rate,
            "num_leaves": self.leaves if rows >= self.few_rows else self.leaves_few_rows,
            "min_data_in_leaf": int(np.clip(rows * self.leaf_share, self.leaf_least, self.leaf_most)),
            "feature_fraction": min(1.0, max(self.feature_share, self.least_features / features)),
            "extra_trees": self.random_splits,
            "bagging_fraction": self.row_share,
            "bagging_freq": 1,
            "lambda_l2": self.l2,
            "max_bin": 127,
            "seed": seed % 2**31,
            "deterministic": True,
            "force_row_wise": True,
            "num_threads": THREADS,
            "verbosity": -1,
        }


BEST_SPLITS: Final = Parameters(feature_share=0.5, random_splits=False, l2=5.0)
"""For trees whose few telling columns must not be missed: weeks at risk, earlier marks."""


@dataclass(frozen=True)
class FittedBoosting:
    """Trees as LightGBM's own text, with the names that its columns stand for."""

    names: tuple[str, ...]
    trees: str
    parameters: dict[str, Json]

    def risk(self, features: Matrix) -> Floats:
        """The sigmoid of the trees' sum, shape (rows,)."""
        if not len(features):
            return np.zeros(0)
        raw = self._booster.predict(known_values(features, self.names), raw_score=True, num_threads=THREADS)
        return sigmoid(np.asarray(raw, dtype=np.float64))

    def contributions(self, features: Matrix) -> Floats:
        """Exact tree SHAP values (Lundberg et al. 2020); base + row sum is the log-odds."""
        found = np.zeros(features.values.shape)
        if len(features):
            where = [features.names.index(name) for name in self.names]
            values = known_values(features, self.names)
            patterns = self._patterns
            found[:, where] = patterns.added(values, self._of_tree) if patterns else self._shares(values)[:, :-1]
        return found

    def facts(self) -> dict[str, Json]:
        """Parameters, base and the share of the gain that each feature brought, largest first."""
        gain = np.asarray(self._booster.feature_importance("gain"), dtype=np.float64)
        share = gain / max(float(gain.sum()), 1e-300)
        order = np.argsort(-share, kind="stable")
        told: list[Json] = [{"feature": self.names[i], "gain_share": float(share[i])} for i in order]
        return {
            "additive": True,
            "base_log_odds": self._base,
            "parameters": dict(self.parameters),
            "trees": int(self._booster.num_trees()),
            "gain": told,
        }

    def state(self) -> dict[str, bytes]:
        """LightGBM's text, and the names and parameters as JSON."""
        return {
            TREES: self.trees.encode(),
            PART: encode({"names": list(self.names), "parameters": self.parameters}),
        }

    @cached_property
    def _booster(self) -> Any:
        import lightgbm

        return lightgbm.Booster(model_str=self.trees)

    @cached_property
    def _patterns(self) -> Patterns | None:
        return Patterns.of(self.trees)

    @cached_property
    def _base(self) -> float:
        return float(self._shares(np.full((1, len(self.names)), np.nan))[0, -1])

    def _of_tree(self, values: Floats, tree: int) -> Floats:
        found = self._booster.predict(
            values, pred_contrib=True, num_threads=THREADS, start_iteration=tree, num_iteration=1
        )
        return np.asarray(found, dtype=np.float64)

    def _shares(self, values: Floats) -> Floats:
        found = self._booster.predict(values, pred_contrib=True, num_threads=THREADS)
        return np.asarray(found, dtype=np.float64)


@dataclass(frozen=True, slots=True)
class Boosting:
    """Gradient boosting with LightGBM."""

    space: ClassVar[Mapping[str, Range]] = {
        "trees": Range(100, 800, whole=True),
        "learning_rate": Range(0.01, 0.1, log=True),
        "leaves": Range(4, 63, log=True, whole=True),
        "leaves_few_rows": Range(3, 31, log=True, whole=True),
        "leaf_share": Range(0.002, 0.05, log=True),
        "feature_share": Range(0.1, 1.0),
        "row_share": Range(0.5, 1.0),
        "l2": Range(0.1, 100.0, log=True),
    }

    parameters: Parameters = Parameters()
    name: str = "boosting"
    summary: str = "Gradient-boosted trees (LightGBM)"
    trivial: Literal[False] = False

    def fit(self, features: Matrix, labels: Floats, weights: Floats, seed: int) -> Fitted:
        """The grown trees; only the ratios of the weights matter.

        Raises:
            NotEnoughData: no rows or one class.
        """
        import lightgbm

        scaled = training_weights(features, labels, weights)
        names = tuple(sorted(features.names))
        columns = [f"c{i}" for i in range(len(names))]
        settings = self.parameters.settings(len(features), len(names), seed)
        # Pre-filtering looks at leaf sizes before weights and would drop columns silently on few rows.
        made = {
            "feature_pre_filter": False,
            "verbosity": -1,
            "max_bin": settings["max_bin"],
            "num_threads": THREADS,
        }
        rows = lightgbm.Dataset(
            known_values(features, names), label=labels, weight=scaled, feature_name=columns, params=made
        )
        grown = lightgbm.train(settings, rows, num_boost_round=self.parameters.trees)
        return FittedBoosting(names, grown.model_to_string(), asdict(self.parameters))

    def with_params(self, **values: float) -> Model:
        """Boosting with other parameters; see `Tunable`."""
        return replace(self, parameters=chosen(self.parameters, self.space, values))

    def restore(self, state: Mapping[str, bytes]) -> Fitted:
        """The trees that the stored text describes.

        Raises:
            InputError: a part of the state is missing.
        """
        kept = decode(state, PART)
        if TREES not in state:
            raise InputError(f"The stored state has no {TREES!r}. Train it again.")
        return FittedBoosting(tuple(kept["names"]), state[TREES].decode(), kept["parameters"])


BOOSTING = MODELS.add("boosting", Boosting())
