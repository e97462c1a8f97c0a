"""How steady a reason is: whether it is still told when a learner's numbers differ by as much as chance makes them.

A reason that turns round or vanishes when somebody came once more or once less says more about the model than about the
learner. Such reasons are withheld (`LEAST_STEADY`); docs/explanation/reasons.md has the measurement behind the line.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from headway.explanation.mixing import moved
from headway.explanation.reasons import LEAST_SHARE, Families, families
from headway.explanation.shapley import Explains
from headway.features.definition import Feature
from headway.models.model import Floats, History, Matrix

Bools = NDArray[np.bool_]

JITTERS: Final = 20
SEED: Final = 7
RANKS: Final = 0.05
"""How far a number is moved at most, as a share of the cohort in rank: to the neighbouring number in any case."""

MOVED: Final = 0.5
"""Each number is moved in so many of the jitters."""

TOP: Final = 10
"""A reason that is no longer among so many has dropped out."""

LEAST_STEADY: Final = 0.85


@dataclass(frozen=True, slots=True)
class Steadiness:
    """How steady the families of one row are, arrays of shape (families,).

    Attributes:
        steady: share of the jitters in which a family points the same way and is still among the strongest.
        turned: share of the jitters in which it points the other way.
    """

    steady: Floats
    turned: Floats

    @property
    def withheld(self) -> Bools:
        """Which families are not to be told."""
        return np.asarray(self.steady < LEAST_STEADY, dtype=np.bool_)


def steadiness(
    explains: Explains, rows: Matrix, cohort: Matrix, of: Families, columns: NDArray[np.int64], seed: int
) -> list[Steadiness]:
    """How steady each family is, for each row; the same alone and among others.

    Args:
        explains: what says the contributions.
        rows: the learners.
        cohort: whose numbers say how far apart neighbours are.
        of: the families of the features in the order `columns`.
        columns: for each definition of `of`, its column in `rows`.
        seed: draws the jitters.
    """
    net, _ = of.net(explains.contributions(rows)[:, columns])
    again, shares = of.net(explains.contributions(jittered(rows, cohort, seed))[:, columns])
    parts = [slice(at * JITTERS, (at + 1) * JITTERS) for at in range(len(rows))]
    return [compared(own, again[part], shares[part]) for own, part in zip(net, parts, strict=True)]


def unsteady(
    explains: Explains, rows: Matrix, cohort: Matrix, definitions: Mapping[str, Feature], seed: int = SEED
) -> Bools:
    """What is to be withheld of some rows of a cohort, shape (rows, families), as `reasons` takes it.

    Families are those of the features sorted by name.
    """
    columns = np.argsort(cohort.names)
    found = families([definitions[cohort.names[column]] for column in columns])
    told = steadiness(explains, rows, cohort, found, columns, seed)
    return np.stack([each.withheld for each in told]) if told else np.zeros((0, len(found.names)), dtype=np.bool_)


def compared(net: Floats, again: Floats, shares: Floats) -> Steadiness:
    """How steady families are over repetitions.

    Args:
        net: shape (families,): what each added.
        again: shape (repetitions, families): what each added again.
        shares: their shares, likewise.
    """
    rank = np.argsort(np.argsort(-shares, axis=1, kind="stable"), axis=1)
    same = (again > 0) == (net > 0)
    there = (rank < TOP) & (shares >= LEAST_SHARE / 2)
    return Steadiness((same & there).mean(axis=0), (~same & (shares >= LEAST_SHARE / 2)).mean(axis=0))


def jittered(rows: Matrix, cohort: Matrix, seed: int, times: int = JITTERS) -> Matrix:
    """Each row `times` over, each number moved in half of them to a neighbouring number of the cohort.

    A number is moved by up to 5% of the cohort in rank, and at least to the next number that somebody has: one visit
    more or less, the next mark up or down. What is not known stays so. All rows are moved by the same draws. In a
    history, which one row at a time may have, today's numbers are moved.
    """
    random = np.random.default_rng([seed, 7])
    steps = random.uniform(-RANKS, RANKS, (times, len(rows.names)))
    chosen = random.random((times, len(rows.names))) < MOVED
    # By name, so that the order of columns changes nothing.
    rank = np.argsort(np.argsort(rows.names))
    values = np.repeat(rows.values, times, axis=0)
    for column in range(len(rows.names)):
        known = np.sort(cohort.values[~np.isnan(cohort.values[:, column]), column])
        if len(known):
            step, own = np.tile(steps[:, rank[column]], len(rows)), values[:, column]
            place = _neighbours(own, known, step)
            told = np.tile(chosen[:, rank[column]], len(rows)) & ~np.isnan(own)
            values[:, column] = np.where(told, known[place], own)
    if rows.history is None:
        return Matrix(rows.names, values)
    return Matrix(rows.names, values, _today(moved(rows, {}, times=times).history, rows.names, values))


def _neighbours(own: Floats, known: Floats, step: Floats) -> NDArray[np.int64]:
    """The places among the sorted known numbers to which steps in rank lead, at least to the next other number."""
    low, high = np.searchsorted(known, own, "left"), np.searchsorted(known, own, "right")
    reach = np.ceil(np.abs(step) * len(known)).astype(np.int64)
    place = np.where(step < 0, low - reach, high - 1 + reach)
    return np.asarray(np.clip(place, 0, len(known) - 1), dtype=np.int64)


def _today(past: History | None, names: tuple[str, ...], values: Floats) -> History | None:
    """The history with the rows' own values at its last step."""
    if past is None or (past.where[:, -1] < 0).any():
        return past
    cells = past.cells.copy()
    for column, name in enumerate(past.names):
        if name in names:
            cells[past.where[:, -1], column] = values[:, names.index(name)]
    return History(past.names, past.step_days, cells, past.where)
