"""Delimited text as it comes: compressed or not, damaged or not, made into lines that can be counted and read.

Promises that no byte is dropped in silence: a file that cannot be read as a whole (truncated, empty, not text) is a
`SourceError` before any of its rows is used, and a line that cannot be split into fields comes back with its reason.
Holds one chunk or one line at a time. Knows nothing of tables, kinds or engines.
"""

import codecs
import csv
import gzip
import zlib
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final, NamedTuple, TypeAlias, cast

from headway.domain.errors import SourceError

CHUNK_BYTES: Final = 1 << 20
LONGEST_HEADER_BYTES: Final = 1 << 16
LONGEST_LINE_BYTES: Final = 1 << 20
MOST_LINES_PER_RECORD: Final = 1000
RAW_CHARACTERS: Final = 2000  # of a refused row that are kept for the reader of the quarantine

# A learner's text may be longer than Python's limit for a field; ours is that of the line.
csv.field_size_limit(max(csv.field_size_limit(), 2 * LONGEST_LINE_BYTES))

_Numbered: TypeAlias = tuple[int, bytes]


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a text is delimited. `encoding` is a Python codec name; an empty `quote` means that none is used."""

    delimiter: str = ","
    quote: str = '"'
    encoding: str = "utf-8"


@dataclass(frozen=True, slots=True)
class TextFile:
    """A text on disk, in UTF-8 and decompressed, that has been read once from end to end.

    Attributes:
        name: the name the user knows it by.
        path: where the text is.
        columns: the header's names, in order.
        lines: how many lines follow the header.
        regular: no undecodable byte, NUL or blank line was seen, so that a fast reader may try it.
    """

    name: str
    path: Path
    columns: tuple[str, ...]
    lines: int
    regular: bool


class Line(NamedTuple):
    """One record of a text: `fields`, or the reason why it has none.

    Attributes:
        number: 1-based number of its first line in the file.
        fields: as many as the header has; an empty field is None.
        reason: short code where the line was refused, else None.
        detail: one sentence saying what is wrong.
        raw: of a refused line its text, undecodable bytes in hexadecimal, at most RAW_CHARACTERS of it.
    """

    number: int
    fields: list[str | None] | None
    reason: str | None
    detail: str | None
    raw: str | None


def prepare(path: Path, name: str, target: Path, dialect: Dialect) -> TextFile:
    """The text at `path`, decompressed and recoded to `target` where that is needed, and looked through once.

    Args:
        path: a plain or gzip-compressed (`.gz`) text.
        name: what to call it in messages and in the quarantine.
        target: a path that does not exist yet; afterwards the text, or a link to it.
        dialect: how it is delimited and encoded.

    Raises:
        SourceError: it is empty, truncated, unreadable, or its first line is no header.
    """
    look = _Look()
    try:
        with _opened(path) as stream:
            if _usable_in_place(path, dialect):
                target.symlink_to(path.resolve())
                for chunk in iter(lambda: stream.read(CHUNK_BYTES), b""):
                    look.at(chunk)
            else:
                _copy(stream, target, look, dialect, name)
    except (EOFError, zlib.error, gzip.BadGzipFile) as wrong:
        raise SourceError(f"{name} is damaged or cut short ({wrong}). Download it again; nothing was read.") from wrong
    except OSError as wrong:
        raise SourceError(
            f"{name} cannot be read ({wrong.strerror or wrong}). Check the path and its rights."
        ) from wrong
    return TextFile(name, target, _header(look.head, name, dialect), look.lines - 1, look.regular)


def lines_of(file: TextFile, dialect: Dialect) -> Iterator[Line]:
    """Every record after the header, good or refused, in the file's order: the slow reader for damaged texts.

    A quoted field may span lines; one that never closes costs its first line only, not the rest of the file.
    """
    with file.path.open("rb") as stream:
        rest = _Rest(_physical_lines(stream))
        rest.take()
        while first := rest.take():
            if first[1].strip(b"\r\n"):
                yield _record(first, rest, len(file.columns), dialect)


class _Rest:
    """The lines still to come, of which some may be looked at and put back."""

    def __init__(self, lines: Iterator[_Numbered]) -> None:
        self._lines = lines
        self._ahead: deque[_Numbered] = deque()
        self._seen = 0

    def take(self) -> _Numbered | None:
        """The next line for good."""
        return self._ahead.popleft() if self._ahead else next(self._lines, None)

    def peek(self) -> bytes | None:
        """The text of the next line not yet looked at."""
        if self._seen == len(self._ahead):
            line = next(self._lines, None)
            if line is None:
                return None
            self._ahead.append(line)
        self._seen += 1
        return self._ahead[self._seen - 1][1]

    def drop(self) -> None:
        """Take all that was looked at."""
        for _ in range(self._seen):
            self._ahead.popleft()
        self._seen = 0

    def put_back(self) -> None:
        """Forget that anything was looked at."""
        self._seen = 0


class _Look:
    """What one pass over a file's chunks finds out."""

    def __init__(self) -> None:
        self.head = b""
        self.lines = 0
        self.regular = True
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self._last = b"\n"

    def at(self, chunk: bytes) -> None:
        if len(self.head) <= LONGEST_HEADER_BYTES:
            self.head += chunk[: LONGEST_HEADER_BYTES + 1]
        self.lines += chunk.count(b"\n") + (self._last == b"\n") - (chunk[-1:] == b"\n")
        joined = self._last + chunk
        blank = b"\n\n" in joined or b"\n\r\n" in joined or joined[-2:] == b"\n\r"
        self.regular = self.regular and not blank and b"\0" not in chunk and self._decodes(chunk)
        self._last = chunk[-1:]

    def _decodes(self, chunk: bytes) -> bool:
        try:
            self._decoder.decode(chunk)
        except UnicodeDecodeError:
            return False
        return True


def _opened(path: Path) -> IO[bytes]:
    return cast(IO[bytes], gzip.open(path, "rb")) if path.suffix == ".gz" else path.open("rb")


def _usable_in_place(path: Path, dialect: Dialect) -> bool:
    if path.suffix == ".gz" or codecs.lookup(dialect.encoding).name != "utf-8":
        return False
    with path.open("rb") as stream:
        return not _carriage_returns_only(stream.read(CHUNK_BYTES))


def _carriage_returns_only(head: bytes) -> bool:
    return b"\r" in head and b"\n" not in head


def _copy(stream: IO[bytes], target: Path, look: _Look, dialect: Dialect, name: str) -> None:
    recode = codecs.lookup(dialect.encoding).name != "utf-8"
    decoder = codecs.getincrementaldecoder(dialect.encoding)()
    old_mac: bool | None = None
    with target.open("wb") as out:
        ended = False
        while not ended:
            chunk = stream.read(CHUNK_BYTES)
            ended = not chunk
            if recode:
                try:
                    chunk = decoder.decode(chunk, final=ended).encode()
                except UnicodeError as wrong:
                    raise SourceError(
                        f"{name} is not {dialect.encoding} text. State its encoding in the mapping."
                    ) from wrong
            old_mac = _carriage_returns_only(chunk) if old_mac is None else old_mac
            if old_mac:
                chunk = chunk.replace(b"\r", b"\n")
            if chunk:
                look.at(chunk)
                out.write(chunk)


def _header(head: bytes, name: str, dialect: Dialect) -> tuple[str, ...]:
    first = head.removeprefix(codecs.BOM_UTF8).split(b"\n", 1)[0].rstrip(b"\r")
    if not head.strip():
        raise SourceError(f"{name} is empty. Download it again, or take it away if it is not needed.")
    if len(first) > LONGEST_HEADER_BYTES or b"\0" in first:
        raise SourceError(f"{name} does not begin with a header line. Is it a delimited text?")
    try:
        (fields,) = _fields(first.decode(), dialect)
    except UnicodeDecodeError as wrong:
        raise SourceError(f"The header of {name} is not {dialect.encoding} text. Save the file as UTF-8.") from wrong
    except (csv.Error, ValueError) as wrong:
        raise SourceError(f"The header of {name} cannot be split into columns. Correct its first line.") from wrong
    return tuple(field.strip() for field in fields)


def _fields(text: str, dialect: Dialect) -> list[list[str]]:
    """The rows in `text`; it raises csv.Error where a quote is wrong."""
    if dialect.quote not in text and "\r" not in text:
        return [text.split(dialect.delimiter)]
    if not dialect.quote:
        return list(csv.reader([text], delimiter=dialect.delimiter, quoting=csv.QUOTE_NONE, strict=True))
    return list(csv.reader([text], delimiter=dialect.delimiter, quotechar=dialect.quote, strict=True))


def _physical_lines(stream: IO[bytes]) -> Iterator[_Numbered]:
    number = 0
    while line := stream.readline(LONGEST_LINE_BYTES + 2):
        number += 1
        rest = line
        while not rest.endswith(b"\n") and len(line) > LONGEST_LINE_BYTES:
            rest = stream.readline(LONGEST_LINE_BYTES)
            if not rest:
                break
        yield number, line


def _record(first: _Numbered, rest: _Rest, width: int, dialect: Dialect) -> Line:
    number, text = first
    fault, fields = _split(text, width, dialect)
    if fault == "bad_quotes" and (joined := _closed(text, rest, dialect)):
        # Only a record that comes out whole takes further lines: a stray quote must not swallow good ones.
        joined_fault, joined_fields = _split(joined, width, dialect)
        if joined_fault is None:
            rest.drop()
            fault, fields = None, joined_fields
        rest.put_back()
    if fault is None:
        return Line(number, fields, None, None, None)
    return Line(number, None, fault, _DETAILS[fault].format(width=width), readable(text))


def _closed(text: bytes, rest: _Rest, dialect: Dialect) -> bytes | None:
    """`text` with as many following lines as close its open quote, or None where that is not near."""
    quote = dialect.quote.encode()
    opened = text.count(quote) % 2
    parts, length = [text], len(text)
    for _ in range(MOST_LINES_PER_RECORD if opened else 0):
        following = rest.peek()
        if following is None or length > LONGEST_LINE_BYTES:
            break
        parts.append(following)
        length += len(following)
        if following.count(quote) % 2:
            return b"".join(parts)
    rest.put_back()
    return None


def _split(text: bytes, width: int, dialect: Dialect) -> tuple[str | None, list[str | None] | None]:
    if len(text) > LONGEST_LINE_BYTES:
        return "line_too_long", None
    if b"\0" in text:
        return "bad_encoding", None
    try:
        rows = _fields(text.decode().rstrip("\r\n"), dialect)
    except UnicodeDecodeError:
        return "bad_encoding", None
    except csv.Error:
        return "bad_quotes", None
    if len(rows) != 1 or len(rows[0]) != width:
        return "wrong_column_count", None
    return None, [field or None for field in rows[0]]


def readable(text: bytes) -> str:
    """`text` for the quarantine: what cannot be decoded is written in hexadecimal, and a long text is cut."""
    decoded = text[: 4 * RAW_CHARACTERS].decode("utf-8", "backslashreplace").rstrip("\r\n").replace("\0", "\\x00")
    return decoded[:RAW_CHARACTERS]


_DETAILS: Final = {
    "line_too_long": f"The line is longer than {LONGEST_LINE_BYTES} bytes.",
    "bad_encoding": "The line has bytes that are not text.",
    "bad_quotes": "The line has a quote or a carriage return where none may be.",
    "wrong_column_count": "The line has not the header's {width} columns.",
}
