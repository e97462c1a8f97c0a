"""Those of the forty checks (ux.md, 5) on states: errors in forms, empty and stale pages, what is gone, undo, paper."""

import re
import subprocess
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from shutil import which
from typing import TYPE_CHECKING

import pytest

from headway.web.address import slug
from headway.web.words import PSEUDO, PSEUDO_RTL
from tests.presence import absent
from tests.support.pages import ERASED, RUN
from tests.support.survey import PROBES
from tests.support.tabs import NARROW, Site, Tab

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser

Tabs = Callable[..., Tab]
RUN_TOLD = f"?run={slug(RUN)}"
CASELOAD = f"/caseload{RUN_TOLD}"


def _sent_wrong(page: "Page", button: str) -> None:
    """Sends a form without the browser's own checks, and waits for the page that says what is wrong."""
    page.evaluate("document.querySelectorAll('form').forEach((form) => { form.noValidate = true; })")
    page.locator(button).first.click()
    page.wait_for_selector("#errors")


def _says_what_is_wrong(page: "Page") -> None:
    assert page.evaluate("document.activeElement.id") == "errors"
    target = page.locator("#errors a").first.get_attribute("href") or ""
    field = page.locator(target).first
    described = (field.get_attribute("aria-describedby") or "").split()
    assert described, f"{target} is not tied to its error"
    assert all(page.locator(f"#{each}").count() == 1 for each in described)


def test_check_17_errors_are_tied_to_their_fields(tab: Tabs) -> None:
    page = tab("").go("/sign-in")
    page.locator("input[name=name]").fill("Nobody Here")
    page.locator("input[name=password]").fill("wrong")
    _sent_wrong(page, "main form button")
    _says_what_is_wrong(page)
    assert page.locator("input[name=name]").input_value() == "Nobody Here"
    shown = tab("adviser")
    page = shown.go(f"/learners/{slug(shown.site.pages.learners[1])}/challenge{RUN_TOLD}")
    page.locator("textarea[name=text]").fill("She told me on Monday.")
    _sent_wrong(page, "main form button.main")
    _says_what_is_wrong(page)
    assert page.locator("textarea[name=text]").input_value() == "She told me on Monday."


def test_check_28_empty_lists_have_a_way_out(tab: Tabs) -> None:
    shown = tab("adviser")
    page = shown.go(f"{CASELOAD}&q=nobody-of-this-name")
    empty = page.locator("#rows .empty, #rows td[colspan]").first
    assert len(empty.inner_text()) > 15
    assert page.locator("#rows a[href*='/caseload']").count()
    for part in ("waiting", "snoozed", "closed"):
        page = shown.go(f"{CASELOAD}&tab={part}")
        assert len(page.locator("#rows").inner_text()) > 40
        assert page.locator("#rows a").count()
    page = tab("elsewhere").go("/caseload")
    assert len(page.locator("main p").first.inner_text() + page.locator("main").inner_text()) > 40


def test_check_31_old_data_are_told_on_every_page(own_site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    with own_site.tab("adviser") as tab:
        assert tab.go(CASELOAD).locator(".banner").count() == 0
        monkeypatch.setattr("headway.web.site.STALE", timedelta(0))
        for path in (CASELOAD, f"/learners/{slug(own_site.pages.learners[0])}{RUN_TOLD}", f"/courses/{slug(RUN)}"):
            banner = tab.go(path).locator("body > .banner, .banner").first
            assert banner.locator("time[datetime]").count() == 1
            assert "out of date" in banner.inner_text()


def test_check_34_what_is_gone_or_foreign_says_so(tab: Tabs) -> None:
    shown = tab("adviser")
    answer = shown.page.goto(f"{shown.site.url}/learners/{slug(ERASED)}{RUN_TOLD}")
    assert answer is not None
    assert answer.status == 410
    assert "erased" in shown.page.locator("main").inner_text().lower()
    other = tab("tutor")
    before = len(other.site.pages.audited("refuse"))
    answer = other.page.goto(f"{other.site.url}/learners/{slug(other.site.pages.of_group('G2')[0])}{RUN_TOLD}")
    assert answer is not None
    assert answer.status == 403
    assert len(other.site.pages.audited("refuse")) == before + 1
    assert other.page.locator("main a.button").count()


def test_check_36_what_was_done_to_many_can_be_taken_back(own_site: Site) -> None:
    with own_site.tab("adviser") as tab:
        page = tab.go(CASELOAD)
        rows = page.locator("#rows tbody th a[data-opens-drawer]").all_inner_texts()
        page.locator("#rows tbody input[type=checkbox]").first.check()
        fold = page.locator("#bulk details.fold summary")
        if fold.is_visible():
            fold.click()
        page.locator("#bulk [name=act][value=snooze]").click()
        page.wait_for_selector("#notice:not(:empty)")
        _shows(page, rows[0], False)
        page.locator("form.undo button").click()
        page.wait_for_selector("#notice:not(:empty)")
        _shows(page, rows[0], True)


def _shows(page: "Page", name: str, there: bool) -> None:
    names = page.locator("#rows tbody th a[data-opens-drawer]").all_inner_texts()
    assert (name in names) is there


def test_check_36_an_erasure_wants_the_id_typed(tab: Tabs) -> None:
    page = tab("governance").go("/governance?tab=erasure")
    if page.locator("input[name=learner]").count() == 0:
        page = tab("governance").go("/governance/erasure")
    assert page.locator("input[name=learner]").count() >= 1
    assert page.locator("button", has_text=re.compile("^Erase$")).count() == 0, "nothing goes by one click"


@pytest.mark.parametrize("language", [PSEUDO, PSEUDO_RTL])
def test_check_38_longer_words_and_the_other_direction_fit(tab: Tabs, language: str) -> None:
    shown = tab("adviser")
    learner = slug(shown.site.pages.learners[1])
    shown.page.context.add_cookies([{"name": "language", "value": language, "url": shown.site.url}])
    for path in (CASELOAD, f"{CASELOAD}&learner={learner}", f"/learners/{learner}{RUN_TOLD}", f"/courses/{slug(RUN)}"):
        page = shown.go(path)
        page.locator("#pending").wait_for(state="detached", timeout=60_000)  # what is computed comes by itself
        assert page.locator("html").get_attribute("lang") == language
        for width in (1440, NARROW["width"]):
            page.set_viewport_size({"width": width, "height": 900})
            page.evaluate(PROBES.read_text())
            assert page.evaluate("window.__probes.sideways()") == [], f"{path} at {width}"
            assert page.evaluate("window.__probes.overlaps()") == [], f"{path} at {width}"
        page.set_viewport_size({"width": 1440, "height": 900})


@pytest.mark.parametrize("zone", ["Europe/London", "America/Sao_Paulo", "Asia/Kolkata"])
def test_check_37_times_are_told_in_the_readers_zone(own_site: Site, zone: str) -> None:
    from headway.governance import accounts

    app = own_site.pages.app
    with app.store.begin() as connection:
        accounts.keep_settings(connection, accounts.named(connection, "adviser").id, {"zone": zone})
    with own_site.tab("adviser", timezone_id="Pacific/Auckland") as tab:
        page = tab.go(CASELOAD)
        told = page.locator("header .where time").first.get_attribute("datetime") or ""
        offsets = {"Europe/London": "+01:00", "America/Sao_Paulo": "-03:00", "Asia/Kolkata": "+05:30"}
        assert told.endswith(offsets[zone])


def test_check_40_paper_has_no_blank_page_and_no_black_chart(site: Site, tmp_path: Path) -> None:
    tool = which("pdftoppm")
    if tool is None:
        absent("no pdftoppm: install poppler-utils")
    learner, client = slug(site.pages.learners[1]), site.pages.new_client("adviser")
    for number, path in enumerate((f"/caseload/sheet.pdf{RUN_TOLD}", f"/learners/{learner}/report.pdf{RUN_TOLD}")):
        answer = client.get(path)
        assert answer.content.startswith(b"%PDF"), path
        file = tmp_path / f"{number}.pdf"
        file.write_bytes(answer.content)
        subprocess.run([tool, "-r", "30", "-gray", str(file), str(tmp_path / f"page{number}")], check=True, timeout=60)
        sheets = sorted(tmp_path.glob(f"page{number}-*.pgm"))
        assert sheets
        for sheet in sheets:
            dark = _dark_share(sheet.read_bytes())
            assert 0.002 < dark < 0.25, f"{path} {sheet.name}: {dark:.4f} of it is dark"


def test_check_40_a_printed_page_holds_what_the_screen_holds(tab: Tabs, tmp_path: Path) -> None:
    tools = which("pdftoppm"), which("pdftotext")
    if None in tools:
        absent("no pdftoppm and pdftotext: install poppler-utils")
    shown = tab("adviser")
    page = shown.go(CASELOAD)
    names = page.locator("#rows tbody th a[data-opens-drawer]").all_inner_texts()
    learner = slug(shown.site.pages.learners[1])
    for path, wanted in ((CASELOAD, names), (f"/learners/{learner}{RUN_TOLD}", ["What this rests on", "Notes"])):
        page, file = shown.go(path), tmp_path / "printed.pdf"
        page.pdf(path=file)
        text = subprocess.run([tools[1] or "", file, "-"], check=True, capture_output=True, timeout=60).stdout.decode()
        assert [each for each in [*wanted, "DS101", "Confidential. Printed by adviser"] if each not in text] == []
        subprocess.run([tools[0] or "", "-r", "30", "-gray", file, tmp_path / "printed"], check=True, timeout=60)
        sheets = sorted(tmp_path.glob("printed-*.pgm"))
        for sheet in sheets[:-1]:
            assert _lowest_ink(sheet.read_bytes()) > 0.5, f"{path}: half of {sheet.name} is empty"
        for sheet in sheets:
            sheet.unlink()


def _lowest_ink(pgm: bytes) -> float:
    """How far down a sheet something is printed, 0 to 1."""
    _, size, _, pixels = pgm.split(b"\n", 3)
    width, height = (int(each) for each in size.split())
    inked = [row for row in range(height) if min(pixels[row * width : (row + 1) * width]) < 128]
    return (inked[-1] + 1) / height if inked else 0.0


def _dark_share(pgm: bytes) -> float:
    """The share of pixels darker than grey."""
    pixels = pgm.split(b"\n", 3)[3]
    return sum(1 for pixel in pixels if pixel < 128) / len(pixels)
