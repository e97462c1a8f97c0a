"""The audit as people use it: looked through, verified, exported with a signature; a break found, told and accepted."""

import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

from headway.domain.errors import AuditBroken, InputError
from headway.flow.app import App
from headway.governance import audit
from headway.settings import pseudonym_key
from headway.store.tables import AUDIT

MOST_EXPORTED: Final = 100_000
"""Entries in one file; a longer range is taken in parts."""

_PAGE: Final = 50


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """Which entries of the audit are wanted; what is empty does not filter.

    Attributes:
        actor: who acted, as the audit names them.
        action: what was done.
        subject: what it was done to: an id, or the hash of a learner.
        since: from this instant on.
        until: before this instant.
    """

    actor: str = ""
    action: str = ""
    subject: str = ""
    since: datetime | None = None
    until: datetime | None = None

    def conditions(self) -> list[sa.ColumnElement[bool]]:
        """The filter for a query."""
        found = [
            column == value
            for column, value in (
                (AUDIT.c.actor, self.actor),
                (AUDIT.c.action, self.action),
                (AUDIT.c.subject, self.subject),
            )
            if value
        ]
        if self.since is not None:
            found.append(AUDIT.c.at >= self.since)
        if self.until is not None:
            found.append(AUDIT.c.at < self.until)
        return found


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of the audit."""

    id: int
    at: datetime
    actor: str
    action: str
    subject: str
    detail: Mapping[str, Any]
    prev_hash: str
    hash: str


@dataclass(frozen=True, slots=True)
class Chain:
    """How the audit chain stands.

    Attributes:
        entries: how many entries there were.
        since: when the first was written; None for an empty chain.
        checked_at: when it was looked at.
        broken: the first entry that does not fit; None where all do.
    """

    entries: int
    since: datetime | None
    checked_at: datetime
    broken: Entry | None


def audit_entries(
    app: App, wanted: AuditFilter, before: int | None = None, most: int = _PAGE
) -> tuple[list[Entry], bool]:
    """At most so many entries, the newest first, and whether there are older ones.

    Args:
        app: where.
        wanted: which.
        before: only entries older than this one.
        most: how many.
    """
    query = sa.select(AUDIT).where(*wanted.conditions())
    if before is not None:
        query = query.where(AUDIT.c.id < before)
    with app.store.read() as connection:
        rows = connection.execute(query.order_by(AUDIT.c.id.desc()).limit(most + 1)).mappings().all()
    return [Entry(**row) for row in rows[:most]], len(rows) > most


def chain(app: App) -> Chain:
    """How the audit chain stands; only reads, but every entry, so it takes long."""
    first = sa.select(sa.func.count(), sa.func.min(AUDIT.c.id)).select_from(AUDIT)
    with app.store.read() as connection:
        entries, lowest = connection.execute(first).one()
        since = None
        if lowest is not None:
            since = connection.execute(sa.select(AUDIT.c.at).where(AUDIT.c.id == lowest)).scalar_one()
        number = audit.verify(connection)
        broken = None
        if number is not None:
            row = connection.execute(sa.select(AUDIT).where(AUDIT.c.id == number)).mappings().one()
            broken = Entry(**row)
    return Chain(int(entries), since, app.clock.now(), broken)


def stopped_where_broken(app: App, found: Chain) -> Chain:
    """The chain as it was found; where it is broken, nothing is done from now on that it would tell of."""
    if found.broken is not None:
        with app.store.begin() as connection:
            audit.stop(connection, app.clock.now(), found.broken.id)
    return found


def check_audit(app: App) -> str:
    """A sentence on the audit chain.

    Raises:
        AuditBroken: it is broken; the message names the first entry that does not fit. Writing stops.
    """
    found = stopped_where_broken(app, chain(app))
    if found.broken is not None:
        raise AuditBroken.at(found.broken.id)
    return "unbroken"


def accept_break(app: App, entry: int, reason: str) -> Chain:
    """How the chain stands after a break of it was accepted: whole, or broken at a later entry.

    Raises:
        UnknownName: no break waits at this entry.
        InputError: no reason is given.
    """
    with app.store.begin() as connection:
        audit.accept(connection, app.clock.now(), app.actor, entry, reason)
    return stopped_where_broken(app, chain(app))


def audit_export(app: App, wanted: AuditFilter, purpose: str) -> bytes:
    """The entries as JSON lines, oldest first, and a last line that signs those before it; audited.

    The signature is HMAC-SHA-256 (RFC 2104) of all bytes before the last line, with a key made from the workspace's
    secret; each entry also carries the hashes of its chain.

    Raises:
        InputError: no purpose, or more than `MOST_EXPORTED` entries.
    """
    said = purpose.strip()
    if not said:
        raise InputError("Say what the export is for, in a sentence.")
    query = sa.select(AUDIT).where(*wanted.conditions()).order_by(AUDIT.c.id).limit(MOST_EXPORTED + 1)
    with app.store.begin() as connection:
        rows = [dict(row) for row in connection.execute(query).mappings()]
        if len(rows) > MOST_EXPORTED:
            raise InputError(
                f"These are more than {MOST_EXPORTED:,} entries. Choose a shorter time and export in parts."
            )
        told = {"purpose": said, "entries": len(rows)} | _told(wanted)
        audit.record(connection, app.clock.now(), app.actor, "export audit", "audit", told, although_broken=True)
    lines = "".join(f"{_line(row)}\n" for row in rows)
    signed = told | {
        "exported_at": app.clock.now().isoformat(),
        "exported_by": app.actor,
        "algorithm": "HMAC-SHA-256",
        "signature": signature(app, lines.encode()),
    }
    return f"{lines}{_line({'signed': signed})}\n".encode()


def signature(app: App, content: bytes) -> str:
    """The signature of an export's lines, in hexadecimal; compare it with that of the last line."""
    key = hmac.new(pseudonym_key(app.settings), b"headway audit export", hashlib.sha256).digest()
    return hmac.new(key, content, hashlib.sha256).hexdigest()


def _told(wanted: AuditFilter) -> dict[str, Any]:
    """The filter as the audit and the signed line keep it."""
    return {
        name: value.isoformat() if isinstance(value, datetime) else value
        for name in ("actor", "action", "subject", "since", "until")
        if (value := getattr(wanted, name))
    }


def _line(entry: Mapping[str, Any]) -> str:
    plain = {name: value.isoformat() if isinstance(value, datetime) else value for name, value in entry.items()}
    return json.dumps(plain, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
