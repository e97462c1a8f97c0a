import gzip
import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headway.domain.errors import SourceError
from headway.governance.pseudonyms import pseudonym
from headway.sources.json_lines import load_json, masked_sql
from headway.sources.staging import Staging, text_sql

KEY = b"a key for tests, no secret"
FIELDS = {
    "id": "$.id",
    "who": "$.user|$.user_id",
    "inner": "$.event,$.data>$.id",
    "more": "$.more",
    "sent": "@envelope:$.sendTime",
}


def staged(tmp_path: Path, content: bytes | str, name: str = "events.json", lists: Sequence[str] = ()) -> Staging:
    path = tmp_path / name
    raw = content.encode() if isinstance(content, str) else content
    path.write_bytes(gzip.compress(raw) if name.endswith(".gz") else raw)
    staging = Staging("made", 256)
    load_json(staging, "events", "statements", [(path, name)], FIELDS, hashed=["who"], key=KEY, lists=lists)
    return staging


def rows(staging: Staging) -> list[tuple[object, ...]]:
    return (
        staging.run("SELECT line, id, inner FROM events ORDER BY line")
        if False
        else staging.run('SELECT line, id, "inner" FROM events ORDER BY line')
    )


def refused(staging: Staging) -> list[tuple[object, ...]]:
    return staging.run("SELECT line, reason, raw FROM refused ORDER BY line")


LAYOUTS = {
    "lines": '{"id": "1"}\n\n{"id": 2}\n',
    "lines without an end": '{"id": "1"}\r\n{"id": 2}',
    "a mark of byte order": '\ufeff{"id": "1"}\n{"id": 2}\n',
    "an array on one line": '[{"id": "1"}, {"id": 2}]',
    "an array laid out": json.dumps([{"id": "1"}, {"id": 2}], indent=2),
    "objects laid out": '{\n "id": "1"\n}\n{\n "id": 2\n}\n',
}


@pytest.mark.parametrize("text", LAYOUTS.values(), ids=LAYOUTS)
@pytest.mark.parametrize("name", ["events.json", "events.log.gz"])
def test_every_layout_gives_the_same_events(tmp_path: Path, text: str, name: str) -> None:
    staging = staged(tmp_path, text, name)
    assert [event for _, event, _ in rows(staging)] == ["1", "2"]
    assert refused(staging) == []


@pytest.mark.parametrize("indent", [None, 1])
def test_lists_are_opened_and_their_events_know_the_envelope(tmp_path: Path, indent: int | None) -> None:
    text = json.dumps({"sendTime": "then", "data": [{"id": "1"}, {"id": "2"}, 3]}, indent=indent)
    staging = staged(tmp_path, text, lists=["statements", "data"])
    assert staging.run("SELECT line, id, sent FROM events ORDER BY line") == [(1, "1", "then"), (2, "2", "then")]
    assert refused(staging) == [(3, "bad_json", "3")]


def test_text_within_an_event_is_read_as_json_again_or_left_alone(tmp_path: Path) -> None:
    events = [
        {"event": '{"id": "a"}'},
        {"event": {"id": "b"}},
        {"event": "no json"},
        {"event": None},
        {"data": {"id": "c"}},
    ]
    staging = staged(tmp_path, "\n".join(map(json.dumps, events)))
    assert [inner for *_, inner in rows(staging)] == ["a", "b", None, None, "c"]


def test_a_line_may_begin_with_what_syslog_puts_before_it_where_that_is_said(tmp_path: Path) -> None:
    path = tmp_path / "syslog.log"
    path.write_text('Nov 22 04:00:00 lms [tracking] {"id": "1"}\n{"id": "2"}\nNov 22 no event\n', encoding="utf-8")
    for prefixed, found in ((True, ["1", "2"]), (False, ["2"])):
        staging = Staging("made", 256)
        load_json(staging, "events", "statements", [(path, path.name)], FIELDS, key=KEY, prefixed=prefixed)
        assert [event for _, event, _ in rows(staging)] == found
        assert len(refused(staging)) == 3 - len(found)


def test_numbers_of_lines_are_those_of_the_file(tmp_path: Path) -> None:
    staging = staged(tmp_path, b'{"id": "1"}\n\n# no event\n{"id": "2", "cut\n\xff\xfe\n7\n{"id": "3"}')
    assert [(line, event) for line, event, _ in rows(staging)] == [(1, "1"), (7, "3")]
    assert [(line, reason) for line, reason, _ in refused(staging)] == [
        (3, "bad_json"),
        (4, "bad_json"),
        (5, "bad_encoding"),
        (6, "bad_json"),
    ]


def test_a_broken_element_costs_its_line_and_no_more(tmp_path: Path) -> None:
    staging = staged(tmp_path, '[\n{"id": "1"},\n{"id": oops},\n{"id": "2"}\n]')
    assert [event for _, event, _ in rows(staging)] == ["1", "2"]
    assert refused(staging) == [(2, "bad_json", '{"id": oops},')]


def test_identifying_fields_are_pseudonyms_at_once(tmp_path: Path) -> None:
    staging = staged(tmp_path, '{"user": "bob"}\n{"user_id": 7}\n{"user": ""}')
    assert staging.run("SELECT who FROM events ORDER BY line") == [
        (pseudonym("bob", KEY),),
        (pseudonym("7", KEY),),
        (None,),
    ]


MASKED = {
    '{"username": "bob", "id": 1': "bob",
    '{"event": "{\\"username\\": \\"bob\\", \\"x\\": 1': "bob",
    '{"user_id": 4711, "x': "4711",
    "call bob@uni.example": "bob",
    '{"ip": "10.1.2.3"': "10.1.2.3",
    '{"page": "https://lms.example/users/bob/progress?x=1"': "bob",
}


@pytest.mark.parametrize(("text", "secret"), MASKED.items())
def test_refused_text_is_kept_without_what_names_a_person(tmp_path: Path, text: str, secret: str) -> None:
    (found,) = staged(tmp_path, '{"id": "1"}\n' + text).run("SELECT raw FROM refused")[0]
    assert secret not in found
    assert found[:4] == text[:4]


def test_masking_keeps_what_names_nobody() -> None:
    text = '{"verb": "viewed", "object": "page/7", "time": "2026-01-02T03:04:05Z"'
    assert Staging("made", 64).run(f"SELECT {masked_sql(text_sql(text))}") == [(text,)]


@pytest.mark.parametrize("name", ["events.json", "events.json.gz"])
def test_a_file_that_is_no_json_is_an_error_that_names_it(tmp_path: Path, name: str) -> None:
    for content in ("", "  \n", "hello\nworld\n", b"\xff\xfe{\0}\0"):
        with pytest.raises(SourceError, match=r"events\.json"):
            staged(tmp_path, content, name)


def test_a_damaged_archive_is_refused_before_any_event_is_used(tmp_path: Path) -> None:
    path = tmp_path / "events.json.gz"
    path.write_bytes(gzip.compress(b'{"id": "1"}\n' * 1000)[:-20])
    with pytest.raises(SourceError, match="cut short"):
        load_json(Staging("made", 256), "events", "statements", [(path, path.name)], FIELDS)


def test_an_event_may_be_longer_than_a_chunk_and_one_too_long_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("headway.sources.json_lines.CHUNK_BYTES", 64)
    monkeypatch.setattr("headway.sources.json_lines.LONGEST_EVENT_BYTES", 1000)
    long, too_long = '{"id": "%s"}' % ("a" * 500), '{"id": "%s"}' % ("b" * 5000)
    staging = staged(tmp_path, "\n".join(['{"id": "1"}', long, too_long, '{"id": "2"}']))
    assert [line for line, *_ in rows(staging)] == [1, 2, 4]
    assert [(line, reason) for line, reason, _ in refused(staging)] == [(3, "line_too_long")]


LINE = st.one_of(
    st.just(b'{"id": "1"}'),
    st.just(b'{"data": [{"id": "1"}, 2, {}]}'),
    st.binary(max_size=40).filter(lambda line: b"\n" not in line),
    st.recursive(
        st.none() | st.booleans() | st.text(max_size=5), lambda x: st.lists(x) | st.dictionaries(st.text(max_size=3), x)
    ).map(lambda value: json.dumps(value).encode()),
)


@settings(max_examples=60, deadline=None)
@given(lines=st.lists(LINE, max_size=12))
def test_every_line_is_an_event_or_a_refusal(tmp_path_factory: pytest.TempPathFactory, lines: list[bytes]) -> None:
    staging = staged(tmp_path_factory.mktemp("fuzz"), b'{"id": "first"}\n' + b"\n".join(lines))
    places = [line for line, *_ in rows(staging)] + [line for line, *_ in refused(staging)]
    expected = [number for number, line in enumerate(lines, start=2) if line.strip(b" \t\r\n\x0b\x0c")]
    assert sorted(map(int, map(str, places))) == [1, *expected]
