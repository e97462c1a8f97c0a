"""Fixtures for every test: where real data lies, how Hypothesis searches, and what is made once for the whole run."""

import gc
import json
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from tests.presence import absent, in_ci
from tests.support.once import once

ROOT = Path(__file__).resolve().parents[1]

if os.environ.pop("PYTHONDONTWRITEBYTECODE", None):
    # A process that compiles all that it imports starts five times as slowly: they share it, outside the tree.
    compiled = os.environ.setdefault("PYTHONPYCACHEPREFIX", str(Path(tempfile.gettempdir()) / "headway-tests-compiled"))
    sys.dont_write_bytecode, sys.pycache_prefix = False, compiled

# What commands compile for each other stays out of the home of whoever runs the tests.
os.environ.setdefault("XDG_CACHE_HOME", str(Path(tempfile.gettempdir()) / "headway-tests-cache"))

# Two processes on two cores: libraries that start a thread for each core would only wait for each other.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# How long an example takes depends on the machine, so no profile has a deadline.
_UNHURRIED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("dev", _UNHURRIED)
settings.register_profile("ci", _UNHURRIED, derandomize=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci" if in_ci() else "dev"))

_SLOW_FIRST = ("service", "browser", "real_data", "contract", "property")
"""The folders whose files take longest: what is left at the end is small, so that no worker is idle then."""

_SPARK = ("service/test_spark.py", "contract/test_engines.py")
"""One process of a run starts Java, and does what both ask while it is warm."""


def _place(item: pytest.Item) -> int:
    folder = item.path.relative_to(ROOT / "tests").parts[0] if item.path.is_relative_to(ROOT / "tests") else ""
    return _SLOW_FIRST.index(folder) if folder in _SLOW_FIRST else len(_SLOW_FIRST)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Puts slow folders first, and marks every test that asks for real data, so that `-m real_data` finds them all."""
    items.sort(key=_place)
    for item in items:
        if "real_data" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.real_data)


def pytest_collection_finish() -> None:
    """Spares the collector what stays to the end: thousands of tests and all that they import."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(5_000, 10, 10)


def pytest_unconfigure() -> None:
    """Gives them back, or libraries would tell of leaks at the end of the process."""
    gc.unfreeze()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Each file in one process, as `--dist loadfile` has it, and files that share what is slow to start in the same."""
    from xdist.scheduler import LoadFileScheduling  # type: ignore[import-untyped]  # it has no types

    class Together(LoadFileScheduling):  # type: ignore[misc]  # of an optional library
        def _split_scope(self, nodeid: str) -> str:
            file = str(nodeid.split("::", 1)[0])
            return "Spark" if file.endswith(_SPARK) else file

    return Together(config, log) if config.getoption("dist") == "loadfile" else None


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real data sets (`oulad/` and others); never written to."""
    folder = Path(os.environ.get("HEADWAY_TEST_DATA") or ROOT.parent / "shared" / "data")
    if not (folder / "oulad").is_dir():
        absent(f"no real data in {folder}: set HEADWAY_TEST_DATA to a folder with oulad/")
    return folder


@pytest.fixture(scope="session")
def made_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with the course of `tests.support.made`, scored as of its today. Read it; what writes works in a copy."""
    made = once(tmp_path_factory, "made-up-home", _make)
    return Path(shutil.copytree(made, tmp_path_factory.mktemp("made") / "home"))


@pytest.fixture(scope="module")
def oulad_home(real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of a home with the whole of OULAD; `report.json` in it is what the import told."""

    def make(home: Path) -> None:
        from headway import flow
        from headway.flow import open_app

        with open_app(home) as app:
            report = flow.ingest(app, "oulad", [real_data / "oulad"])
        (home / "report.json").write_text(json.dumps(report.as_json()), encoding="utf-8")

    made = once(tmp_path_factory, "oulad-home", make)
    return Path(shutil.copytree(made, tmp_path_factory.mktemp("oulad") / "home"))


def _make(home: Path) -> None:
    from headway import flow
    from headway.flow import open_app
    from tests.support import made

    with open_app(home) as app:
        made.arrive(app)
        flow.score(app, made.RUNNING, made.TODAY)
