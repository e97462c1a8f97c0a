"""Logistic and deep tracing together: the mean of their log-odds.

The two err in different ways: one counts, the other remembers in what order. As a mean with equal weights it has
nothing to learn of its own, so no learner need be held out for it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from headway.models.mastery.dkt import Dkt, FittedDkt
from headway.models.mastery.logistic import FittedLogistic, LogisticTracer
from headway.models.mastery.responses import Responses
from headway.models.mastery.tracer import NEXT_RIGHT, TRACERS, Fitted
from headway.models.model import Floats, Json
from headway.models.torch_training import EXTRA
from headway.models.training import log_odds, sigmoid


@dataclass(frozen=True, slots=True)
class FittedBlend:
    """Two fitted models."""

    logistic: FittedLogistic
    dkt: FittedDkt

    @classmethod
    def of(cls, fitted: Mapping[str, Fitted]) -> "FittedBlend | None":
        """The blend of models that are fitted already, by name; None where one is missing."""
        logistic, dkt = fitted.get("logistic"), fitted.get("dkt")
        if isinstance(logistic, FittedLogistic) and isinstance(dkt, FittedDkt):
            return cls(logistic, dkt)
        return None

    def predict(self, responses: Responses) -> Floats:
        """See `tracer.Fitted.predict`."""
        return _mean(self.logistic.predict(responses), self.dkt.predict(responses))

    def mastery(self, responses: Responses) -> Floats:
        """See `tracer.Fitted.mastery`."""
        return _mean(self.logistic.mastery(responses), self.dkt.mastery(responses))

    def facts(self) -> dict[str, Json]:
        """Those of both."""
        return {"logistic": self.logistic.facts(), "dkt": self.dkt.facts()}

    def state(self) -> dict[str, bytes]:
        """See `tracer.Fitted.state`."""
        parts = {"logistic": self.logistic.state(), "dkt": self.dkt.state()}
        return {f"{part}-{name}": held for part, state in parts.items() for name, held in state.items()}


@dataclass(frozen=True, slots=True)
class Blend:
    """Logistic and deep tracing together."""

    name: str = "blend"
    summary: str = "The mean of logistic and dkt, in log-odds."
    mastery_is: str = NEXT_RIGHT
    extra: str = EXTRA
    logistic: LogisticTracer = field(default_factory=LogisticTracer)
    dkt: Dkt = field(default_factory=Dkt)

    def fit(self, responses: Responses, seed: int) -> FittedBlend:
        """See `tracer.Tracer.fit`."""
        return FittedBlend(self.logistic.fit(responses, seed), self.dkt.fit(responses, seed))

    def restore(self, state: Mapping[str, bytes]) -> FittedBlend:
        """See `tracer.Tracer.restore`."""

        def part(prefix: str) -> dict[str, bytes]:
            return {name.removeprefix(prefix): held for name, held in state.items() if name.startswith(prefix)}

        return FittedBlend(self.logistic.restore(part("logistic-")), self.dkt.restore(part("dkt-")))


def _mean(one: Floats, other: Floats) -> Floats:
    return sigmoid((log_odds(one) + log_odds(other)) / 2)


TRACERS.add("blend", Blend())
