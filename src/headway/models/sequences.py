"""What LSTM and attention share: rows become prepared inputs, a trained network becomes a fitted model.

Promises that a network without a history reads the flat features as one step, that columns never seen in training are
ignored, and that a state is arrays and JSON. Torch itself is met in `torch_training` only.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from headway.domain.errors import InputError, NotEnoughData
from headway.models import torch_training as deep
from headway.models.logistic import Columns
from headway.models.logistic import Parameters as Preparation
from headway.models.model import Fitted, Floats, History, Json, Matrix
from headway.models.state import decode, encode, packed, unpacked
from headway.models.training import sigmoid, training_weights

LOOKED_AT: Final = 256
"""Training rows on which the most telling features are found."""

CELLS_LEARNED_FROM: Final = 50_000
CELLS_AT_ONCE: Final = 65_536


@dataclass(frozen=True, slots=True)
class Prepared:
    """How columns become numbers near 0: standardised on the training rows, absences as columns of their own.

    Attributes:
        columns: the preparation that logistic regression has too.
        kept: which of its columns vary.
    """

    columns: Columns
    kept: NDArray[np.int64]

    @classmethod
    def learn(cls, values: Matrix) -> "Prepared":
        """The preparation that suits these rows."""
        columns = Columns.learn(values, Preparation())
        varying = np.concatenate([columns.scale, columns.absent_scale]) > 0
        return cls(columns, np.flatnonzero(varying))

    def values(self, values: Matrix) -> deep.Singles:
        """Shape (rows, kept columns)."""
        made = np.empty((len(values), len(self.kept)), dtype=np.float32)
        for start in range(0, len(values), CELLS_AT_ONCE):
            part = slice(start, start + CELLS_AT_ONCE)
            prepared = self.columns.prepare(Matrix(values.names, values.values[part]))[:, self.kept]
            made[part] = np.clip(prepared, -self.columns.reach, self.columns.reach)
        return made

    def by_feature(self, found: Floats, names: tuple[str, ...]) -> Floats:
        """What was found for kept columns, added up by feature, shape (rows, len(names)); others are left out."""
        summed = np.zeros((len(found), len(names)))
        for at, column in enumerate(self.kept):
            name = self.columns.names[column % len(self.columns.names)]
            if name in names:
                summed[:, names.index(name)] += found[:, at]
        return summed

    def as_json(self) -> dict[str, Json]:
        """The preparation as JSON values."""
        return {"columns": self.columns.as_json(), "kept": [int(column) for column in self.kept]}

    @classmethod
    def restore(cls, kept: Mapping[str, Any]) -> "Prepared":
        """The preparation that `as_json` told."""
        return cls(Columns.of_json(kept["columns"]), np.asarray(kept["kept"], dtype=np.int64))


@dataclass(frozen=True, slots=True)
class FittedSequence:
    """Trained networks with the preparation of their inputs.

    Attributes:
        name: the model's name, also of its files.
        network: what reads the steps.
        now: how flat features are prepared.
        past: how a step's features are; None where the model was trained without a history.
        steps: how many steps it reads, and the days between them; (1, 0) without a history.
        learned: the networks whose log-odds are averaged.
        about: parameters and the most telling features, for the model card.
    """

    name: str
    network: deep.Network
    now: Prepared
    past: Prepared | None
    steps: tuple[int, int]
    learned: list[deep.Learned]
    about: dict[str, Json]

    def risk(self, features: Matrix) -> Floats:
        """The sigmoid of the networks' mean log-odds, shape (rows,).

        Raises:
            InputError: the model reads a history and there is none, or one of other steps.
        """
        return sigmoid(deep.log_odds(self.network, self.learned, self._inputs(features)))

    def contributions(self, features: Matrix) -> Floats:
        """Integrated gradients from the mean training row, a feature's absences and all its steps added up.

        Near enough additive to compare rows; what a feature that is only in the history adds is not told.
        """
        now, past = deep.integrated_gradients(self.network, self.learned, self._inputs(features))
        steps = self.now if self.past is None else self.past
        return self.now.by_feature(now, features.names) + steps.by_feature(past, features.names)

    @property
    def reads(self) -> frozenset[str]:
        """The features that a row's risk depends on, now or before."""
        past = () if self.past is None else self.past.columns.names
        return frozenset((*self.now.columns.names, *past))

    @property
    def attends(self) -> bool:
        """Whether there is an `attention` to ask for."""
        return bool(getattr(self.network, "attends", False))

    def attention(self, features: Matrix) -> Floats:
        """The attention paid to each step, oldest first, shape (rows, steps); rows sum to 1.

        Where a network looked, not why it said what it said (Jain & Wallace 2019, Attention is not Explanation, doi
        10.18653/v1/N19-1357); reasons come from `contributions`.

        Raises:
            InputError: the model pays no attention, or as for `risk`.
        """
        if not self.attends:
            raise InputError(f"The model {self.name!r} pays no attention to steps. Ask the model 'attention'.")
        return deep.attention(self.network, self.learned, self._inputs(features))

    def facts(self) -> dict[str, Json]:
        """Parameters, steps, passes and held-out loss of each network, most telling features first."""
        told: list[Json] = [{"epochs": one.epochs, "held_out_loss": one.loss} for one in self.learned]
        return {"additive": False, "steps": self.steps[0], "step_days": self.steps[1], "networks": told, **self.about}

    def state(self) -> dict[str, bytes]:
        """The networks' arrays, and everything else as JSON."""
        arrays = {f"{n}-{name}": value for n, one in enumerate(self.learned) for name, value in one.weights.items()}
        told: dict[str, Json] = {
            "now": self.now.as_json(),
            "past": None if self.past is None else self.past.as_json(),
            "steps": list(self.steps),
            "networks": [{"epochs": one.epochs, "loss": one.loss} for one in self.learned],
            "about": self.about,
        }
        return {f"{self.name}.npz": packed(arrays), f"{self.name}.json": encode(told)}

    def _inputs(self, features: Matrix) -> deep.Inputs:
        now = self.now.values(features)
        if self.past is None:
            return deep.Inputs(now, now, np.arange(len(now), dtype=np.int32)[:, None])
        history = features.history
        if history is None or (history.steps, history.step_days) != self.steps:
            raise InputError(
                f"The model {self.name!r} reads {self.steps[0]} steps of {self.steps[1]} days, and these rows have "
                f"{'no history' if history is None else f'{history.steps} steps of {history.step_days} days'}. "
                "Give Matrix.history as in training."
            )
        cells, where = _used(history)
        return deep.Inputs(now, self.past.values(cells), where)


@dataclass(frozen=True, slots=True)
class SequenceModel:
    """A network as a model.

    Attributes:
        name: the name users type.
        summary: one line.
        network: what reads the steps.
        schedule: how it is trained.
        extra: the extra of headway that it needs.
        wants_history: that it reads `Matrix.history`.
    """

    name: str
    summary: str
    network: deep.Network
    schedule: deep.Schedule
    trivial: Literal[False] = False
    extra: str = deep.EXTRA
    wants_history: Literal[True] = True

    def fit(self, features: Matrix, labels: Floats, weights: Floats, seed: int) -> Fitted:
        """The trained networks; early stopping holds out whole learners where `Matrix.groups` tells them apart.

        Where it does not, rows are held out, equal ones together.

        Raises:
            ConfigError: torch is not installed.
            NotEnoughData: no rows, one class, or no column that varies.
        """
        scaled = training_weights(features, labels, weights)
        deep.torch_ready()
        history = features.history
        now = Prepared.learn(features)
        past = None if history is None else Prepared.learn(_sample(_used(history)[0], seed))
        if not len(now.kept) and (past is None or not len(past.kept)):
            raise NotEnoughData("No feature varies between the training rows. Choose a later day or another view.")
        steps = (1, 0) if history is None else (history.steps, history.step_days)
        draft = FittedSequence(self.name, self.network, now, past, steps, [], {})
        inputs = draft._inputs(features)
        owners = _owners(features, inputs)
        # Flat rows are what other models are for; one network is enough to say so.
        schedule = self.schedule if history is not None else replace(self.schedule, members=1)
        learned = deep.train(self.network, inputs, labels, scaled, owners, seed, schedule)
        about: dict[str, Json] = {"parameters": asdict(schedule) | {"width": self.network.width}}
        made = FittedSequence(self.name, self.network, now, past, steps, learned, about)
        about["telling"] = _telling(made, features, seed)
        return made

    def restore(self, state: Mapping[str, bytes]) -> Fitted:
        """The networks that the stored arrays describe.

        Raises:
            InputError: a part of the state is missing or damaged.
        """
        kept = decode(state, f"{self.name}.json")
        arrays = unpacked(state, f"{self.name}.npz")
        learned = [
            deep.Learned(_own(arrays, number), int(one["epochs"]), one["loss"])
            for number, one in enumerate(kept["networks"])
        ]
        past = None if kept["past"] is None else Prepared.restore(kept["past"])
        steps, days = kept["steps"]
        return FittedSequence(
            self.name, self.network, Prepared.restore(kept["now"]), past, (steps, days), learned, kept["about"]
        )


def _own(arrays: dict[str, deep.Singles], number: int) -> deep.Weights:
    """The arrays of one network; their names have its number before them."""
    return {name.partition("-")[2]: each for name, each in arrays.items() if name.partition("-")[0] == str(number)}


def _used(history: History) -> tuple[Matrix, NDArray[np.int32]]:
    """The cells that these rows look back at and no others, and where each step's is among them."""
    used = np.zeros(len(history.cells) + 1, dtype=np.bool_)
    used[history.where] = True
    used[-1] = False
    place = np.where(used, np.cumsum(used) - 1, -1).astype(np.int32)
    return Matrix(history.names, history.cells[used[:-1]].astype(np.float64)), place[history.where]


def _sample(cells: Matrix, seed: int) -> Matrix:
    if len(cells) <= CELLS_LEARNED_FROM:
        return cells
    drawn = np.random.default_rng([seed, 2]).choice(len(cells), CELLS_LEARNED_FROM, replace=False)
    return cells.rows(np.sort(drawn))


def _owners(features: Matrix, inputs: deep.Inputs) -> NDArray[np.int64]:
    """A number for each row: that of its learner where it is told, else one that equal rows share."""
    if features.groups is not None:
        return features.groups
    _, same = np.unique(inputs.fixed, axis=0, return_inverse=True)
    return np.asarray(same.reshape(-1), dtype=np.int64)


def _telling(made: FittedSequence, features: Matrix, seed: int) -> list[Json]:
    """The features by mean absolute contribution on some training rows, largest first."""
    some = np.random.default_rng([seed, 3]).permutation(len(features))[:LOOKED_AT]
    share = np.abs(made.contributions(features.rows(np.sort(some)))).mean(axis=0)
    names = sorted(range(len(share)), key=lambda at: (-share[at], features.names[at]))
    return [{"feature": features.names[at], "mean_contribution": round(float(share[at]), 6)} for at in names]
