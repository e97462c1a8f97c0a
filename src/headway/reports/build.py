"""From what flow has at hand to what a page shows. Computes nothing about learners; only gathers and words."""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime
from typing import Any

import headway
from headway.advising.caseload import Caseload
from headway.models.model import MODELS
from headway.registry.registry import ModelVersion
from headway.reports.evaluation import NAMES, EvaluationReport
from headway.reports.pages import Provenance
from headway.reports.report import ListReport, PastCheck, RiskPoint
from headway.scoring.kept import ScoreRun
from headway.scoring.predict import Prediction

RULE = "inactive-7-days"


def provenance(
    view_hash: str, snapshot: str, seed: int, made_at: datetime, model: str = "", version: str = ""
) -> Provenance:
    """What a page was made from, with this version of headway."""
    return Provenance(model, version, view_hash, snapshot, seed, made_at, headway.__version__)


def list_report(
    score_run: ScoreRun,
    version: ModelVersion,
    caseload: Caseload,
    zone: str,
    listed: AbstractSet[str],
    earlier: Sequence[tuple[ScoreRun, Sequence[Prediction]]],
    data_up_to: datetime | None,
    evaluation: Sequence[dict[str, Any]],
) -> ListReport:
    """All that the page of a scored run shows.

    Args:
        score_run: what was scored.
        version: the model that scored it.
        caseload: the cohort in order.
        zone: the run's time zone.
        listed: the learners whose reasons and past weeks are shown.
        earlier: earlier score runs of the same run and label with their predictions, oldest first.
        data_up_to: when the latest known record was recorded.
        evaluation: rows of figures to show; the model's own check where there are none.
    """
    rows: list[Any] = list(evaluation) or list(_check(version))
    rules = [model.name for model in MODELS if model.trivial]
    return ListReport(
        run=score_run.run,
        label=score_run.facts["label"],
        as_of=score_run.as_of,
        zone=zone,
        caseload=caseload,
        made=provenance(
            score_run.view_hash, score_run.snapshot, version.seed, score_run.scored_at, version.model, version.ref
        ),
        day=score_run.facts["day"],
        data_up_to=data_up_to,
        past_check=past_check(_check(version), version.model),
        history=_history(listed, earlier),
        evaluation=EvaluationReport(rows, score_run.facts["label"], rules) if rows else None,
        notes=_notes(version),
    )


def past_check(rows: Sequence[dict[str, Any]], model: str) -> PastCheck | None:
    """How such a list did on the latest past run beside the simple rule; None where it could not be checked."""
    found = {row["model"]: row for row in rows if row.get("at_capacity")}
    if model not in found or RULE not in found:
        return None
    own, rule = found[model], found[RULE]
    flagged = int(own["at_capacity"]["flagged"])
    return PastCheck(
        where=f"{own['test'].split('/', 1)[1].replace('/', ' ')}, day {own['day']}",
        k=flagged,
        hits=round(own["at_capacity"]["precision"] * flagged),
        rule=NAMES[RULE],
        rule_hits=round(rule["at_capacity"]["precision"] * flagged),
    )


def _check(version: ModelVersion) -> list[dict[str, Any]]:
    rows = version.report.get("check", [])
    return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []


def _history(
    listed: AbstractSet[str], earlier: Sequence[tuple[ScoreRun, Sequence[Prediction]]]
) -> dict[str, list[RiskPoint]]:
    points: dict[str, dict[int, RiskPoint]] = {learner: {} for learner in listed}
    for score_run, predictions in earlier:
        day = int(score_run.facts["day"])
        for said in predictions:
            if said.learner in points and said.risk is not None and said.low is not None and said.high is not None:
                points[said.learner][day] = RiskPoint(day, said.risk, said.low, said.high)
    return {learner: [by_day[day] for day in sorted(by_day)] for learner, by_day in points.items() if by_day}


def _notes(version: ModelVersion) -> tuple[str, ...]:
    notes = [
        f"Learned from {', '.join(version.train_runs)}, with labels known by {version.known_by}.",
        "Nothing recorded after the as-of time was used.",
    ]
    rows = _check(version)
    if rows and rows[0]["paradigm"] == "post-hoc":
        notes.append(
            "Only one past run was known, so the check is on other learners of that run: read it as optimistic."
        )
    return tuple(notes)
