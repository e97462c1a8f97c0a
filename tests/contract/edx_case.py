"""A made-up sample of Open edX: a tracking log with both forms of events, and three table dumps."""

import json
from pathlib import Path
from typing import Any, Final

COURSE: Final = "course-v1:MadeX+C101+2026_T1"
BLOCK: Final = "block-v1:MadeX+C101+2026_T1"
AGENT: Final = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"
PAGE: Final = f"https://courses.made.example/courses/{COURSE}/courseware/week1/intro/"


def browser(event_name: str, event: object, /, **more: Any) -> dict[str, Any]:
    """A log line of the browser: what the event tells itself is JSON inside a text."""
    return server(event_name, json.dumps(event), event_source="browser", page=PAGE, **more)


def server(event_name: str, event: object, /, **more: Any) -> dict[str, Any]:
    """A log line of the server."""
    context = {"user_id": 11, "org_id": "MadeX", "course_id": COURSE, "path": "/event"} | more.pop("context", {})
    line = {
        "username": "greta_g",
        "ip": "192.0.2.44",
        "agent": AGENT,
        "host": "courses.made.example",
        "session": "0f" * 16,
        "event_source": "server",
        "name": event_name,
        "event_type": event_name,
        "time": "2026-03-02T09:30:00.123456+00:00",
        "event": event,
        "page": None,
        "context": context,
    }
    return line | more


def as_dict(line: dict[str, Any]) -> dict[str, Any]:
    """The same event as the event-tracking library hands it on."""
    told = line["event"]
    if isinstance(told, str) and told:
        told = json.loads(told)
    outer = {key: line[key] for key in ("username", "ip", "agent", "host", "session", "event_source", "page")}
    return {
        "name": line.get("name") or line["event_type"],
        "timestamp": line["time"],
        "data": told,
        "context": line["context"] | {key: value for key, value in outer.items() if value is not None},
    }


def check(problem: str, marks: dict[str, bool], attempt: int = 1) -> dict[str, Any]:
    """What the server tells of a checked problem."""
    found = {item: {"correctness": "correct" if right else "incorrect", "hint": ""} for item, right in marks.items()}
    return {
        "problem_id": f"{BLOCK}+type@problem+block@{problem}",
        "grade": sum(marks.values()),
        "max_grade": len(marks),
        "attempts": attempt,
        "success": "correct" if all(marks.values()) else "incorrect",
        "correct_map": found,
        "answers": dict.fromkeys(marks, "my own words"),
    }


EVENTS: Final = [
    server("edx.course.enrollment.activated", {"course_id": COURSE, "user_id": 11, "mode": "audit"}),
    browser("play_video", {"id": "v1", "currentTime": 3.5, "code": "mp4"}),
    browser("seek_video", {"id": "v1", "old_time": 10, "new_time": 42.25}, time="2026-03-02T09:31:00.5+00:00"),
    server("problem_check", check("p1", {"p1_2_1": True, "p1_3_1": False}), page="x_module"),
    server(f"/courses/{COURSE}/courseware/week1/intro/1", '{"POST": {}, "GET": {}}', name=None),
    server(
        "edx.forum.thread.created",
        {"id": "64b7b640e68f350033690932", "commentable_id": "week-1", "body": "Write to greta@made.example, please."},
        time="2026-03-03T10:00:00.000001+00:00",
    ),
    as_dict(browser("pause_video", {"id": "v1", "currentTime": 60}, time="2026-03-04T08:00:00.25+00:00")),
    server("edx.ui.lms.link_clicked", {}, context={"user_id": None}, username=""),
    server("/dashboard", "{}", context={"course_id": "", "org_id": ""}),
]

TABLES: Final = {
    "courseware_studentmodule": f"""student_id\tmodule_id\tmodule_type\tstate\tgrade\tmax_grade\tcreated\tmodified\t\
course_id
11\t{BLOCK}+type@problem+block@p1\tproblem\t{{"attempts": 2, "student_answers": {{"p1_2_1": "greta"}}}}\t1\t2\t\
2026-03-02 09:00:00\t2026-03-02 09:40:00\t{COURSE}
12\t{BLOCK}+type@video+block@v1\tvideo\tNULL\tNULL\tNULL\t2026-03-05 10:00:00\t2026-03-05 10:00:00\t{COURSE}
""",
    "student_courseenrollment": f"""user_id\tcourse_id\tcreated\tis_active\tmode
11\t{COURSE}\t2026-02-20 12:00:00\t1\taudit
12\t{COURSE}\t2026-02-21 12:00:00\t0\tverified
""",
    "grades_persistentcoursegrade": f"""user_id\tcourse_id\tpercent_grade\tletter_grade\tpassed_timestamp\tmodified
11\t{COURSE}\t0.81\tPass\t2026-06-01 08:00:00\t2026-06-02 08:00:00
12\t{COURSE}\t0.1\t\tNULL\t2026-03-05 10:05:00
""",
}


def lines(events: list[dict[str, Any]]) -> str:
    """The events as a tracking log."""
    return "".join(json.dumps(event) + "\n" for event in events)


def write(folder: Path) -> None:
    """Write the sample into the folder."""
    (folder / "a-tracking.log").write_text(lines(EVENTS), encoding="utf-8")
    for table, text in TABLES.items():
        (folder / f"madex-c101-2026-06-30-{table}-prod-analytics.sql").write_text(text, encoding="utf-8")
