"""How past runs decide what a blend trusts."""

import numpy as np
import pytest
from numpy.typing import NDArray

from headway.domain.errors import InputError
from headway.evaluation.blending import PART, Blend, FittedBlend, Signal, Tried, learned, restored
from headway.evaluation.metrics import auroc, log_loss
from headway.models.logistic import LOGISTIC
from headway.models.model import Matrix
from headway.models.training import sigmoid


def tried(seed: int, transfer: float, in_situ: float, rows: int = 600) -> Tried:
    """A past run in which both parts tell as much of the outcome as their strengths say."""
    random = np.random.default_rng(seed)
    told, shown = random.normal(size=rows), random.normal(size=rows)
    labels = (random.random(rows) < sigmoid(transfer * told + in_situ * shown)).astype(np.float64)
    learners: NDArray[np.object_] = np.array([f"r{seed}-{i}" for i in range(rows)], dtype=object)
    return Tried(sigmoid(told), shown, labels, learners)


def test_it_finds_the_weights_that_made_the_outcomes() -> None:
    found = learned([tried(1, 1.5, 0.8, 4000), tried(2, 1.5, 0.8, 4000)])
    assert found.transfer == pytest.approx(1.5, abs=0.25)
    assert found.in_situ == pytest.approx(0.8, abs=0.25)


@pytest.mark.parametrize(("transfer", "in_situ"), [(1.0, 0.0), (0.0, 1.0), (0.7, 0.7)])
def test_in_a_new_run_it_is_as_good_as_the_better_part(transfer: float, in_situ: float) -> None:
    found = learned([tried(1, transfer, in_situ), tried(2, transfer, in_situ)])
    new = tried(3, transfer, in_situ, 4000)
    blended = auroc(new.labels, found.risks(new.transfer, new.in_situ))
    parts = auroc(new.labels, new.transfer), auroc(new.labels, new.in_situ)
    assert blended > max(parts) - 0.01


def test_what_misled_in_past_runs_gets_no_weight_rather_than_a_negative_one() -> None:
    found = learned([tried(1, 1.0, -1.0), tried(2, 1.0, -1.0)])
    assert found.in_situ == 0.0
    assert found.transfer > 0.5


def test_without_a_past_run_the_transfer_model_stands_alone() -> None:
    one_kind = tried(1, 1.0, 1.0, 50)
    never = Tried(one_kind.transfer, one_kind.in_situ, np.zeros(50), one_kind.learners)
    for past in ([], [never]):
        assert learned(past) == Blend(0.0, 1.0, 0.0)
    risks = np.array([0.1, 0.5, 0.8])
    assert learned([]).risks(risks, np.array([3.0, -3.0, 1.0])) == pytest.approx(risks)


def test_few_rows_move_it_little() -> None:
    few, many = learned([tried(1, 0.0, 2.0, 30)]), learned([tried(1, 0.0, 2.0, 3000)])
    assert few.in_situ < many.in_situ
    assert few.transfer > many.transfer


def test_a_large_run_counts_no_more_than_others() -> None:
    small_ones = [tried(seed, 1.0, 0.0, 200) for seed in range(3)]
    mixed = learned([*small_ones, tried(9, 0.0, 1.0, 20_000)])
    assert mixed.transfer > mixed.in_situ


def test_risks_mean_what_past_runs_showed() -> None:
    past = [tried(seed, 1.2, 0.5) for seed in range(4)]
    found = learned(past)
    new = tried(7, 1.2, 0.5, 4000)
    said = found.risks(new.transfer, new.in_situ)
    assert log_loss(new.labels, said) < log_loss(new.labels, new.transfer)
    assert said.mean() == pytest.approx(new.labels.mean(), abs=0.03)


def test_a_signal_is_told_in_distances_from_its_cohort() -> None:
    cohort = sigmoid(np.array([-3.0, -2.0, -1.0]))
    found = Signal.of(cohort)
    assert found.centre == pytest.approx(-2.0)
    assert found.apply(cohort).mean() == pytest.approx(0.0)
    assert found.apply(cohort).std() == pytest.approx(1.0)
    # Another base rate, the same distances: the same signal.
    other = sigmoid(np.array([0.0, 1.0, 2.0]))
    assert Signal.of(other).apply(other) == pytest.approx(found.apply(cohort))
    flat = np.full(3, 0.4)
    assert Signal.of(flat).apply(flat).tolist() == [0.0, 0.0, 0.0]


def blended(in_situ: float = 0.6) -> tuple[FittedBlend, Matrix]:
    """A blend of two regressions, which look at different columns, and the cohort that it is for."""
    random = np.random.default_rng(5)
    features = Matrix(("a", "b"), random.normal(size=(300, 2)))
    ones = np.ones(300)
    there, here = (
        LOGISTIC.fit(features, (features.column(name) + random.normal(size=300) > 0).astype(np.float64), ones, 1)
        for name in ("a", "b")
    )
    return FittedBlend(there, here, Signal.of(here.risk(features)), Blend(-0.3, 0.8, in_situ)), features


def test_what_each_feature_adds_sums_to_the_blend() -> None:
    made, features = blended()
    base = float(str(made.facts()["base_log_odds"]))
    assert made.risk(features) == pytest.approx(sigmoid(base + made.contributions(features).sum(axis=1)))
    alone = made.there.contributions(features) * 0.8
    assert np.abs(made.contributions(features) - alone)[:, 1].max() > 0.1


def test_a_blend_says_the_same_from_its_state() -> None:
    made, features = blended()
    again = restored(LOGISTIC, made.state())
    assert np.array_equal(again.risk(features), made.risk(features))
    assert again.state() == made.state()
    # A fit that is none stays what it was.
    assert np.array_equal(restored(LOGISTIC, made.there.state()).risk(features), made.there.risk(features))
    with pytest.raises(InputError, match="Train it again"):
        restored(LOGISTIC, {PART: made.state()[PART]})


def test_nobody_is_moved_by_a_running_course_in_which_all_are_alike() -> None:
    made, features = blended()
    flat = FittedBlend(made.there, made.here, Signal(0.2, 0.0), Blend(0.0, 1.0, 2.0))
    assert flat.risk(features) == pytest.approx(made.there.risk(features))
    assert np.array_equal(flat.contributions(features), made.there.contributions(features))
