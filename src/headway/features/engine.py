"""What the as-of engine needs of whatever holds the records: ten verbs, spoken in Ibis expressions.

DuckDB over the lake is the built-in answer (`headway.lake`); anything that runs Ibis expressions can be another.
"""

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import ibis
    import ibis.expr.types as ir
    import pyarrow as pa


Transform = Callable[["pa.Table", "pa.Table"], "pa.Table"]
"""A pure function of two tables."""


class Records(Protocol):
    """Records of all kinds, and a place to keep what is computed from them."""

    @property
    def breadth(self) -> int:
        """How much larger than on one machine the groups of course runs are that are computed at once."""
        ...

    def table(self, kind: str) -> "ir.Table":
        """All records of one kind, unbound, with the columns of its schema."""
        ...

    def everywhere(self, kind: str) -> "ir.Table":
        """The same of every course run there is, even where only some runs were asked for."""
        ...

    def of_runs(self, kind: str, runs: "Sequence[str]") -> "ir.Table":
        """The same of these runs only, until it is asked for the next time; what is kept of others is not opened."""
        ...

    def put(self, name: str, table: "pa.Table") -> "ir.Table":
        """`table`, loaded under `name` for further expressions."""
        ...

    def hands(self) -> "AbstractContextManager[Sequence[Records]]":
        """The same records, once for each thing that is worth doing at the same time, itself first; until it is left.

        Each has its own names: what one keeps, puts or defines is not seen by the others.
        """
        ...

    def define(self, name: str, expr: "ir.Table") -> "ir.Table":
        """`expr` under `name`, computed whenever it is read."""
        ...

    def keep(self, name: str, expr: "ir.Table") -> "ir.Table":
        """The result of `expr`, computed once and kept under `name`."""
        ...

    def transform(
        self, name: str, function: Transform, rows: "ir.Table", cursor: "ir.Table", schema: "ibis.Schema"
    ) -> "ir.Table":
        """What `function` makes of two tables, kept under `name`; its result has `schema`.

        Both have `run_no` and `enrolment`, and no enrolment looks at another: an engine may hand over the rows of some
        enrolments at a time, as long as those of one stay together.
        """
        ...

    def forget(self, names: "Iterable[str]") -> None:
        """Lets go of what was kept or transformed under these names, where anything was."""
        ...

    def collect(self, expr: "ir.Table") -> "pa.Table":
        """The result of `expr`."""
        ...
