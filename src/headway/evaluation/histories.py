"""How rows get their history: the one place that says how far back sequence models look, in evaluation and in service.

Each step is the as-of engine's at its own time. Nobody else joins a history to rows.
"""

from collections.abc import Iterable
from typing import Final

import numpy as np

from headway.features.as_of import FeatureTable, Reading
from headway.features.engine import Records
from headway.features.logged import hush
from headway.features.moments import Moment
from headway.features.tensor import Cells, cells_of, numbers_by_moment, sequence_view
from headway.models.model import History, Model, joined_histories, wants_history

STEPS: Final = 28
STEP_DAYS: Final = 1
"""Sequence models read the last four weeks, day by day."""


def history_wanted(models: Iterable[Model]) -> bool:
    """Whether any of the models reads a history."""
    return any(wants_history(model) for model in models)


def cells_at(records: Records, moments: list[Moment], reading: Reading = "honest") -> Cells:
    """What the rows of these moments look back at, in one computation."""
    cells = cells_of(sequence_view(), records, moments, STEPS, STEP_DAYS, reading)
    hush(cells)
    return cells


def history_of(records: Records, features: FeatureTable) -> History:
    """The history of each row of a feature table."""
    return _history(cells_at(records, features.moments()), features)


def from_cells(cells_of_moment: dict[Moment, Cells], features: FeatureTable) -> History:
    """The history of each row, from cells that were computed before, in one or several computations."""
    rows_of: dict[int, list[np.ndarray[tuple[int], np.dtype[np.int64]]]] = {}
    made = {id(cells): cells for cells in cells_of_moment.values()}
    for moment, rows in numbers_by_moment(features.table).items():
        rows_of.setdefault(id(cells_of_moment[moment]), []).append(rows)
    if len(rows_of) == 1:
        return _history(made[next(iter(rows_of))], features)
    order = {each: np.sort(np.concatenate(rows)) for each, rows in rows_of.items()}
    parts = [
        _history(made[each], FeatureTable(features.view, features.table.take(rows))) for each, rows in order.items()
    ]
    return joined_histories(parts).rows(np.argsort(np.concatenate(list(order.values()))))


def _history(cells: Cells, features: FeatureTable) -> History:
    return History(cells.view.features, cells.step_days, cells.values, cells.where(features.table))
