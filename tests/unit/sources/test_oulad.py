"""The OULAD source: what each table becomes, and when each row was known."""

import gzip
import shutil
import zipfile
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow.compute as pc
import pytest

from headway.domain.errors import InputError, SourceError, UnknownName
from headway.domain.time import midnight
from headway.sources.oulad import Oulad
from headway.sources.oulad_tables import COLUMNS
from headway.sources.source import Request
from tests.contract.source_cases import OULAD, Read, drain, oulad

START = date(2013, 10, 1)
ZONE = "Europe/London"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "oulad"
    made.mkdir()
    oulad(made)
    return made


def read(*paths: Path, **options: str) -> Read:
    return drain(Oulad(), Request(paths, options))


def day(n: int) -> date:
    return START + timedelta(days=n)


def begins(n: int) -> datetime:
    return midnight(day(n), ZONE)


def one(rows: list[dict[str, Any]], **values: object) -> dict[str, Any]:
    (row,) = [row for row in rows if all(row[name] == value for name, value in values.items())]
    return row


def test_runs_begin_in_october_or_february_and_last_their_days(folder: Path) -> None:
    runs = read(folder).rows("course_runs")
    assert [(r["run"], r["course"], r["starts_on"], r["ends_on"], r["zone"]) for r in runs] == [
        ("oulad/XYZ/2013J", "XYZ", START, day(239), ZONE),
        ("oulad/XYZ/2014B", "XYZ", date(2014, 2, 1), date(2014, 8, 19), ZONE),
    ]
    assert runs[0]["recorded_at"] == midnight(date(2013, 7, 3), ZONE)


def test_activities_have_our_words_weeks_and_due_days(folder: Path) -> None:
    rows = read(folder).rows("activities")
    quiz = one(rows, activity="site/13")
    assert (quiz["type"], quiz["opens_on"], quiz["closes_on"]) == ("quiz", day(7), day(20))
    assert one(rows, activity="site/11")["opens_on"] is None
    first = one(rows, activity="assessment/101")
    assert (first["type"], first["weight"], first["due_on"], first["due_at"]) == ("assignment", 40, day(19), begins(20))
    exam = one(rows, activity="assessment/103")
    assert (exam["type"], exam["due_on"]) == ("exam", day(239))
    assert one(rows, activity="assessment/102")["type"] == "test"


def test_registrations_and_withdrawals_are_known_when_their_day_is_over(folder: Path) -> None:
    found = read(folder)
    rows = [row for row in found.rows("enrolments") if row["learner"] == "oulad/1002"]
    told = [(r["status"], r["valid_from"], r["valid_from_on"], r["recorded_at"]) for r in rows]
    assert told == [("enrolled", begins(-10), day(-10), begins(-9)), ("withdrawn", begins(40), day(40), begins(41))]
    assert found.reasons() == [("studentRegistration.csv", 6, "missing_registration_date")]


def test_a_day_of_clicks_is_one_statement_a_row_across_the_change_of_the_clocks(folder: Path) -> None:
    rows = read(folder).rows("statements")
    change = one(rows, learner="oulad/1001", object="site/12")
    assert change["occurred_on"] == date(2013, 10, 27)
    assert change["occurred_at"] == datetime(2013, 10, 26, 23, tzinfo=UTC)
    assert change["recorded_at"] == datetime(2013, 10, 28, 0, tzinfo=UTC)
    assert (change["verb"], change["interactions"], change["hour"]) == ("viewed", 1, None)


def test_equal_rows_of_one_day_are_all_kept(folder: Path) -> None:
    rows = [r for r in read(folder).rows("statements") if r["object"] == "site/11" and r["learner"] == "oulad/1001"]
    assert [row["interactions"] for row in rows] == [3, 3]
    assert rows[0]["id"] != rows[1]["id"]


def test_a_submission_is_a_statement_without_clicks_and_a_result_that_comes_later(folder: Path) -> None:
    found = read(folder)
    act = one(found.rows("statements"), verb="submitted", learner="oulad/1001", object="assessment/101")
    assert (act["interactions"], act["occurred_at"], act["recorded_at"]) == (0, begins(18), begins(19))
    result = one(found.rows("results"), learner="oulad/1001", activity="assessment/101")
    assert (result["score"], result["attempt"], result["transferred"]) == (0.8, 1, False)
    assert (result["submitted_on"], result["submitted_at"]) == (day(18), begins(18))
    assert result["released_at"] == result["recorded_at"] == begins(26)
    unmarked = one(found.rows("results"), learner="oulad/1002")
    assert unmarked["score"] is None


def test_credit_from_an_earlier_run_is_no_work_of_this_one(folder: Path) -> None:
    found = read(folder)
    credit = one(found.rows("results"), learner="oulad/1003")
    assert (credit["transferred"], credit["score"], credit["submitted_on"]) == (True, 0.7, None)
    assert credit["recorded_at"] == begins(0)
    assert not [r for r in found.rows("statements") if r["verb"] == "submitted" and r["learner"] == "oulad/1003"]


def test_outcomes_are_known_after_the_run_and_withdrawals_when_they_happen(folder: Path) -> None:
    rows = [row for row in read(folder).rows("outcomes") if row["run"] == "oulad/XYZ/2013J"]
    told = {r["learner"]: (r["label"], r["recorded_at"], r["final_score"]) for r in rows}
    assert told == {
        "oulad/1001": ("pass", begins(247), pytest.approx((40 * 0.8 + 60 * 0.5) / 100)),
        "oulad/1002": ("withdrawn", begins(41), None),
        "oulad/1003": ("fail", begins(247), pytest.approx(0.28)),
    }


def test_a_withdrawal_without_a_day_is_known_at_the_end_and_no_weights_give_no_final_score(folder: Path) -> None:
    rows = [row for row in read(folder).rows("outcomes") if row["run"] == "oulad/XYZ/2014B"]
    assert one(rows, learner="oulad/1004")["recorded_at"] == midnight(date(2014, 8, 27), ZONE)
    assert one(rows, learner="oulad/1001")["final_score"] is None


def test_facts_about_learners_say_which_are_sensitive_and_from_when(folder: Path) -> None:
    rows = [r for r in read(folder).rows("attributes") if r["learner"] == "oulad/1002"]
    assert {r["name"]: (r["value"], r["sensitive"]) for r in rows} == {
        "gender": ("F", True),
        "region": ("Wales", True),
        "highest_education": ("A Level or Equivalent", True),
        "age_band": ("0-35", True),
        "disability": ("Y", True),
        "previous_attempts": ("1", False),
        "studied_credits": ("120", False),
    }
    assert {r["valid_from"] for r in rows} == {r["recorded_at"] for r in rows} == {begins(-9)}


def test_lags_are_options(folder: Path) -> None:
    found = read(folder, score_lag_days="0", outcome_lag_days="30")
    assert one(found.rows("results"), learner="oulad/1001", activity="assessment/101")["released_at"] == begins(19)
    assert one(found.rows("outcomes"), learner="oulad/1003")["recorded_at"] == begins(270)


@pytest.mark.parametrize("value", ["-1", "soon", "366", "1.5", ""])
def test_a_lag_that_is_no_number_of_days_is_refused(folder: Path, value: str) -> None:
    with pytest.raises(InputError, match="score_lag_days"):
        read(folder, score_lag_days=value)


def test_only_the_runs_asked_for_are_read_and_others_are_neither_read_nor_refused(folder: Path) -> None:
    whole, part = read(folder), read(folder, runs="oulad/XYZ/*B")
    for kind, table in part.records.items():
        assert set(table["run"].to_pylist()) <= {"oulad/XYZ/2014B"}
        of_run = whole.records[kind].filter(pc.equal(whole.records[kind]["run"], "oulad/XYZ/2014B"))
        assert table.sort_by("id").equals(of_run.sort_by("id"))
    assert part.reasons() == whole.reasons()
    assert read(folder, runs="oulad/XYZ/2013J").reasons() == []


def test_an_unknown_run_is_refused_with_the_nearest(folder: Path) -> None:
    with pytest.raises(UnknownName, match="oulad/XYZ/2013J"):
        read(folder, runs="oulad/XYZ/2013")


def test_plain_gzip_split_zip_and_single_files_give_the_same_records(folder: Path, tmp_path: Path) -> None:
    expected = read(folder)
    packed = tmp_path / "packed"
    packed.mkdir()
    archive = tmp_path / "anonymisedData.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as out:
        for file in sorted(folder.iterdir()):
            out.write(file, f"data/{file.name}")
            (packed / f"{file.name}.gz").write_bytes(gzip.compress(file.read_bytes()))
    header, *rows = OULAD["studentVle"].splitlines(keepends=True)
    (packed / "studentVle.csv.gz").unlink()
    for part, kept in (("2013J", rows[:5]), ("2014B", rows[5:])):
        (packed / f"studentVle_XYZ_{part}.csv.gz").write_bytes(gzip.compress((header + "".join(kept)).encode()))
    for found in (read(packed), read(archive), read(*sorted(folder.iterdir()))):
        for kind, table in expected.records.items():
            assert found.records[kind].sort_by("id").equals(table.sort_by("id")), kind
        assert [reason for *_, reason in found.reasons()] == ["missing_registration_date"]


def test_the_same_clicks_from_two_files_are_the_same_records(folder: Path) -> None:
    once = Counter(read(folder).records["statements"]["id"].to_pylist())
    shutil.copy(folder / "studentVle.csv", folder / "studentVle_XYZ.csv")
    twice = Counter(read(folder).records["statements"]["id"].to_pylist())
    assert set(once) == set(twice)
    assert max(once.values()) == 1
    assert sum(twice.values()) == 2 * len(once) - 4  # the four submissions are in no second file


def test_tables_that_are_not_there_are_left_out(folder: Path) -> None:
    for table in COLUMNS:
        if table not in ("courses", "studentInfo", "studentRegistration"):
            (folder / f"{table}.csv").unlink()
    assert read(folder).counts().keys() == {"course_runs", "enrolments", "outcomes", "attributes"}


@pytest.mark.parametrize("table", ["courses", "assessments"])
def test_a_table_that_others_need_is_missed_by_name(folder: Path, table: str) -> None:
    (folder / f"{table}.csv").unlink()
    with pytest.raises(SourceError, match=rf"{table}\.csv is not in"):
        read(folder)


def test_paths_that_hold_no_data_set_are_refused(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "notes.txt").write_text("x")
    with zipfile.ZipFile(tmp_path / "other.zip", "w") as out:
        out.writestr("readme.txt", "x")
    (tmp_path / "broken.zip").write_bytes(b"PK\x03\x04 and no more")
    for name, said in {
        "empty": "courses.csv",
        "notes.txt": "no file of OULAD",
        "other.zip": "right zip",
        "broken.zip": "Download it again",
        "nowhere": "does not exist",
    }.items():
        with pytest.raises(SourceError, match=said):
            read(folder, tmp_path / name)


BAD_ROWS = {
    "courses": {"XYZ,2013K,240": "unknown_value", "X Z,2013J,240": "unknown_value", "XYZ,2015J,0": "bad_number"},
    "vle": {
        "14,XYZ,2019J,page,,": "unknown_run",
        "x,XYZ,2013J,page,,": "bad_number",
        "14,XYZ,2013J,pub,,": "unknown_value",
        "14,XYZ,2013J,page,one,": "bad_date",
        "11,XYZ,2013J,page,,": "conflicting_row",
    },
    "assessments": {
        "XYZ,2013J,104,Essay,1,1": "unknown_value",
        "XYZ,2013J,104,TMA,1e9,1": "bad_date",
        "XYZ,2013J,104,TMA,1,": "missing_value",
        "XYZ,2013J,104,TMA,1,101": "bad_number",
    },
    "studentRegistration": {
        "XYZ,2013J,,-5,": "missing_value",
        "XYZ,2013J,1009,soon,": "bad_date",
        "XYZ,2013J,1009,1,99999999999999999999": "bad_date",
        "XYZ,2013J,1001,-61,": "conflicting_row",
    },
    "studentInfo": {
        "XYZ,2013J,1009,M,a,b,c,d,0,60,N,Gone": "unknown_value",
        "XYZ,2013J,1009,M,a,b,c,d,0,60,N,": "missing_value",
        "XYZ,2013J,1009,M,a,b,c,d,nan,60,N,Pass": "bad_number",
        "XYZ,2013J,1001,M,a,b,c,d,0,60,N,Fail": "conflicting_row",
    },
    "studentAssessment": {
        "999,1001,1,0,50": "unknown_assessment",
        "101,1009,,0,50": "missing_value",
        "101,1009,1,2,50": "unknown_value",
        "101,1009,1,0,-1": "bad_number",
        "101,1009,1,0,inf": "bad_number",
        "101,1001,18,0,81": "conflicting_row",
    },
    "studentVle": {
        "XYZ,2012J,1001,11,1,1": "unknown_run",
        "XYZ,2013J,1001,11,,1": "missing_value",
        "XYZ,2013J,1001,11,1.5,1": "bad_date",
        "XYZ,2013J,1001,11,1,-2": "bad_number",
        "XYZ,2013J,1001,11,1,1,1": "wrong_column_count",
    },
}


@pytest.mark.parametrize("table", BAD_ROWS)
def test_a_bad_row_goes_to_the_quarantine_and_no_other_row_changes(folder: Path, table: str) -> None:
    sound = read(folder)
    file = folder / f"{table}.csv"
    lines = OULAD[table].count("\n")
    file.write_text(OULAD[table] + "".join(f"{row}\n" for row in BAD_ROWS[table]), encoding="utf-8")
    found = read(folder)
    assert found.counts() == sound.counts()
    for kind, records in sound.records.items():
        assert found.records[kind].sort_by("id").equals(records.sort_by("id")), kind
    added = [row for row in found.rejects.to_pylist() if row["file"] == file.name and row["line"] > lines]
    assert [(r["line"] - lines, r["reason"], r["raw"]) for r in sorted(added, key=lambda r: int(r["line"]))] == [
        (place, reason, row) for place, (row, reason) in enumerate(BAD_ROWS[table].items(), start=1)
    ]


def test_an_equal_row_is_delivered_again_and_multiplies_nothing(folder: Path) -> None:
    sound = read(folder)
    for table in COLUMNS:
        file = folder / f"{table}.csv"
        if table != "studentVle":  # there an equal row is one more total
            file.write_text(OULAD[table] + OULAD[table].splitlines()[1] + "\n", encoding="utf-8")
    found = read(folder)
    for kind, records in sound.records.items():
        assert set(found.records[kind]["id"].to_pylist()) == set(records["id"].to_pylist()), kind
        assert found.records[kind].num_rows >= records.num_rows
    rows: dict[bytes, object] = {row["id"]: row for row in sound.rows("outcomes")}
    assert all(rows[row["id"]] == row for row in found.rows("outcomes"))
