"""Requests and answers of xAPI (Communication) on a real server: a table of examples, each named by its requirement.

Every answer, whatever became of the request, is held to two requirements more: the version it is of (3.3.s3.b1), and up
to when all statements are found (2.1.3.s2.b5).
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

import httpx
import pytest

from tests.support.served import Served, make_key, serving, statement

pytestmark = pytest.mark.service

ONE, TWO = "1.0.3", "2.0.0"
PATH = "/xapi/statements"
VERSION, THROUGH = "X-Experience-API-Version", "X-Experience-API-Consistent-Through"
UNKNOWN = "1f7cf5a0-6c5e-4b5c-9d0c-3f6a2b8e9d01"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
JSON = {"Content-Type": "application/json"}


@dataclass(frozen=True)
class Row:
    """One request and the status of its answer.

    Attributes:
        requirement: as the standard numbers it.
        note: what the example shows.
        method: of the request.
        target: path and parameters.
        status: of the answer.
        headers: of the request; None takes one away.
        content: of the request.
        versions: of xAPI in which it is so.
        known: whether a key is sent.
    """

    requirement: str
    note: str
    method: str
    target: str
    status: int
    headers: Mapping[str, str | None] = field(default_factory=dict)
    content: str | None = None
    versions: tuple[str, ...] = (ONE, TWO)
    known: bool = True


def sent(**more: Any) -> str:
    return json.dumps(statement(1, **more))


def form(**told: str) -> str:
    return urlencode({name.replace("_", "-"): value for name, value in told.items()})


def kept(number: str = UNKNOWN) -> str:
    return json.dumps({name: value for name, value in statement(1).items() if name != "id"} | {"id": number})


ROWS = [
    Row("Communication 1.1.s3.b1", "of statements", "HEAD", PATH, 200),
    Row("Communication 1.1.s3.b1", "of none", "HEAD", f"{PATH}?statementId={UNKNOWN}", 404),
    Row("Communication 1.1.s3.b1", "of a fault", "HEAD", f"{PATH}?limit=all", 400),
    Row("Communication 1.1.s3.b1", "of the about resource", "HEAD", "/xapi/about", 200, known=False),
    Row("Communication 1.3.s3.b2", "a method in a PUT", "PUT", f"{PATH}?method=PUT", 400, JSON, sent()),
    Row("Communication 1.3.s3.b2", "a method in a GET", "GET", f"{PATH}?method=GET", 400),
    Row("Communication 1.3.s3.b2", "no method of xAPI", "POST", f"{PATH}?method=get", 400, FORM, "limit=1"),
    Row("Communication 1.3.s3.b3", "another parameter", "POST", f"{PATH}?method=GET&limit=1", 400, FORM, "verb=urn:x"),
    Row("Communication 1.3.s3.b4", "no content", "POST", f"{PATH}?method=PUT", 400, FORM, form(statementId=UNKNOWN)),
    Row("Communication 1.3.s3.b4", "an empty form", "POST", f"{PATH}?method=PUT", 400, FORM, ""),
    Row("Communication 1.3.s3.b4", "JSON for a form", "POST", f"{PATH}?method=POST", 400, FORM, sent()),
    Row(
        "Communication 1.3.s3.b7",
        "the form's version before the header's",
        "POST",
        f"{PATH}?method=GET",
        400,
        FORM,
        form(X_Experience_API_Version="0.95"),
        versions=(ONE,),
    ),
    Row("Communication 1.3.s3.b14", "no header of xAPI", "POST", f"{PATH}?method=GET", 400, FORM, "Accept-Language=de"),
    Row("Communication 1.3.s3.b15", "a question", "POST", f"{PATH}?method=GET", 200, FORM, "limit=1", versions=(ONE,)),
    Row(
        "Communication 1.3.s3.b15",
        "a statement",
        "POST",
        f"{PATH}?method=POST",
        200,
        FORM,
        form(content=sent()),
        versions=(ONE,),
    ),
    Row("IEEE 9274.1.1 4.1.3", "a question", "POST", f"{PATH}?method=GET", 400, FORM, "limit=1", versions=(TWO,)),
    Row(
        "IEEE 9274.1.1 4.1.3",
        "a statement",
        "POST",
        f"{PATH}?method=POST",
        400,
        FORM,
        form(content=sent()),
        versions=(TWO,),
    ),
    Row(
        "IEEE 9274.1.1 4.1.3",
        "its version in the form alone",
        "POST",
        f"{PATH}?method=GET",
        400,
        {**FORM, VERSION: None},
        form(X_Experience_API_Version=TWO),
        versions=(TWO,),
    ),
    Row("Communication 1.5.s1.b1", "text", "POST", PATH, 400, {"Content-Type": "text/plain"}, sent()),
    Row("Communication 1.5.s1.b1", "no type", "POST", PATH, 400, {}, sent()),
    Row("Communication 2.1.1.s1", "an array", "PUT", f"{PATH}?statementId={UNKNOWN}", 400, JSON, f"[{sent()}]"),
    Row("Communication 2.1.1.s2.table1.row1", "no statementId", "PUT", PATH, 400, JSON, sent()),
    Row("Communication 2.1.1.s2.table1.row1", "no UUID", "PUT", f"{PATH}?statementId=one", 400, JSON, sent()),
    Row("Communication 2.1.1.s3.b3", "another id", "PUT", f"{PATH}?statementId={UNKNOWN}", 400, JSON, sent()),
    Row("Communication 2.1.2.s2.b6", "an id twice", "POST", PATH, 400, JSON, f"[{kept()},{kept()}]"),
    Row(
        "Communication 2.1.3.s2.b1", "both ids", "GET", f"{PATH}?statementId={UNKNOWN}&voidedStatementId={UNKNOWN}", 400
    ),
    Row("Communication 2.1.3.s2.b2", "an id and a limit", "GET", f"{PATH}?voidedStatementId={UNKNOWN}&limit=1", 400),
    Row("Communication 2.1.3.s2.b4", "nothing found", "GET", f"{PATH}?verb=urn:nobody:did", 200),
    Row("Communication 2.8.s4", "versions", "GET", "/xapi/about", 200, known=False),
    Row("Communication 3.2.s2.b2", "no key", "GET", PATH, 401, known=False),
    Row("Communication 3.2.s2.b2", "no key, to send", "POST", PATH, 401, JSON, sent(), known=False),
    Row("Communication 3.2.s2.b4", "an unknown id", "GET", f"{PATH}?statementId={UNKNOWN}", 404),
    Row("Communication 3.2.s2.b4", "an unknown voided one", "GET", f"{PATH}?voidedStatementId={UNKNOWN}", 404),
    Row("Communication 3.2.s3.b7", "of statements", "GET", f"{PATH}?colour=red", 400),
    Row("Communication 3.2.s3.b7", "of a POST", "POST", f"{PATH}?limit=1", 400, JSON, sent()),
    Row("Communication 3.2.s3.b7", "of the about resource", "GET", "/xapi/about?colour=red", 400),
    Row("Communication 3.2.s3.b8", "capitals", "GET", f"{PATH}?Limit=1", 400),
    Row("Communication 3.2.s3.b8", "capitals in a PUT", "PUT", f"{PATH}?StatementId={UNKNOWN}", 400, JSON, kept()),
    Row("Communication 3.2.s3.b9", "one unsound of two", "POST", PATH, 400, JSON, f"[{kept()},{{}}]"),
    Row("Communication 3.3.s3.b2", "no version", "GET", PATH, 400, {VERSION: None}, versions=(TWO,)),
    Row("Communication 3.3.s3.b2", "no version in a POST", "POST", PATH, 400, {**JSON, VERSION: None}, sent(), (TWO,)),
    Row("Communication 3.3.s3.b3", "1.0", "GET", f"{PATH}?limit=1", 200, {VERSION: "1.0"}, versions=(ONE,)),
    Row("Communication 3.3.s3.b4", "0.95", "GET", PATH, 400, {VERSION: "0.95"}, versions=(TWO,)),
    Row("Communication 3.3.s3.b5", "1.0.9", "GET", f"{PATH}?limit=1", 200, {VERSION: "1.0.9"}, versions=(ONE,)),
    Row("Communication 3.3.s3.b6", "1.1.0", "GET", PATH, 400, {VERSION: "1.1.0"}, versions=(TWO,)),
    Row("Communication 3.2.s3.b1", "DELETE", "DELETE", f"{PATH}?statementId={UNKNOWN}", 405),
    Row("Communication 3.2.s3.b1", "DELETE without a key", "DELETE", PATH, 405, known=False),
]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The home that the server of this module serves."""
    return tmp_path_factory.mktemp("spoken") / "home"


@pytest.fixture(scope="module")
def key(home: Path) -> tuple[str, str]:
    """A key for everything."""
    return make_key(home)


@pytest.fixture(scope="module")
def served(home: Path, key: tuple[str, str]) -> Iterator[Served]:
    """The server."""
    assert key
    with serving(home) as running:
        yield running


def examples() -> list[Any]:
    """The rows in each of their versions."""
    return [
        pytest.param(row, version, id=f"{row.requirement.replace(' ', '-')} {row.note} ({version})")
        for row in ROWS
        for version in row.versions
    ]


@pytest.mark.parametrize(("row", "version"), examples())
def test_a_request_is_answered_as_required(served: Served, key: tuple[str, str], row: Row, version: str) -> None:
    given = {name: value for name, value in {VERSION: version, **row.headers}.items() if value is not None}
    with httpx.Client(base_url=served.url, auth=key if row.known else None, timeout=60) as client:
        answer = client.request(row.method, row.target, headers=given, content=row.content)
    assert answer.status_code == row.status, answer.text
    assert answer.headers.get_list(VERSION) == [version]
    through = answer.headers.get_list(THROUGH)
    assert len(through) == row.target.startswith(PATH)
    assert all(datetime.fromisoformat(each).tzinfo is not None for each in through)
    if row.method == "HEAD":
        assert answer.content == b""
    elif row.status >= 400:
        assert answer.json()["error"]["request_id"] == answer.headers["x-request-id"]


@pytest.mark.parametrize("version", [ONE, TWO])
@pytest.mark.parametrize("asked", ["", "?limit=1", f"?statementId={UNKNOWN}", "?since=never", "?attachments=true"])
def test_head_says_what_get_says(served: Served, key: tuple[str, str], asked: str, version: str) -> None:
    """Communication 1.1.s3.b1: the same status and headers, but for what belongs to one request or moment."""
    with httpx.Client(base_url=served.url, auth=key, headers={VERSION: version}, timeout=60) as client:
        get, head = client.get(PATH + asked), client.head(PATH + asked)
    momentary = {"date", "x-request-id", THROUGH.lower()}
    told = [{name: text for name, text in each.headers.items() if name not in momentary} for each in (get, head)]
    assert (head.status_code, head.content, told[1]) == (get.status_code, b"", told[0])


def test_a_refused_batch_leaves_nothing_behind(served: Served, key: tuple[str, str]) -> None:
    """Communication 3.2.s3.b9, 2.1.1.s2.b2: neither a sound one among unsound ones, nor another under a known id."""
    first, name = statement(1), str(uuid4())
    with httpx.Client(base_url=served.url, auth=key, headers={VERSION: ONE}, timeout=60) as client:
        assert client.post(PATH, json=[statement(2, id=name), {}]).status_code == 400
        assert client.get(PATH, params={"statementId": name}).status_code == 404
        assert client.post(PATH, json=first).status_code == 200
        other = {**first, "verb": {"id": "https://example.org/verbs/other"}}
        assert client.post(PATH, json=other).status_code == 409
        assert client.put(PATH, params={"statementId": first["id"]}, json=other).status_code == 409
        assert client.get(PATH, params={"statementId": first["id"]}).json()["verb"] == first["verb"]
