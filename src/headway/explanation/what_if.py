"""What the model says of learners with another record: an association between records, never a promise of an effect.

Promises that only numbers a learner can change are asked about, and that numbers which measure the same thing move
together, as they do among the learners nearest to the asked one. Words for it are those of `advising.explained`.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from headway.domain.errors import InputError, UnknownName
from headway.evaluation.risk_model import RiskModel
from headway.explanation.guard import refuse_protected
from headway.explanation.mixing import moved
from headway.explanation.reasons import family
from headway.explanation.sentences import number, sentence
from headway.features.definition import Feature
from headway.models.model import Floats, Json, Matrix

NEIGHBOURS: Final = 25
"""Learners of the cohort, nearest in the number that is asked about, who say what goes with it."""


@dataclass(frozen=True, slots=True)
class Chance:
    """A calibrated risk with its range."""

    risk: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class WhatIf:
    """A learner's risk with another number in the record.

    Attributes:
        feature: its name.
        value: the learner's own; None where it is not known.
        instead: the number asked about.
        together: what else was moved with it, by name.
        now: the risk as it is.
        then: the risk with the other number.
        record: the record asked about, in words.
        own: the learner's own record, in words.
    """

    feature: str
    value: float | None
    instead: float
    together: dict[str, float]
    now: Chance
    then: Chance
    record: str
    own: str

    def as_row(self) -> dict[str, Json]:
        """The answer as JSON-ready data."""
        return {
            "feature": self.feature,
            "value": self.value,
            "instead": self.instead,
            "together": dict(self.together),
            "risk": self.now.risk,
            "risk_then": self.then.risk,
            "low_then": self.then.low,
            "high_then": self.then.high,
        }


def what_if(
    model: RiskModel, row: Matrix, cohort: Matrix, definitions: Mapping[str, Feature], name: str, instead: float
) -> WhatIf:
    """What the model says of the learner with another number.

    Args:
        model: what predicts.
        row: the learner, one row.
        cohort: everyone enrolled at the time.
        definitions: each feature's definition, by name.
        name: the feature asked about.
        instead: its other number, in the feature's own unit (a share as 0.6).

    Raises:
        UnknownName: the model has no such feature.
        InputError: a learner cannot change it, or the number is none that it can have.
        NotPermitted: it is built on a protected attribute.
    """
    if name not in definitions or name not in row.names:
        raise UnknownName.of("feature", name, [each for each in row.names if _asked_about(definitions[each])])
    feature = definitions[name]
    refuse_protected([feature])
    if not _asked_about(feature):
        why = "is a place among others" if feature.stage == "cohort" else "is nothing a learner can change from now on"
        raise InputError(f"{name} {why}. Ask about one of: {', '.join(_near(feature, definitions))}.")
    low, high = feature.bounds
    if not math.isfinite(instead) or (low is not None and instead < low) or (high is not None and instead > high):
        span = f"{'…' if low is None else f'{low:g}'} to {'…' if high is None else f'{high:g}'}"
        raise InputError(f"{name} cannot be {instead:g}. Ask about a number from {span} ({feature.unit}).")
    to = {name: instead} | _together(row, cohort, definitions, name, instead)
    said = model.predict(row), model.predict(moved(row, to))
    now, then = (Chance(float(each.risks[0]), float(each.low[0]), float(each.high[0])) for each in said)
    own = float(row.column(name)[0])
    return WhatIf(
        feature=name,
        value=own if math.isfinite(own) else None,
        instead=instead,
        together={each: value for each, value in to.items() if each != name},
        now=now,
        then=then,
        record=sentence(feature, instead, None),
        own=f"{number(feature, own)} now" if math.isfinite(own) else "not known now",
    )


def usual(cohort: Matrix, feature: Feature) -> float | None:
    """The number that the cohort's middle learner has for a feature, one that somebody has; None where nobody does."""
    known = np.sort(cohort.column(feature.name))
    known = known[~np.isnan(known)]
    return float(known[len(known) // 2]) if len(known) else None


def _asked_about(feature: Feature) -> bool:
    return feature.changeable and feature.stage != "cohort"


def _near(feature: Feature, definitions: Mapping[str, Feature]) -> list[str]:
    """Features that may be asked about, those of the same heading first."""
    allowed = [each for each in definitions.values() if _asked_about(each)]
    return [each.name for each in sorted(allowed, key=lambda each: (each.domain != feature.domain, each.name))][:5]


def _together(
    row: Matrix, cohort: Matrix, definitions: Mapping[str, Feature], name: str, instead: float
) -> dict[str, float]:
    """What the numbers of the same family usually are among those whose number is nearest to the asked one."""
    same = [
        each
        for each in row.names
        if each != name
        and definitions[each].changeable
        and family(each) == family(name)
        and definitions[each].domain == definitions[name].domain
    ]
    apart = np.abs(cohort.column(name) - instead)
    nearest = np.argsort(apart, kind="stable")[: min(NEIGHBOURS, int((~np.isnan(apart)).sum()))]
    found: dict[str, float] = {}
    for each in same:
        values: Floats = cohort.column(each)[nearest]
        values = np.sort(values[~np.isnan(values)])
        if len(values):
            found[each] = float(values[len(values) // 2])
    return found
