"""Pulling statements from a learning record store: a stub on loopback that pages, throttles and hides late ones."""

import base64
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from headway.domain.errors import ConfigError, InputError, SourceError
from headway.sources.source import Reading, Request
from headway.sources.xapi import Xapi
from headway.sources.xapi_pull import pull
from tests.contract.source_cases import KEY

PAGE = 2


def statement(number: int) -> dict[str, Any]:
    return {
        "id": f"00000000-0000-4000-8000-{number:012d}",
        "actor": {"account": {"homePage": "https://lms.example", "name": f"learner {number}"}},
        "verb": {"id": "http://adlnet.gov/expapi/verbs/experienced"},
        "object": {"id": "urn:x:page"},
        "timestamp": f"2024-03-05T10:00:{number:02d}Z",
        "stored": f"2024-03-05T10:01:{number:02d}.000Z",
    }


@dataclass
class Lrs:
    """What the stub holds, and what it was asked."""

    statements: list[dict[str, Any]]
    asked: list[tuple[str, dict[str, list[str]]]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    more: str = "/xapi/statements?continue={place}"
    consistent: str | None = None
    answer: Any = None
    url: str = ""


@pytest.fixture
def lrs() -> Iterator[Lrs]:
    held = Lrs([statement(number) for number in range(5)])

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            query = parse_qs(parts.query)
            held.asked.append((parts.path, query))
            held.headers.append({name.lower(): value for name, value in self.headers.items()})
            place = int(query.get("continue", ["0"])[0])
            since = query.get("since", [""])[0]
            found = [each for each in held.statements if each["stored"] > since]
            more = held.more.format(place=place + PAGE) if place + PAGE < len(found) else ""
            page = held.answer or {"statements": found[place : place + PAGE], "more": more}
            text = json.dumps(page).encode()
            self.send_response(200)
            if held.consistent:
                self.send_header("X-Experience-API-Consistent-Through", held.consistent)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *args: Any) -> None:
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    held.url = f"http://127.0.0.1:{server.server_address[1]}/xapi/"
    yield held
    server.shutdown()
    thread.join()
    server.server_close()


def read(lrs: Lrs, **options: str) -> tuple[Reading, list[dict[str, Any]]]:
    reading = Xapi().read(Request([], {"endpoint": lrs.url, "run": "xapi/bio/2024", **options}, KEY))
    rows: list[dict[str, Any]] = []
    for delivery in reading:
        table = delivery.records.read_all()
        rows += table.to_pylist() if delivery.kind == "statements" else []
    return reading, rows


def test_all_pages_are_followed_relative_to_the_root_of_the_server(lrs: Lrs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_KEY", "me")
    monkeypatch.setenv("SOME_SECRET", "pass:word")
    reading, rows = read(lrs, key_env="SOME_KEY", secret_env="SOME_SECRET")
    assert [row["recorded_at"].second for row in rows] == [0, 1, 2, 3, 4]
    assert [path for path, _ in lrs.asked] == ["/xapi/statements"] * 3
    for headers in lrs.headers:
        assert headers["x-experience-api-version"] == "1.0.3"
        assert base64.b64decode(headers["authorization"].removeprefix("Basic ")) == b"me:pass:word"
    assert reading.next_since == "2024-03-05T10:01:04Z"
    (note,) = reading.notes
    assert note.startswith(f"5 statements came from {lrs.url.removeprefix('http://')}statements. ")
    assert note.endswith("since=2024-03-05T10:01:04Z")


def test_the_next_pull_starts_where_the_last_one_ended_and_doubles_nothing(lrs: Lrs) -> None:
    first, rows = read(lrs)
    assert first.next_since is not None
    lrs.statements.append(statement(40))
    second, again = read(lrs, since=first.next_since)
    assert lrs.asked[-3][1]["since"] == ["2024-03-05T10:00:04Z"]  # a minute earlier, so that nothing is passed over
    assert {row["id"] for row in rows} < {row["id"] for row in again}
    assert len({row["id"] for row in again}) == 6
    assert second.next_since == "2024-03-05T10:01:40Z"


def test_an_empty_answer_leaves_the_cursor_where_it_was(lrs: Lrs) -> None:
    lrs.statements.clear()
    reading, rows = read(lrs, since="2024-03-05T11:00:00+01:00")
    assert rows == []
    assert reading.next_since == "2024-03-05T10:00:00Z"
    assert read(lrs)[0].next_since is None


def test_the_cursor_stays_behind_what_the_store_may_still_be_hiding(lrs: Lrs) -> None:
    lrs.consistent = "2024-03-05T10:01:02.000Z"
    assert read(lrs)[0].next_since == "2024-03-05T10:01:02Z"


def test_a_bad_statement_of_a_page_is_one_reject(lrs: Lrs) -> None:
    lrs.statements[1]["verb"] = {}
    lrs.statements[2] = {**lrs.statements[2], "actor": "nobody"}
    reading = Xapi().read(Request([], {"endpoint": lrs.url, "run": "xapi/bio/2024"}, KEY))
    rejects = [row for delivery in reading for row in delivery.rejects.to_pylist()]
    assert [(row["line"], row["reason"]) for row in rejects] == [(2, "missing_value"), (3, "no_learner")]


def test_what_is_no_store_is_said_so(lrs: Lrs, tmp_path: Path) -> None:
    lrs.answer = {"hello": "world"}
    with pytest.raises(SourceError, match="endpoint of an LRS"):
        pull({"endpoint": lrs.url}, tmp_path / "pulled")
    lrs.answer = {"statements": [], "more": "/xapi/statements?x=1"}
    with pytest.raises(SourceError, match="same page again"):
        pull({"endpoint": lrs.url}, tmp_path / "pulled")
    lrs.answer = {"statements": [], "more": "http://elsewhere.example/xapi/statements"}
    with pytest.raises(SourceError, match="another host"):
        pull({"endpoint": lrs.url}, tmp_path / "pulled")


@pytest.mark.parametrize(
    "options",
    [
        {"endpoint": "lrs.example.edu"},
        {"endpoint": "https://me:pass@lrs.example.edu/xapi"},
        {"endpoint": "https://lrs.example.edu/xapi", "since": "2024-03-05"},
        {"endpoint": "https://lrs.example.edu/xapi", "key_env": "ONE"},
    ],
)
def test_an_option_that_cannot_be_used_is_refused_before_anything_is_asked(
    options: dict[str, str], tmp_path: Path
) -> None:
    with pytest.raises(InputError):
        pull(options, tmp_path / "pulled")


def test_a_credential_that_is_not_set_is_named_and_files_and_endpoint_do_not_mix(tmp_path: Path) -> None:
    options = {"endpoint": "https://lrs.example.edu/xapi", "key_env": "NOT_SET", "secret_env": "NOR_THIS"}
    with pytest.raises(ConfigError, match="NOT_SET"):
        pull(options, tmp_path / "pulled")
    with pytest.raises(InputError, match="not both"):
        Xapi().read(Request([tmp_path], options, KEY))
    with pytest.raises(InputError, match="since"):
        Xapi().read(Request([tmp_path], {"since": "2024-03-05T10:00:00Z"}, KEY))
