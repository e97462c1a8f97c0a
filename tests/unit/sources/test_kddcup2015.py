"""The source of KDD Cup 2015: what each file becomes, and when each row was known."""

import gzip
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headway.domain.errors import InputError, SourceError, UnknownName
from headway.domain.time import midnight
from headway.governance.pseudonyms import pseudonym
from headway.sources.kddcup2015 import TRUTH, KddCup2015
from headway.sources.source import Request
from tests.contract.source_cases import Read, drain
from tests.contract.tabular_cases import KDD, KEY
from tests.support.rows import any_row, csv_text, put, refused

ZONE = "Asia/Shanghai"
NATIVE = "kddcup2015/courseB/1"
DAILY = "kddcup2015/courseA/1"
LOG = "enrollment_id,time,source,event,object"


def read(folder: Path, *, without: tuple[str, ...] = (), options: dict[str, str] | None = None, **files: str) -> Read:
    tables = {name: text for name, text in KDD.items() if name not in without} | {
        f"{name}.csv": text for name, text in files.items()
    }
    return drain(KddCup2015(), Request([put(folder / "data", tables)], options or {}, KEY))


def test_runs_last_over_their_log_period(tmp_path: Path) -> None:
    runs = read(tmp_path).rows("course_runs")
    assert [(r["run"], r["starts_on"], r["ends_on"], r["zone"], r["inferred"]) for r in runs] == [
        (DAILY, date(2014, 5, 25), date(2014, 6, 23), ZONE, None),
        (NATIVE, date(2014, 6, 12), date(2014, 7, 11), ZONE, None),
    ]


def test_a_log_line_is_a_statement_in_chinese_time_and_equal_lines_are_told_apart(tmp_path: Path) -> None:
    rows = [row for row in read(tmp_path).rows("statements") if row["run"] == NATIVE]
    assert [(r["learner"], r["event"], r["verb"], r["object_type"], r["object"]) for r in rows] == [
        ("kddcup2015/101", "nagivate", "viewed", "homepage", "moduleN"),
        ("kddcup2015/101", "access", "viewed", "content", "moduleS"),
        ("kddcup2015/101", "access", "viewed", "content", "moduleS"),
        ("kddcup2015/101", "problem", "answered", "question", "moduleP"),
        ("kddcup2015/102", "video", "played", "video", "moduleV"),
        ("kddcup2015/102", "page_close", "interacted", "page", None),
    ]
    assert len({row["id"] for row in rows}) == 6
    late = rows[3]
    assert late["occurred_at"] == late["recorded_at"] == datetime(2014, 6, 14, 15, 59, 59, tzinfo=UTC)
    assert (late["occurred_on"], late["hour"], late["interactions"]) == (date(2014, 6, 14), 23, 1)


def test_a_word_that_is_not_known_is_an_interaction_that_keeps_it(tmp_path: Path) -> None:
    (row,) = [
        row
        for row in read(tmp_path, log_test=f"{LOG}\n103,2014-06-13T01:00:00,browser,new_thing,\n").rows("statements")
        if row["learner"] == "kddcup2015/103"
    ]
    assert (row["verb"], row["event"], row["object_type"]) == ("interacted", "new_thing", "other")


def test_the_totals_of_a_day_are_known_when_it_is_over_and_zeros_are_no_statements(tmp_path: Path) -> None:
    rows = [row for row in read(tmp_path).rows("statements") if row["run"] == DAILY]
    assert {row["event"]: row["interactions"] for row in rows if row["occurred_on"] == date(2014, 5, 26)} == {
        "access": 48,
        "discussion": 22,
        "navigate": 30,
        "page_close": 33,
        "problem": 13,
        "video": 19,
        "wiki": 8,
    }
    assert len(rows) == 8
    for row in rows:
        assert row["occurred_at"] == midnight(row["occurred_on"], ZONE)
        assert row["recorded_at"] == midnight(date(2014, 5, row["occurred_on"].day + 1), ZONE)
        assert row["hour"] is None


def test_both_forms_enrol_from_the_first_active_day_and_the_silent_from_the_start(tmp_path: Path) -> None:
    found = {row["learner"]: row for row in read(tmp_path).rows("enrolments")}
    assert {learner: row["valid_from_on"] for learner, row in found.items()} == {
        "kddcup2015/101": date(2014, 6, 14),
        "kddcup2015/102": date(2014, 6, 20),
        "kddcup2015/103": date(2014, 6, 12),
        "kddcup2015/201": date(2014, 5, 26),
        "kddcup2015/202": date(2014, 5, 25),
    }
    assert found["kddcup2015/101"]["recorded_at"] == midnight(date(2014, 6, 15), ZONE)


def test_the_truth_is_a_sensitive_attribute_known_ten_days_after_the_log_period(tmp_path: Path) -> None:
    found = read(tmp_path)
    truth = {row["learner"]: row for row in found.rows("attributes") if row["name"] == TRUTH}
    assert {learner: row["value"] for learner, row in truth.items()} == {
        "kddcup2015/101": "0",
        "kddcup2015/102": "1",
        "kddcup2015/201": "1",
        "kddcup2015/202": "1",
    }
    assert all(row["sensitive"] for row in truth.values())
    assert truth["kddcup2015/101"]["recorded_at"] == midnight(date(2014, 7, 22), ZONE)
    assert truth["kddcup2015/101"]["valid_from"] == truth["kddcup2015/101"]["recorded_at"]
    assert not found.rows("outcomes")


def test_the_truth_file_may_have_a_header_and_a_bad_line_keeps_its_number(tmp_path: Path) -> None:
    with_header = read(tmp_path, truth_train="enrollment_id,label\n101,0\n102,2\n")
    without = read(tmp_path, truth_train="101,0\n102,2\n999,1\n")
    assert [row["value"] for row in with_header.rows("attributes") if row["name"] == TRUTH] == ["0"]
    assert ("truth_train.csv", 3, "bad_number") in with_header.reasons()
    assert ("truth_train.csv", 2, "bad_number") in without.reasons()
    assert ("truth_train.csv", 3, "unknown_enrolment") in without.reasons()


def test_a_truth_whose_time_nobody_knows_is_refused(tmp_path: Path) -> None:
    found = read(tmp_path, without=("date.csv",))
    (run,) = [row for row in found.rows("course_runs") if row["run"] == NATIVE]
    assert (run["inferred"], run["starts_on"], run["ends_on"]) == (True, date(2014, 6, 14), date(2014, 7, 11))
    assert [reason for reason in found.reasons() if reason[0] == "truth_train.csv"] == [
        ("truth_train.csv", 1, "unknown_period"),
        ("truth_train.csv", 2, "unknown_period"),
    ]


def test_one_person_in_two_courses_is_told_by_a_pseudonym_and_never_by_name(tmp_path: Path) -> None:
    found = read(tmp_path, enrollment_test="enrollment_id,username,course_id\n104,someone,courseB\n105,,courseB\n")
    people = {row["learner"]: row["value"] for row in found.rows("attributes") if row["name"] == "same_person"}
    assert people["kddcup2015/101"] == people["kddcup2015/104"] == pseudonym("someone", KEY)
    assert people["kddcup2015/102"] != people["kddcup2015/101"]
    assert ("enrollment_test.csv", 3, "missing_value") in found.reasons()
    everything = str([table.to_pylist() for table in found.records.values()]) + str(found.rejects.to_pylist())
    assert "someone" not in everything
    assert "another" not in everything


def test_modules_are_activities_of_known_courses(tmp_path: Path) -> None:
    more = KDD["object.csv"] + "courseZ,moduleZ,video,,null\ncourseB,moduleW,new_kind,,2014-13-01T00:00:00\n"
    found = read(tmp_path, object=more)
    rows = {row["activity"]: (row["run"], row["type"], row["opens_on"]) for row in found.rows("activities")}
    assert rows == {
        "moduleC": (NATIVE, "folder", date(2014, 6, 12)),
        "moduleS": (NATIVE, "folder", None),
        "moduleP": (NATIVE, "question", date(1999, 9, 4)),
        "moduleX": (DAILY, "page", None),
    }
    assert found.reasons()[-2:] == [("object.csv", 6, "unknown_run"), ("object.csv", 7, "bad_date")]


def test_without_enrolment_files_the_modules_tell_the_course(tmp_path: Path) -> None:
    found = read(tmp_path, without=("enrollment_train.csv",))
    runs = {row["learner"]: row["run"] for row in found.rows("statements") if row["run"] == NATIVE}
    assert runs == {"kddcup2015/101": NATIVE}
    assert [reason for *_, reason in found.reasons()] == ["unknown_enrolment"] * 3


def test_an_event_that_a_daily_total_counts_is_not_counted_again(tmp_path: Path) -> None:
    found = read(tmp_path, log_train=f"{LOG}\n201,2014-05-26T10:00:00,server,access,moduleX\n")
    assert ("log_train.csv", 2, "also_daily") in found.reasons()
    assert sum(row["interactions"] for row in found.rows("statements") if row["event"] == "access") == 48


def test_a_daily_file_needs_its_course(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="trainCourse8"):
        read(tmp_path, trainCourse8=KDD["trainCourse7.csv"].replace("20", "30", 1))
    found = read(tmp_path, trainCourse8=KDD["trainCourse7.csv"].replace("\n201", "\n301").replace("\n202", "\n302"),
                 options={"run": "kddcup2015/other/1"})  # fmt: skip
    assert {row["learner"] for row in found.rows("enrolments") if row["run"] == "kddcup2015/other/1"} == {
        "kddcup2015/301",
        "kddcup2015/302",
    }


def test_a_day_that_is_told_twice_is_told_once_and_refused_where_it_differs(tmp_path: Path) -> None:
    more = KDD["trainCourse7.csv"] + "201,2014-05-27,0,0,1,0,0,0,0\n201,2014-05-27,0,0,2,0,0,0,0\n"
    found = read(tmp_path, trainCourse7=more)
    assert [reason for reason in found.reasons() if reason[0] == "trainCourse7.csv"] == [
        ("trainCourse7.csv", 8, "conflicting_row")
    ]
    same_day = {row["id"] for row in found.rows("statements") if row["occurred_on"] == date(2014, 5, 27)}
    assert len(same_day) == 1


def test_compressed_files_in_folders_are_the_same(tmp_path: Path) -> None:
    plain = read(tmp_path)
    deep = tmp_path / "packed"
    for name, text in KDD.items():
        folder = deep / ("daily" if "Course" in name else ".")
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{name}.gz").write_bytes(gzip.compress(text.encode()))
    packed = drain(KddCup2015(), Request([deep], {}, KEY))
    for kind, table in plain.records.items():
        assert table.sort_by("id").equals(packed.records[kind].sort_by("id")), kind


def test_a_wrong_path_or_option_is_an_error_that_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "other.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    source = KddCup2015()
    with pytest.raises(SourceError, match="does not exist"):
        drain(source, Request([tmp_path / "none"], {}, KEY))
    with pytest.raises(SourceError, match="no file of KDD Cup 2015"):
        drain(source, Request([tmp_path / "other.csv"], {}, KEY))
    with pytest.raises(SourceError, match="No file of KDD Cup 2015"):
        drain(source, Request([tmp_path], {}, KEY))
    with pytest.raises(InputError, match="begin with kddcup2015"):
        read(tmp_path, options={"run": "csv/a/b"})
    with pytest.raises(UnknownName, match="zone"):
        read(tmp_path, options={"zone": "UTC"})


ROWS = st.lists(
    any_row(
        ("101", "102", "201"),
        ("2014-06-14T09:38:29", "2014-06-14"),
        ("server", "browser"),
        ("access", "nagivate"),
        ("moduleS",),
    ),
    max_size=8,
)


@settings(max_examples=12, deadline=None)
@given(rows=ROWS)
def test_no_line_of_a_log_is_lost(rows: list[list[str]], tmp_path_factory: pytest.TempPathFactory) -> None:
    found = read(tmp_path_factory.mktemp("fuzz"), without=("trainCourse7.csv",), log_train=csv_text(LOG, rows))
    assert len(found.rows("statements")) + refused(found, "log_train.csv") == len(rows)
