"""Score runs in the store: written once by scoring, read by lists and explanations."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import sqlalchemy as sa

from headway.domain.errors import InputError
from headway.domain.time import AsOf
from headway.explanation.reasons import Reason
from headway.scoring.predict import Prediction
from headway.store.tables import PREDICTIONS, SCORE_RUNS, insert_many


@dataclass(frozen=True, slots=True)
class ScoreRun:
    """One model version × one run × one as-of time.

    Attributes:
        id: deterministic in these three.
        model_version: the registry's ref.
        run: the course run.
        as_of: the as-of time.
        scored_at: when it was computed.
        snapshot: what was in the lake then.
        view_hash: the feature definitions.
        learners: how many were enrolled.
        too_early: for how many of them it is too early to say.
        facts: label, seed, course day, base rate and the like.
    """

    id: str
    model_version: str
    run: str
    as_of: AsOf
    scored_at: datetime
    snapshot: str
    view_hash: str
    learners: int
    too_early: int
    facts: dict[str, Any]


def score_run_id(model_version: str, run: str, as_of: AsOf) -> str:
    """The id of a score run: the same three always have the same."""
    return str(uuid5(NAMESPACE_URL, f"headway/{model_version}/{run}/{as_of}"))


def base_rate(score_run: ScoreRun, risks: Sequence[float]) -> float:
    """The risk above which a learner beyond capacity is kept an eye on, whoever looks and on whatever road.

    It is the label's rate in what the model learned from; the mean of `risks`, all that the score run has, where it
    was scored before that rate was kept with it.
    """
    rate = score_run.facts.get("base_rate")
    if isinstance(rate, float):
        return rate
    # fsum is exact: with all risks alike, a mean that is off by its last digit would move everybody.
    return math.fsum(risks) / len(risks) if len(risks) else 0.0


def find(
    connection: sa.Connection, run: str, as_of: AsOf | None = None, model_version: str | None = None
) -> ScoreRun | None:
    """The score run of a run at an as-of time (its latest where none is named); None where there is none.

    Args:
        connection: a reading one will do.
        run: the course run.
        as_of: exactly this as-of time.
        model_version: by this model version; the one made last where none is named.
    """
    wanted = sa.select(SCORE_RUNS).where(SCORE_RUNS.c.run == run)
    if as_of is not None:
        wanted = wanted.where(SCORE_RUNS.c.as_of == as_of.instant)
    if model_version is not None:
        wanted = wanted.where(SCORE_RUNS.c.model_version == model_version)
    order = (SCORE_RUNS.c.as_of.desc(), SCORE_RUNS.c.scored_at.desc(), SCORE_RUNS.c.id)
    row = connection.execute(wanted.order_by(*order).limit(1)).mappings().first()
    return None if row is None else _score_run(dict(row))


def for_run(connection: sa.Connection, run: str) -> list[ScoreRun]:
    """All score runs of a course run, oldest as-of time first."""
    rows = connection.execute(
        sa.select(SCORE_RUNS).where(SCORE_RUNS.c.run == run).order_by(SCORE_RUNS.c.as_of, SCORE_RUNS.c.scored_at)
    ).mappings()
    return [_score_run(dict(row)) for row in rows]


def newest(connection: sa.Connection, run: str, since: AsOf, until: AsOf) -> ScoreRun | None:
    """The score run of a course run with the newest as-of time between two; None where there is none."""
    near = (SCORE_RUNS.c.as_of >= since.instant) & (SCORE_RUNS.c.as_of <= until.instant)
    query = sa.select(SCORE_RUNS).where((SCORE_RUNS.c.run == run) & near)
    order = (SCORE_RUNS.c.as_of.desc(), SCORE_RUNS.c.scored_at.desc(), SCORE_RUNS.c.id)
    row = connection.execute(query.order_by(*order).limit(1)).mappings().first()
    return None if row is None else _score_run(dict(row))


def remove(connection: sa.Connection, score_run_ids: Sequence[str]) -> int:
    """How many score runs were removed with their predictions. Those that stay are as they were."""
    return connection.execute(sa.delete(SCORE_RUNS).where(SCORE_RUNS.c.id.in_(score_run_ids))).rowcount


def write(connection: sa.Connection, score_run: ScoreRun, predictions: Sequence[Prediction]) -> None:
    """Keeps a score run with its predictions. They are never changed afterwards."""
    connection.execute(
        sa.insert(SCORE_RUNS),
        {
            "id": score_run.id,
            "model_version": score_run.model_version,
            "run": score_run.run,
            "as_of": score_run.as_of.instant,
            "scored_at": score_run.scored_at,
            "snapshot": score_run.snapshot,
            "view_hash": score_run.view_hash,
            "learners": score_run.learners,
            "too_early": score_run.too_early,
            "settings": score_run.facts,
        },
    )
    insert_many(connection, PREDICTIONS, (_row(score_run.id, prediction) for prediction in predictions))


def predictions_of(
    connection: sa.Connection, score_run: ScoreRun, learners: Sequence[str] | None = None
) -> list[Prediction]:
    """The predictions of a score run, by learner; only some learners' where named.

    Raises:
        InputError: a learner named has no prediction in it.
    """
    wanted = sa.select(PREDICTIONS).where(PREDICTIONS.c.score_run_id == score_run.id)
    if learners is not None:
        wanted = wanted.where(PREDICTIONS.c.learner.in_(learners))
    found = [_prediction(dict(row)) for row in connection.execute(wanted.order_by(PREDICTIONS.c.learner)).mappings()]
    missing = sorted(set(learners or ()) - {prediction.learner for prediction in found})
    if missing:
        raise InputError(
            f"{', '.join(missing)} was not enrolled in {score_run.run} as of {score_run.as_of}: no prediction. "
            "Check the id with headway list."
        )
    return found


def of_learner(connection: sa.Connection, learner: str) -> dict[str, Prediction]:
    """All that was predicted of a learner, by the id of the score run."""
    rows = connection.execute(sa.select(PREDICTIONS).where(PREDICTIONS.c.learner == learner)).mappings()
    return {str(row["score_run_id"]): _prediction(dict(row)) for row in rows}


def erase(connection: sa.Connection, learner: str) -> int:
    """How many predictions of a learner were removed."""
    return connection.execute(sa.delete(PREDICTIONS).where(PREDICTIONS.c.learner == learner)).rowcount


def _score_run(row: dict[str, Any]) -> ScoreRun:
    return ScoreRun(facts=row.pop("settings"), as_of=AsOf(row.pop("as_of")), **row)


def _row(score_run_id: str, prediction: Prediction) -> dict[str, Any]:
    return {
        "score_run_id": score_run_id,
        "learner": prediction.learner,
        "status": prediction.status,
        "risk": prediction.risk,
        "low": prediction.low,
        "high": prediction.high,
        "comparable": prediction.comparable,
        "why_too_early": prediction.why_too_early,
        "features_hash": prediction.features_hash,
        "reasons": {
            "days_since_visit": prediction.days_since_visit,
            "reasons": [reason.as_row() for reason in prediction.reasons],
        },
    }


def _prediction(row: dict[str, Any]) -> Prediction:
    kept = row.pop("reasons")
    row.pop("score_run_id")
    return Prediction(
        reasons=tuple(Reason.from_row(reason) for reason in kept["reasons"]),
        days_since_visit=kept["days_since_visit"],
        **row,
    )
