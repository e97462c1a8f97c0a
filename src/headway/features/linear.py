"""Feature values of a relation in time that grows with its spans and with the spine, never with their product.

Every span is touched once where it begins to count and once where it ceases to; what features ask for is then a running
sum over the steps of each enrolment. Greatest and least values run along where a span holds for good. Only what
neither form carries is joined: each span with the steps at which it counts, which for a window is a few.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce as fold
from typing import TYPE_CHECKING, Any, Final

import ibis
import ibis.expr.operations as ops

from headway.features.reductions import Aged, Bound, Op, Reader, Window, never_null
from headway.features.spans import NEVER, Spans, with_steps

if TYPE_CHECKING:
    import ibis.expr.types as ir

    from headway.features.definition import Feature

Keep = Callable[[str, "ir.Table"], "ir.Table"]
Answer = Callable[["ir.Table"], Any]
"""What an aggregate is, as an expression over the running totals."""

import os
DEBUG=bool(os.environ.get("DEBUG"))
EPOCH: Final = "2000-01-01"
_KEYS: Final = ("enrolment", "step")


def reduced(
    keep: Keep, relation: str, spans: Spans, cursor: "ir.Table", definitions: Sequence["Feature"]
) -> "ir.Table":
    """The features of a relation: `row` and one column each, null where a row has nothing in the relation.

    Args:
        keep: see `engine.Records.keep`.
        relation: its name.
        spans: what is known.
        cursor: the spine: `row`, `enrolment`, `step`, `as_of_on`.
        definitions: features that read this relation.
    """
    shown = spans.shown(f"shown_{relation}")
    reader = Reader(spans, shown)
    asked = {definition.name: reader.plain(definition.define(shown).op()) for definition in definitions}
    plan = _Plan(reader)
    answers = {found: plan.answer(found) for op in asked.values() for found in op.find(ops.Reduction)}
    present = plan.sum(_ONE, Window())
    rows = keep(f"known_{relation}", with_steps(spans.rows, plan.bounds(spans.rows)))
    totals = _Running(keep, relation, plan, rows, cursor).totals()
    totals = keep(f"totals_{relation}", totals)
    values = {name: op.replace(_filled_in(op, answers, totals)).to_expr() for name, op in asked.items()}
    there = totals[present] > 0
    return keep(
        f"of_{relation}",
        totals.select("row", **{name: ibis.ifelse(there, value, None) for name, value in values.items()}),
    )


def joined(
    keep: Keep, relation: str, spans: Spans, cursor: "ir.Table", definitions: Sequence["Feature"]
) -> "ir.Table":
    """The same as `reduced` by the longest way round: every spine row beside all that is known at it.

    What a feature means is defined by this; tests compare.
    """
    rows = keep(f"known_{relation}", spans.rows)
    met = _met(rows, spans, cursor)
    return keep(f"of_{relation}", met.group_by("row").agg(**{d.name: d.define(met) for d in definitions}))


def _filled_in(op: Op, answers: Mapping[Op, Answer], totals: "ir.Table") -> dict[Op, Op]:
    return {found: answers[found](totals).cast(found.dtype).op() for found in op.find(ops.Reduction)}


def _met(rows: "ir.Table", spans: Spans, cursor: "ir.Table", only: Any = None) -> "ir.Table":
    """Each spine row beside the spans that hold at it, ages and derived columns included."""
    wanted = rows if only is None else rows.filter(only)
    own = cursor.select("row", "step", "as_of_on", spine_enrolment="enrolment")
    met = wanted.join(
        own, [wanted.enrolment == own.spine_enrolment, wanted.from_step <= own.step, wanted.until_step > own.step]
    )
    met = met.mutate(**{age: met.as_of_on.delta(met[date], unit="day") for age, date in spans.ages.items()})
    return met.mutate(**{name: make(met) for name, make in spans.derived.items()})


_ONE: Final = ops.Literal(1.0, dtype=ibis.dtype("float64"))


@dataclass(frozen=True, slots=True)
class _Extreme:
    """A greatest or least value: `value` where `by` is greatest (`by` is `value` itself for a maximum)."""

    value: Op
    by: Op
    least: bool
    window: Window


@dataclass(slots=True)
class _Plan:
    """What has to be kept up to date for a set of aggregates; equal parts are kept once."""

    reader: Reader
    sums: dict[tuple[Op, Window], str] = field(default_factory=dict)
    covers: dict[tuple[Op, Window], str] = field(default_factory=dict)
    extremes: dict[_Extreme, str] = field(default_factory=dict)
    rest: dict[Op, str] = field(default_factory=dict)

    def sum(self, value: Op, window: Window) -> str:
        """The column with the sum of a number that is never null."""
        return self.sums.setdefault((value, window), f"sum{len(self.sums)}")

    def bounds(self, rows: "ir.Table") -> dict[str, "ir.Value"]:
        """The days whose steps are needed, by the name of their column."""
        windows = [key[1] for key in (*self.sums, *self.covers)] + [one.window for one in self.extremes]
        wanted = sorted({bound for window in windows for bound in window.starts | window.ends})
        return {_named(b): (rows[b.date] + ibis.interval(days=b.days)).cast("date") for b in wanted}

    def answer(self, op: Op) -> Answer:
        """How to make an aggregate of the running totals."""
        window = self.reader.window(op.where)
        found = None if window is None else self._by_kind(op, window)
        if found is not None:
            return found
        column = self.rest.setdefault(op, f"rest{len(self.rest)}")
        return lambda totals: totals[column]

    def _by_kind(self, op: Op, window: Window) -> Answer | None:
        if isinstance(op, ops.CountStar):
            column = self.sum(_ONE, window)
            return lambda totals: totals[column]
        if isinstance(op, ops.Sum | ops.Mean | ops.Variance | ops.StandardDev | ops.Count):
            return self._sum_like(op, window)
        if isinstance(op, ops.Max | ops.Min):
            return self._extreme(op, window)
        if isinstance(op, ops.ArgMax | ops.ArgMin) and self.reader.still(op.arg) and self.reader.still(op.key):
            column = self._best(_Extreme(op.arg, op.key, isinstance(op, ops.ArgMin), window))
            return lambda totals: totals[column]
        if isinstance(op, ops.CountDistinct) and self.reader.still(op.arg):
            column = self.covers.setdefault((op.arg, window), f"cover{len(self.covers)}")
            return lambda totals: totals[column]
        return None

    def _best(self, extreme: _Extreme) -> str:
        return self.extremes.setdefault(extreme, f"best{len(self.extremes)}")

    def _sum_like(self, op: Op, window: Window) -> Answer | None:
        if isinstance(op, ops.Sum) and op.arg.dtype.is_boolean() and not self.reader.still(op.arg):
            return self._times_true(op.arg, window)
        aged = self.reader.aged(op.arg)
        if aged is not None and isinstance(op, ops.Sum | ops.Mean):
            return self._age_sum(op, aged, window)
        if not self.reader.still(op.arg):
            return None
        number = ops.Cast(op.arg, ibis.dtype("float64"))
        present = window.and_(Window((ops.NotNull(op.arg),)))
        n = self.sum(_ONE, present)
        if isinstance(op, ops.Count):
            return lambda totals: totals[n]
        total = self.sum(number, present)
        if isinstance(op, ops.Sum):
            return lambda totals: ibis.ifelse(totals[n] > 0, totals[total], None)
        if isinstance(op, ops.Mean):
            return lambda totals: totals[total] / totals[n].nullif(0)
        squares = self.sum(ops.Multiply(number, number), present)
        degrees = 0 if op.how == "pop" else 1

        def spread(totals: "ir.Table") -> Any:
            off = totals[squares] - totals[total] * totals[total] / totals[n].nullif(0)
            variance = ibis.ifelse(
                totals[n] > degrees, ibis.greatest(off, 0.0) / (totals[n] - degrees).nullif(0), None
            )
            return variance.sqrt() if isinstance(op, ops.StandardDev) else variance

        return spread

    def _times_true(self, condition: Op, window: Window) -> Answer | None:
        """How often a moving condition is true among the rows of a window; null where there is none."""
        moving = self.reader.window(condition)
        if moving is None or not all(never_null(part) for part in moving.where):
            return None
        dated = tuple(part for part in moving.where if isinstance(part, ops.NotNull))
        n, true = self.sum(_ONE, window.and_(Window(dated))), self.sum(_ONE, window.and_(moving))
        return lambda totals: ibis.ifelse(totals[n] > 0, totals[true], None)

    def _age_sum(self, op: Op, aged: Aged, window: Window) -> Answer:
        """The sum of ages is the number of rows times the as-of day, less the sum of their days."""
        date = self.reader.shown[aged.date].op()
        present = window.and_(Window((ops.NotNull(date),)))
        n, days = self.sum(_ONE, present), self.sum(_day_number(date), present)

        def ages(totals: "ir.Table") -> Any:
            today = _day_number(totals.as_of_on.op()).to_expr()
            total = aged.sign * (totals[n] * today - totals[days])
            return total / totals[n].nullif(0) if isinstance(op, ops.Mean) else ibis.ifelse(totals[n] > 0, total, None)

        return ages

    def _extreme(self, op: Op, window: Window) -> Answer | None:
        aged = self.reader.aged(op.arg)
        least = isinstance(op, ops.Min)
        if aged is not None:
            # The greatest age is that of the earliest day.
            day = self.reader.shown[aged.date].op()
            column = self._best(_Extreme(day, day, least if aged.sign < 0 else not least, window))
            return lambda totals: aged.sign * totals.as_of_on.delta(totals[column], unit="day")
        if not self.reader.still(op.arg):
            return None
        column = self._best(_Extreme(op.arg, op.arg, least, window))
        return lambda totals: totals[column]


def _named(bound: Bound) -> str:
    return f"{bound.date}_{'m' if bound.days < 0 else 'p'}{abs(bound.days)}"


def _day_number(date: Op) -> Op:
    return date.to_expr().delta(ibis.date(EPOCH), unit="day").cast("float64").op()


@dataclass(frozen=True, slots=True)
class _Running:
    """The running totals of a plan over the kept rows of a relation."""

    keep: Keep
    relation: str
    plan: _Plan
    rows: "ir.Table"
    cursor: "ir.Table"

    def totals(self) -> "ir.Table":
        """One row per spine row: `row`, `as_of_on` and every column of the plan."""
        changes = fold(lambda above, below: above.union(below), [self._padded(piece) for piece in self._pieces()])
        per_step = changes.group_by(*_KEYS).agg(
            row=changes.row.max(), as_of_on=changes.as_of_on.max(), **{n: self._merged(changes, n) for n in self._kinds}
        )
        if DEBUG: changes = self.keep(f"changes_{self.relation}", changes); per_step=changes.group_by(*_KEYS).agg(
            row=changes.row.max(), as_of_on=changes.as_of_on.max(), **{n: self._merged(changes, n) for n in self._kinds}
        )
        if DEBUG: per_step = self.keep(f"per_step_{self.relation}", per_step)
        so_far = ibis.window(group_by="enrolment", order_by="step", rows=(None, 0))
        running = per_step.select(
            "row", "as_of_on", **{name: self._merged(per_step, name).over(so_far) for name in self._kinds}
        )
        running = running.filter(running.row.notnull())
        if DEBUG: running = self.keep(f"running_{self.relation}", running)
        for number, passing in enumerate([*self._passing(), *self._rest()]):
            running = running.left_join(passing, "row", rname=f"passing{number}_{{name}}")
            running = running.drop(f"passing{number}_row")
        return running.select("row", "as_of_on", **self._columns(running))

    @property
    def _kinds(self) -> dict[str, tuple[str, Any]]:
        """The columns that run along: how they are merged, and what they are where a piece does not speak of them."""
        columns: dict[str, tuple[str, Any]] = {}
        for name in (*self.plan.sums.values(), *self.plan.covers.values()):
            columns[name] = ("sum", ibis.literal(0.0))
        for extreme, name in self.plan.extremes.items():
            if extreme.window.ends:
                continue
            columns[f"{name}_by"] = ("min" if extreme.least else "max", ibis.null(extreme.by.dtype))
            if extreme.value != extreme.by:
                columns[name] = ("argmin" if extreme.least else "argmax", ibis.null(extreme.value.dtype))
        return columns

    def _merged(self, table: "ir.Table", name: str) -> Any:
        how = self._kinds[name][0]
        column = table[name]
        return getattr(column, how)(table[f"{name}_by"]) if how.startswith("arg") else getattr(column, how)()

    def _padded(self, piece: "ir.Table") -> "ir.Table":
        had = set(piece.columns)
        filled = {name: empty for name, (_, empty) in self._kinds.items() if name not in had}
        if "row" not in had:
            filled |= {"row": ibis.null("int64"), "as_of_on": ibis.null("date")}
        return piece.mutate(**filled).select(*_KEYS, "row", "as_of_on", *self._kinds)

    def _pieces(self) -> list["ir.Table"]:
        pieces = [self.cursor.select("row", "enrolment", "step", "as_of_on")]
        windows = [window for _, window in self.plan.sums] + [e.window for e in self.plan.extremes if not e.window.ends]
        pieces += [self._beginning(starts) for starts in _unique(window.starts for window in windows)]
        pieces += [self._ending(ends) for ends in _unique(window.ends for _, window in self.plan.sums)]
        for (value, window), name in self.plan.covers.items():
            pieces += self._covering(value, window, name)
        return pieces

    def _beginning(self, starts: frozenset[Bound]) -> "ir.Table":
        """What spans add at the step at which they begin to count."""
        step = self._start(starts)
        columns: dict[str, Any] = {}
        for (value, window), name in self.plan.sums.items():
            if window.starts == starts:
                counts = self._holds(window)
                if window.moves:
                    counts &= step < self._end(window.ends)
                columns[name] = ibis.ifelse(counts, self._own(value), 0.0)
        for extreme, name in self.plan.extremes.items():
            if extreme.window.starts == starts and not extreme.window.ends:
                counts = self._told(extreme) & (self.rows.until_step == NEVER)
                columns[f"{name}_by"] = ibis.ifelse(counts, self._own(extreme.by), None)
                columns[name] = ibis.ifelse(counts, self._own(extreme.value), None)
        rows = self.rows.select("enrolment", step=step, **columns)
        return self._grouped(rows.filter(rows.step < NEVER))

    def _ending(self, ends: frozenset[Bound]) -> "ir.Table":
        step = self._end(ends)
        columns = {}
        for (value, window), name in self.plan.sums.items():
            if window.ends == ends:
                counts = self._holds(window) & (self._start(window.starts) < step)
                columns[name] = ibis.ifelse(counts, -self._own(value), 0.0)
        rows = self.rows.select("enrolment", step=step, **columns)
        return self._grouped(rows.filter(rows.step < NEVER))

    def _grouped(self, rows: "ir.Table") -> "ir.Table":
        return rows.group_by(*_KEYS).agg(**{name: self._merged(rows, name) for name in self._kinds if name in rows.columns})

    def _covering(self, value: Op, window: Window, name: str) -> list["ir.Table"]:
        """Where a value is first present, and where it is gone: every row adds what the earlier ones leave uncovered."""
        rows = self.rows.filter(self._holds(window) & self._own(value).notnull())
        rows = rows.select(
            "enrolment", value=self._own(value), step=self._start(window.starts), gone=self._end(window.ends)
        )
        rows = rows.filter(rows.step < rows.gone)
        rows = rows.group_by("enrolment", "value", "step").agg(gone=rows.gone.max())
        before = ibis.window(group_by=["enrolment", "value"], order_by="step", rows=(None, -1))
        rows = rows.mutate(covered=rows.gone.max().over(before).fill_null(0))
        rows = rows.select("enrolment", step=ibis.greatest(rows.step, rows.covered), gone=rows.gone)
        rows = self.keep(f"cover_{self.relation}_{name}", rows.filter(rows.step < rows.gone))
        gone = rows.filter(rows.gone < NEVER)
        both = rows.select("enrolment", "step", **{name: ibis.literal(1.0)}).union(
            gone.select("enrolment", step=gone.gone, **{name: ibis.literal(-1.0)})
        )
        return [self._grouped(both)]

    def _passing(self) -> list["ir.Table"]:
        """Greatest and least values among spans that hold for a while only: beside the steps at which they do."""
        found = []
        for window in _unique(extreme.window for extreme in self.plan.extremes):
            own = {e: name for e, name in self.plan.extremes.items() if e.window == window}
            counts = fold(lambda a, b: a | b, [self._told(extreme) for extreme in own])
            columns: dict[str, Any] = {}
            for extreme, name in own.items():
                columns[f"{name}_by"] = ibis.ifelse(self._told(extreme), self._own(extreme.by), None)
                columns[name] = self._own(extreme.value)
            rows = self.rows.filter(counts)
            rows = rows.select("enrolment", begin=self._start(window.starts), gone=self._end(window.ends), **columns)
            rows = rows.filter(rows.begin < rows.gone if window.ends else rows.gone < NEVER)
            cursor = self.cursor.select("row", "step", spine_enrolment="enrolment")
            met = rows.join(
                cursor,
                [rows.enrolment == cursor.spine_enrolment, rows.begin <= cursor.step, rows.gone > cursor.step],
            )
            best: dict[str, Any] = {}
            for extreme, name in own.items():
                by = met[f"{name}_by"]
                best[f"now_{name}_by"] = by.min() if extreme.least else by.max()
                if extreme.value != extreme.by:
                    best[f"now_{name}"] = met[name].argmin(by) if extreme.least else met[name].argmax(by)
            found.append(met.group_by("row").agg(**best))
        return found

    def _rest(self) -> list["ir.Table"]:
        if not self.plan.rest:
            return []
        met = _met(self.rows, self.plan.reader.spans, self.cursor)
        shown = self.plan.reader.shown
        fields = {shown[name].op(): met[name].op() for name in shown.columns}
        columns = {}
        for op, name in self.plan.rest.items():
            if isinstance(op, ops.CountStar):
                op = ops.Sum(op.where)
            columns[name] = op.replace(fields).to_expr()
        return [met.group_by("row").agg(**columns)]

    def _columns(self, running: "ir.Table") -> dict[str, Any]:
        columns: dict[str, Any] = {name: running[name] for name in (*self.plan.sums.values(), *self.plan.covers.values())}
        columns |= {name: running[name] for name in self.plan.rest.values()}
        for extreme, name in self.plan.extremes.items():
            now_by = running[f"now_{name}_by"]
            now = now_by if extreme.value == extreme.by else running[f"now_{name}"]
            if extreme.window.ends:
                columns[name] = now
                continue
            for_good = running[f"{name}_by"]
            value = for_good if extreme.value == extreme.by else running[name]
            passing = now_by < for_good if extreme.least else now_by > for_good
            columns[name] = ibis.ifelse(for_good.isnull() | passing, now, value)
        return columns

    def _own(self, op: Op) -> Any:
        """An expression of the relation over its kept rows."""
        shown = self.plan.reader.shown
        fields = {f: self.rows[f.name].op() for f in op.find(ops.Field)}
        assert all(f.rel == shown.op() for f in fields)
        return (op.replace(fields) if fields else op).to_expr()

    def _holds(self, window: Window) -> Any:
        conditions = [self._own(condition) for condition in _unique(window.where)]
        return fold(lambda a, b: a & b, conditions).fill_null(False) if conditions else ibis.literal(True)

    def _told(self, extreme: _Extreme) -> Any:
        return self._holds(extreme.window) & self._own(extreme.value).notnull() & self._own(extreme.by).notnull()

    def _start(self, starts: frozenset[Bound]) -> Any:
        return ibis.greatest(self.rows.from_step, *(self.rows[_named(b)] for b in sorted(starts)))

    def _end(self, ends: frozenset[Bound]) -> Any:
        return ibis.least(self.rows.until_step, *(self.rows[_named(b)] for b in sorted(ends)))


def _unique(items: Any) -> list[Any]:
    return list(dict.fromkeys(items))
