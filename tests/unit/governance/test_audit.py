import math
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from headway.domain.errors import AuditBroken, InputError, UnknownName
from headway.governance.audit import GENESIS, accept, head, record, stop, verify
from headway.store.database import Store
from headway.store.tables import AUDIT

AT = datetime(2014, 10, 14, 23, 0, tzinfo=UTC)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = Store.open(f"sqlite:///{tmp_path}/headway.db")
    made.migrate()
    yield made
    made.close()


def write(store: Store, entries: int) -> None:
    with store.begin() as connection:
        for number in range(entries):
            record(connection, AT + timedelta(seconds=number), "ann", "score", f"s/c/{number}", {"n": number})


def first_broken(store: Store) -> int | None:
    with store.read() as connection:
        return verify(connection)


def test_an_untouched_chain_holds(store: Store) -> None:
    assert first_broken(store) is None
    write(store, 5)
    write(store, 5)
    assert first_broken(store) is None
    with store.read() as connection:
        ids = connection.execute(sa.select(AUDIT.c.id).order_by(AUDIT.c.id)).scalars().all()
        newest, value = head(connection)
    assert list(ids) == list(range(1, 11))
    assert newest == 10
    assert value != GENESIS


@pytest.mark.parametrize(
    "change",
    [
        {"actor": "bob"},
        {"at": AT},
        {"action": "erase"},
        {"subject": "s/c/9"},
        {"detail": {"n": 30}},
        {"hash": "f" * 64},
        {"prev_hash": "f" * 64},
    ],
)
def test_a_changed_entry_is_named(store: Store, change: dict[str, Any]) -> None:
    write(store, 5)
    with store.begin() as connection:
        connection.execute(sa.update(AUDIT).where(AUDIT.c.id == 3).values(**change))
    assert first_broken(store) == 3


def test_a_removed_entry_is_noticed_at_the_next(store: Store) -> None:
    write(store, 5)
    with store.begin() as connection:
        connection.execute(sa.delete(AUDIT).where(AUDIT.c.id == 3))
    assert first_broken(store) == 4


def test_two_entries_that_change_places_are_noticed(store: Store) -> None:
    write(store, 5)
    with store.begin() as connection:
        for old, new in ((2, 99), (3, 2), (99, 3)):
            connection.execute(sa.update(AUDIT).where(AUDIT.c.id == old).values(id=new))
    assert first_broken(store) == 2


def test_a_cut_off_tail_shows_against_a_noted_head(store: Store) -> None:
    write(store, 5)
    with store.read() as connection:
        noted = head(connection)
    with store.begin() as connection:
        connection.execute(sa.delete(AUDIT).where(AUDIT.c.id == 5))
    with store.read() as connection:
        assert verify(connection) is None
        assert head(connection) != noted


def breaks(store: Store, entry: int, **change: Any) -> None:
    """The entry is changed behind the chain's back, and the break found."""
    with store.begin() as connection:
        connection.execute(sa.update(AUDIT).where(AUDIT.c.id == entry).values(**change))
    found = first_broken(store)
    assert found == entry
    with store.begin() as connection:
        stop(connection, AT, found)
        stop(connection, AT, found)


def test_a_break_that_was_found_stops_writing_until_it_is_accepted_by_name(store: Store) -> None:
    write(store, 5)
    breaks(store, 3, actor="bob")
    with pytest.raises(AuditBroken, match="broken at entry 3"):
        write(store, 1)
    with store.begin() as connection:
        record(connection, AT, "account gil", "sign in", "gil", {}, although_broken=True)
    for entry, reason, wrong in ((3, " ", InputError), (4, "Restored.", UnknownName)):
        with pytest.raises(wrong), store.begin() as connection:
            accept(connection, AT, "account gil", entry, reason)
    with pytest.raises(AuditBroken):
        write(store, 1)
    with store.begin() as connection:
        accept(connection, AT, "account gil", 3, "Restored.")
        told = connection.execute(sa.select(AUDIT).order_by(AUDIT.c.id.desc()).limit(1)).one()
    assert (told.actor, told.action, told.subject, told.detail) == (
        "account gil",
        "accept break",
        "audit 3",
        {"reason": "Restored."},
    )
    write(store, 1)
    assert first_broken(store) is None


@pytest.mark.parametrize("entry", [3, 5])
def test_an_accepted_entry_that_changes_once_more_breaks_the_chain_again(store: Store, entry: int) -> None:
    write(store, 6)
    breaks(store, 3, actor="bob")
    with store.begin() as connection:
        accept(connection, AT, "account gil", 3, "Restored.")
    breaks(store, entry, actor="eve")
    with pytest.raises(AuditBroken, match=f"broken at entry {entry}"):
        write(store, 1)


def test_an_accepted_gap_lets_the_chain_go_on_behind_it(store: Store) -> None:
    write(store, 5)
    with store.begin() as connection:
        connection.execute(sa.delete(AUDIT).where(AUDIT.c.id == 3))
        stop(connection, AT, 4)
        accept(connection, AT, "account gil", 4, "Lost with the disk.")
    write(store, 2)
    assert first_broken(store) is None


def test_an_act_that_fails_leaves_no_entry(store: Store) -> None:
    write(store, 1)

    def act() -> None:
        with store.begin() as connection:
            record(connection, AT, "ann", "score", "s/c/1", {})
            raise RuntimeError

    with pytest.raises(RuntimeError):
        act()
    write(store, 1)
    with store.read() as connection:
        assert head(connection)[0] == 2
    assert first_broken(store) is None


def test_writers_at_once_make_one_chain(store: Store) -> None:
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda _: write(store, 3), range(12)))
    with store.read() as connection:
        assert head(connection)[0] == 36
        assert verify(connection) is None


@pytest.mark.parametrize("detail", [{"x": math.nan}, {"x": math.inf}, {"x": object()}, {"x": AT}])
def test_detail_must_be_json(store: Store, detail: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="must be JSON"), store.begin() as connection:
        record(connection, AT, "ann", "score", "x", detail)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
@given(detail=st.dictionaries(st.text(), json_values, max_size=4), actor=st.text(max_size=20))
def test_whatever_json_is_recorded_verifies(store: Store, detail: dict[str, Any], actor: str) -> None:
    with store.begin() as connection:
        number = record(connection, AT, actor, "score", "x", detail)
        kept = connection.execute(sa.select(AUDIT.c.detail).where(AUDIT.c.id == number)).scalar_one()
        assert kept == detail
        assert verify(connection) is None
