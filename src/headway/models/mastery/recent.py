"""What just happened to a learner: streaks, the last answers in their order, blocks of practice and breaks.

Counts of right and wrong answers forget the order in which they came. Promises numbers of the past alone: of the row's
own answer only where `own` asks how things stand after it, as though the same skill were asked next. What belongs to a
skill is told for each entry, what belongs to the learner for each answer.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from headway.models.mastery.responses import Ints, Past, Responses
from headway.models.model import Floats

REMEMBERED: Final = 8
"""How many of the last answers are told one by one."""

IN_PATTERN: Final = 5
MOST_STREAK: Final = 10
MOST_IN_BLOCK: Final = 6
DOUBLINGS: Final = 11
"""Longer counts are told apart by how often they double: 2 to the power of 11 answers and more are one."""


@dataclass(frozen=True, slots=True)
class Recent:
    """The latest answers of each row, shape (rows,) each; a row is an answer or an entry.

    Attributes:
        last: shape (rows, `REMEMBERED`): 1 right, 0 wrong, -1 for none; the latest first.
        wrong: how many wrong answers in a row came last.
        right: how many right ones.
        seen: how many answers there were.
        gap: how many answers ago the latest one was, 1 for the one just before; 0 where there is none.
        block: how many there were without one on another skill between.
        block_right: how many of these were right.
    """

    last: Floats
    wrong: Floats
    right: Floats
    seen: Floats
    gap: Floats
    block: Floats
    block_right: Floats

    @classmethod
    def of(cls, past: Past, right: Floats, step: Floats, own: bool) -> "Recent":
        """The latest answers.

        Args:
            past: what went before among the rows of one learner, or of one learner and skill.
            right: shape (rows,), 0 or 1.
            step: shape (rows,): how many answers the learner had given before the row's.
            own: whether the row's own answer counts.
        """
        before = past.previous(step, absent=np.nan)
        begins = ~(before == step - 1)
        of_block = Past.of(_run(past, begins))
        shift = 0 if own else 1
        last = [right if not place else past.previous(right, place, -1.0) for place in range(shift, REMEMBERED + shift)]
        gap = np.ones(len(step)) if own else np.nan_to_num(step - before)
        # A break ends the block: what was answered before it belongs to an earlier one.
        return cls(
            np.column_stack(last),
            _since(past, right > 0, own),
            _since(past, right < 1, own),
            past.count() + own,
            gap,
            of_block.count() + own,
            of_block.total(right) + own * right,
        )

    def numbers(self) -> Floats:
        """Shape (rows, columns), for whoever can cut numbers where it likes."""
        rest = (self.wrong, self.right, self.seen, self.gap, self.block, self.block_right)
        return np.column_stack([self.last, *rest])

    def kinds(self) -> list[tuple[Ints, int]]:
        """For each way to tell rows apart, the kind of each row and how many kinds there are."""
        block, won = (_up_to(each, MOST_IN_BLOCK) for each in (self.block, self.block_right))
        return [
            (_up_to(self.wrong, MOST_STREAK), MOST_STREAK + 1),
            (_up_to(self.right, MOST_STREAK), MOST_STREAK + 1),
            (_doubled(self.seen), DOUBLINGS + 1),
            (_doubled(self.gap), DOUBLINGS + 1),
            (_doubled(self.block), DOUBLINGS + 1),
            (block * (MOST_IN_BLOCK + 1) + won, (MOST_IN_BLOCK + 1) ** 2),
            (self.pattern(IN_PATTERN), 3**IN_PATTERN),
        ]

    def pattern(self, length: int) -> Ints:
        """A number for the last so many answers in their order, below 3 to that power."""
        powers = 3 ** np.arange(length)
        return np.asarray((self.last[:, :length] + 1) @ powers, dtype=np.int64)

    def practice(self) -> Ints:
        """0 where the skill was not practised just before, else 1 to 4 by how often the block doubled."""
        return np.minimum(_doubled(self.block), PRACTICE - 1)


PRACTICE: Final = 5


def of_learner(responses: Responses, own: bool) -> Recent:
    """The latest answers of each answer's learner, on whatever skill."""
    past = Past.of(responses.learner)
    return Recent.of(past, responses.correct, past.count(), own)


def of_skill(responses: Responses, own: bool) -> Recent:
    """The latest answers of each entry's learner on its skill."""
    step = Past.of(responses.learner).count()[responses.entry]
    return Recent.of(Past.of(responses.learner_skill()), responses.correct[responses.entry], step, own)


def of_same_skills(responses: Responses) -> Recent:
    """The latest answers before each of its learner that needed the very same skills."""
    n, many = len(responses), max(len(responses.skills), 1)
    skill = responses.skill[np.lexsort((responses.skill, responses.entry))]
    nth = Past.of(responses.entry).count().astype(np.int64)
    needed = np.full((n, int(nth.max(initial=0)) + 1), many)
    needed[responses.entry, nth] = skill
    same = np.unique(needed, axis=0, return_inverse=True)[1].reshape(-1)
    past = Past.of(np.asarray(responses.learner * (n + 1) + same, dtype=np.int64))
    return Recent.of(past, responses.correct, Past.of(responses.learner).count(), own=False)


def _run(past: Past, begins: "np.ndarray[tuple[int, ...], np.dtype[np.bool_]]") -> Ints:
    """A number for each unbroken run of rows."""
    run = np.empty(len(past.order), dtype=np.int64)
    run[past.order] = np.cumsum(begins[past.order])
    return run


def _since(past: Past, marked: "np.ndarray[tuple[int, ...], np.dtype[np.bool_]]", own: bool) -> Floats:
    """How many rows of the key came after the latest marked one, or in all where none was marked."""
    places = np.arange(len(past.order))
    latest = np.maximum.accumulate(np.where(marked[past.order], places, -1))
    if not own:
        latest = np.append(-1, latest[:-1])[: len(places)]
    found = np.empty(len(places))
    found[past.order] = places - np.maximum(latest, past.start - 1) - (0 if own else 1)
    return found


def _up_to(counts: Floats, most: int) -> Ints:
    return np.minimum(counts, most).astype(np.int64)


def _doubled(counts: Floats) -> Ints:
    return np.minimum(np.floor(np.log2(counts + 1)), DOUBLINGS).astype(np.int64)
