"""What costs seconds to make and is the same for all: one process of a test run makes it, the others find it."""

import fcntl
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest


def once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], object]) -> Path:
    """The path that `make` was called with in the first process of this run that asked for the name.

    What stands there is for reading alone: copy it to change it. A call that failed is made again by whoever asks next.
    It is not moved once it is made: MLflow keeps whole paths.
    """
    shared = factory.getbasetemp()
    if os.environ.get("PYTEST_XDIST_WORKER"):
        shared = shared.parent
    place, done = shared / name, shared / f"{name}.done"
    with (shared / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists():
            if place.is_dir():
                shutil.rmtree(place)
            make(place)
            done.touch()
    return place
