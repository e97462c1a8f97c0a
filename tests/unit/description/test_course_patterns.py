"""Three patterns, named by rules, the same in whatever order and under whatever ids the learners come."""

import random

import numpy as np
import pytest

from headway.description.patterns import GROUPS, Shape, grouped, named, patterns, shapes_of
from tests.support.tiny import History
from tests.unit.description.made_course import course, everyone, steady


def shape(**columns: float | None) -> Shape:
    usual: dict[str, float | None] = {
        "weeks": 12, "weeks_active": 0.7, "days_a_week": 2.0, "early_days": 2.0, "middle_days": 2.0, "late_days": 2.0,
        "late_to_early": 1.0, "near_deadlines": 1.0,
    }  # fmt: skip
    return Shape(**(usual | columns))  # type: ignore[arg-type]  # the table above holds the field's own types


@pytest.mark.parametrize(
    ("columns", "name"),
    [
        ({}, "steady to the end"),
        ({"weeks_active": 0.19}, "hardly there"),
        ({"days_a_week": 0.1}, "hardly there"),
        ({"late_to_early": 0.5}, "busy early, then fading"),
        ({"middle_days": 3.0}, "busy in the middle"),
        ({"near_deadlines": 1.6, "weeks_active": 0.59}, "only around deadlines"),
        ({"near_deadlines": 1.6}, "steady to the end"),
        ({"late_to_early": 1.5}, "quiet at first, busy later"),
        ({"late_to_early": None, "early_days": 0.0}, "quiet at first, busy later"),
        ({"weeks_active": 0.5}, "now and then"),
        ({"weeks_active": 0.5, "near_deadlines": None}, "now and then"),
    ],
)
def test_names_follow_from_numbers(columns: dict[str, float | None], name: str) -> None:
    assert named(shape(**columns)) == name


def planted(names: list[str]) -> History:
    """30 steady learners, 20 who fade after two weeks, 15 who come in the three days before work is due."""
    history = History().plan("one", 13).plan("two", 27).plan("three", 41).plan("four", 55)
    for number, learner in enumerate(names):
        history.enrol(learner)
        if number < 30:
            days = steady(number)
        elif number < 50:
            days = [day for day in range(14) if (day + number) % 2]
        else:
            days = [due - back for due in (13, 27, 41, 55) for back in (0, 1 + number % 2)]
        for day in days:
            history.act(learner, day)
        history.end(learner, "withdrawn" if 30 <= number < 50 else "pass")
    return history


def test_planted_patterns_are_found_with_their_outcomes() -> None:
    with course(planted([f"a{number:03}" for number in range(65)])) as (place, _):
        found = patterns(place)
    assert [(one.name, one.learners.count) for one in found.groups] == [
        ("steady to the end", 30),
        ("busy early, then fading", 20),
        ("only around deadlines", 15),
    ]
    steady_one, fading, _ = found.groups
    assert steady_one.finished is not None
    assert steady_one.finished.share == 1.0
    assert fading.finished is not None
    assert fading.finished.share == 0.0
    assert fading.weekly == (3.5, 3.5, 0, 0, 0, 0, 0, 0)
    assert fading.shape is not None
    assert (fading.shape.early_days, fading.shape.late_days) == (3.5, 0)
    assert found.agreement is not None
    assert found.agreement > 0.9
    assert not found.soft


def test_neither_ids_nor_order_matter() -> None:
    names = [f"a{number:03}" for number in range(65)]
    with course(planted(names)) as (place, _):
        usual = patterns(place)
    random.Random(3).shuffle(names)
    history = planted(names)
    for rows in history.records.values():
        random.Random(4).shuffle(rows)
    with course(history) as (place, _):
        assert patterns(place) == usual


def test_groups_follow_shapes_and_not_amounts() -> None:
    rng = np.random.default_rng(7)
    early = np.pad(rng.integers(1, 7, (40, 4)), ((0, 0), (0, 8)))
    late = np.flip(early, axis=1)
    flat = np.repeat(rng.integers(1, 7, (40, 1)), 12, axis=1)
    member, agreement = grouped(shapes_of(np.concatenate([early, late, flat])))
    assert sorted(np.bincount(member)) == [40] * GROUPS
    assert len({member[0], member[40], member[80]}) == GROUPS
    assert agreement == 1.0


def test_a_small_group_cannot_be_worked_out_from_the_others() -> None:
    history = History()
    everyone(history, 25, steady)
    everyone(history, 12, lambda number: range(number % 3, 10), "b")
    everyone(history, 3, lambda number: [54, 55], "c")
    with course(history) as (place, _):
        found = patterns(place)
    sizes = [one.learners for one in found.groups]
    assert [size.hidden for size in sizes].count("few") == 1
    assert [size.hidden for size in sizes].count("beside few") == 1
    small = next(one for one in found.groups if one.learners.hidden == "few")
    assert (small.weekly, small.shape) == ((), None)


@pytest.mark.parametrize(
    ("learners", "days", "why"),
    [(19, range(55), "Fewer than 20 learners"), (30, range(20), "whole weeks"), (30, range(55), "the same days")],
)
def test_too_little_is_said_to_be_too_little(learners: int, days: range, why: str) -> None:
    history = History()
    everyone(history, learners, lambda _: days)
    with course(history) as (place, _):
        found = patterns(place)
    assert found.groups == ()
    assert why in found.too_thin


def test_who_never_came_is_a_row_of_zeros() -> None:
    rows = shapes_of(np.array([[0, 0], [4, 0], [1, 1]]))
    np.testing.assert_allclose(rows, [[0, 0], [1, 0], [0.5**0.5, 0.5**0.5]], atol=1e-9)


def test_nobody_is_steady_to_the_end_of_a_running_course() -> None:
    with course(planted([f"a{number:03}" for number in range(65)]), 41) as (place, _):
        assert patterns(place).groups[0].name == "steady so far"
