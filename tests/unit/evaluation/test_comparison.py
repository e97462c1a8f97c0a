"""Paired differences and ranks over blocks, against figures worked out elsewhere."""

import numpy as np
import pytest

from headway.domain.errors import InputError
from headway.evaluation.comparison import delong, difference, ranked, ranks_of
from headway.evaluation.metrics import auroc

RANDOM = np.random.default_rng(2)
N = 300
LABELS = (RANDOM.random(N) < 0.4).astype(float)
GOOD = LABELS + RANDOM.normal(size=N)
POOR = 0.3 * LABELS + RANDOM.normal(size=N)
WHO = np.array([f"l{n}" for n in range(N)], dtype=object)


def test_a_clear_difference_is_clear_both_ways() -> None:
    found = difference(LABELS, GOOD, POOR, WHO, metric="auroc", seed=1, n=400)
    assert found["value"] == pytest.approx(auroc(LABELS, GOOD) - auroc(LABELS, POOR))
    assert float(str(found["low"])) > 0
    assert float(str(found["p"])) < 0.05
    assert float(str(found["p_delong"])) < 0.05


def test_a_model_is_no_better_than_itself() -> None:
    found = difference(LABELS, GOOD, GOOD, WHO, metric="auroc", seed=1, n=200)
    assert (found["value"], found["low"], found["high"], found["p"], found["p_delong"]) == (0, 0, 0, 1, 1)


def test_delong_agrees_with_the_bootstrap_s_spread() -> None:
    from scipy.stats import norm

    found = difference(LABELS, GOOD, POOR, WHO, metric="auroc", seed=1, n=2000)
    width = (float(str(found["high"])) - float(str(found["low"]))) / (2 * 1.96)
    by_bootstrap = 2 * norm.sf(abs(float(str(found["value"]))) / width)
    assert np.log10(delong(LABELS, GOOD, POOR)) == pytest.approx(np.log10(by_bootstrap), rel=0.15)


def test_delong_keeps_its_level_where_there_is_no_difference() -> None:
    random = np.random.default_rng(9)
    found = []
    for _ in range(300):
        labels = (random.random(120) < 0.4).astype(float)
        one, other = (labels + random.normal(size=120) for _ in range(2))
        found.append(delong(labels, one, other))
    assert 0.02 < np.mean(np.array(found) < 0.05) < 0.09


def test_learners_with_several_rows_get_no_delong() -> None:
    twice = np.array([f"l{n // 2}" for n in range(N)], dtype=object)
    assert difference(LABELS, GOOD, POOR, twice, metric="auroc", seed=1, n=50)["p_delong"] is None


def test_ranks_and_critical_difference_as_in_demsar_s_example() -> None:
    """Demšar (2006), table 6: four classifiers on 14 data sets; chi-squared 9.28, CD 1.25 for k = 4, N = 14 at 5%."""
    table = np.array(
        [
            [0.763, 0.768, 0.771, 0.798],
            [0.599, 0.591, 0.590, 0.569],
            [0.954, 0.971, 0.968, 0.967],
            [0.628, 0.661, 0.654, 0.657],
            [0.882, 0.888, 0.886, 0.898],
            [0.936, 0.931, 0.916, 0.931],
            [0.661, 0.668, 0.609, 0.685],
            [0.583, 0.583, 0.563, 0.625],
            [0.775, 0.838, 0.866, 0.875],
            [1.000, 1.000, 1.000, 1.000],
            [0.940, 0.962, 0.965, 0.962],
            [0.619, 0.666, 0.614, 0.669],
            [0.972, 0.981, 0.9751, 0.975],
            [0.957, 0.978, 0.946, 0.970],
        ]
    )
    found = ranked(table, ["C4.5", "C4.5+m", "C4.5+cf", "C4.5+m+cf"], "auroc", runs=14)
    by_name = dict(zip(found.models, found.ranks, strict=True))
    assert by_name == pytest.approx({"C4.5": 3.143, "C4.5+m": 2.0, "C4.5+cf": 2.893, "C4.5+m+cf": 1.964}, abs=0.001)
    assert found.critical_difference == pytest.approx(1.25, abs=0.005)
    assert found.p < 0.05
    assert "C4.5+m+cf" in found.sentence()
    assert "too small" not in found.sentence()


def test_less_is_better_for_losses() -> None:
    scores = np.tile([0.1, 0.2, 0.3], (6, 1))
    assert ranked(scores, ["a", "b", "c"], "brier", 6).models[0] == "a"
    assert ranked(scores, ["a", "b", "c"], "auroc", 2).models[0] == "c"
    assert "too small" in ranked(scores, ["a", "b", "c"], "auroc", 2).sentence()


def test_models_that_never_differ_have_no_ranking() -> None:
    found = ranked(np.full((5, 3), 0.5), ["a", "b", "c"], "auroc", 5)
    assert (found.statistic, found.p) == (0.0, 1.0)


def test_too_few_blocks_are_refused() -> None:
    with pytest.raises(InputError, match="at least 3 models"):
        ranked(np.zeros((4, 3)), ["a", "b", "c"], "auroc", 4)


def test_ranks_of_rows_leave_out_blocks_with_gaps() -> None:
    rows = [
        {
            "protocol": "honest",
            "paradigm": "transfer",
            "test": "s/c/1",
            "day": day,
            "model": model,
            "auroc": {"value": v},
        }
        for day in range(6)
        for model, v in (("a", 0.9), ("b", 0.8), ("c", None if day == 0 else 0.7))
    ]
    [(protocol, paradigm, found)] = ranks_of(rows)
    assert (protocol, paradigm, found.blocks, found.runs) == ("honest", "transfer", 5, 1)
    assert ranks_of(rows[:12]) == []
