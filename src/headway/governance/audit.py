"""The audit chain: who did what to what, when. Each entry carries the hash of the one before it.

Changing, removing or inserting an entry breaks the chain and `verify` names the first entry that does not fit. Cutting
off the newest entries shows only against a `head` noted elsewhere. Entries are never updated or deleted; `record` is
the only writer, inside the transaction of the act it tells of, so that neither is kept without the other.
"""

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

import sqlalchemy as sa

from headway.domain.errors import InputError
from headway.store.database import lock
from headway.store.tables import AUDIT

GENESIS: Final = "0" * 64
"""What stands as previous hash in the first entry."""


def record(
    connection: sa.Connection, at: datetime, actor: str, action: str, subject: str, detail: Mapping[str, Any]
) -> int:
    """The id of the new entry, the last one's plus 1.

    Args:
        connection: a writing transaction; other writers of the chain wait until it ends.
        at: the instant of the act, UTC.
        actor: who did it.
        action: what was done, as a short verb phrase (`score`, `erase_learner`).
        subject: what it was done to, by its id; never a name.
        detail: what else matters, JSON-able, without NaN.

    Raises:
        InputError: `detail` is not JSON, or `at` is not in UTC.
    """
    lock(connection, "audit")
    last = sa.select(AUDIT.c.id, AUDIT.c.hash).order_by(AUDIT.c.id.desc()).limit(1)
    before = connection.execute(last).one_or_none()
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
    """The id of the first entry that does not fit the chain, or None where all do."""
    expected, prev_hash = 1, GENESIS
    entries = sa.select(AUDIT).order_by(AUDIT.c.id).execution_options(yield_per=1_000)
    with connection.execute(entries) as rows:
        for row in rows.mappings():
            entry = dict(row)
            kept = entry.pop("hash")
            if entry["id"] != expected or entry["prev_hash"] != prev_hash or _hash(entry) != kept:
                return int(entry["id"])
            expected, prev_hash = expected + 1, kept
    return None


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
