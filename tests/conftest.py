"""Fixtures for every test: where real data lies, and how Hypothesis searches."""

import os
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.presence import absent, in_ci

ROOT = Path(__file__).resolve().parents[1]

# How long an example takes depends on the machine, so no profile has a deadline.
_UNHURRIED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("dev", _UNHURRIED)
settings.register_profile("ci", _UNHURRIED, derandomize=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci" if in_ci() else "dev"))


def pytest_collection_modifyitems(items: Sequence[pytest.Item]) -> None:
    """Marks every test that asks for real data, so that `-m real_data` finds them all."""
    for item in items:
        if "real_data" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.real_data)


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
    from headway import flow
    from headway.flow import open_app
    from tests.support import made

    home = tmp_path_factory.mktemp("made") / "home"
    with open_app(home) as app:
        made.arrive(app)
        flow.score(app, made.RUNNING, made.TODAY)
    return home
