"""Options that several commands share, and the home that they work in."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from headway.flow import App

Home = Annotated[
    Path | None, typer.Option("--home", help="The workspace folder (or HEADWAY_HOME).", show_default=False)
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would be done; write nothing.")]
Run = Annotated[str, typer.Option("--run", help="The course run, source/course/run.", show_default=False)]
AsOfDate = Annotated[
    str, typer.Option("--as-of", help="A date (its end, in the course's zone) or an instant.", show_default=False)
]
Reason = Annotated[str, typer.Option(help="Why, in a sentence; it is kept.", show_default=False)]
AsAccount = Annotated[str, typer.Option("--as", help="Whose account does it.", show_default=False)]
AsOfficer = Annotated[
    str, typer.Option("--as", help="Whose account does it; it has the role governance.", show_default=False)
]
Label = Annotated[str, typer.Option("--label", help="What to predict.")]

_chosen: dict[str, Path | None] = {"home": None}


def choose_home(home: Path | None) -> None:
    """Keeps the home given before the command, for commands that are given none of their own."""
    _chosen["home"] = home


def home_before_command() -> Path | None:
    """The home given before the command, if any."""
    return _chosen["home"]


def home_of(home: Path | None) -> Path:
    """The home to work in."""
    from headway.settings import find_home

    return find_home(home or home_before_command(), os.environ)


@contextmanager
def opened(home: Path | None, *, dry_run: bool = False, **overrides: Any) -> "Iterator[App]":
    """The app of the home, its progress shown on stderr; `overrides` are settings stronger than all others.

    A dry run of a home that is not there yet works in a passing one, so that it leaves nothing behind. Any other
    command makes it and says so: its name may have been mistyped.
    """
    from headway.cli.output import progress, talk
    from headway.lake.arrow import without_pandas

    without_pandas()
    from headway.flow import open_app
    from headway.settings import FILE

    place = home_of(home)
    with ExitStack() as stack:
        if not (place / FILE).exists():
            if dry_run:
                place = Path(stack.enter_context(TemporaryDirectory(prefix="headway-dry-run-")))
            else:
                talk(f"{place} is a new home; nothing is in it yet.")
        stack.enter_context(_work_folder())
        say = stack.enter_context(progress())
        yield stack.enter_context(open_app(place, progress=say, **overrides))


@contextmanager
def _work_folder() -> Iterator[None]:
    """Puts temporary files into a folder of this command's own: they hold what was delivered, names and all.

    A command that is killed cannot remove them; the next one does.
    """
    from headway.lake.own_folder import own_folder

    before, given = tempfile.tempdir, os.environ.get("TMPDIR")
    with own_folder(Path(tempfile.gettempdir()), "headway-work-") as own:
        tempfile.tempdir = os.environ["TMPDIR"] = str(own)
        try:
            yield
        finally:
            tempfile.tempdir = before
            if given is None:
                del os.environ["TMPDIR"]
            else:
                os.environ["TMPDIR"] = given


def names(text: str | None) -> list[str]:
    """The comma-separated names in `text`."""
    return [name.strip() for name in (text or "").split(",") if name.strip()]
