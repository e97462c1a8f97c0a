"""An attention network over the days up to the as-of time; which days it looked at can be asked.

One block of self-attention (Vaswani et al. 2017, arXiv 1706.03762), then additive pooling (Bahdanau, Cho & Bengio 2015,
arXiv 1409.0473) whose weights are kept for `FittedSequence.attention`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import sqrt
from typing import Any, Final

import numpy as np

from headway.models.model import MODELS
from headway.models.sequences import SequenceModel
from headway.models.torch_training import Draw, Schedule, Weights

NEVER: Final = -1e9
"""The score of a step that is not there; finite, so that a row without any step is no NaN."""


@dataclass(frozen=True, slots=True)
class Attentive:
    """Steps with their place, mixed by one head of self-attention, then pooled."""

    width: int = 32
    attends: bool = True

    def first(self, draw: Draw, columns: int, steps: int) -> Weights:
        """Weights of the embedding, the block and the pooling."""
        width = self.width
        square = ("query", "key", "value", "mix", "pool")
        return {
            "embed": draw.matrix(width, columns),
            "embed_bias": np.zeros(width, dtype=np.float32),
            "place": draw.matrix(steps, width) * np.float32(0.1),
            **{name: draw.matrix(width, width) for name in square},
            "pool_bias": np.zeros(width, dtype=np.float32),
            "pool_out": draw.matrix(1, width),
        }

    def read(self, torch: Any, weights: Mapping[str, Any], steps: Any, mask: Any) -> tuple[Any, Any]:
        """The pooled steps, shape (rows, width), and the weight of each, shape (rows, steps)."""
        seen = torch.tanh(steps @ weights["embed"].T + weights["embed_bias"] + weights["place"])
        query, key, value = (seen @ weights[name].T for name in ("query", "key", "value"))
        scores = (query @ key.transpose(1, 2)) / sqrt(self.width)
        looked = torch.softmax(scores.masked_fill(~mask[:, None, :], NEVER), dim=2)
        mixed = seen + torch.tanh((looked @ value) @ weights["mix"].T)
        asked = torch.tanh(mixed @ weights["pool"].T + weights["pool_bias"]) @ weights["pool_out"].T
        paid = torch.softmax(asked[..., 0].masked_fill(~mask, NEVER), dim=1)
        return (paid.unsqueeze(-1) * mixed).sum(dim=1), paid


ATTENTION: Final = SequenceModel(
    "attention", "Attention over the last four weeks, day by day (torch, extra `deep`)", Attentive(), Schedule()
)
MODELS.add(ATTENTION.name, ATTENTION)
