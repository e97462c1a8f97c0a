"""Pseudonyms: one value in Python and in SQL, none without a key."""

import hashlib
import hmac

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headway.domain.errors import ConfigError
from headway.governance.pseudonyms import HEX_DIGITS, hmac_sql, pseudonym

CONNECTION = duckdb.connect()


def in_sql(native: str, key: bytes) -> str:
    row = CONNECTION.execute(f"SELECT {hmac_sql('$1', key)}", [native]).fetchone()
    assert row is not None
    return str(row[0])


@given(st.text(st.characters(exclude_categories=["Cs"])), st.binary(min_size=1, max_size=200))
def test_sql_and_python_agree_for_keys_shorter_and_longer_than_a_block(native: str, key: bytes) -> None:
    assert in_sql(native, key) == pseudonym(native, key)


def test_it_is_the_start_of_hmac_sha_256() -> None:
    # RFC 4231, test case 2.
    assert pseudonym("what do ya want for nothing?", b"Jefe") == "5bdcc146bf60754e6a04"
    expected = hmac.new(b"k" * 65, b"s1", hashlib.sha256).hexdigest()[:HEX_DIGITS]
    assert pseudonym("s1", b"k" * 65) == expected


def test_another_key_gives_another_pseudonym() -> None:
    assert pseudonym("s1", b"a") != pseudonym("s1", b"b")


@pytest.mark.parametrize("make", [pseudonym, hmac_sql])
def test_without_a_key_there_is_none(make: object) -> None:
    assert callable(make)
    with pytest.raises(ConfigError, match="headway init"):
        make("s1", b"")
