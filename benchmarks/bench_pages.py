"""Pages over a caseload of 100,000 learners with 20 people at work: time to answer by page, and how much is sent.

    python -m benchmarks.bench_pages [--learners 100000] [--users 20] [--visits 40] [--think 1.0] [--watch FILE]

The store holds the predictions of two weeks, names and groups of all learners; the lake holds a small course, so pages
that read statements are not judged by this. Each person opens a page, looks at it for about `--think` seconds, and goes
on. Those of one role go through its pages in turn, in an order that changes, until each page was opened `--visits`
times: a 95th percentile of fewer than 20 is a maximum. Server and browsers share the machine; what is told is the time
from request to the last byte. With `--watch` the server itself tells where each request's time went, which costs it a
little: processor, store, waiting, garbage.
"""

import argparse
import asyncio
import re
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import httpx
import numpy as np

from headway.domain.time import AsOf, FixedClock
from headway.flow.app import open_app
from headway.flow.people import keep_people, set_groups
from headway.governance import accounts
from headway.scoring import kept
from headway.scoring import pages as pages_of
from headway.web.address import slug
from headway.web.cookie import COOKIE
from headway.web.page import Page
from tests.support.page_walk import WHO, surely_there, visits
from tests.support.pages import NOW, RUN, make_home, opened_pages, person_of, register_model, score_by_hand

WEEKS: Final = ("2025-08-31", "2025-09-07")
GROUP_OF: Final = 25
PEOPLE: Final = {"adviser": 0, "instructor": 2, "scientist": 3, "governance": 3, "learner": 2}
"""How many of those at work come with each account; all others are advisers."""

ASKED: Final = ("&q=quispe", "&sort=name", "&page=40", "&list=reach-out", "&sort=chance&q=ada")
"""What an adviser asks of the list besides opening it."""

PARTS: Final = {
    "/courses/{run}": ("items", "days", "work", "recordings", "forum"),
    "/data": ("rejects", "work"),
    "/governance": ("audit", "consent", "erasure", "retention", "processing", "access"),
    "/models/{model}": ("evaluation", "calibration", "fairness", "drift", "compare", "lineage"),
}
"""The parts of a page that its query opens."""

WARM: Final = 2
"""Visits of each page before any is counted: what takes seconds is worked out then."""


def make(home: Path, learners: int) -> None:
    """The small home with many more learners in the store."""
    make_home(home)
    with open_app(home, clock=FixedClock(NOW)) as app:
        with opened_pages(home) as pages:
            known = pages.learners
        more = [f"simulated/{number:08x}" for number in range(learners - len(known))]
        everyone = [*known, *more]
        keep_people(app, {each: replace(person_of(at % 120), number=f"N{at}") for at, each in enumerate(more)})
        set_groups(app, RUN, {each: f"T{at // GROUP_OF}" for at, each in enumerate(more)})
        register_model(app)
        as_ofs = [AsOf.at(week, "Europe/London") for week in WEEKS]
        with app.store.begin() as connection:  # what the small home was told of these weeks stands in the way
            small = [each.id for each in kept.for_run(connection, RUN) if each.as_of in as_ofs]
            kept.remove(connection, small)
        for as_of in as_ofs:
            score_by_hand(app, RUN, as_of, everyone, model="does_not_finish-logistic/2")
        with app.store.read() as connection:
            shown = pages_of.newest(connection, RUN)
        assert shown is not None
        assert shown.learners == learners, "the caseload would be another than was asked for"


def serve(home: Path, port: int, lines: Path | None) -> None:
    """Serves the home until it is stopped; with a file for them, writes down where the time of each request went."""
    from headway.server import run

    with open_app(home, clock=FixedClock(NOW), worker={"score": False}) as app:
        if lines is not None:
            from benchmarks.page_watch import Came, Watch

            made: Any = vars(run)["create_app"]
            vars(run)["create_app"] = lambda *given, **more: Came(made(*given, **more))
            Watch(lines).begin(app.store)
        run.serve(app, "127.0.0.1", port, "warning")


def sessions(home: Path, users: int) -> dict[str, list[str]]:
    """Tokens of signed-in people by account."""
    with open_app(home, clock=FixedClock(NOW)) as app, app.store.begin() as connection:
        return {
            name: [accounts.start(connection, NOW, accounts.named(connection, name)) for _ in range(users)]
            for name in PEOPLE
        }


def addresses(home: Path) -> dict[str, list[str]]:
    """What each account opens."""
    with opened_pages(home) as pages:
        found = {
            name: [each for page, path in visits(pages, WHO[name]) for each in _of_page(page, path, name)]
            for name in PEOPLE
        }
    found["adviser"] += ["/settings", "/help", "/status", "/sign-in"]
    found["adviser"] += [f"/caseload?run={slug(RUN)}{asked}" for asked in ASKED] * 3
    return found


def _of_page(page: Page, path: str, name: str) -> list[str]:
    """The addresses of a page and its parts; none for a file and for what is not in the small home."""
    if ".pdf" in page.path or "{form}" in page.path or (not surely_there(page) and "{model}" not in page.path):
        return []
    parts = PARTS.get(page.path, ()) if name == "governance" or page.path == "/courses/{run}" else ()
    whole = f"{path}?run={slug(RUN)}"
    return [whole, *(f"{whole}&tab={part}" for part in parts)]


class Turns:
    """Whose turn it is among some addresses: all of them once, in an order that changes, and again."""

    def __init__(self, addresses: list[str], seed: int) -> None:
        self._addresses, self._left, self._rng = addresses, list[str](), np.random.default_rng(seed)

    def next(self) -> str:
        """The next address."""
        if not self._left:
            self._left = [str(each) for each in self._rng.permutation(self._addresses)]
        return self._left.pop()


async def work(url: str, tokens: dict[str, list[str]], paths: dict[str, list[str]], wanted: int, think: float) -> float:
    """Opens each page so often and tells how long it took; when what is told began, in seconds since 1970."""
    took: dict[str, list[float]] = {}
    sent: dict[str, int] = {}
    statuses: dict[str, int] = {}
    pending: dict[str, int] = {}

    async def one(name: str, token: str, seed: int, least: int) -> None:
        rng = np.random.default_rng(seed)
        async with httpx.AsyncClient(base_url=url, cookies={COOKIE: token}, timeout=120) as http:
            while any(len(took.get(page, ())) < least for page in every):
                path = turns[name].next()
                begun = time.perf_counter()
                answer = await http.get(path, headers={"accept": "text/html", "accept-encoding": "gzip"})
                key = plain(path)
                took.setdefault(key, []).append((time.perf_counter() - begun) * 1000)
                sent[key] = int(answer.headers.get("content-length", 0))
                statuses[key] = answer.status_code
                pending[key] = pending.get(key, 0) + ('id="pending"' in answer.text)
                await asyncio.sleep(think * rng.uniform(0.5, 1.5))

    users = len(tokens["adviser"])
    share = PEOPLE | {"adviser": max(1, users - sum(PEOPLE.values()))}
    who = [(name, tokens[name][at]) for name, number in share.items() for at in range(number)]
    turns = {name: Turns(paths[name], seed) for seed, name in enumerate(PEOPLE)}
    every = {plain(path) for some in paths.values() for path in some}
    for least in (WARM, wanted):
        for each in (took, sent, pending):
            each.clear()
        began = time.time()
        await asyncio.gather(*(one(name, token, seed, least) for seed, (name, token) in enumerate(who)))
    tell(took, sent, statuses, pending)
    return began


def plain(path: str) -> str:
    """A path without ids, so that times of the same page come together."""
    return re.sub(r"(simulated|does_not_finish-logistic)~[\w~]+|DS101-[\w-]+", "…", path).replace("?run=…", "")


def tell(took: dict[str, list[float]], sent: dict[str, int], statuses: dict[str, int], pending: dict[str, int]) -> None:
    """Prints the table, the slowest first; `later` counts the answers that the page is being computed."""
    print(f"{'page':46} {'status':>6} {'times':>5} {'later':>5} {'p50 ms':>7} {'p95 ms':>7} {'KB':>6}")
    for key, times in sorted(took.items(), key=lambda pair: -float(np.quantile(pair[1], 0.95))):
        p50, p95 = np.quantile(times, [0.5, 0.95])
        print(
            f"{key:46} {statuses[key]:6} {len(times):5} {pending[key]:5} {p50:7.0f} {p95:7.0f} {sent[key] / 1000:6.1f}"
        )
    every = [each for times in took.values() for each in times]
    p50, p95 = np.quantile(every, [0.5, 0.95])
    print(f"{'all':46} {'':6} {len(every):5} {sum(pending.values()):5} {p50:7.0f} {p95:7.0f}")


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--learners", type=int, default=100_000)
    asked.add_argument("--users", type=int, default=20)
    asked.add_argument("--visits", type=int, default=40, help="of each page, at least")
    asked.add_argument("--think", type=float, default=1.0)
    asked.add_argument("--port", type=int, default=8397)
    asked.add_argument("--home", type=Path, help="keep the home here, and use it again")
    asked.add_argument("--watch", type=Path, help="let the server tell where the time goes, and keep its lines here")
    asked.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    told = asked.parse_args()
    with ExitStack() as until:
        home = told.home or Path(until.enter_context(tempfile.TemporaryDirectory())) / "home"
        if told.serve:
            serve(home, told.port, told.watch)
            return
        if not (home / "headway.db").exists():
            make(home, told.learners)
        command = [
            sys.executable,
            "-m",
            "benchmarks.bench_pages",
            "--serve",
            "--home",
            str(home),
            "--port",
            str(told.port),
            *(["--watch", str(told.watch)] if told.watch else []),
        ]
        paths, tokens = addresses(home), sessions(home, told.users)
        server = subprocess.Popen(command)
        until.callback(server.wait)
        until.callback(server.terminate)
        url = f"http://127.0.0.1:{told.port}"
        for _ in range(240):
            try:
                httpx.get(f"{url}/healthz", timeout=5)
                break
            except httpx.TransportError:
                time.sleep(0.5)
        began = asyncio.run(work(url, tokens, paths, told.visits, told.think))
        server.terminate()
        server.wait()
        if told.watch:
            from benchmarks.page_watch import tell as tell_where

            tell_where(told.watch, began)


if __name__ == "__main__":
    main()
