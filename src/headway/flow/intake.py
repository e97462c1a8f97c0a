"""From the inbox into the lake: every record that was acknowledged lands once, or goes to quarantine with a reason.

A range of the inbox is noted before it is moved and is moved again as it was after a crash; the sources make of the
same lines the same records, and the lake keeps one of each. So nothing is lost and nothing doubled, whatever dies when.
"""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any, Final

import duckdb
import pyarrow as pa

from headway.domain.errors import SourceError
from headway.domain.records import REJECTS, record_id
from headway.flow.app import App
from headway.flow.intake_news import news
from headway.governance import audit
from headway.intake.entries import UNFIT, Same
from headway.intake.inbox import FILE, Inbox
from headway.lake.landing import Counts, IngestReport, land
from headway.settings import pseudonym_key
from headway.sources.source import SOURCES, Request
from headway.store.database import POSTGRES

UNREADABLE: Final = "unreadable"


@dataclass(slots=True)
class MoveReport:
    """What one move of the inbox did.

    Attributes:
        moved: entries that left the inbox for the lake or its quarantine.
        sources: what became of the records, by source.
        runs: course runs that have new records.
        waiting: entries that still wait.
        elsewhere: whether another process was moving, so that this one left it alone.
        removed: entries that were removed because they are in the lake and their time is over.
        seconds: how long it took.
    """

    moved: int = 0
    sources: dict[str, Counts] = field(default_factory=dict)
    reasons: Counter[str] = field(default_factory=Counter)
    runs: tuple[str, ...] = ()
    waiting: int = 0
    elsewhere: bool = False
    removed: int = 0
    seconds: float = 0.0

    def as_json(self) -> dict[str, Any]:
        """The report as JSON-able data."""
        return asdict(self) | {
            "runs": list(self.runs),
            "reasons": dict(self.reasons),
            "seconds": round(self.seconds, 3),
        }


def inbox_url(app: App) -> str:
    """Where the home's inbox is: the store's database where that is PostgreSQL, else a file in the home."""
    url = app.settings.store.url
    return url if url.startswith(POSTGRES) else f"sqlite:///{app.settings.home / FILE}"


@contextmanager
def open_inbox(app: App, same: Same | None = None) -> Iterator[Inbox]:
    """The home's inbox."""
    with Inbox.open(inbox_url(app), same, most_rows=app.settings.intake.queue_rows) as inbox:
        yield inbox


def move_inbox(app: App, limit: int | None = None, *, inbox: Inbox | None = None) -> MoveReport:
    """What became of the entries that waited, at most `limit` of them, after moving them into the lake.

    Where another process is moving, nothing is done. Repeating it after a crash at any point ends in the same lake.

    Args:
        app: where.
        limit: at most so many entries; None for as many as the settings allow.
        inbox: the home's inbox where it is open already.

    Raises:
        LakeError: the lake cannot be written; the entries wait.
        ConfigError: the key for pseudonyms is missing.
    """
    begun = perf_counter()
    report = MoveReport()
    with ExitStack() as stack:
        box = inbox or stack.enter_context(open_inbox(app))
        mine = stack.enter_context(box.turn())
        report.elsewhere = not mine
        span = box.begin_move(limit or app.settings.intake.move_rows) if mine else None
        if span is not None:
            _move(app, box, *span, report)
            box.end_move(span[1])
        if mine:
            keep = timedelta(days=app.settings.intake.keep_days)
            report.removed = box.trim(int((app.clock.now() - keep).timestamp() * 1_000_000))
        report.waiting = box.backlog().waiting
    report.seconds = perf_counter() - begun
    return report


def _move(app: App, box: Inbox, after: int, until: int, report: MoveReport) -> None:
    with TemporaryDirectory(prefix="headway-inbox-") as folder:
        files = _written(box, after, until, Path(folder), report)
        runs: set[str] = set()
        for source in sorted(files):
            landed = IngestReport()
            if source == UNFIT:
                parts = iter([_quarantine(app, files[source])])
            else:
                parts = _landed(app, source, files[source], runs)
            for part in parts:
                for kind, counts in part.kinds.items():
                    landed.kinds.setdefault(kind, Counts()).add(counts)
                landed.reasons.update(part.reasons)
            report.sources[source] = landed.total
            report.reasons.update(landed.reasons)
            with app.store.begin() as connection:
                detail = {**asdict(landed.total), "from": after + 1, "to": until}
                audit.record(connection, app.clock.now(), app.actor, "move", source, detail)
        report.runs = tuple(sorted(runs))


def _written(box: Inbox, after: int, until: int, folder: Path, report: MoveReport) -> dict[str, Path]:
    """The entries of a range as files of lines, one file a source; named alike whenever the range is moved."""
    files: dict[str, Path] = {}
    with ExitStack() as stack:
        opened: dict[str, Any] = {}
        for entry in box.entries(after, until):
            if entry.source not in opened:
                files[entry.source] = folder / f"inbox-{entry.source}-{after + 1}-{until}.jsonl"
                opened[entry.source] = stack.enter_context(files[entry.source].open("wb"))
            opened[entry.source].write(entry.body + b"\n")
            report.moved += 1
    return files


def _landed(app: App, source: str, file: Path, runs: set[str]) -> Iterator[IngestReport]:
    """What became of the lines of a file. One that the source cannot read at all is halved until the line is found."""
    try:
        yield _land(app, source, file, runs)
    except (duckdb.OutOfMemoryException, duckdb.IOException, duckdb.InterruptException):
        raise
    except (SourceError, duckdb.Error) as wrong:
        if isinstance(wrong.__cause__, duckdb.Error | OSError):  # the machine's fault, not the line's
            raise
        lines = file.read_bytes().splitlines(keepends=True)
        if len(lines) == 1:
            yield _refuse(app, source, file.name, lines[0], wrong)
            return
        for name, part in (("a", lines[: len(lines) // 2]), ("b", lines[len(lines) // 2 :])):
            half = file.with_name(f"{file.stem}{name}{file.suffix}")
            half.write_bytes(b"".join(part))
            yield from _landed(app, source, half, runs)


def _land(app: App, source: str, file: Path, runs: set[str]) -> IngestReport:
    options: Mapping[str, str] = getattr(app.settings.intake, source, {})
    request = Request([file], dict(options), pseudonym_key(app.settings), app.settings.engine.memory_limit_mib)
    deliveries = SOURCES.get(source).read(request)
    return land(news(app.lake, source, deliveries, runs), app.lake, app.progress)


def _quarantine(app: App, file: Path) -> IngestReport:
    """What was found unfit at the door goes to quarantine with its reason; its text was not kept."""
    rows = []
    for number, line in enumerate(file.read_bytes().splitlines(), 1):
        told = json.loads(line)
        row = {"source": told["source"], "kind": "statements", "file": f"POST {told['source']}", "line": number}
        place = f"Element {told['place'] + 1} of a request: {told['detail']}"
        name = record_id(told["source"], "rejects", f"{file.name}\x1f{number}\x1f{line.hex()}")
        rows.append(row | {"id": name, "reason": told["reason"], "detail": place, "raw": f"sha256 {told['sha256']}"})
    app.lake.reject(pa.Table.from_pylist(rows, schema=REJECTS))
    report = IngestReport()
    report.kinds["statements"] = Counts(read=len(rows), quarantined=len(rows))
    report.reasons.update(row["reason"] for row in rows)
    return report


def _refuse(app: App, source: str, file: str, line: bytes, wrong: Exception) -> IngestReport:
    """A line that stopped the source as a whole goes to quarantine without its text, which may name a person."""
    row = {
        "id": record_id(source, "rejects", f"{file}\x1f{line.hex()}"),
        "source": source,
        "kind": "statements",
        "file": file,
        "line": 1,
        "reason": UNREADABLE,
        "detail": f"The source could not read this record ({type(wrong).__name__}).",
        "raw": "",
    }
    app.lake.reject(pa.Table.from_pylist([row], schema=REJECTS))
    report = IngestReport()
    report.kinds["statements"] = Counts(read=1, quarantined=1)
    report.reasons[UNREADABLE] = 1
    return report
