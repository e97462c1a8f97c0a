"""Few positives: class weights, SMOTE, undersampling and a moved threshold, and what each does to the figures.

A method wraps a model, so that it can see nothing but the rows a fit is given: resampling before a split cannot be
written down. Promises that calibration and tests always happen on rows as they come, never on resampled ones.
Balancing shifts every risk; it rarely helps to tell learners apart, and calibration has to undo it (van den Goorbergh
et al. 2022, doi:10.1093/jamia/ocac093). The report shows whether that holds for the data at hand.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

import numpy as np

from headway.domain.errors import InputError, NotEnoughData, UnknownName
from headway.domain.extensions import needs
from headway.evaluation.assess import Measure, figures
from headway.evaluation.decisions import Costs
from headway.evaluation.intervals import known
from headway.evaluation.metrics import brier, confusion, ece
from headway.evaluation.paradigms import Bench, Paradigm, Question, answer
from headway.evaluation.ranges import Comparable
from headway.models.model import Fitted, Floats, Json, Matrix, Model, wants_history
from headway.models.training import balanced_weights

How = Literal["none", "weights", "smote", "undersample", "threshold"]
HOWS: Final[tuple[How, ...]] = ("none", "weights", "smote", "undersample", "threshold")

NEIGHBOURS: Final = 5
"""Neighbours that SMOTE draws from (Chawla et al. 2002, doi:10.1613/jair.953)."""


@dataclass(frozen=True, slots=True)
class Resampled:
    """A model whose fit first evens out the classes of the rows it is given.

    Weights that it is given keep their ratios within a class; between classes the method decides.
    """

    model: Model
    how: How

    @property
    def name(self) -> str:
        """The model's name and the method."""
        return f"{self.model.name}+{self.how}"

    @property
    def summary(self) -> str:
        """The model's line, with the method."""
        return f"{self.model.summary}; classes: {self.how}"

    @property
    def trivial(self) -> bool:
        """As the model."""
        return self.model.trivial

    @property
    def wants_history(self) -> bool:
        """As the model."""
        return wants_history(self.model)

    def fit(self, features: Matrix, labels: Floats, weights: Floats, seed: int) -> Fitted:
        """The model fitted on the evened out rows.

        Raises:
            NotEnoughData: one class, or too few of one to draw neighbours from.
            InputError: SMOTE for a model that reads histories.
            ConfigError: SMOTE or undersampling without the extra `models`.
        """
        within = _within_class(labels, weights)
        if self.how == "weights":
            return self.model.fit(features, labels, within * balanced_weights(labels), seed)
        if self.how == "undersample":
            kept = _undersampled(labels, seed)
            return self.model.fit(features.rows(kept), labels[kept], within[kept], seed)
        if self.how == "smote":
            return self.model.fit(*_smote(features, labels, within, seed), seed)
        return self.model.fit(features, labels, within, seed)

    def restore(self, state: Mapping[str, bytes]) -> Fitted:
        """What the model restores: evening out leaves no trace but in what was learned."""
        return self.model.restore(state)


def resampled(model: Model, how: How) -> Model:
    """The model, evening out the classes of whatever rows it is fitted on; "none" and "threshold" leave rows alone.

    Raises:
        UnknownName: no such method.
    """
    if how not in HOWS:
        raise UnknownName.of("method", how, HOWS)
    return Resampled(model, how)


def moved_threshold(past: Comparable, costs: Costs) -> float:
    """The risk from which on contacts would have cost least among past held-out learners; above 1 if none does."""
    if not len(past.risks):
        return costs.threshold
    below = np.concatenate([[0.0], past.learners])
    missed = np.concatenate([[0.0], past.positives])
    cost = costs.miss * missed + costs.contact * (below[-1] - below)
    # Of equal costs the fewest contacts.
    best = int(np.flatnonzero(np.isclose(cost, cost.min(), rtol=1e-12, atol=1e-12))[-1])
    return float(past.risks[best]) if best < len(past.risks) else float(np.nextafter(1.0, 2.0))


def imbalance_rows(
    bench: Bench, question: Question, paradigm: Paradigm, model: Model, measure: Measure, protocol: str
) -> list[dict[str, Json]]:
    """A row of figures for each method, as an evaluation has them, with `imbalance` beside.

    `imbalance` holds `how`, `brier_raw` and `ece_raw` (before calibration), and `decided`: what the method's own
    threshold does, 0.5 on risks before calibration, but for "threshold" the cheapest on past held-out learners.
    """
    about: dict[str, Json] = {"protocol": protocol, "paradigm": paradigm}
    rows = []
    for how in HOWS:
        tried = resampled(model, how)
        row: dict[str, Json] = about | {"model": tried.name, "test": question.test_run, "day": question.day}
        said = answer(bench, question, paradigm, tried)
        raw = said.risks if said.raw is None else said.raw
        told, threshold = raw, 0.5
        if how == "threshold":
            past = said.past
            told, threshold = (
                said.risks,
                measure.costs.threshold if past is None else moved_threshold(past, measure.costs),
            )
        row["train"] = list(said.learned_from)
        row |= figures(said.test, said.risks, measure, said.past)
        row["imbalance"] = {
            "how": how,
            "brier_raw": known(brier(said.test.labels, raw)),
            "ece_raw": known(ece(said.test.labels, raw)),
            "decided": _decided(said.test.labels, told, threshold),
        }
        rows.append(row | {"rows_learned": said.rows_learned, "note": None})
    return rows


def _decided(labels: Floats, risks: Floats, threshold: float) -> dict[str, Json]:
    found = confusion(labels, risks, threshold)
    return {
        "threshold": threshold,
        "flagged": found.flagged_positive + found.flagged_negative,
        "precision": known(found.precision),
        "recall": known(found.recall),
        "f1": known(found.f1),
    }


def _within_class(labels: Floats, weights: Floats) -> Floats:
    """The weights, with mean 1 in each class."""
    found = np.asarray(weights, dtype=np.float64).copy()
    for which in (0.0, 1.0):
        of_class = labels == which
        if of_class.any():
            found[of_class] /= found[of_class].mean()
    return found


def _undersampled(labels: Floats, seed: int) -> np.ndarray[Any, np.dtype[np.int64]]:
    """The rows that stay: all of the smaller class, as many of the other by lot."""
    _refuse_one_class(labels)
    sampler = needs("models", "imblearn.under_sampling").RandomUnderSampler(random_state=seed)
    sampler.fit_resample(np.arange(len(labels), dtype=np.float64)[:, None], labels)
    return np.sort(np.asarray(sampler.sample_indices_, dtype=np.int64))


def _smote(features: Matrix, labels: Floats, weights: Floats, seed: int) -> tuple[Matrix, Floats, Floats]:
    """The rows with as many made-up ones of the smaller class as it lacks.

    Distances are between values scaled on these rows, medians of these rows standing in for what is absent; which
    values are absent is itself a column, so that made-up rows lack what their neighbours lack. Groups and eras are
    left behind: a made-up row lies between two learners and belongs to neither, so no model may hold out by them.
    """
    if features.history is not None:
        raise InputError("SMOTE cannot make up histories. Use weights or undersample with a model of sequences.")
    _refuse_one_class(labels)
    fewest = int(min(labels.sum(), len(labels) - labels.sum()))
    if fewest < 2:
        raise NotEnoughData("SMOTE needs two rows of the smaller class. Learn from more runs.")
    absent = np.isnan(features.values)
    with_any = ~absent.all(axis=0)
    middle = np.zeros(features.values.shape[1])
    middle[with_any] = np.nanmedian(features.values[:, with_any], axis=0)
    filled = np.where(absent, middle, features.values)
    centre, scale = filled.mean(axis=0), filled.std(axis=0)
    scale = np.where(scale > 0, scale, 1.0)
    design = np.hstack([(filled - centre) / scale, absent.astype(np.float64)])
    sampler = needs("models", "imblearn.over_sampling").SMOTE(
        random_state=seed, k_neighbors=min(NEIGHBOURS, fewest - 1)
    )
    grown, grown_labels = sampler.fit_resample(design, labels)
    new = np.asarray(grown[len(labels) :], dtype=np.float64)
    width = features.values.shape[1]
    made_up = np.where(new[:, width:] > 0.5, np.nan, new[:, :width] * scale + centre)
    together = replace(
        features, values=np.concatenate([features.values, made_up]), history=None, groups=None, eras=None
    )
    every = np.concatenate([weights, np.ones(len(new))])
    return together, np.asarray(grown_labels, dtype=np.float64), every


def _refuse_one_class(labels: Floats) -> None:
    if not 0 < labels.sum() < len(labels):
        raise NotEnoughData("All rows have the same label: there is nothing to even out. Add runs that have both.")
