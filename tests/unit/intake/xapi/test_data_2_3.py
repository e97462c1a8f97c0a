"""Data 2.3 of xAPI 1.0.3: which statements are the same, and which one takes back another."""

from typing import Any

import pytest

from headway.intake.xapi.query import index_terms
from headway.intake.xapi.statement import equal, prepare
from tests.support.xapi import (
    ADL,
    ANN,
    BEN,
    DROP,
    FULL,
    KNOWN,
    ONE,
    REFERRING,
    SMALL,
    TEAM,
    TWO,
    WITHIN,
    WORLD,
    changed,
)

PLAIN = changed(FULL, {"stored": DROP})
AGENT = {"objectType": "contextAgent", "agent": {"mbox": "mailto:ann@lms.example"}}

SAME: list[tuple[str, str, dict[str, Any]]] = [
    ("2.3.1.b1", "no id", {"id": DROP}),
    ("2.3.1.b1", "id in capitals", {"id": FULL["id"].upper()}),
    ("2.3.1.b1", "no authority", {"authority": DROP}),
    ("2.3.1.b1", "another authority", {"authority": BEN}),
    ("2.3.1.b1", "another stored", {"stored": "2026-04-01T00:00:00Z"}),
    ("2.3.1.b1", "no timestamp", {"timestamp": DROP}),
    ("2.3.1.b1", "another version", {"version": "1.0.3"}),
    ("2.3.1.b2", "another definition", {"object.definition": {"name": {"en": "Rivers!"}}}),
    ("2.3.1.b2", "no definition", {"object.definition": DROP}),
    ("2.3.1.b2", "another context definition", {"context.contextActivities.other[0].definition": {}}),
    ("2.3.1.b3", "another display", {"verb.display": {"fr": "répondit"}}),
    ("2.3.1.b3", "no display", {"verb.display": DROP}),
    ("2.3.1.b4", "timestamp in another zone", {"timestamp": "2026-03-05T09:00:00.125Z"}),
    ("2.3.1.b4", "timestamp with more digits", {"timestamp": "2026-03-05T10:00:00.125000+01:00"}),
    ("2.3.1.b5", "members in another order", {"actor.member": FULL["actor"]["member"][::-1]}),
    ("2.3.1.b5", "a team in another order", {"context.team.member": [BEN, ANN]}),
    ("2.3.1.b6", "no attachments", {"attachments": DROP}),
    ("2.3.1.b6", "other attachments", {"attachments": []}),
    ("2.3.1.b7", "domain in capitals", {"actor.mbox": "mailto:pair@LMS.Example"}),
    ("2.3.1.b7", "sum in capitals", {"actor.member[2].mbox_sha1sum": "A94A8FE5CCB19BA61C4C0873D391E987982FBBD3"}),
    ("2.3.1.b7", "registration in capitals", {"context.registration": FULL["context"]["registration"].upper()}),
    ("2.3.1.b7", "language in capitals", {"context.language": "EN-gb"}),
    ("2.3.1.b7", "context statement in capitals", {"context.statement.id": KNOWN.upper()}),
    (
        "2.3.1.s9.b1",
        "a context Activity in an array of one",
        {"context.contextActivities.grouping": [FULL["context"]["contextActivities"]["grouping"]]},
    ),
    ("2.3.1.s9.b1", "a whole number with a point", {"result.score.raw": 5.0}),
    ("4.6.s1.b5", "duration finer than a hundredth", {"result.duration": "PT1M30.5S"}),
]
OTHER: list[tuple[str, str, dict[str, Any]]] = [
    ("2.3.1.b1", "another id", {"id": KNOWN}),
    ("2.3.1.b4", "another instant", {"timestamp": "2026-03-05T10:00:00.126+01:00"}),
    ("2.3.1.b7", "local part in capitals", {"actor.mbox": "mailto:Pair@lms.example"}),
    ("2.3.1.b8", "duration in other units", {"result.duration": "PT90.5S"}),
    ("2.3.1.b8", "another duration", {"result.duration": "PT1M30.51S"}),
    ("2.3.1.s9.b2", "another actor", {"actor.mbox": "mailto:trio@lms.example"}),
    ("2.3.1.s9.b2", "a member less", {"actor.member[3]": DROP}),
    ("2.3.1.s9.b2", "another name", {"actor.name": "Two"}),
    ("2.3.1.s9.b2", "another verb", {"verb.id": f"{ADL}/verbs/asked"}),
    ("2.3.1.s9.b2", "verb in capitals", {"verb.id": f"{ADL}/verbs/Answered"}),
    ("2.3.1.s9.b2", "another object", {"object.id": f"{WORLD}/quiz/3"}),
    ("2.3.1.s9.b2", "no result", {"result": DROP}),
    ("2.3.1.s9.b2", "another score", {"result.score.raw": 6}),
    ("2.3.1.s9.b2", "success for completion", {"result.completion": True}),
    ("2.3.1.s9.b2", "true for 1 in an extension", {"result.extensions": {f"{WORLD}/x/tries": [True, {"deep": None}]}}),
    ("2.3.1.s9.b2", "no null in an extension", {"result.extensions": {f"{WORLD}/x/tries": [1, {}]}}),
    ("2.3.1.s9.b2", "no context", {"context": DROP}),
    ("2.3.1.s9.b2", "another registration", {"context.registration": KNOWN}),
    ("2.3.1.s9.b2", "another instructor", {"context.instructor": BEN}),
    ("2.3.1.s9.b2", "another parent", {"context.contextActivities.parent[0].id": f"{WORLD}/quiz/8"}),
    ("2.3.1.s9.b2", "another context statement", {"context.statement.id": FULL["id"]}),
]


def named(rows: list[tuple[str, str, dict[str, Any]]], verdict: str) -> list[Any]:
    return [pytest.param(changes, id=f"Data-{req} {verdict}: {note}") for req, note, changes in rows]


@pytest.mark.parametrize("changes", named(SAME, "same"))
def test_what_the_lrs_may_change_makes_no_other_statement(changes: dict[str, Any]) -> None:
    other = changed(PLAIN, changes)
    assert equal(PLAIN, other)
    assert equal(other, PLAIN)


@pytest.mark.parametrize("changes", named(OTHER, "differs"))
def test_all_else_makes_another_statement(changes: dict[str, Any]) -> None:
    other = changed(PLAIN, changes)
    assert not equal(PLAIN, other)
    assert not equal(other, PLAIN)


def test_precision_beyond_a_hundredth_of_a_second_is_not_compared() -> None:
    fine = changed(PLAIN, {"result.duration": "PT1M30.501S"})
    finer = changed(PLAIN, {"result.duration": "PT1M30.5099S"})
    assert equal(fine, finer)
    assert not equal(fine, changed(PLAIN, {"result.duration": "PT1M30.511S"}))


@pytest.mark.parametrize("version", [ONE, TWO])
@pytest.mark.parametrize("statement", [SMALL, PLAIN, REFERRING, WITHIN], ids=["small", "full", "reference", "within"])
def test_a_statement_equals_itself_as_it_is_kept(statement: dict[str, Any], version: str) -> None:
    kept = prepare(statement, stored="2026-03-05T11:00:00Z", authority=ANN, version=version)
    assert equal(kept, statement)
    assert equal(statement, kept)
    assert not equal(kept, changed(statement, {"verb.id": "urn:x:else"}))


def test_a_timestamp_that_the_lrs_set_differs_from_none() -> None:
    kept = prepare(SMALL, stored="2026-03-05T11:00:00Z", authority=ANN, version=ONE)
    assert equal(kept, {**SMALL, "timestamp": "2026-03-05T10:59:00Z"})
    assert not equal({**kept, "timestamp": "2026-03-05T10:00:00Z"}, {**SMALL, "timestamp": "2026-03-05T10:59:00Z"})


@pytest.mark.parametrize(
    ("one", "other", "verdict"),
    [
        ({"object": TEAM}, {"object": {**TEAM, "member": [BEN, ANN]}}, True),
        ({"object": TEAM}, {"object": {**TEAM, "member": [BEN]}}, False),
        ({"object": REFERRING["object"]}, {"object": {"objectType": "StatementRef", "id": KNOWN.upper()}}, True),
        ({"context": {"contextAgents": [AGENT]}}, {"context": {"contextAgents": [AGENT]}}, True),
        ({"context": {"contextAgents": [AGENT]}}, {"context": {"contextAgents": [AGENT, AGENT]}}, False),
        ({"object": WITHIN["object"]}, {"object": {**WITHIN["object"], "timestamp": FULL["timestamp"]}}, True),
        ({"object": WITHIN["object"]}, {"object": {**WITHIN["object"], "timestamp": "2027-01-01T00:00:00Z"}}, False),
    ],
)
def test_objects_of_every_kind(one: dict[str, Any], other: dict[str, Any], verdict: bool) -> None:
    assert equal({**SMALL, **one}, {**SMALL, **other}) is verdict


VOIDING = changed(REFERRING, {"verb.id": f"{ADL}/verbs/voided"})


@pytest.mark.parametrize("requirement", ["Data-2.3.2.s2.b3 a voiding statement names what it voids"])
def test_a_voiding_statement_names_what_it_voids(requirement: str) -> None:
    assert requirement
    kept = {**VOIDING, "id": FULL["id"]}
    assert index_terms(kept).voids == KNOWN
    assert index_terms({**REFERRING, "id": FULL["id"]}).voids is None
    assert index_terms({**SMALL, "id": FULL["id"]}).voids is None
    within = {**SMALL, "id": FULL["id"], "object": {"objectType": "SubStatement", **VOIDING}}
    assert index_terms(within).voids is None
