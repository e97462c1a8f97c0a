"""A model of one's own labels: tf-idf of words and letters, the lexica's counts, and an encoder's vectors on request.

Logistic regression, one class against the rest (Rifkin and Klautau 2004, JMLR 5:101-141), classes weighed alike. The
state is JSON and arrays, never a pickle; the same rows give the same state, byte for byte.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from headway.domain.errors import InputError, NotEnoughData
from headway.models.model import Floats, Json
from headway.models.state import decode, encode, packed, unpacked
from headway.models.text.distress import distress
from headway.models.text.sentiment import sentiment
from headway.models.text.urgency import counted, urgency
from headway.models.text.words import Words, words_of
from headway.models.training import sigmoid

Encode = Callable[[Sequence[str]], Floats]
"""Vectors of texts, shape (texts, dimensions)."""

FEWEST: Final = 10
"""Texts of a class without which nothing is learned."""

MOST_CLASSES: Final = 20
LEXICAL_WEIGHT: Final = 0.3
ENCODED_WEIGHT: Final = 3.0
STRENGTH: Final = 1.0
"""What the lexica's columns and an encoder's vectors weigh beside tf-idf rows of length 1, and scikit-learn's C."""

WORDS_KEPT: Final = 30_000
LETTERS_KEPT: Final = 30_000
_STATE: Final = "text.json"
_ARRAYS: Final = "text.npz"


@dataclass(frozen=True, slots=True)
class FittedTexts:
    """What was learned.

    Attributes:
        classes: the labels, sorted; with two, the chance told is that of the last.
        words: words and pairs of words, in the order of the coefficients.
        letters: pieces of words.
        arrays: `idf_words`, `idf_letters`, `mean`, `scale`, `coefficients` (classes or 1, columns), `intercepts`.
        encoder: the name of the encoder whose vectors it reads; empty for none.
        rows: how many texts it learned from.
    """

    classes: tuple[str, ...]
    words: tuple[str, ...]
    letters: tuple[str, ...]
    arrays: Mapping[str, NDArray[Any]]
    encoder: str = ""
    rows: int = 0

    def chances(self, texts: Sequence[str], encode_texts: Encode | None = None) -> Floats:
        """The chance of each class, shape (texts, classes); each row sums to 1.

        Raises:
            InputError: it was fitted with an encoder and none is given.
        """
        read = [words_of(text) for text in texts]
        columns = _Columns(self.words, self.letters, self.arrays["idf_words"], self.arrays["idf_letters"])
        parts = [columns.matrix(read), _standard(lexical(read), self.arrays["mean"], self.arrays["scale"])]
        if self.encoder:
            if encode_texts is None:
                raise InputError(f"This model reads the vectors of the encoder {self.encoder!r}. Give that encoder.")
            parts.append(encode_texts(texts) * ENCODED_WEIGHT)
        odds = _stacked(parts) @ self.arrays["coefficients"].T + self.arrays["intercepts"]
        each = sigmoid(np.asarray(odds, dtype=np.float64))
        if len(self.classes) == 2:
            return np.hstack([1 - each, each])
        return np.asarray(each / each.sum(axis=1, keepdims=True), dtype=np.float64)

    def state(self) -> dict[str, bytes]:
        """What to keep; `read` makes the same of it."""
        plain: dict[str, Json] = {
            "classes": list(self.classes),
            "words": list(self.words),
            "letters": list(self.letters),
            "encoder": self.encoder,
            "rows": self.rows,
        }
        return {_STATE: encode(plain), _ARRAYS: packed(self.arrays)}

    @classmethod
    def read(cls, state: Mapping[str, bytes]) -> "FittedTexts":
        """The model that `state` wrote.

        Raises:
            InputError: the state is not whole.
        """
        held = decode(state, _STATE)
        arrays = unpacked(state, _ARRAYS)
        try:
            return cls(
                tuple(held["classes"]),
                tuple(held["words"]),
                tuple(held["letters"]),
                arrays,
                held["encoder"],
                held["rows"],
            )
        except KeyError as missing:
            raise InputError(f"The stored text model lacks {missing}. Fit it again.") from missing


def fit_texts(
    texts: Sequence[str], labels: Sequence[str], *, encoder: str = "", encode_texts: Encode | None = None
) -> FittedTexts:
    """A model of `labels`, one a text.

    Args:
        texts: at least 10 of each class.
        labels: 2 to 20 different ones.
        encoder: the name of the encoder of `encode_texts`.
        encode_texts: gives vectors that are read besides.

    Raises:
        NotEnoughData: a class has too few texts.
        InputError: there is one class only, or too many.
    """
    from sklearn.linear_model import LogisticRegression

    classes = _classes(labels)
    read = [words_of(text) for text in texts]
    columns, matrix = _Columns.learn(read)
    counts = lexical(read)
    mean, scale = counts.mean(axis=0), counts.std(axis=0)
    parts = [matrix, _standard(counts, mean, scale)]
    if encode_texts is not None:
        parts.append(encode_texts(texts) * ENCODED_WEIGHT)
    rows = _stacked(parts)
    given = np.asarray(labels, dtype=object)
    coefficients, intercepts = [], []
    for name in classes[1:] if len(classes) == 2 else classes:
        model = LogisticRegression(C=STRENGTH, class_weight="balanced", max_iter=2000)
        model.fit(rows, given == name)
        coefficients.append(model.coef_[0])
        intercepts.append(float(model.intercept_[0]))
    arrays = {
        "idf_words": columns.idf_words,
        "idf_letters": columns.idf_letters,
        "mean": mean,
        "scale": scale,
        "coefficients": np.vstack(coefficients),
        "intercepts": np.asarray(intercepts),
    }
    named = encoder if encode_texts is not None else ""
    return FittedTexts(classes, columns.words, columns.letters, arrays, named, len(texts))


def lexical(read: Sequence[Words]) -> Floats:
    """What the lexica say of each text, shape (texts, columns): counts of phrases on a log scale, scores, signs."""
    rows = []
    for words in read:
        told = urgency(words)
        counts = counted(words)
        signs = (words.keys.count("?"), words.keys.count("!"), len(words))
        rows.append(
            [
                *(np.log1p(count) for count in counts.values()),
                *(np.log1p(count) for count in signs),
                told.odds,
                sentiment(words, vader=False) * 2,
                distress(words).score,
            ]
        )
    return np.asarray(rows, dtype=np.float64).reshape(len(rows), -1)


@dataclass(frozen=True, slots=True)
class _Columns:
    """Vocabularies with the rarity of each entry."""

    words: tuple[str, ...]
    letters: tuple[str, ...]
    idf_words: NDArray[Any]
    idf_letters: NDArray[Any]

    @classmethod
    def learn(cls, read: Sequence[Words]) -> "tuple[_Columns, Any]":
        """The vocabularies of texts, and their rows."""
        spelt = [" ".join(words.keys) for words in read]
        fewest = 2 if len(read) >= 50 else 1
        by_word = _by_word(min_df=fewest, max_features=WORDS_KEPT)
        by_letter = _by_letter(min_df=fewest, max_features=LETTERS_KEPT)
        rows = [by_word.fit_transform(spelt), by_letter.fit_transform(spelt)]
        kept = cls(
            tuple(by_word.get_feature_names_out()),
            tuple(by_letter.get_feature_names_out()),
            by_word.idf_,
            by_letter.idf_,
        )
        return kept, _stacked(rows)

    def matrix(self, read: Sequence[Words]) -> Any:
        """Rows of length 1 for words, and for pieces of words."""
        spelt = [" ".join(words.keys) for words in read]
        by_word, by_letter = _by_word(vocabulary=list(self.words)), _by_letter(vocabulary=list(self.letters))
        by_word.idf_, by_letter.idf_ = self.idf_words, self.idf_letters
        return _stacked([by_word.transform(spelt), by_letter.transform(spelt)])


_PIECES: Final = {"token_pattern": r"\S+"}


def _by_word(**options: Any) -> Any:
    from sklearn.feature_extraction.text import TfidfVectorizer

    return TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, lowercase=False, **_PIECES, **options)


def _by_letter(**options: Any) -> Any:
    from sklearn.feature_extraction.text import TfidfVectorizer

    return TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), sublinear_tf=True, lowercase=False, **options)


def _stacked(parts: Sequence[Any]) -> Any:
    from scipy import sparse

    return sparse.hstack([sparse.csr_matrix(part) for part in parts]).tocsr()


def _standard(values: Floats, mean: NDArray[Any], scale: NDArray[Any]) -> Floats:
    spread = np.where(scale > 0, scale, 1.0)
    return np.asarray(np.clip((values - mean) / spread, -5, 5) * LEXICAL_WEIGHT * (scale > 0), dtype=np.float64)


def _classes(labels: Sequence[str]) -> tuple[str, ...]:
    found: dict[str, int] = {}
    for label in labels:
        found[label] = found.get(label, 0) + 1
    if not 2 <= len(found) <= MOST_CLASSES:
        raise InputError(
            f"The labels have {len(found)} different values; 2 to {MOST_CLASSES} can be learned. For numbers, say with "
            "--above from which number on a text counts as yes."
        )
    few = {name: count for name, count in found.items() if count < FEWEST}
    if few:
        told = ", ".join(f"{name!r}: {count}" for name, count in sorted(few.items()))
        raise NotEnoughData(f"At least {FEWEST} texts of each label are needed ({told}). Label more, or leave it out.")
    return tuple(sorted(found))
