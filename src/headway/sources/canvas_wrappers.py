"""Live Events as queues and streams hand them on: SQS and SNS messages, Kinesis records, EventBridge details.

Promises a file of plain events, one per line, with whatever cannot be unwrapped left as it came, so that it is refused
later at its place. What the wrapper says of the delivery is dropped: it differs each time the same event is delivered.
"""

import base64
import gzip
import json
import re
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, Final, cast

from headway.domain.errors import SourceError

HEAD_BYTES: Final = 1 << 16

_WRAPPED: Final = re.compile(
    rb'"(?:Records|Messages|kinesis|detail-type|messageId|MessageId|ReceiptHandle|receiptHandle)"\s*:'
)
_LISTS: Final = ("Records", "Messages", "records", "messages")
_INSIDE: Final = ("kinesis", "detail", "Body", "Data", "data", "Message", "Sns")


def is_wrapped(head: bytes) -> bool:
    """Whether a text that begins with `head` holds events in messages of a queue or stream."""
    return bool(_WRAPPED.search(head))


def unwrap(path: Path, name: str, target: Path) -> Path:
    """`target`, to which the events in the file at `path` were written, one per line.

    Raises:
        SourceError: the file is damaged as a whole.
    """
    try:
        with _opened(path) as stream, target.open("w", encoding="utf-8") as out:
            for document in _documents(stream):
                for event in _events(document):
                    out.write(event + "\n")
    except (EOFError, zlib.error, gzip.BadGzipFile) as wrong:
        raise SourceError(f"{name} is damaged or cut short ({wrong}). Download it again; nothing was read.") from wrong
    except OSError as wrong:
        raise SourceError(
            f"{name} cannot be read ({wrong.strerror or wrong}). Check the path and its rights."
        ) from wrong
    return target


def head_of(path: Path, name: str) -> bytes:
    """The first bytes of the text at `path`, decompressed.

    Raises:
        SourceError: it cannot be read or decompressed.
    """
    try:
        with _opened(path) as stream:
            return stream.read(HEAD_BYTES)
    except (EOFError, zlib.error, gzip.BadGzipFile) as wrong:
        raise SourceError(f"{name} is damaged or cut short ({wrong}). Download it again; nothing was read.") from wrong
    except OSError as wrong:
        raise SourceError(
            f"{name} cannot be read ({wrong.strerror or wrong}). Check the path and its rights."
        ) from wrong


def _opened(path: Path) -> IO[bytes]:
    return cast(IO[bytes], gzip.open(path, "rb")) if path.suffix == ".gz" else path.open("rb")


def _documents(stream: IO[bytes]) -> Iterator[Any]:
    """Each JSON document: of one per line, or the whole text; a line that is not JSON comes as it stands."""
    first = stream.readline()
    try:
        yield json.loads(first)
    except (ValueError, RecursionError):
        text = (first + stream.read()).decode("utf-8", "replace")
        try:
            yield json.loads(text)
        except (ValueError, RecursionError):
            yield from (_document(line) for line in text.splitlines() if line.strip())
        return
    for line in stream:
        if line.strip():
            yield _document(line.decode("utf-8", "replace"))


def _document(line: str) -> Any:
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return line


def _events(document: Any) -> Iterator[str]:
    if isinstance(document, list):
        for element in document:
            yield from _events(element)
        return
    if isinstance(document, dict):
        listed = next((document[key] for key in _LISTS if isinstance(document.get(key), list)), None)
        if listed is not None:
            yield from _events(listed)
            return
        yield json.dumps(_inside(document), ensure_ascii=False)
        return
    yield document.replace("\n", " ") if isinstance(document, str) else json.dumps(document)


def _inside(message: dict[str, Any], depth: int = 4) -> Any:
    """The event in a message, or the message itself where there is none to be seen."""
    if "metadata" in message or "eventTime" in message or depth == 0:
        return message
    for key in (*_INSIDE, "body"):
        held = message.get(key)
        if isinstance(held, str):
            held = _decoded(held)
        if isinstance(held, dict):
            return _inside(held, depth - 1)
    return message


def _decoded(text: str) -> Any:
    """The JSON that a text holds, plain, in base64, or compressed in base64; else None."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        pass
    try:
        packed = base64.b64decode(text, validate=True)
        return json.loads(gzip.decompress(packed) if packed[:2] == b"\x1f\x8b" else packed)
    except (ValueError, EOFError, OSError, zlib.error, RecursionError):
        return None
