"""Course runs in time: when each takes place, and the moments at which one looks at it."""

from dataclasses import dataclass
from datetime import date, timedelta

from headway.domain.time import AsOf


@dataclass(frozen=True, slots=True, order=True)
class Moment:
    """A course run at an as-of time."""

    run: str
    as_of: AsOf


@dataclass(frozen=True, slots=True)
class RunFacts:
    """When and where a run takes place.

    Attributes:
        run: the run's id.
        starts_on: its first local day.
        ends_on: its last.
        zone: its time zone.
    """

    run: str
    starts_on: date
    ends_on: date
    zone: str

    def course_day(self, as_of: AsOf) -> int:
        """The course day that an as-of time closes or falls in; 0 is the first."""
        return (as_of.day(self.zone) - self.starts_on).days

    def end_of(self, course_day: int) -> AsOf:
        """The as-of time that closes a course day."""
        return end_of(self.starts_on + timedelta(days=course_day), self.zone)


def end_of(day: date, zone: str) -> AsOf:
    """The as-of time that closes a day where a run takes place."""
    return AsOf.at(day.isoformat(), zone)
