"""What questions find: statements become findable a moment after they are durable, and answers say up to when they are.

Indexing waits until nothing is being written, or until somebody asks; so it costs those who send nothing.
"""

from collections import Counter
from datetime import UTC, datetime
from threading import Event, Lock, Thread
from typing import Final

from sqlalchemy.exc import OperationalError

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
        self._latest = 0
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
        """The current instant in microseconds, to the millisecond; never before one that was told.

        Where the machine's clock is set back, time stands still until it has caught up: who asks for what is new since
        the last answer would otherwise miss what arrives meanwhile.
        """
        self._latest = max(self._latest, int(self._clock.now().timestamp() * 1000) * 1000)
        return self._latest

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
            # Less a millisecond, since more may yet be stored in this one.
            before = min([self.now(), *self._open]) - 1_000
        try:
            whole = self._inbox.index(terms_of, most)
        except (HeadwayError, OperationalError):  # the disk is full, say: what was made findable before is still found
            whole = False
        if not whole:
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
            except (HeadwayError, OperationalError):  # the database is away; whoever asks is told so
                continue


def instant_text(us: int) -> str:
    """An instant as xAPI writes it, in UTC to the millisecond."""
    return datetime.fromtimestamp(us / 1_000_000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
