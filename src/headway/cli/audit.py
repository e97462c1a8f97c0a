"""The commands about the audit: verify the chain, look at the newest entries, export them signed, accept a break."""

from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from headway.cli.options import AsJson, AsOfficer, Home, Reason, opened
from headway.cli.output import print_json, print_table, talk

if TYPE_CHECKING:
    from headway.flow.audit_trail import AuditFilter

audit = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="The audit: who did what to what, when.")

By = Annotated[str, typer.Option("--by", help="Only what this actor did.", show_default=False)]
Action = Annotated[str, typer.Option(help="Only acts of this name: score, view, erase, ...", show_default=False)]
Subject = Annotated[str, typer.Option(help="Only what was done to this.", show_default=False)]
Since = Annotated[
    datetime | None, typer.Option(help="From this day on (UTC).", formats=["%Y-%m-%d"], show_default=False)
]
Until = Annotated[
    datetime | None, typer.Option(help="Before this day (UTC).", formats=["%Y-%m-%d"], show_default=False)
]


def add_to(app: typer.Typer) -> None:
    """Adds the group `audit`."""
    app.add_typer(audit, name="audit")


@audit.command()
def verify(as_json: AsJson = False, home: Home = None) -> None:
    """Read the whole chain; where it is broken, nothing is done from then on.

    For example:

        headway audit verify

        headway audit verify --json
    """
    from headway.domain.errors import AuditBroken
    from headway.flow.audit_trail import chain, stopped_where_broken

    with opened(home) as app:
        found = stopped_where_broken(app, chain(app))
    if as_json:
        print_json(asdict(found))
    if found.broken is not None:
        raise AuditBroken.at(found.broken.id)
    if not as_json:
        print(f"unbroken: {found.entries:,} entries")


@audit.command()
def tail(
    lines: Annotated[int, typer.Option("-n", help="How many entries.", min=1, max=1_000)] = 20,
    by: By = "",
    action: Action = "",
    subject: Subject = "",
    since: Since = None,
    until: Until = None,
    as_json: AsJson = False,
    home: Home = None,
) -> None:
    """Show the newest entries, the newest last. Learners stand there as hashes.

    For example:

        headway audit tail -n 5

        headway audit tail --action erase --since 2026-11-01 --json
    """
    from headway.flow.audit_trail import audit_entries
    from headway.flow.governance_page import names_of

    with opened(home) as app:
        newest, _ = audit_entries(app, _wanted(by, action, subject, since, until), most=lines)
        who = names_of(app)
    entries = newest[::-1]
    if as_json:
        print_json([asdict(entry) for entry in entries])
        return
    rows = [(e.id, f"{e.at:%Y-%m-%d %H:%M:%S}", who.get(e.actor, e.actor), e.action, e.subject) for e in entries]
    print_table(("entry", "at (UTC)", "who", "what", "about"), rows)


@audit.command()
def export(
    out: Annotated[Path, typer.Option(help="The file to write, JSON lines.", show_default=False)],
    purpose: Annotated[str, typer.Option(help="What it is for; the audit keeps it.", show_default=False)],
    by: By = "",
    action: Action = "",
    subject: Subject = "",
    since: Since = None,
    until: Until = None,
    home: Home = None,
) -> None:
    """Write entries to a file whose last line signs those before it.

    For example:

        headway audit export --out audit.jsonl --purpose "Yearly review"

        headway audit export --out e.jsonl --purpose Review --action erase
    """
    from headway.flow.audit_trail import audit_export

    with opened(home) as app:
        content = audit_export(app, _wanted(by, action, subject, since, until), purpose)
    out.write_bytes(content)
    entries = len(content.splitlines()) - 1
    talk(f"Wrote {entries:,} entries and their signature to {out}.")


@audit.command()
def accept(
    entry: Annotated[int, typer.Argument(help="The entry at which the chain is broken.", show_default=False)],
    reason: Reason,
    officer: AsOfficer,
    home: Home = None,
) -> None:
    """Accept a break of the chain, as a governance officer, so that work goes on.

    For example:

        headway audit accept 7 --reason "Backup restored." --as gil

        headway audit accept 12 --reason "Test data." --as gil
    """
    from headway.domain.errors import AuditBroken
    from headway.flow.accounts import acting_as
    from headway.flow.audit_trail import accept_break

    with opened(home) as app:
        found = accept_break(acting_as(app, officer, "governance"), entry, reason)
    if found.broken is not None:
        raise AuditBroken.at(found.broken.id)
    print("The chain holds from here on.")


def _wanted(by: str, action: str, subject: str, since: datetime | None, until: datetime | None) -> "AuditFilter":
    from headway.flow.audit_trail import AuditFilter

    days = (None if day is None else day.replace(tzinfo=UTC) for day in (since, until))
    return AuditFilter(by, action, subject, *days)
