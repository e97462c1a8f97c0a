"""What headway itself is measured at, the limit beside it, and the comparison of two files of values.

Each function is a task for `measure.measured`: JSON in, JSON out, everything else in files.
"""

from contextlib import closing
from pathlib import Path
from typing import Any, Final

from headway.domain.errors import HeadwayError

WEEK: Final = 7
TOLERANCE: Final = 1e-6

_LIMIT: Final = """
    SELECT count(*) FROM (
        SELECT learner, occurred_on, sum(interactions), max(recorded_at), count(object)
        FROM read_parquet({files}, hive_partitioning = true) WHERE interactions > 0 AND role IS NULL
        GROUP BY run, learner, occurred_on
    )
"""


def build(
    home: str,
    out: str,
    features: list[str] | None = None,
    memory_mib: int = 1024,
    threads: int = 2,
    kind: str = "",
    days: list[int] | None = None,
) -> dict[str, int]:
    """How many rows and features were written to the Parquet file `out`: every run of a home, everyone enrolled.

    Args:
        home: the workspace.
        out: the file.
        features: which; None for the standard view.
        memory_mib: what the engine may hold.
        threads: how many it may use.
        kind: which engine (Spark on this machine's cores); empty for the default one.
        days: on which course days of every run; None for each week's end.
    """
    import pyarrow.parquet as pq

    from headway.lake.arrow import without_pandas

    without_pandas()  # as every command does
    from headway.features.as_of import computed, moments_on_days
    from headway.features.views import view_of, view_with
    from headway.lake.lake import Lake
    from headway.lake.spark_session import Cluster

    view = view_of() if features is None else view_with("plain", tuple(features))
    # The lake alone: no peer opens accounts, models or a database.
    spark = Cluster(f"local[{threads}]") if kind == "spark" else None
    lake = Lake(Path(home) / "lake", memory_limit_mib=memory_mib, threads=threads, spark=spark)
    rows, writer = 0, None
    with lake.open(None, None) as records:
        runs = lake.runs()
        moments = weekly(records, runs) if days is None else moments_on_days(records, runs, days)
        for found in computed(view, records, moments):
            writer = writer or pq.ParquetWriter(out, found.table.schema, compression="zstd")
            writer.write_table(found.table)
            rows += len(found)
    if writer is not None:
        writer.close()
    return {"rows": rows, "features": len(view.features)}


def weekly(records: Any, runs: list[str]) -> list[Any]:
    """The moments at the end of each week of each run."""
    from headway.features.as_of import moments_on_days

    dates = records.collect(records.table("course_runs").select("run", "starts_on", "ends_on")).to_pylist()
    weeks = {row["run"]: ((row["ends_on"] - row["starts_on"]).days + 1) // WEEK for row in dates}
    most = max(weeks.values())
    ends = moments_on_days(records, runs, [WEEK * week + WEEK - 1 for week in range(most)])
    return [moment for at, moment in enumerate(ends) if at % most < weeks[moment.run]]


def scan_and_group(home: str, memory_mib: int = 1024, threads: int = 2) -> int:
    """How many groups of run, learner and day one pass of plain DuckDB finds in the files that features are made of.

    It reads every column that the plain features read and keeps nothing: less work than this cannot give them.
    """
    import duckdb

    with closing(duckdb.connect(config={"memory_limit": f"{memory_mib}MiB", "threads": threads})) as con:
        found = con.execute(_LIMIT.format(files=[str(Path(home) / "lake" / "statements" / "**" / "*.parquet")]))
        return int(found.fetchall()[0][0])


def compared(ours: str, theirs: str, peer: str, features: list[str]) -> dict[str, Any]:
    """How many rows and values of two files of features agree to 1e-6, and the greatest difference.

    Args:
        ours: what headway wrote.
        theirs: what the peer wrote: the same columns, rows in any order.
        peer: its name.
        features: what to compare.

    Raises:
        HeadwayError: a row is missing on one side, or a value differs; the first few are named.
    """
    import duckdb

    with closing(duckdb.connect()) as con:
        con.execute("SET TimeZone = 'UTC'")
        for name, path in (("ours", ours), ("theirs", theirs)):
            con.execute(f"CREATE VIEW {name} AS FROM read_parquet('{path.replace(chr(39), chr(39) * 2)}')")
        both = "ours FULL JOIN theirs USING (run, learner, as_of)"
        off = ", ".join(f"max({_off(name)})" for name in features)
        missing = "count(*) FILTER (ours.course_day IS DISTINCT FROM theirs.course_day)"
        rows, apart, *worst = con.execute(f"SELECT count(*), {missing}, {off} FROM {both}").fetchall()[0]
    differ = {name: value for name, value in zip(features, worst, strict=True) if (value or 0) > TOLERANCE}
    if apart or differ:
        told = ", ".join(f"{name} by {value:g}" for name, value in sorted(differ.items())[:4])
        raise HeadwayError(
            f"headway and {peer} do not agree: {apart} of {rows} rows on one side only, "
            f"{len(differ)} features differ ({told or 'none'}). No time is told: one of them is wrong. "
            "Please report it."
        )
    return {"rows": rows, "values": rows * len(features), "greatest_difference": max((v or 0.0) for v in worst)}


def _off(name: str) -> str:
    """How far two values are apart; infinite where one is absent. A not-a-number of a peer is absent."""
    ours, theirs = (f"CASE WHEN NOT isnan({side}.{name}) THEN {side}.{name} END" for side in ("ours", "theirs"))
    return (
        f"CASE WHEN ({ours}) IS NULL AND ({theirs}) IS NULL THEN 0 "
        f"ELSE coalesce(abs(({ours}) - ({theirs})), 'inf'::DOUBLE) END"
    )
