"""What a statement can be found by: Communication 2.1.3, from the statement's side."""

from typing import Any

import pytest

from headway.intake.xapi.query import Terms, index_terms
from headway.intake.xapi.terms import identifier
from tests.support.xapi import ANN, BEN, CLUB, FULL, KNOWN, REFERRING, SMALL, TEAM, WITHIN, WORLD, changed

A, B = f"account|{WORLD}|ann-7", "mbox|mailto:ben@lms.example"
C, D = "openid|https://id.example/carla", "mbox|mailto:dee@lms.example"
PAIR, SHA = "mbox|mailto:pair@lms.example", "mbox_sha1sum|a94a8fe5ccb19ba61c4c0873d391e987982fbbd3"
KEY = f"account|{WORLD}|key-1"
IN_FULL = [f"{WORLD}/quiz/2#question-4", f"{WORLD}/quiz/2", f"{WORLD}/course/9", f"{WORLD}/book/1"]


def terms(statement: dict[str, Any], **changes: Any) -> Terms:
    return index_terms({"id": KNOWN, **statement, **changes})


def test_all_terms_of_a_full_statement() -> None:
    assert index_terms(FULL) == Terms(
        id=FULL["id"],
        stored=FULL["stored"],
        verb=FULL["verb"]["id"],
        activity=IN_FULL[0],
        registration="0b9e4f6c-52a3-4f07-8a1d-6f3c9f1f2f33",
        agents=(PAIR, A, B, SHA, C),
        related_agents=(PAIR, A, B, SHA, C, D, KEY),
        related_activities=tuple(IN_FULL),
        refers_to=None,
        voids=None,
    )


def test_a_small_statement_has_few() -> None:
    found = terms(SMALL)
    assert (found.agents, found.related_agents) == ((A,), (A,))
    assert found.related_activities == (f"{WORLD}/unit/3",)
    assert (found.registration, found.refers_to, found.stored) == (None, None, "")


def test_ids_are_told_in_small_letters() -> None:
    found = terms(changed(REFERRING, {"object.id": KNOWN.upper()}), id=FULL["id"].upper())
    assert (found.id, found.refers_to) == (FULL["id"], KNOWN)
    assert found.activity is None


def test_an_agent_as_object_is_found_like_an_actor() -> None:
    assert terms(SMALL, object={"objectType": "Agent", **BEN}).agents == (A, B)
    assert terms(SMALL, object=TEAM).agents == (A, B)
    assert terms(SMALL, object=TEAM).related_activities == ()


def test_an_anonymous_group_has_no_identifier_of_its_own() -> None:
    assert identifier(TEAM) is None
    assert identifier(CLUB) == "openid|https://clubs.example/chess"


def test_persons_in_a_sub_statement_are_only_related() -> None:
    found = terms(WITHIN)
    assert found.agents == (A,)
    assert set(found.related_agents) == {A, PAIR, B, SHA, C, D}
    assert found.activity is None
    assert found.related_activities == tuple(IN_FULL)
    assert found.registration is None


def test_a_reference_in_the_context_is_no_reference() -> None:
    assert index_terms(FULL).refers_to is None


def test_context_agents_and_groups_are_related() -> None:
    context = {
        "contextAgents": [{"objectType": "contextAgent", "agent": BEN}],
        "contextGroups": [{"objectType": "contextGroup", "group": CLUB}],
    }
    assert terms(SMALL, context=context).related_agents == (A, B, "openid|https://clubs.example/chess")
    assert terms(SMALL, context=context).agents == (A,)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ({"mbox": "mailto:ann@LMS.example"}, {"mbox": "mailto:ann@lms.Example", "name": "Ann"}, True),
        ({"mbox": "mailto:Ann@lms.example"}, {"mbox": "mailto:ann@lms.example"}, False),
        ({"mbox_sha1sum": "AB" * 20}, {"mbox_sha1sum": "ab" * 20}, True),
        ({"openid": "https://id.example/A"}, {"openid": "https://id.example/a"}, False),
        ({"account": {"name": "a", "homePage": WORLD}}, {"account": {"homePage": WORLD, "name": "a"}}, True),
        ({"account": {"name": "x|a", "homePage": WORLD}}, {"account": {"homePage": f"{WORLD}", "name": "x|b"}}, False),
        ({"openid": "https://id.example/a"}, {"mbox": "mailto:ann@lms.example"}, False),
    ],
)
def test_equal_identifiers_mean_equal_persons(one: dict[str, Any], other: dict[str, Any], same: bool) -> None:
    assert (identifier(one) == identifier(other)) is same


def test_terms_hold_nobody_twice() -> None:
    found = terms(SMALL, object={**TEAM, "member": [ANN, ANN, BEN]}, context={"instructor": ANN, "team": TEAM})
    assert found.related_agents == (A, B)
