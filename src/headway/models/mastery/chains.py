"""Hidden chains of two states, known or not, run for all learners and skills at once.

Forward and backward recursions with scaling (Rabiner 1989, doi 10.1109/5.18626), one step of time for all sequences
that still last. Sequences of a skill that are alike are run once and count as often as they come. What is learned from
the sums stands in `bkt`.
"""

from dataclasses import dataclass, field
from typing import Final

import numpy as np

from headway.models.mastery.responses import Ints, Past
from headway.models.model import Floats

CODED: Final = 60
"""Sequences of at most so many answers are compared by their bits."""


@dataclass(frozen=True, slots=True)
class Chances:
    """The parameters of each skill, each of shape (skills,); see `bkt`."""

    prior: Floats
    learn: Floats
    forget: Floats
    guess: Floats
    slip: Floats

    def of(self, skill: Ints) -> "Chances":
        """The parameters of the skills that an index names."""
        return Chances(self.prior[skill], self.learn[skill], self.forget[skill], self.guess[skill], self.slip[skill])

    def stacked(self) -> Floats:
        """Shape (5, skills), in the order of the attributes."""
        return np.stack([self.prior, self.learn, self.forget, self.guess, self.slip])

    @classmethod
    def unstacked(cls, rows: Floats) -> "Chances":
        """From shape (5, skills)."""
        return cls(*rows)


@dataclass(frozen=True, slots=True)
class Sums:
    """What the E-step counts, each of shape (skills,): expected numbers, and the log-likelihood.

    Attributes:
        loglik: log-likelihood of the skill's answers, natural logarithm.
        starts: sequences.
        known_first: of these known at the first answer.
        unknown_before: steps that began unknown.
        learned: of these ended known.
        known_before: steps that began known.
        forgotten: of these ended unknown.
        unknown: answers given while unknown.
        guessed: of these right.
        known: answers given while known.
        slipped: of these wrong.
    """

    loglik: Floats
    starts: Floats
    known_first: Floats
    unknown_before: Floats
    learned: Floats
    known_before: Floats
    forgotten: Floats
    unknown: Floats
    guessed: Floats
    known: Floats
    slipped: Floats


@dataclass(frozen=True, slots=True)
class Sequences:
    """Answers by skill and learner, longest sequence first, laid out one step of time after the other.

    Attributes:
        skills: how many skills there are.
        skill: shape (sequences,).
        times: shape (sequences,): how often each comes.
        right: shape (answers,), bool: step 0 of all sequences, then step 1 of those that last, and so on.
        bounds: where each step begins in `right`, and its end.
        place: shape (entries,): where each entry stands in `right`; empty where alike sequences were joined.
    """

    skills: int
    skill: Ints
    times: Floats
    right: np.ndarray[tuple[int], np.dtype[np.bool_]]
    bounds: Ints
    place: Ints = field(default_factory=lambda: np.empty(0, dtype=np.int64))

    @classmethod
    def of(cls, key: Ints, skill: Ints, right: Floats, skills: int, *, joined: bool = False) -> "Sequences":
        """From entries in their order.

        Args:
            key: shape (entries,): one number for each pair of learner and skill.
            skill: shape (entries,).
            right: shape (entries,), 0 or 1.
            skills: how many skills there are.
            joined: run alike sequences once; then `place` is empty.
        """
        step = Past.of(key).count().astype(np.int64)
        keys, sequence = np.unique(key, return_inverse=True)
        length = np.bincount(sequence, minlength=len(keys))
        of_sequence = np.zeros(len(keys), dtype=np.int64)
        of_sequence[sequence] = skill
        times = np.ones(len(keys))
        if joined:
            first, times, same = _alike(sequence, step, right, length, of_sequence)
            keep = first[same[sequence]] == sequence
            renumbered = np.cumsum(np.bincount(first, minlength=len(keys)) > 0) - 1
            order = np.argsort(first, kind="stable")
            sequence, step, right = renumbered[sequence[keep]], step[keep], right[keep]
            length, of_sequence, times = length[first[order]], of_sequence[first[order]], times[order]
        return _laid_out(sequence, step, right, length, of_sequence, times, skills, joined)

    def of_skills(self, which: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> "Sequences":
        """The sequences of the skills that a mask names; skills keep their numbers."""
        own = which[self.skill]
        sizes = np.diff(self.bounds)
        kept = np.concatenate([own[:size] for size in sizes]) if len(sizes) else own[:0]
        counts = [int(own[:size].sum()) for size in sizes]
        bounds = np.concatenate([[0], np.cumsum([count for count in counts if count])]).astype(np.int64)
        return Sequences(self.skills, self.skill[own], self.times[own], self.right[kept], bounds)

    def filtered(self, chances: Chances) -> tuple[Floats, Floats]:
        """For each answer: the chance that it is right before it, and that the skill is known after it.

        Shapes (answers,), as `right`. "After" is after the step of learning that follows the answer.
        """
        own = chances.of(self.skill)
        known = own.prior.copy()
        said, after = np.empty(len(self.right)), np.empty(len(self.right))
        for begin, end in zip(self.bounds[:-1], self.bounds[1:], strict=True):
            n = end - begin
            right, k = self.right[begin:end], known[:n]
            if_known, if_not = _likelihoods(right, own, n)
            said[begin:end] = k * (1 - own.slip[:n]) + (1 - k) * own.guess[:n]
            seen = k * if_known / (k * if_known + (1 - k) * if_not)
            known[:n] = after[begin:end] = seen * (1 - own.forget[:n]) + (1 - seen) * own.learn[:n]
        return said, after

    def expected(self, chances: Chances) -> Sums:
        """The E-step: expected counts of each skill under these parameters."""
        own = chances.of(self.skill)
        seen, scale, loglik = self._forward(own)
        n_all, skills = len(self.skill), self.skills
        told = np.zeros((10, n_all))
        (known_first, unknown_before, learned, known_before, forgotten, unknown, guessed, known, slipped, starts) = told
        starts[:] = 1
        later_known, later_not = np.ones(n_all), np.ones(n_all)
        following = 0
        for place in range(len(self.bounds) - 2, -1, -1):
            begin, end = self.bounds[place], self.bounds[place + 1]
            n, a = int(end - begin), seen[begin:end]
            if following:
                m, b = following, seen[begin : begin + following]
                nxt = slice(self.bounds[place + 1], self.bounds[place + 2])
                if_known, if_not = _likelihoods(self.right[nxt], own, m)
                to_known = if_known * later_known[:m] / scale[nxt]
                to_not = if_not * later_not[:m] / scale[nxt]
                stays, goes = own.learn[:m] * to_known, own.forget[:m] * to_not
                learned[:m] += (1 - b) * stays
                forgotten[:m] += b * goes
                later_not[:m] = stays + (1 - own.learn[:m]) * to_not
                later_known[:m] = (1 - own.forget[:m]) * to_known + goes
                known_before[:m] += b * later_known[:m]
                unknown_before[:m] += (1 - b) * later_not[:m]
            is_known = a * later_known[:n]
            is_not = (1 - a) * later_not[:n]
            right = self.right[begin:end]
            known[:n] += is_known
            unknown[:n] += is_not
            slipped[:n] += np.where(right, 0.0, is_known)
            guessed[:n] += np.where(right, is_not, 0.0)
            if place == 0:
                known_first[:] = is_known
            following = n
        by_skill = [
            np.bincount(self.skill, row * self.times, skills).astype(np.float64) for row in (loglik, starts, *told[:9])
        ]
        return Sums(*by_skill)

    def _forward(self, own: Chances) -> tuple[Floats, Floats, Floats]:
        """Known given the answers up to it, and the chance of each answer; and each sequence's log-likelihood."""
        known = own.prior.copy()
        seen, scale = np.empty(len(self.right)), np.empty(len(self.right))
        loglik = np.zeros(len(self.skill))
        for begin, end in zip(self.bounds[:-1], self.bounds[1:], strict=True):
            n = end - begin
            k = known[:n]
            if_known, if_not = _likelihoods(self.right[begin:end], own, n)
            joint = k * if_known
            chance = joint + (1 - k) * if_not
            a = joint / chance
            seen[begin:end], scale[begin:end] = a, chance
            known[:n] = a * (1 - own.forget[:n]) + (1 - a) * own.learn[:n]
            loglik[:n] += np.log(chance)
        return seen, scale, loglik


def _likelihoods(right: np.ndarray[tuple[int], np.dtype[np.bool_]], own: Chances, n: int) -> tuple[Floats, Floats]:
    slip, guess = own.slip[:n], own.guess[:n]
    return np.where(right, 1 - slip, slip), np.where(right, guess, 1 - guess)


def _alike(sequence: Ints, step: Ints, right: Floats, length: Ints, of_sequence: Ints) -> tuple[Ints, Floats, Ints]:
    """The first of each kind of sequence, how often it comes, and the kind of each sequence."""
    short = length <= CODED
    bits = np.where(short[sequence], right.astype(np.int64) << np.minimum(step, CODED), 0)
    code = np.zeros(len(length), dtype=np.int64)
    np.add.at(code, sequence, bits)
    code = np.where(short, code + (np.int64(1) << np.minimum(length, CODED)), -1 - np.arange(len(length)))
    rows = np.stack([of_sequence, code], axis=1)
    _, first, same, times = np.unique(rows, axis=0, return_index=True, return_inverse=True, return_counts=True)
    return first.astype(np.int64), times.astype(np.float64), same.reshape(-1).astype(np.int64)


def _laid_out(
    sequence: Ints,
    step: Ints,
    right: Floats,
    length: Ints,
    of_sequence: Ints,
    times: Floats,
    skills: int,
    joined: bool,
) -> Sequences:
    order = np.argsort(-length, kind="stable")
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.arange(len(order))
    lasting = np.bincount(step) if len(step) else np.zeros(0, dtype=np.int64)
    bounds = np.concatenate([[0], np.cumsum(lasting)]).astype(np.int64)
    place = bounds[step] + rank[sequence]
    laid = np.zeros(len(step), dtype=np.bool_)
    laid[place] = right > 0
    none = np.empty(0, dtype=np.int64)
    return Sequences(skills, of_sequence[order], times[order], laid, bounds, none if joined else place)
