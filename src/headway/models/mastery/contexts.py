"""What was asked before, and how it went: an item in its place tells more than the item alone.

Courses and problem sets ask in an order of their own, so that the items just before one often tell which task it is,
and the last answers together with their skills tell how such a course of answers goes on. Each place's share of right
answers is mixed with that of the same place told by one item fewer, as in back-off models of language (Chen and Goodman
1999, doi 10.1006/csla.1999.0128). Promises shares learned from other learners than the row's own, and places made of
the past and of what is asked now.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from headway.models.mastery.responses import Ints, Past, Responses
from headway.models.model import Floats
from headway.models.state import packed, unpacked

PART: Final = "contexts.npz"
ITEMS_BACK: Final = 6
ANSWERS_BACK: Final = 4
"""How many items, and how many answers with their skills, tell a place at most."""

SMOOTHING: Final = 5.0
"""A place's share of right answers is mixed with so many answers of the place told by one item fewer."""

FEWEST: Final = 3
"""A place that was met less often tells nothing of its own, and is not kept."""

Codes = NDArray[np.uint64]
Keys = list[Codes]
"""The places of rows, from the least told to the most."""


@dataclass(frozen=True, slots=True)
class Contexts:
    """How often each place was met, and how it went; the ways to tell a place in the order of `columns`.

    Attributes:
        keys: places, as numbers, sorted.
        shares: of each, the smoothed share of right answers.
        counts: of each, how often it was met.
    """

    keys: tuple[Codes, ...]
    shares: tuple[Floats, ...]
    counts: tuple[Floats, ...]

    @classmethod
    def learn(
        cls, responses: Responses, ease: Floats, of_others: Floats, mean: float, fold: Ints
    ) -> "tuple[Contexts, Floats]":
        """What is learned from all answers, and the `columns` of these answers, of each from learners of other folds.

        Args:
            responses: the answers.
            ease: shape (n,): the share of right answers on each answer's item.
            of_others: the same among learners of other folds.
            mean: the share of right answers in all.
            fold: shape (learners,): the fold of each, from 0.
        """
        of_row, folds = fold[responses.learner], int(fold.max(initial=0)) + 1
        more = folds / max(folds - 1, 1)
        tables: list[tuple[Codes, Floats, Floats]] = []
        told: list[Floats] = []
        even = np.full(len(responses), mean)
        by_items, by_answers = before(responses, responses.item, np.arange(len(responses.skills)))
        for keys, every, others in ((by_items, ease, of_others), (by_answers, even, even)):
            for key in keys:
                counted = _Counted(key, responses.correct)
                every = counted.smoothed(every)
                others, met = counted.of_others(others, of_row, folds)
                tables.append(counted.table(every))
                told += [others, np.log1p(met * more)]
        found, shares, counts = zip(*tables, strict=True)
        return cls(found, shares, counts), np.column_stack(told)

    def columns(self, items: Keys, answers: Keys, ease: Floats, mean: float) -> Floats:
        """For each way to tell a row's place, the smoothed share of right answers and the logarithm of how many.

        Shape (rows, 2 for each way): those of `items` first, then those of `answers`; a place never met has the share
        of the place told by one item fewer.

        Args:
            items: the places by items, see `before` and `after`; empty where no certain item is asked.
            answers: the places by answers and skills.
            ease: shape (rows,): the share of right answers on the item.
            mean: the share of right answers in all.
        """
        told: list[Floats] = []
        ways = iter(zip(self.keys, self.shares, self.counts, strict=True))
        share = ease
        for place in range(ITEMS_BACK):
            known = next(ways)
            share, met = _found(*known, items[place], share) if items else (share, np.zeros(len(share)))
            told += [share, np.log1p(met)]
        share = np.full(len(ease), mean)
        for key in answers:
            share, met = _found(*next(ways), key, share)
            told += [share, np.log1p(met)]
        return np.column_stack(told)

    def state(self) -> bytes:
        """The arrays as one npz."""
        named: dict[str, NDArray[Any]] = {}
        for place, arrays in enumerate(zip(self.keys, self.shares, self.counts, strict=True)):
            named |= {f"{name}_{place:02}": one for name, one in zip(("keys", "shares", "counts"), arrays, strict=True)}
        return packed(named)

    @classmethod
    def restore(cls, state: Mapping[str, bytes]) -> "Contexts":
        """What `state` came from.

        Raises:
            InputError: the part is missing or damaged.
        """
        held = unpacked(state, PART)
        keys, shares, counts = (
            tuple(held[name] for name in sorted(held) if name.startswith(kind)) for kind in ("keys", "shares", "counts")
        )
        return cls(keys, shares, counts)


def before(responses: Responses, item: Ints, skill: Ints) -> tuple[Keys, Keys]:
    """The places of all answers, by items and by answers, as they stood before each.

    Args:
        responses: the answers.
        item: shape (n,): a lasting number for each answer's item.
        skill: shape (skills,): a lasting number for each of `responses.skills`.
    """
    back = _back(responses)
    items, skills = _mixed(np.zeros(len(item), np.uint64), item), _skills_of(responses, skill)
    by_items = list(_chain(items, items, back, ITEMS_BACK))[1:]
    return by_items, list(_chain(skills, _mixed(skills, responses.correct), back, ANSWERS_BACK))


def after(responses: Responses, skill: Ints) -> Keys:
    """The places by answers of all entries: right after its answer the entry's skill is asked about alone."""
    earlier, skills, alone = _back(responses), _skills_of(responses, skill), np.arange(len(responses.entry))
    asked = _together(alone, skill[responses.skill], len(alone))
    answered = _mixed(skills, responses.correct)
    return list(_chain(asked, answered, lambda steps: earlier(steps - 1)[responses.entry], ANSWERS_BACK))


def _back(responses: Responses) -> Callable[[int], Ints]:
    """For so many steps, the answer so many before each of its learner; -1 where there is none."""
    past, rows = Past.of(responses.learner), np.arange(len(responses), dtype=np.float64)
    return lambda steps: past.previous(rows, steps, -1.0).astype(np.int64)


def _skills_of(responses: Responses, skill: Ints) -> Codes:
    """A number for the skills that each answer needs, in whatever order they are named."""
    return _together(responses.entry, skill[responses.skill], len(responses))


def _together(row: Ints, skill: Ints, rows: int) -> Codes:
    found = np.zeros(rows, np.uint64)
    np.add.at(found, row, _mixed(np.zeros(len(skill), np.uint64), skill))
    return found


def _chain(asked: Codes, told: Codes, back: Callable[[int], Ints], most: int) -> Iterator[Codes]:
    """The place of each row: by what is asked, then by what came before it as well, one step further each."""
    key = asked
    yield key
    for steps in range(1, most + 1):
        row = back(steps)
        key = _mixed(key, np.where(row >= 0, _mixed(told[row], 1), np.uint64(0)))
        yield key


def _mixed(key: Codes, more: Any) -> Codes:
    """A number made of both, spread over 64 bits (the finaliser of SplitMix64, Steele and others 2014)."""
    with np.errstate(over="ignore"):
        found = key * np.uint64(0x9E3779B97F4A7C15) + np.asarray(more).astype(np.uint64) + np.uint64(1)
        found = (found ^ (found >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        found = (found ^ (found >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return np.asarray(found ^ (found >> np.uint64(31)), dtype=np.uint64)


class _Counted:
    """Answers by place."""

    def __init__(self, key: Codes, right: Floats) -> None:
        self.names, self.place = np.unique(key, return_inverse=True)
        self.right = right
        self.won, self.met = self._sums(np.ones(len(right), dtype=np.bool_))

    def smoothed(self, least: Floats) -> Floats:
        """The smoothed share of each row's place."""
        return _smoothed(self.won[self.place], self.met[self.place], least)

    def of_others(self, least: Floats, fold: Ints, folds: int) -> tuple[Floats, Floats]:
        """The same among the rows of other folds, and how many these are."""
        share, met = np.empty(len(fold)), np.empty(len(fold))
        for one in range(folds):
            own = fold == one
            won, n = self._sums(own)
            place = self.place[own]
            met[own] = (self.met - n)[place]
            share[own] = _smoothed((self.won - won)[place], met[own], least[own])
        return share, np.where(met >= FEWEST, met, 0.0)

    def table(self, share: Floats) -> tuple[Codes, Floats, Floats]:
        """Places met often enough, the share of each, and how often."""
        of_place = np.empty(len(self.names))
        of_place[self.place] = share
        kept = self.met >= FEWEST
        return self.names[kept], of_place[kept], self.met[kept]

    def _sums(self, rows: NDArray[np.bool_]) -> tuple[Floats, Floats]:
        place, many = self.place[rows], len(self.names)
        won = np.bincount(place, self.right[rows], many).astype(np.float64)
        return won, np.bincount(place, minlength=many).astype(np.float64)


def _smoothed(won: Floats, met: Floats, least: Floats) -> Floats:
    share = (won + SMOOTHING * least) / (met + SMOOTHING)
    return np.asarray(np.where(met >= FEWEST, share, least), dtype=np.float64)


def _found(keys: Codes, shares: Floats, counts: Floats, key: Codes, least: Floats) -> tuple[Floats, Floats]:
    if not len(keys):
        return least, np.zeros(len(key))
    place = np.minimum(np.searchsorted(keys, key), len(keys) - 1)
    there = keys[place] == key
    return np.where(there, shares[place], least), np.where(there, counts[place], 0.0)
