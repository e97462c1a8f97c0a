"""How long it takes from an accepted record to a changed list: a server and a worker in processes of their own.

Sends one act of a learner, waits until the run's predictions were made after it, and tells the seconds between, with
the seconds of each step. `python -m benchmarks.bench_freshness [--learners 400] [--every 1s] [--trials 10]` makes a
demo; `--home HOME --run RUN --at INSTANT` copies a home and lets its clock run from that instant. Prints one JSON
document. On a machine that is busy with other things compare the CPU seconds.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from time import perf_counter, sleep
from typing import Any, Final

import httpx

from headway.domain.time import ShiftedClock
from headway.flow import open_app
from headway.flow.worker import Worker
from headway.governance import keys
from headway.scoring import pages
from headway.server.run import serve

POLL_S: Final = 0.05
PATIENCE_S: Final = 600.0
DEMO_RUN: Final = "simulated/DS101/2026S2"
LATER: Final = timedelta(hours=6)


def act_as_server(home: Path, shift_s: float) -> None:
    """Serves until it is told to stop; the port is in its log."""
    with open_app(home, clock=ShiftedClock(timedelta(seconds=shift_s))) as app:
        serve(app, "127.0.0.1", 0, "info")


def act_as_worker(home: Path, shift_s: float, every: str) -> None:
    """Works until it is told to stop; prints when each job begins and ends."""
    clock = ShiftedClock(timedelta(seconds=shift_s))

    def told(kind: str, what: str) -> None:
        line = json.dumps({"at": clock.now().timestamp(), "kind": kind, "what": what})
        sys.stdout.write(f"{line}\n")  # in one go: several threads tell
        sys.stdout.flush()

    with open_app(home, clock=clock, progress=lambda text: told(text, "begun")) as app:
        for outcome in Worker(app, every or None).run():
            told(outcome.kind, outcome.state)


@contextmanager
def running(log: Path, *words: object) -> Iterator[subprocess.Popen[bytes]]:
    """This script in another role, until the end of the block."""
    command = [sys.executable, "-m", "benchmarks.bench_freshness", *map(str, words)]
    with log.open("wb") as told:
        process = subprocess.Popen(command, stdout=told, stderr=subprocess.STDOUT)
    try:
        yield process
    finally:
        process.terminate()
        process.wait()


def port_of(log: Path) -> int:
    """The server's port, once it listens."""
    for _ in range(1_200):
        for line in log.read_text().splitlines():
            if '"listening"' in line:
                return int(json.loads(line)["port"])
        sleep(0.1)
    raise SystemExit(log.read_text())


def trials(home: Path, run: str, shift: timedelta, every: str, count: int, sent: int) -> dict[str, Any]:
    """The seconds of each trial and of its steps; the first, which trains the day's model, apart."""
    clock = ShiftedClock(shift)
    with open_app(home, clock=clock) as app, app.store.begin() as connection:
        key, secret = keys.create(connection, clock.now(), "bench", ("admin",))
    told: list[dict[str, Any]] = []
    talk, work = home.parent / "server.log", home.parent / "worker.log"
    with running(talk, "--role", "server", "--home", home, "--shift", shift.total_seconds()):
        client = httpx.Client(base_url=f"http://127.0.0.1:{port_of(talk)}", auth=(key.id, secret), timeout=120)
        options = ("--role", "worker", "--home", home, "--shift", shift.total_seconds(), "--every", every)
        with client, running(work, *options) as worker:
            predictions = f"/v1/runs/{run}/predictions"
            somebody = [each["learner"] for each in client.get(predictions, params={"limit": 100}).json()["items"]]
            for number in range(count + 1):
                used = cpu_seconds(worker.pid)
                at, seconds = clock.now(), perf_counter()
                acts = [act(run, somebody[(number * sent + n) % len(somebody)], at) for n in range(sent)]
                body = "\n".join(map(json.dumps, acts)).encode()
                client.post(
                    "/v1/records", content=body, headers={"Content-Type": "application/x-ndjson"}
                ).raise_for_status()
                accepted = clock.now()
                while (
                    datetime.fromisoformat(
                        client.get(predictions, params={"limit": 1}).raise_for_status().json()["as_of"]
                    )
                    < accepted
                ):
                    if perf_counter() - seconds > PATIENCE_S:
                        raise SystemExit(work.read_text())
                    sleep(POLL_S)
                took = (clock.now() - accepted).total_seconds()
                told.append(
                    {
                        "seconds": round(took, 2),
                        "worker_cpu_s": round(cpu_seconds(worker.pid) - used, 2),
                        "steps": steps(work, accepted.timestamp()),
                    }
                )
                sleep(0.37 * (number % 5))  # so that they do not all begin where the worker has just looked
    rest = sorted(each["seconds"] for each in told[1:])
    return {
        "run": run,
        "every": every or "default",
        "first": told[0],
        "trials": told[1:],
        "median_s": median(rest),
        "most_s": rest[-1],
        "median_worker_cpu_s": median(each["worker_cpu_s"] for each in told[1:]),
        "load_average": os.getloadavg(),
    }


def act(run: str, learner: str, at: datetime) -> dict[str, Any]:
    """A record of somebody who looks at a page."""
    return {"run": run, "learner": learner, "verb": "viewed", "at": at.isoformat(), "object": "page-fresh"}


def steps(log: Path, since: float) -> dict[str, list[float]]:
    """When each job began and ended after an instant, in seconds after it."""
    found: dict[str, list[float]] = {}
    for line in log.read_text().splitlines():
        if line.startswith("{"):
            said = json.loads(line)
            if said["at"] >= since and said["kind"] in ("move_inbox", "rules", "score"):
                found.setdefault(said["kind"], []).append(round(said["at"] - since, 2))
    return found


def cpu_seconds(pid: int) -> float:
    """CPU seconds that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def demo(home: Path, learners: int) -> datetime:
    """Makes a demo and returns when it is looked at."""
    headway = Path(sys.executable).with_name("headway")
    command = [str(headway), "demo", "--home", str(home), "--learners", str(learners), "--no-serve", "--json"]
    subprocess.run(command, check=True, capture_output=True)
    return newest(home, DEMO_RUN)


def newest(home: Path, run: str) -> datetime:
    """A while after the newest predictions of a run."""
    with open_app(home) as app, app.store.read() as connection:
        found = pages.newest(connection, run)
    if found is None:
        raise SystemExit(f"{run} was not scored yet. Name an instant with --at.")
    return found.as_of.instant + LATER


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--home", type=Path, help="A home to copy.")
    parser.add_argument("--run", default=DEMO_RUN)
    parser.add_argument("--at", type=datetime.fromisoformat, help="When the home's clock begins.")
    parser.add_argument("--learners", type=int, default=400)
    parser.add_argument("--every", default="", help="The worker's --every; the home's setting by default.")
    parser.add_argument("--trials", type=int, default=10)
    parser.add_argument("--records", type=int, default=1, help="Records sent in each trial.")
    parser.add_argument("--role", choices=["server", "worker"], help=argparse.SUPPRESS)
    parser.add_argument("--shift", type=float, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.role == "server":
        act_as_server(asked.home, asked.shift)
    elif asked.role == "worker":
        act_as_worker(asked.home, asked.shift, asked.every)
    else:
        with tempfile.TemporaryDirectory(prefix="headway-bench-") as folder:
            home = Path(folder) / "home"
            if asked.home:
                shutil.copytree(asked.home, home)
                at = asked.at or newest(home, asked.run)
            else:
                at = demo(home, asked.learners)
            told = trials(home, asked.run, at - datetime.now(UTC), asked.every, asked.trials, asked.records)
            print(json.dumps(told, indent=1))


if __name__ == "__main__":
    main()
