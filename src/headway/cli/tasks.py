"""The commands about tasks: list, show, contact, close, snooze, take back."""

from contextlib import contextmanager
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from headway.cli.options import AsJson, Home, opened
from headway.cli.output import print_json, print_table, talk, write_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from headway.advising.tasks import Contact, Task
    from headway.flow import App

tasks = typer.Typer(help="Whom to contact, why, and what came of it.", no_args_is_help=True)

TaskId = Annotated[str, typer.Argument(metavar="TASK", help="The task's id, or its first 8 signs.", show_default=False)]
Actor = Annotated[str | None, typer.Option("--as", help="Who does it; the audit names them.", show_default=False)]


def add_to(app: typer.Typer) -> None:
    """Adds these commands."""
    app.add_typer(tasks, name="task")


@tasks.command("list")
def list_(
    run: Annotated[str | None, typer.Option(help="Only this course run.", show_default=False)] = None,
    status: Annotated[str, typer.Option(help="live, all, open, contacted, closed or expired.")] = "live",
    learner: Annotated[str | None, typer.Option(help="Only this learner.", show_default=False)] = None,
    rule: Annotated[str | None, typer.Option(help="Only of this rule.", show_default=False)] = None,
    assignee: Annotated[str | None, typer.Option(help="This person's, and nobody's yet.", show_default=False)] = None,
    snoozed: Annotated[bool, typer.Option("--snoozed", help="Also those that are snoozed.")] = False,
    as_json: AsJson = False,
    home: Home = None,
) -> None:
    """List tasks, the oldest first; says where data stopped and rules are frozen.

    For example:

        headway task list --run oulad/AAA/2014J

        headway task list --status closed --json
    """
    from typing import get_args

    from headway import flow
    from headway.advising.task_queries import Wanted
    from headway.advising.tasks import LIVE, Status
    from headway.domain.errors import UnknownName

    if status not in {"live", "all", *get_args(Status)}:
        raise UnknownName.of("status", status, ["live", "all", *get_args(Status)])
    known = {"live": LIVE, "all": None}
    with opened(home) as app:
        wanted = Wanted(
            runs=flow.runs_wanted(app, run),
            statuses=known[status] if status in known else [one for one in get_args(Status) if one == status],
            learner=learner,
            rule=rule,
            assignee=assignee,
            awake_at=None if snoozed else app.clock.now(),
        )
        found = flow.list_tasks(app, wanted)
    if as_json:
        print_json({"tasks": [task.as_row() for task in found.tasks], "notes": found.notes})
    else:
        print_table(("task", "status", "list", "learner", "run", "reason"), [_row(task) for task in found.tasks])
    for note in found.notes:
        talk(note)
    if not found.tasks and not as_json:
        talk("No task. Rules open them: headway worker, or headway rule run RUN.")


@tasks.command()
def show(task: TaskId, as_json: AsJson = False, home: Home = None) -> None:
    """Show a task with what its rule saw and its contacts.

    For example:

        headway task show 6f9a0c1e

        headway task show 6f9a0c1e --json
    """
    from headway import flow

    with opened(home) as app:
        found, contacts = flow.show_task(app, task)
    if as_json:
        print_json(found.as_row() | {"contacts": [contact.as_row() for contact in contacts]})
        return
    rows = [(name, _told(value)) for name, value in found.as_row().items() if name != "evidence"]
    rows += [(f"saw {name}", _told(value)) for name, value in found.evidence.items()]
    print_table(("property", "value"), rows)
    for contact in contacts:
        print(_line(contact))


@tasks.command()
def contact(
    task: TaskId,
    channel: Annotated[str, typer.Option(help="phone, email, message, meeting or other.", show_default=False)],
    outcome: Annotated[str, typer.Option(help="reached, replied, meeting, no_answer or declined.", show_default=False)],
    note: Annotated[str | None, typer.Option(help="A note for colleagues.", show_default=False)] = None,
    follow_up: Annotated[
        str | None, typer.Option("--follow-up", help="When to look again: a date.", show_default=False)
    ] = None,
    actor: Actor = None,
    as_json: AsJson = False,
    home: Home = None,
) -> None:
    """Record that the learner of a task was contacted.

    For example:

        headway task contact 6f9a0c1e --channel phone --outcome reached

        headway task contact 6f9a0c1e --channel email --outcome replied
    """
    from headway import flow

    with _as(home, actor) as app:
        day = None if follow_up is None else _day(follow_up)
        changed, made = flow.record_contact(app, task, channel, outcome, note=note, follow_up_on=day)
    if as_json:
        print_json(changed.as_row() | {"contact": made.as_row()})
    else:
        _say(changed)


@tasks.command()
def undo(
    task: TaskId,
    contact_id: Annotated[
        str | None, typer.Option("--contact", help="Which contact; the newest by default.", show_default=False)
    ] = None,
    actor: Actor = None,
    as_json: AsJson = False,
    home: Home = None,
) -> None:
    """Take back a contact that was recorded by mistake.

    For example:

        headway task undo 6f9a0c1e

        headway task undo 6f9a0c1e --json
    """
    from headway import flow

    with _as(home, actor) as app:
        _tell(flow.undo_contact(app, task, contact_id), as_json=as_json)


@tasks.command()
def close(
    task: TaskId,
    code: Annotated[str, typer.Option(help="helped, not_needed, wrongly_flagged or no_answer.", show_default=False)],
    actor: Actor = None,
    as_json: AsJson = False,
    home: Home = None,
) -> None:
    """Close a task, and say how it ended.

    For example:

        headway task close 6f9a0c1e --code helped

        headway task close 6f9a0c1e --code wrongly_flagged --json
    """
    from headway import flow

    with _as(home, actor) as app:
        _tell(flow.close_task(app, task, code), as_json=as_json)


@tasks.command()
def snooze(
    task: TaskId,
    until: Annotated[str, typer.Option(help="A date, or a span from now such as 3d.", show_default=False)],
    actor: Actor = None,
    as_json: AsJson = False,
    home: Home = None,
) -> None:
    """Put a task out of sight for a while.

    For example:

        headway task snooze 6f9a0c1e --until 3d

        headway task snooze 6f9a0c1e --until 2026-11-30
    """
    from headway import flow

    with _as(home, actor) as app:
        _tell(flow.snooze_task(app, task, flow.until_of(app, until)), as_json=as_json)


@tasks.command()
def reopen(task: TaskId, actor: Actor = None, as_json: AsJson = False, home: Home = None) -> None:
    """Open a closed or expired task again.

    For example:

        headway task reopen 6f9a0c1e

        headway task reopen 6f9a0c1e --json
    """
    from headway import flow

    with _as(home, actor) as app:
        _tell(flow.reopen_task(app, task), as_json=as_json)


@tasks.command()
def assign(
    task: TaskId,
    to: Annotated[str | None, typer.Option(help="Whose it is; nobody's by default.", show_default=False)] = None,
    actor: Actor = None,
    as_json: AsJson = False,
    home: Home = None,
) -> None:
    """Say whose task it is.

    For example:

        headway task assign 6f9a0c1e --to ann@example.org

        headway task assign 6f9a0c1e
    """
    from headway import flow

    with _as(home, actor) as app:
        _tell(flow.assign_task(app, task, to), as_json=as_json)


@tasks.command("no-contact")
def no_contact(
    learner: Annotated[str, typer.Argument(help="The learner's id, as lists print it.", show_default=False)],
    undone: Annotated[bool, typer.Option("--undo", help="They may be contacted again.")] = False,
    actor: Actor = None,
    as_json: AsJson = False,
    home: Home = None,
) -> None:
    """Record that a learner does not want to be contacted because of rules.

    For example:

        headway task no-contact oulad/28400

        headway task no-contact oulad/28400 --undo
    """
    from headway import flow

    with _as(home, actor) as app:
        closed = flow.set_no_contact(app, learner, wanted=not undone)
    if as_json:
        print_json({"learner": learner, "no_contact": not undone, "closed": closed})
    else:
        talk(f"Kept. {closed} tasks were closed.")


@tasks.command()
def calendar(
    out: Annotated[Path | None, typer.Option(help="The file; standard output by default.", show_default=False)] = None,
    run: Annotated[str | None, typer.Option(help="Only this course run.", show_default=False)] = None,
    assignee: Annotated[str | None, typer.Option(help="This person's, and nobody's yet.", show_default=False)] = None,
    as_json: AsJson = False,
    home: Home = None,
) -> None:
    """Write the follow-ups of tasks as a calendar (iCalendar).

    For example:

        headway task calendar --out follow-ups.ics

        headway task calendar --assignee ann@example.org
    """
    from headway import flow
    from headway.advising.task_queries import Wanted

    with opened(home) as app:
        text = flow.follow_up_calendar(app, Wanted(runs=flow.runs_wanted(app, run), assignee=assignee)).decode()
    if out is not None:
        write_text(text, out)
        talk(f"Wrote {out}")
    if as_json:
        print_json({"entries": text.count("BEGIN:VEVENT"), "file": None if out is None else str(out)})
    elif out is None:
        print(text, end="")


@contextmanager
def _as(home: Path | None, actor: str | None) -> "Iterator[App]":
    """The home's app, acting for somebody."""
    with opened(home) as app:
        yield app if actor is None else replace(app, actor=actor)


def _tell(task: "Task", *, as_json: bool) -> None:
    if as_json:
        print_json(task.as_row())
    else:
        _say(task)


def _say(task: "Task") -> None:
    code = f" ({task.closing_code})" if task.closing_code else ""
    until = f", snoozed until {task.snoozed_until:%Y-%m-%d %H:%M} UTC" if task.snoozed_until else ""
    print(f"{task.id}  {task.status}{code}{until}")


def _day(text: str) -> date:
    from headway.domain.errors import InputError

    try:
        return date.fromisoformat(text)
    except ValueError as wrong:
        raise InputError(f"{text!r} is not a date. Write 2026-11-30.") from wrong


def _row(task: "Task") -> tuple[str, ...]:
    row = task.as_row()
    return (task.id[:8], task.status, str(row["list"]), task.learner, task.run, task.reason)


def _told(value: Any) -> str:
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M} UTC"
    return "–" if value is None else str(value)


def _line(contact: "Contact") -> str:
    again = f", look again on {contact.follow_up_on}" if contact.follow_up_on else ""
    note = f": {contact.note}" if contact.note else ""
    return f"{contact.at:%Y-%m-%d %H:%M} UTC  {contact.by}  {contact.channel}, {contact.outcome}{again}{note}"
