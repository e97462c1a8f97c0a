"""The as-of engine on tiny hand-made histories: who is enrolled, what counts from when, where days begin and end."""

from datetime import date, timedelta
from itertools import permutations
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from headway.domain.errors import InputError, UnknownName
from headway.domain.time import AsOf, midnight
from headway.features.as_of import (
    FeatureTable,
    compute,
    known_at,
    moments_on_days,
    run_facts,
    runs_with_activity,
    training_set,
)
from headway.features.labels import label
from headway.features.moments import Moment
from headway.features.views import STANDARD, view_of, view_with
from tests.support.memory import Memory
from tests.support.tiny import ENDS_ON, RUN, STARTS_ON, ZONE, History, at, end_of, moment, on


def table_of(history: History, features: tuple[str, ...], *moments: Moment, published: bool = False) -> FeatureTable:
    with Memory(history.tables()) as records:
        reading: Any = "as published" if published else "honest"
        return compute(view_with("tiny", features), records, moments, reading)


def values(history: History, feature: str, *days: int, learner: str = "a") -> list[float | None]:
    """One feature of one learner at the ends of some days, in the order of time."""
    rows = table_of(history, (feature,), *map(moment, days)).table.to_pylist()
    return [row[feature] for row in rows if row["learner"] == learner]


def enrolled(history: History, day: int, *, published: bool = False) -> list[str]:
    found: list[str] = table_of(history, (), moment(day), published=published).table["learner"].to_pylist()
    return found


@pytest.mark.parametrize(
    ("zone", "starts_on", "ends"),
    [
        ("UTC", date(2025, 3, 9), ["2025-03-10T00:00:00Z", "2025-03-11T00:00:00Z"]),
        # Clocks go forward on 9 March: that day has 23 hours.
        ("America/New_York", date(2025, 3, 8), ["2025-03-09T05:00:00Z", "2025-03-10T04:00:00Z"]),
        # Back on 2 November: 25 hours.
        ("America/New_York", date(2025, 11, 1), ["2025-11-02T04:00:00Z", "2025-11-03T05:00:00Z"]),
        ("Europe/London", date(2025, 3, 29), ["2025-03-30T00:00:00Z", "2025-03-30T23:00:00Z"]),
        # By half an hour only.
        ("Australia/Lord_Howe", date(2025, 4, 5), ["2025-04-05T13:00:00Z", "2025-04-06T13:30:00Z"]),
    ],
)
def test_a_course_day_ends_with_its_local_day(zone: str, starts_on: date, ends: list[str]) -> None:
    history = History()
    history.records["course_runs"][0] |= {"zone": zone, "starts_on": starts_on}
    with Memory(history.tables()) as records:
        found = moments_on_days(records, [RUN], [0, 1])
        assert [str(moment.as_of) for moment in found] == ends
        assert run_facts(records, RUN).course_day(found[0].as_of) == 0
        assert [row.course_day(m.as_of) for row in [run_facts(records, RUN)] for m in found] == [0, 1]


def test_what_happens_in_the_hour_that_is_twice_counts_for_that_day() -> None:
    history = History().enrol("a")
    history.records["course_runs"][0] |= {"zone": "America/New_York", "starts_on": date(2025, 11, 1)}
    for hour in (5, 6):  # 01:30 in New York, before and after the clocks went back
        instant = midnight(date(2025, 11, 2), "UTC") + timedelta(hours=hour, minutes=30)
        history.add("statements", instant, learner="a", verb="viewed", occurred_on=date(2025, 11, 2), interactions=1)
    with Memory(history.tables()) as records:
        moments = moments_on_days(records, [RUN], [0, 1, 2])
        table = compute(view_with("v", ("interactions_2d", "active_days_total")), records, moments).table
    assert table["interactions_2d"].to_pylist() == [0, 2, 2]
    assert table["active_days_total"].to_pylist() == [0, 1, 1]


def test_the_first_day_is_there() -> None:
    history = History().enrol("a").act("a", 0, 3)
    table = table_of(history, ("interactions_total", "active_weeks"), moment(0), moment(-1)).table
    assert table["course_day"].to_pylist() == [-1, 0]
    assert table["interactions_total"].to_pylist() == [0, 3]
    assert table["active_weeks"].to_pylist() == [0, 1]


def test_a_late_record_counts_from_when_it_is_known_and_for_when_it_happened() -> None:
    history = History().enrol("a").act("a", 3, 5, known_day=10)
    assert values(history, "interactions_total", 3, 9, 10, 11) == [0, 0, 5, 5]
    assert values(history, "interactions_7d", 9, 10) == [0, 0]
    assert values(history, "days_since_last_activity", 9, 10) == [None, 7]


def test_a_late_record_counts_the_same_however_many_moments_are_asked_for() -> None:
    history = History().enrol("a").act("a", 3, 5, known_day=10).act("a", 9, 1)
    moments = [moment(day) for day in (2, 3, 8, 9, 10, 14)]
    together = table_of(history, ("interactions_14d", "longest_gap_days"), *moments).table
    assert together["interactions_14d"].to_pylist() == [0, 0, 0, 1, 6, 6]
    apart = [table_of(history, ("interactions_14d", "longest_gap_days"), one).table for one in moments]
    assert pa.concat_tables(apart).equals(together)


def test_what_happens_at_the_very_end_belongs_to_the_day_that_begins() -> None:
    """Known in the same instant; but a day that has only just begun is not among the days so far."""
    history = History().enrol("a").act("a", 4)
    first_instant = end_of(9).instant
    history.add("statements", first_instant, learner="a", verb="viewed", occurred_on=on(10), interactions=7)
    assert first_instant == at(10, 0)
    assert values(history, "interactions_total", 9) == [1]
    assert values(history, "days_since_last_activity", 9) == [5]
    both = table_of(history, ("days_since_last_activity", "interactions_total"), moment(9), moment(10)).table
    assert both["days_since_last_activity"].to_pylist() == [5, 0]
    assert both["interactions_total"].to_pylist() == [1, 8]


def test_who_is_enrolled_is_decided_by_what_was_known_and_in_force() -> None:
    history = (
        History()
        .enrol("stays")
        .enrol("leaves").leave("leaves", 5)
        .enrol("leaves, unheard").leave("leaves, unheard", 5, known_day=12)
        .enrol("returns").leave("returns", 5).enrol("returns", 9)
        .enrol("comes late", 8)
        .enrol("registered late", 8, known_day=11)
        .leave("never came", 2)
    )  # fmt: skip
    history.add(
        "enrolments", at(2), learner="stays", status="withdrawn", valid_from=at(20), valid_from_on=on(20)
    )  # announced, not in force
    assert enrolled(history, 4) == ["leaves", "leaves, unheard", "returns", "stays"]
    assert enrolled(history, 5) == ["leaves, unheard", "stays"]
    assert enrolled(history, 9) == ["comes late", "leaves, unheard", "returns", "stays"]
    assert enrolled(history, 12) == ["comes late", "registered late", "returns", "stays"]
    assert enrolled(history, 20) == ["comes late", "registered late", "returns"]
    assert enrolled(history, 5, published=True) == ["leaves", "leaves, unheard", "returns", "stays"]


def test_withdrawn_and_enrolled_at_once_is_withdrawn() -> None:
    assert enrolled(History().enrol("a", 3).leave("a", 3), 5) == []


def test_a_run_whose_end_is_moved_ends_when_it_was_known_to() -> None:
    history = History().enrol("a")
    later = ENDS_ON + timedelta(days=56)
    history.add("course_runs", at(20), course="tiny/T1", starts_on=STARTS_ON, ends_on=later, zone=ZONE)
    assert values(history, "remaining_share", 19, 20) == [round(36 / 56, 6), round(91 / 112, 6)]
    with Memory(history.tables()) as records:
        assert run_facts(records, RUN).ends_on == later
        assert run_facts(records, RUN, end_of(19)).ends_on == ENDS_ON
        assert run_facts(records, RUN, end_of(-100)).ends_on == ENDS_ON


def test_days_of_a_run_whose_start_is_moved_are_those_known_then() -> None:
    history = History()
    history.add("course_runs", at(-5), course="tiny/T1", starts_on=on(7), ends_on=ENDS_ON, zone=ZONE)
    with Memory(history.tables()) as records:
        assert moments_on_days(records, [RUN], [0]) == [moment(7)]
        assert moments_on_days(records, [RUN], [0], end_of(-6)) == [moment(0)]


def test_dates_read_off_the_events_of_several_deliveries_widen_and_stated_ones_stand() -> None:
    history = History()
    history.records["course_runs"].clear()

    def told(known_day: int, first: int, last: int, inferred: bool | None) -> None:
        days = {"starts_on": on(first), "ends_on": on(last)}
        history.add("course_runs", at(known_day), None, course="T1", zone=ZONE, inferred=inferred, **days)

    told(9, 3, 9, True)
    told(19, 10, 19, True)
    with Memory(history.tables()) as records:
        facts = run_facts(records, RUN)
        assert (facts.starts_on, facts.ends_on) == (on(3), on(19))
        assert run_facts(records, RUN, end_of(12)).ends_on == on(9)
    told(20, 0, 55, None)
    told(30, -5, 30, True)
    with Memory(history.tables()) as records:
        facts = run_facts(records, RUN)
        assert (facts.starts_on, facts.ends_on) == (on(0), on(55))


def test_plans_count_as_they_were_last_announced() -> None:
    history = History().enrol("a").plan("x", 10).plan("x", 20, known_day=8)
    assert values(history, "assessments_missed", 7, 9, 10, 19, 20) == [0, 0, 0, 0, 1]
    assert values(history, "days_to_next_due", 7, 8) == [3, 12]


def test_marks_count_from_their_release_and_brought_credit_never() -> None:
    history = (
        History()
        .plan("x", 10)
        .enrol("a").hand_in("a", "x", 9).mark("a", "x", 9, 0.8, known_day=16)
        .enrol("b").mark("b", "x", 9, 1.0, known_day=9, transferred=True)
    )  # fmt: skip
    assert values(history, "earned_share", 9, 15, 16) == [None, None, 0.8]
    assert values(history, "assessments_submitted", 8, 9) == [0, 1]
    assert values(history, "earned_share", 16, learner="b") == [0]
    assert values(history, "mean_score", 16, learner="b") == [None]


def test_a_mark_alone_says_that_it_was_handed_in() -> None:
    history = History().plan("x", 10).enrol("a").mark("a", "x", 9, None, known_day=15)
    assert values(history, "assessments_missed", 14, 15) == [1, 0]
    assert values(history, "mean_days_early", 15) == [1]


def test_shares_of_nothing_in_the_window_are_nought_and_of_nothing_at_all_absent() -> None:
    history = History().enrol("a").act("a", 0, 4)  # a Monday
    assert values(history, "recent_share_14d", -1, 13, 14) == [None, 1, 0]
    assert values(history, "weekend_share_28d", 13, 27, 28) == [0, 0, None]


def test_what_is_renamed_later_keeps_the_type_by_which_it_was_known() -> None:
    history = (
        History()
        .enrol("a")
        .add("activities", at(-9), activity="p", type="forum")
        .add("activities", at(8), activity="p", type="quiz")
        .act("a", 5, object="p")
    )
    assert values(history, "forum_interactions_28d", 6, 9) == [1, 1]
    assert values(history, "quiz_interactions_28d", 9) == [0]


def test_an_object_has_no_type_before_it_is_announced() -> None:
    history = History().enrol("a").act("a", 5, object="p").add("activities", at(1), 9, activity="p", type="forum")
    assert values(history, "forum_interactions_28d", 5, 8, 9) == [0, 0, 1]


def test_of_facts_in_force_the_last_recorded_counts() -> None:
    history = History().enrol("a")
    fact: dict[str, Any] = {"learner": "a", "name": "previous_attempts", "valid_from": at(-9), "sensitive": False}
    history.add("attributes", at(-9), value="2", **fact)
    history.add("attributes", at(-9), 5, value="1", **fact)
    history.add("attributes", at(-9), 6, value="7", **{**fact, "sensitive": True})
    history.add("attributes", at(-9), 6, value="3", **{**fact, "valid_from": at(30)})
    assert values(history, "previous_attempts", 4, 5, 7, 30) == [2, 1, 1, 3]


def test_equal_learners_stand_equally_whatever_the_order_of_their_marks() -> None:
    """A sum of floats depends on its order; the cohort must not."""
    scores = {"w1": 0.1, "w2": 0.2, "w3": 0.3}
    history = History().enrol("a").enrol("b").enrol("c")
    for work in scores:
        history.plan(work, 5, weight=1 / 3)
    for learner, order in (("a", ["w1", "w2", "w3"]), ("b", ["w3", "w2", "w1"])):
        for work, score in zip(order, scores.values(), strict=True):
            history.mark(learner, work, 4, score, known_day=6)
    rows = table_of(history, ("earned_share", "earned_share_percentile"), moment(7)).table.to_pylist()
    assert [row["earned_share"] for row in rows] == [0.2, 0.2, 0.0]
    assert [row["earned_share_percentile"] for row in rows] == [0.5, 0.5, 0.0]


def test_a_cohort_of_one_stands_at_nought() -> None:
    assert values(History().enrol("a").act("a", 1), "interactions_14d_percentile", 3) == [0]


def test_a_table_hands_out_values_keys_moments_and_rows() -> None:
    history = History().enrol("a").enrol("b").act("b", 2)
    table = table_of(history, ("days_since_last_activity", "active_weeks"), moment(3), moment(2))
    assert len(table) == 4
    assert table.keys("learner").tolist() == ["a", "b", "a", "b"]
    assert table.moments() == [moment(2), moment(3)]
    wanted = np.array([[np.nan, 0], [0, 1], [np.nan, 0], [1, 1]])
    assert np.array_equal(table.values(), wanted, equal_nan=True)
    assert table.rows(table.keys("learner") == "b").values().tolist() == [[0, 1], [1, 1]]


def test_nobody_enrolled_is_an_empty_table_with_all_columns() -> None:
    table = table_of(History().enrol("a", 5), view_of(STANDARD).features, moment(2))
    assert len(table) == 0
    assert table.moments() == []
    assert table.values().shape == (0, len(view_of(STANDARD).features))
    assert table_of(History(), (), moment(2)).values().shape == (0, 0)


def test_records_known_at_a_time_are_those_recorded_by_then() -> None:
    tables = History().enrol("a").act("a", 3, known_day=5).act("a", 4).tables()
    kept = known_at(tables, AsOf(at(5)))
    assert kept["statements"].num_rows == 2
    assert known_at(tables, AsOf(at(5) - timedelta(microseconds=1)))["statements"].num_rows == 1
    assert kept.keys() == tables.keys()
    assert kept["statements"].schema == tables["statements"].schema


def test_a_silent_feed_is_told_from_silent_learners() -> None:
    history = History().enrol("a").act("a", 1, interactions=0)
    with Memory(history.tables()) as records:
        assert runs_with_activity(records) == set()
    with Memory(history.act("a", 2).tables()) as records:
        assert runs_with_activity(records) == {RUN}


def test_a_training_set_is_features_beside_their_label() -> None:
    history = History().enrol("a").act("a", 12).enrol("b")
    with Memory(history.tables()) as records:
        found = training_set(
            view_with("v", ("active_weeks",)), label("inactive_next_week"), records, [moment(10)], end_of(17)
        )
    assert found.groups.tolist() == ["a", "b"]
    assert found.values.tolist() == [0, 1]
    assert found.label is label("inactive_next_week")


def test_unknown_runs_and_no_moments_are_refused() -> None:
    with Memory(History().tables()) as records:
        view = view_with("v", ())
        with pytest.raises(InputError, match="No moments to compute"):
            compute(view, records, [])
        for act in (
            lambda: compute(view, records, [Moment("tiny/T1/2026", end_of(1))]),
            lambda: moments_on_days(records, ["tiny/T1/2026"], [0]),
            lambda: run_facts(records, "tiny/T1/2026"),
        ):
            with pytest.raises(UnknownName, match="tiny/T1/2025"):
                act()


def test_the_order_in_which_numbers_are_added_never_shows() -> None:
    """The mean of these marks lies between two roundings, and which is nearer hangs on what was added first."""
    marks = (0.09, 0.33, 0.16, 0.000_002)
    assert len({round(sum(order) / 4, 6) for order in permutations(marks)}) == 2
    found = set()
    for order in permutations(marks):
        history = History().enrol("a")
        for number, mark in enumerate(order):
            history.plan(f"A{number}", due_day=number).mark("a", f"A{number}", number, mark, known_day=6)
        found.add(values(history, "mean_score", 7)[0])
    assert found == {0.145001}
