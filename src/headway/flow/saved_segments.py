"""Segments that people saved: kept by run and name, changed only by whom they belong to, each act audited.

What is kept is a rule and never who fits it: learners come and go as their record changes.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import uuid4

import sqlalchemy as sa

from headway.advising.saved_segments import Rule, name_of, rule_of
from headway.domain.errors import Conflict, NotPermitted, UnknownName
from headway.flow.app import App
from headway.governance import audit
from headway.store.tables import SAVED_SEGMENTS


@dataclass(frozen=True, slots=True)
class Saved:
    """A segment that somebody saved."""

    id: str
    run: str
    name: str
    rule: Rule
    by: str
    at: datetime


def saved_segments(app: App, run: str) -> list[Saved]:
    """The saved segments of a run, by name."""
    own = sa.select(SAVED_SEGMENTS).where(SAVED_SEGMENTS.c.run == run).order_by(SAVED_SEGMENTS.c.name)
    with app.store.read() as connection:
        return [_saved(row) for row in connection.execute(own).mappings()]


def saved_segment(app: App, run: str, segment_id: str) -> Saved:
    """One of them.

    Raises:
        UnknownName: the run has no such segment.
    """
    with app.store.read() as connection:
        return _one(connection, run, segment_id)


def save_segment(app: App, run: str, name: str, rule: Rule) -> Saved:
    """The new segment.

    Raises:
        InputError: no name, or a long one.
        Conflict: the run has a segment of this name.
    """
    made = Saved(str(uuid4()), run, name_of(name), rule, app.actor, app.clock.now())
    row = {"id": made.id, "run": run, "name": made.name, "rule": rule.as_json(), "by": made.by, "at": made.at}
    with app.store.begin() as connection:
        _free(connection, run, made.name)
        connection.execute(sa.insert(SAVED_SEGMENTS), row)
        audit.record(connection, made.at, app.actor, "save segment", made.id, {"run": run, "rule": rule.as_json()})
    return made


def rename_segment(app: App, run: str, segment_id: str, name: str) -> Saved:
    """The segment under another name.

    Raises:
        UnknownName: the run has no such segment.
        NotPermitted: it is somebody else's.
        Conflict: the run has a segment of this name.
    """
    wanted = name_of(name)
    with app.store.begin() as connection:
        found = _own(connection, app, run, segment_id)
        if wanted != found.name:
            _free(connection, run, wanted)
        same = SAVED_SEGMENTS.c.id == segment_id
        connection.execute(sa.update(SAVED_SEGMENTS).where(same).values(name=wanted))
        audit.record(connection, app.clock.now(), app.actor, "rename segment", segment_id, {"run": run})
        return _one(connection, run, segment_id)


def delete_segment(app: App, run: str, segment_id: str) -> Saved:
    """The segment that is gone; saving it again takes that back.

    Raises:
        UnknownName: the run has no such segment.
        NotPermitted: it is somebody else's.
    """
    with app.store.begin() as connection:
        found = _own(connection, app, run, segment_id)
        connection.execute(sa.delete(SAVED_SEGMENTS).where(SAVED_SEGMENTS.c.id == segment_id))
        told: Mapping[str, Any] = {"run": run, "rule": found.rule.as_json()}
        audit.record(connection, app.clock.now(), app.actor, "delete segment", segment_id, told)
    return found


def _own(connection: sa.Connection, app: App, run: str, segment_id: str) -> Saved:
    found = _one(connection, run, segment_id)
    if found.by != app.actor:
        raise NotPermitted("This segment is somebody else's. Save one of your own with the same sentences.")
    return found


def _one(connection: sa.Connection, run: str, segment_id: str) -> Saved:
    same = (SAVED_SEGMENTS.c.id == segment_id) & (SAVED_SEGMENTS.c.run == run)
    row = connection.execute(sa.select(SAVED_SEGMENTS).where(same)).mappings().one_or_none()
    if row is None:
        raise UnknownName("There is no such segment in this course run.")
    return _saved(row)


def _free(connection: sa.Connection, run: str, name: str) -> None:
    same = (SAVED_SEGMENTS.c.run == run) & (SAVED_SEGMENTS.c.name == name)
    if connection.execute(sa.select(SAVED_SEGMENTS.c.id).where(same)).first() is not None:
        raise Conflict(f"There is a segment called “{name}” in this course run already. Choose another name.")


def _saved(row: sa.RowMapping) -> Saved:
    return Saved(row["id"], row["run"], row["name"], rule_of(row["rule"]), row["by"], row["at"])
