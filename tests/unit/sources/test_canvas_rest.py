"""The REST interface of Canvas and the JSON requests beneath it, against a stub server on this machine."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

import pytest

from headway.domain.errors import ConfigError, InputError, SourceError
from headway.domain.time import FixedClock
from headway.governance.pseudonyms import pseudonym
from headway.sources.canvas import Canvas
from headway.sources.canvas_rest import Interface, interface, pull
from headway.sources.http import get_json, next_page
from headway.sources.source import Request
from tests.contract.source_cases import KEY, drain

TOKEN: Final = "7~secretTokenOfTheStub"
Answer = tuple[int, dict[str, str], bytes]
Page = Callable[[str, dict[str, list[str]]], Answer]


class Stub(ThreadingHTTPServer):
    """A server that answers by a function and remembers what it was asked, with which token."""

    def __init__(self, page: Page) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.page = page
        self.asked: list[tuple[str, str | None]] = []

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    server: Stub

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        self.server.asked.append((self.path, self.headers.get("Authorization")))
        code, headers, body = self.server.page(parts.path, parse_qs(parts.query))
        self.send_response(code)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_args: Any) -> None:
        pass


@contextmanager
def serving(page: Page) -> Iterator[Stub]:
    stub = Stub(page)
    thread = threading.Thread(target=stub.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield stub
    finally:
        stub.shutdown()
        stub.server_close()
        thread.join()


def good(rows: Any, **headers: str) -> Answer:
    return 200, {name.replace("_", "-"): value for name, value in headers.items()}, json.dumps(rows).encode()


def answers(*queue: Answer) -> Page:
    """Gives the answers in turn, the last one for ever."""
    left = list(queue)
    return lambda _path, _query: left.pop(0) if len(left) > 1 else left[0]


BUSY: Final[list[Answer]] = [
    (429, {}, b'{"errors": [{"message": "Rate Limit Exceeded"}]}'),
    (403, {}, b"403 Forbidden (Rate Limit Exceeded)"),
    (503, {}, b"<html>busy</html>"),
    (500, {}, b""),
]


@pytest.mark.parametrize("busy", BUSY, ids=[str(code) for code, _, _ in BUSY])
def test_a_busy_system_is_asked_again_each_time_later(busy: Answer) -> None:
    waits: list[float] = []
    with serving(answers(busy, busy, busy, good({"ok": 1}))) as stub:
        found, headers = get_json(f"{stub.base}/x", {}, {"a": "b c"}, sleep=waits.append)
    assert found == {"ok": 1}
    assert headers["content-length"] == "9"
    assert waits == [1.0, 2.0, 4.0]
    assert {path for path, _ in stub.asked} == {"/x?a=b+c"}


@pytest.mark.parametrize(
    ("said", "wait"),
    [("7", 7.0), ("2.5", 2.5), ("Mon, 04 Mar 2024 10:00:30 GMT", 30.0), ("99999", 120.0), ("soon", 1.0)],
)
def test_the_system_may_say_how_long_to_wait(said: str, wait: float) -> None:
    waits: list[float] = []
    clock = FixedClock(datetime(2024, 3, 4, 10, tzinfo=UTC))
    with serving(answers((429, {"Retry-After": said}, b""), good([]))) as stub:
        get_json(f"{stub.base}/x", {}, sleep=waits.append, clock=clock)
    assert waits == [wait]


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        ((401, {}, b""), "token"),
        ((403, {}, b'{"errors":[{"message":"user not authorized"}]}'), "may not see"),
        ((404, {}, b""), "404"),
        ((200, {}, b"<html>"), "JSON"),
        ((200, {}, b"[" * 100_000), "JSON"),
        ((302, {"Location": "http://localhost:9/"}, b""), "another host"),
        ((200, {}, b"[" + b"1," * 1000 + b"1]"), "bytes"),
    ],
)
def test_what_patience_does_not_help_is_said_at_once_without_token_or_query(answer: Answer, says: str) -> None:
    most = 1000 if says == "bytes" else 1 << 20
    with serving(answers(answer)) as stub, pytest.raises(SourceError, match=says) as told:
        get_json(f"{stub.base}/x", {"Authorization": TOKEN}, {"wstoken": "k"}, sleep=_never, most_bytes=most)
    assert len(stub.asked) == 1
    assert TOKEN not in str(told.value)
    assert "wstoken" not in str(told.value)


def _never(_seconds: float) -> None:
    raise AssertionError


def test_patience_ends() -> None:
    waits: list[float] = []
    with serving(answers(BUSY[0])) as stub, pytest.raises(SourceError, match="after 3 attempts"):
        get_json(f"{stub.base}/x", {}, attempts=3, sleep=waits.append)
    assert waits == [1.0, 2.0]
    with serving(answers(good([]))) as stub:
        gone = stub.base
    with pytest.raises(SourceError, match="2 attempts"):
        get_json(f"{gone}/x", {}, attempts=2, sleep=waits.append)


@pytest.mark.parametrize("url", ["ftp://example.org/x", "file:///etc/passwd", "https://", "no address", "http://h:x/"])
def test_only_web_addresses_are_asked(url: str) -> None:
    with pytest.raises(InputError, match="no address"):
        get_json(url, {}, sleep=_never)


def test_the_next_page_is_the_one_linked_and_on_the_same_host() -> None:
    link = '<https://c.example/api?page=1>; rel="current",<https://c.example/api?page=2>; rel="next"'
    assert next_page("https://c.example/api", {"link": link}) == "https://c.example/api?page=2"
    assert next_page("https://c.example/api", {"link": link.partition(",")[0]}) is None
    assert next_page("https://c.example/api", {}) is None
    for other in ("https://evil.example/api", "http://c.example/api", "https://c.example:8443/api"):
        with pytest.raises(SourceError, match="another host"):
            next_page("https://c.example/api", {"link": f'<{other}>; rel="next"'})


COURSE: Final = {"id": 565, "name": "Algebra", "course_code": "M1", "start_at": "2024-01-08T00:00:00Z"} | {
    "end_at": "2024-05-01T00:00:00Z",
    "workflow_state": "available",
    "calendar": {"ics": "https://secret"},
}
PEOPLE: Final = [
    {"id": 70 + n, "user_id": 48 + n, "course_id": 565, "type": "StudentEnrollment", "enrollment_state": "active"}
    | {"created_at": "2024-01-02T00:00:00Z", "updated_at": "2024-01-02T00:00:00Z", "sis_user_id": "S-4711"}
    | {"user": {"name": "Ada Example"}, "grades": {"final_score": 50.0, "html_url": "https://secret"}}
    for n in range(3)
]
TASK: Final = {"id": 7, "course_id": 565, "name": "Essay", "points_possible": 20, "due_at": "2024-02-01T00:00:00Z"} | {
    "submission_types": ["online_upload"],
    "workflow_state": "published",
    "created_at": "2024-01-05T00:00:00Z",
}
DONE: Final = {"id": 9, "assignment_id": 7, "user_id": 48, "attempt": 1, "submitted_at": "2024-01-31T10:00:00Z"} | {
    "score": 15.0,
    "graded_at": "2024-02-03T10:00:00Z",
    "posted_at": "2024-02-03T10:00:00Z",
    "workflow_state": "graded",
}


def canvas(path: str, query: dict[str, list[str]]) -> Answer:
    """A small Canvas: one course, three learners on two pages, one task, one submission."""
    page = int(query.get("page", ["1"])[0])
    if path == "/api/v1/courses/565":
        return good(COURSE)
    if path == "/api/v1/courses":
        return good([COURSE])
    if path == "/api/v1/courses/565/enrollments":
        nexts = {"Link": '</api/v1/courses/565/enrollments?page=2&per_page=100>; rel="next"'} if page == 1 else {}
        return good(PEOPLE[:2] if page == 1 else PEOPLE[2:], **nexts, X_Rate_Limit_Remaining="650.5")
    if path == "/api/v1/courses/565/assignments":
        return good([TASK], X_Rate_Limit_Remaining="20.0")
    if path == "/api/v1/courses/565/students/submissions":
        return good([DONE])
    return 404, {}, b""


@pytest.mark.parametrize("courses", [["565"], []])
def test_rosters_tasks_and_submissions_are_pulled_page_by_page_without_names(
    tmp_path: Path, courses: list[str]
) -> None:
    waits: list[float] = []
    with serving(canvas) as stub:
        files = pull(Interface(stub.base, TOKEN, waits.append), courses, tmp_path)
    assert [path.name for path, _ in files] == [
        "courses.jsonl",
        "enrollments.jsonl",
        "assignments.jsonl",
        "submissions.jsonl",
    ]
    text = "".join(path.read_text(encoding="utf-8") for path, _ in files)
    assert not any(name in text for name in ("Ada", "S-4711", "secret", TOKEN))
    assert text.count("StudentEnrollment") == 3
    assert {token for _, token in stub.asked} == {f"Bearer {TOKEN}"}
    assert waits == [2.0]  # once, because little of the quota was left


def test_a_pull_makes_the_same_records_as_the_tables(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MY_CANVAS", TOKEN)
    monkeypatch.setattr("headway.sources.canvas_rest.time.sleep", lambda _seconds: None)
    with serving(canvas) as stub:
        options = {"url": stub.base, "courses": "565", "token_env": "MY_CANVAS"}
        found = drain(Canvas(), Request([], options, KEY))
    assert found.rejects.num_rows == 0
    assert found.counts() == {"course_runs": 1, "activities": 1, "enrolments": 3, "results": 1, "statements": 1}
    (result,) = found.rows("results")
    assert (result["activity"], result["score"], result["run"]) == ("assignment/7", 0.75, "canvas/565/1")
    assert result["learner"] == f"canvas/{pseudonym('48', KEY)}"
    for table, rows in {
        "courses": [COURSE],
        "assignments": [TASK],
        "submissions": [DONE],
        "enrollments": PEOPLE,
    }.items():
        lines = [json.dumps({"course_id": 565, **row} if table == "submissions" else row) for row in rows]
        (tmp_path / f"{table}.json").write_text("\n".join(lines), encoding="utf-8")
    again = drain(Canvas(), Request([tmp_path], {}, KEY))
    for kind, table in found.records.items():
        assert table.sort_by("id").equals(again.records[kind].sort_by("id")), kind


def test_a_page_that_leads_back_to_itself_is_noticed(tmp_path: Path) -> None:
    def round_about(path: str, _query: dict[str, list[str]]) -> Answer:
        return good([COURSE], Link=f'<{path}>; rel="next"')

    with serving(round_about) as stub, pytest.raises(SourceError, match="again and again"):
        pull(Interface(stub.base, TOKEN), [], tmp_path)


def test_what_is_no_list_of_objects_is_refused(tmp_path: Path) -> None:
    with serving(lambda _path, _query: good(["x"])) as stub, pytest.raises(SourceError, match="no object"):
        pull(Interface(stub.base, TOKEN), [], tmp_path)


def test_the_token_comes_from_the_environment_and_goes_over_https_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CANVAS_TOKEN", raising=False)
    assert interface({}) is None
    with pytest.raises(ConfigError, match="CANVAS_TOKEN"):
        interface({"url": "https://canvas.example.edu"})
    monkeypatch.setenv("CANVAS_TOKEN", TOKEN)
    with pytest.raises(InputError, match="https"):
        interface({"url": "http://canvas.example.edu"})
    found = interface({"url": "https://canvas.example.edu/api/v1/"})
    assert found is not None
    assert found.base == "https://canvas.example.edu"
    monkeypatch.setenv("CANVAS_TOKEN", f"{TOKEN}\nHost: evil")
    with pytest.raises(ConfigError, match="characters"):
        interface({"url": "https://canvas.example.edu"})
