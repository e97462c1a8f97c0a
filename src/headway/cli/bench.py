"""`headway bench`: how fast this machine is at what headway does, beside other libraries and beside the limit."""

from pathlib import Path
from typing import Annotated, Any

import typer

from headway.cli.options import AsJson
from headway.cli.output import print_json, print_table, progress, talk


def add_to(app: typer.Typer) -> None:
    """Adds the command."""
    app.command()(bench)


def bench(
    name: Annotated[
        str | None, typer.Argument(help="Which benchmark; without it, all are listed.", show_default=False)
    ] = None,
    n: Annotated[
        int | None, typer.Option("--n", min=1000, help="Size in events (else: a minute's worth).", show_default=False)
    ] = None,
    full: Annotated[
        bool, typer.Option("--full", help="The size of the documentation's tables, measured once.")
    ] = False,
    repeat: Annotated[
        int | None, typer.Option(min=1, help="How often each task is measured; medians are told.", show_default=False)
    ] = None,
    keep: Annotated[
        Path | None, typer.Option(help="A folder that keeps made worlds for the next time.", show_default=False)
    ] = None,
    memory: Annotated[int, typer.Option(min=128, help="What the query engine may hold, in MiB.")] = 1024,
    threads: Annotated[
        int | None, typer.Option(min=1, help="Threads of each library (else: one per core).", show_default=False)
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Measure time and memory on made-up worlds; each task in a process of its own, from its start to its end.

    For example:

        headway bench

        headway bench features --n 1000000
    """
    from headway.benchmarks.listing import BENCHMARKS, run

    if name is None:
        _list(list(BENCHMARKS.values()), as_json=as_json)
        return
    with progress() as say:
        found = run(name, n=n, full=full, repeat=repeat, keep=keep, memory_mib=memory, threads=threads, say=say)
    if as_json:
        print_json(found)
        return
    _show(found)


def _list(benchmarks: list[Any], *, as_json: bool) -> None:
    if as_json:
        keys = ("name", "summary", "small", "full")
        print_json([{key: getattr(one, key) for key in keys} for one in benchmarks])
        return
    print_table(
        ["benchmark", "what it measures", "events", "with --full"],
        [[one.name, one.summary, one.small, one.full] for one in benchmarks],
    )
    talk("Next: headway bench NAME")


def _show(found: dict[str, Any]) -> None:
    measured = {"headway": found["headway"], **found["peers"], "limit": found["limit"]}
    rows = [[who, *_figures(figures)] for who, figures in measured.items() if figures]
    rows += [[f"headway, {entry['n']:,} events", *_figures(entry)] for entry in found["growth"]]
    print_table([found["name"], "seconds", "CPU seconds", "peak MiB"], rows)
    known = {"name", "n", "headway", "peers", "limit", "growth", "ratios"}
    talk(f"{found['n']:,} events. " + _told({**found["ratios"], **{k: v for k, v in found.items() if k not in known}}))


def _figures(figures: dict[str, float]) -> list[float]:
    return [figures["seconds"], figures["cpu_seconds"], figures["peak_mib"]]


def _told(facts: dict[str, Any]) -> str:
    return "; ".join(f"{name.replace('_', ' ')}: {value}" for name, value in facts.items())
