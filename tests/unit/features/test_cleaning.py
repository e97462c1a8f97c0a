"""Cleaning: each rule catches what it names and spares busy people; nothing is deleted; days stand by themselves."""

from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Any

import pytest

from headway.domain.records import KINDS
from headway.features.cleaning import DEFAULTS, RULES, Cleaning, cleaned, counts, flagged
from tests.support.memory import Memory
from tests.support.tiny import RUN, History, at, on


def act(history: History, seconds: float, day: int = 1, learner: str = "a", **columns: Any) -> History:
    """A statement at so many seconds after the local midnight of a course day."""
    told: dict[str, Any] = {
        "verb": "viewed",
        "object": "p1",
        "occurred_on": on(day),
        "hour": int(seconds // 3600),
        "interactions": 1,
    }
    return history.add("statements", at(day, seconds / 3600), learner=learner, **(told | columns))


def enrolled(*learners: str) -> History:
    history = History().add("activities", at(-40), activity="p1", type="page")
    for learner in learners or ("a",):
        history.enrol(learner)
    return history


def many(history: History, seconds: Iterable[float], **columns: Any) -> History:
    for place, second in enumerate(seconds):
        act(history, second, **({"object": f"p{place % 2 + 1}"} | columns))
    return history


def reasons(history: History, cleaning: Cleaning = DEFAULTS) -> dict[str, int]:
    """Statements by reason."""
    with Memory(history.tables()) as records:
        rows = records.collect(flagged(records, cleaning))
    names = rows["reason"].to_pylist()
    return {name: names.count(name) for name in sorted(set(names))}


def kept(history: History, cleaning: Cleaning = DEFAULTS) -> int:
    with Memory(history.tables()) as records:
        found = records.collect(cleaned(records.table("statements"), cleaning))
    assert found.schema.names == KINDS["statements"].schema.names
    return int(found.num_rows)


def listed(history: History) -> History:
    """The second page in the list of activities."""
    return history.add("activities", at(-40), activity="p2", type="page")


def test_the_code_and_the_sentence_of_a_rule_are_its_own() -> None:
    assert len({rule.code for rule in RULES}) == len({rule.sentence for rule in RULES}) == len(RULES)


def test_ordinary_work_is_flagged_by_nothing() -> None:
    history = listed(enrolled())
    many(history, [9 * 3600 + 37.0 * place + place % 11 for place in range(200)])
    assert reasons(history) == {}
    assert kept(history) == 200


def test_programs_and_staff_are_told_by_their_role() -> None:
    history = enrolled("a", "crawler", "tutor")
    act(act(act(history, 40_000), 40_000, learner="crawler", role="automated"), 40_000, learner="t", role="instructor")
    assert reasons(history) == {"automated": 1, "staff": 1}
    assert kept(history) == 1


def test_two_clicks_within_a_second_are_one() -> None:
    history = act(act(act(enrolled(), 40_000), 40_000.9), 40_002)
    assert reasons(history) == {"duplicate": 1}
    assert kept(history) == 2


@pytest.mark.parametrize(
    "other",
    [
        {"learner": "b"},
        {"object": "p2"},
        {"verb": "downloaded"},
        {"position_s": 3.0},
        {"success": True},
    ],
)
def test_another_act_is_no_duplicate(other: dict[str, Any]) -> None:
    history = act(act(listed(enrolled("a", "b")), 40_000), 40_000.5, **other)
    assert reasons(history) == {}


def test_without_an_object_the_source_s_own_word_must_be_the_same() -> None:
    plain: dict[str, Any] = {"object": None, "verb": "interacted"}
    history = act(enrolled(), 40_000, event="one", **plain)
    assert reasons(act(history, 40_000.5, event="two", **plain)) == {}
    assert reasons(act(history, 40_000.7, event="one", **plain)) == {"duplicate": 1}


def test_equal_day_totals_are_no_duplicates() -> None:
    history = enrolled().act("a", 1, 5, object="p1").act("a", 1, 5, object="p1")
    assert reasons(history) == {}
    assert kept(history) == 2


def test_where_a_log_tells_the_minute_alone_nothing_is_called_a_duplicate() -> None:
    """Of a page opened twice at 10:07 nobody can say that it was a double click."""
    history = act(act(act(enrolled(), 40_020), 40_020), 40_020)
    assert reasons(history) == {}
    assert reasons(act(act(enrolled(), 40_021), 40_021)) == {"duplicate": 1}


def test_no_hand_is_that_quick() -> None:
    quick = many(listed(enrolled()), [40_000 + place * 0.45 for place in range(500)])
    assert reasons(quick)["inhuman_rate"] == 500
    assert kept(quick) == 0
    burst = many(listed(enrolled()), [40_000 + place * 0.3 for place in range(200)])
    assert "inhuman_rate" not in reasons(burst)
    hour = many(listed(enrolled()), [36_000 + place * 1.8 + place % 7 * 0.2 for place in range(1950)])
    assert reasons(hour)["inhuman_rate"] == 1950


def test_clockwork_is_no_learner() -> None:
    every_two_minutes = many(listed(enrolled()), [20_000 + place * 120.0 for place in range(310)])
    assert reasons(every_two_minutes) == {"inhuman_regularity": 310}
    uneven = many(listed(enrolled()), [20_000 + place * 120.0 + place * place % 47 for place in range(310)])
    assert reasons(uneven) == {}
    few = many(listed(enrolled()), [20_000 + place * 120.0 for place in range(200)])
    assert reasons(few) == {}


def test_a_player_that_reports_its_progress_is_no_machine() -> None:
    history = many(listed(enrolled()), [20_000 + place * 30.0 for place in range(400)], verb="progressed")
    assert reasons(history) == {}


def test_nobody_is_awake_all_day_and_night() -> None:
    assert reasons(many(listed(enrolled()), [hour * 3600 + 99.0 for hour in range(22)])) == {"round_the_clock": 22}
    assert reasons(many(listed(enrolled()), [hour * 3600 + 99.0 for hour in range(21)])) == {}


def test_totals_of_a_flagged_day_stay() -> None:
    history = many(listed(enrolled()), [hour * 3600 + 99.0 for hour in range(24)]).act("a", 1, 40, object="p1")
    assert kept(history) == 1


def test_clocks_that_were_wrong_by_years() -> None:
    history = enrolled()
    for known_day in (1 + DEFAULTS.delay_days - 1, 1 + DEFAULTS.delay_days + 2, 0):
        act(history, 40_000 + known_day, known_day=known_day)
    assert reasons(history) == {"clock_skew": 2}
    assert kept(history) == 1


def test_work_far_from_the_run() -> None:
    history = enrolled()
    for day in (-DEFAULTS.early_days - 1, -DEFAULTS.early_days, 55 + DEFAULTS.late_days, 56 + DEFAULTS.late_days):
        act(history, 40_000, day=day)
    assert reasons(history) == {"far_from_run": 2}
    assert kept(history) == 4  # not as-of safe, so it stays


def test_who_teaches_and_is_not_enrolled_is_staff_throughout() -> None:
    history = act(act(enrolled("a"), 40_000, learner="t", role="instructor"), 41_000, learner="t")
    assert reasons(history) == {"staff": 1, "staff_unmarked": 1}


def test_who_teaches_and_is_enrolled_tries_the_course_out() -> None:
    history = act(act(enrolled("t"), 40_000, learner="t", role="instructor"), 41_000, learner="t")
    assert reasons(history) == {"staff": 1, "test_account": 1}


def test_a_record_may_say_that_an_account_is_for_tests() -> None:
    history = act(act(enrolled("a", "b"), 40_000), 41_000, learner="b")
    told: dict[str, Any] = {"valid_from": at(-10), "sensitive": False}
    history.add("attributes", at(-10), learner="a", name="test_account", value="True", **told)
    history.add("attributes", at(-10), learner="b", name="test_account", value="false", **told)
    assert reasons(history) == {"test_account": 1}


def test_strangers_and_unknown_things() -> None:
    history = act(act(enrolled("a"), 40_000, learner="x"), 41_000, object="p9")
    assert reasons(history) == {"orphan": 1, "unknown_object": 1}
    bare = act(History().enrol("a"), 41_000, object="p9")
    assert reasons(bare) == {}  # without any list of activities none is missing from it


def test_counts_name_run_reason_statements_and_learners() -> None:
    history = enrolled("a")
    for learner in ("x", "y"):
        act(act(history, 40_000, learner=learner), 40_000.4, learner=learner)
    with Memory(history.tables()) as records:
        told = counts(records).to_pylist()
    assert told == [
        {"run": RUN, "reason": "orphan", "statements": 4, "learners": 2},
        {"run": RUN, "reason": "duplicate", "statements": 2, "learners": 2},
    ]


def rows_about(history: History, wanted: Callable[[dict[str, Any]], bool]) -> History:
    other = History()
    other.records = {**history.records, "statements": [row for row in history.records["statements"] if wanted(row)]}
    return other


def test_a_verdict_rests_on_that_learner_and_day_alone() -> None:
    history = listed(enrolled("a", "b"))
    many(history, [hour * 3600 + 99.0 for hour in range(24)], day=1)
    many(history, [40_000 + place * 0.45 for place in range(500)], day=2)
    many(history, [hour * 3600 + 99.0 for hour in range(12)], day=1, learner="b")
    many(history, [hour * 3600 + 99.5 for hour in range(12, 24)], day=2, learner="b")
    act(act(history, 86_399.8, day=3, learner="b"), 0.1, day=4, learner="b")
    assert kept(history) == 26
    one_day = rows_about(history, lambda row: row["occurred_on"] == on(1))
    one_learner = rows_about(history, lambda row: row["learner"] == "b")
    assert kept(one_day) == 12
    assert kept(one_learner) == 26


def test_thresholds_are_in_one_place() -> None:
    history = act(act(enrolled(), 40_000), 40_003)
    assert kept(history, Cleaning(duplicate_s=5)) == 1
    assert kept(history) == 2
    assert timedelta(days=DEFAULTS.delay_days) > timedelta(days=365)
