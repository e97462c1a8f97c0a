"""Where the time of a page's request goes, told by the server itself: waiting for a thread, the processor, the store.

For benchmarks alone: it puts itself around functions of the server. It keeps one JSON line for each request, one for
each pause in which garbage was looked for, and every few seconds one with the processor time of each thread so far.
"""

import gc
import json
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import numpy as np
import sqlalchemy as sa

from headway.store.database import Store
from headway.web import routes

THREADS_EVERY_S: Final = 2.0
COLUMNS: Final = (
    "times",
    "wait95",
    "wall50",
    "wall95",
    "cpu50",
    "cpu95",
    "stmts",
    "trans",
    "sql95",
    "commit95",
    "gc95",
)


class Watch:
    """Counts and times what the threads that answer pages do.

    Args:
        into: the file of lines.
    """

    def __init__(self, into: Path) -> None:
        self._file = into.open("a", encoding="utf-8", buffering=1)
        self._here = threading.local()
        self._pauses_ms = 0.0
        self._pause_begun = 0.0
        self._answered: Callable[..., Any] = routes._finished

    def begin(self, store: Store) -> None:
        """Begins to watch."""
        routes._finished = self._finished
        engine = store._engine
        sa.event.listen(engine, "before_cursor_execute", self._before)
        sa.event.listen(engine, "after_cursor_execute", self._after)
        sa.event.listen(engine, "begin", self._began)
        engine.dialect.do_commit = self._timed(engine.dialect.do_commit, "commit_ms")  # type: ignore[method-assign] # watched here only
        gc.callbacks.append(self._pause)
        threading.Thread(target=self._tell_threads, name="watch", daemon=True).start()

    def _tell_threads(self) -> None:
        while True:
            time.sleep(THREADS_EVERY_S)
            self._tell(process_cpu_s=round(time.process_time(), 2), threads=_threads())

    def _finished(self, site: Any, page: Any, request: Any, form: Any) -> Any:
        here = self._here
        here.statements = here.transactions = 0
        here.sql_ms = here.commit_ms = 0.0
        pauses, wall, cpu = self._pauses_ms, time.perf_counter(), time.thread_time()
        try:
            return self._answered(site, page, request, form)
        finally:
            self._tell(
                page=page.path,
                wait_ms=round(1000 * (wall - request.scope.get("came", wall)), 2),
                wall_ms=round(1000 * (time.perf_counter() - wall), 2),
                cpu_ms=round(1000 * (time.thread_time() - cpu), 2),
                statements=here.statements,
                transactions=here.transactions,
                sql_ms=round(here.sql_ms, 2),
                commit_ms=round(here.commit_ms, 2),
                gc_ms=round(self._pauses_ms - pauses, 2),
            )
            here.statements = None

    @property
    def _on(self) -> bool:
        return getattr(self._here, "statements", None) is not None

    def _before(self, *_: Any) -> None:
        self._here.begun = time.perf_counter()

    def _after(self, *_: Any) -> None:
        if self._on:
            self._here.statements += 1
            self._here.sql_ms += 1000 * (time.perf_counter() - self._here.begun)

    def _began(self, _: Any) -> None:
        if self._on:
            self._here.transactions += 1

    def _timed(self, function: Callable[..., Any], name: str) -> Callable[..., Any]:
        def timed(*given: Any) -> Any:
            begun = time.perf_counter()
            try:
                return function(*given)
            finally:
                if self._on:
                    setattr(self._here, name, getattr(self._here, name) + 1000 * (time.perf_counter() - begun))

        return timed

    def _pause(self, phase: str, info: dict[str, int]) -> None:
        if phase == "start":
            self._pause_begun = time.perf_counter()
            return
        took = 1000 * (time.perf_counter() - self._pause_begun)
        self._pauses_ms += took
        if took > 1:
            self._tell(gc_ms=round(took, 2), generation=info["generation"])

    def _tell(self, **told: Any) -> None:
        self._file.write(json.dumps(told | {"at": round(time.time(), 3)}) + "\n")


class Came:
    """An application that notes when a request came, so that waiting for a thread can be told."""

    def __init__(self, inside: Any) -> None:
        self._inside = inside

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inside, name)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Handles one request."""
        scope["came"] = time.perf_counter()
        await self._inside(scope, receive, send)


def _threads() -> dict[str, float]:
    found: dict[str, float] = {}
    for thread in threading.enumerate():
        place = Path(f"/proc/self/task/{thread.native_id}/stat")
        if place.exists():
            told = place.read_text().rpartition(")")[2].split()
            name = thread.name.rpartition("-")[0] or thread.name
            found[name] = round(found.get(name, 0.0) + (int(told[11]) + int(told[12])) / 100, 2)
    return found


def tell(lines: Path, since: float) -> None:
    """Prints what was watched after an instant, the pages that take most processor time first."""
    rows = [json.loads(line) for line in lines.read_text().splitlines()]
    pages: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        if "page" in row and row["at"] >= since:
            pages.setdefault(row["page"], []).append(row)

    def row_of(some: list[dict[str, Any]]) -> list[float]:
        def at(name: str, share: float) -> float:
            return float(np.quantile([each[name] for each in some], share))

        return [
            len(some),
            at("wait_ms", 0.95),
            at("wall_ms", 0.5),
            at("wall_ms", 0.95),
            at("cpu_ms", 0.5),
            at("cpu_ms", 0.95),
            at("statements", 0.5),
            at("transactions", 0.5),
            at("sql_ms", 0.95),
            at("commit_ms", 0.95),
            at("gc_ms", 0.95),
        ]

    print(f"\n{'in the server (ms)':40} " + " ".join(f"{name:>8}" for name in COLUMNS))
    for page, some in sorted(pages.items(), key=lambda pair: -row_of(pair[1])[5]):
        print(f"{page:40} " + " ".join(f"{value:8.1f}" for value in row_of(some)))
    every = [each for some in pages.values() for each in some]
    if every:
        print(f"{'all':40} " + " ".join(f"{value:8.1f}" for value in row_of(every)))
    pauses = [row for row in rows if "generation" in row and row["at"] >= since]
    print(f"pauses for garbage over 1 ms: {len(pauses)}, longest {max((row['gc_ms'] for row in pauses), default=0)} ms")
    used = [row for row in rows if "threads" in row]
    for when, row in (("before", [each for each in used if each["at"] < since]), ("at the end", used)):
        if row:
            print(f"CPU s {when}: {row[-1]['process_cpu_s']}, by thread {row[-1]['threads']}")
