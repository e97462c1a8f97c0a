"""Predictions for a cohort: risk, range, reasons, and a hash of the values that they rest on. Pure."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from headway.evaluation.ranges import Withheld
from headway.evaluation.risk_model import RiskModel
from headway.evaluation.rows import matrix_of
from headway.explanation.reasons import Reason, reasons
from headway.explanation.shapley import explainer, is_sum
from headway.explanation.stability import SEED, unsteady
from headway.features.as_of import FeatureTable
from headway.features.definition import FEATURES, Feature
from headway.features.logged import heard
from headway.models.model import Floats, History, Matrix

REASONS: Final = 5

TOO_EARLY: Final[dict[Withheld, str]] = {
    "few-comparable": "Too early to say: fewer than 50 comparable past learners.",
    "range-too-wide": "Too early to say: the range is wider than 6 in 10.",
}

MOST_TESTED: Final = 200
"""Reasons of so many learners, those of the highest risk, are tested for steadiness when a cohort is scored: a list is
no longer, and the test takes twenty times as long as the reasons themselves."""

LAST_VISIT: Final = "days_since_last_activity"


@dataclass(frozen=True, slots=True)
class Prediction:
    """What is said of one learner at one as-of time.

    Attributes:
        learner: the pseudonym.
        status: "scored", or "too_early" where the range says too little.
        risk: calibrated risk, 0 to 1; None where it is too early.
        low: lower end of its range.
        high: upper end of its range.
        comparable: past learners that the range rests on.
        why_too_early: one sentence, or None.
        features_hash: hash of the feature values, with those of the history where the model reads one.
        reasons: strongest first.
        days_since_visit: days since the last visit; None where there was none.
    """

    learner: str
    status: Literal["scored", "too_early"]
    risk: float | None
    low: float | None
    high: float | None
    comparable: int
    why_too_early: str | None
    features_hash: str
    reasons: tuple[Reason, ...]
    days_since_visit: int | None


def predict(
    model: RiskModel, cohort: FeatureTable, history: History | None = None, only: NDArray[np.int64] | None = None
) -> list[Prediction]:
    """One prediction for each row of a whole cohort, in its order, or for some of its rows.

    Reasons say what sets a learner apart from the cohort: contributions are taken less their mean over the cohort, so
    that what is the same for all (the next due date, say) is no reason for anybody. Where the model is a sum, reasons
    that are not steady are withheld (`explanation.stability`) from the `MOST_TESTED` learners of the highest risk.

    Args:
        model: what predicts.
        cohort: everyone enrolled, as `compute` returned them.
        history: their history, for a model that reads it (`evaluation.histories.history_of`).
        only: the rows that are asked about; the others are whom they are compared with. None for all.
    """
    features = replace(matrix_of(heard(cohort)), history=history)
    asked = features if only is None else features.rows(only)
    learners = cohort.keys("learner") if only is None else [cohort.keys("learner")[row] for row in only]
    said = model.predict(asked)
    definitions = {name: FEATURES.get(name) for name in features.names}
    contributions, withheld = _contributions(model, features, asked, said.risks, definitions)
    why = reasons(asked, contributions, definitions, medians(features), top=REASONS, withheld=withheld)
    visits = asked.column(LAST_VISIT) if LAST_VISIT in asked.names else np.full(len(asked), np.nan)
    return [
        Prediction(
            learner=learner,
            status="too_early" if withheld else "scored",
            risk=None if withheld else float(risk),
            low=None if withheld else float(low),
            high=None if withheld else float(high),
            comparable=int(comparable),
            why_too_early=TOO_EARLY[withheld] if withheld else None,
            features_hash=told,
            reasons=own,
            days_since_visit=None if np.isnan(visit) else int(visit),
        )
        for learner, risk, low, high, comparable, withheld, told, own, visit in zip(
            learners,
            said.risks,
            said.low,
            said.high,
            said.comparable,
            said.withheld,
            _hashes(asked),
            why,
            visits,
            strict=True,
        )
    ]


def _contributions(
    model: RiskModel, features: Matrix, asked: Matrix, risks: Floats, definitions: Mapping[str, Feature]
) -> tuple[Floats, NDArray[np.bool_] | None]:
    """Contributions less their mean over the cohort, and which families are to be withheld where that was tested."""
    if is_sum(model.fitted) and len(features) > 0:
        explains = explainer(model.fitted, features, SEED)
        first = np.argsort(-risks, kind="stable")[:MOST_TESTED]
        tested = unsteady(explains, asked.rows(first), features, definitions)
        withheld = np.zeros((len(asked), tested.shape[1]), dtype=np.bool_)
        withheld[first] = tested
        return explains.contributions(asked), withheld
    found = model.contributions(features)
    own = found if asked is features else model.contributions(asked)
    return own - found.mean(axis=0), None


def _hashes(features: Matrix) -> list[str]:
    """A hash of each row's values, and of its history's where it has one."""
    parts = [features.values] if features.history is None else [features.values, features.history.values]
    rows = zip(*(np.ascontiguousarray(part) for part in parts), strict=True)
    return [hashlib.sha256(b"".join(part.tobytes() for part in row)).hexdigest() for row in rows]


def medians(features: Matrix) -> Floats:
    """The middle of each feature among those of the cohort for whom it is known; NaN where for nobody."""
    known = ~np.isnan(features.values)
    return np.array(
        [
            np.median(column[is_known]) if is_known.any() else np.nan
            for column, is_known in zip(features.values.T, known.T, strict=True)
        ],
        dtype=np.float64,
    )
