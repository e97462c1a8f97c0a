"""Running totals of spans at each step of each enrolment, over Arrow tables: what `linear` plans, carried out by numpy.

A whole course run fits in memory as a grid of enrolments by steps. A span is added to the cell where it begins to count
and taken away in the cell where it ceases to; a running sum along the steps is then the value at every as-of time. The
function is pure, and enrolments do not look at each other: an engine may call it for any part of a run's enrolments.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from headway.features.reductions import Bound
from headway.features.spans import NEVER

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Numbers = NDArray[np.float64]
    Steps = NDArray[np.int32] | NDArray[np.int64]

DAY: Final = "day_{}"
"""The name under which rows carry a date column, as days since 1970."""

_INT64: Final = pa.int64()
_MOST_CODES: Final = 1 << 20
"""Whole numbers of a wider range are counted before they are told apart."""

_FAR: Final = 1_000_000
"""More days than any date is from 1970."""


@dataclass(frozen=True, slots=True)
class _Calendar:
    """The first step that has seen a day, of each run: a table of its days, from the first as-of day to the last.

    Attributes:
        first: the first as-of day of each run.
        last: the last.
        begin: where the days of each run begin in `steps`.
        steps: the step of each day.
    """

    first: "Steps"
    last: "Steps"
    begin: "Steps"
    steps: "Steps"

    @classmethod
    def of(cls, run: "Steps", today: "Steps", step: "Steps") -> "_Calendar":
        run, today, step = (column.astype(np.int32) for column in (run, today, step))
        runs = int(run.max(initial=-1)) + 1
        first, last = np.full(runs, _FAR, dtype=np.int32), np.full(runs, -_FAR, dtype=np.int32)
        np.minimum.at(first, run, today)
        np.maximum.at(last, run, today)
        days = np.maximum(last - first + 1, 0)
        begin = np.cumsum(days, dtype=np.int32) - days
        steps = np.full(int(days.sum()), NEVER, dtype=np.int32)
        np.minimum.at(steps, begin[run] + today - first[run], step)
        # A day between two as-of days is first seen at the later one; every run ends with an as-of day.
        seen = np.flatnonzero(steps != NEVER)
        steps = steps[seen[np.searchsorted(seen, np.arange(len(steps)))]]
        return cls(first, last, begin, steps)

    def steps_of(self, days: "Steps") -> "Steps":
        """Of each run and day the first step whose as-of day is that day or later; `NEVER` where there is none."""
        found = np.full((len(self.first), len(days)), NEVER, dtype=np.int32)
        there = np.flatnonzero(self.first <= self.last)
        first, last, begin = (column[there, None] for column in (self.first, self.last, self.begin))
        place = begin + np.clip(days, first, last) - first
        found[there] = np.where(days <= last, self.steps[place], np.int32(NEVER))
        return found


@dataclass(frozen=True, slots=True)
class Summed:
    """The sum of a column (None: the number of rows) over the rows that hold and have passed all bounds."""

    name: str
    column: str | None
    counts: str | None
    passed: tuple[Bound, ...]


@dataclass(frozen=True, slots=True)
class Covered:
    """How many different values a column has among the rows in a window; null values do not count."""

    name: str
    column: str
    starts: tuple[Bound, ...]
    ends: tuple[Bound, ...]


@dataclass(frozen=True, slots=True)
class Best:
    """The value of `column` where `by` is greatest, or least, among the rows in a window; null `by` does not count."""

    name: str
    column: str
    by: str
    least: bool
    starts: tuple[Bound, ...]
    ends: tuple[Bound, ...]


@dataclass(frozen=True, slots=True)
class Totals:
    """What is kept up to date.

    Attributes:
        sums: numbers that are added up, null as 0.
        covers: different values.
        bests: greatest and least values.
    """

    sums: tuple[Summed, ...]
    covers: tuple[Covered, ...]
    bests: tuple[Best, ...]

    def __call__(self, rows: pa.Table, cursor: pa.Table) -> pa.Table:
        """`cursor` with every total as a further column.

        Args:
            rows: spans: `enrolment`, `run_no`, `from_step`, `until_step`, dates named by `DAY`, and the columns named.
            cursor: the spine: `row`, `enrolment`, `run_no`, `step`, `today` (days since 1970), and other columns.
        """
        grid = _Grid.of(rows, cursor, self._bounds())
        columns: dict[str, Any] = {}
        for passed in dict.fromkeys(one.passed for one in self.sums):
            come, go = grid.comings(passed)
            columns |= {one.name: grid.running(come, go, one) for one in self.sums if one.passed == passed}
        columns |= {one.name: grid.different(one) for one in self.covers}
        columns |= {one.name: grid.best(one) for one in self.bests}
        for name in self.names():
            cursor = cursor.append_column(name, _as_column(columns[name]))
        return cursor

    def _bounds(self) -> Iterator[Bound]:
        yield from (bound for one in self.sums for bound in one.passed)
        windows: tuple[Covered | Best, ...] = (*self.covers, *self.bests)
        yield from (bound for one in windows for bound in (*one.starts, *one.ends))

    def names(self) -> list[str]:
        """The columns of totals, in order."""
        return [*(s.name for s in self.sums), *(c.name for c in self.covers), *(b.name for b in self.bests)]


@dataclass(frozen=True, slots=True)
class _Spans:
    """Some of the spans, and what totals have read of them, so that it is read once.

    Attributes:
        rows: all spans.
        which: the places of these among them; None for all.
        kept: which of these count, by the column that says so.
        columns: the numbers of those that count, by column and by what says so.
    """

    rows: pa.Table
    which: "Steps | None" = None
    kept: "dict[str, Steps]" = field(default_factory=dict)
    columns: "dict[tuple[str, str | None], Numbers]" = field(default_factory=dict)

    def dealt(self, cell: "Steps", one: Summed, size: int) -> "Numbers":
        """What these spans add in each cell, each being dealt into its own."""
        if one.counts is not None:
            cell = cell[self._kept(one.counts)]
        numbers = None if one.column is None else self._numbers(one.column, one.counts)
        return np.bincount(cell, numbers, minlength=size).astype(np.float64)

    def _kept(self, counts: str) -> "Steps":
        if counts not in self.kept:
            mask = self.rows[counts].to_numpy(zero_copy_only=False).astype(bool)
            self.kept[counts] = np.flatnonzero(mask if self.which is None else mask[self.which])
        return self.kept[counts]

    def _numbers(self, column: str, counts: str | None) -> "Numbers":
        if (column, counts) not in self.columns:
            numbers = _numbers(self.rows, column, 0.0)
            numbers = numbers if self.which is None else numbers[self.which]
            self.columns[column, counts] = numbers if counts is None else numbers[self._kept(counts)]
        return self.columns[column, counts]


@dataclass(frozen=True, slots=True)
class _Grid:
    """Enrolments by steps, and where each row of the spans and of the spine stands in it.

    Attributes:
        rows: the spans.
        width: the number of steps; each line has one cell more, for what never comes.
        size: the number of cells.
        line: the first cell of the enrolment of each span.
        begin: the step from which it holds.
        until: the step from which it does not; both at most `width`.
        asked: the cell of each spine row.
        calendar: when each day was first seen.
        each: all spans.
        ending: those that hold for some time only.
        days: all days on which it matters when a bound is passed, in order; before and after them it does not.
        places: where the day of each span stands in a table of them by run, by date column.
        reached: the steps at which spans pass a bound, by bound: many totals ask for the same.
    """

    rows: pa.Table
    width: int
    size: int
    line: "Steps"
    begin: "Steps"
    until: "Steps"
    asked: "Steps"
    calendar: "_Calendar"
    each: _Spans
    ending: _Spans
    days: "Steps"
    places: "dict[str, Steps]" = field(default_factory=dict)
    reached: "dict[Bound, Steps]" = field(default_factory=dict)

    @classmethod
    def of(cls, rows: pa.Table, cursor: pa.Table, bounds: Iterable[Bound]) -> "_Grid":
        step, today, run = (_whole(cursor, name) for name in ("step", "today", "run_no"))
        enrolments, at = np.unique(_whole(cursor, "enrolment"), return_inverse=True)
        width = int(step.max()) + 1 if len(step) else 1
        size = len(enrolments) * (width + 1)
        line: Any = np.zeros(int(enrolments.max(initial=-1)) + 1, dtype=np.int32 if size < NEVER else np.int64)
        line[enrolments] = np.arange(0, size, width + 1)
        until = np.minimum(_short(rows, "until_step"), np.int32(width))
        far = max((abs(bound.days) for bound in bounds), default=0) + 1
        first, last = (int(today.min()), int(today.max())) if len(today) else (0, 0)
        days = np.arange(first - far, last + far + 1, dtype=np.int32)
        return cls(
            rows=rows,
            width=width,
            size=size,
            line=line[_short(rows, "enrolment")],
            begin=np.minimum(_short(rows, "from_step"), np.int32(width)),
            until=until,
            asked=at * (width + 1) + step,
            calendar=_Calendar.of(run, today, step),
            each=_Spans(rows),
            ending=_Spans(rows, np.flatnonzero(until < width)),
            days=days,
        )

    def last_of(self, bounds: Sequence[Bound]) -> "Steps":
        """The step at which each span holds and has passed all bounds."""
        step = self.begin
        for bound in bounds:
            step = np.maximum(step, self._reached(bound))
        return step

    def first_of(self, bounds: Sequence[Bound]) -> "Steps":
        """The step at which each span does not hold any more or has passed one of the bounds."""
        step = self.until
        for bound in bounds:
            step = np.minimum(step, self._reached(bound))
        return step

    def _reached(self, bound: Bound) -> "Steps":
        if bound not in self.reached:
            # Looked up once for all spans of a run and day.
            steps = self.calendar.steps_of(self.days + bound.days)
            self.reached[bound] = np.minimum(steps, np.int32(self.width)).ravel()[self._place(bound.date)]
        return self.reached[bound]

    def _place(self, date: str) -> "Steps":
        """Where the day of each span stands in a table of `days` by run."""
        if date not in self.places:
            least, greatest = self.days[0], self.days[-1]
            day = np.clip(_short(self.rows, DAY.format(date), never=_FAR), least, greatest) - least
            self.places[date] = day + _short(self.rows, "run_no") * np.int32(len(self.days))
        return self.places[date]

    def comings(self, bounds: Sequence[Bound]) -> "tuple[Steps, Steps]":
        """The cell in which each span comes to count; and that in which each of `ending` ceases to.

        What has ceased to hold before it would count comes and goes in the same cell.
        """
        step, ending = self.last_of(bounds), self.ending.which
        return self.line + step, self.line[ending] + np.maximum(step[ending], self.until[ending])

    def running(self, come: "Steps", go: "Steps", one: Summed) -> "Numbers":
        """The sum of what has come and not gone, at each spine row."""
        total = self.each.dealt(come, one, self.size)
        if len(go):
            total -= self.ending.dealt(go, one, self.size)
        return self._along(total)

    def different(self, one: Covered) -> "Numbers":
        """How many values are present at each spine row: each span adds what the earlier ones leave uncovered."""
        value, many = _coded(self.rows[one.column])
        step, gone = self.last_of(one.starts), self.first_of(one.ends)
        kept = np.flatnonzero((value >= 0) & (step < gone))
        # Things in the order of their steps: packed into one number each, they are sorted ten times as fast.
        bits = self.width.bit_length()
        packed = self.line[kept].astype(np.int64) * many + value[kept]
        for column in (step, gone):
            packed <<= bits
            packed += column[kept]
        packed.sort()
        below = (1 << bits) - 1
        thing, step, gone = packed >> 2 * bits, packed >> bits & below, packed & below
        line = thing // many
        # Steps of one thing are counted on from those of the thing before it, so that one running maximum serves all.
        rank = np.cumsum(np.append(0, np.diff(thing) != 0))[: len(thing)] * (2 * self.width)
        covered = np.append(0, np.maximum.accumulate(gone + rank)[:-1])[: len(thing)] - rank
        step = np.maximum(step, covered)
        adds = step < gone
        total = self._dealt(line[adds] + step[adds])
        leaves = adds & (gone < self.width)
        return self._along(total - self._dealt(line[leaves] + gone[leaves]))

    def best(self, one: Best) -> pa.ChunkedArray:
        """The value at the greatest or least `by` among the spans that count at each spine row."""
        by = _numbers(self.rows, one.by, np.nan)
        by = -by if one.least else by
        step, gone = self.last_of(one.starts), self.first_of(one.ends)
        counts = ~np.isnan(by) & (step < gone)
        lasting = counts & (gone >= self.width)
        best, winner = self._winners(np.flatnonzero(lasting), step[lasting], by)
        grid = best.reshape(-1, self.width + 1)
        top = np.maximum.accumulate(grid, axis=1)
        place = np.where((grid == top) & np.isfinite(grid), np.arange(self.width + 1), 0)
        place = np.maximum.accumulate(place, axis=1) + np.arange(0, self.size, self.width + 1)[:, None]
        winner, best = winner[place.ravel()], top.ravel()
        passing = np.flatnonzero(counts & ~lasting)
        if len(passing):
            spans = gone[passing] - step[passing]
            each = np.repeat(passing, spans)
            offset = np.arange(len(each)) - np.repeat(np.cumsum(spans) - spans, spans)
            now, holder = self._winners(each, step[each] + offset, by)
            winner = np.where(now > best, holder, winner)
        at = winner[self.asked]
        return self.rows[one.column].take(pa.array(at, mask=at < 0))

    def _winners(self, spans: "Steps", step: "Steps", by: "Numbers") -> "tuple[Numbers, Steps]":
        """The greatest `by` of the spans that fall in each cell, and which span has it (-1: none)."""
        best, winner = np.full(self.size, -np.inf), np.full(self.size, -1)
        cell = self.line[spans] + step
        np.maximum.at(best, cell, by[spans])
        first = by[spans] == best[cell]
        winner[cell[first]] = spans[first]
        return best, winner

    def _dealt(self, cell: "Steps") -> "Numbers":
        return np.bincount(cell, minlength=self.size).astype(np.float64)

    def _along(self, total: "Numbers") -> "Numbers":
        sums: Numbers = np.cumsum(total.reshape(-1, self.width + 1), axis=1).ravel()[self.asked]
        return sums


def _coded(column: pa.ChunkedArray) -> "tuple[Steps, int]":
    """A whole number from 0 on for each value, -1 for null; and how many there are at most."""
    if pa.types.is_integer(column.type) and len(column) > column.null_count:
        ends = pc.min_max(column)
        least, many = ends["min"].as_py(), ends["max"].as_py() - ends["min"].as_py() + 1
        if many < _MOST_CODES:
            return _filled(column, least - 1) - least, many
    codes = pc.dictionary_encode(column).combine_chunks()
    return _filled(pa.chunked_array([codes.indices]), -1), len(codes.dictionary) + 1


def _as_column(values: Any) -> Any:
    return pa.array(values) if isinstance(values, np.ndarray) else values


def _whole(table: pa.Table, name: str, never: int = 0) -> "Steps":
    found: Steps = _filled(table[name], never)
    return found


def _short(table: pa.Table, name: str, never: int = 0) -> "Steps":
    """A column of steps or days: half as wide as other whole numbers, there being most of them."""
    found: Steps = _filled(table[name], never, pa.int32())
    return found


def _filled(column: pa.ChunkedArray, empty: float, kind: pa.DataType = _INT64) -> Any:
    column = column.cast(kind)
    return (pc.fill_null(column, empty) if column.null_count else column).to_numpy()


def _numbers(table: pa.Table, name: str, empty: float) -> "Numbers":
    found: Numbers = _filled(table[name], empty, pa.float64())
    return found
