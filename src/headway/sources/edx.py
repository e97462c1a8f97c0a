"""Open edX: tracking logs, the same events as the event-tracking library sends them, and dumps of its tables.

Conventions, of which more is in docs/how-to/import-edx.md:

- A run is `edx/<Org>+<Course>/<Run>`, whichever way its key was written. Its dates are those of the first and last act
  of a learner, unless options or a calendar tell them.
- A learner is known by `user_id`; where only a name was logged by `username:` and the name. Both forms of one event
  give the same record.
- An event is known when it happened, one from a phone when the platform received it.
- Events that the platform logs beside the act itself (the browser's word of a check, marks worked out anew, calls of
  a page to its server) are statements with no interactions, so that one act counts once.
"""

from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from types import MappingProxyType
from typing import Final

from headway.domain.errors import InputError, SourceError
from headway.sources import edx_records as made
from headway.sources.calendar import (
    CALENDAR_OPTIONS,
    course_runs,
    event_staging,
    find_files,
    implied_enrolments,
    make_calendar,
)
from headway.sources.edx_events import make_events
from headway.sources.edx_keys import make_macros
from headway.sources.edx_table_records import ENROLLED, MOMENTS, OTHER_MOMENTS, table_records
from headway.sources.edx_tables import TABLES, Dump, dump_of, make_tables
from headway.sources.source import SOURCES, Delivery, Request
from headway.sources.staging import Staging, no_records

PATTERNS: Final = (
    *("*.log", "*.log.gz", "*tracking*.gz", "tracking.log*", "*.json", "*.json.gz", "*.jsonl", "*.jsonl.gz"),
    *("*.ndjson", "*.ndjson.gz", *(f"*{table}*" for table in TABLES)),
)

_YES_OR_NO: Final = ("yes", "no")

_OPTIONS: Final = MappingProxyType(
    {
        "run": "the run of everything read, where the data are of one course that names none or another",
        "texts": "yes to keep the words of forum posts, with names, addresses and numbers masked (default no)",
        "exported": "the day on which table dumps were made whose file names do not tell it, as 2026-06-30",
        "states": "yes to count states of modules as activity, where there are no tracking logs (default no)",
        "over": "yes if the runs are over, so that who has not passed by the export has failed (default no)",
        **CALENDAR_OPTIONS,
    }
)


class Edx:
    """Reads tracking logs and table dumps of Open edX."""

    name = "edx"
    summary = "Open edX: tracking logs (plain or .gz), event-tracking JSON, and table dumps of a research data package"
    options: Mapping[str, str] = _OPTIONS

    def read(self, request: Request) -> Iterator[Delivery]:
        """The deliveries of all runs; everything is staged and checked before the first one.

        Raises:
            InputError: an option is unknown or has no usable value.
            ConfigError: the workspace has no key for pseudonyms.
            SourceError: a file is missing, damaged as a whole, or no log or table of Open edX.
        """
        staging = event_staging(self, request)
        options = {name: _yes(request, name) for name in ("texts", "states", "over")}
        exported, run = _day(request, "exported"), request.options.get("run")
        logs, dumps = _sorted_files(request)
        make_macros(staging)
        make_events(staging, logs, request.pseudonym_key, run, options["texts"])
        make_tables(staging, dumps, request.pseudonym_key, run, exported)
        if run:
            _require_one_course(staging)
        make_calendar(staging, _moments(staging), request)
        staging.run("CREATE VIEW zones AS SELECT run, zone FROM calendar")
        return _deliveries(staging, options, any_dumps=bool(dumps))


def _yes(request: Request, option: str) -> bool:
    value = request.options.get(option, "no")
    if value not in _YES_OR_NO:
        raise InputError(f"{option} is {value!r}. Give yes or no.")
    return value == "yes"


def _day(request: Request, option: str) -> str | None:
    value = request.options.get(option)
    try:
        return None if value is None else date.fromisoformat(value).isoformat()
    except ValueError as wrong:
        raise InputError(f"{option} is {value!r}, which is no date. Write it as 2026-06-30.") from wrong


def _sorted_files(request: Request) -> tuple[list[tuple[Path, str]], list[Dump]]:
    """The tracking logs and the table dumps among the files."""
    logs: list[tuple[Path, str]] = []
    dumps: list[Dump] = []
    for path, name in find_files(request, PATTERNS, "edx"):
        dump = dump_of(path, name)
        if dump is None:
            logs.append((path, name))
        else:
            dumps.append(dump)
    return logs, dumps


def _require_one_course(staging: Staging) -> None:
    """Pass when the data name at most one course, so that all of them can be put in one run."""
    named = [run for (run,) in staging.run("SELECT DISTINCT run FROM named_courses WHERE run IS NOT NULL ORDER BY run")]
    if len(named) > 1:
        raise SourceError(
            f"With the option run all is put in one run, but the data name {len(named)} courses: "
            f"{', '.join(named[:5])}. Leave the option out, or name the files of one course."
        )


def _moments(staging: Staging) -> str:
    """Make a table of the first and last moment of every run, as far as it can be, of what learners did themselves."""
    sources = {
        1: f"SELECT run, done_at FROM {made.ACTS} UNION ALL {MOMENTS}",
        2: f"SELECT run, done_at FROM events UNION ALL {OTHER_MOMENTS}",
    }
    spans = " UNION ALL ".join(
        f"SELECT run, {rank} AS rank, min(done_at) AS first_at, max(done_at) AS last_at FROM ({rows}) GROUP BY run"
        for rank, rows in sources.items()
    )
    staging.run(
        f'CREATE TABLE moments AS SELECT run, unnest([first_at, last_at]) AS "at" FROM ({spans}) '
        "QUALIFY rank = min(rank) OVER (PARTITION BY run)"
    )
    return "moments"


def _deliveries(staging: Staging, options: Mapping[str, bool], *, any_dumps: bool) -> Iterator[Delivery]:
    deliveries = [
        course_runs(staging),
        made.activities(staging),
        made.enrolments(staging),
        implied_enrolments(
            staging,
            f'(SELECT run, learner, done_at AS "at" FROM {made.ACTS})',
            f"(SELECT run, learner FROM events WHERE gives = 'enrolled' UNION {ENROLLED})",
        ),
        made.statements(staging),
        made.results(staging),
        made.responses(staging),
        made.outcomes(staging),
        made.modes(staging),
        *([made.texts(staging)] if options["texts"] else []),
    ]
    if any_dumps:
        deliveries += table_records(staging, states_count=options["states"], is_over=options["over"])
    yield from deliveries
    for kind in ("statements", *sorted({its.kind for its in TABLES.values()} - {"statements"}), "attributes"):
        for rejects in staging.rejects(kind):
            yield no_records(kind, rejects)


SOURCES.add("edx", Edx())
