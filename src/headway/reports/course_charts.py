"""Charts of a course: how many are still there, days in a row, columns, the profile of a pattern.

Like `headway.reports.charts`: pure functions from data to a drawing, a sentence and a table with the same numbers. What
a description hides (fewer than five learners) is drawn as a hollow stub and written as such, never as zero.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from markupsafe import Markup

from headway.description.groups import SMALLEST, Part
from headway.description.retention import Curve, Retention
from headway.description.timeline import Timeline
from headway.reports.charts import (
    LINE,
    MAIN,
    Axis,
    Chart,
    Frame,
    Point,
    Series,
    coordinate,
    drawing,
    line_chart,
    tag,
    whole,
    words_at,
)

BAR: Final = "#3f73a8"
SHADE: Final = "#e4e4df"
WIDE: Final = 960
TALL: Final = 250
SMALL: Final = 120
STUB: Final = 3.0
"""How high a hidden column is drawn, in units of the drawing."""

FEW: Final = f"fewer than {SMALLEST}"
EARLIER_DRAWN: Final = 4


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its name, its number (None where hidden), and the number as people read it."""

    label: str
    value: float | None
    told: str


def percent_tick(number: float) -> str:
    """A share as a tick: `50%`."""
    return f"{number * 100:.0f}%"


def retention_chart(found: Retention, sentence: str, names: Mapping[str, str], *, slug: str) -> Chart:
    """The run's curve with its band, over dashed ones of earlier runs (at most four of them are drawn).

    Args:
        found: the curves.
        sentence: what to see in them.
        names: how runs are called beside their lines.
        slug: makes ids in the drawing unique on its page.
    """
    drawn = [found.this, *found.earlier[-EARLIER_DRAWN:]]
    step = found.this.step_days
    last = max(curve.points[-1].days for curve in drawn) // step
    lowest = min(point.low for curve in drawn for point in curve.points)
    floor = 0.0 if lowest < 0.5 else 0.5
    up = Axis(floor, 1, (floor, (1 + floor) / 2, 1), percent_tick, "still there")
    across = Axis(0, max(1, last), ticks(last), whole, "weeks" if step == 7 else "days")
    series = [
        Series(names[curve.run], _points(curve, step), "main" if curve is found.this else "rule") for curve in drawn
    ]
    return line_chart(
        "Still there, week by week" if step == 7 else "Still there, day by day", series, across, up, sentence, slug=slug
    )


def ticks(last: int, most: int = 8) -> tuple[float, ...]:
    """Whole numbers from 0 to `last` at even steps, not more than `most` or so."""
    step = next(step for step in (1, 2, 4, 5, 10, 20, 50, 100, 1000) if last / step <= most)
    return tuple(float(number) for number in range(0, last + 1, step))


def nice_top(highest: float) -> float:
    """A round number not below `highest`, for the upper end of a scale."""
    for power in range(12):
        for step in (1, 2, 4, 5, 10):
            if step * 10**power >= highest:
                return float(step * 10**power)
    return highest


def columns_chart(
    title: str,
    columns: Sequence[Column],
    sentence: str,
    header: tuple[str, ...],
    *,
    slug: str,
    axis: str,
    expected: Sequence[float | None] = (),
    marked: frozenset[int] = frozenset(),
    share: bool = False,
    every: int = 1,
    height: float = 170,
) -> Chart:
    """A column for each number, hollow stubs for hidden ones, with what was expected as a dashed line over them.

    Args:
        title: what is shown.
        columns: at least one.
        sentence: what to see in it.
        header: names of the table's columns: of labels, of numbers and, where told, of what was expected.
        slug: makes ids in the drawing unique on its page.
        axis: what the labels are.
        expected: a number for each column, or none at all.
        marked: places of columns that are drawn in the main colour.
        share: whether the numbers are shares of one.
        every: write the label of each so many columns.
        height: of the drawing.
    """
    known = [each.value for each in columns if each.value is not None] + [each for each in expected if each is not None]
    top = 1.0 if share else nice_top(max([*known, 1.0]))
    up = Axis(0, top, (0, top / 2, top) if share or top % 2 == 0 else (0, top), percent_tick if share else whole, "")
    places = tuple(index + 0.5 for index in range(0, len(columns), every))
    across = Axis(0, len(columns), places, lambda place: columns[int(place)].label, axis)
    frame = Frame(across, up, 12, height=height)
    parts = [frame.grid()]
    parts += [_column(frame, index, each, index in marked) for index, each in enumerate(columns)]
    parts += _expected(frame, expected)
    rows = tuple(
        (each.label, each.told, *([_number(expected[index])] if expected else [])) for index, each in enumerate(columns)
    )
    return Chart(title, drawing(title, sentence, slug, parts, height=height), sentence, header, rows)


def profile(title: str, weekly: Sequence[float], sentence: str, *, slug: str, top: int = 7) -> Chart:
    """Days a week with activity, week by week, as a filled shape.

    Args:
        title: what is shown.
        weekly: mean days, from week 1 on.
        sentence: what to see in it.
        slug: makes ids in the drawing unique on its page.
        top: the upper end of the scale in days; the same for all that stand beside each other.
    """
    up = Axis(
        0, top, (0, top), lambda number: f"{number:.0f} {'day' if number == 1 else 'days'}" if number else "0", ""
    )
    across = Axis(1, max(2, len(weekly)), tuple(each for each in ticks(len(weekly), 6) if each), whole, "week")
    frame = Frame(across, up, 14, height=SMALL)
    edge = [f"{coordinate(frame.x(week))},{coordinate(frame.y(days))}" for week, days in enumerate(weekly, start=1)]
    ends = [
        f"{coordinate(frame.x(len(weekly)))},{coordinate(frame.floor)}",
        f"{coordinate(frame.x(1))},{coordinate(frame.floor)}",
    ]
    parts = [frame.grid(), tag("polygon", "fill", points=" ".join(edge + ends), fill=BAR)]
    rows = tuple((str(week), f"{days:.1f}") for week, days in enumerate(weekly, start=1))
    return Chart(title, drawing(title, sentence, slug, parts, height=SMALL), sentence, ("Week", "Days"), rows)


def timeline_chart(found: Timeline, due: Sequence[tuple[date, str]], sentence: str, *, slug: str) -> Chart:
    """Learners by day, with numbered spikes and dips (as in the list beside it) and marks on due dates.

    Args:
        found: the days and their turns.
        due: due dates with what is due, in order.
        sentence: what to see in it.
        slug: makes ids in the drawing unique on its page.
    """
    first, last = found.days[0].day, found.days[-1].day
    top = nice_top(max([each.learners or 0 for each in found.days] + [1]))
    up = Axis(0, top, (0, top / 2, top) if top % 2 == 0 else (0, top), whole, "")
    places = tuple(7 * week for week in ticks(last // 7, 20))
    across = Axis(first, last + 1, places, lambda day: whole(day / 7 + 1), "week, at its first day")
    frame = Frame(across, up, 12, WIDE, TALL, 40)
    on = {each.on: each.day for each in found.days}
    parts = [
        frame.grid(),
        *_due_marks(frame, due, on),
        *_dips(frame, found, on),
        _days(frame, found),
        _hidden(frame, found),
    ]
    parts.append(words_at("tick", frame.left, 14, "learners a day"))
    for number, turn in enumerate(found.turns, start=1):
        day = on[turn.from_on] + (on[turn.until_on] - on[turn.from_on]) / 2 + 0.5
        above = frame.y(turn.learners or 0) - 6 if turn.kind == "spike" else frame.top + 14
        parts.append(words_at("name-main", frame.x(day), max(above, 26), str(number), anchor="middle"))
    rows = tuple(
        (
            f"{each.on:%a} {each.on.day} {each.on:%b %Y}",
            FEW if each.learners is None else f"{each.learners:,}",
            "–" if each.interactions is None else f"{each.interactions:,}",
            _number(each.expected),
        )
        for each in found.days
    )
    header = ("Day", "Learners", "Interactions", "Usual for the weekday")
    svg = drawing("Learners by day", sentence, slug, parts, width=WIDE, height=TALL)
    return Chart("Learners by day", svg, sentence, header, rows)


def share_bar(told: Part | None) -> Markup:
    """A bar as long as the share, for a cell of a table whose text says the same; nothing where it is hidden."""
    if told is None or not told.of or (told.share is None and told.hidden != "all but few"):
        return Markup("")
    share = told.share if told.share is not None else 1 - (SMALLEST - 1) / told.of
    return Markup(
        '<svg class="bar" viewBox="0 0 100 8" width="100" height="8" preserveAspectRatio="none" aria-hidden="true" '
        'focusable="false">{}{}</svg>'
    ).format(
        tag("rect", "track", x=0, y=0, width=100, height=8, fill=SHADE),
        tag("rect", "fill", x=0, y=0, width=100 * min(1.0, share), height=8, fill=BAR),
    )


def _points(curve: Curve, step: int) -> tuple[Point, ...]:
    return tuple(Point(each.days / step, each.share, each.low, each.high) for each in curve.points)


def _column(frame: Frame, index: int, column: Column, marked: bool) -> Markup:
    left, right = frame.x(index + 0.1), frame.x(index + 0.9)
    if column.value is None:
        box = {"x": left, "y": frame.floor - STUB, "width": right - left, "height": STUB}
        return tag("rect", "hidden", fill="none", stroke=LINE, **box)
    box = {"x": left, "y": frame.y(column.value), "width": right - left, "height": frame.floor - frame.y(column.value)}
    return tag("rect", "main-fill" if marked else "fill", fill=MAIN if marked else BAR, **box)


def _expected(frame: Frame, expected: Sequence[float | None]) -> list[Markup]:
    places = [
        f"{coordinate(frame.x(index + 0.5))},{coordinate(frame.y(number))}"
        for index, number in enumerate(expected)
        if number is not None
    ]
    if len(places) < 2:
        return []
    return [
        tag(
            "polyline",
            "rule-line",
            points=" ".join(places),
            fill="none",
            stroke=LINE,
            stroke_width=1.5,
            stroke_dasharray="4 3",
        )
    ]


def _days(frame: Frame, found: Timeline) -> Markup:
    """All days as one path of steps; a hidden day lies on the floor."""
    steps = [f"M{coordinate(frame.x(found.days[0].day))} {coordinate(frame.floor)}"]
    steps += [f"V{coordinate(frame.y(each.learners or 0))}H{coordinate(frame.x(each.day + 1))}" for each in found.days]
    return tag("path", "fill", d=" ".join([*steps, f"V{coordinate(frame.floor)}Z"]), fill=BAR)


def _hidden(frame: Frame, found: Timeline) -> Markup:
    steps = [
        f"M{coordinate(frame.x(each.day))} {coordinate(frame.floor - STUB)}H{coordinate(frame.x(each.day + 1))}"
        for each in found.days
        if each.learners is None
    ]
    return tag("path", "other-line", d=" ".join(steps), fill="none", stroke=LINE) if steps else Markup("")


def _due_marks(frame: Frame, due: Sequence[tuple[date, str]], on: Mapping[date, int]) -> list[Markup]:
    marks = []
    for day in dict.fromkeys(each for each, _ in due if each in on):
        at = frame.x(on[day] + 0.5)
        marks.append(
            tag("line", "rule-line", x1=at, y1=frame.top, x2=at, y2=frame.floor, stroke=LINE, stroke_dasharray="2 3")
        )
        above, left, right = coordinate(frame.top - 9), coordinate(at - 5), coordinate(at + 5)
        corners = f"{left},{above} {right},{above} {coordinate(at)},{coordinate(frame.top)}"
        marks.append(tag("polygon", "main-fill", points=corners, fill=MAIN))
    return marks


def _dips(frame: Frame, found: Timeline, on: Mapping[date, int]) -> list[Markup]:
    return [
        tag(
            "rect",
            "shade",
            x=frame.x(on[turn.from_on]),
            y=frame.top,
            width=frame.x(on[turn.until_on] + 1) - frame.x(on[turn.from_on]),
            height=frame.floor - frame.top,
            fill=SHADE,
        )
        for turn in found.turns
        if turn.kind == "dip"
    ]


def _number(number: float | None) -> str:
    return "–" if number is None else f"{number:.1f}".removesuffix(".0")
