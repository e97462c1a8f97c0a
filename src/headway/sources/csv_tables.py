"""Any delimited tables, by a mapping file that says which column is what (docs/how-to/import-a-table.md).

Promises that no id of a person leaves this module unless the mapping says it is a pseudonym already: a keyed hash
stands for it in the records, in their ids and in the quarantine. What the mapping does not name is not kept anywhere.
"""

import fnmatch
import gzip
import zlib
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from types import MappingProxyType
from typing import Final

import duckdb

from headway.domain.errors import ConfigError, InputError, SourceError, UnknownName
from headway.domain.records import KINDS
from headway.governance.pseudonyms import hmac_sql
from headway.sources.delimited import LONGEST_HEADER_BYTES, Dialect, TextFile
from headway.sources.source import SOURCES, Delivery, Request
from headway.sources.staging import Staging, name_sql, no_records, text_sql
from headway.sources.table_mapping import Table, TableMapping, load_mapping
from headway.sources.table_sql import MACROS, ROW_ID, TableSql
from headway.sources.tables import NOT_KEPT, File, zip_members

_OPTIONS: Final = MappingProxyType({"map": "the mapping file, in TOML (required)"})
_DELIMITERS: Final = (",", ";", "\t")


class CsvTables:
    """Reads any delimited tables by a mapping file."""

    name = "csv"
    summary = "any delimited tables, by a mapping file in TOML that says which column is what"
    options: Mapping[str, str] = _OPTIONS

    def read(self, request: Request) -> Iterator[Delivery]:
        """The deliveries of all tables of the mapping; everything is staged and checked before the first one.

        Files are looked for in the paths of the request, or beside the mapping where there are none.

        Raises:
            ConfigError: the mapping cannot be used, or the workspace lacks the key that it needs.
            InputError: an option is missing or unknown.
            SourceError: a file is missing, damaged, or lacks a column that the mapping names.
        """
        for option in request.options:
            if option not in _OPTIONS:
                raise UnknownName.of("option of source csv", option, _OPTIONS)
        if "map" not in request.options:
            raise InputError(
                "The csv source needs a mapping file. Name it with the option map, such as map=tables.toml."
            )
        place = Path(request.options["map"])
        mapping = load_mapping(place)
        if mapping.query:
            raise InputError(f"{place.name} has queries. Read it with the source warehouse.")
        return read_tables(mapping, place, request, request.paths or [place.parent])


def read_tables(
    mapping: TableMapping, place: Path, request: Request, paths: Sequence[Path], *, all_files: bool = True
) -> Iterator[Delivery]:
    """The deliveries of the mapping's tables.

    Args:
        mapping: which column of which table is what.
        place: where the mapping is, for messages.
        request: its key and memory limit are used.
        paths: folders, files or zips to look for the tables in.
        all_files: whether every table must be there; if not, one is enough.

    Raises:
        ConfigError: the mapping cannot be used, or the workspace lacks the key that it needs.
        SourceError: a file is missing, damaged, or lacks a column that the mapping names.
    """
    staging = Staging(mapping.source_name, request.memory_limit_mib)
    for macro in MACROS:
        staging.run(macro)
    tables = list(enumerate(mapping.table, start=1))
    made: list[Delivery] = []
    missing: list[str] = []
    for number, group in groupby(sorted(tables, key=lambda table: _form(table[1])), key=lambda table: _form(table[1])):
        reading = _Reading(staging, mapping, list(group), place)
        files = _files(paths, number[0], staging.folder)
        if not files:
            missing.append(number[0])
            continue
        made += reading.deliveries(files, request.pseudonym_key)
    if missing and (all_files or not made):
        where = ", ".join(str(path) for path in paths)
        raise SourceError(f"No file called {missing[0]} is in {where}. Add it, or correct `file` in {place.name}.")
    order = list(KINDS)
    return _deliveries(staging, sorted(made, key=lambda delivery: order.index(delivery.kind)))


def _form(table: Table) -> tuple[str, str, str, str]:
    """What tables that are read from the same files in the same way have in common."""
    return table.file, table.delimiter, table.quote, table.encoding


def _deliveries(staging: Staging, made: Sequence[Delivery]) -> Iterator[Delivery]:
    yield from made
    for kind in dict.fromkeys(delivery.kind for delivery in made):
        for rejects in staging.rejects(kind):
            yield no_records(kind, rejects)


class _Reading:
    """The tables of the mapping that are read from the same files, on their way from text to records."""

    def __init__(
        self, staging: Staging, mapping: TableMapping, tables: Sequence[tuple[int, Table]], place: Path
    ) -> None:
        self.staging = staging
        self.tables = tables
        self.where = {number: f"table {number} of {place.name}" for number, _ in tables}
        self.parts = {number: [TableSql(mapping, part) for part in table.parts()] for number, table in tables}
        self.staged = f"file_{tables[0][0]}"
        self.alone = sum(len(parts) for parts in self.parts.values()) == 1
        self.by_row = any(table.learner_by_row for _, table in tables)

    def deliveries(self, files: Sequence[File], key: bytes) -> list[Delivery]:
        """A delivery for each table, after staging and checking the files."""
        for number, parts in self.parts.items():
            for sql in parts:
                _check_formats(sql, self.where[number], self.staging)
        places = self._load(files, key)
        if self.alone:
            return [self._delivery(number, table, places, key) for number, table in self.tables]
        # One commit for all that follows: each would cost more than the work of a small table.
        self.staging.run("BEGIN")
        made = [self._delivery(number, table, places, key) for number, table in self.tables]
        self.staging.run(f"DROP TABLE {self.staged}")
        self.staging.run("COMMIT")
        return made

    def _load(self, files: Sequence[File], key: bytes) -> dict[str, str]:
        """Stage every column in use once, and say under which name."""
        first = self.tables[0][1]
        delimiters = (
            {_delimiter(path, name) for path, name in files} if first.delimiter == "auto" else {first.delimiter}
        )
        if len(delimiters) > 1:
            raise SourceError(f"The files {first.file} have different delimiters. Import them one at a time.")
        dialect = Dialect(delimiters.pop(), first.quote, first.encoding)
        texts = [self.staging.text(path, name, dialect) for path, name in files]
        for text in texts:
            for number, parts in self.parts.items():
                for sql in parts:
                    _require_columns(text, sql.table.used(), self.where[number], dialect)
        if self.by_row and len(texts) > 1:
            names = ", ".join(text.name for text in texts)
            raise SourceError(f"Each row of this table is a learner, but there are several files: {names}. Name one.")
        every = [sql for parts in self.parts.values() for sql in parts]
        used = texts[0].columns if self.by_row else [column for sql in every for column in sql.table.used()]
        places = {column: f"v{number}" for number, column in enumerate(dict.fromkeys(used))}
        refused = self.staging.run("SELECT count(*) FROM refused")[0][0]
        fields = {name: column for column, name in places.items()}
        self.staging.load(self.staged, first.kind, texts, fields, dialect)
        if self.by_row or any(table.learner for _, table in self.tables):
            # A line as it came may name a person, even in a column that the mapping does not use.
            self.staging.run(
                f"UPDATE refused SET raw = {text_sql(NOT_KEPT)} WHERE rowid >= $refused",
                refused=refused,
            )
        if self.by_row:
            self._name_rows(list(fields), key)
        return places

    def _name_rows(self, fields: Sequence[str], key: bytes) -> None:
        """Give each row an id of its own that depends on nothing but what it says; equal rows are counted."""
        content = "concat_ws(chr(31), " + ", ".join(f"coalesce(trim({field}), '')" for field in fields) + ")"
        counted = (
            f"SELECT *, concat_ws(chr(31), {content}, row_number() OVER (PARTITION BY {content} ORDER BY line)) "
            f"AS row_text FROM {self.staged}"
        )
        self.staging.run(
            f"CREATE OR REPLACE TABLE {self.staged} AS "
            f"SELECT * EXCLUDE (row_text), {hmac_sql('row_text', key)} AS {ROW_ID} FROM ({counted})"
        )

    def _delivery(self, number: int, table: Table, places: Mapping[str, str], key: bytes) -> Delivery:
        parts = [(sql, f"{self.staged}_{number}_{place}") for place, sql in enumerate(self.parts[number])]
        rows = [self._checked(sql, name, places, key) for sql, name in parts]
        select = {column: name_sql(column) for column in parts[0][0].columns() if column != "native"}
        native = "concat_ws(chr(31), run, native" + (")" if _names_itself(table) else ", nth)")
        return self.staging.deliver(
            table.kind, select, native, f"FROM ({' UNION ALL BY NAME '.join(rows)}) ORDER BY file_no, line"
        )

    def _checked(self, sql: TableSql, name: str, places: Mapping[str, str], key: bytes) -> str:
        """SQL for the rows that pass all checks, each with what tells it from an equal one."""
        table = sql.table
        raw = self._raw(sql, name, places, key)
        conflicting = ("run", "native") if table.native_id else ()
        self.staging.check(name, table.kind, raw, sql.columns(), sql.checks(), _rows_meant(sql), conflicting)
        if _names_itself(table):
            return f"SELECT * FROM {name}"
        # Equal rows are told apart by counting them within their file, so that the same rows from two files
        # are the same records.
        return f"SELECT *, row_number() OVER (PARTITION BY file_no, run, native ORDER BY line) AS nth FROM {name}"

    def _raw(self, sql: TableSql, name: str, places: Mapping[str, str], key: bytes) -> str:
        """The rows of the staged file as this table's own, with only its columns."""
        raw, table = f"raw_{name}", sql.table
        hashed = table.learner if table.learner_is_pseudonym is False else None
        if self.alone and not (hashed or table.once or self.by_row):
            self.staging.run(f"ALTER TABLE {self.staged} RENAME TO {raw}")
            return raw
        fields = [f"{_place(places[column], column == hashed, key)} AS {name}" for name, column in sql.fields.items()]
        fields += [ROW_ID] if table.learner_by_row else []
        limit = "ORDER BY file_no, line LIMIT 1" if table.once else ""
        self.staging.run(
            f"CREATE TABLE {raw} AS SELECT {', '.join(['file_no', 'file', 'line', *fields])} FROM {self.staged} {limit}"
        )
        return raw


def _names_itself(table: Table) -> bool:
    """Whether no two rows of the table have the same native id without being the same thing."""
    return bool(table.native_id) or table.learner_by_row or table.once


def _place(place: str, hashed: bool, key: bytes) -> str:
    return f"CASE WHEN trim({place}) != '' THEN {hmac_sql(f'trim({place})', key)} END" if hashed else place


def _rows_meant(sql: TableSql) -> str:
    """SQL that leaves out the rows which the mapping says are not meant for this kind."""
    meant = [f"{sql.field(column)} IS NOT NULL" for column in sql.table.skip_where_empty]
    meant += [
        f"coalesce({sql.field(column)} NOT IN ({', '.join(map(text_sql, words))}), true)"
        for column, words in sql.table.skip_where.items()
    ]
    return f"WHERE {' AND '.join(meant)}" if meant else ""


def _check_formats(sql: TableSql, where: str, staging: Staging) -> None:
    for name, value in sql.table.given().items():
        try:
            staging.connection.execute("SELECT try_strptime('', $1)", [value.format or "%Y"]).fetchall()
        except duckdb.Error as wrong:
            raise ConfigError(
                f"{where}: {value.format!r}, the format of {name}, is none of strptime. "
                "Write for example %d/%m/%Y %H:%M."
            ) from wrong


def _require_columns(text: TextFile, used: Sequence[str], where: str, dialect: Dialect) -> None:
    missing = [column for column in used if column not in text.columns]
    if missing:
        raise SourceError(
            f"{text.name} has no column {', '.join(map(repr, missing))}, which {where} names. It has "
            f"{', '.join(map(repr, text.columns[:50]))}. Correct the mapping, or its delimiter, which is "
            f"{dialect.delimiter!r}."
        )
    twice = [column for column in used if text.columns.count(column) > 1]
    if twice:
        raise SourceError(f"{text.name} has two columns called {', '.join(map(repr, twice))}. Rename one of them.")


def _delimiter(path: Path, name: str) -> str:
    """The character that the header has most of, among those that delimit; a comma where it has none."""
    try:
        with gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb") as stream:
            header = stream.readline(LONGEST_HEADER_BYTES).decode("utf-8", "replace")
    except (OSError, EOFError, zlib.error) as wrong:
        raise SourceError(f"{name} is damaged or cut short ({wrong}). Download it again; nothing was read.") from wrong
    return max(_DELIMITERS, key=header.count)


def _files(paths: Sequence[Path], pattern: str, folder: Path) -> list[File]:
    found: list[File] = []
    for path in paths:
        if path.is_dir():
            inside = [file for file in sorted(path.iterdir()) if file.is_file()]
            found += [(file, file.name) for file in inside if fnmatch.fnmatch(file.name, pattern)]
        elif not path.is_file():
            raise SourceError(f"{path} does not exist. Name the folder or the files of the tables.")
        elif path.suffix == ".zip":
            found += zip_members(path, folder, lambda name: fnmatch.fnmatch(name, pattern))
        elif fnmatch.fnmatch(path.name, pattern):
            found.append((path, path.name))
    return found


SOURCES.add("csv", CsvTables())
