"""Entries in the audit of what visitors look at, written together where several come at once.

Each is on the disk before its visitor is answered. Whoever comes while others are being written waits for them and is
then written with all who wait, in one transaction: the disk and the one writer of the store are asked once for all.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from threading import Lock
from typing import Any

from headway.governance import audit
from headway.store.database import Store


@dataclass(slots=True, eq=False)
class _Entry:
    at: datetime
    actor: str
    action: str
    subject: str
    detail: Mapping[str, Any]
    written: bool = False


class Entries:
    """The way of visits into the audit.

    Args:
        store: whose audit.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._waiting: list[_Entry] = []
        self._turn, self._list = Lock(), Lock()

    def record(self, at: datetime, actor: str, action: str, subject: str, detail: Mapping[str, Any]) -> None:
        """Returns once the entry is kept; the parameters are those of `headway.governance.audit.record`.

        Raises:
            InputError: `detail` is not JSON.
            Conflict: another process kept writing for 30 s; the entry is not kept.
        """
        own = _Entry(at, actor, action, subject, audit.plain(detail))
        with self._list:
            self._waiting.append(own)
        with self._turn:
            if not own.written:
                self._write(own)
        self._store.see_anew()

    def _write(self, own: _Entry) -> None:
        with self._list:
            together, self._waiting = self._waiting, []
        if own not in together:  # those with whom it was to be written could not be
            together.append(own)
        with self._store.begin() as connection:
            for each in together:
                audit.record(connection, each.at, each.actor, each.action, each.subject, each.detail)
        for each in together:
            each.written = True
