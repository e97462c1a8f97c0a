"""Reading the lake on Apache Spark: the same records, cuts and verbs as `reading`, on as many machines as there are.

Ibis compiles the same expressions to Spark's SQL. The cut at `recorded_at` is made here, once, in the views that
callers query. What is kept stays with the executors; only `collect` and `save` bring rows to this process.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from copy import copy
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, Final, cast

import ibis
import pyarrow as pa

from headway.domain.errors import LakeError
from headway.domain.records import KINDS, kind_of
from headway.lake.engine import Budget, engine
from headway.lake.reading import Records, Selection, write_file
from headway.lake.spark_session import Cluster, session, spark_errors
from headway.lake.spark_storage import hadoop_options, spark_uri
from headway.lake.tables import DataFile, Tables, layout_of

if TYPE_CHECKING:
    import ibis.expr.types as ir
    from pyspark.sql import DataFrame

MOST_HANDS: Final = 4
"""How many groups of course runs are computed at the same time, to fill machines that one group leaves idle."""

HAND_CORES: Final = 2
"""How many cores each of them needs at least."""

BREADTH: Final = 2
"""How much larger groups of course runs are than DuckDB's: each pays some hundred plans anew, whatever its size.

Ten times as large, the values of a group were lost on their way to a driver of 1 GiB.
"""

MOST_AT_ONCE: Final = BREADTH * 1_000_000
"""About how many statements are computed at once, unless a single run has more."""

TASK_ROWS: Final = 1_000_000
"""About how many statements a task may read."""

FEW_ROWS: Final = 250_000
"""Of so many statements a build spends more time on plans than on rows."""

_FOR_FEW: Final = {
    "spark.sql.adaptive.enabled": "false",
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    "spark.sql.constraintPropagation.enabled": "false",
}
"""Unless the user says otherwise, where there are few statements: a build has some hundred plans, and to plan them
stage by stage, to look for filters that could be derived and to compile each to Java takes longer than to interpret
them as they are."""

DEALS: Final = 4
"""Deals of enrolments for each task: so many that no task is given much more than another. Each is a call of Python
with some hundred steps of its own, so there are no more than that."""

_DEAL: Final = "headway_deal"

_TYPES: Final = {
    "boolean": "BOOLEAN",
    "int8": "TINYINT",
    "int16": "SMALLINT",
    "int32": "INT",
    "int64": "BIGINT",
    "float32": "FLOAT",
    "float64": "DOUBLE",
    "string": "STRING",
    "binary": "BINARY",
    "date": "DATE",
    "array<string>": "ARRAY<STRING>",
}

_ESCAPED: Final = re.compile(r"\\.")
_ESCAPES: Final = {r"\a": r"\u0007", r"\f": r"\u000C", r"\v": r"\u000B"}
"""Escapes that Ibis writes and Spark does not know: it reads `\\f` as an f, and stripping white space took letters."""

_NO_GLOBS: Final = "__globPaths__"
"""Spark's option for paths that are names and not patterns."""


class SparkRecords(Records):
    """Records as they were known, on Spark. Use it in a `with` statement, or close it.

    Attributes:
        snapshot: the table versions that are being read.
        breadth: see `features.engine.Records`.
    """

    breadth = BREADTH

    def __init__(self, tables: Tables, selection: Selection, budget: Budget, cluster: Cluster) -> None:
        """Opened views, one per record kind.

        Raises:
            UnknownName: a kind is not known.
            ConfigError: Spark is missing or cannot start.
            LakeError: a table or a file of the snapshot is not there any more.
        """
        self.snapshot = selection.snapshot
        self._kinds = {name: kind_of(name) for name in (KINDS if selection.kinds is None else selection.kinds)}
        self._tables = tables
        self._until = selection.until
        self._budget = budget
        self._cluster = cluster
        self._selection = selection
        self._files = {name: _files_of(tables, name, selection) for name in self._kinds}
        self._begin()
        self._hands: list[Records] = [self]

    def _begin(self) -> None:
        """A session of its own, with a view for each record kind."""
        self._kept: dict[str, Any] = {}
        self._shown: set[str] = set()
        root = str(self._tables)
        of_run: Counter[str] = Counter()
        for file in self._files.get("statements", ()):
            of_run[file.part] += file.rows
        few = of_run.total() <= FEW_ROWS
        at_once = min(of_run.total(), max(MOST_AT_ONCE, *of_run.values(), 0))
        self._session = session(self._cluster, hadoop_options(root, self._cluster.storage), few=few)
        self._tasks = 2 if few else max(2 * self._session.sparkContext.defaultParallelism, -(-at_once // TASK_ROWS))
        for name, value in _FOR_FEW.items() if few else ():
            if name not in self._cluster.options:
                self._session.conf.set(name, value)
        if "spark.sql.shuffle.partitions" in self._cluster.options:
            self._tasks = int(self._cluster.options["spark.sql.shuffle.partitions"])
        self._session.conf.set("spark.sql.shuffle.partitions", str(self._tasks))
        with spark_errors():
            for name in self._kinds:
                self._rows_of(name, self._files[name]).createOrReplaceTempView(name)

    def everywhere(self, kind: str) -> "ir.Table":
        """See `Records.everywhere`."""
        table = self.table(kind)
        if self._selection.runs is None:
            return table
        name = f"{kind}_of_all_runs"
        if name not in self._shown:
            files = _files_of(self._tables, kind, replace(self._selection, runs=None))
            with spark_errors():
                self._rows_of(kind, files).createOrReplaceTempView(name)
            self._shown.add(name)
        return ibis.table(table.schema(), name=name)

    def of_runs(self, kind: str, runs: Sequence[str]) -> "ir.Table":
        """See `Records.of_runs`."""
        table, name, wanted = self.table(kind), f"{kind}_of_these_runs", set(runs)
        with spark_errors():
            rows = self._rows_of(kind, [file for file in self._files[kind] if file.part in wanted])
            rows.createOrReplaceTempView(name)
        return ibis.table(table.schema(), name=name)

    def _rows_of(self, kind: str, files: "list[DataFile]") -> "DataFrame":
        layout = layout_of(kind)
        types = _types(ibis.Schema.from_pyarrow(layout.schema))
        if not files:
            # A relation that is known to be empty: whatever is joined with it is planned away.
            columns = ", ".join(f"CAST(NULL AS {types[name]}) AS `{name}`" for name in layout.columns)
            return self._session.sql(f"SELECT {columns} WHERE false")
        place = f"{spark_uri(str(self._tables), self._cluster.storage)}/{kind}"
        reader = self._session.read.schema(_ddl(types)).option("basePath", place).option(_NO_GLOBS, "false")
        rows = reader.parquet(*(f"{place}/{file.path}" for file in files)).select(*layout.columns)
        if self._until is None:
            return rows
        return rows.filter(f"recorded_at <= TIMESTAMP '{self._until.instant.isoformat()}'")

    @contextmanager
    def hands(self) -> Iterator[list[Records]]:
        """These records, once for each thing that is worth doing at the same time; see `features.engine.Records`."""
        wanted = min(MOST_HANDS, self._session.sparkContext.defaultParallelism // HAND_CORES)
        while len(self._hands) < wanted:
            hand = copy(self)
            hand._begin()
            self._hands.append(hand)
        yield self._hands

    def close(self) -> None:
        """Lets go of everything that was kept."""
        for hand in self._hands:
            assert isinstance(hand, SparkRecords)
            for name in list(hand._kept):
                hand._let_go(name)

    def collect(self, expr: "ir.Table") -> pa.Table:
        """The rows of an expression, with the columns and types of the expression's schema.

        Raises:
            LakeError: a file cannot be read, or Spark ran out of memory.
        """
        wanted = cast("pa.Schema", expr.schema().to_pyarrow())
        with spark_errors():
            found: pa.Table = self._session.sql(_sql(expr)).toArrow()
        return found.select(wanted.names).cast(wanted)

    def keep(self, name: str, expr: "ir.Table") -> "ir.Table":
        """The unbound table `name` that now holds the expression's rows, for as long as the records are open."""
        self._check_free(name)
        with spark_errors():
            self._hold(name, self._session.sql(_sql(expr)))
        return ibis.table(expr.schema(), name=name)

    def define(self, name: str, expr: "ir.Table") -> "ir.Table":
        """The unbound table `name` that stands for the expression, computed whenever it is read."""
        self._check_free(name)
        with spark_errors():
            self._session.sql(f"CREATE OR REPLACE TEMPORARY VIEW {name} AS {_sql(expr)}")
        return ibis.table(expr.schema(), name=name)

    def put(self, name: str, table: pa.Table) -> "ir.Table":
        """The unbound table `name` that now holds the rows of an Arrow table, for as long as the records are open."""
        self._check_free(name)
        schema = ibis.Schema.from_pyarrow(table.schema)
        with spark_errors():
            rows = self._session.createDataFrame(table.cast(schema.to_pyarrow()))
            rows.createOrReplaceTempView(name)
            self._let_go(name)
        return ibis.table(schema, name=name)

    def transform(
        self,
        name: str,
        function: Callable[[pa.Table, pa.Table], pa.Table],
        rows: "ir.Table",
        cursor: "ir.Table",
        schema: ibis.Schema,
    ) -> "ir.Table":
        """What `function` makes of both tables, kept under `name`; each task is dealt some enrolments of some runs."""
        self._check_free(name)
        deal = f"pmod(hash(run_no, enrolment), {DEALS * self._tasks}) AS {_DEAL}"
        with spark_errors():
            left, right = (self._session.sql(f"SELECT *, {deal} FROM ({_sql(expr)})") for expr in (rows, cursor))
            # New names for their columns: both may come from one table, and then Spark cannot tell them apart.
            left, right = (frame.toDF(*frame.columns) for frame in (left, right))
            dealt = left.groupby(_DEAL).cogroup(right.groupby(_DEAL))
            made = dealt.applyInArrow(_of_two(function, rows.schema(), cursor.schema(), schema), _ddl(_types(schema)))
            self._hold(name, made)
        return ibis.table(schema, name=name)

    def apply(
        self,
        name: str,
        function: Callable[[pa.Table], pa.Table],
        rows: "ir.Table",
        by: Sequence[str],
        schema: ibis.Schema,
    ) -> "ir.Table":
        """What `function` makes of the rows of each group, kept under `name`; see `reading.Records.apply`."""
        self._check_free(name)
        with spark_errors():
            grouped = self._session.sql(_sql(rows)).groupby(*by)
            self._hold(name, grouped.applyInArrow(_of_one(function, rows.schema(), schema), _ddl(_types(schema))))
        return ibis.table(schema, name=name)

    def save(self, expr: "ir.Table", path: Path) -> int:
        """How many rows of an expression were written to `path`; see `reading.Records.save`.

        The rows come to this process part by part, in order.
        """
        wanted = cast("pa.Schema", expr.schema().to_pyarrow())
        with spark_errors(), engine(self._tables, self._budget) as con:
            parts = self._session.sql(_sql(expr)).mapInArrow(_packed, "part BINARY").toLocalIterator()
            con.register("headway_arriving", pa.RecordBatchReader.from_batches(wanted, _unpacked(parts, wanted)))
            return write_file(con, "SELECT * FROM headway_arriving", wanted, path)

    def forget(self, names: Iterable[str]) -> None:
        """See `reading.Records.forget`."""
        for name in names:
            self._let_go(name)

    def _hold(self, name: str, rows: "DataFrame") -> None:
        """Computes the rows now and lets go of how they came about: plans would grow with every step."""
        # Columns of their own: where two tables have one from the same third, Spark could not join them with that.
        rows = rows.toDF(*rows.columns)
        reliable = "spark.checkpoint.dir" in self._cluster.options
        held = rows.checkpoint() if reliable else rows.localCheckpoint()
        held.createOrReplaceTempView(name)
        self._let_go(name)
        self._kept[name] = held._jdf.queryExecution().logical().rdd()

    def _let_go(self, name: str) -> None:
        held = self._kept.pop(name, None)
        if held is not None:
            held.unpersist(False)


def _files_of(tables: Tables, kind: str, selection: Selection) -> list[DataFile]:
    version = selection.snapshot.versions.get(kind)
    if version is None:
        return []
    table = tables.load(kind, version)
    if table is None:
        raise LakeError(
            f"Snapshot {selection.snapshot.id} names version {version} of {kind}, but {tables} has no such table."
        )
    wanted = None if selection.runs is None else set(selection.runs)
    return [file for file in tables.files(table) if wanted is None or file.part in wanted]


def _types(schema: ibis.Schema) -> dict[str, str]:
    """Columns with their types in Spark's SQL."""
    return {
        name: "TIMESTAMP" if kind.is_timestamp() else _TYPES[str(kind.copy(nullable=True))]
        for name, kind in schema.items()
    }


def _ddl(types: dict[str, str]) -> str:
    """Columns as Spark's SQL declares them."""
    return ", ".join(f"`{name}` {kind}" for name, kind in types.items())


def _sql(expr: "ir.Table") -> str:
    with _COMPILING:
        return _compiled(expr.op())


_COMPILING: Final = Lock()
"""Whoever needs what another is compiling waits for it: to compile it twice would take both as long."""


@lru_cache(maxsize=512)
def _compiled(node: Any) -> str:
    """The SQL of an expression's node."""
    assert ibis.pyspark  # its options are there only once it was asked for
    ibis.options.pyspark.treat_nan_as_null = False
    return _ESCAPED.sub(lambda found: _ESCAPES.get(found[0], found[0]), ibis.to_sql(node.to_expr(), dialect="pyspark"))


def _of_one(
    function: Callable[[pa.Table], pa.Table], rows: ibis.Schema, made: ibis.Schema
) -> Callable[[pa.Table], pa.Table]:
    given, wanted = rows.to_pyarrow(), made.to_pyarrow()

    def of_group(group: pa.Table) -> pa.Table:
        return function(group.select(given.names).cast(given)).select(wanted.names).cast(wanted)

    return of_group


def _of_two(
    function: Callable[[pa.Table, pa.Table], pa.Table], rows: ibis.Schema, cursor: ibis.Schema, made: ibis.Schema
) -> Callable[[pa.Table, pa.Table], pa.Table]:
    first, second, wanted = rows.to_pyarrow(), cursor.to_pyarrow(), made.to_pyarrow()

    def of_group(left: pa.Table, right: pa.Table) -> pa.Table:
        # Where one side has none of these enrolments, Spark hands over a table without columns.
        left = left.select(first.names).cast(first) if left.num_columns else first.empty_table()
        right = right.select(second.names).cast(second) if right.num_columns else second.empty_table()
        return function(left, right).select(wanted.names).cast(wanted)

    return of_group


def _packed(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Each batch as one value, so that it can leave the executors part by part."""
    for batch in batches:
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, batch.schema) as stream:
            stream.write_batch(batch)
        yield pa.RecordBatch.from_arrays([pa.array([sink.getvalue().to_pybytes()], pa.binary())], ["part"])


def _unpacked(parts: Iterator[Any], wanted: pa.Schema) -> Iterator[pa.RecordBatch]:
    for part in parts:
        with pa.ipc.open_stream(bytes(part["part"])) as stream:
            yield from stream.read_all().select(wanted.names).cast(wanted).to_batches()
