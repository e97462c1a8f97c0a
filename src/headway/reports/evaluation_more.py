"""What stands below an evaluation's figures: decisions, comparisons, what lists would find, and reliability by day.

Charts come with a sentence and a table that hold the same numbers. Nothing is shown that the rows do not hold.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from headway.advising.wording import LabelWords
from headway.evaluation.comparison import ranks_of
from headway.evaluation.metrics import ReliabilityBin
from headway.reports.charts import Axis, Chart, Point, Series, line_chart, reliability_chart

Row = Mapping[str, Any]

QUARTERS: Final = (0, 0.25, 0.5, 0.75, 1)


@dataclass(frozen=True, slots=True)
class Sheet:
    """A plain table: its caption, the sentence before it, column names, and rows as text."""

    caption: str
    about: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class More:
    """The parts below one table of figures; each may be empty."""

    sheets: tuple[Sheet, ...]
    sentences: tuple[str, ...]
    charts: tuple[Chart, ...]
    reliability: tuple[Chart, ...]


def more_of(
    rows: Sequence[Row], called: Callable[[str], str], rules: Sequence[str], words: LabelWords, slug: str
) -> More:
    """What else the rows of one way of training hold.

    Args:
        rows: of one group.
        called: a model's name as the page has it.
        rules: names of trivial rules.
        words: how the label is spoken of.
        slug: makes ids unique on the page.
    """
    sheets = [sheet for make in (_decisions, _sure, _differences) if (sheet := make(rows, called))]
    sentences = tuple(ranks.sentence() for _, _, ranks in ranks_of(rows))
    best = _best(rows, rules)
    curved = [row for row in rows if row["model"] == best and row.get("curve")]
    charts = _gains(curved, called, words, slug) if curved else ()
    reliability = tuple(
        reliability_chart(
            f"Day {row['day']}: what {called(str(row['model']))} says and what came true",
            [ReliabilityBin(**each) for each in row["reliability"]],
            words,
            slug=f"{slug}-reliability-{row['day']}",
        )
        for row in sorted(rows, key=lambda row: int(row["day"]))
        if row["model"] == best and row.get("reliability")
    )
    return More(tuple(sheets), sentences, charts, reliability)


def _best(rows: Sequence[Row], rules: Sequence[str]) -> str:
    """The model with the most measured days, then the best mean AUROC; no rule, unless there is nothing else."""
    found: dict[str, list[float]] = {}
    for row in rows:
        value = _value(row.get("auroc"))
        if value is not None:
            found.setdefault(str(row["model"]), []).append(value)
    others = [model for model in found if model not in rules] or list(found)
    return max(others, key=lambda model: (len(found[model]), sum(found[model]) / len(found[model])), default="")


def _decisions(rows: Sequence[Row], called: Callable[[str], str]) -> Sheet | None:
    told = [row for row in rows if row.get("at_cost")]
    if not told:
        return None
    header = ("Day", "Model", "Contacts", "Precision", "Recall", "F1", "Cost a learner", "Least in hindsight")
    lines = tuple(
        (
            str(row["day"]),
            called(str(row["model"])),
            f"{at['flagged']:,}",
            *(_two(at[name]) for name in ("precision", "recall", "f1", "cost", "least_cost")),
            _percent((row.get("steadiness") or {}).get("new")),
            _days(row.get("lead_days")),
        )
        for row in told
        if (at := row["at_cost"])
    )
    threshold = told[0]["at_cost"]["threshold"]
    about = (
        f"Contacting everyone whose chance is {threshold:.2f} or more, which is where a contact costs what it spares. "
        "“New” is the share of names that were not on the list on the day before; “lead” the median days between a "
        "learner's first place on the list and leaving the course."
    )
    return Sheet("Decisions by cost", about, (*header, "New", "Lead"), lines)


def _sure(rows: Sequence[Row], called: Callable[[str], str]) -> Sheet | None:
    told = [row for row in rows if row.get("sure")]
    if not told:
        return None
    header = ("Day", "Model", "Covered", "…who did", "…who did not", "Too early to say", "Right when told")
    names = ("coverage", "coverage_positive", "coverage_negative", "too_early", "right_when_told")
    lines = tuple(
        (str(row["day"]), called(str(row["model"])), *(_share(row["sure"][name]) for name in names)) for row in told
    )
    about = (
        f"If it spoke only where one answer is left: the answers kept open should hold what came true for "
        f"{told[0]['sure']['asked']:.0%} of either side. Fewer means that this run was unlike those before."
    )
    return Sheet("Knowing when it is too early", about, header, lines)


def _differences(rows: Sequence[Row], called: Callable[[str], str]) -> Sheet | None:
    told = [row for row in rows if row.get("difference")]
    if not told:
        return None
    lines = tuple(
        (
            str(row["day"]),
            called(str(row["model"])),
            called(str(d["than"])),
            f"{d['value']:+.3f}",
            "" if d["low"] is None else f"{d['low']:+.3f} to {d['high']:+.3f}",
            "" if d["p"] is None else f"{d['p']:.3f}",
        )
        for row in told
        if (d := row["difference"]) and d["value"] is not None
    )
    about = "Difference in AUROC on the same learners, drawn again together. An interval that holds 0 is no difference."
    return Sheet("Compared with one model", about, ("Day", "Model", "Less", "Difference", "95%", "p"), lines)


def _gains(rows: Sequence[Row], called: Callable[[str], str], words: LabelWords, slug: str) -> tuple[Chart, ...]:
    """How much a growing list finds, first and last day; and how many times more than by lot."""
    ordered = sorted(rows, key=lambda row: int(row["day"]))
    across = Axis(0, 1, QUARTERS, _percent, "learners contacted")
    days = [ordered[-1]] if len(ordered) == 1 else [ordered[-1], ordered[0]]
    found = [_series(row, "found", index) for index, row in enumerate(days)]
    by_lot = Series("by lot", (Point(0, 0), Point(1, 1)), "rule")
    last = days[0]
    tenth = _at(last, "found", 0.1)
    told = f"On day {last['day']}, contacting one learner in ten finds {_percent(tenth)} of those who {words.happened}"
    up = Axis(0, 1, QUARTERS, _percent, "")
    title = f"Found by a list of growing length ({called(str(last['model']))})"
    gain = line_chart(title, [*found, by_lot], across, up, f"{told}; by lot it would be 10%.", slug=f"{slug}-gain")
    lifts = [_series(row, "lift", index) for index, row in enumerate(days)]
    highest = max(2.0, *(point.y for each in lifts for point in each.points))
    top = float(int(highest) + 1)
    height = Axis(0, top, tuple(top * part for part in (0, 0.5, 1)), lambda number: f"{number:.1f}", "")
    best = _at(last, "lift", 0.1)
    sentence = f"The first tenth of the list holds {best:.1f} times as many of them as a tenth by lot."
    once = Series("by lot", (Point(0, 1), Point(1, 1)), "rule")
    lift = line_chart("Lift by length of the list", [*lifts, once], across, height, sentence, slug=f"{slug}-lift")
    return gain, lift


def _series(row: Row, name: str, index: int) -> Series:
    pairs = zip(row["curve"]["contacted"], row["curve"][name], strict=True)
    points = tuple(Point(float(x), float(y)) for x, y in pairs if x is not None and y is not None)
    return Series(f"day {row['day']}", points, "other" if index else "main")


def _at(row: Row, name: str, share: float) -> float:
    contacted, values = row["curve"]["contacted"], row["curve"][name]
    nearest = min(range(1, len(contacted)), key=lambda index: abs(contacted[index] - share))
    return float(values[nearest])


def _value(found: object) -> float | None:
    value = found.get("value") if isinstance(found, Mapping) else None
    return float(value) if isinstance(value, int | float) else None


def _two(number: float | None) -> str:
    return "–" if number is None else f"{number:.2f}"


def _percent(number: float | None) -> str:
    return "–" if number is None else f"{number:.0%}"


def _share(found: Mapping[str, Any]) -> str:
    if found["value"] is None:
        return "–"
    return f"{found['value']:.0%} ({found['low']:.0%}–{found['high']:.0%})"


def _days(found: Mapping[str, Any] | None) -> str:
    if not found or found["value"] is None:
        return "–"
    return f"{found['value']:.0f} days ({found['n']})"
