"""The ready mappings of two UCI data sets: every fact, grade and outcome, known in the right order."""

from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headway.domain.errors import SourceError, UnknownName
from headway.domain.time import AsOf
from headway.sources.source import Request
from headway.sources.table_mapping import load_mapping
from headway.sources.uci import ReadyMapping
from tests.contract.source_cases import Read, drain
from tests.contract.tabular_cases import KEY, UCI320, UCI697
from tests.support.rows import HOSTILE, any_row, csv_text, put, refused

DEGREE = "uci697/degree/2019"
HEADER = UCI697["data.csv"].splitlines()[0].removeprefix("\ufeff")


def read(name: str, folder: Path, tables: dict[str, str]) -> Read:
    return drain(ReadyMapping(name, ""), Request([put(folder / "data", tables)], {}, KEY))


@pytest.fixture
def degree(tmp_path: Path) -> Read:
    return read("uci697", tmp_path, UCI697)


@pytest.fixture
def school(tmp_path: Path) -> Read:
    return read("uci320", tmp_path, UCI320)


def test_every_row_is_a_learner_even_where_two_say_the_same(degree: Read) -> None:
    learners = {row["learner"] for row in degree.rows("enrolments")}
    assert len(learners) == 4
    assert degree.rejects.num_rows == 0
    assert {row["run"] for row in degree.rows("enrolments")} == {DEGREE}


def test_a_learner_does_not_depend_on_the_order_of_the_rows(degree: Read, tmp_path: Path) -> None:
    header, *rows = UCI697["data.csv"].splitlines()
    turned = read("uci697", tmp_path, {"data.csv": "\n".join([header, *reversed(rows)]) + "\n"})
    for kind, table in degree.records.items():
        assert table.sort_by("id").equals(turned.records[kind].sort_by("id")), kind


def test_who_dropped_out_withdrew_who_graduated_passed_and_who_is_enrolled_has_no_outcome(degree: Read) -> None:
    assert sorted(row["label"] for row in degree.rows("outcomes")) == ["pass", "pass", "withdrawn"]


def test_what_is_known_grows_from_enrolment_over_two_semesters_to_the_end(degree: Read) -> None:
    def known(day: str) -> dict[str, int]:
        until = AsOf.at(day, "Europe/Lisbon").instant
        return {
            kind: sum(row["recorded_at"] <= until for row in degree.rows(kind))
            for kind in ("enrolments", "attributes", "results", "outcomes")
        }

    assert known("2019-09-15") == {"enrolments": 0, "attributes": 0, "results": 0, "outcomes": 0}
    assert known("2019-09-16") == {"enrolments": 4, "attributes": 96, "results": 0, "outcomes": 0}
    assert known("2020-01-31") == {"enrolments": 4, "attributes": 116, "results": 4, "outcomes": 0}
    assert known("2020-07-17") == {"enrolments": 4, "attributes": 136, "results": 8, "outcomes": 0}
    assert known("2022-07-29") == {"enrolments": 4, "attributes": 136, "results": 8, "outcomes": 3}


def test_what_says_who_somebody_is_is_sensitive(degree: Read) -> None:
    facts = {row["name"]: (row["value"], row["sensitive"]) for row in degree.rows("attributes")}
    assert {name for name in ("gender", "nationality", "age_at_enrolment", "fathers_occupation") if facts[name][1]} == {
        "gender",
        "nationality",
        "age_at_enrolment",
        "fathers_occupation",
    }
    assert not facts["semester_1_units_approved"][1]
    assert facts["gender"][0] in ("male", "female")


def test_grades_are_shares_of_twenty(degree: Read) -> None:
    first = sorted(row["score"] for row in degree.rows("results") if row["activity"] == "semester-1")
    assert first == pytest.approx([0, 0.55, 0.725, 0.725])


def test_a_row_with_an_unknown_word_loses_that_fact_and_says_so(tmp_path: Path) -> None:
    found = read("uci697", tmp_path, {"data.csv": UCI697["data.csv"].replace("Dropout", "Vanished")})
    assert found.reasons() == [("data.csv", 2, "unknown_value")]
    assert len(found.rows("outcomes")) == 2
    assert len(found.rows("enrolments")) == 4


def test_each_subject_is_a_run_and_its_delimiter_is_found(school: Read) -> None:
    assert [(r["run"], r["title"], r["starts_on"]) for r in school.rows("course_runs")] == [
        ("uci320/math/1", "Mathematics", date(2005, 9, 15)),
        ("uci320/portuguese/1", "Portuguese", date(2005, 9, 15)),
    ]
    grades = sorted((row["run"][7:11], row["activity"], row["score"]) for row in school.rows("results"))
    assert grades == [
        ("math", "G1", 0.3),
        ("math", "G1", 0.6),
        ("math", "G2", 0.3),
        ("math", "G2", 0.65),
        ("math", "G3", 0.45),
        ("math", "G3", 0.5),
        ("port", "G1", 0.0),
        ("port", "G2", 0.55),
        ("port", "G3", 1.0),
    ]


def test_ten_points_are_enough_to_pass(school: Read) -> None:
    labels = {row["final_score"]: row["label"] for row in school.rows("outcomes")}
    assert labels == {0.45: "fail", 0.5: "pass", 1.0: "pass"}


def test_one_subject_alone_is_enough_and_none_is_an_error(tmp_path: Path) -> None:
    found = read("uci320", tmp_path, {"student-mat.csv": UCI320["student-mat.csv"]})
    assert [row["run"] for row in found.rows("course_runs")] == ["uci320/math/1"]
    with pytest.raises(SourceError, match="student-mat"):
        read("uci320", tmp_path, {"other.csv": "a,b\n1,2\n"})


def test_two_files_that_might_be_the_table_are_an_error(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"data\.csv, more\.csv"):
        read("uci697", tmp_path, {"data.csv": UCI697["data.csv"], "more.csv": UCI697["data.csv"]})


def test_there_is_no_option_and_no_reading_of_nothing() -> None:
    source = ReadyMapping("uci697", "")
    with pytest.raises(UnknownName, match="zone"):
        drain(source, Request([], {"zone": "UTC"}, KEY))
    with pytest.raises(SourceError, match="Name the file"):
        drain(source, Request([], {}, KEY))


@pytest.mark.parametrize("name", ["uci320", "uci697"])
def test_every_ready_mapping_says_that_its_calendar_is_made_up(name: str) -> None:
    place = ReadyMapping(name, "").place
    load_mapping(place)
    assert "the calendar here is made up" in place.read_text(encoding="utf-8")


SHORT = UCI320["student-mat.csv"].splitlines()[1].split(",")


@settings(max_examples=8, deadline=None)
@given(rows=st.lists(any_row(*([value] for value in SHORT)), max_size=5))
def test_no_row_is_lost(rows: list[list[str]], tmp_path_factory: pytest.TempPathFactory) -> None:
    header = UCI320["student-mat.csv"].splitlines()[0]
    assert len(HOSTILE) > 10
    found = read("uci320", tmp_path_factory.mktemp("fuzz"), {"student-mat.csv": csv_text(header, rows)})
    for kind, times in (("enrolments", 1), ("results", 3), ("outcomes", 1), ("attributes", 30)):
        told = len(found.rows(kind)) + sum(row["kind"] == kind for row in found.rejects.to_pylist())
        assert told == times * len(rows), kind
    assert refused(found, "student-mat.csv") == found.rejects.num_rows
