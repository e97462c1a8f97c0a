"""Commands about data: sources, imports, the lake."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from headway.cli.options import AsJson, DryRun, Home, opened
from headway.cli.output import print_json, print_table, talk, would, write_text
from headway.domain.errors import InputError, UnknownName

if TYPE_CHECKING:
    from headway.description.course import CourseDescription
    from headway.description.quality import Profile
    from headway.lake.landing import IngestReport

source = typer.Typer(no_args_is_help=True, help="The systems that headway reads.")
lake = typer.Typer(no_args_is_help=True, help="What was known, and when.")

Paths = Annotated[list[Path] | None, typer.Argument(help="Files or folders.", show_default=False)]
SourceName = Annotated[str, typer.Argument(metavar="SOURCE", help="One of `headway source list`.", show_default=False)]
Options = Annotated[
    list[str] | None, typer.Option("--option", "-o", help="An option of the source: NAME=VALUE.", show_default=False)
]
OfRun = Annotated[
    str | None,
    typer.Option("--run", help="The course run (source/course/run) of data that names none.", show_default=False),
]
Locale = Annotated[
    str | None, typer.Option("--locale", help="Where dates and headers are written so, as en_GB.", show_default=False)
]
Zone = Annotated[
    str | None, typer.Option("--zone", help="Time zone of times that name none, as Europe/Dublin.", show_default=False)
]


def add_to(app: typer.Typer) -> None:
    """Adds these commands."""
    app.add_typer(source, name="source")
    app.command("import")(import_)
    app.command()(export)
    app.command()(describe)
    app.add_typer(lake, name="lake")


@source.command("list")
def list_sources(as_json: AsJson = False) -> None:
    """List the sources with their options.

    For example:

        headway source list

        headway source list --json
    """
    from headway.sources.source import SOURCES

    if as_json:
        print_json([{"name": s.name, "summary": s.summary, "options": dict(s.options)} for s in SOURCES])
        return
    for each in SOURCES:
        print(f"{each.name}: {each.summary}")
        for name, text in each.options.items():
            print(f"    -o {name}=…  {text}")


@source.command()
def check(
    name: SourceName,
    paths: Paths = None,
    run: OfRun = None,
    locale: Locale = None,
    zone: Zone = None,
    option: Options = None,
    html: Annotated[Path | None, typer.Option(help="Write the profile as a page.", show_default=False)] = None,
    as_json: AsJson = False,
    home: Home = None,
) -> None:
    """Read everything, say what would become of it and what the data is good for; write nothing to the lake.

    For example:

        headway source check oulad ~/oulad --html profile.html

        headway source check csv -o map=map.toml marks.csv
    """
    from headway import flow

    with opened(home, dry_run=True) as app:
        report, found = flow.check_source(app, name, paths or [], _options(option, run, locale, zone))
        if html is not None:
            write_text(flow.quality_page(app, found), html)
    if as_json:
        print_json(report.as_json() | {"profile": quality_json(found)})
    else:
        _show(report)
        _show_profile(found)
    talk("Nothing written.")
    if found.severity == "stop" or report.total.read == report.total.quarantined > 0:
        raise typer.Exit(3)


@source.command("profile")
def profile_(
    sources: Annotated[
        list[str] | None, typer.Argument(metavar="SOURCE…", help="First parts of run ids; all by default.")
    ] = None,
    html: Annotated[Path | None, typer.Option(help="Write the profile as a page.", show_default=False)] = None,
    as_json: AsJson = False,
    home: Home = None,
) -> None:
    """Say what the records in the lake are good for: gaps, doubles, robots, delays, and what they mean in people.

    For example:

        headway source profile --html profile.html

        headway source profile oulad --json
    """
    from headway import flow

    with opened(home) as app:
        found = flow.profile_sources(app, sources or [])
        if html is not None:
            write_text(flow.quality_page(app, found), html)
    if as_json:
        print_json(quality_json(found))
    else:
        _show_profile(found)
    if found.severity == "stop":
        raise typer.Exit(3)


@source.command()
def rejects(
    source_name: Annotated[str | None, typer.Option("--source", help="Only this source.", show_default=False)] = None,
    limit: Annotated[int, typer.Option(min=0, help="How many rows to show.")] = 20,
    as_json: AsJson = False,
    home: Home = None,
) -> None:
    """List what is in quarantine: counts by reason, and the rows.

    For example:

        headway source rejects

        headway source rejects --source oulad --json
    """
    from headway.sources.source import SOURCES

    with opened(home) as app:
        counts = app.lake.reject_counts()
        known = {*SOURCES.names(), *(row[0] for row in counts)}
        if source_name is not None and source_name not in known:
            raise UnknownName.of("source", source_name, known)
        counts = [row for row in counts if source_name in (None, row[0])]
        rows = app.lake.rejects(source_name).slice(0, limit).drop_columns(["id"]).to_pylist()
    header = ("source", "kind", "reason", "rows")
    if as_json:
        print_json({"counts": [dict(zip(header, row, strict=True)) for row in counts], "rows": rows})
        return
    print_table(header, counts)
    for row in rows:
        print(f"{row['file'] or '–'}:{row['line'] or '–'}  {row['reason']}  {row['detail']}  {row['raw']}")


def import_(
    name: SourceName,
    paths: Paths = None,
    run: OfRun = None,
    locale: Locale = None,
    zone: Zone = None,
    option: Options = None,
    dry_run: DryRun = False,
    as_json: AsJson = False,
    home: Home = None,
) -> None:
    """Read a source into the lake. Doing it twice, or again after a crash, changes nothing.

    For example:

        headway import oulad ~/oulad

        headway import moodle logs.csv --locale en_GB --zone Europe/Dublin

        headway import simulated -o learners=500 --json
    """
    from headway import flow

    options = _options(option, run, locale, zone)
    with opened(home, dry_run=dry_run) as app:
        report = flow.ingest(app, name, paths or [], options, dry_run=dry_run)
    if as_json:
        print_json(report.as_json())
    else:
        _show(report)
    if dry_run:
        talk("Nothing written.")
    elif report.total.quarantined:
        talk("Next: headway source rejects shows what was refused and why.")
    if report.total.read and report.total.quarantined == report.total.read:
        raise typer.Exit(3)


def _show(report: "IngestReport") -> None:
    rows: list[list[Any]] = [
        [kind, counts.read, counts.accepted, counts.quarantined, counts.unchanged]
        for kind, counts in report.kinds.items()
    ]
    total = report.total
    rows.append(["all", total.read, total.accepted, total.quarantined, total.unchanged])
    print_table(("kind", "read", "accepted", "quarantined", "unchanged"), rows)
    if report.reasons:
        print_table(("reason", "rows"), sorted(report.reasons.items()))
    for note in report.notes:
        talk(note)
    talk(f"{report.seconds:.1f} s")


def describe(
    run: Annotated[str, typer.Argument(metavar="RUN", help="The course run, source/course/run.", show_default=False)],
    out: Annotated[Path | None, typer.Option(help="The file: .html, .pdf or .json.", show_default=False)] = None,
    as_of: Annotated[
        str | None, typer.Option("--as-of", help="As it was known at this time.", show_default=False)
    ] = None,
    as_json: AsJson = False,
    home: Home = None,
) -> None:
    """Describe a course run: who comes, what they use, when they stop, what they hand in; on one page of plain words.

    For example:

        headway describe oulad/AAA/2014J --out course.html

        headway describe oulad/AAA/2014J --as-of 2014-12-31 --json
    """
    from headway import flow

    if out is not None and out.suffix not in (".html", ".pdf", ".json"):
        raise InputError(f"{out.name} has no known suffix. Name a file that ends in .html, .pdf or .json.")
    with opened(home) as app:
        found = flow.describe(app, run, as_of)
        if out is not None:
            _write_description(flow.description_page(app, found), found, out)
    if as_json:
        print_json(found.as_json())
    else:
        told = found.summary
        print(told.headline)
        for sentence in (*told.patterns, told.soft, *told.drop_offs):
            if sentence:
                print(f"- {sentence}")
    if out is not None:
        talk(f"Wrote {out}")


def _write_description(page: str, found: "CourseDescription", out: Path) -> None:
    if out.suffix == ".pdf":
        from headway.reports.pdf import pdf_of

        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_bytes(pdf_of(page))
    else:
        write_text(page if out.suffix == ".html" else json.dumps(found.as_json(), ensure_ascii=False, indent=1), out)


def export(
    run: Annotated[str, typer.Argument(metavar="RUN", help="A course run, or a glob of some.", show_default=False)],
    out: Annotated[Path, typer.Option(help="The file: .parquet, .csv or .jsonl.", show_default=False)],
    kind: Annotated[str, typer.Option(help="The record kind.")] = "statements",
    as_of: Annotated[
        str | None, typer.Option("--as-of", help="Only what was known at this time.", show_default=False)
    ] = None,
    dry_run: DryRun = False,
    as_json: AsJson = False,
    home: Home = None,
) -> None:
    """Write the records of a run to a file; the audit keeps who did.

    For example:

        headway export oulad/AAA/2014J --out clicks.parquet

        headway export "oulad/*/2014J" --kind results --out marks.jsonl
    """
    from headway import flow

    if dry_run:
        would(f"write {kind} of {run} to {out}", as_json=as_json)
        return
    with opened(home) as app:
        rows = flow.export(app, [run], kind, out, as_of)
    if as_json:
        print_json({"run": run, "kind": kind, "rows": rows, "out": str(out)})
    else:
        talk(f"{rows} {kind} written to {out}")


def _show_profile(found: "Profile") -> None:
    signs = {"stop": "■", "look": "▲", "ok": "●"}
    for finding in found.findings:
        print(f"{signs[finding.severity]} {finding.sentence} {finding.means}")
        print(f"    {finding.advice}")


def quality_json(found: "Profile") -> dict[str, Any]:
    """A profile as values that JSON knows."""
    from headway.description.quality import as_json

    return as_json(found)


def _options(
    given: list[str] | None, run: str | None = None, locale: str | None = None, zone: str | None = None
) -> dict[str, str]:
    common = {"run": run, "locale": locale, "zone": zone}
    options = {name: value for name, value in common.items() if value is not None}
    for text in given or []:
        name, equals, value = text.partition("=")
        if not equals:
            raise InputError(f"--option {text!r} has no value. Write --option NAME=VALUE.")
        options[name] = value
    return options


@lake.command("runs")
def lake_runs(as_json: AsJson = False, home: Home = None) -> None:
    """Show which course runs are held: when, where they stand, how many learners and statements, how far they reach.

    For example:

        headway lake runs

        headway lake runs --json
    """
    from dataclasses import asdict

    from headway import flow

    with opened(home) as app:
        runs = [asdict(run) for run in flow.runs_held(app)]
    if as_json:
        print_json({"runs": runs})
        return
    if runs:
        print_table(tuple(runs[0]), [tuple(run.values()) for run in runs])
    else:
        talk("No course run is held yet. Run headway import.")


@lake.command()
def log(as_json: AsJson = False, home: Home = None) -> None:
    """Show every version of every table, newest first.

    For example:

        headway lake log

        headway lake log --json
    """
    from dataclasses import asdict

    with opened(home) as app:
        versions = [asdict(version) for version in app.lake.history()]
        snapshot = app.lake.snapshot().id
    if as_json:
        print_json({"snapshot": snapshot, "versions": versions})
        return
    if versions:
        print_table(tuple(versions[0]), [tuple(version.values()) for version in versions])
    talk(f"Snapshot {snapshot}")


@lake.command()
def verify(as_json: AsJson = False, home: Home = None) -> None:
    """Read the whole lake and say what is wrong with it; exit 3 where anything is.

    For example:

        headway lake verify

        headway lake verify --json
    """
    with opened(home) as app:
        found = app.lake.verify()
    if as_json:
        print_json(
            {"ok": found.ok, "rows": dict(found.rows), "digests": dict(found.digests), "problems": found.problems}
        )
    else:
        print_table(("kind", "rows", "digest"), [(kind, n, found.digests.get(kind)) for kind, n in found.rows.items()])
        for problem in found.problems:
            print(problem)
    if not found.ok:
        raise typer.Exit(3)


@lake.command()
def compact(dry_run: DryRun = False, as_json: AsJson = False, home: Home = None) -> None:
    """Join small files. Contents stay the same.

    For example:

        headway lake compact

        headway lake compact --dry-run
    """
    if dry_run:
        would("join small files of every table", as_json=as_json)
        return
    with opened(home) as app:
        done = app.lake.compact()
    if as_json:
        print_json({"files_before": done.files_before, "files_after": done.files_after})
    else:
        print(f"{done.files_before} files are now {done.files_after}")


@lake.command()
def erase(
    learner: Annotated[str, typer.Argument(help="The learner's id, as lists print it.", show_default=False)],
    confirm: Annotated[
        str | None, typer.Option(help="The learner's id again, for scripts.", show_default=False)
    ] = None,
    dry_run: DryRun = False,
    as_json: AsJson = False,
    home: Home = None,
) -> None:
    """Erase one learner from every file of the lake and from all predictions; print the receipt.

    For example:

        headway lake erase oulad/28400 --dry-run

        headway lake erase oulad/28400 --confirm oulad/28400
    """
    from headway import flow

    if dry_run:
        would(f"erase every record and prediction of {learner}", as_json=as_json)
        return
    if confirm is None and sys.stdin.isatty():
        confirm = typer.prompt(f"This cannot be undone. Type {learner} to erase it", err=True)
    if confirm != learner:
        raise InputError(f"Erasing cannot be undone. Repeat with --confirm {learner}")
    with opened(home) as app:
        receipt, predictions = flow.erase_learner(app, learner)
    told = {
        "learner": receipt.learner,
        "at": receipt.at,
        "rows": dict(receipt.rows),
        "rejects": receipt.rejects,
        "predictions": predictions,
        "files": receipt.files,
    }
    if as_json:
        print_json(told)
    else:
        print_table(
            ("what", "erased"), [*receipt.rows.items(), ("rejects", receipt.rejects), ("predictions", predictions)]
        )
    if not (any(receipt.rows.values()) or receipt.rejects or predictions):
        talk(f"No record and no prediction was held under {learner}. Look at the id again.")
