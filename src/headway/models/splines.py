"""Logistic regression on curves: each feature may bend, and its whole curve can be drawn.

Features are prepared as for plain logistic regression and each becomes a restricted cubic spline, straight beyond its
outer knots (Stone & Koo 1985; Harrell 2015, *Regression Modeling Strategies*, section 2.4.5,
doi:10.1007/978-3-319-19425-7). Bends cost more than slopes, so that few rows give nearly straight lines. What a
feature adds to the log-odds is exact: its curve at the value, less the curve's mean in training.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Final, Literal

import numpy as np

from headway.domain.errors import NotEnoughData
from headway.models.logistic import Columns
from headway.models.logistic import Parameters as Preparation
from headway.models.model import MODELS, Fitted, Floats, Json, Matrix
from headway.models.state import array, decode, encode, numbers
from headway.models.training import sigmoid, training_weights

PART: Final = "splines.json"
LEAST_GAP: Final = 0.05
"""Knots nearer than this, in standard deviations, are one: many features are counts with few different values."""


@dataclass(frozen=True, slots=True)
class Parameters:
    """How to fit.

    Attributes:
        c: inverse strength of the L2 penalty (scikit-learn's C).
        knots: the quantiles of the training values at which curves may bend (Harrell's for five knots).
        bend: size of bends against slopes before the penalty; smaller gives straighter curves.
        skew: as in plain logistic regression.
        reach: likewise.
        iterations: most steps of the solver.
    """

    c: float = 0.001
    knots: tuple[float, ...] = (0.05, 0.275, 0.5, 0.725, 0.95)
    bend: float = 0.25
    skew: float = 2.0
    reach: float = 5.0
    iterations: int = 2000


def basis(values: Floats, knots: Floats) -> list[Floats]:
    """One, the values, and the bends of a restricted cubic spline at each value, each of shape (rows,).

    Args:
        values: shape (rows,).
        knots: ascending; fewer than three give no bends.
    """
    found = [np.ones(len(values)), values]
    if len(knots) < 3:
        return found
    last, before, span = knots[-1], knots[-2], (knots[-1] - knots[0]) ** 2
    at_last, at_before = np.maximum(values - last, 0.0) ** 3, np.maximum(values - before, 0.0) ** 3
    for knot in knots[:-2]:
        bent = np.maximum(values - knot, 0.0) ** 3
        bent = bent - at_before * ((last - knot) / (last - before)) + at_last * ((before - knot) / (last - before))
        found.append(bent / span)
    return found


def knots_of(values: Floats, quantiles: tuple[float, ...]) -> Floats:
    """The quantiles of the values that lie apart, ascending."""
    kept: list[float] = []
    for knot in np.quantile(values, quantiles, method="lower"):
        if not kept or knot - kept[-1] > LEAST_GAP:
            kept.append(float(knot))
    return array(kept)


def turned(columns: Floats) -> Floats:
    """How to turn a spline's columns into a slope and bends that are uncorrelated, shape (columns, columns - 1).

    Without it the penalty would depend on how the same curve is written down. Bends that the rows cannot tell from
    the others become 0.
    """
    _, upper = np.linalg.qr(columns / np.sqrt(len(columns)))
    size = np.abs(np.diag(upper))
    told = size > 1e-6
    turn = np.zeros((columns.shape[1], columns.shape[1]))
    turn[np.ix_(told, told)] = np.linalg.inv(upper[np.ix_(told, told)]) * np.sign(np.diag(upper)[told])
    return turn[:, 1:]


@dataclass(frozen=True, slots=True)
class FittedSplines:
    """Curves on prepared columns.

    Attributes:
        columns: the preparation.
        knots: for each feature, where its curve bends.
        curves: for each feature, the coefficients of its `basis`.
        absent: coefficient of each feature's absence, shape (features,).
        offset: what each feature adds on the mean in training, shape (features,).
        base: log-odds where every feature adds nothing.
        parameters: how they were learned.
    """

    columns: Columns
    knots: tuple[Floats, ...]
    curves: tuple[Floats, ...]
    absent: Floats
    offset: Floats
    base: float
    parameters: dict[str, Json]

    def risk(self, features: Matrix) -> Floats:
        """The sigmoid of base plus contributions, shape (rows,)."""
        return sigmoid(self.base + np.add.reduce(self._by_feature(features), axis=1))

    def contributions(self, features: Matrix) -> Floats:
        """Exact: what each feature's curve and its absence add to the log-odds; base + row sum is the log-odds."""
        found = np.zeros(features.values.shape)
        where = [features.names.index(name) for name in self.columns.names]
        found[:, where] = self._by_feature(features)
        return found

    def facts(self) -> dict[str, Json]:
        """Parameters, base, and each feature's slope and number of bends, steepest first."""
        order = np.argsort([-abs(curve[1]) for curve in self.curves], kind="stable")
        told: list[Json] = [
            {
                "feature": self.columns.names[i],
                "slope": float(self.curves[i][1]),
                "bends": len(self.curves[i]) - 2,
            }
            for i in order
        ]
        return {
            "additive": True,
            "base_log_odds": self.base,
            "parameters": dict(self.parameters),
            "curves": told,
        }

    def state(self) -> dict[str, bytes]:
        """Preparation, knots and coefficients as JSON."""
        return {
            PART: encode(
                {
                    "columns": self.columns.as_json(),
                    "knots": [numbers(knots) for knots in self.knots],
                    "curves": [numbers(curve) for curve in self.curves],
                    "absent": numbers(self.absent),
                    "offset": numbers(self.offset),
                    "base": self.base,
                    "parameters": self.parameters,
                }
            )
        }

    def _by_feature(self, features: Matrix) -> Floats:
        return raw_terms(self.columns.prepare(features), self.knots, self.curves, self.absent) - self.offset


def raw_terms(prepared: Floats, knots: tuple[Floats, ...], curves: tuple[Floats, ...], absent: Floats) -> Floats:
    """Each feature's curve and absence at prepared rows, shape (rows, features), before the training mean is taken.

    Sums run over single columns in a fixed order: a row alone gets the same bits as in a batch.
    """
    size = len(absent)
    terms = prepared[:, size:] * absent
    for i, (own, curve) in enumerate(zip(knots, curves, strict=True)):
        for column, coefficient in zip(basis(prepared[:, i], own), curve, strict=True):
            terms[:, i] += column * coefficient
    return np.ascontiguousarray(terms)


@dataclass(frozen=True, slots=True)
class Splines:
    """L2 logistic regression on restricted cubic splines."""

    parameters: Parameters = Parameters()
    name: str = "splines"
    summary: str = "Logistic regression on curves (restricted cubic splines)"
    trivial: Literal[False] = False
    extra: str | None = None

    def fit(self, features: Matrix, labels: Floats, weights: Floats, seed: int) -> Fitted:
        """The fitted curves; only the ratios of the weights matter.

        Raises:
            NotEnoughData: no rows, one class, or no column that varies.
        """
        from sklearn.linear_model import LogisticRegression

        del seed  # the solver draws nothing
        asked = self.parameters
        scaled = training_weights(features, labels, weights)
        columns = Columns.learn(features, Preparation(skew=asked.skew, reach=asked.reach))
        prepared = columns.prepare(features)
        size = len(columns.names)
        if not (np.concatenate([columns.scale, columns.absent_scale]) > 0).any():
            raise NotEnoughData("No feature varies between the training rows. Choose a later day or another view.")
        knots = tuple(knots_of(prepared[:, i], asked.knots) for i in range(size))
        bases = [np.column_stack(basis(prepared[:, i], own)) for i, own in enumerate(knots)]
        turns = [_weighed(turned(own), asked.bend) for own in bases]
        parts = [own @ turn for own, turn in zip(bases, turns, strict=True)]
        design = np.hstack([prepared[:, size:] - prepared[:, size:].mean(axis=0), *parts])
        varies = design.std(axis=0) > 1e-9
        solver = LogisticRegression(C=asked.c, max_iter=asked.iterations, tol=1e-6)
        solver.fit(design[:, varies], labels, sample_weight=scaled)
        coefficients = np.zeros(design.shape[1])
        coefficients[varies] = solver.coef_[0]
        pieces = np.split(coefficients[size:], np.cumsum([turn.shape[1] for turn in turns])[:-1])
        curves = tuple(turn @ piece for turn, piece in zip(turns, pieces, strict=True))
        absent = coefficients[:size]
        offset = raw_terms(prepared, knots, curves, absent).mean(axis=0)
        kept: dict[str, Json] = {**asdict(asked), "knots": list(asked.knots)}
        return FittedSplines(columns, knots, curves, absent, offset, float(solver.intercept_[0]), kept)

    def restore(self, state: Mapping[str, bytes]) -> Fitted:
        """The curves with the stored numbers.

        Raises:
            InputError: a part of the state is missing.
        """
        kept = decode(state, PART)
        return FittedSplines(
            columns=Columns.of_json(kept["columns"]),
            knots=tuple(array(knots) for knots in kept["knots"]),
            curves=tuple(array(curve) for curve in kept["curves"]),
            absent=array(kept["absent"]),
            offset=array(kept["offset"]),
            base=float(kept["base"]),
            parameters=kept["parameters"],
        )


def _weighed(turn: Floats, bend: float) -> Floats:
    """The turn with bends made smaller, so that the same penalty weighs more on them."""
    return np.asarray(turn * np.where(np.arange(turn.shape[1]) == 0, 1.0, bend), dtype=np.float64)


SPLINES = MODELS.add("splines", Splines())
