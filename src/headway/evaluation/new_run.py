"""Calibrating for a course run that is none of those learned from.

Held-out learners of a run that was learned from say how well a model knows that run. A new run differs from it, and
over-confidence is what that costs. Promises a calibration that is moderated for how much runs differ, runs of one
course less than those of several. Without a past of the course it rests, where there are several past runs, also on
risks from fits that left a whole run out (internal-external validation: Steyerberg and Harrell 2016,
doi:10.1016/j.jclinepi.2015.04.005).
"""

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from headway.evaluation import calibration as calibrations
from headway.evaluation.calibration import Calibration, Moderated
from headway.evaluation.rows import Rows
from headway.models.model import Floats

OFFSET_SD: Final = 0.5
SLOPE_SD: Final = 0.5
"""How much a run differs from those before it, on the log-odds scale: chosen from a grid on OULAD, on 22 runs and days
from records alone and on six days of AAA 2014J. It is a choice, not an estimate."""

COURSE_OFFSET_SD: Final = 0.25
COURSE_SLOPE_SD: Final = 0.4
"""The same where earlier runs of the course were learned from. The offset is as measured on OULAD (0.24 from one run of
a course to the next), the slope chosen from a grid on its runs; see decision 0008."""

RUN_FOLDS: Final = 3
"""Past runs are left out in so many groups at most: each costs a fit."""

FEWEST: Final = 10
"""A past run with fewer rows of either label says too little about how runs differ."""


def for_the_next_run(own: Calibration) -> Calibration:
    """`own`, the calibration on earlier runs of the course, moderated for what its next run may do differently."""
    return Moderated((own,), COURSE_OFFSET_SD, COURSE_SLOPE_SD)


def for_a_new_run(own: Calibration, rows: Rows, by_run: Floats) -> Calibration:
    """The mean of `own` and of what risks for runs left out ask for, moderated for runs of any course.

    Args:
        own: the calibration on the slice of the past that is most like what will be scored.
        rows: all training rows.
        by_run: risks of the rows from fits without their run and learner; NaN where there are none.
    """
    told = ~np.isnan(by_run)
    weights = np.zeros(len(rows))
    for run in sorted(set(rows.runs[told])):
        of_run = np.asarray(told & (rows.runs == run), dtype=np.bool_)
        positives = rows.labels[of_run].sum()
        if min(positives, of_run.sum() - positives) >= FEWEST:
            # Every run counts the same: the question is what the next run will do, not the next learner.
            weights[of_run] = 1.0 / of_run.sum()
    kept = weights > 0
    if not kept.any():
        return Moderated((own,), OFFSET_SD, SLOPE_SD)
    weights = weights[kept] / weights[kept].mean()
    across = calibrations.fit("platt", by_run[kept], rows.labels[kept], weights)
    return Moderated((own, across), OFFSET_SD, SLOPE_SD)


def run_folds(rows: Rows) -> NDArray[np.int64]:
    """The fold of each row: whole runs, dealt out from the largest on into the fold with the fewest rows so far."""
    runs, of_row, counts = np.unique(rows.runs.astype(str), return_inverse=True, return_counts=True)
    folds = min(RUN_FOLDS, len(runs))
    fold, filled = np.zeros(len(runs), dtype=np.int64), np.zeros(folds)
    for run in np.argsort(-counts, kind="stable"):
        fold[run] = int(np.argmin(filled))
        filled[fold[run]] += counts[run]
    return np.asarray(fold[of_row], dtype=np.int64)


def held_out_by_run(rows: Rows, tell: Callable[[Rows, Rows], Floats]) -> Floats:
    """The risk of each row from a fit without its run and learner; NaN where no such fit is possible.

    Args:
        rows: all training rows.
        tell: the risks of the second rows from a fit on the first.
    """
    fold, risks = run_folds(rows), np.full(len(rows), np.nan)
    for k in range(int(fold.max()) + 1 if len(rows) else 0):
        out = rows.where(fold == k)
        rest = rows.where(fold != k).without(out.learners)
        if 0 < rest.labels.sum() < len(rest):
            risks[fold == k] = tell(rest, out)
    return risks
