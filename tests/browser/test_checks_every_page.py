"""Those of the forty checks (ux.md, 5) that hold for every page of the registry, in every role."""

import fcntl
import os
from collections import Counter
from pathlib import Path

import pytest

from tests.support.survey import Survey, axe, kept, look
from tests.support.tabs import Site

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("survey")]


@pytest.fixture(scope="module")
def survey(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Survey:
    """What was seen on all pages; one process of a run looks."""
    shared = tmp_path_factory.getbasetemp()
    if os.environ.get("PYTEST_XDIST_WORKER"):
        shared = shared.parent
    place = Path(shared) / "survey.json"
    with place.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        return kept(place, lambda: look(request.getfixturevalue("site")))


def _none(found: list[str]) -> None:
    assert not found, f"{len(found)} wrong:\n" + "\n".join(found[:60])


def test_every_page_opens(survey: Survey) -> None:
    _none(survey.wrong("opens"))


def test_check_01_axe_finds_nothing(survey: Survey) -> None:
    _none(survey.wrong(1))


def test_check_01_axe_finds_a_bad_node(site: Site) -> None:
    with site.tab("tutor") as tab:
        page = tab.go("/help")
        page.evaluate("document.querySelector('main').insertAdjacentHTML('beforeend', '<img src=\"x\"><input>')")
        found = {each.split(" ")[0] for each in axe(page)}
        assert {"image-alt", "label"} <= found


def test_check_02_text_and_shapes_of_drawings_have_contrast(survey: Survey) -> None:
    _none(survey.wrong(2))


def test_check_03_language_direction_and_headings(survey: Survey) -> None:
    _none(survey.wrong(3))


def test_check_04_titles_are_told_apart(survey: Survey) -> None:
    _none(survey.wrong(4))
    for name in {where.partition(" ")[0] for where in survey.titles}:
        mine = {where: title for where, title in survey.titles.items() if where.partition(" ")[0] == name}
        plain = {where.partition("?")[0]: title for where, title in mine.items() if "learner=" not in where}
        if name in {"instructor", "governance"}:  # who has to say first why they look sees one page at many addresses
            plain = {where: title for where, title in plain.items() if "/learners/" not in where}
        twice = [title for title, times in Counter(plain.values()).items() if times > 1]
        assert not twice, f"{name}: {twice}"


def test_check_05_landmarks(survey: Survey) -> None:
    _none(survey.wrong(5))


def test_check_06_skip_link_comes_first(survey: Survey) -> None:
    _none(survey.wrong(6))


def test_check_08_no_keyboard_trap(survey: Survey) -> None:
    _none(survey.wrong(8))


def test_check_09_and_10_focus_is_seen(survey: Survey) -> None:
    _none(survey.wrong(9))


def test_check_14_targets_are_large_enough(survey: Survey) -> None:
    _none(survey.wrong(14))


def test_check_15_nothing_needs_dragging_or_a_single_key(survey: Survey) -> None:
    _none(survey.wrong(15))


def test_check_16_names_hold_what_is_seen(survey: Survey) -> None:
    _none(survey.wrong(16))


def test_check_18_no_sideways_scroll(survey: Survey) -> None:
    _none(survey.wrong(18))


def test_check_19_more_space_in_text_cuts_nothing(survey: Survey) -> None:
    _none(survey.wrong(19))


def test_check_20_nothing_moves_for_those_who_ask(survey: Survey) -> None:
    _none(survey.wrong(20))


def test_check_21_forced_colours_keep_edges(survey: Survey) -> None:
    _none(survey.wrong(21))


def test_check_22_colour_is_never_alone(survey: Survey) -> None:
    _none(survey.wrong(22))


def test_check_23_charts_have_name_sentence_and_table(survey: Survey) -> None:
    _none(survey.wrong(23))


def test_check_24_neither_red_nor_green(survey: Survey) -> None:
    _none(survey.wrong(24))


def test_check_25_chances_are_tenths(survey: Survey) -> None:
    _none(survey.wrong(25))


def test_check_37_times_are_readable_by_machines(survey: Survey) -> None:
    _none(survey.wrong(37))


def test_check_39_budgets_policy_and_console(survey: Survey) -> None:
    _none(survey.wrong(39) + survey.wrong("39 weight"))
