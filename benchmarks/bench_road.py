"""Import and features on made-up courses, beside plain DuckDB doing the least that the task needs.

The peer of the import writes the same records to Parquet without checks or history; the peer of the features groups
the same statements once. Both are limits, not rivals: the ratio says what the promises cost.
"""

import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.measure import measured, show

LEARNERS = 2_000
RUNS = 4
DAYS = (13, 27, 41, 55, 69)


def import_simulated(home: Path, learners: int) -> int:
    """How many statements were imported."""
    from headway.flow import ingest, open_app

    with open_app(home) as app:
        return ingest(app, "simulated", [], {"learners": str(learners), "runs": str(RUNS)}).kinds["statements"].read


def write_plain(home: Path, learners: int) -> int:
    """How many of the same statements plain DuckDB wrote to Parquet, one run after the other."""
    import duckdb

    from headway.sources.source import SOURCES, Request

    home.mkdir(parents=True, exist_ok=True)
    rows = 0
    for number, delivery in enumerate(
        SOURCES.get("simulated").read(Request([], {"learners": str(learners), "runs": str(RUNS)}))
    ):
        with duckdb.connect() as con:
            con.register("records", delivery.records)
            con.execute(f"COPY (SELECT * FROM records) TO '{home}/{number}.parquet' (COMPRESSION zstd)")
            if delivery.kind == "statements":
                found = con.execute(f"SELECT count(*) FROM read_parquet('{home}/{number}.parquet')").fetchone()
                rows += found[0] if found else 0
    return rows


def build_features(home: Path) -> int:
    """How many rows the standard view has on five days of every run."""
    from headway.features.as_of import compute, moments_on_days
    from headway.features.views import view_of
    from headway.flow import open_app

    with open_app(home) as app, app.lake.open(None, None) as records:
        return len(compute(view_of(), records, moments_on_days(records, app.lake.runs(), DAYS)))


def group_once(home: Path) -> int:
    """How many groups of learner and day a single pass over the same statements finds."""
    import duckdb

    files = f"{home}/lake/statements/**/*.parquet"
    with duckdb.connect() as con:
        daily = f"SELECT run, learner, occurred_on, sum(interactions) FROM read_parquet('{files}') GROUP BY ALL"
        found: Any = con.execute(f"SELECT count(*) FROM ({daily})").fetchone()
    return int(found[0])


def main() -> None:
    """Prints one JSON line a benchmark."""
    learners = int(sys.argv[1]) if len(sys.argv) > 1 else LEARNERS
    with tempfile.TemporaryDirectory() as scratch:
        home = Path(scratch) / "home"
        ours, plain = (
            measured(import_simulated, home, learners),
            measured(write_plain, Path(scratch) / "plain", learners),
        )
        show("import", ours, "plain_duckdb", plain, statements=ours.result, same_rows=ours.result == plain.result)
        table, grouped = measured(build_features, home), measured(group_once, home)
        show("features", table, "one_group_by", grouped, rows=table.result, statements=ours.result)


if __name__ == "__main__":
    main()
