"""A scratch database for one reading: texts are staged on disk, checked there, and delivered as Arrow batches.

Promises that each staged row either passes all checks of its table or is refused once, with a reason, its file and its
line. Sources write the checks and the selects; nothing else touches the database. It lives in a temporary folder and
goes when the last delivery that reads from it has gone.
"""

import shutil
import tempfile
import weakref
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import duckdb
import pyarrow as pa

from headway.domain.errors import HeadwayError, SourceError
from headway.domain.masking import masked
from headway.domain.records import KINDS, REJECTS
from headway.sources.columns import id_sql
from headway.sources.delimited import RAW_CHARACTERS, Dialect, Line, TextFile, lines_of, prepare
from headway.sources.source import Delivery

BATCH_ROWS: Final = 65_536
REJECTS_PER_DELIVERY: Final = 50_000

_TYPES: Final = {
    pa.binary(): "BLOB",
    pa.string(): "VARCHAR",
    pa.date32(): "DATE",
    pa.timestamp("us", tz="UTC"): "TIMESTAMPTZ",
    pa.float64(): "DOUBLE",
    pa.bool_(): "BOOLEAN",
    pa.int8(): "TINYINT",
    pa.int32(): "INTEGER",
    pa.int64(): "BIGINT",
    pa.list_(pa.string()): "VARCHAR[]",
}


@dataclass(frozen=True, slots=True)
class Check:
    """A fault that a row may have.

    Attributes:
        fails: SQL condition that is true for a faulty row; null counts as no fault.
        reason: short code for the quarantine.
        detail: SQL text expression, one sentence.
    """

    fails: str
    reason: str
    detail: str


def text_sql(value: str) -> str:
    """`value` as an SQL text literal."""
    return "'" + value.replace("'", "''") + "'"


def name_sql(name: str) -> str:
    """`name` as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def _body_masked(batch: pa.RecordBatch) -> pa.RecordBatch:
    bodies = [None if body is None else masked(body) for body in batch.column("body").to_pylist()]
    return batch.set_column(
        batch.schema.get_field_index("body"), batch.schema.field("body"), pa.array(bodies, pa.string())
    )


def _masked(other: duckdb.DuckDBPyConnection, table: str, column: str) -> Iterator[pa.RecordBatch]:
    found = other.sql(f"SELECT DISTINCT {column} AS said FROM {table} WHERE {column} IS NOT NULL")
    for batch in found.to_arrow_reader(TEXTS_AT_ONCE):
        said = batch.column(0)
        yield pa.record_batch(
            {"said": said.cast(pa.string()), "shown": pa.array(map(masked, said.to_pylist()), pa.string())}
        )


TEXTS_AT_ONCE: Final = 10_000
"""How many texts are masked at a time."""


class Staging:
    """The scratch database of one reading."""

    def __init__(self, source: str, memory_limit_mib: int) -> None:
        self.source = source
        self.folder = Path(tempfile.mkdtemp(prefix=f"headway-{source}-")).resolve()
        settings: dict[str, str | bool | int | float | list[str]] = {
            "memory_limit": f"{memory_limit_mib}MiB",
            "temp_directory": str(self.folder / "spill"),
        }
        self.connection = duckdb.connect(str(self.folder / "staging.duckdb"), config=settings)
        weakref.finalize(self, _discard, self.connection, self.folder)
        self.run("SET TimeZone = 'UTC'")
        self.run("SET checkpoint_threshold = '64MiB'")
        self.run(
            "CREATE TABLE refused "
            "(kind VARCHAR, file VARCHAR, line BIGINT, reason VARCHAR, detail VARCHAR, raw VARCHAR)"
        )
        self._texts = 0

    def run(self, sql: str, **values: object) -> list[tuple[Any, ...]]:
        """All rows of the answer to `sql`, in which `$name` stands for a value."""
        with _explained():
            return self.connection.execute(sql, values or None).fetchall()

    @contextmanager
    def arriving(self, name: str, schema: pa.Schema, batches: Iterator[pa.RecordBatch]) -> Iterator[None]:
        """Inside, SQL can read the batches once as `name`; an error on their way is raised as it was."""
        failed: list[HeadwayError] = []

        def watched() -> Iterator[pa.RecordBatch]:
            try:
                yield from batches
            except HeadwayError as wrong:  # raised below, where the engine cannot wrap it
                failed.append(wrong)
                raise

        self.connection.register(name, pa.RecordBatchReader.from_batches(schema, watched()))
        try:
            yield
        except duckdb.Error:
            if failed:
                raise failed[0] from None
            raise
        finally:
            self.connection.unregister(name)

    def mask(self, table: str, column: str) -> None:
        """Takes from a staged column what may name a person, so that no refused row shows it; see `domain.masking`.

        The bodies of delivered `texts` are masked in any case.
        """
        said = pa.schema([("said", pa.string()), ("shown", pa.string())])
        with self.connection.cursor() as other, self.arriving("arriving_texts", said, _masked(other, table, column)):
            self.run("CREATE OR REPLACE TABLE masked_texts AS FROM arriving_texts")
        self.run(f"UPDATE {table} t SET {column} = m.shown FROM masked_texts m WHERE t.{column} = m.said")
        self.run("DROP TABLE masked_texts")

    def text(self, path: Path, name: str, dialect: Dialect) -> TextFile:
        """The text at `path`, ready to be staged; see `delimited.prepare`."""
        self._texts += 1
        return prepare(path, name, self.folder / f"text-{self._texts}.csv", dialect)

    def load(
        self, table: str, kind: str, files: Sequence[TextFile], columns: Mapping[str, str], dialect: Dialect
    ) -> None:
        """Stage columns of the files, as text, in `table`, beside `file_no`, `file` and `line`.

        Lines that are no record are refused under `kind`.

        Args:
            table: the new table.
            kind: the record kind under which a refused line is counted.
            files: made by `text`; they are used up.
            columns: name in the table to name in the header.
            dialect: how the files are delimited.
        """
        fields = ", ".join(f"{name_sql(column)} VARCHAR" for column in columns)
        self.run(f"CREATE TABLE {table} (file_no INTEGER, file VARCHAR, line BIGINT, {fields})")
        for number, file in enumerate(files):
            if not (file.regular and self._load_fast(table, number, file, columns, dialect)):
                self._load_slow(table, kind, number, file, columns, dialect)
            self._forget(file.path)

    def _forget(self, text: Path) -> None:
        copied = text.resolve()
        text.unlink()
        if copied.parent == self.folder:
            copied.unlink(missing_ok=True)

    def _load_fast(self, table: str, number: int, file: TextFile, columns: Mapping[str, str], dialect: Dialect) -> bool:
        """Whether DuckDB's own reader took the whole file and saw as many rows as there are lines."""
        if not file.lines:
            return True
        types = ", ".join(f"c{place}: 'VARCHAR'" for place in range(len(file.columns)))
        wanted = _places(file, columns)
        before = self._count(table)
        self.run("BEGIN")
        try:
            self.run(
                f"INSERT INTO {table} SELECT {number}, $name, row_number() OVER () + 1, {wanted} "
                "FROM read_csv($path, "
                f"columns = {{{types}}}, auto_detect = false, header = true, delim = {text_sql(dialect.delimiter)}, "
                f"quote = {text_sql(dialect.quote)}, escape = {text_sql(dialect.quote)}, compression = 'none', "
                "parallel = false, null_padding = false, strict_mode = true)",
                name=file.name,
                path=str(file.path),
            )
        except duckdb.Error:
            # The reason is found, line by line, by the slow reader.
            self.run("ROLLBACK")
            return False
        complete = self._count(table) - before == file.lines
        self.run("COMMIT" if complete else "ROLLBACK")
        return complete

    def _load_slow(
        self, table: str, kind: str, number: int, file: TextFile, columns: Mapping[str, str], dialect: Dialect
    ) -> None:
        schema = pa.schema(
            [("line", pa.int64()), ("reason", pa.string()), ("detail", pa.string()), ("raw", pa.string())]
            + [(f"c{place}", pa.string()) for place in range(len(file.columns))]
        )
        reader = pa.RecordBatchReader.from_batches(schema, _line_batches(lines_of(file, dialect), schema))
        self.connection.register("lines", reader)
        self.run("CREATE OR REPLACE TEMP TABLE read_lines AS SELECT * FROM lines")
        self.connection.unregister("lines")
        wanted = _places(file, columns)
        self.run(
            f"INSERT INTO {table} SELECT {number}, $name, line, {wanted} FROM read_lines WHERE reason IS NULL",
            name=file.name,
        )
        self.run(
            "INSERT INTO refused SELECT $kind, $name, line, reason, detail, raw FROM read_lines "
            "WHERE reason IS NOT NULL",
            kind=kind,
            name=file.name,
        )
        self.run("DROP TABLE read_lines")

    def _count(self, table: str) -> int:
        return int(self.run(f"SELECT count(*) FROM {table}")[0][0])

    def check(
        self,
        table: str,
        kind: str,
        raw: str,
        typed: Mapping[str, str],
        checks: Sequence[Check],
        joins: str = "",
        key: Sequence[str] = (),
    ) -> None:
        """Make `table` of the rows of `raw` (`t` in all SQL) that pass all checks; refuse the others under `kind`.

        Args:
            table: the new table: `file_no`, `line`, the typed columns, and with a key `nth`, which counts equal rows.
            kind: the record kind under which a refused row is counted.
            raw: a table made by `load`; it is dropped.
            typed: column name to SQL expression.
            checks: the first that fails gives the reason.
            joins: SQL that joins other tables to `t` without multiplying or (but on purpose) dropping rows.
            key: typed columns that name one thing; a row that contradicts an earlier one with its key is refused.
        """
        fault = " ".join(f"WHEN {check.fails} THEN {number}" for number, check in enumerate(checks))
        values = ", ".join(f"{expression} AS {name_sql(name)}" for name, expression in typed.items())
        checked = f"SELECT t.file_no, t.line, {values}, CASE {fault} END AS fault FROM {raw} t {joins}"
        if key:
            checked = _with_conflicts(checked, list(typed), key, len(checks))
            same = Check(
                "", "conflicting_row", text_sql(f"An earlier row has the same {', '.join(key)} and other values.")
            )
            checks = [*checks, same]
        self.run(f"CREATE TABLE {table} AS {checked}")
        self._refuse(table, kind, raw, checks)
        self.run(f"ALTER TABLE {table} DROP fault")
        self.run(f"DROP TABLE {raw}")

    def _refuse(self, table: str, kind: str, raw: str, checks: Sequence[Check]) -> None:
        faulty = [number for (number,) in self.run(f"SELECT DISTINCT fault FROM {table} WHERE fault IS NOT NULL")]
        if not faulty:
            return
        reasons = " ".join(f"WHEN {n} THEN {text_sql(checks[n].reason)}" for n in faulty)
        details = " ".join(f"WHEN {n} THEN {checks[n].detail}" for n in faulty)
        self.run(
            f"INSERT INTO refused SELECT {text_sql(kind)}, t.file, t.line, CASE f.fault {reasons} END, "
            f"CASE f.fault {details} END, {self._as_text(raw)} "
            f"FROM {raw} t JOIN {table} f ON f.file_no = t.file_no AND f.line = t.line WHERE f.fault IS NOT NULL"
        )
        self.run(f"DELETE FROM {table} WHERE fault IS NOT NULL")

    def _as_text(self, raw: str) -> str:
        columns = [name for (name, *_) in self.run(f"DESCRIBE {raw}") if name not in ("file_no", "file", "line")]
        shown = ", ".join(f"coalesce(t.{name_sql(column)}, '')" for column in columns)
        return f"left(concat_ws(',', {shown}), {RAW_CHARACTERS})"

    def deliver(self, kind: str, select: Mapping[str, str], native_id: str, rows: str) -> Delivery:
        """A delivery of `kind`.

        Args:
            kind: the record kind's name.
            select: column to SQL expression; `id` and `source` are filled in, a column left out is null.
            native_id: SQL text expression from which the id is made.
            rows: SQL from `FROM` on.
        """
        schema = KINDS[kind].schema
        made = {"id": id_sql(self.source, kind, native_id), "source": text_sql(self.source), **select}
        columns = ", ".join(f"({made.get(f.name, 'NULL')})::{_TYPES[f.type]} AS {name_sql(f.name)}" for f in schema)
        batches = self._batches(f"SELECT {columns} {rows}", schema)
        if kind == "texts":  # whatever a source did before: no words of a learner are kept unmasked
            batches = map(_body_masked, batches)
        return Delivery(kind, pa.RecordBatchReader.from_batches(schema, batches), REJECTS.empty_table())

    def _batches(self, sql: str, schema: pa.Schema, size: int = BATCH_ROWS) -> Iterator[pa.RecordBatch]:
        # A cursor of its own, because an unfinished result blocks the next statement on its connection.
        cursor = self.connection.cursor()
        try:
            cursor.execute("SET TimeZone = 'UTC'")
            with _explained():
                for batch in cursor.sql(sql).to_arrow_reader(size):
                    yield batch if batch.schema.equals(schema) else batch.cast(schema)
        finally:
            cursor.close()

    def rejects(self, kind: str) -> Iterator[pa.Table]:
        """The rows refused under `kind`, by file and line, in tables of at most REJECTS_PER_DELIVERY rows."""
        native = "concat_ws(chr(31), file, line, reason, detail, raw)"
        sql = (
            f"SELECT {id_sql(self.source, 'rejects', native)} AS id, {text_sql(self.source)} AS source, "
            f"kind, file, line, reason, detail, raw FROM refused WHERE kind = {text_sql(kind)} "
            "ORDER BY file, line, reason, detail, raw"
        )
        for batch in self._batches(sql, REJECTS, REJECTS_PER_DELIVERY):
            yield pa.Table.from_batches([batch])


@contextmanager
def _explained() -> Iterator[None]:
    """Turns the two faults of the machine, too little memory or disk, into an error that says what to do."""
    try:
        yield
    except (duckdb.OutOfMemoryException, duckdb.IOException) as wrong:
        reason = str(wrong).splitlines()[0]
        raise SourceError(
            f"There is too little memory or temporary disk to read this ({reason}). Raise the memory limit, or set "
            "TMPDIR to a folder with more room."
        ) from wrong


def _discard(connection: duckdb.DuckDBPyConnection, folder: Path) -> None:
    connection.close()
    shutil.rmtree(folder, ignore_errors=True)


def _places(file: TextFile, columns: Mapping[str, str]) -> str:
    return ", ".join(f"c{file.columns.index(column)}" for column in columns.values())


def _with_conflicts(checked: str, columns: Sequence[str], key: Sequence[str], fault: int) -> str:
    content = "row(" + ", ".join(name_sql(name) for name in columns) + ")"
    over = f"OVER (PARTITION BY fault IS NULL, {', '.join(key)} ORDER BY file_no, line)"
    return (
        f"SELECT * REPLACE (CASE WHEN fault IS NULL AND {content} IS DISTINCT FROM first_value({content}) {over} "
        f"THEN {fault} ELSE fault END AS fault), row_number() {over} AS nth FROM ({checked})"
    )


def no_records(kind: str, rejects: pa.Table) -> Delivery:
    """A delivery of refused rows alone."""
    return Delivery(kind, pa.RecordBatchReader.from_batches(KINDS[kind].schema, iter(())), rejects)


def require_columns(file: TextFile, expected: Sequence[str]) -> None:
    """Pass when the file's header names exactly the expected columns, in any order.

    Raises:
        SourceError: it does not; the message lists what is missing and what is unexpected.
    """
    missing = [column for column in expected if column not in file.columns]
    extra = [column or "(no name)" for column in file.columns if column not in expected]
    twice = [column for column in expected if file.columns.count(column) > 1]
    if missing or extra or twice:
        faults = {"missing": missing, "unexpected": extra, "twice": twice}
        found = "; ".join(f"{what}: {', '.join(names[:20])}" for what, names in faults.items() if names)
        raise SourceError(f"The header of {file.name} is wrong ({found}). Expected {', '.join(expected)}.")


def _line_batches(lines: Iterator[Line], schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    width = len(schema) - 4
    held: list[Line] = []
    for line in lines:
        held.append(line)
        if len(held) == 10_000:
            yield _line_batch(held, width, schema)
            held = []
    if held:
        yield _line_batch(held, width, schema)


def _line_batch(lines: list[Line], width: int, schema: pa.Schema) -> pa.RecordBatch:
    absent: list[str | None] = [None] * width
    fields = list(zip(*(line.fields or absent for line in lines), strict=True))
    heads = [
        [line.number for line in lines],
        [line.reason for line in lines],
        [line.detail for line in lines],
        [line.raw for line in lines],
    ]
    arrays = [pa.array(values, type=field.type) for values, field in zip([*heads, *fields], schema, strict=True)]
    return pa.RecordBatch.from_arrays(arrays, schema=schema)
