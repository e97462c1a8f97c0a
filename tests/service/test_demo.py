"""The demo: the whole road in one command, in a folder of its own."""

import json
from pathlib import Path

import pytest

from tests.support.command import inside, run


def test_the_demo_walks_the_whole_road_and_is_the_same_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = tmp_path / "demo"
    words = ["demo", "--home", place, "--learners", 60, "--capacity", 5, "--json"]
    first = inside(capsys, *words)
    assert first.returncode == 0, first.stderr
    told = json.loads(first.stdout)
    assert set(told) == {"run", "as_of", "list", "check", "report"}
    assert [row["order"] for row in told["list"]] == [1, 2, 3, 4, 5]
    assert "inactive-7-days" in {row["model"] for row in told["check"]}
    assert told["list"][0]["learner"] in Path(told["report"]).read_text(encoding="utf-8")
    (model,) = json.loads(inside(capsys, "--home", place, "model", "list", "--json").stdout)
    assert {row["at_capacity"]["k"] for row in model["report"]["check"]} == {5}, "what was asked for is checked"
    assert inside(capsys, *words).stdout == first.stdout

    other = run(*words, "--seed", 2)  # MLflow would remember the old folder for as long as a process lives
    assert other.returncode == 0, other.stderr
    assert not {row["learner"] for row in json.loads(other.stdout)["list"]} & {row["learner"] for row in told["list"]}
    assert inside(capsys, "demo", "--home", place, "--reset").returncode == 0
    assert not place.exists()


@pytest.mark.parametrize("act", [[], ["--reset"]], ids=["demo", "reset"])
def test_the_demo_touches_no_folder_but_its_own(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], act: list[str]
) -> None:
    (tmp_path / "thesis.txt").write_text("Years of work.", encoding="utf-8")
    refused = inside(capsys, "demo", "--home", tmp_path, *act)
    assert (refused.returncode, refused.stdout) == (2, "")
    assert "something else than a demo" in refused.stderr
    assert [file.name for file in tmp_path.iterdir()] == ["thesis.txt"]
