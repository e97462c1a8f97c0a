"""The lake on Apache Spark: groups of course runs computed on as many machines as there are, each by DuckDB.

A group is a task. Its executor reads the group's files, computes with the engine that one machine uses, and sends the
rows. Where a group is more than a task has memory for, some learners at a time are a task. So there is one engine and
no second opinion on any value; Spark decides what runs where, and begins again what was lost.
"""

import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import lru_cache, partial
from importlib import metadata
from threading import Lock
from typing import TYPE_CHECKING, Any, Final, Protocol, runtime_checkable

import duckdb
import pyarrow as pa
from deltalake import DeltaTable

from headway.domain import errors
from headway.domain.errors import ConfigError, HeadwayError, OutOfMemory
from headway.lake.engine import Budget
from headway.lake.reading import Records, Selection, Work, side_by_side
from headway.lake.spark_session import Cluster, context_of, spark_errors
from headway.lake.tables import Tables

if TYPE_CHECKING:
    from pyspark import SparkContext

ACTS_PER_MIB: Final = 4_000
"""Statements that a task is given for each MiB of its memory. With 512 MiB a group of ordinary size is one task."""

LEAST_ACTS: Final = 10_000
"""A task that runs out of memory with so few is not given fewer: something else is wrong."""

LEAST_MIB: Final = 64
"""With less DuckDB does not get far."""

PACKED_BYTES: Final = 8 << 20
"""About how much is sent at once."""


@runtime_checkable
class Divisible(Work, Protocol):
    """Work that can be computed some learners at a time; see `features.engine.Divisible`."""

    def of_share(self, records: Records, first: str, end: str | None) -> pa.Table:
        """What can be computed of the learners from `first` up to before `end` alone."""
        ...

    def of_shares(self, records: Records, parts: pa.Table) -> pa.Table:
        """What is computed, from what was computed of all shares."""
        ...


Share = tuple[str, str | None]
"""Learners from a name up to before another; None: to the last."""

Sent = tuple[str, Any]
"""What leaves a task: `rows` in Arrow's stream format, or the name of one of our errors with its message."""


class SparkRecords(Records):
    """Records as they were known, whose features, labels and predictions are computed on Spark.

    Everything that is asked of a single table is answered here, by DuckDB. Spark is started by the first `spread`.
    """

    apart = True

    def __init__(self, tables: Tables, selection: Selection, budget: Budget, cluster: Cluster) -> None:
        """Opened views, one per record kind; see `Records`."""
        super().__init__(tables, selection, budget)
        self._cluster = cluster
        self._asking = Lock()
        self._acts: Counter[str] = Counter()
        statements = self._loaded.get("statements")
        for file in [] if statements is None else tables.files(statements):
            self._acts[file.part] += file.rows

    def spread(self, works: Sequence[Work]) -> Iterator[pa.Table]:
        """What each work computes, in their order, as many at the same time as Spark has cores.

        Raises:
            ConfigError: Spark is missing or cannot start, or an executor has another version of headway.
            LakeError: a file cannot be read, or memory ran out.
        """
        context = context_of(self._cluster)
        tables, selection = self._places
        place = _Place(
            str(tables), dict(self._cluster.storage), selection, self._budget_of_a_task(context), _versions()
        )
        self._most = max(LEAST_ACTS, place.budget.memory_mib * ACTS_PER_MIB)
        yield from side_by_side(range(context.defaultParallelism), works, lambda _, work: self._one(work, place))

    def _budget_of_a_task(self, context: "SparkContext") -> Budget:
        """The tasks that an executor has at the same time share its memory; each has its cores to itself."""
        conf, budget = context.getConf(), self._budget
        threads = int(conf.get("spark.task.cpus", "1") or 1)
        cores = context.defaultParallelism if self._cluster.local else int(conf.get("spark.executor.cores", "1") or 1)
        return Budget(max(LEAST_MIB, budget.memory_mib // max(1, cores // threads)), threads)

    def _one(self, work: Work, place: "_Place") -> pa.Table:
        """What one work computes, in smaller and smaller shares for as long as memory runs out."""
        acts = sum(self._acts[run] for run in work.runs)
        place = replace(place, selection=replace(place.selection, runs=list(work.runs)))
        while True:
            shares = self._shares(work, max(1, -(-acts // self._most)))
            try:
                return self._computed(work, place, shares)
            except OutOfMemory:
                most = acts // len(shares) // 4
                if most < LEAST_ACTS or not isinstance(work, Divisible):
                    raise
                self._most = min(self._most, most)

    def _shares(self, work: Work, count: int) -> list[Share]:
        """Shares of about as many learners each."""
        if count == 1 or not isinstance(work, Divisible):
            return [("", None)]
        with self._asking:
            enrolled = self.table("enrolments")
            enrolled = enrolled.filter(enrolled.run.isin(list(work.runs)))
            names = self.collect(enrolled.select("learner").distinct().order_by("learner"))["learner"]
        firsts = sorted({names[at].as_py() for at in range(0, len(names), max(1, -(-len(names) // count)))})
        return list(zip(["", *firsts[1:]], [*firsts[1:], None], strict=True))

    def _computed(self, work: Work, place: "_Place", shares: Sequence[Share]) -> pa.Table:
        context = context_of(self._cluster)
        # Tasks read what they are given to its end, or Spark would not use their process again.
        dealt = context.parallelize(shares, len(shares))
        if len(shares) > 1 and isinstance(work, Divisible):
            parts = dealt.flatMap(partial(_part, place, work))
            made = parts.repartition(1).mapPartitions(partial(_joined, place, work))
        else:
            made = dealt.flatMap(partial(_whole, place, work))
        with spark_errors():
            return _unpacked(made.collect())


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a task finds the records, and with what it may read them.

    Attributes:
        root: the lake's.
        storage: the options of its object store.
        selection: what to read.
        budget: what the task may use.
        versions: of what values depend on.
    """

    root: str
    storage: dict[str, str] = field(repr=False)
    selection: Selection
    budget: Budget
    versions: dict[str, str]

    @contextmanager
    def records(self) -> Iterator[Records]:
        """The records, in whatever process this is.

        Raises:
            ConfigError: the versions here are others.
        """
        if self.versions != _versions():
            raise ConfigError(
                f"An executor has {_versions()}, headway's process {self.versions}. Install the same on every machine; "
                "see docs/how-to/spark.md."
            )
        spill = os.environ.get("SPARK_LOCAL_DIRS", "").split(",")[0] or None
        tables = _tables(self.root, tuple(sorted(self.storage.items())))
        with Records(tables, self.selection, replace(self.budget, spill=spill)) as records:
            yield records


@lru_cache
def _versions() -> dict[str, str]:
    return {name: metadata.version(name) for name in ("headway", "ibis-framework")} | {"duckdb": duckdb.__version__}


class _Known(Tables):
    """Tables whose log is read once: a worker is given many groups of the same versions."""

    def __init__(self, root: str, options: dict[str, str]) -> None:
        super().__init__(root, options)
        self._loaded = lru_cache(maxsize=64)(super().load)

    def load(self, name: str, version: int | None = None) -> DeltaTable | None:
        return self._loaded(name, version) if version is not None else super().load(name)


@lru_cache(maxsize=4)
def _tables(root: str, options: tuple[tuple[str, str], ...]) -> Tables:
    return _Known(root, dict(options))


def _whole(place: _Place, work: Work, _: Share) -> Iterator[Sent]:
    """A task: all that is computed."""
    return _sent(place, work)


def _part(place: _Place, work: Divisible, share: Share) -> Iterator[Sent]:
    """A task: what is computed of a share."""
    return _sent(place, lambda records: work.of_share(records, *share))


def _joined(place: _Place, work: Divisible, parts: Iterable[Sent]) -> Iterator[Sent]:
    """A task: what is computed of all shares together."""
    return _sent(place, lambda records: work.of_shares(records, _unpacked(parts)))


def _sent(place: _Place, make: Callable[[Records], pa.Table]) -> Iterator[Sent]:
    """What is made, as it leaves a task. An error of ours leaves it like rows: to try again would not help."""
    try:
        with place.records() as records:
            made = make(records)
    except HeadwayError as wrong:
        yield type(wrong).__name__, str(wrong)
    except MemoryError:
        yield OutOfMemory.__name__, "A task ran out of memory. Give executors more, or fewer cores each."
    else:
        yield from _packed(made)


def _packed(table: pa.Table) -> Iterator[Sent]:
    rows = max(1, PACKED_BYTES * len(table) // max(1, table.nbytes))
    for at in range(0, max(1, len(table)), rows):
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, table.schema, options=pa.ipc.IpcWriteOptions(compression="lz4")) as stream:
            stream.write_table(table.slice(at, rows))
        yield "rows", sink.getvalue().to_pybytes()


def _unpacked(sent: Iterable[Sent]) -> pa.Table:
    """The rows that tasks have sent.

    Raises:
        HeadwayError: what one of them sent instead.
    """
    tables = []
    for what, told in sent:
        if what != "rows":
            raise getattr(errors, what, HeadwayError)(told)
        with pa.ipc.open_stream(told) as stream:
            tables.append(stream.read_all())
    return pa.concat_tables(tables)
