"""The `headway` command. Its commands stand in modules by subject and import heavy libraries only when they run."""

import os
import signal
import sys
from pathlib import Path
from types import FrameType
from typing import Annotated, NoReturn

import typer

from headway import __version__
from headway.cli import (
    accounts,
    audit,
    bench,
    data,
    demo,
    doctor,
    evaluate,
    explain,
    features,
    keys,
    labels,
    leakage,
    lists,
    live,
    mastery,
    modelling,
    people,
    retention,
    rules,
    segments,
    serve,
    simulate,
    tasks,
    tensors,
    text,
    tune,
    worker,
)
from headway.cli.options import Home, choose_home
from headway.cli.output import report_error
from headway.domain.errors import HeadwayError

app = typer.Typer(
    name="headway",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    add_completion=True,
    help="From what learners do to help that reaches the right learner in time.",
    epilog="Exit codes: 0 done, 1 failed, 2 wrong use, 3 data not fit, 4 refused, 130 stopped.",
)
data.add_to(app)
features.add_to(app)
live.add_to(features.features)
tensors.add_to(features.features)
labels.add_to(app)
modelling.add_to(app)
evaluate.add_to(app)
tune.add_to(app)
leakage.add_to(app)
retention.add_to(app)
lists.add_to(app)
explain.add_to(app)
mastery.add_to(app)
segments.add_to(app)
tasks.add_to(app)
rules.add_to(app)
worker.add_to(app)
demo.add_to(app)
doctor.add_to(app)
simulate.add_to(app)
bench.add_to(app)
text.add_to(app)
keys.add_to(app)
accounts.add_to(app)
people.add_to(app)
audit.add_to(app)
serve.add_to(app)


def _version(wanted: bool) -> None:
    if wanted:
        print(f"headway {__version__}")
        raise typer.Exit


@app.callback()
def _everywhere(
    home: Home = None,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    del version
    choose_home(home)


@app.command()
def init(
    folder: Annotated[
        Path | None, typer.Argument(help="The folder to make a workspace of.", show_default=False)
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done; write nothing.")] = False,
) -> None:
    """Make a workspace: settings, a secret key for pseudonyms, empty stores.

    For example:

        headway init work

        headway init --dry-run
    """
    from headway.cli.options import home_of
    from headway.cli.output import talk
    from headway.flow import open_app
    from headway.settings import pseudonym_key

    home = folder.absolute() if folder else home_of(None)
    if dry_run:
        talk(f"Would make a workspace in {home}. Nothing written.")
        return
    with open_app(home) as opened:
        pseudonym_key(opened.settings)
    print(home)
    talk(f"Next: headway import SOURCE PATH --home {home}, or headway source list to see the sources.")


def main() -> None:
    """Runs the command line and exits with its code."""
    # The exit stands outside: as long as a traceback lives, so do the connections that the command had open.
    sys.exit(_run())


def _run() -> int | str | None:
    """The exit code of the command line."""
    stopped = _stops()
    try:
        app()
    except SystemExit as done:
        if isinstance(done.__context__, BrokenPipeError):
            return 0  # the reader (head, less) has seen enough
        return 130 if stopped else done.code
    except HeadwayError as error:
        if os.environ.get("HEADWAY_DEBUG"):
            raise
        return 130 if stopped else report_error(error)
    except Exception:  # process edge: a library that is stopped at its work says so in its own way
        if not stopped:
            raise
        return 130
    return 0


def _stops() -> list[int]:
    """A list that is empty until Ctrl-C is pressed."""
    stopped: list[int] = []

    def stop(number: int, frame: FrameType | None) -> NoReturn:
        del frame
        stopped.append(number)
        print("headway: stopped. What was finished is kept; repeat the command to go on.", file=sys.stderr)
        raise KeyboardInterrupt

    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, stop)
    return stopped
