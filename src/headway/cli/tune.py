"""The command that chooses a model's parameters on the past."""

import re
from typing import Annotated

import typer

from headway.cli.options import AsJson, Home, Label, names, opened
from headway.cli.output import print_json, print_table, talk
from headway.domain.errors import InputError

SECONDS = {"": 1, "s": 1, "m": 60, "min": 60, "h": 3600}


def add_to(app: typer.Typer) -> None:
    """Adds this command."""
    app.command()(tune)


def tune(
    model_name: Annotated[str, typer.Option("--model", help="The model to tune.")] = "boosting",
    label: Label = "does_not_finish",
    runs: Annotated[
        str, typer.Option("--train", help="Past runs, ids or globs, separated by commas; all by default.")
    ] = "",
    days: Annotated[str, typer.Option(help="Course days that are scored together, separated by commas.")] = "14,28,56",
    known_by: Annotated[
        str | None,
        typer.Option(help="Labels count as known up to this date or instant; now by default.", show_default=False),
    ] = None,
    trials: Annotated[int, typer.Option(min=1, help="Trials in all, earlier calls counted.")] = 30,
    budget: Annotated[str, typer.Option(help="Time for this call, such as 300s, 10m or 1h.")] = "10m",
    as_json: AsJson = False,
    home: Home = None,
) -> None:
    """Choose a model's parameters: learned on earlier runs, scored on later past ones.

    Called again, it goes on where it stopped. `headway train --tuned` uses what was found.

    For example:

        headway tune --train 'oulad/*' --trials 30 --budget 300s

        headway tune --model logistic --days 28,56 --json
    """
    from headway import flow
    from headway.domain.time import AsOf
    from headway.evaluation.tuning import Budget

    spend = Budget(trials, seconds_of(budget))
    cut = None if known_by is None else AsOf.at(known_by)
    with opened(home) as app:
        found = flow.tune(app, label, model_name, names(runs), _days(days), spend, known_by=cut)
    if as_json:
        print_json(found.as_json())
        return
    print_table(("parameter", "value"), [(name, f"{value:.4g}") for name, value in found.params.items()])
    gain = found.default_loss - found.loss
    talk(
        f"loss {found.loss:.4f}, {gain:.4f} less than with the model's own parameters; "
        f"{found.trials} trials, {found.pruned} stopped early, scored on {', '.join(found.folds)}"
    )
    talk(f"Next: headway train --model {model_name} --label {label} --tuned --day DAY --known-by DATE")


def seconds_of(text: str) -> float:
    """The seconds of a time such as 300s, 10m or 1h.

    Raises:
        InputError: it is no such time.
    """
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([a-z]*)", text.strip())
    if found is None or found[2] not in SECONDS or float(found[1]) <= 0:
        raise InputError(f"--budget {text!r}: write a time such as 300s, 10m or 1h.")
    return float(found[1]) * SECONDS[found[2]]


def _days(text: str) -> list[int]:
    try:
        return [int(part) for part in names(text)]
    except ValueError as wrong:
        raise InputError(f"--days {text!r}: write whole numbers such as 14,28,56.") from wrong
