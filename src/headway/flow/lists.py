"""From scores to people: lists of whom to contact, reasons."""

from collections.abc import Sequence
from dataclasses import dataclass

from headway.advising.caseload import Candidate as CaseCandidate
from headway.advising.caseload import Caseload, caseload
from headway.domain.errors import InputError
from headway.domain.time import AsOf
from headway.features.as_of import run_facts
from headway.flow.app import App
from headway.flow.caseload_facts import cases_of, standing
from headway.flow.records import hashed, one_run
from headway.governance import audit
from headway.scoring import kept
from headway.scoring.kept import ScoreRun
from headway.scoring.predict import Prediction


@dataclass(frozen=True, slots=True)
class ContactList:
    """A scored cohort in order, cut at the capacity, with what it was made from.

    Attributes:
        score_run: whose predictions these are.
        caseload: the cohort in order, without those who are off the list.
        zone: the run's time zone.
        off: how many are off it: they asked not to be contacted, or a challenge that waits took them off.
    """

    score_run: ScoreRun
    caseload: Caseload
    zone: str
    off: int = 0


def list_contacts(app: App, run: str, as_of_text: str, capacity: int | None = None) -> ContactList:
    """Whom to contact first in a run that was scored as of the date: the lists that the pages show.

    Raises:
        InputError: it was not scored as of that date; the message says how to.
    """
    score_run, predictions, zone = _scored(app, run, as_of_text)
    off = standing(app, score_run.run, lambda _: cases_of(app, score_run.run))[1].off
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
        if said.learner not in off
    ]
    limit = capacity or app.settings.advising.capacity
    rate = kept.base_rate(score_run, [said.risk for said in predictions if said.risk is not None])
    lists = caseload(candidates, limit, base_rate=rate)
    found = ContactList(score_run, lists, zone, len(predictions) - len(candidates))
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
