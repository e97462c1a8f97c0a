"""What holds of the metrics for any labels and risks."""

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from headway.evaluation import metrics
from headway.evaluation.calibration import METHODS, fit
from headway.evaluation.ranges import Comparable
from headway.models.model import Floats

Rows = tuple[Floats, Floats]


def rows(least: int = 1) -> st.SearchStrategy[Rows]:
    """Labels and risks, with many ties."""
    risk = st.one_of(st.sampled_from([0.0, 0.25, 0.5, 1.0]), st.floats(0, 1))
    pair = st.tuples(st.booleans(), risk)
    return st.lists(pair, min_size=least, max_size=40).map(
        lambda pairs: (np.array([float(p[0]) for p in pairs]), np.array([p[1] for p in pairs]))
    )


def both_classes(of: Rows) -> bool:
    return len(np.unique(of[0])) == 2


def same(one: float, other: float) -> bool:
    return math.isclose(one, other, rel_tol=1e-9, abs_tol=1e-12) or (math.isnan(one) and math.isnan(other))


@given(rows(), st.integers(0, 1000), st.integers(0, 45))
def test_the_order_of_rows_never_matters(of: Rows, seed: int, k: int) -> None:
    labels, risks = of
    order = np.random.default_rng(seed).permutation(len(labels))
    for metric in (metrics.auroc, metrics.auprc, metrics.brier, metrics.log_loss, metrics.ece):
        assert same(metric(labels, risks), metric(labels[order], risks[order]))
    one, other = metrics.at_capacity(labels, risks, k), metrics.at_capacity(labels[order], risks[order], k)
    assert same(one.precision, other.precision)
    assert same(one.recall, other.recall)


@given(rows())
def test_auroc_is_the_share_of_pairs_in_order(of: Rows) -> None:
    labels, risks = of
    above = np.subtract.outer(risks[labels == 1], risks[labels == 0])
    found = metrics.auroc(labels, risks)
    assert math.isnan(found) if not above.size else same(found, float((0.5 * (np.sign(above) + 1)).mean()))


@given(rows(2).filter(both_classes))
def test_turning_risks_around_turns_auroc_around(of: Rows) -> None:
    labels, risks = of
    distinct = np.unique(risks, return_inverse=True)[1].astype(np.float64)
    assert same(metrics.auroc(labels, distinct) + metrics.auroc(labels, -distinct), 1.0)
    assert same(metrics.auroc(labels, risks), metrics.auroc(labels, distinct))


@given(rows(), st.integers(1, 20))
def test_metrics_stay_in_their_bounds(of: Rows, bins: int) -> None:
    labels, risks = of
    assert 0 <= metrics.ece(labels, risks, bins) <= 1
    assert abs(labels.mean() - risks.mean()) <= metrics.ece(labels, risks, bins) + 1e-12
    assert 0 <= metrics.brier(labels, risks) <= 1
    found = metrics.auprc(labels, risks)
    assert math.isnan(found) or 0 < found <= 1 + 1e-12


@given(rows(), st.integers(1, 45))
def test_capacity_lies_between_the_luckiest_and_the_unluckiest_order(of: Rows, k: int) -> None:
    labels, risks = of
    flagged = min(k, len(labels))
    best, worst = (labels[np.lexsort((sign * labels, -risks))][:flagged].mean() for sign in (-1, 1))
    found = metrics.at_capacity(labels, risks, k)
    assert worst - 1e-9 <= found.precision <= best + 1e-9
    assert found.flagged == flagged


@given(rows())
def test_the_confusion_matrix_counts_every_row_once(of: Rows) -> None:
    found = metrics.confusion(*of, 0.5)
    counted = found.flagged_positive + found.flagged_negative + found.unflagged_positive + found.unflagged_negative
    assert counted == len(of[0])


@given(rows(2).filter(both_classes), st.sampled_from(sorted(METHODS)))
def test_calibration_never_turns_an_order_around(of: Rows, method: str) -> None:
    found = fit(method, of[1], of[0]).apply(np.linspace(0, 1, 101))
    assert (np.diff(found) >= -1e-12).all()
    assert np.isfinite(found).all()


@given(rows(), st.lists(st.floats(0, 1), max_size=10))
def test_ranges_contain_their_risk(of: Rows, asked: list[float]) -> None:
    risks = np.array(asked)
    span = Comparable.fit(of[1], of[0]).range(risks)
    assert (np.isnan(span.low) | ((span.low <= risks) & (risks <= span.high))).all()
    assert all(reason is not None for reason in span.withheld())
