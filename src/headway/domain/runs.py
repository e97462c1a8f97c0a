"""The name of a course run as users write it: `source/course/run`."""

import fnmatch
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from headway.domain.errors import InputError, UnknownName


@dataclass(frozen=True, slots=True, order=True)
class RunId:
    """A course run's id, for example `oulad/AAA/2013J`.

    >>> RunId.parse("oulad/AAA/2013J").course
    'AAA'
    """

    source: str
    course: str
    run: str

    @classmethod
    def parse(cls, text: str) -> "RunId":
        """The run that `text` names.

        Raises:
            InputError: `text` has not the form `source/course/run`.
        """
        parts = text.split("/")
        if len(parts) != 3 or not all(parts):
            raise InputError(f"{text!r} is not a run. Write source/course/run, for example oulad/AAA/2013J.")
        return cls(*parts)

    def __str__(self) -> str:
        return f"{self.source}/{self.course}/{self.run}"


def select_runs(patterns: Sequence[str], known: Iterable[str]) -> list[str]:
    """The known runs that the patterns (ids or globs such as `oulad/AAA/*`) name, sorted, each once.

    Raises:
        UnknownName: a pattern matches no known run.
    """
    runs = sorted(known)
    chosen: set[str] = set()
    for pattern in patterns:
        matches = fnmatch.filter(runs, pattern)
        if not matches and not runs:
            raise UnknownName(
                f"Unknown run {pattern!r}: nothing is imported yet. Begin with: headway import SOURCE PATH"
            )
        if not matches:
            raise UnknownName.of("run", pattern, runs)
        chosen.update(matches)
    return sorted(chosen)
