"""Running totals over spans: whole numbers of any size are told apart, however many enrolments there are."""

import numpy as np
import pyarrow as pa

from headway.features.reductions import Bound
from headway.features.spans import NEVER
from headway.features.totals import DAY, Covered, Totals

STEPS = 30
FAR = 1_000_000
"""Times the cells of the grid it is more than 32 bits hold."""


def test_different_values_far_apart_are_told_apart_in_every_enrolment() -> None:
    enrolments, today = np.arange(200), np.arange(STEPS)
    cursor = pa.table(
        {
            "row": np.arange(len(enrolments) * STEPS),
            "enrolment": np.repeat(enrolments, STEPS),
            "run_no": np.zeros(len(enrolments) * STEPS, dtype=np.int32),
            "step": np.tile(np.arange(STEPS), len(enrolments)),
            "today": np.tile(today, len(enrolments)),
        }
    )
    # Each meets two values, one from its first step on and one from the tenth.
    spans = pa.table(
        {
            "enrolment": np.repeat(enrolments, 2),
            "run_no": np.zeros(2 * len(enrolments), dtype=np.int32),
            "from_step": np.tile([0, 10], len(enrolments)),
            "until_step": np.full(2 * len(enrolments), NEVER),
            DAY.format("on"): np.tile([0, 10], len(enrolments)),
            "object": np.tile([0, FAR], len(enrolments)),
        }
    )
    totals = Totals((), (Covered("objects", "object", (Bound("on", 0),), ()),), ())
    found = totals(spans, cursor)["objects"].to_numpy().reshape(-1, STEPS)
    assert (found == np.where(np.arange(STEPS) < 10, 1, 2)).all()
