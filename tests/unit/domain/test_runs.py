"""Run ids and the patterns that choose among them."""

import pytest

from headway.domain.errors import InputError, UnknownName
from headway.domain.runs import RunId, select_runs

KNOWN = ["oulad/AAA/2013J", "oulad/AAA/2014J", "oulad/BBB/2013B"]


def test_an_id_has_three_parts_and_prints_as_it_was_read() -> None:
    run = RunId.parse("oulad/AAA/2013J")

    assert (run.source, run.course, run.run) == ("oulad", "AAA", "2013J")
    assert str(run) == "oulad/AAA/2013J"


@pytest.mark.parametrize("text", ["", "AAA", "oulad/AAA", "oulad//2013J", "a/b/c/d"])
def test_anything_else_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(InputError, match="oulad/AAA/2013J"):
        RunId.parse(text)


def test_patterns_choose_each_run_once_and_in_order() -> None:
    assert select_runs(["oulad/BBB/*", "oulad/*/2013*", "oulad/AAA/2013J"], KNOWN) == [KNOWN[0], KNOWN[2]]


def test_a_pattern_without_a_match_names_the_nearest_runs() -> None:
    with pytest.raises(UnknownName, match="oulad/AAA/2014J"):
        select_runs(["oulad/AAA/2015J"], KNOWN)


def test_in_an_empty_lake_the_message_says_to_import() -> None:
    with pytest.raises(UnknownName, match=r"'oulad/\*': nothing is imported yet\. Begin with: headway import"):
        select_runs(["oulad/*"], [])
