"""Ranges contain their risk, cover as often as they say, and are withheld where little compares."""

import numpy as np
import pytest

from headway.domain.errors import InputError
from headway.evaluation.intervals import jeffreys
from headway.evaluation.ranges import LEVEL, Comparable, Span
from headway.models.model import Floats


def past(n: int, seed: int) -> tuple[Floats, Floats]:
    random = np.random.default_rng(seed)
    risks = random.beta(1, 2, n)
    return risks, (random.random(n) < risks).astype(np.float64)


SCALE: Floats = np.linspace(0, 1, 201)


def test_the_range_contains_the_risk_and_stays_in_bounds() -> None:
    span = Comparable.fit(*past(2000, 1)).range(SCALE)
    some = span.n > 0
    assert ((span.low <= SCALE) & (span.high >= SCALE))[some].all()
    assert ((span.low >= 0) & (span.high <= 1))[some].all()
    assert span.enough()[:160].all()


def test_the_range_is_that_of_the_nearest_learners() -> None:
    risks, labels = past(700, 2)
    span = Comparable.fit(risks, labels).range(np.array([0.3]))
    nearest = np.argsort(np.abs(risks - 0.3))[:70]
    low, high = jeffreys(np.array([labels[nearest].sum()]), np.array([70.0]), LEVEL)
    assert span.n[0] == 70
    assert (span.low[0], span.high[0]) == (pytest.approx(min(low[0], 0.3)), pytest.approx(max(high[0], 0.3)))


@pytest.mark.parametrize(("rows", "expected"), [(300, 50), (1200, 120), (9000, 200)])
def test_how_many_compare_follows_how_many_there_are(rows: int, expected: int) -> None:
    assert Comparable.fit(*past(rows, 3)).range(np.array([0.2])).n[0] == expected


def test_calibrated_risks_are_covered_as_often_as_the_level_says() -> None:
    inside, told = 0.0, 0.0
    for seed in range(20):
        span = Comparable.fit(*past(1500, seed)).range(fresh := past(500, 100 + seed)[0])
        # The stretch to contain the risk would hide a range that is too narrow, so a touched end counts as a miss.
        within = (span.low < fresh) & (fresh < span.high)
        inside, told = inside + within[span.enough()].sum(), told + span.enough().sum()
    assert inside / told == pytest.approx(LEVEL, abs=0.04)


def test_few_past_learners_are_too_few() -> None:
    assert Comparable.fit(*past(40, 1)).range(SCALE).withheld() == ["few-comparable"] * 201


def test_a_risk_far_beyond_what_was_seen_says_nothing_where_the_past_denies_it() -> None:
    low = past(3000, 1)[0] * 0.3
    span = Comparable.fit(low, np.zeros(3000)).range(np.array([0.1, 0.9]))
    assert span.withheld() == [None, "range-too-wide"]
    assert span.enough().tolist() == [True, False]


def test_the_highest_risk_of_all_is_told_from_those_below_it() -> None:
    risks, labels = past(400, 1)
    top = Comparable.fit(risks * 0.7, labels).range(np.array([0.75]))
    assert top.withheld() == [None]
    assert top.n[0] >= 50


def test_the_nearest_compare_and_no_others() -> None:
    risks = np.concatenate([np.full(500, 0.2), np.full(500, 0.9)])
    one = Comparable.fit(risks, np.repeat([0.0, 1.0], 500))
    assert one.range(np.array([0.2])).high[0] < 0.21
    assert one.range(np.array([0.2])).n[0] == 500


def test_a_wide_range_says_nothing() -> None:
    far = Comparable.fit(np.full(500, 0.85), np.zeros(500)).range(np.array([0.85]))
    assert far.withheld() == ["range-too-wide"]
    span = Span(np.array([0.1, 0.1]), np.array([0.7, 0.8]), np.array([60.0, 60.0]))
    assert span.withheld() == [None, "range-too-wide"]
    assert span.enough().tolist() == [True, False]


def test_rows_of_a_learner_count_as_one() -> None:
    risks, labels = past(400, 4)
    once = Comparable.fit(risks, labels).range(SCALE)
    copies = Comparable.fit(np.repeat(risks, 3), np.repeat(labels, 3), np.repeat(np.arange(400), 3)).range(SCALE)
    assert np.allclose(copies.n, once.n)
    assert np.allclose(copies.low, once.low, equal_nan=True)
    assert copies.withheld() == once.withheld()


def test_order_and_ties_do_not_matter() -> None:
    risks, labels = past(900, 5)
    risks = np.round(risks, 1)
    turned = np.random.default_rng(1).permutation(900)
    first, again = Comparable.fit(risks, labels), Comparable.fit(risks[turned], labels[turned])
    assert first.state() == again.state()
    at = first.range(np.array([0.1]))
    assert at.n[0] == (risks == 0.1).sum()


def test_state_gives_the_same_bits() -> None:
    one = Comparable.fit(*past(900, 6), np.arange(900) // 3)
    again = Comparable.restore(one.state())
    for ours, theirs in zip(one.range(SCALE), again.range(SCALE), strict=True):
        assert np.array_equal(ours, theirs, equal_nan=True)


def test_no_past_learners_and_no_rows() -> None:
    nothing = Comparable.fit(np.zeros(0), np.zeros(0))
    assert nothing.range(np.array([0.5])).withheld() == ["few-comparable"]
    assert Comparable.fit(*past(100, 1)).range(np.zeros(0)).withheld() == []


def test_wrong_requests_are_refused() -> None:
    with pytest.raises(InputError):
        Comparable.fit(np.array([0.1, 0.2]), np.zeros(3))
    with pytest.raises(InputError):
        Comparable.fit(np.array([0.1, 1.2]), np.zeros(2))
    with pytest.raises(InputError):
        Comparable.fit(*past(100, 1)).range(np.array([-0.1]))
