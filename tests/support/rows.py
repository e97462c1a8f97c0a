"""Rows for tests of sources: CSV text from lists, and strategies for rows of any content."""

import csv
import io
from collections.abc import Sequence
from pathlib import Path

from hypothesis import strategies as st

from tests.contract.source_cases import Read

HOSTILE = (
    *("", " ", "NA", "null", "x'y", 'a "quoted" word', "a,b", "1e400", "nan", "-1", "0", "1", "99999999999999999999"),
    *("9999-12-31", "0001-01-01", "2024-02-30", "infinity", "日本", "two\nlines", "a/b", "*", "\\", "{"),
)
"""Texts that no column expects."""


def any_row(*good: Sequence[str]) -> st.SearchStrategy[list[str]]:
    """Rows of one field for each list of good values, every field good or hostile."""
    return st.tuples(*(st.sampled_from([*values, *HOSTILE]) for values in good)).map(list)


def csv_text(header: str, rows: Sequence[Sequence[str]], *, backslash: bool = False) -> str:
    """The text of a CSV file, in which quotes are doubled or escaped by a backslash."""
    out = io.StringIO()
    escape = "\\" if backslash else None
    writer = csv.writer(out, lineterminator="\n", quoting=csv.QUOTE_ALL, doublequote=not backslash, escapechar=escape)
    writer.writerows(rows)
    return f"{header}\n{out.getvalue()}"


def put(folder: Path, tables: dict[str, str]) -> Path:
    """The folder, made anew with these files and no others."""
    folder.mkdir(exist_ok=True)
    for file in folder.iterdir():
        file.unlink()
    for name, text in tables.items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def refused(read: Read, file: str) -> int:
    """How many rows of a file were refused."""
    return sum(row["file"] == file for row in read.rejects.to_pylist())
