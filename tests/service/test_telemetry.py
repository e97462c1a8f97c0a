"""OpenTelemetry to a real collector's door: what is told of a request, and what never is."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.support.served import make_key, serving

pytestmark = pytest.mark.service

SECRET = "somebody-named-in-a-query"


class Collector(HTTPServer):
    """Keeps what is sent to it, by path."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Door)
        self.got: dict[str, bytes] = {}
        self.came = threading.Event()


class _Door(BaseHTTPRequestHandler):
    server: Collector

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self.server.got[self.path] = self.server.got.get(self.path, b"") + body
        self.send_response(200)
        self.end_headers()
        self.server.came.set()

    def log_message(self, *_: Any) -> None:
        """Nothing."""


@pytest.fixture
def collector() -> Iterator[Collector]:
    """A collector on loopback."""
    made = Collector()
    thread = threading.Thread(target=made.serve_forever)
    thread.start()
    yield made
    made.shutdown()
    thread.join()
    made.server_close()


def test_routes_times_and_statuses_leave_and_no_address(tmp_path: Path, collector: Collector) -> None:
    home = tmp_path / "home"
    key = make_key(home)
    env = {
        "HEADWAY__SERVER__TELEMETRY": "true",
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{collector.server_port}",
        "OTEL_EXPORTER_OTLP_COMPRESSION": "none",
    }
    with serving(home, **env) as running, running.client(key) as client:
        assert client.get("/v1/runs", params={"cursor": "", "q": SECRET}).status_code < 500
        assert client.get(f"/v1/learners/xapi~{SECRET}").status_code == 404
    assert collector.came.wait(30)
    spans, figures = collector.got["/v1/traces"], collector.got["/v1/metrics"]
    assert b"/v1/runs" in spans
    assert b"http.server.request.duration" in figures
    for told in (spans, figures):
        assert SECRET.encode() not in told
        assert key[1].encode() not in told


def test_nothing_leaves_unless_it_is_asked_for(tmp_path: Path, collector: Collector) -> None:
    home = tmp_path / "home"
    key = make_key(home)
    where = f"http://127.0.0.1:{collector.server_port}"
    with serving(home, OTEL_EXPORTER_OTLP_ENDPOINT=where) as running, running.client(key) as client:
        client.get("/v1/runs")
    assert not collector.got
