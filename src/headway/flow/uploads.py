"""A file that somebody sends over the web: kept aside, looked at without writing anything, then loaded once as a job.

A file lies in a folder of its own under the home, readable for its owner alone, until it is loaded, given up, or a day
old. Its name is only ever a name, never a path; a source is given that file and nothing else of the machine.
"""

import hashlib
import json
import os
import re
import shutil
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, BinaryIO, Final
from uuid import UUID, uuid4

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from headway.domain.errors import Conflict, InputError, NotPermitted, SourceError, TooLarge, UnknownName
from headway.flow.app import App
from headway.flow.records import ingest
from headway.governance import audit
from headway.settings import KEY_BYTES, pseudonym_key
from headway.sources.source import SOURCES, Request
from headway.store import jobs
from headway.store.jobs import Job

LOAD_JOB: Final = "load_upload"
FOLDER: Final = "uploads"
MAPPING: Final = "csv"
"""The source that needs a second file: which column is what."""

NOT_FROM_FILES: Final = frozenset({"simulated", "warehouse", "coded-texts", "tracing"})
"""Sources that make data, ask a database, or read what is no record of a course."""

OPTIONS: Final = ("run", "zone", "starts", "ends")
"""Options that may be given with a file; none of them names a file, an address or a secret."""

KEPT_FOR: Final = timedelta(hours=24)
CHUNK: Final = 1 << 20
FIRST_ROWS: Final = 5
FIRST_ERRORS: Final = 20
MOST_CHARACTERS: Final = 80
ERASED: Final = (
    "This file was removed when somebody was erased from here: it names them, or has rows that cannot be read, so that "
    "nobody could tell. Leave them out, mend or leave out the rows that would be refused, and send it again."
)
_UNREADABLE: Final = "This file cannot be read as what you chose (%s). Choose another kind, or export it again."
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._ ()-]{0,99}")


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that was sent.

    Attributes:
        id: also the id of the job that loads it.
        source: how it is to be read.
        name: the file's name.
        bytes: how long it is.
        digest: SHA-256 of its content.
        mapping: name of the mapping file; empty where there is none.
        options: the source's options.
        by: who sent it.
        at: when.
    """

    id: str
    source: str
    name: str
    bytes: int
    digest: str
    mapping: str
    options: Mapping[str, str]
    by: str
    at: datetime


@dataclass(frozen=True, slots=True)
class RowError:
    """A row that would go to quarantine."""

    kind: str
    file: str
    line: int | None
    reason: str
    detail: str


@dataclass(slots=True)
class Preview:
    """What loading a file would do; nothing was written.

    Attributes:
        kinds: rows that would become records, and rows that would not, by record kind.
        reasons: rows refused by reason.
        rows: the first records of each kind: names of columns, then values as text.
        errors: the first rows refused.
        runs: runs that the file is about.
        notes: what the source had to say.
        wrong: why the file as a whole cannot be read; empty where it can.
    """

    kinds: dict[str, tuple[int, int]] = field(default_factory=dict)
    reasons: Counter[str] = field(default_factory=Counter)
    rows: dict[str, tuple[tuple[str, ...], list[tuple[str, ...]]]] = field(default_factory=dict)
    errors: list[RowError] = field(default_factory=list)
    runs: set[str] = field(default_factory=set)
    notes: tuple[str, ...] = ()
    wrong: str = ""

    @property
    def accepted(self) -> int:
        """Rows that would become records."""
        return sum(good for good, _ in self.kinds.values())

    @property
    def refused(self) -> int:
        """Rows that would not."""
        return sum(bad for _, bad in self.kinds.values())


def uploadable() -> list[tuple[str, str]]:
    """Name and summary of each source that reads files."""
    return [(source.name, source.summary) for source in SOURCES if source.name not in NOT_FROM_FILES]


def most_bytes(app: App) -> int:
    """How long a file may be: as long as a request may be."""
    return app.settings.server.max_body_mib << 20


def keep_upload(
    app: App,
    source: str,
    name: str,
    content: BinaryIO,
    *,
    mapping: tuple[str, BinaryIO] | None = None,
    options: Mapping[str, str] | None = None,
) -> Upload:
    """The file, kept aside.

    Args:
        app: the home; its actor is whose file it is.
        source: how it is to be read, one of `uploadable`.
        name: its name as sent.
        content: what is in it.
        mapping: name and content of the mapping file, for tables.
        options: of `OPTIONS`, those given.

    Raises:
        UnknownName: no such source reads files.
        InputError: a name is a path or has strange characters, the file is empty, or a mapping is missing or not due.
        TooLarge: it is longer than a request may be.
    """
    if source not in {each for each, _ in uploadable()}:
        raise UnknownName("No source of this name reads files. Choose one of the list.")
    if (source == MAPPING) != (mapping is not None):
        raise InputError("Tables need a mapping file (TOML) beside them, and only tables do.")
    given = {key: text for key, text in (options or {}).items() if text}
    known = SOURCES.get(source).options
    for key in given:
        if key not in OPTIONS or key not in known:
            raise InputError(f"The source {source} takes no {key} with a file. Leave it empty.")
    names = [file_name(name), *([file_name(mapping[0])] if mapping else [])]
    if len(set(names)) < len(names):
        raise InputError("The file and its mapping have the same name. Rename one of them.")
    sweep(app)
    made = Upload(str(uuid4()), source, names[0], 0, "", names[1] if mapping else "", given, app.actor, app.clock.now())
    folder = _folder(app) / made.id
    folder.mkdir(mode=0o700)
    whole = False
    try:
        size, digest = _write(folder / names[0], content, most_bytes(app))
        if mapping is not None:
            _write(folder / names[1], mapping[1], most_bytes(app) - size)
        made = replace(made, bytes=size, digest=digest)
        _write_bytes(folder / "about.json", json.dumps(asdict(made) | {"at": made.at.isoformat()}).encode())
        whole = True
    finally:
        if not whole:
            shutil.rmtree(folder, ignore_errors=True)
    with app.store.begin() as connection:
        detail = {"upload": made.id, "bytes": made.bytes, "sha256": made.digest}
        audit.record(connection, made.at, app.actor, "upload", source, detail)
    return made


def find_upload(app: App, upload: str) -> Upload:
    """A file of the actor's own that was sent and is still here.

    Raises:
        UnknownName: there is none.
        NotPermitted: somebody else sent it.
    """
    about = _place(app, upload) / "about.json"
    if not about.is_file():
        raise UnknownName("This file is not here any more. Send it again.")
    found = _read_upload(about)
    if found.by != app.actor:
        raise NotPermitted("Somebody else sent this file.")
    return found


def preview(app: App, upload: Upload) -> Preview:
    """What loading the file would do. Reads and checks all of it, writes nothing."""
    found = Preview()
    try:
        deliveries = SOURCES.get(upload.source).read(_request(app, upload))
        for delivery in deliveries:
            good = 0
            for batch in delivery.records:
                _first(found, delivery.kind, batch)
                good += batch.num_rows
            _errors(found, delivery.rejects)
            before = found.kinds.get(delivery.kind, (0, 0))
            found.kinds[delivery.kind] = before[0] + good, before[1] + delivery.rejects.num_rows
        found.notes = tuple(getattr(deliveries, "notes", ()))
    except duckdb.Error as wrong:
        found.wrong = _UNREADABLE % type(wrong).__name__
    except (SourceError, InputError) as wrong:
        found.wrong = str(wrong).replace(str(_folder(app)), "").replace(f"/{upload.id}/", "")
    return found


def confirmation(upload: Upload, found: Preview) -> str:
    """What is typed to load a file: its name and how many rows would become records."""
    return f"{upload.name} {found.accepted}"


def ask_for_load(app: App, upload: Upload, found: Preview) -> Job:
    """The job that loads the file; asking again gives the same job.

    Raises:
        Conflict: nothing in the file can be loaded.
    """
    if found.wrong or not found.accepted:
        raise Conflict("Nothing in this file can be loaded. Mend it and send it again.")
    request: dict[str, Any] = {
        "upload": upload.id,
        "source": upload.source,
        "name": upload.name,
        "sha256": upload.digest,
    }
    request |= {"by": upload.by, "rows": found.accepted}
    with app.store.begin() as connection:
        job = jobs.submit(connection, LOAD_JOB, request, app.clock.now(), id=upload.id)
        audit.record(connection, app.clock.now(), app.actor, "ask for load", upload.source, {"job": job.id})
    return job


def load_job(app: App, upload: str) -> Job | None:
    """The job that loads a file of the actor's own; None where it was not asked for.

    Raises:
        NotPermitted: somebody else asked for it.
    """
    with app.store.read() as connection:
        try:
            job = jobs.get(connection, _id(upload))
        except UnknownName:
            return None
    if job.kind != LOAD_JOB:
        return None
    if job.request.get("by") != app.actor:
        raise NotPermitted("Somebody else sent this file.")
    return job


def again(app: App, upload: str) -> Job:
    """The load that failed, to be tried again now.

    Raises:
        UnknownName: it was not asked for, or the file is gone.
        Conflict: it runs, or is done.
    """
    find_upload(app, upload)
    with app.store.begin() as connection:
        job = jobs.revive(connection, upload, app.clock.now())
        audit.record(connection, app.clock.now(), app.actor, "ask for load", job.request["source"], {"job": job.id})
    return job


def give_up(app: App, upload: Upload) -> None:
    """Removes a file that is not to be loaded.

    Raises:
        Conflict: it is being loaded.
    """
    job = load_job(app, upload.id)
    if job is not None and job.state in ("waiting", "running"):
        raise Conflict("This file is being loaded. Wait until that is over.")
    shutil.rmtree(_place(app, upload.id), ignore_errors=True)


def run_load_job(app: App, job: Job, alive: Callable[[], None]) -> dict[str, Any]:
    """What came of loading a file; the file is removed then. Its progress is noted in the job on the way.

    Raises:
        UnknownName: the file is gone.
        Conflict: it is not the file that was looked at.
        SourceError: it cannot be read.
    """
    request = job.request
    upload = find_upload(_as(app, str(request.get("by"))), str(request.get("upload")))
    file = _place(app, upload.id) / upload.name
    with file.open("rb") as content:
        digest = hashlib.file_digest(content, "sha256").hexdigest()
    if digest != request.get("sha256"):
        raise Conflict("This is not the file that was looked at. Send it again.")
    parts: list[str] = []

    def told(text: str) -> None:
        alive()
        parts.append(text)
        with app.store.begin() as connection:
            jobs.note(connection, job, {"parts": parts[-8:]})

    try:
        report = ingest(replace(_as(app, upload.by), progress=told), upload.source, [file], _options(app, upload))
    except duckdb.Error as wrong:
        raise SourceError(_UNREADABLE % type(wrong).__name__) from wrong
    shutil.rmtree(_place(app, upload.id), ignore_errors=True)
    total = asdict(report.total)
    return total | {"seconds": round(report.seconds, 1), "reasons": dict(report.reasons), "parts": parts[-8:]}


def erase_from_uploads(app: App, learner: str) -> int:
    """How many waiting files were removed because they name the learner, or because that could not be told.

    It cannot be told of a file that is not to be read as a whole, or of which a row would be refused. Who sent such a
    file finds that and why among their loads, under the kind of the file: its name may be somebody's.

    Raises:
        Conflict: a file that may name them is being loaded, which would bring them back.
    """
    busy, found = _busy(app), []
    for about in sorted((app.settings.home / FOLDER).glob("*/about.json")):
        if _may_name(app, _read_upload(about), learner):
            if about.parent.name in busy:
                raise Conflict(
                    "A file that was sent over the web and may name this learner is being loaded. Erase them again "
                    "when the load is over: headway job list."
                )
            found.append(about)
    with app.store.begin() as connection:
        for about in found:
            upload = _read_upload(about)
            request = {"upload": upload.id, "source": upload.source, "name": upload.source, "by": upload.by, "rows": 0}
            jobs.submit(connection, LOAD_JOB, request, upload.at, id=upload.id)
            jobs.call_off(connection, upload.id, ERASED, request, {"removed": True})
    for about in found:
        shutil.rmtree(about.parent)
    return len(found)


def _may_name(app: App, upload: Upload, learner: str) -> bool:
    try:
        for delivery in SOURCES.get(upload.source).read(_request(app, upload)):
            for batch in delivery.records:
                if "learner" in batch.schema.names and pc.any(pc.equal(batch["learner"], learner)).as_py():
                    return True
            if delivery.rejects.num_rows:
                return True
    except (duckdb.Error, SourceError, InputError, ValueError, OSError):  # whatever is wrong with it, it may name them
        return True
    return False


def _busy(app: App) -> set[str]:
    """The files that wait to be loaded, or are being loaded."""
    with app.store.read() as connection:
        waiting, going = jobs.all_jobs(connection, "waiting"), jobs.all_jobs(connection, "running")
    return {job.id for job in (*waiting, *going)}


def sweep(app: App) -> int:
    """How many files were removed that nobody loaded within a day."""
    now, removed, busy = app.clock.now(), 0, _busy(app)
    for folder in _folder(app).iterdir():
        about = folder / "about.json"
        if folder.name in busy:
            continue
        at = datetime.fromisoformat(json.loads(about.read_text(encoding="utf-8"))["at"]) if about.is_file() else None
        if at is not None and now - at > KEPT_FOR:
            shutil.rmtree(folder, ignore_errors=True)
            removed += 1
    return removed


def file_name(name: str) -> str:
    """The name of a file, which is nothing but a name.

    Raises:
        InputError: it is a path, or has characters that no export has.

    >>> file_name("studentInfo.csv")
    'studentInfo.csv'
    """
    if not _NAME.fullmatch(name) or ".." in name or name == "about.json":
        raise InputError(
            "A file's name has letters, digits, points, dashes and spaces only, 100 at most. Rename the file."
        )
    return name


def _read_upload(about: Path) -> Upload:
    row = json.loads(about.read_text(encoding="utf-8"))
    return Upload(**(row | {"at": datetime.fromisoformat(row["at"])}))


def _request(app: App, upload: Upload) -> Request:
    """How the file is read to be looked at; where no pseudonym was ever made, none is."""
    key_there = app.settings.secrets.pseudonym_key_file.exists()
    key = pseudonym_key(app.settings) if key_there else bytes(KEY_BYTES)
    file = _place(app, upload.id) / upload.name
    return Request([file], _options(app, upload), key, app.settings.engine.memory_limit_mib)


def _as(app: App, actor: str) -> App:
    return replace(app, actor=actor)


def _options(app: App, upload: Upload) -> dict[str, str]:
    options = dict(upload.options)
    if upload.mapping:
        options["map"] = str(_place(app, upload.id) / upload.mapping)
    return options


def _folder(app: App) -> Path:
    folder = app.settings.home / FOLDER
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder


def _place(app: App, upload: str) -> Path:
    return _folder(app) / _id(upload)


def _id(upload: str) -> str:
    """The id, which is one of ours: nothing else becomes part of a path."""
    try:
        if str(UUID(upload)) == upload:
            return upload
    except ValueError:
        pass
    raise UnknownName("There is no such file.")


def _write(place: Path, content: BinaryIO, most: int) -> tuple[int, str]:
    digest, size = hashlib.sha256(), 0
    with os.fdopen(os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        while chunk := content.read(CHUNK):
            size += len(chunk)
            if size > most:
                raise TooLarge(
                    "server.max_body_mib",
                    place.name,
                    f"It is longer than {most >> 20} MiB. Load it with: headway source import.",
                )
            digest.update(chunk)
            file.write(chunk)
    if size == 0:
        raise InputError(f"{place.name} is empty. Choose another file.")
    return size, digest.hexdigest()


def _write_bytes(place: Path, content: bytes) -> None:
    with os.fdopen(os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)


def _first(found: Preview, kind: str, batch: pa.RecordBatch) -> None:
    if batch.num_rows == 0:
        return
    found.runs.update(str(run) for run in batch.column("run").unique().to_pylist() if run)
    columns = tuple(name for name in batch.schema.names if name not in ("id", "source"))
    rows = found.rows.setdefault(kind, (columns, []))[1]
    for row in batch.slice(0, max(0, FIRST_ROWS - len(rows))).select(list(columns)).to_pylist():
        rows.append(tuple(_text(row[name]) for name in columns))


def _errors(found: Preview, rejects: pa.Table) -> None:
    found.reasons.update(rejects["reason"].to_pylist())
    wanted = max(0, FIRST_ERRORS - len(found.errors))
    for row in rejects.slice(0, wanted).to_pylist():
        detail = masked(row["detail"] or "")
        found.errors.append(RowError(row["kind"], Path(row["file"] or "").name, row["line"], row["reason"], detail))


def _text(value: Any) -> str:
    if value is None:
        return ""
    text = value.isoformat() if hasattr(value, "isoformat") else str(value)
    return text if len(text) <= MOST_CHARACTERS else f"{text[: MOST_CHARACTERS - 1]}…"


_MAIL: Final = re.compile(r"[^\s,;:<>\"']+@[^\s,;:<>\"']+")
_LONG_NUMBER: Final = re.compile(r"\d{5,}")


def masked(detail: str) -> str:
    """A sentence about a row without what may be somebody: mail addresses and long numbers.

    >>> masked("email is ann@x.org, id 123456")
    'email is …, id …'
    """
    return _LONG_NUMBER.sub("…", _MAIL.sub("…", detail))
