"""A made-up sample of plain records: as they come from a script, wrapped as the server keeps them, and some refused."""

import json
from pathlib import Path
from typing import Any, Final

RUN: Final = "canvas/7/1"


def record(number: int, who: str, verb: str, **more: Any) -> dict[str, Any]:
    """A record of the course."""
    at = f"2024-03-{number % 28 + 1:02d}T10:00:00+01:00"
    return {"id": f"r{number}", "run": RUN, "learner": who, "verb": verb, "at": at, **more}


def records() -> list[dict[str, Any]]:
    """The records: the last four are refused."""
    wrapped = {
        "received_at": "2024-03-03T12:00:00Z",
        "record": record(2, "ann", "viewed", object="p1", object_type="page"),
    }
    return [
        record(1, "ann", "enrolled"),
        wrapped,
        record(3, "ann", "paused", object="v1", object_type="video", position_s=90, title="Cells"),
        record(4, "bob", "answered", object="q1", object_type="question", success=True),
        record(5, "bob", "submitted", object="a1", object_type="assignment", score=0.8),
        record(6, "bob", "graded", object="a2", score=0.5, attempt=2),
        {name: value for name, value in record(7, "eve", "viewed").items() if name != "id"},
        record(8, "ann", "withdrawn"),
        record(9, "ann", "teleported"),
        record(10, "ann", "viewed", score=7),
        {"received_at": "2024-03-01T12:00:00Z", "record": record(11, "ann", "viewed")},
        {"run": RUN},
    ]


def write(folder: Path) -> None:
    """Write the sample into the folder, as JSON lines."""
    text = "".join(json.dumps(each) + "\n" for each in records())
    (folder / "records.jsonl").write_text(text, encoding="utf-8")
