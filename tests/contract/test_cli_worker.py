"""The commands about tasks, rules, engagement, jobs and notices, as scripts use them."""

import json
import shutil
from pathlib import Path

import pytest

from headway import flow
from headway.advising.task_queries import Wanted
from headway.flow.worker import Worker
from headway.lake.lake import Lake
from tests.support import made
from tests.support.command import Script, inside
from tests.support.tiny_home import Ticking


@pytest.fixture(scope="module")
def worked(made_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The home after a worker's round on the day after it was scored."""
    home = Path(shutil.copytree(made_home, tmp_path_factory.mktemp("worked") / "home"))
    with flow.open_app(home, clock=made.CLOCK) as app:
        outcomes = {outcome.kind: outcome for outcome in Worker(app).once()}
        assert {outcome.state for outcome in outcomes.values()} == {"done"}, outcomes
    return home


def test_scores_follow_records(worked: Path) -> None:
    with flow.open_app(worked, clock=Ticking(made.CLOCK.now())) as app:
        job = next(job for job in flow.list_jobs(app) if job.id == "score")
        scored = job.progress["runs"][made.RUNNING]
        assert scored["as_of"] == "2026-03-09T07:30:00Z"
        listed = flow.list_tasks(app, Wanted(rule="risk_above_cut")).tasks
        assert listed
        assert {task.evidence["score_run"] for task in listed} == {scored["score_run"]}
        assert len([task for task in flow.list_tasks(app).tasks if task.list == "reach_out"]) <= 25
        again = Worker(app)
        again._work = {"score": again._work["score"]}
        assert [outcome.progress["runs"] for outcome in again.once()] == [{}], "nothing changed"


def test_a_task_from_opening_to_closing(worked: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ask = Script(capsys, Path(shutil.copytree(worked, tmp_path / "home")))
    listed = ask("task", "list", "--run", made.RUNNING, "--snoozed")
    first = listed["tasks"][0]
    short = first["id"][:8]
    assert first["status"] == "open"
    assert first["list"] in {"Reach out", "Check in"}
    assert ask("task", "snooze", short, "--until", "3d")["snoozed_until"]
    assert first["id"] not in {task["id"] for task in ask("task", "list")["tasks"]}
    assert ask("task", "assign", short, "--to", "ann@example.org")["assignee"] == "ann@example.org"
    words = ("task", "contact", short, "--channel", "phone", "--outcome", "reached", "--follow-up", "2099-01-01")
    contacted = ask(*words, "--note", "Has a plan", "--as", "ann@example.org")
    assert (contacted["status"], contacted["contact"]["by"]) == ("contacted", "ann@example.org")
    assert ask("task", "calendar", "--out", tmp_path / "f.ics")["entries"] == 1
    assert first["learner"] in (tmp_path / "f.ics").read_text()
    said = inside(capsys, "--home", ask.home, "task", "calendar", "--out", tmp_path / "f.ics")
    assert (said.stdout, said.stderr) == ("", f"Wrote {tmp_path / 'f.ics'}\n")
    assert ask("task", "undo", short)["status"] == "open"
    assert ask("task", "calendar")["entries"] == 0
    ask(*words)
    assert ask("task", "close", short, "--code", "helped")["closing_code"] == "helped"
    shown = ask("task", "show", short)
    assert [one["outcome"] for one in shown["contacts"]] == ["reached"]
    assert ask("task", "reopen", short)["status"] == "contacted"
    assert ask("task", "list", "--status", "contacted", "--snoozed")["tasks"][0]["id"] == first["id"]
    assert ask("task", "no-contact", first["learner"])["closed"] >= 1
    assert ask("task", "no-contact", first["learner"], "--undo")["no_contact"] is False


def test_what_people_read(worked: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def said(*words: object) -> str:
        found = inside(capsys, "--home", worked, *words)
        assert found.returncode == 0, found.stderr
        return found.stdout

    listed = said("task", "list", "--snoozed")
    assert "last visit" in listed
    assert made.RUNNING in listed
    assert "saw" in said("task", "show", listed.splitlines()[1].split()[0])
    assert "missed_two_quizzes_and_silent" in said("rule", "list")
    assert "regularity" in said("engagement", made.RUNNING, "--as-of", made.TODAY)
    assert "waiting" in said("job", "list")
    assert said("notice", "list").split()[:2] == ["id", "channel"]


def test_rules_and_engagement(worked: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ask = Script(capsys, worked)
    rules = ask("rule", "list")
    assert {"never_started", "distress_text"} <= {rule["name"] for rule in rules["rules"]}
    states = {state["rule"]: state for state in rules["states"]}
    assert states["missed_two_quizzes_and_silent"]["state"] == "evaluated"
    report = ask("rule", "run", made.RUNNING, "--as-of", made.TODAY, "--rules", "never_started", "--dry-run")
    assert report["dry_run"] is True
    assert report["rules"]["never_started"]["concerned"] >= 1
    told = ask("engagement", made.RUNNING, "--as-of", made.TODAY, "--days", "7")
    assert told["day_on"] == made.TODAY
    one = told["learners"][0]
    assert len(one["history"]) == 7
    assert sum(one["history"][-1]["parts"].values()) == pytest.approx(one["history"][-1]["score"], abs=1e-3)
    alone = ask("engagement", made.RUNNING, "--as-of", made.TODAY, "--days", "7", "--learner", one["learner"])
    assert alone["learners"] == [one]


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("task", "show", "00000000"), 2, "Unknown task"),
        (("task", "list", "--status", "opened"), 2, "Did you mean 'open'"),
        (("rule", "run", made.RUNNING, "--rules", "never_startd"), 2, "Did you mean 'never_started'"),
        (("notice", "list", "--state", "ded"), 2, "Did you mean 'dead'"),
        (("notice", "retry", "00000000"), 2, "Unknown notice"),
        (("job", "retry", "scores"), 2, "Did you mean 'score'"),
        (("worker", "--once", "--every", "soon"), 2, "write a whole number and a unit"),
        (("engagement", "nowhere/x/1"), 2, "Unknown run"),
    ],
)
def test_what_does_not_fit_is_answered_with_what_does(
    worked: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], code: int, said: str
) -> None:
    found = inside(capsys, "--home", worked, *words)
    assert found.returncode == code
    assert said in found.stderr


def test_one_round_of_a_worker_in_a_new_home(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = inside(capsys, "--home", tmp_path / "new", "worker", "--once", "--json")
    assert found.returncode == 0, found.stderr
    told = json.loads(found.stdout)
    assert told["failed"] == 0
    names = ["move_inbox", "rules", "score", "engagement", "expire", "digest", "send", "tidy"]
    assert [job["job"] for job in told["jobs"]] == names


def test_the_daily_tidying_destroys_files_long_replaced(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Lake, "discard_replaced", lambda _: 7)
    found = inside(capsys, "--home", tmp_path / "new", "worker", "--once", "--json")
    (tidied,) = [job for job in json.loads(found.stdout)["jobs"] if job["job"] == "tidy"]
    assert tidied["progress"]["files"] == 7


def test_a_round_with_a_failing_job_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    home = tmp_path / "home"
    assert inside(capsys, "init", home).returncode == 0
    with (home / "headway.toml").open("a") as file:
        file.write('\n[rules.mine]\nwhen = ["days_since_last_visit >= 5"]\n')
    found = inside(capsys, "--home", home, "rule", "list")
    assert found.returncode == 2
    assert "The rule mine in the settings: Unknown feature 'days_since_last_visit'. Did you mean" in found.stderr
