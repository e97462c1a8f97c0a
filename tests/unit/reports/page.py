"""A rendered page as a test sees it: elements, attributes and the text that people read."""

from html.parser import HTMLParser
from typing import Final

INLINE: Final = {"a", "abbr", "b", "bdi", "code", "span", "time"}
VOID: Final = {"meta", "link", "br", "img", "input", "hr", "line", "rect", "circle", "polygon", "polyline"}


class Page(HTMLParser):
    """Parses a page and refuses one whose elements are not closed in order."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str]]] = []
        self._open: list[str] = []
        self._texts: list[str] = []
        self.feed(html)
        self.close()
        assert not self._open, f"never closed: {self._open}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        self._part(tag)
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        assert self._open, f"</{tag}> closes nothing"
        assert self._open[-1] == tag, f"</{tag}> closes <{self._open[-1]}>"
        self._open.pop()
        self._part(tag)

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1] != "style":
            self._texts.append(data)

    def _part(self, tag: str) -> None:
        if tag not in INLINE:
            self._texts.append(" ")

    @property
    def text(self) -> str:
        """All text of the page, with single spaces."""
        return " ".join("".join(self._texts).split())

    def all(self, tag: str) -> list[dict[str, str]]:
        """The attributes of every element of one kind."""
        return [attributes for name, attributes in self.elements if name == tag]
