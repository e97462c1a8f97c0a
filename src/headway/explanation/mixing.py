"""Rows that are partly one learner's and partly others': what every question "and without this feature?" is asked with.

Promises that a feature which is taken from elsewhere comes from there as a whole, its past included, and that the steps
at which the learner was enrolled stay theirs. Shapley values, the local surrogate, jitter and what-if all go through
here, so that none of them has a second idea of what a missing feature is.
"""

from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from headway.domain.errors import InputError
from headway.models.model import Fitted, Floats, History, Matrix
from headway.models.training import log_odds

Bools = NDArray[np.bool_]
Places = NDArray[np.int64]

AT_ONCE: Final = 4_096
"""Mixed rows that are asked for at a time; with a history of 28 steps these are some ten megabytes."""

EDGE: Final = 1e-9


def players(features: Matrix) -> tuple[str, ...]:
    """The features that a model may read of these rows, those of the history included, sorted."""
    past = () if features.history is None else features.history.names
    return tuple(sorted({*features.names, *past}))


def read_by(fitted: Fitted, features: Matrix) -> tuple[str, ...]:
    """The players that a fitted model says it reads (attribute `reads`); all of them where it says nothing."""
    told = getattr(fitted, "reads", None)
    found = players(features)
    return found if told is None else tuple(name for name in found if name in told)


def log_odds_of(fitted: Fitted, features: Matrix) -> Floats:
    """The log-odds of each row's uncalibrated risk, shape (rows,), finite."""
    return log_odds(np.clip(fitted.risk(features), EDGE, 1 - EDGE))


def mixed(row: Matrix, donors: Matrix, own: Bools, from_donor: Places, names: tuple[str, ...]) -> Matrix:
    """Rows in which each feature is the learner's own or a donor's.

    Args:
        row: the learner, one row.
        donors: others, with the same features (and history, where `row` has one).
        own: shape (made rows, names): whether a feature is the learner's.
        from_donor: shape (made rows,) or (made rows, names): whose it is otherwise, a row of `donors`.
        names: the features that `own` speaks of; all others stay the learner's.

    Raises:
        InputError: not one row, or donors of other features.
    """
    if len(row) != 1 or donors.names != row.names or (row.history is None) != (donors.history is None):
        raise InputError("Mix one learner's row with rows of the same features and history.")
    givers = from_donor if from_donor.ndim == 2 else np.broadcast_to(from_donor[:, None], own.shape)
    place = {name: at for at, name in enumerate(names)}
    values = np.repeat(row.values, len(own), axis=0)
    for column, name in enumerate(row.names):
        if (at := place.get(name)) is not None:
            values[:, column] = np.where(own[:, at], values[:, column], donors.values[givers[:, at], column])
    if row.history is None or donors.history is None:
        return Matrix(row.names, values)
    return Matrix(row.names, values, _past(row.history, donors.history, own, givers, place))


def moved(row: Matrix, to: Mapping[str, float], *, times: int = 1) -> Matrix:
    """The learner's row, `times` over, with other values of some features now; the days before stay as they were."""
    values = np.repeat(row.values, times, axis=0)
    for name, value in to.items():
        if name in row.names:
            values[:, row.names.index(name)] = value
    if row.history is None:
        return Matrix(row.names, values)
    past = row.history
    cells = np.repeat(past.cells[past.where[:, -1:]], times, axis=0) if past.where[0, -1] >= 0 else past.cells[:0]
    if not len(cells):
        return Matrix(row.names, values, past.rows(np.zeros(times, dtype=np.int64)))
    last = cells[:, 0].copy()
    for name, value in to.items():
        if name in past.names:
            last[:, past.names.index(name)] = value
    where = np.repeat(past.where, times, axis=0)
    where[:, -1] = len(past.cells) + np.arange(times)
    return Matrix(row.names, values, History(past.names, past.step_days, np.concatenate([past.cells, last]), where))


def _past(row: History, donors: History, own: Bools, givers: Places, place: Mapping[str, int]) -> History:
    """The learner's history with whole columns of donors' histories in it."""
    size, steps = len(own), row.steps
    of_row = _filled(row.where)[0]
    of_donor = _filled(donors.where)
    cells = np.repeat(row.cells[of_row][None], size, axis=0)
    for column, name in enumerate(row.names):
        at = place.get(name)
        if at is not None:
            theirs = donors.cells[of_donor[givers[:, at]], column]
            cells[:, :, column] = np.where(own[:, at, None], cells[:, :, column], theirs)
    where = np.arange(size * steps, dtype=np.int32).reshape(size, steps)
    where = np.where(row.where >= 0, where, -1).astype(np.int32)
    return History(row.names, row.step_days, cells.reshape(size * steps, len(row.names)), where)


def _filled(where: NDArray[np.int32]) -> NDArray[np.int32]:
    """The cell of each step; where there is none, that of the next step that has one, so that a column is whole."""
    filled = where.copy()
    for step in range(where.shape[1] - 2, -1, -1):
        filled[:, step] = np.where(filled[:, step] < 0, filled[:, step + 1], filled[:, step])
    for step in range(1, where.shape[1]):
        filled[:, step] = np.where(filled[:, step] < 0, filled[:, step - 1], filled[:, step])
    return np.maximum(filled, 0)
