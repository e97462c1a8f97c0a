"""Data 2.4.3 and 2.4.4 of xAPI 1.0.3: verbs, Activities and their interactions, references, SubStatements."""

from typing import Any

import pytest

from tests.support.xapi import (
    ADL,
    BEN,
    DROP,
    FULL,
    KNOWN,
    REFERRING,
    SMALL,
    WITHIN,
    WORLD,
    Row,
    Statement,
    check,
    no,
    parameters,
    yes,
)

LISTS = {"choices", "scale", "source", "target", "steps"}
OF_TYPE = {
    "choice": {"choices"},
    "sequencing": {"choices"},
    "likert": {"scale"},
    "matching": {"source", "target"},
    "performance": {"steps"},
    "true-false": set(),
    "fill-in": set(),
    "long-fill-in": set(),
    "numeric": set(),
    "other": set(),
}
PATTERNS = {
    "choice": "rhine[,]elbe",
    "sequencing": "b[,]a",
    "likert": "agree",
    "matching": "a[.]1[,]b[.]2",
    "performance": "a[.]ten[,]b[.][:]4",
    "true-false": "true",
    "fill-in": "{case_matters=true}Rhine",
    "long-fill-in": "word " * 200,
    "numeric": "4[:]6",
    "other": "(35.9, 4.1)",
}


def interaction(**definition: Any) -> Statement:
    return {**SMALL, "object": {"id": f"{WORLD}/item", "definition": definition}}


def component(number: int) -> Statement:
    return {"id": f"c{number}", "description": {"en": "One"}}


ROWS = [
    yes("2.4.s1.table1.row3", "a verb of an IRI alone", {"verb": {"id": "urn:x:did"}}),
    no("2.4.s1.table1.row3", "text", {"verb": "answered"}),
    no("2.4.s1.table1.row3", "a list", {"verb": []}),
    no("2.4.3.s3.table1.row1", "no id", {"verb": {"display": {"en": "did"}}}),
    no("2.4.3.s3.table1.row1", "a number", {"verb.id": 7}),
    no("2.4.3.s3.table1.row1", "a word", {"verb.id": "answered"}, by="2.2.s4.b1.b8"),
    no("2.4.3.s3.table1.row2", "text for display", {"verb.display": "answered"}),
    no("2.4.3.s3.table1.row2", "list for display", {"verb.display": ["answered"]}),
    no("2.4.3.s3.table1.row2", "empty display", {"verb.display": {}}, by="4.2.s1"),
    no("2.4.3.s3.table1.row2", "number in display", {"verb.display.en": 4}, by="4.2.s1"),
    yes("2.4.3.s5.b1", "no display", {"verb.display": DROP}),
    no("2.4.s1.table1.row4", "text as object", {"object": "unit 3"}),
    no("2.4.s1.table1.row4", "a list as object", {"object": [SMALL["object"]]}),
    yes("2.4.4.s2", "no objectType means Activity", {"object.objectType": DROP}),
    yes("2.4.4.s2", "a reference", {}, REFERRING),
    no("2.4.4.s2", "a type unknown", {"object.objectType": "Course"}, by="2.2.s4.b1.b6"),
    no("2.4.4.s2", "a type that is no text", {"object.objectType": ["Activity"]}),
    no("2.4.4.s2", "empty object", {"object": {}}, by="2.4.4.1.s1.table1.row2"),
    no(
        "2.4.4.1.s1.table1.row1",
        "another type for a context Activity",
        {"context.contextActivities.parent[0].objectType": "Agent"},
        by="2.2.s4.b1.b6",
    ),
    no("2.4.4.1.s1.table1.row1", "a number for it", {"context.contextActivities.parent[0].objectType": 1}),
    no("2.4.4.1.s1.table1.row2", "no id", {"object.id": DROP}),
    no("2.4.4.1.s1.table1.row2", "a number", {"object.id": 7}),
    no("2.4.4.1.s1.table1.row2", "a UUID", {"object.id": KNOWN}, by="2.2.s4.b1.b8"),
    no("2.4.4.1.s1.table1.row3", "text for a definition", {"object.definition": "quiz"}),
    no("2.4.4.1.s1.table1.row3", "list for a definition", {"context.contextActivities.other[0].definition": []}),
    no("2.4.4.1.s2.table1.row1", "text for a name", {"object.definition.name": "Rivers"}),
    no("2.4.4.1.s2.table1.row1", "empty name", {"object.definition.name": {}}, by="4.2.s1"),
    no("2.4.4.1.s2.table1.row2", "number for a description", {"object.definition.description": 7}),
    no("2.4.4.1.s2.table1.row2", "tag unknown in form", {"object.definition.description": {"e": "x"}}, by="2.2.s4.b2"),
    no("2.4.4.1.s2.table1.row3", "number for a type", {"object.definition.type": 7}),
    no("2.4.4.1.s2.table1.row3", "word for a type", {"object.definition.type": "quiz"}, by="2.2.s4.b1.b8"),
    no("2.4.4.1.s2.table1.row4", "object for moreInfo", {"object.definition.moreInfo": {}}),
    no("2.4.4.1.s2.table1.row4", "no address for moreInfo", {"object.definition.moreInfo": "help"}, by="2.2.s4.b1.b8"),
    no("2.4.4.1.s2.table1.row5", "list for extensions", {"object.definition.extensions": []}),
    no("2.4.4.1.s2.table1.row5", "key that is no IRI", {"object.definition.extensions": {"colour": 1}}, by="4.1.s3.b1"),
    yes(
        "2.4.4.1.s3.b5", "any Activity, whoever names it", {"object.id": "http://adlnet.gov/expapi/activities/example"}
    ),
    *(yes("2.4.4.1.s8.table1.row1", kind, {}, interaction(interactionType=kind)) for kind in OF_TYPE),
    no("2.4.4.1.s8.table1.row1", "a number", {"object.definition.interactionType": 1}),
    no("2.4.4.1.s8.table1.row1", "an object", {"object.definition.interactionType": {"type": "choice"}}),
    *(
        yes("2.4.4.1.s8.table1.row2", kind, {}, interaction(interactionType=kind, correctResponsesPattern=[pattern]))
        for kind, pattern in PATTERNS.items()
    ),
    yes("2.4.4.1.s8.table1.row2", "no right answer", {"object.definition.correctResponsesPattern": []}),
    no("2.4.4.1.s8.table1.row2", "text", {"object.definition.correctResponsesPattern": "rhine"}),
    no("2.4.4.1.s8.table1.row2", "numbers", {"object.definition.correctResponsesPattern": [4]}),
    no("2.4.4.1.s8.table1.row2", "a list in the list", {"object.definition.correctResponsesPattern": [["rhine"]]}),
    no("2.4.4.1.s8.table1.row3", "an object for choices", {"object.definition.choices": component(1)}),
    no("2.4.4.1.s8.table1.row3", "text as a choice", {"object.definition.choices": ["rhine"]}),
    no("2.4.4.1.s13.b1", "a type unknown", {"object.definition.interactionType": "multiple-choice"}),
    no("2.4.4.1.s13.b1", "choices without a type", {"object.definition.interactionType": DROP}),
    no("2.4.4.1.s13.b1", "a pattern without a type", {}, interaction(correctResponsesPattern=["a"])),
    yes("2.4.4.1.s13.b4", "a pattern of any length", {"object.definition.correctResponsesPattern": ["x" * 5000]}),
    yes("2.4.4.1.s13.b5", "patterns of any number", {"object.definition.correctResponsesPattern": ["x"] * 500}),
    no(
        "2.4.4.1.s15.table1.row1",
        "no id of a component",
        {"object.definition.choices[1]": {"description": {"en": "x"}}},
    ),
    no("2.4.4.1.s15.table1.row1", "a number for it", {"object.definition.choices[1].id": 2}),
    no("2.4.4.1.s15.table1.row2", "text for a description", {"object.definition.choices[1].description": "Elbe"}),
    *(
        yes(
            "2.4.4.1.s15.table2",
            f"{name} for {kind}",
            {},
            interaction(interactionType=kind, **{name: [component(1), component(2)]}),
        )
        for kind, names in OF_TYPE.items()
        for name in sorted(names)
    ),
    *(
        no("2.4.4.1.s15.table2", f"{name} for {kind}", {}, interaction(interactionType=kind, **{name: [component(1)]}))
        for kind, names in OF_TYPE.items()
        for name in sorted(LISTS - names)
    ),
    *(
        no(
            "2.4.4.1.s16.b1",
            f"two of one id in {name}",
            {},
            interaction(interactionType=kind, **{name: [component(1)] * 2}),
        )
        for kind, names in OF_TYPE.items()
        for name in sorted(names)
    ),
    yes(
        "2.4.4.1.s16.b1",
        "equal ids in two lists",
        {},
        interaction(interactionType="matching", source=[component(1)], target=[component(1)]),
    ),
    yes("2.4.4.1.s16.b2", "space in a component's id", {"object.definition.choices[1].id": "the Elbe"}),
    no("2.4.4.3.s4.b1", "no objectType of a context's statement", {"context.statement": {"id": KNOWN}}),
    no("2.4.4.3.s4.b1", "another objectType", {"context.statement.objectType": "Statement"}, by="2.2.s4.b1.b6"),
    no("2.4.4.3.s4.b1", "no text for it", {"context.statement.objectType": 1}),
    no("2.4.4.3.s4.b1", "no objectType of an object", {"object.objectType": DROP}, REFERRING, by="2.2.s4.b1.b8"),
    no("2.4.4.3.s4.b2", "no id", {"object.id": DROP}, REFERRING),
    no("2.4.4.3.s4.b2", "an IRI for its id", {"object.id": f"{WORLD}/s/1"}, REFERRING, by="2.2.s4.b1.b4"),
    no("2.4.4.3.s4.b2", "a number for its id", {"context.statement.id": 7}),
    yes("2.4.4.3.s4.b2", "a statement that nobody knows", {"object.id": KNOWN.upper()}, REFERRING),
    yes("2.4.4.3.s8.b1", "a SubStatement", {}, WITHIN),
    no("2.4.4.3.s8.b1", "a statement without objectType", {"object.objectType": DROP}, WITHIN, by="2.2.s4.b1.b7"),
    no("2.4.4.3.s8.b2", "no actor inside", {"object.actor": DROP}, WITHIN, by="2.2.s2.b3"),
    no("2.4.4.3.s8.b2", "no verb inside", {"object.verb": DROP}, WITHIN, by="2.2.s2.b3"),
    no("2.4.4.3.s8.b2", "no object inside", {"object.object": DROP}, WITHIN, by="2.2.s2.b3"),
    no("2.4.4.3.s8.b2", "unsound inside", {"object.result.score.scaled": 2}, WITHIN, by="2.4.5.1.s2.table1.row1"),
    no("2.4.4.3.s8.b3", "an id", {"object.id": KNOWN}, WITHIN),
    no("2.4.4.3.s8.b3", "stored", {"object.stored": FULL["stored"]}, WITHIN),
    no("2.4.4.3.s8.b3", "a version", {"object.version": "1.0.0"}, WITHIN),
    no("2.4.4.3.s8.b3", "an authority", {"object.authority": BEN}, WITHIN),
    no("2.4.4.3.s8.b4", "a SubStatement within", {"object.object": WITHIN["object"]}, WITHIN),
    yes("2.4.4.3.s8.b4", "a reference within", {"object.object": REFERRING["object"], "object.context": {}}, WITHIN),
    yes("2.3.2.s2.b1", "voiding", {"verb.id": f"{ADL}/verbs/voided"}, REFERRING),
    no("2.3.2.s2.b1", "voiding an Activity", {"verb.id": f"{ADL}/verbs/voided"}),
    no(
        "2.3.2.s2.b1",
        "voiding an Agent",
        {"verb": {"id": f"{ADL}/verbs/voided"}, "object": {"objectType": "Agent", **BEN}},
        SMALL,
    ),
    no(
        "2.3.2.s2.b2",
        "voiding nothing",
        {"verb.id": f"{ADL}/verbs/voided", "object.id": DROP},
        REFERRING,
        by="2.4.4.3.s4.b2",
    ),
    yes(
        "2.3.2.s2.b5",
        "voiding what is not known",
        {"verb.id": f"{ADL}/verbs/voided", "object.id": "ffffffff-ffff-ffff-ffff-ffffffffffff"},
        REFERRING,
    ),
]


@pytest.mark.parametrize(("row", "version", "statement"), parameters(ROWS))
def test_verbs_and_objects(row: Row, version: str, statement: Statement) -> None:
    check(row, version, statement)
