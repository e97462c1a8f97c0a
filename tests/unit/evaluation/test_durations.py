"""Survival models as they would have been deployed, on a simulated course with two finished runs and a running one."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from headway.domain.errors import NotEnoughData
from headway.evaluation.assess import Measure
from headway.evaluation.durations import (
    MODELS_OF_DURATIONS,
    duration_table,
    durations_learned_from,
    fitted_durations,
    followed_rows,
)
from headway.evaluation.paradigms import Bench, Question
from headway.features.as_of import moments_on_days
from headway.features.labels import label
from headway.features.views import view_with
from headway.models.survival import still_there
from tests.support.memory import Memory
from tests.support.simulation import runs_of, simulated

OPTIONS = {"learners": "120", "runs": "3", "base_rate": "0.5"}
VIEW = view_with("v", ("active_days_14d", "days_since_last_activity", "interactions_14d_percentile"))
FIRST, SECOND, CURRENT = runs_of(simulated(**OPTIONS))
ASKED = Question(label("does_not_finish"), (FIRST, SECOND), CURRENT, 21, seed=7)
MEASURE = Measure(bootstrap=50)


@pytest.fixture(scope="module")
def bench() -> Iterator[Bench]:
    with Memory(simulated(**OPTIONS)) as records:
        yield Bench(records, VIEW)


@pytest.fixture(scope="module")
def rows(bench: Bench) -> dict[str, dict[str, Any]]:
    found = duration_table(bench, [ASKED], "withdrawal", MODELS_OF_DURATIONS, MEASURE, lambda _: None)
    return {str(row["model"]): dict(row) for row in found}


def test_it_learns_from_runs_that_had_ended_and_from_no_learner_who_is_scored(bench: Bench) -> None:
    learn = durations_learned_from(bench, ASKED, "withdrawal")
    assert set(learn.rows.runs) == {FIRST, SECOND}
    assert set(learn.rows.days.tolist()) == {7, 14, 21, 28, 35}
    assert 0 < learn.seen.mean() < 1
    assert (learn.days[learn.seen] >= 0).all()
    early = replace(ASKED, train_runs=(CURRENT,), test_run=FIRST)
    with pytest.raises(NotEnoughData):
        durations_learned_from(bench, early, "withdrawal")


def test_a_run_without_a_teacher_says_why(bench: Bench) -> None:
    early = replace(ASKED, train_runs=(CURRENT,), test_run=FIRST)
    found = duration_table(bench, [early], "withdrawal", MODELS_OF_DURATIONS, MEASURE, lambda _: None)
    assert [row["n"] for row in found] == [0, 0, 0]
    assert all(row["note"] for row in found)


def test_figures_beside_the_rule(rows: dict[str, dict[str, Any]]) -> None:
    assert set(rows) == set(MODELS_OF_DURATIONS)
    rule = rows["kaplan-meier"]
    assert rule["concordance"]["value"] == 0.5
    assert len({row["n"] for row in rows.values()}) == 1
    assert 0 < rule["left"] < rule["n"]
    for name in ("survival", "survival-boosting"):
        found = rows[name]["concordance"]
        assert found["low"] <= found["value"] <= found["high"]
        assert found["value"] > 0.55
    assert set(rows["survival"]["brier"]) >= {"2", "4", "8"}
    assert all(0 <= value <= 0.3 for row in rows.values() for value in row["brier"].values())


def test_silence_is_an_event_too(bench: Bench) -> None:
    moments = moments_on_days(bench.records, [FIRST, SECOND], [14, 28])
    learn = followed_rows(bench, moments, "silence", None)
    assert 0.05 < learn.seen.mean() < 0.95
    model = fitted_durations("survival", learn, 7)
    silent = learn.rows.features.column("days_since_last_activity") > 14
    kept = still_there(model.hazards(learn.rows.features, 8))[:, -1]
    assert kept[silent].mean() < kept[~silent].mean() - 0.1


def test_the_rule_is_the_curve_of_the_past(bench: Bench) -> None:
    learn = durations_learned_from(bench, ASKED, "withdrawal")
    model = fitted_durations("kaplan-meier", learn, 7)
    kept = still_there(model.hazards(learn.rows.features, 4))
    assert np.allclose(kept, kept[0])
    whole = float((learn.days[learn.seen] <= 28).sum() / len(learn))
    assert np.isclose(1 - kept[0, -1], whole, atol=0.02)
