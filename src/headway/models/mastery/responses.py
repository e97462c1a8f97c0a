"""Answers as numbers: what every mastery model learns from and is asked about.

Promises that the answers of a learner stand together and in their order, and that a response stands there once however
many skills it needs: so nothing can be read off a second row of the same response. Sums over the past leave out the
row itself. Others must not look at a learner's later answers.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from headway.domain.errors import InputError, NotEnoughData
from headway.models.model import Floats

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Responses:
    """The answers of some learners.

    Attributes:
        learners: names, in the order of their answers.
        items: names of items.
        skills: names of skills.
        learner: shape (n,): place of each answer's learner in `learners`; never falls.
        item: shape (n,): place of the item in `items`.
        correct: shape (n,): 1 for right, 0 for wrong.
        entry: shape (m,): the answer that an entry belongs to; never falls. An entry is one skill of one answer.
        skill: shape (m,): place of the entry's skill in `skills`.
    """

    learners: tuple[str, ...]
    items: tuple[str, ...]
    skills: tuple[str, ...]
    learner: Ints
    item: Ints
    correct: Floats
    entry: Ints
    skill: Ints

    def __post_init__(self) -> None:
        n = len(self.learner)
        if not len(self.item) == len(self.correct) == n or len(self.entry) != len(self.skill):
            raise InputError("Answers need a learner, an item and right or wrong each.")
        if (np.diff(self.learner) < 0).any() or (np.diff(self.entry) < 0).any():
            raise InputError("The answers of a learner must stand together.")
        if len(np.unique(self.entry)) != n:
            raise InputError("Every answer needs at least one skill.")

    def __len__(self) -> int:
        return len(self.learner)

    @classmethod
    def of(
        cls, learners: Sequence[str], items: Sequence[str], skills: Sequence[Sequence[str]], correct: Sequence[bool]
    ) -> "Responses":
        """Answers from columns in the order in which they were given; learners may be mixed.

        Args:
            learners: one a response.
            items: one a response.
            skills: at least one a response; one that is named twice counts once.
            correct: whether it was right.

        Raises:
            InputError: columns of different lengths, or a response without a skill.

        >>> Responses.of(["b", "a", "b"], ["i", "j", "i"], [["s"], ["s", "t"], ["s"]], [True, False, True]).correct
        array([1., 1., 0.])
        """
        if not len(learners) == len(items) == len(skills) == len(correct):
            raise InputError("Answers need a learner, an item, skills and right or wrong each.")
        who, learner = _coded(learners)
        order = np.argsort(learner, kind="stable")
        what, item = _coded(items)
        needed = [list(dict.fromkeys(skills[row])) for row in order]
        sizes = np.array([len(each) for each in needed], dtype=np.int64)
        of_entry, skill = _coded([each for several in needed for each in several])
        return cls(
            who,
            what,
            of_entry,
            learner[order],
            item[order],
            np.array(correct, dtype=np.float64)[order],
            np.repeat(np.arange(len(needed)), sizes),
            skill,
        )

    def of_learners(self, which: NDArray[np.bool_]) -> "Responses":
        """The answers of the learners that a mask over `learners` names."""
        keep = which[self.learner]
        new_learner, new_row = np.cumsum(which) - 1, np.cumsum(keep) - 1
        kept = keep[self.entry]
        return Responses(
            tuple(name for name, own in zip(self.learners, which, strict=True) if own),
            self.items,
            self.skills,
            new_learner[self.learner[keep]],
            self.item[keep],
            self.correct[keep],
            new_row[self.entry[kept]],
            self.skill[kept],
        )

    def joined(self, other: "Responses") -> "Responses":
        """These answers and then those of other learners."""
        items, skills = (
            tuple(dict.fromkeys([*self.items, *other.items])),
            tuple(dict.fromkeys([*self.skills, *other.skills])),
        )
        return Responses(
            (*self.learners, *other.learners),
            items,
            skills,
            np.append(self.learner, other.learner + len(self.learners)),
            np.append(self.item, other.places(items, other.items)[other.item]),
            np.append(self.correct, other.correct),
            np.append(self.entry, other.entry + len(self)),
            np.append(self.skill, other.places(skills, other.skills)[other.skill]),
        )

    def check_both(self) -> None:
        """Pass where some answers are right and some wrong.

        Raises:
            NotEnoughData: there are none, or all are alike; nothing can be learned from them.
        """
        if not len(self) or self.correct.min() == self.correct.max():
            found = "no answers" if not len(self) else f"{len(self)} answers, all of them "
            alike = "" if not len(self) else ("right" if self.correct[0] else "wrong")
            raise NotEnoughData(f"There are {found}{alike}. Give answers of which some are right and some wrong.")

    def places(self, names: Sequence[str], of: Sequence[str]) -> Ints:
        """For each of the names `of`, its place in `names`; `len(names)` where it is not there."""
        known = {name: place for place, name in enumerate(names)}
        return np.array([known.get(name, len(names)) for name in of], dtype=np.int64)

    def learner_skill(self) -> Ints:
        """Shape (m,): one number for each pair of learner and skill."""
        return np.asarray(self.learner[self.entry] * max(len(self.skills), 1) + self.skill, dtype=np.int64)

    def mean_of_entries(self, values: Floats) -> Floats:
        """The mean over the skills of each answer, shape (n,)."""
        n = len(self)
        return np.asarray(np.bincount(self.entry, values, n) / np.bincount(self.entry, minlength=n), dtype=np.float64)


def _coded(names: Sequence[str]) -> tuple[tuple[str, ...], Ints]:
    """Different names in the order in which they first come, and the place of each."""
    place: dict[str, int] = {}
    codes = np.array([place.setdefault(name, len(place)) for name in names], dtype=np.int64)
    return tuple(place), codes


@dataclass(frozen=True, slots=True)
class Past:
    """What went before each row, among rows of the same key.

    Attributes:
        order: rows by key, in their order within one.
        start: for each place in `order`, the place of its key's first row.
    """

    order: Ints
    start: Ints

    @classmethod
    def of(cls, key: Ints) -> "Past":
        """The past by `key`, shape (rows,)."""
        order = np.argsort(key, kind="stable").astype(np.int64)
        new = np.diff(key[order], prepend=key[order][:1] - 1 if len(key) else 0) != 0
        places = np.arange(len(key))
        return cls(order, np.maximum.accumulate(np.where(new, places, 0)).astype(np.int64))

    def count(self) -> Floats:
        """How many rows went before."""
        return self._back(np.arange(len(self.order)) - self.start)

    def total(self, values: Floats, last: int | None = None) -> Floats:
        """The sum of `values` over the rows before, or over the last so many of them."""
        before = np.concatenate([[0.0], np.cumsum(values[self.order])])
        places = np.arange(len(self.order))
        begin = self.start if last is None else np.maximum(self.start, places - last)
        return self._back(before[places] - before[begin])

    def previous(self, values: Floats, steps: int = 1, absent: float = 0.0) -> Floats:
        """The value so many rows before; `absent` where there is none."""
        places = np.arange(len(self.order)) - steps
        there = places >= self.start
        found = np.where(there, values[self.order][np.maximum(places, 0)], absent)
        return self._back(found)

    def _back(self, sorted_values: NDArray[np.generic]) -> Floats:
        found = np.empty(len(self.order))
        found[self.order] = sorted_values
        return found
