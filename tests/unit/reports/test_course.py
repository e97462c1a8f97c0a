"""The course page: words and numbers are those of the description, nothing is asked of outside, no few are told."""

import builtins
import re
from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import pytest

from headway.description.course import CourseDescription, describe
from headway.description.groups import Part, Spread
from headway.domain.errors import ConfigError
from headway.explanation.guard import causal_words
from headway.reports.build import provenance
from headway.reports.course import course_page, part_words, spread_words
from headway.reports.course_charts import Column, columns_chart, nice_top, profile, share_bar, ticks
from headway.reports.pdf import pdf_of
from tests.support.memory import Memory
from tests.support.simulation import runs_of, simulated
from tests.support.tiny import RUN, History
from tests.unit.description.made_course import everyone, steady, watch
from tests.unit.reports.page import Page
from tests.unit.reports.test_list_report import FORBIDDEN

MADE = provenance("", "0123456789abcdef", 0, datetime(2026, 11, 22, 9, 0, tzinfo=UTC))
OPTIONS = {"learners": "150", "runs": "2", "weeks": "10", "seed": "4"}


@pytest.fixture(scope="module")
def description() -> CourseDescription:
    tables = simulated(**OPTIONS)
    earlier, run = runs_of(tables)
    with Memory(tables) as records:
        return describe(records, run, None, [earlier])


def bare() -> CourseDescription:
    """A run with enrolments and little else."""
    history = History()
    for number in range(8):
        history.enrol(f"a{number}")
    with Memory(history.tables()) as records:
        return describe(records, RUN)


def small() -> CourseDescription:
    """A run of few learners, with a recording that they left at one place."""
    history = History().plan("w", 10)
    everyone(history, 12, steady)
    for number in range(12):
        history.hand_in(f"a{number:03}", "w", 9)
        watch(history, f"a{number:03}", "v", 3, ("played", 0, 0, None), ("paused", 60, 60, None))
        if number < 5:
            watch(history, f"a{number:03}", "v", 5, ("played", 0, 60, None), ("paused", 140, 200, None))
    with Memory(history.tables()) as records:
        return describe(records, RUN)


@pytest.fixture(scope="module")
def html(description: CourseDescription) -> str:
    return course_page(description, MADE)


@pytest.fixture(scope="module", params=["whole", "bare", "small"])
def any_page(request: pytest.FixtureRequest, html: str) -> str:
    pages = {
        "whole": lambda: html,
        "bare": lambda: course_page(bare(), MADE),
        "small": lambda: course_page(small(), MADE),
    }
    return pages[request.param]()


def test_structure_is_accessible(any_page: str) -> None:
    page = Page(any_page)
    assert len(page.all("h1")) == len(page.all("main")) == len(page.all("footer")) == 1
    levels = [int(tag[1]) for tag, _ in page.elements if re.fullmatch(r"h[1-6]", tag)]
    assert all(later <= earlier + 1 for earlier, later in pairwise(levels))
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    for _, attributes in page.elements:
        assert set(attributes.get("aria-labelledby", "").split()) <= set(ids)
        assert "style" not in attributes
        if attributes.get("href"):
            assert attributes["href"][1:] in ids
    assert len(page.all("caption")) == len(page.all("table"))
    assert all("scope" in attributes for attributes in page.all("th"))
    assert page.all("script") == []
    assert not re.search(r"https?://", any_page)


def test_forbidden_words_are_absent(any_page: str) -> None:
    text = Page(any_page).text.lower()
    assert [word for word in FORBIDDEN if re.search(word, text)] == []
    assert causal_words(text) == ()


def test_the_same_description_gives_the_same_bytes(description: CourseDescription, html: str) -> None:
    assert course_page(description, MADE) == html


def test_the_first_page_says_what_matters(description: CourseDescription, html: str) -> None:
    text = Page(html).text
    assert description.summary.headline in text
    for words in (*description.summary.patterns, *description.summary.drop_offs):
        assert words.partition(": ")[2] in text
    assert text.index("In short") < text.index("The two clearest drop-off points") < text.index("Notes", 900)
    assert "A way of studying is not a label for a person." in text
    assert "The record does not say why learners stop." in text


def test_each_drawing_has_a_table_with_the_same_numbers(description: CourseDescription, html: str) -> None:
    page = Page(html)
    drawings = [each for each in page.all("svg") if each["class"].startswith("chart")]
    assert len(drawings) >= 8
    assert len([each for each in page.all("details") if each.get("class") == "same"]) == len(drawings)
    assert description.timeline is not None
    day = next(each for each in description.timeline.days if each.learners and each.expected)
    assert f"{day.on:%a} {day.on.day} {day.on:%b %Y} {day.learners} {day.interactions:,}" in page.text


def test_no_number_about_a_few_learners_is_on_the_page(any_page: str) -> None:
    assert not re.search(r"\b[1-4] of [\d,]+ (learners|\()", Page(any_page).text)
    assert not re.search(r"\b[1-4] learners?\b", Page(any_page).text)


def test_a_run_without_activity_says_so() -> None:
    text = Page(course_page(bare(), MADE)).text
    assert "No activity of anyone is in the record." in text
    assert "no curve is drawn" in text
    assert "Day by day" not in text


def test_where_viewers_stop_is_drawn_and_told() -> None:
    text = Page(course_page(small(), MADE)).text
    assert "0:50–1:00: 7 of 12 (58%)" in text
    assert "Watched half or more, of all" in text


def test_what_comes_from_data_is_escaped(description: CourseDescription) -> None:
    bad = "<script>alert(1)</script>"
    html = course_page(replace(description, title=bad, notes=(bad,)), MADE)
    assert "<script" not in html
    assert Page(html).text.count(bad) >= 3


def test_words_for_parts_and_spreads() -> None:
    assert part_words(Part(319, 349, 0.914)) == "319 of 349 (91%)"
    assert part_words(Part(None, 349, None, "few")) == "fewer than 5 of 349"
    assert part_words(Part(None, 349, None, "all but few")) == "all but fewer than 5 of 349"
    assert part_words(Part(None, None, None, "small group")) == "too few to tell (fewer than 5)"
    assert spread_words(Spread(50, 1.0, 2.0, 3.5), "hours", 1) == "half between 1.0 and 3.5 hours, the middle 2.0"
    assert spread_words(Spread(7)) == "too few learners to tell"


def test_columns_are_hollow_where_hidden() -> None:
    columns = (Column("1", 10.0, "10"), Column("2", None, "fewer than 5"), Column("3", 20.0, "20"))
    chart = columns_chart("t", columns, "s", ("Week", "n", "Expected"), slug="x", axis="week", expected=(9, 8.5, 7))
    rects = Page(chart.svg).all("rect")
    assert [rect["class"] for rect in rects] == ["fill", "hidden", "fill"]
    assert float(rects[2]["height"]) == pytest.approx(2 * float(rects[0]["height"]), abs=0.2)
    assert chart.rows == (("1", "10", "9"), ("2", "fewer than 5", "8.5"), ("3", "20", "7"))


def test_scales_are_round() -> None:
    assert [nice_top(number) for number in (0.5, 3, 45, 101, 5000)] == [1, 4, 50, 200, 5000]
    assert ticks(39) == (0, 5, 10, 15, 20, 25, 30, 35)
    assert ticks(4) == (0, 1, 2, 3, 4)
    assert "3.5" in profile("t", (3.5, 1.0), "s", slug="p").rows[0]


def test_bars_stand_for_shares() -> None:
    assert 'width="50"' in share_bar(Part(5, 10, 0.5))
    assert share_bar(Part(None, 10, None, "few")) == ""
    assert 'width="96"' in share_bar(Part(None, 100, None, "all but few"))
    assert share_bar(None) == ""


def test_a_pdf_is_made_or_the_way_to_make_it_told(html: str, monkeypatch: pytest.MonkeyPatch) -> None:
    found = builtins.__import__

    def absent(name: str, *rest: Any, **more: Any) -> Any:
        if name.partition(".")[0] == "weasyprint":
            raise ImportError(name)
        return found(name, *rest, **more)

    with monkeypatch.context() as patch:
        patch.setattr(builtins, "__import__", absent)
        with pytest.raises(ConfigError, match=r"pip install 'headway\[pdf\]'"):
            pdf_of(html)


def test_a_pdf_is_made_from_the_same_page() -> None:
    pytest.importorskip("weasyprint")
    made = pdf_of(course_page(small(), MADE))
    assert made.startswith(b"%PDF-")
    assert len(made) > 10_000


@pytest.mark.parametrize("outside", ['<img src="http://127.0.0.1:9/x.png">', '<link rel=stylesheet href="file:///x">'])
def test_a_pdf_asks_for_nothing_outside(outside: str) -> None:
    pytest.importorskip("weasyprint")
    with pytest.raises(ConfigError, match="nothing outside itself"):
        pdf_of(f"<p>here</p>{outside}")
