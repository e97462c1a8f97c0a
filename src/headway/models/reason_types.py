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
    "loss of motivation": "Was there before, came down in the last weeks, and opened fewer materials than is usual.",
    "lack of time": "Seldom there all along, or much work not handed in, and fewer materials opened than is usual.",
    "busy but low results": "Results well below the middle with twice the usual activity.",
    "skill gap": "Results well below the middle with about the usual activity.",
}

BEHIND: Final = 0.75
"""Materials opened since the start at most so many times the cohort's middle: who keeps up shows no lack of time."""

WAS_THERE: Final = 0.3
"""Days and clicks before the last four weeks at least so many times the middle: who was hardly there cannot fall."""

FELL_TO: Final = 0.6
"""Days and clicks lately, against the learner's own before, at most so many times what is usual for the cohort."""

HANDED_IN: Final = 0.25
"""A share of the work handed in so far below the middle."""

LOW: Final = 0.25
"""A mean score at least so far below the cohort's middle."""

BUSY: Final = 2.0
"""Clicks since the start at least so many times the cohort's middle."""

LATELY: Final = (2, 4)
"""Weeks that count as lately, each with the time before it; a long one only where as much and more came before."""

NEEDED: Final = (
    *("active_days_total", "active_days_28d", "active_days_14d"),
    *("interactions_total", "interactions_28d", "interactions_14d"),
    *("objects_total", "submitted_share", "days_since_first_activity", "mean_score"),
)


def reason_types(features: Matrix) -> NDArray[np.str_]:
    """The type of each row, shape (rows,), one of `REASON_TYPES`.

    Numbers are compared as ratios, days and clicks by their geometric mean. In the first six weeks only the last two
    weeks count as lately. Where no materials are recorded, days stand for them.

    Args:
        features: everyone enrolled at one time, with the features of `NEEDED`.

    Raises:
        InputError: a feature is missing.
    """
    found = np.full(len(features), "on course", dtype="U24")
    if not len(features):
        return found
    known = {name: features.column(name) for name in NEEDED}
    days, clicks, objects = (
        np.nan_to_num(known[f"{name}_total"]) for name in ("active_days", "interactions", "objects")
    )
    started = days > 0
    found[~started] = "never started"
    if not started.any():
        return found
    opened = objects if np.median(objects[started]) > 0 else days
    behind = started & (_ratio(opened, started) <= BEHIND)
    before, lately = _past(known, started)
    there = before >= WAS_THERE
    fell = behind & there & (lately <= FELL_TO)
    few = behind & ~fell & (~there | _below(known["submitted_share"], started, HANDED_IN))
    low = started & ~fell & ~few & _below(known["mean_score"], started, LOW)
    busy = low & (clicks >= BUSY * np.median(clicks[started]))
    found[fell], found[few], found[low], found[busy] = (
        *("loss of motivation", "lack of time", "skill gap", "busy but low results"),
    )
    return found


def _past(known: dict[str, Floats], started: NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """Days and clicks before lately, and lately against before, both as ratios to the cohort's middle."""
    weeks = float(np.max(np.nan_to_num(known["days_since_first_activity"]))) / 7
    spans = [span for span in LATELY if weeks > span + 2] or list(LATELY[:1])
    before, change = [], []
    for what in ("active_days", "interactions"):
        whole = np.nan_to_num(known[f"{what}_total"])
        for span in spans:
            late = np.nan_to_num(known[f"{what}_{7 * span}d"])
            own = np.maximum(whole - late, 0) / max(weeks - span, 1) * span
            change.append(_ratio((late + 1) / (own + 1) - 1, started))
        before.append(_ratio(own, started))
    return _geometric(before), _geometric(change)


def _geometric(ratios: list[Floats]) -> Floats:
    return np.asarray(np.exp(np.mean(np.log(ratios), axis=0)), dtype=np.float64)


def _ratio(values: Floats, started: NDArray[np.bool_]) -> Floats:
    """Numbers, with one added to each, against the cohort's middle."""
    return np.asarray((values + 1) / (np.median(values[started]) + 1), dtype=np.float64)


def _below(shares: Floats, started: NDArray[np.bool_], far: float) -> NDArray[np.bool_]:
    """Whether a share lies so far below the middle of those that are known; never where it is not known."""
    known = shares[started & ~np.isnan(shares)]
    with np.errstate(invalid="ignore"):
        return np.asarray(shares <= (np.median(known) if len(known) else np.nan) - far, dtype=np.bool_)
