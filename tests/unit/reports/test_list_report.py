"""The page of a scored run: safe, complete, in the agreed words, the same every time."""

import base64
import hashlib
import re
from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise

import pytest

from headway.advising import wording
from headway.advising.caseload import Candidate, caseload
from headway.explanation.guard import causal_words
from headway.explanation.reasons import Reason
from headway.reports.evaluation import EvaluationReport, render_evaluation
from headway.reports.report import ListReport, PastCheck, render_list
from tests.unit.reports.made_up import MADE, made_caseload, made_report, made_rows
from tests.unit.reports.page import Page

FORBIDDEN = (
    r"high[ -]risk", r"at[ -]risk", r"dropout", r"drop-out", r"failure risk", r"risk factors?", r"shap\b",
    r"feature importance", r"severe", r"critical", r"\bred\b", r"\bamber\b", r"\bgreen\b", r"will fail", r"\bn/a\b",
    r"\bnull\b", r"\bnone\b", r"\bnan\b", r"identified as", r"\bstudents?\b", r"report a bug", r"\brank",
)  # fmt: skip


@pytest.fixture(scope="module")
def report() -> ListReport:
    return made_report()


@pytest.fixture(scope="module")
def html(report: ListReport) -> str:
    return render_list(report)


@pytest.fixture(scope="module", params=["list", "evaluation", "early", "empty", "bare"])
def any_page(request: pytest.FixtureRequest, html: str) -> str:
    early = [Candidate("E1", 0.5, 0, 1, "too_early", detail="Fewer than 3 weeks of data.")]
    pages = {
        "list": lambda: html,
        "evaluation": lambda: render_evaluation(made_rows(), made=MADE, notes=("A note.",)),
        "early": lambda: render_list(made_report(caseload=caseload(early, 5))),
        "empty": lambda: render_list(made_report(caseload=caseload([], 5))),
        "bare": lambda: render_list(
            ListReport("a/b/c", "does_not_finish", made_report().as_of, "UTC", made_caseload(), MADE)
        ),
    }
    return pages[request.param]()


def test_nothing_outside_the_file_and_nothing_that_runs(any_page: str) -> None:
    page = Page(any_page)
    for tag in ("script", "link", "img", "iframe", "object", "form", "base"):
        assert page.all(tag) == []
    for _, attributes in page.elements:
        assert "style" not in attributes
        assert not [name for name in attributes if name.startswith("on") or name == "src"]
        assert attributes.get("href", "#").startswith("#")
    assert "url(" not in any_page
    assert "@import" not in any_page
    assert not re.search(r"https?://", any_page)


def test_the_content_policy_names_the_style_block(any_page: str) -> None:
    [css] = re.findall(r"<style>(.*?)</style>", any_page, flags=re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(css.encode()).digest()).decode()
    [policy] = [meta["content"] for meta in Page(any_page).all("meta") if "http-equiv" in meta]
    assert policy.startswith(f"default-src 'none'; style-src 'sha256-{digest}'")


def test_structure_is_accessible(any_page: str) -> None:
    page = Page(any_page)
    assert page.all("html")[0]["lang"] == "en-GB"
    assert len(page.all("h1")) == len(page.all("main")) == len(page.all("footer")) == 1
    levels = [int(tag[1]) for tag, _ in page.elements if re.fullmatch(r"h[1-6]", tag)]
    assert all(later <= earlier + 1 for earlier, later in pairwise(levels))
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    for _, attributes in page.elements:
        for name in ("aria-labelledby", "aria-describedby"):
            assert set(attributes.get(name, "").split()) <= set(ids)
        if attributes.get("href"):
            assert attributes["href"][1:] in ids
    assert len(page.all("caption")) == len(page.all("table"))
    assert all("scope" in attributes for attributes in page.all("th"))
    assert page.all("a")[0] == {"class": "skip", "href": "#main"}
    assert all("datetime" in attributes for attributes in page.all("time"))


def test_forbidden_words_are_absent(any_page: str) -> None:
    text = Page(any_page).text.lower()
    found = [word for word in FORBIDDEN if re.search(word, text)]
    assert found == []
    assert causal_words(text) == ()


def test_the_forbidden_words_test_can_fail(html: str) -> None:
    planted = Page(html.replace("did not finish", "are high-risk students", 1)).text.lower()
    assert [word for word in FORBIDDEN if re.search(word, planted)] == [r"high[ -]risk", r"\bstudents?\b"]


def test_the_same_report_gives_the_same_bytes(report: ListReport, html: str) -> None:
    assert render_list(made_report()) == html == render_list(report)


def test_the_page_says_what_is_the_matter(html: str) -> None:
    text = Page(html).text
    expected = round(0.95 + 0.9 + 0.85)
    assert f"Reach out to 3 of 22 learners this week. If this run goes as earlier ones did, about {expected} of" in text
    assert (
        "Check on oulad/AAA/2013J, day 56: of the 25 it put first, 17 did not finish and 8 did otherwise. "
        "The simple rule “no visit for 7 days” had 12." in text
    )
    assert "no better than the rule" not in text
    assert wording.SMOKE_ALARM in text
    assert "Your 3 contacts for this week end here. Next in line:" in text
    assert "week 9" in text
    assert "data up to Wed 26 Nov 2014, 22:40 Europe/London" in text


def test_each_listed_learner_has_chance_reasons_and_the_note(html: str) -> None:
    text = Page(html).text
    assert html.count("<article") == 3
    assert "Of 10 past learners like this, more than 9 did not finish. Likely 8–10." in text
    assert "▲ points to not finishing (2) · ▽ points to finishing (1)." in text
    assert html.count("Last visit 12 days ago (course middle: 1)") == 6 + 2 * 3  # list rows, and bar with its table
    for sentence in (wording.DOES_NOT_KNOW, wording.NOT_USED, wording.CHALLENGE, "What this rests on"):
        assert sentence in text
    assert "Chance of not finishing, day by day" in text
    assert "Day 14: 2–6 in 10. Day 56: 8–10 in 10." in text


def test_no_decimals_in_front_of_the_evaluation(html: str) -> None:
    # The heading stands in the navigation, too.
    in_navigation, people, _ = Page(html).text.split("How well this does", maxsplit=2)
    assert "Learner by learner" in people
    assert not re.search(r"\d\.\d", in_navigation + people)
    assert "AUROC" not in people


def test_too_early_is_a_state_of_its_own(html: str) -> None:
    text = Page(html).text
    assert "Too early to say 2" in text
    assert "2 learners have no prediction yet. Fewer than 3 weeks of data." in text
    assert "E1 no visit yet" in text
    assert not re.search(r"\bE2\b", text)  # has visited, so the rule does not list them


def test_a_course_problem_is_said_on_top(html: str) -> None:
    assert wording.COURSE_PROBLEM not in html
    told = Page(render_list(made_report(caseload=made_caseload(past_cut=0.5)))).text
    assert f"{wording.COURSE_PROBLEM}: 50% of learners are above the line" in told


def test_old_data_is_said_on_top(html: str) -> None:
    assert "Data stopped on" not in html
    old = made_report(data_up_to=datetime(2014, 11, 24, 6, tzinfo=UTC))
    assert (
        "Data stopped on Mon 24 Nov 2014, 06:00 Europe/London. Orders may be out of date."
        in Page(render_list(old)).text
    )


def test_a_list_no_better_than_the_rule_says_so() -> None:
    check = PastCheck("AAA, day 14", 25, 9, "no visit for 7 days", 12)
    assert "no better than the rule" in Page(render_list(made_report(past_check=check))).text
    assert "nobody knows how often it is right" in Page(render_list(made_report(past_check=None))).text


def test_empty_lists_say_why() -> None:
    early = [Candidate("E1", 0.5, 0, 1, "too_early")]
    assert "Too early to say for all 1 learner." in Page(render_list(made_report(caseload=caseload(early, 5)))).text
    assert "nobody to contact" in Page(render_list(made_report(caseload=caseload([], 5)))).text
    none = Page(render_list(made_report(caseload=made_caseload(capacity=0)))).text
    assert "Nobody needs contact this week" in none
    assert "Last check: Thu 27 Nov 2014, 00:00 Europe/London." in none


def test_what_comes_from_data_is_escaped() -> None:
    bad = "<script>alert(1)</script>"
    reason = Reason(bad, 1.0, 1.0, "for", 1.0, bad, "visits")
    cohort = [
        Candidate(bad, 0.5, 0.4, 0.6, "scored", (reason,)),
        Candidate(bad + "2", 0.5, 0, 1, "too_early", detail=bad),
    ]
    rows = [row | {"model": bad, "train": [bad], "note": bad} for row in map(dict, made_rows())]
    report = made_report(
        run=bad,
        title=bad,
        caseload=caseload(cohort, 1),
        past_check=PastCheck(bad, 1, 1, bad, 0),
        notes=(bad,),
        made=replace(MADE, version=bad),
        evaluation=EvaluationReport(rows),
    )
    html = render_list(report)
    assert "<script" not in html
    assert Page(html).text.count(bad) >= 9
    assert "&lt;b&gt;8&lt;/b&gt; posts &amp; more" in render_list(made_report())
