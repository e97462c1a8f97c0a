"""All scores of a text at once, from one pass over its words.

Promises sentiment in [-1, 1], urgency and distress in [0, 1], and that a text that cannot be scored says why instead.
The lexica are English: other languages are scored by the English words in them, and the note says so.
"""

import re
from dataclasses import dataclass
from typing import Final

from headway.models.text.distress import Distress, distress
from headway.models.text.language import UNKNOWN, language
from headway.models.text.sentiment import sentiment
from headway.models.text.urgency import urgency
from headway.models.text.words import plain, words_of

EMPTY: Final = "empty"
NO_WORDS: Final = "no words"
_LETTER: Final = re.compile(r"[^\W\d_]")


@dataclass(frozen=True, slots=True)
class TextScore:
    """What is said of one text; numbers are None where `note` says why.

    Attributes:
        sentiment: -1 complains, 1 praises.
        urgency: 0 to 1, how soon it wants an answer.
        distress: 0 to 1, whether a human should read it today.
        language: ISO 639-1, or `und`.
        note: why there are no numbers, or what to keep in mind; empty where nothing.
        signs: what distress was found in; None where there are no numbers.
    """

    sentiment: float | None
    urgency: float | None
    distress: float | None
    language: str | None
    note: str = ""
    signs: Distress | None = None


def score_text(text: str | None, likeness: float = 0.0) -> TextScore:
    """The scores of a text; `likeness` is what an encoder says of its distress, where one is asked."""
    if text is None or not text.strip():
        return TextScore(None, None, None, None, EMPTY)
    words = words_of(text)
    if not _LETTER.search(plain(text)):
        return TextScore(None, None, None, UNKNOWN, NO_WORDS)
    told = language(words.text)
    note = "" if told in ("en", UNKNOWN) else f"written in {told}: scored by English words only"
    signs = distress(words, likeness)
    return TextScore(
        round(sentiment(words), 4), round(urgency(words).score, 4), round(signs.score, 4), told, note, signs
    )
