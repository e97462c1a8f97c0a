"""Which course runs there are, which are running now, and which have changed since somebody last looked."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from fnmatch import fnmatch
from typing import TYPE_CHECKING, Final, Literal

from headway.description.silence import is_inferred
from headway.domain.time import AsOf
from headway.features.as_of import runs_facts
from headway.features.moments import RunFacts
from headway.flow.app import App

if TYPE_CHECKING:
    from headway.lake.reading import Records

LINGERS: Final = timedelta(days=28)
"""A run of which nobody told when it ends counts as running for so long after its last event."""


State = Literal["not begun", "running", "over"]


@dataclass(frozen=True, slots=True)
class HeldRun:
    """A course run in the lake, as it is known now.

    Attributes:
        run: source/course/run.
        starts_on: its first day.
        ends_on: its last.
        zone: the time zone of both.
        state: where it stands today.
        learners: how many have ever been enrolled.
        statements: how many are held, those of staff and programs too.
        last_on: the day of the latest of them; None where there is none.
    """

    run: str
    starts_on: date
    ends_on: date
    zone: str
    state: State
    learners: int
    statements: int
    last_on: date | None


def runs_held(app: App) -> list[HeldRun]:
    """Every course run in the lake, by name."""
    now = AsOf.now(app.clock)
    with app.lake.open(None, None, kinds=["course_runs", "enrolments", "statements"]) as records:
        enrolments, statements = records.table("enrolments"), records.table("statements")
        learners = enrolments.group_by("run").agg(n=enrolments.learner.nunique())
        acts = statements.group_by("run").agg(n=statements.count(), last_on=statements.occurred_on.max())
        learners_of = {row["run"]: row["n"] for row in records.collect(learners).to_pylist()}
        acts_of = {row["run"]: (row["n"], row["last_on"]) for row in records.collect(acts).to_pylist()}
        return [
            HeldRun(
                run,
                facts.starts_on,
                facts.ends_on,
                facts.zone,
                state_of(records, run, facts, now),
                learners_of.get(run, 0),
                *acts_of.get(run, (0, None)),
            )
            for run, facts in runs_facts(records, app.lake.runs()).items()
        ]


def running(app: App) -> dict[str, str]:
    """The local date of each run that has begun and not ended, and that the worker is to look after."""
    patterns = [part.strip() for part in app.settings.worker.rules_for.split(",") if part.strip()]
    now = AsOf.now(app.clock)
    with app.lake.open(None, None, kinds=["course_runs"]) as records:
        runs = [run for run in app.lake.runs() if not patterns or any(fnmatch(run, each) for each in patterns)]
        facts_of = runs_facts(records, runs)
        return {
            run: now.day(facts.zone).isoformat()
            for run, facts in facts_of.items()
            if state_of(records, run, facts, now) == "running"
        }


def state_of(records: "Records", run: str, facts: RunFacts, now: AsOf) -> State:
    """Whether a run has not begun at a time, is running, or is over."""
    today, end = now.day(facts.zone), facts.ends_on
    if today < facts.starts_on:
        return "not begun"
    if end < today <= end + LINGERS and is_inferred(records, run):
        return "running"
    return "running" if today <= end else "over"


def changed(app: App, days: Mapping[str, str], seen: Mapping[str, str]) -> dict[str, str]:
    """The runs that have new records, or a new day, since they were last seen; with their marks.

    Args:
        app: where.
        days: what `running` said.
        seen: the marks of earlier calls, by run.
    """
    marks = app.lake.marks() if days else {}
    now = {run: f"{day} {marks.get(run, '')}" for run, day in days.items()}
    return {run: mark for run, mark in now.items() if seen.get(run) != mark}
