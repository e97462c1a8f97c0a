"""One learner now: the same values and the same risk as in bulk."""

import json
from pathlib import Path

import numpy as np
import pytest

from headway import flow
from headway.domain.errors import Conflict, UnknownName
from headway.evaluation.histories import history_of
from headway.evaluation.risk_model import RiskModel
from headway.features.as_of import compute
from headway.features.moments import Moment
from headway.features.views import view_of
from headway.flow import LiveRun, features_of
from headway.flow.scoring import score
from headway.scoring.predict import predict
from tests.support import made


def test_a_learner_has_the_features_of_the_cohort(made_home: Path) -> None:
    with flow.open_app(made_home, clock=made.CLOCK) as app:
        wanted = flow.build_view(app, [made.RUNNING], [made.TODAY])
        learner = wanted.table["learner"][3].as_py()
        found = features_of(app, learner, made.RUNNING, made.TODAY)
        assert found.table.equals(wanted.table.slice(3, 1))
        with LiveRun(app, made.RUNNING) as live, pytest.raises(UnknownName, match="was not enrolled"):
            live.features("simulated/nobody", made.TODAY)
        with pytest.raises(UnknownName, match="simulated/DS101/2030S1"):
            LiveRun(app, "simulated/DS101/2030S1")


def test_a_learner_has_the_risk_and_the_reasons_of_the_list(made_home: Path) -> None:
    with flow.open_app(made_home, clock=made.CLOCK) as app:
        score_run, predictions = score(app, made.RUNNING, made.TODAY)
        version = app.registry.get(score_run.model_version)
        model = RiskModel.restore(app.registry.load(version))
        told = next(said for said in predictions if said.risk is not None)
        with LiveRun(app, made.RUNNING) as live:
            found = live.prediction(told.learner, made.TODAY, model, version)
            assert found.risk == pytest.approx(told.risk, abs=1e-12)
            assert (found.low, found.high, found.comparable) == (told.low, told.high, told.comparable)
            assert (found.features_hash, found.days_since_visit) == (told.features_hash, told.days_since_visit)
            assert [reason.text for reason in found.reasons] == [reason.text for reason in told.reasons]
            assert found.reasons
        with LiveRun(app, made.RUNNING, "records-only") as live, pytest.raises(Conflict, match=version.view_hash):
            live.prediction(told.learner, made.TODAY, model, version)


def test_a_model_that_reads_a_history_is_given_the_learners_own(
    made_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("headway.flow.live.wants_history", lambda _: True)
    with flow.open_app(made_home, clock=made.CLOCK) as app:
        score_run, _ = score(app, made.RUNNING, made.TODAY)
        version = app.registry.get(score_run.model_version)
        model = RiskModel.restore(app.registry.load(version))
        with app.lake.open(score_run.as_of, [made.RUNNING]) as records:
            cohort = compute(view_of(), records, [Moment(made.RUNNING, score_run.as_of)])
            wanted = predict(model, cohort, history_of(records, cohort), np.array([3]))[0]
        with LiveRun(app, made.RUNNING) as live:
            found = live.prediction(wanted.learner, made.TODAY, model, version)
        assert found.features_hash == wanted.features_hash
        assert found.features_hash != predict(model, cohort, None, np.array([3]))[0].features_hash


def test_the_command_says_what_the_function_says(made_home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from headway.cli.main import app as command_line

    with flow.open_app(made_home, clock=made.CLOCK) as app:
        wanted = flow.build_view(app, [made.RUNNING], [made.TODAY]).table.slice(0, 1).to_pylist()[0]
    words = ["features", "of", wanted["learner"], "--run", made.RUNNING, "--as-of", made.TODAY, "--json"]
    command_line([*words, "--home", str(made_home)], standalone_mode=False)
    told = json.loads(capsys.readouterr().out)
    assert (told["learner"], told["run"], told["course_day"]) == (wanted["learner"], made.RUNNING, wanted["course_day"])
    assert told["features"] == {name: wanted[name] for name in told["features"]}
    assert len(told["features"]) > 90
