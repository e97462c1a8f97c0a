"""Made-up statements, and the rows of tables of requirements: each by what it changes in a sound statement."""

import copy
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import pytest

from headway.intake.xapi.statement import Refused, validate

Statement = dict[str, Any]

DROP: Final = object()
"""A change to this takes the property away."""

ONE: Final = "1.0.3"
TWO: Final = "2.0.0"
WORLD: Final = "https://lms.example"
ADL: Final = "http://adlnet.gov/expapi"
SUM: Final = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
KNOWN: Final = "3f1c2a9e-7d40-4b6f-9a51-0c2e8d7b6a10"

ANN: Final[Statement] = {"objectType": "Agent", "name": "Ann", "account": {"homePage": WORLD, "name": "ann-7"}}
BEN: Final[Statement] = {"mbox": "mailto:ben@lms.example"}
TEAM: Final[Statement] = {"objectType": "Group", "name": "Tuesday", "member": [ANN, BEN]}
CLUB: Final[Statement] = {"objectType": "Group", "openid": "https://clubs.example/chess"}

SMALL: Final[Statement] = {
    "actor": ANN,
    "verb": {"id": f"{ADL}/verbs/completed"},
    "object": {"id": f"{WORLD}/unit/3"},
}

FULL: Final[Statement] = {
    "id": "6d0f3b52-5f0e-4c58-9b0e-0f6f3d6f3c11",
    "actor": {
        "objectType": "Group",
        "name": "Pair",
        "mbox": "mailto:pair@lms.example",
        "member": [
            ANN,
            BEN,
            {"mbox_sha1sum": "a94a8fe5ccb19ba61c4c0873d391e987982fbbd3"},
            {"objectType": "Agent", "openid": "https://id.example/carla"},
        ],
    },
    "verb": {"id": f"{ADL}/verbs/answered", "display": {"en": "answered", "pt-BR": "respondeu"}},
    "object": {
        "objectType": "Activity",
        "id": f"{WORLD}/quiz/2#question-4",
        "definition": {
            "type": f"{ADL}/activities/cmi.interaction",
            "name": {"en": "Which river?"},
            "description": {"en": "One of three.", "de": "Eine von dreien."},
            "moreInfo": f"{WORLD}/help/rivers",
            "interactionType": "choice",
            "correctResponsesPattern": ["rhine[,]elbe"],
            "choices": [{"id": "rhine", "description": {"en": "Rhine"}}, {"id": "elbe"}],
            "extensions": {f"{WORLD}/x/colour": None},
        },
    },
    "result": {
        "score": {"scaled": 0.5, "raw": 5, "min": 0, "max": 10},
        "success": True,
        "completion": False,
        "response": "rhine",
        "duration": "PT1M30.5S",
        "extensions": {f"{WORLD}/x/tries": [1, {"deep": None}]},
    },
    "context": {
        "registration": "0b9e4f6c-52a3-4f07-8a1d-6f3c9f1f2f33",
        "instructor": {"objectType": "Agent", "mbox": "mailto:dee@lms.example"},
        "team": TEAM,
        "contextActivities": {
            "parent": [{"id": f"{WORLD}/quiz/2"}],
            "grouping": {"objectType": "Activity", "id": f"{WORLD}/course/9"},
            "category": [],
            "other": [{"id": f"{WORLD}/book/1", "definition": {"name": {"en": "Book"}}}],
        },
        "revision": "r12",
        "platform": "LMS",
        "language": "en-GB",
        "statement": {"objectType": "StatementRef", "id": KNOWN},
        "extensions": {f"{WORLD}/x/seat": "B4"},
    },
    "timestamp": "2026-03-05T10:00:00.125+01:00",
    "stored": "2026-03-05T09:00:01Z",
    "authority": {"objectType": "Agent", "account": {"homePage": WORLD, "name": "key-1"}},
    "version": "1.0.0",
    "attachments": [
        {
            "usageType": f"{WORLD}/usage/essay",
            "display": {"en": "Essay"},
            "description": {"en": "As handed in"},
            "contentType": "text/plain; charset=utf-8",
            "length": 4,
            "sha2": SUM,
            "fileUrl": f"{WORLD}/files/1",
        }
    ],
}

REFERRING: Final[Statement] = {**SMALL, "object": {"objectType": "StatementRef", "id": KNOWN}}
ON_AGENT: Final[Statement] = {**SMALL, "object": {"objectType": "Agent", **BEN}}
OUTER_ONLY: Final = ("id", "stored", "version", "authority")


def within(inner: Mapping[str, Any]) -> Statement:
    """A statement whose object is `inner` as a SubStatement."""
    sub = {key: value for key, value in inner.items() if key not in OUTER_ONLY}
    return {**SMALL, "object": {"objectType": "SubStatement", **sub}}


WITHIN: Final = within(FULL)


def changed(base: Mapping[str, Any], changes: Mapping[str, Any]) -> Statement:
    """A copy of `base` with values put at paths (`actor.member[0].name`); `DROP` takes away, lists are appended to."""
    made = copy.deepcopy(dict(base))
    for path, value in changes.items():
        *steps, last = [int(step) if step.isdigit() else step for step in re.split(r"\.|\[|\]\.?", path) if step]
        place: Any = made
        for step in steps:
            place = place[step]
        if value is DROP:
            del place[last]
        elif isinstance(place, list) and last == len(place):
            place.append(copy.deepcopy(value))
        else:
            place[last] = copy.deepcopy(value)
    return made


@dataclass(frozen=True)
class Row:
    """One example of a requirement: a statement and whether it is sound.

    Attributes:
        requirement: as the standard numbers it.
        note: what the example shows.
        sound: whether it is to be accepted.
        statement: the example.
        by: the requirement that a refusal names: the row's own, or a more general one.
        versions: of xAPI in which it is so.
        outer: whether it is about what only a statement has, and no SubStatement.
    """

    requirement: str
    note: str
    sound: bool
    statement: Statement
    by: str
    versions: tuple[str, ...]
    outer: bool


Changes = Mapping[str, Any]


def yes(
    requirement: str, note: str, changes: Changes, base: Statement = FULL, *, only: str = "", outer: bool = False
) -> Row:
    """A sound example: `base` with changes, in both versions or `only` in one."""
    return Row(_named(requirement), note, True, changed(base, changes), "", _versions(only), outer or _outer(changes))


def no(
    requirement: str,
    note: str,
    changes: Changes,
    base: Statement = FULL,
    *,
    by: str = "",
    only: str = "",
    outer: bool = False,
) -> Row:
    """An example to refuse, by the requirement itself or by the more general one named, in both versions or one."""
    made, told = changed(base, changes), _named(by or requirement)
    return Row(_named(requirement), note, False, made, told, _versions(only), outer or _outer(changes))


def parameters(rows: Iterable[Row]) -> list[Any]:
    """Rows as pytest parameters (row, version, statement), named by requirement; each also inside a SubStatement."""
    made = []
    for row in rows:
        name = f"{row.requirement.replace(' ', '-')} {'accepted' if row.sound else 'refused'}: {row.note}"
        for version in row.versions:
            made.append(pytest.param(row, version, row.statement, id=f"{name} ({version})"))
            told = row.statement.get("object")
            if not row.outer and not (isinstance(told, dict) and told.get("objectType") == "SubStatement"):
                made.append(pytest.param(row, version, within(row.statement), id=f"{name} ({version}, SubStatement)"))
    return made


def named(*requirements: str) -> pytest.MarkDecorator:
    """Names a test by the requirements it holds, and gives it each `version`."""
    return pytest.mark.parametrize(
        "version", [pytest.param(version, id=f"{' '.join(requirements)} ({version})") for version in (ONE, TWO)]
    )


def check(row: Row, version: str, statement: Any) -> None:
    """Assert that validation says of the statement what the row says, with the requirement and the place."""
    if row.sound:
        validate(statement, version)
        return
    with pytest.raises(Refused) as refused:
        validate(statement, version)
    assert refused.value.requirement == row.by
    assert refused.value.http_status == 400
    assert refused.value.path.startswith("$")


def _named(requirement: str) -> str:
    return requirement if requirement.startswith(("IEEE", "Communication")) else f"Data {requirement}"


def _versions(only: str) -> tuple[str, ...]:
    return (only,) if only else (ONE, TWO)


def _outer(changes: Changes) -> bool:
    return bool(changes) and all(re.split(r"[.\[]", path)[0] in OUTER_ONLY for path in changes)
