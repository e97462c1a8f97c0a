"""Live Events in the messages of queues and streams. Everything is made up."""

import base64
import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from headway.sources.canvas import Canvas
from headway.sources.canvas_wrappers import is_wrapped
from headway.sources.source import Request
from tests.contract.source_cases import KEY, Read, drain
from tests.unit.sources.test_canvas import OWN, caliper, envelope, look, whole

INNER = look("assignment", 7)


def packed(inner: Any) -> str:
    return base64.b64encode(gzip.compress(json.dumps(inner).encode())).decode()


def plain(inner: Any) -> str:
    return base64.b64encode(json.dumps(inner).encode()).decode()


WRAPPED = {
    "sqs records": {"Records": [{"messageId": "m1", "body": json.dumps(INNER), "eventSource": "aws:sqs"}]},
    "sqs messages": {"Messages": [{"MessageId": "m1", "ReceiptHandle": "x", "Body": json.dumps(INNER)}]},
    "sns in sqs": {"Records": [{"messageId": "m1", "body": json.dumps({"Message": json.dumps(INNER)})}]},
    "kinesis": {"Records": [{"kinesis": {"sequenceNumber": "1", "data": plain(INNER)}, "eventSource": "aws:kinesis"}]},
    "kinesis get-records": {"Records": [{"SequenceNumber": "1", "Data": packed(INNER)}], "NextShardIterator": "x"},
    "event bridge": [{"detail-type": "asset_accessed", "detail": INNER}],
    "message alone": {"messageId": "m1", "body": json.dumps(INNER)},
}


def read(path: Path) -> Read:
    return drain(Canvas(), Request([path], {}, KEY))


@pytest.mark.parametrize("wrapped", WRAPPED.values(), ids=WRAPPED)
@pytest.mark.parametrize("indent", [None, 2])
def test_an_event_is_the_same_in_every_wrapper(tmp_path: Path, wrapped: Any, indent: int | None) -> None:
    bare, other = tmp_path / "bare.jsonl", tmp_path / "wrapped.json"
    bare.write_text(json.dumps(INNER), encoding="utf-8")
    other.write_text(json.dumps(wrapped, indent=indent), encoding="utf-8")
    assert read(other).rows("statements") == read(bare).rows("statements")
    assert len(read(bare).rows("statements")) == 1


def test_a_wrapper_may_hold_a_caliper_envelope_and_what_holds_nothing_is_refused(tmp_path: Path) -> None:
    about: dict[str, Any] = {"id": f"urn:instructure:canvas:assignment:{whole(7)}"}
    about |= {"extensions": {OWN: {"asset_type": "assignment", "entity_id": whole(7)}}}
    theirs = envelope(caliper("NavigationEvent", "NavigatedTo", about))
    lines = [
        json.dumps({"messageId": "m1", "body": json.dumps(theirs)}),
        json.dumps({"messageId": "m2", "body": "not JSON"}),
        '{"messageId": "m3", ',
        json.dumps({"messageId": "m4", "body": json.dumps(INNER)}),
    ]
    file = tmp_path / "queue.jsonl"
    file.write_text("\n".join(lines), encoding="utf-8")
    found = read(file)
    assert {row["object"] for row in found.rows("statements")} == {"assignment/7"}
    assert len(found.rows("statements")) == 2
    assert [row[1:] for row in found.reasons()] == [(2, "unknown_table"), (3, "bad_json")]


def test_events_and_arrays_and_lists_of_events_are_no_wrappers(tmp_path: Path) -> None:
    assert not is_wrapped(json.dumps(INNER).encode())
    file = tmp_path / "events.json"
    for layout in ([INNER, INNER], {"data": [INNER, INNER]}):
        file.write_text(json.dumps(layout, indent=1), encoding="utf-8")
        assert len(read(file).rows("statements")) == 2
