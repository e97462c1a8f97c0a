"""Features of times of day, recordings, forums, answers, plans and other runs, on histories worked out by hand."""

from datetime import date, timedelta
from math import log
from typing import Any

import pytest

from headway.features.as_of import compute
from headway.features.views import view_with
from tests.support.memory import Memory
from tests.support.tiny import RUN, STARTS_ON, History, at, moment, on


def values(history: History, feature: str, *days: int, learner: str = "a") -> list[float | None]:
    """One feature of one learner at the ends of some days."""
    with Memory(history.tables()) as records:
        rows = compute(view_with("tiny", (feature,)), records, list(map(moment, days))).table.to_pylist()
    return [row[feature] for row in rows if row["learner"] == learner]


def did(
    history: History, day: int, hours: float, known_day: float | None = None, learner: str = "a", **told: Any
) -> History:
    """A single act at a time of day."""
    columns: dict[str, Any] = {"verb": "viewed", "occurred_on": on(day), "hour": int(hours), "interactions": 1}
    return history.add("statements", at(day, hours), known_day, learner=learner, **(columns | told))


def one() -> History:
    return History().enrol("a")


def test_a_pause_of_more_than_half_an_hour_ends_a_session() -> None:
    history = one()
    for hours in (9, 9.1, 9.5, 10.2):
        did(history, 2, hours)
    assert values(history, "sessions_7d", 1, 2, 8, 9) == [0, 2, 2, 0]
    # 6 and 24 minutes between acts, one for the last act of each of the two sessions.
    assert values(history, "minutes_7d", 2) == [32]
    assert values(history, "longest_session_minutes_28d", 2) == [31]
    assert values(history, "session_minutes_28d", 2) == [16]


def test_what_becomes_known_later_joins_two_sessions_into_one() -> None:
    history = did(did(did(one(), 2, 9), 2, 9.8), 2, 9.4, known_day=5)
    assert values(history, "sessions_7d", 2, 4, 5) == [2, 2, 1]
    assert values(history, "minutes_7d", 4, 5) == [2, 49]


def test_totals_of_a_day_have_no_time_of_day() -> None:
    history = one().act("a", 2, 30).act("a", 3, 1)
    assert values(history, "sessions_7d", 4) == [0]
    assert values(history, "hour_entropy", 4) == [None]


def test_rhythm_of_hours_and_weekdays() -> None:
    always = one()
    for week in range(4):
        did(always, 7 * week, 14)
    assert values(always, "hour_entropy", 28) == [0]
    assert values(always, "daily_rhythm", 28) == [1]
    assert values(always, "weekday_entropy", 28) == [0]
    assert values(always, "weekly_rhythm", 28) == [1]
    spread = one()
    for day in range(14):
        did(spread, day, (4 * day) % 24)
    assert values(spread, "weekday_entropy", 13) == [1]
    assert values(spread, "weekly_rhythm", 13) == [0]
    assert values(spread, "night_share", 13) == [pytest.approx(3 / 14, abs=1e-6)]
    halves = did(did(one(), 0, 8), 0, 20)
    assert values(halves, "hour_entropy", 0) == [pytest.approx(log(2) / log(6), abs=1e-6)]


def test_slopes_of_a_steady_rise() -> None:
    history = one()
    for day in range(28):
        history.act("a", day, 1 + day)
    assert values(history, "interactions_slope_28d", 27) == [7]
    assert values(history, "active_days_slope_28d", 27) == [0]
    last_half = one()
    for day in range(14, 28):
        last_half.act("a", day)
    # Slope of a step in the middle of 28 days: 14 * 14 / 2 over 1827, in days a week per week.
    assert values(last_half, "active_days_slope_28d", 27) == [pytest.approx(98 / 1827 * 49, abs=1e-6)]


def watched(history: History, day: int, known_day: float | None = None) -> History:
    """Two minutes of a recording, a jump ahead, one more minute, a jump back, a pause."""
    told: dict[str, Any] = {"object": "v", "object_type": "video"}
    places = [("played", 0.0, None), ("seeked", 300.0, 120.0), ("seeked", 200.0, 360.0), ("paused", 260.0, None)]
    for number, (verb, position_s, from_s) in enumerate(places):
        hours = 10 + [0, 120, 180, 240][number] / 3600
        did(history, day, hours, known_day, verb=verb, position_s=position_s, from_s=from_s, **told)
    return history


def test_watching() -> None:
    history = watched(one(), 3)
    assert values(history, "video_minutes_28d", 2, 3) == [0, 4]
    assert values(history, "videos_28d", 3) == [1]
    assert values(history, "video_skips_28d", 3) == [1]
    assert values(history, "video_replays_28d", 3) == [1]
    assert values(history, "video_pauses_28d", 3) == [1]
    assert values(history, "video_share_watched", 3) == [None]


def test_the_share_watched_is_known_once_the_length_is() -> None:
    history = watched(one(), 3)
    history.add("activities", at(-5), 6, activity="v", type="video", duration_s=480.0)
    assert values(history, "video_share_watched", 3, 5, 6) == [None, None, 0.5]
    assert values(history, "videos_28d", 6) == [1]


def test_a_piece_longer_than_the_clock_allows_was_not_watched() -> None:
    told: dict[str, Any] = {"object": "v", "object_type": "video"}
    history = did(one(), 3, 10, verb="played", position_s=0.0, **told)
    did(history, 3, 10.01, verb="paused", position_s=3000.0, **told)
    assert values(history, "video_minutes_28d", 3) == [0]


def test_posts_and_those_who_answer() -> None:
    history = one().enrol("b")
    did(history, 2, 9, verb="posted", object="t1", parent="forum")
    did(history, 3, 9, verb="posted", object="t2", parent="forum")
    did(history, 4, 9, verb="replied", object="m1", parent="t1", learner="b")
    did(history, 5, 9, verb="replied", object="m2", parent="t1", learner="staff", role="instructor")
    did(history, 5, 10, verb="replied", object="m3", parent="m1")
    assert values(history, "posts_28d", 1, 2, 5, 40) == [0, 1, 3, 0]
    assert values(history, "posts_total", 40) == [3]
    assert values(history, "replies_given", 5) == [1]
    assert values(history, "posts_waiting", 2, 3, 4) == [1, 2, 1]
    assert values(history, "replies_received", 3, 4, 5) == [0, 1, 2]
    assert values(history, "replies_received", 5, learner="b") == [1]


def test_who_answers_oneself_still_waits() -> None:
    history = did(one(), 2, 9, verb="posted", object="t1", parent="forum")
    did(history, 3, 9, verb="replied", object="m1", parent="t1")
    assert values(history, "posts_waiting", 3) == [1]
    assert values(history, "replies_received", 3) == [0]


def test_answers_to_items() -> None:
    history = one()
    told: list[tuple[int, bool | None, int | None, int | None]] = [
        (1, True, 1, None),
        (1, False, 1, 2),
        (2, True, 2, 1),
        (3, None, 1, None),
    ]
    for day, correct, attempt, hints in told:
        history.add("responses", at(day), learner="a", item="i", correct=correct, attempt=attempt, hints=hints)
    assert values(history, "answers_28d", 0, 1, 3, 40) == [0, 2, 4, 0]
    assert values(history, "correct_share", 3) == [pytest.approx(2 / 3, abs=1e-6)]
    assert values(history, "first_try_share", 3) == [0.5]
    assert values(history, "hints_28d", 3) == [3]


def answered(
    history: History,
    day: int,
    correct: bool | None,
    *skills: str | None,
    known_day: float | None = None,
    item: str = "i",
    none_named: bool = False,
) -> History:
    told = None if none_named else list(skills)
    return history.add("responses", at(day), known_day, learner="a", item=item, correct=correct, skills=told)


def test_skills_by_the_counts_of_their_answers() -> None:
    history = one()
    for day, right in ((1, True), (2, True), (3, True)):
        answered(history, day, right, "decimals")
    for day, right in ((1, False), (2, False), (3, True), (4, False)):
        answered(history, day, right, "fractions")
    answered(history, 20, True, "ratios")
    assert values(history, "skills_practised", 0, 1, 4, 20) == [0, 2, 2, 3]
    assert values(history, "skills_mastered", 2, 3, 20) == [0, 1, 1]
    # Two answers say nothing yet; one of three right is less than half.
    assert values(history, "skills_open", 2, 3, 20) == [0, 1, 1]
    assert values(history, "skills_begun_14d", 1, 14, 15, 20) == [2, 2, 0, 1]
    # (0 + 1) / (1 + 2), (0 + 1) / (2 + 2), (1 + 1) / (3 + 2), (1 + 1) / (4 + 2)
    lowest = [None, 1 / 3, 1 / 4, 2 / 5, 1 / 3]
    assert values(history, "mastery_lowest", 0, 1, 2, 3, 4) == [x and pytest.approx(x, abs=1e-6) for x in lowest]
    mean = [(2 / 3 + 1 / 3) / 2, (4 / 5 + 2 / 6) / 2, (4 / 5 + 2 / 6 + 2 / 3) / 3]
    assert values(history, "mastery_mean", 1, 4, 20) == [pytest.approx(each, abs=1e-6) for each in mean]


def test_a_skill_is_no_more_mastered_after_a_wrong_answer() -> None:
    history = one()
    for day, right in enumerate([True] * 3 + [False] + [True] * 4):
        answered(history, day, right, "decimals")
    assert values(history, "skills_mastered", *range(8)) == [0, 0, 1, 0, 0, 0, 0, 1]


def test_an_answer_counts_once_for_each_skill_and_not_before_it_is_judged_and_known() -> None:
    history = answered(answered(one(), 1, True, "sums", "powers", "sums", None), 2, None, "roots")
    answered(history, 3, False, "powers", known_day=6)
    assert values(history, "skills_practised", 1, 2, 6) == [2, 2, 2]
    assert values(history, "mastery_mean", 1, 5, 6) == [pytest.approx(x, abs=1e-6) for x in (2 / 3, 2 / 3, 7 / 12)]


def test_an_answer_without_skills_is_one_on_those_of_its_item_once_they_are_told() -> None:
    history = answered(one(), 1, True, none_named=True)
    answered(history, 2, False)
    answered(answered(history, 2, True, "sums"), 2, True, item="other")
    history.add("activities", at(-5), 4, activity="i", type="item", skills=["powers", "roots"])
    assert values(history, "skills_practised", 3, 4) == [1, 3]
    assert values(history, "mastery_lowest", 3, 4) == [pytest.approx(2 / 3, abs=1e-6), 0.5]
    # Told again, it counts no second time.
    history.add("activities", at(-5), 6, activity="i", type="item", skills=["powers"])
    assert values(history, "mastery_lowest", 6) == [0.5]


def test_answers_of_late_against_those_before() -> None:
    history = one()
    for day, right in ((1, True), (2, False), (3, None), (20, True)):
        answered(history, day, right, none_named=True)
    assert values(history, "correct_share_change_14d", 2, 19, 20, 40) == [None, None, 0.5, None]


def test_what_the_plan_asked_for() -> None:
    history = one()
    for name, day in (("p0", 0), ("p1", 7), ("p2", 14)):
        history.add("activities", at(-30), activity=name, type="page", opens_on=on(day))
    history.act("a", 3, object="p0").act("a", 16, object="p1").act("a", 10, object="p2").act("a", 11, object="free")
    assert values(history, "planned_items", -1, 0, 7, 20) == [0, 1, 2, 3]
    assert values(history, "planned_items_opened", 3, 10, 16) == [1, 1, 3]
    assert values(history, "plan_opened_share", 10, 16) == [0.5, 1]
    # p0 in its week and p2 before it; p1 two days too late.
    assert values(history, "planned_items_on_time", 16) == [2]


def test_a_plan_counts_from_when_it_is_announced() -> None:
    history = one().act("a", 1, object="p0")
    history.add("activities", at(5), activity="p0", type="page", opens_on=on(0))
    assert values(history, "planned_items", 4, 5) == [0, 1]
    assert values(history, "planned_items_opened", 4, 5) == [0, 1]


def test_other_runs_of_the_same_learner() -> None:
    history = one()
    number = 0

    def elsewhere(kind: str, run: str, day: int, **told: Any) -> None:
        nonlocal number
        number += 1
        history.add(kind, at(day), learner="a", **told)
        history.records[kind][-1] |= {"run": run, "id": number.to_bytes(16, "big")}

    for run, day in (("tiny/T1/2024", -300), ("tiny/T2/2024", -300), ("tiny/T3/2025", 4)):
        elsewhere("enrolments", run, day, status="enrolled", valid_from=at(day), valid_from_on=on(day))
    elsewhere("outcomes", "tiny/T1/2024", -100, label="fail", final_score=0.3)
    elsewhere("outcomes", "tiny/T2/2024", 2, label="pass", final_score=0.7)
    assert values(history, "other_runs_open", 1, 2, 4) == [1, 0, 1]
    assert values(history, "other_runs_passed", 1, 2) == [0, 1]
    assert values(history, "other_runs_not_finished", 1, 2) == [1, 1]
    assert values(history, "other_runs_mean_score", 1, 2) == [0.3, 0.5]
    assert RUN not in {"tiny/T1/2024", "tiny/T2/2024", "tiny/T3/2025"}


def test_how_assessments_are_gone_about() -> None:
    history = one().plan("w0", 7, 20).plan("w1", 21, 30).plan("w2", 30, 50)
    for record in history.records["activities"]:
        record["opens_on"] = record["due_on"] - timedelta(days=10)
    history.hand_in("a", "w0", 2).mark("a", "w0", 2, 0.35, 9, attempt=3)
    history.hand_in("a", "w1", 21).mark("a", "w1", 21, 0.75, 25)
    assert values(history, "weight_due_14d", 1, 8, 20, 22) == [20, 30, 80, 50]
    assert values(history, "weight_ahead", 0, 3, 22) == [100, 80, 50]
    assert values(history, "procrastination", 2, 21) == [0.5, 0.75]
    assert values(history, "least_days_early", 2, 21) == [5, 0]
    assert values(history, "last_day_share", 2, 21) == [0, 0.5]
    assert values(history, "attempts_mean", 9, 25) == [3, 2]
    assert values(history, "low_scores", 8, 9) == [0, 1]
    assert values(history, "score_slope", 9, 25) == [None, pytest.approx(0.4, abs=1e-6)]
    assert values(history, "score_spread", 25) == [pytest.approx(0.2, abs=1e-6)]
    assert date(2025, 3, 3) == STARTS_ON
