"""The data types of xAPI as checks: each returns nothing where a value is sound and raises `Refused` where it is not.

A check takes the value, the path of the object that has it, the property's name and the requirement that gives it its
type. Hot: every property of every statement passes here, so a sound value costs one call and a look-up or two.
"""

from typing import Any, Final

from headway.intake.xapi.formats import (
    GOOD_IRIS,
    GOOD_LANGUAGES,
    is_iri,
    is_language,
    is_timestamp,
    is_uuid,
)
from headway.intake.xapi.refusal import Refused, refuse_type, shown

DEEPEST: Final = 64
"""How deeply arrays and objects may be nested inside a value of an extension."""

_FORMAT: Final = "Data 2.2.s4.b1.b4"


def check_string(value: object, path: str, key: str, requirement: str) -> None:
    """Refuse what is no string."""
    if value.__class__ is not str:
        refuse_type(value, f"{path}.{key}", "a string", requirement)


def check_iri(value: Any, path: str, key: str, requirement: str) -> None:
    """Refuse what is no absolute IRI; a text without a scheme breaks a requirement of its own."""
    if value.__class__ is str:
        if value in GOOD_IRIS or is_iri(value):
            return
        _refuse_iri(value, f"{path}.{key}")
    refuse_type(value, f"{path}.{key}", "an IRI with its scheme, such as https://example.org/x", requirement)


def check_uuid(value: Any, path: str, key: str, requirement: str) -> None:
    """Refuse what is no UUID in its standard form."""
    if value.__class__ is not str:
        refuse_type(value, f"{path}.{key}", "a UUID", requirement)
    if not is_uuid(value):
        raise Refused(
            _FORMAT,
            f"{path}.{key}",
            "is no UUID. Write it as 8-4-4-4-12 hexadecimal digits: 6690e6c9-3ef0-4ed3-8b37-7f3964730bee.",
        )


def check_timestamp(value: Any, path: str, key: str, strict: bool) -> None:
    """Refuse what is no timestamp: of RFC 3339 where `strict` (2.0), of ISO 8601 otherwise (1.0.3)."""
    if value.__class__ is not str:
        refuse_type(value, f"{path}.{key}", "a timestamp", "Data 4.5.s1.b1")
    if not is_timestamp(value, strict):
        raise Refused(
            "Data 4.5.s1.b1",
            f"{path}.{key}",
            "is no timestamp of RFC 3339 with an offset other than -00:00. Write 2026-03-01T09:30:00.000Z.",
        )


def check_boolean(value: object, path: str, key: str, requirement: str) -> None:
    """Refuse what is neither true nor false."""
    if value is not True and value is not False:
        refuse_type(value, f"{path}.{key}", "true or false", requirement)


def check_object(value: object, path: str, requirement: str) -> None:
    """Refuse what is no JSON object."""
    if value.__class__ is not dict:
        refuse_type(value, path, "an object", requirement)


def check_list(value: object, path: str, key: str, of: str, requirement: str) -> None:
    """Refuse what is no array; `of` says of what it should be."""
    if value.__class__ is not list:
        refuse_type(value, f"{path}.{key}", f"an array of {of}", requirement)


def check_language(value: Any, path: str, key: str, requirement: str) -> None:
    """Refuse what is no well-formed language tag (RFC 5646)."""
    if value.__class__ is not str:
        refuse_type(value, f"{path}.{key}", "a language tag", requirement)
    if value not in GOOD_LANGUAGES and not is_language(value):
        raise Refused(_FORMAT, f"{path}.{key}", "is no language tag of RFC 5646. Write for example en or pt-BR.")


def check_language_map(value: Any, path: str, key: str, requirement: str) -> None:
    """Refuse what is no map from at least one language tag to text."""
    if value.__class__ is not dict:
        refuse_type(value, f"{path}.{key}", "a language map such as {'en': 'text'}", requirement)
    if not value:
        raise Refused("Data 4.2.s1", f"{path}.{key}", "is an empty language map. Give a language, or leave it out.")
    for tag, text in value.items():
        if tag not in GOOD_LANGUAGES and not is_language(tag):
            raise Refused(
                "Data 2.2.s4.b2",
                f"{path}.{key}",
                f"has the key {shown(tag)}, which is no language tag of RFC 5646. Write for example en or pt-BR.",
            )
        if text.__class__ is not str:
            refuse_type(text, f"{path}.{key}[{shown(tag)}]", "a string", "Data 4.2.s1")


def check_extensions(value: Any, path: str, requirement: str) -> None:
    """Refuse what is no map from IRIs; what it maps to may be anything, nested at most `DEEPEST` levels."""
    if value.__class__ is not dict:
        refuse_type(value, f"{path}.extensions", "an object whose keys are IRIs", requirement)
    for key, inner in value.items():
        if key not in GOOD_IRIS and not is_iri(key):
            raise Refused(
                "Data 4.1.s3.b1",
                f"{path}.extensions",
                f"has the key {shown(key)}, which is no absolute IRI. Write for example https://example.org/x.",
            )
        if (inner.__class__ is dict or inner.__class__ is list) and _too_deep(inner):
            raise Refused(
                "Communication 3.2.s3.b12",
                f"{path}.extensions[{shown(key)}]",
                f"is nested more than {DEEPEST} levels deep. Flatten it, or send it as an attachment.",
            )


def _too_deep(value: Any) -> bool:
    """Whether arrays and objects are nested in `value` more deeply than allowed; goes level by level, not by calls."""
    level = [value]
    for _ in range(DEEPEST):
        level = [
            inner
            for outer in level
            for inner in (outer.values() if outer.__class__ is dict else outer)
            if inner.__class__ is dict or inner.__class__ is list
        ]
        if not level:
            return False
    return True


def _refuse_iri(text: str, path: str) -> None:
    scheme, colon, _ = text.partition(":")
    if not colon or "/" in scheme or not scheme[:1].isalpha():
        raise Refused("Data 2.2.s4.b1.b8", path, "is an IRI without a scheme. Write it in full: https://example.org/x.")
    raise Refused(_FORMAT, path, "is no IRI: a character in it must be percent-encoded, or a part of it is missing.")
