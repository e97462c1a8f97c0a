"""Only `domain/time.py` knows what time it is: everything else is told, so that a run can be repeated."""

import ast
import re
from collections.abc import Iterator
from typing import Final

from scripts.lint.module import Finding, Module, texts

RULE: Final = "current-time"
OWNER: Final = "domain/time.py"
STOPWATCH_PLACES: Final = ("cli/", "server/", "web/", "flow/", "benchmarks/")
"""Who may time how long something took. A duration inside a record or an artefact would make two equal runs differ."""

_NOW: Final = frozenset(
    {
        "datetime.datetime.now",
        "datetime.datetime.utcnow",
        "datetime.datetime.today",
        "datetime.date.today",
        "time.time",
        "time.time_ns",
        "time.localtime",
        "time.gmtime",
        "time.ctime",
        "ibis.now",
        "ibis.today",
        "sqlalchemy.func.now",
        "sqlalchemy.func.current_timestamp",
    }
)
_STOPWATCH: Final = frozenset({"time.perf_counter", "time.perf_counter_ns", "time.monotonic", "time.monotonic_ns"})
_SQL_NOW: Final = re.compile(
    r"\b(?:current_timestamp|current_date|localtimestamp|now\(\)|today\(\)|datetime\('now')", re.IGNORECASE
)


def current_time(module: Module) -> Iterator[Finding]:
    """Every place outside `domain/time.py` that asks for the current time, in Python or in SQL text."""
    if not module.packaged or module.within(OWNER):
        return
    for node in ast.walk(module.tree):
        if not isinstance(node, ast.Name | ast.Attribute):
            continue
        name = module.full_name(node)
        if name in _NOW:
            yield module.finding(
                node, RULE, f"{name} asks for the current time: take a Clock or an AsOf (headway.domain.time)"
            )
        elif name in _STOPWATCH and not module.within(*STOPWATCH_PLACES):
            yield module.finding(
                node,
                RULE,
                f"{name} outside {', '.join(STOPWATCH_PLACES)}: a duration kept elsewhere breaks repeatability",
            )
    for line, text in texts(module.tree):
        if found := _SQL_NOW.search(text):
            yield module.finding(line, RULE, f"SQL asks for the current time ({found[0]}): bind an as-of time instead")
