"""What every label says of tiny hand-made histories, edges included."""

from dataclasses import replace
from functools import lru_cache
from typing import Any

import pyarrow as pa
import pytest

from headway.domain.errors import ConfigError, InputError, UnknownName
from headway.features.as_of import FeatureTable, TrainingSet, compute, labelled
from headway.features.labels import LABELS, Label, configured_label, followed, label, labels, passes_assessment
from headway.features.views import view_with
from headway.settings import LabelSettings
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


def test_any_number_of_days_is_a_label() -> None:
    history = History().enrol("a").act("a", 13).enrol("b").act("b", 14).act("b", 50)
    assert values(history, "inactive_next_3d", 10) == {"a": 0, "b": 1}
    assert values(history, "inactive_next_4d", 10) == {"a": 0, "b": 0}
    assert label("withdraws_within_3d").horizon_days == 3
    assert label("passes_assessment_due_in_7d").name == passes_assessment(7).name
    for name in (
        "inactive_next_0d",
        "inactive_next_-1d",
        "inactive_next_1.5d",
        "inactive_next_{k}d",
        "inactive_next_d",
    ):
        with pytest.raises(UnknownName):
            label(name)


def test_silence_after_the_run_says_nothing_unless_somebody_is_heard() -> None:
    def history() -> History:
        return History().enrol("a").act("a", 20).enrol("b").act("b", 55)

    assert values(history(), "inactive_next_10d", 45) == {"a": 1, "b": 0}
    assert observed(history(), "inactive_next_10d", 46).censored == {"no such event ahead": 2}
    heard = history().enrol("c").act("c", 60)
    assert values(heard, "inactive_next_10d", 50) == {"a": 1, "b": 0, "c": 0}


def test_inactivity_or_withdrawal() -> None:
    history = (
        History()
        .enrol("comes").act("comes", 12)
        .enrol("silent").act("silent", 5)
        .enrol("comes and leaves").act("comes and leaves", 11).leave("comes and leaves", 16)
        .enrol("leaves later").act("leaves later", 12).leave("leaves later", 18)
        .enrol("has left, unheard").leave("has left, unheard", 9, known_day=12)
    )  # fmt: skip
    assert values(history, "inactive_or_withdrawn_next_7d", 10) == {
        "comes": 0, "silent": 1, "comes and leaves": 1, "leaves later": 0,
    }  # fmt: skip
    assert values(history, "inactive_or_withdrawn_next_14d", 10)["leaves later"] == 1
    assert "comes and leaves" not in values(history, "inactive_or_withdrawn_next_7d", 10, gap_days=7)


def watching(*days_and_clicks: tuple[int, int]) -> History:
    history = History().enrol("a").act("a", 54)
    for day, clicks in days_and_clicks:
        history.act("a", day, clicks, object="v1", object_type="video")
    return history


def test_a_decrease_is_less_than_half_of_the_mean_of_the_weeks_before() -> None:
    # Three whole weeks until day 20: ten clicks in all, a mean of 3.3 a week.
    before = ((1, 4), (8, 0), (15, 6))
    assert values(watching(*before, (21, 1)), "less_video_next_week", 20) == {"a": 1}
    assert values(watching(*before, (27, 2)), "less_video_next_week", 20) == {"a": 0}
    assert values(watching(*before, (28, 9)), "less_video_next_week", 20) == {"a": 1}
    half = watching((0, 4), (7, 2))
    assert values(half, "less_video_next_week", 6) == {"a": 0}
    assert values(half, "less_video_next_week", 5) == {}


def test_who_has_watched_nothing_has_nothing_to_decrease() -> None:
    history = History().enrol("a").act("a", 3, object="p").act("a", 40)
    assert values(history, "less_video_next_week", 20) == {}
    assert values(watching((-3, 5)), "less_video_next_week", 20) == {}


@pytest.mark.parametrize(("clicks", "less"), [(1, 1), (2, 0)])
def test_a_late_comer_is_compared_with_their_own_weeks(clicks: int, less: int) -> None:
    """Six clicks in two weeks of their own: half of the mean is 1.5."""
    history = History().enrol("a", day=7).act("a", 9, 6, object="v", object_type="video").act("a", 55)
    history.act("a", 22, clicks, object="v", object_type="video")
    assert values(history, "less_video_next_week", 20) == {"a": less}


def test_hand_ins_count_as_work_on_assignments() -> None:
    history = History().plan("w1", 6).plan("w2", 13).enrol("a").act("a", 50)
    history.hand_in("a", "w1", 5).hand_in("a", "w2", 12)
    assert values(history, "less_assignment_next_week", 6) == {"a": 0}
    assert values(history, "less_assignment_next_week", 13) == {"a": 1}


def test_passes_the_next_assessment_that_is_not_handed_in() -> None:
    history = (
        History()
        .plan("first", 14).plan("second", 30).plan("exam", 12, kind="exam")
        .enrol("passes").mark("passes", "first", 13, 0.4, known_day=20)
        .enrol("fails").mark("fails", "first", 13, 0.3, known_day=20)
        .enrol("early").hand_in("early", "first", 9).mark("early", "first", 9, 0.1, 20)
        .enrol("nothing")
    )  # fmt: skip
    history.mark("early", "second", 29, 0.9, known_day=35)
    assert values(history, "passes_next_assessment", 10) == {"passes": 1, "fails": 0, "early": 1, "nothing": 0}
    assert values(history, "passes_next_assessment", 10, known_day=27) == {}
    assert set(values(history, "passes_next_assessment", 10, known_day=30)) == {"passes", "fails", "nothing"}
    assert values(history, "passes_next_assessment", 30) == {}


def test_days_to_the_next_activity_are_counted_for_everybody() -> None:
    history = (
        History()
        .enrol("next day").act("next day", 11)
        .enrol("in four weeks").act("in four weeks", 38)
        .enrol("too late").act("too late", 39)
        .enrol("same day only").act("same day only", 10)
    )  # fmt: skip
    found = values(history, "days_to_next_activity", 10)
    assert found == {"next day": 1, "in four weeks": 28, "too late": 28, "same day only": 28}
    assert values(history, "days_to_next_activity", 10, known_day=37) == {}
    assert values(history, "days_to_next_activity_3d", 10, known_day=13)["too late"] == 3


def test_days_to_a_withdrawal_are_known_when_the_run_is_over() -> None:
    assert values(LEAVING, "days_to_withdrawal", 10) == {
        "leaves next day": 1, "leaves in the last hour": 14, "leaves a day too late": 15, "leaves and returns": 2,
    }  # fmt: skip
    assert values(LEAVING, "days_to_withdrawal", 10, known_day=54) == {}
    assert len(values(LEAVING, "days_to_withdrawal", 10, known_day=56)) == 4


def test_dfw_by_source_and_scale() -> None:
    history = cohort("pass", "distinction", "fail", "withdrawn")
    assert values(history, "dfw", 10) == {"l0": 0, "l1": 0, "l2": 1, "l3": 1}
    letters = History()
    for number, grade in enumerate(("A", "C-", "D+", "d", "F", "W", "WF", "B")):
        letters.enrol(f"l{number}").end(f"l{number}", grade)
    assert sorted(name for name, value in values(letters, "dfw", 10).items() if value) == ["l2", "l3", "l4", "l5", "l6"]


def test_in_grade_points_a_d_is_a_pass_below_a_c() -> None:
    history = History()
    for name, points in (("C-", 1.7), ("D+", 1.3), ("B", 3.0)):
        history.enrol(name).end(name, "pass", score=points / 4)
    renamed = {
        kind: table.set_column(table.schema.get_field_index("run"), "run", pa.array(["lap/T1/2025"] * len(table)))
        for kind, table in history.tables().items()
    }
    with Memory(renamed) as records:
        features = compute(VIEW, records, [replace(moment(10), run="lap/T1/2025")])
        found = labelled(features, label("dfw"), records, None)
    assert dict(zip(found.groups.tolist(), found.values.tolist(), strict=True)) == {"B": 0, "C-": 0, "D+": 1}


def test_a_data_sets_own_truth_is_read_where_it_lies_ahead() -> None:
    history = History()
    for learner, told in (("a", "1"), ("b", "0")):
        history.enrol(learner)
        ended: dict[str, Any] = {"valid_from": end_of(65).instant, "sensitive": True}
        history.add(
            "attributes", end_of(65).instant, learner=learner, name="truth_inactive_next_10d", value=told, **ended
        )
    assert values(history, "truth_inactive_next_10d", 55) == {"a": 1, "b": 0}
    assert values(history, "truth_inactive_next_10d", 55, known_day=64) == {}
    assert len(values(history, "truth_inactive_next_10d", 55, known_day=65)) == 2
    assert observed(history, "truth_inactive_next_10d", 56).censored == {"nothing left to foresee": 2}


def test_followed_until_the_withdrawal_or_the_end() -> None:
    days, seen = followed("withdrawal")
    assert values(LEAVING, days, 10) == {
        "stays": 45, "leaves next day": 1, "leaves in the last hour": 14, "leaves a day too late": 15,
        "came back": 45, "leaves and returns": 2,
    }  # fmt: skip
    assert {name for name, value in values(LEAVING, seen, 10).items() if value} == {
        "leaves next day", "leaves in the last hour", "leaves a day too late", "leaves and returns",
    }  # fmt: skip
    assert values(LEAVING, days, 10, known_day=54) == {}
    assert values(LEAVING, days, 55) == {}


def test_followed_until_the_last_activity_before_a_long_silence() -> None:
    history = (
        History()
        .enrol("stops").act("stops", 12).act("stops", 20)
        .enrol("silent already").act("silent already", 9)
        .enrol("to the end").act("to the end", 42)
        .enrol("done early").act("done early", 20).end("done early", "pass")
    )  # fmt: skip
    days, seen = followed("silence")
    assert values(history, days, 10) == {"stops": 10, "silent already": 0, "to the end": 32, "done early": 32}
    assert values(history, seen, 10) == {"stops": 1, "silent already": 1, "to the end": 0, "done early": 0}


def own(**parts: object) -> LabelSettings:
    return LabelSettings.model_validate(parts)


def test_a_workspace_defines_labels_over_the_same_primitives() -> None:
    made = {
        "quiet_videos": own(kind="inactive", days=7, types=["video"], summary="Watches nothing next week."),
        "no_hand_in": own(kind="inactive", days=7, verbs=["submitted"]),
        "weak": own(kind="score_below", mark=0.6),
        "us_dfw": own(kind="outcome", labels=["fail", "withdrawn"], mark=0.7),
        "gone": own(kind="withdraws", days=3),
        "back": own(kind="days_to", event="activity", days=7),
        "good_mark": own(kind="passes_assessment", mark=0.7),
    }
    history = (
        History()
        .plan("w", 14)
        .enrol("a").act("a", 12, object="v", object_type="video").end("a", "pass", score=0.65)
        .enrol("b").act("b", 13, object="p").mark("b", "w", 13, 0.8, 20).end("b", "pass", score=0.5)
        .hand_in("a", "w", 13).leave("b", 12).enrol("b", 13)
    )  # fmt: skip
    told = {name: values(history, label(name, made), 10) for name in made}
    assert told["quiet_videos"] == {"a": 0, "b": 1}
    assert told["no_hand_in"] == {"a": 0, "b": 1}
    assert told["weak"] == {"a": 0, "b": 1}
    assert told["us_dfw"] == {"a": 1, "b": 1}
    assert told["gone"] == {"a": 0, "b": 1}
    assert told["back"] == {"a": 2, "b": 3}
    assert told["good_mark"] == {"a": 0, "b": 1}
    assert label("quiet_videos", made).summary == "Watches nothing next week."
    assert [one.name for one in labels(made)][-len(made) :] == list(made)
    assert [label(name, made).binary for name in ("weak", "back")] == [True, False]


@pytest.mark.parametrize("name", ["does_not_finish", "inactive_next_3d"])
def test_a_name_that_headway_has_is_not_given_again(name: str) -> None:
    with pytest.raises(ConfigError, match="another name"):
        configured_label(name, own(kind="withdraws", days=3))
