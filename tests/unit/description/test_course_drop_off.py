"""Drop-off points: planted ones are found, calm courses have none, and chance is told as chance."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import nbinom

from headway.description.assessments import handed
from headway.description.drop_off import DropOff, DropOffs, beside, by_step, compared, drop_offs, stopped, together
from headway.description.ground import ground
from headway.description.names import names_of
from headway.description.summary import point_words
from tests.support.memory import Memory
from tests.support.simulation import runs_of, simulated
from tests.support.tiny import History
from tests.unit.description.made_course import course, everyone, steady


def found_in(history: History, day: int | None = None) -> DropOffs:
    with course(history, day) as (place, names):
        return drop_offs(place, names, handed(place, names))


def losing(learners: int, lost: dict[int, int]) -> History:
    """Steady learners, so many of whom stop at the end of each week named."""
    history = History()
    until = [week for week, count in lost.items() for _ in range(count)]
    everyone(
        history, learners, lambda number: [d for d in steady(number) if d // 7 <= (until + [99] * learners)[number]]
    )
    return history


def test_expectation_and_chance_worked_out_by_hand() -> None:
    expected, tail = beside(np.array([100, 98, 95, 65, 63]), np.array([2, 3, 30, 2, 1]))
    near, at_risk = 2 + 3 + 2 + 1 + 0.5, 100 + 98 + 65 + 63
    assert expected[2] == pytest.approx(near / at_risk * 95)
    assert tail[2] == pytest.approx(nbinom.sf(29, near, at_risk / (at_risk + 95)))
    assert tail[2] < 1e-6
    assert tail[0] > 0.9


def test_chances_are_uniform_where_nothing_is_planted() -> None:
    """As often below 0.05 as a chance should be, or less, since counts are whole numbers."""
    rng = np.random.default_rng(5)
    low = 0
    for _ in range(300):
        coming = np.full(9, 400)
        low += int((beside(coming, rng.binomial(coming, 0.03))[1] < 0.05).sum())
    assert 0.02 * 2700 < low < 0.06 * 2700


def test_a_planted_week_is_the_clearest_point() -> None:
    points = found_in(losing(120, {0: 2, 1: 2, 2: 1, 3: 25, 4: 2, 5: 1}))
    first = points.points[0]
    assert (first.kind, first.week, first.first_day, first.last_day) == ("week", 4, 21, 27)
    assert first.clear
    assert first.stopped.count == 25
    assert points.stopped.count == 33


def test_a_long_course_is_compared_by_week() -> None:
    tables = simulated(learners="200", runs="1", weeks="16", seed="11")
    [run] = runs_of(tables)
    rows = tables["statements"].to_pylist()
    starts_on = tables["course_runs"]["starts_on"][0].as_py()
    learners = sorted({row["learner"] for row in rows})
    gone = set(learners[::4])
    kept = [row for row in rows if row["learner"] not in gone or (row["occurred_on"] - starts_on).days < 7 * 9]
    history = History()
    for kind, table in tables.items():
        history.records[kind] = [row for row in table.to_pylist() if kind not in ("statements", "results", "outcomes")]
    history.records["statements"] = [row for row in kept if row["verb"] != "submitted"]
    with Memory(history.tables()) as records:
        place = ground(records, run, None)
        points = drop_offs(place, names_of(place.activities), [])
    assert points.step_days == 7
    [first, *_] = points.points
    assert (first.kind, first.week, first.clear) == ("week", 9, True)
    assert first.expected is not None
    assert first.stopped.count is not None
    assert first.stopped.count > 4 * first.expected


def test_a_course_that_loses_a_few_each_week_has_no_clear_point() -> None:
    points = found_in(losing(200, dict.fromkeys(range(6), 6)))
    assert all(not point.clear for point in points.points)
    assert points.weeks
    assert all("may be chance" in point_words(point) for point in points.points)
    point = replace(points.points[0], expected=0.4)
    assert "lets one expect fewer than 1." in point_words(point) or "let one expect fewer than 1." in point_words(point)
    assert "expect about 3." in point_words(replace(point, expected=3.2))


def work_course(stop_at: int | None) -> History:
    history = History()
    everyone(history, 60, steady)
    for number, due in enumerate((6, 13, 20, 27, 34), 1):
        history.plan(f"w{number}", due)
        for learner in range(60):
            if stop_at is None or number < stop_at or learner >= 20:
                history.hand_in(f"a{learner:03}", f"w{number}", due)
    return history


def test_work_from_which_on_many_hand_in_nothing_is_a_point() -> None:
    first = found_in(work_course(3)).points[0]
    assert (first.kind, first.name, first.week, first.clear) == ("work", "assignment 3", 3, True)
    assert (first.stopped.count, first.stopped.of) == (20, 60)
    assert found_in(work_course(None)).points == ()


def test_work_that_one_group_hands_in_is_no_point() -> None:
    history = work_course(None).plan("optional", 30)
    for learner in range(10):
        history.hand_in(f"a{learner:03}", "optional", 30)
    assert all(point.activity != "optional" for point in found_in(history).points)


def test_a_thing_after_which_many_stop_is_a_point() -> None:
    history = losing(160, dict.fromkeys(range(5), 5))
    for number in range(160):
        week = number // 5 if number < 25 else None
        last = max(day for day in steady(number) if week is None or day // 7 <= week)
        for day in steady(number):
            if day > last:
                continue
            thing = "hard" if week is not None and day == last else f"text{day % 5}"
            history.act(f"a{number:03}", day, object=thing, object_type="page")
        if number % 2:
            history.act(f"a{number:03}", steady(number)[0], object="hard", object_type="page")
    points = found_in(history).points
    things = [point for point in points if point.kind == "thing"]
    assert [(point.activity, point.clear) for point in things] == [("hard", True)]
    assert things[0].stopped.count is not None
    assert things[0].stopped.count >= 20


def test_who_finished_did_not_stop() -> None:
    history = losing(60, {2: 20})
    for learner in range(10):
        history.end(f"a{learner:03}", "pass")
    with course(history) as (place, _):
        assert stopped(place).sum() == 10


def test_the_last_weeks_and_what_comes_after_the_last_work_are_left_out() -> None:
    history = losing(60, {2: 20})
    with course(history) as (place, names):
        assert compared(place, handed(place, names)) == (7, 6)
    with course(history.plan("w", 20).hand_in("a001", "w", 19)) as (place, names):
        assert compared(place, handed(place, names)) == (3, 7)
    with course(history, 34) as (place, names):
        assert compared(place, handed(place, names)) == (3, 7)


def test_steps_count_who_still_comes() -> None:
    seen = np.array([-np.inf, 3, 8, 9, 30, 30])
    stops = np.array([False, True, True, False, True, False])
    coming, left = by_step(seen, stops, 7, 5)
    assert coming.tolist() == [5, 4, 3, 3, 3]
    assert left.tolist() == [1, 1, 0, 0, 1]


def test_weeks_are_taken_together_until_they_can_be_told() -> None:
    told = together(np.array([2, 3, 0, 6, 2, 3]), np.full(6, 2.5), 7)
    assert [(each.first_day, each.last_day, each.stopped, each.expected) for each in told] == [
        (0, 13, 5, 5.0), (14, 27, 6, 5.0), (28, 41, 5, 5.0),
    ]  # fmt: skip


@pytest.mark.parametrize(("learners", "lost"), [(19, {1: 12}), (60, {1: 9})])
def test_thin_data_is_said_to_be_thin(learners: int, lost: dict[int, int]) -> None:
    points = found_in(losing(learners, lost))
    assert points.points == ()
    assert "oo few" in points.too_thin


def test_two_points_do_not_tell_the_same_story() -> None:
    points = found_in(losing(300, {2: 40, 3: 35, 5: 30}))
    days = [point.first_day for point in points.points if isinstance(point, DropOff) and point.first_day is not None]
    assert len(days) == len(points.points) == 2
    assert abs(days[0] - days[1]) > points.step_days


def test_who_comes_around_deadlines_only_has_not_stopped_between_two() -> None:
    history = History().plan("one", 13).plan("two", 41).plan("three", 55)
    everyone(history, 40, lambda number: [5, 12, 13, 40, 41, 54] if number < 20 else steady(number))
    with course(history, 33) as (place, names):
        assert stopped(place).sum() == 0
        found = drop_offs(place, names, handed(place, names))
    assert not [point for point in found.points if point.clear]
    late = History().plan("one", 13).plan("two", 41)
    everyone(late, 40, lambda number: [1, 2] if number < 20 else steady(number))
    with course(late, 33) as (place, _):
        assert stopped(place).sum() == 20, "silent through a due date"
