"""Formats of an answer: exact, ids, canonical; and how a language is chosen."""

import copy
from typing import Any

import pytest

from headway.intake.xapi.presentation import one_language
from headway.intake.xapi.query import accepted_languages, formatted
from headway.intake.xapi.statement import validate
from tests.support.xapi import ANN, BEN, CLUB, FULL, ONE, REFERRING, SMALL, TEAM, TWO, WITHIN, WORLD, changed

RELATED = {
    **SMALL,
    "context": {
        "contextAgents": [{"objectType": "contextAgent", "agent": ANN, "relevantTypes": ["urn:x"]}],
        "contextGroups": [{"objectType": "contextGroup", "group": TEAM}],
    },
}


def test_exact_is_the_statement_itself() -> None:
    assert formatted(FULL, "exact", ("de",)) is FULL


def test_ids_keeps_what_identifies() -> None:
    shown = formatted(FULL, "ids")
    assert shown["actor"] == {"objectType": "Group", "mbox": "mailto:pair@lms.example"}
    assert shown["verb"] == {"id": FULL["verb"]["id"]}
    assert shown["object"] == {"id": FULL["object"]["id"]}
    assert shown["context"]["team"] == {
        "objectType": "Group",
        "member": [{"objectType": "Agent", "account": ANN["account"]}, BEN],
    }
    assert shown["context"]["contextActivities"]["other"] == [{"id": f"{WORLD}/book/1"}]
    assert shown["context"]["contextActivities"]["grouping"] == [{"id": f"{WORLD}/course/9"}]
    assert {key: shown[key] for key in ("id", "result", "timestamp", "stored", "version")} == {
        key: FULL[key] for key in ("id", "result", "timestamp", "stored", "version")
    }
    assert formatted(WITHIN, "ids")["object"]["object"] == {"id": FULL["object"]["id"]}
    assert "name" not in formatted({**SMALL, "object": TEAM}, "ids")["object"]
    assert formatted(RELATED, "ids")["context"]["contextAgents"] == [
        {
            "objectType": "contextAgent",
            "agent": {"objectType": "Agent", "account": ANN["account"]},
            "relevantTypes": ["urn:x"],
        }
    ]


@pytest.mark.parametrize("statement", [FULL, SMALL, WITHIN, REFERRING, RELATED, {**SMALL, "actor": CLUB}])
@pytest.mark.parametrize("form", ["ids", "canonical"])
def test_every_format_is_sound_and_leaves_the_kept_one_alone(statement: dict[str, Any], form: Any) -> None:
    before = copy.deepcopy(statement)
    validate(formatted(statement, form, ("de",)), TWO)
    assert statement == before


def test_canonical_gives_one_language_of_each_map() -> None:
    shown = formatted(FULL, "canonical", ("de", "pt"))
    assert shown["verb"]["display"] == {"pt-BR": "respondeu"}
    assert shown["object"]["definition"]["name"] == {"en": "Which river?"}
    assert shown["object"]["definition"]["description"] == {"de": "Eine von dreien."}
    assert shown["object"]["definition"]["choices"] == FULL["object"]["definition"]["choices"]
    assert shown["actor"] == FULL["actor"]
    inner = formatted(WITHIN, "canonical", ("pt-BR",))["object"]
    assert inner["verb"]["display"] == {"pt-BR": "respondeu"}


def test_canonical_takes_the_definition_that_is_known() -> None:
    known: dict[str, dict[str, Any]] = {
        f"{WORLD}/book/1": {"name": {"en": "A book", "de": "Ein Buch"}},
        f"{WORLD}/quiz/2": {"type": "urn:quiz"},
    }
    shown = formatted(FULL, "canonical", ("de",), lambda activity: known.get(activity))["context"]["contextActivities"]
    assert shown["other"][0]["definition"] == {"name": {"de": "Ein Buch"}}
    assert shown["parent"][0]["definition"] == {"type": "urn:quiz"}


def test_components_lose_their_other_languages() -> None:
    told = changed(FULL, {"object.definition.choices[1].description": {"en": "Elbe", "cs": "Labe"}})
    validate(told, ONE)
    shown = formatted(told, "canonical", ("cs",))["object"]["definition"]["choices"]
    assert [choice.get("description") for choice in shown] == [{"en": "Rhine"}, {"cs": "Labe"}]


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (None, ()),
        ("", ()),
        ("de", ("de",)),
        ("da, en-GB;q=0.8, en;q=0.7", ("da", "en-gb", "en")),
        ("en;q=0.1, fr;q=0.9, *;q=0.5", ("fr", "*", "en")),
        ("en;q=0, de", ("de",)),
        ("en;q=abc, de;q=2, fr", ("fr",)),
        (" EN ; q=1 ", ("en",)),
        (",,;q=1", ()),
    ],
)
def test_accept_language(header: str | None, expected: tuple[str, ...]) -> None:
    assert accepted_languages(header) == expected


@pytest.mark.parametrize(
    ("languages", "expected"),
    [
        ((), "en"),
        (("fr",), "fr"),
        (("pt",), "pt-BR"),
        (("pt-br",), "pt-BR"),
        (("fr-CA",), "fr"),
        (("ja", "pt"), "pt-BR"),
        (("ja",), "en"),
        (("*",), "en"),
        (("p",), "en"),
    ],
)
def test_the_most_fitting_language_is_taken(languages: tuple[str, ...], expected: str) -> None:
    told = {"en": "a", "pt-BR": "b", "fr": "c"}
    assert one_language(told, tuple(each.lower() for each in languages)) == {expected: told[expected]}
    assert one_language({}, languages) == {}
