"""The inbox's tables, and all that is done with them but the writing of new entries.

Places grow in the order in which entries were committed: whoever has read up to a place has missed nothing before it.
The tables are the inbox's own and hold what arrived as it arrived, persons included, so nobody else reads them.
"""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any, Final, Protocol

import sqlalchemy as sa

from headway.domain.errors import HeadwayError
from headway.intake.entries import VOIDING, Backlog, Kept, Parcel, Same, Terms, Wanted
from headway.store.database import Store, lock

METADATA: Final = sa.MetaData()

PLACE: Final = sa.BigInteger().with_variant(sa.Integer, "sqlite")

ENTRIES: Final = sa.Table(
    "inbox_entries",
    METADATA,
    sa.Column("place", PLACE, primary_key=True, autoincrement=True),
    sa.Column("source", sa.String(16), nullable=False),
    sa.Column("received_us", sa.BigInteger, nullable=False),
    sa.Column("id", sa.LargeBinary(16), unique=True),
    sa.Column("body", sa.LargeBinary, nullable=False),
    sa.Index("ix_inbox_entries_received_us", "received_us"),
    sqlite_autoincrement=True,  # a place is never given twice, whatever was deleted
)
TERMS: Final = sa.Table(
    "inbox_terms",
    METADATA,
    sa.Column("term", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("place", sa.BigInteger, primary_key=True, autoincrement=False),
    sqlite_with_rowid=False,
)
VOIDED: Final = sa.Table("inbox_voided", METADATA, sa.Column("id", sa.LargeBinary(16), primary_key=True))
ATTACHMENTS: Final = sa.Table(
    "inbox_attachments",
    METADATA,
    sa.Column("hash", sa.LargeBinary(64), primary_key=True),
    sa.Column("received_us", sa.BigInteger, nullable=False),
    sa.Column("content", sa.LargeBinary, nullable=False),
)
MARKS: Final = sa.Table(
    "inbox_marks",
    METADATA,
    sa.Column("name", sa.String(16), primary_key=True),
    sa.Column("place", sa.BigInteger, nullable=False),
)
COLUMNS: Final = (ENTRIES.c.place, ENTRIES.c.source, ENTRIES.c.received_us, ENTRIES.c.id, ENTRIES.c.body)

MOVED, UNTIL, INDEXED = "moved", "until", "indexed"
READ_ROWS: Final = 2_000
INDEX_ROWS: Final = 500
"""Entries indexed in one transaction: on SQLite those who write wait for it."""
MOST_REFERENCES: Final = 1_000


class Writing(Protocol):
    """The one connection through which new entries are written; used by one thread."""

    def write(self, parcels: Sequence[Parcel], same: Same) -> list[HeadwayError | None]:
        """What became of each parcel, after one durable commit: None where it is kept, else why not.

        Raises:
            Unavailable: nothing was kept.
        """
        ...

    def close(self) -> None:
        """Closes the connection."""
        ...


class Place(Protocol):
    """Where an inbox is: how to write to it, and how one mover keeps others out."""

    def writing(self) -> Writing:
        """A connection for writing, to be used by the thread that asks."""
        ...

    def turn(self) -> AbstractContextManager[bool]:
        """Whether nobody else moves entries just now; holds for as long as the context."""
        ...


class Ledger:
    """The inbox's tables."""

    def __init__(self, store: Store) -> None:
        self.store = store
        with store.begin() as connection:
            lock(connection, "inbox")
            METADATA.create_all(connection)

    def backlog(self) -> Backlog:
        """How far behind everything is."""
        with self.store.read() as connection:
            marks = _marks(connection)
            moved = marks.get(MOVED, 0)
            last = connection.execute(sa.select(sa.func.max(ENTRIES.c.place))).scalar_one() or 0
            waits = ENTRIES.c.place > moved
            waiting = connection.execute(sa.select(sa.func.count()).select_from(ENTRIES).where(waits)).scalar_one()
            first = sa.select(ENTRIES.c.received_us).where(waits).order_by(ENTRIES.c.place).limit(1)
            oldest = connection.execute(first).scalar_one_or_none()
        return Backlog(last, moved, marks.get(INDEXED, 0), waiting, oldest)

    def begin_move(self, limit: int) -> tuple[int, int] | None:
        """The range (after, up to and with) to move now; None where nothing waits.

        A range that was begun and not ended is given again as it was, so that repeating it makes the same records.
        """
        with self.store.begin() as connection:
            marks = _marks(connection)
            moved, until = marks.get(MOVED, 0), marks.get(UNTIL, 0)
            if until > moved:
                return moved, until
            waiting = sa.select(ENTRIES.c.place).where(ENTRIES.c.place > moved).order_by(ENTRIES.c.place).limit(limit)
            last = connection.execute(sa.select(sa.func.max(waiting.subquery().c.place))).scalar_one()
            if last is None:
                return None
            _mark(connection, UNTIL, int(last))
            return moved, int(last)

    def end_move(self, until: int) -> None:
        """Notes that everything up to `until` is in the lake."""
        with self.store.begin() as connection:
            _mark(connection, MOVED, until)

    def entries(self, after: int, until: int) -> Iterator[Kept]:
        """The entries of a range in their order, some at a time."""
        while after < until:
            with self.store.read() as connection:
                chosen = sa.select(*COLUMNS).where(ENTRIES.c.place > after, ENTRIES.c.place <= until)
                rows = connection.execute(chosen.order_by(ENTRIES.c.place).limit(READ_ROWS)).all()
            yield from (Kept(*row) for row in rows)
            if not rows:
                return
            after = rows[-1].place

    def index(self, terms_of: Callable[[bytes], Terms], limit: int = INDEX_ROWS) -> int:
        """How many more entries can now be found; 0 where all can."""
        with self.store.read() as connection:
            after = _marks(connection).get(INDEXED, 0)
            chosen = sa.select(*COLUMNS).where(ENTRIES.c.place > after).order_by(ENTRIES.c.place).limit(limit)
            rows = [Kept(*row) for row in connection.execute(chosen)]
        if not rows:
            return 0
        found = [(row, terms_of(row.body) if row.source == "xapi" else Terms(())) for row in rows]
        with self.store.begin() as connection:
            lock(connection, "inbox index")
            if _marks(connection).get(INDEXED, 0) != after:
                return len(rows)  # another process was quicker
            _index(connection, found)
            _mark(connection, INDEXED, rows[-1].place)
        return len(rows)

    def indexed_us(self) -> int:
        """When the newest entry arrived up to which all can be found; 0 where none can."""
        with self.store.read() as connection:
            upto = _marks(connection).get(INDEXED, 0)
            chosen = sa.select(ENTRIES.c.received_us).where(ENTRIES.c.place <= upto)
            return connection.execute(chosen.order_by(ENTRIES.c.place.desc()).limit(1)).scalar_one_or_none() or 0

    def one(self, identity: bytes) -> tuple[Kept | None, bool]:
        """The entry under an id, and whether another takes it back."""
        with self.store.read() as connection:
            row = connection.execute(sa.select(*COLUMNS).where(ENTRIES.c.id == identity)).one_or_none()
            voided = connection.execute(sa.select(VOIDED.c.id).where(VOIDED.c.id == identity)).one_or_none()
        return (None if row is None else Kept(*row)), voided is not None

    def find(self, wanted: Wanted) -> list[Kept]:
        """The entries that answer a question, without those taken back."""
        place = ENTRIES.c.place
        chosen = sa.select(*COLUMNS).where(ENTRIES.c.source == "xapi", ENTRIES.c.id.not_in(sa.select(VOIDED.c.id)))
        for number, word in enumerate(wanted.words):
            terms = TERMS.alias(f"t{number}")
            chosen = chosen.join(terms, sa.and_(terms.c.place == place, terms.c.term == term(word)))
        if wanted.since_us is not None:
            chosen = chosen.where(ENTRIES.c.received_us > wanted.since_us)
        if wanted.until_us is not None:
            chosen = chosen.where(ENTRIES.c.received_us <= wanted.until_us)
        if wanted.upto is not None:
            chosen = chosen.where(place <= wanted.upto)
        if wanted.after is not None:
            chosen = chosen.where(place > wanted.after if wanted.ascending else place < wanted.after)
        order = place if wanted.ascending else place.desc()
        with self.store.read() as connection:
            return [Kept(*row) for row in connection.execute(chosen.order_by(order).limit(wanted.limit))]

    def attachment(self, digest: bytes) -> bytes | None:
        """The content of an attachment by its SHA-2 sum; None where it was not sent."""
        with self.store.read() as connection:
            wanted = sa.select(ATTACHMENTS.c.content).where(ATTACHMENTS.c.hash == digest)
            return connection.execute(wanted).scalar_one_or_none()

    def remove(self, places: Sequence[int]) -> int:
        """How many entries were removed, with all that led to them."""
        removed = 0
        for begin in range(0, len(places), 500):
            some = places[begin : begin + 500]
            with self.store.begin() as connection:
                connection.execute(sa.delete(TERMS).where(TERMS.c.place.in_(some)))
                removed += connection.execute(sa.delete(ENTRIES).where(ENTRIES.c.place.in_(some))).rowcount
        return removed

    def remove_attachments(self, digests: Sequence[bytes], before_us: int | None = None) -> None:
        """Removes attachments by their sums, or all that last arrived before an instant."""
        old = sa.false() if before_us is None else ATTACHMENTS.c.received_us < before_us
        with self.store.begin() as connection:
            connection.execute(sa.delete(ATTACHMENTS).where(ATTACHMENTS.c.hash.in_(digests) | old))

    def trim(self, before_us: int, limit: int = 5_000) -> int:
        """How many entries that are in the lake were removed, at most `limit`: those that arrived before an instant.

        What is no statement goes at once, since nobody can read it back.
        """
        with self.store.read() as connection:
            moved = _marks(connection).get(MOVED, 0)
            gone = (ENTRIES.c.received_us < before_us) | (ENTRIES.c.source != "xapi")
            old = sa.select(ENTRIES.c.place).where(gone, ENTRIES.c.place <= moved)
            places = list(connection.execute(old.order_by(ENTRIES.c.place).limit(limit)).scalars())
        return self.remove(places)


def term(word: str) -> int:
    """A 64-bit number for a text: of a billion different ones two are the same with a chance of 3 in 100."""
    return int.from_bytes(hashlib.blake2b(word.encode(), digest_size=8).digest(), "big", signed=True)


def _marks(connection: sa.Connection) -> dict[str, int]:
    return {row.name: int(row.place) for row in connection.execute(sa.select(MARKS))}


def _mark(connection: sa.Connection, name: str, place: int) -> None:
    changed = connection.execute(sa.update(MARKS).where(MARKS.c.name == name).values(place=place))
    if not changed.rowcount:
        connection.execute(sa.insert(MARKS).values(name=name, place=place))


def _index(connection: sa.Connection, found: Sequence[tuple[Kept, Terms]]) -> None:
    pairs: set[tuple[int, int]] = set()
    for row, told in found:
        pairs.update((term(word), row.place) for word in told.words)
        if told.refers_to is not None:
            pairs.add((_about(told.refers_to), row.place))
    _insert(connection, TERMS, [{"term": one, "place": place} for one, place in sorted(pairs)])
    _void(connection, found)
    _share(connection, found)


def _void(connection: sa.Connection, found: Sequence[tuple[Kept, Terms]]) -> None:
    """Notes what was taken back, but for what takes back something itself."""
    targets = sorted({told.voids for _, told in found if told.voids is not None})
    if not targets:
        return
    voiding = sa.select(ENTRIES.c.id).join(TERMS, TERMS.c.place == ENTRIES.c.place)
    chosen = voiding.where(TERMS.c.term == term(VOIDING), ENTRIES.c.id.in_(targets))
    spared = set(connection.execute(chosen).scalars())
    _insert(connection, VOIDED, [{"id": target} for target in targets if target not in spared])
    own = [row.id for row, told in found if told.voids is not None and row.id is not None]
    connection.execute(sa.delete(VOIDED).where(VOIDED.c.id.in_(own)))


def _insert(connection: sa.Connection, table: sa.Table, rows: list[dict[str, Any]]) -> None:
    if rows:
        columns = ", ".join(rows[0])
        values = ", ".join(f":{name}" for name in rows[0])
        text = f"INSERT INTO {table.name} ({columns}) VALUES ({values}) ON CONFLICT DO NOTHING"
        connection.execute(sa.text(text), rows)


def _about(identity: bytes) -> int:
    return term(f"about {identity.hex()}")


def _share(connection: sa.Connection, found: Sequence[tuple[Kept, Terms]]) -> None:
    """Gives entries that are about others the terms of these, whichever came first."""
    about = [_about(row.id) for row, _ in found if row.id is not None]
    told = connection.execute(sa.select(TERMS.c.term).where(TERMS.c.term.in_(about)).distinct()).scalars().all()
    waiting = {row.id for row, _ in found if row.id is not None and _about(row.id) in set(told)}
    waiting |= {terms.refers_to for _, terms in found if terms.refers_to is not None}
    seen: set[bytes] = set()
    while waiting and len(seen) < MOST_REFERENCES:
        target = waiting.pop()
        if target in seen:
            continue
        seen.add(target)
        place = connection.execute(sa.select(ENTRIES.c.place).where(ENTRIES.c.id == target)).scalar_one_or_none()
        if place is None:
            continue
        own = connection.execute(sa.select(TERMS.c.term).where(TERMS.c.place == place)).scalars().all()
        tellers = sa.select(TERMS.c.place, ENTRIES.c.id).join(ENTRIES, ENTRIES.c.place == TERMS.c.place)
        for teller, identity in connection.execute(tellers.where(TERMS.c.term == _about(target))).all():
            _insert(connection, TERMS, [{"term": one, "place": teller} for one in own if one != _about(target)])
            waiting.add(identity)
