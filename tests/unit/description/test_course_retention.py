"""Kaplan-Meier curves: against a table worked out by hand, with who joined late, who finished and who was silent."""

from math import exp, log, sqrt

import numpy as np
import pytest

from headway.description.retention import curve, retention, silence_times
from tests.support.tiny import RUN, History
from tests.unit.description.made_course import course, everyone, steady

TIMES = np.array([3.0] * 2 + [10.0] * 4 + [12.0] * 2 + [20.0] * 12)
SEEN = np.array([True] * 2 + [True, True, False, False] + [True] * 2 + [False] * 12)


def test_a_curve_worked_out_by_hand() -> None:
    found = curve("r", TIMES, SEEN)
    by_days = {point.days: point for point in found.points}
    first, second, third = 18 / 20, 18 / 20 * 16 / 18, 18 / 20 * 16 / 18 * 12 / 14
    assert found.step_days == 1
    assert by_days[3].share == 1.0, "who left on day 3 was there for three whole days"
    assert by_days[4].share == round(first, 2)
    assert by_days[11].share == round(second, 2)
    assert by_days[20].share == round(third, 2)
    greenwood = 2 / (20 * 18) + 2 / (18 * 16) + 2 / (14 * 12)
    spread = 1.959964 * sqrt(greenwood) / abs(log(third))
    assert by_days[20].low == pytest.approx(third ** exp(spread), abs=0.005)
    assert by_days[20].high == pytest.approx(third ** exp(-spread), abs=0.005)
    assert (found.learners, found.left.count) == (20, 6)


def test_a_curve_without_any_event_stays_at_one() -> None:
    found = curve("r", np.full(30, 100.0), np.zeros(30, dtype=bool))
    assert found.step_days == 7
    assert {(point.share, point.low, point.high) for point in found.points} == {(1.0, 1.0, 1.0)}
    assert found.points[-1].days == 98


def test_a_curve_ends_where_fewer_than_five_are_followed() -> None:
    times = np.array([10.0] * 16 + [50.0, 60.0, 60.0, 60.0])
    assert curve("r", times, times < 60).points[-1].days == 10


def test_withdrawals_are_the_event_where_the_run_knows_them() -> None:
    history = History()
    everyone(history, 30, steady)
    for learner in ("a000", "a001", "a002"):
        history.leave(learner, 10)
    history.leave("a003", 30)
    history.leave("a004", -3)  # before the first day: not of this course
    with course(history) as (place, _):
        found = retention(place, ())
    assert found is not None
    assert found.event == "withdrawal"
    assert found.this.learners == 29
    assert [point.share for point in found.this.points] == [1.0, 1.0, 0.9, 0.9, 0.9, 0.86, 0.86, 0.86, 0.86]
    assert found.this.left.hidden == "few"


def test_silence_is_the_event_without_withdrawals_but_not_for_who_finished() -> None:
    history = History()
    everyone(history, 24, lambda number: [day for day in steady(number) if number >= 10 or day < 14])
    history.end("a000", "pass")
    with course(history) as (place, _):
        times, seen = silence_times(place.learners, place.last_seen(), 55 - 14)
        found = retention(place, ())
    assert found is not None
    assert (found.event, found.silent_days) == ("last activity", 14)
    assert seen.tolist() == [False] + [True] * 9 + [False] * 14
    assert times.max() == 42, "nobody is followed into the last two weeks"
    assert found.this.points[-1].share == round(15 / 24, 2)


def test_earlier_runs_stand_beside_it_and_those_without_events_are_named() -> None:
    history = History()
    everyone(history, 30, steady)
    for number in range(6):
        history.leave(f"a{number:03}", 20)
    earlier = History()
    everyone(earlier, 40, steady, "b")
    for number in range(20):
        earlier.leave(f"b{number:03}", 5)
    silent = History()
    everyone(silent, 25, steady, "c")
    for kind in ("course_runs", "enrolments", "statements"):
        for run, other in (("tiny/T1/2024", earlier), ("tiny/T1/2023", silent)):
            for row in other.records[kind]:
                history.records[kind].append(row | {"run": run, "id": (run + str(row["id"])).encode()})
    with course(history) as (place, _):
        found = retention(place, ("tiny/T1/2023", "tiny/T1/2024"))
    assert found is not None
    assert found.this.run == RUN
    assert [(one.run, one.points[-1].share) for one in found.earlier] == [("tiny/T1/2024", 0.5)]
    assert found.not_comparable == ("tiny/T1/2023",)


def test_few_learners_have_no_curve() -> None:
    history = History()
    everyone(history, 19, steady)
    with course(history) as (place, _):
        assert retention(place, ()) is None
