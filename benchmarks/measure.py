"""How benchmarks measure: each task in a process of its own, so that time and peak memory are its own."""

import json
import multiprocessing
import resource
from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter
from typing import Any


@dataclass(frozen=True, slots=True)
class Measured:
    """What a task took, and what it returned.

    Attributes:
        seconds: wall time.
        peak_mib: greatest resident memory of its process.
        result: what the task returned.
    """

    seconds: float
    peak_mib: float
    result: Any


def measured(task: Callable[..., Any], *arguments: Any) -> Measured:
    """What `task` took in a fresh process."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_run, args=(theirs, task, arguments))
    process.start()
    theirs.close()
    found: Measured = ours.recv()
    process.join()
    return found


def _run(pipe: Any, task: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    begun = perf_counter()
    result = task(*arguments)
    seconds = perf_counter() - begun
    pipe.send(Measured(seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, result))


def show(name: str, ours: Measured, peer: str, theirs: Measured, **more: Any) -> None:
    """One JSON line: our figures, the peer's, and their ratio."""
    print(
        json.dumps(
            {
                "name": name,
                "headway": {"seconds": round(ours.seconds, 2), "peak_mib": round(ours.peak_mib)},
                peer: {"seconds": round(theirs.seconds, 2), "peak_mib": round(theirs.peak_mib)},
                "ratio": round(ours.seconds / theirs.seconds, 2),
                **more,
            }
        )
    )
