"""How figures of models are shown: tables of an evaluation by day, charts of calibration, of groups and of drift.

Every number comes from the rows, slices or shifts that are passed in; nothing is computed anew but a share's range.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from markupsafe import Markup

from headway.advising.wording import LabelWords
from headway.evaluation.intervals import jeffreys
from headway.evaluation.metrics import ReliabilityBin
from headway.evaluation.slices import FEWEST, Share, Sliced
from headway.flow.model_page import ScoreShift
from headway.reports.charts import (
    Axis,
    Chart,
    Point,
    Series,
    decimals,
    dot,
    drawing,
    line_chart,
    reliability_chart,
    tag,
    whole,
    words_at,
)
from headway.reports.evaluation import RULES, EvaluationReport, Metric, grouped

RULE: Final = "inactive-7-days"
"""The rule that a model must beat to be worth its trouble (ux.md, D6)."""

BASE_RATE: Final = "base-rate"
_EMPTY: Final = Metric("", "", "")


@dataclass(frozen=True, slots=True)
class Line:
    """One model on one day, as text.

    Attributes:
        day: course day.
        week: the course week that it closes.
        model: as pages call it.
        rule: whether it is a trivial rule.
        n: learners.
        base_rate: share for whom the label came true.
        k: how long the list is.
        hit_rate: of those put first, for how many the label came true, with its range.
        lift: hit rate over that of the rule; empty where there is none.
        auroc: with its range.
        auprc: with its range.
        ece: calibration error with its range, and what chance alone gives.
        note: why a figure is missing.
    """

    day: int
    week: int
    model: str
    rule: bool
    n: int
    base_rate: float
    k: int | None
    hit_rate: Metric
    lift: str
    auroc: Metric
    auprc: Metric
    ece: Metric
    note: str


@dataclass(frozen=True, slots=True)
class Table:
    """One way of training: its heading, the runs, a warning where nobody could have used it, lines and a chart."""

    slug: str
    heading: str
    train: str
    test: str
    caution: str
    lines: tuple[Line, ...]
    chart: Chart | None


def tables(rows: Sequence[Mapping[str, Any]], label: str, slug: str) -> list[Table]:
    """The rows of an evaluation as tables, one for each way of training and pair of runs, by day."""
    raw = {_key(row): row for row in rows}
    by_group: dict[tuple[str, str, str], list[Mapping[str, Any]]] = {}
    for row in rows:
        by_group.setdefault((str(row["paradigm"]), str(row["train"]), str(row["test"])), []).append(row)
    made = []
    for number, some in enumerate(by_group.values()):
        for group in grouped(EvaluationReport(some, label)):
            lines = tuple(line for day in group.days for line in _lines(day, some, raw))
            name = f"{slug}-{number + 1}"
            chart = _own_ids(group.chart, group.slug, name)
            made.append(Table(name, group.heading, group.train, group.test, group.caution, lines, chart))
    return sorted(made, key=lambda table: bool(table.caution))


def first_found(rows: Sequence[Mapping[str, Any]]) -> tuple[int, int, int | None, int, int] | None:
    """Of the newest checked day's model: k, hits, the rule's hits, learners, day; None where nothing was measured."""
    measured = [row for row in rows if row.get("at_capacity") and row["model"] not in RULES]
    if not measured:
        return None
    row = max(measured, key=lambda each: int(each["day"]))
    rule = next((each for each in rows if _same(each, row) and each["model"] == RULE and each.get("at_capacity")), None)
    return _k(row), _hits(row), None if rule is None else _hits(rule), int(row["n"]), int(row["day"])


def calibration_chart(bins: Sequence[ReliabilityBin], words: LabelWords, title: str, slug: str) -> Chart | None:
    """The reliability chart of tenths with enough learners; None where there is none."""
    told = [each for each in bins if each.n >= FEWEST]
    return reliability_chart(title, told, words, slug=slug) if told else None


def slices_chart(found: Sliced, which: str, title: str, slug: str) -> Chart | None:
    """One figure of every group as a dot with its range, groups below one another; None where no group has it.

    Args:
        found: the groups.
        which: "hit_rate", "miss_rate" or "gap".
        title: the chart's name.
        slug: makes ids unique on the page.
    """
    told: list[tuple[str, Share]] = [
        (each.group, share) for each in found.slices if (share := getattr(each, which)) is not None
    ]
    if len(told) < 2:
        return None
    low, high = (-0.5, 0.5) if which == "gap" else (0.0, 1.0)
    width, left, row, top = 440.0, 120.0, 26.0, 12.0
    height = top + row * len(told) + 24

    def across(value: float) -> float:
        return left + (min(max(value, low), high) - low) / (high - low) * (width - left - 16)

    parts: list[Markup] = []
    for tick in (low, (low + high) / 2, high):
        parts.append(tag("line", "grid", x1=across(tick), y1=top, x2=across(tick), y2=height - 22, stroke="#dcdcd7"))
        parts.append(words_at("tick", across(tick), height - 6, _hundreds(tick), anchor="middle"))
    for place, (name, share) in enumerate(told):
        y = top + row * (place + 0.5)
        parts.append(words_at("name-main", left - 8, y + 4, name[:16], anchor="end"))
        if share.low is not None and share.high is not None:
            ends = {"x1": across(share.low), "x2": across(share.high), "y1": y, "y2": y}
            parts.append(tag("line", "main-line", stroke="#a3316f", stroke_width=1.5, **ends))
        parts.append(dot(across(share.value), y))
    rows = tuple((name, _hundreds(share.value), _range(share)) for name, share in told)
    sentence = _apart(told)
    drawn = drawing(title, sentence, slug, parts, width=width, height=height)
    return Chart(title, drawn, sentence, ("Group", "Figure", "Range"), rows)


def drift_chart(shifts: Sequence[ScoreShift], week_of: "Callable[[ScoreShift], int]", slug: str) -> Chart | None:
    """How far risks are from those of the past, by week, beside what chance gives; None where no week can be told."""
    told = [(week_of(each), each.shift) for each in shifts if each.shift is not None]
    if not told:
        return None
    index = Series("shift", tuple(Point(week, found.psi) for week, found in told))
    chance = Series("by chance", tuple(Point(week, found.by_chance) for week, found in told), "rule")
    weeks = tuple(sorted({week for week, _ in told}))
    most = max(0.3, *(max(found.psi, found.by_chance) for _, found in told)) * 1.1
    up = Axis(0, most, tuple(round(most * part / 3, 2) for part in range(4)), decimals, "stability index")
    low, high = (weeks[0], weeks[-1]) if len(weeks) > 1 else (weeks[0] - 1, weeks[0] + 1)
    across = Axis(low, high, weeks, whole, "week of the course")
    clear = [week for week, found in told if found.clear]
    sentence = (
        f"In {_weeks(clear)} the risks told are spread otherwise than those of the past, by more than chance gives."
        if clear
        else "In no week are the risks told spread otherwise than those of the past by more than chance gives."
    )
    return line_chart("Risks told, beside those of the past", (index, chance), across, up, sentence, slug=slug)


def _lines(day: Any, rows: Sequence[Mapping[str, Any]], raw: Mapping[tuple[str, ...], Mapping[str, Any]]) -> list[Line]:
    at_day = [raw[_key(row)] for row in rows if int(row["day"]) == day.day]
    ranked = sorted(at_day, key=lambda row: str(row["model"]) in RULES)
    rule = next((row for row in at_day if row["model"] == RULE), None)
    return [
        Line(
            day=day.day,
            week=day.day // 7 + 1,
            model=line.model,
            rule=line.rule,
            n=day.n,
            base_rate=day.base_rate,
            k=day.k,
            hit_rate=_hit_rate(row, line.precision),
            lift=_lift(row, rule),
            auroc=line.metrics[0],
            auprc=line.metrics[1],
            ece=line.metrics[3],
            note=line.note,
        )
        for line, row in zip(day.lines, ranked, strict=True)
        if row["model"] != BASE_RATE  # what came true has a column of its own
    ]


def _hit_rate(row: Mapping[str, Any], text: str) -> Metric:
    at = row.get("at_capacity")
    if not at or not text:
        return _EMPTY
    flagged = float(at["flagged"])
    low, high = jeffreys(np.array([at["precision"] * flagged]), np.array([flagged]), 0.95)
    return Metric(text, f"{low[0]:.2f}–{high[0]:.2f}", "")


def _lift(row: Mapping[str, Any], rule: Mapping[str, Any] | None) -> str:
    if rule is None or row is rule or not rule.get("at_capacity") or not row.get("at_capacity"):
        return ""
    beside = rule["at_capacity"]["precision"]
    return f"{row['at_capacity']['precision'] / beside:.2f}" if beside else ""


def _k(row: Mapping[str, Any]) -> int:
    return round(float(row["at_capacity"]["flagged"]))


def _hits(row: Mapping[str, Any]) -> int:
    return round(float(row["at_capacity"]["precision"]) * float(row["at_capacity"]["flagged"]))


def _same(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    return _key(one)[:-1] == _key(other)[:-1]


def _key(row: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(str(row[name]) for name in ("protocol", "paradigm", "train", "test", "day", "model"))


def _own_ids(chart: Chart | None, before: str, after: str) -> Chart | None:
    """The chart with ids of its own: two evaluations on one page would share those of their groups."""
    if chart is None:
        return None
    svg = Markup(str(chart.svg).replace(before, after))  # noqa: S704 - our own drawing, of which a slug is replaced
    return Chart(chart.title, svg, chart.sentence, chart.header, chart.rows)


def _apart(told: Sequence[tuple[str, Share]]) -> str:
    lowest, highest = min(told, key=lambda each: each[1].value), max(told, key=lambda each: each[1].value)
    far = f"From {_hundreds(lowest[1].value)} ({lowest[0]}) to {_hundreds(highest[1].value)} ({highest[0]})"
    if lowest[1].high is None or highest[1].low is None:
        return f"{far}; the groups are too small to say how sure that is."
    return f"{far}; {'the ranges do not meet' if lowest[1].high < highest[1].low else 'the ranges overlap'}."


def _weeks(weeks: Sequence[int]) -> str:
    *rest, last = map(str, weeks)
    return f"weeks {', '.join(rest)} and {last}" if rest else f"week {last}"


def _hundreds(value: float) -> str:
    return f"{value * 100:.0f}%"


def _range(share: Share) -> str:
    return "" if share.low is None or share.high is None else f"{share.low * 100:.0f}–{share.high * 100:.0f}%"
