"""The registry on real MLflow: its SQLite store, and its own server over HTTP."""

import importlib
import os
import shutil
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest

from headway.domain.errors import ConfigError, Conflict, InputError, UnknownName
from headway.registry.registry import Candidate, Registry

pytestmark = pytest.mark.service

FILES = {"model.json": b'{"bias": -0.5}', "trees/0.txt": bytes(range(256)) * 100}
REPORT: dict[str, Any] = {"rows": [{"day": day, "auroc": {"value": 0.1 * day, "low": 1e-9}} for day in range(500)]}


def candidate(**other: Any) -> Candidate:
    facts: dict[str, Any] = {
        "name": "does_not_finish-boosting",
        "files": FILES,
        "label": "does_not_finish",
        "model": "boosting",
        "view_hash": "ab" * 32,
        "view_features": [f"active_days_{n}d" for n in range(300)],
        "snapshot": '{"statements": 4}',
        "train_runs": ["oulad/AAA/2013J", "oulad/BBB/2013B"],
        "days": [14, 28],
        "known_by": "2014-10-01T00:00:00Z",
        "seed": 7,
        "report": REPORT,
    }
    return Candidate(**(facts | other))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home whose MLflow tables are made: that takes MLflow a second or two, so tests copy it."""
    home = tmp_path_factory.mktemp("made")
    assert registry_in(home).versions() == []
    return home


@pytest.fixture
def home(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "home"))


def registry_in(home: Path) -> Registry:
    return Registry(f"sqlite:///{home}/registry/mlflow.db", str(home / "registry" / "artifacts"))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of an MLflow server; `HEADWAY_TEST_MLFLOW` names one that is already running.

    mlflow-skinny has the server's code but not what it stands on: Flask, flask-cors and gunicorn.
    """
    given = os.environ.get("HEADWAY_TEST_MLFLOW")
    if given:
        yield given
        return
    find = importlib.import_module if "CI" in os.environ else pytest.importorskip
    for needed in ("flask", "flask_cors", "gunicorn"):
        find(needed)
    folder = tmp_path_factory.mktemp("server")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port)]
    command += [
        "--backend-store-uri",
        f"sqlite:///{folder}/mlflow.db",
        "--artifacts-destination",
        f"{folder}/artifacts",
    ]
    command += ["--gunicorn-opts", f"--workers 1 --no-control-socket --log-file {folder}/log"]
    quiet = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_DISABLE_TELEMETRY": "true"}
    with (folder / "talk").open("wb") as talk:
        running = subprocess.Popen(command, env=os.environ | quiet, stdout=talk, stderr=talk)
    wait_for(f"http://127.0.0.1:{port}/health", running, folder / "talk")
    yield f"http://127.0.0.1:{port}"
    running.terminate()
    running.wait(30)


def wait_for(address: str, running: subprocess.Popen[bytes], talk: Path) -> None:
    for _ in range(120):
        try:
            with urlopen(address, timeout=1) as answer:
                assert answer.status == 200
                return
        except OSError:
            try:
                running.wait(1)
            except subprocess.TimeoutExpired:
                continue
            break
    raise AssertionError(f"The MLflow server does not answer:\n{talk.read_text()}")


def test_everything_comes_back(home: Path) -> None:
    version = registry_in(home).add(candidate())
    again = registry_in(home)
    assert again.get("does_not_finish-boosting") == version
    assert again.load(version) == FILES
    assert (version.ref, version.version, version.stage) == ("does_not_finish-boosting/1", 1, "candidate")
    assert (version.label, version.model, version.seed) == ("does_not_finish", "boosting", 7)
    assert version.features == tuple(f"active_days_{n}d" for n in range(300))
    assert version.train_runs == ("oulad/AAA/2013J", "oulad/BBB/2013B")
    assert version.days == (14, 28)
    assert version.known_by == "2014-10-01T00:00:00Z"
    assert (version.snapshot, version.view_hash) == ('{"statements": 4}', "ab" * 32)
    assert version.report == REPORT
    assert version.created_at.utcoffset() == timedelta(0)


def test_versions_count_up_and_names_are_apart(home: Path) -> None:
    registry = registry_in(home)
    refs = [registry.add(candidate(name=name, seed=seed)).ref for seed, name in enumerate(["b", "a", "b"])]
    assert refs == ["b/1", "a/1", "b/2"]
    assert [version.ref for version in registry.versions()] == ["a/1", "b/1", "b/2"]
    assert registry.get("b").seed == 2
    assert registry.get("b/1").seed == 0


@pytest.mark.parametrize(
    ("ref", "told"),
    [
        ("does_not_finish-bosting", "Did you mean 'does_not_finish-boosting'?"),
        ("does_not_finish-boosting/9", "Did you mean 'does_not_finish-boosting/1'?"),
        ("does_not_finish-boosting/x", "Did you mean 'does_not_finish-boosting/1'?"),
        ("' OR 1=1", "Known: does_not_finish-boosting."),
    ],
)
def test_an_unknown_model_is_answered_with_near_ones(home: Path, ref: str, told: str) -> None:
    registry = registry_in(home)
    registry.add(candidate())
    with pytest.raises(UnknownName) as wrong:
        registry.get(ref)
    assert told in str(wrong.value)


def test_the_same_candidate_twice_has_the_same_bytes(home: Path) -> None:
    registry = registry_in(home)
    first, second = registry.add(candidate()), registry.add(candidate())
    assert first.manifest_hash == second.manifest_hash

    def kept(run: str) -> dict[str, bytes]:
        folder = home / "registry" / "artifacts" / run
        return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}

    assert kept(first.mlflow_run) == kept(second.mlflow_run)
    assert len(kept(first.mlflow_run)) == 3


def test_a_changed_file_is_never_loaded(home: Path) -> None:
    registry = registry_in(home)
    version = registry.add(candidate())
    (file,) = (home / "registry" / "artifacts").rglob("model.json")
    file.write_bytes(b'{"bias": 0.5}')
    with pytest.raises(Conflict, match=r"model\.json"):
        registry.load(version)


def test_a_home_that_moved_keeps_working_and_writes_nothing_where_it_was(home: Path, tmp_path: Path) -> None:
    version = registry_in(home).add(candidate())
    moved = home.rename(tmp_path / "moved")
    registry = registry_in(moved)
    assert registry.load(registry.get(version.ref)) == FILES
    newer = registry.add(candidate(files={"model.json": b"new"}))
    assert registry.load(newer) == {"model.json": b"new"}
    assert newer.version == 2
    assert not home.exists()


def test_what_fails_halfway_leaves_no_version(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from mlflow.entities import RunStatus
    from mlflow.tracking import MlflowClient

    registry = registry_in(home)

    def break_down(*_: object, **__: object) -> None:
        raise OSError("disk full")

    with monkeypatch.context() as patch:
        patch.setattr(MlflowClient, "log_artifacts", break_down)
        with pytest.raises(OSError, match="disk full"):
            registry.add(candidate())
    assert registry.versions() == []
    client = MlflowClient(registry.tracking_uri, registry.tracking_uri)
    experiment = client.get_experiment_by_name("headway")
    assert experiment is not None
    assert [run.info.status for run in client.search_runs([experiment.experiment_id])] == [
        RunStatus.to_string(RunStatus.FAILED)
    ]
    assert registry.add(candidate()).version == 1


def test_models_of_others_are_left_alone(home: Path) -> None:
    from mlflow.tracking import MlflowClient

    registry = registry_in(home)
    ours = registry.add(candidate())
    client = MlflowClient(registry.tracking_uri, registry.tracking_uri)
    client.create_registered_model("theirs")
    client.create_model_version("theirs", "somewhere", None)
    assert registry.versions() == [ours]


def test_a_stage_is_read_and_a_broken_fact_is_named(home: Path) -> None:
    from mlflow.tracking import MlflowClient

    registry = registry_in(home)
    version = registry.add(candidate())
    client = MlflowClient(registry.tracking_uri, registry.tracking_uri)
    client.set_model_version_tag(version.name, "1", "headway.stage", "shadow")
    assert registry.get(version.ref).stage == "shadow"
    client.set_model_version_tag(version.name, "1", "headway.stage", "best")
    with pytest.raises(Conflict, match="stage 'best'"):
        registry.get(version.ref)
    client.set_model_version_tag(version.name, "1", "headway.facts.000", "{")
    with pytest.raises(Conflict, match="were changed in MLflow"):
        registry.get(version.ref)


def test_several_at_once_each_get_a_version(home: Path) -> None:
    registry = registry_in(home)
    registry.add(candidate())
    with ThreadPoolExecutor(4) as pool:
        versions = list(pool.map(lambda seed: registry.add(candidate(seed=seed)), range(8)))
    assert sorted(version.version for version in versions) == list(range(2, 10))
    assert {registry.get(version.ref).seed for version in versions} == set(range(8))


def test_it_says_nothing_and_warns_of_nothing(tmp_path: Path) -> None:
    """A new home in a new process with warnings as errors: MLflow's own talk and warnings reach no user."""
    code = (
        "import sys; from headway.registry.registry import Registry;"
        "print(Registry(sys.argv[1], sys.argv[2]).versions())"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code, f"sqlite:///{tmp_path}/r/m.db", str(tmp_path / "a")],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "[]\n", "")


def test_a_server_that_is_away_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with pytest.raises(ConfigError, match=r"Check registry\.tracking_uri"):
        Registry("http://127.0.0.1:1", "unused").versions()


def test_the_same_over_a_tracking_server(server: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    registry = Registry(server, str(tmp_path / "unused"), experiment="headway over http")
    name = f"over-http-{os.getpid()}"
    version = registry.add(candidate(name=name))
    assert version.ref == f"{name}/1"
    assert registry.add(candidate(name=name, seed=8)).version == 2
    again = Registry(server, str(tmp_path / "unused"), experiment="headway over http")
    assert again.get(f"{name}/1") == version
    assert again.load(version) == FILES
    assert again.get(name).report == REPORT
    assert [v.version for v in again.versions() if v.name == name] == [1, 2]
    with pytest.raises(UnknownName):
        again.get(f"{name}/3")
    with pytest.raises(InputError):
        again.add(candidate(files={"model.pkl": b""}))
    assert not (tmp_path / "unused").exists()
    assert capfd.readouterr() == ("", "")


def test_versions_read_at_hand_are_those_that_mlflow_tells(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    registry = registry_in(home)
    for name in ("rule", "rule", "does_not_finish-boosting", "rule"):
        registry.add(candidate(name=name))
    registry._client.set_model_version_tag("rule", "2", "headway.stage", "shadow")
    registry._client.create_registered_model("not_ours")
    registry._client.create_model_version("not_ours", source=str(home))
    registry._client.delete_model_version("rule", "3")
    at_hand = [*registry.versions(), registry.get("rule")]
    monkeypatch.setattr("headway.registry.registry._at_hand", lambda *_: None)
    assert [*registry.versions(), registry.get("rule")] == at_hand
    assert [one.ref for one in at_hand] == ["does_not_finish-boosting/1", "rule/1", "rule/2", "rule/2"]


def test_versions_in_a_file_are_read_without_mlflow(home: Path) -> None:
    registry_in(home).add(candidate())
    code = (
        "import sys; from headway.registry.registry import Registry;"
        f"found = Registry('sqlite:///{home}/registry/mlflow.db', {str(home / 'registry' / 'artifacts')!r});"
        "assert found.load(found.get('does_not_finish-boosting/1'));"
        "sys.exit('mlflow' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_tables_that_are_made_otherwise_are_left_to_mlflow(home: Path) -> None:
    registry_in(home).add(candidate())
    with closing(sqlite3.connect(home / "registry" / "mlflow.db")) as connection:
        connection.execute("ALTER TABLE model_versions RENAME COLUMN creation_time TO made_at")
        connection.commit()
    with pytest.raises(Exception, match="creation_time"):
        registry_in(home).versions()
