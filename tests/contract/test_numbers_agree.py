"""What a page shows is what the JSON interface tells, and what the table beside a chart holds (ux.md, check 23)."""

import html
import re
from collections.abc import Iterator
from typing import Any

import pytest
from starlette.testclient import TestClient

from headway import flow
from headway.advising.wording import tenths
from headway.governance import keys
from headway.web.address import slug
from tests.support.pages import RUN, WEEKS, Pages, pages_home, written_pages

__all__ = ["pages_home", "written_pages"]

ROW = re.compile(
    r'id="l-([^"]+)" href.*?<td class="chance"><bdi>(.*?)</bdi>.*?<td class="why" data-content>(.*?)</td>', re.DOTALL
)


@pytest.fixture
def interface(written_pages: Pages) -> Iterator[TestClient]:
    """The JSON interface of the same server, with a key that may read everything."""
    with written_pages.app.store.begin() as connection:
        _, secret = keys.create(connection, written_pages.app.clock.now(), "test", ["admin"])
    with TestClient(written_pages.asgi, headers={"Authorization": f"Bearer {secret}"}) as opened:
        yield opened


def said(prediction: dict[str, Any]) -> str:
    """How a chance of the interface is told to people."""
    if prediction["risk"] is None:
        return "Too early to say"
    return tenths(prediction["risk"], prediction["low"], prediction["high"])


def test_check_23_the_list_tells_the_chances_and_reasons_of_the_interface(
    written_pages: Pages, interface: TestClient
) -> None:
    told = interface.get(f"/v1/runs/{RUN}/predictions", params={"limit": 1000}).json()
    wanted = {slug(each["learner"]): each for each in told["items"]}
    page = written_pages.client("adviser").get("/caseload", run=slug(RUN), size="100").text
    shown = {found[1]: (html.unescape(found[2]), html.unescape(found[3])) for found in ROW.finditer(page)}
    assert shown.keys() == wanted.keys()
    assert len(shown) == len(written_pages.learners)
    assert {who: chance for who, (chance, _) in shown.items()} == {who: said(each) for who, each in wanted.items()}
    scored = {who: each["reasons"][0]["text"] for who, each in wanted.items() if each["reasons"]}
    assert len(scored) > 50
    assert {who: shown[who][1] for who in scored} == scored


@pytest.mark.parametrize("place", [0, 20, 57, 59])
def test_check_23_each_week_of_the_chart_is_that_of_the_interface(
    written_pages: Pages, interface: TestClient, place: int
) -> None:
    learner = written_pages.learners[place]
    page = written_pages.client("adviser").get(f"/learners/{slug(learner)}", run=slug(RUN)).text
    (figure,) = re.findall(r'<figure>\s*<svg[^>]*class="chart.*?</figure>', page, re.DOTALL)[:1]
    rows = re.findall(r'<tr><th scope="row">(.*?)</th>(.*?)</tr>', figure, re.DOTALL)
    table = {week: [html.unescape(cell) for cell in re.findall(r"<td[^>]*>(.*?)</td>", cells)] for week, cells in rows}
    assert table.keys() == {str(week) for week in WEEKS}
    for week in WEEKS:
        day = flow.course_date(written_pages.app, RUN, 7 * week - 1)
        asked = {"run": RUN, "as_of": str(day)}
        found = interface.get(f"/v1/learners/{learner}/explanation", params=asked).json()["prediction"]
        assert said(found) in table[str(week)], f"week {week}"
    texts = [html.escape(each["text"], quote=False) for each in found["reasons"]]
    assert all(text in page for text in texts)
