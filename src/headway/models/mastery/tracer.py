"""What a mastery model is: it says the chance of a right answer before each answer, and what is mastered after it.

Promises for every model that is registered here: what is said before an answer depends neither on that answer nor on
any later one, nor on other learners who are asked about at the same time. `tests/unit/models/test_mastery_tracers.py`
holds them to it.
"""

from collections.abc import Mapping
from typing import Final, Protocol

from headway.domain.extensions import Extensions
from headway.models.mastery.responses import Responses
from headway.models.model import Floats, Json

MASTERED: Final = 0.95
"""A skill counts as mastered from this chance on (Corbett and Anderson 1995)."""


class Fitted(Protocol):
    """A mastery model that has learned."""

    def predict(self, responses: Responses) -> Floats:
        """The chance that each answer is right, shape (n,), as it stood before that answer."""
        ...

    def mastery(self, responses: Responses) -> Floats:
        """The mastery of each entry's skill right after its answer, shape (m,).

        What that is, the model says (`Tracer.mastery_is`): the chance that the skill is known, or the chance that the
        next answer on it is right.
        """
        ...

    def facts(self) -> dict[str, Json]:
        """What should be said about it: sizes, parameters, iterations."""
        ...

    def state(self) -> dict[str, bytes]:
        """Everything `Tracer.restore` needs, as named byte strings (JSON, or npz without objects)."""
        ...


class Tracer(Protocol):
    """A way to trace mastery. Made once per module and registered in `TRACERS`."""

    @property
    def name(self) -> str:
        """The name users type."""
        ...

    @property
    def summary(self) -> str:
        """One line: what it is."""
        ...

    @property
    def mastery_is(self) -> str:
        """What its mastery is the chance of."""
        ...

    def fit(self, responses: Responses, seed: int) -> Fitted:
        """The fitted model; the same answers and seed give the same state, byte for byte.

        Raises:
            NotEnoughData: no answers, or all of them right, or all wrong.
            ConfigError: a library that it needs is not installed.
        """
        ...

    def restore(self, state: Mapping[str, bytes]) -> Fitted:
        """The fitted model that `state` came from.

        Raises:
            InputError: the state is damaged.
        """
        ...


KNOWN: Final = "the chance that the skill is known"
NEXT_RIGHT: Final = "the chance that the next answer on the skill is right"

TRACERS: Extensions[Tracer] = Extensions("tracers", "headway.models.mastery")
