"""Logistic regression on prepared columns: the model whose every number can be read.

Each feature becomes one or two columns (its value, and whether it is absent), prepared with statistics of the training
rows only. What a feature adds to the log-odds is exact: coefficient times distance from the training mean.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, ClassVar, Literal

import numpy as np

from headway.domain.errors import NotEnoughData
from headway.models.model import MODELS, Fitted, Floats, Json, Matrix, Model
from headway.models.space import Range, chosen
from headway.models.state import array, decode, encode, numbers
from headway.models.training import known_values, sigmoid, training_weights

PART = "logistic.json"


@dataclass(frozen=True, slots=True)
class Parameters:
    """How to fit.

    Attributes:
        c: inverse strength of the L2 penalty (scikit-learn's C), shared among the columns that vary. Chosen by what
            carries over from one run to another (decision 0008).
        skew: a non-negative column with more skewness than this is put on a log scale.
        reach: prepared values are cut at this many standard deviations, so that no unseen value runs away.
        iterations: most steps of the solver.
    """

    c: float = 0.1
    skew: float = 2.0
    reach: float = 5.0
    iterations: int = 2000


@dataclass(frozen=True, slots=True)
class Columns:
    """How values become standardised columns; arrays of shape (features,) unless said otherwise.

    Attributes:
        names: features in use, sorted.
        logged: whether the value is put on a log scale.
        median: what stands in for an absent value, on that scale.
        mean: what is subtracted.
        scale: what is divided by; 0 drops the column.
        absent_mean: share of absent values in training.
        absent_scale: standard deviation of being absent; 0 where no or every training value is absent.
        reach: where prepared values are cut, in standard deviations.
    """

    names: tuple[str, ...]
    logged: Floats
    median: Floats
    mean: Floats
    scale: Floats
    absent_mean: Floats
    absent_scale: Floats
    reach: float

    def prepare(self, features: Matrix) -> Floats:
        """Standardised values, then standardised absences, shape (rows, 2 * features); dropped columns are 0."""
        values = known_values(features, self.names)
        absent = np.isnan(values)
        scaled = np.where(self.logged == 1, signed_log(values), values)
        filled = np.where(absent, self.median, scaled)
        return np.hstack(
            [
                _standard(filled, self.mean, self.scale, self.reach),
                _standard(absent.astype(np.float64), self.absent_mean, self.absent_scale, np.inf),
            ]
        )

    @classmethod
    def learn(cls, features: Matrix, parameters: Parameters) -> "Columns":
        """The preparation that suits the training rows."""
        names = tuple(sorted(features.names))
        values = known_values(features, names)
        absent = np.isnan(values)
        logged = np.array([_heavy_tailed(column, parameters.skew) for column in values.T], dtype=np.float64)
        scaled = np.where(logged == 1, signed_log(values), values)
        median = np.array([_median(column) for column in scaled.T], dtype=np.float64)
        filled = np.where(absent, median, scaled)
        share = absent.mean(axis=0)
        return cls(
            names=names,
            logged=logged,
            median=median,
            mean=filled.mean(axis=0),
            scale=_spread(filled),
            absent_mean=share,
            absent_scale=np.sqrt(share * (1 - share)),
            reach=parameters.reach,
        )

    def as_json(self) -> dict[str, Json]:
        """The preparation as JSON values."""
        return {
            "names": list(self.names),
            "logged": numbers(self.logged),
            "median": numbers(self.median),
            "mean": numbers(self.mean),
            "scale": numbers(self.scale),
            "absent_mean": numbers(self.absent_mean),
            "absent_scale": numbers(self.absent_scale),
            "reach": self.reach,
        }

    @classmethod
    def of_json(cls, kept: Mapping[str, Any]) -> "Columns":
        """The preparation that `as_json` wrote."""
        held = dict(kept)
        return cls(
            names=tuple(held.pop("names")),
            reach=float(held.pop("reach")),
            **{name: array(values) for name, values in held.items()},
        )


def signed_log(values: Floats) -> Floats:
    """sign(x) log(1 + |x|): a log scale that keeps 0 at 0 and takes any number."""
    return np.asarray(np.sign(values) * np.log1p(np.abs(values)), dtype=np.float64)


def _standard(values: Floats, mean: Floats, scale: Floats, reach: float) -> Floats:
    kept = scale > 0
    with np.errstate(over="ignore"):
        standard = np.where(kept, (values - mean) / np.where(kept, scale, 1.0), 0.0)
    return np.asarray(np.clip(standard, -reach, reach), dtype=np.float64)


def _spread(values: Floats) -> Floats:
    spread = values.std(axis=0)
    noise = 1e-12 * np.maximum(1.0, np.abs(values).max(axis=0))
    return np.asarray(np.where(spread > noise, spread, 0.0), dtype=np.float64)


def _median(column: Floats) -> float:
    present = column[~np.isnan(column)]
    return float(np.median(present)) if len(present) else 0.0


def _heavy_tailed(column: Floats, limit: float) -> bool:
    present = column[~np.isnan(column)]
    if len(present) < 3 or present.min() < 0 or present.max() == present.min():
        return False
    unit = present / present.max()
    away = unit - unit.mean()
    spread = float(np.sqrt(np.mean(away**2)))
    return spread > 0 and float(np.mean((away / spread) ** 3)) > limit


@dataclass(frozen=True, slots=True)
class FittedLogistic:
    """Coefficients on prepared columns; `offset` is the mean of each prepared column in training."""

    columns: Columns
    coefficients: Floats
    offset: Floats
    base: float
    parameters: dict[str, Json]

    def risk(self, features: Matrix) -> Floats:
        """The sigmoid of base plus contributions, shape (rows,)."""
        return sigmoid(self.base + np.add.reduce(self._by_feature(features), axis=1))

    def contributions(self, features: Matrix) -> Floats:
        """Exact: what each feature, with its absence, adds to the log-odds; base + row sum is the log-odds."""
        found = np.zeros(features.values.shape)
        where = [features.names.index(name) for name in self.columns.names]
        found[:, where] = self._by_feature(features)
        return found

    def facts(self) -> dict[str, Json]:
        """Parameters, base and the coefficients per standard deviation, largest first."""
        size = len(self.columns.names)
        order = np.argsort(-np.abs(self.coefficients[:size]), kind="stable")
        told: list[Json] = [
            {"feature": self.columns.names[i], "coefficient": float(self.coefficients[i])} for i in order
        ]
        return {
            "additive": True,
            "base_log_odds": self.base,
            "parameters": dict(self.parameters),
            "log_scale": [n for n, logged in zip(self.columns.names, self.columns.logged, strict=True) if logged],
            "coefficients": told,
        }

    def state(self) -> dict[str, bytes]:
        """Preparation and coefficients as JSON."""
        return {
            PART: encode(
                {
                    "columns": self.columns.as_json(),
                    "coefficients": numbers(self.coefficients),
                    "offset": numbers(self.offset),
                    "base": self.base,
                    "parameters": self.parameters,
                }
            )
        }

    def _by_feature(self, features: Matrix) -> Floats:
        terms = (self.columns.prepare(features) - self.offset) * self.coefficients
        size = len(self.columns.names)
        return np.ascontiguousarray(terms[:, :size] + terms[:, size:])


@dataclass(frozen=True, slots=True)
class Logistic:
    """L2 logistic regression."""

    space: ClassVar[Mapping[str, Range]] = {
        "c": Range(0.03, 100.0, log=True),
        "skew": Range(0.5, 8.0),
        "reach": Range(2.0, 8.0),
    }

    parameters: Parameters = Parameters()
    name: str = "logistic"
    summary: str = "Logistic regression on standardised features"
    trivial: Literal[False] = False

    def fit(self, features: Matrix, labels: Floats, weights: Floats, seed: int) -> Fitted:
        """The fitted regression; only the ratios of the weights matter.

        Raises:
            NotEnoughData: no rows, one class, or no column that varies.
        """
        from sklearn.linear_model import LogisticRegression

        del seed  # the solver draws nothing
        scaled = training_weights(features, labels, weights)
        columns = Columns.learn(features, self.parameters)
        prepared = columns.prepare(features)
        offset = prepared.mean(axis=0)
        varying = np.concatenate([columns.scale, columns.absent_scale]) > 0
        if not varying.any():
            raise NotEnoughData("No feature varies between the training rows. Choose a later day or another view.")
        each = self.parameters.c / np.count_nonzero(varying)
        solver = LogisticRegression(C=each, max_iter=self.parameters.iterations, tol=1e-6)
        solver.fit((prepared - offset)[:, varying], labels, sample_weight=scaled)
        coefficients = np.zeros(prepared.shape[1])
        coefficients[varying] = solver.coef_[0]
        return FittedLogistic(columns, coefficients, offset, float(solver.intercept_[0]), asdict(self.parameters))

    def with_params(self, **values: float) -> Model:
        """The regression with other parameters; see `Tunable`."""
        return replace(self, parameters=chosen(self.parameters, self.space, values))

    def restore(self, state: Mapping[str, bytes]) -> Fitted:
        """The regression with the stored numbers."""
        kept = decode(state, PART)
        columns = Columns.of_json(kept["columns"])
        return FittedLogistic(
            columns, array(kept["coefficients"]), array(kept["offset"]), float(kept["base"]), kept["parameters"]
        )


LOGISTIC = MODELS.add("logistic", Logistic())
