"""What of a model can be tuned: named ranges, and the model with other values.

Nobody else sets a model's parameters; `headway.evaluation.tuning` chooses within these ranges.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol, TypeVar, runtime_checkable

from headway.domain.errors import InputError, UnknownName
from headway.models.model import Model

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Range:
    """The values of a parameter that are worth trying.

    Attributes:
        low: the least.
        high: the greatest, included.
        log: whether they are tried on a log scale.
        whole: whether they are whole numbers.
    """

    low: float
    high: float
    log: bool = False
    whole: bool = False


@runtime_checkable
class Tunable(Protocol):
    """A model whose parameters can be chosen."""

    @property
    def space(self) -> Mapping[str, Range]:
        """The ranges, by parameter."""
        ...

    @property
    def parameters(self) -> Any:
        """The values in use, as a dataclass."""
        ...

    def with_params(self, **values: float) -> Model:
        """The model with these values, under the same name.

        Raises:
            UnknownName: no such parameter can be tuned.
            InputError: a value is outside its range.
        """
        ...


def chosen(parameters: T, space: Mapping[str, Range], values: Mapping[str, float]) -> T:
    """The parameters, a dataclass, with other values of those that can be tuned.

    Raises:
        UnknownName: no such parameter can be tuned.
        InputError: a value is outside its range.
    """
    found: dict[str, float | int] = {}
    for name, value in values.items():
        if name not in space:
            raise UnknownName.of("parameter", name, space)
        within = space[name]
        if not within.low <= value <= within.high:
            raise InputError(f"{name} = {value} is not between {within.low} and {within.high}.")
        found[name] = round(value) if within.whole else float(value)
    return replace(parameters, **found)  # type: ignore[type-var]  # T is a dataclass, which has no common base
