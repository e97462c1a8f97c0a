"""Draft records: Arrow tables with the columns of a record kind as the simulator knows them.

A draft has `occurred_at` (and `due_at`) on the local clock, without zone, and `delay_us` from happening to being
recorded. Ids, instants and local dates are made from those by the source, in one place for all kinds.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

import numpy as np
import pyarrow as pa

from headway.sources.simulation.events import DAY_S, VERBS, events_of, handed_in, passed_practice
from headway.sources.simulation.people import AGE_BANDS, GENDERS
from headway.sources.simulation.plan import ANNOUNCED_DAYS, SOURCE, Floats, Ints, Run, assessments_of, resources_of
from headway.sources.simulation.weeks import DISTINCTION_MARK, PASS_MARK
from headway.sources.simulation.world import RECORDS, Block, World

BOARD_DAYS: Final = 21  # final results are out so many days after the run's last day
LATE_WORK_DAYS: Final = 6
_EPOCH: Final = date(1970, 1, 1)


def course_runs(runs: Sequence[Run]) -> pa.Table:
    """The runs."""
    announced = np.full(len(runs), -ANNOUNCED_DAYS)
    starts = np.array([_epoch_day(run) for run in runs])
    return pa.table(
        {
            "run": [run.id for run in runs],
            "occurred_at": _clock(starts + announced, np.full(len(runs), 9 * 3600)),
            "delay_us": np.zeros(len(runs), dtype=np.int64),
            "course": [run.course.code for run in runs],
            "title": [f"{run.course.title}, {run.name}" for run in runs],
            "institution": [SOURCE] * len(runs),
            "starts_on": [run.starts_on for run in runs],
            "ends_on": [run.ends_on for run in runs],
            "zone": [run.zone for run in runs],
        }
    )


def activities(run: Run) -> pa.Table:
    """The week plan and the marked work of a run, all announced before the first learner enrols."""
    resources, work = resources_of(run), assessments_of(run)
    start, size = _epoch_day(run), len(resources) + len(work)
    opens = np.array([day for *_, day in resources] + [max(one.due_day - 21, 0) for one in work])
    due = np.array([one.due_day for one in work])
    ends = due + np.array([0 if one.type == "exam" else LATE_WORK_DAYS for one in work])
    blank: list[None] = [None] * len(resources)
    return pa.table(
        {
            "run": [run.id] * size,
            "occurred_at": _clock(np.full(size, start - ANNOUNCED_DAYS), np.full(size, 9 * 3600)),
            "delay_us": np.zeros(size, dtype=np.int64),
            "activity": [name for name, *_ in resources] + [one.activity for one in work],
            "type": [kind for _, kind, *_ in resources] + [one.type for one in work],
            "title": [title for _, _, title, _ in resources] + [one.title for one in work],
            "opens_on": _dates(start + opens),
            "closes_on": pa.array(blank + _dates(start + ends).to_pylist(), pa.date32()),
            "due_at": pa.array(
                blank + _clock(start + due, np.full(len(due), DAY_S - 1)).to_pylist(), pa.timestamp("us")
            ),
            "weight": pa.array(blank + [one.weight for one in work], pa.float64()),
        }
    )


def enrolments(block: Block, world: World) -> pa.Table:
    """One row for each enrolment, and one for each withdrawal, after all enrolments of the block."""
    second, delay, left_second, left_delay = office_hours(block, world)
    left = np.flatnonzero(block.fate.left_day < block.run.days)
    who = np.concatenate([np.arange(len(block.learner)), left])
    day = np.concatenate([block.people.registered_day, block.fate.left_day[left]])
    return pa.table(
        {
            **_common(
                block, who, day, np.concatenate([second, left_second[left]]), np.concatenate([delay, left_delay[left]])
            ),
            "status": np.repeat(["enrolled", "withdrawn"], [len(block.learner), len(left)]),
        }
    )


def attributes(block: Block, world: World) -> pa.Table:
    """Two plain and two sensitive facts for each learner, known with the enrolment."""
    second, delay, *_ = office_hours(block, world)
    people, size = block.people, len(block.learner)
    names = ("previous_attempts", "studied_credits", "age_band", "gender")
    values = [people.previous_attempts.astype(str), people.studied_credits.astype(str)]
    values += [np.array(AGE_BANDS)[people.age], np.array(GENDERS)[people.gender]]
    who = np.repeat(np.arange(size), len(names))
    return pa.table(
        {
            **_common(block, who, people.registered_day[who], second[who], delay[who]),
            "name": np.tile(names, size),
            "value": np.column_stack(values).ravel(),
            "sensitive": np.tile([False, False, True, True], size),
        }
    )


def statements(block: Block, world: World) -> pa.Table:
    """One row for each event, numbered within its learner in order of time (`place`)."""
    events, run = events_of(block, world), block.run
    named = [name for name, *_ in resources_of(run)] + [one.activity for one in assessments_of(run)]
    counts = np.bincount(events.who, minlength=len(block.learner))
    first = np.cumsum(counts) - counts
    return pa.table(
        {
            **_common(block, events.who, events.day, events.second, events.delay_us),
            "place": np.arange(len(events.who)) - first[events.who],
            "verb": pa.array(VERBS).take(pa.array(events.verb)),
            "object": pa.array(named).take(pa.array(events.thing)),
            "duration_s": _known(events.duration_s),
            "score": _known(events.score),
            "success": pa.array(passed_practice(events.score), mask=np.isnan(events.score)),
            "progress": _known(events.progress),
        }
    )


@dataclass(frozen=True, slots=True)
class Marks:
    """Marks of a block; arrays of shape (marks,).

    Attributes:
        who: place of the learner in the block.
        which: number of the assessment in the run's plan.
        day: day of the run on which it was handed in.
        second: second of that day.
        delay_us: from handing in to the release of the mark.
        score: 0 to 1.
    """

    who: Ints
    which: Ints
    day: Ints
    second: Ints
    delay_us: Ints
    score: Floats


def marks_of(block: Block, world: World) -> Marks:
    """The mark of each piece of work handed in.

    Assignments and the exam are marked by people, 3 to 10 days after the due date; tests mark themselves at once.
    """
    run, life, fate = block.run, block.life, block.fate
    who, which = np.nonzero(handed_in(block, world))
    work = assessments_of(run)
    rng = world.stream(run, block.number, RECORDS).spawn(1)[0]
    handed = life.handed_in_day[who, which]
    by_hand = np.array([one.type != "test" for one in work])[which]
    due = np.array([one.due_day for one in work])[which]
    released = np.maximum(np.floor(handed), due) + rng.integers(3, 11, len(who)) + rng.uniform(9.0, 18.0, len(who)) / 24
    delay = np.where(by_hand, (released - handed) * DAY_S, rng.exponential(60.0, len(who))) * 1e6
    exam = which == len(work) - 1
    sat = np.round(np.clip(fate.final_score[who] + rng.normal(0.0, 0.05, len(who)), 0.0, 1.0), 2)
    day = np.floor(handed).astype(np.int64)
    second = ((handed - day) * DAY_S).astype(np.int64)
    score = np.where(exam, sat, life.score[who, which])
    return Marks(who, which, day, second, delay.astype(np.int64), score)


def results(block: Block, world: World) -> pa.Table:
    """One row for each piece of work handed in: it happened when handed in and is known when its mark is released."""
    marks = marks_of(block, world)
    return pa.table(
        {
            **_common(block, marks.who, marks.day, marks.second, marks.delay_us),
            "activity": pa.array([one.activity for one in assessments_of(block.run)]).take(pa.array(marks.which)),
            "attempt": np.ones(len(marks.who), dtype=np.int32),
            "score": marks.score,
            "transferred": np.zeros(len(marks.who), dtype=bool),
        }
    )


def outcomes(block: Block, world: World) -> pa.Table:
    """One row for each learner: withdrawn and known at once, or decided by the board after the run."""
    run, fate = block.run, block.fate
    *_, left_second, left_delay = office_hours(block, world)
    withdrawn = fate.left_day < run.days
    score = fate.final_score
    board_us = np.int64((BOARD_DAYS + 0.5) * DAY_S * 1_000_000)
    return pa.table(
        {
            **_common(
                block,
                np.arange(len(score)),
                np.where(withdrawn, fate.left_day, run.days),
                np.where(withdrawn, left_second, 0),
                np.where(withdrawn, left_delay, board_us),
            ),
            "label": label(block),
            "final_score": pa.array(score, mask=withdrawn),
        }
    )


def label(block: Block) -> "np.ndarray[tuple[int], np.dtype[np.str_]]":
    """How it ended for each learner: pass, distinction, fail or withdrawn."""
    score = block.fate.final_score
    passed = np.where(score >= DISTINCTION_MARK, "distinction", np.where(score >= PASS_MARK, "pass", "fail"))
    return np.where(block.fate.left_day < block.run.days, "withdrawn", passed)


Draft = Callable[[Block, World], pa.Table]

DRAFTS: Final[dict[str, Draft]] = {
    "enrolments": enrolments,
    "attributes": attributes,
    "statements": statements,
    "results": results,
    "outcomes": outcomes,
}
"""The learner-scoped kinds, in the order in which they are delivered."""


def local_dates(run: Run, days: Ints) -> pa.Array:
    """The local dates of days of a run; null for days that are not before its end."""
    return pa.array((_epoch_day(run) + days).astype(np.int32), mask=days >= run.days).cast(pa.date32())


def _common(block: Block, who: Ints, day: Ints, second: Ints, delay_us: Ints) -> dict[str, object]:
    return {
        "run": pa.array([block.run.id]).take(pa.array(np.zeros(len(who), dtype=np.int64))),
        "occurred_at": _clock(_epoch_day(block.run) + day, second),
        "delay_us": delay_us,
        "learner": pa.array(block.learner).take(pa.array(who)),
    }


def office_hours(block: Block, world: World) -> tuple[Ints, Ints, Ints, Ints]:
    """Second of the day and delay in microseconds of each learner's enrolment, and of their withdrawal."""
    rng, size = world.stream(block.run, block.number, RECORDS), len(block.learner)
    seconds = rng.integers(8 * 3600, 20 * 3600, (2, size))
    delays = (rng.exponential(180.0, (2, size)) * 1e6).astype(np.int64)
    return seconds[0], delays[0], seconds[1], delays[1]


def _epoch_day(run: Run) -> int:
    return (run.starts_on - _EPOCH).days


def _clock(epoch_day: Ints, second: Ints) -> pa.Array:
    micros = (epoch_day.astype(np.int64) * DAY_S + second) * 1_000_000
    return pa.array(micros).cast(pa.timestamp("us"))


def _dates(epoch_day: Ints) -> pa.Array:
    return pa.array(epoch_day.astype(np.int32)).cast(pa.date32())


def _known(values: Floats) -> pa.Array:
    return pa.array(values, mask=np.isnan(values))
