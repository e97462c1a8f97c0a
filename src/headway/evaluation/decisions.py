"""What a list would cost and find: thresholds from costs, the work that a share of finds asks for, and its curve.

Promises thresholds that a running course could have used: they come from costs and calibrated risks, never from the
labels that they are measured on. What hindsight would have chosen stands beside them, named so.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from headway.domain.errors import InputError
from headway.evaluation.intervals import known
from headway.evaluation.metrics import confusion, cost_optimal, gain_curve
from headway.models.model import Floats, Json

POINTS: Final = 21
"""Points of a curve: every twentieth of the learners."""

SHARES: Final = (0.5, 0.8, 0.9)
"""Shares of the positives whose price in contacts is told."""


@dataclass(frozen=True, slots=True)
class Costs:
    """What a missed learner and a contact cost, in any one unit; only their ratio decides.

    Attributes:
        miss: a learner who needed help and was not contacted, in so far as a contact would have helped.
        contact: one contact, whoever it goes to.
    """

    miss: float = 5.0
    contact: float = 1.0

    def __post_init__(self) -> None:
        if self.miss <= 0 or self.contact < 0:
            raise InputError(
                f"A miss that costs {self.miss} and a contact that costs {self.contact} give no threshold. "
                "A miss must cost more than nothing, a contact no less than nothing."
            )

    @property
    def threshold(self) -> float:
        """Contact from this calibrated risk on: there a contact costs what it spares (Elkan 2001, equation 2).

        Above 1 where a contact costs more than a miss: nobody is contacted.
        """
        return self.contact / self.miss


def at_cost(labels: Floats, risks: Floats, costs: Costs) -> dict[str, Json]:
    """What the threshold of `costs` would do.

    `threshold`, `flagged`, `precision`, `recall`, `f1`, `missed`; `cost` a learner in the costs' unit, beside what
    contacting nobody, contacting everybody and the best threshold in hindsight (`least_cost`) would cost.
    """
    found, rows = confusion(labels, risks, costs.threshold), len(labels)
    flagged = found.flagged_positive + found.flagged_negative
    best = cost_optimal(labels, risks, cost_miss=costs.miss, cost_contact=costs.contact)
    return {
        "threshold": costs.threshold,
        "flagged": flagged,
        "precision": known(found.precision),
        "recall": known(found.recall),
        "f1": known(found.f1),
        "missed": found.unflagged_positive,
        "cost": (costs.miss * found.unflagged_positive + costs.contact * flagged) / rows,
        "cost_of_nobody": costs.miss * float(labels.sum()) / rows,
        "cost_of_everybody": costs.contact,
        "least_cost": best.cost / rows,
    }


def contacts_for(labels: Floats, risks: Floats, share: float) -> int | None:
    """The fewest contacts, from the highest risk down, that find this share of the positives; None without positives.

    Ties count in expectation. For a given number of contacts no other choice by risk misses
    fewer (the Neyman-Pearson lemma, where risks are calibrated).
    """
    if not labels.sum():
        return None
    curve = gain_curve(labels, risks, points=len(labels) + 1)
    # One point a contact: its place is the number of contacts.
    return int(np.argmax(curve.found >= share - 1e-12))


def curve(labels: Floats, risks: Floats, points: int = POINTS) -> dict[str, Json]:
    """The gain and lift curve as lists of the same length, and `contacts_for` the shares of `SHARES`."""
    found = gain_curve(labels, risks, points)
    lists: dict[str, Json] = {
        name: [known(float(value)) for value in values]
        for name, values in (("contacted", found.contacted), ("found", found.found), ("lift", found.lift))
    }
    return lists | {"contacts_for": {f"{share:g}": contacts_for(labels, risks, share) for share in SHARES}}
