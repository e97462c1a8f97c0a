"""Jobs in the database: asked for once or standing, and held by one worker at a time through a lease.

A worker that dies holds its job until the lease ends; then another takes it. Every write of a holder names it, so one
who was too slow finds out (`LeaseLost`) and changes nothing. Only short transactions are open, never one for as long as
a job runs. Functions take a writing connection unless they say otherwise.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Literal
from uuid import uuid4

import sqlalchemy as sa

from headway.domain.errors import Conflict, LeaseLost, UnknownName
from headway.store.database import lock
from headway.store.tables import JOBS

State = Literal["waiting", "running", "done", "dead"]

FIRST_WAIT_S: Final = 5.0
LONGEST_WAIT_S: Final = 3_600.0
ERROR_CHARACTERS: Final = 500


@dataclass(frozen=True, slots=True)
class Job:
    """A job as it stands in the database.

    Attributes:
        id: a standing job's name, or an id of its own.
        kind: what is to be done; the worker knows how.
        request: what it was asked with.
        state: waiting, running, done, or dead: failed too often.
        due_at: when it may begin.
        locked_by: the worker that has it.
        locked_until: until when, unless it shows a sign of life.
        attempts: failures in a row.
        last_error: what the last failure said.
        progress: what it noted; kept for the next time.
        asked_at: when it was asked for.
        finished_at: when it last ended well.
    """

    id: str
    kind: str
    request: dict[str, Any]
    state: State
    due_at: datetime
    locked_by: str | None
    locked_until: datetime | None
    attempts: int
    last_error: str | None
    progress: dict[str, Any]
    asked_at: datetime
    finished_at: datetime | None

    def as_row(self) -> dict[str, Any]:
        """The job as JSON-ready data but for its instants."""
        return {name: getattr(self, name) for name in self.__slots__}


def submit(
    connection: sa.Connection,
    kind: str,
    request: Mapping[str, Any],
    now: datetime,
    *,
    id: str | None = None,  # noqa: A002 - the word for it everywhere else
    due_at: datetime | None = None,
) -> Job:
    """The job, asked for; where one with this id is there already, that one as it is."""
    lock(connection, "jobs")
    name = id or str(uuid4())
    known = connection.execute(sa.select(JOBS).where(JOBS.c.id == name)).mappings().one_or_none()
    if known is not None:
        return Job(**known)
    row = {
        "id": name,
        "kind": kind,
        "request": dict(request),
        "state": "waiting",
        "due_at": due_at or now,
        "attempts": 0,
        "progress": {},
        "asked_at": now,
    }
    connection.execute(sa.insert(JOBS), row)
    return get(connection, name)


def get(connection: sa.Connection, id: str) -> Job:  # noqa: A002 - the word for it everywhere else
    """The job with this id; a reading connection will do.

    Raises:
        UnknownName: there is none.
    """
    row = connection.execute(sa.select(JOBS).where(JOBS.c.id == id)).mappings().one_or_none()
    if row is None:
        raise UnknownName.of("job", id, connection.execute(sa.select(JOBS.c.id).limit(50)).scalars())
    return Job(**row)


def all_jobs(connection: sa.Connection, state: State | None = None, limit: int = 200) -> list[Job]:
    """Jobs, the soonest due first; a reading connection will do."""
    wanted = sa.select(JOBS) if state is None else sa.select(JOBS).where(JOBS.c.state == state)
    rows = connection.execute(wanted.order_by(JOBS.c.due_at, JOBS.c.id).limit(limit)).mappings()
    return [Job(**row) for row in rows]


def claim(
    connection: sa.Connection,
    worker: str,
    now: datetime,
    lease: timedelta,
    kinds: Collection[str],
    but: Collection[str] = (),
) -> Job | None:
    """A due job of these kinds but for some ids, from now on held by the worker; None where nothing is to be done.

    A job whose holder has let its lease run out counts as due, and the loss as a failure. A standing job, whose id is
    its kind, is tried again now and then even when it is dead: a lake that was away for a night comes back.
    """
    lock(connection, "jobs")
    standing = (JOBS.c.state == "dead") & (JOBS.c.id == JOBS.c.kind)
    free = ((JOBS.c.state == "waiting") | standing) & (JOBS.c.due_at <= now)
    left = (JOBS.c.state == "running") & (JOBS.c.locked_until <= now)
    wanted = sa.select(JOBS).where((free | left) & JOBS.c.kind.in_(list(kinds)) & JOBS.c.id.not_in(list(but)))
    row = connection.execute(wanted.order_by(JOBS.c.due_at, JOBS.c.id).limit(1)).mappings().first()
    if row is None:
        return None
    taken: dict[str, Any] = {"state": "running", "locked_by": worker, "locked_until": now + lease}
    if row["state"] == "running":
        taken |= {"attempts": row["attempts"] + 1, "last_error": f"{row['locked_by']} gave no sign of life"}
    connection.execute(sa.update(JOBS).where(JOBS.c.id == row["id"]).values(**taken))
    return Job(**(dict(row) | taken))


def renew(connection: sa.Connection, job: Job, until: datetime) -> None:
    """A sign of life: the lease lasts until then.

    Raises:
        LeaseLost: another worker has the job.
    """
    _held(connection, job, {"locked_until": until})


def note(connection: sa.Connection, job: Job, progress: Mapping[str, Any]) -> None:
    """What a job that runs has done so far, for those who wait for it.

    Raises:
        LeaseLost: another worker has the job.
    """
    _held(connection, job, {"progress": dict(progress)})


def finish(
    connection: sa.Connection, job: Job, now: datetime, progress: Mapping[str, Any], again_at: datetime | None = None
) -> None:
    """The job ended well: it is done, or waits for its next time.

    Raises:
        LeaseLost: another worker has the job.
    """
    state = "done" if again_at is None else "waiting"
    free = {"locked_by": None, "locked_until": None, "attempts": 0, "last_error": None}
    ended = {"state": state, "due_at": again_at or job.due_at, "progress": dict(progress), "finished_at": now}
    _held(connection, job, free | ended)


def fail(connection: sa.Connection, job: Job, now: datetime, why: str, attempts: int) -> State:
    """What becomes of a job that failed: it waits, each time twice as long, or is dead after so many attempts.

    Raises:
        LeaseLost: another worker has the job.
    """
    failures = job.attempts + 1
    state: State = "dead" if failures >= attempts else "waiting"
    doubled = FIRST_WAIT_S * 2 ** min(failures - 1, 20)
    wait = LONGEST_WAIT_S if state == "dead" else min(LONGEST_WAIT_S, doubled)
    free = {"locked_by": None, "locked_until": None, "attempts": failures, "last_error": why[:ERROR_CHARACTERS]}
    _held(connection, job, free | {"state": state, "due_at": now + timedelta(seconds=wait)})
    return state


def call_off(
    connection: sa.Connection,
    id: str,  # noqa: A002 - the word for it everywhere else
    why: str,
    request: Mapping[str, Any],
    progress: Mapping[str, Any],
) -> None:
    """Makes a job dead that nobody has begun, and says why and what is left of it; a running or done one stays."""
    idle = (JOBS.c.id == id) & JOBS.c.state.in_(["waiting", "dead"])
    told = {"state": "dead", "last_error": why[:ERROR_CHARACTERS], "request": dict(request), "progress": dict(progress)}
    connection.execute(sa.update(JOBS).where(idle).values(**told))


def hasten(connection: sa.Connection, id: str, due_at: datetime) -> None:  # noqa: A002 - the word for it everywhere else
    """Makes a waiting or dead job due by an instant; one that runs, or is due before, stays as it is."""
    later = (JOBS.c.id == id) & JOBS.c.state.in_(["waiting", "dead"]) & (JOBS.c.due_at > due_at)
    connection.execute(sa.update(JOBS).where(later).values(due_at=due_at))


def tidy(connection: sa.Connection, finished_before: datetime) -> int:
    """How many jobs were removed that were done before an instant."""
    old = (JOBS.c.state == "done") & (JOBS.c.finished_at < finished_before)
    return connection.execute(sa.delete(JOBS).where(old)).rowcount


def revive(connection: sa.Connection, id: str, now: datetime) -> Job:  # noqa: A002 - the word for it everywhere else
    """The dead or waiting job, due now and without failures.

    Raises:
        UnknownName: there is no such job.
        Conflict: it is running or done.
    """
    job = get(connection, id)
    if job.state not in {"dead", "waiting"}:
        raise Conflict(f"The job {id} is {job.state}; only a dead or a waiting one can be started again.")
    connection.execute(
        sa.update(JOBS).where(JOBS.c.id == id).values(state="waiting", due_at=now, attempts=0, last_error=None)
    )
    return get(connection, id)


def _held(connection: sa.Connection, job: Job, values: Mapping[str, Any]) -> None:
    mine = (JOBS.c.id == job.id) & (JOBS.c.state == "running") & (JOBS.c.locked_by == job.locked_by)
    if connection.execute(sa.update(JOBS).where(mine).values(**values)).rowcount != 1:
        raise LeaseLost(f"The job {job.id} took longer than its lease and was taken over. Raise worker.lease.")
