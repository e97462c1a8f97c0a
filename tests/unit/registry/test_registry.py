import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from headway.domain.errors import ConfigError, InputError, UnknownName
from headway.registry.registry import Candidate, Registry


def candidate(**other: Any) -> Candidate:
    facts: dict[str, Any] = {
        "name": "does_not_finish-rule",
        "files": {"model.json": b"{}"},
        "label": "does_not_finish",
        "model": "rule",
        "view_hash": "0" * 64,
        "view_features": ("active_days_7d",),
        "snapshot": "1",
        "train_runs": ("s/c/1",),
        "days": (14,),
        "known_by": "2014-10-01T00:00:00Z",
        "seed": 7,
        "report": {},
    }
    return Candidate(**(facts | other))


def test_asking_for_nothing_imports_no_mlflow() -> None:
    code = (
        "import sys; from headway.registry.registry import Registry; Registry('sqlite:///x', 'y');"
        "sys.exit('mlflow' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


@pytest.mark.parametrize("name", ["", "a/b", "a:b", "a'b", ".a", "a" * 201])
def test_a_name_that_cannot_be_kept_is_refused_before_anything_is_made(tmp_path: Path, name: str) -> None:
    registry = Registry(f"sqlite:///{tmp_path}/r/mlflow.db", str(tmp_path / "artifacts"))
    with pytest.raises(InputError, match="cannot be a model's name"):
        registry.add(candidate(name=name))
    assert list(tmp_path.iterdir()) == []


def test_a_report_that_is_not_json_is_refused_before_anything_is_made(tmp_path: Path) -> None:
    registry = Registry(f"sqlite:///{tmp_path}/r/mlflow.db", str(tmp_path / "artifacts"))
    with pytest.raises(InputError, match="without NaN"):
        registry.add(candidate(report={"auroc": float("nan")}))
    assert list(tmp_path.iterdir()) == []


def test_neither_passwords_nor_file_contents_are_shown() -> None:
    assert "hush" not in repr(Registry("https://u:hush@mlflow", "x"))
    assert "model.json" not in repr(candidate())


def test_a_place_that_cannot_be_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match=r"Check registry\.tracking_uri"):
        Registry(f"sqlite:///{tmp_path}/file/mlflow.db", "x").versions()


def test_what_is_in_no_registry_is_told_without_making_one(tmp_path: Path) -> None:
    registry = Registry(f"sqlite:///{tmp_path}/r/mlflow.db", str(tmp_path / "artifacts"))
    assert registry.versions() == []
    with pytest.raises(UnknownName, match=r"Unknown model 'rule/1'\. Known: none"):
        registry.get("rule/1")
    assert list(tmp_path.iterdir()) == []
