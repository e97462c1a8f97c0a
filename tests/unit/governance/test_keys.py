"""API keys: only who has the secret is known, for what the key allows, until it is revoked."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from headway.domain.errors import InputError, NotAuthenticated, NotPermitted, UnknownName
from headway.governance import audit, keys
from headway.store.database import Store
from headway.store.tables import API_KEYS, AUDIT

AT = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[sa.Connection]:
    store = Store.open(f"sqlite:///{tmp_path / 'headway.db'}")
    store.migrate()
    with store.begin() as opened:
        yield opened
    store.close()


def test_the_secret_opens_what_the_key_allows_and_nothing_else(connection: sa.Connection) -> None:
    made, secret = keys.create(connection, AT, "ann", ["statements/write", "score", "score"], "moodle")
    found = keys.verify(connection, secret)
    assert found == made == keys.verify(connection, secret, made.id)
    assert found.scopes == ("statements/write", "score")
    found.needs("score")
    with pytest.raises(NotPermitted, match="learners/read"):
        found.needs("learners/read")
    admin, _ = keys.create(connection, AT, "ann", ["admin"])
    admin.needs("learners/read")


def test_nobody_else_is_let_in_and_all_hear_the_same(connection: sa.Connection) -> None:
    made, secret = keys.create(connection, AT, "ann", ["score"])
    other, _ = keys.create(connection, AT, "ann", ["score"])
    gone, gone_secret = keys.create(connection, AT, "ann", ["score"])
    revoked = keys.revoke(connection, AT + timedelta(days=1), "bob", gone.id)
    assert revoked.revoked_at == AT + timedelta(days=1)
    assert keys.revoke(connection, AT + timedelta(days=2), "bob", gone.id) == revoked
    said = set()
    for wrong, claimed in ((secret, other.id), (secret + "x", made.id), ("", None), (gone_secret, gone.id)):
        with pytest.raises(NotAuthenticated) as refused:
            keys.verify(connection, wrong, claimed)
        said.add(str(refused.value))
    assert len(said) == 1


def test_the_secret_is_kept_nowhere_and_each_act_is_audited(connection: sa.Connection) -> None:
    made, secret = keys.create(connection, AT, "ann", ["score"], "cron")
    keys.revoke(connection, AT, "bob", made.id)
    held = str(connection.execute(sa.select(API_KEYS)).all()) + str(connection.execute(sa.select(AUDIT)).all())
    assert secret not in held
    assert secret.removeprefix("hs_") not in held
    acts = connection.execute(sa.select(AUDIT.c.actor, AUDIT.c.action, AUDIT.c.subject)).all()
    assert [tuple(act) for act in acts] == [("ann", "create key", made.id), ("bob", "revoke key", made.id)]
    assert audit.verify(connection) is None
    assert [key.id for key in keys.every(connection)] == [made.id]


def test_unknown_names_are_refused(connection: sa.Connection) -> None:
    with pytest.raises(UnknownName, match="'score'"):
        keys.create(connection, AT, "ann", ["scores"])
    with pytest.raises(InputError, match="at least one scope"):
        keys.create(connection, AT, "ann", [])
    with pytest.raises(UnknownName, match="hk_none"):
        keys.revoke(connection, AT, "ann", "hk_none")
