"""What can be done about a reason: who can do it, how long it takes, and what is known of whether it helps. Pure.

No effect is told that does not come from a trial. Minutes are estimates for planning, the same for everybody.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from headway.advising.plays import BY_TYPE
from headway.advising.tasks import Channel
from headway.models.reason_types import ReasonType

Evidence = Literal["trial", "before-after", "none"]
Doer = Literal["adviser", "tutor", "instructor"]

MINUTES: Final[Mapping[Channel, int]] = {"phone": 15, "email": 5, "message": 3, "meeting": 30, "other": 10}
"""About how long a contact takes, with reading the record before and writing down what came of it."""

RETUNE_ABOVE: Final = 0.4
"""A larger share of closed tasks that were wrongly flagged asks for the rule to be retuned (ux.md, R6)."""

RETUNE_FROM: Final = 10
"""Of fewer closed tasks no share is judged."""


@dataclass(frozen=True, slots=True)
class Entry:
    """Something that can be done.

    Attributes:
        what: in one sentence.
        when: the reason type that it is for.
        who: who can do it.
        minutes: about how long it takes for each learner.
        evidence: what is known of whether it helps.
    """

    what: str
    when: ReasonType
    who: tuple[Doer, ...]
    minutes: int
    evidence: Evidence = "none"


_EFFORT: Final[Mapping[ReasonType, tuple[tuple[tuple[Doer, ...], int], ...]]] = {
    "never started": ((("adviser", "tutor"), 15), (("adviser", "tutor"), 5)),
    "loss of motivation": ((("adviser", "tutor"), 30), (("adviser", "tutor"), 15), (("tutor", "instructor"), 20)),
    "lack of time": ((("adviser", "tutor"), 30), (("adviser", "instructor"), 10), (("tutor", "instructor"), 5)),
    "busy but low results": ((("tutor", "instructor"), 30), (("tutor",), 10), (("tutor", "instructor"), 15)),
    "skill gap": ((("tutor",), 60), (("tutor",), 15), (("instructor",), 5)),
    "on course": ((("adviser", "tutor"), 3),),
}


def catalogue() -> tuple[Entry, ...]:
    """Everything that can be done, by reason type."""
    return tuple(
        Entry(what, kind, who, minutes)
        for kind, efforts in _EFFORT.items()
        for what, (who, minutes) in zip(BY_TYPE[kind], efforts, strict=True)
    )


def asks_to_retune(closed: int, wrongly_flagged: int) -> bool:
    """Whether so many of the closed tasks were wrongly flagged that whoever owns the rule should look at it."""
    return closed >= RETUNE_FROM and wrongly_flagged > RETUNE_ABOVE * closed
