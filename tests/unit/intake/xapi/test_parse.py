"""From bytes to statements: strict JSON, single statements and batches, sizes and depths."""

import json
import pickle
from typing import Any

import pytest

from headway.intake.xapi.refusal import shown
from headway.intake.xapi.statement import Refused, TooLarge, parse, parse_one, validate, validate_all
from tests.support.xapi import FULL, KNOWN, ONE, SMALL, TWO, changed


def body(value: Any) -> bytes:
    return json.dumps(value).encode()


def test_one_statement_and_many() -> None:
    assert parse(body(FULL), ONE) == [FULL]
    assert parse(body([FULL, SMALL]), TWO) == [FULL, SMALL]
    assert parse(b"[]", ONE) == []
    assert parse_one(body(FULL), ONE) == FULL


@pytest.mark.parametrize(
    ("raw", "requirement"),
    [
        (b"", "Communication 3.2.s2.b1"),
        (b"{", "Communication 3.2.s2.b1"),
        (b"{} {}", "Communication 3.2.s2.b1"),
        (b'{"a":NaN}', "Communication 3.2.s2.b1"),
        (b'{"a":-Infinity}', "Communication 3.2.s2.b1"),
        (b'{"a":1e999}', "Communication 3.2.s2.b1"),
        (b'{"a":01}', "Communication 3.2.s2.b1"),
        (b"{'a':1}", "Communication 3.2.s2.b1"),
        (b'{"a":1,}', "Communication 3.2.s2.b1"),
        (b'{"a":"\\ud800"}', "Communication 3.2.s2.b1"),
        (b"\xef\xbb\xbf{}", "Communication 3.2.s2.b1"),
        ("{}".encode("utf-16"), "Communication 3.2.s2.b1"),
        (b'{"a":"\xff"}', "Communication 1.4.s1.b1"),
        (b"7", "Communication 3.2.s2.b1"),
        (b'"statement"', "Communication 3.2.s2.b1"),
        (b"null", "Data 2.2.s4.b1.b1"),
        (b"[[]]", "Communication 3.2.s2.b1"),
        (b"[{}, 7]", "Communication 3.2.s2.b1"),
        (b"[" * 100_000, "Communication 3.2.s3.b12"),
        (b'{"a":' * 50_000 + b"1" + b"}" * 50_000, "Communication 3.2.s3.b12"),
    ],
    ids=lambda value: repr(value)[:30],
)
def test_other_bytes_are_refused(raw: bytes, requirement: str) -> None:
    with pytest.raises(Refused) as refused:
        parse(raw, ONE)
    assert refused.value.requirement == requirement


def test_a_put_takes_one_statement() -> None:
    with pytest.raises(Refused, match="POST"):
        parse_one(body([SMALL]), ONE)


def test_what_is_too_large_says_so() -> None:
    with pytest.raises(TooLarge, match="at most 10") as refused:
        parse(body(SMALL), ONE, most_bytes=10)
    assert refused.value.http_status == 413


def test_nesting_that_json_allows_is_for_validation_to_refuse() -> None:
    nested = b'{"actor":' + b"[" * 300 + b"]" * 300 + b"}"
    with pytest.raises(Refused):
        validate(parse(nested, ONE)[0], ONE)


def test_a_batch_names_the_statement_that_is_refused() -> None:
    with pytest.raises(Refused) as refused:
        validate_all([SMALL, SMALL, changed(FULL, {"result.success": 1})], ONE)
    assert refused.value.path == "$[2].result.success"


def test_a_batch_may_not_hold_an_id_twice() -> None:
    first, again = {**SMALL, "id": KNOWN}, {**FULL, "id": KNOWN.upper()}
    with pytest.raises(Refused) as refused:
        validate_all([first, SMALL, again], TWO)
    assert refused.value.requirement == "Communication 2.1.2.s2.b6"
    assert refused.value.path == "$[2].id"
    validate_all([first, SMALL, SMALL], TWO)


def test_a_batch_of_one_is_named_like_a_statement() -> None:
    with pytest.raises(Refused) as refused:
        validate_all([{}], ONE)
    assert refused.value.path == "$"


@pytest.mark.parametrize(
    "changes",
    [
        {"actor.mbox": "secret person"},
        {"actor.member[0].account.name": 424242},
        {"result.response": 424242},
        {"context.instructor.mbox": "mailto:secret"},
        {"timestamp": "secret"},
    ],
    ids=str,
)
def test_refusals_hold_no_personal_data(changes: dict[str, Any]) -> None:
    with pytest.raises(Refused) as refused:
        validate(changed(FULL, changes), ONE)
    assert "secret" not in str(refused.value)
    assert "424242" not in str(refused.value)


def test_a_refusal_says_where_what_and_which() -> None:
    with pytest.raises(Refused) as refused:
        validate(changed(FULL, {"actor.mbox": "pair"}), ONE)
    assert str(refused.value) == (
        "$.actor.mbox: is no mail address after mailto:. Write mailto:ann@example.org. (Data 2.2.s4.b1.b4)"
    )


def test_names_of_properties_are_shortened_and_escaped() -> None:
    assert shown("a\n") == r"'a\n'"
    assert len(shown("x" * 1000)) < 70


def test_a_refusal_survives_pickling() -> None:
    refusal = Refused("Data 4.4", "$.id", "is no UUID.")
    again = pickle.loads(pickle.dumps(refusal))
    assert (str(again), again.requirement, again.path) == (str(refusal), "Data 4.4", "$.id")
