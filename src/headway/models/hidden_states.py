"""Hidden states of sequences: learned without labels by hmmlearn, read by numpy alone, ordered by activity.

Hidden Markov models with Gaussian channels and expectation maximisation as in Rabiner 1989 (doi:10.1109/5.18626).
Nothing else may import hmmlearn.
"""

import logging
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from headway.domain.extensions import needs
from headway.models.model import Floats

STAY: Final = 0.8
"""Learning begins with states that mostly stay; what sequences show replaces it."""


@dataclass(frozen=True, slots=True)
class Steps:
    """Prepared sequences.

    Attributes:
        values: shape (rows, steps, channels).
        mask: shape (rows, steps): whether there is anything at a step.
    """

    values: Floats
    mask: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Chain:
    """A Gaussian hidden Markov model with independent channels; k states, ordered by activity.

    Attributes:
        start: shape (k,): probability of each state at the first step.
        moves: shape (k, k): probability of the next state, a row for each present one.
        means: shape (k, channels).
        variances: shape (k, channels).
    """

    start: Floats
    moves: Floats
    means: Floats
    variances: Floats

    def read(self, steps: Steps) -> tuple[Floats, Floats, Floats]:
        """Where learners are and how they moved, each state by what was known at its own step (forward algorithm).

        A step without anything is passed by the moves alone. Sums over states run in a fixed order, so that a row
        alone gets the same bits as in a batch.

        Returns:
            The state at the last step, shape (rows, k); the mean over the steps that are there, shape (rows, k); and
            the expected number of moves to a more and to a less active state, by step, shape (rows, 2).
        """
        rows, k = len(steps.values), len(self.start)
        now = np.tile(self.start, (rows, 1))
        begun = np.zeros(rows, dtype=bool)
        spent, moved, seen = np.zeros((rows, k)), np.zeros((rows, 2)), np.zeros(rows)
        for t in range(steps.values.shape[1]):
            there = steps.mask[:, t]
            likely = self._likelihood(steps.values[:, t])
            joint = now[:, :, None] * np.where(begun[:, None, None], self.moves, np.eye(k))
            joint = joint * np.where(there[:, None], likely, 1.0)[:, None, :]
            joint = joint / _over_states(_over_states(joint))[:, None, None]
            now = np.asarray(sum(joint[:, i] for i in range(k)), dtype=np.float64)
            told = there.astype(np.float64)
            spent, seen = spent + now * told[:, None], seen + told
            for i in range(k):
                for j in range(k):
                    if i != j:
                        moved[:, 0 if j > i else 1] += joint[:, i, j] * begun
            begun = begun | there
        mean = np.where(seen[:, None] > 0, spent / np.maximum(seen, 1)[:, None], now)
        return now, mean, moved / max(steps.values.shape[1] - 1, 1)

    def _likelihood(self, values: Floats) -> Floats:
        """Of the values in each state, over that in the likeliest one, shape (rows, k)."""
        found = np.zeros((len(values), len(self.start)))
        for channel in range(values.shape[1]):
            away = values[:, channel, None] - self.means[:, channel]
            found -= 0.5 * (away**2 / self.variances[:, channel] + np.log(self.variances[:, channel]))
        # No state is ever ruled out: the least is far below anything that could matter, and above underflow.
        return np.asarray(np.exp(np.maximum(found - found.max(axis=1, keepdims=True), -200.0)), dtype=np.float64)


def _over_states(values: Floats) -> Floats:
    """The sum over the last axis, term by term."""
    return np.asarray(sum(values[..., i] for i in range(values.shape[-1])), dtype=np.float64)


@dataclass(frozen=True, slots=True)
class Effort:
    """How hard to look for states.

    Attributes:
        states: how many.
        iterations: most steps of expectation maximisation from each start.
        sequences: sequences learned from at most, drawn by the seed.
        least_variance: variances of a state do not fall below this, in squared standard deviations.
    """

    states: int
    iterations: int
    sequences: int
    least_variance: float


def learned(steps: Steps, signs: Floats, effort: Effort, seed: int) -> Chain:
    """The likeliest states found from two starts: groups of equal size and groups of equal width, by activity.

    Args:
        steps: at least one step that is there.
        signs: 1 for each channel that is larger with more activity, -1 for the others.
        effort: how hard to look.
        seed: draws the sample.

    Raises:
        ConfigError: hmmlearn is not installed.
    """
    some = np.flatnonzero(steps.mask.any(axis=1))
    if len(some) > effort.sequences:
        some = np.sort(np.random.default_rng(seed).choice(some, effort.sequences, replace=False))
    mask = steps.mask[some]
    seen, lengths = steps.values[some][mask], mask.sum(axis=1)
    learn = _of_sequences if lengths.max() > 1 else _of_rows
    activity = seen @ signs
    found = [learn(seen, lengths, begin, effort) for begin in _starts(seen, activity, effort)]
    _, start, moves, means, variances = max(found, key=lambda each: each[0])
    order = np.argsort(means @ signs, kind="stable")
    return Chain(
        start=_certain(start[order]),
        moves=_certain(moves[np.ix_(order, order)]),
        means=np.ascontiguousarray(means[order], dtype=np.float64),
        variances=np.maximum(variances[order], effort.least_variance),
    )


Learned = tuple[float, Floats, Floats, Floats, Floats]


def _starts(seen: Floats, activity: Floats, effort: Effort) -> list[tuple[Floats, Floats]]:
    """Means and variances to begin with."""
    k = effort.states
    order = np.argsort(activity, kind="stable")
    edges = np.linspace(activity.min(), activity.max(), k + 1)[1:-1]
    starts = []
    for groups in (np.array_split(order, k), np.split(order, np.searchsorted(activity[order], edges))):
        kept = [own if len(own) else order for own in groups]
        means = np.vstack([seen[own].mean(axis=0) for own in kept])
        within = np.mean([seen[own].var(axis=0) for own in kept], axis=0) + effort.least_variance
        starts.append((means, np.tile(within, (k, 1))))
    return starts


def _of_sequences(seen: Floats, lengths: NDArray[np.int64], begin: tuple[Floats, Floats], effort: Effort) -> Learned:
    """Mean log-likelihood, start, moves, means and variances of the states of sequences."""
    k = effort.states
    # It logs a warning for every state that nobody left; `_certain` takes care of those.
    logging.getLogger("hmmlearn").setLevel(logging.ERROR)
    learner: Any = needs("models", "hmmlearn.hmm").GaussianHMM(
        n_components=k,
        covariance_type="diag",
        min_covar=effort.least_variance,
        n_iter=effort.iterations,
        tol=len(lengths) * 1e-3,
        init_params="",
    )
    learner.startprob_ = np.full(k, 1 / k)
    learner.transmat_ = np.full((k, k), (1 - STAY) / k) + STAY * np.eye(k)
    learner.means_, learner.covars_ = begin
    if len(seen) > k:
        learner.fit(seen, lengths)
    likely = float(learner.monitor_.history[-1]) if len(seen) > k else 0.0
    variances = np.diagonal(learner.covars_, axis1=1, axis2=2)
    return likely, learner.startprob_, learner.transmat_, learner.means_, variances


def _of_rows(seen: Floats, lengths: NDArray[np.int64], begin: tuple[Floats, Floats], effort: Effort) -> Learned:
    """The same where every sequence has one step: a Gaussian mixture, whose moves nobody has seen."""
    from sklearn.mixture import GaussianMixture

    del lengths
    k = effort.states
    even = np.full(k, 1 / k)
    if len(seen) <= k:
        return 0.0, even, np.full((k, k), 1 / k), *begin
    learner = GaussianMixture(
        k,
        covariance_type="diag",
        reg_covar=effort.least_variance,
        max_iter=1000,  # cheap, and scikit-learn warns where it stops early
        init_params="random_from_data",
        weights_init=even,
        means_init=begin[0],
        precisions_init=1 / begin[1],
        random_state=0,
    )
    learner.fit(seen)
    return float(learner.lower_bound_), learner.weights_, np.full((k, k), 1 / k), learner.means_, learner.covariances_


def _certain(shares: Floats) -> Floats:
    """The probabilities with none of them 0, so that no sequence is impossible; the last axis sums to 1."""
    kept = np.maximum(np.nan_to_num(shares), 1e-6)
    return np.asarray(kept / kept.sum(axis=-1, keepdims=True), dtype=np.float64)
