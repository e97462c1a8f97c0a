"""Tracking logs of Open edX: what each event becomes, in whichever form it comes."""

import gzip
import json
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from headway.domain.errors import ConfigError, InputError, SourceError
from headway.domain.vocabulary import ACTIVITY_TYPES, ROLES, VERBS
from headway.governance.pseudonyms import pseudonym
from headway.sources.edx import Edx
from headway.sources.edx_words import BEGINNINGS, WORDS
from headway.sources.source import Request
from tests.contract.edx_case import BLOCK, COURSE, PAGE, as_dict, browser, check, lines, server
from tests.contract.source_cases import KEY, Read, drain

RUN = "edx/MadeX+C101/2026_T1"
GRETA = f"edx/{pseudonym('11', KEY)}"

Reader = Callable[..., Read]


@pytest.fixture
def read(tmp_path: Path) -> Reader:
    """Reads a log of the given events, or of the given text."""

    def reading(log: list[dict[str, Any]] | str, **options: str) -> Read:
        return read_at(tmp_path, log if isinstance(log, str) else lines(log), **options)

    return reading


def read_at(folder: Path, text: str, **options: str) -> Read:
    place = folder / "tracking.log"
    place.write_text(text, encoding="utf-8")
    return drain(Edx(), Request([place], options, KEY))


def told(record: dict[str, Any], *columns: str) -> tuple[Any, ...]:
    return tuple(record[column] for column in columns)


def contents(read: Read) -> dict[str, list[dict[str, Any]]]:
    """Everything delivered, in an order of its own."""
    return {kind: table.sort_by("id").to_pylist() for kind, table in read.records.items() if table.num_rows}


SPOKEN = ("verb", "object", "object_type", "parent", "position_s", "from_s", "interactions")
WEEK = "courseware/week1/intro"
EXAM = f"{BLOCK}+type@sequential+block@exam1"

BECOMES = {
    "play": (
        browser("play_video", {"id": "v1", "currentTime": 3.5}),
        ("played", "video/v1", "video", WEEK, 3.5, None, 1),
    ),
    "play from a phone": (
        server("edx.video.played", {"id": "i4x-MadeX-C101-video-v1", "current_time": 4}, event_type="play_video"),
        ("played", "video/v1", "video", None, 4.0, None, 1),
    ),
    "pause": (
        browser("pause_video", {"id": "v1", "currentTime": 9}),
        ("paused", "video/v1", "video", WEEK, 9.0, None, 1),
    ),
    "stop on the way": (
        browser("stop_video", {"id": "v1", "currentTime": 9, "duration": 90}),
        ("paused", "video/v1", "video", WEEK, 9.0, None, 1),
    ),
    "stop at the end": (
        browser("stop_video", {"id": "v1", "currentTime": 89.5, "duration": 90}),
        ("completed", "video/v1", "video", WEEK, 89.5, None, 1),
    ),
    "seek": (
        browser("seek_video", {"id": "v1", "old_time": 38.9, "new_time": 147, "type": "onSlideSeek"}),
        ("seeked", "video/v1", "video", WEEK, 147.0, 38.9, 1),
    ),
    "load": (browser("load_video", {"id": "v1"}), ("viewed", "video/v1", "video", WEEK, None, None, 0)),
    "a place that cannot be": (
        browser("play_video", {"id": "v1", "currentTime": "NaN"}),
        ("played", "video/v1", "video", WEEK, None, None, 1),
    ),
    "speed": (
        browser("speed_change_video", {"id": "v1", "current_time": 7, "old_speed": "1.0", "new_speed": "2.0"}),
        ("interacted", "video/v1", "video", WEEK, 7.0, None, 1),
    ),
    "the browser's word of a check": (
        browser("problem_check", "input_p1_2_1=choice_1"),
        ("interacted", None, "question", WEEK, None, None, 0),
    ),
    "check": (
        server("problem_check", check("p1", {"p1_2_1": True}), page="x_module"),
        ("answered", "problem/p1", "question", None, None, None, 1),
    ),
    "answer shown": (
        server("showanswer", {"problem_id": "i4x://MadeX/C101/problem/p1"}),
        ("asked_for_help", "problem/p1", "question", None, None, None, 1),
    ),
    "hint": (
        server(
            "edx.problem.hint.demandhint_displayed", {"module_id": f"{BLOCK}+type@problem+block@p1", "hint_index": 0}
        ),
        ("asked_for_help", "problem/p1", "question", None, None, None, 1),
    ),
    "thread": (
        server("edx.forum.thread.created", {"id": "64b7b640e68f", "commentable_id": "week-1"}),
        ("posted", "thread/64b7b640e68f", "thread", "forum/week-1", None, None, 1),
    ),
    "response": (
        server("edx.forum.response.created", {"id": "aa11", "discussion": {"id": "64b7"}, "commentable_id": "week-1"}),
        ("replied", "post/aa11", "message", "thread/64b7", None, None, 1),
    ),
    "comment": (
        server("edx.forum.comment.created", {"id": "cc1", "discussion": {"id": "64b7"}, "response": {"id": "aa11"}}),
        ("replied", "post/cc1", "message", "post/aa11", None, None, 1),
    ),
    "vote": (
        server("edx.forum.thread.voted", {"id": "64b7", "commentable_id": "week-1", "undo_vote": False}),
        ("reacted", "thread/64b7", "thread", "forum/week-1", None, None, 1),
    ),
    "forum searched": (
        server("edx.forum.searched", {"query": "my name is Greta"}),
        ("searched", "forum", "forum", None, None, None, 1),
    ),
    "page asked of the server": (
        server(f"/courses/{COURSE}/courseware/week1/intro/1", "{}"),
        ("viewed", WEEK, "page", None, None, None, 1),
    ),
    "a call of the page to its server": (
        server(f"/courses/{COURSE}/xblock/{BLOCK}+type@video+block@v1/handler/xmodule_handler/save_user_state", "{}"),
        ("interacted", "video/v1", "video", None, None, None, 0),
    ),
    "what the course is about": (
        server(f"/courses/{COURSE}/about", "{}"),
        ("viewed", "about", "other", None, None, None, 1),
    ),
    "next in a sequence": (
        browser("edx.ui.lms.sequence.next_selected", {"id": f"{BLOCK}+type@sequential+block@s1", "current_tab": 1}),
        ("viewed", "sequential/s1", "page", WEEK, None, None, 1),
    ),
    "old name of going to": (
        browser("seq_goto", {"id": "i4x://MadeX/C101/sequential/s1", "old": 1, "new": 3}),
        ("viewed", "sequential/s1", "page", WEEK, None, None, 1),
    ),
    "page closed": (browser("page_close", {}), ("interacted", WEEK, "page", None, None, None, 0)),
    "link": (
        browser("edx.ui.lms.link_clicked", {"target_url": "https://elsewhere.example/", "current_url": PAGE}),
        ("interacted", WEEK, "link", None, None, None, 1),
    ),
    "page of a textbook": (
        browser(
            "book",
            {
                "type": "gotopage",
                "old": 1,
                "new": 2,
                "chapter": "/c4x/a/b/asset/p1.pdf",
                "name": "textbook.pdf.page.loaded",
            },
        ),
        ("viewed", "file/p1.pdf", "file", WEEK, None, None, 1),
    ),
    "block completed": (
        server(
            "edx.completion.block_completion.changed", {"block_id": f"{BLOCK}+type@html+block@h1", "completion": 1.0}
        ),
        ("completed", "html/h1", "content", None, None, None, 0),
    ),
    "bookmark": (
        server("edx.bookmark.added", {"component_usage_id": f"{BLOCK}+type@vertical+block@u1"}),
        ("interacted", "vertical/u1", "page", None, None, None, 1),
    ),
    "essay handed in": (
        server(
            "openassessmentblock.create_submission",
            {"submission_uuid": "x", "attempt_number": 1, "answer": {"parts": [{"text": "my own words"}]}},
            context={"module": {"usage_key": f"{BLOCK}+type@openassessment+block@o1", "display_name": "Essay"}},
        ),
        ("submitted", "openassessment/o1", "assignment", None, None, None, 1),
    ),
    "exam handed in": (
        server("edx.special_exam.timed.attempt.submitted", {"exam_content_id": EXAM, "attempt_user_id": 11}),
        ("submitted", "sequential/exam1", "exam", None, None, None, 1),
    ),
    "poll": (
        server(
            "xblock.poll.submitted", {"choice": "R"}, context={"module": {"usage_key": f"{BLOCK}+type@poll+block@q"}}
        ),
        ("answered", "poll/q", "survey", None, None, None, 1),
    ),
    "a name nobody knows": (
        server("acme.widget.turned", {"id": "w1"}),
        ("interacted", None, "other", None, None, None, 1),
    ),
}


def a_second_apart(events: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Copies of the events, each at a moment of its own by which its records can be found."""
    return [event | {"time": f"2026-03-02T09:30:{number:02d}.000001+00:00"} for number, event in enumerate(events)]


def at_moment(found: Read, kind: str, number: int) -> list[dict[str, Any]]:
    """The records that came of the event with this number."""
    return [record for record in found.rows(kind) if record["occurred_at"].second == number]


@pytest.fixture(scope="module")
def acts(tmp_path_factory: pytest.TempPathFactory) -> Read:
    """What all events of BECOMES become."""
    return read_at(tmp_path_factory.mktemp("acts"), lines(a_second_apart(event for event, _ in BECOMES.values())))


@pytest.mark.parametrize("name", BECOMES)
def test_an_event_becomes_a_statement_in_our_words(acts: Read, name: str) -> None:
    (record,) = at_moment(acts, "statements", list(BECOMES).index(name))
    assert told(record, *SPOKEN) == BECOMES[name][1]
    assert told(record, "run", "learner", "role", "hour") == (RUN, GRETA, None, 9)
    assert record["occurred_at"] == record["recorded_at"]
    assert record["occurred_on"] == date(2026, 3, 2)
    assert acts.rejects.num_rows == 0


def test_both_forms_of_every_event_give_the_same_records(read: Reader) -> None:
    events = [event for event, _ in BECOMES.values()]
    events += [
        server("problem_check", check("p1", {"p1_2_1": True, "p1_3_1": False}, 2)),
        server("edx.course.enrollment.activated", {"course_id": COURSE, "user_id": 12, "mode": "audit"}),
        server("edx.course.enrollment.mode_changed", {"course_id": COURSE, "user_id": 12, "mode": "verified"}),
        server("edx.course.grade.passed.first_time", {"user_id": 11, "course_id": COURSE}),
        server("edx.grades.problem.submitted", {"user_id": 11, "weighted_earned": 1, "weighted_possible": 2}),
        server("edx.forum.thread.created", {"id": "64b7b640", "body": "Words", "user_forums_roles": ["Moderator"]}),
        browser("play_video", {"id": "v2"}, context={"received_at": "2026-03-02T09:45:00+00:00"}),
    ]
    events = a_second_apart(events)
    log, dicts = read(events, texts="yes"), read([as_dict(event) for event in events], texts="yes")
    assert log.rejects.num_rows == dicts.rejects.num_rows == 0
    assert contents(log) == contents(dicts)
    assert len(contents(log)) == 8, "course runs, activities, enrolments, statements, results, responses, …"


def test_a_checked_problem_gives_a_result_and_the_answers_to_its_items(read: Reader) -> None:
    found = read([server("problem_check", check("p1", {"p1_2_1": True, "p1_3_1": False}, attempt=2))])
    (result,) = found.rows("results")
    assert told(result, "activity", "attempt", "score", "submitted_on") == ("problem/p1", 2, 0.5, date(2026, 3, 2))
    assert result["submitted_at"] == result["released_at"] == result["occurred_at"]
    answers = {record["item"]: told(record, "correct", "attempt") for record in found.rows("responses")}
    assert answers == {"problem/p1_2_1": (True, 2), "problem/p1_3_1": (False, 2)}
    (statement,) = found.rows("statements")
    assert told(statement, "score", "success") == (0.5, False)


def test_items_of_an_old_course_have_names_of_the_same_form(read: Reader) -> None:
    event = check("x", {"i4x-MadeX-C101-problem-p1_2_1": True})
    event["problem_id"] = "i4x://MadeX/C101/problem/p1"
    assert [record["item"] for record in read([server("problem_check", event)]).rows("responses")] == ["problem/p1_2_1"]


def test_marks_that_cannot_be_are_no_score(read: Reader) -> None:
    marks = ((0, 0), (3, 2), (None, 2), (-1, 2), ("many", 2))
    found = read([server("problem_check", check("p1", {}) | {"grade": e, "max_grade": p}) for e, p in marks])
    assert found.rows("results") == []
    assert [record["score"] for record in found.rows("statements")] == [None] * len(marks)


def test_a_mark_given_by_staff_is_a_result_of_the_learner_and_no_act_of_theirs(read: Reader) -> None:
    marks = {
        "problem_id": f"{BLOCK}+type@openassessment+block@o1",
        "new_weighted_earned": 3,
        "new_weighted_possible": 4,
    }
    override = server("edx.grades.problem.score_overridden", marks | {"user_id": "11"}, context={"user_id": 99})
    found = read([override])
    assert found.rows("statements") == []
    (result,) = found.rows("results")
    assert told(result, "learner", "activity", "score", "submitted_at") == (GRETA, "openassessment/o1", 0.75, None)
    assert result["released_at"] == datetime(2026, 3, 2, 9, 30, 0, 123456, UTC)


def test_marks_worked_out_for_a_subsection_are_a_result(read: Reader) -> None:
    marks = {"user_id": 11, "block_id": EXAM, "weighted_graded_earned": 1.0, "weighted_graded_possible": 4.0}
    found = read([server("edx.grades.subsection.grade_calculated", marks)])
    assert [told(r, "activity", "score") for r in found.rows("results")] == [("sequential/exam1", 0.25)]
    assert [told(r, "verb", "interactions") for r in found.rows("statements")] == [("progressed", 0)]


def test_enrolments_tell_whom_they_are_about(read: Reader) -> None:
    nobody = {"user_id": None, "course_id": COURSE}
    events = [
        server(
            "edx.course.enrollment.activated", {"user_id": 12, "mode": "audit"}, context=nobody, username="anonymous"
        ),
        server(
            "edx.course.enrollment.deactivated",
            {"user_id": 12, "mode": "audit"},
            context={"user_id": 99},
            time="2026-03-05T23:30:00+00:00",
        ),
        server("edx.course.enrollment.mode_changed", {"user_id": 13, "mode": "verified"}),
    ]
    found = read(events, zone="Europe/Madrid")
    person = f"edx/{pseudonym('12', KEY)}"
    assert [told(r, "learner", "status", "valid_from_on") for r in found.rows("enrolments")] == [
        (person, "enrolled", date(2026, 3, 2)),
        (person, "withdrawn", date(2026, 3, 6)),
    ]
    assert sorted(told(r, "name", "value") for r in found.rows("attributes")) == [
        ("enrolment_mode", "audit"),
        ("enrolment_mode", "audit"),
        ("enrolment_mode", "verified"),
    ]
    assert found.rows("statements") == []


def test_who_acts_in_a_course_is_enrolled_unless_they_only_looked_what_it_is_about(read: Reader) -> None:
    events = [
        server(f"/courses/{COURSE}/about", "{}", context={"user_id": 21}),
        server(f"/courses/{COURSE}/info", "{}", context={"user_id": 22}),
        server(f"/courses/{COURSE}/info", "{}", context={"user_id": 23}, agent="Googlebot/2.1 (+http://made.example)"),
    ]
    found = read(events)
    assert [record["learner"] for record in found.rows("enrolments")] == [f"edx/{pseudonym('22', KEY)}"]
    assert len(found.rows("statements")) == 3


def test_a_pass_is_an_outcome(read: Reader) -> None:
    found = read([server("edx.course.grade.passed.first_time", {"user_id": 11, "course_id": COURSE})])
    assert [told(r, "learner", "label", "final_score") for r in found.rows("outcomes")] == [(GRETA, "pass", None)]
    assert found.rows("statements") == []


KEYS: dict[str, dict[str, Any]] = {
    "new": {"context": {"course_id": COURSE}},
    "encoded": {"context": {"course_id": "course-v1%3AMadeX%2BC101%2B2026_T1"}},
    "old": {"context": {"course_id": "MadeX/C101/2026_T1"}},
    "in the event": {"context": {"course_id": ""}, "event": {"course_id": COURSE}},
    "in the address of the page": {"context": {"course_id": ""}, "page": PAGE},
    "in an old address": {"context": {"course_id": None}, "page": "http://x.example/courses/MadeX/C101/2026_T1/info"},
    "in an encoded address": {
        "context": {"course_id": None},
        "page": "http://x.example/courses/course-v1%3AMadeX%2BC101%2B2026_T1/info?email=greta%40made.example",
    },
    "in the block": {"context": {"course_id": ""}, "event": {"usage_key": f"{BLOCK}+type@html+block@h1"}},
}


def test_the_course_is_found_wherever_and_however_it_is_written(read: Reader) -> None:
    events = [
        server("acme.widget.turned", more.get("event", {}), **{key: more[key] for key in more if key != "event"})
        for more in KEYS.values()
    ]
    found = read(a_second_apart(events))
    runs = {name: [r["run"] for r in at_moment(found, "statements", number)] for number, name in enumerate(KEYS)}
    assert runs == {name: [RUN] for name in KEYS}
    assert [told(r, "run", "course") for r in found.rows("course_runs")] == [(RUN, "MadeX+C101")]


def test_a_custom_course_has_a_run_of_its_own(read: Reader) -> None:
    found = read([server("play_video", {"id": "v1"}, context={"course_id": "ccx-v1:MadeX+C101+T1+ccx@7"})])
    assert [record["run"] for record in found.rows("statements")] == ["edx/MadeX+C101/T1+ccx@7"]


def test_a_user_id_is_the_same_as_number_and_as_text_and_without_one_the_name_stands_for_the_learner(
    read: Reader,
) -> None:
    ids: list[object] = [11, "11", None, "", " ", [], {}]
    found = read(a_second_apart(browser("play_video", {"id": "v1"}, context={"user_id": given}) for given in ids))
    by_name = f"edx/{pseudonym('username:greta_g', KEY)}"
    learners = [at_moment(found, "statements", number)[0]["learner"] for number in range(len(ids))]
    assert learners == [GRETA, GRETA, *[by_name] * 5]


REFUSED = {
    "a comment": ("# comments are none of ours\n", "bad_json"),
    "a line cut short": (lines([browser("play_video", {"id": "v1"})])[:300] + "\n", "bad_json"),
    "no name": (lines([server("x", {}, name=None, event_type=None)]), "no_name"),
    "no time": (lines([server("x", {}, time=None)]), "bad_date"),
    "a time that is none": (lines([server("x", {}, time="yesterday")]), "bad_date"),
    "a time called now": (lines([server("x", {}, time="now")]), "bad_date"),
    "an impossible time": (lines([server("x", {}, time="1970-01-01T00:00:00+00:00")]), "bad_date"),
    "a clock days ahead": (
        lines([server("x", {}, context={"received_at": "2026-02-27T09:30:00+00:00"})]),
        "bad_date",
    ),
    "nobody": (lines([server("x", {}, username="", context={"user_id": None})]), "no_learner"),
    "the anonymous": (lines([server("x", {}, username="anonymous", context={"user_id": ""})]), "no_learner"),
    "no course": (lines([server("/dashboard", "{}", context={"course_id": ""})]), "no_course"),
    "a course that is none": (lines([server("x", {}, context={"course_id": "C101"})]), "bad_course"),
}


def test_what_cannot_be_an_event_of_a_course_is_refused_once_with_its_reason(read: Reader) -> None:
    sound = lines([browser("play_video", {"id": "v1"})])
    found = read(sound + "\n" + "".join(text for text, _ in REFUSED.values()))
    assert found.reasons() == [("tracking.log", line, reason) for line, (_, reason) in enumerate(REFUSED.values(), 3)]
    assert len(found.rows("statements")) == 1


def test_an_event_from_a_phone_is_known_when_the_platform_received_it(read: Reader) -> None:
    found = read([server("edx.video.played", {"id": "v1"}, context={"received_at": "2026-03-02T12:00:00+00:00"})])
    assert [record["recorded_at"] for record in found.rows("statements")] == [datetime(2026, 3, 2, 12, tzinfo=UTC)]


ROLE_OF = {
    "a crawler": (server(f"/courses/{COURSE}/info", "{}", agent="Mozilla/5.0 (compatible; bingbot/2.0)"), "automated"),
    "a task": (server("problem_rescore", {"problem_id": "p1"}, event_source="task"), "automated"),
    "a phone called Cubot": (server("play_video", {"id": "v1"}, agent="Mozilla/5.0 (Linux; CUBOT_X18)"), None),
    "staff in the forum": (
        server("edx.forum.thread.created", {"id": "64b7", "user_course_roles": ["Instructor"]}),
        "instructor",
    ),
    "a learner in the forum": (
        server("edx.forum.thread.created", {"id": "64b7", "user_forums_roles": ["Student"]}),
        None,
    ),
    "the instructor's dashboard": (server(f"/courses/{COURSE}/instructor", "{}"), "instructor"),
    "the progress of someone else": (server(f"/courses/{COURSE}/progress/55", "{}"), "instructor"),
    "Studio": (server("/course/MadeX/C101/2026_T1", "{}", context={"course_id": ""}), "instructor"),
    "a report for staff": (server("edx.instructor.report.requested", {"report_type": "x"}), "instructor"),
}


def test_staff_and_programs_are_told_apart_and_enrol_nowhere(read: Reader) -> None:
    events = [
        event | {"context": event["context"] | {"user_id": 100 + number}}
        for number, (event, _) in enumerate(ROLE_OF.values())
    ]
    found = read(a_second_apart(events))
    roles = {name: [r["role"] for r in at_moment(found, "statements", number)] for number, name in enumerate(ROLE_OF)}
    assert roles == {name: [role] for name, (_, role) in ROLE_OF.items()}
    assert len(found.rows("enrolments")) == sum(role is None for _, role in ROLE_OF.values())


def test_the_words_of_posts_are_kept_only_on_request_and_masked(read: Reader) -> None:
    body = "Hi @greta_g, mail me at greta@made.example or +44 1632 960 001, see https://made.example/greta."
    post = [server("edx.forum.thread.created", {"id": "64b7", "body": body})]
    assert read(post).rows("texts") == []
    (text,) = read(post, texts="yes").rows("texts")
    assert text["body"] == "Hi [HANDLE], mail me at [MAIL] or [NUMBER], see [LINK]."
    assert told(text, "learner", "type", "activity") == (GRETA, "forum", "thread/64b7")


def test_nothing_that_names_a_person_is_delivered(read: Reader) -> None:
    events = [event for event, _ in BECOMES.values()]
    events += [event for event, _ in ROLE_OF.values()]
    events += [
        server("/u/greta_g", "{}", context={"course_id": ""}),
        server("x greta_g@made.example", {}, time="greta_g"),
        server("greta_g@made.example", {}),
        browser("play_video", {"id": "greta_g@made.example"}),
        server("x", {}, context={"course_id": "greta_g@made.example"}),
        server("edx.forum.thread.viewed", {"id": "greta_g@made.example"}, page="https://x.example/u/greta_g"),
        server(f"/courses/{COURSE}/discussion/forum/users/greta_g", "{}"),
        server(f"/courses/{COURSE}/greta_g/", "{}"),
    ]
    broken = json.dumps(events[0])[:400]
    found = read(lines(events) + broken + "\n" + "# from 192.0.2.44, greta_g@made.example\n")
    everything = str(contents(found)) + str(found.rejects.to_pylist())
    for secret in ("greta", "192.0.2"):
        assert secret not in everything
    assert found.rejects.num_rows >= 4


def test_an_event_told_to_the_microsecond_happened_once_and_equal_ones_told_to_the_second_are_counted(
    read: Reader,
) -> None:
    fine = [browser("play_video", {"id": "v1"})] * 2
    coarse = [browser("play_video", {"id": "v1"}, time="2026-03-02T09:30:00+00:00")] * 3
    assert len({record["id"] for record in read(fine).rows("statements")}) == 1
    assert len({record["id"] for record in read(coarse).rows("statements")}) == 3
    assert contents(read(coarse)) == contents(read(coarse))


def test_a_record_is_the_same_whatever_else_is_delivered(read: Reader) -> None:
    events = a_second_apart(event for event, _ in BECOMES.values())
    together = {record["id"]: record for record in read(events).rows("statements")}
    backwards = {record["id"]: record for record in read(events[::-1]).rows("statements")}
    alone = {record["id"]: record for record in read(events[5:9]).rows("statements")}
    assert together == backwards
    assert alone.items() <= together.items()


def test_a_packed_log_and_a_document_read_as_the_plain_one(tmp_path: Path, read: Reader) -> None:
    events = [event for event, _ in BECOMES.values()]
    (tmp_path / "tracking.log-20260302.gz").write_bytes(gzip.compress(lines(events).encode()))
    (tmp_path / "events.json").write_text(json.dumps([as_dict(event) for event in events], indent=1), encoding="utf-8")
    plain = contents(read(events))
    for name in ("tracking.log-20260302.gz", "events.json"):
        assert contents(drain(Edx(), Request([tmp_path / name], {}, KEY))) == plain


def test_dates_of_a_run_are_those_of_learners_acts_in_it(read: Reader) -> None:
    events = [
        server("edx.course.enrollment.activated", {"user_id": 11}, time="2025-11-01T12:00:00+00:00"),
        server(f"/courses/{COURSE}/about", "{}", time="2026-01-01T12:00:00+00:00"),
        server(f"/courses/{COURSE}/instructor", "{}", time="2026-01-05T12:00:00+00:00"),
        browser("play_video", {"id": "v1"}, time="2026-02-02T23:30:00+00:00"),
        browser("play_video", {"id": "v1"}, time="2026-05-02T12:00:00+00:00"),
    ]
    (run,) = read(events, zone="Europe/Madrid").rows("course_runs")
    assert told(run, "starts_on", "ends_on", "inferred") == (date(2026, 2, 3), date(2026, 5, 2), True)
    (run,) = read(events, starts="2026-02-01", ends="2026-06-01").rows("course_runs")
    assert told(run, "starts_on", "ends_on", "inferred") == (date(2026, 2, 1), date(2026, 6, 1), None)


def test_a_run_can_be_given_to_data_that_name_none_or_another(read: Reader) -> None:
    events = [
        browser("play_video", {"id": "v1"}),
        server("acme.widget.turned", {}, context={"course_id": ""}),
        server("/dashboard", "{}", context={"course_id": ""}),
    ]
    found = read(events, run="edx/ours/1")
    assert [record["run"] for record in found.rows("statements")] == ["edx/ours/1"] * 2
    assert [reason for *_, reason in found.reasons()] == ["no_course"]
    with pytest.raises(SourceError, match="2 courses"):
        read([*events, browser("play_video", {}, context={"course_id": "a/b/c"})], run="edx/ours/1")


def test_options_are_checked(read: Reader, tmp_path: Path) -> None:
    for options in ({"texts": "maybe"}, {"exported": "June"}, {"run": "ours"}, {"colour": "red"}):
        with pytest.raises(InputError):
            read([browser("play_video", {})], **options)
    with pytest.raises(ConfigError, match="key"):
        drain(Edx(), Request([tmp_path / "tracking.log"], {}, b""))


def test_every_word_is_one_of_ours() -> None:
    for name, word in [*WORDS.items(), *BEGINNINGS.items()]:
        assert word.verb in VERBS, name
        assert word.type in ACTIVITY_TYPES, name
        assert word.role in (None, *ROLES), name


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**20), 10**20)
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from([COURSE, BLOCK, PAGE, "2026-03-02T09:30:00Z", "i4x://a/b/problem/c", "{}", "[1]", "%ff", "\x00"]),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(st.sampled_from(["id", "user_id", "course_id", "correctness", "a_2_1"]), inner, max_size=3)
    ),
    max_leaves=4,
)
NAMES = st.sampled_from(
    [*WORDS, f"/courses/{COURSE}/courseware/a/b", "/courses/a/b/c/discussion/threads/x/reply", "/", ""]
)
INSIDE = (
    "id",
    "problem_id",
    "currentTime",
    "old_time",
    "duration",
    "grade",
    "max_grade",
    "attempts",
    "correct_map",
    "mode",
)


@st.composite
def events(draw: st.DrawFn) -> str:
    line = server(draw(NAMES), draw(st.dictionaries(st.sampled_from(INSIDE), VALUES, max_size=4) | VALUES))
    for key in draw(st.lists(st.sampled_from([*line, "data", "timestamp"]), max_size=2)):
        line[key] = draw(VALUES)
    if isinstance(line["context"], dict):
        for key in draw(st.lists(st.sampled_from(["user_id", "course_id", "module", "received_at"]), max_size=1)):
            line["context"][key] = draw(VALUES)
    text = json.dumps(draw(st.sampled_from([line, as_dict_or_none(line)])))
    return draw(st.sampled_from([text, text, text, text[: len(text) // 2], "# " + text, "[]", "1", "  "]))


def as_dict_or_none(line: dict[str, Any]) -> dict[str, Any] | None:
    try:
        return as_dict(line)
    except (KeyError, TypeError, AttributeError, ValueError):
        return None


@settings(
    max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(st.lists(events(), min_size=20, max_size=60))
def test_each_line_becomes_records_or_one_reject(tmp_path: Path, found: list[str]) -> None:
    sound = json.dumps(browser("play_video", {"id": "v1"}))
    whole = read_at(tmp_path, "\n".join([sound, *found]), texts="yes")
    refused = {line for _, line, _ in whole.reasons()}
    assert len(refused) == whole.rejects.num_rows, "each line is refused once"
    kept = [text for number, text in enumerate([sound, *found], start=1) if text.strip() and number not in refused]
    # What was not refused is refused nowhere, and without what was refused nothing is missing.
    again = read_at(tmp_path, "\n".join(kept), texts="yes")
    assert again.rejects.num_rows == 0
    assert contents(again) == contents(whole)
    acts = [kind for kind in contents(again) if kind not in ("course_runs", "activities")]
    assert sum(again.counts()[kind] for kind in acts) >= len(set(kept))
