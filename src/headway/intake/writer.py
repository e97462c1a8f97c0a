"""Group commit: one thread writes what waits in one durable commit, then tells everyone who waits for it.

What waits is bounded in rows and bytes: beyond, the sender is told to come back, so that memory stays flat. A parcel
is acknowledged only after its commit; what cannot be written is told to its sender and never half kept.
"""

import asyncio
from collections import defaultdict, deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from threading import Condition, Thread
from typing import Final

from headway.domain.errors import Busy, HeadwayError, Unavailable
from headway.intake.entries import Parcel, Same
from headway.intake.ledger import Place

GROUP_ROWS: Final = 5_000
"""Rows after which a commit takes no more parcels."""


@dataclass(slots=True, eq=False)
class _Waiting:
    parcel: Parcel
    rows: int
    size: int
    sync: "Future[None] | None" = None
    loop: asyncio.AbstractEventLoop | None = None
    later: "asyncio.Future[None] | None" = None


class Writer:
    """The thread that writes new entries; it starts with the first parcel."""

    def __init__(self, place: Place, same: Same, most_rows: int, most_bytes: int) -> None:
        self._place, self._same = place, same
        self._most_rows, self._most_bytes = most_rows, most_bytes
        self._queue: deque[_Waiting] = deque()
        self._rows = self._bytes = 0
        self.written = 0
        """Entries written so far."""
        self._turn = Condition()
        self._closing = False
        self._thread: Thread | None = None

    @property
    def rows(self) -> int:
        """Entries that wait to be written."""
        return self._rows

    def keep(self, parcel: Parcel, timeout_s: float = 60.0) -> None:
        """Returns when the parcel is durable.

        Raises:
            Busy: too much is waiting.
            Conflict: an id is taken by something else; nothing of the parcel was kept.
            Unavailable: it cannot be written.
        """
        waiting = self._waiting(parcel)
        waiting.sync = Future()
        self._add(waiting)
        waiting.sync.result(timeout_s)

    async def keep_later(self, parcel: Parcel) -> None:
        """As `keep`, for those who must not block."""
        waiting = self._waiting(parcel)
        waiting.loop = asyncio.get_running_loop()
        waiting.later = waiting.loop.create_future()
        self._add(waiting)
        await waiting.later

    def close(self) -> None:
        """Writes what waits and ends the thread."""
        with self._turn:
            self._closing = True
            self._turn.notify_all()
        if self._thread is not None:
            self._thread.join()

    def _waiting(self, parcel: Parcel) -> _Waiting:
        return _Waiting(parcel, len(parcel.entries), parcel.size)

    def _add(self, waiting: _Waiting) -> None:
        with self._turn:
            if self._closing:
                raise Unavailable("The server is stopping. Try again in a moment.")
            full = self._rows + waiting.rows > self._most_rows or self._bytes + waiting.size > self._most_bytes
            if full and self._queue:
                raise Busy("More arrives than can be written just now. Nothing of this was kept; send it again.")
            self._queue.append(waiting)
            self._rows += waiting.rows
            self._bytes += waiting.size
            if self._thread is None:
                self._thread = Thread(target=self._run, name="headway-inbox", daemon=True)
                self._thread.start()
            self._turn.notify()

    def _run(self) -> None:
        writing = self._place.writing()
        while group := self._next():
            outcome: list[HeadwayError | None]
            try:
                outcome = writing.write([waiting.parcel for waiting in group], self._same)
            except HeadwayError as wrong:
                outcome = [wrong] * len(group)
            with self._turn:
                rows = sum(waiting.rows for waiting in group)
                self._rows -= rows
                self.written += rows
                self._bytes -= sum(waiting.size for waiting in group)
            _tell(group, outcome)
        writing.close()

    def _next(self) -> list[_Waiting]:
        """What is to be written next, after waiting for some; nothing where the writer is closing."""
        group: list[_Waiting] = []
        rows = 0
        with self._turn:
            while not self._queue and not self._closing:
                self._turn.wait()
            while self._queue and rows < GROUP_ROWS:
                group.append(self._queue.popleft())
                rows += group[-1].rows
        return group


def _tell(group: list[_Waiting], outcome: list[HeadwayError | None]) -> None:
    """Tells everyone; each event loop is woken once."""
    loops: defaultdict[asyncio.AbstractEventLoop, list[tuple[asyncio.Future[None], HeadwayError | None]]]
    loops = defaultdict(list)
    for waiting, wrong in zip(group, outcome, strict=True):
        if waiting.sync is not None:
            _settle(waiting.sync.set_exception, waiting.sync.set_result, wrong)
        elif waiting.loop is not None and waiting.later is not None:
            loops[waiting.loop].append((waiting.later, wrong))
    for loop, told in loops.items():
        if not loop.is_closed():
            loop.call_soon_threadsafe(_tell_loop, told)


def _tell_loop(told: "list[tuple[asyncio.Future[None], HeadwayError | None]]") -> None:
    for later, wrong in told:
        if not later.done():  # the sender may have gone
            _settle(later.set_exception, later.set_result, wrong)


def _settle(fail: Callable[[BaseException], None], succeed: Callable[[None], None], wrong: HeadwayError | None) -> None:
    if wrong is None:
        succeed(None)
    else:
        fail(wrong)
