"""The bootstrap equals drawing rows by hand, draws learners, and covers as often as it says."""

import math

import numpy as np
import pytest
from sklearn import metrics as reference

from headway.domain.errors import InputError, UnknownName
from headway.evaluation import intervals, metrics
from headway.evaluation.intervals import Interval, bootstrap, jeffreys, paired_difference
from headway.evaluation.weighted import KERNELS, Ranked, measure
from headway.models.model import Floats

RANDOM = np.random.default_rng(4)
RISKS: Floats = RANDOM.beta(1, 2, 400)
LABELS: Floats = (RANDOM.random(400) < RISKS).astype(np.float64)
LEARNERS = np.array([f"learner-{i // 2}" for i in range(400)])


@pytest.mark.parametrize("risks", [RISKS, np.round(RISKS, 1)])
def test_a_weight_counts_as_so_many_rows(risks: Floats) -> None:
    ranked = Ranked.of(LABELS, risks, capacity=60)
    times = RANDOM.integers(0, 4, (5, 400))
    found = measure(tuple(KERNELS), ranked, times[:, ranked.order].astype(np.float64))
    for draw in range(5):
        rows = np.repeat(np.arange(400), times[draw])
        labels, drawn = LABELS[rows], risks[rows]
        here = {name: float(values[draw]) for name, values in found.items()}
        assert here["auroc"] == pytest.approx(reference.roc_auc_score(labels, drawn))
        assert here["auprc"] == pytest.approx(reference.average_precision_score(labels, drawn))
        assert here["brier"] == pytest.approx(reference.brier_score_loss(labels, drawn))
        assert here["log_loss"] == pytest.approx(reference.log_loss(labels, np.clip(drawn, 1e-15, 1 - 1e-15)), rel=1e-3)
        assert here["r2"] == pytest.approx(reference.r2_score(labels, drawn))
        assert here["base_rate"] == pytest.approx(labels.mean())
        room = 60 / 400 * len(rows)
        if room == int(room):
            assert here["precision_at_capacity"] == pytest.approx(
                metrics.at_capacity(labels, drawn, int(room)).precision
            )


def test_weights_that_leave_out_a_class_or_the_top_are_survived() -> None:
    ranked = Ranked.of(LABELS, RISKS, capacity=60)
    only = np.vstack([ranked.labels, 1 - ranked.labels, np.arange(400) >= 300]).astype(np.float64)
    found = measure(("auroc", "auprc", "precision_at_capacity", "recall_at_capacity"), ranked, only)
    assert np.isnan(found["auroc"][:2]).all()
    assert np.isnan(found["auprc"][:2]).all()
    assert found["precision_at_capacity"][:2].tolist() == pytest.approx([1.0, 0.0])
    rest = ranked.order[300:]
    assert found["auroc"][2] == pytest.approx(reference.roc_auc_score(LABELS[rest], RISKS[rest]))
    assert found["auprc"][2] == pytest.approx(reference.average_precision_score(LABELS[rest], RISKS[rest]))


def test_the_value_is_the_metric_and_lies_inside() -> None:
    found = bootstrap(("auroc", "auprc", "brier", "lift_at_capacity"), LABELS, RISKS, LEARNERS, seed=1, capacity=40)
    assert found["auroc"].value == metrics.auroc(LABELS, RISKS)
    assert found["brier"].value == metrics.brier(LABELS, RISKS)
    assert found["lift_at_capacity"].value == pytest.approx(metrics.at_capacity(LABELS, RISKS, 40).lift)
    assert all(one.low < one.value < one.high for one in found.values())


def test_the_seed_decides_and_the_order_of_rows_does_not() -> None:
    turned = RANDOM.permutation(400)
    first = bootstrap(("auroc", "ece"), LABELS, RISKS, LEARNERS, seed=1)
    again = bootstrap(("auroc", "ece"), LABELS[turned], RISKS[turned], LEARNERS[turned], seed=1)
    for name, one in first.items():
        assert again[name].as_json() == pytest.approx(one.as_json())
    assert bootstrap(("auroc",), LABELS, RISKS, LEARNERS, seed=2)["auroc"].low != first["auroc"].low


def test_learners_are_drawn_and_not_rows() -> None:
    """Rows repeated within learners carry no news, so the interval by learner is wider than by row."""
    labels, risks, of = np.repeat(LABELS, 9), np.repeat(RISKS, 9), np.repeat(np.arange(400), 9)
    once = bootstrap(("auroc",), LABELS, RISKS, np.arange(400), seed=1)["auroc"]
    by_learner = bootstrap(("auroc",), labels, risks, of, seed=1)["auroc"]
    by_row = bootstrap(("auroc",), labels, risks, np.arange(3600), seed=1)["auroc"]
    assert by_learner.high - by_learner.low == pytest.approx(once.high - once.low, rel=1e-6)
    assert (by_row.high - by_row.low) < 0.5 * (by_learner.high - by_learner.low)


def test_the_interval_covers_about_as_often_as_it_says() -> None:
    random = np.random.default_rng(9)
    inside = 0
    for trial in range(150):
        labels = np.repeat([0.0, 1.0], 60)
        risks = 1 / (1 + np.exp(-random.normal(labels, 1.0)))
        one = bootstrap(("auroc",), labels, risks, np.arange(120), seed=trial, n=200)["auroc"]
        inside += one.low <= 0.76025 <= one.high  # Phi(1 / sqrt 2), the true value
    assert 0.87 < inside / 150 < 0.995


def test_models_are_compared_on_the_same_draws() -> None:
    noisy = np.clip(RISKS + RANDOM.normal(0, 0.02, 400), 0, 1)
    names = ("auroc", "brier")
    same = paired_difference(names, LABELS, RISKS, RISKS, LEARNERS, seed=1)
    assert same["auroc"] == Interval(0.0, 0.0, 0.0)
    paired = paired_difference(names, LABELS, RISKS, noisy, LEARNERS, seed=1)["auroc"]
    alone = bootstrap(names, LABELS, RISKS, LEARNERS, seed=1)["auroc"]
    assert paired.value == pytest.approx(metrics.auroc(LABELS, RISKS) - metrics.auroc(LABELS, noisy))
    assert paired.high - paired.low < 0.5 * (alone.high - alone.low)
    turned = paired_difference(names, LABELS, noisy, RISKS, LEARNERS, seed=1)["auroc"]
    assert turned.low == pytest.approx(-paired.high)
    assert turned.high == pytest.approx(-paired.low)


def test_undefined_is_null_in_json() -> None:
    one = bootstrap(("auroc", "brier"), np.zeros(10), RISKS[:10], np.arange(10), seed=1)
    assert one["auroc"].as_json() == {"value": None, "low": None, "high": None}
    assert one["brier"].as_json()["low"] is not None
    alone = bootstrap(("auroc",), LABELS, RISKS, np.zeros(400), seed=1)["auroc"]
    assert not math.isnan(alone.value)
    assert math.isnan(alone.low)


def test_draws_do_not_depend_on_how_many_are_held_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    first = bootstrap(("auroc", "ece"), LABELS, RISKS, LEARNERS, seed=1)
    monkeypatch.setattr(intervals, "CELLS", 900)
    assert bootstrap(("auroc", "ece"), LABELS, RISKS, LEARNERS, seed=1) == first


def test_wrong_requests_are_refused() -> None:
    with pytest.raises(UnknownName, match="auroc"):
        bootstrap(("auroch",), LABELS, RISKS, LEARNERS, seed=1)
    with pytest.raises(InputError, match="group"):
        bootstrap(("auroc",), LABELS, RISKS, LEARNERS[:3], seed=1)
    with pytest.raises(InputError, match="0 or 1"):
        bootstrap(("auroc",), LABELS * 50, RISKS, LEARNERS, seed=1)
    assert bootstrap(("rmse",), LABELS * 50, RISKS, LEARNERS, seed=1)["rmse"].value > 0


def test_jeffreys_against_published_ends() -> None:
    """Brown, Cai and DasGupta (2001), table 5: n = 10, 95%."""
    low, high = jeffreys(np.array([0.0, 1.0, 5.0, 10.0]), np.full(4, 10.0), 0.95)
    assert low.tolist() == pytest.approx([0.0, 0.011, 0.224, 0.783], abs=0.001)
    assert high.tolist() == pytest.approx([0.217, 0.381, 0.776, 1.0], abs=0.001)
    nothing = jeffreys(np.zeros(1), np.zeros(1), 0.8)
    assert (nothing[0][0], nothing[1][0]) == (0.0, 1.0)


def test_without_draws_there_are_values_and_no_intervals() -> None:
    found = bootstrap(("auroc", "ece"), LABELS, RISKS, LEARNERS, seed=1, n=0)
    drawn = bootstrap(("auroc", "ece"), LABELS, RISKS, LEARNERS, seed=1, n=5)
    assert {name: one.value for name, one in found.items()} == {name: one.value for name, one in drawn.items()}
    assert all(one.as_json()["low"] is None and one.as_json()["high"] is None for one in found.values())
    with pytest.raises(InputError, match="Give a group per row"):
        bootstrap(("auroc",), LABELS, RISKS, LEARNERS[1:], seed=1, n=0)
