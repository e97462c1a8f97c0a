"""Logistic tracing: ease of items and skills, and rich counts of what the learner has answered so far.

After Gervet, Koedinger, Schneider and Mitchell 2020 (When is Deep Learning the Best Approach to Knowledge Tracing?,
JEDM 12(3), doi 10.5281/zenodo.4143614: "Best-LR") and DAS3H (Choffin, Popineau, Bourda and Vie 2019, arXiv 1905.06873):
one weight for each item and skill, logarithms of right and wrong answers in all and on the skill, of these a slope for
each skill, how far the learner's answers lay above what is usual for their items in windows of several lengths, and the
item answered last with how that went.

What is usual for an item is learned from other learners than the row's own, so that a row never meets its own answer.
An answer that needs several skills has the mean of their columns.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from headway.models.mastery.lines import fitted_line, one_hot
from headway.models.mastery.responses import Ints, Past, Responses
from headway.models.mastery.tracer import NEXT_RIGHT, TRACERS
from headway.models.model import Floats, Json
from headway.models.state import array, decode, encode, numbers, packed, unpacked
from headway.models.training import sigmoid

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

PART: Final = "logistic.json"
WEIGHTS: Final = "weights.npz"
FOLDS: Final = 5
SMOOTHING: Final = 5.0
"""An item's share of right answers is mixed with so many answers of the mean item."""

WINDOWS: Final = (1, 2, 3, 5, 10, 20, 50, 100)
SKILL_WINDOWS: Final = (1, 2, 3, 5, 10)
PENALTY: Final = 10.0
LIGHT: Final = 0.1
"""Inverse variances of the priors of weights: of one column for each item or skill, and of columns that all share."""


@dataclass(frozen=True, slots=True)
class Usual:
    """How items and skills usually go.

    Attributes:
        items: names.
        skills: names.
        ease: shape (items + 1,): share of right answers, smoothed; the last is that of an item never seen.
    """

    items: tuple[str, ...]
    skills: tuple[str, ...]
    ease: Floats

    def item_of(self, responses: Responses) -> Ints:
        """The place of each answer's item."""
        return responses.places(self.items, responses.items)[responses.item]

    def skill_of(self, responses: Responses) -> Ints:
        """The place of each entry's skill."""
        return responses.places(self.skills, responses.skills)[responses.skill]


@dataclass(frozen=True, slots=True)
class Asked:
    """What columns are made for.

    Attributes:
        row: shape (entries,): the row that each entry belongs to.
        answer: shape (rows,): the answer at which a row stands.
        item: shape (rows,): its item; beyond the last one for no certain item.
        ease: shape (rows,): share of right answers on it, smoothed.
        own: whether the answer at which the row stands has been seen.
    """

    row: Ints
    answer: Ints
    item: Ints
    ease: Floats
    own: bool


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
    whole, above = Past.of(responses.learner), responses.correct - ease
    of_learner = [column[asked.answer] for column in _sums(whole, responses.correct, above, WINDOWS, 3.0, asked.own)]
    right = responses.correct[responses.entry]
    by_skill = Past.of(responses.learner_skill())
    of_skill = _sums(by_skill, right, above[responses.entry], SKILL_WINDOWS, 1.0, asked.own)
    size = np.bincount(entries, minlength=rows)
    means = [np.bincount(entries, column, rows) / size for column in of_skill]
    shared = np.column_stack([np.log(asked.ease / (1 - asked.ease)), size - 1.0, *of_learner, *means])
    skill, share = usual.skill_of(responses), (1 / size)[entries]
    slopes = (np.ones(len(skill)), of_skill[0], of_skill[1], 5 * of_learner[2][entries], 3 * of_skill[2])
    own = [one_hot(entries, skill, slope * share, (rows, skills)) for slope in slopes]
    last = _last(whole, responses, usual, asked)
    item = one_hot(np.arange(rows), asked.item, 1.0, (rows, items))
    pull = diags(5 * of_learner[2]) @ item
    return shared, hstack([item, pull, *own, one_hot(np.arange(rows), last, 1.0, (rows, 2 * items + 1))], format="csr")


def _sums(past: Past, right: Floats, above: Floats, windows: tuple[int, ...], smooth: float, own: bool) -> list[Floats]:
    """Logarithms of right and wrong answers, how far above usual they lay, whether there were any; and in windows."""
    won, lost = past.total(right) + own * right, past.total(1 - right) + own * (1 - right)
    n = won + lost
    told = [np.log1p(won), np.log1p(lost), (past.total(above) + own * above) / (n + smooth), (n == 0).astype(float)]
    for window in windows:
        before = past.total(above, window - 1 if own else window) + own * above
        told.append(before / (np.minimum(n, window) + smooth / 3))
    return told


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
        item = self.usual.item_of(responses)
        rows = np.arange(len(responses))
        return self._told(responses, Asked(responses.entry, rows, item, self.usual.ease[item], own=False))

    def mastery(self, responses: Responses) -> Floats:
        """The chance that the next answer on the skill is right, on an item of middle ease; see `tracer.Fitted`."""
        entries = len(responses.entry)
        item = np.full(entries, len(self.usual.items))
        asked = Asked(np.arange(entries), responses.entry, item, self.usual.ease[item], own=True)
        return self._told(responses, asked)

    def _told(self, responses: Responses, asked: Asked) -> Floats:
        if not len(asked.answer):
            return np.empty(0)
        ease = self.usual.ease[self.usual.item_of(responses)]
        shared, own = columns_of(responses, self.usual, ease, asked)
        first = len(self.centre)
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
        return {PART: encode(held), WEIGHTS: packed({"weights": self.weights, "ease": self.usual.ease})}


@dataclass(frozen=True, slots=True)
class LogisticTracer:
    """Logistic tracing with rich counts."""

    name: str = "logistic"
    summary: str = "Logistic tracing: ease of items and skills, counts and recent windows of what was answered so far."
    mastery_is: str = NEXT_RIGHT

    def fit(self, responses: Responses, seed: int) -> FittedLogistic:
        """See `tracer.Tracer.fit`; the seed deals learners out into folds."""
        responses.check_both()
        totals = _Totals(responses)
        usual = Usual(responses.items, responses.skills, totals.ease())
        fold = np.random.default_rng(seed).permutation(len(responses.learners)) % FOLDS
        ease = totals.ease_of_others(fold)
        rows = np.arange(len(responses))
        shared, own = columns_of(responses, usual, ease, Asked(responses.entry, rows, responses.item, ease, own=False))
        centre, spread = shared.mean(axis=0), shared.std(axis=0)
        spread = np.where(spread > 1e-9, spread, 1.0)
        penalty = np.concatenate([np.full(len(centre), LIGHT), np.full(own.shape[1], PENALTY)])
        weights, base = fitted_line((shared - centre) / spread, own, responses.correct, penalty)
        return FittedLogistic(usual, centre, spread, weights, base, len(responses))

    def restore(self, state: Mapping[str, bytes]) -> FittedLogistic:
        """See `tracer.Tracer.restore`."""
        held, arrays = decode(state, PART), unpacked(state, WEIGHTS)
        usual = Usual(tuple(held["items"]), tuple(held["skills"]), arrays["ease"])
        centre, spread = array(held["centre"]), array(held["spread"])
        return FittedLogistic(usual, centre, spread, arrays["weights"], float(held["base"]), int(held["answers"]))


class _Totals:
    """How often items were answered, and how often rightly."""

    def __init__(self, responses: Responses) -> None:
        self.responses, self.size = responses, len(responses.items)
        self.mean = float(responses.correct.mean())
        self.right = np.bincount(responses.item, responses.correct, self.size).astype(np.float64)
        self.all = np.bincount(responses.item, minlength=self.size).astype(np.float64)

    def ease(self) -> Floats:
        """The smoothed share of each item, and of one that was never seen."""
        return np.append(self._smoothed(self.right, self.all), self.mean)

    def ease_of_others(self, fold: Ints) -> Floats:
        """Shape (n,): the smoothed share of each answer's item among learners of other folds."""
        told, item = np.empty(len(self.responses)), self.responses.item
        of_row = fold[self.responses.learner]
        for one in range(FOLDS):
            own = of_row == one
            right = np.bincount(item[own], self.responses.correct[own], self.size).astype(np.float64)
            n = np.bincount(item[own], minlength=self.size)
            told[own] = self._smoothed(self.right - right, self.all - n)[item[own]]
        return told

    def _smoothed(self, right: Floats, n: Floats) -> Floats:
        return np.asarray((right + SMOOTHING * self.mean) / (n + SMOOTHING), dtype=np.float64)


TRACERS.add("logistic", LogisticTracer())
