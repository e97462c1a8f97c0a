"""Accounts: who tries passwords waits, sessions end when they should, and nothing secret can be read back."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from headway.domain.errors import Busy, Conflict, InputError, NotAuthenticated, UnknownName
from headway.governance import accounts, audit
from headway.governance.accounts import FAILURES, IDLE, LONGEST, SEEN_EVERY, WAIT_S, Account
from headway.governance.scopes import Grant
from headway.store.database import Store
from headway.store.tables import ACCOUNTS, SESSIONS

NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)
GOOD, WRONG = "correct horse battery", "correct horse batterz"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store.open(f"sqlite:///{tmp_path / 'headway.db'}")
    opened.migrate()
    yield opened
    opened.close()


@pytest.fixture(autouse=True)
def cheap_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Argon2 that costs nothing: how much it costs is the library's promise, how often it is asked is ours."""
    from argon2 import PasswordHasher

    cheap = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    monkeypatch.setattr(accounts, "_hasher", lambda: cheap)
    accounts._nobody.cache_clear()


def made(store: Store, name: str = "Ann", grants: tuple[Grant, ...] = (Grant("adviser"),)) -> Account:
    with store.begin() as connection:
        return accounts.create(connection, NOW, "test", name, grants, password=GOOD)


def tried(store: Store, password: str, at: datetime = NOW, name: str = "ann") -> Account | None:
    with store.begin() as connection:
        return accounts.check_password(connection, at, name, password)


def waits(store: Store, at: datetime) -> int:
    """For how many seconds the account waits; 0 where it does not."""
    try:
        tried(store, WRONG, at)
    except Busy as busy:
        return busy.retry_after_s
    return 0


def test_a_name_is_taken_once_and_typed_as_one_likes(store: Store) -> None:
    account = made(store, "  Ann ")
    assert (account.name, account.shown_as, account.roles) == ("ann", "Ann", ("adviser",))
    with pytest.raises(Conflict, match="'ann'"):
        made(store, "ANN")
    found = tried(store, GOOD, name="ANN ")
    assert found is not None
    assert found.id == account.id


@pytest.mark.parametrize("password", ["short", "x" * 11, "x" * 1001])
def test_passwords_have_a_length_that_is_worth_it(store: Store, password: str) -> None:
    with store.begin() as connection, pytest.raises(InputError, match="12 to 1000"):
        accounts.create(connection, NOW, "test", "ann", [Grant("adviser")], password=password)


def test_whoever_tries_passwords_waits_twice_as_long_each_time(store: Store) -> None:
    made(store)
    at, seen = NOW, []
    for _ in range(8):
        for _ in range(FAILURES):
            assert tried(store, WRONG, at) is None
        with pytest.raises(Busy) as busy:
            tried(store, GOOD, at)
        seen.append(busy.value.retry_after_s - 1)
        at += timedelta(seconds=seen[-1])
    assert seen == [WAIT_S, 120, 240, 480, 960, 1920, 3600, 3600]
    assert tried(store, GOOD, at) is not None, "the wait is over"
    assert tried(store, WRONG, at) is None
    assert tried(store, GOOD, at) is not None, "the count began anew"
    locked = [entry for entry in _audited(store) if entry["action"] == "lock account"]
    assert [entry["detail"]["wait_s"] for entry in locked] == seen


def test_a_new_password_ends_the_wait_and_the_sessions(store: Store) -> None:
    account = made(store)
    with store.begin() as connection:
        token = accounts.start(connection, NOW, account)
    for _ in range(FAILURES):
        tried(store, WRONG)
    with store.begin() as connection:
        accounts.set_password(connection, NOW, "test", account.id, "another good password")
        assert accounts.session(connection, NOW, token) is None
    assert tried(store, "another good password") is not None
    assert tried(store, GOOD) is None


def test_an_unknown_name_takes_as_long_as_a_wrong_password(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    made(store)
    with store.begin() as connection:
        accounts.create(connection, NOW, "test", "vouched", [Grant("adviser")], subject="s" * 64)
        gone = accounts.create(connection, NOW, "test", "gone", [Grant("adviser")], password=GOOD)
        accounts.disable(connection, NOW, "test", gone.id)
    tried(store, WRONG, name="nobody")  # makes the hash that no password fits
    asked: list[str] = []
    hasher = accounts._hasher()

    class Counting:
        def verify(self, kept: str, password: str) -> bool:
            asked.append(kept)
            return hasher.verify(kept, password)

        def check_needs_rehash(self, kept: str) -> bool:
            return hasher.check_needs_rehash(kept)

    monkeypatch.setattr(accounts, "_hasher", Counting)
    for name in ("ann", "nobody", "vouched", "gone"):
        before = len(asked)
        assert tried(store, WRONG, name=name) is None
        assert len(asked) - before == 1, name
        assert asked[-1].split("$")[1:4] == asked[0].split("$")[1:4], "each costs the same"
    assert tried(store, GOOD, name="gone") is None


def test_a_session_ends_when_it_is_left_alone_and_after_a_week(store: Store) -> None:
    account = made(store)
    with store.begin() as connection:
        token = accounts.start(connection, NOW, account)
        assert accounts.session(connection, NOW, token + "x") is None
        assert accounts.session(connection, NOW + IDLE - timedelta(seconds=1), token) is not None
        assert accounts.session(connection, NOW + IDLE, token) is None
        at = NOW
        while at < NOW + LONGEST:
            assert accounts.session(connection, at, token) is not None
            accounts.seen(connection, at, token)
            at += IDLE / 2
        assert accounts.session(connection, at, token) is None, "however often it is used"


def test_use_is_written_down_now_and_then(store: Store) -> None:
    with store.begin() as connection:
        token = accounts.start(connection, NOW, made_in(connection))
        for after, wanted in ((timedelta(0), False), (SEEN_EVERY - timedelta(seconds=1), False), (SEEN_EVERY, True)):
            found = accounts.session(connection, NOW + after, token)
            assert found is not None
            assert found[1] is wanted


def test_another_role_is_another_token_and_no_longer_session(store: Store) -> None:
    both = made(store, grants=(Grant("tutor", "*", "G1"), Grant("adviser")))
    later = NOW + timedelta(hours=3)
    with store.begin() as connection:
        token = accounts.start(connection, NOW, both)
        other = accounts.switch(connection, later, token, "tutor")
        assert accounts.session(connection, later, token) is None
        found = accounts.session(connection, later, other)
        assert found is not None
        assert found[0].role == "tutor"
        ends = connection.execute(sa.select(SESSIONS.c.expires_at)).scalar_one()
        assert ends == NOW + LONGEST
    with store.begin() as connection, pytest.raises(NotAuthenticated):
        accounts.switch(connection, later, other, "governance")
    with store.read() as connection:
        assert accounts.session(connection, later, other) is not None, "a role refused ends nothing"


@pytest.mark.parametrize("act", ["disable", "grants", "end"])
def test_sessions_end_with_what_they_rest_on(store: Store, act: str) -> None:
    account = made(store)
    with store.begin() as connection:
        token = accounts.start(connection, NOW, account)
        if act == "disable":
            accounts.disable(connection, NOW, "test", account.id)
        elif act == "grants":
            accounts.set_grants(connection, NOW, "test", account.id, [Grant("governance")])
        else:
            assert accounts.end_all(connection, account.id) == 1
        assert accounts.session(connection, NOW, token) is None
    if act == "disable":
        assert tried(store, GOOD) is None
        with store.begin() as connection:
            with pytest.raises(NotAuthenticated):
                accounts.start(connection, NOW, accounts.get(connection, account.id))
            accounts.enable(connection, NOW, "test", account.id)
        assert tried(store, GOOD) is not None


def test_neither_password_nor_token_is_kept_or_audited(store: Store, tmp_path: Path) -> None:
    account = made(store)
    with store.begin() as connection:
        token = accounts.start(connection, NOW, account)
        kept = connection.execute(sa.select(ACCOUNTS.c.password_hash)).scalar_one()
    assert kept.startswith("$argon2id$")
    on_disk = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    assert GOOD.encode() not in on_disk
    assert token.encode() not in on_disk
    assert [entry["action"] for entry in _audited(store)] == ["create account", "sign in"]


def test_the_audit_keeps_what_was_granted_but_not_about_whom(store: Store) -> None:
    made(store, grants=(Grant("learner", "x/*", learner="x/secret"), Grant("tutor", "x/*", "G1")))
    (entry,) = _audited(store)
    assert entry["detail"] == {"grants": ["learner x/*", "tutor x/* G1"]}


def test_a_learner_takes_their_account_along_and_nobody_elses(store: Store) -> None:
    made(store, "own", (Grant("learner", learner="x/1"),))
    made(store, "both", (Grant("learner", learner="x/1"), Grant("adviser")))
    made(store, "other", (Grant("learner", learner="x/2"),))
    with store.begin() as connection:
        tokens = {each.name: accounts.start(connection, NOW, each) for each in accounts.every(connection)}
        assert accounts.forget_learner(connection, "x/1") == 3
        assert [each.name for each in accounts.every(connection)] == ["both", "other"]
        assert accounts.named(connection, "both").roles == ("adviser",)
        alive = [name for name, token in tokens.items() if accounts.session(connection, NOW, token)]
        assert alive == ["other"]
        with pytest.raises(UnknownName):
            accounts.named(connection, "own")


def made_in(connection: sa.Connection) -> Account:
    return accounts.create(connection, NOW, "test", "ann", [Grant("adviser")], password=GOOD)


def _audited(store: Store) -> list[dict[str, Any]]:
    from headway.store.tables import AUDIT

    with store.read() as connection:
        assert audit.verify(connection) is None
        return [dict(row) for row in connection.execute(sa.select(AUDIT).order_by(AUDIT.c.id)).mappings()]
