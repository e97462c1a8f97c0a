"""The lake's promises, over made-up histories: once, whatever the split and order; cut at the as-of time; forgotten."""

import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from headway.domain.time import AsOf, FixedClock
from headway.lake.lake import Lake
from tests.support.depth import examples
from tests.unit.lake.rows import DAY_0, delivery, statement

RUNS = ["oulad/AAA/2013J", "oulad/AAA/2014J", "edx/course-v1:X+1/2013"]
LEARNERS = ["oulad/1", "oulad/2", "oulad/3"]
EXAMPLES = settings(max_examples=examples(8))  # each makes one or two lakes on disk

_TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=8)


@st.composite
def _histories(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Statements of a few learners in a few runs, each id once, recorded up to 30 days after they occurred."""
    count = draw(st.integers(1, 25))
    return [
        statement(
            number,
            run=draw(st.sampled_from(RUNS)),
            learner=draw(st.sampled_from(LEARNERS)),
            day=draw(st.integers(0, 60)),
            late=draw(st.integers(0, 30)),
            object=draw(st.none() | _TEXTS),
            score=draw(st.none() | st.floats(allow_nan=True, allow_infinity=True)),
            success=draw(st.none() | st.booleans()),
            duration_s=draw(st.none() | st.floats(0, 1e6)),
        )
        for number in range(count)
    ]


@st.composite
def _deliveries(draw: st.DrawFn, rows: Sequence[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    """The rows in some order, some of them several times, cut into deliveries; every row is in at least one."""
    repeated = [*rows, *draw(st.lists(st.sampled_from(rows), max_size=10))]
    order = draw(st.permutations(repeated))
    cuts = sorted(draw(st.lists(st.integers(0, len(order)), max_size=3)))
    return [list(order[a:b]) for a, b in zip([0, *cuts], [*cuts, len(order)], strict=True)]


def _lake(folder: str, deliveries: Sequence[Sequence[dict[str, Any]]]) -> tuple[Lake, int]:
    """A lake with the deliveries, and how many rows it accepted."""
    lake = Lake(Path(folder) / "lake", memory_limit_mib=256, threads=1)
    became = [lake.append("statements", delivery(rows, batch_rows=7)) for rows in deliveries]
    assert all(one.read == one.accepted + one.unchanged + one.conflicting.num_rows for one in became)
    return lake, sum(one.accepted for one in became)


@EXAMPLES
@given(st.data())
def test_any_split_order_and_repetition_gives_the_same_lake(data: st.DataObject) -> None:
    rows = data.draw(_histories())
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as other:
        first, accepted = _lake(one, data.draw(_deliveries(rows)))
        second, _ = _lake(other, [rows])
        assert accepted == len(rows)
        assert first.verify() == second.verify()
        assert first.verify().ok
        first.compact()
        assert first.verify() == second.verify()


@EXAMPLES
@given(st.data())
def test_a_reader_never_sees_what_was_recorded_later(data: st.DataObject) -> None:
    rows = data.draw(_histories())
    until = AsOf(DAY_0 + timedelta(days=data.draw(st.integers(-1, 95)), microseconds=data.draw(st.integers(-1, 1))))
    runs = data.draw(st.none() | st.lists(st.sampled_from(RUNS), unique=True))
    wanted = {row["id"] for row in rows if row["recorded_at"] <= until.instant and (runs is None or row["run"] in runs)}
    with tempfile.TemporaryDirectory() as folder:
        lake, _ = _lake(folder, data.draw(_deliveries(rows)))
        with lake.open(until, runs) as records:
            assert set(records.collect(records.table("statements"))["id"].to_pylist()) == wanted


@EXAMPLES
@given(st.data())
def test_what_is_recorded_later_changes_nothing_that_was_known(data: st.DataObject) -> None:
    rows = data.draw(_histories())
    until = AsOf(DAY_0 + timedelta(days=data.draw(st.integers(0, 90))))
    known = [row for row in rows if row["recorded_at"] <= until.instant]
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as other:
        found = []
        for folder, some in ((one, rows), (other, known)):
            lake, _ = _lake(folder, [some])
            with lake.open(until, None) as records:
                found.append(records.collect(records.table("statements").order_by("id")).to_pylist())
        assert repr(found[0]) == repr(found[1])  # NaN equals itself in words only


@EXAMPLES
@given(st.data())
def test_who_is_erased_is_as_if_never_delivered(data: st.DataObject) -> None:
    rows = data.draw(_histories())
    gone = data.draw(st.sampled_from(LEARNERS))
    rest = [row for row in rows if row["learner"] != gone]
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as other:
        erased, _ = _lake(one, data.draw(_deliveries(rows)))
        never, _ = _lake(other, [rest])
        receipt = erased.erase(gone, FixedClock(datetime(2026, 1, 1, tzinfo=UTC)))
        assert receipt.rows.get("statements", 0) == len(rows) - len(rest)
        assert erased.verify().ok
        if rest:
            assert erased.verify().digests == never.verify().digests
