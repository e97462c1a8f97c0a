"""The average of logistic regression and boosted trees: what is smooth in one and jagged in the other evens out.

Promises log-odds that are exactly the mean of both, and contributions likewise. It learns no weights; on few hundred
learners a weight learned would be noise.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from headway.domain.errors import InputError
from headway.models.boosting import BOOSTING
from headway.models.logistic import LOGISTIC
from headway.models.model import MODELS, Fitted, Floats, Json, Matrix
from headway.models.training import log_odds, sigmoid

PARTS: Final = {"logistic": LOGISTIC, "boosting": BOOSTING}
EDGE: Final = 1e-12


@dataclass(frozen=True, slots=True)
class FittedAverage:
    """The fitted parts, by name."""

    parts: dict[str, Fitted]

    def risk(self, features: Matrix) -> Floats:
        """The sigmoid of the mean log-odds, shape (rows,)."""
        odds = [log_odds(np.clip(part.risk(features), EDGE, 1 - EDGE)) for part in self.parts.values()]
        return sigmoid(np.asarray(sum(odds) / len(odds), dtype=np.float64))

    def contributions(self, features: Matrix) -> Floats:
        """The mean of the parts' contributions, each exact; base + row sum is the log-odds."""
        found = [part.contributions(features) for part in self.parts.values()]
        return np.asarray(sum(found) / len(found), dtype=np.float64)

    def facts(self) -> dict[str, Json]:
        """The facts of each part, and the mean of their bases."""
        facts: dict[str, Json] = {name: part.facts() for name, part in self.parts.items()}
        bases = [float(str(part.facts()["base_log_odds"])) for part in self.parts.values()]
        return {"additive": True, "base_log_odds": sum(bases) / len(bases), "parts": facts}

    def state(self) -> dict[str, bytes]:
        """The files of each part, its name before theirs."""
        return {f"{name}-{file}": data for name, part in self.parts.items() for file, data in part.state().items()}


@dataclass(frozen=True, slots=True)
class Average:
    """Mean log-odds of logistic regression and boosting."""

    name: str = "average"
    summary: str = "Mean of logistic regression and boosted trees, on the log-odds scale"
    trivial: Literal[False] = False

    def fit(self, features: Matrix, labels: Floats, weights: Floats, seed: int) -> Fitted:
        """Both parts, fitted on the same rows.

        Raises:
            NotEnoughData: no rows, one class, or no column that varies.
        """
        return FittedAverage({name: part.fit(features, labels, weights, seed) for name, part in PARTS.items()})

    def restore(self, state: Mapping[str, bytes]) -> Fitted:
        """The parts that the stored files describe.

        Raises:
            InputError: a file of a part is missing.
        """
        parts = {}
        for name, part in PARTS.items():
            own = {file.removeprefix(f"{name}-"): data for file, data in state.items() if file.startswith(f"{name}-")}
            if not own:
                raise InputError(f"The stored state has nothing of {name!r}. Train it again.")
            parts[name] = part.restore(own)
        return FittedAverage(parts)


AVERAGE = MODELS.add("average", Average())
