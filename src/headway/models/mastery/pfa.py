"""Performance factors analysis: a skill's ease, and what earlier right and wrong answers on it add.

Pavlik, Cen and Koedinger 2009 (Performance Factors Analysis - A New Alternative to Knowledge Tracing, ERIC ED506305):
for the skills j of an item, with s_ij right and f_ij wrong answers of learner i before,

    log-odds = sum over j of (beta_j + gamma_j s_ij + rho_j f_ij)

An answer that needs several skills counts for each. A skill that was never seen adds what skills add on the mean.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from headway.models.mastery.lines import fitted_line, one_hot
from headway.models.mastery.responses import Past, Responses
from headway.models.mastery.tracer import NEXT_RIGHT, TRACERS
from headway.models.model import Floats, Json
from headway.models.state import array, decode, encode, numbers
from headway.models.training import sigmoid

PART: Final = "pfa.json"
PENALTY: Final = 1.0
"""Inverse variance of the prior of weights; of counts, per the spread of that count."""


@dataclass(frozen=True, slots=True)
class FittedPfa:
    """Weights of each skill.

    Attributes:
        skills: names.
        lines: shape (3, skills): ease, what a right answer adds, what a wrong answer adds; in log-odds.
        base: log-odds that belong to no skill.
        answers: shape (skills,): how many answers each was learned from.
    """

    skills: tuple[str, ...]
    lines: Floats
    base: float
    answers: Floats

    def predict(self, responses: Responses) -> Floats:
        """See `tracer.Fitted.predict`."""
        told = self._entries(responses, own=False)
        odds = np.bincount(responses.entry, told, len(responses)) + self.base
        return sigmoid(odds.astype(np.float64))

    def mastery(self, responses: Responses) -> Floats:
        """The chance that the next answer on this skill alone is right; see `tracer.Fitted.mastery`."""
        return sigmoid(self._entries(responses, own=True) + self.base)

    def _entries(self, responses: Responses, own: bool) -> Floats:
        mean = np.average(self.lines, axis=1, weights=self.answers)
        place = responses.places(self.skills, responses.skills)[responses.skill]
        ease, right, wrong = np.column_stack([self.lines, mean])[:, place]
        won, lost = _counts(responses, own)
        return np.asarray(ease + right * won + wrong * lost, dtype=np.float64)

    def facts(self) -> dict[str, Json]:
        """The weights of each skill."""
        told: dict[str, Json] = {
            skill: {
                "ease": round(float(ease + self.base), 6),
                "right_adds": round(float(right), 6),
                "wrong_adds": round(float(wrong), 6),
                "answers": int(n),
            }
            for skill, ease, right, wrong, n in zip(self.skills, *self.lines, self.answers, strict=True)
        }
        return {"skills": told}

    def state(self) -> dict[str, bytes]:
        """See `tracer.Fitted.state`."""
        held: dict[str, Json] = {"skills": list(self.skills), "base": self.base, "answers": numbers(self.answers)}
        return {PART: encode(held | {"lines": [numbers(line) for line in self.lines]})}


@dataclass(frozen=True, slots=True)
class Pfa:
    """Performance factors analysis."""

    name: str = "pfa"
    summary: str = "Performance factors analysis: ease of a skill, and right and wrong answers on it so far."
    mastery_is: str = NEXT_RIGHT

    def fit(self, responses: Responses, seed: int) -> FittedPfa:
        """See `tracer.Tracer.fit`; nothing is left to chance, so the seed changes nothing."""
        from scipy.sparse import hstack

        del seed
        responses.check_both()
        shape = (len(responses), len(responses.skills))
        counts = _counts(responses, own=False)
        spread = [max(float(np.sqrt(np.mean(count**2))), 1.0) for count in counts]
        blocks = [one_hot(responses.entry, responses.skill, 1.0, shape)]
        blocks += [
            one_hot(responses.entry, responses.skill, count / wide, shape)
            for count, wide in zip(counts, spread, strict=True)
        ]
        weights, base = fitted_line(
            np.empty((shape[0], 0)), hstack(blocks, format="csr"), responses.correct, np.full(3 * shape[1], PENALTY)
        )
        lines = weights.reshape(3, shape[1]) / np.array([1.0, *spread])[:, None]
        answers = np.bincount(responses.skill, minlength=shape[1])
        seen = answers > 0
        names = tuple(name for name, there in zip(responses.skills, seen, strict=True) if there)
        return FittedPfa(names, lines[:, seen], base, answers[seen].astype(np.float64))

    def restore(self, state: Mapping[str, bytes]) -> FittedPfa:
        """See `tracer.Tracer.restore`."""
        held = decode(state, PART)
        return FittedPfa(tuple(held["skills"]), array(held["lines"]), float(held["base"]), array(held["answers"]))


def _counts(responses: Responses, own: bool) -> tuple[Floats, Floats]:
    """Right and wrong answers of the learner on each entry's skill so far, its own answer among them or not."""
    right = responses.correct[responses.entry]
    past = Past.of(responses.learner_skill())
    return past.total(right) + own * right, past.total(1 - right) + own * (1 - right)


TRACERS.add("pfa", Pfa())
