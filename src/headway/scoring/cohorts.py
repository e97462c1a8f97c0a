"""Predictions of whole cohorts as a function of a table, which an engine may carry out wherever the cohort's rows are.

What is sent there is the model's state, bytes that hold no code, and the feature view; the model is made anew from it.
Pure.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from threading import Lock
from typing import Any, Final

import pyarrow as pa

from headway.domain.errors import InputError
from headway.domain.records import INSTANT
from headway.evaluation.risk_model import RiskModel
from headway.explanation.reasons import Reason
from headway.features.as_of import FeatureTable
from headway.features.views import FeatureView
from headway.scoring.predict import Prediction, predict

COHORT: Final = ("run", "as_of")
"""The columns whose values name a cohort."""

_turn: Final = Lock()
"""An engine may ask in several threads at once, and a model that is shared by them need not bear that."""

PREDICTIONS: Final = pa.schema(
    [
        ("run", pa.string()),
        ("as_of", INSTANT),
        ("learner", pa.string()),
        ("status", pa.string()),
        ("risk", pa.float64()),
        ("low", pa.float64()),
        ("high", pa.float64()),
        ("comparable", pa.int64()),
        ("why_too_early", pa.string()),
        ("features_hash", pa.string()),
        ("days_since_visit", pa.int64()),
        ("reasons", pa.string()),  # JSON
    ]
)


@dataclass(frozen=True, slots=True)
class Scorer:
    """Predicts a cohort; `records.apply("said", Scorer(state, view), features, COHORT, schema)` predicts all.

    Attributes:
        state: what `RiskModel.state` gave.
        view: the features that the model reads.
    """

    state: Mapping[str, bytes] = field(repr=False)
    view: FeatureView

    def __call__(self, cohort: pa.Table) -> pa.Table:
        """One row of `PREDICTIONS` for each learner of a cohort, in order of learners.

        Args:
            cohort: everyone enrolled in one run at one as-of time, with the view's features and `KEYS`.

        Raises:
            InputError: the rows are of several cohorts, or the model's state is damaged.
        """
        rows = cohort.sort_by("learner")
        runs, times = (rows[name].unique().to_pylist() for name in COHORT)
        if len(runs) != 1 or len(times) != 1:
            raise InputError("One cohort at a time: group the rows by run and as-of time.")
        with _turn:
            said = predict(_restored(tuple(sorted(self.state.items()))), FeatureTable(self.view, rows))
        return pa.Table.from_pylist([_row(one) | {"run": runs[0], "as_of": times[0]} for one in said], PREDICTIONS)


def predictions_in(table: pa.Table) -> list[Prediction]:
    """The predictions that rows of `PREDICTIONS` hold, in their order."""
    return [_prediction(row) for row in table.drop_columns(list(COHORT)).to_pylist()]


@lru_cache(maxsize=8)
def _restored(state: tuple[tuple[str, bytes], ...]) -> RiskModel:
    """A model is made once in each process, not once for each cohort, and remembers what it was asked.

    A worker that looks after several runs has one for each.
    """
    return RiskModel.restore(dict(state))


def _row(said: Prediction) -> dict[str, Any]:
    told = {name: getattr(said, name) for name in Prediction.__slots__}
    return told | {"reasons": json.dumps([reason.as_row() for reason in said.reasons])}


def _prediction(row: dict[str, Any]) -> Prediction:
    reasons = tuple(Reason.from_row(reason) for reason in json.loads(row.pop("reasons")))
    return Prediction(reasons=reasons, **row)
