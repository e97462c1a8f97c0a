"""What the worker does: each job reads what changed, calls the flow, and notes what it has seen.

A job may be repeated at any point without doing anything twice: it is given what it noted when it last ended well.
"""

from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Any, Final

from headway.advising import rule_queries, task_queries
from headway.domain.errors import HeadwayError, InputError, LakeError, NotEnoughData
from headway.domain.time import AsOf
from headway.flow.app import App
from headway.flow.audit_trail import check_audit
from headway.flow.engagement import keep_engagement
from headway.flow.intake import move_inbox
from headway.flow.notices import send_notices, tidy_notices, write_digests
from headway.flow.rules import open_tasks, rules_here
from headway.flow.running import changed, running
from headway.flow.scoring import score
from headway.flow.serving import SCORE_JOB, run_score_job
from headway.flow.tasks import expire_tasks
from headway.flow.uploads import LOAD_JOB, run_load_job
from headway.live_settings import WorkerSettings, span_of
from headway.scoring import kept
from headway.store import jobs
from headway.store.jobs import Job

Alive = Callable[[], None]

MOST_FILES: Final = 48
"""Each move leaves a small file, and each reading opens all of a run; 300 of them doubled what a score takes."""

HOURLY: Final = timedelta(hours=1)
DAILY: Final = timedelta(days=1)
KEEP_SENT: Final = timedelta(days=400)
KEEP_DONE: Final = timedelta(days=30)
KEEP_PASSING: Final = timedelta(hours=2)
"""Score runs of the hours before are for looking at what just changed; of earlier ones each day's last stays."""


@dataclass(frozen=True, slots=True)
class Done:
    """What a job that ended well says.

    Attributes:
        progress: what it is given the next time; also what people see.
        hasten: standing jobs that have something to do now.
        idle: whether nothing was there, so that it may look again soon.
    """

    progress: dict[str, Any]
    hasten: tuple[str, ...] = ()
    idle: bool = False


Work = Callable[[App, Job, Alive], Done]


@dataclass(frozen=True, slots=True)
class Standing:
    """A job that is always there.

    Attributes:
        work: what it does.
        every: how long it waits after it ended well; None for as long as the worker's settings say.
    """

    work: Work
    every: timedelta | None = None

    def wait(self, settings: WorkerSettings) -> timedelta:
        """How long it waits."""
        return self.every or span_of(settings.every)


@dataclass(slots=True)
class _Notes:
    """What happened in each run; what went wrong in one does not stop the others."""

    seen: dict[str, str]
    told: dict[str, Any] = field(default_factory=dict)

    def take(self, run: str, mark: str, act: Callable[[], Any]) -> None:
        """Acts, and notes that the run was seen. Data that is not fit is a note; anything else fails the job."""
        try:
            self.told[run] = act()
        except (NotEnoughData, InputError) as why:
            self.told[run] = {"note": str(why)}
        self.seen[run] = mark

    def of(self, runs: Collection[str]) -> dict[str, str]:
        """What was seen of these runs; the others are over."""
        return {run: mark for run, mark in self.seen.items() if run in runs}


def _move(app: App, _job: Job, alive: Alive) -> Done:
    """Moves the inbox into the lake, a part at a time."""
    moved, runs = 0, set[str]()
    while True:
        report = move_inbox(app, None)
        moved += report.moved
        runs |= set(report.runs)
        alive()
        if not report.moved or not report.waiting:
            break
    if moved:
        with suppress(LakeError):  # somebody else does the same just now; the next move looks again
            app.lake.join_small(MOST_FILES)
    told = {"moved": moved, "waiting": report.waiting, "runs": sorted(runs)}
    return Done(told, ("rules", "score") if moved else (), idle=not moved)


def _rules(app: App, job: Job, alive: Alive) -> Done:
    """Evaluates the rules of the runs that changed, and opens tasks."""
    notes, runs = _Notes(dict(job.progress.get("seen", {}))), running(app)
    opened = 0
    for run, mark in changed(app, runs, notes.seen).items():
        alive()
        notes.take(run, mark, partial(_told, app, run))
        opened += int(notes.told[run].get("opened", 0))
    with app.store.begin() as connection:
        rule_queries.forget_others(connection, list(runs))
    return Done({"seen": notes.of(runs), "runs": notes.told, "opened": opened}, ("send",) if opened else ())


def _told(app: App, run: str) -> dict[str, Any]:
    """What came of the rules; those that rest on predictions follow the new ones, where the worker makes them."""
    later = app.settings.worker.score
    names = [rule.name for rule in rules_here(app) if rule.enabled and not (later and "predictions" in rule.needs)]
    if not names:
        return {"opened": 0, "learners": None, "frozen": [], "silent": None}
    report = open_tasks(app, run, rules=names)
    silent = None if report.silence is None else report.silence.why
    return {"opened": len(report.tasks), "learners": report.learners, "frozen": list(report.frozen), "silent": silent}


def _score(app: App, job: Job, alive: Alive) -> Done:
    """Scores the runs that changed as of now, and opens the tasks that rest on predictions."""
    if not app.settings.worker.score:
        return Done({"seen": {}, "runs": {}, "opened": 0})
    notes, runs = _Notes(dict(job.progress.get("seen", {}))), running(app)
    opened = 0
    for run, mark in changed(app, runs, notes.seen).items():
        alive()
        notes.take(run, mark, partial(_scored, app, run))
        opened += int(notes.told[run].get("opened", 0))
    return Done({"seen": notes.of(runs), "runs": notes.told, "opened": opened}, ("send",) if opened else ())


def _scored(app: App, run: str) -> dict[str, Any]:
    section, now = app.settings.worker, AsOf.now(app.clock)
    made, _ = score(app, run, str(now), label=section.label, model=section.model)
    report = open_tasks(app, run, needs="predictions")
    return {"score_run": made.id, "as_of": str(made.as_of), "opened": len(report.tasks)}


def _engagement(app: App, job: Job, alive: Alive) -> Done:
    """Keeps the engagement scores of the days that are over."""
    notes = _Notes(dict(job.progress.get("seen", {})))
    days = running(app)
    for run, day in days.items():
        if notes.seen.get(run) != day:
            alive()
            notes.take(run, day, partial(keep_engagement, app, run, AsOf.now(app.clock)))
    return Done({"seen": notes.of(days), "runs": notes.told})


def _digest(app: App, _job: Job, _alive: Alive) -> Done:
    """Writes the digests that are due."""
    written = write_digests(app)
    return Done({"written": written}, ("send",) if written else ())


def _send(app: App, _job: Job, alive: Alive) -> Done:
    """Sends the notices that are due."""
    return Done(send_notices(app, alive).as_json())


def _expire(app: App, _job: Job, _alive: Alive) -> Done:
    """Lets tasks expire whose time is up."""
    return Done({"expired": expire_tasks(app)})


def _tidy(app: App, _job: Job, _alive: Alive) -> Done:
    """Removes what nobody asks for any more: score runs passed by, notices sent, jobs done, files long replaced."""
    removed = tidy(app) | {"audit": check_audit(app)}
    return Done(removed | {"files": app.lake.discard_replaced()})


def tidy(app: App) -> dict[str, Any]:
    """How many passing score runs, sent notices and finished jobs were removed.

    Of the score runs of running courses each day's last stays, and so does every one that a task rests on.
    """
    now, removed = app.clock.now(), 0
    with app.store.begin() as connection:
        cited = task_queries.score_runs_cited(connection)
        for run in running(app):
            old = [one for one in kept.for_run(connection, run) if one.as_of.instant < now - KEEP_PASSING]
            last = {(one.model_version, one.as_of.instant.date()): one.id for one in old}
            passing = [one.id for one in old if one.id not in cited and one.id not in last.values()]
            removed += kept.remove(connection, passing)
        done = jobs.tidy(connection, now - KEEP_DONE)
    return {"score_runs": removed, "notices": tidy_notices(app, KEEP_SENT), "jobs": done}


def _score_once(app: App, job: Job, alive: Alive) -> Done:
    """Scores a run that somebody asked for; servers do the same, whoever comes first."""
    alive()
    return Done(run_score_job(app, job.request))


def _load_once(app: App, job: Job, alive: Alive) -> Done:
    """Loads a file that somebody sent and looked at; servers do the same, whoever comes first."""
    return Done(run_load_job(app, job, alive), ("rules", "score"))


STANDING: Final[Mapping[str, Standing]] = {
    "move_inbox": Standing(_move),
    "rules": Standing(_rules),
    "score": Standing(_score),
    "engagement": Standing(_engagement, HOURLY),
    "expire": Standing(_expire, HOURLY),
    "digest": Standing(_digest, HOURLY),
    "send": Standing(_send),
    "tidy": Standing(_tidy, DAILY),
}
"""The jobs that are always there, in the order in which they are done when all are due."""

ONCE: Final[Mapping[str, Work]] = {SCORE_JOB: _score_once, LOAD_JOB: _load_once}
"""What can be asked for once, as `store.jobs.submit(connection, KIND, request, now)`."""


def why_of(error: BaseException) -> str:
    """What a failed job says: the message where it is meant for people, else what kind of error it was."""
    return str(error) if isinstance(error, HeadwayError) else f"{type(error).__name__}: {error}"
