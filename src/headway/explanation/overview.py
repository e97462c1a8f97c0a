"""What a model rests on as a whole: the size of contributions by feature and by domain, for the model card.

These are sizes of contributions in one cohort, not effects: a large one says what the model listens to and nothing
about what would happen if a learner did otherwise.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from headway.domain.errors import InputError
from headway.features.definition import Feature
from headway.models.model import Floats, Json


@dataclass(frozen=True, slots=True)
class Weight:
    """How much a feature or a domain moves predictions in a cohort.

    Attributes:
        name: the feature or the domain.
        size: mean absolute contribution, in log-odds.
        share: its part of the sum of sizes, 0 to 1.
    """

    name: str
    size: float
    share: float


@dataclass(frozen=True, slots=True)
class Overview:
    """Weights by feature and by domain, each largest first."""

    features: tuple[Weight, ...]
    domains: tuple[Weight, ...]

    def facts(self) -> dict[str, Json]:
        """The same as JSON-ready data."""
        return {
            "features": [_fact(weight) for weight in self.features],
            "domains": [_fact(weight) for weight in self.domains],
        }


def overview(names: tuple[str, ...], contributions: Floats, definitions: Mapping[str, Feature]) -> Overview:
    """The weights of a cohort.

    A domain's size is the mean absolute *sum* of its features' contributions, so that features which cancel out
    within a domain do not make it look weighty.

    Args:
        names: feature names, in the order of the columns.
        contributions: shape (rows, features), log-odds.
        definitions: each feature's definition, by name.

    Raises:
        InputError: no rows, or names that do not fit the columns or have no definition.
    """
    if contributions.ndim != 2 or contributions.shape[1] != len(names) or not len(contributions):
        raise InputError(f"{len(names)} feature names for contributions of shape {contributions.shape}.")
    if unknown := [name for name in names if name not in definitions]:
        raise InputError(f"No definition for {', '.join(unknown)}.")
    by_feature = {name: float(np.abs(contributions[:, column]).mean()) for column, name in enumerate(names)}
    by_domain: dict[str, float] = {}
    for domain in dict.fromkeys(definitions[name].domain for name in names):
        columns = [column for column, name in enumerate(names) if definitions[name].domain == domain]
        by_domain[domain] = float(np.abs(contributions[:, columns].sum(axis=1)).mean())
    return Overview(_weights(by_feature), _weights(by_domain))


def _weights(sizes: Mapping[str, float]) -> tuple[Weight, ...]:
    total = sum(sizes.values())
    weights = [Weight(name, size, size / total if total else 0.0) for name, size in sizes.items()]
    return tuple(sorted(weights, key=lambda weight: (-weight.size, weight.name)))


def _fact(weight: Weight) -> dict[str, Json]:
    return {"name": weight.name, "size": round(weight.size, 4), "share": round(weight.share, 4)}
