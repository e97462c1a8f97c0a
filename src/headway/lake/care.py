"""Care of the lake: fewer files, and forgetting a learner.

Both rewrite files and never change what other rows say. Each table is changed in one commit while nobody else on this
machine writes to it; a process that dies between two tables is made good by calling again.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import duckdb
from deltalake import DeltaTable

from headway.domain.errors import InputError, LakeError
from headway.domain.time import Clock
from headway.lake.engine import BATCH_ROWS, Budget, engine, rows_of
from headway.lake.tables import REJECTS_TABLE, Layout, Tables, layout_of, literal, table_names

_TRIES: Final = 50


@dataclass(frozen=True, slots=True)
class Compacted:
    """How many data files the newest version of the lake had and has."""

    files_before: int
    files_after: int


@dataclass(frozen=True, slots=True)
class Receipt:
    """What was erased.

    Attributes:
        learner: whose rows.
        at: when, by the caller's clock.
        rows: rows erased, by record kind; kinds that had none are left out.
        rejects: quarantined rows erased because they named the learner.
        files: data files destroyed, older versions included.
    """

    learner: str
    at: datetime
    rows: Mapping[str, int]
    rejects: int
    files: int


def compact(tables: Tables) -> Compacted:
    """How many files there were and are, after small ones were joined. Contents stay the same.

    Files replaced more than a week ago are destroyed; until then older snapshots can be read.

    Raises:
        LakeError: another machine erased or compacted at the same time; nothing was lost.
    """
    before = after = 0
    for name in table_names():
        with tables.turn(name):
            table = tables.load(name)
            if table is None:
                continue
            before += len(tables.files(table))
            tables.compact(table)
            tables.vacuum(table, keep_a_week=True)
            after += len(tables.files(table))
    return Compacted(before, after)


def join_small(tables: Tables, most: int) -> int:
    """How many tables had their small files joined: those in which a course run has more than `most` files.

    Nothing is destroyed, so that it takes no longer where many files were replaced.

    Raises:
        LakeError: another machine erased or compacted at the same time; nothing was lost.
    """
    joined = 0
    for name in table_names():
        table = tables.to_read(name)
        if table is None or max(Counter(file.part for file in tables.files(table)).values(), default=0) <= most:
            continue
        with tables.turn(name):
            newest = tables.load(name)
            if newest is not None:
                tables.compact(newest)
                joined += 1
    return joined


def discard_replaced(tables: Tables) -> int:
    """How many files were destroyed that were replaced more than a week ago; until then older snapshots can be read.

    Raises:
        LakeError: a file is still there.
    """
    destroyed = 0
    for name in table_names():
        with tables.turn(name):
            table = tables.load(name)
            destroyed += 0 if table is None else tables.vacuum(table, keep_a_week=True)
    return destroyed


def erase(tables: Tables, learner: str, clock: Clock, also_named: Sequence[str], budget: Budget) -> Receipt:
    """The receipt for a learner's rows, after no file of the lake holds them any more.

    Args:
        tables: the lake's tables.
        learner: the learner's id in the records.
        clock: tells the time for the receipt.
        also_named: other names by which quarantined rows may know the learner, such as the id in the source system.
        budget: what the engine may use.

    Raises:
        InputError: the learner's id or another name is empty.
        LakeError: a table could not be changed; call again to finish.
    """
    names = [learner.rsplit("/", 1)[-1], *also_named]
    if not all(names):
        raise InputError("An empty name names nobody. Give the learner's full id, for example oulad/12345.")
    rows: dict[str, int] = {}
    files = 0
    with engine(tables, budget) as con:
        for name in table_names():
            layout = layout_of(name)
            if layout.learner_scoped:
                theirs = f"coalesce(learner = {literal(learner)}, false)"
            elif name == REJECTS_TABLE:
                theirs = _names_one_of([learner, *names])
            else:
                continue
            found, destroyed = _erase_from(con, tables, layout, theirs)
            files += destroyed
            if found:
                rows[name] = found
    rejects = rows.pop(REJECTS_TABLE, 0)
    return Receipt(learner, clock.now(), rows, rejects, files)


def _names_one_of(names: Sequence[str]) -> str:
    """Whether a quarantined row holds one of the names as a whole word: a condition on `raw` and `detail`."""
    either = "|".join(re.escape(name) for name in names)
    pattern = literal(rf"(^|[^\pL\pN_])({either})([^\pL\pN_]|$)")
    return f"regexp_matches(concat_ws(chr(10), raw, detail), {pattern})"


def _erase_from(con: duckdb.DuckDBPyConnection, tables: Tables, layout: Layout, theirs: str) -> tuple[int, int]:
    """Rows erased from a table and files destroyed; old versions go even where the newest has no such row."""
    for _ in range(_TRIES):
        with tables.turn(layout.name):
            table = tables.load(layout.name)
            if table is None:
                return 0, 0
            found = _parts_with(con, tables, layout, table, theirs)
            if found:
                rows = rows_of(con, tables, layout, table, list(found))
                rest = con.sql(f"SELECT * FROM ({rows}) WHERE NOT {theirs}").to_arrow_reader(BATCH_ROWS)
                if not tables.write(layout, table, rest, "erase", replace=list(found)):
                    continue
                table = tables.load(layout.name)
                assert table is not None
            return sum(found.values()), tables.vacuum(table, keep_a_week=False)
    raise LakeError(
        f"Others kept writing to {layout.name}. Stop them, then erase again: nothing is erased until that succeeds."
    )


def _parts_with(
    con: duckdb.DuckDBPyConnection, tables: Tables, layout: Layout, table: DeltaTable, theirs: str
) -> dict[str, int]:
    """The partitions that hold rows of theirs, and how many."""
    rows = rows_of(con, tables, layout, table)
    return dict(
        con.execute(
            f"SELECT {layout.partition}, count(*) FROM ({rows}) WHERE {theirs} GROUP BY 1 ORDER BY 1"
        ).fetchall()
    )
