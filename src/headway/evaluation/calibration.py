"""Calibrations: from a model's risk to a risk that means what it says.

Promises maps that never turn an order around, that keep away from 0 and 1, and whose state is JSON. They must be fitted
on rows that the model did not learn from; the caller sees to that.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from headway.domain.errors import InputError, NotEnoughData, UnknownName
from headway.models.model import Floats, Json
from headway.models.state import array, decode, encode, numbers
from headway.models.training import log_odds, sigmoid

PART = "calibration.json"

EDGE = 1e-6
"""Risks nearer to 0 or 1 than this are moved here before their log-odds are taken."""

FEW_OF_A_CLASS = 10
"""With fewer rows of either class, `choose` leaves the risks as they are."""

MANY_ROWS = 1000
"""Isotonic regression overfits below about this many rows (Niculescu-Mizil and Caruana 2005)."""


class Calibration(Protocol):
    """A fitted map from risk to calibrated risk."""

    @property
    def method(self) -> str:
        """Its name in `METHODS`."""
        ...

    def apply(self, risks: Floats) -> Floats:
        """The calibrated risks, shape of `risks`, in [0, 1], never in a different order."""
        ...

    def parameters(self) -> dict[str, Json]:
        """The numbers it learned."""
        ...


@dataclass(frozen=True, slots=True)
class Identity:
    """Leaves risks as they are."""

    method: str = "identity"

    def apply(self, risks: Floats) -> Floats:
        """The risks themselves."""
        return checked_risks(risks).copy()

    def parameters(self) -> dict[str, Json]:
        """Nothing."""
        return {}


@dataclass(frozen=True, slots=True)
class Platt:
    """A straight line on the log-odds (Platt 1999, on log-odds rather than on margins)."""

    slope: float
    intercept: float
    method: str = "platt"

    def apply(self, risks: Floats) -> Floats:
        """The sigmoid of slope times log-odds plus intercept."""
        return sigmoid(self.slope * _inner_log_odds(risks) + self.intercept)

    def parameters(self) -> dict[str, Json]:
        """Slope and intercept."""
        return {"slope": self.slope, "intercept": self.intercept}


@dataclass(frozen=True, slots=True)
class Beta:
    """Separate slopes for the two ends (Kull, Silva Filho and Flach 2017)."""

    rise: float
    fall: float
    intercept: float
    method: str = "beta"

    def apply(self, risks: Floats) -> Floats:
        """The sigmoid of rise log(r) - fall log(1 - r) + intercept."""
        inner = np.clip(checked_risks(risks), EDGE, 1 - EDGE)
        return sigmoid(self.rise * np.log(inner) - self.fall * np.log1p(-inner) + self.intercept)

    def parameters(self) -> dict[str, Json]:
        """Both slopes and the intercept."""
        return {"rise": self.rise, "fall": self.fall, "intercept": self.intercept}


@dataclass(frozen=True, slots=True)
class Isotonic:
    """The best rising steps (Zadrozny and Elkan 2002), joined by straight lines; it ties risks within a step."""

    risks: Floats
    shares: Floats
    method: str = "isotonic"

    def apply(self, risks: Floats) -> Floats:
        """The value of the line at each risk; beyond the ends, the end's value."""
        return np.asarray(np.interp(checked_risks(risks), self.risks, self.shares), dtype=np.float64)

    def parameters(self) -> dict[str, Json]:
        """The knots."""
        return {"risks": numbers(self.risks), "shares": numbers(self.shares)}


@dataclass(frozen=True, slots=True)
class Moderated:
    """The mean of several calibrations, drawn towards even odds for what a new run may do differently.

    A run differs from those before it by an offset and a slope that nobody knows yet. Averaging the risk over both, as
    normal with mean 0 and 1, divides the log-odds z by about sqrt(1 + pi/8 (offset_sd^2 + slope_sd^2 z^2)) (MacKay
    1992, doi:10.1162/neco.1992.4.5.720). Risks stay in their order.

    Attributes:
        parts: the calibrations; their mean is taken on the log-odds.
        offset_sd: standard deviation of a run's offset, in log-odds.
        slope_sd: standard deviation of a run's slope.
    """

    parts: tuple[Calibration, ...]
    offset_sd: float
    slope_sd: float
    method: str = "moderated"

    def apply(self, risks: Floats) -> Floats:
        """The sigmoid of the moderated mean log-odds."""
        mean = np.mean([_inner_log_odds(part.apply(risks)) for part in self.parts], axis=0)
        spread = self.offset_sd**2 + (self.slope_sd * mean) ** 2
        return sigmoid(np.asarray(mean / np.sqrt(1 + np.pi / 8 * spread), dtype=np.float64))

    def parameters(self) -> dict[str, Json]:
        """The parts with their numbers, and both standard deviations."""
        parts: list[Json] = [{"method": part.method, **part.parameters()} for part in self.parts]
        return {"parts": parts, "offset_sd": self.offset_sd, "slope_sd": self.slope_sd}


def fit(method: str, risks: Floats, labels: Floats, weights: Floats | None = None) -> Calibration:
    """The calibration of that name, fitted.

    Args:
        method: one of `METHODS`.
        risks: shape (rows,), of rows that the model did not learn from.
        labels: shape (rows,), 0 or 1.
        weights: shape (rows,), positive; all 1 where None. Leave out the class weights that the model was trained
            with: a calibrated risk is a share of the rows as they come.

    Raises:
        UnknownName: no such method.
        InputError: shapes differ, or a risk is outside [0, 1].
        NotEnoughData: no rows; or one class, for any method but "identity".
    """
    if method not in METHODS:
        raise UnknownName.of("calibration", method, METHODS)
    given = np.ones(len(risks)) if weights is None else weights
    if labels.shape != risks.shape or given.shape != risks.shape:
        raise InputError(
            f"Risks {risks.shape}, labels {labels.shape}, weights {given.shape}. Give one of each per row."
        )
    checked_risks(risks)
    if method != "identity" and (not len(labels) or labels.min() == labels.max()):
        raise NotEnoughData("Calibration needs rows of both labels. Calibrate on a longer slice of the past.")
    return METHODS[method](risks, labels, given)


def state(calibration: Calibration) -> dict[str, bytes]:
    """Everything `restore` needs, as JSON."""
    return {PART: encode({"method": calibration.method, **calibration.parameters()})}


def restore(kept: Mapping[str, bytes]) -> Calibration:
    """The calibration that `kept` came from; it maps every risk to the same bits.

    Raises:
        InputError: the state is damaged.
    """
    return _made(decode(kept, PART))


def _made(found: dict[str, Any]) -> Calibration:
    made: dict[str, Callable[[dict[str, Any]], Calibration]] = {
        "identity": lambda _: Identity(),
        "platt": lambda of: Platt(of["slope"], of["intercept"]),
        "beta": lambda of: Beta(of["rise"], of["fall"], of["intercept"]),
        "isotonic": lambda of: Isotonic(array(of["risks"]), array(of["shares"])),
        "moderated": lambda of: Moderated(tuple(map(_made, of["parts"])), of["offset_sd"], of["slope_sd"]),
    }
    method = str(found.get("method"))
    if method not in made:
        raise UnknownName.of("calibration", method, made)
    return made[method](found)


@dataclass(frozen=True, slots=True)
class Choice:
    """A chosen calibration.

    Attributes:
        calibration: fitted on all rows.
        losses: cross-validated log loss by method; empty where there were too few rows to compare.
    """

    calibration: Calibration
    losses: dict[str, float]


def choose(risks: Floats, labels: Floats, groups: NDArray[Any], seed: int, folds: int = 5) -> Choice:
    """The calibration with the least cross-validated log loss, Platt's unless another is clearly better.

    Clearly: by more than one standard error of the difference, taken over learners. Isotonic regression is tried from
    `MANY_ROWS` rows. With fewer than `FEW_OF_A_CLASS` rows of either class, risks stay as they are.

    Args:
        risks: shape (rows,), of rows that the model did not learn from.
        labels: shape (rows,), 0 or 1.
        groups: shape (rows,), the learner of each row; a learner is never in two folds.
        seed: decides the folds.
        folds: how many.

    Raises:
        InputError: shapes differ, or a risk is outside [0, 1].
    """
    if groups.shape != risks.shape:
        raise InputError(f"Risks {risks.shape}, groups {groups.shape}. Give one group per row.")
    positives = float(labels.sum())
    if min(positives, len(labels) - positives) < FEW_OF_A_CLASS:
        return Choice(fit("identity", risks, labels), {})
    learners, of_row = np.unique(groups, return_inverse=True)
    fold = (np.random.default_rng(seed).permutation(len(learners)) % folds)[of_row]
    methods = [m for m in METHODS if m != "isotonic" or len(labels) >= MANY_ROWS]
    rows = {method: _held_out_losses(method, risks, labels, fold) for method in methods}
    best = "platt"
    for method in methods:
        if _gain_in_errors(rows[best] - rows[method], of_row) > 1.0:
            best = method
    return Choice(fit(best, risks, labels), {method: float(loss.mean()) for method, loss in rows.items()})


def checked_risks(risks: Floats) -> Floats:
    """The risks, as float64.

    Raises:
        InputError: one of them is NaN or outside [0, 1].
    """
    found = np.asarray(risks, dtype=np.float64)
    if not ((found >= 0) & (found <= 1)).all():
        raise InputError("A risk is not a number in [0, 1]. Pass what `Fitted.risk` returned.")
    return found


def _inner_log_odds(risks: Floats) -> Floats:
    return log_odds(np.clip(checked_risks(risks), EDGE, 1 - EDGE))


def _fit_identity(risks: Floats, labels: Floats, weights: Floats) -> Calibration:
    del risks, labels, weights
    return Identity()


def _fit_platt(risks: Floats, labels: Floats, weights: Floats) -> Calibration:
    slope, intercept = _rising_regression([_inner_log_odds(risks)], labels, weights)
    return Platt(slope, intercept)


def _fit_beta(risks: Floats, labels: Floats, weights: Floats) -> Calibration:
    inner = np.clip(risks, EDGE, 1 - EDGE)
    rise, fall, intercept = _rising_regression([np.log(inner), -np.log1p(-inner)], labels, weights)
    return Beta(rise, fall, intercept)


def _fit_isotonic(risks: Floats, labels: Floats, weights: Floats) -> Calibration:
    from sklearn.isotonic import IsotonicRegression

    steps = IsotonicRegression(out_of_bounds="clip").fit(risks, labels, sample_weight=weights)
    least = 1.0 / (float(weights.sum()) + 2)
    return Isotonic(array(steps.X_thresholds_), np.clip(array(steps.y_thresholds_), least, 1 - least))


METHODS: dict[str, Callable[[Floats, Floats, Floats], Calibration]] = {
    "identity": _fit_identity,
    "platt": _fit_platt,
    "beta": _fit_beta,
    "isotonic": _fit_isotonic,
}


def _rising_regression(inputs: list[Floats], labels: Floats, weights: Floats) -> list[float]:
    """Slopes and intercept of a logistic regression; an input whose slope would fall gets slope 0."""
    kept = list(range(len(inputs)))
    while True:
        found = _regression(np.column_stack([*(inputs[i] for i in kept), np.ones(len(labels))]), labels, weights)
        falling = [i for i, slope in zip(kept, found[:-1], strict=True) if slope < 0]
        if not falling:
            slopes = dict(zip(kept, found[:-1], strict=True))
            return [float(slopes.get(i, 0.0)) for i in range(len(inputs))] + [float(found[-1])]
        kept = [i for i in kept if i not in falling[:1]]


def _regression(design: Floats, labels: Floats, weights: Floats) -> Floats:
    """Newton's method for logistic regression on Platt's smoothed targets, which keep it finite when classes part."""
    positive = weights @ labels
    negative = weights.sum() - positive
    targets = np.where(labels == 1, (positive + 1) / (positive + 2), 1 / (negative + 2))
    ridge = 1e-6 * np.eye(design.shape[1])
    found = np.zeros(design.shape[1])

    def loss(at: Floats) -> float:
        margin = design @ at
        return float(weights @ (np.logaddexp(0, margin) - targets * margin) + 0.5 * at @ ridge @ at)

    for _ in range(100):
        fitted = sigmoid(design @ found)
        slope = design.T @ (weights * (fitted - targets)) + ridge @ found
        curve = (design * (weights * fitted * (1 - fitted))[:, None]).T @ design + ridge
        step = np.linalg.solve(curve, slope)
        size = 1.0
        while size > 1e-4 and loss(found - size * step) > loss(found):
            size /= 2
        found = found - size * step
        if np.abs(size * step).max() < 1e-10:
            break
    return found


def _held_out_losses(method: str, risks: Floats, labels: Floats, fold: NDArray[np.int64]) -> Floats:
    losses = np.zeros(len(labels))
    for held in np.unique(fold):
        out = fold == held
        both = len(np.unique(labels[~out])) == 2
        map_ = fit(method if both else "identity", risks[~out], labels[~out])
        found = np.clip(map_.apply(risks[out]), EDGE, 1 - EDGE)
        losses[out] = -np.where(labels[out] == 1, np.log(found), np.log1p(-found))
    return losses


def _gain_in_errors(gains: Floats, of_row: NDArray[np.int64]) -> float:
    by_learner = np.bincount(of_row, weights=gains)
    error = float(by_learner.std()) * np.sqrt(len(by_learner))
    return float(by_learner.sum()) / error if error > 0 else 0.0
