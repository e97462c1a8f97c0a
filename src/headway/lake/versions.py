"""Versions of the lake: which there are, and what came and went between two of them."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import duckdb
from deltalake import DeltaTable

from headway.domain.records import KINDS
from headway.lake.engine import Budget, engine, one, rows_of
from headway.lake.tables import Tables, lake_errors, layout_of, table_names

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Names exactly the files that a reader sees.

    Attributes:
        versions: the version of each table that exists, by name.
    """

    versions: Mapping[str, int]

    @property
    def id(self) -> str:
        """Sixteen hexadecimal digits that stand for the versions."""
        text = "\n".join(f"{name}={version}" for name, version in sorted(self.versions.items()))
        return hashlib.sha256(text.encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Version:
    """One commit to one table.

    Attributes:
        table: the table's name.
        version: its number.
        at: when it was made, by the clock of the machine that made it.
        operation: append, erase, compact or vacuum.
        rows_added: rows written that are not rewritten ones.
    """

    table: str
    version: int
    at: datetime
    operation: str
    rows_added: int


def snapshot(tables: Tables) -> Snapshot:
    """The newest version of every table there is."""
    newest = {name: tables.version(name) for name in KINDS}
    return Snapshot({name: version for name, version in newest.items() if version is not None})


def history(tables: Tables, kind: str | None = None) -> list[Version]:
    """All commits, newest first, to one table or to all."""
    names = table_names() if kind is None else [layout_of(kind).name]
    found = [version for name in names for version in _versions(tables, name)]
    return sorted(found, key=lambda version: (version.at, version.table, version.version), reverse=True)


def _versions(tables: Tables, name: str) -> list[Version]:
    table = tables.load(name)
    if table is None:
        return []
    with lake_errors(f"log of table {name}"):
        commits = table.history()
    return [
        Version(
            table=name,
            version=commit["version"],
            at=_EPOCH + timedelta(milliseconds=commit["timestamp"]),
            operation=(act := str(commit.get("act") or commit["operation"]).lower()),
            rows_added=int(commit.get("operationMetrics", {}).get("num_added_rows", 0)) if act == "append" else 0,
        )
        for commit in commits
    ]


def diff(tables: Tables, before: Snapshot, after: Snapshot, budget: Budget) -> dict[str, tuple[int, int]]:
    """The numbers of records added and removed between two snapshots, by record kind; kinds without any are left out.

    Raises:
        LakeError: a file of one of them was erased or vacuumed.
    """
    found: dict[str, tuple[int, int]] = {}
    with engine(tables, budget) as con:
        for kind in KINDS:
            old, new = (
                None if kind not in side.versions else tables.load(kind, side.versions[kind])
                for side in (before, after)
            )
            added, removed = _changes(con, tables, kind, old, new)
            if added or removed:
                found[kind] = (added, removed)
    return found


def _changes(
    con: duckdb.DuckDBPyConnection, tables: Tables, kind: str, old: DeltaTable | None, new: DeltaTable | None
) -> tuple[int, int]:
    files = [set(tables.files(table)) if table is not None else set() for table in (old, new)]
    runs = sorted({file.part for file in files[0] ^ files[1]})
    if not runs:
        return 0, 0
    layout = layout_of(kind)
    first, second = (f"SELECT run, id FROM ({rows_of(con, tables, layout, table, runs)})" for table in (old, new))
    row = one(
        con,
        f"SELECT (SELECT count(*) FROM ({second} EXCEPT {first})), (SELECT count(*) FROM ({first} EXCEPT {second}))",
    )
    return int(row[0]), int(row[1])
