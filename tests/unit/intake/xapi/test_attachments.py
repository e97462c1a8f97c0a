"""Attachments as multipart/mixed: Communication 1.5, there and back."""

import hashlib
import json
import re
from typing import Any

import pytest

from headway.intake.xapi.attachments import (
    Attachment,
    Part,
    attachment_part,
    is_multipart,
    match_attachments,
    read_multipart,
    write_multipart,
)
from headway.intake.xapi.statement import Refused, TooLarge, validate
from tests.support.xapi import ONE, SMALL, WORLD

ESSAY = b"\x00 an essay,\r\nin two lines \xff"
DRAWING = b""
MIXED = "multipart/mixed; boundary=b0undary"


def sha(content: bytes, algorithm: str = "sha256") -> str:
    return hashlib.new(algorithm, content).hexdigest()


def header(content: bytes, kind: str = "text/plain", **changes: Any) -> dict[str, Any]:
    made = {
        "usageType": f"{WORLD}/usage/essay",
        "display": {"en": "Essay"},
        "contentType": kind,
        "length": len(content),
        "sha2": sha(content),
    }
    return {key: value for key, value in {**made, **changes}.items() if value is not None}


def with_attachments(*headers: dict[str, Any]) -> dict[str, Any]:
    statement = {**SMALL, "attachments": list(headers)}
    validate(statement, ONE)
    return statement


def part(content: bytes, **headers: str) -> Part:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Part({"x-experience-api-hash": sha(content), "content-transfer-encoding": "binary", **named}, content)


def test_an_answer_can_be_read_again() -> None:
    statements = json.dumps(SMALL).encode()
    parts = [attachment_part(sha(each), "text/plain", each) for each in (ESSAY, DRAWING)]
    content_type, body = write_multipart(statements, parts)
    read, found = read_multipart(body, content_type)
    assert read == statements
    assert [each.content for each in found] == [ESSAY, DRAWING]
    assert found[0].headers == {
        "content-type": "text/plain",
        "content-transfer-encoding": "binary",
        "x-experience-api-hash": sha(ESSAY),
        "content-length": str(len(ESSAY)),
    }
    assert write_multipart(statements, parts) == (content_type, body)
    matched = match_attachments([with_attachments(header(ESSAY), header(DRAWING))], found, ONE)
    assert [each.content for each in matched] == [ESSAY, DRAWING]


def test_the_boundary_occurs_in_no_part() -> None:
    first, _ = write_multipart(b"{}", [])
    boundary = first.partition("boundary=")[2]
    second, body = write_multipart(b"{}", [Part({}, f"--{boundary}".encode())])
    assert read_multipart_parts(body) == 3
    assert boundary not in second


def test_the_boundary_needs_no_quotes() -> None:
    content_type, body = write_multipart(b"{}", [])
    told = content_type.removeprefix("multipart/mixed; boundary=")
    assert re.fullmatch(r"[0-9A-Za-z]{1,70}", told)  # many readers take what stands there as it stands
    assert body.startswith(f"--{told}\r\n".encode())


def read_multipart_parts(body: bytes) -> int:
    return body.count(body[: body.index(b"\r\n")])


def message(*parts: bytes, boundary: bytes = b"b0undary", end: bytes = b"--") -> bytes:
    return b"".join(b"--" + boundary + b"\r\n" + each + b"\r\n" for each in parts) + b"--" + boundary + end


FIRST = b"Content-Type: application/json\r\n\r\n{}"
SECOND = f"X-Experience-API-Hash: {sha(b'x')}\r\nContent-Transfer-Encoding: binary\r\n\r\nx".encode()


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (message(FIRST, SECOND), MIXED),
        (b"preamble\r\n" + message(FIRST, SECOND) + b"\r\nepilogue", MIXED),
        (
            message(FIRST, SECOND, boundary=b"a b'()+_,-./:=?"),
            'Multipart/Mixed ; charset=x; BOUNDARY="a b\'()+_,-./:=?"',
        ),
        (message(b"content-TYPE:application/json;charset=utf-8\r\n\r\n{}", SECOND), MIXED),
        (message(FIRST, SECOND.replace(b"binary", b"Binary ")), MIXED),
        (message(FIRST, SECOND.replace(b": binary", b":\r\n binary")), MIXED),
        (message(FIRST, SECOND).replace(b"b0undary\r\nX-", b"b0undary  \t\r\nX-"), MIXED),
    ],
)
def test_messages_of_rfc_2046(body: bytes, content_type: str) -> None:
    statements, parts = read_multipart(body, content_type)
    assert (statements, [each.content for each in parts]) == (b"{}", [b"x"])


@pytest.mark.parametrize(
    ("body", "content_type", "requirement"),
    [
        (message(FIRST), "application/json", "Communication 1.5.2.s2.b2"),
        (message(FIRST), "multipart/form-data; boundary=b0undary", "Communication 1.5.2.s2.b2"),
        (message(FIRST), "multipart/mixed", "Communication 1.5.2.s2.b2"),
        (message(FIRST), "multipart/mixed; boundary=", "Communication 1.5.2.s2.b2"),
        (message(FIRST), 'multipart/mixed; boundary="b0undary "', "Communication 1.5.2.s2.b2"),
        (message(FIRST), "multipart/mixed; boundary=other", "Communication 1.5.2.s2.b2"),
        (message(FIRST, end=b""), MIXED, "Communication 1.5.2.s2.b2"),
        (message(FIRST).replace(b"\r\n", b"\n"), MIXED, "Communication 1.5.2.s2.b2"),
        (message(), MIXED, "Communication 1.5.2.s2.b2.b1"),
        (b"", MIXED, "Communication 1.5.2.s2.b2"),
        (message(b"\r\n{}"), MIXED, "Communication 1.5.2.s2.b2.b1"),
        (message(b"Content-Type: text/plain\r\n\r\n{}"), MIXED, "Communication 1.5.2.s2.b2.b1"),
        (message(SECOND, FIRST), MIXED, "Communication 1.5.2.s2.b2.b1"),
        (message(FIRST, b"Content-Transfer-Encoding: binary\r\n\r\nx"), MIXED, "Communication 1.5.2.s2.b2.b3"),
        (message(FIRST, b"X-Experience-API-Hash: 1\r\n\r\nx"), MIXED, "Communication 1.5.2.s2.b2.b4"),
        (message(FIRST, SECOND.replace(b"binary", b"base64")), MIXED, "Communication 1.5.2.s2.b2.b4"),
        (message(FIRST, b"no header\r\n\r\nx"), MIXED, "Communication 1.5.2.s2.b2"),
        (message(FIRST, b"Name: value"), MIXED, "Communication 1.5.2.s2.b2"),
        (message(FIRST, b"N\xff: value\r\n\r\nx"), MIXED, "Communication 1.5.2.s2.b2"),
        (message(FIRST + b"\r\n--b0undary5\r\nx"), MIXED, "Communication 1.5.2.s2.b2"),
    ],
)
def test_other_messages_are_refused(body: bytes, content_type: str, requirement: str) -> None:
    with pytest.raises(Refused) as refused:
        read_multipart(body, content_type)
    assert refused.value.requirement == requirement


@pytest.mark.parametrize(
    "body", [message(FIRST, *[b"\r\n"] * 1001), message(FIRST, b"X: " + b"x" * 20_000 + b"\r\n\r\n")]
)
def test_messages_without_measure_are_too_large(body: bytes) -> None:
    with pytest.raises(TooLarge):
        read_multipart(body, MIXED)


def test_only_mixed_is_multipart() -> None:
    assert is_multipart(" multipart/MIXED; boundary=x")
    assert not is_multipart("multipart/mixedx")
    assert not is_multipart("application/json")


def test_data_are_matched_by_their_sum_alone() -> None:
    statements = [with_attachments(header(ESSAY)), with_attachments(header(ESSAY), header(DRAWING, "image/png"))]
    found = match_attachments(statements, [part(DRAWING), part(ESSAY)], ONE)
    assert found == [Attachment(sha(ESSAY), "text/plain", ESSAY), Attachment(sha(DRAWING), "image/png", DRAWING)]


@pytest.mark.parametrize("algorithm", ["sha224", "sha256", "sha384", "sha512"])
def test_every_sha_2_will_do(algorithm: str) -> None:
    told = sha(ESSAY, algorithm)
    sent = Part({"x-experience-api-hash": told.upper(), "content-transfer-encoding": "binary"}, ESSAY)
    assert match_attachments([with_attachments(header(ESSAY, sha2=told))], [sent], ONE)[0].sha2 == told


def test_an_address_will_do_in_either_form() -> None:
    elsewhere = with_attachments(header(ESSAY, fileUrl=f"{WORLD}/files/1"))
    assert match_attachments([elsewhere], None, ONE) == []
    assert match_attachments([elsewhere], [], ONE) == []
    assert match_attachments([SMALL], None, ONE) == []
    assert match_attachments([SMALL], [], ONE) == []


def test_attachments_of_a_sub_statement_count() -> None:
    inner = {"objectType": "SubStatement", **SMALL, "attachments": [header(ESSAY)]}
    statement = {**SMALL, "object": inner}
    validate(statement, ONE)
    assert match_attachments([statement], [part(ESSAY)], ONE)[0].content == ESSAY
    with pytest.raises(Refused) as refused:
        match_attachments([statement], None, ONE)
    assert refused.value.path == "$.object.attachments[0]"


@pytest.mark.parametrize(
    ("headers", "parts", "requirement"),
    [
        ([header(ESSAY)], None, "Communication 1.5.2.s2.b1"),
        ([header(ESSAY)], [], "Communication 1.5.2.s3.b5"),
        ([header(ESSAY)], [part(DRAWING)], "Communication 1.5.2.s3.b5"),
        ([header(ESSAY), header(DRAWING)], [part(ESSAY)], "Communication 1.5.2.s3.b5"),
        ([], [part(ESSAY)], "Communication 1.5.2.s2.b2.b2"),
        ([header(ESSAY)], [part(ESSAY), part(DRAWING)], "Communication 1.5.2.s2.b2.b2"),
        ([header(ESSAY)], [part(ESSAY, x_experience_api_hash=sha(b"y"))], "Communication 1.5.2.s1.b4"),
        ([header(ESSAY)], [part(ESSAY, x_experience_api_hash="essay")], "Communication 1.5.2.s1.b4"),
        ([header(ESSAY)], [part(ESSAY, content_type="image/png")], "Communication 1.5.2.s2.b2.b7"),
        ([header(ESSAY)], [part(ESSAY, content_length="3")], "Communication 1.5.2.s2.b2.b7"),
        (
            [header(ESSAY, length=3)],
            [part(ESSAY, content_length=str(len(ESSAY)))],
            "Communication 1.5.2.s2.b2.b7",
        ),
    ],
)
def test_what_does_not_fit_is_refused(
    headers: list[dict[str, Any]], parts: list[Part] | None, requirement: str
) -> None:
    with pytest.raises(Refused) as refused:
        match_attachments([with_attachments(*headers)], parts, ONE)
    assert refused.value.requirement == requirement


def test_data_are_matched_by_their_sum_and_no_other_way() -> None:
    """Communication 1.5.2.s1.b4: a wrong length in the statement is no reason to refuse a part that tells none."""
    sent = [with_attachments(header(ESSAY, length=3))]
    assert match_attachments(sent, [part(ESSAY)], ONE)[0].content == ESSAY


def test_types_are_compared_without_case_and_space() -> None:
    sent = part(ESSAY, content_type="Text/Plain;charset=UTF-8")
    assert match_attachments([with_attachments(header(ESSAY, "text/plain; charset=utf-8"))], [sent], ONE)
