"""Workers as processes: no job is done by two at once, a killed one's job is done again, SIGTERM ends cleanly."""

import json
import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from threading import Event

import pytest

from headway import flow
from headway.advising.task_queries import Wanted
from headway.flow.worker import Worker
from headway.store import jobs
from headway.store.database import Store
from tests.contract.test_worker import AWAY, HISTORY, NOW
from tests.support.command import environment, run, start
from tests.support.tiny_home import tiny_home

pytestmark = pytest.mark.service

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
JOBS = 40
PATIENCE_S = 60.0


def script(name: str, *words: object, **settings: str) -> subprocess.Popen[str]:
    """A script of this folder, running."""
    env = environment(**settings) | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, str(HERE / name), *map(str, words)]
    return subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def ended(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    said, talk = process.communicate(timeout=PATIENCE_S)
    return process.returncode, said, talk


@pytest.fixture(params=["sqlite", "postgresql"])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "postgresql":
        return str(request.getfixturevalue("postgres"))
    return f"sqlite:///{tmp_path}/headway.db"


def test_three_workers_do_every_job_once_and_none_together(tmp_path: Path, store_url: str) -> None:
    """One of the three is killed in the middle of a job; another does it again when its lease is over."""
    folder = tmp_path / "counted"
    folder.mkdir()
    settings = {"HEADWAY__STORE__URL": store_url, "HEADWAY__WORKER__LEASE": "2s"}
    store = Store.open(store_url)
    store.migrate()
    with flow.open_app(tmp_path / "home", store={"url": store_url}) as app, store.begin() as connection:
        for number in range(JOBS):
            jobs.submit(connection, "count", {}, app.clock.now(), id=f"job-{number:02d}")
    first = script("counting_worker.py", tmp_path / "home", folder, "job-05", **settings)
    assert ended(first)[0] == -signal.SIGKILL
    workers = [script("counting_worker.py", tmp_path / "home", folder, **settings) for _ in range(2)]
    for worker in workers:
        code, said, talk = ended(worker)
        assert code == 0, talk
        assert "failed" not in said
    wait_for_the_lease(store)
    code, _, talk = ended(script("counting_worker.py", tmp_path / "home", folder, **settings))
    assert code == 0, talk
    with store.read() as connection:
        assert {job.state for job in jobs.all_jobs(connection)} == {"done"}
        assert jobs.get(connection, "job-05").progress["by"] != first.pid
    store.close()
    done = {path.stem: path.read_text().splitlines() for path in folder.glob("*.done")}
    assert sorted(done) == [f"job-{number:02d}" for number in range(JOBS)]
    assert all(len(pids) == 1 for pids in done.values())
    assert list(folder.glob("*.held")) == []


def wait_for_the_lease(store: Store) -> None:
    """Waits until no lease is left, two seconds at the most."""
    from headway.domain.time import SystemClock

    with store.read() as connection:
        held = [job.locked_until for job in jobs.all_jobs(connection, "running") if job.locked_until is not None]
    if held:
        Event().wait(max(0.0, (max(held) - SystemClock().now()).total_seconds()) + 0.05)


@pytest.mark.parametrize("where", ["within", "after"])
def test_a_killed_worker_leaves_no_half_and_its_job_is_done_again(tmp_path: Path, where: str) -> None:
    home = tmp_path / "home"
    with tiny_home(home, HISTORY, NOW) as (app, clock):
        code, _, talk = ended(script("dying_worker.py", home, where))
        assert code == -signal.SIGKILL, talk
        left = flow.list_tasks(app, Wanted()).tasks
        assert bool(left) is (where == "after"), "tasks and the rest of their transaction are kept together"
        assert [job.id for job in flow.list_jobs(app) if job.state == "running"] == ["rules"]
        clock.at += timedelta(minutes=11)
        worker = Worker(app)
        worker._work = {"rules": worker._work["rules"]}
        assert [(outcome.kind, outcome.state) for outcome in worker.once()] == [("rules", "done")]
        found = flow.list_tasks(app, Wanted()).tasks
        assert ("missed_two_quizzes_and_silent", AWAY) in {(task.rule, task.learner) for task in found}
        assert len({(task.rule, task.learner) for task in found}) == len(found)
        assert flow.check_audit(app) == "unbroken"


def test_sigterm_ends_a_worker_after_its_job(tmp_path: Path) -> None:
    home = tmp_path / "home"
    assert run("init", home).returncode == 0
    worker = start("worker", "--home", home, "--every", "1s")
    store = Store.open(f"sqlite:///{home}/headway.db")
    for _ in range(600):
        with store.read() as connection:
            found = jobs.all_jobs(connection)
        if found and all(job.finished_at is not None for job in found):
            break
        Event().wait(0.1)
    worker.send_signal(signal.SIGTERM)
    _, talk = worker.communicate(timeout=PATIENCE_S)
    assert worker.returncode == 0, talk
    assert "Stopping after the job at hand." in talk
    with store.read() as connection:
        after = jobs.all_jobs(connection)
    store.close()
    assert {job.state for job in after} == {"waiting"}
    assert all(job.finished_at is not None for job in after)
    listed = json.loads(run("job", "list", "--json", "--home", home).stdout)
    assert sorted(job["id"] for job in listed) == sorted(job.id for job in after)
