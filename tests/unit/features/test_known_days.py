"""Days as they became known are what looking at all that is known at each step gives."""

from datetime import date, timedelta
from unittest.mock import patch

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headway.features import folding
from headway.features.known_days import KnownDays

EPOCH = date(1970, 1, 1)
STEPS = 7
Row = tuple[int, int, int, int]
Told = dict[tuple[int, int, int], tuple[int, int | None, int]]
ROWS = st.lists(
    st.tuples(st.integers(0, 2), st.integers(100, 112), st.integers(0, STEPS - 1), st.integers(1, 4)), max_size=40
)
"""Enrolment, day, the step at which it became known, a number."""


def looked_at(rows: list[Row]) -> Told:
    """By enrolment, day and step: the sum, the day before it, and the first day of its spell."""
    found: Told = {}
    for enrolment in {row[0] for row in rows}:
        for step in range(STEPS):
            known: dict[int, int] = {}
            for _, day, _, number in (row for row in rows if row[0] == enrolment and row[2] <= step):
                known[day] = known.get(day, 0) + number
            for day, number in known.items():
                begun = day
                while begun - 1 in known:
                    begun -= 1
                found[enrolment, day, step] = (
                    number,
                    max((other for other in known if other < day), default=None),
                    begun,
                )
    return found


def computed(rows: list[Row], block: int) -> Told:
    days = pa.array([EPOCH + timedelta(days=row[1]) for row in rows], pa.date32())
    whole = {name: pa.array([row[at] for row in rows], pa.int32()) for name, at in (("enrolment", 0), ("step", 2))}
    given = whole | {"run_no": whole["enrolment"], "on": days, "n": pa.array([row[3] for row in rows], pa.int64())}
    found: Told = {}
    with patch.object(folding, "BLOCK_ROWS", block):
        spans = KnownDays("on", "step", "n")(pa.table(given), pa.table(given).select(["enrolment", "run_no"]))
    for row in spans.to_pylist():
        before = None if row["before_on"] is None else (row["before_on"] - EPOCH).days
        for step in range(row["from_step"], min(row["until_step"], STEPS)):
            key = row["enrolment"], (row["on"] - EPOCH).days, step
            assert key not in found
            assert row["run_no"] == row["enrolment"]
            found[key] = row["n"], before, (row["spell_on"] - EPOCH).days
    return found


@pytest.mark.parametrize("block", [folding.BLOCK_ROWS, 3], ids=["all at once", "some at a time"])
@settings(max_examples=120, deadline=None)
@given(rows=ROWS)
def test_each_step_tells_what_is_known_then(block: int, rows: list[Row]) -> None:
    assert computed(rows, block) == looked_at(rows)
