"""What learners do, in the grain of log files: the simulator's events unrolled into the lines that a platform writes.

One viewing of a video becomes play, seek and pause; a forum event becomes a thread, a reply to a thread that is there,
or a look at one; a hand-in becomes a submission and, when it is released, a mark. All file formats write the same acts.
An act stays on the local day of the event it comes from, so that active days are those of the simulated records.
"""

from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from enum import IntEnum
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np

from headway.sources.simulation.drafts import Marks, marks_of, office_hours
from headway.sources.simulation.events import ANSWERED, DAY_S, PLAYED, POSTED, SUBMITTED, VIEWED, Events
from headway.sources.simulation.plan import ANNOUNCED_DAYS, PER_WEEK, Bools, Floats, Ints, Run, assessments_of
from headway.sources.simulation.world import Block, World

DAYS_AFTER: Final = 60  # marks and final results are out by then
RIGHT_FROM: Final = (0.4, 0.6, 0.85)  # practice with this score has one, two, three right items of three
SEEN_WHOLE: Final = 0.95
_US: Final = 1_000_000
_BLOCK_SHIFT: Final = 28  # serial numbers: the block, then the event within it
OPENING: Final = 1 << 47
"""The serial number of the thread with which staff open a week's forum is this and the forum's number."""


class Act(IntEnum):
    """What a line tells."""

    ENROLLED = 0
    WITHDREW = 1
    VIEWED = 2
    WENT_ON = 3  # to the page, from the one before
    READ = 4  # a thread
    OPENED = 5  # a thread
    REPLIED = 6
    PLAYED = 7
    SEEKED = 8
    PAUSED = 9
    SAW_WHOLE = 10
    NONE_RIGHT = 11  # of three items
    ONE_RIGHT = 12
    TWO_RIGHT = 13
    ALL_RIGHT = 14
    SUBMITTED = 15
    MARKED = 16


@dataclass(frozen=True, slots=True)
class Acts:
    """Acts in order of time; arrays of shape (acts,), NaN where a number means nothing.

    Attributes:
        act: an `Act`.
        thing: number of the activity, as in `Events`; 0 for acts about the whole run.
        who: place of the learner in the block.
        at_us: when it happened, microseconds since 1970 UTC.
        known_us: when the platform recorded it.
        position: seconds into a recording; of a seek, where it went to.
        origin: of a seek, where it came from.
        seconds: time spent.
        score: 0 to 1.
        progress: how much of a recording was seen.
        attempt: number of the try at this practice.
        own: serial number of the event, unique within the run.
        other: serial number of the thread that it is about; -1 where there is none.
    """

    act: Ints
    thing: Ints
    who: Ints
    at_us: Ints
    known_us: Ints
    position: Floats
    origin: Floats
    seconds: Floats
    score: Floats
    progress: Floats
    attempt: Ints
    own: Ints
    other: Ints

    def __len__(self) -> int:
        return len(self.act)

    def picked(self, which: "Ints | slice") -> "Acts":
        """The acts at these places."""
        return Acts(*(getattr(self, field.name)[which] for field in fields(self)))


@lru_cache(maxsize=4)
def _offsets_us(run: Run) -> Ints:
    """How far local clocks are ahead of UTC, for each hour of the run, announcement and final results included."""
    zone = ZoneInfo(run.zone)
    midnight = datetime.combine(run.starts_on, datetime.min.time()) - timedelta(days=ANNOUNCED_DAYS + 1)
    hours = 24 * (ANNOUNCED_DAYS + 1 + run.days + DAYS_AFTER)
    ahead = [(midnight + timedelta(hours=hour)).replace(tzinfo=zone).utcoffset() for hour in range(hours)]
    return np.array([int((one or timedelta()).total_seconds()) * _US for one in ahead])


def utc_us(run: Run, local_us: Ints) -> Ints:
    """Instants in microseconds since 1970 UTC, of microseconds on the run's local clock since its first midnight."""
    hour = local_us // (3600 * _US) + 24 * (ANNOUNCED_DAYS + 1)
    epoch = datetime.combine(run.starts_on, datetime.min.time(), UTC).timestamp()
    return np.asarray(local_us + int(epoch) * _US - _offsets_us(run)[hour])


def length_s(thing: int) -> int:
    """The length of a video."""
    return 240 + 30 * (thing * 7 % 17)


def acts_of(block: Block, world: World, events: Events) -> Acts:
    """All acts of a block's learners, in order of time, of which `events` are those that left a trace and arrived."""
    marks = marks_of(block, world)
    parts = [*_plain(block, events, marks), *_viewings(block, events), *_registry(block, world), _marked(block, marks)]
    joined = Acts(*(np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(Acts)))
    return joined.picked(np.lexsort((joined.act, joined.own, joined.at_us)))


def _made(
    block: Block, act: "Act | Ints", who: Ints, local_us: Ints, delay_us: Ints, own: Ints, **more: "Floats | Ints"
) -> Acts:
    size, at = len(who), utc_us(block.run, local_us)
    blank = np.full(size, np.nan)
    return Acts(
        act=np.asarray(np.broadcast_to(act, size)),
        thing=np.asarray(more.get("thing", np.zeros(size, dtype=np.int64))),
        who=who,
        at_us=at,
        known_us=at + delay_us,
        **{name: more.get(name, blank) for name in ("position", "origin", "seconds", "score", "progress")},
        attempt=np.asarray(more.get("attempt", np.ones(size, dtype=np.int64))),
        own=own + (block.number << _BLOCK_SHIFT),
        other=np.asarray(more.get("other", np.full(size, -1))),
    )


def _local_us(events: Events) -> Ints:
    # Learners click within the second; events of one second differ.
    micro = 1 + np.arange(len(events.who)) * 7919 % 999_983
    return (events.day * DAY_S + events.second) * _US + micro


def _plain(block: Block, events: Events, marks: Marks) -> list[Acts]:
    """Every event but viewings of videos, as one act each."""
    run, verb, own = block.run, events.verb, np.arange(len(events.who))
    kinds = np.array([*PER_WEEK * run.weeks, *(one.type for one in assessments_of(run))])
    forum, page = kinds[events.thing] == "forum", kinds[events.thing] == "page"
    threads, other = _threads(block, events, forum)
    act = Act.NONE_RIGHT + np.searchsorted(RIGHT_FROM, np.nan_to_num(events.score), side="right")
    act[verb == SUBMITTED], act[verb == VIEWED] = Act.SUBMITTED, Act.VIEWED
    act[page & (own % 4 == 0)] = Act.WENT_ON
    act[forum], act[verb == POSTED], act[threads] = Act.READ, Act.REPLIED, Act.OPENED
    handed = np.full((len(block.learner), len(kinds)), np.nan)
    handed[marks.who, marks.which + len(PER_WEEK) * run.weeks] = marks.score
    score = np.where(verb == SUBMITTED, handed[events.who, events.thing], events.score)
    made = _made(
        block,
        act,
        events.who,
        _local_us(events),
        events.delay_us,
        own,
        thing=events.thing,
        seconds=events.duration_s,
        score=score,
        attempt=_attempts(events),
        other=other,
    )
    return [made.picked(np.flatnonzero(verb != PLAYED))]


def _attempts(events: Events) -> Ints:
    """The how-manieth try of its learner each answer is; 1 for all other events."""
    attempt = np.ones(len(events.who), dtype=np.int64)
    answers = np.flatnonzero(events.verb == ANSWERED)
    key = events.who[answers] * (int(events.thing.max(initial=0)) + 1) + events.thing[answers]
    order = np.argsort(key, kind="stable")
    _, first, count = np.unique(key[order], return_index=True, return_counts=True)
    attempt[answers[order]] += np.arange(len(order)) - np.repeat(first, count)
    return attempt


def _threads(block: Block, events: Events, forum: Bools) -> tuple[Bools, Ints]:
    """Which events open a thread, and the thread that each other forum event is about: a recent one of the block."""
    own = np.arange(len(events.who))
    opens = (events.verb == POSTED) & (own * 2_654_435_761 % 10 < 3)
    when = _local_us(events)
    opened = np.flatnonzero(opens)
    opened = opened[np.argsort(when[opened], kind="stable")]
    before = np.searchsorted(when[opened], when, side="left") - 1 - own * 40_503 % 8
    known = np.concatenate([opened, [0]])[np.maximum(before, -1)] + (block.number << _BLOCK_SHIFT)
    return opens, np.where(forum & ~opens, np.where(before >= 0, known, OPENING + events.thing), -1)


def _viewings(block: Block, events: Events) -> list[Acts]:
    """Play, for one viewing in three a seek, and a pause, or the end for who saw it all."""
    chosen = np.flatnonzero(events.verb == PLAYED)
    who, thing, progress = events.who[chosen], events.thing[chosen], events.progress[chosen]
    start, delay = _local_us(events)[chosen], events.delay_us[chosen]
    length = np.array([length_s(number) for number in range(int(thing.max(initial=0)) + 1)])[thing]
    whole = progress >= SEEN_WHOLE
    seen = np.where(whole, length, np.round(progress * length, 1))
    midnight = (events.day[chosen] + 1) * DAY_S * _US
    # What goes on after midnight is counted to the day on which it began.
    end = np.minimum(start + (np.maximum(events.duration_s[chosen], 3.0) * _US).astype(np.int64), midnight - 1)
    played = _made(
        block,
        Act.PLAYED,
        who,
        start,
        delay,
        chosen,
        thing=thing,
        position=np.zeros(len(who)),
        seconds=events.duration_s[chosen],
        progress=progress,
    )
    stops = np.where(whole, Act.SAW_WHOLE, Act.PAUSED)
    paused = _made(block, stops, who, end, delay, chosen, thing=thing, position=seen, progress=progress)
    some = np.flatnonzero(chosen % 3 == 0)
    ahead = chosen[some] % 2 == 0
    near, far = np.round(0.3 * seen[some], 1), np.round(0.5 * seen[some], 1)
    seeked = _made(
        block,
        Act.SEEKED,
        who[some],
        start[some] + (end - start)[some] * 2 // 5,
        delay[some],
        chosen[some],
        thing=thing[some],
        origin=np.where(ahead, near, far),
        position=np.where(ahead, far, near),
    )
    return [played, paused, seeked]


def _registry(block: Block, world: World) -> list[Acts]:
    """Enrolments and withdrawals."""
    second, delay, left_second, left_delay = office_hours(block, world)
    people = np.arange(len(block.learner))
    left = np.flatnonzero(block.fate.left_day < block.run.days)
    enrolled = (block.people.registered_day * DAY_S + second) * _US
    gone = (block.fate.left_day * DAY_S + left_second)[left] * _US
    return [
        _made(block, Act.ENROLLED, people, enrolled, delay, people),
        _made(block, Act.WITHDREW, left, gone, left_delay[left], left),
    ]


def _marked(block: Block, marks: Marks) -> Acts:
    """Marks, at the moment of their release."""
    released = (marks.day * DAY_S + marks.second) * _US + marks.delay_us
    thing = marks.which + len(PER_WEEK) * block.run.weeks
    own = np.arange(len(marks.who))
    return _made(block, Act.MARKED, marks.who, released, 0 * own, own, thing=thing, score=marks.score)
