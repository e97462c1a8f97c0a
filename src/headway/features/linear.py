"""Feature values of a relation in time that grows with its spans and with the spine, never with their product.

Every span is touched once where it begins to count and once where it ceases to; what features ask for is then a running
sum over the steps of each enrolment (`totals`). Greatest and least values run along where a span holds for good. Only
what neither form carries is joined: each spine row beside every span that holds at it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from functools import reduce as fold
from typing import TYPE_CHECKING, Any, Protocol

import ibis
import ibis.expr.operations as ops

from headway.features.reductions import Aged, Bound, Op, Reader, Window, never_null
from headway.features.spans import Spans
from headway.features.totals import DAY, Best, Covered, Summed, Totals

if TYPE_CHECKING:
    import ibis.expr.types as ir

    from headway.features.definition import Feature

Answer = Callable[["ir.Table"], Any]
"""What an aggregate is, as an expression over the running totals."""


class Keeper(Protocol):
    """Where tables on the way are kept; see `engine.Records`."""

    def keep(self, name: str, expr: "ir.Table") -> "ir.Table":
        """See `Records.keep`."""
        ...

    def transform(
        self, name: str, function: Totals, rows: "ir.Table", cursor: "ir.Table", schema: ibis.Schema
    ) -> "ir.Table":
        """See `Records.transform`."""
        ...

    def where_any(self, name: str, rows: "ir.Table", of: "ir.Table | None") -> "ir.Table":
        """`rows`, or, where `of` is given and empty, none, and without looking."""
        ...


Relation = tuple[str, Spans, Sequence["Feature"]]
"""A relation's name, what is known of it, and the features that read it."""


def reduced(keeper: Keeper, cursor: "ir.Table", relations: Sequence[Relation]) -> "ir.Table":
    """The cursor with the features of relations as columns, null where a row has nothing in the relation.

    The totals of one relation after the other are added to the spine as columns, so that nothing has to be joined.

    Args:
        keeper: where tables on the way are kept.
        cursor: the spine: `row`, `enrolment`, `run_no`, `step`, `as_of_on`, the same as `today` (days since 1970), and
            other columns.
        relations: what to compute.
    """
    totals = cursor
    values: dict[str, Callable[[ir.Table], Any]] = {}
    for relation, spans, definitions in relations:
        plan = _Plan(relation, Reader(spans, spans.shown(f"shown_{relation}")))
        values |= plan.values(definitions)
        rows = keeper.keep(f"known_{relation}", spans.rows) if plan.rest else spans.rows
        totals = plan.added(keeper, rows, cursor, totals)
    return totals.select(*cursor.columns, **{name: value(totals) for name, value in values.items()})


def joined(keeper: Keeper, cursor: "ir.Table", relations: Sequence[Relation]) -> "ir.Table":
    """The same as `reduced` by the longest way round: every spine row beside all that is known at it.

    What a feature means is defined by this; tests compare.
    """
    wide = cursor
    for relation, spans, definitions in relations:
        met = _met(keeper.keep(f"known_{relation}", spans.rows), spans, cursor)
        of = keeper.keep(f"of_{relation}", met.group_by("row").agg(**{d.name: d.define(met) for d in definitions}))
        wide = wide.left_join(of, "row").drop("row_right")
    return wide


def _met(rows: "ir.Table", spans: Spans, cursor: "ir.Table") -> "ir.Table":
    """Each spine row beside the spans that hold at it, ages and derived columns included."""
    own = cursor.select("row", "step", "as_of_on", spine_enrolment="enrolment")
    met = rows.join(
        own, [rows.enrolment == own.spine_enrolment, rows.from_step <= own.step, rows.until_step > own.step]
    )
    met = met.mutate(**{age: met.as_of_on.delta(met[date], unit="day") for age, date in spans.ages.items()})
    return met.mutate(**{name: make(met) for name, make in spans.derived.items()})


@dataclass(slots=True)
class _Plan:
    """What has to be kept up to date for a set of aggregates; equal parts are kept once.

    Attributes:
        relation: its name.
        reader: takes the aggregates apart.
        columns: what the totals need of each row, as operations over the relation.
        sums: columns that add a number over the rows that hold and have passed some bounds.
        covers: columns that count different values among the rows in a window.
        bests: columns with greatest and least values.
        rest: aggregates that are computed by joining.
    """

    relation: str
    reader: Reader
    columns: dict[Op, str] = field(default_factory=dict)
    sums: dict[Summed, str] = field(default_factory=dict)
    covers: dict[Covered, str] = field(default_factory=dict)
    bests: dict[Best, str] = field(default_factory=dict)
    types: dict[str, Any] = field(default_factory=dict)
    rest: dict[Op, str] = field(default_factory=dict)

    def values(self, definitions: "Sequence[Feature]") -> "dict[str, Callable[[ir.Table], Any]]":
        """How to make each feature of the running totals."""
        asked = {definition.name: self._asked(definition) for definition in definitions}
        answers = {found: self.answer(found) for op in asked.values() for found in _parts(op)}
        present = self.sum(None, Window())

        def value(op: Op, totals: "ir.Table") -> Any:
            made = {found: answers[found](totals).op() for found in _parts(op)}
            return op.replace(made).to_expr()

        def value_or_null(op: Op, totals: "ir.Table") -> Any:
            return ibis.ifelse(present(totals) > 0, value(op, totals), None)

        zero = {d.name for d in definitions if d.absent == 0 and _zero_of_nothing(asked[d.name])}
        return {name: partial(value if name in zero else value_or_null, op) for name, op in asked.items()}

    def _asked(self, definition: "Feature") -> Op:
        """What a feature is made of; where it is a sum and absent is 0, a sum of nothing is 0."""
        op = self.reader.plain(definition.define(self.reader.shown).op())
        return op.to_expr().fill_null(0).op() if isinstance(op, ops.Sum) and definition.absent == 0 else op

    def _named(self, kind: str, known: "dict[Any, str]") -> str:
        return f"{self.relation}_{kind}{len(known)}"

    def column(self, op: Op) -> str:
        """The name under which rows carry the value of an operation."""
        return self.columns.setdefault(op, f"value{len(self.columns)}")

    def sum(self, value: Op | None, window: Window) -> Answer:
        """The sum of a number over the rows in a window; None for the number of rows."""
        column = None if value is None else self.column(value)
        counts = self.column(_all(window.where)) if window.where else None
        parts = []
        for sign, bounds in window.parts():
            one = Summed("", column, counts, tuple(sorted(bounds)))
            parts.append((sign, self.sums.setdefault(one, self._named("sum", self.sums))))
        return lambda totals: fold(
            lambda total, part: total + totals[part[1]] if part[0] > 0 else total - totals[part[1]],
            parts[1:],
            totals[parts[0][1]],
        )

    def answer(self, op: Op) -> Answer:
        """How to make an aggregate of the running totals, or a sum that is 0 where it is of nothing."""
        if isinstance(op, ops.Coalesce):
            return self._sum_or_zero(op)
        window = self.reader.window(op.where)
        found = None if window is None else self._by_kind(op, window)
        if found is not None:
            return found
        column = self.rest.setdefault(op, self._named("rest", self.rest))
        return lambda totals: totals[column]

    def _sum_or_zero(self, filled: Op) -> Answer:
        """The sum alone: what is added of nothing is 0, and to count how many were added would cost as much again."""
        op = filled.arg[0]
        window = self.reader.window(op.where)
        if window is not None and self.reader.still(op.arg):
            return self.sum(_number(op.arg), window.and_(self.reader.told(op.arg)))
        moving = self._moving(op.arg) if window is not None and op.arg.dtype.is_boolean() else None
        if window is not None and moving is not None:
            return self.sum(None, window.and_(moving))
        of_sum = self.answer(op)
        return lambda totals: of_sum(totals).fill_null(0)

    def _by_kind(self, op: Op, window: Window) -> Answer | None:
        if isinstance(op, ops.CountStar):
            return self.sum(None, window)
        if isinstance(op, ops.Sum | ops.Mean | ops.Variance | ops.StandardDev | ops.Count):
            return self._sum_like(op, window)
        if isinstance(op, ops.Max | ops.Min):
            return self._extreme(op, window)
        if isinstance(op, ops.ArgMax | ops.ArgMin) and self.reader.still(op.arg) and self.reader.still(op.key):
            return self._best(op.arg, op.key, isinstance(op, ops.ArgMin), window)
        if isinstance(op, ops.CountDistinct) and self.reader.still(op.arg):
            number = self.reader.spans.numbers.get(op.arg.name) if isinstance(op.arg, ops.Field) else None
            thing = op.arg if number is None else ibis.table({number: "int32"}, name="numbers")[number].op()
            one = Covered("", self.column(_where(window.where, thing)), *_bounds(window))
            column = self.covers.setdefault(one, self._named("cover", self.covers))
            return lambda totals: totals[column]
        return None

    def _best(self, value: Op, by: Op, least: bool, window: Window) -> Answer | None:
        if not (by.dtype.is_numeric() or by.dtype.is_boolean()):
            return None
        told = window.and_(self.reader.told(value))
        among = _where(told.where, by)
        one = Best("", self.column(among if value == by else value), self.column(among), least, *_bounds(window))
        column = self.bests.setdefault(one, self._named("best", self.bests))
        self.types[column] = value.dtype
        return lambda totals: totals[column]

    def _sum_like(self, op: Op, window: Window) -> Answer | None:
        if isinstance(op, ops.Sum) and op.arg.dtype.is_boolean() and not self.reader.still(op.arg):
            return self._times_true(op.arg, window)
        aged = self.reader.aged(op.arg)
        if aged is not None and isinstance(op, ops.Sum | ops.Mean):
            return self._age_sum(op, aged, window)
        if isinstance(op, ops.Sum) and (times := self.reader.times_age(op.arg)) is not None:
            return self._weighted_age_sum(*times, window)
        if not self.reader.still(op.arg):
            return None
        present = window.and_(self.reader.told(op.arg))
        n = self.sum(None, present)
        if isinstance(op, ops.Count):
            return n
        number = _number(op.arg)
        total = self.sum(number, present)
        if isinstance(op, ops.Sum):
            return lambda totals: ibis.ifelse(n(totals) > 0, total(totals), None)
        if isinstance(op, ops.Mean):
            return lambda totals: total(totals) / n(totals).nullif(0)
        squares = self.sum(ops.Multiply(number, number), present)
        degrees = 0 if op.how == "pop" else 1

        def spread(totals: "ir.Table") -> Any:
            off = squares(totals) - total(totals) * total(totals) / n(totals).nullif(0)
            variance = ibis.greatest(off, 0.0) / (n(totals) - degrees).nullif(0)
            variance = ibis.ifelse(n(totals) > degrees, variance, None)
            return variance.sqrt() if isinstance(op, ops.StandardDev) else variance

        return spread

    def _times_true(self, condition: Op, window: Window) -> Answer | None:
        """How often a moving condition is true among the rows of a window; null where there is none."""
        moving = self._moving(condition)
        if moving is None:
            return None
        dates = {bound.date for bound in moving.starts | moving.ends}
        dated = fold(Window.and_, [self.reader.told(self.reader.shown[date].op()) for date in sorted(dates)], window)
        n, true = self.sum(None, dated), self.sum(None, window.and_(moving))
        return lambda totals: ibis.ifelse(n(totals) > 0, true(totals), None)

    def _moving(self, condition: Op) -> Window | None:
        """The window in which a condition is true, where it is never null."""
        moving = self.reader.window(condition)
        return moving if moving is not None and all(never_null(part) for part in moving.where) else None

    def _age_sum(self, op: Op, aged: Aged, window: Window) -> Answer:
        """The sum of ages is the number of rows times the as-of day, less the sum of their days."""
        date = self.reader.shown[aged.date].op()
        present = window.and_(self.reader.told(date))
        n, days = self.sum(None, present), self.sum(_day_number(date), present)

        def ages(totals: "ir.Table") -> Any:
            many = n(totals)
            total = aged.sign * (many * totals.today - days(totals))
            return total / many.nullif(0) if isinstance(op, ops.Mean) else ibis.ifelse(many > 0, total, None)

        return ages

    def _weighted_age_sum(self, weight: Op, aged: Aged, window: Window) -> Answer:
        """The sum of weights times ages: the weights times the as-of day, less the sum of weights times their days."""
        date = self.reader.shown[aged.date].op()
        present = window.and_(self.reader.told(date)).and_(self.reader.told(weight))
        number = _number(weight)
        n, total = self.sum(None, present), self.sum(number, present)
        days = self.sum(ops.Multiply(number, _day_number(date)), present)

        def ages(totals: "ir.Table") -> Any:
            return ibis.ifelse(n(totals) > 0, aged.sign * (total(totals) * totals.today - days(totals)), None)

        return ages

    def _extreme(self, op: Op, window: Window) -> Answer | None:
        aged = self.reader.aged(op.arg)
        least = isinstance(op, ops.Min)
        if aged is not None:
            # The greatest age is that of the earliest day.
            day = _day_number(self.reader.shown[aged.date].op())
            found = self._best(day, day, least if aged.sign < 0 else not least, window)
            return None if found is None else lambda totals: aged.sign * (totals.today - found(totals))
        return self._best(op.arg, op.arg, least, window) if self.reader.still(op.arg) else None

    def added(self, keeper: Keeper, known: "ir.Table", cursor: "ir.Table", totals: "ir.Table") -> "ir.Table":
        """`totals` with every column of the plan; `known` are the rows of the relation."""
        wanted = Totals(
            tuple(replace(one, name=name) for one, name in self.sums.items()),
            tuple(replace(one, name=name) for one, name in self.covers.items()),
            tuple(replace(one, name=name) for one, name in self.bests.items()),
        )
        bounds = {bound for summed in self.sums for bound in summed.passed}
        bounds |= {bound for covered in self.covers for bound in (*covered.starts, *covered.ends)}
        bounds |= {bound for best in self.bests for bound in (*best.starts, *best.ends)}
        dates = sorted({bound.date for bound in bounds})
        rows, told = self._leaner(known, dates)
        days = {DAY.format(date): rows[date] for date in dates}
        values = {name: rows[name] if name in told else self._own(rows, op) for op, name in self.columns.items()}
        given = rows.select("enrolment", "run_no", "from_step", "until_step", **days, **values)
        given = keeper.where_any(f"given_{self.relation}", given, self.reader.spans.made_of)
        schema = dict(totals.schema().items()) | dict.fromkeys(wanted.names(), "float64") | self.types
        totals = keeper.transform(f"totals_{self.relation}", wanted, given, totals, ibis.schema(schema))
        return self._with_rest(known, cursor, totals)

    def _leaner(self, known: "ir.Table", dates: Sequence[str]) -> "tuple[ir.Table, set[str]]":
        """The rows that take least to make of those that have all that is read, and the columns they carry already.

        What only asks for a word is told of each word once.
        """
        spans = self.reader.spans
        of_word: dict[str, dict[str, Op]] = {word: {} for word in spans.words}
        read = set(dates)
        for op, name in self.columns.items():
            fields = {column.name for column in op.find(ops.Field)}
            if len(fields) == 1 and fields <= spans.words.keys():
                of_word[fields.pop()][name] = op
            else:
                read |= fields
        if spans.lean is None or not read <= set(spans.lean.columns):
            return known, set()
        rows = spans.lean
        for word, asked in of_word.items():
            if asked:
                told = {name: self._own(spans.words[word], op) for name, op in asked.items()}
                rows = rows.join(spans.words[word].select(spans.numbers[word], **told), spans.numbers[word])
        return rows, {name for asked in of_word.values() for name in asked}

    def _own(self, rows: "ir.Table", op: Op) -> Any:
        """An operation over the relation as one over its rows."""
        fields = {column: rows[column.name].op() for column in op.find(ops.Field)}
        return (op.replace(fields) if fields else op).to_expr()

    def _with_rest(self, rows: "ir.Table", cursor: "ir.Table", totals: "ir.Table") -> "ir.Table":
        if not self.rest:
            return totals
        shown, met = self.reader.shown, _met(rows, self.reader.spans, cursor)
        fields = {shown[name].op(): met[name].op() for name in shown.columns}
        plain = {op: ops.Sum(op.where) if isinstance(op, ops.CountStar) else op for op in self.rest}
        columns = {name: plain[op].replace(fields).to_expr() for op, name in self.rest.items()}
        return totals.left_join(met.group_by("row").agg(**columns), "row").drop("row_right")


def _parts(op: Op) -> list[Op]:
    """The aggregates of an operation; of sums that are 0 where they are of nothing, the whole of it."""
    if isinstance(op, ops.Reduction) or _zeroed(op):
        return [op]
    return list(dict.fromkeys(part for one in op.__children__ for part in _parts(one)))


def _zeroed(op: Op) -> bool:
    if not (isinstance(op, ops.Coalesce) and len(op.arg) == 2 and isinstance(op.arg[0], ops.Sum)):
        return False
    other = op.arg[1]
    return isinstance(other, ops.Literal) and other.value == 0


def _zero_of_nothing(op: Op) -> bool:
    return _zeroed(op) or isinstance(op, ops.CountStar | ops.Count | ops.CountDistinct)


def _number(op: Op) -> Op:
    return op if op.dtype.is_float64() else ops.Cast(op, ibis.dtype("float64"))


def _all(conditions: tuple[Op, ...]) -> Op:
    """All conditions together, false where one is null."""
    together = fold(lambda a, b: a & b, [condition.to_expr() for condition in conditions])
    return together.fill_null(False).op()


def _where(conditions: tuple[Op, ...], value: Op) -> Op:
    """The value where all conditions hold, null elsewhere."""
    return ibis.ifelse(_all(conditions).to_expr(), value.to_expr(), None).op() if conditions else value


def _bounds(window: Window) -> "tuple[tuple[Bound, ...], tuple[Bound, ...]]":
    return tuple(sorted(window.starts)), tuple(sorted(window.ends))


def _day_number(date: Op) -> Op:
    """Days since 1970."""
    return date.to_expr().delta(ibis.date("1970-01-01"), unit="day").op()
