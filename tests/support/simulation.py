"""Records of simulated courses, read once."""

from collections.abc import Mapping
from functools import lru_cache

import pyarrow as pa

from headway.sources.source import SOURCES, Request


@lru_cache(maxsize=8)
def _simulated(options: tuple[tuple[str, str], ...]) -> dict[str, pa.Table]:
    found: dict[str, list[pa.Table]] = {}
    for delivery in SOURCES.get("simulated").read(Request([], dict(options))):
        found.setdefault(delivery.kind, []).append(delivery.records.read_all())
    return {kind: pa.concat_tables(tables) for kind, tables in found.items()}


def simulated(**options: str) -> dict[str, pa.Table]:
    """The records of the simulated source with these options, by kind."""
    return dict(_simulated(tuple(sorted(options.items()))))


def runs_of(tables: Mapping[str, pa.Table]) -> list[str]:
    """The runs, in order of time."""
    rows = tables["course_runs"].sort_by([("starts_on", "ascending"), ("run", "ascending")])
    names: list[str] = rows["run"].to_pylist()
    return names
