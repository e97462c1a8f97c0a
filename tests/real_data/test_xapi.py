"""On real xAPI video statements of a MOOC: every one becomes a record, and the words mean what they say."""

from collections import Counter
from pathlib import Path

import pytest

from headway.sources.source import Request
from headway.sources.xapi import Xapi
from tests.contract.source_cases import KEY, Read, drain

pytestmark = pytest.mark.real_data


@pytest.fixture(scope="module")
def found(real_data: Path) -> Read:
    return drain(Xapi(), Request([real_data / "xapi"], {"zone": "Europe/Paris"}, KEY))


def test_every_statement_becomes_a_record(found: Read) -> None:
    assert found.rejects.num_rows == 0
    assert found.counts() == {"course_runs": 2, "activities": 10, "enrolments": 1393, "statements": 5000}
    assert {row["run"] for row in found.rows("course_runs")} == {
        "xapi/FUN-MOOC+00001/session01",
        "xapi/FUN-MOOC+00002/session01",
    }


def test_the_verbs_are_those_of_the_video_profile(found: Read) -> None:
    assert Counter(row["verb"] for row in found.rows("statements")) == {
        "played": 1498,
        "paused": 1444 + 84,  # terminated pauses for good
        "interacted": 826,
        "seeked": 675,
        "viewed": 309,
        "completed": 153,
        "downloaded": 11,
    }


def test_watched_seconds_fit_into_the_length_of_the_video(found: Read) -> None:
    length = {(row["run"], row["activity"]): row["duration_s"] for row in found.rows("activities")}
    assert all(100 < seconds < 2000 for seconds in length.values())
    watched = [row for row in found.rows("statements") if row["duration_s"] is not None]
    assert len(watched) > 2000
    for row in watched:
        assert 0 < row["duration_s"] <= length[row["run"], row["object"]] * 1.02
    for row in found.rows("statements"):
        assert (row["from_s"] is not None) == (row["verb"] == "seeked")


def test_no_name_of_an_account_is_delivered(found: Read) -> None:
    everything = str([table.to_pylist() for table in found.records.values()])
    assert "f6c5ca7f-9daa-4830-a6a7-887af156e9ce" not in everything
