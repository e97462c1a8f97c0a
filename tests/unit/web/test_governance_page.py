"""Governance pages: who may do what, two persons for an erasure, the audit as it is, and challenges answered."""

import hashlib
import hmac
import json
import re
from typing import Any

import pytest
import sqlalchemy as sa

from headway.flow import governance_page
from headway.flow.records import hashed
from headway.governance import accounts, approvals, challenges
from headway.governance.approvals import ERASURE, Approval
from headway.governance.scopes import Grant
from headway.scoring import pages as scored
from headway.settings import pseudonym_key
from headway.store.tables import APPROVALS, AUDIT, CHALLENGES, METADATA
from headway.web.pages.governance import TABS
from tests.support.pages import NOW, RUN, Browser, Pages

ACTS = (
    "approvals",
    "challenges",
    "audit/export",
    "audit/accept",
    "consent",
    "erasure/preview",
    "erasure/ask",
    "erasure/confirm",
)


@pytest.fixture
def two_officers(written_pages: Pages) -> tuple[Pages, Browser, Browser]:
    with written_pages.app.store.begin() as connection:
        accounts.create(connection, NOW, "cli", "second", [Grant("governance")])
    return written_pages, written_pages.client("governance"), written_pages.client("second")


def _approvals(found: Pages, kind: str) -> list[Approval]:
    with found.app.store.read() as connection:
        ids = connection.execute(sa.select(APPROVALS.c.id).where(APPROVALS.c.kind == kind)).scalars().all()
        return [approvals.get(connection, each) for each in ids]


def _rows_naming(found: Pages, learner: str) -> dict[str, int]:
    """Every table of the store in which the learner's id stands anywhere."""
    told = {}
    with found.app.store.read() as connection:
        for table in METADATA.sorted_tables:
            rows = connection.execute(sa.select(table)).mappings().all()
            told[table.name] = sum(learner.rpartition("/")[2] in repr(dict(row)) for row in rows)
    return {name: count for name, count in told.items() if count}


def _settled(client: Browser, found: Pages, tab: str) -> str:
    """The page once what takes long is there."""
    client.get("/governance", tab=tab)
    found.asgi.site.slow.get(("audit chain",), lambda: None)
    return client.get("/governance", tab=tab).text


def test_each_tab_opens_for_governance_and_for_nobody_without_the_role(pages: Pages) -> None:
    for tab in TABS:
        assert pages.client("governance").get("/governance", tab=tab).status_code == 200
        assert pages.client("scientist").get("/governance", tab=tab).status_code == 200
    for name in ("adviser", "tutor", "instructor", "learner"):
        assert pages.client(name).get("/governance").status_code == 403
    assert pages.client("").get("/governance").status_code == 303


def test_a_data_scientist_reads_and_does_nothing(pages: Pages) -> None:
    scientist = pages.client("scientist")
    for each in ACTS:
        assert scientist.post(f"/governance/{each}", reason="x").status_code == 403
    for tab in TABS:
        assert 'method="post" action="/governance' not in scientist.get("/governance", tab=tab).text


def test_nothing_waits_is_said_in_a_sentence(pages: Pages) -> None:
    assert "Nothing waits for you." in pages.client("governance").get("/governance").text


def test_what_was_asked_is_decided_with_a_reason_and_shown(written_pages: Pages) -> None:
    with written_pages.app.store.begin() as connection:
        asked = approvals.ask(connection, NOW, "account x", "proposal", "calls/week-6", "Calls in week 6.")
    officer = written_pages.client("governance")
    assert "Calls in week 6." in officer.get("/governance").text
    without = officer.post("/governance/approvals", approval=asked.id, decision="approve", reason=" ")
    assert without.status_code == 422
    assert _approvals(written_pages, "proposal")[0].status == "waiting"
    done = officer.post("/governance/approvals", approval=asked.id, decision="approve", reason="There is time for it.")
    assert done.status_code == 303
    assert _approvals(written_pages, "proposal")[0].status == "approved"
    shown = officer.get("/governance").text
    assert "There is time for it." in shown
    assert "1 decision this month" in shown


def test_whoever_asked_does_not_decide(two_officers: tuple[Pages, Browser, Browser]) -> None:
    found, first, second = two_officers
    with found.app.store.read() as connection:
        me = f"account {accounts.named(connection, 'governance').id}"
    with found.app.store.begin() as connection:
        asked = approvals.ask(connection, NOW, me, "proposal", "x", "Mine.")
    assert first.post("/governance/approvals", approval=asked.id, decision="approve", reason="Good.").status_code == 403
    assert "somebody else decides" in first.get("/governance").text
    assert second.post("/governance/approvals", approval=asked.id, decision="refuse", reason="No.").status_code == 303


def test_an_erasure_takes_two_persons_and_leaves_nothing(two_officers: tuple[Pages, Browser, Browser]) -> None:
    found, first, second = two_officers
    learner = found.learners[5]
    number = learner.rpartition("/")[2]
    preview = first.post("/governance/erasure/preview", learner=learner)
    scope = governance_page.erasure_scope(found.app, learner)
    assert f"{scope.rows:,} rows" in preview.text
    assert f"in {len(scope.tables) + bool(scope.rejects)} table" in preview.text
    assert scope.tables["predictions"] == 4
    assert first.post("/governance/erasure/ask", learner=learner, reason="In writing.").status_code == 303
    (asked,) = _approvals(found, ERASURE)
    assert asked.subject == hashed(learner)

    assert first.post("/governance/erasure/confirm", approval=asked.id, learner=learner).status_code == 403
    wrong = second.post("/governance/erasure/confirm", approval=asked.id, learner=found.learners[6])
    assert "not the id" in wrong.text
    by_decision = second.post("/governance/approvals", approval=asked.id, decision="approve", reason="Yes.")
    assert by_decision.status_code != 303
    assert _rows_naming(found, learner), "nothing was erased before the second person typed the id"

    assert second.post("/governance/erasure/confirm", approval=asked.id, learner=learner).status_code == 303
    assert _rows_naming(found, learner) == {}
    with found.app.lake.open(None, [RUN]) as records:
        for kind in ("enrolments", "statements", "attributes"):
            table = records.table(kind)
            assert len(records.collect(table.filter(table.learner == learner))) == 0
    (receipt,) = _approvals(found, ERASURE)
    assert receipt.status == "approved"
    assert f"{scope.rows - scope.rejects:,} rows" in (receipt.decision_reason or "")
    assert number not in second.get("/governance", tab="erasure").text
    assert second.post("/governance/erasure/confirm", approval=asked.id, learner=learner).status_code == 409


def test_a_reason_that_names_the_learner_is_refused(written_pages: Pages) -> None:
    learner = written_pages.learners[5]
    officer = written_pages.client("governance")
    told = f"{learner.rpartition('/')[2]} asked for it."
    assert "Leave the id out" in officer.post("/governance/erasure/ask", learner=learner, reason=told).text
    assert officer.post("/governance/erasure/preview", learner="nobody/1").status_code == 422
    assert _approvals(written_pages, ERASURE) == []


def test_the_audit_is_filtered_and_a_learner_stands_there_as_a_hash(written_pages: Pages) -> None:
    learner = written_pages.learners[0]
    with written_pages.app.store.begin() as connection:
        for number in range(60):
            _record(
                connection, "cli", "view" if number % 2 else "score", hashed(learner) if number == 7 else f"s{number}"
            )
    officer = written_pages.client("governance")
    moved = officer.get("/governance", tab="audit", learner=learner)
    assert moved.status_code == 303
    assert learner.rpartition("/")[2] not in moved.headers["location"]
    page = officer.get(moved.headers["location"]).text
    assert hashed(learner) in page
    assert len(_entries(page)) == 1
    newest = officer.get("/governance", tab="audit", action="score").text
    assert len(_entries(newest)) == 30
    everything = officer.get("/governance", tab="audit").text
    assert len(_entries(everything)) == 50
    older = re.search(r'rel="next" href="([^"]+)"', everything)
    assert older is not None
    more = _entries(officer.get(older[1].replace("&amp;", "&")).text)
    assert max(more) < min(_entries(everything))
    assert _entries(officer.get("/governance", tab="audit", since="2030-01-01").text) == []
    assert officer.get("/governance", tab="audit", since="soon").status_code == 200


def test_an_unbroken_chain_is_said_so_and_a_broken_one_named(written_pages: Pages) -> None:
    officer = written_pages.client("governance")
    assert "the chain is unbroken since" in _settled(officer, written_pages, "audit")
    with written_pages.app.store.begin() as connection:
        connection.execute(sa.update(AUDIT).where(AUDIT.c.id == 3).values(actor="nobody"))
    written_pages.asgi.site.slow.drop(("audit chain",))
    for tab in ("waiting", "audit"):
        page = _settled(officer, written_pages, tab)
        assert "The audit chain is broken at entry 3" in page
        assert 'role="alert"' in page
        assert "nobody" in page


def test_while_the_chain_is_broken_nobody_looks_at_a_learner_and_an_officer_ends_it(written_pages: Pages) -> None:
    officer, adviser = written_pages.client("governance"), written_pages.client("adviser")
    learner = f"/learners/{written_pages.learners[0].replace('/', '~')}"
    run = RUN.replace("/", "~")
    assert adviser.get(learner, run=run).status_code == 200
    with written_pages.app.store.begin() as connection:
        connection.execute(sa.update(AUDIT).where(AUDIT.c.id == 3).values(actor="nobody"))
    written_pages.asgi.site.slow.drop(("audit chain",))
    assert "Accept the break and go on" in _settled(officer, written_pages, "audit")
    assert "Accept the break" not in _settled(written_pages.client("scientist"), written_pages, "audit")
    refused = adviser.get(learner, run=run)
    assert refused.status_code == 503
    assert "The audit chain is broken at entry 3" in refused.text
    assert written_pages.new_client("adviser").get("/caseload").status_code != 500
    assert officer.post("/governance/audit/accept", entry="3", found=" ").status_code == 422
    assert officer.post("/governance/audit/accept", entry="3", found="A test of the alarm.").status_code == 303
    assert adviser.get(learner, run=run).status_code == 200
    assert "the chain is unbroken since" in _settled(officer, written_pages, "audit")
    (told,) = written_pages.audited("accept break")
    assert told["detail"] == {"reason": "A test of the alarm."}


def test_an_export_is_signed_and_audited_with_its_purpose(written_pages: Pages) -> None:
    officer = written_pages.client("governance")
    assert officer.post("/governance/audit/export", purpose=" ").status_code != 200
    answer = officer.post("/governance/audit/export", purpose="Yearly review.", action="create account")
    assert answer.headers["content-disposition"].startswith("attachment")
    *lines, last = answer.content.splitlines(keepends=True)
    entries, signed = [json.loads(line) for line in lines], json.loads(last)["signed"]
    assert len(entries) == signed["entries"] == 7
    assert {entry["action"] for entry in entries} == {"create account"}
    key = hmac.new(pseudonym_key(written_pages.app.settings), b"headway audit export", hashlib.sha256).digest()
    assert signed["signature"] == hmac.new(key, b"".join(lines), hashlib.sha256).hexdigest()
    (entry,) = written_pages.audited("export audit")
    assert entry["detail"]["purpose"] == "Yearly review."
    assert entry["detail"]["action"] == "create account"


def test_a_challenge_is_answered_and_the_raiser_may_read_it(written_pages: Pages) -> None:
    challenge = _challenged(written_pages)
    officer = written_pages.client("governance")
    page = officer.get("/governance").text
    assert "I handed it in on paper." in page
    assert officer.post("/governance/challenges", challenge=challenge, outcome="", answer="So.").status_code != 303
    missing = officer.post("/governance/challenges", challenge=challenge, outcome="agreed", answer="")
    assert missing.status_code != 303
    done = officer.post(
        "/governance/challenges", challenge=challenge, outcome="data_mended", answer="The paper was found; it counts."
    )
    assert done.status_code == 303
    with written_pages.app.store.read() as connection:
        (kept,) = challenges.of_learner(connection, written_pages.learners[0], RUN)
        assert connection.execute(sa.select(sa.func.count()).select_from(CHALLENGES)).scalar_one() == 1
    assert (kept.outcome, kept.answer) == ("data_mended", "The paper was found; it counts.")
    assert "The paper was found; it counts." in written_pages.client("learner").get("/me").text
    assert "Nothing waits for you." in officer.get("/governance").text


def test_looking_up_consent_needs_a_reason_and_is_audited(written_pages: Pages) -> None:
    learner, officer = written_pages.learners[3], written_pages.client("governance")
    assert "Say why you look" in officer.post("/governance/consent", learner=learner, reason="").text
    assert written_pages.audited("view consent") == []
    number = written_pages.number_of(learner)
    assert "May be contacted" in officer.post("/governance/consent", learner=number, reason="A complaint.").text
    (entry,) = written_pages.audited("view consent")
    assert (entry["subject"], entry["detail"]["reason"]) == (hashed(learner), "A complaint.")


def test_the_access_review_shows_every_account_with_what_it_may_see(pages: Pages) -> None:
    page = pages.client("governance").get("/governance", tab="access").text
    for name in ("adviser", "tutor", "instructor", "scientist", "learner", "elsewhere"):
        assert f"<td data-content>{name}</td>" in page
    assert "other/*" in page


def _entries(page: str) -> list[int]:
    return [int(each.replace(",", "")) for each in re.findall(r'<th scope="row" class="num">([\d,]+)</th>', page)]


def _record(connection: sa.Connection, actor: str, action: str, subject: str) -> None:
    from headway.governance import audit

    audit.record(connection, NOW, actor, action, subject, {})


def _challenged(found: Pages) -> str:
    with found.app.store.read() as connection:
        newest: Any = scored.newest(connection, RUN)
        learner = f"account {accounts.named(connection, 'learner').id}"
    with found.app.store.begin() as connection:
        return challenges.raise_(
            connection,
            NOW,
            run=RUN,
            learner=found.learners[0],
            score_run_id=newest.id,
            kind="wrong_data",
            text="I handed it in on paper.",
            by=learner,
            by_learner=True,
        ).id
