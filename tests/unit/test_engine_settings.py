"""The section `[engine]`: which engine, and Spark's own options."""

from pathlib import Path

import pytest

from headway.domain.errors import ConfigError
from headway.settings import FILE, Settings


def loaded(home: Path, text: str) -> Settings:
    (home / FILE).write_text(text)
    return Settings.load(home)


def test_duckdb_unless_asked_otherwise(tmp_path: Path) -> None:
    engine = Settings.load(tmp_path).engine
    assert (engine.kind, engine.master, engine.spark) == ("duckdb", "local[2]", {})


def test_options_are_written_as_spark_writes_them(tmp_path: Path) -> None:
    dotted = '[engine]\nkind = "spark"\nspark.executor.memory = "4g"\nspark.sql.adaptive.enabled = false\n'
    quoted = (
        '[engine]\nkind = "spark"\n[engine.spark]\n"spark.executor.memory" = "4g"\n"sql.adaptive.enabled" = false\n'
    )
    wanted = {"spark.executor.memory": "4g", "spark.sql.adaptive.enabled": "false"}
    assert loaded(tmp_path, dotted).engine.spark == loaded(tmp_path, quoted).engine.spark == wanted


def test_the_environment_adds_options_and_keeps_capitals(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEADWAY__ENGINE__SPARK", '{"spark.ssl.keyPassword": "hush", "spark.executor.cores": 4}')
    engine = loaded(tmp_path, '[engine]\nspark.executor.memory = "4g"\n')
    assert engine.engine.spark["spark.ssl.keyPassword"] == "hush"
    assert engine.engine.spark["spark.executor.cores"] == "4"
    assert engine.shown()["engine"]["spark"]["spark.ssl.keyPassword"] == "***"
    assert "hush" not in repr(engine)


SECRETS = (
    "spark.ssl.keyPassword",
    "spark.hadoop.fs.s3a.secret.key",
    "spark.hadoop.fs.azure.account.key.acme",
    "fs.s3a.access.key",
)


@pytest.mark.parametrize("name", SECRETS)
def test_secrets_are_refused_in_the_file(name: str, tmp_path: Path) -> None:
    for text in (f'[engine]\nspark.{name.removeprefix("spark.")} = "x"\n', f'[engine.spark]\n"{name}" = "x"\n'):
        with pytest.raises(ConfigError, match=r"is a secret.*HEADWAY__ENGINE__SPARK="):
            loaded(tmp_path, text)


def test_what_only_sounds_like_a_secret_is_not_one(tmp_path: Path) -> None:
    text = '[engine]\nspark.hadoop.fs.s3a.aws.credentials.provider = "org.example.Provider"\n'
    assert len(loaded(tmp_path, text).engine.spark) == 1


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('kind = "sparc"', "engine.kind"),
        ('master = "sc://host"', "Spark Connect"),
        ('masters = "yarn"', "engine.master"),
        ('spark = "local"', "engine.spark"),
    ],
)
def test_what_does_not_fit_is_refused(text: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=said):
        loaded(tmp_path, f"[engine]\n{text}\n")
