"""Choosing by regret over past runs and weeks."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pytest

from headway.domain.errors import NotEnoughData
from headway.evaluation.rows import Rows
from headway.evaluation.selection import Cell, Selection, by_regret, fair_loss
from headway.models.model import Fitted, Floats, Json, Matrix
from headway.models.training import sigmoid


@dataclass(frozen=True)
class Reads:
    """A model that takes one column for the log-odds and remembers who taught it."""

    name: str
    taught: list[Matrix]
    summary: str = "one column"
    trivial: bool = False

    def fit(self, features: Matrix, labels: Floats, weights: Floats, seed: int) -> Fitted:
        self.taught.append(features)
        return self

    def restore(self, state: Mapping[str, bytes]) -> Fitted:
        return self

    def risk(self, features: Matrix) -> Floats:
        return sigmoid(features.column(self.name))

    def contributions(self, features: Matrix) -> Floats:
        return np.zeros(features.values.shape)

    def facts(self) -> dict[str, Json]:
        return {}

    def state(self) -> dict[str, bytes]:
        return {}


def rows_of(runs: int, learners: int = 120, days: tuple[int, ...] = (14, 28), shift: float = 0.0) -> Rows:
    """Runs in which `good` tells half of the outcome, `poor` little, and `who` who it is."""
    random = np.random.default_rng(11)
    n = runs * learners * len(days)
    good, poor = random.normal(size=n), random.normal(size=n)
    run = np.repeat([f"s/c/{i}" for i in range(runs)], learners * len(days)).astype(object)
    labels = (random.random(n) < sigmoid(2 * good + 0.2 * poor + shift)).astype(np.float64)
    who = np.arange(n, dtype=np.float64)
    return Rows(
        Matrix(("good", "poor", "who"), np.column_stack([good, poor, who])),
        labels,
        np.array([f"l{i // len(days)}" for i in range(n)], dtype=object),
        run,
        np.tile(days, runs * learners).astype(np.int64),
        np.array([int(name.rpartition("/")[2]) for name in run], dtype=np.int64),
    )


def test_the_model_with_the_least_mean_regret_is_chosen() -> None:
    good, poor = Reads("good", []), Reads("poor", [])
    found = by_regret([poor, good], rows_of(3), seed=1)
    assert found.best == "good"
    assert [(cell.run, cell.day) for cell in found.cells] == [(f"s/c/{i}", day) for i in range(3) for day in (14, 28)]
    told = {str(row["model"]): row for row in found.as_json() if isinstance(row, dict)}
    assert told["good"]["mean_regret"] == pytest.approx(0.0)
    assert float(str(told["poor"]["max_regret"])) >= float(str(told["poor"]["mean_regret"])) > 0.05
    assert told["poor"]["cells"] == 6


def test_the_run_of_a_cell_and_its_learners_taught_nobody() -> None:
    rows = rows_of(3)
    shared = rows.learners.copy()
    shared[rows.runs == "s/c/1"] = shared[rows.runs == "s/c/2"]
    rows = Rows(rows.features, rows.labels, shared, rows.runs, rows.days, rows.instants)
    model = Reads("good", [])
    by_regret([model, Reads("poor", [])], rows, seed=1)
    # The latest run first; those of its learners who were in the run before are left out there, too.
    who = [set(taught.column("who").astype(int).tolist()) for taught in model.taught]
    of = {run: set(np.flatnonzero(rows.runs == run).tolist()) for run in ("s/c/0", "s/c/1", "s/c/2")}
    assert who == [of["s/c/0"], of["s/c/0"], of["s/c/1"] | of["s/c/2"]]


def test_one_lucky_split_does_not_decide() -> None:
    """The steady model loses two cells narrowly and wins one by far."""
    cells = [
        Cell("a", 7, {"lucky": 0.50, "steady": 0.51}),
        Cell("b", 7, {"lucky": 0.50, "steady": 0.51}),
        Cell("c", 7, {"lucky": 0.80, "steady": 0.50}),
    ]
    found = Selection(cells, ["steady", "lucky"])
    assert found.mean_regret("steady") < found.mean_regret("lucky")
    lucky = found.as_json()[1]
    assert isinstance(lucky, dict)
    assert lucky["worst"] == "c, day 7"


def test_too_little_to_compare_on_says_so() -> None:
    with pytest.raises(NotEnoughData, match="two at least"):
        by_regret([Reads("good", [])], rows_of(1), seed=1)
    with pytest.raises(NotEnoughData, match="No past run"):
        by_regret([Reads("good", [])], rows_of(3, learners=12), seed=1)


def test_a_loss_forgives_another_base_rate_but_not_another_order() -> None:
    rows = rows_of(1, learners=2000, days=(7,))
    odds = rows.features.column("good") * 2
    right, shifted, poor = (fair_loss(rows, sigmoid(z), 3) for z in (odds, odds / 2 - 3, rows.features.column("poor")))
    assert shifted == pytest.approx(right, abs=0.003)
    assert poor > right + 0.1
    flat = fair_loss(rows, np.full(len(rows), 0.9), 3)
    share = rows.labels.mean()
    assert flat == pytest.approx(-(share * np.log(share) + (1 - share) * np.log(1 - share)), abs=0.003)
