"""Opening the store, and its transactions: SQLite by default, PostgreSQL in production.

One flow call is one `begin()`: everything in it is kept or nothing. Nobody else makes an engine, commits or rolls back.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from threading import local
from time import sleep
from typing import Any, Final

import sqlalchemy as sa

from headway.domain.errors import ConfigError, Conflict
from headway.store.migrations import HEAD

POSTGRES: Final = "postgresql+psycopg"
BUSY_TIMEOUT_S: Final = 30
_READ: Final = "headway_read"
_EXAMPLE: Final = f"{POSTGRES}://USER@HOST/NAME in headway.toml or HEADWAY__STORE__URL."


class Store:
    """The SQL database of one home. Make it with `Store.open`."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine
        self._here = _Here()

    @classmethod
    def open(cls, url: str) -> "Store":
        """The store at `url`: `sqlite:///FILE` (its folder is made) or `postgresql+psycopg://USER@HOST/NAME`.

        Nothing is read or migrated yet.

        Raises:
            ConfigError: another kind of database, or its driver is not installed.
        """
        try:
            place = sa.make_url(url)
        except sa.exc.ArgumentError as wrong:
            raise ConfigError("store.url is not a database address. Write sqlite:///FILE or " + _EXAMPLE) from wrong
        if place.drivername == "sqlite":
            return cls(_sqlite(place))
        if place.drivername == POSTGRES:
            return cls(_postgres(place))
        raise ConfigError(f"The store cannot be a {place.drivername} database. Write sqlite:///FILE or " + _EXAMPLE)

    @contextmanager
    def begin(self) -> Iterator[sa.Connection]:
        """A connection in a transaction that may write: committed at the end, rolled back whole on any exception.

        On SQLite one writer at a time; others wait up to 30 s.

        Raises:
            ConfigError: the database cannot be reached.
            Conflict: another process kept writing for 30 s.
        """
        self.see_anew()
        with self._connect(read=False) as connection:
            yield connection

    @contextmanager
    def read(self, *, newest: bool = False) -> Iterator[sa.Connection]:
        """A connection in a transaction that sees one state of the store, never waits for writers and cannot write.

        Args:
            newest: the state of this moment, also within `one_state`.

        Raises:
            ConfigError: the database cannot be reached.
        """
        here = self._here
        if here.open is None or newest:
            with self._connect(read=True) as connection:
                yield connection
            return
        if here.connection is None:
            here.connection = here.open.enter_context(self._connect(read=True))
        here.readers += 1
        try:
            yield here.connection
        finally:
            here.readers -= 1

    @contextmanager
    def one_state(self) -> Iterator[None]:
        """Lets all that this thread reads inside see one state of the store, in one transaction, until it writes."""
        here = self._here
        if here.open is not None:
            yield
            return
        with ExitStack() as here.open:
            try:
                yield
            finally:
                here.connection = None
                to_close, here.open = here.open, None
                to_close.close()

    def see_anew(self) -> None:
        """Lets what this thread reads from now on see what was written meanwhile, inside `one_state` too."""
        here = self._here
        if here.open is not None and here.connection is not None and not here.readers:
            here.connection = None
            here.open.close()

    def migrate(self) -> bool:
        """Whether anything was changed: brings the tables to this version's; costs one query where they already are.

        Two processes may do so at once: the second waits and finds it done.

        Raises:
            ConfigError: the database cannot be reached, or a newer headway made it.
        """
        with self.read() as connection:
            if _revision(connection) == HEAD:
                return False
        from headway.store.migrations.run import upgrade  # Alembic takes a while to import

        with self.begin() as connection:
            lock(connection, "migrate")
            if _revision(connection) == HEAD:
                return False
            upgrade(connection)
            return True

    def revision(self) -> str | None:
        """The migration that the database is at; None for an empty one."""
        with self.read() as connection:
            return _revision(connection)

    def close(self) -> None:
        """Close all connections. The store can be used again; it then opens new ones."""
        self._engine.dispose()

    @contextmanager
    def _connect(self, *, read: bool) -> Iterator[sa.Connection]:
        options: dict[str, Any] = {_READ: read}
        if self._engine.dialect.name == "postgresql" and read:
            options |= {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
        try:
            connection = self._engine.connect()
        except sa.exc.DatabaseError as wrong:
            raise _unusable(wrong, self._engine.url) from wrong
        with connection:
            connection = connection.execution_options(**options)
            try:
                transaction = connection.begin()
            except sa.exc.DatabaseError as wrong:
                raise _unusable(wrong, self._engine.url) from wrong
            with transaction:
                yield connection


class _Here(local):
    """What one thread reads in one state: how it is closed, its connection once there is one, how many use it."""

    open: ExitStack | None = None
    connection: sa.Connection | None = None
    readers: int = 0


def is_away(error: BaseException) -> bool:
    """Whether an error says that the database, good when headway was started, cannot be used just now.

    It could not be reached, or was lost in the middle of a question; then what was asked for did not happen.
    """
    if isinstance(error, ConfigError):
        return isinstance(error.__cause__, sa.exc.DatabaseError)
    return isinstance(error, sa.exc.OperationalError)


def lock(connection: sa.Connection, name: str) -> None:
    """Wait until no other transaction holds the lock `name`, and hold it until this one ends.

    On SQLite a writing transaction already excludes all others.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(
            sa.text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))"), {"name": f"headway {name}"}
        )


def _sqlite(place: sa.URL) -> sa.Engine:
    if place.database and place.database != ":memory:":
        try:
            Path(place.database).parent.mkdir(parents=True, exist_ok=True)
        except OSError as wrong:
            raise ConfigError(f"The folder of the store {place.database} cannot be made: {wrong}.") from wrong
    engine = sa.create_engine(place, connect_args={"timeout": BUSY_TIMEOUT_S})

    def opened(connection: Any, _record: object) -> None:
        connection.isolation_level = None  # the driver's own BEGIN comes late and leaves DDL outside the transaction
        for pragma in (
            f"busy_timeout = {BUSY_TIMEOUT_S * 1000}",
            "synchronous = FULL",
            "foreign_keys = ON",
            "secure_delete = ON",  # what is erased is gone from the file too
        ):
            connection.execute(f"PRAGMA {pragma}")
        _write_ahead(connection)

    def began(connection: sa.Connection) -> None:
        read = connection.get_execution_options().get(_READ, False)
        if connection.info.get(_READ) is not read:
            connection.exec_driver_sql(f"PRAGMA query_only = {int(read)}")
            connection.info[_READ] = read
        # A deferred transaction that starts to write late can be refused at once, whatever the timeout.
        connection.exec_driver_sql("BEGIN" if read else "BEGIN IMMEDIATE")

    sa.event.listen(engine, "connect", opened)
    sa.event.listen(engine, "begin", began)
    return engine


def _write_ahead(connection: sqlite3.Connection) -> None:
    """Puts the database into WAL mode. SQLite does not wait for others while it switches, so this does."""
    for attempt in range(BUSY_TIMEOUT_S * 20):
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as wrong:
            if "locked" not in str(wrong) or attempt == BUSY_TIMEOUT_S * 20 - 1:
                raise
            sleep(0.05)
        else:
            return


def _postgres(place: sa.URL) -> sa.Engine:
    try:
        return sa.create_engine(place, pool_pre_ping=True)
    except ImportError as wrong:
        raise ConfigError("PostgreSQL needs its driver. Run: pip install 'headway[postgres]'") from wrong


def _revision(connection: sa.Connection) -> str | None:
    if not sa.inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar_one_or_none()


def _unusable(wrong: sa.exc.DatabaseError, url: sa.URL) -> Conflict | ConfigError:
    if "locked" in str(wrong.orig):
        return Conflict(f"Another headway has been writing to {url} for {BUSY_TIMEOUT_S} s. Try again when it is done.")
    return ConfigError(f"The store {url} cannot be used: {wrong.orig}. Check store.url.")
