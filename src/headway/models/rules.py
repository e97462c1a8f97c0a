"""The trivial rules that every other model must beat, and that are printed beside it.

`inactive-7-days` follows the at-risk rule of Open edX Aspects (no visit for more than seven days). Its risks are the
shares seen in training on either side of the line: two numbers, so its ties are real and stay ties.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from headway.models.model import MODELS, Fitted, Floats, Json, Matrix
from headway.models.state import decode, encode
from headway.models.training import known_values, log_odds, training_weights

RECENCY = "days_since_last_activity"
LINE_DAYS = 7.0
PART = "rule.json"


def smoothed_share(labels: Floats, weights: Floats) -> float:
    """The weighted share of positives with one more row of each class (Laplace), never 0 or 1."""
    return float((weights @ labels + 1.0) / (weights.sum() + 2.0))


@dataclass(frozen=True, slots=True)
class FittedRule:
    """A rule with its shares.

    Attributes:
        overall: share of positives among all training rows.
        active: share among those seen within the last `LINE_DAYS`; equal to `overall` for the base rate.
        inactive: share among those not seen for longer, or never.
        splits: whether the rule looks at recency at all.
    """

    overall: float
    active: float
    inactive: float
    splits: bool

    def risk(self, features: Matrix) -> Floats:
        """The share on the row's side of the line, shape (rows,)."""
        if not self.splits:
            return np.full(len(features), self.overall)
        return np.asarray(np.where(is_inactive(features), self.inactive, self.active), dtype=np.float64)

    def contributions(self, features: Matrix) -> Floats:
        """All of a row's distance from the base log-odds, in the recency column."""
        found = np.zeros(features.values.shape)
        if self.splits:
            found[:, features.names.index(RECENCY)] = log_odds(self.risk(features)) - self._base
        return found

    def facts(self) -> dict[str, Json]:
        """The shares, as a model card shows them."""
        shares: dict[str, Json] = {"additive": True, "base_log_odds": self._base, "training_share": self.overall}
        if self.splits:
            shares |= {"line_days": LINE_DAYS, "share_if_active": self.active, "share_if_inactive": self.inactive}
        return shares

    def state(self) -> dict[str, bytes]:
        """The shares as JSON."""
        return {
            PART: encode(
                {"overall": self.overall, "active": self.active, "inactive": self.inactive, "splits": self.splits}
            )
        }

    @property
    def _base(self) -> float:
        return float(log_odds(np.array([self.overall]))[0])


def is_inactive(features: Matrix) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Whether each row's learner was not seen for seven days or more; never seen counts as inactive."""
    since = known_values(features, (RECENCY,))[:, 0]
    return np.asarray(~(since < LINE_DAYS), dtype=np.bool_)


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule as a model: it learns shares and nothing else."""

    name: str
    summary: str
    splits: bool
    trivial: Literal[True] = True

    def fit(self, features: Matrix, labels: Floats, weights: Floats, seed: int) -> Fitted:
        """The rule with the training shares; one class is enough.

        Raises:
            NotEnoughData: no rows.
        """
        del seed  # a rule draws nothing
        scaled = training_weights(features, labels, weights, both_classes=False)
        overall = smoothed_share(labels, scaled)
        if not self.splits:
            return FittedRule(overall, overall, overall, splits=False)
        inactive = is_inactive(features)
        return FittedRule(
            overall=overall,
            active=smoothed_share(labels[~inactive], scaled[~inactive]),
            inactive=smoothed_share(labels[inactive], scaled[inactive]),
            splits=True,
        )

    def restore(self, state: Mapping[str, bytes]) -> Fitted:
        """The rule with the stored shares."""
        kept = decode(state, PART)
        return FittedRule(kept["overall"], kept["active"], kept["inactive"], kept["splits"])


INACTIVE = MODELS.add("inactive-7-days", Rule("inactive-7-days", "No activity for seven days or more", splits=True))
BASE_RATE = MODELS.add("base-rate", Rule("base-rate", "Every learner gets the share seen in training", splits=False))
