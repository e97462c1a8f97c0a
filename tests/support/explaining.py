"""Rows, models and features for tests of explanations: few columns, known effects."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from headway.features.definition import Domain, Feature
from headway.models.model import Floats, History, Json, Matrix
from headway.models.training import sigmoid


def define(_: Any) -> Any:
    """Stands in for an expression."""


def feature(
    name: str,
    domain: Domain = "visits",
    *,
    changeable: bool = True,
    cohort: bool = False,
    bounds: tuple[float | None, float | None] = (None, None),
) -> Feature:
    """A feature with a plain sentence."""
    return Feature(
        name=name,
        summary="Some number.",
        reads=("days",),
        stage="cohort" if cohort else "known",
        window=None,
        unit="share of the cohort" if cohort else "days",
        bounds=bounds,
        absent=0,
        changeable=changeable,
        domain=domain,
        sentence=name + ": {value} (course middle: {median})",
        define=define,
    )


def matrix(rows: int, names: Sequence[str], seed: int = 1) -> Matrix:
    """Standard normal values."""
    return Matrix(tuple(names), np.random.default_rng(seed).normal(size=(rows, len(names))))


@dataclass(frozen=True)
class Curved:
    """A model that is no sum: two features meet, and one of them counts in the past too."""

    names: tuple[str, ...]
    weights: tuple[float, ...]
    meet: float = 0.0
    wants_history: bool = False

    @property
    def reads(self) -> frozenset[str]:
        """The features with a weight."""
        return frozenset(name for name, weight in zip(self.names, self.weights, strict=True) if weight != 0)

    def odds(self, features: Matrix) -> Floats:
        """The log-odds."""
        values = np.nan_to_num(features.ordered(self.names))
        odds = values @ np.array(self.weights) + self.meet * values[:, 0] * values[:, 1]
        if features.history is not None:
            past = features.history.values[:, :, features.history.names.index(self.names[0])]
            odds = odds + np.where(features.history.mask, past, 0).sum(axis=1)
        return np.asarray(odds, dtype=np.float64)

    def risk(self, features: Matrix) -> Floats:
        """The risk."""
        return sigmoid(self.odds(features))

    def contributions(self, features: Matrix) -> Floats:
        """Nothing: it cannot say."""
        return np.zeros(features.values.shape)

    def facts(self) -> dict[str, Json]:
        """That it is no sum."""
        return {"additive": False}

    def state(self) -> dict[str, bytes]:
        """Nothing is kept."""
        return {}


def past_of(features: Matrix, steps: int = 3, seed: int = 2) -> Matrix:
    """The rows with a past of some steps, the first of which some learners do not have."""
    random = np.random.default_rng(seed)
    size = len(features)
    cells = random.normal(size=(size * steps, len(features.names))).astype(np.float32)
    where = np.arange(size * steps, dtype=np.int32).reshape(size, steps)
    where[::3, 0] = -1
    return Matrix(features.names, features.values, History(features.names, 1, cells, where))


def definitions(features: Sequence[Feature]) -> Mapping[str, Feature]:
    """By name."""
    return {each.name: each for each in features}
