"""Records of one run held in memory and brought up to date, for answers about single learners within milliseconds.

What `reading.Records` reads from files whenever it is asked, `LiveRecords` keeps in tables, and adds what later commits
bring. Where someone erased or compacted meanwhile it loads everything again, so that nothing erased is kept.
"""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

import ibis
import pyarrow as pa

from headway.lake.engine import Budget, engine_errors, rows_of
from headway.lake.reading import Records, Selection, Work
from headway.lake.tables import Tables, layout_of, literal
from headway.lake.versions import snapshot

if TYPE_CHECKING:
    import ibis.expr.types as ir

OF_RUN: Final = ("course_runs", "activities", "statements", "results", "responses", "attributes", "texts")
OF_ALL_RUNS: Final = ("enrolments", "outcomes")
"""Kept of every run, since features look at the other runs of a learner."""


class LiveRecords(Records):
    """The records of a run, and of its learners in other runs, as of the last commit that was looked at."""

    def __init__(self, tables: Tables, run: str, budget: Budget) -> None:
        """Opened and loaded.

        Raises:
            LakeError: a file of the lake cannot be read.
        """
        self._tables, self._run = tables, run
        self._versions: dict[str, int | None] = {}
        self._files: dict[str, frozenset[str]] = {}
        super().__init__(tables, Selection(None, [run], (*OF_RUN, *OF_ALL_RUNS), snapshot(tables)), budget)

    def _show(self) -> None:
        """Loads the tables under the names under which others find views."""
        for kind in self._kinds:
            rows, _ = self._rows(kind, frozenset())
            order = "learner" if "learner" in self._kinds[kind].schema.names else "id"
            self._con.execute(f"CREATE OR REPLACE TEMP TABLE {_table(kind)} AS {rows} ORDER BY {order}")
            if kind in OF_ALL_RUNS:
                own = f"SELECT * FROM {_table(kind)} WHERE run = {literal(self._run)}"
                self._con.execute(f"CREATE OR REPLACE TEMP VIEW {kind} AS {own}")

    def _rows(self, kind: str, besides: frozenset[str]) -> tuple[str, bool]:
        """A query for the rows that are not in the files `besides`, and whether some of those files are gone."""
        table = self._tables.load(kind)
        self._versions[kind] = None if table is None else table.version()
        parts = None if kind in OF_ALL_RUNS else [self._run]
        here = [] if table is None else self._tables.files(table)
        self._files[kind] = frozenset(file.path for file in here if parts is None or file.part in parts)
        query = rows_of(self._con, self._tables, layout_of(kind), table, parts, besides)
        # An object store is not read file by file.
        return query, not besides <= self._files[kind] or (self._tables.folder is None and bool(besides))

    def everywhere(self, kind: str) -> "ir.Table":
        """See `Records.everywhere`."""
        return ibis.table(self.table(kind).schema(), name=_table(kind) if kind in OF_ALL_RUNS else kind)

    def of_runs(self, kind: str, runs: Sequence[str]) -> "ir.Table":
        """See `Records.of_runs`."""
        table = self.table(kind)
        return table.filter(table.run.isin(list(runs)))

    def spread(self, works: Sequence[Work]) -> Iterator[pa.Table]:
        """What each work computes, one after the other; see `Records.spread`."""
        return (work(self) for work in works)

    def refresh(self) -> "dict[str, ir.Table] | None":
        """What has arrived since the last time, by kind; None where it may be anything and all was loaded again.

        A table of arrivals holds until the next call.

        Raises:
            LakeError: a file of the lake cannot be read.
        """
        arrived = {}
        with engine_errors():
            for kind in [kind for kind in self._kinds if self._tables.has_newer(kind, self._versions[kind])]:
                before = self._files[kind]
                rows, gone = self._rows(kind, before)
                if gone:
                    self._show()
                    return None
                self._con.execute(f"CREATE OR REPLACE TEMP TABLE arrived_{kind} AS {rows}")
                self._con.execute(f"INSERT INTO {_table(kind)} SELECT * FROM arrived_{kind}")
                arrived[kind] = ibis.table(self.table(kind).schema(), name=f"arrived_{kind}")
        return arrived


def _table(kind: str) -> str:
    return f"{kind}_of_all_runs" if kind in OF_ALL_RUNS else kind
