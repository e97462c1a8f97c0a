"""How a text speaks of what it is about, from -1 (complains) to 1 (praises), by lexicon and a few rules of English.

The rules (negation, intensity, "but", capitals, exclamation marks) follow Hutto and Gilbert (2014), "VADER: a
parsimonious rule-based model for sentiment analysis of social media text", ICWSM; words, weights and code are ours.
"""

import functools
import math
from collections.abc import Mapping
from typing import Final

from headway.models.text import lexicon
from headway.models.text.words import ENDS, PAUSES, Found, Phrases, Words

TURNED: Final = -0.7
"""What is left of a weight after a negation: "not good" is less bad than "bad"."""

BACK: Final = 3
"""Words before a phrase in which a negation reaches it."""

AFTER_BUT: Final = 1.3
BEFORE_BUT: Final = 0.7
CONCEDED: Final = 0.5
WISHED: Final = -0.3
WISH_REACHES: Final = 8

_OPINIONS: Final = frozenset({"think", "feel", "believe", "find", "seem", "consider", "expect", "say"})
_WISHES: Final = frozenset({"wish", "wished", "if"})
_MODALS: Final = frozenset({"would", "could", "should", "might"})
SPREAD: Final = 6.0
"""A sum of this square root gives a score of 0.71."""

_BUT: Final = frozenset({"but", "however", "yet"})
_CONCEDING: Final = frozenset({"although", "though", "despite", "while"})


def sentiment(words: Words, *, vader: bool = True) -> float:
    """The score of a text in [-1, 1]; 0 where it has no word of the lexicon.

    Args:
        words: the text.
        vader: whether VADER's words count where they are installed.
    """
    found = _uncovered(_phrases(vader).find(words))
    if not found:
        return 0.0
    total = math.fsum(_weighed(words, one) for one in found if one.weight)
    if total:
        total += math.copysign(0.15 * min(words.keys.count("!"), 3), total)
    return max(-1.0, min(1.0, total / math.sqrt(total * total + SPREAD)))


@functools.cache
def _phrases(vader: bool) -> Phrases:
    known: Mapping[str, float] = lexicon.all_weights() if vader else lexicon.weights()
    return Phrases({"valence": known})


def _uncovered(found: list[Found]) -> list[Found]:
    """From the left, each phrase that begins after the last one ended."""
    kept: list[Found] = []
    for one in found:
        if not kept or one.first > kept[-1].last:
            kept.append(one)
    return kept


def _weighed(words: Words, found: Found) -> float:
    keys = words.keys
    weight = found.weight
    if found.first and (factor := lexicon.BOOSTERS.get(keys[found.first - 1])):
        weight *= factor
    if found.first == found.last and words.loud(found.first):
        weight *= 1.25
    if found.first == found.last or keys[found.first] not in lexicon.NEGATORS:
        turned = _turned(keys, found.first)
        weight *= turned
        if weight > 0 and turned == 1.0 and _only_wished(keys, found.first):
            weight *= WISHED
    return weight * _place(keys, found.first, found.last)


def _turned(keys: list[str], first: int) -> float:
    for back, place in enumerate(range(first - 1, -1, -1), start=1):
        if keys[place] in PAUSES or keys[place] in _BUT:
            return 1.0
        if keys[place] not in lexicon.NEGATORS:
            continue
        after = keys[place + 1]
        if after in ("only", "just") or _diminishes(keys, place):
            return 1.0
        # "I do not think that this lecture was ever good": the negated verb of opinion reaches to the clause's end.
        if back <= BACK or after in _OPINIONS:
            # "Never had a better teacher" praises, "never seen a worse one" blames.
            return 1.0 if keys[first] in ("better", "worse") and keys[place] in ("never", "not") else TURNED
    return 1.0


def _only_wished(keys: list[str], first: int) -> bool:
    """Whether praise stands behind "I wish", "would have been" or the like: something that was not so."""
    for place in range(first - 1, max(-1, first - 1 - WISH_REACHES), -1):
        if keys[place] in PAUSES:
            return False
        if keys[place] in _WISHES:
            return True
        if keys[place] in _MODALS and keys[place + 1] in ("have", "use"):
            return True
    return False


def _diminishes(keys: list[str], place: int) -> bool:
    """Whether a word such as "little" says a degree ("a little hard") rather than that there is none."""
    return keys[place] == "little" and place > 0 and keys[place - 1] == "a"


def _place(keys: list[str], first: int, last: int) -> float:
    """How much a word counts by where it stands around "but" and "although" in its sentence."""
    factor = 1.0
    for place in range(first - 1, -1, -1):
        if keys[place] in ENDS:
            break
        if keys[place] in _CONCEDING and "," not in keys[place:first]:
            factor = CONCEDED
            break
        if keys[place] in _BUT:
            factor = AFTER_BUT
            break
    for place in range(last + 1, len(keys)):
        if keys[place] in ENDS:
            break
        if keys[place] in _BUT:
            return BEFORE_BUT if factor == 1.0 else factor
    return factor
