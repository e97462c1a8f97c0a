"""Why a learner may not finish, as far as the record shows: named types by plain rules.

A type is a way of behaving and never a diagnosis: "lack of time" means few visits all along, and the learner may have
another explanation. Every rule compares with the cohort's middle at the same time.
"""

from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from headway.models.model import Floats, Matrix

ReasonType = Literal[
    "never started", "loss of motivation", "lack of time", "busy but low results", "skill gap", "on course"
]

REASON_TYPES: Final[tuple[ReasonType, ...]] = (
    *("on course", "never started", "loss of motivation", "lack of time", "busy but low results", "skill gap"),
)

MEANT: Final[dict[ReasonType, str]] = {
    "on course": "None of the rules applies.",
    "never started": "No activity since the start.",
    "loss of motivation": "Was as active as others and has fallen silent in the last four weeks.",
    "lack of time": "On few days all along, less than half of what is usual.",
    "busy but low results": "Results well below the middle with twice the usual activity.",
    "skill gap": "Results well below the middle with about the usual activity.",
}

FELL_TO: Final = 0.5
"""Active days of the last 28, against the learner's own before, at most so much of what is usual for the cohort."""

WAS_THERE: Final = 0.4
"""Earlier active days at least so much of the cohort's middle: who was hardly there cannot have fallen silent."""

FEW: Final = 0.45
"""Active days since the start at most so much of the cohort's middle."""

LOW: Final = 0.2
"""A mean score at least so far below the cohort's middle."""

BUSY: Final = 2.0
"""Clicks since the start at least so many times the cohort's middle."""

RECENT_WEEKS: Final = 4
NEEDED: Final = (
    *("active_days_total", "active_days_28d", "active_days_14d", "interactions_total"),
    *("days_since_first_activity", "mean_score"),
)


def reason_types(features: Matrix) -> NDArray[np.str_]:
    """The type of each row, shape (rows,), one of `REASON_TYPES`.

    In the first six weeks the last two weeks stand for the last four.

    Args:
        features: everyone enrolled at one time, with the features of `NEEDED`.

    Raises:
        InputError: a feature is missing.
    """
    found = np.full(len(features), "on course", dtype="U24")
    if not len(features):
        return found
    days, clicks = (np.nan_to_num(features.column(name)) for name in ("active_days_total", "interactions_total"))
    started = days > 0
    found[~started] = "never started"
    if not started.any():
        return found
    fell = _fell_silent(features, days, started)
    few = started & ~fell & (days <= FEW * np.median(days[started]))
    scores = features.column("mean_score")
    known = scores[~np.isnan(scores)]
    middle = float(np.median(known)) if len(known) else np.nan
    with np.errstate(invalid="ignore"):
        low = started & ~fell & ~few & (scores <= middle - LOW)
    busy = low & (clicks >= BUSY * np.median(clicks[started]))
    found[fell], found[few], found[low], found[busy] = (
        *("loss of motivation", "lack of time", "skill gap", "busy but low results"),
    )
    return found


def _fell_silent(features: Matrix, days: Floats, started: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Who was there before and hardly in the last weeks, against the cohort's own change between the two."""
    weeks = float(np.max(np.nan_to_num(features.column("days_since_first_activity")))) / 7
    recent_weeks = RECENT_WEEKS if weeks > RECENT_WEEKS + 2 else RECENT_WEEKS / 2
    recent = np.nan_to_num(features.column("active_days_28d" if recent_weeks == RECENT_WEEKS else "active_days_14d"))
    before = np.maximum(days - recent, 0) / max(weeks - recent_weeks, 1) * recent_weeks
    left = (recent + 1) / (before + 1)
    usual = np.median(before[started])
    return np.asarray(
        started & (left <= FELL_TO * np.median(left[started])) & (before >= WAS_THERE * usual) & (usual > 0)
    )
