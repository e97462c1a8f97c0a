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
from numpy.typing import NDArray

from headway.domain.errors import InputError
from headway.explanation.guard import refuse_protected
from headway.explanation.sentences import sentence
from headway.features.definition import Feature
from headway.models.model import Floats, Matrix

Direction = Literal["for", "against"]

LEAST_SHARE: Final = 0.04
"""A reason that carries less of the total than this is noise and is left out."""

PLAIN_ENOUGH: Final = 0.25
"""A plainer member speaks for its family if it carries at least this part of what the strongest member carries."""

OBSCURE: Final = 0.6
"""A quantity that takes explaining must be this much stronger to speak for a domain before one that does not."""

_DERIVED_UNITS: Final = ("log ratio", "share of full marks", "share of the most", "points")
_DERIVED_NAMES = re.compile(r"_(?:slope|spread|entropy|rhythm|trend|change)(?:_|$)")
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
    withheld: NDArray[np.bool_] | None = None,
) -> list[tuple[Reason, ...]]:
    """The reasons of each row, strongest first.

    Windows of the same quantity (`active_days_7d`, `active_days_14d`, `active_days_28d_percentile`) are one family:
    their contributions are summed, and one member speaks for all: the plainest of those that carry a good part of the
    sum (a score before a place in the cohort). Otherwise the collinear members of a linear model would contradict each
    other. Of equal contributions, those that a learner can change come first. Where a domain has more to say than it
    may, plain quantities come before those that take explaining.

    Args:
        features: the rows to explain.
        contributions: shape (rows, features), log-odds, columns as in `features`; positive points to the label.
        definitions: each feature's definition, by name.
        medians: the cohort's middle by feature name, or shape (features,), or (rows, features) for several cohorts.
        top: at most so many per row. Where both directions occur, both are shown (if `top` is 2 or more).
        per_domain: at most so many of one domain.
        withheld: shape (rows, families), in the order of `families` over the features sorted by name: what is not
            steady enough to be told (see `stability`); None withholds nothing.

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
    found = families(known)
    net, shares = found.net(added)
    if withheld is not None:
        _fit_families(withheld, net)
        shares = np.where(withheld, 0.0, shares)
    order = found.order(shares)
    speaker = Speaker(known, {})
    told = []
    for row in range(len(features)):
        chosen = _choose(order[row].tolist(), shares[row], net[row], found, top, per_domain)
        said = [
            speaker.say(
                found.spokesman(family, added[row], values[row], float(net[row, family])),
                values[row],
                middles[row] if middles.ndim == 2 else middles,
                "for" if net[row, family] > 0 else "against",
                float(shares[row, family]),
            )
            for family in chosen
        ]
        told.append(tuple(said[place] for place in not_said_before(said)))
    return told


def not_said_before(said: Sequence[Reason]) -> list[int]:
    """The places of reasons whose sentence none before them has; quantities that are not known yet may share one."""
    texts = [reason.text for reason in said]
    return [place for place, text in enumerate(texts) if texts.index(text) == place]


def family(name: str) -> str:
    """The quantity a feature name measures, without its window and without its place in the cohort.

    >>> family("active_days_14d"), family("interactions_total_percentile"), family("mean_score")
    ('active_days', 'interactions', 'mean_score')
    """
    return _WINDOW.sub("", name)


@dataclass(frozen=True, slots=True)
class Families:
    """The quantities that a view measures, each by one feature or by several windows of it.

    Attributes:
        known: the definitions, in the order of the columns.
        names: what each family measures.
        domains: under which heading a teacher would look for it.
        members: the columns of each family.
    """

    known: tuple[Feature, ...]
    names: tuple[str, ...]
    domains: tuple[str, ...]
    members: tuple[tuple[int, ...], ...]

    def net(self, added: Floats) -> tuple[Floats, Floats]:
        """What each family adds to each row, and its share of the row's total; shape (rows, families) both.

        Sums are taken column by column: a matrix product may round differently for another number of rows.
        """
        net = np.zeros((len(added), len(self.members)))
        total = np.zeros(len(added))
        for place, group in enumerate(self.members):
            for column in group:
                net[:, place] += added[:, column]
            total += np.abs(net[:, place])
        shares = np.divide(np.abs(net), total[:, None], out=np.zeros_like(net), where=total[:, None] > 0)
        return net, shares

    def order(self, shares: Floats) -> NDArray[np.int64]:
        """The families of each row, strongest first; of equals those that can be changed, then by name."""
        fixed = [not any(self.known[column].changeable for column in group) for group in self.members]
        # The last key weighs most: size first, then what can be changed, then by name.
        keys = (np.broadcast_to(np.array(fixed, dtype=np.bool_), shares.shape), -np.round(shares, 12))
        return np.asarray(np.lexsort(keys, axis=1), dtype=np.int64)

    def obscure(self, family: int) -> bool:
        """Whether what a family measures takes explaining."""
        return all(plainness(self.known[column]) > 0 for column in self.members[family])

    def spokesman(self, family: int, added: Floats, values: Floats, net: float) -> int:
        """The column that speaks for a family in one row.

        The plainest member among those that carry at least `PLAIN_ENOUGH` of what the strongest carries in the
        direction of the sum; a place in the cohort gives way to the number itself unless that clearly says otherwise.
        """
        members = self.members[family]
        sign = math.copysign(1.0, net)
        best = max(members, key=lambda column: (sign * float(added[column]), -column))
        most = sign * float(added[best])
        by_name = {self.known[column].name: column for column in members}
        itself = by_name.get(self.known[best].name.removesuffix("_percentile"), best)
        if itself != best and math.isfinite(values[itself]) and sign * float(added[itself]) >= -PLAIN_ENOUGH * most:
            return itself
        carry = [column for column in members if sign * float(added[column]) >= PLAIN_ENOUGH * most]
        plainest = min((plainness(self.known[column]) for column in carry), default=0)
        kept = [column for column in carry if plainness(self.known[column]) == plainest]
        return (
            best if best in kept or not kept else max(kept, key=lambda column: (sign * float(added[column]), -column))
        )


def families(known: Sequence[Feature]) -> Families:
    """The families of these features, in the order of their first members."""
    members: dict[tuple[str, str], list[int]] = {}
    for column, each in enumerate(known):
        members.setdefault((family(each.name), each.domain), []).append(column)
    return Families(
        known=tuple(known),
        names=tuple(name for name, _ in members),
        domains=tuple(domain for _, domain in members),
        members=tuple(tuple(group) for group in members.values()),
    )


def plainness(feature: Feature) -> int:
    """How much explaining a feature's number takes: 0 none, 1 some (a slope, a spread), 2 a place in the cohort."""
    if feature.stage == "cohort":
        return 2
    return int(feature.unit in _DERIVED_UNITS or _DERIVED_NAMES.search(feature.name) is not None)


def _choose(order: Sequence[int], shares: Floats, net: Floats, found: Families, top: int, per_domain: int) -> list[int]:
    """The families to show for one row, strongest first, with both directions where both occur."""
    domains = found.domains
    worth = [index for index in order if shares[index] >= LEAST_SHARE]
    spoken: set[int] = set()
    for domain in {domains[index] for index in worth}:
        own = [index for index in worth if domains[index] == domain]
        own.sort(key=lambda index: -shares[index] * (OBSCURE if found.obscure(index) else 1.0))
        spoken.update(own[:per_domain])
    chosen = [index for index in worth if index in spoken][:top]
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


def _fit_families(withheld: NDArray[np.bool_], net: Floats) -> None:
    if withheld.shape != net.shape:
        raise InputError(f"Told what to withhold in shape {withheld.shape} for families of shape {net.shape}.")


@dataclass(frozen=True, slots=True)
class Speaker:
    """Says reasons, each distinct sentence once: most rows of a cohort share their numbers."""

    known: Sequence[Feature]
    told: dict[tuple[int, float | None, float | None], str]

    def say(self, column: int, values: Floats, medians: Floats, direction: Direction, share: float) -> Reason:
        """The reason that the number in a column is."""
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
