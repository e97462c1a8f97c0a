"""What the data page shows: how recent and complete the records of some runs are, and what their gaps mean in people.

Direct identifiers are never here: refused rows are told by file, line and reason, and what is shown of them is masked.
"""

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc
import sqlalchemy as sa

from headway.description.quality import Profile, profile
from headway.description.quality_facts import SourceQuality
from headway.domain.time import AsOf
from headway.flow.app import App
from headway.flow.intake import inbox_url, open_inbox
from headway.flow.uploads import LOAD_JOB, masked
from headway.store import jobs
from headway.store.database import POSTGRES
from headway.store.jobs import Job
from headway.store.tables import SCORE_RUNS

STRIP_DAYS: Final = 60
SAMPLE: Final = 3
MOST_RAW: Final = 140
LATE: Final = timedelta(hours=36)
"""So much longer than usual without a record is late, in a course that is going on."""


@dataclass(frozen=True, slots=True)
class Arrivals:
    """What arrived of one source.

    Attributes:
        source: its name.
        runs: how many course runs it has.
        going_on: how many of them are going on.
        rows: records of all kinds.
        last_at: when the newest statement became known; None without any.
        lag: how long ago that was.
        usual: how long it usually is from one day with records to the next; None where too few are known.
        late: whether a course is going on and the lag is much longer than usual.
        strip: rows by the day on which they became known, the last days up to now or to the last row.
        silent: days of the strip on which the feed was probably silent.
    """

    source: str
    runs: int
    going_on: int
    rows: int
    last_at: datetime | None
    lag: timedelta | None
    usual: timedelta | None
    late: bool
    strip: tuple[tuple[date, int], ...]
    silent: frozenset[date]


@dataclass(frozen=True, slots=True)
class Refused:
    """Rows in quarantine for one reason, with some of them, masked: file, line, what is wrong, the row's shape."""

    source: str
    kind: str
    reason: str
    rows: int
    sample: tuple[tuple[str, int | None, str, str], ...]


@dataclass(frozen=True, slots=True)
class DataFacts:
    """The state of the data.

    Attributes:
        at: the as-of time.
        sources: by name.
        profile: what is noteworthy.
        refused: by source and reason, the most rows first.
    """

    at: AsOf
    sources: tuple[Arrivals, ...]
    profile: Profile
    refused: tuple[Refused, ...]

    @property
    def people(self) -> int:
        """Learners whom the serious findings concern: of each finding those it names, the largest of a source."""
        most: defaultdict[str, int] = defaultdict(int)
        for each in self.profile.findings:
            if each.severity != "ok":
                most[each.source] = max(most[each.source], each.people or 0)
        return sum(most.values())


@dataclass(frozen=True, slots=True)
class NotPredicted:
    """A run whose newest predictions leave out some learners."""

    run: str
    as_of: AsOf
    learners: int
    too_early: int


def data_facts(app: App, runs: Sequence[str], sources: Sequence[str], now: AsOf) -> DataFacts:
    """The state of the data of some runs; takes seconds where there are many.

    Args:
        app: the home.
        runs: the runs that may be spoken of.
        sources: sources whose refused rows may be spoken of; these rows name no run.
        now: the as-of time.
    """
    rejects = [row for row in app.lake.reject_counts() if row[0] in sources]
    with app.lake.open(now, list(runs)) as records:
        found = profile(records, runs, now, rejects)
        statements = records.table("statements")
        day = statements.mutate(on=statements.recorded_at.date())
        arrived = records.collect(day.group_by("source", "on").agg(n=day.count()))
    by_source: defaultdict[str, dict[date, int]] = defaultdict(dict)
    for row in arrived.to_pylist():
        by_source[row["source"]][row["on"]] = row["n"]
    told = tuple(_arrivals(each, by_source[each.source], now) for each in found.sources if each.runs)
    return DataFacts(now, told, found, _refused(app, rejects))


def not_predicted(app: App, runs: Sequence[str], now: AsOf) -> list[NotPredicted]:
    """Of runs that were scored, those in whose newest predictions learners are missing, the most first."""
    newest: dict[str, NotPredicted] = {}
    wanted = sa.select(SCORE_RUNS.c.run, SCORE_RUNS.c.as_of, SCORE_RUNS.c.learners, SCORE_RUNS.c.too_early)
    wanted = wanted.where(SCORE_RUNS.c.as_of <= now.instant).order_by(SCORE_RUNS.c.as_of, SCORE_RUNS.c.scored_at)
    mine = set(runs)
    with app.store.read() as connection:
        for row in connection.execute(wanted):
            if row.run in mine:
                newest[row.run] = NotPredicted(row.run, AsOf(row.as_of), row.learners, row.too_early)
    return sorted((each for each in newest.values() if each.too_early), key=lambda each: (-each.too_early, each.run))


def inbox_waiting(app: App) -> int | None:
    """How many live records wait to be moved into the lake; None where no inbox was ever used."""
    url = inbox_url(app)
    if not url.startswith(POSTGRES) and not (app.settings.home / url.rpartition("/")[2]).exists():
        return None
    with open_inbox(app) as inbox:
        return inbox.backlog().waiting


def jobs_here(app: App) -> list[Job]:
    """Jobs that wait, run or failed, and loads of files; the soonest due first."""
    with app.store.read() as connection:
        return [job for job in jobs.all_jobs(connection) if job.state != "done" or job.kind == LOAD_JOB]


def shape_of(raw: str) -> str:
    """A refused row with every letter and digit masked but for the names of its fields, cut where it is long.

    >>> shape_of('{"name": "Ann", "at": "2013-13-45"}')
    '{"name": "xxx", "at": "0000-00-00"}'
    """

    def mask(text: str) -> str:
        return re.sub(r"\d", "0", re.sub(r"[^\W\d_]", "x", text))

    parts = re.split(r'("[A-Za-z_]{1,40}"\s*:)', raw[: 4 * MOST_RAW])
    told = "".join(part if place % 2 else mask(part) for place, part in enumerate(parts))
    return told if len(told) <= MOST_RAW else f"{told[: MOST_RAW - 1]}…"


def _arrivals(found: SourceQuality, arrived: dict[date, int], now: AsOf) -> Arrivals:
    today = now.day("UTC")
    last_on = max(arrived, default=None)
    going_on = sum(run.started(now) and not run.finished(now) for run in found.runs)
    strip: tuple[tuple[date, int], ...] = ()
    if last_on is not None:
        end = today if going_on else last_on
        first = max(min(arrived), end - timedelta(days=STRIP_DAYS - 1))
        span = [first + timedelta(days=place) for place in range((end - first).days + 1)]
        strip = tuple((day, arrived.get(day, 0)) for day in span)
    last_at = found.latest_statement
    lag = None if last_at is None else now.instant - last_at
    usual = _usual(sorted(arrived))
    gaps = [gap for run in found.runs for gap in run.gaps]
    silent = frozenset(day for day, _ in strip if any(gap.first_on <= day <= gap.last_on for gap in gaps))
    late = bool(going_on and lag is not None and lag > LATE + (usual or timedelta(0)) - timedelta(days=1))
    rows = sum(found.rows.values())
    return Arrivals(found.source, len(found.runs), going_on, rows, last_at, lag, usual, late, strip, silent)


def _usual(days: Sequence[date]) -> timedelta | None:
    """The middle of the steps between the last days on which records arrived."""
    last = days[-STRIP_DAYS:]
    steps = sorted((after - before).days for before, after in pairwise(last))
    return timedelta(days=steps[len(steps) // 2]) if len(steps) >= 3 else None


def _refused(app: App, counts: Sequence[tuple[str, str, str, int]]) -> tuple[Refused, ...]:
    kept = {source: app.lake.rejects(source) for source in {row[0] for row in counts}}
    found = []
    for source, kind, reason, rows in sorted(counts, key=lambda row: (-row[3], row[0], row[1], row[2])):
        table = kept[source]
        same = pc.and_(pc.equal(table["kind"], kind), pc.equal(table["reason"], reason))
        found.append(Refused(source, kind, reason, rows, tuple(_sample(table.filter(same).slice(0, SAMPLE)))))
    return tuple(found)


def _sample(rows: pa.Table) -> list[tuple[str, int | None, str, str]]:
    return [
        (
            (row["file"] or "").replace("\\", "/").rpartition("/")[2],
            row["line"],
            masked(row["detail"] or ""),
            shape_of(row["raw"] or ""),
        )
        for row in rows.to_pylist()
    ]
