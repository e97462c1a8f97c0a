"""How well texts are read: models of coded texts on texts of runs that they did not learn from.

What the text protocols and `headway text evaluate` share: ways to read (from none learned to an encoder's head), splits
that leave out whole groups, and figures with intervals by author. A split by row exists only where no groups are known.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from headway.domain.errors import NotEnoughData
from headway.evaluation.rows import Objects, Rows
from headway.models.model import Floats, Matrix
from headway.models.text.encoder import PACKAGED, Encoder
from headway.models.text.linear import Encode, fit_texts
from headway.models.text.sentiment import sentiment
from headway.models.text.urgency import urgency
from headway.models.text.words import words_of

if TYPE_CHECKING:
    from headway.features.engine import Records

SOURCE: Final = "coded-texts"
FOLDS: Final = 5
REPEATS: Final = 2
MOST_GROUPS: Final = 30
"""So many groups are left out one by one; more are dealt out into folds."""

RULES, BAG, TFIDF = "rules", "bag-of-words", "tfidf-lexica"
"""Nothing learned; counts of words; headway's own model."""

Reads = Callable[[Sequence[int], Sequence[int]], Floats]
"""Chances of each class, shape (second, classes), for the places of the second after learning from the first."""


@dataclass(frozen=True)
class Coded:
    """Coded texts; all arrays have one entry a text.

    Attributes:
        bodies: what was written.
        codes: the number that a reader gave.
        runs: the group that is left out as a whole.
        authors: who wrote it.
    """

    bodies: tuple[str, ...]
    codes: Floats
    runs: Objects
    authors: Objects

    def __len__(self) -> int:
        return len(self.bodies)

    def of_runs(self, wanted: Callable[[Floats], bool]) -> "Coded":
        """The texts of those runs whose codes fit."""
        kept = [run for run in sorted(set(self.runs)) if wanted(self.codes[self.runs == run])]
        which = np.isin(self.runs.astype(str), np.array(kept, dtype=str))
        places = np.flatnonzero(which)
        return Coded(tuple(self.bodies[i] for i in places), self.codes[which], self.runs[which], self.authors[which])

    def rows(self, labels: Floats) -> Rows:
        """The texts as rows with labels, for figures by author."""
        n = len(self)
        nothing = Matrix((), np.zeros((n, 0)))
        return Rows(nothing, labels, self.authors, self.runs, np.zeros(n, dtype=np.int64), np.zeros(n, dtype=np.int64))

    @classmethod
    def of(cls, records: "Records") -> "Coded":
        """All coded texts among the records.

        Raises:
            NotEnoughData: there are none.
        """
        texts = records.table("texts")
        wanted = texts.filter((texts.source == SOURCE) & texts.rating.notnull())
        found = records.collect(wanted.order_by(["run", "occurred_at", "learner", "id"]))
        if not found.num_rows:
            raise NotEnoughData(f"There are no coded texts. Import them: headway import {SOURCE} FOLDER")
        return cls(
            tuple(found["body"].to_pylist()),
            np.asarray(found["rating"].to_numpy(), dtype=np.float64),
            np.array(found["run"].to_pylist(), dtype=object),
            np.array(found["learner"].to_pylist(), dtype=object),
        )


def leave_out(groups: Objects) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Places to learn from and places to test on, whole groups left out; every place is tested once."""
    names, of_row = np.unique(groups.astype(str), return_inverse=True)
    if len(names) < 2:
        raise NotEnoughData("All texts are of one group, so none can be left out. Name another column, or none.")
    if len(names) <= MOST_GROUPS:
        fold_of = np.arange(len(names))
    else:
        sizes = np.bincount(of_row)
        fold_of = np.zeros(len(names), dtype=np.int64)
        held = np.zeros(FOLDS, dtype=np.int64)
        for group in np.argsort(-sizes, kind="stable"):
            fold_of[group] = held.argmin()
            held[fold_of[group]] += sizes[group]
    folds = fold_of[of_row]
    for fold in range(int(folds.max()) + 1):
        yield np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)


def by_class(labels: Sequence[str], seed: int) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """The same for texts without groups: 5 folds, each with the same share of every class."""
    from sklearn.model_selection import StratifiedKFold

    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=seed)
    yield from folds.split(np.zeros(len(labels)), list(labels))


def readers(
    bodies: Sequence[str], labels: Sequence[str], encoder: Encoder | None, rules: Callable[[str], float] | None
) -> dict[str, Reads]:
    """Ways to read, by name, the simplest first.

    Args:
        bodies: all texts.
        labels: their classes; two where `rules` is given, the second being the one that rules speak for.
        encoder: its vectors are read too where it is given.
        rules: what needs no learning, a score of the second class.
    """
    found: dict[str, Reads] = {}
    if rules is not None:
        scores = np.array([rules(body) for body in bodies])
        found[RULES] = lambda _, test: np.column_stack([1 - scores[list(test)], scores[list(test)]])
    found[BAG] = lambda train, test: _bag_of_words(bodies, labels, train, test)
    found[TFIDF] = lambda train, test: _linear(bodies, labels, train, test, "", None)
    if encoder is not None:
        vectors = encoder.encode(bodies)
        place = {body: i for i, body in enumerate(bodies)}
        known: Encode = lambda some: vectors[[place[one] for one in some]]  # noqa: E731 - a closure over the vectors
        name = PACKAGED if encoder.name == PACKAGED else encoder.name
        found[f"{name}-head"] = lambda train, test: _head(vectors, labels, train, test)
        found[f"{TFIDF}+{name}"] = lambda train, test: _linear(bodies, labels, train, test, name, known)
    return found


def held_out(
    read: Reads, splits: Sequence[tuple[NDArray[np.int64], NDArray[np.int64]]], classes: int, rows: int
) -> Floats:
    """The chance of each class of every text, each told by a model that did not see its group."""
    chances = np.full((rows, classes), np.nan)
    for train, test in splits:
        chances[test] = read([int(i) for i in train], [int(i) for i in test])
    return chances


def asks_soon(body: str) -> float:
    """The untrained urgency of a text."""
    return urgency(words_of(body)).score


def complains(body: str) -> float:
    """The untrained chance-like score that a text complains, from 0 to 1."""
    return (1 - sentiment(words_of(body))) / 2


def _bag_of_words(bodies: Sequence[str], labels: Sequence[str], train: Sequence[int], test: Sequence[int]) -> Floats:
    from sklearn.feature_extraction.text import CountVectorizer

    counts = CountVectorizer()
    rows = counts.fit_transform([bodies[i] for i in train])
    return _logistic(rows, [labels[i] for i in train], counts.transform([bodies[i] for i in test]), None)


def _linear(
    bodies: Sequence[str],
    labels: Sequence[str],
    train: Sequence[int],
    test: Sequence[int],
    encoder: str,
    vectors: Encode | None,
) -> Floats:
    given = [labels[i] for i in train]
    fitted = fit_texts([bodies[i] for i in train], given, encoder=encoder, encode_texts=vectors)
    return fitted.chances([bodies[i] for i in test], vectors)


def _head(vectors: Floats, labels: Sequence[str], train: Sequence[int], test: Sequence[int]) -> Floats:
    return _logistic(vectors[list(train)] * 3, [labels[i] for i in train], vectors[list(test)] * 3, "balanced")


def _logistic(rows: Any, labels: Sequence[str], test: Any, weight: str | None) -> Floats:
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(max_iter=2000, class_weight=weight).fit(rows, list(labels))
    return np.asarray(model.predict_proba(test), dtype=np.float64)


def class_scores(given: Sequence[str], said: Sequence[str], classes: Sequence[str]) -> dict[str, float]:
    """Accuracy, and macro-F1: the mean over classes of F1, which is 0 for a class that is never said."""
    true, told = np.array(given, dtype=str), np.array(said, dtype=str)
    f1 = []
    for name in classes:
        hits = float(((told == name) & (true == name)).sum())
        f1.append(2 * hits / max(float((told == name).sum() + (true == name).sum()), 1.0))
    return {"accuracy": float((told == true).mean()), "macro_f1": float(np.mean(f1))}
