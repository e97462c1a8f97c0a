"""The boards that are in memory, each following what is erased and who is in which group at every visit.

A visit costs one look at the audit entries since the one before, however many learners there are.
"""

from threading import Lock
from typing import Final

import sqlalchemy as sa

from headway.scoring import pages
from headway.scoring.kept import ScoreRun
from headway.store.database import Store
from headway.store.tables import AUDIT
from headway.web.board import Board, board_of, brought_up_to_date
from headway.web.fresh import Once

MOST: Final = 8


class Boards:
    """The boards of the score runs asked for last.

    Args:
        store: what they are read from.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._seats: Once[_Seat] = Once(MOST)
        self._changes = 0

    def newest(self, run: str) -> Board | None:
        """The board of a run's newest score run, as the store is now; None where it was never scored."""
        with self._store.read() as connection:
            found = pages.newest(connection, run)
            return None if found is None else self._now(connection, found)

    def of(self, score_run: ScoreRun) -> Board:
        """The board of a score run, as the store is now."""
        with self._store.read() as connection:
            return self._now(connection, score_run)

    def changed(self) -> None:
        """Says that groups or learners may be others than they were, whatever the audit says."""
        self._changes += 1

    def _now(self, connection: sa.Connection, score_run: ScoreRun) -> Board:
        seat = self._seats.get(score_run.id, None, lambda: _Seat(self._store, score_run, self._changes))
        return seat.now(connection, self._changes)


class _Seat:
    """The board of one score run, and up to where it followed the audit."""

    def __init__(self, store: Store, score_run: ScoreRun, changes: int) -> None:
        self._store, self._changes, self._turn = store, changes, Lock()
        with store.read(newest=True) as connection:
            self._followed = int(connection.execute(sa.select(sa.func.max(AUDIT.c.id))).scalar_one() or 0)
            self._board = board_of(connection, score_run)

    def now(self, connection: sa.Connection, changes: int) -> Board:
        if not self._moved(connection, changes):
            return self._board
        with self._turn, self._store.read(newest=True) as latest:  # who asks may see an earlier state
            if self._moved(latest, changes):
                newest, _ = _news(latest, self._board.score_run.run, self._followed)
                self._board = brought_up_to_date(latest, self._board)
                self._followed, self._changes = newest, changes
        return self._board

    def _moved(self, connection: sa.Connection, changes: int) -> bool:
        newest, moved = _news(connection, self._board.score_run.run, self._followed)
        if not moved:
            self._followed = max(self._followed, newest)
        return moved or changes > self._changes


def _news(connection: sa.Connection, run: str, since: int) -> tuple[int, bool]:
    """The newest entry of the audit, and whether one after `since` erased somebody or changed groups of the run."""
    moves = (AUDIT.c.action == "erase") | ((AUDIT.c.action == "set groups") & (AUDIT.c.subject == run))
    told = sa.select(sa.func.max(AUDIT.c.id), sa.func.max(sa.case((moves, 1), else_=0))).where(AUDIT.c.id > since)
    newest, moved = connection.execute(told).one()
    return int(newest or since), bool(moved)
