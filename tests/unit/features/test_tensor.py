"""A tensor's cells, steps and mask on a hand-made course, and its file-backed arrays."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from headway.domain.errors import InputError, UnknownName
from headway.domain.time import AsOf
from headway.features import as_of
from headway.features.as_of import compute
from headway.features.definition import FEATURES
from headway.features.moments import Moment
from headway.features.tensor import KEYS, SEQUENCE_FEATURES, Tensor, cells_of, sequence_view, tensor
from headway.features.views import view_with
from tests.support.memory import Memory
from tests.support.tiny import History, end_of, moment, on

VIEW = view_with("two", ("interactions_2d", "days_since_last_activity"))


def course() -> History:
    """Anna is there all the time, Ben comes on day 4, Cleo leaves on day 5 and is back on day 8."""
    made = History().enrol("anna").enrol("ben", 4).enrol("cleo").leave("cleo", 5).enrol("cleo", 8)
    made.act("anna", 2, 5).act("anna", 9, 3).act("ben", 6, 1)
    return made.act("anna", 7, 100, known_day=9.5)  # it happened on day 7 and was known on day 9


@pytest.fixture(scope="module")
def records() -> Iterator[Memory]:
    with Memory(course().tables()) as held:
        yield held


Make = Callable[..., Tensor]


@pytest.fixture
def made(records: Memory) -> Make:
    """The tensor of `VIEW` at some moments."""

    def make(moments: list[Moment], steps: int, step_days: int = 1, **more: Any) -> Tensor:
        return tensor(VIEW, records, moments, steps, step_days, **more)

    return make


def of(found: Tensor, learner: str, feature: str) -> list[float]:
    row = found.rows["learner"].to_pylist().index(learner)
    values: list[float] = found.values[row, :, found.view.features.index(feature)].tolist()
    return values


def mask_of(found: Tensor, learner: str) -> list[bool]:
    mask: list[bool] = found.mask[found.rows["learner"].to_pylist().index(learner)].tolist()
    return mask


def test_steps_are_days_and_each_holds_what_was_known_on_it(made: Make) -> None:
    found = made([moment(10)], 5)
    assert found.values.shape == (3, 5, 2)
    assert found.values.dtype == np.float32
    assert found.rows["learner"].to_pylist() == ["anna", "ben", "cleo"]
    # Days 6 to 10. The hundred of day 7 were not known on days 7 and 8, and are over on days 9 and 10.
    assert of(found, "anna", "interactions_2d") == [0, 0, 0, 3, 3]
    assert of(found, "anna", "days_since_last_activity") == [4, 5, 6, 0, 1]


def test_the_mask_is_who_was_enrolled_then_and_masked_cells_are_zero(made: Make) -> None:
    found = made([moment(10)], 8)
    assert mask_of(found, "anna") == [True] * 8
    assert mask_of(found, "ben") == [False, True, True, True, True, True, True, True]  # days 3 to 10
    assert mask_of(found, "cleo") == [True, True, False, False, False, True, True, True]
    assert not found.values[~found.mask].any()
    assert np.isnan(of(found, "cleo", "days_since_last_activity")[0])  # enrolled, and never there


def test_weekly_steps_end_with_the_moment(made: Make) -> None:
    found = made([moment(15)], 3, 7)
    assert of(found, "anna", "days_since_last_activity")[1:] == [6, 6]  # day 8, when day 2 was the last known; day 15
    assert mask_of(found, "ben") == [False, True, True]


def test_days_end_at_local_midnight_when_the_clocks_change(records: Memory) -> None:
    """London's clocks go forward on day 27, so its end is 23 hours after that of day 26."""
    cells = cells_of(VIEW, records, [moment(28)], 4)
    whole = compute(VIEW, records, [moment(day) for day in (25, 26, 27, 28)])
    where = cells.where(cells.rows())
    anna = cells.values[where[0], 1]
    column = whole.table["days_since_last_activity"].to_numpy()
    assert anna.tolist() == column[whole.keys("learner") == "anna"].tolist() == [16, 17, 18, 19]
    assert AsOf.at(on(27).isoformat(), "Europe/London") == end_of(27)


def test_rows_are_those_of_compute_in_its_order_and_the_last_step_is_its_values(records: Memory) -> None:
    moments = [moment(9), moment(3), moment(8)]
    plain = compute(sequence_view(), records, moments)
    found = tensor(sequence_view(), records, moments, 3)
    assert found.rows.equals(plain.table.select(KEYS))
    assert np.array_equal(found.values[:, -1], plain.values().astype(np.float32), equal_nan=True)
    assert found.mask[:, -1].all()


def test_all_moments_are_computed_in_one_call_and_shared_steps_once(
    monkeypatch: pytest.MonkeyPatch, made: Make
) -> None:
    asked: list[list[Moment]] = []
    engine = as_of.computed

    def counted(view: Any, records: Any, moments: list[Moment], reading: Any) -> Any:
        asked.append(moments)
        return engine(view, records, moments, reading)

    monkeypatch.setattr("headway.features.tensor.computed", counted)
    made([moment(8), moment(10)], 5)
    assert asked == [[moment(day) for day in range(4, 11)]]


def test_nobody_enrolled_gives_no_rows(made: Make) -> None:
    found = made([moment(-20)], 3)
    assert found.values.shape == (0, 3, 2)
    assert found.mask.shape == (0, 3)


def test_what_cannot_be_asked_is_refused(made: Make, records: Memory) -> None:
    with pytest.raises(InputError, match="at least one step"):
        made([moment(3)], 0)
    with pytest.raises(InputError, match="at least one step"):
        made([moment(3)], 2, 0)
    with pytest.raises(UnknownName):
        made([Moment("tiny/T1/none", end_of(3))], 2)
    cells = cells_of(VIEW, records, [moment(8)], 2)
    other = compute(VIEW, records, [moment(9)])
    with pytest.raises(InputError, match="ask for this moment first"):
        cells.where(other.table)


def test_learners_that_were_not_asked_for_have_no_cells(records: Memory) -> None:
    cells = cells_of(VIEW, records, [moment(8)], 2)
    rows = cells.rows().set_column(1, "learner", [["anna", "nobody", "ben"]])
    assert (cells.where(rows)[:, -1] >= 0).tolist() == [True, False, True]


def test_the_arrays_are_made_by_the_allocator(made: Make) -> None:
    shapes: list[tuple[tuple[int, ...], str]] = []

    def allocate(shape: tuple[int, ...], dtype: Any) -> Any:
        shapes.append((shape, np.dtype(dtype).name))
        return np.zeros(shape, dtype)

    found = made([moment(10)], 5, allocate=allocate)
    assert shapes == [((3, 5, 2), "float32"), ((3, 5), "bool")]
    assert np.array_equal(found.values, made([moment(10)], 5).values, equal_nan=True)


def test_files_hold_what_the_tensor_holds(tmp_path: Path, made: Make) -> None:
    from headway.flow.tensors import mapped

    found = made([moment(10)], 5, allocate=mapped(tmp_path))
    assert isinstance(found.values, np.memmap)
    found.values.flush()
    again = np.load(tmp_path / "values.npy", mmap_mode="r")
    assert np.array_equal(again, made([moment(10)], 5).values, equal_nan=True)


def test_the_small_view_names_registered_features() -> None:
    assert set(SEQUENCE_FEATURES) <= set(FEATURES.names())
    assert sequence_view().features == SEQUENCE_FEATURES
    assert sequence_view().hash == sequence_view().hash
