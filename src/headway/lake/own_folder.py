"""A folder for what a process works with: it goes with the process, and the next one sweeps up after a killed one."""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO


@contextmanager
def own_folder(parent: Path, prefix: str = "") -> Iterator[Path]:
    """A folder that nobody else may look into, in `parent`; it holds a file `lock` for as long as its process lives.

    Args:
        parent: a folder that is there.
        prefix: with what its name begins; folders of that name without a living process are removed first.
    """
    _sweep(parent, prefix)
    own, lock = _locked(parent, prefix)
    folder = os.open(own, os.O_RDONLY)
    with suppress(OSError):  # some network file systems lock no folders
        # systemd-tmpfiles, which clears /tmp of what is old, leaves a locked folder to a server that runs for weeks.
        fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
    try:
        yield own
    finally:
        os.close(folder)
        lock.close()
        shutil.rmtree(own, ignore_errors=True)


def _locked(parent: Path, prefix: str) -> tuple[Path, IO[str]]:
    while True:
        own = Path(tempfile.mkdtemp(prefix=prefix, dir=parent))
        with suppress(FileNotFoundError):  # somebody swept it up before it was locked
            lock = (own / "lock").open("w")
            fcntl.flock(lock, fcntl.LOCK_EX)
            if (own / "lock").exists():
                return own, lock
            lock.close()


def _sweep(parent: Path, prefix: str) -> None:
    """Removes what killed processes left: a folder whose lock nobody holds."""
    for folder in parent.glob(f"{prefix}*"):
        try:
            with (folder / "lock").open("a") as handle:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder, ignore_errors=True)
        except OSError:  # somebody's, or gone meanwhile
            continue
