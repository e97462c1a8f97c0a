"""The tiny language of conditions: comparisons of a feature with a number. Nothing is ever evaluated as code.

    condition := FEATURE COMPARISON NUMBER [ "for" DAYS ]
               | FEATURE ("fell" | "rose") "by" COMPARISON NUMBER "in" DAYS
               | FEATURE "is" ("absent" | "present")
    COMPARISON := ">=" | "<=" | ">" | "<" | "==" | "!="
    DAYS := 1d … 28d

`for 3d` means: now, a day ago and two days ago. `fell by >= 20 in 7d` compares with the value of seven days ago. A
comparison with an absent value is never true.
"""

import operator
import re
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np

from headway.advising.rules.rule import Evidence, Read
from headway.domain.errors import ConfigError, UnknownName

if TYPE_CHECKING:
    from numpy.typing import NDArray

MOST_DAYS: Final = 28
LONGEST: Final = 200

COMPARISONS: Final[dict[str, Callable[[Any, Any], Any]]] = {
    ">=": operator.ge,
    "<=": operator.le,
    "==": operator.eq,
    "!=": operator.ne,
    ">": operator.gt,
    "<": operator.lt,
}

_SIGN: Final = "|".join(re.escape(sign) for sign in COMPARISONS)
_NUMBER: Final = r"[-+]?[0-9]{1,12}(?:\.[0-9]{1,12})?"
_FORM: Final = re.compile(
    rf"\s*(?P<feature>[a-z][a-z0-9_]*)\s*(?:"
    rf"(?P<sign>{_SIGN})\s*(?P<number>{_NUMBER})(?:\s+for\s+(?P<held>[0-9]{{1,3}})d)?"
    rf"|(?P<change>fell|rose)\s+by\s*(?P<changed>{_SIGN})\s*(?P<amount>{_NUMBER})\s+in\s+(?P<within>[0-9]{{1,3}})d"
    rf"|is\s+(?P<state>absent|present)"
    rf")\s*",
    re.ASCII,
)

_EXAMPLES: Final = (
    "Write it like one of: assessments_missed >= 2 · engagement_score < 40 for 3d · engagement_score fell by >= 20 in "
    "7d · last_score is absent"
)


@dataclass(frozen=True, slots=True)
class Condition:
    """One comparison.

    Attributes:
        feature: what is compared.
        sign: how; one of `COMPARISONS`, or "absent", "present".
        number: with what.
        kind: the value now, its change since some days ago, or the value of each of some days.
        days: how many.
    """

    feature: str
    sign: str
    number: float = 0.0
    kind: Literal["now", "fell", "rose", "held"] = "now"
    days: int = 0

    @property
    def reads(self) -> tuple[Read, ...]:
        """What it asks for."""
        if self.kind == "held":
            return tuple(Read(self.feature, ago) for ago in range(self.days))
        return (Read(self.feature),) if self.kind == "now" else (Read(self.feature), Read(self.feature, self.days))

    def holds(self, evidence: Evidence) -> "NDArray[np.bool_]":
        """For which learners it is true."""
        now = evidence.value(self.feature)
        if self.sign in {"absent", "present"}:
            return np.isnan(now) if self.sign == "absent" else ~np.isnan(now)
        if self.kind == "held":
            days = [self._compared(evidence.value(self.feature, ago)) for ago in range(self.days)]
            every: NDArray[np.bool_] = np.all(days, axis=0)
            return every
        if self.kind == "now":
            return self._compared(now)
        before = evidence.value(self.feature, self.days)
        return self._compared(before - now if self.kind == "fell" else now - before)

    def _compared(self, values: "NDArray[np.float64]") -> "NDArray[np.bool_]":
        with np.errstate(invalid="ignore"):
            # The engine rounds to 1e-6; a difference of two values is brought back to that.
            found: NDArray[np.bool_] = COMPARISONS[self.sign](np.round(values, 6), self.number) & ~np.isnan(values)
        return found

    def __str__(self) -> str:
        if self.sign in {"absent", "present"}:
            return f"{self.feature} is {self.sign}"
        if self.kind in {"fell", "rose"}:
            return f"{self.feature} {self.kind} by {self.sign} {self.number:.12g} in {self.days}d"
        return f"{self.feature} {self.sign} {self.number:.12g}" + (f" for {self.days}d" if self.kind == "held" else "")


def condition(text: str, features: Collection[str]) -> Condition:
    """The condition that `text` is.

    Args:
        text: as in the settings.
        features: the names that may stand in it.

    Raises:
        ConfigError: it does not follow the grammar, or asks for more than 28 days.
        UnknownName: its feature is not known; the message names near ones.

    >>> str(condition("assessments_missed>=2", ["assessments_missed"]))
    'assessments_missed >= 2'
    """
    found = _FORM.fullmatch(text) if len(text) <= LONGEST else None
    if found is None:
        raise ConfigError(f"{text[:LONGEST]!r} is no condition. {_EXAMPLES}.")
    feature = found["feature"]
    if feature not in features:
        raise UnknownName.of("feature", feature, features)
    if found["state"]:
        return Condition(feature, found["state"])
    if found["change"]:
        kind: Literal["fell", "rose"] = "fell" if found["change"] == "fell" else "rose"
        return Condition(feature, found["changed"], float(found["amount"]), kind, _days(found["within"], text))
    if found["held"]:
        return Condition(feature, found["sign"], float(found["number"]), "held", _days(found["held"], text))
    return Condition(feature, found["sign"], float(found["number"]))


def _days(digits: str, text: str) -> int:
    days = int(digits)
    if not 1 <= days <= MOST_DAYS:
        raise ConfigError(f"{text!r} asks for {days} days. Write from 1d to {MOST_DAYS}d.")
    return days
