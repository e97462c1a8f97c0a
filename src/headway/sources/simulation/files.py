"""A simulated world written as the files of a platform, with the planted truth beside them.

Streaming: two blocks of learners are in memory, one being made and one being written, however many there are. Equal
orders give equal bytes. `FORMS` are the formats; each writes the same acts (`acts`), so that what one source reads, the
others do.
"""

import gzip
import json
import re
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final, cast

import numpy as np
import pyarrow as pa

from headway.domain.errors import InputError, UnknownName
from headway.sources.simulation import edx_log, tables, xapi_log
from headway.sources.simulation.acts import Act, Acts, acts_of
from headway.sources.simulation.events import Events, all_events, is_lost, picked
from headway.sources.simulation.forms import numbers_of
from headway.sources.simulation.knobs import LIMITS, read_knobs
from headway.sources.simulation.lines import Press, Template, table_text
from headway.sources.simulation.plan import LEAD_DAYS, Bools, Run, runs_of
from headway.sources.simulation.truth import TRUTH, truth_of_block
from headway.sources.simulation.world import BLOCK, Block, World, world_of

if TYPE_CHECKING:
    import duckdb

SAMPLED: Final = 6  # blocks of learners measured to find the pace of a wanted size
SAMPLED_STATEMENTS: Final = 120_000  # about so many, where there are more
_OF_FIXED_NUMBER: Final = (Act.ENROLLED, Act.WITHDREW, Act.SUBMITTED, Act.MARKED)
_UNITS: Final = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12, "ki": 2**10, "mi": 2**20, "gi": 2**30}

PLANTED: Final = pa.schema(
    [
        *TRUTH,
        ("native_id", pa.string()),  # what the source hashes to make the learner's id of the lake
        ("active_days", pa.int64()),  # local days with a statement in the files
        ("lost_statements", pa.int64()),  # by a dead feed
    ]
)
"""The truth beside the files; `run` is the run of the lake, `learner` the simulator's own pseudonym."""

Rows = Callable[[Block, World], pa.Table]


@dataclass(frozen=True, slots=True)
class Form:
    """A file format.

    Attributes:
        name: also that of the source that reads it.
        statements: the file of a run's statements, with `{run}` for the run.
        header: its first line, if it has one.
        order: the slots of its lines.
        template: the templates of a run.
        native_run: the run as the lake will call it.
        native_id: what the source hashes, of a learner's number.
        side: tables of learners besides: file name, with `{run}` or not, to header, delimiter and rows.
        fixed: files about the whole world: name to text.
        imports: the commands that read everything, with `{out}` for the folder.
    """

    name: str
    statements: str
    header: str
    order: tuple[str, ...]
    template: Callable[[Run, World], Template]
    native_run: Callable[[Run], str]
    native_id: Callable[[str], str]
    side: Mapping[str, tuple[str, str, Rows]]
    fixed: Callable[[World], Mapping[str, str]]
    imports: tuple[str, ...]


def _rows(kind: str) -> Rows:
    return lambda block, world: tables.rows_of(kind, block, world)


def _calendar(native_run: Callable[[Run], str]) -> Callable[[World], dict[str, str]]:
    return lambda world: {"calendar.csv": tables.calendar_table(world, {run.id: native_run(run) for run in world.runs})}


_EDX: Final = Form(
    name="edx",
    statements="logs/{run}.log",
    header="",
    order=edx_log.ORDER,
    template=lambda run, _: edx_log.template_of(run),
    native_run=edx_log.native_run,
    native_id=str,
    side={
        "tables/Example-{run}-certificates_generatedcertificate-prod-analytics.sql": (
            tables.CERTIFICATES_HEADER,
            "\t",
            tables.certificates_of,
        )
    },
    fixed=_calendar(edx_log.native_run),
    imports=("headway import edx {out}/logs {out}/tables -o calendar={out}/calendar.csv",),
)

_XAPI: Final = Form(
    name="xapi",
    statements="statements/{run}.jsonl",
    header="",
    order=xapi_log.ORDER,
    template=lambda run, world: xapi_log.template_of(run, world.knobs.fingerprint),
    native_run=xapi_log.native_run,
    native_id=xapi_log.native_id,
    side={"outcomes.csv": (tables.header_of("outcomes"), ",", tables.xapi_outcomes_of)},
    fixed=lambda world: {
        **_calendar(xapi_log.native_run)(world),
        "outcomes.toml": tables.OUTCOMES_MAPPING.format(zone=world.knobs.zone),
    },
    imports=(
        "headway import xapi {out}/statements -o calendar={out}/calendar.csv",
        "headway import csv {out} -o map={out}/outcomes.toml",
    ),
)

_CSV: Final = Form(
    name="csv",
    statements="statements-{run}.csv",
    header=tables.HEADER,
    order=tables.ORDER,
    template=lambda run, _: tables.template_of(run),
    native_run=tables.native_run,
    native_id=str,
    side={f"{kind}.csv": (tables.header_of(kind), ",", _rows(kind)) for kind in tables.KINDS},
    fixed=lambda world: {
        "runs.csv": tables.runs_table(world),
        "activities.csv": tables.activities_table(world),
        "mapping.toml": tables.MAPPING.format(zone=world.knobs.zone),
    },
    imports=("headway import csv {out} -o map={out}/mapping.toml",),
)

FORMS: Final[Mapping[str, Form]] = {form.name: form for form in (_EDX, _XAPI, _CSV)}


@dataclass(frozen=True, slots=True)
class Order:
    """What to write. Make it with `order_of`.

    Attributes:
        form: the format.
        world: the world.
        packed: whether files of statements are packed with gzip.
        size: the bytes of text that files of statements are expected to have.
    """

    form: Form
    world: World
    packed: bool
    size: int

    def statements_file(self, run: Run) -> str:
        """The name of the file of a run's statements."""
        return self.form.statements.format(run=_named(run)) + (".gz" if self.packed else "")

    def files(self) -> list[str]:
        """The names of all files."""
        sides = [name.format(run=_named(run)) for name in self.form.side for run in self.world.runs]
        own = [self.statements_file(run) for run in self.world.runs]
        return [*own, *dict.fromkeys(sides), *self.form.fixed(self.world), "truth.parquet", "truth.json"]


@dataclass(slots=True)
class Written:
    """What was written.

    Attributes:
        learners: enrolments, that is learners summed over runs.
        statements: lines in the files of statements.
        size: their bytes, before packing.
        truth: the document `truth.json`.
    """

    learners: int = 0
    statements: int = 0
    size: int = 0
    truth: dict[str, Any] = field(default_factory=dict)


def order_of(form: str, options: Mapping[str, str], *, size: str | None = None, packed: bool = False) -> Order:
    """The order for files of a world; where a size is wanted, the pace of the world is set so that it is met.

    Args:
        form: edx, xapi or csv.
        options: those of the simulated source; `learners` are those of each run.
        size: as 1.5GB or 200MiB, of the files of statements before packing.
        packed: whether to pack these files.

    Raises:
        UnknownName: there is no such format or option.
        InputError: an option or the size is no usable value, or the size cannot be met.
    """
    if form not in FORMS:
        raise UnknownName.of("format of simulated files", form, FORMS)
    wanted = None if size is None else read_size(size)
    if wanted is not None and "pace" in options:
        raise InputError("Both size and pace say how much learners do. Give one of them.")
    world = world_of(read_knobs(options))
    fixed, paced = _measured(FORMS[form], world)
    if wanted is None:
        return Order(FORMS[form], world, packed, round(fixed + world.knobs.pace * paced))
    pace = (wanted - fixed) / paced if paced else 0.0
    low, high = LIMITS["pace"]
    if not low <= pace <= high:
        least, most = _told(fixed + low * paced), _told(fixed + high * paced)
        raise InputError(
            f"These learners write from {least} to {most}, not {size}. Give more or fewer learners, runs or weeks."
        )
    return Order(FORMS[form], _at_pace(world, float(f"{pace:.6g}")), packed, wanted)


def read_size(text: str) -> int:
    """Bytes, of a text such as 1.5GB, 200MB or 64MiB.

    Raises:
        InputError: it is no size.

    >>> read_size("1.5GB")
    1500000000
    """
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([kmgt]?|[kmg]i)b\s*", text.lower())
    if not found:
        raise InputError(f"size {text!r} is no size. Write for example 200MB or 1.5GB.")
    return round(float(found[1]) * _UNITS[found[2]])


def write_files(order: Order, out: Path, say: Callable[[str], None] = lambda _: None) -> Written:
    """What was written to the folder `out`, which is made.

    Raises:
        InputError: the folder holds something.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise InputError(f"{out} holds something already. Name a new or empty folder.")
    import duckdb

    written, losses = Written(), _Losses()
    for name, text in order.form.fixed(order.world).items():
        _path(out, name).write_text(text, encoding="utf-8")
    with duckdb.connect() as engine, _truth_file(out) as keep_truth, ThreadPoolExecutor(1) as pool:
        engine.execute("SET TimeZone = 'UTC'")
        made = _made_ahead(order, pool)
        for run in order.world.runs:
            _write_run(order, run, out, engine, written, keep_truth, losses, made)
            say(f"{order.form.native_run(run)}: {_told(written.size)} so far")
    written.truth = _settings(order, written, losses)
    _path(out, "truth.json").write_text(json.dumps(written.truth, indent=2) + "\n", encoding="utf-8")
    return written


@dataclass(frozen=True, slots=True)
class _Made:
    """A block of learners, ready to be written."""

    block: Block
    acts: Acts
    truth: pa.Table
    lost: int


def _made_ahead(order: Order, pool: ThreadPoolExecutor) -> Iterator[_Made]:
    """All blocks, run by run; the next one is made while one is written."""
    places = [(run, number) for run in order.world.runs for number in range(order.world.block_count)]
    waiting = pool.submit(_make, order, *places[0])
    for place in places[1:]:
        made = waiting.result()
        waiting = pool.submit(_make, order, *place)
        yield made
    yield waiting.result()


def _make(order: Order, run: Run, number: int) -> _Made:
    world = order.world
    block = world.block(run, number)
    done = all_events(block, world)
    lost = is_lost(run, world, done.day)
    acts = acts_of(block, world, picked(done, ~lost) if lost.any() else done)
    return _Made(block, acts, _planted(order.form, block, world, done, lost), int(lost.sum()))


class _Losses(dict[str, int]):
    """Statements that a dead feed lost, by run."""


def _write_run(
    order: Order,
    run: Run,
    out: Path,
    engine: "duckdb.DuckDBPyConnection",
    written: Written,
    keep_truth: Callable[[pa.Table], None],
    losses: _Losses,
    made: Iterator[_Made],
) -> None:
    form, world = order.form, order.world
    press = Press(run, form.order, form.template(run, world), engine)
    with ExitStack() as stack:
        main = _opened(stack, out, order.statements_file(run), form.header, packed=order.packed)
        sides = [
            (_opened(stack, out, name.format(run=_named(run)), header), delimiter, rows)
            for name, (header, delimiter, rows) in form.side.items()
        ]
        for each in islice(made, world.block_count):
            for text in press.text(each.acts, numbers_of(each.block.learner)):
                main.write(text)
                written.size += len(text)
            for side, delimiter, rows in sides:
                side.write(table_text(engine, rows(each.block, world), delimiter))
            written.learners += len(each.block.learner)
            losses[run.id] = losses.get(run.id, 0) + each.lost
            keep_truth(each.truth)
    written.statements += press.told


def _planted(form: Form, block: Block, world: World, done: Events, lost: Bools) -> pa.Table:
    """The truth about a block, as the files tell of it."""
    truth, size = truth_of_block(block, world), len(block.learner)
    # Days from before the start on, one number for each learner and day.
    width = LEAD_DAYS + block.run.days
    met = np.unique((done.who * width + done.day + LEAD_DAYS)[~lost])
    columns = {name: truth[name] for name in truth.column_names}
    columns["run"] = pa.array([form.native_run(block.run)] * size)
    columns["native_id"] = pa.array([form.native_id(str(number)) for number in numbers_of(block.learner).tolist()])
    columns["active_days"] = pa.array(np.bincount(met // width, minlength=size))
    columns["lost_statements"] = pa.array(np.bincount(done.who[lost], minlength=size))
    return pa.table(columns, schema=PLANTED)


@contextmanager
def _truth_file(out: Path) -> Iterator[Callable[[pa.Table], None]]:
    from pyarrow import parquet

    with parquet.ParquetWriter(_path(out, "truth.parquet"), PLANTED, compression="zstd") as writer:
        yield writer.write_table


def _opened(stack: ExitStack, out: Path, name: str, header: str, *, packed: bool = False) -> IO[bytes]:
    """The file, open for adding, after its header where it is new."""
    path = _path(out, name)
    first = f"{header}\n".encode() if header and not path.exists() else b""
    plain = stack.enter_context(path.open("ab"))
    # No time and no name inside, so that equal orders give equal bytes.
    packing = gzip.GzipFile("", "wb", compresslevel=4, fileobj=plain, mtime=0) if packed else plain
    opened = cast(IO[bytes], stack.enter_context(packing) if packed else plain)
    opened.write(first)
    return opened


def _path(out: Path, name: str) -> Path:
    path = out / name
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def _measured(form: Form, world: World) -> tuple[float, float]:
    """Expected bytes of all statements: what does not depend on the pace, and what is in proportion to it at pace 1."""
    import duckdb

    count = len(world.runs) * world.block_count
    places = sorted({int(place) for place in np.linspace(0, count - 1, min(SAMPLED, count)).round()})
    world = _slowed(world, len(places))
    sizes, learners = [0, 0], 0
    with duckdb.connect() as engine:
        engine.execute("SET TimeZone = 'UTC'")
        for place in places:
            run, number = world.runs[place // world.block_count], place % world.block_count
            block = world.block(run, number)
            done = all_events(block, world)
            acts = acts_of(block, world, picked(done, ~is_lost(run, world, done.day)))
            press = Press(run, form.order, form.template(run, world), engine)
            is_fixed = np.isin(acts.act, _OF_FIXED_NUMBER)
            for which in (0, 1):
                some = acts.picked(np.flatnonzero(is_fixed == (which == 0)))
                sizes[which] += sum(len(text) for text in press.text(some, numbers_of(block.learner)))
            learners += len(block.learner)
    scale = world.knobs.learners * len(world.runs) / learners
    return sizes[0] * scale, sizes[1] * scale / world.knobs.pace


def _slowed(world: World, blocks: int) -> World:
    """The same people, doing no more than a measurement needs: means are in proportion to the pace."""
    per_block = min(BLOCK, world.knobs.learners) * world.knobs.weeks * max(run.course.pace for run in world.runs)
    pace = min(world.knobs.pace, SAMPLED_STATEMENTS / (per_block * blocks))
    return _at_pace(world, max(pace, LIMITS["pace"][0]))


def _at_pace(world: World, pace: float) -> World:
    # How much learners do decides nothing about their fates, so the intercept stays.
    knobs = replace(world.knobs, pace=pace)
    return replace(world, knobs=knobs, runs=tuple(runs_of(knobs)))


def _named(run: Run) -> str:
    return f"{run.course.code}-{run.name}"


def _told(size: float) -> str:
    return f"{size / 1e9:.2f} GB" if size >= 1e9 else f"{size / 1e6:.1f} MB"


def _settings(order: Order, written: Written, losses: _Losses) -> dict[str, Any]:
    """The document `truth.json`: everything that was set, and where it acts."""
    knobs, form, feed = order.world.knobs, order.form, order.world.knobs.dead_feed
    runs = [
        {
            "run": form.native_run(run),
            "simulated_run": run.id,
            "starts_on": run.starts_on.isoformat(),
            "ends_on": run.ends_on.isoformat(),
            "zone": run.zone,
            "hardness": run.hardness,
            "drift": run.drift,
            "pace": run.pace,
            "dead_days": [feed.first_day, feed.last_day] if feed and feed.run == run.place else None,
            "lost_statements": losses[run.id],
        }
        for run in order.world.runs
    ]
    return {
        "format": form.name,
        "options": knobs.as_text(),
        "intercept": order.world.intercept,
        "learners": written.learners,
        "statements": written.statements,
        "bytes": written.size,
        "bias": {"attribute": "gender", "value": "F", "log_odds": knobs.bias},
        "contact": {"log_odds": knobs.contact_effect, "week": knobs.contact_week, "share": knobs.contact_share},
        "native_id": "the learner in the lake is SOURCE/ and the keyed hash of native_id in truth.parquet",
        "imports": list(form.imports),
        "runs": runs,
    }
