"""What every label promises."""

from collections.abc import Iterator

import numpy as np
import pytest

from headway.features.as_of import FeatureTable, TrainingSet, compute, labelled, moments_on_days
from headway.features.labels import LABELS, Label, label, passes_assessment
from headway.features.views import view_with
from tests.support.memory import Memory
from tests.support.simulation import runs_of, simulated

ALL = (*LABELS.values(), passes_assessment(14))
VIEW = view_with("labels", ("active_days_total",))


@pytest.fixture(params=ALL, ids=lambda one: str(one.name))
def target(request: pytest.FixtureRequest) -> Label:
    found: Label = request.param
    return found


@pytest.fixture(scope="module")
def records() -> Iterator[Memory]:
    with Memory(simulated(learners="60", runs="2")) as held:
        yield held


@pytest.fixture(scope="module")
def features(records: Memory) -> FeatureTable:
    runs = runs_of(simulated(learners="60", runs="2"))
    return compute(VIEW, records, moments_on_days(records, runs, [0, 4, 13, 20, 25]))


def test_it_says_what_it_is(target: Label) -> None:
    assert target.summary.endswith(".")
    assert "\n" not in target.summary
    assert LABELS.get(target.name, target) is target
    assert target.horizon_days is None or target.horizon_days > 0
    assert not (target.whole_run and target.horizon_days)


def test_a_proxy_says_what_it_stands_for_and_when_it_misleads(target: Label) -> None:
    assert (target.stands_for is None) == (target.fails_when is None)
    if target.stands_for is not None and target.fails_when is not None:
        assert label(target.stands_for).stands_for is None
        assert len(target.fails_when) > 20


def test_the_proxies_are_named() -> None:
    assert {one.name for one in ALL if one.stands_for} == {"inactive_next_week", "misses_next_assessment"}


def test_its_values_are_what_it_says(target: Label, records: Memory, features: FeatureTable) -> None:
    observed = labelled(features, target, records, None)
    assert len(observed.values) == len(observed.features) == len(observed.groups) > 0
    assert len(observed.features) + sum(observed.censored.values()) == len(features)
    assert np.isfinite(observed.values).all()
    assert observed.values.min() >= 0
    assert observed.values.max() <= 1
    if target.binary:
        assert set(observed.values.tolist()) == {0.0, 1.0}


@pytest.mark.parametrize("gap_days", [0, 3])
def test_nothing_of_it_was_to_be_seen_when_it_was_foreseen(
    target: Label, records: Memory, features: FeatureTable, gap_days: int
) -> None:
    """Evidence from before the window would be refused; nothing is known of a window on the day it opens."""
    labelled(features, target, records, None, gap_days)
    for moment in features.moments()[::4]:
        at_once = labelled(features, target, records, moment.as_of, gap_days)
        assert not any(found.as_of >= moment.as_of for found in at_once.features.moments() if found.run == moment.run)


def test_what_is_known_later_is_more_and_what_was_known_stays(
    target: Label, records: Memory, features: FeatureTable
) -> None:
    """The simulator corrects nothing, so that a label once known keeps its rows."""
    last = features.moments()[-1]
    before = labelled(features, target, records, last.as_of)
    after = labelled(features, target, records, None)

    def rows(observed: TrainingSet) -> set[tuple[object, ...]]:
        table = observed.features.table
        return set(zip(*(table[key].to_pylist() for key in ("run", "learner", "as_of")), strict=True))

    assert rows(before) <= rows(after)
    assert len(rows(after)) > len(rows(before))
