"""An inbox in a SQLite file of its own: one file, no server, for one machine.

What is acknowledged was synced to the disk. Nobody else opens the file for writing new entries.
"""

import fcntl
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from headway.domain.errors import Conflict, HeadwayError, Unavailable
from headway.intake.entries import Entry, Parcel, Same
from headway.store.database import BUSY_TIMEOUT_S

CACHE_KIB: Final = 65_536
CHECKPOINT_PAGES: Final = 8_000
"""Pages of 4 KiB after which the log is worked in: fewer and later mean less writing of the same page."""

MOST_IDS: Final = 500

_INSERT: Final = "INSERT INTO inbox_entries (source, received_us, id, body) VALUES (?, ?, ?, ?)"
_ATTACH: Final = "INSERT OR REPLACE INTO inbox_attachments (hash, received_us, content) VALUES (?, ?, ?)"


class SqlitePlace:
    """An inbox in a file."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def writing(self) -> "SqliteWriting":
        """A connection for writing, to be used by the thread that asks."""
        return SqliteWriting(self._file)

    @contextmanager
    def turn(self) -> Iterator[bool]:
        """Whether nobody else moves entries just now; holds for as long as the context."""
        with self._file.with_suffix(".moving").open("w") as held:
            try:
                fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield False
                return
            yield True


class SqliteWriting:
    """Writes new entries; the system takes the lock away with the process, so a crash leaves none."""

    def __init__(self, file: Path) -> None:
        self._con = sqlite3.connect(file, timeout=BUSY_TIMEOUT_S, isolation_level=None)
        for pragma in (
            "journal_mode = WAL",
            "synchronous = FULL",
            f"cache_size = -{CACHE_KIB}",
            f"wal_autocheckpoint = {CHECKPOINT_PAGES}",
            "journal_size_limit = 67108864",
        ):
            self._con.execute(f"PRAGMA {pragma}")

    def write(self, parcels: Sequence[Parcel], same: Same) -> list[HeadwayError | None]:
        """See `Writing.write`."""
        try:
            return self._all_new(parcels) or self._one_by_one(parcels, same)
        except sqlite3.Error as wrong:
            if self._con.in_transaction:
                self._con.execute("ROLLBACK")
            raise Unavailable(f"The inbox cannot be written just now ({wrong}). Try again later.") from wrong

    def close(self) -> None:
        """Closes the connection."""
        self._con.close()

    def _all_new(self, parcels: Sequence[Parcel]) -> list[HeadwayError | None]:
        """One None for each parcel; nothing where an id is taken, and then nothing was kept."""
        self._con.execute("BEGIN IMMEDIATE")
        try:
            self._con.executemany(_INSERT, [entry for parcel in parcels for entry in parcel.entries])
        except sqlite3.IntegrityError:
            self._con.execute("ROLLBACK")
            return []
        for parcel in parcels:
            self._attach(parcel)
        self._con.execute("COMMIT")
        return [None] * len(parcels)

    def _one_by_one(self, parcels: Sequence[Parcel], same: Same) -> list[HeadwayError | None]:
        self._con.execute("BEGIN IMMEDIATE")
        done: list[HeadwayError | None] = []
        for parcel in parcels:
            held = self._held([entry.id for entry in parcel.entries if entry.id is not None])
            new, conflict = sort_out(parcel.entries, held, same)
            if conflict is None:
                self._con.executemany(_INSERT, new)
                self._attach(parcel)
            done.append(conflict)
        self._con.execute("COMMIT")
        return done

    def _held(self, ids: Sequence[bytes]) -> dict[bytes, bytes]:
        """The bodies held under ids."""
        held: dict[bytes, bytes] = {}
        for begin in range(0, len(ids), MOST_IDS):
            some = ids[begin : begin + MOST_IDS]
            marks = ", ".join("?" * len(some))
            held.update(self._con.execute(f"SELECT id, body FROM inbox_entries WHERE id IN ({marks})", some))
        return held

    def _attach(self, parcel: Parcel) -> None:
        if parcel.attachments:
            self._con.executemany(_ATTACH, list(attached(parcel)))


def attached(parcel: Parcel) -> Iterator[tuple[bytes, int, bytes]]:
    """Sum, time of arrival and content of a parcel's attachments."""
    at = max(entry.received_us for entry in parcel.entries)
    return ((digest, at, content) for digest, content in parcel.attachments.items())


def sort_out(entries: Sequence[Entry], held: dict[bytes, bytes], same: Same) -> tuple[list[Entry], Conflict | None]:
    """The entries that are new, or why the parcel cannot be kept: an id is taken by another body."""
    new: list[Entry] = []
    for entry in entries:
        if entry.id is None:
            new.append(entry)
        elif entry.id not in held:
            held[entry.id] = entry.body
            new.append(entry)
        elif held[entry.id] != entry.body and not same(held[entry.id], entry.body):
            return [], Conflict("Another statement is kept under one of these ids. Nothing was stored; use new ids.")
    return new, None
