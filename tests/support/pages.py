"""A small home with pages over it, and browsers signed in as every role: what tests of pages stand on.

Load the fixtures by `from tests.support.pages import pages, written_pages` (say `__all__` or `# noqa: F401`).

- `pages` is shared by a whole test process: read it, change nothing that another test could see. Views are audited and
  sessions begin, nothing else.
- `written_pages` is a copy of one test's own, for what a form changes.

    def test_a_tutor_sees_the_own_group(pages: Pages) -> None:
        answer = pages.client("tutor").get("/caseload", run=slug(RUN))
        assert pages.name_of(pages.of_group("G1")[0]) in answer.text

    def test_a_note_is_kept(written_pages: Pages) -> None:
        client = written_pages.client("adviser")
        client.post(f"/learners/{slug(learner)}/notes", run=slug(RUN), text="Called.")   # the token is sent by itself

The home: `simulated/DS101/2025S1` is finished, `simulated/DS101/2025S2` (`RUN`) is in its sixth week of eight: the lake
holds what comes later too. Its 60 learners are in groups G1 to G4 and have names; weeks 2 to 5 are scored by hand-made
predictions (risk falls with the place in `learners`), the last two learners are too early to predict. Accounts: adviser
(RUN), tutor (G1 of RUN), instructor, scientist and governance (everything), learner (the first of G1), elsewhere (an
adviser of a run that is not there), nobody's password is known but the adviser's (`PASSWORD`).
"""

import hashlib
import re
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import httpx2
import pytest
from starlette.testclient import TestClient

from headway import flow
from headway.domain.time import AsOf, FixedClock
from headway.explanation.reasons import Reason
from headway.flow.app import App, open_app
from headway.flow.people import keep_people, set_groups
from headway.flow.records import hashed
from headway.governance import accounts, audit
from headway.governance.scopes import Grant, Role
from headway.governance.vault import Person
from headway.scoring import kept
from headway.scoring.kept import ScoreRun, score_run_id
from headway.scoring.predict import Prediction
from headway.server.app import create_app
from headway.web.address import slug
from headway.web.cookie import COOKIE
from tests.support.once import once

RUN: Final = "simulated/DS101/2025S2"
BEFORE: Final = "simulated/DS101/2025S1"
NOW: Final = datetime(2025, 9, 8, 6, tzinfo=UTC)
"""Monday of the sixth week of `RUN`, seven in the morning in its zone."""

ERASED: Final = "simulated/0e0e0e0e0e"
"""Somebody who was in `RUN` and was erased."""

OPTIONS: Final = {"learners": "60", "runs": "2", "weeks": "8", "seed": "5"}
WEEKS: Final = (2, 3, 4, 5)
GROUPS: Final = ("G1", "G2", "G3", "G4")
MODEL: Final = "does_not_finish-logistic/1"
PASSWORD: Final = "correct horse battery"
ACCOUNTS: Final = ("adviser", "tutor", "instructor", "scientist", "governance", "learner", "elsewhere")
_FIRST: Final = "Ada Amir Ana Bilal Chidi Dana Elif Femi Grace Hana Ivan Jonas Kofi Lea Mei Nia Omar Priya Quinn Rosa"
_LAST: Final = "Abebe Özdemir Chen Eriksson Quispe Okafor"


@dataclass
class Browser:
    """Somebody's browser: cookies, and the token for forms."""

    http: TestClient
    _csrf: str = field(default="", repr=False)

    def get(self, path: str, *, htmx: bool = False, **query: Any) -> httpx2.Response:
        """The answer to a visit; redirects are not followed."""
        return self.http.get(path, params=query or None, headers={"hx-request": "true"} if htmx else {})

    def post(self, path: str, *, htmx: bool = False, files: Any = None, **fields: Any) -> httpx2.Response:
        """The answer to a form, sent with the token of the session; lists send a field several times."""
        told = {"csrf": self.csrf} | fields
        headers = {"hx-request": "true"} if htmx else {}
        return self.http.post(path, data=told, files=files, headers=headers)

    @property
    def csrf(self) -> str:
        """The token that every form of the session carries."""
        if not self._csrf:
            found = re.search(r'name="csrf" value="([^"]+)"', self.get("/sign-in").text)
            assert found, "the page to sign in has no form with a token"
            self._csrf = found[1]
        return self._csrf


@dataclass
class Pages:
    """The home, its application, and who may come.

    Attributes:
        home: its folder.
        app: the opened home.
        asgi: what answers.
        learners: the learners of `RUN`, those of the highest risk first.
        before: the learners of `BEFORE` who are not in `RUN`.
    """

    home: Path
    app: App
    asgi: Any
    learners: list[str]
    before: list[str]
    _browsers: dict[tuple[str, Role | None], Browser] = field(default_factory=dict, repr=False)

    def client(self, name: str, role: Role | None = None) -> Browser:
        """The browser in which an account is signed in, the same each time; signed out where the name is empty."""
        if not name:
            return Browser(self._http())
        if (name, role) not in self._browsers:
            self._browsers[name, role] = self.new_client(name, role)
        return self._browsers[name, role]

    def new_client(self, name: str, role: Role | None = None, *, calm: bool = False) -> Browser:
        """A browser with a session of its own; a calm one gets 500 where others get the exception."""
        with self.app.store.begin() as connection:
            token = accounts.start(connection, self.app.clock.now(), accounts.named(connection, name), role)
        http = self._http(calm)
        http.cookies.set(COOKIE, token, domain="headway.test")
        return Browser(http)

    def _http(self, calm: bool = False) -> TestClient:
        headers = {"accept": "text/html"}
        return TestClient(
            self.asgi, "https://headway.test", raise_server_exceptions=not calm, headers=headers, follow_redirects=False
        )

    @cached_property
    def item(self) -> str:
        """An activity of `RUN`, as part of an address."""
        with self.app.lake.open(None, [RUN], kinds=["activities"]) as records:
            found = records.collect(records.table("activities").select("activity").distinct())
        return slug(min(found["activity"].to_pylist()))

    def of_group(self, group: str) -> list[str]:
        """The learners of a group, those of the highest risk first."""
        return [learner for place, learner in enumerate(self.learners) if GROUPS[place % len(GROUPS)] == group]

    def name_of(self, learner: str) -> str:
        """The name of a learner of either run."""
        return person_of(self._place(learner)).name

    def number_of(self, learner: str) -> str:
        """The institution's number of a learner of either run."""
        return person_of(self._place(learner)).number

    def _place(self, learner: str) -> int:
        return [*self.learners, *self.before].index(learner)

    def client_of(self, name: str) -> TestClient:
        """A client without the helpers, for requests of an unusual kind."""
        return self.client(name).http

    def audited(self, action: str) -> list[dict[str, Any]]:
        """What the audit says of an action, oldest first."""
        import sqlalchemy as sa

        from headway.store.tables import AUDIT

        with self.app.store.read() as connection:
            rows = connection.execute(sa.select(AUDIT).where(AUDIT.c.action == action).order_by(AUDIT.c.id)).mappings()
            return [dict(row) for row in rows]


def person_of(place: int) -> Person:
    """Who somebody is: a name that nobody else here has."""
    first, last = _FIRST.split(), _LAST.split()
    name = f"{first[place % len(first)]} {last[place // len(first)]}"
    return Person(name, f"ZQ{700_000 + place}", f"p{place}@example.org", f"+44 20 7946 {place:04d}")


def make_home(home: Path) -> None:
    """Makes the home."""
    with open_app(home, clock=FixedClock(NOW), worker={"score": False}) as app:
        flow.ingest(app, "simulated", [], OPTIONS)
        learners, before = everyone_of(app)
        keep_people(app, {each: person_of(place) for place, each in enumerate([*learners, *before])})
        set_groups(app, RUN, {each: GROUPS[place % len(GROUPS)] for place, each in enumerate(learners)})
        for week in WEEKS:
            score_by_hand(app, RUN, AsOf.at(str(flow.course_date(app, RUN, 7 * week - 1)), "Europe/London"), learners)
        _accounts(app, learners[0])
        with app.store.begin() as connection:
            audit.record(connection, app.clock.now(), "cli", "erase", hashed(ERASED), {})


def score_by_hand(app: App, run: str, as_of: AsOf, learners: list[str], model: str = MODEL) -> ScoreRun:
    """A score run with made-up predictions: the first learner has the highest risk, the last two come too early."""
    early = set(learners[-2:])
    made = ScoreRun(
        id=score_run_id(model, run, as_of),
        model_version=model,
        run=run,
        as_of=as_of,
        scored_at=as_of.instant,
        snapshot=str(app.lake.snapshot()),
        view_hash="0" * 64,
        learners=len(learners),
        too_early=len(early),
        facts={"label": "does_not_finish", "seed": 7, "day": 0},
    )
    told = [
        too_early(each) if each in early else predicted(each, place / len(learners), str(as_of))
        for place, each in enumerate(learners)
    ]
    with app.store.begin() as connection:
        kept.write(connection, made, told)
    return made


def predicted(learner: str, place: float, salt: str) -> Prediction:
    """A prediction for a place, 0 to 1, in the order; it moves a little with the salt."""
    moved = hashlib.sha256(f"{learner} {salt}".encode()).digest()[0] / 256
    risk = round(0.9 - 0.85 * place + 0.02 * moved, 4)
    away = 1 + round(18 * risk * moved)
    reasons = (
        Reason("days_since_last_activity", float(away), 2.0, "for", 0.24, f"No visit for {away} days", "visits"),
        Reason("mean_score", 0.41, 0.66, "for", 0.12, "Mean score 41% (course middle: 66%)", "results"),
        Reason("posts_total", 3.0, 1.5, "against", 0.08, "Wrote 3 posts so far (course middle: 1.5)", "forum"),
    )
    low, high = max(0.01, risk - 0.12), min(0.99, risk + 0.12)
    return Prediction(learner, "scored", risk, low, high, 80, None, "0" * 64, reasons, away)


def too_early(learner: str) -> Prediction:
    """What is said of somebody who cannot be predicted yet."""
    why = "Too early to say: fewer than 50 comparable past learners."
    return Prediction(learner, "too_early", None, None, None, 12, why, "0" * 64, (), None)


def register_model(app: App) -> str:
    """The ref of a model version registered from nothing: for pages about models; takes seconds (MLflow)."""
    from headway.registry.registry import Candidate

    made = Candidate(
        name=MODEL.rpartition("/")[0],
        files={"model.json": b"{}"},
        label="does_not_finish",
        model="logistic",
        view_hash="0" * 64,
        view_features=("days_since_last_activity", "mean_score", "posts_total"),
        snapshot="1",
        train_runs=(BEFORE,),
        days=(13, 20, 27, 34),
        known_by="2025-06-01T00:00:00Z",
        seed=7,
        report={},
    )
    return app.registry.add(made).ref


@contextmanager
def opened_pages(home: Path, **settings: Any) -> Iterator[Pages]:
    """The application of a home that `make_home` made, with the clock at `NOW`."""
    with ExitStack() as open_now:
        app = open_now.enter_context(open_app(home, clock=FixedClock(NOW), worker={"score": False}, **settings))
        asgi: Any = create_app(app)
        open_now.callback(asgi.site.close)
        yield Pages(home, app, asgi, *everyone_of(app))


@pytest.fixture(scope="session")
def pages_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the home, made once for all processes of a run. Copy it to write, and to open it."""
    return once(tmp_path_factory, "pages_home", make_home)


@pytest.fixture(scope="session")
def pages(pages_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pages]:
    """The pages over a home that tests share: look, and change nothing."""
    copy = tmp_path_factory.mktemp("pages") / "home"
    shutil.copytree(pages_home, copy)
    with opened_pages(copy) as found:
        yield found


@pytest.fixture(scope="session")
def registry_met(pages: Pages) -> None:
    """MLflow was asked once, in this thread: its first words are warnings, which pages in threads would fall over."""
    pages.app.registry.versions()


@pytest.fixture
def written_pages(pages_home: Path, tmp_path: Path) -> Iterator[Pages]:
    """The pages over a copy of the home, which the test may change."""
    copy = tmp_path / "home"
    shutil.copytree(pages_home, copy)
    with opened_pages(copy) as found:
        yield found


def everyone_of(app: App) -> tuple[list[str], list[str]]:
    """The learners of `RUN`, and those who are in `BEFORE` alone."""
    learners = _learners(app, RUN)
    return learners, [each for each in _learners(app, BEFORE) if each not in set(learners)]


def _learners(app: App, run: str) -> list[str]:
    with app.lake.open(None, [run], kinds=["enrolments"]) as records:
        found = records.collect(records.table("enrolments").select("learner").distinct())
    return sorted(found["learner"].to_pylist())


def _accounts(app: App, first: str) -> None:
    grants = {
        "adviser": Grant("adviser", RUN),
        "tutor": Grant("tutor", RUN, "G1"),
        "instructor": Grant("instructor"),
        "scientist": Grant("data_scientist"),
        "governance": Grant("governance"),
        "learner": Grant("learner", RUN, learner=first),
        "elsewhere": Grant("adviser", "other/*"),
    }
    with app.store.begin() as connection:
        for name in ACCOUNTS:
            password = PASSWORD if name == "adviser" else None
            accounts.create(connection, app.clock.now(), "cli", name, [grants[name]], password=password)
