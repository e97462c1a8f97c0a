"""Choosing a model by regret over past runs and weeks, not by one lucky split.

In each cell, a past run on a day, a model's regret is its loss less the least loss any model had there. Chosen is the
model with the least mean regret (Savage 1951, doi:10.1080/01621459.1951.10500768), the greatest one shown beside it.
Promises that the run of a cell, and its learners, taught none of the models that are compared in it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from headway.domain.errors import NotEnoughData
from headway.evaluation import calibration as calibrations
from headway.evaluation.metrics import log_loss
from headway.evaluation.risk_model import fitted_on
from headway.evaluation.rows import Rows, learner_folds, refuse_shared_learners
from headway.models.model import Floats, Json, Model

MOST_RUNS: Final = 6
"""So many past runs are left out in turn at most, the latest ones: each costs a fit a model."""

FEWEST: Final = 10
"""A cell with fewer rows of either label says too little."""


@dataclass(frozen=True, slots=True)
class Cell:
    """A past run on a day, with the loss of each model in it."""

    run: str
    day: int
    losses: dict[str, float]

    def regret(self, model: str) -> float:
        """The model's loss less the least."""
        return self.losses[model] - min(self.losses.values())


@dataclass(frozen=True, slots=True)
class Selection:
    """What was compared, and what it came to.

    Attributes:
        cells: past runs on days.
        models: all that could learn, the chosen one first, by rising mean regret.
    """

    cells: list[Cell]
    models: list[str]

    @property
    def best(self) -> str:
        """The chosen model's name."""
        return self.models[0]

    def mean_regret(self, model: str) -> float:
        """Over cells."""
        return float(np.mean([cell.regret(model) for cell in self.cells]))

    def as_json(self) -> list[Json]:
        """A row for each model: mean loss, mean and greatest regret, and where that was."""
        rows: list[Json] = []
        for model in self.models:
            worst = max(self.cells, key=lambda cell: cell.regret(model))
            rows.append(
                {
                    "model": model,
                    "loss": float(np.mean([cell.losses[model] for cell in self.cells])),
                    "mean_regret": self.mean_regret(model),
                    "max_regret": worst.regret(model),
                    "worst": f"{worst.run}, day {worst.day}",
                    "cells": len(self.cells),
                }
            )
        return rows


def by_regret(
    models: Sequence[Model], rows: Rows, seed: int, progress: Callable[[str], None] = lambda _: None
) -> Selection:
    """The models in order of their mean regret over the past runs and days of `rows`; of equals the first named.

    Args:
        models: what is compared.
        rows: labelled rows of two runs or more, whose labels were all known at the training cut-off.
        seed: seeds the models and the folds behind each loss.
        progress: told before each fit.

    Raises:
        NotEnoughData: fewer than two runs, or none with enough rows of both labels.
    """
    runs = sorted(set(rows.runs), key=lambda run: (-int(rows.instants[rows.runs == run].max()), run))
    if len(runs) < 2:
        raise NotEnoughData("Models are compared on past runs left out in turn: that takes two at least.")
    found: dict[tuple[str, int], dict[str, float]] = {}
    for run in runs[:MOST_RUNS]:
        out = np.asarray(rows.runs == run, dtype=np.bool_)
        test = rows.where(out)
        rest = rows.where(~out).without(test.learners)
        refuse_shared_learners(rest, test)
        days = [day for day in sorted(set(test.days.tolist())) if _enough(test.labels[test.days == day])]
        if not days or not 0 < rest.labels.sum() < len(rest):
            continue
        for model in models:
            progress(f"{model.name}: without {run}")
            risks = fitted_on(model, rest, seed).risk(test.features)
            for day in days:
                loss = fair_loss(test.where(test.days == day), risks[test.days == day], seed)
                found.setdefault((run, day), {})[model.name] = loss
    if not found:
        raise NotEnoughData("No past run has enough learners of both kinds to compare models on.")
    cells = [Cell(run, day, losses) for (run, day), losses in sorted(found.items())]
    order = Selection(cells, [model.name for model in models])
    return Selection(cells, sorted(order.models, key=order.mean_regret))


def fair_loss(test: Rows, risks: Floats, seed: int) -> float:
    """The mean log loss of risks once each half of the learners is calibrated (Platt 1999) by what the other half did.

    A model that orders learners well is not blamed for a base rate that is another one in each run: that is for the
    calibration to put right, and it is chosen apart.
    """
    half = learner_folds(test.learners, test.labels, 2, seed)
    told = np.asarray(risks, dtype=np.float64).copy()
    for k in (0, 1):
        known, out = half != k, half == k
        if _enough(test.labels[known], FEWEST // 2) and float(np.ptp(risks[known])) > 0:
            told[out] = calibrations.fit("platt", risks[known], test.labels[known]).apply(risks[out])
        else:
            told[out] = (test.labels[known].sum() + 1) / (known.sum() + 2)
    return log_loss(test.labels, told)


def _enough(labels: NDArray[np.float64], least: int = FEWEST) -> bool:
    return bool(min(labels.sum(), len(labels) - labels.sum()) >= least)
