"""Curves, hazards and tests of retention against a textbook, against scipy, and against what is known beforehand."""

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.stats import CensoredData, ecdf, logrank

from headway.domain.errors import InputError
from headway.evaluation.metrics import auroc, brier
from headway.evaluation.retention import brier_at, concordances, kaplan_meier, log_rank, weekly
from headway.models.model import Floats

# Remission of leukaemia in weeks (Freireich et al. 1963), the standing example of Cox and Oakes (1984), page 7.
TREATED = np.array([6, 6, 6, 6, 7, 9, 10, 10, 11, 13, 16, 17, 19, 20, 22, 23, 25, 32, 32, 34, 35], dtype=np.float64)
RELAPSED = np.array([1, 1, 1, 0, 1, 0, 1, 0, 0, 1, 1, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0], dtype=np.bool_)
CONTROL = np.array([1, 1, 2, 2, 3, 4, 4, 5, 5, 8, 8, 8, 8, 11, 11, 12, 12, 15, 17, 22, 23], dtype=np.float64)
ALL_LEFT = np.ones(21, dtype=np.bool_)


def test_the_curve_and_the_hazard_of_the_textbook() -> None:
    curve = kaplan_meier(TREATED, RELAPSED)
    assert curve.at.tolist() == [6, 7, 10, 13, 16, 22, 23]
    assert curve.at_risk.tolist() == [21, 17, 15, 12, 11, 7, 6]
    assert curve.left.tolist() == [3, 1, 1, 1, 1, 1, 1]
    assert np.round(curve.survival, 3).tolist() == [0.857, 0.807, 0.753, 0.690, 0.627, 0.538, 0.448]
    by_hand = np.cumsum([3 / 21, 1 / 17, 1 / 15, 1 / 12, 1 / 11, 1 / 7, 1 / 6])
    assert np.allclose(curve.cumulative, by_hand)


def test_the_two_groups_of_the_textbook_differ_as_it_says() -> None:
    times, seen = np.concatenate([TREATED, CONTROL]), np.concatenate([RELAPSED, ALL_LEFT])
    groups = np.array(["treated"] * 21 + ["control"] * 21)
    found = log_rank(times, seen, groups)
    assert found is not None
    assert (round(found.statistic, 2), found.freedom) == (16.79, 1)
    assert found.p < 0.001
    assert log_rank(times, seen, np.array(["one"] * 42)) is None
    assert log_rank(times, np.zeros(42, dtype=np.bool_), groups) is None


HISTORIES = st.lists(st.tuples(st.integers(0, 20), st.booleans(), st.integers(0, 2)), min_size=3, max_size=60)


@settings(max_examples=60)
@given(HISTORIES)
def test_scipy_says_the_same(learners: list[tuple[int, bool, int]]) -> None:
    times = np.array([time + 1 for time, _, _ in learners], dtype=np.float64)
    seen = np.array([left for _, left, _ in learners], dtype=np.bool_)
    curve = kaplan_meier(times, seen)
    if seen.any():
        with np.errstate(divide="ignore", invalid="ignore"):
            other = ecdf(CensoredData(uncensored=times[seen], right=times[~seen])).sf
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", RuntimeWarning)
                band = other.confidence_interval(0.95, method="log-log")
        assert np.allclose(curve.survival, other.evaluate(curve.at))
        inside = (curve.survival > 0) & (curve.survival < 1)
        assert np.allclose(curve.low[inside], band.low.evaluate(curve.at)[inside])
        assert np.allclose(curve.high[inside], band.high.evaluate(curve.at)[inside])
    assert (np.diff(curve.survival) <= 0).all()
    assert (curve.low <= curve.survival).all()
    assert (curve.survival <= curve.high).all()


@settings(max_examples=30)
@given(HISTORIES)
def test_scipy_tests_two_groups_alike(learners: list[tuple[int, bool, int]]) -> None:
    times = np.array([time + 1 for time, _, _ in learners], dtype=np.float64)
    seen = np.array([left for _, left, _ in learners], dtype=np.bool_)
    groups = np.array(["a" if group else "b" for _, _, group in learners])
    found = log_rank(times, seen, groups)
    if found is None or found.statistic == 0:
        return
    sides = [
        CensoredData(uncensored=times[own & seen], right=times[own & ~seen]) for own in (groups == "a", groups == "b")
    ]
    with np.errstate(divide="ignore", invalid="ignore"):
        other = logrank(*sides)
    if np.isfinite(other.statistic):
        assert np.isclose(found.statistic, other.statistic**2)
        assert np.isclose(found.p, other.pvalue)


def test_weeks_are_told_one_by_one() -> None:
    times = np.array([0, 6, 7, 13, 20, 20], dtype=np.float64)
    seen = np.array([True, True, True, False, False, True])
    weeks = weekly(times, seen)
    assert [(week.week, week.at_risk, week.left) for week in weeks] == [(1, 6, 2), (2, 4, 1), (3, 2, 1)]
    assert np.allclose([week.survival for week in weeks], [4 / 6, 4 / 6 * 3 / 4, 4 / 6 * 3 / 4 / 2])
    assert np.allclose([week.hazard or 0 for week in weeks], [1 / 3, 1 / 4, 1 / 2])
    assert np.allclose(weeks[-1].cumulative_hazard, 1 / 6 + 1 / 5 + 1 / 4 + 1 / 2)
    assert [week.week for week in weekly(times, seen, fewest=3)] == [1, 2]
    assert weekly(np.zeros(0), np.zeros(0, dtype=np.bool_)) == ()


def test_who_joins_later_is_not_at_risk_before() -> None:
    """In course time two of ten leave on day 3; ten more join on day 5 and one of twenty minus two leaves on day 8."""
    times = np.array([3, 3, *[30] * 8, 8, *[30] * 9], dtype=np.float64)
    seen = np.array([True, True, *[False] * 8, True, *[False] * 9])
    entered = np.array([0.0] * 10 + [5.0] * 10)
    curve = kaplan_meier(times, seen, entered)
    assert curve.at_risk.tolist() == [10, 18]
    assert np.allclose(curve.survival, [0.8, 0.8 * 17 / 18])
    with pytest.raises(InputError, match="no entry after"):
        kaplan_meier(times, seen, times + 1)


def test_concordance_without_censoring_and_two_times_is_auroc() -> None:
    random = np.random.default_rng(0)
    label = (random.random(200) < 0.4).astype(np.float64)
    risks = np.round(label + random.normal(size=200), 1)
    times = np.where(label == 1, 1.0, 2.0)
    found = concordances(times, label == 1, risks, np.ones((1, 200)))
    assert np.isclose(found[0], auroc(label, risks))


def test_concordance_counts_the_pairs_of_which_one_knows() -> None:
    times = np.array([2.0, 4, 4, 6])
    seen = np.array([True, False, True, False])
    risks = np.array([0.9, 0.1, 0.5, 0.7])
    # Known: the first before all others (3 won); the third before the censored second (won) and before the last (lost).
    one = np.ones(4)
    assert np.isclose(concordances(times, seen, risks, one[None])[0], 4 / 5)
    twice = np.array([1.0, 1, 1, 2])
    doubled = [np.append(each, each[-1]) for each in (times, seen, risks)]
    expected = concordances(doubled[0], doubled[1].astype(np.bool_), doubled[2], np.ones((1, 5)))
    assert np.isclose(concordances(times, seen, risks, twice[None])[0], expected[0])
    assert np.isnan(concordances(times, np.zeros(4, dtype=np.bool_), risks, one[None])[0])


def test_the_brier_score_is_the_plain_one_where_nobody_is_lost() -> None:
    random = np.random.default_rng(1)
    times = random.integers(1, 60, 300).astype(np.float64)
    chances = random.random(300)
    gone = (times <= 20).astype(np.float64)
    assert np.isclose(brier_at(times, everyone(300), chances, 20), brier(gone, 1 - chances))
    assert np.isnan(brier_at(times, everyone(300), chances, 60))


def everyone(size: int) -> NDArray[np.bool_]:
    return np.ones(size, dtype=np.bool_)


def test_those_who_are_lost_are_stood_in_for() -> None:
    """With a third lost at random, the score is near that of the whole; counting the lost as there is not."""
    random = np.random.default_rng(2)
    times = random.integers(1, 60, 6000).astype(np.float64)
    chances = np.full(6000, 0.5)
    lost = np.where(random.random(6000) < 0.4, random.integers(1, 40, 6000), 99).astype(np.float64)
    seen = times <= lost
    kept: Floats = np.minimum(times, lost)
    survival = float((times > 30).mean())
    whole = brier_at(times, everyone(6000), np.full(6000, survival), 30)
    assert abs(brier_at(kept, seen, np.full(6000, survival), 30) - whole) < 0.005
    assert np.isclose(brier_at(times, everyone(6000), chances, 30), 0.25)
