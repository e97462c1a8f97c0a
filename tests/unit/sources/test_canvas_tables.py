"""Canvas Data 2 tables, page views and request logs, in every layout they come in. Everything is made up."""

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from headway.domain.errors import SourceError
from headway.governance.pseudonyms import pseudonym
from headway.sources.canvas import Canvas
from headway.sources.canvas_tables import TABLES, UNKNOWN, plain_name, table_of
from headway.sources.source import Request
from tests.contract.source_cases import KEY, Read, drain

Row = dict[str, Any]

COURSES: Final[list[Row]] = [
    {"id": 565, "name": "Algebra", "course_code": "MATH1", "enrollment_term_id": 3, "start_at": "2024-01-08T00:00:00Z"}
    | {"conclude_at": "2024-05-01T00:00:00Z", "created_at": "2023-12-01T00:00:00Z", "workflow_state": "available"},
    {"id": 566, "name": "Geometry", "course_code": "MATH2", "enrollment_term_id": 4, "start_at": None}
    | {"conclude_at": None, "created_at": "2023-12-01T00:00:00Z", "workflow_state": "available"},
]
ENROLMENTS: Final[list[Row]] = [
    {"id": 70, "user_id": 48, "course_id": 565, "course_section_id": 5, "type": "StudentEnrollment"}
    | {"workflow_state": "active", "created_at": "2024-01-02T00:00:00Z", "updated_at": "2024-01-02T00:00:00Z"},
    {"id": 71, "user_id": 900, "course_id": 565, "course_section_id": 5, "type": "TeacherEnrollment"}
    | {"workflow_state": "active", "created_at": "2024-01-02T00:00:00Z", "updated_at": "2024-01-02T00:00:00Z"},
]
ASSIGNMENTS: Final[list[Row]] = [
    {"id": 7, "context_id": 565, "context_type": "Course", "title": "Essay", "due_at": "2024-02-01T23:59:59Z"}
    | {"unlock_at": "2024-01-20T00:00:00Z", "lock_at": None, "points_possible": 20, "submission_types": "online_upload"}
    | {"workflow_state": "published", "created_at": "2024-01-05T00:00:00Z", "updated_at": "2024-03-01T00:00:00Z"},
]
SUBMISSIONS: Final[list[Row]] = [
    {"id": 9, "assignment_id": 7, "user_id": 48, "course_id": 565, "attempt": 1, "score": 15, "grade": "15"}
    | {"submitted_at": "2024-01-31T10:00:00.500Z", "graded_at": "2024-02-05T10:00:00Z", "workflow_state": "graded"}
    | {"posted_at": "2024-02-06T10:00:00Z", "created_at": "2024-01-05T00:00:00Z"},
    {"id": 10, "assignment_id": 7, "user_id": 49, "course_id": 565, "attempt": None, "score": None, "grade": None}
    | {"submitted_at": None, "graded_at": None, "workflow_state": "unsubmitted", "posted_at": None}
    | {"created_at": "2024-01-05T00:00:00Z"},
]
ALL: Final[dict[str, list[Row]]] = {
    "courses": COURSES,
    "enrollments": ENROLMENTS,
    "assignments": ASSIGNMENTS,
    "submissions": SUBMISSIONS,
}


def as_lines(folder: Path, table: str, rows: list[Row]) -> None:
    (folder / f"{table}.json").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def as_array(folder: Path, table: str, rows: list[Row]) -> None:
    packed = gzip.compress(json.dumps(rows, indent=1).encode())
    (folder / f"{table}.json.gz").write_bytes(packed)


def as_dap_lines(folder: Path, table: str, rows: list[Row]) -> None:
    (folder / table).mkdir()
    told = [
        {"key": {"id": row["id"]}, "value": {k: v for k, v in row.items() if k != "id"}, "meta": {"action": "U"}}
        for row in rows
    ]
    as_lines(folder / table, "part-00000-1f2e-c000", told)


def as_csv(folder: Path, table: str, rows: list[Row]) -> None:
    _delimited(folder / f"{table}.csv", rows, ",", "", "")


def as_dap_csv(folder: Path, table: str, rows: list[Row]) -> None:
    _delimited(folder / f"{table}.csv", rows, ",", "value.", "")


def as_dap_tsv(folder: Path, table: str, rows: list[Row]) -> None:
    _delimited(folder / f"{table}.tsv", rows, "\t", "value.", "\\N")


def _delimited(path: Path, rows: list[Row], delimiter: str, prefix: str, absent: str) -> None:
    names = list(rows[0])
    header = [f"key.{name}" if prefix and name == "id" else f"{prefix}{name}" for name in names]
    lines = [header, *([absent if row[name] is None else str(row[name]) for name in names] for row in rows)]
    path.write_text("".join(delimiter.join(line) + "\n" for line in lines), encoding="utf-8")


def as_parquet(folder: Path, table: str, rows: list[Row]) -> None:
    pq.write_table(pa.Table.from_pylist(rows), folder / f"{table}.parquet")


def as_dap_parquet(folder: Path, table: str, rows: list[Row]) -> None:
    told = [
        {"key": {"id": row["id"]}, "value": {k: v for k, v in row.items() if k != "id"}, "meta": {"action": "U"}}
        for row in rows
    ]
    pq.write_table(pa.Table.from_pylist(told), folder / f"{table}.parquet")


WRITERS: Final = (as_lines, as_array, as_dap_lines, as_csv, as_dap_csv, as_dap_tsv, as_parquet, as_dap_parquet)


def read(folder: Path, **options: str) -> Read:
    return drain(Canvas(), Request([folder], options, KEY))


def wrote(folder: Path, write: Callable[[Path, str, list[Row]], None], tables: dict[str, list[Row]]) -> Path:
    folder.mkdir()
    for table, rows in tables.items():
        write(folder, table, rows)
    return folder


def learner(native: str) -> str:
    return f"canvas/{pseudonym(native, KEY)}"


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Read:
    return read(wrote(tmp_path_factory.mktemp("canvas") / "plain", as_lines, ALL))


@pytest.mark.parametrize("write", WRITERS[1:])
def test_a_table_says_the_same_in_whatever_it_is_written(
    tmp_path: Path, plain: Read, write: Callable[[Path, str, list[Row]], None]
) -> None:
    found = read(wrote(tmp_path / "tables", write, ALL))
    assert found.counts() == plain.counts()
    for kind, table in plain.records.items():
        assert table.sort_by("id").equals(found.records[kind].sort_by("id")), kind
    assert [row[2] for row in found.reasons()] == [row[2] for row in plain.reasons()]


def test_every_row_is_a_record_or_refused(plain: Read) -> None:
    assert plain.counts() == {"course_runs": 1, "activities": 1, "enrolments": 1, "results": 1, "statements": 1}
    assert plain.reasons() == [
        ("courses.json", 2, "no_dates"),
        ("enrollments.json", 2, "not_a_learner"),
        ("submissions.json", 2, "nothing_submitted"),
    ]


def test_a_course_says_when_its_run_is(plain: Read) -> None:
    (run,) = plain.rows("course_runs")
    assert (run["run"], run["title"], run["inferred"]) == ("canvas/565/1", "Algebra", None)
    assert (str(run["starts_on"]), str(run["ends_on"])) == ("2024-01-08", "2024-04-30")
    assert run["recorded_at"].isoformat() == "2023-12-01T00:00:00+00:00"


def test_a_plan_saved_again_after_it_began_is_as_old_as_its_row(plain: Read) -> None:
    (task,) = plain.rows("activities")
    assert (task["activity"], task["type"], str(task["due_on"])) == ("assignment/7", "assignment", "2024-02-01")
    assert task["recorded_at"].isoformat() == "2024-01-05T00:00:00+00:00"


def test_a_mark_is_known_when_it_was_given_and_shown(plain: Read) -> None:
    (result,) = plain.rows("results")
    (statement,) = plain.rows("statements")
    assert (result["learner"], result["score"], result["attempt"]) == (learner("48"), 0.75, 1)
    assert result["recorded_at"] == result["released_at"]
    assert result["released_at"].isoformat() == "2024-02-06T10:00:00+00:00"
    assert statement["verb"] == "submitted"
    assert statement["occurred_at"].isoformat() == "2024-01-31T10:00:00+00:00"


def test_terms_sections_and_people_help_and_are_not_kept(tmp_path: Path) -> None:
    tables: dict[str, list[Row]] = {
        "courses": [COURSES[1]],
        "enrollment_terms": [{"id": 4, "name": "Spring", "start_at": "2024-01-08", "end_at": "2024-05-01"}],
        "course_sections": [{"id": 5, "course_id": 566, "name": "A"}],
        "enrollments": [{**ENROLMENTS[0], "course_id": None}],
        "users": [{"id": 48, "name": "Ada Example", "sortable_name": "Example, Ada"}],
    }
    found = read(wrote(tmp_path / "tables", as_lines, tables))
    assert {row[2] for row in found.reasons()} == {"lookup_only"}
    assert [row["run"] for row in found.rows("enrolments")] == ["canvas/566/1"]
    assert [str(row["starts_on"]) for row in found.rows("course_runs")] == ["2024-01-08"]
    assert "Ada" not in str(found.rejects.to_pylist())


def quiz_submission(number: int, mark: float, **more: Any) -> Row:
    row = {"id": number, "quiz_id": 12, "user_id": number, "workflow_state": "complete", "attempt": 2, "score": mark}
    row |= {"kept_score": 20, "quiz_points_possible": 20, "was_preview": False}
    return row | {"started_at": "2024-02-01T10:00:00Z", "finished_at": "2024-02-01T10:20:00Z"} | more


QUIZ: Final[Row] = {
    "id": 12,
    "context_id": 565,
    "assignment_id": 8,
    "quiz_type": "assignment",
    "points_possible": 20,
} | {"title": "Quiz", "workflow_state": "published", "created_at": "2024-01-05T00:00:00Z"}


def test_a_graded_quiz_is_the_assignment_it_belongs_to(tmp_path: Path) -> None:
    taken = [quiz_submission(1, 15), quiz_submission(2, 5, was_preview=True)]
    taken += [quiz_submission(3, 0, finished_at=None, workflow_state="untaken", score=None, kept_score=None)]
    found = read(wrote(tmp_path / "tables", as_lines, {"quizzes": [QUIZ], "quiz_submissions": taken}))
    (result,) = found.rows("results")
    assert (result["activity"], result["score"], result["attempt"]) == ("assignment/8", 0.75, 2)
    assert [(row["activity"], row["type"]) for row in found.rows("activities")] == [("quiz/12", "quiz")]
    assert [row[1:] for row in found.reasons()] == [(2, "not_a_learner"), (3, "nothing_submitted")]


@pytest.mark.parametrize(("options", "share"), [({}, 0.5), ({"scores": "points"}, 0.025), ({"scores": "share"}, 0.5)])
def test_marks_that_are_all_shares_of_one_are_taken_as_shares(
    tmp_path: Path, options: dict[str, str], share: float
) -> None:
    taken = [quiz_submission(number, 0.5) for number in range(1, 61)]
    found = read(wrote(tmp_path / "tables", as_lines, {"quizzes": [QUIZ], "quiz_submissions": taken}), **options)
    assert {row["score"] for row in found.rows("results")} == {share}
    assert len(found.rows("results")) == 60


def test_scores_are_facts_and_with_a_pass_mark_outcomes(tmp_path: Path) -> None:
    done = [{**ENROLMENTS[0], "workflow_state": "completed"}, {**ENROLMENTS[0], "id": 73, "user_id": 49}]
    scores = [{"id": 1, "enrollment_id": 70, "current_score": 61.5, "final_score": 58, "course_score": True}]
    scores += [{"id": 2, "enrollment_id": 73, "current_score": 70, "final_score": 70, "course_score": True}]
    scores += [{"id": 3, "enrollment_id": 73, "current_score": 9, "final_score": 9, "course_score": False}]
    told = [row | {"updated_at": "2024-05-02T00:00:00Z", "workflow_state": "active"} for row in scores]
    folder = wrote(tmp_path / "tables", as_lines, {"enrollments": done, "scores": told})
    found = read(folder)
    assert found.rows("outcomes") == []
    assert sorted(row["value"] for row in found.rows("attributes")) == ["61.5", "70.0"]
    assert [row[1:] for row in found.reasons()] == [(3, "partial_score")]
    (outcome,) = read(folder, pass_mark="60").rows("outcomes")
    assert (outcome["learner"], outcome["label"], outcome["final_score"]) == (learner("48"), "fail", 0.58)


VIEWS: Final = """request_id,user_id,url,context_type,context_id,asset_type,controller,action,interaction_seconds,\
created_at,user_request,user_agent,participated,real_user_id,http_method
a1,48,https://c.example/courses/565/quizzes/12,Course,565,,quizzes/quizzes,show,33,2024-02-01T10:00:00Z,true,Moz,false,,get
a2,48,https://c.example/courses/565/files/3/download?download_frd=1,Course,565,,files,download,,2024-02-01T10:01:00Z,true,Moz,,,get
a3,48,https://c.example/courses/565,Course,565,,courses,show,5,2024-02-01T10:02:00Z,true,Moz,,,get
a4,48,https://c.example/api/v1/ping,Course,565,,misc,ping,5,2024-02-01T10:02:00Z,false,Moz,,,get
a5,48,https://c.example/courses/565,Course,565,,courses,show,5,2024-02-01T10:02:00Z,true,Moz,,900,get
a6,,https://c.example/courses/565,Course,565,,courses,show,5,2024-02-01T10:02:00Z,true,Moz,,,get
a7,48,https://c.example/profile,User,48,,profile,show,5,2024-02-01T10:02:00Z,true,Moz,,,get
a8,48,https://c.example/courses/565/users/900,Course,565,,context,roster_user,5,2024-02-01T10:03:00Z,true,Moz,,,get
a9,48,https://c.example/courses/565/assignments/7/submissions,Course,565,,submissions,create,5,2024-02-01T10:04:00Z,true,Moz,true,,post
"""


def test_page_views_say_what_was_looked_at_and_how_long(tmp_path: Path) -> None:
    (tmp_path / "page_views.csv").write_text(VIEWS, encoding="utf-8")
    found = read(tmp_path)
    rows = [(r["verb"], r["object"], r["object_type"], r["event"], r["duration_s"]) for r in found.rows("statements")]
    assert rows == [
        ("viewed", "quiz/12", "quiz", "quizzes/quizzes#show", 33.0),
        ("downloaded", "attachment/3", "file", "files#download", None),
        ("viewed", "home", "homepage", "courses#show", 5.0),
        ("viewed", "roster", "other", "context#roster_user", 5.0),
        ("interacted", "assignment/7", "assignment", "submissions#create", 5.0),
    ]
    assert [row[1:] for row in found.reasons()] == [
        (5, "background_request"),
        (6, "login_as"),
        (7, "no_learner"),
        (8, "no_course"),
    ]
    assert "c.example" not in str(found.records["statements"].to_pylist()) + str(found.rejects.to_pylist())


def test_equal_page_views_without_an_id_are_as_many_as_there_are_and_the_same_from_another_file(tmp_path: Path) -> None:
    line = "2024-02-01 10:00:00,48,/courses/565/modules,565\n"
    text = "created_at,user_id,url,course_id\n" + line * 3
    for name in ("page_views.csv", "page_views_again.csv"):
        (tmp_path / name).write_text(text, encoding="utf-8")
    found = read(tmp_path)
    assert len(found.rows("statements")) == 6
    assert len({row["id"] for row in found.rows("statements")}) == 3


def test_web_logs_are_read_by_the_ids_they_name(tmp_path: Path) -> None:
    log = {"id": "r1", "timestamp": "2024-02-01T10:00:00.000Z", "user_id": 48, "course_id": 565, "quiz_id": None}
    log |= {"assignment_id": 7, "discussion_id": None, "url": "/api/x", "http_method": "GET", "http_status": 200}
    log |= {"web_application_controller": "assignments", "web_application_action": "show", "remote_ip": "198.51.100.7"}
    as_lines(tmp_path, "web_logs", [log, {**log, "id": "r2", "http_status": 404}])
    found = read(tmp_path)
    (row,) = found.rows("statements")
    assert (row["object"], row["event"]) == ("assignment/7", "assignments#show")
    assert found.reasons() == [("web_logs.json", 2, "failed_request")]


def test_discussions_are_posts_and_answers(tmp_path: Path) -> None:
    topic = {"id": 30, "context_id": 565, "context_type": "Course", "user_id": 900, "title": "Hello", "type": None}
    topic |= {"workflow_state": "active", "posted_at": "2024-01-10T00:00:00Z", "created_at": "2024-01-10T00:00:00Z"}
    entry = {"id": 31, "discussion_topic_id": 30, "user_id": 48, "parent_id": None, "message": "<p>Hi</p>"}
    entry |= {"created_at": "2024-01-11T00:00:00.900Z", "workflow_state": "active"}
    tables: dict[str, list[Row]] = {
        "discussion_topics": [topic],
        "discussion_entries": [entry],
        "enrollments": ENROLMENTS,
    }
    found = read(wrote(tmp_path / "tables", as_lines, tables), texts="yes")
    assert [(row["verb"], row["role"], row["parent"]) for row in found.rows("statements")] == [
        ("replied", None, "discussion_topic/30"),
        ("posted", "instructor", "topics"),
    ]
    assert [row["body"].strip() for row in found.rows("texts")] == ["Hi"]


def test_a_table_nobody_reads_is_refused_row_by_row(tmp_path: Path) -> None:
    as_lines(tmp_path, "accounts", [{"id": 1, "name": "Ada Example"}, {"id": 2}])
    found = read(tmp_path)
    assert [row[1:] for row in found.reasons()] == [(1, "unknown_table"), (2, "unknown_table")]
    assert "Ada" not in str(found.rejects.to_pylist())


@pytest.mark.parametrize("name", ["stuff.csv", "stuff.parquet"])
def test_columns_that_no_table_of_canvas_has_stop_the_reading(tmp_path: Path, name: str) -> None:
    if name.endswith("csv"):
        (tmp_path / name).write_text("a,b\n1,2\n", encoding="utf-8")
    else:
        pq.write_table(pa.table({"a": [1]}), tmp_path / name)
    with pytest.raises(SourceError, match=name):
        read(tmp_path)


@pytest.mark.parametrize("content", [b"PAR1", b"", b"PAR1" + b"\0" * 100 + b"PAR1"])
def test_a_damaged_parquet_file_stops_the_reading(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "courses.parquet").write_bytes(content)
    with pytest.raises(SourceError, match=r"courses\.parquet"):
        read(tmp_path)


def test_a_row_deleted_since_is_refused(tmp_path: Path) -> None:
    as_lines(tmp_path, "submissions", [{"key": {"id": 9}, "meta": {"action": "D", "ts": "2024-01-01T00:00:00Z"}}])
    assert [row[2] for row in read(tmp_path).reasons()] == ["deleted"]


@pytest.mark.parametrize(
    ("name", "columns", "table"),
    [
        ("courses-00001.json.gz", ["id", "name"], "courses"),
        ("job_1/part-0.json", ["id", "quiz_id", "user_id", "score"], "quiz_submissions"),
        ("export.csv", ["id", "assignment_id", "user_id"], "submissions"),
        ("requests.csv", ["timestamp", "user_id", "url"], "web_logs"),
        ("dump.csv", ["id", "course_code", "name"], "courses"),
        ("dump.csv", ["id", "name"], UNKNOWN),
    ],
)
def test_a_table_is_known_by_its_name_or_by_its_columns(name: str, columns: list[str], table: str) -> None:
    assert table_of(Path("data") / name, name, columns) == table


def test_every_table_has_an_event_and_columns_that_the_common_form_has() -> None:
    assert plain_name("value.User_ID") == "user_id"
    assert plain_name("User ID") == "user_id"
    assert all(table.event and table.needs for table in TABLES.values())
