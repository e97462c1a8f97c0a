import re
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import numpy as np
import pytest

from headway.advising.wording import LISTS
from headway.description import coarser
from headway.description.course import CourseDescription
from headway.description.heatmap import HeatRow
from headway.domain.errors import InputError, UnknownName
from headway.domain.time import AsOf
from headway.flow import course_page as flow
from headway.flow.course_page import CourseFacts
from headway.flow.records import describe
from headway.scoring import kept
from headway.web.address import slug
from headway.web.board import board_of
from headway.web.course_charts import few, letter
from headway.web.course_panels import heat
from headway.web.site import Run
from headway.web.words import Words
from tests.support.pages import BEFORE, NOW, RUN, Browser, Pages

PATH = f"/courses/{slug(RUN)}"
READERS = ("adviser", "tutor", "instructor", "scientist", "governance")
LETTERS = re.compile(r"<[^>]+>")


def ready(browser: Browser, path: str, **query: Any) -> str:
    """The text of a page once it is computed."""
    for _ in range(600):
        answer = browser.get(path, **query)
        if 'id="pending"' not in answer.text:
            assert answer.status_code == 200, answer.text
            return answer.text
    raise AssertionError("The page is still being computed.")


def seen(html: str) -> str:
    """What a page says, without its elements."""
    return " ".join(LETTERS.sub(" ", html).replace("&lt;", "<").split())


@pytest.fixture(scope="module")
def description(pages: Pages) -> CourseDescription:
    """What the description says of the run at the pages' time."""
    return describe(pages.app, RUN, str(AsOf(NOW)))


@pytest.fixture(scope="module")
def facts(pages: Pages) -> CourseFacts:
    """What the pages know of the run at their time."""
    return flow.course_facts(pages.app, RUN, AsOf(NOW))


def test_the_numbers_of_the_page_are_those_of_the_description(
    pages: Pages, description: CourseDescription, facts: CourseFacts
) -> None:
    assert facts.learners == description.learners
    assert facts.drop_offs is not None
    assert facts.retention is not None
    assert description.retention is not None
    assert facts.retention.this.points == description.retention.this.points
    assert [each.points for each in facts.retention.earlier] == [each.points for each in description.retention.earlier]
    assert [point.name for point in facts.drop_offs.points] == [point.name for point in description.drop_offs.points]
    assert facts.items is not None
    assert description.heatmap is not None
    rows: list[HeatRow] = [row for row in description.heatmap.rows if row.activity is not None]
    compared = 0
    for row in rows:
        item = facts.items.find(row.activity or "")
        assert item is not None
        for cell, other in zip(item.cells, row.cells, strict=True):
            if cell.count is not None:
                assert (cell.count, cell.of, cell.share) == (other.count, other.of, other.share)
                compared += 1
    assert compared > 20


def test_the_page_shows_what_was_found(pages: Pages, facts: CourseFacts) -> None:
    told = seen(ready(pages.client("instructor"), PATH))
    assert "Where the course loses learners" in told
    assert facts.retention is not None
    share = Words().percent(facts.retention.this.points[-1].share)
    assert f"{share} are still there" in told
    assert f"of {facts.learners} learners" in told


def test_nothing_that_comes_later_is_known(pages: Pages, facts: CourseFacts) -> None:
    today = NOW.date()
    assert facts.timeline is not None
    assert max(day.on for day in facts.timeline.days) <= today
    assert facts.items is not None
    assert max(facts.items.weeks) == 6
    assert facts.assessments is not None
    assert all(each.due_on is None or each.due_on <= today for each in facts.assessments.due)
    later = flow.course_facts(pages.app, RUN, AsOf(NOW + timedelta(days=14)))
    assert later.items is not None
    assert max(later.items.weeks) > 6


def test_no_learner_is_named(pages: Pages, facts: CourseFacts) -> None:
    assert facts.items is not None
    paths = [PATH, *(f"{PATH}?tab={tab}" for tab in ("items", "days", "work", "recordings", "forum"))]
    paths.append(f"{PATH}/items/{slug(facts.items.items[0].activity)}")
    for name in READERS:
        for path in paths:
            html = ready(pages.client(name), path)
            assert not any(pages.name_of(each) in html or each in html for each in pages.learners[:20]), path


def test_fewer_than_ten_are_never_counted(pages: Pages, facts: CourseFacts) -> None:
    assert facts.items is not None
    hidden = 0
    for item in facts.items.items:
        for cell in (*item.cells, item.users, item.never):
            assert cell.count is None or cell.count == 0 or cell.count >= 10
            hidden += cell.hidden == "few"
    assert hidden > 0
    html = ready(pages.client("tutor"), PATH, tab="items")
    cells = re.findall(r'<td class="h\d[^"]*">([^<]*)', html)
    assert few(Words()).replace("<", "&lt;") in cells


def test_the_lists_are_as_long_as_the_caseload_makes_them(pages: Pages) -> None:
    as_of, capacity = AsOf(NOW), 12
    found = flow.lists_by_week(pages.app, RUN, as_of, date(2025, 8, 4), "Europe/London", capacity)
    assert [each.week for each in found] == [2, 3, 4, 5]
    with pages.app.store.read() as connection:
        for each in found:
            score_run = kept.find(connection, RUN, each.as_of)
            assert score_run is not None
            board = board_of(connection, score_run)
            places = board.lists(np.ones(len(board), dtype=bool), capacity)
            exact = [int((places == place).sum()) for place in range(len(LISTS))]
            exact.append(int((places == -1).sum()))
            assert each.counts == coarser.tally(exact, flow.CUT_LISTS)
            assert each.counts[: flow.CUT_LISTS] == (capacity, capacity), "their lengths are told beside the chart"


def test_a_long_course_has_no_columns_for_weeks_far_ahead(facts: CourseFacts) -> None:
    assert facts.items is not None
    run = Run("a/B/1", date(2025, 8, 4), date(2025, 8, 4) + timedelta(days=7 * 39 - 1), "UTC", None, ())
    last = facts.items.weeks[-1]
    found = heat(facts.items, facts.items.items[:2], run, last, Words())
    assert found.columns[-3:] == (str(last + 1), str(last + 2), str(last + 3))
    assert found.later == (last + 4, 39)
    short = replace(run, ends_on=date(2025, 8, 4) + timedelta(days=7 * (last + 2) - 1))
    assert (heat(facts.items, (), short, last, Words()).ahead, heat(facts.items, (), short, last, Words()).later) == (
        2,
        None,
    )


def test_who_works_elsewhere_sees_no_course(pages: Pages) -> None:
    assert pages.client("elsewhere").get(PATH).status_code == 403
    assert pages.client("learner").get(PATH).status_code == 403
    assert pages.client("adviser").get(f"/courses/{slug(BEFORE)}").status_code == 403
    assert pages.client("adviser").get(f"/courses/{slug(BEFORE)}/description.pdf").status_code == 403
    assert pages.client("adviser").get(f"/courses/{slug(BEFORE)}/items/x").status_code == 403
    assert BEFORE not in pages.client("adviser").get("/courses", all="1").text
    assert pages.client("").get(PATH).status_code == 303


def test_the_way_to_the_course_that_is_going_on(pages: Pages) -> None:
    assert pages.client("instructor").get("/courses").headers["location"] == PATH
    chosen = pages.client("instructor").get("/courses", run=slug(BEFORE))
    assert chosen.headers["location"] == f"/courses/{slug(BEFORE)}"


def test_the_first_answer_is_small(pages: Pages) -> None:
    assert len(ready(pages.client("instructor"), PATH).encode()) < 30_000


def test_there_is_no_such_part_or_item(pages: Pages) -> None:
    ready(pages.client("instructor"), PATH)
    assert pages.client("instructor").get(PATH, tab="names").status_code == 404
    assert pages.client("instructor").get(f"{PATH}/items/nothing").status_code == 404
    assert pages.client("instructor").get("/courses/no~such~run").status_code == 404


def test_a_page_beyond_the_end_is_the_last(pages: Pages, facts: CourseFacts) -> None:
    assert facts.items is not None
    last = -(-len(facts.items.items) // 20)
    assert f"Page {last} of {last}" in seen(ready(pages.client("instructor"), PATH, tab="items", page="999"))
    part = pages.client("instructor").get(PATH, htmx=True, tab="items", page="2")
    assert part.status_code == 200
    assert "<html" not in part.text
    assert "Page 2 of" in seen(part.text)
    assert "Page 1 of" in seen(ready(pages.client("instructor"), PATH, tab="items", page="x"))


def test_a_change_is_a_mark_on_the_timelines_until_it_is_taken_back(written_pages: Pages, facts: CourseFacts) -> None:
    browser = written_pages.client("instructor")
    assert facts.items is not None
    item = next(each for each in facts.items.items if each.due_on)
    path = f"{PATH}/items/{slug(item.activity)}"
    ready(browser, path)
    sent = browser.post(f"{path}/changes", happened_on="2025-09-01", text="Shorter  video <b>")
    assert (sent.status_code, sent.headers["location"]) == (303, path)
    page = ready(browser, path)
    assert "Shorter video &lt;b&gt;" in page
    assert "Shorter video &lt;b&gt;" in ready(browser, PATH, tab="days")
    assert 'class="mark"' in ready(browser, PATH)
    assert 'class="mark"' in ready(browser, PATH, tab="days")
    (mark,) = flow.marks_of(written_pages.app, RUN)
    assert (mark.item, mark.happened_on) == (item.activity, date(2025, 9, 1))
    (entry,) = written_pages.audited("mark course")
    assert entry["subject"] == RUN
    assert entry["detail"]["mark"] == mark.id
    assert "Shorter" not in str(entry["detail"])
    undone = browser.post(f"{PATH}/changes/{mark.id}/undo")
    assert (undone.status_code, undone.headers["location"]) == (303, path)
    assert not flow.marks_of(written_pages.app, RUN)
    assert "Shorter video" not in ready(browser, PATH, tab="days")
    assert len(written_pages.audited("unmark course")) == 1
    assert browser.post(f"{PATH}/changes/{mark.id}/undo").status_code == 404


def test_who_only_reads_logs_no_change(pages: Pages, facts: CourseFacts) -> None:
    assert facts.items is not None
    path = f"{PATH}/items/{slug(facts.items.items[0].activity)}"
    for name in ("adviser", "tutor", "governance", "learner"):
        answer = pages.client(name).post(f"{path}/changes", happened_on="2025-09-01", text="No")
        assert answer.status_code == 403
    assert "Log the change" not in ready(pages.client("adviser"), path)
    assert not flow.marks_of(pages.app, RUN)


def test_a_change_that_cannot_be_is_not_logged_and_what_was_typed_stays(pages: Pages, facts: CourseFacts) -> None:
    browser = pages.client("scientist")
    assert facts.items is not None
    path = f"{PATH}/items/{slug(facts.items.items[0].activity)}"
    ready(browser, path)
    for day, text in (("2025-09-09", "ahead"), ("2024-09-01", "long ago"), ("soon", "x"), ("2025-09-01", " ")):
        answer = browser.post(f"{path}/changes", happened_on=day, text=text)
        assert answer.status_code == 422
        assert 'role="alert"' in answer.text
        assert f'value="{day}"' in answer.text
    assert not flow.marks_of(pages.app, RUN)


def test_a_mark_belongs_to_its_run(written_pages: Pages) -> None:
    app, day = written_pages.app, date(2025, 9, 1)
    mark = flow.add_mark(app, RUN, None, day, "New forum", first=date(2025, 8, 4), today=NOW.date())
    with pytest.raises(UnknownName):
        flow.remove_mark(app, BEFORE, mark.id)
    with pytest.raises(InputError):
        flow.add_mark(app, RUN, None, day, "x" * 201, first=date(2025, 8, 4), today=NOW.date())
    assert flow.marks_of(app, RUN, until=date(2025, 8, 31)) == []
    assert flow.marks_of(app, RUN, until=day) == [mark]


def test_a_run_that_has_not_begun_shows_its_plan(pages: Pages) -> None:
    early = flow.course_facts(pages.app, RUN, AsOf(NOW - timedelta(days=60)))
    assert (early.why, early.learners, early.items) == ("not begun", 0, None)


def test_the_printed_description_is_about_ten_or_more(pages: Pages, description: CourseDescription) -> None:
    html = flow.description_html(pages.app, RUN, AsOf(NOW))
    assert "fewer than 10" in html
    assert "fewer than 5" not in html.lower()
    told = coarser.description(description)
    assert replace(told, summary=description.summary).learners == description.learners
    assert all(part.count is None or part.count == 0 or part.count >= 10 for part in (told.drop_offs.stopped,))


def test_changes_have_letters() -> None:
    assert [letter(place) for place in (0, 25, 26)] == ["A", "Z", "A2"]
