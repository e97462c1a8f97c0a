"""Everything that is held about one learner: counted by source, and handed over in full as JSON, CSV or tables.

Records are those known at an as-of time. What the store holds is found by its column `learner`, so that no table can be
forgotten here; `erase_learner` removes the same. Whoever calls these has checked who asks.
"""

import csv
import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

import sqlalchemy as sa

from headway.advising.wording import tenths
from headway.domain.records import KINDS, kind_of
from headway.domain.time import AsOf
from headway.flow.app import App
from headway.flow.records import hashed
from headway.governance import accounts, audit, vault
from headway.settings import pseudonym_key
from headway.store.tables import (
    APPROVALS,
    CONTACTS,
    GRANTS,
    METADATA,
    NOTES,
    NOTICES,
    PEOPLE,
    PREDICTIONS,
    SCORE_RUNS,
    TASKS,
)

Tables = Mapping[str, Sequence[Mapping[str, Any]]]

LEARNER_KINDS: Final = tuple(name for name in KINDS if kind_of(name).learner_scoped)
STORED: Final = tuple(table for table in METADATA.sorted_tables if "learner" in table.c)
"""Every table of the store that is about learners."""

_OPENED: Final = {PEOPLE.name, PREDICTIONS.name, NOTES.name, GRANTS.name}
"""Those that are handed over in another form than they are kept in."""

_IDS: Final = ("id", "learner", "source", "task_id", "score_run_id", "version", "recorded_at", "changed_at")
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True, slots=True)
class Held:
    """Records of one kind from one source.

    Attributes:
        source: where they came from.
        kind: the record kind.
        rows: how many.
        first: when the first of them happened.
        last: when the last did.
    """

    source: str
    kind: str
    rows: int
    first: datetime | None
    last: datetime | None


def held_about(app: App, learner: str, as_of: AsOf) -> list[Held]:
    """What records are held about a learner, by source and kind, in all course runs."""
    found: list[Held] = []
    with app.lake.open(as_of, None, kinds=LEARNER_KINDS) as records:
        for kind in LEARNER_KINDS:
            table = records.table(kind)
            own = table.filter(table.learner == learner)
            counted = own.group_by("source").aggregate(
                rows=own.count(), first=own.occurred_at.min(), last=own.occurred_at.max()
            )
            found += [
                Held(row["source"], kind, row["rows"], row["first"], row["last"])
                for row in records.collect(counted.order_by("source")).to_pylist()
            ]
    return found


def data_of(app: App, learner: str, as_of: AsOf, *, hidden_notes: bool = False) -> dict[str, list[dict[str, Any]]]:
    """All that is held about a learner, as tables by name; that it was handed over is audited.

    Args:
        app: where.
        learner: the pseudonym.
        as_of: records known by then.
        hidden_notes: also notes of staff that are not meant for the learner's eyes, for governance to decide upon.
    """
    tables: dict[str, list[dict[str, Any]]] = {}
    with app.store.read() as connection:
        person = vault.who(connection, [learner], pseudonym_key(app.settings)).get(learner)
        tables["person"] = [] if person is None else [{name: getattr(person, name) for name in person.__slots__}]
        for table in STORED:
            if table.name not in _OPENED:
                tables[table.name] = _rows(connection, sa.select(table).where(table.c.learner == learner))
        tables["predictions"] = _rows(connection, _predictions(learner))
        tables["contacts"] = _rows(connection, _contacts(learner))
        notes = sa.select(NOTES).where(NOTES.c.learner == learner)
        tables["notes"] = _rows(connection, notes if hidden_notes else notes.where(NOTES.c.visible_to_learner))
        same = APPROVALS.c.subject == hashed(learner)
        tables["objections"] = _rows(connection, sa.select(APPROVALS).where(same, APPROVALS.c.kind == "objection"))
        named = (NOTICES.c.address == learner) | sa.cast(NOTICES.c.payload, sa.Text).contains(learner, autoescape=True)
        tables["messages"] = _rows(
            connection, sa.select(NOTICES.c.channel, NOTICES.c.payload, NOTICES.c.made_at).where(named)
        )
        tables["accounts"] = [
            {"name": each.name, "shown_as": each.shown_as, "settings": dict(each.settings)}
            for each in accounts.of_learner(connection, learner)
        ]
    with app.lake.open(as_of, None, kinds=LEARNER_KINDS) as records:
        for kind in LEARNER_KINDS:
            rows = records.table(kind)
            own = rows.filter(rows.learner == learner).order_by("recorded_at", "id")
            tables[kind] = records.collect(own.drop("id")).to_pylist()
    with app.store.begin() as connection:
        told = {"rows": {name: len(rows) for name, rows in tables.items() if rows}}
        audit.record(connection, app.clock.now(), app.actor, "hand over data", hashed(learner), told)
    return tables


def as_json(tables: Tables, learner: str, as_of: AsOf) -> bytes:
    """The tables as one JSON document."""
    told = {"learner": learner, "as_of": str(as_of), "tables": {name: list(rows) for name, rows in tables.items()}}
    return json.dumps(told, ensure_ascii=False, indent=1, default=plain).encode()


def as_zip(tables: Tables) -> bytes:
    """The tables as CSV files, one each, in a ZIP archive; empty ones are left out."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, rows in tables.items():
            if rows:
                text = io.StringIO()
                writer = csv.writer(text)
                writer.writerow(rows[0])
                writer.writerows([_cell(value) for value in row.values()] for row in rows)
                archive.writestr(zipfile.ZipInfo(f"{name}.csv"), text.getvalue().encode("utf-8-sig"))
    return made.getvalue()


def readable(tables: Tables) -> dict[str, list[dict[str, Any]]]:
    """The tables as people read them: without empty ones, empty columns, ids of our own and what is the same in all."""
    found: dict[str, list[dict[str, Any]]] = {}
    for name, rows in tables.items():
        if name == PREDICTIONS.name:
            found[name] = [_as_told(row) for row in rows]
        elif rows:
            told = [
                column
                for column in rows[0]
                if column not in _IDS and any(row[column] not in (None, "", [], {}) for row in rows)
            ]
            found[name] = [{column: row[column] for column in told} for row in rows]
    return {name: rows for name, rows in found.items() if rows}


def _as_told(row: Mapping[str, Any]) -> dict[str, Any]:
    """A prediction in the words in which staff are told of it."""
    chance = row["why_too_early"] if row["risk"] is None else tenths(row["risk"], row["low"], row["high"])
    rests_on = "; ".join(reason["text"] for reason in row["reasons"]["reasons"])
    return {"run": row["run"], "as of": row["as_of"], "chance": chance, "rests on": rests_on}


def plain(value: object) -> str:
    """A value that JSON has no word for, as text."""
    if isinstance(value, bytes):
        return value.hex()
    return value.isoformat() if isinstance(value, datetime | date) else str(value)


def _cell(value: object) -> object:
    if value is None or isinstance(value, bool | int | float):
        return value
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=plain).strip('"')
    return f"'{text}" if text.startswith(_FORMULA) else text  # a spreadsheet would run it as a formula


def _predictions(learner: str) -> "sa.Select[Any]":
    columns = [column for column in PREDICTIONS.c if column.name != "features_hash"]
    found = sa.select(SCORE_RUNS.c.run, SCORE_RUNS.c.as_of, SCORE_RUNS.c.model_version, *columns)
    found = found.join(SCORE_RUNS, SCORE_RUNS.c.id == PREDICTIONS.c.score_run_id)
    return found.where(PREDICTIONS.c.learner == learner).order_by(SCORE_RUNS.c.run, SCORE_RUNS.c.as_of)


def _contacts(learner: str) -> "sa.Select[Any]":
    found = sa.select(TASKS.c.run, CONTACTS).join(TASKS, TASKS.c.id == CONTACTS.c.task_id)
    return found.where(TASKS.c.learner == learner).order_by(CONTACTS.c.at)


def _rows(connection: sa.Connection, query: "sa.Select[Any]") -> list[dict[str, Any]]:
    return [dict(row) for row in connection.execute(query).mappings()]
