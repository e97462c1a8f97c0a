"""Killing an import at any point leaves the lake as it was or as it should be, and repeating it makes it whole."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from headway.lake.lake import Lake
from headway.lake.verify import Verification
from tests.unit.lake.killed import DELIVERIES, POINTS
from tests.unit.lake.rows import delivery

ROOT = Path(__file__).resolve().parents[3]


def _append_all(lake: Lake, deliveries: int) -> Verification:
    for rows in DELIVERIES[:deliveries]:
        lake.append("statements", delivery(rows))
    return lake.verify()


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> list[Verification]:
    """What the lake holds after none, one and both deliveries when nothing dies."""
    return [_append_all(Lake(tmp_path_factory.mktemp("whole") / "lake"), count) for count in range(3)]


@pytest.mark.parametrize(("fatal", "point"), [(0, "staging"), (0, "writing"), *((1, point) for point in POINTS)])
def test_killed_then_repeated_is_the_same_lake(
    tmp_path: Path, whole: list[Verification], fatal: int, point: str
) -> None:
    root = tmp_path / "lake"
    command = [sys.executable, "-m", "tests.unit.lake.killed", str(root), str(fatal), point]
    died = subprocess.run(command, cwd=ROOT, capture_output=True, check=False)
    assert died.returncode == -signal.SIGKILL, died.stderr.decode()

    lake = Lake(root, memory_limit_mib=256, threads=1)
    assert lake.verify() == whole[fatal + (point == "written")]
    assert _append_all(lake, 2) == whole[2]
    assert list((root / ".spill").iterdir()) == []
