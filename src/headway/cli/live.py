"""The command about one learner now."""

from typing import Annotated, Any

import typer

from headway.cli.options import AsJson, Home, opened
from headway.cli.output import print_json, print_table, talk


def add_to(features: typer.Typer) -> None:
    """Adds this command to the group `features`."""
    features.command("of")(features_of)


def features_of(
    learner: Annotated[str, typer.Argument(help="A learner's id, SOURCE/PSEUDONYM.", show_default=False)],
    run: Annotated[str, typer.Option(help="The course run.", show_default=False)],
    as_of: Annotated[str, typer.Option("--as-of", help="A date (its end) or an instant.", show_default=False)],
    view: Annotated[str, typer.Option(help="The feature view.")] = "standard",
    as_json: AsJson = False,
    home: Home = None,
) -> None:
    """Show one learner's features, fresh to the last committed record.

    For example:

        headway features of c/1f --run c/A/1 --as-of 2014-11-26

        headway features of c/1f --run c/A/1 --as-of 2014-11-26 --json
    """
    from headway import flow

    with opened(home) as app:
        found = flow.features_of(app, learner, run, as_of, view)
    row: dict[str, Any] = found.table.to_pylist()[0]
    values = {name: row[name] for name in found.view.features}
    if as_json:
        about = {"learner": learner, "run": run, "as_of": row["as_of"].isoformat(), "course_day": row["course_day"]}
        print_json(about | {"view": found.view.name, "hash": found.view.hash, "features": values})
        return
    print_table(
        ("feature", "value"), [(name, "–" if value is None else f"{value:g}") for name, value in values.items()]
    )
    talk(f"{learner} in {run}, course day {row['course_day']}, view {found.view.hash}")
