"""What a benchmark is: a name, its sizes, and a function from an order to an outcome that has one shape for all."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from headway.benchmarks.measure import Measured, measured
from headway.benchmarks.world import World, world_in


@dataclass(frozen=True, slots=True)
class Order:
    """How a benchmark is to be run.

    Attributes:
        n: its size, in events (statements).
        repeat: how often each task is measured; medians are told.
        folder: where worlds and results go.
        memory_mib: what the query engine may hold.
        threads: how many threads each library may use.
        say: hears what is being done.
    """

    n: int
    repeat: int
    folder: Path
    memory_mib: int
    threads: int
    say: Callable[[str], None]

    def world(self, n: int | None = None, runs: int | None = None) -> World:
        """The world of `n` events (None: of this order's size), made in a process of its own where it is not there."""
        wanted = self.n if n is None else n
        self.say(f"a world of {wanted:,} events")
        return World(**measured(world_in, folder=str(self.folder), statements=wanted, runs=runs).answer)

    def out(self, name: str) -> str:
        """Where a task writes its result."""
        return str(self.folder / f"{name}.parquet")

    @property
    def engine(self) -> dict[str, int]:
        """The arguments of a task of headway's that say what it may use."""
        return {"memory_mib": self.memory_mib, "threads": self.threads}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a benchmark found.

    Attributes:
        n: how many events there really were.
        headway: the figures of headway; None where nothing of headway's is measured.
        peers: those of other libraries at the same task, by name.
        limit: those of the least that the task needs; None where there is no such thing.
        growth: one entry per size: `n`, `rows` and the figures.
        more: whatever else is worth telling; its keys stand beside the others.
    """

    n: int
    headway: Measured | None = None
    peers: Mapping[str, Measured] = field(default_factory=dict)
    limit: Measured | None = None
    growth: Sequence[Mapping[str, Any]] = ()
    more: Mapping[str, Any] = field(default_factory=dict)

    def told(self, name: str) -> dict[str, Any]:
        """The outcome as one document, the same keys for every benchmark."""
        return {
            "name": name,
            "n": self.n,
            "headway": self.headway and self.headway.told(),
            "peers": {peer: found.told() for peer, found in self.peers.items()},
            "limit": self.limit and self.limit.told(),
            "growth": [dict(entry) for entry in self.growth],
            "ratios": self.ratios(),
            **self.more,
        }

    def ratios(self) -> dict[str, float]:
        """How many times as long as headway each peer took; and headway as the limit (`over_limit`)."""
        if self.headway is None:
            return {}
        found = {peer: round(theirs.seconds / self.headway.seconds, 2) for peer, theirs in self.peers.items()}
        if self.limit is not None:
            found["over_limit"] = round(self.headway.seconds / self.limit.seconds, 2)
        return found


@dataclass(frozen=True, slots=True)
class Benchmark:
    """A benchmark.

    Attributes:
        name: what it is called.
        summary: what it measures, in one line.
        small: its size for a minute on a laptop, in events.
        full: its size in the documentation's tables.
        run: does it.
        repeat: how often each task is measured at the small size; once at the full one.
    """

    name: str
    summary: str
    small: int
    full: int
    run: Callable[[Order], Outcome]
    repeat: int = 3
