"""Features at consecutive as-of times: what was known of each learner then, for models that read a history.

Every cell is a value of the as-of engine at its own, earlier as-of time, so the as-of rule holds for each step by
itself. All steps of all rows are computed in one call: rows share their steps, and the engine's cost grows with rows.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from headway.domain.errors import InputError
from headway.domain.time import AsOf, zone_of
from headway.features.as_of import FeatureTable, Reading, computed, run_facts
from headway.features.engine import Records
from headway.features.moments import Moment
from headway.features.views import FeatureView, view_with

if TYPE_CHECKING:
    from numpy.typing import NDArray

Allocate = Callable[[tuple[int, ...], Any], Any]
"""Makes an array of zeros of a shape and type, in memory or in a file."""

KEYS: Final = ("run", "learner", "as_of")

SEQUENCE_FEATURES: Final = (
    "interactions_2d",
    "interactions_7d",
    "active_days_7d",
    "active_days_14d",
    "days_since_last_activity",
    "current_streak_days",
    "longest_gap_days",
    "activity_change_7d",
    "interactions_14d_percentile",
    "types_14d",
    "assessments_due",
    "assessments_missed",
    "submitted_share",
    "missed_weight",
    "earned_share",
    "mean_score",
    "last_score",
    "days_since_last_submission",
    "days_to_next_due",
    "remaining_share",
)
"""What a sequence model reads a day: plain features of short windows, their standing and the plan."""

ROWS_AT_ONCE: Final = 8_192
"""Rows of a tensor that are filled at a time, so that a mapped file is written from front to back."""


def sequence_view() -> FeatureView:
    """The view of `SEQUENCE_FEATURES`."""
    return view_with("sequence", SEQUENCE_FEATURES)


@dataclass(frozen=True, slots=True)
class Tensor:
    """Features of everyone enrolled at some moments, at consecutive as-of times up to each moment.

    Attributes:
        view: the features, in the order of the last axis.
        rows: `run`, `learner` and `as_of` of each row, in the order of `as_of.compute`.
        steps: how many as-of times a row has; the last is the row's own.
        step_days: days from one to the next.
        values: shape (rows, steps, features), float32; NaN where a feature is absent, 0 where `mask` is false.
        mask: shape (rows, steps); whether the learner was enrolled at that step's as-of time, as was known then.
    """

    view: FeatureView
    rows: pa.Table
    steps: int
    step_days: int
    values: "NDArray[np.float32]"
    mask: "NDArray[np.bool_]"


@dataclass(frozen=True, slots=True)
class Cells:
    """The same in its compact form: each (enrolment, as-of time) once, however many rows look back at it.

    Attributes:
        view: the features.
        steps: see `Tensor`.
        step_days: see `Tensor`.
        asked: the moments that were asked for, whose rows can be looked up.
        values: shape (cells, features), float32; NaN where absent.
    """

    view: FeatureView
    steps: int
    step_days: int
    asked: frozenset[Moment]
    values: "NDArray[np.float32]"
    _keys: pa.Table
    _learners: "NDArray[np.int32]"
    _names: pa.Array
    _spans: dict[Moment, slice]
    _lags: dict[Moment, tuple[Moment, ...]]

    def rows(self) -> pa.Table:
        """The keys of everyone enrolled at the moments asked for, sorted by run, as-of time and learner."""
        wanted = np.zeros(len(self._keys), dtype=np.bool_)
        for moment in self.asked & self._spans.keys():
            wanted[self._spans[moment]] = True
        return self._keys.filter(pa.array(wanted))

    def first_looked_at(self) -> "Iterator[tuple[slice, slice]]":
        """The cells of each as-of time, behind those of the first moment asked for that looks back at them."""
        first = {lag: moment for moment in sorted(self.asked, reverse=True) for lag in self._lags[moment]}
        for lag, moment in first.items():
            if lag in self._spans and moment in self._spans:
                yield self._spans[moment], self._spans[lag]

    def where(self, rows: pa.Table) -> "NDArray[np.int32]":
        """The cell of each row at each step, oldest first, shape (rows, steps); -1 where the learner was not enrolled.

        Args:
            rows: a table with `run`, `learner` and `as_of`.

        Raises:
            InputError: a row's moment is none of those asked for.
        """
        found = np.full((len(rows), self.steps), -1, dtype=np.int32)
        learners = _numbers(rows["learner"], self._names)
        place = np.full(len(self._names), -1, dtype=np.int32)
        for moment, own in numbers_by_moment(rows).items():
            if moment not in self.asked:
                raise InputError(f"No history of {moment.run} as of {moment.as_of}: ask for this moment first.")
            known = own[learners[own] >= 0]
            for step, lag in enumerate(self._lags[moment]):
                span = self._spans.get(lag)
                if span is None:
                    continue
                place[self._learners[span]] = np.arange(span.start, span.stop, dtype=np.int32)
                found[known, step] = place[learners[known]]
                place[self._learners[span]] = -1
        return found


def tensor(
    view: FeatureView,
    records: Records,
    moments: Sequence[Moment],
    steps: int,
    step_days: int = 1,
    reading: Reading = "honest",
    allocate: Allocate = np.zeros,
) -> Tensor:
    """The view's features for everyone enrolled at the moments, at `steps` as-of times that end with the moment.

    Step s of a row holds what was known at its as-of time less (steps - 1 - s) * step_days days, and nothing else.

    Args:
        view: which features; see `sequence_view` for a small one.
        records: what they are computed from.
        moments: runs at as-of times.
        steps: how many as-of times a row has.
        step_days: 1 for daily, 7 for weekly.
        reading: see `as_of.compute`.
        allocate: makes the arrays of the result, for example in a file that is mapped into memory.

    Raises:
        UnknownName: a run or a feature is not known.
        InputError: fewer than one step, or less than a day from one to the next.
    """
    cells = cells_of(view, records, moments, steps, step_days, reading)
    rows = cells.rows()
    where = cells.where(rows)
    values = allocate((len(rows), steps, len(view.features)), np.float32)
    mask = allocate((len(rows), steps), np.bool_)
    for start in range(0, len(rows), ROWS_AT_ONCE):
        part = slice(start, start + ROWS_AT_ONCE)
        mask[part] = where[part] >= 0
        values[part] = np.where(mask[part][..., None], cells.values[where[part]], 0)
    return Tensor(view, rows, steps, step_days, values, mask)


def cells_of(
    view: FeatureView,
    records: Records,
    moments: Sequence[Moment],
    steps: int,
    step_days: int = 1,
    reading: Reading = "honest",
) -> Cells:
    """The compact form of `tensor`; same arguments, same errors."""
    if steps < 1 or step_days < 1:
        raise InputError(f"{steps} steps of {step_days} days: give at least one step, and whole days from 1 on.")
    asked = sorted(set(moments))
    lags = _lags(records, asked, steps, step_days)
    parts, told = [], []
    for piece in computed(view, records, sorted({lag for each in lags.values() for lag in each}), reading):
        parts.append(_singles(piece))
        told.append(piece.table.select(KEYS))
    values, keys = np.concatenate(parts), pa.concat_tables(told)
    coded = keys["learner"].combine_chunks().dictionary_encode()
    coded = coded.combine_chunks() if isinstance(coded, pa.ChunkedArray) else coded
    spans = {moment: slice(int(own[0]), int(own[-1]) + 1) for moment, own in numbers_by_moment(keys).items()}
    learners = np.asarray(coded.indices.to_numpy(zero_copy_only=False), dtype=np.int32)
    return Cells(view, steps, step_days, frozenset(asked), values, keys, learners, coded.dictionary, spans, lags)


def _singles(piece: FeatureTable) -> "NDArray[np.float32]":
    values = np.empty((len(piece), len(piece.view.features)), dtype=np.float32)
    for column, name in enumerate(piece.view.features):
        values[:, column] = piece.table[name].to_numpy(zero_copy_only=False)
    return values


def _lags(records: Records, asked: Sequence[Moment], steps: int, step_days: int) -> dict[Moment, tuple[Moment, ...]]:
    """The moments that a moment looks back at, oldest first, itself last."""
    return {
        moment: tuple(
            Moment(moment.run, _days_before(moment.as_of, back * step_days, zone)) for back in range(steps - 1, -1, -1)
        )
        for moment, zone in ((each, run_facts(records, each.run, each.as_of).zone) for each in asked)
    }


def _days_before(as_of: AsOf, days: int, zone: str) -> AsOf:
    """The same time of the local clock some days earlier: the end of a day stays one when the clocks change."""
    local = as_of.instant.astimezone(zone_of(zone)) - timedelta(days=days)
    return AsOf(local.astimezone(UTC)) if days else as_of


def _numbers(learners: pa.ChunkedArray, names: pa.Array) -> "NDArray[np.int32]":
    found = pc.fill_null(pc.index_in(learners, value_set=names), -1)
    return np.asarray(found.to_numpy(), dtype=np.int32)


def numbers_by_moment(rows: pa.Table) -> "dict[Moment, NDArray[np.int64]]":
    """The numbers of the rows of each moment, in their order."""
    if not len(rows):
        return {}
    runs = rows["run"].combine_chunks().dictionary_encode()
    runs = runs.combine_chunks() if isinstance(runs, pa.ChunkedArray) else runs
    instants = np.asarray(rows["as_of"].cast("int64").to_numpy(), dtype=np.int64)
    codes = np.asarray(runs.indices.to_numpy(zero_copy_only=False), dtype=np.int64)
    order = np.lexsort((instants, codes))
    ends = np.flatnonzero((np.diff(codes[order]) != 0) | (np.diff(instants[order]) != 0)) + 1
    names = runs.dictionary.to_pylist()
    found = {}
    for own in np.split(order, ends):
        at = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=int(instants[own[0]]))
        found[Moment(names[codes[own[0]]], AsOf(at))] = np.sort(own)
    return found
