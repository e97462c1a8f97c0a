"""Reads the expression of a feature: which of its aggregates are sums that can be kept up to date, and over which span.

A feature function aggregates a relation as if it held every row known at every as-of time. Here its expression is taken
apart into parts that need each span only once: where a row begins to count (`Bound` of a window, or when it became
known) and where it ceases to. What cannot be taken apart stays as it is, and is computed by joining; see `linear`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import combinations
from typing import TYPE_CHECKING, Any, Final

import ibis.expr.operations as ops

from headway.features.spans import Spans

if TYPE_CHECKING:
    import ibis.expr.types as ir

Op = Any
"""An Ibis operation: `expr.op()`."""

_MIRRORED: Final = {
    ops.Less: ops.Greater,
    ops.LessEqual: ops.GreaterEqual,
    ops.Greater: ops.Less,
    ops.GreaterEqual: ops.LessEqual,
    ops.Equals: ops.Equals,
}
_OPPOSITE: Final = {
    ops.Less: ops.GreaterEqual,
    ops.LessEqual: ops.Greater,
    ops.Greater: ops.LessEqual,
    ops.GreaterEqual: ops.Less,
}


@dataclass(frozen=True, slots=True, order=True)
class Bound:
    """The first step whose as-of day is `days` after the date in column `date` or later."""

    date: str
    days: int


def _last(bounds: Iterable[Bound]) -> frozenset[Bound]:
    """The last bound of each date: who has passed it has passed the others."""
    return frozenset({bound.date: bound for bound in sorted(bounds)}.values())


def _first(bounds: Iterable[Bound]) -> frozenset[Bound]:
    """The first bound of each date."""
    return frozenset({bound.date: bound for bound in sorted(bounds, reverse=True)}.values())


@dataclass(frozen=True, slots=True)
class Window:
    """Which rows count, and from when until when.

    Attributes:
        where: conditions on columns that do not move with the as-of time; all must be true.
        starts: a row counts from the last of these on (and from when it is known).
        ends: it ceases to count at the first of these (or when it no longer holds).
    """

    where: tuple[Op, ...] = ()
    starts: frozenset[Bound] = frozenset()
    ends: frozenset[Bound] = frozenset()

    def and_(self, other: "Window") -> "Window":
        """What is in both."""
        where = tuple(dict.fromkeys((*self.where, *other.where)))
        return Window(where, _last(self.starts | other.starts), _first(self.ends | other.ends))

    def parts(self) -> "list[tuple[int, frozenset[Bound]]]":
        """The window as sums and differences of what has passed some bounds: in it is who started and did not end.

        Returns:
            Signs (1 or -1) with sets of bounds, of which all must have passed.
        """
        found = []
        for size in range(len(self.ends) + 1):
            found += [((-1) ** size, _last(self.starts | set(some))) for some in combinations(sorted(self.ends), size)]
        return found


@dataclass(frozen=True, slots=True)
class Aged:
    """An age counted from column `date`, times `sign` (1 or -1)."""

    date: str
    sign: int


@dataclass(frozen=True, slots=True)
class Reader:
    """Takes apart expressions over one relation.

    Attributes:
        spans: the relation.
        shown: the relation as feature functions see it.
    """

    spans: Spans
    shown: "ir.Table"
    _plain: dict[Op, Op] = field(default_factory=dict)

    def plain(self, op: Op) -> Op:
        """The operation over plain columns and ages, derived columns replaced by what they are made of."""
        if not self._plain and self.spans.derived:
            for name, make in self.spans.derived.items():
                self._plain[self.shown[name].op()] = make(self.shown).op()
        return op.replace(self._plain) if self._plain else op

    def told(self, op: Op) -> Window:
        """Where an operation is not null."""
        if isinstance(op, ops.Literal) or (isinstance(op, ops.Field) and op.name in self.spans.always):
            return Window()
        if isinstance(op, ops.Cast | ops.Negate | ops.Not):
            return self.told(op.arg)
        if isinstance(op, ops.InValues):
            return self.told(op.value)
        if isinstance(op, ops.Comparison | ops.Add | ops.Subtract | ops.Multiply):
            return self.told(op.left).and_(self.told(op.right))
        return Window((ops.NotNull(op),))

    def still(self, op: Op) -> bool:
        """Whether an operation does not depend on the as-of time."""
        return not any(found.name in self.spans.ages for found in op.find(ops.Field))

    def window(self, condition: Op | None) -> Window | None:
        """The window that a condition describes; None where it cannot be told as one."""
        if condition is None:
            return Window()
        if self.still(condition):
            return Window((condition,))
        if isinstance(condition, ops.And):
            left, right = self.window(condition.left), self.window(condition.right)
            return left.and_(right) if left is not None and right is not None else None
        if isinstance(condition, ops.Between):
            return self.window(
                ops.And(
                    ops.GreaterEqual(condition.arg, condition.lower_bound),
                    ops.LessEqual(condition.arg, condition.upper_bound),
                )
            )
        if isinstance(condition, ops.Not) and type(condition.arg) in _OPPOSITE:
            return self.window(_OPPOSITE[type(condition.arg)](condition.arg.left, condition.arg.right))
        return self._compared(condition)

    def _compared(self, condition: Op) -> Window | None:
        if type(condition) not in _MIRRORED:
            return None
        kind, left, right = type(condition), condition.left, _unwrapped(condition.right)
        if isinstance(left, ops.Literal):
            kind, left, right = _MIRRORED[kind], right, left
        aged = self.aged(left)
        if aged is None or not isinstance(right, ops.Literal) or not isinstance(right.value, int):
            return None
        days = right.value
        if aged.sign < 0:
            kind, days = _MIRRORED[kind], -days
        return _age_window(kind, aged.date, days).and_(self.told(self.shown[aged.date].op()))

    def aged(self, op: Op) -> Aged | None:
        """The operation as an age or its opposite; None where it is neither."""
        op = _unwrapped(op)
        if isinstance(op, ops.Field) and op.name in self.spans.ages:
            return Aged(self.spans.ages[op.name], 1)
        if isinstance(op, ops.Negate) and (inner := self.aged(op.arg)) is not None:
            return Aged(inner.date, -inner.sign)
        return None

    def times_age(self, op: Op) -> "tuple[Op, Aged] | None":
        """The operation as something that does not move times an age; None where it is not that."""
        if isinstance(op, ops.Multiply):
            for weight, age in ((op.left, op.right), (op.right, op.left)):
                aged = self.aged(age)
                if aged is not None and self.still(weight):
                    return weight, aged
        return None


def never_null(op: Op) -> bool:
    """Whether a condition is true or false by its form alone; columns of truth values are never null in a relation."""
    if isinstance(op, ops.And | ops.Or):
        return never_null(op.left) and never_null(op.right)
    if isinstance(op, ops.Not):
        return never_null(op.arg)
    return isinstance(op, ops.NotNull | ops.IsNull) or (isinstance(op, ops.Field) and op.dtype.is_boolean())


def _unwrapped(op: Op) -> Op:
    """Without casts from whole numbers, which say nothing about when."""
    while isinstance(op, ops.Cast) and op.arg.dtype.is_integer() and op.dtype.is_numeric():
        op = op.arg
    return op


def _age_window(kind: type, date: str, days: int) -> Window:
    reached, passed = frozenset({Bound(date, days)}), frozenset({Bound(date, days + 1)})
    windows: Mapping[type, Window] = {
        ops.Less: Window(ends=reached),
        ops.LessEqual: Window(ends=passed),
        ops.Greater: Window(starts=passed),
        ops.GreaterEqual: Window(starts=reached),
        ops.Equals: Window(starts=reached, ends=passed),
    }
    return windows[kind]
