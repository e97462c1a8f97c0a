"""All benchmarks, and how one is run."""

import os
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

from headway.benchmarks import features, growth, imports, lstm_50k, online, reasons
from headway.benchmarks.benchmark import Benchmark, Order
from headway.domain.errors import UnknownName

BENCHMARKS: Final[dict[str, Benchmark]] = {
    one.name: one for module in (features, growth, imports, lstm_50k, online, reasons) for one in module.BENCHMARKS
}

MEMORY_MIB: Final = 1024
"""What the query engine may hold: the default of the settings."""


def run(
    name: str,
    *,
    n: int | None = None,
    full: bool = False,
    repeat: int | None = None,
    keep: Path | None = None,
    memory_mib: int = MEMORY_MIB,
    threads: int | None = None,
    say: Callable[[str], None] = lambda _: None,
) -> dict[str, Any]:
    """What the benchmark called `name` found, as one document.

    Args:
        name: a name in `BENCHMARKS`.
        n: its size in events; None for its small or full one.
        full: whether to run it at the size of the documentation's tables, once.
        repeat: how often to measure each task.
        keep: where worlds stay for the next time; None to make them anew in a passing folder.
        memory_mib: what the query engine may hold.
        threads: how many threads each library may use; None for one per core.
        say: hears what is being done.

    Raises:
        UnknownName: there is no such benchmark.
        ConfigError: a library that it needs is not installed.
    """
    if name not in BENCHMARKS:
        raise UnknownName.of("benchmark", name, BENCHMARKS)
    benchmark = BENCHMARKS[name]
    size = n or (benchmark.full if full else benchmark.small)
    times = repeat or (1 if full else benchmark.repeat)
    with ExitStack() as stack:
        folder = keep or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="headway-bench-")))
        folder.mkdir(parents=True, exist_ok=True)
        order = Order(size, times, folder.absolute(), memory_mib, threads or os.cpu_count() or 1, say)
        return benchmark.run(order).told(name)
