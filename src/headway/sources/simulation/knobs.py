"""The knobs of the simulated source: their names, defaults and limits, and the reading of them from text.

Everything that is generated follows from a `Knobs` value alone; two equal values give the same bytes.
"""

import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from datetime import date, timedelta
from typing import Final

from headway.domain.errors import InputError, UnknownName
from headway.domain.time import zone_of

OPTIONS: Final[Mapping[str, str]] = {
    "learners": "learners in each run, 1 to 1000000; default 300",
    "courses": "courses, 1 to 60; default 1",
    "runs": "runs of each course, one every half year, 1 to 40; default 4",
    "weeks": "weeks in each run, 2 to 24; default 12",
    "base_rate": "share that does not finish, 0.02 to 0.95; default 0.35",
    "signal": "how far behaviour tells the outcome: 0 not at all, 1 as in life, up to 4; default 1",
    "late_share": "share of statements recorded 1 to 5 days late, 0 to 1; default 0.01",
    "bias": "log-odds added to the weekly hazard of one gender, -4 to 4; default 0",
    "seed": "seeds every random choice, 0 or more; default 1",
    "start": "the first run starts on the Monday on or after this date; default 2025-02-03",
    "zone": "time zone of the courses; default Europe/London",
}

LIMITS: Final[Mapping[str, tuple[float, float]]] = {
    "learners": (1, 1_000_000),
    "courses": (1, 60),
    "runs": (1, 40),
    "weeks": (2, 24),
    "base_rate": (0.02, 0.95),
    "signal": (0, 4),
    "late_share": (0, 1),
    "bias": (-4, 4),
    "seed": (0, 2**63 - 1),
}

EARLIEST: Final = date(1975, 1, 1)
LATEST: Final = date(2080, 1, 1)


@dataclass(frozen=True, slots=True)
class Knobs:
    """What the simulated world is like; the fields are the options of the source (see `OPTIONS`)."""

    learners: int = 300
    courses: int = 1
    runs: int = 4
    weeks: int = 12
    base_rate: float = 0.35
    signal: float = 1.0
    late_share: float = 0.01
    bias: float = 0.0
    seed: int = 1
    start: date = date(2025, 2, 3)
    zone: str = "Europe/London"

    @property
    def fingerprint(self) -> int:
        """A 32-bit number of all knobs: people of two different worlds have different pseudonyms."""
        return zlib.crc32(repr([(field.name, getattr(self, field.name)) for field in fields(self)]).encode())


def read_knobs(options: Mapping[str, str]) -> Knobs:
    """The knobs that a source's options name; what is not named keeps its default.

    Raises:
        UnknownName: there is no such option.
        InputError: a value is not of its type or outside its limits.
    """
    made: dict[str, int | float | str | date] = {}
    for name, text in options.items():
        if name not in OPTIONS:
            raise UnknownName.of("option of the simulated source", name, OPTIONS)
        made[name] = _value(name, text)
    return Knobs(**made)  # type: ignore[arg-type]  # `_value` gives each field its own type


def _value(name: str, text: str) -> int | float | str | date:
    if name == "zone":
        zone_of(text)
        return text
    if name == "start":
        return _start(text)
    whole = isinstance(getattr(Knobs(), name), int)
    convert: Callable[[str], int | float] = int if whole else float
    low, high = LIMITS[name]
    try:
        value = convert(text)
    except ValueError as wrong:
        raise InputError(
            f"{name}={text!r} is not a {'whole ' if whole else ''}number. Write for example {name}={low:g}."
        ) from wrong
    # Written so that NaN is refused as well.
    if not low <= value <= high:
        raise InputError(f"{name}={text} is out of range. Choose {name} from {low:g} to {high:g}.")
    return value


def _start(text: str) -> date:
    try:
        day = date.fromisoformat(text)
    except ValueError as wrong:
        raise InputError(f"start={text!r} is not a date. Write for example start=2025-02-03.") from wrong
    if not EARLIEST <= day <= LATEST:
        raise InputError(f"start={text} is out of range. Choose a date from {EARLIEST} to {LATEST}.")
    return day


def monday_on_or_after(day: date) -> date:
    """The first Monday that is not before `day`."""
    return day + timedelta(days=-day.weekday() % 7)
