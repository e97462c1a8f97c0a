import os
import re
import stat
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from headway.domain.errors import ConfigError
from headway.settings import Settings, find_home, pseudonym_key, reference, write_default_toml

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("HEADWAY_")]:
        monkeypatch.delenv(name)


def home_with(folder: Path, text: str) -> Path:
    (folder / "headway.toml").write_text(text, encoding="utf-8")
    return folder


def test_defaults_are_those_of_the_design_and_lie_in_the_home(tmp_path: Path) -> None:
    settings = Settings.load(tmp_path)
    assert settings.profile == "dev"
    assert settings.lake.root == str(tmp_path / "lake")
    assert settings.store.url == f"sqlite:///{tmp_path}/headway.db"
    assert settings.registry.tracking_uri == f"sqlite:///{tmp_path}/registry/mlflow.db"
    assert settings.registry.artifact_root == str(tmp_path / "registry/artifacts")
    assert settings.secrets.pseudonym_key_file == tmp_path / "secrets/pseudonym.key"
    assert (settings.engine.memory_limit_mib, settings.engine.threads) == (1024, 2)
    assert (settings.evaluation.bootstrap, settings.evaluation.capacity, settings.evaluation.seed) == (500, 25, 7)
    assert settings.evaluation.capacity_share is None
    assert settings.evaluation.action_gap_days == 0
    assert settings.advising.capacity == 25


def test_strongest_first_call_then_environment_then_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home_with(tmp_path, "[evaluation]\nseed = 1\nbootstrap = 1\ncapacity = 1\n")
    monkeypatch.setenv("HEADWAY__EVALUATION__SEED", "2")
    monkeypatch.setenv("HEADWAY__EVALUATION__BOOTSTRAP", "2")
    evaluation = Settings.load(tmp_path, evaluation={"seed": 3}).evaluation
    assert (evaluation.seed, evaluation.bootstrap, evaluation.capacity, evaluation.action_gap_days) == (3, 2, 1, 0)


def test_the_file_of_another_home_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    home_with(tmp_path, "[evaluation]\nseed = 1\n")
    assert Settings.load(tmp_path / "other").evaluation.seed == 7


def test_places_elsewhere_are_left_as_they_are(tmp_path: Path) -> None:
    settings = Settings.load(
        tmp_path,
        lake={"root": "s3://bucket/lake"},
        store={"url": "postgresql+psycopg://headway@db/headway"},
        registry={"tracking_uri": "https://mlflow.example.org", "artifact_root": "/srv/artifacts"},
    )
    assert settings.lake.root == "s3://bucket/lake"
    assert settings.store.url == "postgresql+psycopg://headway@db/headway"
    assert settings.registry.tracking_uri == "https://mlflow.example.org"
    assert settings.registry.artifact_root == "/srv/artifacts"


def test_the_tree_is_frozen(tmp_path: Path) -> None:
    settings = Settings.load(tmp_path)
    with pytest.raises(ValidationError):
        settings.engine.threads = 9
    with pytest.raises(ValidationError):
        settings.profile = "production"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[engine]\nthread = 1\n", "Unknown setting engine.thread in {file}. Did you mean engine.threads?"),
        ("[enginee]\nthreads = 1\n", "Unknown setting enginee in {file}"),
        ("capacity = 3\n", "Did you mean evaluation.capacity or advising.capacity?"),
        ("home = '/tmp'\n", "Unknown setting home in {file}. Known: profile, labels, rules, lake.root"),
        (
            "[engine]\nthreads = 0\n",
            "engine.threads in {file} does not fit: Input should be greater than or equal to 1",
        ),
        ("profile = 'prod'\n", "profile in {file} does not fit: Input should be 'dev' or 'production'"),
        ("engine = 3\n", "engine in {file} does not fit"),
        ("[engine\n", "{file} cannot be read"),
        (
            "[engine]\nthreads = 1\n[engine]\n",
            "A table stands once in the file: add your keys to the one that is there.",
        ),
        ("[store]\nurl = 'postgresql+psycopg://u:hush@db/x'\n", "holds a password. Set HEADWAY__STORE__URL instead"),
        ("[registry]\ntracking_uri = 'https://u:hush@m'\n", "holds a password. Set HEADWAY__REGISTRY__TRACKING_URI"),
        (
            "[lake.storage_options]\nAWS_SECRET_ACCESS_KEY = 'hush'\n",
            "Set HEADWAY__LAKE__STORAGE_OPTIONS__AWS_SECRET_ACCESS_KEY",
        ),
    ],
)
def test_a_wrong_file_is_named_with_the_fix_and_no_secret(tmp_path: Path, text: str, told: str) -> None:
    home_with(tmp_path, text)
    with pytest.raises(ConfigError, match=re.escape(told.format(file=tmp_path / "headway.toml"))) as wrong:
        Settings.load(tmp_path)
    assert "hush" not in str(wrong.value)


def test_a_file_that_is_not_text_is_named(tmp_path: Path) -> None:
    (tmp_path / "headway.toml").write_bytes(b"profile = '\xff'")
    with pytest.raises(ConfigError, match=re.escape(f"{tmp_path / 'headway.toml'} cannot be read")):
        Settings.load(tmp_path)


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        (
            "HEADWAY__ENGINE__THREAD",
            "1",
            "HEADWAY__ENGINE__THREAD in the environment. Did you mean HEADWAY__ENGINE__THREADS",
        ),
        ("HEADWAY__CAPACITY", "1", "HEADWAY__EVALUATION__CAPACITY or HEADWAY__ADVISING__CAPACITY"),
        ("HEADWAY__ENGINE", '{"threads": 1}', "Unknown setting HEADWAY__ENGINE in the environment"),
        ("HEADWAY__ENGINE__THREADS", "two", "in the environment (HEADWAY__ENGINE__THREADS) does not fit"),
        ("HEADWAY__LAKE__STORAGE_OPTIONS", "{", "in the environment cannot be read"),
    ],
)
def test_a_wrong_variable_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str, told: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ConfigError, match=re.escape(told)):
        Settings.load(tmp_path)


def test_a_wrong_argument_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=re.escape("Unknown setting engine.thread given in the call")):
        Settings.load(tmp_path, engine={"thread": 1})
    with pytest.raises(ConfigError, match=re.escape("engine.threads given in the call does not fit")):
        Settings.load(tmp_path, engine={"threads": 0})


def test_secrets_from_the_environment_work_and_are_never_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEADWAY__STORE__URL", "postgresql+psycopg://u:hu%40sh@db/x?connect_timeout=3")
    monkeypatch.setenv("HEADWAY__LAKE__STORAGE_OPTIONS__AWS_SECRET_ACCESS_KEY", "hush")
    monkeypatch.setenv("HEADWAY__LAKE__STORAGE_OPTIONS__AWS_REGION", "eu-west-2")
    settings = Settings.load(tmp_path)
    assert settings.store.url == "postgresql+psycopg://u:hu%40sh@db/x?connect_timeout=3"
    assert settings.lake.storage_options == {"aws_secret_access_key": "hush", "aws_region": "eu-west-2"}
    shown = settings.shown()
    assert shown["store"]["url"] == "postgresql+psycopg://u:***@db/x?connect_timeout=3"
    assert shown["lake"]["storage_options"] == {"aws_secret_access_key": "***", "aws_region": "eu-west-2"}
    for text in (repr(settings), str(settings), str(shown)):
        assert "hush" not in text
        assert "hu%40sh" not in text


def test_the_written_file_changes_nothing_until_a_line_is_uncommented(tmp_path: Path) -> None:
    home = tmp_path / "new" / "home"
    defaults = Settings.load(home)
    path = write_default_toml(home)
    assert path == home / "headway.toml"
    assert Settings.load(home) == defaults
    text = path.read_text(encoding="utf-8")
    path.write_text(re.sub(r"(?m)^# (?=\w+ = )", "", text), encoding="utf-8")
    uncommented = Settings.load(home)
    assert uncommented.evaluation.capacity_share == 0.1
    assert uncommented.model_copy(update={"evaluation": defaults.evaluation}) == defaults


def test_writing_the_file_again_keeps_what_is_there(tmp_path: Path) -> None:
    home_with(tmp_path, "profile = 'production'\n")
    write_default_toml(tmp_path)
    assert Settings.load(tmp_path).profile == "production"


def test_the_reference_page_is_the_tree() -> None:
    page = ROOT / "docs" / "reference" / "settings.md"
    assert page.read_text(encoding="utf-8") == reference(), (
        "Write docs/reference/settings.md anew from headway.settings.reference()."
    )


class TestHome:
    def test_the_one_named_comes_first(self, tmp_path: Path) -> None:
        assert find_home(tmp_path / "a", {"HEADWAY_HOME": str(tmp_path / "b")}) == tmp_path / "a"
        assert find_home(None, {"HEADWAY_HOME": str(tmp_path / "b")}) == tmp_path / "b"

    def test_else_the_nearest_folder_upwards(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        home_with(tmp_path, "")
        inner = tmp_path / "x" / "y"
        inner.mkdir(parents=True)
        monkeypatch.chdir(inner)
        empty: Mapping[str, str] = {"HEADWAY_HOME": ""}
        assert find_home(None, empty) == tmp_path
        home_with(tmp_path / "x", "")
        assert find_home(None, empty) == tmp_path / "x"

    def test_else_a_folder_here_that_is_not_yet_made(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(tmp_path)
        assert find_home(None, {}) == tmp_path / "headway-home"
        assert list(tmp_path.iterdir()) == []

    def test_a_file_is_no_home(self, tmp_path: Path) -> None:
        (tmp_path / "f").write_text("")
        with pytest.raises(ConfigError, match="is a file"):
            find_home(tmp_path / "f", {})


class TestPseudonymKey:
    def test_is_made_once_for_the_owner_only(self, tmp_path: Path) -> None:
        settings = Settings.load(tmp_path)
        key = pseudonym_key(settings)
        path = tmp_path / "secrets" / "pseudonym.key"
        assert len(key) == 32
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
        assert pseudonym_key(settings) == key
        assert [entry.name for entry in path.parent.iterdir()] == ["pseudonym.key"]

    def test_two_homes_have_two_keys(self, tmp_path: Path) -> None:
        assert pseudonym_key(Settings.load(tmp_path / "a")) != pseudonym_key(Settings.load(tmp_path / "b"))

    def test_many_first_users_get_one_key(self, tmp_path: Path) -> None:
        settings = Settings.load(tmp_path)
        with ThreadPoolExecutor(8) as pool:
            keys = list(pool.map(pseudonym_key, [settings] * 32))
        assert len(set(keys)) == 1

    @pytest.mark.parametrize("mode", [0o604, 0o602, 0o644])
    def test_must_not_be_open_to_the_world(self, tmp_path: Path, mode: int) -> None:
        settings = Settings.load(tmp_path)
        pseudonym_key(settings)
        path = settings.secrets.pseudonym_key_file
        path.chmod(mode)
        with pytest.raises(ConfigError, match=re.escape(f"chmod 600 {path}")):
            pseudonym_key(settings)

    def test_must_be_long_enough(self, tmp_path: Path) -> None:
        settings = Settings.load(tmp_path)
        pseudonym_key(settings)
        settings.secrets.pseudonym_key_file.write_bytes(b"short")
        with pytest.raises(ConfigError, match="has 5 bytes; 32 are needed"):
            pseudonym_key(settings)

    def test_a_lost_key_is_not_replaced_under_a_lake_with_learners(self, tmp_path: Path) -> None:
        settings = Settings.load(tmp_path)
        pseudonym_key(settings)
        settings.secrets.pseudonym_key_file.unlink()
        (tmp_path / "lake" / "enrolments").mkdir(parents=True)
        (tmp_path / "lake" / "enrolments" / "part-0.parquet").write_bytes(b"")
        with pytest.raises(ConfigError, match="Restore the key"):
            pseudonym_key(settings)
        assert not settings.secrets.pseudonym_key_file.exists()

    def test_production_makes_none_by_itself(self, tmp_path: Path) -> None:
        with pytest.raises(ConfigError, match="openssl rand"):
            pseudonym_key(Settings.load(tmp_path, profile="production"))


@given(st.text(min_size=1, max_size=30).filter(lambda name: name.isprintable()))
def test_no_unknown_key_is_ever_ignored(name: str) -> None:
    known = {"bootstrap", "capacity", "capacity_share", "action_gap_days", "seed"}
    if name not in known:
        with pytest.raises(ConfigError, match="Unknown setting"):
            Settings.load(Path("/nowhere"), evaluation={name: 1})
