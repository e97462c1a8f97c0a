"""The command about who is still there."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from headway.cli.options import AsJson, Home, names, opened
from headway.cli.output import print_json, print_table, talk, write_text
from headway.domain.errors import InputError, UnknownName

if TYPE_CHECKING:
    from headway.description.retention import Event as Leaving
    from headway.evaluation.durations import Event
    from headway.evaluation.retained import Clock, Retained

EVENTS = ("withdrawal", "silence")
CLOCKS = ("own", "course")


def add_to(app: typer.Typer) -> None:
    """Adds this command."""
    app.command()(retention)


def retention(
    run: Annotated[str, typer.Argument(metavar="RUN", help="The course run, source/course/run.", show_default=False)],
    as_of: Annotated[
        str | None, typer.Option("--as-of", help="As it was known at this time.", show_default=False)
    ] = None,
    event: Annotated[
        str | None,
        typer.Option(help="What counts as leaving: withdrawal, or silence (the last activity).", show_default=False),
    ] = None,
    clock: Annotated[str, typer.Option(help="Weeks of each learner's own, or of the course.")] = "own",
    by: Annotated[
        str | None, typer.Option(help="An attribute: compare its groups of 10 or more.", show_default=False)
    ] = None,
    train: Annotated[
        str,
        typer.Option(help="Past runs: also say how well survival models had foreseen it.", show_default=False),
    ] = "",
    days: Annotated[str, typer.Option(help="Course days for that, separated by commas.")] = "28,56",
    html: Annotated[Path | None, typer.Option(help="Also write a page to this file.", show_default=False)] = None,
    as_json: AsJson = False,
    home: Home = None,
) -> None:
    """Show how many learners of a run are still there, week by week, with intervals and hazards.

    For example:

        headway retention oulad/AAA/2014J --json

        headway retention oulad/AAA/2014J --by age_band --html stay.html
    """
    from headway.flow.retention import evaluate_retention
    from headway.flow.retention import retention as found_in

    for what, word, known in (("event", event, EVENTS), ("clock", clock, CLOCKS)):
        if word is not None and word not in known:
            raise UnknownName.of(what, word, known)
    leaving = cast("Leaving | None", "last activity" if event == "silence" else event)
    rows: list[dict[str, Any]] = []
    with opened(home) as app:
        found = found_in(app, run, as_of, event=leaving, clock=cast("Clock", clock), by=by)
        if names(train):
            waited = cast("Event", event or ("withdrawal" if found.event == "withdrawal" else "silence"))
            rows = list(evaluate_retention(app, names(train), run, _days(days), event=waited))
        if html is not None:
            from headway.flow.pages import made
            from headway.reports.retention import retention_page

            write_text(retention_page(found, made(app)), html)
    if as_json:
        print_json(found.as_json() | {"foreseen": rows})
        return
    _show(found)
    if rows:
        _show_foreseen(rows)


def _days(text: str) -> list[int]:
    try:
        return [int(part) for part in names(text)]
    except ValueError as wrong:
        raise InputError(f"--days {text!r}: write whole numbers such as 14,28,56.") from wrong


def _show(found: "Retained") -> None:
    header = ("week", "at risk", "left", "still there", "95%", "hazard", "cumulative")
    rows = [
        (w.week, w.at_risk, w.left, w.survival, f"{w.low:.3f}–{w.high:.3f}", w.hazard, w.cumulative_hazard)
        for w in found.weeks
    ]
    print_table(header, rows)
    for group in found.groups:
        print(f"\n{found.by} = {group.name}: {group.learners} learners")
        of_group = [(w.week, w.at_risk, w.left, w.survival, f"{w.low:.2f}–{w.high:.2f}") for w in group.weeks]
        print_table(header[:5], of_group)
    if found.by is not None:
        talk(f"{found.in_no_group} learners are in no group of 10 or more; numbers of 1 to 9 are not told.")
    if found.difference is not None:
        test = found.difference
        talk(f"Log-rank test: chi-squared {test.statistic:.2f}, {test.freedom} degrees of freedom, p {test.p:.3g}.")
    talk(f"{found.learners} learners, {found.left} left ({found.event}); {found.clock} weeks.")


def _show_foreseen(rows: list[dict[str, Any]]) -> None:
    weeks = list(dict.fromkeys(week for row in rows for week in row["brier"] or {}))
    header = ("day", "model", "n", "left", "concordance", "95%", *(f"Brier {week}w" for week in weeks))
    lines = []
    for row in rows:
        found, brier = row["concordance"] or {}, row["brier"] or {}
        low = found.get("low")
        interval = "–" if low is None else f"{low:.3f}–{found['high']:.3f}"
        lines.append(
            (row["day"], row["model"], row["n"], row["left"], found.get("value"), interval, *map(brier.get, weeks))
        )
    print()
    print_table(header, lines)
    for why in dict.fromkeys(row["note"] for row in rows if row.get("note")):
        talk(f"– {why}")
