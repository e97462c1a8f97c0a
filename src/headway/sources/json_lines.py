"""JSON events as they come, staged column by column: lines, documents, pages and envelopes, whole or damaged.

Promises that each line or element either has its fields in the staged table or is refused once with its place, and that
what names a person stays behind: fields that identify are hashed on the way in, and refused text is masked. Lines are
cut into Arrow columns without a Python loop over them; only a file that is one document is walked element by element.
"""

import codecs
import gzip
import io
import json
import zlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import IO, Final, cast

import numpy as np
import pyarrow as pa

from headway.domain.errors import SourceError
from headway.governance.pseudonyms import hmac_sql
from headway.sources.delimited import RAW_CHARACTERS, readable
from headway.sources.staging import Staging, name_sql, text_sql

CHUNK_BYTES: Final = 8 << 20
LONGEST_EVENT_BYTES: Final = 16 << 20
LONGEST_DOCUMENT: Final = 256 << 20  # characters
HEAD_BYTES: Final = 1 << 20

ENVELOPE: Final = "@envelope:"
"""Prefix of a field's path that is looked up in the object around the list rather than in its element."""

_STREAM: Final = pa.schema([("line", pa.int64()), ("doc", pa.string()), ("fault", pa.string())])
_DETAILS: Final = {
    "bad_json": "The line is not a whole JSON object.",
    "bad_encoding": "The line has bytes that are not UTF-8 text.",
    "line_too_long": f"The event is longer than {LONGEST_EVENT_BYTES} bytes.",
}

_IDENTIFYING: Final = (
    "user_?name|user|login|login_id|user_login|e?mail|mbox|mbox_sha1sum|openid|name|full_?name|given_?name|family_?name|"
    "first_?name|last_?name|short_name|display_name|sortable_name|student_name|ip|ip_address|client_ip|remote_addr|"
    "user_?id|student_id|sis_user_id|sis_id|user_uuid|user_sis_id|phone"
)
_MASKS: Final = (
    (rf'(\\*"(?:{_IDENTIFYING})\\*"\s*:\s*)(?:\\*"(?:[^"\\]|\\[^"])*|-?[0-9][0-9.eE+]*)', r"\1***"),
    (r"[\w.+%-]+@[\w-]+\.[\w.-]+", "***"),
    (r"\b\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}\b", "***"),
    (r'(/(?:users?|people|persons?|accounts?|profile|u)/)[^/"\s\\?]+', r"\1***"),
)


def masked_sql(text: str) -> str:
    """An SQL expression for the text expression `text` with names, mails, addresses and user ids masked."""
    for pattern, instead in _MASKS:
        text = f"regexp_replace({text}, {text_sql(pattern)}, {text_sql(instead)}, 'gi')"
    return f"left(trim({text}, chr(10) || chr(13)), {RAW_CHARACTERS})"


def load_json(
    staging: Staging,
    table: str,
    kind: str,
    paths: Sequence[tuple[Path, str]],
    fields: Mapping[str, str],
    *,
    lists: Sequence[str] = (),
    hashed: Collection[str] = (),
    key: bytes = b"",
    prefixed: bool = False,
) -> None:
    """Stage the JSON objects of files in the new table `table`, one text column per field.

    Files may be gzip-compressed and hold JSON lines, one array, or one or more objects of any layout. The table has
    `file_no`, `file` and `line` besides: the number of the line or, where a file holds lists, of the event.

    Args:
        staging: where to.
        table: the new table.
        kind: the record kind under which a refused line is counted.
        paths: files with the names that users know them by.
        fields: column to path. `$.a.b` is a JSON path; `x|y` takes the first that is there. `$.event>$.id` reads the
            text found at the first path as JSON again, and `$.event,$.data>$.id` that of the first of these that is
            there. A path that begins with ENVELOPE looks around the list; `@` is the whole event. What is an object or
            an array comes as JSON text; an empty text is null.
        lists: keys under which an object holds a list of events, each of which is then a row.
        hashed: columns of which only the pseudonym is kept.
        key: the workspace's key for pseudonyms.
        prefixed: whether a line may begin with something else, such as what syslog puts before each message.

    Raises:
        SourceError: a file is empty, damaged as a whole, or cannot be read.
        ConfigError: something is to be hashed and the key is empty.
    """
    columns = ", ".join(f"{name_sql(name)} VARCHAR" for name in fields)
    staging.run(
        f"CREATE TABLE {table} (file_no INTEGER, file VARCHAR, line BIGINT, {columns}, fault VARCHAR, raw VARCHAR)"
    )
    select = _select(fields, lists, hashed, key, prefixed)
    for number, (path, name) in enumerate(paths):
        events = _elements(path, name) if _is_document(path, name) else _lines(path, name)
        with staging.arriving("arriving_json", _STREAM, events):
            staging.run(f"INSERT INTO {table} SELECT {number}, $name, {select}", name=name)
    reasons = " ".join(f"WHEN {text_sql(code)} THEN {text_sql(detail)}" for code, detail in _DETAILS.items())
    staging.run(
        f"INSERT INTO refused SELECT {text_sql(kind)}, file, line, fault, CASE fault {reasons} END, "
        f"{masked_sql('raw')} FROM {table} WHERE fault IS NOT NULL"
    )
    staging.run(f"DELETE FROM {table} WHERE fault IS NOT NULL")
    staging.run(f"ALTER TABLE {table} DROP fault")
    staging.run(f"ALTER TABLE {table} DROP raw")


@dataclass(slots=True)
class _Lookup:
    """Paths to be looked up in the JSON text of one column, all at once."""

    text: str
    paths: list[str] = field(default_factory=list)

    def place(self, path: str) -> str:
        """SQL for what is at `path`, which need not be there; an empty text is null."""
        if path not in self.paths:
            self.paths.append(path)
        return f"nullif(found_in_{self.text}[{self.paths.index(path) + 1}], '')"

    def sql(self) -> str:
        """SQL for everything looked up; null where the text is no JSON."""
        paths = ", ".join(text_sql(path) for path in self.paths)
        return f"TRY(json_extract_string({self.text}, [{paths}])) AS found_in_{self.text}"


def _select(
    fields: Mapping[str, str], lists: Sequence[str], hashed: Collection[str], key: bytes, prefixed: bool
) -> str:
    """SQL from the line number on: each event's fields, or its fault and text."""
    event, envelope = _Lookup("event"), _Lookup("envelope")
    inner: dict[str, _Lookup] = {}
    made = {name: _field(path, event, envelope, inner) for name, path in fields.items()}
    for name in hashed:
        made[name] = f"if(value_{name} IS NULL, NULL, {hmac_sql(f'value_{name}', key)})"
    plain = {name: _field(fields[name], event, envelope, inner) for name in hashed}
    if not event.paths:
        event.place("$.id")
    rows = _listed(lists) if lists else _SINGLE
    if prefixed:
        rows = f"(SELECT * REPLACE ({_WITHOUT_PREFIX} AS event) FROM {rows})"
    rows = _within(rows, [event.sql()] + ([envelope.sql()] if envelope.paths else []))
    if inner:
        rows = _within(rows, [f"{outer} AS {each.text}" for outer, each in inner.items()])
        rows = _within(rows, [each.sql() for each in inner.values()])
    if plain:
        rows = _within(rows, [f"{value} AS value_{name}" for name, value in plain.items()])
    sound = "fault IS NULL AND found_in_event IS NOT NULL AND starts_with(ltrim(event, chr(9) || ' '), '{')"
    values = ", ".join(made.values())
    return (
        f"line, {values}, if({sound}, NULL, coalesce(fault, 'bad_json')), if({sound}, NULL, event) FROM {rows} "
        r"WHERE fault IS NOT NULL OR NOT regexp_full_match(event, '\s*')"
    )


_SINGLE: Final = "(SELECT line, doc AS event, doc AS envelope, fault FROM arriving_json)"


_WITHOUT_PREFIX: Final = "if(starts_with(event, '{') OR NOT contains(event, '{'), event, event[instr(event, '{') :])"


def _listed(lists: Sequence[str]) -> str:
    """SQL for the events of documents of which some hold lists, numbered in their order."""
    held = ", ".join(f"TRY(json_extract(doc, {text_sql(f'$.{name}')}))" for name in lists)
    held = f"list_filter([{held}], lambda each: each IS NOT NULL AND json_type(each) = 'ARRAY')[1]"
    each = "if(held IS NULL, [doc], json_extract(held, '$[*]')::VARCHAR[])"
    return (
        "(SELECT row_number() OVER () AS line, event, envelope, fault FROM "
        f"(SELECT unnest({each}) AS event, doc AS envelope, fault FROM "
        f"(SELECT doc, fault, {held} AS held FROM arriving_json)))"
    )


def _within(rows: str, columns: Sequence[str]) -> str:
    return f"(SELECT *, {', '.join(columns)} FROM {rows})"


def _field(path: str, event: _Lookup, envelope: _Lookup, inner: dict[str, _Lookup]) -> str:
    found = []
    for choice in path.split("|"):
        if choice == "@":
            found.append("event")
            continue
        outer, _, nested = choice.removeprefix(ENVELOPE).partition(">")
        around = envelope if choice.startswith(ENVELOPE) else event
        places = [around.place(each) for each in outer.split(",")]
        place = f"coalesce({', '.join(places)})" if len(places) > 1 else places[0]
        if nested:
            place = inner.setdefault(place, _Lookup(f"inner_{len(inner)}")).place(nested)
        found.append(place)
    return f"coalesce({', '.join(found)})" if len(found) > 1 else found[0]


def _opened(path: Path) -> IO[bytes]:
    return cast(IO[bytes], gzip.open(path, "rb")) if path.suffix == ".gz" else path.open("rb")


@contextmanager
def _readable(name: str) -> Iterator[None]:
    """Turns what may go wrong with a whole file into an error that says what to do."""
    try:
        yield
    except (EOFError, zlib.error, gzip.BadGzipFile) as wrong:
        raise SourceError(f"{name} is damaged or cut short ({wrong}). Download it again; nothing was read.") from wrong
    except OSError as wrong:
        raise SourceError(
            f"{name} cannot be read ({wrong.strerror or wrong}). Check the path and its rights."
        ) from wrong


def _is_document(path: Path, name: str) -> bool:
    """Whether a file is to be walked element by element, because its first line is no event of its own."""
    with _readable(name), _opened(path) as stream:
        head = stream.read(HEAD_BYTES).removeprefix(codecs.BOM_UTF8).lstrip()
        if not head:
            _look_through(stream)
            raise SourceError(f"{name} is empty. Download it again, or take it away if it is not needed.")
        # A file that is damaged further on must be refused before any of its events is used.
        if path.suffix == ".gz":
            _look_through(stream)
    if not _has_object(head):
        raise SourceError(f"{name} holds no JSON objects in UTF-8. Is it the right file?")
    first, _, rest = head.partition(b"\n")
    try:
        return not isinstance(json.loads(first), dict)
    except ValueError:
        if head.startswith(b"["):
            return True
        # A line that was cut off is followed by whole ones; a document laid out over lines is not.
        return head.startswith(b"{") and not any(line.lstrip().startswith(b"{") for line in rest.splitlines()[:1])


def _has_object(head: bytes) -> bool:
    """Whether any of the first things that look like a JSON object is one, or may become one further on."""
    text, decoder = head.decode("utf-8", "replace"), json.JSONDecoder()
    place = -1
    for _ in range(1000):
        place = text.find("{", place + 1)
        if place < 0:
            return False
        try:
            if decoder.raw_decode(text, place)[0]:
                return True
        except json.JSONDecodeError as wrong:
            if wrong.pos >= len(text) - 1 and len(head) >= HEAD_BYTES - len(codecs.BOM_UTF8):
                return True
        except RecursionError:
            continue
    return False


def _look_through(stream: IO[bytes]) -> None:
    while stream.read(CHUNK_BYTES):
        pass


def _lines(path: Path, name: str) -> Iterator[pa.RecordBatch]:
    """The lines of a file, in columns; a chunk that is not text through and through is taken line by line."""
    number = 1
    with _readable(name), _opened(path) as stream:
        for chunk in _whole_lines(stream):
            ends = np.flatnonzero(np.frombuffer(chunk, np.uint8) == ord("\n")).astype(np.int32) + 1
            if not len(ends) or ends[-1] != len(chunk):
                ends = np.append(ends, np.int32(len(chunk)))
            numbers = pa.array(np.arange(number, number + len(ends)))
            if _is_text(chunk) and np.diff(ends, prepend=0).max() <= LONGEST_EVENT_BYTES:
                offsets = np.concatenate([np.zeros(1, np.int32), ends])
                docs = pa.StringArray.from_buffers(len(ends), pa.py_buffer(offsets), pa.py_buffer(chunk))
                faults = pa.nulls(len(ends), pa.string())
            else:
                checked = [_checked(chunk[start:end]) for start, end in pairwise([0, *ends.tolist()])]
                docs = pa.array([doc for doc, _ in checked], pa.string())
                faults = pa.array([fault for _, fault in checked], pa.string())
            yield pa.RecordBatch.from_arrays([numbers, docs, faults], schema=_STREAM)
            number += len(ends)


def _whole_lines(stream: IO[bytes]) -> Iterator[bytes]:
    """Chunks that end with a line; of a line without end no more is held than tells that it is too long."""
    rest = stream.read(len(codecs.BOM_UTF8)).removeprefix(codecs.BOM_UTF8)
    while chunk := stream.read(CHUNK_BYTES):
        end = chunk.rfind(b"\n") + 1
        if end:
            yield rest + chunk[:end]
            rest = chunk[end:]
        elif len(rest) <= LONGEST_EVENT_BYTES:
            rest += chunk
    if rest:
        yield rest


def _is_text(chunk: bytes) -> bool:
    try:
        chunk.decode()
    except UnicodeDecodeError:
        return False
    return b"\0" not in chunk


def _checked(line: bytes) -> tuple[str, str | None]:
    if len(line) > LONGEST_EVENT_BYTES:
        return readable(line), "line_too_long"
    return (line.decode(), None) if _is_text(line) else (readable(line), "bad_encoding")


def _elements(path: Path, name: str) -> Iterator[pa.RecordBatch]:
    """The objects of a file that is one document, or several, laid out in any way; an outer array is opened."""
    held: list[tuple[str, str | None]] = []
    number = 1
    with (
        _readable(name),
        _opened(path) as stream,
        io.TextIOWrapper(stream, encoding="utf-8", errors="replace", newline="") as text,
    ):
        for element in _walked(text):
            held.append(element)
            if len(held) == 10_000:
                yield _element_batch(held, number)
                number += len(held)
                held = []
    if held:
        yield _element_batch(held, number)


def _element_batch(held: list[tuple[str, str | None]], number: int) -> pa.RecordBatch:
    docs, faults = zip(*held, strict=True)
    numbers = pa.array(range(number, number + len(held)), pa.int64())
    return pa.RecordBatch.from_arrays(
        [numbers, pa.array(docs, pa.string()), pa.array(faults, pa.string())], schema=_STREAM
    )


_BETWEEN: Final = "\ufeff \t\r\n,[]"


def _walked(stream: IO[str]) -> Iterator[tuple[str, str | None]]:
    """Each JSON value with the fault it has; what cannot be read is skipped up to the next line that opens one."""
    decoder = json.JSONDecoder()
    text, ended = "", False
    while True:
        text = text.lstrip(_BETWEEN)
        if not text:
            text = stream.read(CHUNK_BYTES)
            if not text:
                return
            continue
        try:
            _, end = decoder.raw_decode(text)
        except (ValueError, RecursionError):
            if not ended and len(text) <= LONGEST_DOCUMENT:
                # Twice as much each time, so that a long document is not tried again and again.
                more = stream.read(max(CHUNK_BYTES, len(text)))
                ended = not more
                text += more
                continue
            following = text.find("\n{", 1)
            end = len(text) if following < 0 else following
            yield text[: min(end, RAW_CHARACTERS)].replace("\0", "\\x00"), "bad_json"
        else:
            yield _told(text[:end])
        text = text[end:]


def _told(element: str) -> tuple[str, str | None]:
    return (element.replace("\ufffd", "?"), "bad_encoding") if "\ufffd" in element else (element, None)
