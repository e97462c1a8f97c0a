"""Learners before the course begins: what is latent in them, how they organise their weeks, and their pseudonyms.

Every learner is drawn twice from the same law: once as they are, once as a decoy that has nothing to do with them.
What they *show* is a blend of the two (`blend`), so that the `signal` knob changes how far behaviour tells the
outcome and never how behaviour looks.
"""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from headway.sources.simulation.plan import Bools, Floats, Ints

SEGMENTS: Final = ("steady", "lack_of_time", "skill_gap", "loss_of_motivation", "never_started")
SEGMENT_SHARES: Final = (0.56, 0.13, 0.12, 0.13, 0.06)
STEADY, LACK_OF_TIME, SKILL_GAP, LOSS_OF_MOTIVATION, NEVER_STARTED = range(5)

RHYTHMS: Final = ("weekday", "evening", "weekend")
RHYTHM_SHARES: Final = (0.50, 0.32, 0.18)

GENDERS: Final = ("F", "M", "X")
GENDER_SHARES: Final = (0.49, 0.49, 0.02)
AGE_BANDS: Final = ("18-24", "25-34", "35-54", "55+")
AGE_SHARES: Final = (0.42, 0.31, 0.22, 0.05)

USUAL_HOURS: Final = 8.0
DECOY_WEIGHT: Final = 0.75
LONGEST_LEAD: Final = 63  # days before the start at which enrolment opens
SHORTEST_RETURN: Final = 10  # learners who come back enrol at most so many days before the start


@dataclass(frozen=True, slots=True)
class Traits:
    """What is latent in learners, arrays of shape (learners,).

    Attributes:
        ability: standardised; 0 is a middling learner.
        motivation: at the start, standardised.
        slope: its change from the first week to the last, over and above week-to-week swings.
        time: standardised logarithm of the hours a week they have; see `hours`.
        segment: index into SEGMENTS, the planted main reason why a learner may not finish.
        talent: the part of ability that a learner takes into another run.
    """

    ability: Floats
    motivation: Floats
    slope: Floats
    time: Floats
    segment: Ints
    talent: Floats

    @property
    def hours(self) -> Floats:
        """Hours a week available for the course."""
        return np.asarray(USUAL_HOURS * np.exp(0.4 * self.time))

    @property
    def silent(self) -> Bools:
        """Who never starts."""
        return np.asarray(self.segment == NEVER_STARTED)


@dataclass(frozen=True, slots=True)
class People:
    """A block of learners of one run, before the course begins; arrays of shape (learners,).

    Attributes:
        person: the number behind the pseudonym, unique in the world.
        true: what decides their outcome.
        decoy: as `true`, drawn anew; what they show leans on it.
        shown_silent: who shows no activity at all.
        rhythm: index into RHYTHMS.
        gender: index into GENDERS.
        age: index into AGE_BANDS.
        registered_day: day of the run on which they enrolled, negative before the start.
        previous_attempts: earlier runs of the course taken.
        studied_credits: credits taken this term, this course's included.
    """

    person: Ints
    true: Traits
    decoy: Traits
    shown_silent: Bools
    rhythm: Ints
    gender: Ints
    age: Ints
    registered_day: Ints
    previous_attempts: Ints
    studied_credits: Ints

    def __len__(self) -> int:
        return len(self.person)


def share_of_truth(signal: float) -> float:
    """The correlation between what learners are and what they show: 0 at signal 0, 0.8 at 1, 0.94 at 2."""
    return float(signal / np.hypot(signal, DECOY_WEIGHT))


def blend(true: Floats, decoy: Floats, signal: float) -> Floats:
    """What is shown: as spread out as either part, correlated with the true one by `share_of_truth`."""
    share = share_of_truth(signal)
    return np.asarray(share * true + np.sqrt(1 - share**2) * decoy)


def draw_people(rng: np.random.Generator, person: Ints, talent: Floats, signal: float, contrast: float = 1.0) -> People:
    """Learners with these person numbers and talents; all else is drawn.

    How much chance is used up depends on the number of learners only, so that another talent for one leaves the
    others as they are.
    """
    size = len(person)
    true, decoy = draw_traits(rng, talent, contrast), draw_traits(rng, rng.normal(size=size), contrast)
    shown_silent = np.where(rng.random(size) < share_of_truth(signal), true.silent, decoy.silent)
    shown_time = blend(true.time, decoy.time, signal)
    eager = np.exp(0.25 * blend(true.motivation, decoy.motivation, signal))
    lead = np.minimum(rng.gamma(1.6, 14.0, size) * eager, LONGEST_LEAD - 1)
    late = rng.random(size) < 0.05
    return People(
        person=person,
        true=true,
        decoy=decoy,
        shown_silent=np.asarray(shown_silent),
        rhythm=rng.choice(len(RHYTHMS), size, p=RHYTHM_SHARES),
        gender=rng.choice(len(GENDERS), size, p=GENDER_SHARES),
        age=rng.choice(len(AGE_BANDS), size, p=AGE_SHARES),
        registered_day=np.where(late, rng.integers(0, 8, size), -1 - np.floor(lead).astype(np.int64)),
        previous_attempts=rng.poisson(0.06, size),
        studied_credits=30 + 30 * (rng.random((3, size)) < 1 / (1 + np.exp(1.1 + 0.5 * shown_time))).sum(axis=0),
    )


def draw_traits(rng: np.random.Generator, talent: Floats, contrast: float = 1.0) -> Traits:
    """The latent traits of learners with these talents; each segment moves the trait it is named for.

    With a contrast other than 1 segments lie that much further apart, and learners of one differ that much less.
    """
    spread = 1.0 / contrast
    size = len(talent)
    segment = rng.choice(len(SEGMENTS), size, p=SEGMENT_SHARES)
    fall = 1.0 + rng.gamma(2.0, 0.5, size)
    return Traits(
        ability=talent * spread - contrast * 1.3 * (segment == SKILL_GAP),
        motivation=rng.normal(0.0, 0.8, size) * spread - contrast * 1.5 * (segment == NEVER_STARTED),
        slope=rng.normal(0.0, 0.25, size) * spread - contrast * fall * (segment == LOSS_OF_MOTIVATION),
        time=rng.normal(0.0, 0.8, size) * spread - contrast * 1.6 * (segment == LACK_OF_TIME),
        segment=segment,
        talent=talent,
    )


def come_back(people: People, slots: Ints, earlier: People, chosen: Ints) -> People:
    """`people` in which those in `slots` are the `chosen` learners of an earlier run: same person, same fixed facts.

    Their talents must already be those of the earlier run; motivation, time and segment are of the new term.
    """
    gender, age, rhythm = people.gender.copy(), people.age.copy(), people.rhythm.copy()
    attempts, registered = people.previous_attempts.copy(), people.registered_day.copy()
    gender[slots], age[slots], rhythm[slots] = earlier.gender[chosen], earlier.age[chosen], earlier.rhythm[chosen]
    attempts[slots] = earlier.previous_attempts[chosen] + 1
    # They enrol again only when the earlier run is over.
    registered[slots] = np.maximum(registered[slots], -SHORTEST_RETURN)
    return replace(people, gender=gender, age=age, rhythm=rhythm, previous_attempts=attempts, registered_day=registered)


def pseudonyms(person: Ints, fingerprint: int) -> "np.ndarray[tuple[int], np.dtype[np.str_]]":
    """The learner ids `simulated/<8 hex>`: a one-to-one scrambling of 32-bit numbers, so no two people share one."""
    mixed = person.astype(np.uint32) ^ np.uint32(fingerprint)
    for shift, factor in ((16, 0x85EBCA6B), (13, 0xC2B2AE35)):
        mixed = (mixed ^ (mixed >> np.uint32(shift))) * np.uint32(factor)
    mixed ^= mixed >> np.uint32(16)
    digits = np.frombuffer(mixed.astype(">u4").tobytes().hex().encode(), dtype="S8").astype("U8")
    return np.char.add("simulated/", digits)
