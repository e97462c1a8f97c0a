"""Attachments and their statements: each has data or an address, each part its attachment, each signature its proof.

Sound statements are expected (`validate`). Who stores the data, and for how long, is no matter of this module.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from headway.intake.xapi.multipart import (
    HASH_HEADER,
    Part,
    attachment_part,
    is_multipart,
    read_multipart,
    write_multipart,
)
from headway.intake.xapi.parts import SIGNATURE_USAGE
from headway.intake.xapi.refusal import Refused
from headway.intake.xapi.signatures import check_signature

__all__ = [
    "Attachment",
    "Part",
    "attachment_part",
    "is_multipart",
    "match_attachments",
    "read_multipart",
    "write_multipart",
]

_HASHES: Final = {56: hashlib.sha224, 64: hashlib.sha256, 96: hashlib.sha384, 128: hashlib.sha512}


@dataclass(frozen=True, slots=True)
class Attachment:
    """The data of an attachment, as it came.

    Attributes:
        sha2: its SHA-2 sum, in small letters; what statements name it by.
        content_type: as the statement has it.
        content: the raw octets.
    """

    sha2: str
    content_type: str
    content: bytes


def match_attachments(
    statements: Sequence[Mapping[str, Any]], parts: Sequence[Part] | None, version: str
) -> list[Attachment]:
    """The data that came with the statements, each once, in order of the parts.

    Args:
        statements: sound.
        parts: of a multipart/mixed request, those after the first; None for a request of application/json.
        version: of the request.

    Raises:
        Refused: an attachment has neither data nor fileUrl, a part belongs to no attachment or is not what its headers
            say, or a signature is not of its statement.
    """
    held = _by_sum(parts or ())
    used: dict[str, Attachment] = {}
    for place, statement in enumerate(statements):
        base = f"$[{place}]" if len(statements) > 1 else "$"
        for path, header in _headers(statement, base):
            found = _data_of(header, held.get(header["sha2"].lower(), ()), path, multipart=parts is not None)
            if found is not None:
                used.setdefault(found.sha2, found)
            if header["usageType"] == SIGNATURE_USAGE:
                _check_signed(statement, found, path, version)
    for number, part in enumerate(parts or (), start=2):
        if part.headers[HASH_HEADER].lower() not in used:
            raise Refused(
                "Communication 1.5.2.s2.b2.b2", f"part {number}", "belongs to no attachment. Leave it out, or name it."
            )
    return list(used.values())


def _by_sum(parts: Sequence[Part]) -> dict[str, list[Part]]:
    """The parts by the SHA-2 sum in their headers, once it is found to be the sum of what they hold."""
    held: dict[str, list[Part]] = {}
    for number, part in enumerate(parts, start=2):
        told = part.headers[HASH_HEADER].lower()
        algorithm = _HASHES.get(len(told))
        if algorithm is None or algorithm(part.content).hexdigest() != told:
            raise Refused(
                "Communication 1.5.2.s1.b4",
                f"part {number}",
                "has an X-Experience-API-Hash that is not the SHA-2 sum of its content. Send the octets unchanged.",
            )
        length = part.headers.get("content-length")
        if length is not None and length != str(len(part.content)):
            raise Refused(
                "Communication 1.5.2.s2.b2.b7",
                f"part {number}",
                f"has {len(part.content)} octets, not what its Content-Length says. Correct it, or leave it out.",
            )
        held.setdefault(told, []).append(part)
    return held


def _headers(statement: Mapping[str, Any], path: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The attachments of a statement and of its SubStatement, with their paths."""
    for place, header in enumerate(statement.get("attachments", ())):
        yield f"{path}.attachments[{place}]", header
    if statement["object"].get("objectType") == "SubStatement":
        for place, header in enumerate(statement["object"].get("attachments", ())):
            yield f"{path}.object.attachments[{place}]", header


def _data_of(header: Mapping[str, Any], held: Sequence[Part], path: str, *, multipart: bool) -> Attachment | None:
    if not held:
        if "fileUrl" in header:
            return None
        if multipart:
            raise Refused(
                "Communication 1.5.2.s3.b5", path, "has neither a fileUrl nor a part of the same SHA-2 sum. Add one."
            )
        raise Refused("Communication 1.5.2.s2.b1", path, "has no fileUrl. Add it, or send the data as multipart/mixed.")
    wanted = _plain(header["contentType"])
    part = next((part for part in held if part.content_type is None or _plain(part.content_type) == wanted), None)
    if part is None:
        raise Refused(
            "Communication 1.5.2.s2.b2.b7",
            f"{path}.contentType",
            "is not the Content-Type of its part. Make them equal.",
        )
    if "content-length" in part.headers and header["length"] != len(part.content):
        raise Refused(
            "Communication 1.5.2.s2.b2.b7", f"{path}.length", "is not the Content-Length of its part. Make them equal."
        )
    return Attachment(header["sha2"].lower(), header["contentType"], part.content)


def _check_signed(statement: Mapping[str, Any], found: Attachment | None, path: str, version: str) -> None:
    if found is None:
        raise Refused(
            "Data 2.6.s5.b3.b1", path, "is a signature without its data. Send it as a part of multipart/mixed."
        )
    check_signature(statement, found.content, version, path)


def _plain(content_type: str) -> str:
    return "".join(content_type.split()).lower()
