"""The one error tree. Each class carries its exit code and HTTP status; each message says what to do next.

Nothing else in headway defines an exception that users see, and nobody logs an error that is also raised.
"""

import difflib
from collections.abc import Iterable
from typing import ClassVar, Final

_NAMED: Final = 20  # known names in a message: a lake may have thousands of runs


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


class Refused(InputError):
    """What arrived breaks a requirement of its standard; the message says which, where, and what to do.

    Attributes:
        requirement: as the standard numbers it: `Data 2.4.2.1.s2.b1`.
        path: where, in the statement or the request: `$.actor.mbox`.
        problem: what is wrong and what to do, without the place.
    """

    def __init__(self, requirement: str, path: str, problem: str) -> None:
        super().__init__(requirement, path, problem)
        self.requirement = requirement
        self.path = path
        self.problem = problem

    def __str__(self) -> str:
        return f"{self.path}: {self.problem} ({self.requirement})"


class TooLarge(Refused):
    """What arrived is larger than is taken at once."""

    http_status = 413


class UnknownName(InputError):
    """A name that is not known; the message names the nearest known ones."""

    http_status = 404

    @classmethod
    def of(cls, what: str, name: str, known: Iterable[str]) -> "UnknownName":
        """The error for `name`, with up to three near matches, or the known names where nothing is near."""
        names = sorted(known)
        near = difflib.get_close_matches(name, names, n=3, cutoff=0.5)
        more = f" and {len(names) - _NAMED:,} more" if len(names) > _NAMED else ""
        hint = (
            f"Did you mean {' or '.join(repr(n) for n in near)}?"
            if near
            else f"Known: {', '.join(names[:_NAMED]) or 'none'}{more}."
        )
        return cls(f"Unknown {what} {name!r}. {hint}")


class Erased(UnknownName):
    """What was here about somebody was erased, and stays so."""

    http_status = 410


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


class LeaseLost(Conflict):
    """A worker's lease has ended and another has the job."""


class AuditBroken(HeadwayError):
    """The audit chain was found broken; nothing that it would tell of is done until a governance officer accepts it."""

    exit_code = 4
    http_status = 503

    @classmethod
    def at(cls, entry: int) -> "AuditBroken":
        """The error for a chain whose first entry that does not fit is this one."""
        return cls(
            f"The audit chain is broken at entry {entry}: somebody changed, removed or added entries in the database. "
            "Nothing is done that it would tell of. Compare the store with a backup; a governance officer then accepts "
            f"the break on the governance page, or by `headway audit accept {entry} --reason ... --as ACCOUNT`."
        )


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


class OutOfMemory(LakeError):
    """The memory limit or the disk is too small for what was asked."""


class LeakageError(HeadwayError):
    """Something would use what was not known at its time. Never caught and continued."""

    exit_code = 4
    http_status = 500


class NotEnoughData(HeadwayError):
    """There is too little known data to answer honestly."""

    exit_code = 3
    http_status = 409


class NotAuthenticated(NotPermitted):
    """Nobody known is asking: the key is missing, wrong or revoked."""

    http_status = 401


class Busy(HeadwayError):
    """Too much is asked for at once; `retry_after_s` says when to come back."""

    http_status = 429

    def __init__(self, message: str, retry_after_s: int = 1) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class Pending(Busy):
    """The answer is being computed and is not there yet."""

    def __init__(self) -> None:
        super().__init__("This is being computed. Ask again in a moment.", 2)


class Unavailable(HeadwayError):
    """What arrives cannot be kept just now: the disk is full or the database away."""

    http_status = 503
