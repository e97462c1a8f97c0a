"""What plain records become, and which are refused."""

from pathlib import Path

from headway.governance.pseudonyms import pseudonym
from headway.sources.source import SOURCES
from tests.contract.source_cases import CASES, KEY, drain


def test_records_become_what_they_say(tmp_path: Path) -> None:
    read = drain(SOURCES.get("records"), CASES["records"](tmp_path))
    assert read.counts() == {
        "course_runs": 1,
        "activities": 4,
        "enrolments": 4,
        "statements": 5,
        "results": 2,
        "responses": 1,
    }
    reasons = sorted(row["reason"] for row in read.rejects.to_pylist())
    assert reasons == ["bad_date", "bad_number", "bad_verb", "missing_value"]


def test_learners_are_those_of_the_runs_own_source(tmp_path: Path) -> None:
    read = drain(SOURCES.get("records"), CASES["records"](tmp_path))
    assert {row["learner"] for row in read.rows("statements")} == {
        f"canvas/{pseudonym(name, KEY)}" for name in ("ann", "bob", "eve")
    }


def test_a_record_was_known_when_it_arrived(tmp_path: Path) -> None:
    read = drain(SOURCES.get("records"), CASES["records"](tmp_path))
    page = next(row for row in read.rows("statements") if row["object"] == "p1")
    assert (page["occurred_at"].isoformat(), page["recorded_at"].isoformat()) == (
        "2024-03-03T09:00:00+00:00",
        "2024-03-03T12:00:00+00:00",
    )


def test_a_mark_alone_is_no_act(tmp_path: Path) -> None:
    read = drain(SOURCES.get("records"), CASES["records"](tmp_path))
    marks = {
        row["activity"]: (row["score"], row["attempt"], row["submitted_at"] is None) for row in read.rows("results")
    }
    assert marks == {"a1": (0.8, 1, False), "a2": (0.5, 2, True)}
    assert "a2" not in {row["object"] for row in read.rows("statements")}
