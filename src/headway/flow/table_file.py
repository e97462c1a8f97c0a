"""Tables written to a file piece by piece: Parquet, CSV, JSON lines, or one JSON list, as the file's name asks.

The file is there once it is whole. Until then it has another name, under which it goes where the work ends early.
"""

import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as csv
import pyarrow.parquet as pq

from headway.domain.errors import InputError

ROWS: Final = 65_536
"""So many rows are held until they are written; they make a Parquet row group."""

Put = Callable[[pa.Table], None]
"""Writes the next rows."""


@contextmanager
def table_file(path: Path, schema: pa.Schema) -> Iterator[Put]:
    """A function that writes the next rows, to be used in a `with` statement; memory does not grow with their number.

    The file depends on the rows alone, however they come in pieces.

    Args:
        path: the file; its suffix is `.parquet`, `.csv`, `.jsonl` or `.json`.
        schema: the columns of all pieces: texts, instants and numbers.

    Raises:
        InputError: the suffix is none of these, or the file cannot be written.
    """
    if path.suffix not in _FORMATS:
        *most, last = _FORMATS
        raise InputError(f"{path} should end in {', '.join(most)} or {last}.")
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.touch()
    except OSError as wrong:
        raise InputError(f"{path} cannot be written ({wrong.strerror}). Name another file.") from wrong
    try:
        with _FORMATS[path.suffix](part, schema) as write:
            held = _Held(schema, write)
            yield held.put
            held.flush()
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


class _Held:
    """Rows that are held until there are enough of them."""

    def __init__(self, schema: pa.Schema, write: Put) -> None:
        self._schema = schema
        self._write = write
        self._pieces: list[pa.Table] = []
        self._rows = 0

    def put(self, table: pa.Table) -> None:
        self._pieces.append(table.select(self._schema.names).cast(self._schema))
        self._rows += table.num_rows
        while self._rows >= ROWS:
            whole = pa.concat_tables(self._pieces)
            self._write(whole.slice(0, ROWS).combine_chunks())
            self._pieces = [whole.slice(ROWS)]
            self._rows -= ROWS

    def flush(self) -> None:
        if self._rows:
            self._write(pa.concat_tables(self._pieces).combine_chunks())
        self._pieces, self._rows = [], 0


@contextmanager
def _parquet(path: Path, schema: pa.Schema) -> Iterator[Put]:
    numbers = [field.name for field in schema if pa.types.is_floating(field.type)]
    # Numbers that hardly repeat are half the work, and no larger, when split by byte rather than put in a dictionary.
    packing = {"use_dictionary": [f.name for f in schema if f.name not in numbers], "use_byte_stream_split": numbers}
    with pq.ParquetWriter(path, schema, compression="zstd", **packing) as file:
        yield lambda table: file.write_table(table, row_group_size=ROWS)


@contextmanager
def _csv(path: Path, schema: pa.Schema) -> Iterator[Put]:
    with csv.CSVWriter(path, schema) as file:
        yield file.write_table


@contextmanager
def _json_lines(path: Path, schema: pa.Schema) -> Iterator[Put]:
    del schema
    with path.open("w", encoding="utf-8") as file:
        yield lambda table: file.writelines(f"{line}\n" for line in _objects(table))


@contextmanager
def _json(path: Path, schema: pa.Schema) -> Iterator[Put]:
    del schema
    between = ""

    def write(table: pa.Table) -> None:
        nonlocal between
        for line in _objects(table):
            file.write(f"{between}\n{line}")
            between = ","

    with path.open("w", encoding="utf-8") as file:
        file.write("[")
        yield write
        file.write("\n]\n")


def _objects(table: pa.Table) -> list[str]:
    """Each row as a JSON object, made a column at a time."""
    fields = [
        pc.binary_join_element_wise(f"{json.dumps(name)}:", _texts(table[name]), "") for name in table.schema.names
    ]
    whole = pc.binary_join_element_wise("{", pc.binary_join_element_wise(*fields, ","), "}", "")
    lines: list[str] = whole.to_pylist()
    return lines


def _texts(column: pa.ChunkedArray) -> pa.Array:
    """A column's values as JSON."""
    values = column.combine_chunks()
    if pa.types.is_floating(values.type):
        values = pc.if_else(pc.is_finite(values), values, None)
    elif not pa.types.is_integer(values.type):
        # Few different ones: runs, learners, as-of times.
        packed = pc.dictionary_encode(values)
        told = [_told(value) for value in packed.dictionary.to_pylist()]
        values = pa.array(told, pa.string()).take(packed.indices)
    return pc.fill_null(values.cast(pa.string()), "null")


def _told(value: object) -> str:
    isoformat = getattr(value, "isoformat", None)
    return json.dumps(value if isoformat is None else isoformat().replace("+00:00", "Z"), ensure_ascii=False)


_FORMATS: Final[Mapping[str, Callable[[Path, pa.Schema], AbstractContextManager[Put]]]] = {
    ".parquet": _parquet,
    ".csv": _csv,
    ".jsonl": _json_lines,
    ".json": _json,
}
