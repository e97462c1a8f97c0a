"""The engine's databases are used again, and nothing of one use is seen by the next."""

from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from headway.domain.errors import LakeError
from headway.lake import engine as engines
from headway.lake.engine import Budget, engine, one
from headway.lake.tables import Tables

BUDGET = Budget(257, 2)
"""Unlike that of other tests, so that this one begins with none."""


@pytest.fixture
def tables(tmp_path: Path) -> Tables:
    engines._close_idle()
    return Tables(tmp_path / "lake")


def idle() -> int:
    return len(engines._idle.get(BUDGET, []))


def test_a_database_is_used_again_and_is_empty(tables: Tables, tmp_path: Path) -> None:
    pq.write_table(pa.table({"a": range(100_000)}), tmp_path / "a.parquet")
    with engine(tables, BUDGET) as con:
        con.execute("CREATE TEMP TABLE mine AS SELECT 1 AS a")
        con.execute("CREATE TEMP VIEW seen AS SELECT 2 AS a")
        con.register("given", pa.table({"a": [3]}))
        con.execute("SET threads = 1")
        assert one(con, f"SELECT max(a) FROM read_parquet('{tmp_path / 'a.parquet'}')") == (99_999,)
    assert idle() == 1
    with engine(tables, BUDGET) as con:
        assert idle() == 0
        for name in ("mine", "seen", "given"):
            with pytest.raises(duckdb.CatalogException):
                con.execute(f"SELECT * FROM {name}")
        assert one(con, "SELECT count(*) FROM duckdb_external_file_cache()") == (0,)
        assert one(con, "SELECT current_setting('threads'), current_setting('TimeZone')") == (2, "UTC")
        with engine(tables, BUDGET) as other:
            other.execute("CREATE TEMP TABLE mine AS SELECT 1 AS a")
            with pytest.raises(duckdb.CatalogException):
                con.execute("SELECT * FROM mine")


def test_what_went_wrong_spilled_or_left_a_table_is_not_used_again(tables: Tables) -> None:
    with pytest.raises(LakeError), engine(tables, BUDGET):
        raise duckdb.IOException("a file is gone")
    assert idle() == 0
    with engine(tables, BUDGET) as con:
        con.execute("CREATE TABLE stays AS SELECT 1 AS a")
    assert idle() == 0
    with engine(tables, BUDGET) as con:
        con.execute("CREATE TEMP TABLE large AS SELECT hash(range) AS a, hash(range + 1) AS b FROM range(20_000_000)")
        assert tables.folder is not None
        assert any((tables.folder / ".spill").rglob("duckdb_temp*"))
    assert idle() == 0
    assert not any((tables.folder / ".spill").iterdir())


def test_no_more_are_kept_than_said(tables: Tables) -> None:
    with engine(tables, BUDGET), engine(tables, BUDGET), engine(tables, BUDGET):
        pass
    assert idle() == engines.MOST_IDLE
