"""On the shared samples of Canvas: each row is accounted for, and the two forms of Live Events agree."""

from collections import Counter
from pathlib import Path

import pytest

from headway.sources.canvas import Canvas
from headway.sources.source import Request
from tests.contract.source_cases import KEY, Read, drain


@pytest.fixture(scope="module")
def events(real_data: Path) -> Read:
    """The 15 example Live Events, 12 in Canvas' own form and 3 in Caliper."""
    return drain(Canvas(), Request([real_data / "canvas_live_events"], {}, KEY))


@pytest.fixture(scope="module")
def tables(real_data: Path) -> Read:
    """The 12,693 rows of the six tables."""
    return drain(Canvas(), Request([real_data / "canvas_data2"], {}, KEY))


@pytest.mark.real_data
def test_eleven_of_fifteen_live_events_are_records_and_four_are_refused(events: Read) -> None:
    assert events.reasons() == [
        ("caliper_format.jsonl", 1, "no_course"),
        ("canvas_format.jsonl", 3, "no_learner"),
        ("canvas_format.jsonl", 7, "no_course"),
        ("canvas_format.jsonl", 9, "no_course"),
    ]
    assert len(events.rows("statements")) == 7
    assert len(events.rows("activities")) == 1
    assert sum(row["valid_from_on"].year == 2018 for row in events.rows("enrolments")) == 1


@pytest.mark.real_data
def test_the_grade_in_both_forms_is_one_record_of_the_learner(events: Read) -> None:
    ours, theirs = events.rows("results")
    assert ours == theirs
    assert (ours["run"], ours["activity"]) == ("canvas/565/1", "assignment/355")


@pytest.mark.real_data
def test_nobody_in_the_examples_is_named(events: Read) -> None:
    everything = str([table.to_pylist() for table in events.records.values()]) + str(events.rejects.to_pylist())
    for name in ("oxana", "Newton", "Sally", "93.184", "456-T45", "ABC.123", "2107", "Mozilla", "example.com"):
        assert name not in everything


@pytest.mark.real_data
def test_every_row_of_the_tables_is_a_record_or_refused(tables: Read) -> None:
    reasons = Counter(reason for _, _, reason in tables.reasons())
    # The enrolments name a section and no course, and the table of sections is not there.
    assert reasons == {"no_course": 3600, "not_a_learner": 87, "lookup_only": 640}
    counts = tables.counts()
    assert (counts["course_runs"], counts["activities"]) == (87, 281 + 140)
    assert counts["statements"] == counts["results"] == 7858
    assert 87 + 421 + 7858 + sum(reasons.values()) == 12_693


@pytest.mark.real_data
def test_marks_are_shares_of_the_full_mark_and_belong_to_tasks_with_a_date(tables: Read) -> None:
    scores = [row["score"] for row in tables.rows("results")]
    assert max(scores) == 1.0
    assert 0.3 < sum(scores) / len(scores) < 0.7
    dated = {row["activity"] for row in tables.rows("activities") if row["due_on"] is not None}
    assert {row["activity"] for row in tables.rows("results")} <= dated
