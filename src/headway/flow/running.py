"""Which course runs are running now, and which of them have changed since somebody last looked."""

from collections.abc import Mapping
from datetime import timedelta
from fnmatch import fnmatch
from typing import Final

from headway.description.silence import is_inferred
from headway.domain.time import AsOf
from headway.features.as_of import runs_facts
from headway.flow.app import App

LINGERS: Final = timedelta(days=28)
"""A run of which nobody told when it ends counts as running for so long after its last event."""


def running(app: App) -> dict[str, str]:
    """The local date of each run that has begun and not ended, and that the worker is to look after."""
    patterns = [part.strip() for part in app.settings.worker.rules_for.split(",") if part.strip()]
    now = AsOf.now(app.clock)
    found = {}
    with app.lake.open(None, None, kinds=["course_runs"]) as records:
        runs = [run for run in app.lake.runs() if not patterns or any(fnmatch(run, each) for each in patterns)]
        for run, facts in runs_facts(records, runs).items():
            today = now.day(facts.zone)
            end = facts.ends_on
            if facts.starts_on <= today and end < today <= end + LINGERS and is_inferred(records, run):
                end = today
            if facts.starts_on <= today <= end:
                found[run] = today.isoformat()
    return found


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
