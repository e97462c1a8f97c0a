"""What all visits share: the home, boards of score runs, names, facts of runs, slow answers kept ready."""

import gc
from collections.abc import Callable, Hashable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any, Final, TypeVar, TypeVarTuple

from headway.domain.errors import Pending, UnknownName
from headway.domain.time import AsOf
from headway.features.as_of import run_facts
from headway.flow.app import App
from headway.governance import vault
from headway.governance.vault import Person
from headway.scoring import kept, pages
from headway.scoring.kept import ScoreRun
from headway.settings import pseudonym_key
from headway.web.board import Board
from headway.web.boards import Boards
from headway.web.caseload_field import names_on
from headway.web.entries import Entries
from headway.web.fresh import Fresh, Once
from headway.web.helpers import Helpers

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

FACTS_S: Final = 60.0
PEOPLE_S: Final = 5.0
KEPT: Final = 256
"""So many quick answers are kept, each small or one for a run."""


SLOW_S: Final = 600.0
WARM_RUNS: Final = 3
WEEK: Final = timedelta(days=7)
STALE: Final = timedelta(hours=36)
"""Data older than this, in a running course, is told on every page."""


@dataclass(frozen=True, slots=True)
class Run:
    """A course run as pages speak of it.

    Attributes:
        id: the run's id.
        starts_on: its first day.
        ends_on: its last.
        zone: its time zone.
        data_up_to: when the newest statement became known; None where there is none.
        scored: as-of times at which it was scored, oldest first.
    """

    id: str
    starts_on: date
    ends_on: date
    zone: str
    data_up_to: datetime | None
    scored: tuple[AsOf, ...]

    @property
    def title(self) -> str:
        """How the run is called on pages: `DS101 · 2026S2`."""
        return " · ".join(self.id.split("/")[1:])

    @property
    def weeks(self) -> int:
        """How many weeks it has."""
        return max(1, -(-((self.ends_on - self.starts_on).days + 1) // 7))

    def week_of(self, day: date) -> int:
        """The course week of a day, from 1; 0 before it began, one more than it has after its end."""
        return min(self.weeks + 1, max(0, (day - self.starts_on).days // 7 + 1))

    def is_stale(self, now: datetime) -> bool:
        """Whether the run is going on and nothing has been heard of it for 36 hours."""
        today = AsOf(now).day(self.zone)
        running = self.starts_on <= today <= self.ends_on
        return running and self.data_up_to is not None and now - self.data_up_to > STALE


@dataclass
class Site:
    """What all visits share.

    Attributes:
        app: the home.
        demo: whether roles may be switched freely and nobody need sign in; of the demo alone.
        slow: answers that take long, for pages to keep.
        once: what is quick to make and good for as long as its mark stays.
        entries: the way of visits into the audit.
    """

    app: App
    demo: bool = False
    slow: "Fresh[Any]" = field(default_factory=lambda: Fresh(SLOW_S, most=64), repr=False)
    _runs: "Fresh[dict[str, Run]]" = field(default_factory=lambda: Fresh(FACTS_S, most=1), repr=False)
    once: "Once[Any]" = field(default_factory=lambda: Once(KEPT), repr=False)
    _people: "Fresh[dict[str, Person]]" = field(default_factory=lambda: Fresh(PEOPLE_S, most=1), repr=False)

    def __post_init__(self) -> None:
        self._boards = Boards(self.app.store)
        self._helpers: Helpers | None = None
        self.entries = Entries(self.app.store)

    def begin_helpers(self) -> None:
        """Has what takes long computed in processes of their own from now on, for a process that serves many."""
        count = self.app.settings.server.helpers
        if count and self.app.settings.engine.kind != "spark":  # each would start a Spark of its own
            self._helpers = Helpers(self.app, count)

    @property
    def has_helpers(self) -> bool:
        """Whether what takes long is computed in other processes."""
        return self._helpers is not None

    def worked_out(self, key: Hashable, wait_s: float | None, function: Callable[[App, *Ts], T], *args: *Ts) -> T:
        """What a function of a module tells of the home, computed once and kept as `slow` keeps it.

        Args:
            key: under which it is kept; all that the answer depends on.
            wait_s: how long to wait for a first answer; None for as long as it takes.
            function: reads only; a helper may call it, so it stands in a module and its answer is picklable.
            args: what it is given besides the home.

        Raises:
            Pending: it is not there after `wait_s` seconds.
        """
        found: T = self.slow.get(key, partial(self._ask, function, args), wait_s)
        return found

    def _ask(self, function: Callable[[App, *Ts], T], args: tuple[*Ts]) -> T:
        return function(self.app, *args) if self._helpers is None else self._helpers.call(function, *args)

    def runs(self) -> dict[str, Run]:
        """All course runs by id, at most a minute old."""
        return self._runs.get("runs", self._read_runs)

    def run(self, run: str) -> Run:
        """One course run.

        Raises:
            UnknownName: there is none of this id.
        """
        found = self.runs().get(run)
        if found is None:
            raise UnknownName("There is no course run of this name.")
        return found

    def changed(self) -> None:
        """Says that runs, scores, groups or names are not what they were a moment ago."""
        self._runs.drop("runs")
        self._runs_known = False
        self._people.drop("people")
        self._boards.changed()

    def score_run(self, run: str, as_of: AsOf | None = None) -> ScoreRun | None:
        """The newest score run of a run, or the newest at an as-of time; None where there is none."""
        with self.app.store.read() as connection:
            return pages.newest(connection, run) if as_of is None else kept.find(connection, run, as_of)

    def newest_board(self, run: str) -> Board | None:
        """The board of a run's newest score run; None where it was never scored."""
        return self._boards.newest(run)

    def board(self, score_run: ScoreRun) -> Board:
        """The board of a score run: without whoever was erased, with the groups as they are."""
        return self._boards.of(score_run)

    def week_before(self, run: Run, board: Board) -> Board | None:
        """The board of about a week before another; None where the run was not scored then."""
        until = board.score_run.as_of.instant - WEEK + timedelta(hours=2)  # a change of the clocks in between
        earlier = [at for at in run.scored if at.instant <= until]
        if not earlier:
            return None
        minute = self.app.clock.now().replace(second=0, microsecond=0)
        found = self.once.get(("before", run.id, earlier[-1]), minute, lambda: self.score_run(run.id, earlier[-1]))
        return None if found is None else self.board(found)

    def people(self) -> dict[str, Person]:
        """Everyone in the vault, at most seconds old."""
        return self._people.get("people", self._read_people)

    def warm(self, more: Callable[[Run, Board], object] = lambda *_: None) -> None:
        """Begins to make ready what the first visitors would wait for, and returns at once.

        Args:
            more: begins what else pages want of the runs that were scored last, and does not wait for it.
        """
        with suppress(Pending):
            self.slow.get("warm", partial(self._made_ready, more), 0)

    def _made_ready(self, more: Callable[[Run, Board], object]) -> bool:
        runs = self.runs()
        people = self.people() if self.app.settings.secrets.pseudonym_key_file.exists() else {}
        newest = sorted((max(run.scored), run.id) for run in runs.values() if run.scored)[-WARM_RUNS:]
        for _, run in newest:
            board = self.newest_board(run)
            if board is not None:
                names_on(board, people)
                self.week_before(runs[run], board)
                more(runs[run], board)
        if gc.get_freeze_count():  # the server froze what stays; so do names: looking through them holds up everybody
            gc.collect()
            gc.freeze()
        return True

    def close(self) -> None:
        """Stops what is still being computed."""
        for each in (self.slow, self._runs, self._people):
            each.close()
        if self._helpers is not None:
            self._helpers.close()

    _people_state: tuple[Any, dict[str, Person]] | None = field(default=None, repr=False)

    def _read_people(self) -> dict[str, Person]:
        with self.app.store.read() as connection:
            state = vault.state(connection)
            if self._people_state is None or self._people_state[0] != state:
                self._people_state = state, vault.everyone(connection, pseudonym_key(self.app.settings))
        return self._people_state[1]

    _runs_known: bool = field(default=False, repr=False)

    def _read_runs(self) -> dict[str, Run]:
        """All runs; read here where everybody waits for them, since a helper may have much to do."""
        known, self._runs_known = self._runs_known, True
        return self._ask(_runs_of, ()) if known else _runs_of(self.app)


def _runs_of(app: App) -> dict[str, Run]:
    known: Sequence[str] = app.lake.runs()
    if not known:
        return {}
    now = AsOf.now(app.clock)
    with app.lake.open(now, known, kinds=["course_runs", "statements"]) as records:
        statements = records.table("statements")
        newest = statements.group_by("run").aggregate(at=statements.recorded_at.max())
        heard = {row["run"]: row["at"] for row in records.collect(newest).to_pylist()}
        announced = records.collect(records.table("course_runs").select("run").distinct())["run"].to_pylist()
        facts = {run: run_facts(records, run) for run in announced}
    with app.store.read() as connection:
        scored = {run: tuple(sorted({each.as_of for each in kept.for_run(connection, run)})) for run in facts}
    return {
        run: Run(run, each.starts_on, each.ends_on, each.zone, heard.get(run), scored[run])
        for run, each in facts.items()
    }
