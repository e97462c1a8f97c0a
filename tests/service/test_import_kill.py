"""An import that is killed at any point and repeated, or that runs twice at the same time, ends in the same lake."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from headway import flow
from headway.flow import open_app
from headway.lake.verify import Verification
from tests.contract import source_cases
from tests.service.dying_import import POINTS
from tests.support.command import environment, run, start

ROOT = Path(__file__).resolve().parents[2]
SIMULATED = {"learners": "40", "runs": "2", "weeks": "3", "seed": "5"}


def words(source: str, files: Path) -> list[str]:
    """What an import of the source is given: files or options."""
    return [str(files)] if source == "oulad" else [f"{name}={value}" for name, value in SIMULATED.items()]


def imported(home: Path, source: str, files: Path) -> Verification:
    """What the home's lake holds after an import in which nothing dies."""
    with open_app(home) as app:
        if source == "oulad":
            flow.ingest(app, source, [files])
        else:
            flow.ingest(app, source, [], SIMULATED)
        return app.lake.verify()


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny folder of OULAD's form, with a row that must go to quarantine."""
    folder = tmp_path_factory.mktemp("oulad")
    source_cases.oulad(folder)
    with (folder / "studentVle.csv").open("a", encoding="utf-8") as table:
        table.write("XYZ,2013J,1001,11,soon,3\n")
    return folder


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, files: Path) -> dict[str, Verification]:
    """By source: what the lake holds when nothing dies."""
    homes = tmp_path_factory.mktemp("whole")
    found = {source: imported(homes / source, source, files) for source in ("oulad", "simulated")}
    assert all(verification.ok for verification in found.values())
    assert found["oulad"].rows["rejects"] > 0
    return found


@pytest.mark.parametrize(
    ("source", "fatal", "point"),
    [
        *(("simulated", 8, point) for point in POINTS),
        ("simulated", 0, "reading"),
        ("oulad", 1, "reading"),
        ("oulad", 4, "after"),
    ],
)
def test_killed_then_repeated_is_the_lake_of_an_import_in_which_nothing_died(
    tmp_path: Path, files: Path, whole: dict[str, Verification], source: str, fatal: int, point: str
) -> None:
    home = tmp_path / "home"
    command = [sys.executable, "-m", "tests.service.dying_import", str(home), source, str(fatal), point]
    died = subprocess.run(
        [*command, *words(source, files)],
        cwd=ROOT,
        env=environment(TMPDIR=str(tmp_path)),
        capture_output=True,
        text=True,
        check=False,
    )
    assert died.returncode == -signal.SIGKILL, died.stderr
    with open_app(home) as app:
        half = app.lake.verify()
        assert half.ok, half.problems
        assert half.digests != whole[source].digests
        assert all(half.rows[kind] <= whole[source].rows[kind] for kind in half.rows)

    assert imported(home, source, files) == whole[source]
    with open_app(home) as app:
        assert flow.check_audit(app) == "unbroken"
    spilled = home / "lake" / ".spill"
    assert not spilled.exists() or list(spilled.iterdir()) == []


def test_the_command_killed_at_its_work_and_repeated_ends_in_the_same_lake(tmp_path: Path) -> None:
    options = ["-o", "learners=600", "-o", "runs=2", "-o", "weeks=6"]
    killed, sound = tmp_path / "killed", tmp_path / "sound"
    for stage in ("enrolments:", "attributes:"):
        importing = start("import", "simulated", *options, "--home", killed)
        assert importing.stderr is not None
        for line in importing.stderr:
            if line.startswith(stage):
                break
        importing.kill()
        importing.communicate()
        assert importing.returncode == -signal.SIGKILL
    assert run("import", "simulated", *options, "--home", killed).returncode == 0
    assert run("import", "simulated", *options, "--home", sound).returncode == 0
    with open_app(killed) as one, open_app(sound) as other:
        found = one.lake.verify()
        assert found.ok, found.problems
        assert found == other.lake.verify()


def test_two_imports_at_once_end_in_the_lake_of_one(tmp_path: Path, whole: dict[str, Verification]) -> None:
    home = tmp_path / "home"
    options = [part for name, value in SIMULATED.items() for part in ("-o", f"{name}={value}")]
    both = [start("import", "simulated", *options, "--home", home, "--json") for _ in range(2)]
    talk = [each.communicate() for each in both]
    assert [each.returncode for each in both] == [0, 0], talk
    with open_app(home) as app:
        assert app.lake.verify() == whole["simulated"]
        assert flow.check_audit(app) == "unbroken"
