"""Requirements of Data 2 that are kept by what is done with sound statements, not by what is refused."""

import pytest

from headway.intake.xapi.query import formatted, index_terms
from headway.intake.xapi.statement import equal, parse, prepare, validate
from tests.support.xapi import ANN, BEN, DROP, FULL, KNOWN, SMALL, TEAM, WORLD, changed, named

WITH_ID = {**SMALL, "id": KNOWN}


@named("Data-2.2.s4.b3")
@pytest.mark.parametrize(
    "text", ["0.1", "1e-7", "12345678901234567890", "-3.4028234663852886e38", "1.1754943508222875e-38"]
)
def test_numbers_keep_their_precision(text: str, version: str) -> None:
    body = b'{"result":{"score":{"raw":' + text.encode() + b"}}}"
    assert parse(body, version) == [
        {"result": {"score": {"raw": float(text) if "." in text or "e" in text else int(text)}}}
    ]


@named("Data-2.4.2.2.s3.b1")
def test_anonymous_groups_are_never_one(version: str) -> None:
    kept = {**WITH_ID, "actor": TEAM}
    validate(kept, version)
    assert index_terms(kept).agents == (f"account|{WORLD}|ann-7", "mbox|mailto:ben@lms.example")


@named("Data-2.4.3.s4.b1", "Data-2.4.3.s7.b2")
def test_the_verb_is_told_by_its_iri_alone(version: str) -> None:
    told = changed(WITH_ID, {"verb.display": {"en": "failed"}})
    validate(told, version)
    assert index_terms(told) == index_terms(WITH_ID)
    assert equal(told, WITH_ID)


@named("Data-2.4.3.s6.b1")
def test_exact_gives_display_as_it_came_or_none(version: str) -> None:
    for statement in (FULL, changed(FULL, {"verb.display": DROP})):
        kept = prepare(statement, stored="2026-03-05T09:00:05Z", authority=BEN, version=version)
        assert formatted(kept, "exact", ("de",))["verb"] == statement["verb"]


@named("Data-2.4.4.1.s4.b1", "Data-2.4.4.1.s4.b2")
def test_one_activity_id_is_one_activity_whoever_uses_it(version: str) -> None:
    other = changed(WITH_ID, {"actor": BEN, "object.definition": {"name": {"en": "Something else"}}})
    validate(other, version)
    assert index_terms(other).activity == index_terms(WITH_ID).activity


@named("Data-2.4.1.s2.b1", "Data-2.4.8.s3.b2")
def test_what_the_lrs_adds_is_sound(version: str) -> None:
    validate(prepare(SMALL, stored="2026-03-05T09:00:05Z", authority=ANN, version=version), version)
