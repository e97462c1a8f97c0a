"""A real `headway serve` on loopback, and statements to send to it."""

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx

from headway.flow import open_app
from headway.governance import keys
from tests.support.command import HEADWAY, environment

VERSION = {"X-Experience-API-Version": "1.0.3"}
RUN = "xapi/lms.example.org-course-7/1"


@dataclass(frozen=True)
class Served:
    """A running server."""

    process: "subprocess.Popen[str]"
    url: str

    def client(self, auth: Any = None, **more: Any) -> httpx.Client:
        """A client with xAPI's version header."""
        return httpx.Client(base_url=self.url, auth=auth, headers=VERSION, timeout=60, **more)


def make_key(home: Path, *scopes: str) -> tuple[str, str]:
    """A new key of the home and its secret."""
    with open_app(home) as app, app.store.begin() as connection:
        key, secret = keys.create(connection, app.clock.now(), "test", scopes or ("admin",))
    return key.id, secret


@contextmanager
def serving(home: Path, **env: str) -> Iterator[Served]:
    """A server of the home until the end of the block; it may have been killed before."""
    command = [str(HEADWAY), "serve", "--home", str(home), "--port", "0", "--log-level", "info"]
    log = home.parent / f"{home.name}-{uuid4().hex[:6]}.log"
    with log.open("w") as told:
        process = subprocess.Popen(command, env=environment(**env), stderr=told, text=True)
    try:
        yield Served(process, f"http://127.0.0.1:{_port(process, log)}")
    finally:
        process.terminate()
        process.wait(timeout=60)


def _port(process: "subprocess.Popen[str]", log: Path) -> int:
    """The port, once the server answers."""
    while process.poll() is None:
        for line in log.read_text().splitlines():
            if '"listening"' in line:
                port = int(json.loads(line)["port"])
                # The socket is open before anyone answers; this request waits until someone does.
                httpx.get(f"http://127.0.0.1:{port}/healthz", timeout=60)
                return port
        try:
            process.wait(0.1)
        except subprocess.TimeoutExpired:
            continue
    raise AssertionError(log.read_text())


def statement(number: int, **more: Any) -> dict[str, Any]:
    """A sound statement with an id of its own."""
    return {
        "id": str(uuid4()),
        "actor": {"account": {"homePage": "https://lms.example.org", "name": f"user-{number % 7}"}},
        "verb": {"id": "http://adlnet.gov/expapi/verbs/completed"},
        "object": {
            "id": f"https://lms.example.org/page/{number % 5}",
            "definition": {"type": "http://adlnet.gov/expapi/activities/lesson"},
        },
        "context": {
            "contextActivities": {
                "grouping": [
                    {
                        "id": "https://lms.example.org/course/7",
                        "definition": {"type": "http://adlnet.gov/expapi/activities/course"},
                    }
                ]
            }
        },
        "timestamp": "2026-11-20T10:15:30Z",
        **more,
    }
