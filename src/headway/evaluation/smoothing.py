"""Risks and lists over the weeks: smoothing that never looks ahead, how many names change, and how early they stood.

Promises that what is said of a week rests on that week's and earlier risks alone. Others must not average over weeks.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from headway.domain.errors import InputError
from headway.evaluation.intervals import known
from headway.models.model import Floats, Json
from headway.models.training import log_odds, sigmoid

HALF_LIFE_DAYS: Final = 7.0
"""After so many days an earlier risk has half its say."""

EDGE: Final = 1e-6
DAY_US: Final = 86_400_000_000


def smoothed(days: Sequence[int], risks: Floats, half_life_days: float = HALF_LIFE_DAYS) -> Floats:
    """Exponentially smoothed risks, on the log-odds (Brown 1959; by elapsed time, so that weeks may be missing).

    The state s of a learner moves by s + (1 - 2^(-elapsed / half life)) (z - s) at each risk with log-odds z. A
    learner's first risk is left as it is, and a week without a risk leaves the state alone.

    Args:
        days: course days, rising, shape (times,).
        risks: shape (times, learners); NaN where there is none.
        half_life_days: 0 leaves risks as they are.

    Raises:
        InputError: days do not rise, or shapes differ.
    """
    if risks.ndim != 2 or len(days) != len(risks) or any(b <= a for a, b in pairwise(days)):
        raise InputError(f"Days {list(days)} for risks {risks.shape}. Give one row of risks for each day, days rising.")
    found = np.full(risks.shape, np.nan)
    state, since = np.full(risks.shape[1], np.nan), np.zeros(risks.shape[1])
    for at, day in enumerate(days):
        there = ~np.isnan(risks[at])
        now = log_odds(np.clip(risks[at][there], EDGE, 1 - EDGE))
        before, elapsed = state[there], day - since[there]
        kept = 0.5 ** (elapsed / half_life_days) if half_life_days > 0 else np.zeros(len(elapsed))
        state[there] = np.where(np.isnan(before), now, now + kept * (before - now))
        since[there] = day
        found[at, there] = sigmoid(state[there])
    return found


@dataclass(frozen=True, slots=True)
class Week:
    """What was said on one day of a run.

    Attributes:
        day: the course day.
        instant: the as-of time, microseconds since 1970.
        learners: shape (rows,), each once.
        labels: what became of them.
        risks: shape (rows,).
    """

    day: int
    instant: int
    learners: NDArray[np.object_]
    labels: Floats
    risks: Floats


def listed(learners: NDArray[np.object_], risks: Floats, k: int) -> set[str]:
    """The `k` learners of highest risk; of equals those first by name, so that a list can be told again."""
    order = np.lexsort((learners.astype(str), -risks))
    return {str(learner) for learner in learners[order[:k]]}


def steadiness(weeks: Sequence[Week], k: int, half_life_days: float = HALF_LIFE_DAYS) -> list[dict[str, Json] | None]:
    """For each week, how much of the list is new, with risks as they are and smoothed; None for the first.

    `since` is the day compared with, `new` the share of the list's `k` who were enrolled then but not listed,
    `new_smoothed` and `auroc_smoothed` the same and the AUROC for smoothed risks.

    Args:
        weeks: of one run and model, days rising.
        k: the length of the list.
        half_life_days: see `smoothed`.
    """
    from headway.evaluation.metrics import auroc

    everyone = sorted({str(learner) for week in weeks for learner in week.learners})
    place = {learner: index for index, learner in enumerate(everyone)}
    columns = [np.array([place[str(learner)] for learner in week.learners], dtype=np.int64) for week in weeks]
    risks = np.full((len(weeks), len(everyone)), np.nan)
    for at, (week, own) in enumerate(zip(weeks, columns, strict=True)):
        risks[at, own] = week.risks
    smooth = smoothed([week.day for week in weeks], risks, half_life_days)
    told: list[dict[str, Json] | None] = []
    for at, week in enumerate(weeks):
        if not at:
            told.append(None)
            continue
        then = weeks[at - 1]
        told.append(
            {
                "since": then.day,
                "new": _new(then, week, then.risks, week.risks, k),
                "new_smoothed": _new(then, week, smooth[at - 1, columns[at - 1]], smooth[at, columns[at]], k),
                "auroc_smoothed": known(auroc(week.labels, smooth[at, columns[at]])),
            }
        )
    return told


def lead_days(weeks: Sequence[Week], k: int, events: dict[str, int]) -> list[dict[str, Json]]:
    """For each week, how many days before the event those rightly listed had first been listed.

    `value` is the median, `low` and `high` the quartiles, `n` how many: learners on that week's list whose label came
    true and whose event is known and came after they were first listed, in any of the weeks given up to then.

    Args:
        weeks: of one run and model, days rising.
        k: the length of the list.
        events: when it happened, by learner, in microseconds since 1970.
    """
    first: dict[str, int] = {}
    told: list[dict[str, Json]] = []
    for week in weeks:
        now = listed(week.learners, week.risks, k)
        for learner in now:
            first.setdefault(learner, week.instant)
        right = {str(learner) for learner in week.learners[week.labels == 1]} & now & events.keys()
        ahead = [(events[learner] - first[learner]) / DAY_US for learner in right if events[learner] > week.instant]
        middle = np.quantile(ahead, [0.5, 0.25, 0.75]).tolist() if ahead else [None, None, None]
        told.append(dict(zip(("value", "low", "high"), middle, strict=True)) | {"n": len(ahead)})
    return told


def _new(then: Week, week: Week, risks_then: Floats, risks_now: Floats, k: int) -> float | None:
    before, now = listed(then.learners, risks_then, k), listed(week.learners, risks_now, k)
    there = {str(learner) for learner in then.learners}
    return len((now & there) - before) / len(now) if now else None
