"""Features beside pandas, Polars and the limit; the whole catalogue; and Spark beside DuckDB."""

from collections.abc import Callable

from headway.benchmarks import tasks, with_pandas, with_polars
from headway.benchmarks.benchmark import Benchmark, Order, Outcome
from headway.benchmarks.measure import Measured, in_turn, measured
from headway.benchmarks.plain import PLAIN
from headway.domain.errors import LakeError
from headway.domain.extensions import needs

OULAD = 10_660_000
"""Day rows of the Open University's data."""


def _plain(order: Order) -> Outcome:
    """25 features in headway, pandas and Polars on the same files, told only where all values agree."""
    for library in ("pandas", "polars"):
        needs("bench", library)
    world, threads = order.world(), order.threads
    home = {"home": world.home}
    ours, plain = order.out("headway"), list(PLAIN)
    order.say("headway, pandas and Polars, one after the other")
    found = in_turn(
        {
            "limit": lambda: measured(tasks.scan_and_group, threads, **home, **order.engine),
            "headway": lambda: measured(tasks.build, threads, **home, out=ours, features=plain, **order.engine),
            "pandas": lambda: measured(with_pandas.build, threads, **home, out=order.out("pandas")),
            "polars": lambda: measured(with_polars.build, threads, **home, out=order.out("polars")),
        },
        order.repeat,
    )
    order.say("comparing the values")
    same = {
        peer: measured(tasks.compared, ours=ours, theirs=order.out(peer), peer=peer, features=plain).answer
        for peer in ("pandas", "polars")
    }
    limit, headway = found.pop("limit"), found.pop("headway")
    return Outcome(world.statements, headway, found, limit, more={**_about(order), **headway.answer, "agree": same})


def _catalogue(order: Order) -> Outcome:
    """Every feature of the standard view."""
    world, threads = order.world(), order.threads
    home = {"home": world.home}
    order.say("the standard view")
    found = in_turn(
        {
            "limit": lambda: measured(tasks.scan_and_group, threads, **home, **order.engine),
            "headway": lambda: measured(tasks.build, threads, **home, out=order.out("headway"), **order.engine),
        },
        order.repeat,
    )
    headway = found["headway"]
    return Outcome(world.statements, headway, {}, found["limit"], more={**_about(order), **headway.answer})


def _limit(order: Order) -> Outcome:
    """What one pass of plain DuckDB over the same files takes."""
    world = order.world()
    found = in_turn(
        {"limit": lambda: measured(tasks.scan_and_group, order.threads, home=world.home, **order.engine)}, order.repeat
    )
    per_event = round(world.bytes / world.statements, 1)
    return Outcome(world.statements, limit=found["limit"], more={**_about(order), "bytes_per_event": per_event})


def _spark(order: Order) -> Outcome:
    """The 25 features on Spark beside DuckDB; Spark is the peer.

    Times are told where all values agree, or where DuckDB gave up for want of memory and Spark did not.
    """
    needs("spark", "pyspark")
    world, plain = order.world(), list(PLAIN)
    both = {"home": world.home, "features": plain, **order.engine}
    ours, theirs = order.out("headway"), order.out("spark")

    def on(kind: str, out: str) -> Callable[[], Measured]:
        return lambda: measured(tasks.build, order.threads, out=out, kind=kind, **both)

    order.say("DuckDB and Spark, one after the other")
    try:
        found = in_turn({"duckdb": on("duckdb", ours), "spark": on("spark", theirs)}, order.repeat)
    except LakeError as wrong:
        alone = in_turn({"spark": on("spark", theirs)}, order.repeat)
        return Outcome(world.statements, None, alone, more={**_about(order), "duckdb_gave_up": str(wrong)})
    same = measured(tasks.compared, ours=ours, theirs=theirs, peer="spark", features=plain).answer
    duckdb = found.pop("duckdb")
    return Outcome(world.statements, duckdb, found, more={**_about(order), **duckdb.answer, "agree": {"spark": same}})


def _about(order: Order) -> dict[str, int]:
    return {"repeat": order.repeat, "threads": order.threads, "memory_limit_mib": order.memory_mib}


BENCHMARKS = (
    Benchmark("features", "25 plain features in headway, pandas and Polars, values compared", 1_000_000, OULAD, _plain),
    Benchmark("catalogue", "every feature of the standard view", 1_000_000, OULAD, _catalogue),
    Benchmark("limit", "one raw scan-and-group of the same files by DuckDB", 1_000_000, OULAD, _limit),
    Benchmark("spark", "25 plain features on Spark beside DuckDB, values compared", 300_000, 20_000_000, _spark, 1),
)
