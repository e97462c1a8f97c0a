"""From records to features: everyone enrolled in some runs as of some dates, computed once and kept."""

import hashlib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from importlib import metadata
from itertools import count, takewhile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa
import pyarrow.compute as pc

import headway.features
from headway.domain.errors import InputError
from headway.domain.records import INSTANT
from headway.domain.runs import select_runs
from headway.domain.time import AsOf
from headway.features import known
from headway.features.as_of import FeatureTable, compute, computed, runs_facts
from headway.features.moments import Moment, RunFacts
from headway.features.views import STANDARD, FeatureView, needed, view_of
from headway.flow.app import App
from headway.governance import audit

if TYPE_CHECKING:
    from headway.lake.built import Recipe, Shelf
    from headway.lake.reading import Records

ELSEWHERE: Final = frozenset({"others"})
"""Relations that read what is known of a learner in other runs."""

HELD_ROWS: Final = 500_000
"""So many rows of a run are held until they are kept."""

Write = Callable[[pa.Table], None]
"""Takes the next rows; all have the columns of `schema_of`."""


@dataclass(frozen=True, slots=True)
class When:
    """As-of times of a run, in any of three ways together.

    Attributes:
        dates: dates and instants; `2014-10-01..2014-12-31/7` is every seventh day from the first to the last.
        days: course days; 0 is the first, and each stands for its end.
        weekly: the end of each course week that has passed.
    """

    dates: Sequence[str] = ()
    days: Sequence[int] = ()
    weekly: bool = False


@dataclass(frozen=True, slots=True)
class Counts:
    """How many course runs, and how many as-of times of all runs together."""

    runs: int
    moments: int


@dataclass(frozen=True, slots=True)
class BuildReport:
    """What a build did.

    Attributes:
        view: what was built.
        rows: how many rows were written.
        computed: the runs and moments for which something was computed.
        reused: the moments of which the kept result was still true, and the runs for which nothing was computed.
    """

    view: FeatureView
    rows: int
    computed: Counts
    reused: Counts


def build_view(app: App, runs: Sequence[str], as_ofs: Sequence[str], view: str = STANDARD) -> FeatureTable:
    """The view's features of everyone enrolled in the runs as of each date, each date in the run's own zone.

    All at once, in memory; `build_features` hands them over run by run and keeps them.
    """
    chosen = select_runs(runs, app.lake.runs())
    built = view_of(view)
    with app.lake.open(None, chosen) as records:
        facts = runs_facts(records, chosen)
        moments = [Moment(run, AsOf.at(text, facts[run].zone)) for run in chosen for text in as_ofs]
        return compute(built, records, moments)


def build_features(
    app: App,
    runs: Sequence[str],
    when: When,
    view: str = STANDARD,
    *,
    write: Write,
    fresh: bool = False,
    keep: bool = True,
) -> BuildReport:
    """What was built, after handing over every row in order of run, as-of time and learner.

    What was built before and is still true is taken from where it is kept; only moments at which a record is known that
    was not known then are computed. Rows are handed over run by run, so memory does not grow with their number.

    Args:
        app: where the records are.
        runs: ids or globs of runs.
        when: at which as-of times of each run.
        view: the view's name, or names of features separated by commas.
        write: takes the rows.
        fresh: compute everything anew, whatever is kept.
        keep: keep what is computed, and use what is kept.

    Raises:
        UnknownName: a run, view or feature is not known.
        InputError: a date cannot be read, or there is no as-of time.
    """
    chosen = select_runs(runs, app.lake.runs())
    wanted = view_of(view)
    with app.lake.open(None, chosen) as records:
        now = AsOf.now(app.clock)
        moments = {run: _moments(about, when, now) for run, about in runs_facts(records, chosen).items()}
        if not any(moments.values()):
            raise InputError("There is no as-of time to build for. Name dates, course days, or weeks that have passed.")
        kept = app.lake.shelf(_recipe(app, wanted), records.snapshot, chosen) if keep else nullcontext(None)
        with kept as shelf:
            done = _Build(wanted, records, shelf, write, fresh=fresh).run(moments, app)
    with app.store.begin() as connection:
        detail = {"hash": wanted.hash, "rows": done.rows, "runs": chosen}
        audit.record(connection, app.clock.now(), app.actor, "build", wanted.name, detail)
    return done


def schema_of(view: FeatureView) -> pa.Schema:
    """The columns of a view's feature table."""
    keys = [("run", pa.string()), ("learner", pa.string()), ("as_of", INSTANT), ("course_day", pa.int64())]
    return pa.schema([*keys, *((name, pa.float64()) for name in view.features)])


def _recipe(app: App, view: FeatureView) -> "Recipe":
    from headway.lake.built import Recipe

    read = {definition.reads[0] for definition in needed(view.features) if definition.stage == "known"}
    elsewhere = known.ELSEWHERE_KINDS if read & ELSEWHERE else ()
    return Recipe(view.name, view.hash, app.settings.engine.kind, _version_of_engine(), elsewhere)


@lru_cache(maxsize=1)
def _version_of_engine() -> str:
    """A hash of the code that computes features, apart from the definitions, which have their own."""
    digest = hashlib.sha256(metadata.version("duckdb").encode())
    (home,) = (Path(place) for place in headway.features.__path__)
    for module in sorted(home.rglob("*.py")):
        if module.parent.name != "library":
            digest.update(module.read_bytes())
    return digest.hexdigest()


def _moments(about: RunFacts, when: When, now: AsOf) -> list[AsOf]:
    """The as-of times of a run, sorted, each once."""
    found = {AsOf.at(text, about.zone) for named in when.dates for text in _dates(named)}
    found |= {about.end_of(day) for day in when.days}
    if when.weekly:
        weeks = (about.end_of(day) for day in range(6, (about.ends_on - about.starts_on).days + 7, 7))
        found |= {as_of for as_of in weeks if as_of <= now}
    return sorted(found)


def _dates(text: str) -> list[str]:
    """The dates of a range such as `2014-10-01..2014-12-31/7`; any other text is a date or an instant itself."""
    first, dots, rest = text.partition("..")
    if not dots:
        return [text]
    last, _, step = rest.partition("/")
    try:
        begin, end, days = date.fromisoformat(first), date.fromisoformat(last), int(step or 1)
    except ValueError as wrong:
        raise InputError(f"{text!r} is not a range of dates. Write 2014-10-01..2014-12-31/7.") from wrong
    if end < begin or days < 1:
        raise InputError(f"{text!r} has no dates. Put the earlier date first, and a step of at least one day.")
    every = (begin + timedelta(days=days * n) for n in count())
    return [day.isoformat() for day in takewhile(lambda day: day <= end, every)]


class _Build:
    """One build: what is kept and still true is read, the rest computed, and both handed over in order."""

    def __init__(
        self, view: FeatureView, records: "Records", shelf: "Shelf | None", write: Write, *, fresh: bool
    ) -> None:
        self._view = view
        self._records = records
        self._shelf = shelf
        self._write = write
        self._fresh = fresh
        self._schema = schema_of(view)

    def run(self, moments: Mapping[str, Sequence[AsOf]], app: App) -> BuildReport:
        missing = {run: self._missing(run, as_ofs) for run, as_ofs in moments.items()}
        asked = [Moment(run, as_of) for run, as_ofs in missing.items() for as_of in sorted(as_ofs)]
        computing = sum(bool(as_ofs) for as_ofs in missing.values())
        total = sum(map(len, moments.values()))
        if len(asked) < total:
            app.progress(f"{total - len(asked)} of {total} moments are built already")
        if asked:
            app.progress(f"computing {len(self._view.features)} features at {len(asked)} moments of {computing} runs")
        coming = _Coming(computed(self._view, self._records, asked) if asked else iter(()), self._schema)
        rows = sum(self._one(run, as_ofs, missing[run], coming) for run, as_ofs in moments.items())
        alone = sum(bool(as_ofs) and not missing[run] for run, as_ofs in moments.items())
        return BuildReport(self._view, rows, Counts(computing, len(asked)), Counts(alone, total - len(asked)))

    def _missing(self, run: str, as_ofs: Sequence[AsOf]) -> set[AsOf]:
        kept = set() if self._shelf is None or self._fresh else set(self._shelf.kept(run))
        return set(as_ofs) - kept

    def _one(self, run: str, as_ofs: Sequence[AsOf], missing: Collection[AsOf], coming: "_Coming") -> int:
        """How many rows of a run were handed over and kept."""
        rows = held = 0
        new: list[tuple[AsOf, pa.Table]] = []
        for as_of in as_ofs:
            if as_of in missing:
                table = coming.at(run, as_of)
                new.append((as_of, table))
                held += table.num_rows
            else:
                assert self._shelf is not None
                table = self._shelf.take(run, as_of, self._schema)
            self._write(table)
            rows += table.num_rows
            if held > HELD_ROWS:
                self._keep(run, new)
                new, held = [], 0
        self._keep(run, new)
        return rows

    def _keep(self, run: str, new: Sequence[tuple[AsOf, pa.Table]]) -> None:
        if self._shelf is not None:
            self._shelf.put(run, new)


class _Coming:
    """What is being computed, to be asked for in order of run and as-of time."""

    def __init__(self, pieces: Iterator[FeatureTable], schema: pa.Schema) -> None:
        self._pieces = self._cut(pieces)
        self._empty = schema.empty_table()
        self._run = ""
        self._cohorts: dict[datetime, pa.Table] = {}
        self._last: datetime | None = None

    def at(self, run: str, as_of: AsOf) -> pa.Table:
        """The rows of a run at an as-of time; whatever is before it is not held any longer."""
        while self._last is None or (self._run, self._last) < (run, as_of.instant):
            found = next(self._pieces, None)
            if found is None:
                return self._empty
            self._run, self._cohorts = found
            self._last = max(self._cohorts)
        return self._cohorts.get(as_of.instant, self._empty) if self._run == run else self._empty

    def _cut(self, pieces: Iterator[FeatureTable]) -> Iterator[tuple[str, dict[datetime, pa.Table]]]:
        """The rows of each run that has any, by as-of time."""
        for piece in pieces:
            table = _settled(piece.table.select(self._empty.column_names).cast(self._empty.schema))
            for run, rows in _stretches(table, "run"):
                yield str(run), dict(_stretches(rows, "as_of"))


def _settled(table: pa.Table) -> pa.Table:
    """The same values with one zero instead of two: whether a slope of nothing is -0.0 hangs on the order of adding."""
    numbers = [pa.types.is_floating(field.type) for field in table.schema]
    columns = [pc.add(column, 0.0) if number else column for column, number in zip(table.columns, numbers, strict=True)]
    return pa.table(columns, schema=table.schema)


def _stretches(table: pa.Table, key: str) -> "Iterator[tuple[Any, pa.Table]]":
    """The rows of each value of a column by which the table is sorted, without copying any."""
    if not table.num_rows:
        return
    ends = pc.run_end_encode(table[key].combine_chunks())
    first = 0
    for value, end in zip(ends.values.to_pylist(), ends.run_ends.to_pylist(), strict=True):
        yield value, table.slice(first, end - first)
        first = end
