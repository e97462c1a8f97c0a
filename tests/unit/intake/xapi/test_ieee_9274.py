"""What xAPI 2.0 (IEEE 9274.1.1) has and 1.0.3 has not: relations to more persons, versions, times."""

from typing import Any

import pytest

from headway.intake.xapi.statement import Refused, validate
from headway.intake.xapi.versions import is_two, latest
from tests.support.xapi import (
    ANN,
    BEN,
    CLUB,
    DROP,
    FULL,
    ONE,
    SMALL,
    TEAM,
    TWO,
    WORLD,
    Row,
    Statement,
    changed,
    check,
    no,
    parameters,
    yes,
)

RULE = "IEEE 9274.1.1 4.2.2.5"
AGENT: Statement = {"objectType": "contextAgent", "agent": ANN, "relevantTypes": [f"{WORLD}/type/mentor"]}
GROUP: Statement = {"objectType": "contextGroup", "group": TEAM, "relevantTypes": [f"{WORLD}/type/class"]}
BASE = changed(FULL, {"context.contextAgents": [AGENT], "context.contextGroups": [GROUP]})
ON_PERSON = {**SMALL, "object": {"objectType": "Agent", **BEN}, "context": {"contextAgents": [AGENT]}}


def two(note: str, changes: dict[str, Any], by: str = "") -> Row:
    return no(RULE, note, changes, BASE, by=by, only=TWO)


ROWS = [
    yes(RULE, "an Agent and a Group", {}, BASE, only=TWO),
    yes(RULE, "none", {"context.contextAgents": [], "context.contextGroups": []}, BASE, only=TWO),
    yes(RULE, "of no type", {"context.contextAgents[0].relevantTypes": DROP}, BASE, only=TWO),
    yes(RULE, "an identified Group", {"context.contextGroups[0].group": CLUB}, BASE, only=TWO),
    yes(RULE, "with any object", {}, ON_PERSON, only=TWO),
    no("2.2.s4.b1.b7", "contextAgents in 1.0", {"context.contextAgents": [AGENT]}, only=ONE),
    no("2.2.s4.b1.b7", "contextGroups in 1.0", {"context.contextGroups": [GROUP]}, only=ONE),
    *(
        row
        for kind, one, wrong in (("contextAgents", "agent", TEAM), ("contextGroups", "group", ANN))
        for row in (
            two(f"{kind}: an object", {f"context.{kind}": AGENT}),
            two(f"{kind}: text", {f"context.{kind}": ["Ann"]}),
            two(f"{kind}: null", {f"context.{kind}": None}, "2.2.s4.b1.b1"),
            two(f"{kind}: no objectType", {f"context.{kind}[0].objectType": DROP}),
            two(f"{kind}: another objectType", {f"context.{kind}[0].objectType": "Agent"}, "2.2.s4.b1.b6"),
            two(f"{kind}: a number for it", {f"context.{kind}[0].objectType": 2}),
            two(f"{kind}: no {one}", {f"context.{kind}[0].{one}": DROP}),
            two(f"{kind}: text for {one}", {f"context.{kind}[0].{one}": "x"}, ""),
            two(f"{kind}: the wrong one for {one}", {f"context.{kind}[0].{one}": wrong}, "2.2.s4.b1.b6"),
            two(f"{kind}: types of none", {f"context.{kind}[0].relevantTypes": []}),
            two(f"{kind}: text for types", {f"context.{kind}[0].relevantTypes": WORLD}),
            two(f"{kind}: a type that is a word", {f"context.{kind}[0].relevantTypes[0]": "x"}, "2.2.s4.b1.b8"),
            two(f"{kind}: a type that is a number", {f"context.{kind}[0].relevantTypes[0]": 1}),
            two(f"{kind}: another property", {f"context.{kind}[0].since": "2026"}, "2.2.s4.b1.b7"),
        )
    ),
    *(yes("IEEE 9274.1.1 4.2.2", version, {"version": version}, only=TWO) for version in ("2.0", "2.0.0", "2.0.7")),
    *(no("IEEE 9274.1.1 4.2.2", version, {"version": version}, only=TWO) for version in ("2.1.0", "3.0.0", "two", "")),
]


@pytest.mark.parametrize(("row", "version", "statement"), parameters(ROWS))
def test_what_is_new_in_2_0(row: Row, version: str, statement: Statement) -> None:
    check(row, version, statement)


@pytest.mark.parametrize("header", ["1.0", "1.0.0", "1.0.1", "1.0.3", "1.0.12"])
def test_headers_of_1_0(header: str) -> None:
    assert not is_two(header)
    assert latest(header) == "1.0.3"
    validate(SMALL, header)


@pytest.mark.parametrize("header", ["2.0", "2.0.0", "2.0.3"])
def test_headers_of_2_0(header: str) -> None:
    assert is_two(header)
    assert latest(header) == "2.0.0"


@pytest.mark.parametrize("header", ["", "0.95", "1", "1.1.0", "1.0.", "1.00", "2.1.0", "3.0", "1.0.3\n", "latest"])
def test_other_headers_are_refused(header: str) -> None:
    with pytest.raises(Refused, match=r"1\.0\.3 or 2\.0\.0"):
        validate(SMALL, header)
