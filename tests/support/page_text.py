"""What an HTML page is made of, for tests that hold every page to the same rules."""

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Final

VOID: Final = frozenset(
    {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
)
UNSEEN: Final = frozenset({"script", "style", "template", "title"})
FROM_DATA: Final = "data-content"

FORBIDDEN: Final = re.compile(
    r"dropout risk|failure risk|high[- ]risk|risk factor|\bSHAP\b|feature importance|report a bug|\bat risk\b"
    r"|red/amber/green|\bsevere|\bcritical\b|\bcauses?d?\b|because of|will fail|\bstudents?\b"
    r"|\bN/A\b|\bNaN\b|(?-i:\bNone\b(?! of\b))",
    re.IGNORECASE,
)
"""What the wording bank (ux.md, 1.4) does not say, and what no page, mail or message should let slip."""


@dataclass(frozen=True, slots=True)
class Text:
    """A piece of visible text and where it stands.

    Attributes:
        words: the text.
        inside: the tags around it, the outermost first.
        from_data: whether it comes from the data and is not ours to translate or to word.
        in_footer: whether the footer holds it.
    """

    words: str
    inside: tuple[str, ...]
    from_data: bool
    in_footer: bool


@dataclass
class Outline(HTMLParser):
    """A page read once: its title, headings, texts, links and what must not be in it."""

    title: str = ""
    html: dict[str, str] = field(default_factory=dict)
    headings: list[int] = field(default_factory=list)
    texts: list[Text] = field(default_factory=list)
    attributes: list[tuple[str, str, str]] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    inline: list[str] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)
    _open: list[tuple[str, bool]] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = {name: value or "" for name, value in attrs}
        if tag == "html":
            self.html = told
        if re.fullmatch(r"h[1-6]", tag):
            self.headings.append(int(tag[1]))
        if "id" in told:
            self.ids.append(told["id"])
        if told.get("name") == "csrf":
            self.tokens.append(told.get("value", ""))
        self.attributes += [(tag, name, value) for name, value in told.items()]
        if tag not in VOID:
            data = bool(self._open and self._open[-1][1]) or FROM_DATA in told or tag == "time"
            self._open.append((tag, data))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        while self._open:
            if self._open.pop()[0] == tag:
                return

    def handle_data(self, data: str) -> None:
        tags = tuple(tag for tag, _ in self._open)
        if tags and tags[-1] == "title" and "svg" not in tags:
            self.title += data
        if tags and tags[-1] in {"script", "style"} and data.strip():
            self.inline.append(data.strip()[:80])
        if data.strip() and not UNSEEN.intersection(tags):
            words = " ".join(data.split())
            self.texts.append(Text(words, tags, bool(self._open and self._open[-1][1]), "footer" in tags))

    def seen(self) -> str:
        """All that is visible and ours, a line for each piece."""
        return "\n".join(text.words for text in self.texts if not text.from_data)


def outline(html: str) -> Outline:
    """The outline of a page."""
    made = Outline()
    made.feed(html)
    made.close()
    return made
