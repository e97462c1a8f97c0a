"""What came to a lake, and what went, between two of its versions: told by the logs, without opening a data file.

Joining files changes nothing. A table that was made anew, or whose log does not reach back, has changed altogether.
"""

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from headway.domain.records import KINDS
from headway.lake.tables import Tables, lake_errors
from headway.lake.versions import Snapshot

EVER: Final = datetime(1, 1, 1, tzinfo=UTC)
"""Before every as-of time."""

Stamp = Mapping[str, tuple[str, int]]
"""Id and version of each table there is, by record kind: it names what a reader saw, also where a lake is made anew."""


@dataclass(frozen=True, slots=True)
class Stale:
    """As-of times at which something may be known that was not.

    Attributes:
        since: this one and all later ones.
        before: all that are earlier than this one, since the run was not announced then.
    """

    since: datetime | None = None
    before: datetime | None = None

    def holds(self, as_of: datetime) -> bool:
        """Whether an as-of time is among them."""
        return (self.since is not None and as_of >= self.since) or (self.before is not None and as_of < self.before)


@dataclass(frozen=True, slots=True)
class _Change:
    """Records of one kind and run that came or went in one commit.

    Attributes:
        version: the version that the commit made.
        known_at: the earliest `recorded_at` of those that came; None where records went, or nobody knows.
        erased: whether a learner was erased.
    """

    version: int
    known_at: datetime | None
    erased: bool


class Changes:
    """What changed between earlier versions of a lake and one of its snapshots."""

    def __init__(self, tables: Tables, snapshot: Snapshot, earlier: Sequence[Stamp]) -> None:
        """The changes since each of the earlier stamps; the logs are read once, from the oldest of these on.

        Raises:
            LakeError: a log cannot be read.
        """
        self.now = stamp_of(tables, snapshot)
        self._of: dict[str, dict[str, list[_Change]]] = {}
        self._found: dict[tuple[str, int, int], list[datetime]] = {}
        self._announced: dict[str, datetime] | None = None
        self._tables = tables
        for kind in KINDS:
            noted = {stamp.get(kind) for stamp in earlier}
            if noted - {self.now.get(kind)}:
                oldest = min((-1 if one is None else one[1] for one in noted), default=-1)
                self._of[kind] = _by_run(tables, kind, min(oldest, self._version(kind)))

    def _version(self, kind: str) -> int:
        return self.now.get(kind, ("", -1))[1]

    def stale(self, run: str, noted: Stamp, elsewhere: Collection[str] = ()) -> Stale:
        """The as-of times at which something else may be known of a run than when `noted` was the lake's stamp.

        Args:
            run: the run.
            noted: one of the earlier stamps.
            elsewhere: record kinds of which those of other runs count too.
        """
        times: list[datetime] = []
        before: datetime | None = None
        for kind in KINDS:
            old, new = noted.get(kind), self.now.get(kind)
            if old == new:
                continue
            if old is not None and (new is None or old[0] != new[0]):
                return Stale(EVER)
            low, high = sorted((-1 if old is None else old[1], self._version(kind)))
            changes = [*self._of[kind].get(run, ()), *self._of[kind].get("", ())]
            own = [change.known_at or EVER for change in changes if low < change.version <= high]
            if own and kind == "course_runs":
                before = self._announced_at(run)
            times += own
            if kind in elsewhere:
                times += self._anywhere(kind, low, high)
        return Stale(min(times, default=None), before)

    def _anywhere(self, kind: str, low: int, high: int) -> list[datetime]:
        """From when on records of a kind changed in any run; who is erased leaves no trace in runs never taken."""
        if (kind, low, high) not in self._found:
            changes = [change for of_run in self._of[kind].values() for change in of_run if not change.erased]
            times = [change.known_at or EVER for change in changes if low < change.version <= high]
            self._found[kind, low, high] = [min(times)] if times else []
        return self._found[kind, low, high]

    def _announced_at(self, run: str) -> datetime | None:
        """When the run was first announced: before that, its dates are taken from what was known later."""
        if self._announced is None:
            self._announced = _first_known(self._tables, self._version("course_runs"))
        return self._announced.get(run)


def stamp_of(tables: Tables, snapshot: Snapshot) -> Stamp:
    """The stamp of a snapshot."""
    found = {}
    for kind, version in sorted(snapshot.versions.items()):
        table = tables.load(kind, version)
        if table is not None:
            with lake_errors(f"table {kind}"):
                found[kind] = (str(table.metadata().id), version)
    return found


def erased_since(tables: Tables, snapshot: Snapshot) -> bool:
    """Whether records went from the lake after the snapshot was taken."""
    for kind in KINDS:
        version = snapshot.versions.get(kind)
        table = tables.load(kind)
        if table is None or version is None or table.version() == version:
            continue
        for changes in _by_run(tables, kind, version).values():
            if any(change.known_at is None for change in changes):
                return True
    return False


def _by_run(tables: Tables, kind: str, after: int) -> dict[str, list[_Change]]:
    """The changes of a table after a version, by run; by "" where it is not known which runs changed."""
    found: dict[str, list[_Change]] = {}
    table = tables.load(kind)
    if table is None:
        return found
    for version, actions in tables.commits(table, after):
        if actions is None:
            found.setdefault("", []).append(_Change(version, None, erased=False))
            continue
        for run, change in _told(version, actions):
            found.setdefault(run, []).append(change)
    return found


def _told(version: int, actions: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, _Change]]:
    erased = any(action.get("commitInfo", {}).get("act") == "erase" for action in actions)
    for action in actions:
        removed, added = action.get("remove"), action.get("add")
        file = removed or added
        if file is None or not file.get("dataChange", True):
            continue
        run = str((file.get("partitionValues") or {}).get("run") or "")
        # What an erasure writes was there before.
        known_at = None if added is None or erased else _least(added)
        yield run, _Change(version, known_at, erased)


def _least(added: Mapping[str, Any]) -> datetime | None:
    """The earliest `recorded_at` in a file, at most a millisecond too early; None where the log does not say."""
    text = json.loads(added.get("stats") or "{}").get("minValues", {}).get("recorded_at")
    return None if text is None else datetime.fromisoformat(text).astimezone(UTC)


def _first_known(tables: Tables, version: int) -> dict[str, datetime]:
    """The earliest `recorded_at` of the course runs, by run, as far as the log says it."""
    table = None if version < 0 else tables.load("course_runs", version)
    if table is None:
        return {}
    with lake_errors("log"):
        files = pa.table(table.get_add_actions(flatten=True)).select(["partition.run", "min.recorded_at"])
    least = files.group_by("partition.run").aggregate([("min.recorded_at", "min")])
    known = least.filter(pc.is_valid(least["min.recorded_at_min"]))
    return dict(zip(known["partition.run"].to_pylist(), known["min.recorded_at_min"].to_pylist(), strict=True))
