"""The command that looks for features and records that know too much."""

from typing import Annotated, Any

import typer

from headway.cli.options import AsJson, Home, Label, names, opened
from headway.cli.output import print_json, print_table, talk
from headway.domain.errors import InputError

SHOWN = 10


def add_to(app: typer.Typer) -> None:
    """Adds this command."""
    app.command()(leakage)


def leakage(
    run: Annotated[str, typer.Option(help="Runs, ids or globs, separated by commas.", show_default=False)],
    day: Annotated[str, typer.Option(help="Course days, separated by commas.", show_default=False)],
    label: Label = "does_not_finish",
    view: Annotated[str, typer.Option(help="The feature view.")] = "standard",
    as_json: AsJson = False,
    home: Home = None,
) -> None:
    """Look for leaks: values that later records change, features that tell too much, labels that chance cannot tell.

    Ends with exit code 1 where a leak is proven.

    For example:

        headway leakage --run oulad/AAA/2014J --day 28

        headway leakage --run 'oulad/AAA/*' --day 14,56 --json
    """
    from headway.flow.checks import leakage_report

    try:
        days = [int(part) for part in names(day)]
    except ValueError as wrong:
        raise InputError(f"--day {day!r}: write whole numbers such as 14,28.") from wrong
    with opened(home) as app:
        found = leakage_report(app, names(run), days, label=label, view=view)
    if as_json:
        print_json(found)
    else:
        for each in found:
            _show(each)
    if not all(each["clean"] for each in found):
        raise typer.Exit(1)


def _show(found: dict[str, Any]) -> None:
    talk(f"{found['run']}, day {found['day']}: {found['n']} learners, {found['base_rate']:.1%} {found['label']}")
    header = ("feature", "alone", "after the end", "absent alone", "look at it because")
    shown = found["features"][:SHOWN]
    shown += [each for each in found["suspicious"] if each not in shown]
    print_table(header, [(e["feature"], e["power"], e["after"], e["absent"], e["why"] or "") for e in shown])
    future, chance, seen = found["future"], found["shuffled"], found["planted_seen"]
    if future["differing"]:
        told = ", ".join(f"{name} ({n})" for name, n in future["differing"].items())
        print(f"LEAK: later records change {told}.")
    else:
        print(f"Later records change no value of {future['compared']} learners.")
    verdict = "chance, as it must be" if chance["honest"] else "LEAK: not chance"
    print(
        f"Labels dealt out anew: AUROC {chance['mean']:.3f} ({chance['low']:.3f}–{chance['high']:.3f}); {verdict}. "
        f"With the real ones: {chance['real']:.3f}."
    )
    column, records = ("seen" if seen[key] else "NOT seen" for key in ("column", "records"))
    print(f"Planted leaks on this data: a column that peeks was {column}; a count of later records was {records}.")
