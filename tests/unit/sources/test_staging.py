"""The scratch database: fast and slow reading agree, each row is kept or refused once, nothing is left behind."""

import gc
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headway.domain.errors import SourceError
from headway.sources import staging as module
from headway.sources.delimited import Dialect, TextFile
from headway.sources.staging import Check, Staging, require_columns, text_sql

COMMA = Dialect()
COLUMNS = {"a": "a", "b": "b"}


@pytest.fixture
def staging() -> Staging:
    return Staging("made_up", 256)


def text(staging: Staging, folder: Path, content: bytes, name: str = "t.csv") -> TextFile:
    (folder / name).write_bytes(content)
    return staging.text(folder / name, name, COMMA)


def load(staging: Staging, folder: Path, content: bytes) -> list[tuple[object, ...]]:
    staging.load("t", "statements", [text(staging, folder, content)], COLUMNS, COMMA)
    return staging.run("SELECT file, line, a, b FROM t ORDER BY line")


def refused(staging: Staging) -> list[dict[str, Any]]:
    return [row for page in staging.rejects("statements") for row in page.to_pylist()]


def test_rows_keep_their_file_and_line(staging: Staging, tmp_path: Path) -> None:
    assert load(staging, tmp_path, b"b,a\n2,1\n4,\n") == [("t.csv", 2, "1", "2"), ("t.csv", 3, None, "4")]


def test_a_damaged_line_moves_no_other(staging: Staging, tmp_path: Path) -> None:
    rows = load(staging, tmp_path, b"a,b\n1,2\nbad\n\n3,4\n")
    assert rows == [("t.csv", 2, "1", "2"), ("t.csv", 5, "3", "4")]
    assert [(r["line"], r["reason"], r["raw"]) for r in refused(staging)] == [(3, "wrong_column_count", "bad")]


FIELD = st.text(st.characters(codec="utf-8", exclude_characters="\0\r\n\"'"), max_size=6).map(
    lambda t: t.replace(",", ";")
)


@settings(max_examples=25)  # each example opens two databases
@given(st.lists(st.tuples(FIELD.filter(str.strip), FIELD), min_size=1, max_size=8))
def test_fast_and_slow_reading_agree(tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str]]) -> None:
    content = ("a,b\n" + "".join(f"{a},{b}\n" for a, b in rows)).encode()
    fast = load(Staging("made_up", 256), tmp_path_factory.mktemp("fast"), content)
    slow = load(Staging("made_up", 256), tmp_path_factory.mktemp("slow"), content + b"too,many,fields\n")
    assert fast == slow


def test_the_first_failing_check_gives_the_reason_and_the_row_as_it_came(staging: Staging, tmp_path: Path) -> None:
    load(staging, tmp_path, b"a,b\n1,2\nx,\n1,\n")
    number = Check("try_cast(t.a AS INTEGER) IS NULL", "bad_number", "concat('a is ', t.a, '.')")
    filled = Check("t.b IS NULL", "missing_value", text_sql("b is empty."))
    staging.check("good", "statements", "t", {"n": "try_cast(t.a AS INTEGER)"}, [number, filled])
    assert staging.run("SELECT line, n FROM good") == [(2, 1)]
    assert [(r["line"], r["reason"], r["detail"], r["raw"]) for r in refused(staging)] == [
        (3, "bad_number", "a is x.", "x,"),
        (4, "missing_value", "b is empty.", "1,"),
    ]


def test_a_row_that_contradicts_an_earlier_one_is_refused_and_an_equal_one_is_counted(
    staging: Staging, tmp_path: Path
) -> None:
    load(staging, tmp_path, b"a,b\n1,x\n2,x\n1,y\n1,x\n")
    staging.check("good", "statements", "t", {"a": "t.a", "b": "t.b"}, [Check("false", "", "''")], key=["a"])
    assert staging.run("SELECT line, nth FROM good ORDER BY line") == [(2, 1), (3, 1), (5, 3)]
    assert [(r["line"], r["reason"]) for r in refused(staging)] == [(4, "conflicting_row")]


def test_rejects_come_in_pages_with_ids_of_their_own(
    staging: Staging, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "REJECTS_PER_DELIVERY", 10)
    load(staging, tmp_path, b"a,b\n" + b"bad\n" * 25)
    pages = list(staging.rejects("statements"))
    assert [page.num_rows for page in pages] == [10, 10, 5]
    assert len(set(pa.concat_tables(pages)["id"].to_pylist())) == 25
    assert list(staging.rejects("results")) == []


def test_the_scratch_folder_goes_with_the_last_that_reads_from_it(tmp_path: Path) -> None:
    staging = Staging("made_up", 256)
    folder = staging.folder
    load(staging, tmp_path, b"a,b\n1,2\n")
    columns = {"run": "'s/c/r'", "occurred_at": "now()", "recorded_at": "now()", "learner": "a", "verb": "b"}
    delivery = staging.deliver("statements", columns, "a", "FROM t")
    del staging
    assert folder.is_dir()
    assert delivery.records.read_all().num_rows == 1
    del delivery
    gc.collect()
    assert not folder.exists()


def test_a_lack_of_memory_is_told_with_its_cure(staging: Staging, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_memory(*_: object) -> None:
        raise duckdb.OutOfMemoryException("no room")

    class Full:
        execute = staticmethod(no_memory)
        close = staticmethod(staging.connection.close)

    monkeypatch.setattr(staging, "connection", Full())
    with pytest.raises(SourceError, match="memory limit"):
        staging.run("SELECT 1")


def test_a_wrong_header_is_told_in_full(tmp_path: Path) -> None:
    file = TextFile("t.csv", tmp_path, ("a", "a", "x", ""), 0, True)
    with pytest.raises(SourceError, match=r"t.csv is wrong \(missing: b; unexpected: x, \(no name\); twice: a\)"):
        require_columns(file, ["a", "b"])
