"""An inbox in PostgreSQL, for several servers and workers at once.

Writers take turns at the moment of committing, so that places grow in the order in which entries can be seen.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa

from headway.domain.errors import HeadwayError, Unavailable
from headway.domain.extensions import needs
from headway.intake.entries import Entry, Parcel, Same
from headway.intake.sqlite_place import attached, sort_out
from headway.store.database import Store

if TYPE_CHECKING:
    import psycopg

_COPY: Final = "COPY inbox_entries (source, received_us, id, body) FROM STDIN (FORMAT BINARY)"
_TYPES: Final = ("varchar", "int8", "bytea", "bytea")
_TURN: Final = "SELECT pg_advisory_xact_lock(hashtextextended('headway inbox places', 0))"
_MOVING: Final = "SELECT pg_try_advisory_xact_lock(hashtextextended('headway inbox moving', 0))"
_ATTACH: Final = (
    "INSERT INTO inbox_attachments (hash, received_us, content) VALUES (%s, %s, %s) "
    "ON CONFLICT (hash) DO UPDATE SET received_us = excluded.received_us"
)


class PostgresPlace:
    """An inbox in PostgreSQL."""

    def __init__(self, store: Store, url: str) -> None:
        self._store = store
        self._url = sa.make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)

    def writing(self) -> "PostgresWriting":
        """A connection for writing, to be used by the thread that asks."""
        return PostgresWriting(self._url)

    @contextmanager
    def turn(self) -> Iterator[bool]:
        """Whether nobody else moves entries just now; the lock goes with its connection."""
        with self._store.begin() as connection:
            yield bool(connection.execute(sa.text(_MOVING)).scalar_one())


class PostgresWriting:
    """Writes new entries; a connection that was lost is made again at the next attempt."""

    def __init__(self, url: str) -> None:
        self._driver = needs("postgres", "psycopg")
        self._url = url
        self._held: psycopg.Connection[Any] | None = None

    def write(self, parcels: Sequence[Parcel], same: Same) -> list[HeadwayError | None]:
        """See `Writing.write`."""
        try:
            with self._connection().transaction():
                try:
                    with self._connection().transaction():
                        return self._all_new(parcels)
                except self._driver.errors.UniqueViolation:
                    return [self._one(parcel, same) for parcel in parcels]
        except self._driver.Error as wrong:
            self.close()
            raise Unavailable("The inbox's database cannot be written just now. Try again later.") from wrong

    def close(self) -> None:
        """Closes the connection."""
        if self._held is not None:
            self._held.close()
            self._held = None

    def _connection(self) -> "psycopg.Connection[Any]":
        if self._held is None or self._held.closed:
            self._held = self._driver.connect(self._url, autocommit=True, connect_timeout=5)
        return self._held

    def _all_new(self, parcels: Sequence[Parcel]) -> list[HeadwayError | None]:
        self._connection().execute(_TURN)
        self._copy([entry for parcel in parcels for entry in parcel.entries])
        for parcel in parcels:
            self._attach(parcel)
        return [None] * len(parcels)

    def _one(self, parcel: Parcel, same: Same) -> HeadwayError | None:
        self._connection().execute(_TURN)
        ids = [entry.id for entry in parcel.entries if entry.id is not None]
        found = self._connection().execute("SELECT id, body FROM inbox_entries WHERE id = ANY(%s)", (ids,))
        new, conflict = sort_out(parcel.entries, dict(found.fetchall()), same)
        if conflict is None:
            self._copy(new)
            self._attach(parcel)
        return conflict

    def _copy(self, entries: Sequence[Entry]) -> None:
        with self._connection().cursor() as cursor, cursor.copy(_COPY) as copy:
            copy.set_types(_TYPES)
            for entry in entries:
                copy.write_row(entry)

    def _attach(self, parcel: Parcel) -> None:
        if parcel.attachments:
            with self._connection().cursor() as cursor:
                cursor.executemany(_ATTACH, list(attached(parcel)))
