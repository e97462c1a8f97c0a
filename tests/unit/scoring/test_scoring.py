"""Predictions with ranges and reasons, kept once and read back the same."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from headway.domain.errors import InputError
from headway.domain.time import AsOf
from headway.evaluation.calibration import Identity
from headway.evaluation.ranges import Comparable
from headway.evaluation.risk_model import RiskModel
from headway.features.as_of import FeatureTable
from headway.features.views import view_with
from headway.models.model import MODELS, Matrix
from headway.scoring import kept
from headway.scoring.kept import ScoreRun, score_run_id
from headway.scoring.predict import Prediction, medians, predict
from headway.store.database import Store

AS_OF = AsOf.at("2014-11-26")
FEATURES = ("active_days_14d", "days_since_last_activity", "earned_share")


def values(rows: int, seed: int = 1) -> np.ndarray:
    random = np.random.default_rng(seed)
    active = random.integers(0, 15, rows).astype(float)
    return np.column_stack([active, np.where(active == 0, np.nan, 14 - active), random.random(rows)])


@pytest.fixture(scope="module")
def model() -> RiskModel:
    """A small logistic model, with 400 past learners to compare with."""
    past = values(400, seed=2)
    labels = (past[:, 0] + np.random.default_rng(3).normal(0, 3, 400) < 6).astype(float)
    logistic = MODELS.get("logistic")
    fitted = logistic.fit(Matrix(FEATURES, past), labels, np.ones(400), seed=7)
    risks = fitted.risk(Matrix(FEATURES, past))
    return RiskModel("logistic", fitted, Identity(), Comparable.fit(risks, labels), held_out_loss=0.5)


def cohort(found: np.ndarray) -> FeatureTable:
    view = view_with("three", FEATURES)
    rows = len(found)
    columns = {
        "run": ["oulad/AAA/2014J"] * rows,
        "learner": [f"oulad/{i:03}" for i in range(rows)],
        "as_of": [AS_OF.instant] * rows,
        "course_day": [56] * rows,
    }
    return FeatureTable(view, pa.table(columns | dict(zip(FEATURES, found.T, strict=True))))


def test_everyone_gets_a_risk_inside_its_range_and_reasons(model: RiskModel) -> None:
    said = predict(model, cohort(values(50)))

    assert [each.learner for each in said] == [f"oulad/{i:03}" for i in range(50)]
    for each in said:
        assert each.status == "scored"
        assert each.risk is not None
        assert each.low is not None
        assert each.high is not None
        assert 0 <= each.low <= each.risk <= each.high <= 1
        assert each.comparable >= 50
    # Who is in the middle of all may have no reason that a small difference would not turn round.
    assert sum(bool(each.reasons) for each in said) >= 40


def test_days_since_the_last_visit_come_along_and_may_be_absent(model: RiskModel) -> None:
    found = np.array([[3.0, 11.0, 0.5], [0.0, np.nan, 0.5]])

    assert [each.days_since_visit for each in predict(model, cohort(found))] == [11, None]


def test_the_hash_follows_the_values_and_nothing_else(model: RiskModel) -> None:
    found = np.array([[3.0, 11.0, 0.5], [3.0, 11.0, 0.5], [3.0, 11.0, 0.6]])
    first, same, other = (each.features_hash for each in predict(model, cohort(found)))

    assert first == same != other


def test_with_few_past_learners_it_is_too_early(model: RiskModel) -> None:
    few = Comparable.fit(np.array([i / 25 for i in range(20)]), np.array([float(i % 2) for i in range(20)]))
    said = predict(RiskModel("logistic", model.fitted, Identity(), few, 0.5), cohort(values(5)))

    assert {each.status for each in said} == {"too_early"}
    assert all(each.risk is None and each.why_too_early and "Too early to say" in each.why_too_early for each in said)


def test_a_model_restored_from_its_state_says_the_same(model: RiskModel) -> None:
    again = RiskModel.restore(model.state())

    assert predict(again, cohort(values(20))) == predict(model, cohort(values(20)))


def test_medians_leave_out_what_is_absent() -> None:
    found = medians(Matrix(("a", "b"), np.array([[1.0, np.nan], [3.0, np.nan], [np.nan, np.nan]])))

    assert found[0] == 2.0
    assert np.isnan(found[1])


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store.open(f"sqlite:///{tmp_path}/headway.db")
    opened.migrate()
    yield opened
    opened.close()


def score_run(said: list[Prediction], model_version: str = "m/1", minute: int = 0) -> ScoreRun:
    return ScoreRun(
        id=score_run_id(model_version, "oulad/AAA/2014J", AS_OF),
        model_version=model_version,
        run="oulad/AAA/2014J",
        as_of=AS_OF,
        scored_at=datetime(2014, 11, 27, 8, minute, tzinfo=UTC),
        snapshot="s",
        view_hash="v",
        learners=len(said),
        too_early=0,
        facts={"label": "does_not_finish", "day": 56},
    )


def test_what_was_kept_is_read_back_the_same(store: Store, model: RiskModel) -> None:
    said = predict(model, cohort(values(30)))
    made = score_run(said)
    with store.begin() as connection:
        kept.write(connection, made, said)

    with store.read() as connection:
        assert kept.find(connection, made.run, AS_OF) == made
        assert kept.predictions_of(connection, made) == said
        assert kept.predictions_of(connection, made, [said[3].learner]) == [said[3]]


def test_of_several_models_the_newest_score_run_counts(store: Store, model: RiskModel) -> None:
    said = predict(model, cohort(values(3)))
    with store.begin() as connection:
        for minute, version in enumerate(["m/1", "m/2"]):
            kept.write(connection, score_run(said, version, minute), said)

    with store.read() as connection:
        newest = kept.find(connection, "oulad/AAA/2014J", AS_OF)
        named = kept.find(connection, "oulad/AAA/2014J", AS_OF, "m/1")
        assert newest is not None
        assert named is not None
        assert (newest.model_version, named.model_version) == ("m/2", "m/1")
        assert kept.find(connection, "oulad/AAA/2014J", AsOf.at("2014-11-25")) is None


def test_a_learner_who_was_not_enrolled_is_an_error_that_says_so(store: Store, model: RiskModel) -> None:
    said = predict(model, cohort(values(3)))
    with store.begin() as connection:
        kept.write(connection, score_run(said), said)

    with store.read() as connection, pytest.raises(InputError, match="oulad/999 was not enrolled"):
        kept.predictions_of(connection, score_run(said), ["oulad/999"])


def test_erasing_a_learner_leaves_the_others(store: Store, model: RiskModel) -> None:
    said = predict(model, cohort(values(3)))
    with store.begin() as connection:
        kept.write(connection, score_run(said), said)
        assert kept.erase(connection, said[0].learner) == 1

    with store.read() as connection:
        assert kept.predictions_of(connection, score_run(said)) == said[1:]
