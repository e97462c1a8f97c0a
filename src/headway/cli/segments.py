"""The command about who is alike."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from headway.cli.options import AsJson, AsOfDate, Home, opened
from headway.cli.output import print_json, print_table, talk, write_text
from headway.domain.errors import InputError

if TYPE_CHECKING:
    from headway.advising.segments import Segments
    from headway.flow.segments import How


def add_to(app: typer.Typer) -> None:
    """Adds this command."""
    app.command()(segment)


def segment(
    run: Annotated[str, typer.Argument(metavar="RUN", help="The course run, source/course/run.", show_default=False)],
    as_of: AsOfDate,
    method: Annotated[str, typer.Option(help="reason, kmeans, ward or mixture.")] = "reason",
    segments: Annotated[
        int | None, typer.Option(help="How many; as many as come out again by default.", show_default=False)
    ] = None,
    name: Annotated[
        list[str] | None,
        typer.Option("--name", help='A name to keep: 2="Weekend workers".', show_default=False),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Also write a page to this file.", show_default=False)] = None,
    as_json: AsJson = False,
    home: Home = None,
) -> None:
    """Show who is alike in a run: named segments with size, what tells them apart, moves within a week, and plays.

    For example:

        headway segment oulad/AAA/2014J --as-of 2014-11-26

        headway segment oulad/AAA/2014J --as-of 2014-11-26 --method kmeans

        headway segment c/A/1 --as-of 2014-11-26 --name 2="Weekend workers"
    """
    from headway.flow.segments import segment as found_in

    with opened(home) as app:
        found = found_in(app, run, as_of, method=cast("How", method), number=segments, rename=_named(name))
        if out is not None:
            from headway.flow.pages import made
            from headway.reports.segments import segments_page

            write_text(segments_page(found, made(app)), out)
    if as_json:
        print_json(found.as_json())
        return
    _show(found)
    if out is not None:
        talk(f"Wrote {out}")


def _named(texts: list[str] | None) -> dict[int, str]:
    named: dict[int, str] = {}
    for text in texts or []:
        number, sign, name = text.partition("=")
        if not sign or not number.strip().isdigit():
            raise InputError(f'--name {text!r} is not NUMBER=NAME. Write 2="Weekend workers".')
        named[int(number)] = name
    return named


def _show(found: "Segments") -> None:
    header = ("segment", "name", "learners", "a week ago", "stability")
    print_table(header, [(s.number, s.name, len(s.learners), s.before, s.stability) for s in found.segments])
    for each in found.segments:
        print(f"\n{each.number} {each.name}{f': {each.about}' if each.about else ''}")
        for telling in each.telling:
            print(f"  {telling.text}")
        for play in each.plays:
            print(f"  → {play}")
    moved = [move for move in found.moves if move[0] != move[1]]
    if moved:
        print("\nWithin the week")
        print_table(("from", "to", "learners"), moved)
    if found.stability is not None:
        talk(f"Stability {found.stability:.2f}: 1 where the same segments always come out again, 0 where by chance.")
    if found.note:
        talk(found.note)
    talk("A way of behaving, not a kind of person. Ask before you assume.")
