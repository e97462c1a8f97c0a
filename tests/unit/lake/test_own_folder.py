"""What a process works with goes with it, and what a killed one left goes with the next."""

import fcntl
import os
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from headway.cli.options import opened
from headway.lake.own_folder import own_folder

KILLED = """
import os, signal, sys
from pathlib import Path
from headway.lake.own_folder import own_folder
with own_folder(Path(sys.argv[1]), "work-") as own:
    (own / "names.jsonl").write_text("somebody")
    print(own, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""


def killed(parent: Path) -> Path:
    """What a killed process left."""
    done = subprocess.run([sys.executable, "-c", KILLED, str(parent)], capture_output=True, text=True, check=False)
    assert done.returncode == -9
    return Path(done.stdout.strip())


def test_the_next_process_sweeps_up_after_a_killed_one_and_nobody_else(tmp_path: Path) -> None:
    left = killed(tmp_path)
    assert (left / "names.jsonl").exists()
    for other in ("work-without-a-lock", "else-where"):
        (tmp_path / other).mkdir()
        (tmp_path / other / "file").touch()
    with own_folder(tmp_path, "work-") as one:
        assert not left.exists()
        assert one.stat().st_mode & 0o077 == 0
        (one / "file").touch()
        folder = os.open(one, os.O_RDONLY)
        with pytest.raises(BlockingIOError):
            fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.close(folder)
        with own_folder(tmp_path, "work-") as another:
            assert (one / "file").exists()
            assert another != one
    assert [path.name for path in tmp_path.iterdir()] == ["else-where"]


def test_many_at_once_keep_their_folders(tmp_path: Path) -> None:
    def use(number: int) -> bool:
        with own_folder(tmp_path, "work-") as own:
            (own / "number").write_text(str(number))
            return (own / "number").read_text() == str(number)

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(use, range(200)))
    assert not list(tmp_path.iterdir())


def test_a_command_works_in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.delenv("TMPDIR", raising=False)
    with opened(tmp_path / "home"):
        own = Path(tempfile.gettempdir())
        assert own.parent == tmp_path
        assert own.name.startswith("headway-work-")
        assert os.environ["TMPDIR"] == str(own)
        assert Path(tempfile.mkdtemp()).parent == own
    assert tempfile.gettempdir() == str(tmp_path)
    assert "TMPDIR" not in os.environ
    assert not own.exists()
