"""A blend of what past runs taught and what the running course shows: trained, registered, scored, explained."""

import json
import shutil
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest

from headway import flow
from headway.domain.errors import InputError, UnknownName
from headway.domain.time import AsOf
from headway.evaluation.risk_model import RiskModel
from headway.evaluation.rows import matrix_of
from headway.features.as_of import compute
from headway.features.moments import Moment
from headway.flow import Recipe, open_app
from headway.registry.registry import ModelVersion
from headway.scoring.predict import Prediction
from tests.support import made
from tests.support.command import inside
from tests.support.few_features import few, few_features

ZONE = "Europe/London"


@pytest.fixture(scope="module", autouse=True)
def few_in_flow() -> Iterator[None]:
    """A blend is one whatever the features."""
    with few_features("headway.flow.modelling", "headway.flow.scoring"):
        yield


@pytest.fixture(scope="module")
def home(made_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Path(shutil.copytree(made_home, tmp_path_factory.mktemp("blended") / "home"))


@pytest.fixture(scope="module")
def told(home: Path) -> tuple[ModelVersion, list[Prediction]]:
    with open_app(home, clock=made.CLOCK) as app:
        score_run, predictions = flow.score(app, made.RUNNING, made.TODAY, model="logistic", paradigm="blended")
        return app.registry.get(score_run.model_version), predictions


def test_it_is_registered_with_what_it_is_made_of(told: tuple[ModelVersion, list[Prediction]]) -> None:
    version, predictions = told
    assert version.name == "does_not_finish-logistic-blended"
    assert (version.label, version.model) == ("does_not_finish", "logistic")
    assert version.train_runs == (made.FIRST, made.SECOND, made.RUNNING)
    weights = version.report["blend"]
    assert isinstance(weights, dict)
    assert weights["past_runs"] == 2
    assert version.report["paradigm"] == "blended"
    parts = version.report["facts"]
    assert isinstance(parts, dict)
    assert isinstance(parts["parts"], dict)
    assert set(parts["parts"]) == {"transfer", "in-situ"}
    check = version.report["check"]
    assert isinstance(check, list)
    assert {row["paradigm"] for row in check if isinstance(row, dict)} == {"blended"}
    assert predictions
    assert any(said.reasons for said in predictions)


def test_from_its_files_it_says_what_it_said_and_its_reasons_add_up(
    home: Path, told: tuple[ModelVersion, list[Prediction]]
) -> None:
    version, predictions = told
    with open_app(home) as app, app.lake.open(AsOf.at(made.TODAY, ZONE), [made.RUNNING]) as records:
        cohort = compute(few(), records, [Moment(made.RUNNING, AsOf.at(made.TODAY, ZONE))])
        model = RiskModel.restore(app.registry.load(version))
    features = matrix_of(cohort)
    said = dict(zip(cohort.keys("learner"), model.predict(features).risks, strict=True))
    assert [each.risk for each in predictions if each.risk is not None] == [
        said[each.learner] for each in predictions if each.risk is not None
    ]
    facts = model.fitted.facts()
    odds = float(str(facts["base_log_odds"])) + model.contributions(features).sum(axis=1)
    assert model.fitted.risk(features) == pytest.approx(1 / (1 + np.exp(-odds)))
    assert model.state() == app.registry.load(version)


def test_the_same_date_is_scored_by_the_same_model_and_another_by_another(
    home: Path, told: tuple[ModelVersion, list[Prediction]]
) -> None:
    version, predictions = told
    asked = {"model": "logistic", "paradigm": "blended"}
    with open_app(home, clock=made.CLOCK) as app:
        again, said = flow.score(app, made.RUNNING, made.TODAY, **asked)  # type: ignore[arg-type]  # arguments by name, each of another type
        assert again.model_version == version.ref
        assert [asdict(each) for each in said] == [asdict(each) for each in predictions]
        before, _ = flow.score(app, made.RUNNING, "2026-03-07", **asked)  # type: ignore[arg-type]  # arguments by name, each of another type
        assert before.model_version != version.ref
        alone, _ = flow.score(app, made.RUNNING, made.TODAY, model="logistic")
        assert app.registry.get(alone.model_version).train_runs == (made.FIRST, made.SECOND)


def test_what_one_run_has_shown_is_not_used_for_another(home: Path, told: tuple[ModelVersion, object]) -> None:
    with open_app(home) as app, pytest.raises(InputError, match="another run"):
        flow.score(app, made.SECOND, "2026-03-08", model=told[0].ref)


def recipe(paradigm: str) -> Recipe:
    return Recipe("does_not_finish", (), 27, AsOf.at(made.TODAY, ZONE), paradigm=paradigm)  # type: ignore[arg-type]  # names of paradigms, a wrong one too


def test_a_running_course_must_be_named(home: Path) -> None:
    with open_app(home) as app:
        for paradigm in ("blended", "in-situ"):
            with pytest.raises(InputError, match="Name it with --for"):
                flow.train(app, recipe(paradigm))
        with pytest.raises(UnknownName, match="transfer"):
            flow.train(app, recipe("post-hoc"))


def test_the_command_line_trains_and_scores_it(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["--home", home, "score", "--run", made.RUNNING, "--as-of", made.TODAY, "--model", "logistic", "--json"]
    scored = inside(capsys, *command, "--paradigm", "blended")
    assert scored.returncode == 0, scored.stderr
    assert json.loads(scored.stdout)["model"].startswith("does_not_finish-logistic-blended/")
    wrong = inside(capsys, "--home", home, "train", "--day", 27, "--known-by", made.TODAY, "--paradigm", "blended")
    assert (wrong.returncode, "--for" in wrong.stderr) == (2, True)
