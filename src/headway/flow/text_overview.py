"""What a run's learners wrote, at a glance, and tasks for what a human should read today."""

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

from headway.domain.errors import NotEnoughData
from headway.domain.time import zone_of
from headway.features.as_of import run_facts
from headway.flow.app import App
from headway.flow.records import as_of_in, one_run
from headway.models.text.overview import Concern, Overview, Written, overview
from headway.sources.text_table import read_texts

if TYPE_CHECKING:
    from headway.domain.time import AsOf
    from headway.models.text.distress_model import Judge

RULE: Final = "distress"
REASON: Final = "A human should read today what this learner wrote."
RECENT: Final = timedelta(days=14)
"""Older texts open no task: what they said then, somebody knew then or nobody will learn from today's list."""


def analyse_run(app: App, run: str, as_of_text: str | None = None) -> tuple[Overview, list[Concern]]:
    """What was written in a run as it was known at a time; see `models.text.overview`.

    Raises:
        UnknownName: there is no such run.
        NotEnoughData: no texts of the run are kept.
    """
    return overview(_written(app, run, as_of_text), judge=_judge(app))


def analyse_file(app: App, path: Path, column: str, activity: str | None = None) -> tuple[Overview, list[Concern]]:
    """The texts of a CSV file at a glance; who wrote one is its row.

    Raises:
        UnknownName: there is no such column.
    """
    table = read_texts(path)
    abouts = table.column(activity) if activity else [None] * len(table.rows)
    bodies = table.column(column)
    texts = [
        Written(body, activity=about or None, by=f"row {number}")
        for number, (body, about) in enumerate(zip(bodies, abouts, strict=True), start=1)
    ]
    return overview(texts, judge=_judge(app))


def open_distress_tasks(app: App, run: str, concerns: Sequence[Concern], as_of_text: str | None = None) -> int:
    """How many tasks were opened: one for each learner who wrote, in the last 14 days, what a human should read.

    A task says how many texts there are and since when, never what they say. A learner with a live task, or whose texts
    are older than their last one, gets none.
    """
    from headway.advising import task_queries
    from headway.advising.tasks import DUE_IN, Task, task_id
    from headway.governance import audit

    run = one_run(app, run)
    as_of = _as_of(app, run, as_of_text)
    now = app.clock.now()
    until = now if as_of is None else as_of.instant
    since = (until - RECENT).isoformat()
    by_learner: dict[str, list[Concern]] = {}
    with app.store.begin() as connection:
        last = task_queries.last_tasks(connection, run)
        for one in concerns:
            before = last.get((one.by, RULE))
            if one.at >= since and (before is None or one.at > before[0].isoformat()):
                by_learner.setdefault(one.by, []).append(one)
        tasks = [
            Task(
                id=task_id(run, learner, RULE, now),
                run=run,
                learner=learner,
                rule=RULE,
                list="reach_out",
                reason=REASON,
                as_of=until,
                opened_at=now,
                due_at=now + DUE_IN,
                changed_at=now,
                evidence={"texts": len(written), "latest_at": max(one.at for one in written)},
            )
            for learner, written in sorted(by_learner.items())
        ]
        added = task_queries.add(connection, tasks)
        audit.record(connection, now, app.actor, "open_distress_tasks", run, {"tasks": len(added)})
    return len(added)


def note_reading(app: App, what: str, concerns: Sequence[Concern]) -> None:
    """Keeps in the audit chain that somebody was shown texts with signs of distress, and how many."""
    from headway.governance import audit

    with app.store.begin() as connection:
        audit.record(connection, app.clock.now(), app.actor, "read_distress", what, {"texts": len(concerns)})


def overview_page(app: App, found: Overview, title: str) -> str:
    """The overview as one self-contained HTML page."""
    from headway.flow.pages import made
    from headway.reports.texts import texts_page

    return texts_page(found, title, made(app))


def _judge(app: App) -> "Judge | None":
    """What the encoder of the settings says of distress; None where none is set."""
    from headway.flow.texts import encoder_for
    from headway.models.text.distress_model import encoded_judge

    encoder = encoder_for(app.settings.text.encoder)
    return encoded_judge(encoder.encode) if encoder else None


def _as_of(app: App, run: str, text: str | None) -> "AsOf | None":
    if text is None:
        return None
    with app.lake.open(None, [run], kinds=["course_runs"]) as records:
        return as_of_in(records, run, text)


def _written(app: App, run: str, as_of_text: str | None) -> list[Written]:
    run = one_run(app, run)
    as_of = _as_of(app, run, as_of_text)
    with app.lake.open(as_of, [run]) as records:
        facts = run_facts(records, run, as_of)
        kept = records.table("texts")
        wanted = kept.filter(kept.run == run).order_by(["occurred_at", "learner", "id"])
        rows = records.collect(wanted.select("learner", "occurred_at", "activity", "body")).to_pylist()
    if not rows:
        raise NotEnoughData(
            f"No texts of {run} are kept. Import its source again with texts=yes (sources: canvas, coursera, edx, csv)."
        )
    zone = zone_of(facts.zone)
    return [
        Written(
            row["body"],
            max(1, (row["occurred_at"].astimezone(zone).date() - facts.starts_on).days // 7 + 1),
            row["activity"],
            row["learner"],
            row["occurred_at"].isoformat(),
        )
        for row in rows
    ]
