"""The checks at the door on real events: sound fixtures pass, and what they set apart is unfit for a reason."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from headway.intake import caliper, canvas
from headway.intake.xapi.statement import parse, validate

pytestmark = pytest.mark.real_data

WITHOUT_ID = {"caliperEntitySystemIdentifier.json", "caliperEntityTextPositionSelector.json"}


def fixtures(folder: Path, *, sound: bool) -> dict[str, Any]:
    marks = ("Malformed", "-No", "-Null", "-Unknown", "-Wrong", "BadJson", "ConfigPayload")
    files = [file for file in sorted(folder.glob("*.json")) if any(mark in file.name for mark in marks) is not sound]
    return {file.name: json.loads(file.read_bytes()) for file in files if "BadJson" not in file.name}


def test_sound_caliper_fixtures_pass(real_data: Path) -> None:
    found = fixtures(real_data / "caliper", sound=True)
    unfit = {name for name, document in found.items() if caliper.check(document).rejected}
    assert len(found) > 60
    assert unfit == WITHOUT_ID


def test_fixtures_without_what_an_event_needs_are_set_apart(real_data: Path) -> None:
    found = fixtures(real_data / "caliper", sound=False)
    for name, reason in (
        ("caliperEvent-NoActor.json", "missing_value"),
        ("caliperEvent-NoId.json", "missing_value"),
        ("caliperEvent-NullEventTime.json", "missing_value"),
        ("caliperEvent-NullObject.json", "missing_value"),
        ("caliperEntity-UnknownContext.json", "bad_version"),
    ):
        assert [rejected.reason for rejected in caliper.check(found[name]).rejected] == [reason]


@pytest.mark.parametrize("form", ["canvas", "caliper"])
def test_live_events_pass(real_data: Path, form: str) -> None:
    lines = (real_data / "canvas_live_events" / f"{form}_format.jsonl").read_text(encoding="utf-8").splitlines()
    assert lines
    for line in lines:
        assert canvas.check(json.loads(line)).rejected == []


@pytest.mark.parametrize("version", ["1.0.3", "2.0.0"])
def test_statements_of_a_mooc_are_sound(real_data: Path, version: str) -> None:
    with gzip.open(real_data / "xapi" / "statements_5000.jsonl.gz") as stream:
        for line in stream:
            (statement,) = parse(line, version)
            validate(statement, version)
