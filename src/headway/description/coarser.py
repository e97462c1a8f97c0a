"""A description with a larger smallest group: on pages that many people open, nobody among fewer than ten is told.

What `headway.description.groups` hides stays hidden; what it tells of five to nine learners is hidden here. Numbers
that are told are the description's own.
"""

from collections.abc import Sequence
from dataclasses import fields, is_dataclass, replace
from datetime import date
from typing import Any, Final, TypeVar, cast

from headway.description.assessments import HandIns
from headway.description.course import CourseDescription
from headway.description.drop_off import DropOff, DropOffs
from headway.description.forums import Forums
from headway.description.groups import SMALLEST, Part, Spread, part
from headway.description.summary import summary
from headway.description.timeline import DayCount, Turn

T = TypeVar("T")

LEAST: Final = 10
"""The smallest group of learners of which a page tells anything."""


def coarser(found: T) -> T:
    """The same value with every number about fewer than ten learners hidden, however deep it lies."""
    return cast("T", _coarser(found))


def coarser_part(count: int, of: int) -> Part:
    """`count` of a group of `of`, hidden where it or the group is fewer than ten."""
    return _part(part(count, of))


def tally(counts: Sequence[int | None], open_ones: int = 0) -> tuple[int | None, ...]:
    """Counts that may be told beside each other: those of 1 to 9 are hidden, and the next smallest with a lone one.

    Hidden ones together are ten or more, so that what the told ones leave of the whole gives none of them away.

    Args:
        counts: how many there are of each kind.
        open_ones: so many of the first counts can be worked out from what else is told, so they hide no other.
    """
    few = {place for place, count in enumerate(counts) if count is None or 0 < count < LEAST}
    hidden = {place for place in few if place >= open_ones}
    while hidden and (len(hidden) < 2 or sum(counts[place] or 1 for place in hidden) < LEAST):
        others = [place for place, count in enumerate(counts) if count and place >= open_ones and place not in hidden]
        if not others:
            break
        hidden.add(min(others, key=lambda place: counts[place] or 0))
    return tuple(None if place in hidden | few else count for place, count in enumerate(counts))


def description(found: CourseDescription) -> CourseDescription:
    """A course description in which nothing is about fewer than ten learners, its sentences made anew."""
    told = coarser(found)
    end = found.summary.headline.partition(" stopped coming ")[2].partition(".")[0]
    words = summary(told.learners, end, told.patterns, told.drop_offs)
    return replace(told, smallest_group=LEAST, summary=words)


def wording(text: str) -> str:
    """A text about a coarser description: it says fewer than ten where the finer one says fewer than five."""
    for word in ("fewer", "Fewer"):
        text = text.replace(f"{word} than {SMALLEST}", f"{word} than {LEAST}")
    return text


def _coarser(value: Any) -> Any:
    match value:
        case Part():
            return _part(value)
        case Spread():
            few = value.learners is None or 0 < value.learners < LEAST
            return Spread(None) if few else value
        case DayCount():
            few = value.learners is None or 0 < value.learners < LEAST
            return replace(value, learners=None, interactions=None) if few else value
        case Turn():
            return replace(value, learners=_count(value.learners))
        case HandIns():
            return replace(_fields(value), bins=tally(value.bins))
        case DropOffs():
            return _drop_offs(value)
        case Forums():
            return replace(_fields(value), posts=_coarser(value.posts))
        case date() | str() | None:
            return value
        case tuple():
            return tuple(_coarser(each) for each in value)
        case _ if is_dataclass(value) and not isinstance(value, type):
            return _fields(value)
        case _:
            return value


def _fields(value: Any) -> Any:
    return replace(value, **{each.name: _coarser(getattr(value, each.name)) for each in fields(value)})


def _drop_offs(value: DropOffs) -> DropOffs:
    counts = tally([each.stopped for each in value.weeks])
    weeks = tuple(replace(each, stopped=count) for each, count in zip(value.weeks, counts, strict=True))
    points = tuple(_point(each) for each in value.points)
    return replace(value, points=points, never_came=_part(value.never_came), stopped=_part(value.stopped), weeks=weeks)


def _point(value: DropOff) -> DropOff:
    told = _part(value.stopped)
    return replace(value, stopped=told, expected=None if told.hidden else value.expected)


def _part(value: Part) -> Part:
    if value.of is None or 0 < value.of < LEAST:
        return Part(None, None, None, "small group")
    if value.count is not None and 0 < value.count < LEAST:
        return Part(None, value.of, None, "few")
    return value


def _count(number: int | None) -> int | None:
    return None if number is not None and 0 < number < LEAST else number
