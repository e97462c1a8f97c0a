"""What changed since a week before, as one model sees it: which of a learner's numbers moved its view most.

Each week's contributions are taken against that week's own cohort, so that what moved for everybody is no change of
anybody. Nothing here says what brought a change about.
"""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from headway.explanation.reasons import LEAST_SHARE, Direction, Families
from headway.explanation.sentences import number, sentence
from headway.models.model import Floats, Json

TOP: Final = 5


@dataclass(frozen=True, slots=True)
class Week:
    """One learner at one time; arrays of shape (features,), in the order of the families' definitions.

    Attributes:
        values: the learner's numbers.
        medians: the cohort's middles.
        added: contributions against that time's cohort.
    """

    values: Floats
    medians: Floats
    added: Floats


@dataclass(frozen=True, slots=True)
class Change:
    """One number that is not what it was.

    Attributes:
        feature: its name.
        value: now; None where it is not known.
        before: then.
        direction: "for" where it now points more to the label than it did.
        moved: by how much, in log-odds.
        text: the sentence.
        domain: its heading.
    """

    feature: str
    value: float | None
    before: float | None
    direction: Direction
    moved: float
    text: str
    domain: str

    def as_row(self) -> dict[str, Json]:
        """The change as JSON-ready data."""
        return {
            "feature": self.feature,
            "value": self.value,
            "before": self.before,
            "direction": self.direction,
            "moved": round(self.moved, 4),
            "text": self.text,
            "domain": self.domain,
        }


def changes(
    families: Families, now: Week, before: Week, withheld: NDArray[np.bool_] | None = None, top: int = TOP
) -> tuple[Change, ...]:
    """What moved most, strongest first; only numbers that differ are told.

    Args:
        families: of the features.
        now: the learner now.
        before: the same learner, by the same model, a week before.
        withheld: shape (families,): which are not to be told.
        top: at most so many.
    """
    apart = now.added - before.added
    net, shares = families.net(apart[None])
    told: list[Change] = []
    for family in families.order(shares)[0].tolist():
        if len(told) == top or shares[0, family] < LEAST_SHARE:
            break
        if withheld is not None and withheld[family]:
            continue
        column = _speaks(families, family, now, before, apart, float(net[0, family]))
        if column is not None:
            told.append(_said(families, column, now, before, float(net[0, family])))
    return tuple(told)


def _speaks(families: Families, family: int, now: Week, before: Week, apart: Floats, net: float) -> int | None:
    """The member that speaks for a family's change: the usual one where its number differs, else the first such."""
    usual = families.spokesman(family, apart, now.values, net)
    for column in (usual, *families.members[family]):
        if not _same(float(now.values[column]), float(before.values[column])):
            return column
    return None


def _same(one: float, other: float) -> bool:
    return one == other or (math.isnan(one) and math.isnan(other))


def _said(families: Families, column: int, now: Week, before: Week, net: float) -> Change:
    feature = families.known[column]
    value, earlier, median = (_known(float(each[column])) for each in (now.values, before.values, now.medians))
    told = "not known yet" if earlier is None else number(feature, earlier)
    return Change(
        feature=feature.name,
        value=value,
        before=earlier,
        direction="for" if net > 0 else "against",
        moved=net,
        text=f"{sentence(feature, value, median)}. A week earlier: {told}.",
        domain=feature.domain,
    )


def _known(value: float) -> float | None:
    return value if math.isfinite(value) else None
