"""What every registered feature promises, whoever wrote it."""

import re
import string
from functools import cache

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from headway.explanation.sentences import absence, sentence
from headway.features.as_of import FeatureTable, compute, moments_on_days
from headway.features.definition import FEATURES, RELATIONS, Feature
from headway.features.relations import RELATIONS as MADE
from headway.features.relations.learner import FACTS
from headway.features.views import STANDARD, needed, view_of
from tests.support.histories import ANCHORS, Habits, world
from tests.support.memory import Memory
from tests.support.simulation import runs_of, simulated

DAYS = (-3, 0, 7, 30, 70)


@cache
def records() -> dict[str, pa.Table]:
    """A simulated course, of whose pages one is made its home page, since the simulator has none."""
    tables = simulated(learners="60", runs="2")
    rows = tables["activities"].to_pylist()
    home = min(row["activity"] for row in rows if row["type"] == "page")
    rows = [row | {"type": "homepage"} if row["activity"] == home else row for row in rows]
    return {**tables, "activities": pa.Table.from_pylist(rows, schema=tables["activities"].schema)}


def table_of(tables: dict[str, pa.Table]) -> FeatureTable:
    with Memory(tables) as held:
        return compute(view_of(STANDARD), held, moments_on_days(held, runs_of(tables), DAYS))


@cache
def computed() -> FeatureTable:
    return table_of(records())


@cache
def seen() -> pa.Table:
    """The simulated course, and random histories that hold what the simulator does not make."""
    made = world(ANCHORS[1], Habits(late=0.2, leaves=0.1, returns=0.1, moved=0.3, unmarked=0.1, no_outcome=0.1), 30, 5)
    with Memory(made.tables) as held:
        return pa.concat_tables([computed().table, compute(view_of(STANDARD), held, made.moments).table])


@pytest.fixture(params=FEATURES.names())
def feature(request: pytest.FixtureRequest) -> Feature:
    return FEATURES.get(str(request.param))


def test_there_are_enough_of_them() -> None:
    assert len(FEATURES.names()) >= 90
    assert {feature.domain for feature in FEATURES} == {
        "visits", "materials", "hand-ins", "results", "forum", "timing",
    }  # fmt: skip


def test_its_name_says_quantity_scope_and_window(feature: Feature) -> None:
    assert re.fullmatch(r"[a-z][a-z0-9_]*", feature.name)
    if named := re.search(r"_(\d+)d(_|$)", feature.name):
        # A change over n days looks at the n days before them as well.
        twice = 2 if "_change_" in feature.name else 1
        assert feature.window in {int(named[1]) * twice, None}


def test_it_says_what_it_is(feature: Feature) -> None:
    assert feature.summary
    assert feature.summary.endswith((".", ")."))
    assert feature.summary[0].isupper()
    assert feature.unit
    low, high = feature.bounds
    assert low is None or high is None or low < high


def test_it_reads_what_there_is(feature: Feature) -> None:
    if feature.stage == "known":
        assert feature.reads[0] in RELATIONS
    else:
        assert set(feature.reads) <= set(FEATURES.names())
    assert set(RELATIONS) == set(MADE)


def test_its_sentence_has_valid_places_and_reads_well(feature: Feature) -> None:
    places = {name for _, name, _, _ in string.Formatter().parse(feature.sentence) if name is not None}
    assert "value" in places
    assert places <= {"value", "median"}
    present = seen()[feature.name].drop_null().to_numpy()
    for value in {float(present.min()), float(np.median(present)), float(present.max()), 1.0}:
        for median in (float(np.median(present)), None):
            told = sentence(feature, value, median)
            assert told
            assert not re.search(r"[{}]|nan|None|\d{9}| log |\.\d{3}", told), told
            assert told[0] == told[0].upper()
    assert absence(feature)


def test_it_is_finite_and_within_its_bounds(feature: Feature) -> None:
    low, high = feature.bounds
    values = seen()[feature.name].drop_null().to_numpy()
    assert len(values)
    assert np.isfinite(values).all()
    assert low is None or values.min() >= low
    assert high is None or values.max() <= high


def test_it_varies_between_learners_or_days(feature: Feature) -> None:
    assert pc.count_distinct(seen()[feature.name]).as_py() > 1


def test_it_is_absent_only_where_it_says_so(feature: Feature) -> None:
    """With a documented value it is never absent; without activity or assessments it takes just that value."""
    column = computed().table[feature.name]
    if feature.absent is not None:
        assert column.null_count == 0
    bare = bare_table().table[feature.name]
    if feature.stage == "known" and feature.reads[0] not in ("facts", "others"):
        assert set(bare.to_pylist()) == {feature.absent}


@cache
def bare_table() -> FeatureTable:
    """The features of learners of whom nothing is known but that they enrolled."""
    return table_of({kind: records()[kind] for kind in ("course_runs", "enrolments")})


def test_no_feature_reads_a_sensitive_attribute() -> None:
    """Neither does a sensitive attribute count under any name, nor is one read that has a feature's name."""
    tables = records()
    facts = tables["attributes"]
    assert pc.any(facts["sensitive"]).as_py()
    rows = facts.to_pylist()
    changed = [row | {"value": "7"} if row["sensitive"] else row for row in rows]
    for name in FACTS:
        # Known later than the plain one, so that it would win if it were read.
        changed += [
            row | {"id": row["id"][::-1], "name": name, "value": "9", "sensitive": True}
            for row in rows
            if row["sensitive"]
        ]
    other = {**tables, "attributes": pa.Table.from_pylist(changed, schema=facts.schema)}
    assert table_of(other).table.equals(computed().table)


def test_plain_attributes_do_count() -> None:
    tables = records()
    facts = tables["attributes"]
    without = {**tables, "attributes": facts.filter(facts["sensitive"])}
    bare = table_of(without).table
    changed = {name for name in view_of(STANDARD).features if not bare[name].equals(computed().table[name])}
    assert changed == {d.name for d in FEATURES if any(part.name in FACTS for part in needed((d.name,)))}
