"""The ground a course description stands on: who is described, which days, and what they did, folded once.

`ground` receives records that are already cut at the as-of time and cuts nothing itself. Everything else in this
package reads `Ground` and never a raw statement, but for the replies in forums, which staff write too.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Final

import ibis
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from headway.domain.errors import NotEnoughData
from headway.domain.time import AsOf
from headway.features.as_of import COMPLETE, run_facts
from headway.features.cleaning import cleaned
from headway.features.engine import Records
from headway.features.known import ASSESSMENT_TYPES, days_between
from headway.features.moments import RunFacts

if TYPE_CHECKING:
    import ibis.expr.types as ir
    from numpy.typing import NDArray

LEAD_DAYS: Final = 28
"""Activity up to four weeks before the first day is shown; what is older is counted as the first of these days."""

SILENT_DAYS: Final = 14
"""Who has done nothing for so long has stopped coming, as far as one can tell; in short runs a third of the run."""

QUIET: Final = 0.25
"""Where nobody told when a run ends, a few late visitors would make it months longer than it was."""

DEADLINE_DAYS: Final = 7
"""Work is mostly done in the week before it is due."""

FINISHED: Final = ("pass", "distinction")

LEARNERS: Final = pa.schema(
    [
        ("who", pa.int64()),
        ("learner", pa.string()),
        ("joined", pa.int64()),  # course day; may be negative
        ("left", pa.int64()),  # course day of the withdrawal, null for who did not
        ("outcome", pa.string()),  # null where not known
    ]
)

_Pairs = tuple["NDArray[np.int64]", "NDArray[np.int64]"]


@dataclass(frozen=True, slots=True)
class Ground:
    """A run, its learners and what they did.

    Attributes:
        records: where all of it comes from, cut at the as-of time.
        about: when and where the run takes place.
        title: the run's title, or its id.
        course: the course that the run belongs to.
        inferred: whether the run's dates are only those of its first and last event.
        as_of: the as-of time; None for all that is known.
        last_day: the last course day that is described: the as-of day or the end, whichever comes first.
        active_until: the last course day with activity of anyone; None without any. Silence after it is the feed's.
        closes: the last course day that counts as the course: `active_until`, or where the run's dates are inferred the
            end of the last week in which at least `QUIET` times as many learners came as in the busiest.
        learners: columns of `LEARNERS`, one row per learner who had not left before the first day, sorted by learner.
        left_before: how many had withdrawn before the first day.
        acts: Ibis table of the learners' cleaned statements up to the last day: `ACT`, `who`, `type`, `day`.
        folded: Ibis table, one row per `who, object, type, verb, day`, with `interactions` (sum) and `statements`.
        days: `who`, `day`, `interactions`: one row per learner and day with activity, sorted.
        activities: the run's activities as last announced.
    """

    records: Records
    about: RunFacts
    title: str
    course: str
    inferred: bool
    as_of: AsOf | None
    last_day: int
    active_until: int | None
    closes: int | None
    learners: pa.Table
    left_before: int
    acts: "ir.Table"
    folded: "ir.Table"
    days: pa.Table
    activities: pa.Table

    @property
    def size(self) -> int:
        """How many learners are described."""
        return int(self.learners.num_rows)

    @property
    def weeks(self) -> int:
        """How many course weeks are described; the last may not be whole."""
        return self.last_day // 7 + 1

    @property
    def silent_days(self) -> int:
        """After how many days without activity a learner has stopped coming."""
        return silent_days(self.about)

    def date_of(self, day: int) -> date:
        """The local date of a course day."""
        return self.about.starts_on + timedelta(days=day)

    def day_of(self, on: date) -> int:
        """The course day of a local date."""
        return (on - self.about.starts_on).days

    @property
    def over(self) -> bool:
        """Whether the run has ended by the day until which it is described."""
        return self.date_of(self.last_day) >= self.about.ends_on

    def left(self) -> "NDArray[np.float64]":
        """Course day of each learner's withdrawal; infinite for who did not withdraw."""
        return _numbers(self.learners["left"], np.inf)

    def joined(self) -> "NDArray[np.int64]":
        """Course day on which each learner joined."""
        return np.asarray(self.learners["joined"].to_numpy(zero_copy_only=False), dtype=np.int64)

    def finished(self) -> "NDArray[np.bool_]":
        """Who is known to have finished."""
        of_them = pc.is_in(self.learners["outcome"], value_set=pa.array(FINISHED)).fill_null(False)
        return np.asarray(of_them.to_numpy(zero_copy_only=False), dtype=np.bool_)

    def outcome_known(self) -> "NDArray[np.bool_]":
        """Whose final result is known."""
        return np.asarray(pc.is_valid(self.learners["outcome"]).to_numpy(zero_copy_only=False), dtype=np.bool_)

    def results_known(self) -> bool:
        """Whether the final results of nearly all are known: withdrawals become known long before passes."""
        return bool(self.outcome_known().sum() >= COMPLETE * self.size)

    def active(self) -> _Pairs:
        """Learner and course day of every active day, two arrays."""
        return (
            np.asarray(self.days["who"].to_numpy(zero_copy_only=False), dtype=np.int64),
            np.asarray(self.days["day"].to_numpy(zero_copy_only=False), dtype=np.int64),
        )

    def last_seen(self) -> "NDArray[np.float64]":
        """Course day of each learner's last activity from the first day on; minus infinity for who never came.

        Activity after the course closed counts as on its last day.
        """
        who, day = self.active()
        seen = np.full(self.size, -np.inf)
        during = day >= 0
        np.maximum.at(seen, who[during], day[during])
        return np.asarray(np.minimum(seen, last_day_of(self)))


def last_day_of(place: Ground) -> int:
    """The last course day that counts as the course; the last described day where there is no activity."""
    return place.last_day if place.closes is None else place.closes


def silent_days(about: RunFacts) -> int:
    """After how many days without activity a learner of the run has stopped coming."""
    return min(SILENT_DAYS, max(7, ((about.ends_on - about.starts_on).days + 1) // 3))


def judged_until(place: Ground) -> int:
    """The last course day on which having been last seen counts as having stopped.

    Silence must be long enough to show before the record ends. While work is ahead, it must also span the last due
    date: who comes around deadlines only is silent between two of them and has not stopped.
    """
    last = last_day_of(place) - place.silent_days
    work = place.activities.filter(pc.is_in(place.activities["type"], value_set=pa.array(ASSESSMENT_TYPES)))
    due = [place.day_of(on) for on in work["due_on"].drop_null().to_pylist()]
    passed = [day for day in due if day <= place.last_day]
    return min(last, max(passed) - DEADLINE_DAYS) if passed and len(passed) < len(due) else last


def ground(records: Records, run: str, as_of: AsOf | None) -> Ground:
    """The ground of one run.

    Args:
        records: already cut at `as_of`, with at least this run in them.
        run: the run's id.
        as_of: the as-of time; None for all that is known.

    Raises:
        UnknownName: the run is not known.
        NotEnoughData: the run has not begun, or nobody is enrolled in it.
    """
    about = run_facts(records, run, as_of)
    named = _named(records, run)
    until = _until(records, about, as_of)
    if until < about.starts_on:
        raise NotEnoughData(f"{run} has not begun: its first day is {about.starts_on}. Describe it as of a later date.")
    last_day = (until - about.starts_on).days
    learners, left_before = _learners(records, run, about, last_day)
    if not learners.num_rows:
        raise NotEnoughData(f"Nobody is enrolled in {run} at that time, so there is nobody to describe.")
    activities = _activities(records, run)
    acts = _acts(records, learners, activities, about, last_day)
    folded = _fold(records, acts)
    daily = folded.filter((folded.interactions > 0) | (folded.verb == "submitted")).group_by("who", "day")
    days = records.collect(daily.agg(interactions=folded.interactions.sum()).order_by("who", "day"))
    inferred = bool(named["inferred"])
    return Ground(
        records=records,
        about=about,
        title=str(named["title"] or run),
        course=str(named["course"]),
        inferred=inferred,
        as_of=as_of,
        last_day=last_day,
        active_until=pc.max(days["day"]).as_py(),
        closes=_closes(days) if inferred else pc.max(days["day"]).as_py(),
        learners=learners,
        left_before=left_before,
        acts=acts,
        folded=folded,
        days=days,
        activities=activities,
    )


def people(records: Records, run: str, as_of: AsOf | None) -> tuple[RunFacts, pa.Table, int]:
    """When a run takes place, its learners (see `LEARNERS`) and its last described day; nothing of what they did."""
    about = run_facts(records, run, as_of)
    last_day = (_until(records, about, as_of) - about.starts_on).days
    return about, _learners(records, run, about, last_day)[0], last_day


def _until(records: Records, about: RunFacts, as_of: AsOf | None) -> date:
    """The last local date to describe."""
    if as_of is not None:
        return min(about.ends_on, as_of.day(about.zone))
    outcomes = records.table("outcomes").filter(ibis._.run == about.run)
    ended = records.collect(outcomes.agg(n=outcomes.count()))["n"][0].as_py()
    statements = records.table("statements").filter(ibis._.run == about.run)
    latest = records.collect(statements.agg(on=statements.occurred_on.max()))["on"][0].as_py()
    return about.ends_on if ended or latest is None else min(about.ends_on, latest)


def _closes(days: pa.Table) -> int | None:
    """The end of the last week in which at least a quarter as many learners came as in the busiest week."""
    during = days.filter(pc.greater_equal(days["day"], 0))
    if not during.num_rows:
        return None
    last = int(pc.max(during["day"]).as_py())
    week = during["day"].to_numpy(zero_copy_only=False) // 7
    pairs = np.unique(np.stack([week, during["who"].to_numpy(zero_copy_only=False)]), axis=1)
    learners = np.bincount(pairs[0])
    return min(last, int(np.flatnonzero(learners >= QUIET * learners.max())[-1]) * 7 + 6)


def _named(records: Records, run: str) -> dict[str, object]:
    runs = records.table("course_runs").filter(ibis._.run == run)
    found: list[dict[str, object]] = records.collect(
        runs.order_by("recorded_at", "id").select("title", "course", "inferred")
    ).to_pylist()
    return found[-1]


def _learners(records: Records, run: str, about: RunFacts, last_day: int) -> tuple[pa.Table, int]:
    """Who was ever enrolled from the first day on, and how many had left before it."""
    changes = records.table("enrolments").filter(ibis._.run == run)
    changes = changes.mutate(day=days_between(changes.valid_from_on, ibis.literal(about.starts_on)))
    changes = changes.filter(changes.day <= last_day)
    latest = ibis.window(
        group_by="learner",
        order_by=[ibis.desc("valid_from"), ibis.desc("recorded_at"), ibis.desc("status")],
    )
    ranked = changes.mutate(
        rank=ibis.row_number().over(latest),
        joined=changes.day.min(where=changes.status == "enrolled").over(ibis.window(group_by="learner")),
    )
    last = ranked.filter((ranked["rank"] == 0) & ranked.joined.notnull())
    status = last.select("learner", "joined", left=(last.status == "withdrawn").ifelse(last.day, None))
    outcomes = records.table("outcomes").filter(ibis._.run == run)
    told = outcomes.mutate(
        rank=ibis.row_number().over(
            ibis.window(group_by="learner", order_by=[ibis.desc("occurred_at"), ibis.desc("id")])
        )
    )
    told = told.filter(told["rank"] == 0).select("learner", outcome=told.label)
    everyone = records.collect(status.left_join(told, "learner").drop("learner_right").order_by("learner"))
    there = everyone.filter(pc.greater_equal(pc.fill_null(everyone["left"], 0), 0))
    numbered = there.append_column("who", pa.array(np.arange(there.num_rows)))
    return numbered.select(LEARNERS.names).cast(LEARNERS), everyone.num_rows - there.num_rows


def _activities(records: Records, run: str) -> pa.Table:
    """The run's activities as last announced, sorted by due date and id."""
    rows = records.table("activities").filter(ibis._.run == run)
    latest = ibis.window(group_by="activity", order_by=[ibis.desc("recorded_at"), ibis.desc("id")])
    ranked = rows.mutate(rank=ibis.row_number().over(latest))
    wanted = ["activity", "type", "title", "opens_on", "due_on", "weight", "duration_s"]
    return records.collect(ranked.filter(ranked["rank"] == 0).select(wanted).order_by("due_on", "activity"))


ACT: Final = (
    "id",
    "run",
    "learner",
    "verb",
    "object",
    "parent",
    "occurred_at",
    "occurred_on",
    "hour",
    "interactions",
    "duration_s",
    "progress",
    "position_s",
    "from_s",
)
"""Columns of a statement that a description may read."""

_TYPES: Final = pa.schema([("object", pa.string()), ("announced", pa.string())])


def _acts(records: Records, learners: pa.Table, activities: pa.Table, about: RunFacts, last_day: int) -> "ir.Table":
    """The run's cleaned statements by its learners up to the last day, with `who`, `type` and `day`."""
    types = activities.select(["activity", "type"]).rename_columns(_TYPES.names).cast(_TYPES)
    statements = records.table("statements")
    clean = cleaned(statements.filter(statements.run == about.run))
    typed = _typed(clean, records.put("described_types", types))
    known = records.put("described_learners", learners).select("who", "learner")
    found = typed.join(known, "learner")
    day = ibis.greatest(days_between(found.occurred_on, ibis.literal(about.starts_on)), ibis.literal(-LEAD_DAYS))
    found = found.mutate(day=day.cast("int64"))
    return records.keep("described_statements", found.filter(found.day <= last_day).select(*ACT, "who", "type", "day"))


def _fold(records: Records, acts: "ir.Table") -> "ir.Table":
    folded = acts.group_by("who", "object", "type", "verb", "day")
    return records.keep("described_acts", folded.agg(interactions=acts.interactions.sum(), statements=acts.count()))


def _typed(statements: "ir.Table", types: "ir.Table") -> "ir.Table":
    """Statements with the type of what they are about: as they say themselves, else as the activity was announced."""
    joined = statements.left_join(types, statements.object == types.object, rname="{name}_of_type")
    return joined.mutate(type=ibis.coalesce(joined.object_type, joined.announced, ibis.literal("other")))


def _numbers(column: pa.ChunkedArray, absent: float) -> "NDArray[np.float64]":
    filled = pc.fill_null(column.cast(pa.float64()), absent)
    return np.asarray(filled.to_numpy(zero_copy_only=False), dtype=np.float64)
