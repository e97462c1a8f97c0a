"""Table dumps of Open edX: what each row becomes, and that nobody can be found in what is kept."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from headway.domain.errors import SourceError
from headway.governance.pseudonyms import pseudonym
from headway.sources.edx import Edx
from headway.sources.source import Request
from tests.contract.edx_case import BLOCK, COURSE, browser, lines
from tests.contract.source_cases import KEY, Read, drain

RUN = "edx/MadeX+C101/2026_T1"
DAY_AFTER = datetime(2026, 7, 1, tzinfo=UTC)

Reader = Callable[..., Read]


def who(user: int) -> str:
    return f"edx/{pseudonym(str(user), KEY)}"


def told(record: dict[str, Any], *columns: str) -> tuple[Any, ...]:
    return tuple(record[column] for column in columns)


def table(*rows: str) -> str:
    return "".join("\t".join(row.split("|")) + "\n" for row in rows)


@pytest.fixture
def read(tmp_path: Path) -> Reader:
    """Reads files of the given names and texts."""

    def reading(files: dict[str, str], **options: str) -> Read:
        folder = tmp_path / "dump"
        folder.mkdir(exist_ok=True)
        for old in folder.iterdir():
            old.unlink()
        for name, text in files.items():
            (folder / name).write_text(text, encoding="utf-8")
        return drain(Edx(), Request(sorted(folder.iterdir()), options, KEY))

    return reading


DATED = "madex-c101-2026-06-30-{}-prod-analytics.sql"
ENROLMENTS = DATED.format("student_courseenrollment")
MODULES = DATED.format("courseware_studentmodule")
COURSE_GRADES = DATED.format("grades_persistentcoursegrade")
SUBSECTIONS = DATED.format("grades_persistentsubsectiongrade")
CERTIFICATES = DATED.format("certificates_generatedcertificate")

ENROLMENT_ROWS = table(
    "id|user_id|course_id|created|is_active|mode",
    f"1|11|{COURSE}|2026-02-20 23:30:00|1|audit",
    f"2|12|{COURSE}|2026-02-21 12:00:00|0|verified",
)


def test_enrolments_are_known_from_their_start_and_as_they_stood_at_the_export(read: Reader) -> None:
    found = read({ENROLMENTS: ENROLMENT_ROWS}, zone="Europe/Madrid")
    assert sorted(
        told(r, "learner", "status", "valid_from", "valid_from_on") for r in found.rows("enrolments")
    ) == sorted(
        [
            (who(11), "enrolled", datetime(2026, 2, 20, 23, 30, tzinfo=UTC), date(2026, 2, 21)),
            (who(11), "enrolled", DAY_AFTER, date(2026, 7, 1)),
            (who(12), "enrolled", datetime(2026, 2, 21, 12, tzinfo=UTC), date(2026, 2, 21)),
            (who(12), "withdrawn", DAY_AFTER, date(2026, 7, 1)),
        ]
    )
    assert [told(r, "value") for r in found.rows("attributes")] == [("audit",), ("verified",)]
    assert [record["run"] for record in found.rows("course_runs")] == [RUN]


def test_without_a_day_of_export_it_is_not_said_when_a_learner_left(read: Reader) -> None:
    name = "student_courseenrollment.sql"
    found = read({name: ENROLMENT_ROWS})
    assert found.reasons() == [(name, 3, "no_export_date")]
    assert [told(r, "learner", "status") for r in found.rows("enrolments")] == [(who(11), "enrolled")]
    dated = read({name: ENROLMENT_ROWS}, exported="2026-06-30")
    assert dated.rejects.num_rows == 0
    assert dated.counts() == read({ENROLMENTS: ENROLMENT_ROWS}).counts()


def test_an_enrolment_told_by_a_table_is_not_implied_by_acts(read: Reader) -> None:
    log = lines([browser("play_video", {"id": "v1"}), browser("play_video", {"id": "v1"}, context={"user_id": 77})])
    found = read({ENROLMENTS: ENROLMENT_ROWS, "tracking.log": log})
    first = [told(r, "learner") for r in found.rows("enrolments") if r["valid_from"].month == 3]
    assert first == [(who(77),)]


def test_states_of_modules_are_visits_and_marks(read: Reader) -> None:
    rows = table(
        "id|module_type|module_id|student_id|state|grade|created|modified|max_grade|done|course_id",
        f'1|problem|{BLOCK}+type@problem+block@p1|11|{{"attempts": 2}}|1|2026-03-02 09:00:00|2026-03-02 09:40:00|4|na|'
        f"{COURSE}",
        f"2|video|i4x://MadeX/C101/video/v1|12|NULL|NULL|2026-03-05 10:00:00|2026-03-05 10:00:00|NULL|na|{COURSE}",
    )
    found = read({MODULES: rows})
    columns = ("learner", "verb", "object", "object_type", "interactions")
    assert sorted(told(r, *columns) for r in found.rows("statements")) == sorted(
        [
            (who(11), "viewed", "problem/p1", "question", 0),
            (who(11), "interacted", "problem/p1", "question", 0),
            (who(12), "viewed", "video/v1", "video", 0),
        ]
    )
    (mark,) = found.rows("results")
    assert told(mark, "learner", "activity", "attempt", "score") == (who(11), "problem/p1", 2, 0.25)
    assert mark["released_at"] == mark["submitted_at"] == datetime(2026, 3, 2, 9, 40, tzinfo=UTC)
    assert {r["interactions"] for r in read({MODULES: rows}, states="yes").rows("statements")} == {1}


def test_grades_are_results_and_a_pass_is_an_outcome(read: Reader) -> None:
    grades = table(
        "id|user_id|course_id|percent_grade|letter_grade|passed_timestamp|created|modified",
        f"1|11|{COURSE}|0.81|Pass|2026-06-01 08:00:00.5|2026-03-01 00:00:00|2026-06-02 08:00:00",
        f"2|12|{COURSE}|0.1||NULL|2026-03-01 00:00:00|2026-03-05 10:05:00",
    )
    found = read({COURSE_GRADES: grades})
    assert [told(r, "learner", "activity", "score") for r in found.rows("results")] == [
        (who(11), "course", 0.81),
        (who(12), "course", 0.1),
    ]
    columns = ("learner", "label", "final_score", "recorded_at")
    passed = [
        (who(11), "pass", None, datetime(2026, 6, 1, 8, 0, 0, 500000, UTC)),
        (who(11), "pass", 0.81, datetime(2026, 6, 2, 8, tzinfo=UTC)),
    ]
    assert [told(r, *columns) for r in found.rows("outcomes")] == passed
    over = read({COURSE_GRADES: grades}, over="yes")
    assert [told(r, *columns) for r in over.rows("outcomes")] == [*passed, (who(12), "fail", 0.1, DAY_AFTER)]


def test_marks_of_subsections(read: Reader) -> None:
    rows = table(
        "user_id|course_id|usage_key|earned_all|possible_all|earned_graded|possible_graded|first_attempted|modified",
        f"11|{COURSE}|{BLOCK}+type@sequential+block@s1|3|4|3|4|2026-03-02 09:00:00|2026-03-03 09:00:00",
        f"11|{COURSE}|{BLOCK}+type@sequential+block@s2|3|4|0|0|2026-03-02 09:00:00|2026-03-03 09:00:00",
        f"12|{COURSE}|{BLOCK}+type@sequential+block@s1|0|4|0|4|NULL|2026-03-03 09:00:00",
    )
    found = read({SUBSECTIONS: rows})
    assert [told(r, "activity", "score", "submitted_on") for r in found.rows("results")] == [
        ("sequential/s1", 0.75, date(2026, 3, 2)),
        ("sequential/s2", None, date(2026, 3, 2)),
    ]
    assert found.reasons() == [(SUBSECTIONS, 4, "not_attempted")]


def test_certificates_tell_outcomes(read: Reader) -> None:
    rows = table(
        "id|user_id|download_url|grade|course_id|distinction|status|name|created_date|modified_date|mode",
        f"1|11|https://x|0.84|{COURSE}|0|downloadable|Greta G|2026-06-10 00:00:00|2026-06-11 00:00:00|honor",
        f"2|12||0.0|{COURSE}|0|notpassing|Hugo H|2026-06-10 00:00:00|2026-06-11 00:00:00|honor",
        f"3|13||0.95|{COURSE}|1|downloadable|Ida I|2026-06-10 00:00:00|2026-06-11 00:00:00|honor",
        f"4|14||0.95|{COURSE}|0|unavailable|Jo J|2026-06-10 00:00:00|2026-06-11 00:00:00|honor",
    )
    found = read({CERTIFICATES: rows})
    assert [told(r, "learner", "label", "final_score") for r in found.rows("outcomes")] == [
        (who(11), "pass", 0.84),
        (who(12), "fail", 0.0),
        (who(13), "distinction", 0.95),
    ]
    assert found.reasons() == [(CERTIFICATES, 5, "no_outcome")]
    assert "Greta" not in str(found)


def test_a_learner_of_a_table_is_the_one_of_the_log(read: Reader) -> None:
    found = read({ENROLMENTS: ENROLMENT_ROWS, "tracking.log": lines([browser("play_video", {"id": "v1"})])})
    assert {r["learner"] for r in found.rows("statements")} <= {r["learner"] for r in found.rows("enrolments")}


FAULTS = {
    f"1||{COURSE}|2026-02-20 12:00:00|1|audit": "no_learner",
    f"1|NULL|{COURSE}|2026-02-20 12:00:00|1|audit": "no_learner",
    "1|11|no course|2026-02-20 12:00:00|1|audit": "bad_course",
    f"1|11|{COURSE}|yesterday|1|audit": "bad_date",
    f"1|11|{COURSE}|0000-00-00 00:00:00|1|audit": "bad_date",
    f"1|11|{COURSE}|1970-01-01 00:00:00|1|audit": "bad_date",
    f"1|11|{COURSE}|2026-08-20 12:00:00|1|audit": "bad_date",
    f"1|11|{COURSE}|2026-02-20 12:00:00|maybe|audit": "unknown_value",
    f"1|11|{COURSE}|2026-02-20 12:00:00|1": "wrong_column_count",
}


def test_a_row_that_cannot_be_is_refused_with_its_reason_and_shows_no_user(read: Reader) -> None:
    found = read({ENROLMENTS: ENROLMENT_ROWS + table(*(row.replace("|11|", "|70077|") for row in FAULTS))})
    assert found.reasons() == [(ENROLMENTS, line, reason) for line, reason in enumerate(FAULTS.values(), 4)]
    assert len(found.rows("enrolments")) == 4
    assert "70077" not in str(found.rejects.to_pylist())


def test_a_table_is_told_by_its_header_where_its_name_says_nothing(read: Reader) -> None:
    assert (
        read({"part1.tsv": ENROLMENT_ROWS}, exported="2026-06-30").counts()
        == read({ENROLMENTS: ENROLMENT_ROWS}).counts()
    )
    commas = ENROLMENT_ROWS.replace("\t", ",")
    assert read({"part1.csv": commas}, exported="2026-06-30").counts() == read({ENROLMENTS: ENROLMENT_ROWS}).counts()


@pytest.mark.parametrize("name", [DATED.format("auth_user"), "people.tsv"])
def test_who_people_are_is_never_read(read: Reader, name: str) -> None:
    people = table("id|username|email|is_staff", "11|greta|greta@made.example|0", "12|hugo|hugo@made.example|0")
    found = read({name: people, ENROLMENTS: ENROLMENT_ROWS})
    assert found.reasons() == [(name, 2, "unknown_table"), (name, 3, "unknown_table")]
    assert "greta" not in str(found.rejects.to_pylist()) + str(found.records)


def test_a_table_that_lacks_a_column_is_an_error_that_names_it(read: Reader) -> None:
    with pytest.raises(SourceError, match="is_active"):
        read({ENROLMENTS: ENROLMENT_ROWS.replace("is_active", "active")})


CELLS = st.sampled_from(
    [
        *(
            "11",
            "12",
            "",
            "NULL",
            COURSE,
            "a/b/c",
            "2026-02-20 12:00:00",
            "2027-02-20 12:00:00",
            "0",
            "1",
            "0.5",
            "nan",
        ),
        *("audit", f"{BLOCK}+type@problem+block@p1", '{"attempts": 1}', '"', "é", "inf", "-1", "9" * 20),
    ]
)


@settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.lists(CELLS, min_size=4, max_size=6), max_size=30))
def test_each_row_becomes_records_or_one_reject(read: Reader, rows: list[list[str]]) -> None:
    whole = [row if len(row) == 6 else [*row, "11"] for row in rows]
    found = read({ENROLMENTS: ENROLMENT_ROWS + table(*("|".join(row) for row in whole))})
    refused = found.reasons()
    assert len({line for _, line, _ in refused}) == len(refused)
    kept = [
        row for number, row in enumerate(whole, start=4) if (ENROLMENTS, number) not in {each[:2] for each in refused}
    ]
    runs = {COURSE: RUN, "a/b/c": "edx/a+b/c"}
    expected = {(runs[row[2]], f"edx/{pseudonym(row[1], KEY)}") for row in kept} | {(RUN, who(11)), (RUN, who(12))}
    assert {told(record, "run", "learner") for record in found.rows("enrolments")} == expected
    assert len(kept) + len(refused) == len(rows)
