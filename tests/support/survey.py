"""Every page of every account, seen once in Chromium: what each of the checks that hold for all pages finds wrong.

One process looks, the others of the same test run read what it found.
"""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.resources import files
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from tests.support.page_text import outline
from tests.support.page_walk import visits
from tests.support.pages import RUN, Pages
from tests.support.tabs import NARROW, WIDE, Site, Tab

if TYPE_CHECKING:
    from playwright.sync_api import Page, Response

PROBES: Final = Path(__file__).with_name("probes.js")
ACCOUNTS: Final = {
    "adviser": "adviser",
    "instructor": "instructor",
    "scientist": "data_scientist",
    "governance": "governance",
    "learner": "learner",
    "tutor": "tutor",
}
MOST_STOPS: Final = 300
MOST_PARTS: Final = 5
"""A field for a date has stops within itself: its parts and its calendar."""

AXE_TAGS: Final = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22a", "wcag22aa", "best-practice"]
SLOW_PAGE: Final = re.compile(r"\.(?:pdf|csv|json|zip)$|/export$")

MOST_LOOKS: Final = 40
_AXE: Final = """(options) => axe.run(document, options).then((told) => told.violations.map((each) =>
  `${each.id} (${each.nodes.length}): ${each.nodes[0].html.slice(0, 160)}`))"""

Found = dict[str, dict[str, list[str]]]
"""What is wrong, by address and check."""


@dataclass(frozen=True, slots=True)
class Survey:
    """What was found.

    Attributes:
        found: by `account path`, the checks with what each finds wrong; seen and sound checks have an empty list.
        titles: the title of each page.
    """

    found: Found
    titles: dict[str, str]

    def wrong(self, check: int | str) -> list[str]:
        """What a check found wrong anywhere."""
        assert len(self.found) > 5, "hardly a page was seen"
        told = [f"{where}: {each}" for where, checks in self.found.items() for each in checks.get(str(check), [])]
        return list(dict.fromkeys(told))

    def seen_by(self, check: int | str) -> int:
        """On how many pages a check looked."""
        return sum(str(check) in checks for checks in self.found.values())


def look(site: Site) -> Survey:
    """Looks at every page. Pages that several accounts may open are looked at fully once."""
    found: Found = {}
    titles: dict[str, str] = {}
    fully: set[str] = set()
    for name, paths in addresses(site.pages):
        with site.tab(name) as tab:
            for path in paths:
                full = path.partition("?")[0] not in fully or "learner=" in path
                fully.add(path.partition("?")[0])
                seen = _look_at(tab, path, full)
                if seen is None:
                    continue
                found[f"{name} {path}"] = seen
                if not seen["refused"]:
                    titles[f"{name} {path}"] = tab.page.title()
    return Survey(found, titles)


def addresses(pages: Pages) -> Iterator[tuple[str, list[str]]]:
    """The addresses that each account opens, those that need nobody first."""
    from headway.web.address import slug

    run = slug(RUN)
    yield "", ["/sign-in", "/help", "/status", "/nothing/here"]
    for name, role in ACCOUNTS.items():
        paths = [f"{path}?run={run}" for page, path in visits(pages, role) if not SLOW_PAGE.search(page.path)]
        if role == "adviser":
            paths.append(f"/caseload?run={run}&learner={slug(pages.of_group('G1')[1])}")
        yield name, paths


def _look_at(tab: Tab, path: str, full: bool) -> dict[str, list[str]] | None:
    page, before, asked = tab.page, len(tab.errors), len(tab.asked)
    answer = _opened(page, tab.site.url + path)
    kind = (answer.headers.get("content-type", "") if answer else "") or ""
    elsewhere = page.url.removeprefix(tab.site.url).partition("?")[0] != path.partition("?")[0]
    if answer is None or not kind.startswith("text/html") or elsewhere or page.locator("#pending").count():
        return None
    seen: dict[str, list[str]] = {"opens": [f"answers {answer.status}"] if answer.status >= 500 else []}
    text = page.content()
    seen["refused"] = [str(answer.status)] if answer.status >= 400 else []
    seen |= _text_checks(text, path)
    seen["39"] = page.evaluate("window.__violations") + tab.foreign()
    seen["39"] += [] if answer.status >= 400 else tab.errors[before:]
    seen["39 weight"] = _too_heavy(text, tab.asked[asked:])
    if not full:
        return seen
    page.evaluate(PROBES.read_text())
    for check, probe in (("5", "landmarks"), ("14", "targets"), ("15", "gestures"), ("16", "names"), ("20", "motion")):
        seen[check] = _probe(page, probe)
    for check, probe in (("22", "alone"), ("23", "charts"), ("24", "redAndGreen"), ("37", "times"), ("2", "drawings")):
        seen[check] = _probe(page, probe)
    seen["1"] = axe(page)
    seen |= _by_keyboard(page)
    _in_dark(page, seen)
    _narrow(page, seen)
    return seen


def _opened(page: "Page", address: str) -> "Response | None":
    """The answer with the page itself. What is computed first shows a page that asks again, which may cut in here."""
    from playwright.sync_api import Error

    answer: Response | None = None
    for _ in range(MOST_LOOKS):
        try:
            answer = page.goto(address, wait_until="load")
            if not page.locator("#pending").count():
                return answer
        except Error as cut_in:
            if "ERR_ABORTED" not in cut_in.message and "interrupted" not in cut_in.message:
                raise
        page.wait_for_timeout(250)
    return answer


def _text_checks(text: str, path: str) -> dict[str, list[str]]:
    made = outline(text)
    levels = [0, *made.headings]
    jumps = [f"{levels}"] if any(after > before + 1 for before, after in pairwise(levels)) else []
    told = {
        "3": jumps
        + ([] if made.html.get("lang") and made.html.get("dir") else ["no lang or dir"])
        + ([] if levels.count(1) == 1 else [f"{levels.count(1)} h1"]),
        "4": [] if re.fullmatch(r".+ · headway", made.title) else [repr(made.title)],
    }
    body = "\n".join(each.words for each in made.texts if not each.in_footer)
    decimals = [] if path.startswith("/models") else re.findall(r"(?<![\d.])0\.\d+(?![\d.])", body)
    told["25"] = decimals[:3]
    return told


def _probe(page: "Page", name: str) -> list[str]:
    found: list[str] = page.evaluate(f"window.__probes.{name}()")
    return found


def axe(page: "Page", rules: list[str] | None = None) -> list[str]:
    """What axe finds wrong: rule, and the first node. It is put into a page once, and tells no more than that."""
    from axe_playwright_python.base import AXE_SCRIPT

    only: dict[str, Any] = {"type": "rule", "values": rules} if rules else {"type": "tag", "values": AXE_TAGS}
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE_SCRIPT)
    found: list[str] = page.evaluate(_AXE, {"runOnly": only, "resultTypes": ["violations"], "elementRef": False})
    return found


def _by_keyboard(page: "Page") -> dict[str, list[str]]:
    """Checks 6, 8, 9 and 10: through all stops, from the skip link round to where it began."""
    wrong: dict[str, list[str]] = {"6": [], "8": [], "9": []}
    page.evaluate("document.activeElement?.blur(); window.scrollTo(0, 0)")
    keys: list[str] = []
    stays = 0
    page.keyboard.press("Tab")
    if page.evaluate("document.activeElement.className") != "skip":
        wrong["6"].append(f"the first stop is {page.evaluate('document.activeElement.outerHTML')[:80]}")
    for _ in range(MOST_STOPS):
        seen = page.evaluate("window.__probes.focused()")
        if seen is None or seen["key"] in keys[:1]:
            break
        stays = stays + 1 if keys and seen["key"] == keys[-1] else 0
        if stays > MOST_PARTS:
            wrong["8"].append(f"does not get on from {seen['key']}")
            break
        keys.append(seen["key"])
        wrong["9"] += [] if stays else seen["wrong"]
        page.keyboard.press("Tab")
    else:
        wrong["8"].append(f"no way out in {MOST_STOPS} stops")
    wrong["9"] = wrong["9"][:5]
    page.evaluate("document.activeElement?.blur()")
    return wrong


def _in_dark(page: "Page", seen: dict[str, list[str]]) -> None:
    page.evaluate("document.documentElement.dataset.theme = 'dark'")
    seen["1"] += [f"dark: {each}" for each in axe(page, ["color-contrast", "link-in-text-block"])]
    seen["2"] += [f"dark: {each}" for each in _probe(page, "drawings")]
    seen["24"] += [f"dark: {each}" for each in _probe(page, "redAndGreen")]
    page.evaluate("document.documentElement.dataset.theme = 'auto'")
    page.emulate_media(forced_colors="active")
    seen["21"] = _probe(page, "forced")
    page.emulate_media(forced_colors="none")


def _narrow(page: "Page", seen: dict[str, list[str]]) -> None:
    page.set_viewport_size(NARROW)  # type: ignore[arg-type] # a plain dict will do
    seen["18"] = _probe(page, "sideways")
    seen["19"] = _probe(page, "spaced")
    seen["14"] += [f"narrow: {each}" for each in _probe(page, "targets")]
    seen["1"] += [
        f"narrow: {each}" for each in axe(page, ["scrollable-region-focusable", "target-size", "meta-viewport"])
    ]
    page.set_viewport_size(WIDE)  # type: ignore[arg-type] # a plain dict will do
    page.evaluate("document.documentElement.classList.add('large')")
    large = "const s = new CSSStyleSheet(); s.replaceSync('html.large{font-size:200% !important}');"
    page.evaluate(f"() => {{ {large} document.adoptedStyleSheets = [...document.adoptedStyleSheets, s]; }}")
    seen["18"] += [f"text twice as large: {each}" for each in _probe(page, "sideways")]


def _too_heavy(text: str, asked: list[str]) -> list[str]:
    """Check 39's budgets for one page, packed: 30 KB of HTML, 25 KB of scripts, 60 KB in all."""
    import gzip

    html = len(gzip.compress(text.encode()))
    names = {each.rpartition("/")[2] for each in asked if "/static/" in each}
    names |= set(re.findall(r"/static/\w+/([\w.-]+)", text))
    place = files("headway.web") / "static"
    sizes = {name: len(gzip.compress((place / name).read_bytes())) for name in names}
    scripts = sum(size for name, size in sizes.items() if name.endswith(".js"))
    whole = html + sum(sizes.values())
    parts = {"HTML": (html, 30_000), "scripts": (scripts, 25_000), "all": (whole, 60_000)}
    return [f"{name}: {size} bytes" for name, (size, most) in parts.items() if size > most]


def kept(place: Path, make: Callable[[], Survey]) -> Survey:
    """The survey that a process of this run made, or the one made now."""
    if place.exists():
        told = json.loads(place.read_text())
        return Survey(told["found"], told["titles"])
    made = make()
    place.write_text(json.dumps({"found": made.found, "titles": made.titles}))
    return made
