"""Spans: what was known of an enrolment, with the steps from which and until which it holds.

A *step* numbers the moments of a run that are asked for, in time. What is known changes only from one step to the next,
so a relation needs one row per change and not one per moment: its size follows the records. A row whose columns change
(a day of which more becomes known, an assessment that is marked) ends where the next version of it begins.

Nothing here compares a record's time with an as-of time.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import groupby, pairwise
from typing import TYPE_CHECKING, Any, Final

import ibis
import pyarrow as pa

from headway.domain.records import INSTANT

if TYPE_CHECKING:
    import ibis.expr.types as ir

NEVER: Final = 2**31 - 1
"""The step that no run reaches: the end of what holds for good, the start of what never comes."""

CALENDAR: Final = pa.schema([("run_no", pa.int32()), ("day", pa.date32()), ("step", pa.int32()), ("as_of", INSTANT)])
"""The first step of a run that has seen a day, and its as-of time: every day from the first as-of day to the last."""

RUNS: Final = pa.schema([("run", pa.string()), ("run_no", pa.int32()), ("first_on", pa.date32())])
"""The runs asked for, numbered, with their first as-of day."""

ERAS: Final = pa.schema(
    [("run_no", pa.int32()), ("era_from", pa.int32()), ("era_until", pa.int32()), ("starts_on", pa.date32())]
)
"""From which step until which a run was known to start on which day: one row where the start was never moved."""


@dataclass(frozen=True, slots=True)
class Spans:
    """A relation in its short form.

    Attributes:
        rows: `enrolment`, `run_no`, `from_step`, `until_step` (first step at which it no longer holds) and columns.
        ages: columns that grow with the as-of time: name to the date column from which it counts days to the as-of day.
        derived: columns made of others, ages included: name to a function of the relation.
        always: columns that are never null; columns of truth values never are.
        made_of: a kept table without whose rows there are none here, so that no work is done where it is empty.
        numbers: columns of words, each with one of whole numbers that tells the same of them apart; features see the
            words only.
        words: such columns, each with the table of all its words and their numbers.
        lean: the same relation without `words` and without columns that take another join; None where there is none.
    """

    rows: "ir.Table"
    ages: Mapping[str, str] = field(default_factory=dict)
    derived: Mapping[str, Callable[["ir.Table"], "ir.Value"]] = field(default_factory=dict)
    always: frozenset[str] = frozenset()
    made_of: "ir.Table | None" = None
    numbers: Mapping[str, str] = field(default_factory=dict)
    words: "Mapping[str, ir.Table]" = field(default_factory=dict)
    lean: "ir.Table | None" = None

    def shown(self, name: str) -> "ir.Table":
        """The unbound relation as feature functions see it, ages and derived columns included."""
        columns = {one: kind for one, kind in self.rows.schema().items() if one not in self.numbers.values()}
        columns |= dict.fromkeys(self.ages, ibis.dtype("int64"))
        base = ibis.table(columns, name=name)
        return ibis.table(columns | {one: make(base).type() for one, make in self.derived.items()}, name=name)


def clock_of(moments: Sequence[Mapping[str, Any]]) -> dict[str, pa.Table]:
    """The tables `runs_asked`, `calendar` and `eras` of moments, which come sorted by run and as-of time."""
    asked: list[dict[str, Any]] = []
    days: list[dict[str, Any]] = []
    eras: list[dict[str, Any]] = []
    for run, group in groupby(moments, key=lambda moment: moment["run"]):
        steps = list(group)
        number, day = steps[0]["run_no"], steps[0]["as_of_on"]
        asked.append({"run": run, "run_no": number, "first_on": day})
        for step in steps:
            while day <= step["as_of_on"]:
                days.append({"run_no": number, "day": day, "step": step["step"], "as_of": step["as_of"]})
                day += timedelta(days=1)
        changes = [b["step"] for a, b in pairwise(steps) if a["starts_on"] != b["starts_on"]]
        for begin, end in pairwise([0, *changes, NEVER]):
            starts_on = steps[begin]["starts_on"]
            eras.append({"run_no": number, "era_from": begin, "era_until": end, "starts_on": starts_on})
    tables = {"runs_asked": (asked, RUNS), "calendar": (days, CALENDAR), "eras": (eras, ERAS)}
    return {name: pa.Table.from_pylist(rows, schema=schema) for name, (rows, schema) in tables.items()}


def calendar() -> "ir.Table":
    """The unbound calendar."""
    return ibis.table(ibis.Schema.from_pyarrow(CALENDAR), name="calendar")


def runs_asked() -> "ir.Table":
    """The unbound table of the runs asked for."""
    return ibis.table(ibis.Schema.from_pyarrow(RUNS), name="runs_asked")


def with_start(rows: "ir.Table") -> "ir.Table":
    """Spans cut where the start of their run was moved, with `starts_on` as it was known then."""
    eras = ibis.table(ibis.Schema.from_pyarrow(ERAS), name="eras")
    same = [rows.run_no == eras.run_no, rows.from_step < eras.era_until, rows.until_step > eras.era_from]
    met = rows.join(eras, same, rname="era_{name}")
    return met.mutate(
        from_step=ibis.greatest(met.from_step, met.era_from), until_step=ibis.least(met.until_step, met.era_until)
    ).drop("era_run_no", "era_from", "era_until")


def chained(rows: "ir.Table", keys: Sequence[str], running: Mapping[str, "ir.Value"]) -> "ir.Table":
    """Changes of things as spans: each holds until the next change of the same thing.

    Args:
        rows: one row per thing and `step` at which something became known; has `run_no`.
        keys: what names a thing; `enrolment` among them.
        running: columns as aggregates of all changes so far, by name.
    """
    so_far = ibis.window(group_by=list(keys), order_by="step", rows=(None, 0))
    next_one = ibis.window(group_by=list(keys), order_by="step")
    return rows.select(
        *keys,
        "run_no",
        from_step=rows.step,
        until_step=rows.step.lead().over(next_one).fill_null(ibis.literal(NEVER, "int32")),
        **{name: value.over(so_far) for name, value in running.items()},
    )


def summed(rows: "ir.Table", keys: Sequence[str], number: str) -> "ir.Table":
    """Sums of `number` per thing as spans; nearly all things become known in one step, and these are not chained.

    Args:
        rows: has `run_no`, `step` and `number`.
        keys: what names a thing; `enrolment` among them.
        number: the column to add up.
    """
    at_once = rows.group_by(*keys, "run_no").agg(
        from_step=rows.step.min(), last_step=rows.step.max(), **{number: rows[number].sum()}
    )
    piecemeal = at_once.filter(at_once.from_step < at_once.last_step).select(*keys)
    pieces = rows.semi_join(piecemeal, list(keys)).group_by(*keys, "run_no", "step").agg(**{number: rows[number].sum()})
    several = chained(pieces, keys, {number: pieces[number].sum()})
    once = at_once.filter(at_once.from_step == at_once.last_step)
    once = once.mutate(until_step=ibis.literal(NEVER, "int32"))
    columns = [*keys, "run_no", "from_step", "until_step", number]
    return once.select(*columns).union(several.select(*columns))
