"""Live Events of Canvas, in its own form and in Caliper, and what all forms must agree on. Everything is made up."""

import json
import random
from pathlib import Path
from typing import Any, Final

import pytest

from headway.domain.errors import InputError
from headway.domain.vocabulary import ACTIVITY_TYPES, VERBS
from headway.governance.pseudonyms import pseudonym
from headway.sources.canvas import Canvas
from headway.sources.source import Request
from tests.contract.source_cases import KEY, Read, drain

SHARD: Final = 2107 * 10**13
OWN: Final = "com.instructure.canvas"
NAMES: Final = ("Ada Example", "ada@example.edu", "ada.login", "198.51.100.7", "S-4711", "Sally")
Event = dict[str, Any]


def whole(number: int) -> str:
    """The global id of a local one."""
    return str(SHARD + number)


def learner(native: str) -> str:
    """The learner's id in records."""
    return f"canvas/{pseudonym(native, KEY)}"


def event(name: str, body: Event, **metadata: Any) -> Event:
    """A Live Event in course 565 by the learner 48."""
    said = {
        "event_name": name,
        "event_time": "2024-03-04T09:30:15.250Z",
        "root_account_id": whole(1),
        "user_id": whole(48),
        "user_login": "ada.login",
        "user_sis_id": "S-4711",
        "client_ip": "198.51.100.7",
        "user_agent": "Mozilla/5.0",
        "context_type": "Course",
        "context_id": whole(565),
        "context_role": "StudentEnrollment",
        "url": "https://canvas.example.edu/courses/565",
    }
    return {"metadata": {**said, **metadata}, "body": body}


def look(kind: str, number: int, subtype: str | None = None, **metadata: Any) -> Event:
    """An `asset_accessed`."""
    body = {"asset_type": kind, "asset_id": whole(number), "asset_subtype": subtype, "asset_name": "Ada Example"}
    return event("asset_accessed", body, **metadata)


def caliper(name: str, deed: str, about: Event, actor: int = 48, **more: Any) -> Event:
    """The Caliper form of an event in course 565."""
    course = f"urn:instructure:canvas:course:{whole(565)}"
    return {
        "id": "urn:uuid:7c0e8c0e-0000-4000-8000-000000000001",
        "type": name,
        "action": deed,
        "actor": {
            "id": f"urn:instructure:canvas:user:{whole(actor)}",
            "type": "Person",
            "extensions": {OWN: {"entity_id": whole(actor), "user_login": "ada.login", "root_account_id": whole(1)}},
        },
        "object": about,
        "eventTime": "2024-03-04T09:30:15.250Z",
        "group": {"id": course, "extensions": {OWN: {"context_type": "Course", "entity_id": whole(565)}}},
        "membership": {"roles": ["Learner"]},
        "extensions": {OWN: {"hostname": "canvas.example.edu", "client_ip": "198.51.100.7"}},
        **more,
    }


def envelope(*events: Event) -> Event:
    """A Caliper envelope."""
    return {"sensor": "http://canvas.example.edu/", "sendTime": "2024-03-18T00:00:00.000Z", "data": list(events)}


def read(folder: Path, *events: Event, **options: str) -> Read:
    """What is read of a file of JSON lines."""
    file = folder / "events.jsonl"
    file.write_text("".join(json.dumps(each) + "\n" for each in events), encoding="utf-8")
    return drain(Canvas(), Request([file], options, KEY))


def only(rows: list[Any]) -> Any:
    """The one row there is."""
    assert len(rows) == 1, rows
    return rows[0]


def test_a_look_at_an_assignment_is_a_statement_of_who_looked(tmp_path: Path) -> None:
    found = only(read(tmp_path, look("assignment", 7)).rows("statements"))
    assert found["run"] == "canvas/565/1"
    assert found["learner"] == learner("48")
    assert (found["verb"], found["object"], found["object_type"]) == ("viewed", "assignment/7", "assignment")
    assert (found["event"], found["role"], found["interactions"], found["hour"]) == ("asset_accessed", None, 1, 9)
    assert found["occurred_at"] == found["recorded_at"]
    assert found["occurred_at"].isoformat() == "2024-03-04T09:30:15.250000+00:00"


def test_the_caliper_form_of_an_event_is_the_same_record(tmp_path: Path) -> None:
    assignment, submission = (f"urn:instructure:canvas:{word}" for word in ("assignment", "submission"))
    own = {OWN: {"asset_type": "assignment", "entity_id": whole(7)}}
    body = {"submission_id": whole(9), "assignment_id": whole(7), "user_id": whole(48), "attempt": 2}
    entry = {"discussion_entry_id": "31", "discussion_topic_id": "30", "user_id": "48", "text": "hello"}
    grade = {"assignment_id": whole(7), "student_id": whole(48), "user_id": whole(48), "score": 4, "points_possible": 5}
    ours = [
        look("assignment", 7),
        event("submission_created", {**body, "submitted_at": "2024-03-04T09:30:15Z"}),
        event("discussion_entry_created", entry),
        event("grade_change", grade, user_id=whole(900), context_role="TeacherEnrollment"),
        event("quiz_submitted", {"quiz_id": whole(12), "submission_id": whole(9)}),
        event(
            "enrollment_created",
            {"course_id": whole(565), "enrollment_id": whole(70), "user_id": whole(48)}
            | {"type": "StudentEnrollment", "workflow_state": "active", "created_at": "2024-01-02T00:00:00Z"},
        ),
    ]
    handed_in: Event = {"id": f"{submission}:{whole(9)}", "type": "Attempt", "dateCreated": "2024-03-04T09:30:15.000Z"}
    handed_in |= {"assignee": {"id": f"urn:instructure:canvas:user:{whole(48)}"}, "count": 2}
    handed_in |= {"assignable": {"id": f"{assignment}:{whole(7)}"}, "extensions": {OWN: {"entity_id": whole(9)}}}
    post: Event = {
        "id": "urn:instructure:canvas:discussionEntry:31",
        "body": "hello",
        "extensions": {OWN: {"entity_id": "31"}},
    }
    post |= {"isPartOf": {"id": "urn:instructure:canvas:discussion:30"}}
    quiz = {**handed_in, "assignable": {"id": f"urn:instructure:canvas:quiz:{whole(12)}"}}
    joined: Event = {"course_id": f"urn:instructure:canvas:course:{whole(565)}", "type": "StudentEnrollment"}
    joined |= {
        "user_id": f"urn:instructure:canvas:user:{whole(48)}",
        "workflow_state": "active",
        "entity_id": whole(70),
    }
    enrolment = {"id": f"urn:instructure:canvas:enrollment:{whole(70)}", "extensions": {OWN: joined}}
    marked = {"maxScore": 5, "scoreGiven": 4}
    theirs = [
        caliper("NavigationEvent", "NavigatedTo", {"id": f"{assignment}:{whole(7)}", "extensions": own}),
        caliper("AssignableEvent", "Submitted", handed_in),
        caliper("MessageEvent", "Posted", post),
        caliper("GradeEvent", "Graded", handed_in, 900, generated=marked, membership={"roles": ["Instructor"]}),
        caliper("AssessmentEvent", "Submitted", quiz),
        caliper("Event", "Created", {**enrolment, "dateCreated": "2024-01-02T00:00:00.000Z"}),
    ]
    first = read(tmp_path, *ours)
    second = read(tmp_path, envelope(*theirs))
    assert first.rejects.num_rows == second.rejects.num_rows == 0
    assert first.counts() == second.counts()
    for kind in ("enrolments", "statements", "results"):
        assert first.records[kind].sort_by("id").equals(second.records[kind].sort_by("id")), kind


def test_tables_and_events_name_learner_run_and_task_alike(tmp_path: Path) -> None:
    body = {"assignment_id": whole(7), "user_id": whole(48), "attempt": 1, "submitted_at": "2024-03-04T09:30:15Z"}
    told = only(read(tmp_path, event("submission_created", body)).rows("statements"))
    table: Event = {"id": 9, "assignment_id": 7, "user_id": 48, "course_id": 565, "attempt": 1}
    table |= {"submitted_at": "2024-03-04T09:30:15.000Z", "workflow_state": "submitted"}
    folder = tmp_path / "cd2"
    folder.mkdir()
    (folder / "submissions.json").write_text(json.dumps(table), encoding="utf-8")
    assert only(drain(Canvas(), Request([folder], {}, KEY)).rows("statements")) == told


def test_a_grade_belongs_to_the_learner_and_says_nothing_of_who_gave_it(tmp_path: Path) -> None:
    body = {"assignment_id": whole(7), "grader_id": whole(900), "student_id": whole(48), "user_id": whole(48)}
    marked = event("grade_change", {**body, "score": 15, "points_possible": 20}, user_id=whole(900))
    found = read(tmp_path, marked)
    result = only(found.rows("results"))
    assert (result["learner"], result["activity"], result["score"]) == (learner("48"), "assignment/7", 0.75)
    assert result["released_at"].isoformat() == "2024-03-04T09:30:15+00:00"
    assert found.rows("statements") == []
    assert learner("900") not in str([table.to_pylist() for table in found.records.values()])


@pytest.mark.parametrize(
    ("score", "points", "share"), [(25, 20, 1.0), (-1, 20, 0.0), (0, 20, 0.0)], ids=["extra credit", "negative", "nil"]
)
def test_a_mark_is_a_share_of_the_full_mark(tmp_path: Path, score: float, points: float, share: float) -> None:
    body = {"assignment_id": whole(7), "student_id": whole(48), "score": score, "points_possible": points}
    assert only(read(tmp_path, event("grade_change", body)).rows("results"))["score"] == share


def test_a_mark_taken_back_is_refused(tmp_path: Path) -> None:
    body = {"assignment_id": whole(7), "student_id": whole(48), "score": None, "points_possible": 5}
    assert read(tmp_path, event("grade_change", body)).reasons() == [("events.jsonl", 1, "no_score")]


def test_what_is_delivered_twice_is_one_record_whatever_the_delivery_says(tmp_path: Path) -> None:
    again = look("quizzes:quiz", 12, request_id="b", session_id="y", hostname="other", event_id="2")
    found = read(tmp_path, look("quizzes:quiz", 12, request_id="a", session_id="x", event_id="1"), again)
    first, second = found.rows("statements")
    assert first == second
    assert first["object"] == "quiz/12"


def test_the_order_in_which_events_come_changes_nothing(tmp_path: Path) -> None:
    events = [look("wiki_page", number, event_time=f"2024-03-0{1 + number % 7}T08:00:00Z") for number in range(1, 12)]
    events += [
        event(
            "submission_created",
            {"assignment_id": whole(3), "user_id": whole(48), "submitted_at": "2024-03-02"},
            context_id=None,
            context_type=None,
            url=None,
        )
    ]
    events += [event("assignment_created", {"assignment_id": whole(3), "title": "Essay", "points_possible": 5})]
    first = read(tmp_path, *events)
    random.Random(5).shuffle(events)
    second = read(tmp_path, *events)
    assert first.rejects.num_rows == 0
    for kind, table in first.records.items():
        assert table.sort_by("id").equals(second.records[kind].sort_by("id")), kind


def test_who_teaches_is_told_from_who_learns_and_from_programs(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        look("assignment", 1, user_id=whole(900), context_role="TeacherEnrollment"),
        look("assignment", 2, user_id=whole(900), context_role=None),
        look("assignment", 3, user_agent="ExampleBot/2.0 (+https://bots.example)"),
        look("assignment", 4),
    )
    roles = {row["object"]: row["role"] for row in found.rows("statements")}
    assert roles == {
        "assignment/1": "instructor",
        "assignment/2": "instructor",
        "assignment/3": "automated",
        "assignment/4": None,
    }
    assert {row["learner"] for row in found.rows("enrolments")} == {learner("48")}


REFUSED: Final[list[tuple[Event, str]]] = [
    (look("assignment", 1, context_role="ObserverEnrollment"), "not_a_learner"),
    (look("assignment", 1, context_role="StudentViewEnrollment"), "not_a_learner"),
    (look("assignment", 1, real_user_id=whole(900)), "login_as"),
    (look("assignment", 1, user_id=None), "no_learner"),
    (look("user", 48, "files", context_type="User", context_id=whole(48), url=None), "no_course"),
    (look("assignment", 1, event_time="1889-01-01T00:00:00Z"), "bad_date"),
    (look("assignment", 1, event_time="soon"), "bad_date"),
    (look("assignment", 1, event_time=None), "bad_date"),
    (event("logged_in", {}, context_type=None, context_id=None, url=None), "no_course"),
    (event("user_account_association_created", {"user_id": whole(48)}), "not_a_learner"),
    (event("sis_batch_created", {}), "not_a_learner"),
    (event("content_migration_completed", {}), "not_a_learner"),
    (event("submission_created", {"assignment_id": whole(3), "user_id": whole(48)}), "nothing_submitted"),
    (event("assignment_updated", {"assignment_id": whole(3), "workflow_state": "unpublished"}), "not_published"),
    (event("assignment_updated", {"assignment_id": whole(3), "workflow_state": "deleted"}), "deleted"),
    (event("course_updated", {"course_id": whole(565), "name": "Algebra"}), "no_dates"),
    ({"metadata": {}, "body": {}}, "unknown_table"),
    ({"type": "ViewEvent", "action": "Viewed", "eventTime": "2024-03-04T09:30:15Z", "object": {}}, "not_canvas"),
]


def test_what_tells_nothing_of_a_learner_in_a_course_is_refused_with_its_reason(tmp_path: Path) -> None:
    found = read(tmp_path, *(refused for refused, _ in REFUSED))
    assert [(line, reason) for _, line, reason in found.reasons()] == [
        (line, reason) for line, (_, reason) in enumerate(REFUSED, start=1)
    ]
    assert found.counts() == {}
    assert not any(name in str(found.rejects.to_pylist()) for name in NAMES)


def test_nobody_is_named_anywhere(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        look("user", 48, None, user_id=None),
        look("enrollment", 70, None),
        event(
            "course_completed",
            {"user": {"id": "48", "name": "Ada Example", "email": "ada@example.edu"}}
            | {
                "course": {"id": "565", "name": "Algebra"},
                "progress": {"requirement_count": 6} | {"requirement_completed_count": 6},
            },
            user_id=None,
        ),
        event("enrollment_created", {"user_id": whole(48), "user_name": "Ada Example", "type": "TeacherEnrollment"}),
        event(
            "attachment_created", {"attachment_id": whole(3), "user_id": whole(48), "display_name": "Ada Example.pdf"}
        ),
        {"metadata": "ada@example.edu", "student_name": "Ada Example"},
        envelope({"type": "Event", "actor": {"name": "Ada Example"}, "eventTime": "ada@example.edu"}),
    )
    everything = str([table.to_pylist() for table in found.records.values()]) + str(found.rejects.to_pylist())
    assert found.counts()["statements"] == 3
    assert not any(name in everything for name in NAMES)
    assert str(SHARD)[:6] not in everything
    assert {row["object"] for row in found.rows("statements")} == {"roster", "course", "attachment/3"}


def test_an_account_of_another_shard_keeps_it_and_the_option_says_which_is_ones_own(tmp_path: Path) -> None:
    foreign = str(1121 * 10**13 + 48)
    assert only(read(tmp_path, look("assignment", 1, user_id=foreign)).rows("statements"))["learner"] == learner(
        "1121~48"
    )
    short = read(tmp_path, look("assignment", 1, user_id="1121~48"))
    assert only(short.rows("statements"))["learner"] == learner("1121~48")
    told = read(tmp_path, look("assignment", 1, user_id=foreign), shard="1121")
    assert only(told.rows("statements"))["learner"] == learner("48")


def test_a_run_may_be_named_for_what_names_no_course(tmp_path: Path) -> None:
    login = event("logged_in", {"redirect_url": "https://x"}, context_type=None, context_id=None, url=None)
    found = read(tmp_path, login, run="canvas/BIO101/2024")
    assert [(row["run"], row["verb"]) for row in found.rows("statements")] == [("canvas/BIO101/2024", "logged_in")]
    both = read(tmp_path, login, look("assignment", 1), run="canvas/BIO101/2024")
    assert {row["run"] for row in both.rows("statements")} == {"canvas/BIO101/2024"}
    three = read(tmp_path, login, look("assignment", 1), look("assignment", 1, context_id=whole(9)), run="canvas/B/1")
    assert sorted(row["run"] for row in three.rows("statements")) == ["canvas/565/1", "canvas/9/1", "canvas/B/1"]


def test_posts_answers_and_what_was_written_only_when_asked_for(tmp_path: Path) -> None:
    topic = event("discussion_topic_created", {"discussion_topic_id": whole(30), "title": "Ask Ada Example"})
    words = "<p>Write to ada@example.edu, @ada, or call +1 555 123 4567: https://x.example/?u=1</p>"
    entry = event(
        "discussion_entry_created",
        {"discussion_entry_id": "31", "discussion_topic_id": "30"}
        | {"parent_discussion_entry_id": "29", "user_id": "48", "text": words},
    )
    found = read(tmp_path, topic, entry)
    said = {row["verb"]: (row["object"], row["object_type"], row["parent"]) for row in found.rows("statements")}
    assert said == {
        "posted": ("discussion_topic/30", "thread", "topics"),
        "replied": ("discussion_entry/31", "message", "discussion_topic/30"),
    }
    assert only(found.rows("activities"))["title"] is None
    assert found.rows("texts") == []
    body = only(read(tmp_path, topic, entry, texts="yes").rows("texts"))["body"]
    assert "Write to [MAIL], [HANDLE], or call [NUMBER]: [LINK]" in body


def test_a_plan_is_known_when_it_was_announced_and_changes_are_further_records(tmp_path: Path) -> None:
    body = {"assignment_id": whole(3), "title": "Essay", "points_possible": 5, "submission_types": "online_upload"}
    first = event("assignment_created", {**body, "due_at": "2024-03-10T23:59:59Z"}, event_time="2024-02-01T00:00:00Z")
    moved = event("assignment_updated", {**body, "due_at": "2024-03-17T23:59:59Z"}, event_time="2024-03-05T00:00:00Z")
    quiz = event("assignment_created", {"assignment_id": whole(4), "submission_types": "online_quiz"})
    rows = {(row["activity"], str(row["due_on"])): row for row in read(tmp_path, first, moved, quiz).rows("activities")}
    assert {name for name, _ in rows} == {"assignment/3", "assignment/4"}
    assert rows["assignment/3", "2024-03-10"]["recorded_at"] < rows["assignment/3", "2024-03-17"]["recorded_at"]
    assert rows["assignment/4", "None"]["type"] == "test"


def enrolment(number: int, state: str, when: str, **more: Any) -> Event:
    body: Event = {
        "enrollment_id": whole(number),
        "course_id": whole(565),
        "user_id": whole(48),
        "workflow_state": state,
    }
    body |= {"type": "StudentEnrollment", "created_at": "2024-01-02T00:00:00Z", "updated_at": when}
    return event("enrollment_updated", body | more, event_time=when)


def statuses(found: Read) -> set[tuple[str, str]]:
    return {(row["status"], str(row["valid_from_on"])) for row in found.rows("enrolments")}


def test_enrolments_say_from_when_and_leaving_a_section_for_another_is_not_leaving(tmp_path: Path) -> None:
    left = enrolment(70, "deleted", "2024-02-20T00:00:00Z")
    assert statuses(read(tmp_path, left)) == {("enrolled", "2024-01-02"), ("withdrawn", "2024-02-20")}
    other = enrolment(71, "active", "2024-02-20T00:00:00Z", created_at="2024-02-20T00:00:00Z")
    assert statuses(read(tmp_path, left, other)) == {("enrolled", "2024-01-02"), ("enrolled", "2024-02-20")}
    was = enrolment(70, "active", "2024-01-02T00:00:00Z")
    assert ("withdrawn", "2024-02-20") in statuses(read(tmp_path, was, left))
    staff = enrolment(72, "active", "2024-02-20T00:00:00Z", type="TaEnrollment")
    assert read(tmp_path, staff).reasons() == [("events.jsonl", 1, "not_a_learner")]


def test_a_state_of_an_enrolment_is_read_by_the_enrolment_it_names(tmp_path: Path) -> None:
    state = event("enrollment_state_updated", {"enrollment_id": whole(70), "state": "inactive"})
    assert read(tmp_path, state).reasons() == [("events.jsonl", 1, "no_learner")]
    found = read(tmp_path, state, enrolment(70, "active", "2024-01-02T00:00:00Z"))
    assert statuses(found) == {("enrolled", "2024-01-02"), ("withdrawn", "2024-03-04")}


def test_every_word_is_one_of_the_house(tmp_path: Path) -> None:
    names = (
        "asset_accessed",
        "quiz_submitted",
        "conversation_message_created",
        "submission_comment_created",
        "group_membership_created",
        "wiki_page_updated",
        "wiki_page_deleted",
        "something_new",
        "attachment_updated",
    )
    ids = {"quiz_id": whole(1), "wiki_page_id": whole(1), "attachment_id": whole(1), "user_id": whole(48)}
    kinds = ("course", "wiki_page", "attachment", "web_conference", "collaboration", "content_tag", "my stuff?")
    found = read(tmp_path, *(event(name, ids) for name in names), *(look(kind, 3) for kind in kinds))
    assert found.rejects.num_rows == 0
    for row in found.rows("statements"):
        assert row["verb"] in VERBS
        assert row["object_type"] is None or row["object_type"] in ACTIVITY_TYPES
    verbs = {row["event"]: row["verb"] for row in found.rows("statements") if row["event"] != "asset_accessed"}
    assert verbs["something_new"] == "interacted"
    assert verbs["conversation_message_created"] == "messaged"
    assert {"joined", "viewed"} <= {row["verb"] for row in found.rows("statements")}


@pytest.mark.parametrize(
    "options",
    [
        {"shard": "x"},
        {"texts": "maybe"},
        {"scores": "marks"},
        {"pass_mark": "1000"},
        {"pass_mark": "half"},
        {"courses": "1; drop"},
        {"locale": "de"},
        {"run": "canvas"},
        {"zone": "Mars/Olympus"},
    ],
)
def test_an_option_without_a_usable_value_is_refused(tmp_path: Path, options: dict[str, str]) -> None:
    with pytest.raises(
        InputError, match=str(next(iter(options)) if "locale" in options else next(iter(options.values())))
    ):
        read(tmp_path, look("assignment", 1), **options)


def test_days_are_those_of_the_zone(tmp_path: Path) -> None:
    late = look("assignment", 1, event_time="2024-03-05T03:00:00Z")
    found = only(read(tmp_path, late, zone="America/Denver").rows("statements"))
    assert (str(found["occurred_on"]), found["hour"]) == ("2024-03-04", 20)
