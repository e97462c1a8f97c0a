"""Discrete-time survival: how likely a learner is to leave in each of the coming weeks.

The hazard of a week is the chance of leaving in it for whoever is still there when it begins (Singer and Willett 1993,
doi:10.3102/10769986018002155; for dropping out of studies, Ameri, Fard, Chinnam and Reddy 2016,
doi:10.1145/2983323.2983351). Each learner and week at risk is an observation; whoever is not followed to the event
counts for the weeks that were seen. The link is complementary log-log, so that coefficients are those of a proportional
hazards model in continuous time (Prentice and Gloeckler 1978, doi:10.2307/2529588); what a feature tells may fade with
the weeks ahead.

As a risk model it knows nothing but labels of one window, which is then its only interval: an honest special case, not
a guess at durations. With durations, use `fit_durations`. Promises no draw: the same rows give the same bytes.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Final, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from headway.domain.errors import InputError, NotEnoughData
from headway.models.logistic import Columns
from headway.models.logistic import Parameters as Preparation
from headway.models.model import MODELS, Fitted, Floats, Json, Matrix
from headway.models.state import array, decode, encode, numbers
from headway.models.training import training_weights

Places = NDArray[np.int64]

PART: Final = "survival.json"
REACH: Final = (-30.0, 6.0)
"""Where the linear predictor is cut: beyond, a hazard is 0 or 1 to the last digit."""


@dataclass(frozen=True, slots=True)
class Parameters:
    """How to fit.

    Attributes:
        penalty: strength of the L2 penalty on what features tell at once, for each event: many rows of the same
            learners make their evidence look stronger than it is.
        fading: the same for how that changes with the weeks ahead.
        smooth: strength of the penalty on the difference of neighbouring weeks' baselines.
        weeks: the most weeks ahead that have a baseline of their own; later ones share the last.
        iterations: most steps of the solver.
    """

    penalty: float = 0.5
    fading: float = 2.5
    smooth: float = 5.0
    weeks: int = 60
    iterations: int = 500


class FittedDurations(Protocol):
    """A model of the coming weeks."""

    def hazards(self, features: Matrix, weeks: int) -> Floats:
        """The hazard of each of the coming weeks, shape (rows, weeks), in [0, 1]."""
        ...

    def facts(self) -> dict[str, Json]:
        """What a model card should say about it."""
        ...


def still_there(hazards: Floats) -> Floats:
    """The chance to be still there after each week, shape (rows, weeks)."""
    return np.asarray(np.cumprod(1.0 - hazards, axis=1), dtype=np.float64)


def leaves_within(model: FittedDurations, features: Matrix, weeks: int) -> Floats:
    """The chance of leaving within so many weeks, shape (rows,)."""
    return np.asarray(1.0 - still_there(model.hazards(features, weeks))[:, -1], dtype=np.float64)


def weeks_of(days: Floats, seen: Floats) -> Floats:
    """How many weeks each learner was at risk: with the week of the event, else the whole weeks that were followed.

    Args:
        days: shape (rows,): days from the as-of time to the event or the end of following.
        seen: shape (rows,): whether it was the event.
    """
    return np.asarray(np.where(seen == 1, np.maximum(np.ceil(days / 7), 1), np.floor(days / 7)), dtype=np.float64)


@dataclass(frozen=True, slots=True)
class FittedSurvival:
    """Coefficients on prepared columns, and a baseline for each week ahead.

    Attributes:
        columns: how values become columns.
        at_once: what each column adds to the log cumulative hazard of the first week.
        fading: what it adds beside that, times `fade` of the week.
        offset: the mean of each prepared column in training.
        baseline: shape (weeks,): the level of each week ahead.
        parameters: how it was fitted.
    """

    columns: Columns
    at_once: Floats
    fading: Floats
    offset: Floats
    baseline: Floats
    parameters: dict[str, Json]

    def hazards(self, features: Matrix, weeks: int) -> Floats:
        """The hazard of each of the coming weeks, shape (rows, weeks); weeks never seen have the last baseline."""
        if weeks < 1:
            raise InputError(f"{weeks} weeks ahead are none. Ask for at least one.")
        place = np.minimum(np.arange(weeks), len(self.baseline) - 1)
        terms = self.columns.prepare(features) - self.offset
        at_once, fading = (np.add.reduce(terms * weight, axis=1) for weight in (self.at_once, self.fading))
        eta = self.baseline[place] + at_once[:, None] + fading[:, None] * fade(len(self.baseline))[place]
        return np.asarray(-np.expm1(-np.exp(np.clip(eta, *REACH))), dtype=np.float64)

    def risk(self, features: Matrix) -> Floats:
        """The hazard of the first week, shape (rows,): of the label's window, where it learned labels."""
        return np.ascontiguousarray(self.hazards(features, 1)[:, 0])

    def contributions(self, features: Matrix) -> Floats:
        """Exact on the log-odds scale; base + row sum is the log-odds of the first week.

        What each feature adds to the log cumulative hazard is exact. Log-odds depend on the sum of these parts alone,
        so that their Aumann-Shapley shares are the parts times one positive number a row (see `forest`).
        """
        terms = (self.columns.prepare(features) - self.offset) * self.at_once
        size = len(self.columns.names)
        parts = np.ascontiguousarray(terms[:, :size] + terms[:, size:])
        change = np.add.reduce(parts, axis=1)
        told = np.abs(change) > 1e-9
        slope = np.where(told, (self._odds(change) - self._odds(np.zeros(1))) / np.where(told, change, 1.0), 1.0)
        found = np.zeros(features.values.shape)
        where = [features.names.index(name) for name in self.columns.names]
        found[:, where] = parts * slope[:, None]
        return found

    def _odds(self, eta: Floats) -> Floats:
        """The log-odds of the first week where features add `eta` to its log cumulative hazard."""
        rate = np.exp(np.clip(self.baseline[0] + eta, *REACH))
        return np.asarray(np.log(np.expm1(rate)), dtype=np.float64)

    def facts(self) -> dict[str, Json]:
        """Parameters, the hazard of a middling learner by week, and coefficients per standard deviation."""
        size = len(self.columns.names)
        order = np.argsort(-np.abs(self.at_once[:size]), kind="stable")
        told: list[Json] = [
            {"feature": self.columns.names[i], "coefficient": float(self.at_once[i]), "fading": float(self.fading[i])}
            for i in order
        ]
        middling = -np.expm1(-np.exp(np.clip(self.baseline, *REACH)))
        about: dict[str, Json] = {"additive": True, "link": "complementary log-log", "weeks": len(self.baseline)}
        return about | {
            "base_log_odds": float(self._odds(np.zeros(1))[0]),
            "parameters": dict(self.parameters),
            "hazard_by_week": numbers(middling),
            "coefficients": told,
        }

    def state(self) -> dict[str, bytes]:
        """Preparation, coefficients and baseline as JSON."""
        kept: dict[str, Json] = {
            "columns": self.columns.as_json(),
            "at_once": numbers(self.at_once),
            "fading": numbers(self.fading),
            "offset": numbers(self.offset),
            "baseline": numbers(self.baseline),
            "parameters": self.parameters,
        }
        return {PART: encode(kept)}


def fit_durations(
    features: Matrix, weeks: Floats, seen: Floats, weights: Floats, parameters: Parameters | None = None
) -> FittedSurvival:
    """The fitted hazards of the coming weeks.

    Args:
        features: the training rows, as of a time.
        weeks: shape (rows,): weeks at risk after it, see `weeks_of`; rows of none say nothing.
        seen: shape (rows,): 1 where the last of these weeks had the event, 0 where following ended.
        weights: shape (rows,), positive; only their ratios matter.
        parameters: how to fit.

    Raises:
        InputError: shapes differ, or weeks that are no whole numbers.
        NotEnoughData: no rows, nobody who left, nobody who stayed, or no column that varies.
    """
    chosen = parameters or Parameters()
    scaled = training_weights(features, seen, weights)
    if weeks.shape != seen.shape or (weeks < seen).any() or not (weeks == np.floor(weeks)).all():
        raise InputError("Weeks must be whole numbers, one for each row, and at least one where the event was seen.")
    columns = Columns.learn(features, Preparation())
    if not (np.concatenate([columns.scale, columns.absent_scale]) > 0).any():
        raise NotEnoughData("No feature varies between the training rows. Choose a later day or another view.")
    prepared = columns.prepare(features)
    offset = prepared.mean(axis=0)
    ahead = int(np.clip(weeks.max(), 1, chosen.weeks))
    size = prepared.shape[1]
    task = _Task(prepared - offset, np.minimum(weeks, ahead), np.where(weeks > ahead, 0.0, seen), scaled, chosen)
    solved = task.solve(ahead)
    at_once, fading, baseline = solved[:size], solved[size : 2 * size], solved[2 * size :]
    return FittedSurvival(columns, at_once, fading, offset, baseline, asdict(chosen))


def fade(weeks: int) -> Floats:
    """How far each week ahead is from the first, on a log scale from 0 to 1, shape (weeks,)."""
    return np.asarray(np.log1p(np.arange(weeks)) / np.log(max(weeks, 2)), dtype=np.float64)


@dataclass(frozen=True, slots=True)
class _Task:
    """What is minimised: the penalised negative log-likelihood of all learners' weeks at risk."""

    rows: Floats
    weeks: Floats
    seen: Floats
    weights: Floats
    parameters: Parameters

    def solve(self, ahead: int) -> Floats:
        """The coefficients at once, fading, and the baseline, one after the other."""
        from scipy.optimize import minimize

        size = self.rows.shape[1]
        weighted = (np.arange(ahead) < self.weeks[:, None]) * self.weights[:, None]
        who = np.flatnonzero((self.seen == 1) & (self.weeks > 0))
        events = who, self.weeks[who].astype(np.int64) - 1
        share = float(self.weights[who].sum() / max(weighted.sum(), 1e-12))
        start = np.zeros(2 * size + ahead)
        start[2 * size :] = np.log(-np.log1p(-np.clip(share, 1e-6, 1 - 1e-6)))
        told = minimize(
            lambda found: self._loss(found, weighted, events),
            start,
            jac=True,
            method="L-BFGS-B",
            options={"maxiter": self.parameters.iterations, "ftol": 1e-8, "gtol": 1e-3},
        )
        return np.asarray(told.x, dtype=np.float64)

    def _loss(self, found: Floats, weighted: Floats, events: tuple[Places, Places]) -> tuple[float, Floats]:
        size, ahead = self.rows.shape[1], weighted.shape[1]
        at_once, fading, baseline = found[:size], found[size : 2 * size], found[2 * size :]
        fades = fade(ahead)
        eta = baseline + (self.rows @ at_once)[:, None] + (self.rows @ fading)[:, None] * fades
        rate = np.exp(np.minimum(eta, REACH[1]))
        # A week without the event adds its rate; the few with one are put right afterwards.
        slope = weighted * rate
        own, weight = np.maximum(rate[events], np.exp(REACH[0])), weighted[events]
        loss = float(slope.sum() - (weight * (own + np.log(-np.expm1(-own)))).sum())
        slope[events] -= weight * (own + own / np.expm1(own))
        jumps = np.diff(baseline)
        smooth = self.parameters.smooth
        penalty, fading_penalty = (len(events[0]) * each for each in (self.parameters.penalty, self.parameters.fading))
        loss += penalty * float(at_once @ at_once) + fading_penalty * float(fading @ fading)
        loss += smooth * float(jumps @ jumps)
        to_baseline = slope.sum(axis=0)
        to_baseline[:-1] -= 2 * smooth * jumps
        to_baseline[1:] += 2 * smooth * jumps
        to_at_once = self.rows.T @ slope.sum(axis=1) + 2 * penalty * at_once
        to_fading = self.rows.T @ (slope @ fades) + 2 * fading_penalty * fading
        return loss, np.concatenate([to_at_once, to_fading, to_baseline])


@dataclass(frozen=True, slots=True)
class Survival:
    """The hazard of one interval, the label's window."""

    parameters: Parameters = field(default_factory=lambda: Parameters(penalty=0.1))
    name: str = "survival"
    summary: str = "Discrete-time hazard with the complementary log-log link"
    trivial: Literal[False] = False

    def fit(self, features: Matrix, labels: Floats, weights: Floats, seed: int) -> Fitted:
        """The fitted hazard; only the ratios of the weights matter.

        Raises:
            NotEnoughData: no rows, one class, or no column that varies.
        """
        del seed  # nothing is drawn
        return fit_durations(features, np.ones(labels.shape), labels, weights, self.parameters)

    def restore(self, state: Mapping[str, bytes]) -> Fitted:
        """The hazard with the stored numbers."""
        return restored(state)


def restored(state: Mapping[str, bytes]) -> FittedSurvival:
    """The hazards that `FittedSurvival.state` wrote.

    Raises:
        InputError: a part of the state is missing or damaged.
    """
    kept = decode(state, PART)
    at_once, fading, offset, baseline = (array(kept[name]) for name in ("at_once", "fading", "offset", "baseline"))
    return FittedSurvival(Columns.of_json(kept["columns"]), at_once, fading, offset, baseline, kept["parameters"])


SURVIVAL = MODELS.add("survival", Survival())
