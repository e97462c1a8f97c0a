"""The commands about what runs by itself: the worker, its jobs, and the notices it sends."""

import gc
import signal
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer

from headway.cli.options import AsJson, Home, opened
from headway.cli.output import print_json, print_table, talk

jobs = typer.Typer(help="Jobs of the worker.", no_args_is_help=True)
notices = typer.Typer(help="What was, and what could not be, sent.", no_args_is_help=True)


def add_to(app: typer.Typer) -> None:
    """Adds these commands."""
    app.command()(worker)
    app.add_typer(jobs, name="job")
    app.add_typer(notices, name="notice")


def worker(
    once: Annotated[bool, typer.Option("--once", help="Do every job once, then end.")] = False,
    every: Annotated[
        str | None, typer.Option(help="How often to look: 30s, or 1s; the setting by default.", show_default=False)
    ] = None,
    as_json: AsJson = False,
    home: Home = None,
) -> None:
    """Move the inbox, evaluate rules, score, open tasks, send notices: until stopped.

    Stopped with SIGTERM or Ctrl-C it finishes the job it is at. Several workers may run on one home.

    For example:

        headway worker --home work --every 1s

        headway worker --once --json
    """
    from headway.domain.errors import InputError
    from headway.flow.worker import Worker
    from headway.live_settings import span_of

    if every is not None:
        try:
            span_of(every)
        except ValueError as wrong:
            raise InputError(f"--every: {wrong}.") from wrong
    failed = 0
    outcomes = []
    with opened(home) as app:
        runs = Worker(app, every)

        def stop(number: int, frame: FrameType | None) -> None:
            del number, frame
            if not runs.stop.is_set():
                talk("Stopping after the job at hand.")
            runs.stop.set()

        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, stop)
        for outcome in runs.once() if once else runs.run():
            if outcome.kind == "score" and not once and not gc.get_freeze_count():
                gc.freeze()  # what was built once and stays is not looked through again, a third of a second each time
            failed += outcome.state in {"failed", "dead"}
            outcomes += [outcome.as_json()] if once else []
            if outcome.error:
                talk(f"{outcome.kind}: {outcome.state}. {outcome.error}")
    if once and as_json:
        print_json({"jobs": outcomes, "failed": failed})
    elif once:
        print_table(("job", "state", "error"), [(one["job"], one["state"], one["error"]) for one in outcomes])
    if once and failed:
        raise typer.Exit(1)


@jobs.command("list")
def list_jobs(as_json: AsJson = False, home: Home = None) -> None:
    """List the worker's jobs: when each is due, who has it, what went wrong.

    For example:

        headway job list

        headway job list --json
    """
    from headway import flow

    with opened(home) as app:
        found = flow.list_jobs(app)
    if as_json:
        print_json([job.as_row() for job in found])
        return
    rows = [
        (job.id, job.state, f"{job.due_at:%Y-%m-%d %H:%M:%S}", job.attempts, job.locked_by, job.last_error)
        for job in found
    ]
    print_table(("job", "state", "due (UTC)", "failures", "worker", "last error"), rows)


@jobs.command("retry")
def retry_job(
    job: Annotated[str, typer.Argument(help="The job's id, as job list prints it.", show_default=False)],
    as_json: AsJson = False,
    home: Home = None,
) -> None:
    """Make a dead or waiting job due now.

    For example:

        headway job retry score

        headway job retry send --json
    """
    from headway import flow

    with opened(home) as app:
        found = flow.retry_job(app, job)
    if as_json:
        print_json(found.as_row())
    else:
        talk(f"The job {found.id} is due. A worker does it: headway worker")


@notices.command("list")
def list_notices(
    state: Annotated[str | None, typer.Option(help="Only pending, sent or dead ones.", show_default=False)] = None,
    as_json: AsJson = False,
    home: Home = None,
) -> None:
    """List the notices of the outbox, the newest first.

    For example:

        headway notice list --state dead

        headway notice list --json
    """
    from typing import get_args

    from headway import flow
    from headway.domain.errors import UnknownName
    from headway.notifications.outbox import State

    wanted = next((one for one in get_args(State) if one == state), None)
    if state is not None and wanted is None:
        raise UnknownName.of("state", state, get_args(State))
    with opened(home) as app:
        rows = flow.notice_rows(flow.list_notices(app, wanted))
    if as_json:
        print_json(rows)
        return
    columns = ("id", "channel", "address", "kind", "state", "attempts", "last_error")
    print_table(columns, [tuple(row[name] for name in columns) for row in rows])


@notices.command()
def retry(
    notice: Annotated[str, typer.Argument(help="The notice's id, or its first 8 signs.", show_default=False)],
    as_json: AsJson = False,
    home: Home = None,
) -> None:
    """Send a notice again that could not be sent.

    For example:

        headway notice retry 6f9a0c1e

        headway notice retry 6f9a0c1e --json
    """
    from headway import flow

    with opened(home) as app:
        found = flow.retry_notice(app, notice)
    if as_json:
        print_json(flow.notice_rows([found])[0])
    else:
        talk(f"The notice {found.id} is due. A worker sends it: headway worker")


@notices.command()
def secret(as_json: AsJson = False, home: Home = None) -> None:
    """Make the secret that signs webhooks, once; give what is in the file to receivers.

    For example:

        headway notice secret

        headway notice secret --json
    """
    from headway import flow

    with opened(home) as app:
        path: Path = flow.make_webhook_secret(app)
    if as_json:
        print_json({"file": str(path)})
    else:
        print(path)
