"""Words as the lexica read them: one spelling for what people write in many, and phrases found in one pass.

Promises that "can't", "cannot", "cant" and "can not" are the same words, that a phrase never reaches over the end of a
sentence, and that finding costs the length of the text, however many phrases there are. Others must not split texts
into words themselves where they use a lexicon.
"""

import functools
import html
import itertools
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

LONGEST: Final = 20_000
"""Characters of a text that are read; what follows is beyond any post and costs time."""

ENDS: Final = frozenset({".", "!", "?"})
PAUSES: Final = frozenset({*ENDS, ","})

_TAG: Final = re.compile(r"<[^<>]{0,400}>")
_PIECE: Final = re.compile(
    r"[^\W\d_]+(?:'[^\W\d_]+)*"  # a word
    r"|\d+(?:[.,:/]\d+)*%?"
    r"|(?P<smile>[:;=8][-^']?[)D\]pP]+|<3|\^\^)|(?P<frown>[:;=][-^']?[(\[/|]+)"
    r"|(?P<end>[.…;:\n\r]+)|(?P<loud>[!?]+)|(?P<comma>,)"
    r"|(?P<emoji>[\U0001F300-\U0001FAFF☀-➿])"
)
_ALIKE: Final = str.maketrans({"’": "'", "‘": "'", "`": "'", "´": "'", "ʼ": "'", "“": '"', "”": '"', "\xa0": " "})

_SHORT: dict[str, tuple[str, ...]] = {
    "can't": ("can", "not"),
    "cannot": ("can", "not"),
    "won't": ("will", "not"),
    "wont": ("will", "not"),
    "shan't": ("shall", "not"),
    "ain't": ("is", "not"),
    "im": ("i", "am"),
    "ive": ("i", "have"),
    "gonna": ("going", "to"),
    "wanna": ("want", "to"),
    "gotta": ("got", "to"),
    "gotten": ("got",),
    "dunno": ("do", "not", "know"),
    "idk": ("i", "do", "not", "know"),
    "kms": ("kill", "myself"),
    "plz": ("please",),
    "pls": ("please",),
    "u": ("you",),
    "ur": ("your",),
    "thx": ("thanks",),
    "thanx": ("thanks",),
    "alot": ("a", "lot"),
    "anymore": ("any", "more"),
    "every1": ("everyone",),
    "let's": ("let", "us"),
    "noone": ("nobody",),
    "no-one": ("nobody",),
    "wasent": ("was", "not"),
    "wana": ("want", "to"),
    "myslef": ("myself",),
    "mysef": ("myself",),
    "noboby": ("nobody",),
    "nobdy": ("nobody",),
    "freind": ("friend",),
    "freinds": ("friends",),
    "comit": ("commit",),
    "sucide": ("suicide",),
    "suicde": ("suicide",),
    "suiside": ("suicide",),
    "sewerslide": ("suicide",),
    "suicidel": ("suicidal",),
    "sucidal": ("suicidal",),
    "unalived": ("killed",),
    "dieing": ("dying",),
    "lonley": ("lonely",),
    "lonly": ("lonely",),
    "hopless": ("hopeless",),
    "hopeles": ("hopeless",),
    "worthles": ("worthless",),
    "usless": ("useless",),
    "depresed": ("depressed",),
    "depressd": ("depressed",),
    "deppressed": ("depressed",),
    "depresion": ("depression",),
    "anxeity": ("anxiety",),
    "anxiaty": ("anxiety",),
    "anxity": ("anxiety",),
    "overwelmed": ("overwhelmed",),
    "overwhelmd": ("overwhelmed",),
    "exausted": ("exhausted",),
    "tierd": ("tired",),
    "cryin": ("crying",),
    "abusd": ("abused",),
    "abussive": ("abusive",),
    "threatned": ("threatened",),
    "harrassed": ("harassed",),
    "harassd": ("harassed",),
    "homless": ("homeless",),
}
_SHORT |= {
    f"{verb}nt": (verb, "not")
    for verb in ("do", "does", "did", "is", "was", "could", "would", "should", "have", "has", "had", "are", "were")
}
_SHORT |= {"cant": ("can", "not")}
_ENDINGS: Final = {"'m": "am", "'re": "are", "'ve": "have", "'ll": "will", "'d": "would"}
_IS: Final = frozenset({"it", "that", "there", "what", "here", "he", "she", "who", "where", "how", "everything"})


def listed(words: str) -> list[str]:
    """The words of a text with spaces between them; for word lists in code."""
    return words.split()


def phrases_of(listed_phrases: str) -> list[str]:
    """The phrases of a text with commas between them, each on one line; for lexica in code."""
    return [spelt for phrase in listed_phrases.split(",") if (spelt := " ".join(phrase.split()))]


@dataclass(frozen=True, slots=True)
class Words:
    """A text as words.

    Attributes:
        text: the text without markup, to which `starts` and `ends` refer.
        keys: words in one spelling, lower case, and the signs `.`, `!`, `?`, `,`, `:)` and `:(`.
        starts: where each begins in `text`.
        ends: where each ends.
    """

    text: str
    keys: list[str]
    starts: list[int]
    ends: list[int]

    def __len__(self) -> int:
        return len(self.keys)

    def quote(self, first: int, last: int) -> str:
        """The text from word `first` up to and with word `last`."""
        return self.text[self.starts[first] : self.ends[last]]

    def loud(self, place: int) -> bool:
        """Whether a word is written in capitals."""
        word = self.text[self.starts[place] : self.ends[place]]
        return len(word) > 2 and word.isupper()

    def part(self, first: int, end: int) -> "Words":
        """The words from place `first` up to but without `end`."""
        return Words(self.text, self.keys[first:end], self.starts[first:end], self.ends[first:end])

    def sentences(self) -> Iterator[tuple[int, int]]:
        """First word of each sentence, and the place after its last."""
        start = 0
        for place, key in enumerate(self.keys):
            if key in ENDS:
                if place > start:
                    yield start, place
                start = place + 1
        if start < len(self.keys):
            yield start, len(self.keys)


def plain(text: str) -> str:
    """The text without markup, with signs in one form.

    >>> plain("can&#39;t&nbsp;open<br>it")
    "can't open it"
    """
    cut = text[:LONGEST]
    if "&" in cut:
        cut = html.unescape(cut)
    if "<" in cut:
        cut = _TAG.sub(" ", cut)
    if not cut.isascii():
        cut = unicodedata.normalize("NFKC", cut).translate(_ALIKE)
    return cut


def words_of(text: str) -> Words:
    """The words of a text.

    >>> words_of("I CAN'T open it!").keys
    ['i', 'can', 'not', 'open', 'it', '!']
    """
    clean = plain(text)
    keys: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    for piece in _PIECE.finditer(clean):
        start, end = piece.span()
        group = piece.lastgroup
        for key in _long(piece.group().lower()) if group is None else _sign(group, piece.group()):
            keys.append(key)
            starts.append(start)
            ends.append(end)
    return Words(clean, keys, starts, ends)


def _sign(group: str, found: str) -> tuple[str, ...]:
    if group == "loud":
        return ("?",) if "?" in found else ("!",)
    return {"end": (".",), "comma": (",",), "smile": (":)",), "frown": (":(",), "emoji": (found,)}[group]


@functools.lru_cache(maxsize=50_000)
def _long(word: str) -> tuple[str, ...]:
    if word in _SHORT:
        return _SHORT[word]
    if "'" not in word:
        return (word,)
    if word.endswith("n't"):
        return (word[:-3], "not")
    for ending, spelt in _ENDINGS.items():
        if word.endswith(ending):
            return (word[: -len(ending)], spelt)
    if word.endswith("'s"):
        return (word[:-2], "is") if word[:-2] in _IS else (word[:-2],)
    return tuple(word.split("'"))


@dataclass(frozen=True, slots=True)
class Found:
    """A phrase in a text: its name and weight, and its first and last word."""

    name: str
    weight: float
    first: int
    last: int


@dataclass(slots=True)
class _Node:
    next: dict[str, "_Node"] = field(default_factory=dict)
    means: list[tuple[str, float]] = field(default_factory=list)


GAP: Final = "~"
WIDE: Final = "~~"
WORDS_KEPT: Final = 50_000
_REACH: Final = {GAP: 2, WIDE: 5}


class Phrases:
    """Phrases that are all looked for at once.

    A phrase is words with spaces between. `a/b` is either word, `word?` may be absent, `stem*` is every word that
    begins so, `~` stands for up to two words and `~~` for up to five, never for a sign of punctuation.
    """

    def __init__(
        self, phrases: Mapping[str, Mapping[str, float]], *, passed_over: frozenset[str] = frozenset()
    ) -> None:
        """Phrases by name, each with its weight.

        Args:
            phrases: as the class says.
            passed_over: words of which one or two may stand anywhere in a phrase, such as "really".
        """
        self._passed_over = passed_over
        self._root = _Node()
        self._stems: dict[str, set[int]] = {}
        for name, of_name in phrases.items():
            for phrase, weight in of_name.items():
                for form in _forms(phrase):
                    self._insert(form, name, weight)
        self._keys = functools.lru_cache(maxsize=WORDS_KEPT)(self._keys_of)
        self._starts: dict[str, tuple[_Node, ...]] = {}

    def find(self, words: Words) -> list[Found]:
        """Every phrase in the text, of those with one name that begin at one word the longest only."""
        found: list[Found] = []
        keys, starts = words.keys, self._starts
        for place, key in enumerate(keys):
            nodes = starts.get(key)
            if nodes is None:
                nodes = self._start(key)
            if not nodes:
                continue
            longest: dict[str, Found] = {}
            for node in nodes:
                for last, name, weight in self._follow(node, keys, place):
                    held = longest.get(name)
                    if held is None or last > held.last:
                        longest[name] = Found(name, weight, place, last)
            found += longest.values()
        return found

    def _start(self, word: str) -> tuple[_Node, ...]:
        """The nodes at which a phrase may begin with a word; most words begin none, so they are remembered."""
        if len(self._starts) > WORDS_KEPT:
            self._starts.clear()
        root = self._root.next
        nodes = tuple(root[known] for known in self._keys(word) if known in root)
        self._starts[word] = nodes
        return nodes

    def _follow(self, node: _Node, keys: list[str], place: int) -> Iterator[tuple[int, str, float]]:
        for name, weight in node.means:
            yield place, name, weight
        if not node.next:
            return
        if place + 1 < len(keys):
            for known in self._keys(keys[place + 1]):
                if known in node.next:
                    yield from self._follow(node.next[known], keys, place + 1)
        beyond = place + 1
        while beyond < min(place + 3, len(keys) - 1) and keys[beyond] in self._passed_over:
            beyond += 1
            for known in self._keys(keys[beyond]):
                if known in node.next:
                    yield from self._follow(node.next[known], keys, beyond)
        for gap, reach in _REACH.items():
            after = node.next.get(gap)
            for skipped in range(reach + 1) if after is not None else ():
                nxt = place + 1 + skipped
                if nxt >= len(keys) or keys[nxt] in PAUSES:
                    break
                for known in self._keys(keys[nxt]):
                    if after is not None and known in after.next:
                        yield from self._follow(after.next[known], keys, nxt)

    def _keys_of(self, word: str) -> tuple[str, ...]:
        stems = self._stems.get(word[:3], ())
        return (word, *(f"{word[:size]}*" for size in stems if size <= len(word)))

    def _insert(self, form: Iterable[str], name: str, weight: float) -> None:
        node = self._root
        for part in form:
            if part.endswith("*"):
                self._stems.setdefault(part[:3], set()).add(len(part) - 1)
            node = node.next.setdefault(part, _Node())
        node.means.append((name, weight))


def _forms(phrase: str) -> Iterator[tuple[str, ...]]:
    """A phrase with every choice made."""
    choices: list[list[str]] = []
    for part in phrase.split(" "):
        optional = part.endswith("?") and len(part) > 1
        several = part.removesuffix("?").split("/") if optional else part.split("/")
        choices.append([*several, ""] if optional else several)
    for chosen in itertools.product(*choices):
        yield tuple(part for part in chosen if part)
