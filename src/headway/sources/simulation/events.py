"""What learners do: single events in time, from weekly effort, daily rhythm, due dates and holidays.

Counts are drawn per learner and day (a Poisson count with gamma-distributed rate, so a negative binomial one), then
unrolled to events all at once. An event lies on the local clock of the course; instants are made of it elsewhere.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from headway.sources.simulation.people import RHYTHMS, blend
from headway.sources.simulation.plan import (
    LEAD_DAYS,
    PER_WEEK,
    Bools,
    Floats,
    Ints,
    Run,
    assessments_of,
    day_factors,
)
from headway.sources.simulation.weeks import PASS_MARK
from headway.sources.simulation.world import EVENTS, Block, World

DAY_S: Final = 86_400
CLUMPING: Final = 0.55  # shape of the gamma law of days: most days quiet, few busy
WEEK_SPREAD: Final = 3.0
STOPPING: Final = 1.5  # at signal 1, activity after the decision to leave falls by this factor of e
WEEKDAY_WEIGHTS: Final = {
    "weekday": (1.25, 1.25, 1.2, 1.2, 0.9, 0.5, 0.7),
    "evening": (1.2, 1.2, 1.15, 1.1, 0.65, 0.7, 1.0),
    "weekend": (0.4, 0.4, 0.45, 0.5, 0.65, 2.3, 2.3),
}
START_HOURS: Final = {"weekday": (12.5, 2.6), "evening": (20.0, 1.5), "weekend": (14.0, 3.2)}  # mean and spread
WEEKS_BACK: Final = (0.62, 0.2, 0.1, 0.05, 0.03)  # shares of events on material of this week, the one before, ...
VERBS: Final = ("viewed", "played", "answered", "posted", "submitted")
VIEWED, PLAYED, ANSWERED, POSTED, SUBMITTED = range(5)
MEDIAN_S: Final = (150.0, 420.0, 240.0, 300.0, 0.0)  # median seconds spent, by verb


@dataclass(frozen=True, slots=True)
class Events:
    """Events of a block, ordered by learner and time; arrays of shape (events,).

    Attributes:
        who: place of the learner in the block.
        day: day of the run, negative before the start.
        second: second of the local day.
        thing: number of the activity: resources of the week plan first, then assessments.
        verb: index into VERBS.
        duration_s: NaN where nothing is measured.
        score: share of right answers in practice; NaN otherwise.
        progress: how much of a video was seen; NaN otherwise.
        delay_us: from happening to being recorded.
    """

    who: Ints
    day: Ints
    second: Ints
    thing: Ints
    verb: Ints
    duration_s: Floats
    score: Floats
    progress: Floats
    delay_us: Ints


def handed_in(block: Block, world: World) -> Bools:
    """Which assessments were really handed in, (learners, assessments): who had left or stopped mostly did not."""
    life, fate = block.life, block.fate
    rng = world.stream(block.run, block.number, EVENTS)
    stays = rng.random(life.handed_in.shape) < np.exp(-STOPPING * world.knobs.signal)
    day = np.floor(life.handed_in_day)
    there = (day < fate.left_day[:, None]) & ((day < fate.decided_day[:, None]) | stays)
    done = life.handed_in & there
    # Who passes in the end has sat the exam; of the others some stay away.
    sat = fate.finished | (rng.random(len(done)) < 0.55)
    done[:, -1] = sat & (fate.left_day >= block.run.days)
    return np.asarray(done)


def expected(block: Block, world: World, done: Bools) -> Floats:
    """Mean statements of every learner on every day from -LEAD_DAYS on, before chance; (learners, days)."""
    run, people, fate = block.run, block.people, block.fate
    days = np.arange(-LEAD_DAYS, run.days)
    week = np.clip(days // 7, 0, None)
    weights = np.array([WEEKDAY_WEIGHTS[name] for name in RHYTHMS]) / 7
    rate = run.course.pace * run.pace * np.exp(0.6 * block.life.shown[:, week]) * day_factors(run)
    rate *= weights[people.rhythm][:, days % 7]
    for place, one in enumerate(assessments_of(run)):
        ahead = one.due_day - days
        ramp = np.where((ahead >= 0) & (ahead <= 4), 1.4 * (5 - ahead) / 5, 0.0)
        rate *= 1 + ramp * done[:, place, None]
    slack = np.exp(-STOPPING * world.knobs.signal)
    rate *= np.where(days >= fate.decided_day[:, None], slack, 1.0)
    present = (days > people.registered_day[:, None]) & (days < fate.left_day[:, None])
    return np.asarray(rate * (present & ~people.shown_silent[:, None]))


def events_of(block: Block, world: World) -> Events:
    """All that the block's learners did and that arrived, hand-ins among it."""
    done = all_events(block, world)
    lost = is_lost(block.run, world, done.day)
    return picked(done, ~lost) if lost.any() else done


def is_lost(run: Run, world: World, day: Ints) -> Bools:
    """Whether the feed was dead on these days of the run."""
    feed = world.knobs.dead_feed
    if feed is None or feed.run != run.place:
        return np.zeros(len(day), dtype=bool)
    return np.asarray((day >= feed.first_day) & (day <= feed.last_day))


def all_events(block: Block, world: World) -> Events:
    """Everything the block's learners did, also what a dead feed lost."""
    done = handed_in(block, world)
    # The stream of `handed_in` again, moved on, so that its draws and these are not the same.
    rng = world.stream(block.run, block.number, EVENTS).spawn(1)[0]
    rate = expected(block, world, done)
    weeks = np.clip(np.arange(-LEAD_DAYS, block.run.days) // 7, 0, None)
    week_luck = rng.gamma(WEEK_SPREAD, 1 / WEEK_SPREAD, (len(rate), block.run.weeks))
    # Some weeks pass without any visit, the more of them the less effort shows.
    visits = rng.random(week_luck.shape) < 1 / (1 + np.exp(-2.4 - 1.1 * block.life.shown))
    day_luck = rng.gamma(CLUMPING, 1 / CLUMPING, rate.shape)
    counts = rng.poisson(rate * (week_luck * visits)[:, weeks] * day_luck)
    who, column = np.nonzero(counts)
    often = counts[who, column]
    start = _start_seconds(rng, block.people.rhythm[who])
    unroll = np.repeat(np.arange(len(who)), often)
    second = np.clip(start[unroll] + rng.random(len(unroll)) * 240.0 * often[unroll], 0, DAY_S - 1).astype(np.int64)
    return _ordered(_with_hand_ins(rng, block, world, done, who[unroll], column[unroll] - LEAD_DAYS, second))


def _start_seconds(rng: np.random.Generator, rhythm: Ints) -> Floats:
    hours = np.array([START_HOURS[name] for name in RHYTHMS])
    return np.asarray((hours[rhythm, 0] + hours[rhythm, 1] * rng.normal(size=len(rhythm))).clip(0.0, 23.9) * 3600)


def _with_hand_ins(
    rng: np.random.Generator, block: Block, world: World, done: Bools, who: Ints, day: Ints, second: Ints
) -> Events:
    thing, verb = _things(rng, block, day)
    by, which = np.nonzero(done)
    when = block.life.handed_in_day[by, which]
    whole = np.floor(when).astype(np.int64)
    who, day = np.concatenate([who, by]), np.concatenate([day, whole])
    second = np.concatenate([second, ((when - whole) * DAY_S).astype(np.int64)])
    thing = np.concatenate([thing, which + len(PER_WEEK) * block.run.weeks])
    verb = np.concatenate([verb, np.full(len(by), SUBMITTED)])
    size = len(who)
    duration = np.round(np.array(MEDIAN_S)[verb] * rng.lognormal(0.0, 0.8, size), 1)
    strength = blend(block.people.true.ability, block.people.decoy.ability, world.knobs.signal)[who]
    right = np.round(1 / (1 + np.exp(-0.7 - 0.7 * strength - rng.normal(0.0, 1.0, size))), 2)
    late = rng.random(size) < world.knobs.late_share
    delay_s = rng.exponential(120.0, size) + np.where(late, rng.uniform(1.0, 5.0, size) * DAY_S, 0.0)
    return Events(
        who=who,
        day=day,
        second=second,
        thing=thing,
        verb=verb,
        duration_s=np.where(verb == SUBMITTED, np.nan, duration),
        score=np.where(verb == ANSWERED, right, np.nan),
        progress=np.where(verb == PLAYED, np.round(rng.beta(1.6, 0.7, size), 2), np.nan),
        delay_us=(delay_s * 1e6).astype(np.int64),
    )


def _things(rng: np.random.Generator, block: Block, day: Ints) -> tuple[Ints, Ints]:
    """The activity and verb of each event: mostly this week's material, near a due date also the work that is due."""
    run, size = block.run, len(day)
    back = rng.choice(len(WEEKS_BACK), size, p=WEEKS_BACK)
    week = np.clip(day // 7 - back, 0, None)
    kind = rng.choice(4, size, p=run.course.mix)
    # Resource numbers within a week follow PER_WEEK: three pages, then video, quiz and forum.
    place = np.where(kind == 0, rng.integers(0, 3, size), kind + 2)
    thing = week * len(PER_WEEK) + place
    posts = rng.random(size) < 0.25
    verb = np.choose(kind, [VIEWED, PLAYED, ANSWERED, np.where(posts, POSTED, VIEWED)])
    due = np.array([one.due_day for one in assessments_of(run)])
    following = np.minimum(np.searchsorted(due, day), len(due) - 1)
    ahead = due[following] - day
    looks = (ahead >= 0) & (ahead < 7) & (rng.random(size) < 0.16)
    return np.where(looks, following + len(PER_WEEK) * run.weeks, thing), np.where(looks, VIEWED, verb)


def _ordered(events: Events) -> Events:
    # One number, and a stable sort, because events come nearly in order.
    longest = int(events.day.max(initial=0)) + LEAD_DAYS + 1
    order = np.argsort((events.who * longest + events.day + LEAD_DAYS) * DAY_S + events.second, kind="stable")
    return picked(events, order)


def picked(events: Events, which: Ints | Bools) -> Events:
    """The events at these places."""
    return Events(**{name: getattr(events, name)[which] for name in Events.__slots__})


def passed_practice(score: Floats) -> Bools:
    """Whether practice reached the pass mark."""
    return np.asarray(score >= PASS_MARK)
