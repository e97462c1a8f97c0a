"""Names come from a file or not at all, are counted and never printed, and go with their learner."""

import json
from pathlib import Path

import pytest
import sqlalchemy as sa

from headway import flow
from headway.domain.errors import SourceError, UnknownName
from headway.domain.time import AsOf
from headway.flow import me, own_data
from headway.flow.caseload import task_for
from headway.flow.learner import add_note
from headway.flow.people import REASONS, count_people, forget_people, import_people
from headway.flow.records import hashed
from headway.governance import accounts, vault
from headway.governance.scopes import Grant
from headway.governance.vault import Person
from headway.settings import pseudonym_key
from headway.store.tables import GROUP_MEMBERS, METADATA, NOTICES
from tests.support.pages import NOW, RUN, Pages, pages_home, written_pages

__all__ = ["pages_home", "written_pages"]


def file_of(tmp_path: Path, *lines: str) -> Path:
    path = tmp_path / "people.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8-sig")
    return path


def named(pages: Pages) -> dict[str, Person]:
    with pages.app.store.read() as connection:
        return vault.everyone(connection, pseudonym_key(pages.app.settings))


def test_rows_are_kept_or_counted_with_line_and_reason(written_pages: Pages, tmp_path: Path) -> None:
    own, other = (learner.partition("/")[2] for learner in written_pages.learners[:2])
    path = file_of(
        tmp_path,
        "ID, Name ,group,email,zone",
        f'{own},"Özdemir, Åsa",G9,asa@example.org,Europe/London',
        ",Nobody,G1,,",
        f"{other},,G1,,",
        f"{other},Ben,G1,no-address,",
        f"{other},Ben,G1,,Mars/Base",
        f"{own},Twice,G1,,",
        "stranger,Carl,G1,,",
        f"{other},Ben,G1",
        f"{other},{'x' * 201},G1,,",
        "",
        f"{other},Ben,,,",
    )
    report = import_people(written_pages.app, path, RUN, "simulated")
    assert (report.read, report.people, report.grouped, report.unnamed) == (10, 2, 1, 0)
    assert [reason for _, reason in report.bad] == [
        *("no_id", "no_name", "bad_email", "unknown_zone", "twice", "not_in_run", "bad_row", "too_long")
    ]
    assert [line for line, _ in report.bad] == list(range(3, 11))
    assert set(report.reasons) == set(REASONS)
    people = named(written_pages)
    assert people[written_pages.learners[0]] == Person("Özdemir, Åsa", "", "asa@example.org", "", "Europe/London")
    with written_pages.app.store.read() as connection:
        of = GROUP_MEMBERS.c.learner == written_pages.learners[1]
        assert connection.execute(sa.select(GROUP_MEMBERS).where(of)).all() == [], "an empty group takes one away"
    assert "Özdemir" not in json.dumps(written_pages.audited("keep people"), default=str)


def test_a_file_that_is_wrong_as_a_whole_keeps_nothing(written_pages: Pages, tmp_path: Path) -> None:
    before = named(written_pages)
    own = written_pages.learners[0].partition("/")[2]
    bad = tmp_path / "latin.csv"
    bad.write_bytes(f"id,name\n{own},Zoe\n".encode() + "x,Åsa\n".encode("latin-1"))
    for path in (
        bad,
        file_of(tmp_path, "id,surname", f"{own},Zoe"),
        file_of(tmp_path, "id,name,name", f"{own},Zoe,Zoe"),
        tmp_path / "none.csv",
    ):
        with pytest.raises(SourceError, match="Nothing was kept"):
            import_people(written_pages.app, path, RUN, "simulated")
    with pytest.raises(UnknownName, match="simulated"):
        import_people(written_pages.app, file_of(tmp_path, "id,name", f"{own},Zoe"), RUN, "moodle")
    assert named(written_pages) == before


def test_a_dry_run_keeps_nothing(written_pages: Pages, tmp_path: Path) -> None:
    before = named(written_pages)
    own = written_pages.learners[0].partition("/")[2]
    report = import_people(
        written_pages.app, file_of(tmp_path, "id,name", f"{own},Zoe"), RUN, "simulated", dry_run=True
    )
    assert report.people == 1
    assert named(written_pages) == before


def test_counts_hold_no_name_and_a_forgotten_name_is_gone(written_pages: Pages) -> None:
    rows = {row["run"]: row for row in count_people(written_pages.app)}
    assert rows[RUN] == {"run": RUN, "learners": 60, "named": 60, "grouped": 60, "groups": 4}
    learner = written_pages.learners[0]
    assert forget_people(written_pages.app, [learner]) == 1
    assert learner not in named(written_pages)
    assert {row["run"]: row for row in count_people(written_pages.app)}[RUN]["named"] == 59
    assert written_pages.audited("forget name")[0]["subject"] == hashed(learner)


def test_erasing_a_learner_reaches_everything_that_the_pages_keep(written_pages: Pages) -> None:
    app, learner, other = written_pages.app, written_pages.learners[1], written_pages.learners[2]
    native = learner.partition("/")[2]
    for each in (learner, other):
        _touch(written_pages, each)
    full = own_data.data_of(app, learner, AsOf(NOW), hidden_notes=True)
    stored = {
        "person",
        "group_members",
        "notes",
        "challenges",
        "accounts",
        "messages",
        "objections",
        "tasks",
        "contacts",
    }
    assert {name for name in stored if not full[name]} == set(), "the export holds every kind"
    assert [note["text"] for note in full["notes"]] == [f"About {learner}"]

    flow.erase_learner(app, learner)
    with app.store.read() as connection:
        for table in METADATA.sorted_tables:
            rows = [dict(row) for row in connection.execute(sa.select(table)).mappings()]
            assert native not in json.dumps(rows, default=str), table.name
        assert learner not in vault.known(connection)
        names = [account.name for account in accounts.every(connection)]
    assert f"own {learner}" not in names
    assert f"own {other}" in names
    left = own_data.data_of(app, learner, AsOf(NOW), hidden_notes=True)
    assert {name: rows for name, rows in left.items() if rows} == {}
    kept = own_data.data_of(app, other, AsOf(NOW), hidden_notes=True)
    assert {name for name in stored if not kept[name]} == set(), "nobody else lost anything"
    assert flow.check_audit(app) == "unbroken"


def _touch(pages: Pages, learner: str) -> None:
    """Gives a learner something in every table that pages keep."""
    app = pages.app
    add_note(app, RUN, learner, f"About {learner}", visible_to_learner=False)
    score_run = pages.asgi.site.score_run(RUN)
    me.challenge_own(app, RUN, learner, score_run_id=score_run.id, kind="wrong_data", text="No", zone="UTC")
    me.object_to_use(app, learner, f"I am {learner}")
    task = task_for(app, RUN, learner, reason="To look after")
    flow.record_contact(app, task.id, "phone", "reached", note="Spoke")
    notice = {"id": learner[-30:], "channel": "email", "address": learner, "kind": "contact", "payload": {"text": "Hi"}}
    with app.store.begin() as connection:
        accounts.create(connection, NOW, "test", f"own {learner}", [Grant("learner", learner=learner)])
        rest = {"state": "pending", "attempts": 0, "next_at": NOW, "made_at": NOW}
        connection.execute(sa.insert(NOTICES), notice | rest)
