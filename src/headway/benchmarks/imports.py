"""Imports: an Open edX log beside a straightforward pandas reader, and the first stretch of the road beside DuckDB."""

import hashlib
import json
from contextlib import closing
from pathlib import Path
from typing import Any, Final

from headway.benchmarks import tasks
from headway.benchmarks.benchmark import Benchmark, Order, Outcome
from headway.benchmarks.measure import Measured, in_turn, measured
from headway.domain.extensions import needs

LINE_BYTES: Final = 750
"""About how long a line of the made-up edX log is."""

STATEMENTS_A_LEARNER: Final = 250
"""About how many statements the simulator makes for each learner of a run."""

LOG_RUNS: Final = 2
ROAD_RUNS: Final = 4
DAY_LIST: Final = [13, 27, 41, 55, 69]


def write_log(folder: str, lines: int) -> dict[str, int]:
    """How many bytes of tracking log were written below `folder`."""
    from headway.sources.simulation.files import order_of, write_files

    # The size is met by the pace of the learners, who cannot do next to nothing.
    learners = max(10, lines // (LOG_RUNS * STATEMENTS_A_LEARNER))
    options = {"learners": str(learners), "runs": str(LOG_RUNS)}
    size = f"{lines * LINE_BYTES}B"
    write_files(order_of("edx", options, size=size), Path(folder), lambda _: None)
    return {"bytes": sum(path.stat().st_size for path in (Path(folder) / "logs").iterdir())}


def import_log(folder: str, home: str) -> dict[str, int]:
    """How many statements of the log headway imported into a new home."""
    from headway.flow import ingest, open_app

    place = Path(folder)
    with open_app(Path(home)) as app:
        report = ingest(app, "edx", [place / "logs"], {"calendar": str(place / "calendar.csv")})
    return {"statements": report.kinds["statements"].accepted}


def read_by_pandas(folder: str, out: str) -> dict[str, int]:
    """How many lines pandas turned into rows of one Parquet file.

    It parses the lines, takes run, learner, event, time, object, position and grade out of them and hashes the learner.
    It checks nothing, keeps no history, and knows one record kind.
    """
    pd = needs("bench", "pandas")
    frames = []
    for path in sorted((Path(folder) / "logs").iterdir()):
        for lines in pd.read_json(path, lines=True, chunksize=100_000):
            context = pd.json_normalize(lines["context"].tolist())
            told = lines["event"].map(_parsed)
            columns = {
                "run": context["course_id"],
                "learner": context["user_id"].astype(str).map(_hashed),
                "event": lines["event_type"].reset_index(drop=True),
                "occurred_at": pd.to_datetime(lines["time"], utc=True, format="ISO8601").reset_index(drop=True),
                "object": told.map(lambda event: event.get("id") or event.get("problem_id")).reset_index(drop=True),
                "position_s": told.map(lambda event: event.get("currentTime")).reset_index(drop=True),
                "score": told.map(lambda event: event.get("grade")).reset_index(drop=True),
            }
            frames.append(pd.DataFrame(columns))
    whole = pd.concat(frames)
    whole.to_parquet(out)
    return {"lines": len(whole)}


def _parsed(event: Any) -> dict[str, Any]:
    if isinstance(event, str):
        event = json.loads(event) if event.startswith("{") else {}
    return event if isinstance(event, dict) else {}


def _hashed(user: str) -> str:
    return hashlib.sha256(user.encode()).hexdigest()[:20]


def _fresh(order: Order, name: str, task: Any, threads: int, **arguments: Any) -> Any:
    """A measurement that gets a new folder each time: a second import into the same home finds all of it known."""
    count = iter(range(1_000_000))
    begun = _unused(order.folder, name)

    def measure() -> Measured:
        return measured(task, threads, home=str(order.folder / f"{name}-{begun + next(count)}"), **arguments)

    return measure


def _unused(folder: Path, name: str) -> int:
    taken = [int(path.name.rpartition("-")[2]) for path in folder.glob(f"{name}-*")]
    return max(taken, default=-1) + 1


def _import(order: Order) -> Outcome:
    """An Open edX tracking log, imported by headway and read by pandas."""
    needs("bench", "pandas")
    log = str(order.folder / f"log-{order.n}")
    order.say(f"a log of {order.n:,} lines")
    made = Path(log) / "bytes.json"
    if not made.exists():
        wrote = measured(write_log, folder=log, lines=order.n).answer
        made.write_text(json.dumps(wrote), encoding="utf-8")
    size = json.loads(made.read_text(encoding="utf-8"))["bytes"]
    order.say("headway and pandas, one after the other")
    found = in_turn(
        {
            "headway": _fresh(order, "import", import_log, order.threads, folder=log),
            "pandas": lambda: measured(read_by_pandas, order.threads, folder=log, out=order.out("pandas-log")),
        },
        order.repeat,
    )
    headway = found.pop("headway")
    speed = round(size / 1e6 / headway.seconds, 1)
    return Outcome(headway.answer["statements"], headway, found, more={"bytes": size, "megabytes_per_second": speed})


def import_simulated(home: str, learners: int) -> dict[str, int]:
    """How many statements of made-up courses were imported into a new home."""
    from headway.flow import ingest, open_app

    with open_app(Path(home)) as app:
        report = ingest(app, "simulated", [], {"learners": str(learners), "runs": str(ROAD_RUNS)})
    return {"statements": report.kinds["statements"].read}


def write_plain(home: str, learners: int) -> dict[str, int]:
    """How many of the same statements plain DuckDB wrote to Parquet, one delivery after the other."""
    import duckdb

    from headway.sources.source import SOURCES, Request

    folder, rows = Path(home), 0
    folder.mkdir(parents=True)
    request = Request([], {"learners": str(learners), "runs": str(ROAD_RUNS)})
    for number, delivery in enumerate(SOURCES.get("simulated").read(request)):
        with closing(duckdb.connect()) as con:
            con.register("records", delivery.records)
            con.execute(f"COPY (SELECT * FROM records) TO '{folder}/{number}.parquet' (COMPRESSION zstd)")
            rows += int(con.fetchall()[0][0]) if delivery.kind == "statements" else 0
    return {"statements": rows}


def _road(order: Order) -> Outcome:
    """Made-up courses imported by headway, beside plain DuckDB that only writes them; then the view on five days."""
    learners = max(10, order.n // (ROAD_RUNS * STATEMENTS_A_LEARNER))
    order.say("importing made-up courses")
    first = order.folder / f"road-{_unused(order.folder, 'road')}"
    found = in_turn(
        {
            "headway": _fresh(order, "road", import_simulated, order.threads, learners=learners),
            "limit": _fresh(order, "plain", write_plain, order.threads, learners=learners),
        },
        order.repeat,
    )
    order.say("the standard view on five days")
    view = measured(tasks.build, order.threads, home=str(first), out=order.out("road"), days=DAY_LIST, **order.engine)
    headway, limit = found["headway"], found["limit"]
    more = {"view": view.told() | view.answer, "same_rows": headway.answer == limit.answer}
    return Outcome(headway.answer["statements"], headway, {}, limit, more=more)


BENCHMARKS = (
    Benchmark(
        "import", "an Open edX tracking log, beside a straightforward reader in pandas", 60_000, 2_000_000, _import
    ),
    Benchmark("road", "made-up courses imported and the standard view on five days", 300_000, 2_000_000, _road, 1),
)
