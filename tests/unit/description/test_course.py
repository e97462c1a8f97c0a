"""The whole description: complete as JSON, cut at the as-of time, the same for the same records, never about a few."""

import json
import random
from datetime import timedelta
from typing import Any

import pytest

from headway.description.course import SCHEMA, CourseDescription, describe
from headway.domain.errors import NotEnoughData, UnknownName
from headway.domain.time import AsOf
from headway.features.as_of import known_at
from tests.support.memory import Memory
from tests.support.simulation import runs_of, simulated
from tests.support.tiny import RUN, History, end_of, on
from tests.unit.description.made_course import everyone, steady

OPTIONS = {"learners": "150", "runs": "2", "weeks": "10", "seed": "4"}


@pytest.fixture(scope="module")
def description() -> CourseDescription:
    tables = simulated(**OPTIONS)
    earlier, run = runs_of(tables)
    with Memory(tables) as records:
        return describe(records, run, None, [earlier])


def test_everything_is_there(description: CourseDescription) -> None:
    assert description.over
    assert (description.week, description.weeks) == (10, 10)
    assert description.learners + (description.left_before_start.count or 0) <= 150
    assert description.retention is not None
    assert len(description.retention.earlier) == 1
    assert len(description.patterns.groups) == 3
    assert description.activity is not None
    assert description.activity.time.known
    assert description.assessments is not None
    assert description.heatmap is not None
    assert description.forums is not None
    assert description.videos
    assert description.summary.headline.endswith(".")


def test_json_is_complete_and_plain(description: CourseDescription) -> None:
    told = json.loads(json.dumps(description.as_json(), allow_nan=False))
    assert told["schema"] == SCHEMA
    assert set(told) == {"schema", *CourseDescription.__slots__}
    assert told["starts_on"] == description.starts_on.isoformat()
    assert len(told["patterns"]["groups"]) == 3
    assert told["summary"]["patterns"] == list(description.summary.patterns)


def small(value: Any, path: str = "") -> list[str]:
    """Where a count of learners between 1 and 4 is told."""
    found = []
    if isinstance(value, dict):
        for key, each in value.items():
            found += small(each, f"{path}.{key}")
            if key in ("count", "learners", "stopped") and isinstance(each, int) and 0 < each < 5:
                found.append(f"{path}.{key}")
    elif isinstance(value, list):
        for index, each in enumerate(value):
            found += small(each, f"{path}[{index}]")
    return found


def test_no_group_of_fewer_than_five_is_told(description: CourseDescription) -> None:
    told = description.as_json()
    assert small(told) == []
    assert small({"a": [{"count": 3}]}) == [".a[0].count"]
    bins = [count for work in told["assessments"]["due"] for count in work["bins"]]
    assert None in bins
    assert not [count for count in bins if count and count < 5]


def test_no_learner_is_named(description: CourseDescription) -> None:
    names = set(simulated(**OPTIONS)["enrolments"]["learner"].to_pylist())
    text = json.dumps(description.as_json())
    assert not [name for name in names if name in text]


def test_the_order_of_records_does_not_matter(description: CourseDescription) -> None:
    tables = simulated(**OPTIONS)
    earlier, run = runs_of(tables)
    shuffled = {}
    for kind, table in tables.items():
        order = list(range(table.num_rows))
        random.Random(9).shuffle(order)
        shuffled[kind] = table.take(order)
    with Memory(shuffled) as records:
        assert describe(records, run, None, [earlier]) == description


def test_as_of_a_day_nothing_later_is_known() -> None:
    tables = simulated(**OPTIONS)
    earlier, run = runs_of(tables)
    starts_on = max(tables["course_runs"]["starts_on"].to_pylist())
    as_of = AsOf.at((starts_on + timedelta(days=34)).isoformat(), "Europe/London")
    with Memory(known_at(tables, as_of)) as records:
        found = describe(records, run, as_of, [earlier])
    assert not found.over
    assert (found.week, found.weeks) == (5, 10)
    assert found.described_until == starts_on + timedelta(days=34)
    assert found.last_activity_on is not None
    assert found.last_activity_on <= found.described_until
    assert found.timeline is not None
    assert found.timeline.days[-1].on <= found.described_until
    assert found.assessments is not None
    assert found.assessments.ahead
    assert "so far" in found.summary.headline
    assert found.retention is not None
    assert found.retention.this.points[-1].days <= 35


def test_a_run_without_activity_is_still_described() -> None:
    history = History().plan("w", 10)
    for number in range(30):
        history.enrol(f"a{number:03}")
        if number < 8:
            history.leave(f"a{number:03}", 20)
        history.mark(f"a{number:03}", "w", 9, 0.5, 12)
        history.end(f"a{number:03}", "pass" if number >= 8 else "withdrawn")
    with Memory(history.tables()) as records:
        found = describe(records, RUN)
    assert found.activity is None
    assert found.timeline is None
    assert found.summary.headline == "30 learners are enrolled. No activity of anyone is in the record."
    assert found.retention is not None
    assert found.retention.event == "withdrawal"
    assert found.assessments is not None
    assert found.finished is not None
    assert found.finished.count == 22
    assert any("gap in the data" in note for note in found.notes)


def test_a_feed_that_stopped_is_told() -> None:
    history = History()
    everyone(history, 30, lambda number: [day for day in steady(number) if day < 28])
    with Memory(known_at(history.tables(), end_of(50))) as records:
        found = describe(records, RUN, end_of(50))
    assert any("gap in the feed" in note for note in found.notes)
    assert found.drop_offs.stopped.count == 0


def test_an_inferred_run_ends_where_it_grew_quiet() -> None:
    history = History()
    everyone(history, 40, lambda number: [d for d in steady(number) if d < 28 and (d // 7 + number) % 5])
    for row in history.records["course_runs"]:
        row["inferred"] = True
    for number in range(6):
        history.act(f"a{number:03}", 52 + number % 2)
    with Memory(history.tables()) as records:
        found = describe(records, RUN)
    assert found.summary.headline.startswith("Nobody of 40 learners stopped coming before the course grew quiet")
    assert "week 4" in found.summary.headline
    assert len(found.patterns.groups[0].weekly) == 4
    assert any("nobody told headway" in note for note in found.notes)


def test_staff_and_strangers_are_not_learners() -> None:
    history = History()
    everyone(history, 12, lambda number: [1, 2])
    for day in range(10):
        history.act("teacher", day, 500, role="instructor")
        history.act("stranger", day, 500)
    with Memory(history.tables()) as records:
        found = describe(records, RUN)
    assert found.learners == 12
    assert found.activity is not None
    assert found.activity.interactions == 48


def test_what_cannot_be_described_is_refused_with_a_reason() -> None:
    history = History()
    everyone(history, 4, steady)
    with Memory(history.tables()) as records:
        with pytest.raises(NotEnoughData, match="Fewer than 5 learners"):
            describe(records, RUN)
        with pytest.raises(UnknownName):
            describe(records, "tiny/T1/2019")
        with pytest.raises(NotEnoughData, match=f"first day is {on(0)}"):
            describe(records, RUN, end_of(-3))
    with Memory(History().tables()) as records, pytest.raises(NotEnoughData, match="Nobody is enrolled"):
        describe(records, RUN)
