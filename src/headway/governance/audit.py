"""The audit chain: who did what to what, when. Each entry carries the hash of the one before it.

Changing, removing or inserting an entry breaks the chain and `verify` names the first entry that does not fit. Cutting
off the newest entries shows only against a `head` noted elsewhere. Entries are never updated or deleted; `record` is
the only writer, inside the transaction of the act it tells of, so that neither is kept without the other.

Where the chain is found broken, `stop` notes it, and `record` refuses from then on: nobody acts while the trail proves
nothing. `accept` ends that, by name and with a reason; the chain then holds from the accepted entry on.
"""

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

import sqlalchemy as sa

from headway.domain.errors import AuditBroken, InputError, UnknownName
from headway.store.database import lock
from headway.store.tables import AUDIT, AUDIT_BREAKS

GENESIS: Final = "0" * 64
"""What stands as previous hash in the first entry."""


def record(
    connection: sa.Connection,
    at: datetime,
    actor: str,
    action: str,
    subject: str,
    detail: Mapping[str, Any],
    *,
    although_broken: bool = False,
) -> int:
    """The id of the new entry, the last one's plus 1.

    Args:
        connection: a writing transaction; other writers of the chain wait until it ends.
        at: the instant of the act, UTC.
        actor: who did it.
        action: what was done, as a short verb phrase (`score`, `erase_learner`).
        subject: what it was done to, by its id; never a name.
        detail: what else matters, JSON-able, without NaN.
        although_broken: whether the act is done even where the chain is known to be broken: signing in.

    Raises:
        InputError: `detail` is not JSON, or `at` is not in UTC.
        AuditBroken: the chain was found broken, and nobody has accepted it.
    """
    lock(connection, "audit")
    open_break = sa.select(sa.func.min(AUDIT_BREAKS.c.entry)).where(AUDIT_BREAKS.c.accepted_at.is_(None))
    last = sa.select(AUDIT.c.id, AUDIT.c.hash, open_break.scalar_subquery().label("broken"))
    before = connection.execute(last.order_by(AUDIT.c.id.desc()).limit(1)).one_or_none()
    if before is not None and before.broken is not None and not although_broken:
        raise AuditBroken.at(before.broken)
    number = int(before.id) + 1 if before else 1
    entry = {
        "id": number,
        "at": at,
        "actor": actor,
        "action": action,
        "subject": subject,
        "detail": plain(detail),
        "prev_hash": before.hash if before else GENESIS,
    }
    connection.execute(sa.insert(AUDIT), entry | {"hash": _hash(entry)})
    return number


def verify(connection: sa.Connection) -> int | None:
    """The id of the first entry that does not fit the chain, or None where all do.

    An accepted entry fits for as long as it stays what it was when its break was found.
    """
    accepted = sa.select(AUDIT_BREAKS.c.entry, AUDIT_BREAKS.c.found_hash).where(AUDIT_BREAKS.c.accepted_at.is_not(None))
    known = {row.entry: row.found_hash for row in connection.execute(accepted)}
    expected, prev_hash = 1, GENESIS
    entries = sa.select(AUDIT).order_by(AUDIT.c.id).execution_options(yield_per=1_000)
    with connection.execute(entries) as rows:
        for row in rows.mappings():
            entry = dict(row)
            kept = entry.pop("hash")
            fits = entry["id"] == expected and entry["prev_hash"] == prev_hash and _hash(entry) == kept
            if not fits and known.get(entry["id"]) != _hash(dict(row)):
                return int(entry["id"])
            expected, prev_hash = int(entry["id"]) + 1, kept
    return None


def stop(connection: sa.Connection, at: datetime, entry: int) -> None:
    """Notes that the chain is broken at an entry that `verify` named; `record` refuses until somebody accepts it.

    Noting it again changes nothing, unless the entry has become another since it was accepted.
    """
    lock(connection, "audit")
    row = connection.execute(sa.select(AUDIT).where(AUDIT.c.id == entry)).mappings().one_or_none()
    if row is None:
        return  # gone since it was looked at: the next look finds the one after it
    own = AUDIT_BREAKS.c.entry == entry
    found_hash = _hash(dict(row))
    if connection.execute(sa.select(AUDIT_BREAKS.c.found_hash).where(own)).scalar_one_or_none() == found_hash:
        return
    connection.execute(sa.delete(AUDIT_BREAKS).where(own))
    connection.execute(sa.insert(AUDIT_BREAKS), {"entry": entry, "found_hash": found_hash, "found_at": at})


def accept(connection: sa.Connection, at: datetime, actor: str, entry: int, reason: str) -> None:
    """Accepts a break as it was found, so that work goes on; the chain tells of it.

    Raises:
        UnknownName: no break waits at this entry.
        InputError: no reason is given.
    """
    said = reason.strip()
    if not said:
        raise InputError("Say what was found and why work goes on, in a sentence. The audit keeps it.")
    waits = (AUDIT_BREAKS.c.entry == entry) & AUDIT_BREAKS.c.accepted_at.is_(None)
    values = {"accepted_at": at, "accepted_by": actor, "reason": said}
    if connection.execute(sa.update(AUDIT_BREAKS).where(waits).values(**values)).rowcount != 1:
        raise UnknownName(f"No break of the audit chain waits at entry {entry}. See `headway audit verify`.")
    record(connection, at, actor, "accept break", f"audit {entry}", {"reason": said}, although_broken=True)


def head(connection: sa.Connection) -> tuple[int, str]:
    """The id and hash of the newest entry; (0, `GENESIS`) for an empty chain.

    Noted outside the database, it shows later whether entries were cut off.
    """
    row = connection.execute(sa.select(AUDIT.c.id, AUDIT.c.hash).order_by(AUDIT.c.id.desc()).limit(1)).one_or_none()
    return (int(row.id), str(row.hash)) if row else (0, GENESIS)


def plain(detail: Mapping[str, Any]) -> dict[str, Any]:
    """The detail of an entry as it is kept.

    Raises:
        InputError: it is not JSON.
    """
    try:
        told: dict[str, Any] = json.loads(json.dumps(dict(detail), allow_nan=False))
    except (TypeError, ValueError) as wrong:
        raise InputError(f"An audit entry's detail must be JSON without NaN: {wrong}.") from wrong
    return told


def _hash(entry: Mapping[str, Any]) -> str:
    """SHA-256 over canonical JSON: sorted keys, no spaces, ASCII, the instant as ISO 8601 with microseconds."""
    at: datetime = entry["at"]
    told = dict(entry) | {"at": at.astimezone(UTC).isoformat(timespec="microseconds")}
    text = json.dumps(told, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    return hashlib.sha256(text.encode("ascii")).hexdigest()
