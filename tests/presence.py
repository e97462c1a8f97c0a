"""What to do where something that a test needs is absent: skip on a developer's machine, fail in CI."""

import os
from typing import NoReturn

import pytest


def in_ci() -> bool:
    """Whether this run is one where nothing may be skipped for want of data or services."""
    return os.environ.get("CI", "").lower() in {"1", "true", "yes"}


def absent(what: str) -> NoReturn:
    """Ends the test: `what` says what is absent and how to provide it."""
    if in_ci():
        pytest.fail(f"Absent in CI, where nothing may be skipped: {what}")
    pytest.skip(what)
