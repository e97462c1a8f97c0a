"""What an evaluation's rows hold beyond the main table, printed: decisions, differences, ranks, balancing."""

from typing import Any

from headway.cli.output import print_table, talk


def show_more(rows: list[dict[str, Any]]) -> None:
    """Prints the tables that the rows have something for."""
    _show_decisions(rows)
    _show_differences(rows)
    _show_ranks(rows)
    _show_imbalance(rows)


def _show_decisions(rows: list[dict[str, Any]]) -> None:
    """At the threshold of the costs; how much stays open; how steady and how early the lists are."""
    told = [row for row in rows if row.get("at_cost")]
    if not told:
        return
    at_cost = ("flagged", "prec@cost", "rec@cost", "F1@cost", "cost", "least")
    header = ("test", "day", "paradigm", "model", *at_cost, "covered", "too early", "list new", "lead days")
    lines = []
    for row in told:
        at, sure, steady = row["at_cost"], row.get("sure") or {}, row.get("steadiness") or {}
        lines.append(
            (
                _test(row),
                row["day"],
                row["paradigm"],
                row["model"],
                at["flagged"],
                at["precision"],
                at["recall"],
                at["f1"],
                at["cost"],
                at["least_cost"],
                _value(sure.get("coverage")),
                _value(sure.get("too_early")),
                steady.get("new"),
                _value(row.get("lead_days")),
            )
        )
    print()
    print_table(header, lines)
    first = told[0]["at_cost"]
    asked = next((row["sure"]["asked"] for row in told if row.get("sure")), None)
    talk(
        f"– @cost: contact from risk {first['threshold']:.2f} on (settings miss_cost, contact_cost); cost a learner"
        + (f"; covered: asked for {asked:.0%} of either label" if asked else "")
    )


def _show_differences(rows: list[dict[str, Any]]) -> None:
    told = [row for row in rows if row.get("difference")]
    if not told:
        return
    lines = [
        (_test(row), row["day"], row["paradigm"], row["model"], d["than"], d["metric"], d["value"], _range(d), d["p"])
        for row in told
        if (d := row["difference"])
    ]
    print()
    print_table(("test", "day", "paradigm", "model", "less", "metric", "difference", "95%", "p"), lines)


def _show_ranks(rows: list[dict[str, Any]]) -> None:
    from headway.evaluation.comparison import ranks_of

    told = ranks_of(rows)
    if told:
        print()
    for protocol, paradigm, ranks in told:
        print(f"{protocol}, {paradigm}: {ranks.sentence()}")


def _show_imbalance(rows: list[dict[str, Any]]) -> None:
    told = [row for row in rows if row.get("imbalance")]
    if not told:
        return
    decisions = ("own threshold", "prec", "rec", "F1")
    calibration = ("Brier raw", "Brier", "ECE raw", "ECE", "ECE floor")
    header = ("test", "day", "model", *decisions, "AUROC", "AUPRC", *calibration)
    lines = []
    for row in told:
        about, decided = row["imbalance"], row["imbalance"]["decided"]
        lines.append(
            (
                _test(row),
                row["day"],
                row["model"],
                decided["threshold"],
                decided["precision"],
                decided["recall"],
                decided["f1"],
                row["auroc"]["value"],
                row["auprc"]["value"],
                about["brier_raw"],
                row["brier"]["value"],
                about["ece_raw"],
                row["ece"]["value"],
                row["ece_of_a_perfect_model"],
            )
        )
    print()
    print_table(header, lines)


def _test(row: dict[str, Any]) -> str:
    return row["test"] if isinstance(row["test"], str) else f"{len(row['test'])} runs"


def _value(found: dict[str, Any] | None) -> float | None:
    return found["value"] if found else None


def _range(found: dict[str, Any]) -> str:
    return "–" if found["low"] is None else f"{found['low']:+.3f} to {found['high']:+.3f}"
