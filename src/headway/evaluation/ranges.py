"""A range for each risk, from what became of comparable past learners, and when to say nothing.

Promises a range that contains its risk, and "too early to say" where too few learners compare or the range is wide. The
range is about the share among learners of similar risk, not about one learner.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from headway.domain.errors import InputError
from headway.evaluation.calibration import checked_risks
from headway.evaluation.intervals import jeffreys
from headway.models.model import Floats
from headway.models.state import array, decode, encode, numbers

PART = "ranges.json"

FEWEST = 50
"""Fewer comparable learners than this say nothing (ux.md, R4)."""

WIDEST = 0.6
"""A range wider than this says nothing (ux.md, R4)."""

NEAR = 0.1
"""Learners whose risk differs by more than this are compared with only where there are too few nearer ones."""

LEVEL = 0.8
"""Probability inside the Jeffreys interval."""

Withheld = Literal["few-comparable", "range-too-wide"]


class Span(NamedTuple):
    """Ranges of risks; arrays of shape (rows,), NaN ends where no learner compares.

    Attributes:
        low: lower end.
        high: upper end.
        n: how many past learners are comparable; rows of one learner together count as one.
    """

    low: Floats
    high: Floats
    n: Floats

    def withheld(self) -> list[Withheld | None]:
        """Why each risk is withheld ("too early to say"), or None where it can be told."""
        few, wide = self.n < FEWEST, ~(self.high - self.low <= WIDEST)
        return ["few-comparable" if f else "range-too-wide" if w else None for f, w in zip(few, wide, strict=True)]

    def enough(self) -> NDArray[np.bool_]:
        """Whether each risk can be told, shape (rows,)."""
        return np.asarray((self.n >= FEWEST) & (self.high - self.low <= WIDEST), dtype=np.bool_)


@dataclass(frozen=True, slots=True)
class Comparable:
    """Past learners by calibrated risk.

    Attributes:
        risks: different risks, rising, shape (levels,).
        learners: learners up to and including each level.
        positives: positives among them.
    """

    risks: Floats
    learners: Floats
    positives: Floats

    @classmethod
    def fit(cls, risks: Floats, labels: Floats, groups: NDArray[Any] | None = None) -> "Comparable":
        """The past learners to compare with.

        Args:
            risks: shape (rows,), calibrated, of rows that neither model nor calibration learned from where there are
                enough, otherwise from cross-validation.
            labels: shape (rows,), 0 or 1.
            groups: shape (rows,), the learner of each row; each learner counts once, shared among the rows. Rows are
                taken for different learners where None.

        Raises:
            InputError: shapes differ, or a risk is outside [0, 1].
        """
        found = checked_risks(risks)
        if labels.shape != found.shape or (groups is not None and groups.shape != found.shape):
            raise InputError(f"Risks {found.shape} and labels {labels.shape}. Give one label and group per risk.")
        weights = np.ones(len(found))
        if groups is not None:
            _, of_row, rows = np.unique(groups, return_inverse=True, return_counts=True)
            weights = 1.0 / rows[of_row]
        levels, of_level = np.unique(found, return_inverse=True)
        learners = np.bincount(of_level, weights=weights, minlength=len(levels))
        positives = np.bincount(of_level, weights=weights * labels, minlength=len(levels))
        return cls(levels, np.cumsum(learners), np.cumsum(positives))

    def range(self, risks: Floats) -> Span:
        """The range of each risk: the Jeffreys interval of the share among its nearest past learners.

        Nearest means the least distance within which there are a tenth of all past learners, at least 50 and at most
        200, but no further than `NEAR` unless fewer than 50 are there: at the top of the list the range then reaches
        further down and grows wider, rather than leaving somebody out for being further out than all before. Learners
        of equal risk are taken together. The range is stretched to contain the risk.
        """
        found = checked_risks(risks)
        many = np.clip(self.learners[-1] / 10, FEWEST, 200) if len(self.learners) else FEWEST
        far = np.maximum(self._distance(found, FEWEST), np.minimum(self._distance(found, many), NEAR))
        learners, positives = self._within(found, far)
        low, high = jeffreys(np.clip(positives, 0.0, learners), learners, LEVEL)
        some = learners > 0
        return Span(
            low=np.where(some, np.minimum(low, found), np.nan),
            high=np.where(some, np.maximum(high, found), np.nan),
            n=learners,
        )

    def state(self) -> dict[str, bytes]:
        """Everything `restore` needs, as JSON."""
        kept = {name: numbers(getattr(self, name)) for name in ("risks", "learners", "positives")}
        return {PART: encode(dict(kept))}

    @classmethod
    def restore(cls, state: Mapping[str, bytes]) -> "Comparable":
        """What `state` came from; it gives the same ranges, bit for bit.

        Raises:
            InputError: the state is damaged.
        """
        kept = decode(state, PART)
        return cls(array(kept["risks"]), array(kept["learners"]), array(kept["positives"]))

    def _distance(self, risks: Floats, wanted: float) -> Floats:
        """The least distance within which so many learners are, by halving."""
        near, far = np.zeros(len(risks)), np.ones(len(risks))
        for _ in range(40):
            middle = (near + far) / 2
            enough = self._within(risks, middle)[0] >= wanted
            near, far = np.where(enough, near, middle), np.where(enough, middle, far)
        return far

    def _within(self, risks: Floats, distance: Floats) -> tuple[Floats, Floats]:
        """Learners and positives whose risk is at most `distance` away."""
        first = np.searchsorted(self.risks, risks - distance, side="left")
        last = np.searchsorted(self.risks, risks + distance, side="right")
        learners, positives = (np.concatenate([[0.0], sums]) for sums in (self.learners, self.positives))
        # Learners shared among their rows add up to whole ones only but for rounding.
        return np.round(learners[last] - learners[first], 9), np.round(positives[last] - positives[first], 9)
