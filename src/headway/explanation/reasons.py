"""From contributions to the few reasons that a person is shown: for and against, in the feature's own words.

A reason is an observation about the record and never a claim of cause. Which reasons are shown depends on the
contributions alone, so that the same prediction always has the same reasons, whatever other rows it is explained with.
"""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal, TypedDict

import numpy as np

from headway.domain.errors import InputError
from headway.explanation.guard import refuse_protected
from headway.explanation.sentences import sentence
from headway.features.definition import Feature
from headway.models.model import Floats, Matrix

Direction = Literal["for", "against"]

LEAST_SHARE: Final = 0.04
"""A reason that carries less of the total than this is noise and is left out."""

_WINDOW = re.compile(r"(?:_(?:\d+[hdw]|total|since_start))?(?:_percentile)?$")


class ReasonRow(TypedDict):
    """A reason as data, as `headway list --json` prints it."""

    feature: str
    value: float | None
    cohort_median: float | None
    direction: Direction
    share: float
    text: str
    domain: str


@dataclass(frozen=True, slots=True)
class Reason:
    """One observation that a prediction rests on.

    Attributes:
        feature: the feature's name.
        value: the learner's number; None where it is not known.
        cohort_median: the middle of all learners enrolled at the same time; None where it is not known.
        direction: "for" points to the label being true (not finishing), "against" to its not being true.
        share: its part of the row's total absolute contribution, 0 to 1.
        text: the sentence.
        domain: the heading under which a teacher would look for it.
    """

    feature: str
    value: float | None
    cohort_median: float | None
    direction: Direction
    share: float
    text: str
    domain: str

    def as_row(self) -> ReasonRow:
        """The reason as JSON-ready data; `from_row` undoes it."""
        return ReasonRow(
            feature=self.feature,
            value=self.value,
            cohort_median=self.cohort_median,
            direction=self.direction,
            share=self.share,
            text=self.text,
            domain=self.domain,
        )

    @classmethod
    def from_row(cls, row: ReasonRow) -> "Reason":
        """The reason that `row` was made from."""
        return cls(**row)


def reasons(
    features: Matrix,
    contributions: Floats,
    definitions: Mapping[str, Feature],
    medians: Mapping[str, float] | Floats,
    *,
    top: int = 5,
    per_domain: int = 2,
) -> list[tuple[Reason, ...]]:
    """The reasons of each row, strongest first.

    Windows of the same quantity (`active_days_7d`, `active_days_14d`, `active_days_28d_percentile`) are one family:
    their contributions are summed, and the member that contributes most in the direction of the sum speaks for all.
    Otherwise the collinear members of a linear model would contradict each other. Of equal contributions, those that a
    learner can change come first.

    Args:
        features: the rows to explain.
        contributions: shape (rows, features), log-odds, columns as in `features`; positive points to the label.
        definitions: each feature's definition, by name.
        medians: the cohort's middle by feature name, or shape (features,), or (rows, features) for several cohorts.
        top: at most so many per row. Where both directions occur, both are shown (if `top` is 2 or more).
        per_domain: at most so many of one domain.

    Raises:
        InputError: shapes do not fit, a contribution is not a finite number, or a feature has no definition.
        NotPermitted: a feature is built on a protected attribute.
    """
    _check(features, contributions, definitions)
    middles = _middles(features, medians)
    # By name, so that neither ties nor roundings depend on the order of columns.
    by_name = np.argsort(features.names)
    values, added, middles = features.values[:, by_name], contributions[:, by_name], middles[..., by_name]
    known = [definitions[features.names[column]] for column in by_name]
    refuse_protected(known)
    members = _families(known)
    net, shares = _net(added, members)
    fixed = np.array([not any(known[column].changeable for column in group) for group in members], dtype=np.bool_)
    # The last key weighs most: size first, then what can be changed, then by name.
    order = np.lexsort((np.broadcast_to(fixed, net.shape), -np.round(shares, 12)), axis=1)
    domains = [known[group[0]].domain for group in members]
    speaker = _Speaker(known, {})
    told = []
    for row in range(len(features)):
        chosen = _choose(order[row].tolist(), shares[row], net[row], domains, top, per_domain)
        told.append(
            tuple(
                speaker.say(
                    _spokesman(added[row], members[family], float(net[row, family])),
                    values[row],
                    middles[row] if middles.ndim == 2 else middles,
                    "for" if net[row, family] > 0 else "against",
                    float(shares[row, family]),
                )
                for family in chosen
            )
        )
    return told


def family(name: str) -> str:
    """The quantity a feature name measures, without its window and without its place in the cohort.

    >>> family("active_days_14d"), family("interactions_total_percentile"), family("mean_score")
    ('active_days', 'interactions', 'mean_score')
    """
    return _WINDOW.sub("", name)


def _families(known: Sequence[Feature]) -> list[list[int]]:
    """The columns of each family."""
    members: dict[tuple[str, str], list[int]] = {}
    for column, each in enumerate(known):
        members.setdefault((family(each.name), each.domain), []).append(column)
    return list(members.values())


def _net(added: Floats, members: Sequence[Sequence[int]]) -> tuple[Floats, Floats]:
    """What each family adds to each row, and its share of the row's total; shape (rows, families) both.

    Sums are taken column by column: a matrix product may round differently for another number of rows.
    """
    net = np.zeros((len(added), len(members)))
    total = np.zeros(len(added))
    for place, group in enumerate(members):
        for column in group:
            net[:, place] += added[:, column]
        total += np.abs(net[:, place])
    shares = np.divide(np.abs(net), total[:, None], out=np.zeros_like(net), where=total[:, None] > 0)
    return net, shares


def _choose(
    order: Sequence[int], shares: Floats, net: Floats, domains: Sequence[str], top: int, per_domain: int
) -> list[int]:
    """The families to show for one row, strongest first, with both directions where both occur."""
    worth = [index for index in order if shares[index] >= LEAST_SHARE]
    chosen: list[int] = []
    used: dict[str, int] = {}
    for index in worth:
        if len(chosen) == top:
            break
        if used.get(domains[index], 0) < per_domain:
            chosen.append(index)
            used[domains[index]] = used.get(domains[index], 0) + 1
    if top < 2 or not chosen:
        return chosen
    other = next((index for index in worth if (net[index] > 0) != (net[chosen[0]] > 0)), None)
    if other is None or any((net[index] > 0) != (net[chosen[0]] > 0) for index in chosen):
        return chosen
    crowded = [index for index in chosen if domains[index] == domains[other]]
    if len(crowded) >= per_domain:
        chosen.remove(crowded[-1])
    elif len(chosen) == top:
        chosen.pop()
    return sorted([*chosen, other], key=worth.index)


def _spokesman(contributions: Floats, members: Sequence[int], net: float) -> int:
    """The member of a family that contributes most in the direction of the family's sum."""
    if len(members) == 1:
        return members[0]
    sign = math.copysign(1.0, net)
    return max(members, key=lambda column: (sign * float(contributions[column]), -column))


@dataclass(frozen=True, slots=True)
class _Speaker:
    """Says reasons, each distinct sentence once: most rows of a cohort share their numbers."""

    known: Sequence[Feature]
    told: dict[tuple[int, float | None, float | None], str]

    def say(self, column: int, values: Floats, medians: Floats, direction: Direction, share: float) -> Reason:
        feature = self.known[column]
        value, median = _known(float(values[column])), _known(float(medians[column]))
        text = self.told.get((column, value, median))
        if text is None:
            text = self.told[column, value, median] = sentence(feature, value, median)
        return Reason(feature.name, value, median, direction, round(share, 4), text, feature.domain)


def _known(number: float) -> float | None:
    return number if math.isfinite(number) else None


def _middles(features: Matrix, medians: Mapping[str, float] | Floats) -> Floats:
    if isinstance(medians, Mapping):
        return np.array([medians.get(name, math.nan) for name in features.names], dtype=np.float64)
    if medians.shape not in {(len(features.names),), features.values.shape}:
        raise InputError(f"Medians of shape {medians.shape} for features of shape {features.values.shape}.")
    return medians


def _check(features: Matrix, contributions: Floats, definitions: Mapping[str, Feature]) -> None:
    if contributions.shape != features.values.shape:
        raise InputError(f"Contributions of shape {contributions.shape} for features of shape {features.values.shape}.")
    if not np.isfinite(contributions).all():
        raise InputError("A contribution is not a finite number. The model must say 0 where a feature adds nothing.")
    if unknown := [name for name in features.names if name not in definitions]:
        raise InputError(f"No definition for {', '.join(unknown)}. Explain with the view the model was trained with.")
