"""The lake's door: everything that other packages may do with it.

Others hold a `Lake` and call its methods; the modules behind it are its own business.
"""

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from pathlib import Path

import pyarrow as pa

from headway.domain.errors import ConfigError
from headway.domain.records import KINDS, REJECTS, kind_of
from headway.domain.time import AsOf, Clock
from headway.lake import append as appending
from headway.lake import care, versions
from headway.lake.append import Appended
from headway.lake.built import Built, Recipe, Shelf
from headway.lake.care import Compacted, Receipt
from headway.lake.engine import Budget, engine, rows_of
from headway.lake.live import LiveRecords
from headway.lake.reading import Records, Selection
from headway.lake.spark_session import Cluster
from headway.lake.tables import REJECTS_TABLE, Tables, layout_of
from headway.lake.verify import Verification, verify
from headway.lake.versions import Snapshot, Version

LEAST_MEMORY_MIB = 128


class Lake:
    """What was known, and when.

    Holds no open file between calls, so one may be kept for as long as a process lives.
    """

    def __init__(
        self,
        root: str | Path,
        *,
        storage_options: Mapping[str, str] | None = None,
        memory_limit_mib: int = 1024,
        threads: int | None = None,
        built: str | Path | None = None,
        spark: Cluster | None = None,
    ) -> None:
        """A lake under a folder or an object store's URI. Nothing is created before the first append.

        Args:
            root: a folder, or a URI such as `s3://bucket/lake`.
            storage_options: what the object store needs: keys, region, endpoint.
            memory_limit_mib: what DuckDB may hold at once when reading. Appending gives it half and leaves half to
                the writer.
            threads: how many threads DuckDB uses; None for one per core.
            built: the folder for built features; None for one of the lake's own, or for none on an object store.
            spark: where Spark runs, for `open` to read with it; None for DuckDB.

        Raises:
            ConfigError: the folder's name cannot be used, or the memory limit is below 128 MiB.
        """
        if memory_limit_mib < LEAST_MEMORY_MIB:
            raise ConfigError(
                f"A memory limit of {memory_limit_mib} MiB is too small. Give at least {LEAST_MEMORY_MIB}."
            )
        self._tables = Tables(root, storage_options)
        self._spark = None if spark is None else replace(spark, storage=dict(storage_options or {}))
        self._reading = Budget(memory_limit_mib, threads)
        self._writing = Budget(memory_limit_mib // 2, threads)
        folder = self._tables.folder / ".features" if built is None and self._tables.folder else built
        self._built = None if folder is None else Built(Path(folder), self._tables)

    def append(self, kind: str, records: pa.RecordBatchReader) -> Appended:
        """What became of a delivery of one record kind; all new records land in one commit or none does.

        Records whose id the lake knows in that run, or that came earlier in the delivery, are `unchanged` if they say
        the same and `conflicting` if not; the caller quarantines the latter as `conflicts_with_known_record`.

        Args:
            kind: the record kind's name.
            records: batches with exactly that kind's columns; read once, streamed, never held in memory as a whole.

        Raises:
            UnknownName: there is no such kind.
            SourceError: a column is missing, unknown, of another type, or empty where it is required. Nothing is kept.
            LakeError: the lake cannot be written. Nothing is kept.
        """
        return appending.append(self._tables, layout_of(kind_of(kind).name), records, self._writing)

    def reject(self, rejects: pa.Table) -> int:
        """How many of the refused rows (schema `domain.records.REJECTS`) were new to the quarantine."""
        return appending.append(self._tables, layout_of(REJECTS_TABLE), rejects.to_reader(), self._writing).accepted

    def rejects(self, source: str | None = None) -> pa.Table:
        """The quarantined rows of one source or of all, by source, kind, file and line."""
        sources = None if source is None else [source]
        return self._of_rejects("*", "ORDER BY source, kind, file, line, id", sources).cast(REJECTS)

    def reject_counts(self) -> list[tuple[str, str, str, int]]:
        """Source, kind, reason and number of the quarantined rows, most frequent first within a source."""
        found = self._of_rejects(
            "source, kind, reason, count(*)", "GROUP BY ALL ORDER BY source, count(*) DESC, kind, reason"
        )
        return list(zip(*(column.to_pylist() for column in found.columns), strict=True))

    def _of_rejects(self, columns: str, rest: str, sources: Sequence[str] | None = None) -> pa.Table:
        layout = layout_of(REJECTS_TABLE)
        with engine(self._tables, self._reading) as con:
            rows = rows_of(con, self._tables, layout, self._tables.load(REJECTS_TABLE), sources)
            return con.sql(f"SELECT {columns} FROM ({rows}) {rest}").to_arrow_table()

    def runs(self) -> list[str]:
        """The course runs that the lake has a record of, sorted."""
        table = self._tables.to_read("course_runs")
        return sorted({file.part for file in self._tables.files(table)}) if table is not None else []

    def marks(self) -> dict[str, str]:
        """Of each course run a mark that changes whenever records of it come or go; compacting changes it too."""
        files = self.paths().items()
        return {run: hashlib.sha256("\n".join(sorted(paths)).encode()).hexdigest()[:16] for run, paths in files}

    def paths(self, kinds: Iterable[str] = KINDS) -> dict[str, frozenset[str]]:
        """The data files that hold each course run's records; files are never changed."""
        found: dict[str, set[str]] = {}
        for kind in kinds:
            table = self._tables.to_read(kind)
            for file in [] if table is None else self._tables.files(table):
                found.setdefault(file.part, set()).add(file.path)
        return {run: frozenset(paths) for run, paths in found.items()}

    def has_records(self) -> bool:
        """Whether anything but quarantined rows is there."""
        loaded = (self._tables.load(kind) for kind in KINDS)
        return any(file.rows for table in loaded if table is not None for file in self._tables.files(table))

    def snapshot(self) -> Snapshot:
        """The name of what is in the lake now."""
        return versions.snapshot(self._tables)

    def open(
        self,
        until: AsOf | None,
        runs: Sequence[str] | None,
        kinds: Iterable[str] | None = None,
        snapshot: Snapshot | None = None,
    ) -> Records:
        """Records as they were known at `until`, to be used in a `with` statement.

        Where the lake is read with Spark, that holds for records of all kinds; some kinds are small questions, which
        DuckDB answers at once.

        Args:
            until: only records recorded up to and including this instant; None for all.
            runs: only these runs, and only their files are opened; None for all.
            kinds: only these record kinds; None for all.
            snapshot: what to read; None for what is there now.

        Raises:
            UnknownName: a kind is not known.
            LakeError: the snapshot, or one of its files, is not there any more.
        """
        selection = Selection(until, runs, kinds, snapshot or self.snapshot())
        if self._spark is None or kinds is not None:
            return Records(self._tables, selection, self._reading)
        from headway.lake.spark import SparkRecords

        return SparkRecords(self._tables, selection, self._reading, self._spark)

    def shelf(
        self, recipe: Recipe, snapshot: Snapshot, runs: Collection[str]
    ) -> "AbstractContextManager[Shelf | None]":
        """Built features of some runs that are still true at a snapshot, and a place for more; see `lake.built`.

        To be used in a `with` statement for as long as something is built from that snapshot. None on an object store
        for which no folder for built features was named.
        """
        return nullcontext(None) if self._built is None else self._built.shelf(recipe, snapshot, runs)

    def open_live(self, run: str) -> LiveRecords:
        """The records of a run in memory, which can be brought up to date. Use it in a `with` statement, or close it.

        Raises:
            LakeError: a file of the lake cannot be read.
        """
        return LiveRecords(self._tables, run, self._reading)

    def history(self, kind: str | None = None) -> list[Version]:
        """All commits to one table (a record kind or `rejects`) or to all, newest first."""
        return versions.history(self._tables, kind)

    def diff(self, before: Snapshot, after: Snapshot) -> dict[str, tuple[int, int]]:
        """Records added and removed between two snapshots, by record kind; kinds without any are left out."""
        return versions.diff(self._tables, before, after, self._reading)

    def verify(self) -> Verification:
        """What is there and what is wrong with it, after reading all of it."""
        return verify(self._tables, self._reading)

    def compact(self) -> Compacted:
        """How many files there were and are, after small ones were joined; digests stay the same."""
        return care.compact(self._tables)

    def join_small(self, most: int) -> int:
        """How many tables had their small files joined: those in which a course run has more than `most` files.

        As `compact`, but nothing is destroyed, so it may be called often.
        """
        return care.join_small(self._tables, most)

    def discard_replaced(self) -> int:
        """How many files were destroyed that were replaced more than a week ago; nothing that can be read changes."""
        return care.discard_replaced(self._tables)

    def erase(self, learner: str, clock: Clock, also_named: Sequence[str] = ()) -> Receipt:
        """The receipt for a learner's rows, after no file of the lake holds them any more, older versions included.

        Built features of the learner's runs go too. Snapshots taken before name files that are gone; read with an as-of
        time instead. On an object store, stop every other writer first.

        Args:
            learner: the learner's id in the records.
            clock: tells the time for the receipt.
            also_named: other names by which quarantined rows may know the learner, such as the id in the source system.
        """
        receipt = care.erase(self._tables, learner, clock, also_named, self._writing)
        # Last, so that a build which has read the learner's records finds out before it keeps anything.
        built = 0 if self._built is None else self._built.forget(learner)
        return replace(receipt, files=receipt.files + built)
