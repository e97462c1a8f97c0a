"""What a source is: bytes in, records out, a table at a time.

A source knows one system's formats and words and nothing of the lake. It streams: a `Delivery` holds one kind of
record of one run (or of none), as Arrow batches, beside the rows it refused. Every row read is in exactly one of the
two.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import pyarrow as pa

from headway.domain.extensions import Extensions


@dataclass(frozen=True, slots=True)
class Delivery:
    """Some records of one kind, with the rows that could not become records.

    Attributes:
        kind: the record kind's name.
        records: batches with exactly the columns of that kind's schema, in its order; read once.
        rejects: rows of schema `domain.records.REJECTS`.
    """

    kind: str
    records: pa.RecordBatchReader
    rejects: pa.Table


@dataclass(frozen=True, slots=True)
class Reading(Iterator[Delivery]):
    """The deliveries of a reading that has something to say besides.

    Attributes:
        deliveries: in the order in which they should be kept.
        notes: what the reader should be told, a sentence each.
        next_since: where a pull ended: the option `since` of the next one.
    """

    deliveries: Iterator[Delivery]
    notes: tuple[str, ...] = ()
    next_since: str | None = None

    def __next__(self) -> Delivery:
        """The next delivery."""
        return next(self.deliveries)


@dataclass(frozen=True, slots=True)
class Request:
    """What to read, and how.

    Attributes:
        paths: files or folders, as the user named them.
        options: the source's own options, by name; a source refuses one it does not know.
        pseudonym_key: secret key of the workspace with which direct identifiers are replaced.
        memory_limit_mib: what the source's engine may use at once.
    """

    paths: Sequence[Path]
    options: Mapping[str, str] = field(default_factory=dict)
    pseudonym_key: bytes = b""
    memory_limit_mib: int = 1024


class Source(Protocol):
    """One system that headway reads."""

    @property
    def name(self) -> str:
        """The name users type, also the first part of its run ids."""
        ...

    @property
    def summary(self) -> str:
        """One line: what it reads."""
        ...

    @property
    def options(self) -> Mapping[str, str]:
        """Option names with one line of help each, default included."""
        ...

    def read(self, request: Request) -> Iterator[Delivery]:
        """The deliveries, in the order in which they should be kept (course runs first).

        Where a source has more to say, it answers with a `Reading`.

        Raises:
            SourceError: the data as a whole cannot be read; the message names file and fix.
        """
        ...


SOURCES: Extensions[Source] = Extensions("sources", "headway.sources")
