"""Commands about features: which there are, what one means, and their values for whole course runs."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Annotated, Any

import typer

from headway.cli.options import AsJson, Home, names, opened
from headway.cli.output import print_json, print_table, talk
from headway.domain.errors import InputError

if TYPE_CHECKING:
    import pyarrow as pa

    from headway.features.definition import Feature
    from headway.flow import BuildReport
    from headway.flow.table_file import Put

features = typer.Typer(no_args_is_help=True, help="What is known of learners as of a date.")


def add_to(app: typer.Typer) -> None:
    """Adds these commands."""
    app.add_typer(features, name="features")


@features.command("list")
def list_features(as_json: AsJson = False) -> None:
    """List the features with unit, window, cost and meaning.

    For example:

        headway features list

        headway features list --json
    """
    from headway.features.cost import costs
    from headway.features.definition import FEATURES
    from headway.features.views import view_of

    cost = costs(FEATURES.names())
    rows = [_definition(found, cost[found.name]) for found in FEATURES]
    view = view_of()
    if as_json:
        print_json({"view": view.name, "hash": view.hash, "features": rows})
        return
    header = ("name", "domain", "unit", "window_days", "cost", "changeable", "summary")
    print_table(header, [tuple(row[column] for column in header) for row in rows])
    talk(f"{len(rows)} features, view {view.name} {view.hash}. headway features show NAME prints a definition.")


@features.command()
def show(
    name: Annotated[str, typer.Argument(help="A feature's name.", show_default=False)], as_json: AsJson = False
) -> None:
    """Show one feature's definition, its code included.

    For example:

        headway features show active_days_14d

        headway features show mean_score --json
    """
    from headway.features.cost import MEANING, cost_of
    from headway.features.definition import FEATURES

    cost = cost_of(name)
    told = _definition(FEATURES.get(name), cost)
    if as_json:
        print_json(told)
        return
    code = told.pop("code")
    shown = told | {"cost": f"{cost}: {MEANING[cost]}"}
    print_table(("property", "value"), [(key, _plain(value)) for key, value in shown.items()])
    print()
    print(code)


def _definition(found: "Feature", cost: str) -> dict[str, Any]:
    import inspect
    import textwrap

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
        "cost": cost,
        "hash": found.source_hash[:16],
        "defined_in": found.define.__module__,
        "code": textwrap.dedent(inspect.getsource(found.define)).rstrip(),
    }


def _plain(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join("…" if one is None else str(one) for one in value)
    return "–" if value is None else str(value)


@features.command()
def build(
    run: Annotated[str, typer.Option(help="Runs, ids or globs, separated by commas.", show_default=False)],
    as_of: Annotated[
        str, typer.Option("--as-of", help="Dates, or ranges FIRST..LAST/DAYS, separated by commas.", show_default=False)
    ] = "",
    days: Annotated[
        str, typer.Option(help="Course days (0 is the first), separated by commas.", show_default=False)
    ] = "",
    weekly: Annotated[bool, typer.Option("--weekly", help="The end of each course week that has passed.")] = False,
    view: Annotated[str, typer.Option(help="standard, records-only, or features separated by commas.")] = "standard",
    out: Annotated[
        Path | None,
        typer.Option(help="Write to this file (.parquet, .csv, .jsonl or .json).", show_default=False),
    ] = None,
    engine: Annotated[
        str | None, typer.Option(help="duckdb or spark; the setting by default.", show_default=False)
    ] = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Compute everything anew, whatever is kept.")] = False,
    keep: Annotated[
        bool, typer.Option("--keep/--no-keep", help="Keep what is computed, and use what is still true of it.")
    ] = True,
    as_json: AsJson = False,
    home: Home = None,
) -> None:
    """Compute the features of everyone enrolled as of each date.

    For example:

        headway features build --run oulad/AAA/2014J --as-of 2014-11-26

        headway features build --run 'oulad/*' --weekly --out f.parquet

        headway features build --run 'oulad/*' --days 14,28 --out f.csv
    """
    from headway import flow

    begun = perf_counter()
    when = flow.When(names(as_of), _whole_numbers(days), weekly)
    if not (when.dates or when.days or when.weekly):
        raise InputError("Say as of when: --as-of DATE, --days 14,28 or --weekly.")
    shown: list[pa.Table] = []
    with (
        _written(view, out, shown if out is None and not as_json else None) as write,
        opened(home, **_of(engine)) as app,
    ):
        done = flow.build_features(app, names(run), when, view, write=write, fresh=fresh, keep=keep)
    if as_json:
        print_json(_told(done, out, perf_counter() - begun))
    for table in shown:
        print_table(table.column_names, [tuple(row.values()) for row in table.to_pylist()])
    talk(
        f"{done.rows} rows of {len(done.view.features)} features, view {done.view.hash}: "
        f"{done.computed.moments} moments computed, {done.reused.moments} built before"
    )
    if not done.rows:
        talk("Nobody was enrolled then, as far as was known then. Name other dates or runs.")


def _whole_numbers(text: str) -> list[int]:
    try:
        return [int(part) for part in names(text)]
    except ValueError as wrong:
        raise InputError(f"--days {text!r}: write whole numbers such as 14,28,56.") from wrong


def _of(engine: str | None) -> dict[str, Any]:
    """The setting that asks for an engine, stronger than that of the workspace."""
    return {} if engine is None else {"engine": {"kind": engine}}


@contextmanager
def _written(view: str, out: Path | None, shown: "list[pa.Table] | None") -> "Iterator[Put]":
    """Where the rows go: to the file, into one table to be shown, or nowhere where only their number is asked for."""
    import pyarrow as pa

    from headway import flow
    from headway.features.views import view_of

    schema = flow.schema_of(view_of(view))
    if out is not None:
        with flow.table_file(out, schema) as write:
            yield write
        return
    held: list[pa.Table] = [schema.empty_table()]
    yield held.append if shown is not None else lambda _: None
    if shown is not None:
        shown.append(pa.concat_tables(held))


def _told(done: "BuildReport", out: Path | None, seconds: float) -> dict[str, Any]:
    import resource

    return {
        "view": done.view.name,
        "hash": done.view.hash,
        "rows": done.rows,
        "features": list(done.view.features),
        "out": str(out) if out else None,
        "seconds": round(seconds, 3),
        "peak_mib": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1),
        "computed": asdict(done.computed),
        "reused": asdict(done.reused),
    }
