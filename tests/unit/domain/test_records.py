"""Record kinds and their deterministic ids."""

from uuid import UUID

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headway.domain.errors import UnknownName
from headway.domain.records import ID_NAMESPACE, KINDS, kind_of, record_id
from headway.sources.columns import id_sql

NATIVE = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=40)


@pytest.mark.parametrize("kind", KINDS.values(), ids=lambda kind: kind.name)
def test_every_kind_says_when_it_happened_and_when_it_was_known(kind: object) -> None:
    found = kind_of(str(getattr(kind, "name")))  # noqa: B009 - pytest hands it over as an object

    assert {"id", "source", "run", "occurred_at", "recorded_at"} <= found.required
    assert found.learner_scoped == ("learner" in found.schema.names)
    assert found.required <= set(found.schema.names)


def test_an_unknown_kind_is_answered_with_near_ones() -> None:
    with pytest.raises(UnknownName, match="statements"):
        kind_of("statement")


def test_ids_are_uuid5_and_differ_by_source_and_kind() -> None:
    ids = {record_id(source, kind, "1") for source in ("a", "b") for kind in ("results", "outcomes")}

    assert len(ids) == 4
    assert {UUID(bytes=found).version for found in ids} == {5}
    assert ID_NAMESPACE.bytes not in ids


@given(st.lists(NATIVE, min_size=1, max_size=20))
def test_a_column_of_ids_has_the_same_bytes(native: list[str]) -> None:
    with duckdb.connect() as con:
        query = f"SELECT {id_sql('oulad', 'statements', 'native')} FROM (SELECT unnest(?) AS native)"
        found = [row[0] for row in con.execute(query, [native]).fetchall()]

    assert found == [record_id("oulad", "statements", each) for each in native]
