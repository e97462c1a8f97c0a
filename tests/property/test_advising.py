"""Promises of the caseload that hold for every cohort and every capacity."""

from collections.abc import Sequence
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from headway.advising.caseload import Candidate, caseload
from headway.advising.wording import LISTS, tenths

# Few distinct risks, so that ties are common.
RISKS = st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.75, 1.0]) | st.floats(0, 1)


@st.composite
def cohorts(draw: st.DrawFn) -> list[Candidate]:
    ids = draw(st.lists(st.integers(0, 999).map(str), unique=True, max_size=30))
    cohort = []
    for learner in ids:
        low, risk, high = sorted(draw(st.tuples(RISKS, RISKS, RISKS)))
        status = draw(st.sampled_from(["scored", "scored", "scored", "too_early"]))
        days = draw(st.none() | st.integers(0, 40))
        cohort.append(Candidate(learner, risk, low, high, "scored" if status == "scored" else "too_early", (), days))
    return cohort


CAPACITIES = st.integers(0, 40)


def ids_of(cohort: Sequence[Candidate], capacity: int) -> list[str]:
    return [entry.candidate.learner for entry in caseload(cohort, capacity).listed]


@given(cohorts(), CAPACITIES)
def test_the_list_is_as_long_as_capacity_allows(cohort: list[Candidate], capacity: int) -> None:
    scored = sum(each.status == "scored" for each in cohort)
    assert len(caseload(cohort, capacity).listed) == min(capacity, scored)


@given(cohorts(), CAPACITIES)
def test_order_falls_with_risk_and_lists_follow_the_order(cohort: list[Candidate], capacity: int) -> None:
    entries = caseload(cohort, capacity).entries
    risks = [entry.candidate.risk for entry in entries]
    assert risks == sorted(risks, reverse=True)
    places = [LISTS.index(entry.list) for entry in entries]
    assert places == sorted(places)


@given(cohorts(), CAPACITIES, CAPACITIES)
def test_more_capacity_only_appends(cohort: list[Candidate], one: int, more: int) -> None:
    short = ids_of(cohort, one)
    assert ids_of(cohort, one + more)[: len(short)] == short


@given(cohorts(), CAPACITIES, st.randoms(use_true_random=False))
def test_the_order_of_arrival_changes_nothing(cohort: list[Candidate], capacity: int, random: Random) -> None:
    shuffled = list(cohort)
    random.shuffle(shuffled)
    assert caseload(shuffled, capacity, past_cut=0.5) == caseload(cohort, capacity, past_cut=0.5)


@given(cohorts(), CAPACITIES)
def test_everybody_is_somewhere_once(cohort: list[Candidate], capacity: int) -> None:
    found = caseload(cohort, capacity)
    placed = [entry.candidate.learner for entry in found.entries] + [each.learner for each in found.too_early]
    assert sorted(placed) == sorted(each.learner for each in cohort)
    assert {each.learner for each in found.not_visited} <= {each.learner for each in found.too_early}


@given(st.tuples(RISKS, RISKS, RISKS).map(sorted))
def test_the_told_range_holds_the_chance_to_the_nearest_tenth(numbers: list[float]) -> None:
    low, risk, high = numbers
    told = tenths(risk, low, high)
    if "–" in told:
        least, most = (int(part) for part in told.removesuffix(" in 10").split("–"))
        assert least < most
        assert least - 0.5 <= 10 * risk <= most + 0.5
        assert abs(least - 10 * low) <= 0.5 + 1e-9
        assert abs(most - 10 * high) <= 0.5 + 1e-9
