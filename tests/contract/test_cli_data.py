"""What scripts may rely on when they import, export, profile and describe."""

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from headway import flow
from headway.domain.records import KINDS
from headway.domain.time import FixedClock
from headway.sources.source import SOURCES
from tests.contract.source_cases import CASES
from tests.support.command import Script, inside
from tests.support.made import RUNNING, SOURCE, TODAY

COUNTS = {"read", "accepted", "quarantined", "unchanged"}


@pytest.fixture
def script(made_home: Path, capsys: pytest.CaptureFixture[str]) -> Script:
    """Asks at the shared home."""
    return Script(capsys, made_home)


@pytest.mark.parametrize("name", [name for name in SOURCES.names() if name != "simulated"])
def test_every_source_imports_by_one_command_and_twice_is_once(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "sample").mkdir()
    request = CASES[name](tmp_path / "sample")
    words = ["import", name, *map(str, request.paths)]
    for option, value in request.options.items():
        words += [f"--{option}", value] if option in ("run", "locale", "zone") else ["-o", f"{option}={value}"]
    home = tmp_path / "home"
    first, second = (inside(capsys, "--home", home, *words, "--json") for _ in range(2))
    told, again = json.loads(first.stdout), json.loads(second.stdout)
    assert set(told) >= COUNTS | {"reasons", "seconds"}
    for each in (told, again):
        assert each["read"] == each["accepted"] + each["quarantined"] + each["unchanged"]
        assert sum(each["reasons"].values()) == each["quarantined"]
    assert told["accepted"] > 0
    assert again["accepted"] == 0
    assert again["unchanged"] == told["accepted"] + told["unchanged"]
    assert again["reasons"] == told["reasons"]
    rejects = json.loads(inside(capsys, "--home", home, "source", "rejects", "--json").stdout)
    assert sum(count["rows"] for count in rejects["counts"]) == told["quarantined"]


def test_the_runs_held_are_listed_with_what_is_held_of_them(script: Script, tmp_path: Path) -> None:
    runs = {row["run"]: row for row in script("lake", "runs")["runs"]}
    assert RUNNING in runs
    for run, row in runs.items():
        assert set(row) == {"run", "starts_on", "ends_on", "zone", "state", "learners", "statements", "last_on"}
        assert row["statements"] == script("export", run, "--out", tmp_path / "acts.parquet")["rows"]
        acts = pq.read_table(tmp_path / "acts.parquet")["occurred_on"].to_pylist()
        assert row["last_on"] == max(acts).isoformat()
        script("export", run, "--kind", "enrolments", "--out", tmp_path / "who.parquet")
        assert row["learners"] == len(set(pq.read_table(tmp_path / "who.parquet")["learner"].to_pylist()))


def test_where_a_run_stands_depends_on_the_day(made_home: Path) -> None:
    def states(day: str) -> set[str]:
        with flow.open_app(made_home, clock=FixedClock(datetime.fromisoformat(f"{day}T12:00:00+00:00"))) as app:
            return {run.state for run in flow.runs_held(app) if run.run == RUNNING}

    with flow.open_app(made_home) as app:
        held = {run.run: run for run in flow.runs_held(app)}[RUNNING]
    day = timedelta(days=1)
    assert states((held.starts_on - day).isoformat()) == {"not begun"}
    assert states(held.starts_on.isoformat()) == states(held.ends_on.isoformat()) == {"running"}
    assert states((held.ends_on + day).isoformat()) == {"over"}


def test_a_command_that_makes_a_home_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asked = ("--home", tmp_path / "mistyped", "lake", "runs")
    first, second = inside(capsys, *asked), inside(capsys, *asked)
    assert first.stderr.startswith(f"{tmp_path / 'mistyped'} is a new home; nothing is in it yet.\n")
    assert "new home" not in second.stderr


@pytest.mark.parametrize("suffix", ["parquet", "csv", "jsonl"])
def test_export_gives_the_records_back(script: Script, tmp_path: Path, suffix: str) -> None:
    out = tmp_path / "deep" / f"marks.{suffix}"
    told = script("export", RUNNING, "--kind", "results", "--out", out)
    assert told == {"run": RUNNING, "kind": "results", "rows": told["rows"], "out": str(out)}
    assert told["rows"] > 0
    rows: list[dict[str, Any]]
    if suffix == "parquet":
        table = pq.read_table(out)
        assert table.schema.names == KINDS["results"].schema.names
        rows = table.to_pylist()
    else:
        lines = out.read_text(encoding="utf-8").splitlines()
        rows = [{}] * (len(lines) - 1) if suffix == "csv" else [json.loads(line) for line in lines]
    assert len(rows) == told["rows"]
    if suffix != "csv":
        assert {row["run"] for row in rows} == {RUNNING}
    assert [path.name for path in out.parent.iterdir()] == [out.name]


def test_what_an_export_says_goes_to_stderr(script: Script, tmp_path: Path) -> None:
    done = inside(
        script.capsys, "--home", script.home, "export", RUNNING, "--kind", "course_runs", "--out", tmp_path / "r.csv"
    )
    assert (done.stdout, done.stderr) == ("", f"1 course_runs written to {tmp_path / 'r.csv'}\n")


def test_export_as_of_a_date_knows_no_later_record(script: Script, tmp_path: Path) -> None:
    every = script("export", RUNNING, "--out", tmp_path / "all.parquet")["rows"]
    early = script("export", RUNNING, "--out", tmp_path / "early.parquet", "--as-of", "2026-02-20")["rows"]
    assert 0 < early < every
    newest = max(pq.read_table(tmp_path / "early.parquet")["recorded_at"].to_pylist())
    assert newest.date().isoformat() <= "2026-02-21"


def test_describe_writes_the_same_as_it_says(script: Script, tmp_path: Path) -> None:
    out = tmp_path / "course.json"
    told = script("describe", RUNNING, "--as-of", TODAY, "--out", out)
    assert json.loads(out.read_text(encoding="utf-8")) == told
    assert told["run"] == RUNNING
    assert told["learners"] > 100
    page = tmp_path / "course.html"
    assert script("describe", RUNNING, "--as-of", TODAY, "--out", page) == told
    assert told["summary"]["headline"].split(".")[0] in page.read_text(encoding="utf-8").replace("&#39;", "'")


def test_a_profile_says_what_the_records_are_good_for(script: Script, tmp_path: Path) -> None:
    page = tmp_path / "profile.html"
    told = script("source", "profile", SOURCE, "--html", page)
    assert {"severity", "findings", "sources", "as_of"} <= set(told)
    for finding in told["findings"]:
        assert all(finding[part] for part in ("code", "severity", "sentence", "means", "advice"))
    assert page.read_text(encoding="utf-8").startswith("<!doctype html>")


def test_a_check_profiles_what_an_import_would_make_and_leaves_the_lake_alone(
    script: Script, capsys: pytest.CaptureFixture[str]
) -> None:
    before = script("lake", "log")["snapshot"]
    told = script("source", "check", SOURCE, "-o", "learners=40", "-o", "weeks=3", "-o", "seed=9")
    assert told["accepted"] == told["read"]
    assert {source["source"] for source in told["profile"]["sources"]} == {"simulated"}
    assert script("lake", "log")["snapshot"] == before


def test_a_check_tells_every_refused_row_whatever_the_run_is_called(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    request = CASES["xapi"](tmp_path)
    words = ["source", "check", "xapi", *map(str, request.paths), "--run", "biology/BIO101/2026", "--json"]
    told = json.loads(inside(capsys, "--home", tmp_path / "home", *words).stdout)
    refused = sum(row["rows"] for source in told["profile"]["sources"] for row in source["rejects"])
    assert refused == told["quarantined"] > 0
    assert {run["run"] for source in told["profile"]["sources"] for run in source["runs"]} == {"biology/BIO101/2026"}


WRONG: dict[str, tuple[list[str], str]] = {
    "no suffix": (["export", RUNNING, "--out", "clicks"], ".parquet"),
    "no kind": (["export", RUNNING, "--out", "clicks.csv", "--kind", "clicks"], "statements"),
    "no run": (["export", "moodle/none/1", "--out", "clicks.csv"], "moodle/none/1"),
    "no such page": (["describe", RUNNING, "--out", "course.docx"], ".html"),
    "no source": (["source", "profile", "moodel"], "moodel"),
    "no source of rejects": (["source", "rejects", "--source", "moodel"], "'moodle'"),
}


@pytest.mark.parametrize(("words", "told"), WRONG.values(), ids=WRONG)
def test_what_is_asked_wrongly_ends_with_2_and_the_fix(
    made_home: Path, capsys: pytest.CaptureFixture[str], words: list[str], told: str
) -> None:
    done = inside(capsys, "--home", made_home, *words)
    assert done.returncode == 2
    assert told in done.stderr
