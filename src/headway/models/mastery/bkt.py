"""Bayesian knowledge tracing: a skill is known or not, learned between answers, and answers may be guesses or slips.

Corbett and Anderson 1995 (Knowledge Tracing: Modeling the Acquisition of Procedural Knowledge, doi 10.1007/BF01099821):
with P(L) the chance that a skill is known, guess G, slip S and learn T,

    P(right)      = P(L) (1 - S) + (1 - P(L)) G
    P(L | right)  = P(L) (1 - S) / P(right),     P(L | wrong) = P(L) S / (1 - P(right))
    next P(L)     = P(L | answer) (1 - F) + (1 - P(L | answer)) T

F is 0 unless forgetting is asked for. Parameters of each skill are those of greatest likelihood, by EM (Baum and others
1970) from several fixed starts, sped up by SQUAREM (Varadhan and Roland 2008, doi 10.1111/j.1467-9469.2007.00585.x)
where that does not lower the likelihood. Guess and slip stay below bounds, without which "known" and "not known" can
change places (Baker, Corbett and Aleven 2008, doi 10.1007/978-3-540-69132-7_44).

An answer that needs several skills counts as an answer on each of them. It is said to be as likely right as on the
least known of them (Gong, Beck and Heffernan 2010, doi 10.1007/978-3-642-13388-6_8).
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Final

import numpy as np

from headway.models.mastery.chains import Chances, Sequences, Sums
from headway.models.mastery.responses import Responses
from headway.models.mastery.tracer import KNOWN, TRACERS
from headway.models.model import Floats, Json
from headway.models.state import array, decode, encode, numbers

PART: Final = "bkt.json"
NAMES: Final = ("prior", "learn", "forget", "guess", "slip")

STARTS: Final = (
    (0.3, 0.1, 0.02, 0.2, 0.1),
    (0.1, 0.3, 0.05, 0.3, 0.2),
    (0.6, 0.05, 0.05, 0.15, 0.05),
    (0.5, 0.2, 0.01, 0.4, 0.3),
    (0.2, 0.02, 0.1, 0.1, 0.25),
)
"""Where EM starts: the same for every skill and seed, so that nothing depends on chance."""

LEAST: Final = 1e-6
"""No parameter is nearer to 0 or 1 than this, so that no answer is impossible."""


@dataclass(frozen=True, slots=True)
class Parameters:
    """How to learn.

    Attributes:
        forgets: whether a skill that was known can be forgotten.
        most_guess: greatest chance of a right answer on a skill that is not known.
        most_slip: greatest chance of a wrong answer on a skill that is known.
        first_steps: steps of EM from each start; the best of each skill goes on.
        most_steps: most steps after that.
        tolerance: a skill is done when two steps change no parameter by more.
    """

    forgets: bool = False
    most_guess: float = 0.5
    most_slip: float = 0.5
    first_steps: int = 8
    most_steps: int = 900
    tolerance: float = 2e-6


def em_step(sequences: Sequences, chances: Chances, parameters: Parameters) -> tuple[Floats, Chances]:
    """The log-likelihood of each skill under `chances`, shape (skills,), and the parameters that EM goes to from there.

    The likelihood under these is never lower. What nothing tells of stays as it was.
    """
    sums = sequences.expected(chances)
    return sums.loglik, _maximised(sums, chances, parameters)


def _maximised(sums: Sums, before: Chances, parameters: Parameters) -> Chances:
    def share(part: Floats, whole: Floats, old: Floats, most: float = 1.0) -> Floats:
        found = np.where(whole > LEAST, part / np.maximum(whole, LEAST), old)
        # What is greatest within bounds is the nearest of them: the expected log-likelihood has one peak.
        return np.clip(found, LEAST, min(most, 1 - LEAST))

    forget = np.zeros_like(before.forget)
    if parameters.forgets:
        forget = share(sums.forgotten, sums.known_before, before.forget)
    return Chances(
        share(sums.known_first, sums.starts, before.prior),
        share(sums.learned, sums.unknown_before, before.learn),
        forget,
        share(sums.guessed, sums.unknown, before.guess, parameters.most_guess),
        share(sums.slipped, sums.known, before.slip, parameters.most_slip),
    )


def fit_chances(sequences: Sequences, parameters: Parameters) -> tuple[Chances, Floats, int]:
    """Parameters of each skill, their log-likelihoods, and how many steps of EM it took."""
    best, likely, steps = np.empty((5, sequences.skills)), np.full(sequences.skills, -np.inf), 0
    for start in STARTS:
        begun = np.repeat(np.array(start)[:, None], sequences.skills, axis=1)
        begun[2] *= parameters.forgets
        begun[3], begun[4] = np.minimum(begun[3], parameters.most_guess), np.minimum(begun[4], parameters.most_slip)
        chances = Chances.unstacked(begun)
        for _ in range(parameters.first_steps):
            loglik, chances = em_step(sequences, chances, parameters)
            steps += 1
        better = loglik > likely
        best[:, better], likely = chances.stacked()[:, better], np.maximum(likely, loglik)
    polished, likely, more = _polished(sequences, Chances.unstacked(best), parameters)
    return polished, likely, steps + more


def _polished(sequences: Sequences, chances: Chances, parameters: Parameters) -> tuple[Chances, Floats, int]:
    """EM by leaps to where it stands still; skills that do so are left out of later steps."""
    now = chances.stacked()
    likely = np.zeros(sequences.skills)
    todo = np.bincount(sequences.skill, minlength=sequences.skills) > 0
    running, steps = sequences, 0
    while todo.any() and steps < parameters.most_steps:
        loglik, one = em_step(running, Chances.unstacked(now), parameters)
        halfway, two = em_step(running, one, parameters)
        leap = _leap(now, one.stacked(), two.stacked(), parameters)
        leaped, _ = em_step(running, Chances.unstacked(leap), parameters)
        steps += 3
        better = leaped >= halfway
        after = np.where(better, leap, two.stacked())
        still = np.abs(two.stacked() - now).max(axis=0) < parameters.tolerance
        now = np.where(todo, after, now)
        likely = np.where(todo, np.maximum(np.where(better, leaped, halfway), loglik), likely)
        todo &= ~still
        if todo[running.skill].mean() < 0.7:
            running = running.of_skills(todo)
    return Chances.unstacked(now), likely, steps


def _leap(now: Floats, one: Floats, two: Floats, parameters: Parameters) -> Floats:
    """Where two steps of EM point to, within bounds; in log-odds, so that it cannot leave them."""
    most = np.array([1, 1, 1, parameters.most_guess, parameters.most_slip])[:, None] - LEAST

    def odds(share: Floats) -> Floats:
        inside = np.clip(share, LEAST, 1 - LEAST)
        return np.asarray(np.log(inside / (1 - inside)), dtype=np.float64)

    first = odds(one) - odds(now)
    bend = odds(two) - odds(one) - first
    length = np.sqrt((first**2).sum(axis=0) / np.maximum((bend**2).sum(axis=0), 1e-300))
    length = np.clip(length, 1.0, 64.0)
    reached = np.clip(odds(now) + 2 * length * first + length**2 * bend, -25, 25)
    found = np.clip(1 / (1 + np.exp(-reached)), LEAST, most)
    found[2] *= parameters.forgets
    return np.asarray(found, dtype=np.float64)


@dataclass(frozen=True, slots=True)
class FittedBkt:
    """Parameters of each skill; skills that were never seen have those of the mean skill.

    Attributes:
        skills: names.
        chances: shape (skills,) each.
        answers: shape (skills,): how many answers each was learned from.
        loglik: shape (skills,).
        steps: steps of EM.
        parameters: how they were learned.
    """

    skills: tuple[str, ...]
    chances: Chances
    answers: Floats
    loglik: Floats
    steps: int
    parameters: Parameters

    def predict(self, responses: Responses) -> Floats:
        """See `tracer.Fitted.predict`."""
        said, _ = self._followed(responses)
        first = np.searchsorted(responses.entry, np.arange(len(responses)))
        return np.asarray(np.minimum.reduceat(said, first), dtype=np.float64) if len(responses) else np.empty(0)

    def mastery(self, responses: Responses) -> Floats:
        """The chance that the skill is known; see `tracer.Fitted.mastery`."""
        return self._followed(responses)[1]

    def _followed(self, responses: Responses) -> tuple[Floats, Floats]:
        own = responses.places(self.skills, responses.skills)[responses.skill]
        right = responses.correct[responses.entry]
        sequences = Sequences.of(responses.learner_skill(), own, right, len(self.skills) + 1)
        mean = np.average(self.chances.stacked(), axis=1, weights=self.answers)
        said, after = sequences.filtered(Chances.unstacked(np.column_stack([self.chances.stacked(), mean])))
        return said[sequences.place], after[sequences.place]

    def facts(self) -> dict[str, Json]:
        """The parameters of each skill, and how they were found."""
        rows = self.chances.stacked().T
        told: dict[str, Json] = {}
        for skill, row, n, loglik in zip(self.skills, rows, self.answers, self.loglik, strict=True):
            values: dict[str, Json] = {name: round(float(value), 6) for name, value in zip(NAMES, row, strict=True)}
            told[skill] = values | {"answers": int(n), "log_likelihood": round(float(loglik), 4)}
        return {"skills": told, "steps": self.steps, "log_likelihood": float(self.loglik.sum())}

    def state(self) -> dict[str, bytes]:
        """See `tracer.Fitted.state`."""
        held: dict[str, Json] = {name: numbers(getattr(self.chances, name)) for name in NAMES}
        held |= {"skills": list(self.skills), "answers": numbers(self.answers), "loglik": numbers(self.loglik)}
        return {PART: encode(held | {"steps": self.steps, "parameters": asdict(self.parameters)})}


@dataclass(frozen=True, slots=True)
class Bkt:
    """Bayesian knowledge tracing."""

    name: str = "bkt"
    summary: str = "Bayesian knowledge tracing: known or not, learned between answers, with guesses and slips."
    mastery_is: str = KNOWN
    parameters: Parameters = Parameters()

    def fit(self, responses: Responses, seed: int) -> FittedBkt:
        """See `tracer.Tracer.fit`; nothing is left to chance, so the seed changes nothing."""
        del seed
        responses.check_both()
        right = responses.correct[responses.entry]
        skills = len(responses.skills)
        sequences = Sequences.of(responses.learner_skill(), responses.skill, right, skills, joined=True)
        chances, loglik, steps = fit_chances(sequences, self.parameters)
        answers = np.bincount(responses.skill, minlength=skills)
        seen = answers > 0
        names = tuple(name for name, there in zip(responses.skills, seen, strict=True) if there)
        return FittedBkt(
            names,
            chances.of(np.flatnonzero(seen)),
            answers[seen].astype(np.float64),
            loglik[seen],
            steps,
            self.parameters,
        )

    def restore(self, state: Mapping[str, bytes]) -> FittedBkt:
        """See `tracer.Tracer.restore`."""
        held = decode(state, PART)
        chances = Chances(*(array(held[name]) for name in NAMES))
        parameters = Parameters(**held["parameters"])
        loglik, answers = array(held["loglik"]), array(held["answers"])
        return FittedBkt(tuple(held["skills"]), chances, answers, loglik, int(held["steps"]), parameters)


TRACERS.add("bkt", Bkt())
TRACERS.add(
    "bkt-forgets",
    Bkt("bkt-forgets", "The same, where what was known can be forgotten.", parameters=Parameters(forgets=True)),
)
