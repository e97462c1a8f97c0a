"""The audit and approvals from the command line: verified, looked through, exported, a break accepted; two persons."""

import json
from pathlib import Path
from types import SimpleNamespace

import pytest
import sqlalchemy as sa

from headway.flow import open_app
from headway.flow.audit_trail import signature
from headway.registry.registry import Registry
from headway.store.tables import AUDIT
from tests.support.command import Script, inside
from tests.support.pages import MODEL, Pages, pages_home, written_pages

__all__ = ["pages_home", "written_pages"]


@pytest.fixture
def script(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Script:
    made = Script(capsys, tmp_path / "home")
    for name, role in (("sam", "data_scientist"), ("gil", "governance"), ("eve", "governance")):
        made("account", "add", name, "--role", role)
    return made


def test_the_newest_entries_are_shown_filtered_and_exported_with_a_signature(script: Script, tmp_path: Path) -> None:
    assert [each["id"] for each in script("audit", "tail", "-n", "2")] == [2, 3]
    assert script("audit", "tail", "--action", "erase") == []
    assert script("audit", "tail", "--until", "2020-01-01") == []
    assert len(script("audit", "tail", "--since", "2020-01-01")) == 3
    out = tmp_path / "audit.jsonl"
    assert (
        inside(script.capsys, "--home", script.home, "audit", "export", "--out", out, "--purpose", " ").returncode == 2
    )
    said = inside(script.capsys, "--home", script.home, "audit", "export", "--out", out, "--purpose", "Review")
    assert (said.returncode, "3 entries" in said.stderr) == (0, True), said.stderr
    *lines, last = out.read_bytes().splitlines(keepends=True)
    with open_app(script.home) as app:
        assert json.loads(last)["signed"]["signature"] == signature(app, b"".join(lines))


def test_a_break_is_named_stops_work_and_is_accepted_by_an_officer(script: Script) -> None:
    assert script("audit", "verify")["broken"] is None
    with open_app(script.home) as app, app.store.begin() as connection:
        connection.execute(sa.update(AUDIT).where(AUDIT.c.id == 2).values(subject="x"))
    home = ("--home", script.home)
    broken = inside(script.capsys, *home, "audit", "verify", "--json")
    assert (broken.returncode, json.loads(broken.stdout)["broken"]["id"]) == (4, 2)
    assert "headway audit accept 2" in broken.stderr
    stopped = inside(script.capsys, *home, "account", "add", "ann", "--role", "adviser")
    assert (stopped.returncode, "broken at entry 2" in stopped.stderr) == (4, True)
    assert [each["name"] for each in script("account", "list")] == ["eve", "gil", "sam"]
    words = (*home, "audit", "accept", "2", "--reason", "A test.", "--as")
    assert [inside(script.capsys, *words, name).returncode for name in ("sam", "nobody", "gil", "gil")] == [4, 2, 0, 2]
    assert script("audit", "verify")["broken"] is None
    assert script("account", "add", "ann", "--role", "adviser")["name"] == "ann"


def test_a_model_is_asked_for_by_one_and_decided_by_another(
    written_pages: Pages, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    script, ref = Script(capsys, written_pages.home), MODEL
    monkeypatch.setattr(Registry, "get", lambda registry, wanted: SimpleNamespace(ref=wanted))
    home = ("--home", written_pages.home, "model")
    early = inside(capsys, *home, "approve", ref, "--reason", "Fine.", "--as", "governance")
    assert (early.returncode, "request-approval" in early.stderr) == (4, True)
    asked = script("model", "request-approval", ref, "--reason", "For the term.", "--as", "governance")
    assert asked["status"] == "waiting"
    for name, code in (("governance", 4), ("scientist", 4), ("nobody", 2)):
        assert inside(capsys, *home, "approve", ref, "--reason", "Fine.", "--as", name).returncode == code
    script("account", "add", "gil", "--role", "governance")
    decided = script("model", "refuse", ref, "--reason", "Too old.", "--as", "gil")
    assert (decided["status"], decided["decision_reason"]) == ("refused", "Too old.")
    script("model", "request-approval", ref, "--reason", "Trained anew.", "--as", "scientist")
    assert script("model", "approve", ref, "--reason", "Looked at.", "--as", "gil")["status"] == "approved"
