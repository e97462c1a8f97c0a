"""A feed that is silent now, told from a night, a weekend and a run that is over."""

from datetime import timedelta

import pytest

from headway.description.silence import Silence, silent_since
from headway.domain.time import AsOf
from tests.support.memory import Memory
from tests.support.tiny import RUN, History, at, end_of


def live(days: range, hours: tuple[int, ...] = (9, 12, 15, 18, 21)) -> History:
    """A run whose twelve learners' acts arrive as they happen, by day."""
    history = History()
    for number in range(12):
        history.enrol(f"tiny/{number}")
    for day in days:
        for hour in hours:
            for number in range(12):
                history.act(f"tiny/{number}", day)
                told = history.records["statements"][-1]
                told["occurred_at"] = told["recorded_at"] = at(day, hour + number / 60)
    return history


def silence(history: History, now: AsOf) -> Silence | None:
    with Memory(history.tables()) as records:
        return silent_since(records, RUN, now)


@pytest.mark.parametrize(("hours", "silent"), [(9, False), (20, False), (30, True), (80, True)])
def test_by_the_clock_a_night_is_no_silence_and_two_are(hours: float, silent: bool) -> None:
    """The longest silence that was usual is 11 hours and 49 minutes, from night to morning."""
    found = silence(live(range(20)), AsOf(at(19, 21) + timedelta(hours=hours)))
    assert (found is not None) is silent
    if found is not None:
        assert found.since == at(19, 21) + timedelta(minutes=11)
        assert "No record since 2025-03-22 21:11 UTC" in found.why


def test_where_little_is_known_two_days_must_pass() -> None:
    history = live(range(3))
    assert silence(history, AsOf(at(2, 21) + timedelta(hours=47))) is None
    assert silence(history, AsOf(at(2, 21) + timedelta(hours=49))) is not None


def test_staff_and_machines_do_not_hide_that_the_feed_of_learners_died() -> None:
    """Their records keep the clock going; the number of active learners tells."""
    history = live(range(28))
    for day in range(28, 33):
        for hour in (9, 20):
            history.act("tiny/1", day, known_day=day + hour / 24, role="automated")
    found = silence(history, end_of(32))
    assert found is not None
    assert found.usual is None
    assert "Next to nobody was active from 2025-03-31 to 2025-04-04; about 12 a day were usual." in found.why


def test_a_run_that_is_over_is_not_silent() -> None:
    history = live(range(56))
    assert silence(history, end_of(70)) is None


def test_of_a_run_whose_end_nobody_told_silence_is_seen_after_its_last_event() -> None:
    history = live(range(56))
    history.records["course_runs"][0]["inferred"] = True
    assert silence(history, end_of(60)) is not None


def test_where_nothing_ever_came_nothing_is_said() -> None:
    assert silence(History().enrol("tiny/1"), end_of(10)) is None
