"""A silent feed is not a silent learner: what needs a log is absent where nothing of a cohort's activity was known.

The engine counts what it was given, and of a run whose log never arrived it was given nothing: zeros like those of
learners who did nothing. Models must not read them as such, neither where they learn nor where they are asked. Whoever
hands features to a model passes them through here first. Values are as of their time, so what is told here is too.
"""

from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa

from headway.features.as_of import FeatureTable
from headway.features.definition import FEATURES
from headway.features.tensor import Cells, numbers_by_moment
from headway.features.views import needs_log, reads_log

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Rows = slice | NDArray[np.int64]

EVERYONE: Final = slice(None)


@lru_cache(maxsize=64)
def _columns(features: tuple[str, ...]) -> "tuple[list[int], list[tuple[int, float]]]":
    """The columns that need a log; those that read it, each with what it holds where nothing is known."""
    needing = [at for at, name in enumerate(features) if needs_log(name)]
    reading = [(at, FEATURES.get(features[at])) for at in needing if reads_log(FEATURES.get(features[at]))]
    return needing, [(at, np.nan if one.absent is None else one.absent) for at, one in reading]


def silent(features: tuple[str, ...], column: "Callable[[int], NDArray[Any]]", rows: "Rows" = EVERYONE) -> bool:
    """Whether nothing is known of what anybody did, in the rows of a cohort.

    False where no feature reads a log: then nothing is told of it.

    Args:
        features: the names of the columns.
        column: gives the values by place in `features`.
        rows: which of the values are the cohort's.
    """
    _, nothing = _columns(features)
    return bool(nothing) and not any(_tells(column(at)[rows], none) for at, none in nothing)


def _tells(values: "NDArray[Any]", nothing: float) -> bool:
    return bool((~np.isnan(values) & (values != nothing)).any())


def heard(features: FeatureTable) -> FeatureTable:
    """The same rows, whole cohorts, with what needs a log absent in the cohorts that are silent."""
    names, table = features.view.features, features.table
    columns, _ = _columns(names)
    if not columns or not len(features):
        return features

    @cache
    def column(at: int) -> "NDArray[np.float64]":
        return np.asarray(table[names[at]].to_numpy(zero_copy_only=False), dtype=np.float64)

    if _one_cohort(table) and not silent(names, column):
        return features
    cohorts = numbers_by_moment(table).values()
    quiet = [rows for rows in cohorts if silent(names, column, rows)]
    if not quiet:
        return features
    told = np.ones(len(features), dtype=np.bool_)
    told[np.concatenate(quiet)] = False
    for at in columns:
        values = pa.array(np.where(told, column(at), np.nan), from_pandas=True)
        table = table.set_column(table.column_names.index(names[at]), names[at], values)
    return FeatureTable(features.view, table)


def _one_cohort(table: pa.Table) -> bool:
    """Whether all rows, which come in order of runs and as-of times, are of one cohort."""
    return all(table[key][0] == table[key][-1] for key in ("run", "as_of"))


def hush(cells: Cells) -> None:
    """Takes out of the steps what needs a log, where the cohort that first looks back at them is silent itself.

    A learner who did nothing in a week before a feed was heard of did nothing, as far as a later row knows.
    """
    columns, _ = _columns(cells.view.features)
    for looked_at, span in cells.first_looked_at():
        if columns and silent(cells.view.features, lambda at: cells.values[:, at], looked_at):
            cells.values[span, columns] = np.nan
