"""Where learners stand on a caseload, and in which order."""

from datetime import UTC, datetime, timedelta

import numpy as np

from headway.advising.worklist import CALLED, RAISED, TABS, Case, TaskLine, cases, places

NOW = datetime(2025, 9, 8, 6, tzinfo=UTC)


def line(learner: str, **changes: object) -> TaskLine:
    usual = TaskLine("t", learner, "silence", "check_in", "open", None, None, None, NOW - timedelta(days=1), "")
    return usual._replace(**changes)  # type: ignore[arg-type] # a field each


def placed(known: dict[str, Case], size: int = 6, lists: tuple[int, ...] = (0, 0, 1, 2, 3, -1)) -> list[str]:
    learners = {f"x{place}": place for place in range(size)}
    absent = np.full(size, np.nan)
    found = places(learners, np.ones(size, dtype=bool), np.array(lists, dtype=np.int8), absent, known)
    return [f"x{at}" for at in np.argsort(found.order) if found.order[at]]


def test_an_open_task_goes_before_a_closed_or_sleeping_one() -> None:
    closed = line("x0", status="closed", closing_code="helped")
    asleep = line("x0", snoozed_until=NOW + timedelta(days=1))
    waits = line("x0", status="contacted")
    for others, tab in (
        ([closed, asleep, waits, line("x0")], "week"),
        ([closed, asleep, waits], "waiting"),
        ([closed, asleep], "snoozed"),
        ([closed], "closed"),
    ):
        assert cases(others, NOW, ())["x0"].tab == tab
        assert cases(others[::-1], NOW, ())["x0"].tab == tab


def test_who_was_acted_on_leaves_the_list_and_is_back_after_a_while() -> None:
    lines = [
        line("x0", status="closed", closing_code="not_needed", changed_at=NOW - timedelta(days=6)),
        line("x1", status="closed", closing_code="not_needed", changed_at=NOW - timedelta(days=8)),
        line("x2", snoozed_until=NOW + timedelta(hours=1)),
        line("x3", snoozed_until=NOW - timedelta(hours=1)),
        line("x4", status="contacted"),
    ]
    assert placed(cases(lines, NOW, ())) == ["x1", "x3", "x5"]


def test_calls_for_help_come_first_then_those_put_there_by_hand_then_the_higher_chance() -> None:
    lines = [
        line("x5", raised="account a", list="reach_out"),
        line("x4", rule="distress", list="reach_out"),
        line("x3", list="reach_out"),
    ]
    known = cases(lines, NOW, {"distress"})
    assert (known["x5"].first, known["x4"].first) == (RAISED, CALLED)
    assert placed(known) == ["x4", "x5", "x0", "x1", "x3", "x2"]


def test_those_without_an_estimate_come_last_the_longest_absent_first() -> None:
    learners = {f"x{place}": place for place in range(4)}
    absent = np.array([3.0, np.nan, 9.0, 1.0])
    lists = np.array([-1, -1, -1, 3], dtype=np.int8)
    found = places(learners, np.array([True, True, True, True]), lists, absent, {})
    assert found.order.tolist() == [4, 2, 3, 1]


def test_who_may_not_be_seen_has_no_place() -> None:
    shown = np.array([True, False])
    found = places(
        {"x0": 0, "x1": 1}, shown, np.array([0, 0], dtype=np.int8), np.zeros(2), cases([line("x1")], NOW, ())
    )
    assert found.tab.tolist() == [TABS.index("week"), -1]
    assert found.order.tolist() == [1, 0]
