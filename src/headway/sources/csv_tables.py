"""Any delimited tables, by a mapping file that says which column is what (docs/how-to/import-a-table.md).

Promises that no id of a person leaves this module unless the mapping says it is a pseudonym already: a keyed hash
stands for it in the records, in their ids and in the quarantine. What the mapping does not name is not kept anywhere.
"""

import fnmatch
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Final

import duckdb

from headway.domain.errors import ConfigError, InputError, SourceError, UnknownName
from headway.domain.records import KINDS
from headway.governance.pseudonyms import hmac_sql
from headway.sources.delimited import Dialect, TextFile
from headway.sources.source import SOURCES, Delivery, Request
from headway.sources.staging import Staging, name_sql, no_records
from headway.sources.table_mapping import load_mapping
from headway.sources.table_sql import MACROS, TableSql

_OPTIONS: Final = MappingProxyType({"map": "the mapping file, in TOML (required)"})


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
        staging = Staging(mapping.source_name, request.memory_limit_mib)
        for macro in MACROS:
            staging.run(macro)
        paths = request.paths or [place.parent]
        made: list[tuple[str, Delivery]] = []
        for number, table in enumerate(mapping.table, start=1):
            reading = _Reading(staging, TableSql(mapping, table), f"table_{number}", f"table {number} of {place.name}")
            made.append((table.kind, reading.delivery(_files(paths, table.file, place), request.pseudonym_key)))
        order = list(KINDS)
        return _deliveries(staging, [delivery for _, delivery in sorted(made, key=lambda pair: order.index(pair[0]))])


def _deliveries(staging: Staging, made: Sequence[Delivery]) -> Iterator[Delivery]:
    yield from made
    for kind in dict.fromkeys(delivery.kind for delivery in made):
        for rejects in staging.rejects(kind):
            yield no_records(kind, rejects)


class _Reading:
    """One table of the mapping, on its way from text to records."""

    def __init__(self, staging: Staging, sql: TableSql, name: str, where: str) -> None:
        self.staging = staging
        self.sql = sql
        self.table = sql.table
        self.name = name
        self.where = where

    def delivery(self, paths: Sequence[Path], key: bytes) -> Delivery:
        """The delivery, after staging and checking the files at `paths`."""
        self._check_formats()
        self._load(paths, key)
        columns = self.sql.columns()
        conflicting = ("run", "native") if self.table.native_id else ()
        self.staging.check(
            self.name, self.table.kind, f"raw_{self.name}", columns, self.sql.checks(), self._read(), conflicting
        )
        native, rows = "concat_ws(chr(31), run, native)", self.name
        if not self.table.native_id:
            # Equal rows are told apart by counting them within their file, so that the same rows from two files
            # are the same records.
            native = "concat_ws(chr(31), run, native, nth)"
            nth = "row_number() OVER (PARTITION BY file_no, run, native ORDER BY line) AS nth"
            rows = f"(SELECT *, {nth} FROM {self.name})"
        select = {name: name_sql(name) for name in columns if name != "native"}
        return self.staging.deliver(self.table.kind, select, native, f"FROM {rows} ORDER BY file_no, line")

    def _read(self) -> str:
        """SQL that leaves out the rows which the mapping says are not meant for this kind."""
        filled = [f"{self.sql.field(column)} IS NOT NULL" for column in self.table.skip_where_empty]
        return f"WHERE {' AND '.join(filled)}" if filled else ""

    def _check_formats(self) -> None:
        for name, value in self.table.given().items():
            try:
                self.staging.connection.execute("SELECT try_strptime('', $1)", [value.format or "%Y"]).fetchall()
            except duckdb.Error as wrong:
                raise ConfigError(
                    f"{self.where}: {value.format!r}, the format of {name}, is none of strptime. "
                    "Write for example %d/%m/%Y %H:%M."
                ) from wrong

    def _load(self, paths: Sequence[Path], key: bytes) -> None:
        dialect = Dialect(self.table.delimiter, self.table.quote, self.table.encoding)
        texts = [self.staging.text(path, path.name, dialect) for path in paths]
        for text in texts:
            self._require_columns(text)
        raw = f"raw_{self.name}"
        refused = self.staging.run("SELECT count(*) FROM refused")[0][0]
        self.staging.load(raw, self.table.kind, texts, self.sql.fields, dialect)
        if self.table.learner:
            # A line as it came may name a person, even in a column that the mapping does not use.
            self.staging.run(
                "UPDATE refused SET raw = '(not kept: it may name a person; look at this line of the file)' "
                "WHERE rowid >= $refused",
                refused=refused,
            )
        if self.table.learner_is_pseudonym is False:
            (field,) = (name for name, column in self.sql.fields.items() if column == self.table.learner)
            self.staging.run(f"UPDATE {raw} SET {field} = {hmac_sql(f'trim({field})', key)} WHERE trim({field}) != ''")

    def _require_columns(self, text: TextFile) -> None:
        used = self.table.used()
        missing = [column for column in used if column not in text.columns]
        if missing:
            raise SourceError(
                f"{text.name} has no column {', '.join(map(repr, missing))}, which {self.where} names. It has "
                f"{', '.join(map(repr, text.columns[:50]))}. Correct the mapping, or its delimiter, which is "
                f"{self.table.delimiter!r}."
            )
        twice = [column for column in used if text.columns.count(column) > 1]
        if twice:
            raise SourceError(f"{text.name} has two columns called {', '.join(map(repr, twice))}. Rename one of them.")


def _files(paths: Sequence[Path], pattern: str, place: Path) -> list[Path]:
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            found += [file for file in sorted(path.iterdir()) if file.is_file() and fnmatch.fnmatch(file.name, pattern)]
        elif path.is_file():
            found += [path] if fnmatch.fnmatch(path.name, pattern) else []
        else:
            raise SourceError(f"{path} does not exist. Name the folder or the files of the tables.")
    if not found:
        where = ", ".join(str(path) for path in paths)
        raise SourceError(f"No file called {pattern} is in {where}. Add it, or correct `file` in {place.name}.")
    return found


SOURCES.add("csv", CsvTables())
