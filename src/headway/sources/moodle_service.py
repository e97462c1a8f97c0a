"""Moodle's web services (REST): rosters, activities, grades and completions of courses, pulled with a token.

Promises that the token comes from the environment or a file and goes to no host but the one named, over an encrypted
connection; that an error, which Moodle sends with HTTP 200, stops the pull with what to do; and that names and mails in
the answers are dropped at once. What it pulls is what holds now; `moodle_pulled` says when it counts as known.
"""

import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import pyarrow as pa

from headway.domain.errors import InputError, ServiceRefused, SourceError
from headway.sources.http import get_json
from headway.sources.moodle_rows import add_learners
from headway.sources.staging import Staging

_LOOPBACK: Final = ("localhost", "127.0.0.1", "::1")
_STAFF: Final = frozenset({"editingteacher", "teacher", "manager", "coursecreator", "admin"})
_NOT_ENABLED: Final = frozenset({"completionnotenabled", "notenabled", "completionnottrackedforuser"})
_DUE: Final = ("duedate", "timeclose", "timedue", "submissionend")
_OPENS: Final = ("allowsubmissionsfromdate", "timeopen", "timeavailablefrom", "submissionstart")

_USERS: Final = {"run": pa.string(), "user_no": pa.string(), "staff": pa.bool_()}
_MODULES: Final = {
    "run": pa.string(),
    "item": pa.string(),
    "module": pa.string(),
    "title": pa.string(),
    "opens": pa.int64(),
    "due": pa.int64(),
}
_GRADES: Final = {
    "run": pa.string(),
    "user_no": pa.string(),
    "item": pa.string(),
    "module": pa.string(),
    "title": pa.string(),
    "total": pa.bool_(),
    "score": pa.float64(),
    "submitted": pa.int64(),
    "graded": pa.int64(),
}
_COMPLETIONS: Final = {
    "run": pa.string(),
    "user_no": pa.string(),
    "item": pa.string(),
    "module": pa.string(),
    "done": pa.int64(),
}
_COURSES: Final = {"run": pa.string(), "title": pa.string(), "starts": pa.int64(), "ends": pa.int64()}
_TABLES: Final = {
    "courses": _COURSES,
    "users": _USERS,
    "modules": _MODULES,
    "grades": _GRADES,
    "completions": _COMPLETIONS,
}


@dataclass(frozen=True, slots=True)
class Service:
    """A Moodle's web services.

    Attributes:
        url: of the site, such as https://moodle.example.edu.
        token: of an account that may see the courses.
        sleep: waits between attempts.
    """

    url: str
    token: str
    sleep: Callable[[float], None] = time.sleep

    def call(self, function: str, **arguments: str) -> Any:
        """What the function answers.

        Raises:
            SourceError: Moodle refuses, or cannot be reached.
        """
        address = self.url.rstrip("/") + "/webservice/rest/server.php"
        asked = {"wstoken": self.token, "wsfunction": function, "moodlewsrestformat": "json", **arguments}
        answer, _ = get_json(address, {}, asked, sleep=self.sleep)
        if isinstance(answer, dict) and "exception" in answer:
            code = str(answer.get("errorcode", ""))[:60]
            raise _refused(function, code, str(answer.get("message", ""))[:200])
        return answer


def _refused(function: str, code: str, message: str) -> ServiceRefused:
    advice = {
        "invalidtoken": "Make a new token (Site administration > Server > Web services > Manage tokens).",
        "accessexception": f"Add the function {function} to the external service of the token.",
        "nopermissions": "Give the token's account the right to see grades and participants of the course.",
        "requireloginerror": "Enrol the token's account in the course, or let it see all courses.",
        "invalidrecord": "Check the number of the course.",
    }.get(code, "Ask who runs this Moodle.")
    return ServiceRefused(f"Moodle refuses {function} ({code}: {message}). {advice}", code)


def service_of(options: Mapping[str, str], url: str) -> Service:
    """The web services that the options name.

    Raises:
        InputError: there is no token, or it would travel in the clear.
    """
    parts = urlsplit(url)
    if parts.scheme != "https" and parts.hostname not in _LOOPBACK:
        raise InputError(f"{parts.hostname} would get the token unencrypted. Write the address with https.")
    if "token_env" in options:
        token = os.environ.get(options["token_env"], "")
    elif "token_file" in options:
        try:
            token = Path(options["token_file"]).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as wrong:
            raise InputError(f"The token file {options['token_file']} cannot be read ({wrong}).") from wrong
    else:
        raise InputError(
            "The web services need a token. Put it into an environment variable and name it: token_env=NAME."
        )
    if not token.strip().isalnum():
        raise InputError("The token is empty or has signs that no token has. Copy it from Manage tokens again.")
    return Service(url, token.strip())


def stage_service(
    staging: Staging, service: Service, courses: Sequence[str], run: str | None, now: datetime, key: bytes
) -> None:
    """Make `service_courses`, `_users`, `_modules`, `_grades`, `_completions`, and `service_learners`, of all courses.

    Raises:
        SourceError: Moodle refuses or cannot be reached.
        InputError: no course is named, or one is no number.
    """
    if not courses or not all(each.isascii() and each.isdigit() for each in courses):
        raise InputError("Name the courses to pull by their numbers, such as courses=12,15.")
    if run is not None and len(courses) > 1:
        raise InputError("Several courses cannot be one run. Leave the run away, or pull one course.")
    rows: dict[str, list[dict[str, Any]]] = {table: [] for table in _TABLES}
    for course in dict.fromkeys(str(int(each)) for each in courses):
        for table, row in _pull(service, course):
            rows[table].append({"run": run or f"moodle/{course}/1", **row})
    for table, columns in _TABLES.items():
        fields = {"line": pa.array(range(1, len(rows[table]) + 1), pa.int64())}
        fields |= {name: pa.array([row.get(name) for row in rows[table]], kind) for name, kind in columns.items()}
        staging.connection.register("pulled", pa.table(fields))
        staging.run(f"CREATE TABLE service_{table} AS SELECT * FROM pulled")
        staging.connection.unregister("pulled")
    staging.run("CREATE TABLE service_now AS SELECT $now::TIMESTAMPTZ AS moment", now=now)
    natives = " UNION ".join(
        f"SELECT user_no AS native FROM service_{table}" for table in ("users", "grades", "completions")
    )
    add_learners(staging, "service_learners", natives, key)
    staging.run(
        "INSERT INTO refused SELECT 'enrolments', 'core_enrol_get_enrolled_users', line, 'not_a_learner', "
        "'This person teaches the course.', '(not kept: it may name a person)' FROM service_users WHERE staff"
    )


def _pull(service: Service, course: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Table and row of everything about a course."""
    found = _list(_dict(service.call("core_course_get_courses_by_field", field="id", value=course)).get("courses"))
    if not found:
        raise SourceError(f"Moodle knows no course {course}, or the token's account may not see it.")
    yield (
        "courses",
        {
            "title": _text(found[0].get("fullname")),
            "starts": _time(found[0].get("startdate")),
            "ends": _time(found[0].get("enddate")),
        },
    )
    learners: list[str] = []
    for user in _list(service.call("core_enrol_get_enrolled_users", courseid=course)):
        staff = any(_text(role.get("shortname")) in _STAFF for role in _list(user.get("roles")))
        if (number := _id(user.get("id"))) is not None:
            yield "users", {"user_no": number, "staff": staff}
            learners += [] if staff else [number]
    for section in _list(service.call("core_course_get_contents", courseid=course)):
        yield from (("modules", row) for module in _list(section.get("modules")) if (row := _module(module)))
    report = _dict(service.call("gradereport_user_get_grade_items", courseid=course, userid="0"))
    for person in _list(report.get("usergrades")):
        if (number := _id(person.get("userid"))) in learners:
            grades = (_grade(item) for item in _list(person.get("gradeitems")))
            yield from (("grades", {"user_no": number, **row}) for row in grades if row)
    yield from _completions(service, course, learners)


def _module(module: Mapping[str, Any]) -> dict[str, Any] | None:
    dates = {_text(each.get("dataid")): _time(each.get("timestamp")) for each in _list(module.get("dates"))}
    item = _id(module.get("id"))
    return None if item is None else {
        "item": item,
        "module": _text(module.get("modname")),
        "title": _text(module.get("name")),
        "opens": next((dates[name] for name in _OPENS if dates.get(name)), None),
        "due": next((dates[name] for name in _DUE if dates.get(name)), None),
    }  # fmt: skip


def _grade(item: Mapping[str, Any]) -> dict[str, Any] | None:
    """The row of a grade, or of a submission not yet graded; nothing where there is neither."""
    kind, raw = item.get("itemtype"), item.get("graderaw")
    low, high = item.get("grademin") or 0, item.get("grademax") or 0
    submitted, graded = _time(item.get("gradedatesubmitted")), _time(item.get("gradedategraded"))
    known = (
        isinstance(raw, int | float) and isinstance(high, int | float) and isinstance(low, int | float) and high > low
    )
    score = (raw - low) / (high - low) if known else None  # type: ignore[operator]  # `known` says that all are numbers
    if kind == "category" or (score is None and submitted is None):
        return None
    number = _id(item.get("cmid")) or f"grade/{_id(item.get('id'))}"
    return {
        "item": number,
        "module": _text(item.get("itemmodule")),
        "title": _text(item.get("itemname")),
        "total": kind == "course",
        "score": score,
        "submitted": submitted,
        "graded": graded,
    }


def _completions(service: Service, course: str, learners: Sequence[str]) -> Iterator[tuple[str, dict[str, Any]]]:
    for number in learners:
        try:
            answer = service.call("core_completion_get_activities_completion_status", courseid=course, userid=number)
        except ServiceRefused as refused:
            if refused.code in _NOT_ENABLED:
                return
            raise
        for status in _list(_dict(answer).get("statuses")):
            item, done = _id(status.get("cmid")), _time(status.get("timecompleted"))
            if status.get("state") in (1, 2) and done and item:
                module = _text(status.get("modname"))
                yield "completions", {"user_no": number, "item": item, "module": module, "done": done}


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[dict[str, Any]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _id(value: Any) -> str | None:
    text = str(value)
    return str(int(text)) if text.isascii() and text.isdigit() and len(text) < 19 else None


def _time(value: Any) -> int | None:
    """A UNIX time of our days; Moodle writes 0 for none."""
    number = int(value) if isinstance(value, int) and not isinstance(value, bool) else 0
    return number if 631_152_000 <= number < 7_258_118_400 else None
