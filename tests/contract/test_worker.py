"""The worker in one process: records become tasks, once; a dead feed freezes rules; a failing job stops no other."""

import json
import shutil
from copy import deepcopy
from datetime import datetime, timedelta
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from headway import flow
from headway.advising.task_queries import Wanted
from headway.domain.errors import Conflict, NotEnoughData, UnknownName
from headway.flow import App
from headway.flow.intake import open_inbox
from headway.flow.jobs import Done
from headway.flow.running import running
from headway.flow.worker import Outcome, Worker, retry_job
from headway.intake.entries import Entry, Parcel
from headway.store import jobs
from tests.support import made
from tests.support.tiny import RUN, History, at, on
from tests.support.tiny_home import arrive, come, course, tiny_home

AWAY = "tiny/away"
NOW = at(19, 22)
GRIEF = "I cannot go on any more. I want to kill myself tonight."


def silent_one(history: History) -> History:
    """Somebody who handed in nothing and came last on day 10."""
    history.enrol(AWAY)
    for day in range(11):
        come(history, AWAY, day, 10)
    return history


HISTORY = silent_one(course())


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with `HISTORY`; read it, or copy it."""
    folder = tmp_path_factory.mktemp("tiny") / "home"
    with tiny_home(folder, HISTORY, NOW):
        return folder


@pytest.fixture
def home(kept: Path, tmp_path: Path) -> Path:
    """A copy of the home."""
    return Path(shutil.copytree(kept, tmp_path / "home"))


def write(history: History, learner: str, day: int, hour: float, body: str) -> None:
    when = at(day, hour)
    history.add("texts", when, learner=learner, type="forum", body=body)


def once(app: App, every: str | None = None) -> dict[str, Outcome]:
    return {outcome.kind: outcome for outcome in Worker(app, every).once()}


def live(app: App) -> set[tuple[str, str]]:
    return {(task.rule, task.learner) for task in flow.list_tasks(app, Wanted()).tasks}


def test_records_become_tasks_and_nothing_happens_twice(home: Path) -> None:
    history = deepcopy(HISTORY)
    with tiny_home(home, None, NOW) as (app, clock):
        first = once(app)
        assert {outcome.state for outcome in first.values()} == {"done"}
        assert live(app) == {("missed_two_quizzes_and_silent", AWAY), ("engagement_below", AWAY)} & live(app)
        assert ("missed_two_quizzes_and_silent", AWAY) in live(app)
        before = flow.list_tasks(app).tasks
        clock.at += timedelta(minutes=1)
        assert once(app)["rules"].progress["runs"] == {}, "nothing changed"
        come(history, "tiny/0", 19, 22)
        arrive(app, history, HISTORY)
        clock.at += timedelta(minutes=5)
        assert once(app)["rules"].progress["runs"][RUN]["opened"] == 0
        assert flow.list_tasks(app).tasks == before
        clock.at = at(20, 1)
        assert RUN in once(app)["rules"].progress["runs"], "a new day is looked at though nothing arrived"
        assert flow.check_audit(app) == "unbroken"


def test_a_dead_feed_freezes_rules_about_silence_and_says_so(tmp_path: Path) -> None:
    """Everyone's feed stops on day 12: by day 19 all look as if they had stopped coming."""
    history = course(days=13)
    for number in range(12):
        history.plan(f"late{number}", 14)
    write(history, "tiny/3", 19, 10, GRIEF)
    with tiny_home(tmp_path, history, at(19, 22)) as (app, clock):
        report = once(app)["rules"].progress["runs"][RUN]
        assert "missed_two_quizzes_and_silent" in report["frozen"]
        assert "No record since 2025-03-15 21:00 UTC" in report["silent"]
        assert live(app) == {("distress_text", "tiny/3")}
        (note,) = flow.list_tasks(app).notes
        assert "data stopped" in note
        assert "frozen until records arrive" in note
        found = flow.engagement(app, RUN)
        assert found.silent is not None
        assert not any(one.flag for one in found.scores)
        for day in range(13, 20):
            for number in range(11):
                come(history, f"tiny/{number}", day, 9)
                come(history, f"tiny/{number}", day, 21)
        arrive(app, history)
        clock.at = at(19, 23)
        assert once(app)["rules"].progress["runs"][RUN]["frozen"] == []
        assert flow.list_tasks(app).notes == []
        assert ("missed_two_quizzes_and_silent", "tiny/11") in live(app)


def test_a_text_is_asked_about_once(home: Path) -> None:
    history = deepcopy(HISTORY)
    write(history, "tiny/3", 19, 10, GRIEF)
    write(history, "tiny/4", 19, 10, "Thank you, that was a lovely lecture about rivers.")
    with tiny_home(home, None, NOW) as (app, clock):
        arrive(app, history, HISTORY)
        flow.open_tasks(app, RUN, needs="texts")
        (task,) = flow.list_tasks(app, Wanted(rule="distress_text")).tasks
        assert (task.learner, task.reason) == ("tiny/3", "A text may ask for help: please read it today")
        assert "kill" not in str(task.as_row())
        flow.record_contact(app, task.id, "phone", "reached")
        flow.close_task(app, task.id, "helped")
        clock.at = at(22, 9)
        flow.open_tasks(app, RUN, needs="texts")
        assert not [each for each in live(app) if each[0] == "distress_text"]
        before = deepcopy(history)
        write(history, "tiny/3", 22, 9, GRIEF)
        arrive(app, history, before)
        clock.at = at(22, 10)
        flow.open_tasks(app, RUN, needs="texts")
        assert ("distress_text", "tiny/3") in live(app)


def test_after_a_contact_there_is_rest(home: Path) -> None:
    history = deepcopy(HISTORY)
    for day in range(20, 27):
        for hour in (9, 20):
            come(history, "tiny/0", day, hour)
            come(history, "tiny/1", day, hour)
            come(history, "tiny/2", day, hour)
            come(history, "tiny/3", day, hour)
    with tiny_home(home, None, NOW) as (app, clock):
        arrive(app, history, HISTORY)
        report = flow.open_tasks(app, RUN, rules=["missed_two_quizzes_and_silent"])
        (task,) = report.tasks
        flow.record_contact(app, task.id, "email", "no_answer")
        flow.close_task(app, task.id, "no_answer")
        clock.at = at(26, 21)
        (again,) = flow.open_tasks(app, RUN, rules=["missed_two_quizzes_and_silent"]).rules
        assert again.held == {"resting": 1}
        clock.at = at(26, 23)
        assert flow.open_tasks(app, RUN, rules=["missed_two_quizzes_and_silent"]).tasks


def send_in(app: App, number: int) -> None:
    """A page view of somebody who is enrolled comes into the inbox."""
    record = {
        "run": RUN,
        "learner": "0",
        "verb": "viewed",
        "at": app.clock.now().isoformat(),
        "object": f"sent{number}",
    }
    body = json.dumps({"received_at": app.clock.now().isoformat(), "record": record}).encode()
    key = app.settings.secrets.pseudonym_key_file
    key.parent.mkdir(exist_ok=True)
    key.write_bytes(bytes(32))
    key.chmod(0o600)
    with open_inbox(app) as inbox:
        inbox.keep(Parcel([Entry("records", int(app.clock.now().timestamp() * 1_000_000), None, body)]))


def test_an_empty_inbox_is_looked_at_again_soon(home: Path) -> None:
    """What then comes is moved at once, and yet the lake gets no more than one commit in the time named."""

    def due(app: App) -> datetime:
        with app.store.read() as connection:
            return jobs.get(connection, "move_inbox").due_at

    with tiny_home(home, None, NOW) as (app, clock):
        assert once(app, "8s")["move_inbox"].progress["moved"] == 0
        assert due(app) == clock.at + timedelta(seconds=2)
        send_in(app, 0)
        done = once(app, "8s")["move_inbox"]
        assert (done.error, done.progress.get("moved")) == (None, 1)
        assert due(app) == clock.at + timedelta(seconds=8)


def test_files_of_many_moves_are_joined(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("headway.flow.jobs.MOST_FILES", 2)
    with tiny_home(home, None, NOW) as (app, _):
        seen = []
        for number in range(4):
            send_in(app, number)
            assert once(app)["move_inbox"].error is None
            seen.append(len(app.lake.paths(["statements"])[RUN]))
        assert max(seen) == 2
        assert "compact" in {version.operation for version in app.lake.history("statements")}
        with app.lake.open(None, [RUN], kinds=["statements"]) as records:
            table = records.table("statements")
            objects = records.collect(table.filter(table.object.startswith("sent")))["object"].to_pylist()
        assert sorted(objects) == [f"sent{number}" for number in range(4)]


def test_what_one_lane_makes_due_the_other_does_at_once(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    resting, scored = Event(), 0
    woken: list[bool] = []

    def moved(*_: object) -> Done:
        assert resting.wait(30)
        return Done({}, ("score",))

    def rest(bell: Event, _: float) -> None:
        if bell is worker._bells[1]:
            resting.set()
            woken.append(any(bell.wait(0.1) or worker.stop.is_set() for _ in range(300)))
            bell.clear()
        else:
            worker.stop.wait(0.01)

    with tiny_home(home, None, NOW) as (app, _):
        worker = Worker(app, "4h")
        worker._work |= dict.fromkeys(worker._work, lambda *_: Done({})) | {"move_inbox": moved}
        monkeypatch.setattr(worker, "_rest", rest)
        for outcome in worker.run():
            scored += outcome.kind == "score"
            if scored == 2 or False in woken:
                worker.stop.set()
    assert (scored, woken[0]) == (2, True)


def test_a_lane_rests_until_it_is_called(home: Path) -> None:
    with tiny_home(home, None, NOW) as (app, _):
        worker, bell = Worker(app), Event()
        bell.set()
        worker._rest(bell, 3_600.0)
        assert not bell.is_set()
        worker.stop.set()
        worker._rest(bell, 3_600.0)


def test_who_asked_not_to_be_contacted(home: Path) -> None:
    with tiny_home(home, None, NOW) as (app, clock):
        flow.open_tasks(app, RUN)
        assert flow.set_no_contact(app, AWAY) == len(flow.list_tasks(app, Wanted(statuses=["closed"])).tasks) > 0
        clock.at += timedelta(days=8)
        report = flow.open_tasks(app, RUN, rules=["missed_two_quizzes_and_silent"], dry_run=True)
        assert report.rules == () or report.rules[0].held.get("asked_not_to") == 1
        assert flow.set_no_contact(app, AWAY, wanted=False) == 0


def test_a_dry_run_writes_nothing(home: Path) -> None:
    with tiny_home(home, None, NOW) as (app, _):
        assert flow.open_tasks(app, RUN, dry_run=True).tasks
        assert flow.list_tasks(app, Wanted(statuses=None)).tasks == ()
        assert flow.rule_states(app) == []


def test_a_rule_of_the_settings(home: Path) -> None:
    rule = {"when": ["days_since_last_activity >= 3 for 2d", "course_day > 10"], "list": "keep_an_eye", "text": "Quiet"}
    with tiny_home(home, None, NOW, rules={"quiet": rule}) as (app, _):
        (task,) = flow.open_tasks(app, RUN, rules=["quiet"]).tasks
        assert (task.learner, task.reason, task.as_row()["list"]) == (AWAY, "Quiet", "Keep an eye")
        assert task.evidence == {
            "days_since_last_activity": 9.0,
            "days_since_last_activity_1d_ago": 8.0,
            "course_day": 19.0,
        }
        with pytest.raises(UnknownName, match="Did you mean 'quiet'"):
            flow.open_tasks(app, RUN, rules=["quite"])


def test_engagement_is_kept_for_each_day_that_is_over(home: Path) -> None:
    with tiny_home(home, None, NOW) as (app, clock):
        found = flow.engagement(app, RUN, days=5)
        assert sorted({one.day_on for one in found.scores}) == [on(day) for day in range(14, 19)]
        assert len(found.scores) == 5 * 13
        falling = [one.score for one in found.scores if one.learner == AWAY]
        assert falling == sorted(falling, reverse=True)
        (away,) = {one.day_on for one in flow.engagement(app, RUN, learner=AWAY).scores if one.flag == "below"}
        clock.at = at(20, 1)
        assert once(app)["engagement"].progress["runs"] == {RUN: None}
        assert flow.engagement(app, RUN).day_on == on(19)
        assert flow.engagement(app, RUN, on(16).isoformat(), learner=AWAY, days=30).scores[-1].day_on == on(16)
        assert on(5) < away < on(19)
        with pytest.raises(UnknownName, match="was not enrolled"):
            flow.engagement(app, RUN, learner="tiny/nobody")
        with pytest.raises(NotEnoughData, match="begins on 2025-03-03"):
            flow.engagement(app, RUN, "2025-03-01")


def test_only_running_courses_are_looked_after(home: Path) -> None:
    with tiny_home(home, None, at(-1, 12)) as (app, clock):
        assert running(app) == {}
        clock.at = at(0, 1)
        assert running(app) == {RUN: on(0).isoformat()}
        clock.at = at(55, 23)
        assert list(running(app)) == [RUN]
        clock.at = at(56, 1)
        assert running(app) == {}
    with tiny_home(home, None, NOW, worker={"rules_for": "other/*", "score": False}) as (app, _):
        assert running(app) == {}


def test_a_failing_job_stops_no_other_waits_and_is_shown_as_dead(home: Path) -> None:
    broken: dict[str, Any] = {"rules": {"mine": {"when": ["nonsense >= 1"]}}, "worker": {"score": False, "attempts": 2}}
    with tiny_home(home, None, NOW, **broken) as (app, clock):
        first = once(app)
        assert first["rules"].state == "failed"
        assert "Unknown feature 'nonsense'" in str(first["rules"].error)
        assert {first[name].state for name in first if name != "rules"} == {"done"}
        clock.at += timedelta(minutes=1)
        assert once(app)["rules"].state == "dead"
        assert [job.id for job in flow.list_jobs(app) if job.state == "dead"] == ["rules"]
    with tiny_home(home, None, at(19, 23)) as (app, clock):
        assert retry_job(app, "rules").state == "waiting"
        assert once(app)["rules"].state == "done"
        assert ("missed_two_quizzes_and_silent", AWAY) in live(app)


def test_a_lost_lease_changes_nothing(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While a worker is at a job its lease ends and another takes the job: the first one's end is not written."""
    with tiny_home(home, None, NOW) as (app, clock):
        worker = Worker(app)
        for name in worker._work.keys() - {"expire"}:
            monkeypatch.setitem(worker._work, name, lambda *_: Done({}))

        def robbed(app: App, job: jobs.Job, alive: object) -> Done:
            clock.at += timedelta(hours=1)
            with app.store.begin() as connection:
                assert jobs.claim(connection, "other", clock.at, timedelta(minutes=5), [job.kind]) is not None
            return Done({"mine": True})

        monkeypatch.setitem(worker._work, "expire", robbed)
        outcomes = {outcome.kind: outcome for outcome in worker.once()}
        assert outcomes["expire"].state == "lost"
        with app.store.read() as connection:
            kept = jobs.get(connection, "expire")
        assert (kept.locked_by, kept.progress) == ("other", {})


def test_tasks_expire(home: Path) -> None:
    with tiny_home(home, None, NOW) as (app, clock):
        once(app)
        clock.at = at(19, 22) + timedelta(days=14)
        assert once(app)["expire"].progress == {
            "expired": len(flow.list_tasks(app, Wanted(statuses=["expired"])).tasks)
        }
        assert flow.list_tasks(app, Wanted(statuses=["expired"])).tasks
        (old, *_) = flow.list_tasks(app, Wanted(statuses=["expired"])).tasks
        with pytest.raises(Conflict, match="open it again"):
            flow.close_task(app, old.id, "not_needed")


def test_erasing_a_learner_reaches_their_tasks_and_scores(home: Path) -> None:
    with tiny_home(home, None, NOW) as (app, _):
        flow.open_tasks(app, RUN)
        flow.engagement(app, RUN, days=2)
        assert any(learner == AWAY for _, learner in live(app))
        flow.erase_learner(app, AWAY)
        assert not any(learner == AWAY for _, learner in live(app))
        with pytest.raises(UnknownName):
            flow.engagement(app, RUN, learner=AWAY, days=2)
    assert made.holding(home, AWAY) == []
