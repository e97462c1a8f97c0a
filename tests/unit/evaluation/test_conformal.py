"""Conformal sets: their coverage where past and present are alike, and what they leave open."""

import numpy as np
import pytest

from headway.domain.errors import InputError
from headway.evaluation.conformal import plausible, report, sets
from headway.evaluation.ranges import Comparable
from headway.models.model import Floats


def drawn(n: int, seed: int, shift: float = 0.0) -> tuple[Floats, Floats]:
    random = np.random.default_rng(seed)
    labels = (random.random(n) < 0.3).astype(float)
    return 1 / (1 + np.exp(-(random.normal(size=n) + 1.5 * labels - 1 + shift))), labels


def test_p_values_by_hand() -> None:
    past = Comparable.fit(np.array([0.2, 0.4, 0.6, 0.8]), np.array([0.0, 1, 0, 1]))
    positive, negative = plausible(past, np.array([0.1, 0.4, 0.7, 0.8]))
    assert positive == pytest.approx(np.array([1, 2, 2, 3]) / 3)
    assert negative == pytest.approx(np.array([3, 2, 1, 1]) / 3)


@pytest.mark.parametrize("coverage", [0.7, 0.9])
def test_either_side_is_covered_as_asked_on_average(coverage: float) -> None:
    held = []
    for seed in range(60):
        past, labels = drawn(400, seed)
        risks, truth = drawn(400, 1000 + seed)
        found = sets(Comparable.fit(past, labels), risks, coverage)
        held.append([found.positive[truth == 1].mean(), found.negative[truth == 0].mean()])
    assert np.mean(held, axis=0) == pytest.approx([coverage, coverage], abs=0.02)


def test_a_run_unlike_the_past_is_told_by_its_coverage() -> None:
    past, labels = drawn(800, 1)
    risks, truth = drawn(800, 2, shift=-2.0)
    found = report(truth, sets(Comparable.fit(past, labels), risks, 0.8), 0.8)
    covered = found["coverage_positive"]
    assert isinstance(covered, dict)
    assert float(str(covered["high"])) < 0.8


def test_more_coverage_leaves_more_open() -> None:
    past, labels = drawn(800, 1)
    risks, truth = drawn(800, 2)
    early = []
    for coverage in (0.7, 0.8, 0.95):
        found = report(truth, sets(Comparable.fit(past, labels), risks, coverage), coverage)["too_early"]
        assert isinstance(found, dict)
        early.append(float(str(found["value"])))
    assert early == sorted(early)
    assert early[0] < early[-1]


def test_without_a_past_nothing_is_ruled_out() -> None:
    nothing = Comparable.fit(np.zeros(0), np.zeros(0))
    assert not sets(nothing, np.array([0.1, 0.9]), 0.8).told().any()


def test_a_learner_of_many_rows_counts_as_one() -> None:
    who = np.array(["a", "a", "b"], dtype=object)
    past = Comparable.fit(np.array([0.5, 0.5, 0.9]), np.array([1.0, 1, 1]), who)
    positive, _ = plausible(past, np.array([0.6]))
    assert positive == pytest.approx([2 / 3])


@pytest.mark.parametrize("coverage", [0.0, 1.0, 1.5])
def test_a_coverage_that_cannot_be_promised_is_refused(coverage: float) -> None:
    with pytest.raises(InputError, match="coverage"):
        sets(Comparable.fit(np.array([0.5]), np.array([1.0])), np.array([0.5]), coverage)
