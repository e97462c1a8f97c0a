"""How like the examples of distress a sentence is: a linear model over words and pieces of words.

Least squares with a ridge on a few hundred sentences of headway's own (`distress_examples`), solved once in a few
hundredths of a second when it is first asked: nothing is downloaded, nothing is stored, the same everywhere. With a
sentence encoder the same is learned over its vectors, which finds more.
"""

import functools
import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from typing import Final

import numpy as np

from headway.models.model import Floats
from headway.models.text.distress_examples import HARMLESS, SIGNS
from headway.models.text.words import Words, words_of

RIDGE: Final = 1.0
STEEP: Final = 4.0
MIDDLE: Final = 0.0
"""A margin of so much means an even chance, and how fast the chance grows beside it."""

FEWEST_WORDS: Final = 3

Judge = Callable[[Sequence[str]], Floats]
"""Chances that sentences are signs, one each."""


class SignModel:
    """What was learned from example sentences."""

    def __init__(self, signs: Sequence[str], harmless: Sequence[str]) -> None:
        """Learns; a second or a hundredth of it."""
        rows = [_pieces(words_of(text)) for text in (*signs, *harmless)]
        seen: dict[str, int] = {}
        for row in rows:
            for piece in row:
                seen[piece] = seen.get(piece, 0) + 1
        kept = sorted(piece for piece, count in seen.items() if count > 1)
        rarity = {piece: 1 + math.log((1 + len(rows)) / (1 + seen[piece])) for piece in kept}
        place = {piece: column for column, piece in enumerate(kept)}
        matrix = np.zeros((len(rows), len(kept) + 1))
        matrix[:, -1] = 1
        for number, row in enumerate(rows):
            for piece, value in _unit({each: value * rarity[each] for each, value in row.items() if each in rarity}):
                matrix[number, place[piece]] = value
        given = np.array([1.0] * len(signs) + [-1.0] * len(harmless))
        solved = _ridge(matrix, given)
        self._bias = float(solved[-1])
        self._weights = {piece: float(solved[column]) for piece, column in place.items()}
        self._rarity = rarity

    def chance(self, words: Words) -> float:
        """The chance that these words are a sign."""
        row = {each: value * self._rarity[each] for each, value in _pieces(words).items() if each in self._rarity}
        margin = self._bias + sum(value * self._weights[piece] for piece, value in _unit(row))
        return 1 / (1 + math.exp(-STEEP * (margin - MIDDLE)))


@functools.cache
def sign_model() -> SignModel:
    """The model of headway's own examples."""
    return SignModel(SIGNS, HARMLESS)


def encoded_judge(encode: Callable[[Sequence[str]], Floats]) -> Judge:
    """The same over an encoder's vectors."""
    examples = encode([*SIGNS, *HARMLESS])
    given = np.array([1.0] * len(SIGNS) + [-1.0] * len(HARMLESS))
    solved = _ridge(np.column_stack([examples, np.ones(len(given))]), given)

    def judge(texts: Sequence[str]) -> Floats:
        if not len(texts):
            return np.zeros(0)
        margins = encode(texts) @ solved[:-1] + solved[-1]
        return np.asarray(1 / (1 + np.exp(-STEEP * (margins - MIDDLE))), dtype=np.float64)

    return judge


def _ridge(rows: Floats, given: Floats) -> Floats:
    """Weights of the columns by weighted ridge regression in its dual form, both classes weighing the same."""
    signs = float((given > 0).mean())
    weights = np.where(given > 0, 0.5 / signs, 0.5 / (1 - signs))
    dual = np.linalg.solve(rows @ rows.T + RIDGE * np.diag(1 / weights), given)
    return np.asarray(rows.T @ dual, dtype=np.float64)


def _pieces(words: Words) -> dict[str, float]:
    row: dict[str, float] = {}
    keys = [key for key in words.keys if key.isalpha()]
    for first, second in itertools.zip_longest(keys, keys[1:], fillvalue=""):
        row[f"w:{first}"] = 1.0
        if second:
            row[f"w:{first} {second}"] = 1.0
    for key in keys:
        for piece in _letters(key):
            row[piece] = 1.0
    return row


@functools.lru_cache(maxsize=50_000)
def _letters(word: str) -> tuple[str, ...]:
    padded = f" {word} "
    return tuple(padded[start : start + size] for size in (3, 4, 5) for start in range(len(padded) - size + 1))


def _unit(row: dict[str, float]) -> Iterator[tuple[str, float]]:
    length = math.sqrt(sum(value * value for value in row.values())) or 1.0
    for piece, value in row.items():
        yield piece, value / length
