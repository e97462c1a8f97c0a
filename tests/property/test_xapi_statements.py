"""What holds of every statement: sound ones pass, one fault anywhere is refused, nothing but `Refused` is raised."""

import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from headway.intake.xapi.multipart import Part, read_multipart, write_multipart
from headway.intake.xapi.query import accepted_languages, formatted, index_terms, parse_query
from headway.intake.xapi.statement import Refused, equal, parse, prepare, validate
from tests.support.xapi import ANN, FULL, ONE, TWO, WITHIN

Json = Any
STORED = "2026-03-05T09:00:05.250Z"
QUICK = settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])

words = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=12)
versions = st.sampled_from([ONE, TWO])
uuids = st.uuids().map(str) | st.uuids().map(lambda made: str(made).upper())
iris = st.builds(
    "{}{}".format,
    st.sampled_from(["https://lms.example/", "urn:x:", "tag:a.example,2026:", "http://[::1]/?q=", "uuid:"]),
    st.text("abcXYZ019-._~/?=&:@!$'()*+,;%20é日", min_size=1, max_size=15).map(lambda text: text.replace("%", "%25")),
)
languages = st.sampled_from(
    ["en", "en-GB", "zh-Hant-TW", "es-419", "x-ours", "i-klingon", "de-CH-1996", "sl-rozaj-biske"]
)
language_maps = st.dictionaries(languages, words, min_size=1, max_size=3)
extensions = st.dictionaries(
    iris,
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | words,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
        max_leaves=6,
    ),
    max_size=2,
)
timestamps = (
    st.datetimes()
    .map(lambda at: at.isoformat())
    .flatmap(lambda text: st.sampled_from(["Z", "+00:00", "-05:30", "+14:00"]).map(lambda zone: text + zone))
)
durations = st.sampled_from(["PT1S", "P1Y2M3DT4H5M6.78S", "P4W", "PT0.5H", "P0D"])
sums = st.binary(min_size=32, max_size=32).map(bytes.hex)


def some(required: dict[str, Any], optional: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(required, optional=optional)


identifiers = (
    st.builds("mailto:{}@lms.example".format, st.text("abc.+é", min_size=1, max_size=5)).map(
        lambda text: {"mbox": text}
    )
    | st.binary(min_size=20, max_size=20).map(lambda made: {"mbox_sha1sum": made.hex()})
    | iris.filter(str.isascii).map(lambda made: {"openid": made})
    | st.builds(lambda page, name: {"account": {"homePage": page, "name": name}}, iris, words)
)
agents = st.builds(
    lambda own, more: {**own, **more}, identifiers, some({}, {"objectType": st.just("Agent"), "name": words})
)
typed_agents = agents.map(lambda made: {**made, "objectType": "Agent"})
groups = st.builds(
    lambda own, members, more: {
        "objectType": "Group",
        **own,
        **more,
        **({"member": members} if members or not own else {}),
    },
    st.just({}) | identifiers,
    st.lists(agents, min_size=1, max_size=3),
    some({}, {"name": words}),
)
actors = agents | groups
components = st.lists(
    some({"id": words}, {"description": language_maps}), max_size=3, unique_by=lambda component: component["id"]
)
interactions = st.sampled_from(
    [
        ("choice", ["choices"]),
        ("likert", ["scale"]),
        ("matching", ["source", "target"]),
        ("performance", ["steps"]),
        ("other", []),
    ]
).flatmap(
    lambda kind: some(
        {"interactionType": st.just(kind[0])},
        {"correctResponsesPattern": st.lists(words, max_size=2), **dict.fromkeys(kind[1], components)},
    )
)
definitions = st.builds(
    lambda told, interaction: {**told, **interaction},
    some(
        {},
        {"name": language_maps, "description": language_maps, "type": iris, "moreInfo": iris, "extensions": extensions},
    ),
    st.just({}) | interactions,
)
activities = some({"id": iris}, {"objectType": st.just("Activity"), "definition": definitions})
references = st.builds(lambda made: {"objectType": "StatementRef", "id": made}, uuids)
scores = st.builds(
    lambda low, span, share, scaled: {"min": low, "max": low + span, "raw": low + span * share, "scaled": scaled},
    st.integers(-100, 100),
    st.integers(1, 100),
    st.sampled_from([0, 0.5, 1]),
    st.floats(-1, 1),
)
results = some(
    {},
    {
        "score": scores,
        "success": st.booleans(),
        "completion": st.booleans(),
        "response": words,
        "duration": durations,
        "extensions": extensions,
    },
)
verbs = some({"id": iris.filter(lambda made: "voided" not in made)}, {"display": language_maps})
attachments = st.lists(
    some(
        {
            "usageType": iris,
            "display": language_maps,
            "contentType": st.sampled_from(["text/plain", 'text/html; charset="utf-8"']),
            "length": st.integers(0, 2**40),
            "sha2": sums,
        },
        {"description": language_maps, "fileUrl": iris},
    ),
    max_size=2,
)


def contexts(on_activity: bool, two: bool) -> st.SearchStrategy[dict[str, Any]]:
    several = activities | st.lists(activities, max_size=2)
    optional: dict[str, Any] = {
        "registration": uuids,
        "instructor": actors,
        "team": groups,
        "contextActivities": some({}, dict.fromkeys(("parent", "grouping", "category", "other"), several)),
        "language": languages,
        "statement": references,
        "extensions": extensions,
    }
    if on_activity:
        optional |= {"revision": words, "platform": words}
    if two:
        types = st.lists(iris, min_size=1, max_size=2)
        for one, persons in (("Agent", agents), ("Group", groups)):
            required = {"objectType": st.just(f"context{one}"), one.lower(): persons}
            optional[f"context{one}s"] = st.lists(some(required, {"relevantTypes": types}), max_size=2)
    return some({}, optional)


@st.composite
def acts(draw: st.DrawFn, two: bool, inner: bool = False) -> dict[str, Any]:
    told = draw(
        activities | typed_agents | groups | references if inner or draw(st.booleans()) else acts(two, inner=True)
    )
    if "actor" in told:
        told = {"objectType": "SubStatement", **told}
    on_activity = told.get("objectType", "Activity") == "Activity"
    made = {"actor": draw(actors), "verb": draw(verbs), "object": told}
    more = {
        "result": results,
        "context": contexts(on_activity, two),
        "timestamp": timestamps,
        "attachments": attachments,
    }
    return made | draw(some({}, more))


@st.composite
def statements(draw: st.DrawFn) -> tuple[dict[str, Any], str]:
    version = draw(versions)
    outer = {
        "id": uuids,
        "stored": timestamps,
        "authority": agents,
        "version": st.sampled_from(["1.0", "1.0.0", "1.0.3"]),
    }
    made = draw(acts(version == TWO)) | draw(some({}, outer))
    return dict(draw(st.permutations(list(made.items())))), version


@QUICK
@given(statements())
def test_sound_statements_pass_and_stay_sound(case: tuple[dict[str, Any], str]) -> None:
    statement, version = case
    validate(statement, version)
    before = copy.deepcopy(statement)
    (read,) = parse(json.dumps(statement).encode(), version)
    assert read == statement
    kept = prepare(statement, stored=STORED, authority=ANN, version=version)
    assert statement == before
    validate(kept, version)
    assert equal(kept, {key: value for key, value in statement.items() if key != "timestamp"})
    assert equal(kept, json.loads(json.dumps(statement)))
    terms = index_terms(kept)
    assert set(terms.agents) <= set(terms.related_agents)
    assert terms.activity is None or terms.activity in terms.related_activities
    for form in ("ids", "canonical"):
        shown = formatted(kept, form, ("de",))
        validate(shown, version)
        if form == "canonical":
            assert index_terms(shown) == terms
            assert equal(shown, kept)


FORMATTED = (
    "mbox",
    "mbox_sha1sum",
    "openid",
    "homePage",
    "type",
    "moreInfo",
    "registration",
    "language",
    "duration",
    "timestamp",
    "stored",
    "version",
    "usageType",
    "contentType",
    "sha2",
    "fileUrl",
    "interactionType",
    "objectType",
)
REQUIRED = ("actor", "verb", "object", "homePage", "usageType", "display", "contentType", "length", "sha2")
COMPONENTS = ("choices", "scale", "source", "target", "steps")
MAPS = ("display", "name", "description")


def places(value: Json, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path of every value in a statement but what is inside extensions."""
    if path:
        yield path
    if path and path[-1] == "extensions":
        return
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield from places(inner, (*path, key))


def faults(statement: dict[str, Any], path: tuple[Any, ...]) -> Iterator[tuple[str, Any]]:
    """What may not stand at a place, by name; `...` means that nothing may."""
    value: Any = statement
    for step in path:
        value = value[step]
    last = path[-1]
    yield "null", None
    yield "of another type", 7 if isinstance(value, str | dict | list) else f"{value}".lower()
    yield "of yet another type", [[]] if isinstance(value, str | bool | int | float | dict) else "text"
    component = len(path) > 2 and path[-3] in COMPONENTS
    if last in FORMATTED or (last == "id" and not component):
        yield "out of form", "!! no form"
        yield "empty", ""
    if isinstance(value, dict):
        yield "with another key", {**value, "no key or tag or IRI": 7}
        if last in MAPS or "account" in path[-1:]:
            yield "empty", {}
    if isinstance(value, bool):
        yield "a number", int(value)
    elif isinstance(value, int | float):
        yield "a boolean", True
    if (last == "id" and len(path) > 1) or (last in REQUIRED and not (last == "display" and path[-2] == "verb")):
        yield "not there", ...


def refusal(statement: Any, version: str) -> Refused | None:
    try:
        validate(statement, version)
    except Refused as refused:
        return refused
    return None


def put(statement: dict[str, Any], path: tuple[Any, ...], value: Any) -> dict[str, Any]:
    made = copy.deepcopy(statement)
    place: Any = made
    for step in path[:-1]:
        place = place[step]
    if value is ...:
        del place[path[-1]]
    else:
        place[path[-1]] = value
    return made


@QUICK
@given(statements(), st.data())
def test_one_fault_anywhere_is_refused(case: tuple[dict[str, Any], str], data: st.DataObject) -> None:
    statement, version = case
    path = data.draw(st.sampled_from(list(places(statement))))
    name, value = data.draw(st.sampled_from(list(faults(statement, path))))
    assert refusal(put(statement, path, value), version), f"{path} {name}"


@pytest.mark.parametrize("version", [ONE, TWO])
@pytest.mark.parametrize("statement", [FULL, WITHIN], ids=["full", "within"])
def test_every_fault_at_every_place_of_a_full_statement_is_refused(statement: dict[str, Any], version: str) -> None:
    count = 0
    for path in places(statement):
        for name, value in faults(statement, path):
            assert refusal(put(statement, path, value), version), f"{path} {name}"
            count += 1
    assert count > 400


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | words | iris | uuids,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from([*FULL, *FULL["context"], "id", "member", "objectType", "mbox"]) | words, inner
        )
    ),
    max_leaves=12,
)


@QUICK
@given(anything, versions)
@example({"actor": {"objectType": []}, "verb": {}, "object": {}}, ONE)
@example({"actor": [], "verb": {"id": {}}, "object": {"objectType": {}}}, TWO)
@example([{"object": {"objectType": "SubStatement"}}], ONE)
def test_any_json_is_accepted_or_refused(value: Json, version: str) -> None:
    for body in (json.dumps(value).encode(), json.dumps([value, value]).encode()):
        try:
            read = parse(body, version)
        except Refused:
            continue
        assert len(read) == len([refusal(statement, version) for statement in read])


@QUICK
@given(statements(), st.data(), anything)
def test_anything_anywhere_is_accepted_or_refused(
    case: tuple[dict[str, Any], str], data: st.DataObject, value: Json
) -> None:
    statement, version = case
    changed = put(statement, data.draw(st.sampled_from(list(places(statement)))), value)
    if refusal(changed, version):
        return
    kept = prepare(changed, stored=STORED, authority=ANN, version=version)
    index_terms(kept)
    formatted(kept, "ids")
    formatted(kept, "canonical")
    assert equal(kept, changed)


@QUICK
@given(st.binary(max_size=60) | st.text('{}[]",:\\u0031 aN-.e', max_size=40).map(str.encode), versions)
def test_any_bytes_are_accepted_or_refused(body: bytes, version: str) -> None:
    try:
        parse(body, version)
    except Refused:
        return
    assert json.loads(body) is not None


@QUICK
@given(st.data(), st.booleans())
def test_a_property_given_twice_is_always_found(data: st.DataObject, escaped: bool) -> None:
    """Whatever stands around it: texts with colons, escapes, white space."""
    texts = data.draw(st.lists(st.text(':"\\ u03aé{}', max_size=5), min_size=1, max_size=5))
    space = data.draw(st.sampled_from(["", " ", "\n\t"]))
    names = [json.dumps(f"k{number}:", ensure_ascii=escaped) for number in range(len(texts))]
    pairs = [f"{name}{space}:{space}{json.dumps(text)}" for name, text in zip(names, texts, strict=True)]
    once, twice = ("{" + ",".join(each) + "}" for each in (pairs, [*pairs, pairs[0]]))
    assert parse(once.encode(), ONE) == [json.loads(once)]
    for body in (twice, f'[{{"x":[{twice}]}}]'):
        with pytest.raises(Refused) as refused:
            parse(body.encode(), ONE)
        assert refused.value.requirement == "Data 2.2.s2.b2"


@QUICK
@given(
    st.dictionaries(
        st.sampled_from(["agent", "verb", "since", "limit", "statementId", "format", "Verb"]) | words,
        st.lists(words | iris | uuids),
    )
)
def test_any_parameters_are_accepted_or_refused(given_: dict[str, list[str]]) -> None:
    try:
        parse_query(given_)
    except Refused:
        return
    assert all(len(values) == 1 for values in given_.values())


@QUICK
@given(st.text(max_size=40))
def test_any_languages_are_read(header: str) -> None:
    assert all(accepted_languages(header))


@QUICK
@given(st.binary(max_size=40), st.lists(st.binary(max_size=40), max_size=3))
def test_any_octets_come_back_from_multipart(first: bytes, contents: list[bytes]) -> None:
    headers = {"X-Experience-API-Hash": "0", "Content-Transfer-Encoding": "binary"}
    content_type, body = write_multipart(first, [Part(headers, content) for content in contents])
    statement, parts = read_multipart(body, content_type)
    assert (statement, [part.content for part in parts]) == (first, contents)


@QUICK
@given(
    st.lists(
        st.sampled_from([b"--b", b"\r\n", b"--", b"Content-Type: application/json", b": ", b"x", b"\n"]), max_size=12
    )
)
def test_any_octets_are_a_message_or_refused(pieces: list[bytes]) -> None:
    body = b"".join(pieces)
    try:
        statements, _ = read_multipart(body, "multipart/mixed; boundary=b")
    except Refused:
        return
    assert statements in body
