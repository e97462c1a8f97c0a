"""What a model is: a small interface over plain numpy, with a state that is data and never code.

Models know features only as named columns. They do no I/O: `state` and `restore` speak bytes, and the registry keeps
them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from headway.domain.errors import InputError
from headway.domain.extensions import Extensions

Floats = NDArray[np.float64]
Json = str | int | float | bool | None | list["Json"] | dict[str, "Json"]


@dataclass(frozen=True, slots=True)
class Matrix:
    """Feature values, one row per (enrolment, as-of time).

    Attributes:
        names: feature names, in column order.
        values: shape (rows, features), float64; NaN where a value is absent.
    """

    names: tuple[str, ...]
    values: Floats

    def __post_init__(self) -> None:
        if self.values.ndim != 2 or self.values.shape[1] != len(self.names):
            raise InputError(f"{len(self.names)} feature names for values of shape {self.values.shape}.")

    def __len__(self) -> int:
        return int(self.values.shape[0])

    def rows(self, which: NDArray[np.bool_] | NDArray[np.int64]) -> "Matrix":
        """The rows that a mask or an index names."""
        return Matrix(self.names, self.values[which])

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
