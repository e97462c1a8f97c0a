"""One task in a process of its own: `python -m headway.benchmarks.child MODULE:FUNCTION ASKED.json ANSWERED.json`.

The answer holds what the task returned, or the headway error it raised, and the time and memory of this process and of
all that it started. Only `measure` starts it.
"""

import importlib
import json
import os
import resource
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from headway.domain.errors import HeadwayError


def main(task: str, asked: str, answered: str) -> None:
    """Runs the task and writes its answer."""
    module, _, name = task.partition(":")
    arguments = json.loads(Path(asked).read_text(encoding="utf-8"))
    try:
        found: dict[str, Any] = {"answer": getattr(importlib.import_module(module), name)(**arguments)}
    except HeadwayError as wrong:
        found = {"error": type(wrong).__name__, "message": str(wrong)}
    part = Path(answered).with_suffix(".part")
    part.write_text(json.dumps(found | used()), encoding="utf-8")
    part.replace(answered)


def used() -> dict[str, float]:
    """CPU seconds and greatest resident memory (MiB) of this process and its descendants, up to now."""
    own, ended = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = own.ru_utime + own.ru_stime + ended.ru_utime + ended.ru_stime
    peak = _peak_kib("self") or own.ru_maxrss / (1024 if sys.platform == "darwin" else 1)
    for process in _descendants(os.getpid()):
        cpu += _cpu_seconds(process)
        peak += _peak_kib(process)
    return {"cpu_seconds": cpu, "peak_mib": peak / 1024}


def _descendants(process: int) -> Iterator[str]:
    """The processes below one; none where the system does not tell (it is Linux that does)."""
    for children in Path(f"/proc/{process}/task").glob("*/children"):
        for child in _text(children).split():
            yield child
            yield from _descendants(int(child))


def _peak_kib(process: str) -> float:
    """The greatest resident memory of a process since it began; `ru_maxrss` would begin with that of its parent."""
    lines = [line for line in _text(Path(f"/proc/{process}/status")).splitlines() if line.startswith("VmHWM:")]
    return float(lines[0].split()[1]) if lines else 0.0


def _cpu_seconds(process: str) -> float:
    """User and system time of a process and of those of its children that have ended."""
    fields = _text(Path(f"/proc/{process}/stat")).rpartition(")")[2].split()
    return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK") if fields else 0.0


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError:  # the process has ended meanwhile, or this is no Linux
        return ""


if __name__ == "__main__":
    main(*sys.argv[1:])
