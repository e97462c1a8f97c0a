"""What all pages stand on: answers kept ready, boards that follow erasures, and the one file that is not ours."""

import hashlib
import threading
from collections.abc import Iterator
from importlib.resources import files

import pytest

from headway.advising.caseload import Candidate, caseload
from headway.domain.errors import InputError, Pending
from headway.scoring import kept
from headway.scoring.predict import Prediction
from headway.web.fresh import Fresh
from tests.support.pages import RUN, Pages, pages_home, written_pages

__all__ = ["pages_home", "written_pages"]

HTMX = "a0abb04f2f45a1f89d1d4844023245537e5e6014c87b144553e0607b4cc32130"
"""SHA-256 of dist/htmx.min.js in the package htmx.org 4.0.1 of the npm registry."""


@pytest.fixture
def time() -> list[float]:
    """The time that a `Fresh` reads: its last entry."""
    return [0.0]


@pytest.fixture
def fresh(time: list[float]) -> Iterator[Fresh[int]]:
    """Values good for ten seconds, at most two of them."""
    made: Fresh[int] = Fresh(10, most=2, now=lambda: time[-1])
    yield made
    made.close()


def test_htmx_is_the_file_that_was_looked_at() -> None:
    content = (files("headway.web") / "static" / "htmx-4.0.1.min.js").read_bytes()
    assert hashlib.sha256(content).hexdigest() == HTMX


def test_a_value_is_computed_once_while_it_is_good(fresh: Fresh[int], time: list[float]) -> None:
    made: list[int] = []

    def make() -> int:
        made.append(len(made))
        return made[-1]

    assert [fresh.get("a", make) for _ in range(3)] == [0, 0, 0]
    time.append(9.0)
    assert fresh.get("a", make) == 0
    assert made == [0]


def test_who_asks_meanwhile_is_told_the_old_value_and_later_the_new_one(fresh: Fresh[int], time: list[float]) -> None:
    go = threading.Event()
    assert fresh.get("a", lambda: 1) == 1
    time.append(11.0)

    def slowly() -> int:
        assert go.wait(30)
        return 2

    assert fresh.get("a", slowly) == 1
    assert fresh.get("a", slowly) == 1
    go.set()
    while (found := fresh.get("a", slowly)) == 1:
        continue
    assert found == 2


def test_a_first_value_that_takes_long_is_pending_and_comes(fresh: Fresh[int]) -> None:
    go = threading.Event()

    def slowly() -> int:
        assert go.wait(30)
        return 7

    with pytest.raises(Pending):
        fresh.get("a", slowly, wait_s=0)
    go.set()
    assert fresh.get("a", slowly) == 7


def test_what_went_wrong_is_told_and_tried_again(fresh: Fresh[int]) -> None:
    def wrong() -> int:
        raise InputError("Not so.")

    with pytest.raises(InputError, match="Not so"):
        fresh.get("a", wrong)
    assert fresh.get("a", lambda: 3) == 3


def test_those_not_asked_for_longest_go_first(fresh: Fresh[int]) -> None:
    for name, value in (("a", 1), ("b", 2), ("a", 9), ("c", 3)):
        fresh.get(name, lambda value=value: value)  # type: ignore[misc] # each its own value
    assert fresh.get("a", lambda: 10) == 1
    assert fresh.get("b", lambda: 20) == 20


def test_a_board_forgets_who_was_erased_and_follows_groups(written_pages: Pages) -> None:
    from headway.flow.people import set_groups

    app, site = written_pages.app, written_pages.asgi.site
    score_run = site.score_run(RUN)
    before = site.board(score_run)
    gone, moved = before.learners[0], before.learners[1]
    with app.store.begin() as connection:
        assert kept.erase(connection, gone) > 0
    set_groups(app, RUN, {moved: "G9"})
    site.changed()
    after = site.board(score_run)
    assert (gone in before.place, gone in after.place) == (True, False)
    assert len(after) == len(before) - 1
    assert after.group[after.place[moved]] == "G9"


@pytest.mark.parametrize("capacity", [0, 3, 1000])
def test_lists_of_a_board_are_those_of_a_caseload_without_a_past(written_pages: Pages, capacity: int) -> None:
    score_run = written_pages.asgi.site.score_run(RUN)
    board = written_pages.asgi.site.board(score_run)
    with written_pages.app.store.read() as connection:
        told = kept.predictions_of(connection, score_run)
    expected = caseload([_candidate(each) for each in told], capacity)
    codes = board.lists(board.of_groups(None), capacity)
    found = {name: board.list_name(int(code)) for name, code in zip(board.learners, codes, strict=True) if code >= 0}
    assert found == {entry.candidate.learner: entry.list for entry in expected.entries}
    assert len(set(found.values())) > 1 or capacity > len(board)


def _candidate(told: Prediction) -> Candidate:
    if told.risk is None or told.low is None or told.high is None or told.status != "scored":
        return Candidate(told.learner, 0.0, 0.0, 0.0, "too_early")
    return Candidate(told.learner, told.risk, told.low, told.high)


def test_what_is_made_ready_at_the_start_is_what_the_first_visitor_gets(written_pages: Pages) -> None:
    site = written_pages.asgi.site
    site.changed()
    site.warm()
    assert site.slow.get("warm", lambda: False) is True
    assert site.board(site.score_run(RUN)) is site.board(site.score_run(RUN))
