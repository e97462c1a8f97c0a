"""The Coursera source: sessions as runs, what each table becomes, and whose it is."""

import zipfile
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headway.domain.errors import InputError, SourceError
from headway.governance.pseudonyms import pseudonym
from headway.sources.coursera import Coursera
from headway.sources.source import Request
from tests.contract.source_cases import Read, drain
from tests.contract.tabular_cases import COURSERA, KEY
from tests.support.rows import any_row, csv_text, put, refused

FIRST, SECOND, ALONE = (f"coursera/CC1/{run}" for run in ("S1", "S2", "on-demand"))
AAA, BBB, CCC, TTT = (f"coursera/{pseudonym(user, KEY)}" for user in ("aaa", "bbb", "ccc", "ttt"))
CLICKSTREAM = "video-2016-05-04.csv"
PROGRESS = COURSERA["course_progress.csv"].splitlines()[0]


def read(folder: Path, *, clicks: str | None = None, options: dict[str, str] | None = None, **files: str) -> Read:
    tables = {**COURSERA, **{f"{name}.csv": text for name, text in files.items()}}
    tables |= {CLICKSTREAM: clicks} if clicks is not None else {}
    return drain(Coursera(), Request([put(folder / "data", tables)], options or {}, KEY))


def at(day: int, hour: int, month: int = 5) -> datetime:
    return datetime(2016, month, day, hour, tzinfo=UTC)


def test_sessions_are_runs_and_who_is_in_none_is_in_a_run_of_its_own(tmp_path: Path) -> None:
    runs = {row["run"]: row for row in read(tmp_path).rows("course_runs")}
    assert {run: (row["starts_on"], row["ends_on"], row["inferred"]) for run, row in runs.items()} == {
        FIRST: (date(2016, 5, 2), date(2016, 6, 6), None),
        SECOND: (date(2016, 6, 6), date(2016, 7, 11), None),
        ALONE: (date(2016, 5, 2), date(2016, 5, 9), True),
    }
    assert runs[ALONE]["title"] == 'A "made up" course', "a backslash escapes a quote in these files"


def test_a_learner_moves_from_one_session_to_the_other(tmp_path: Path) -> None:
    rows = [(r["run"], r["learner"], r["status"], r["valid_from"]) for r in read(tmp_path).rows("enrolments")]
    assert rows == [
        (FIRST, AAA, "enrolled", at(1, 10)),
        (FIRST, BBB, "enrolled", at(3, 9)),
        (FIRST, BBB, "withdrawn", at(20, 9)),
        (FIRST, AAA, "withdrawn", at(1, 10, 6)),
        (SECOND, AAA, "enrolled", at(1, 10, 6)),
        (ALONE, CCC, "enrolled", at(5, 8)),
    ]


def test_what_somebody_does_belongs_to_the_session_entered_last_before_it(tmp_path: Path) -> None:
    rows = [row for row in read(tmp_path).rows("statements") if row["event"] in ("started", "completed")]
    assert [(r["run"], r["learner"], r["verb"], r["object"], r["role"]) for r in rows] == [
        (FIRST, AAA, "viewed", "vid01", None),
        (FIRST, AAA, "completed", "vid01", None),
        (SECOND, AAA, "viewed", "vid02", None),
        (ALONE, TTT, "viewed", "vid01", "instructor"),
        (ALONE, CCC, "viewed", "vid01", None),
    ]
    assert {row["object_type"] for row in rows} == {"video"}


def test_what_comes_before_the_first_session_belongs_to_it(tmp_path: Path) -> None:
    found = read(tmp_path, course_progress=f"{PROGRESS}\nCC1,vid01,aaa,1,2016-04-01 08:00:00\n")
    (row,) = [row for row in found.rows("statements") if row["event"] == "started"]
    assert row["run"] == FIRST


def test_items_are_in_the_runs_that_show_them(tmp_path: Path) -> None:
    found = {(row["run"], row["activity"]): (row["type"], row["title"]) for row in read(tmp_path).rows("activities")}
    assert found == {
        (FIRST, "vid01"): ("video", 'What is a "line"?'),
        (FIRST, "exa01"): ("test", "Exam"),
        (SECOND, "vid01"): ("video", 'What is a "line"?'),
        (SECOND, "exa01"): ("test", "Exam"),
        (SECOND, "vid02"): ("video", "New video"),
        (ALONE, "vid01"): ("video", 'What is a "line"?'),
        (ALONE, "exa01"): ("test", "Exam"),
    }


def test_a_pass_is_an_outcome_and_a_grade_so_far_a_sensitive_fact(tmp_path: Path) -> None:
    found = read(tmp_path)
    (outcome,) = found.rows("outcomes")
    assert (outcome["learner"], outcome["label"], outcome["final_score"]) == (AAA, "pass", 0.91)
    assert outcome["recorded_at"] == at(1, 12, 7)
    facts = {row["learner"]: (row["name"], row["value"], row["sensitive"]) for row in found.rows("attributes")}
    assert facts == {AAA: ("course_grade", "0.91", True), CCC: ("course_grade", "0.1", True)}
    (result,) = found.rows("results")
    assert (result["run"], result["activity"], result["score"]) == (FIRST, "exa01", 0.91)


def test_threads_answers_and_votes_know_what_they_answer(tmp_path: Path) -> None:
    rows = [row for row in read(tmp_path).rows("statements") if row["event"].startswith("discussion")]
    assert sorted((r["event"], r["verb"], r["object"], r["parent"], r["role"]) for r in rows) == [
        ("discussion_answer", "replied", "w~1", "q~1", "instructor"),
        ("discussion_answer", "replied", "w~2", "w~1", None),
        ("discussion_question", "posted", "q~1", "f~1", None),
        ("discussion_question_vote", "reacted", "q~1", None, None),
    ]


def test_words_are_kept_only_when_asked_for_and_masked(tmp_path: Path) -> None:
    assert not read(tmp_path).rows("texts")
    spoilt = COURSERA["discussion_questions.csv"] + 'q~2,aaa,"t","mail me: eve@example.org",forum,CC1,,,f,GB,,never,\n'
    found = read(tmp_path, options={"texts": "yes"}, discussion_questions=spoilt)
    assert [(row["learner"], row["body"]) for row in found.rows("texts")] == [
        (AAA, 'Why "line"?\nWrite me\nat [MAIL], [HANDLE], [NUMBER]'),
        (AAA, "Thanks \\o/"),
    ]
    everything = str([table.to_pylist() for table in found.records.values()]) + str(found.rejects.to_pylist())
    assert ("discussion_questions.csv", 4, "bad_date") in found.reasons()
    assert "example.org" not in everything
    with pytest.raises(InputError, match="texts"):
        read(tmp_path, options={"texts": "some"})


def test_clicks_have_their_place_in_the_video(tmp_path: Path) -> None:
    more = COURSERA[CLICKSTREAM] + (
        'aaa,c,2016-05-04 20:17:05,ip,M,,,en,CC1,GB,,tz,os,b,heartbeat,"{\\"timecode\\":66}"\n'
        "aaa,c,2016-05-04 20:18:00,ip,M,https://www.coursera.org/learn/made-up/exam/exa01/exam,,en,CC1,,,,,,pageview,\n"
    )
    found = read(tmp_path, clicks=more)
    rows = [row for row in found.rows("statements") if row["event"] in ("start", "seek", "heartbeat", "pageview")]
    assert [(r["event"], r["verb"], r["object"], r["object_type"], r["position_s"], r["duration_s"]) for r in rows] == [
        ("start", "played", "vid01", "video", 0.0, None),
        ("seek", "seeked", None, "video", 61.5, None),
        ("heartbeat", "progressed", None, "video", 66.0, 5.0),
        ("pageview", "viewed", "exa01", "test", None, None),
    ]
    assert rows[0]["occurred_at"] == datetime(2016, 5, 4, 20, 16, 0, 123000, tzinfo=UTC)
    assert ("video-2016-05-04.csv", 3, "no_learner") in found.reasons(), "without a header the first line is line 1"


def test_a_clickstream_may_have_a_header(tmp_path: Path) -> None:
    header = "user_id,cookie,server_timestamp,course_id,key,value\n"
    found = read(tmp_path, clicks=header + "aaa,c,2016-05-04 20:17:05,CC1,wait,\n")
    (row,) = [row for row in found.rows("statements") if row["event"] == "wait"]
    assert (row["verb"], row["learner"]) == ("interacted", AAA)


def test_rows_about_nobody_staff_or_strangers_are_refused(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        course_grades=COURSERA["course_grades.csv"]
        + "CC1,ttt,2016-07-01 12:00:00,1,1,1,1,1\nCC2,aaa,2016-07-01,1,1,1,1,1\n",
        course_progress=f"{PROGRESS}\nCC1,vid01,NA,1,2016-05-02 01:00:00\nCC1,vid01,aaa,3,2016-05-02 01:00:00\n",
        on_demand_session_memberships=COURSERA["on_demand_session_memberships.csv"] + "CC1,S9,ccc,2016-05-03,\n",
    )
    assert found.reasons() == [
        ("course_branch_items.csv", 3, "unknown_branch"),
        ("course_grades.csv", 4, "not_a_learner"),
        ("course_grades.csv", 5, "unknown_course"),
        ("course_item_grades.csv", 3, "bad_number"),
        ("course_memberships.csv", 2, "not_enrolled"),
        ("course_memberships.csv", 7, "not_a_learner"),
        ("course_progress.csv", 2, "no_learner"),
        ("course_progress.csv", 3, "unknown_value"),
        ("on_demand_session_memberships.csv", 5, "unknown_session"),
        ("video-2016-05-04.csv", 3, "no_learner"),
    ]


def test_ids_that_are_hashed_apart_cannot_be_joined(tmp_path: Path) -> None:
    votes = "partner_discussions_user_id,course_id,discussion_question_id,discussion_question_vote_value,"
    found = read(
        tmp_path, discussion_question_votes=f"{votes}discussion_question_vote_ts\nother,CC1,q~1,1,2016-05-06\n"
    )
    assert ("discussion_question_votes.csv", 2, "unknown_user") in found.reasons()


def test_two_user_columns_are_an_error(tmp_path: Path) -> None:
    header = PROGRESS.replace("partner_user_id", "partner_user_id,other_user_id")
    with pytest.raises(SourceError, match="two columns for who"):
        read(tmp_path, course_progress=f"{header}\nCC1,vid01,aaa,bbb,1,2016-05-02 01:00:00\n")


def test_a_zip_is_read_as_its_folder_and_litter_is_not(tmp_path: Path) -> None:
    place = tmp_path / "export.zip"
    with zipfile.ZipFile(place, "w") as archive:
        for name, text in COURSERA.items():
            archive.writestr(f"made-up/{name}", text)
            archive.writestr(f"__MACOSX/made-up/._{name}", "\0\0")
    plain, zipped = read(tmp_path), drain(Coursera(), Request([place], {}, KEY))
    for kind, table in plain.records.items():
        assert table.sort_by("id").equals(zipped.records[kind].sort_by("id")), kind
    folder = tmp_path / "zips"
    folder.mkdir()
    place.rename(folder / "export.zip")
    assert drain(Coursera(), Request([folder], {}, KEY)).counts() == plain.counts()


def test_tables_that_are_not_read_are_left_alone(tmp_path: Path) -> None:
    found = read(tmp_path, users="partner_user_id,country_cd\naaa,GB\n", peer_reviews="\0")
    assert found.counts() == read(tmp_path).counts()
    with pytest.raises(SourceError, match="No file of a Coursera research export"):
        drain(Coursera(), Request([put(tmp_path / "none", {"users.csv": "a\n1\n"})], {}, KEY))


ROWS = any_row(
    ("CC1",), ("vid01", "vid02"), ("aaa", "bbb", "ttt"), ("1", "2"), ("2016-05-04 20:15:00", "2016-05-04 20:15:00.5")
)
CLICKS = any_row(
    *(("aaa", "bbb"), ("c",), ("2016-05-04 20:15:00",), ("ip",), ("M",), ("https://x/learn/y/exam/exa01/z",), ("",)),
    *(
        ("en",),
        ("CC1",),
        ("",),
        ("",),
        ("",),
        ("",),
        ("",),
        ("play", "seek"),
        ('{"timecode":3}', '{"timecode":-1e400}'),
    ),
)


@settings(max_examples=10, deadline=None)
@given(progress=st.lists(ROWS, max_size=6), clicks=st.lists(CLICKS, max_size=6))
def test_no_row_is_lost(
    progress: list[list[str]], clicks: list[list[str]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    header = "user_id,cookie,server_timestamp,ip,agent,url,referrer,language,course_id,c,r,z,o,b,key,value"
    found = read(
        tmp_path_factory.mktemp("fuzz"),
        course_progress=csv_text(PROGRESS, progress, backslash=True),
        clicks=csv_text(header, clicks, backslash=True),
    )
    rows = found.rows("statements")
    told = [row for row in rows if row["event"] in ("started", "completed")]
    assert len(told) + refused(found, "course_progress.csv") == len(progress)
    forum = [row for row in rows if row["event"].startswith("discussion")]
    clicked = len(rows) - len(told) - len(forum)
    assert clicked + refused(found, "video-2016-05-04.csv") == len(clicks)
