"""Deep knowledge tracing: a recurrent network that reads answers one by one and is asked about any item or skill.

After Piech and others 2015 (Deep Knowledge Tracing, arXiv 1506.05908), with items beside skills: each answer is the sum
of what its item and its skills mean, right or wrong; the network's memory and the item and skills asked about give the
chance. Items and skills rarely seen in training are hidden now and then, so that unknown ones are answered sensibly.
Training stops when learners who were held out are not foreseen any better. The one module here that knows torch (extra
`deep`); one thread and kernels that repeat themselves (`torch_training`).
"""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from headway.models.mastery.responses import Ints, Past, Responses
from headway.models.mastery.tracer import NEXT_RIGHT, TRACERS
from headway.models.model import Floats, Json
from headway.models.state import decode, encode, packed, unpacked
from headway.models.torch_training import EXTRA, torch_ready
from headway.models.training import sigmoid

PART: Final = "dkt.json"
WEIGHTS: Final = "weights.npz"
DECIMALS: Final = 6
"""Log-odds are told to so many decimals: single precision leaves noise between batches of different shape."""


@dataclass(frozen=True, slots=True)
class Parameters:
    """How to learn.

    Attributes:
        width: of what an answer means.
        memory: of the recurrent network.
        hidden: of the layer that answers.
        rate: learning rate of Adam (Kingma and Ba 2015, arXiv 1412.6980) at the start; it falls to a tenth.
        dropout: share of the memory that is hidden from the layer that answers.
        unknown: share of items and of skills that are hidden in training.
        decay: weight decay.
        answers: about so many answers a step.
        longest: sequences are cut into pieces of so many answers for training; memory starts anew in each.
        passes: most passes over the learners.
        patience: passes without a better held-out loss before training stops.
        held_out: share of the learners that decide when to stop.
    """

    width: int = 64
    memory: int = 96
    hidden: int = 64
    rate: float = 6e-3
    dropout: float = 0.3
    unknown: float = 0.05
    decay: float = 1e-5
    answers: int = 6000
    longest: int = 1500
    passes: int = 24
    patience: int = 4
    held_out: float = 0.1


@dataclass(frozen=True, slots=True)
class Codes:
    """Answers as the network reads them: place 0 of items and skills stands for one that is not known.

    Attributes:
        items: shape (n,).
        skills: shape (n, most skills of an answer): 0-padded beyond `many`.
        many: shape (n,): how many skills.
        right: shape (n,), 0 or 1.
        start: shape (pieces + 1,): where each piece begins, and the end.
    """

    items: Ints
    skills: Ints
    many: Ints
    right: Floats
    start: Ints

    def pieces_of(self, pieces: Ints) -> tuple[Ints, NDArray[np.bool_]]:
        """Rows of these pieces, shape (pieces, longest), and which are there."""
        length = self.start[pieces + 1] - self.start[pieces]
        steps = np.arange(int(length.max()))
        there = steps < length[:, None]
        return np.where(there, self.start[pieces][:, None] + steps, 0), there


def codes_of(responses: Responses, items: tuple[str, ...], skills: tuple[str, ...], longest: int | None) -> Codes:
    """The answers in pieces of at most `longest`; a learner's answers are one piece where that is None."""
    n = len(responses)
    own_item = responses.places(items, responses.items)[responses.item]
    own_skill = responses.places(skills, responses.skills)[responses.skill]
    many = np.bincount(responses.entry, minlength=n)
    nth = Past.of(responses.entry).count().astype(np.int64)
    needed = np.zeros((n, int(many.max()) if n else 1), dtype=np.int64)
    needed[responses.entry, nth] = (own_skill + 1) % (len(skills) + 1)
    step = Past.of(responses.learner).count().astype(np.int64)
    begins = np.flatnonzero(step % (longest or n + 1) == 0)
    item = (own_item + 1) % (len(items) + 1)
    return Codes(item, needed, many, responses.correct, np.append(begins, n).astype(np.int64))


class _Network:
    """Weights by name, and what they make of answers."""

    def __init__(self, torch: Any, weights: Mapping[str, Any]) -> None:
        self.torch, self.weights = torch, weights
        width, memory = weights["item_in"].shape[1], weights["cell_b"].shape[0] // 8
        self.cell = torch.nn.LSTM(width, memory, batch_first=True)

    def memory(self, batch: "_Batch") -> Any:
        """What is remembered after each answer, shape (learners, steps, memory)."""
        torch, w = self.torch, self.weights
        right = batch.right.long()
        # A table has right and wrong answers one after the other, so that one look finds both.
        read = w["item_in"][2 * batch.items + right]
        read = read + _mean(w["skill_in"][2 * batch.skills + right[..., None]], batch)
        half = w["cell_b"].shape[0] // 2
        names = dict(zip(("weight_ih_l0", "weight_hh_l0"), (w["cell_in"], w["cell_own"]), strict=True))
        names |= {"bias_ih_l0": w["cell_b"][:half], "bias_hh_l0": w["cell_b"][half:]}
        told, _ = torch.func.functional_call(self.cell, names, (read,))
        return told

    def odds(self, memory: Any, items: Any, batch: "_Batch") -> Any:
        """Log-odds of a right answer on these items and the batch's skills, given what is remembered."""
        torch, w = self.torch, self.weights
        asked = w["item_out"][items] + _mean(w["skill_out"][batch.skills], batch)
        hidden = torch.tanh(torch.cat([memory, asked], dim=-1) @ w["head_in"].T + w["head_b"])
        alike = (memory @ w["head_meet"].T * asked).sum(-1)
        bare = w["item_ease"][items] + _mean(w["skill_ease"][batch.skills][..., None], batch)[..., 0]
        return hidden @ w["head_out"] + alike + bare + w["base"]


def _mean(of_skills: Any, batch: "_Batch") -> Any:
    return (of_skills * batch.shares[..., None]).sum(-2)


@dataclass(frozen=True, slots=True)
class _Batch:
    """Some pieces, padded. Shapes (pieces, steps), and (pieces, steps, skills) for skills and their shares."""

    rows: NDArray[np.int64]
    there: Any
    items: Any
    skills: Any
    shares: Any
    right: Any


def _batch(torch: Any, codes: Codes, pieces: Ints) -> _Batch:
    rows, there = codes.pieces_of(pieces)
    many = codes.many[rows]
    shares = (np.arange(codes.skills.shape[1]) < many[..., None]) / many[..., None]
    return _Batch(
        rows,
        torch.tensor(there),
        torch.tensor(codes.items[rows]),
        torch.tensor(codes.skills[rows]),
        torch.tensor(shares, dtype=torch.float32),
        torch.tensor(codes.right[rows], dtype=torch.float32),
    )


def _batches(codes: Codes, pieces: Ints, answers: int) -> Iterator[Ints]:
    """Pieces of about the same length together, about so many answers each, padding counted."""
    length = codes.start[pieces + 1] - codes.start[pieces]
    held: list[int] = []
    for place in np.argsort(-length, kind="stable"):
        held.append(int(pieces[place]))
        if len(held) * int(length[np.flatnonzero(pieces == held[0])[0]]) >= answers:
            yield np.array(held)
            held = []
    if held:
        yield np.array(held)


def _first(items: int, skills: int, parameters: Parameters, seed: int) -> dict[str, NDArray[np.float32]]:
    random, p = np.random.default_rng(seed), parameters

    def drawn(*shape: int, reach: float) -> NDArray[np.float32]:
        return random.uniform(-reach, reach, shape).astype(np.float32)

    of_memory, of_head = 1 / np.sqrt(p.memory), 1 / np.sqrt(p.memory + p.width)
    none = {"item_ease": items + 1, "skill_ease": skills + 1, "head_b": p.hidden, "cell_b": 8 * p.memory, "base": 1}
    return {
        "item_in": drawn(2 * (items + 1), p.width, reach=0.1),
        "skill_in": drawn(2 * (skills + 1), p.width, reach=0.3),
        "item_out": drawn(items + 1, p.width, reach=0.1),
        "skill_out": drawn(skills + 1, p.width, reach=0.3),
        "cell_in": drawn(4 * p.memory, p.width, reach=of_memory),
        "cell_own": drawn(4 * p.memory, p.memory, reach=of_memory),
        "head_in": drawn(p.hidden, p.memory + p.width, reach=of_head),
        "head_out": drawn(p.hidden, reach=1 / np.sqrt(p.hidden)),
        "head_meet": drawn(p.width, p.memory, reach=of_memory),
        **{name: np.zeros(size, dtype=np.float32) for name, size in none.items()},
    }


class _Training:
    """One network being trained."""

    def __init__(self, codes: Codes, items: int, skills: int, parameters: Parameters, seed: int) -> None:
        self.torch = torch_ready()
        self.codes, self.parameters = codes, parameters
        self.order = np.random.default_rng(seed)
        self.lots = self.torch.Generator().manual_seed(seed % 2**63)
        first = _first(items, skills, parameters, seed)
        self.weights = {name: self.torch.tensor(value).requires_grad_() for name, value in first.items()}
        self.network = _Network(self.torch, self.weights)

    def run(self, pieces: Ints, held_out: Ints) -> tuple[dict[str, NDArray[np.float32]], int, float | None]:
        """The weights of the pass with the least held-out loss, which pass that was, and the loss."""
        torch, p = self.torch, self.parameters
        optimiser = torch.optim.Adam(self.weights.values(), lr=p.rate, weight_decay=p.decay)
        steps = p.passes * sum(1 for _ in _batches(self.codes, pieces, p.answers))
        pace = torch.optim.lr_scheduler.LinearLR(optimiser, 1.0, 0.1, total_iters=max(steps, 1))
        best, best_loss, best_pass = self._copy(), np.inf, 0
        for done in range(1, p.passes + 1):
            batches = list(_batches(self.codes, self.order.permutation(pieces), p.answers))
            for place in self.order.permutation(len(batches)):
                self._step(batches[place], optimiser)
                pace.step()
            loss = self._loss(held_out) if len(held_out) else -float(done)
            if loss < best_loss:
                best, best_loss, best_pass = self._copy(), loss, done
            elif done - best_pass >= p.patience:
                break
        return best, best_pass, round(best_loss, 6) if len(held_out) else None

    def _step(self, pieces: Ints, optimiser: Any) -> None:
        torch, batch = self.torch, self._hidden(_batch(self.torch, self.codes, pieces))
        optimiser.zero_grad()
        self._lost(batch, self._drop).mean().backward()
        torch.nn.utils.clip_grad_norm_(list(self.weights.values()), 5.0)
        optimiser.step()

    def _hidden(self, batch: _Batch) -> _Batch:
        share = self.parameters.unknown
        known = self._lot(batch.items.shape) >= share
        named = self._lot(batch.skills.shape) >= share
        return _Batch(batch.rows, batch.there, batch.items * known, batch.skills * named, batch.shares, batch.right)

    def _lost(self, batch: _Batch, drop: Any) -> Any:
        """The log loss of each answer that is there."""
        torch = self.torch
        memory = _before(torch, self.network.memory(batch))
        odds = self.network.odds(drop(memory), batch.items, batch)
        every = torch.nn.functional.binary_cross_entropy_with_logits(odds, batch.right, reduction="none")
        return every[batch.there]

    def _loss(self, pieces: Ints) -> float:
        total, n = 0.0, 0
        with self.torch.no_grad():
            for some in _batches(self.codes, pieces, 8 * self.parameters.answers):
                lost = self._lost(_batch(self.torch, self.codes, some), lambda kept: kept)
                total, n = total + float(lost.sum()), n + len(lost)
        return total / max(n, 1)

    def _drop(self, values: Any) -> Any:
        kept = 1 - self.parameters.dropout
        return values * (self._lot(values.shape) < kept) / kept

    def _lot(self, shape: Any) -> Any:
        return self.torch.rand(shape, generator=self.lots)

    def _copy(self) -> dict[str, NDArray[np.float32]]:
        return {name: value.detach().numpy().copy() for name, value in self.weights.items()}


def _before(torch: Any, memory: Any) -> Any:
    """What was remembered before each answer: nothing before the first."""
    return torch.cat([torch.zeros_like(memory[:, :1]), memory[:, :-1]], dim=1)


@dataclass(frozen=True, slots=True)
class FittedDkt:
    """A trained network.

    Attributes:
        items: names; place 0 of the network is for others.
        skills: names, likewise.
        weights: arrays by name.
        passes: the pass whose weights were kept.
        loss: held-out log loss there; None where nothing was held out.
        parameters: how it was trained.
    """

    items: tuple[str, ...]
    skills: tuple[str, ...]
    weights: Mapping[str, NDArray[np.float32]]
    passes: int
    loss: float | None
    parameters: Parameters

    def predict(self, responses: Responses) -> Floats:
        """See `tracer.Fitted.predict`."""
        told = np.empty(len(responses))
        for network, batch, memory in self._read(responses):
            odds = network.odds(_before(network.torch, memory), batch.items, batch)
            told[batch.rows[batch.there.numpy()]] = odds[batch.there].numpy()
        return sigmoid(np.round(told, DECIMALS))

    def mastery(self, responses: Responses) -> Floats:
        """The chance that the next answer on the skill is right, on an item not known; see `tracer.Fitted`."""
        nth = Past.of(responses.entry).count().astype(np.int64)
        told = np.empty((len(responses), int(nth.max()) + 1 if len(nth) else 1))
        for network, batch, memory in self._read(responses):
            for column in range(batch.skills.shape[-1]):
                alone = network.torch.zeros_like(batch.shares)
                alone[..., column] = 1
                one = _Batch(batch.rows, batch.there, batch.items, batch.skills, alone, batch.right)
                odds = network.odds(memory, network.torch.zeros_like(batch.items), one)
                told[batch.rows[batch.there.numpy()], column] = odds[batch.there].numpy()
        return sigmoid(np.round(told[responses.entry, nth], DECIMALS))

    def _read(self, responses: Responses) -> Iterator[tuple[_Network, _Batch, Any]]:
        torch = torch_ready()
        network = _Network(torch, {name: torch.tensor(value) for name, value in self.weights.items()})
        codes = codes_of(responses, self.items, self.skills, None)
        # A learner a batch of its own length: the numbers must not depend on who else is asked about.
        with torch.no_grad():
            for piece in range(len(codes.start) - 1):
                batch = _batch(torch, codes, np.array([piece]))
                yield network, batch, network.memory(batch)

    def facts(self) -> dict[str, Json]:
        """How large it is and how it was trained."""
        sizes: dict[str, Json] = {"items": len(self.items), "skills": len(self.skills)}
        sizes["weights"] = int(sum(value.size for value in self.weights.values()))
        return sizes | {"passes": self.passes, "held_out_log_loss": self.loss}

    def state(self) -> dict[str, bytes]:
        """See `tracer.Fitted.state`."""
        held: dict[str, Json] = {"items": list(self.items), "skills": list(self.skills), "passes": self.passes}
        return {
            PART: encode(held | {"loss": self.loss, "parameters": asdict(self.parameters)}),
            WEIGHTS: packed(dict(self.weights)),
        }


@dataclass(frozen=True, slots=True)
class Dkt:
    """Deep knowledge tracing."""

    name: str = "dkt"
    summary: str = "Deep knowledge tracing: a recurrent network over answers, with items and skills."
    mastery_is: str = NEXT_RIGHT
    extra: str = EXTRA
    parameters: Parameters = Parameters()

    def fit(self, responses: Responses, seed: int) -> FittedDkt:
        """See `tracer.Tracer.fit`; the seed draws weights, batches, and the learners who are held out."""
        responses.check_both()
        p = self.parameters
        codes = codes_of(responses, responses.items, responses.skills, p.longest)
        learner = responses.learner[codes.start[:-1]]
        learners = len(responses.learners)
        lots = np.random.default_rng(seed).permutation(learners)
        out = lots[learner] < round(p.held_out * learners)
        training = _Training(codes, len(responses.items), len(responses.skills), p, seed)
        weights, passes, loss = training.run(np.flatnonzero(~out), np.flatnonzero(out))
        return FittedDkt(responses.items, responses.skills, weights, passes, loss, p)

    def restore(self, state: Mapping[str, bytes]) -> FittedDkt:
        """See `tracer.Tracer.restore`."""
        held, weights = decode(state, PART), unpacked(state, WEIGHTS)
        items, skills = tuple(held["items"]), tuple(held["skills"])
        return FittedDkt(items, skills, weights, int(held["passes"]), held["loss"], Parameters(**held["parameters"]))


TRACERS.add("dkt", Dkt())
