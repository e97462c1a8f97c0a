"""`headway demo`: the whole road on made-up people, with nothing to prepare."""

import json
import shutil
from pathlib import Path
from typing import Annotated, Any

import typer

from headway.cli.options import AsJson, opened
from headway.cli.output import print_json, print_table, talk
from headway.domain.errors import InputError

SOURCE = "simulated"
MARK = "demo.json"
WEEK = 7
SHOWN = 10


def add_to(app: typer.Typer) -> None:
    """Adds the command."""
    app.command()(demo)


def demo(
    home: Annotated[Path, typer.Option(help="Where the demo is kept.")] = Path("headway-demo"),
    learners: Annotated[int, typer.Option(min=60, help="Learners in each run.")] = 400,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the made-up course.")] = 1,
    capacity: Annotated[int, typer.Option(min=1, help="Contacts that can be made in the week.")] = 25,
    reset: Annotated[bool, typer.Option("--reset", help="Remove the demo and stop.")] = False,
    as_json: AsJson = False,
) -> None:
    """Make a course, import it, check the model on a held-out run, and list whom to contact in the running one.

    For example:

        headway demo

        headway demo --learners 2000 --seed 3
    """
    from headway import flow

    options = {"learners": str(learners), "runs": "4", "seed": str(seed)}
    made = _made_with(home)
    if reset:
        shutil.rmtree(home, ignore_errors=True)
        talk(f"Removed {home}.")
        return
    if made not in (None, options):
        shutil.rmtree(home)
        talk(f"The demo in {home} was made with other options; it is made anew.")
    home.mkdir(parents=True, exist_ok=True)
    (home / MARK).write_text(json.dumps(options), encoding="utf-8")
    with opened(home) as app:
        flow.ingest(app, SOURCE, [], options)
        *past, running = sorted(app.lake.runs())
        as_of = flow.course_date(app, running, WEEK * 7 - 1)
        rows = flow.evaluate(
            app,
            "does_not_finish",
            past[:-1],
            [past[-1]],
            [WEEK * 7 - 1],
            paradigms=["transfer"],
            models=[flow.DEFAULT, "inactive-7-days"],
            capacity=capacity,
        )
        score_run, _ = flow.score(app, running, as_of)
        found = flow.list_contacts(app, running, as_of, capacity)
        page = home / "reports" / f"{running.replace('/', '-')}-{as_of}.html"
        page.parent.mkdir(parents=True, exist_ok=True)
        page.write_text(flow.list_page(app, found, rows), encoding="utf-8")
    checked = [_checked(row, capacity) for row in rows]
    if as_json:
        listed = [entry.as_row() for entry in found.caseload.listed]
        print_json({"run": running, "as_of": as_of, "list": listed, "check": checked, "report": str(page)})
        return
    from headway.cli.lists import show_list

    show_list(score_run, found.caseload.listed[:SHOWN])
    print(f"… {len(found.caseload.listed)} contacts in all, of {score_run.learners} learners in week {WEEK}.")
    print()
    print(f"Check on the held-out run {past[-1]}, week {WEEK}: of the {capacity} put first, so many did not finish")
    print_table(("model", "did not finish", "AUROC", "base rate"), [tuple(row.values()) for row in checked])
    talk(f"Report: {page.absolute()}")
    talk(f"Made-up people. Kept in {home}. Remove: headway demo --reset --home {home}")


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
