"""What every label promises."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cache

import numpy as np
import pyarrow as pa
import pytest

from headway.domain.records import KINDS, record_id
from headway.domain.time import AsOf
from headway.features.as_of import FeatureTable, TrainingSet, compute, labelled, moments_on_days, run_facts
from headway.features.labels import LABELS, Label, followed, label, passes_assessment
from headway.features.moments import Moment
from headway.features.views import view_with
from tests.support import oracle
from tests.support.histories import ANCHORS, Habits, world
from tests.support.memory import Memory
from tests.support.simulation import runs_of, simulated

ALL = (*LABELS.values(), passes_assessment(14))
FOLLOWED = (*followed("withdrawal"), *followed("silence"))
IN_ORACLE = [one for one in (*ALL, *FOLLOWED, passes_assessment(7)) if one.name in oracle.LABELS]
VIEW = view_with("labels", ("active_days_total",))
LONGEST_DAYS = 84
TRUTH = "truth_inactive_next_10d"

Observe = Callable[[Label], TrainingSet]


@pytest.fixture(params=ALL, ids=lambda one: str(one.name))
def target(request: pytest.FixtureRequest) -> Label:
    found: Label = request.param
    return found


@pytest.fixture(scope="module")
def records() -> Iterator[Memory]:
    """Two simulated runs, and a data set's own truth about every second learner's silence after the end."""
    tables = simulated(learners="60", runs="2")
    with Memory(tables) as held:
        ends = {run: moments_on_days(held, [run], [_days(held, run) + 10])[0].as_of for run in runs_of(tables)}
    learners = sorted({(row["run"], row["learner"]) for row in tables["enrolments"].to_pylist()})
    told = [
        {
            "id": record_id("simulated", "attributes", f"truth/{run}/{learner}"),
            "source": "simulated",
            "run": run,
            "learner": learner,
            "name": TRUTH,
            "value": str(number % 2),
            "occurred_at": ends[run].instant,
            "recorded_at": ends[run].instant,
            "valid_from": ends[run].instant,
            "sensitive": True,
        }
        for number, (run, learner) in enumerate(learners)
    ]
    truth = pa.Table.from_pylist(told, schema=KINDS["attributes"].schema)
    tables["attributes"] = pa.concat_tables([tables["attributes"].cast(truth.schema), truth])
    with Memory(tables) as held:
        yield held


def _days(records: Memory, run: str) -> int:
    about = run_facts(records, run)
    return (about.ends_on - about.starts_on).days


@pytest.fixture(scope="module")
def features(records: Memory) -> FeatureTable:
    runs = runs_of(simulated(learners="60", runs="2"))
    return compute(VIEW, records, moments_on_days(records, runs, [0, 4, 13, 20, 25]))


@pytest.fixture(scope="module")
def observe(records: Memory, features: FeatureTable) -> Observe:
    """Every label as it is known in the end."""
    return cache(lambda one: labelled(features, one, records, None))


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


def test_silence_decrease_and_a_missed_assessment_are_proxies_and_nothing_else_is() -> None:
    named = {one.name for one in ALL if one.stands_for}
    assert named == {one.name for one in ALL if one.name.startswith(("inactive", "misses", "less_"))}


def test_its_values_are_what_it_says(target: Label, features: FeatureTable, observe: Observe) -> None:
    observed = observe(target)
    assert len(observed.values) == len(observed.features) == len(observed.groups) > 0
    assert len(observed.features) + sum(observed.censored.values()) == len(features)
    assert np.isfinite(observed.values).all()
    assert observed.values.min() >= 0
    if target.binary:
        assert set(observed.values.tolist()) == {0.0, 1.0}
    elif target.name == "final_score":
        assert 0 < observed.values.max() <= 1
    else:
        assert 1 < observed.values.max() <= LONGEST_DAYS
        assert (observed.values == np.floor(observed.values)).all()


def test_what_is_known_later_is_more_and_what_was_known_stays(
    target: Label, records: Memory, features: FeatureTable, observe: Observe
) -> None:
    """The simulator corrects nothing, so that a label once known keeps its rows; none is known when it is foreseen."""
    last = features.moments()[-1]
    before = labelled(features, target, records, last.as_of)
    after = observe(target)

    def rows(found: TrainingSet) -> set[tuple[object, ...]]:
        table = found.features.table
        keys = [table[key].to_pylist() for key in ("run", "learner", "as_of")]
        return set(zip(*keys, found.values.tolist(), strict=True))

    assert rows(before) <= rows(after)
    assert len(rows(after)) > len(rows(before))
    assert not any(found.as_of >= last.as_of for found in before.features.moments() if found.run == last.run)


HABITS = Habits(late=0.2, leaves=0.3, returns=0.3, moved=0.3, unmarked=0.3, no_outcome=0.1)


@dataclass(frozen=True)
class Known:
    """Random histories, with what plain Python sees of each moment."""

    as_of: AsOf
    records: Memory
    features: FeatureTable
    windows: list[oracle.Window]


@pytest.fixture(scope="module")
def known_worlds() -> Iterator[list[Known]]:
    """Two worlds, one of them looked at with an action gap: evidence from within it would be refused."""
    with ExitStack() as held:
        yield [_known(held, anchor, gap_days, seed) for anchor, gap_days, seed in [(0, 0, 3), (1, 2, 8)]]


def _known(held: ExitStack, anchor: int, gap_days: int, seed: int) -> Known:
    made = world(ANCHORS[anchor], HABITS, runs=30, seed=seed)
    plain = oracle.plain(made.tables)
    windows = [
        oracle.Window(oracle.seen(plain, moment), oracle.seen(plain, Moment(moment.run, made.as_of)), gap_days)
        for moment in made.moments
    ]
    records = held.enter_context(Memory(made.tables))
    return Known(made.as_of, records, compute(VIEW, records, made.moments), windows)


@pytest.mark.parametrize("place", range(len(IN_ORACLE)), ids=lambda place: str(IN_ORACLE[place].name))
def test_it_is_what_plain_python_makes_of_random_histories(place: int, known_worlds: list[Known]) -> None:
    """Each in one of the worlds; tests/property/test_as_of.py looks at more of them."""
    one, here = IN_ORACLE[place], known_worlds[place % 2]
    observed = labelled(here.features, one, here.records, here.as_of, here.windows[0].gap_days)
    rows = observed.features.table
    keys = zip(*(rows[key].to_pylist() for key in ("run", "as_of", "learner")), strict=True)
    wanted = {
        (window.known.run, window.known.as_of.instant, learner): value
        for window in here.windows
        for learner, value in oracle.labels(one.name, window).items()
    }
    assert dict(zip(keys, observed.values.tolist(), strict=True)) == wanted
    assert wanted, "a world that says nothing of a label"
