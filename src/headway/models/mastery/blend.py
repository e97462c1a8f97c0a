"""Logistic, boosted and deep tracing together: the mean of their log-odds.

They err in different ways: one adds up counts, one combines them, one remembers in what order things came. As a mean
with equal weights it has nothing to learn of its own, so no learner need be held out for it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

from headway.models.mastery.boosted import BoostedTracer
from headway.models.mastery.dkt import Dkt
from headway.models.mastery.logistic import LogisticTracer
from headway.models.mastery.responses import Responses
from headway.models.mastery.tracer import NEXT_RIGHT, TRACERS, Fitted, Tracer
from headway.models.model import Floats, Json
from headway.models.torch_training import EXTRA
from headway.models.training import log_odds, sigmoid

PARTS = ("logistic", "boosted", "dkt")


@dataclass(frozen=True, slots=True)
class FittedBlend:
    """Fitted models by name, those of `PARTS`."""

    parts: Mapping[str, Fitted]

    @classmethod
    def of(cls, fitted: Mapping[str, Fitted]) -> "FittedBlend | None":
        """The blend of models that are fitted already, by name; None where one is missing."""
        return cls({name: fitted[name] for name in PARTS}) if set(PARTS) <= set(fitted) else None

    def predict(self, responses: Responses) -> Floats:
        """See `tracer.Fitted.predict`."""
        return self._mean(lambda part: part.predict(responses))

    def mastery(self, responses: Responses) -> Floats:
        """See `tracer.Fitted.mastery`."""
        return self._mean(lambda part: part.mastery(responses))

    def _mean(self, told: Callable[[Fitted], Floats]) -> Floats:
        return sigmoid(np.mean([log_odds(told(part)) for part in self.parts.values()], axis=0))

    def facts(self) -> dict[str, Json]:
        """Those of all parts."""
        return {name: part.facts() for name, part in self.parts.items()}

    def state(self) -> dict[str, bytes]:
        """See `tracer.Fitted.state`."""
        states = {name: part.state() for name, part in self.parts.items()}
        return {f"{part}-{name}": held for part, state in states.items() for name, held in state.items()}


@dataclass(frozen=True, slots=True)
class Blend:
    """Logistic, boosted and deep tracing together."""

    name: str = "blend"
    summary: str = "The mean of logistic, boosted and dkt, in log-odds."
    mastery_is: str = NEXT_RIGHT
    extra: str = EXTRA
    logistic: Tracer = field(default_factory=LogisticTracer)
    boosted: Tracer = field(default_factory=BoostedTracer)
    dkt: Tracer = field(default_factory=Dkt)

    def fit(self, responses: Responses, seed: int) -> FittedBlend:
        """See `tracer.Tracer.fit`."""
        return FittedBlend({name: part.fit(responses, seed) for name, part in self._parts().items()})

    def restore(self, state: Mapping[str, bytes]) -> FittedBlend:
        """See `tracer.Tracer.restore`."""

        def of(part: str) -> dict[str, bytes]:
            prefix = f"{part}-"
            return {name.removeprefix(prefix): held for name, held in state.items() if name.startswith(prefix)}

        return FittedBlend({name: part.restore(of(name)) for name, part in self._parts().items()})

    def _parts(self) -> dict[str, Tracer]:
        return dict(zip(PARTS, (self.logistic, self.boosted, self.dkt), strict=True))


TRACERS.add("blend", Blend())
