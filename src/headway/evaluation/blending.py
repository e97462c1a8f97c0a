"""Blending: how much to trust what past runs taught, and how much what the running course itself has shown.

Promises weights that are never negative and that were learned on past runs alone, in each of which both parts were
tried as they would have been used there on the same day. Nobody else weighs one paradigm against another.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from headway.models.model import Fitted, Floats, Json, Matrix, Model
from headway.models.state import decode, encode
from headway.models.training import log_odds, sigmoid

PART: Final = "blend.json"
THERE: Final = "transfer-"
HERE: Final = "in-situ-"
EDGE: Final = 1e-6
ROWS_A_RUN: Final = 200.0
"""Every past run counts like so many learners: the question is what the next run will do, not the next learner."""

DOUBT: Final = 0.5
"""Standard deviation of the weights around the transfer model alone, before any past run has spoken."""


@dataclass(frozen=True, slots=True)
class Signal:
    """What a model that learned in a running course says of its learners, as distances from its cohort.

    A proxy has another base rate than the label, and in each course another one. Only the order and the distances
    within the cohort carry over from one course to the next.

    Attributes:
        centre: mean log-odds of all enrolled at the as-of time.
        spread: their standard deviation.
    """

    centre: float
    spread: float

    @classmethod
    def of(cls, cohort: Floats) -> "Signal":
        """The scale of a cohort's risks, shape (learners,)."""
        odds = _odds(cohort)
        return cls(float(odds.mean()), float(odds.std()))

    def apply(self, risks: Floats) -> Floats:
        """The risks in standard deviations from the cohort's mean; zeros where a cohort's risks are all the same."""
        if self.spread < EDGE:
            return np.zeros(len(risks))
        return np.asarray((_odds(risks) - self.centre) / self.spread, dtype=np.float64)


@dataclass(frozen=True, slots=True)
class Tried:
    """A past run in which both parts were tried on the same rows.

    Attributes:
        transfer: risks from other runs, not calibrated, shape (rows,).
        in_situ: what the run itself showed by that day, as `Signal.apply` gives it.
        labels: what became of the learners.
        learners: who they are.
    """

    transfer: Floats
    in_situ: Floats
    labels: Floats
    learners: NDArray[np.object_]


@dataclass(frozen=True, slots=True)
class Blend:
    """A weighted sum on the log-odds scale (Wolpert 1992, doi:10.1016/S0893-6080(05)80023-1).

    Weights are not negative, as Breiman (1996, doi:10.1007/BF00117832) found stacking to need.

    Attributes:
        base: what is added.
        transfer: weight of the transfer model's log-odds.
        in_situ: weight of the in-situ signal.
    """

    base: float
    transfer: float
    in_situ: float

    def risks(self, transfer: Floats, in_situ: Floats) -> Floats:
        """The blended risk of each row; arguments as in `Tried`."""
        return sigmoid(self.base + self.transfer * _odds(transfer) + self.in_situ * in_situ)

    def as_json(self) -> dict[str, Json]:
        """The weights."""
        return {"transfer": self.transfer, "in_situ": self.in_situ}


@dataclass(frozen=True, slots=True)
class FittedBlend:
    """Two fits of one model, weighed: a `Fitted` like any other, for the run whose cohort `signal` was told of.

    Attributes:
        there: learned from past runs.
        here: learned in the running course.
        signal: the scale of what `here` says.
        blend: how much each counts.
    """

    there: Fitted
    here: Fitted
    signal: Signal
    blend: Blend

    def risk(self, features: Matrix) -> Floats:
        """The blended risk of each row, shape (rows,)."""
        return self.blend.risks(self.there.risk(features), self.signal.apply(self.here.risk(features)))

    def contributions(self, features: Matrix) -> Floats:
        """The weighed contributions of both; where both are sums, so is the blend."""
        there = self.blend.transfer * self.there.contributions(features)
        return np.asarray(there + self._by_spread * self.here.contributions(features), dtype=np.float64)

    def facts(self) -> dict[str, Json]:
        """The weights, and the facts of both parts."""
        there, here = self.there.facts(), self.here.facts()
        facts: dict[str, Json] = {"additive": False, "blend": self.blend.as_json()}
        if there.get("additive") is True and here.get("additive") is True:
            distance = float(str(here["base_log_odds"])) - self.signal.centre
            base = self.blend.base + self.blend.transfer * float(str(there["base_log_odds"]))
            facts |= {"additive": True, "base_log_odds": base + self._by_spread * distance}
        return facts | {"parts": {"transfer": there, "in-situ": here}}

    def state(self) -> dict[str, bytes]:
        """The weights and the scale, and the files of both parts, the part's name before theirs."""
        own = {PART: encode({"blend": asdict(self.blend), "signal": asdict(self.signal)})}
        there = {f"{THERE}{file}": data for file, data in self.there.state().items()}
        return own | there | {f"{HERE}{file}": data for file, data in self.here.state().items()}

    @property
    def _by_spread(self) -> float:
        """What a log-odds of `here` counts."""
        return self.blend.in_situ / self.signal.spread if self.signal.spread >= EDGE else 0.0


def restored(model: Model, state: Mapping[str, bytes]) -> Fitted:
    """The fit that `state` came from: of the model itself, or a blend of two of them.

    Raises:
        InputError: the state is damaged.
    """
    if PART not in state:
        return model.restore(state)
    kept = decode(state, PART)

    def part(name: str) -> Fitted:
        return model.restore({file.removeprefix(name): data for file, data in state.items() if file.startswith(name)})

    return FittedBlend(part(THERE), part(HERE), Signal(**kept["signal"]), Blend(**kept["blend"]))


def learned(past: Sequence[Tried]) -> Blend:
    """The blend under which the outcomes of past runs were most likely, each run counting the same.

    Maximises the log likelihood of a logistic regression with both weights kept at zero or above, and drawn towards
    the transfer model alone as far as `DOUBT` says. With one run or few rows it therefore stays near that model.

    Args:
        past: runs with rows of both labels; without any, the transfer model stands alone.
    """
    from scipy.optimize import minimize

    told = [run for run in past if 0 < run.labels.sum() < len(run.labels)]
    if not told:
        return Blend(0.0, 1.0, 0.0)
    design = np.concatenate([np.column_stack([np.ones(len(t.labels)), _odds(t.transfer), t.in_situ]) for t in told])
    labels = np.concatenate([run.labels for run in told])
    weights = np.concatenate([np.full(len(t.labels), min(1.0, ROWS_A_RUN / len(t.labels))) for t in told])
    prior, strength = np.array([0.0, 1.0, 0.0]), np.array([0.0, 1.0, 1.0]) / DOUBT**2

    def loss(found: Floats) -> tuple[float, Floats]:
        z = design @ found
        away = found - prior
        value = float(weights @ (np.logaddexp(0, z) - labels * z) + 0.5 * strength @ away**2)
        return value, np.asarray(design.T @ (weights * (sigmoid(z) - labels)) + strength * away, dtype=np.float64)

    found = minimize(loss, prior, jac=True, method="L-BFGS-B", bounds=[(None, None), (0.0, None), (0.0, None)])
    return Blend(*(float(number) for number in found.x))


def _odds(risks: Floats) -> Floats:
    return log_odds(np.clip(risks, EDGE, 1 - EDGE))
