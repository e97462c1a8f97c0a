"""A value that peeks into records of later days is proven to, on a course's own data, by name."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from headway import flow
from headway.features.as_of import FeatureTable, compute
from headway.flow import App, checks
from headway.flow.checks import leakage_report
from tests.support.made import CLOCK, FIRST

PEEKS = "active_days_14d"


@pytest.fixture(scope="module")
def app(made_home: Path) -> Iterator[App]:
    with flow.open_app(made_home, clock=CLOCK) as opened:
        yield opened


def test_an_honest_view_is_clean_and_both_planted_leaks_are_seen(app: App) -> None:
    [found] = leakage_report(app, [FIRST], [28])
    assert found["clean"] is True
    assert found["planted_seen"] == {"column": True, "records": True}
    future, chance = found["future"], found["shuffled"]
    assert isinstance(future, dict)
    assert isinstance(chance, dict)
    assert future["differing"] == {}
    assert future["compared"]
    assert chance["honest"] is True


def test_a_feature_that_counts_later_records_is_named(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    def peeking(view: Any, records: Any, moments: Any) -> FeatureTable:
        table = compute(view, records, moments)
        statements = records.table("statements")
        counted = records.collect(statements.group_by("learner").agg(n=statements.count()))
        seen = dict(zip(counted["learner"].to_pylist(), counted["n"].to_pylist(), strict=True))
        later = pa.array([float(seen.get(who, 0)) for who in table.table["learner"].to_pylist()])
        place = table.table.column_names.index(PEEKS)
        return FeatureTable(table.view, table.table.set_column(place, PEEKS, later))

    monkeypatch.setattr(checks, "compute", peeking)
    [found] = leakage_report(app, [FIRST], [28])
    assert found["clean"] is False
    assert isinstance(found["future"], dict)
    assert isinstance(found["future"]["differing"], dict)
    assert list(found["future"]["differing"]) == [PEEKS]
