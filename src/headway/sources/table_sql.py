"""The SQL of one table of a mapping: each record column as an expression over the staged text, and the row's checks.

Pure text: it opens nothing. Every expression gives null, never an error, on a text that it cannot read, because values
are computed for faulty rows too.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from string import Formatter
from typing import Final

import pyarrow as pa

from headway.domain.records import INSTANT, KINDS
from headway.sources.staging import Check, text_sql
from headway.sources.table_mapping import DERIVED, Table, TableMapping, Value

MACROS: Final = (
    # A time outside these years is a slip of the pen, and may be infinite, which no record can hold.
    "CREATE MACRO plausible(moment) AS if(year(moment) BETWEEN 1900 AND 2199, moment, NULL)",
    "CREATE MACRO local_day(moment, zone) AS CAST(timezone(zone, moment) AS DATE)",
    "CREATE MACRO next_midnight(moment, zone) AS timezone(zone, CAST(local_day(moment, zone) + 1 AS TIMESTAMP))",
    "CREATE MACRO whole(x) AS if(x = trunc(x), try_cast(x AS BIGINT), NULL)",
)

ROW_ID: Final = "row_id"
"""The column of a staged table that stands for the learner of each row, where the table has no ids."""

# Where the table names only a day, these are meant at its end: nothing may count as known before it was.
_AT_THE_END: Final = frozenset({"recorded_at", "released_at", "due_at"})
_ASSUMED: Final = {"interactions": "1", "attempt": "1", "transferred": "false", "sensitive": "true"}
_WORDS: Final = {
    ("enrolments", "status"): ("enrolled", "withdrawn"),
    ("outcomes", "label"): ("pass", "distinction", "fail", "withdrawn"),
}
_RANGES: Final = {
    "score": (0, 1),
    "final_score": (0, 1),
    "progress": (0, 1),
    "weight": (0, 100),
    "interactions": (0, 10**9),
    "duration_s": (0, 10**9),
    "attempt": (0, 10**6),
    "hints": (0, 10**6),
}
_ANY_NUMBER: Final = (-(10**15), 10**15)

_ISO_DATE: Final = "^[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}"
_ISO_OFFSET: Final = "[T ].*(Z|[+-][0-9]{2}(:?[0-9]{2})?)$"
_CLOCK_LETTERS: Final = frozenset("HIcXTsfgnMS")  # of strptime: with one of these a text tells the time of day
_OFFSET_LETTERS: Final = frozenset("zZ")


@dataclass(frozen=True, slots=True)
class Cell:
    """One value of a row, in SQL.

    Attributes:
        text: the value as text, in our words; null where it is empty.
        typed: the value as its record column; null where it cannot be read.
        day_only: whether the text names a day without a time.
    """

    text: str
    typed: str
    day_only: str = "false"


class TableSql:
    """The expressions of one table.

    Attributes:
        fields: name in the staged table to name in the file's header, of the columns in use.
    """

    def __init__(self, mapping: TableMapping, table: Table) -> None:
        self.mapping = mapping
        self.table = table
        self.schema = KINDS[table.kind].schema
        self.zone = text_sql(mapping.zone)
        self.fields = {f"v{place}": column for place, column in enumerate(table.used())}
        self._places = {column: name for name, column in self.fields.items()}

    def columns(self) -> dict[str, str]:
        """Record column to expression, and `native` for what names the row."""
        made = {name: cell.typed for name, cell in self.cells().items()}
        made |= {"run": self.run(), "native": self.native_id()}
        who = self.field(self.table.learner) if self.table.learner else f"t.{ROW_ID}"
        if KINDS[self.table.kind].learner_scoped:
            made["learner"] = f"{text_sql(self.mapping.source_name + '/')} || {who}"
        return made

    def field(self, column: str) -> str:
        """The text of a column of the file; null where it is empty."""
        return f"nullif(trim(t.{self._places[column]}), '')"

    def run(self) -> str:
        """The run's id; null where a part is empty."""
        parts = []
        for literal, name, _, _ in Formatter().parse(self.table.run):
            parts += [text_sql(literal)] if literal else []
            if name == "source_name":
                parts.append(text_sql(self.mapping.source_name))
            elif name:
                parts.append(self.field(name))
        return f"({' || '.join(parts)})"

    def native_id(self) -> str:
        """What names the row: its id columns, or all that is read of it; and what tells the table from another one."""
        constants = {name: value.constant for name, value in self.table.columns.items() if value.constant is not None}
        named = [] if self.table.learner_by_row else self.table.native_id or self.table.used()
        parts = [f"coalesce({self.field(column)}, '')" for column in named]
        parts += [f"t.{ROW_ID}"] if self.table.learner_by_row else []
        parts += [text_sql(f"{name}={constants[name]}") for name in sorted(constants)]
        return f"concat_ws(chr(31), {', '.join(parts) or text_sql('')})"

    def cells(self) -> dict[str, Cell]:
        """The kind's columns; what the mapping leaves out but the kind needs is worked out or assumed."""
        occurred = self._cell("occurred_at", self.table.occurred_at)
        cells = {"occurred_at": occurred, "recorded_at": self._recorded(occurred)}
        cells |= {name: self._cell(name, value) for name, value in self.table.columns.items()}
        cells |= {
            name: Cell(text_sql(assumed), assumed)
            for name, assumed in _ASSUMED.items()
            if name in self.schema.names and name not in cells
        }
        if "valid_from" in self.schema.names:
            cells.setdefault("valid_from", occurred)
        if self.table.kind == "course_runs":
            cells.setdefault("course", Cell(self.run(), f"split_part({self.run()}, '/', 2)"))
            cells.setdefault("zone", Cell(self.zone, self.zone))
        for name, origin in DERIVED.items():
            if name in self.schema.names and origin in cells:
                cells[name] = self._derived(name, cells[origin])
        return {name: self._at_the_end(cell) if name in _AT_THE_END else cell for name, cell in cells.items()}

    def checks(self) -> list[Check]:
        """What makes a row faulty, in the order in which it is told."""
        run, shape = self.run(), text_sql(rf"{self.mapping.source_name}/[^/]+/[^/]+")
        checks = [
            Check(f"{run} IS NULL", "missing_value", text_sql("A column that names the run is empty.")),
            Check(
                f"NOT regexp_full_match({run}, {shape})", "bad_run", f"concat('The run would be called ', {run}, '.')"
            ),
        ]
        filled = [*([self.table.learner] if self.table.learner else []), *self.table.native_id]
        checks += [
            Check(f"{self.field(column)} IS NULL", "missing_value", text_sql(f"{column} is empty."))
            for column in filled
        ]
        cells = self.cells()
        for name, value in self.table.given().items():
            checks += self._checks_of(name, value, cells[name])
        early = f"{cells['occurred_at'].typed} > {cells['recorded_at'].typed}"
        return [*checks, Check(early, "known_too_early", text_sql("It would have been known before it happened."))]

    def _cell(self, name: str, value: Value) -> Cell:
        text, form = self._text(value), self.schema.field(name).type
        if form == INSTANT:
            return _instant(text, value, text_sql(value.zone or self.mapping.zone))
        if form == pa.date32():
            return Cell(text, f"local_day({_instant(text, value, text_sql('UTC')).typed}, 'UTC')")
        if form == pa.float64():
            number = f"try_cast({text} AS DOUBLE)"
            return Cell(text, number if value.out_of is None else f"({number} / {float(value.out_of)!r}::DOUBLE)")
        if pa.types.is_integer(form):
            return Cell(text, f"whole(try_cast({text} AS DOUBLE))")
        if form == pa.bool_():
            return Cell(text, f"try_cast({text} AS BOOLEAN)")
        if pa.types.is_list(form):
            parts = f"list_transform(string_split({text}, {text_sql(value.separator or ',')}), lambda part: trim(part))"
            return Cell(text, f"list_filter({parts}, lambda part: part != '')")
        return Cell(text, text)

    def _text(self, value: Value) -> str:
        if value.constant is not None:
            return f"CAST({text_sql(value.constant)} AS VARCHAR)"
        came = self.field(value.column or "")
        text = came
        if value.values is not None:
            text = (
                f"CASE {came} {' '.join(f'WHEN {text_sql(a)} THEN {text_sql(b)}' for a, b in value.values.items())} END"
            )
        if value.default is not None:
            text = f"if({came} IS NULL, {text_sql(value.default)}, {text})"
        return text

    def _recorded(self, occurred: Cell) -> Cell:
        recorded = self.table.recorded_at
        if isinstance(recorded, Value):
            return self._cell("recorded_at", recorded)
        if recorded is None:
            return occurred
        known = self._at_the_end(occurred).typed
        # Local days, so that a lag over a change of the clocks still ends at the same time of day.
        return Cell(
            occurred.text, f"timezone({self.zone}, timezone({self.zone}, {known}) + to_days({recorded.lag_days}))"
        )

    def _at_the_end(self, cell: Cell) -> Cell:
        return Cell(cell.text, f"if({cell.day_only}, next_midnight({cell.typed}, {self.zone}), {cell.typed})")

    def _derived(self, name: str, origin: Cell) -> Cell:
        if name == "hour":
            hour = f"if({origin.day_only}, NULL, hour(timezone({self.zone}, {origin.typed})))"
            return Cell(origin.text, hour)
        return Cell(origin.text, f"local_day({origin.typed}, {self.zone})")

    def _checks_of(self, name: str, value: Value, cell: Cell) -> Iterator[Check]:
        form = self.schema.field(name).type
        came = self.field(value.column) if value.column else cell.text
        if value.values is not None:
            known = f"{came} NOT IN ({', '.join(map(text_sql, value.values))})"
            yield Check(known, "unknown_value", _told(name, came, "which the values of the mapping do not list"))
        if name in KINDS[self.table.kind].required:
            yield Check(f"{cell.text} IS NULL", "missing_value", text_sql(f"{name} is empty."))
        unread = f"({cell.text} IS NOT NULL AND ({cell.typed}) IS NULL)"
        if form in (INSTANT, pa.date32()):
            yield Check(unread, "bad_date", _told(name, came, f"not a date or time as {value.format or 'in ISO 8601'}"))
        elif form == pa.bool_():
            yield Check(unread, "unknown_value", _told(name, came, "not true or false"))
        elif form == pa.float64() or pa.types.is_integer(form):
            low, high = _RANGES.get(name, _ANY_NUMBER)
            outside = f"({unread} OR ({cell.typed}) NOT BETWEEN {low} AND {high})"
            yield Check(outside, "bad_number", _told(name, came, f"not a number from {low} to {high} on its scale"))
        if words := _WORDS.get((self.table.kind, name)):
            unknown = f"{cell.text} NOT IN ({', '.join(map(text_sql, words))})"
            yield Check(unknown, "unknown_value", _told(name, came, f"not one of {', '.join(words)}"))


def _told(name: str, came: str, what: str) -> str:
    return f"concat({text_sql(f'{name} is ')}, {came}, {text_sql(f', {what}.')})"


def _instant(text: str, value: Value, zone: str) -> Cell:
    if value.format is None:
        local = f"timezone({zone}, try_cast({text} AS TIMESTAMP))"
        at = f"if(regexp_matches({text}, '{_ISO_OFFSET}'), try_cast({text} AS TIMESTAMPTZ), {local})"
        return Cell(
            text, f"plausible(if(regexp_matches({text}, '{_ISO_DATE}'), {at}, NULL))", f"NOT contains({text}, ':')"
        )
    letters = _letters(value.format)
    at = f"try_strptime({text}, {text_sql(value.format)})"
    at = at if letters & _OFFSET_LETTERS else f"timezone({zone}, {at})"
    return Cell(text, f"plausible({at})", "false" if letters & _CLOCK_LETTERS else "true")


def _letters(format_: str) -> set[str]:
    plain = format_.replace("%%", "").replace("%-", "%")
    return {letter for before, letter in pairwise(plain) if before == "%"}
