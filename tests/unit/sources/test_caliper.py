"""The Caliper source: envelopes, single events and entities; what each becomes, and why it may be refused."""

import gzip
import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from headway.domain.errors import SourceError
from headway.domain.vocabulary import ACTIVITY_TYPES, VERBS
from headway.governance.pseudonyms import pseudonym
from headway.sources.caliper import Caliper
from headway.sources.caliper_words import EVENTS, TYPE_OF_ENTITY, VERB_OF_ACTION
from headway.sources.source import Request
from tests.contract.caliper_case import CONTEXT, SECTION, SITE, envelope, event, graded, membership
from tests.contract.source_cases import KEY, Read, drain

RUN = "caliper/college.example-courses-7/section-2"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "events.jsonl"


def read(file: Path, *documents: Any, **options: str) -> Read:
    file.write_text("".join(json.dumps(each) + "\n" for each in documents), encoding="utf-8")
    return drain(Caliper(), Request([file], options, KEY))


def statements(found: Read) -> list[dict[str, Any]]:
    """The statements in order of time."""
    return sorted(found.rows("statements"), key=lambda row: str(row["occurred_at"]))


def reasons(found: Read) -> list[str]:
    return [reason for _, _, reason in found.reasons()]


def learner(name: str) -> str:
    return f"caliper/{pseudonym(f'{SITE}/users/{name}', KEY)}"


def test_our_words_are_words_of_the_vocabulary_and_every_action_has_one() -> None:
    assert set(VERB_OF_ACTION.values()) <= set(VERBS)
    assert set(TYPE_OF_ENTITY.values()) <= set(ACTIVITY_TYPES)
    for form in EVENTS.values():
        assert form.actions <= set(VERB_OF_ACTION)
        assert (form.objects | form.generated) <= set(TYPE_OF_ENTITY)


def test_an_event_says_who_what_when_and_where_and_is_known_when_it_was_sent(file: Path) -> None:
    found = read(file, envelope(event(1, "ViewEvent", "Viewed", "page")), zone="Europe/Paris")
    (row,) = found.rows("statements")
    assert (row["learner"], row["run"], row["role"]) == (learner("p1"), RUN, None)
    assert (row["verb"], row["event"]) == ("viewed", "Viewed")
    assert (row["object"], row["object_type"]) == (f"{SITE}/pages/1", "page")
    assert row["occurred_at"] == datetime(2024, 3, 2, 10, tzinfo=UTC)
    assert row["recorded_at"] == datetime(2024, 4, 1, tzinfo=UTC)
    assert (row["occurred_on"], row["hour"]) == (date(2024, 3, 2), 11)
    (activity,) = found.rows("activities")
    assert (activity["activity"], activity["type"], activity["title"]) == (f"{SITE}/pages/1", "page", "Cells")
    (run,) = found.rows("course_runs")
    assert (run["course"], run["title"], run["inferred"]) == ("college.example-courses-7", "BIO-2", True)


def test_whole_and_thinned_events_single_or_in_envelopes_are_the_same(tmp_path: Path) -> None:
    whole = event(1, "ViewEvent", "Viewed", {"id": f"{SITE}/pages/1", "type": "Page"})
    thin = event(1, "ViewEvent", "Viewed", f"{SITE}/pages/1", actor=f"{SITE}/users/p1", group=SECTION)
    sent = "2024-03-02T10:00:00.000Z"
    forms = {
        "single.json": json.dumps(whole, indent=2).encode(),
        "envelope.json": json.dumps(envelope(whole, sent=sent), indent=2).encode(),
        "lines.jsonl": json.dumps(envelope(whole, sent=sent)).encode(),
        "array.json": json.dumps([envelope(whole, sent=sent)]).encode(),
        "packed.json.gz": gzip.compress(json.dumps(whole).encode()),
        "thin.json": json.dumps(thin).encode(),
    }
    seen = []
    for name, text in forms.items():
        (tmp_path / name).write_bytes(text)
        (row,) = drain(Caliper(), Request([tmp_path / name], {}, KEY)).rows("statements")
        row.pop("object_type")  # a thinned object does not tell
        seen.append(row)
    assert all(each == seen[0] for each in seen)


@pytest.mark.parametrize("context", [None, CONTEXT, CONTEXT.replace("v1p2", "v1p1"), [{"a": "b"}, CONTEXT]])
def test_versions_1_1_and_1_2_are_read(file: Path, context: Any) -> None:
    assert read(file, event(1, "ViewEvent", "Viewed", "page", **{"@context": context})).rejects.num_rows == 0


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"type": None}, "missing_value"),
        ({"type": "FrobEvent"}, "unknown_type"),
        ({"@context": "http://other.example/context"}, "bad_version"),
        ({"id": None}, "missing_value"),
        ({"id": "not an IRI"}, "bad_id"),
        ({"actor": None}, "missing_value"),
        ({"actor": {"type": "Person"}}, "bad_actor"),
        ({"actor": {"id": f"{SITE}/s/1", "type": "Session"}}, "bad_actor"),
        ({"actor": "nobody at all"}, "bad_actor"),
        ({"actor": "http://purl.imsglobal.org/caliper/Person"}, "no_learner"),
        ({"actor": {"id": SITE, "type": "SoftwareApplication"}}, "automated_job"),
        ({"actor": {"id": f"{SITE}/g", "type": "Group"}}, "group_actor"),
        ({"action": None}, "missing_value"),
        ({"action": "Frobbed"}, "unknown_action"),
        ({"action": "Submitted"}, "wrong_action"),
        ({"object": None}, "missing_value"),
        ({"object": {"type": "Page"}}, "bad_object"),
        ({"object": {"id": f"{SITE}/users/p1", "type": "Person"}}, "bad_object"),
        ({"object": {"id": f"{SITE}/x", "type": "Frob"}}, "bad_object"),
        ({"eventTime": None}, "missing_value"),
        ({"eventTime": "2024-03-05T10:00:00"}, "bad_date"),
        ({"eventTime": "2024-05-05T10:00:00Z"}, "bad_date"),
        ({"profile": "FrobProfile"}, "unknown_profile"),
        ({"session": "no IRI"}, "bad_entity"),
        ({"group": {"id": f"{SITE}/users/p1", "type": "Person"}}, "bad_entity"),
        ({"target": {"id": f"{SITE}/users/p1", "type": "Person"}}, "bad_entity"),
        ({"group": None, "membership": None}, "no_course"),
    ],
)
def test_a_bad_event_is_refused_with_its_reason_and_drops_no_other(file: Path, changes: Any, reason: str) -> None:
    good = [event(number, "ViewEvent", "Viewed", "page") for number in (1, 2)]
    bad = {
        name: value for name, value in (event(3, "ViewEvent", "Viewed", "page") | changes).items() if value is not None
    }
    found = read(file, envelope(good[0], bad, good[1]))
    assert found.reasons() == [("events.jsonl", 2, reason)]
    assert found.counts()["statements"] == 2


def test_entities_are_no_acts_but_sections_are_runs_and_memberships_enrolments(file: Path) -> None:
    section = {
        "@context": CONTEXT,
        "id": f"{SITE}/courses/8/sections/1",
        "type": "CourseSection",
        "name": "Art",
        "dateCreated": "2024-01-05T00:00:00Z",
    }
    staff = membership(roles=["Instructor"])
    odd = [membership(status="Lost"), membership(roles=["Frob"]), membership(member={"id": SITE, "type": "Session"})]
    found = read(
        file,
        envelope({"id": f"{SITE}/users/p1", "type": "Person"}, section, membership(), staff, *odd),
        envelope(membership("Inactive", dateModified="2024-03-20T00:00:00Z")),
    )
    assert sorted(reasons(found)) == ["bad_actor", "entity", "not_a_learner", "unknown_value", "unknown_value"]
    runs = {row["run"]: (row["title"], row["starts_on"]) for row in found.rows("course_runs")}
    assert runs["caliper/college.example-courses-8/section-1"] == ("Art", date(2024, 1, 5))
    assert runs.keys() == {"caliper/college.example-courses-8/section-1", RUN}
    told = sorted((row["status"], row["learner"], row["valid_from_on"]) for row in found.rows("enrolments"))
    assert told == [
        ("enrolled", learner("p3"), date(2024, 2, 1)),
        ("withdrawn", learner("p3"), date(2024, 3, 20)),
    ]


def test_staff_act_as_instructors_and_are_not_enrolled(file: Path) -> None:
    roles = {
        "p1": ["Learner"],
        "p4": ["Instructor"],
        "p5": ["http://purl.imsglobal.org/vocab/lis/v2/membership#Instructor"],
        "p6": ["Learner", "TeachingAssistant"],
        "p7": ["Instructor#Grader"],
    }
    events = [
        event(
            number,
            "ViewEvent",
            "Viewed",
            "page",
            actor=f"{SITE}/users/{who}",
            membership={"id": f"{SECTION}/r/{who}", "type": "Membership", "roles": has},
        )
        for number, (who, has) in enumerate(roles.items())
    ]
    found = read(file, envelope(*events))
    assert [row["role"] for row in statements(found)] == [None, "instructor", "instructor", None, "instructor"]
    assert {row["learner"] for row in found.rows("enrolments")} == {learner("p1"), learner("p6")}


def test_the_course_may_be_named_by_the_group_what_is_above_it_or_the_membership(file: Path) -> None:
    team = {"id": f"{SITE}/teams/1", "type": "Group", "subOrganizationOf": {"id": SECTION, "type": "CourseSection"}}
    of_member = {"id": f"{SECTION}/r/1", "type": "Membership", "organization": {"id": SECTION, "type": "CourseSection"}}
    found = read(
        file,
        envelope(
            event(1, "ViewEvent", "Viewed", "page", group=team),
            event(2, "ViewEvent", "Viewed", "page", group=None, membership=of_member),
            event(3, "ViewEvent", "Viewed", "page", group={"id": f"{SITE}/courses/7", "type": "CourseOffering"}),
        ),
    )
    assert [row["run"] for row in statements(found)] == [RUN, RUN, "caliper/college.example-courses-7/1"]
    named = read(file, event(4, "SessionEvent", "LoggedIn", "tool", group=None, membership=None), run="caliper/a/b")
    assert [(row["run"], row["verb"]) for row in named.rows("statements")] == [("caliper/a/b", "logged_in")]


def test_a_place_in_a_recording_is_told_in_seconds(file: Path) -> None:
    def at(time: str) -> dict[str, str]:
        return {"id": f"{SITE}/at", "type": "MediaLocation", "currentTime": time}

    events = [
        event(n, "MediaEvent", action, "video", target=at(time))
        for n, (action, time) in enumerate(
            [("Started", "PT0S"), ("Paused", "PT1M30.5S"), ("JumpedTo", "100"), ("Ended", "PT2M"), ("Muted", "x")]
        )
    ]
    found = read(file, envelope(*events))
    told = [(row["verb"], row["position_s"]) for row in statements(found)]
    assert told == [
        ("played", 0.0),
        ("paused", 90.5),
        ("seeked", 100.0),
        ("completed", 120.0),
        ("interacted", None),
    ]
    assert [row["duration_s"] for row in found.rows("activities")] == [120.0]


def test_forum_acts_say_what_they_answer(file: Path) -> None:
    thread = {"id": f"{SITE}/t/1", "type": "Thread", "isPartOf": {"id": f"{SITE}/f/1", "type": "Forum"}}
    first = {"id": f"{SITE}/m/1", "type": "Message", "isPartOf": thread, "body": "Call Ann on 0123"}
    reply = {"id": f"{SITE}/m/2", "type": "Message", "isPartOf": thread, "replyTo": {"id": f"{SITE}/m/1"}}
    found = read(file, envelope(event(1, "MessageEvent", "Posted", first), event(2, "MessageEvent", "Posted", reply)))
    told = [(row["verb"], row["object_type"], row["object"], row["parent"]) for row in statements(found)]
    assert told == [
        ("posted", "thread", f"{SITE}/t/1", f"{SITE}/f/1"),
        ("replied", "message", f"{SITE}/m/2", f"{SITE}/m/1"),
    ]
    assert "0123" not in str([table.to_pylist() for table in found.records.values()])


def test_a_grade_is_a_result_of_the_learner_or_a_response_to_an_item(file: Path) -> None:
    thinned = graded(3) | {"object": f"{SITE}/attempts/3"}
    found = read(
        file, envelope(graded(1), graded(2, "AssessmentItem", 1, 2), thinned, graded(4, given=12), graded(5, most=0))
    )
    (result,) = found.rows("results")
    assert (result["learner"], result["activity"], result["score"]) == (learner("p2"), f"{SITE}/tests/1", 0.8)
    assert (result["attempt"], result["submitted_on"]) == (2, date(2024, 3, 5))
    assert result["released_at"] == datetime(2024, 3, 2, 10, tzinfo=UTC)
    (response,) = found.rows("responses")
    assert (response["item"], response["correct"]) == (f"{SITE}/tests/2", False)
    assert found.rows("statements") == []
    assert sorted(reasons(found)) == ["bad_number", "bad_number", "no_learner"]


def test_an_event_sent_again_is_known_from_its_first_envelope(file: Path) -> None:
    same = event(1, "ViewEvent", "Viewed", "page")
    found = read(file, envelope(same, sent="2024-04-02T00:00:00Z"), envelope(same, sent="2024-04-01T00:00:00Z"))
    (row,) = found.rows("statements")
    assert row["recorded_at"] == datetime(2024, 4, 1, tzinfo=UTC)
    assert reasons(found) == ["sent_again"]


def test_no_identifier_is_delivered(file: Path) -> None:
    personal = {"id": f"{SITE}/users/p1/notes", "type": "Document", "name": "Notes"}
    found = read(
        file,
        envelope(
            {"@context": CONTEXT, "id": f"{SITE}/users/p1", "type": "Person", "name": "Ann Lee"},
            event(1, "ViewEvent", "Viewed", personal),
            event(2, "ViewEvent", "Viewed", "page", actor={"type": "Person", "name": "Ann Lee", "email": "a@b.org"}),
            event(3, "ViewEvent", "Viewed", "page", session={"type": "Frob", "user": {"name": "Ann Lee"}}),
            event(4, "FeedbackEvent", "Ranked", {"id": f"{SITE}/users/p9", "type": "Person", "name": "Bob Ray"}),
            membership("Lost"),
        ),
    )
    everything = str([table.to_pylist() for table in found.records.values()]) + str(found.rejects.to_pylist())
    for word in ("Ann Lee", "Bob Ray", "a@b.org", "/p1", "/p3", "/p9"):
        assert word not in everything
    assert found.counts()["statements"] == 2


def test_a_folder_of_single_documents_survives_one_that_is_no_json(tmp_path: Path) -> None:
    (tmp_path / "1.json").write_text(json.dumps(event(1, "ViewEvent", "Viewed", "page"), indent=1), encoding="utf-8")
    (tmp_path / "2.json").write_text("no JSON, but ann@lms.example", encoding="utf-8")
    (tmp_path / "3.json").write_text("", encoding="utf-8")
    found = drain(Caliper(), Request([tmp_path], {}, KEY))
    assert found.reasons() == [("2.json", 1, "bad_json"), ("3.json", 1, "bad_json")]
    assert found.counts()["statements"] == 1
    assert "ann@" not in str(found.rejects.to_pylist())
    with pytest.raises(SourceError, match=r"2\.json"):
        drain(Caliper(), Request([tmp_path / "2.json"], {}, KEY))


JSON = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
PROPERTIES = (
    *("@context", "id", "type", "actor", "action", "object", "eventTime", "group", "membership", "target"),
    *("generated", "profile", "session", "roles", "status", "member", "organization", "dateCreated"),
)


@st.composite
def spoilt_elements(draw: st.DrawFn) -> list[Any]:
    several: list[Any] = []
    for number in range(draw(st.integers(1, 5))):
        made = [event(number, "ViewEvent", "Viewed", "page"), membership(), graded(number)][draw(st.integers(0, 2))]
        made["id"] = f"urn:x:{number}"
        for name in draw(st.lists(st.sampled_from(PROPERTIES), max_size=3)):
            made[name] = draw(JSON)
        several.append(made if draw(st.integers(0, 9)) else draw(JSON))
    return several


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(spoilt_elements())
def test_whatever_comes_no_row_is_lost_or_doubled(file: Path, several: list[Any]) -> None:
    found = read(file, envelope(*several))
    assert all(len({row["id"] for row in found.rows(kind)}) == count for kind, count in found.counts().items())
    acts = found.counts().get("statements", 0) + found.counts().get("results", 0) + found.counts().get("responses", 0)
    told = [row for row in found.rows("enrolments") if row["learner"] == learner("p3")]
    assert acts + len(told) + found.rejects.num_rows >= len(several)
    assert acts + found.rejects.num_rows <= len(several)
