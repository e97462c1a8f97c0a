"""What questions find: statements become findable a moment after they are durable, and answers say up to when they are.

Indexing waits until nothing is being written, or until somebody asks; so it costs those who send nothing.
"""

from collections import Counter
from datetime import UTC, datetime
from threading import Event, Lock, Thread
from typing import Final

from headway.domain.errors import HeadwayError
from headway.domain.time import Clock
from headway.intake.inbox import Inbox
from headway.intake.words import terms_of

INDEX_AT_ONCE: Final = 20_000
"""Entries made findable while a question waits; what is newer is found by later ones, as the answer's header says."""

_IDLE_S: Final = 0.5
_STEP: Final = 2_000
_FEW: Final = 50
"""Entries written since the last look, up to which little enough is going on."""


class Findable:
    """Keeps the index of an inbox up to date, and knows up to when it is."""

    def __init__(self, inbox: Inbox, clock: Clock) -> None:
        self._inbox, self._clock = inbox, clock
        self._open: Counter[int] = Counter()
        self._turn = Lock()
        self._stop = Event()
        self._thread = Thread(target=self._run, name="headway-index", daemon=True)
        self.through = 0
        """Everything stored up to this instant is found, in microseconds since 1970."""

    def start(self) -> None:
        """Begins to index whenever nothing else is to be done."""
        self._thread.start()

    def stop(self) -> None:
        """Ends it."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()

    def now(self) -> int:
        """The current instant in microseconds, to the millisecond."""
        return int(self._clock.now().timestamp() * 1000) * 1000

    def begin(self, at: int) -> None:
        """Something stored at that instant is on its way to the disk."""
        with self._turn:
            self._open[at] += 1

    def end(self, at: int) -> None:
        """It is on the disk, or was refused."""
        with self._turn:
            self._open[at] -= 1
            if not self._open[at]:
                del self._open[at]

    def catch_up(self, most: int) -> int:
        """The instant up to which everything stored is found now, after indexing at most about `most` entries."""
        with self._turn:
            before = min([self.now(), *(instant - 1_000 for instant in self._open)])
        if not self._inbox.index(terms_of, most):
            before = min(before, self._inbox.indexed_us() - 1_000)
        self.through = max(self.through, before)
        return self.through

    def _run(self) -> None:
        written = 0
        while not self._stop.wait(_IDLE_S):
            before, written = written, self._inbox.writer.written
            try:
                if written - before <= _FEW:
                    self.catch_up(_STEP)
            except HeadwayError:  # the database is away; whoever asks is told so
                continue


def instant_text(us: int) -> str:
    """An instant as xAPI writes it, in UTC to the millisecond."""
    return datetime.fromtimestamp(us / 1_000_000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
