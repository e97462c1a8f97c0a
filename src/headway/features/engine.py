"""What the as-of engine needs of whatever holds the records: five verbs, spoken in Ibis expressions.

DuckDB over the lake is the built-in answer (`headway.lake`); anything that runs Ibis expressions can be another.
"""

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import pyarrow as pa


class Records(Protocol):
    """Records of all kinds, and a place to keep what is computed from them."""

    def table(self, kind: str) -> "ir.Table":
        """All records of one kind, unbound, with the columns of its schema."""
        ...

    def put(self, name: str, table: "pa.Table") -> "ir.Table":
        """`table`, loaded under `name` for further expressions."""
        ...

    def define(self, name: str, expr: "ir.Table") -> "ir.Table":
        """`expr` under `name`, computed whenever it is read."""
        ...

    def keep(self, name: str, expr: "ir.Table") -> "ir.Table":
        """The result of `expr`, computed once and kept under `name`."""
        ...

    def collect(self, expr: "ir.Table") -> "pa.Table":
        """The result of `expr`."""
        ...
