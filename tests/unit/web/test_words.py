"""Words, numbers and dates: made-up languages find what is not translated, and what does not turn round."""

import re
from datetime import UTC, date, datetime

import pytest

from headway.web.address import slug
from headway.web.words import PSEUDO, PSEUDO_RTL, SOURCE, Words, pseudo
from scripts.words import TEMPLATE, as_text, extracted
from tests.support.page_text import outline
from tests.support.page_walk import visits
from tests.support.pages import RUN, Pages

OURS = re.compile(r"[^\W\d_]{2,}")
KEPT = re.compile(
    r"headway|UTC|BST|GMT|DS101|2025S\d|PDF|CSV|JSON|Moodle|Canvas|Open edX|ZQ\d+|Learner [0-9a-f]{8}|\bin 10\b"
    r"|does_not_finish-[\w/]+|simulated(?:[/~][\w/~]+)?|(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) \d+ \w+ \d{4}"
)
"""Names, dates and chances, which no translator is asked for."""


def test_the_template_for_translators_holds_what_the_pages_say() -> None:
    assert TEMPLATE.read_text() == as_text(extracted()), "run: python -m scripts.words"


def test_every_text_in_the_template_can_be_filled_in_any_language() -> None:
    for message in extracted():
        told: list[str] = [message.id] if isinstance(message.id, str) else list(message.id)
        for text in told:
            holes = re.findall(r"%\((\w+)\)[sd]", text)
            assert sorted(re.findall(r"%\((\w+)\)[sd]", pseudo(text))) == sorted(holes), text


@pytest.mark.usefixtures("registry_met")
@pytest.mark.parametrize("name", ["", "adviser", "instructor", "scientist", "governance", "learner"])
def test_no_text_of_a_page_stays_behind(pages: Pages, name: str) -> None:
    browser = pages.new_client(name, calm=True) if name else pages.client("")
    browser.http.cookies.set("language", PSEUDO, domain="headway.test")
    role = {"": "", "scientist": "data_scientist"}.get(name, name)
    paths = ["/sign-in", "/help", "/status", "/nothing"] if not name else []
    paths += [f"{path}?run={slug(RUN)}" for _, path in visits(pages, role)] if name else []
    wrong: list[str] = []
    for path in paths:
        answer = browser.get(path)
        if not answer.headers.get("content-type", "").startswith("text/html") or "<html" not in answer.text:
            continue
        wrong += [f"{path}: {text}" for text in _untranslated(pages, answer.text)]
    assert not wrong, f"{len(wrong)}:\n" + "\n".join(list(dict.fromkeys(wrong))[:80])


def _untranslated(pages: Pages, html: str) -> list[str]:
    """The texts of a page that are ours and not in brackets; a text in pieces has them at its ends."""
    found: list[str] = []
    inside = 0
    types = "On course|Loss of motivation|Lack of time|Skill gap|Never started|Busy but low results"
    people = {*types.split("|")}  # groups are named by the analysis, in the data's language
    people |= {pages.name_of(each) for each in pages.learners} | {
        "adviser",
        "instructor",
        "scientist",
        "governance",
        "learner",
        "tutor",
    }
    for text in outline(html).texts:
        opened, closed = text.words.count("["), text.words.count("]")
        ours = not text.from_data and "svg" not in text.inside and inside == 0 and not opened
        inside = max(0, inside + opened - closed)
        words = KEPT.sub("", text.words)
        for person in people:
            words = words.replace(person, "")
        if ours and OURS.search(words) and not {"code", "kbd", "bdi"} & {*text.inside}:
            found.append(text.words[:100])
    return found


def test_pages_turn_round(pages: Pages) -> None:
    browser = pages.new_client("adviser")
    browser.http.cookies.set("language", PSEUDO_RTL, domain="headway.test")
    made = outline(browser.get("/caseload").text)
    assert (made.html["lang"], made.html["dir"]) == (PSEUDO_RTL, "rtl")
    assert (outline(pages.client("adviser").get("/caseload").text).html["dir"]) == "ltr"


@pytest.mark.parametrize(
    ("zone", "before", "after"),
    [
        ("Europe/London", "Sun 26 Oct 2025, 01:30 BST", "Sun 26 Oct 2025, 01:30 GMT"),
        ("America/Sao_Paulo", "Sat 25 Oct 2025, 21:30 America/Sao_Paulo", "Sat 25 Oct 2025, 22:30 America/Sao_Paulo"),
        ("Asia/Kolkata", "Sun 26 Oct 2025, 06:00 IST", "Sun 26 Oct 2025, 07:00 IST"),
    ],
)
def test_an_instant_is_told_in_the_readers_zone_over_the_change_of_clocks(zone: str, before: str, after: str) -> None:
    words = Words(SOURCE, zone)
    assert words.moment_text(datetime(2025, 10, 26, 0, 30, tzinfo=UTC)) == before
    assert words.moment_text(datetime(2025, 10, 26, 1, 30, tzinfo=UTC)) == after
    told = str(words.moment(datetime(2025, 10, 26, 0, 30, tzinfo=UTC)))
    assert re.search(r'datetime="2025-10-2[56]T\d\d:[03]0:00[+-]\d\d:\d\d"', told)


def test_numbers_and_days_follow_the_language() -> None:
    assert Words().number(2000) == "2,000"
    assert Words("de").number(12345.6) == "12.345,6"
    assert Words("tr").percent(0.31) == "%31"
    assert Words().day_text(date(2026, 11, 16)) == "Mon 16 Nov 2026"


def test_counting_follows_the_number() -> None:
    assert Words().ngettext("%(num)s learner", "%(num)s learners", 1) == "%(num)s learner"
    assert Words(PSEUDO).ngettext("%(num)s learner", "%(num)s learners", 2).startswith("[%(num)s léárñérš")
