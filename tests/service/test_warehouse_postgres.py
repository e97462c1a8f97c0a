"""The warehouse source against a real PostgreSQL: the same records as from DuckDB."""

from pathlib import Path

import pytest
import sqlalchemy as sa

from headway.domain.errors import SourceError
from headway.sources.source import SOURCES
from tests.contract.source_cases import KEY, drain
from tests.contract.warehouse_case import TABLES, in_duckdb, request_of

pytestmark = pytest.mark.service

WAREHOUSE = SOURCES.get("warehouse")


def test_the_records_are_those_of_the_same_tables_in_duckdb(postgres: str, tmp_path: Path) -> None:
    engine = sa.create_engine(postgres)
    with engine.begin() as connection:
        connection.exec_driver_sql(TABLES)
    engine.dispose()
    plain = sa.make_url(postgres).set(drivername="postgresql").render_as_string(hide_password=False)
    ours, other = tmp_path / "postgres", tmp_path / "duckdb"
    ours.mkdir()
    other.mkdir()
    read, expected = drain(WAREHOUSE, request_of(ours, plain, KEY)), drain(WAREHOUSE, in_duckdb(other, KEY))
    assert {kind: table.sort_by("id").to_pylist() for kind, table in read.records.items()} == {
        kind: table.sort_by("id").to_pylist() for kind, table in expected.records.items()
    }
    assert read.reasons() == expected.reasons()


def test_a_server_that_is_not_there_is_named_without_its_password(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = request_of(tmp_path, "", KEY)
    monkeypatch.setenv("LMS_DATABASE", "postgresql://reader:secret@127.0.0.1:1/lms")
    gone = type(request)([], {"map": request.options["map"], "url_env": "LMS_DATABASE"}, KEY)
    with pytest.raises(SourceError, match="cannot be reached") as refused:
        drain(WAREHOUSE, gone)
    assert "secret" not in str(refused.value)
