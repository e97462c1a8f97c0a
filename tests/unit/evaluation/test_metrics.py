"""Each metric against scikit-learn or a count by hand."""

import math

import numpy as np
import pytest
from sklearn import metrics as reference

from headway.domain.errors import InputError
from headway.evaluation import metrics
from headway.models.model import Floats

RANDOM = np.random.default_rng(3)
RISKS: Floats = RANDOM.beta(1, 2, 900)
LABELS: Floats = (RANDOM.random(900) < RISKS).astype(np.float64)
TIED: Floats = np.round(RISKS, 1)


@pytest.mark.parametrize("risks", [RISKS, TIED, np.full(900, 0.3)])
def test_ranking_agrees_with_scikit_learn(risks: Floats) -> None:
    assert metrics.auroc(LABELS, risks) == pytest.approx(reference.roc_auc_score(LABELS, risks), abs=1e-12)
    assert metrics.auprc(LABELS, risks) == pytest.approx(reference.average_precision_score(LABELS, risks), abs=1e-12)


@pytest.mark.parametrize("risks", [RISKS, TIED])
def test_losses_agree_with_scikit_learn(risks: Floats) -> None:
    assert metrics.brier(LABELS, risks) == pytest.approx(reference.brier_score_loss(LABELS, risks), abs=1e-12)
    assert metrics.log_loss(LABELS, risks) == pytest.approx(reference.log_loss(LABELS, risks), rel=1e-9)


def test_numbers_agree_with_scikit_learn() -> None:
    values, predicted = RANDOM.normal(50, 10, 200), RANDOM.normal(50, 10, 200)
    assert metrics.mae(values, predicted) == pytest.approx(reference.mean_absolute_error(values, predicted))
    assert metrics.mse(values, predicted) == pytest.approx(reference.mean_squared_error(values, predicted))
    assert metrics.rmse(values, predicted) == pytest.approx(reference.root_mean_squared_error(values, predicted))
    assert metrics.r2(values, predicted) == pytest.approx(reference.r2_score(values, predicted))
    assert math.isnan(metrics.r2(np.full(3, 5.0), np.array([4.0, 5.0, 6.0])))


def test_one_class_leaves_ranking_undefined_and_losses_defined() -> None:
    for label in (0.0, 1.0):
        labels = np.full(5, label)
        assert math.isnan(metrics.auroc(labels, RISKS[:5]))
        assert math.isnan(metrics.auprc(labels, RISKS[:5]))
        assert metrics.brier(labels, RISKS[:5]) >= 0
    assert math.isnan(metrics.at_capacity(np.zeros(5), RISKS[:5], 2).recall)
    assert metrics.at_capacity(np.zeros(5), RISKS[:5], 2).precision == 0


def test_calibration_error_by_hand() -> None:
    risks = np.array([0.1, 0.2, 0.3, 0.4, 0.8, 0.9])
    labels = np.array([0.0, 1.0, 0.0, 0.0, 1.0, 1.0])
    by_hand = (2 * abs(0.5 - 0.15) + 2 * abs(0 - 0.35) + 2 * abs(1 - 0.85)) / 6
    assert metrics.ece(labels, risks, bins=3) == pytest.approx(by_hand)
    assert metrics.ece(labels, np.full(6, 0.25)) == pytest.approx(0.25)


def test_calibration_error_has_bins_of_equal_mass() -> None:
    order = np.argsort(RISKS)
    parts = [np.abs((LABELS - RISKS)[part].sum()) for part in np.array_split(order, 15)]
    assert metrics.ece(LABELS, RISKS) == pytest.approx(sum(parts) / 900)


def test_the_floor_is_what_a_perfect_model_shows() -> None:
    floor = metrics.expected_ece(RISKS, seed=1)
    seen = [metrics.ece((RANDOM.random(900) < RISKS).astype(np.float64), RISKS) for _ in range(100)]
    assert floor.mean == pytest.approx(np.mean(seen), rel=0.1)
    assert floor.high == pytest.approx(np.quantile(seen, 0.95), rel=0.15)
    assert metrics.expected_ece(RISKS[:90], seed=1).mean > 2 * floor.mean
    assert metrics.expected_ece(RISKS, seed=1) == floor


def test_confusion_by_hand_and_its_shares() -> None:
    found = metrics.confusion(np.array([1.0, 0.0, 1.0, 0.0, 0.0]), np.array([0.9, 0.5, 0.4, 0.2, 0.1]), 0.5)
    assert found == metrics.Confusion(1, 1, 1, 2)
    assert (found.precision, found.recall, found.f1) == (0.5, 0.5, 0.5)
    assert found.specificity == pytest.approx(2 / 3)
    assert math.isnan(metrics.confusion(np.zeros(2), np.zeros(2), 0.5).precision)


def test_capacity_by_hand() -> None:
    found = metrics.at_capacity(np.array([1.0, 0.0, 1.0, 0.0, 0.0]), np.array([0.9, 0.8, 0.7, 0.2, 0.1]), 2)
    assert (found.flagged, found.threshold, found.precision, found.recall) == (2, 0.8, 0.5, 0.5)
    assert found.f1 == pytest.approx(0.5)
    assert found.lift == pytest.approx(0.5 / 0.4)


def test_ties_at_the_cut_count_in_expectation() -> None:
    labels = np.array([1.0, 1.0, 0.0, 0.0, 0.0])
    risks = np.array([0.9, 0.5, 0.5, 0.5, 0.1])
    found = metrics.at_capacity(labels, risks, 2)
    assert found.precision == pytest.approx((1 + 1 / 3) / 2)
    assert found.recall == pytest.approx((1 + 1 / 3) / 2)
    assert found.threshold == 0.5
    everyone = metrics.at_capacity(labels, np.full(5, 0.2), 3)
    assert everyone.precision == pytest.approx(0.4)
    assert everyone.lift == pytest.approx(1.0)


def test_capacity_at_its_ends() -> None:
    everyone = metrics.at_capacity(LABELS, RISKS, 5000)
    assert everyone.flagged == 900
    assert everyone.recall == pytest.approx(1.0)
    assert everyone.lift == pytest.approx(1.0)
    nobody = metrics.at_capacity(LABELS, RISKS, 0)
    assert (nobody.flagged, nobody.recall) == (0, 0.0)
    assert math.isnan(nobody.precision)
    assert math.isnan(nobody.threshold)


def test_gain_curve_passes_through_what_capacity_finds() -> None:
    for risks in (RISKS, TIED):
        curve = metrics.gain_curve(LABELS, risks, points=11)
        for at, found, lift in zip(curve.contacted[1:], curve.found[1:], curve.lift[1:], strict=True):
            here = metrics.at_capacity(LABELS, risks, round(900 * float(at)))
            assert (found, lift) == (pytest.approx(here.recall), pytest.approx(here.lift))
    assert math.isnan(curve.lift[0])
    assert np.isnan(metrics.gain_curve(np.zeros(4), RISKS[:4]).found).all()


def test_cheapest_threshold_is_the_cheapest_of_all() -> None:
    for miss, contact in ((5.0, 1.0), (2.0, 1.0), (1.0, 0.0), (0.0, 1.0)):
        best = metrics.cost_optimal(LABELS, TIED, cost_miss=miss, cost_contact=contact)
        costs = []
        for threshold in [*np.unique(TIED), 2.0]:
            flagged = threshold <= TIED
            costs.append(miss * LABELS[~flagged].sum() + contact * flagged.sum())
        assert best.cost == pytest.approx(min(costs))
        flagged = best.threshold <= TIED
        assert best.flagged == flagged.sum()
        assert best.cost == pytest.approx(miss * LABELS[~flagged].sum() + contact * flagged.sum())
    assert metrics.cost_optimal(LABELS, RISKS, cost_miss=0.0, cost_contact=1.0).flagged == 0
    with pytest.raises(InputError, match="negative"):
        metrics.cost_optimal(LABELS, RISKS, cost_miss=-1.0, cost_contact=1.0)


def test_cheapest_threshold_of_calibrated_risks_is_the_ratio_of_costs() -> None:
    risks = np.random.default_rng(1).beta(1, 2, 60_000)
    labels = (np.random.default_rng(2).random(60_000) < risks).astype(np.float64)
    assert metrics.cost_optimal(labels, risks, cost_miss=4.0, cost_contact=1.0).threshold == pytest.approx(
        0.25, abs=0.05
    )


def test_reliability_covers_all_rows_in_rising_order() -> None:
    table = metrics.reliability(LABELS, RISKS)
    assert [row.n for row in table] == [90] * 10
    assert [row.mean_risk for row in table] == sorted(row.mean_risk for row in table)
    assert sum(row.n * row.observed for row in table) == pytest.approx(LABELS.sum())
    assert all(row.low <= row.observed <= row.high for row in table)
    total = sum(row.n * abs(row.observed - row.mean_risk) for row in table)
    assert total / 900 == pytest.approx(metrics.ece(LABELS, RISKS, bins=10))


def test_reliability_in_tenths_leaves_out_empty_ones() -> None:
    table = metrics.reliability(np.array([0.0, 1.0, 1.0]), np.array([0.05, 0.95, 1.0]), tenths=True)
    assert [(row.n, row.observed) for row in table] == [(1, 0.0), (2, 1.0)]


@pytest.mark.parametrize(
    ("labels", "risks"),
    [
        (np.array([0.0, 2.0]), np.array([0.1, 0.2])),
        (np.array([0.0]), np.array([0.1, 0.2])),
        (np.array([0.0, np.nan]), np.array([0.1, 0.2])),
        (np.array([0.0, 1.0]), np.array([0.1, np.nan])),
        (np.zeros(0), np.zeros(0)),
    ],
)
def test_unusable_rows_are_refused(labels: Floats, risks: Floats) -> None:
    for metric in (metrics.auroc, metrics.brier, metrics.ece):
        with pytest.raises(InputError):
            metric(labels, risks)
    with pytest.raises(InputError):
        metrics.at_capacity(labels, risks, 1)
