"""Records in memory: what the as-of engine needs of a lake, over Arrow tables, quick enough for many histories."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from types import TracebackType
from typing import TYPE_CHECKING, Self, cast

import duckdb
import ibis
import pyarrow as pa

from headway.domain.records import KINDS
from headway.features.engine import Work

if TYPE_CHECKING:
    import ibis.expr.types as ir


class Memory:
    """An implementation of `features.engine.Records`, to be used in a `with`; kinds without a table are empty."""

    apart = False

    def __init__(self, tables: Mapping[str, pa.Table]) -> None:
        self._kept: set[str] = set()
        self._con = duckdb.connect(config={"threads": 1})
        self._con.execute("SET TimeZone='UTC'")
        for kind in KINDS:
            self._load(kind, tables.get(kind, KINDS[kind].schema.empty_table()).cast(KINDS[kind].schema))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._con.close()

    def table(self, kind: str) -> "ir.Table":
        return ibis.table(ibis.Schema.from_pyarrow(KINDS[kind].schema), name=kind)

    def everywhere(self, kind: str) -> "ir.Table":
        return self.table(kind)

    def of_runs(self, kind: str, runs: Sequence[str]) -> "ir.Table":
        table = self.table(kind)
        return table.filter(table.run.isin(list(runs)))

    def put(self, name: str, table: pa.Table) -> "ir.Table":
        self._load(name, table)
        return ibis.table(ibis.Schema.from_pyarrow(table.schema), name=name)

    def spread(self, works: Sequence[Work]) -> Iterator[pa.Table]:
        return (work(self) for work in works)

    def define(self, name: str, expr: "ir.Table") -> "ir.Table":
        self._con.execute(f"CREATE OR REPLACE TEMP VIEW {name} AS {_sql(expr)}")
        return ibis.table(expr.schema(), name=name)

    def transform(
        self,
        name: str,
        function: Callable[[pa.Table, pa.Table], pa.Table],
        rows: "ir.Table",
        cursor: "ir.Table",
        schema: ibis.Schema,
    ) -> "ir.Table":
        return self.put(name, function(self.collect(rows), self.collect(cursor)).cast(schema.to_pyarrow()))

    def keep(self, name: str, expr: "ir.Table") -> "ir.Table":
        self._con.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS {_sql(expr)}")
        self._kept.add(name)
        return ibis.table(expr.schema(), name=name)

    def prepare(self, exprs: "Sequence[ir.Table]") -> None:
        """Nothing is asked for twice."""

    def hold(self, name: str, expr: "ir.Table") -> "ir.Table":
        return self.keep(name, expr)

    def forget(self, names: Iterable[str]) -> None:
        for name in set(names) & self._kept:
            self._con.execute(f"DROP TABLE {name}")
        self._kept -= set(names)

    def collect(self, expr: "ir.Table") -> pa.Table:
        wanted = cast("pa.Schema", expr.schema().to_pyarrow())
        return self._con.sql(_sql(expr)).to_arrow_table().select(wanted.names).cast(wanted)

    def _load(self, name: str, table: pa.Table) -> None:
        self._con.register("arriving", table)
        self._con.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS SELECT * FROM arriving")
        self._con.unregister("arriving")


def _sql(expr: "ir.Table") -> str:
    return _sql_of(expr.op())


@lru_cache(maxsize=1024)
def _sql_of(op: "ibis.expr.operations.Relation") -> str:
    """The text of an expression; equal expressions are compiled once, which is most of the time of a small history."""
    return str(ibis.to_sql(op.to_expr(), dialect="duckdb"))
