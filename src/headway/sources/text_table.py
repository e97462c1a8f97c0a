"""Tables of texts as people have them: CSV in any usual encoding, read whole, every row kept with its number.

Promises that a byte that no encoding explains becomes a replacement sign and is counted, never an error, and that rows
are numbered from 1 after the header, empty ones included.
"""

import csv
import io
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from headway.domain.errors import InputError, SourceError, UnknownName

_MARKS: Final = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
_CELL_LIMIT: Final = min(sys.maxsize, 2**31 - 1)


@dataclass(frozen=True, slots=True)
class TextTable:
    """A table as it is written.

    Attributes:
        header: the columns' names.
        rows: cells by row, as many as there are columns.
        encoding: how its bytes were read.
        replaced: how many characters could not be read and are replacement signs.
    """

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    encoding: str
    replaced: int

    def column(self, name: str) -> list[str]:
        """The cells of a column.

        Raises:
            UnknownName: there is no such column.
        """
        if name not in self.header:
            raise UnknownName.of("column", name, self.header)
        place = self.header.index(name)
        return [row[place] for row in self.rows]


def read_texts(path: Path) -> TextTable:
    """The table in a CSV file, with commas, semicolons or tabs between.

    Raises:
        InputError: the file is not there or cannot be opened.
        SourceError: it has no header.
    """
    try:
        content = path.read_bytes()
    except OSError as wrong:
        raise InputError(f"{path} cannot be read ({wrong.strerror}). Name a CSV file.") from wrong
    text, encoding = _decoded(content)
    replaced = text.count("�")
    text = text.replace("\0", "")
    head = text.partition("\n")[0]
    delimiter = max((",", ";", "\t"), key=head.count)
    csv.field_size_limit(_CELL_LIMIT)
    rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))
    if not rows or not any(cell.strip() for cell in rows[0]):
        raise SourceError(f"{path} has no header. Give a CSV file whose first line names its columns.")
    header = tuple(cell.strip() for cell in rows[0])
    width = len(header)
    # A blank line of a table with one column is an empty cell; csv tells it as no cells at all.
    kept = tuple((*row[:width], *([""] * (width - len(row)))) for row in rows[1:] if row or width == 1)
    return TextTable(header, kept, encoding, replaced)


def _decoded(content: bytes) -> tuple[str, str]:
    for mark, encoding in _MARKS:
        if content.startswith(mark):
            return content.decode(encoding, errors="replace"), encoding
    try:
        return content.decode("utf-8"), "utf-8"
    except UnicodeDecodeError:
        pass
    loose = content.decode("utf-8", errors="replace")
    # A few bad bytes in a text with good accents: damaged UTF-8. Accents and no good ones: the Windows code page.
    if sum(ord(letter) > 127 and letter != "�" for letter in loose) > loose.count("�"):
        return loose, "utf-8"
    return content.decode("cp1252", errors="replace"), "cp1252"
