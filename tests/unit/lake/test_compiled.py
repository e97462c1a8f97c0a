"""The SQL of a view is compiled once and found again by what it says, and by nothing else."""

import subprocess
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import ibis
import ibis.expr.types as ir
import pytest

from headway.lake import compiled

CONTENT = """
import ibis
from datetime import date
from headway.lake import compiled
rows = ibis.table({"n": "int64", "word": "string", "day": "date"}, name="rows")
kept = rows.filter(rows.word.isin(["b", "a"]) & (rows.day > date(2026, 1, 2)))
print(compiled._content(kept.group_by("word").agg(n=kept.n.sum()).op()))
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    forget()
    yield tmp_path / "headway" / "sql"
    forget()


def forget() -> None:
    """As in a process that has compiled nothing yet."""
    compiled._compiled.cache_clear()
    compiled._prepare.cache_clear()


def rows(more: int) -> ir.Table:
    table = ibis.table({"n": "int64", "word": "string", "day": "date"}, name="rows")
    return table.filter(table.day > date(2026, 1, 2)).select("word", n=table.n + more)


def refuse(*_: object, **__: object) -> str:
    raise AssertionError("compiled again")


def test_what_was_prepared_is_not_compiled_again(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    exprs = [rows(1), rows(2)]
    compiled.prepare(exprs)
    texts = list(map(compiled.sql_of, exprs))
    forget()
    monkeypatch.setattr(ibis, "to_sql", refuse)
    compiled.prepare(exprs)
    assert list(map(compiled.sql_of, exprs)) == texts
    assert "+ 1" in texts[0]
    with pytest.raises(AssertionError, match="compiled again"):
        compiled.sql_of(rows(3))
    assert [path.stat().st_mode & 0o077 for path in (folder, *folder.iterdir())] == [0, 0]


@pytest.mark.parametrize("broken", ["", "[]", '{"a": 1}', "\x00", '{"a": "SELECT 1"}'])
def test_a_broken_file_is_as_good_as_none(folder: Path, broken: str) -> None:
    compiled.prepare([rows(1)])
    text = compiled.sql_of(rows(1))
    (file,) = folder.iterdir()
    whole = file.read_text()
    file.write_text(broken)
    forget()
    compiled.prepare([rows(1)])
    assert compiled.sql_of(rows(1)) == text
    assert file.read_text() == whole


def test_a_folder_that_cannot_be_made_does_no_harm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    compiled.prepare([rows(1)])
    assert "+ 1" in compiled.sql_of(rows(1))


def test_who_has_no_home_compiles(monkeypatch: pytest.MonkeyPatch) -> None:
    def homeless() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setattr(Path, "home", homeless)
    compiled.prepare([rows(1)])
    assert "+ 1" in compiled.sql_of(rows(1))


def test_the_newest_files_are_kept(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiled, "MOST_FILES", 2)
    for more in range(4):
        compiled.prepare([rows(more)])
    assert len(list(folder.iterdir())) == 2
    forget()
    monkeypatch.setattr(ibis, "to_sql", refuse)
    compiled.prepare([rows(3)])


def test_equal_expressions_have_one_content_in_every_process() -> None:
    def told(seed: str) -> str:
        environment = {"PYTHONHASHSEED": seed, "PATH": "", "PYTHONPATH": ":".join(sys.path)}
        command = [sys.executable, "-c", CONTENT]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout.strip()

    assert told("1") == told("2") != "None"


def test_what_differs_has_another_content() -> None:
    table = ibis.table({"n": "int64", "word": "string"}, name="rows")
    other_kind = ibis.table({"n": "int32", "word": "string"}, name="rows")
    other_name = ibis.table({"n": "int64", "word": "string"}, name="others")
    different = [
        table.select("n"),
        other_kind.select("n"),
        other_name.select("n"),
        table.select(n=table.n + 1),
        table.select(n=table.n + 1.0),
        table.select(n=table.n - 1),
        table.select(m=table.n + 1),
        table.filter(table.word == "1").select("n"),
        table.filter(table.word.cast("int64") == 1).select("n"),
        table.filter(table.word.isin(["1", "2"])).select("n"),
        table.filter(table.word.isin(["2"])).select("n"),
        table.order_by("n").select("n"),
        table.order_by(ibis.desc("n")).select("n"),
    ]
    contents = [compiled._content(one.op()) for one in different]
    assert len(set(contents)) == len(different)
    assert None not in contents


def test_what_cannot_be_told_is_compiled_each_time(folder: Path) -> None:
    @ibis.udf.scalar.builtin  # type: ignore[untyped-decorator]  # Ibis does not tell its type
    def soundex(word: str) -> str: ...  # type: ignore[empty-body]  # a name is all it has

    table = ibis.table({"word": "string"}, name="rows")
    expr = table.select(sound=soundex(table.word))
    compiled.prepare([expr])
    assert "SOUNDEX" in compiled.sql_of(expr).upper()
    left = [file.read_text() for file in folder.iterdir()] if folder.exists() else []
    assert not any("SOUNDEX" in text.upper() for text in left)
