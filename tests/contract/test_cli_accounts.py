"""Accounts and names from the command line: passwords never in an option, names never printed."""

import io
import json
from pathlib import Path
from typing import Any

import pytest

from headway.flow import open_app
from headway.flow.accounts import FIRST, first_account, new_password
from headway.governance import accounts
from headway.governance.scopes import Grant
from tests.support.command import Script, inside
from tests.support.pages import RUN, Pages, pages_home, written_pages

__all__ = ["pages_home", "written_pages"]


@pytest.fixture
def script(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Script:
    return Script(capsys, tmp_path / "home")


def signs_in(home: Path, name: str, password: str) -> bool:
    with open_app(home) as app, app.store.begin() as connection:
        return accounts.check_password(connection, app.clock.now(), name, password) is not None


def test_a_password_is_made_and_told_once(script: Script) -> None:
    made = script("account", "add", "Ann", "--role", "adviser,tutor", "--group", "G1", "--run", "x/*")
    assert made["name"] == "ann"
    assert made["grants"] == ["adviser of x/*, group G1", "tutor of x/*, group G1"]
    assert signs_in(script.home, "ann", made["password"])
    assert made["password"] not in json.dumps(script("account", "list"))
    assert len({new_password() for _ in range(100)}) == 100


def test_a_password_comes_from_stdin_and_from_no_option(
    script: Script, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("correct horse battery\n"))
    made = script("account", "add", "kim", "--role", "governance", "--password-stdin")
    assert "password" not in made
    assert signs_in(script.home, "kim", "correct horse battery")
    monkeypatch.setattr("sys.stdin", io.StringIO("short\n"))
    short = inside(capsys, "--home", script.home, "account", "password", "kim", "--password-stdin")
    assert (short.returncode, "12 to 1000" in short.stderr) == (2, True)
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    assert inside(capsys, "--home", script.home, "account", "password", "kim", "--password-stdin").returncode == 2
    assert signs_in(script.home, "kim", "correct horse battery")
    refused = inside(capsys, "--home", script.home, "account", "password", "kim", "--password", "correct horse")
    assert refused.returncode == 2


def test_an_account_is_granted_more_disabled_and_taken_back(script: Script, capsys: pytest.CaptureFixture[str]) -> None:
    first = script("account", "add", "ann", "--role", "adviser")["password"]
    more = script("account", "grant", "ann", "--role", "tutor", "--group", "G1", "--group", "G2")
    assert more["grants"] == ["adviser of *", "tutor of *, group G1", "tutor of *, group G2"]
    assert script("account", "grant", "ann", "--role", "governance", "--instead")["grants"] == ["governance of *"]
    assert script("account", "disable", "ann")["disabled_at"] is not None
    assert not signs_in(script.home, "ann", first)
    assert script("account", "disable", "ann", "--undo")["disabled_at"] is None
    with open_app(script.home) as app, app.store.begin() as connection:
        accounts.start(connection, app.clock.now(), accounts.named(connection, "ann"))
    assert script("account", "sessions", "end", "ann") == {"account": "ann", "ended": 1}
    new = script("account", "password", "ann")["password"]
    assert [signs_in(script.home, "ann", each) for each in (first, new)] == [False, True]
    missing = inside(capsys, "--home", script.home, "account", "disable", "anne")
    assert (missing.returncode, "Did you mean 'ann'?" in missing.stderr) == (2, True)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--role", "advisor"], "Did you mean 'adviser'"),
        (["--role", "tutor"], "given a group"),
        (["--role", "learner"], "which learner it is about"),
    ],
    ids=["role", "tutor", "learner"],
)
def test_grants_that_mean_nothing_are_refused(
    script: Script, capsys: pytest.CaptureFixture[str], words: list[str], told: str
) -> None:
    refused = inside(capsys, "--home", script.home, "account", "add", "ann", *words)
    assert refused.returncode == 2
    assert told in refused.stderr
    assert script("account", "list") == []


def test_the_first_account_is_made_once_and_only_where_there_is_none(tmp_path: Path) -> None:
    with open_app(tmp_path / "home") as app:
        password = first_account(app)
        assert password is not None
        assert first_account(app) is None
    assert signs_in(tmp_path / "home", FIRST, password)
    with open_app(tmp_path / "other") as app:
        with app.store.begin() as connection:
            accounts.create(connection, app.clock.now(), "test", "ann", [Grant("adviser")])
        assert first_account(app) is None


def test_names_come_in_and_never_out(written_pages: Pages, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    own = written_pages.learners[0]
    path = tmp_path / "people.csv"
    path.write_text(f"id,name,group\n{own.partition('/')[2]},Zebedee Quux,G7\nstranger,Carl,G1\n", encoding="utf-8")
    words = ("people", "import", path, "--run", RUN, "--source", "simulated")
    told: list[Any] = []
    for more in (("--dry-run",), ()):
        said = inside(capsys, "--home", written_pages.home, *words, *more, "--json")
        assert said.returncode == 0, said.stderr
        assert "people.csv:3: nobody of this id is enrolled" in said.stderr
        told.append(json.loads(said.stdout))
    assert [each["dry_run"] for each in told] == [True, False]
    assert told[1]["reasons"] == {"not_in_run": 1}
    listed = inside(capsys, "--home", written_pages.home, "people", "list")
    assert "60" in listed.stdout
    for said in (listed, inside(capsys, "--home", written_pages.home, *words)):
        assert "Zebedee" not in said.stdout + said.stderr
    refused = inside(capsys, "--home", written_pages.home, "people", "forget", own, "--confirm", "another")
    assert refused.returncode == 2
    forgotten = Script(capsys, written_pages.home)("people", "forget", own, "--confirm", own)
    assert forgotten == {"learner": own, "forgotten": 1}
