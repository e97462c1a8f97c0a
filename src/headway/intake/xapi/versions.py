"""Which versions of xAPI are spoken: 1.0.x and 2.0.x (Communication 3.3, Data 2.4.10, IEEE 9274.1.1 4.1.7)."""

import re
from typing import Any, Final

from headway.intake.xapi.refusal import Refused, refuse_type

LATEST: Final = ("1.0.3", "2.0.0")
"""The latest patch of each version that is spoken, for `X-Experience-API-Version` and the about resource."""

_ONE: Final = re.compile(r"1\.0(?:\.[0-9]+(?:-[0-9A-Za-z\-]+)?)?")
_TWO: Final = re.compile(r"2\.0(?:\.[0-9]+(?:-[0-9A-Za-z\-]+)?)?")


def is_two(version: str) -> bool:
    """Whether a request's version is of xAPI 2.0 (True) or of 1.0 (False).

    Raises:
        Refused: it is neither.
    """
    if version in ("1.0.3", "1.0.0", "1.0"):
        return False
    if version in ("2.0.0", "2.0"):
        return True
    if _ONE.fullmatch(version):
        return False
    if _TWO.fullmatch(version):
        return True
    raise Refused(
        "Communication 3.3.s3.b6",
        "X-Experience-API-Version",
        "is neither 1.0.x nor 2.0.x. Send 1.0.3 or 2.0.0.",
    )


def latest(version: str) -> str:
    """The latest patch of the version that a request asks for; what the answer's version header says.

    Raises:
        Refused: it is neither 1.0.x nor 2.0.x.
    """
    return LATEST[is_two(version)]


def check_version(value: Any, path: str, two: bool) -> None:
    """Refuse a statement's own version: any but 1.0.x in 1.0, any but 1.0.x and 2.0.x in 2.0."""
    if value.__class__ is not str:
        refuse_type(value, path, "a version such as 1.0.0", "Data 2.4.s1.table1.row10")
    if _ONE.fullmatch(value) or (two and _TWO.fullmatch(value)):
        return
    if two:
        raise Refused("IEEE 9274.1.1 4.2.2", path, "is neither 1.0.x nor 2.0.x. Leave it out, or write 2.0.0.")
    raise Refused("Data 2.4.10.s3.b2", path, "does not start with 1.0. Leave it out, or write 1.0.0.")
