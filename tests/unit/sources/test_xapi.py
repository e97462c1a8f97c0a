"""The xAPI source: one statement at a time, what it becomes, and why it may be refused."""

import gzip
import hashlib
import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from headway.domain.errors import InputError, SourceError, UnknownName
from headway.domain.vocabulary import ACTIVITY_TYPES, VERBS
from headway.governance.pseudonyms import pseudonym
from headway.sources.source import Request
from headway.sources.xapi import Xapi
from headway.sources.xapi_words import TYPE_OF_MODULE, TYPE_OF_WORD, VERB_OF_WORD
from tests.contract.source_cases import KEY, Read, drain

ADL = "http://adlnet.gov/expapi"
VIDEO = "https://w3id.org/xapi/video"
COURSE = {"id": "https://lms.example/course/view.php?id=5", "definition": {"type": f"{ADL}/activities/course"}}
SUM = hashlib.sha1(b"mailto:ann@lms.example").hexdigest().upper()
RUN = "xapi/lms.example-course-view.php-id-5/1"
Statement = dict[str, Any]


def statement(number: int = 1, verb: str = f"{ADL}/verbs/experienced", **changes: Any) -> Statement:
    """A sound statement; a change to None takes the part away."""
    made: Statement = {
        "id": f"00000000-0000-4000-8000-{number:012d}",
        "actor": {"account": {"homePage": "https://lms.example", "name": "ann"}},
        "verb": {"id": verb, "display": {"en": "did"}},
        "object": {"id": "https://lms.example/page/1", "definition": {"type": f"{ADL}/activities/module"}},
        "context": {"contextActivities": {"grouping": [COURSE]}},
        "timestamp": "2024-03-05T10:00:00+01:00",
        "version": "1.0.3",
    }
    made.update(changes)
    return {name: value for name, value in made.items() if value is not None}


def video(number: int, verb: str, **extensions: Any) -> Statement:
    spoken = f"{VIDEO}/verbs/{verb}" if verb in ("played", "paused", "seeked") else f"{ADL}/verbs/{verb}"
    return statement(
        number,
        spoken,
        object={"id": "https://lms.example/video/1", "definition": {"type": f"{VIDEO}/activity-type/video"}},
        result={"extensions": {f"{VIDEO}/extensions/{name}": value for name, value in extensions.items()}},
    )


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "statements.jsonl"


def read(file: Path, *statements: Any, **options: str) -> Read:
    file.write_text("".join(json.dumps(each) + "\n" for each in statements), encoding="utf-8")
    return drain(Xapi(), Request([file], options, KEY))


def reasons(found: Read) -> list[str]:
    return [reason for _, _, reason in found.reasons()]


def test_our_words_are_words_of_the_vocabulary() -> None:
    assert set(VERB_OF_WORD.values()) <= set(VERBS)
    assert {*TYPE_OF_WORD.values(), *TYPE_OF_MODULE.values()} <= set(ACTIVITY_TYPES)


def test_a_statement_says_who_what_when_and_where(file: Path) -> None:
    found = read(file, statement(stored="2024-03-05T09:00:07.250Z"), zone="Europe/Paris")
    (row,) = found.rows("statements")
    native = "account\x1fhttps://lms.example\x1fann"
    assert row["learner"] == f"xapi/{pseudonym(native, KEY)}"
    assert (row["run"], row["verb"], row["event"]) == (RUN, "viewed", "experienced")
    assert (row["object"], row["object_type"], row["role"]) == ("https://lms.example/page/1", "content", None)
    assert row["occurred_at"] == datetime(2024, 3, 5, 9, tzinfo=UTC)
    assert row["recorded_at"] == datetime(2024, 3, 5, 9, 0, 7, 250_000, tzinfo=UTC)
    assert (row["occurred_on"], row["hour"], row["interactions"]) == (date(2024, 3, 5), 10, 1)
    assert found.rejects.num_rows == 0


def test_all_forms_of_a_file_give_the_same_records(tmp_path: Path) -> None:
    several = [statement(1), statement(2), statement(3)]
    lines = "".join(json.dumps(each) + "\n" for each in several)
    forms = {
        "lines.jsonl": lines.encode(),
        "array.json": json.dumps(several).encode(),
        "page.json": json.dumps({"statements": several, "more": "/xapi/statements?more=x"}, indent=2).encode(),
        "packed.jsonl.gz": gzip.compress(lines.encode()),
    }
    seen = []
    for name, text in forms.items():
        (tmp_path / name).write_bytes(text)
        found = drain(Xapi(), Request([tmp_path / name], {}, KEY))
        seen.append({kind: sorted(table.to_pylist(), key=str) for kind, table in found.records.items()})
        assert found.counts()["statements"] == 3
    assert all(each == seen[0] for each in seen)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"actor": None}, "no_learner"),
        ({"actor": {"objectType": "Group", "member": [{"mbox": "mailto:a@b.org"}]}}, "group_actor"),
        ({"actor": {"account": {"name": "ann"}}}, "bad_actor"),
        ({"actor": {"mbox": "mailto:a@b.org", "openid": "https://id.example/a"}}, "bad_actor"),
        ({"actor": {"mbox": "a@b.org"}}, "bad_actor"),
        ({"actor": {"mbox_sha1sum": "abc"}}, "bad_actor"),
        ({"actor": {"objectType": "Activity", "mbox": "mailto:a@b.org"}}, "bad_actor"),
        ({"verb": None}, "missing_value"),
        ({"verb": {"id": "completed"}}, "bad_verb"),
        ({"object": None}, "missing_value"),
        ({"object": {"id": "page 1"}}, "bad_object"),
        ({"object": {"objectType": "Thing", "id": "https://a.b/c"}}, "bad_object"),
        ({"object": {"objectType": "SubStatement", "verb": {}}}, "sub_statement"),
        ({"id": "1"}, "bad_id"),
        ({"version": "0.95"}, "bad_version"),
        ({"timestamp": None}, "missing_value"),
        ({"timestamp": "2024-03-05T10:00:00"}, "bad_date"),
        ({"timestamp": "2024-03-05T10:00:00-00:00"}, "bad_date"),
        ({"timestamp": "2024-02-30T10:00:00Z"}, "bad_date"),
        ({"timestamp": "1970-01-01T00:00:00Z"}, "bad_date"),
        ({"timestamp": "yesterday"}, "bad_date"),
        ({"stored": "soon"}, "bad_date"),
        ({"timestamp": "2024-03-08T10:00:00Z", "stored": "2024-03-05T10:00:00Z"}, "bad_date"),
        ({"result": {"score": {"scaled": 1.5}}}, "bad_number"),
        ({"result": {"score": {"scaled": "much"}}}, "bad_number"),
        ({"result": {"score": {"raw": 12, "max": 10}}}, "bad_number"),
        ({"result": {"duration": "5 minutes"}}, "bad_number"),
        ({"context": None}, "no_course"),
    ],
)
def test_a_bad_statement_is_refused_with_its_reason_and_drops_no_other(
    file: Path, changes: Statement, reason: str
) -> None:
    found = read(file, statement(1), statement(2, **changes), statement(3))
    assert found.reasons() == [("statements.jsonl", 2, reason)]
    assert found.counts()["statements"] == 2


def test_a_mailbox_and_its_sum_are_the_same_learner(file: Path) -> None:
    sums = {"mbox_sha1sum": "B7C2C2C9B8A1D1F6D1C0D6A0F0B5A5C1E2D3F4A5"}
    one = statement(1, actor={"mbox": "mailto:ann@lms.example"})
    same = statement(2, actor={"objectType": "Agent", "mbox_sha1sum": SUM})
    found = read(file, one, same, statement(3, actor=sums), statement(4, actor={"openid": "https://id.example/ann"}))
    learners = [row["learner"] for row in found.rows("statements")]
    assert learners[0] == learners[1]
    assert len(set(learners)) == 3


def test_no_identifier_is_delivered(file: Path) -> None:
    secret = ("ann", "Ann Lee", "ann@lms.example", "77")
    actor = {"name": "Ann Lee", "mbox": "mailto:ann@lms.example"}
    profile = {"id": "https://lms.example/user/profile.php?id=77", "definition": {"type": "http://x.y/profile"}}
    found = read(
        file,
        statement(1, actor=actor, object=profile),
        statement(2, actor=actor, timestamp="no"),
        statement(3, actor={**actor, "account": {"homePage": "https://lms.example", "name": "ann"}}),
        statement(4, object={"objectType": "Agent", "name": "Ann Lee", "mbox": "mailto:ann@lms.example"}),
        statement(5, actor=actor, object={"id": "https://lms.example/users/ann@lms.example/files"}),
    )
    everything = str([table.to_pylist() for table in found.records.values()]) + str(found.rejects.to_pylist())
    assert found.counts()["statements"] == 3
    assert found.rejects.num_rows == 2
    for word in secret:
        assert f"'{word}'" not in everything
        assert f"={word}" not in everything
        assert "ann@" not in everything


def test_the_course_is_that_of_the_object_the_parent_the_grouping_or_a_block_of_open_edx(file: Path) -> None:
    edx = {"id": "http://edx.example/course/course-v1:Org+C1+2024", "definition": {"type": f"{ADL}/activities/course"}}
    site = {"id": "https://lms.example", "definition": {"type": "http://id.tincanapi.com/activitytype/site"}}
    block = {"id": "http://edx.example/xblock/block-v1:Org+C1+2024+type@problem+block@1"}
    found = read(
        file,
        statement(1, object=COURSE, context=None),
        statement(2, context={"contextActivities": {"parent": [edx], "grouping": [COURSE]}}),
        statement(3, context={"contextActivities": {"grouping": [site, COURSE]}}),
        statement(4, context={"contextActivities": {"grouping": COURSE}}),
        statement(5, object=block, context=None),
        statement(6, context={"contextActivities": {"grouping": "none", "parent": 5, "other": [3, None]}}),
    )
    runs = {row["object"]: row["run"] for row in found.rows("statements")}
    by_number = [row["run"] for row in found.rows("statements")]
    assert by_number == [RUN, "xapi/Org+C1/2024", RUN, RUN, "xapi/Org+C1/2024"]
    assert runs[block["id"]] == "xapi/Org+C1/2024"
    assert reasons(found) == ["no_course"]
    by_course = {row["run"]: row["course"] for row in found.rows("course_runs")}
    assert by_course == {RUN: "lms.example-course-view.php-id-5", "xapi/Org+C1/2024": "Org+C1"}


def test_options_say_where_the_course_is_or_put_all_into_one_run(file: Path) -> None:
    iri = "https://lms.example/ext/course"
    extended = statement(1, context={"extensions": {iri: {"id": "urn:course:bio"}}, "registration": "r-1"})
    assert [row["run"] for row in read(file, extended, course_from=iri).rows("statements")] == ["xapi/course-bio/1"]
    assert [row["run"] for row in read(file, extended, course_from="registration").rows("statements")] == ["xapi/r-1/1"]
    first = statement(1, context={"contextActivities": {"grouping": [{"id": "https://x.example/c/9"}]}})
    assert reasons(read(file, first)) == ["no_course"]
    found = read(file, first, course_from="first_grouping")
    assert [row["run"] for row in found.rows("statements")] == ["xapi/x.example-c-9/1"]
    found = read(file, first, statement(2), run="xapi/bio/2024")
    assert {row["run"] for row in found.rows("statements")} == {"xapi/bio/2024"}
    with pytest.raises(UnknownName, match="grouping"):
        read(file, first, course_from="groping")
    with pytest.raises(InputError, match="known"):
        read(file, first, known="sometime")


def test_watched_seconds_are_the_union_of_the_played_segments(file: Path) -> None:
    found = read(
        file,
        video(1, "initialized", length=263.24),
        video(2, "played", time=12.5),
        video(3, "seeked", **{"time-from": 124.6, "time-to": 176.4, "played-segments": "0[.]10[,]5[.]12[,]20[.]"}),
        video(4, "terminated", time=262, **{"played-segments": "30[.]40[,]0[.]12.5[,]35[.]38", "progress": 0.09}),
        video(5, "completed", time=263, **{"played-segments": "nonsense"}),
    )
    told = [
        (row["verb"], row["position_s"], row["from_s"], row["duration_s"], row["progress"])
        for row in found.rows("statements")
    ]
    assert told == [
        ("viewed", None, None, None, None),
        ("played", 12.5, None, None, None),
        ("seeked", 176.4, 124.6, 12.0, None),
        ("paused", 262.0, None, 22.5, 0.09),
        ("completed", 263.0, None, None, None),
    ]
    (activity,) = found.rows("activities")
    assert (activity["type"], activity["duration_s"]) == ("video", 263.2)


def test_durations_and_scores_are_put_on_our_scales(file: Path) -> None:
    scores = [{"scaled": 0.75}, {"raw": 7, "min": 5, "max": 10}, {"raw": 3, "max": 4}, {"raw": 3}, {"scaled": -0.5}]
    found = read(
        file,
        *(statement(n, result={"score": each, "duration": "PT1H2M3.5S"}) for n, each in enumerate(scores)),
        statement(9, result={"score": {"raw": 0, "max": 0}, "duration": "P1DT1M"}),
    )
    rows = found.rows("statements")
    assert [row["score"] for row in rows] == [0.75, pytest.approx(0.4), 0.75, None, 0, None]
    assert [row["duration_s"] for row in rows] == [3723.5] * 5 + [86_460]


def test_a_mark_is_a_result_and_what_the_learner_did_to_get_it_a_statement_too(file: Path) -> None:
    quiz = {"id": "https://lms.example/mod/quiz/view.php?id=3", "definition": {"type": f"{ADL}/activities/assessment"}}
    unit = {"id": "https://lms.example/au/1", "definition": {"type": f"{ADL}/activities/lesson"}}
    scaled = {"score": {"scaled": 0.8}, "success": True}
    graded = statement(1, "http://adlnet.gov/expapi/verbs/scored", object=quiz, result=scaled)
    passed = statement(2, f"{ADL}/verbs/passed", object=unit, result=scaled)
    opened = statement(3, f"{ADL}/verbs/launched", object=unit)
    found = read(file, graded, passed, opened)
    first, second = found.rows("results")
    assert (first["score"], first["submitted_at"], first["released_at"]) == (0.8, None, first["occurred_at"])
    assert (second["activity"], second["submitted_on"], second["attempt"]) == (unit["id"], date(2024, 3, 5), 1)
    assert [(row["verb"], row["event"], row["success"]) for row in found.rows("statements")] == [
        ("submitted", "passed", True),
        ("viewed", "launched", None),
    ]


def test_an_answer_to_an_item_is_a_response_too_but_a_set_of_items_is_none(file: Path) -> None:
    item = {
        "id": "http://edx.example/xblock/block-v1:Org+C1+2024+type@problem+block@1_2_1",
        "definition": {
            "type": f"{ADL}/activities/cmi.interaction",
            "extensions": {"http://id.tincanapi.com/extension/attempt-id": 3},
        },
    }
    evaluated = "https://w3id.org/xapi/acrossx/verbs/evaluated"
    found = read(
        file,
        statement(1, evaluated, object=item, result={"success": False, "response": "blue"}),
        statement(2, evaluated, object={**item, "objectType": "GroupActivity"}, result={"success": True}),
        statement(3, f"{ADL}/verbs/attempted", object=item, result={"score": {"scaled": 1}}),
        statement(4, f"{ADL}/verbs/asked", object=item),
    )
    (response,) = found.rows("responses")
    assert (response["item"], response["correct"], response["attempt"]) == (item["id"], False, 3)
    verbs = [row["verb"] for row in found.rows("statements")]
    assert verbs == ["answered", "answered", "interacted", "asked_for_help"]
    assert found.rows("results") == []
    assert "blue" not in str(found.rows("statements"))


def test_enrolments_are_told_or_begin_with_the_first_act(file: Path) -> None:
    bob = {"account": {"homePage": "https://lms.example", "name": "bob"}}
    found = read(
        file,
        statement(1, f"{ADL}/verbs/registered", object=COURSE, timestamp="2024-03-01T08:00:00Z"),
        statement(2),
        statement(3, "http://id.tincanapi.com/verb/unregistered", object=COURSE, timestamp="2024-04-01T08:00:00Z"),
        statement(4, actor=bob),
        statement(5, actor=bob, timestamp="2024-03-09T08:00:00Z"),
    )
    told = sorted((row["valid_from"].isoformat()[:10], row["status"]) for row in found.rows("enrolments"))
    assert told == [("2024-03-01", "enrolled"), ("2024-03-05", "enrolled"), ("2024-04-01", "withdrawn")]
    assert found.counts()["statements"] == 3


def test_forum_acts_say_what_they_answer(file: Path) -> None:
    thread = {"id": "https://lms.example/mod/forum/discuss.php?d=8"}
    forum = {"id": "https://lms.example/mod/forum/view.php?id=2"}
    reply = {"id": "https://lms.example/post/3", "definition": {"type": "http://x.y/activitytype/forum-reply"}}
    found = read(
        file,
        statement(1, "https://w3id.org/xapi/acrossx/verbs/posted", object=thread)
        | {"context": {"contextActivities": {"parent": [forum], "grouping": [COURSE]}}},
        statement(2, "http://id.tincanapi.com/verb/replied", object=reply)
        | {"context": {"contextActivities": {"parent": [thread], "grouping": [COURSE]}}},
    )
    told = [(row["verb"], row["object_type"], row["object"], row["parent"]) for row in found.rows("statements")]
    assert told == [
        ("posted", "thread", thread["id"], forum["id"]),
        ("replied", "message", reply["id"], thread["id"]),
    ]


def test_what_is_taken_back_in_the_same_delivery_is_no_record(file: Path) -> None:
    def voids(number: int, target: int) -> Statement:
        ref = {"objectType": "StatementRef", "id": f"00000000-0000-4000-8000-{target:012d}"}
        return statement(number, f"{ADL}/verbs/voided", object=ref, context=None)

    found = read(file, statement(1), statement(2), voids(3, 1), voids(4, 99))
    assert reasons(found) == ["voided", "voiding", "voids_earlier"]
    assert found.counts()["statements"] == 1


def test_equal_statements_without_an_id_are_counted_and_one_with_an_id_that_comes_twice_is_one(file: Path) -> None:
    found = read(file, statement(id=None), statement(id=None), statement(1), statement(1))
    ids = [row["id"] for row in found.rows("statements")]
    assert len(ids) == 4
    assert len(set(ids)) == 3


def test_an_unknown_verb_is_an_interaction_and_keeps_its_word(file: Path) -> None:
    found = read(file, statement(1, "https://x.example/verbs/Frobnicated"), statement(2, "https://x.example/7f3a-99"))
    told = [(row["verb"], row["event"]) for row in found.rows("statements")]
    assert told == [("interacted", "frobnicated"), ("interacted", "other")]


def test_a_store_filled_later_can_be_read_by_timestamp(file: Path) -> None:
    late = statement(stored="2025-01-01T00:00:00Z")
    assert read(file, late).rows("statements")[0]["recorded_at"] == datetime(2025, 1, 1, tzinfo=UTC)
    (row,) = read(file, late, known="timestamp").rows("statements")
    assert row["recorded_at"] == row["occurred_at"]


def test_titles_and_lengths_are_known_from_the_statement_that_first_told_them(file: Path) -> None:
    page = {"id": "https://lms.example/page/1", "definition": {"type": f"{ADL}/activities/module"}}
    told = {"type": f"{ADL}/activities/module", "name": {"fr": "Un", "en-US": "One"}}
    named = {"id": "https://lms.example/page/1", "definition": told}
    found = read(file, statement(1, object=page), statement(2, object=named, timestamp="2024-03-07T10:00:00Z"))
    (row,) = found.rows("activities")
    assert (row["title"], row["recorded_at"]) == ("One", datetime(2024, 3, 7, 10, tzinfo=UTC))


def test_a_folder_without_statements_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="No file for xapi"):
        drain(Xapi(), Request([tmp_path], {}, KEY))


JSON = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
PARTS = (
    ("actor",),
    ("actor", "account"),
    ("verb",),
    ("verb", "id"),
    ("object",),
    ("object", "id"),
    ("object", "definition"),
    ("context",),
    ("context", "contextActivities", "grouping"),
    ("result",),
    ("result", "score"),
    ("result", "score", "scaled"),
    ("result", "duration"),
    ("result", "extensions", f"{VIDEO}/extensions/played-segments"),
    ("timestamp",),
    ("stored",),
    ("version",),
    ("id",),
)


@st.composite
def spoilt_statements(draw: st.DrawFn) -> list[Any]:
    several: list[Any] = []
    for number in range(draw(st.integers(1, 4))):
        made: Any = statement(number, result={"score": {"scaled": 0.5}, "extensions": {}})
        for path in draw(st.lists(st.sampled_from(PARTS), max_size=3)):
            inner = made
            for step in path[:-1]:
                inner = inner.get(step) if isinstance(inner, dict) else None
            if isinstance(inner, dict):
                inner[path[-1]] = draw(JSON)
        several.append(made if draw(st.integers(0, 9)) else draw(JSON))
    return several


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(spoilt_statements())
def test_whatever_comes_no_row_is_lost_or_doubled(file: Path, several: list[Any]) -> None:
    found = read(file, statement(999), *several)  # a file without any object is refused as a whole
    assert found.counts()["statements"] + found.rejects.num_rows == len(several) + 1
