"""Plain records: what somebody did, one small JSON object each, from webhooks and scripts that speak no standard.

`run`, `learner`, `verb` and `at` are needed; docs/how-to/serve.md has all names. The server wraps a record as
`{"received_at", "record"}`: it was known when it arrived, one without that when it happened. What a record becomes:

- An act is a `statements` record; a mark on an assessment is a `results` record besides, `graded` is that alone.
- An answer to a question is a `responses` record besides; `enrolled` and `withdrawn` are `enrolments`.
- Objects that say more than their name are `activities`.

A learner is named as the run's own source names them, so that the records of a Canvas run are of Canvas' learners.
"""

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Final

from headway.domain.vocabulary import ACTIVITY_TYPES, ASSESSMENT_TYPES, VERBS
from headway.governance.pseudonyms import HEX_DIGITS, hmac_sql
from headway.sources.calendar import (
    CALENDAR_OPTIONS,
    course_runs,
    event_staging,
    find_files,
    implied_enrolments,
    make_calendar,
)
from headway.sources.json_lines import load_json
from headway.sources.source import SOURCES, Delivery, Request
from headway.sources.staging import Check, Staging, no_records
from headway.sources.xapi_activities import told_activities
from headway.sources.xapi_sql import IRI_MACROS

PATTERNS: Final = ("*.json", "*.jsonl", "*.ndjson", "*.json.gz", "*.jsonl.gz", "*.ndjson.gz")
LONGEST_SKEW: Final = "INTERVAL 1 DAY"

_KEPT: Final = (
    "id",
    "run",
    "verb",
    "at",
    "object",
    "object_type",
    "title",
    "parent",
    "event",
    "duration_s",
    "score",
    "success",
    "progress",
    "position_s",
    "from_s",
    "attempt",
)
_FIELDS: Final = {name: f"$.record.{name}|$.{name}" for name in (*_KEPT, "learner")} | {"received_at": "$.received_at"}
_ENROLLING: Final = ("enrolled", "withdrawn")
_GRADED: Final = "graded"
_MARKED: Final = ("quiz", *ASSESSMENT_TYPES)


class Records:
    """Reads plain records."""

    name = "records"
    summary = "plain records of who did what when: JSON lines or arrays, as POST /v1/records takes them"
    options: Mapping[str, str] = MappingProxyType(CALENDAR_OPTIONS)

    def read(self, request: Request) -> Iterator[Delivery]:
        """The deliveries of all records; everything is staged and checked before the first one.

        Raises:
            InputError: an option is unknown or has no usable value.
            ConfigError: the workspace lacks the key for pseudonyms.
            SourceError: a file cannot be read.
        """
        staging = event_staging(self, request)
        for macro in IRI_MACROS:
            staging.run(macro)
        files = find_files(request, PATTERNS, self.name)
        load_json(staging, "arrived", "statements", files, _FIELDS, lists=("records",))
        _without_persons(staging, request.pseudonym_key)
        staging.check("acts", "statements", "raw_acts", _TYPED, _CHECKS)
        return _deliveries(staging, request)


def _without_persons(staging: Staging, key: bytes) -> None:
    """Replace the learners' own ids by pseudonyms of the run's source; the table that held them is dropped."""
    system = "split_part(t.run, '/', 1)"
    learner = (
        f"CASE WHEN t.learner IS NULL THEN NULL WHEN regexp_full_match(t.learner, {system} || "
        f"'/[0-9a-f]{{{HEX_DIGITS}}}') THEN t.learner ELSE {system} || '/' || {hmac_sql('t.learner', key)} END"
    )
    kept = ", ".join(f"t.{name}" for name in (*_KEPT, "received_at"))
    staging.run(
        f"CREATE TABLE raw_acts AS SELECT t.file_no, t.file, t.line, {kept}, "
        f"if(regexp_full_match(t.run, '[A-Za-z0-9_.-]+/[^/]+/[^/]+'), {learner}, NULL) AS learner FROM arrived t"
    )
    staging.run("DROP TABLE arrived")


def _deliveries(staging: Staging, request: Request) -> Iterator[Delivery]:
    make_calendar(staging, '(SELECT run, "at" FROM acts)', request)
    yield course_runs(staging)
    told = "(SELECT run, object, object_type AS type, title, NULL::DOUBLE AS length_s, known_at FROM acts)"
    yield told_activities(staging, told)
    status = {"status": "s.verb", "valid_from": "s.at", "valid_from_on": "local_day(s.at, c.zone)"}
    yield staging.deliver("enrolments", {**_COMMON, **status}, "s.native", f"{_ROWS} WHERE s.act = 'enrolment'")
    known = "(SELECT run, learner FROM acts WHERE act = 'enrolment' AND verb = 'enrolled')"
    yield implied_enrolments(
        staging, "(SELECT run, learner, known_at AS \"at\" FROM acts WHERE act != 'enrolment')", known
    )
    yield staging.deliver("statements", _STATEMENT, "s.native", f"{_ROWS} WHERE s.act = 'statement'")
    yield staging.deliver("results", _RESULT, "s.native", f"{_ROWS} WHERE s.has_result")
    answer = {**_COMMON, "item": "s.object", "correct": "coalesce(s.success, s.score >= 1)", "attempt": "s.attempt"}
    answered = "s.verb = 'answered' AND s.object_type = 'question' AND s.object IS NOT NULL"
    yield staging.deliver("responses", answer, "s.native", f"{_ROWS} WHERE {answered}")
    for rejects in staging.rejects("statements"):
        yield no_records("statements", rejects)


_ROWS: Final = "FROM acts s JOIN calendar c ON c.run = s.run"
_COMMON: Final = MappingProxyType(
    {"run": "s.run", "occurred_at": "s.at", "recorded_at": "s.known_at", "learner": "s.learner"}
)
_STATEMENT: Final = {
    **_COMMON,
    **{name: f"s.{name}" for name in ("verb", "object", "object_type", "parent", "event", "duration_s", "score")},
    **{name: f"s.{name}" for name in ("success", "progress", "position_s", "from_s")},
    "occurred_on": "local_day(s.at, c.zone)",
    "hour": "hour(timezone(c.zone, s.at))",
    "interactions": "1",
}
_SUBMITTED: Final = f"if(s.verb = '{_GRADED}', NULL, s.at)"
_RESULT: Final = {
    **_COMMON,
    "activity": "s.object",
    "attempt": "s.attempt",
    "score": "s.score",
    "submitted_at": _SUBMITTED,
    "submitted_on": f"local_day({_SUBMITTED}, c.zone)",
    "released_at": "s.at",
    "transferred": "false",
}

_NUMBERS: Final = MappingProxyType(
    {"duration_s": 10**9, "score": 1, "progress": 1, "position_s": 10**6, "from_s": 10**6, "attempt": 10**4}
)
"""Numbers that a record may have, each from 0, with the largest."""

_CONTENT: Final = ", ".join(f"t.{name}" for name in ("run", "learner", *_KEPT[2:]))
_TYPED: Final = {
    # What the sender names is one thing in the system that it speaks of; what has no name is what it says.
    "native": f"if(t.id IS NULL, concat_ws(chr(31), {_CONTENT}), concat_ws(chr(31), 'id', t.run, t.id))",
    "run": "t.run",
    "learner": "t.learner",
    "at": "instant(t.at)",
    "known_at": "greatest(instant(t.at), instant(t.received_at))",
    "verb": "t.verb",
    "object": "t.object",
    "object_type": "t.object_type",
    "title": "t.title",
    "parent": "t.parent",
    "event": "if(regexp_full_match(t.event, '[a-z][a-z._-]{0,40}'), t.event, NULL)",
    **{name: f"try_cast(t.{name} AS DOUBLE)" for name in _NUMBERS if name != "attempt"},
    "success": "try_cast(t.success AS BOOLEAN)",
    "attempt": "coalesce(whole(try_cast(t.attempt AS DOUBLE)), 1)",
    "act": f"CASE WHEN t.verb IN {_ENROLLING} THEN 'enrolment' WHEN t.verb = '{_GRADED}' THEN 'grade' "
    "ELSE 'statement' END",
    "has_result": f"coalesce(t.object IS NOT NULL AND t.score IS NOT NULL AND (t.verb = '{_GRADED}' OR "
    f"(t.verb NOT IN {_ENROLLING} AND t.object_type IN {_MARKED})), false)",
}


def _number(name: str, most: int) -> Check:
    value = f"try_cast(t.{name} AS DOUBLE)"
    fails = f"t.{name} IS NOT NULL AND NOT coalesce({value} BETWEEN 0 AND {most}, false)"
    return Check(fails, "bad_number", f"'{name} is no number from 0 to {most}.'")


_CHECKS: Final = (
    *(Check(f"t.{name} IS NULL", "missing_value", f"'{name} is empty.'") for name in ("run", "verb", "at")),
    Check(
        "NOT regexp_full_match(t.run, '[A-Za-z0-9_.-]+/[^/]+/[^/]+')",
        "bad_run",
        "'run has not the form source/course/run.'",
    ),
    Check("t.learner IS NULL", "missing_value", "'learner is empty.'"),
    Check(
        f"t.verb NOT IN {(*VERBS, *_ENROLLING, _GRADED)}",
        "bad_verb",
        "'verb is no word of docs/glossary.md, nor enrolled, withdrawn or graded.'",
    ),
    Check(f"t.object_type NOT IN {ACTIVITY_TYPES}", "bad_object", "'object_type is no word of docs/glossary.md.'"),
    Check(
        f"t.verb = '{_GRADED}' AND (t.object IS NULL OR t.score IS NULL)",
        "missing_value",
        "'What is graded needs an object and a score.'",
    ),
    Check("instant(t.at) IS NULL", "bad_date", "'at is no time of 1990 to 2199 with its zone.'"),
    Check(
        "t.received_at IS NOT NULL AND instant(t.received_at) IS NULL",
        "bad_date",
        "'received_at is no time of 1990 to 2199 with its zone.'",
    ),
    Check(
        f"instant(t.at) > instant(t.received_at) + {LONGEST_SKEW}",
        "bad_date",
        "'at is more than a day after the record arrived.'",
    ),
    *(_number(name, most) for name, most in _NUMBERS.items()),
    Check(
        "t.success IS NOT NULL AND try_cast(t.success AS BOOLEAN) IS NULL",
        "bad_number",
        "'success is no true or false.'",
    ),
)


SOURCES.add("records", Records())
