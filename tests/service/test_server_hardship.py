"""A full disk, a database that crashes, a killed worker: told clearly, and what was acknowledged is there once."""

import fcntl
import json
import os
import random
import resource
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest

from headway.flow import App, open_app
from headway.flow.intake import open_inbox
from headway.intake.entries import Entry, Parcel
from headway.web.cookie import COOKIE
from tests.service.conftest import Database
from tests.service.test_server import in_lake
from tests.support.command import HEADWAY, environment, start
from tests.support.served import VERSION, Served, make_key, serving, statement

pytestmark = pytest.mark.service

ROUNDS = int(os.environ.get("HEADWAY_TEST_ROUNDS", "1"))
SMALL_BYTES = 4_096
LONGEST_S = 4.0
"""A move is over by then, so that some kills come after it; most come earlier."""
SIGNED_IN = {"accept": "text/html", "cookie": f"{COOKIE}={'0' * 43}"}
"""As a browser asks that believes to be signed in."""


def told_to_come_back(answer: httpx.Response) -> None:
    """Passes where an answer says clearly that it cannot be done just now."""
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "unavailable"), answer.text
    assert int(answer.headers["Retry-After"]) >= 1
    assert answer.json()["error"]["request_id"] == answer.headers["x-request-id"]


def page_told_to_come_back(answer: httpx.Response) -> None:
    """Passes where a person is told the same on a page."""
    assert (answer.status_code, answer.headers["content-type"]) == (503, "text/html; charset=utf-8"), answer.text
    assert int(answer.headers["Retry-After"]) >= 1
    assert "cannot reach its database" in answer.text
    assert answer.headers["x-request-id"] in answer.text


def test_a_full_disk_is_told_and_the_server_goes_on_when_there_is_room(tmp_path: Path) -> None:
    """The disk is full for one process: no file of its may grow."""
    home = tmp_path / "home"
    key = make_key(home)
    with serving(home) as served, served.client(key) as client:
        before, lost, after = statement(1), [statement(n) for n in range(50)], statement(2)
        assert client.post("/xapi/statements", json=before).status_code == 200
        limits = resource.prlimit(served.process.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(served.process.pid, resource.RLIMIT_FSIZE, (SMALL_BYTES, limits[1]))
        for _ in range(3):
            told_to_come_back(client.post("/xapi/statements", json=lost))
        assert client.get("/healthz").status_code == 200
        assert client.get("/xapi/statements", params={"statementId": before["id"]}).status_code == 200
        resource.prlimit(served.process.pid, resource.RLIMIT_FSIZE, limits)
        assert client.post("/xapi/statements", json=after).status_code == 200
        assert client.post("/xapi/statements", json=lost[:1]).status_code == 200
    ids = [one["id"] for one in (before, after, *lost)]
    assert in_lake(home, ids) == [1, 1, 1, *[0] * 49]


class _Patient:
    """Senders that send again what was not acknowledged, until they are stopped."""

    def __init__(self, served: Served, key: tuple[str, str], *, may_die: bool = False) -> None:
        self._served, self._key, self._may_die = served, key, may_die
        self.acknowledged: list[str] = []
        self.sent: list[str] = []
        self.odd: list[str] = []
        self._more, self._stop = threading.Condition(), threading.Event()
        self._threads = [threading.Thread(target=self._send) for _ in range(4)]

    def __enter__(self) -> "_Patient":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def more(self, count: int) -> None:
        """Returns when so many more statements were acknowledged."""
        with self._more:
            wanted = len(self.acknowledged) + count
            assert self._more.wait_for(lambda: len(self.acknowledged) >= wanted, timeout=120), self.odd

    def _send(self) -> None:
        with httpx.Client(base_url=self._served.url, auth=self._key, headers=VERSION, timeout=60) as client:
            batch = self._next()
            while not self._stop.is_set():
                try:
                    answer = client.post("/xapi/statements", json=batch)
                except httpx.HTTPError as wrong:
                    if not self._may_die:
                        self.odd.append(repr(wrong))
                    return
                if answer.status_code == 200:
                    with self._more:
                        self.acknowledged += answer.json()
                        self._more.notify_all()
                    batch = self._next()
                elif answer.status_code == 503:
                    self._stop.wait(0.1)
                else:
                    self.odd.append(answer.text)
                    return

    def _next(self) -> list[dict[str, Any]]:
        batch = [statement(n) for n in range(10)]
        self.sent += [one["id"] for one in batch]
        return batch


def test_a_database_may_crash_and_come_back(tmp_path: Path, postgres: str, database: Database) -> None:
    home, env, chance = tmp_path / "home", {"HEADWAY__STORE__URL": postgres}, random.Random(5)
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("HEADWAY__STORE__URL", postgres)
        key = make_key(home)
        with serving(home, **env) as served, served.client(key) as client, _Patient(served, key) as senders:
            for _ in range(ROUNDS):
                senders.more(chance.randrange(20, 200))
                database.crash()
                try:
                    told_to_come_back(client.post("/xapi/statements", json=statement(1)))
                    told_to_come_back(client.get("/readyz"))
                    told_to_come_back(client.get("/v1/jobs/none"))
                    page_told_to_come_back(client.get("/caseload", headers=SIGNED_IN))
                    assert client.get("/healthz").status_code == 200
                finally:
                    database.start()
                senders.more(20)
            assert client.get("/readyz").status_code == 200
        assert senders.odd == []
        assert set(in_lake(home, senders.acknowledged)) == {1}


def test_a_worker_killed_while_it_moves_loses_and_doubles_nothing(tmp_path: Path) -> None:
    """The kill comes at once to seconds after the worker has noted which range of the inbox it moves."""
    home, chance = tmp_path / "home", random.Random(5)
    home.mkdir()
    (home / "headway.toml").write_text('[worker]\nlease = "1s"\n')  # the next one need not wait for a dead one's lease
    ids: list[str] = []
    with open_app(home) as app:
        for _ in range(ROUNDS):
            ids += kept(app, 1_000)
            worker = start("worker", "--home", home, "--every", "1s")
            while worker.poll() is None and not is_moving(home):
                threading.Event().wait(0.002)
            threading.Event().wait(chance.random() ** 3 * LONGEST_S)
            worker.kill()
            worker.communicate()
            with open_inbox(app) as inbox:
                assert inbox.backlog().last == len(ids)
    assert set(in_lake(home, ids)) == {1}


def test_server_worker_and_database_may_all_be_killed_at_once(
    tmp_path: Path, postgres: str, database: Database
) -> None:
    """Each gets SIGKILL at a moment and in an order of its own, while statements come in and the worker moves them.

    What was not acknowledged may have been kept or not; it is never there twice.
    """
    home, env, chance = tmp_path / "home", {"HEADWAY__STORE__URL": postgres}, random.Random(5)
    home.mkdir()
    (home / "headway.toml").write_text('[worker]\nlease = "1s"\n')
    acknowledged: list[str] = []
    sent: list[str] = []
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("HEADWAY__STORE__URL", postgres)
        key = make_key(home)
        for number in range(max(2, ROUNDS)):
            with serving(home, **env) as served, working(home, number, **env) as worker:
                with _Patient(served, key, may_die=True) as senders:
                    senders.more(chance.randrange(20, 200))
                    wait_until_moving(home, worker)
                    for kill in chance.sample([served.process.kill, worker.kill, database.kill], 3):
                        threading.Event().wait(chance.random() ** 2 * LONGEST_S / 3)
                        kill()
                    served.process.wait()
                database.start()
            assert senders.odd == []
            assert worker.returncode == -signal.SIGKILL
            acknowledged += senders.acknowledged
            sent += senders.sent
        assert set(in_lake(home, acknowledged)) == {1}
        assert set(in_lake(home, sent)) <= {0, 1}
    print(f"{number + 1} rounds, {len(acknowledged)} acknowledged of {len(sent)} sent")


@contextmanager
def working(home: Path, number: int, **env: str) -> Iterator[subprocess.Popen[bytes]]:
    """A worker that looks every second, until the end of the block; it may have been killed before."""
    command = [str(HEADWAY), "worker", "--home", str(home), "--every", "1s"]
    with (home.parent / f"worker-{number}.log").open("wb") as told:
        worker = subprocess.Popen(command, env=environment(**env), stdout=told, stderr=subprocess.STDOUT)
    try:
        yield worker
    finally:
        worker.kill()
        worker.wait(timeout=60)


def wait_until_moving(home: Path, worker: subprocess.Popen[bytes]) -> None:
    """Returns when the worker moves the inbox: a kill that comes while it begins tells little."""
    with open_app(home) as app, open_inbox(app) as inbox:
        while worker.poll() is None:
            with inbox.turn() as mine:
                if not mine:
                    return
            threading.Event().wait(0.005)
    raise AssertionError("The worker ended by itself.")


def kept(app: App, count: int) -> list[str]:
    """The ids of so many more statements in the inbox."""
    made = [statement(number) for number in range(count)]
    entries = [
        Entry("xapi", int(app.clock.now().timestamp() * 1_000_000), UUID(one["id"]).bytes, json.dumps(one).encode())
        for one in made
    ]
    with open_inbox(app) as inbox:
        inbox.keep(Parcel(entries))
    return [one["id"] for one in made]


def is_moving(home: Path) -> bool:
    """Whether somebody moves the inbox just now."""
    mark = home / "inbox.moving"
    if not mark.exists():
        return False
    with mark.open("w") as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False
