"""Records of the runs at hand, always under the same names, whatever runs those are. The as-of engine's alone."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import ibis

from headway.features import known
from headway.features.engine import Records, Transform, Work

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import pyarrow as pa


@dataclass(frozen=True, slots=True)
class Here:
    """The records of the runs at hand, always under the same names: what is computed from them is compiled once.

    Attributes:
        records: the records of all runs.
    """

    records: Records

    @property
    def apart(self) -> bool:
        """See `Records.apart`."""
        return self.records.apart

    def table(self, kind: str) -> "ir.Table":
        """See `Records.table`."""
        if kind not in known.EARLIER_KINDS:
            return self.records.table(kind)
        return ibis.table(self.records.table(kind).schema(), name=f"here_{kind}")

    def spread(self, works: Sequence[Work]) -> "Iterator[pa.Table]":
        """See `Records.spread`."""
        return self.records.spread(works)

    def everywhere(self, kind: str) -> "ir.Table":
        """See `Records.everywhere`."""
        return self.records.everywhere(kind)

    def of_runs(self, kind: str, runs: Sequence[str]) -> "ir.Table":
        """See `Records.of_runs`."""
        return self.records.of_runs(kind, runs)

    def put(self, name: str, table: "pa.Table") -> "ir.Table":
        """See `Records.put`."""
        return self.records.put(name, table)

    def define(self, name: str, expr: "ir.Table") -> "ir.Table":
        """See `Records.define`."""
        return self.records.define(name, expr)

    def prepare(self, exprs: "Sequence[ir.Table]") -> None:
        """See `Records.prepare`."""
        self.records.prepare(exprs)

    def keep(self, name: str, expr: "ir.Table") -> "ir.Table":
        """See `Records.keep`."""
        return self.records.keep(name, expr)

    def hold(self, name: str, expr: "ir.Table") -> "ir.Table":
        """See `Records.hold`."""
        return self.records.hold(name, expr)

    def transform(
        self, name: str, function: Transform, rows: "ir.Table", cursor: "ir.Table", schema: ibis.Schema
    ) -> "ir.Table":
        """See `Records.transform`."""
        return self.records.transform(name, function, rows, cursor, schema)

    def forget(self, names: Iterable[str]) -> None:
        """See `Records.forget`."""
        self.records.forget(names)

    def collect(self, expr: "ir.Table") -> "pa.Table":
        """See `Records.collect`."""
        return self.records.collect(expr)
