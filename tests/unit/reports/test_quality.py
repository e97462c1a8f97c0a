"""The quality page: every finding stands on it with its learners and its advice; nobody is named."""

import re
from datetime import timedelta
from functools import lru_cache

import pyarrow as pa
import pyarrow.compute as pc

from headway.description.quality import Profile, profile
from headway.domain.time import AsOf
from headway.reports.quality import headline, quality_page
from tests.support.memory import Memory
from tests.support.simulation import runs_of, simulated
from tests.unit.reports.made_up import MADE
from tests.unit.reports.page import Page

REJECTS = [("simulated", "statements", "bad_date", 412)]


@lru_cache(maxsize=1)
def broken() -> Profile:
    """Two runs, one of which lost four days and has statements with an unknown word."""
    tables = simulated(learners="120", runs="2", weeks="8", seed="6")
    begin = tables["course_runs"].to_pylist()[0]["starts_on"] + timedelta(days=20)
    dead = pa.array([begin + timedelta(days=day) for day in range(4)])
    rows = tables["statements"].filter(pc.invert(pc.is_in(tables["statements"]["occurred_on"], dead)))
    odd = pc.equal(rows["verb"], "posted")
    for column, word in (("verb", "interacted"), ("event", "<b>odd & new</b>")):
        place = rows.schema.get_field_index(column)
        rows = rows.set_column(place, rows.schema.field(place), pc.if_else(odd, word, rows[column]))
    with Memory(tables | {"statements": rows}) as records:
        return profile(records, runs_of(tables), AsOf.at("2030-01-01"), REJECTS)


@lru_cache(maxsize=1)
def whole() -> Profile:
    tables = simulated(learners="60", runs="1", weeks="8", seed="5")
    with Memory(tables) as records:
        return profile(records, runs_of(tables), AsOf.at("2030-01-01"))


def test_every_finding_stands_on_the_page() -> None:
    made = broken()
    text = Page(quality_page(made, MADE)).text
    assert len(made.findings) >= 3
    for finding in made.findings:
        for told in (finding.sentence, finding.means, finding.advice):
            assert " ".join(told.split()) in text
        if finding.people is not None:
            assert f"{finding.people:,}" in text


def test_the_page_opens_with_the_worst_in_people() -> None:
    assert broken().findings[0].code == "feed_gap"
    assert headline(broken()).startswith("In simulated/DS101/2025S1 no activity, or next to none, arrived")
    assert "look silent who were not." in headline(broken())
    assert headline(whole()) == "Nothing is wrong that shows in the records of 1 run."
    assert headline(Profile(AsOf.at("2030-01-01"), (), ())).endswith("Import a source first.")


def test_a_silent_feed_is_drawn_beside_what_was_to_be_expected() -> None:
    page = Page(quality_page(broken(), MADE))
    assert "Learners active each day, simulated/DS101/2025S1" in page.text
    assert "next to nobody was active" in page.text
    charts = [svg for svg in page.all("svg") if svg.get("role") == "img"]
    assert len(charts) == 2  # the gap, and the source week by week
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    assert "Silent feeds" not in Page(quality_page(whole(), MADE)).text


def test_words_of_a_source_are_escaped() -> None:
    html = quality_page(broken(), MADE)
    assert "<b>odd" not in html
    assert "<b>odd & new</b>" in Page(html).text


def test_nobody_is_named_and_nothing_is_fetched() -> None:
    html = quality_page(broken(), MADE)
    assert not re.search(r"simulated/[0-9a-f]{8}\b", html)
    assert "No learner is named here." in html
    assert not re.search(r"(?:src|href)=\"(?!#)", html)
    assert "<script" not in html
    assert "style=" not in html


def test_counts_of_sources_and_runs() -> None:
    page = Page(quality_page(broken(), MADE))
    assert "412" in page.text
    (source,) = broken().sources
    assert f"{source.rows['statements']:,}" in page.text
    for run in broken().runs:
        assert run.run in page.text
    assert page.text.count("Europe/London (2)") == 1


def test_tables_have_names_headings_and_scopes() -> None:
    page = Page(quality_page(broken(), MADE))
    assert len(page.all("caption")) == len(page.all("table"))
    assert all("scope" in heading for heading in page.all("th"))
    assert len(page.all("h1")) == 1


def test_the_same_profile_gives_the_same_bytes() -> None:
    assert quality_page(broken(), MADE) == quality_page(broken(), MADE)


def test_wording_is_careful() -> None:
    text = Page(quality_page(broken(), MADE)).text.lower()
    for word in ("will fail", "high risk", "dropout", "student", "because of", " nan"):
        assert word not in text


def test_an_empty_home_has_a_page() -> None:
    empty = Profile(AsOf.at("2030-01-01"), (), ())
    assert "Nothing noteworthy was found." in Page(quality_page(empty, MADE)).text
