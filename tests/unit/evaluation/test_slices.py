"""Fairness slices against figures worked out by hand, their silence about small groups, drift, and the kept past."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from headway.domain.errors import InputError, NotEnoughData
from headway.evaluation.drift import shift
from headway.evaluation.intervals import jeffreys
from headway.evaluation.metrics import at_capacity, reliability
from headway.evaluation.past_reliability import past_reliability
from headway.evaluation.ranges import Comparable
from headway.evaluation.slices import FEWEST, Share, Sliced, listed, slices
from headway.models.model import Floats


def _made(n: int, positives: int, high: int, hits: int) -> tuple[list[float], list[float]]:
    """Labels and risks: `high` learners at 0.8, of whom `hits` came true; the rest at 0.2."""
    labels = [1.0] * hits + [0.0] * (high - hits) + [1.0] * (positives - hits) + [0.0] * (n - high - positives + hits)
    return labels, [0.8] * high + [0.2] * (n - high)


def _value(share: Share | None) -> float:
    assert share is not None
    return share.value


def _ends(share: Share | None) -> tuple[float, float]:
    assert share is not None
    assert share.low is not None
    assert share.high is not None
    return share.low, share.high


def _two_groups() -> Sliced:
    """A: 60 learners, 20 true, 20 on the list, 15 hits. B: 80 learners, 40 true, 20 on the list, 16 hits."""
    a_labels, a_risks = _made(60, 20, 20, 15)
    b_labels, b_risks = _made(80, 40, 20, 16)
    groups = ["A"] * 60 + ["B"] * 80
    learners = np.arange(140).astype(object)
    return slices("place", groups, np.array(a_labels + b_labels), np.array(a_risks + b_risks), learners, capacity=40)


def test_figures_are_those_worked_out_by_hand() -> None:
    a, b = _two_groups().slices
    assert_allclose([_value(a.hit_rate), _value(b.hit_rate)], [15 / 20, 16 / 20])
    assert_allclose([_value(a.miss_rate), _value(b.miss_rate)], [5 / 20, 24 / 40])
    assert_allclose(_value(a.gap), (20 * 0.8 + 40 * 0.2) / 60 - 20 / 60)
    assert_allclose(_value(b.gap), (20 * 0.8 + 60 * 0.2) / 80 - 40 / 80)
    # With A's miss rate B would miss 10 of 40; it misses 24. With B's, A would miss 12 of 20; it misses 5.
    assert [a.more_missed, b.more_missed] == pytest.approx([5 - 12, 24 - 10])


def test_ranges_are_those_of_shares_of_learners() -> None:
    a = _two_groups().slices[0]
    low, high = jeffreys(np.array([15.0]), np.array([20.0]), 0.95)
    assert_allclose(_ends(a.hit_rate), (low[0], high[0]))
    assert_allclose(_ends(a.gap)[0], _value(a.gap) + _value(a.observed) - _ends(a.observed)[1])


def test_nothing_is_told_of_small_groups_nor_of_small_shares() -> None:
    labels, risks = np.tile([1.0, 0.0], 60), np.linspace(0.9, 0.1, 120)
    groups = ["few"] * 9 + ["some"] * 40 + ["many"] * 71
    found = slices("x", groups, labels, risks, np.arange(120).astype(object), capacity=20)
    by_name = {each.group: each for each in found.slices}
    few = by_name["few"]
    assert (few.n, few.observed, few.hit_rate, few.miss_rate, few.gap, few.more_missed) == (None,) * 6
    assert found.suppressed == 1
    some = by_name["some"]
    assert some.n == 40
    assert _value(some.observed) == pytest.approx(0.5)
    assert some.observed is not None
    assert some.observed.low is None, "no range below 50 learners"
    assert by_name["many"].hit_rate is None, "nobody of the large group is on the list: a share of nobody"
    assert _ends(by_name["many"].observed)


@given(st.integers(1, 80), st.integers(0, 90), st.integers(0, 2**32 - 1))
def test_a_list_counts_as_the_metrics_do(n: int, capacity: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    risks, labels = np.round(random.random(n), 1), random.integers(0, 2, n).astype(float)
    on_list = listed(risks, capacity)
    assert_allclose(on_list.sum(), min(n, capacity))
    assert ((on_list >= 0) & (on_list <= 1)).all()
    if min(n, capacity) and 0 < labels.sum() < n:
        assert_allclose((on_list * labels).sum() / on_list.sum(), at_capacity(labels, risks, capacity).precision)


@given(st.integers(0, 2**32 - 1))
def test_no_share_ever_rests_on_fewer_than_ten(seed: int) -> None:
    random = np.random.default_rng(seed)
    n = int(random.integers(2, 150))
    groups: list[str | None] = [str(each) if each else None for each in random.integers(0, 6, n)]
    labels, risks = random.integers(0, 2, n).astype(float), random.random(n)
    found = slices("x", groups, labels, risks, np.arange(n).astype(object), capacity=25)
    assert found.n + found.unknown == n
    for each in (*found.slices, found.everybody):
        assert each.n is None or each.n >= FEWEST
        shares = [each.observed, each.hit_rate, each.miss_rate, each.gap]
        assert all(share.of >= FEWEST for share in shares if share is not None)
        assert each.n is not None or all(share is None for share in shares)


def test_a_learner_with_two_rows_is_refused() -> None:
    both = np.array(["a", "a"], dtype=object)
    with pytest.raises(InputError):
        slices("x", ["A", "A"], np.array([0.0, 1.0]), np.array([0.1, 0.2]), both, capacity=1)


def test_the_same_spread_is_no_shift_and_another_is_one() -> None:
    random = np.random.default_rng(7)
    past = random.beta(2, 5, 2_000)
    same, other = shift(past, random.beta(2, 5, 1_000)), shift(past, random.beta(5, 2, 1_000))
    assert not same.clear
    assert same.psi < 0.03
    assert other.clear
    assert other.psi > 1
    assert_allclose(other.past_mean, past.mean())


def test_a_weight_counts_as_so_many_learners() -> None:
    values, weights = np.array([0.1, 0.4, 0.8]), np.array([30.0, 50.0, 20.0])
    now: Floats = np.linspace(0, 1, 60)
    weighted, spelt_out = shift(values, now, weights), shift(np.repeat(values, [30, 50, 20]), now)
    assert_allclose([weighted.psi, weighted.by_chance], [spelt_out.psi, spelt_out.by_chance])
    assert weighted.of_past == 100


def test_a_shift_is_not_told_of_a_handful() -> None:
    with pytest.raises(NotEnoughData):
        shift(np.linspace(0, 1, 100), np.array([0.5] * 9))


def test_kept_past_learners_give_the_table_of_their_rows() -> None:
    random = np.random.default_rng(3)
    risks = random.random(400)
    labels = (random.random(400) < risks).astype(float)
    told = past_reliability(Comparable.fit(risks, labels))
    expected = reliability(labels, risks, tenths=True)
    assert [each.n for each in told] == [each.n for each in expected]
    assert_allclose([each.observed for each in told], [each.observed for each in expected])
    assert_allclose([each.mean_risk for each in told], [each.mean_risk for each in expected])
