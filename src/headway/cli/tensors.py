"""`headway features tensor`: features day by day, as arrays that other programs can map into memory."""

from pathlib import Path
from typing import Annotated

import typer

from headway.cli.options import AsJson, Home, names, opened
from headway.cli.output import print_json, talk


def add_to(features: typer.Typer) -> None:
    """Adds the command to those of `headway features`."""
    features.command("tensor")(write)


def write(
    run: Annotated[str, typer.Option(help="Runs, ids or globs, separated by commas.", show_default=False)],
    as_of: Annotated[str, typer.Option("--as-of", help="Dates, separated by commas.", show_default=False)],
    out: Annotated[Path, typer.Option(help="A new or empty folder.", show_default=False)],
    steps: Annotated[int, typer.Option(min=1, help="As-of times of a row; the last is its own.")] = 28,
    step_days: Annotated[int, typer.Option(min=1, help="Days from one to the next: 1 daily, 7 weekly.")] = 1,
    view: Annotated[str, typer.Option(help="A feature view, or sequence: twenty features of short windows.")] = (
        "sequence"
    ),
    as_json: AsJson = False,
    home: Home = None,
) -> None:
    """Write what was known of each learner day by day, as arrays that can be mapped into memory.

    For example:

        headway features tensor --run c/A/1 --as-of 2014-11-26 --out steps

        headway features tensor --run 'c/*' --as-of 2014-11-26 --steps 8 --out w
    """
    from headway.flow.tensors import save_tensor

    with opened(home) as app:
        made = save_tensor(app, names(run), names(as_of), steps, step_days, view, out)
    if as_json:
        shape = [len(made.rows), made.steps, len(made.view.features)]
        told = {"view": made.view.name, "hash": made.view.hash, "features": list(made.view.features)}
        print_json(told | {"shape": shape, "step_days": made.step_days, "out": str(out)})
    else:
        print(out)
    size = made.values.nbytes / 1e6
    talk(f"{len(made.rows)} rows of {made.steps} steps and {len(made.view.features)} features, {size:.1f} MB")
