"""What messages say, and that nothing in them can be more than text."""

import json
from datetime import UTC, date, datetime
from html.parser import HTMLParser
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st
from icalendar import Calendar
from standardwebhooks import Webhook

from headway.advising.wording import DOES_NOT_KNOW, SMOKE_ALARM
from headway.domain.errors import ConfigError
from headway.notifications import mail, post
from headway.notifications.calendar import calendar
from headway.notifications.news import MOST_ITEMS, OPENED, Item, News

NOW = datetime(2026, 3, 9, 7, 30, tzinfo=UTC)
WORDS = (SMOKE_ALARM, DOES_NOT_KNOW)


def item(number: int = 1, **changes: object) -> Item:
    given_: dict[str, object] = {
        "task": f"{number:08d}-0000",
        "run": "s/c/1",
        "learner": f"s/{number}",
        "list": "Reach out",
        "reason": "2 assessments not handed in",
        "opened_at": NOW,
        "link": f"https://headway.example.org/tasks/{number:08d}-0000",
    }
    return Item(**(given_ | changes))  # type: ignore[arg-type]  # fields as keywords


def news(*items: Item, **more: object) -> News:
    return News(OPENED, NOW, items or (item(1), item(2, list="Check in")), words=WORDS, **more)  # type: ignore[arg-type]  # fields as keywords


class Seen(HTMLParser):
    """The tags, the links and the text of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str | None] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [value for name, value in attrs if name == "href"]

    def handle_data(self, data: str) -> None:
        self.text += data


def test_a_digest_says_the_same_as_text_and_as_html() -> None:
    written = mail.written(news(notes=["s/c/1: No record since Monday."]))
    page = Seen(written["html"])
    assert written["subject"] == "headway: 2 learners may need contact"
    for said in ("Reach out", "Check in", "s/1 in s/c/1: 2 assessments not handed in", "No record since", *WORDS):
        assert said in written["text"]
        assert said in page.text
    assert page.links == [item(1).link, item(2).link]
    assert "script" not in page.tags


@given(st.text(max_size=40))
def test_whatever_a_reason_holds_is_text(text: str) -> None:
    written = mail.written(news(item(reason=f"<script>{text}</script>&\"'")))
    assert Seen(written["html"]).tags.count("script") == 0
    told = post.slack(news(item(reason=f"<!channel> {text}", learner="<@U1>")))
    assert "<!channel>" not in json.dumps(told)
    assert "<@U1>" not in json.dumps(told)
    card = post.teams(news(item(reason=f"[x](http://evil) {text}")))
    assert "[x](http://evil)" not in json.dumps(card)


def test_a_subject_cannot_add_headers() -> None:
    payload = {"subject": "hello\r\nBcc: all@x.org", "text": "t", "html": "<p>t</p>"}
    made = mail.message(payload, "a@x.org", "b@x.org", "n1", NOW)
    assert made["Bcc"] is None
    assert made["Subject"] == "hello Bcc: all@x.org"
    assert made["Message-ID"] == "<n1@headway>"


def test_long_lists_are_cut_and_say_so() -> None:
    many = news(*(item(number) for number in range(MOST_ITEMS + 7)))
    assert "… and 7 more." in mail.written(many)["text"]
    assert "more." in json.dumps(post.slack(many), ensure_ascii=False)
    assert all(len(block.get("text", {}).get("text", "")) <= 3_000 for block in post.slack(many)["blocks"])
    assert len(post.slack(many)["blocks"]) <= 50
    assert "… and 7 more." in json.dumps(post.teams(many), ensure_ascii=False)


def test_a_webhook_holds_pseudonyms_reasons_and_links_and_no_more() -> None:
    told = news(item()).as_json()
    (task,) = told["data"]["tasks"]
    assert set(task) == {"task", "run", "learner", "list", "reason", "opened_at", "link"}
    assert told["type"] == "tasks.opened"
    assert told["data"]["please_note"] == list(WORDS)


def test_a_signature_is_that_of_the_standard() -> None:
    """The example of the specification's reference libraries."""
    secret, at = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", datetime.fromtimestamp(1614265330, UTC)
    headers = post.signed(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", at, '{"test": 2432232314}')
    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    assert headers["webhook-timestamp"] == "1614265330"


def test_a_signature_can_be_verified_and_tampering_is_seen() -> None:
    secret, body = "whsec_" + "c2VjcmV0" * 6, post.body_of(news().as_json())
    headers = post.signed(secret, "n1", datetime.now(UTC), body)
    assert Webhook(secret).verify(body, headers)["type"] == "tasks.opened"
    with pytest.raises(Exception, match="No matching signature"):
        Webhook(secret).verify(body.replace("s/1", "s/2"), headers)


@pytest.mark.parametrize("secret", ["whsec_é", "whsec_a"])
def test_a_secret_that_is_none_is_named(secret: str) -> None:
    with pytest.raises(ConfigError, match="headway notice secret"):
        post.signed(secret, "n1", NOW, "{}")


def test_a_calendar_has_an_entry_for_each_follow_up() -> None:
    due = item(2, follow_up_on=date(2026, 3, 12), reason="Line one\nDTSTART:19990101")
    text = calendar([item(1), due], NOW)
    found = Calendar.from_ical(text)
    (event,) = found.walk("VEVENT")
    assert event["uid"] == "00000002-0000@headway"
    assert event.decoded("dtstart") == date(2026, 3, 12)
    assert event["summary"] == "Reach out: s/2"
    assert event["transp"] == "TRANSPARENT"
    assert all(len(line) <= 75 for line in text.split(b"\r\n"))
    assert calendar([due, item(1)], NOW) == text


def test_html_is_well_formed() -> None:
    page = mail.written(news(item(reason="5 < 7 & more")))["html"].replace('<meta charset="utf-8">', "")
    ElementTree.fromstring(page.removeprefix("<!doctype html>"))
