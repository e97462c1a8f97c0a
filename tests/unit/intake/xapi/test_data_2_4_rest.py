"""Data 2.4.1 and 2.4.5 to 2.4.11 of xAPI 1.0.3: id, result, context, times, version, attachments."""

import pytest

from headway.intake.xapi.statement import prepare, validate
from tests.support.xapi import (
    ADL,
    ANN,
    BEN,
    CLUB,
    DROP,
    FULL,
    KNOWN,
    ON_AGENT,
    ONE,
    REFERRING,
    SMALL,
    SUM,
    TEAM,
    TWO,
    WORLD,
    Row,
    Statement,
    check,
    named,
    no,
    parameters,
    yes,
)

SIGNATURE = f"{ADL}/attachments/signature"
STORED = "2026-03-05T09:00:05.250Z"
KEY: Statement = {"objectType": "Agent", "account": {"homePage": WORLD, "name": "key-2"}}

ID = [
    yes("2.4.s1.table1.row1", "no id", {"id": DROP}, outer=True),
    no("2.4.s1.table1.row1", "a number", {"id": 7}),
    *(yes("2.4.1.s1", f"UUID of version {n}", {"id": f"6d0f3b52-5f0e-{n}c58-9b0e-0f6f3d6f3c11"}) for n in "1345678"),
    yes("2.4.1.s1", "capitals", {"id": "6D0F3B52-5F0E-4C58-9B0E-0F6F3D6F3C11"}),
    no("2.4.1.s1", "braces", {"id": "{6d0f3b52-5f0e-4c58-9b0e-0f6f3d6f3c11}"}, by="2.2.s4.b1.b4"),
    no("2.4.1.s1", "no hyphens", {"id": "6d0f3b525f0e4c589b0e0f6f3d6f3c11"}, by="2.2.s4.b1.b4"),
    no("2.4.1.s1", "a URN", {"id": "urn:uuid:6d0f3b52-5f0e-4c58-9b0e-0f6f3d6f3c11"}, by="2.2.s4.b1.b4"),
    no("2.4.1.s1", "a letter that is no digit", {"id": "6d0f3b52-5f0e-4c58-9b0e-0f6f3d6f3c1g"}, by="2.2.s4.b1.b4"),
    no("2.4.1.s1", "a digit too many", {"id": "6d0f3b52-5f0e-4c58-9b0e-0f6f3d6f3c110"}, by="2.2.s4.b1.b4"),
    no("2.4.1.s1", "a line break behind", {"id": f"{KNOWN}\n"}, by="2.2.s4.b1.b4"),
]
RESULT = [
    no("2.4.s1.table1.row5", "text", {"result": "passed"}),
    no("2.4.s1.table1.row5", "a list", {"result": []}),
    no("2.4.5.s2.table1.row1", "a number", {"result.score": 5}),
    no("2.4.5.s2.table1.row2", "a number", {"result.success": 1}),
    no("2.4.5.s2.table1.row3", "an object", {"result.completion": {}}),
    no("2.4.5.s2.table1.row4", "a number", {"result.response": 4}),
    no("2.4.5.s2.table1.row4", "a list", {"result.response": ["rhine"]}),
    yes("2.4.5.s2.table1.row4", "no text in it", {"result.response": ""}),
    no("2.4.5.s2.table1.row5", "seconds", {"result.duration": 90}),
    no("2.4.5.s2.table1.row6", "a list", {"result.extensions": [1]}),
    *(yes("2.4.5.1.s2.table1.row1", f"{value}", {"result.score.scaled": value}) for value in (-1, -0.25, 0, 1, 1.0)),
    *(no("2.4.5.1.s2.table1.row1", f"{value}", {"result.score.scaled": value}) for value in (-1.0001, 1.5, 50, 10**30)),
    no("2.4.5.1.s2.table1.row1", "a boolean", {"result.score.scaled": True}),
    no("2.4.5.1.s2.table1.row1", "an object", {"result.score.scaled": {}}),
    yes("2.4.5.1.s2.table1.row2", "no limits", {"result.score": {"raw": -40.5}}),
    yes("2.4.5.1.s2.table1.row2", "on the limits", {"result.score": {"raw": 10, "min": 0, "max": 10}}),
    no("2.4.5.1.s2.table1.row2", "above max", {"result.score.raw": 10.5}),
    no("2.4.5.1.s2.table1.row2", "below min", {"result.score.raw": -0.5}),
    no("2.4.5.1.s2.table1.row2", "below min without max", {"result.score": {"raw": 1, "min": 2}}),
    no("2.4.5.1.s2.table1.row2", "above max without min", {"result.score": {"raw": 3, "max": 2}}),
    no("2.4.5.1.s2.table1.row2", "a boolean", {"result.score.raw": True}),
    no("2.4.5.1.s2.table1.row3", "min above max", {"result.score": {"min": 3, "max": 2}}),
    no("2.4.5.1.s2.table1.row3", "min equal to max", {"result.score": {"min": 2, "max": 2.0}}),
    no("2.4.5.1.s2.table1.row3", "a list", {"result.score.min": [0]}),
    no("2.4.5.1.s2.table1.row4", "a boolean", {"result.score.max": False}),
    yes("2.4.5.1.s2.table1.row4", "max alone", {"result.score": {"max": -3}}),
]
CONTEXT = [
    no("2.4.s1.table1.row6", "text", {"context": "course 9"}),
    no("2.4.6.s3.table1.row1", "a number", {"context.registration": 12}),
    no("2.4.6.s3.table1.row1", "no UUID", {"context.registration": "course-9"}, by="2.2.s4.b1.b4"),
    yes("2.4.6.s3.table1.row2", "a Group teaches", {"context.instructor": TEAM}),
    no("2.4.6.s3.table1.row2", "text", {"context.instructor": "Dee"}),
    no(
        "2.4.6.s3.table1.row2",
        "an Activity",
        {"context.instructor": {"objectType": "Activity", "id": "urn:x"}},
        by="2.2.s4.b1.b6",
    ),
    yes("2.4.6.s3.table1.row3", "an identified Group", {"context.team": CLUB}),
    no("2.4.6.s3.table1.row3", "an Agent", {"context.team": ANN}, by="2.2.s4.b1.b6"),
    no("2.4.6.s3.table1.row3", "a list", {"context.team": [ANN]}),
    no("2.4.6.s3.table1.row4", "a list", {"context.contextActivities": [{"id": "urn:x"}]}),
    no("2.4.6.s3.table1.row5", "a number", {"context.revision": 12}),
    no("2.4.6.s3.table1.row6", "an object", {"context.platform": {"name": "LMS"}}),
    no("2.4.6.s3.table1.row7", "a list", {"context.language": ["en"]}),
    no("2.4.6.s3.table1.row7", "a language's name", {"context.language": "en_GB"}, by="2.2.s4.b1.b4"),
    no("2.4.6.s3.table1.row7", "an extension twice", {"context.language": "en-b-abc-b-def"}, by="2.2.s4.b1.b4"),
    no("2.4.6.s3.table1.row8", "a UUID alone", {"context.statement": KNOWN}),
    no(
        "2.4.6.s3.table1.row8",
        "an Activity",
        {"context.statement": {"objectType": "Activity", "id": "urn:x"}},
        by="2.2.s4.b1.b6",
    ),
    no("2.4.6.s3.table1.row9", "text", {"context.extensions": "x"}),
    no("2.4.6.s4.b1", "revision with an Agent as object", {"context": {"revision": "2"}}, ON_AGENT),
    no("2.4.6.s4.b1", "revision with a reference", {"context": {"revision": "2"}}, REFERRING),
    no("2.4.6.s4.b1", "revision with a Group", {"object": TEAM, "context": {"revision": "2"}}, SMALL),
    no(
        "2.4.6.s4.b1",
        "revision around a SubStatement",
        {"object": {"objectType": "SubStatement", **SMALL}, "context": {"revision": "2"}},
        SMALL,
    ),
    yes(
        "2.4.6.s4.b1",
        "revision inside a SubStatement",
        {"object": {"objectType": "SubStatement", **SMALL, "context": {"revision": "2"}}},
        SMALL,
    ),
    no("2.4.6.s4.b2", "platform with an Agent as object", {"context": {"platform": "LMS"}}, ON_AGENT),
    no("2.4.6.s4.b2", "platform with a reference", {"context": {"platform": "LMS"}}, REFERRING),
    yes("2.4.6.s4.b2", "platform with an Activity without objectType", {"context": {"platform": "LMS"}}, SMALL),
    yes("2.4.6.s4.b3", "language with any object", {"context": {"language": "fr"}}, REFERRING),
    no("2.4.6.2.s4.b1", "another key", {"context.contextActivities.course": []}),
    yes(
        "2.4.6.2.s4.b2",
        "one Activity, and several",
        {"context.contextActivities": {"parent": {"id": "urn:a"}, "other": [{"id": "urn:b"}, {"id": "urn:c"}]}},
    ),
    no("2.4.6.2.s4.b2", "text", {"context.contextActivities.parent": "urn:x"}),
    no("2.4.6.2.s4.b2", "text in a list", {"context.contextActivities.parent": ["urn:x"]}),
    no(
        "2.4.6.2.s4.b2",
        "an Agent",
        {"context.contextActivities.parent": [{"objectType": "Agent", **BEN}]},
        by="2.2.s4.b1.b6",
    ),
    no(
        "2.4.6.2.s4.b2",
        "an Activity without id",
        {"context.contextActivities.other": [{}]},
        by="2.4.4.1.s1.table1.row2",
    ),
]
TIMES = [
    yes("2.4.s1.table1.row7", "no timestamp", {"timestamp": DROP}),
    no("2.4.s1.table1.row7", "a number", {"timestamp": 1772701200}, by="4.5.s1.b1"),
    no("2.4.7.s3.b1", "no time", {"timestamp": "yesterday"}, by="4.5.s1.b1"),
    yes("2.4.7.s3.b5", "a future time", {"timestamp": "2199-01-01T00:00:00Z"}),
    yes("2.4.7.s3.b6", "a future time", {"timestamp": "2199-01-01T00:00:00Z"}),
    no("2.4.s1.table1.row8", "a number", {"stored": 7}, by="4.5.s1.b1"),
    no("2.4.8.s3.b1", "no time", {"stored": "now"}, by="4.5.s1.b1"),
]
VERSION = [
    *(
        yes("2.4.10.s3.b1", version, {"version": version})
        for version in ("1.0", "1.0.0", "1.0.3", "1.0.99", "1.0.0-rc")
    ),
    *(
        no("2.4.10.s3.b2", version, {"version": version}, only=ONE)
        for version in ("0.9", "0.95", "1.1.0", "2.0.0", "10.0.0")
    ),
    *(
        no("2.4.10.s2.b1", repr(text), {"version": text}, by="2.4.10.s3.b2", only=ONE)
        for text in ("", "1", "one", "1.0.x", "1.0.0 ")
    ),
    no("2.4.s1.table1.row10", "a number", {"version": 1.0}),
]
ATTACHMENTS = [
    yes("2.4.s1.table1.row11", "none", {"attachments": []}),
    no("2.4.s1.table1.row11", "an object", {"attachments": FULL["attachments"][0]}),
    no("2.4.s1.table1.row11", "text in the list", {"attachments": ["essay"]}),
    *(
        no(f"2.4.11.s2.table1.row{row}", f"no {name}", {f"attachments[0].{name}": DROP})
        for row, name in ((1, "usageType"), (2, "display"), (4, "contentType"), (5, "length"), (6, "sha2"))
    ),
    *(
        no(f"2.4.11.s2.table1.row{row}", f"{name} of a wrong type", {f"attachments[0].{name}": [1]})
        for row, name in enumerate(
            ("usageType", "display", "description", "contentType", "length", "sha2", "fileUrl"), 1
        )
    ),
    no("2.4.11.s2.table1.row1", "no IRI", {"attachments[0].usageType": "essay"}, by="2.2.s4.b1.b8"),
    no("2.4.11.s2.table1.row2", "empty", {"attachments[0].display": {}}, by="4.2.s1"),
    yes("2.4.11.s2.table1.row3", "no description", {"attachments[0].description": DROP}),
    *(
        yes("2.4.11.s2.table1.row4", kind, {"attachments[0].contentType": kind})
        for kind in ("image/png", 'text/html; charset="utf-8"', "application/vnd.api+json;v=1")
    ),
    *(
        no("2.4.11.s2.table1.row4", kind, {"attachments[0].contentType": kind}, by="2.2.s4.b1.b4")
        for kind in ("text", "text/", "a b/c", "text/plain; charset")
    ),
    yes("2.4.11.s2.table1.row5", "no octets", {"attachments[0].length": 0}),
    no("2.4.11.s2.table1.row5", "a fraction", {"attachments[0].length": 4.5}),
    no("2.4.11.s2.table1.row5", "less than nothing", {"attachments[0].length": -1}),
    no("2.4.11.s2.table1.row5", "a boolean", {"attachments[0].length": True}),
    *(
        yes("2.4.11.s2.table1.row6", f"SHA-{4 * n}", {"attachments[0].sha2": "aB" * (n // 2)})
        for n in (56, 64, 96, 128)
    ),
    no("2.4.11.s2.table1.row6", "SHA-1", {"attachments[0].sha2": "a" * 40}, by="2.2.s4.b1.b4"),
    no("2.4.11.s2.table1.row6", "base64", {"attachments[0].sha2": SUM[:-1] + "="}, by="2.2.s4.b1.b4"),
    yes("2.4.11.s2.table1.row7", "no fileUrl", {"attachments[0].fileUrl": DROP}),
    no("2.4.11.s2.table1.row7", "no address", {"attachments[0].fileUrl": "my file"}, by="2.2.s4.b1.b8"),
    yes(
        "2.6.s4.b1",
        "a signature",
        {"attachments[0].usageType": SIGNATURE, "attachments[0].contentType": "application/octet-stream"},
    ),
    no("2.6.s4.b1", "a signature of another type", {"attachments[0].usageType": SIGNATURE}),
]


@pytest.mark.parametrize(
    ("row", "version", "statement"), parameters([*ID, *RESULT, *CONTEXT, *TIMES, *VERSION, *ATTACHMENTS])
)
def test_the_other_properties(row: Row, version: str, statement: Statement) -> None:
    check(row, version, statement)


def prepared(statement: Statement, version: str = ONE) -> Statement:
    validate(statement, version)
    made = prepare(statement, stored=STORED, authority=KEY, version=version)
    validate(made, version)
    return made


@named("Data-2.4.1.s2.b1")
def test_an_id_is_made_where_there_is_none(version: str) -> None:
    first, second = prepared(SMALL, version)["id"], prepared(SMALL, version)["id"]
    assert first != second
    assert first[14] == "7"
    assert first[19] in "89ab"
    assert int(first[:8] + first[9:13], 16) == 1772701205250
    assert prepared(FULL, version)["id"] == FULL["id"]


@named("Data-2.4.7.s3.b2")
def test_a_missing_timestamp_becomes_stored(version: str) -> None:
    assert prepared(SMALL, version)["timestamp"] == STORED


@named("Data-2.4.8.s3.b2")
def test_stored_is_set_and_overwritten(version: str) -> None:
    assert prepared(SMALL, version)["stored"] == STORED
    assert prepared(FULL, version)["stored"] == STORED


@named("Data-2.4.9.s3.b2", "Data-2.4.9.s3.b3", "Data-2.4.9.s3.b4")
def test_every_statement_has_the_authority_it_came_with(version: str) -> None:
    assert prepared(SMALL, version)["authority"] == KEY
    assert prepared(FULL, version)["authority"] == KEY


@named("Data-2.4.10.s3.b3")
def test_a_version_is_kept_or_set(version: str) -> None:
    assert prepared({**FULL, "version": "1.0.2"}, version)["version"] == "1.0.2"
    assert prepared(SMALL, version)["version"] == ("1.0.0" if version == ONE else "2.0.0")


@named("Data-2.4.6.2.s4.b3", "Data-2.4.6.2.s4.b4")
def test_single_context_activities_become_arrays(version: str) -> None:
    course = FULL["context"]["contextActivities"]["grouping"]
    made = prepared(FULL, version)
    assert made["context"]["contextActivities"] == {**FULL["context"]["contextActivities"], "grouping": [course]}
    inner = prepared({**SMALL, "object": {"objectType": "SubStatement", **SMALL, "context": FULL["context"]}}, version)
    assert inner["object"]["context"]["contextActivities"]["grouping"] == [course]
    assert isinstance(FULL["context"]["contextActivities"]["grouping"], dict)


@named("Data-2.2.s2.b5")
def test_all_else_stays_as_it_came(version: str) -> None:
    made = prepared(FULL, version)
    same = ("actor", "verb", "object", "result", "attachments")
    assert {key: made[key] for key in same} == {key: FULL[key] for key in same}
    assert {k: v for k, v in made["context"].items() if k != "contextActivities"} == {
        k: v for k, v in FULL["context"].items() if k != "contextActivities"
    }


def test_a_timestamp_stays_as_it_came_in_1_0_and_is_told_in_utc_in_2_0() -> None:
    assert prepared(FULL, ONE)["timestamp"] == FULL["timestamp"]
    assert prepared(FULL, TWO)["timestamp"] == "2026-03-05T09:00:00.125Z"
    assert prepared({**FULL, "timestamp": "2026-03-05T09:00:00.1234567Z"}, TWO)["timestamp"].endswith(".1234567Z")
