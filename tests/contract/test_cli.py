"""What scripts may rely on: documents on stdout, talk on stderr, exit codes, the home, nothing written unasked."""

import json
import re
import shutil
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from headway.domain.records import KINDS
from headway.models.model import MODELS
from tests.contract import source_cases
from tests.support.command import Script, inside, run, start
from tests.support.few_features import few_features
from tests.support.made import CAPACITY, FIRST, OPTIONS, RUNNING, SECOND, SOURCE, TODAY

FIGURES = {"value", "low", "high"}
COUNTS = {"read", "accepted", "quarantined", "unchanged"}
LIST_ROW = {"order", "learner", "risk", "low", "high", "list", "reasons"}
REASON = {"feature", "value", "cohort_median", "direction", "text"}
SCORED = ("--run", RUNNING, "--as-of", TODAY)


@pytest.fixture
def script(made_home: Path, capsys: pytest.CaptureFixture[str]) -> Script:
    """Asks at the shared home."""
    return Script(capsys, made_home)


@pytest.fixture
def copy(made_home: Path, tmp_path: Path) -> Path:
    """A home of one's own with the made-up course."""
    return Path(shutil.copytree(made_home, tmp_path / "home"))


@pytest.fixture
def oulad(tmp_path: Path) -> Path:
    """A tiny folder of OULAD's form."""
    (tmp_path / "oulad").mkdir()
    source_cases.oulad(tmp_path / "oulad")
    return tmp_path / "oulad"


def contents(folder: Path) -> dict[str, bytes]:
    """Every file below the folder, with its bytes."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def first_learner(script: Script) -> str:
    """Who is first on the list."""
    return str(script("list", *SCORED, "--capacity", 1)[0]["learner"])


def test_import_counts_every_row_by_kind_and_twice_is_once(script: Script, oulad: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    here = script.at(home)
    told = json.loads(run("import", "oulad", oulad, "--home", home, "--json").stdout)
    assert {*COUNTS, "seconds", "reasons"} <= set(told)
    kinds = {kind: told[kind] for kind in KINDS if kind in told}
    assert set(kinds) == {"course_runs", "activities", "enrolments", "statements", "results", "outcomes", "attributes"}
    for counts in [told, *kinds.values()]:
        assert set(counts) >= COUNTS
        assert counts["read"] == counts["accepted"] + counts["quarantined"] + counts["unchanged"]
    for name in COUNTS:
        assert told[name] == sum(counts[name] for counts in kinds.values())

    again = here("import", "oulad", oulad)
    assert (again["accepted"], again["quarantined"], again["unchanged"]) == (0, told["quarantined"], told["accepted"])
    assert here("lake", "verify")["ok"]
    versions = here("lake", "log")
    assert set(versions) == {"snapshot", "versions"}
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:.]+Z", version["at"]) for version in versions["versions"])


def test_evaluate_gives_a_row_for_each_model_and_day_the_rules_among_them(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """On few learners and features and with few draws: every model is fitted six times."""
    small = Script(capsys, tmp_path)
    (tmp_path / "headway.toml").write_text("[evaluation]\nbootstrap = 50\n", encoding="utf-8")
    small("import", SOURCE, "-o", "learners=60", "-o", "runs=2", "-o", "weeks=8", "-o", "base_rate=0.5")
    command = ["evaluate", "--label", "does_not_finish", "--train", FIRST, "--test", SECOND, "--days", "27"]
    with few_features("headway.flow.modelling"):
        rows = small(*command, "--paradigm", "transfer", "--model", "all", "--capacity", CAPACITY)
    assert {(row["day"], row["model"]) for row in rows} == {(day, name) for day in (27,) for name in MODELS.names()}
    assert {"base-rate", "inactive-7-days", "boosting", "logistic"} <= {row["model"] for row in rows}
    for row in rows:
        assert {"protocol", "paradigm", "model", "train", "test", "day", "n", "base_rate", "at_capacity"} <= set(row)
        assert (row["protocol"], row["paradigm"], row["train"], row["test"]) == ("honest", "transfer", [FIRST], SECOND)
        for metric in ("auroc", "auprc", "brier", "ece"):
            assert set(row[metric]) >= FIGURES
            assert 0 <= row[metric]["low"] <= row[metric]["high"] <= 1
        assert row["at_capacity"]["k"] == CAPACITY
        assert 0 <= row["at_capacity"]["precision"] <= 1


def test_list_is_in_order_cut_at_capacity_and_reasoned(script: Script) -> None:
    rows = script("list", *SCORED, "--capacity", CAPACITY)
    assert [row["order"] for row in rows] == list(range(1, CAPACITY + 1))
    for row in rows:
        assert set(row) == LIST_ROW
        assert 0 <= row["low"] <= row["risk"] <= row["high"] <= 1
        assert row["reasons"]
        for reason in row["reasons"]:
            assert set(reason) >= REASON
            assert reason["direction"] in {"for", "against"}
    everyone = script("list", *SCORED, "--all")
    assert [row["learner"] for row in everyone[:CAPACITY]] == [row["learner"] for row in rows]
    assert len(everyone) > CAPACITY


def test_score_and_explain_say_the_same_of_a_learner(script: Script) -> None:
    scored = script("score", *SCORED)
    about = {"score_run", "run", "as_of", "model", "label", "day", "learners", "too_early", "snapshot", "view_hash"}
    assert set(scored) == about | {"predictions"}
    assert scored["as_of"] == "2026-03-09T00:00:00Z", "the end of the day, where the course is"
    said = scored["predictions"][0]
    explained = script("explain", said["learner"], *SCORED)
    wanted = {name: scored[name] for name in about} | said
    assert {name: explained[name] for name in wanted} == wanted


def test_features_models_and_sources_are_described(script: Script) -> None:
    features = script("features", "list")
    assert set(features) == {"view", "hash", "features"}
    assert all(feature["summary"] and feature["sentence"] for feature in features["features"])
    (model,) = script("model", "list")
    assert model["view_hash"] == features["hash"]
    assert model == script("model", "show", model["ref"])
    assert {"ref", "stage", "label", "model", "train_runs", "days", "known_by", "seed", "report"} <= set(model)
    sources = {source["name"]: source for source in script("source", "list")}
    assert {"csv", "oulad", "simulated"} <= set(sources)
    assert set(OPTIONS) <= set(sources[SOURCE]["options"])


def test_features_build_writes_one_row_for_each_learner(script: Script, tmp_path: Path) -> None:
    out = tmp_path / "features.csv"
    told = script("features", "build", *SCORED, "--out", out)
    header, *rows = out.read_text(encoding="utf-8").splitlines()
    assert len(rows) == told["rows"] > 100
    assert set(told["features"]) <= set(header.replace('"', "").split(","))


def test_doctor_finds_a_sound_home_sound_and_a_broken_one_broken(script: Script, copy: Path) -> None:
    checks = script("doctor")
    assert {"lake", "registry", "audit", "store", "libraries"} <= {check["check"] for check in checks}
    assert all(set(check) == {"check", "ok", "detail"} and check["ok"] for check in checks)
    (copy / "headway.toml").write_text("[lake]\nrooot = 'elsewhere'\n", encoding="utf-8")
    broken = inside(script.capsys, "--home", copy, "doctor", "--json")
    assert broken.returncode == 1
    (wrong,) = [check for check in json.loads(broken.stdout) if not check["ok"]]
    assert "Did you mean lake.root?" in wrong["detail"]


def test_erase_asks_for_the_id_again_and_gives_a_receipt(script: Script, copy: Path) -> None:
    here = script.at(copy)
    learner = first_learner(here)
    refused = inside(script.capsys, "--home", copy, "lake", "erase", learner, "--json")
    assert (refused.returncode, refused.stdout) == (2, "")
    assert f"--confirm {learner}" in refused.stderr
    receipt = here("lake", "erase", learner, "--confirm", learner)
    assert set(receipt) == {"learner", "at", "rows", "rejects", "predictions", "files"}
    assert receipt["rows"]["enrolments"] >= 1
    assert receipt["predictions"] == 1
    assert first_learner(here) != learner
    assert here("lake", "verify")["ok"]
    again = inside(script.capsys, "--home", copy, "lake", "erase", learner, "--confirm", learner)
    assert again.stderr.startswith(f"No record and no prediction was held under {learner}.")


def test_the_workspace_is_named_before_or_after_the_command_or_by_the_environment(
    made_home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = inside(capsys, "--home", made_home, "lake", "log", "--json")
    after = inside(capsys, "lake", "log", "--json", "--home", made_home)
    told = run("lake", "log", "--json", env={"HEADWAY_HOME": str(made_home)}, cwd=tmp_path)
    assert before.stdout == after.stdout == told.stdout
    assert list(tmp_path.iterdir()) == []
    monkeypatch.setenv("HEADWAY_HOME", str(made_home))
    other = inside(capsys, "--home", tmp_path / "other", "lake", "log", "--json")
    assert json.loads(other.stdout)["versions"] == [], "the option is stronger than the environment"


def test_a_home_may_be_moved(script: Script, copy: Path, tmp_path: Path) -> None:
    scored = script.at(copy)("score", *SCORED)
    moved = script.at(copy.rename(tmp_path / "moved"))
    assert moved("score", *SCORED) == scored
    (model,) = moved("model", "list")
    assert moved("score", "--run", RUNNING, "--as-of", "2026-03-09")["model"] == model["ref"]
    for file in (moved.home / "registry" / "artifacts").rglob("ranges.json"):
        file.write_bytes(file.read_bytes() + b" ")
    words = ["score", "--run", RUNNING, "--as-of", "2026-03-10"]
    spoilt = inside(script.capsys, "--home", moved.home, *words)
    assert spoilt.returncode == 4, "it reads its own files, not those where it was made, and checks them"
    assert "ranges.json" in spoilt.stderr


DRY: Mapping[str, list[Any]] = {
    "import": ["import", SOURCE, "-o", "learners=20", "-o", "weeks=3", "--dry-run"],
    "source check": ["source", "check", SOURCE, "-o", "learners=20", "-o", "weeks=3"],
    "train": ["train", "--day", 27, "--known-by", TODAY, "--dry-run"],
    "score": ["score", "--run", RUNNING, "--as-of", "2026-03-01", "--dry-run"],
    "erase": ["lake", "erase", "simulated/nobody", "--dry-run"],
    "compact": ["lake", "compact", "--dry-run"],
}


@pytest.mark.parametrize("words", DRY.values(), ids=DRY)
def test_a_dry_run_says_so_in_one_document_and_writes_nothing(
    made_home: Path, words: list[Any], capsys: pytest.CaptureFixture[str]
) -> None:
    before = contents(made_home)
    done = inside(capsys, "--home", made_home, *words, "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)
    assert "Nothing written." in done.stderr
    assert contents(made_home) == before


def test_a_dry_run_makes_no_home(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for words in (DRY["import"], ["init", "--dry-run"], DRY["train"]):
        assert inside(capsys, "--home", tmp_path / "home", *words).returncode == 0
        assert list(tmp_path.iterdir()) == []


def test_the_document_stands_alone_on_stdout_and_nothing_is_coloured_in_a_pipe(made_home: Path) -> None:
    listing = ["list", *SCORED, "--capacity", 3]
    table, *others = (
        run("--home", made_home, *words, env={"FORCE_COLOR": "", "TERM": "xterm-256color"})
        for words in (listing, ["--help"], ["lake", "erase", "simulated/nobody"])
    )
    for done in (table, *others):
        assert done.stdout + done.stderr
        assert "\x1b" not in done.stdout + done.stderr
    assert len(table.stdout.splitlines()) == 4, "the header and three rows; advice goes to stderr"
    assert "not a verdict" in table.stderr


WRONG: Mapping[str, tuple[int, list[Any], str]] = {
    "unknown command": (2, ["scroe"], "Did you mean 'score'"),
    "unknown command of a group": (2, ["lake", "verfy"], "Did you mean 'verify'?"),
    "unknown option": (2, ["score", "--rnu", RUNNING], "--run"),
    "no option": (2, ["score"], "--run"),
    "no source": (2, ["import", "oluad", "."], "Did you mean 'oulad'"),
    "no option of the source": (2, ["import", SOURCE, "-o", "learner=3"], "'learners'"),
    "option without a value": (2, ["import", SOURCE, "-o", "learners"], "NAME=VALUE"),
    "no run": (2, ["score", "--run", "simulated/DS101/2026S3", "--as-of", TODAY], RUNNING),
    "several runs": (2, ["list", "--run", "simulated/*", "--as-of", TODAY], "names 3 runs"),
    "no date": (2, ["list", "--run", RUNNING, "--as-of", "8 March"], "Write 2014-10-14"),
    "not scored": (2, ["list", "--run", RUNNING, "--as-of", "2026-03-01"], "headway score --run"),
    "no label": (2, ["score", *SCORED, "--label", "does_not_finnish"], "does_not_finish"),
    "a label that is no risk": (2, ["score", *SCORED, "--label", "final_score"], "is a number"),
    "no method": (2, ["score", *SCORED, "--model", "logistics"], "'logistic'"),
    "no model": (2, ["model", "show", "does_not_finish-logistics"], "does_not_finish-"),
    "no paradigm": (2, ["evaluate", "--test", SECOND, "--paradigm", "tranfer"], "'transfer'"),
    "no days": (2, ["evaluate", "--test", SECOND, "--days", "two"], "whole numbers"),
    "no view": (2, ["features", "build", *SCORED, "--view", "standrad"], "'standard'"),
    "no feature": (2, ["features", "build", *SCORED, "--view", "active_days_14"], "'active_days_14d'"),
    "before it was known": (2, ["describe", RUNNING, "--as-of", "2019-01-01"], "Name a later date"),
    "segments before it was known": (2, ["segment", RUNNING, "--as-of", "2019-01-01"], "Name a later date"),
    "nobody yet": (3, ["score", "--run", RUNNING, "--as-of", "2019-01-01"], f"Nobody was enrolled in {RUNNING} as of"),
    "long over": (3, ["score", "--run", SECOND, "--as-of", "2030-01-01", "--model", "logistic"], f"{SECOND} ended on"),
    "no learner": (2, ["explain", "simulated/nobody", *SCORED], "headway list"),
    "no format": (2, ["list", *SCORED, "--out", "list.xls"], ".parquet, .csv or .json"),
    "no files": (3, ["import", "oulad", "/nowhere/at/all"], "does not exist"),
    "nothing of its source": (
        3,
        ["train", "--for", RUNNING, "--day", 27, "--known-by", "2020-01-01"],
        f"No run of the source {SOURCE} had finished",
    ),
    "nothing to learn from": (3, ["train", "--day", 27, "--known-by", "2020-01-01"], "Import earlier runs"),
}


@pytest.mark.parametrize(("code", "words", "hint"), WRONG.values(), ids=WRONG)
def test_what_is_asked_wrongly_ends_with_its_code_and_the_fix(
    made_home: Path, code: int, words: list[Any], hint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    done = inside(capsys, "--home", made_home, *words)
    assert (done.returncode, done.stdout) == (code, "")
    assert hint in done.stderr
    assert "Traceback" not in done.stderr


def test_a_model_that_learned_from_the_future_is_refused(script: Script) -> None:
    (model,) = script("model", "list")
    words = ["score", "--run", RUNNING, "--as-of", "2026-02-22", "--model", model["ref"]]
    done = inside(script.capsys, "--home", script.home, *words)
    assert (done.returncode, done.stdout) == (4, "")
    assert "after the as-of time" in done.stderr


def test_ctrl_c_ends_with_130_says_so_and_leaves_a_sound_home(script: Script, tmp_path: Path) -> None:
    importing = start("import", SOURCE, "-o", "learners=1500", "-o", "runs=2", "--home", tmp_path / "home", "--json")
    assert importing.stderr is not None
    for line in importing.stderr:
        if line.startswith("attributes:"):
            break
    importing.send_signal(signal.SIGINT)
    document, talk = importing.communicate()
    assert (importing.returncode, document) == (130, "")
    assert "stopped" in talk
    assert "Traceback" not in talk
    assert script.at(tmp_path / "home")("lake", "verify")["ok"]


def test_a_reader_that_has_seen_enough_is_no_error(made_home: Path) -> None:
    listing = start("--home", made_home, "list", *SCORED, "--all", "--json")
    assert listing.stdout is not None
    assert listing.stderr is not None
    listing.stdout.close()
    assert "Traceback" not in listing.stderr.read()
    listing.stderr.close()
    assert listing.wait() in {0, -signal.SIGPIPE}


def test_the_same_input_and_seed_give_the_same_bytes(script: Script, tmp_path: Path) -> None:
    home = tmp_path / "home"
    options = [word for name, value in OPTIONS.items() for word in ("-o", f"{name}={value}")]
    assert run("--home", home, "import", SOURCE, *options, env={"PYTHONHASHSEED": "1"}).returncode == 0
    scored = run("--home", home, "score", *SCORED, "--json", env={"PYTHONHASHSEED": "2"})
    assert json.loads(scored.stdout) == script("score", *SCORED)
    listed = run("--home", home, "list", *SCORED, "--json", env={"PYTHONHASHSEED": "3"})
    assert listed.stdout == inside(script.capsys, "--home", script.home, "list", *SCORED, "--json").stdout
