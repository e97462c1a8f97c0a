"""Running totals of spans at each step of each enrolment, over Arrow tables: what `linear` plans, carried out by numpy.

A whole course run fits in memory as a grid of enrolments by steps. A span is added to the cell where it begins to count
and taken away in the cell where it ceases to; a running sum along the steps is then the value at every as-of time. The
function is pure, and enrolments do not look at each other: an engine may call it for any part of a run's enrolments.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from headway.features.reductions import Bound
from headway.features.spans import NEVER

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Numbers = NDArray[np.float64]
    Steps = NDArray[np.signedinteger[Any]]

DAY: Final = "day_{}"
"""The name under which rows carry a date column, as dates or as days since 1970."""

_INT64: Final = pa.int64()
_MOST_CODES: Final = 1 << 20
"""Whole numbers of a wider range are counted before they are told apart."""

PART_ROWS: Final = 1 << 16
"""About as many spans are added up at a time."""

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

    @property
    def is_extreme(self) -> bool:
        """Whether it is the greatest or least value itself."""
        return self.column == self.by


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
        grid = _Grid.of(cursor, self._bounds())
        numbers = {name: np.zeros(grid.size) for name in (*(s.name for s in self.sums), *(c.name for c in self.covers))}
        extremes = {one.name: np.full(grid.size, np.nan) for one in self.bests if one.is_extreme}
        winners = {one.name: np.full(grid.size, -1) for one in self.bests if not one.is_extreme}
        for first, part in _parts(rows):
            spans = _Spans.of(grid, part)
            for summed in self.sums:
                numbers[summed.name][spans.cells] = spans.running(summed)
            for covered in self.covers:
                numbers[covered.name][spans.cells] = spans.different(covered)
            for best in self.bests:
                if best.is_extreme:
                    extremes[best.name][spans.cells] = spans.extreme(best)
                else:
                    found = spans.best(best)
                    winners[best.name][spans.cells] = np.where(found < 0, -1, found + first)
        columns: dict[str, Any] = {name: pa.array(grid.at_rows(cells)) for name, cells in numbers.items()}
        for best in self.bests:
            if best.is_extreme:
                values = pa.array(grid.at_rows(extremes[best.name]), from_pandas=True)
                columns[best.name] = values.cast(rows.schema.field(best.column).type)
            else:
                at = grid.at_rows(winners[best.name])
                columns[best.name] = rows[best.column].take(pa.array(at, mask=at < 0))
        for name in self.names():
            cursor = cursor.append_column(name, columns[name])
        return cursor

    def _bounds(self) -> Iterator[Bound]:
        yield from (bound for one in self.sums for bound in one.passed)
        windows: tuple[Covered | Best, ...] = (*self.covers, *self.bests)
        yield from (bound for one in windows for bound in (*one.starts, *one.ends))

    def names(self) -> list[str]:
        """The columns of totals, in order."""
        return [*(s.name for s in self.sums), *(c.name for c in self.covers), *(b.name for b in self.bests)]


@dataclass(frozen=True, slots=True)
class _Grid:
    """Enrolments by steps, and where each row of the spine stands in it.

    Attributes:
        width: the number of steps; each line has one cell more, for what never comes.
        size: the number of cells.
        line: the first cell of each enrolment, by its number; lines are in the order of these.
        asked: the cell of each spine row.
        calendar: when each day was first seen.
        days: all days on which it matters when a bound is passed, in order; before and after them it does not.
        reached: the steps at which a bound is passed, by run and day, for each bound.
    """

    width: int
    size: int
    line: "Steps"
    asked: "Steps"
    calendar: "_Calendar"
    days: "Steps"
    reached: "dict[Bound, Steps]" = field(default_factory=dict)

    @classmethod
    def of(cls, cursor: pa.Table, bounds: Iterable[Bound]) -> "_Grid":
        enrolment, step, today, run = (_whole(cursor, name) for name in ("enrolment", "step", "today", "run_no"))
        there = np.zeros(int(enrolment.max(initial=-1)) + 1, dtype=np.int64)
        there[enrolment] = 1
        width = int(step.max()) + 1 if len(step) else 1
        line = (np.cumsum(there) - there) * (width + 1)
        far = max((abs(bound.days) for bound in bounds), default=0) + 1
        first, last = (int(today.min()), int(today.max())) if len(today) else (0, 0)
        return cls(
            width=width,
            size=int(there.sum()) * (width + 1),
            line=line,
            asked=line[enrolment] + step,
            calendar=_Calendar.of(run, today, step),
            days=np.arange(first - far, last + far + 1, dtype=np.int32),
        )

    def reaching(self, bound: Bound) -> "Steps":
        """The step at which a bound is passed on each of `days`, one run after the other."""
        if bound not in self.reached:
            steps = self.calendar.steps_of(self.days + bound.days)
            self.reached[bound] = np.minimum(steps, np.int32(self.width)).ravel()
        return self.reached[bound]

    def at_rows(self, cells: Any) -> Any:
        """What stands in the cell of each spine row."""
        return cells[self.asked]


def _parts(rows: pa.Table) -> Iterator[tuple[int, pa.Table]]:
    """Some spans at a time, so that they stay near the processor, and the place of the first of them.

    No enrolment is in two parts; where spans are not in the order of their enrolments, they are one part.
    """
    enrolment = _short(rows, "enrolment")
    cuts = enrolment[:0]
    if (enrolment[1:] >= enrolment[:-1]).all():
        cuts = np.unique(np.searchsorted(enrolment, enrolment[PART_ROWS::PART_ROWS]))
    for begin, end in pairwise([0, *cuts[cuts > 0].tolist(), len(enrolment)]):
        yield begin, rows.slice(begin, end - begin)


@dataclass(frozen=True, slots=True)
class _Spans:
    """Spans of some enrolments in a row, where they stand in the grid, and what was read of them once.

    Attributes:
        grid: the grid.
        rows: the spans.
        cells: the cells of these enrolments: those before them are taken off in what follows.
        line: the first cell of the enrolment of each span.
        begin: the step from which it holds.
        until: the step from which it does not; both at most the grid's width.
        ending: the spans that hold for some time only.
        places: where the day of each span stands in a table of the grid's days by run, by date column.
        reached: the steps at which spans pass a bound, by bound: many totals ask for the same.
        moves: the cell in which each span comes to count, and that in which each of `ending` ceases to, by the bounds
            to be passed and the column that says which count.
        counted: which count, and which of `ending` do, by the column that says so.
        numbers: the numbers of those that count, and of those of `ending`, by column and by what says so.
    """

    grid: _Grid
    rows: pa.Table
    cells: slice
    line: "Steps"
    begin: "Steps"
    until: "Steps"
    ending: "Steps"
    places: "dict[str, Steps]" = field(default_factory=dict)
    reached: "dict[Bound, Steps]" = field(default_factory=dict)
    moves: "dict[tuple[tuple[Bound, ...], str | None], tuple[Steps, Steps]]" = field(default_factory=dict)
    counted: "dict[str, tuple[Steps, Steps]]" = field(default_factory=dict)
    numbers: "dict[tuple[str, str | None], tuple[Numbers, Numbers]]" = field(default_factory=dict)

    @classmethod
    def of(cls, grid: _Grid, rows: pa.Table) -> "_Spans":
        line = grid.line[_short(rows, "enrolment")]
        first, last = (int(line.min()), int(line.max())) if len(line) else (0, -grid.width - 1)
        width = np.int32(grid.width)
        until = np.minimum(_short(rows, "until_step"), width)
        return cls(
            grid=grid,
            rows=rows,
            cells=slice(first, last + grid.width + 1),
            line=line - first,
            begin=np.minimum(_short(rows, "from_step"), width),
            until=until,
            ending=np.flatnonzero(until < width),
        )

    @property
    def _size(self) -> int:
        return int(self.cells.stop - self.cells.start)

    def running(self, one: Summed) -> "Numbers":
        """The sum of what has come and not gone, in each cell."""
        come, go = self._moves(one.passed, one.counts)
        of_come, of_go = (None, None) if one.column is None else self._numbers(one.column, one.counts)
        total = np.bincount(come, of_come, minlength=self._size).astype(np.float64, copy=False)
        if len(go):
            total -= np.bincount(go, of_go, minlength=self._size)
        return self._along(total)

    def _moves(self, passed: tuple[Bound, ...], counts: str | None) -> "tuple[Steps, Steps]":
        """Where spans come to count and cease to.

        What has ceased to hold before it would count comes and goes in the same cell.
        """
        if (passed, counts) not in self.moves:
            if counts is None:
                step = self._last_of(passed)
                gone = np.maximum(step[self.ending], self.until[self.ending])
                self.moves[passed, counts] = self.line + step, self.line[self.ending] + gone
            else:
                come, go = self._moves(passed, None)
                which, of_ending = self._counted(counts)
                self.moves[passed, counts] = come[which], go[of_ending]
        return self.moves[passed, counts]

    def _counted(self, counts: str) -> "tuple[Steps, Steps]":
        if counts not in self.counted:
            mask = self.rows[counts].to_numpy(zero_copy_only=False).astype(bool, copy=False)
            self.counted[counts] = np.flatnonzero(mask), np.flatnonzero(mask[self.ending])
        return self.counted[counts]

    def _numbers(self, column: str, counts: str | None) -> "tuple[Numbers, Numbers]":
        if (column, counts) not in self.numbers:
            if counts is None:
                numbers = _numbers(self.rows, column, 0.0)
                self.numbers[column, counts] = numbers, numbers[self.ending]
            else:
                numbers, of_ending = self._numbers(column, None)
                which, ending = self._counted(counts)
                self.numbers[column, counts] = numbers[which], of_ending[ending]
        return self.numbers[column, counts]

    def _last_of(self, bounds: Sequence[Bound]) -> "Steps":
        """The step at which each span holds and has passed all bounds."""
        step = self.begin
        for bound in bounds:
            step = np.maximum(step, self._reached(bound))
        return step

    def _first_of(self, bounds: Sequence[Bound]) -> "Steps":
        """The step at which each span does not hold any more or has passed one of the bounds."""
        step = self.until
        for bound in bounds:
            step = np.minimum(step, self._reached(bound))
        return step

    def _reached(self, bound: Bound) -> "Steps":
        if bound not in self.reached:
            self.reached[bound] = self.grid.reaching(bound)[self._place(bound.date)]
        return self.reached[bound]

    def _place(self, date: str) -> "Steps":
        """Where the day of each span stands in a table of the grid's days by run."""
        if date not in self.places:
            days = self.grid.days
            day = np.clip(_short(self.rows, DAY.format(date), never=_FAR), days[0], days[-1]) - days[0]
            self.places[date] = day + _short(self.rows, "run_no") * np.int32(len(days))
        return self.places[date]

    def different(self, one: Covered) -> "Numbers":
        """How many values are present in each cell: each span adds what the earlier ones leave uncovered."""
        value, many = _coded(self.rows[one.column])
        step, gone = self._last_of(one.starts), self._first_of(one.ends)
        kept = np.flatnonzero((value >= 0) & (step < gone))
        # Things in the order of their steps: packed into one number each, they are sorted ten times as fast.
        bits, value_bits = self.grid.width.bit_length(), (many - 1).bit_length()
        packed = self.line[kept].astype(np.int64)
        for column, wide in ((value, value_bits), (step, bits), (gone, bits)):
            packed <<= wide
            packed += column[kept]
        packed.sort()
        packed = packed[np.flatnonzero(np.diff(packed, prepend=-1))]
        below = (1 << bits) - 1
        step, gone = (packed >> bits & below).astype(np.int32), (packed & below).astype(np.int32)
        line = packed >> 2 * bits + value_bits
        begins = np.ones(len(packed), dtype=bool)
        np.greater_equal(packed[1:] ^ packed[:-1], 1 << 2 * bits, out=begins[1:])
        # Steps of one thing are counted on from those of the thing before it, so that one running maximum serves all.
        rank = np.cumsum(begins) * (2 * self.grid.width)
        covered = np.zeros(len(rank), dtype=np.int64)
        np.maximum.accumulate((gone + rank)[:-1], out=covered[1:])
        step = np.maximum(step, covered - rank)
        adds = np.flatnonzero(step < gone)
        line, step, gone = line[adds], step[adds], gone[adds]
        total = np.bincount(line + step, minlength=self._size).astype(np.float64)
        leaves = np.flatnonzero(gone < self.grid.width)
        total -= np.bincount(line[leaves] + gone[leaves], minlength=self._size)
        return self._along(total)

    def extreme(self, one: Best) -> "Numbers":
        """The greatest or least `by` among the spans that count in each cell; NaN for none."""
        by, step, gone, lasting, passing = self._contest(one)
        best = self._greatest(self.line[lasting] + step[lasting], by[lasting])
        best = np.maximum.accumulate(best.reshape(-1, self.grid.width + 1), axis=1).ravel()
        if len(passing):
            each, steps = _each_step(passing, step, gone)
            best = np.maximum(best, self._greatest(self.line[each] + steps, by[each]))
        best[np.isneginf(best)] = np.nan
        return -best if one.least else best

    def best(self, one: Best) -> "Steps":
        """The span with the greatest or least `by` among those that count in each cell; -1 for none."""
        by, step, gone, lasting, passing = self._contest(one)
        width = self.grid.width
        best, winner = self._winners(lasting, step[lasting], by)
        grid = best.reshape(-1, width + 1)
        top = np.maximum.accumulate(grid, axis=1)
        place = np.where((grid == top) & np.isfinite(grid), np.arange(width + 1), 0)
        place = np.maximum.accumulate(place, axis=1) + np.arange(0, self._size, width + 1)[:, None]
        winner, best = winner[place.ravel()], top.ravel()
        if len(passing):
            now, holder = self._winners(*_each_step(passing, step, gone), by)
            winner = np.where(now > best, holder, winner)
        return winner

    def _contest(self, one: Best) -> "tuple[Numbers, Steps, Steps, Steps, Steps]":
        """What is to be greatest, from and until which step, and the spans that count for good and for a time."""
        by = _numbers(self.rows, one.by, np.nan)
        step, gone = self._last_of(one.starts), self._first_of(one.ends)
        counts, lasts = ~np.isnan(by) & (step < gone), gone >= self.grid.width
        return -by if one.least else by, step, gone, np.flatnonzero(counts & lasts), np.flatnonzero(counts & ~lasts)

    def _greatest(self, cell: "Steps", by: "Numbers") -> "Numbers":
        best = np.full(self._size, -np.inf)
        np.maximum.at(best, cell, by)
        return best

    def _winners(self, spans: "Steps", step: "Steps", by: "Numbers") -> "tuple[Numbers, Steps]":
        """The greatest `by` of the spans that fall in each cell, and which span has it (-1: none)."""
        cell = self.line[spans] + step
        best, winner = self._greatest(cell, by[spans]), np.full(self._size, -1)
        first = by[spans] == best[cell]
        winner[cell[first]] = spans[first]
        return best, winner

    def _along(self, total: "Numbers") -> "Numbers":
        sums: Numbers = np.cumsum(total.reshape(-1, self.grid.width + 1), axis=1).ravel()
        return sums


def _each_step(spans: "Steps", step: "Steps", gone: "Steps") -> "tuple[Steps, Steps]":
    """Some spans, each as often as it holds steps, and these steps."""
    many = gone[spans] - step[spans]
    each: Steps = np.repeat(spans, many)
    return each, step[each] + np.arange(len(each)) - np.repeat(np.cumsum(many) - many, many)


def _coded(column: pa.ChunkedArray) -> "tuple[Steps, int]":
    """A whole number from 0 on for each value, -1 for null; and how many there are at most."""
    if pa.types.is_integer(column.type) and len(column) > column.null_count:
        ends = pc.min_max(column)
        least, many = ends["min"].as_py(), ends["max"].as_py() - ends["min"].as_py() + 1
        if many < _MOST_CODES:
            return _filled(column, least - 1) - least, many
    codes = pc.dictionary_encode(column).combine_chunks()
    return _filled(pa.chunked_array([codes.indices]), -1), len(codes.dictionary) + 1


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
