"""On the published fixtures of Caliper 1.2, half of them malformed on purpose: the good are read, the bad refused."""

from collections import Counter
from pathlib import Path

import pytest

from headway.sources.caliper import Caliper
from headway.sources.source import Request
from tests.contract.source_cases import KEY, Read, drain

pytestmark = pytest.mark.real_data

# What is wrong with these lies in properties that headway does not read.
NOT_SEEN = {
    "caliperEntityCourseOffering-MalformedAcademicSessionNotAnInt.json",
    "caliperEntityCourseSection-MalformedCategoryNotAnInt.json",
    "caliperEvent-MalformedExtensionsNotAnIRI.json",
}


@pytest.fixture(scope="module")
def found(real_data: Path) -> Read:
    return drain(Caliper(), Request([real_data / "caliper"], {}, KEY))


def test_every_fixture_is_read_or_refused_with_its_reason(found: Read) -> None:
    assert Counter(reason for _, _, reason in found.reasons()) == {
        "entity": 135,
        "no_learner": 82,
        "bad_entity": 17,
        "wrong_action": 9,
        "bad_object": 8,
        "missing_value": 6,
        "no_course": 4,
        "bad_actor": 2,
        "unknown_value": 2,
        "bad_json": 1,
        "bad_version": 1,
        "unknown_action": 1,
        "unknown_profile": 1,
    }
    assert found.counts() == {"course_runs": 3, "activities": 16, "enrolments": 3, "statements": 25, "responses": 1}


def test_no_malformed_fixture_is_taken_for_an_event(found: Read, real_data: Path) -> None:
    refused = {row["file"] for row in found.rejects.to_pylist()}
    named = {path.name for path in (real_data / "caliper").iterdir()}
    faulty = {name for name in named if any(word in name for word in ("Malformed", "Malfromed", "Wrong", "Unknown"))}
    assert faulty - refused == NOT_SEEN


def test_nobody_is_named(found: Read) -> None:
    everything = str([table.to_pylist() for table in found.records.values()]) + str(found.rejects.to_pylist())
    for word in ("554433", "778899", "Jane", "jane@"):
        assert word not in everything
