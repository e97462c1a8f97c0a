"""Whether two statements are the same statement (Data 2.3.1): what may differ, and what may not.

What an LRS may set or change is ignored: version, stored, authority, attachments, a Verb's display, an Activity's
definition, the order of a Group's members, the case of what has no case, and id and timestamp where one side lacks
them. All else counts, a duration as the text it is. Sound statements are expected.
"""

import re
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from headway.intake.xapi.formats import moment

_ENCODER: Final = msgspec.json.Encoder(order="sorted")
_FINE: Final = re.compile(r"([.,][0-9]{2})[0-9]+(?=S\Z)")
_PERSONS: Final = ("instructor", "team")


def equal(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether the two are the same statement, as the standard compares them.

    One may be as it is kept and the other as it came: what the LRS adds on the way makes no difference. A timestamp
    that the LRS set (equal to `stored`) differs from none.
    """
    if "id" in one and "id" in other and one["id"].lower() != other["id"].lower():
        return False
    first, second = _own_timestamp(one), _own_timestamp(other)
    if first is not None and second is not None and first != second and moment(first) != moment(second):
        return False
    return _comparable(one) == _comparable(other)


def canonical_mbox(mbox: str) -> str:
    """The mail address with its domain in small letters: domains have no case."""
    local, _, domain = mbox.rpartition("@")
    return f"{local}@{domain.lower()}"


def _own_timestamp(statement: Mapping[str, Any]) -> str | None:
    found: str | None = statement.get("timestamp")
    return None if found == statement.get("stored") else found


def _comparable(statement: Mapping[str, Any]) -> bytes:
    return _ENCODER.encode(_numbers(_act(statement)))


def _act(statement: Mapping[str, Any]) -> dict[str, Any]:
    kept: dict[str, Any] = {
        "actor": _person(statement["actor"]),
        "verb": statement["verb"]["id"],
        "object": _object(statement["object"]),
    }
    if "result" in statement:
        result = dict(statement["result"])
        if "duration" in result:
            result["duration"] = _FINE.sub(r"\1", result["duration"])
        kept["result"] = result
    if "context" in statement:
        kept["context"] = _context(statement["context"])
    return kept


def _object(value: Mapping[str, Any]) -> dict[str, Any]:
    match value.get("objectType", "Activity"):
        case "Activity":
            return _activity(value)
        case "StatementRef":
            return {"statement": value["id"].lower()}
        case "SubStatement":
            within = _act(value)
            if "timestamp" in value:
                within["timestamp"] = moment(value["timestamp"]).isoformat()
            return {"within": within}
    return _person(value)


def _activity(value: Mapping[str, Any]) -> dict[str, Any]:
    return {"activity": value["id"]}


def _person(value: Mapping[str, Any]) -> dict[str, Any]:
    kept = {"objectType": "Agent", **value}
    if "mbox" in kept:
        kept["mbox"] = canonical_mbox(kept["mbox"])
    if "mbox_sha1sum" in kept:
        kept["mbox_sha1sum"] = kept["mbox_sha1sum"].lower()
    if "member" in kept:
        kept["member"] = sorted((_person(member) for member in kept["member"]), key=_ENCODER.encode)
    return kept


def _context(value: Mapping[str, Any]) -> dict[str, Any]:
    kept = dict(value)
    for name in _PERSONS:
        if name in kept:
            kept[name] = _person(kept[name])
    if "registration" in kept:
        kept["registration"] = kept["registration"].lower()
    if "language" in kept:
        kept["language"] = kept["language"].lower()
    if "statement" in kept:
        kept["statement"] = kept["statement"]["id"].lower()
    if "contextActivities" in kept:
        kept["contextActivities"] = {
            name: [_activity(each) for each in (found if isinstance(found, list) else [found])]
            for name, found in kept["contextActivities"].items()
        }
    for name, one in (("contextAgents", "agent"), ("contextGroups", "group")):
        if name in kept:
            kept[name] = [{**relation, one: _person(relation[one])} for relation in kept[name]]
    return kept


def _numbers(value: Any) -> Any:
    """The value with whole floats as integers, so that 1 and 1.0 are the same number and 1 and true are not."""
    if isinstance(value, dict):
        return {key: _numbers(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_numbers(inner) for inner in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value
