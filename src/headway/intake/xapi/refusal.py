"""The one way in which xAPI input is refused: which requirement it breaks, where, and what to do.

Messages name the place in the statement and never repeat a value, so that an answer or a log holds no personal data;
only the names of properties are quoted, and those shortened.
"""

from typing import NoReturn

from headway.domain.errors import Refused, TooLarge

__all__ = ["Refused", "TooLarge", "refuse_key", "refuse_kind", "refuse_missing", "refuse_type", "shown"]

_LONGEST_NAME = 60


def shown(name: str) -> str:
    """The name of a property as messages quote it: shortened, control characters escaped."""
    text = name if len(name) <= _LONGEST_NAME else f"{name[:_LONGEST_NAME]}…"
    return repr(text)


def refuse_type(value: object, path: str, wanted: str, requirement: str) -> NoReturn:
    """Refuse a value of a wrong type; `wanted` is what stands there in sound statements.

    Null, and text where a number or a boolean belongs, have requirements of their own; all else breaks `requirement`.

    Raises:
        Refused: always.
    """
    if value is None:
        raise Refused("Data 2.2.s4.b1.b1", path, f"is null. Give {wanted}, or leave the property out.")
    if isinstance(value, str) and "number" in wanted:
        raise Refused("Data 2.2.s4.b1.b2", path, f"is a string. Give {wanted}, without quotes.")
    if isinstance(value, str) and "true or false" in wanted:
        raise Refused("Data 2.2.s4.b1.b3", path, f"is a string. Give {wanted}, without quotes.")
    raise Refused(requirement, path, f"is {_kind(value)}. Give {wanted}.")


def refuse_key(key: object, path: str, allowed: tuple[str, ...]) -> NoReturn:
    """Refuse a property that the standard does not have there.

    Raises:
        Refused: always; the message names the property that differs only in case, or all that are allowed.
    """
    name = str(key)
    for known in allowed:
        if known.lower() == name.lower():
            raise Refused("Data 2.2.s4.b1.b5", path, f"has the property {shown(name)}. Write it as {known!r}.")
    raise Refused(
        "Data 2.2.s4.b1.b7",
        path,
        f"has the property {shown(name)}, which is not allowed there. Allowed: {', '.join(allowed)}.",
    )


def refuse_kind(value: object, path: str, allowed: str, requirement: str) -> NoReturn:
    """Refuse an objectType that is not exactly the one or one of the two `allowed` there.

    Raises:
        Refused: always.
    """
    if value.__class__ is not str:
        refuse_type(value, f"{path}.objectType", allowed, requirement)
    raise Refused("Data 2.2.s4.b1.b6", f"{path}.objectType", f"is not {allowed}. Write it exactly so.")


def refuse_missing(key: str, path: str, requirement: str) -> NoReturn:
    """Refuse an object that lacks a required property.

    Raises:
        Refused: always.
    """
    raise Refused(requirement, path, f"lacks the property {key!r}, which is required. Add it.")


def _kind(value: object) -> str:
    match value:
        case bool():
            return "a boolean"
        case int() | float():
            return "a number"
        case str():
            return "a string"
        case list():
            return "an array"
        case dict():
            return "an object"
    return "no JSON value"
