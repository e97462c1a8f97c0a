"""What scripts may rely on about mastery: figures on learners left out, models kept, states as of a date."""

import gzip
import json
from pathlib import Path

import pytest

from tests.support.answers import Planted, planted
from tests.support.command import Script, inside

SKILLS: dict[str, Planted] = {
    "decimals": (0.4, 0.2, 0.0, 0.2, 0.1),
    "fractions": (0.1, 0.1, 0.0, 0.2, 0.1),
    "ratios": (0.2, 0.15, 0.0, 0.25, 0.1),
}
RUN = "tracing/answers/1"


def rows(learners: int, seed: int = 1, first: int = 0) -> list[str]:
    """Made-up answers as lines."""
    found = planted(SKILLS, learners, 6, seed)
    return [
        f"{first + int(found.learner[row])},{found.skills[found.skill[row]]}-{row % 4},"
        f"{found.skills[found.skill[row]]},{int(found.correct[row])}"
        for row in range(len(found))
    ]


def written(path: Path, lines: list[str]) -> Path:
    path.write_text("\n".join(["learner,item,skill,correct", *lines, ""]), encoding="utf-8")
    return path


@pytest.fixture
def script(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Script:
    return Script(capsys, tmp_path / "home")


@pytest.fixture
def answers(tmp_path: Path) -> Path:
    return written(tmp_path / "answers.csv", rows(80))


@pytest.mark.parametrize("model", ["bkt", "pfa", "logistic"])
def test_figures_on_learners_left_out(script: Script, answers: Path, model: str) -> None:
    told = script("mastery", "evaluate", answers, "--model", model)
    assert told["n"] == 16 * 18
    assert 0.6 < told["auc"] < 0.95
    assert 0.3 < told["log_loss"] < 0.69
    assert told["seconds"] >= 0
    assert (told["model"], told["seed"], told["learners"]) == (model, 7, {"learned_from": 64, "tested": 16})
    again = script("mastery", "evaluate", answers, "--model", model)
    assert {**again, "seconds": 0} == {**told, "seconds": 0}
    other = script("mastery", "evaluate", answers, "--model", model, "--seed", 8)
    assert other["auc"] != told["auc"]


def test_a_packed_file_is_read_as_well(script: Script, answers: Path) -> None:
    plain = script("mastery", "evaluate", answers)
    packed = answers.with_name("answers.csv.gz")
    packed.write_bytes(gzip.compress(answers.read_bytes()))
    assert {**script("mastery", "evaluate", packed), "seconds": 0} == {**plain, "seconds": 0}


def test_two_files_are_learned_from_and_foreseen(script: Script, tmp_path: Path) -> None:
    train, test = written(tmp_path / "a.csv", rows(60)), written(tmp_path / "b.csv", rows(20, seed=2, first=60))
    told = script("mastery", "evaluate", "--train", train, "--test", test)
    assert told["n"] == 20 * 18
    assert told["learners"] == {"learned_from": 60, "tested": 20}


def test_a_learner_in_both_files_is_refused(capsys: pytest.CaptureFixture[str], tmp_path: Path, answers: Path) -> None:
    other = written(tmp_path / "other.csv", rows(10))
    said = inside(capsys, "mastery", "evaluate", "--train", answers, "--test", other)
    assert said.returncode == 4
    assert "10 learners are in both files" in said.stderr


def test_rows_that_are_no_answers_are_counted_with_their_lines(script: Script, tmp_path: Path) -> None:
    file = written(tmp_path / "bad.csv", [*rows(30)[:5], "3,i,fractions,maybe", *rows(30)[5:], "3,i,,1"])
    told = script("mastery", "evaluate", file)
    assert told["rows_left_out"] == 2
    assert told["left_out"][0] == {"line": 7, "why": "correct is maybe, not 0 or 1."}
    assert "skill" in told["left_out"][1]["why"]


@pytest.mark.parametrize(
    ("lines", "code", "words"),
    [
        (["1,i,s,2", "1,i,s,x"], 2, "line 2: correct is 2"),
        (["1,i,s,1", "2,i,s,1", "3,j,s,1"], 3, "all of them right"),
        (["1,i,s,1", "1,j,s,0"], 3, "split by learner"),
        ([], 2, "no usable answer"),
    ],
)
def test_files_without_an_answer_to_give_are_refused(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, lines: list[str], code: int, words: str
) -> None:
    said = inside(capsys, "mastery", "evaluate", written(tmp_path / "f.csv", lines))
    assert (said.returncode, said.stdout) == (code, "")
    assert words in said.stderr


def test_wrong_use_is_refused(capsys: pytest.CaptureFixture[str], answers: Path, tmp_path: Path) -> None:
    for words, told in (
        (["evaluate"], "--train and --test"),
        (["evaluate", answers, "--train", answers], "--train and --test"),
        (["evaluate", answers, "--model", "bktt"], "'bkt'"),
        (["evaluate", tmp_path / "none.csv"], "none.csv"),
        (["fit", answers, "--as-of", "2024-01-01"], "have no times"),
    ):
        said = inside(capsys, "--home", tmp_path / "home", "mastery", *words)
        assert said.returncode in (2, 3), words
        assert told in said.stderr


def test_a_response_repeated_for_each_skill_counts_once(script: Script, tmp_path: Path) -> None:
    lines = rows(40)
    doubled = [line for row in lines for line in (row, _under(row, "words"))]
    once = script("mastery", "evaluate", written(tmp_path / "once.csv", lines), "--model", "pfa")
    twice = script("mastery", "evaluate", written(tmp_path / "twice.csv", doubled), "--model", "pfa")
    assert twice["n"] == once["n"]
    assert twice["rows_folded"] == len(lines)
    assert twice["auc"] < 0.95, "the second row would have told the answer"


def test_without_items_rows_that_seem_to_repeat_are_said(script: Script, tmp_path: Path) -> None:
    doubled = [line for row in rows(60) for line in (row, _under(row, "words"))]
    bare = [",".join((line.split(",")[0], line.split(",")[2], *line.split(",")[2:])) for line in doubled]
    told = script("mastery", "evaluate", written(tmp_path / "bare.csv", bare), "--model", "pfa")
    assert told["question_level"]["repeated_rows"] == told["question_level"]["n"] == told["n"] / 2
    assert told["rows_folded"] == 0


def _under(row: str, skill: str) -> str:
    learner, item, _, correct = row.split(",")
    return f"{learner},{item},{skill},{correct}"


@pytest.fixture
def known(script: Script, answers: Path) -> str:
    """A learner of a run that was imported."""
    script("import", "tracing", answers)
    script("export", RUN, "--kind", "responses", "--out", answers.with_name("kept.jsonl"))
    first = answers.with_name("kept.jsonl").read_text(encoding="utf-8").splitlines()[0]
    return str(json.loads(first)["learner"])


def test_a_learners_skills_as_of_a_date(script: Script, known: str, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    told = script("mastery", "show", known, "--run", RUN, "--as-of", "2000-01-03", "--out", page)
    assert told["skills_practised"] == 3
    assert [state["skill"] for state in told["skills"]] == sorted(
        SKILLS, key=lambda skill: next(s["mastery"] for s in told["skills"] if s["skill"] == skill)
    )
    for state in told["skills"]:
        assert state["answers"] == 6
        verb = "has mastered" if state["mastery"] >= 0.95 else "has not yet mastered"
        assert state["sentence"] == f"{verb} {state['skill']}: {state['right']} of 6 right"
    assert told["lowest_mastery"] == told["skills"][0]["mastery"]
    html = page.read_text(encoding="utf-8")
    assert html.count("<svg") == 1
    assert "6" in html
    assert all(skill in html for skill in SKILLS)


def test_answers_not_known_yet_say_nothing(script: Script, known: str) -> None:
    early = script("mastery", "show", known, "--run", RUN, "--as-of", "2000-01-03T00:07:00Z")
    assert sum(state["answers"] for state in early["skills"]) == 8
    assert "known then" in early["learned_from"]
    said = inside(script.capsys, "--home", script.home, "mastery", "show", known, "--run", RUN, "--as-of", "2000-01-01")
    assert said.returncode in (2, 3)


def test_a_kept_model_is_used_where_it_learned_from_nothing_later(script: Script, known: str, tmp_path: Path) -> None:
    kept = script("mastery", "fit", RUN, "--as-of", "2000-01-03", "--model", "pfa")
    assert (kept["model"], kept["answers"], kept["learners"]) == ("pfa", 80 * 18, 80)
    assert kept["known_by"] == "2000-01-04T00:00:00Z"
    assert set(kept["facts"]["skills"]) == set(SKILLS)
    at = ("mastery", "show", known, "--run", RUN, "--model", "pfa", "--as-of")
    assert "1440 answers of 80 learners" in script(*at, "2000-01-03")["learned_from"]
    assert "known then" in script(*at, "2000-01-03T00:10:00Z")["learned_from"]
    script("mastery", "fit", RUN, "--as-of", "2000-01-03", "--out", tmp_path / "bkt.json")
    said = inside(
        script.capsys,
        *("--home", script.home, "mastery", "show", known, "--run", RUN, "--as-of", "2000-01-03T00:10:00Z"),
        *("--fitted", tmp_path / "bkt.json"),
    )
    assert said.returncode == 4
    assert "not known as of" in said.stderr


def test_a_learner_or_file_that_is_not_there_is_refused(script: Script, known: str, tmp_path: Path) -> None:
    del known
    for words in (["nobody"], ["nobody", "--fitted", tmp_path / "none.json"]):
        said = inside(
            script.capsys, "--home", script.home, "mastery", "show", *words, "--run", RUN, "--as-of", "2000-01-03"
        )
        assert said.returncode == 2
        assert "nobody" in said.stderr
