"""Several runs scored at one date: what is kept is what scoring each alone keeps."""

import json
import shutil
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from headway import flow
from headway.domain.errors import NotEnoughData
from headway.domain.records import KINDS
from headway.domain.time import AsOf
from headway.flow import modelling, open_app
from headway.scoring import cohorts, kept
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


def test_what_a_worker_remembers_of_scores_before_changes_none_after(home: Path, tmp_path: Path) -> None:
    """To the last bit: after a record arrived, a worker that has scored before says what one says that has just begun.

    It remembers the model and what its trees add, and that a run whose records stayed has activity.
    """
    later, there = "2026-03-09T06:00:00+00:00", Path(shutil.copytree(home, tmp_path / "home"))
    with open_app(there) as app:
        before, said_before = flow.score(app, made.RUNNING, made.TODAY)
        with app.lake.open(None, [made.RUNNING], kinds=["statements"]) as records:
            acts = records.collect(records.table("statements").limit(1))
        at = datetime(2026, 3, 9, 5, tzinfo=UTC)
        for name, value in (("id", b"0123456789abcdef"), ("occurred_at", at), ("recorded_at", at)):
            kind = acts.schema.field(name)
            acts = acts.set_column(acts.schema.get_field_index(name), kind, pa.array([value], kind.type))
        app.lake.append("statements", acts.to_reader())
        warm, said_warm = flow.score(app, made.RUNNING, later)
        with app.store.begin() as connection:
            kept.remove(connection, [warm.id])
        cohorts._restored.cache_clear()
        modelling._active_since.clear()
        cold, said_cold = flow.score(app, made.RUNNING, later)
    assert facts(warm) == facts(cold)
    assert warm.model_version == cold.model_version == before.model_version
    assert said_warm == said_cold
    hashes = {one.learner: one.features_hash for one in said_before}
    assert hashes[acts["learner"][0].as_py()] not in {one.features_hash for one in said_warm}


def test_a_run_is_learned_from_while_its_activity_is_there(home: Path, tmp_path: Path) -> None:
    there = Path(shutil.copytree(home, tmp_path / "home"))
    early, late = AsOf.at("2020-01-01T00:00:00+00:00"), AsOf.at("2030-01-01T00:00:00+00:00")
    with open_app(there) as app:
        runs = {made.FIRST, made.SECOND, made.RUNNING}
        assert modelling._logged(app.lake, late) == modelling._logged(app.lake, late) == runs
        assert modelling._logged(app.lake, early) == set(), "nothing was known then, whatever was asked before"
        with app.lake.open(None, [made.FIRST], kinds=["enrolments"]) as records:
            learners = records.collect(records.table("enrolments").select("learner").distinct())["learner"].to_pylist()
        assert learners
        before = app.lake.paths(["statements"])[made.FIRST]
        app.lake.erase(learners[0], app.clock)
        assert not before <= app.lake.paths(["statements"])[made.FIRST]
        assert modelling._active_since[app.lake][made.FIRST][0] == before
        assert modelling._logged(app.lake, late) == runs
        assert modelling._active_since[app.lake][made.FIRST][0] != before, "it is looked at anew"


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


def test_what_a_course_s_own_past_calibrated_serves_that_course_alone(home: Path) -> None:
    with open_app(home) as app:
        found, _ = flow.score(app, made.RUNNING, made.TODAY)
        version = app.registry.get(found.model_version)
        recipe = modelling.Recipe(
            version.label, (), version.days[0], AsOf.at(version.known_by), version.model, made.RUNNING
        )
        course = made.RUNNING.rsplit("/", 1)[0]
        assert version.report["calibrated_for"] == course
        assert modelling.registered(app, recipe, version.train_runs) == version
        elsewhere = replace(recipe, for_run="simulated/OTHER/2026S1")
        assert modelling.registered(app, elsewhere, version.train_runs) is None


def test_a_past_run_without_a_log_is_learned_from_beside_the_others_and_the_model_serves_again(
    home: Path, tmp_path: Path
) -> None:
    with open_app(home) as app, app.lake.open(None, None) as records, open_app(tmp_path / "home") as there:
        for kind in KINDS:
            rows = records.table(kind)
            known = records.collect(rows.filter(rows.run != made.SECOND) if kind == "statements" else rows)
            there.lake.append(kind, known.to_reader())
    with open_app(tmp_path / "home") as app:
        found, _ = flow.score(app, made.RUNNING, made.TODAY)
        version = app.registry.get(found.model_version)
        assert set(version.train_runs) == {made.FIRST, made.SECOND}
        assert version.report["past"] == [[made.FIRST], [made.SECOND]]
        with app.store.begin() as connection:
            kept.remove(connection, [found.id])
        again, _ = flow.score(app, made.RUNNING, made.TODAY)
        assert again.model_version == found.model_version
        silent = modelling.Recipe("does_not_finish", (), 27, AsOf.at("2030-01-01T00:00:00+00:00"), for_run=made.SECOND)
        runs = modelling.runs_to_learn_from(app, silent)
        assert modelling.registered(app, silent, runs) is None, "of a run without a log less is known than of these"
