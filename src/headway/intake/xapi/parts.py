"""Result, Context and the headers of attachments (Data 2.4.5, 2.4.6 and 2.4.11), and references to statements."""

from collections.abc import Callable
from math import isfinite
from typing import Any, Final

from headway.intake.xapi.activities import check_activity
from headway.intake.xapi.actors import check_actor, check_agent, check_group
from headway.intake.xapi.checks import (
    check_boolean,
    check_extensions,
    check_iri,
    check_language,
    check_language_map,
    check_list,
    check_string,
    check_uuid,
)
from headway.intake.xapi.formats import GOOD_MEDIA_TYPES, is_duration, is_media_type, is_sha2
from headway.intake.xapi.refusal import Refused, refuse_key, refuse_kind, refuse_missing, refuse_type

SIGNATURE_USAGE: Final = "http://adlnet.gov/expapi/attachments/signature"
SIGNATURE_TYPE: Final = "application/octet-stream"

_FORMAT: Final = "Data 2.2.s4.b1.b4"
_RESULT_KEYS: Final = ("score", "success", "completion", "response", "duration", "extensions")
_SCORE_ROWS: Final = {
    "scaled": "Data 2.4.5.1.s2.table1.row1",
    "raw": "Data 2.4.5.1.s2.table1.row2",
    "min": "Data 2.4.5.1.s2.table1.row3",
    "max": "Data 2.4.5.1.s2.table1.row4",
}
_GROUPINGS: Final = ("parent", "grouping", "category", "other")
_REFERENCE_KEYS: Final = ("objectType", "id")
_ATTACHMENT_ROWS: Final = {
    "usageType": "Data 2.4.11.s2.table1.row1",
    "display": "Data 2.4.11.s2.table1.row2",
    "description": "Data 2.4.11.s2.table1.row3",
    "contentType": "Data 2.4.11.s2.table1.row4",
    "length": "Data 2.4.11.s2.table1.row5",
    "sha2": "Data 2.4.11.s2.table1.row6",
    "fileUrl": "Data 2.4.11.s2.table1.row7",
}
_ATTACHMENT_NEEDS: Final = ("usageType", "display", "contentType", "length", "sha2")
_RELATIONS: Final = "IEEE 9274.1.1 4.2.2.5"


def check_result(value: Any, path: str) -> None:
    """Refuse what is no Result."""
    if value.__class__ is not dict:
        refuse_type(value, path, "a Result", "Data 2.4.s1.table1.row5")
    for key, item in value.items():
        if key == "score":
            _check_score(item, f"{path}.score")
        elif key == "success":
            check_boolean(item, path, "success", "Data 2.4.5.s2.table1.row2")
        elif key == "completion":
            check_boolean(item, path, "completion", "Data 2.4.5.s2.table1.row3")
        elif key == "response":
            check_string(item, path, "response", "Data 2.4.5.s2.table1.row4")
        elif key == "duration":
            _check_duration(item, f"{path}.duration")
        elif key == "extensions":
            check_extensions(item, path, "Data 2.4.5.s2.table1.row6")
        else:
            refuse_key(key, path, _RESULT_KEYS)


def check_context(value: Any, path: str, two: bool) -> None:
    """Refuse what is no Context; `two` where the statement is one of xAPI 2.0, which has relations to more persons."""
    if value.__class__ is not dict:
        refuse_type(value, path, "a Context", "Data 2.4.s1.table1.row6")
    checks = _CONTEXT_TWO if two else _CONTEXT_ONE
    for key, item in value.items():
        check = checks.get(key)
        if check is None:
            refuse_key(key, path, tuple(checks))
        check(item, path)


def check_reference(value: Any, path: str, requirement: str = "Data 2.4.6.s3.table1.row8") -> None:
    """Refuse what is no reference to a statement."""
    if value.__class__ is not dict:
        refuse_type(value, path, "a StatementRef", requirement)
    if "objectType" not in value:
        refuse_missing("objectType", path, "Data 2.4.4.3.s4.b1")
    if "id" not in value:
        refuse_missing("id", path, "Data 2.4.4.3.s4.b2")
    for key, item in value.items():
        if key == "objectType":
            if item != "StatementRef":
                refuse_kind(item, path, "StatementRef", "Data 2.4.4.3.s4.b1")
        elif key == "id":
            check_uuid(item, path, "id", "Data 2.4.4.3.s4.b2")
        else:
            refuse_key(key, path, _REFERENCE_KEYS)


def check_attachment(value: Any, path: str) -> None:
    """Refuse what is no header of an attachment; whether the data came with it is asked in `attachments`."""
    if value.__class__ is not dict:
        refuse_type(value, path, "an Attachment", "Data 2.4.s1.table1.row11")
    for key in _ATTACHMENT_NEEDS:
        if key not in value:
            refuse_missing(key, path, _ATTACHMENT_ROWS[key])
    for key, item in value.items():
        row = _ATTACHMENT_ROWS.get(key)
        if row is None:
            refuse_key(key, path, tuple(_ATTACHMENT_ROWS))
        if key in ("usageType", "fileUrl"):
            check_iri(item, path, key, row)
        elif key in ("display", "description"):
            check_language_map(item, path, key, row)
        elif key == "contentType":
            _check_media_type(item, f"{path}.contentType", row)
        elif key == "length":
            _check_length(item, f"{path}.length", row)
        else:
            _check_sha2(item, f"{path}.sha2", row)
    if value["usageType"] == SIGNATURE_USAGE and value["contentType"] != SIGNATURE_TYPE:
        raise Refused("Data 2.6.s4.b1", f"{path}.contentType", f"is not {SIGNATURE_TYPE}, as a signature's must be.")


def _check_score(value: Any, path: str) -> None:
    if value.__class__ is not dict:
        refuse_type(value, path, "a Score", "Data 2.4.5.s2.table1.row1")
    for key, item in value.items():
        row = _SCORE_ROWS.get(key)
        if row is None:
            refuse_key(key, path, tuple(_SCORE_ROWS))
        if item.__class__ is not int and (item.__class__ is not float or not isfinite(item)):
            refuse_type(item, f"{path}.{key}", "a finite number", row)
    if not -1 <= value.get("scaled", 0) <= 1:
        raise Refused(_SCORE_ROWS["scaled"], f"{path}.scaled", "is not from -1 to 1. Scale it, or send it as raw.")
    low, high, raw = value.get("min"), value.get("max"), value.get("raw")
    if low is not None and high is not None and low >= high:
        raise Refused(_SCORE_ROWS["min"], f"{path}.min", "is not less than max. Swap or correct them.")
    if raw is not None and ((low is not None and raw < low) or (high is not None and raw > high)):
        raise Refused(_SCORE_ROWS["raw"], f"{path}.raw", "is not from min to max. Correct it, or the limits.")


def _check_duration(value: Any, path: str) -> None:
    if value.__class__ is not str:
        refuse_type(value, path, "a duration", "Data 2.4.5.s2.table1.row5")
    if not is_duration(value):
        raise Refused(
            "Data 4.6.s1.b1", path, "is no duration of ISO 8601 with designators. Write for example PT4H35M59.14S."
        )


def _check_media_type(value: Any, path: str, row: str) -> None:
    if value.__class__ is not str:
        refuse_type(value, path, "an Internet media type", row)
    if value not in GOOD_MEDIA_TYPES and not is_media_type(value):
        raise Refused(_FORMAT, path, "is no Internet media type. Write for example text/plain; charset=utf-8.")


def _check_length(value: Any, path: str, row: str) -> None:
    if value.__class__ is not int and not (value.__class__ is float and value.is_integer()):
        refuse_type(value, path, "a whole number of octets", row)
    if value < 0:
        raise Refused(row, path, "is less than 0. Give the number of octets.")


def _check_sha2(value: Any, path: str, row: str) -> None:
    if value.__class__ is not str:
        refuse_type(value, path, "a SHA-2 sum", row)
    if not is_sha2(value):
        raise Refused(_FORMAT, path, "is no SHA-2 sum. Write its 56, 64, 96 or 128 hexadecimal digits.")


def _check_activities(value: Any, path: str) -> None:
    path = f"{path}.contextActivities"
    if value.__class__ is not dict:
        refuse_type(value, path, "an object of Activities", "Data 2.4.6.s3.table1.row4")
    for key, item in value.items():
        if key not in _GROUPINGS:
            _refuse_grouping(key, path)
        if item.__class__ is list:
            for place, activity in enumerate(item):
                check_activity(activity, f"{path}.{key}[{place}]", "Data 2.4.6.2.s4.b2")
        else:
            check_activity(item, f"{path}.{key}", "Data 2.4.6.2.s4.b2")


def _refuse_grouping(key: str, path: str) -> None:
    if key.lower() in _GROUPINGS:
        refuse_key(key, path, _GROUPINGS)
    raise Refused("Data 2.4.6.2.s4.b1", path, f"has a key that is none of {', '.join(_GROUPINGS)}. Use one of these.")


def _check_relations(value: Any, path: str, one: str, check: Callable[[Any, str, str], None]) -> None:
    """Refuse what is no array of contextAgent or contextGroup objects; `check` says what the `one` in each must be."""
    path = f"{path}.context{one.capitalize()}s"
    if value.__class__ is not list:
        refuse_type(value, path, f"an array of context{one.capitalize()} objects", _RELATIONS)
    kind = f"context{one.capitalize()}"
    for place, relation in enumerate(value):
        where = f"{path}[{place}]"
        if relation.__class__ is not dict:
            refuse_type(relation, where, f"a {kind} object", _RELATIONS)
        for key in ("objectType", one):
            if key not in relation:
                refuse_missing(key, where, _RELATIONS)
        for key, item in relation.items():
            if key == "objectType":
                if item != kind:
                    refuse_kind(item, where, kind, _RELATIONS)
            elif key == one:
                check(item, f"{where}.{one}", _RELATIONS)
            elif key == "relevantTypes":
                _check_relevant(item, where)
            else:
                refuse_key(key, where, ("objectType", one, "relevantTypes"))


def _check_relevant(value: Any, path: str) -> None:
    check_list(value, path, "relevantTypes", "IRIs", _RELATIONS)
    if not value:
        raise Refused(_RELATIONS, f"{path}.relevantTypes", "is empty. Give at least one IRI, or leave it out.")
    for place, kind in enumerate(value):
        check_iri(kind, path, f"relevantTypes[{place}]", _RELATIONS)


_CONTEXT_ONE: Final[dict[str, Callable[[Any, str], None]]] = {
    "registration": lambda value, path: check_uuid(value, path, "registration", "Data 2.4.6.s3.table1.row1"),
    "instructor": lambda value, path: check_actor(value, f"{path}.instructor", "Data 2.4.6.s3.table1.row2"),
    "team": lambda value, path: check_group(value, f"{path}.team", "Data 2.4.6.s3.table1.row3"),
    "contextActivities": _check_activities,
    "revision": lambda value, path: check_string(value, path, "revision", "Data 2.4.6.s3.table1.row5"),
    "platform": lambda value, path: check_string(value, path, "platform", "Data 2.4.6.s3.table1.row6"),
    "language": lambda value, path: check_language(value, path, "language", "Data 2.4.6.s3.table1.row7"),
    "statement": lambda value, path: check_reference(value, f"{path}.statement"),
    "extensions": lambda value, path: check_extensions(value, path, "Data 2.4.6.s3.table1.row9"),
}
_CONTEXT_TWO: Final[dict[str, Callable[[Any, str], None]]] = {
    **_CONTEXT_ONE,
    "contextAgents": lambda value, path: _check_relations(value, path, "agent", check_agent),
    "contextGroups": lambda value, path: _check_relations(value, path, "group", check_group),
}
