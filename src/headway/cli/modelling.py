"""Commands about features, models and their evaluation."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from headway.cli.options import AsJson, DryRun, Home, Label, names, opened
from headway.cli.output import print_json, print_table, talk, would
from headway.domain.errors import InputError

if TYPE_CHECKING:
    from headway.evaluation.paradigms import Paradigm

features = typer.Typer(no_args_is_help=True, help="What is known of learners as of a date.")
model = typer.Typer(no_args_is_help=True, help="Registered models.")

Out = Annotated[Path | None, typer.Option(help="Write to this file (.parquet, .csv or .json).", show_default=False)]


def add_to(app: typer.Typer) -> None:
    """Adds these commands."""
    app.add_typer(features, name="features")
    app.command()(train)
    app.command()(evaluate)
    app.add_typer(model, name="model")


@features.command("list")
def list_features(as_json: AsJson = False) -> None:
    """List the features with unit, window and meaning.

    For example:

        headway features list

        headway features list --json
    """
    from headway.features.definition import FEATURES
    from headway.features.views import view_of

    rows = [_definition(name) for name in FEATURES.names()]
    if as_json:
        print_json({"view": view_of().name, "hash": view_of().hash, "features": rows})
        return
    header = ("name", "domain", "unit", "window_days", "changeable", "summary")
    print_table(header, [tuple(row[column] for column in header) for row in rows])
    talk(f"{len(rows)} features, view {view_of().name} {view_of().hash}")


def _definition(name: str) -> dict[str, Any]:
    from headway.features.definition import FEATURES

    found = FEATURES.get(name)
    return {
        "name": found.name,
        "summary": found.summary,
        "domain": found.domain,
        "reads": list(found.reads),
        "window_days": found.window,
        "unit": found.unit,
        "bounds": list(found.bounds),
        "absent": found.absent,
        "changeable": found.changeable,
        "sentence": found.sentence,
    }


@features.command()
def show(
    name: Annotated[str, typer.Argument(help="A feature's name.", show_default=False)], as_json: AsJson = False
) -> None:
    """Show one feature's definition.

    For example:

        headway features show active_days_14d

        headway features show mean_score --json
    """
    found = _definition(name)
    if as_json:
        print_json(found)
    else:
        print_table(("property", "value"), [(key, str(value)) for key, value in found.items()])


@features.command()
def build(
    run: Annotated[str, typer.Option(help="Runs, ids or globs, separated by commas.", show_default=False)],
    as_of: Annotated[str, typer.Option("--as-of", help="Dates, separated by commas.", show_default=False)],
    view: Annotated[str, typer.Option(help="The feature view.")] = "standard",
    out: Out = None,
    as_json: AsJson = False,
    home: Home = None,
) -> None:
    """Compute the features of everyone enrolled as of each date.

    For example:

        headway features build --run oulad/AAA/2014J --as-of 2014-11-26 --json

        headway features build --run 'oulad/*' --as-of 2014-11-26 --out f.csv
    """
    from headway import flow

    with opened(home) as app:
        found = flow.build_view(app, names(run), names(as_of), view)
    if out is not None:
        write_table(found.table, out)
    if as_json:
        about = {
            "view": found.view.name,
            "hash": found.view.hash,
            "rows": len(found),
            "features": list(found.view.features),
        }
        print_json(about | {"out": str(out) if out else None})
    elif out is None:
        print_table(found.table.column_names, [tuple(row.values()) for row in found.table.to_pylist()])
    talk(f"{len(found)} rows of {len(found.view.features)} features, view {found.view.hash}")


def write_table(table: Any, path: Path) -> None:
    """Writes an Arrow table in the format that the file's name asks for.

    Raises:
        InputError: another ending than .parquet, .csv or .json.
    """
    import json

    import pyarrow.csv
    import pyarrow.parquet

    if path.suffix not in {".parquet", ".csv", ".json"}:
        raise InputError(f"{path} should end in .parquet, .csv or .json.")
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".parquet":
        pyarrow.parquet.write_table(table, path, compression="zstd")
    elif path.suffix == ".csv":
        pyarrow.csv.write_csv(table, path)
    else:
        path.write_text(json.dumps(table.to_pylist(), default=str, ensure_ascii=False, indent=1), encoding="utf-8")


def train(
    day: Annotated[int, typer.Option(help="The course day that will be scored.", show_default=False)],
    known_by: Annotated[
        str, typer.Option(help="Labels count as known up to this date or instant.", show_default=False)
    ],
    runs: Annotated[
        str,
        typer.Option(
            "--train", help="Runs to learn from, ids or globs; all finished ones by default.", show_default=False
        ),
    ] = "",
    label: Label = "does_not_finish",
    model_name: Annotated[
        str, typer.Option("--model", help="A model's name, or best: chosen on the past.")
    ] = "average",
    for_run: Annotated[
        str | None, typer.Option("--for", help="The run to be scored; its learners are left out.", show_default=False)
    ] = None,
    dry_run: DryRun = False,
    as_json: AsJson = False,
    home: Home = None,
) -> None:
    """Train a model for one day of a course and register it with its check on the latest past run.

    For example:

        headway train --day 56 --known-by 2014-11-26 --for oulad/AAA/2014J

        headway train --train 'oulad/AAA/*' --day 28 --known-by 2015-01-01
    """
    from headway import flow
    from headway.domain.time import AsOf

    recipe = flow.Recipe(label, tuple(names(runs)), day, AsOf.at(known_by), model_name, for_run)
    if dry_run:
        would(f"train {model_name} for {label}, day {day}, labels known by {recipe.known_by}", as_json=as_json)
        return
    with opened(home) as app:
        version = flow.train(app, recipe)
    _show_version(version, as_json=as_json)
    talk(f"Next: headway score --run RUN --as-of DATE --model {version.ref}")


def evaluate(
    label: Label = "does_not_finish",
    train_runs: Annotated[
        str, typer.Option("--train", help="Past runs, ids or globs, separated by commas.", show_default=False)
    ] = "",
    test: Annotated[str, typer.Option(help="Runs to be scored as if running.", show_default=False)] = "",
    days: Annotated[str, typer.Option(help="Course days, separated by commas.")] = "14,28,56",
    paradigm: Annotated[str, typer.Option(help="transfer, in-situ, post-hoc or all, separated by commas.")] = "all",
    model_name: Annotated[str, typer.Option("--model", help="Models, separated by commas, or all.")] = "all",
    capacity: Annotated[
        int | None, typer.Option(min=1, help="Learners that can be contacted.", show_default=False)
    ] = None,
    protocol: Annotated[
        str | None, typer.Option(help="A named protocol with its published reference instead.", show_default=False)
    ] = None,
    as_published: Annotated[
        bool,
        typer.Option(
            "--as-published", help="Keep who has left and labels not yet known, as published figures often do."
        ),
    ] = False,
    html: Annotated[
        Path | None, typer.Option(help="Also write an HTML report to this file.", show_default=False)
    ] = None,
    as_json: AsJson = False,
    home: Home = None,
) -> None:
    """Show how well each model would have done, by way of training and by day, beside the simple rules.

    For example:

        headway evaluate --train oulad/AAA/2013J --test oulad/AAA/2014J

        headway evaluate --protocol oulad-next
    """
    from headway import flow

    chosen_models = [] if model_name == "all" else names(model_name)
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
            )
            done, notes = None, []
        if html is not None:
            html.parent.mkdir(parents=True, exist_ok=True)
            html.write_text(flow.evaluation_page(app, rows, label, tuple(notes)), encoding="utf-8")
    if as_json:
        print_json(rows if done is None else {"rows": rows, "summary": done.summary, "notes": notes})
    else:
        _show_rows(rows)
        if done is not None:
            _show_summary(done.summary)
    for note in notes:
        talk(note)


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
    from headway.evaluation.paradigms import PARADIGMS

    if text == "all":
        return list(PARADIGMS)
    for name in names(text):
        if name not in PARADIGMS:
            raise UnknownName.of("paradigm", name, [*PARADIGMS, "all"])
    return [known for known in PARADIGMS if known in names(text)]


def _show_rows(rows: list[dict[str, Any]]) -> None:
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


@model.command("list")
def list_models(as_json: AsJson = False, home: Home = None) -> None:
    """List the registered models.

    For example:

        headway model list

        headway model list --json
    """
    with opened(home) as app:
        versions = app.registry.versions()
    if as_json:
        print_json([_about(version) for version in versions])
        return
    rows = [
        (v.ref, v.stage, v.label, v.model, ",".join(map(str, v.days)), v.known_by, len(v.train_runs)) for v in versions
    ]
    print_table(("model", "stage", "label", "method", "day", "known by", "runs"), rows)


@model.command("show")
def show_model(
    ref: Annotated[str, typer.Argument(help="NAME/VERSION, or NAME for its newest.", show_default=False)],
    as_json: AsJson = False,
    home: Home = None,
) -> None:
    """Show what a model was made from and how it did on the latest past run.

    For example:

        headway model show does_not_finish-boosting

        headway model show does_not_finish-logistic/1 --json
    """
    with opened(home) as app:
        version = app.registry.get(ref)
    _show_version(version, as_json=as_json)


def _about(version: Any) -> dict[str, Any]:
    return {key: value for key, value in asdict(version).items() if key not in {"manifest_hash", "mlflow_run"}}


def _show_version(version: Any, *, as_json: bool) -> None:
    about = _about(version)
    if as_json:
        print_json(about)
        return
    report = about.pop("report")
    about["features"] = len(about["features"])
    about["train_runs"] = ", ".join(about["train_runs"])
    print_table(("property", "value"), [(key, str(value)) for key, value in about.items()])
    if report.get("check"):
        print()
        _show_rows(report["check"])
