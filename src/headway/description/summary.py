"""The page of plain words: what is the matter, the patterns, the drop-off points, each with the numbers behind it.

Sentences say what the record shows and never why. Each number in them stands in the description, too.
"""

from dataclasses import dataclass
from typing import Final

from headway.description.drop_off import DropOff, DropOffs
from headway.description.groups import SMALLEST, Part
from headway.description.patterns import Pattern, Patterns

CHANCE: Final = "That may be chance."


@dataclass(frozen=True, slots=True)
class Summary:
    """The page in words.

    Attributes:
        headline: what is the matter.
        patterns: a sentence or two on each pattern, or why there are none.
        drop_offs: the same for each drop-off point.
        soft: what to know about the patterns' borders; empty where they are firm.
    """

    headline: str
    patterns: tuple[str, ...]
    drop_offs: tuple[str, ...]
    soft: str


def summary(learners: int, end: str, patterns: Patterns, points: DropOffs) -> Summary:
    """The page in words.

    Args:
        learners: how many are described.
        end: up to when they stopped, in words: `so far`, `before the end`, `before the end and did not finish`.
        patterns: the run's patterns.
        points: its drop-off points.
    """
    return Summary(
        headline=headline(learners, end, points),
        patterns=tuple(pattern_words(each) for each in patterns.groups) or (patterns.too_thin,),
        drop_offs=tuple(point_words(each) for each in points.points) or (points.too_thin or _NO_POINT,),
        soft=_soft(patterns),
    )


_NO_POINT: Final = "Nowhere did five learners or more stop beyond what the neighbouring weeks let one expect."


def headline(learners: int, end: str, points: DropOffs) -> str:
    """The first sentence of the page; arguments as of `summary`."""
    if points.stopped.of == 0:
        return f"{learners:,} learners are enrolled. No activity of anyone is in the record."
    many = "Nobody" if points.stopped.count == 0 else upper(some(points.stopped))
    gone = f"{many} of {learners:,} learners stopped coming {end}."
    clear = [place_words(each) for each in points.points if each.clear]
    if points.too_thin:
        return f"{gone} {points.too_thin}"
    if not clear:
        return f"{gone} No week and no piece of work stands out clearly: they were lost a few at a time."
    if len(clear) == 1:
        return f"{gone} The clearest drop-off point: {clear[0]}."
    return f"{gone} The clearest drop-off points: {' and '.join(clear)}."


def pattern_words(pattern: Pattern) -> str:
    """What a pattern's learners did, with its numbers."""
    told, size = f"{upper(pattern.name)}: ", pattern.learners
    if size.of is None:
        told += "how many learners is not told, since a very small group stands beside it."
    else:
        told += f"{some(size)} of {size.of:,} learners" + (f" ({size.share:.0%})." if size.share is not None else ".")
    shape = pattern.shape
    if shape is None:
        return told
    told += (
        f" Active in {shape.weeks_active:.0%} of the weeks, on {days_words(shape.days_a_week)} days a week on average"
    )
    if pattern.name.startswith(("busy early", "quiet at first")):
        early, late = days_words(shape.early_days), days_words(shape.late_days)
        told += f": {early} in the first third of the weeks, {late} in the last"
    elif pattern.name.startswith("busy in the middle"):
        first, between, last = (days_words(each) for each in (shape.early_days, shape.middle_days, shape.late_days))
        told += f": {first} in the first third of the weeks, {between} in between, {last} in the last"
    elif pattern.name.startswith("only around") and shape.near_deadlines is not None:
        told += f"; {shape.near_deadlines:.1f} times as often as usual in the three days before something is due"
    told += "."
    if pattern.finished is not None:
        told += f" {finish_words(pattern.finished)}"
    elif pattern.withdrew is not None:
        told += f" {upper(some(pattern.withdrew))} withdrew."
    return told


def days_words(days: float) -> str:
    """Days a week with one decimal, never as a bare zero where there are some."""
    return "fewer than 0.1" if 0 < days < 0.05 else f"{days:.1f}"


def finish_words(finished: Part) -> str:
    """How many finished, as a sentence."""
    if finished.share is None:
        return f"{upper(some(finished))} finished."
    return "Nobody finished." if finished.count == 0 else f"{finished.share:.0%} finished."


def point_words(point: DropOff) -> str:
    """What happened at a point, with its numbers."""
    gone, of = some(point.stopped), point.stopped.of
    share = f" ({point.stopped.share:.0%})" if point.stopped.share is not None else ""
    about = "" if point.expected is None else f"about {point.expected:.0f}" if point.expected >= 1 else "fewer than 1"
    doubt = "" if point.clear else f" {CHANCE}"
    place = upper(place_words(point))
    if point.kind == "week":
        when = "just before" if point.due_before else "then"
        due = f" Due {when}: {point.name}." if point.name else ""
        expected = (
            f"; the {'weeks' if stretch(point) == 'week' else 'days'} around it let one expect {about}" if about else ""
        )
        return f"{place}: {gone} of {of:,} learners who were still coming{share} stopped then{expected}.{due}{doubt}"
    if point.kind == "work":
        expected = f"; the work before and after it lets one expect {about}" if about else ""
        who = "learners who had ever come" if point.first else "learners who were still handing in"
        what = "never handed in anything" if point.first else "handed in nothing from then on"
        return f"{place}: {gone} of {of:,} {who}{share} {what}{expected}.{doubt}"
    expected = f"; other things of the same weeks let one expect {about}" if about else ""
    return f"{place}: for {gone} of its {of:,} users{share} it was among the last things they did{expected}.{doubt}"


def place_words(point: DropOff) -> str:
    """A point's place, such as `week 24`, `days 4 to 6` or `assignment 1 (week 3)`."""
    if point.kind != "week":
        return f"{point.name} (week {point.week})"
    if stretch(point) == "week" or point.first_day is None or point.last_day is None:
        return f"week {point.week}"
    return f"days {point.first_day + 1} to {point.last_day + 1}"


def stretch(point: DropOff) -> str:
    """What a point of kind `week` is: a whole week, or a shorter stretch of days."""
    whole = point.first_day is None or point.last_day is None or point.last_day - point.first_day == 6
    return "week" if whole else "stretch"


def some(told: Part) -> str:
    """A part as a number, or how it is hidden."""
    if told.count is not None:
        return f"{told.count:,}"
    return {"few": f"fewer than {SMALLEST}", "all but few": f"all but fewer than {SMALLEST}"}.get(
        told.hidden or "", "some"
    )


def upper(text: str) -> str:
    """The text with its first letter as a capital."""
    return f"{text[:1].upper()}{text[1:]}"


def _soft(patterns: Patterns) -> str:
    if not patterns.soft:
        return ""
    return (
        "The borders between these patterns are soft: learned from half of the learners, they come out differently. "
        "Read them as tendencies."
    )
