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
