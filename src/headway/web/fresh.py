"""What takes long to compute, kept ready: computed once however many ask, and told as it was while it is made anew.

Nobody waits for what somebody waited for before. What is kept is shared, so it must not be changed.

`Fresh` is for what takes seconds and may be a little old: threads of its own compute it, or wait for a helper. `Once`
is for what is quick and must fit what it was asked for: it is made by who needs it, and never waits behind the former.
"""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as TooLong
from dataclasses import dataclass
from threading import BoundedSemaphore, Lock
from time import monotonic
from typing import Final, Generic, TypeVar

from headway.domain.errors import Pending

T = TypeVar("T")

WORKERS: Final = 2
MOST_WAIT: Final = 3
"""So many may wait for first values at once, where they wait for a time only: threads are few, and others come."""


@dataclass(slots=True)
class _Kept(Generic[T]):
    value: Future[T]
    old: T | None = None
    has_old: bool = False
    until: float = 0.0


class Fresh(Generic[T]):
    """Values by key, each good for some seconds.

    Args:
        good_s: seconds after which a value is computed again, while the old one is still told.
        most: how many are kept; those not asked for longest go first.
    """

    def __init__(self, good_s: float, most: int = 64, now: Callable[[], float] = monotonic) -> None:
        self._good_s, self._most, self._now = good_s, most, now
        self._kept: OrderedDict[Hashable, _Kept[T]] = OrderedDict()
        self._turn = Lock()
        self._seats = BoundedSemaphore(MOST_WAIT)
        self._pool = ThreadPoolExecutor(WORKERS, thread_name_prefix="fresh")

    def get(self, key: Hashable, make: Callable[[], T], wait_s: float | None = None) -> T:
        """The value of a key.

        Args:
            key: which.
            make: computes it; called in another thread.
            wait_s: how long to wait for a first value; None for as long as it takes.

        Raises:
            Pending: it is not there after `wait_s` seconds; at once where several wait already.
        """
        with self._turn:
            kept = self._kept.get(key)
            if kept is None:
                kept = self._kept[key] = _Kept(self._pool.submit(make), until=self._now() + self._good_s)
                if len(self._kept) > self._most:
                    self._kept.popitem(last=False)
            elif kept.value.done() and kept.until <= self._now():
                self._begin_again(kept, make)
            self._kept.move_to_end(key)
            if not kept.value.done() and kept.has_old:
                return kept.old  # type: ignore[return-value] # a value was there before
        wrong = self._wrong(kept.value, wait_s)
        if wrong is not None:
            self.drop(key)
            raise wrong
        return kept.value.result()

    def _wrong(self, value: Future[T], wait_s: float | None) -> BaseException | None:
        """What went wrong with a value, which is waited for."""
        if wait_s is None or value.done():
            return value.exception()
        sits = self._seats.acquire(blocking=False)
        try:
            return value.exception(wait_s if sits else 0)
        except TooLong as late:
            raise Pending() from late
        finally:
            if sits:
                self._seats.release()

    def drop(self, key: Hashable) -> None:
        """Forgets a value; who asks next waits for it."""
        with self._turn:
            self._kept.pop(key, None)

    def clear(self) -> None:
        """Forgets all values."""
        with self._turn:
            self._kept.clear()

    def close(self) -> None:
        """Computes nothing any more."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _begin_again(self, kept: _Kept[T], make: Callable[[], T]) -> None:
        if kept.value.exception() is None:
            kept.old, kept.has_old = kept.value.result(), True
        kept.value, kept.until = self._pool.submit(make), self._now() + self._good_s


@dataclass(slots=True)
class _Made(Generic[T]):
    mark: object
    turn: Lock
    value: T | None = None
    done: bool = False


class Once(Generic[T]):
    """Values by key, each made once for a mark by whoever asks first, while others who ask for it wait.

    Args:
        most: how many are kept; those not asked for longest go first.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._kept: OrderedDict[Hashable, _Made[T]] = OrderedDict()
        self._turn = Lock()

    def get(self, key: Hashable, mark: object, make: Callable[[], T]) -> T:
        """The value of a key as it was made for this mark.

        Args:
            key: which.
            mark: another one than before, and the value is made anew.
            make: makes it, in the thread that asks.
        """
        with self._turn:
            kept = self._kept.get(key)
            if kept is None or not (kept.mark is mark or kept.mark == mark):
                kept = self._kept[key] = _Made(mark, Lock())
                if len(self._kept) > self._most:
                    self._kept.popitem(last=False)
            self._kept.move_to_end(key)
        with kept.turn:
            if not kept.done:
                kept.value, kept.done = make(), True
        return kept.value  # type: ignore[return-value] # it is there once it is done

    def clear(self) -> None:
        """Forgets all values."""
        with self._turn:
            self._kept.clear()
