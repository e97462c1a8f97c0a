"""Two data sets of the UCI repository as ready mappings: read by the `csv` source without a mapping file of one's own.

The mappings are in `headway/sources/mappings`. Both data sets are tables of facts and grades without ids and dates, so
a row is a learner, known by what it says, and the calendar is made up: only the order of what was known is true.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from headway.domain.errors import SourceError, UnknownName
from headway.sources.csv_tables import read_tables
from headway.sources.source import SOURCES, Delivery, Request
from headway.sources.table_mapping import load_mapping

_MAPPINGS = Path(__file__).parent / "mappings"


@dataclass(frozen=True, slots=True)
class ReadyMapping:
    """Reads the tables of one well-known data set."""

    name: str
    summary: str
    options: Mapping[str, str] = field(default_factory=dict)

    @property
    def place(self) -> Path:
        """Where its mapping is."""
        return _MAPPINGS / f"{self.name}.toml"

    def read(self, request: Request) -> Iterator[Delivery]:
        """The deliveries; everything is staged and checked before the first one.

        Raises:
            UnknownName: an option is given; there is none.
            ConfigError: the workspace has no key for pseudonyms.
            SourceError: no file is there, or one is damaged or lacks a column.
        """
        for option in request.options:
            raise UnknownName.of(f"option of source {self.name}", option, self.options)
        if not request.paths:
            raise SourceError(f"Name the file of {self.name}, or the folder or zip that has it.")
        mapping = load_mapping(self.place)
        return read_tables(mapping, self.place, request, request.paths, all_files=False)


SOURCES.add(
    "uci697",
    ReadyMapping(
        "uci697", "Predict Students' Dropout and Academic Success (UCI 697): data.csv, as one run of a degree"
    ),
)
SOURCES.add(
    "uci320",
    ReadyMapping("uci320", "Student Performance (UCI 320): student-mat.csv and student-por.csv, a run each"),
)
