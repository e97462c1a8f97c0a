"""The checker itself: it must see every kind of difference, and none where there is none."""

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from headway.domain.errors import InputError, LeakageError
from headway.evaluation.leakage import Difference, Tables, changed_by_the_future, refuse_the_future
from tests.support.tiny import History, end_of

KEY = ("learner",)


def tables() -> dict[str, pa.Table]:
    return History().act("a", 1).act("a", 9).act("b", 2).act("c", 9).tables()


def counted(given: Tables, *, upto: int | None = None) -> pa.Table:
    rows = given["statements"]
    if upto is not None:
        rows = rows.filter(pc.less_equal(rows["recorded_at"], pa.scalar(end_of(upto).instant)))
    return rows.group_by("learner").aggregate([("interactions", "sum")])


def test_a_result_from_what_was_known_passes() -> None:
    assert changed_by_the_future(lambda given: counted(given, upto=5), tables(), end_of(5), KEY) == []
    refuse_the_future(lambda given: counted(given, upto=5), tables(), end_of(5), KEY)
    refuse_the_future(counted, tables(), end_of(9), KEY)


def test_changed_values_and_rows_are_found() -> None:
    found = changed_by_the_future(counted, tables(), end_of(5), KEY)
    assert found == [
        Difference(("a",), "interactions_sum", 2, 1),
        Difference(("c",), None, {"learner": "c", "interactions_sum": 1}, None),
    ]


def test_the_refusal_names_columns_rows_and_values() -> None:
    with pytest.raises(LeakageError) as refused:
        refuse_the_future(counted, tables(), end_of(5), KEY)
    told = str(refused.value)
    assert "after 2025-03-09T00:00:00Z changes the result: interactions_sum (1), whole rows (1)" in told
    assert "interactions_sum of a is 2 instead of 1; row c is there only with the later records" in told


def test_rows_that_the_future_takes_away_are_found() -> None:
    def quiet(given: Tables) -> pa.Table:
        counts = counted(given)
        return counts.filter(pc.equal(counts["interactions_sum"], 1))

    found = changed_by_the_future(quiet, tables(), end_of(5), KEY)
    assert [(one.key, one.column) for one in found] == [(("a",), None), (("c",), None)]
    assert "row a is there only without the later records" in str(found[0])


def test_columns_that_the_future_brings_are_found() -> None:
    def wider(given: Tables) -> pa.Table:
        table = pa.table({"learner": ["a"]})
        return table.append_column("late", pa.array([1])) if given["statements"].num_rows > 2 else table

    found = changed_by_the_future(wider, tables(), end_of(5), KEY)
    assert [one.column for one in found] == ["late"]
    with pytest.raises(LeakageError, match="late"):
        refuse_the_future(wider, tables(), end_of(5), KEY)


def test_absent_numbers_are_equal_and_order_is_nothing() -> None:
    def absent(given: Tables) -> pa.Table:
        learners, values = ["a", "b"], [float("nan"), None]
        turned = given["statements"].num_rows > 2
        step = -1 if turned else 1
        return pa.table({"learner": learners[::step], "value": pa.array(values[::step], pa.float64())})

    assert changed_by_the_future(absent, tables(), end_of(5), KEY) == []


def test_a_number_that_becomes_absent_is_found() -> None:
    def vanishing(given: Tables) -> pa.Table:
        there = given["statements"].num_rows > 2
        return pa.table({"learner": ["a"], "value": pa.array([1.0 if there else None], pa.float64())})

    assert changed_by_the_future(vanishing, tables(), end_of(5), KEY) == [Difference(("a",), "value", 1.0, None)]


def test_keys_that_name_no_row_are_refused() -> None:
    with pytest.raises(InputError, match="no column as_of, day"):
        changed_by_the_future(counted, tables(), end_of(5), ("learner", "as_of", "day"))
    with pytest.raises(InputError, match="have the same run"):
        changed_by_the_future(lambda given: given["statements"], tables(), end_of(5), ("run",))
