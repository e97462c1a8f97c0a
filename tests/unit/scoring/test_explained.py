"""All that is said of one prediction fits together, for models that are sums and for others, with a past or without."""

import json
from dataclasses import dataclass, replace

import numpy as np
import pytest

from headway.domain.errors import InputError
from headway.evaluation.calibration import Identity
from headway.evaluation.ranges import Comparable
from headway.evaluation.risk_model import RiskModel
from headway.explanation.stability import LEAST_STEADY
from headway.models.model import MODELS, Fitted, Floats, Matrix
from headway.scoring import predict as predicting
from headway.scoring.explained import Cohort, Explained, explained
from headway.scoring.predict import MOST_TESTED, Prediction, predict
from tests.support.explaining import Curved, past_of
from tests.unit.scoring.test_scoring import FEATURES, cohort, values


@dataclass(frozen=True)
class Looking(Curved):
    """A model that says where it looked."""

    attends: bool = True

    def attention(self, features: Matrix) -> Floats:
        """All on the last of three steps."""
        return np.tile([0.0, 0.25, 0.75], (len(features), 1))


def model_of(fitted: Fitted) -> RiskModel:
    risks = np.linspace(0, 1, 400)
    labels = (np.random.default_rng(1).random(400) < risks).astype(float)
    return RiskModel("logistic", fitted, Identity(), Comparable.fit(risks, labels), held_out_loss=0.5)


def straight() -> RiskModel:
    past = values(400, seed=2)
    labels = (past[:, 0] + np.random.default_rng(3).normal(0, 3, 400) < 6).astype(float)
    return model_of(MODELS.get("logistic").fit(Matrix(FEATURES, past), labels, np.ones(400), seed=7))


def of(table: np.ndarray, *, past: bool = False) -> Cohort:
    found = Cohort.of(cohort(table), None)
    return replace(found, features=past_of(found.features)) if past else found


def check(found: Explained) -> None:
    """The parts hold together."""
    told = json.loads(json.dumps(found.as_json(), allow_nan=False))
    assert sum(each.share for each in found.domains) == pytest.approx(1)
    for each in found.domains:
        assert all(steady >= LEAST_STEADY for steady in each.steady)
        assert all(reason.domain == each.domain for reason in each.told)
    names = {name for name, _ in found.withheld}
    assert all(found.steady[name] < LEAST_STEADY for name in names)
    assert 0 <= told["lime"]["overlap"] <= 1
    for answer in found.what_if:
        assert answer.then.risk < answer.now.risk


def test_a_sum_is_explained_exactly() -> None:
    model, now = straight(), of(values(60))
    before = of(values(60, seed=9))
    found = explained(model, now, "oulad/003", before)
    check(found)
    assert found.method == "exact"
    assert found.attention is None
    assert found.before is not None
    assert found.changed
    assert found.lime.same_sign >= 0.6


def test_lists_and_explanations_withhold_the_same() -> None:
    model, table = straight(), cohort(values(60))
    assert len(table) <= MOST_TESTED
    said = {each.learner: each for each in predict(model, table)}
    for learner in ("oulad/003", "oulad/010", "oulad/017"):
        found = explained(model, Cohort.of(table, None), learner)
        listed = {reason.feature for reason in said[learner].reasons}
        assert listed <= {reason.feature for each in found.domains for reason in each.told}
        assert all(found.steadiness_of(reason) >= LEAST_STEADY for reason in said[learner].reasons)


def test_a_list_tests_the_reasons_of_the_highest_risks_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    model, table = straight(), cohort(values(60))

    def told(most: int) -> list[Prediction]:
        monkeypatch.setattr(predicting, "MOST_TESTED", most)
        return predict(model, table)

    every, none, some = told(60), told(0), told(20)
    first = set(np.argsort([-(each.risk or 0.0) for each in every], kind="stable")[:20].tolist())
    assert some == [(every if place in first else none)[place] for place in range(60)]
    assert any(each != other for each, other in zip(every, none, strict=True))


def test_a_model_that_is_no_sum_is_sampled_and_says_where_it_looked() -> None:
    fitted = Looking(FEATURES, (-0.3, 0.1, 0.5), meet=0.02, wants_history=True)
    found = explained(model_of(fitted), of(values(40), past=True), "oulad/004")
    check(found)
    assert found.method == "sampled"
    assert found.attention == ((2, 0.0), (1, 0.25), (0, 0.75))
    assert found.before is None
    assert found.changed == ()


def test_who_was_not_enrolled_a_week_before_has_no_changes() -> None:
    now = of(values(60))
    before = now.where([learner != "oulad/003" for learner in now.learners])
    found = explained(straight(), now, "oulad/003", before)
    assert (found.before, found.changed) == (None, ())


def test_what_is_asked_is_answered_instead_of_the_usual() -> None:
    found = explained(straight(), of(values(60)), "oulad/003", ask={"active_days_14d": 9, "earned_share": 0.2})
    assert [(answer.feature, answer.instead) for answer in found.what_if] == [
        ("active_days_14d", 9),
        ("earned_share", 0.2),
    ]


def test_who_is_not_in_the_cohort_is_refused() -> None:
    with pytest.raises(InputError, match="headway list"):
        explained(straight(), of(values(10)), "oulad/nobody")
