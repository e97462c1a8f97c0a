"""Several runs scored at one date: what is kept is what scoring each alone keeps."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from headway import flow
from headway.domain.errors import NotEnoughData
from headway.flow import open_app
from headway.scoring import kept
from headway.scoring.kept import ScoreRun
from headway.scoring.predict import Prediction
from tests.support import made
from tests.support.command import inside

RUNS = [made.SECOND, made.RUNNING]


@pytest.fixture(scope="module")
def home(made_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Path(shutil.copytree(made_home, tmp_path_factory.mktemp("runs") / "home"))


def facts(score_run: ScoreRun) -> tuple[Any, ...]:
    """All of it but when it was computed."""
    return (score_run.id, score_run.learners, score_run.too_early, score_run.snapshot, score_run.facts)


def test_each_is_as_if_scored_alone(home: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """To the last bit, though they are computed side by side; a second time nothing is computed."""
    told: dict[str, list[Prediction]] = {}
    alone = Path(shutil.copytree(home, tmp_path / "alone"))
    with open_app(home) as app:
        before, _ = flow.score(app, made.RUNNING, made.TODAY)
        model = before.model_version
        with app.store.begin() as connection:
            kept.remove(connection, [before.id])
        monkeypatch.setattr("headway.features.as_of.GROUP_STATEMENTS", 1)
        apart = flow.score_runs(app, RUNS, made.TODAY, model=model, take=lambda one, said: told.update({one.run: said}))
        monkeypatch.undo()
        again = flow.score_runs(app, [made.SECOND, "simulated/*/2026*"], made.TODAY, model=model)
        assert [each.run for each in apart] == [each.run for each in again] == sorted(told)
        assert again == apart
        assert [each.run for each in apart] == RUNS
    with open_app(alone) as app, app.store.begin() as connection:
        kept.remove(connection, [each.id for each in apart])
    with open_app(alone) as app:
        for each in apart:
            one, said = flow.score(app, each.run, made.TODAY, model=model)
            assert facts(one) == facts(each)
            assert said == told[each.run]
            assert any(prediction.reasons for prediction in said)


def test_the_command_scores_one_run_or_many(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with open_app(home) as app:
        found, said = flow.score(app, made.RUNNING, made.TODAY)
    asked = ["--home", home, "score", "--as-of", made.TODAY, "--model", found.model_version, "--json", "--run"]
    one, many = (inside(capsys, *asked, named) for named in ("simulated/*/2026S1", f"{made.RUNNING},{made.SECOND}"))
    assert (one.returncode, many.returncode) == (0, 0), many.stderr
    assert [each["run"] for each in json.loads(many.stdout)] == [made.SECOND, made.RUNNING]
    assert json.loads(many.stdout)[1] == json.loads(one.stdout)
    assert [each["learner"] for each in json.loads(one.stdout)["predictions"]] == [each.learner for each in said]


def test_where_nobody_was_enrolled_nothing_is_scored(home: Path) -> None:
    with open_app(home) as app, pytest.raises(NotEnoughData, match="None of 2 runs"):
        flow.score_runs(app, [made.SECOND, made.RUNNING], "2024-01-01", model="average")
