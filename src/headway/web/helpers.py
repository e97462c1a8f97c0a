"""Helper processes: what takes seconds is computed beside the process that serves, whose pages then wait for nothing.

Two threads of one Python process compute one after the other. A helper has the same home open, reads it, and gives back
what was asked for; it writes nothing, and nobody whom it does not serve can ask it. It gives way to the server.
"""

import os
import signal
import threading
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing import Pipe, get_context
from multiprocessing.connection import Connection
from threading import Lock
from typing import Any, Final, TypeVar, TypeVarTuple

from headway.domain.errors import HeadwayError, Unavailable
from headway.domain.time import Clock
from headway.flow.app import App, app_of
from headway.settings import Settings

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

NICENESS: Final = 10
"""A processor that both want is the server's."""

_APP: App
"""The home, in a helper."""


class Helpers:
    """Processes that compute for a server, begun at once: importing what they need takes as long as an answer.

    Args:
        app: the server's home.
        count: how many processes.
    """

    def __init__(self, app: App, count: int) -> None:
        self._home = app.settings, app.clock, app.actor
        self._count = count
        self._turn, self._closed = Lock(), False
        self._begin()

    def call(self, function: Callable[[App, *Ts], T], *args: *Ts) -> T:
        """What a function of a module tells of the home; it, `args` and the answer must be picklable.

        Raises:
            Unavailable: the helper ended before it answered; the next question gets another one.
            HeadwayError: as the function raises it.
        """
        with self._turn:
            pool = self._pool
        try:
            found: T | _Wrong = pool.submit(_called, function, args).result()
        except BrokenProcessPool as ended:
            self._begin_after(pool)
            raise Unavailable(
                "The process that works this out ended. Try again; if it ends again, give headway more memory."
            ) from ended
        if isinstance(found, _Wrong):
            raise found.error()
        return found

    def close(self) -> None:
        """Ends the helpers, whatever they are doing."""
        with self._turn:
            self._closed = True
            self._end()

    def _end(self) -> None:
        self._open_end.close()
        for each in list((self._pool._processes or {}).values()):  # from Python 3.14 on it has a public way
            each.kill()  # one that is still importing would hear of its end late
        self._pool.shutdown(cancel_futures=True)  # gives back what they share with this process

    def _begin(self) -> None:
        other_end, self._open_end = Pipe(duplex=False)
        self._pool = ProcessPoolExecutor(
            self._count, get_context("spawn"), initializer=_open, initargs=(other_end, *self._home)
        )
        for _ in range(self._count):
            self._pool.submit(_import)

    def _begin_after(self, pool: ProcessPoolExecutor) -> None:
        with self._turn:
            if pool is self._pool and not self._closed:
                self._end()
                self._begin()


def _import() -> None:
    """Imports what most answers need."""
    from headway.flow import course_page, explaining

    _ = course_page, explaining


@dataclass(frozen=True, slots=True)
class _Wrong:
    """An error on its way: not every one can be made again from its message alone."""

    kind: type[HeadwayError]
    args: tuple[object, ...]
    more: dict[str, Any]

    def error(self) -> HeadwayError:
        made = self.kind.__new__(self.kind, *self.args)
        made.__dict__.update(self.more)
        return made


def _called(function: Callable[..., T], args: tuple[object, ...]) -> T | _Wrong:
    try:
        return function(_APP, *args)
    except HeadwayError as wrong:
        return _Wrong(type(wrong), wrong.args, {name: value for name, value in vars(wrong).items() if name[0] != "_"})


def _open(server: Connection, settings: Settings, clock: Clock, actor: str) -> None:
    """Opens the home in a helper."""
    global _APP  # a helper has one home, and its questions come as functions
    for each in (signal.SIGINT, signal.SIGTERM):  # they reach all processes of a terminal or a service
        signal.signal(each, signal.SIG_IGN)  # and the server ends its own
    threading.Thread(target=_end_with, args=(server,), name="end", daemon=True).start()
    os.nice(NICENESS)
    _APP = app_of(settings, clock, actor)


def _end_with(server: Connection) -> None:
    """Ends the helper as soon as the server closed its end, or ended itself, however that came."""
    server.poll(None)
    os._exit(0)
