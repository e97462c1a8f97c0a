"""Everybody whom a caseload may name, as arrays: those who were scored, and behind them others who are on the list."""

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from headway.governance.vault import Person
    from headway.web.board import Board

UNKNOWN: Final = 2
"""The status of those on the list who were not scored."""


@dataclass(frozen=True, slots=True)
class Field:
    """Everybody in scope or not, as arrays of one length: the board, and behind it those on a list without a score."""

    learners: "NDArray[np.object_]"
    status: "NDArray[np.int8]"
    risk: "NDArray[np.float64]"
    low: "NDArray[np.float64]"
    high: "NDArray[np.float64]"
    absent: "NDArray[np.float64]"
    reason: "NDArray[np.object_]"
    group: "NDArray[np.object_]"
    place: dict[str, int]


@dataclass(frozen=True, slots=True, eq=False)
class Texts:
    """Texts in small letters without accents, one for each learner, and their ranks in the order of the letters.

    Attributes:
        texts: the texts.
        ranks: the same text has the same.
        column: the texts again, to be searched.
    """

    texts: list[str]
    ranks: "NDArray[np.float64]"
    column: pa.StringArray

    @classmethod
    def of(cls, texts: list[str]) -> "Texts":
        """Texts with their ranks; the same text has the same."""
        ranks = np.unique(np.array(texts, dtype=str), return_inverse=True)[1]
        return cls(texts, ranks.astype(np.float64), pa.array(texts, pa.string()))

    def has(self, wanted: str, some: "NDArray[np.int64]") -> "NDArray[np.bool_]":
        """Which of some have a text in them."""
        found: NDArray[np.bool_] = pc.match_substring(self.column, wanted).to_numpy(zero_copy_only=False)[some]
        return found


def fold(text: str) -> str:
    """A text without case and accents.

    >>> fold("Özdemir")
    'ozdemir'
    """
    if text.isascii():
        return text.lower()
    plain = unicodedata.normalize("NFKD", text)
    return "".join(each for each in plain if not unicodedata.combining(each)).casefold()


def folded(person: "Person | None", learner: str) -> str:
    """What is searched and sorted by: name and number, or the end of the pseudonym."""
    return fold(f"{person.name} {person.number}" if person is not None else learner.rpartition("/")[2])


def names_on(board: "Board", people: "Mapping[str, Person]", more: tuple[str, ...] = ()) -> Texts:
    """What is searched and sorted by, of everybody on a board and some more; made once for the same people.

    Args:
        board: the board.
        people: who they are; nobody where pseudonyms are shown.
        more: those behind the board.
    """

    def make() -> Texts:
        return Texts.of([folded(people.get(each), each) for each in (*board.learners, *more)])

    found: Texts = board.once.get(("names", bool(people), more), people, make)
    return found


def field_of(board: "Board") -> Field:
    """A board alone."""
    return Field(
        board.learners,
        board.status,
        board.risk,
        board.low,
        board.high,
        board.absent_days,
        board.reason,
        board.group,
        board.place,
    )


def with_more(board: "Board | None", extra: Sequence[str], groups: Sequence[str]) -> Field:
    """A board and, behind it, some who are not on it."""
    none = np.full(len(extra), np.nan)
    empty = np.array([""] * len(extra), dtype=object)
    tail = Field(
        np.array(extra, dtype=object),
        np.full(len(extra), UNKNOWN, dtype=np.int8),
        none,
        none,
        none,
        none,
        empty,
        np.array(groups, dtype=object),
        {},
    )
    head = None if board is None else field_of(board)
    arrays: dict[str, Any] = {
        name: getattr(tail, name) if head is None else np.concatenate([getattr(head, name), getattr(tail, name)])
        for name in Field.__slots__
        if name != "place"
    }
    place = {} if board is None else dict(board.place)
    place |= {learner: len(place) + at for at, learner in enumerate(extra)}
    return Field(**arrays, place=place)
