"""What every label says of tiny hand-made histories, edges included."""

from dataclasses import replace
from functools import lru_cache

import pytest

from headway.domain.errors import InputError, UnknownName
from headway.features.as_of import FeatureTable, TrainingSet, compute, labelled
from headway.features.labels import LABELS, Label, label, passes_assessment
from headway.features.views import view_with
from tests.support.memory import Memory
from tests.support.tiny import History, end_of, moment

VIEW = view_with("tiny", ("active_days_total",))


def observed(
    history: History, target: Label | str, day: int, known_day: int | None = None, gap_days: int = 0
) -> TrainingSet:
    records, features = held(history, day)
    known_by = None if known_day is None else end_of(known_day)
    chosen = label(target) if isinstance(target, str) else target
    return labelled(features, chosen, records, known_by, gap_days)


@lru_cache(maxsize=8)
def held(history: History, day: int) -> tuple[Memory, FeatureTable]:
    """A history, which must be complete, with its features at the end of a day."""
    records = Memory(history.tables())
    return records, compute(VIEW, records, [moment(day)])


def values(
    history: History, target: Label | str, day: int, known_day: int | None = None, gap_days: int = 0
) -> dict[str, float]:
    """The label of each learner for whom there is one."""
    found = observed(history, target, day, known_day, gap_days)
    return dict(zip(found.groups.tolist(), found.values.tolist(), strict=True))


LEAVING = (
    History()
    .enrol("stays")
    .enrol("leaves next day").leave("leaves next day", 11)
    .enrol("leaves in the last hour").leave("leaves in the last hour", 24)
    .enrol("leaves a day too late").leave("leaves a day too late", 25)
    .enrol("has left").leave("has left", 9)
    .enrol("has left, unheard").leave("has left, unheard", 9, known_day=12)
    .enrol("came back").leave("came back", 5).enrol("came back", 7)
    .enrol("leaves and returns").leave("leaves and returns", 12).enrol("leaves and returns", 13)
)  # fmt: skip


def test_withdraws_within_14_days() -> None:
    assert values(LEAVING, "withdraws_within_14d", 10) == {
        "stays": 0,
        "leaves next day": 1,
        "leaves in the last hour": 1,
        "leaves a day too late": 0,
        "came back": 0,
        "leaves and returns": 1,
    }


def test_who_leaves_within_the_action_gap_is_neither() -> None:
    found = values(LEAVING, "withdraws_within_14d", 10, gap_days=2)
    assert "leaves next day" not in found
    assert found["leaves a day too late"] == 1  # its window closes two days later too
    assert "leaves and returns" not in found  # gone when the window opens
    assert "leaves and returns" in values(LEAVING, "withdraws_within_14d", 10, gap_days=4)


def test_a_withdrawal_counts_once_the_window_is_over_and_it_is_known() -> None:
    assert values(LEAVING, "withdraws_within_14d", 10, known_day=23) == {}
    assert observed(LEAVING, "withdraws_within_14d", 10, known_day=23).censored == {
        "not yet resolved": 6,
        "no such event ahead": 1,
    }
    assert values(LEAVING, "withdraws_within_14d", 10, known_day=24)["leaves next day"] == 1
    unheard = History().enrol("a").leave("a", 12, known_day=40)
    assert values(unheard, "withdraws_within_14d", 10, known_day=30) == {"a": 0}
    assert values(unheard, "withdraws_within_14d", 10, known_day=40) == {"a": 1}


def cohort(*ends: str | None) -> History:
    history = History()
    for number, how in enumerate(ends):
        history.enrol(f"l{number}")
        if how is not None:
            history.end(f"l{number}", how, score=0.5 if how != "withdrawn" else None)
    return history


def test_does_not_finish_is_a_fail_or_a_withdrawal() -> None:
    history = cohort("pass", "distinction", "fail", "withdrawn")
    assert values(history, "does_not_finish", 10) == {"l0": 0, "l1": 0, "l2": 1, "l3": 1}


def test_a_cohort_trains_once_nine_tenths_of_it_are_known() -> None:
    assert len(values(cohort(*["pass"] * 8, "fail", None), "does_not_finish", 10)) == 9
    partly = observed(cohort(*["pass"] * 7, "fail", None), "does_not_finish", 10)
    assert (len(partly.features), partly.censored) == (0, {"cohort not yet resolved": 9})
    most = observed(cohort(*["pass"] * 9, None), "does_not_finish", 10)
    assert most.censored == {"outcome not known": 1}


def test_outcomes_count_from_when_they_are_known_and_corrections_too() -> None:
    history = History().enrol("a").end("a", "fail", known_day=60).end("a", "pass", known_day=70)
    assert values(history, "does_not_finish", 10, known_day=59) == {}
    assert values(history, "does_not_finish", 10, known_day=60) == {"a": 1}
    assert values(history, "does_not_finish", 10, known_day=70) == {"a": 0}


def test_an_outcome_within_the_action_gap_leaves_nothing_to_foresee_and_keeps_the_cohort() -> None:
    history = cohort("pass", "pass", "pass", None).end("l3", "withdrawn", day=12)
    assert values(history, "does_not_finish", 10) == {"l0": 0, "l1": 0, "l2": 0, "l3": 1}
    gap = observed(history, "does_not_finish", 10, gap_days=3)
    assert dict(zip(gap.groups.tolist(), gap.values.tolist(), strict=True)) == {"l0": 0, "l1": 0, "l2": 0}
    assert gap.censored == {"nothing left to foresee": 1}


def test_a_final_score_that_there_is_not_is_no_zero() -> None:
    history = cohort("pass", "fail", "withdrawn")
    assert values(history, "final_score", 10) == {"l0": 0.5, "l1": 0.5}
    assert observed(history, "final_score", 10).censored == {"nothing left to foresee": 1}


def test_inactive_next_week() -> None:
    history = (
        History()
        .enrol("only before").act("only before", 10)
        .enrol("first day").act("first day", 11)
        .enrol("last day").act("last day", 17)
        .enrol("day after").act("day after", 18)
        .enrol("empty").act("empty", 12, interactions=0)
        .enrol("late word").act("late word", 12, known_day=30)
    )  # fmt: skip
    by_then = values(history, "inactive_next_week", 10, known_day=17)
    assert by_then == {
        "only before": 1, "first day": 0, "last day": 0, "day after": 1, "empty": 1, "late word": 1,
    }  # fmt: skip
    assert values(history, "inactive_next_week", 10, known_day=16) == {}
    assert values(history, "inactive_next_week", 10, known_day=30)["late word"] == 0
    assert values(history, "inactive_next_week", 10, gap_days=1)["first day"] == 1


def test_the_week_without_activity_may_hold_the_change_of_the_clocks() -> None:
    history = History().enrol("a").act("a", 27).enrol("b").act("b", 34)
    assert values(history, "inactive_next_week", 26) == {"a": 0, "b": 1}
    assert values(history, "inactive_next_week", 27) == {"a": 1, "b": 0}


HANDING_IN = (
    History()
    .plan("first", 5).plan("next", 14).plan("later", 30).plan("exam", 12, kind="exam")
    .enrol("in time").hand_in("in time", "next", 14)
    .enrol("too late").hand_in("too late", "next", 15)
    .enrol("not at all").hand_in("not at all", "later", 11)
    .enrol("early").hand_in("early", "next", 9)
)  # fmt: skip


def test_misses_the_next_assessment() -> None:
    assert values(HANDING_IN, "misses_next_assessment", 10) == {"in time": 0, "too late": 1, "not at all": 1}
    assert values(HANDING_IN, "misses_next_assessment", 10, known_day=13) == {}
    assert values(HANDING_IN, "misses_next_assessment", 10, known_day=14)["too late"] == 1
    assert values(HANDING_IN, "misses_next_assessment", 30) == {}
    assert observed(HANDING_IN, "misses_next_assessment", 30).censored == {"no such event ahead": 4}


def test_who_hands_in_within_the_action_gap_has_nothing_left_to_miss() -> None:
    history = History().plan("next", 14).enrol("a").hand_in("a", "next", 11).enrol("b").hand_in("b", "next", 13)
    assert values(history, "misses_next_assessment", 10, gap_days=2) == {"b": 0}


def test_where_only_marks_tell_who_handed_in_they_are_waited_for() -> None:
    history = History().plan("next", 14).enrol("a").mark("a", "next", 13, 0.6, known_day=20).enrol("b")
    assert values(history, "misses_next_assessment", 10, known_day=27) == {}
    # Days of 24 hours: the clocks go forward meanwhile.
    assert values(history, "misses_next_assessment", 10, known_day=29) == {"a": 0, "b": 1}


def test_a_due_date_that_is_moved_counts_as_it_was_last_announced() -> None:
    history = History().plan("next", 14).plan("next", 20, known_day=12).enrol("a").hand_in("a", "next", 18)
    assert values(history, "misses_next_assessment", 10) == {"a": 0}
    assert values(history, "misses_next_assessment", 10, known_day=15) == {}


PASSING = (
    History()
    .plan("light", 17, weight=5).plan("heavy", 17, weight=20)
    .enrol("passes").mark("passes", "heavy", 17, 0.4, known_day=25)
    .enrol("fails").mark("fails", "heavy", 17, 0.39, known_day=25)
    .enrol("second try").mark("second try", "heavy", 15, 0.1, 16).mark("second try", "heavy", 17, 0.7, 25)
    .enrol("nothing").mark("nothing", "light", 17, 1.0, known_day=25)
    .enrol("early").mark("early", "heavy", 9, 1.0, known_day=25)
    .enrol("brought along").mark("brought along", "heavy", 12, 1.0, 13, transferred=True)
)  # fmt: skip


def test_passes_the_heaviest_assessment_due_on_the_day() -> None:
    found = values(PASSING, passes_assessment(7), 10)
    assert found == {"passes": 1, "fails": 0, "second try": 1, "nothing": 0, "brought along": 0}
    assert values(PASSING, passes_assessment(6), 10) == {}
    assert values(PASSING, passes_assessment(0), 17) == {"nothing": 0, "brought along": 0}
    assert values(History().plan("x", 17).enrol("a"), passes_assessment(0), 17) == {"a": 0}


def test_a_fail_is_never_known_before_a_pass() -> None:
    assert values(PASSING, passes_assessment(7), 10, known_day=30) == {}
    assert len(values(PASSING, passes_assessment(7), 10, known_day=32)) == 5


def test_part_of_a_cohort_is_refused() -> None:
    history = cohort("pass", "fail")
    with Memory(history.tables()) as records:
        features = compute(VIEW, records, [moment(10)])
        half = features.rows(features.keys("learner") == "l0")
        with pytest.raises(InputError, match="Label whole cohorts"):
            labelled(half, label("does_not_finish"), records, None)


def test_as_published_keeps_those_who_had_left() -> None:
    history = History().enrol("a").leave("a", 5).end("a", "withdrawn", day=5).enrol("b").end("b", "pass")
    with Memory(history.tables()) as records:
        published = compute(VIEW, records, [moment(10)], "as published")
        found = labelled(published, label("does_not_finish"), records, None, reading="as published")
        assert dict(zip(found.groups.tolist(), found.values.tolist(), strict=True)) == {"a": 1, "b": 0}
        with pytest.raises(InputError, match="for the same reading"):
            labelled(published, label("does_not_finish"), records, None)


def test_an_unknown_label_is_refused_with_the_nearest() -> None:
    with pytest.raises(UnknownName, match="does_not_finish"):
        label("does_not_finsh")


def test_a_proxy_trains_like_any_label() -> None:
    proxy = LABELS["inactive_next_week"]
    assert replace(proxy, name="other") != proxy
    assert proxy.stands_for == "does_not_finish"
