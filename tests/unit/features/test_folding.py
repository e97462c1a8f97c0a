"""Folding records into spans gives what going through them one by one gives, however wide the numbers are."""

from datetime import date, timedelta
from unittest.mock import patch

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headway.features import folding
from headway.features.folding import Fold, Running
from headway.features.spans import NEVER

RUNNING = (
    Running("total", "sum", "clicks"),
    Running("least", "min", "clicks"),
    Running("first_on", "min", "on"),
    Running("last_on", "max", "on"),
)
Row = tuple[int, int | None, int, int, int]
ROWS = st.lists(
    st.tuples(
        st.integers(0, 3),
        st.none() | st.integers(-2, 2),
        st.integers(0, 4),
        st.integers(-400, 20_000),
        st.integers(1, 9),
    ),
    max_size=40,
)


def given_rows(rows: list[Row], far: int, off: int) -> pa.Table:
    """Rows as an engine hands them over; `far` spreads their keys, `off` moves them."""
    return pa.table(
        {
            "enrolment": pa.array([row[0] for row in rows], pa.int32()),
            "run_no": pa.array([row[0] % 2 for row in rows], pa.int32()),
            "thing": pa.array([None if row[1] is None else row[1] * far + off for row in rows], pa.int64()),
            "step": pa.array([row[2] for row in rows], pa.int32()),
            "on": pa.array([date(1970, 1, 1) + timedelta(days=row[3]) for row in rows], pa.date32()),
            "clicks": pa.array([row[4] for row in rows], pa.int64()),
        }
    )


def one_by_one(rows: list[Row], far: int, off: int) -> list[tuple[object, ...]]:
    things: dict[tuple[int, int], dict[int, list[Row]]] = {}
    for row in rows:
        if row[1] is not None:
            things.setdefault((row[0], row[1] * far + off), {}).setdefault(row[2], []).append(row)
    found: list[tuple[object, ...]] = []
    for (enrolment, thing), steps in sorted(things.items()):
        ordered = sorted(steps)
        for place, step in enumerate(ordered):
            known = [row for at in ordered[: place + 1] for row in steps[at]]
            until = ordered[place + 1] if place + 1 < len(ordered) else NEVER
            clicks, days = [row[4] for row in known], [date(1970, 1, 1) + timedelta(days=row[3]) for row in known]
            told = (sum(clicks), min(clicks), min(days), max(days))
            found.append((enrolment, enrolment % 2, step, until, thing, *told))
    return found


@pytest.mark.parametrize("far", [1, 2**60], ids=["packed into one number", "too wide for one number"])
@pytest.mark.parametrize("off", [0, 2**62, -(2**61)], ids=["near zero", "far above", "far below"])
@pytest.mark.parametrize("block", [folding.BLOCK_ROWS, 3], ids=["all at once", "some at a time"])
@settings(max_examples=60, deadline=None)
@given(rows=ROWS)
def test_a_fold_is_what_going_through_the_rows_gives(block: int, off: int, far: int, rows: list[Row]) -> None:
    given = given_rows(rows, far, off)
    with patch.object(folding, "BLOCK_ROWS", block):
        folded = Fold(("thing",), "step", RUNNING)(given, given.select(["enrolment", "run_no"]))
    assert [tuple(row.values()) for row in folded.to_pylist()] == one_by_one(rows, far, off)
