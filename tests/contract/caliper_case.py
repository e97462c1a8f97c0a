"""A made-up sample of Caliper: envelopes with events and entities, whole and thinned, and some that are refused."""

import json
from pathlib import Path
from typing import Any, Final

CONTEXT: Final = "http://purl.imsglobal.org/ctx/caliper/v1p2"
SITE: Final = "https://college.example"
SECTION: Final = f"{SITE}/courses/7/sections/2"
_OBJECTS: Final = {
    "page": {"id": f"{SITE}/pages/1", "type": "Page", "name": "Cells"},
    "video": {"id": f"{SITE}/videos/1", "type": "VideoObject", "duration": "PT2M"},
    "test": {"id": f"{SITE}/tests/1", "type": "Assessment"},
    "tool": {"id": SITE, "type": "SoftwareApplication"},
}


def event(number: int, type_: str, action: str, what: Any, **more: Any) -> dict[str, Any]:
    """An event of person 1; a change to None takes the property away."""
    made = {
        "@context": CONTEXT,
        "id": f"urn:uuid:00000000-0000-4000-8000-{number:012d}",
        "type": type_,
        "actor": {"id": f"{SITE}/users/p1", "type": "Person", "name": "Ann Lee"},
        "action": action,
        "object": _OBJECTS.get(what, what) if isinstance(what, str) else what,
        "eventTime": f"2024-03-{number % 28 + 1:02d}T10:00:00.000Z",
        "group": {"id": SECTION, "type": "CourseSection", "courseNumber": "BIO-2"},
        "membership": {"id": f"{SECTION}/rosters/1", "type": "Membership", "roles": ["Learner"]},
        **more,
    }
    return {name: value for name, value in made.items() if value is not None}


def graded(number: int, type_: str = "Assessment", given: float = 8, most: float = 10) -> dict[str, Any]:
    """The grading of an attempt of person 2 by a program."""
    attempt = {
        "id": f"{SITE}/attempts/{number}",
        "type": "Attempt",
        "assignee": {"id": f"{SITE}/users/p2", "type": "Person"},
        "assignable": {"id": f"{SITE}/tests/{number}", "type": type_},
        "count": 2,
        "endedAtTime": "2024-03-05T11:00:00.000Z",
    }
    score = {"id": f"{SITE}/scores/{number}", "type": "Score", "scoreGiven": given, "maxScore": most}
    grader = {"id": f"{SITE}/grader", "type": "SoftwareApplication"}
    return event(number, "GradeEvent", "Graded", attempt, actor=grader, generated=score, membership=None)


def membership(status: str = "Active", **more: Any) -> dict[str, Any]:
    """The membership of person 3."""
    return {
        "@context": CONTEXT,
        "id": f"{SECTION}/rosters/1/members/p3",
        "type": "Membership",
        "member": f"{SITE}/users/p3",
        "organization": {"id": SECTION, "type": "CourseSection"},
        "roles": ["Learner"],
        "status": status,
        "dateCreated": "2024-02-01T08:00:00.000Z",
        **more,
    }


def envelope(*data: Any, sent: str = "2024-04-01T00:00:00.000Z") -> dict[str, Any]:
    """An envelope around events and entities."""
    return {"sensor": f"{SITE}/sensor", "sendTime": sent, "dataVersion": CONTEXT, "data": list(data)}


def elements() -> list[dict[str, Any]]:
    """The sample: four elements of it are refused."""
    at = {"id": f"{SITE}/videos/1/at", "type": "MediaLocation", "currentTime": "PT1M30S"}
    return [
        event(1, "ViewEvent", "Viewed", "page"),
        event(2, "MediaEvent", "Paused", "video", target=at),
        {"@context": CONTEXT, "id": f"{SITE}/users/p1", "type": "Person", "name": "Ann Lee"},
        membership(),
        event(3, "AssessmentEvent", "Submitted", "test"),
        graded(4),
        graded(5, "AssessmentItem", 1, 1),
        event(6, "NavigationEvent", "NavigatedTo", f"{SITE}/pages/2", group=SECTION, membership=None),
        event(7, "ViewEvent", "Deleted", "page"),
        event(8, "SessionEvent", "LoggedIn", "tool", group=None, membership=None),
        event(9, "ViewEvent", "Viewed", "page", eventTime="soon"),
    ]


def write(folder: Path) -> None:
    """Write the sample into the folder, an envelope with one element a line."""
    text = "".join(json.dumps(envelope(each)) + "\n" for each in elements())
    (folder / "events.jsonl").write_text(text, encoding="utf-8")
