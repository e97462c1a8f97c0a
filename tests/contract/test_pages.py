"""Every registered page and act, as every role: who gets in, what is found there, and what every answer carries.

The walk asks the registry, so that a new page is held to this without an edit here.
"""

import re
from importlib.resources import files
from itertools import pairwise
from typing import Any, Final

import pytest
import sqlalchemy as sa

from headway.domain.errors import Pending
from headway.flow.records import hashed
from headway.governance.scopes import ROLES
from headway.store.tables import METADATA
from headway.web.address import slug
from headway.web.page import PAGES
from tests.support.page_text import FORBIDDEN, outline
from tests.support.page_walk import WHO, open_to, path_of, surely_there, visits
from tests.support.pages import (
    BEFORE,
    ERASED,
    RUN,
    Pages,
    pages,
    pages_home,
    registry_met,
    written_pages,
)

__all__ = ["pages", "pages_home", "registry_met", "written_pages"]

pytestmark = pytest.mark.usefixtures("registry_met")

HEADERS: Final = (
    "content-security-policy",
    "x-content-type-options",
    "referrer-policy",
    "x-frame-options",
    "permissions-policy",
    "strict-transport-security",
)

DECIMAL: Final = re.compile(r"(?<![\d.])0\.\d+(?![\d.])")
TENTHS: Final = re.compile(r"\d(?:–\d)? in 10")


def outsiders(pages: Pages, name: str) -> dict[str, list[str]]:
    """By learner, what an account must not find: names and numbers, and pseudonyms where these are not its."""
    everyone = [*pages.learners, *pages.before]
    mine = {
        "adviser": pages.learners,
        "tutor": pages.of_group("G1"),
        "learner": [pages.learners[0]],
        "elsewhere": [],
        "scientist": [],
    }.get(name)
    if mine is None:
        return {}
    hidden: dict[str, list[str]] = {}
    for learner in everyone:
        if learner not in set(mine):
            hidden[learner] = [pages.name_of(learner), pages.number_of(learner)]
            if name != "scientist":
                hidden[learner] += [learner, slug(learner), learner.rpartition("/")[2][:8]]
    return hidden


def leaks(text: str, hidden: dict[str, list[str]], asked: str = "") -> list[str]:
    """What of the hidden stands in a text; what the address asked for may be repeated."""
    return [word for words in hidden.values() for word in words if word in text and word not in asked]


def test_signed_out_one_is_sent_to_sign_in_and_back(pages: Pages) -> None:
    for page in PAGES:
        path, browser = path_of(page, pages), pages.client("")
        if not page.roles:
            continue
        answer = browser.get(path) if page.method == "GET" else browser.post(path)
        assert answer.status_code == 303, page.name
        assert answer.headers["location"].startswith("/sign-in"), page.name
        if page.method == "GET":
            asked = browser.get(path, htmx=True)
            assert (asked.status_code, asked.text) == (204, ""), page.name
            assert asked.headers["hx-redirect"].startswith("/sign-in"), page.name
        _headers(answer, page.name)


@pytest.mark.parametrize("name", WHO)
def test_other_roles_pages_are_closed(pages: Pages, name: str) -> None:
    browser = pages.client(name)
    for page in PAGES:
        if not page.roles or WHO[name] in page.roles:
            continue
        path = path_of(page, pages)
        answer = browser.get(path) if page.method == "GET" else browser.post(path)
        assert answer.status_code == 403, f"{page.name} as {name}: {answer.status_code}"
        assert not leaks(answer.text, outsiders(pages, name)), page.name
        _headers(answer, page.name)


@pytest.mark.parametrize("name", WHO)
def test_own_pages_open_and_are_sound(pages: Pages, name: str) -> None:
    browser, hidden, titles = pages.new_client(name, calm=True), outsiders(pages, name), dict[str, str]()
    wrong: list[str] = []
    for page, path in visits(pages, WHO[name]):
        answer = browser.get(path, run=slug(RUN))
        allowed = {200, 303} if surely_there(page) else {200, 303, 404}
        if "{learner}" in page.path or name == "elsewhere":
            allowed |= {403, 404}
        if answer.status_code not in allowed:
            wrong.append(f"{path}: {answer.status_code} {_told(answer.text)}")
            continue
        wrong += [f"{path} tells {word}" for word in leaks(answer.text, hidden)[:5]]
        wrong += [f"{path} {problem}" for problem in (*_headers_lacking(answer), *_unsound(path, answer))]
        gate = "{learner}" in page.path and name in {"instructor", "governance"}
        if answer.status_code == 200 and "<html" in answer.text and 'id="pending"' not in answer.text and not gate:
            title = outline(answer.text).title
            if title in titles:
                wrong.append(f"{path} is called as {titles[title]}: {title}")
            titles[title] = path
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("name", ["adviser", "tutor", "scientist", "learner", "elsewhere"])
def test_changed_addresses_find_nobody_outside(pages: Pages, name: str) -> None:
    browser, hidden, wrong = pages.new_client(name, calm=True), outsiders(pages, name), list[str]()
    others = [pages.of_group("G2")[1], pages.before[0], ERASED, "simulated/ffffffffff", "../../etc/passwd", "%00"]
    queries: list[dict[str, Any]] = [
        {"run": slug(BEFORE)},
        {"run": "nothing~like~it"},
        {"group": "G2", "q": pages.name_of(pages.of_group("G2")[0]).split()[1]},
        {"q": pages.name_of(pages.before[0]).split()[1], "run": slug(BEFORE)},
        {"learner": slug(pages.of_group("G2")[0])},
        {"learner": slug(pages.before[0]), "run": slug(BEFORE)},
        {"page": "-1", "size": "x", "sort": "'", "week": "999", "on": "2025-99-99"},
    ]
    for page in open_to(WHO[name]):
        parts = [{"learner": slug(other)} for other in others] if "{learner}" in page.path else [{}]
        parts += [{"run": slug(BEFORE)}, {"run": "no~such~run"}] if "{run}" in page.path else []
        for part in parts:
            path = path_of(page, pages, **part)
            for query in queries if part == parts[0] else [{"run": slug(RUN)}]:
                answer = browser.get(path, **query)
                where, asked = f"{path} {query}", f"{path} {query} {answer.headers.get('location', '')}"
                if answer.status_code not in {200, 303, 400, 403, 404, 410, 422}:
                    wrong.append(f"{where}: {answer.status_code}")
                if answer.status_code == 200 and name != "scientist" and "{learner}" in page.path and part:
                    mine = part.get("learner") in {slug(each) for each in pages.learners} and name == "adviser"
                    wrong += [] if mine or "learner" not in part else [f"{where} shows somebody"]
                wrong += [f"{where} tells {word}" for word in leaks(answer.text, hidden, asked)[:5]]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("name", WHO)
def test_no_form_reaches_anybody_outside(written_pages: Pages, name: str) -> None:
    other, hidden, wrong = written_pages.of_group("G2")[0], outsiders(written_pages, name), list[str]()
    if name not in {"tutor", "elsewhere", "learner"}:
        other = written_pages.before[0]
    before = _rows_about(written_pages, list(hidden))
    for page in open_to(WHO[name], "POST"):
        if page.path == "/sign-out":
            continue
        browser = written_pages.new_client(name, calm=True)
        for part in ({"learner": slug(other)}, {"learner": slug(other), "run": slug(BEFORE)}):
            path, told = path_of(page, written_pages, **part), _fields(other)
            answer = browser.post(path, **told)
            refused = {400, 403, 404, 410, 422} if "{learner}" in page.path and hidden else set(range(200, 500))
            if answer.status_code not in refused:
                wrong.append(f"{page.name}: {answer.status_code}")
            wrong += [f"{page.name} tells {word}" for word in leaks(answer.text, hidden, f"{told} {path}")[:5]]
    assert not wrong, "\n".join(wrong)
    assert _rows_about(written_pages, list(hidden)) == before


def test_a_form_without_the_token_is_refused(pages: Pages) -> None:
    foreign = {"origin": "https://elsewhere.test"}
    for page in PAGES:
        if page.method != "POST":
            continue
        name = next((name for name, role in WHO.items() if role in page.roles), "adviser")
        browser, path = pages.client(name), path_of(page, pages)
        for told in ({}, {"csrf": ""}, {"csrf": "0" * 128}, {"csrf": "é" * 128}):
            answer = browser.http.post(path, data=told)
            assert answer.status_code == 403, f"{page.name} with {told}"
        good = {"csrf": browser.csrf}
        for headers in (foreign, {"origin": "null"}, {"sec-fetch-site": "cross-site"}, {"sec-fetch-site": "same-site"}):
            assert browser.http.post(path, data=good, headers=headers).status_code == 403, page.name
        stolen = {"csrf": pages.client("scientist" if name != "scientist" else "tutor").csrf}
        assert browser.http.post(path, data=stolen).status_code == 403, f"{page.name} with somebody else's token"


def test_the_token_is_never_written_twice_alike(pages: Pages) -> None:
    browser = pages.client("tutor")
    seen = [outline(browser.get("/help").text).tokens[0] for _ in range(3)]
    assert len(set(seen)) == 3


@pytest.mark.parametrize("name", ["adviser", "tutor", "scientist"])
def test_whoever_looks_at_a_learner_is_written_down(pages: Pages, name: str) -> None:
    browser, learner = pages.client(name), pages.of_group("G1")[1]
    for page in open_to(WHO[name]):
        if "{learner}" not in page.path:
            continue
        before = len(_views(pages, learner))
        path = path_of(page, pages, learner=slug(learner))
        if browser.get(path, run=slug(RUN)).status_code == 200:
            assert len(_views(pages, learner)) > before, f"{path} as {name} is not audited"


def test_whom_one_may_not_see_is_refused_and_that_is_written_down(pages: Pages) -> None:
    other, before = pages.of_group("G2")[2], len(pages.audited("refuse"))
    seen = [page for page in open_to("tutor") if "{learner}" in page.path]
    for page in seen:
        path = path_of(page, pages, learner=slug(other))
        assert pages.client("tutor").get(path, run=slug(RUN)).status_code == 403, path
    refused = [entry for entry in pages.audited("refuse")[before:] if entry["subject"] == hashed(other)]
    assert len(refused) >= len(seen)


def test_who_was_erased_is_gone_and_who_never_was_is_unknown(pages: Pages) -> None:
    for page in open_to("adviser"):
        if "{learner}" not in page.path:
            continue
        for learner, status in ((ERASED, 410), ("simulated/ffffffffff", 404), (pages.before[0], 404)):
            answer = pages.client("adviser").get(path_of(page, pages, learner=slug(learner)), run=slug(RUN))
            assert answer.status_code == status, f"{page.path} of {learner}"


def test_what_is_not_a_page_is_answered_with_one(pages: Pages) -> None:
    for name in ("", "tutor"):
        http = pages.client_of(name)
        for method, path, status in (
            ("GET", "/nothing/here", 404),
            ("GET", "/static/0000/app.css", 404),
            ("POST", "/help", 405),
            ("PUT", "/", 405),
            ("GET", "/sign-out", 405),
        ):
            answer = http.request(method, path)
            assert answer.status_code == status, f"{method} {path}: {answer.status_code}"
            _sound(answer, path)
            _headers(answer, path)


def test_our_files_are_kept_by_the_browser_for_good(pages: Pages) -> None:
    http, text = pages.client_of(""), pages.client("").get("/sign-in").text
    ours = re.findall(r'(?:href|src)="(/static/[^"]+)"', text)
    assert len(ours) >= 4
    for path in ours:
        answer = http.get(path)
        assert answer.status_code == 200
        assert "immutable" in answer.headers["cache-control"]
        assert answer.headers["x-content-type-options"] == "nosniff"
        again = http.get(path, headers={"if-none-match": answer.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
        assert http.get(path, headers={"accept-encoding": "identity"}).text == answer.text


def test_pages_are_packed_where_the_browser_takes_it(pages: Pages) -> None:
    http = pages.client_of("tutor")
    packed = http.get("/help", headers={"accept-encoding": "gzip"})
    plain = http.get("/help", headers={"accept-encoding": "identity"})
    assert packed.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers
    assert "Accept-Encoding" in plain.headers["vary"]
    assert int(packed.headers["content-length"]) < len(plain.content) / 2
    assert outline(packed.text).title == outline(plain.text).title


def test_cookies_are_kept_from_scripts_and_from_the_clear(written_pages: Pages) -> None:
    browser = written_pages.new_client("adviser")
    answers = [browser.post("/role", role="adviser"), browser.post("/sign-out")]
    plain = [page.path for page in open_to("adviser", "POST") if "{" not in page.path]
    answers += [written_pages.new_client("adviser").post(path) for path in plain]
    cookies = [cookie for answer in answers for cookie in answer.headers.get_list("set-cookie")]
    assert any("headway_session" in cookie for cookie in cookies)
    for cookie in cookies:
        gone = "Max-Age=0" in cookie
        assert gone or {"HttpOnly", "SameSite=lax", "Secure"} <= set(cookie.split("; ")), cookie


def test_templates_hold_nothing_that_the_policy_forbids() -> None:
    wrong = re.compile(
        r"hx-on|\bjs:|\sstyle\s*=|<style|\son\w+\s*=|javascript:|<script(?![^>]*\bsrc=)|https?://(?!www\.w3)"
    )
    physical = re.compile(r"(?:margin|padding|border)-(?:left|right|top|bottom)|text-align:\s*(?:left|right)|float:")
    place = files("headway.web")
    templates = {each.name: each.read_text() for each in (place / "templates").iterdir()}
    paper = {name for name, text in templates.items() if "<!doctype" in text.lower() and name != "base.html"}
    linked = set(re.findall(r"static\('([\w.-]+\.css)'\)", " ".join(templates[name] for name in {*templates} - paper)))
    paper |= {each.name for each in (place / "static").iterdir() if each.name not in linked}
    assert {"app.css", "tokens.css"} <= linked, "sheets of paper, which WeasyPrint alone reads, are no pages"
    for folder, rule in (("templates", wrong), ("static", physical)):
        for file in (place / folder).iterdir():
            if file.name.endswith((".html", ".css")) and file.name not in paper:
                text = file.read_text()
                found = [line for line in text.splitlines() if rule.search(line)]
                assert not found, f"{file.name}: {found[:3]}"


def test_every_role_has_pages_and_every_page_says_what_it_is_about() -> None:
    for role in ROLES:
        assert any(page.nav for page in open_to(role)) or role == "learner", role
    assert all(page.about for page in PAGES)
    assert not [page.name for page in PAGES if page.nav and page.method != "GET"]


def _headers_lacking(answer: Any) -> list[str]:
    """What every answer carries and this one does not."""
    wrong = [f"lacks {name}" for name in HEADERS if name not in answer.headers]
    policy = answer.headers.get("content-security-policy", "")
    wrong += [] if "default-src 'self'" in policy and "unsafe" not in policy else [f"has the policy {policy!r}"]
    return wrong + ([] if answer.headers.get("cache-control") == "no-store" else ["may be kept by a cache"])


def _headers(answer: Any, where: str) -> None:
    assert not _headers_lacking(answer), where


def _sound(answer: Any, where: str) -> None:
    assert not _unsound(where, answer), where


def _unsound(path: str, answer: Any) -> list[str]:
    """What is wrong with a page; nothing where the answer is not a whole page."""
    if not answer.headers.get("content-type", "").startswith("text/html") or "<html" not in answer.text:
        return []
    page = outline(answer.text)
    levels = [0, *page.headings]
    scripts = [name for _, name, _ in page.attributes if name.startswith("on") or name in {"style", "hx-on"}]
    foreign = [value for _, name, value in page.attributes if name in {"src", "href"} and value.startswith("http")]
    said = FORBIDDEN.search(page.seen())
    body = "\n".join(each.words for each in page.texts if not each.in_footer)
    decimal = None if path.startswith("/models") else DECIMAL.search(body)
    checks = {
        f"has lang {page.html.get('lang')} and dir {page.html.get('dir')}": (
            page.html.get("lang"),
            page.html.get("dir"),
        )
        == ("en-GB", "ltr"),
        f"has {levels.count(1)} h1": levels.count(1) == 1,
        f"skips a heading level: {levels}": all(after <= before + 1 for before, after in pairwise(levels)),
        f"has the title {page.title!r}": page.title.endswith(" · headway") and len(page.title) > len(" · headway"),
        f"has ids twice: {sorted({each for each in page.ids if page.ids.count(each) > 1})}": len(set(page.ids))
        == len(page.ids),
        f"has inline {page.inline}": not page.inline,
        f"has {scripts[:5]}": not scripts,
        f"leads to {foreign[:3]}": not foreign,
        f"says {said}": said is None,
        f"has a decimal {decimal}": decimal is None,
    }
    return [problem for problem, fine in checks.items() if not fine]


def test_what_is_being_computed_comes_as_a_whole_page_with_its_own_styles(
    pages: Pages, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = f"/courses/{slug(RUN)}?tab=days"
    with monkeypatch.context() as later:
        later.setattr(pages.asgi.site.slow, "get", _pending)
        waiting = pages.client("instructor").get(path).text
    assert 'aria-busy="true"' in waiting
    assert f'data-again="{path}"' in waiting
    assert not re.search(r"hx-(?:get|trigger)", waiting.partition('id="pending"')[2])


def _pending(*_: object, **__: object) -> None:
    raise Pending()


def _told(text: str) -> str:
    page = outline(text)
    return " ".join(each.words for each in page.texts if "main" in each.inside)[:300]


def _views(pages: Pages, learner: str) -> list[dict[str, Any]]:
    return [entry for entry in pages.audited("view") if entry["subject"] == hashed(learner)]


def _fields(other: str) -> dict[str, Any]:
    """What forms may ask for, with somebody in it who is not theirs to reach."""
    names = ("learner", "learners", "selected", "who", "pick", "one")
    told: dict[str, Any] = {name: [slug(other)] for name in names}
    return told | {"text": "Called.", "reason": "other", "run": slug(RUN), "purpose": "a test", "why": "a test"}


def _rows_about(pages: Pages, learners: list[str]) -> dict[str, int]:
    """How many rows of each table are about these learners."""
    found: dict[str, int] = {}
    with pages.app.store.read() as connection:
        for table in METADATA.sorted_tables:
            if "learner" in table.c:
                about = table.c.learner.in_(learners)
                found[table.name] = connection.execute(
                    sa.select(sa.func.count()).select_from(table).where(about)
                ).scalar_one()
    return found
