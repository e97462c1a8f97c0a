"""An LSTM over the days up to the as-of time, with what is known now joined at the head.

Steps before the learner enrolled are left out rather than read as zeros: those that are there are moved together, and
the state after the last of them is what the head sees.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from headway.models.model import MODELS
from headway.models.sequences import SequenceModel
from headway.models.torch_training import Draw, Schedule, Weights

GATES: Final = 4


@dataclass(frozen=True, slots=True)
class Recurrent:
    """A long short-term memory (Hochreiter & Schmidhuber 1997, doi 10.1162/neco.1997.9.8.1735).

    The forget gate starts open (Gers, Schmidhuber & Cummins 2000, doi 10.1162/089976600300015015).
    """

    width: int = 32

    def first(self, draw: Draw, columns: int, steps: int) -> Weights:
        """Weights of one layer; gates in torch's order: input, forget, cell, output."""
        del steps
        bias = np.zeros(GATES * self.width, dtype=np.float32)
        bias[self.width : 2 * self.width] = 1
        return {
            "input": draw.matrix(GATES * self.width, columns),
            "state": draw.matrix(GATES * self.width, self.width),
            "input_bias": bias,
            "state_bias": np.zeros_like(bias),
        }

    def read(self, torch: Any, weights: Mapping[str, Any], steps: Any, mask: Any) -> tuple[Any, None]:
        """The state after the last step that is there, shape (rows, width)."""
        rows, _, columns = steps.shape
        if not bool(mask.all()):
            order = torch.argsort(mask.logical_not().to(torch.int8), dim=1, stable=True)
            steps = torch.gather(steps, 1, order.unsqueeze(-1).expand(-1, -1, columns))
        nothing = torch.zeros(1, rows, self.width, dtype=steps.dtype, device=steps.device)
        layer = [weights[name] for name in ("input", "state", "input_bias", "state_bias")]
        training = bool(weights["state"].requires_grad)
        states, _, _ = torch.lstm(steps, (nothing, nothing), layer, True, 1, 0.0, training, False, True)
        last = (mask.sum(dim=1) - 1).clamp(min=0)
        return states[torch.arange(rows, device=steps.device), last], None


LSTM: Final = SequenceModel(
    "lstm", "LSTM over the last four weeks, day by day (torch, extra `deep`)", Recurrent(), Schedule()
)
MODELS.add(LSTM.name, LSTM)
