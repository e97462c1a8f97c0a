"""Where data or a service is absent, CI fails and a developer's machine skips."""

import pytest

from tests.presence import absent


def test_absence_is_a_skip_at_home(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match="no PostgreSQL"):
        absent("no PostgreSQL")


def test_absence_is_a_failure_in_ci(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="no PostgreSQL"):
        absent("no PostgreSQL")
