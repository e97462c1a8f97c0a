"""The multipart/mixed form in which statements travel with their attachments (Communication 1.5.2, RFC 2046).

Bytes in, parts out, and back. What the parts must be to the statements is asked in `attachments`.
"""

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from headway.intake.xapi.refusal import Refused, TooLarge

HASH_HEADER: Final = "x-experience-api-hash"
ENCODING_HEADER: Final = "content-transfer-encoding"
MOST_PARTS: Final = 1_000
LONGEST_HEADERS: Final = 16 * 2**10

_RULE: Final = "Communication 1.5.2.s2.b2"
_BOUNDARY: Final = re.compile(r""";\s*boundary\s*=\s*(?:"([^"]{1,70})"|([^\s";,]{1,70}))""", re.IGNORECASE)
_ALLOWED: Final = re.compile(r"[0-9A-Za-z'()+_,\-./:=? ]{0,69}[0-9A-Za-z'()+_,\-./:=?]")
_HEADER: Final = re.compile(r"([!-9;-~]+)[ \t]*:[ \t]*(.*?)[ \t]*", re.DOTALL)
_FOLD: Final = re.compile(r"\r\n[ \t]+")


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a multipart message.

    Attributes:
        headers: by name in small letters.
        content: the raw octets.
    """

    headers: Mapping[str, str]
    content: bytes

    @property
    def content_type(self) -> str | None:
        """Its Content-Type, None where it has none."""
        return self.headers.get("content-type")


def is_multipart(content_type: str) -> bool:
    """Whether a request's Content-Type is multipart/mixed."""
    return content_type.partition(";")[0].strip().lower() == "multipart/mixed"


def read_multipart(body: bytes, content_type: str) -> tuple[bytes, list[Part]]:
    """The JSON of the statements, and the parts of the attachments, in order.

    Args:
        body: of the request.
        content_type: of the request, with its boundary.

    Raises:
        Refused: the message is not as RFC 2046 has it, its first part is not JSON, or a header is missing.
        TooLarge: there are more parts, or longer headers, than are taken.
    """
    if not is_multipart(content_type):
        raise Refused(_RULE, "Content-Type", "is not multipart/mixed. Send attachments in that form.")
    parts = [_part(piece, place) for place, piece in enumerate(_pieces(body, _boundary(content_type)))]
    statements, *attached = parts
    if (statements.content_type or "").partition(";")[0].strip().lower() != "application/json":
        raise Refused(f"{_RULE}.b1", "part 1", "has not the Content-Type application/json. Send the statements first.")
    for place, part in enumerate(attached, start=2):
        if HASH_HEADER not in part.headers:
            raise Refused(f"{_RULE}.b3", f"part {place}", "lacks the header X-Experience-API-Hash. Add the SHA-2 sum.")
        if part.headers.get(ENCODING_HEADER, "").lower() != "binary":
            raise Refused(f"{_RULE}.b4", f"part {place}", "lacks the header Content-Transfer-Encoding: binary. Add it.")
    return statements.content, attached


def write_multipart(statements: bytes, attached: Iterable[Part]) -> tuple[str, bytes]:
    """The Content-Type and the body of an answer with attachments: the statements' JSON first, then the parts.

    The boundary follows from the contents and occurs in none of them, so that equal answers are equal to the byte.
    """
    parts = [Part({"Content-Type": "application/json"}, statements), *attached]
    boundary = _free_boundary(parts)
    lines: list[bytes] = []
    for part in parts:
        lines.append(f"--{boundary}\r\n".encode("ascii"))
        lines += [f"{name}: {value}\r\n".encode() for name, value in part.headers.items()]
        lines += [b"\r\n", part.content, b"\r\n"]
    lines.append(f"--{boundary}--\r\n".encode("ascii"))
    return f"multipart/mixed; boundary={boundary}", b"".join(lines)


def attachment_part(sha2: str, content_type: str, content: bytes) -> Part:
    """The part that carries an attachment's data in an answer."""
    headers = {
        "Content-Type": content_type,
        "Content-Transfer-Encoding": "binary",
        "X-Experience-API-Hash": sha2,
        "Content-Length": str(len(content)),
    }
    return Part(headers, content)


def _boundary(content_type: str) -> bytes:
    found = _BOUNDARY.search(content_type)
    text = (found[1] or found[2]) if found else ""
    if not _ALLOWED.fullmatch(text):
        raise Refused(_RULE, "Content-Type", "has no boundary as in RFC 2046. Add boundary=… of 1 to 70 characters.")
    return text.encode("ascii")


def _pieces(body: bytes, boundary: bytes) -> list[bytes]:
    """What stands between the delimiters; each begins with the rest of its delimiter's line."""
    delimiter = b"\r\n--" + boundary
    if body.count(delimiter) > MOST_PARTS:
        raise TooLarge("Communication 3.2.s3.b11", "body", f"has more than {MOST_PARTS} parts. Send it in several.")
    pieces: list[bytes] = []
    for piece in (b"\r\n" + body).split(delimiter)[1:]:
        if piece.startswith(b"--"):
            if not pieces:
                raise Refused(f"{_RULE}.b1", "body", "has no part. Send the statements as the first part.")
            return pieces
        pieces.append(piece)
    raise Refused(_RULE, "body", "does not end with the closing boundary, or its lines do not end with CRLF.")


def _part(piece: bytes, place: int) -> Part:
    path = f"part {place + 1}"
    padding, newline, rest = piece.partition(b"\r\n")
    if not newline or padding.strip(b" \t"):
        raise Refused(_RULE, path, "has something behind its boundary. Choose a boundary that occurs nowhere else.")
    if rest.startswith(b"\r\n"):
        return Part({}, rest[2:])
    head, blank, content = rest.partition(b"\r\n\r\n")
    if not blank:
        raise Refused(_RULE, path, "has no empty line between headers and content. Add one.")
    if len(head) > LONGEST_HEADERS:
        raise TooLarge("Communication 3.2.s3.b11", path, f"has more than {LONGEST_HEADERS} bytes of headers.")
    headers: dict[str, str] = {}
    for line in _FOLD.sub(" ", head.decode("utf-8", "replace")).split("\r\n"):
        found = _HEADER.fullmatch(line)
        if found is None:
            raise Refused(_RULE, path, "has a line among its headers that is none. Write Name: value.")
        headers[found[1].lower()] = found[2]
    return Part(headers, content)


def _free_boundary(parts: list[Part]) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part.content)
    boundary = digest.hexdigest()[:32]
    while any(boundary.encode("ascii") in part.content for part in parts):
        digest.update(b"another")
        boundary = digest.hexdigest()[:32]
    return boundary
