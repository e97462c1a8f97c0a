"""The words in which a chance is told: whole tenths with a range, as a frequency of past learners, never a label.

The wording bank is in the design (ux.md, 1.4). Every page, report and command that tells a chance takes its words here.
"""

import math
from dataclasses import dataclass
from typing import Final, Literal

from headway.domain.errors import InputError

ListName = Literal["Reach out", "Check in", "Keep an eye", "On track"]

LISTS: Final[tuple[ListName, ...]] = ("Reach out", "Check in", "Keep an eye", "On track")
"""The lists, named by what to do."""

SHAPES: Final[dict[ListName, str]] = {"Reach out": "▲", "Check in": "◆", "Keep an eye": "■", "On track": "●"}
"""The sign that goes with each list, so that colour is never alone."""

DOES_NOT_KNOW: Final = (
    "The course record does not know about illness, work or a plan agreed with a tutor. Ask before you assume."
)
SMOKE_ALARM: Final = "A smoke alarm, not a verdict: it says where to look first."
TOO_EARLY: Final = "Too early to say"
COURSE_PROBLEM: Final = "This looks like a course problem, not a people problem"
NOT_USED: Final = "Age, gender, disability and background are not used."
CHALLENGE: Final = "Challenge this prediction"


@dataclass(frozen=True, slots=True)
class LabelWords:
    """How one label is spoken of.

    Attributes:
        happened: what the learners did for whom the label came true, in the past tense and without a subject.
        chance: the name of the risk.
        towards: what a reason "for" points to.
        away: what a reason "against" points to.
    """

    happened: str
    chance: str
    towards: str
    away: str


LABEL_WORDS: Final = {
    "does_not_finish": LabelWords("did not finish", "chance of not finishing", "not finishing", "finishing"),
    "withdraws_within_14d": LabelWords(
        "left the course within 14 days", "chance of leaving within 14 days", "leaving soon", "staying"
    ),
    "inactive_next_week": LabelWords(
        "did not visit in the next week", "chance of no visit next week", "no visit next week", "a visit next week"
    ),
    "misses_next_assessment": LabelWords(
        "did not hand in the next assessment",
        "chance of not handing in the next assessment",
        "not handing in",
        "handing in",
    ),
}


def label_words(label: str) -> LabelWords:
    """The words for a label; one that another package brought is told by its own name."""
    name = label.replace("_", " ")
    plain = LabelWords(f"had “{name}”", f"chance of “{name}”", f"“{name}”", f"not “{name}”")
    return LABEL_WORDS.get(label, plain)


def tenths(risk: float, low: float, high: float) -> str:
    """The chance in whole tenths with its range.

    Bounds are rounded to the nearest tenth and always hold the rounded chance itself. Nought and ten tenths are never
    said of a person.

    Args:
        risk: the chance, 0 to 1.
        low: the lower end of its range, at most `risk`.
        high: the upper end, at least `risk`.

    Raises:
        InputError: not 0 ≤ low ≤ risk ≤ high ≤ 1.

    >>> tenths(0.63, 0.52, 0.78)
    '5–8 in 10'
    >>> tenths(0.04, 0.02, 0.04)
    'fewer than 1 in 10'
    """
    _, least, most = _rounded(risk, low, high)
    if least != most:
        return f"{least}–{most} in 10"
    if least == 0:
        return "fewer than 1 in 10"
    return "more than 9 in 10" if least == 10 else f"about {least} in 10"


def frequency(risk: float, low: float, high: float, label: str) -> str:
    """The chance as a frequency of past learners, with its range.

    Raises:
        InputError: not 0 ≤ low ≤ risk ≤ high ≤ 1.

    >>> frequency(0.63, 0.52, 0.78, "does_not_finish")
    'Of 10 past learners like this, about 6 did not finish. Likely 5–8.'
    """
    middle, least, most = _rounded(risk, low, high)
    told = {0: "fewer than 1", 10: "more than 9"}.get(middle, f"about {middle}")
    span = f"Likely {least}–{most}." if least != most else "The range is narrower than one in ten."
    return f"Of 10 past learners like this, {told} {label_words(label).happened}. {span}"


def _rounded(risk: float, low: float, high: float) -> tuple[int, int, int]:
    if not 0 <= low <= risk <= high <= 1:
        raise InputError(f"A chance needs 0 ≤ low ≤ risk ≤ high ≤ 1, got low {low}, risk {risk}, high {high}.")
    middle, least, most = (math.floor(10 * number + 0.5) for number in (risk, low, high))
    return middle, least, most
