"""The drawings of the course and data pages: pure functions from a description to a drawing, a sentence and a table.

They draw on the same pieces as `headway.reports.charts`, in the reader's words. A number about fewer than ten learners
reaches no drawing: it is a hollow stub and says so.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from markupsafe import Markup

from headway.advising.wording import LISTS
from headway.description.coarser import LEAST
from headway.description.groups import Part
from headway.description.items import Items, reached
from headway.description.retention import Curve, Retention
from headway.description.timeline import Timeline
from headway.description.videos import Video
from headway.flow.course_page import ListWeek, Mark
from headway.reports.charts import (
    LINE,
    MAIN,
    Axis,
    Chart,
    Frame,
    Point,
    coordinate,
    dot,
    drawing,
    tag,
    whole,
    words_at,
)
from headway.reports.course_charts import BAR, STUB, TALL, WIDE, nice_top, percent_tick, ticks
from headway.web.words import Words

SUNKEN: Final = "#f1f1ee"
LIST_FILLS: Final = ("#5b1a5e", "#a3316f", "#cc6f38", "#cfd3d8")
LEGEND: Final = 104.0
"""Room for the names of the lists beside their columns."""

STRIP_HEIGHT: Final = 44.0
STRIP_WIDTH: Final = 360.0


def few(words: Words) -> str:
    """How a number about fewer than ten learners is written."""
    return words.gettext("< %(few)s") % {"few": LEAST}


def letter(number: int) -> str:
    """The name of the nth change on a timeline: A to Z, then A2.

    >>> letter(0), letter(27)
    ('A', 'B2')
    """
    turn, place = divmod(number, 26)
    return f"{chr(65 + place)}{turn + 1 if turn else ''}"


@dataclass(frozen=True, slots=True)
class Beside:
    """This run's share of who is still there at a time, and the lowest and highest of the runs before it."""

    days: int
    share: float
    low: float | None
    high: float | None


def beside_earlier(found: Retention) -> list[Beside]:
    """Who is still there at each told time of the run, beside the range of earlier runs at the same time."""
    told = []
    for point in found.this.points:
        others = [_share_at(curve, point.days) for curve in found.earlier]
        known = [each for each in others if each is not None]
        told.append(
            Beside(point.days, point.share, min(known) if known else None, max(known) if known else None),
        )
    return told


def retention_chart(
    found: Retention, sentence: str, words: Words, weeks: int, marks: Sequence[tuple[int, str]] = ()
) -> Chart:
    """The run's curve over the range of the runs before it, with that range's middle line to the end of the course.

    Args:
        found: the curves.
        sentence: what to see.
        words: the reader's.
        weeks: how many weeks the run has.
        marks: course days, 0 the first, with the letters of changes that staff made then.
    """
    _ = words.gettext
    step = found.this.step_days
    far = max(curve.points[-1].days for curve in (found.this, *found.earlier))
    last = max(1, far // step if step == 1 else min(weeks, far // step) or 1)
    every = [
        (place, [share for share in (_share_at(curve, place * step) for curve in found.earlier) if share is not None])
        for place in range(last + 1)
    ]
    ranged = [(place, min(each), sorted(each)[len(each) // 2], max(each)) for place, each in every if each]
    lowest = min([point.share for point in found.this.points] + [low for _, low, _, _ in ranged])
    floor = 0.0 if lowest < 0.5 else 0.5
    title = _("Still there, week by week") if step == 7 else _("Still there, day by day")
    up = Axis(floor, 1, (floor, (1 + floor) / 2, 1), percent_tick, "")
    across = Axis(0, last, ticks(last), whole, _("week") if step == 7 else _("day"))
    frame = Frame(across, up, 62 if ranged else 12)
    parts = [frame.grid()]
    if ranged:
        parts += _range(frame, ranged)
        end = ranged[-1]
        parts.append(words_at("name", frame.x(end[0]) + 6, frame.y(end[2]) + 4, _("earlier")))
    for day, name in marks:
        if 0 <= day / step <= last:
            at = frame.x(day / step)
            parts.append(tag("line", "mark", x1=at, y1=frame.top, x2=at, y2=frame.floor, stroke=LINE, stroke_width=1.5))
            parts.append(words_at("name-main", at + 3, frame.floor - 5, name))
    points = [Point(point.days / step, point.share) for point in found.this.points if point.days // step <= last]
    line = " ".join(f"{coordinate(frame.x(each.x))},{coordinate(frame.y(each.y))}" for each in points)
    parts.append(tag("polyline", "main-line", points=line, fill="none", stroke=MAIN, stroke_width=2))
    parts.append(dot(frame.x(points[-1].x), frame.y(points[-1].y)))
    parts.append(_this_run(frame, points[-1], ranged, _("this run")))
    rows = tuple(
        (
            str(place),
            _percent_at(found.this, place * step, words),
            words.percent(low_high[0]) if low_high else "–",
            words.percent(low_high[1]) if low_high else "–",
        )
        for place, low_high in ((place, (min(each), max(each)) if each else None) for place, each in every)
    )
    header = (_("Week") if step == 7 else _("Day"), _("This run"), _("Earlier, lowest"), _("Earlier, highest"))
    return Chart(title, drawing(title, sentence, "retention", parts), sentence, header, rows)


def lists_chart(found: Sequence[ListWeek], weeks: int, sentence: str, words: Words) -> Chart:
    """How large a part of the learners was on each list, week by week, stacked; weeks ahead are shaded."""
    _ = words.gettext
    title = _("Lists by week")
    across = Axis(0, weeks, (), whole, _("week"))
    frame = Frame(across, Axis(0, 1, (0, 0.5, 1), percent_tick, ""), LEGEND)
    parts = [frame.grid()]
    known = {each.week: each for each in found}
    labels = set(ticks(weeks, 13))
    for week in range(1, weeks + 1):
        left, width = frame.x(week - 1 + 0.08), frame.x(week - 0.08) - frame.x(week - 1 + 0.08)
        if week in known:
            parts += _stack(frame, known[week], left, width)
        else:
            box = {"x": left, "y": frame.top, "width": width, "height": frame.floor - frame.top}
            parts.append(tag("rect", "future", fill=SUNKEN, **box))
        if week in labels or weeks <= 13:
            parts.append(words_at("tick", left + width / 2, frame.floor + 16, str(week), anchor="middle"))
    for place, name in enumerate(reversed(LISTS)):
        at = 16.0 + 22 * place
        fill = LIST_FILLS[3 - place]
        kind = f"r{4 - place}"
        parts.append(tag("rect", kind, x=frame.width - LEGEND + 10, y=at, width=11, height=11, fill=fill))
        parts.append(words_at("name-main", frame.width - LEGEND + 27, at + 10, _(name)))
    header = (_("Week"), *(_(name) for name in LISTS), _("Too early to say"))
    rows = tuple(
        (str(each.week), *(few(words) if count is None else words.number(count) for count in each.counts))
        for each in found
    )
    return Chart(title, drawing(title, sentence, "lists", parts), sentence, header, rows)


def timeline_chart(
    found: Timeline,
    due: Sequence[tuple[date, str]],
    opens: Sequence[tuple[date, str]],
    marks: Sequence[Mark],
    sentence: str,
    words: Words,
) -> Chart:
    """Learners a day: triangles where something is due, rings where it opens, lettered lines where staff changed it."""
    _ = words.gettext
    title = _("Learners a day")
    first, last = found.days[0].day, found.days[-1].day
    top = nice_top(max([each.learners or 0 for each in found.days] + [1]))
    up = Axis(0, top, (0, top / 2, top) if top % 2 == 0 else (0, top), whole, "")
    places = tuple(7 * week for week in ticks(last // 7, 20))
    across = Axis(first, last + 1, places, lambda day: whole(day / 7 + 1), _("week, at its first day"))
    frame = Frame(across, up, 12, WIDE, TALL, 44 if marks else 20)
    on = {each.on: each.day for each in found.days}
    parts = [frame.grid(), *_opens(frame, opens, on), *_days(frame, found), *_due(frame, due, on)]
    for place, mark in enumerate(marks):
        if mark.happened_on in on:
            at = frame.x(on[mark.happened_on] + 0.5)
            line = {"x1": at, "y1": frame.top - 24, "x2": at, "y2": frame.floor}
            parts.append(tag("line", "mark", stroke=LINE, stroke_width=2, **line))
            parts.append(words_at("name-main", at + 4, frame.top - 28, letter(place)))
    noted = _notes(due, opens, marks, words)
    rows = tuple(
        (
            words.day_text(each.on),
            few(words) if each.learners is None else words.number(each.learners),
            "; ".join(noted.get(each.on, ())),
        )
        for each in found.days
    )
    header = (_("Day"), _("Learners"), _("That day"))
    svg = drawing(title, sentence, "timeline", parts, width=WIDE, height=TALL)
    return Chart(title, svg, sentence, header, rows)


def openings_chart(
    found: Items,
    cells: Sequence[Part],
    due: int | None,
    earlier: tuple[str, Items, Sequence[Part]] | None,
    marks: Sequence[tuple[int, str]],
    sentence: str,
    words: Words,
) -> Chart:
    """Which share of a week's active learners used one thing, week by week; an earlier run's as a dashed line.

    Args:
        found: the columns.
        cells: the thing's.
        due: the column in which it is due.
        earlier: an earlier run's name, columns and cells of the same thing.
        marks: weeks with their letters in which staff made a change.
        sentence: what to see.
        words: the reader's.
    """
    _ = words.gettext
    title = _("Used by share of the week's active learners")
    columns = [place for place, week in enumerate(found.weeks) if week]
    before = {} if earlier is None else dict(zip(earlier[1].weeks, earlier[2], strict=True))
    size = max([len(columns), *before]) if before else max(1, len(columns))
    shares = [cells[place].share for place in columns] + [each.share for each in before.values()]
    top = next(top for top in (0.1, 0.2, 0.5, 1.0) if max([each or 0 for each in shares] + [0]) <= top)
    frame = Frame(
        Axis(0, size, (), whole, _("week")), Axis(0, top, (0, top / 2, top), percent_tick, ""), 12, top=26, height=220
    )
    parts = [frame.grid()]
    labels = set(ticks(size, 13))
    parts += [
        words_at("tick", frame.x(week - 0.5), frame.floor + 16, str(week), anchor="middle")
        for week in range(1, size + 1)
        if week in labels or size <= 13
    ]
    parts += [_share_column(frame, found.weeks[place] - 1, cells[place]) for place in columns]
    line = [
        f"{coordinate(frame.x(week - 0.5))},{coordinate(frame.y(each.share))}"
        for week, each in before.items()
        if week and each.share is not None
    ]
    if len(line) > 1:
        parts.append(_dashes(" ".join(line)))
    if due is not None and found.weeks[due]:
        parts.append(_triangle(frame, found.weeks[due] - 0.5))
    for week, name in marks:
        at = frame.x(week - 0.5)
        parts.append(tag("line", "mark", x1=at, y1=frame.top - 8, x2=at, y2=frame.floor, stroke=LINE, stroke_width=2))
        parts.append(words_at("name-main", at, frame.top - 12, name, anchor="middle"))
    header = [_("Week"), _("Learners"), _("Of those active")]
    rows = []
    for place, week in enumerate(found.weeks):
        row = [str(week) if week else _("before"), part_count(cells[place], words), part_share(cells[place], words)]
        rows.append((*row, part_share(before[week], words) if week in before else "–") if earlier else tuple(row))
    if earlier:
        header.append(earlier[0])
    svg = drawing(title, sentence, "openings", parts, height=220)
    return Chart(title, svg, sentence, tuple(header), tuple(rows))


def marks_chart(
    name: str, bins: Sequence[int | None], sentence: str, words: Words, *, slug: str, bare: bool = False
) -> Chart:
    """How many learners got which mark, in tenths of the full mark."""
    _ = words.gettext
    title = name if bare else _("Marks of %(name)s") % {"name": name}
    top = nice_top(max([count or 0 for count in bins] + [1]))
    across = Axis(0, 10, (0, 2, 4, 6, 8, 10), lambda tenth: words.percent(tenth / 10), _("mark"))
    up = Axis(0, top, (0, top / 2, top) if top % 2 == 0 else (0, top), whole, "")
    frame = Frame(across, up, 22, height=170)
    parts = [frame.grid()]
    for place, count in enumerate(bins):
        parts.append(_column(frame, place, None if count is None else float(count)))
    rows = tuple(
        (
            f"{words.percent(place / 10)}–{words.percent((place + 1) / 10)}",
            few(words) if count is None else words.number(count),
        )
        for place, count in enumerate(bins)
    )
    return Chart(title, drawing(title, sentence, slug, parts, height=170), sentence, (_("Mark"), _("Learners")), rows)


def seen_chart(video: Video, sentence: str, words: Words, *, slug: str) -> Chart | None:
    """Which share of its viewers saw each twentieth of a recording; None where places in it are not known."""
    if not video.seen or video.length_s is None or video.viewers.of is None or video.viewers.hidden == "few":
        return None
    _ = words.gettext
    step = video.length_s / len(video.seen)
    size = len(video.seen)
    across = Axis(0, size, tuple(range(0, size + 1, 5)), lambda place: clock(place * step), _("minute"))
    frame = Frame(across, Axis(0, 1, (0, 0.5, 1), percent_tick, ""), 22, height=170)
    edge = [f"{coordinate(frame.x(0))},{coordinate(frame.floor)}"]
    for place, share in enumerate(video.seen):
        edge += [f"{coordinate(frame.x(at))},{coordinate(frame.y(share))}" for at in (place, place + 1)]
    edge.append(f"{coordinate(frame.x(size))},{coordinate(frame.floor)}")
    parts = [frame.grid(), tag("polygon", "column", points=" ".join(edge), fill=BAR)]
    if video.stop is not None:
        left, right = frame.x(video.stop.from_s / step), frame.x(video.stop.to_s / step)
        box = {"x": left, "y": frame.top, "width": right - left, "height": frame.floor - frame.top}
        parts.append(tag("rect", "stop", fill="none", stroke=MAIN, stroke_width=2, **box))
    rows = tuple((clock(place * step), words.percent(share)) for place, share in enumerate(video.seen))
    svg = drawing(video.name, sentence, slug, parts, height=170)
    return Chart(video.name, svg, sentence, (_("From"), _("Seen by")), rows)


def share_bar(part: Part | None) -> Markup:
    """A bar as long as a share, beside the text that says the same; nothing where it is hidden."""
    if part is None or part.share is None:
        return Markup("")
    return Markup(
        '<svg class="bar" viewBox="0 0 100 8" width="100" height="8" preserveAspectRatio="none" aria-hidden="true" '
        'focusable="false">{}{}</svg>'
    ).format(
        tag("rect", "future", x=0, y=0, width=100, height=8, fill=SUNKEN),
        tag("rect", "column", x=0, y=0, width=100 * min(1.0, part.share), height=8, fill=BAR),
    )


def day_strip(
    counts: Sequence[tuple[date, int]], silent: frozenset[date], name: str, sentence: str, words: Words, *, slug: str
) -> Chart:
    """Rows that arrived day by day as a low strip of columns; a day on which none came is a gap, drawn hollow."""
    _ = words.gettext
    title = _("Rows a day: %(source)s") % {"source": name}
    top = max([count for _, count in counts] + [1])
    width = STRIP_WIDTH / max(1, len(counts))
    floor = STRIP_HEIGHT - 2
    parts = [tag("line", "axis", x1=0, y1=floor + 1, x2=STRIP_WIDTH, y2=floor + 1, stroke=LINE)]
    for place, (day, count) in enumerate(counts):
        left = place * width
        if count:
            height = max(1.5, count / top * (floor - 2))
            box = {"x": left + width * 0.08, "y": floor - height, "width": width * 0.84, "height": height}
            parts.append(tag("rect", "column", fill=BAR, **box))
        elif day in silent:
            box = {"x": left + width * 0.1, "y": 2, "width": width * 0.8, "height": floor - 2}
            parts.append(tag("rect", "stop", fill="none", stroke=MAIN, **box))
    rows = tuple((words.day_text(day), words.number(count)) for day, count in counts)
    svg = drawing(title, sentence, slug, parts, width=STRIP_WIDTH, height=STRIP_HEIGHT)
    return Chart(title, svg, sentence, (_("Day"), _("Rows")), rows)


def part_count(part: Part, words: Words) -> str:
    """A part as a number of learners, or how it is hidden."""
    if part.count is not None:
        return words.number(part.count)
    if part.hidden == "all but few":
        return words.gettext("all but a few")
    return few(words)


def part_share(part: Part, words: Words) -> str:
    """A part as a share, or how it is hidden."""
    if part.share is not None:
        return words.percent(part.share)
    if part.of == 0:
        return "–"
    return words.gettext("nearly all") if part.hidden == "all but few" else few(words)


def clock(seconds: float) -> str:
    """A place in a recording: `2:10`, `1:02:10`.

    >>> clock(130), clock(3730)
    ('2:10', '1:02:10')
    """
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def _share_at(curve: Curve, days: int) -> float | None:
    """Who is still there after so many days; None where the curve does not reach so far."""
    if days > curve.points[-1].days + curve.step_days - 1:
        return None
    return next((point.share for point in reversed(curve.points) if point.days <= days), None)


def _percent_at(curve: Curve, days: int, words: Words) -> str:
    found = _share_at(curve, days)
    return "–" if found is None else words.percent(found)


def _range(frame: Frame, ranged: Sequence[tuple[int, float, float, float]]) -> list[Markup]:
    def line(place: int) -> list[str]:
        return [f"{coordinate(frame.x(each[0]))},{coordinate(frame.y(each[place]))}" for each in ranged]

    low, middle, high = line(1), line(2), line(3)
    edges = [
        tag("polyline", "other-line", points=" ".join(each), fill="none", stroke=LINE, stroke_width=0.75)
        for each in (low, high)
    ]
    band = tag("polygon", "future", points=" ".join([*high, *reversed(low)]), fill=SUNKEN)
    return [band, *edges, _dashes(" ".join(middle))]


def _dashes(points: str) -> Markup:
    return tag(
        "polyline", "rule-line", points=points, fill="none", stroke=LINE, stroke_width=1.5, stroke_dasharray="4 3"
    )


def _this_run(frame: Frame, end: Point, ranged: Sequence[tuple[int, float, float, float]], name: str) -> Markup:
    """The name of the run's line: below its end where it lies under the others, else above."""
    others = next((each for each in ranged if each[0] == int(end.x)), None)
    below = others is None or end.y <= others[2]
    at = min(frame.width - frame.right - 24, max(frame.left + 24, frame.x(end.x)))
    up = min(frame.floor - 4, frame.y(end.y) + 18) if below else max(frame.top + 10, frame.y(end.y) - 10)
    return words_at("name-main", at, up, name, anchor="middle")


def _stack(frame: Frame, found: ListWeek, left: float, width: float) -> list[Markup]:
    """The parts of a column from below: the first list at the bottom, hidden ones together as a hollow one on top."""
    parts, from_share = [], 0.0
    size = max(1, found.learners)
    for place, count in enumerate(found.counts[:4]):
        if not count:
            continue
        until = from_share + count / size
        box = {"x": left, "y": frame.y(until), "width": width, "height": frame.y(from_share) - frame.y(until)}
        parts.append(tag("rect", f"r{place + 1} part", fill=LIST_FILLS[place], **box))
        from_share = until
    if from_share < 1:
        box = {"x": left, "y": frame.y(1), "width": width, "height": frame.y(from_share) - frame.y(1)}
        parts.append(tag("rect", "hidden", fill="none", stroke=LINE, **box))
    return parts


def _column(frame: Frame, place: int, value: float | None) -> Markup:
    left, width = frame.x(place + 0.08), frame.x(place + 0.92) - frame.x(place + 0.08)
    if value is None:
        box = {"x": left, "y": frame.floor - STUB, "width": width, "height": STUB}
        return tag("rect", "hidden", fill="none", stroke=LINE, **box)
    box = {"x": left, "y": frame.y(value), "width": width, "height": frame.floor - frame.y(value)}
    return tag("rect", "column", fill=BAR, **box)


def _share_column(frame: Frame, place: int, part: Part) -> Markup:
    """A column; where all but a few are hidden as high as it is at least, where a few are a stub."""
    known = part.share is not None or part.of == 0 or part.hidden == "all but few"
    return _column(frame, place, reached(part) if known else None)


def _triangle(frame: Frame, at: float) -> Markup:
    x, above = frame.x(at), frame.top - 10
    corners = f"{coordinate(x - 5)},{coordinate(above)} {coordinate(x + 5)},{coordinate(above)}"
    return tag("polygon", "due-mark", points=f"{corners} {coordinate(x)},{coordinate(frame.top - 1)}", fill=MAIN)


def _due(frame: Frame, due: Sequence[tuple[date, str]], on: dict[date, int]) -> list[Markup]:
    parts = []
    for day in dict.fromkeys(each for each, _ in due if each in on):
        at = frame.x(on[day] + 0.5)
        ends = {"x1": at, "y1": frame.top, "x2": at, "y2": frame.floor}
        parts.append(tag("line", "rule-line", stroke=LINE, stroke_dasharray="2 3", **ends))
        parts.append(_triangle(frame, on[day] + 0.5))
    return parts


def _opens(frame: Frame, opens: Sequence[tuple[date, str]], on: dict[date, int]) -> list[Markup]:
    days = dict.fromkeys(each for each, _ in opens if each in on)
    return [
        tag("circle", "open-mark", cx=frame.x(on[day] + 0.5), cy=frame.floor + 4, r=3, fill="none", stroke=LINE)
        for day in days
    ]


def _days(frame: Frame, found: Timeline) -> list[Markup]:
    """All days as one path of steps; a hidden day is a line on the floor."""
    steps = [f"M{coordinate(frame.x(found.days[0].day))} {coordinate(frame.floor)}"]
    steps += [f"V{coordinate(frame.y(each.learners or 0))}H{coordinate(frame.x(each.day + 1))}" for each in found.days]
    drawn = [tag("path", "column", d=" ".join([*steps, f"V{coordinate(frame.floor)}Z"]), fill=BAR)]
    hidden = [
        f"M{coordinate(frame.x(each.day))} {coordinate(frame.floor - STUB)}H{coordinate(frame.x(each.day + 1))}"
        for each in found.days
        if each.learners is None
    ]
    if hidden:
        drawn.append(tag("path", "other-line", d=" ".join(hidden), fill="none", stroke=LINE))
    return drawn


def _notes(
    due: Sequence[tuple[date, str]], opens: Sequence[tuple[date, str]], marks: Sequence[Mark], words: Words
) -> dict[date, list[str]]:
    """What happened on a day, in words."""
    noted: dict[date, list[str]] = {}
    for day, name in due:
        noted.setdefault(day, []).append(words.gettext("due: %(name)s") % {"name": name})
    for day, name in opens:
        noted.setdefault(day, []).append(words.gettext("opens: %(name)s") % {"name": name})
    for place, mark in enumerate(marks):
        changed = words.gettext("change %(letter)s: %(text)s") % {"letter": letter(place), "text": mark.text}
        noted.setdefault(mark.happened_on, []).append(changed)
    return noted
