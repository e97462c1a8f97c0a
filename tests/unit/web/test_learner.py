import html
import re
from datetime import date, timedelta
from typing import Any

import httpx2
import pytest
import sqlalchemy as sa

from headway import flow
from headway.advising.wording import DOES_NOT_KNOW, frequency, tenths
from headway.domain.time import AsOf
from headway.flow.caseload import task_for
from headway.flow.learner import weeks_of
from headway.flow.records import hashed
from headway.flow.tasks import record_contact
from headway.flow.trail import Act, trail_of
from headway.store.tables import CHALLENGES, NOTES
from headway.web.address import slug
from headway.web.learner_trail import act_row
from headway.web.words import Words
from tests.support.pages import NOW, RUN, Browser, Pages

ZONE = "Europe/London"
PAGES = ("", "/drawer", "/trail", "/explained", "/challenge", "/report.pdf")


def shown(browser: Browser, learner: str, rest: str = "", **query: Any) -> httpx2.Response:
    return browser.get(f"/learners/{slug(learner)}{rest}", run=slug(RUN), **query)


def text_of(answer: httpx2.Response) -> str:
    assert answer.status_code == 200, answer.text
    return html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]*>", "", answer.text)))


def busy_with(pages: Pages, verb: str = "viewed") -> str:
    """A learner of whom such an act is known now, and more of whom will be known later."""
    for learner in pages.of_group("G1"):
        now, later = (trail_of(pages.app, RUN, learner, at) for at in (AsOf(NOW), AsOf.at("2026-01-01")))
        if verb in now.acts["verb"].to_pylist() and len(now) < len(later):
            return learner
    raise AssertionError(f"nobody has {verb} anything")


def whole(browser: Browser, learner: str, **query: str) -> str:
    """The page's text once the trail has been read."""
    for _ in range(100):
        answer = shown(browser, learner, **query)
        if "/trail?" not in answer.text.partition("hand-ins")[0].rpartition('id="trail"')[2][:200]:
            return answer.text
        shown(browser, learner, "/trail", **query)
        browser.get(f"/learners/{slug(learner)}/trail", htmx=True, run=slug(RUN), **query)
    raise AssertionError("the trail was never read")


def sunday(week: int) -> str:
    return (date(2025, 8, 4) + timedelta(days=7 * week - 1)).isoformat()


@pytest.mark.parametrize("rest", PAGES)
def test_a_learner_of_another_group_is_refused_and_that_is_audited(pages: Pages, rest: str) -> None:
    stranger = pages.of_group("G2")[1]
    before = len(pages.audited("refuse"))
    answer = shown(pages.client("tutor"), stranger, rest)
    assert answer.status_code == 403
    assert pages.name_of(stranger) not in answer.text
    assert len(pages.audited("refuse")) == before + 1
    assert pages.audited("refuse")[-1]["subject"] == hashed(stranger)
    assert shown(pages.client("elsewhere"), stranger, rest).status_code == 403
    assert shown(pages.client("learner"), stranger, rest).status_code == 403


@pytest.mark.parametrize("rest", PAGES)
def test_nobody_of_this_name_is_not_found(pages: Pages, rest: str) -> None:
    assert shown(pages.client("adviser"), "simulated/nobody", rest).status_code == 404


def test_who_was_erased_is_gone(written_pages: Pages) -> None:
    gone = written_pages.learners[3]
    flow.erase_learner(written_pages.app, gone)
    for rest in PAGES:
        assert shown(written_pages.client("adviser"), gone, rest).status_code == 410, rest


def test_the_page_says_what_was_kept_and_what_the_record_does_not_know(pages: Pages) -> None:
    learner = pages.learners[0]
    said = weeks_of(pages.app, RUN, learner, AsOf(NOW))[-1].prediction
    assert said.risk is not None
    assert said.low is not None
    assert said.high is not None
    text = text_of(shown(pages.client("adviser"), learner))
    assert frequency(said.risk, said.low, said.high, "does_not_finish") in text
    assert DOES_NOT_KNOW in text
    assert all(reason.text in text for reason in said.reasons)
    assert "▲" in text
    assert "▽" in text
    assert "Challenge this prediction" in text
    assert "no trial yet" in text
    assert not re.search(r"0\.\d\d|\d%? risk", text)


def test_the_table_of_the_chart_holds_the_kept_predictions(pages: Pages) -> None:
    learner = pages.of_group("G1")[2]
    weeks = weeks_of(pages.app, RUN, learner, AsOf(NOW))
    assert [week.score_run.as_of.day(ZONE).isoformat() for week in weeks] == [sunday(week) for week in (2, 3, 4, 5)]
    table = re.search(r"<tbody>(.*?)</tbody>", shown(pages.client("tutor"), learner).text, re.DOTALL)
    assert table is not None
    told = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row) for row in re.findall(r"<tr>(.*?)</tr>", table[1])]
    kept = [week.prediction for week in weeks]
    assert [row[2] for row in told] == [tenths(each.risk or 0, each.low or 0, each.high or 0) for each in kept]
    assert [row[0] for row in told] == ["2", "3", "4", "5"]
    assert [row[3] for row in told] == [str(each.comparable) for each in kept]


def test_too_early_is_said_with_why_and_without_a_number(pages: Pages) -> None:
    early = pages.learners[-1]
    text = text_of(shown(pages.client("adviser"), early))
    assert "Too early to say" in text
    assert "fewer than 50 comparable past learners" in text
    assert "in 10" not in text.replace("10 in 10", "").replace("0 in 10", "").replace("5 in 10", "")


def test_an_earlier_week_is_as_it_was_kept_and_nothing_later_is_shown(pages: Pages) -> None:
    learner, adviser = busy_with(pages), pages.client("adviser")
    then = AsOf.at(sunday(3), ZONE)
    week = weeks_of(pages.app, RUN, learner, then)[-1]
    assert week.score_run.as_of == then
    page = whole(adviser, learner, as_of=sunday(3))
    said = week.prediction
    assert frequency(said.risk or 0, said.low or 0, said.high or 0, "does_not_finish") in html.unescape(page)
    later = weeks_of(pages.app, RUN, learner, AsOf(NOW))[-1].prediction
    for reason in {each.text for each in later.reasons} - {each.text for each in said.reasons}:
        assert reason not in page
    moments = [AsOf.at(each).day(ZONE) for each in re.findall(r'<tr><td>.*?<time datetime="([^"]+)"', page)]
    assert moments
    assert max(moments) <= date.fromisoformat(sunday(3))
    assert "Contact " + pages.name_of(learner) not in page
    assert "As it was at the end of" in page


def test_a_day_in_the_future_is_now(pages: Pages) -> None:
    learner = pages.learners[1]
    page = whole(pages.client("adviser"), learner, as_of="2025-09-28")
    assert "As it was at the end of" not in page
    assert shown(pages.client("adviser"), learner, as_of="soon").status_code == 400


@pytest.mark.parametrize(
    ("title", "thing", "kind", "shown"),
    [
        ("site/877030", "site/877030", "page", "Page 877030"),
        ("site/877030", "site/877030", "", "Other thing 877030"),
        ("Week 3: reading", "site/877030", "page", "Week 3: reading"),
        ("", "", "forum", "forum"),
    ],
)
def test_what_has_no_title_is_called_as_on_the_course_page(title: str, thing: str, kind: str, shown: str) -> None:
    act = Act(NOW, NOW.date(), True, "viewed", "", thing, title, kind, 1, None, None)
    assert act_row(act, {}, Words()).where == shown


def test_the_trail_holds_what_was_known_and_only_of_this_learner(pages: Pages) -> None:
    learner = busy_with(pages)
    trail = trail_of(pages.app, RUN, learner, AsOf(NOW))
    with pages.app.lake.open(AsOf(NOW), [RUN], kinds=["statements"]) as records:
        table = records.table("statements")
        own = table.filter((table.learner == learner) & table.role.isnull())
        known = records.collect(own.select("occurred_at", "interactions"))
    assert sum(trail.days().values()) == sum(max(1, times) for times in known["interactions"].to_pylist())
    assert len(trail.page(0, 10_000)) == len(known)


def test_a_reason_leads_to_the_events_behind_it(pages: Pages) -> None:
    learner = busy_with(pages, "posted")
    link = f"/learners/{slug(learner)}?run={slug(RUN)}&amp;reason=posts_total#trail"
    assert link in shown(pages.client("adviser"), learner).text
    page = whole(pages.client("adviser"), learner, reason="posts_total")
    events = re.search(r'<table class="events">(.*?)</table>', page, re.DOTALL)
    assert events is not None
    assert set(re.findall(r"<tr><td>([^<,]*)", events[1])) <= {"Wrote", "Replied"}


def test_a_data_scientist_sees_a_pseudonym_and_nothing_that_people_wrote(written_pages: Pages) -> None:
    learner = written_pages.learners[0]
    written_pages.client("adviser").post(
        f"/learners/{slug(learner)}/notes", run=slug(RUN), text="Moved house in August."
    )
    task = task_for(written_pages.app, RUN, learner, reason="Asked for by Mr Typed.")
    record_contact(written_pages.app, task.id, "phone", "reached", note="Spoke with the Typed family.")
    assert "Typed" in shown(written_pages.client("adviser"), learner).text
    page = shown(written_pages.client("scientist"), learner).text
    assert "Typed" not in page
    assert written_pages.name_of(learner) not in page
    assert written_pages.number_of(learner) not in page
    assert "Moved house" not in page
    assert "Contact Learner" not in page
    assert "Moved house" in shown(written_pages.client("adviser"), learner).text


@pytest.mark.parametrize("name", ["instructor", "governance"])
def test_who_has_no_list_says_why_first_and_the_reason_is_audited(written_pages: Pages, name: str) -> None:
    learner, browser = written_pages.learners[2], written_pages.client(name)
    asked = shown(browser, learner)
    assert "Why do you look" in asked.text
    assert written_pages.name_of(learner) not in asked.text
    refused = browser.post(f"/learners/{slug(learner)}/why", run=slug(RUN), why="hm")
    assert refused.status_code == 422
    told = browser.post(f"/learners/{slug(learner)}/why", run=slug(RUN), why="The learner asked me to check a mark.")
    assert told.status_code == 303
    assert written_pages.name_of(learner) in shown(browser, learner).text
    entry = written_pages.audited("say why")[-1]
    assert (entry["subject"], entry["detail"]) == (hashed(learner), {"why": "The learner asked me to check a mark."})
    other = shown(browser, written_pages.learners[4])
    assert "Why do you look" in other.text, "a reason opens one learner"


def test_each_look_is_audited_and_listed(written_pages: Pages) -> None:
    learner = written_pages.of_group("G1")[0]
    shown(written_pages.client("tutor"), learner)
    views = [each for each in written_pages.audited("view") if each["subject"] == hashed(learner)]
    assert views[-1]["detail"]["what"] == "learner"
    assert "tutor" in text_of(shown(written_pages.client("adviser"), learner)).partition("Who looked")[2]


def test_snooze_can_be_taken_back(written_pages: Pages) -> None:
    learner, tutor = written_pages.of_group("G1")[0], written_pages.client("tutor")
    assert tutor.post(f"/learners/{slug(learner)}/snooze", run=slug(RUN)).status_code == 303
    page = shown(tutor, learner).text
    assert "Snoozed until" in page
    assert "Undo snooze" in page
    assert tutor.post(f"/learners/{slug(learner)}/wake", run=slug(RUN)).status_code == 303
    assert "Snoozed until" not in shown(tutor, learner).text
    back = f"/caseload?run={slug(RUN)}&list=reach-out"
    answer = tutor.post(f"/learners/{slug(learner)}/snooze", run=slug(RUN), back=back)
    assert answer.headers["location"] == f"{back}&learner={slug(learner)}"
    for elsewhere in ("https://example.org/caseload", "//example.org/caseload", "/governance"):
        answer = tutor.post(f"/learners/{slug(learner)}/wake", run=slug(RUN), back=elsewhere)
        assert answer.headers["location"].startswith("/learners/")
    stranger = written_pages.of_group("G3")[0]
    assert tutor.post(f"/learners/{slug(stranger)}/snooze", run=slug(RUN)).status_code == 403


def test_a_note_is_kept_with_its_visibility_and_erased_by_who_wrote_it(written_pages: Pages) -> None:
    learner, adviser, tutor = (
        written_pages.of_group("G1")[0],
        written_pages.client("adviser"),
        written_pages.client("tutor"),
    )
    at = f"/learners/{slug(learner)}/notes"
    adviser.post(at, run=slug(RUN), text="Staff <b>only</b>.")
    adviser.post(at, run=slug(RUN), text="We agreed on Thursday.", visible="yes")
    assert adviser.post(at, run=slug(RUN), text=" ").status_code == 400
    with written_pages.app.store.read() as connection:
        rows = connection.execute(sa.select(NOTES.c.id, NOTES.c.text, NOTES.c.visible_to_learner)).all()
    assert {row.text: row.visible_to_learner for row in rows} == {
        "Staff <b>only</b>.": False,
        "We agreed on Thursday.": True,
    }
    page = shown(tutor, learner).text
    assert "Staff &lt;b&gt;only&lt;/b&gt;." in page
    assert "staff only" in page
    assert "the learner can read it" in page
    assert not any("Thursday" in str(entry) for entry in written_pages.audited("add note"))
    mine = next(row.id for row in rows if row.visible_to_learner)
    assert tutor.post(f"{at}/{mine}/erase", run=slug(RUN)).status_code == 409
    assert adviser.post(f"{at}/{mine}/erase", run=slug(RUN)).status_code == 303
    assert "Thursday" not in shown(tutor, learner).text


def challenged(pages: Pages, name: str, learner: str, **fields: str) -> httpx2.Response:
    browser = pages.client(name)
    form = shown(browser, learner, "/challenge").text
    asked = re.search(r'name="score_run" value="([^"]+)"', form)
    assert asked is not None
    told: dict[str, Any] = {"run": slug(RUN), "score_run": asked[1], "kind": "knows_more"} | fields
    return browser.post(f"/learners/{slug(learner)}/challenge", **told)


def test_a_challenge_is_kept_beside_the_prediction_and_takes_the_learner_off_the_list(written_pages: Pages) -> None:
    learner, tutor = written_pages.of_group("G1")[0], written_pages.client("tutor")
    tutor.post(f"/learners/{slug(learner)}/snooze", run=slug(RUN))  # makes a task
    before = weeks_of(written_pages.app, RUN, learner, AsOf(NOW))
    assert challenged(written_pages, "tutor", learner, text="Was in hospital.", off_list="yes").status_code == 303
    page = text_of(shown(tutor, learner))
    assert "Challenged" in page
    assert "Mon 22 Sept 2025" in page
    assert "Was in hospital." in page
    assert "off the list" in page
    assert "Snoozed until" not in page, "the task is closed"
    assert weeks_of(written_pages.app, RUN, learner, AsOf(NOW)) == before
    assert "Was in hospital" not in str(written_pages.audited("challenge"))
    assert challenged(written_pages, "tutor", learner).status_code == 409


def test_a_challenge_says_what_is_wrong_and_keeps_what_was_typed(written_pages: Pages) -> None:
    learner = written_pages.of_group("G1")[1]
    nothing = challenged(written_pages, "tutor", learner, kind="", text="My words")
    assert nothing.status_code == 422
    assert "Choose what is wrong" in nothing.text
    assert "My words" in nothing.text
    other = challenged(written_pages, "tutor", learner, kind="other")
    assert other.status_code == 422
    assert "aria-invalid" in other.text
    foreign = challenged(written_pages, "tutor", learner, score_run="another")
    assert foreign.status_code == 409
    with written_pages.app.store.read() as connection:
        assert connection.execute(sa.select(CHALLENGES)).first() is None


def test_the_drawer_has_its_heading_ways_out_and_the_address_of_the_screen(pages: Pages) -> None:
    learner = pages.of_group("G1")[0]
    answer = pages.client("tutor").http.get(
        f"/learners/{slug(learner)}/drawer",
        params={"run": slug(RUN)},
        headers={"hx-request": "true", "hx-current-url": f"https://headway.test/caseload?run={slug(RUN)}&sort=name"},
    )
    assert "<html" not in answer.text
    assert re.search(r'<h2[^>]*tabindex="-1"[^>]*data-focus', answer.text)
    close = re.search(r"<a[^>]*data-close[^>]*>", answer.text)
    assert close is not None
    assert f'href="/caseload?run={slug(RUN)}&amp;sort=name"' in close[0]
    assert answer.headers["hx-replace-url"] == f"/caseload?run={slug(RUN)}&sort=name&learner={slug(learner)}"
    assert DOES_NOT_KNOW in html.unescape(answer.text)


def test_the_first_answer_is_small(pages: Pages) -> None:
    for place in (0, 5, 30):
        assert len(shown(pages.client("adviser"), pages.learners[place]).content) <= 30_000
