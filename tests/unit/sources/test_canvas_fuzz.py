"""Whatever a file holds: no crash, and each event or row is told by records or refused once. Everything is made up."""

import json
import tempfile
from pathlib import Path
from typing import Any, Final

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from headway.domain.errors import HeadwayError
from headway.sources.canvas import Canvas
from headway.sources.canvas_form import FAMILIES
from headway.sources.source import Request
from tests.contract.source_cases import KEY, Read, drain

EVENTS: Final = sorted(event for events in FAMILIES.values() for event in events if not event.endswith("_row"))
ODD: Final = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-5, 10**20),
    st.floats(),
    st.text(max_size=12),
    st.sampled_from(
        [
            "2024-03-04T09:30:15Z",
            "2024-03-04 09:30:15 -0800",
            "0001-01-01",
            "infinity",
            "21070000000000048",
            "1121~7",
            "~",
            "urn:instructure:canvas:user:21070000000000048",
            "9" * 30,
            "1e400",
            "nan",
            "deleted",
            "active",
            "-1",
            "0",
            "é\x00'\"",
        ]
    ),
)
FIELDS: Final = st.sampled_from(
    [
        "user_id",
        "student_id",
        "assignment_id",
        "quiz_id",
        "attempt",
        "score",
        "points_possible",
        "submitted_at",
        "state",
        "graded_at",
        "discussion_entry_id",
        "discussion_topic_id",
        "workflow_state",
        "due_at",
        "asset_type",
        "asset_id",
        "asset_subtype",
        "enrollment_id",
        "type",
        "created_at",
        "wiki_page_id",
        "attachment_id",
        "module_id",
        "text",
    ]
)
BODIES: Final = st.dictionaries(FIELDS, st.one_of(ODD, st.lists(ODD, max_size=2)), max_size=9)
METADATA: Final = st.dictionaries(
    st.sampled_from(["user_id", "context_role", "real_user_id", "user_agent", "url", "root_account_id", "event_time"]),
    ODD,
    max_size=3,
)
FEW: Final = settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@FEW
@given(
    st.lists(
        st.tuples(st.sampled_from([*EVENTS, "user_created", "new_one"]), METADATA, BODIES), min_size=1, max_size=30
    )
)
def test_an_event_is_told_by_records_of_its_course_or_refused_once(events: list[tuple[str, Any, Any]]) -> None:
    lines = []
    for place, (name, metadata, body) in enumerate(events, start=1):
        said = {"event_name": name, "event_time": "2024-03-04T09:30:15Z", "user_id": "48", **metadata}
        # Each event is in a course of its own, by which its records are known.
        said |= {"context_type": "Course", "context_id": str(place)}
        lines.append(json.dumps({"metadata": said, "body": body | {"course_id": str(place)}}))
    found = read("events.jsonl", "\n".join(lines))
    refused = [line for _, line, _ in found.reasons()]
    told = {int(row["run"].split("/")[1]) for table in found.records.values() for row in table.to_pylist()}
    assert len(refused) == len(set(refused))
    assert told.isdisjoint(refused)
    assert told | set(refused) == set(range(1, len(events) + 1))


@FEW
@given(
    st.lists(
        st.dictionaries(st.sampled_from(["metadata", "body", "type", "object", "actor", "data", "x"]), ODD),
        min_size=1,
        max_size=9,
    )
)
def test_any_objects_are_refused_or_read(objects: list[Any]) -> None:
    found = read("events.jsonl", "\n".join(json.dumps(each) for each in [{"x": 1}, *objects]))
    assert found.rejects.num_rows == 1 + len(objects)
    assert found.counts() == {}


@FEW
@given(st.lists(st.tuples(ODD, ODD, ODD, ODD), max_size=20))
def test_rows_of_a_table_are_read_or_refused_once(rows: list[tuple[Any, Any, Any, Any]]) -> None:
    lines = [
        json.dumps({"id": place, "assignment_id": a, "user_id": u, "course_id": place, "score": s, "submitted_at": t})
        for place, (a, u, s, t) in enumerate(rows, start=1)
    ]
    found = read("submissions.json", "\n".join(lines) or '{"assignment_id": 1, "user_id": 2}')
    told = {int(row["run"].split("/")[1]) for row in found.rows("statements") + found.rows("results")}
    refused = [line for _, line, _ in found.reasons()]
    assert len(refused) + len(told) == max(1, len(rows))


@FEW
@given(st.binary(max_size=400))
def test_any_bytes_are_refused_clearly(noise: bytes) -> None:
    for name in ("page_views.csv", "events.jsonl", "courses.parquet", "web_logs.tsv", "users.json.gz"):
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / name).write_bytes(noise)
            try:
                drain(Canvas(), Request([Path(folder)], {}, KEY))
            except HeadwayError:
                continue


def read(name: str, text: str) -> Read:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / name).write_text(text, encoding="utf-8")
        return drain(Canvas(), Request([Path(folder)], {}, KEY))
