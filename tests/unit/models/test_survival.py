"""Hazards of the coming weeks: what is planted is found, in both ways to learn."""

import numpy as np
import pytest

from headway.domain.errors import InputError, NotEnoughData
from headway.models import survival, survival_boosting
from headway.models.model import Floats, Matrix
from headway.models.survival import FittedDurations, fit_durations, leaves_within, still_there, weeks_of
from headway.models.survival_boosting import grow_durations

NAMES = ("known", "noise", "other")
WEEKS = 12


def learners(n: int, seed: int) -> tuple[Matrix, Floats, Floats, Floats]:
    """Learners with a hazard that rises with `known` and with the weeks; some are lost at random; the true chances."""
    random = np.random.default_rng(seed)
    values = random.normal(size=(n, 3))
    week = np.arange(WEEKS)
    hazard = 1 - np.exp(-np.exp(-3.0 + 0.06 * week + 0.9 * values[:, [0]]))
    left = random.random((n, WEEKS)) < hazard
    first = np.where(left.any(axis=1), left.argmax(axis=1) + 1, WEEKS + 1)
    lost = random.integers(2, WEEKS + 6, n)
    seen = (first <= np.minimum(lost, WEEKS)).astype(np.float64)
    weeks = np.where(seen == 1, first, np.minimum(lost, WEEKS)).astype(np.float64)
    return Matrix(NAMES, values), weeks, seen, hazard


FEATURES, AT_RISK, SEEN, _ = learners(3000, seed=1)
FRESH, _, _, TRUTH = learners(500, seed=2)


@pytest.fixture(scope="module", params=["linear", "trees"])
def fitted(request: pytest.FixtureRequest) -> FittedDurations:
    if request.param == "linear":
        return fit_durations(FEATURES, AT_RISK, SEEN, np.ones(3000), survival.Parameters(0.005, 0.05))
    return grow_durations(FEATURES, AT_RISK, SEEN, np.ones(3000), seed=7)


def test_the_hazard_that_was_planted_is_found(fitted: FittedDurations) -> None:
    found = fitted.hazards(FRESH, WEEKS)
    assert found.shape == (500, WEEKS)
    assert ((found >= 0) & (found <= 1)).all()
    assert np.abs(found.mean(axis=0) - TRUTH.mean(axis=0)).max() < 0.04
    assert np.corrcoef(np.log(found[:, 2]), np.log(TRUTH[:, 2]))[0, 1] > 0.9
    assert abs(float(leaves_within(fitted, FRESH, 8).mean()) - (1 - np.prod(1 - TRUTH[:, :8], axis=1)).mean()) < 0.03


def test_it_never_comes_back_and_later_weeks_are_as_the_last(fitted: FittedDurations) -> None:
    kept = still_there(fitted.hazards(FRESH, WEEKS + 8))
    assert (np.diff(kept, axis=1) <= 0).all()
    assert np.array_equal(fitted.hazards(FRESH, WEEKS + 8)[:, :WEEKS], fitted.hazards(FRESH, WEEKS))
    with pytest.raises(InputError, match="at least one"):
        fitted.hazards(FRESH, 0)


def test_who_was_lost_counts_for_the_weeks_that_were_seen() -> None:
    """Half of the learners lost halfway change no chance; taken for leavers they would."""
    random = np.random.default_rng(0)
    cut = random.random(3000) < 0.5
    weeks = np.where(cut, np.minimum(AT_RISK, 4), AT_RISK)
    seen = np.where(cut & (AT_RISK > 4), 0.0, SEEN)
    whole = fit_durations(FEATURES, AT_RISK, SEEN, np.ones(3000))
    part = fit_durations(FEATURES, weeks, seen, np.ones(3000))
    assert np.abs(whole.hazards(FRESH, 8) - part.hazards(FRESH, 8)).mean() < 0.02


@pytest.mark.parametrize("seed", [1, 2])
def test_the_same_rows_give_the_same_bytes_and_come_back(seed: int) -> None:
    features, weeks, seen, _ = learners(400, seed)
    linear = fit_durations(features, weeks, seen, np.ones(400))
    assert linear.state() == fit_durations(features, weeks, seen, np.full(400, 2.0)).state()
    assert np.array_equal(survival.restored(linear.state()).hazards(FRESH, 5), linear.hazards(FRESH, 5))
    trees = grow_durations(features, weeks, seen, np.ones(400), seed)
    assert np.array_equal(survival_boosting.restored(trees.state()).hazards(FRESH, 5), trees.hazards(FRESH, 5))
    with pytest.raises(InputError, match="Train it again"):
        survival_boosting.restored({})


def test_with_one_week_it_is_the_risk_model() -> None:
    """The same rows as a window's label and as a single interval give the same chances."""
    label = ((AT_RISK == 1) & (SEEN == 1)).astype(np.float64)
    as_risk = survival.SURVIVAL.fit(FEATURES, label, np.ones(3000), seed=1)
    as_week = fit_durations(FEATURES, np.ones(3000), label, np.ones(3000), survival.Survival().parameters)
    assert np.allclose(as_risk.risk(FRESH), leaves_within(as_week, FRESH, 1), rtol=0, atol=1e-12)
    assert abs(float(as_risk.risk(FEATURES).mean() - label.mean())) < 0.005


def test_days_become_weeks_at_risk() -> None:
    days = np.array([0.0, 1, 7, 8, 0, 6, 7, 13])
    seen = np.array([1.0, 1, 1, 1, 0, 0, 0, 0])
    assert weeks_of(days, seen).tolist() == [1, 1, 1, 2, 0, 0, 1, 1]


def test_what_cannot_be_learned_from_is_refused() -> None:
    with pytest.raises(NotEnoughData):
        fit_durations(FEATURES, AT_RISK, np.zeros(3000), np.ones(3000))
    with pytest.raises(InputError, match="whole numbers"):
        fit_durations(FEATURES, AT_RISK + 0.5, SEEN, np.ones(3000))
    flat = Matrix(("a",), np.ones((3000, 1)))
    with pytest.raises(NotEnoughData, match="No feature varies"):
        fit_durations(flat, AT_RISK, SEEN, np.ones(3000))
