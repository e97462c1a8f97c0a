"""One score run as arrays, so that a caseload of a hundred thousand is sorted, filtered and cut in milliseconds.

A board is made once from the store and never changed; what people do about learners is joined page by page.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray

from headway.advising.wording import LISTS, ListName
from headway.scoring.kept import ScoreRun
from headway.store.tables import GROUP_MEMBERS, PREDICTIONS

SCORED: Final = 0
TOO_EARLY: Final = 1


@dataclass(frozen=True, slots=True)
class Board:
    """A score run's learners as arrays of one length, those put first first; who cannot be predicted yet comes last.

    Attributes:
        score_run: whose predictions these are.
        learners: pseudonyms.
        status: `SCORED` or `TOO_EARLY`.
        risk: the chance, NaN where it is too early.
        low: lower end of its range.
        high: upper end of its range.
        comparable: how many past learners the range rests on.
        absent_days: days since the last visit; NaN where there was none.
        reason: the main reason's sentence, or why it is too early.
        group: tutor group; empty where there is none.
        place: where a learner stands in these arrays.
    """

    score_run: ScoreRun
    learners: "NDArray[np.object_]"
    status: "NDArray[np.int8]"
    risk: "NDArray[np.float64]"
    low: "NDArray[np.float64]"
    high: "NDArray[np.float64]"
    comparable: "NDArray[np.int64]"
    absent_days: "NDArray[np.float64]"
    reason: "NDArray[np.object_]"
    group: "NDArray[np.object_]"
    place: dict[str, int]

    def __len__(self) -> int:
        return len(self.learners)

    def of_groups(self, groups: frozenset[str] | None) -> "NDArray[np.bool_]":
        """Which learners are in one of the groups; None stands for everybody."""
        if groups is None:
            return np.ones(len(self), dtype=bool)
        return np.isin(self.group, list(groups))

    def lists(self, mine: "NDArray[np.bool_]", capacity: int) -> "NDArray[np.int8]":
        """The list of each learner, as its place in `LISTS`; -1 for those not mine and those too early to predict.

        The first `capacity` of mine are "Reach out", the next as many "Check in", of the rest those above the mean risk
        of mine "Keep an eye": as `headway.advising.caseload` does it where it is given no base rate of past runs.
        """
        found = np.full(len(self), -1, dtype=np.int8)
        ranked = np.flatnonzero(mine & (self.status == SCORED))
        if len(ranked) == 0:
            return found
        risk = self.risk[ranked]
        found[ranked] = np.where(risk > risk.mean(), 2, 3)
        found[ranked[: 2 * capacity]] = 1
        found[ranked[:capacity]] = 0
        return found

    def list_name(self, code: int) -> ListName | None:
        """The name of a list; None for -1."""
        return LISTS[code] if code >= 0 else None


def state_of(connection: sa.Connection, score_run: ScoreRun) -> tuple[int, int]:
    """How many predictions a score run has, and a sum over its run's groups: other numbers mean another board."""
    own = sa.select(sa.func.count()).select_from(PREDICTIONS).where(PREDICTIONS.c.score_run_id == score_run.id)
    sizes = sa.select(GROUP_MEMBERS.c.group_name, sa.func.count(), sa.func.min(GROUP_MEMBERS.c.learner))
    grouped = sizes.where(GROUP_MEMBERS.c.run == score_run.run).group_by(GROUP_MEMBERS.c.group_name)
    groups = sorted((str(name), int(size), str(first)) for name, size, first in connection.execute(grouped))
    return int(connection.execute(own).scalar_one()), hash(tuple(groups))


def board_of(connection: sa.Connection, score_run: ScoreRun) -> Board:
    """The board of a score run."""
    kept = sa.select(
        PREDICTIONS.c.learner,
        PREDICTIONS.c.status,
        PREDICTIONS.c.risk,
        PREDICTIONS.c.low,
        PREDICTIONS.c.high,
        PREDICTIONS.c.comparable,
        PREDICTIONS.c.why_too_early,
        PREDICTIONS.c.reasons,
    ).where(PREDICTIONS.c.score_run_id == score_run.id)
    rows = connection.execute(kept).all()
    groups = _groups(connection, score_run)

    def numbers(column: int) -> "NDArray[np.float64]":
        return np.array([np.nan if row[column] is None else row[column] for row in rows], dtype=np.float64)

    learners = np.array([row.learner for row in rows], dtype=object)
    risk, low, high = (numbers(column) for column in (2, 3, 4))
    status = np.array([row.status != "scored" for row in rows], dtype=np.int8)
    absent = [row.reasons["days_since_visit"] for row in rows]
    order = np.lexsort((learners.astype(str), -np.nan_to_num(low), -np.nan_to_num(risk), status))
    return Board(
        score_run=score_run,
        learners=learners[order],
        status=status[order],
        risk=risk[order],
        low=low[order],
        high=high[order],
        comparable=np.array([row.comparable for row in rows], dtype=np.int64)[order],
        absent_days=np.array([np.nan if days is None else days for days in absent], dtype=np.float64)[order],
        reason=np.array([_main(row.reasons["reasons"], row.why_too_early) for row in rows], dtype=object)[order],
        group=np.array([groups.get(row.learner, "") for row in rows], dtype=object)[order],
        place={learner: at for at, learner in enumerate(learners[order])},
    )


def _groups(connection: sa.Connection, score_run: ScoreRun) -> dict[str, str]:
    grouped = sa.select(GROUP_MEMBERS.c.learner, GROUP_MEMBERS.c.group_name).where(GROUP_MEMBERS.c.run == score_run.run)
    return {row.learner: row.group_name for row in connection.execute(grouped)}


def _main(reasons: Sequence[dict[str, str]], why_too_early: str | None) -> str:
    if why_too_early:
        return why_too_early
    towards = [reason for reason in reasons if reason["direction"] == "for"]
    return next((reason["text"] for reason in (*towards, *reasons)), "")
