"""The drawings of the learner page: the chance over weeks, and what was done day by day. Pure functions."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from markupsafe import Markup

from headway.advising.wording import label_words, tenths
from headway.explanation.reasons import Reason
from headway.flow.learner import Week
from headway.reports.charts import (
    CHANCE,
    DOWN,
    HAIR,
    INK_2,
    LINE,
    MAIN,
    UP,
    Axis,
    Chart,
    Frame,
    coordinate,
    dot,
    drawing,
    tag,
    whole,
    words_at,
)
from headway.web.site import Run
from headway.web.words import Words

FUTURE: Final = "#f1f1ee"
COLUMN: Final = "#3f73a8"
STRIP_WIDTH: Final = 560
STRIP_HEIGHT: Final = 150
MOST_MARKS: Final = 4
"""So many contacts are named in the drawing; all of them stand in the thread."""

_BAND_IS: Final = "The shaded band is where the true chance probably lies."
_LETTER: Final = 6.2


@dataclass(frozen=True, slots=True)
class Mark:
    """Something that happened on a day, as it is named in a drawing."""

    day: date
    name: str


def chance_chart(
    weeks: Sequence[Week], run: Run, until: date, marks: Sequence[Mark], words: Words, *, slug: str
) -> Chart:
    """The chance week by week as it was kept, with its range, what people did, and the weeks to come in grey.

    Args:
        weeks: at least one, oldest first.
        run: the course run, whose weeks are the scale.
        until: the last day that is known.
        marks: contacts, by day.
        words: the reader's.
        slug: makes ids in the drawing unique on its page.
    """
    said = label_words(str(weeks[-1].score_run.facts["label"]))
    across = Axis(1, max(2, run.weeks), _weeks(run), whole, words.gettext("week"))
    frame = Frame(across, CHANCE, 12)
    told = [each for each in weeks if each.prediction.risk is not None]
    parts = [_future(frame, _place(run, until), words), frame.grid(), _band(frame, told, run)]
    parts += [_line(frame, told, run), _marks(frame, [mark for mark in marks if mark.day <= until], run)]
    title = words.gettext("%(chance)s, week by week") % {"chance": said.chance.capitalize()}
    sentence = f"{_sentence(told, run, words)} {words.gettext(_BAND_IS)}".strip()
    header = (words.gettext("Week"), words.gettext("As of"), said.chance.capitalize(), words.gettext("Past learners"))
    rows = tuple(
        (
            words.number(_week(each, run)),
            words.day_text(each.score_run.as_of.day(run.zone)),
            chance_of(each, words),
            words.number(each.prediction.comparable),
        )
        for each in weeks
    )
    return Chart(title, drawing(title, sentence, slug, parts), sentence, header, rows)


def chance_of(week: Week, words: Words) -> str:
    """The kept chance in whole tenths with its range, or that it was too early."""
    said = week.prediction
    if said.risk is None or said.low is None or said.high is None:
        return words.gettext("Too early to say")
    return tenths(said.risk, said.low, said.high)


def day_strip(
    days: Mapping[date, int], run: Run, until: date, due: Sequence[date], words: Words, *, slug: str
) -> Chart:
    """What was done on each day of the course as columns, with due dates above and the days to come in grey.

    Args:
        days: things done by local day.
        run: the course run.
        until: the last day that is known.
        due: due dates.
        words: the reader's.
        slug: makes ids in the drawing unique on its page.
    """
    first = min([run.starts_on, *days])
    last = max(run.ends_on, until)
    top = max([5, *days.values()])
    across = Axis(0, (last - first).days + 1, _mondays(run, first), _week_name(run, first), words.gettext("week"))
    up = Axis(0, top, (0, top), whole, "")
    frame = Frame(across, up, 8, STRIP_WIDTH, STRIP_HEIGHT)
    end = frame.x((until - first).days + 1)
    parts = [_future(frame, (until - first).days + 1, words), frame.grid(every=max(1, len(across.ticks) // 14 + 1))]
    # One path for all columns: a rectangle each would make up half of the page.
    width = max(1.0, (frame.x(1) - frame.x(0)) * 0.8)
    drawn = "".join(
        f"M{coordinate(frame.x((day - first).days))} {coordinate(frame.floor)}"
        f"V{coordinate(frame.y(number))}h{coordinate(width)}V{coordinate(frame.floor)}z"
        for day, number in days.items()
        if number and day <= until
    )
    parts.append(tag("path", "column", d=drawn or "M0 0", fill=COLUMN))
    parts += [_due(frame, frame.x((day - first).days + 0.5), passed=frame.x((day - first).days) < end) for day in due]
    title = words.gettext("Things done per day")
    sentence = _strip_sentence(days, until, words)
    return Chart(
        title,
        drawing(title, sentence, slug, parts, width=STRIP_WIDTH, height=STRIP_HEIGHT),
        sentence,
        (words.gettext("Day"), words.gettext("Things done")),
        tuple((words.day_text(day), words.number(number)) for day, number in days.items()),
    )


def _weeks(run: Run) -> tuple[float, ...]:
    step = 1 if run.weeks <= 14 else 4 if run.weeks <= 52 else 13
    return tuple(range(1, run.weeks + 1, step))


def _place(run: Run, day: date) -> float:
    """Where the end of a day stands on the scale of weeks: that of the last day of week 3 is 3."""
    return ((day - run.starts_on).days + 1) / 7


def _week(week: Week, run: Run) -> int:
    return run.week_of(week.score_run.as_of.day(run.zone))


def _at(frame: Frame, week: Week, run: Run) -> float:
    return frame.x(_place(run, week.score_run.as_of.day(run.zone)))


def _future(frame: Frame, begins: float, words: Words) -> Markup:
    left, right = frame.x(max(frame.across.low, begins)), frame.x(frame.across.high)
    if right - left < 2:
        return Markup("")
    box = tag("rect", "future", x=left, y=frame.top, width=right - left, height=frame.floor - frame.top, fill=FUTURE)
    name = words.gettext("still to come")
    if right - left < _LETTER * len(name) + 8:
        return box
    return box + words_at("tick", (left + right) / 2, frame.top + 14, name, anchor="middle")


def _band(frame: Frame, weeks: Sequence[Week], run: Run) -> Markup:
    edges = [
        (_at(frame, each, run), each.prediction.low, each.prediction.high)
        for each in weeks
        if each.prediction.low is not None and each.prediction.high is not None
    ]
    if len(edges) == 1:
        at, low, high = edges[0]
        return tag("line", "main-line", x1=at, y1=frame.y(low), x2=at, y2=frame.y(high), stroke=MAIN, stroke_width=2)
    over = [f"{coordinate(at)},{coordinate(frame.y(high))}" for at, _, high in edges]
    under = [f"{coordinate(at)},{coordinate(frame.y(low))}" for at, low, _ in reversed(edges)]
    return tag("polygon", "band", points=" ".join(over + under), fill=MAIN, fill_opacity="0.22") if edges else Markup()


def _line(frame: Frame, weeks: Sequence[Week], run: Run) -> Markup:
    places = [
        (_at(frame, each, run), frame.y(each.prediction.risk)) for each in weeks if each.prediction.risk is not None
    ]
    told = " ".join(f"{coordinate(x)},{coordinate(y)}" for x, y in places)
    line = tag("polyline", "main-line", points=told, fill="none", stroke=MAIN, stroke_width=2)
    return line + Markup("").join(dot(x, y) for x, y in places)


def _marks(frame: Frame, marks: Sequence[Mark], run: Run) -> Markup:
    parts: list[Markup] = []
    for place, mark in enumerate(sorted(marks, key=lambda each: each.day)[-MOST_MARKS:]):
        at = frame.x(max(frame.across.low, _place(run, mark.day)))
        ends = {"x1": at, "y1": frame.top, "x2": at, "y2": frame.floor}
        parts.append(tag("line", "mark", stroke=INK_2, stroke_dasharray="3 3", **ends))
        # Names stand in turn at two heights, on the side where there is room.
        after = at + 6 + _LETTER * len(mark.name) < frame.width
        height = frame.floor - 6 - 14 * (place % 2)
        parts.append(
            words_at("name-main", at + (4 if after else -4), height, mark.name, anchor="start" if after else "end")
        )
    return Markup("").join(parts)


def _due(frame: Frame, at: float, *, passed: bool) -> Markup:
    top = frame.top - 9
    points = f"{coordinate(at - 4)},{coordinate(top)} {coordinate(at + 4)},{coordinate(top)} "
    points += f"{coordinate(at)},{coordinate(top + 7)}"
    return tag("polygon", "due", points=points, fill=INK_2 if passed else "none", stroke=INK_2)


def _sentence(weeks: Sequence[Week], run: Run, words: Words) -> str:
    if not weeks:
        return words.gettext("It was too early to say in every week so far.")
    last = weeks[-1]
    now = {"week": _week(last, run), "now": chance_of(last, words)}
    if len(weeks) == 1:
        return words.gettext("In week %(week)s: %(now)s.") % now
    first = {"first": _week(weeks[0], run), "then": chance_of(weeks[0], words)}
    return words.gettext("In week %(first)s: %(then)s. In week %(week)s: %(now)s.") % (now | first)


def _strip_sentence(days: Mapping[date, int], until: date, words: Words) -> str:
    active = [day for day, number in days.items() if number and day <= until]
    lately = sum(day > until - timedelta(days=14) for day in active)
    if not active:
        return words.gettext("Nothing is recorded up to this day.")
    told = words.ngettext("Active on %(num)s of the last 14 days.", "Active on %(num)s of the last 14 days.", lately)
    last = words.gettext("Last seen %(day)s.") % {"day": words.day_text(max(active))}
    return f"{told % {'num': words.number(lately)}} {last}"


def _mondays(run: Run, first: date) -> tuple[float, ...]:
    """Where each course week begins."""
    step = 7 if run.weeks <= 14 else 28
    return tuple(range((run.starts_on - first).days, (run.ends_on - first).days + 1, step))


def _week_name(run: Run, first: date) -> Callable[[float], str]:
    """Writes a place on the scale of days as the course week that begins there."""

    def name(at: float) -> str:
        return whole((first + timedelta(days=int(at)) - run.starts_on).days // 7 + 1)

    return name


def bar(reason: Reason, widest: float) -> Markup:
    """A reason's weight as a bar to the right (towards the label) or to the left of a middle line."""
    length = 98 * reason.share / (widest or 1.0)
    up = reason.direction == "for"
    return Markup(
        '<svg class="bar" viewBox="0 0 200 10" width="200" height="10" preserveAspectRatio="none" aria-hidden="true">'
        '<path class="grid" d="M0 5h200" stroke="{}"/><rect class="{}" x="{}" width="{}" height="10" fill="{}"/>'
        '<path class="axis" d="M100 0v10" stroke="{}"/></svg>'
    ).format(
        HAIR,
        "up" if up else "down",
        coordinate(100 if up else 100 - length),
        coordinate(length),
        UP if up else DOWN,
        LINE,
    )
