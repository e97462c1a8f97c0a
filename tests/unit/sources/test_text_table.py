"""Tables of texts in any usual form."""

from pathlib import Path

import pytest

from headway.domain.errors import InputError, SourceError, UnknownName
from headway.sources.text_table import read_texts


def written(folder: Path, content: bytes) -> Path:
    path = folder / "texts.csv"
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    ("content", "encoding"),
    [
        ("id,text\n1,naïve café\n".encode(), "utf-8"),
        ("id,text\n1,naïve café\n".encode("utf-8-sig"), "utf-8-sig"),
        ("id,text\n1,naïve café\n".encode("utf-16"), "utf-16"),
        ("id,text\n1,naïve café\n".encode("cp1252"), "cp1252"),
        ("id;text\r\n1;naïve café\r\n".encode(), "utf-8"),
        ("id\ttext\n1\tnaïve café\n".encode(), "utf-8"),
    ],
)
def test_encodings_and_delimiters(tmp_path: Path, content: bytes, encoding: str) -> None:
    table = read_texts(written(tmp_path, content))
    assert table.column("text") == ["naïve café"]
    assert (table.encoding, table.replaced) == (encoding, 0)


def test_damaged_bytes_are_counted_not_fatal(tmp_path: Path) -> None:
    table = read_texts(written(tmp_path, "text\nnaïve café, naïve\n".encode() + b"bad \xff byte\n"))
    assert table.replaced == 1
    assert table.column("text")[1] == "bad \ufffd byte"


def test_every_row_keeps_its_number(tmp_path: Path) -> None:
    table = read_texts(written(tmp_path, b'id,text\n1,"two\nlines"\n2,\n3\n4,a,b\n'))
    assert table.column("text") == ["two\nlines", "", "", "a"]
    assert read_texts(written(tmp_path, b"text\na\n\nb\n")).column("text") == ["a", "", "b"]


def test_what_cannot_be_read_says_so(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="Name a CSV file"):
        read_texts(tmp_path / "nothing.csv")
    with pytest.raises(SourceError, match="header"):
        read_texts(written(tmp_path, b""))
    with pytest.raises(UnknownName, match="'text'"):
        read_texts(written(tmp_path, b"text\na\n")).column("texts")
