"""A small made-up Canvas: Live Events of one course in both forms, page views, and submissions of Canvas Data 2."""

import json
from pathlib import Path
from typing import Any, Final

SHARD: Final = 3001 * 10**13

EVENTS: Final[tuple[tuple[str, int, dict[str, Any]], ...]] = (
    (
        "enrollment_created",
        900,
        {"enrollment_id": SHARD + 70, "user_id": SHARD + 48, "type": "StudentEnrollment"}
        | {"workflow_state": "active", "created_at": "2024-01-02T00:00:00Z", "user_name": "Ada Example"},
    ),
    ("enrollment_created", 900, {"enrollment_id": SHARD + 71, "user_id": SHARD + 900, "type": "TeacherEnrollment"}),
    (
        "assignment_created",
        900,
        {"assignment_id": SHARD + 7, "title": "Essay", "points_possible": 20}
        | {"due_at": "2024-02-01T23:59:59Z", "submission_types": "online_upload"},
    ),
    ("asset_accessed", 48, {"asset_type": "assignment", "asset_id": SHARD + 7, "role": "StudentEnrollment"}),
    ("asset_accessed", 48, {"asset_type": "course", "asset_id": SHARD + 565, "asset_subtype": "grades"}),
    (
        "submission_created",
        48,
        {"assignment_id": SHARD + 7, "user_id": SHARD + 48, "attempt": 1}
        | {"submitted_at": "2024-01-31T10:00:00Z", "workflow_state": "submitted"},
    ),
    ("grade_change", 900, {"assignment_id": SHARD + 7, "student_id": SHARD + 48, "score": 15, "points_possible": 20}),
    ("discussion_entry_created", 48, {"discussion_entry_id": "31", "discussion_topic_id": "30", "text": "<p>Hi</p>"}),
    ("logged_in", 48, {"redirect_url": "https://canvas.example.edu/"}),
)

PAGE_VIEWS: Final = """created_at,request_id,user_id,url,context_type,context_id,controller,action,interaction_seconds
2024-01-20T10:00:00Z,a1,48,/courses/565/quizzes/12,Course,565,quizzes/quizzes,show,33
2024-01-20T10:02:00Z,a2,49,/courses/565/files/3,Course,565,files,show,5
2024-01-20T10:03:00Z,a3,49,/profile,User,49,profile,show,5
"""

SUBMISSIONS: Final = """value.assignment_id,key.id,value.user_id,value.course_id,value.attempt,value.submitted_at
7,9,48,565,1,2024-01-31T10:00:00.000Z
7,10,49,565,,
8,11,49,565,2,2024-02-03T10:00:00.000Z
"""


def write(folder: Path) -> None:
    """Write the sample into `folder`."""
    lines = [json.dumps(_event(name, actor, body, minute)) for minute, (name, actor, body) in enumerate(EVENTS)]
    look = _caliper("https://canvas.example.edu/courses/565/pages/start")
    lines.append(
        json.dumps({"sensor": "https://canvas.example.edu/", "sendTime": "2024-02-05T00:00:00Z", "data": [look]})
    )
    (folder / "events.jsonl").write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    (folder / "page_views.csv").write_text(PAGE_VIEWS, encoding="utf-8")
    (folder / "submissions.csv").write_text(SUBMISSIONS, encoding="utf-8")


def _event(name: str, actor: int, body: dict[str, Any], minute: int) -> dict[str, Any]:
    metadata = {"event_name": name, "event_time": f"2024-02-04T09:{minute:02}:15.250Z", "user_id": str(SHARD + actor)}
    metadata |= {"root_account_id": str(SHARD + 1), "user_login": "ada@example.edu", "client_ip": "198.51.100.7"}
    if name != "logged_in":
        role = "TeacherEnrollment" if actor == 900 else "StudentEnrollment"
        metadata |= {"context_type": "Course", "context_id": str(SHARD + 565), "context_role": role}
    texts = {key: str(value) if isinstance(value, int) and value > SHARD else value for key, value in body.items()}
    return {"metadata": metadata, "body": texts}


def _caliper(url: str) -> dict[str, Any]:
    own = "com.instructure.canvas"
    course, user, page = (f"urn:instructure:canvas:{word}" for word in ("course", "user", "wikiPage"))
    about = {"asset_type": "wiki_page", "entity_id": str(SHARD + 5), "asset_name": "Start"}
    return {
        "id": "urn:uuid:11111111-2222-4333-8444-555555555555",
        "type": "NavigationEvent",
        "actor": {"id": f"{user}:{SHARD + 48}", "type": "Person"},
        "action": "NavigatedTo",
        "object": {"id": f"{page}:{SHARD + 5}", "type": "Page", "extensions": {own: about}},
        "eventTime": "2024-02-04T10:00:00.000Z",
        "group": {
            "id": f"{course}:{SHARD + 565}",
            "extensions": {own: {"context_type": "Course", "entity_id": str(SHARD + 565)}},
        },
        "membership": {"roles": ["Learner"]},
        "extensions": {own: {"hostname": "canvas.example.edu", "request_url": url}},
    }
