"""Time: the only module that asks for the current time, and the only makers of an as-of time.

An as-of time is an instant; what was recorded up to and including it is known, the rest is not. A date alone stands for
the *end* of that day in the course's zone: "as of 14 October" includes all that was recorded on 14 October.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from headway.domain.errors import InputError


class Clock(Protocol):
    """Tells the current instant."""

    def now(self) -> datetime:
        """The current instant, in UTC."""
        ...


@dataclass(frozen=True, slots=True)
class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """The current instant, in UTC."""
        return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class FixedClock:
    """A clock that stands still, for demos and tests."""

    instant: datetime

    def now(self) -> datetime:
        """The instant it was made with, in UTC."""
        return self.instant.astimezone(UTC)


@dataclass(frozen=True, slots=True)
class ShiftedClock:
    """The machine's clock, ahead or behind by a span: for a demo whose course is running at another time."""

    by: timedelta

    def now(self) -> datetime:
        """The machine's instant and the span, in UTC."""
        return datetime.now(UTC) + self.by


@dataclass(frozen=True, slots=True, order=True)
class AsOf:
    """A UTC instant up to which records are known. Make it with `AsOf.at` or `AsOf.now`.

    >>> str(AsOf.at("2014-10-14", zone="Europe/London"))
    '2014-10-14T23:00:00Z'
    >>> AsOf.at("2014-10-14", zone="Europe/London").day("Europe/London")
    datetime.date(2014, 10, 14)
    """

    instant: datetime

    def __post_init__(self) -> None:
        if self.instant.utcoffset() != timedelta(0):
            raise InputError(f"An as-of time must be a UTC instant, got {self.instant!r}. Make it with AsOf.at(text).")

    @classmethod
    def at(cls, text: str, zone: str = "UTC") -> "AsOf":
        """The as-of time that `text` (ISO 8601) names.

        A date means the end of that day in `zone`; a date-time without offset is read in `zone`.

        Raises:
            InputError: `text` is not an ISO 8601 date or date-time.
        """
        local = zone_of(zone)
        try:
            if len(text) == 10:
                return cls(midnight(date.fromisoformat(text) + timedelta(days=1), zone))
            moment = datetime.fromisoformat(text)
        except (ValueError, OverflowError) as wrong:
            raise InputError(
                f"{text!r} is not a date or time. Write 2014-10-14 or 2014-10-14T09:00:00+01:00."
            ) from wrong
        return cls((moment if moment.tzinfo else moment.replace(tzinfo=local)).astimezone(UTC))

    @classmethod
    def now(cls, clock: Clock) -> "AsOf":
        """The as-of time of this moment."""
        return cls(clock.now().astimezone(UTC))

    def day(self, zone: str) -> date:
        """The last local date that this as-of time touches: midnight closes the day before it."""
        return (self.instant.astimezone(zone_of(zone)) - timedelta(microseconds=1)).date()

    def __str__(self) -> str:
        return self.instant.isoformat().replace("+00:00", "Z")


def zone_of(name: str) -> ZoneInfo:
    """The time zone called `name` (IANA).

    Raises:
        InputError: there is no such zone.
    """
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as wrong:
        raise InputError(f"Unknown time zone {name!r}. Use an IANA name such as Europe/London.") from wrong


def midnight(day: date, zone: str) -> datetime:
    """The UTC instant at which `day` begins in `zone`."""
    return datetime.combine(day, time(), tzinfo=zone_of(zone)).astimezone(UTC)
