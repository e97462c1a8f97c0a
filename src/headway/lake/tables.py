"""The Delta tables of a lake: where they are, what they look like, who may write now.

Only this module knows how Delta names files. The log holds no learner's id: statistics are kept for `recorded_at` alone
(quarantined rows: `line`), and changes are described by run or source, never by learner.
"""

import fcntl
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote

import pyarrow as pa
from deltalake import CommitProperties, DeltaTable, WriterProperties, write_deltalake
from deltalake.exceptions import CommitFailedError, DeltaError, TableNotFoundError
from deltalake.fs import DeltaStorageHandler
from pyarrow.fs import FileType, PyFileSystem

from headway.domain.errors import ConfigError, LakeError, UnknownName
from headway.domain.records import KINDS, REJECTS

REJECTS_TABLE: Final = "rejects"

WRITER: Final = WriterProperties(compression="ZSTD", max_row_group_size=245_760)

# Versions stay nameable for as long as the lake lives; what erasure removes is data files, never the log.
_LOG_RETENTION: Final = "interval 5200 weeks"


@dataclass(frozen=True, slots=True)
class Layout:
    """What a table of the lake looks like.

    Attributes:
        name: the table's name, also that of its folder.
        schema: its columns.
        required: columns that are never null.
        partition: the column by whose values its files are apart.
        statistics: the one column whose least and greatest values the log may hold.
        learner_scoped: whether it has a `learner` column.
    """

    name: str
    schema: pa.Schema
    required: frozenset[str]
    partition: str
    statistics: str
    learner_scoped: bool

    @property
    def columns(self) -> list[str]:
        """The names of its columns, in order."""
        return list(self.schema.names)


def layout_of(name: str) -> Layout:
    """The layout of the table called `name`: a record kind or `rejects`.

    Raises:
        UnknownName: there is no such table.
    """
    if name == REJECTS_TABLE:
        return Layout(name, REJECTS, frozenset({"id", "source", "kind", "reason"}), "source", "line", False)
    if name not in KINDS:
        raise UnknownName.of("table", name, table_names())
    kind = KINDS[name]
    return Layout(name, kind.schema, kind.required, "run", "recorded_at", kind.learner_scoped)


def table_names() -> list[str]:
    """The names of all tables a lake may have: the record kinds, then `rejects`."""
    return [*KINDS, REJECTS_TABLE]


@dataclass(frozen=True, slots=True)
class DataFile:
    """One data file of a table version.

    Attributes:
        path: relative to the table, as it stands on the disk.
        part: its value of the partition column.
        rows: how many rows the log says it has.
    """

    path: str
    part: str
    rows: int


@contextmanager
def lake_errors(what: str) -> Iterator[None]:
    """Turns the errors of Delta Lake and of the disk into `LakeError` with a fix."""
    try:
        yield
    except (DeltaError, OSError) as wrong:
        raise LakeError(
            f"The lake's {what} cannot be used: {first_line(wrong)}. Run `headway lake verify` to see what is damaged."
        ) from wrong


@dataclass(frozen=True, slots=True)
class _Read:
    """A table that was read, and never written to, with its files.

    Attributes:
        table: the version.
        stamp: its number, and what tells its commit from another of that number.
        files: see `Tables.files`.
    """

    table: DeltaTable
    stamp: tuple[int, ...]
    files: list[DataFile]


class Tables:
    """The tables under one root."""

    def __init__(self, root: str | Path, storage_options: Mapping[str, str] | None = None) -> None:
        """Tables under a folder, or under a URI (`s3://…`, `abfss://…`, `file://…`) with the store's options.

        Raises:
            ConfigError: the folder's path holds a sign that Delta Lake or DuckDB cannot take.
        """
        self.folder: Path | None = None if "://" in str(root) else Path(root).absolute()
        self._root = str(self.folder or root).rstrip("/")
        self._options = dict(storage_options or {})
        self._seen: dict[str, tuple[int, int]] = {}
        self._read: dict[str, _Read] = {}
        if self.folder is not None and (bad := sorted(set(str(self.folder)) & set("[]*?\\"))):
            raise ConfigError(
                f"The lake cannot be in {str(self.folder)!r}: choose a folder without {' '.join(bad)} in its path."
            )

    def __str__(self) -> str:
        return self._root

    def load(self, name: str, version: int | None = None) -> DeltaTable | None:
        """The table called `name` as of `version` (newest: None), or None where nothing was ever written to it.

        Raises:
            LakeError: its log cannot be read, or has no such version.
        """
        with lake_errors(f"table {name}" if version is None else f"version {version} of table {name}"):
            try:
                return DeltaTable(f"{self._root}/{name}", version=version, storage_options=self._options or None)
            except TableNotFoundError:
                return None

    def to_read(self, name: str, version: int | None = None) -> DeltaTable | None:
        """As `load`, for those who do not write to it: in a folder a log that is as it was is not read again."""
        wanted = self.version(name) if version is None and self.folder is not None else version
        stamp = None if wanted is None else self._stamp(name, wanted)
        held = self._read.get(name)
        if held is not None and stamp is not None and held.stamp == (wanted, *stamp):
            return held.table
        table = self.load(name, wanted)
        if table is not None and stamp is not None:
            self._read[name] = _Read(table, (table.version(), *stamp), self._listed(table))
        return table

    def _stamp(self, name: str, version: int) -> tuple[int, int] | None:
        """What tells a commit from another of the same number; None where it cannot be told."""
        if self.folder is None:
            return None
        try:
            found = (self.folder / name / "_delta_log" / f"{version:020}.json").stat()
        except FileNotFoundError:
            return None
        return found.st_ino, found.st_mtime_ns

    def version(self, name: str) -> int | None:
        """The newest version of the table called `name`; None where nothing was ever written to it.

        In a folder that is a glance at the log from the version last seen on; reading the log takes ten times as long.
        """
        if self.folder is None:
            table = self.load(name)
            return None if table is None else table.version()
        if not (self.folder / name).exists():
            return None
        seen, checkpoint = self._seen.get(name), self._checkpoint(name)
        # Old versions leave the log only with a checkpoint.
        if seen is None or seen[1] != checkpoint or not self._committed(name, seen[0]):
            table = self.load(name)
            newest = None if table is None else table.version()
        else:
            newest = next(version for version in count(seen[0]) if not self._committed(name, version + 1))
        if newest is not None:
            self._seen[name] = newest, checkpoint
        return newest

    def has_newer(self, name: str, version: int | None) -> bool:
        """Whether the table called `name` has a version after `version` (None: any); a glance at its log."""
        if self.folder is not None:
            return self._committed(name, 0 if version is None else version + 1)
        table = self.load(name)
        return table is not None and table.version() != version

    def _checkpoint(self, name: str) -> int:
        """When the log's last checkpoint was made; 0 where there is none."""
        assert self.folder is not None
        try:
            return (self.folder / name / "_delta_log" / "_last_checkpoint").stat().st_mtime_ns
        except FileNotFoundError:
            return 0

    def _committed(self, name: str, version: int) -> bool:
        assert self.folder is not None
        return (self.folder / name / "_delta_log" / f"{version:020}.json").exists()

    def files(self, table: DeltaTable) -> list[DataFile]:
        """The files of a table version in the order in which they were written, partition by partition."""
        held = next((held for held in list(self._read.values()) if held.table is table), None)
        return list(held.files) if held is not None else self._listed(table)

    def _listed(self, table: DeltaTable) -> list[DataFile]:
        with lake_errors("log"):
            actions: pa.Table = pa.table(table.get_add_actions(flatten=True))
        part = f"partition.{table.metadata().partition_columns[0]}"
        ordered = actions.sort_by([(part, "ascending"), ("modification_time", "ascending"), ("path", "ascending")])
        columns = (ordered[name].to_pylist() for name in ("path", part, "num_records"))
        return [DataFile(unquote(path), value, rows or 0) for path, value, rows in zip(*columns, strict=True)]

    def commits(self, table: DeltaTable, after: int) -> Iterator[tuple[int, list[dict[str, Any]] | None]]:
        """The version and the log's actions of each commit after version `after`, up to that of `table`.

        None instead of actions where the log does not reach back so far.
        """
        log = PyFileSystem(DeltaStorageHandler(table.table_uri, self._options or None))
        for version in range(after + 1, table.version() + 1):
            with lake_errors("log"):
                try:
                    with log.open_input_stream(f"_delta_log/{version:020d}.json") as file:
                        lines = file.read().decode().splitlines()
                except FileNotFoundError:
                    lines = None
            yield version, None if lines is None else [json.loads(line) for line in lines if line.strip()]

    def path(self, name: str, file: DataFile) -> str:
        """Where a data file of the table called `name` is."""
        return f"{self._root}/{name}/{file.path}"

    @contextmanager
    def turn(self, name: str) -> Iterator[None]:
        """Holds the only right on this machine to write to the table called `name`; waits for it.

        The lock dies with its process. An object store has no locks; there the version check in `write` is all.
        """
        if self.folder is None:
            yield
            return
        locks = self.folder / ".locks"
        with lake_errors("lock folder"):
            locks.mkdir(parents=True, exist_ok=True)
            handle = (locks / name).open("w")
        with handle:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield

    def write(
        self,
        layout: Layout,
        base: DeltaTable | None,
        rows: pa.RecordBatchReader,
        act: str,
        replace: Sequence[str] | None = None,
    ) -> bool:
        """Whether the rows became the next version after `base`: False where someone else was first.

        Args:
            layout: the table's layout.
            base: the table version on which the rows were worked out; None where there was no table.
            rows: the rows to add.
            act: what is being done, for the history.
            replace: the partitions that the rows replace; None to add to what is there.

        Raises:
            LakeError: the rows cannot be written.
        """
        options: dict[str, Any] = {
            "writer_properties": WRITER,
            # No retries: Delta would land the rows after commits whose ids we have not compared with.
            "commit_properties": CommitProperties(custom_metadata={"act": act}, max_commit_retries=0),
        }
        if replace is not None:
            options |= {"mode": "overwrite", "predicate": f"{layout.partition} IN ({', '.join(map(literal, replace))})"}
        with lake_errors(f"table {layout.name}"):
            try:
                if base is None:
                    self._create(layout, rows, options)
                else:
                    write_deltalake(base, rows, **{"mode": "append", "schema_mode": _merge(layout, base), **options})
            except CommitFailedError:
                return False
            except DeltaError:
                if base is None and self.load(layout.name) is not None:
                    return False
                raise
        return True

    def compact(self, table: DeltaTable) -> None:
        """Joins the small files of each partition into one in a new version of the table.

        Raises:
            LakeError: someone else removed files meanwhile.
        """
        with lake_errors("compaction"):
            table.optimize.compact(
                writer_properties=WRITER, commit_properties=CommitProperties(custom_metadata={"act": "compact"})
            )

    def vacuum(self, table: DeltaTable, *, keep_a_week: bool) -> int:
        """How many files were destroyed that the newest version does not need, leavings of killed writers among them.

        Args:
            table: the newest version of the table.
            keep_a_week: whether files that were in use less than a week ago stay, so that older snapshots can be read.

        Raises:
            LakeError: a file is still there.
        """
        marked = CommitProperties(custom_metadata={"act": "vacuum"})
        hours = None if keep_a_week else 0

        def unneeded(*, destroy: bool) -> list[str]:
            return table.vacuum(hours, not destroy, keep_a_week, full=True, commit_properties=marked)

        with lake_errors("unneeded files"):
            there = self._existing(table, unneeded(destroy=False))  # Delta names files for as long as its log does
            if not there:
                return 0
            unneeded(destroy=True)
            if left := self._existing(table, there):
                raise LakeError(f"{len(left)} files could not be destroyed, {left[0]} first. See who may delete there.")
        return len(there)

    def _existing(self, table: DeltaTable, paths: Sequence[str]) -> list[str]:
        store = PyFileSystem(DeltaStorageHandler(table.table_uri, self._options or None))
        return [info.path for info in store.get_file_info(list(paths)) if info.type is not FileType.NotFound]

    def _create(self, layout: Layout, rows: pa.RecordBatchReader, options: Mapping[str, Any]) -> None:
        write_deltalake(
            f"{self._root}/{layout.name}",
            rows,
            mode="error",
            partition_by=layout.partition,
            configuration={
                "delta.dataSkippingStatsColumns": layout.statistics,
                "delta.logRetentionDuration": _LOG_RETENTION,
            },
            storage_options=self._options or None,
            **options,
        )


def _merge(layout: Layout, base: DeltaTable) -> str | None:
    """How a record kind that has grown a column gets it into an older table."""
    known = {field.name for field in base.schema().fields}
    return "merge" if set(layout.columns) - known else None


def first_line(wrong: BaseException) -> str:
    """What an engine's error says, without the lines of detail and colour below it."""
    return (str(wrong).strip().splitlines() or [type(wrong).__name__])[0]


def literal(text: str) -> str:
    """`text` as an SQL string, for DuckDB and for Delta's predicates."""
    return "'" + text.replace("'", "''") + "'"
