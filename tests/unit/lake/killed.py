"""Appends the deliveries below and dies without warning at a named point of a numbered one.

Run as `python killed.py ROOT DELIVERY POINT`; the test imports `DELIVERIES` to repeat them.
"""

import os
import signal
import sys
from collections.abc import Iterator
from typing import Any
from unittest.mock import patch

import pyarrow as pa

from headway.lake import append as appending
from headway.lake.lake import Lake
from headway.lake.tables import Tables
from tests.unit.lake.rows import delivery, statement

DELIVERIES = [
    [statement(n, run=f"oulad/AAA/201{n % 3}J", day=n % 50) for n in range(4000)],
    [statement(n, run=f"oulad/AAA/201{n % 3}J", day=n % 50) for n in range(3000, 9000)],
]
POINTS = ["staging", "comparing", "before writing", "writing", "written"]


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _dying_after(rows: pa.RecordBatchReader, batches: int) -> pa.RecordBatchReader:
    def some() -> Iterator[pa.RecordBatch]:
        for _ in range(batches):
            yield rows.read_next_batch()
        die()

    return pa.RecordBatchReader.from_batches(rows.schema, some())


def arm(point: str) -> None:
    """Sets the trap for the next append."""
    compare, write = appending._compare, Tables.write

    def dying_compare(*args: Any, **named: Any) -> None:
        compare(*args, **named)
        die()

    def dying_write(self: Tables, layout: Any, base: Any, rows: pa.RecordBatchReader, act: str) -> bool:
        if point == "before writing":
            die()
        if point == "writing":
            rows = _dying_after(rows, 1)
        done = write(self, layout, base, rows, act)
        die()
        return done

    if point == "comparing":
        patch.object(appending, "_compare", dying_compare).start()
    elif point != "staging":
        patch.object(Tables, "write", dying_write).start()


def main(root: str, fatal: int, point: str) -> None:
    lake = Lake(root, memory_limit_mib=256, threads=1)
    for number, rows in enumerate(DELIVERIES):
        reader = delivery(rows, batch_rows=500)
        if number == fatal:
            arm(point)
            reader = _dying_after(reader, 4) if point == "staging" else reader
        lake.append("statements", reader)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3])
