"""Statements from bytes to what is kept: strict JSON, complete validation (1.0.3 and 2.0), what the LRS adds, equality.

Pure and quick: no I/O, no clock; who calls tells what time it is (`stored`) and who sent it (`authority`). Nothing else
in headway decides whether a statement is sound. Requirements are numbered as in the standard's own text, those of xAPI
2.0 alone as `IEEE 9274.1.1` and its clause.
"""

import json
import secrets
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, Final

import msgspec

from headway.intake.xapi.activities import check_activity, check_verb
from headway.intake.xapi.actors import PERSONAL, check_actor, check_authority
from headway.intake.xapi.checks import check_list, check_timestamp, check_uuid
from headway.intake.xapi.comparison import equal
from headway.intake.xapi.formats import in_utc, moment
from headway.intake.xapi.parts import check_attachment, check_context, check_reference, check_result
from headway.intake.xapi.refusal import Refused, TooLarge, refuse_key, refuse_kind, refuse_missing, refuse_type, shown
from headway.intake.xapi.versions import check_version, is_two

__all__ = [
    "VOIDED",
    "Refused",
    "TooLarge",
    "equal",
    "parse",
    "parse_one",
    "prepare",
    "validate",
    "validate_all",
]

VOIDED: Final = "http://adlnet.gov/expapi/verbs/voided"
"""The verb of a statement that takes another back."""

MOST_BYTES: Final = 64 * 2**20
"""How large the JSON of one request may be, unless the caller says otherwise."""

_SUB_FORBIDDEN: Final = ("id", "stored", "version", "authority")
_DECODER: Final = msgspec.json.Decoder()
_ENCODER: Final = msgspec.json.Encoder()


def parse(body: bytes, version: str, *, most_bytes: int = MOST_BYTES) -> list[dict[str, Any]]:
    """The statements in the JSON of a request: of one statement, or of an array of them. They are not validated yet.

    Args:
        body: UTF-8 JSON.
        version: of the request: `1.0.3`, `2.0.0`.
        most_bytes: how large it may be.

    Raises:
        Refused: it is no strict JSON (a property given twice, NaN, bad UTF-8), or holds something else than statements.
        TooLarge: it is larger than `most_bytes`.
    """
    is_two(version)
    decoded = decode(body, most_bytes=most_bytes)
    statements = decoded if decoded.__class__ is list else [decoded]
    for place, statement in enumerate(statements):
        if statement.__class__ is not dict:
            path = f"$[{place}]" if statements is decoded else "$"
            refuse_type(statement, path, "a statement", "Communication 3.2.s2.b1")
    return list(statements)


def parse_one(body: bytes, version: str, *, most_bytes: int = MOST_BYTES) -> dict[str, Any]:
    """The one statement in the JSON of a PUT request.

    Raises:
        Refused: as `parse`, and where it is an array.
        TooLarge: it is larger than `most_bytes`.
    """
    is_two(version)
    decoded = decode(body, most_bytes=most_bytes)
    if decoded.__class__ is not dict:
        refuse_type(decoded, "$", "one statement (POST takes arrays)", "Communication 2.1.1.s1")
    return dict(decoded)


def decode(body: bytes, *, most_bytes: int = MOST_BYTES, path: str = "$") -> Any:
    """What strict JSON says: no property twice in one object, no NaN, no infinite numbers, UTF-8 only.

    Raises:
        Refused: it is not so.
        TooLarge: it is larger than `most_bytes`.
    """
    if len(body) > most_bytes:
        raise TooLarge("Communication 3.2.s3.b11", path, f"has {len(body)} bytes. Send at most {most_bytes} at once.")
    try:
        decoded = _DECODER.decode(body)
        # Each property stands behind a colon, and texts are the same on both sides: a property that is given twice is
        # decoded once, so that colons are missing. Only an escaped colon could make up for them.
        if b"\\u003" not in body and body.count(b":") == _ENCODER.encode(decoded).count(b":"):
            return decoded
        return json.loads(body, object_pairs_hook=_without_doubles)
    except RecursionError as deep:
        raise Refused(
            "Communication 3.2.s3.b12", path, "is nested too deeply. Flatten it to 64 levels at most."
        ) from deep
    except UnicodeDecodeError as wrong:
        raise Refused("Communication 1.4.s1.b1", path, "is not UTF-8. Encode all text as UTF-8.") from wrong
    except (msgspec.MsgspecError, ValueError) as wrong:
        raise Refused(
            "Communication 3.2.s2.b1", path, f"is no sound JSON: {wrong}. Send JSON as in RFC 8259."
        ) from wrong


def validate(statement: Any, version: str, path: str = "$") -> None:
    """Refuse a statement that breaks a requirement of the standard; return nothing where it is sound.

    Args:
        statement: as decoded from JSON.
        version: of the request: `1.0.3`, `2.0.0`.
        path: what messages call it.

    Raises:
        Refused: the first requirement it breaks.
    """
    _check_act(statement, path, is_two(version))


def validate_all(statements: list[dict[str, Any]], version: str) -> None:
    """Refuse a batch of which a statement is not sound, or two have the same id.

    Raises:
        Refused: the first requirement that is broken, with the statement's place in the batch.
    """
    two = is_two(version)
    if len(statements) == 1:
        _check_act(statements[0], "$", two)
        return
    seen: set[str] = set()
    for place, statement in enumerate(statements):
        _check_act(statement, f"$[{place}]", two)
        if "id" in statement:
            native = statement["id"].lower()
            if native in seen:
                raise Refused(
                    "Communication 2.1.2.s2.b6",
                    f"$[{place}].id",
                    "is the id of a statement before it in the batch. Give each its own.",
                )
            seen.add(native)


def prepare(statement: Mapping[str, Any], *, stored: str, authority: dict[str, Any], version: str) -> dict[str, Any]:
    """The statement as it is kept: with id, stored, authority, timestamp and version; all else as it came.

    A sound statement is expected. An id is made where it has none (UUID version 7, so that ids sort by `stored`); its
    own `stored` and `authority` are overwritten. Single context Activities become arrays of one, and for xAPI 2.0 the
    timestamp is written in UTC, as the standard has it returned.

    Args:
        statement: sound; it is not changed.
        stored: when it is stored, as a timestamp in UTC.
        authority: Agent or Group that vouches for it, from the credentials it came with.
        version: of the request.
    """
    two = is_two(version)
    kept = {"id": "", **statement} if "id" not in statement else dict(statement)
    kept["id"] = kept["id"] or _new_id(stored)
    if "timestamp" not in kept:
        kept["timestamp"] = stored
    elif two:
        kept["timestamp"] = in_utc(kept["timestamp"])
    kept["stored"] = stored
    kept["authority"] = authority
    kept.setdefault("version", "2.0.0" if two else "1.0.0")
    if "context" in kept:
        kept["context"] = _with_arrays(kept["context"])
    inner = kept["object"]
    if inner.get("objectType") == "SubStatement" and "context" in inner:
        kept["object"] = {**inner, "context": _with_arrays(inner["context"])}
    return kept


def _check_act(statement: Any, path: str, two: bool) -> None:
    if statement.__class__ is not dict:
        refuse_type(statement, path, "a statement", "Communication 3.2.s2.b1")
    checks = _CHECKS[two]
    for key, value in statement.items():
        check = checks.get(key)
        if check is None:
            refuse_key(key, path, tuple(checks))
        check(value, path)
    _check_whole(statement, path)


def _check_sub_statement(statement: dict[str, Any], path: str, two: bool) -> None:
    checks = _CHECKS[two]
    for key, value in statement.items():
        if key in _SUB_FORBIDDEN:
            raise Refused("Data 2.4.4.3.s8.b3", f"{path}.{key}", f"does not belong to a SubStatement. Leave {key} out.")
        if key == "objectType":
            continue
        check = checks.get(key)
        if check is None:
            refuse_key(key, path, tuple(name for name in ("objectType", *checks) if name not in _SUB_FORBIDDEN))
        if key == "object" and value.__class__ is dict and value.get("objectType") == "SubStatement":
            raise Refused(
                "Data 2.4.4.3.s8.b4",
                f"{path}.object",
                "is a SubStatement in a SubStatement. Refer to a statement instead.",
            )
        check(value, path)
    _check_whole(statement, path)


def _check_whole(statement: dict[str, Any], path: str) -> None:
    """Check what no property of a statement or SubStatement says alone; each is sound in itself."""
    if not ("actor" in statement and "verb" in statement and "object" in statement):
        missing = next(key for key in ("actor", "verb", "object") if key not in statement)
        refuse_missing(missing, path, "Data 2.2.s2.b3")
    kind = statement["object"].get("objectType", "Activity")
    if kind != "StatementRef" and statement["verb"]["id"] == VOIDED:
        raise Refused(
            "Data 2.3.2.s2.b1", f"{path}.object", "is no StatementRef, though the verb is voided. Refer to a statement."
        )
    if kind != "Activity" and "context" in statement:
        for place, name in enumerate(("revision", "platform"), start=1):
            if name in statement["context"]:
                raise Refused(
                    f"Data 2.4.6.s4.b{place}",
                    f"{path}.context.{name}",
                    "is only for statements whose object is an Activity. Leave it out.",
                )


def _check_object(value: Any, path: str, two: bool) -> None:
    if value.__class__ is not dict:
        refuse_type(value, path, "an Activity, Agent, Group, StatementRef or SubStatement", "Data 2.4.s1.table1.row4")
    kind = value.get("objectType", "Activity")
    if kind == "Activity":
        if "id" not in value and "objectType" not in value and not PERSONAL.isdisjoint(value):
            refuse_missing("objectType", path, "Data 2.4.4.2.s1.b1")
        check_activity(value, path)
    elif kind in ("Agent", "Group"):
        check_actor(value, path)
    elif kind == "StatementRef":
        check_reference(value, path)
    elif kind == "SubStatement":
        _check_sub_statement(value, path, two)
    else:
        refuse_kind(kind, path, "Activity, Agent, Group, StatementRef or SubStatement", "Data 2.4.4.s2")


def _check_attachments(value: Any, path: str) -> None:
    check_list(value, path, "attachments", "Attachments", "Data 2.4.s1.table1.row11")
    for place, attachment in enumerate(value):
        check_attachment(attachment, f"{path}.attachments[{place}]")


def _checks(two: bool) -> dict[str, Callable[[Any, str], None]]:
    return {
        "id": lambda value, path: check_uuid(value, path, "id", "Data 2.4.s1.table1.row1"),
        "actor": lambda value, path: check_actor(value, f"{path}.actor"),
        "verb": lambda value, path: check_verb(value, f"{path}.verb"),
        "object": lambda value, path: _check_object(value, f"{path}.object", two),
        "result": lambda value, path: check_result(value, f"{path}.result"),
        "context": lambda value, path: check_context(value, f"{path}.context", two),
        "timestamp": lambda value, path: check_timestamp(value, path, "timestamp", two),
        "stored": lambda value, path: check_timestamp(value, path, "stored", two),
        "authority": lambda value, path: check_authority(value, f"{path}.authority"),
        "version": lambda value, path: check_version(value, f"{path}.version", two),
        "attachments": _check_attachments,
    }


_CHECKS: Final = (_checks(two=False), _checks(two=True))
"""How each property of a statement is checked, for xAPI 1.0 and 2.0."""


def _without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for name, value in pairs:
        if name in made:
            raise Refused("Data 2.2.s2.b2", "$", f"gives the property {shown(name)} twice in one object. Keep one.")
        made[name] = value
    return made


def _with_arrays(context: dict[str, Any]) -> dict[str, Any]:
    """The context with arrays where it has single Activities."""
    told = context.get("contextActivities")
    if not told or all(activities.__class__ is list for activities in told.values()):
        return context
    arrays = {name: found if found.__class__ is list else [found] for name, found in told.items()}
    return {**context, "contextActivities": arrays}


def _new_id(stored: str) -> str:
    """A UUID version 7 of that millisecond: 48 bits of time, the rest chance but for version and variant."""
    number = _milliseconds(stored) << 80 | 7 << 76 | secrets.randbits(12) << 64 | 2 << 62 | secrets.randbits(62)
    digits = f"{number:032x}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


@lru_cache(maxsize=64)
def _milliseconds(stored: str) -> int:
    return int(moment(stored).timestamp() * 1000)
