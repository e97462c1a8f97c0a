"""Charts: the drawing, the sentence and the table say the same; drawings are compared with kept ones.

Renew the kept drawings with HEADWAY_RENEW_GOLDEN=1 after looking at them in a browser.
"""

import os
import re
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest

from headway.advising.wording import label_words
from headway.domain.errors import InputError
from headway.evaluation.metrics import ReliabilityBin
from headway.reports.charts import (
    CHANCE,
    Axis,
    Chart,
    Frame,
    Point,
    Series,
    decimals,
    in_ten,
    line_chart,
    reason_bars,
    reliability_chart,
    whole,
)
from tests.unit.reports.made_up import made_reasons
from tests.unit.reports.page import Page

_SHAPES = {"line", "rect", "circle", "polygon", "polyline"}
GOLDEN = Path(__file__).parent / "golden"
WORDS = label_words("does_not_finish")
DAYS = Axis(14, 56, (14, 28, 56), whole, "day of the course")
AUROC = Axis(0.5, 1, (0.5, 0.75, 1), decimals, "AUROC")


def lines() -> Chart:
    series = (
        Series("boosting", (Point(14, 0.7, 0.66, 0.74), Point(28, 0.75, 0.7, 0.8), Point(56, 0.81, 0.78, 0.84))),
        Series("logistic", (Point(14, 0.69), Point(28, 0.74), Point(56, 0.8)), "other"),
        Series("no visit", (Point(14, 0.55), Point(56, 0.66)), "rule"),
    )
    return line_chart("AUROC by day", series, DAYS, AUROC, "It rises & stays.", slug="a")


def chance() -> Chart:
    points = (Point(14, 0.4, 0.2, 0.6), Point(28, 0.5, 0.35, 0.7), Point(56, 0.65, 0.5, 0.8))
    return line_chart("Chance", (Series("chance", points),), DAYS, CHANCE, "Day 56: 5–8 in 10.", slug="b")


def reliability() -> Chart:
    bins = (ReliabilityBin(400, 0.1, 0.12, 0.09, 0.16), ReliabilityBin(80, 0.6, 0.55, 0.44, 0.66))
    return reliability_chart("Said and seen", bins, WORDS, slug="c")


def bars() -> Chart:
    return reason_bars(made_reasons(), WORDS)


CHARTS = {"lines": lines, "chance": chance, "reliability": reliability, "bars": bars}


@pytest.mark.parametrize("name", CHARTS)
def test_drawings_are_as_kept(name: str) -> None:
    drawn = CHARTS[name]().svg.replace("><", ">\n<") + "\n"
    kept = GOLDEN / f"{name}.svg"
    if os.environ.get("HEADWAY_RENEW_GOLDEN"):
        kept.parent.mkdir(exist_ok=True)
        kept.write_text(drawn, encoding="utf-8")
    assert drawn == kept.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", CHARTS)
def test_every_shape_has_a_class_and_a_colour_of_its_own(name: str) -> None:
    shapes = [(tag, each) for tag, each in Page(CHARTS[name]().svg).elements if tag in _SHAPES]
    assert shapes
    for _, attributes in shapes:
        assert attributes["class"]
        assert re.fullmatch(r"#[0-9a-f]{6}", attributes.get("stroke", attributes.get("fill", "")))
        assert "style" not in attributes


@pytest.mark.parametrize("name", ["lines", "chance", "reliability"])
def test_a_drawing_is_named_and_described(name: str) -> None:
    page = Page(CHARTS[name]().svg)
    [svg] = page.all("svg")
    assert svg["role"] == "img"
    assert svg["aria-labelledby"].split() == [page.all("title")[0]["id"], page.all("desc")[0]["id"]]
    assert CHARTS[name]().sentence in page.text


@pytest.mark.parametrize("name", ["lines", "chance", "reliability"])
def test_nothing_is_drawn_outside(name: str) -> None:
    svg = CHARTS[name]().svg
    _, _, width, height = (float(part) for part in Page(svg).all("svg")[0]["viewbox"].split())
    for tag, each in Page(svg).elements:
        for key in ("x", "x1", "x2", "cx"):
            assert 0 <= float(each.get(key, 0)) <= width, (tag, each)
        for key in ("y", "y1", "y2", "cy"):
            assert 0 <= float(each.get(key, 0)) <= height, (tag, each)


@pytest.mark.parametrize("ticks", [(0, 0.5, 1.0), (0.5, 0.75, 1.0)])
@pytest.mark.parametrize("write", [in_ten, decimals, lambda share: f"{share:.0%}"])
def test_the_longest_tick_has_room_beside_the_plot(ticks: tuple[float, ...], write: Callable[[float], str]) -> None:
    frame = Frame(Axis(0, 1, (), whole, ""), Axis(0, 1, ticks, write, ""), 12)
    wide = {"%": 11.4, " ": 3.9, "i": 3.4, ".": 3.9}  # as DejaVu Sans, a wide one, has them at 12 units
    for tick in ticks:
        assert sum(wide.get(letter, 7.7) for letter in write(tick)) <= frame.left - 8


def test_the_table_holds_what_is_drawn() -> None:
    assert lines().header == ("Day of the course", "boosting", "logistic", "no visit")
    assert lines().rows[1] == ("28", "0.75 (0.70 to 0.80)", "0.74", "–")
    assert chance().rows[2] == ("56", "6 in 10 (5 in 10 to 8 in 10)")
    assert reliability().rows == (("10%", "12%", "9–16%", "400"), ("60%", "55%", "44–66%", "80"))
    assert len(Page(chance().svg).all("circle")) == len(chance().rows)


def test_reliability_speaks_of_the_fullest_bin() -> None:
    assert reliability().sentence == "When it says about 1 in 10, 9–16 in 100 did not finish (400 learners)."


def test_bars_go_to_their_side_and_say_so_in_words() -> None:
    chart = bars()
    page = Page(chart.svg)
    rects = page.all("rect")
    assert [rect["class"] for rect in rects] == ["up", "up", "down"]
    assert [float(rect["x"]) for rect in rects[:2]] == [100, 100]
    assert float(rects[2]["x"]) + float(rects[2]["width"]) == pytest.approx(100, abs=0.1)
    assert float(rects[1]["width"]) / float(rects[0]["width"]) == pytest.approx(0.2 / 0.5, abs=0.01)
    assert page.text.count("points to not finishing") == 2
    assert page.text.count("points to finishing") == 1
    assert chart.rows[1] == ("No marked work yet", "▲ points to not finishing", "20%")


def test_names_at_line_ends_do_not_lie_on_each_other() -> None:
    series = [Series(f"model {i}", (Point(14, 0.5), Point(56, 0.5 + i / 1000)), "other") for i in range(4)]
    svg = line_chart("t", series, DAYS, AUROC, "s", slug="d").svg
    places = sorted(float(y) for y in re.findall(r'class="name" x="[\d.]+" y="([\d.]+)"', svg))
    assert len(places) == 4
    assert all(later - earlier >= 13.9 for earlier, later in pairwise(places))


def test_nothing_to_draw_is_refused() -> None:
    with pytest.raises(InputError, match="nothing to draw"):
        line_chart("t", [], DAYS, AUROC, "s", slug="e")
    with pytest.raises(InputError, match="nothing to draw"):
        line_chart("t", [Series("a", ())], DAYS, AUROC, "s", slug="e")
    with pytest.raises(InputError, match="at least one bin"):
        reliability_chart("t", [], WORDS, slug="e")
