"""Caliper envelopes, Canvas Live Events and plain records at the door: kept, set apart, or refused."""

import json
import re
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headway.domain.errors import Refused, TooLarge
from headway.intake import caliper, canvas, plain
from headway.intake.checked import Checked
from tests.support.xapi import DROP, changed

WORLD = "https://lms.example"
V1P2 = "http://purl.imsglobal.org/ctx/caliper/v1p2"
EVENT: dict[str, Any] = {
    "@context": V1P2,
    "id": "urn:uuid:3a648e68-f00d-4c08-aa59-8738e1884f2c",
    "type": "MediaEvent",
    "actor": {"id": f"{WORLD}/users/7", "type": "Person"},
    "action": "Paused",
    "object": f"{WORLD}/videos/3",
    "eventTime": "2026-03-05T10:00:00.000Z",
}
ENTITY: dict[str, Any] = {"id": f"{WORLD}/users/7", "type": "Person"}
ENVELOPE: dict[str, Any] = {
    "sensor": f"{WORLD}/sensors/1",
    "sendTime": "2026-03-05T10:00:01.000Z",
    "dataVersion": V1P2,
    "data": [EVENT, ENTITY],
}
LIVE: dict[str, Any] = {
    "metadata": {"event_name": "asset_accessed", "event_time": "2026-03-05T10:00:00Z", "user_id": "21070000000000001"},
    "body": {"asset_type": "course", "asset_id": "1"},
}
RECORD: dict[str, Any] = {
    "id": "r-1",
    "run": "moodle/algebra/2026",
    "learner": "ann",
    "verb": "paused",
    "at": "2026-03-05T10:00:00+01:00",
    "object": "video-3",
    "object_type": "video",
    "position_s": 93.5,
    "attempt": 2,
    "success": True,
    "score": 1,
}


def reasons(checked: Checked) -> list[tuple[int, str]]:
    return [(rejected.place, rejected.reason) for rejected in checked.rejected]


def test_a_sound_envelope_is_kept_whole() -> None:
    checked = caliper.check(ENVELOPE)
    assert (checked.accepted, checked.rejected) == ([EVENT, ENTITY], [])
    assert caliper.check(EVENT).accepted == [EVENT]
    assert caliper.check({**ENVELOPE, "dataVersion": V1P2.replace("v1p2", "v1p1")}).rejected == []
    assert caliper.check(changed(ENVELOPE, {"data[0].@context": [V1P2, "http://extra.example"]})).rejected == []


@pytest.mark.parametrize(
    "changes",
    [
        {"sensor": DROP},
        {"sensor": None},
        {"sensor": " "},
        {"sensor": {"id": WORLD}},
        {"sendTime": DROP},
        {"sendTime": "today"},
        {"sendTime": "2026-03-05T10:00:01"},
        {"sendTime": 7},
        {"dataVersion": DROP},
        {"dataVersion": "http://purl.imsglobal.org/ctx/caliper/v2p0"},
        {"dataVersion": 1.2},
        {"data": DROP},
        {"data": []},
        {"data": EVENT},
        {"more": 1},
    ],
    ids=lambda changes: json.dumps(changes, default=lambda _: "dropped")[:40],
)
def test_a_malformed_envelope_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(Refused) as refused:
        caliper.check(changed(ENVELOPE, changes))
    assert refused.value.requirement == "Caliper 1.2 Envelope"
    assert refused.value.http_status == 400


@pytest.mark.parametrize("envelope", [None, 7, "x", [], [EVENT], {}])
def test_what_is_no_envelope_is_refused(envelope: Any) -> None:
    with pytest.raises(Refused):
        caliper.check(envelope)


def test_an_envelope_without_measure_is_too_large() -> None:
    with pytest.raises(TooLarge):
        caliper.check({**ENVELOPE, "data": [7] * 20_001})


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"id": DROP}, "missing_value"),
        ({"id": "7"}, "bad_id"),
        ({"id": 7}, "bad_id"),
        ({"type": None}, "missing_value"),
        ({"type": ["MediaEvent"]}, "unknown_type"),
        ({"@context": "http://schema.example"}, "bad_version"),
        ({"@context": {"a": 1}}, "bad_version"),
        ({"actor": DROP}, "missing_value"),
        ({"actor": "ann"}, "bad_actor"),
        ({"actor.id": DROP}, "bad_actor"),
        ({"object": None}, "missing_value"),
        ({"object": []}, "bad_object"),
        ({"action": ""}, "missing_value"),
        ({"action": 1}, "unknown_action"),
        ({"eventTime": DROP}, "missing_value"),
        ({"eventTime": "2026-03-05"}, "bad_date"),
        ({"eventTime": 1772701200}, "bad_date"),
        ({"eventTime": "2026-03-06T10:00:02.000Z"}, "bad_date"),
    ],
)
def test_an_unfit_event_leaves_the_others_alone(changes: dict[str, Any], reason: str) -> None:
    bad = changed(EVENT, changes)
    checked = caliper.check({**ENVELOPE, "data": [ENTITY, bad, EVENT]})
    assert checked.accepted == [ENTITY, EVENT]
    assert reasons(checked) == [(1, reason)]
    assert checked.rejected[0].raw is bad
    assert checked.rejected[0].detail.endswith(".")


def test_an_element_that_came_alone_needs_its_version() -> None:
    assert reasons(caliper.check(changed(EVENT, {"@context": DROP}))) == [(0, "bad_version")]


def test_live_events_come_alone_in_arrays_or_as_caliper() -> None:
    assert canvas.check(LIVE).accepted == [LIVE]
    assert canvas.check([LIVE, LIVE]).accepted == [LIVE, LIVE]
    assert canvas.check(ENVELOPE).accepted == [EVENT, ENTITY]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"metadata": DROP}, "missing_value"),
        ({"metadata": []}, "missing_value"),
        ({"body": DROP}, "missing_value"),
        ({"body": "x"}, "missing_value"),
        ({"metadata.event_name": DROP}, "missing_value"),
        ({"metadata.event_name": " "}, "missing_value"),
        ({"metadata.event_time": None}, "missing_value"),
        ({"metadata.event_time": "yesterday"}, "bad_date"),
        ({"metadata.event_time": 1772701200}, "bad_date"),
    ],
)
def test_an_unfit_live_event_leaves_the_others_alone(changes: dict[str, Any], reason: str) -> None:
    checked = canvas.check([LIVE, changed(LIVE, changes), 7])
    assert checked.accepted == [LIVE]
    assert reasons(checked) == [(1, reason), (2, "bad_json")]


@pytest.mark.parametrize("events", [None, 7, "x", []])
def test_what_is_no_live_event_is_refused(events: Any) -> None:
    with pytest.raises(Refused):
        canvas.check(events)


def test_plain_records_come_alone_in_arrays_or_named() -> None:
    assert plain.check(RECORD).accepted == [RECORD]
    assert plain.check([RECORD]).accepted == [RECORD]
    assert plain.check({"records": [RECORD, RECORD]}).accepted == [RECORD, RECORD]
    small = {name: RECORD[name] for name in plain.SCHEMA["required"]}
    assert plain.check({**small, "title": None}).rejected == []


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"run": DROP}, "missing_value"),
        ({"learner": ""}, "missing_value"),
        ({"verb": None}, "missing_value"),
        ({"at": DROP}, "missing_value"),
        ({"at": "2026-03-05T10:00:00"}, "bad_date"),
        ({"at": 7}, "bad_value"),
        ({"run": "algebra"}, "bad_value"),
        ({"run": "moodle//2026"}, "bad_value"),
        ({"verb": "Paused!"}, "bad_value"),
        ({"learner": 7}, "bad_value"),
        ({"id": "x" * 201}, "bad_value"),
        ({"id": ""}, "bad_value"),
        ({"score": 1.01}, "bad_number"),
        ({"score": "1"}, "bad_number"),
        ({"score": True}, "bad_number"),
        ({"position_s": -1}, "bad_number"),
        ({"position_s": float("inf")}, "bad_number"),
        ({"progress": float("nan")}, "bad_number"),
        ({"attempt": 0}, "bad_number"),
        ({"attempt": 1.0}, "bad_number"),
        ({"success": 1}, "bad_value"),
        ({"mood": "good"}, "unknown_property"),
    ],
)
def test_an_unfit_record_leaves_the_others_alone(changes: dict[str, Any], reason: str) -> None:
    checked = plain.check([changed(RECORD, changes), RECORD, []])
    assert checked.accepted == [RECORD]
    assert reasons(checked) == [(0, reason), (2, "bad_json")]


values = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=4)
    | st.sampled_from(
        ["a/b/c", "a/b\n/c", "a/b/c\n", "viewed", "viewed\n", "2026-03-05T10:00:00Z", "2026-02-30T10:00:00Z"]
    )
    | st.lists(st.none(), max_size=1)
)


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(st.sampled_from([*plain.SCHEMA["properties"], "mood"]), values, max_size=4))
def test_the_short_way_calls_nothing_fit_that_is_not(changes: dict[str, Any]) -> None:
    line = json.dumps({**RECORD, **changes}).encode()
    if plain.is_fit(line):
        assert plain.fault(msgspec.json.decode(line)) is None


@pytest.mark.parametrize("name", sorted(RECORD))
def test_the_short_way_knows_records_with_and_without_each_property(name: str) -> None:
    assert plain.is_fit(json.dumps(RECORD).encode())
    assert plain.is_fit(json.dumps({**RECORD, name: None}).encode()) is (name not in plain.SCHEMA["required"])
    assert plain.is_fit(json.dumps(changed(RECORD, {name: DROP})).encode()) is (name not in plain.SCHEMA["required"])
    assert not plain.is_fit(json.dumps({**RECORD, name: [[]]}).encode())


@pytest.mark.parametrize("records", [None, 7, "x", [], {"records": []}])
def test_what_is_no_record_is_refused(records: Any) -> None:
    with pytest.raises(Refused):
        plain.check(records)


@pytest.mark.parametrize(("check", "one"), [(canvas.check, LIVE), (plain.check, RECORD)])
def test_requests_without_measure_are_too_large(check: Any, one: Any) -> None:
    with pytest.raises(TooLarge):
        check([one] * 20_001)


def test_the_page_tells_the_schema() -> None:
    page = (Path(__file__).resolve().parents[3] / "docs" / "reference" / "records.md").read_text(encoding="utf-8")
    told = dict(re.findall(r"^\| `(\w+)` \| [^|]+ \| (?:yes|no) \| ([^|]+) \|$", page, re.MULTILINE))
    assert told == {name: rule["description"] for name, rule in plain.SCHEMA["properties"].items()}
    needed = set(re.findall(r"^\| `(\w+)` \| [^|]+ \| yes \|", page, re.MULTILINE))
    assert needed == set(plain.SCHEMA["required"])
    (example,) = re.findall(r"```json\n(.+?)\n```", page, re.DOTALL)
    assert plain.check(json.loads(example)).rejected == []


def test_the_schema_is_json_and_describes_every_property() -> None:
    assert json.loads(json.dumps(plain.SCHEMA)) == plain.SCHEMA
    assert set(plain.SCHEMA["required"]) <= set(plain.SCHEMA["properties"])
    assert all(rule["description"].endswith((".", "...")) for rule in plain.SCHEMA["properties"].values())


names = st.sampled_from([*ENVELOPE, *EVENT, *LIVE, *LIVE["metadata"], *RECORD, "records"])
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.sampled_from([V1P2, "urn:x:1"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=5),
    max_leaves=12,
)


@settings(max_examples=100, deadline=None)
@given(anything, st.sampled_from([caliper.check, canvas.check, plain.check]))
def test_whatever_arrives_is_kept_set_apart_or_refused(value: Any, check: Any) -> None:
    for sent in (value, [value, value], {**ENVELOPE, "data": [value]}, {"records": [value]}):
        try:
            checked = check(sent)
        except Refused:
            continue
        places = [rejected.place for rejected in checked.rejected]
        assert places == sorted(set(places))
        assert len(checked.accepted) + len(places) >= 1
