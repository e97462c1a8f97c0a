"""Rules about learners who stopped handing in or coming, or never came."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from headway.advising.rules.rule import Evidence, Hit, Read, rule

SILENT_DAYS: Final = 5
MISSED: Final = 2
NEVER_DAYS: Final = 7
"""Whole days after the start, or after joining later, by which a first visit is to be expected."""


@rule(
    reads=("assessments_missed", "days_since_last_activity"),
    list="reach_out",
    text="{assessments_missed} assessments not handed in, last visit {days_since_last_activity} days ago",
)
def missed_two_quizzes_and_silent(e: Evidence) -> Sequence[Hit]:
    """At least 2 assessments not handed in, and no visit for 5 days."""
    missed, away = e.value("assessments_missed"), e.value("days_since_last_activity")
    # Who was never there has no last visit: that is another rule's business.
    which = (missed >= MISSED) & (away >= SILENT_DAYS)
    return e.hits(which, missed + away / 1_000, Read("assessments_missed"), Read("days_since_last_activity"))


@rule(
    reads=("interactions_total", "registered_lead_days", "course_day"),
    list="reach_out",
    text="Enrolled, but not there yet on day {course_day} of the course",
)
def never_started(e: Evidence) -> Sequence[Hit]:
    """No visit at all, a week after the course began or after joining it later."""
    day = e.value("course_day")
    lead = np.nan_to_num(e.value("registered_lead_days"))
    expected = day - np.maximum(0.0, -lead) >= NEVER_DAYS
    return e.hits(expected & ~(e.value("interactions_total") > 0), day, Read("course_day"))
