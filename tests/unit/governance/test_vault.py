"""The vault: names are sealed on disk, open only with the home's own key, and bound to their learner."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa

from headway.domain.errors import ConfigError
from headway.governance import vault
from headway.governance.vault import Person
from headway.store.database import Store
from headway.store.tables import PEOPLE

NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)
KEY, OTHER = b"k" * 32, b"o" * 32
ANN = Person("Åsa Özdemir", "100200", "asa@example.org", "+44 20 7946 0001", "Europe/London")
BEN = Person("Ben Chen")


@pytest.fixture
def store(tmp_path: Path) -> Store:
    opened = Store.open(f"sqlite:///{tmp_path / 'headway.db'}")
    opened.migrate()
    with opened.begin() as connection:
        vault.keep(connection, {"x/1": ANN, "x/2": BEN}, KEY, NOW)
    return opened


def test_what_goes_in_comes_out(store: Store) -> None:
    with store.begin() as connection:
        assert vault.everyone(connection, KEY) == {"x/1": ANN, "x/2": BEN}
        assert vault.who(connection, ["x/1", "x/9"], KEY) == {"x/1": ANN}
        assert sorted(vault.known(connection)) == ["x/1", "x/2"]
        vault.keep(connection, {"x/1": BEN}, KEY, NOW)
        assert vault.who(connection, ["x/1"], KEY) == {"x/1": BEN}
        assert vault.forget(connection, ["x/1", "x/9"]) == 1
        assert vault.state(connection)[0] == 1


def test_nothing_of_it_can_be_read_on_disk(store: Store, tmp_path: Path) -> None:
    store.close()
    on_disk = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    for word in ("Özdemir", "100200", "asa@example.org", "7946", "London", "Chen"):
        assert word.encode() not in on_disk


def test_another_key_opens_nothing(store: Store) -> None:
    with store.read() as connection, pytest.raises(ConfigError, match="another secret"):
        vault.everyone(connection, OTHER)
    with store.read() as connection, pytest.raises(ConfigError, match="no key"):
        vault.everyone(connection, b"")


def test_a_name_cannot_be_put_beside_another_learner(store: Store) -> None:
    with store.begin() as connection:
        sealed = connection.execute(sa.select(PEOPLE.c.sealed).where(PEOPLE.c.learner == "x/1")).scalar_one()
        connection.execute(sa.update(PEOPLE).where(PEOPLE.c.learner == "x/2").values(sealed=sealed))
        with pytest.raises(ConfigError):
            vault.everyone(connection, KEY)


def test_the_same_name_is_never_sealed_alike(store: Store) -> None:
    with store.begin() as connection:
        first = connection.execute(sa.select(PEOPLE.c.sealed).where(PEOPLE.c.learner == "x/1")).scalar_one()
        vault.keep(connection, {"x/1": ANN}, KEY, NOW)
        again = connection.execute(sa.select(PEOPLE.c.sealed).where(PEOPLE.c.learner == "x/1")).scalar_one()
    assert first != again
