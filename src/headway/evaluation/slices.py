"""Fairness slices: how a model does for each group of learners, without telling anything of small groups.

Promises one row a learner, shares with Jeffreys intervals by learner, and no figure of a group of fewer than `FEWEST`
learners nor a share of fewer than `FEWEST`; intervals only where a group has `FEWEST_FOR_RANGES`. Groups are compared
with all others that have a value. An attribute is never a feature here: it is read only to look at what a model does.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from headway.domain.errors import InputError
from headway.evaluation.intervals import jeffreys
from headway.models.model import Floats

FEWEST: Final = 10
"""Nothing is told of fewer learners than this."""

FEWEST_FOR_RANGES: Final = 50
"""A range is told only for groups of at least as many."""

LEVEL: Final = 0.95


@dataclass(frozen=True, slots=True)
class Share:
    """A share or a difference of shares with its range.

    Attributes:
        value: the figure.
        low: lower end; None where the group is too small for a range.
        high: upper end.
        of: how many learners it is a share of.
    """

    value: float
    low: float | None
    high: float | None
    of: float


@dataclass(frozen=True, slots=True)
class Slice:
    """One group.

    Attributes:
        group: its value of the attribute.
        n: learners; None where there are fewer than `FEWEST`, of whom nothing is told.
        observed: of all, how many for whom the label came true.
        hit_rate: of those put on the list, for how many the label came true (precision).
        miss_rate: of those for whom it came true, how many were not on the list (1 - recall).
        gap: mean risk less the observed share: above 0 the model says more than came true.
        more_missed: learners missed beyond those whom the other groups' miss rate would have missed; below 0 fewer.
    """

    group: str
    n: int | None
    observed: Share | None = None
    hit_rate: Share | None = None
    miss_rate: Share | None = None
    gap: Share | None = None
    more_missed: float | None = None


@dataclass(frozen=True, slots=True)
class Sliced:
    """An attribute's groups.

    Attributes:
        attribute: its name.
        n: learners with a value.
        unknown: learners without one.
        everybody: all learners with a value as if they were one group.
        slices: by the group's name.
    """

    attribute: str
    n: int
    unknown: int
    everybody: Slice
    slices: tuple[Slice, ...]

    @property
    def most_missed(self) -> Slice | None:
        """The group with the most learners missed beyond the others' miss rate; None where that cannot be told."""
        told = [each for each in self.slices if each.more_missed is not None]
        return max(told, key=lambda each: each.more_missed or 0.0, default=None)

    @property
    def suppressed(self) -> int:
        """How many groups are too small to speak of."""
        return sum(each.n is None for each in self.slices)


def listed(risks: Floats, capacity: int) -> Floats:
    """How much of each learner is on a list of the `capacity` highest risks, shape (rows,), in [0, 1].

    Learners of the same risk at the cut share the places that are left, so that no figure depends on the order of rows;
    `metrics.at_capacity` counts the same way.

    Raises:
        InputError: the capacity is below 0.
    """
    if capacity < 0:
        raise InputError(f"A capacity of {capacity} cannot be. Give how many learners can be contacted.")
    if capacity >= len(risks):
        return np.ones(len(risks))
    if capacity == 0:
        return np.zeros(len(risks))
    cut = np.sort(risks)[-capacity]
    above, at = risks > cut, risks == cut
    return np.where(above, 1.0, np.where(at, (capacity - above.sum()) / at.sum(), 0.0))


def slices(
    attribute: str,
    groups: Sequence[str | None],
    labels: Floats,
    risks: Floats,
    learners: NDArray[Any],
    *,
    capacity: int,
) -> Sliced:
    """What the model does for each group of an attribute.

    Args:
        attribute: its name.
        groups: the group of each row; None where it is not known.
        labels: shape (rows,), 0 or 1.
        risks: shape (rows,), in [0, 1].
        learners: shape (rows,), whose row it is; nobody twice.
        capacity: how long the list is; it is cut before learners without a value are left out.

    Raises:
        InputError: shapes differ, or a learner has two rows.
    """
    if not len(groups) == len(labels) == len(risks) == len(learners):
        raise InputError("Give one group, label, risk and learner for each row.")
    if len(np.unique(learners.astype(str))) != len(learners):
        raise InputError("A learner has two rows. Slice one as-of time at a time.")
    on_list = listed(risks, capacity)
    known = np.array([group is not None for group in groups], dtype=np.bool_)
    of_row = np.array([group or "" for group in groups], dtype=object)
    names = sorted({str(group) for group in groups if group is not None})
    found = tuple(
        _slice(name, known & (of_row == name), known & (of_row != name), labels, risks, on_list) for name in names
    )
    nobody = np.zeros(len(labels), dtype=np.bool_)
    everybody = _slice("", known, nobody, labels, risks, on_list)
    return Sliced(attribute, int(known.sum()), int((~known).sum()), everybody, found)


def _slice(
    group: str, mine: NDArray[np.bool_], others: NDArray[np.bool_], labels: Floats, risks: Floats, on_list: Floats
) -> Slice:
    n = int(mine.sum())
    if n < FEWEST:
        return Slice(group, None)
    ranged = n >= FEWEST_FOR_RANGES
    true, told = labels[mine], on_list[mine]
    observed = _share(float(true.sum()), float(n), ranged=ranged)
    missed = float(true.sum() - (true * told).sum())
    return Slice(
        group=group,
        n=n,
        observed=observed,
        hit_rate=_share(float((true * told).sum()), float(told.sum()), ranged=ranged),
        miss_rate=_share(missed, float(true.sum()), ranged=ranged),
        gap=_gap(float(risks[mine].mean()), observed),
        more_missed=_more_missed(missed, float(true.sum()), labels[others], on_list[others]),
    )


def _share(part: float, whole: float, *, ranged: bool) -> Share | None:
    if whole < FEWEST:
        return None
    if not ranged:
        return Share(part / whole, None, None, whole)
    low, high = jeffreys(np.array([part]), np.array([whole]), LEVEL)
    return Share(part / whole, float(low[0]), float(high[0]), whole)


def _gap(mean_risk: float, observed: Share | None) -> Share | None:
    """Mean risk less the observed share. The risks are what they are; only what came true has a range."""
    if observed is None:
        return None
    low = None if observed.high is None else mean_risk - observed.high
    high = None if observed.low is None else mean_risk - observed.low
    return Share(mean_risk - observed.value, low, high, observed.of)


def _more_missed(missed: float, positives: float, labels: Floats, on_list: Floats) -> float | None:
    others = float(labels.sum())
    if positives < FEWEST or others < FEWEST:
        return None
    rate = float((labels * (1 - on_list)).sum()) / others
    return missed - rate * positives
