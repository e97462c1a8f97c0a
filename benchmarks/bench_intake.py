"""How many xAPI statements a second the server takes, validated in full and on the disk before they are acknowledged.

Starts `headway serve` on loopback, sends from a process of its own over 32 connections: one statement at a time, then
50 and 500 in a request; then one at a time at half the rate reached, for the latency; then JSON lines of plain records.
Run it on a quiet machine: `python -m benchmarks.bench_intake [--seconds 8]`. Prints one JSON document. With
`--statements 1000000` it sends so many instead, 500 in a request, while a worker moves them into the lake, and prints
the memory that both hold after each tenth. With `--peer` it sends the same loads to another LRS that runs already.
"""

import argparse
import asyncio
import base64
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from time import monotonic, perf_counter, sleep
from typing import Any, Final
from urllib.request import urlopen
from uuid import uuid4

HEADWAY: Final = Path(sys.executable).with_name("headway")
CONNECTIONS: Final = 32
AIMS: Final = {"1": 1_500, "50": 12_000, "500": 15_000, "lines": 40_000}


def statement(number: int) -> dict[str, Any]:
    """A statement as an LMS sends it, about 900 bytes."""
    return {
        "id": str(uuid4()),
        "actor": {
            "objectType": "Agent",
            "account": {"homePage": "https://lms.example.org", "name": f"user-{number % 5000}"},
        },
        "verb": {"id": "http://adlnet.gov/expapi/verbs/completed", "display": {"en-GB": "completed"}},
        "object": {
            "objectType": "Activity",
            "id": f"https://lms.example.org/course/7/page/{number % 300}",
            "definition": {
                "type": "http://adlnet.gov/expapi/activities/lesson",
                "name": {"en-GB": f"Page {number % 300}"},
            },
        },
        "result": {"completion": True, "success": True, "score": {"scaled": 0.8}, "duration": "PT3M20S"},
        "context": {
            "registration": "ec531277-b57b-4c15-8d91-d292c5b2b8f7",
            "platform": "Example LMS",
            "language": "en-GB",
            "contextActivities": {
                "grouping": [
                    {
                        "id": "https://lms.example.org/course/7",
                        "definition": {"type": "http://adlnet.gov/expapi/activities/course"},
                    }
                ]
            },
        },
        "timestamp": "2026-11-20T10:15:30.123Z",
    }


def line(number: int) -> bytes:
    """A plain record on one line."""
    told = {"run": "canvas/7/1", "learner": f"user-{number % 5000}", "verb": "viewed", "at": "2026-11-20T10:15:30Z"}
    return json.dumps({"id": str(uuid4()), **told, "object": f"page-{number % 300}", "object_type": "page"}).encode()


class Sender(asyncio.Protocol):
    """One connection: sends a request, waits for its answer, sends the next."""

    def __init__(self, work: "Work") -> None:
        self._work = work
        self._seen = b""
        self._sent_at = 0.0
        self.done = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._next()

    def data_received(self, data: bytes) -> None:
        self._seen += data
        head, found, body = self._seen.partition(b"\r\n\r\n")
        if not found:
            return
        length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0] or 0)
        if len(body) < length:
            return
        if head.split(b" ", 2)[1] not in (b"200", b"202"):
            raise SystemExit(f"refused: {head!r} {body!r}")
        self._seen = b""
        self._work.took.append(perf_counter() - self._sent_at)
        self._next()

    def _next(self) -> None:
        request = self._work.take()
        if request is None:
            self._transport.close()
            if not self.done.done():
                self.done.set_result(None)
            return
        wait = self._work.wait()
        if wait > 0:
            asyncio.get_running_loop().call_later(wait, self._send, request)
        else:
            self._send(request)

    def _send(self, request: bytes) -> None:
        self._sent_at = perf_counter()
        self._transport.write(request)


class Work:
    """The requests of one measurement."""

    def __init__(self, requests: list[bytes], rate: float | None) -> None:
        self._requests, self._rate = requests, rate
        self._begun, self._given = monotonic(), 0
        self.took: list[float] = []

    def take(self) -> bytes | None:
        """The next request; None after the last."""
        self._given += 1
        return self._requests.pop() if self._requests else None

    def wait(self) -> float:
        """Seconds until the next request may go out, where a rate is kept."""
        return 0.0 if self._rate is None else self._begun + self._given / self._rate - monotonic()


async def send(port: int, requests: list[bytes], rate: float | None = None) -> tuple[float, list[float]]:
    """How long it took in all, and for each request."""
    work = Work(requests, rate)
    loop, begun = asyncio.get_running_loop(), perf_counter()
    senders = [await loop.create_connection(lambda: Sender(work), "127.0.0.1", port) for _ in range(CONNECTIONS)]
    await asyncio.gather(*(sender.done for _, sender in senders))
    return perf_counter() - begun, sorted(work.took)


def request(auth: str, path: str, kind: str, body: bytes) -> bytes:
    """The bytes of a POST request."""
    head = (
        f"POST {path} HTTP/1.1\r\nHost: x\r\nAuthorization: {auth}\r\nX-Experience-API-Version: 1.0.3\r\n"
        f"Content-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def measure(pid: int, port: int, auth: str, seconds: float) -> dict[str, Any]:
    """Records a second by the size of requests, and the latency at half the rate of single ones."""
    told: dict[str, Any] = {
        str(size): {**load(pid, port, "/xapi/statements", auth, size, seconds), "aim": AIMS[str(size)]}
        for size in (1, 50, 500)
    }
    rate = told["1"]["per_s"] / 2
    requests = [
        request(auth, "/xapi/statements", "application/json", json.dumps(statement(n)).encode())
        for n in range(int(rate * seconds))
    ]
    _, each = asyncio.run(send(port, requests, rate))
    told["half_load"] = {"per_s": round(rate), "p50_ms": percentile(each, 0.5), "p99_ms": percentile(each, 0.99)}
    count = int(AIMS["lines"] * seconds / 1000)
    requests = [
        request(auth, "/v1/records", "application/x-ndjson", b"\n".join(line(n) for n in range(1000)))
        for _ in range(count)
    ]
    used = cpu_seconds(pid)
    took, _ = asyncio.run(send(port, requests))
    told["lines"] = {"per_s": round(count * 1000 / took), "aim": AIMS["lines"]}
    told["lines"]["per_cpu_s"] = round(count * 1000 / (cpu_seconds(pid) - used))
    return told


def load(pid: int, port: int, path: str, auth: str, size: int, seconds: float, least: int = 4) -> dict[str, Any]:
    """Statements a second, and a CPU second of the server, where so many are sent in each request."""
    count = max(CONNECTIONS * least, int(AIMS[str(size)] * seconds / size))
    bodies = (json.dumps([statement(n) for n in range(size)] if size > 1 else statement(n)) for n in range(count))
    requests = [request(auth, path, "application/json", body.encode()) for body in bodies]
    used = cpu_seconds(pid)
    took, each = asyncio.run(send(port, requests))
    return {
        "per_s": round(count * size / took),
        "p99_ms": percentile(each, 0.99),
        "per_cpu_s": round(count * size / (cpu_seconds(pid) - used)),
    }


def peer(told: str, seconds: float) -> dict[str, Any]:
    """The same loads at another LRS on loopback that runs already; told as PID,PORT,PATH,USER:SECRET."""
    pid, port, path, secret = told.split(",", 3)
    auth = "Basic " + base64.b64encode(secret.encode()).decode()
    return {str(size): load(int(pid), int(port), path, auth, size, seconds, 1) for size in (1, 50, 500)}


def grown(pid: int, port: int, auth: str, statements: int, worker: int) -> dict[str, Any]:
    """The memory of server and worker in MiB before and after each tenth of so many statements."""
    size = min(500, max(1, statements // 10))
    count = max(1, statements // 10 // size)
    held, worker_held, took = [held_mib(pid)], [held_mib(worker)], 0.0
    for _ in range(10):
        bodies = (json.dumps([statement(n) for n in range(size)]) for _ in range(count))
        requests = [request(auth, "/xapi/statements", "application/json", body.encode()) for body in bodies]
        took += asyncio.run(send(port, requests))[0]
        held.append(held_mib(pid))
        worker_held.append(held_mib(worker))
        print(f"{len(held) - 1}/10: {held[-1]} MiB, worker {worker_held[-1]} MiB", file=sys.stderr, flush=True)
    return {
        "statements": 10 * count * size,
        "per_s": round(10 * count * size / took),
        "held_mib": held,
        "growth_mib": held[-1] - held[1],
        "worker_held_mib": worker_held,
        "worker_peak_mib": peak_mib(worker),
    }


def percentile(each: list[float], share: float) -> float:
    """Milliseconds within which this share of requests was answered."""
    return round(each[min(len(each) - 1, int(len(each) * share))] * 1000, 2)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=8.0)
    parser.add_argument("--statements", type=int, help="Send so many and tell the memory held after each tenth.")
    parser.add_argument("--peer", help="PID,PORT,PATH,USER:SECRET of another LRS, for the same loads.")
    parser.add_argument("--peer-seconds", type=float, default=1.0, help="As --seconds, for the peer.")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="headway-bench-") as home:
        made = subprocess.run(
            [str(HEADWAY), "key", "create", "--scope", "admin", "--home", home, "--json"],
            check=True,
            capture_output=True,
        )
        key = json.loads(made.stdout)
        auth = "Basic " + base64.b64encode(f"{key['key']}:{key['secret']}".encode()).decode()
        command = [str(HEADWAY), "serve", "--home", home, "--port", "0", "--log-level", "info"]
        server = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        assert server.stderr is not None
        port = next(json.loads(told)["port"] for told in server.stderr if '"listening"' in told)
        try:
            wait_for(port)
            used = cpu_seconds(server.pid)
            if asked.statements:
                worker = subprocess.Popen([str(HEADWAY), "worker", "--home", home, "--every", "1s"])
                try:
                    told = grown(server.pid, port, auth, asked.statements, worker.pid)
                finally:
                    worker.terminate()
                    worker.wait()
            else:
                told = measure(server.pid, port, auth, asked.seconds)
                if asked.peer:
                    told["peer"] = peer(asked.peer, asked.peer_seconds)
            told["server_cpu_s"] = round(cpu_seconds(server.pid) - used, 2)
            told["server_peak_mib"] = peak_mib(server.pid)
            told["load_average"] = os.getloadavg()
            print(json.dumps(told, indent=2))
        finally:
            server.terminate()
            server.wait()


def wait_for(port: int) -> None:
    """Returns when the server answers."""
    for _ in range(200):
        try:
            with urlopen(f"http://127.0.0.1:{port}/readyz", timeout=5):
                return
        except OSError:
            sleep(0.1)
    raise SystemExit("The server did not start.")


def cpu_seconds(pid: int) -> float:
    """CPU seconds that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def peak_mib(pid: int) -> int:
    """The most memory that a process has held, in MiB."""
    return _mib(pid, "VmHWM:")


def held_mib(pid: int) -> int:
    """The memory that a process holds, in MiB."""
    return _mib(pid, "VmRSS:")


def _mib(pid: int, name: str) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition(name)[2].split()[0]) // 1024


if __name__ == "__main__":
    main()
