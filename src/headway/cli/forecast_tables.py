"""How an evaluation of forecasts is printed."""

from typing import Any

from headway.cli.output import print_table, talk


def are_forecasts(rows: list[dict[str, Any]]) -> bool:
    """Whether rows of an evaluation are about numbers rather than risks."""
    return bool(rows) and "mae" in rows[0]


def show_forecasts(rows: list[dict[str, Any]]) -> None:
    """Prints one line for each row: errors in the label's unit, and how often the intervals held."""
    header = ("paradigm", "test", "day", "model", "n", "mean", "MAE", "95%", "MSE", "RMSE", "R²", "R² 95%")
    lines = []
    for row in rows:
        interval = row["interval"] or {}
        lines.append(
            (
                *(row[key] for key in ("paradigm", "test", "day", "model", "n", "mean")),
                row["mae"]["value"],
                _range(row["mae"]),
                row["mse"]["value"],
                row["rmse"]["value"],
                row["r2"]["value"],
                _range(row["r2"]),
                interval.get("coverage"),
                interval.get("width"),
            )
        )
    print_table((*header, "covered", "width"), lines)
    levels = {row["interval"]["level"] for row in rows if row["interval"]}
    for level in sorted(levels):
        talk(f"Intervals are made to cover {level:.0%}; covered is the share that they did, width how wide they are.")
    for why in dict.fromkeys(row["note"] for row in rows if row.get("note")):
        talk(f"– {why}")


def _range(found: dict[str, float | None]) -> str:
    return "–" if found["low"] is None else f"{found['low']:.3f}–{found['high']:.3f}"
