"""The list: order, lists, cut, and who stays apart."""

import json
from dataclasses import replace

import pytest

from headway.advising.caseload import Candidate, caseload
from headway.domain.errors import InputError
from headway.explanation.reasons import Direction, Reason


def candidate(learner: str, risk: float, low: float | None = None) -> Candidate:
    return Candidate(learner, risk, max(0.0, risk - 0.1) if low is None else low, min(1.0, risk + 0.1))


def early(learner: str, days: int | None) -> Candidate:
    return Candidate(learner, 0.5, 0.0, 1.0, "too_early", days_since_visit=days, detail="Fewer than 3 weeks of data.")


def reason(name: str, direction: Direction) -> Reason:
    return Reason(name, 1.0, 2.0, direction, 0.5, name, "visits")


TEN = [candidate(f"L{i}", i / 10) for i in range(10)]


def test_lists_are_cut_by_capacity_and_the_rest_by_the_base_rate() -> None:
    found = caseload(TEN, 2, base_rate=0.35)
    assert [entry.candidate.learner for entry in found.listed] == ["L9", "L8"]
    assert [entry.list for entry in found.entries] == (
        ["Reach out"] * 2 + ["Check in"] * 2 + ["Keep an eye"] * 2 + ["On track"] * 4
    )
    assert [entry.order for entry in found.entries] == list(range(1, 11))
    assert found.counts() == {"Reach out": 2, "Check in": 2, "Keep an eye": 2, "On track": 4}


def test_no_fixed_risk_decides() -> None:
    calm = [replace(each, risk=each.risk / 10, low=0.0, high=1.0) for each in TEN]
    assert [entry.candidate.learner for entry in caseload(calm, 2).listed] == ["L9", "L8"]


def test_without_a_base_rate_the_cohort_s_mean_risk_stands_in() -> None:
    assert caseload(TEN, 1).base_rate == pytest.approx(0.45)


def test_ties_go_to_the_surer_prediction_and_then_by_id() -> None:
    found = caseload([candidate("b", 0.5, 0.4), candidate("c", 0.5, 0.45), candidate("a", 0.5, 0.4)], 1)
    assert [entry.candidate.learner for entry in found.entries] == ["c", "a", "b"]


def test_too_early_stays_apart_and_has_the_rule_s_list() -> None:
    found = caseload([*TEN, early("E1", 2), early("E2", None), early("E3", 9), early("E4", 7)], 3)
    assert len(found.entries) == 10
    assert [each.learner for each in found.too_early] == ["E1", "E2", "E3", "E4"]
    assert [each.learner for each in found.not_visited] == ["E2", "E3", "E4"]


def test_a_course_problem_is_told_from_a_people_problem() -> None:
    assert not caseload(TEN, 2, past_cut=0.7).course_problem  # 3 of 10 is not more than 30%
    found = caseload(TEN, 2, past_cut=0.6)
    assert found.course_problem
    assert found.share_above == pytest.approx(0.4)
    assert not caseload(TEN, 2, past_cut=0.6, course_problem_share=0.5).course_problem
    assert caseload(TEN, 2).share_above is None
    assert caseload([early("E", 1)], 2, past_cut=0.1).share_above is None


def test_expected_is_the_sum_of_the_listed_risks() -> None:
    assert caseload(TEN, 3).expected == pytest.approx(0.9 + 0.8 + 0.7)


def test_the_main_reason_is_the_strongest_for_the_label() -> None:
    both = replace(TEN[9], reasons=(reason("against", "against"), reason("for", "for")))
    one = replace(TEN[8], reasons=(reason("against", "against"),))
    first, second, third = caseload([both, one, TEN[7]], 3).listed
    assert first.main_reason == reason("for", "for")
    assert second.main_reason == reason("against", "against")
    assert third.main_reason is None


def test_rows_are_the_contract_of_the_list_command() -> None:
    row = caseload([replace(TEN[9], reasons=(reason("visits", "for"),))], 1).listed[0].as_row()
    assert list(row) == ["order", "learner", "risk", "low", "high", "list", "reasons"]
    told = json.loads(json.dumps(row))
    assert told["list"] == "Reach out"
    assert {"feature", "value", "cohort_median", "direction", "text"} <= set(told["reasons"][0])


def test_nobody_and_no_capacity_are_no_errors() -> None:
    assert caseload([], 5).listed == ()
    found = caseload(TEN, 0, base_rate=0.5)
    assert found.listed == ()
    assert {entry.list for entry in found.entries} == {"Keep an eye", "On track"}


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(InputError, match="capacity of -1"):
        caseload(TEN, -1)
    with pytest.raises(InputError, match="L3 is predicted twice"):
        caseload([*TEN, TEN[3]], 5)
    with pytest.raises(InputError, match="L3 is predicted twice"):
        caseload([*TEN, early("L3", 1)], 5)
    with pytest.raises(InputError, match="learner x needs"):
        caseload([Candidate("x", 0.9, 0.1, 0.5)], 5)
