"""The newest version of a table, told at a glance, is the one that its log has."""

import shutil
from pathlib import Path

from headway.lake.lake import Lake
from headway.lake.tables import Tables
from tests.unit.lake.rows import delivery, statement


def newest(root: Path) -> int | None:
    """The newest version as a process tells that has seen none before."""
    table = Tables(root).load("statements")
    return None if table is None else table.version()


def test_a_glance_follows_what_others_write_and_a_restored_copy(tmp_path: Path) -> None:
    root = tmp_path / "lake"
    lake, seen = Lake(root, memory_limit_mib=256, threads=1), Tables(root)
    assert seen.version("statements") is None
    for number in (1, 2):
        lake.append("statements", delivery([statement(number)]))
    assert seen.version("statements") == newest(root)
    shutil.copytree(root, tmp_path / "backup")
    before = newest(root)
    for number in (3, 4, 5):
        lake.append("statements", delivery([statement(number)]))
        assert seen.version("statements") == newest(root) != before
    shutil.rmtree(root)
    assert seen.version("statements") is None
    shutil.copytree(tmp_path / "backup", root)
    assert seen.version("statements") == newest(root) == before
    assert seen.version("results") is None


def test_a_table_elsewhere_is_asked_each_time(tmp_path: Path) -> None:
    lake, seen = Lake(tmp_path, memory_limit_mib=256, threads=1), Tables(tmp_path.as_uri())
    assert seen.version("statements") is None
    for number in (1, 2):
        lake.append("statements", delivery([statement(number)]))
        assert seen.version("statements") == newest(tmp_path)


def test_a_table_is_read_once_as_long_as_its_log_is_as_it_was(tmp_path: Path) -> None:
    tables, lake = Tables(tmp_path), Lake(tmp_path)
    assert tables.to_read("statements") is None
    lake.append("statements", delivery([statement(1)]))
    first = tables.to_read("statements")
    assert first is not None
    assert tables.to_read("statements") is first
    assert tables.to_read("statements", 0) is first
    lake.append("statements", delivery([statement(2)]))
    second = tables.to_read("statements")
    assert second is not None
    assert (second.version(), len(tables.files(second)), len(tables.files(first))) == (1, 2, 1)
    shutil.rmtree(tmp_path / "statements")
    lake.append("statements", delivery([statement(3)]))
    lake.append("statements", delivery([statement(4)]))
    again = Tables(tmp_path).load("statements")
    other = tables.to_read("statements")
    assert other is not None
    assert again is not None
    assert tables.files(other) == tables.files(again) != tables.files(second)
