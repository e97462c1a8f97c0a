"""The mapping file of the `csv` source: which column of which table is what, in TOML, checked before any data is read.

It is declarative on purpose: a column, a constant, a date format, a scale, a table of words. What needs more than that
is a source of its own. An unknown key is an error that names the nearest known one.
"""

import difflib
import tomllib
from collections.abc import Iterable
from pathlib import Path
from string import Formatter
from typing import Annotated, Any, Final

import pyarrow as pa
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, field_validator, model_validator

from headway.domain.errors import ConfigError, InputError
from headway.domain.records import KINDS
from headway.domain.time import zone_of

COMMON: Final = frozenset({"id", "source", "run", "learner", "occurred_at", "recorded_at"})
DERIVED: Final = {
    "valid_from_on": "valid_from",
    "occurred_on": "occurred_at",
    "hour": "occurred_at",
    "submitted_on": "submitted_at",
    "due_on": "due_at",
}
# Required columns of a kind that have a value of their own where the mapping says nothing.
FILLED_IN: Final = frozenset({"course", "zone", "valid_from", "interactions", "attempt", "transferred", "sensitive"})

_UNKNOWN_KEY: Final = "extra_forbidden"


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Value(_Part):
    """Where one value comes from: a column or a constant, and how it is read.

    Attributes:
        column: the header's name of the column.
        constant: the same text for every row.
        default: stands for an empty field.
        values: the table's word to ours; a word that is not listed sends its row to the quarantine.
        format: how a date or time is written, in the letters of strptime; without it ISO 8601.
        zone: of times without an offset; without it the zone of the mapping.
        out_of: the highest mark; the number is divided by it.
        separator: between the parts of a list.
    """

    column: str | None = None
    constant: str | None = None
    default: str | None = None
    values: Annotated[dict[str, str], Field(min_length=1)] | None = None
    format: str | None = None
    zone: str | None = None
    out_of: Annotated[int | float, Field(gt=0, allow_inf_nan=False)] | None = None
    separator: str | None = None

    @model_validator(mode="after")
    def _one_origin(self) -> "Value":
        if (self.column is None) == (self.constant is None):
            raise ValueError("give either a column or a constant")
        if self.constant is not None and (self.default is not None or self.values is not None):
            raise ValueError("a constant has neither default nor values")
        return self

    @field_validator("zone")
    @classmethod
    def _known_zone(cls, zone: str | None) -> str | None:
        return zone if zone is None else _zone(zone)


class Lag(_Part):
    """How many days after it happened a thing was known."""

    lag_days: Annotated[int, Field(ge=0, le=3650)]


def _zone(name: str) -> str:
    try:
        zone_of(name)
    except InputError as wrong:
        raise ValueError(str(wrong)) from wrong
    return name


def _column_name(value: Any) -> Any:
    return {"column": value} if isinstance(value, str) else value


def _value_or_lag(value: Any) -> Any:
    if isinstance(value, dict) and "lag_days" in value:
        return Lag.model_validate(value)
    return Value.model_validate(_column_name(value))


ValueOf = Annotated[Value, BeforeValidator(_column_name)]


class Table(_Part):
    """One table and the record kind that its rows become.

    Attributes:
        file: file name, or glob, within the paths given.
        kind: the record kind.
        run: id of the course run, `source/course/run`; a column in braces stands for its value, {source_name} for the
            source's name.
        learner: the column with the learner's id.
        learner_is_pseudonym: whether that id says nothing about the person; if not, it is replaced by a keyed hash.
        learner_by_row: the table has no ids, and each row is one learner, known by a keyed hash of the whole row.
        once: every row says the same, so that the first one stands for all; nothing but constants may be used.
        each: further columns, a set for each record that a row becomes.
        occurred_at: when it happened.
        recorded_at: when the institution could have known; without it, at once.
        skip_where_empty: a row in which one of these columns is empty is not meant for this kind, and not read.
        skip_where: words by column; a row with one of them there is not meant for this kind, and not read.
        delimiter: one character, or `auto` for that of comma, semicolon and tab which the header has most of.
        native_id: columns that name the row for good; without it, all mapped columns and a count of equal rows.
        columns: the kind's other columns.
    """

    file: Annotated[str, Field(min_length=1)]
    kind: str
    run: str
    occurred_at: ValueOf
    recorded_at: Annotated[Value | Lag | None, BeforeValidator(lambda v: None if v is None else _value_or_lag(v))] = (
        None
    )
    learner: str | None = None
    learner_is_pseudonym: bool | None = None
    learner_by_row: bool = False
    once: bool = False
    native_id: tuple[str, ...] = Field(default=(), strict=False)
    skip_where_empty: tuple[str, ...] = Field(default=(), strict=False)
    skip_where: dict[str, Annotated[list[str], Field(min_length=1)]] = {}
    delimiter: Annotated[str, Field(pattern=r"^(.|auto)$")] = ","
    quote: Annotated[str, Field(max_length=1)] = '"'
    encoding: str = "utf-8"
    columns: dict[str, ValueOf] = {}
    each: tuple[dict[str, ValueOf], ...] = Field(default=(), strict=False)

    @field_validator("kind")
    @classmethod
    def _known_kind(cls, kind: str) -> str:
        if kind not in KINDS:
            raise ValueError(f"there is no record kind {kind!r}; {_hint(kind, KINDS)}")
        return kind

    @model_validator(mode="after")
    def _splits(self) -> "Table":
        if self.delimiter == self.quote or {self.delimiter, self.quote} & set("\r\n\0 "):
            raise ValueError("delimiter and quote must differ, and neither may be a space or the end of a line")
        return self

    @field_validator("encoding")
    @classmethod
    def _known_encoding(cls, encoding: str) -> str:
        try:
            "".encode(encoding)
        except (LookupError, UnicodeError) as wrong:
            raise ValueError(f"there is no encoding {encoding!r}; use for example utf-8 or cp1252") from wrong
        return encoding

    @field_validator("run")
    @classmethod
    def _three_parts(cls, run: str) -> str:
        try:
            placeholders = [name for _, name, form, conversion in Formatter().parse(run) if name is not None]
            plain = not any(form or conversion for _, _, form, conversion in Formatter().parse(run))
        except ValueError as wrong:
            raise ValueError(f"{run!r} has a brace without its partner") from wrong
        if not plain or not all(placeholders) or run.count("/") != 2:
            raise ValueError(
                f'{run!r} has not the form source/course/run, such as "{{source_name}}/{{course}}/{{term}}"'
            )
        return run

    @model_validator(mode="after")
    def _fits_its_kind(self) -> "Table":
        for part in self.parts():
            part._check_columns()
            part._check_forms()
            if self.once and (part.used() or self.skip_where):
                raise ValueError("once stands for all rows: use nothing but constants")
        self._check_learner()
        return self

    def _check_columns(self) -> None:
        kind = KINDS[self.kind]
        known = set(kind.schema.names) - COMMON - set(DERIVED)
        for name in self.columns:
            if name in DERIVED and name in kind.schema.names:
                raise ValueError(f"{name} is worked out from {DERIVED[name]}: take it out of columns")
            if name not in known:
                raise ValueError(f"{self.kind} has no column {name!r} to map; {_hint(name, known)}")
        missing = kind.required - COMMON - set(DERIVED) - FILLED_IN - set(self.columns)
        if missing:
            raise ValueError(f"{self.kind} also needs {', '.join(sorted(missing))} under columns")

    def _check_learner(self) -> None:
        scoped = KINDS[self.kind].learner_scoped
        if self.learner is not None and self.learner_by_row:
            raise ValueError("give either learner or learner_by_row")
        if scoped != (self.learner is not None or self.learner_by_row):
            raise ValueError(f"{self.kind} {'needs' if scoped else 'takes no'} learner")
        if (self.learner is None) != (self.learner_is_pseudonym is None):
            raise ValueError(
                "learner_is_pseudonym (true or false) goes with learner: say whether the id names a person"
            )
        if self.learner_by_row and self.native_id:
            raise ValueError("learner_by_row names the row: take native_id away")

    def _check_forms(self) -> None:
        schema = KINDS[self.kind].schema
        for name, value in self.given().items():
            form = schema.field(name).type
            timed = pa.types.is_timestamp(form)
            if value.out_of is not None and form != pa.float64():
                raise ValueError(f"{name} is no number with a scale: take out_of away")
            if value.format is not None and not (timed or form == pa.date32()):
                raise ValueError(f"{name} is no date or time: take format away")
            if value.zone is not None and not timed:
                raise ValueError(f"{name} is no time: take zone away")
            if (value.separator is not None) != pa.types.is_list(form):
                raise ValueError(
                    f"{name} {'is no list: take away' if value.separator else 'is a list: give'} separator"
                )

    def parts(self) -> list["Table"]:
        """The table once for each record that a row of it becomes."""
        return [self.model_copy(update={"columns": {**self.columns, **more}, "each": ()}) for more in self.each] or [
            self
        ]

    def given(self) -> dict[str, Value]:
        """Every record column that the mapping gives a value to, by name."""
        recorded = {"recorded_at": self.recorded_at} if isinstance(self.recorded_at, Value) else {}
        return {"occurred_at": self.occurred_at, **recorded, **self.columns}

    def placeholders(self) -> list[str]:
        """The columns that `run` names."""
        return [name for _, name, _, _ in Formatter().parse(self.run) if name and name != "source_name"]

    def used(self) -> list[str]:
        """Every column of the file that the mapping uses, each once, in a fixed order."""
        given = self.given()
        named = [column for name in sorted(given) if (column := given[name].column) is not None]
        names = [
            *self.placeholders(),
            *([self.learner] if self.learner else []),
            *named,
            *self.native_id,
            *self.skip_where_empty,
            *self.skip_where,
        ]
        return list(dict.fromkeys(names))


class TableMapping(_Part):
    """A whole mapping file.

    Attributes:
        source_name: first part of the run ids, and the source of the records.
        zone: the institution's time zone (IANA).
        query: SQL of each query that a table may name as its file; for the warehouse source alone.
        table: the tables to read.
    """

    source_name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,39}$")] = "csv"
    zone: str = "UTC"
    query: dict[Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$")], str] = {}
    table: Annotated[list[Table], Field(min_length=1)]

    @field_validator("zone")
    @classmethod
    def _known_zone(cls, zone: str) -> str:
        return _zone(zone)


def load_mapping(path: Path) -> TableMapping:
    """The mapping in the TOML file at `path`.

    Raises:
        ConfigError: the file is not there, is no TOML, or says something that no mapping can say.
    """
    try:
        return TableMapping.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except OSError as wrong:
        raise ConfigError(f"The mapping {path} cannot be read ({wrong.strerror}). Check the path.") from wrong
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as wrong:
        raise ConfigError(f"The mapping {path} is no TOML ({wrong}). Correct it there.") from wrong
    except ValidationError as wrong:
        raise ConfigError(f"The mapping {path} cannot be used: {_explained(wrong)}.") from wrong


def _explained(wrong: ValidationError) -> str:
    faults = wrong.errors(include_url=False, include_context=False)
    return "; ".join(_fault(list(fault["loc"]), fault["type"], fault["msg"]) for fault in faults[:5])


def _fault(place: list[int | str], kind: str, message: str) -> str:
    shown = ".".join(f"{part}" if isinstance(part, str) else str(part + 1) for part in place) or "the file"
    if kind == _UNKNOWN_KEY:
        return f"unknown key {shown}, {_hint(str(place[-1]), _keys_at(place[:-1]))}"
    return f"{shown}: {message.removeprefix('Value error, ')}"


def _keys_at(place: list[int | str]) -> Iterable[str]:
    """The keys that the part of a mapping at `place` knows."""
    if not place:
        return TableMapping.model_fields
    if len(place) == 2:
        return Table.model_fields
    return Value.model_fields


def _hint(name: str, known: Iterable[str]) -> str:
    names = sorted(known)
    near = difflib.get_close_matches(name, names, n=3, cutoff=0.5)
    return f"did you mean {' or '.join(near)}?" if near else f"known are {', '.join(names)}"
