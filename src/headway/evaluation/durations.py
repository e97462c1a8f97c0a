"""Survival models as they would have been deployed: trained on finished runs, asked how long a running one keeps whom.

Concordance says whether those who leave sooner were put first; the Brier score at some weeks ahead, beside that of a
curve which is the same for everybody, says whether the chances are right. Promises that no learner is on both sides.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from headway.domain.errors import LeakageError, NotEnoughData
from headway.domain.time import AsOf
from headway.evaluation.assess import Measure
from headway.evaluation.intervals import Interval, known
from headway.evaluation.paradigms import Bench, Question
from headway.evaluation.retention import WEEK, brier_at, concordances, kaplan_meier
from headway.evaluation.rows import Rows, refuse_shared_learners
from headway.features.as_of import moments_on_days
from headway.features.labels import followed
from headway.features.moments import Moment
from headway.models.model import Floats, Json, Matrix
from headway.models.survival import FittedDurations, fit_durations, still_there, weeks_of
from headway.models.survival_boosting import grow_durations

Event = Literal["withdrawal", "silence"]

WEEKS_AHEAD: Final = (2, 4, 8, 12)
MODELS_OF_DURATIONS: Final = ("survival", "survival-boosting", "kaplan-meier")
"""The last is the rule: the same curve for everybody."""

MANY: Final = 5000
"""With more learners fewer draws are made: an interval is then narrow enough, and pairs are many."""


@dataclass(frozen=True, slots=True)
class Followed:
    """Labelled rows with how long each learner was followed; all arrays have one entry a row.

    Attributes:
        rows: the rows; their labels are `days`.
        days: days from the as-of time to the event or the end of the run.
        seen: whether it was the event.
    """

    rows: Rows
    days: Floats
    seen: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.days)

    def where(self, which: NDArray[np.bool_]) -> "Followed":
        """The rows that a mask names."""
        return Followed(self.rows.where(which), self.days[which], self.seen[which])


@dataclass(frozen=True, slots=True)
class SameForAll:
    """The Kaplan-Meier curve of past learners, for everybody."""

    hazard_by_week: Floats

    def hazards(self, features: Matrix, weeks: int) -> Floats:
        """The same hazards for each row; 0 in weeks that were never seen."""
        kept = np.zeros(weeks)
        told = min(weeks, len(self.hazard_by_week))
        kept[:told] = self.hazard_by_week[:told]
        return np.tile(kept, (len(features), 1))

    def facts(self) -> dict[str, Json]:
        """The hazards."""
        return {"hazard_by_week": [float(each) for each in self.hazard_by_week]}


def followed_rows(bench: Bench, moments: Sequence[Moment], event: Event, known_by: AsOf | None) -> Followed:
    """The rows of these moments with how long each learner was followed, from runs that had ended by `known_by`.

    Raises:
        NotEnoughData: no run had ended by then.
    """
    days, seen = followed(event)
    of_days, of_seen = (bench.rows(moments, one, known_by) for one in (days, seen))
    if not (np.array_equal(of_days.learners, of_seen.learners) and np.array_equal(of_days.instants, of_seen.instants)):
        raise LeakageError("The labels of survival have different rows; they must be known together or not at all.")
    return Followed(of_days, of_days.labels, of_seen.labels == 1)


def durations_learned_from(bench: Bench, question: Question, event: Event) -> Followed:
    """What may be learned from at the question's as-of time: past runs that had ended, around the same day.

    Raises:
        NotEnoughData: no run had ended by then.
    """
    now = question.as_of or moments_on_days(bench.records, [question.test_run], [question.day])[0].as_of
    past = moments_on_days(bench.records, question.train_runs, question.past_days(), now)
    return followed_rows(bench, [moment for moment in past if moment.as_of <= now], event, now)


def fitted_durations(method: str, learn: Followed, seed: int) -> FittedDurations:
    """A model of `MODELS_OF_DURATIONS`, fitted.

    Raises:
        NotEnoughData: nobody left, or nobody stayed.
    """
    if method == "kaplan-meier":
        curve = kaplan_meier(learn.days, learn.seen)
        ends = np.arange(0, int(learn.days.max(initial=0)) + WEEK, WEEK)
        shares = np.array([curve.after(curve.survival, float(end), 1.0) for end in ends])
        return SameForAll(1 - shares[1:] / np.maximum(shares[:-1], 1e-12))
    seen = learn.seen.astype(np.float64)
    weeks, ones = weeks_of(learn.days, seen), np.ones(len(learn))
    if method == "survival":
        return fit_durations(learn.rows.features, weeks, seen, ones)
    return grow_durations(learn.rows.features, weeks, seen, ones, seed)


def duration_figures(test: Followed, hazards: Floats, measure: Measure) -> dict[str, Json]:
    """`n`, `left`, `concordance` with an interval by learner, and `brier` by weeks ahead.

    Args:
        test: how long the learners were followed.
        hazards: shape (rows, weeks).
        measure: how many draws, from which seed.
    """
    survival = still_there(hazards)
    risks = np.asarray(-survival.sum(axis=1), dtype=np.float64)
    draws = measure.bootstrap if len(test) <= MANY else min(measure.bootstrap, 50)
    found = _concordance(test, risks, draws, measure.seed)
    brier = {
        str(week): known(brier_at(test.days, test.seen, survival[:, week - 1], float(week * WEEK)))
        for week in WEEKS_AHEAD
        if week <= survival.shape[1]
    }
    return {
        "n": len(test),
        "left": int(test.seen.sum()),
        "concordance": dict(found.as_json()),
        "brier": dict(brier),
    }


def _concordance(test: Followed, risks: Floats, draws: int, seed: int) -> Interval:
    """The concordance with its percentile interval; each learner has one row, so that rows are drawn."""
    size = len(test)
    random = np.random.default_rng(seed)
    counts = [np.bincount(random.integers(0, size, size), minlength=size) for _ in range(draws)]
    every = np.stack([np.ones(size), *counts]).astype(np.float64)
    value, *drawn = concordances(test.days, test.seen, risks, every)
    defined = np.array([each for each in drawn if np.isfinite(each)])
    if not len(defined):
        return Interval(float(value), math.nan, math.nan)
    low, high = np.quantile(defined, [0.025, 0.975])
    return Interval(float(value), float(low), float(high))


def duration_table(
    bench: Bench,
    questions: Sequence[Question],
    event: Event,
    methods: Sequence[str],
    measure: Measure,
    progress: Callable[[str], None],
) -> list[dict[str, Json]]:
    """One row for each question and model; what cannot be answered honestly says why in `note`."""
    rows = []
    for question in questions:
        progress(f"{question.test_run}, day {question.day}: time to {event}")
        rows += _rows(bench, question, event, methods, measure)
    return rows


def _rows(
    bench: Bench, question: Question, event: Event, methods: Sequence[str], measure: Measure
) -> list[dict[str, Json]]:
    about: dict[str, Json] = {
        "paradigm": "transfer",
        "event": event,
        "train": list(question.train_runs),
        "test": question.test_run,
        "day": question.day,
    }
    nothing: dict[str, Json] = {"n": 0, "left": None, "concordance": None, "brier": None, "rows_learned": 0}
    try:
        moments = moments_on_days(bench.records, [question.test_run], [question.day])
        test = followed_rows(bench, moments, event, None)
        learn = durations_learned_from(bench, question, event)
    except NotEnoughData as why:
        return [about | {"model": method} | nothing | {"note": str(why)} for method in methods]
    own = np.isin(learn.rows.learners.astype(str), test.rows.learners.astype(str))
    learn = learn.where(np.asarray(~own, dtype=np.bool_))
    refuse_shared_learners(learn.rows, test.rows)
    about["train"] = sorted(set(learn.rows.runs))
    weeks = max(int(np.ceil(test.days.max(initial=0) / WEEK)), 1)
    found = []
    for method in methods:
        row = about | {"model": method}
        try:
            model = fitted_durations(method, learn, question.seed)
        except NotEnoughData as why:
            found.append(row | nothing | {"note": str(why)})
            continue
        figures = duration_figures(test, model.hazards(test.rows.features, weeks), measure)
        found.append(row | figures | {"rows_learned": len(learn), "note": None})
    return found
