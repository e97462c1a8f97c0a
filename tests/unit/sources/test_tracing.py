"""Answers in order without times: who is who, what comes first, what a row is refused for."""

from datetime import UTC, datetime
from pathlib import Path

from headway.sources.source import SOURCES, Request
from tests.contract.source_cases import KEY, Read, drain


def read(folder: Path, name: str, text: str) -> Read:
    (folder / name).write_text(text, encoding="utf-8")
    return drain(SOURCES.get("tracing"), Request([folder / name], {}, KEY))


def test_the_order_is_that_of_the_rows_and_minutes_are_made_up(tmp_path: Path) -> None:
    found = read(tmp_path, "a.csv", "learner,item,skill,correct\n7,i,s,1\n8,i,s,0\n7,j,s;t,false\n")
    rows = found.rows("responses")
    mine = sorted((row for row in rows if row["item"] == "j" or row["correct"]), key=lambda row: row["occurred_at"])
    assert [row["item"] for row in mine] == ["i", "j"]
    assert len({row["learner"] for row in mine}) == 1
    assert [row["occurred_at"] for row in mine] == [datetime(2000, 1, 3, 0, minute, tzinfo=UTC) for minute in (0, 1)]
    assert [row["skills"] for row in mine] == [["s"], ["s", "t"]]
    assert found.counts() == {"course_runs": 1, "enrolments": 2, "responses": 3}
    assert {row["run"] for row in rows} == {"tracing/a/1"}


def test_a_column_of_places_decides_the_order(tmp_path: Path) -> None:
    found = read(tmp_path, "b.csv", "learner,seq,skill,correct\n1,10,c,1\n1,9,b,1\n1,2,a,0\n")
    rows = sorted(found.rows("responses"), key=lambda row: row["occurred_at"])
    assert [row["item"] for row in rows] == ["a", "b", "c"], "without an item, the skill is the item"


def test_parts_have_learners_of_their_own_and_nobody_is_named(tmp_path: Path) -> None:
    found = read(tmp_path, "c.csv", "student_row,split,skill,correct\nana@x.org,train,s,1\nana@x.org,test,s,0\n")
    learners = {row["learner"] for row in found.rows("responses")}
    assert len(learners) == 2
    assert not any("ana" in learner for learner in learners)


def test_rows_that_are_no_answers_are_refused_with_their_line(tmp_path: Path) -> None:
    text = (
        "learner,item,skill,correct,seq\n1,i,s,2,1\n1,i,,1,2\n,i,s,1,3\n1,i,s,1,soon\n1,i,s,,5\n1,i,;,1,6\n1,i,s,1,7\n"
    )
    found = read(tmp_path, "d.csv", text)
    assert [(line, reason) for _, line, reason in found.reasons()] == [
        (2, "unknown_value"),
        (3, "missing_value"),
        (4, "missing_value"),
        (5, "bad_number"),
        (6, "missing_value"),
        (7, "missing_value"),
    ]
    assert len(found.rows("responses")) == 1
