"""A real server on loopback: what it acknowledges is never lost, what is wrong is told, and it stays up."""

import json
import os
import random
import socket
import threading
from collections import Counter
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx
import pytest

from headway.domain.records import record_id
from headway.flow import open_app
from headway.flow.intake import move_inbox
from tests.support.served import RUN, VERSION, Served, make_key, serving, statement

pytestmark = pytest.mark.service

ROUNDS = int(os.environ.get("HEADWAY_TEST_ROUNDS", "3"))


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The home that the server of this module serves."""
    return tmp_path_factory.mktemp("served") / "home"


@pytest.fixture(scope="module")
def key(home: Path) -> tuple[str, str]:
    """A key for everything."""
    return make_key(home)


@pytest.fixture(scope="module")
def writer_key(home: Path) -> tuple[str, str]:
    """A key that may only send statements."""
    return make_key(home, "statements/write")


@pytest.fixture(scope="module")
def served(home: Path, key: tuple[str, str], writer_key: tuple[str, str]) -> Iterator[Served]:
    """The server."""
    assert key != writer_key
    with serving(home, HEADWAY__SERVER__BODY_TIMEOUT_S="1", HEADWAY__SERVER__MAX_BODY_MIB="4") as running:
        yield running


@pytest.fixture
def client(served: Served, key: tuple[str, str]) -> Iterator[httpx.Client]:
    """A client that may do everything."""
    with served.client(key) as made:
        yield made


def in_lake(home: Path, ids: list[str]) -> list[int]:
    """How often the statements of these ids are in the lake."""
    with open_app(home) as app:
        while move_inbox(app).moved:
            continue
        with app.lake.open(None, None, kinds=["statements"]) as records:
            table = records.table("statements")
            found = records.collect(table.select("id"))["id"].to_pylist()
    times = Counter(found)
    return [times[record_id("xapi", "statements", name.lower())] for name in ids]


def test_an_accepted_statement_is_in_the_lake_once(client: httpx.Client, home: Path) -> None:
    one, two = statement(1), statement(2)
    assert client.post("/xapi/statements", json=one).json() == [one["id"]]
    assert client.post("/xapi/statements", json=[one, two]).status_code == 200
    put = client.put("/xapi/statements", params={"statementId": two["id"]}, json=two)
    assert (put.status_code, put.content) == (204, b"")
    assert in_lake(home, [one["id"], two["id"]]) == [1, 1]
    again = client.post("/xapi/statements", json=statement(3, id=one["id"]))
    assert again.status_code == 409
    assert client.get("/v1/runs").json()["items"][0]["run"] == RUN


def test_statements_are_read_back_as_they_came_in_pages(client: httpx.Client) -> None:
    verb = {"id": "https://example.org/verbs/paged"}
    sent = [statement(n, verb=verb) for n in range(5)]
    client.post("/xapi/statements", json=sent)
    found: list[str] = []
    place = f"/xapi/statements?verb={verb['id']}&limit=2&ascending=true"
    while place:
        answer = client.get(place)
        assert answer.headers["X-Experience-API-Version"] == "1.0.3"
        assert answer.headers["X-Experience-API-Consistent-Through"] >= answer.json()["statements"][0]["stored"]
        found += [each["id"] for each in answer.json()["statements"]]
        place = answer.json()["more"]
    assert found == [each["id"] for each in sent]
    one = client.get("/xapi/statements", params={"statementId": found[0]})
    assert one.json()["authority"]["account"]["name"].startswith("hk_")
    assert client.head("/xapi/statements", params={"statementId": found[0]}).content == b""


def test_a_voided_statement_is_only_found_as_such(client: httpx.Client) -> None:
    one = statement(1)
    voids = {"objectType": "StatementRef", "id": one["id"]}
    client.post("/xapi/statements", json=one)
    client.post(
        "/xapi/statements", json=statement(2, verb={"id": "http://adlnet.gov/expapi/verbs/voided"}, object=voids)
    )
    assert client.get("/xapi/statements", params={"statementId": one["id"]}).status_code == 404
    assert client.get("/xapi/statements", params={"voidedStatementId": one["id"]}).json()["id"] == one["id"]


def test_attachments_come_back_to_the_byte(client: httpx.Client) -> None:
    content = b"what was handed in \x00\xff"
    digest = sha256(content).hexdigest()
    header = {
        "usageType": "https://example.org/usage",
        "display": {"en": "work"},
        "contentType": "application/octet-stream",
        "length": len(content),
        "sha2": digest,
    }
    one = statement(1, attachments=[header])
    parts = [
        b"Content-Type: application/json\r\n\r\n" + json.dumps(one).encode(),
        b"Content-Type: application/octet-stream\r\nContent-Transfer-Encoding: binary\r\n"
        + f"X-Experience-API-Hash: {digest}\r\n\r\n".encode()
        + content,
    ]
    body = b"".join(b"--cut\r\n" + part + b"\r\n" for part in parts) + b"--cut--\r\n"
    kind = {"Content-Type": "multipart/mixed; boundary=cut"}
    assert client.post("/xapi/statements", content=body, headers=kind).json() == [one["id"]]
    answer = client.get("/xapi/statements", params={"statementId": one["id"], "attachments": "true"})
    assert answer.headers["content-type"].startswith("multipart/mixed")
    assert content in answer.content


def test_the_alternate_syntax_of_xapi_1_is_spoken(client: httpx.Client) -> None:
    one = statement(1)
    form = {**VERSION, "statementId": one["id"], "content": json.dumps(one)}
    assert client.post("/xapi/statements?method=PUT", data=form).status_code == 204
    asked = client.post("/xapi/statements?method=GET", data={**VERSION, "statementId": one["id"]})
    assert asked.json()["id"] == one["id"]


def test_keys_decide_who_may_do_what(served: Served, key: tuple[str, str], writer_key: tuple[str, str]) -> None:
    with served.client() as nobody:
        assert nobody.get("/xapi/about").json()["version"] == ["1.0.3", "2.0.0"]
        told = nobody.post("/xapi/statements", json=statement(1))
        assert (told.status_code, told.json()["error"]["code"]) == (401, "not_authenticated")
        assert told.headers["www-authenticate"].startswith("Basic")
        for wrong in ("Bearer hs_nothing", "Basic ????", f"Bearer {key[0]}", "Basic " + "a" * 2000, ""):
            assert nobody.get("/v1/runs", headers={"Authorization": wrong}).status_code == 401
        bearer = {"Authorization": f"Bearer {key[1]}"}
        assert nobody.get("/v1/key", headers=bearer).json()["scopes"] == ["admin"]
    with served.client((key[0], writer_key[1])) as mixed:
        assert mixed.get("/v1/key").status_code == 401
    with served.client(writer_key) as writer:
        refused = writer.get("/xapi/statements")
        assert (refused.status_code, refused.json()["error"]["code"]) == (403, "not_permitted")


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b"\xff\xfe", 400),
        (b'{"a": NaN}', 400),
        (b"[" * 200_000, 400),
        (b'{"actor":' * 70 + b"1" + b"}" * 70, 400),
        (b"null", 400),
        (b'"x"', 400),
        (b'"' + b"x" * (5 << 20) + b'"', 413),
    ],
    ids=lambda value: str(value)[:12],
)
@pytest.mark.parametrize("path", ["/xapi/statements", "/v1/records", "/v1/caliper", "/v1/score"])
def test_bad_bodies_are_told_so(client: httpx.Client, path: str, body: bytes, status: int) -> None:
    told = client.post(path, content=body, headers={"Content-Type": "application/json"})
    assert told.status_code == status, told.text
    assert told.json()["error"]["request_id"] == told.headers["x-request-id"]


def raw(served: Served, lines: bytes) -> bytes:
    """What the server answers to bytes on a connection of its own."""
    host, _, port = served.url.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), timeout=30) as connection:
        connection.sendall(lines)
        answer = b""
        while part := connection.recv(65_536):
            answer += part
    return answer


def test_a_body_that_is_announced_too_long_is_not_waited_for(served: Served) -> None:
    head = b"POST /xapi/statements HTTP/1.1\r\nHost: x\r\nContent-Length: 104857600\r\n\r\n{"
    assert raw(served, head).startswith(b"HTTP/1.1 413 ")


def test_a_slow_sender_is_let_go_and_holds_up_nobody(served: Served, key: tuple[str, str]) -> None:
    head = f"POST /v1/records HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key[1]}\r\n"
    kind = "Content-Type: application/json\r\nContent-Length: 50\r\n\r\n{"
    assert raw(served, (head + kind).encode()).startswith(b"HTTP/1.1 408 ")
    with served.client() as nobody:
        assert nobody.get("/healthz").json() == {"status": "ok"}


def test_figures_tell_what_went_on_and_name_nobody(served: Served, client: httpx.Client, key: tuple[str, str]) -> None:
    client.post("/xapi/statements", json=statement(1))
    figures = client.get("/metrics").text
    assert 'headway_intake_records_total{source="xapi"}' in figures
    assert 'headway_request_seconds_count{method="POST",route="/xapi/statements",status="200"}' in figures
    assert "headway_inbox_lag_seconds" in figures
    assert key[0] not in figures
    assert client.get("/readyz").json()["waiting"] >= 1


def test_events_and_plain_records_are_kept_and_unfit_ones_quarantined(client: httpx.Client, home: Path) -> None:
    lines = b'{"run":"canvas/7/1","learner":"9","verb":"viewed","at":"2026-11-20T10:00:00Z"}\n' * 3
    told = client.post("/v1/records", content=lines, headers={"Content-Type": "application/x-ndjson"})
    assert (told.status_code, told.json()) == (202, {"accepted": 3, "quarantined": 0, "unfit": []})
    refused = client.post("/v1/records", content=lines + b"{bad\n", headers={"Content-Type": "application/x-ndjson"})
    assert [refused.json()[name] for name in ("accepted", "quarantined")] == [3, 1]
    assert refused.json()["unfit"][0]["reason"] == "bad_json"
    section = {"sensor": "https://s.example.org", "sendTime": "2026-11-20T10:00:00Z", "data": []}
    assert client.post("/v1/caliper", json=section).status_code == 400
    event = {"metadata": {"event_name": "logged_in", "event_time": "2026-11-20T10:00:00Z"}, "body": {}}
    told = client.post("/v1/canvas", json=[event, {"metadata": {}, "body": {}}])
    assert [told.json()[name] for name in ("accepted", "quarantined")] == [1, 1]
    in_lake(home, [])
    with open_app(home) as app:
        assert {"bad_json", "missing_value"} <= {reason for _, _, reason, _ in app.lake.reject_counts()}
    assert client.post("/v1/records", content=b"x", headers={"Content-Type": "text/plain"}).status_code == 415


class _Crowd:
    """Senders that note what was acknowledged to them."""

    def __init__(self, url: str, key: tuple[str, str], acknowledged: list[str]) -> None:
        self._url, self._key, self._acknowledged = url, key, acknowledged
        self._more = threading.Condition()
        self._threads = [threading.Thread(target=self._send) for _ in range(4)]

    def __enter__(self) -> "_Crowd":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        for thread in self._threads:
            thread.join()

    def until(self, count: int) -> None:
        """Returns when so many statements were acknowledged."""
        with self._more:
            assert self._more.wait_for(lambda: len(self._acknowledged) >= count, timeout=120)

    def _send(self) -> None:
        with httpx.Client(base_url=self._url, auth=self._key, headers=VERSION, timeout=30) as client:
            while True:
                batch = [statement(n) for n in range(10)]
                try:
                    answer = client.post("/xapi/statements", json=batch)
                except httpx.HTTPError:
                    return
                assert answer.status_code == 200, answer.text
                with self._more:
                    self._acknowledged += answer.json()
                    self._more.notify_all()


def test_whatever_was_acknowledged_before_a_kill_is_in_the_lake_once(tmp_path: Path) -> None:
    home, chance = tmp_path / "home", random.Random(5)
    acknowledged: list[str] = []
    key = make_key(home)
    for _ in range(ROUNDS):
        with serving(home) as served, _Crowd(served.url, key, acknowledged) as crowd:
            crowd.until(len(acknowledged) + chance.randrange(20, 200))
            served.process.kill()
    assert len(acknowledged) >= 20 * ROUNDS
    assert set(in_lake(home, acknowledged)) == {1}


def test_two_servers_share_an_inbox_in_postgres(tmp_path: Path, postgres: str) -> None:
    home, env = tmp_path / "home", {"HEADWAY__STORE__URL": postgres}
    acknowledged: list[str] = []
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("HEADWAY__STORE__URL", postgres)
        key = make_key(home)
        with (
            serving(home, **env) as one,
            serving(home, **env) as other,
            _Crowd(one.url, key, acknowledged) as crowd,
            _Crowd(other.url, key, acknowledged),
        ):
            crowd.until(200)
            one.process.kill()
            other.process.kill()
        assert set(in_lake(home, acknowledged)) == {1}


def test_no_secret_and_no_person_is_in_the_log(served: Served, client: httpx.Client, home: Path) -> None:
    person: dict[str, Any] = {"mbox": "mailto:ann.secret@example.org"}
    client.post("/xapi/statements", json=statement(1, actor=person))
    client.post("/xapi/statements", json=statement(1, actor={**person, "odd": 1}))
    client.get("/v1/learners/xapi/0123456789abcdef0123")
    logs = "".join(log.read_text() for log in home.parent.glob("*.log"))
    assert '"event": "request"' in logs
    assert "ann.secret" not in logs
    assert "0123456789abcdef0123" not in logs
    assert "hs_" not in logs
