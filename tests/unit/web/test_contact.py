import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from headway.advising import task_queries
from headway.advising.messages import Message, unfit_words
from headway.domain.errors import Conflict, InputError, ServiceRefused
from headway.flow import contact as flow
from headway.flow.contact import Outgoing
from headway.flow.notices import send_notices
from headway.flow.people import keep_people
from headway.flow.records import hashed
from headway.flow.tasks import set_no_contact
from headway.governance.vault import Person
from headway.notifications import mail
from headway.store.tables import CONTACTS, NOTICES, TASKS
from headway.web.address import slug
from tests.support.mailing import NOON, at, path, rows
from tests.support.pages import NOW, RUN, Browser, Pages


def write(browser: Browser, learner: str, **fields: str) -> str:
    told: dict[str, Any] = {
        "subject": "DS101: week 5",
        "body": "Hello. What would help?",
        "reply_to": "ann@example.org",
    } | fields
    answer = browser.post(path(learner, "/send"), run=slug(RUN), **told)
    assert answer.status_code == 303, answer.text
    return str(answer.headers["location"])


def outgoing(learner: str) -> Outgoing:
    return Outgoing(learner, Message("Week 5", "What would help?"), "ann@example.org", "Europe/London", "No visit")


def test_the_phone_comes_first_and_names_one_thing_with_a_day(pages: Pages) -> None:
    things = []
    for learner in pages.learners[:4]:
        text = pages.client("adviser").get(path(learner), run=slug(RUN)).text
        assert pages.name_of(learner) in text
        assert 'aria-current="page">Phone' in text
        assert "does not know about illness" in text
        said = re.findall(r"<li>(.+?)</li>", text[text.index('class="script"') :])[:4]
        assert said[2] == "What would help?"
        things.append(said[1])
    assert "I noticed that you have not been in the course yet." in things
    assert any(re.search(r" \d{1,2} (Aug|Sept)", each) for each in things)


def test_the_preview_is_what_is_sent(mailing: Pages) -> None:
    learner, browser = mailing.learners[0], mailing.client("adviser")
    page = browser.get(path(learner), run=slug(RUN), channel="message").text
    body = re.search(r'<textarea id="f-body"[^>]*>(.*?)</textarea>', page, re.DOTALL)
    shown = re.search(r'<pre class="letter" data-content>(.*?)</pre>', page, re.DOTALL)
    subject = re.search(r'id="f-subject" name="subject" type="text" value="([^"]+)"', page)
    assert body
    assert shown
    assert subject
    assert body[1].strip() == shown[1].strip()
    write(browser, learner, subject=subject[1], body=body[1])
    (notice,) = rows(mailing, NOTICES)
    payload = notice["payload"]
    assert isinstance(payload, dict)
    assert payload["text"] == shown[1].strip()
    assert payload["subject"] == subject[1]
    sent = mail.message(payload, "headway@x.org", "p0@example.org", "n", NOW)
    assert sent.get_content().strip() == shown[1].strip()
    assert sent["Reply-To"] == "ann@example.org"


def test_a_message_can_be_taken_back_for_thirty_seconds(mailing: Pages) -> None:
    learner, browser = mailing.learners[0], mailing.client("adviser")
    write(browser, learner)
    (notice,) = rows(mailing, NOTICES)
    assert notice["next_at"] == NOON + timedelta(seconds=30)
    assert len(rows(mailing, CONTACTS)) == 1
    at(mailing, NOON + timedelta(seconds=29))
    assert "Undo" in browser.get(path(learner), run=slug(RUN)).text
    answer = browser.post(path(learner, "/undo"), run=slug(RUN), notice=str(notice["id"]))
    assert answer.status_code == 303
    assert rows(mailing, NOTICES) == []
    assert rows(mailing, CONTACTS) == []
    assert {row["status"] for row in rows(mailing, TASKS)} == {"open"}
    assert [len(mailing.audited(action)) for action in ("message", "take_back_message")] == [1, 1]


def test_it_cannot_be_taken_back_after_that(mailing: Pages) -> None:
    learner, browser = mailing.learners[0], mailing.client("adviser")
    write(browser, learner)
    (notice,) = rows(mailing, NOTICES)
    at(mailing, NOON + timedelta(seconds=30))
    assert "Undo" not in browser.get(path(learner), run=slug(RUN)).text
    assert browser.post(path(learner, "/undo"), run=slug(RUN), notice=str(notice["id"])).status_code == 409
    assert len(rows(mailing, NOTICES)) == len(rows(mailing, CONTACTS)) == 1


def test_it_leaves_by_day_and_to_where_the_vault_says(mailing: Pages, monkeypatch: pytest.MonkeyPatch) -> None:
    learner, sent = mailing.learners[0], []
    monkeypatch.setattr(mail, "send", lambda message, *_: sent.append(message))
    write(mailing.client("adviser"), learner)
    send_notices(mailing.app)
    assert sent == []
    send_notices(at(mailing, NOON + timedelta(seconds=31)))
    assert [message["To"] for message in sent] == ["p0@example.org"]
    assert "p0@example.org" not in str(rows(mailing, NOTICES))
    assert "Sent on" in mailing.client("adviser").get(path(learner), run=slug(RUN)).text


def test_at_night_it_waits_for_the_morning(mailing: Pages) -> None:
    keep_people(mailing.app, {mailing.learners[0]: Person("Ada", "1", "ada@x.org", "", "America/Sao_Paulo")})
    at(mailing, datetime(2025, 9, 9, 0, 30, tzinfo=UTC))
    write(mailing.client("adviser"), mailing.learners[0])
    (notice,) = rows(mailing, NOTICES)
    assert notice["next_at"] == datetime(2025, 9, 9, 11, tzinfo=UTC)


def test_what_cannot_be_sent_stays_as_a_draft_and_is_no_contact(
    mailing: Pages, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise ServiceRefused("The mail server refuses the receiver (550).", "550")

    monkeypatch.setattr(mail, "send", refuse)
    learner, browser = mailing.learners[0], mailing.client("adviser")
    write(browser, learner)
    send_notices(at(mailing, NOON + timedelta(minutes=1)))
    assert rows(mailing, CONTACTS) == []
    text = browser.get(path(learner), run=slug(RUN)).text
    assert "Not sent: kept as a draft" in text
    assert "550" in text
    (draft,) = rows(mailing, NOTICES)
    monkeypatch.setattr(mail, "send", lambda *_: None)
    assert browser.post(path(learner, "/again"), run=slug(RUN), notice=str(draft["id"])).status_code == 303
    assert len(rows(mailing, CONTACTS)) == 1
    assert send_notices(at(mailing, NOON + timedelta(minutes=2))).sent == 1


def test_without_a_mail_server_nothing_is_said_to_be_sent(written_pages: Pages) -> None:
    learner, browser = written_pages.learners[0], written_pages.client("adviser")
    assert "No mail server is set up here" in browser.get(path(learner), run=slug(RUN), channel="message").text
    write(browser, learner)
    assert rows(written_pages, CONTACTS) == []
    assert "kept as a draft" in browser.get(path(learner), run=slug(RUN)).text


def test_whoever_asked_not_to_be_contacted_is_not(mailing: Pages) -> None:
    learner, browser = mailing.learners[0], mailing.client("adviser")
    set_no_contact(mailing.app, learner)
    answer = browser.get(path(learner), run=slug(RUN))
    assert answer.status_code == 409
    assert "asked not to be contacted" in answer.text
    assert browser.post(path(learner, "/send"), run=slug(RUN), subject="a", body="b").status_code == 409
    with pytest.raises(Conflict):
        flow.send(mailing.app, RUN, [outgoing(mailing.learners[1]), outgoing(learner)])
    assert rows(mailing, NOTICES) == []
    assert rows(mailing, CONTACTS) == []


def test_a_wish_not_to_be_contacted_that_comes_meanwhile_holds(mailing: Pages, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[object] = []
    monkeypatch.setattr(mail, "send", lambda message, *_: sent.append(message))
    write(mailing.client("adviser"), mailing.learners[0])
    set_no_contact(mailing.app, mailing.learners[0])
    send_notices(at(mailing, NOON + timedelta(minutes=1)))
    assert sent == []


def test_erasing_a_learner_erases_what_waits_to_be_sent(mailing: Pages) -> None:
    first, second = mailing.learners[:2]
    browser = mailing.client("adviser")
    write(browser, first)
    write(browser, second)
    with mailing.app.store.begin() as connection:
        task_queries.erase(connection, first)
    assert [row["address"] for row in rows(mailing, NOTICES)] == [second]
    assert first not in str(rows(mailing, CONTACTS)) + str(rows(mailing, TASKS))


def test_a_label_is_not_sent(mailing: Pages) -> None:
    learner, browser = mailing.learners[0], mailing.client("adviser")
    fields: dict[str, Any] = {
        "subject": "Hello",
        "reply_to": "ann@example.org",
        "body": "You were identified as at risk.",
    }
    answer = browser.post(path(learner, "/send"), run=slug(RUN), **fields)
    assert answer.status_code == 400
    assert "labels the person" in answer.text
    assert "You were identified as at risk." in answer.text
    assert rows(mailing, NOTICES) == []


@pytest.mark.parametrize("reply_to", ["", "ann", "a@x.org, b@y.org", "a@x.org\nBcc: b@y.org", "a@x.org\r\nX: 1"])
def test_no_header_is_smuggled_in_by_an_address(mailing: Pages, reply_to: str) -> None:
    fields: dict[str, Any] = {"subject": "Hello", "body": "Hi", "reply_to": reply_to}
    answer = mailing.client("adviser").post(path(mailing.learners[0], "/send"), run=slug(RUN), **fields)
    assert answer.status_code == 400
    assert rows(mailing, NOTICES) == []


def test_no_header_is_smuggled_in_by_a_subject_or_a_receiver(mailing: Pages) -> None:
    bad = replace(outgoing(mailing.learners[0]), message=Message("Hi\nBcc: b@y.org", "text"))
    with pytest.raises(InputError):
        flow.send(mailing.app, RUN, [bad])
    payload = {"subject": "Hi\r\nBcc: b@y.org", "text": "t", "reply_to": "a@x.org"}
    assert mail.message(payload, "h@x.org", "b@x.org", "n", NOW)["Bcc"] is None
    for receiver in ("b@x.org\nBcc: c@x.org", "b@x.org, c@x.org"):
        with pytest.raises(ServiceRefused):
            mail.message(payload, "h@x.org", receiver, "n", NOW)


def test_an_outcome_is_saved_closed_and_taken_back(written_pages: Pages) -> None:
    learner, browser = written_pages.learners[0], written_pages.client("adviser")
    fields: dict[str, Any] = {
        "outcome": "reached",
        "channel": "phone",
        "code": "helped",
        "note": "Will hand in",
        "follow_up_on": "",
    }
    assert browser.post(path(learner), run=slug(RUN), **fields).status_code == 303
    ((contact,), (task,)) = rows(written_pages, CONTACTS), rows(written_pages, TASKS)
    assert (contact["outcome"], contact["note"], task["closing_code"]) == ("reached", "Will hand in", "helped")
    told: dict[str, Any] = {"task": str(task["id"]), "contact": str(contact["id"])}
    assert browser.post(path(learner, "/undo"), run=slug(RUN), **told).status_code == 303
    assert rows(written_pages, CONTACTS) == []
    assert rows(written_pages, TASKS)[0]["status"] == "open"


def test_what_was_typed_stays_when_something_is_wrong(written_pages: Pages) -> None:
    learner, browser = written_pages.learners[0], written_pages.client("adviser")
    answer = browser.post(path(learner), run=slug(RUN), note="Keep me", follow_up_on="2020-01-01", outcome="")
    assert answer.status_code == 400
    assert "Keep me" in answer.text
    assert "in the past" in answer.text
    assert 'href="#f-outcome"' in answer.text


def test_only_advisers_and_the_own_tutor_write(written_pages: Pages) -> None:
    own, other = written_pages.of_group("G1")[0], written_pages.of_group("G2")[0]
    tutor = written_pages.client("tutor")
    assert tutor.get(path(own), run=slug(RUN)).status_code == 200
    assert tutor.get(path(other), run=slug(RUN)).status_code == 403
    for name in ("instructor", "scientist", "governance", "learner", "elsewhere"):
        assert written_pages.client(name).get(path(own), run=slug(RUN)).status_code == 403
    fields: dict[str, Any] = {"run": slug(RUN), "learner": [slug(own), slug(other)]}
    answer = tutor.post("/contact/preview", **fields)
    assert answer.status_code == 403
    assert written_pages.name_of(other) not in answer.text
    assert any(entry["subject"] == hashed(other) for entry in written_pages.audited("refuse"))


def test_no_page_of_ours_has_a_word_that_labels(pages: Pages) -> None:
    browser = pages.client("adviser")
    for learner in pages.learners[:10]:
        text = browser.get(path(learner), run=slug(RUN), channel="message").text
        body = re.search(r'<pre class="letter" data-content>(.*?)</pre>', text, re.DOTALL)
        assert body
        assert unfit_words(body[1]) == ()
