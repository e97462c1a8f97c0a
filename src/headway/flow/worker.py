"""The worker: takes due jobs, each held by a lease in the database, until it is told to stop.

Several workers may run on one database; no job is done by two at the same time. A worker that dies leaves its job to
another, which begins it again. Told to stop, it finishes the job it is at. The job runs in a thread of its own, so that
signs of life go on however long it takes.
"""

import os
import socket
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from queue import SimpleQueue
from threading import Event
from typing import Any, Final
from uuid import uuid4

from sqlalchemy.exc import SQLAlchemyError

from headway.domain.errors import HeadwayError, LeaseLost
from headway.flow.app import App
from headway.flow.jobs import ONCE, STANDING, Done, Work, why_of
from headway.live_settings import span_of
from headway.store import jobs
from headway.store.jobs import Job

SIGNS: Final = 3
"""Signs of life in the time of a lease."""

QUICK: Final = frozenset({"move_inbox", "rules", "expire", "digest", "send"})
"""Jobs that take seconds at the most."""

LONGEST_IDLE_S: Final = 1.0
"""How long a worker with nothing to do waits before it looks again whether somebody asked for something."""

LOOKS: Final = 4
"""How often it looks at least in the time after which it does its standing jobs again, so that they are not late; and
how much sooner it looks again where there was nothing to be done."""

GLANCE_S: Final = 0.05
"""After how long at the most a lane that waits notices that it is to stop."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a job went."""

    job: str
    kind: str
    state: str
    progress: dict[str, Any]
    error: str | None

    def as_json(self) -> dict[str, Any]:
        """The outcome as JSON data."""
        return {
            "job": self.job,
            "kind": self.kind,
            "state": self.state,
            "progress": {name: value for name, value in self.progress.items() if name != "seen"},
            "error": self.error,
        }


@dataclass
class Worker:
    """One worker of a home.

    Attributes:
        app: where it works; what it does is audited as the worker's.
        every: how often standing jobs are done that follow the settings; the setting where None.
        stop: set to make it stop after the job it is at.
        name: unlike that of any other worker.
    """

    app: App
    every: str | None = None
    stop: Event = field(default_factory=Event)
    name: str = field(default_factory=lambda: f"{socket.gethostname()}:{os.getpid()}:{uuid4().hex[:8]}")

    def __post_init__(self) -> None:
        self.app = replace(self.app, actor="worker")
        section = self.app.settings.worker
        self._wait = {
            name: span_of(self.every) if self.every and standing.every is None else standing.wait(section)
            for name, standing in STANDING.items()
        }
        self._lease = span_of(section.lease)
        self._bells = (Event(), Event())
        self._work: dict[str, Work] = {name: standing.work for name, standing in STANDING.items()} | dict(ONCE)

    def once(self) -> Iterator[Outcome]:
        """Does every standing job now, and whatever was asked for, once each."""
        self._stand(at_once=True)
        with ThreadPoolExecutor(1, "job") as pool:
            done: set[str] = set()
            while not self.stop.is_set():
                job = self._claim(self.app.clock.now(), done)
                if job is None:
                    return
                done.add(job.id)
                yield self._do(job, pool)

    def run(self) -> Iterator[Outcome]:
        """Does jobs as they come due, until it is told to stop.

        What must be quick has a lane of its own beside what may take minutes, so that training a model delays no task.
        """
        self._stand(at_once=False)
        told: SimpleQueue[Outcome | None] = SimpleQueue()
        slow = self._work.keys() - QUICK
        with ThreadPoolExecutor(2, "job") as pool, ThreadPoolExecutor(2, "lane") as lanes:
            try:
                kinds = (QUICK & self._work.keys(), slow)
                running = [
                    lanes.submit(self._lane, of, bell, pool, told) for of, bell in zip(kinds, self._bells, strict=True)
                ]
                for _ in running:
                    while (outcome := told.get()) is not None:
                        yield outcome
                for lane in running:
                    lane.result()
            finally:
                self.stop.set()

    def _lane(
        self, kinds: Collection[str], bell: Event, pool: ThreadPoolExecutor, told: "SimpleQueue[Outcome | None]"
    ) -> None:
        """Does the jobs of some kinds one after another, then tells None. A store that is away is waited for."""
        idle = min(LONGEST_IDLE_S, min(self._wait.values()).total_seconds() / LOOKS)
        try:
            while not self.stop.is_set():
                try:
                    job = self._claim(self.app.clock.now(), set(), kinds)
                    if job is not None:
                        told.put(self._do(job, pool))
                except (HeadwayError, SQLAlchemyError) as wrong:
                    told.put(Outcome("store", "store", "away", {}, why_of(wrong)))
                    job = None
                if job is None:
                    self._rest(bell, idle)
        finally:
            told.put(None)

    def _rest(self, bell: Event, idle: float) -> None:
        """Waits until the other lane has made something due, or a while."""
        for _ in range(max(1, round(idle / GLANCE_S))):
            if self.stop.is_set() or bell.wait(GLANCE_S):
                break
        bell.clear()

    def _stand(self, *, at_once: bool) -> None:
        """Makes the standing jobs that are not there, due now in their order."""
        now = self.app.clock.now()
        with self.app.store.begin() as connection:
            for place, name in enumerate(STANDING):
                due = now - timedelta(microseconds=len(STANDING) - place)
                jobs.submit(connection, name, {}, now, id=name, due_at=due)
                if at_once:
                    jobs.hasten(connection, name, due)

    def _claim(self, now: datetime, but: set[str], kinds: Collection[str] | None = None) -> Job | None:
        with self.app.store.begin() as connection:
            return jobs.claim(connection, self.name, now, self._lease, self._work if kinds is None else kinds, but)

    def _do(self, job: Job, pool: ThreadPoolExecutor) -> Outcome:
        attempts = self.app.settings.worker.attempts
        standing = job.kind in STANDING
        if job.attempts >= attempts and not standing:
            return self._failed(job, job.last_error or "Every worker that took it died.")
        self.app.progress(f"{job.kind} ({job.id})" if job.id != job.kind else job.kind)
        future = pool.submit(self._work[job.kind], self.app, job, self._alive(job))
        while not wait([future], self._lease.total_seconds() / SIGNS).done:
            self._renew(job)
        return self._ended(job, future)

    def _ended(self, job: Job, future: "Future[Done]") -> Outcome:
        error = future.exception()
        if isinstance(error, LeaseLost):
            return Outcome(job.id, job.kind, "lost", {}, str(error))
        if error is not None:
            # What was asked wrongly stays wrong: no second attempt.
            asked_wrongly = isinstance(error, HeadwayError) and error.http_status < 500 and job.kind not in STANDING
            return self._failed(job, why_of(error), 1 if asked_wrongly else None)
        done, now = future.result(), self.app.clock.now()
        again = now + self._wait[job.kind] / (LOOKS if done.idle else 1) if job.kind in STANDING else None
        try:
            with self.app.store.begin() as connection:
                jobs.finish(connection, job, now, done.progress, again)
                for name in done.hasten:
                    jobs.hasten(connection, name, now)
        except LeaseLost as lost:
            return Outcome(job.id, job.kind, "lost", {}, str(lost))
        if done.hasten:
            for bell in self._bells:
                bell.set()
        return Outcome(job.id, job.kind, "done", done.progress, None)

    def _failed(self, job: Job, why: str, attempts: int | None = None) -> Outcome:
        most = attempts or self.app.settings.worker.attempts
        try:
            with self.app.store.begin() as connection:
                state = jobs.fail(connection, job, self.app.clock.now(), why, most)
        except LeaseLost as lost:
            return Outcome(job.id, job.kind, "lost", {}, str(lost))
        return Outcome(job.id, job.kind, "dead" if state == "dead" else "failed", {}, why)

    def _alive(self, job: Job) -> Callable[[], None]:
        """A sign of life that a job gives between its steps, where it also finds out that it lost its lease."""

        def alive() -> None:
            self._renew(job, strict=True)

        return alive

    def _renew(self, job: Job, *, strict: bool = False) -> None:
        try:
            with self.app.store.begin() as connection:
                jobs.renew(connection, job, self.app.clock.now() + self._lease)
        except LeaseLost:
            if strict:
                raise


def list_jobs(app: App) -> list[Job]:
    """All jobs, the soonest due first."""
    with app.store.read() as connection:
        return jobs.all_jobs(connection)


def retry_job(app: App, job_id: str) -> Job:
    """The dead or waiting job, due now.

    Raises:
        UnknownName: there is no such job.
        Conflict: it is running or done.
    """
    with app.store.begin() as connection:
        return jobs.revive(connection, job_id, app.clock.now())
