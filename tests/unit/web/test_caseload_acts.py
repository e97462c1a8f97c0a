"""What is done from the caseload: to many at once, taken back, added by hand, taken out for a purpose."""

import csv
import io
import re
from dataclasses import replace

import pytest
import sqlalchemy as sa

from headway import flow
from headway.advising import task_queries
from headway.advising.task_queries import Wanted
from headway.advising.tasks import Task
from headway.domain.errors import Conflict, InputError
from headway.flow import caseload
from headway.flow.people import keep_people
from headway.governance import accounts
from headway.governance.vault import Person
from headway.store.tables import AUDIT
from headway.web.address import slug
from headway.web.caseload_files import harmless
from tests.support.pages import RUN, Pages

HERE = slug(RUN)


def actor(pages: Pages, name: str) -> str:
    with pages.app.store.read() as connection:
        return f"account {accounts.named(connection, name).id}"


def tasks(pages: Pages, learner: str) -> list[Task]:
    with pages.app.store.read() as connection:
        return task_queries.find(connection, Wanted(runs=[RUN], statuses=None, learner=learner))


def rows(text: str) -> list[str]:
    return re.findall(r'<a id="l-([^"]+)"', text)


def done(answer_to: str) -> str:
    found = re.search(r"done=(\d+)", answer_to)
    assert found
    return found[1]


def test_a_live_task_is_found_again_and_a_new_one_is_audited(written_pages: Pages) -> None:
    app, one = written_pages.app, written_pages.learners[0]
    made = caseload.task_for(app, RUN, one, reason="No visit for 9 days")
    assert (made.rule, made.status, made.reason) == ("by_hand", "open", "No visit for 9 days")
    assert caseload.task_for(app, RUN, one, reason="something else") == made
    assert [each["subject"] for each in written_pages.audited("open_task")] == [made.id]


def test_nobody_is_put_on_the_list_who_asked_not_to_be_contacted(written_pages: Pages) -> None:
    app, one = written_pages.app, written_pages.learners[0]
    flow.set_no_contact(app, one)
    with pytest.raises(Conflict, match="asked not to be contacted"):
        caseload.task_for(app, RUN, one, reason="No visit for 9 days")
    assert tasks(written_pages, one) == []
    client = written_pages.client("adviser")
    answer = client.post("/caseload/add", run=HERE, learner=slug(one), reason="Told me of a new job")
    assert answer.status_code == 409
    two = written_pages.learners[1]
    to = client.post("/caseload/act", run=HERE, act="snooze", learner=[slug(one), slug(two)], back="/caseload")
    assert "asked not to be contacted" in to.headers["set-cookie"].replace("%20", " ")
    assert [each.snoozed_until is not None for each in tasks(written_pages, two)] == [True]
    assert tasks(written_pages, one) == []


def test_a_snooze_of_many_is_taken_back_once(written_pages: Pages) -> None:
    client = written_pages.client("adviser")
    some = [slug(each) for each in written_pages.learners[:3]]
    had = caseload.task_for(written_pages.app, RUN, written_pages.learners[0], reason="No visit for 9 days")
    answer = client.post("/caseload/act", run=HERE, act="snooze", learner=some, back=f"/caseload?run={HERE}&sort=name")
    to = answer.headers["location"]
    assert to.startswith(f"/caseload?run={HERE}&sort=name&done=")
    assert set(rows(client.get("/caseload", run=HERE, tab="snoozed").text)) == set(some)
    page = client.http.get(to).text
    assert not set(some) & set(rows(page))
    assert "Undo" in page
    # Nobody else can take it back.
    assert written_pages.client("tutor").post("/caseload/undo", run=HERE, done=done(to)).status_code == 404
    assert client.post("/caseload/undo", run=HERE, done=done(to), back="/caseload").status_code == 303
    assert rows(client.get("/caseload", run=HERE, tab="snoozed").text) == []
    assert [each.snoozed_until for each in tasks(written_pages, written_pages.learners[0])] == [None]
    assert tasks(written_pages, written_pages.learners[0])[0].id == had.id
    assert tasks(written_pages, written_pages.learners[1]) == []
    assert client.post("/caseload/undo", run=HERE, done=done(to)).status_code == 409


def test_what_changed_since_is_not_taken_back(written_pages: Pages) -> None:
    client, one = written_pages.client("adviser"), written_pages.learners[0]
    to = client.post("/caseload/act", run=HERE, act="snooze", learner=[slug(one)]).headers["location"]
    flow.assign_task(written_pages.app, tasks(written_pages, one)[0].id, "somebody")
    client.post("/caseload/undo", run=HERE, done=done(to))
    assert [(each.assignee, each.snoozed_until is None) for each in tasks(written_pages, one)] == [("somebody", False)]


def test_closing_asks_how_and_the_closed_tab_says_who(written_pages: Pages) -> None:
    client, one = written_pages.client("adviser"), written_pages.learners[0]
    assert client.post("/caseload/act", run=HERE, act="close", learner=[slug(one)]).status_code == 400
    assert tasks(written_pages, one) == []
    to = client.post("/caseload/act", run=HERE, act="close", code="wrongly_flagged", learner=[slug(one)])
    assert [each.closing_code for each in tasks(written_pages, one)] == ["wrongly_flagged"]
    text = client.get("/caseload", run=HERE, tab="closed").text
    assert rows(text) == [slug(one)]
    assert "Wrongly flagged (adviser)" in text
    assert slug(one) not in rows(client.get("/caseload", run=HERE, size=100).text)
    client.post("/caseload/undo", run=HERE, done=done(to.headers["location"]))
    assert slug(one) in rows(client.get("/caseload", run=HERE, size=100).text)


def test_helped_is_not_said_of_somebody_who_was_never_contacted(written_pages: Pages) -> None:
    client, one = written_pages.client("adviser"), written_pages.learners[0]
    to = client.post("/caseload/act", run=HERE, act="close", code="helped", learner=[slug(one)])
    assert "were%20not%20contacted%20yet" in to.headers["set-cookie"]
    assert tasks(written_pages, one) == []


def test_learners_are_assigned_to_somebody_who_may_see_them(written_pages: Pages) -> None:
    client, one = written_pages.client("adviser"), written_pages.learners[0]
    stranger = actor(written_pages, "elsewhere")
    assert client.post("/caseload/act", run=HERE, act="assign", to=stranger, learner=[slug(one)]).status_code == 400
    tutor = actor(written_pages, "tutor")
    assert client.post("/caseload/act", run=HERE, act="assign", to=tutor, learner=[slug(one)]).status_code == 303
    assert [each.assignee for each in tasks(written_pages, one)] == [tutor]
    own = written_pages.client("tutor").get("/caseload", run=HERE, status="mine").text
    assert rows(own) == [slug(one)]


def test_a_tutor_acts_on_nobody_of_another_group(written_pages: Pages) -> None:
    client = written_pages.client("tutor")
    own, other = written_pages.of_group("G1")[0], written_pages.of_group("G2")[0]
    answer = client.post("/caseload/act", run=HERE, act="snooze", learner=[slug(own), slug(other)])
    assert answer.status_code == 403
    assert tasks(written_pages, own) == []
    assert tasks(written_pages, other) == []
    assert len(written_pages.audited("refuse")) == 1
    assert client.post("/caseload/add", run=HERE, learner=slug(other), reason="Told me so").status_code == 403
    assert rows(client.get("/caseload/add", run=HERE, q="a").text) == []
    assert "Find" in client.get("/caseload/add", run=HERE, q="a").text


def test_somebody_without_an_estimate_is_added_by_hand_and_stands_first(written_pages: Pages) -> None:
    client, one = written_pages.client("adviser"), written_pages.learners[-1]
    found = client.get("/caseload/add", run=HERE, q=written_pages.asgi.site.people()[one].number).text
    assert slug(one) in found
    short = client.post("/caseload/add", run=HERE, learner=slug(one), reason="x", q="a")
    assert short.status_code == 422
    assert 'aria-invalid="true"' in short.text or "thing to mend" in short.text
    to = client.post("/caseload/add", run=HERE, learner=slug(one), reason="Told me of a new job").headers["location"]
    assert f"learner={slug(one)}" in to
    text = client.get("/caseload", run=HERE).text
    assert rows(text)[0] == slug(one)
    assert "Told me of a new job" in text
    assert "Added by you" in text
    client.post("/caseload/undo", run=HERE, done=done(to))
    assert tasks(written_pages, one) == []


def test_who_raised_somebody_is_named_when_it_is_closed_by_another(written_pages: Pages) -> None:
    one = written_pages.of_group("G1")[0]
    written_pages.client("tutor").post("/caseload/add", run=HERE, learner=slug(one), reason="Was very quiet")
    client = written_pages.client("adviser")
    assert "Added by tutor" in client.get("/caseload", run=HERE).text
    client.post("/caseload/act", run=HERE, act="close", code="not_needed", learner=[slug(one)])
    assert "Tell tutor, who added them." in client.get("/caseload", run=HERE, tab="closed").text
    own = written_pages.client("tutor").get("/caseload", run=HERE, tab="closed", status="raised-by-me").text
    assert rows(own) == [slug(one)]


def test_an_export_asks_for_its_purpose_and_is_audited(written_pages: Pages) -> None:
    one = written_pages.learners[0]
    evil = Person('=HYPERLINK("http://x")', "+700", "", "")
    keep_people(written_pages.app, {one: evil})
    client = written_pages.client("adviser")
    refused = client.post("/caseload/export", run=HERE, purpose="  ", back="/caseload")
    assert refused.status_code == 422
    assert "f-purpose" in refused.text
    assert written_pages.audited("export caseload") == []
    back = f"/caseload?run={HERE}&group=G1"
    answer = client.post("/caseload/export", run=HERE, purpose="Talk with the programme lead", back=back)
    assert answer.headers["content-type"].startswith("text/csv")
    told = list(csv.reader(io.StringIO(answer.text.removeprefix("\ufeff"))))
    assert len(told) - 1 == len(written_pages.of_group("G1"))
    assert any("Europe/London" in each for each in told[0])
    assert "Order" not in told[0]
    assert [line[:2] for line in told if "HYPERLINK" in line[1]] == [["'+700", '\'=HYPERLINK("http://x")']]
    (entry,) = written_pages.audited("export caseload")
    assert entry["actor"] == actor(written_pages, "adviser")
    assert entry["detail"]["purpose"] == "Talk with the programme lead"
    assert entry["detail"]["learners"] == len(told) - 1
    tutor = written_pages.client("tutor")
    own = tutor.post("/caseload/export", run=HERE, purpose="Talk with the programme lead", back=f"/caseload?run={HERE}")
    assert len(list(csv.reader(io.StringIO(own.text)))) - 1 == len(written_pages.of_group("G1"))


@pytest.mark.parametrize("text", ["=1", "+1", "-1", "@a", "\t=1", " =1"])
def test_no_cell_is_a_formula(text: str) -> None:
    assert harmless(text) == f"'{text}"


def test_the_sheet_is_a_pdf_and_audited(written_pages: Pages, monkeypatch: pytest.MonkeyPatch) -> None:
    pages: list[str] = []

    def made(html: str) -> bytes:
        pages.append(html)
        return b"%PDF-"

    monkeypatch.setattr("headway.reports.pdf.pdf_of", made)
    answer = written_pages.client("tutor").get("/caseload/sheet.pdf", run=HERE)
    assert answer.headers["content-type"] == "application/pdf"
    assert "Confidential" in pages[0]
    assert "printed by tutor" in pages[0]
    people = written_pages.asgi.site.people()
    assert people[written_pages.of_group("G1")[0]].name in pages[0]
    assert people[written_pages.of_group("G2")[0]].name not in pages[0]
    assert len(written_pages.audited("print caseload")) == 1


def test_the_audit_names_no_learner(written_pages: Pages) -> None:
    client, one = written_pages.client("adviser"), written_pages.learners[0]
    client.post("/caseload/act", run=HERE, act="close", code="not_needed", learner=[slug(one)])
    client.post("/caseload/add", run=HERE, learner=slug(written_pages.learners[1]), reason="Told me so")
    with written_pages.app.store.read() as connection:
        told = [str(dict(row)) for row in connection.execute(sa.select(AUDIT)).mappings()]
    assert not [entry for entry in told if one in entry or written_pages.learners[1] in entry]


def test_an_act_on_too_many_or_nobody_changes_nothing(written_pages: Pages) -> None:
    client = written_pages.client("adviser")
    assert client.post("/caseload/act", run=HERE, act="snooze").status_code == 400
    visitor = replace(written_pages.app, actor="account x")
    with pytest.raises(InputError, match="at most 500"):
        caseload.act_on(visitor, RUN, {f"x/{place}": "No visit" for place in range(501)}, "snooze")
