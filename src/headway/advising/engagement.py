"""The daily engagement score: its parts as points that add up to it, and when it is flagged. Pure.

A flag is a change: the score dropped under the threshold on this day, or is for the first time in a week as many points
lower than a week before. It is for people to look at, and says nothing of why.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final, Literal

import numpy as np

from headway.features.as_of import FeatureTable
from headway.live_settings import EngagementSettings

Flag = Literal["below", "fell"]

SCORE: Final = "engagement_score"
PARTS: Final[dict[str, tuple[str, float, float]]] = {
    "regularity": ("engagement_regularity", 30.0, 0.0),
    "recency": ("engagement_recency", 20.0, 0.0),
    "volume": ("interactions_14d_percentile", 20.0, 0.0),
    "breadth": ("engagement_breadth", 10.0, 0.0),
    "hand_ins": ("submitted_share", 20.0, 1.0),
}
"""Of each part: the feature, the points for its full marks, and what an absent value counts as."""

FEATURES: Final = (SCORE, *(feature for feature, _, _ in PARTS.values()))
BACK: Final = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Engagement:
    """A learner's score of one local day.

    Attributes:
        run: the course run.
        learner: the pseudonym.
        day_on: the day, at whose end it is.
        score: from 0 to 100.
        parts: the points of each part; they add up to the score.
        flag: why it is flagged; None where it is not.
    """

    run: str
    learner: str
    day_on: date
    score: float
    parts: Mapping[str, float]
    flag: Flag | None = None

    def as_row(self) -> dict[str, Any]:
        """The score as JSON-ready data but for its day."""
        return {"day_on": self.day_on, "score": self.score, "parts": dict(self.parts), "flag": self.flag}


def scored(
    table: FeatureTable,
    day_on: date,
    before: Mapping[str, Sequence[tuple[date, float, str | None]]],
    settings: EngagementSettings,
    *,
    feed_is_silent: bool = False,
) -> list[Engagement]:
    """The scores of a cohort on a day.

    Args:
        table: the features `FEATURES` at the end of the day.
        day_on: the day.
        before: of each learner, day, score and flag of the seven days before, in any order.
        settings: the thresholds.
        feed_is_silent: whether nothing arrives at present: then nothing is flagged.
    """
    columns = {name: table.table[name].to_numpy(zero_copy_only=False) for name in FEATURES}
    points = {
        part: np.round(full * np.nan_to_num(columns[feature], nan=absent), 4)
        for part, (feature, full, absent) in PARTS.items()
    }
    scores = np.clip(np.nan_to_num(columns[SCORE]), 0, 100)
    return [
        Engagement(
            run=str(run),
            learner=str(learner),
            day_on=day_on,
            score=round(float(score), 4),
            parts={part: float(values[place]) for part, values in points.items()},
            flag=None if feed_is_silent else flag_of(float(score), day_on, before.get(str(learner), ()), settings),
        )
        for place, (run, learner, score) in enumerate(
            zip(table.keys("run"), table.keys("learner"), scores, strict=True)
        )
    ]


def flag_of(
    score: float, day_on: date, before: Sequence[tuple[date, float, str | None]], settings: EngagementSettings
) -> Flag | None:
    """Why a score is flagged on its day; None where it is not.

    Args:
        score: of the day.
        day_on: the day.
        before: day, score and flag of the seven days before.
        settings: the thresholds.
    """
    week = sorted(row for row in before if day_on - BACK <= row[0] < day_on)
    if not week:
        return None
    _, yesterday, _ = week[-1]
    if score < settings.below <= yesterday:
        return "below"
    oldest_on, oldest, _ = week[0]
    fell = oldest_on == day_on - BACK and oldest - score >= settings.falls
    return "fell" if fell and not any(flag == "fell" for _, _, flag in week) else None


@dataclass(frozen=True, slots=True)
class History:
    """A run's scores of some days.

    Attributes:
        run: the course run.
        day_on: the newest day that was asked for.
        scores: by day, then by learner.
        silent: why nothing is flagged at present; None where the feed is alive.
        computed_at: when the newest day was computed.
    """

    run: str
    day_on: date
    scores: tuple[Engagement, ...]
    silent: str | None = None
    computed_at: datetime | None = None
