"""Engagement states: a hidden Markov model of what learners do week by week, and the risk that goes with a state.

After Balakrishnan & Coetzee 2013, *Predicting Student Retention in Massive Open Online Courses using Hidden Markov
Models* (UC Berkeley, UCB/EECS-2013-109): hidden states from activity alone, then retention from the states. States are
learned without labels by hmmlearn (extra `models`; see `hidden_states`), and a fitted model needs no library.
"""

import itertools
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from headway.models.hidden_states import Chain, Effort, Steps, learned
from headway.models.logistic import Columns
from headway.models.logistic import Parameters as Preparation
from headway.models.model import MODELS, Fitted, Floats, History, Json, Matrix
from headway.models.state import array, decode, encode, numbers
from headway.models.training import known_values, sigmoid, training_weights

PART: Final = "hmm.json"
CHANNELS: Final = ("active_days_7d", "interactions_7d")
"""What a week is described by. Windows of a week on steps of a week do not overlap."""

STATES: Final[Mapping[int, tuple[str, ...]]] = {
    3: ("away", "dipping_in", "intense"),
    4: ("away", "dipping_in", "steady", "intense"),
    5: ("away", "dipping_in", "steady", "busy", "intense"),
}
"""Names of the states, from the least active to the most."""

FEWEST_FLAT: Final = 4
"""Columns that stand in for `CHANNELS` where neither rows nor their history have them: the most telling ones."""

LESS_IS_MORE: Final = ("days_since", "gap", "missed", "late")
"""Parts of names of features that are large where there is little activity."""


@dataclass(frozen=True, slots=True)
class Parameters:
    """How to learn the states.

    Attributes:
        states: how many, 3 to 5.
        step_days: days from one step of the model to the next; steps of the history between are left out.
        iterations: most steps of expectation maximisation.
        sequences: learn the states from so many training rows at most, drawn by the seed.
        least_variance: variances of a state do not fall below this, in squared standard deviations.
        c: inverse strength of the L2 penalty of the risk's logistic regression (scikit-learn's C).
    """

    states: int = 4
    step_days: int = 7
    iterations: int = 30
    sequences: int = 500
    least_variance: float = 0.01
    c: float = 1.0


@dataclass(frozen=True, slots=True)
class Reader:
    """How rows become sequences.

    Attributes:
        columns: the preparation of the channels.
        flat: every feature of the training rows, where they had no history; else none.
        step_days: see `Parameters`.
    """

    columns: Columns
    flat: tuple[str, ...]
    step_days: int

    def steps(self, features: Matrix) -> Steps:
        """The prepared channels of each row's history, or of the row itself as the only step.

        Raises:
            InputError: a feature is missing or infinite, or the model learned from a history and there is none.
        """
        if self.flat:
            known_values(features, self.flat)
            return Steps(self._prepared(features)[:, None, :], np.ones((len(features), 1), dtype=bool))
        if features.history is None:
            # The same features at the row's own time: one step of the chain.
            return Steps(self._prepared(features)[:, None, :], np.ones((len(features), 1), dtype=bool))
        return self.steps_of(features.history)

    def steps_of(self, history: History) -> Steps:
        """The prepared channels of each row's history, a step every `step_days`, the last at the row's own time."""
        cells = self._prepared(Matrix(history.names, history.cells.astype(np.float64)))
        where = history.where[:, kept_steps(history, self.step_days)]
        there = where >= 0
        values = cells[where] if len(cells) else np.zeros((*where.shape, len(self.columns.names)))
        return Steps(np.where(there[..., None], values, 0.0), there)

    def _prepared(self, features: Matrix) -> Floats:
        return self.columns.prepare(features)[:, : len(self.columns.names)]


def kept_steps(history: History, step_days: int) -> NDArray[np.int64]:
    """The steps of a history that lie `step_days` apart, counted back from the last."""
    stride = max(1, round(step_days / history.step_days))
    return np.arange(history.steps - 1, -1, -stride)[::-1]


def _shapley(odds: Mapping[tuple[bool, ...], Floats], place: int, rows: int) -> Floats:
    """The Shapley value of one channel from the log-odds of all sets of channels, shape (rows,)."""
    size = len(next(iter(odds)))
    found = np.zeros(rows)
    for told, without in odds.items():
        if not told[place]:
            added = odds[(*told[:place], True, *told[place + 1 :])] - without
            found += added / (size * math.comb(size - 1, sum(told)))
    return found


@dataclass(frozen=True, slots=True)
class FittedStates:
    """States, and a logistic regression on them.

    Attributes:
        reader: how rows become sequences.
        chain: the states.
        mean: shape (state features,): what is subtracted before the regression.
        scale: likewise: what is divided by; 0 drops the column.
        coefficients: of the regression.
        base: its log-odds at the mean.
        parameters: how all this was learned.
    """

    reader: Reader
    chain: Chain
    mean: Floats
    scale: Floats
    coefficients: Floats
    base: float
    parameters: dict[str, Json]

    @property
    def state_names(self) -> tuple[str, ...]:
        """The states, from the least active to the most."""
        return STATES[len(self.chain.start)]

    def states(self, features: Matrix) -> Floats:
        """The probability of each state at the row's as-of time, shape (rows, states); rows sum to 1."""
        return self.chain.read(self.reader.steps(features))[0]

    def risk(self, features: Matrix) -> Floats:
        """The risk that goes with the row's state, time in states and moves, shape (rows,)."""
        return sigmoid(self._log_odds(self.reader.steps(features)))

    def _log_odds(self, steps: Steps) -> Floats:
        found = np.hstack(self.chain.read(steps))
        standard = np.where(self.scale > 0, (found - self.mean) / np.where(self.scale > 0, self.scale, 1.0), 0.0)
        return np.asarray(self.base + np.add.reduce(np.ascontiguousarray(standard * self.coefficients), axis=1))

    def contributions(self, features: Matrix) -> Floats:
        """Shapley values of the channels against a learner with the training mean in every week.

        Near enough additive to compare rows, for a row's base is that of its own weeks. With four channels at most all
        orders are taken; `explanation.shapley` compares with the cohort instead.
        """
        found = np.zeros(features.values.shape)
        if not len(features):
            return found
        steps = self.reader.steps(features)
        names = self.reader.columns.names
        odds = {told: self._odds_of(steps, told) for told in itertools.product((False, True), repeat=len(names))}
        for place, name in enumerate(names):
            if name in features.names:
                found[:, features.names.index(name)] = _shapley(odds, place, len(features))
        return found

    def _odds_of(self, steps: Steps, told: tuple[bool, ...]) -> Floats:
        """The log-odds where only some channels are told and the others are at the training mean."""
        return self._log_odds(replace(steps, values=np.where(np.array(told), steps.values, 0.0)))

    @property
    def reads(self) -> frozenset[str]:
        """The features that a row's risk depends on."""
        return frozenset(self.reader.columns.names)

    def facts(self) -> dict[str, Json]:
        """Parameters, and for each state what a learner in it does, how often it comes and how long it lasts."""
        columns = self.reader.columns
        kept = np.array([self.mean[i] for i in range(len(self.chain.start))])
        told: list[Json] = []
        for i, name in enumerate(self.state_names):
            shown = columns.mean + self.chain.means[i] * columns.scale
            plain = np.where(columns.logged == 1, np.sign(shown) * np.expm1(np.abs(shown)), shown)
            told.append(
                {
                    "state": name,
                    "share": float(kept[i]),
                    "typical": {c: float(v) for c, v in zip(columns.names, plain, strict=True)},
                    "mean_steps": float(1 / max(1 - self.chain.moves[i, i], 1e-9)),
                    "moves": numbers(self.chain.moves[i]),
                }
            )
        named = zip(feature_names(len(self.chain.start)), self.coefficients, strict=True)
        return {
            "additive": False,
            "base_log_odds": self.base,
            "parameters": dict(self.parameters),
            "states": told,
            "coefficients": [{"feature": name, "coefficient": float(value)} for name, value in named],
        }

    def state(self) -> dict[str, bytes]:
        """Preparation, chain and coefficients as JSON."""
        own: dict[str, Json] = {
            "columns": self.reader.columns.as_json(),
            "flat": list(self.reader.flat),
            "start": numbers(self.chain.start),
            "moves": [numbers(row) for row in self.chain.moves],
            "means": [numbers(row) for row in self.chain.means],
            "variances": [numbers(row) for row in self.chain.variances],
            "mean": numbers(self.mean),
            "scale": numbers(self.scale),
            "coefficients": numbers(self.coefficients),
            "base": self.base,
            "parameters": self.parameters,
        }
        return {PART: encode(own)}


def feature_names(states: int) -> tuple[str, ...]:
    """What the columns of `state_features` are called."""
    names = STATES[states]
    return (
        *(f"state_{name}" for name in names),
        *(f"time_share_{name}" for name in names),
        "state_rises_per_step",
        "state_falls_per_step",
    )


def state_features(fitted: FittedStates, history: History) -> tuple[Floats, tuple[str, ...]]:
    """The states of each row as features: probabilities now, shares of time, moves by step.

    They rest on the row's own past alone and on no label, so that they can be joined to any `Matrix`.

    Args:
        fitted: states learned from training rows.
        history: of the rows.

    Returns:
        Values, shape (rows, 2 * states + 2), and their names.
    """
    return np.hstack(fitted.chain.read(fitted.reader.steps_of(history))), feature_names(len(fitted.chain.start))


def with_states(fitted: FittedStates, features: Matrix) -> Matrix:
    """The rows with `state_features` as further columns."""
    found = np.hstack(fitted.chain.read(fitted.reader.steps(features)))
    names = (*features.names, *feature_names(len(fitted.chain.start)))
    return Matrix(names, np.hstack([features.values, found]), features.history, features.groups, features.eras)


@dataclass(frozen=True, slots=True)
class Engagement:
    """Engagement states with hmmlearn."""

    parameters: Parameters = Parameters()
    name: str = "hmm"
    summary: str = "Engagement states from week to week (hidden Markov model, hmmlearn)"
    trivial: Literal[False] = False
    extra: str | None = "models"
    wants_history: Literal[True] = True

    def fit(self, features: Matrix, labels: Floats, weights: Floats, seed: int) -> FittedStates:
        """The states, learned without the labels, and the regression on them; weights count in the regression only.

        Raises:
            NotEnoughData: no rows or one class.
            ConfigError: hmmlearn is not installed.
        """
        from sklearn.linear_model import LogisticRegression

        asked = self.parameters
        scaled = training_weights(features, labels, weights)
        reader = _reader(features, labels, scaled, asked.step_days)
        steps = reader.steps(features)
        effort = Effort(asked.states, asked.iterations, asked.sequences, asked.least_variance)
        chain = learned(steps, _signs(reader.columns.names), effort, seed)
        found = np.hstack(chain.read(steps))
        mean, scale = found.mean(axis=0), found.std(axis=0)
        scale = np.where(scale > 1e-9, scale, 0.0)
        solver = LogisticRegression(C=asked.c, max_iter=2000, tol=1e-6)
        standard = np.where(scale > 0, (found - mean) / np.where(scale > 0, scale, 1.0), 0.0)
        solver.fit(standard, labels, sample_weight=scaled)
        return FittedStates(
            reader, chain, mean, scale, solver.coef_[0].astype(np.float64), float(solver.intercept_[0]), asdict(asked)
        )

    def restore(self, state: Mapping[str, bytes]) -> Fitted:
        """The states with the stored numbers; needs no extra.

        Raises:
            InputError: a part of the state is missing.
        """
        kept = decode(state, PART)
        return FittedStates(
            reader=Reader(Columns.of_json(kept["columns"]), tuple(kept["flat"]), int(kept["parameters"]["step_days"])),
            chain=Chain(array(kept["start"]), array(kept["moves"]), array(kept["means"]), array(kept["variances"])),
            mean=array(kept["mean"]),
            scale=array(kept["scale"]),
            coefficients=array(kept["coefficients"]),
            base=float(kept["base"]),
            parameters=kept["parameters"],
        )


def _reader(features: Matrix, labels: Floats, weights: Floats, step_days: int) -> Reader:
    """How these training rows become sequences."""
    history = features.history
    if history is not None and (history.where[:, kept_steps(history, step_days)] >= 0).any():
        names = tuple(name for name in CHANNELS if name in history.names) or history.names
        used = np.unique(history.where[:, kept_steps(history, step_days)])
        cells = history.cells[used[used >= 0]].astype(np.float64)
        chosen = cells[:, [history.names.index(name) for name in names]]
        return Reader(Columns.learn(Matrix(names, chosen), Preparation()), (), step_days)
    flat = tuple(sorted(features.names))
    values = known_values(features, flat)
    names = tuple(name for name in CHANNELS if name in flat) or _telling(values, flat, labels, weights)
    columns = Columns.learn(Matrix(names, values[:, [flat.index(name) for name in names]]), Preparation())
    return Reader(columns, flat, step_days)


def _telling(values: Floats, names: tuple[str, ...], labels: Floats, weights: Floats) -> tuple[str, ...]:
    """The features that go most closely with the label, sorted."""
    columns = Columns.learn(Matrix(names, values), Preparation())
    prepared = columns.prepare(Matrix(names, values))[:, : len(names)]
    share = float(weights @ labels / weights.sum())
    with_label = np.abs((weights * (labels - share)) @ (prepared - prepared.mean(axis=0)))
    return tuple(sorted(names[i] for i in np.argsort(-with_label, kind="stable")[:FEWEST_FLAT]))


def _signs(names: tuple[str, ...]) -> Floats:
    """1 for features that are larger with more activity, -1 for the others."""
    return np.array([-1.0 if any(part in name for part in LESS_IS_MORE) else 1.0 for name in names])


HMM: Final = Engagement()
MODELS.add("hmm", HMM)
