"""In which language a text is written.

With the extra `text`, py3langid (Lui and Baldwin 2012, "langid.py", ACL) tells 97 languages from a model in its wheel;
without it, the commonest little words tell seven. Both always say the same of the same text. A text of a few letters is
`und`: nobody can know.
"""

import functools
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any, Final

from headway.domain.extensions import needs
from headway.models.text.words import listed

UNKNOWN: Final = "und"
"""ISO 639-2 for "undetermined"."""

FEWEST_LETTERS: Final = 12
LONG_ENOUGH: Final = 600
"""Characters that are read: more change nothing."""

_LITTLE: Final = {
    "en": listed(
        "the and is of to in that it for you this i not with have are was my be on but what do can we if as at so"
    ),
    "de": listed(
        "der die das und ist nicht ich ein eine zu mit auf für es den wie wir auch aber noch habe sind war dem im"
    ),
    "fr": listed(
        "le la les et est je pas une des que vous dans pour qui sur avec ce mais nous il très suis au ne cette"
    ),
    "es": listed("el la los y es que no un una por para con en se muy pero como mi lo del más está yo las gracias"),
    "pt": listed("o a os e é que não um uma por para com em se muito mas como meu do da mais está eu no obrigado"),
    "it": listed("il la gli e è che non un una per con in si molto ma come mio di della più sono io ho questo grazie"),
    "nl": listed("de het en is van een niet ik dat in te op voor met zijn maar ook heb wat er aan bij nog wel"),
}


def language(clean: str) -> str:
    """The ISO 639-1 code of the language of a text without markup (`words.plain`), or `und`.

    >>> language("ok")
    'und'
    """
    text = clean[:LONG_ENOUGH]
    if sum(map(str.isalpha, text)) < FEWEST_LETTERS:
        return UNKNOWN
    told = _by_little_words(text.lower())
    if told == "en":  # sure enough, and most texts of a course are in one language
        return told
    classify = _packaged()
    return str(classify(text)[0]) if classify is not None else told or UNKNOWN


def has_packaged() -> bool:
    """Whether languages are told by py3langid."""
    return _packaged() is not None


@functools.cache
def _packaged() -> Callable[[str], tuple[Any, ...]] | None:
    if find_spec("py3langid") is None:
        return None
    classify: Callable[[str], tuple[Any, ...]] = needs("text", "py3langid").classify
    return classify


def _by_little_words(text: str) -> str | None:
    """The language most of whose little words are there, where at least two and a fifth of all words are."""
    words = text.split()
    counts = {code: sum(map(little.__contains__, words)) for code, little in _SETS.items()}
    best = max(counts, key=lambda code: counts[code])
    second = max(count for code, count in counts.items() if code != best)
    sure = counts[best] >= 2 and counts[best] > second and counts[best] >= len(words) / 5
    return best if sure else None


_SETS: Final = {code: frozenset(little) for code, little in _LITTLE.items()}
