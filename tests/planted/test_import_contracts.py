"""The import contracts must catch what they are there for: breaches of each are planted in a copy of the package."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

PLANTED = {
    "domain/planted.py": "import headway.lake\n",
    "lake/planted.py": "def f() -> None:\n    import headway.sources.source\n",
    "helpers.py": "X = 1\n",
    "models/planted.py": "def f() -> None:\n    import duckdb\n",
    "features/planted.py": "import headway.lake\n",
    "evaluation/planted.py": "import socket\n",
    "explanation/planted.py": "from pathlib import Path\n",
    "scoring/planted_one.py": "from headway.scoring import planted_two\n",
    "scoring/planted_two.py": "from headway.scoring import planted_one\n",
    "reports/planted.py": "import rich\n",
    "scoring/planted.py": "import deltalake\n",
    "flow/planted_web.py": "def f() -> None:\n    from fastapi import FastAPI\n",
    "flow/planted.py": "def f() -> None:\n    import pyspark\n",
    "advising/planted.py": "def f() -> None:\n    from mlflow import log_metric\n",
}
CAUGHT = [
    ("layers", "headway.domain.planted -> headway.lake"),
    ("layers", "headway.lake.planted -> headway.sources.source"),
    ("layers", "- headway.helpers"),
    ("pure-middle", "headway.models.planted -> duckdb"),
    ("pure-middle", "headway.features.planted -> headway.lake"),
    ("pure-middle", "headway.evaluation.planted -> socket"),
    ("pure-middle", "headway.explanation.planted -> pathlib"),
    ("acyclic", "No cycles are allowed in headway.scoring"),
    ("cli-framework", "headway.reports.planted -> rich"),
    ("web-framework", "headway.flow.planted_web -> fastapi"),
    ("lake-format", "headway.scoring.planted -> deltalake"),
    ("tracking", "headway.advising.planted -> mlflow"),
    ("cluster", "headway.flow.planted -> pyspark"),
]


def lint_imports(project: Path) -> tuple[bool, str]:
    """Whether import-linter finds all contracts kept, and what it says."""
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    environment = {**os.environ, "PYTHONPATH": str(project / "src")}
    done = subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True, check=False)
    assert "Contracts: " in done.stdout, done.stdout + done.stderr
    return done.returncode == 0, done.stdout


@pytest.fixture(scope="module")
def complaints(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What is said about each broken contract, by its id, once the faults are planted."""
    project = tmp_path_factory.mktemp("planted")
    shutil.copy(ROOT / "pyproject.toml", project)
    shutil.copytree(ROOT / "src", project / "src", ignore=shutil.ignore_patterns("__pycache__"))
    kept, said = lint_imports(project)
    assert kept, said
    for file, text in PLANTED.items():
        (project / "src/headway" / file).write_text(text)
    kept, said = lint_imports(project)
    assert not kept
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    sections = re.split(r"^(.+)\n-{5,}\n", said.partition("Broken contracts")[2], flags=re.MULTILINE)
    about = dict(zip(sections[1::2], sections[2::2], strict=True))
    return {contract["id"]: about.get(contract["name"], "") for contract in contracts}


@pytest.mark.parametrize(("contract", "complaint"), CAUGHT)
def test_a_planted_import_is_caught(complaints: dict[str, str], contract: str, complaint: str) -> None:
    assert complaint in complaints[contract]


def test_every_contract_has_a_planted_breach(complaints: dict[str, str]) -> None:
    assert {contract for contract, _ in CAUGHT} == set(complaints)
