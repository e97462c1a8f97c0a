"""On test logs of the platform's own pipeline: every line is accounted for, and what is refused has a reason to be."""

from collections import Counter
from pathlib import Path

import pytest

from headway.domain.runs import RunId
from headway.domain.vocabulary import ACTIVITY_TYPES, VERBS
from headway.sources.edx import Edx
from headway.sources.source import Request
from tests.contract.source_cases import KEY, Read, drain

LINES = 347  # that are not blank
ACCEPTED = 240


@pytest.fixture(scope="module")
def read(real_data: Path) -> Read:
    """Everything in the folder."""
    return drain(Edx(), Request([real_data / "edx"], {}, KEY))


def test_every_line_became_a_record_or_was_refused_with_a_reason(read: Read) -> None:
    reasons = Counter(reason for *_, reason in read.reasons())
    # The comments of the logs, pages outside courses, and clicks of those who had not signed in.
    assert reasons == {"bad_json": 40, "no_course": 40, "no_learner": 27}
    assert read.rejects.num_rows + ACCEPTED == LINES
    told = [row for row in read.rows("enrolments") if row["status"] == "withdrawn"]
    modes = len(read.rows("attributes"))
    assert len(read.rows("statements")) + modes == ACCEPTED
    assert len(told) == 7


def test_what_learners_did_is_in_our_words(read: Read) -> None:
    statements = read.rows("statements")
    assert {row["verb"] for row in statements} <= VERBS.keys()
    assert {row["object_type"] for row in statements} <= set(ACTIVITY_TYPES)
    verbs = Counter(row["verb"] for row in statements if row["interactions"])
    assert {
        verb: verbs[verb] for verb in ("played", "paused", "seeked", "answered", "posted", "replied", "reacted")
    } == {
        "played": 22,
        "paused": 12,
        "seeked": 4,
        "answered": 9,
        "posted": 12,
        "replied": 21,
        "reacted": 7,
    }
    assert all(row["position_s"] is not None for row in statements if row["verb"] in ("played", "paused", "seeked"))
    assert all(row["parent"] for row in statements if row["verb"] in ("posted", "replied"))


def test_checked_problems_have_marks_and_answers(read: Read) -> None:
    marks = [(row["attempt"], row["score"]) for row in read.rows("results")]
    assert len(marks) == 9
    assert all(score is not None and 0 <= score <= 1 for _, score in marks)
    assert len(read.rows("responses")) == 23


def test_runs_have_names_of_one_form(read: Read) -> None:
    runs = [RunId.parse(row["run"]) for row in read.rows("course_runs")]
    assert len(runs) == 12
    assert all(run.source == "edx" and run.course.count("+") == 1 for run in runs)
