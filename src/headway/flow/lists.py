"""From scores to people: lists of whom to contact, reasons."""

from collections.abc import Sequence
from dataclasses import dataclass

from headway.advising.caseload import Candidate as CaseCandidate
from headway.advising.caseload import Caseload, caseload
from headway.domain.errors import InputError
from headway.domain.time import AsOf
from headway.features.as_of import run_facts
from headway.flow.app import App
from headway.flow.records import hashed, one_run
from headway.governance import audit
from headway.registry.registry import ModelVersion
from headway.scoring import kept
from headway.scoring.kept import ScoreRun
from headway.scoring.predict import Prediction


@dataclass(frozen=True, slots=True)
class ContactList:
    """A scored cohort in order, cut at the capacity, with what it was made from."""

    score_run: ScoreRun
    version: ModelVersion
    caseload: Caseload
    zone: str


def list_contacts(app: App, run: str, as_of_text: str, capacity: int | None = None) -> ContactList:
    """Whom to contact first in a run that was scored as of the date.

    Raises:
        InputError: it was not scored as of that date; the message says how to.
    """
    score_run, predictions, zone = _scored(app, run, as_of_text)
    version = app.registry.get(score_run.model_version)
    candidates = [
        CaseCandidate(
            learner=said.learner,
            risk=said.risk or 0.0,
            low=said.low or 0.0,
            high=said.high or 0.0,
            status=said.status,
            reasons=said.reasons,
            days_since_visit=said.days_since_visit,
            detail=said.why_too_early or "",
        )
        for said in predictions
    ]
    limit = capacity or app.settings.advising.capacity
    base_rate = version.report["base_rate"]
    assert isinstance(base_rate, float)
    found = ContactList(score_run, version, caseload(candidates, limit, base_rate=base_rate), zone)
    with app.store.begin() as connection:
        detail = {"score_run": score_run.id, "listed": len(found.caseload.listed)}
        audit.record(connection, app.clock.now(), app.actor, "list", score_run.run, detail)
    return found


def explain(app: App, learner: str, run: str, as_of_text: str) -> tuple[ScoreRun, Prediction]:
    """One learner's prediction with its reasons, from the newest score run as of the date.

    Raises:
        InputError: the run was not scored as of that date, or the learner was not enrolled.
    """
    score_run, _, _ = _scored(app, run, as_of_text, [])
    with app.store.begin() as connection:
        (prediction,) = kept.predictions_of(connection, score_run, [learner])
        audit.record(connection, app.clock.now(), app.actor, "view", hashed(learner), {"score_run": score_run.id})
    return score_run, prediction


def _scored(
    app: App, run: str, as_of_text: str, learners: Sequence[str] | None = None
) -> tuple[ScoreRun, list[Prediction], str]:
    """The newest score run of a run as of a date, its predictions (some learners' only), and the run's zone."""
    run = one_run(app, run)
    with app.lake.open(None, [run], kinds=["course_runs"]) as records:
        zone = run_facts(records, run).zone
    as_of = AsOf.at(as_of_text, zone)
    with app.store.read() as connection:
        found = kept.find(connection, run, as_of)
        if found is None:
            dates = sorted({str(earlier.as_of) for earlier in kept.for_run(connection, run)})
            raise InputError(
                f"{run} was not scored as of {as_of} (scored: {', '.join(dates) or 'never'}). "
                f"Run: headway score --run {run} --as-of {as_of_text}"
            )
        return found, kept.predictions_of(connection, found, learners), zone
