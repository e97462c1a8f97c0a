"""The record kinds: what the lake keeps, column by column.

Every record says when it happened (`occurred_at`) and when the institution could have known (`recorded_at`), both UTC,
and has a deterministic id, so that delivering it twice changes nothing. No record holds a direct identifier.
"""

from dataclasses import dataclass
from typing import Final
from uuid import UUID, uuid5

import pyarrow as pa

from headway.domain.errors import UnknownName

ID_NAMESPACE: Final = UUID("6f1b0c9e-5d53-5c8e-9a53-0b9d0f6f7d11")

INSTANT: Final = pa.timestamp("us", tz="UTC")

_COMMON: Final = (
    ("id", pa.binary()),  # 16 bytes, see record_id
    ("source", pa.string()),
    ("run", pa.string()),
    ("occurred_at", INSTANT),
    ("recorded_at", INSTANT),
)


@dataclass(frozen=True, slots=True)
class Kind:
    """One record kind.

    Attributes:
        name: also the name of its table in the lake.
        schema: all columns, the common ones first.
        required: columns that are never null.
        learner_scoped: whether a row is about one learner (`learner` column), so that erasure reaches it.
    """

    name: str
    schema: pa.Schema
    required: frozenset[str]
    learner_scoped: bool


def _kind(name: str, columns: dict[str, pa.DataType], required: tuple[str, ...]) -> Kind:
    fields = [*_COMMON, *columns.items()]
    always = {column for column, _ in _COMMON} | set(required)
    return Kind(name, pa.schema(fields), frozenset(always), "learner" in columns)


KINDS: Final[dict[str, Kind]] = {
    kind.name: kind
    for kind in (
        _kind(
            "course_runs",
            {
                "course": pa.string(),
                "title": pa.string(),
                "institution": pa.string(),
                "starts_on": pa.date32(),
                "ends_on": pa.date32(),  # the last day of the run
                "zone": pa.string(),
                "inferred": pa.bool_(),  # true where the dates are those of the first and last event, null elsewhere
            },
            ("course", "starts_on", "ends_on", "zone"),
        ),
        _kind(
            "activities",
            {
                "activity": pa.string(),
                "type": pa.string(),  # assignment, quiz, exam, video, page, forum, ... (see docs/glossary.md)
                "title": pa.string(),
                "opens_on": pa.date32(),
                "closes_on": pa.date32(),
                "due_at": INSTANT,
                "due_on": pa.date32(),  # the local date of due_at
                "weight": pa.float64(),  # share of the final mark in percent
                "skills": pa.list_(pa.string()),
                "duration_s": pa.float64(),  # length of a video or recording
            },
            ("activity", "type"),
        ),
        _kind(
            "enrolments",
            {
                "learner": pa.string(),
                "status": pa.string(),  # enrolled, withdrawn
                "valid_from": INSTANT,
                "valid_from_on": pa.date32(),  # the local date of valid_from
            },
            ("learner", "status", "valid_from", "valid_from_on"),
        ),
        _kind(
            "statements",
            {
                "learner": pa.string(),
                "verb": pa.string(),  # a word of headway.domain.vocabulary.VERBS
                "object": pa.string(),  # the activity, where the source knows it
                "object_type": pa.string(),  # a word of headway.domain.vocabulary.ACTIVITY_TYPES
                "parent": pa.string(),  # what the object answers or belongs to: the thread of a reply
                "event": pa.string(),  # what the source calls it
                "role": pa.string(),  # who acted: null for a learner, else instructor or automated
                "occurred_on": pa.date32(),  # the local date of occurred_at
                "hour": pa.int8(),  # local hour 0-23; null where the source knows only the day
                "interactions": pa.int64(),  # 1, or a day's total where the source has only totals
                "duration_s": pa.float64(),
                "score": pa.float64(),
                "success": pa.bool_(),
                "progress": pa.float64(),
                "position_s": pa.float64(),  # place in a recording; of a seek, where it went to
                "from_s": pa.float64(),  # of a seek, where it came from
            },
            ("learner", "verb", "occurred_on", "interactions"),
        ),
        _kind(
            "results",
            {
                "learner": pa.string(),
                "activity": pa.string(),
                "attempt": pa.int32(),
                "score": pa.float64(),  # 0-1; null where the attempt was not marked
                "submitted_at": INSTANT,
                "submitted_on": pa.date32(),  # the local date of submitted_at
                "released_at": INSTANT,
                "transferred": pa.bool_(),  # credit brought from an earlier run, not work of this one
            },
            ("learner", "activity", "attempt", "transferred"),
        ),
        _kind(
            "responses",
            {
                "learner": pa.string(),
                "item": pa.string(),
                "skills": pa.list_(pa.string()),
                "correct": pa.bool_(),
                "attempt": pa.int32(),
                "hints": pa.int32(),
            },
            ("learner", "item"),
        ),
        _kind(
            "outcomes",
            {
                "learner": pa.string(),
                "label": pa.string(),  # pass, distinction, fail, withdrawn
                "final_score": pa.float64(),  # 0-1
            },
            ("learner", "label"),
        ),
        _kind(
            "texts",
            {
                "learner": pa.string(),
                "type": pa.string(),  # forum, survey, message
                "activity": pa.string(),
                "language": pa.string(),
                "body": pa.string(),
                "rating": pa.float64(),
            },
            ("learner", "type", "body"),
        ),
        _kind(
            "attributes",
            {
                "learner": pa.string(),
                "name": pa.string(),
                "value": pa.string(),
                "valid_from": INSTANT,
                "sensitive": pa.bool_(),
            },
            ("learner", "name", "valid_from", "sensitive"),
        ),
    )
}

REJECTS: Final = pa.schema(
    [
        ("id", pa.binary()),
        ("source", pa.string()),
        ("kind", pa.string()),
        ("file", pa.string()),
        ("line", pa.int64()),  # 1-based line in the file, where it is known
        ("reason", pa.string()),  # a short code such as bad_date
        ("detail", pa.string()),  # one sentence: what is wrong with this row
        ("raw", pa.string()),  # the row as it came
    ]
)


def kind_of(name: str) -> Kind:
    """The record kind called `name`.

    Raises:
        UnknownName: there is no such kind.
    """
    if name not in KINDS:
        raise UnknownName.of("record kind", name, KINDS)
    return KINDS[name]


def record_id(source: str, kind: str, native_id: str) -> bytes:
    """The 16-byte UUIDv5 of a record: the same thing delivered again has the same id.

    `headway.sources.columns.id_sql` gives the same bytes for a whole column in DuckDB.
    """
    return uuid5(ID_NAMESPACE, f"{source}\x1f{kind}\x1f{native_id}").bytes
