"""The course as learners live it, week by week: motivation, effort, hand-ins, marks, and the chance of leaving.

`live` plays every learner through the whole run as though nobody left, and so yields the true hazard of every week;
`decide` then lets chance and the hazards say who leaves, when, and who passes. The world's intercept enters `decide`
alone.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from headway.sources.simulation.knobs import Knobs
from headway.sources.simulation.people import GENDERS, NEVER_STARTED, People, Traits, blend
from headway.sources.simulation.plan import Assessment, Bools, Floats, Ints, Run, assessments_of

USUAL_HAZARD: Final = -4.1  # log-odds of leaving in one week of twelve, for a middling learner
PASS_MARK: Final = 0.4
DISTINCTION_MARK: Final = 0.8
FINAL_SLOPE: Final = 0.6  # log-odds of the final score per unit of final standing
LUCK: Final = 0.55  # scale of the logistic chance in the final standing
COMMITMENT: Final = 1.4  # by how much the log-odds of leaving fall from the first week to the last, all else equal
PERSISTENCE: Final = 0.7  # of a week's swing in motivation, kept in the next
SWING: Final = 0.4
MARK_KNOWN_WEEKS: Final = 2  # a mark acts on its learner from the second week after the due week
MOST_LATE_DAYS: Final = 5.0


@dataclass(frozen=True, slots=True)
class Life:
    """What happened, or would have had the learner stayed. Shapes (learners, weeks) or (learners, assessments).

    Attributes:
        motivation: true, by week.
        shown: what effort shows in behaviour, standardised, by week.
        hazard_logit: log-odds of deciding to leave in a week, but for the world's intercept.
        standing: final standing before chance and intercept, shape (learners,).
        handed_in: whether the work was done.
        handed_in_day: day of the run, with its fraction, on which it was handed in.
        score: its mark, 0 to 1.
    """

    motivation: Floats
    shown: Floats
    hazard_logit: Floats
    standing: Floats
    handed_in: Bools
    handed_in_day: Floats
    score: Floats


@dataclass(frozen=True, slots=True)
class Fate:
    """How it ended; arrays of shape (learners,) but for `hazard`.

    Attributes:
        hazard: true chance of deciding to leave in each week, given that one is still there; (learners, weeks).
        decided_day: day on which a learner stopped; the run's length for who never did.
        left_day: day on which they withdrew, some days after they decided; the run's length for who did not.
        final_score: 0 to 1.
        finished: whether they stayed and passed.
        finish_probability: the chance of that, given all that is latent, before the dice fell.
    """

    hazard: Floats
    decided_day: Ints
    left_day: Ints
    final_score: Floats
    finished: Bools
    finish_probability: Floats


@dataclass(frozen=True, slots=True)
class Dice:
    """The chance that `decide` uses, drawn once so that only the intercept moves when it is calibrated."""

    leaving: Floats  # (learners, weeks), uniform
    weekday: Ints  # 0-6
    hesitation: Ints  # days between deciding and withdrawing
    luck: Floats  # logistic


def live(rng: np.random.Generator, run: Run, people: People, knobs: Knobs) -> Life:
    """The lives of `people` in this run."""
    size, weeks, signal = len(people), run.weeks, knobs.signal
    work = assessments_of(run)
    strength = blend(people.true.ability, people.decoy.ability, signal)
    swings, decoy_motivation = rng.normal(0.0, SWING, (weeks, size)), _motivation(rng, people.decoy, weeks)
    decoy_effort = _effort(rng, decoy_motivation, people.decoy)
    busy = rng.normal(0.0, 0.35, (weeks, size))
    motivation, shown, logit = np.empty((3, weeks, size))
    handed_in = np.zeros((len(work), size), dtype=bool)
    day, score = np.empty((2, len(work), size))
    state = np.zeros(size)
    for week in range(weeks):
        state = PERSISTENCE * state + swings[week] + min(signal, 1.0) * _encouragement(work, week, handed_in, score)
        motivation[week] = people.true.motivation + people.true.slope * week / max(weeks - 1, 1) + state
        effort = 0.75 * motivation[week] + 0.5 * people.true.time + busy[week]
        shown[week] = blend(effort, decoy_effort[week], signal)
        for place, one in enumerate(work):
            if one.week == week:
                handed_in[place], day[place] = _hand_in(rng, one, shown[week], people)
                score[place] = _mark(rng, run, day[place] - one.due_day, shown[week], strength)
        trouble = signal * _trouble(work, week, handed_in, score)
        course = 0.6 * np.exp(-week / 1.5) - COMMITMENT * week / max(weeks - 1, 1)
        logit[week] = course - 0.9 * motivation[week] - 0.5 * np.minimum(people.true.time, 0.5) + trouble
    logit += 1.0 * people.true.silent + knobs.bias * (people.gender == GENDERS.index("F"))
    missed = 1.0 - handed_in[:-1].mean(axis=0)
    standing = 0.7 + 0.8 * people.true.ability + 0.55 * (motivation.mean(axis=0) * 0.75 + 0.5 * people.true.time)
    standing -= signal * 1.6 * missed + 1.5 * (people.true.segment == NEVER_STARTED)
    return Life(motivation.T, shown.T, logit.T, standing, handed_in.T, day.T, score.T)


def _motivation(rng: np.random.Generator, traits: Traits, weeks: int) -> Floats:
    swings = rng.normal(0.0, SWING, (weeks, len(traits.motivation)))
    for week in range(1, weeks):
        swings[week] += PERSISTENCE * swings[week - 1]
    drift = np.arange(weeks)[:, None] / max(weeks - 1, 1)
    return np.asarray(traits.motivation + traits.slope * drift + swings)


def _effort(rng: np.random.Generator, motivation: Floats, traits: Traits) -> Floats:
    return np.asarray(0.75 * motivation + 0.5 * traits.time + rng.normal(0.0, 0.35, motivation.shape))


def _encouragement(work: list[Assessment], week: int, handed_in: Bools, score: Floats) -> Floats:
    """What marks that came back this week do to motivation."""
    total = np.zeros(handed_in.shape[1])
    for place, one in enumerate(work):
        if one.week + MARK_KNOWN_WEEKS == week:
            total += np.where(handed_in[place], 0.25 * np.clip((score[place] - 0.6) / 0.2, -1.5, 1.0), 0.0)
    return total


def _trouble(work: list[Assessment], week: int, handed_in: Bools, score: Floats) -> Floats:
    """What missed work and low marks of the weeks before add to the log-odds of leaving."""
    total = np.zeros(handed_in.shape[1])
    for place, one in enumerate(work):
        if one.week < week:
            total += ~handed_in[place] * 1.1 * 0.75 ** (week - one.week - 1)
        if one.week + MARK_KNOWN_WEEKS <= week:
            total += (
                (handed_in[place] & (score[place] < PASS_MARK)) * 0.7 * 0.75 ** (week - one.week - MARK_KNOWN_WEEKS)
            )
    return total


def _hand_in(rng: np.random.Generator, one: Assessment, shown: Floats, people: People) -> tuple[Bools, Floats]:
    """Whether and when the work is handed in: mostly in the last days, some late, never by who never starts."""
    size = len(shown)
    done = (rng.random(size) < _logistic(2.3 + 1.3 * shown)) & ~people.shown_silent
    if one.type == "exam":
        return done, one.due_day + rng.uniform(0.4, 0.7, size)
    ahead = np.minimum(rng.gamma(1.1, 1.3, size) * np.exp(0.2 * shown), 10.0)
    late = (rng.random(size) < _logistic(-2.4 - 0.6 * shown)) & (one.type == "assignment")
    after = rng.uniform(0.1, MOST_LATE_DAYS, size)
    # The due day counts to its end; nobody hands in before the start or before having enrolled.
    opened = np.maximum(people.registered_day + 1.5, 0.5)
    day = np.where(late, one.due_day + 1 + after, np.maximum(one.due_day + 0.99 - ahead, opened))
    return done & (day < one.due_day + 1 + MOST_LATE_DAYS), day


def _mark(rng: np.random.Generator, run: Run, late_days: Floats, shown: Floats, strength: Floats) -> Floats:
    logit = 0.8 + 0.75 * strength + 0.45 * shown - 0.5 * run.hardness + rng.normal(0.0, 0.6, len(shown))
    penalty = np.where(late_days >= 1, 0.05, 0.0)
    return np.asarray(np.round(np.clip(_logistic(logit) - penalty, 0.0, 1.0), 2))


def roll(rng: np.random.Generator, size: int, weeks: int) -> Dice:
    """Dice for so many learners."""
    return Dice(
        leaving=rng.random((size, weeks)),
        weekday=rng.integers(0, 7, size),
        hesitation=np.minimum(rng.geometric(1 / 7, size), 21),
        luck=rng.logistic(0.0, LUCK, size),
    )


def hazards(hazard_logit: Floats, hardness: float, intercept: float) -> Floats:
    """True weekly hazards; a run of fewer weeks has the more leaving in each."""
    per_week = np.log(12 / hazard_logit.shape[1])
    return _logistic(USUAL_HAZARD + per_week + hazard_logit + hardness + intercept)


def decide(run: Run, life: Life, dice: Dice, intercept: float, relief: Floats | None = None) -> Fate:
    """How it ends for everyone, given the world's intercept and by how much each week's log-odds of leaving are less.

    `relief` has shape (weeks,), and is nothing where left out.
    """
    logit = life.hazard_logit if relief is None else life.hazard_logit - relief
    hazard = hazards(logit, run.pressure, intercept)
    leaves = dice.leaving < hazard
    ever = leaves.any(axis=1)
    decided = np.where(ever, 7 * leaves.argmax(axis=1) + dice.weekday, run.days)
    left = np.where(ever, np.minimum(decided + dice.hesitation, run.days - 1), run.days)
    decided = np.minimum(decided, left)
    standing = life.standing - run.pressure - intercept
    passes = standing + dice.luck >= 0
    # The mark is 0.4 exactly where the standing is 0.
    final = _logistic(np.log(PASS_MARK / (1 - PASS_MARK)) + FINAL_SLOPE * (standing + dice.luck))
    chance = np.prod(1 - hazard, axis=1) * _logistic(standing / LUCK)
    return Fate(
        hazard,
        decided,
        left,
        np.where(passes, np.ceil(final * 1000), np.floor(final * 1000)) / 1000,
        ~ever & passes,
        chance,
    )


def _logistic(value: Floats) -> Floats:
    return np.asarray(1 / (1 + np.exp(-value)))
