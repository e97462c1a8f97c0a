"""Records on the road: arrive, are looked at, described, exported."""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import TYPE_CHECKING, Any

from headway.description.course import CourseDescription
from headway.description.course import describe as described
from headway.description.quality import Profile, profile
from headway.domain.errors import InputError, UnknownName
from headway.domain.runs import RunId, select_runs
from headway.domain.time import AsOf
from headway.features.as_of import run_facts
from headway.flow.app import App
from headway.governance import audit
from headway.lake.lake import Lake
from headway.lake.landing import IngestReport, drain, land
from headway.settings import KEY_BYTES, pseudonym_key
from headway.sources.source import SOURCES, Reading, Request

if TYPE_CHECKING:
    from headway.lake.reading import Records


def ingest(
    app: App, source: str, paths: Sequence[Path], options: Mapping[str, str] | None = None, *, dry_run: bool = False
) -> IngestReport:
    """What became of every row: landed in the lake, known before, or in quarantine with a reason.

    Repeating it after a crash or a second time leaves the same lake.

    Args:
        app: where to.
        source: a name in `SOURCES`.
        paths: files or folders.
        options: the source's own options.
        dry_run: read and check everything, write nothing.

    Raises:
        SourceError: the data as a whole cannot be read; the lake is as it was before this source's first delivery.
    """
    begun = perf_counter()
    request = Request(paths, dict(options or {}), _key(app, dry_run), app.settings.engine.memory_limit_mib)
    deliveries = SOURCES.get(source).read(request)
    report = drain(deliveries, app.progress) if dry_run else land(deliveries, app.lake, app.progress)
    if isinstance(deliveries, Reading):
        report.notes, report.next_since = deliveries.notes, deliveries.next_since
    report.seconds = perf_counter() - begun
    if not dry_run:
        detail = {"read": report.total.read, "accepted": report.total.accepted, "quarantined": report.total.quarantined}
        with app.store.begin() as connection:
            audit.record(connection, app.clock.now(), app.actor, "import", source, detail)
    return report


def check_source(
    app: App, source: str, paths: Sequence[Path], options: Mapping[str, str] | None = None
) -> tuple[IngestReport, Profile]:
    """What an import would do, and what the data would be good for; the home's own lake stays as it is.

    Everything is landed in a passing lake, so that what is told is what an import makes of it.
    """
    begun = perf_counter()
    request = Request(paths, dict(options or {}), _key(app, dry_run=True), app.settings.engine.memory_limit_mib)
    with TemporaryDirectory(prefix="headway-check-") as folder:
        lake = Lake(folder, memory_limit_mib=app.settings.engine.memory_limit_mib, threads=app.settings.engine.threads)
        report = land(SOURCES.get(source).read(request), lake, app.progress)
        found = _profile(app, lake, lake.runs())
    report.seconds = perf_counter() - begun
    return report, found


def profile_sources(app: App, sources: Sequence[str] = ()) -> Profile:
    """What the records of the sources (all where none is named) are good for, and what their gaps mean in people.

    Raises:
        UnknownName: the lake has no run of such a source.
    """
    runs = app.lake.runs()
    known = {RunId.parse(run).source for run in runs}
    for source in sources:
        if source not in known:
            raise UnknownName.of("source with records", source, known)
    return _profile(app, app.lake, [run for run in runs if RunId.parse(run).source in (sources or known)], sources)


def describe(app: App, run: str, as_of_text: str | None = None) -> CourseDescription:
    """The description of a course run, its retention beside that of the course's earlier runs.

    Raises:
        UnknownName: the run was not known yet.
        NotEnoughData: the run has not begun, or too few are enrolled to speak of a group.
    """
    (run,) = select_runs([one_run(app, run)], app.lake.runs())
    course = run.rpartition("/")[0]
    same = [other for other in app.lake.runs() if other.rpartition("/")[0] == course and other != run]
    with app.lake.open(None, [run, *same], kinds=["course_runs"]) as records:
        as_of = None if as_of_text is None else as_of_in(records, run, as_of_text)
        starts = {each: run_facts(records, each, as_of).starts_on for each in [run, *same]}
    earlier = sorted((other for other in same if starts[other] < starts[run]), key=lambda other: (starts[other], other))
    with app.lake.open(as_of, [run, *earlier]) as records:
        return described(records, run, as_of, earlier)


def export(app: App, runs: Sequence[str], kind: str, path: Path, as_of_text: str | None = None) -> int:
    """How many records of a kind were written to a Parquet, CSV or JSON lines file, in the order they became known.

    Args:
        app: where from.
        runs: ids or globs of runs.
        kind: the record kind.
        path: the file; its suffix decides the format.
        as_of_text: only what was known at this time, a date being that of the first run's zone; None for all.

    Raises:
        UnknownName: there is no such run or record kind.
        InputError: the suffix is none of ours, or the file cannot be written.
    """
    chosen = select_runs(runs, app.lake.runs())
    until = None
    if as_of_text is not None:
        with app.lake.open(None, chosen[:1], kinds=["course_runs"]) as records:
            until = as_of_in(records, chosen[0], as_of_text)
    with app.lake.open(until, chosen, kinds=[kind]) as records:
        rows = records.save(records.table(kind).order_by("recorded_at", "id"), path)
    with app.store.begin() as connection:
        detail: dict[str, Any] = {"kind": kind, "rows": rows, "runs": list(chosen)}
        audit.record(connection, app.clock.now(), app.actor, "export", kind, detail)
    return rows


def one_run(app: App, run: str) -> str:
    """The one known run that an id or a glob names.

    Raises:
        UnknownName: it names none.
        InputError: it names several.
    """
    found = select_runs([run], app.lake.runs())
    if len(found) > 1:
        raise InputError(f"{run!r} names {len(found)} runs. Choose one: {', '.join(found)}.")
    return found[0]


def course_date(app: App, run: str, day: int) -> str:
    """The local date of a course day of a run (0 is the first), as `score` and `list_contacts` take it."""
    with app.lake.open(None, [run], kinds=["course_runs"]) as records:
        return (run_facts(records, run).starts_on + timedelta(days=day)).isoformat()


def instant_of(app: App, run: str, as_of_text: str) -> datetime:
    """The instant that a date (its end, in the zone of the run) or a date-time means in a run."""
    with app.lake.open(None, [run], kinds=["course_runs"]) as records:
        return as_of_in(records, run, as_of_text).instant


def _profile(app: App, lake: Lake, runs: Sequence[str], sources: Sequence[str] = ()) -> Profile:
    now = AsOf.now(app.clock)
    # Runs that the user named may begin with another word than the source whose rows were refused.
    rejects = [row for row in lake.reject_counts() if not sources or row[0] in sources]
    with lake.open(now, runs) as records:
        return profile(records, runs, now, rejects)


def _key(app: App, dry_run: bool) -> bytes:
    """The home's key; a dry run keeps no pseudonym, so it makes none."""
    made = app.settings.secrets.pseudonym_key_file.exists()
    return pseudonym_key(app.settings) if made or not dry_run else bytes(KEY_BYTES)


def hashed(learner: str) -> str:
    """How the audit names a learner: entries are never changed, so an id in one of them could not be erased."""
    return hashlib.sha256(learner.encode()).hexdigest()


def as_of_in(records: "Records", run: str, text: str) -> AsOf:
    """The as-of time that a text means in a run: of a date, its end in the run's zone."""
    return AsOf.at(text, run_facts(records, run).zone)
