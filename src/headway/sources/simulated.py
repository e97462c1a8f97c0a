"""The `simulated` source: made-up courses whose every truth is known.

It reads no file. It turns the drafts of `headway.sources.simulation` into records: ids, UTC instants and local dates,
a few blocks of learners at a time, so that memory does not grow with the number of learners. Equal options give equal
bytes.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import pyarrow as pa

from headway.domain.errors import InputError
from headway.domain.records import REJECTS, kind_of
from headway.sources.columns import id_sql
from headway.sources.simulation import drafts, truth
from headway.sources.simulation.knobs import OPTIONS, read_knobs
from headway.sources.simulation.plan import SOURCE, Run
from headway.sources.simulation.world import World, world_of
from headway.sources.source import SOURCES, Delivery, Request

if TYPE_CHECKING:
    import duckdb

BATCH_ROWS: Final = 65_536

NATIVE_IDS: Final = {
    "course_runs": "run",
    "activities": "run || '/' || activity",
    "enrolments": "run || '/' || learner || '/' || status",
    "attributes": "run || '/' || learner || '/' || name",
    "statements": "run || '/' || learner || '/' || place",
    "results": "run || '/' || learner || '/' || activity || '/' || attempt",
    "outcomes": "run || '/' || learner",
}

DERIVED: Final = {
    "recorded_at": "instant + to_microseconds(delay_us)",
    "released_at": "instant + to_microseconds(delay_us)",
    "occurred_at": "instant",
    "valid_from": "instant",
    "submitted_at": "instant",
    "occurred_on": "CAST(instant AT TIME ZONE '{zone}' AS DATE)",
    "valid_from_on": "CAST(instant AT TIME ZONE '{zone}' AS DATE)",
    "submitted_on": "CAST(instant AT TIME ZONE '{zone}' AS DATE)",
    "due_at": "due_at AT TIME ZONE '{zone}'",
    "due_on": "CAST(due_at AS DATE)",
    "hour": "CAST(hour(instant AT TIME ZONE '{zone}') AS TINYINT)",
    "interactions": "CAST(1 AS BIGINT)",
}
"""Columns that follow from a draft's local clock; `{zone}` is a name that `read_knobs` has checked."""


@dataclass(frozen=True, slots=True)
class Simulated:
    """Made-up courses; see docs/explanation/simulator.md.

    Attributes:
        blocks_at_once: blocks of learners held in memory together; changes nothing in the records.
    """

    name: str = SOURCE
    summary: str = "made-up courses with known truth, of any size, from a seed"
    options: Mapping[str, str] = field(default_factory=lambda: dict(OPTIONS))
    blocks_at_once: int = 2

    def read(self, request: Request) -> Iterator[Delivery]:
        """The deliveries: course runs, activities, enrolments, attributes, statements, results, outcomes, run by run.

        Raises:
            InputError: a path is given, or an option is unknown or out of range.
        """
        if request.paths:
            raise InputError(
                "The simulated source reads no files. Leave the path out; shape it by options such as learners=300."
            )
        import duckdb

        # Not closed by hand: a reader may outlive this generator, and each holds the engine as long as it needs it.
        engine = duckdb.connect(config={"memory_limit": f"{request.memory_limit_mib}MiB"})
        engine.execute("SET TimeZone='UTC'")
        return self._deliveries(world_of(read_knobs(request.options)), engine)

    def _deliveries(self, world: World, engine: "duckdb.DuckDBPyConnection") -> Iterator[Delivery]:
        zone = world.knobs.zone
        yield _delivery("course_runs", iter([drafts.course_runs(world.runs)]), zone, engine)
        for run in world.runs:
            yield _delivery("activities", iter([drafts.activities(run)]), zone, engine)
        for kind in drafts.DRAFTS:
            for run in world.runs:
                yield _delivery(kind, self._learners(kind, run, world), zone, engine)

    def _learners(self, kind: str, run: Run, world: World) -> Iterator[pa.Table]:
        draft = drafts.DRAFTS[kind]
        for first in range(0, world.block_count, self.blocks_at_once):
            several = range(first, min(first + self.blocks_at_once, world.block_count))
            yield pa.concat_tables([draft(world.block(run, number), world) for number in several])


def planted_truth(options: Mapping[str, str]) -> pa.Table:
    """What is latent in every learner of the world of these options: one row per run and learner, schema `TRUTH`.

    Raises:
        InputError: an option is unknown or out of range.
    """
    return truth.truth_of(world_of(read_knobs(options)))


def _delivery(kind: str, tables: Iterator[pa.Table], zone: str, engine: "duckdb.DuckDBPyConnection") -> Delivery:
    batches = _records(kind, tables, zone, engine)
    return Delivery(kind, pa.RecordBatchReader.from_batches(kind_of(kind).schema, batches), REJECTS.empty_table())


def _records(
    kind: str, tables: Iterator[pa.Table], zone: str, engine: "duckdb.DuckDBPyConnection"
) -> Iterator[pa.RecordBatch]:
    for table in tables:
        records = _stamped(engine, kind, table, zone).cast(kind_of(kind).schema)
        yield from records.combine_chunks().to_batches(max_chunksize=BATCH_ROWS)


def _stamped(engine: "duckdb.DuckDBPyConnection", kind: str, draft: pa.Table, zone: str) -> pa.Table:
    engine.register("draft", draft)
    wanted = ", ".join(_columns(kind, draft, zone))
    query = f"SELECT {wanted} FROM (SELECT *, occurred_at AT TIME ZONE '{zone}' AS instant FROM draft)"
    try:
        return engine.sql(query).to_arrow_table()
    finally:
        engine.unregister("draft")


def _columns(kind: str, draft: pa.Table, zone: str) -> Iterator[str]:
    given = {"id": id_sql(SOURCE, kind, NATIVE_IDS[kind]), "source": f"'{SOURCE}'"}
    for column in kind_of(kind).schema:
        name = column.name
        if name in given:
            yield f"{given[name]} AS {name}"
        elif name in DERIVED and (name not in ("due_at", "due_on") or "due_at" in draft.column_names):
            yield f"{DERIVED[name].format(zone=zone)} AS {name}"
        elif name in draft.column_names:
            yield name
        else:
            yield f"NULL AS {name}"


SOURCES.add(SOURCE, Simulated())
