"""Calibrating for a run that was not learned from: whole runs left out, and moderation."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headway.evaluation import calibration as calibrations
from headway.evaluation import new_run, risk_model
from headway.evaluation.calibration import Identity, Isotonic, Moderated, Platt
from headway.evaluation.metrics import log_loss
from headway.evaluation.new_run import for_a_new_run, held_out_by_run, run_folds
from headway.evaluation.risk_model import fit
from headway.evaluation.rows import Rows, joined
from headway.models.model import Floats
from tests.unit.evaluation.test_risk_model import LOGISTIC, ROWS, rows_of

RISKS = st.lists(st.floats(0.0, 1.0), min_size=2, max_size=20)


@given(RISKS, st.floats(0.0, 2.0), st.floats(0.0, 2.0))
def test_moderation_keeps_order_and_moves_towards_even_odds(risks: list[float], offset: float, slope: float) -> None:
    given_risks = np.sort(np.array(risks))
    found = Moderated((Identity(),), offset, slope).apply(given_risks)
    assert (np.diff(found) >= 0).all()
    assert (np.abs(found - 0.5) <= np.abs(given_risks - 0.5) + 1e-9).all()


def test_no_spread_changes_nothing_and_parts_are_averaged_on_the_log_odds() -> None:
    risks = np.array([0.1, 0.5, 0.9])
    assert Moderated((Identity(),), 0, 0).apply(risks) == pytest.approx(risks)
    both = Moderated((Platt(1.0, 1.0), Platt(1.0, -1.0)), 0, 0)
    assert both.apply(risks) == pytest.approx(risks)


def test_it_comes_back_the_same_bits() -> None:
    parts = (Platt(0.7, -0.2), Isotonic(np.array([0.1, 0.9]), np.array([0.2, 0.8])))
    kept = calibrations.state(Moderated(parts, 0.5, 0.4))
    risks = np.linspace(0, 1, 50)
    assert np.array_equal(calibrations.restore(kept).apply(risks), Moderated(parts, 0.5, 0.4).apply(risks))


def test_averaging_over_offset_and_slope_by_hand_gives_the_same() -> None:
    random = np.random.default_rng(1)
    offset, slope = 0.5 * random.normal(size=200_000), 1 + 0.5 * random.normal(size=200_000)
    for risk in (0.6, 0.8, 0.9):
        z = np.log(risk / (1 - risk))
        exact = float((1 / (1 + np.exp(-(offset + slope * z)))).mean())
        assert Moderated((Identity(),), 0.5, 0.5).apply(np.array([risk]))[0] == pytest.approx(exact, abs=0.015)


def test_run_folds_hold_whole_runs() -> None:
    rows = rows_of({f"s/c/{n}": [7] for n in range(5)})
    fold = run_folds(rows)
    assert set(fold) == {0, 1, 2}
    assert all(len(set(fold[rows.runs == run])) == 1 for run in set(rows.runs))


def test_a_run_s_risks_come_from_fits_without_it_and_its_learners() -> None:
    met: list[tuple[Rows, Rows]] = []

    def tell(rest: Rows, out: Rows) -> Floats:
        met.append((rest, out))
        return np.full(len(out), 0.5)

    risks = held_out_by_run(ROWS, tell)
    assert not np.isnan(risks).any()
    for rest, out in met:
        assert not set(rest.runs) & set(out.runs)
        assert not set(rest.learners) & set(out.learners)


def test_one_past_run_gives_moderation_alone() -> None:
    rows = rows_of({"s/c/1": [7, 14]})
    risks = held_out_by_run(rows, lambda rest, out: np.full(len(out), 0.5))
    assert np.isnan(risks).all()
    found = for_a_new_run(Identity(), rows, risks)
    assert isinstance(found, Moderated)
    assert found.parts == (Identity(),)


def test_the_run_that_was_learned_from_is_not_moderated() -> None:
    assert fit(LOGISTIC, ROWS, course="s/c", day=14, seed=1).calibration.method == "moderated"
    assert fit(LOGISTIC, ROWS, course="s/c", day=14, seed=1, run="s/c/2").calibration.method != "moderated"


def spreads(past: Rows, course: str) -> tuple[float, float, int]:
    found = fit(LOGISTIC, past, course=course, day=14, seed=1).calibration
    assert isinstance(found, Moderated)
    return found.offset_sd, found.slope_sd, len(found.parts)


def test_a_course_with_enough_of_a_past_is_calibrated_by_it_alone_and_moderated_less() -> None:
    past = rows_of({"s/c/1": [14], "s/c/2": [14], "s/d/1": [14]}, learners=120)
    assert spreads(past, "s/c") == (new_run.COURSE_OFFSET_SD, new_run.COURSE_SLOPE_SD, 1)
    assert spreads(past, "s/x") == (new_run.OFFSET_SD, new_run.SLOPE_SD, 2)
    small = rows_of({"s/c/1": [14], "s/d/1": [14], "s/d/2": [14]})
    assert 10 < small.labels[small.runs == "s/c/1"].sum() < risk_model.ENOUGH_OF_A_CLASS
    assert spreads(small, "s/c") == (new_run.OFFSET_SD, new_run.SLOPE_SD, 2)


def test_whole_runs_are_left_out_only_where_the_calibration_asks_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def counted(rows: Rows, tell: Callable[[Rows, Rows], Floats]) -> Floats:
        asked.append(len(rows))
        return held_out_by_run(rows, tell)

    monkeypatch.setattr(risk_model, "held_out_by_run", counted)
    past = rows_of({"s/c/1": [14], "s/c/2": [14], "s/d/1": [14]}, learners=120)
    fit(LOGISTIC, past, course="s/c", day=14, seed=1)
    assert not asked
    fit(LOGISTIC, past, course="s/x", day=14, seed=1)
    assert asked


def test_where_a_course_s_own_runs_keep_to_a_base_rate_of_their_own_the_next_one_is_told_by_them() -> None:
    """Other courses lose far more learners than this one, and no feature says which course it is."""
    gaps = []
    for seed in range(5):
        own = rows_of({"s/c/1": [14], "s/c/2": [14]}, learners=250, share=0.2, seed=seed)
        others = rows_of({"s/d/1": [14], "s/e/1": [14]}, learners=250, share=0.7, seed=seed + 50)
        next_run = rows_of({"s/c/3": [14]}, learners=2000, share=0.2, seed=seed + 100)
        model = fit(LOGISTIC, joined([own, others]), course="s/c", day=14, seed=1)
        gaps.append(float(model.predict(next_run.features).risks.mean()) - 0.2)
    assert abs(np.mean(gaps)) < 0.04


def test_where_runs_differ_it_loses_less_on_the_next_run() -> None:
    """Runs whose one feature means more or less in each: what held-out learners of past runs cannot show."""
    gains = []
    for seed in range(6):
        random = np.random.default_rng(seed)
        runs = {f"s/c/{n}": float(1.5 + random.normal()) for n in range(4)}
        parts = [
            rows_of({run: [14]}, signal=strength, seed=100 * seed + n) for n, (run, strength) in enumerate(runs.items())
        ]
        past, new = joined(parts[:3]), parts[3]
        own = fit(LOGISTIC, past, course="s/c", day=14, seed=1, run="s/c/2")
        moderated = fit(LOGISTIC, past, course="s/c", day=14, seed=1)
        gains.append(
            log_loss(new.labels, own.predict(new.features).risks)
            - log_loss(new.labels, moderated.predict(new.features).risks)
        )
    assert np.mean(gains) > 0.005
