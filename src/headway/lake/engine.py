"""The DuckDB connection with which the lake works: bounded in memory, in UTC, spilling beside the lake.

What it spills may hold learners' rows, so a local lake keeps it under its own root, where the next user of the lake
sweeps up what a killed process left.
"""

import atexit
import os
import tempfile
from collections.abc import Collection, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any, Final
from zlib import crc32

import duckdb
import pyarrow as pa
from deltalake import DeltaTable

from headway.domain.errors import LakeError, OutOfMemory
from headway.lake.own_folder import own_folder
from headway.lake.tables import Layout, Tables, first_line, literal

BATCH_ROWS: Final = 65_536

MOST_IDLE: Final = 2
"""Databases that are kept ready, with the same budget."""

_SQL_TYPES: Final[dict[pa.DataType, str]] = {
    pa.binary(): "BLOB",
    pa.string(): "VARCHAR",
    pa.timestamp("us", tz="UTC"): "TIMESTAMPTZ",
    pa.date32(): "DATE",
    pa.float64(): "DOUBLE",
    pa.int8(): "TINYINT",
    pa.int32(): "INTEGER",
    pa.int64(): "BIGINT",
    pa.bool_(): "BOOLEAN",
    pa.list_(pa.string()): "VARCHAR[]",
}


@dataclass(frozen=True, slots=True)
class Budget:
    """What the engine may use.

    Attributes:
        memory_mib: DuckDB's share of memory; more than that goes to the disk.
        threads: how many threads; None for as many as there are cores.
        spill: the folder for what does not fit; None for one of the lake's own.
    """

    memory_mib: int
    threads: int | None
    spill: str | None = None


@contextmanager
def engine(tables: Tables, budget: Budget) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection that sees nothing of others, to a database in memory; its spilled files go when it is closed.

    Tables and views that are made on it must be temporary ones.

    Raises:
        OutOfMemory: memory or disk ran out.
    """
    with (
        _spill_folder(tables, budget.spill) as spill,
        _instance(budget, spill) as instance,
        closing(instance.cursor()) as con,
        engine_errors(),
    ):
        con.execute("SET TimeZone = 'UTC'")
        yield con


_idle: dict[Budget, list[duckdb.DuckDBPyConnection]] = {}
"""Databases that nobody uses just now and that hold nothing. To make one takes DuckDB 18 ms of CPU, and a worker asks
for a dozen every few seconds."""

_turn = Lock()

_of_parent: Final[list[dict[Budget, list[duckdb.DuckDBPyConnection]]]] = []


@contextmanager
def _instance(budget: Budget, spill: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """An empty database for one user; it is kept for the next one where nothing went wrong and nothing was spilled."""
    with _turn:
        found = _idle[budget].pop() if _idle.get(budget) else None
    instance = found or _made(budget)
    with ExitStack() as stack:
        stack.callback(instance.close)
        instance.execute(f"SET temp_directory = {literal(str(spill))}")
        yield instance
        if not _emptied(instance, budget):
            return
        with _turn:
            waiting = _idle.setdefault(budget, [])
            if len(waiting) < MOST_IDLE:
                waiting.append(instance)
                stack.pop_all()  # not closed


def _made(budget: Budget) -> duckdb.DuckDBPyConnection:
    settings: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": f"{budget.memory_mib}MiB",
        # A missing table must be an error, not whatever Python variable has its name.
        "python_enable_replacements": False,
    }
    if budget.threads is not None:
        settings["threads"] = budget.threads
    return duckdb.connect(":memory:", config=settings)


def _emptied(instance: duckdb.DuckDBPyConnection, budget: Budget) -> bool:
    """Whether a database that nobody uses any more is as it was when it was made."""
    try:
        instance.execute("SET temp_directory = ''")
    except duckdb.NotImplementedException:  # refused once something was spilled
        return False
    # Switched off it forgets what it read of files, which may be erased by the time of the next use.
    instance.execute("SET enable_external_file_cache = false")
    instance.execute("RESET enable_external_file_cache")
    instance.execute("RESET threads" if budget.threads is None else f"SET threads = {budget.threads}")
    held = (
        "SELECT count(*) FROM (FROM duckdb_tables() SELECT 1 UNION ALL FROM duckdb_views() SELECT 1 WHERE NOT internal)"
    )
    return one(instance, held) == (0,)


@atexit.register
def _close_idle() -> None:
    with _turn:
        while _idle:
            for instance in _idle.popitem()[1]:
                instance.close()


def _leave_to_parent() -> None:
    """A forked process has none of the threads of these databases, and must not even close them."""
    global _idle, _turn
    _of_parent.append(_idle)
    _idle, _turn = {}, Lock()


os.register_at_fork(after_in_child=_leave_to_parent)


@contextmanager
def engine_errors() -> Iterator[None]:
    """Turns DuckDB's errors about files and memory into `LakeError` with a fix."""
    try:
        yield
    except duckdb.OutOfMemoryException as wrong:
        raise OutOfMemory(
            f"The memory limit or the disk is too small: {first_line(wrong)}. Raise the memory limit or free the disk."
        ) from wrong
    except duckdb.IOException as wrong:
        raise LakeError(
            f"A file of the lake cannot be read: {first_line(wrong)}. "
            "If something was erased or compacted meanwhile, try again; otherwise run `headway lake verify`."
        ) from wrong


@contextmanager
def _spill_folder(tables: Tables, given: str | None) -> Iterator[Path]:
    spills = None if given else _spill_home(tables)
    if spills is None:
        with tempfile.TemporaryDirectory(prefix="headway-lake-", dir=given) as folder:
            yield Path(folder)
        return
    with own_folder(spills) as own:
        yield own


def _spill_home(tables: Tables) -> Path | None:
    """The lake's own folder for spilled files; None where it has none, or may only be read."""
    if tables.folder is None:
        return None
    home = tables.folder / ".spill"
    try:
        home.mkdir(parents=True, exist_ok=True)
    except OSError:
        return None
    return home


def one(con: duckdb.DuckDBPyConnection, query: str) -> tuple[Any, ...]:
    """The only row of a query's result, read to its end: DuckDB refuses other work while a result is unfinished."""
    row: tuple[Any, ...] = con.execute(query).fetchall()[0]
    return row


def sql_type(kind: pa.DataType) -> str:
    """The DuckDB type of an Arrow type that a record column may have."""
    return _SQL_TYPES[kind]


def nothing(schema: pa.Schema) -> str:
    """A query without rows that has exactly the columns of `schema`."""
    columns = ", ".join(f"NULL::{sql_type(field.type)} AS {field.name}" for field in schema)
    return f"SELECT {columns} WHERE false"


def rows_of(
    con: duckdb.DuckDBPyConnection,
    tables: Tables,
    layout: Layout,
    table: DeltaTable | None,
    parts: Sequence[str] | None = None,
    besides: Collection[str] = (),
) -> str:
    """A query for the rows of a table version, exactly in the layout's columns; columns it lacks are null.

    Args:
        con: the connection that will run the query.
        tables: where the table is.
        layout: its layout.
        table: the version; None where there is no table.
        parts: the partitions to read; None for all. Files of others are not opened.
        besides: paths of files to leave out.
    """
    columns = ", ".join(layout.columns)
    if table is None:
        return nothing(layout.schema)
    wanted = None if parts is None else set(parts)
    files = [file for file in tables.files(table) if wanted is None or file.part in wanted]
    files = [file for file in files if file.path not in besides]
    if not files:
        return nothing(layout.schema)
    if tables.folder is not None:
        paths = ", ".join(literal(tables.path(layout.name, file)) for file in files)
        source = (
            f"SELECT * FROM read_parquet([{paths}], union_by_name = true, hive_partitioning = true, "
            f"hive_types = {{'{layout.partition}': VARCHAR}})"
        )
    else:
        # DuckDB reads no object store without its extensions; Delta Lake's own file system does.
        seen = sorted({file.part for file in files})
        # By its partitions too: a view of others may stand beside it.
        name = f"headway_{layout.name}_v{table.version()}_{crc32(' '.join(seen).encode()):08x}"
        con.register(name, table.to_pyarrow_dataset(file_pruning_predicate=[(layout.partition, "in", seen)]))
        source = f"SELECT * FROM {name}"
    return f"SELECT {columns} FROM ({nothing(layout.schema)} UNION ALL BY NAME {source})"
