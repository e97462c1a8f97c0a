"""What of check 40 (ux.md, 5) any machine can tell; `benchmarks/bench_first_row.py` tells the times."""

from collections.abc import Callable

import pytest

from headway.web.address import slug
from tests.support.first_row import Cost, cost_of
from tests.support.pages import RUN
from tests.support.tabs import Site

pytestmark = pytest.mark.browser

CASELOAD = f"/caseload?run={slug(RUN)}"
MOST_PACKED = 40_000
MOST_SHIFT = 0.02
MOST_REQUESTS = 9
"""The page, four sheets, three scripts, and the icon."""


@pytest.fixture(scope="module")
def cost(site: Site) -> Cost:
    """What the first visit of an adviser costs on the slow profile."""
    return cost_of(site, "adviser", CASELOAD, slow=True, stay=True)


def test_check_40_the_page_does_not_move_by_itself(cost: Cost) -> None:
    assert cost.shift < MOST_SHIFT, cost.moved


def test_check_40_little_is_sent_and_little_is_waited_for(cost: Cost, record_property: Callable[..., None]) -> None:
    record_property("first_row_ms", round(cost.row_ms))
    record_property("first_answer_ms", round(cost.answer_ms))
    record_property("blocked_ms", round(cost.blocked_ms))
    assert 10_000 < cost.packed <= MOST_PACKED
    assert len(cost.before_row) <= MOST_REQUESTS, cost.before_row
    assert [each for each in cost.blocking if not each.endswith(".css")] == []
    assert 2 <= len(cost.blocking) <= 4, cost.blocking
    assert 0 < cost.row_ms < cost.answer_ms


def test_check_40_a_page_that_moves_is_found(site: Site) -> None:
    with site.tab("adviser") as tab:
        page = tab.go(CASELOAD)
        push = "document.querySelector('main').insertAdjacentHTML('afterbegin', '<p><br><br><br><br><br><br></p>')"
        page.evaluate(push)
        summed = """(most) => new Promise((told) => {
            let sum = 0;
            new PerformanceObserver((list) => {
                for (const each of list.getEntries()) sum += each.value;
                if (sum > most) told(sum);
            }).observe({ type: "layout-shift", buffered: true });
        })"""
        assert page.evaluate(summed, MOST_SHIFT) > MOST_SHIFT
