"""The commands that serve: they say where the pages are, make the first account once, and take the next free port."""

import json
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from headway.domain.errors import ConfigError
from headway.flow import App, open_app
from headway.governance import accounts
from headway.server import run
from tests.support.command import inside


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the command asks of the server, which does not start but says that it listens."""
    kept: dict[str, Any] = {}

    def serve(app: App, host: str, port: int, log_level: str, *, ready: Callable[[int], None], **more: Any) -> None:
        kept.update(more, host=host, port=port, log_level=log_level, home=app.settings.home)
        ready(port or 4321)

    opened: list[str] = []

    def show(url: str) -> bool:
        opened.append(url)
        return True

    monkeypatch.setattr(run, "serve", serve)
    monkeypatch.setattr("webbrowser.open", show)
    kept["opened"] = opened
    return kept


def test_the_first_start_prints_a_password_once(
    tmp_path: Path, told: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("serve", "--home", tmp_path / "home", "--port", 0, "--json")
    first, second = inside(capsys, *words), inside(capsys, *words)
    assert json.loads(first.stdout) == json.loads(second.stdout)
    (line,) = [line for line in first.stderr.splitlines() if "The first account" in line]
    assert "password" not in second.stderr
    for said in (first, second):
        assert "The pages are at http://127.0.0.1:4321/" in said.stderr
    password = line.rsplit(" ", 1)[1]
    assert password not in first.stdout
    with open_app(tmp_path / "home") as app, app.store.begin() as connection:
        account = accounts.check_password(connection, app.clock.now(), "admin", password)
    assert account is not None
    assert account.roles == ("data_scientist", "governance")
    assert told["opened"] == []


def test_the_pages_are_opened_where_people_reach_them(
    tmp_path: Path, told: dict[str, Any], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEADWAY__SERVER__PUBLIC_URL", "https://headway.example.org/")
    said = inside(capsys, "serve", "--home", tmp_path / "home", "--open")
    assert said.returncode == 0, said.stderr
    assert told["opened"] == ["https://headway.example.org/"]


def test_whom_a_provider_lets_in_needs_no_first_account(
    tmp_path: Path, told: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / "headway.toml").write_text(
        '[server]\npublic_url = "https://headway.example.org"\n[server.oidc]\nissuer = "https://id.example.org"\n'
        'audience = "headway"\nclient_id = "pages"\n[server.oidc.page_roles.staff]\nrole = "adviser"\n',
        encoding="utf-8",
    )
    said = inside(capsys, "serve", "--home", home)
    assert said.returncode == 0, said.stderr
    assert "first account" not in said.stderr
    assert told["host"] == "127.0.0.1"


def test_a_port_that_is_taken_is_told_or_passed_over() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = int(taken.getsockname()[1])
        with pytest.raises(ConfigError, match="Choose another --port"):
            run._listening("127.0.0.1", port)
        with run._free("127.0.0.1", port) as free:
            assert int(free.getsockname()[1]) != port
