"""`headway simulate` says what it would write, writes it, and refuses what it cannot."""

import json
from pathlib import Path

import pytest

from tests.support.command import inside

SMALL = ("--learners", "40", "--runs", "2", "--weeks", "3")


def test_a_dry_run_says_what_would_be_written(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    done = inside(capsys, "simulate", *SMALL, "--format", "xapi", "--out", tmp_path / "out", "--dry-run", "--json")
    assert done.returncode == 0
    assert "Would write 2 files" in done.stderr
    told = json.loads(done.stdout)
    assert told["learners"] == 40
    assert "statements/DS101-2025S1.jsonl" in told["files"]
    assert not (tmp_path / "out").exists()


def test_what_is_told_is_written(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    out = tmp_path / "out"
    done = inside(capsys, "simulate", *SMALL, "--format", "csv", "-o", "base_rate=0.5", "--out", out, "--json")
    assert done.returncode == 0
    told = json.loads(done.stdout)
    assert sorted(told["files"]) == sorted(str(path.relative_to(out)) for path in out.rglob("*") if path.is_file())
    truth = json.loads((out / "truth.json").read_text())
    assert (truth["options"]["base_rate"], truth["options"]["learners"], truth["learners"]) == ("0.5", "20", 40)
    assert told["imports"] == [f"headway import csv {out} -o map={out}/mapping.toml"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--format", "exd"), "Did you mean 'edx'"),
        (("--learners", "3", "--runs", "4"), "cannot fill 4 runs"),
        (("-o", "learners=3"), "Write --learners 3"),
        (("-o", "drift"), "NAME=VALUE"),
    ],
)
def test_what_cannot_be_made_is_refused(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, words: tuple[str, ...], message: str
) -> None:
    done = inside(capsys, "simulate", *words, "--out", tmp_path / "out")
    assert done.returncode == 2
    assert message in done.stderr
    assert not (tmp_path / "out").exists()
