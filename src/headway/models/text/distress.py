"""Signs that somebody is not well, from 0 to 1, for a human to read: never a decision, never a diagnosis.

Promises high recall at a workload that `docs/explanation/distress.md` states, and for every score the words that it
came from. A score opens a task for a person and does nothing else; it is no feature of any model. That nothing was
found never means that somebody is well.
"""

import functools
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from headway.models.text import distress_words as known
from headway.models.text.distress_model import FEWEST_WORDS, sign_model
from headway.models.text.distress_signs import WEAK as WEAK_SIGNS
from headway.models.text.lexicon import NEGATORS
from headway.models.text.words import PAUSES, Found, Phrases, Words, phrases_of
from headway.models.text.words import listed as listed_words

READ: Final = 0.5
"""From this score on a human should read the text."""

TODAY: Final = "A human should read this today."

DENIED: Final = 0.35
STUDIED: Final = 0.42
ABOUT_COURSE: Final = 0.6
LAUGHED: Final = 0.7
LONG_AGO: Final = 0.75
ANOTHER: Final = 1.5
"""What is left of a strength where it is denied, studied, about a course thing, laughed at or past; and what is added
where it is about somebody near."""

BESIDE: Final = 0.5
"""How much a second category adds."""

BACK: Final = 3
_MADE_OF: Final = frozenset({"acute_stress", "hopelessness"})


@dataclass(frozen=True, slots=True)
class Signal:
    """One sign: its category, the words, and how strongly they speak in their sentence, in [0, 1]."""

    category: str
    span: str
    strength: float


@dataclass(frozen=True, slots=True)
class Distress:
    """What was found in a text.

    Attributes:
        score: in [0, 1].
        signals: strongest first.
    """

    score: float
    signals: tuple[Signal, ...]

    @property
    def to_read(self) -> bool:
        """Whether a human should read the text."""
        return self.score >= READ

    @property
    def categories(self) -> tuple[str, ...]:
        """Categories of the signals, strongest first."""
        return tuple(dict.fromkeys(one.category for one in self.signals))


def distress(words: Words, likeness: float = 0.0) -> Distress:
    """The signs in a text; each further category adds half of what an independent one would.

    Args:
        words: the text.
        likeness: what an encoder's judge says of it, see `distress_model.encoded_judge`; the score is at least that.
    """
    signals = sorted(_signals(words), key=lambda one: (-one.strength, one.category, one.span))
    strongest: dict[str, float] = {}
    for one in signals:
        strongest.setdefault(one.category, one.strength)
    levels = sorted(strongest.values(), reverse=True)
    score = 1 - math.prod(1 - level * (BESIDE if place else 1.0) for place, level in enumerate(levels))
    return Distress(round(min(1.0, max(float(score), likeness)), 4), tuple(signals))


def _signals(words: Words) -> Iterator[Signal]:
    found = _phrases().find(words)
    covered = [(one.first, one.last) for one in found if one.name == "harmless"]
    free = [one for one in found if one.name != "harmless" and not _inside(one, covered)]
    said = [one for one in free if not one.name.startswith(WEAK)]
    yield from _together(words, [one for one in free if one.name.startswith(WEAK)])
    if len(words) < MOST_WORDS:
        said += [one for one in _ideas_met(words) if not _inside(one, covered)]
    if not said:
        return
    bounds = list(words.sentences())
    anybody = any(key in known.SELF for key in words.keys)
    for one in said:
        start, end = next((a, b) for a, b in bounds if a <= one.first < b)
        strength = _in_context(words, one, start, end, anybody)
        category = "self_harm" if one.name == "elsewhere" else one.name
        yield Signal(category, words.quote(one.first, one.last), round(min(0.99, strength), 4))


def _together(words: Words, weak: list[Found]) -> Iterator[Signal]:
    """What the weak signs of each sentence say together; the sentences beside it count half."""
    if not weak:
        return
    keys = words.keys
    by_sentence: list[dict[str, Found]] = []
    for start, end in words.sentences():
        held: dict[str, Found] = {}
        lived = not set(keys[start:end]) & known.ABOUT_OTHERS and bool(set(keys[start:end]) & known.SELF)
        for one in weak if lived else ():
            if start <= one.first < end:
                key = keys[one.last]
                if key not in held or held[key].weight < one.weight:
                    held[key] = one
        by_sentence.append(held)
    for place, held in enumerate(by_sentence):
        if not held:
            continue
        beside = [*by_sentence[max(0, place - 1) : place], *by_sentence[place + 1 : place + 2]]
        strongest = max(held.values(), key=lambda one: (one.weight if one.name != _PEOPLE else 0.0, -one.first))
        spared = math.prod(1 - _weak_weight(keys, one) for one in held.values())
        spared *= math.prod(1 - NEXT_TO * one.weight for other in beside for one in other.values())
        start, end = next((a, b) for a, b in words.sentences() if a <= strongest.first < b)
        strength = 1 - spared
        if set(keys[start:end]) & known.COURSE_THINGS:
            strength *= ABOUT_COURSE
        if set(keys[start : end + 3]) & known.LAUGHS:
            strength *= LAUGHED
        alike = sign_model().chance(words.part(start, end)) if end - start >= FEWEST_WORDS else 0.0
        # Neither weak words nor likeness to an example is enough; both together are what paraphrases have.
        own = 1 - math.prod(1 - _weak_weight(keys, one) for one in held.values())
        strength = max(strength, READ * own * alike / ALIKE)
        category = strongest.name.removeprefix(WEAK)
        if category in known.CATEGORIES:
            yield Signal(category, words.quote(start, end - 1), round(min(MOST_WEAK, strength), 4))


def _weak_weight(keys: list[str], one: Found) -> float:
    denied = keys[one.first] not in NEGATORS and _denied(keys, one.first, 0)
    return one.weight * (DENIED if denied else 1.0)


ALIKE: Final = 0.22
"""Weak signs times likeness to the examples, from which on a human should read a sentence."""

WEAK: Final = "weak:"
_PEOPLE: Final = f"{WEAK}people"
NEXT_TO: Final = 0.5
MOST_WEAK: Final = 0.74


def _inside(one: Found, covered: list[tuple[int, int]]) -> bool:
    return any(first <= one.first <= last for first, last in covered)


def _in_context(words: Words, one: Found, start: int, end: int, anybody: bool) -> float:
    """How strongly a phrase speaks in its sentence."""
    if one.name == "elsewhere":
        return one.weight
    keys = words.keys
    sentence = set(keys[start:end])
    own = bool(sentence & known.SELF)
    strength = one.weight
    if _denied(keys, one.first, start):
        strength *= DENIED
    if sentence & known.ABOUT_OTHERS and not _lived(keys, start, end):
        strength *= STUDIED
    elif not own and not anybody:
        strength *= _unsaid(one, sentence, start)
    if one.name == "other_at_risk" and sentence & known.NEAR_ONES and ({"my", "our"} & sentence or own):
        strength *= ANOTHER
    if one.name in _MADE_OF and sentence & known.COURSE_THINGS and one.weight < CERTAIN_ANYHOW:
        strength *= ABOUT_COURSE
    if sentence & known.LAUGHS or set(keys[end : end + 3]) & known.LAUGHS:
        strength *= LAUGHED
    if sentence & known.PAST and one.weight < CERTAIN:
        strength *= LONG_AGO
    return strength


def _unsaid(one: Found, sentence: set[str], start: int) -> float:
    """What is left of a phrase in a text that never says "I": much where it opens its sentence."""
    if one.name == "other_at_risk":
        return 1.0 if sentence & known.NEAR_ONES else STUDIED
    if one.name in ("self_harm", "hopelessness") and one.weight >= CERTAIN:
        return 1.0 if one.first == start else SUBJECT_LEFT_OUT
    return STUDIED


SUBJECT_LEFT_OUT: Final = 0.72
CERTAIN: Final = 0.7
CERTAIN_ANYHOW: Final = 0.75
MOST_WORDS: Final = 3_000


def _denied(keys: list[str], first: int, start: int) -> bool:
    """Whether a negation stands just before a phrase ("I am not suicidal")."""
    for place in range(first - 1, max(start - 1, first - 1 - BACK), -1):
        if keys[place] in PAUSES:
            return False
        if keys[place] in NEGATORS and keys[place + 1] not in ("only", "just", "know"):
            return True
    return False


def _lived(keys: list[str], start: int, end: int) -> bool:
    """Whether a sentence speaks of oneself, not only of what one reads or thinks about something studied."""
    for place in range(start, end):
        if keys[place] in ("me", "my", "myself"):
            return True
        if keys[place] == "i" and place + 1 < end and keys[place + 1] not in _REMARKS:
            return True
    return False


_REMARKS: Final = frozenset(
    {"think", "read", "believe", "agree", "found", "guess", "wonder", "liked", "thought", "suppose", "wrote"}
)


PASSED_OVER: Final = frozenset(
    listed_words(
        """
        really very so completely totally just even still actually honestly always already quite utterly simply truly
        ever literally also too all probably such constantly extremely pretty absolutely
        """
    )
)


@functools.cache
def _phrases() -> Phrases:
    listed: dict[str, dict[str, float]] = {"harmless": dict.fromkeys(phrases_of(known.HARMLESS), 1.0)}
    for category, by_strength in known.PHRASES.items():
        of_category: dict[str, float] = {}
        for strength, phrases in by_strength.items():
            for phrase in phrases_of(phrases):
                of_category.setdefault(phrase, strength)
        listed[category] = of_category
    for category, by_weight in WEAK_SIGNS.items():
        weak: dict[str, float] = {}
        for weight, phrases in by_weight.items():
            for phrase in phrases_of(phrases):
                weak.setdefault(phrase, weight)
        listed[f"{WEAK}{category}"] = weak
    return Phrases(listed, passed_over=PASSED_OVER)


@functools.cache
def _ideas() -> dict[str, frozenset[str]]:
    of_word: dict[str, set[str]] = {}
    for idea, words in known.IDEAS.items():
        for word in words.split():
            of_word.setdefault(word, set()).add(idea)
    return {word: frozenset(ideas) for word, ideas in of_word.items()}


def _ideas_met(words: Words) -> Iterator[Found]:
    """Sentences in which all ideas of a known set meet: paraphrases that no list of phrases holds."""
    ideas = _ideas()
    none: frozenset[str] = frozenset()
    for start, end in words.sentences():
        places = [(place, ideas.get(words.keys[place], none)) for place in range(start, end)]
        there = frozenset().union(*(of_word for _, of_word in places))
        for category, strength, wanted, within in known.TOGETHER:
            asked = frozenset(wanted.split())
            if asked <= there and (met := _close(places, asked, within)):
                yield Found(category, strength, *met)


def _close(places: list[tuple[int, frozenset[str]]], asked: frozenset[str], within: int) -> tuple[int, int] | None:
    """First and last word of the first stretch of a sentence in which each idea has a word of its own."""
    for at, (first, of_first) in enumerate(places):
        if not of_first & asked:
            continue
        stretch = [(place, of_word & asked) for place, of_word in places[at : at + within] if of_word & asked]
        held = _matched([of_word for _, of_word in stretch], asked)
        if held is not None:
            return first, stretch[held][0]
    return None


def _matched(words: list[frozenset[str]], asked: frozenset[str]) -> int | None:
    """The place of the word with which every idea has one of its own; None where they do not all meet."""
    owner: dict[str, int] = {}

    def give(word: int, seen: set[str]) -> bool:
        for idea in sorted(words[word]):
            if idea in seen:
                continue
            seen.add(idea)
            if idea not in owner or give(owner[idea], seen):
                owner[idea] = word
                return True
        return False

    for word in range(len(words)):
        give(word, set())
        if len(owner) == len(asked):
            return word
    return None
