"""Charts as SVG text: pure functions from data to a drawing, a sentence and a table that hold the same numbers.

Each shape carries a class and a presentation attribute: a page's CSS decides (dark mode, a strict content policy, since
there is no `style=`), and a reader that ignores CSS still prints colours. Direction is never told by colour alone.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from markupsafe import Markup, escape

from headway.advising.wording import LabelWords
from headway.domain.errors import InputError
from headway.evaluation.metrics import ReliabilityBin
from headway.explanation.reasons import Reason

Role = Literal["main", "other", "rule"]

INK: Final = "#1b1b1a"
INK_2: Final = "#4d4d4a"
LINE: Final = "#8a8a86"
HAIR: Final = "#dcdcd7"
SURFACE: Final = "#ffffff"
MAIN: Final = "#a3316f"
UP: Final = "#b35806"
DOWN: Final = "#4a5aa8"

WIDTH: Final = 360
HEIGHT: Final = 210
RIGHT: Final = 12
TOP: Final = 12
BOTTOM: Final = 38
"""Widths and heights of the drawing, in its own units; at 360 units wide its text stays readable on a narrow screen."""

MOST_DOTS: Final = 15
"""A main line of more points is drawn without a dot on each."""

SHORT: Final = 40
"""A line that ends so far before the plot does has its name below its end."""

LETTER: Final = 6.6
"""About how wide a letter of a label is; the room for labels beside the plot depends on it."""

DASHES: Final[dict[Role, str]] = {"main": "", "other": "", "rule": "4 3"}


@dataclass(frozen=True, slots=True)
class Point:
    """One value of a series, with its range where there is one."""

    x: float
    y: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class Series:
    """A line of a chart.

    Attributes:
        name: as it stands beside the line.
        points: in the order of x.
        role: "main" is drawn in colour with its band, "other" grey, "rule" grey and dashed.
    """

    name: str
    points: tuple[Point, ...]
    role: Role = "main"


@dataclass(frozen=True, slots=True)
class Chart:
    """A drawing with all that stands in for it.

    Attributes:
        title: its name.
        svg: the drawing.
        sentence: what it shows, with numbers from the table.
        header: column names of the table.
        rows: the table, as text.
    """

    title: str
    svg: Markup
    sentence: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Axis:
    """A scale: the data's ends, the places of its ticks, how a number is written on it, and its name."""

    low: float
    high: float
    ticks: tuple[float, ...]
    write: Callable[[float], str]
    name: str


def in_ten(number: float) -> str:
    """A chance as a tick: `5 in 10`."""
    return f"{number * 10:.0f} in 10"


def decimals(number: float) -> str:
    """A figure of a model page, two decimals."""
    return f"{number:.2f}"


def whole(number: float) -> str:
    """A whole number."""
    return f"{number:.0f}"


CHANCE: Final = Axis(0, 1, (0, 0.5, 1), in_ten, "")


def line_chart(title: str, series: Sequence[Series], x: Axis, y: Axis, sentence: str, *, slug: str) -> Chart:
    """A line for each series, the main ones with a band, named at their ends rather than in a legend.

    Args:
        title: what is shown.
        series: at least one, each with at least one point.
        x: the horizontal scale.
        y: the vertical scale.
        sentence: what to see in it.
        slug: makes ids in the drawing unique on its page.

    Raises:
        InputError: no series, or an empty one.
    """
    if not series or not all(each.points for each in series):
        raise InputError(f"The chart {title!r} has nothing to draw. Give each series a point.")
    room = 14 + LETTER * max(len(each.name) for each in series) if len(series) > 1 else RIGHT
    frame = Frame(x, y, min(WIDTH * 0.4, room))
    parts = [frame.grid()]
    parts += [_band(frame, each) for each in series if each.role == "main"]
    # The main lines come last so that no grey one lies across them.
    parts += [_line(frame, each) for each in sorted(series, key=lambda each: each.role == "main")]
    if len(series) > 1:
        parts.append(_names(frame, series))
    return Chart(title, drawing(title, sentence, slug, parts), sentence, *_line_table(series, x, y))


def reliability_chart(title: str, bins: Sequence[ReliabilityBin], words: LabelWords, *, slug: str) -> Chart:
    """Predicted against observed rate, with intervals; points on the grey diagonal mean that a chance says what it is.

    Args:
        title: what is shown.
        bins: in the order of the predicted rate.
        words: how the label is spoken of.
        slug: makes ids in the drawing unique on its page.

    Raises:
        InputError: no bins.
    """
    if not bins:
        raise InputError("A reliability plot needs at least one bin of predictions with known outcomes.")
    scale = (0, 0.2, 0.4, 0.6, 0.8, 1)
    frame = Frame(Axis(0, 1, scale, in_ten, words.chance), Axis(0, 1, scale, in_ten, ""), RIGHT + 8)
    parts = [frame.grid(every=2)]
    ends = {"x1": frame.x(0), "y1": frame.y(0), "x2": frame.x(1), "y2": frame.y(1)}
    parts.append(tag("line", "rule-line", stroke=LINE, stroke_dasharray=DASHES["rule"], **ends))
    for each in bins:
        at = frame.x(each.mean_risk)
        ends = {"x1": at, "y1": frame.y(each.low), "x2": at, "y2": frame.y(each.high)}
        parts.append(tag("line", "main-line", stroke=MAIN, stroke_width=1.5, **ends))
        parts.append(dot(at, frame.y(each.observed)))
    busiest = max(bins, key=lambda each: each.n)
    sentence = (
        f"When it says about {in_ten(busiest.mean_risk)}, {busiest.low * 100:.0f}–{busiest.high * 100:.0f} in 100 "
        f"{words.happened} ({busiest.n:,} learners)."
    )
    rows = tuple(
        (f"{b.mean_risk * 100:.0f}%", f"{b.observed * 100:.0f}%", f"{b.low * 100:.0f}–{b.high * 100:.0f}%", f"{b.n:,}")
        for b in bins
    )
    header = ("Said", "Came true", "Range", "Learners")
    return Chart(title, drawing(title, sentence, slug, parts), sentence, header, rows)


def reason_bars(reasons: Sequence[Reason], words: LabelWords) -> Chart:
    """Reasons as bars to the right (towards the label) and to the left of a middle line, each under its sentence.

    The sentences are HTML and only the bars are drawn, so that long sentences wrap and keep the page's text size.
    """
    widest = max((reason.share for reason in reasons), default=1.0) or 1.0
    items = Markup("").join(
        Markup('<li><span class="sign" aria-hidden="true">{}</span> {}<span class="away">: {}</span>{}</li>').format(
            _sign(reason), reason.text, _points_to(reason, words), _bar(reason, widest)
        )
        for reason in reasons
    )
    towards = sum(reason.direction == "for" for reason in reasons)
    sentence = f"▲ points to {words.towards} ({towards}) · ▽ points to {words.away} ({len(reasons) - towards})."
    rows = tuple(
        (
            reason.text,
            f"{_sign(reason)} {_points_to(reason, words)}",
            f"{reason.share * 100:.0f}%",
        )
        for reason in reasons
    )
    header = ("What the record shows", "Points to", "Weight")
    return Chart("What this rests on", Markup('<ul class="bars">{}</ul>').format(items), sentence, header, rows)


@dataclass(frozen=True, slots=True)
class Frame:
    """Turns data into places in a drawing.

    Attributes:
        across: the horizontal scale.
        up: the vertical scale.
        right: room to the right of the plot.
        width: of the drawing.
        height: of the drawing.
        top: room above the plot.
    """

    across: Axis
    up: Axis
    right: float
    width: float = WIDTH
    height: float = HEIGHT
    top: float = TOP

    @property
    def left(self) -> float:
        """Where the plot begins; the longest tick fits before it."""
        return 12 + LETTER * max(len(told) + told.count("%") for told in map(self.up.write, self.up.ticks))

    @property
    def floor(self) -> float:
        """The lower edge of the plot."""
        return self.height - BOTTOM

    def x(self, number: float) -> float:
        """The horizontal place of a number."""
        return self.left + _part(self.across, number) * (self.width - self.left - self.right)

    def y(self, number: float) -> float:
        """The vertical place of a number."""
        return self.floor - _part(self.up, number) * (self.floor - self.top)

    def grid(self, every: int = 1) -> Markup:
        """Lines for the ticks of the vertical scale, and the names of all ticks (or of every so many)."""
        end = self.width - self.right
        parts = []
        for index, tick in enumerate(self.up.ticks):
            at = self.y(tick)
            parts.append(tag("line", "grid", x1=self.left, y1=at, x2=end, y2=at, stroke=HAIR))
            if index % every == 0:
                parts.append(words_at("tick", self.left - 8, at + 4, self.up.write(tick), anchor="end"))
        for index, tick in enumerate(self.across.ticks):
            if index % every == 0:
                at = self.floor + 16
                parts.append(words_at("tick", self.x(tick), at, self.across.write(tick), anchor="middle"))
        middle = (self.left + end) / 2
        parts.append(words_at("tick", middle, self.height - 5, self.across.name, anchor="middle"))
        return Markup("").join(parts)


def _part(axis: Axis, number: float) -> float:
    span = axis.high - axis.low
    return min(1.0, max(0.0, (number - axis.low) / span)) if span else 0.5


def _band(frame: Frame, series: Series) -> Markup:
    ranged = [(point.x, point.low, point.high) for point in series.points]
    edges = [(at, low, high) for at, low, high in ranged if low is not None and high is not None]
    if not edges:
        return Markup("")
    if len(edges) == 1:
        at, low, high = edges[0]
        place = frame.x(at)
        return tag("line", "main-line", x1=place, y1=frame.y(low), x2=place, y2=frame.y(high), stroke=MAIN)
    top = [f"{coordinate(frame.x(at))},{coordinate(frame.y(high))}" for at, _, high in edges]
    bottom = [f"{coordinate(frame.x(at))},{coordinate(frame.y(low))}" for at, low, _ in reversed(edges)]
    return tag("polygon", "band", points=" ".join(top + bottom), fill=MAIN, fill_opacity="0.22")


def _line(frame: Frame, series: Series) -> Markup:
    places = " ".join(f"{coordinate(frame.x(point.x))},{coordinate(frame.y(point.y))}" for point in series.points)
    main = series.role == "main"
    drawn = tag(
        "polyline",
        "main-line" if main else "other-line",
        points=places,
        fill="none",
        stroke=MAIN if main else LINE,
        stroke_width=2 if main else 1.5,
        stroke_dasharray=DASHES[series.role] or None,
    )
    if not main:
        return drawn
    if len(series.points) > MOST_DOTS:
        return drawn
    return drawn + Markup("").join(dot(frame.x(point.x), frame.y(point.y)) for point in series.points)


def _names(frame: Frame, series: Sequence[Series]) -> Markup:
    """Each line's name at its end, moved apart where ends are close; below the end of one that stops early."""
    early = [each for each in series if frame.x(each.points[-1].x) < frame.width - frame.right - SHORT]
    ends = sorted(((frame.y(each.points[-1].y), each) for each in series if each not in early), key=lambda end: end[0])
    parts, last = [], -math.inf
    highest = [frame.floor - 14 * (len(ends) - 1 - index) for index in range(len(ends))]
    for (wanted, each), limit in zip(ends, highest, strict=True):
        last = min(limit, max(wanted, last + 14))
        end = frame.x(each.points[-1].x) + 7
        parts.append(words_at(_name_kind(each), end, last + 4, each.name))
    for each in early:
        at, below = frame.x(each.points[-1].x), frame.y(each.points[-1].low or each.points[-1].y) + 16
        parts.append(words_at(_name_kind(each), at, min(below, frame.floor - 4), each.name, anchor="middle"))
    return Markup("").join(parts)


def _name_kind(series: Series) -> str:
    return "name-main" if series.role == "main" else "name"


def _line_table(series: Sequence[Series], x: Axis, y: Axis) -> tuple[tuple[str, ...], tuple[tuple[str, ...], ...]]:
    def cell(points: Sequence[Point], at: float) -> str:
        found = next((point for point in points if point.x == at), None)
        if found is None:
            return "–"
        if found.low is None or found.high is None:
            return y.write(found.y)
        return f"{y.write(found.y)} ({y.write(found.low)} to {y.write(found.high)})"

    places = sorted({point.x for each in series for point in each.points})
    rows = tuple((x.write(at), *(cell(each.points, at) for each in series)) for at in places)
    return (x.name.capitalize(), *(each.name for each in series)), rows


def _bar(reason: Reason, widest: float) -> Markup:
    length = 98 * reason.share / widest
    up = reason.direction == "for"
    return Markup(
        '<svg class="bar" viewBox="0 0 200 10" width="200" height="10" preserveAspectRatio="none" aria-hidden="true" '
        'focusable="false">{}{}{}</svg>'
    ).format(
        tag("line", "grid", x1=0, y1=5, x2=200, y2=5, stroke=HAIR),
        tag(
            "rect",
            "up" if up else "down",
            x=100 if up else 100 - length,
            y=0,
            width=length,
            height=10,
            fill=UP if up else DOWN,
        ),
        tag("line", "axis", x1=100, y1=0, x2=100, y2=10, stroke=LINE),
    )


def _sign(reason: Reason) -> str:
    return "▲" if reason.direction == "for" else "▽"


def _points_to(reason: Reason, words: LabelWords) -> str:
    return f"points to {words.towards if reason.direction == 'for' else words.away}"


def drawing(
    title: str, sentence: str, slug: str, parts: Sequence[Markup], *, width: float = WIDTH, height: float = HEIGHT
) -> Markup:
    """The SVG element that holds the parts, named and described for who does not see it."""
    kind = "chart wide" if width > WIDTH else "chart"
    return Markup(
        '<svg class="{}" viewBox="0 0 {} {}" role="img" aria-labelledby="{}-title {}-desc" direction="ltr" '
        'font-family="sans-serif" font-size="12"><title id="{}-title">{}</title><desc id="{}-desc">{}</desc>{}</svg>'
    ).format(
        kind, coordinate(width), coordinate(height), slug, slug, slug, title, slug, sentence, Markup("").join(parts)
    )


def dot(x: float, y: float) -> Markup:
    """A point of a main line."""
    return tag("circle", "main-dot", cx=x, cy=y, r=3.5, fill=MAIN, stroke=SURFACE)


def words_at(kind: str, x: float, y: float, words: str, *, anchor: str = "start") -> Markup:
    """A label of a drawing; a kind that begins with `name-main` is drawn in the colour of text."""
    fill = INK if kind.startswith("name-main") else INK_2
    return Markup('<text class="{}" x="{}" y="{}" text-anchor="{}" fill="{}">{}</text>').format(
        kind, coordinate(x), coordinate(y), anchor, fill, words
    )


def tag(name: str, kind: str, **attributes: float | str | None) -> Markup:
    """An element of a drawing with its class; numbers become coordinates, None is left out."""
    told = Markup("").join(
        Markup(' {}="{}"').format(key.replace("_", "-"), value if isinstance(value, str) else coordinate(value))
        for key, value in attributes.items()
        if value is not None
    )
    return Markup("<{} class={}{}/>").format(escape(name), Markup('"{}"').format(kind), told)


def coordinate(number: float) -> str:
    """A coordinate with one decimal at most, so that drawings are the same on every machine."""
    text = f"{number:.1f}".removesuffix(".0")
    return "0" if text == "-0" else text
