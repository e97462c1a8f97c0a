"""The commands about who learners are: names and groups from a file, counted, forgotten. No name is ever printed."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from headway.cli.options import AsJson, DryRun, Home, Run, opened
from headway.cli.output import print_json, print_table, talk
from headway.domain.errors import InputError

people = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Names and groups of learners, for the pages.")


def add_to(app: typer.Typer) -> None:
    """Adds the group `people`."""
    app.add_typer(people, name="people")


@people.command("import")
def import_(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE.csv",
            help="A CSV file with id and name, and any of number, email, phone, zone, group.",
            show_default=False,
        ),
    ],
    run: Run,
    source: Annotated[
        str, typer.Option(help="The source whose own ids the file has, such as moodle.", show_default=False)
    ],
    dry_run: DryRun = False,
    as_json: AsJson = False,
    home: Home = None,
) -> None:
    """Say who the learners of a course run are, and in which group.

    Names are sealed in the store and shown on pages alone; the ids become
    pseudonyms and are not kept. Rows of people who are not enrolled are
    left out.

    For example:

        headway people import p.csv --run moodle/7/1 --source moodle

        headway people import p.csv --run edx/C/1 --source edx --dry-run
    """
    from dataclasses import asdict

    from headway.flow.people import REASONS, import_people

    with opened(home, dry_run=dry_run) as app:
        report = import_people(app, file, run, source, dry_run=dry_run)
    if as_json:
        print_json(asdict(report) | {"dry_run": dry_run})
    else:
        rows = [("rows read", report.read), ("names kept", report.people), ("of them in a group", report.grouped)]
        rows += [
            ("learners of the run without a name", report.unnamed),
            ("rows left out", sum(report.reasons.values())),
        ]
        print_table(("what", "count"), rows)
    for line, reason in report.bad[:10]:
        talk(f"{file}:{line}: {REASONS[reason]}.")
    if dry_run:
        talk("Nothing written.")


@people.command("list")
def list_(as_json: AsJson = False, home: Home = None) -> None:
    """Count names and groups by course run; no name is printed.

    For example:

        headway people list

        headway people list --json
    """
    from headway.flow.people import count_people

    with opened(home) as app:
        found = count_people(app)
    if as_json:
        print_json(found)
        return
    header = ("run", "learners", "named", "grouped", "groups")
    print_table(header, [[row[name] for name in header] for row in found])


@people.command()
def forget(
    learner: Annotated[str, typer.Argument(help="The learner's id, as lists print it.", show_default=False)],
    confirm: Annotated[
        str | None, typer.Option(help="The learner's id again, for scripts.", show_default=False)
    ] = None,
    as_json: AsJson = False,
    home: Home = None,
) -> None:
    """Forget who a learner is; the records stay, under the pseudonym.

    To erase the records too: headway lake erase.

    For example:

        headway people forget oulad/28400

        headway people forget oulad/28400 --confirm oulad/28400
    """
    from headway.flow.people import forget_people

    if confirm is None and sys.stdin.isatty():
        confirm = typer.prompt(f"This cannot be undone. Type {learner} to forget the name", err=True)
    if confirm != learner:
        raise InputError(f"Forgetting cannot be undone. Repeat with --confirm {learner}")
    with opened(home) as app:
        gone = forget_people(app, [learner])
    if as_json:
        print_json({"learner": learner, "forgotten": gone})
    else:
        talk("The name is forgotten." if gone else "No name was known.")
