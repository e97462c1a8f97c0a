"""How benchmarks measure: each task in a process of its own, from its start to its end.

Seconds count the interpreter and every import; memory is the greatest resident memory of the process, and of whatever
processes it still has when its work is done (a Java machine, workers). What is measured hands over JSON only.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any, Final

from headway.domain import errors

DIGITS: Final = 3


@dataclass(frozen=True, slots=True)
class Measured:
    """What a task took, and what it answered.

    Attributes:
        seconds: wall time of its process.
        cpu_seconds: time of all cores together, user and system.
        peak_mib: greatest resident memory.
        answer: what the task returned.
    """

    seconds: float
    cpu_seconds: float
    peak_mib: float
    answer: Any

    def told(self) -> dict[str, float]:
        """The three figures, for JSON."""
        return {
            "seconds": round(self.seconds, DIGITS),
            "cpu_seconds": round(self.cpu_seconds, DIGITS),
            "peak_mib": round(self.peak_mib),
        }


def measured(task: Callable[..., Any], cores: int = 0, **arguments: Any) -> Measured:
    """What `task(**arguments)` took in a process of its own.

    Args:
        task: a function at the top of a module; its arguments and its answer are JSON.
        cores: how many threads libraries that ask the environment may use; 0 for what they take by themselves.
        arguments: for the task.

    Raises:
        HeadwayError: the task raised it, or its process came to an end without an answer.
    """
    with tempfile.TemporaryDirectory(prefix="headway-bench-") as folder:
        asked, answered = Path(folder) / "asked.json", Path(folder) / "answered.json"
        asked.write_text(json.dumps(arguments), encoding="utf-8")
        command = [sys.executable, "-m", "headway.benchmarks.child", f"{task.__module__}:{task.__name__}"]
        begun = perf_counter()
        done = subprocess.run(  # noqa: S603 - our own interpreter, our own module, paths of our own making
            [*command, str(asked), str(answered)], env=_environment(cores), stdout=subprocess.DEVNULL, check=False
        )
        seconds = perf_counter() - begun
        if not answered.exists():
            ended = f"signal {-done.returncode}" if done.returncode < 0 else f"code {done.returncode}"
            raise errors.HeadwayError(
                f"{task.__name__} ended with {ended} before it answered. Signal 9 mostly means that memory ran out: "
                "ask for a smaller --n."
            )
        found = json.loads(answered.read_text(encoding="utf-8"))
    if "error" in found:
        raise getattr(errors, found["error"], errors.HeadwayError)(found["message"])
    return Measured(seconds, found["cpu_seconds"], found["peak_mib"], found["answer"])


def _environment(cores: int) -> dict[str, str]:
    # As where Python is installed: modules are compiled once. To compile them anew each time takes longer than to work.
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    if cores:
        kept |= dict.fromkeys(("POLARS_MAX_THREADS", "OMP_NUM_THREADS"), str(cores))
    return kept


def middle(runs: Sequence[Measured]) -> Measured:
    """The medians of several measurements, with the answer of the first."""
    return Measured(
        statistics.median(one.seconds for one in runs),
        statistics.median(one.cpu_seconds for one in runs),
        statistics.median(one.peak_mib for one in runs),
        runs[0].answer,
    )


def in_turn(tasks: dict[str, Callable[[], Measured]], repeat: int) -> dict[str, Measured]:
    """The medians of each task, all tasks having had their turn before any has its next: noise meets all alike."""
    runs: dict[str, list[Measured]] = {name: [] for name in tasks}
    for _ in range(repeat):
        for name, task in tasks.items():
            runs[name].append(task())
    return {name: middle(found) for name, found in runs.items()}
