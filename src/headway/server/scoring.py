"""What is asked for once, scoring a run or loading a file: jobs, done by one thread of any server, each once."""

import logging
from dataclasses import replace
from datetime import timedelta
from functools import partial
from threading import Event, Thread
from typing import Final
from uuid import uuid4

from headway.domain.errors import HeadwayError
from headway.flow.app import App
from headway.flow.jobs import ONCE
from headway.live_settings import span_of
from headway.server.log import note
from headway.store import jobs
from headway.store.jobs import Job

_LOOK_S: Final = 1.0


class ScoreJobs:
    """Does the jobs that were asked for, one after the other."""

    def __init__(self, app: App) -> None:
        self._app = replace(app, actor="server")
        self._name = f"server-{uuid4().hex[:12]}"
        self._stop = Event()
        self._thread = Thread(target=self._run, name="headway-score", daemon=True)

    def start(self) -> None:
        """Begins to look for jobs."""
        self._thread.start()

    def stop(self) -> None:
        """Ends after the job at hand at the latest; one that takes longer is taken over by another server."""
        self._stop.set()
        self._thread.join(timeout=5)

    def _run(self) -> None:
        while not self._stop.wait(_LOOK_S):
            try:
                with self._app.store.read() as connection:
                    waits = any(job.kind in ONCE for job in jobs.all_jobs(connection, "waiting"))
                    waits = waits or any(job.kind in ONCE for job in jobs.all_jobs(connection, "running"))
                if waits:
                    self._once()
            except HeadwayError as wrong:
                note(logging.WARNING, "jobs cannot be read", error=type(wrong).__name__)

    def _once(self) -> None:
        app, lease = self._app, span_of(self._app.settings.worker.lease)
        with app.store.begin() as connection:
            job = jobs.claim(connection, self._name, app.clock.now(), lease, list(ONCE))
        if job is None:
            return
        try:
            sign = self._sign(job, lease)
            done = ONCE[job.kind](replace(app, progress=sign), job, partial(sign, "")).progress
        except HeadwayError as wrong:
            with app.store.begin() as connection:
                # What was asked wrongly stays wrong: no second attempt.
                most = 1 if wrong.http_status < 500 else app.settings.worker.attempts
                jobs.fail(connection, job, app.clock.now(), str(wrong), most)
            return
        with app.store.begin() as connection:
            jobs.finish(connection, job, app.clock.now(), done)

    def _sign(self, job: Job, lease: timedelta) -> "Progress":
        return Progress(self._app, job, lease)


class Progress:
    """Renews a job's lease whenever its work says what it is doing."""

    def __init__(self, app: App, job: Job, lease: timedelta) -> None:
        self._app, self._job, self._lease = app, job, lease

    def __call__(self, text: str) -> None:
        """A sign of life; the text is for people at a terminal."""
        del text
        with self._app.store.begin() as connection:
            jobs.renew(connection, self._job, self._app.clock.now() + self._lease)
