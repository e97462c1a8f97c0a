"""One learner's features while somebody waits: the middle (p50) and the slowest hundredth (p99), in milliseconds.

Measured in one process that stays open as a server's does, over learners chosen by lot. New records are committed in
between; who asks first after a commit waits until they are taken in, and that time is also told by itself.
"""

from pathlib import Path
from time import perf_counter
from typing import Any, Final
from uuid import uuid4

import numpy as np

from headway.benchmarks.benchmark import Benchmark, Order, Outcome
from headway.benchmarks.measure import measured

QUESTIONS: Final = 2_000
COMMITS: Final = 10


def percentiles(milliseconds: list[float]) -> dict[str, float]:
    """The middle, the 99th percentile and the slowest of some waiting times."""
    p50, p99 = np.percentile(milliseconds, [50, 99])
    return {"p50_ms": round(float(p50), 2), "p99_ms": round(float(p99), 2), "slowest_ms": round(max(milliseconds), 2)}


def asked(home: str, memory_mib: int = 1024, threads: int = 2, seed: int = 1) -> dict[str, Any]:
    """How long questions about single learners took: all of them, and those that came first after a commit.

    Args:
        home: the workspace; some acts of learners are added to its lake.
        memory_mib: what the engine may hold.
        threads: how many it may use.
        seed: decides who is asked about.
    """
    from headway.flow import LiveRun, open_app

    chance = np.random.default_rng(seed)
    with open_app(Path(home), engine={"memory_limit_mib": memory_mib, "threads": threads}) as app:
        run = app.lake.runs()[-1]
        with app.lake.open(None, [run]) as records:
            facts = records.collect(records.table("course_runs").select("starts_on", "ends_on")).to_pylist()[0]
            acts = records.table("statements")
            last = records.collect(acts.order_by(acts.recorded_at.desc()).limit(COMMITS))
            enrolled = records.table("enrolments")
            stayed = enrolled.group_by("learner").agg(withdrawn=(enrolled.status == "withdrawn").any())
            learners = records.collect(stayed.filter(~stayed.withdrawn).order_by("learner"))["learner"].to_pylist()
        as_of = (facts["starts_on"] + (facts["ends_on"] - facts["starts_on"]) / 2).isoformat()
        every, first = [], []
        begun = perf_counter()
        with LiveRun(app, run) as live:
            live.features(learners[0], as_of)
            ready = perf_counter() - begun
            for question in range(QUESTIONS):
                if committed := question % (QUESTIONS // COMMITS) == QUESTIONS // COMMITS // 2:
                    number = question // (QUESTIONS // COMMITS)
                    app.lake.append("statements", _again(last.slice(number, 1)).to_reader())
                begun = perf_counter()
                live.features(learners[int(chance.integers(len(learners)))], as_of).values()
                waited = 1e3 * (perf_counter() - begun)
                every.append(waited)
                if committed:
                    first.append(waited)
    between = sorted(every)[: QUESTIONS - COMMITS]
    return {
        **percentiles(every),
        "first_after_a_commit": percentiles(first),
        "between_commits": percentiles(between),
        "ready_after_seconds": round(ready, 2),
        "questions": QUESTIONS,
        "commits": COMMITS,
    }


def _again(row: Any) -> Any:
    """The same act once more, under an id that no lake has, also where the world was asked about before."""
    import pyarrow as pa

    at = row.schema.get_field_index("id")
    return row.set_column(at, row.schema.field(at), pa.array([uuid4().bytes], row.schema.field(at).type))


def _online(order: Order) -> Outcome:
    world = order.world()
    order.say(f"{QUESTIONS} questions about one learner each, {COMMITS} commits in between")
    found = measured(asked, order.threads, home=world.home, **order.engine)
    return Outcome(world.statements, found, more=found.answer)


BENCHMARKS = (Benchmark("online", "features of one learner, in milliseconds", 1_000_000, 10_660_000, _online, 1),)
