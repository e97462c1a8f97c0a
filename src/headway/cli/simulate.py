"""`headway simulate`: files of made-up learners, as platforms write them, with the truth beside them."""

from pathlib import Path
from typing import Annotated

import typer

from headway.cli.options import AsJson, DryRun
from headway.cli.output import print_json, progress, talk
from headway.domain.errors import InputError

OWN = ("learners", "weeks", "runs", "courses", "seed")


def add_to(app: typer.Typer) -> None:
    """Adds the command."""
    app.command()(simulate)


def simulate(
    out: Annotated[Path, typer.Option(help="A new or empty folder for the files.", show_default=False)],
    form: Annotated[str, typer.Option("--format", help="The platform's format: edx, xapi or csv.")] = "edx",
    learners: Annotated[int, typer.Option(min=1, help="Learners in all runs together.")] = 1200,
    weeks: Annotated[int, typer.Option(min=2, help="Weeks in each run.")] = 12,
    runs: Annotated[int, typer.Option(min=1, help="Runs of each course.")] = 4,
    courses: Annotated[int, typer.Option(min=1, help="Number of courses.")] = 1,
    size: Annotated[
        str | None, typer.Option(help="Size of the statements, as 1.5GB (else: as it comes).", show_default=False)
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of every random choice.")] = 1,
    packed: Annotated[bool, typer.Option("--gzip", help="Pack the files of statements.")] = False,
    option: Annotated[
        list[str] | None,
        typer.Option("--option", "-o", help="A knob of the simulator: NAME=VALUE.", show_default=False),
    ] = None,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Write files of made-up learners as a platform would, and beside them what is true about everyone.

    For example:

        headway simulate --learners 2000 --runs 4 --out made-up

        headway simulate --format xapi --size 200MB --out big --dry-run
    """
    from headway.sources.simulation.files import order_of, write_files

    each = _each(learners, runs * courses)
    own = (each, weeks, runs, courses, seed)
    knobs = {**_knobs(option), **{name: str(value) for name, value in zip(OWN, own, strict=True)}}
    order = order_of(form, knobs, size=size, packed=packed)
    told = {"format": form, "out": str(out), "learners": each * runs * courses, "files": order.files()}
    if dry_run:
        of_statements = [order.statements_file(run) for run in order.world.runs]
        talk(
            f"Would write {len(of_statements)} files such as {out / of_statements[0]}, about {order.size / 1e6:.1f} MB "
            f"of statements by {each} learners in each run, and {len(order.files()) - len(of_statements)} others. "
            "Nothing written."
        )
        if as_json:
            print_json({"dry_run": True, **told, "bytes": order.size, "pace": order.world.knobs.pace})
        return
    with progress() as say:
        written = write_files(order, out, say)
    commands = [command.format(out=out) for command in order.form.imports]
    if as_json:
        print_json({**told, "statements": written.statements, "bytes": written.size, "imports": commands})
        return
    print(out)
    talk(f"{written.statements} lines, {written.size / 1e6:.1f} MB, {written.learners} learners. The truth: truth.json")
    talk("Next: " + "\n      ".join(commands))


def _each(learners: int, runs: int) -> int:
    if learners < runs:
        raise InputError(f"{learners} learners cannot fill {runs} runs. Give --learners {runs} or more.")
    return round(learners / runs)


def _knobs(option: list[str] | None) -> dict[str, str]:
    knobs: dict[str, str] = {}
    for each in option or []:
        name, sign, value = each.partition("=")
        if not sign or not name:
            raise InputError(f"Option {each!r} is not NAME=VALUE. Write for example -o base_rate=0.4.")
        if name in OWN:
            raise InputError(f"{name} is an option of its own. Write --{name} {value}.")
        knobs[name] = value
    return knobs
