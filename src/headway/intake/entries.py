"""What the inbox keeps: an entry is one record as it arrived, a parcel is what one request brought."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

SOURCES: Final = ("xapi", "caliper", "canvas", "records")
"""Who reads what arrives, by the names of the sources."""

UNFIT: Final = "unfit"
"""Stands where the source stands, of what was found unfit at the door and only goes to quarantine."""

VOIDING: Final = "voiding"
"""The word of entries that take another back; these cannot be taken back themselves."""

Same = Callable[[bytes, bytes], bool]
"""Whether two bodies under one id say the same."""


class Entry(NamedTuple):
    """One record as it arrived.

    Attributes:
        source: the source that reads it, one of `SOURCES`.
        received_us: when it arrived, microseconds since 1970 UTC.
        id: its own id, 16 bytes, where one id may stand for one body only; else None.
        body: JSON on one line.
    """

    source: str
    received_us: int
    id: bytes | None
    body: bytes


class Kept(NamedTuple):
    """An entry in the inbox, at its place in the order of arrival."""

    place: int
    source: str
    received_us: int
    id: bytes | None
    body: bytes


@dataclass(frozen=True, slots=True)
class Parcel:
    """What one request brought: all of it is kept, or nothing.

    Attributes:
        entries: in their order.
        attachments: contents by their SHA-2 sum.
    """

    entries: Sequence[Entry]
    attachments: dict[bytes, bytes] = field(default_factory=dict)

    @property
    def size(self) -> int:
        """Bytes that it holds."""
        return sum(len(entry.body) for entry in self.entries) + sum(map(len, self.attachments.values()))


@dataclass(frozen=True, slots=True)
class Backlog:
    """How far the inbox is behind.

    Attributes:
        last: place of the newest entry; 0 where there is none.
        moved: place of the last entry that is in the lake.
        indexed: place up to which questions find entries.
        waiting: entries not yet in the lake.
        oldest_us: when the oldest of these arrived; None where none waits.
    """

    last: int
    moved: int
    indexed: int
    waiting: int
    oldest_us: int | None


@dataclass(frozen=True, slots=True)
class Terms:
    """What an entry can be found by.

    Attributes:
        words: texts, each a thing and its value.
        refers_to: id of the entry that it is about, whose terms it shares.
        voids: id of the entry that it takes back.
    """

    words: Sequence[str]
    refers_to: bytes | None = None
    voids: bytes | None = None


@dataclass(frozen=True, slots=True)
class Wanted:
    """A question to the inbox.

    Attributes:
        words: terms that an entry must all have.
        since_us: only entries that arrived after this.
        until_us: only entries that arrived up to this.
        ascending: the oldest first; else the newest.
        after: go on behind this place, in the order asked for.
        limit: at most so many.
        upto: only entries up to this place, so that pages of one answer fit together.
    """

    words: Sequence[str] = ()
    since_us: int | None = None
    until_us: int | None = None
    ascending: bool = False
    after: int | None = None
    limit: int = 100
    upto: int | None = None
