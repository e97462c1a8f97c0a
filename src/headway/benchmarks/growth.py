"""How time and memory grow with events, and a size that no table of values in memory would survive."""

from itertools import pairwise
from math import log
from typing import Any, Final

import numpy as np

from headway.benchmarks import tasks
from headway.benchmarks.benchmark import Benchmark, Order, Outcome
from headway.benchmarks.measure import in_turn, measured
from headway.benchmarks.world import LEAST_RUNS, STATEMENTS_A_RUN

TIMES: Final = (1, 3, 10, 30)


def _growth(order: Order) -> Outcome:
    """The standard view of worlds of 1, 3, 10 and 30 times as many course runs of the same size."""
    runs = max(LEAST_RUNS // 2, round(order.n / STATEMENTS_A_RUN))
    worlds = {times: order.world(order.n * times, runs * times) for times in TIMES}
    order.say("the standard view at each size")

    def task(home: str) -> Any:
        return lambda: measured(tasks.build, order.threads, home=home, out=order.out("headway"), **order.engine)

    found = in_turn({str(times): task(world.home) for times, world in worlds.items()}, order.repeat)
    growth = [
        {"times": times, "n": world.statements, "runs": world.runs, **found[str(times)].answer}
        | found[str(times)].told()
        for times, world in worlds.items()
    ]
    more = {"repeat": order.repeat, "threads": order.threads, "memory_limit_mib": order.memory_mib}
    largest = found[str(TIMES[-1])]
    return Outcome(worlds[TIMES[-1]].statements, largest, growth=growth, more=more | exponents(growth))


def exponents(growth: list[dict[str, Any]]) -> dict[str, float]:
    """How figures grow with events: b in a · n^b by least squares of logarithms, and its steepest step.

    What every process pays whatever its size (imports, planning) makes the fit flatter than the work is. So the
    steepest step between two neighbouring sizes is told too, and the CPU seconds of each further million events.

    Args:
        growth: one entry per size with `n`, `seconds`, `cpu_seconds` and `peak_mib`, by rising size.
    """
    n = np.log([entry["n"] for entry in growth])
    told = {}
    for figure in ("seconds", "cpu_seconds", "peak_mib"):
        of = np.log([entry[figure] for entry in growth])
        told[f"exponent_{figure}"] = round(float(np.polyfit(n, of, 1)[0]), 3)
    steps = [log(b["cpu_seconds"] / a["cpu_seconds"]) / log(b["n"] / a["n"]) for a, b in pairwise(growth)]
    first, last = growth[0], growth[-1]
    each = (last["cpu_seconds"] - first["cpu_seconds"]) / (last["n"] - first["n"]) * 1e6
    return told | {"steepest_step_cpu_seconds": round(max(steps), 3), "cpu_seconds_per_million": round(each, 2)}


def _tall(order: Order) -> Outcome:
    """The standard view of a world that is taller than memory."""
    world = order.world()
    order.say("the standard view")
    found = in_turn(
        {
            "limit": lambda: measured(tasks.scan_and_group, order.threads, home=world.home, **order.engine),
            "headway": lambda: measured(
                tasks.build, order.threads, home=world.home, out=order.out("headway"), **order.engine
            ),
        },
        order.repeat,
    )
    headway = found["headway"]
    more = {
        "runs": world.runs,
        "enrolments": world.enrolments,
        "bytes_per_event": round(world.bytes / world.statements, 1),
        "memory_limit_mib": order.memory_mib,
    }
    return Outcome(world.statements, headway, {}, found["limit"], more=more | headway.answer)


BENCHMARKS = (
    Benchmark("growth", "the standard view at 1, 3, 10 and 30 times the events", 100_000, 1_066_000, _growth, 1),
    Benchmark("tall", "the standard view of 100 million events", 2_000_000, 100_000_000, _tall, 1),
)
