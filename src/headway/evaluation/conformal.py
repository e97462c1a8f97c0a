"""Which answers cannot be ruled out at a chosen coverage, and whom to say nothing of: conformal sets by class.

Promises sets that contain what comes true for the asked share of learners of either label, as long as the new run's
learners are like those compared with (Vovk, Gammerman and Shafer 2005; by class: Vovk 2012,
doi:10.1007/s10994-013-5355-6; Romano, Sesia and Candès 2020). Runs differ, so the coverage found is always told beside
the coverage asked. It rests on the same held-out past learners as `ranges`; nobody keeps a second calibration set.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from headway.domain.errors import InputError
from headway.evaluation.calibration import checked_risks
from headway.evaluation.intervals import jeffreys, known
from headway.evaluation.ranges import Comparable
from headway.models.model import Floats, Json


@dataclass(frozen=True, slots=True)
class Sets:
    """The answers that stay possible for each row.

    Attributes:
        positive: whether "the label will be true" stays possible, shape (rows,).
        negative: whether "it will not" stays possible.
    """

    positive: NDArray[np.bool_]
    negative: NDArray[np.bool_]

    def told(self) -> NDArray[np.bool_]:
        """Whether exactly one answer is left; of all others it is too early to say."""
        return np.asarray(self.positive ^ self.negative, dtype=np.bool_)


def plausible(past: Comparable, risks: Floats) -> tuple[Floats, Floats]:
    """The conformal p-values of "true" and of "not true" for each risk, by class.

    The share of past positives whose risk was no higher, and of past negatives whose risk was no lower, the learner
    counted among them. A learner of several rows counts as one.
    """
    found = checked_risks(risks)
    positives = np.concatenate([[0.0], past.positives])
    negatives = np.concatenate([[0.0], past.learners - past.positives])
    no_higher = positives[np.searchsorted(past.risks, found, side="right")]
    no_lower = negatives[-1] - negatives[np.searchsorted(past.risks, found, side="left")]
    return (
        np.asarray((no_higher + 1) / (positives[-1] + 1), dtype=np.float64),
        np.asarray((no_lower + 1) / (negatives[-1] + 1), dtype=np.float64),
    )


def sets(past: Comparable, risks: Floats, coverage: float) -> Sets:
    """The answers that cannot be ruled out at this coverage; both where the past is too short to rule out any.

    Raises:
        InputError: the coverage is not between 0 and 1, or a risk is not in [0, 1].
    """
    if not 0 < coverage < 1:
        raise InputError(f"A coverage of {coverage} cannot be promised. Choose one between 0 and 1, such as 0.8.")
    positive, negative = plausible(past, risks)
    return Sets(positive > 1 - coverage, negative > 1 - coverage)


def report(labels: Floats, found: Sets, coverage: float) -> dict[str, Json]:
    """What the sets are worth on rows whose labels are known, with 95% Jeffreys intervals.

    `asked` and `coverage` (share of rows whose set holds what came true), the same for either label, `too_early`
    (share of rows with no single answer left) and `right_when_told` (share of right answers among the others).
    """
    positive, told = labels == 1, found.told()
    held = np.where(positive, found.positive, found.negative)
    return {
        "asked": coverage,
        "coverage": _share(held),
        "coverage_positive": _share(held[positive]),
        "coverage_negative": _share(held[~positive]),
        "too_early": _share(~told),
        "right_when_told": _share(held[told]),
    }


def _share(flags: NDArray[np.bool_]) -> dict[str, Json]:
    n = len(flags)
    if not n:
        return {"value": None, "low": None, "high": None, "n": 0}
    low, high = jeffreys(np.array([float(flags.sum())]), np.array([float(n)]), 0.95)
    return {"value": known(float(flags.mean())), "low": float(low[0]), "high": float(high[0]), "n": n}
