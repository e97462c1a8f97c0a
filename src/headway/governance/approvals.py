"""Approvals: what waits for somebody's decision, and what was decided, by whom and why.

Whoever asks never decides. A decision is made once and never changed; asking and deciding are audited in the same
transaction. Nobody else writes the table of approvals.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal
from uuid import uuid4

import sqlalchemy as sa

from headway.domain.errors import Conflict, InputError, NotPermitted, UnknownName
from headway.governance import audit
from headway.store.database import lock
from headway.store.tables import APPROVALS

Status = Literal["waiting", "approved", "refused"]

MODEL: Final = "model"
"""A model version is to be used for lists; the subject is its ref, name/3."""

ERASURE: Final = "erasure"
"""A learner is to be erased; the subject is the learner's hash, never the id."""

PROPOSAL: Final = "proposal"
"""An intervention that an instructor proposes; the subject says which."""

MOST_REASON: Final = 2_000
_MOST_SHOWN: Final = 200


@dataclass(frozen=True, slots=True)
class Approval:
    """Something that somebody asked for.

    Attributes:
        id: its own id.
        kind: what sort of thing: `MODEL`, `ERASURE`, `PROPOSAL` or another.
        subject: what it is about, by its id; never a name.
        reason: why it is asked for.
        asked_by: who asked, as the audit calls them (`account ID`).
        asked_at: when.
        status: whether it still waits.
        decided_by: who decided; None while it waits.
        decided_at: when; None while it waits.
        decision_reason: why so; None while it waits.
    """

    id: str
    kind: str
    subject: str
    reason: str
    asked_by: str
    asked_at: datetime
    status: Status
    decided_by: str | None
    decided_at: datetime | None
    decision_reason: str | None


def ask(connection: sa.Connection, at: datetime, actor: str, kind: str, subject: str, reason: str) -> Approval:
    """What waits now for somebody else's decision.

    Args:
        connection: a writing transaction.
        at: now.
        actor: who asks.
        kind: what sort of thing is asked for.
        subject: what it is about, by its id.
        reason: why; shown to whoever decides.

    Raises:
        InputError: no reason is given, or it is too long.
        Conflict: the same waits already.
    """
    said = _said(reason, "why you ask")
    lock(connection, "approvals")
    same = sa.and_(APPROVALS.c.kind == kind, APPROVALS.c.subject == subject, APPROVALS.c.status == "waiting")
    if connection.execute(sa.select(APPROVALS.c.id).where(same)).first() is not None:
        raise Conflict("This waits for a decision already. Wait for it, or speak to whoever decides.")
    row: dict[str, Any] = {
        "id": str(uuid4()),
        "kind": kind,
        "subject": subject,
        "reason": said,
        "asked_by": actor,
        "asked_at": at,
        "status": "waiting",
    }
    connection.execute(sa.insert(APPROVALS), row)
    audit.record(connection, at, actor, "ask for approval", subject, {"kind": kind, "approval": row["id"]})
    return get(connection, str(row["id"]))


def decide(
    connection: sa.Connection, at: datetime, actor: str, approval_id: str, *, approve: bool, reason: str
) -> Approval:
    """The approval as it was decided.

    Args:
        connection: a writing transaction.
        at: now.
        actor: who decides, never who asked.
        approval_id: which.
        approve: whether it is granted.
        reason: why so; shown to whoever asked.

    Raises:
        UnknownName: there is none of this id.
        NotPermitted: whoever asked tries to decide.
        Conflict: it was decided already.
        InputError: no reason is given, or it is too long.
    """
    said = _said(reason, "why you decide so")
    lock(connection, "approvals")
    found = get(connection, approval_id)
    if found.asked_by == actor:
        raise NotPermitted("You asked for this, so somebody else decides.")
    status: Status = "approved" if approve else "refused"
    values = {"status": status, "decided_by": actor, "decided_at": at, "decision_reason": said}
    waits = sa.and_(APPROVALS.c.id == approval_id, APPROVALS.c.status == "waiting")
    if connection.execute(sa.update(APPROVALS).where(waits).values(**values)).rowcount != 1:
        raise Conflict("This was decided already. Open the page again to see how.")
    told = {"kind": found.kind, "approval": found.id}
    audit.record(connection, at, actor, "approve" if approve else "refuse approval", found.subject, told)
    return get(connection, approval_id)


def get(connection: sa.Connection, approval_id: str) -> Approval:
    """The approval of an id.

    Raises:
        UnknownName: there is none.
    """
    found = _read(connection, sa.select(APPROVALS).where(APPROVALS.c.id == approval_id))
    if not found:
        raise UnknownName("Nothing of this id was asked for.")
    return found[0]


def waiting(connection: sa.Connection, kind: str | None = None) -> list[Approval]:
    """What waits for a decision, of one kind or of all, longest first."""
    wanted = sa.select(APPROVALS).where(APPROVALS.c.status == "waiting")
    if kind is not None:
        wanted = wanted.where(APPROVALS.c.kind == kind)
    return _read(connection, wanted.order_by(APPROVALS.c.asked_at, APPROVALS.c.id))


def of_subject(connection: sa.Connection, kind: str, subject: str) -> list[Approval]:
    """What was ever asked about something, newest first."""
    same = sa.select(APPROVALS).where(APPROVALS.c.kind == kind, APPROVALS.c.subject == subject)
    return _read(connection, same.order_by(APPROVALS.c.asked_at.desc(), APPROVALS.c.id))


def is_approved(connection: sa.Connection, kind: str, subject: str) -> bool:
    """Whether something was approved, by the last decision about it; what is asked again stays as it was till then."""
    about = (APPROVALS.c.kind == kind) & (APPROVALS.c.subject == subject) & (APPROVALS.c.status != "waiting")
    last = sa.select(APPROVALS.c.status).where(about).order_by(APPROVALS.c.decided_at.desc(), APPROVALS.c.id).limit(1)
    return connection.execute(last).scalar_one_or_none() == "approved"


def newest_of_kind(connection: sa.Connection, kind: str) -> dict[str, Approval]:
    """What was asked last about each subject of a kind."""
    same = sa.select(APPROVALS).where(APPROVALS.c.kind == kind)
    rows = _read(connection, same.order_by(APPROVALS.c.asked_at, APPROVALS.c.id))
    return {approval.subject: approval for approval in rows}


def decided(connection: sa.Connection, since: datetime | None = None, most: int = _MOST_SHOWN) -> list[Approval]:
    """What was decided, newest first: since an instant or ever, at most so many."""
    wanted = sa.select(APPROVALS).where(APPROVALS.c.status != "waiting")
    if since is not None:
        wanted = wanted.where(APPROVALS.c.decided_at >= since)
    return _read(connection, wanted.order_by(APPROVALS.c.decided_at.desc(), APPROVALS.c.id).limit(most))


def decided_count(connection: sa.Connection, since: datetime) -> int:
    """How many were decided since an instant."""
    count = sa.select(sa.func.count()).select_from(APPROVALS)
    return int(connection.execute(count.where(APPROVALS.c.decided_at >= since)).scalar_one())


def _said(reason: str, what: str) -> str:
    said = reason.strip()
    if not said:
        raise InputError(f"Say {what}, in a sentence.")
    if len(said) > MOST_REASON:
        raise InputError(f"Say {what} in at most {MOST_REASON:,} characters.")
    return said


def _read(connection: sa.Connection, query: "sa.Select[Any]") -> list[Approval]:
    return [Approval(**row) for row in connection.execute(query).mappings()]
