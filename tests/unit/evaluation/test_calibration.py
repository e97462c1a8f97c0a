"""Calibrations make risks mean what they say, keep their order, and come back the same."""

import numpy as np
import pytest

from headway.domain.errors import InputError, NotEnoughData, UnknownName
from headway.evaluation import calibration, metrics
from headway.evaluation.calibration import METHODS, Beta, Isotonic, Platt, choose, fit
from headway.models.model import Floats
from headway.models.training import log_odds, sigmoid


def simulated(n: int, seed: int) -> tuple[Floats, Floats]:
    random = np.random.default_rng(seed)
    truth = random.beta(1.2, 2, n)
    return truth, (random.random(n) < truth).astype(np.float64)


TRUTH, LABELS = simulated(4000, 1)
SURE: Floats = sigmoid(2 * log_odds(TRUTH) - 1)
SCALE: Floats = np.linspace(0, 1, 501)


@pytest.mark.parametrize("method", sorted(METHODS))
def test_order_bounds_and_state(method: str) -> None:
    one = fit(method, SURE, LABELS)
    assert one.method == method
    found = one.apply(SCALE)
    assert (np.diff(found) >= 0).all()
    assert ((found >= 0) & (found <= 1)).all()
    again = calibration.restore(calibration.state(one))
    assert np.array_equal(again.apply(SCALE), found)
    assert calibration.state(again) == calibration.state(one)
    assert calibration.state(fit(method, SURE, LABELS)) == calibration.state(one)


@pytest.mark.parametrize("method", ["platt", "beta", "isotonic"])
def test_fresh_risks_become_calibrated_away_from_the_ends(method: str) -> None:
    one = fit(method, SURE, LABELS)
    truth, labels = simulated(4000, 2)
    found = one.apply(sigmoid(2 * log_odds(truth) - 1))
    assert metrics.ece(labels, found) < 0.6 * metrics.ece(labels, sigmoid(2 * log_odds(truth) - 1))
    assert np.abs(found - truth).mean() < 0.03
    assert 0 < one.apply(np.zeros(1))[0] < one.apply(np.ones(1))[0] < 1


def test_platt_undoes_a_line_on_the_log_odds() -> None:
    one = fit("platt", SURE, LABELS)
    assert isinstance(one, Platt)
    assert one.slope == pytest.approx(0.5, abs=0.05)
    assert one.intercept == pytest.approx(0.5, abs=0.08)


def test_weights_count_as_rows() -> None:
    twice = np.concatenate([SURE, SURE[:1000]]), np.concatenate([LABELS, LABELS[:1000]])
    weights = np.ones(4000)
    weights[:1000] = 2
    for method in ("platt", "beta", "isotonic"):
        by_weight, by_row = fit(method, SURE, LABELS, weights), fit(method, *twice)
        assert np.allclose(by_weight.apply(SCALE), by_row.apply(SCALE), atol=1e-6)


@pytest.mark.parametrize("method", ["platt", "beta", "isotonic"])
def test_risks_that_point_the_wrong_way_become_one_share(method: str) -> None:
    found = fit(method, 1 - TRUTH, LABELS).apply(SCALE)
    assert np.ptp(found) < 0.03
    assert found[250] == pytest.approx(LABELS.mean(), abs=0.02)


def test_classes_that_part_stay_finite() -> None:
    risks = np.array([0.0, 0.1, 0.2, 0.8, 0.9, 1.0])
    labels = np.array([0.0, 0.0, 0.0, 1.0, 1.0, 1.0])
    for method in ("platt", "beta", "isotonic"):
        found = fit(method, risks, labels).apply(risks)
        assert ((found > 0) & (found < 1)).all()


def test_beta_bends_where_a_line_cannot() -> None:
    bent = TRUTH**3
    assert isinstance(fit("beta", bent, LABELS), Beta)
    gap = {m: np.abs(fit(m, bent, LABELS).apply(bent) - TRUTH).mean() for m in ("platt", "beta")}
    assert gap["beta"] < 0.7 * gap["platt"]


def test_few_rows_take_platt_or_nothing() -> None:
    risks, labels = SURE[:200], LABELS[:200]
    chosen = choose(risks, labels, np.arange(200), seed=1)
    assert chosen.calibration.method == "platt"
    assert "isotonic" not in chosen.losses
    few = choose(SURE[:15], LABELS[:15], np.arange(15), seed=1)
    assert (few.calibration.method, few.losses) == ("identity", {})


def test_many_rows_take_what_is_clearly_better() -> None:
    steps = np.where(TRUTH > 0.5, 0.6 + TRUTH / 10, TRUTH / 10)
    chosen = choose(steps, LABELS, np.arange(4000), seed=1)
    assert chosen.losses[chosen.calibration.method] < chosen.losses["platt"]
    assert chosen.losses["identity"] > chosen.losses["platt"]
    assert isinstance(fit("isotonic", steps, LABELS), Isotonic)


def test_calibrated_risks_are_left_nearly_alone() -> None:
    found = choose(TRUTH, LABELS, np.arange(4000), seed=1).calibration.apply(SCALE[25:-25])
    assert np.abs(found - SCALE[25:-25]).max() < 0.05


def test_choice_is_seeded_and_keeps_learners_together() -> None:
    """Rows of a learner that agree would make held-out loss look better if they were parted."""
    learners = np.arange(4000) // 20
    first = choose(SURE, LABELS, learners, seed=1)
    again = choose(SURE, LABELS, learners, seed=1)
    assert first.losses == again.losses
    assert calibration.state(first.calibration) == calibration.state(again.calibration)
    copies = np.repeat(np.arange(100), 20)
    risks = np.repeat(np.random.default_rng(3).random(100), 20)
    labels = np.repeat(np.random.default_rng(4).integers(0, 2, 100).astype(np.float64), 20)
    together, parted = choose(risks, labels, copies, seed=1), choose(risks, labels, np.arange(2000), seed=1)
    assert parted.losses["isotonic"] < together.losses["isotonic"] - 0.01


def test_wrong_requests_are_refused() -> None:
    with pytest.raises(UnknownName, match="isotonic"):
        fit("isotone", SURE, LABELS)
    with pytest.raises(NotEnoughData):
        fit("platt", SURE[:5], np.ones(5))
    with pytest.raises(InputError, match=r"\[0, 1\]"):
        fit("platt", SURE * 3, LABELS)
    with pytest.raises(InputError, match=r"\[0, 1\]"):
        fit("platt", SURE, LABELS).apply(np.array([np.nan]))
    with pytest.raises(InputError):
        fit("platt", SURE, LABELS[:3])
    with pytest.raises(InputError):
        choose(SURE, LABELS, np.arange(3), seed=1)
    with pytest.raises(UnknownName):
        calibration.restore({"calibration.json": b'{"method":"plat"}'})
