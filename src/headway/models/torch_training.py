"""The one owner of torch: how a network is trained, read and explained, the same on every run.

Promises the same weights, byte for byte, for the same rows and seed on the same kind of machine: every random number is
drawn by generators of our own, one thread computes, and only deterministic kernels are allowed. What is told of a row
is computed in double precision and rounded far above its noise, so that it does not depend on the rows beside it.
Networks are plain functions of named arrays, so that a state is data.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from headway.domain.extensions import needs
from headway.models.model import Floats

EXTRA: Final = "deep"

Singles = NDArray[np.float32]
Weights = dict[str, Singles]

DECIMALS: Final = 9
"""Log-odds are told to this many decimals: double precision leaves noise of about 1e-14 between batches."""

ROWS_AT_ONCE: Final = 1024

NODES: Final = 8
"""Points of the Gauss-Legendre rule along the path of integrated gradients."""


@dataclass(frozen=True, slots=True)
class Inputs:
    """What a network reads, prepared; rows stay apart.

    Attributes:
        fixed: shape (rows, columns): what is known now.
        cells: shape (cells, columns of a step).
        where: shape (rows, steps): the cell of each step, oldest first; -1 where there is none.
    """

    fixed: Singles
    cells: Singles
    where: NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.where)


class Network(Protocol):
    """The part of a network that reads the steps; the head is shared (see `head`)."""

    def first(self, draw: "Draw", columns: int, steps: int) -> Weights:
        """The weights before training, by name."""
        ...

    @property
    def width(self) -> int:
        """How many numbers a row's steps become."""
        ...

    def read(self, torch: Any, weights: Mapping[str, Any], steps: Any, mask: Any) -> tuple[Any, Any]:
        """A row's steps as `width` numbers, and the attention paid to each step or None.

        Args:
            torch: the library.
            weights: tensors by name.
            steps: shape (rows, steps, columns).
            mask: shape (rows, steps).
        """
        ...


@dataclass(frozen=True, slots=True)
class Schedule:
    """How to train.

    Attributes:
        hidden: width of the head's hidden layer.
        rate: the learning rate of AdamW (Loshchilov & Hutter 2019, doi 10.48550/arXiv.1711.05101) at the start.
        decay: its weight decay.
        dropout: share of inputs of the head that a training step leaves out.
        clip: greatest norm of a gradient.
        batch: rows a step, for many rows; fewer rows take smaller ones.
        epochs: most passes over the rows.
        most_rows: most rows over all passes, so that large data take fewer passes.
        patience: passes without a better held-out loss before training stops.
        held_out: share of the learners that decide when to stop.
        fewest: with fewer rows nothing is held out, and `blind_epochs` passes are made.
        blind_epochs: see above.
        members: networks whose log-odds are averaged, each holding out other learners, for few rows.
        few: with more rows there is one network.
    """

    hidden: int = 32
    rate: float = 4e-3
    decay: float = 0.05
    dropout: float = 0.3
    clip: float = 1.0
    batch: int = 256
    epochs: int = 20
    most_rows: int = 1_500_000
    patience: int = 4
    held_out: float = 0.2
    fewest: int = 60
    blind_epochs: int = 5
    members: int = 3
    few: int = 20_000


@dataclass(frozen=True, slots=True)
class Learned:
    """A trained network.

    Attributes:
        weights: arrays by name.
        epochs: the pass whose weights were kept.
        loss: mean held-out log loss there; None where nothing was held out.
    """

    weights: Weights
    epochs: int
    loss: float | None


class Draw:
    """Starting weights: uniform within one over the root of the number of inputs."""

    def __init__(self, seed: int) -> None:
        self.random = np.random.default_rng(seed)

    def matrix(self, outputs: int, inputs: int) -> Singles:
        """Shape (outputs, inputs)."""
        reach = 1 / np.sqrt(max(inputs, 1))
        return self.random.uniform(-reach, reach, (outputs, inputs)).astype(np.float32)


def torch_ready() -> Any:
    """The library, set to one thread and deterministic kernels.

    One thread is on purpose: networks this small gain nothing from a second one, and several are trained at a time.

    Raises:
        ConfigError: it is not installed.
    """
    torch = needs(EXTRA, "torch")
    torch.set_num_threads(1)
    # On a GPU cuBLAS repeats itself only where CUBLAS_WORKSPACE_CONFIG says so; without it torch warns, and trains.
    torch.use_deterministic_algorithms(True, warn_only=torch.cuda.is_available())
    return torch


def head_first(draw: Draw, inputs: int, hidden: int) -> Weights:
    """The head's weights before training: a hidden layer beside a straight line."""
    return {
        "head_in": draw.matrix(hidden, inputs),
        "head_in_bias": np.zeros(hidden, dtype=np.float32),
        "head_out": draw.matrix(1, hidden),
        "head_line": np.zeros((1, inputs), dtype=np.float32),
        "head_bias": np.zeros(1, dtype=np.float32),
    }


def train(
    network: Network,
    inputs: Inputs,
    labels: Floats,
    weights: Floats,
    owners: NDArray[np.int64],
    seed: int,
    schedule: Schedule,
) -> list[Learned]:
    """The trained networks, whose log-odds are to be averaged.

    Args:
        network: what reads the steps.
        inputs: the training rows.
        labels: shape (rows,), 0 or 1.
        weights: shape (rows,), mean 1.
        owners: shape (rows,): rows of one owner are held out together.
        seed: seeds every random choice.
        schedule: how.

    Raises:
        ConfigError: torch is not installed.
    """
    members = schedule.members if schedule.fewest <= len(inputs) < schedule.few else 1
    fold = _folds(owners, max(round(1 / schedule.held_out), members), seed)
    made = []
    for member in range(members):
        held_out = fold == member if len(inputs) >= schedule.fewest else np.zeros(len(inputs), dtype=np.bool_)
        if held_out.all():
            held_out = np.zeros(len(inputs), dtype=np.bool_)
        fit = _Fit(network, inputs, labels, weights, seed * 1_009 + member, schedule)
        made.append(fit.run(np.flatnonzero(~held_out), np.flatnonzero(held_out)))
    return made


def log_odds(network: Network, learned: list[Learned], inputs: Inputs) -> Floats:
    """The mean log-odds of the networks for each row, shape (rows,), the same whatever rows stand beside."""
    found = np.zeros(len(inputs))
    for reader in _readers(network, learned, inputs):
        for rows, batch in reader.batches():
            with reader.torch.no_grad():
                found[rows] += reader.told(*batch)[0].cpu().numpy()
    return np.asarray(np.round(found / len(learned), DECIMALS), dtype=np.float64)


def attention(network: Network, learned: list[Learned], inputs: Inputs) -> Floats:
    """The mean attention that the networks pay to each step, shape (rows, steps); rows sum to 1."""
    found = np.zeros(inputs.where.shape)
    for reader in _readers(network, learned, inputs):
        for rows, batch in reader.batches():
            with reader.torch.no_grad():
                found[rows] += reader.told(*batch)[1].cpu().numpy()
    return np.asarray(np.round(found / len(learned), DECIMALS), dtype=np.float64)


def integrated_gradients(network: Network, learned: list[Learned], inputs: Inputs) -> tuple[Floats, Floats]:
    """What each prepared column adds to the log-odds: shapes (rows, fixed columns) and (rows, columns of a step).

    Integrated gradients (Sundararajan, Taly & Yan 2017, Axiomatic Attribution for Deep Networks, arXiv 1703.01365)
    along the straight path from the training mean, which is 0 in every prepared column, by a Gauss-Legendre rule of
    `NODES` points; those of a step's columns are summed over the steps. They add up to the distance from the log-odds
    of the mean row but for the rule's error.
    """
    fixed, steps = np.zeros(inputs.fixed.shape), np.zeros((len(inputs), inputs.cells.shape[1]))
    nodes, shares = np.polynomial.legendre.leggauss(NODES)
    for reader in _readers(network, learned, inputs):
        for rows, (now, past, mask) in reader.batches():
            for node, share in zip((nodes + 1) / 2, shares / 2, strict=True):
                at = (now * node).requires_grad_(), (past * node).requires_grad_()
                odds, _ = reader.told(at[0], at[1], mask)
                slopes = reader.torch.autograd.grad(odds.sum(), at)
                fixed[rows] += share * (slopes[0] * now).cpu().numpy()
                steps[rows] += share * (slopes[1] * past).sum(dim=1).cpu().numpy()
    return fixed / len(learned), steps / len(learned)


@dataclass(frozen=True, slots=True)
class _Reader:
    """A trained network that is asked about rows, in double precision."""

    torch: Any
    network: Network
    weights: dict[str, Any]
    inputs: Inputs

    def batches(self) -> Iterator[tuple[slice, tuple[Any, Any, Any]]]:
        """Blocks of rows: what is known now, the steps, and which there are."""
        torch, device = self.torch, _device(self.torch)
        cells = _with_nothing(self.inputs.cells)
        for start in range(0, len(self.inputs), ROWS_AT_ONCE):
            rows = slice(start, start + ROWS_AT_ONCE)
            where = self.inputs.where[rows]
            now, past = (
                torch.tensor(part, dtype=torch.float64, device=device)
                for part in (self.inputs.fixed[rows], cells[where])
            )
            yield rows, (now, past, torch.tensor(where >= 0, device=device))

    def told(self, now: Any, past: Any, mask: Any) -> tuple[Any, Any]:
        """Log-odds, and attention or None."""
        return _forward(self.torch, self.network, self.weights, (now, past, mask), lambda kept: kept)


def _readers(network: Network, learned: list[Learned], inputs: Inputs) -> Iterator[_Reader]:
    torch = torch_ready()
    device = _device(torch)
    for one in learned:
        weights = {n: torch.tensor(v, dtype=torch.float64, device=device) for n, v in one.weights.items()}
        yield _Reader(torch, network, weights, inputs)


def _forward(
    torch: Any, network: Network, weights: Mapping[str, Any], batch: tuple[Any, Any, Any], drop: Callable[[Any], Any]
) -> tuple[Any, Any]:
    now, past, mask = batch
    read, paid = network.read(torch, weights, past, mask)
    # A learner without any step says nothing by them.
    read = read * mask.any(dim=1, keepdim=True)
    joined = drop(torch.cat([read, now], dim=1))
    hidden = torch.relu(joined @ weights["head_in"].T + weights["head_in_bias"])
    odds = drop(hidden) @ weights["head_out"].T + joined @ weights["head_line"].T + weights["head_bias"]
    return odds[:, 0], paid


class _Fit:
    """One network being trained."""

    def __init__(
        self, network: Network, inputs: Inputs, labels: Floats, weights: Floats, seed: int, schedule: Schedule
    ) -> None:
        self.torch = torch = torch_ready()
        self.device = device = _device(torch)
        self.network, self.schedule, self.size = network, schedule, len(inputs)
        self.now = torch.tensor(inputs.fixed, device=device)
        self.cells = torch.tensor(_with_nothing(inputs.cells), device=device)
        self.where = torch.tensor(inputs.where, dtype=torch.int64, device=device)
        self.labels = torch.tensor(labels, dtype=torch.float32, device=device)
        self.weights = torch.tensor(weights, dtype=torch.float32, device=device)
        self.order = np.random.default_rng(seed)
        self.lots = torch.Generator(device=device).manual_seed(seed % 2**63)
        draw = Draw(seed % 2**63)
        first = network.first(draw, inputs.cells.shape[1], inputs.where.shape[1])
        first |= head_first(draw, network.width + inputs.fixed.shape[1], schedule.hidden)
        self.parameters = {name: torch.tensor(value, device=device).requires_grad_() for name, value in first.items()}

    def run(self, rows: NDArray[np.int64], held_out: NDArray[np.int64]) -> Learned:
        """The network of the pass with the least held-out loss, or of the last where nothing is held out."""
        schedule = self.schedule
        passes = max(2, min(schedule.epochs, schedule.most_rows // max(len(rows), 1)))
        passes = passes if len(held_out) else schedule.blind_epochs
        batch = int(np.clip(len(rows) // 12, 32, schedule.batch))
        steps = passes * -(-len(rows) // batch)
        optimiser = self.torch.optim.AdamW(
            [
                {"params": [p for p in self.parameters.values() if p.ndim > 1], "weight_decay": schedule.decay},
                {"params": [p for p in self.parameters.values() if p.ndim == 1], "weight_decay": 0.0},
            ],
            lr=schedule.rate,
            fused=True,
        )
        pace = self.torch.optim.lr_scheduler.LinearLR(optimiser, 1.0, 0.02, total_iters=steps)
        best, best_loss, best_pass = self._copy(), np.inf, 0
        for done in range(1, passes + 1):
            shuffled = self.order.permutation(rows)
            for start in range(0, len(shuffled), batch):
                self._step(shuffled[start : start + batch], optimiser)
                pace.step()
            loss = self._loss(held_out) if len(held_out) else -float(done)
            if loss < best_loss:
                best, best_loss, best_pass = self._copy(), loss, done
            elif done - best_pass >= schedule.patience:
                break
        return Learned(best, best_pass, round(best_loss, 6) if len(held_out) else None)

    def _step(self, rows: NDArray[np.int64], optimiser: Any) -> None:
        torch = self.torch
        optimiser.zero_grad()
        odds, own = self._odds(rows, self._drop)
        every = torch.nn.functional.binary_cross_entropy_with_logits(odds, self.labels[own], reduction="none")
        (every * self.weights[own]).mean().backward()
        torch.nn.utils.clip_grad_norm_(list(self.parameters.values()), self.schedule.clip)
        optimiser.step()

    def _loss(self, rows: NDArray[np.int64]) -> float:
        torch, total, weight = self.torch, 0.0, 0.0
        with torch.no_grad():
            for start in range(0, len(rows), ROWS_AT_ONCE):
                odds, own = self._odds(rows[start : start + ROWS_AT_ONCE], lambda kept: kept)
                every = torch.nn.functional.binary_cross_entropy_with_logits(odds, self.labels[own], reduction="none")
                total += float((every * self.weights[own]).sum())
                weight += float(self.weights[own].sum())
        return total / weight

    def _odds(self, rows: NDArray[np.int64], drop: Callable[[Any], Any]) -> tuple[Any, Any]:
        own = self.torch.tensor(rows, device=self.device)
        where = self.where[own]
        batch = (self.now[own], self.cells[where], where >= 0)
        return _forward(self.torch, self.network, self.parameters, batch, drop)[0], own

    def _drop(self, kept: Any) -> Any:
        share = self.schedule.dropout
        lots = self.torch.rand(kept.shape, generator=self.lots, device=self.device)
        return kept * (lots >= share) / (1 - share)

    def _copy(self) -> Weights:
        return {name: value.detach().cpu().numpy().copy() for name, value in self.parameters.items()}


def _device(torch: Any) -> Any:
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def _with_nothing(cells: Singles) -> Singles:
    """The cells with one of zeros at the end, which is the one that -1 finds."""
    return np.concatenate([cells, np.zeros((1, cells.shape[1]), dtype=np.float32)])


def _folds(owners: NDArray[np.int64], folds: int, seed: int) -> NDArray[np.int64]:
    different, of_row = np.unique(owners, return_inverse=True)
    dealt = np.random.default_rng([seed, 1]).permutation(len(different)) % folds
    return np.asarray(dealt[of_row.reshape(-1)], dtype=np.int64)
