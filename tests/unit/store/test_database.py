import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from headway.domain.errors import ConfigError, Conflict, InputError
from headway.store import database
from headway.store.database import Store
from headway.store.migrations import HEAD, run
from headway.store.tables import AUDIT, METADATA, PREDICTIONS, SCORE_RUNS, insert_many

AT = datetime(2014, 10, 14, 23, 0, 0, 123456, tzinfo=UTC)
HASH = "0" * 64


def score_run(number: int = 1, **other: Any) -> dict[str, Any]:
    return {
        "id": f"run-{number}",
        "model_version": "m/1",
        "run": f"s/c/{number}",
        "as_of": AT,
        "scored_at": AT,
        "snapshot": "{}",
        "view_hash": HASH,
        "learners": 2,
        "too_early": 0,
        "settings": {"seed": 7},
    } | other


def prediction(learner: str = "a", **other: Any) -> dict[str, Any]:
    return {
        "score_run_id": "run-1",
        "learner": learner,
        "status": "scored",
        "risk": 0.5,
        "low": 0.4,
        "high": 0.6,
        "comparable": 60,
        "why_too_early": None,
        "features_hash": HASH,
        "reasons": [{"feature": "x", "value": -0.0}],
    } | other


def url_of(folder: Path) -> str:
    return f"sqlite:///{folder}/new/headway.db"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = Store.open(url_of(tmp_path))
    made.migrate()
    yield made
    made.close()


def count(store: Store, table: sa.Table) -> int:
    with store.read() as connection:
        return connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()


class TestMigrations:
    def test_from_empty_and_again(self, tmp_path: Path) -> None:
        made = Store.open(url_of(tmp_path))
        assert made.revision() is None
        assert made.migrate() is True
        assert made.revision() == HEAD
        assert made.migrate() is False
        made.close()

    def test_lead_to_the_tables(self, store: Store) -> None:
        with store.begin() as connection:
            context = MigrationContext.configure(
                connection, opts={"compare_type": True, "compare_server_default": True}
            )
            assert compare_metadata(context, METADATA) == []

    def test_lead_to_the_checks(self, store: Store) -> None:
        with store.read() as connection:
            migrated = sa.inspect(connection)
            for table in METADATA.sorted_tables:
                made = {check["name"]: check["sqltext"] for check in migrated.get_check_constraints(table.name)}
                meant = {c.name: str(c.sqltext) for c in table.constraints if isinstance(c, sa.CheckConstraint)}
                assert made == meant

    def test_head_is_the_newest_step(self) -> None:
        assert run.head() == HEAD

    def test_a_failing_step_leaves_nothing(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        made = Store.open(url_of(tmp_path))

        def break_down(connection: sa.Connection) -> None:
            connection.execute(sa.text("CREATE TABLE half (x INTEGER)"))
            raise RuntimeError("power cut")

        monkeypatch.setattr(run, "upgrade", break_down)
        with pytest.raises(RuntimeError, match="power cut"):
            made.migrate()
        with made.read() as connection:
            assert sa.inspect(connection).get_table_names() == []
        made.close()

    def test_a_newer_store_is_refused(self, store: Store) -> None:
        with store.begin() as connection:
            connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
        with pytest.raises(ConfigError, match="newer headway"):
            store.migrate()

    def test_many_at_once(self, tmp_path: Path) -> None:
        stores = [Store.open(url_of(tmp_path)) for _ in range(6)]
        with ThreadPoolExecutor(6) as pool:
            changed = list(pool.map(Store.migrate, stores))
        assert sum(changed) == 1
        for one in stores:
            one.close()


class TestTransactions:
    def test_are_kept_at_the_end(self, store: Store) -> None:
        with store.begin() as connection:
            connection.execute(sa.insert(SCORE_RUNS), score_run())
        assert count(store, SCORE_RUNS) == 1

    def test_roll_back_whole(self, store: Store) -> None:
        def act() -> None:
            with store.begin() as connection:
                connection.execute(sa.insert(SCORE_RUNS), score_run())
                insert_many(connection, PREDICTIONS, [prediction()])
                connection.execute(sa.text("CREATE TABLE stray (x INTEGER)"))
                raise RuntimeError

        with pytest.raises(RuntimeError):
            act()
        assert count(store, SCORE_RUNS) == 0
        assert count(store, PREDICTIONS) == 0
        with store.read() as connection:
            assert "stray" not in sa.inspect(connection).get_table_names()

    def test_roll_back_when_the_database_says_no(self, store: Store) -> None:
        same_model_run_and_as_of = [score_run(1), score_run(1, id="other")]
        with pytest.raises(sa.exc.IntegrityError), store.begin() as connection:
            insert_many(connection, SCORE_RUNS, same_model_run_and_as_of, chunk=1)
        assert count(store, SCORE_RUNS) == 0

    def test_readers_cannot_write_and_writers_can_afterwards(self, store: Store) -> None:
        with pytest.raises(sa.exc.OperationalError, match="readonly"), store.read() as connection:
            connection.execute(sa.insert(SCORE_RUNS), score_run())
        with store.begin() as connection:
            connection.execute(sa.insert(SCORE_RUNS), score_run())
        assert count(store, SCORE_RUNS) == 1

    def test_readers_see_one_state_while_others_write(self, store: Store) -> None:
        rows = sa.select(sa.func.count()).select_from(SCORE_RUNS)
        with store.read() as reader:
            assert reader.execute(rows).scalar_one() == 0
            with store.begin() as writer:
                writer.execute(sa.insert(SCORE_RUNS), score_run())
            assert reader.execute(rows).scalar_one() == 0
        assert count(store, SCORE_RUNS) == 1

    def test_concurrent_writers_lose_nothing(self, tmp_path: Path, store: Store) -> None:
        others = [Store.open(url_of(tmp_path)) for _ in range(4)]

        def read_then_write(number: int) -> None:
            with others[number % 4].begin() as connection:
                before = connection.execute(sa.select(sa.func.count()).select_from(SCORE_RUNS)).scalar_one()
                connection.execute(sa.insert(SCORE_RUNS), score_run(number, snapshot=str(before)))

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(read_then_write, range(40)))
        with store.read() as connection:
            seen = connection.execute(sa.select(SCORE_RUNS.c.snapshot)).scalars().all()
        assert sorted(map(int, seen)) == list(range(40))
        for one in others:
            one.close()

    def test_a_writer_that_never_ends_is_named(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(database, "BUSY_TIMEOUT_S", 0)
        impatient, holder = Store.open(url_of(tmp_path)), Store.open(url_of(tmp_path))
        impatient.migrate()
        with holder.begin(), pytest.raises(Conflict, match="has been writing"), impatient.begin():
            pass
        impatient.close()
        holder.close()


class TestOpening:
    def test_sqlite_is_durable_and_strict(self, tmp_path: Path, store: Store) -> None:
        with store.begin() as connection:
            pragmas = {
                name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
                for name in ("journal_mode", "foreign_keys", "synchronous", "busy_timeout")
            }
        assert pragmas == {"journal_mode": "wal", "foreign_keys": 1, "synchronous": 2, "busy_timeout": 30_000}
        assert (tmp_path / "new" / "headway.db").is_file()

    @pytest.mark.parametrize("url", ["postgresql://h/d", "mysql://h/d", "headway.db", "sqlite+aiosqlite:///x"])
    def test_other_databases_are_refused_with_the_fix(self, url: str) -> None:
        with pytest.raises(ConfigError, match=r"Write sqlite:///FILE or postgresql\+psycopg://"):
            Store.open(url)

    def test_a_place_that_cannot_be_is_named(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("")
        with pytest.raises(ConfigError, match="cannot be made"):
            Store.open(f"sqlite:///{tmp_path}/file/headway.db")
        (tmp_path / "folder.db").mkdir()
        with (
            pytest.raises(ConfigError, match=r"Check store\.url"),
            Store.open(f"sqlite:///{tmp_path}/folder.db").begin(),
        ):
            pass

    def test_a_file_that_is_no_database_is_named(self, tmp_path: Path) -> None:
        (tmp_path / "x.db").write_bytes(b"not a database at all, but long enough to be looked at" * 100)
        with pytest.raises(ConfigError, match="not a database"):
            Store.open(f"sqlite:///{tmp_path}/x.db").migrate()


class TestTables:
    def test_instants_come_back_as_they_went_in(self, store: Store) -> None:
        with store.begin() as connection:
            connection.execute(sa.insert(SCORE_RUNS), score_run())
            row = connection.execute(sa.select(SCORE_RUNS.c.as_of, SCORE_RUNS.c.settings)).one()
            found = connection.execute(sa.select(SCORE_RUNS.c.id).where(SCORE_RUNS.c.as_of == AT)).scalar_one()
        assert row.as_of == AT
        assert row.as_of.utcoffset() == timedelta(0)
        assert row.settings == {"seed": 7}
        assert found == "run-1"

    @pytest.mark.parametrize("at", [AT.replace(tzinfo=None), AT.astimezone(timezone(timedelta(hours=1)))])
    def test_only_utc_instants_are_kept(self, store: Store, at: datetime) -> None:
        with pytest.raises(sa.exc.StatementError, match="keeps UTC instants") as wrong, store.begin() as connection:
            connection.execute(sa.insert(SCORE_RUNS), score_run(as_of=at))
        assert isinstance(wrong.value.orig, InputError)

    @pytest.mark.parametrize(
        "wrong",
        [
            {"risk": 1.1, "high": 1.2},
            {"risk": 0.3},
            {"risk": None, "low": None, "high": None},
            {"status": "too_early"},
            {"status": "late"},
            {"score_run_id": "none such"},
        ],
    )
    def test_impossible_predictions_are_refused(self, store: Store, wrong: dict[str, Any]) -> None:
        with store.begin() as connection:
            connection.execute(sa.insert(SCORE_RUNS), score_run())
        with pytest.raises(sa.exc.IntegrityError), store.begin() as connection:
            insert_many(connection, PREDICTIONS, [prediction(**wrong)])

    def test_too_early_needs_no_risk(self, store: Store) -> None:
        early = prediction(status="too_early", risk=None, low=None, high=None, why_too_early="12 comparable learners")
        with store.begin() as connection:
            connection.execute(sa.insert(SCORE_RUNS), score_run())
            assert insert_many(connection, PREDICTIONS, [early]) == 1

    def test_many_rows_from_a_generator(self, store: Store) -> None:
        with store.begin() as connection:
            connection.execute(sa.insert(SCORE_RUNS), score_run())
            rows = (prediction(f"learner-{n}") for n in range(1_234))
            assert insert_many(connection, PREDICTIONS, rows, chunk=500) == 1_234
            assert insert_many(connection, PREDICTIONS, []) == 0
        assert count(store, PREDICTIONS) == 1_234

    def test_predictions_go_with_their_run(self, store: Store) -> None:
        with store.begin() as connection:
            connection.execute(sa.insert(SCORE_RUNS), score_run())
            insert_many(connection, PREDICTIONS, [prediction()])
            connection.execute(sa.delete(SCORE_RUNS))
        assert count(store, PREDICTIONS) == 0

    def test_the_audit_chain_cannot_fork(self, store: Store) -> None:
        entry = {"at": AT, "actor": "a", "action": "b", "subject": "c", "detail": {}, "prev_hash": HASH, "hash": HASH}
        with pytest.raises(sa.exc.IntegrityError, match="prev_hash"), store.begin() as connection:
            connection.execute(sa.insert(AUDIT), [entry | {"id": 1}, entry | {"id": 2}])


def test_a_killed_writer_leaves_nothing(tmp_path: Path, store: Store) -> None:
    """What a process wrote without committing is gone once its connection is."""
    raw = sqlite3.connect(tmp_path / "new" / "headway.db", isolation_level=None)
    raw.execute("BEGIN IMMEDIATE")
    raw.execute("INSERT INTO alembic_version VALUES ('half')")
    raw.close()
    assert store.revision() == HEAD


def test_in_one_state_a_thread_sees_one_state_in_one_transaction_until_it_writes(store: Store) -> None:
    def keep(number: int) -> None:
        with store.begin() as connection:
            insert_many(connection, SCORE_RUNS, [score_run(number)])

    def kept(*, newest: bool = False) -> int:
        with store.read(newest=newest) as connection:
            return int(connection.execute(sa.select(sa.func.count()).select_from(SCORE_RUNS)).scalar_one())

    begun: list[object] = []
    sa.event.listen(store._engine, "begin", begun.append)
    with ThreadPoolExecutor(1) as others, store.one_state():
        assert kept() == 0
        others.submit(keep, 1).result()
        with store.one_state():
            assert (kept(), others.submit(kept).result(), kept(newest=True)) == (0, 1, 1)
        with store.read():
            store.see_anew()  # somebody is reading: what they see stays
            assert kept() == 0
        assert kept() == 0
        assert len(begun) == 4, "each question was a transaction of its own"
        store.see_anew()
        assert kept() == 1
        others.submit(keep, 2).result()
        keep(3)
        assert kept() == 3
    others = ThreadPoolExecutor(1)
    others.submit(keep, 4).result()
    others.shutdown()
    assert kept() == 4
