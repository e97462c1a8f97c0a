"""`headway demo`: the whole road on made-up people, with nothing to prepare."""

import json
import shutil
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from headway.cli.options import AsJson, home_before_command, opened
from headway.cli.output import print_json, print_table, talk
from headway.domain.errors import InputError

if TYPE_CHECKING:
    from headway.flow import App, ContactList
    from headway.scoring.kept import ScoreRun

SOURCE = "simulated"
MARK = "demo.json"
WEEK = 7
EARLIER = (4, 5, 6)
"""Weeks that the pages have to compare with; the first one's model does for all, since each more takes its time."""

HOURS_LATER = 6
"""When the demo is looked at: the morning after the week, counted from its end."""

SHOWN = 10
RULE = "inactive-7-days"


def add_to(app: typer.Typer) -> None:
    """Adds the command."""
    app.command()(demo)


def demo(
    home: Annotated[
        Path | None, typer.Option(help="Where the demo is kept; headway-demo by default.", show_default=False)
    ] = None,
    learners: Annotated[int, typer.Option(min=60, help="Learners in each run.")] = 400,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the made-up course.")] = 1,
    capacity: Annotated[int, typer.Option(min=1, help="Contacts that can be made in the week.")] = 25,
    port: Annotated[
        int, typer.Option(min=0, max=65_535, help="Where the pages are served; the next free one if it is taken.")
    ] = 8000,
    no_open: Annotated[bool, typer.Option("--no-open", help="Open no browser.")] = False,
    no_serve: Annotated[bool, typer.Option("--no-serve", help="Serve no pages, so that it ends.")] = False,
    reset: Annotated[bool, typer.Option("--reset", help="Remove the demo and stop.")] = False,
    as_json: AsJson = False,
) -> None:
    """Make a course, check the model on a held-out run, list whom to contact, and open the pages on it.

    The pages are signed in with every role; switch at the top right. With
    --json nothing is served.

    For example:

        headway demo

        headway demo --learners 2000 --seed 3 --no-open

        headway demo --no-serve
    """
    home = home or home_before_command() or Path("headway-demo")
    options = {"learners": str(learners), "runs": "4", "seed": str(seed)}
    marked = options | {"capacity": str(capacity)}  # the model is checked at this many contacts
    made = _made_with(home)
    if reset:
        shutil.rmtree(home, ignore_errors=True)
        talk(f"Removed {home}.")
        return
    if made not in (None, marked):
        shutil.rmtree(home)
        talk(f"The demo in {home} was made with other options; it is made anew.")
    home.mkdir(parents=True, exist_ok=True)
    (home / MARK).write_text(json.dumps(marked), encoding="utf-8")
    with opened(home) as app:
        walked = _walk(app, options, capacity)
        checked = [_checked(row, capacity) for row in walked.rows]
        listed = walked.found.caseload.listed
        if as_json:
            told = [entry.as_row() for entry in listed]
            report = str(walked.report)
            print_json({"run": walked.run, "as_of": walked.as_of, "list": told, "check": checked, "report": report})
            return
        _show(walked, checked, capacity)
        talk(f"Report: {walked.report.absolute()}")
        talk(f"Made-up people. Kept in {home}. Remove: headway demo --reset --home {home}")
        if not no_serve:
            _serve(walked, port, capacity, open_=not no_open)


@dataclass(frozen=True)
class _Walked:
    """What the road led to.

    Attributes:
        app: the home, at the time at which it is looked at.
        run: the running course.
        as_of: the date that it was scored as of.
        before: the run that the model was checked on.
        rows: that check.
        score_run: the week's scores.
        found: whom to contact.
        report: the same as a file.
    """

    app: "App"
    run: str
    as_of: str
    before: str
    rows: list[dict[str, Any]]
    score_run: "ScoreRun"
    found: "ContactList"
    report: Path


def _walk(app: "App", options: dict[str, str], capacity: int) -> _Walked:
    """Walks the whole road, in the home of the demo."""
    from headway import flow

    flow.ingest(app, SOURCE, [], options)
    running = max(app.lake.runs())
    as_of = flow.course_date(app, running, WEEK * 7 - 1)
    app = _at(app, running, as_of)
    section = app.settings.evaluation.model_copy(update={"capacity": capacity})
    app = replace(app, settings=app.settings.model_copy(update={"evaluation": section}))
    score_run, _ = flow.score(app, running, as_of)
    found = flow.list_contacts(app, running, as_of, capacity)
    # Training has checked the model on the latest past run, beside every rule: no need to do it again.
    version = app.registry.get(found.score_run.model_version)
    check = {row["model"]: row for row in cast("list[dict[str, Any]]", version.report["check"])}
    rows = [check[version.model], check[RULE]]
    report = app.settings.home / "reports" / f"{running.replace('/', '-')}-{as_of}.html"
    report.parent.mkdir(parents=True, exist_ok=True)
    report.write_text(flow.list_page(app, found, rows), encoding="utf-8")
    return _Walked(app, running, as_of, rows[0]["test"], rows, score_run, found, report)


def _at(app: "App", run: str, date: str) -> "App":
    """The home as it is worked with in the morning after a date, whenever the demo is made."""
    from headway import flow
    from headway.domain.time import ShiftedClock, SystemClock

    later = flow.instant_of(app, run, date) + timedelta(hours=HOURS_LATER)
    return replace(app, clock=ShiftedClock(later - SystemClock().now()))


def _look_back(walked: _Walked) -> None:
    """Scores the weeks before, each as it could have been in the morning after it."""
    from headway import flow

    model = flow.DEFAULT
    for week in EARLIER:
        date = flow.course_date(walked.app, walked.run, week * 7 - 1)
        then = _at(walked.app, walked.run, date)
        model = flow.score(then, walked.run, date, model=model)[0].model_version


def _show(walked: _Walked, checked: list[dict[str, Any]], capacity: int) -> None:
    from headway.cli.lists import show_list

    listed = walked.found.caseload.listed
    show_list(walked.score_run, listed[:SHOWN])
    print(f"… {len(listed)} contacts in all, of {walked.score_run.learners} learners in week {WEEK}.")
    print()
    print(
        f"Check on the held-out run {walked.before}, week {WEEK}: of the {capacity} put first, so many did not finish"
    )
    print_table(("model", "did not finish", "AUROC", "base rate"), [tuple(row.values()) for row in checked])


def _serve(walked: _Walked, port: int, capacity: int, *, open_: bool) -> None:
    """Serves the pages on loopback until Ctrl-C, signed in by a link that is good once."""
    from headway.cli.serve import show_in_browser
    from headway.flow.made_up import open_demo
    from headway.server.run import serve

    _look_back(walked)
    link = open_demo(walked.app, walked.run, capacity)

    def ready(taken: int) -> None:
        if port not in (0, taken):
            talk(f"Port {port} is taken; this is the next.")
        talk(f"Open http://127.0.0.1:{taken}{link}")
        talk("Signed in as adviser, by a link that is good once; switch the role at the top right. Stop: Ctrl-C.")
        if open_:
            show_in_browser(f"http://127.0.0.1:{taken}{link}")

    serve(walked.app, "127.0.0.1", port, "warning", demo=True, ready=ready, next_free=True)


def _made_with(home: Path) -> Any:
    """The options of the demo that a folder holds; None where the folder is empty or not there.

    Raises:
        InputError: it holds something else, which no demo may touch.
    """
    if (home / MARK).is_file():
        return json.loads((home / MARK).read_text(encoding="utf-8"))
    if home.exists() and any(home.iterdir()):
        raise InputError(f"{home} holds something else than a demo. Name another folder with --home.")
    return None


def _checked(row: dict[str, Any], capacity: int) -> dict[str, Any]:
    at = row["at_capacity"] or {}
    precision = at.get("precision")
    hits = None if precision is None else round(precision * min(capacity, row["n"]))
    return {"model": row["model"], "hits": hits, "auroc": row["auroc"]["value"], "base_rate": row["base_rate"]}
