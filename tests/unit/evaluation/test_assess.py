"""Figures as rows that the command line, reports and the registry share."""

import json
from collections.abc import Iterator

import numpy as np
import pytest

from headway.evaluation.assess import METRICS, Measure, figures, table
from headway.evaluation.events import leaving_instants
from headway.evaluation.metrics import auroc
from headway.evaluation.paradigms import Bench, Question
from headway.evaluation.rows import Rows
from headway.features.labels import label
from headway.features.views import view_with
from headway.models.model import MODELS, Matrix
from tests.support.memory import Memory
from tests.support.simulation import runs_of, simulated

QUICK = Measure(capacity=10, bootstrap=50, seed=7)
VIEW = view_with("v", ("active_days_14d", "days_since_last_activity"))


def some_rows(n: int = 200) -> tuple[Rows, "np.ndarray[tuple[int], np.dtype[np.float64]]"]:
    random = np.random.default_rng(1)
    risks = random.random(n)
    labels = (random.random(n) < risks).astype(np.float64)
    who = np.array([f"l{i // 2}" for i in range(n)], dtype=object)
    run = np.full(n, "s/c/r", dtype=object)
    return Rows(Matrix((), np.empty((n, 0))), labels, who, run, np.zeros(n, np.int64), np.zeros(n, np.int64)), risks


def test_figures_have_n_base_rate_intervals_and_capacity() -> None:
    test, risks = some_rows()
    row = json.loads(json.dumps(figures(test, risks, QUICK), allow_nan=False))
    assert row["n"] == 200
    assert row["base_rate"] == pytest.approx(test.labels.mean())
    for metric in METRICS:
        assert row[metric]["low"] <= row[metric]["value"] <= row[metric]["high"]
    assert row["auroc"]["value"] == pytest.approx(auroc(test.labels, risks))
    assert row["at_capacity"]["k"] == 10
    assert sum(row["at_capacity"]["confusion"].values()) == 200
    assert row["at_capacity"]["confusion"]["flagged_positive"] == 10 * row["at_capacity"]["precision"]
    assert 0 < row["ece_of_a_perfect_model"] < 0.2


def test_the_same_seed_gives_the_same_figures() -> None:
    test, risks = some_rows()
    assert figures(test, risks, QUICK) == figures(test, risks, QUICK)


@pytest.fixture(scope="module")
def bench() -> Iterator[Bench]:
    with Memory(simulated(learners="80", runs="3", late_share="0.2")) as records:
        yield Bench(records, VIEW)


def test_there_is_a_row_for_each_question_paradigm_and_model(bench: Bench) -> None:
    *past, current = runs_of(simulated(learners="80", runs="3", late_share="0.2"))
    questions = [Question(label("does_not_finish"), tuple(past), current, day, seed=7) for day in (3, 28)]
    models = [MODELS.get("base-rate"), MODELS.get("logistic")]
    told: list[str] = []
    rows = table(bench, questions, ["transfer", "in-situ"], models, QUICK, "custom", told.append)
    assert [(row["day"], row["paradigm"], row["model"]) for row in rows] == [
        (day, paradigm, model)
        for day in (3, 28)
        for paradigm in ("transfer", "in-situ")
        for model in ("base-rate", "logistic")
    ]
    assert len(told) == 4
    assert f"{current}, day 3: transfer" in told
    assert len({tuple(sorted(row)) for row in rows if row["note"] is None}) == 1
    json.dumps(rows, allow_nan=False)
    for row in rows:
        assert row["protocol"] == "custom"
        assert row["test"] == current
        assert isinstance(row["n"], int)
        assert row["n"] > 50
        assert 0.1 < float(str(row["base_rate"])) < 0.9
    early = [row for row in rows if row["note"] is not None]
    assert {(row["day"], row["paradigm"]) for row in early} == {(3, "in-situ")}
    for row in early:
        assert "too early" in str(row["note"])
        assert row["auroc"] == {"value": None, "low": None, "high": None}
        assert (row["at_capacity"], row["rows_learned"]) == (None, 0)
    answered = [row for row in rows if row["note"] is None and row["paradigm"] == "transfer"]
    assert all(row["train"] == past for row in answered)
    assert all(isinstance(row["rows_learned"], int) and row["rows_learned"] > 0 for row in answered)


def test_a_question_without_anyone_says_so(bench: Bench) -> None:
    *past, current = runs_of(simulated(learners="80", runs="3", late_share="0.2"))
    nobody = Question(label("does_not_finish"), tuple(past), current, -300, seed=7)
    (row,) = table(bench, [nobody], ["transfer"], [MODELS.get("base-rate")], QUICK, "custom", lambda _: None)
    assert (row["n"], row["base_rate"]) == (0, None)
    assert "Nobody was enrolled" in str(row["note"])


def test_rows_hold_decisions_doubts_differences_and_what_changes_over_days(bench: Bench) -> None:
    *past, current = runs_of(simulated(learners="80", runs="3", late_share="0.2"))
    target = label("does_not_finish")
    questions = [Question(target, tuple(past), current, day, seed=7) for day in (21, 28)]
    models = [MODELS.get("base-rate"), MODELS.get("logistic")]
    measure = Measure(capacity=10, bootstrap=50, seed=7, curves=True, than="base-rate")
    asked: list[str] = []

    def events(run: str) -> dict[str, int] | None:
        asked.append(run)
        return leaving_instants(bench.records, run, target)

    rows = table(bench, questions, ["transfer"], models, measure, "honest", lambda _: None, events)
    found = json.loads(json.dumps(rows, allow_nan=False))
    for row in found:
        assert row["at_cost"]["threshold"] == pytest.approx(0.2)
        assert row["sure"]["asked"] == 0.8
        assert len(row["curve"]["found"]) == len(row["curve"]["contacted"])
        assert sum(each["n"] for each in row["reliability"]) == row["n"]
        assert row["lead_days"]["n"] >= 0
        assert ("difference" in row) == (row["model"] == "logistic")
    logistic = {row["day"]: row for row in found if row["model"] == "logistic"}
    assert logistic[21]["steadiness"] is None
    assert logistic[28]["steadiness"]["since"] == 21
    assert logistic[28]["lead_days"]["value"] > 0
    gain = logistic[28]["difference"]
    assert gain["value"] == pytest.approx(logistic[28]["auroc"]["value"] - 0.5)
    assert gain["low"] <= gain["value"] <= gain["high"]
    assert set(asked) == {current}


def test_labels_without_a_date_have_no_lead_time(bench: Bench) -> None:
    assert leaving_instants(bench.records, "any", label("inactive_next_week")) is None
