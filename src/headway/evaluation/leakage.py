"""Whether a result would have been another, had the future not been recorded: the as-of rule, checked from outside.

Whatever turns records into a table (features, labels, predictions) is run twice: on all records, and on the records
as they stood at an as-of time. The two tables must be the same. Nothing here knows how the result is made, so nothing
can be overlooked.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import pyarrow as pa

from headway.domain.errors import InputError, LeakageError
from headway.domain.time import AsOf
from headway.features.as_of import known_at

Tables = Mapping[str, pa.Table]
"""Records by kind."""

ROW_KEYS: Final = ("run", "learner", "as_of")
SHOWN: Final = 3


@dataclass(frozen=True, slots=True)
class Difference:
    """A value, or a whole row, that depends on what was recorded later.

    Attributes:
        key: the row's key values.
        column: which column; None where the row is in one result only.
        with_future: the value from all records; None where the row is not in that result.
        as_known: the value from what was known.
    """

    key: tuple[Any, ...]
    column: str | None
    with_future: Any
    as_known: Any

    def __str__(self) -> str:
        which = "/".join(str(part) for part in self.key)
        if self.column is None:
            return f"row {which} is there only {'with' if self.as_known is None else 'without'} the later records"
        return f"{self.column} of {which} is {self.with_future!r} instead of {self.as_known!r}"


def changed_by_the_future(
    compute: Callable[[Tables], pa.Table], tables: Tables, as_of: AsOf, keys: Sequence[str] = ROW_KEYS
) -> list[Difference]:
    """Every difference between what `compute` makes of all records and of those known then; empty if honest.

    Args:
        compute: makes a table from records; the same records must always give the same table.
        tables: all records, by kind.
        as_of: the time by which whatever `compute` rests on must have been recorded.
        keys: the columns that name a row of the result.

    Raises:
        InputError: the result lacks a key column, or two of its rows have the same key.
    """
    everything, known = compute(tables), compute(known_at(tables, as_of))
    if everything.column_names != known.column_names:
        only = sorted(set(everything.column_names) ^ set(known.column_names))
        return [Difference((), name, name in everything.column_names, name in known.column_names) for name in only]
    return _differences(everything, known, keys)


def refuse_the_future(
    compute: Callable[[Tables], pa.Table], tables: Tables, as_of: AsOf, keys: Sequence[str] = ROW_KEYS
) -> None:
    """Nothing, if `compute` rests on nothing that was recorded after the as-of time; see `changed_by_the_future`.

    Raises:
        LeakageError: it does; the message names the columns and some of the rows.
    """
    found = changed_by_the_future(compute, tables, as_of, keys)
    if found:
        counts = Counter(difference.column or "whole rows" for difference in found)
        told = ", ".join(f"{column} ({n})" for column, n in sorted(counts.items()))
        examples = "; ".join(str(difference) for difference in found[:SHOWN])
        raise LeakageError(
            f"What was recorded after {as_of} changes the result: {told}. For example: {examples}. "
            "Read only records that the as-of engine has cut."
        )


def _differences(everything: pa.Table, known: pa.Table, keys: Sequence[str]) -> list[Difference]:
    with_future, as_known = _by_key(everything, keys), _by_key(known, keys)
    found = []
    for key in sorted(with_future.keys() | as_known.keys(), key=repr):
        one, other = with_future.get(key), as_known.get(key)
        if one is None or other is None:
            found.append(Difference(key, None, one, other))
            continue
        found += [Difference(key, c, one[c], other[c]) for c in one if not _same(one[c], other[c])]
    return found


def _by_key(table: pa.Table, keys: Sequence[str]) -> dict[tuple[Any, ...], dict[str, Any]]:
    missing = [key for key in keys if key not in table.column_names]
    if missing:
        raise InputError(f"The result has no column {', '.join(missing)}. Name the columns that identify its rows.")
    rows = {tuple(row[key] for key in keys): row for row in table.to_pylist()}
    if len(rows) < table.num_rows:
        raise InputError(f"Several rows of the result have the same {', '.join(keys)}. Name more key columns.")
    return rows


def _same(one: Any, other: Any) -> bool:
    """Whether two values are equal; an absent number equals itself."""
    return bool(one == other or (one != one and other != other))
