"""Queries against a data warehouse, by a mapping file that says which column of which query is what.

Any database that Ibis can reach. A query's answer is streamed to a passing file and read like any other table, so that
checks, ids, pseudonyms and quarantine are those of the `csv` source. A password stands in the environment, never in an
option.
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from headway.domain.errors import ConfigError, HeadwayError, InputError, SourceError, UnknownName
from headway.sources.csv_tables import read_tables
from headway.sources.source import SOURCES, Delivery, Request
from headway.sources.table_mapping import TableMapping, load_mapping

if TYPE_CHECKING:
    import pyarrow as pa

CHUNK_ROWS: Final = 50_000

_OPTIONS: Final = MappingProxyType(
    {
        "map": "the mapping file, in TOML, whose [query] names the queries (required)",
        "url": "the database, such as postgresql://reader@host/lms or duckdb:///lms.duckdb; without a password",
        "url_env": "name of the environment variable that holds the database's URL, password included",
    }
)


class Warehouse:
    """Reads the answers to SQL queries by a mapping file."""

    name = "warehouse"
    summary = "SQL queries against a database that Ibis reaches, by a mapping file in TOML"
    options: Mapping[str, str] = _OPTIONS

    def read(self, request: Request) -> Iterator[Delivery]:
        """The deliveries of all tables of the mapping; all queries have run and all is checked before the first one.

        Raises:
            ConfigError: the mapping cannot be used, or the database's driver is not installed.
            InputError: an option is missing, unknown, or holds a password.
            SourceError: the database cannot be reached, or a query fails; the message names the query.
        """
        for option in request.options:
            if option not in _OPTIONS:
                raise UnknownName.of("option of source warehouse", option, _OPTIONS)
        if request.paths:
            raise InputError(
                "The warehouse source reads no files. Name the database with url, and the mapping with map."
            )
        if "map" not in request.options:
            raise InputError("The warehouse source needs a mapping file. Name it with the option map.")
        place = Path(request.options["map"])
        mapping = load_mapping(place)
        _check(mapping, place)
        with TemporaryDirectory(prefix="headway-warehouse-") as folder:
            connection = _connected(_url(request.options))
            try:
                for name, query in mapping.query.items():
                    _save(connection, name, query, Path(folder) / name)
            finally:
                connection.disconnect()
            # What it returns reads from its own staging; the files of this folder are used up by then.
            return read_tables(mapping, place, request, [Path(folder)])


def _check(mapping: TableMapping, place: Path) -> None:
    if not mapping.query:
        raise ConfigError(f'{place.name} has no [query]. Write there NAME = "SELECT …", and file = "NAME" in a table.')
    for table in mapping.table:
        if table.file not in mapping.query:
            raise UnknownName.of(f"query in {place.name}", table.file, mapping.query)


def _url(options: Mapping[str, str]) -> str:
    if ("url" in options) == ("url_env" in options):
        raise InputError("Name the database with one of the options url and url_env.")
    if "url_env" in options:
        url = os.environ.get(options["url_env"])
        if not url:
            raise InputError(f"The environment variable {options['url_env']} is empty. Put the database's URL into it.")
        return url
    if urlsplit(options["url"]).password:
        raise InputError(
            "A password in an option can be read by others. Put the URL into an environment variable and name that "
            "with the option url_env."
        )
    return options["url"]


@contextmanager
def _told(what: str) -> Iterator[None]:
    """Turns what a driver raises into an error that says `what` to do; the cause may hold the URL and is left out."""
    try:
        yield
    except HeadwayError:
        raise
    except Exception as wrong:  # noqa: BLE001 - process edge: the errors of drivers have no common parent
        first = str(wrong).strip().partition("\n")[0][:300]
        raise SourceError(what.format(kind=type(wrong).__name__, message=first)) from None


def _connected(url: str) -> Any:
    import ibis

    scheme = urlsplit(url).scheme
    with _told(f"The database ({scheme}) cannot be reached ({{kind}}). Check its URL, that it runs, and your rights."):
        try:
            return ibis.connect(url)
        except ImportError as wrong:
            raise ConfigError(
                f"Databases of kind {scheme} need a driver ({wrong}). For PostgreSQL: "
                "pip install 'headway[warehouse]'; for another one the extra of ibis-framework that has its name."
            ) from wrong


def _save(connection: Any, name: str, query: str, path: Path) -> None:
    """Write a query's answer to `path` as delimited text, a chunk at a time."""
    from pyarrow import csv

    advice = "Correct it in the mapping; where a column's type is unusual, cast it to text in the query."
    with _told(f"Query {name!r} failed ({{message}}). {advice}"):
        reader = _answer(connection, query)
        texts = _as_text(reader.schema, name)
        with csv.CSVWriter(path, texts, write_options=csv.WriteOptions(quoting_style="all_valid")) as writer:
            for batch in reader:
                writer.write_batch(_texts(batch, texts))


def _answer(connection: Any, query: str) -> "pa.RecordBatchReader":
    if connection.name == "duckdb":
        # Ibis 12 asks DuckDB 2 for a method that it no longer has.
        return connection.con.sql(query).to_arrow_reader(CHUNK_ROWS)
    return connection.to_pyarrow_batches(connection.sql(query), chunk_size=CHUNK_ROWS)


def _as_text(schema: "pa.Schema", name: str) -> "pa.Schema":
    import pyarrow as pa

    for column in schema:
        if pa.types.is_nested(column.type) or pa.types.is_binary(column.type):
            raise SourceError(f"Column {column.name!r} of query {name!r} is {column.type}. Cast it to text there.")
    return pa.schema([(column.name, pa.string()) for column in schema])


def _texts(batch: "pa.RecordBatch", schema: "pa.Schema") -> "pa.RecordBatch":
    import pyarrow as pa

    return pa.RecordBatch.from_arrays([column.cast(pa.string()) for column in batch.columns], schema=schema)


SOURCES.add("warehouse", Warehouse())
