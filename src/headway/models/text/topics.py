"""What many texts are about: a few topics, each with its words and with quotes that stand for it.

Non-negative matrix factorisation of tf-idf rows (Lee and Seung 1999, Nature 401:788-791), begun from the singular
vectors, so that the same texts always give the same topics. Quotes are masked here; a text that is not to be quoted,
such as one with signs of distress, counts and is never shown.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from headway.domain.masking import masked
from headway.models.model import Floats
from headway.models.text.words import Words, listed, words_of

FEWEST_TEXTS: Final = 12
"""Fewer texts are read, not counted."""

FEWEST_OF_TOPIC: Final = 3
MOST_TOPICS: Final = 10
WORDS_TOLD: Final = 6
QUOTES: Final = 3
LONGEST_QUOTE: Final = 240
_COMMON: Final = frozenset(
    listed(
        """
        get got also just like really one would could can will much many well even good great think know want need
        make use used way thing things lot class course professor prof please thank thanks hi hello name mail link
        number handle id address nbsp amp quot redacted
        """
    )
)


_PIECES: Final[dict[str, Any]] = {"token_pattern": r"\S+"}


@dataclass(frozen=True, slots=True)
class Topic:
    """One topic.

    Attributes:
        words: the words that tell it from others, most telling first.
        texts: how many texts are mostly about it.
        share: of all texts.
        quotes: masked sentences that stand for it.
        members: places of its texts, most typical first.
    """

    words: tuple[str, ...]
    texts: int
    share: float
    quotes: tuple[str, ...]
    members: tuple[int, ...]


def topics(texts: Sequence[str], *, most: int | None = None, quotable: Sequence[bool] | None = None) -> list[Topic]:
    """The topics of texts, the largest first; none where there are fewer than 12 texts or they share no words.

    Args:
        texts: what was written.
        most: how many topics at most; by the number of texts where None.
        quotable: whether each text may be quoted.
    """
    from sklearn.decomposition import NMF
    from sklearn.feature_extraction.text import TfidfVectorizer

    if len(texts) < FEWEST_TEXTS:
        return []
    read = [words_of(text) for text in texts]
    vectorizer = TfidfVectorizer(
        ngram_range=(1, 2),
        min_df=2 if len(texts) < 200 else 3,
        max_df=0.9,
        max_features=5000,
        sublinear_tf=True,
        **_PIECES,
        stop_words=sorted(_stop_words()),
    )
    try:
        rows = vectorizer.fit_transform([_content(words) for words in read])
    except ValueError:  # scikit-learn's word for "no word is left"
        return []
    names = vectorizer.get_feature_names_out()
    count = min(most or _count(len(texts)), *rows.shape)
    model = NMF(n_components=count, init="nndsvda", random_state=0, max_iter=400, tol=1e-3)
    with np.errstate(invalid="ignore"):  # the error of a perfect fit can be rounded below 0, and its root is taken
        weights = np.asarray(model.fit_transform(rows), dtype=np.float64)
    allowed = [True] * len(texts) if quotable is None else list(quotable)
    found = [
        _topic(place, weights, np.asarray(model.components_[place]), names, read, allowed) for place in range(count)
    ]
    return sorted((one for one in found if one.texts >= FEWEST_OF_TOPIC), key=lambda one: (-one.texts, one.words))


def quote(text: str, about: Sequence[str] = ()) -> str:
    """The sentence of a text with most of the words `about`, masked and shortened."""
    words = words_of(text)
    wanted = set(about)
    best, most = (0, len(words)), -1
    for start, end in words.sentences():
        met = len(wanted.intersection(words.keys[start:end]))
        if met > most and (end - start > 2 or most < 0):
            best, most = (start, end), met
    if not len(words):
        return ""
    shown = masked(words.quote(best[0], max(best[0], best[1] - 1)))
    return shown if len(shown) <= LONGEST_QUOTE else shown[: LONGEST_QUOTE - 1].rstrip() + "…"


def _topic(
    place: int, weights: Floats, components: Floats, names: Sequence[str], read: list[Words], allowed: list[bool]
) -> Topic:
    mostly = np.flatnonzero((weights.argmax(axis=1) == place) & (weights[:, place] > 0))
    order = mostly[np.argsort(-weights[mostly, place], kind="stable")]
    told = _telling(components, names)
    shown: list[str] = []
    single = [part for word in told for part in word.split()]
    for member in order:
        if len(shown) == QUOTES:
            break
        said = quote(read[member].text, single) if allowed[member] else ""
        if said and said not in shown:
            shown.append(said)
    return Topic(told, len(order), len(order) / len(read), tuple(shown), tuple(int(each) for each in order))


def _telling(components: Floats, names: Sequence[str]) -> tuple[str, ...]:
    """The heaviest words, none of which is part of a pair that was told before."""
    told: list[str] = []
    for column in np.argsort(-components, kind="stable"):
        word = str(names[column])
        if components[column] <= 0 or len(told) == WORDS_TOLD:
            break
        if not any(set(word.split()) & set(other.split()) for other in told):
            told.append(word)
    return tuple(told)


def _content(words: Words) -> str:
    return " ".join(key for key in masked_keys(words) if len(key) > 2 and key.isalpha())


def masked_keys(words: Words) -> list[str]:
    """The words of a text after masking, so that no name becomes a topic's word."""
    return words_of(masked(words.text)).keys


def _count(texts: int) -> int:
    return max(2, min(MOST_TOPICS, round(math.sqrt(texts / 4))))


def _stop_words() -> frozenset[str]:
    from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS

    return frozenset(ENGLISH_STOP_WORDS) | _COMMON
