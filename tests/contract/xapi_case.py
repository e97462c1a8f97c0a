"""A made-up sample of xAPI statements: two courses, a video, a quiz, a forum, and some statements that are refused."""

import json
from pathlib import Path
from typing import Any, Final

ADL: Final = "http://adlnet.gov/expapi"
VIDEO: Final = "https://w3id.org/xapi/video"
_COURSES: Final = {
    "bio": {"id": "https://lms.example/course/view.php?id=5", "definition": {"type": f"{ADL}/activities/course"}},
    "art": {"id": "course-v1:Org+ART+2024", "definition": {"type": f"{ADL}/activities/course", "name": {"en": "Art"}}},
}
_OBJECTS: Final = {
    "page": {"id": "https://lms.example/mod/page/view.php?id=1"},
    "quiz": {"id": "https://lms.example/quiz/2", "definition": {"type": f"{ADL}/activities/assessment"}},
    "item": {"id": "https://lms.example/quiz/2/1", "definition": {"type": f"{ADL}/activities/cmi.interaction"}},
    "video": {"id": "https://lms.example/video/3", "definition": {"type": f"{VIDEO}/activity-type/video"}},
}


def _statement(number: int, who: str, verb: str, what: str, course: str = "bio", **result: Any) -> dict[str, Any]:
    return {
        "id": f"00000000-0000-4000-8000-{number:012d}",
        "actor": {"name": who.title(), "account": {"homePage": "https://lms.example", "name": who}},
        "verb": {"id": verb if ":" in verb else f"{ADL}/verbs/{verb}"},
        "object": _COURSES.get(what) or _OBJECTS[what],
        "context": {"contextActivities": {"grouping": [_COURSES[course]]}},
        "timestamp": f"2024-03-{number % 28 + 1:02d}T10:00:00+01:00",
        "stored": f"2024-03-{number % 28 + 1:02d}T09:00:05Z",
        **({"result": result} if result else {}),
    }


def statements() -> list[dict[str, Any]]:
    """The statements: all but two become records."""
    watched = {f"{VIDEO}/extensions/time": 90, f"{VIDEO}/extensions/played-segments": "0[.]60[,]40[.]90"}
    bad = {**_statement(12, "ann", "experienced", "page"), "verb": {}}
    homeless = {**_statement(13, "bob", "experienced", "page"), "context": {}}
    return [
        _statement(1, "ann", "registered", "bio"),
        _statement(2, "ann", "experienced", "page"),
        _statement(3, "ann", f"{VIDEO}/verbs/paused", "video", extensions=watched),
        _statement(4, "bob", "answered", "item", success=True, response="four"),
        _statement(5, "bob", "passed", "quiz", score={"raw": 8, "max": 10}),
        _statement(6, "ann", "scored", "quiz", score={"scaled": 0.5}),
        _statement(7, "eve", "experienced", "page", course="art"),
        bad,
        homeless,
        _statement(8, "ann", "http://id.tincanapi.com/verb/unregistered", "bio"),
    ]


def write(folder: Path) -> None:
    """Write the sample into the folder, as JSON lines."""
    text = "".join(json.dumps(each) + "\n" for each in statements())
    (folder / "statements.jsonl").write_text(text, encoding="utf-8")
