"""Accounts of the pages: who may sign in, as what, and who is signed in.

Passwords are kept as Argon2id (RFC 9106); a session's token only as its hash. Whoever tries passwords waits longer
after each series of failures, and an unknown name takes as long as a wrong password. Nobody else reads these tables.
"""

import hashlib
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

import sqlalchemy as sa

from headway.domain.errors import Busy, Conflict, InputError, NotAuthenticated, UnknownName
from headway.governance import audit
from headway.governance.scopes import ROLES, Grant, Role, role_of
from headway.store.tables import ACCOUNTS, GRANTS, SESSIONS

if TYPE_CHECKING:
    from argon2 import PasswordHasher

LEAST_PASSWORD: Final = 12
MOST_PASSWORD: Final = 1_000
FAILURES: Final = 5
"""Wrong passwords in a row before an account waits."""

WAIT_S: Final = 60
MOST_WAIT_S: Final = 3_600
IDLE: Final = timedelta(hours=12)
LONGEST: Final = timedelta(days=7)
SEEN_EVERY: Final = timedelta(minutes=5)
"""How often a session's last use is written down."""

_TOLD: Final = tuple(ACCOUNTS.c[name] for name in ("id", "name", "shown_as", "settings", "disabled_at"))
_WRONG: Final = "The name or the password is not right."


@dataclass(frozen=True, slots=True)
class Account:
    """Somebody who may sign in.

    Attributes:
        id: never changes.
        name: what is typed to sign in, in small letters.
        shown_as: how others see them.
        grants: what they may see, as what.
        settings: what they chose: zone, language, theme, capacity.
        disabled_at: since when they may not sign in; None while they may.
    """

    id: str
    name: str
    shown_as: str
    grants: tuple[Grant, ...]
    settings: Mapping[str, Any]
    disabled_at: datetime | None = None

    @property
    def roles(self) -> tuple[Role, ...]:
        """The roles granted, each once."""
        return tuple(dict.fromkeys(grant.role for grant in self.grants))


@dataclass(frozen=True, slots=True)
class Session:
    """A sign-in that is still good."""

    account: Account
    role: Role
    made_at: datetime
    expires_at: datetime


def create(
    connection: sa.Connection,
    at: datetime,
    actor: str,
    name: str,
    grants: Iterable[Grant],
    *,
    shown_as: str = "",
    password: str | None = None,
    subject: str | None = None,
) -> Account:
    """The new account.

    Args:
        connection: a writing transaction.
        at: now.
        actor: who makes it.
        name: what is typed to sign in.
        grants: at least one.
        shown_as: how others see them; the name where it is empty.
        password: at least 12 characters; None for those whom an identity provider vouches for.
        subject: the provider's word for them, hashed.

    Raises:
        InputError: no name, no grant, or a password that is too short.
        Conflict: the name is taken.
    """
    given, wanted = tuple(grants), name.strip().casefold()
    if not wanted or not given:
        raise InputError("An account needs a name and at least one role.")
    row: dict[str, Any] = {
        "id": str(uuid4()),
        "name": wanted,
        "shown_as": shown_as.strip() or name.strip(),
        "password_hash": None if password is None else _hash(password),
        "subject": subject,
        "made_at": at,
        "made_by": actor,
        "failures": 0,
        "settings": {},
    }
    try:
        with connection.begin_nested():
            connection.execute(sa.insert(ACCOUNTS), row)
    except sa.exc.IntegrityError as taken:
        raise Conflict(f"There is an account called {wanted!r} already. Choose another name.") from taken
    _grant(connection, str(row["id"]), given)
    audit.record(connection, at, actor, "create account", str(row["id"]), _told(given))
    return get(connection, str(row["id"]))


def set_grants(connection: sa.Connection, at: datetime, actor: str, account_id: str, grants: Iterable[Grant]) -> None:
    """Gives an account these grants instead of those it had; its sessions end."""
    given = tuple(grants)
    connection.execute(sa.delete(GRANTS).where(GRANTS.c.account_id == account_id))
    _grant(connection, account_id, given)
    end_all(connection, account_id)
    audit.record(connection, at, actor, "grant", account_id, _told(given))


def set_password(connection: sa.Connection, at: datetime, actor: str, account_id: str, password: str) -> None:
    """Gives an account a new password; its sessions end and it is locked no longer.

    Raises:
        InputError: it is too short.
    """
    values = {"password_hash": _hash(password), "failures": 0, "locked_until": None}
    connection.execute(sa.update(ACCOUNTS).where(ACCOUNTS.c.id == account_id).values(**values))
    end_all(connection, account_id)
    audit.record(connection, at, actor, "set password", account_id, {})


def disable(connection: sa.Connection, at: datetime, actor: str, account_id: str) -> None:
    """Takes an account out of use; its sessions end."""
    connection.execute(sa.update(ACCOUNTS).where(ACCOUNTS.c.id == account_id).values(disabled_at=at))
    end_all(connection, account_id)
    audit.record(connection, at, actor, "disable account", account_id, {})


def enable(connection: sa.Connection, at: datetime, actor: str, account_id: str) -> None:
    """Takes an account back into use; whoever has it signs in anew."""
    values = {"disabled_at": None, "failures": 0, "locked_until": None}
    connection.execute(sa.update(ACCOUNTS).where(ACCOUNTS.c.id == account_id).values(**values))
    audit.record(connection, at, actor, "enable account", account_id, {})


def rename(connection: sa.Connection, account_id: str, shown_as: str) -> None:
    """Changes how others see somebody."""
    connection.execute(sa.update(ACCOUNTS).where(ACCOUNTS.c.id == account_id).values(shown_as=shown_as))


def keep_settings(connection: sa.Connection, account_id: str, settings: Mapping[str, Any]) -> None:
    """Keeps what somebody chose, over what they had chosen."""
    connection.execute(sa.update(ACCOUNTS).where(ACCOUNTS.c.id == account_id).values(settings=dict(settings)))


def get(connection: sa.Connection, account_id: str) -> Account:
    """The account of an id.

    Raises:
        UnknownName: there is none.
    """
    found = connection.execute(sa.select(ACCOUNTS).where(ACCOUNTS.c.id == account_id)).mappings().one_or_none()
    if found is None:
        raise UnknownName("There is no such account.")
    return _account(connection, dict(found))


def named(connection: sa.Connection, name: str) -> Account:
    """The account of a sign-in name.

    Raises:
        UnknownName: there is none.
    """
    same = ACCOUNTS.c.name == name.strip().casefold()
    found = connection.execute(sa.select(ACCOUNTS).where(same)).mappings().one_or_none()
    if found is None:
        raise UnknownName.of("account", name, [account.name for account in every(connection)])
    return _account(connection, dict(found))


def of_subject(connection: sa.Connection, subject: str) -> Account | None:
    """The account of somebody whom an identity provider vouches for; None where they have none yet."""
    same = ACCOUNTS.c.subject == subject
    found = connection.execute(sa.select(ACCOUNTS).where(same)).mappings().one_or_none()
    return None if found is None else _account(connection, dict(found))


def rebind(connection: sa.Connection, before: str, name: str, subject: str) -> None:
    """Keeps an account that was kept under another hash of its subject under this one, where there is any."""
    values = {"name": name, "subject": subject}
    connection.execute(sa.update(ACCOUNTS).where(ACCOUNTS.c.subject == before).values(**values))


def every(connection: sa.Connection) -> list[Account]:
    """All accounts, by name."""
    granted: dict[str, list[Grant]] = {}
    for row in connection.execute(sa.select(GRANTS).order_by(GRANTS.c.id)).mappings():
        granted.setdefault(row["account_id"], []).append(_grant_of(row))
    rows = connection.execute(sa.select(ACCOUNTS).order_by(ACCOUNTS.c.name)).mappings()
    return [_account_of(row, granted.get(row["id"], [])) for row in rows]


def check_password(connection: sa.Connection, at: datetime, name: str, password: str) -> Account | None:
    """The account where the password is right, None where it is not, which is counted.

    Call it in a writing transaction that is kept either way: a count that is rolled back would stop nobody.

    Raises:
        Busy: the account waits after too many failures.
    """
    from argon2.exceptions import InvalidHashError, VerificationError

    same = ACCOUNTS.c.name == name.strip().casefold()
    found = connection.execute(sa.select(ACCOUNTS).where(same)).mappings().one_or_none()
    row = None if found is None else dict(found)
    if row is not None and row["locked_until"] is not None and row["locked_until"] > at:
        wait = int((row["locked_until"] - at).total_seconds()) + 1
        raise Busy(f"Too many wrong passwords. Try again in {wait} seconds.", wait)
    kept = _nobody() if row is None or row["password_hash"] is None else str(row["password_hash"])
    try:
        right = _hasher().verify(kept, password[:MOST_PASSWORD]) and row is not None and row["password_hash"]
    except (VerificationError, InvalidHashError):
        right = False
    if row is None or row["disabled_at"] is not None:
        return None
    if not right:
        _count_failure(connection, at, row)
        return None
    values: dict[str, Any] = {"failures": 0, "locked_until": None}
    if _hasher().check_needs_rehash(kept):
        values["password_hash"] = _hash(password)
    connection.execute(sa.update(ACCOUNTS).where(ACCOUNTS.c.id == row["id"]).values(**values))
    return _account(connection, row)


def refused() -> NotAuthenticated:
    """The error for a name or password that is not right; it does not say which."""
    return NotAuthenticated(_WRONG)


def start(
    connection: sa.Connection, at: datetime, account: Account, role: Role | None = None, until: datetime | None = None
) -> str:
    """The token of a new session, which is kept nowhere.

    Args:
        connection: a writing transaction.
        at: now.
        account: whose.
        role: as what; the first of the account's roles where it is not said.
        until: when it ends at the latest; a week from now where it is not said.

    Raises:
        NotAuthenticated: the account is out of use or has no such role.
    """
    wanted = role or next(iter(account.roles), None)
    if account.disabled_at is not None or wanted not in account.roles:
        raise NotAuthenticated("This account may not sign in. Ask whoever looks after headway here.")
    token = secrets.token_urlsafe(32)
    row = {"token_hash": _token_hash(token), "account_id": account.id, "role": wanted, "made_at": at, "seen_at": at}
    connection.execute(sa.delete(SESSIONS).where(SESSIONS.c.expires_at <= at))
    connection.execute(sa.insert(SESSIONS), row | {"expires_at": until or at + LONGEST})
    told = {"role": wanted}  # also where the chain is broken: whoever is to mend that signs in as well
    audit.record(connection, at, f"account {account.id}", "sign in", account.id, told, although_broken=True)
    return token


def session(connection: sa.Connection, at: datetime, token: str) -> tuple[Session, bool] | None:
    """The session of a token, and whether its use should be written down (`seen`); None where it is over."""
    asked = sa.select(SESSIONS.c.role, SESSIONS.c.made_at, SESSIONS.c.expires_at, SESSIONS.c.seen_at, *_TOLD)
    asked = asked.join(ACCOUNTS, ACCOUNTS.c.id == SESSIONS.c.account_id)
    row = connection.execute(asked.where(SESSIONS.c.token_hash == _token_hash(token))).mappings().first()
    if row is None or row["expires_at"] <= at or row["seen_at"] + IDLE <= at:
        return None
    account = _account(connection, row)
    role = role_of(row["role"])
    if account.disabled_at is not None or role not in account.roles:
        return None
    found = Session(account, role, row["made_at"], min(row["expires_at"], row["seen_at"] + IDLE))
    return found, row["seen_at"] + SEEN_EVERY <= at


def seen(connection: sa.Connection, at: datetime, token: str) -> None:
    """Writes down that a session was used."""
    connection.execute(sa.update(SESSIONS).where(SESSIONS.c.token_hash == _token_hash(token)).values(seen_at=at))


def switch(connection: sa.Connection, at: datetime, token: str, role: Role) -> str:
    """The token of a session that takes the place of this one, with another of the account's roles.

    It ends when this one would have ended at the latest.

    Raises:
        NotAuthenticated: the session is over, or the account has no such role.
    """
    found = session(connection, at, token)
    if found is None:
        raise NotAuthenticated("You are signed in no longer. Sign in again.")
    if role not in found[0].account.roles:
        raise NotAuthenticated("This account has no such role. Ask whoever looks after headway here.")
    same = SESSIONS.c.token_hash == _token_hash(token)
    until = connection.execute(sa.select(SESSIONS.c.expires_at).where(same)).scalar_one()
    end(connection, token)
    return start(connection, at, found[0].account, role, until)


def end(connection: sa.Connection, token: str) -> None:
    """Ends a session."""
    connection.execute(sa.delete(SESSIONS).where(SESSIONS.c.token_hash == _token_hash(token)))


def end_all(connection: sa.Connection, account_id: str) -> int:
    """How many sessions an account had; they are over."""
    return connection.execute(sa.delete(SESSIONS).where(SESSIONS.c.account_id == account_id)).rowcount


def of_learner(connection: sa.Connection, learner: str) -> list[Account]:
    """The accounts that are about a learner."""
    about = sa.select(GRANTS.c.account_id).where(GRANTS.c.learner == learner).distinct()
    return [get(connection, account_id) for account_id in connection.execute(about).scalars()]


def forget_learner(connection: sa.Connection, learner: str) -> int:
    """How many accounts and grants about a learner were removed; an account that may do more keeps the rest."""
    removed = 0
    for account in of_learner(connection, learner):
        about = (GRANTS.c.account_id == account.id) & (GRANTS.c.learner == learner)
        removed += connection.execute(sa.delete(GRANTS).where(about)).rowcount
        end_all(connection, account.id)
        if all(grant.learner == learner for grant in account.grants):
            removed += connection.execute(sa.delete(ACCOUNTS).where(ACCOUNTS.c.id == account.id)).rowcount
    return removed


def _count_failure(connection: sa.Connection, at: datetime, row: Mapping[str, Any]) -> None:
    failures = row["failures"] + 1
    values: dict[str, Any] = {"failures": failures}
    if failures % FAILURES == 0:
        wait = min(MOST_WAIT_S, WAIT_S * 2 ** (failures // FAILURES - 1))
        values["locked_until"] = at + timedelta(seconds=wait)
        told = {"failures": failures, "wait_s": wait}
        audit.record(connection, at, "sign-in", "lock account", row["id"], told, although_broken=True)
    connection.execute(sa.update(ACCOUNTS).where(ACCOUNTS.c.id == row["id"]).values(**values))


def _told(grants: Iterable[Grant]) -> dict[str, Any]:
    """What the audit keeps of grants: roles, runs and groups, and never whom they are about."""
    kept = [(grant.role, grant.runs, *([grant.group] if grant.group else [])) for grant in grants]
    return {"grants": sorted(" ".join(parts) for parts in kept)}


def _grant(connection: sa.Connection, account_id: str, grants: Iterable[Grant]) -> None:
    rows = [
        {
            "id": str(uuid4()),
            "account_id": account_id,
            "role": grant.role,
            "runs": grant.runs,
            "group_name": grant.group,
            "learner": grant.learner,
        }
        for grant in grants
    ]
    if rows:
        connection.execute(sa.insert(GRANTS), rows)


def _account(connection: sa.Connection, row: Mapping[str, Any] | sa.RowMapping) -> Account:
    rows = connection.execute(sa.select(GRANTS).where(GRANTS.c.account_id == row["id"]).order_by(GRANTS.c.id))
    return _account_of(row, [_grant_of(one) for one in rows.mappings()])


def _grant_of(row: sa.RowMapping) -> Grant:
    return Grant(role_of(row["role"]), row["runs"], row["group_name"], row["learner"])


def _account_of(row: Mapping[str, Any] | sa.RowMapping, grants: list[Grant]) -> Account:
    grants.sort(key=lambda grant: (ROLES.index(grant.role), grant.runs, grant.group or "", grant.learner or ""))
    return Account(row["id"], row["name"], row["shown_as"], tuple(grants), row["settings"], row["disabled_at"])


def _hash(password: str) -> str:
    if not LEAST_PASSWORD <= len(password) <= MOST_PASSWORD:
        raise InputError(f"A password has {LEAST_PASSWORD} to {MOST_PASSWORD} characters. Choose a longer one.")
    return _hasher().hash(password)


@cache
def _hasher() -> "PasswordHasher":
    from argon2 import PasswordHasher

    return PasswordHasher()  # the library's defaults are RFC 9106's low-memory choice


@cache
def _nobody() -> str:
    """A hash that no password fits, so that an unknown name takes as long as a wrong password."""
    return _hasher().hash(secrets.token_urlsafe(32))


def _token_hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
