"""Explainable boosting machine (Nori et al. 2019, arXiv:1909.09223): one learned curve a feature, and a few pairs.

Learned by interpret-core (extra `models`), kept as cuts and scores in JSON and read by numpy alone: a fitted machine
needs no library. Pairs, where asked for, are found as in Lou et al. 2013 (doi:10.1145/2487575.2487579). Nothing else
may import interpret.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from headway.domain.errors import NotEnoughData
from headway.domain.extensions import needs
from headway.models.model import MODELS, Fitted, Floats, Json, Matrix
from headway.models.state import array, decode, encode
from headway.models.training import known_values, sigmoid, training_weights

PART: Final = "ebm.json"
REACH: Final = 1e30
"""Values are cut here: differences of larger ones cannot be told in float64."""


@dataclass(frozen=True, slots=True)
class Parameters:
    """How to learn the curves.

    Attributes:
        bags: machines averaged, each with another part of the rows held out for early stopping.
        learning_rate: how much each step adds.
        rounds: most passes over all curves.
        patience: passes without gain after which a machine stops.
        bins: most bins of a curve.
        pairs: how many pairs of features get a surface.
        pair_bins: most bins of each side of a surface.
        leaf_rows: least rows on each side of a step.
    """

    bags: int = 4
    learning_rate: float = 0.1
    rounds: int = 12
    patience: int = 20
    bins: int = 16
    pairs: int = 0
    pair_bins: int = 8
    leaf_rows: int = 4


@dataclass(frozen=True, slots=True)
class Term:
    """A curve or a surface.

    Attributes:
        features: one or two places in the names.
        cuts: for each of them, the values from which a next bin begins, ascending.
        scores: log-odds by bin, shape (cuts + 2,) for each feature: bin 0 is absent where the training rows knew
            absence, the last cut ends the last bin.
    """

    features: tuple[int, ...]
    cuts: tuple[Floats, ...]
    scores: Floats

    def read(self, values: Floats) -> Floats:
        """The score of each row, shape (rows,); an absence that no training row showed adds nothing."""
        columns = [values[:, feature] for feature in self.features]
        known = ~np.isnan(np.column_stack(columns)).any(axis=1)
        bins = [np.searchsorted(cuts, column, side="right") for cuts, column in zip(self.cuts, columns, strict=True)]
        places = tuple(np.where(known, place, 0) for place in bins)
        return np.where(known, self.scores[places], 0.0)


@dataclass(frozen=True, slots=True)
class FittedMachine:
    """Curves and surfaces that add up to the log-odds.

    Attributes:
        names: features, sorted.
        marker: shape (features,): the number that stands for an absent value; NaN where training had no absence.
        base: log-odds where every term adds nothing.
        terms: see `Term`.
        parameters: how they were learned.
    """

    names: tuple[str, ...]
    marker: Floats
    base: float
    terms: tuple[Term, ...]
    parameters: dict[str, Json]

    def risk(self, features: Matrix) -> Floats:
        """The sigmoid of base plus terms, shape (rows,)."""
        return sigmoid(self.base + np.add.reduce(self._by_feature(features), axis=1))

    def contributions(self, features: Matrix) -> Floats:
        """Exact: what each feature's curve adds, and half of each surface it is part of; base + row sum is log-odds."""
        found = np.zeros(features.values.shape)
        where = [features.names.index(name) for name in self.names]
        found[:, where] = self._by_feature(features)
        return found

    def facts(self) -> dict[str, Json]:
        """Parameters, base, and how far each term can move the log-odds, widest first."""
        spans = [float(term.scores.max() - term.scores.min()) for term in self.terms]
        told: list[Json] = [
            {"features": [self.names[f] for f in self.terms[i].features], "span_log_odds": spans[i]}
            for i in np.argsort(-np.array(spans), kind="stable")
        ]
        return {
            "additive": True,
            "base_log_odds": self.base,
            "parameters": dict(self.parameters),
            "terms": told,
        }

    def state(self) -> dict[str, bytes]:
        """Cuts and scores as JSON."""
        terms: list[Json] = [
            {
                "features": list(term.features),
                "cuts": [[float(cut) for cut in cuts] for cuts in term.cuts],
                "scores": term.scores.tolist(),
            }
            for term in self.terms
        ]
        marker: list[Json] = [None if np.isnan(value) else float(value) for value in self.marker]
        return {
            PART: encode(
                {
                    "names": list(self.names),
                    "marker": marker,
                    "base": self.base,
                    "terms": terms,
                    "parameters": self.parameters,
                }
            )
        }

    def _by_feature(self, features: Matrix) -> Floats:
        values = marked(known_values(features, self.names), self.marker)
        found = np.zeros(values.shape)
        for term in self.terms:
            score = term.read(values) / len(term.features)
            for feature in term.features:
                found[:, feature] += score
        return found


def markers(values: Floats) -> Floats:
    """A number below all values of each column that has absences and values, NaN elsewhere, shape (features,).

    Absence so becomes the first bin of a curve, with a score of its own.
    """
    absent = np.isnan(values)
    low = np.where(absent, np.inf, values).min(axis=0, initial=np.inf)
    high = np.where(absent, -np.inf, values).max(axis=0, initial=-np.inf)
    told = absent.any(axis=0) & np.isfinite(low)
    return np.where(told, low - 1.0 - np.where(told, high - low, 0.0), np.nan)


def marked(values: Floats, marker: Floats) -> Floats:
    """The values within `REACH`, with the marker in place of absences where there is one."""
    return np.where(np.isnan(values), marker, np.clip(values, -REACH, REACH))


def _varies(values: Floats) -> NDArray[np.bool_]:
    """Which columns hold more than one number, and none without a number."""
    return np.asarray(~np.isnan(values).any(axis=0) & (values.min(axis=0) < values.max(axis=0)), dtype=np.bool_)


def _terms(machine: Any, columns: Sequence[int]) -> tuple[Term, ...]:
    """The curves and surfaces of interpret's machine, without its bins for the absent and the unheard of."""
    terms = []
    for features, scores in zip(machine.term_features_, machine.term_scores_, strict=True):
        levels = [machine.bins_[feature] for feature in features]
        cuts = tuple(array(level[min(len(level), len(features)) - 1]) for level in levels)
        inner = np.asarray(scores)[tuple(slice(1, -1) for _ in features)]
        terms.append(Term(tuple(int(columns[feature]) for feature in features), cuts, inner.astype(np.float64)))
    return tuple(terms)


@dataclass(frozen=True, slots=True)
class Machine:
    """Explainable boosting with interpret-core."""

    parameters: Parameters = Parameters()
    name: str = "ebm"
    summary: str = "Explainable boosting machine: one readable curve a feature (interpret)"
    trivial: Literal[False] = False
    extra: str | None = "models"

    def fit(self, features: Matrix, labels: Floats, weights: Floats, seed: int) -> Fitted:
        """The learned curves; only the ratios of the weights matter.

        Raises:
            NotEnoughData: no rows, one class, or no column that varies.
            ConfigError: interpret-core is not installed.
        """
        scaled = training_weights(features, labels, weights)
        names = tuple(sorted(features.names))
        values = known_values(features, names)
        marker = markers(values)
        ready = marked(values, marker)
        columns = np.flatnonzero(_varies(ready))
        if not len(columns):
            raise NotEnoughData("No feature varies between the training rows. Choose a later day or another view.")
        machine = self._machine(len(columns), seed)
        machine.fit(ready[:, columns], labels.astype(np.int64), sample_weight=scaled)
        base = float(np.asarray(machine.intercept_).ravel()[0])
        return FittedMachine(names, marker, base, _terms(machine, columns.tolist()), asdict(self.parameters))

    def restore(self, state: Mapping[str, bytes]) -> Fitted:
        """The curves that the stored JSON describes; needs no extra.

        Raises:
            InputError: a part of the state is missing.
        """
        kept = decode(state, PART)
        terms = tuple(
            Term(tuple(term["features"]), tuple(array(cuts) for cuts in term["cuts"]), array(term["scores"]))
            for term in kept["terms"]
        )
        marker = array([np.nan if value is None else value for value in kept["marker"]])
        return FittedMachine(tuple(kept["names"]), marker, float(kept["base"]), terms, kept["parameters"])

    def _machine(self, columns: int, seed: int) -> Any:
        asked = self.parameters
        return needs("models", "interpret.glassbox").ExplainableBoostingClassifier(
            feature_types=["continuous"] * columns,
            outer_bags=asked.bags,
            learning_rate=asked.learning_rate,
            max_rounds=asked.rounds,
            early_stopping_rounds=asked.patience,
            max_bins=asked.bins + 2,  # interpret counts its bins for the absent and the unheard of
            interactions=asked.pairs,
            max_interaction_bins=asked.pair_bins + 2,
            min_samples_leaf=asked.leaf_rows,
            n_jobs=1,
            random_state=seed % 2**31,
        )


EBM: Final = Machine()
MODELS.add("ebm", EBM)
