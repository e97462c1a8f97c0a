"""Text in bulk: a line for each act, made of constant pieces with the act's own values between them.

A template is a text with slots, `#user#`, one for each act and activity of a run. It is cut at its slots once; then all
lines of a block are concatenated in columns, so that no Python loop runs over events. Values are numbers, times and
hexadecimal digits, which need no escaping in JSON or CSV.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa

from headway.sources.simulation.acts import Acts
from headway.sources.simulation.plan import Floats, Ints, Run

if TYPE_CHECKING:
    import duckdb

SLICE: Final = 40_000  # acts made into text at once

_INSTANT: Final = "strftime({0}, '%Y-%m-%dT%H:%M:%S.%fZ')"
_SERIAL: Final = "printf('%012x', {0})"

SLOTS: Final[Mapping[str, str]] = {
    "user": "{0}::VARCHAR",
    "at": _INSTANT,
    "known": _INSTANT,
    "position": "{0}::VARCHAR",
    "origin": "{0}::VARCHAR",
    "seconds": "{0}::VARCHAR",
    "score": "{0}::VARCHAR",
    "percent": "{0}::VARCHAR",
    "progress": "{0}::VARCHAR",
    "attempt": "{0}::VARCHAR",
    "own": _SERIAL,
    "other": _SERIAL,
}
"""What may stand in a template, and SQL for its text."""

_SLOT: Final = re.compile("#(" + "|".join(SLOTS) + ")#")

Template = Callable[[int, int], str | None]
"""The template of an act and an activity's number; None where the format has no line for it."""


@dataclass(slots=True)
class Press:
    """Makes the lines of one run.

    Attributes:
        run: the run.
        order: the slots in the order in which templates use them; a slot may stand in it more than once.
        template: gives the templates.
        engine: a DuckDB connection.
        told: how many lines it has made.
    """

    run: Run
    order: Sequence[str]
    template: Template
    engine: "duckdb.DuckDBPyConnection"
    told: int = 0
    _numbers: dict[int, int] = field(default_factory=dict)
    _pieces: list[list[str | None]] = field(default_factory=list)

    def text(self, acts: Acts, users: Ints) -> Iterator[bytes]:
        """The lines, each with its end, in parts of bounded size.

        Args:
            acts: of one block.
            users: the number by which the platform knows each learner of the block.
        """
        forms = self._forms(acts)
        told = np.flatnonzero(forms >= 0)
        dictionaries = [pa.array(texts, pa.string()) for texts in zip(*self._pieces, strict=True)]
        for first in range(0, len(told), SLICE):
            some = told[first : first + SLICE]
            self.told += len(some)
            form = pa.array(forms[some].astype(np.int32))
            pieces = [pa.DictionaryArray.from_arrays(form, texts) for texts in dictionaries]
            yield from self._joined(pieces, _values(acts.picked(some), users))

    def _forms(self, acts: Acts) -> Ints:
        """The number of each act's template; -1 where there is none."""
        width = 1 << 20
        keys, which = np.unique(acts.act * width + acts.thing, return_inverse=True)
        for key in keys.tolist():
            if key not in self._numbers:
                text = self.template(*divmod(key, width))
                self._numbers[key] = -1 if text is None else len(self._pieces)
                if text is not None:
                    self._pieces.append(cut(text + "\n", self.order))
        return np.array([self._numbers[key] for key in keys.tolist()], dtype=np.int64)[which]

    def _joined(self, pieces: list[pa.Array], values: dict[str, pa.Array]) -> Iterator[bytes]:
        names = [f"piece_{place}" for place in range(len(pieces))]
        # Each batch is work for one core; the engine keeps their order.
        batches = pa.table({**dict(zip(names, pieces, strict=True)), **values}).to_batches(max_chunksize=SLICE // 2)
        self.engine.register("acts", pa.Table.from_batches(batches))
        parts = [names[0]]
        for slot, after in zip(self.order, names[1:], strict=True):
            text = SLOTS[slot].format(f'"{slot}"')
            parts += [f"CASE WHEN {after} IS NOT NULL THEN {text} END", after]
        try:
            lines = self.engine.sql(f"SELECT concat({', '.join(parts)}) FROM acts").to_arrow_table()
        finally:
            self.engine.unregister("acts")
        for chunk in lines.column(0).chunks:
            yield _bytes_of(chunk)


def cut(text: str, order: Sequence[str]) -> list[str | None]:
    """The constant pieces of a template: what comes before the first slot, and after each slot of `order`.

    A slot that the template does not use has None after it.

    Raises:
        ValueError: the template uses its slots in another order.

    >>> cut("a#user#b#own#c", ["user", "at", "own"])
    ['a', 'b', None, 'c']
    """
    pieces: list[str | None] = []
    start, rest = 0, list(order)
    for slot in _SLOT.finditer(text):
        passed = rest.index(slot[1])
        pieces += [text[start : slot.start()], *[None] * passed]
        rest, start = rest[passed + 1 :], slot.end()
    return [*pieces, text[start:], *[None] * len(rest)]


def table_text(engine: "duckdb.DuckDBPyConnection", table: pa.Table, delimiter: str) -> bytes:
    """The rows of a small table as delimited text without a header; its values must hold no delimiter."""
    engine.register("rows", table)
    columns = [
        _INSTANT.format(f'"{name.name}"') if pa.types.is_timestamp(name.type) else f'"{name.name}"::VARCHAR'
        for name in table.schema
    ]
    joined = f", '{delimiter}', ".join(columns)
    try:
        lines = engine.sql(f"SELECT concat({joined}, chr(10)) FROM rows").to_arrow_table().column(0)
    finally:
        engine.unregister("rows")
    return b"".join(_bytes_of(chunk) for chunk in lines.chunks)


def _values(acts: Acts, users: Ints) -> dict[str, pa.Array]:
    numbers = {name: _known(getattr(acts, name)) for name in ("position", "origin", "seconds", "score", "progress")}
    percent = _known(np.round(acts.score * 100)).cast(pa.int64())
    return {
        **numbers,
        "percent": percent,
        "user": pa.array(users[acts.who]),
        "at": pa.array(acts.at_us).cast(pa.timestamp("us")),
        "known": pa.array(acts.known_us).cast(pa.timestamp("us")),
        "attempt": pa.array(acts.attempt),
        "own": pa.array(acts.own),
        "other": pa.array(acts.other, mask=acts.other < 0),
    }


def _known(values: Floats) -> pa.Array:
    return pa.array(values, mask=np.isnan(values))


def _bytes_of(lines: pa.Array) -> bytes:
    """The texts one after the other: just what an Arrow string array holds."""
    _, offsets, text = lines.buffers()
    ends = np.frombuffer(offsets, np.int64 if pa.types.is_large_string(lines.type) else np.int32)
    first, last = ends[lines.offset], ends[lines.offset + len(lines)]
    return bytes(text[int(first) : int(last)])
