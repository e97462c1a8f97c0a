"""What the pages of a course show: one run as it is known now, beside the runs before it, and what staff changed in it.

Everything is about groups of ten learners or more (`headway.description.coarser`); no learner is named, and nothing
recorded later than the as-of time is read.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final
from uuid import uuid4

import sqlalchemy as sa

from headway.description.assessments import Assessments, assessments, handed
from headway.description.coarser import coarser, description, tally, wording
from headway.description.drop_off import DropOffs, drop_offs
from headway.description.forums import Forums, forums
from headway.description.ground import Ground, ground
from headway.description.items import Items, items
from headway.description.names import names_of
from headway.description.retention import Retention, retention
from headway.description.timeline import Timeline, timeline
from headway.description.videos import Video, videos
from headway.domain.errors import InputError, NotEnoughData, UnknownName
from headway.domain.time import AsOf
from headway.features.as_of import run_facts
from headway.flow.app import App
from headway.flow.pages import description_page
from headway.flow.records import describe
from headway.governance import audit
from headway.store.tables import COURSE_MARKS, PREDICTIONS, SCORE_RUNS

FEWEST: Final = 10
LONGEST_MARK: Final = 200
CUT_LISTS: Final = 2
"""The first lists are as long as the capacity, which everybody is told."""

BEFORE: Final = timedelta(days=28)
"""A change may have been made so long before the first day."""


@dataclass(frozen=True, slots=True)
class Planned:
    """A piece of work or a thing that is announced."""

    name: str
    type: str
    opens_on: date | None
    due_on: date | None


@dataclass(frozen=True, slots=True)
class CourseFacts:
    """A run as it is known at a time.

    Attributes:
        run: its id.
        learners: how many are described; 0 where it cannot be described yet.
        week: the course week up to which it is described; 0 before the first day.
        why: why it cannot be described; empty where it can.
        until: the last local date that is described.
        last_activity_on: the last local date with activity of anyone.
        drop_offs: where learners stop.
        retention: who is still there, beside earlier runs.
        timeline: days.
        assessments: hand-ins and marks.
        videos: recordings.
        forums: reading, writing, waiting.
        items: things by weeks.
        planned: what is announced, where the run has not begun.
    """

    run: str
    learners: int
    week: int
    why: str
    until: date | None = None
    last_activity_on: date | None = None
    drop_offs: DropOffs | None = None
    retention: Retention | None = None
    timeline: Timeline | None = None
    assessments: Assessments | None = None
    videos: tuple[Video, ...] = ()
    forums: Forums | None = None
    items: Items | None = None
    planned: tuple[Planned, ...] = ()


@dataclass(frozen=True, slots=True)
class ListWeek:
    """How many learners were on each list in a course week, and how many could not be predicted; None where hidden."""

    week: int
    as_of: AsOf
    learners: int
    counts: tuple[int | None, ...]


@dataclass(frozen=True, slots=True)
class Mark:
    """What was changed in a course."""

    id: str
    run: str
    item: str | None
    happened_on: date
    text: str
    by: str
    at: datetime


def course_facts(app: App, run: str, as_of: AsOf) -> CourseFacts:
    """A run as it is known at a time; takes about a second.

    Raises:
        UnknownName: the run is not known at that time.
    """
    earlier = _earlier(app, run, as_of)
    with app.lake.open(as_of, [run, *earlier]) as records:
        try:
            place = ground(records, run, as_of)
        except NotEnoughData:
            return CourseFacts(run, 0, 0, "not begun", planned=_planned(records, run))
        if place.size < FEWEST:
            return CourseFacts(run, 0, place.weeks, "few", planned=_planned(records, run))
        return coarser(_described(place, run, earlier))


def items_of(app: App, run: str, as_of: AsOf) -> tuple[int, Items] | None:
    """How many learners a run has and its things by weeks; None where it has too few or has not begun."""
    with app.lake.open(as_of, [run]) as records:
        try:
            place = ground(records, run, as_of)
        except NotEnoughData:
            return None
        if place.size < FEWEST:
            return None
        names = names_of(place.activities)
        work = assessments(place, handed(place, names))
        return place.size, coarser(items(place, names, work.due if work else ()))


def earlier_runs(app: App, run: str, as_of: AsOf) -> list[str]:
    """The earlier runs of the same course that are known at a time, oldest first."""
    return _earlier(app, run, as_of)


def description_html(app: App, run: str, as_of: AsOf) -> str:
    """The whole description of a run as one page to print, about groups of ten or more."""
    return wording(description_page(app, description(describe(app, run, str(as_of)))))


def lists_by_week(app: App, run: str, as_of: AsOf, starts_on: date, zone: str, capacity: int) -> list[ListWeek]:
    """How long each list was, week by week, as the score runs that were kept tell it; the last one of each week.

    Args:
        app: the home.
        run: the course run.
        as_of: score runs of later times are left out.
        starts_on: the run's first day.
        zone: its time zone.
        capacity: contacts that can be made in a week: as long is the first list, and the second.
    """
    scored = PREDICTIONS.c.status == "scored"
    about = sa.select(
        SCORE_RUNS.c.id,
        SCORE_RUNS.c.as_of,
        SCORE_RUNS.c.scored_at,
        SCORE_RUNS.c.learners,
        SCORE_RUNS.c.too_early,
        SCORE_RUNS.c.settings,
        sa.select(sa.func.avg(PREDICTIONS.c.risk))
        .where(PREDICTIONS.c.score_run_id == SCORE_RUNS.c.id, scored)
        .scalar_subquery()
        .label("mean"),
    ).where(SCORE_RUNS.c.run == run, SCORE_RUNS.c.as_of <= as_of.instant)
    with app.store.read() as connection:
        newest: dict[int, Any] = {}
        for row in connection.execute(about.order_by(SCORE_RUNS.c.as_of, SCORE_RUNS.c.scored_at)):
            day = AsOf(row.as_of - timedelta(microseconds=1)).day(zone)
            newest[max(0, (day - starts_on).days) // 7 + 1] = row
        found = []
        for week, row in newest.items():
            kept = row.settings.get("base_rate")
            rate = row.mean if kept is None else kept
            above = sa.select(sa.func.count()).where(
                PREDICTIONS.c.score_run_id == row.id, scored, PREDICTIONS.c.risk > rate
            )
            over = int(connection.execute(above).scalar_one()) if rate is not None else 0
            counts = _lengths(row.learners - row.too_early, over, capacity)
            found.append(ListWeek(week, AsOf(row.as_of), row.learners, tally([*counts, row.too_early], CUT_LISTS)))
    return found


def marks_of(app: App, run: str, until: date | None = None) -> list[Mark]:
    """What was changed in a run up to a local date, oldest first."""
    wanted = sa.select(COURSE_MARKS).where(COURSE_MARKS.c.run == run)
    if until is not None:
        wanted = wanted.where(COURSE_MARKS.c.happened_on <= until)
    with app.store.read() as connection:
        rows = connection.execute(wanted.order_by(COURSE_MARKS.c.happened_on, COURSE_MARKS.c.at)).mappings()
        return [Mark(**row) for row in rows]


def add_mark(app: App, run: str, item: str | None, happened_on: date, text: str, *, first: date, today: date) -> Mark:
    """The mark, kept: something was changed in a course on a day.

    Args:
        app: the home; its actor is who says so.
        run: the course run.
        item: the activity that was changed; None where it was the course as a whole.
        happened_on: the local date of the change.
        text: what was changed, in a few words.
        first: the run's first day.
        today: the local date of now.

    Raises:
        InputError: there is no text, it is too long, or the day is ahead or long before the course.
    """
    told = " ".join(text.split())
    if not told or len(told) > LONGEST_MARK:
        raise InputError(f"Say in 1 to {LONGEST_MARK} characters what was changed.")
    if not first - BEFORE <= happened_on <= today:
        raise InputError(f"The day of a change lies between {first - BEFORE} and today, {today}.")
    mark = Mark(str(uuid4()), run, item, happened_on, told, app.actor, app.clock.now())
    row = {name: getattr(mark, name) for name in Mark.__slots__}
    with app.store.begin() as connection:
        connection.execute(sa.insert(COURSE_MARKS), row)
        detail = {"mark": mark.id, "item": item, "happened_on": happened_on.isoformat()}
        audit.record(connection, mark.at, app.actor, "mark course", run, detail)
    return mark


def remove_mark(app: App, run: str, mark: str) -> Mark:
    """The mark of a run that was taken back.

    Raises:
        UnknownName: the run has none with this id.
    """
    mine = (COURSE_MARKS.c.id == mark) & (COURSE_MARKS.c.run == run)
    with app.store.begin() as connection:
        row = connection.execute(sa.select(COURSE_MARKS).where(mine)).mappings().one_or_none()
        if row is None:
            raise UnknownName("This change is not logged any more.")
        connection.execute(sa.delete(COURSE_MARKS).where(mine))
        audit.record(connection, app.clock.now(), app.actor, "unmark course", run, {"mark": mark})
    return Mark(**row)


def _earlier(app: App, run: str, as_of: AsOf) -> list[str]:
    course = run.rpartition("/")[0]
    same = [other for other in app.lake.runs() if other.rpartition("/")[0] == course]
    with app.lake.open(as_of, same, kinds=["course_runs"]) as records:
        announced = set(records.collect(records.table("course_runs").select("run").distinct())["run"].to_pylist())
        starts = {each: run_facts(records, each, as_of).starts_on for each in announced | {run}}
    before = [each for each in announced if starts[each] < starts[run]]
    return sorted(before, key=lambda each: (starts[each], each))


def _described(place: Ground, run: str, earlier: Sequence[str]) -> CourseFacts:
    names = names_of(place.activities)
    work = handed(place, names)
    told = assessments(place, work)
    return CourseFacts(
        run=run,
        learners=place.size,
        week=place.weeks,
        why="",
        until=place.date_of(place.last_day),
        last_activity_on=None if place.active_until is None else place.date_of(place.active_until),
        drop_offs=drop_offs(place, names, work),
        retention=retention(place, earlier),
        timeline=timeline(place, names),
        assessments=told,
        videos=videos(place, names),
        forums=forums(place),
        items=items(place, names, told.due if told else ()),
    )


def _planned(records: Any, run: str) -> tuple[Planned, ...]:
    table = records.table("activities")
    rows = records.collect(table.filter(table.run == run).order_by("due_on", "activity"))
    names = names_of(rows)
    latest = {row["activity"]: row for row in rows.to_pylist()}
    return tuple(
        Planned(names[key], row["type"], row["opens_on"], row["due_on"])
        for key, row in latest.items()
        if row["due_on"] or row["opens_on"]
    )


def _lengths(ranked: int, above: int, capacity: int) -> tuple[int, int, int, int]:
    """How long the four lists are: the first two as the capacity is, the third those of the rest above the mean."""
    reach = min(capacity, ranked)
    check = min(capacity, ranked - reach)
    watch = max(0, above - reach - check)
    return reach, check, watch, ranked - reach - check - watch
