"""The source of Apereo's extracts: what each becomes, and when each row was known."""

from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headway.domain.errors import SourceError, UnknownName
from headway.governance.pseudonyms import pseudonym
from headway.sources.lap import Lap
from headway.sources.source import Request
from tests.contract.source_cases import Read, drain
from tests.contract.tabular_cases import KEY, LAP
from tests.support.rows import any_row, csv_text, put, refused

RUN = "lap/BIO_101_A/24F"
P1, P2, P3, P4 = (f"lap/{pseudonym(name, KEY)}" for name in ("P1", "P2", "P3", "P4"))


def read(folder: Path, *, without: tuple[str, ...] = (), options: dict[str, str] | None = None, **files: str) -> Read:
    tables = {name: text for name, text in LAP.items() if name not in without}
    tables |= {f"{name}.csv": text for name, text in files.items()}
    return drain(Lap(), Request([put(folder / "data", tables)], options or {}, KEY))


def test_the_term_is_the_run_and_its_dates_are_those_of_the_log(tmp_path: Path) -> None:
    (run,) = read(tmp_path).rows("course_runs")
    assert (run["run"], run["course"], run["title"], run["inferred"]) == (RUN, "BIO_101_A", "Biology", True)
    assert (run["starts_on"], run["ends_on"]) == (date(2024, 9, 3), date(2024, 12, 13))
    (told,) = read(tmp_path, options={"starts": "2024-09-02", "ends": "2024-12-20"}).rows("course_runs")
    assert (told["starts_on"], told["ends_on"], told["inferred"]) == (date(2024, 9, 2), date(2024, 12, 20), None)


def test_who_is_listed_is_enrolled_on_the_first_day_and_the_others_when_they_first_act(tmp_path: Path) -> None:
    rows = [(r["learner"], r["status"], r["valid_from"]) for r in read(tmp_path).rows("enrolments")]
    start = datetime(2024, 9, 3, tzinfo=UTC)
    assert sorted(rows) == sorted(
        [
            (P1, "enrolled", start),
            (P2, "enrolled", start),
            (P3, "enrolled", start),
            (P2, "withdrawn", datetime(2024, 10, 1, tzinfo=UTC)),
            (P4, "enrolled", datetime(2024, 11, 1, tzinfo=UTC)),
        ]
    )


def test_a_final_grade_is_known_at_the_end_and_an_incomplete_is_none(tmp_path: Path) -> None:
    found = {row["learner"]: row for row in read(tmp_path).rows("outcomes")}
    assert {who: (row["label"], row["final_score"]) for who, row in found.items()} == {
        P1: ("pass", 3.3 / 4),
        P2: ("withdrawn", None),
    }
    assert found[P1]["recorded_at"] == datetime(2024, 12, 14, tzinfo=UTC)
    assert found[P2]["recorded_at"] == datetime(2024, 10, 1, tzinfo=UTC)


def test_marks_are_known_when_graded_or_at_the_end(tmp_path: Path) -> None:
    found = read(tmp_path)
    marks = {(row["learner"], row["activity"]): (row["score"], row["released_at"]) for row in found.rows("results")}
    assert marks == {
        (P1, "Essay 1"): (0.8, datetime(2024, 9, 20, 10, tzinfo=UTC)),
        (P2, "Essay 1"): (1.0, datetime(2024, 9, 21, tzinfo=UTC)),  # more than all points is all points
        (P3, "Quiz 1"): (0.7, datetime(2024, 12, 14, tzinfo=UTC)),
    }
    assert found.reasons() == [("grade.csv", 3, "not_graded")]
    types = {row["activity"]: (row["type"], row["weight"]) for row in found.rows("activities")}
    assert types == {"Essay 1": ("assignment", 5.0), "Quiz 1": ("test", 10.0)}


def test_events_have_our_words_and_equal_ones_are_told_apart(tmp_path: Path) -> None:
    rows = read(tmp_path).rows("statements")
    assert [(r["event"], r["verb"], r["object_type"]) for r in rows] == [
        ("content.read", "viewed", "file"),
        ("content.read", "viewed", "file"),
        ("asn.submit.submission", "submitted", "assignment"),
        ("pres.begin", "viewed", "homepage"),
        ("jforum.strange", "interacted", "other"),
    ]
    assert len({row["id"] for row in rows}) == 5


def test_facts_are_kept_by_run_and_what_says_who_somebody_is_is_sensitive(tmp_path: Path) -> None:
    rows = [row for row in read(tmp_path).rows("attributes") if row["learner"] == P1]
    assert {row["name"]: row["value"] for row in rows if row["sensitive"]} == {
        "age": "21",
        "gender": "M",
        "pell_status": "N",
    }
    known = {row["name"]: row["recorded_at"] for row in rows}
    assert known["sat_math"] == datetime(2024, 9, 3, tzinfo=UTC)
    assert known["gpa_semester"] == datetime(2024, 12, 14, tzinfo=UTC), "it counts this very course"
    assert "act_composite" not in known


def test_what_points_nowhere_is_refused(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        personal=LAP["personal.csv"] + "P9,,,,,23,,F,P,70,2.93,2.46,1,Y,SO\n",
        enrollment=LAP["enrollment.csv"] + "P5,CHE_1_24F,A,\nP6,BIO_101_A_24F,Q,\nP7,BIO_101_A_24F,A,soon\n",
    )
    assert found.reasons() == [
        ("enrollment.csv", 5, "unknown_course"),
        ("enrollment.csv", 6, "unknown_value"),
        ("enrollment.csv", 7, "bad_date"),
        ("grade.csv", 3, "not_graded"),
        ("personal.csv", 4, "no_course"),
    ]
    assert "P9" not in str(found.rejects.to_pylist())


def test_a_course_without_events_needs_dates(tmp_path: Path) -> None:
    found = read(tmp_path, without=("activity.csv",))
    assert {reason for *_, reason in found.reasons()} == {"no_dates", "no_course", "not_graded"} - {"not_graded"}
    dated = read(tmp_path, without=("activity.csv",), options={"starts": "2024-09-02", "ends": "2024-12-20"})
    assert len(dated.rows("outcomes")) == 2


def test_a_wrong_path_or_option_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="No file of the extracts of Apereo LAP"):
        drain(Lap(), Request([tmp_path], {}, KEY))
    with pytest.raises(UnknownName, match="zones"):
        read(tmp_path, options={"zones": "UTC"})


EVENTS = any_row(("P1", "P2"), ("BIO_101_A_24F",), ("content.read",), ("2024-09-03T10:58:34", "2024-09-04"))
GRADES = any_row(
    *(("P1",), ("BIO_101_A_24F",), ("Essay 1", "Essay 2"), ("Homework",), ("5", "10"), ("4", ""), ("0.5",)),
    ("2024-09-20",),
)


@settings(max_examples=12, deadline=None)
@given(events=st.lists(EVENTS, max_size=6), grades=st.lists(GRADES, max_size=6))
def test_no_row_is_lost(
    events: list[list[str]], grades: list[list[str]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    activity, grade = (LAP[name].splitlines()[0] for name in ("activity.csv", "grade.csv"))
    found = read(tmp_path_factory.mktemp("fuzz"), activity=csv_text(activity, events), grade=csv_text(grade, grades))
    assert len(found.rows("statements")) + refused(found, "activity.csv") == len(events)
    assert len(found.rows("results")) + refused(found, "grade.csv") == len(grades)
