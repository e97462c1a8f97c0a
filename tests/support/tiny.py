"""Hand-made histories, a line per record: one run of eight weeks in London, whose first day is Monday 3 March 2025.

The clocks go forward on its day 27 (30 March). Days are course days, hours count from midnight.
"""

from datetime import date, datetime, timedelta
from typing import Any, Final

import pyarrow as pa

from headway.domain.records import KINDS, record_id
from headway.domain.time import AsOf, midnight
from headway.features.moments import Moment

RUN: Final = "tiny/T1/2025"
ZONE: Final = "Europe/London"
STARTS_ON: Final = date(2025, 3, 3)
ENDS_ON: Final = STARTS_ON + timedelta(days=55)


def on(day: int) -> date:
    """The local date of a course day."""
    return STARTS_ON + timedelta(days=day)


def at(day: int, hours: float = 12) -> datetime:
    """An instant of a course day."""
    return midnight(on(day), ZONE) + timedelta(hours=hours)


def end_of(day: int) -> AsOf:
    """The end of a course day."""
    return AsOf.at(on(day).isoformat(), ZONE)


def moment(day: int) -> Moment:
    """The run at the end of a course day."""
    return Moment(RUN, end_of(day))


class History:
    """Records under construction; every method adds some and returns the history."""

    def __init__(self) -> None:
        self.records: dict[str, list[dict[str, Any]]] = {kind: [] for kind in KINDS}
        self.add("course_runs", at(-60), course="tiny/T1", starts_on=STARTS_ON, ends_on=ENDS_ON, zone=ZONE)

    def tables(self) -> dict[str, pa.Table]:
        """What was added, by kind."""
        return {kind: pa.Table.from_pylist(rows, schema=KINDS[kind].schema) for kind, rows in self.records.items()}

    def add(self, kind: str, occurred_at: datetime, known_day: float | None = None, **columns: Any) -> "History":
        """A record, known when it happened or in the middle of `known_day`."""
        common = {
            "id": record_id("tiny", kind, str(len(self.records[kind]))),
            "source": "tiny",
            "run": RUN,
            "occurred_at": occurred_at,
            "recorded_at": occurred_at if known_day is None else at(0) + timedelta(days=known_day),
        }
        self.records[kind].append(common | columns)
        return self

    def enrol(
        self, learner: str, day: int = -10, status: str = "enrolled", known_day: float | None = None
    ) -> "History":
        """A change of status in force from that day."""
        valid = {"valid_from": at(day), "valid_from_on": on(day)}
        return self.add("enrolments", at(day), known_day, learner=learner, status=status, **valid)

    def leave(self, learner: str, day: int, known_day: float | None = None) -> "History":
        """A withdrawal."""
        return self.enrol(learner, day, "withdrawn", known_day)

    def act(
        self, learner: str, day: int, interactions: int = 1, known_day: float | None = None, **columns: Any
    ) -> "History":
        """Something done in the course."""
        told: dict[str, Any] = {"verb": "viewed", "occurred_on": on(day), "interactions": interactions}
        return self.add("statements", at(day), known_day, **(told | {"learner": learner} | columns))

    def plan(
        self,
        activity: str,
        due_day: int,
        weight: float = 10.0,
        kind: str = "assignment",
        known_day: float = -30,
    ) -> "History":
        """An assessment that is due at the end of a day."""
        told: dict[str, Any] = {"activity": activity, "type": kind, "weight": weight}
        due = {"due_on": on(due_day), "due_at": end_of(due_day).instant}
        return self.add("activities", at(-40), known_day, **told, **due)

    def hand_in(self, learner: str, activity: str, day: int, known_day: float | None = None) -> "History":
        """A statement that something was handed in."""
        return self.act(learner, day, 0, known_day, verb="submitted", object=activity)

    def mark(
        self, learner: str, activity: str, day: int, score: float | None, known_day: float, **columns: Any
    ) -> "History":
        """A mark for what was handed in on `day`, released on `known_day`."""
        told: dict[str, Any] = {"learner": learner, "activity": activity, "attempt": 1, "score": score}
        handed_in = {"submitted_at": at(day), "submitted_on": on(day), "transferred": False}
        return self.add("results", at(day), known_day, **(told | handed_in | columns))

    def end(
        self, learner: str, label: str, day: int = 56, known_day: float | None = None, score: float | None = None
    ) -> "History":
        """How it ended."""
        return self.add("outcomes", at(day), known_day, learner=learner, label=label, final_score=score)
