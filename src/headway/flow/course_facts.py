"""What the record holds of learners that people speak of: visits by week, weeks not opened, hand-ins, marks.

Read from the lake as of a time, for some learners or for everyone of a run. No feature and no chance comes from here:
these are the plain facts that a message names and that a rule of a segment asks for.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, Final

import ibis
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from headway.advising.messages import Facts, Work
from headway.description.names import names_of
from headway.domain.time import AsOf
from headway.features.as_of import run_facts
from headway.features.known import ASSESSMENT_TYPES
from headway.features.moments import RunFacts
from headway.flow.app import App

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from headway.lake.reading import Records

EARLY_DAYS: Final = 3
"""Materials that open so many days before a week begins belong to that week."""

MISSING_DAYS: Final = 28
"""Work that was due longer ago is not asked for in a message."""

OPEN_WEEKS: Final = 3
"""A week is called open for so many weeks after it."""

EPOCH: Final = date(1970, 1, 1)
_KINDS: Final = ("course_runs", "activities", "statements", "results")
_PLANNED: Final = pa.schema([("object", pa.string()), ("week", pa.int64())])
_WHO: Final = pa.schema([("learner", pa.string())])


@dataclass(frozen=True, slots=True)
class Assessment:
    """A piece of work that is due: its id, its name, and the local day."""

    activity: str
    name: str
    due_on: date


@dataclass(frozen=True, slots=True)
class CourseFacts:
    """Facts of some learners of a run, as of a time; rows in the order of `learners`.

    Attributes:
        about: the run.
        today: the local day of the as-of time.
        learners: pseudonyms, sorted.
        assessments: by due day.
        planned: weeks that have materials of their own.
        last_visit_on: the local day of each one's last visit.
        visited: shape (learners, weeks): whether there was a visit in each week so far; column 0 is week 1.
        opened: shape (learners, weeks): whether any of the week's own materials was opened.
        handed_in: shape (learners, assessments).
        score: shape (learners, assessments): the best mark, 0 to 1; NaN where there is none.
    """

    about: RunFacts
    today: date
    learners: tuple[str, ...]
    assessments: tuple[Assessment, ...]
    planned: frozenset[int]
    last_visit_on: tuple[date | None, ...]
    visited: "NDArray[np.bool_]"
    opened: "NDArray[np.bool_]"
    handed_in: "NDArray[np.bool_]"
    score: "NDArray[np.float64]"

    @property
    def weeks(self) -> int:
        """How many weeks have begun."""
        return int(self.visited.shape[1])

    def spoken_of(self, row: int) -> Facts:
        """What can be spoken of with one learner."""
        missing = [
            each
            for at, each in enumerate(self.assessments)
            if not self.handed_in[row, at] and self.today - timedelta(days=MISSING_DAYS) <= each.due_on < self.today
        ]
        ahead = [
            each
            for at, each in enumerate(self.assessments)
            if not self.handed_in[row, at] and self.today <= each.due_on <= self.today + timedelta(days=MISSING_DAYS)
        ]
        marked = [each for at, each in enumerate(self.assessments) if not np.isnan(self.score[row, at])]
        passed = range(self.weeks - 1, max(0, self.weeks - 1 - OPEN_WEEKS), -1)
        return Facts(
            last_visit_on=self.last_visit_on[row],
            missing=tuple(Work(each.name, each.due_on) for each in reversed(missing)),
            coming=Work(ahead[0].name, ahead[0].due_on) if ahead else None,
            marked=marked[-1].name if marked else "",
            open_weeks=tuple(week for week in passed if week in self.planned and not self.opened[row, week - 1]),
        )


def facts_of(app: App, run: str, as_of: AsOf, learners: Sequence[str]) -> CourseFacts:
    """The facts of these learners, known at the as-of time; who left no trace has empty ones."""
    who = tuple(sorted(set(learners)))
    with app.lake.open(as_of, [run], kinds=_KINDS) as records:
        return _read(records, run, as_of, who)


def _read(records: "Records", run: str, as_of: AsOf, who: tuple[str, ...]) -> CourseFacts:
    about = run_facts(records, run, as_of)
    today = as_of.day(about.zone)
    weeks = max(0, min(today, about.ends_on).toordinal() - about.starts_on.toordinal()) // 7 + 1
    if today < about.starts_on:
        weeks = 0
    activities = _activities(records)
    work = tuple(
        Assessment(row["activity"], row["name"], row["due_on"])
        for row in activities
        if row["type"] in ASSESSMENT_TYPES and row["due_on"] is not None
    )
    planned = {
        row["activity"]: week
        for row in activities
        if row["type"] not in ASSESSMENT_TYPES and row["opens_on"] is not None
        for week in [((row["opens_on"] - about.starts_on).days + EARLY_DAYS) // 7 + 1]
        if week >= 1
    }
    acts = _acts(records, who)
    visited, last = _visits(records, acts, about, who, weeks)
    handed_in, score = _work(records, acts, work, who)
    return CourseFacts(
        about=about,
        today=today,
        learners=who,
        assessments=work,
        planned=frozenset(planned.values()),
        last_visit_on=last,
        visited=visited,
        opened=_opened(records, acts, planned, who, weeks),
        handed_in=handed_in,
        score=score,
    )


def _acts(records: "Records", who: tuple[str, ...]) -> Any:
    """What these learners did themselves."""
    statements = records.table("statements")
    wanted = records.put("wanted_learners", pa.table({"learner": list(who)}, schema=_WHO))
    return statements.filter(statements.role.isnull()).semi_join(wanted, "learner")


def _activities(records: "Records") -> list[dict[str, Any]]:
    """The activities as last announced, named, by due date and id."""
    rows = records.table("activities")
    latest = ibis.window(group_by="activity", order_by=[ibis.desc("recorded_at"), ibis.desc("id")])
    ranked = rows.mutate(rank=ibis.row_number().over(latest))
    last = ranked.filter(ranked["rank"] == 0).select("activity", "type", "title", "opens_on", "due_on")
    table = records.collect(last.order_by("due_on", "activity"))
    names = names_of(table)
    found: list[dict[str, Any]] = table.to_pylist()
    return [row | {"name": names[row["activity"]]} for row in found]


def _visits(
    records: "Records", acts: Any, about: RunFacts, who: tuple[str, ...], weeks: int
) -> "tuple[NDArray[np.bool_], tuple[date | None, ...]]":
    days = records.collect(acts.select("learner", "occurred_on").distinct())
    place = _places(days["learner"], who)
    day = days["occurred_on"].cast(pa.int32()).to_numpy(zero_copy_only=False).astype(np.int64)
    last = np.full(len(who), -1, dtype=np.int64)
    np.maximum.at(last, place, day)
    visited = np.zeros((len(who), weeks), dtype=np.bool_)
    week = (day - (about.starts_on - EPOCH).days) // 7
    during = (week >= 0) & (week < weeks)
    visited[place[during], week[during]] = True
    dates = {at: EPOCH + timedelta(days=at) for at in np.unique(last[last >= 0]).tolist()}
    return visited, tuple(dates.get(at) for at in last.tolist())


def _opened(
    records: "Records", acts: Any, planned: dict[str, int], who: tuple[str, ...], weeks: int
) -> "NDArray[np.bool_]":
    opened = np.zeros((len(who), weeks), dtype=np.bool_)
    if not planned:
        return opened
    told = {"object": list(planned), "week": list(planned.values())}
    plan = records.put("planned_materials", pa.table(told, schema=_PLANNED))
    found = acts.select("learner", "object").distinct().join(plan, "object").select("learner", "week").distinct()
    rows = records.collect(found.filter(found.week <= weeks))
    opened[_places(rows["learner"], who), _numbers(rows["week"]).astype(np.int64) - 1] = True
    return opened


def _work(
    records: "Records", acts: Any, work: tuple[Assessment, ...], who: tuple[str, ...]
) -> "tuple[NDArray[np.bool_], NDArray[np.float64]]":
    names = tuple(each.activity for each in work)
    handed_in = np.zeros((len(who), len(work)), dtype=np.bool_)
    score = np.full((len(who), len(work)), np.nan)
    given = records.collect(acts.filter(acts.verb == "submitted").select("learner", "object").distinct())
    row, column = _places(given["learner"], who), _places(given["object"], names)
    handed_in[row[column >= 0], column[column >= 0]] = True
    results = records.table("results")
    own = results.filter(~results.transferred).group_by("learner", "activity").agg(best=results.score.max())
    marks = records.collect(own)
    row, column = _places(marks["learner"], who), _places(marks["activity"], names)
    there = (row >= 0) & (column >= 0)
    handed_in[row[there], column[there]] = True
    score[row[there], column[there]] = _numbers(marks["best"])[there]
    return handed_in, score


def _places(names: pa.ChunkedArray, known: tuple[str, ...]) -> "NDArray[np.int64]":
    """Where each name stands among those known; -1 for the others."""
    found = pc.fill_null(pc.index_in(names, value_set=pa.array(known, pa.string())), -1)
    return np.asarray(found.to_numpy(zero_copy_only=False), dtype=np.int64)


def _numbers(column: pa.ChunkedArray) -> "NDArray[np.float64]":
    return np.asarray(pc.fill_null(column.cast(pa.float64()), np.nan).to_numpy(zero_copy_only=False), dtype=np.float64)
