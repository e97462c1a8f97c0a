"""Imports into a home and dies without warning at a named point of a numbered delivery.

Run as `python -m tests.service.dying_import HOME SOURCE DELIVERY POINT PATH|NAME=VALUE...`.
"""

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import patch

import pyarrow as pa

from headway import flow
from headway.lake.append import Appended
from headway.lake.lake import Lake

POINTS = ["before", "reading", "after"]


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _dying(batches: pa.RecordBatchReader) -> Iterator[pa.RecordBatch]:
    yield from batches
    die()


def arm(fatal: int, point: str) -> None:
    """Sets the trap for the delivery of that number; 0 is the first."""
    append, seen = Lake.append, iter(range(1_000_000))

    def dying(self: Lake, kind: str, records: pa.RecordBatchReader) -> Appended:
        number = next(seen)
        if number == fatal and point == "before":
            die()
        if number == fatal and point == "reading":
            records = pa.RecordBatchReader.from_batches(records.schema, _dying(records))
        done = append(self, kind, records)
        if number == fatal:
            die()
        return done

    patch.object(Lake, "append", dying).start()


def main(home: str, source: str, fatal: str, point: str, *words: str) -> None:
    arm(int(fatal), point)
    options = dict(word.split("=", 1) for word in words if "=" in word)
    with flow.open_app(Path(home)) as app:
        flow.ingest(app, source, [Path(word) for word in words if "=" not in word], options)


if __name__ == "__main__":
    main(*sys.argv[1:])
