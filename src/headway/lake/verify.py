"""Checking the lake: reads all of it, changes none of it.

The digest of a table depends on its rows alone. It is the sum over rows of the MD5 of a row's columns as text, taken in
two halves, so that neither order nor files nor sessions matter; MD5 serves against accidents, not against forgery.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import duckdb
import pyarrow as pa
from deltalake import DeltaTable

from headway.domain.errors import LakeError
from headway.lake.engine import Budget, engine, one, rows_of
from headway.lake.tables import Layout, Tables, first_line, layout_of, table_names

# Free text says how long it is, so that no two rows run into the same text; the other types cannot hold the separator.
_AS_TEXT: Final[dict[pa.DataType, str]] = {
    pa.binary(): "hex({0})",
    pa.string(): "strlen({0}) || ':' || {0}",
    pa.timestamp("us", tz="UTC"): "epoch_us({0})::VARCHAR",
    pa.float64(): "({0} + 0.0)::VARCHAR",  # one zero, not two
    pa.list_(pa.string()): "strlen(to_json({0})::VARCHAR) || ':' || to_json({0})::VARCHAR",
}


@dataclass(frozen=True, slots=True)
class Verification:
    """What a check of the whole lake found.

    Attributes:
        rows: how many rows each table has; a table that cannot be read has no entry.
        digests: 32 hexadecimal digits per readable table that depend on its rows alone.
        problems: one sentence each; empty where all is well.
    """

    rows: Mapping[str, int]
    digests: Mapping[str, str]
    problems: list[str]

    @property
    def ok(self) -> bool:
        """Whether no problem was found."""
        return not self.problems


def verify(tables: Tables, budget: Budget) -> Verification:
    """What is there, and what is wrong with it. Damage is reported, never raised."""
    rows: dict[str, int] = {}
    digests: dict[str, str] = {}
    problems: list[str] = []
    for name in table_names():
        layout = layout_of(name)
        try:
            table = tables.load(name)
            if table is None:
                continue
            wrong = [*_schema_problems(layout, table), *_file_problems(tables, layout, table)]
            problems += wrong
            if not wrong:
                rows[name], digests[name], more = _read_all(tables, layout, table, budget)
                problems += more
        except LakeError as damage:
            problems.append(f"{name}: {damage}")
    return Verification(rows, digests, problems)


def _schema_problems(layout: Layout, table: DeltaTable) -> list[str]:
    schema: pa.Schema = pa.schema(table.schema().to_arrow())
    found = []
    for field in schema:
        if field.name not in layout.schema.names:
            found.append(f"{layout.name}: unknown column {field.name!r}.")
        elif field.type != layout.schema.field(field.name).type:
            found.append(
                f"{layout.name}: column {field.name!r} is {field.type}, not {layout.schema.field(field.name).type}."
            )
    found += [f"{layout.name}: column {name!r} is missing." for name in sorted(layout.required - set(schema.names))]
    return found


def _file_problems(tables: Tables, layout: Layout, table: DeltaTable) -> list[str]:
    """Files that are gone, cannot be opened, or have not the number of rows that the log says."""
    fragments = {fragment.path: fragment for fragment in table.to_pyarrow_dataset().get_fragments()}
    found = []
    for file in tables.files(table):
        try:
            rows = fragments[file.path].metadata.num_rows
        except FileNotFoundError:
            found.append(f"{layout.name}: file {file.path} is missing.")
        except (OSError, ValueError) as wrong:
            found.append(f"{layout.name}: file {file.path} cannot be read: {first_line(wrong)}.")
        else:
            if rows != file.rows:
                found.append(f"{layout.name}: file {file.path} has {rows} rows, the log says {file.rows}.")
    return found


def _read_all(tables: Tables, layout: Layout, table: DeltaTable, budget: Budget) -> tuple[int, str, list[str]]:
    """Row count, digest and problems of a table whose files can be opened."""
    empties = ", ".join(f"count(*) - count({column})" for column in sorted(layout.required))
    text = ", ".join(_part(field) for field in layout.schema)
    with engine(tables, budget) as con:
        con.execute(f"CREATE TEMP VIEW every_row AS {rows_of(con, tables, layout, table)}")
        try:
            row = one(
                con,
                f"WITH hashed AS (SELECT *, md5_number(concat_ws('|', {text})) AS row_hash FROM every_row) "
                "SELECT count(*), sum((row_hash & 18446744073709551615::UHUGEINT)::UBIGINT), "
                f"sum((row_hash >> 64)::UBIGINT), count(DISTINCT hash(id)), {empties} FROM hashed",
            )
            rows, low, high, distinct, *empty = row
            twice = _ids_held_twice(con) if distinct < rows else 0
        except duckdb.Error as wrong:
            raise LakeError(f"its files cannot be read to the end: {first_line(wrong)}") from wrong
    problems = [
        f"{layout.name}: required column {column!r} is empty in {count} of {rows} rows."
        for column, count in zip(sorted(layout.required), empty, strict=True)
        if count
    ]
    if twice:
        problems.append(f"{layout.name}: {twice} ids are held by more than one row.")
    digest = hashlib.sha256(f"{layout.name}:{rows}:{low or 0}:{high or 0}".encode()).hexdigest()[:32]
    return rows, digest, problems


def _part(field: pa.Field) -> str:
    """A column as text; an absent value has a sign of its own."""
    text = _AS_TEXT.get(field.type, "{0}::VARCHAR").format(field.name)
    return f"coalesce({text}, '~')"


def _ids_held_twice(con: duckdb.DuckDBPyConnection) -> int:
    row = one(con, "SELECT count(*) FROM (SELECT id FROM every_row GROUP BY id HAVING count(*) > 1)")
    return int(row[0])
