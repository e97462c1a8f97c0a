"""Delimited text: what is seen in one pass, and how damaged lines come out."""

import csv
import gzip
import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headway.domain.errors import SourceError
from headway.sources import delimited
from headway.sources.delimited import Dialect, Line, TextFile, lines_of, prepare

COMMA = Dialect()


def prepared(folder: Path, content: bytes, name: str = "t.csv", dialect: Dialect = COMMA) -> TextFile:
    path = folder / name
    path.write_bytes(content)
    return prepare(path, name, folder / "ready", dialect)


def read(folder: Path, content: bytes, dialect: Dialect = COMMA) -> list[Line]:
    return list(lines_of(prepared(folder, content, dialect=dialect), dialect))


def told(lines: list[Line]) -> list[tuple[int, str | None]]:
    return [(line.number, line.reason) for line in lines]


def test_a_plain_file_is_used_where_it_is(tmp_path: Path) -> None:
    file = prepared(tmp_path, b"a,b\n1,2\n3,4")
    assert (file.columns, file.lines, file.regular) == (("a", "b"), 2, True)
    assert file.path.is_symlink()


def test_gzip_and_plain_are_the_same_text(tmp_path: Path) -> None:
    content = "a,b\r\né,2\r\n".encode()
    packed = prepared(tmp_path, gzip.compress(content), "t.csv.gz")
    assert packed.path.read_bytes() == content
    assert packed.lines == 1


def test_a_byte_order_mark_is_no_part_of_the_first_name(tmp_path: Path) -> None:
    assert prepared(tmp_path, b"\xef\xbb\xbfa,b\n1,2\n").columns == ("a", "b")


def test_old_mac_line_ends_and_other_encodings_become_ordinary(tmp_path: Path) -> None:
    lines = read(tmp_path, "naïve;b\r1;2\r".encode("cp1252"), Dialect(";", '"', "cp1252"))
    assert [line.fields for line in lines] == [["1", "2"]]
    (tmp_path / "ready").unlink()
    assert prepared(tmp_path, "a,b\n1,2\n".encode("utf-16"), dialect=Dialect(encoding="utf-16")).columns == ("a", "b")


@pytest.mark.parametrize(
    ("content", "name", "said"),
    [
        (b"", "t.csv", "empty"),
        (b"\n\n", "t.csv", "empty"),
        (gzip.compress(b"a,b\n" + bytes(range(256)) * 99)[:-30], "t.csv.gz", "cut short"),
        (b"no gzip", "t.csv.gz", "damaged"),
        (b"\xff\xfe\xe9,b\n", "t.csv", "not utf-8"),
        (b"a\0,b\n", "t.csv", "header"),
        (b"x" * (1 << 17), "t.csv", "header"),
        (b'"a,b\n1,2\n', "t.csv", "header"),
    ],
)
def test_what_is_no_table_is_an_error_that_names_the_file(tmp_path: Path, content: bytes, name: str, said: str) -> None:
    with pytest.raises(SourceError, match=said) as caught:
        prepared(tmp_path, content, name)
    assert name in str(caught.value)


def test_text_that_is_not_in_its_declared_encoding_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="utf-16"):
        prepared(tmp_path, b"odd", dialect=Dialect(encoding="utf-16"))


@pytest.mark.parametrize(
    "content", [b"a,b\n\n1,2\n", b"a,b\r\n\r\n1,2", b"a,b\n1,\xff\n", b"a,b\n1,\0\n", b"a,b\n1,2\n\r\n"]
)
def test_the_pass_sees_what_a_fast_reader_would_trip_over(tmp_path: Path, content: bytes) -> None:
    assert not prepared(tmp_path, content).regular


def test_the_pass_sees_it_across_chunks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delimited, "CHUNK_BYTES", 1)
    assert not prepared(tmp_path, b"a,b\n\n1,2\n").regular
    (tmp_path / "ready").unlink()
    file = prepared(tmp_path, "a,b\né,2\n3,4".encode())
    assert (file.regular, file.lines, file.columns) == (True, 2, ("a", "b"))


def test_each_bad_line_has_its_number_and_reason_and_the_good_ones_remain(tmp_path: Path) -> None:
    content = b'a,b\n1,2\n1\n1,2,3\n\n\xe9,1\n\0,1\nx"y,1\n"o,1\n5,6\n' + b"z" * (1 << 21) + b"\n7,8"
    lines = read(tmp_path, content)
    assert told(lines) == [
        (2, None),
        (3, "wrong_column_count"),
        (4, "wrong_column_count"),
        (6, "bad_encoding"),
        (7, "bad_encoding"),
        (8, None),
        (9, "bad_quotes"),
        (10, None),
        (11, "line_too_long"),
        (12, None),
    ]
    assert lines[3].raw == "\\xe9,1"
    assert lines[4].raw == "\\x00,1"
    assert lines[5].fields == ['x"y', "1"]
    assert len(lines[8].raw or "") == delimited.RAW_CHARACTERS
    assert all(
        (line.fields is None) == (line.reason is not None) == (line.detail is not None) == (line.raw is not None)
        for line in lines
    )


def test_a_quoted_field_may_span_lines(tmp_path: Path) -> None:
    lines = read(tmp_path, b'a,b\n"one\ntwo\n\nthree",2\n3,4\n')
    assert [(line.number, line.fields) for line in lines] == [(2, ["one\ntwo\n\nthree", "2"]), (6, ["3", "4"])]


def test_stray_quotes_far_apart_cost_their_own_lines_only(tmp_path: Path) -> None:
    rows = [f"{i},ok" for i in range(3000)]
    rows[10] = '"open,ok'
    rows[2500] = '"open again,ok'
    lines = read(tmp_path, ("a,b\n" + "\n".join(rows)).encode())
    assert [line.number for line in lines if line.reason] == [12, 2502]
    assert len(lines) == 3000


def test_without_a_quote_character_quotes_are_text(tmp_path: Path) -> None:
    assert read(tmp_path, b'a\tb\n"x\ty"\n', Dialect("\t", ""))[0].fields == ['"x', 'y"']


def breaks(line: Line) -> int:
    return sum((field or "").count("\n") for field in line.fields or ())


FIELD = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\r"), max_size=8)


@given(st.lists(st.tuples(FIELD, FIELD), max_size=12))
def test_whatever_is_written_comes_back(tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str]]) -> None:
    out = io.StringIO()
    writer = csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\n")
    writer.writerows([("a", "b"), *rows])
    lines = read(tmp_path_factory.mktemp("t"), out.getvalue().encode())
    assert [line.fields for line in lines] == [[a or None, b or None] for a, b in rows]
    numbers = [2 + sum(f.count("\n") for row in rows[:i] for f in row) + i for i in range(len(rows))]
    assert [line.number for line in lines] == numbers


@given(st.binary(max_size=300))
def test_any_bytes_give_lines_or_an_error_and_every_line_with_text_is_told_once(
    tmp_path_factory: pytest.TempPathFactory, body: bytes
) -> None:
    lines = read(tmp_path_factory.mktemp("t"), b"a,b\n" + body)
    numbers = [line.number for line in lines]
    assert numbers == sorted(set(numbers))
    inside = {n for line in lines if line.fields for n in range(line.number, line.number + breaks(line) + 1)}
    with_text = {n for n, text in enumerate(body.split(b"\n"), start=2) if text.strip(b"\r")}
    assert with_text <= inside | set(numbers)
