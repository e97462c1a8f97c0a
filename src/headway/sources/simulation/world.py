"""The whole simulated world: its runs, its intercept, and any block of learners of any run, in any order.

A block of `BLOCK` learners is the unit of chance: each has its own seed, a child of the world's seed named by run and
block, so that the order in which blocks are made, and how many at a time, changes nothing; memory is bounded by the
blocks held at once.
"""

from collections.abc import Iterator
from dataclasses import dataclass, fields
from functools import lru_cache
from typing import Final

import numpy as np

from headway.sources.simulation.knobs import Knobs
from headway.sources.simulation.people import People, blend, come_back, draw_people, pseudonyms
from headway.sources.simulation.plan import Bools, Floats, Ints, Run, runs_of
from headway.sources.simulation.weeks import Dice, Fate, Life, decide, hazards, live, roll

BLOCK: Final = 1000
CALIBRATED_ON: Final = 24_000  # about so many learners, where there are more
RETURNING_SHARE: Final = 0.08
GROWTH: Final = 0.3  # what having seen the material adds to ability
PEOPLE, EVENTS, RECORDS, CONTACTS = range(4)
"""The streams of chance of a block, so that drawing more in one moves nothing in another."""


@dataclass(frozen=True, slots=True)
class Block:
    """Some learners of a run and all that happened to them.

    Attributes:
        run: the run.
        number: the block's place in the run.
        learner: pseudonyms.
        people: who they are.
        life: their weeks.
        fate: how it ended.
        contacted: who was contacted.
        if_not_contacted: how it would have ended for everyone without a contact.
        if_contacted: how it would have ended with one, the dice being the same.
    """

    run: Run
    number: int
    learner: "np.ndarray[tuple[int], np.dtype[np.str_]]"
    people: People
    life: Life
    fate: Fate
    contacted: Bools
    if_not_contacted: Fate
    if_contacted: Fate


@dataclass(frozen=True, slots=True)
class World:
    """A simulated world. Make it with `world_of`.

    Attributes:
        knobs: what it was made from.
        runs: all runs, course by course.
        intercept: log-odds that make the realised share of learners who do not finish the base rate.
    """

    knobs: Knobs
    runs: tuple[Run, ...]
    intercept: float

    @property
    def block_count(self) -> int:
        """Blocks in each run."""
        return -(-self.knobs.learners // BLOCK)

    def blocks(self, run: Run) -> Iterator[Block]:
        """The run's blocks, one at a time."""
        for number in range(self.block_count):
            yield self.block(run, number)

    def block(self, run: Run, number: int) -> Block:
        """One block; the same whenever it is asked for."""
        return _block(self, run, number)

    def stream(self, run: Run, number: int, purpose: int) -> np.random.Generator:
        """The generator of one stream of chance of a block, at its beginning."""
        return _stream(self.knobs, run, number, purpose)


def world_of(knobs: Knobs) -> World:
    """The world that these knobs describe, calibrated."""
    runs = tuple(runs_of(knobs))
    return World(knobs, runs, _calibrate(knobs, runs))


def _stream(knobs: Knobs, run: Run, number: int, purpose: int) -> np.random.Generator:
    return np.random.default_rng(np.random.SeedSequence(knobs.seed, spawn_key=(run.number, number, purpose)))


def _persons(knobs: Knobs, run: Run, number: int) -> Ints:
    first = number * BLOCK
    return np.arange(first, min(first + BLOCK, knobs.learners)) + run.number * knobs.learners


def _fresh(knobs: Knobs, run: Run, number: int) -> tuple[People, Life, Dice]:
    """A block as it would be if nobody came back from an earlier run."""
    rng = _stream(knobs, run, number, PEOPLE)
    person = _persons(knobs, run, number)
    people = draw_people(rng, person, rng.normal(size=len(person)), knobs.signal, knobs.contrast)
    return people, live(rng, run, people, knobs), roll(rng, len(person), run.weeks)


@lru_cache(maxsize=8)
def _block(world: World, run: Run, number: int) -> Block:
    knobs = world.knobs
    if run.first:
        people, life, dice = _fresh(knobs, run, number)
    else:
        rng = _stream(knobs, run, number, PEOPLE)
        person = _persons(knobs, run, number)
        talent = rng.normal(size=len(person))
        earlier, chosen = _returning(world, world.runs[run.number - 1], number)
        slots = np.arange(len(chosen))
        person[slots] = earlier.person[chosen]
        # Talent stays and has grown a little; at signal 0 nothing of the earlier run tells of this one.
        talent[slots] = blend(earlier.true.talent[chosen] + GROWTH, talent[slots], knobs.signal)
        people = come_back(draw_people(rng, person, talent, knobs.signal, knobs.contrast), slots, earlier, chosen)
        life, dice = live(rng, run, people, knobs), roll(rng, len(person), run.weeks)
    ends = _ends(world, run, number, life, dice)
    return Block(run, number, pseudonyms(people.person, knobs.fingerprint), people, life, *ends)


def _ends(world: World, run: Run, number: int, life: Life, dice: Dice) -> tuple[Fate, Bools, Fate, Fate]:
    """How it ends, who is contacted, and how it would end for all without and with a contact."""
    knobs = world.knobs
    left_alone = decide(run, life, dice, world.intercept)
    week = knobs.contact_week - 1
    relief = np.where(np.arange(run.weeks) >= week, knobs.contact_effect, 0.0)
    helped = decide(run, life, dice, world.intercept, relief) if knobs.contact_effect else left_alone
    lot = world.stream(run, number, CONTACTS).random(len(dice.luck))
    contacted = (lot < knobs.contact_share) & (left_alone.decided_day >= 7 * week)
    return _either(contacted, helped, left_alone), contacted, left_alone, helped


def _either(chosen: Bools, one: Fate, other: Fate) -> Fate:
    if not chosen.any():
        return other
    pairs = {field.name: (getattr(one, field.name), getattr(other, field.name)) for field in fields(Fate)}
    return Fate(**{n: np.where(chosen[:, None] if a.ndim == 2 else chosen, a, b) for n, (a, b) in pairs.items()})


def _returning(world: World, before: Run, number: int) -> tuple[People, Ints]:
    """The people of the same block one run before, and the numbers of those who come back: some who did not finish.

    Nobody comes back twice: the first places of a block are kept for those who return, and only others are chosen.
    """
    people, life, dice = _fresh(world.knobs, before, number)
    fate, *_ = _ends(world, before, number, life, dice)
    places = int(np.floor(RETURNING_SHARE * len(people)))
    eligible = np.flatnonzero(~fate.finished)
    return people, eligible[eligible >= places][:places]


def _calibrate(knobs: Knobs, runs: tuple[Run, ...]) -> float:
    """The intercept at which the base rate is met, by bisection: the share can only rise with it, as the dice stay."""
    sample: list[tuple[Run, Life, Dice]] = []
    stride = max(1, len(runs) * min(BLOCK, knobs.learners) // CALIBRATED_ON)
    for number in range(-(-knobs.learners // BLOCK)):
        sample += [(run, *_fresh(knobs, run, number)[1:]) for run in runs[::stride]]
        if sum(len(life.standing) for _, life, _ in sample) >= CALIBRATED_ON:
            break
    low, high = -15.0, 15.0
    for _ in range(30):
        middle = (low + high) / 2
        missing = np.concatenate([_unfinished(run, life, dice, middle) for run, life, dice in sample])
        low, high = (middle, high) if missing.mean() < knobs.base_rate else (low, middle)
    return (low + high) / 2


def _unfinished(run: Run, life: Life, dice: Dice, intercept: float) -> Floats:
    leaves = (dice.leaving < hazards(life.hazard_logit, run.hardness, intercept)).any(axis=1)
    fails = life.standing - run.hardness - intercept + dice.luck < 0
    return np.asarray(leaves | fails, dtype=np.float64)
