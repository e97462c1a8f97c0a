"""The parameters of GET statements: Communication 2.1.3, from the question's side."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from headway.intake.xapi.query import Query, parse_query
from headway.intake.xapi.statement import Refused
from tests.support.xapi import ANN, CLUB, KNOWN, ONE, TEAM, TWO, WORLD


def asked(**given: str) -> Query:
    return parse_query({name: [value] for name, value in given.items()})


def test_nothing_asked_is_the_newest_of_all() -> None:
    query = parse_query({})
    assert query == Query()
    assert (query.format, query.limit, query.ascending, query.single) == ("exact", 0, False, False)


def test_every_parameter_is_read() -> None:
    query = asked(
        agent=json.dumps(ANN),
        verb="http://adlnet.gov/expapi/verbs/completed",
        activity=f"{WORLD}/unit/3",
        registration=KNOWN.upper(),
        related_activities="true",
        related_agents="true",
        since="2026-03-05T10:00:00+01:00",
        until="2026-03-05T10:00:00.5Z",
        limit="50",
        format="canonical",
        attachments="true",
        ascending="true",
    )
    assert query == Query(
        agent=f"account|{WORLD}|ann-7",
        verb="http://adlnet.gov/expapi/verbs/completed",
        activity=f"{WORLD}/unit/3",
        registration=KNOWN,
        related_activities=True,
        related_agents=True,
        since=datetime(2026, 3, 5, 9, tzinfo=UTC),
        until=datetime(2026, 3, 5, 10, 0, 0, 500_000, tzinfo=UTC),
        limit=50,
        format="canonical",
        attachments=True,
        ascending=True,
    )


def test_one_statement_by_its_id() -> None:
    query = asked(statementId=KNOWN.upper(), format="ids", attachments="false")
    assert (query.statement_id, query.single, query.format) == (KNOWN, True, "ids")
    assert asked(voidedStatementId=KNOWN).voided_statement_id == KNOWN


def test_a_group_may_be_asked_for() -> None:
    assert asked(agent=json.dumps(CLUB)).agent == "openid|https://clubs.example/chess"


REFUSED: list[tuple[str, dict[str, Any]]] = [
    ("Communication 3.2.s3.b7", {"actor": "x"}),
    ("Communication 3.2.s3.b7", {"": "x"}),
    ("Communication 3.2.s3.b8", {"statementid": KNOWN}),
    ("Communication 3.2.s3.b8", {"Limit": "5"}),
    ("Communication 2.1.3.s2.b1", {"statementId": KNOWN, "voidedStatementId": KNOWN}),
    ("Communication 2.1.3.s2.b2", {"statementId": KNOWN, "limit": "1"}),
    ("Communication 2.1.3.s2.b2", {"voidedStatementId": KNOWN, "ascending": "true"}),
    ("Communication 2.1.3.s2.b2", {"statementId": KNOWN, "agent": json.dumps(ANN)}),
    ("Communication 2.1.3.s1.table1.row12", {"format": "IDS"}),
    ("Communication 2.1.3.s1.table1.row3", {"agent": json.dumps(TEAM)}),
    ("Communication 2.1.3.s1.table1.row3", {"agent": "[]"}),
    ("Communication 3.2.s2.b1", {"agent": "ann"}),
    ("Communication 3.2.s2.b1", {"agent": "\ud800"}),
    ("Data 2.2.s2.b2", {"agent": '{"mbox":"mailto:a@b.example","mbox":"mailto:a@b.example"}'}),
    ("Data 2.4.2.1.s2.b1", {"agent": "{}"}),
    ("Data 2.2.s4.b1.b4", {"agent": '{"mbox":"ann"}'}),
    ("Data 2.2.s4.b4", {"statementId": "7"}),
    ("Data 2.2.s4.b4", {"registration": ""}),
    ("Data 2.2.s4.b4", {"verb": "completed"}),
    ("Data 2.2.s4.b4", {"activity": "unit/3"}),
    ("Data 2.2.s4.b4", {"since": "2026"}),
    ("Data 2.2.s4.b4", {"since": "2026-03-05T10:00:00 01:00"}),
    ("Data 2.2.s4.b4", {"until": "2026-03-05T10:00:00-00:00"}),
    ("Data 2.2.s4.b4", {"limit": "-1"}),
    ("Data 2.2.s4.b4", {"limit": "1.0"}),
    ("Data 2.2.s4.b4", {"limit": "²"}),
    ("Data 2.2.s4.b4", {"limit": "9" * 30}),
    ("Data 2.2.s4.b4", {"ascending": "True"}),
    ("Data 2.2.s4.b4", {"attachments": "1"}),
    ("Data 2.2.s4.b4", {"related_agents": ""}),
]


@pytest.mark.parametrize("version", [ONE, TWO])
@pytest.mark.parametrize(
    ("requirement", "given"),
    [pytest.param(req, given, id=f"{req.replace(' ', '-')} refused: {str(given)[:50]}") for req, given in REFUSED],
)
def test_parameters_are_refused_like_properties(requirement: str, given: dict[str, str], version: str) -> None:
    with pytest.raises(Refused) as refused:
        parse_query({name: [value] for name, value in given.items()}, version)
    assert refused.value.requirement == requirement


@pytest.mark.parametrize("values", [[], ["1", "1"]])
def test_a_parameter_is_given_once(values: list[str]) -> None:
    with pytest.raises(Refused, match="Give it once"):
        parse_query({"limit": values})


def test_times_are_read_as_the_version_has_them() -> None:
    assert parse_query({"since": ["20260305T100000Z"]}, ONE).since == datetime(2026, 3, 5, 10, tzinfo=UTC)
    with pytest.raises(Refused):
        parse_query({"since": ["20260305T100000Z"]}, TWO)
