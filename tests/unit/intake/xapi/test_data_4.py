"""Data 4 of xAPI 1.0.3: extensions, language maps, UUIDs, timestamps and durations wherever they stand."""

from typing import Any

import pytest

from tests.support.xapi import FULL, ONE, TWO, WORLD, Row, check, no, parameters, yes

BOTH = (
    "2026-03-05T10:00:00Z",
    "2026-03-05T10:00:00.1Z",
    "2026-03-05T10:00:00.123456789Z",
    "2026-03-05T10:00:00+00:00",
    "2026-03-05T10:00:00-03:30",
    "2024-02-29T23:59:59+14:00",
    "2016-12-31T23:59:60Z",
)
NEITHER = (
    "2026-03-05T10:00:00-00:00",
    "2026-03-05T10:00:00.5-00:00",
    "2025-02-29T10:00:00Z",
    "2026-04-31T10:00:00Z",
    "2026-13-01T10:00:00Z",
    "2026-00-10T10:00:00Z",
    "2026-03-00T10:00:00Z",
    "2026-03-05T25:00:00Z",
    "2026-03-05T10:60:00Z",
    "2026-03-05T10:00:61Z",
    "2026-03-05T10:00:00+24:00",
    "2026-03-05T10:00:00+02:60",
    "2026-03-05",
    "10:00:00Z",
    "05/03/2026",
    "2026-3-5T10:00:00Z",
    "2026-03-05T10:00:00Z ",
    "2026-03-05T10:00:00Z\n",
    "2026-03-05T10:00:00ZZ",
    "２026-03-05T10:00:00Z",
    "0000-01-01T00:00:00Z",
    "9999-12-31T23:59:59-14:00",
    "Thu, 05 Mar 2026 10:00:00 GMT",
    "",
)
ISO_ONLY = (
    "2026-03-05T10:00:00",
    "2026-03-05T10:00Z",
    "2026-03-05T10Z",
    "2026-03-05T10:30,5Z",
    "2026-03-05T10:00:00,5Z",
    "2026-03-05T10:00:00+01",
    "20260305T100000Z",
    "20260305T100000.25+0100",
    "2026-W10-4T10:00:00Z",
    "2026W104T100000Z",
    "2026-064T10:00:00Z",
    "2026064T1000Z",
    "2026-03-05T24:00:00Z",
)
RFC_ONLY = ("2026-03-05 10:00:00Z", "2026-03-05t10:00:00z")
ISO_WRONG = (
    "2026-03-05T100000Z",
    "20260305T10:00:00Z",
    "2026-W54-1T10:00:00Z",
    "2026-366T10:00:00Z",
    "2026-000T10:00:00Z",
    "2026-03-05T24:00:01Z",
    "2026-03-05T10:00:00-00",
    "20260305T100000-0000",
)
DURATIONS = (
    "PT4H35M59.14S",
    "PT16559.14S",
    "P3Y1M29DT4H35M59.14S",
    "P3Y",
    "P4W",
    "P0.5D",
    "PT0,25H",
    "P1DT0S",
    "PT1H0.5M",
)
NO_DURATIONS = (
    "P",
    "PT",
    "P1YT",
    "P4W1D",
    "P1Y4W",
    "1H",
    "PT1.5H30M",
    "P0003-06-04T12:30:05",
    "P00030604T123005",
    "-PT1H",
    "PT-1H",
    "pt1h",
    "PT1S1H",
    "P1S",
    "PT1.S",
    "PT.5S",
    "P16559.14S",
    "PT1H ",
    "90",
    "",
)
DEEP: list[Any] = []
for _ in range(63):
    DEEP = [DEEP]

ROWS = [
    *(yes("4.5.s1.b1", text, {"timestamp": text}) for text in BOTH),
    *(no("4.5.s1.b1", repr(text), {"timestamp": text}) for text in (*NEITHER, *ISO_WRONG)),
    *(yes("4.5.s1.b1", text, {"timestamp": text}, only=ONE) for text in ISO_ONLY),
    *(no("4.5.s1.b1", text, {"timestamp": text}, only=TWO) for text in ISO_ONLY),
    *(yes("4.5.s1.b1", text, {"timestamp": text}, only=TWO) for text in RFC_ONLY),
    *(no("4.5.s1.b1", text, {"timestamp": text}, only=ONE) for text in ("2026-03-05t10:00:00", "2026/03/05T10:00:00Z")),
    yes("4.5.s1.b3", "microseconds", {"timestamp": "2026-03-05T10:00:00.123456Z"}),
    *(yes("4.6.s1.b1", text, {"result.duration": text}) for text in DURATIONS),
    *(no("4.6.s1.b1", repr(text), {"result.duration": text}) for text in NO_DURATIONS),
    yes("4.6.s1.b4", "finer than a hundredth", {"result.duration": "PT1.2345678S"}),
    no("4.1.s3.b1", "a word as key", {"result.extensions": {"tries": 1}}),
    no("4.1.s3.b1", "a path as key", {"context.extensions": {"/x/tries": 1}}),
    no("4.1.s3.b1", "one of two keys", {"object.definition.extensions": {f"{WORLD}/x": 1, "y z": 2}}),
    *(
        yes("4.1.s3.b2", f"{type(value).__name__} as value", {"context.extensions": {f"{WORLD}/x": value}})
        for value in ("", 0, 1.5, True, None, [], {}, {"": None}, {"a b": [{"Actor": None}]}, "not: an IRI", DEEP)
    ),
    no(
        "4.1.s3.b2",
        "nesting without end",
        {"context.extensions": {f"{WORLD}/x": [[DEEP]]}},
        by="Communication 3.2.s3.b12",
    ),
    no("4.2.s1", "a list as text", {"verb.display": {"en": ["did"]}}),
    no("4.2.s1", "an empty map", {"attachments[0].description": {}}),
    yes("4.2.s1", "empty text", {"verb.display": {"en": ""}}),
    no(
        "4.4", "a UUID in another form", {"context.registration": "0B9E4F6C52A34F078A1D6F3C9F1F2F33"}, by="2.2.s4.b1.b4"
    ),
    yes("4.4", "another variant", {"context.registration": "0b9e4f6c-52a3-4f07-ea1d-6f3c9f1f2f33"}),
    yes(
        "4.3", "many IRIs", {"object.id": "mailto:forum@lms.example", "verb.id": "http://[2001:db8::1]:8080/v?a[]=1#x"}
    ),
]


@pytest.mark.parametrize(("row", "version", "statement"), parameters(ROWS))
def test_data_types(row: Row, version: str, statement: dict[str, Any]) -> None:
    check(row, version, statement)


def test_the_sample_is_whole() -> None:
    assert {"id", "actor", "verb", "object", "result", "context", "timestamp", "stored"} < FULL.keys()
