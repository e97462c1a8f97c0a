"""How answers usually go, and how a learner's lay against that: what logistic and boosted tracing both look at.

What is usual for an item is learned from other learners than the row's own, so that a row never meets its own answer.
Promises counts of the past; of the row's own answer only where it has been seen (`Asked.own`).
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from headway.models.mastery import contexts
from headway.models.mastery.contexts import Contexts
from headway.models.mastery.responses import Ints, Past, Responses
from headway.models.model import Floats

FOLDS: Final = 5
SMOOTHING: Final = 5.0
"""An item's share of right answers is mixed with so many answers of the mean item."""

WINDOWS: Final = (1, 2, 3, 5, 10, 20, 50, 100)
SKILL_WINDOWS: Final = (1, 2, 3, 5, 10)


@dataclass(frozen=True, slots=True)
class Usual:
    """How items and skills usually go.

    Attributes:
        items: names.
        skills: names.
        ease: shape (items + 1,): share of right answers, smoothed; the last is that of an item never seen.
        contexts: how often places in the course of questions were met, and how it went there.
    """

    items: tuple[str, ...]
    skills: tuple[str, ...]
    ease: Floats
    contexts: Contexts

    def item_of(self, responses: Responses) -> Ints:
        """The place of each answer's item."""
        return responses.places(self.items, responses.items)[responses.item]

    def skill_of(self, responses: Responses) -> Ints:
        """The place of each entry's skill."""
        return self.skills_in(responses)[responses.skill]

    def skills_in(self, responses: Responses) -> Ints:
        """The place of each of `responses.skills`."""
        return responses.places(self.skills, responses.skills)


@dataclass(frozen=True, slots=True)
class Asked:
    """What columns are made for.

    Attributes:
        row: shape (entries,): the row that each entry belongs to.
        answer: shape (rows,): the answer at which a row stands.
        item: shape (rows,): its item; beyond the last one for no certain item.
        ease: shape (rows,): share of right answers on it, smoothed.
        places: shape (rows, 2 for each way): see `Contexts.columns`.
        own: whether the answer at which the row stands has been seen.
    """

    row: Ints
    answer: Ints
    item: Ints
    ease: Floats
    places: Floats
    own: bool


@dataclass(frozen=True, slots=True)
class Counts:
    """What was answered so far.

    Attributes:
        shared: shape (rows, some): ease of the item, number of skills, and the two below, of skills their mean.
        of_learner: columns of shape (rows,): see `_sums`.
        of_skill: columns of shape (entries,), likewise on each entry's skill.
    """

    shared: Floats
    of_learner: list[Floats]
    of_skill: list[Floats]

    @classmethod
    def of(cls, responses: Responses, ease: Floats, asked: Asked) -> "Counts":
        """The counts of each row.

        Args:
            responses: the answers.
            ease: shape (n,): what is usual for each answer's item, learned from other learners.
            asked: the rows.
        """
        rows, entries = len(asked.answer), asked.row
        above = responses.correct - ease
        whole, by_skill = Past.of(responses.learner), Past.of(responses.learner_skill())
        told = _sums(whole, responses.correct, above, WINDOWS, 3.0, asked.own)
        of_learner = [column[asked.answer] for column in told]
        right = responses.correct[responses.entry]
        of_skill = _sums(by_skill, right, above[responses.entry], SKILL_WINDOWS, 1.0, asked.own)
        size = np.bincount(entries, minlength=rows)
        means = [np.bincount(entries, column, rows) / size for column in of_skill]
        shared = np.column_stack([np.log(asked.ease / (1 - asked.ease)), size - 1.0, *of_learner, *means])
        return cls(shared, of_learner, of_skill)


def _sums(past: Past, right: Floats, above: Floats, windows: tuple[int, ...], smooth: float, own: bool) -> list[Floats]:
    """Logarithms of right and wrong answers, how far above usual they lay, whether there were any; and in windows."""
    won, lost = past.total(right) + own * right, past.total(1 - right) + own * (1 - right)
    n = won + lost
    told = [np.log1p(won), np.log1p(lost), (past.total(above) + own * above) / (n + smooth), (n == 0).astype(float)]
    for window in windows:
        before = past.total(above, window - 1 if own else window) + own * above
        told.append(before / (np.minimum(n, window) + smooth / 3))
    return told


class Totals:
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


def learned(responses: Responses, seed: int) -> tuple[Usual, Floats, Asked]:
    """What is usual, the ease of each answer's item among other learners, and the answers as rows to learn from.

    The seed deals learners out into folds.
    """
    totals = Totals(responses)
    fold = np.random.default_rng(seed).permutation(len(responses.learners)) % FOLDS
    ease, of_others = totals.ease(), totals.ease_of_others(fold)
    rows = np.arange(len(responses))
    known, places = Contexts.learn(responses, ease[responses.item], of_others, totals.mean, fold)
    asked = Asked(responses.entry, rows, responses.item, of_others, places, own=False)
    return Usual(responses.items, responses.skills, ease, known), of_others, asked


def before_each(responses: Responses, usual: Usual) -> Asked:
    """The answers as rows to foresee."""
    item = usual.item_of(responses)
    ease = usual.ease[item]
    places = usual.contexts.columns(*contexts.before(responses, item, usual.skills_in(responses)), ease, usual.ease[-1])
    return Asked(responses.entry, np.arange(len(responses)), item, ease, places, own=False)


def after_each(responses: Responses, usual: Usual) -> Asked:
    """Each entry's skill right after its answer, asked about with no certain item, of middle ease."""
    entries = len(responses.entry)
    item = np.full(entries, len(usual.items))
    ease = usual.ease[item]
    by_answers = contexts.after(responses, usual.skills_in(responses))
    places = usual.contexts.columns([], by_answers, ease, usual.ease[-1])
    return Asked(np.arange(entries), responses.entry, item, ease, places, own=True)
