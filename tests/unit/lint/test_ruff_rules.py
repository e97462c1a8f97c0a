"""The house rules that are left to ruff: our configuration of it must catch a planted breach of each."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
HEAD = '"""A module."""\n\n'


def codes(text: str) -> set[str]:
    """The ruff codes found in `text` as if it stood in the package."""
    command = [str(Path(sys.executable).with_name("ruff")), "check", "--output-format=concise", "--no-cache"]
    place = ["--stdin-filename", "src/headway/scoring/planted.py", "-"]
    done = subprocess.run([*command, *place], input=HEAD + text, capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode in (0, 1), done.stderr
    return {line.split(": ", 1)[1].split()[0] for line in done.stdout.splitlines() if line.startswith("src/")}


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("def score() -> int:\n    return 1\n", "D103"),
        ('class Scores:\n    """Scores."""\n\n    def of(self) -> int:\n        return 1\n', "D102"),
        ("class Scores:\n    x = 1\n", "D101"),
        ('def score() -> int:\n    """"""\n    return 1\n', "D419"),
        ("X = 1  # TODO: later\n", "FIX002"),
        ("X = 1  # FIXME\n", "FIX001"),
        ('print("x")\n', "T201"),
        ("try:\n    X = 1\nexcept Exception:\n    X = 2\n", "BLE001"),
        ("X = 1  # noqa: F401\n", "RUF100"),
    ],
)
def test_ruff_catches(text: str, code: str) -> None:
    assert code in codes(text)


def test_ruff_accepts_what_is_in_order() -> None:
    assert codes('def score() -> int:\n    """One."""\n    return 1\n') == set()
