"""A course run described from its records: who came, when, what they used, and where they stopped.

`describe` is all that others need. It is pure: the records are already cut at the as-of time, nothing is read from or
written to anywhere else, and equal records give equal descriptions. Nothing in a description is about fewer than five
learners (`headway.description.groups`), so that what is made of it cannot give anybody away.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields, is_dataclass
from datetime import date
from typing import Any, Final

import numpy as np

from headway.description.activity import Activity, activity
from headway.description.assessments import Assessments, assessments, handed
from headway.description.drop_off import DropOffs, drop_offs
from headway.description.forums import Forums, forums
from headway.description.ground import Ground, ground, last_day_of
from headway.description.groups import SMALLEST, Part, part
from headway.description.heatmap import Heatmap, heatmap
from headway.description.names import names_of
from headway.description.patterns import Patterns, patterns
from headway.description.retention import Retention, retention
from headway.description.summary import Summary, summary
from headway.description.timeline import Timeline, timeline
from headway.description.videos import Video, videos
from headway.domain.errors import NotEnoughData
from headway.domain.time import AsOf
from headway.features.engine import Records

SCHEMA: Final = "headway.course-description/1"
STALE_DAYS: Final = 7


@dataclass(frozen=True, slots=True)
class CourseDescription:
    """A course run as it was known at a time; see docs/how-to/describe-a-course.md for every field.

    Attributes:
        run: the run's id.
        title: its title, or the id.
        course: the course.
        starts_on: its first local date.
        ends_on: its last.
        zone: its time zone.
        dates_inferred: whether these are only the dates of the first and last event.
        as_of: the as-of time as text; None for all that is known.
        described_until: the last local date that is described.
        week: the course week of that date, 1 for the first.
        weeks: how many weeks the run has.
        over: whether the run has ended by then.
        last_activity_on: the last local date with activity of anyone; None without any.
        learners: how many are described.
        left_before_start: who had withdrawn before the first day and is not described.
        withdrew: who withdrew later; None where the run knows no withdrawals.
        finished: of those whose final result is known; None unless nearly all are.
        smallest_group: no number is about fewer learners than this.
        summary: the page in plain words.
        patterns: the main patterns of engagement.
        drop_offs: the clearest drop-off points.
        retention: who is still there, beside earlier runs.
        timeline: the run day by day.
        heatmap: things by weeks.
        activity: how much was done.
        assessments: hand-ins and marks.
        videos: recordings that at least five learners played.
        forums: reading, writing and waiting.
        notes: what to know when reading all this.
    """

    run: str
    title: str
    course: str
    starts_on: date
    ends_on: date
    zone: str
    dates_inferred: bool
    as_of: str | None
    described_until: date
    week: int
    weeks: int
    over: bool
    last_activity_on: date | None
    learners: int
    left_before_start: Part
    withdrew: Part | None
    finished: Part | None
    smallest_group: int
    summary: Summary
    patterns: Patterns
    drop_offs: DropOffs
    retention: Retention | None
    timeline: Timeline | None
    heatmap: Heatmap | None
    activity: Activity | None
    assessments: Assessments | None
    videos: tuple[Video, ...]
    forums: Forums | None
    notes: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """Everything, as JSON knows it: dates as ISO 8601, what is not known or not told as null."""
        return {"schema": SCHEMA, **_plain(self)}


def describe(
    records: Records, run: str, as_of: AsOf | None = None, earlier_runs: Sequence[str] = ()
) -> CourseDescription:
    """The description of a run.

    Args:
        records: cut at `as_of`, with the run and the earlier runs in them.
        run: the run's id.
        as_of: the as-of time; None for all that is known.
        earlier_runs: runs of the same course to compare the retention with, in the order in which to show them.

    Raises:
        UnknownName: a run is not known.
        NotEnoughData: the run has not begun, or fewer than five learners are enrolled in it.
    """
    place = ground(records, run, as_of)
    if place.size < SMALLEST:
        raise NotEnoughData(
            f"Fewer than {SMALLEST} learners are enrolled in {run}. A description would be about single people."
        )
    names = names_of(place.activities)
    work = handed(place, names)
    found = patterns(place)
    points = drop_offs(place, names, work)
    stayed = retention(place, earlier_runs)
    used = activity(place, names)
    left = np.isfinite(place.left())
    known = place.outcome_known()
    return CourseDescription(
        run=run,
        title=place.title,
        course=place.course,
        starts_on=place.about.starts_on,
        ends_on=place.about.ends_on,
        zone=place.about.zone,
        dates_inferred=place.inferred,
        as_of=None if as_of is None else str(as_of),
        described_until=place.date_of(place.last_day),
        week=place.weeks,
        weeks=place.day_of(place.about.ends_on) // 7 + 1,
        over=place.over,
        last_activity_on=None if place.active_until is None else place.date_of(place.active_until),
        learners=place.size,
        left_before_start=part(place.left_before, place.size + place.left_before),
        withdrew=part(int(left.sum()), place.size) if left.any() else None,
        finished=part(int((place.finished() & known).sum()), int(known.sum())) if place.results_known() else None,
        smallest_group=SMALLEST,
        summary=summary(place.size, _end(place), found, points),
        patterns=found,
        drop_offs=points,
        retention=stayed,
        timeline=timeline(place, names),
        heatmap=heatmap(place, names),
        activity=used,
        assessments=assessments(place, work),
        videos=videos(place, names),
        forums=forums(place),
        notes=_notes(place, used, stayed),
    )


def _end(place: Ground) -> str:
    """Up to when learners stopped, in words."""
    if _grew_quiet(place):
        return f"before the course grew quiet after week {last_day_of(place) // 7 + 1}"
    if not place.over:
        return "so far"
    return "before the end and did not finish" if place.results_known() else "before the end"


def _notes(place: Ground, used: Activity | None, stayed: Retention | None) -> tuple[str, ...]:
    notes = []
    if place.inferred:
        notes.append(_inferred(place))
    if place.active_until is None:
        notes.append("No activity of these learners is in the record. That is a gap in the data, not in their work.")
    elif place.last_day - place.active_until > STALE_DAYS:
        silent = place.last_day - place.active_until
        notes.append(f"Nobody's activity is in the record for the last {silent} days: more likely a gap in the feed.")
    if used and not used.time.known:
        notes.append("Time on task is not known: the source gives totals for each day, not single acts.")
    if not place.results_known():
        notes.append("The final results are not known yet, so who finished is not told.")
    elif not np.isfinite(place.left()).any():
        notes.append("No withdrawal is in the record.")
    if stayed and stayed.not_comparable:
        notes.append(f"Without a comparable curve: {', '.join(stayed.not_comparable)}.")
    return tuple(notes)


def _grew_quiet(place: Ground) -> bool:
    """Whether visitors came long after a run whose real end nobody told."""
    return place.inferred and place.active_until is not None and place.active_until - last_day_of(place) >= STALE_DAYS


def _inferred(place: Ground) -> str:
    told = "The dates of this run are those of its first and last event: nobody told headway the real ones."
    if not _grew_quiet(place):
        return told
    return (
        f"{told} After week {last_day_of(place) // 7 + 1} fewer than a quarter as many learners came as in the busiest "
        "week, so ways of studying and drop-off points look at the weeks up to then."
    )


def _plain(value: Any) -> Any:
    if is_dataclass(value):
        return {each.name: _plain(getattr(value, each.name)) for each in fields(value)}
    if isinstance(value, tuple):
        return [_plain(each) for each in value]
    return value.isoformat() if isinstance(value, date) else value
