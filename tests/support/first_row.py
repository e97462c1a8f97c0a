"""What it costs a browser to come to the first row of a list, and to the first answer: bytes, requests, shifts, times.

The profile is that of ux.md, 3.2: a processor four times slower, 10 Mbit/s, 40 ms.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from tests.support.tabs import Site

if TYPE_CHECKING:
    from playwright.sync_api import Page

SLOWER: Final = 4
BYTES_A_SECOND: Final = 10_000_000 / 8
LATENCY_MS: Final = 40
ROW: Final = "#rows tbody th a[data-opens-drawer]"
ANSWER: Final = "#drawer [data-focus]"
MOST_MS: Final = 60_000
AFTER_MS: Final = 2_500
"""For how long the page is watched after its first row: what comes later by itself comes 1.5 s after loading."""

_BLOCKING: Final = """() => performance.getEntriesByType("resource")
  .filter((each) => each.renderBlockingStatus === "blocking").map((each) => each.name)"""
_WATCH: Final = """
window.__seen = { row: 0, answer: 0, shifts: [], blocked: 0 };
new PerformanceObserver((list) => { for (const each of list.getEntries())
  window.__seen.shifts.push([each.value, each.hadRecentInput, each.startTime,
    each.sources.map((source) => source.node && (source.node.id || source.node.nodeName)).join(" ")]);
}).observe({ type: "layout-shift", buffered: true });
new PerformanceObserver((list) => { for (const each of list.getEntries())
  window.__seen.blocked += Math.max(0, each.duration - 50);
}).observe({ type: "longtask", buffered: true });
const look = () => {
  const seen = window.__seen, now = performance.now();
  if (!seen.row && document.querySelector(ROW)) seen.row = now;
  if (!seen.answer && document.querySelector(ANSWER)) seen.answer = now;
  if (!seen.answer) requestAnimationFrame(look);
};
requestAnimationFrame(look);
""".replace("ROW", repr(ROW)).replace("ANSWER", repr(ANSWER))


@dataclass
class Cost:
    """What one visit cost.

    Attributes:
        row_ms: from the start to the frame after which the first row stands.
        answer_ms: from the start to the drawer of the first row, clicked as soon as it stood and the page had loaded.
        blocked_ms: the parts of tasks longer than 50 ms.
        shift: how far the page moved by itself before the click, as the layout shift of web vitals.
        moved: which nodes moved, for whoever wants to mend it.
        packed: bytes that came to the first answer, packed as they came, with their headers.
        before_row: the addresses asked for until the page had loaded.
        blocking: those of them that nothing could be painted without.
    """

    row_ms: float = 0
    answer_ms: float = 0
    blocked_ms: float = 0
    shift: float = 0
    moved: list[str] = field(default_factory=list)
    packed: int = 0
    before_row: list[str] = field(default_factory=list)
    blocking: list[str] = field(default_factory=list)


@contextmanager
def _page(site: Site, name: str, slow: bool, cost: Cost) -> Iterator["Page"]:
    """A fresh profile with nothing kept, watched from its first request."""
    context = site.context(name)
    context.set_default_timeout(MOST_MS)
    context.add_init_script(_WATCH)
    page = context.new_page()
    session: Any = context.new_cdp_session(page)
    session.on("Network.loadingFinished", lambda told: setattr(cost, "packed", cost.packed + told["encodedDataLength"]))
    session.send("Network.enable")
    if slow:
        speed = {"downloadThroughput": BYTES_A_SECOND, "uploadThroughput": BYTES_A_SECOND}
        session.send("Network.emulateNetworkConditions", {"offline": False, "latency": LATENCY_MS, **speed})
        session.send("Emulation.setCPUThrottlingRate", {"rate": SLOWER})
    try:
        yield page
    finally:
        context.close()


def cost_of(site: Site, name: str, path: str, *, slow: bool, stay: bool = False) -> Cost:
    """What it costs an account to open a list and its first row.

    Args:
        site: the pages, served.
        name: the account.
        path: the address of the list.
        slow: whether on the slow profile, else as fast as the machine is.
        stay: whether to look on for a while before the click, for what moves late; what comes meanwhile is not counted.
    """
    cost = Cost()
    with _page(site, name, slow, cost) as page:
        page.on("request", lambda request: cost.before_row.append(request.url))
        page.goto(site.url + path, wait_until="load")
        page.wait_for_selector(ROW)
        asked = len(cost.before_row)
        cost.blocking = page.evaluate(_BLOCKING)
        if stay:
            came = cost.packed
            page.wait_for_timeout(AFTER_MS)
            cost.packed = came
        for value, after_input, at, nodes in page.evaluate("window.__seen.shifts"):
            if not after_input:
                cost.shift += value
                cost.moved.append(f"{value:.4f} at {at:.0f} ms: {nodes}")
        page.locator(ROW).first.click()
        page.wait_for_selector(ANSWER)
        seen = page.evaluate("window.__seen")
        cost.row_ms, cost.answer_ms, cost.blocked_ms = seen["row"], seen["answer"], seen["blocked"]
        del cost.before_row[asked:]
    return cost
