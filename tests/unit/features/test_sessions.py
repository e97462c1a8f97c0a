"""Sessions and time on task: the 30-minute rule, the cap, measured durations, day totals."""

from datetime import date
from typing import Any

import pytest

from headway.features.sessions import LAST_S, STATED_CAP_S, sessions, time_on_task
from tests.support.memory import Memory
from tests.support.tiny import History, at, on


def clicks(*minutes: float, day: int = 1, learner: str = "a", **columns: Any) -> History:
    """Statements at so many minutes after noon of a course day."""
    return also(History(), *minutes, day=day, learner=learner, **columns)


def also(history: History, *minutes: float, day: int = 1, learner: str = "a", **columns: Any) -> History:
    for minute in minutes:
        hours = 12 + minute / 60
        told: dict[str, Any] = {"verb": "viewed", "occurred_on": on(day), "hour": int(hours) % 24, "interactions": 1}
        history.add("statements", at(day, hours), learner=learner, **(told | columns))
    return history


def seconds_of(history: History, **settings: Any) -> list[float | None]:
    with Memory(history.tables()) as records:
        rows = time_on_task(records.table("statements"), **settings).order_by("learner", "occurred_at", "id")
        found: list[float | None] = records.collect(rows)["seconds"].to_pylist()
    return found


def sessions_of(history: History, **settings: Any) -> list[dict[str, Any]]:
    with Memory(history.tables()) as records:
        rows = sessions(records.table("statements"), **settings).order_by("run", "learner", "session")
        found: list[dict[str, Any]] = records.collect(rows).to_pylist()
    return found


def test_half_an_hour_without_a_click_ends_a_session() -> None:
    found = sessions_of(clicks(0, 5, 35, 65.1))
    assert [(each["session"], each["statements"]) for each in found] == [(1, 3), (2, 1)]
    assert found[0]["begins_at"] == at(1)
    assert found[0]["ends_at"] == at(1, 12 + 35 / 60)
    assert found[0]["occurred_on"] == on(1)
    assert found[0]["seconds"] == pytest.approx(35 * 60 + LAST_S)
    assert found[1]["seconds"] == LAST_S


def test_a_pause_of_exactly_the_gap_does_not() -> None:
    assert len(sessions_of(clicks(0, 30))) == 1
    assert len(sessions_of(clicks(0, 30.001))) == 2


def test_the_rules_can_be_set() -> None:
    history = clicks(0, 8, 30)
    assert len(sessions_of(history, gap_minutes=5)) == 3
    assert seconds_of(history, cap_minutes=10) == [480.0, 600.0, LAST_S]
    assert seconds_of(history, last_seconds=5) == [480.0, 1320.0, 5.0]
    assert seconds_of(history, cap_minutes=1, last_seconds=90) == [60.0, 60.0, 60.0]


def test_what_was_watched_of_a_recording_so_far_is_no_duration_of_one_statement() -> None:
    history = clicks(0, 2, verb="played", position_s=10.0)
    history = also(history, 5, verb="paused", position_s=250.0, duration_s=240.0)
    history = also(history, 6, verb="completed", position_s=300.0, duration_s=290.0)
    assert seconds_of(history) == [120.0, 180.0, 60.0, LAST_S]


def test_a_session_ends_with_its_local_day() -> None:
    history = also(clicks(11 * 60 + 55), -11 * 60 - 58, day=2)
    assert [each["occurred_on"] for each in sessions_of(history)] == [on(1), on(2)]
    assert seconds_of(history) == [LAST_S, LAST_S]


def test_a_day_is_told_in_the_run_s_own_time() -> None:
    """An hour is skipped in London on this day; what counts is the time that passed."""
    history = History()
    assert on(27) == date(2025, 3, 30)
    for hours, hour in ((0.9, 0), (1.1, 2)):
        history.add(
            "statements", at(27, hours), learner="a", verb="viewed", occurred_on=on(27), hour=hour, interactions=1
        )
    assert seconds_of(history) == [pytest.approx(720), LAST_S]


def test_day_totals_have_no_time_and_split_no_session() -> None:
    history = clicks(0, 10)
    history.act("a", 1, interactions=9)
    history.add("statements", at(1, 12.1), learner="a", verb="viewed", occurred_on=on(1), hour=12, interactions=4)
    assert sorted(seconds_of(history), key=str) == [LAST_S, 600.0, None, None]
    (only,) = sessions_of(history)
    assert (only["statements"], only["seconds"]) == (2, 600.0 + LAST_S)


def test_a_measured_duration_is_believed_within_reason() -> None:
    told: list[tuple[float, float]] = [(20.0, 20.0), (7200.0, 7200.0), (86_400.0, STATED_CAP_S), (0.0, 0.0)]
    for stated, counted in told:
        assert seconds_of(clicks(0, duration_s=stated)) == [counted]
    for impossible in (-5.0, float("nan"), float("inf")):
        assert seconds_of(clicks(0, duration_s=impossible)) == [LAST_S]


def test_overlapping_durations_make_no_longer_session_than_there_was_time() -> None:
    history = clicks(0, 1, 2, duration_s=600.0)
    assert seconds_of(history) == [600.0] * 3
    (only,) = sessions_of(history)
    assert only["seconds"] == 120.0 + 600.0


def test_acts_at_one_instant_share_their_time() -> None:
    assert seconds_of(clicks(0, 0, 0, 2)) == [0.0, 0.0, 120.0, LAST_S]


def test_learners_and_runs_are_apart() -> None:
    history = also(clicks(0, 4), 2, learner="b")
    history.records["statements"][1]["run"] = "tiny/T1/2026"
    assert [(each["run"], each["learner"], each["statements"]) for each in sessions_of(history)] == [
        ("tiny/T1/2025", "a", 1),
        ("tiny/T1/2025", "b", 1),
        ("tiny/T1/2026", "a", 1),
    ]


def test_nothing_makes_no_session() -> None:
    assert sessions_of(History()) == []
    assert seconds_of(History()) == []
