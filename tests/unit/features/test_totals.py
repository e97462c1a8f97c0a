"""Running totals over spans: whole numbers of any size are told apart, however many enrolments there are."""

import numpy as np
import pyarrow as pa
import pytest

from headway.features import totals as totals_module
from headway.features.reductions import Bound
from headway.features.spans import NEVER
from headway.features.totals import DAY, Best, Covered, Summed, Totals

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


@pytest.mark.parametrize("seed", range(8))
def test_spans_in_any_order_and_some_at_a_time_give_the_same(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    draw = np.random.default_rng(seed)
    enrolments, spans = 7, 60
    # Enrolments have numbers with gaps, and the last has no span.
    number = np.arange(enrolments) * 3 + 2
    cursor = pa.table(
        {
            "row": np.arange(enrolments * STEPS),
            "enrolment": np.tile(number, STEPS),
            "run_no": np.tile(np.arange(enrolments) % 2, STEPS),
            "step": np.repeat(np.arange(STEPS), enrolments),
            "today": np.repeat(np.arange(STEPS), enrolments) * 2,
        }
    )
    of = draw.integers(0, enrolments - 1, spans)
    begin = draw.integers(0, STEPS, spans)
    value = draw.integers(0, 5, spans)
    rows = pa.table(
        {
            "enrolment": number[of],
            "run_no": of % 2,
            "from_step": begin,
            "until_step": np.where(draw.random(spans) < 0.5, NEVER, begin + draw.integers(0, 9, spans)),
            DAY.format("on"): draw.integers(-3, 60, spans),
            "value": pa.array(value, mask=draw.random(spans) < 0.2),
            "word": [f"w{n}" for n in value],
            "score": pa.array(draw.random(spans), mask=draw.random(spans) < 0.2),
            "counts": draw.random(spans) < 0.6,
        }
    )
    now, week = Bound("on", 0), Bound("on", 7)
    totals = Totals(
        (
            Summed("all", None, None, ()),
            Summed("few", "score", "counts", (now,)),
            Summed("old", "value", None, (week,)),
        ),
        (Covered("values", "value", (now,), (week,)), Covered("words", "word", (), ())),
        (
            Best("top", "score", "score", False, (now,), ()),
            Best("low", "value", "value", True, (now,), (week,)),
            Best("word_at_top", "word", "score", False, (), ()),
        ),
    )
    at_once = totals(rows.sort_by("enrolment"), cursor)
    monkeypatch.setattr(totals_module, "PART_ROWS", 4)
    assert len(list(totals_module._parts(rows.sort_by("enrolment")))) > 2
    assert totals(rows.sort_by("enrolment"), cursor).equals(at_once)
    assert totals(rows, cursor).equals(at_once)
    for row in draw.integers(0, cursor.num_rows, 40).tolist():
        at = cursor.slice(row, 1).to_pylist()[0]
        there = [
            span
            for span in rows.to_pylist()
            if span["enrolment"] == at["enrolment"] and span["from_step"] <= at["step"] < span["until_step"]
        ]
        assert at_once["all"][row].as_py() == len(there)
        assert at_once["words"][row].as_py() == len({span["word"] for span in there})
        known = [span for span in there if span["score"] is not None]
        best = max(known, key=lambda span: span["score"], default=None)
        assert at_once["word_at_top"][row].as_py() == (None if best is None else best["word"])
        passed = [span["score"] for span in known if span[DAY.format("on")] <= at["today"]]
        assert at_once["top"][row].as_py() == max(passed, default=None)
