"""How findings are put: numbers with their nouns, runs by name, spans of days. One place, so that all read alike."""

from collections.abc import Sequence
from datetime import date
from typing import Final

NAMED: Final = 3
"""So many runs are named; of more, the first ones and how many others."""


def number(count: int, one: str, many: str) -> str:
    """A count with its noun.

    >>> number(1, "learner", "learners"), number(2000, "learner", "learners")
    ('1 learner', '2,000 learners')
    """
    return f"{count:,} {one if count == 1 else many}"


def learners(count: int) -> str:
    """So many learners."""
    return number(count, "learner", "learners")


def in_runs(runs: Sequence[str]) -> str:
    """`In oulad/AAA/2013J`, or `In 3 runs`.

    >>> in_runs(["a/b/c"]), in_runs(["a/b/c", "a/b/d"])
    ('In a/b/c', 'In 2 runs')
    """
    return f"In {runs[0]}" if len(runs) == 1 else f"In {len(runs):,} runs"


def runs_named(runs: Sequence[str]) -> str:
    """The first runs by name and how many others there are.

    >>> runs_named(["a", "b", "c", "d", "e"])
    'a, b, c and 2 more'
    """
    more = len(runs) - NAMED
    return ", ".join(runs[:NAMED]) + (f" and {more:,} more" if more > 0 else "")


def named(runs: Sequence[str]) -> str:
    """What follows a sentence that began with `in_runs`: nothing where that named the run.

    >>> named(["a"]), named(["a", "b"])
    ('', ': a, b')
    """
    return "" if len(runs) == 1 else f": {runs_named(runs)}"


def span(first: date, last: date) -> str:
    """Days from one date to another: `from 4 to 9 March 2025`, `on 4 March 2025`."""
    end = f"{last.day} {last:%B %Y}"
    if first == last:
        return f"on {end}"
    if (first.year, first.month) == (last.year, last.month):
        return f"from {first.day} to {end}"
    return f"from {first.day} {first:%B}{'' if first.year == last.year else f' {first.year}'} to {end}"


def share(part: float) -> str:
    """A share in percent, never a nought or a hundred that is not quite.

    >>> share(0.0004), share(0.31), share(0.9999), share(1)
    ('under 1%', '31%', 'over 99%', '100%')
    """
    if 0 < part < 0.01:
        return "under 1%"
    if 0.99 < part < 1:
        return "over 99%"
    return f"{part * 100:.0f}%"


def lasting(seconds: float) -> str:
    """A duration in its largest useful unit.

    >>> lasting(20), lasting(300), lasting(86400), lasting(5 * 86400)
    ('under a minute', '5 minutes', '1 day', '5 days')
    """
    if seconds < 60:
        return "under a minute"
    for unit, size in (("day", 86_400), ("hour", 3600)):
        if seconds >= size:
            return number(round(seconds / size), unit, f"{unit}s")
    return number(round(seconds / 60), "minute", "minutes")
