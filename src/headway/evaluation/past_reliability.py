"""What a model said of past learners whom it had not learned from, and what came true, as its artefact keeps it.

The risks come from fits that left these learners out, but the calibration was fitted on them: the table looks a little
better than a new run will. It stands in until outcomes of a scored run are known.
"""

import numpy as np

from headway.evaluation.intervals import jeffreys
from headway.evaluation.metrics import ReliabilityBin
from headway.evaluation.ranges import Comparable
from headway.models.model import Floats


def past_reliability(past: Comparable) -> list[ReliabilityBin]:
    """The held-out past learners in tenths of the risk, in rising order, without empty tenths; their 95% intervals."""
    if not len(past.risks):
        return []
    learners, positives = np.diff(past.learners, prepend=0.0), np.diff(past.positives, prepend=0.0)
    tenth = np.clip(past.risks * 10, 0, 9).astype(np.int64)

    def summed(values: Floats) -> Floats:
        return np.asarray(np.bincount(tenth, weights=values, minlength=10), dtype=np.float64)

    some = summed(learners) > 0
    n = summed(learners)[some]
    true, risk = np.clip(summed(positives)[some], 0, n), summed(learners * past.risks)[some] / n
    low, high = jeffreys(true, n, 0.95)
    found = zip(n, risk, true / n, low, high, strict=True)
    return [ReliabilityBin(round(float(m)), float(r), float(o), float(lo), float(hi)) for m, r, o, lo, hi in found]
