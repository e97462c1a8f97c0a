import re
from typing import Any

from headway.flow.people import keep_people
from headway.flow.tasks import set_no_contact
from headway.governance.vault import Person
from headway.store.tables import CONTACTS, NOTICES
from headway.web.address import slug
from tests.support.mailing import rows
from tests.support.pages import RUN, Pages


def many(pages: Pages, **more: Any) -> dict[str, Any]:
    """The form of a message to the first three, as the page sends it."""
    chosen = [slug(each) for each in pages.learners[:3]]
    letter = {
        "subject": "{course}: {thing}",
        "greeting": "Dear {name},",
        "question": "What would help?",
        "closing": "{sender}",
        "reply_to": "ann@example.org",
    }
    return {"run": slug(RUN), "learner": chosen, "to": chosen, **letter, **more}


def test_each_of_several_receives_what_the_preview_shows(mailing: Pages) -> None:
    browser = mailing.client("adviser")
    page = browser.post("/contact/preview", **many(mailing)).text
    shown = [text.strip() for text in re.findall(r'<pre class="letter" data-content>(.*?)</pre>', page, re.DOTALL)]
    assert len(shown) == 3
    asked = browser.post("/contact/send", **many(mailing))
    assert asked.status_code == 200
    assert "Type 3" in asked.text
    assert rows(mailing, NOTICES) == []
    assert browser.post("/contact/send", **many(mailing, count="2")).status_code == 400
    assert rows(mailing, NOTICES) == []
    done = browser.post("/contact/send", **many(mailing, count="3"))
    assert done.status_code == 303
    kept = rows(mailing, NOTICES)
    texts = {str(each["address"]): each["payload"]["text"] for each in kept}
    assert [texts[learner] for learner in mailing.learners[:3]] == shown
    assert all(mailing.name_of(learner) in texts[learner] for learner in mailing.learners[:3])
    (entry,) = mailing.audited("message")
    assert entry["detail"]["count"] == 3
    assert not any(learner in str(entry["detail"]) for learner in mailing.learners)
    assert all("one of 3" in str(each["note"]) for each in rows(mailing, CONTACTS))


def test_several_are_taken_back_together(mailing: Pages) -> None:
    browser = mailing.client("adviser")
    to = browser.post("/contact/send", **many(mailing, count="3")).headers["location"]
    assert "take back 3" in browser.get(to).text
    batch = to.partition("/batches/")[2].partition("?")[0]
    assert mailing.client("elsewhere").get(to).status_code in (403, 404)
    assert mailing.client("tutor").get(to).status_code == 403
    assert browser.post(f"/contact/batches/{batch}/undo", run=slug(RUN)).status_code == 303
    assert rows(mailing, NOTICES) == []
    assert rows(mailing, CONTACTS) == []


def test_who_is_left_out_receives_nothing(mailing: Pages) -> None:
    browser = mailing.client("adviser")
    first, second, third = mailing.learners[:3]
    set_no_contact(mailing.app, first)
    keep_people(mailing.app, {second: Person("Nobody Knows")})
    mailing.asgi.site.changed()
    page = browser.post("/contact/preview", **many(mailing)).text
    assert "asked not to be contacted" in page
    assert "no mail address known" in page
    assert browser.post("/contact/send", **many(mailing, count="1")).status_code == 303
    assert [row["address"] for row in rows(mailing, NOTICES)] == [third]


def test_a_place_that_nothing_fills_is_told(mailing: Pages) -> None:
    answer = mailing.client("adviser").post("/contact/preview", **many(mailing, greeting="Dear {nickname},"))
    assert answer.status_code == 400
    assert "{nickname}" in answer.text
