"""The drawing of a learner's own weeks: on how many days they were there, and the target that they set themselves."""

from collections.abc import Sequence
from typing import Final

from markupsafe import Markup

from headway.flow.me import OwnWeek
from headway.reports.charts import Axis, Chart, Frame, drawing, tag, whole, words_at
from headway.web.words import Words

DAYS: Final = (0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0)
WIDTH: Final = 400.0
HEIGHT: Final = 180.0
GAP: Final = 0.18
FILL: Final = "#3f73a8"
LINE: Final = "#8a8a86"
MOST_NAMED: Final = 13


def weeks_chart(weeks: Sequence[OwnWeek], target: int | None, sentence: str, words: Words) -> Chart:
    """A column for each week, the week that is going on with a dashed edge; a line where the own target lies.

    Args:
        weeks: at least one, the oldest first.
        target: days a week that the learner wants to be there; None for no line.
        sentence: what to see in it.
        words: the reader's.
    """
    _ = words.gettext
    every = -(-len(weeks) // MOST_NAMED)
    ticks = tuple(float(week.number) for week in weeks if (week.number - 1) % every == 0)
    across = Axis(0.5, len(weeks) + 0.5, ticks, whole, _("week of the course"))
    frame = Frame(across, Axis(0, 7, DAYS, whole, ""), 74 if target else 10, WIDTH, HEIGHT)
    parts = [frame.grid(), *(_column(frame, week) for week in weeks)]
    if target:
        at, end = frame.y(target), WIDTH - frame.right
        parts.append(tag("line", "mark", x1=frame.left, y1=at, x2=end, y2=at, stroke=LINE, stroke_dasharray="4 3"))
        parts.append(words_at("name-main", end + 6, at + 4, _("your target")))
    title = _("Days on which you were here, by week")
    header = (_("Week"), _("Begins on"), _("Days"), _("Things done"))
    rows = tuple(
        (
            str(week.number) if week.whole else _("%(n)s (going on)") % {"n": week.number},
            words.day_text(week.starts_on),
            words.number(week.days),
            words.number(week.acts),
        )
        for week in weeks
    )
    svg = drawing(title, sentence, "own-weeks", parts, width=WIDTH, height=HEIGHT)
    return Chart(title, svg, sentence, header, rows)


def _column(frame: Frame, week: OwnWeek) -> Markup:
    left, right = frame.x(week.number - 0.5 + GAP), frame.x(week.number + 0.5 - GAP)
    top = frame.y(max(week.days, 0.06))
    dashes = None if week.whole else "3 2"
    return tag(
        "rect",
        "column" if week.whole else "column going-on",
        x=left,
        y=top,
        width=right - left,
        height=frame.floor - top,
        fill=FILL,
        stroke=None if week.whole else LINE,
        stroke_dasharray=dashes,
    )
