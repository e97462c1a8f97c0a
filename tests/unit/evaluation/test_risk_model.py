"""A fitted model with calibration and ranges: what each part may have seen, and that it comes back the same."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest

from headway.domain.errors import NotEnoughData
from headway.evaluation import risk_model
from headway.evaluation.risk_model import RiskModel, class_weights, fit, fit_best
from headway.evaluation.rows import Rows
from headway.models.model import MODELS, Fitted, Floats, Json, Matrix

COURSE = "s/c"


def rows_of(
    runs: Mapping[str, list[int]], learners: int = 60, share: float = 0.4, seed: int = 1, signal: float = 1.5
) -> Rows:
    """Rows of some runs on some days, later runs at later times, with one feature that tells and one that does not."""
    random = np.random.default_rng(seed)
    parts: dict[str, list[Any]] = {"x": [], "who": [], "run": [], "day": [], "at": [], "label": []}
    for number, (run, days) in enumerate(runs.items()):
        labels = (random.random(learners) < share).astype(float)
        for day in days:
            for n in range(learners):
                parts["x"].append([labels[n] * signal + random.normal(), random.normal()])
                parts["who"].append(f"{run}-{n}")
                parts["run"].append(run)
                parts["day"].append(day)
                parts["at"].append(number * 1000 + day)
                parts["label"].append(labels[n])
    return Rows(
        Matrix(("tells", "noise"), np.array(parts["x"])),
        np.array(parts["label"]),
        np.array(parts["who"], dtype=object),
        np.array(parts["run"], dtype=object),
        np.array(parts["day"], dtype=np.int64),
        np.array(parts["at"], dtype=np.int64),
    )


ROWS = rows_of({"s/c/1": [7, 14], "s/c/2": [7, 14, 21], "s/d/1": [7, 14]})
LOGISTIC = MODELS.get("logistic")


@dataclass
class Rote:
    """A model that knows by heart what it has seen and nothing else."""

    name: str = "rote"
    summary: str = "Knows by heart"
    trivial: bool = False

    def fit(self, features: Matrix, labels: Floats, weights: Floats, seed: int) -> Fitted:
        return Learned({tuple(row): float(label) for row, label in zip(features.values, labels, strict=True)})

    def restore(self, state: Mapping[str, bytes]) -> Fitted:
        return Learned({})


@dataclass
class Learned:
    by_heart: dict[tuple[float, ...], float]

    def risk(self, features: Matrix) -> Floats:
        return np.array([self.by_heart.get(tuple(row), 0.5) for row in features.values])

    def contributions(self, features: Matrix) -> Floats:
        return np.zeros(features.values.shape)

    def facts(self) -> dict[str, Json]:
        return {}

    def state(self) -> dict[str, bytes]:
        return {}


def test_neither_calibration_nor_ranges_see_a_risk_of_a_learner_who_was_learned_from() -> None:
    """Known by heart, every learner of the past would be at 0 or 1; left out, each is at 0.5."""
    model = fit(Rote(), ROWS, course=COURSE, day=14, seed=7)
    assert set(model.fitted.risk(ROWS.features)) == {0.0, 1.0}
    assert len(model.past.risks) == 1
    assert model.held_out_loss > 0.6


def test_without_leaving_them_out_it_would_be_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """The fault that the test above is there for."""

    def in_sample(model: Any, rows: Rows, wanted: Any, seed: int) -> Floats:
        risks: Floats = np.where(
            wanted, model.fit(rows.features, rows.labels, rows.labels, 7).risk(rows.features), np.nan
        )
        return risks

    monkeypatch.setattr(risk_model, "held_out", in_sample)
    model = fit(Rote(), ROWS, course=COURSE, day=14, seed=7)
    assert len(model.past.risks) == 2
    assert model.held_out_loss < 0.2


def chosen(rows: Rows, course: str = COURSE, day: int = 14, new: bool = True) -> tuple[set[str], set[int]]:
    which = risk_model._calibration_slice(rows, course, day, new)
    return set(rows.runs[which]), set(rows.days[which].tolist())


def test_a_new_run_is_calibrated_on_all_runs_of_the_course_each_on_its_nearest_day() -> None:
    assert chosen(ROWS) == ({"s/c/1", "s/c/2"}, {14})
    assert chosen(ROWS, day=40) == ({"s/c/1", "s/c/2"}, {14, 21})
    assert chosen(ROWS, day=0) == ({"s/c/1", "s/c/2"}, {7})


def test_a_run_that_was_learned_from_is_calibrated_on_the_latest_of_its_course() -> None:
    assert chosen(ROWS, new=False) == ({"s/c/2"}, {14})
    assert chosen(ROWS, day=40, new=False) == ({"s/c/2"}, {21})


def test_without_the_course_it_is_calibrated_on_the_latest_run_of_others() -> None:
    assert chosen(ROWS, course="s/x") == ({"s/d/1"}, {14})
    assert chosen(ROWS, course="s/x", new=False) == ({"s/d/1"}, {14})


def test_a_slice_with_too_few_of_a_class_is_passed_over() -> None:
    rows = rows_of({"s/c/1": [14], "s/c/2": [14]})
    labels = np.where((rows.runs == "s/c/2") & (np.cumsum(rows.runs == "s/c/2") > 15), 0.0, rows.labels)
    rare = Rows(rows.features, labels, rows.learners, rows.runs, rows.days, rows.instants)
    assert (labels[rows.runs == "s/c/2"]).sum() < risk_model.FEWEST_OF_A_CLASS
    assert chosen(rare, new=False)[0] == {"s/c/1"}
    few = rows_of({"s/c/1": [14]}, learners=12)
    assert risk_model._calibration_slice(few, COURSE, 14, True).all()


def test_of_runs_at_the_same_time_the_choice_does_not_depend_on_this_process() -> None:
    rows = rows_of({f"s/c/{name}": [14] for name in "hgfedcba"})
    together = Rows(
        rows.features, rows.labels, rows.learners, rows.runs, rows.days, np.zeros(len(rows), dtype=np.int64)
    )
    assert chosen(together, new=False)[0] == {"s/c/a"}


def test_it_predicts_calibrated_risks_with_ranges_that_hold_them() -> None:
    model = fit(LOGISTIC, ROWS, course=COURSE, day=14, seed=7)
    fresh = rows_of({"s/c/3": [14]}, learners=500, seed=9)
    said = model.predict(fresh.features)
    assert abs(float(said.risks.mean()) - float(fresh.labels.mean())) < 0.1
    told = ~np.isnan(said.low)
    assert ((said.low <= said.risks) & (said.risks <= said.high))[told].all()
    assert len(said.withheld) == len(fresh)
    assert model.contributions(fresh.features).shape == fresh.features.values.shape


def test_the_same_rows_and_seed_give_the_same_bytes_and_the_state_gives_the_same_bits() -> None:
    model = fit(LOGISTIC, ROWS, course=COURSE, day=14, seed=7)
    assert fit(LOGISTIC, ROWS, course=COURSE, day=14, seed=7).state() == model.state()
    again = RiskModel.restore(model.state())
    fresh = rows_of({"s/c/3": [14]}, seed=9).features
    for one, other in zip(vars_of(model.predict(fresh)), vars_of(again.predict(fresh)), strict=True):
        assert np.array_equal(one, other, equal_nan=True)
    assert again.state() == model.state()


def vars_of(said: risk_model.Predictions) -> tuple[Floats, ...]:
    return said.risks, said.low, said.high, said.comparable


def test_each_row_is_told_by_itself() -> None:
    model = fit(LOGISTIC, ROWS, course=COURSE, day=14, seed=7)
    fresh = rows_of({"s/c/3": [14]}, seed=9).features
    alone = [model.predict(fresh.rows(np.array([n]))).risks[0] for n in range(20)]
    assert np.array_equal(alone, model.predict(fresh).risks[:20])


def test_a_rare_class_weighs_as_much_as_the_other_and_a_common_one_is_left_alone() -> None:
    rare = np.array([1.0] + [0.0] * 9)
    assert class_weights(rare)[rare == 1].sum() == pytest.approx(class_weights(rare)[rare == 0].sum())
    assert class_weights(np.array([1.0, 0, 0, 0])).tolist() == [1, 1, 1, 1]
    assert class_weights(np.zeros(3)).tolist() == [1, 1, 1]
    assert class_weights(np.zeros(0)).tolist() == []


def test_the_rule_keeps_its_shares() -> None:
    model = fit(MODELS.get("base-rate"), ROWS, course=COURSE, day=14, seed=7)
    assert model.calibration.method == "identity"
    assert len(set(model.predict(ROWS.features).risks)) == 1


def test_of_several_methods_the_one_that_did_best_on_the_past_is_taken() -> None:
    best = fit_best([MODELS.get("base-rate"), LOGISTIC], ROWS, course=COURSE, day=14, seed=7)
    assert best.method == "logistic"
    noise = rows_of({"s/c/1": [14], "s/c/2": [14]}, signal=0.0)
    first = fit_best([MODELS.get("base-rate"), MODELS.get("base-rate")], noise, course=COURSE, day=14, seed=7)
    assert first.method == "base-rate"


def test_one_class_is_too_little() -> None:
    rows = rows_of({"s/c/1": [14]}, share=0.0)
    with pytest.raises(NotEnoughData):
        fit(LOGISTIC, rows, course=COURSE, day=14, seed=7)


def with_further() -> Rows:
    """The same learners took a run without a log too, where it went the other way."""
    other = rows_of({"s/e/1": [14]}, seed=2)
    twin = np.array([name.replace("s/e/1", "s/c/2") for name in other.learners], dtype=object)
    return replace(ROWS, further=replace(other, learners=twin))


def test_further_rows_are_learned_from_and_nothing_is_told_of_them() -> None:
    rows = with_further()
    model, without = (fit(Rote(), each, course="s/e", day=14, seed=7) for each in (rows, ROWS))
    assert rows.further is not None
    assert set(model.fitted.risk(rows.further.features)) == {0.0, 1.0}
    assert set(without.fitted.risk(rows.further.features)) == {0.5}
    assert model.past.state() == without.past.state()
    assert model.held_out_loss == without.held_out_loss


def test_whoever_is_held_out_is_held_out_of_the_further_rows_too(monkeypatch: pytest.MonkeyPatch) -> None:
    fitted_on, rows = risk_model.fitted_on, with_further()
    assert rows.further is not None
    further = set(rows.further.learners)
    fitted: list[set[str]] = []

    def watched(model: Any, rest: Rows, seed: int) -> Fitted:
        assert rest.further is not None
        assert set(rest.further.learners) == further & set(rest.learners)
        fitted.append(set(rest.further.learners))
        return fitted_on(model, rest, seed)

    monkeypatch.setattr(risk_model, "fitted_on", watched)
    risks = risk_model.held_out(Rote(), rows, rows.runs == "s/c/2", 7)
    assert set(risks[rows.runs == "s/c/2"]) == {0.5}
    assert len(fitted) == risk_model.FOLDS
    assert all(0 < len(each) < 60 for each in fitted)
