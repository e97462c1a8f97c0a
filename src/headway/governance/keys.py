"""API keys: who may ask the server for what. A secret is shown once, when its key is made; only its hash is kept.

Secrets have 256 random bits, so that a plain SHA-256 cannot be undone by guessing. Nobody else reads the table of keys.
"""

import hashlib
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from hmac import compare_digest
from typing import Any, Final

import sqlalchemy as sa

from headway.domain.errors import InputError, NotAuthenticated, NotPermitted, UnknownName
from headway.governance import audit
from headway.store.tables import API_KEYS

SCOPES: Final = {
    "statements/write": "send xAPI statements, Caliper and Canvas events",
    "statements/read": "read statements back",
    "records/write": "send plain records",
    "predictions/read": "read runs, models and predictions",
    "learners/read": "read one learner's features, prediction and reasons",
    "score": "score a learner now, or a run as a job",
    "tasks/read": "read tasks and contacts",
    "tasks/write": "record contacts and close tasks",
    "admin": "all of these",
}
"""The scopes, with what each allows."""

_KEY: Final = "hk_"
_MARK: Final = "hs_"  # by which tools that look for leaked secrets know ours


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks: an API key, or a person whom an identity provider vouches for.

    Attributes:
        id: of a key its public half, also the user name in HTTP Basic; of a person a pseudonym.
        name: what a key's maker calls it.
        scopes: what is allowed.
    """

    id: str
    name: str
    scopes: tuple[str, ...]

    @property
    def actor(self) -> str:
        """How the audit names who asks."""
        return self.id

    def needs(self, scope: str) -> None:
        """Passes where `scope` is allowed.

        Raises:
            NotPermitted: it is not.
        """
        if scope not in self.scopes and "admin" not in self.scopes:
            raise NotPermitted(self._lacks(scope))

    def _lacks(self, scope: str) -> str:
        return f"None of your roles allows {scope}. Ask for a role that [server.oidc] gives this scope to."


@dataclass(frozen=True, slots=True)
class Key(Caller):
    """An API key without its secret.

    Attributes:
        made_at: when it was made.
        made_by: by whom.
        revoked_at: when it was revoked; None while it is good.
    """

    made_at: datetime
    made_by: str
    revoked_at: datetime | None

    @property
    def actor(self) -> str:
        """How the audit names the key."""
        return f"key {self.id}"

    def _lacks(self, scope: str) -> str:
        return f"This key lacks the scope {scope}. Make one with: headway key create --scope {scope}"


def create(
    connection: sa.Connection, at: datetime, actor: str, scopes: Iterable[str], name: str = ""
) -> tuple[Key, str]:
    """The new key and its secret, which is kept nowhere.

    Raises:
        InputError: no scope was named.
        UnknownName: a scope is not known.
    """
    wanted = tuple(dict.fromkeys(scopes))
    if not wanted:
        raise InputError(f"Name at least one scope: {', '.join(SCOPES)}.")
    for scope in wanted:
        if scope not in SCOPES:
            raise UnknownName.of("scope", scope, SCOPES)
    key = Key(_KEY + secrets.token_hex(8), name, wanted, at, actor, None)
    secret = _MARK + secrets.token_urlsafe(32)
    row = {"id": key.id, "name": name, "scopes": list(wanted), "secret_hash": _hash(secret)}
    connection.execute(sa.insert(API_KEYS), row | {"made_at": at, "made_by": actor})
    audit.record(connection, at, actor, "create key", key.id, {"scopes": list(wanted), "name": name})
    return key, secret


def revoke(connection: sa.Connection, at: datetime, actor: str, key_id: str) -> Key:
    """The key, revoked from now on; one that was revoked before stays so.

    Raises:
        UnknownName: there is no such key.
    """
    found = connection.execute(sa.select(API_KEYS).where(API_KEYS.c.id == key_id)).mappings().one_or_none()
    if found is None:
        raise UnknownName.of("key", key_id, [key.id for key in every(connection)])
    key = _key(dict(found))
    if key.revoked_at is not None:
        return key
    connection.execute(sa.update(API_KEYS).where(API_KEYS.c.id == key_id).values(revoked_at=at))
    audit.record(connection, at, actor, "revoke key", key_id, {})
    return _key(dict(found) | {"revoked_at": at})


def every(connection: sa.Connection) -> list[Key]:
    """All keys, the oldest first, revoked ones too."""
    rows = connection.execute(sa.select(API_KEYS).order_by(API_KEYS.c.made_at, API_KEYS.c.id)).mappings()
    return [_key(dict(row)) for row in rows]


def verify(connection: sa.Connection, secret: str, key_id: str | None = None) -> Key:
    """The key that the secret belongs to.

    Args:
        connection: to read with.
        secret: as `create` gave it.
        key_id: the key that is claimed; None where the secret came alone.

    Raises:
        NotAuthenticated: there is no such key, it is another one, or it was revoked. All three read the same.
    """
    row = (
        connection.execute(sa.select(API_KEYS).where(API_KEYS.c.secret_hash == _hash(secret))).mappings().one_or_none()
    )
    sound = row is not None and row["revoked_at"] is None
    if row is None or not sound or (key_id is not None and not compare_digest(row["id"].encode(), key_id.encode())):
        raise NotAuthenticated("The key is not known or was revoked. Make one with: headway key create --scope SCOPE")
    return _key(dict(row))


def _key(row: dict[str, Any]) -> Key:
    row.pop("secret_hash", None)
    return Key(scopes=tuple(row.pop("scopes")), **row)


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
