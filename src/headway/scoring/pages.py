"""Predictions in the store as pages and newest ones, for those who read them over the network."""

import sqlalchemy as sa

from headway.domain.time import AsOf
from headway.scoring import kept
from headway.scoring.kept import ScoreRun
from headway.scoring.predict import Prediction
from headway.store.tables import PREDICTIONS, SCORE_RUNS


def newest(connection: sa.Connection, run: str, as_of: AsOf | None = None) -> ScoreRun | None:
    """The score run with the latest as-of time, or the newest at a given one; None where there is none."""
    if as_of is not None:
        return kept.find(connection, run, as_of)
    return kept.find(connection, run)


def newest_of_runs(connection: sa.Connection) -> dict[str, AsOf]:
    """The latest as-of time at which each run was scored."""
    last = sa.func.max(SCORE_RUNS.c.as_of, type_=SCORE_RUNS.c.as_of.type).label("as_of")
    rows = connection.execute(sa.select(SCORE_RUNS.c.run, last).group_by(SCORE_RUNS.c.run))
    return {row.run: AsOf(row.as_of) for row in rows}


def page(connection: sa.Connection, score_run: ScoreRun, after: str, limit: int) -> tuple[list[Prediction], bool]:
    """At most `limit` predictions of learners behind `after`, in order of their ids, and whether there are more."""
    wanted = sa.select(PREDICTIONS.c.learner).where(
        PREDICTIONS.c.score_run_id == score_run.id, PREDICTIONS.c.learner > after
    )
    learners = list(connection.execute(wanted.order_by(PREDICTIONS.c.learner).limit(limit + 1)).scalars())
    some = learners[:limit]
    return (kept.predictions_of(connection, score_run, some) if some else []), len(learners) > limit


def of_learner(connection: sa.Connection, learner: str) -> list[tuple[str, AsOf]]:
    """The runs in which a learner was predicted, with the latest as-of time of each, the latest first."""
    last = sa.func.max(SCORE_RUNS.c.as_of, type_=SCORE_RUNS.c.as_of.type).label("as_of")
    wanted = (
        sa.select(SCORE_RUNS.c.run, last)
        .join(PREDICTIONS, PREDICTIONS.c.score_run_id == SCORE_RUNS.c.id)
        .where(PREDICTIONS.c.learner == learner)
        .group_by(SCORE_RUNS.c.run)
    )
    found = [(row.run, AsOf(row.as_of)) for row in connection.execute(wanted)]
    return sorted(found, key=lambda pair: (pair[1], pair[0]), reverse=True)
