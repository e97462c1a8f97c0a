"""What the as-of engine needs of whatever holds the records: twelve verbs, spoken in Ibis expressions.

DuckDB over the lake is the built-in answer (`headway.lake`); anything that runs Ibis expressions can be another.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    import ibis
    import ibis.expr.types as ir
    import pyarrow as pa


Transform = Callable[["pa.Table", "pa.Table"], "pa.Table"]
"""A pure function of two tables."""


class Work(Protocol):
    """What is to be computed of a group of course runs: a value that can be sent to another process."""

    @property
    def runs(self) -> "Sequence[str]":
        """The runs, sorted."""
        ...

    def __call__(self, records: "Records") -> "pa.Table":
        """What is computed, from records of at least these runs."""
        ...


@runtime_checkable
class Divisible(Work, Protocol):
    """Work that needs no more memory at a time than some learners do: the same is computed share by share."""

    def of_share(self, records: "Records", first: str, end: str | None) -> "pa.Table":
        """What can be computed of the learners from `first` up to before `end` (None: to the last) alone."""
        ...

    def of_shares(self, records: "Records", parts: "pa.Table") -> "pa.Table":
        """What is computed, from what was computed of all shares: their rows in any order."""
        ...


class Records(Protocol):
    """Records of all kinds, and a place to keep what is computed from them."""

    @property
    def apart(self) -> bool:
        """Whether `spread` computes elsewhere, so that whatever is much should go there in groups of course runs."""
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

    def spread(self, works: "Sequence[Work]") -> "Iterator[pa.Table]":
        """What each work computes, in their order, some of them at the same time, here or elsewhere.

        No more is computed ahead than can be at the same time. Until the last is there, nobody else may use `self`.
        """
        ...

    def define(self, name: str, expr: "ir.Table") -> "ir.Table":
        """`expr` under `name`, computed whenever it is read."""
        ...

    def prepare(self, exprs: "Sequence[ir.Table]") -> None:
        """Makes ready what many processes will ask for; it must say nothing of anybody."""
        ...

    def keep(self, name: str, expr: "ir.Table") -> "ir.Table":
        """The result of `expr`, computed once and kept under `name`."""
        ...

    def hold(self, name: str, expr: "ir.Table") -> "ir.Table":
        """The same as `keep` for what functions and `collect` then take over column by column, without a copy."""
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
