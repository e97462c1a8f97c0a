"""Days are compared with the same weekday around them; what is due explains a spike, nothing is made up for a dip."""

import numpy as np
import pytest

from headway.description.timeline import timeline, unusual
from tests.support.tiny import History, on
from tests.unit.description.made_course import course, everyone


def test_each_day_is_compared_with_its_weekday() -> None:
    week = np.array([100.0, 90, 80, 70, 60, 20, 30])
    counts = np.tile(week, 8)
    counts[31] = 140.0
    expected, z = unusual(counts)
    np.testing.assert_allclose(expected, np.tile(week, 8))
    assert z[31] == pytest.approx((140 - 70) / np.sqrt(70))
    assert np.abs(np.delete(z, 31)).max() == 0


def test_nothing_is_said_with_fewer_than_three_such_days() -> None:
    expected, z = unusual(np.full(21, 50.0))
    assert np.isnan(z).all()
    assert np.isnan(expected).all()
    assert np.isfinite(unusual(np.full(28, 50.0))[1]).all()


def busy_day_and_silence() -> History:
    history = History().plan("essay", 25)
    everyone(history, 60, lambda number: [day for day in range(56) if (day + number) % 3 == 0 and not 35 <= day <= 36])
    for number in range(60):
        history.act(f"a{number:03}", 24, 1, object="page/1", object_type="page")
    return history


def test_a_spike_near_a_deadline_names_it_and_a_silent_feed_is_told_from_a_quiet_day() -> None:
    with course(busy_day_and_silence()) as (place, names):
        found = timeline(place, names)
    assert found is not None
    spike, dip = found.turns
    assert (spike.kind, spike.from_on, spike.learners, spike.why) == ("spike", on(24), 60, "due")
    assert spike.things == ("assignment 1",)
    assert spike.expected == 20
    assert (dip.kind, dip.from_on, dip.until_on, dip.why) == ("dip", on(35), on(36), "no records")
    assert [day.learners for day in found.days if day.day in (0, 24, 35)] == [20, 60, 0]


def test_a_spike_without_a_deadline_is_not_explained() -> None:
    history = busy_day_and_silence()
    history.records["activities"].clear()
    with course(history) as (place, names):
        found = timeline(place, names)
    assert found is not None
    assert [turn.why for turn in found.turns] == ["not known", "no records"]


def test_days_with_a_handful_of_learners_are_hidden() -> None:
    history = History()
    everyone(history, 8, lambda number: [1] if number < 4 else [1, 2])
    history.act("a000", 5)
    with course(history) as (place, names):
        found = timeline(place, names)
    assert found is not None
    assert [(day.learners, day.interactions) for day in found.days] == [
        (0, 0), (8, 16), (None, None), (0, 0), (0, 0), (None, None),
    ]  # fmt: skip


def test_without_activity_there_is_no_timeline() -> None:
    with course(History().enrol("a")) as (place, names):
        assert timeline(place, names) is None
