"""Reading: a connection on which only what was known at an as-of time can be seen.

The cut at `recorded_at` is made here, once, in the views that callers query by way of Ibis expressions. Ibis only
compiles; the text runs on the connection that `Records` owns.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager, suppress
from copy import copy
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from queue import SimpleQueue
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Protocol, Self, TypeVar, cast

import duckdb
import ibis
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from deltalake import DeltaTable
from ibis.expr.operations import DropColumns, Field, Project, UnboundTable

from headway.domain.errors import InputError, LakeError, UnknownName
from headway.domain.records import KINDS, kind_of
from headway.domain.time import AsOf
from headway.lake.compiled import prepare, sql_of
from headway.lake.engine import Budget, engine, engine_errors, rows_of
from headway.lake.tables import Tables, layout_of
from headway.lake.versions import Snapshot

if TYPE_CHECKING:
    import ibis.expr.types as ir

Hand = TypeVar("Hand")
Task = TypeVar("Task")
Done = TypeVar("Done")

MOST_HANDS: Final = 2
"""How many course runs are computed at the same time: each needs memory of its own."""


class Work(Protocol):
    """What is to be computed of some course runs; see `features.engine.Work`."""

    @property
    def runs(self) -> Sequence[str]:
        """The runs, sorted."""
        ...

    def __call__(self, records: "Records") -> pa.Table:
        """What is computed."""
        ...


_FORMATS: Final = {
    ".parquet": "FORMAT parquet, COMPRESSION zstd",
    ".csv": "FORMAT csv, HEADER",
    ".jsonl": "FORMAT json",
}


@dataclass(frozen=True, slots=True)
class Selection:
    """What to read.

    Attributes:
        until: only records known at this time; None for all that are known now.
        runs: only these runs; None for all.
        kinds: only these record kinds; None for all.
        snapshot: the table versions to read.
    """

    until: AsOf | None
    runs: Sequence[str] | None
    kinds: Iterable[str] | None
    snapshot: Snapshot


class Records:
    """Records as they were known, to be queried with Ibis expressions. Use it in a `with` statement, or close it.

    Attributes:
        snapshot: the table versions that are being read.
        apart: see `features.engine.Records`.
    """

    apart = False

    def __init__(self, tables: Tables, selection: Selection, budget: Budget) -> None:
        """Opened views, one per record kind.

        Raises:
            UnknownName: a kind is not known.
            LakeError: a table or a file of the snapshot is not there any more.
        """
        self.snapshot = selection.snapshot
        self._kinds = {name: kind_of(name) for name in (KINDS if selection.kinds is None else selection.kinds)}
        with ExitStack() as stack:
            self._con = stack.enter_context(engine(tables, budget))
            with engine_errors():
                self._places: tuple[Tables, Selection] = tables, selection
                self._budget = budget
                self._loaded: dict[str, DeltaTable | None] = {}
                self._show()
            self._hands = [self]
            self._made: dict[str, pa.Table] = {}
            self._stored: set[str] = set()
            self._stack = stack.pop_all()

    def _show(self) -> None:
        runs = self._places[1].runs
        for name in self._kinds:
            self._con.execute(f"CREATE TEMP VIEW {name} AS {self._cut(name, runs)}")

    def spread(self, works: Sequence[Work]) -> Iterator[pa.Table]:
        """What each work computes, in their order; see `features.engine.Records`."""
        if len(works) == 1:
            yield works[0](self)
            return
        with self.hands() as hands:
            yield from side_by_side(hands, works, lambda hand, work: work(hand))

    @contextmanager
    def hands(self) -> "Iterator[list[Records]]":
        """These records, once for each thing that is worth doing at the same time, itself first; until it is left.

        They share one engine with its memory and threads. What is kept or defined by one is not seen by the others.
        """
        threads = int(self._con.execute("SELECT current_setting('threads')").fetchall()[0][0])
        while len(self._hands) < min(threads, MOST_HANDS):
            hand = copy(self)
            hand._made, hand._stored = {}, set()
            hand._con = self._stack.enter_context(closing(self._con.cursor()))
            hand._con.execute("SET TimeZone = 'UTC'")
            hand._show()
            self._hands.append(hand)
        # Each hand computes by itself: threads that also help each other's queries get in each other's way.
        self._con.execute(f"SET threads = {max(1, threads // len(self._hands))}")
        try:
            yield self._hands
        finally:
            with suppress(duckdb.ConnectionException):  # closed before the last result was taken
                self._con.execute(f"SET threads = {threads}")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Ends the connection and removes what it spilled to disk."""
        self._stack.close()

    def table(self, kind: str) -> "ir.Table":
        """The unbound Ibis table of a record kind, to build expressions on.

        Raises:
            UnknownName: the kind is not among those opened.
        """
        if kind not in self._kinds:
            raise UnknownName.of("opened record kind", kind, self._kinds)
        return ibis.table(_schema(self._kinds[kind].schema), name=kind)

    def everywhere(self, kind: str) -> "ir.Table":
        """The unbound table of a record kind in every run there is, known by the same time.

        Raises:
            UnknownName: the kind is not among those opened.
        """
        table, (_, selection) = self.table(kind), self._places
        return table if selection.runs is None else self._view(f"{kind}_of_all_runs", kind, None)

    def of_runs(self, kind: str, runs: Sequence[str]) -> "ir.Table":
        """The unbound table of a record kind in these of the runs that were opened, until it is asked for again.

        The engine opens every file that a table names, even those of which it reads nothing.

        Raises:
            UnknownName: the kind is not among those opened.
        """
        opened = self._places[1].runs
        return self._view(f"{kind}_of_these_runs", kind, [run for run in runs if opened is None or run in opened])

    def _view(self, name: str, kind: str, runs: Sequence[str] | None) -> "ir.Table":
        table = self.table(kind)
        with engine_errors():
            self._con.execute(f"CREATE OR REPLACE TEMP VIEW {name} AS {self._cut(kind, runs)}")
        return ibis.table(table.schema(), name=name)

    def _cut(self, kind: str, runs: Sequence[str] | None) -> str:
        """A query for the records of some runs (None: all) that were known at the time of this selection."""
        tables, selection = self._places
        version = selection.snapshot.versions.get(kind)
        if version is not None and kind not in self._loaded:
            self._loaded[kind] = tables.to_read(kind, version)
            if self._loaded[kind] is None:
                raise LakeError(
                    f"Snapshot {selection.snapshot.id} names version {version} of {kind}, but {tables} has no such "
                    "table."
                )
        rows = rows_of(self._con, tables, layout_of(kind), self._loaded.get(kind), runs)
        if selection.until is None:
            return rows
        return f"SELECT * FROM ({rows}) WHERE recorded_at <= TIMESTAMPTZ '{selection.until.instant.isoformat()}'"

    def collect(self, expr: "ir.Table") -> pa.Table:
        """The rows of an expression, with the columns and types of the expression's schema.

        Raises:
            LakeError: a file cannot be read, or the memory limit is too small.
        """
        wanted = _arrow(expr.schema())
        found = self._at_hand(expr.op())
        if found is None:
            with engine_errors():
                found = self._con.sql(sql_of(expr)).to_arrow_table().select(wanted.names)
        return found.cast(wanted)

    def _at_hand(self, node: Any) -> pa.Table | None:
        """The rows of what is no more than columns of a table that is held; else None."""
        if isinstance(node, UnboundTable):
            return self._made.get(node.name)
        if isinstance(node, DropColumns):
            held = self._at_hand(node.parent)
            return None if held is None else held.drop_columns(list(node.columns_to_drop))
        if not (isinstance(node, Project) and all(isinstance(column, Field) for column in node.values.values())):
            return None
        held = self._at_hand(node.parent)
        return None if held is None else pa.table({name: held[column.name] for name, column in node.values.items()})

    def transform(
        self,
        name: str,
        function: Callable[[pa.Table, pa.Table], pa.Table],
        rows: "ir.Table",
        cursor: "ir.Table",
        schema: ibis.Schema,
    ) -> "ir.Table":
        """What `function` makes of both tables, kept under `name` as it is: neither end copies it into the engine."""
        return self._held(name, function(self.collect(rows), self.collect(cursor)).cast(_arrow(schema)), schema)

    def hold(self, name: str, expr: "ir.Table") -> "ir.Table":
        """The unbound table `name` that now holds the expression's rows, outside of the engine."""
        return self._held(name, self.collect(expr), expr.schema())

    def _held(self, name: str, table: pa.Table, schema: ibis.Schema) -> "ir.Table":
        self._check_free(name)
        self.forget([name])
        self._made[name] = table
        self._con.register(name, table)
        return ibis.table(schema, name=name)

    def apply(
        self,
        name: str,
        function: Callable[[pa.Table], pa.Table],
        rows: "ir.Table",
        by: Sequence[str],
        schema: ibis.Schema,
    ) -> "ir.Table":
        """What `function` makes of the rows of each group, kept under `name`; its result has `schema`.

        No group looks at another: an engine may compute them anywhere, at the same time, their rows in any order.

        Args:
            name: under which name.
            function: a pure function of one group's rows.
            rows: the rows.
            by: the columns whose values name a group.
            schema: the columns of the result.
        """
        wanted = cast("pa.Schema", schema.to_pyarrow())
        made = [function(group).select(wanted.names).cast(wanted) for group in _groups_of(self.collect(rows), by)]
        return self.put(name, pa.concat_tables([wanted.empty_table(), *made]))

    def prepare(self, exprs: "Sequence[ir.Table]") -> None:
        """Makes these expressions ready, for other processes too; see `lake.compiled`."""
        prepare(exprs)

    def keep(self, name: str, expr: "ir.Table") -> "ir.Table":
        """The unbound table `name` that now holds the expression's rows, for as long as the records are open."""
        self._make_room(name)
        with engine_errors():
            self._con.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS {sql_of(expr)}")
        self._stored.add(name)
        return ibis.table(expr.schema(), name=name)

    def forget(self, names: Iterable[str]) -> None:
        """Lets go of what was kept or transformed under these names, where anything was."""
        for name in names:
            if self._made.pop(name, None) is not None:
                self._con.unregister(name)
            elif name in self._stored:
                self._stored.remove(name)
                self._con.execute(f"DROP TABLE IF EXISTS {name}")

    def define(self, name: str, expr: "ir.Table") -> "ir.Table":
        """The unbound table `name` that stands for the expression, computed whenever it is read."""
        self._check_free(name)
        with engine_errors():
            self._con.execute(f"CREATE OR REPLACE TEMP VIEW {name} AS {sql_of(expr)}")
        return ibis.table(expr.schema(), name=name)

    def put(self, name: str, table: pa.Table) -> "ir.Table":
        """The unbound table `name` that now holds the rows of an Arrow table, for as long as the records are open."""
        self._make_room(name)
        schema = _schema(table.schema)
        self._con.register("headway_arriving", table.cast(schema.to_pyarrow()))
        try:
            with engine_errors():
                self._con.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS SELECT * FROM headway_arriving")
        finally:
            self._con.unregister("headway_arriving")
        self._stored.add(name)
        return ibis.table(schema, name=name)

    def save(self, expr: "ir.Table", path: Path) -> int:
        """How many rows of an expression were written to `path`: Parquet, CSV or JSON lines, by its suffix.

        The rows stream, so memory does not grow with them. Binary ids are written as hexadecimal text in CSV and JSON.

        Raises:
            InputError: the suffix is none of `.parquet`, `.csv` and `.jsonl`, or the file cannot be written.
            LakeError: a file of the lake cannot be read.
        """
        with engine_errors():
            return write_file(self._con, sql_of(expr), cast("pa.Schema", expr.schema().to_pyarrow()), path)

    def _make_room(self, name: str) -> None:
        """Lets go of what was held under a name: the engine itself replaces what it keeps."""
        self._check_free(name)
        if name in self._made:
            self.forget([name])

    def _check_free(self, name: str) -> None:
        if not name.isidentifier() or name in KINDS:
            raise InputError(f"{name!r} cannot name a table of your own. Use a plain name that is no record kind.")


def write_file(con: duckdb.DuckDBPyConnection, rows: str, schema: pa.Schema, path: Path) -> int:
    """How many rows of a query were written to `path`; see `Records.save`.

    Args:
        con: the connection that runs the query.
        rows: the query.
        schema: its columns.
        path: the file.

    Raises:
        InputError: the suffix is none of ours, or the file cannot be written.
    """
    if path.suffix not in _FORMATS:
        raise InputError(f"{path.name} has no known suffix. Name a file that ends in {', '.join(_FORMATS)}.")
    text = path.suffix != ".parquet"
    columns = [f"lower(hex({f.name})) AS {f.name}" if text and f.type == pa.binary() else f.name for f in schema]
    part = path.with_name(f".{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.touch()
    except OSError as wrong:
        raise InputError(f"{path} cannot be written ({wrong.strerror}). Name another file.") from wrong
    try:
        target = str(part).replace("'", "''")
        con.execute(f"COPY (SELECT {', '.join(columns)} FROM ({rows})) TO '{target}' ({_FORMATS[path.suffix]})")
        count = con.fetchall()[0][0]
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    return int(count)


def side_by_side(hands: Sequence[Hand], tasks: Sequence[Task], do: Callable[[Hand, Task], Done]) -> Iterator[Done]:
    """What is done of each task, in their order, each hand at one of them.

    Whoever stops asking waits for those begun only.
    """
    idle: SimpleQueue[Hand] = SimpleQueue()
    for hand in hands:
        idle.put(hand)

    def next_one(task: Task) -> Done:
        hand = idle.get()
        try:
            return do(hand, task)
        finally:
            idle.put(hand)

    with ThreadPoolExecutor(len(hands)) as pool:
        begun = deque(pool.submit(next_one, task) for task in tasks[: len(hands)])
        for task in [*tasks[len(hands) :], *[None] * len(begun)]:
            oldest = begun.popleft()
            oldest.exception()  # waits
            if task is not None:
                begun.append(pool.submit(next_one, task))
            yield oldest.result()


def _groups_of(table: pa.Table, by: Sequence[str]) -> Iterator[pa.Table]:
    """The rows of each combination of values of the columns `by`, in their order."""
    if not table.num_rows:
        return
    ordered = table.sort_by([(name, "ascending") for name in by])
    begins = np.zeros(len(ordered), dtype=bool)
    begins[0] = True
    for name in by:
        codes = pc.fill_null(ordered[name].combine_chunks().dictionary_encode().indices, -1).to_numpy()
        begins[1:] |= codes[1:] != codes[:-1]
    first = np.append(np.flatnonzero(begins), len(ordered))
    for begin, end in pairwise(first.tolist()):
        yield ordered.slice(begin, end - begin)


@lru_cache(maxsize=256)
def _schema(schema: pa.Schema) -> ibis.Schema:
    return ibis.Schema.from_pyarrow(schema)


@lru_cache(maxsize=256)
def _arrow(schema: ibis.Schema) -> pa.Schema:
    return cast("pa.Schema", schema.to_pyarrow())
