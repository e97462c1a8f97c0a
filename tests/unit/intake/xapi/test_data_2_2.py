"""Data 2.2 of xAPI 1.0.3: what holds of every property of every statement."""

from typing import Any

import pytest

from headway.intake.xapi.statement import Refused, parse, validate
from tests.support.xapi import DROP, FULL, ONE, SMALL, TWO, WITHIN, WORLD, Row, check, no, parameters, yes

ROWS = [
    yes("2.2.s2.b1", "empty objects are only discouraged", {"result": {}, "context": {}, "object.definition": {}}),
    yes("2.2.s2.b1", "empty extensions and score", {"result.extensions": {}, "result.score": {}}),
    yes("2.2.s2.b3", "actor, verb and object are enough", {}, SMALL),
    no("2.2.s2.b3", "no actor", {"actor": DROP}),
    no("2.2.s2.b3", "no verb", {"verb": DROP}),
    no("2.2.s2.b3", "no object", {"object": DROP}),
    yes(
        "2.2.s3.b1",
        "IRIs of many schemes",
        {"object.id": "urn:isbn:9780131103627", "verb.id": "tag:x.example,2026:did"},
    ),
    yes("2.2.s3.b1", "IRI with letters beyond ASCII", {"verb.id": "https://lms.example/verb/прочитал"}),
    no("2.2.s3.b1", "space in an IRI", {"object.id": f"{WORLD}/unit 3"}, by="2.2.s4.b1.b4"),
    no("2.2.s3.b1", "percent sign that encodes nothing", {"verb.id": f"{WORLD}/50%"}, by="2.2.s4.b1.b4"),
    no("2.2.s3.b1", "web address without a host", {"object.id": "https:///unit"}, by="2.2.s4.b1.b4"),
    no("2.2.s3.b1", "two fragments", {"object.id": f"{WORLD}/a#b#c"}, by="2.2.s4.b1.b4"),
    no("2.2.s3.b1", "angle brackets", {"object.id": f"<{WORLD}/a>"}, by="2.2.s4.b1.b8"),
    no("2.2.s3.b1", "a line break at the end", {"object.id": f"{WORLD}/a\n"}, by="2.2.s4.b1.b4"),
    yes("2.2.s3.b2", "language tags with script and region", {"verb.display": {"zh-Hant-TW": "答", "es-419": "r"}}),
    no("2.2.s3.b2", "word in place of a tag", {"verb.display": {"portuguese_brazil": "r"}}, by="2.2.s4.b2"),
    no("2.2.s4.b1.b1", "null as a property", {"result": None}),
    no("2.2.s4.b1.b1", "null for an id", {"id": None}),
    no("2.2.s4.b1.b1", "null deep inside", {"object.definition.choices[0].description.en": None}),
    no("2.2.s4.b1.b1", "null in a list", {"context.contextActivities.parent[0]": None}),
    no("2.2.s4.b1.b1", "null for the extensions themselves", {"context.extensions": None}),
    no("2.2.s4.b1.b1", "null for the actor's name", {"actor.name": None}),
    yes("2.2.s4.b1.b1", "nulls inside extensions", {"context.extensions": {f"{WORLD}/x": None, f"{WORLD}/y": [None]}}),
    no("2.2.s4.b1.b2", "text for a scaled score", {"result.score.scaled": "0.5"}),
    no("2.2.s4.b1.b2", "text for a raw score", {"result.score.raw": "5"}),
    no("2.2.s4.b1.b2", "text for a length", {"attachments[0].length": "4"}),
    no("2.2.s4.b1.b3", "text for success", {"result.success": "true"}),
    no("2.2.s4.b1.b3", "text for completion", {"result.completion": "false"}),
    no("2.2.s4.b1.b4", "empty mbox", {"actor.mbox": ""}),
    no("2.2.s4.b1.b4", "empty id", {"id": ""}),
    no("2.2.s4.b1.b4", "empty registration", {"context.registration": ""}),
    no("2.2.s4.b1.b4", "empty language", {"context.language": ""}),
    no("2.2.s4.b1.b4", "empty verb", {"verb.id": ""}, by="2.2.s4.b1.b8"),
    no("2.2.s4.b1.b4", "empty key of a language map", {"verb.display": {"": "did"}}, by="2.2.s4.b2"),
    no("2.2.s4.b1.b4", "empty key of extensions", {"result.extensions": {"": 1}}, by="4.1.s3.b1"),
    no("2.2.s4.b1.b5", "capital in the name of a statement's property", {"Actor": FULL["actor"]}),
    no("2.2.s4.b1.b5", "small letter in objecttype", {"actor.objecttype": "Group"}),
    no("2.2.s4.b1.b5", "capital in Scaled", {"result.score.Scaled": 0.5}),
    no("2.2.s4.b1.b5", "capital in a context's key", {"context.contextActivities.Parent": []}),
    no("2.2.s4.b1.b5", "homepage of an account", {"actor.member[0].account": {"homepage": WORLD, "name": "a"}}),
    no("2.2.s4.b1.b6", "objectType activity", {"object.objectType": "activity"}, by="2.2.s4.b1.b6"),
    no("2.2.s4.b1.b6", "objectType GROUP", {"actor.objectType": "GROUP"}),
    no("2.2.s4.b1.b6", "interactionType Choice", {"object.definition.interactionType": "Choice"}, by="2.4.4.1.s13.b1"),
    no("2.2.s4.b1.b6", "objectType statementRef", {"context.statement.objectType": "statementRef"}),
    no("2.2.s4.b1.b7", "property of a statement", {"mood": "good"}),
    no("2.2.s4.b1.b7", "property of an Agent", {"actor.member[0].age": 12}),
    no("2.2.s4.b1.b7", "property of a Group", {"actor.size": 4}),
    no("2.2.s4.b1.b7", "property of an account", {"actor.member[0].account.mail": "ann@lms.example"}),
    no("2.2.s4.b1.b7", "property of a verb", {"verb.tense": "past"}),
    no("2.2.s4.b1.b7", "property of an Activity", {"object.url": WORLD}),
    no("2.2.s4.b1.b7", "property of a definition", {"object.definition.level": 2}),
    no("2.2.s4.b1.b7", "property of a component", {"object.definition.choices[0].right": True}),
    no("2.2.s4.b1.b7", "property of a result", {"result.grade": "A"}),
    no("2.2.s4.b1.b7", "property of a score", {"result.score.mean": 1}),
    no("2.2.s4.b1.b7", "property of a context", {"context.place": "library"}),
    no("2.2.s4.b1.b7", "property of a reference", {"context.statement.of": "Ann"}),
    no("2.2.s4.b1.b7", "property of an attachment", {"attachments[0].name": "essay"}),
    no("2.2.s4.b1.b8", "web address without a scheme", {"object.id": "lms.example/unit/3"}),
    no("2.2.s4.b1.b8", "path as verb", {"verb.id": "/verbs/answered"}),
    no("2.2.s4.b1.b8", "address of a file without a scheme", {"attachments[0].fileUrl": "files/1"}),
    no("2.2.s4.b1.b8", "scheme that is none", {"object.id": "un=it://lms.example"}, by="2.2.s4.b1.b4"),
    no("2.2.s4.b2", "tokens too long", {"object.definition.name": {"en-unitedkingdom": "x"}}),
    no("2.2.s4.b2", "digit in a language", {"object.definition.description": {"e1": "x"}}),
    no("2.2.s4.b2", "single letter", {"attachments[0].display": {"e": "x"}}),
    no("2.2.s4.b2", "underscore", {"object.definition.choices[0].description": {"en_US": "x"}}),
    no("2.2.s4.b2", "hyphen at the end", {"verb.display": {"en-": "x"}}),
    no("2.2.s4.b2", "two extensions of one letter", {"verb.display": {"fr-b-abc-C-def-B-ghi": "x"}}),
    no("2.2.s4.b2", "a variant twice", {"object.definition.name": {"de-1996-fonipa-1996": "x"}}),
    yes(
        "2.2.s4.b2",
        "private and grandfathered tags",
        {"verb.display": {"x-ours": "a", "i-klingon": "b", "sgn-BE-FR": "c"}},
    ),
    yes(
        "2.2.s4.b2",
        "the same again within extensions and private use",
        {
            "verb.display": {
                "de-fonipa-b-fonipa-c-fonipa-x-b-b": "a",
                "x-b-ours-b-ours": "b",
                "pt-PT-x-fonipa-fonipa": "c",
            }
        },
    ),
    yes(
        "2.2.s4.b3",
        "numbers of any size and precision",
        {"result.score": {"raw": 12345678901234567890.123, "min": -1e300}},
    ),
    yes("2.2.s4.b8", "all that the standard names", {}),
]


@pytest.mark.parametrize(("row", "version", "statement"), parameters(ROWS))
def test_formatting(row: Row, version: str, statement: dict[str, Any]) -> None:
    check(row, version, statement)


@pytest.mark.parametrize(
    "body",
    [
        b'{"actor":{"mbox":"mailto:a@b.example","mbox":"mailto:a@b.example"},"verb":{"id":"urn:v"},"object":{"id":"urn:o"}}',
        b'{"verb":{"id":"urn:v"},"actor":{"mbox":"mailto:a@b.example"},"object":{"id":"urn:o"},"verb":{"id":"urn:w"}}',
        b'[{"actor":{"name":":","name"  :  "::"}}]',
        b'{"result":{"extensions":{"urn:x":{"a":1,"a":1}}}}',
        b'{"result":{"response":"\\u003a","response":""}}',
        b'{"a":"\\u003A\\u003a","a" :1}',
        b'{"\\u0061":1,"a":2}',
    ],
    ids=lambda body: f"Data-2.2.s2.b2 refused: {body[:40]!r}",
)
def test_a_property_given_twice_is_refused(body: bytes) -> None:
    with pytest.raises(Refused) as refused:
        parse(body, ONE)
    assert refused.value.requirement == "Data 2.2.s2.b2"


@pytest.mark.parametrize(
    "body",
    [
        b'{"result":{"response":"a:b","success":true}}',
        b'{"verb":{"id":"urn:a","display":{"en":":","de":"\\":\\""}}}',
        b'{"a" : "\\u003a", "b" :{"a" : ":"}}',
    ],
    ids=lambda body: f"Data-2.2.s2.b2 accepted: {body[:40]!r}",
)
def test_colons_in_texts_are_no_properties(body: bytes) -> None:
    assert len(parse(body, ONE)) == 1


@pytest.mark.parametrize("version", [ONE, TWO])
@pytest.mark.parametrize("statement", [FULL, WITHIN], ids=["Data-2.2.s2.b4 accepted: order", "within"])
def test_properties_may_stand_in_any_order(statement: dict[str, Any], version: str) -> None:
    validate(dict(reversed(statement.items())), version)
    validate(statement, version)
