"""Approvals: whoever asks never decides, a decision is made once, and both are audited or neither is kept."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from headway.domain.errors import Conflict, InputError, NotPermitted, UnknownName
from headway.governance import approvals, audit
from headway.governance.approvals import MODEL, Approval
from headway.store.database import Store
from headway.store.tables import APPROVALS, AUDIT

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
SCIENTIST, OFFICER = "account 1", "account 2"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = Store.open(f"sqlite:///{tmp_path / 'store.db'}")
    made.migrate()
    yield made
    made.close()


def _asked(store: Store, subject: str = "model/1", at: datetime = NOW) -> Approval:
    with store.begin() as connection:
        return approvals.ask(connection, at, SCIENTIST, MODEL, subject, " Checked on two runs. ")


def _audited(store: Store) -> list[tuple[str, str, str]]:
    with store.read() as connection:
        rows = connection.execute(sa.select(AUDIT.c.actor, AUDIT.c.action, AUDIT.c.subject).order_by(AUDIT.c.id)).all()
    return [(row.actor, row.action, row.subject) for row in rows]


def test_what_is_asked_waits_with_its_reason_and_is_audited(store: Store) -> None:
    asked = _asked(store)
    with store.read() as connection:
        assert approvals.waiting(connection) == [asked]
        assert approvals.waiting(connection, "proposal") == []
        assert approvals.of_subject(connection, MODEL, "model/1") == [asked]
    assert (asked.status, asked.reason, asked.decided_by) == ("waiting", "Checked on two runs.", None)
    assert _audited(store) == [(SCIENTIST, "ask for approval", "model/1")]


def test_whoever_asked_cannot_decide(store: Store) -> None:
    asked = _asked(store)
    with pytest.raises(NotPermitted), store.begin() as connection:
        approvals.decide(connection, NOW, SCIENTIST, asked.id, approve=True, reason="Fine.")
    with store.read() as connection:
        assert approvals.get(connection, asked.id).status == "waiting"
    assert [action for _, action, _ in _audited(store)] == ["ask for approval"]


@pytest.mark.parametrize(
    ("approve", "status", "action"), [(True, "approved", "approve"), (False, "refused", "refuse approval")]
)
def test_a_decision_is_kept_with_its_reason(store: Store, approve: bool, status: str, action: str) -> None:
    asked = _asked(store)
    later = NOW + timedelta(hours=1)
    with store.begin() as connection:
        decided = approvals.decide(connection, later, OFFICER, asked.id, approve=approve, reason="Read the card.")
    assert (decided.status, decided.decided_by, decided.decided_at) == (status, OFFICER, later)
    assert decided.decision_reason == "Read the card."
    assert _audited(store)[-1] == (OFFICER, action, "model/1")
    with store.read() as connection:
        assert approvals.waiting(connection) == []
        assert approvals.decided(connection) == [decided]
        assert audit.verify(connection) is None


def test_a_decision_is_made_once(store: Store) -> None:
    asked = _asked(store)
    with store.begin() as connection:
        approvals.decide(connection, NOW, OFFICER, asked.id, approve=False, reason="Too few runs.")
    with pytest.raises(Conflict), store.begin() as connection:
        approvals.decide(connection, NOW, "account 3", asked.id, approve=True, reason="Enough runs.")
    with store.read() as connection:
        assert approvals.get(connection, asked.id).decision_reason == "Too few runs."


def test_the_same_waits_only_once_and_may_be_asked_again_after_a_decision(store: Store) -> None:
    asked = _asked(store)
    with pytest.raises(Conflict):
        _asked(store)
    with store.begin() as connection:
        approvals.decide(connection, NOW, OFFICER, asked.id, approve=False, reason="Not yet.")
    again = _asked(store, at=NOW + timedelta(days=1))
    with store.read() as connection:
        assert [each.id for each in approvals.of_subject(connection, MODEL, "model/1")] == [again.id, asked.id]
        assert approvals.newest_of_kind(connection, MODEL) == {"model/1": again}


@pytest.mark.parametrize("reason", ["", "   ", "x" * (approvals.MOST_REASON + 1)])
def test_a_reason_is_needed_to_ask_and_to_decide(store: Store, reason: str) -> None:
    with pytest.raises(InputError), store.begin() as connection:
        approvals.ask(connection, NOW, SCIENTIST, MODEL, "model/1", reason)
    asked = _asked(store)
    with pytest.raises(InputError), store.begin() as connection:
        approvals.decide(connection, NOW, OFFICER, asked.id, approve=True, reason=reason)
    with store.read() as connection:
        assert approvals.waiting(connection) == [asked]


def test_nothing_is_kept_where_the_transaction_fails(store: Store) -> None:
    def ask_and_fail() -> None:
        with store.begin() as connection:
            approvals.ask(connection, NOW, SCIENTIST, MODEL, "model/1", "Checked.")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        ask_and_fail()
    with store.read() as connection:
        assert connection.execute(sa.select(sa.func.count()).select_from(APPROVALS)).scalar_one() == 0
    assert _audited(store) == []


def test_what_waits_longest_comes_first_and_decisions_are_counted_since_a_day(store: Store) -> None:
    first, second = _asked(store, "model/1"), _asked(store, "model/2", NOW + timedelta(days=1))
    with store.read() as connection:
        assert [each.id for each in approvals.waiting(connection)] == [first.id, second.id]
    for each, at in ((first, NOW + timedelta(days=2)), (second, NOW + timedelta(days=4))):
        with store.begin() as connection:
            approvals.decide(connection, at, OFFICER, each.id, approve=True, reason="Read.")
    with store.read() as connection:
        assert approvals.decided_count(connection, NOW) == 2
        assert approvals.decided_count(connection, NOW + timedelta(days=3)) == 1
        assert [each.id for each in approvals.decided(connection, most=1)] == [second.id]


def test_an_unknown_id_is_said_so(store: Store) -> None:
    with pytest.raises(UnknownName), store.begin() as connection:
        approvals.decide(connection, NOW, OFFICER, "none", approve=True, reason="Read.")
