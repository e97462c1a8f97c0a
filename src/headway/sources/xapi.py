"""xAPI statements (Experience API 1.0 and 2.0), from files or pulled from a learning record store.

A statement was known when the LRS stored it; one without `stored` when it happened. What a statement becomes:

- An act of the learner is a `statements` record. A mark given to a learner (`scored`, `earned`, `graded`) is a
  `results` record alone; an act that carries a mark (`passed`, `failed`, or anything on an assessment) is both.
- An answer to an item (`cmi.interaction`) is a `responses` record besides.
- `registered` and `unregistered` on a course are `enrolments`; who acts without such is enrolled from the first act on.
- Objects are `activities`, known from the statement that first told of them.
- `played-segments` of the video profile tell what was watched so far in one viewing: `duration_s` is the union of them,
  so of one viewing the largest counts, never the sum.
"""

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Final

from headway.domain.errors import InputError
from headway.sources.calendar import (
    CALENDAR_OPTIONS,
    course_runs,
    event_staging,
    find_files,
    implied_enrolments,
    make_calendar,
)
from headway.sources.source import SOURCES, Delivery, Reading, Request
from headway.sources.staging import Staging, no_records
from headway.sources.xapi_activities import told_activities
from headway.sources.xapi_pull import PULL_OPTIONS, pull
from headway.sources.xapi_statements import stage_statements

PATTERNS: Final = ("*.json", "*.jsonl", "*.ndjson", "*.json.gz", "*.jsonl.gz", "*.ndjson.gz")

_OPTIONS: Final = MappingProxyType(
    {
        "run": "the run of all statements, as xapi/course/run (default: the course that each statement names)",
        "course_from": "where a statement names its course, in order: object, parent, grouping, other (activities of "
        "type course), first_parent, first_grouping, first_other (of any type), registration, or the IRI of a context "
        "extension (default: object,parent,grouping,other)",
        "known": "when a statement was known: stored, or timestamp where the LRS was filled later (default: stored)",
        **PULL_OPTIONS,
        **CALENDAR_OPTIONS,
    }
)


class Xapi:
    """Reads xAPI statements."""

    name = "xapi"
    summary = "xAPI statements: JSON lines, arrays or {statements, more} pages (plain or .gz), or pulled from an LRS"
    options: Mapping[str, str] = _OPTIONS

    def read(self, request: Request) -> Reading:
        """The deliveries of all statements; everything is pulled, staged and checked before the first one.

        Raises:
            InputError: an option is unknown or has no usable value.
            ConfigError: the workspace lacks the key for pseudonyms, or a variable named is not set.
            SourceError: a file cannot be read, or the LRS does not answer as one.
        """
        staging = event_staging(self, request)
        options = request.options
        if "endpoint" not in options:
            if lost := sorted(name for name in options if name in PULL_OPTIONS):
                raise InputError(f"Option {lost[0]} is for pulling from an LRS. Name the LRS with endpoint.")
            files = find_files(request, PATTERNS, self.name)
            stage_statements(staging, files, request.pseudonym_key, options)
            return Reading(_deliveries(staging, request))
        if request.paths:
            raise InputError("Name files or an endpoint, not both: import them one after the other.")
        pulled = pull(options, staging.folder / "pulled.jsonl")
        stage_statements(staging, [(pulled.path, pulled.name)] if pulled.count else [], request.pseudonym_key, options)
        note = f"{pulled.count} statements came from {pulled.name}."
        if pulled.next_since is not None:
            note += f" The next pull can start with since={pulled.next_since}"
        return Reading(_deliveries(staging, request), (note,), pulled.next_since)


def _deliveries(staging: Staging, request: Request) -> Iterator[Delivery]:
    titles = (
        "(SELECT run, min(course_title) AS title, NULL::DATE AS starts_on, NULL::DATE AS ends_on, "
        "NULL::TIMESTAMPTZ AS known_at FROM statements JOIN places USING (place, run) GROUP BY run)"
    )
    make_calendar(staging, '(SELECT run, "at" FROM statements)', request, titles=titles)
    yield course_runs(staging)
    yield _activities(staging)
    yield _enrolments(staging)
    told = "(SELECT run, learner FROM statements WHERE act = 'enrolment' AND status = 'enrolled')"
    yield implied_enrolments(
        staging, "(SELECT run, learner, known_at AS \"at\" FROM statements WHERE act != 'enrolment')", told
    )
    yield _statements(staging)
    yield _results(staging)
    yield _responses(staging)
    for rejects in staging.rejects("statements"):
        yield no_records("statements", rejects)


_ROWS: Final = "FROM statements s JOIN places p ON p.place = s.place JOIN calendar c ON c.run = s.run"
_COMMON: Final = MappingProxyType(
    {"run": "s.run", "occurred_at": "s.at", "recorded_at": "s.known_at", "learner": "s.learner"}
)


def _activities(staging: Staging) -> Delivery:
    told = (
        "(SELECT s.run, p.object, p.object_type AS type, p.title, s.length_s, s.known_at "
        "FROM statements s JOIN places p ON p.place = s.place "
        "WHERE NOT p.is_course AND p.object_kind IS DISTINCT FROM 'StatementRef')"
    )
    return told_activities(staging, told)


def _enrolments(staging: Staging) -> Delivery:
    select = {
        **_COMMON,
        "status": "s.status",
        "valid_from": "s.at",
        "valid_from_on": "local_day(s.at, c.zone)",
    }
    return staging.deliver("enrolments", select, "s.native", f"{_ROWS} WHERE s.act = 'enrolment'")


def _statements(staging: Staging) -> Delivery:
    select = {
        **_COMMON,
        "verb": "s.verb",
        "object": "if(p.object_kind = 'StatementRef', NULL, p.object)",
        "object_type": "p.object_type",
        "parent": "p.parent",
        "event": "s.event",
        "occurred_on": "local_day(s.at, c.zone)",
        "hour": "hour(timezone(c.zone, s.at))",
        "interactions": "1",
        "duration_s": "s.duration_s",
        "score": "s.score",
        "success": "s.success",
        "progress": "s.progress",
        "position_s": "s.position_s",
        "from_s": "s.from_s",
    }
    return staging.deliver("statements", select, "s.native", f"{_ROWS} WHERE s.act = 'statement'")


def _results(staging: Staging) -> Delivery:
    submitted = "if(s.act = 'grade', NULL, s.at)"
    select = {
        **_COMMON,
        "activity": "p.object",
        "attempt": "s.attempt",
        "score": "s.score",
        "submitted_at": submitted,
        "submitted_on": f"local_day({submitted}, c.zone)",
        "released_at": "s.at",
        "transferred": "false",
    }
    return staging.deliver("results", select, "s.native", f"{_ROWS} WHERE s.has_result AND p.object IS NOT NULL")


def _responses(staging: Staging) -> Delivery:
    select = {
        **_COMMON,
        "item": "p.object",
        "correct": "coalesce(s.success, s.score >= 1)",
        "attempt": "s.attempt",
    }
    return staging.deliver("responses", select, "s.native", f"{_ROWS} WHERE s.has_response AND p.object IS NOT NULL")


SOURCES.add("xapi", Xapi())
