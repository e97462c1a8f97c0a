"""A made-up scored run and its evaluation, with everything a report can show."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from headway.advising.caseload import Candidate, Caseload, caseload
from headway.domain.time import AsOf
from headway.evaluation.metrics import ReliabilityBin
from headway.explanation.reasons import Reason
from headway.reports.evaluation import EvaluationReport
from headway.reports.pages import Provenance
from headway.reports.report import ListReport, PastCheck, RiskPoint

MADE = Provenance("boosting", "3", "a1b2c3d4", "lake 17", 7, datetime(2014, 12, 3, 6, tzinfo=UTC), "0.1.0")


def interval(value: float, half: float = 0.03) -> dict[str, float]:
    return {"value": value, "low": value - half, "high": value + half}


def made_row(model: str, day: int, auroc: float, **more: Any) -> dict[str, Any]:
    row: dict[str, Any] = {
        "protocol": "custom",
        "paradigm": "transfer",
        "model": model,
        "train": ["oulad/AAA/2013J", "oulad/BBB/2013B"],
        "test": "oulad/AAA/2014J",
        "day": day,
        "n": 360 - day,
        "base_rate": 0.31,
        "auroc": interval(auroc),
        "auprc": interval(auroc - 0.2),
        "brier": 0.187,
        "ece": {**interval(0.041, 0.01), "expected": 0.03},
        "at_capacity": {"k": 25, "precision": 0.68, "recall": 0.17, "f1": 0.27, "lift": 2.19, "flagged": 25},
    }
    return row | more


def made_rows() -> list[Mapping[str, Any]]:
    return [
        made_row(model, day, start + day / 700)
        for day in (14, 56)
        for model, start in (("inactive-7-days", 0.55), ("logistic", 0.66), ("boosting", 0.7))
    ]


def made_reasons() -> tuple[Reason, ...]:
    return (
        Reason(
            "days_since_last_activity", 12.0, 1.0, "for", 0.5, "Last visit 12 days ago (course middle: 1)", "visits"
        ),
        Reason("mean_score", None, 0.61, "for", 0.2, "No marked work yet", "results"),
        Reason("posts", 8.0, 1.0, "against", 0.1, "Wrote <b>8</b> posts & more (course middle: 1)", "forum"),
    )


def made_caseload(capacity: int = 3, past_cut: float | None = None) -> Caseload:
    cohort = [
        Candidate(
            f"L{i:02d}", i / 20, max(0.0, i / 20 - 0.12), min(1.0, i / 20 + 0.12), "scored", made_reasons(), i % 9
        )
        for i in range(20)
    ]
    cohort += [
        Candidate("E1", 0.5, 0, 1, "too_early", detail="Fewer than 3 weeks of data."),
        Candidate("E2", 0.5, 0, 1, "too_early", days_since_visit=2, detail="Fewer than 3 weeks of data."),
    ]
    return caseload(cohort, capacity, base_rate=0.3, past_cut=past_cut)


def made_report(**more: Any) -> ListReport:
    fields: dict[str, Any] = {
        "run": "oulad/AAA/2014J",
        "label": "does_not_finish",
        "as_of": AsOf.at("2014-11-26", "Europe/London"),
        "zone": "Europe/London",
        "caseload": made_caseload(),
        "made": MADE,
        "day": 56,
        "data_up_to": datetime(2014, 11, 26, 22, 40, tzinfo=UTC),
        "past_check": PastCheck("oulad/AAA/2013J, day 56", 25, 17, "no visit for 7 days", 12),
        "history": {"L19": (RiskPoint(14, 0.4, 0.2, 0.6), RiskPoint(56, 0.95, 0.8, 1.0))},
        "evaluation": EvaluationReport(made_rows()),
        "reliability": (ReliabilityBin(400, 0.12, 0.1, 0.08, 0.13), ReliabilityBin(90, 0.61, 0.58, 0.5, 0.67)),
        "notes": ("Results are taken as known 7 days after hand-in.",),
    }
    return ListReport(**(fields | more))
