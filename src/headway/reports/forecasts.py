"""An evaluation of forecasts as a page: errors by day for each way of training, beside the mean."""

from collections.abc import Mapping, Sequence
from typing import Any

from headway.reports.evaluation import PARADIGMS
from headway.reports.pages import Provenance, moment, render

Row = Mapping[str, Any]


def render_forecasts(rows: Sequence[Row], *, label: str, notes: tuple[str, ...], made: Provenance) -> str:
    """The HTML page of an evaluation of forecasts."""
    groups: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        groups.setdefault((str(row["paradigm"]), str(row["test"])), []).append(row)
    told = [
        {"heading": PARADIGMS.get(paradigm, (paradigm, ""))[0], "test": test, "lines": [_line(row) for row in found]}
        for (paradigm, test), found in groups.items()
    ]
    return render(
        "forecasts.html",
        title=f"How well “{label.replace('_', ' ')}” is forecast",
        groups=told,
        sentence=_headline(rows),
        notes=notes,
        made=made,
        made_at=moment(made.made_at, "UTC"),
    )


def _headline(rows: Sequence[Row]) -> str:
    measured = [row for row in rows if row["mae"]["value"] is not None]
    best = min(measured, key=lambda row: float(row["mae"]["value"]), default=None)
    if best is None:
        return "Nothing could be measured; the table says why."
    return (
        f"Least mean error: {best['mae']['value']:.2f}, by {best['model']} on day {best['day']} "
        f"({best['paradigm']}); the values' mean is {best['mean']:.2f}."
    )


def _line(row: Row) -> dict[str, str]:
    interval = row["interval"] or {}
    return {
        "day": str(row["day"]),
        "model": str(row["model"]),
        "n": str(row["n"]),
        "mae": _metric(row["mae"]),
        "rmse": _metric(row["rmse"]),
        "r2": _metric(row["r2"]),
        "covered": "" if interval.get("coverage") is None else f"{interval['coverage']:.0%} of {interval['level']:.0%}",
        "width": "" if interval.get("width") is None else f"{interval['width']:.2f}",
        "note": str(row.get("note") or ""),
    }


def _metric(found: Mapping[str, float | None]) -> str:
    if found["value"] is None:
        return ""
    return f"{found['value']:.3f}" + ("" if found["low"] is None else f" ({found['low']:.3f}–{found['high']:.3f})")
