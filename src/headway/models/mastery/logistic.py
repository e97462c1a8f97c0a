"""Logistic tracing: ease of items and skills, and rich counts of what the learner has answered so far.

After Gervet, Koedinger, Schneider and Mitchell 2020 (When is Deep Learning the Best Approach to Knowledge Tracing?,
JEDM 12(3), doi 10.5281/zenodo.4143614: "Best-LR") and DAS3H (Choffin, Popineau, Bourda and Vie 2019, arXiv 1905.06873):
one weight for each item and skill, logarithms of right and wrong answers in all and on the skill, of these a slope for
each skill, how far the learner's answers lay above what is usual for their items in windows of several lengths, the
item answered last with how that went, and what just happened: streaks, the last answers in their order, breaks, and how
long the skill has been practised without one (`recent`), and how answers at the same place in the course of questions
went (`contexts`).

What is usual for an item is learned from other learners (`usual`). An answer that needs several skills has the mean of
their columns.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from headway.domain.errors import InputError
from headway.models.mastery import contexts, recent
from headway.models.mastery.contexts import Contexts
from headway.models.mastery.lines import fitted_line, one_hot
from headway.models.mastery.responses import Ints, Past, Responses
from headway.models.mastery.tracer import NEXT_RIGHT, TRACERS
from headway.models.mastery.usual import Asked, Counts, Usual, after_each, before_each, learned
from headway.models.model import Floats, Json
from headway.models.state import array, decode, encode, numbers, packed, unpacked
from headway.models.training import log_odds, sigmoid

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

PART: Final = "logistic.json"
WEIGHTS: Final = "weights.npz"
IN_SHORT_PATTERN: Final = 3
PENALTY: Final = 10.0
LIGHT: Final = 0.1
"""Inverse variances of the priors of weights: of one column for each item or skill, and of columns that all share."""


def columns_of(responses: Responses, usual: Usual, ease: Floats, asked: Asked) -> tuple[Floats, "csr_matrix"]:
    """Shared columns, shape (rows, some), and those of items and skills.

    Args:
        responses: the answers.
        usual: the names.
        ease: shape (n,): what is usual for each answer's item, learned from other learners.
        asked: the rows.
    """
    from scipy.sparse import diags, hstack

    rows, entries = len(asked.answer), asked.row
    items, skills = len(usual.items), len(usual.skills)
    counts = Counts.of(responses, ease, asked)
    of_learner, of_skill = counts.of_learner, counts.of_skill
    size = np.bincount(entries, minlength=rows)
    skill, share = usual.skill_of(responses), (1 / size)[entries]
    slopes = (np.ones(len(skill)), of_skill[0], of_skill[1], 5 * of_learner[2][entries], 3 * of_skill[2])
    own = [one_hot(entries, skill, slope * share, (rows, skills)) for slope in slopes]
    last = _last(Past.of(responses.learner), responses, usual, asked)
    item = one_hot(np.arange(rows), asked.item, 1.0, (rows, items))
    pull = diags(5 * of_learner[2]) @ item
    before = one_hot(np.arange(rows), last, 1.0, (rows, 2 * items + 1))
    # How often a place was met tells a line nothing; the share is pulled to that of the shorter place by then.
    shared = np.column_stack([counts.shared, log_odds(asked.places[:, ::2])])
    return shared, hstack([item, pull, *own, before, *_recent(responses, usual, asked)], format="csr")


def _recent(responses: Responses, usual: Usual, asked: Asked) -> "Iterator[csr_matrix]":
    """What just happened, to the learner and on the skill, and that for each skill and item."""
    rows, items, skills = len(asked.answer), len(usual.items), len(usual.skills)
    every = np.arange(rows)
    for kind, many in recent.of_learner(responses, asked.own).kinds():
        yield one_hot(every, kind[asked.answer], 1.0, (rows, many))
    share = (1 / np.bincount(asked.row, minlength=rows))[asked.row]
    on_skill = recent.of_skill(responses, asked.own)
    for kind, many in on_skill.kinds():
        yield one_hot(asked.row, kind, share, (rows, many))
    # A skill or item that was never seen has no column: its place is beyond them all.
    for kind, many in _lately(on_skill):
        yield one_hot(asked.row, usual.skill_of(responses) * many + kind, share, (rows, skills * many))
    for kind, many in _lately(recent.of_same_skills(responses)):
        yield one_hot(every, asked.item * many + kind[asked.answer], 1.0, (rows, items * many))


def _lately(told: recent.Recent) -> list[tuple[Ints, int]]:
    return [(told.pattern(IN_SHORT_PATTERN), 3**IN_SHORT_PATTERN), (told.practice(), recent.PRACTICE)]


def _last(past: Past, responses: Responses, usual: Usual, asked: Asked) -> Ints:
    """The item that was answered last and how: its place twice, plus one for right; after all items for none."""
    item = usual.item_of(responses).astype(np.float64)
    none = 2.0 * len(usual.items)
    code = np.where(item < len(usual.items), 2 * item + responses.correct, none)
    if not asked.own:
        code = past.previous(code, absent=none)
    return code[asked.answer].astype(np.int64)


@dataclass(frozen=True, slots=True)
class FittedLogistic:
    """A line over prepared columns.

    Attributes:
        usual: names and ease of items.
        centre: shape (shared columns,).
        spread: shape (shared columns,).
        weights: shape (all columns,), the shared ones first.
        base: log-odds.
        answers: how many answers it learned from.
    """

    usual: Usual
    centre: Floats
    spread: Floats
    weights: Floats
    base: float
    answers: int

    def predict(self, responses: Responses) -> Floats:
        """See `tracer.Fitted.predict`."""
        return self._told(responses, before_each(responses, self.usual))

    def mastery(self, responses: Responses) -> Floats:
        """The chance that the next answer on the skill is right, on an item of middle ease; see `tracer.Fitted`."""
        return self._told(responses, after_each(responses, self.usual))

    def _told(self, responses: Responses, asked: Asked) -> Floats:
        if not len(asked.answer):
            return np.empty(0)
        ease = self.usual.ease[self.usual.item_of(responses)]
        shared, own = columns_of(responses, self.usual, ease, asked)
        first = len(self.centre)
        if len(self.weights) != first + own.shape[1]:
            raise InputError("This model was kept by another version of headway, with other columns. Fit it again.")
        odds = (shared - self.centre) / self.spread @ self.weights[:first] + own @ self.weights[first:]
        return sigmoid(np.asarray(odds + self.base, dtype=np.float64))

    def facts(self) -> dict[str, Json]:
        """How large it is."""
        sizes: dict[str, Json] = {"items": len(self.usual.items), "skills": len(self.usual.skills)}
        return sizes | {"columns": len(self.weights), "answers": self.answers}

    def state(self) -> dict[str, bytes]:
        """See `tracer.Fitted.state`."""
        held: dict[str, Json] = {"items": list(self.usual.items), "skills": list(self.usual.skills)}
        held |= {"centre": numbers(self.centre), "spread": numbers(self.spread)}
        held |= {"base": self.base, "answers": self.answers}
        arrays = packed({"weights": self.weights, "ease": self.usual.ease})
        return {PART: encode(held), WEIGHTS: arrays, contexts.PART: self.usual.contexts.state()}


@dataclass(frozen=True, slots=True)
class LogisticTracer:
    """Logistic tracing with rich counts."""

    name: str = "logistic"
    summary: str = "Logistic tracing: ease of items and skills, counts and recent windows of what was answered so far."
    mastery_is: str = NEXT_RIGHT

    def fit(self, responses: Responses, seed: int) -> FittedLogistic:
        """See `tracer.Tracer.fit`; the seed deals learners out into folds."""
        responses.check_both()
        usual, ease, asked = learned(responses, seed)
        shared, own = columns_of(responses, usual, ease, asked)
        centre, spread = shared.mean(axis=0), shared.std(axis=0)
        spread = np.where(spread > 1e-9, spread, 1.0)
        penalty = np.concatenate([np.full(len(centre), LIGHT), np.full(own.shape[1], PENALTY)])
        weights, base = fitted_line((shared - centre) / spread, own, responses.correct, penalty)
        return FittedLogistic(usual, centre, spread, weights, base, len(responses))

    def restore(self, state: Mapping[str, bytes]) -> FittedLogistic:
        """See `tracer.Tracer.restore`."""
        held, arrays = decode(state, PART), unpacked(state, WEIGHTS)
        usual = Usual(tuple(held["items"]), tuple(held["skills"]), arrays["ease"], Contexts.restore(state))
        centre, spread = array(held["centre"]), array(held["spread"])
        return FittedLogistic(usual, centre, spread, arrays["weights"], float(held["base"]), int(held["answers"]))


TRACERS.add("logistic", LogisticTracer())
