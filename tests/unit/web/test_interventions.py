import re
from typing import Any

from headway.advising.catalogue import asks_to_retune, catalogue
from headway.advising.plays import BY_TYPE
from headway.flow import interventions as flow
from headway.flow.caseload import task_for
from headway.flow.tasks import close_task, record_contact
from headway.governance import approvals
from headway.web.address import slug
from tests.support.pages import RUN, Pages


def act(pages: Pages, learner: str, code: str = "", channel: str = "phone") -> None:
    """A contact with a learner, closed with a code where one is given."""
    task = task_for(pages.app, RUN, learner, reason="No visit for 12 days")
    record_contact(pages.app, task.id, channel, "reached")
    if code:
        close_task(pages.app, task.id, code)


def text_of(pages: Pages, name: str, **query: Any) -> str:
    answer = pages.client(name).get("/interventions", run=slug(RUN), **query)
    assert answer.status_code == 200
    return answer.text


def test_empty_says_so_and_shows_the_catalogue(pages: Pages) -> None:
    text = text_of(pages, "adviser")
    assert "Nobody was contacted in this course yet." in text
    assert "Nothing was logged yet." in text
    assert text.count("no trial yet") == len(catalogue()) + 1
    assert {each.what for each in catalogue()} == {play for plays in BY_TYPE.values() for play in plays}


def test_figures_are_of_learners_in_scope(written_pages: Pages) -> None:
    own, other = written_pages.of_group("G1"), written_pages.of_group("G2")
    act(written_pages, own[0], "helped")
    assert "1 learner contacted so far. Of 1 contacts begun, 1 has an end." in text_of(written_pages, "tutor")
    act(written_pages, own[1], "helped")
    for learner in other[:3]:
        act(written_pages, learner)
    everybody, groups = flow.tally(written_pages.app, RUN, None), flow.tally(written_pages.app, RUN, {"G1"})
    assert (everybody.begun, everybody.ended, everybody.learners) == (5, 2, 5)
    assert (groups.begun, groups.ended, groups.closed) == (2, 2, 2)
    assert "Of 5 contacts begun, 2 have an end." in text_of(written_pages, "adviser")
    tutors = text_of(written_pages, "tutor")
    assert "Of 2 contacts begun, 2 have an end." in tutors
    assert all(written_pages.name_of(learner) in tutors for learner in own[:2])
    assert not any(written_pages.name_of(learner) in tutors for learner in other)
    assert "100%" in tutors


def test_load_is_told_against_what_a_person_can_do(written_pages: Pages) -> None:
    for learner, channel in zip(written_pages.learners, ("phone", "phone", "email"), strict=False):
        act(written_pages, learner, channel=channel)
    (load,) = flow.loads(written_pages.app, RUN, None, written_pages.app.clock.now())
    assert (load.contacts, load.minutes) == (3, 2 * 15 + 5)
    text = text_of(written_pages, "adviser")
    assert re.search(r'<td class="num">3</td><td class="num">25</td><td class="num">35</td>', text)


def test_many_wrongly_flagged_ask_for_the_rules_to_be_retuned(written_pages: Pages) -> None:
    for place, learner in enumerate(written_pages.learners[:10]):
        act(written_pages, learner, "wrongly_flagged" if place < 5 else "helped")
    text = text_of(written_pages, "adviser")
    assert "50% of the tasks closed were wrongly flagged." in text
    assert "retune" in text
    assert not asks_to_retune(10, 4)
    assert not asks_to_retune(9, 9)


def test_who_sees_no_names_is_told_no_small_numbers(written_pages: Pages) -> None:
    for learner in written_pages.learners[:3]:
        act(written_pages, learner, "helped")
    text = text_of(written_pages, "scientist")
    assert "fewer than 10 learners" in text
    assert "too few to say" in text
    assert "Fewer than 10 contacts: too few to be shown to you." in text
    assert not re.search(r'<td class="num">[1-9]</td>', text[: text.index('id="catalogue"')])
    assert not any(written_pages.name_of(learner) in text for learner in written_pages.learners)


def test_an_instructor_sees_what_was_done_and_not_about_whom(written_pages: Pages) -> None:
    act(written_pages, written_pages.learners[0])
    for name in ("instructor", "governance"):
        text = text_of(written_pages, name)
        assert "Reached" in text
        assert written_pages.name_of(written_pages.learners[0]) not in text
        assert slug(written_pages.learners[0]) not in text
    assert written_pages.client("learner").get("/interventions", run=slug(RUN)).status_code == 403


def test_an_instructor_proposes_and_sees_what_was_decided(written_pages: Pages) -> None:
    browser = written_pages.client("instructor")
    fields: dict[str, Any] = {"run": slug(RUN), "what": "An evening hour before the test", "why": "Many miss it."}
    assert browser.post("/interventions/proposals", **fields | {"why": ""}).status_code == 400
    assert browser.post("/interventions/proposals", **fields).status_code == 303
    assert browser.post("/interventions/proposals", **fields).status_code == 409
    assert written_pages.client("adviser").post("/interventions/proposals", **fields).status_code == 403
    with written_pages.app.store.begin() as connection:
        (asked,) = approvals.waiting(connection, approvals.PROPOSAL)
        assert asked.subject == f"{RUN}: An evening hour before the test"
        approvals.decide(connection, written_pages.app.clock.now(), "x", asked.id, approve=True, reason="Try it.")
    text = text_of(written_pages, "adviser")
    assert text.count("An evening hour before the test") == 2
    assert "Try it." in text


def test_the_log_is_paged_and_a_page_beyond_the_end_is_the_last(written_pages: Pages) -> None:
    for learner in written_pages.learners[:53]:
        act(written_pages, learner)
    first, total = flow.log(written_pages.app, RUN, None)
    last, _ = flow.log(written_pages.app, RUN, None, page=99)
    assert (len(first), len(last), total) == (50, 3, 53)
    assert "Showing 51–53 of 53" in text_of(written_pages, "adviser", page="99")
    assert {each.learner for each in first + last} == set(written_pages.learners[:53])
