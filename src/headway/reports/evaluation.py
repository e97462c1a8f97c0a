"""The evaluation as a page or a part of one: a table by day for each way of training, and AUROC by day as a chart.

Rows come as `headway evaluate --json` prints them. The rules stand in the same table as the models, always.
"""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from headway.advising.wording import label_words
from headway.reports.charts import Axis, Chart, Point, Series, decimals, line_chart, whole
from headway.reports.evaluation_more import More, more_of
from headway.reports.pages import Provenance, moment, render

Row = Mapping[str, Any]

PARADIGMS: Final = {
    "transfer": ("Trained on earlier runs", ""),
    "transfer-same": ("Trained on earlier runs of the same course", ""),
    "transfer-same-course": ("Trained on earlier runs of the same course", ""),
    "transfer-other": ("Trained on other courses", ""),
    "transfer-other-courses": ("Trained on other courses", ""),
    "in-situ": ("Trained inside the running course", ""),
    "blended": ("Earlier runs and the running course together", ""),
    "post-hoc": ("Trained on the same run after it ended", "hindsight"),
    "post-hoc-cv": ("Trained on the same run after it ended", "hindsight"),
}
"""Headings for the ways of training; the second part marks those that no running course could have used."""

HINDSIGHT: Final = (
    "An optimistic reference: it learns from outcomes that nobody knew while the course ran, so no list can use it."
)
RULES: Final = frozenset({"inactive-7-days", "base-rate"})
"""The trivial rules that come with headway; a caller that knows of others names them all."""
NAMES: Final = {"inactive-7-days": "no visit for 7 days", "base-rate": "base rate"}
METRICS: Final = ("auroc", "auprc", "brier", "ece")


@dataclass(frozen=True, slots=True)
class EvaluationReport:
    """What an evaluation page shows.

    Attributes:
        rows: one mapping per (protocol, paradigm, training runs, test runs, day, model).
        label: the label that was predicted.
        rules: names of the models that are trivial rules.
        names: how models are called on the page, by model name.
        notes: assumptions and cautions, as sentences.
    """

    rows: Sequence[Row]
    label: str = "does_not_finish"
    rules: Collection[str] = RULES
    names: Mapping[str, str] | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Metric:
    """A figure as text: the value, its interval, and what chance alone would give; empty where not measured."""

    value: str
    interval: str
    floor: str


@dataclass(frozen=True, slots=True)
class Line:
    """One model on one day."""

    model: str
    rule: bool
    metrics: tuple[Metric, ...]
    precision: str
    recall: str
    f1: str
    lift: str
    note: str


@dataclass(frozen=True, slots=True)
class Day:
    """All models on one day of the course, over the same learners."""

    day: int
    n: int
    base_rate: float
    k: int | None
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Group:
    """One table: a way of training and its runs, by day."""

    slug: str
    heading: str
    protocol: str
    train: str
    test: str
    caution: str
    days: tuple[Day, ...]
    chart: Chart | None
    more: More


def render_evaluation(
    rows: Sequence[Row],
    *,
    label: str = "does_not_finish",
    rules: Collection[str] = RULES,
    names: Mapping[str, str] | None = None,
    notes: tuple[str, ...] = (),
    made: Provenance | None = None,
    title: str = "How well the model does",
) -> str:
    """The HTML page of an evaluation; arguments as in `EvaluationReport`.

    Args:
        rows: the evaluation's rows; none gives a page that says so.
        label: the label that was predicted.
        rules: names of the models that are trivial rules.
        names: how models are called, by model name.
        notes: assumptions and cautions, as sentences.
        made: what the figures were made from, for the footer.
        title: the page's heading.
    """
    report = EvaluationReport(rows, label, rules, names, notes)
    groups = grouped(report)
    return render(
        "evaluation.html",
        title=title,
        groups=groups,
        words=label_words(label),
        notes=notes,
        made=made,
        made_at=moment(made.made_at, "UTC") if made else None,
        sentence=headline(groups),
    )


def grouped(report: EvaluationReport) -> tuple[Group, ...]:
    """The report's rows as tables, in the order in which their first rows came; within a day, models before rules."""
    found: dict[tuple[str, str, str, str], list[Row]] = {}
    for row in report.rows:
        key = (str(row["protocol"]), str(row["paradigm"]), _runs(row["train"]), _runs(row["test"]))
        found.setdefault(key, []).append(row)
    return tuple(_group(index, key, rows, report) for index, (key, rows) in enumerate(found.items()))


def headline(groups: Sequence[Group]) -> str:
    """The page's first sentence: the first chart's, or what there is to see."""
    if not groups:
        return "Not evaluated. It may not be used for lists."
    charted = next((group.chart.sentence for group in groups if group.chart and not group.caution), None)
    days = sorted({day.day for group in groups for day in group.days})
    return charted or f"Measured on day {', '.join(str(day) for day in days)} of the course."


def _group(index: int, key: tuple[str, str, str, str], rows: Sequence[Row], report: EvaluationReport) -> Group:
    protocol, paradigm, train, test = key
    heading, kind = PARADIGMS.get(paradigm, (paradigm.replace("_", " ").replace("-", " ").capitalize(), ""))
    slug = f"evaluation-{index + 1}"
    by_day: dict[int, list[Row]] = {}
    for row in rows:
        by_day.setdefault(int(row["day"]), []).append(row)
    days = tuple(_day(day, by_day[day], report) for day in sorted(by_day))
    caution = HINDSIGHT if kind == "hindsight" else ""
    chart = _auroc_chart(rows, report, slug) if len(days) > 1 else None
    words = label_words(report.label)
    more = more_of(rows, lambda model: _called(model, report), tuple(report.rules), words, slug)
    return Group(slug, heading, protocol, train, test, caution, days, chart, more)


def _day(day: int, rows: Sequence[Row], report: EvaluationReport) -> Day:
    lines = [_line(row, report) for row in rows]
    first = rows[0]
    k = _part(first, "at_capacity", "k")
    return Day(
        day,
        int(first["n"]),
        float(first["base_rate"]),
        None if k is None else int(k),
        tuple(sorted(lines, key=lambda line: line.rule)),
    )


def _line(row: Row, report: EvaluationReport) -> Line:
    def at_capacity(name: str) -> str:
        number = _part(row, "at_capacity", name)
        return "" if number is None else f"{number:.2f}"

    return Line(
        model=_called(str(row["model"]), report),
        rule=row["model"] in report.rules,
        metrics=tuple(
            _metric(row.get(name), row.get("ece_of_a_perfect_model") if name == "ece" else None) for name in METRICS
        ),
        precision=at_capacity("precision"),
        recall=at_capacity("recall"),
        f1=at_capacity("f1"),
        lift=at_capacity("lift"),
        note=str(row.get("note") or ""),
    )


def _metric(found: object, by_chance: object = None) -> Metric:
    value, low, high = _numbers(found)
    if value is None:
        return Metric("", "", "")
    floor = _numbers(found.get("expected") or by_chance)[0] if isinstance(found, Mapping) else None
    return Metric(
        f"{value:.3f}",
        "" if low is None or high is None else f"{low:.3f}–{high:.3f}",
        "" if floor is None else f"floor {floor:.3f}",
    )


def _numbers(found: object) -> tuple[float | None, float | None, float | None]:
    """Value, low and high of a metric that may be a bare number, a mapping or missing; NaN counts as missing."""
    parts = (
        [found.get(name) for name in ("value", "low", "high")] if isinstance(found, Mapping) else [found, None, None]
    )
    value, low, high = (
        float(part) if isinstance(part, int | float) and not math.isnan(part) else None for part in parts
    )
    return value, low, high


def _part(row: Row, metric: str, name: str) -> float | None:
    found = row.get(metric)
    return _numbers(found.get(name))[0] if isinstance(found, Mapping) else None


def _runs(runs: object) -> str:
    if isinstance(runs, str):
        return runs
    return ", ".join(str(run) for run in runs) if isinstance(runs, Sequence) and runs else "–"


def _called(model: str, report: EvaluationReport) -> str:
    return (report.names or NAMES).get(model, model.replace("_", " "))


def _auroc_chart(rows: Sequence[Row], report: EvaluationReport, slug: str) -> Chart | None:
    """AUROC by day: the best model in colour, the other models and the best rule in grey."""
    points: dict[str, list[Point]] = {}
    for row in sorted(rows, key=lambda row: int(row["day"])):
        value, low, high = _numbers(row.get("auroc"))
        if value is not None:
            points.setdefault(str(row["model"]), []).append(Point(int(row["day"]), value, low, high))
    if not points:
        return None

    def mean(model: str) -> tuple[int, float, str]:
        found = points[model]
        return (len(found), sum(point.y for point in found) / len(found), model)

    models = sorted((model for model in points if model not in report.rules), key=mean, reverse=True)
    rule = max((model for model in points if model in report.rules), key=mean, default=None)
    series = [
        Series(_called(model, report), tuple(points[model]), "other" if rank else "main")
        for rank, model in enumerate(models[:3])
    ]
    if rule is not None:
        series.append(Series(_called(rule, report), tuple(points[rule]), "rule"))
    days = tuple(sorted({point.x for each in series for point in each.points}))
    across = Axis(min(0, days[0]), days[-1], days, whole, "day of the course")
    least = min(0.5, *(point.y if point.low is None else point.low for each in series for point in each.points))
    floor = int(least * 10) / 10
    ticks = tuple(tick / 10 for tick in range(round(floor * 10), 11, 1 if floor >= 0.5 else 2))
    up = Axis(floor, 1.0, ticks, decimals, "AUROC")
    return line_chart("AUROC by day of the course", series, across, up, _said(series), slug=slug)


def _said(series: Sequence[Series]) -> str:
    """The chart in a sentence: from the first day to the last, and whether the model is clearly above the rule."""
    best = series[0]
    first, last = best.points[0], best.points[-1]
    interval = "" if last.low is None or last.high is None else f" ({last.low:.2f}–{last.high:.2f})"
    reached = f"{last.y:.2f}{interval} on day {last.x:.0f}"
    if first is last:
        told = f"{best.name.capitalize()} has AUROC {reached}"
    else:
        told = f"{best.name.capitalize()} goes from AUROC {first.y:.2f} on day {first.x:.0f} to {reached}"
    rule = next((each for each in series if each.role == "rule" and each is not best), None)
    beside = next((point for point in rule.points if point.x == last.x), None) if rule else None
    if rule is None or beside is None:
        return f"{told}."
    clear = last.y > beside.y and (last.low is None or last.low > beside.y)
    verdict = "" if clear else " That is no clear gain over the rule."
    return f"{told}; the rule “{rule.name}” has {beside.y:.2f} there.{verdict}"
