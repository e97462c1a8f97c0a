"""Landing a delivery: stage it, compare it with what is known, write the rest in one commit.

A delivery is read once into a DuckDB table that spills to disk, so that the disk bounds its size
and not the memory. Nothing reaches the lake before every row has been read and checked.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Final

import duckdb
import pyarrow as pa
from deltalake import DeltaTable

from headway.domain.errors import LakeError, SourceError
from headway.lake.engine import BATCH_ROWS, Budget, engine, one, rows_of
from headway.lake.tables import Layout, Tables

ID_BYTES: Final = 16

_TRIES: Final = 50


@dataclass(frozen=True, slots=True)
class Appended:
    """What became of a delivery: `read = accepted + unchanged + len(conflicting)`.

    Attributes:
        read: rows delivered.
        accepted: rows that the lake did not know and now does.
        unchanged: rows that said what was known already, in the lake or earlier in the delivery.
        conflicting: the rows that said something else under a known id, in delivery order; they are not kept.
    """

    read: int
    accepted: int
    unchanged: int
    conflicting: pa.Table


def append(tables: Tables, layout: Layout, rows: pa.RecordBatchReader, budget: Budget) -> Appended:
    """What became of the rows after landing the new ones in one commit.

    Raises:
        SourceError: the delivery lacks a column, has one of another type, or leaves a required one empty.
        LakeError: the lake cannot be written, or others keep writing to the same table.
    """
    _check_schema(layout, rows.schema)
    batches = iter(rows)
    first = next((batch for batch in batches if batch.num_rows), None)
    if first is None:  # most of what a small delivery brings: no engine for it
        return Appended(0, 0, 0, layout.schema.empty_table())
    with engine(tables, budget) as con:
        read, distinct = _stage(con, layout, rows.schema, chain([first], batches))
        for _ in range(_TRIES):
            with tables.turn(layout.name):
                base = tables.load(layout.name)
                _compare(con, tables, layout, base, repeats=distinct < read)
                met, unchanged = _counts(con)
                if met == read or tables.write(layout, base, _new_rows(con, layout, met), "append"):
                    return Appended(read, read - met, unchanged, _conflicting(con, layout))
    raise LakeError(
        f"Others kept writing to {layout.name} while {read} rows were waiting. Nothing was written; try again."
    )


def _check_schema(layout: Layout, offered: pa.Schema) -> None:
    for field in layout.schema:
        if field.name not in offered.names:
            raise SourceError(
                f"The {layout.name} delivered have no column {field.name!r}. Deliver {', '.join(layout.columns)}."
            )
        kind = offered.field(field.name).type
        if kind != field.type:
            raise SourceError(
                f"Column {field.name!r} of the {layout.name} delivered is {kind}. Deliver it as {field.type}."
            )
    if extra := sorted(set(offered.names) - set(layout.columns)):
        raise SourceError(f"The {layout.name} delivered have an unknown column {extra[0]!r}. Leave it out.")


def _stage(
    con: duckdb.DuckDBPyConnection, layout: Layout, schema: pa.Schema, rows: Iterable[pa.RecordBatch]
) -> tuple[int, int]:
    """How many rows were delivered, and a number of distinct ids that is never too high."""
    failures: list[BaseException] = []
    con.register("delivery", pa.RecordBatchReader.from_batches(schema, _watched(layout, rows, failures.append)))
    try:
        con.execute(f"CREATE TEMP TABLE staged AS SELECT {', '.join(layout.columns)} FROM delivery")
    except duckdb.Error:
        if failures:  # the source's own error says more than the engine's about it
            raise failures[0] from None
        raise
    con.unregister("delivery")
    required = sorted(layout.required)
    # Distinct hashes are never more than distinct ids, so a clash of hashes costs a search and loses nothing.
    counts = ", ".join(f"count({column})" for column in required)
    row = one(
        con,
        f"SELECT count(*), count(DISTINCT hash(id)), count(*) FILTER (octet_length(id) <> {ID_BYTES}), "
        f"count(*) FILTER ({layout.partition} = ''), {counts} FROM staged",
    )
    read, distinct, bad_ids, unnamed, *filled = row
    for column, count in zip(required, filled, strict=True):
        if count < read:
            raise SourceError(f"Column {column!r} is empty in {read - count} of {read} {layout.name}. It is required.")
    if bad_ids:
        raise SourceError(f"Column 'id' of {bad_ids} {layout.name} has not {ID_BYTES} bytes. Make ids with record_id.")
    if unnamed:
        raise SourceError(f"Column {layout.partition!r} of {unnamed} {layout.name} is an empty text. Name it.")
    return read, distinct


def _watched(
    layout: Layout, rows: Iterable[pa.RecordBatch], failed: Callable[[BaseException], None]
) -> Iterator[pa.RecordBatch]:
    """The batches; an error on the way is noted before an engine wraps it beyond recognition."""
    try:
        for batch in rows:
            _check_schema(layout, batch.schema)
            yield batch
    except GeneratorExit:  # the engine gave up for a reason of its own
        raise
    except BaseException as wrong:  # whatever the source raises must reach its caller as it is; raised again below
        failed(wrong)
        raise


def _compare(
    con: duckdb.DuckDBPyConnection, tables: Tables, layout: Layout, base: DeltaTable | None, *, repeats: bool
) -> None:
    """Fills `met` with the staged rows whose id is taken, and whether they say the same as its holder."""
    con.execute("CREATE OR REPLACE TEMP TABLE met (place BIGINT, same BOOLEAN)")
    part = layout.partition
    delivered = [row[0] for row in con.execute(f"SELECT DISTINCT {part} FROM staged").fetchall()]
    held = {file.part for file in tables.files(base)} if base is not None else set()
    if parts := sorted(held.intersection(delivered)):
        known = rows_of(con, tables, layout, base, parts)
        con.execute(
            f"INSERT INTO met SELECT staged.rowid, {_same(layout, 'known')} FROM staged "
            f"JOIN ({known}) known ON staged.id = known.id AND staged.{part} = known.{part}"
        )
    if repeats:
        con.execute(
            f"""
            INSERT INTO met
            WITH unmet AS (SELECT rowid AS place, id FROM staged WHERE rowid NOT IN (SELECT place FROM met)),
                 taken AS (SELECT id, min(place) AS first FROM unmet GROUP BY id HAVING count(*) > 1)
            SELECT staged.rowid, {_same(layout, "holder")}
            FROM unmet JOIN taken ON unmet.id = taken.id AND unmet.place <> taken.first
            JOIN staged ON staged.rowid = unmet.place
            JOIN staged holder ON holder.rowid = taken.first
            """
        )


def _same(layout: Layout, other: str) -> str:
    return " AND ".join(f"staged.{column} IS NOT DISTINCT FROM {other}.{column}" for column in layout.columns)


def _counts(con: duckdb.DuckDBPyConnection) -> tuple[int, int]:
    row = one(con, "SELECT count(*), count(*) FILTER (same) FROM met")
    return int(row[0]), int(row[1])


def _new_rows(con: duckdb.DuckDBPyConnection, layout: Layout, met: int) -> pa.RecordBatchReader:
    """The rows to write, in delivery order: sorting them saved a tenth of the space and cost more than all the rest."""
    unmet = "WHERE rowid NOT IN (SELECT place FROM met)" if met else ""
    reader: pa.RecordBatchReader = con.sql(f"SELECT {', '.join(layout.columns)} FROM staged {unmet}").to_arrow_reader(
        BATCH_ROWS
    )
    return reader


def _conflicting(con: duckdb.DuckDBPyConnection, layout: Layout) -> pa.Table:
    columns = ", ".join(f"staged.{column}" for column in layout.columns)
    query = f"SELECT {columns} FROM staged JOIN met ON staged.rowid = met.place WHERE NOT met.same ORDER BY met.place"
    return con.sql(query).to_arrow_table().cast(layout.schema)
