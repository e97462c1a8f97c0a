"""The vault: who a pseudonym is. Names, numbers and addresses are sealed with a key made from the workspace's secret.

Nobody else reads or writes the table of people. No name leaves the vault but to a page whose scope shows names; none
goes into the lake, a log or the audit.
"""

import hashlib
import hmac
import json
import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, Final

import sqlalchemy as sa

from headway.domain.errors import ConfigError
from headway.store.tables import PEOPLE, insert_many

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_NONCE_BYTES: Final = 12
_MOST_AT_ONCE: Final = 500


@dataclass(frozen=True, slots=True)
class Person:
    """Who a learner is.

    Attributes:
        name: as they want to be called.
        number: the institution's own number.
        email: where they read mail; empty where it is not known.
        phone: as it is dialled; empty where it is not known.
        zone: their time zone; empty for the course's.
    """

    name: str
    number: str = ""
    email: str = ""
    phone: str = ""
    zone: str = ""


def keep(connection: sa.Connection, people: Mapping[str, Person], key: bytes, at: datetime) -> None:
    """Keeps who some learners are, over what was known of them before.

    Args:
        connection: a writing transaction.
        people: by pseudonym.
        key: the workspace's secret.
        at: now.
    """
    names = list(people)
    for first in range(0, len(names), _MOST_AT_ONCE):
        connection.execute(sa.delete(PEOPLE).where(PEOPLE.c.learner.in_(names[first : first + _MOST_AT_ONCE])))
    cipher = _cipher(key)
    insert_many(connection, PEOPLE, (_sealed(cipher, name, person, at) for name, person in people.items()))


def who(connection: sa.Connection, learners: Sequence[str], key: bytes) -> dict[str, Person]:
    """Who these learners are, as far as it is known."""
    found: dict[str, Person] = {}
    for first in range(0, len(learners), _MOST_AT_ONCE):
        some = PEOPLE.c.learner.in_(learners[first : first + _MOST_AT_ONCE])
        found |= dict(_opened(connection, sa.select(PEOPLE.c.learner, PEOPLE.c.sealed).where(some), key))
    return found


def everyone(connection: sa.Connection, key: bytes) -> dict[str, Person]:
    """Everyone in the vault, by pseudonym."""
    return dict(_opened(connection, sa.select(PEOPLE.c.learner, PEOPLE.c.sealed), key))


def known(connection: sa.Connection) -> list[str]:
    """The pseudonyms of everyone in the vault; nothing is opened."""
    return list(connection.execute(sa.select(PEOPLE.c.learner)).scalars())


def state(connection: sa.Connection) -> tuple[int, datetime | None]:
    """How many people there are and when the newest came: another pair means that something changed."""
    row = connection.execute(sa.select(sa.func.count(), sa.func.max(PEOPLE.c.changed_at)).select_from(PEOPLE)).one()
    return int(row[0]), row[1]


def forget(connection: sa.Connection, learners: Iterable[str]) -> int:
    """How many were known and are forgotten now."""
    return sum(
        connection.execute(sa.delete(PEOPLE).where(PEOPLE.c.learner == learner)).rowcount for learner in learners
    )


def _opened(connection: sa.Connection, query: sa.Select[tuple[str, bytes]], key: bytes) -> Iterator[tuple[str, Person]]:
    from cryptography.exceptions import InvalidTag

    cipher = _cipher(key)
    for row in connection.execute(query).all():
        learner, sealed = row.learner, row.sealed
        try:
            plain = cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], learner.encode())
        except InvalidTag as wrong:
            raise ConfigError(
                "The names in the store were sealed with another secret. Restore the home's secrets folder."
            ) from wrong
        yield learner, Person(**json.loads(plain))


def _sealed(cipher: "AESGCM", learner: str, person: Person, at: datetime) -> dict[str, object]:
    nonce = secrets.token_bytes(_NONCE_BYTES)
    plain = json.dumps(asdict(person), ensure_ascii=False).encode()
    return {"learner": learner, "sealed": nonce + cipher.encrypt(nonce, plain, learner.encode()), "changed_at": at}


@cache
def _cipher(key: bytes) -> "AESGCM":
    """AES-256-GCM (NIST SP 800-38D); its key is HMAC-SHA-256 of a purpose, so that no two purposes share one."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    if not key:
        raise ConfigError("The workspace has no key. Make one with `headway init`.")
    return AESGCM(hmac.new(key, b"headway vault", hashlib.sha256).digest())
