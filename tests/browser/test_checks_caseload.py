"""Those of the forty checks (ux.md, 5) that follow somebody through the caseload: keys, focus, addresses, trouble."""

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from headway.store.tables import CONTACTS, TASKS
from headway.web.address import slug
from tests.support.mailing import rows
from tests.support.pages import RUN
from tests.support.tabs import Site, Tab

if TYPE_CHECKING:
    from playwright.sync_api import Page, Route

pytestmark = pytest.mark.browser

Tabs = Callable[..., Tab]
CASELOAD = f"/caseload?run={slug(RUN)}"
ROWS = "#rows tbody th a[data-opens-drawer]"


def _settled(page: "Page") -> None:
    _until(page, "() => !document.querySelector('[aria-busy=true]')")


def _until(page: "Page", true: str, arg: object = None, most_ms: int = 15_000) -> None:
    """Waits until a function of the page is true; Playwright's own way evaluates text, which our policy forbids."""
    for _ in range(most_ms // 50):
        if page.evaluate(true, arg):
            return
        page.wait_for_timeout(50)
    raise AssertionError(f"not within {most_ms} ms: {true}")


def _names(page: "Page") -> list[str]:
    return page.locator(ROWS).all_inner_texts()


def _query(page: "Page") -> str:
    return page.url.partition("?")[2]


def _tab_to(page: "Page", selector: str, most: int = 150) -> None:
    """Presses Tab until the wanted element has the focus."""
    for _ in range(most):
        if page.evaluate("(selector) => document.activeElement.matches(selector)", selector):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"no way to {selector} by Tab")


def test_check_07_a_morning_by_keyboard_alone(own_site: Site) -> None:
    """Signs in, narrows the list, sorts it, opens somebody, reads why, calls, keeps the outcome, closes."""
    from tests.support.pages import PASSWORD

    with own_site.tab("") as tab:
        page = tab.go(CASELOAD)
        _tab_to(page, "input[name=name]")
        page.keyboard.type("adviser")
        _tab_to(page, "input[name=password]")
        page.keyboard.type(PASSWORD)
        page.keyboard.press("Enter")
        page.wait_for_url(re.compile(r"^[^?]+/caseload\?"))
        _tab_to(page, "#f-q")
        page.keyboard.type("Abebe")
        _until(page, "() => document.querySelectorAll('#rows tbody th a').length <= 20")
        _settled(page)
        assert {name.split()[1] for name in _names(page)} == {"Abebe"}
        _tab_to(page, "#sort-name")
        page.keyboard.press("Enter")
        page.wait_for_url("**sort=name**")
        _settled(page)
        _tab_to(page, ROWS)
        name = page.evaluate("document.activeElement.innerText")
        page.keyboard.press("Enter")
        page.wait_for_selector("#drawer [data-focus]")
        assert page.evaluate("document.activeElement.innerText") == name
        _tab_to(page, "#drawer a.main")
        page.keyboard.press("Enter")
        page.wait_for_url(re.compile(r"^[^?]+/contact\?"))
        _tab_to(page, "input[name=outcome]")
        page.keyboard.press("Space")
        _tab_to(page, "#f-code")
        page.keyboard.type("It helped")
        closed_as = page.locator("#f-code").evaluate("(select) => select.value")
        assert closed_as == "helped"
        _tab_to(page, "main form button.main")
        page.keyboard.press("Enter")
        page.wait_for_url("**#contacts")
        assert "Saved" in page.locator("#notice").inner_text()
        (kept,) = rows(own_site.pages, CONTACTS)
        assert (kept["channel"], kept["outcome"]) == ("phone", "reached")
        (task,) = rows(own_site.pages, TASKS)
        assert (task["status"], task["closing_code"], own_site.pages.name_of(task["learner"])) == (
            "closed",
            "helped",
            name,
        )
        _tab_to(page, "header nav a[href^='/caseload']")
        page.keyboard.press("Enter")
        page.wait_for_url(re.compile(r"^[^?]+/caseload"))
        assert name not in _names(page)
        assert page.locator(".capacity").inner_text().startswith("1 of ")
        _tab_to(page, "#tab-closed")
        page.keyboard.press("Enter")
        page.wait_for_url("**tab=closed**")
        _settled(page)
        assert _names(page) == [name]
        assert tab.errors == []


def test_check_11_drawer_takes_the_focus_and_gives_it_back(tab: Tabs) -> None:
    page = tab("adviser").go(CASELOAD)
    row = page.locator(ROWS).nth(2)
    link = row.get_attribute("id")
    row.focus()
    page.keyboard.press("Enter")
    page.wait_for_selector("#drawer [data-focus]")
    assert page.evaluate("document.activeElement.hasAttribute('data-focus')")
    assert "learner=" in _query(page)
    page.keyboard.press("Escape")
    _until(page, "() => !document.querySelector('#drawer [data-focus]')")
    _until(page, "(id) => document.activeElement.id === id", link)
    assert "learner=" not in _query(page)


def test_check_11_a_drawer_that_came_with_the_page_returns_to_its_row(tab: Tabs) -> None:
    shown = tab("adviser")
    page = shown.go(f"{CASELOAD}&learner={slug(shown.site.pages.learners[3])}")
    page.locator("#drawer [data-close]").click()
    _until(page, "() => !document.querySelector('#drawer [data-focus]')")
    _until(page, "(id) => document.activeElement.id === id", f"l-{slug(shown.site.pages.learners[3])}")


def test_check_12_focus_stays_on_the_head_that_sorts(tab: Tabs) -> None:
    page = tab("adviser").go(CASELOAD)
    page.locator("#sort-name").focus()
    for direction in ("ascending", "descending"):
        page.keyboard.press("Enter")
        page.wait_for_selector(f"th[aria-sort={direction}] #sort-name")
        _settled(page)
        assert page.evaluate("document.activeElement.id") == "sort-name"
        assert page.locator("th[aria-sort]").count() == 1


def test_check_13_the_count_is_announced_by_the_same_node(tab: Tabs) -> None:
    page = tab("adviser").go(CASELOAD)
    page.evaluate("window.__count = document.querySelector('#count')")
    before = page.locator("#count").inner_text()
    page.locator("#f-q").press_sequentially("Chen", delay=10)
    _until(page, "(before) => document.querySelector('#count').innerText !== before", before)
    assert page.evaluate("window.__count === document.querySelector('#count') && window.__count.isConnected")
    assert page.locator("#count").get_attribute("role") == "status"
    assert page.locator("#count").inner_text().split()[0].isdigit()


def test_check_26_a_learner_page_says_what_it_does_not_know(tab: Tabs) -> None:
    shown = tab("adviser")
    learner = slug(shown.site.pages.learners[2])
    for path in (f"/learners/{learner}?run={slug(RUN)}", f"{CASELOAD}&learner={learner}"):
        page = shown.go(path)
        text = page.locator("body").inner_text()
        assert "does not know about illness, work or a plan agreed with a tutor" in text
        assert "Challenge this prediction" in text
        signs = page.locator("ul.bars > li .sign").all_inner_texts()
        assert {"▲", "▽"} <= set(signs)
        assert re.search(r"\d–\d in 10|\d in 10|of 10 past learners", text)


def test_check_29_old_rows_stay_while_new_ones_come(tab: Tabs) -> None:
    page = tab("adviser").go(CASELOAD)
    before = _names(page)
    held: list[Route] = []
    page.route(re.compile(r"/caseload\?.*sort=name"), lambda route: held.append(route))
    page.evaluate(
        "window.__busy = 0; const from = performance.now(); const look = () => {"
        "if (document.querySelector('#rows[aria-busy=true]')) window.__busy = performance.now() - from;"
        "else requestAnimationFrame(look); }; look(); document.querySelector('#sort-name').click();"
    )
    _until(page, "() => window.__busy > 0")
    assert page.evaluate("window.__busy") < 100
    assert _names(page) == before
    _until(page, "() => document.querySelector('#working').innerText.trim() !== ''", most_ms=3_000)
    held[0].continue_()
    page.wait_for_selector("th[aria-sort=ascending] #sort-name")
    _settled(page)
    assert page.locator("#working").inner_text().strip() == ""


@pytest.mark.parametrize("how", ["lost", "fault", "refused"])
def test_check_30_trouble_is_told_and_nothing_is_lost(tab: Tabs, how: str) -> None:
    shown = tab("adviser")
    page = shown.go(CASELOAD)
    before = _names(page)
    address = page.url
    asked = re.compile(r"/caseload\?.*sort=name")
    times: list[int] = []

    def trouble(route: "Route") -> None:
        times.append(1)
        if how == "lost":
            route.abort()
        elif how == "fault":
            route.fulfill(status=500, content_type="text/html", body="<p>broken</p>")
        else:
            route.fulfill(
                status=503,
                content_type="text/html",
                body="<p>Busy just now.</p>",
                headers={"HX-Retarget": "#trouble", "HX-Reswap": "innerHTML", "HX-Push-Url": "false"},
            )

    page.route(asked, trouble)
    page.locator("#sort-name").click()
    page.wait_for_selector("#trouble [data-retry]")
    assert len(page.locator("#trouble").inner_text()) > 15
    assert page.locator("#trouble").get_attribute("role") == "alert"
    assert _names(page) == before
    assert page.url == address
    page.unroute(asked)
    page.locator("#trouble [data-retry]").click()
    page.wait_for_selector("th[aria-sort=ascending] #sort-name")
    _settled(page)
    assert page.locator("#trouble").inner_text().strip() == ""
    assert times == [1]


def test_check_32_the_address_is_the_screen(site: Site, tab: Tabs) -> None:
    page = tab("adviser").go(CASELOAD)
    page.locator("#sort-name").click()
    page.wait_for_url("**sort=name**")
    page.locator("#f-q").press_sequentially("a", delay=10)
    page.wait_for_url("**q=a**")
    _settled(page)
    page.locator("#page-after").click() if page.locator("#page-after").count() else None
    _settled(page)
    page.locator(ROWS).nth(1).click()
    page.wait_for_url("**learner=**")
    page.wait_for_selector("#drawer [data-focus]")
    _settled(page)
    told = {each: page.locator(each).inner_text() for each in ("#rows table", "#count", "#drawer")}
    with site.tab("adviser") as other:
        again = other.go(page.url.removeprefix(site.url))
        assert {each: again.locator(each).inner_text() for each in told} == told
        assert again.locator("#f-q").input_value() == "a"


def test_check_33_back_and_forward_lose_no_step(tab: Tabs) -> None:
    page = tab("adviser").go(CASELOAD)
    first = _names(page)
    page.locator("#sort-name").click()
    page.wait_for_url("**sort=name**")
    _settled(page)
    second, length = _names(page), page.evaluate("history.length")
    page.locator("#f-q").press_sequentially("ab", delay=150)
    page.wait_for_url("**q=ab**")
    _settled(page)
    assert page.evaluate("history.length") == length, "typing made steps"
    page.locator("#f-q").fill("")
    page.wait_for_url(lambda url: "q=" not in url)
    _settled(page)
    page.locator("#tab-closed").click()
    page.wait_for_url("**tab=closed**")
    _settled(page)
    page.go_back()
    _until(page, "() => document.querySelector('th[aria-sort] #sort-name') !== null")
    _settled(page)
    assert _names(page) == second
    page.go_back()
    _until(page, "() => document.querySelector('th[aria-sort=ascending] #sort-name') === null")
    _settled(page)
    assert _names(page) == first
    page.go_forward()
    _until(page, "() => document.querySelector('th[aria-sort=ascending] #sort-name') !== null")
    assert _names(page) == second


def test_check_35_pages_are_whole_and_clamp(tab: Tabs) -> None:
    shown = tab("adviser")
    total = len(shown.site.pages.learners)
    page = shown.go(f"{CASELOAD}&size=25")
    found = _names(page)
    assert page.locator("#count").inner_text().split()[0] == str(total)
    while page.locator("#page-after").count():
        last = _names(page)
        page.locator("#page-after").click()
        _until(page, "(name) => document.querySelector('#rows tbody th a').innerText !== name", last[0])
        _settled(page)
        found += _names(page)
    assert len(found) == len(set(found)) == total
    last = _names(page)
    assert _names(shown.go(f"{CASELOAD}&size=25&page=999")) == last
    page = shown.go(f"{CASELOAD}&size=25&page=2")
    first = _names(page)[0]
    page.locator("#size-50").click()
    page.wait_for_url(lambda url: "size=25" not in url)
    _settled(page)
    assert first in _names(page)


def test_check_40_works_without_javascript(tab: Tabs) -> None:
    page = tab("adviser", java_script_enabled=False).go(CASELOAD)
    everyone = _names(page)
    page.locator("#f-q").fill("Chen")
    page.locator("#f button").first.click()
    page.wait_for_url("**q=Chen**")
    assert 0 < len(_names(page)) < len(everyone)
    page.locator("#sort-name").click()
    page.wait_for_url("**sort=name**")
    assert _names(page) == sorted(_names(page))
    page.goto(page.url.partition("?")[0] + f"?run={slug(RUN)}&size=25")
    page.locator("#page-after").click()
    page.wait_for_url("**page=2**")
    name = _names(page)[0]
    page.locator(ROWS).first.click()
    page.wait_for_url("**/learners/**")
    assert name in page.locator("h1").inner_text()


@pytest.mark.parametrize("width", [1440, 1024, 768, 375])
@pytest.mark.parametrize("drawer", [False, True])
def test_the_columns_of_the_list_fit_and_the_room_is_the_reasons(
    tab: Tabs, site: Site, width: int, drawer: bool
) -> None:
    opened = f"&learner={slug(site.pages.learners[1])}" if drawer else ""
    page = tab("adviser", viewport={"width": width, "height": 900}).go(CASELOAD + opened)
    box = page.locator("#rows .scroll")
    assert box.evaluate("box => box.scrollWidth - box.clientWidth") == 0
    cells = page.locator(".cases tbody tr:has(.why)").first.locator("th, td")
    wide = {
        each: cells.nth(each).evaluate("cell => [cell.offsetWidth, cell.className]") for each in range(cells.count())
    }
    if width > 375:
        assert max(wide.values())[1] == "why"


def test_on_a_phone_what_came_of_a_contact_takes_the_room_of_the_reason(own_site: Site) -> None:
    with own_site.tab("adviser") as tab:
        page = tab.go(CASELOAD)
        page.locator(".cases .pick input").first.check()
        page.locator("select[name=code]").select_option("wrongly_flagged")
        page.get_by_role("button", name="Close", exact=True).click()
        page.wait_for_load_state()
    shown = {}
    with own_site.tab("adviser", viewport={"width": 375, "height": 800}) as tab:
        for part in ("week", "closed"):
            heads = tab.go(f"{CASELOAD}&tab={part}").locator(".cases thead th")
            shown[part] = {head.inner_text() for head in heads.all() if head.is_visible()}
    assert shown["week"] & {"Main reason", "Status"} == {"Main reason"}
    assert shown["closed"] & {"Main reason", "Status"} == {"Status"}
