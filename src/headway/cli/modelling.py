"""Commands about models."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from headway.cli.evaluate import show_rows
from headway.cli.options import AsAccount, AsJson, AsOfficer, DryRun, Home, Label, Reason, names, opened
from headway.cli.output import print_json, print_table, talk, would
from headway.domain.errors import InputError

if TYPE_CHECKING:
    from headway.governance.approvals import Approval

ParadigmName = Annotated[
    Literal["transfer", "in-situ", "blended"],
    typer.Option("--paradigm", help="Learn from past runs, in the running course by a proxy, or from both, weighed."),
]

Ref = Annotated[str, typer.Argument(help="NAME/VERSION, or NAME for its newest.", show_default=False)]

model = typer.Typer(no_args_is_help=True, help="Registered models.")


def add_to(app: typer.Typer) -> None:
    """Adds these commands."""
    app.command()(train)
    app.add_typer(model, name="model")


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
    paradigm: ParadigmName = "transfer",
    tuned: Annotated[
        bool, typer.Option("--tuned", help="With the parameters that headway tune found for this label and model.")
    ] = False,
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

    recipe = flow.Recipe(label, tuple(names(runs)), day, AsOf.at(known_by), model_name, for_run, paradigm, tuned)
    if dry_run:
        would(f"train {model_name} for {label}, day {day}, labels known by {recipe.known_by}", as_json=as_json)
        return
    with opened(home) as app:
        version = flow.train(app, recipe)
    _show_version(version, as_json=as_json)
    talk(f"Next: headway score --run RUN --as-of DATE --model {version.ref}")


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
def show_model(ref: Ref, as_json: AsJson = False, home: Home = None) -> None:
    """Show what a model was made from and how it did on the latest past run.

    For example:

        headway model show does_not_finish-boosting

        headway model show does_not_finish-logistic/1 --json
    """
    with opened(home) as app:
        version = app.registry.get(ref)
    _show_version(version, as_json=as_json)


@model.command("request-approval")
def request_approval(ref: Ref, reason: Reason, who: AsAccount, as_json: AsJson = False, home: Home = None) -> None:
    """Ask that a model version may be used for lists; somebody else decides.

    For example:

        headway model request-approval boosting/2 --reason "Term." --as sam

        headway model request-approval boosting/2 --reason R --as sam --json
    """
    from headway.flow.accounts import acting_as
    from headway.flow.model_page import ask_for_approval

    with opened(home) as app:
        asked = ask_for_approval(acting_as(app, who), ref, reason)
    _show_approval(asked, as_json=as_json)


@model.command()
def approve(ref: Ref, reason: Reason, who: AsOfficer, as_json: AsJson = False, home: Home = None) -> None:
    """Approve a model version that waits for it, as a governance officer.

    For example:

        headway model approve boosting/2 --reason "Fair." --as gil

        headway model approve boosting/2 --reason "Fair." --as gil --json
    """
    _decide(home, ref, reason, who, approve=True, as_json=as_json)


@model.command()
def refuse(ref: Ref, reason: Reason, who: AsOfficer, as_json: AsJson = False, home: Home = None) -> None:
    """Refuse a model version that waits for approval, as a governance officer.

    For example:

        headway model refuse boosting/2 --reason "Too old." --as gil

        headway model refuse boosting/2 --reason R --as gil --json
    """
    _decide(home, ref, reason, who, approve=False, as_json=as_json)


def _decide(home: Path | None, ref: str, reason: str, who: str, *, approve: bool, as_json: bool) -> None:
    from headway.flow.accounts import acting_as
    from headway.flow.model_page import decide_approval

    with opened(home) as app:
        decided = decide_approval(acting_as(app, who, "governance"), ref, approve=approve, reason=reason)
    _show_approval(decided, as_json=as_json)


def _show_approval(approval: "Approval", *, as_json: bool) -> None:
    if as_json:
        print_json(asdict(approval))
    else:
        print(f"{approval.subject}  {approval.status}")


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
        show_rows(report["check"])
