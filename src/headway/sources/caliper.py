"""Caliper Analytics 1.1 and 1.2 (1EdTech): envelopes, single events, and the entities that come beside them.

An event was known when its envelope was sent; a single one, or one sent before it happened by its own clock, when it
happened. What an element becomes:

- An act of a person is a `statements` record; a membership as Instructor or other staff makes it an instructor's.
- A `Graded` event is a `results` record of the learner whose attempt it was, or `responses` for a single item.
- A `Membership` of a learner is an `enrolments` record; a `CourseSection` or `CourseOffering` is a course run.
- Any other entity describes something and is refused as such: nobody did anything.
- Objects are `activities`, known from the event that first told of them.

A course run is named by the IRI of its section or offering alone, so that thinned and whole events are of the same run.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Final

from headway.sources.calendar import (
    CALENDAR_OPTIONS,
    course_runs,
    event_staging,
    find_files,
    implied_enrolments,
    make_calendar,
)
from headway.sources.caliper_events import stage_events
from headway.sources.delimited import readable
from headway.sources.json_lines import masked_sql
from headway.sources.source import SOURCES, Delivery, Request
from headway.sources.staging import Staging, no_records
from headway.sources.xapi_activities import told_activities

LARGEST_DOCUMENT_BYTES: Final = 1 << 16
"""A file up to this size may be a single event; a longer one is a log, and is judged as a whole."""

PATTERNS: Final = ("*.json", "*.jsonl", "*.ndjson", "*.json.gz", "*.jsonl.gz", "*.ndjson.gz")

_OPTIONS: Final = MappingProxyType(
    {
        "run": "the run of all events, as caliper/course/run (default: the course section that each event names)",
        **CALENDAR_OPTIONS,
    }
)


class Caliper:
    """Reads Caliper envelopes and events."""

    name = "caliper"
    summary = (
        "Caliper Analytics 1.1 and 1.2: envelopes, single events, mixed batches (JSON or JSON lines, plain or .gz)"
    )
    options: Mapping[str, str] = _OPTIONS

    def read(self, request: Request) -> Iterator[Delivery]:
        """The deliveries of all elements; everything is staged and checked before the first one.

        Raises:
            InputError: an option is unknown or has no usable value.
            ConfigError: the workspace lacks the key for pseudonyms.
            SourceError: a file cannot be read.
        """
        staging = event_staging(self, request)
        files = _documents(staging, find_files(request, PATTERNS, self.name))
        stage_events(staging, files, request.pseudonym_key, request.options.get("run"))
        return _deliveries(staging, request)


def _documents(staging: Staging, files: Sequence[tuple[Path, str]]) -> list[tuple[Path, str]]:
    """The files that hold JSON. Where each event is a file of its own, one that is none must not stop the others."""
    if len(files) == 1:
        return list(files)
    sound = []
    for path, name in files:
        text = path.read_bytes() if path.suffix != ".gz" and path.stat().st_size <= LARGEST_DOCUMENT_BYTES else b"{}"
        if any(_is_json(part) for part in (text, *text.splitlines())):
            sound.append((path, name))
        else:
            staging.run(
                "INSERT INTO refused SELECT 'statements', $name, 1, 'bad_json', 'The file holds no JSON.', "
                f"{masked_sql('$raw')}",
                name=name,
                raw=readable(text) or "(empty)",
            )
    return sound


def _is_json(text: bytes) -> bool:
    try:
        return isinstance(json.loads(text), dict | list)
    except (ValueError, RecursionError):
        return False


def _deliveries(staging: Staging, request: Request) -> Iterator[Delivery]:
    titles = (
        "(SELECT run, min(course_title) AS title, NULL::DATE AS starts_on, NULL::DATE AS ends_on, "
        "NULL::TIMESTAMPTZ AS known_at FROM events GROUP BY run)"
    )
    make_calendar(staging, _WHEN, request, titles=titles)
    yield course_runs(staging)
    told = "(SELECT run, object, object_type AS type, title, length_s, known_at FROM events WHERE event IS NOT NULL)"
    yield told_activities(staging, told)
    yield _enrolments(staging)
    acts = "(SELECT run, learner, known_at AS \"at\" FROM events WHERE act = 'statement' AND role IS NULL)"
    members = "(SELECT run, learner FROM events WHERE act = 'enrolment' AND status = 'enrolled')"
    yield implied_enrolments(staging, acts, members)
    yield _statements(staging)
    yield _results(staging)
    yield _responses(staging)
    for rejects in staging.rejects("statements"):
        yield no_records("statements", rejects)


# A run lasts from its first to its last event; only one without events is dated by the entities that name it.
_WHEN: Final = (
    '(SELECT run, "at" FROM events WHERE event IS NOT NULL UNION ALL SELECT run, "at" FROM events '
    "WHERE event IS NULL AND run NOT IN (SELECT run FROM events WHERE event IS NOT NULL))"
)
_ROWS: Final = "FROM events s JOIN calendar c ON c.run = s.run"
_COMMON: Final = MappingProxyType(
    {"run": "s.run", "occurred_at": "s.at", "recorded_at": "s.known_at", "learner": "s.learner"}
)


def _enrolments(staging: Staging) -> Delivery:
    select = {**_COMMON, "status": "s.status", "valid_from": "s.at", "valid_from_on": "local_day(s.at, c.zone)"}
    return staging.deliver("enrolments", select, "s.native", f"{_ROWS} WHERE s.act = 'enrolment'")


def _statements(staging: Staging) -> Delivery:
    select = {
        **_COMMON,
        "verb": "s.verb",
        "object": "s.object",
        "object_type": "s.object_type",
        "parent": "s.parent",
        "event": "s.event",
        "role": "s.role",
        "occurred_on": "local_day(s.at, c.zone)",
        "hour": "hour(timezone(c.zone, s.at))",
        "interactions": "1",
        "duration_s": "s.duration_s",
        "position_s": "s.position_s",
    }
    return staging.deliver("statements", select, "s.native", f"{_ROWS} WHERE s.act = 'statement'")


def _results(staging: Staging) -> Delivery:
    select = {
        **_COMMON,
        "activity": "s.object",
        "attempt": "s.attempt",
        "score": "s.score",
        "submitted_at": "s.submitted_at",
        "submitted_on": "local_day(s.submitted_at, c.zone)",
        "released_at": "s.at",
        "transferred": "false",
    }
    return staging.deliver("results", select, "s.native", f"{_ROWS} WHERE s.act = 'result'")


def _responses(staging: Staging) -> Delivery:
    select = {**_COMMON, "item": "s.object", "correct": "s.score >= 1", "attempt": "s.attempt"}
    return staging.deliver("responses", select, "s.native", f"{_ROWS} WHERE s.act = 'response'")


SOURCES.add("caliper", Caliper())
