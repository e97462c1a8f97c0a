"""The description of a real course: AAA 2014J of OULAD, with what its tables say when they are counted by hand.

The numbers were worked out from studentInfo, studentRegistration and studentAssessment with a spreadsheet's means.
"""

import json
from pathlib import Path

import pytest

from headway.description.course import CourseDescription, describe
from headway.domain.time import AsOf
from headway.flow import open_app
from headway.reports.build import provenance
from headway.reports.course import course_page

RUN = "oulad/AAA/2014J"
EARLIER = "oulad/AAA/2013J"


@pytest.fixture(scope="module")
def description(oulad_home: Path) -> CourseDescription:
    with open_app(oulad_home) as app, app.lake.open(None, [RUN, EARLIER]) as records:
        return describe(records, RUN, None, [EARLIER])


def test_the_counts_are_those_of_the_tables(description: CourseDescription) -> None:
    assert (description.learners, description.left_before_start.count) == (352, 13)
    assert description.withdrew is not None
    assert description.withdrew.count == 53
    assert description.finished is not None
    assert description.finished.count == 229 + 24
    assert description.retention is not None
    assert description.retention.this.points[-1].share == round(1 - 53 / 352, 2)
    assert [curve.run for curve in description.retention.earlier] == [EARLIER]


def test_all_spikes_of_this_course_lie_at_deadlines(description: CourseDescription) -> None:
    assert description.timeline is not None
    spikes = [turn for turn in description.timeline.turns if turn.kind == "spike"]
    assert [turn.things for turn in spikes] == [(f"assignment {number}",) for number in range(1, 6)]
    christmas = [turn for turn in description.timeline.turns if turn.kind == "dip" and turn.from_on.month == 12]
    assert [turn.why for turn in christmas] == ["not known"]


def test_patterns_go_with_outcomes_they_were_not_told(description: CourseDescription) -> None:
    shares: dict[str, float] = {}
    for group in description.patterns.groups:
        assert group.finished is not None
        assert group.finished.share is not None
        shares[group.name] = group.finished.share
    assert shares["steady to the end"] > 0.8
    assert shares["busy early, then fading"] < 0.1
    assert "only around deadlines" in shares
    assert not description.patterns.soft


def test_what_day_totals_cannot_tell_is_not_told(description: CourseDescription) -> None:
    assert description.activity is not None
    assert not description.activity.time.known
    assert description.forums is not None
    assert description.forums.wrote is None
    assert description.assessments is not None
    assert [work.recorded for work in description.assessments.due] == [True] * 5 + [False]


def test_page_and_json_hold_no_learner(oulad_home: Path, description: CourseDescription) -> None:
    with open_app(oulad_home) as app, app.lake.open(None, [RUN]) as records:
        learners = records.collect(records.table("enrolments").select("learner"))["learner"].to_pylist()
        made = provenance("", records.snapshot.id, 0, app.clock.now())
    text = json.dumps(description.as_json(), allow_nan=False) + course_page(description, made)
    assert not [learner for learner in learners if learner in text]


def test_in_december_it_is_the_course_of_december(oulad_home: Path) -> None:
    as_of = AsOf.at("2014-12-10", "Europe/London")
    with open_app(oulad_home) as app, app.lake.open(as_of, [RUN, EARLIER]) as records:
        found = describe(records, RUN, as_of, [EARLIER])
    assert (found.week, found.over) == (11, False)
    assert found.finished is None, "only withdrawals are known by then"
    assert found.assessments is not None
    assert [work.name for work in found.assessments.due] == ["assignment 1", "assignment 2"]
    assert found.timeline is not None
    assert found.timeline.days[-1].on.isoformat() == "2014-12-10"
