"""Commands about labels: what there is to foresee, headway's own and the workspace's."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from headway.cli.options import AsJson, Home, home_of
from headway.cli.output import print_json, print_table, talk

if TYPE_CHECKING:
    from headway.features.labels import Label
    from headway.settings import LabelSettings

label = typer.Typer(no_args_is_help=True, help="What there is to foresee.")


def add_to(app: typer.Typer) -> None:
    """Adds these commands."""
    app.add_typer(label, name="label")


@label.command("list")
def list_labels(as_json: AsJson = False, home: Home = None) -> None:
    """List the labels, headway's and those of this workspace's headway.toml.

    For example:

        headway label list

        headway label list --json
    """
    from headway.features.labels import FAMILIES, labels

    own = _configured(home)
    rows = [_about(found, own=found.name in own) for found in labels(own)]
    if as_json:
        print_json({"labels": rows, "families": [family.pattern for family in FAMILIES]})
        return
    header = ("name", "value", "days", "known", "proxy for", "from", "summary")
    keys = ("name", "value", "horizon_days", "known", "stands_for", "from", "summary")
    print_table(header, [tuple(row[key] for key in keys) for row in rows])
    talk(f"Also, for any number of days: {', '.join(family.pattern for family in FAMILIES)}")


@label.command()
def show(
    name: Annotated[str, typer.Argument(help="A label's name.", show_default=False)],
    as_json: AsJson = False,
    home: Home = None,
) -> None:
    """Show one label: what it says, when it is known, and when a proxy misleads.

    For example:

        headway label show does_not_finish

        headway label show inactive_next_10d --json
    """
    from headway.features.labels import label as label_called

    own = _configured(home)
    found = _about(label_called(name, own), own=name in own)
    if name in own:
        found["definition"] = own[name].model_dump(mode="json", exclude_defaults=True)
    if as_json:
        print_json(found)
    else:
        print_table(
            ("property", "value"), [(key, "–" if value is None else str(value)) for key, value in found.items()]
        )


def _configured(home: Any) -> "dict[str, LabelSettings]":
    from headway.settings import Settings

    return Settings.load(home_of(home)).labels


def _about(found: "Label", *, own: bool) -> dict[str, Any]:
    if found.whole_run:
        known = "when the run is over"
    elif found.horizon_days is None:
        known = "after the event"
    else:
        known = f"after {found.horizon_days} days"
    return {
        "name": found.name,
        "summary": found.summary,
        "value": "true or false" if found.binary else "number",
        "horizon_days": found.horizon_days,
        "known": known,
        "stands_for": found.stands_for,
        "fails_when": found.fails_when,
        "from": "headway.toml" if own else "headway",
    }
