"""The demo: the whole road in one command, in a folder of its own."""

import json
from pathlib import Path

import pytest

from headway.cli.demo import MARK
from headway.domain.errors import InputError
from tests.support.command import inside
from tests.support.simulation import simulated


def test_the_demo_walks_the_whole_road_and_is_the_same_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = tmp_path / "demo"
    place.mkdir()
    (place / MARK).write_text('{"seed": "2"}', encoding="utf-8")
    (place / "of-another-demo").touch()
    words = ["demo", "--home", place, "--learners", 60, "--capacity", 5, "--json"]
    first = inside(capsys, *words)
    assert first.returncode == 0, first.stderr
    assert not (place / "of-another-demo").exists(), "with other options it is made anew"
    told = json.loads(first.stdout)
    assert set(told) == {"run", "as_of", "list", "check", "report"}
    assert [row["order"] for row in told["list"]] == [1, 2, 3, 4, 5]
    assert "inactive-7-days" in {row["model"] for row in told["check"]}
    assert told["list"][0]["learner"] in Path(told["report"]).read_text(encoding="utf-8")
    (model,) = json.loads(inside(capsys, "--home", place, "model", "list", "--json").stdout)
    assert {row["at_capacity"]["k"] for row in model["report"]["check"]} == {5}, "what was asked for is checked"
    assert inside(capsys, *words).stdout == first.stdout
    assert inside(capsys, "demo", "--home", place, "--reset").returncode == 0
    assert not place.exists()


def test_another_seed_makes_up_other_people(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    people: list[set[str]] = []

    def only_arrive(_: object, options: dict[str, str], __: int) -> None:
        people.append(set(simulated(**options)["enrolments"]["learner"].to_pylist()))
        raise InputError("Seen enough.")

    monkeypatch.setattr("headway.cli.demo._walk", only_arrive)
    for seed in (1, 2):
        said = inside(capsys, "demo", "--home", tmp_path / str(seed), "--learners", 60, "--seed", seed)
        assert "Seen enough." in said.stderr
    assert all(people)
    assert not people[0] & people[1]


@pytest.mark.parametrize("act", [[], ["--reset"]], ids=["demo", "reset"])
def test_the_demo_touches_no_folder_but_its_own(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], act: list[str]
) -> None:
    (tmp_path / "thesis.txt").write_text("Years of work.", encoding="utf-8")
    for named in (["demo", "--home", tmp_path], ["--home", tmp_path, "demo"]):
        refused = inside(capsys, *named, *act)
        assert (refused.returncode, refused.stdout) == (2, "")
        assert "something else than a demo" in refused.stderr
    assert [file.name for file in tmp_path.iterdir()] == ["thesis.txt"]
