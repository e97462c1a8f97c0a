"""What a model is: a small interface over plain numpy, with a state that is data and never code.

Models know features only as named columns. They do no I/O: `state` and `restore` speak bytes, and the registry keeps
them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from headway.domain.errors import InputError
from headway.domain.extensions import Extensions

Floats = NDArray[np.float64]
Json = str | int | float | bool | None | list["Json"] | dict[str, "Json"]


@dataclass(frozen=True, slots=True)
class History:
    """Features at the as-of times up to each row's own, for models that read a sequence.

    Kept as the cells that rows look back at, each once: neighbouring rows of a learner share most of theirs.

    Attributes:
        names: feature names, in the order of the last axis.
        step_days: days from one step to the next.
        cells: shape (cells, features), float32; NaN where a value is absent.
        where: shape (rows, steps), oldest step first: the cell of each step, -1 where the learner was not enrolled.
    """

    names: tuple[str, ...]
    step_days: int
    cells: NDArray[np.float32]
    where: NDArray[np.int32]

    def __post_init__(self) -> None:
        if self.cells.ndim != 2 or self.cells.shape[1] != len(self.names):
            raise InputError(f"{len(self.names)} feature names for cells of shape {self.cells.shape}.")

    def __len__(self) -> int:
        return int(self.where.shape[0])

    @property
    def steps(self) -> int:
        """How many steps a row has; the last is at the row's own as-of time."""
        return int(self.where.shape[1])

    @property
    def mask(self) -> NDArray[np.bool_]:
        """Shape (rows, steps): whether there is anything at a step."""
        return np.asarray(self.where >= 0, dtype=np.bool_)

    @property
    def values(self) -> NDArray[np.float32]:
        """Shape (rows, steps, features); 0 where the mask is false."""
        if not len(self.cells):
            return np.zeros((*self.where.shape, len(self.names)), dtype=np.float32)
        return np.where(self.mask[..., None], self.cells[self.where], np.float32(0))

    def rows(self, which: NDArray[np.bool_] | NDArray[np.int64]) -> "History":
        """The rows that a mask or an index names; the cells stay shared."""
        return History(self.names, self.step_days, self.cells, self.where[which])


@dataclass(frozen=True, slots=True)
class Matrix:
    """Feature values, one row per (enrolment, as-of time).

    Attributes:
        names: feature names, in column order.
        values: shape (rows, features), float64; NaN where a value is absent.
        history: the same rows' past, where a model wants it (see `wants_history`).
        groups: shape (rows,): whom a training row belongs to, only so that a model can hold out whole learners.
        eras: shape (rows,): the place of a training row's run in time, 0 for the earliest, for the same reason.
    """

    names: tuple[str, ...]
    values: Floats
    history: History | None = None
    groups: NDArray[np.int64] | None = None
    eras: NDArray[np.int64] | None = None

    def __post_init__(self) -> None:
        for own in (self.groups, self.eras):
            if own is not None and own.shape != (len(self.values),):
                raise InputError(f"{len(self.values)} rows, but groups or eras of shape {own.shape}.")
        if self.values.ndim != 2 or self.values.shape[1] != len(self.names):
            raise InputError(f"{len(self.names)} feature names for values of shape {self.values.shape}.")
        if self.history is not None and len(self.history) != len(self.values):
            raise InputError(f"{len(self.values)} rows, but a history of {len(self.history)}.")

    def __len__(self) -> int:
        return int(self.values.shape[0])

    def rows(self, which: NDArray[np.bool_] | NDArray[np.int64]) -> "Matrix":
        """The rows that a mask or an index names."""
        return Matrix(
            self.names,
            self.values[which],
            None if self.history is None else self.history.rows(which),
            None if self.groups is None else self.groups[which],
            None if self.eras is None else self.eras[which],
        )

    def column(self, name: str) -> Floats:
        """The values of one feature.

        Raises:
            InputError: the matrix has no such feature.
        """
        if name not in self.names:
            raise InputError(f"This model needs the feature {name!r}; the view has {', '.join(self.names)}.")
        return np.asarray(self.values[:, self.names.index(name)], dtype=np.float64)

    def ordered(self, names: tuple[str, ...]) -> Floats:
        """The values with columns in the order of `names`, so that column order never changes a prediction.

        Raises:
            InputError: the matrix lacks one of them.
        """
        missing = [name for name in names if name not in self.names]
        if missing:
            raise InputError(f"The view lacks features that the model was trained with: {', '.join(missing)}.")
        return np.asarray(self.values[:, [self.names.index(name) for name in names]], dtype=np.float64)


def joined(parts: Sequence[Matrix]) -> Matrix:
    """The rows of all parts, one after the other; with their histories, where all of them have one.

    Groups and eras are numbers within a part, so they are left behind.

    Raises:
        InputError: no parts, or parts of different features.
    """
    if not parts or any(part.names != parts[0].names for part in parts):
        raise InputError("Only rows of the same features can be joined: compute them with one view.")
    values = np.concatenate([part.values for part in parts])
    histories = [part.history for part in parts if part.history is not None]
    return Matrix(parts[0].names, values, joined_histories(histories) if len(histories) == len(parts) else None)


def joined_histories(parts: Sequence[History]) -> History:
    """The rows of all histories, one after the other; cells that parts share are kept once.

    Raises:
        InputError: histories of different features or steps.
    """
    first = parts[0]
    if any((part.names, part.steps, part.step_days) != (first.names, first.steps, first.step_days) for part in parts):
        raise InputError("Only histories of the same features and steps can be joined.")
    different = list({id(part.cells): part for part in parts}.values())
    starts = np.cumsum([0, *(len(part.cells) for part in different)])
    start_of = {id(part.cells): start for part, start in zip(different, starts, strict=False)}
    where = [np.where(part.where >= 0, part.where + start_of[id(part.cells)], -1) for part in parts]
    cells = first.cells if len(different) == 1 else np.concatenate([part.cells for part in different])
    return History(first.names, first.step_days, cells, np.concatenate(where).astype(np.int32))


def wants_history(model: object) -> bool:
    """Whether a model reads `Matrix.history`: it declares `wants_history = True`."""
    return bool(getattr(model, "wants_history", False))


class Fitted(Protocol):
    """A model that has learned."""

    def risk(self, features: Matrix) -> Floats:
        """The uncalibrated risk of each row, shape (rows,), in [0, 1]."""
        ...

    def contributions(self, features: Matrix) -> Floats:
        """What each feature adds to each row's log-odds, shape (rows, len(features.names)), columns as in `features`.

        Positive points to the label being true. A row's contributions and the base sum to its log-odds for models that
        are additive in them; a model that cannot say returns zeros.
        """
        ...

    def facts(self) -> dict[str, Json]:
        """What a model card should say about it: parameters, iterations, most telling features."""
        ...

    def state(self) -> dict[str, bytes]:
        """Everything `Model.restore` needs, as named byte strings (JSON, text or npz without objects)."""
        ...


class Model(Protocol):
    """A way to learn a risk. Made once per module and registered in `MODELS`."""

    @property
    def name(self) -> str:
        """The name users type."""
        ...

    @property
    def summary(self) -> str:
        """One line: what it is."""
        ...

    @property
    def trivial(self) -> bool:
        """Whether it is a rule that others must beat; rules are printed beside every other model."""
        ...

    def fit(self, features: Matrix, labels: Floats, weights: Floats, seed: int) -> Fitted:
        """The fitted model; the same input and seed give the same state, byte for byte.

        Args:
            features: the training rows.
            labels: shape (rows,), 0 or 1.
            weights: shape (rows,), positive.
            seed: seeds every random choice.

        Raises:
            NotEnoughData: fewer than two classes, or no rows.
        """
        ...

    def restore(self, state: Mapping[str, bytes]) -> Fitted:
        """The fitted model that `state` came from."""
        ...


MODELS: Extensions[Model] = Extensions("models", "headway.models")
