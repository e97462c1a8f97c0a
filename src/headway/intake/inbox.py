"""The durable inbox: what is acknowledged is on the disk, once, and stays until it is in the lake and its time is over.

Everything else about live records goes through this door: the server keeps parcels and asks questions, the mover takes
ranges. On SQLite the inbox is a file beside the store; on PostgreSQL it is in the store's database, or where
`intake.url` says, so that several servers and workers can share it.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from threading import Lock
from types import TracebackType
from typing import Final, Self

import sqlalchemy as sa

from headway.intake.entries import Backlog, Kept, Parcel, Same, Terms, Wanted
from headway.intake.ledger import Ledger, Place
from headway.intake.postgres_place import PostgresPlace
from headway.intake.sqlite_place import SqlitePlace
from headway.intake.writer import Writer
from headway.store.database import POSTGRES, Store

FILE: Final = "inbox.db"
QUEUE_ROWS: Final = 50_000
QUEUE_BYTES: Final = 64 << 20
_SHA2: Final = re.compile(rb'"sha2":"((?:[0-9a-fA-F]{2}){28,64})"')


class Inbox:
    """An open inbox. Make it with `Inbox.open` and use it in a `with` statement."""

    def __init__(self, store: Store, place: Place, same: Same, most_rows: int, most_bytes: int) -> None:
        self._store = store
        self._place = place
        self._ledger = Ledger(store)
        self._indexing = Lock()
        self.writer = Writer(place, same, most_rows, most_bytes)

    @classmethod
    def open(
        cls, url: str, same: Same | None = None, *, most_rows: int = QUEUE_ROWS, most_bytes: int = QUEUE_BYTES
    ) -> "Inbox":
        """The inbox at `url`: `sqlite:///FILE` or `postgresql+psycopg://…`; made where it is not there yet.

        Args:
            url: where.
            same: whether two bodies under one id say the same; None where they must be equal byte for byte.
            most_rows: entries that may wait to be written.
            most_bytes: what these may hold.

        Raises:
            ConfigError: the database cannot be used.
        """
        store = Store.open(url)
        place = sa.make_url(url)
        on_server = place.drivername == POSTGRES
        there: Place = PostgresPlace(store, url) if on_server else SqlitePlace(Path(place.database or FILE))
        return cls(store, there, same or bytes.__eq__, most_rows, most_bytes)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Writes what waits and closes everything."""
        self.writer.close()
        self._store.close()

    def keep(self, parcel: Parcel) -> None:
        """Returns when the parcel is durable; see `Writer.keep` for what it raises."""
        if parcel.entries:
            self.writer.keep(parcel)

    async def keep_later(self, parcel: Parcel) -> None:
        """As `keep`, for those who must not block."""
        if parcel.entries:
            await self.writer.keep_later(parcel)

    def backlog(self) -> Backlog:
        """How far behind everything is."""
        return self._ledger.backlog()

    def turn(self) -> AbstractContextManager[bool]:
        """Whether nobody else moves entries just now; holds for as long as the context."""
        return self._place.turn()

    def begin_move(self, limit: int) -> tuple[int, int] | None:
        """See `Ledger.begin_move`; only within `turn`."""
        return self._ledger.begin_move(limit)

    def end_move(self, until: int) -> None:
        """See `Ledger.end_move`."""
        self._ledger.end_move(until)

    def entries(self, after: int, until: int) -> Iterator[Kept]:
        """The entries of a range in their order, some at a time."""
        return self._ledger.entries(after, until)

    def index(self, terms_of: Callable[[bytes], Terms], most: int) -> bool:
        """Whether questions find everything now, after making at most about `most` more entries findable."""
        with self._indexing:
            done = 0
            while done < most:
                step = self._ledger.index(terms_of)
                if not step:
                    return True
                done += step
        return False

    def indexed_us(self) -> int:
        """When the newest entry arrived up to which all can be found; 0 where none can."""
        return self._ledger.indexed_us()

    def one(self, identity: bytes) -> tuple[Kept | None, bool]:
        """The entry under an id, and whether another takes it back; index first."""
        return self._ledger.one(identity)

    def find(self, wanted: Wanted) -> list[Kept]:
        """The entries that answer a question, without those taken back; index first."""
        return self._ledger.find(wanted)

    def attachment(self, digest: bytes) -> bytes | None:
        """The content of an attachment by its SHA-2 sum; None where it was not sent."""
        return self._ledger.attachment(digest)

    def remove(self, is_meant: Callable[[Kept], bool]) -> int:
        """How many entries were removed of those that `is_meant` picks, after looking at all."""
        last = self._ledger.backlog().last
        places: list[int] = []
        digests: set[bytes] = set()
        for entry in self.entries(0, last):
            if is_meant(entry):
                places.append(entry.place)
                digests.update(bytes.fromhex(found.decode()) for found in _SHA2.findall(entry.body))
        self._ledger.remove_attachments(sorted(digests))
        return self._ledger.remove(places)

    def trim(self, before_us: int) -> int:
        """How many entries that are in the lake and arrived before an instant were removed."""
        removed = 0
        while step := self._ledger.trim(before_us):
            removed += step
        if removed:
            self._ledger.remove_attachments((), before_us)
        return removed
