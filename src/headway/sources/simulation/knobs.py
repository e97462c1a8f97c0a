"""The knobs of the simulated source: their names, defaults and limits, and the reading of them from text.

Everything that is generated follows from a `Knobs` value alone; two equal values give the same bytes.
"""

import re
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
    "contrast": "how far apart the planted segments are and how alike their learners, 0.5 to 6; default 1",
    "late_share": "share of statements recorded 1 to 5 days late, 0 to 1; default 0.01",
    "bias": "log-odds added to the weekly hazard of one gender, -4 to 4; default 0",
    "pace": "factor of the mean number of statements, 0.01 to 20; default 1",
    "drift": "log-odds of not finishing that runs after the drift have more, -4 to 4; default 0",
    "drift_pace": "factor of the mean number of statements in runs after the drift, 0.05 to 20; default 1",
    "drift_from": "the run of each course, counted from 1, with which the drift begins; 0 is the last; default 0",
    "dead_feed": "clicks that never arrive, RUN:FROM-TO as 3:28-34, a run of each course and days from 0; default none",
    "contact_effect": "log-odds by which a contact lowers each weekly hazard from then on, -4 to 4; default 0",
    "contact_week": "the week, counted from 1, at whose start a contact is made, 1 to 24; default 4",
    "contact_share": "share of those still there who are contacted, by lot, 0 to 1; default 0",
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
    "contrast": (0.5, 6),
    "late_share": (0, 1),
    "bias": (-4, 4),
    "pace": (0.01, 20),
    "drift": (-4, 4),
    "drift_pace": (0.05, 20),
    "drift_from": (0, 40),
    "contact_effect": (-4, 4),
    "contact_week": (1, 24),
    "contact_share": (0, 1),
    "seed": (0, 2**63 - 1),
}

EARLIEST: Final = date(1975, 1, 1)
LATEST: Final = date(2080, 1, 1)


_LATER: Final = frozenset(
    {
        "contrast",
        "pace",
        "drift",
        "drift_pace",
        "drift_from",
        "dead_feed",
        "contact_effect",
        "contact_week",
        "contact_share",
    }
)
"""Knobs that came after the first worlds were made: where they are off, people keep the pseudonyms they had."""


@dataclass(frozen=True, slots=True)
class DeadFeed:
    """Days whose clicks never arrive.

    Attributes:
        run: place of the run among those of its course, from 1; the same in every course.
        first_day: day of the run, from 0.
        last_day: the last such day.
    """

    run: int
    first_day: int
    last_day: int

    def __str__(self) -> str:
        """The option's value that gives it."""
        return f"{self.run}:{self.first_day}-{self.last_day}"


@dataclass(frozen=True, slots=True)
class Knobs:
    """What the simulated world is like; the fields are the options of the source (see `OPTIONS`)."""

    learners: int = 300
    courses: int = 1
    runs: int = 4
    weeks: int = 12
    base_rate: float = 0.35
    signal: float = 1.0
    contrast: float = 1.0
    late_share: float = 0.01
    bias: float = 0.0
    pace: float = 1.0
    drift: float = 0.0
    drift_pace: float = 1.0
    drift_from: int = 0
    dead_feed: DeadFeed | None = None
    contact_effect: float = 0.0
    contact_week: int = 4
    contact_share: float = 0.0
    seed: int = 1
    start: date = date(2025, 2, 3)
    zone: str = "Europe/London"

    @property
    def fingerprint(self) -> int:
        """A 32-bit number of all knobs: people of two different worlds have different pseudonyms."""
        told = [(field.name, getattr(self, field.name), field.default) for field in fields(self)]
        kept = [(name, value) for name, value, off in told if name not in _LATER or value != off]
        return zlib.crc32(repr(kept).encode())

    @property
    def drifts_from(self) -> int:
        """The first run of each course after the drift, counted from 1; one past the last where there is none."""
        if self.drift == 0 and self.drift_pace == 1:
            return self.runs + 1
        return self.drift_from or self.runs

    def as_text(self) -> dict[str, str]:
        """The options that give these knobs."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: str(value) for name, value in values.items() if value is not None}


def read_knobs(options: Mapping[str, str]) -> Knobs:
    """The knobs that a source's options name; what is not named keeps its default.

    Raises:
        UnknownName: there is no such option.
        InputError: a value is not of its type or outside its limits.
    """
    made: dict[str, int | float | str | date | DeadFeed] = {}
    for name, text in options.items():
        if name not in OPTIONS:
            raise UnknownName.of("option of the simulated source", name, OPTIONS)
        made[name] = _value(name, text)
    knobs = Knobs(**made)  # type: ignore[arg-type]  # `_value` gives each field its own type
    _fit_together(knobs)
    return knobs


def _fit_together(knobs: Knobs) -> None:
    """Pass when what one knob names is there by another."""
    if knobs.drift_from > knobs.runs:
        raise InputError(f"drift_from={knobs.drift_from}, but there are {knobs.runs} runs. Choose an earlier run.")
    feed = knobs.dead_feed
    if feed and (feed.run > knobs.runs or feed.last_day >= 7 * knobs.weeks):
        raise InputError(
            f"dead_feed={feed} names a run or day that is not there: a course has {knobs.runs} runs "
            f"of the days 0 to {7 * knobs.weeks - 1}."
        )
    if (knobs.contact_effect or knobs.contact_share) and knobs.contact_week > knobs.weeks:
        raise InputError(f"contact_week={knobs.contact_week} is after the last week, {knobs.weeks}. Choose an earlier.")


def _value(name: str, text: str) -> int | float | str | date | DeadFeed:
    if name == "zone":
        zone_of(text)
        return text
    if name == "start":
        return _start(text)
    if name == "dead_feed":
        return _dead_feed(text)
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


def _dead_feed(text: str) -> DeadFeed:
    found = re.fullmatch(r"(\d{1,3}):(\d{1,4})-(\d{1,4})", text)
    if not found or int(found[1]) < 1 or int(found[3]) < int(found[2]):
        raise InputError(f"dead_feed={text!r} is no run and days. Write for example dead_feed=3:28-34.")
    return DeadFeed(int(found[1]), int(found[2]), int(found[3]))


def monday_on_or_after(day: date) -> date:
    """The first Monday that is not before `day`."""
    return day + timedelta(days=-day.weekday() % 7)
