"""Rows that repeat a response once for each of its skills, made into one response each.

Some exports (ASSISTments among them) write a response that needs several skills as several rows, one after the other.
Who predicts the second row after having seen the first knows the answer: figures from such rows are too good (Xiong,
Zhao, Van Inwegen and Beck 2016, Going Deeper with Deep Knowledge Tracing, ERIC ED592679). Promises that whether two
rows are one response is never decided by the answers of a learner who is tested.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from headway.models.mastery.responses import Ints, Responses

FEWEST: Final = 20
FEWEST_WRONG: Final = 5
ALIKE: Final = 0.9
"""Two skills that follow each other so often, with so many wrong answers on the first, are one response where right
follows right and wrong follows wrong in at least this share."""


@dataclass(frozen=True, slots=True)
class Folded:
    """Responses, each once.

    Attributes:
        responses: the answers; the first row of a response says whether it was right.
        rows: how many rows were read.
        first: shape (n,): the row with which each response begins; told by `by_pairs` only.
        pairs: pairs of skills that were found to stand for one response.
    """

    responses: Responses
    rows: int
    first: Ints = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    pairs: tuple[tuple[str, str], ...] = ()

    @property
    def repeated(self) -> int:
        """How many rows were one response with the row before."""
        return self.rows - len(self.responses)


def by_item(
    learners: Sequence[str], items: Sequence[str], skills: Sequence[Sequence[str]], correct: Sequence[bool]
) -> Folded:
    """Rows of a learner that follow each other with the same item and skills not named yet are one response.

    Answers do not decide it, right or wrong: an item that is tried again names its skill again.

    Raises:
        InputError: see `Responses.of`.
    """
    held: dict[str, tuple[str, list[str]]] = {}
    kept: list[int] = []
    needed: list[list[str]] = []
    for row, (learner, item, named) in enumerate(zip(learners, items, skills, strict=True)):
        before = held.get(learner)
        if before is not None and before[0] == item and not set(before[1]) & set(named):
            before[1].extend(named)
            continue
        own = list(named)
        held[learner] = (item, own)
        kept.append(row)
        needed.append(own)
    who, what = [learners[row] for row in kept], [items[row] for row in kept]
    return Folded(Responses.of(who, what, needed, [correct[row] for row in kept]), len(learners))


def by_pairs(responses: Responses, learned_from: NDArray[np.bool_]) -> Folded:
    """For rows without items of their own: skills that always follow each other with the same answer are one response.

    Args:
        responses: one skill an answer.
        learned_from: mask over the learners whose answers may tell which pairs these are.
    """
    item = responses.item.astype(np.int64)
    follows = np.append([False], (np.diff(responses.learner) == 0) & (np.diff(item) != 0))[: len(item)]
    pair = np.append([0], item)[: len(item)] * len(responses.items) + item
    repeated = _repeated(responses, pair, follows & learned_from[responses.learner])
    joins = follows & np.isin(pair, repeated)
    group = np.cumsum(~joins) - 1
    first = np.flatnonzero(~joins)
    needed: list[list[str]] = [[] for _ in first]
    for place, name in zip(group.tolist(), item.tolist(), strict=True):
        needed[place].append(responses.items[name])
    folded = Responses.of(
        [responses.learners[place] for place in responses.learner[first].tolist()],
        ["+".join(names) for names in needed],
        needed,
        (responses.correct[first] > 0).tolist(),
    )
    width = len(responses.items)
    told = tuple((responses.items[code // width], responses.items[code % width]) for code in repeated.tolist())
    return Folded(folded, len(responses), first.astype(np.int64), told)


def _repeated(responses: Responses, pair: Ints, follows: NDArray[np.bool_]) -> Ints:
    """The pairs of items, as numbers, whose second answer is the first one's."""
    names, code = np.unique(pair[follows], return_inverse=True)
    now = responses.correct[follows]
    before = np.append(0.0, responses.correct[:-1])[follows]
    n, right = np.bincount(code, minlength=len(names)), np.bincount(code, before, len(names))
    both = np.bincount(code, before * now, len(names))
    neither = np.bincount(code, (1 - before) * (1 - now), len(names))
    wrong = n - right
    alike = (both >= ALIKE * right) & (neither >= ALIKE * wrong)
    return np.asarray(names[(n >= FEWEST) & (wrong >= FEWEST_WRONG) & alike], dtype=np.int64)
