"""Stacked models: log-odds of several models, weighed by how well each told learners and runs it had not learned from.

After Wolpert 1992 (doi:10.1016/S0893-6080(05)80023-1) with weights that are never negative (Breiman 1996,
doi:10.1007/BF00117832). Promises that no weight rests on a risk from a model that learned from the same learner, and,
where there are several runs, from the same or a later run: weights answer the question that a new run will ask.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from importlib.util import find_spec
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from headway.domain.errors import InputError
from headway.models.boosting import Boosting
from headway.models.boosting import Parameters as Growing
from headway.models.ebm import EBM, Machine
from headway.models.forest import FOREST, Forest
from headway.models.logistic import LOGISTIC
from headway.models.model import MODELS, Fitted, Floats, Json, Matrix, Model
from headway.models.state import decode, encode
from headway.models.training import log_odds, sigmoid, training_weights

PART: Final = "stacked.json"
PARTS: Final[Mapping[str, Model]] = {
    "logistic": LOGISTIC,
    "boosting": Boosting(Growing(trees=100, leaves=7, leaf_share=0.03, leaf_most=500, feature_share=0.3, l2=50.0)),
    "forest": Forest(replace(FOREST.parameters, trees=50)),
    "ebm": Machine(replace(EBM.parameters, bags=2)),
}
"""All smaller than alone: what more trees and bags even out, the other parts even out too. Boosting is held back as
suits runs of other courses, where it otherwise does worst."""

OPTIONAL: Final = {"ebm": "interpret"}
"""Parts that are left out where their library is not installed."""

FOLDS: Final = 2
"""Groups of learners that are left out in turn where there is one run only; each costs a fit of every part."""

CUTS: Final = 2
"""So many times, at most, all earlier runs are learned from to tell the next ones."""

FEWEST_OF_A_CLASS: Final = 10
"""With fewer held-out rows of a class there is nothing to learn weights from; all parts then weigh the same."""

RIDGE: Final = 0.05
"""How much a weight's squared distance from an equal share costs, in mean log loss."""

EDGE: Final = 1e-6

Bools = NDArray[np.bool_]
Split = tuple[Bools, Bools]


@dataclass(frozen=True, slots=True)
class FittedStack:
    """The fitted parts and what each counts.

    Attributes:
        parts: by name.
        weights: of each part's log-odds, none negative, together 1.
        learned_on: how the weights were learned, for the model card.
    """

    parts: dict[str, Fitted]
    weights: dict[str, float]
    learned_on: dict[str, Json]

    def risk(self, features: Matrix) -> Floats:
        """The sigmoid of the weighted log-odds, shape (rows,)."""
        total = np.zeros(len(features))
        for name, part in self.parts.items():
            total += self.weights[name] * odds_of(part, features)
        return sigmoid(total)

    def contributions(self, features: Matrix) -> Floats:
        """The weighted contributions of the parts, each exact on log-odds; base + row sum is the log-odds."""
        found = np.zeros(features.values.shape)
        for name, part in self.parts.items():
            found += self.weights[name] * part.contributions(features)
        return found

    def facts(self) -> dict[str, Json]:
        """Weights, how they were learned, and the facts of each part."""
        facts: dict[str, Json] = {name: part.facts() for name, part in self.parts.items()}
        bases = {name: float(str(part.facts()["base_log_odds"])) for name, part in self.parts.items()}
        return {
            "additive": True,
            "base_log_odds": sum(self.weights[name] * base for name, base in bases.items()),
            "weights": dict(self.weights),
            "learned_on": dict(self.learned_on),
            "parts": facts,
        }

    def state(self) -> dict[str, bytes]:
        """The files of each part, its name before theirs, and the weights as JSON."""
        own: dict[str, Json] = {
            "parts": list(self.parts),
            "weights": dict(self.weights),
            "learned_on": dict(self.learned_on),
        }
        kept = {f"{name}-{file}": data for name, part in self.parts.items() for file, data in part.state().items()}
        return {PART: encode(own)} | kept


def odds_of(part: Fitted, features: Matrix) -> Floats:
    """The log-odds of a part's risks, shape (rows,)."""
    return log_odds(np.clip(part.risk(features), EDGE, 1 - EDGE))


def installed() -> dict[str, Model]:
    """The parts whose libraries are there."""
    return {name: part for name, part in PARTS.items() if name not in OPTIONAL or find_spec(OPTIONAL[name])}


def splits(features: Matrix, labels: Floats, seed: int) -> list[Split]:
    """Which rows to learn from and which to tell, for each held-out fit; no learner is in both.

    With several runs (`Matrix.eras`) those told come later than all that was learned from. With one run, or where the
    earlier ones do not have both classes, learners (`Matrix.groups`) are dealt out into folds.
    """
    groups = np.arange(len(labels)) if features.groups is None else features.groups
    forward = [] if features.eras is None else [*_by_time(features.eras, groups, labels)]
    return forward or [*_by_learner(groups, labels, seed)]


def _by_time(eras: NDArray[np.int64], groups: NDArray[np.int64], labels: Floats) -> Iterator[Split]:
    """The later runs in at most `CUTS` blocks, each told from all runs before it, without its learners."""
    different = np.unique(eras)
    blocks = np.array_split(different, min(len(different), CUTS + 1))
    for block in blocks[1:]:
        out = np.isin(eras, block)
        rest = (eras < block[0]) & ~np.isin(groups, groups[out])
        if _both(labels[rest]) and _both(labels[out]):
            yield rest, out


def _by_learner(groups: NDArray[np.int64], labels: Floats, seed: int) -> Iterator[Split]:
    """Whole learners, those who were ever positive dealt out evenly."""
    different, of_row = np.unique(groups, return_inverse=True)
    ever = np.zeros(len(different))
    np.maximum.at(ever, of_row, labels)
    shuffled = np.random.default_rng(seed).permutation(len(different))
    fold = np.empty(len(different), dtype=np.int64)
    fold[shuffled[np.argsort(ever[shuffled], kind="stable")]] = np.arange(len(different)) % FOLDS
    for k in range(FOLDS):
        out = np.asarray(fold[of_row] == k, dtype=np.bool_)
        if _both(labels[~out]) and out.any():
            yield ~out, out


def _both(labels: Floats) -> bool:
    positives = float(labels.sum())
    return min(positives, len(labels) - positives) >= FEWEST_OF_A_CLASS


def weigh(odds: Floats, labels: Floats, weights: Floats) -> Floats:
    """Weights of the columns of log-odds, shape (parts,), none negative, together 1.

    They have the least penalised log loss together with a scale and a shift. Those are then left out: how sure to be,
    and how many do not finish, differs from run to run and is what calibration is for.

    Args:
        odds: held-out log-odds, shape (rows, parts).
        labels: shape (rows,).
        weights: of the rows.
    """
    from scipy.optimize import minimize

    parts = odds.shape[1]
    share = weights / weights.sum()

    def loss(asked: Floats) -> tuple[float, Floats]:
        total = odds @ asked[:-1] + asked[-1]
        away = asked[:-1] - 1 / parts
        value = float(share @ (np.logaddexp(0.0, total) - labels * total)) + RIDGE * float(away @ away)
        slope = share * (sigmoid(total) - labels)
        return value, np.append(odds.T @ slope + 2 * RIDGE * away, slope.sum())

    begin = np.append(np.full(parts, 1 / parts), 0.0)
    bounds = [(0.0, None)] * parts + [(None, None)]
    found = minimize(loss, begin, jac=True, method="L-BFGS-B", bounds=bounds, options={"ftol": 1e-12, "gtol": 1e-8})
    kept = np.maximum(found.x[:-1], 0.0)
    return kept / kept.sum() if kept.sum() > 0 else np.full(parts, 1 / parts)


@dataclass(frozen=True, slots=True)
class Stacked:
    """A weighted sum of log-odds."""

    name: str = "stacked"
    summary: str = "Logistic regression, boosting, forest and EBM, weighed by what held-out learners and later runs say"
    trivial: Literal[False] = False
    extra: str | None = None

    def fit(self, features: Matrix, labels: Floats, weights: Floats, seed: int) -> Fitted:
        """The parts fitted on all rows, with weights from fits on some of them; see `splits`.

        Raises:
            NotEnoughData: no rows, one class, or no column that varies.
        """
        scaled = training_weights(features, labels, weights)
        models = installed()
        odds = np.full((len(labels), len(models)), np.nan)
        used = splits(features, labels, seed)
        for rest, out in used:
            learn, tell = features.rows(rest), features.rows(out)
            for at, model in enumerate(models.values()):
                odds[out, at] = odds_of(model.fit(learn, labels[rest], scaled[rest], seed), tell)
        told = ~np.isnan(odds).any(axis=1)
        found = np.full(len(models), 1 / len(models))
        if _both(labels[told]):
            found = weigh(odds[told], labels[told], scaled[told])
        parts = {name: model.fit(features, labels, weights, seed) for name, model in models.items()}
        by_run = features.eras is not None and all(
            features.eras[rest].max() < features.eras[out].min() for rest, out in used
        )
        learned: dict[str, Json] = {"held_out_rows": int(told.sum()), "fits": len(used), "later_runs": by_run}
        return FittedStack(parts, dict(zip(models, map(float, found), strict=True)), learned)

    def restore(self, state: Mapping[str, bytes]) -> Fitted:
        """The parts that the stored files describe, with their weights; needs no extra.

        Raises:
            InputError: a file is missing.
        """
        kept = decode(state, PART)
        parts = {}
        for name in kept["parts"]:
            own = {file.removeprefix(f"{name}-"): data for file, data in state.items() if file.startswith(f"{name}-")}
            if not own:
                raise InputError(f"The stored state has nothing of {name!r}. Train it again.")
            parts[name] = PARTS[name].restore(own)
        return FittedStack(parts, dict(kept["weights"]), kept["learned_on"])


STACKED = MODELS.add("stacked", Stacked())
