"""The made-up course of the main path and of the command line's tests: two finished runs and a running one."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from headway import flow
from headway.domain.time import FixedClock
from headway.flow import App

SOURCE: Final = "simulated"
OPTIONS: Final = {"learners": "150", "runs": "3", "weeks": "8", "seed": "3"}
FIRST: Final = "simulated/DS101/2025S1"
SECOND: Final = "simulated/DS101/2025S2"
RUNNING: Final = "simulated/DS101/2026S1"

TODAY: Final = "2026-03-08"
"""The end of the fourth week of the running course, whose first day is 9 February."""

CAPACITY: Final = 12
CLOCK: Final = FixedClock(datetime(2026, 3, 9, 7, 30, tzinfo=UTC))


def arrive(app: App) -> None:
    """Brings the course into a home."""
    flow.ingest(app, SOURCE, [], OPTIONS)


def holding(folder: Path, text: str) -> list[str]:
    """The files below a folder in which the text stands, packed columns not counted."""
    wanted = text.encode()
    return sorted(
        str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file() and wanted in path.read_bytes()
    )
