"""The one error tree. Each class carries its exit code and HTTP status; each message says what to do next.

Nothing else in headway defines an exception that users see, and nobody logs an error that is also raised.
"""

import difflib
from collections.abc import Iterable
from typing import ClassVar


class HeadwayError(Exception):
    """Base of every error that headway raises on purpose."""

    exit_code: ClassVar[int] = 1
    http_status: ClassVar[int] = 500


class ConfigError(HeadwayError):
    """The settings cannot be used as they are."""

    exit_code = 2
    http_status = 500


class InputError(HeadwayError):
    """The request cannot be carried out as it was put."""

    exit_code = 2
    http_status = 400


class UnknownName(InputError):
    """A name that is not known; the message names the nearest known ones."""

    http_status = 404

    @classmethod
    def of(cls, what: str, name: str, known: Iterable[str]) -> "UnknownName":
        """The error for `name`, with up to three near matches, or all known names where nothing is near."""
        names = sorted(known)
        near = difflib.get_close_matches(name, names, n=3, cutoff=0.5)
        hint = (
            f"Did you mean {' or '.join(repr(n) for n in near)}?" if near else f"Known: {', '.join(names) or 'none'}."
        )
        return cls(f"Unknown {what} {name!r}. {hint}")


class NotPermitted(HeadwayError):
    """The actor may not do this."""

    exit_code = 4
    http_status = 403


class Conflict(HeadwayError):
    """The act contradicts what is already so."""

    exit_code = 4
    http_status = 409


class GateFailed(Conflict):
    """A quality gate said no."""


class SourceError(HeadwayError):
    """The data offered cannot be read, as a whole."""

    exit_code = 3
    http_status = 422


class ServiceRefused(SourceError):
    """Another system answered that it does not do what was asked; `code` is its own word for why."""

    def __init__(self, message: str, code: str) -> None:
        super().__init__(message)
        self.code = code


class LakeError(HeadwayError):
    """The lake is damaged, locked or not there."""

    exit_code = 1
    http_status = 503


class LeakageError(HeadwayError):
    """Something would use what was not known at its time. Never caught and continued."""

    exit_code = 4
    http_status = 500


class NotEnoughData(HeadwayError):
    """There is too little known data to answer honestly."""

    exit_code = 3
    http_status = 409
