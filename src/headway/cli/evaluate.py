"""The command that shows how well models would have done."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from headway.cli.evaluation_tables import show_more
from headway.cli.forecast_tables import are_forecasts, show_forecasts
from headway.cli.options import AsJson, Home, Label, names, opened
from headway.cli.output import print_json, print_table, talk
from headway.domain.errors import InputError

if TYPE_CHECKING:
    from headway.evaluation.paradigms import Paradigm
    from headway.evaluation.protocols import ProtocolResult

TrainRuns = Annotated[
    str, typer.Option("--train", help="Past runs, ids or globs, separated by commas.", show_default=False)
]
Test = Annotated[str, typer.Option(help="Runs to be scored as if running.", show_default=False)]
Days = Annotated[str, typer.Option(help="Course days, separated by commas.")]
Paradigms = Annotated[
    str,
    typer.Option(
        help="transfer, in-situ, blended, post-hoc or all; also transfer-same, transfer-other and "
        "transfer-weighted; separated by commas."
    ),
]
Models = Annotated[str, typer.Option("--model", help="Models, separated by commas; usual (the quick ones), or all.")]
Capacity = Annotated[int | None, typer.Option(min=1, help="Learners that can be contacted.", show_default=False)]
ProtocolName = Annotated[
    str | None, typer.Option(help="A named protocol with its published reference instead.", show_default=False)
]
AsPublished = Annotated[
    bool,
    typer.Option("--as-published", help="Keep who has left and labels not yet known, as published figures often do."),
]
Compare = Annotated[
    str | None,
    typer.Option(help="A model that all others are compared with on the same learners.", show_default=False),
]
Curves = Annotated[bool, typer.Option("--curves", help="Rows hold gain and lift curves and reliability tables.")]
Imbalance = Annotated[
    bool,
    typer.Option("--imbalance", help="Show what class weights, SMOTE, undersampling and a moved threshold do."),
]
Html = Annotated[Path | None, typer.Option(help="Also write an HTML report to this file.", show_default=False)]
Out = Annotated[
    Path | None,
    typer.Option(help="Keep result.json, report.html and about.json in this folder.", show_default=False),
]


def add_to(app: typer.Typer) -> None:
    """Adds this command."""
    app.command()(evaluate)


def evaluate(
    label: Label = "does_not_finish",
    train_runs: TrainRuns = "",
    test: Test = "",
    days: Days = "14,28,56",
    paradigm: Paradigms = "all",
    model_name: Models = "usual",
    capacity: Capacity = None,
    protocol: ProtocolName = None,
    as_published: AsPublished = False,
    compare: Compare = None,
    curves: Curves = False,
    imbalance: Imbalance = False,
    html: Html = None,
    out: Out = None,
    as_json: AsJson = False,
    home: Home = None,
) -> None:
    """Show how well each model would have done, by way of training and by day, beside the simple rules.

    For example:

        headway evaluate --train oulad/AAA/2013J --test oulad/AAA/2014J

        headway evaluate --protocol oulad-next
    """
    from headway import flow
    from headway.flow.modelling import Extras

    chosen_models = [] if model_name == "usual" else names(model_name)
    with opened(home) as app:
        if protocol is not None:
            done = flow.evaluate_protocol(app, protocol, models=chosen_models, capacity=capacity)
            rows, notes = done.rows, done.notes
        else:
            rows = flow.evaluate(
                app,
                label,
                names(train_runs),
                _needed(test),
                _numbers(days),
                paradigms=_paradigms(paradigm),
                models=chosen_models,
                capacity=capacity,
                as_published=as_published,
                extras=Extras(curves or html is not None, compare, imbalance),
            )
            done, notes = None, []
        if html is not None:
            html.parent.mkdir(parents=True, exist_ok=True)
            html.write_text(flow.evaluation_page(app, rows, label, tuple(notes)), encoding="utf-8")
        if out is not None:
            asked: dict[str, Any] = {"label": label, "train": train_runs, "test": test, "days": days}
            asked |= {"paradigm": paradigm, "model": model_name, "protocol": protocol, "as_published": as_published}
            flow.keep_result(
                app,
                out,
                _told(rows, done),
                asked | {"capacity": capacity},
                flow.evaluation_page(app, rows, label, tuple(notes)),
            )
    if as_json:
        print_json(_told(rows, done))
    else:
        show_rows(rows)
        show_more(rows)
        if done is not None:
            _show_summary(done.summary)
    for note in notes:
        talk(note)


def _told(rows: list[dict[str, Any]], done: "ProtocolResult | None") -> Any:
    """The rows alone, or with a protocol's summary and notes."""
    return rows if done is None else {"rows": rows, "summary": done.summary, "notes": done.notes}


def _needed(test: str) -> list[str]:
    if not names(test):
        raise InputError("Nothing to evaluate: name runs with --test, or a protocol with --protocol.")
    return names(test)


def _numbers(text: str) -> list[int]:
    try:
        return [int(part) for part in names(text)]
    except ValueError as wrong:
        raise InputError(f"--days {text!r}: write whole numbers such as 14,28,56.") from wrong


def _paradigms(text: str) -> "list[Paradigm]":
    from headway.domain.errors import UnknownName
    from headway.evaluation.paradigms import PARADIGMS, VARIANTS

    every = (*PARADIGMS, *VARIANTS)
    for name in names(text):
        if name not in {*every, "all"}:
            raise UnknownName.of("paradigm", name, [*every, "all"])
    wanted = {*names(text), *(PARADIGMS if "all" in names(text) else ())}
    return [known for known in every if known in wanted]


def show_rows(rows: list[dict[str, Any]]) -> None:
    """Prints rows of figures as a table, and why some could not be measured."""
    if are_forecasts(rows):
        show_forecasts(rows)
        return
    header = (
        "protocol",
        "paradigm",
        "test",
        "day",
        "model",
        "n",
        "base",
        "AUROC",
        "95%",
        "AUPRC",
        "Brier",
        "ECE",
        "prec@k",
        "rec@k",
    )
    lines = []
    for row in rows:
        auroc, at = row["auroc"], row["at_capacity"] or {}
        interval = f"{auroc['low']:.3f}–{auroc['high']:.3f}" if auroc["low"] is not None else "–"
        figures = [row[name]["value"] for name in ("auprc", "brier", "ece")]
        lines.append(
            (
                row["protocol"],
                row["paradigm"],
                row["test"] if isinstance(row["test"], str) else f"{len(row['test'])} runs",
                row["day"],
                row["model"],
                row["n"],
                row["base_rate"],
                auroc["value"],
                interval,
                *figures,
                at.get("precision"),
                at.get("recall"),
            )
        )
    print_table(header, lines)
    for why in dict.fromkeys(row["note"] for row in rows if row.get("note")):
        talk(f"– {why}")


def _show_summary(summary: list[dict[str, Any]]) -> None:
    if summary:
        header = tuple(dict.fromkeys(key for row in summary for key in row))
        print()
        print_table(header, [tuple(row.get(key) for key in header) for row in summary])
