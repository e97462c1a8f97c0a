"""The learner's own page: own data and nobody else's, every act with an effect, everything handed over."""

import csv
import io
import json
import re
import zipfile
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
import sqlalchemy as sa

from headway.advising import task_queries
from headway.advising.task_queries import Wanted
from headway.domain.time import AsOf
from headway.flow import me, own_data
from headway.flow.app import App
from headway.flow.learner import add_note
from headway.flow.me import OwnActivity, OwnWeek
from headway.flow.records import hashed
from headway.flow.trail import Trail, trail_of
from headway.governance import accounts, audit, challenges
from headway.governance.scopes import Grant, Scope
from headway.store.tables import APPROVALS
from headway.web.address import slug
from headway.web.pages.me import weeks_sentence
from headway.web.words import Words
from tests.support.pages import NOW, RUN, Browser, Pages


def shown(browser: Browser) -> str:
    """The learner's page once it is computed, which takes long on a busy machine."""
    for _ in range(600):
        text = browser.get("/me").text
        if 'id="pending"' not in text:
            return text
    raise AssertionError("The page is still being computed.")


def busy(pages: Pages) -> Browser:
    """The browser of a learner who was there; the fixture's own learner never was."""
    with pages.app.store.begin() as connection:
        accounts.create(connection, NOW, "test", "busy", [Grant("learner", RUN, learner=pages.learners[1])])
    return pages.client("busy")


def test_the_page_shows_own_activity_and_nobody_elses(written_pages: Pages) -> None:
    pages = written_pages
    own = pages.learners[1]
    answer = busy(pages).get("/me")
    assert answer.status_code == 200
    assert "of the last 14 days" in answer.text
    assert "Your fullest week was week" in answer.text
    for other in set(pages.learners) - {own}:
        assert other not in answer.text
        assert pages.name_of(other) not in answer.text
    assert own not in answer.text, "the pseudonym is nobody's business"


def test_who_was_never_there_is_told_so(pages: Pages) -> None:
    text = pages.client("learner").get("/me").text
    assert "We hold no activity of yours in this course yet." in text
    assert "Assignment" in text, "the plan of the course is told all the same"


def test_staff_have_no_own_page(pages: Pages) -> None:
    for name in ("adviser", "tutor", "instructor", "scientist", "governance"):
        assert pages.client(name).get("/me").status_code == 403
    assert pages.client("learner").get("/caseload").status_code in (403, 404)


def test_the_activity_is_that_of_the_record_up_to_now(pages: Pages) -> None:
    learner = pages.learners[1]
    run = pages.asgi.site.run(RUN)
    trail = trail_of(pages.app, RUN, learner, AsOf(NOW))
    own = me.own_activity(trail, run.starts_on, run.ends_on, NOW.date())
    days = {day: acts for day, acts in trail.days().items() if day >= run.starts_on}
    assert sum(week.acts for week in own.weeks) == sum(days.values())
    assert sum(week.days for week in own.weeks) == len(days)
    assert own.days == sum(NOW.date() - timedelta(14) < day <= NOW.date() for day in days)
    assert [week.number for week in own.weeks] == list(range(1, len(own.weeks) + 1))
    assert not own.weeks[-1].whole
    assert all(week.whole for week in own.weeks[:-1])


def test_the_estimate_has_the_words_of_staff_behind_a_disclosure(pages: Pages) -> None:
    text = pages.client("learner").get("/me").text
    before, _, behind = text.partition("Show the estimate staff see")
    assert "in 10" not in before
    assert "in 10 chance of not finishing" in behind
    assert "The course record does not know about illness" in behind
    assert "Challenge this prediction" in behind


def test_a_call_for_help_opens_one_task_even_for_those_who_asked_not_to_be_contacted(written_pages: Pages) -> None:
    learner, client = written_pages.learners[0], written_pages.client("learner")
    assert client.post("/me/contact", run=slug(RUN), off="yes").status_code == 303
    for _ in range(2):
        answer = client.post("/me/help", run=slug(RUN), help="I lost  my\nlogin")
        assert answer.status_code == 303
    with written_pages.app.store.read() as connection:
        tasks = task_queries.find(connection, Wanted(runs=[RUN], learner=learner))
    assert [(task.rule, task.list, task.reason) for task in tasks] == [
        ("asked_for_help", "reach_out", "Asked for help: “I lost my login”")
    ]
    (entry,) = written_pages.audited("ask for help")
    assert entry["subject"] == hashed(learner)
    assert "login" not in json.dumps(entry["detail"])
    assert "You asked for help on" in client.get("/me").text


def test_who_calls_for_help_stands_first_on_the_caseload_with_what_they_wrote(written_pages: Pages) -> None:
    learner, client = written_pages.learners[0], written_pages.client("learner")
    adviser = written_pages.client("adviser")
    other = slug(written_pages.learners[5])
    assert adviser.post("/caseload/add", run=slug(RUN), learner=other, reason="Told me so").status_code == 303
    client.post("/me/contact", run=slug(RUN), off="yes")
    assert slug(learner) not in _on_caseload(adviser)
    client.post("/me/help", run=slug(RUN), help="I lost my login")
    assert _on_caseload(adviser)[:2] == [slug(learner), other]
    first_row = (
        adviser.get("/caseload", run=slug(RUN)).text.partition(f'id="l-{slug(learner)}"')[2].partition("</tr>")[0]
    )
    assert "Asked for help: “I lost my login”" in first_row
    assert re.search(r'class="lo2">Asked for help<', first_row)


def _on_caseload(adviser: Browser) -> list[str]:
    return re.findall(r'<a id="l-([^"]+)"', adviser.get("/caseload", run=slug(RUN)).text)


def test_work_without_a_title_has_a_name_and_its_day(written_pages: Pages, monkeypatch: pytest.MonkeyPatch) -> None:
    from headway.web.pages import me as own_page

    def told(app: App, run: str, learner: str, as_of: AsOf) -> Trail:
        found = trail_of(app, run, learner, as_of)
        untitled = tuple(replace(each, title=each.activity, due_at=None) for each in found.hand_ins)
        return replace(found, hand_ins=untitled)

    monkeypatch.setattr(own_page, "trail_of", told)
    text = " ".join(re.sub(r"<[^>]+>", " ", written_pages.client("learner").get("/me").text).split())
    assert re.search(r"Your hand-ins.* (Assignment|Test|Exam) 1 ", text)
    assert re.search(r"(Assignment|Test|Exam) \d is open until the end of \w{3} \d+ \w+ 2025 ?\.", text)


def test_one_day_is_no_days() -> None:
    weeks = tuple(OwnWeek(number, date(2025, 8, 4), number - 1, 5, True) for number in (1, 2))
    told = weeks_sentence(OwnActivity(weeks, 1, None, None, (), 1), Words())
    assert told == "This week so far: 1 day. Your fullest week was week 2, with 1 day."


def test_not_to_be_contacted_is_explained_done_and_undone(written_pages: Pages) -> None:
    learner, client = written_pages.learners[0], written_pages.client("learner")
    assert "You can undo this whenever you like" in client.get("/me/contact").text
    assert me.is_not_to_contact(written_pages.app, learner) is None, "looking changes nothing"
    client.post("/me/contact", run=slug(RUN), off="yes")
    assert me.is_not_to_contact(written_pages.app, learner) == NOW
    assert "nobody contacts you" in client.get("/me").text
    client.post("/me/contact", run=slug(RUN), off="")
    assert me.is_not_to_contact(written_pages.app, learner) is None
    assert [len(written_pages.audited(act)) for act in ("no_contact", "contact_again")] == [1, 1]


def test_a_challenge_is_the_learners_own_and_has_a_day(written_pages: Pages) -> None:
    client = written_pages.client("learner")
    missing = client.post("/me/challenge", run=slug(RUN), kind="other", challenge=" ")
    assert missing.status_code == 400
    assert "cannot be answered" in missing.text
    assert client.post("/me/challenge", run=slug(RUN), kind="wrong_data", challenge="I was there").status_code == 303
    again = client.post("/me/challenge", run=slug(RUN), kind="wrong_data", challenge="Again")
    assert again.status_code == 400
    assert "Again" in again.text, "what was written is not lost"
    text = shown(client)
    assert "by you" in text
    assert "22 Sept 2025" in text, "ten working days after Monday 8 September"
    assert "Your challenge was answered" not in text
    with written_pages.app.store.begin() as connection:
        officer = Scope.of("governance", [Grant("governance")])
        (waiting,) = challenges.waiting(connection, officer)
        challenges.answer(
            connection, NOW, officer, waiting.id, "data_mended", "Your visits are there now.", "account o"
        )
    text = shown(client)
    told = text[text.index("Your challenge was answered") : text.index('<div class="lead">')]
    assert "the data were mended" in told
    assert "Your visits are there now." in told


def test_an_objection_waits_for_governance_and_names_nobody(written_pages: Pages) -> None:
    learner, client = written_pages.learners[0], written_pages.client("learner")
    assert client.post("/me/objection", run=slug(RUN), objection="").status_code == 400
    assert client.post("/me/objection", run=slug(RUN), objection="Do not use my visits.").status_code == 303
    ((found, due),) = me.objections_of(written_pages.app, learner, "Europe/London")
    assert (found.status, found.subject, str(due)) == ("waiting", hashed(learner), "2025-09-22")
    assert "waits for an answer" in shown(client)
    late = datetime(2025, 9, 8, 23, 30, tzinfo=UTC)  # Tuesday already in the run's zone
    with written_pages.app.store.begin() as connection:
        connection.execute(sa.update(APPROVALS).values(asked_at=late))
    assert "23 Sept 2025" in shown(client)


def test_who_looked_is_told_by_role(written_pages: Pages) -> None:
    learner = written_pages.learners[0]
    with written_pages.app.store.begin() as connection:
        tutor = accounts.named(connection, "tutor")
        audit.record(connection, NOW, f"account {tutor.id}", "view", hashed(learner), {"what": "learner", "run": RUN})
        audit.record(connection, NOW, f"account {tutor.id}", "view", hashed("another"), {"what": "learner", "run": RUN})
    (look,) = me.looks_of(written_pages.app, learner, "UTC")
    assert (look.roles, look.what, look.times) == (("tutor",), ("learner",), 1)
    text = written_pages.client("learner").get("/me").text
    table = text[text.index('id="who"') : text.index('id="held"')]
    assert "<td>tutor</td>" in table
    assert tutor.id not in text


def test_the_own_target_is_kept_with_the_account(written_pages: Pages) -> None:
    client = written_pages.client("learner")
    client.post("/me/target", run=slug(RUN), days="4")
    assert "This week so far: 0 of 4." in client.get("/me").text
    with written_pages.app.store.read() as connection:
        assert accounts.named(connection, "learner").settings["target_days"] == 4
    client.post("/me/target", run=slug(RUN), days="99")
    with written_pages.app.store.read() as connection:
        assert "target_days" not in accounts.named(connection, "learner").settings


def test_only_notes_meant_for_the_learner_are_shown_and_handed_over(written_pages: Pages) -> None:
    learner, client = written_pages.learners[0], written_pages.client("learner")
    add_note(written_pages.app, RUN, learner, "Call on Monday", visible_to_learner=False)
    add_note(written_pages.app, RUN, learner, "Well done", visible_to_learner=True)
    text = client.get("/me").text + client.get("/me/data/json").text
    assert text.count("Well done") == 2
    assert "Call on Monday" not in text


def test_the_data_are_handed_over_whole_and_up_to_now(written_pages: Pages) -> None:
    learner, client = written_pages.learners[1], busy(written_pages)
    told = client.get("/me/data/json").json()
    assert told["learner"] == learner
    assert told["tables"]["person"][0]["name"] == written_pages.name_of(learner)
    held = {each.kind: each.rows for each in own_data.held_about(written_pages.app, learner, AsOf(NOW))}
    assert held["statements"] > 100
    for kind, rows in held.items():
        assert len(told["tables"][kind]) == rows
    assert all(row["recorded_at"] <= NOW.isoformat() for row in told["tables"]["statements"])
    with zipfile.ZipFile(io.BytesIO(client.get("/me/data/zip").content)) as archive:
        lines = list(csv.DictReader(io.StringIO(archive.read("statements.csv").decode("utf-8-sig"))))
        assert len(lines) == held["statements"]
        assert archive.read("person.csv").decode("utf-8-sig").splitlines()[1].split(",")[3].startswith("'+44")
    assert {line["learner"] for line in lines} == {learner}
    entries = written_pages.audited("hand over data")
    assert [entry["subject"] for entry in entries] == [hashed(learner)] * 2
    assert client.get("/me/data/exe").status_code == 404


def test_the_page_to_read_says_chances_in_tenths_and_leaves_out_ids(written_pages: Pages) -> None:
    learner = written_pages.learners[1]
    told = own_data.readable(own_data.data_of(written_pages.app, learner, AsOf(NOW)))
    assert all(row["chance"].endswith("in 10") for row in told["predictions"])
    assert "No visit for" in told["predictions"][0]["rests on"]
    assert all(told.values())
    assert learner not in json.dumps(told, default=own_data.plain)
    assert own_data.readable({"notes": []}) == {}


def test_a_learner_with_two_sources_sees_each_run_as_who_they_are_there(written_pages: Pages) -> None:
    here, other = written_pages.learners[0], written_pages.before[5]
    with written_pages.app.store.begin() as connection:
        grants = [Grant("learner", RUN, learner=here), Grant("learner", "simulated/DS101/2025S1", learner=other)]
        accounts.create(connection, NOW, "test", "both", grants)
    client = written_pages.client("both")
    assert client.get("/me").status_code == 200
    before = client.get("/me", run="simulated~DS101~2025S1")
    assert before.status_code == 200
    assert "ended" in before.text


@pytest.mark.parametrize("path", ["/me", "/me/contact", "/me/objection", "/me/data/json"])
def test_nobody_comes_in_without_signing_in(pages: Pages, path: str) -> None:
    assert pages.client("").get(path).status_code == 303
