"""Plain records for webhooks: page views, pauses of videos, submissions, in a form that any system can send. Pure.

`SCHEMA` is the whole contract, as JSON Schema; `check` and `is_fit` read their rules from it, which keeps them alike.
"""

import math
import re
from collections.abc import Mapping
from typing import Annotated, Any, Final

import msgspec

from headway.domain.errors import Refused, TooLarge
from headway.intake.checked import Checked, Rejected
from headway.intake.xapi.formats import is_timestamp

MOST_RECORDS: Final = 20_000

SCHEMA: Final[dict[str, Any]] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": "Record",
    "description": "One thing that a learner did.",
    "type": "object",
    "required": ["run", "learner", "verb", "at"],
    "additionalProperties": False,
    "properties": {
        "id": {
            "type": "string",
            "minLength": 1,
            "maxLength": 200,
            "description": "The sender's id; the same record sent twice is kept once.",
        },
        "run": {
            "type": "string",
            "pattern": "^[^/]+/.+/[^/]+$",
            "maxLength": 400,
            "description": "The course run, as source/course/run.",
        },
        "learner": {
            "type": "string",
            "minLength": 1,
            "maxLength": 400,
            "description": "The learner's id in that source, or source/pseudonym.",
        },
        "verb": {
            "type": "string",
            "pattern": "^[a-z][a-z_]{0,40}$",
            "description": "What was done: viewed, played, paused, submitted, answered, ...",
        },
        "at": {"type": "string", "format": "date-time", "description": "When, with its zone (RFC 3339)."},
        "object": {"type": "string", "minLength": 1, "maxLength": 2000, "description": "What it was done with."},
        "object_type": {
            "type": "string",
            "pattern": "^[a-z][a-z_]{0,40}$",
            "description": "What that is: page, video, quiz, assignment, ...",
        },
        "title": {"type": "string", "maxLength": 2000, "description": "Its title."},
        "parent": {"type": "string", "maxLength": 2000, "description": "What it answers or belongs to."},
        "duration_s": {"type": "number", "minimum": 0, "description": "How long it took."},
        "score": {"type": "number", "minimum": 0, "maximum": 1, "description": "A mark as a share of the full one."},
        "success": {"type": "boolean", "description": "Whether it succeeded."},
        "progress": {"type": "number", "minimum": 0, "maximum": 1, "description": "How far it came."},
        "position_s": {"type": "number", "minimum": 0, "description": "Place in a recording."},
        "from_s": {"type": "number", "minimum": 0, "description": "Of a jump in a recording, where it came from."},
        "attempt": {"type": "integer", "minimum": 1, "maximum": 10000, "description": "Which attempt, from 1."},
    },
}

_RULE: Final = "Record"
_TYPES: Final[dict[str, tuple[tuple[type, ...], str]]] = {
    "string": ((str,), "text"),
    "number": ((int, float), "finite number"),
    "integer": ((int,), "whole number"),
    "boolean": ((bool,), "true or false"),
}
_PATTERNS: Final = {
    name: re.compile(rule["pattern"].removeprefix("^").removesuffix("$"))
    for name, rule in SCHEMA["properties"].items()
    if "pattern" in rule
}


def is_fit(line: bytes) -> bool:
    """Whether a line is JSON of a fit record, told sooner than by `fault`.

    Of a few records that are fit it says that they are not, such as one with a number that no computer holds; ask
    `fault` about those.
    """
    try:
        return is_timestamp(_DECODE(line).at, strict=True)
    except (msgspec.MsgspecError, ValueError):
        return False


def _struct() -> Any:
    """The schema as a class into which msgspec reads a line, checking as it reads."""
    fields: list[Any] = []
    for name, rule in SCHEMA["properties"].items():
        kind: Any = {"string": str, "number": float, "integer": int, "boolean": bool}[rule["type"]]
        limits = {
            "ge": rule.get("minimum"),
            "le": rule.get("maximum"),
            "min_length": rule.get("minLength"),
            "max_length": rule.get("maxLength"),
            "pattern": rf"{rule['pattern'].removesuffix('$')}\Z" if "pattern" in rule else None,  # $ allows a line end
        }
        meant = Annotated[kind, msgspec.Meta(**limits)]
        fields.append((name, meant) if name in SCHEMA["required"] else (name, meant | None, None))
    return msgspec.defstruct("Record", sorted(fields, key=len), forbid_unknown_fields=True, gc=False)


_DECODE: Final = msgspec.json.Decoder(_struct()).decode


def check(records: Any) -> Checked:
    """The records of a request, fit ones and others: one record, an array of them, or `{"records": [...]}`.

    Raises:
        Refused: it is none of these.
        TooLarge: there are more than `MOST_RECORDS` records.
    """
    if isinstance(records, dict) and isinstance(records.get("records"), list):
        records = records["records"]
    found = records if isinstance(records, list) else [records]
    if not isinstance(records, dict | list) or not found:
        raise Refused(_RULE, "$", "holds no record. Send an object, an array, or an object with records.")
    if len(found) > MOST_RECORDS:
        raise TooLarge(_RULE, "$", f"holds more than {MOST_RECORDS} records. Send them in several requests.")
    checked = Checked()
    for place, record in enumerate(found):
        wrong = fault(record)
        if wrong is None:
            checked.accepted.append(record)
        else:
            checked.rejected.append(Rejected(place, *wrong, raw=record))
    return checked


def fault(record: Any) -> tuple[str, str] | None:
    """Why a record is unfit, as reason and sentence, or None. A property that is null is one that is not there."""
    if not isinstance(record, dict):
        return "bad_json", "It is no JSON object."
    for name in SCHEMA["required"]:
        if record.get(name) in (None, ""):
            return "missing_value", f"{name} is empty."
    for name, value in record.items():
        rule = SCHEMA["properties"].get(name)
        if rule is None:
            return "unknown_property", "It has a property that is not in the schema."
        wrong = None if value is None else _value_fault(name, value, rule)
        if wrong is not None:
            return wrong
    return None


def _value_fault(name: str, value: Any, rule: Mapping[str, Any]) -> tuple[str, str] | None:
    kinds, wanted = _TYPES[rule["type"]]
    reason = "bad_number" if rule["type"] in ("number", "integer") else "bad_value"
    if value.__class__ not in kinds or (isinstance(value, float) and not math.isfinite(value)):
        return reason, f"{name} is no {wanted}."
    if isinstance(value, str):
        return _text_fault(name, value, rule)
    if not rule.get("minimum", value) <= value <= rule.get("maximum", value):
        return reason, f"{name} is not from {rule['minimum']} to {rule.get('maximum', 'any number above')}."
    return None


def _text_fault(name: str, value: str, rule: Mapping[str, Any]) -> tuple[str, str] | None:
    if rule.get("format") == "date-time" and not is_timestamp(value, strict=True):
        return "bad_date", f"{name} is no time with its zone."
    if not rule.get("minLength", 0) <= len(value) <= rule.get("maxLength", len(value)):
        return "bad_value", f"{name} is shorter or longer than allowed."
    if name in _PATTERNS and not _PATTERNS[name].fullmatch(value):
        return "bad_value", f"{name} has not the form that the schema says."
    return None
