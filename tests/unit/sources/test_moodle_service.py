"""Pulling from Moodle's web services, against a stub that answers as Moodle does, on loopback."""

import json
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from headway.domain.errors import InputError, SourceError
from headway.governance.pseudonyms import pseudonym
from headway.sources import moodle_service
from headway.sources.moodle import Moodle
from headway.sources.source import Request
from tests.contract.source_cases import KEY, Read, drain

TOKEN = "0123456789abcdef0123456789abcdef"
START, END, DUE = 1693526400, 1702598400, 1695513540  # 1 September, 15 December, 23 September 2023 23:59 UTC

ANSWERS: dict[str, Any] = {
    "core_course_get_courses_by_field": {
        "courses": [{"id": 7, "fullname": "Biology", "startdate": START, "enddate": END}]
    },
    "core_enrol_get_enrolled_users": [
        {"id": 11, "fullname": "Ada Brook", "email": "ada@example.org", "roles": [{"shortname": "student"}]},
        {"id": 12, "fullname": "Ben Cole", "roles": []},
        {"id": 2, "fullname": "Tess Old", "roles": [{"shortname": "editingteacher"}]},
    ],
    "core_course_get_contents": [
        {"modules": [
            {"id": 41, "modname": "quiz", "name": "Cells", "dates": [{"dataid": "timeclose", "timestamp": DUE}]},
            {"id": 42, "modname": "forum", "name": "Questions"},
            {"id": 43, "modname": "quiz", "name": "For fun"},
        ]}
    ],
    "gradereport_user_get_grade_items": {
        "usergrades": [
            {"userid": 11, "userfullname": "Ada Brook", "gradeitems": [
                {"id": 1, "itemtype": "mod", "itemmodule": "quiz", "itemname": "Cells", "cmid": 41, "graderaw": 8,
                 "grademin": 0, "grademax": 10, "gradedatesubmitted": DUE - 60, "gradedategraded": DUE + 86400},
                {"id": 2, "itemtype": "course", "graderaw": 45, "grademin": 0, "grademax": 100, "gradedategraded": DUE},
                {"id": 4, "itemtype": "category", "graderaw": 45, "grademin": 0, "grademax": 100},
            ]},
            {"userid": 12, "userfullname": "Ben Cole", "gradeitems": [
                {"id": 1, "itemtype": "mod", "itemmodule": "quiz", "itemname": "Cells", "cmid": 41, "graderaw": None,
                 "grademin": 0, "grademax": 10, "gradedatesubmitted": DUE - 5},
                {"id": 3, "itemtype": "manual", "itemname": "Talk", "cmid": None, "graderaw": 120, "grademin": 0,
                 "grademax": 100, "gradedategraded": DUE},
            ]},
            {"userid": 2, "userfullname": "Tess Old", "gradeitems": []},
        ]
    },
    "core_completion_get_activities_completion_status": {
        "statuses": [
            {"cmid": 42, "modname": "forum", "state": 1, "timecompleted": START + 3600},
            {"cmid": 43, "modname": "quiz", "state": 0, "timecompleted": 0},
        ]
    },
}  # fmt: skip


class Stub:
    """A Moodle on loopback; `answer` may be replaced, and `asked` holds what it was asked."""

    def __init__(self) -> None:
        self.asked: list[dict[str, str]] = []
        self.answer: Callable[[dict[str, str]], tuple[int, Any]] = lambda asked: (200, ANSWERS[asked["wsfunction"]])
        stub = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                parts = urlsplit(self.path)
                asked = {name: values[0] for name, values in parse_qs(parts.query).items()}
                stub.asked.append(asked)
                assert parts.path == "/webservice/rest/server.php"
                status, answer = stub.answer(asked)
                body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"


@pytest.fixture
def stub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stub]:
    made = Stub()
    thread = threading.Thread(target=made.server.serve_forever, daemon=True)
    thread.start()
    monkeypatch.setenv("MOODLE_TOKEN", TOKEN)
    yield made
    made.server.shutdown()
    made.server.server_close()
    thread.join()


def pull(stub: Stub, **options: str) -> Read:
    given = {"url": stub.url, "token_env": "MOODLE_TOKEN", "courses": "7", "zone": "Europe/London", **options}
    return drain(Moodle(), Request([], given, KEY))


def learner(number: int) -> str:
    return f"moodle/{pseudonym(str(number), KEY)}"


def test_a_course_is_pulled_with_roster_plan_grades_and_completions(stub: Stub) -> None:
    found = pull(stub, pass_mark="40")
    (run,) = found.rows("course_runs")
    assert (run["run"], run["title"], str(run["starts_on"]), str(run["ends_on"])) == (
        "moodle/7/1", "Biology", "2023-09-01", "2023-12-15"
    )  # fmt: skip
    assert {e["learner"] for e in found.rows("enrolments")} == {learner(11), learner(12)}
    types = {a["activity"]: (a["type"], str(a["due_on"])) for a in found.rows("activities")}
    assert types["41"] == ("test", "2023-09-24"), "a quiz with a grade counts; due at one in the night in London"
    assert (types["42"][0], types["43"][0], types["grade/3"][0]) == ("forum", "quiz", "assignment")
    assert {s["verb"] for s in found.rows("statements")} == {"completed"}
    assert {s["occurred_at"] for s in found.rows("statements")} == {datetime.fromtimestamp(START + 3600, UTC)}
    (outcome,) = found.rows("outcomes")
    assert (outcome["learner"], outcome["label"], outcome["final_score"]) == (learner(11), "pass", 0.45)
    assert outcome["recorded_at"] == datetime(2023, 12, 16, tzinfo=UTC), "the day after the run's last"


def test_a_grade_is_known_when_it_was_given_and_a_submission_without_one_has_no_score(stub: Stub) -> None:
    results = {r["learner"]: r for r in pull(stub).rows("results")}
    marked, unmarked = results[learner(11)], results[learner(12)]
    assert (marked["activity"], marked["score"]) == ("41", 0.8)
    assert marked["submitted_at"] == marked["occurred_at"] == datetime.fromtimestamp(DUE - 60, UTC)
    assert marked["recorded_at"] == marked["released_at"] == datetime.fromtimestamp(DUE + 86400, UTC)
    assert (unmarked["score"], unmarked["released_at"]) == (None, None)


def test_what_becomes_no_record_is_counted_with_its_reason(stub: Stub) -> None:
    reasons = sorted(reason for _, _, reason in pull(stub).reasons())
    assert reasons == ["bad_score", "no_pass_mark", "not_a_learner"]


def test_a_running_course_has_no_outcomes_yet(stub: Stub) -> None:
    found = pull(stub, pass_mark="40", ends="2199-01-01")
    assert not found.rows("outcomes")
    assert "not_final" in {reason for _, _, reason in found.reasons()}


def test_no_name_and_no_token_is_delivered(stub: Stub) -> None:
    found = pull(stub, pass_mark="40")
    everything = str([table.to_pylist() for table in found.records.values()]) + str(found.rejects.to_pylist())
    assert not [name for name in ("Ada", "Brook", "Cole", "Tess", "example.org", TOKEN) if name in everything]
    assert {asked["wstoken"] for asked in stub.asked} == {TOKEN}


@pytest.mark.parametrize(
    ("code", "advice"),
    [
        ("invalidtoken", "Make a new token"),
        ("accessexception", "Add the function core_course"),
        ("oops", "Ask who runs"),
    ],
)
def test_an_error_that_comes_with_200_stops_the_pull_with_advice(stub: Stub, code: str, advice: str) -> None:
    stub.answer = lambda asked: (200, {"exception": "moodle_exception", "errorcode": code, "message": "No."})
    with pytest.raises(SourceError, match=f"{code}.*{advice}") as caught:
        pull(stub)
    assert TOKEN not in str(caught.value)
    assert len(stub.asked) == 1, "asking again would not help"


def test_a_course_without_completion_tracking_is_pulled_all_the_same(stub: Stub) -> None:
    def answer(asked: dict[str, str]) -> tuple[int, Any]:
        if asked["wsfunction"].startswith("core_completion"):
            return 200, {"exception": "moodle_exception", "errorcode": "completionnotenabled", "message": "Off."}
        return 200, ANSWERS[asked["wsfunction"]]

    stub.answer = answer
    assert pull(stub).counts()["results"] == 2


def test_a_busy_moodle_is_asked_again_more_slowly(stub: Stub) -> None:
    waits: list[float] = []
    statuses = iter([503, 429])
    stub.answer = lambda asked: (next(statuses, 200), ANSWERS[asked["wsfunction"]])
    service = moodle_service.Service(stub.url, TOKEN, waits.append)
    assert service.call("core_enrol_get_enrolled_users", courseid="7") == ANSWERS["core_enrol_get_enrolled_users"]
    assert waits == [1, 2]


def test_a_moodle_that_stays_busy_is_given_up(stub: Stub) -> None:
    waits: list[float] = []
    stub.answer = lambda asked: (500, b"")
    with pytest.raises(SourceError, match="500"):
        moodle_service.Service(stub.url, TOKEN, waits.append).call("core_course_get_contents")
    assert waits == sorted(waits) != []


@pytest.mark.parametrize("answer", [None, [], {}, "x", 7, {"courses": None}, {"courses": [7]}, b"<html>", b""])
def test_a_nonsensical_answer_is_a_clear_error(stub: Stub, answer: Any) -> None:
    stub.answer = lambda asked: (200, answer if answer is not None else b"null")
    with pytest.raises(SourceError):
        pull(stub)


@pytest.mark.parametrize("junk", [None, 7, "x", {"a": 1}, [None, 7, {"id": "x", "modules": 3, "roles": "y"}]])
def test_junk_within_the_answers_is_passed_over(stub: Stub, junk: Any) -> None:
    first = "core_course_get_courses_by_field"
    stub.answer = lambda asked: (200, ANSWERS[first] if asked["wsfunction"] == first else json.dumps(junk).encode())
    assert pull(stub).counts() == {"course_runs": 1}


def test_a_course_that_never_ends_asks_for_its_dates(stub: Stub) -> None:
    bare = {"courses": [{"id": 7, "fullname": "Biology", "startdate": 0, "enddate": 0}]}
    empty: Any = []
    stub.answer = lambda asked: (200, bare if asked["wsfunction"].endswith("by_field") else empty)
    with pytest.raises(SourceError, match="starts and ends"):
        pull(stub)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"url": "http://moodle.example.edu"}, "https"),
        ({"token_env": "NO_SUCH_TOKEN"}, "token is empty"),
        ({"token_file": "/nowhere/token", "token_env": ""}, "token is empty"),
        ({"courses": ""}, "courses=12,15"),
        ({"courses": "biology"}, "courses=12,15"),
        ({"courses": "7,8", "run": "moodle/bio/1"}, "one run"),
    ],
)
def test_a_pull_without_what_it_needs_is_refused(stub: Stub, options: dict[str, str], message: str) -> None:
    with pytest.raises(InputError, match=message):
        pull(stub, **options)
    assert not stub.asked


def test_the_token_may_come_from_a_file(stub: Stub, tmp_path: Any) -> None:
    place = tmp_path / "token"
    place.write_text(TOKEN + "\n", encoding="utf-8")
    given = {"url": stub.url, "token_file": str(place), "courses": "7"}
    assert drain(Moodle(), Request([], given, KEY)).counts()["enrolments"] == 2
