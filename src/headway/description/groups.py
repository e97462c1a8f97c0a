"""Numbers about groups of learners, with the rule that no group of fewer than five is ever told.

Everything that a course description says about learners passes `part`, `spread` or `told`; so what is too small to
tell is not in the description at all, and neither a page nor its JSON can give it away.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

SMALLEST: Final = 5
"""The smallest group of learners of which anything is told."""

ENOUGH_FOR_QUARTILES: Final = 20
"""With fewer learners a quartile is about a handful of people."""

Hidden = Literal["few", "all but few", "small group", "beside few"]


@dataclass(frozen=True, slots=True)
class Part:
    """Some of a group.

    Attributes:
        count: how many; None where hidden.
        of: the size of the group; None where it is itself too small.
        share: `count / of`; None where hidden or the group is empty.
        hidden: why it is hidden: "few" (1 to 4), "all but few" (the others are 1 to 4), "small group" (the group itself
            is), "beside few" (else a small part beside it could be worked out).
    """

    count: int | None
    of: int | None
    share: float | None
    hidden: Hidden | None = None


@dataclass(frozen=True, slots=True)
class Spread:
    """How a number is spread over learners; quartiles are None with fewer than 20 learners.

    Attributes:
        learners: of how many learners; None where fewer than 5.
        low: a quarter of the learners are at or below.
        middle: the median.
        high: a quarter are at or above.
    """

    learners: int | None
    low: float | None = None
    middle: float | None = None
    high: float | None = None


def part(count: int, of: int) -> Part:
    """`count` of a group of `of`, hidden where it, the rest or the group is fewer than five people."""
    if of == 0:
        return Part(0, 0, None)
    if of < SMALLEST:
        return Part(None, None, None, "small group")
    if 0 < count < SMALLEST:
        return Part(None, of, None, "few")
    if 0 < of - count < SMALLEST:
        return Part(None, of, None, "all but few")
    return Part(count, of, round(count / of, 4))


def tally(counts: Sequence[int]) -> tuple[int | None, ...]:
    """Counts that add up to a known number, with those of 1 to 4 hidden, and more where that would not hide them.

    A single hidden count is what the others leave of the whole; so the next smallest is hidden with it, until at least
    two are hidden and together are five or more.
    """
    hidden = {place for place, count in enumerate(counts) if 0 < count < SMALLEST}
    while hidden and (len(hidden) < 2 or sum(counts[place] for place in hidden) < SMALLEST):
        others = [place for place, count in enumerate(counts) if count and place not in hidden]
        if not others:
            break
        hidden.add(min(others, key=lambda place: counts[place]))
    return tuple(None if place in hidden else int(count) for place, count in enumerate(counts))


def told(number: float, learners: int) -> float | None:
    """A number that rests on some learners, or None where these are 1 to 4."""
    return None if 0 < learners < SMALLEST else number


def spread(values: "NDArray[np.float64]") -> Spread:
    """The quartiles of one value for each learner (linear interpolation, as numpy's default)."""
    size = len(values)
    if size < ENOUGH_FOR_QUARTILES:
        return Spread(size if size >= SMALLEST or size == 0 else None)
    low, middle, high = (round(float(each), 4) for each in np.quantile(values, (0.25, 0.5, 0.75)))
    return Spread(size, low, middle, high)
