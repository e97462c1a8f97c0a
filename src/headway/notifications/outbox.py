"""The outbox: notices wait in the database until they are sent, and are never dropped in silence.

A notice is written in the transaction of what it tells of. Sending tries again after waits that double, each drawn
between half and all of it (by a hash of the notice, so that a run can be repeated), and ends as dead after so many
attempts; dead ones can be seen and sent again by hand. A receiver may get a notice twice, with the same id.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Literal
from uuid import NAMESPACE_URL, uuid5

import sqlalchemy as sa

from headway.domain.errors import Conflict, UnknownName
from headway.store.tables import NOTICES

Channel = Literal["email", "webhook", "slack", "teams"]
State = Literal["pending", "sent", "dead"]

FIRST_WAIT_S: Final = 30.0
LONGEST_WAIT_S: Final = 6 * 3_600.0
ERROR_CHARACTERS: Final = 500


@dataclass(frozen=True, slots=True)
class Notice:
    """One message to one receiver.

    Attributes:
        id: its id, also for the receiver.
        channel: how it goes.
        address: to whom: a mail address, or the name of a receiver in the settings.
        kind: what it tells.
        payload: what is sent.
        state: pending, sent, or dead: given up.
        attempts: how often it was tried.
        next_at: when it is tried next.
        last_error: why the last attempt failed.
        made_at: when it was written.
        sent_at: when it was sent.
    """

    id: str
    channel: Channel
    address: str
    kind: str
    payload: dict[str, Any]
    state: State
    attempts: int
    next_at: datetime
    last_error: str | None
    made_at: datetime
    sent_at: datetime | None

    def as_row(self) -> dict[str, Any]:
        """The notice as JSON-ready data but for its instants."""
        return {name: getattr(self, name) for name in self.__slots__}


def notice_of(channel: Channel, address: str, kind: str, payload: Mapping[str, Any], now: datetime) -> Notice:
    """A new notice; the same at the same instant always has the same id."""
    told = hashlib.sha256(repr(sorted(payload.items())).encode()).hexdigest()
    made = uuid5(NAMESPACE_URL, f"headway/notice/{channel}/{address}/{kind}/{now.isoformat()}/{told}")
    return Notice(str(made), channel, address, kind, dict(payload), "pending", 0, now, None, now, None)


def add(connection: sa.Connection, notices: Iterable[Notice]) -> int:
    """How many notices were written; one that is there already is left as it is."""
    count = 0
    for notice in notices:
        known = connection.execute(sa.select(NOTICES.c.id).where(NOTICES.c.id == notice.id)).first()
        if known is None:
            connection.execute(sa.insert(NOTICES), notice.as_row())
            count += 1
    return count


def due(connection: sa.Connection, now: datetime, limit: int = 100) -> list[Notice]:
    """The notices to be sent now, those that waited longest first; a reading connection will do."""
    waiting = (NOTICES.c.state == "pending") & (NOTICES.c.next_at <= now)
    rows = connection.execute(sa.select(NOTICES).where(waiting).order_by(NOTICES.c.next_at, NOTICES.c.id).limit(limit))
    return [Notice(**row) for row in rows.mappings()]


def sent(connection: sa.Connection, notice: Notice, now: datetime) -> None:
    """Notes that a notice was sent."""
    told = {"state": "sent", "sent_at": now, "attempts": notice.attempts + 1, "last_error": None}
    connection.execute(sa.update(NOTICES).where(NOTICES.c.id == notice.id).values(**told))


def failed(connection: sa.Connection, notice: Notice, now: datetime, why: str, attempts: int) -> State:
    """What becomes of a notice that could not be sent: it waits, or is dead after so many attempts."""
    tried = notice.attempts + 1
    state: State = "dead" if tried >= attempts else "pending"
    when = now + wait_of(notice.id, tried)
    told = {"state": state, "attempts": tried, "next_at": when, "last_error": why[:ERROR_CHARACTERS]}
    connection.execute(sa.update(NOTICES).where(NOTICES.c.id == notice.id).values(**told))
    return state


def wait_of(notice_id: str, tried: int) -> timedelta:
    """How long to wait after so many attempts: half to all of 30 s, doubled each time, six hours at most."""
    longest = min(LONGEST_WAIT_S, FIRST_WAIT_S * 2 ** min(tried - 1, 20))
    drawn = int.from_bytes(hashlib.sha256(f"{notice_id}/{tried}".encode()).digest()[:8]) / 2**64
    return timedelta(seconds=longest * (0.5 + drawn / 2))


def retry(connection: sa.Connection, notice_id: str, now: datetime) -> Notice:
    """The notice, to be sent at once, with all its attempts again.

    Raises:
        UnknownName: there is none with this id, or several whose ids begin so.
        Conflict: it was sent.
    """
    same = NOTICES.c.id == notice_id
    if 8 <= len(notice_id) < 36:
        same = NOTICES.c.id.startswith(notice_id, autoescape=True)
    rows = connection.execute(sa.select(NOTICES).where(same).limit(2)).mappings().all()
    if len(rows) != 1:
        known = connection.execute(sa.select(NOTICES.c.id).where(NOTICES.c.state == "dead").limit(20)).scalars()
        raise UnknownName.of("notice", notice_id, known)
    if rows[0]["state"] == "sent":
        raise Conflict(f"The notice {rows[0]['id']} was sent already.")
    again = {"state": "pending", "attempts": 0, "next_at": now}
    connection.execute(sa.update(NOTICES).where(NOTICES.c.id == rows[0]["id"]).values(**again))
    return Notice(**(dict(rows[0]) | again))


def find(connection: sa.Connection, state: State | None = None, limit: int = 200) -> list[Notice]:
    """The notices, the newest first; only those in a state where one is named."""
    query = sa.select(NOTICES) if state is None else sa.select(NOTICES).where(NOTICES.c.state == state)
    rows = connection.execute(query.order_by(NOTICES.c.made_at.desc(), NOTICES.c.id).limit(limit))
    return [Notice(**row) for row in rows.mappings()]


def newest(connection: sa.Connection, channel: Channel, address: str, kind: str) -> Notice | None:
    """The newest notice of a kind to a receiver; None where there is none."""
    same = (NOTICES.c.channel == channel) & (NOTICES.c.address == address) & (NOTICES.c.kind == kind)
    found = connection.execute(sa.select(NOTICES).where(same).order_by(NOTICES.c.made_at.desc()).limit(1))
    row = found.mappings().one_or_none()
    return None if row is None else Notice(**row)


def written_to(connection: sa.Connection, channel: Channel, address: str, kind: str, limit: int = 20) -> list[Notice]:
    """The notices of a kind to a receiver, the newest first."""
    same = (NOTICES.c.channel == channel) & (NOTICES.c.address == address) & (NOTICES.c.kind == kind)
    rows = connection.execute(sa.select(NOTICES).where(same).order_by(NOTICES.c.made_at.desc()).limit(limit))
    return [Notice(**row) for row in rows.mappings()]


def with_fact(connection: sa.Connection, kind: str, name: str, value: str) -> list[Notice]:
    """The notices of a kind whose payload says `value` under `name`, the oldest first."""
    same = (NOTICES.c.kind == kind) & (NOTICES.c.payload[name].as_string() == value)
    rows = connection.execute(sa.select(NOTICES).where(same).order_by(NOTICES.c.made_at, NOTICES.c.id))
    return [Notice(**row) for row in rows.mappings()]


def get(connection: sa.Connection, notice_id: str) -> Notice:
    """The notice of this id.

    Raises:
        UnknownName: there is none.
    """
    row = connection.execute(sa.select(NOTICES).where(NOTICES.c.id == notice_id)).mappings().one_or_none()
    if row is None:
        raise UnknownName("There is no such message any more.")
    return Notice(**row)


def take_back(connection: sa.Connection, notice_id: str, now: datetime) -> Notice:
    """The notice that is gone, unsent: one that was not due yet, or that was given up.

    Raises:
        UnknownName: there is none of this id.
        Conflict: it is on its way, or was sent.
    """
    notice = get(connection, notice_id)
    same = NOTICES.c.id == notice_id
    waits = (NOTICES.c.state == "pending") & (NOTICES.c.next_at > now) & (NOTICES.c.attempts == 0)
    if connection.execute(sa.delete(NOTICES).where(same & (waits | (NOTICES.c.state == "dead")))).rowcount != 1:
        raise Conflict("This message is on its way and cannot be taken back any more.")
    return notice


def again(connection: sa.Connection, notice_id: str, at: datetime) -> Notice:
    """The notice that was given up, to be tried again at an instant, with all its attempts.

    Raises:
        UnknownName: there is none of this id.
        Conflict: it was not given up.
    """
    waiting = {"state": "pending", "attempts": 0, "next_at": at}
    given_up = (NOTICES.c.id == notice_id) & (NOTICES.c.state == "dead")
    if connection.execute(sa.update(NOTICES).where(given_up).values(**waiting)).rowcount != 1:
        get(connection, notice_id)
        raise Conflict("This message waits to be sent, or was sent already.")
    return get(connection, notice_id)


def rewrite(connection: sa.Connection, notice_id: str, payload: Mapping[str, Any]) -> None:
    """Gives a notice that was not sent yet another payload."""
    unsent = (NOTICES.c.id == notice_id) & (NOTICES.c.state != "sent")
    connection.execute(sa.update(NOTICES).where(unsent).values(payload=dict(payload)))


def tidy(connection: sa.Connection, sent_before: datetime) -> int:
    """How many notices were removed that were sent before an instant."""
    old = (NOTICES.c.state == "sent") & (NOTICES.c.sent_at < sent_before)
    return connection.execute(sa.delete(NOTICES).where(old)).rowcount
