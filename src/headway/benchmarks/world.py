"""Made-up worlds of any size in a lake, shaped like the Open University's: day totals, hand-ins, marks, withdrawals.

A world is for measuring speed: it has the sizes and the tails of a real one (many quiet learners and a few busy ones,
a few objects that everyone opens, days known late, runs of unequal size), and nothing to learn from. The same size and
seed give the same world. One course run after the other is made, so that the disk bounds a world and not the memory.
"""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa

from headway.domain.records import INSTANT, kind_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from headway.lake.lake import Lake

    Whole = NDArray[np.int64]
    Share = NDArray[np.float64]

STATEMENTS_A_LEARNER: Final = 327
"""Day rows per enrolment in the Open University's data: 10.66 million for 32,593."""

STATEMENTS_A_RUN: Final = 484_545
"""The same per course run, of which there are 22."""

LEAST_RUNS: Final = 4
ASSESSMENTS: Final = 12
TYPES: Final = ("content", "page", "forum", "quiz", "homepage", "link", "file", "wiki")
OBJECTS: Final = 278
EARLY_DAYS: Final = 25
"""Days before the start in which learners look around."""

LATE_DAYS: Final = 0.005
"""Share of the days of learners that become known 1 to 14 days late."""

CHUNK: Final = 2_000_000
"""About how many statements are landed in one commit."""

_FILE: Final = "world.json"
_FORM: Final = 1
_EPOCH: Final = date(1970, 1, 1)


@dataclass(frozen=True, slots=True)
class Size:
    """How large a world is.

    Attributes:
        statements: about how many day rows.
        runs: course runs.
        seed: seeds every random choice.
    """

    statements: int
    runs: int
    seed: int = 1

    @property
    def name(self) -> str:
        """A name for its folder."""
        return f"world-{self.statements}-{self.runs}-{self.seed}-form{_FORM}"

    def learners(self, run: int) -> int:
        """How many learners a run has: from 0.3 to 1.7 times the mean."""
        mean = self.statements / STATEMENTS_A_LEARNER / self.runs
        spread = (run * 5) % self.runs / max(1, self.runs - 1)
        return max(3, round(mean * (0.3 + 1.4 * spread)))


@dataclass(frozen=True, slots=True)
class World:
    """A world in its lake.

    Attributes:
        home: the workspace; the lake is its folder `lake`.
        statements: how many there are.
        enrolments: how many learners in all runs.
        runs: course runs.
        bytes: size of the statements' files.
    """

    home: str
    statements: int
    enrolments: int
    runs: int
    bytes: int


def size_of(statements: int, runs: int | None = None, seed: int = 1) -> Size:
    """A world of about `statements` day rows; as many runs as the Open University would have (at least 4) for None."""
    return Size(statements, runs or max(LEAST_RUNS, round(statements / STATEMENTS_A_RUN)), seed)


def world_in(folder: str, statements: int, runs: int | None = None, seed: int = 1) -> dict[str, Any]:
    """The world of this size below `folder` as the fields of `World`; made where it is not there whole.

    Args:
        folder: where worlds are kept.
        statements: about how many day rows.
        runs: how many course runs; None for as many as the Open University would have.
        seed: seeds every random choice.
    """
    size = size_of(statements, runs, seed)
    home = Path(folder) / size.name
    known = home / _FILE
    if known.exists():
        found: dict[str, Any] = json.loads(known.read_text(encoding="utf-8"))
        return found | {"home": str(home)}
    from headway.flow import open_app

    with open_app(home) as app:
        made, enrolments = _fill(app.lake, size)
    files = (home / "lake" / "statements").rglob("*.parquet")
    world = World(str(home), made, enrolments, size.runs, sum(file.stat().st_size for file in files))
    known.write_text(json.dumps(asdict(world)), encoding="utf-8")
    return asdict(world)


def _fill(lake: "Lake", size: Size) -> tuple[int, int]:
    """How many statements and learners were landed; what a killed maker left of the same world changes nothing."""
    waiting: dict[str, list[pa.Table]] = {}
    statements = learners = 0
    for number in range(size.runs):
        for kind, table in records_of(number, size):
            waiting.setdefault(kind, []).append(table)
        learners += size.learners(number)
        if sum(table.num_rows for table in waiting["statements"]) >= CHUNK or number == size.runs - 1:
            for kind, tables in waiting.items():
                landed = lake.append(kind, pa.concat_tables(tables).to_reader(65_536))
                statements += landed.read if kind == "statements" else 0
            waiting = {}
    return statements, learners


def records_of(run: int, size: Size) -> Iterator[tuple[str, pa.Table]]:
    """The records of one course run of a world, kind by kind; statements come twice, clicks and hand-ins."""
    yield from _Run.of(run, size).tables()


@dataclass(frozen=True, slots=True)
class _Run:
    """One course run being made.

    Attributes:
        name: its id.
        dice: where its randomness comes from.
        starts: its first day, in days since 1970.
        days: how long it is.
        names: its learners.
        objects: its activities, the assessments first.
        joined: the course day on which each learner registered.
        left: the course day on which each withdrew; a day after the end for who stayed.
        rows: about how many day rows it has.
    """

    name: str
    dice: np.random.Generator
    starts: int
    days: int
    names: pa.Array
    objects: pa.Array
    joined: "Whole"
    left: "Whole"
    rows: int

    @classmethod
    def of(cls, number: int, size: Size) -> "_Run":
        dice = np.random.default_rng([size.seed, number])
        autumn = number % 2
        starts = date(2013 + (number % 4) // 2, 10 if autumn else 2, 1)
        name = f"made/{'ABCDEFG'[number % 7] * 3}/{starts.year}{'J' if autumn else 'B'}{number:03d}"
        days = 240 + (number * 7) % 30
        n = size.learners(number)
        joined = np.where(dice.random(n) < 0.9, -20 - dice.integers(0, 30, n), dice.integers(0, 15, n))
        left = np.where(dice.random(n) < 0.3, np.maximum(dice.integers(-10, days, n), joined + 1), days + 1)
        total = sum(size.learners(other) for other in range(size.runs))
        return cls(
            name,
            dice,
            (starts - _EPOCH).days,
            days,
            pa.array([f"made/{hash_of:020x}" for hash_of in (number * 1_000_003 + np.arange(n)) * 2_654_435_761]),
            pa.array([f"item/{name.rpartition('/')[2]}/{500_000 + at}" for at in range(ASSESSMENTS + OBJECTS)]),
            joined,
            left,
            round(size.statements * n / total),
        )

    def tables(self) -> Iterator[tuple[str, pa.Table]]:
        """The run's records, kind by kind."""
        before = np.array([self.starts - 90])
        yield (
            "course_runs",
            self._table(
                "course_runs",
                before,
                before,
                course=[self.name.rpartition("/")[0]],
                starts_on=_dates(np.array([self.starts])),
                ends_on=_dates(np.array([self.starts + self.days - 1])),
                zone=["UTC"],
            ),
        )
        yield "activities", self._activities()
        yield "enrolments", self._enrolments()
        yield "attributes", self._attributes()
        yield "outcomes", self._outcomes()
        who, which, day = self._hand_ins()
        yield "results", self._results(who, which, day)
        yield "statements", self._clicks()
        yield "statements", self._submissions(who, which, day)

    def _table(self, kind: str, occurred: "Whole", recorded: "Whole", **columns: Any) -> pa.Table:
        """Records of a kind: `occurred` and `recorded` in days since 1970, midnight; columns not given are null."""
        schema = kind_of(kind).schema
        n = len(occurred)
        ids = pa.Array.from_buffers(pa.binary(16), n, [None, pa.py_buffer(self.dice.bytes(16 * n))])
        given = {
            "id": ids.cast(pa.binary()),
            "source": _same("made", n),
            "run": _same(self.name, n),
            "occurred_at": _instants(occurred),
            "recorded_at": _instants(recorded),
            **columns,
        }
        arrays = [
            pa.nulls(n, field.type) if field.name not in given else _array(given[field.name], field.type)
            for field in schema
        ]
        return pa.Table.from_arrays(arrays, schema=schema)

    def _activities(self) -> pa.Table:
        n = ASSESSMENTS + OBJECTS
        assessed = np.arange(n) < ASSESSMENTS
        kinds = ["test" if at % 3 == 0 else "assignment" for at in range(ASSESSMENTS)]
        kinds += [TYPES[at % len(TYPES)] for at in range(OBJECTS)]
        announced = np.where(np.arange(n) % 50 == 49, self.starts + 42, self.starts - 90)
        due = self.starts + self._due(np.arange(n) % ASSESSMENTS)
        return self._table(
            "activities",
            announced,
            announced,
            activity=self.objects,
            type=kinds,
            due_on=pa.array(due.astype(np.int32), mask=~assessed).cast(pa.date32()),
            due_at=pa.array((due + 1) * 86_400_000_000, mask=~assessed).cast(INSTANT),
            weight=pa.array(np.full(n, 100 / ASSESSMENTS), mask=~assessed),
        )

    def _enrolments(self) -> pa.Table:
        gone = np.flatnonzero(self.left <= self.days)
        n = len(self.names)
        who = np.concatenate([np.arange(n), gone])
        day = self.starts + np.concatenate([self.joined, self.left[gone]])
        slow = np.where(self.dice.random(len(who)) < 0.2, self.dice.integers(1, 11, len(who)), 0)
        slow[:n] = 0
        return self._table(
            "enrolments",
            day,
            day + slow,
            learner=self.names.take(pa.array(who)),
            status=["enrolled"] * n + ["withdrawn"] * len(gone),
            valid_from=_instants(day),
            valid_from_on=_dates(day),
        )

    def _attributes(self) -> pa.Table:
        facts = ("previous_attempts", "studied_credits", "gender", "age_band", "region", "imd", "education", "need")
        who = np.repeat(np.arange(len(self.names)), len(facts))
        day = self.starts + self.joined[who]
        return self._table(
            "attributes",
            day,
            day,
            learner=self.names.take(pa.array(who)),
            name=list(facts) * len(self.names),
            value=pa.array(self.dice.integers(0, 5, len(who))).cast(pa.string()),
            valid_from=_instants(day),
            sensitive=np.tile(np.arange(len(facts)) > 1, len(self.names)),
        )

    def _outcomes(self) -> pa.Table:
        n = len(self.names)
        end = np.full(n, self.starts + self.days)
        passed = np.where(self.dice.random(n) < 0.25, "fail", "pass")
        label = np.where(self.left <= self.days, "withdrawn", passed)
        return self._table("outcomes", end, end + 7, learner=self.names, label=label.tolist())

    def _due(self, which: "Whole") -> "Whole":
        return 18 + which * ((self.days - 20) // ASSESSMENTS)

    def _hand_ins(self) -> "tuple[Whole, Whole, Whole]":
        """Who handed in which assessment on which course day."""
        shape = (len(self.names), ASSESSMENTS)
        day = self._due(np.arange(ASSESSMENTS)) - self.dice.integers(-2, 6, shape)
        handed_in = (day < self.left[:, None]) & (day >= self.joined[:, None]) & (self.dice.random(shape) < 0.8)
        who, which = np.nonzero(handed_in)
        return who, which, day[who, which]

    def _results(self, who: "Whole", which: "Whole", day: "Whole") -> pa.Table:
        on = self.starts + day
        released = on + self.dice.integers(3, 11, len(on))
        return self._table(
            "results",
            on,
            released,
            learner=self.names.take(pa.array(who)),
            activity=self.objects.take(pa.array(which)),
            attempt=np.ones(len(on), np.int32),
            score=self.dice.beta(4, 2, len(on)),
            submitted_at=_instants(on),
            submitted_on=_dates(on),
            released_at=_instants(released),
            transferred=np.zeros(len(on), bool),
        )

    def _submissions(self, who: "Whole", which: "Whole", day: "Whole") -> pa.Table:
        on = self.starts + day
        return self._table(
            "statements",
            on,
            on + 1,
            learner=self.names.take(pa.array(who)),
            verb=_same("submitted", len(on)),
            object=self.objects.take(pa.array(which)),
            occurred_on=_dates(on),
            interactions=np.zeros(len(on), np.int64),
        )

    def _clicks(self) -> pa.Table:
        """The day totals, day by day as a nightly delivery brings them: one row per learner, object and day."""
        dice, n = self.dice, len(self.names)
        days = np.arange(-EARLY_DAYS, self.days)
        busy = np.exp(0.9 * dice.standard_normal(n)) / 1.5 * 0.245
        season = np.where(days < 0, 0.4, 1.1)
        there = dice.random((len(days), n)) < np.minimum(0.9, season[:, None] * busy)
        there &= (days[:, None] < self.left) & (days[:, None] >= self.joined)
        at, who = np.nonzero(there)
        mean = max(1.0, self.rows / max(1, len(at)))
        times = dice.geometric(1 / mean, len(at))
        late = np.where(dice.random(len(at)) < LATE_DAYS, dice.integers(1, 15, len(at)), 0)
        day, who, late = (np.repeat(each, times) for each in (days[at], who, late))
        popular = OBJECTS * dice.random(len(day)) ** 3
        current = (day + EARLY_DAYS) * OBJECTS / (self.days + EARLY_DAYS) + dice.random(len(day)) * 20 - 10
        which = np.where(dice.random(len(day)) < 0.4, popular, np.clip(current, 0, OBJECTS - 1)).astype(np.int64)
        on = self.starts + day
        return self._table(
            "statements",
            on,
            on + 1 + late,
            learner=self.names.take(pa.array(who)),
            verb=_same("viewed", len(on)),
            object=self.objects.take(pa.array(ASSESSMENTS + which)),
            occurred_on=_dates(on),
            interactions=np.maximum(1, np.exp(0.6 + dice.standard_normal(len(on)))).astype(np.int64),
        )


def _same(text: str, n: int) -> pa.Array:
    return pa.DictionaryArray.from_arrays(pa.array(np.zeros(n, np.int32)), pa.array([text])).cast(pa.string())


def _instants(days: "Whole") -> pa.Array:
    return pa.array(days.astype(np.int64) * 86_400_000_000).cast(INSTANT)


def _dates(days: "Whole") -> pa.Array:
    return pa.array(days.astype(np.int32)).cast(pa.date32())


def _array(values: Any, kind: pa.DataType) -> pa.Array:
    return values if isinstance(values, pa.Array) else pa.array(values, type=kind)
