"""On the shared Moodle course: every row becomes a record, and log and grade book know the same learners."""

from pathlib import Path

from headway.sources.moodle import Moodle
from headway.sources.source import Request
from tests.contract.source_cases import KEY, drain

OPTIONS = {"run": "moodle/course/2018", "zone": "Europe/Dublin", "max_grade": "100", "pass_mark": "40"}


def test_the_shared_course_is_read_without_a_loss(real_data: Path) -> None:
    found = drain(Moodle(), Request([real_data / "moodle"], OPTIONS, KEY))
    assert found.rejects.num_rows == 0
    assert found.counts() == {
        "course_runs": 1, "activities": 52, "enrolments": 113, "statements": 19296, "results": 434, "outcomes": 113
    }  # fmt: skip
    assert {s["learner"] for s in found.rows("statements")} == {o["learner"] for o in found.rows("outcomes")}
    assert {s["occurred_at"].year for s in found.rows("statements")} == {2018}
    assert sum(s["verb"] == "interacted" for s in found.rows("statements")) == 0
